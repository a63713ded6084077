"""The tables a teacher reads: points of every exercise, and the sums."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from nbformat import NotebookNode

from stim_lib.classroom.grading.course import Graded
from stim_lib.classroom.grading.intake import Submission, grade_id_of, is_answer
from stim_lib.classroom.grading.runner import UNANSWERED

GRADES = ("student", "chapter", "exercise", "points", "max_points", "marked_by_hand", "note")
TOTALS = ("student", "chapter", "points", "max_points", "still_to_mark", "note")
BY_HAND = "to be marked by hand"
_FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True)
class Row:
    """One exercise of one submission.

    Attributes
    ----------
    student, chapter, exercise : str
    points : float or None
        None is for a person to mark.
    max_points : float
    by_hand : str
        What a person has written into the table.
    note : str
    """

    student: str
    chapter: str
    exercise: str
    points: float | None
    max_points: float
    by_hand: str = ""
    note: str = ""

    @property
    def counted(self) -> float:
        """Points that count: those by hand, if they are a number, before the grader's."""
        return float(self.by_hand.replace(",", ".")) if self.has_mark else self.points or 0.0

    @property
    def has_mark(self) -> bool:
        """Whether a person has written a number."""
        return re.fullmatch(r"\d+([.,]\d+)?", self.by_hand.strip()) is not None


def exercises_of(source: NotebookNode) -> dict[str, dict[str, float]]:
    """The exercises of a chapter and the cells that give points for them.

    Parameters
    ----------
    source : NotebookNode
        The teacher's notebook.

    Returns
    -------
    dict of str to dict of str to float
        Label of the exercise → grade id → points.

    Notes
    -----
    A test belongs to the exercise whose label its grade id holds, else to the answer before it.
    Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> import nbformat.v4 as v4
    >>> exercises_of(v4.new_notebook())
    {}
    """
    labels = [grade_id_of(cell) for cell in source.cells if is_answer(cell)]
    found: dict[str, dict[str, float]] = {}
    last = ""
    for cell in source.cells:
        name = grade_id_of(cell)
        if name is None:
            continue
        last = name if is_answer(cell) else last
        if cell.metadata["nbgrader"].get("grade"):
            fitting = [label for label in labels if re.search(rf"{re.escape(label)}(-\d+)?$", name)]
            label = max(fitting, key=len, default=last or name)
            found.setdefault(label, {})[name] = float(cell.metadata["nbgrader"]["points"])
    return found


def make_rows(
    submission: Submission, exercises: dict[str, dict[str, float]], graded: Graded
) -> list[Row]:
    """One row for each exercise of a submission.

    Parameters
    ----------
    submission : Submission
    exercises : dict
        From `exercises_of`; empty for a chapter that is not known.
    graded : Graded

    Returns
    -------
    list of Row
        A note about the whole submission stands in its first row.

    Notes
    -----
    Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> late = Submission("ann", "99_sums", Path("99_sums.ipynb"))
    >>> row = make_rows(late, {"ex-99-sum": {"test": 2.0}}, Graded(problem="the file is empty"))[0]
    >>> row.points, row.max_points, row.note
    (0.0, 2.0, 'the file is empty')
    """
    whole = [graded.problem, *graded.notes]
    rows = []
    for label, cells in exercises.items():
        points = [graded.points.get(name, 0.0) for name in cells]
        said = [graded.messages[name] for name in (label, *cells) if name in graded.messages]
        said = said[:1] if said[:1] == [UNANSWERED] else said
        if label in cells and points == [0.0] and not said and not graded.problem:
            said = [UNANSWERED]  # nbgrader gives 0 for a text that nobody has touched
        open_ = None in points and not graded.problem
        known = 0.0 if graded.problem else sum(value or 0.0 for value in points)
        note = [BY_HAND] if open_ else [] if graded.problem else list(dict.fromkeys(said))
        rows.append(
            Row(
                submission.student,
                submission.chapter,
                label,
                None if open_ else known,
                sum(cells.values()),
                note="; ".join(filter(None, [*whole, *note])),
            )
        )
        # The submission's own notes once; that there are no points, in every row.
        whole = [graded.problem]
    if not rows:
        note = "; ".join(filter(None, whole))
        rows = [Row(submission.student, submission.chapter, "", 0.0, 0.0, note=note)]
    return rows


