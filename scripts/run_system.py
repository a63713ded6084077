"""The whole system on a log of your own: one self-contained page.

    .venv/bin/python scripts/run_system.py my.csv [--config my.toml] [--output my.html]
    .venv/bin/python scripts/run_system.py --dataset foursquare_nyc

Exit codes: 0 a report; 2 the log or the configuration can't be used, nothing is written; 3 a valid
log that is too short to judge a model on, the report says what it would take; 1 anything else.
"""

from __future__ import annotations

import sys
from pathlib import Path

from stim_lib import system

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    sys.exit(
        system.main(
            sys.argv[1:],
            notebook=ROOT / "notebooks" / "14_capstone.ipynb",
            folder=ROOT / "_build" / "reports",
        )
    )
