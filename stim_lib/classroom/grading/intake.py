"""Take in what students hand in, and believe none of it.

A submission is a file of unknown content. Its answers are lifted out and laid into the teacher's
notebook; everything else of it (metadata, outputs, ids, changed tests) is left behind.
"""

from __future__ import annotations

import json
import os
import stat
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode, v4

LARGEST_FILE = 20 * 2**20
LARGEST_CELL = 200_000
MOST_CELLS = 1000


class IntakeError(ValueError):
    """A submission that can't be read; the text says why, to the teacher."""


@dataclass(frozen=True)
class Submission:
    """One notebook that was handed in, or what stands in its place.

    Attributes
    ----------
    student, chapter : str
        The names of the folder and, without its ending, of the file.
    path : Path
    problem : str
        Why it is not graded; empty if it is.
    """

    student: str
    chapter: str
    path: Path
    problem: str = ""


def find_submissions(folder: Path, chapters: list[str]) -> list[Submission]:
    """List what lies in a folder of submissions.

    Parameters
    ----------
    folder : Path
        With ``<student>/<chapter>.ipynb``.
    chapters : list of str
        Names of the chapters that have exercises.

    Returns
    -------
    list of Submission
        By student, then chapter. Hidden files and files that are no notebooks are passed over.

    Notes
    -----
    Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "ann").mkdir()
    ...     (Path(folder) / "ann" / "99_sums.ipynb").touch()
    ...     find_submissions(Path(folder), ["99_sums"])[0].student
    'ann'
    """
    found = []
    for place in sorted(folder.iterdir()):
        if place.name.startswith(".") or place.name == "__MACOSX":
            continue
        if place.is_symlink():
            found.append(Submission(place.name, "", place, "a link, not a folder: not followed"))
        elif place.is_dir():
            found += _of_student(place, chapters)
        elif place.suffix == ".ipynb":
            problem = "lies loose: put it into a folder with the student's id, <id>/<chapter>.ipynb"
            found.append(Submission(place.stem, "", place, problem))
    return found


def _of_student(place: Path, chapters: list[str]) -> list[Submission]:
    """The notebooks in one student's folder."""
    try:
        paths = sorted(p for p in place.iterdir() if p.suffix.lower() == ".ipynb")
    except OSError as error:
        return [Submission(place.name, "", place, f"the folder can't be read: {error.strerror}")]
    paths = [path for path in paths if not path.name.startswith(".")]
    if not paths:
        return [Submission(place.name, "", place, "no notebook in the folder")]
    right = {f"{name}.ipynb" for name in chapters}
    return [
        Submission(place.name, path.stem, path, "" if path.name in right else _unknown(chapters))
        for path in paths
    ]


def _unknown(chapters: list[str]) -> str:
    such = f", such as {chapters[0]}.ipynb" if chapters else ""
    return f"no chapter of this name; rename the file as it was handed out{such}"


def read_submission(path: Path) -> NotebookNode:
    """Read a notebook that may be anything.

    Parameters
    ----------
    path : Path

    Returns
    -------
    NotebookNode
        Format 4, with code and Markdown cells that hold text; nothing else is checked.

    Raises
    ------
    IntakeError
        If it is no file, a link, empty, larger than 20 MB, or no notebook of format 4.

    Notes
    -----
    Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> read_submission(Path("nowhere.ipynb"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    stim_lib...IntakeError: the file can't be opened: No such file or directory
    """
    data = _read_bytes(path)
    if not data.strip():
        raise IntakeError("the file is empty")
    try:
        content = json.loads(data)
    except UnicodeDecodeError:
        raise IntakeError("not a notebook: the file is no text") from None
    except (ValueError, RecursionError):
        raise IntakeError("not a notebook, or a damaged one: the file is no valid JSON") from None
    if not isinstance(content, dict) or content.get("nbformat") not in (2, 3, 4):
        raise IntakeError("not a notebook: the file has no format number")
    if content["nbformat"] != 4:
        raise IntakeError(
            f"notebook format {content['nbformat']}: open it in Jupyter, save it, hand it in again"
        )
    cells = content.get("cells")
    if not isinstance(cells, list):
        raise IntakeError("a damaged notebook: it has no list of cells")
    if len(cells) > MOST_CELLS:
        raise IntakeError(f"{len(cells):,} cells; at most {MOST_CELLS:,} are read")
    return v4.new_notebook(cells=[cell for cell in map(_clean, cells) if cell is not None])