def read_by_hand(path: Path) -> dict[tuple[str, str, str], str]:
    """What a person has written into an earlier table.

    Parameters
    ----------
    path : Path
        ``grades.csv``; need not exist.

    Returns
    -------
    dict of (str, str, str) to str
        Student, chapter and exercise → the entry, where there is one.

    Notes
    -----
    Also reads what a spreadsheet has saved with semicolons. Introduced with the classroom, after
    the last chapter.

    Examples
    --------
    >>> read_by_hand(Path("nowhere.csv"))
    {}
    """
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    head = text.partition("\n")[0]
    lines = csv.DictReader(io.StringIO(text), delimiter=";" if head.count(";") > 3 else ",")
    keys = ("student", "chapter", "exercise")
    return {
        tuple(_bare(line.get(key) or "") for key in keys): line["marked_by_hand"].strip()
        for line in lines
        if (line.get("marked_by_hand") or "").strip()
    }


def keep_by_hand(rows: list[Row], entries: dict[tuple[str, str, str], str]) -> list[Row]:
    """Rows with the marks of an earlier table.

    Parameters
    ----------
    rows : list of Row
    entries : dict
        From `read_by_hand`.

    Returns
    -------
    list of Row

    Notes
    -----
    Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> row = Row("ann", "99_sums", "ex-99-open", None, 4.0)
    >>> keep_by_hand([row], {("ann", "99_sums", "ex-99-open"): "3"})[0].counted
    3.0
    """
    return [
        replace(row, by_hand=entries.get((row.student, row.chapter, row.exercise), ""))
        for row in rows
    ]


def write_tables(rows: list[Row], folder: Path) -> None:
    """Write ``grades.csv`` and ``totals.csv``.

    Parameters
    ----------
    rows : list of Row
    folder : Path

    Notes
    -----
    A text that a spreadsheet would take for a formula gets an apostrophe. Introduced with the
    classroom, after the last chapter.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_tables([Row("ann", "99_sums", "ex-99-sum", 2.0, 3.0)], Path(folder))
    ...     print((Path(folder) / "totals.csv").read_text().splitlines()[1])
    ann,99_sums,2,3,0,
    """
    lines = [
        (
            r.student,
            r.chapter,
            r.exercise,
            _number(r.points),
            _number(r.max_points),
            r.by_hand,
            r.note,
        )
        for r in rows
    ]
    _write(folder / "grades.csv", GRADES, lines)
    _write(folder / "totals.csv", TOTALS, _totals(rows))


def _totals(rows: list[Row]) -> list[tuple[object, ...]]:
    """One line for each submission."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.student, row.chapter), []).append(row)
    lines = []
    for (student, chapter), group in groups.items():
        waiting = [row for row in group if row.points is None and not row.has_mark]
        note = next((row.note for row in group if row.note.startswith("tampered")), "")
        note = note or (group[0].note if not any(row.counted for row in group) else "")
        lines.append(
            (
                student,
                chapter,
                _number(sum(row.counted for row in group)),
                _number(sum(row.max_points for row in group)),
                _number(sum(row.max_points for row in waiting)),
                note,
            )
        )
    return lines


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _write(path: Path, head: tuple[str, ...], lines: Iterable[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows([[_safe(str(value)) for value in line] for line in lines])


def _safe(text: str) -> str:
    """One line of bearable length that no spreadsheet computes."""
    text = " ".join(re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", " ", text).split())[:400]
    return f"'{text}" if text.startswith(_FORMULA) else text


def _bare(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text
