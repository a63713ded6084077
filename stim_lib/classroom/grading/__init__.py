"""From a folder of submissions to points and feedback pages.

One file per step: intake → tampering, runner → course → table → grade → command. Names are looked
up when they are first used, so that the rest of the library does without nbgrader. Introduced with
the classroom, after the last chapter.
"""

from __future__ import annotations

import importlib

_NAMES = {
    "Graded": "course",
    "GradingError": "grade",
    "Row": "table",
    "Submission": "intake",
    "grade_submissions": "grade",
    "main": "command",
    "read_submission": "intake",
}

__all__ = [
    "Graded",
    "GradingError",
    "Row",
    "Submission",
    "grade_submissions",
    "main",
    "read_submission",
]


def __getattr__(name: str) -> object:
    """Look a name up in the file that holds it."""
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_NAMES[name]}"), name)
