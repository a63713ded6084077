"""Run an answer against an exercise's tests, in this process: for code that is trusted.

It proves that a reference solution gets all points, a blank none, and a typical mistake some.
What students hand in goes through `grading`, behind walls.
"""

from __future__ import annotations

import contextlib
import copy
import io
from dataclasses import dataclass

from stim_lib.classroom.exercises import Chapter


@dataclass(frozen=True)
class Mark:
    """What one test cell said.

    Attributes
    ----------
    grade_id : str
    points, max_points : float
    hidden : bool
    message : str
        Empty if passed; else what the failed test says.
    """

    grade_id: str
    points: float
    max_points: float
    hidden: bool
    message: str


def prepare(chapter: Chapter, student_id: str = "reader") -> dict[str, object]:
    """Run the cells on which a chapter's exercises stand.

    Parameters
    ----------
    chapter : Chapter
    student_id : str
        Takes the place of the reader's in the chapter.

    Returns
    -------
    dict of str to object
        The names that the cells defined.

    Notes
    -----
    Introduced with
    the exercises of the chapters.

    Examples
    --------
    >>> prepare(Chapter("99_sums", "Sums", ("a = 1", "b = a + 1"), ()))["b"]
    2
    """
    names: dict[str, object] = {"__name__": "__main__"}
    for code in chapter.setup:
        _run(code, names)
        if "STUDENT_ID =" in code and student_id != "reader":
            _run(code.replace('STUDENT_ID = "reader"', f"STUDENT_ID = {student_id!r}"), names)
    return names


def mark(
    chapter: Chapter, names: dict[str, object], label: str, answer: str | None = None
) -> list[Mark]:
    """Run an answer, then the exercise's tests, each on what the answer left.

    Parameters
    ----------
    chapter : Chapter
    names : dict of str to object
        From `prepare`. The answer gets a copy of the mapping; data frames and arrays in it are
        copied too.
    label : str
    answer : str, optional
        Code; by default the reference solution.

    Returns
    -------
    list of Mark
        One for each test cell.

    Raises
    ------
    KeyError
        If the chapter has no such exercise.

    Notes
    -----
    An answer that raises is marked on what it had defined before. Introduced with
    the exercises of the chapters.

    Examples
    --------
    >>> from stim_lib.classroom.exercises import Exercise, GradedCell
    >>> test = GradedCell("test-ex-99-sum", 'assert total == 3, "one and two"', 2, hidden=False)
    >>> asked = Exercise("ex-99-sum", "99.1", "Warm-up", 5, "easy", "no assistant", "Add.",
    ...                  "total = 3", (test,))
    >>> chapter = Chapter("99_sums", "Sums", (), (asked,))
    >>> [m.points for m in mark(chapter, {}, "ex-99-sum")]
    [2]
    >>> mark(chapter, {}, "ex-99-sum", "total = 4")[0].message
    'one and two'
    """
    exercise = chapter.exercise(label)
    space = {name: _own(value) for name, value in names.items()}
    with contextlib.suppress(Exception):
        _run(exercise.solution if answer is None else answer, space)
    marks = []
    for test in exercise.tests:
        message = ""
        try:
            _run(test.code, space)
        except Exception as error:  # whatever an answer makes a test raise
            message = _message(error)
        points = 0 if message else test.points
        marks.append(Mark(test.grade_id, points, test.points, test.hidden, message))
    return marks


def _own(value: object) -> object:
    """A copy of what an answer could change by accident."""
    kinds = ("DataFrame", "Series", "ndarray", "list", "dict", "set")
    return copy.copy(value) if type(value).__name__ in kinds else value


def _run(code: str, names: dict[str, object]) -> None:
    """Execute a cell without showing what it prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, "<cell>", "exec"), names)


def _message(error: Exception) -> str:
    """An assertion's own words; of another error its name too."""
    text = str(error).strip()
    if isinstance(error, AssertionError):
        return text or "AssertionError without a message"
    return f"{type(error).__name__}: {text}"
