"""A fitted recommender as plain files: text, numbers and JSON, nothing that runs when read.

Introduced in chapter 12.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from stim_lib import schema
from stim_lib.recommend.attention import Attention
from stim_lib.recommend.features import Atlas
from stim_lib.recommend.network import Network
from stim_lib.recommend.ranking import Ranker
from stim_lib.recommend.statistics import Statistics

FORMAT = "stim_lib recommender"
VERSION = 2
SETTINGS_FILE, NUMBERS_FILE, TREES_FILE = "model.json", "statistics.npz", "trees_{}.txt"
NETWORK_FILE = "network_{}.npz"
MATRICES = ("steps", "category_steps", "similar")
NUMBERS = ("return_hours", "gap_hours", "clock_offset")
INDEXES = {"catalogue": schema.ITEM, "categories": schema.CATEGORY}


def save_model(
    path: str | Path,
    *,
    atlas: Atlas,
    ranker: Ranker,
    family: dict[str, str],
    settings: dict[str, Any],
) -> Path:
    """Write a model into a folder.

    Parameters
    ----------
    path : str or Path
        Made if it is not there; files of an older model in it are replaced.
    atlas : Atlas
    ranker : Ranker
    family : dict of str to str
        Family of each feature.
    settings : dict
        What JSON can hold.

    Returns
    -------
    Path
        The folder: model.json with a checksum of every other file, statistics.npz,
        trees_n.txt, network_n.npz.

    Raises
    ------
    ValueError
        If ids are neither text nor whole numbers, or `path` is a file.

    Notes
    -----
    Holds no action of any user, only sums over all. Introduced in chapter 12.

    Examples
    --------
    >>> import tempfile
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.statistics import learn_statistics
    >>> folder = save_model(tempfile.mkdtemp(), atlas=Atlas(learn_statistics(load_seed_example())),
    ...                     ranker=Ranker(["mix"], (), {}), family={}, settings={})
    >>> load_model(folder)[0].statistics.catalogue[0]
    'Beijing'
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"path: expected a folder to write into, found the file {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    names = {name: _plain(getattr(atlas.statistics, name), name) for name in INDEXES}
    np.savez_compressed(folder / NUMBERS_FILE, allow_pickle=False, **_arrays(atlas.statistics))
    files = [NUMBERS_FILE]
    for number, booster in enumerate(ranker.boosters):
        files.append(TREES_FILE.format(number))
        (folder / files[-1]).write_text(booster.model_to_string(), encoding="utf-8")
    for number, network in enumerate(atlas.attention.networks):
        files.append(NETWORK_FILE.format(number))
        np.savez_compressed(folder / files[-1], allow_pickle=False, **network.parts)
    document = {
        "format": FORMAT, "version": VERSION, "settings": settings, "family": family,
        "features": list(ranker.names),
        "report": dict(ranker.report), "attention": dict(atlas.attention.weights),
        "files": {name: _checksum(folder / name) for name in files},
        **names,
    }  # fmt: skip
    text = json.dumps(document, ensure_ascii=False)
    (folder / SETTINGS_FILE).write_text(text, encoding="utf-8")
    return folder


def load_model(path: str | Path) -> tuple[Atlas, Ranker, dict[str, str], dict[str, Any]]:
    """Read what `save_model` wrote.

    Parameters
    ----------
    path : str or Path
        The folder.

    Returns
    -------
    atlas : Atlas
    ranker : Ranker
    family : dict of str to str
    settings : dict

    Raises
    ------
    FileNotFoundError
        If the folder holds no model, or one of its files is gone.
    ValueError
        If a file is damaged, or of another version.

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> load_model("nowhere")
    Traceback (most recent call last):
    FileNotFoundError: nowhere: expected a folder with model.json, as Recommender.save writes it
    """
    folder = Path(path)
    if not (folder / SETTINGS_FILE).is_file():
        raise FileNotFoundError(
            f"{folder}: expected a folder with {SETTINGS_FILE}, as Recommender.save writes it"
        )
    document = _document(folder)
    for name, checksum in document["files"].items():
        if Path(name).name != name or not (folder / name).is_file():
            raise FileNotFoundError(f"{folder}: expected the file {name}, found none")
        if _checksum(folder / name) != checksum:
            raise ValueError(f"{folder / name}: not the file that was saved; save the model again")
    statistics = _statistics(folder / NUMBERS_FILE, document)
    trees = [name for name in document["files"] if name.endswith(".txt")]
    networks = [name for name in document["files"] if name.startswith("network")]
    attention = Attention(document["attention"], tuple(_network(folder / n) for n in networks))
    atlas = Atlas(statistics, attention)
    return atlas, _ranker(folder, trees, document), document["family"], document["settings"]


def _document(folder: Path) -> dict[str, Any]:
    try:
        document = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{folder / SETTINGS_FILE}: damaged ({error})") from error
    kind = document if isinstance(document, dict) else {}
    if kind.get("format") != FORMAT or kind.get("version") != VERSION:
        raise ValueError(
            f"{folder / SETTINGS_FILE}: expected {FORMAT!r} of version {VERSION}, found "
            f"{kind.get('format')!r} of version {kind.get('version')!r}; fit and save again"
        )
    return document


def _ranker(folder: Path, trees: list[str], document: dict[str, Any]) -> Ranker:
    import lightgbm

    boosters = tuple(
        lightgbm.Booster(model_str=(folder / name).read_text(encoding="utf-8")) for name in trees
    )
    return Ranker(document["features"], boosters, document["report"])


def _network(file: Path) -> Network:
    with np.load(file, allow_pickle=False) as parts:
        return Network(dict(parts))


def _plain(index: pd.Index, name: str) -> list[object]:
    values = index.tolist()
    if not all(isinstance(value, str | int) for value in values):
        raise ValueError(f"{name}: expected text or whole numbers, found {index.dtype}")
    return values


def _arrays(statistics: Statistics) -> dict[str, np.ndarray]:
    arrays = {}
    for field in fields(Statistics):
        value = getattr(statistics, field.name)
        if field.name in MATRICES:
            for part in ("data", "indices", "indptr", "shape"):
                arrays[f"{field.name}_{part}"] = np.asarray(getattr(value, part))
        elif field.name not in INDEXES:
            arrays[field.name] = np.asarray(value)
    return arrays


def _statistics(file: Path, document: dict[str, Any]) -> Statistics:
    with np.load(file, allow_pickle=False) as arrays:
        values: dict[str, Any] = {
            name: sparse.csr_array(
                tuple(arrays[f"{name}_{part}"] for part in ("data", "indices", "indptr")),
                shape=tuple(arrays[f"{name}_shape"]),
            )
            for name in MATRICES
        }
        for field in fields(Statistics):
            if field.name in arrays:
                values[field.name] = arrays[field.name]
    values |= {name: float(values[name]) for name in NUMBERS}
    # An empty list of categories must not become one of objects or numbers.
    for name, column in INDEXES.items():
        names = document[name]
        values[name] = pd.Index(names, name=column, dtype=None if names else "str")
    return Statistics(**values)


def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
