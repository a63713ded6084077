"""Check one's own answers: ``python -m stim_lib.check 04_temporal_features.ipynb``.

Runs the notebook's exercises in a kernel of their own and says, exercise by exercise, what the
visible tests found. The notebook is not changed. Introduced with the exercises of the chapters.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat

from stim_lib.classroom.exercises import SETUP_TAG, strip_markers

SECONDS = 60
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_BLANK = ("YOUR CODE HERE", "raise NotImplementedError")


@dataclass(frozen=True)
class Finding:
    """What the check says of one exercise.

    Attributes
    ----------
    title : str
        As in the notebook, "4.2 Change one thing".
    passed, tests : int
        Visible test cells.
    hints : tuple of str
        What the failed tests said.
    blank : bool
        Whether nothing has been written yet.
    """

    title: str
    passed: int
    tests: int
    hints: tuple[str, ...]
    blank: bool

    @property
    def is_right(self) -> bool:
        """Whether every visible test passed."""
        return self.passed == self.tests and not self.blank


def check_notebook(path: str | Path, seconds: int = SECONDS) -> list[Finding]:
    """Run the exercises of a notebook with their visible tests.

    Parameters
    ----------
    path : str or Path
        A student's notebook, or a chapter.
    seconds : int
        Longest time for one cell.

    Returns
    -------
    list of Finding
        One for each exercise with code, in order.

    Raises
    ------
    ValueError
        If the file is no notebook, or has no exercises; naming the file.

    Examples
    --------
    >>> check_notebook("no_such.ipynb")
    Traceback (most recent call last):
    ValueError: no_such.ipynb: expected a notebook, found no such file.
    """
    notebook = _read(Path(path))
    _run(notebook, Path(path), seconds)
    findings, title, group = [], "", []
    for cell in [*notebook.cells, nbformat.v4.new_markdown_cell("**0.0 end**")]:
        heading = re.search(r"\*\*(\d+\.\d+ [^(*]+)", cell.source)
        if cell.cell_type == "markdown" and heading:
            if group:
                findings.append(_find(title, group))
            title, group = heading[1].strip(), []
        elif cell.cell_type == "code" and _role(cell):
            group.append(cell)
    return findings


def main(arguments: list[str] | None = None) -> int:
    """Check a notebook from the command line.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.

    Returns
    -------
    int
        0 if all visible tests passed, 1 if not, 2 if the notebook can't be read.
    """
    parser = argparse.ArgumentParser(prog="python -m stim_lib.check", description=__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="longest time for one cell")
    options = parser.parse_args(arguments)
    print(f"Running {options.notebook.name} …", file=sys.stderr, flush=True)
    try:
        findings = check_notebook(options.notebook, options.seconds)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for found in findings:
        print(_describe(found))
    right = sum(found.is_right for found in findings)
    print(f"{right} of {len(findings)} exercises pass their visible tests.")
    print("Hidden tests and the open question are marked when you hand the notebook in.")
    return 0 if right == len(findings) else 1


def _read(path: Path) -> nbformat.NotebookNode:
    """The notebook with only the cells that exercises need."""
    if not path.is_file():
        raise ValueError(f"{path}: expected a notebook, found no such file.")
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises many kinds
        raise ValueError(f"{path}: expected a notebook, found {type(error).__name__}.") from error
    # Of a chapter only what its exercises stand on; of a student's notebook everything.
    if "stim_lib" not in notebook.metadata:
        notebook.cells = [
            cell for cell in notebook.cells if cell.cell_type == "markdown" or _is_needed(cell)
        ]
    if not any(_role(cell) == "test" for cell in notebook.cells):
        raise ValueError(f"{path}: expected a notebook with exercises, found no test cells.")
    for cell in notebook.cells:
        cell.source = strip_markers(cell.source)
    return notebook


def _is_needed(cell: nbformat.NotebookNode) -> bool:
    """Whether a chapter's cell belongs to its exercises."""
    return "nbgrader" in cell.metadata or SETUP_TAG in cell.metadata.get("tags", [])


def _role(cell: nbformat.NotebookNode) -> str:
    """'answer', 'test', or '' for other cells."""
    facts = cell.metadata.get("nbgrader", {})
    if cell.cell_type != "code" or not (facts.get("grade") or facts.get("solution")):
        return ""
    return "test" if facts.get("grade") else "answer"


def _run(notebook: nbformat.NotebookNode, path: Path, seconds: int) -> None:
    """Execute the notebook; its cells get their outputs."""
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError

    client = NotebookClient(
        notebook,
        timeout=seconds,
        allow_errors=True,
        interrupt_on_timeout=True,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=40"],  # its advice is not for students
        resources={"metadata": {"path": str(path.resolve().parent)}},
    )
    try:
        client.execute()
    except DeadKernelError as error:
        raise ValueError(f"{path}: the kernel died while running the notebook.") from error


def _find(title: str, cells: list[nbformat.NotebookNode]) -> Finding:
    """What the outputs of one exercise's cells say."""
    answers = [cell for cell in cells if _role(cell) == "answer"]
    tests = [cell for cell in cells if _role(cell) == "test" and not _is_empty(cell)]
    blank = any(mark in cell.source for cell in answers for mark in _BLANK)
    hints = [_error(cell) for cell in tests if _error(cell)]
    broken = [_error(cell) for cell in answers if _error(cell)]
    said = [f"your answer stops with {broken[0]}"] if broken and not blank else []
    return Finding(title, len(tests) - len(hints), len(tests), tuple([*said, *hints]), blank)


def _is_empty(cell: nbformat.NotebookNode) -> bool:
    """Whether a cell holds comments alone, as a removed hidden test does."""
    return all(line.startswith("#") for line in cell.source.splitlines() if line.strip())


def _error(cell: nbformat.NotebookNode) -> str:
    """The error that a cell raised, in one line; empty if none."""
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            if output.ename == "KeyboardInterrupt":
                return "the time limit: it ran longer than a cell may"
            words = _COLOUR.sub("", output.evalue).strip() or "no message"
            return words if output.ename == "AssertionError" else f"{output.ename}: {words}"
    return ""


def _describe(found: Finding) -> str:
    """One exercise, for the terminal."""
    if found.blank:
        return f"  –  {found.title}: not begun"
    if found.is_right:
        return f"  ✓  {found.title}"
    lines = [f"  ✗  {found.title}: {found.passed} of {found.tests} visible tests pass"]
    return "\n".join([*lines, *(f"       {hint}" for hint in found.hints)])


if __name__ == "__main__":
    sys.exit(main())
