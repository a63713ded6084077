"""Cut the exercises out of the chapters: a release for students and a folder for the teacher.

Introduced with the exercises of the chapters. Solutions and hidden tests are removed by nbgrader,
which also grades the notebooks later.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat
from nbformat import v4

from stim_lib.classroom.exercises import STUDENT_TAG, Chapter, Exercise, read_chapter

GUIDE = "*Marking guide"
HIDDEN_NOTE = "# More tests run when this is handed in.\n"
_TARGETED = re.compile(r"\{[\w:]+\}`([^`<]+?)\s*<[^`>]+>`")
_CITED = re.compile(r"\s*\{cite:\w+\}`[^`]*`")
_EQUATION = re.compile(r"\{eq\}`([^`]*)`")
_ROLE = re.compile(r"\{[\w:]+\}`([^`]+)`")
STUDENTS_README = """# Exercises

One notebook for each chapter of *When, Where, What Next?* You need the chapter beside you, for its
equations and words, and the book's environment; the README of the book says how to set it up.
Switch it on first, in the folder of the book: `source .venv/bin/activate`, or
`conda activate stim`. In a cell, `help(queries.look_back)` tells what a function of the library
does.

1. Copy the notebooks of the week into a folder of your own and open them there: `jupyter lab`.
2. Write your student id into the cell that says `STUDENT_ID`. Your data hang on it: your numbers
   are not your neighbour's.
3. Answer where it says `YOUR CODE HERE` or `YOUR ANSWER HERE`. Leave the cells with tests as they
   are; they are put back before grading.
4. Check yourself, as often as you like:

       python -m stim_lib.check 04_temporal_features.ipynb

   It runs the notebook from top to bottom and says what each visible test expected. More tests
   run when you have handed it in; they ask for the same in other ways.
5. Hand in the notebook under its own name.

The line above each exercise says how long it should take, how hard it is, and whether you may use
an AI assistant. Where you may, say in a comment what you asked and what you changed. What an
exercise asks without a name to store it under is for you and for the talk in class. An answer may
take a minute and no longer. Points are those of the tests; a person marks the open question, and
its points come on top.

| chapter | exercises | points | minutes |
| --- | --- | --- | --- |
"""
TEACHERS_README = """# For the teacher

- `source/`: the notebooks with solutions and all tests, as nbgrader reads them. Not for students.
- `solutions/`: the same to read, with explanations and marking guides. Not for students.
- `points.csv`: every exercise with its points, minutes, difficulty and rule for AI assistants.

Hand out the folder `students` beside this one. Collect what comes back as
`submissions/<student id>/<chapter>.ipynb` and run

    make grade SUBMISSIONS=submissions

