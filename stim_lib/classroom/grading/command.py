"""The command of ``make grade``."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from stim_lib.classroom.grading.grade import GradingError, grade_submissions
from stim_lib.classroom.sandbox import Limits


def main(
    arguments: list[str],
    source: Path = Path("_build/exercises/teacher/source"),
    output: Path = Path("_build/grades"),
) -> int:
    """Grade a folder of submissions from the command line.

    Parameters
    ----------
    arguments : list of str
        The folder, and options; ``--help`` lists them.
    source, output : Path
        Where the teacher's notebooks lie and the grades go, unless an option says otherwise.

    Returns
    -------
    int
        0 if all was graded, whatever the points; 2 if there is nothing to grade.

    Examples
    --------
    >>> main(["nowhere"])
    2
    """
    try:
        asked = _parser(source, output).parse_args(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    if asked.submissions is None:
        print("grade: name the folder: make grade SUBMISSIONS=submissions", file=sys.stderr)
        return 2
    limits = replace(
        Limits(),
        cell_seconds=asked.cell_seconds,
        total_seconds=asked.total_seconds,
        cpu_seconds=max(1, int(asked.total_seconds)),
        memory=int(asked.memory_mb * 2**20),
    )
    try:
        rows = grade_submissions(
            asked.submissions,
            asked.source,
            asked.output,
            limits=limits,
            workers=asked.workers,
            say=lambda line: print(line, flush=True),
        )
    except GradingError as error:
        print(f"grade: {error}", file=sys.stderr)
        return 2
    students = len({row.student for row in rows})
    print(f"Graded {students} students: {asked.output}/grades.csv, totals.csv and feedback/")
    return 0


def _parser(source: Path, output: Path) -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(prog="grade", description="Grade a folder of submissions.")
    parser.add_argument("submissions", nargs="?", help="holds <student id>/<chapter>.ipynb")
    parser.add_argument("--source", type=Path, default=source, help="the teacher's notebooks")
    parser.add_argument("--output", type=Path, default=output, help="where the grades go")
    parser.add_argument("--workers", type=int, default=2, help="submissions at a time")
    for name, text in (
        ("cell_seconds", "longest time of a cell"),
        ("total_seconds", "longest time of a notebook"),
        ("memory_mb", "memory of a notebook, in MB"),
    ):
        default = Limits().memory / 2**20 if name == "memory_mb" else getattr(Limits(), name)
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=float, default=default, help=f"{text} ({default:g})")
    return parser
