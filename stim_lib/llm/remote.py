"""A language model behind an address: any server that speaks OpenAI's protocol.

Nothing is sent unless a reader constructs one with an address and a model. What is asked leaves the
computer: a log tells where people were. Introduced in chapter 10.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from stim_lib.assets import cache_folder
from stim_lib.llm import connection, replies
from stim_lib.llm.replies import RemoteModelError
from stim_lib.llm.reply_cache import Answer, ReplyCache

FOLDER = "remote_model"
SECONDS_BETWEEN_REPORTS = 5.0


@dataclass(frozen=True)
class RemoteModel:
    """A `TextModel` that asks a server: Ollama, vLLM, a vendor.

    Parameters
    ----------
    base_url : str
        Address up to and with its version, e.g. "http://127.0.0.1:11434/v1". There is no default.
    model : str
        As the server calls it.
    embedding_model : str, optional
        The model that embeds; default: `model`.
    key_variable : str, optional
        Name of the environment variable that holds the key; never the key. Without it no key is
        sent, also if some variable holds one. It is read at each call and kept nowhere.
    cache_dir : path, optional
        Default: the folder remote_model of `assets.cache_folder`.
    timeout : float
        Seconds for a try.
    attempts : int
        Tries for each request, where trying again may help: timeouts, rate limits, errors of the
        server.
    first_wait, max_wait : float
        Seconds before the second try, doubled each time; the server's Retry-After goes first, and
        one beyond `max_wait` ends the tries.
    max_bytes : int
        Of a reply.
    batch_size : int
        Texts in a request.
    progress : bool
        Whether to report on stderr.

    Raises
    ------
    ValueError
        If the address is none, or carries a password; if the variable's name is none; if a key
        would travel unencrypted to another computer; if a number is out of range.
    RemoteModelError
        From its methods: see there.

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> model = RemoteModel("http://127.0.0.1:11434/v1", "smollm2")
    >>> model.model
    'smollm2'
    >>> RemoteModel("127.0.0.1", "smollm2")
    Traceback (most recent call last):
    ValueError: base_url: expected http:// or https:// with a host and without password, query or
    fragment, e.g. http://127.0.0.1:11434/v1
    """

    base_url: str
    model: str
    embedding_model: str | None = None
    key_variable: str | None = field(default=None, repr=False)
    cache_dir: str | Path | None = None
    timeout: float = 60.0
    attempts: int = 4
    first_wait: float = 1.0
    max_wait: float = 60.0
    max_bytes: int = 20_000_000
    batch_size: int = 16
    progress: bool = False

    def __post_init__(self) -> None:
        # No message quotes what it refuses: it may be a secret in the wrong place.
        if not connection.is_plain_address(self.base_url):
            raise ValueError(
                "base_url: expected http:// or https:// with a host and without password, query or "
                "fragment, e.g. http://127.0.0.1:11434/v1"
            )
        if not isinstance(self.model, str) or not self.model.strip():
            raise ValueError("model: expected the server's name of a model, found none")
        if self.key_variable is not None:
            if not re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", self.key_variable):
                raise ValueError(
                    "key_variable: expected the name of an environment variable in capitals, e.g. "
                    "MY_SERVER_KEY; the key itself belongs into that variable, nowhere else"
                )
            if not self.base_url.lower().startswith("https:") and not connection.stays_here(
                self.base_url
            ):
                raise ValueError(
                    "base_url: expected https:// where a key is sent to another computer, found "
                    "http://"
                )
        for name in ("timeout", "attempts", "max_bytes", "batch_size"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected more than 0, found {getattr(self, name)}")

    def score(self, prompts: Sequence[str], candidates: Sequence[str]) -> np.ndarray:
        """Log-likelihood of each candidate as the continuation of each prompt.

        Parameters
        ----------
        prompts : sequence of str, length n_prompts
            Each ends without a space.
        candidates : sequence of str, length n_candidates
            Each begins with one, in languages that have them.

        Returns
        -------
        ndarray of float64, shape (n_prompts, n_candidates)
            Nats.

        Raises
        ------
        RemoteModelError
            If the server does not return log-probabilities of what it is given: many do not. Also
            if a token straddles the end of the prompt, or as `generate`.
        """
        prompts, candidates = _texts(prompts, "prompts"), _texts(candidates, "candidates")
        requests = [
            {"kind": "score", "prompt": prompt, "candidates": candidates} for prompt in prompts
        ]

        def fits(answer: Answer) -> bool:
            return isinstance(answer, list) and len(answer) == len(candidates)

        def ask(client, some: list[dict]) -> list[list[float]]:
            return [self._score_one(client, request["prompt"], candidates) for request in some]

        answers = self._answers(self.model, requests, ask, fits) if candidates else []
        return np.array(answers, dtype=float).reshape(len(prompts), len(candidates))

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """One vector for each text.

        Parameters
        ----------
        texts : sequence of str, length n_texts

        Returns
        -------
        ndarray of float64, shape (n_texts, width)

        Raises
        ------
        RemoteModelError
            If the reply has another number of vectors, vectors of unequal width or numbers that are
            not finite; or as `generate`.
        """
        model = self.embedding_model or self.model
        requests = [{"kind": "embed", "input": text} for text in _texts(texts, "texts")]

        def fits(answer: Answer) -> bool:
            return isinstance(answer, list) and len(answer) > 0

        def ask(client, some: list[dict]) -> list[list[float]]:
            inputs = [request["input"] for request in some]
            call = client.embeddings.with_streaming_response.create
            content = self._send(call, model=model, input=inputs, encoding_format="float")
            reply = replies.read_reply(replies.EmbeddingReply, content)
            return [part.embedding for part in replies.in_order(reply.data, len(some), "vectors")]

        answers = self._answers(model, requests, ask, fits, size=self.batch_size)
        widths = {len(answer) for answer in answers}
        if len(widths) > 1:
            raise RemoteModelError(
                f"expected vectors of one width, found {sorted(widths)}. Has the model behind the "
                "name changed? Then remove the cache, or choose another cache_dir."
            )
        return np.array(answers, dtype=float).reshape(len(answers), max(widths, default=0))

    def generate(
        self,
        prompts: Sequence[str],
        max_tokens: int = 32,
        *,
        stop: Sequence[str] = (),
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[str]:
        """Answer each prompt, as one message of a chat.

        Parameters
        ----------
        prompts : sequence of str, length n_prompts
        max_tokens : int
        stop : sequence of str
        temperature : float
        seed : int
            Sent along; not every server heeds it. The cache makes a reply repeatable.

        Returns
        -------
        list of str, length n_prompts

        Raises
        ------
        RemoteModelError
            If the server can't be reached, refuses, takes too long, or what it says is not JSON, of
            another shape, too large, or holds the key. The message never holds the key.
        """
        settings = {"max_tokens": max_tokens, "temperature": temperature, "seed": seed}
        if len(stop):
            settings["stop"] = list(stop)
        requests = [
            {"kind": "generate", "prompt": prompt, **settings}
            for prompt in _texts(prompts, "prompts")
        ]

        def ask(client, some: list[dict]) -> list[str]:
            said = [{"role": "user", "content": some[0]["prompt"]}]
            call = client.chat.completions.with_streaming_response.create
            content = self._send(call, model=self.model, messages=said, **settings)
            return [replies.read_reply(replies.ChatReply, content).choices[0].message.content]

        return self._answers(self.model, requests, ask, _is_text)

    def _score_one(self, client, prompt: str, candidates: list[str]) -> list[float]:
        scores = []
        for first in range(0, len(candidates), self.batch_size):
            some = candidates[first : first + self.batch_size]
            content = self._send(
                client.completions.with_streaming_response.create,
                model=self.model, prompt=[prompt + candidate for candidate in some],
                echo=True, logprobs=1, max_tokens=0, temperature=0.0,
            )  # fmt: skip
            reply = replies.read_reply(replies.CompletionReply, content)
            parts = replies.in_order(reply.choices, len(some), "completions")
            scores += [
                replies.continuation_score(part.logprobs, prompt, candidate)
                for part, candidate in zip(parts, some, strict=True)
            ]
        return scores

    def _answers(
        self,
        model: str,
        requests: list[dict],
        ask: Callable[[object, list[dict]], list],
        fits: Callable[[Answer], bool],
        *,
        size: int = 1,
    ) -> list:
        """Answers from the cache; the others are asked for, some at once, and kept."""
        folder = Path(self.cache_dir) if self.cache_dir is not None else cache_folder() / FOLDER
        cache = ReplyCache(folder, self.base_url.rstrip("/"), model)
        paths = [cache.path(request) for request in requests]
        distinct = dict(zip(paths, requests, strict=True))
        found = {path: cache.get(request) for path, request in distinct.items()}
        missing = [path for path, answer in found.items() if answer is None or not fits(answer)]
        if missing:
            key = self._key()
            _require_without(key, requests, "a prompt")
            report = _Report(requests[0]["kind"], len(missing), self.progress)
            with connection.open_client(self.base_url, key, timeout=self.timeout) as client:
                for first in range(0, len(missing), size):
                    some = missing[first : first + size]
                    answers = ask(client, [distinct[path] for path in some])
                    _require_without(key, answers, "the reply")
                    for path, answer in zip(some, answers, strict=True):
                        cache.put(distinct[path], answer)
                        found[path] = answer
                    report(first + len(some))
        return [found[path] for path in paths]

    def _key(self) -> str | None:
        if self.key_variable is None:
            return None
        key = os.environ.get(self.key_variable, "").strip()
        if not key or not key.isascii() or not key.isprintable():
            raise RemoteModelError(
                f"{self.key_variable}: expected an environment variable with a key in printable "
                f"ASCII, found {'none' if not key else 'other characters'}. Set it, or leave "
                "key_variable out for a server that needs none."
            )
        return key

    def _send(self, call: Callable, **request: object) -> bytes:
        def hide(text: str) -> str:
            key = self._key()
            return text if key is None else text.replace(key, "[key]")

        return connection.send(
            lambda: call(**request), attempts=self.attempts, first_wait=self.first_wait,
            max_wait=self.max_wait, limit=self.max_bytes, timeout=self.timeout, hide=hide,
        )  # fmt: skip


class _Report:
    """Says on stderr how far it is, now and then."""

    def __init__(self, what: str, total: int, wanted: bool) -> None:
        self.what, self.total, self.wanted = what, total, wanted
        self.last = time.monotonic()

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if self.wanted and (done == self.total or now - self.last > SECONDS_BETWEEN_REPORTS):
            print(f"{self.what}: {done} of {self.total} asked", file=sys.stderr, flush=True)
            self.last = now


def _is_text(answer: Answer) -> bool:
    return isinstance(answer, str)


def _texts(values: Sequence[str], name: str) -> list[str]:
    """A list of texts; one text is refused, since it is a sequence of letters."""
    texts = [] if isinstance(values, str) else list(values)
    if isinstance(values, str) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{name}: expected a list of texts, found {type(values).__name__}")
    return texts


def _require_without(key: str | None, values: object, what: str) -> None:
    if key is not None and key in str(values):
        raise RemoteModelError(
            f"{what}: expected no key in it, found the key itself; nothing was kept. Is "
            "key_variable the right one? If so, replace the key."
        )
