"""Read a chapter's exercises: their texts, solutions and tests.

The chapters are the one source. What students and teachers get is cut out of them by `release`,
and what the tests of the project prove is read from them here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

SETUP_TAG = "exercise-setup"
STUDENT_TAG = "student-id"
HEADING = "## Exercises"
DIFFICULTIES = ("easy", "medium", "hard")
ASSISTANTS = ("no assistant", "assistant allowed")
_START = re.compile(r"```\{exercise-start\}\s*\n:label: (?P<label>[\w-]+)\s*\n```\n?")
_END = re.compile(r"\n?```\{exercise-end\}\s*\n```")
_TITLE = re.compile(
    r"\*\*(?P<number>\d+\.\d+) (?P<title>.+?) "
    r"\((?P<minutes>\d+) min · (?P<difficulty>[a-z]+) · (?P<assistant>[a-z ]+)\)\.?\*\*"
)
_EQUATION = re.compile(
    r"\$\$\n(?P<formula>(?:(?!\$\$).)+?)\n\$\$ \((?P<label>eq-[\w-]+)\)", re.DOTALL
)
_SOLUTION_END = "```{solution-end}"
_SOLUTION = re.compile(r"[ \t]*### BEGIN SOLUTION\n(?P<code>.*?)[ \t]*### END SOLUTION", re.DOTALL)
_HIDDEN = re.compile(
    r"[ \t]*### BEGIN HIDDEN TESTS\n(?P<code>.*?)[ \t]*### END HIDDEN TESTS", re.DOTALL
)


class ExerciseError(ValueError):
    """An exercise that does not have the form the classroom needs."""


@dataclass(frozen=True)
class GradedCell:
    """One cell of assertions with its points.

    Attributes
    ----------
    grade_id : str
    code : str
    points : float
    hidden : bool
        Whether students never get the cell.
    """

    grade_id: str
    code: str
    points: float
    hidden: bool


@dataclass(frozen=True)
class Exercise:
    """One exercise of a chapter.

    Attributes
    ----------
    label : str
        As in the chapter, ``ex-04-same-hour``.
    number, title : str
        "4.2" and "Change one thing".
    minutes : int
    difficulty, assistant : str
        One of `DIFFICULTIES` and one of `ASSISTANTS`.
    text : str
        MyST, with its first line.
    solution : str
        Code of the reference solution; empty for an open question.
    tests : tuple of GradedCell
        In order; empty for an open question.
    explanation : str
        What the chapter says after the solution, MyST; empty for an open question.
    """

    label: str
    number: str
    title: str
    minutes: int
    difficulty: str
    assistant: str
    text: str
    solution: str
    tests: tuple[GradedCell, ...]
    explanation: str = ""

    @property
    def points(self) -> float:
        """Points of all tests together."""
        return sum(test.points for test in self.tests)

    @property
    def is_open(self) -> bool:
        """Whether a person marks it."""
        return not self.tests


@dataclass(frozen=True)
class Chapter:
    """The exercises of one chapter and the cells they stand on.

    Attributes
    ----------
    name : str
        Stem of the notebook, ``04_temporal_features``.
    title : str
    setup : tuple of str
        Code of the cells tagged `SETUP_TAG`, in order.
    exercises : tuple of Exercise
    equations : dict of str to str
        LaTeX of the chapter's numbered equations by label, ``eq-04-decay``.
    """

    name: str
    title: str
    setup: tuple[str, ...]
    exercises: tuple[Exercise, ...]
    equations: dict[str, str] = field(default_factory=dict)

    def exercise(self, label: str) -> Exercise:
        """The exercise of this label; KeyError with the known labels if there is none."""
        for exercise in self.exercises:
            if exercise.label == label:
                return exercise
        known = ", ".join(exercise.label for exercise in self.exercises)
        raise KeyError(f"{self.name} has no exercise {label!r}; it has {known}")


def read_chapter(path: str | Path) -> Chapter:
    r"""Read the exercises of a chapter.

    Parameters
    ----------
    path : str or Path
        The chapter's notebook, ``.ipynb``.

    Returns
    -------
    Chapter

    Raises
    ------
    ExerciseError
        If an exercise has no label line of the form "**4.2 Change one thing (20 min · medium ·
        no assistant).**", or code without tests, or tests without code; naming the chapter and
        the exercise.

    Notes
    -----
    Introduced with
    the exercises of the chapters.

    Examples
    --------
    >>> import nbformat.v4 as v4, tempfile
    >>> text = "## Exercises\n\n```{exercise-start}\n:label: ex-99-sum\n```\n" \
    ...        "**99.1 Warm-up (5 min · easy · no assistant).** Add.\n```{exercise-end}\n```"
    >>> grader = {"solution": True, "grade": False, "grade_id": "ex-99-sum"}
    >>> test = {"solution": False, "grade": True, "grade_id": "test-ex-99-sum", "points": 2}
    >>> cells = [v4.new_markdown_cell("# Sums"), v4.new_markdown_cell(text),
    ...          v4.new_code_cell("### BEGIN SOLUTION\ntotal = 3\n### END SOLUTION",
    ...                           metadata={"nbgrader": grader}),
    ...          v4.new_code_cell("assert total == 3", metadata={"nbgrader": test})]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nbformat.write(v4.new_notebook(cells=cells), f"{folder}/99_sums.ipynb")
    ...     chapter = read_chapter(f"{folder}/99_sums.ipynb")
    >>> chapter.title, chapter.exercises[0].minutes, chapter.exercises[0].points
    ('Sums', 5, 2)
    """
    path = Path(path)
    notebook = nbformat.read(path, as_version=4)
    setup = tuple(
        cell.source
        for cell in notebook.cells
        if cell.cell_type == "code" and SETUP_TAG in cell.metadata.get("tags", [])
    )
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    equations = {found["label"]: found["formula"].strip() for found in _EQUATION.finditer(text)}
    exercises = tuple(_exercises(notebook, path.stem))
    return Chapter(path.stem, _title(notebook), setup, exercises, equations)


def strip_markers(code: str) -> str:
    r"""A cell without the lines that mark solutions and hidden tests.

    Parameters
    ----------
    code : str

    Returns
    -------
    str

    Examples
    --------
    >>> strip_markers("### BEGIN HIDDEN TESTS\nassert a\n### END HIDDEN TESTS")
    'assert a'
    """
    for form in (_SOLUTION, _HIDDEN):
        code = form.sub(lambda found: found["code"].rstrip("\n"), code)
    return code


def _title(notebook: nbformat.NotebookNode) -> str:
    """The first heading."""
    for cell in notebook.cells:
        found = re.search(r"^# (.+)$", cell.source, re.MULTILINE)
        if cell.cell_type == "markdown" and found:
            return found[1].strip()
    return ""


def _exercises(notebook: nbformat.NotebookNode, name: str) -> list[Exercise]:
    """All exercises, each with the graded cells up to the next one."""
    found: list[dict] = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            before, *_ = _START.split(cell.source, maxsplit=1)
            if found and found[-1]["tests"]:
                found[-1]["explanation"] += before.split(_SOLUTION_END)[0].strip()
            found += _read_texts(cell.source, name)
        elif "nbgrader" in cell.metadata:
            if not found:
                raise ExerciseError(
                    f"{name}: expected an exercise before the cell "
                    f"{cell.metadata['nbgrader'].get('grade_id')!r}, found none"
                )
            _add_cell(found[-1], cell)
    for one in found:
        if bool(one["solution"]) != bool(one["tests"]):
            raise ExerciseError(
                f"{name}, {one['label']}: expected a solution and tests, or neither; found "
                f"{'a solution' if one['solution'] else 'tests'} alone"
            )
    return [Exercise(**one | {"tests": tuple(one["tests"])}) for one in found]


def _read_texts(source: str, name: str) -> list[dict]:
    """The exercises whose texts stand in one markdown cell."""
    texts = []
    for start in _START.finditer(source):
        end = _END.search(source, start.end())
        text = source[start.end() : end.start() if end else len(source)].strip()
        title = _TITLE.match(text)
        fits = title and title["difficulty"] in DIFFICULTIES and title["assistant"] in ASSISTANTS
        if not fits:
            raise ExerciseError(
                f"{name}, {start['label']}: expected a first line like '**4.2 Change one thing "
                f"(20 min · medium · no assistant).**', found {text[:70]!r}"
            )
        facts = title.groupdict() | {"minutes": int(title["minutes"])}
        texts.append(
            {
                "label": start["label"],
                "text": text,
                "solution": "",
                "tests": [],
                "explanation": "",
                **facts,
            }
        )
    return texts


def _add_cell(exercise: dict, cell: nbformat.NotebookNode) -> None:
    """Put a graded cell where it belongs."""
    facts = cell.metadata["nbgrader"]
    code = strip_markers(cell.source)
    if facts.get("grade"):
        hidden = "### BEGIN HIDDEN TESTS" in cell.source
        exercise["tests"].append(GradedCell(facts["grade_id"], code, facts["points"], hidden))
    else:
        exercise["solution"] = "\n\n".join(filter(None, [exercise["solution"], code]))
