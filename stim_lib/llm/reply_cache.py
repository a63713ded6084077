"""Answers of a remote model, kept on disk: asked once, paid once, and the same tomorrow.

An entry holds the question too, which may tell of people: the folder is for its owner's eyes, and
may be deleted at any time. Introduced in chapter 10.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import warnings
from pathlib import Path

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

VERSION = 1
Answer = str | list[float]


class Entry(BaseModel):
    """One file of the cache."""

    model_config = ConfigDict(strict=True, extra="forbid")
    version: int
    address: str
    model: str
    request: dict
    answer: str | list[FiniteFloat]


class ReplyCache:
    """Answers by address, model and request.

    Parameters
    ----------
    folder : Path
        Made when the first answer is kept.
    address, model : str

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> cache = ReplyCache(folder, "http://127.0.0.1:1/v1", "small")
    >>> cache.get({"ask": "1 + 1"}) is None
    True
    >>> cache.put({"ask": "1 + 1"}, "2")
    >>> cache.get({"ask": "1 + 1"})
    '2'
    """

    def __init__(self, folder: Path, address: str, model: str) -> None:
        self.folder, self.address, self.model = folder, address, model

    def _entry(self, request: dict, answer: Answer) -> dict:
        return {
            "version": VERSION,
            "address": self.address,
            "model": self.model,
            "request": request,
            "answer": answer,
        }

    def path(self, request: dict) -> Path:
        """Where the answer belongs."""
        text = json.dumps(self._entry(request, ""), sort_keys=True)
        name = hashlib.sha256(text.encode("utf-8")).hexdigest()
        return self.folder / name[:2] / f"{name}.json"

    def get(self, request: dict) -> Answer | None:
        """The answer, or None; a damaged entry counts as none, with a warning."""
        path = self.path(request)
        try:
            entry = Entry.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError):
            entry = None
        if entry is None or entry.model_dump() != self._entry(request, entry.answer):
            warnings.warn(f"{path} was damaged; asking anew", stacklevel=2)
            return None
        return entry.answer

    def put(self, request: dict, answer: Answer) -> None:
        """Keep an answer; the file appears whole or not at all."""
        path = self.path(request)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, unfinished = tempfile.mkstemp(prefix=".unfinished-", dir=path.parent)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    json.dump(self._entry(request, answer), file)
                os.replace(unfinished, path)
            except BaseException:
                Path(unfinished).unlink(missing_ok=True)
                raise
        except OSError as error:
            # The answer is there and may have cost money: not kept is better than lost.
            warnings.warn(f"{path}: could not be kept ({error})", stacklevel=2)
