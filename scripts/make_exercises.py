"""Cut the exercises out of the chapters: `_build/exercises/students` and `…/teacher`.

.venv/bin/python scripts/make_exercises.py [--output FOLDER] [NOTEBOOK …]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from stim_lib.classroom import ExerciseError, write_release

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Write both folders; return the exit code."""
    parser = argparse.ArgumentParser(description="Cut the exercises out of the chapters.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="chapters; all by default")
    parser.add_argument("--output", type=Path, default=ROOT / "_build" / "exercises")
    options = parser.parse_args()
    chapters = options.notebooks or sorted((ROOT / "notebooks").glob("*.ipynb"))
    started = time.monotonic()
    try:
        made = write_release(chapters, options.output)
    except (ExerciseError, OSError) as error:
        print(f"Nothing written. {error}", file=sys.stderr)
        return 2
    print(f"{len(chapters)} chapters in {time.monotonic() - started:.0f} s.")
    print(f"For students:    {made['students']}")
    print(f"For the teacher: {made['teacher']}  (solutions and hidden tests: keep it to yourself)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