The page "For teachers" of the book says the rest.
"""


def plain_text(text: str, equations: Mapping[str, str] | None = None) -> str:
    """A chapter's MyST as Markdown that a notebook shows.

    Parameters
    ----------
    text : str
    equations : mapping of str to str, optional
        LaTeX by label; a reference to one of them becomes the formula.

    Returns
    -------
    str
        References keep their words and lose their links; citations are left out.

    Examples
    --------
    >>> plain_text("Find {eq}`eq-04-decay`, see {ref}`exercise 4.1 <ex-04-by-hand>`.")
    "Find the chapter's equation, see exercise 4.1."
    >>> plain_text("Find {eq}`eq-a`.", {"eq-a": "x = 1,"})
    'Find $x = 1$.'
    """
    known = equations or {}

    def formula(found: re.Match) -> str:
        latex = " ".join(known.get(found[1], "").split()).rstrip(" .,;")
        return f"${latex}$" if latex else "the chapter's equation"

    text = _EQUATION.sub(formula, _CITED.sub("", text))
    return _ROLE.sub(r"\1", _TARGETED.sub(r"\1", text))


def source_notebook(chapter: Chapter) -> nbformat.NotebookNode:
    """The exercises of a chapter as nbgrader's source: with solutions and all tests.

    Parameters
    ----------
    chapter : Chapter

    Returns
    -------
    NotebookNode
        Setup cells, then for each exercise its text, its solution cell and its test cells. Open
        questions have a cell that a person marks.

    Examples
    --------
    >>> len(source_notebook(Chapter("99_sums", "Sums", ("a = 1",), ())).cells)
    3
    """
    head = (
        f"# Exercises: {chapter.title}\n\nAnswer where it says so, and check yourself with "
        f"`python -m stim_lib.check {chapter.name}.ipynb`."
    )
    cells = [v4.new_markdown_cell(head), v4.new_markdown_cell("## What the chapter has prepared")]
    for number, code in enumerate(chapter.setup):
        own = code.startswith("STUDENT_ID =")
        cell = _graded(code, "student-id" if own else f"setup-{number}", locked=True)
        if own:
            cell.metadata["tags"] = [STUDENT_TAG]
        cells.append(cell)
    for exercise in chapter.exercises:
        cells += _exercise_cells(exercise, chapter.equations)
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "stim_lib": {"chapter": chapter.name},
    }
    return _with_ids(v4.new_notebook(cells=cells, metadata=metadata))


def student_notebook(source: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A source notebook as students get it.

    Parameters
    ----------
    source : NotebookNode
        From `source_notebook`; not changed.

    Returns
    -------
    NotebookNode
        Without solutions and hidden tests; test cells are locked.

    Examples
    --------
    >>> source = source_notebook(Chapter("99_sums", "Sums", ("a = 1",), ()))
    >>> student_notebook(source).cells[2].source
    'a = 1'
    """
    from nbgrader import preprocessors
    from traitlets.config import Config

    notebook = nbformat.from_dict(source)
    steps = ("LockCells", "ClearSolutions", "ClearOutput", "ClearHiddenTests", "ComputeChecksums")
    for name in steps:
        step = getattr(preprocessors, name)(config=Config())
        notebook, _ = step.preprocess(notebook, {"nbgrader": {}})
    for cell in notebook.cells:
        if STUDENT_TAG in cell.metadata.get("tags", []):
            cell.metadata |= {"editable": True}
    return notebook


def solutions_notebook(chapter: Chapter) -> nbformat.NotebookNode:
    """The exercises of a chapter for a teacher to read, with explanations and marking guides.

    Parameters
    ----------
    chapter : Chapter

    Returns
    -------
    NotebookNode

    Examples
    --------
    >>> solutions_notebook(Chapter("99_sums", "Sums", (), ())).cells[0].source
    '# Solutions: Sums'
    """
    cells = [v4.new_markdown_cell(f"# Solutions: {chapter.title}")]
    cells += [v4.new_code_cell(code) for code in chapter.setup]
    for exercise in chapter.exercises:
        cells.append(v4.new_markdown_cell(plain_text(exercise.text, chapter.equations)))
        if not exercise.is_open:
            cells.append(v4.new_code_cell(exercise.solution))
            cells += [v4.new_code_cell(test.code) for test in exercise.tests]
            said = plain_text(exercise.explanation, chapter.equations)
            cells.append(v4.new_markdown_cell(said))
    return _with_ids(v4.new_notebook(cells=cells))