def _read_bytes(path: Path) -> bytes:
    """The bytes of a plain file of bearable size."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if path.is_symlink():
        raise IntakeError("a link to another file: not followed")
    if path.is_dir():
        raise IntakeError("a folder, not a file")
    try:
        handle = os.open(path, flags | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise IntakeError(f"the file can't be opened: {error.strerror}") from None
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise IntakeError("not a plain file")
        if facts.st_size > LARGEST_FILE:
            raise IntakeError(
                f"the file has {facts.st_size / 2**20:,.0f} MB; at most {LARGEST_FILE // 2**20} "
                "are read. Clear its outputs and hand it in again"
            )
        return file.read(LARGEST_FILE + 1)


def _clean(cell: object) -> NotebookNode | None:
    """A cell's kind, text and grade id; None for what is no cell to run or show."""
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown"):
        return None
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str):
        return None
    # Half a surrogate pair is valid JSON and no text.
    source = source.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    make = v4.new_code_cell if cell["cell_type"] == "code" else v4.new_markdown_cell
    clean = make(source[:LARGEST_CELL])
    metadata = cell.get("metadata")
    grader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = grader.get("grade_id") if isinstance(grader, dict) else None
    clean.metadata["handed_in"] = {
        "grade_id": grade_id if isinstance(grade_id, str) else None,
        "id": cell.get("id") if isinstance(cell.get("id"), str) else None,
    }
    return clean


def grade_id_of(cell: NotebookNode) -> str | None:
    """The name by which a cell of the teacher's notebook is graded.

    Parameters
    ----------
    cell : NotebookNode

    Returns
    -------
    str or None

    Notes
    -----
    Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> grade_id_of(v4.new_code_cell("1"))
    """
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def is_answer(cell: NotebookNode) -> bool:
    """Whether a cell of the teacher's notebook is one that students fill.

    Parameters
    ----------
    cell : NotebookNode

    Returns
    -------
    bool

    Notes
    -----
    Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> is_answer(v4.new_code_cell("1"))
    False
    """
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def lay_answers(
    source: NotebookNode, release: NotebookNode, handed_in: NotebookNode
) -> tuple[NotebookNode, list[str]]:
    """Lay a student's answers and extra cells into the teacher's notebook.

    Parameters
    ----------
    source : NotebookNode
        The teacher's notebook, with tests.
    release : NotebookNode
        The same cells as students got them.
    handed_in : NotebookNode
        From `read_submission`.

    Returns
    -------
    notebook : NotebookNode
        The cells of `source` in their order, answers from the student; extra cells stand behind
        the cell they followed, but never before the last setup cell.
    notes : list of str
        What was missing or had been changed.

    Notes
    -----
    Of an answer that occurs twice, the last is the answer and the others are extra cells. So
    nothing of a student runs before the setup is complete. Introduced with the classroom, after the
    last chapter.

    Examples
    --------
    >>> empty = v4.new_notebook()
    >>> lay_answers(empty, empty, empty)[1]
    []
    """
    answers, extra = _sort(source, handed_in)
    first = next((i for i, cell in enumerate(source.cells) if is_answer(cell)), len(source.cells))
    cells, notes, waiting = [], _changes(source, release, handed_in), extra[None]
    for number, (cell, blank) in enumerate(zip(source.cells, release.cells, strict=True)):
        name = grade_id_of(cell)
        new = nbformat.from_dict(cell)
        if is_answer(cell):
            if name not in answers:
                notes.append(f"the answer cell {name} is missing")
            new["source"] = answers.get(name, blank.source)
        if number >= first:
            cells += waiting
            waiting = []
        cells.append(new)
        waiting = waiting + extra[_key(cell)]
    notebook = v4.new_notebook(cells=cells + waiting, metadata=source.metadata)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    return notebook, notes


def _key(cell: NotebookNode) -> str:
    return grade_id_of(cell) or f"text {cell.get('id')}"


def _sort(
    source: NotebookNode, handed_in: NotebookNode
) -> tuple[dict[str, str], dict[str | None, list[NotebookNode]]]:
    """Tell a student's answers from extra cells, and note behind which cell these stand."""
    graded = {grade_id_of(cell): cell for cell in source.cells if grade_id_of(cell)}
    texts = {cell.get("id") for cell in source.cells if not grade_id_of(cell)}
    told = {cell.source.strip() for cell in source.cells if not grade_id_of(cell)}
    last = {cell.metadata.handed_in.grade_id: i for i, cell in enumerate(handed_in.cells)}
    answers: dict[str, str] = {}
    extra: dict[str | None, list[NotebookNode]] = defaultdict(list)
    behind = None
    for number, cell in enumerate(handed_in.cells):
        name, own = cell.metadata.handed_in.grade_id, cell.metadata.handed_in.id
        if name in graded and (last[name] == number or not is_answer(graded[name])):
            behind = name
            if is_answer(graded[name]):
                answers[name] = cell.source
        elif own in texts and cell.cell_type == "markdown":
            behind = f"text {own}"
        elif cell.source.strip() not in told:
            make = v4.new_code_cell if cell.cell_type == "code" else v4.new_markdown_cell
            extra[behind].append(make(cell.source))
    return answers, extra


def _changes(source: NotebookNode, release: NotebookNode, handed_in: NotebookNode) -> list[str]:
    """Name the locked cells that were changed, apart from the student's id."""
    came = {cell.metadata.handed_in.grade_id: cell.source for cell in handed_in.cells}
    changed = []
    for cell, blank in zip(source.cells, release.cells, strict=True):
        name = grade_id_of(cell)
        locked = name and not is_answer(cell) and "student-id" not in cell.metadata.get("tags", [])
        if locked and name in came and came[name].split() != blank.source.split():
            changed.append(name)
    return [f"changed and put back: {', '.join(changed)}"] if changed else []
