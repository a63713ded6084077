"""Write reveal.js slides of the chapters, each in one file that needs no network.

Run after ``make book``, from anywhere: ``python scripts/make_slides.py [NN …]``. The outputs are
those that the build has kept; nothing is executed here.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from stim_lib.assets import AssetError
from stim_lib.classroom import slides
from stim_lib.classroom.quiz import QuizError, load_quiz

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "_build" / ".jupyter_cache"
FOLDER = ROOT / "_build" / "slides"


def main(arguments: list[str] | None = None) -> int:
    """Write the slides that were asked for, or all; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", metavar="NN", help="such as 04; default: all")
    parser.add_argument("--cache", type=Path, default=CACHE, help="outputs of the last build")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the files go")
    chosen = parser.parse_args(arguments)
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    known = [path.name[:2] for path in paths]
    unknown = sorted(set(chosen.chapters) - set(known))
    if unknown:
        parser.error(f"expected chapters of {', '.join(known)}, found {', '.join(unknown)}")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    for path in paths:
        if chosen.chapters and path.name[:2] not in chosen.chapters:
            continue
        started = time.process_time()
        try:
            executed = slides.read_executed(path, chosen.cache)
            page = slides.slides_page(executed, load_quiz(path.name[:2]))
        except (slides.SlidesError, QuizError, AssetError) as error:
            print(error, file=sys.stderr)
            failed += 1
            continue
        target = chosen.folder / f"{path.stem}.html"
        target.write_text(page, encoding="utf-8")
        size, seconds = len(page.encode()) / 1e6, time.process_time() - started
        print(f"{target}: {size:.1f} MB in {seconds:.0f} s", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