def write_release(chapters: Iterable[str | Path], folder: str | Path) -> dict[str, Path]:
    """Write the students' release and the teacher's folder.

    Parameters
    ----------
    chapters : iterable of str or Path
        Notebooks of the chapters.
    folder : str or Path
        Its `students` and `teacher` are replaced, whole or not at all.

    Returns
    -------
    dict of str to Path
        The two folders, under "students" and "teacher".

    Raises
    ------
    ExerciseError
        If a chapter's exercises have no proper form. Nothing is written then.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = write_release([], folder)
    ...     sorted(path.name for path in made["students"].iterdir())
    ['README.md']
    """
    read = [read_chapter(path) for path in chapters]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as new:
        students, teacher = Path(new) / "students", Path(new) / "teacher"
        for chapter in read:
            source = source_notebook(chapter)
            _write(source, teacher / "source" / chapter.name / f"{chapter.name}.ipynb")
            _write(solutions_notebook(chapter), teacher / "solutions" / f"{chapter.name}.ipynb")
            _write(student_notebook(source), students / f"{chapter.name}.ipynb")
        students.mkdir(exist_ok=True), teacher.mkdir(exist_ok=True)
        (students / "README.md").write_text(STUDENTS_README + _table(read), encoding="utf-8")
        (teacher / "README.md").write_text(TEACHERS_README, encoding="utf-8")
        (teacher / "points.csv").write_text(_points(read), encoding="utf-8")
        made = {}
        for part in (students, teacher):
            made[part.name] = folder / part.name
            shutil.rmtree(made[part.name], ignore_errors=True)
            part.rename(made[part.name])
    return made


def _exercise_cells(
    exercise: Exercise, equations: Mapping[str, str]
) -> list[nbformat.NotebookNode]:
    """Text, answer and tests of one exercise."""
    text, _, guide = exercise.text.partition(GUIDE)
    cells = [v4.new_markdown_cell(plain_text(text.strip(), equations))]
    if exercise.is_open:
        points = int(re.search(r"(\d+) points", guide)[1])
        answer = v4.new_markdown_cell("### BEGIN SOLUTION\n### END SOLUTION")
        answer.metadata["nbgrader"] = _facts(exercise.label, True, True, points=points)
        return [*cells, answer]
    solution = f"### BEGIN SOLUTION\n{exercise.solution}\n### END SOLUTION"
    cells.append(_graded(solution, exercise.label, solution=True))
    for test in exercise.tests:
        code = test.code
        if test.hidden:
            code = f"{HIDDEN_NOTE}### BEGIN HIDDEN TESTS\n{code}\n### END HIDDEN TESTS"
        cells.append(_graded(code, test.grade_id, locked=True, points=test.points))
    return cells


def _graded(
    code: str, grade_id: str, *, solution: bool = False, locked: bool = False, points: float = 0
) -> nbformat.NotebookNode:
    """A code cell with nbgrader's marks."""
    cell = v4.new_code_cell(code)
    cell.metadata["nbgrader"] = _facts(grade_id, points > 0, solution, locked, points)
    return cell


def _facts(
    grade_id: str, grade: bool, solution: bool, locked: bool = False, points: float = 0
) -> dict[str, object]:
    """What nbgrader wants to know of a cell."""
    facts = {
        "grade_id": grade_id,
        "grade": grade,
        "solution": solution,
        "locked": locked,
        "task": False,
        "schema_version": 3,
    }
    return facts | ({"points": points} if grade else {})


def _with_ids(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The same cells with ids that are the same each time."""
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    return notebook


def _write(notebook: nbformat.NotebookNode, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def _table(chapters: list[Chapter]) -> str:
    rows = []
    for chapter in chapters:
        minutes = sum(exercise.minutes for exercise in chapter.exercises)
        points = sum(exercise.points for exercise in chapter.exercises)
        rows.append(
            f"| {chapter.name[:2]} {chapter.title} | {len(chapter.exercises)} | {points:g} | "
            f"{minutes} |\n"
        )
    return "".join(rows)


def _points(chapters: list[Chapter]) -> str:
    """One line for each exercise."""
    lines = ["chapter,exercise,label,title,points,minutes,difficulty,assistant\n"]
    for chapter in chapters:
        lines += [
            f"{chapter.name},{one.number},{one.label},{one.title},{one.points:g},{one.minutes},"
            f"{one.difficulty},{one.assistant}\n"
            for one in chapter.exercises
        ]
    return "".join(lines)
