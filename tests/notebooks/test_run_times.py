"""A chapter runs no longer than it says, and none longer than the book allows."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 90
LONGER = {"09": 300, "10": 300}


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.md")), ids=lambda p: p.stem)
def test_stated_run_time_is_the_measured_one(path, built_book):
    stated = int(re.search(r"runs (\d+) s on 2 cores", path.read_text(encoding="utf-8"))[1])
    measured = json.loads((built_book.parent / "timings.json").read_text())[path.stem]
    assert stated <= LONGER.get(path.stem[:2], LONGEST_SECONDS)
    # Machines differ; a statement that is off by a factor of three misleads.
    assert measured <= 3 * stated, f"{path.stem} says {stated} s and took {measured} s"
