"""Build the book: fetch what is missing, execute the notebooks, write the pages.

Run from anywhere: ``python scripts/build_book.py``. Nothing is done twice: pages are written only
if something they show has changed, and a notebook runs only if its code, the library, the data or
the locked packages have changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
CACHE = BUILD / ".jupyter_cache"
HTML = BUILD / "html"
EXTRA = BUILD / "extra"
# Set before any notebook imports TensorFlow: same bits on each run, no line on stderr.
FIXED_ENVIRONMENT = {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "2"}
# What a notebook's outputs depend on, beside its own code.
EXECUTION_INPUTS = ("stim_lib/**/*.py", "data/**/*", "requirements.lock")
PAGE_INPUTS = (
    "_config.yml", "_toc.yml", "_static/**/*", "book/**/*", "notebooks/*.ipynb", "scripts/*.py",
)  # fmt: skip


def digest(patterns: tuple[str, ...]) -> str:
    """Hash the names and contents of all files that the patterns match."""
    total = hashlib.sha256(sys.version.encode())
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts:
                total.update(str(path.relative_to(ROOT)).encode() + b"\0")
                total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def is_current(name: str, value: str) -> bool:
    """Whether the digest stored under a name is this one."""
    stamp = BUILD / f".{name}_digest"
    return stamp.exists() and stamp.read_text() == value


def store(name: str, value: str) -> None:
    """Remember a digest."""
    (BUILD / f".{name}_digest").write_text(value)


def place_mathjax() -> None:
    """Lay MathJax where the pages look for it."""
    from stim_lib import assets

    target = EXTRA / "mathjax" / "tex-svg.js"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(assets.fetch("mathjax"), target)


def fetch_assets() -> None:
    """Fetch everything that the book shows."""
    from stim_lib import assets

    for name in assets.list_assets()["name"]:
        assets.fetch(name)


def execute_notebooks() -> list[str]:
    """Execute what the cache does not hold, two at a time; return the names that failed."""
    from jupyter_cache import get_cache
    from jupyter_cache.executors import load_executor

    cache = get_cache(CACHE)
    for record in cache.list_project_records():
        cache.remove_nb_from_project(record.pk)
    # Pages of prose that run code read the chapters, which their own code does not show. They take
    # seconds, so they run whenever pages are written.
    for record in cache.list_cache_records():
        if Path(record.uri).is_relative_to(ROOT / "book"):
            cache.remove_cache(record.pk)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cache.add_nb_to_project(str(path))
    waiting = [Path(record.uri).name for record in cache.list_unexecuted()]
    if not waiting:
        return []
    print(f"Executing {len(waiting)} notebooks: {', '.join(waiting)}", flush=True)
    started = time.monotonic()
    result = load_executor("local-parallel", cache).run_and_cache(timeout=600)
    print(f"Executed in {time.monotonic() - started:.0f} s.", flush=True)
    store_timings(cache)
    for uri in result.excepted:
        print(f"\n{Path(uri).name} failed:", file=sys.stderr)
        print(cache.get_project_record(uri).traceback, file=sys.stderr)
    return [Path(uri).name for uri in (*result.errored, *result.excepted)]


def store_timings(cache: object) -> None:
    """Write each notebook's run time, so that a test can hold it to its limit."""
    seconds = {
        Path(record.uri).stem: round(record.data["execution_seconds"], 1)
        for record in cache.list_cache_records()
        if record.data and "execution_seconds" in record.data
    }
    (BUILD / "timings.json").write_text(json.dumps(seconds, indent=2, sort_keys=True) + "\n")
    for name, value in sorted(seconds.items()):
        print(f"  {name}: {value} s")


def write_pages() -> int:
    """Let Jupyter Book write the pages; any warning is an error."""
    # Pages of the removed chapters, and references that only a full build resolves, must not stay.
    shutil.rmtree(HTML, ignore_errors=True)
    start = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", start, "build", str(ROOT), "-W", "-n", "--keep-going", "-q"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def mend_pages() -> None:
    """Mend what screen readers stumble over.

    docutils gives the entries of the bibliography the role doc-biblioentry, which WAI-ARIA has
    deprecated in favour of listitem. pandas makes the empty corner of a table a header; an empty
    header announces nothing, an empty cell is what it is.
    """
    mended = {'role="doc-biblioentry"': 'role="listitem"', "<th></th>": "<td></td>"}
    for page in HTML.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for old, new in mended.items():
            text = text.replace(old, new)
        page.write_text(text, encoding="utf-8")


def main() -> int:
    """Build what has changed; return the exit code."""
    os.environ |= FIXED_ENVIRONMENT
    BUILD.mkdir(exist_ok=True)
    execution = digest(EXECUTION_INPUTS)
    pages = hashlib.sha256((execution + digest(PAGE_INPUTS)).encode()).hexdigest()
    index = HTML / "index.html"
    if index.exists() and is_current("pages", pages):
        print(f"Nothing has changed. The book is at {index.relative_to(ROOT)}")
        return 0
    fetch_assets()
    place_mathjax()
    if CACHE.exists() and not is_current("execution", execution):
        print("The library, the data or the packages have changed: all notebooks run again.")
        shutil.rmtree(CACHE)
    store("execution", execution)
    failed = execute_notebooks()
    if failed:
        print(f"Not built: {', '.join(failed)} failed.", file=sys.stderr)
        return 1
    print("Writing the pages …", flush=True)
    code = write_pages()
    if code:
        print("Not built: see the warnings above.", file=sys.stderr)
        return code
    mend_pages()
    store("pages", pages)
    print(f"The book is ready: open {index.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
