"""Grade a folder of submissions.

    .venv/bin/python scripts/grade.py submissions [--output grades] [--workers 2]

`submissions` holds <student id>/<chapter>.ipynb. Exit codes: 0 all graded, whatever the points;
2 nothing to grade; 1 anything else. What a submission can and can't do meanwhile stands in
classroom/ISOLATION.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

from stim_lib.classroom.grading import main

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    sys.exit(
        main(
            sys.argv[1:],
            source=ROOT / "_build" / "exercises" / "teacher" / "source",
            output=ROOT / "_build" / "grades",
        )
    )
