"""What several folders of tests need: the built book."""

import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

ROOT = Path(__file__).resolve().parents[1]
matplotlib.use("Agg")


@pytest.fixture(scope="session")
def built_book() -> Path:
    """Folder of the built pages; built now if anything has changed."""
    command = [sys.executable, str(ROOT / "scripts" / "build_book.py")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return ROOT / "_build" / "html"
