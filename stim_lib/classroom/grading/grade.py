"""Grade a folder of submissions, two at a time, each in a process of its own."""

from __future__ import annotations

import compileall
import json
import multiprocessing
import multiprocessing.process
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import nbformat

import stim_lib
from stim_lib.classroom.grading.course import Graded, grade_one, make_course
from stim_lib.classroom.grading.intake import Submission, find_submissions
from stim_lib.classroom.grading.table import (
    Row,
    exercises_of,
    keep_by_hand,
    make_rows,
    read_by_hand,
    write_tables,
)
from stim_lib.classroom.sandbox import Limits, protection


class GradingError(ValueError):
    """Nothing can be graded; the text says why and what to do."""


@dataclass(frozen=True)
class _Job:
    """A submission in work."""

    number: int
    process: multiprocessing.process.BaseProcess
    folder: Path
    started: float


def grade_submissions(
    submissions: str | Path,
    source: str | Path,
    output: str | Path,
    *,
    limits: Limits | None = None,
    workers: int = 2,
    say: Callable[[str], None] = print,
) -> list[Row]:
    """Grade all notebooks of a class.

    Parameters
    ----------
    submissions : str or Path
        Holds ``<student id>/<chapter>.ipynb``; only read.
    source : str or Path
        The teacher's notebooks, ``<chapter>/<chapter>.ipynb``, as `make exercises` writes them.
    output : str or Path
        Gets ``grades.csv``, ``totals.csv`` and ``feedback/<student id>/<chapter>.html``. Marks that
        a person has written into an earlier ``grades.csv`` are kept.
    limits : Limits, optional
        For each submission.
    workers : int
        Submissions at a time.
    say : callable
        Gets one line for each submission.

    Returns
    -------
    list of Row
        As in ``grades.csv``.

    Raises
    ------
    GradingError
        If a folder is missing, holds nothing to grade, or the output lies among the submissions.

    Notes
    -----
    The output is replaced when all is done. Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> grade_submissions("nowhere", "source", "out")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    stim_lib...GradingError: expected a folder of submissions, found no folder nowhere
    """
    folder, source, output = Path(submissions), Path(source), Path(output)
    chapters = _check(folder, source, output)
    found = find_submissions(folder, sorted(chapters))
    if not found:
        raise GradingError(f"expected <student id>/<chapter>.ipynb in {folder}, found nothing")
    for line in filter(None, [protection()]):
        say(line)
    with tempfile.TemporaryDirectory(prefix="grade") as place:
        work = Path(place)
        wanted = {one.chapter for one in found if not one.problem}
        courses = {name: make_course(chapters[name], work / name) for name in sorted(wanted)}
        fonts = _prepare(work / "fonts") if courses else None
        tables = {
            name: exercises_of(nbformat.read(path, as_version=4)) for name, path in chapters.items()
        }
        entries = _entries(output / "grades.csv", found)
        marks = [_marks(one, tables.get(one.chapter, {}), entries) for one in found]
        jobs = [
            (
                one,
                courses.get(one.chapter),
                work / f"w{number}",
                limits or Limits(),
                {"fonts": fonts, "by_hand": given},
            )
            for number, (one, given) in enumerate(zip(found, marks, strict=True))
        ]
        done = _grade_all(jobs, workers, say)
        rows = [
            row
            for one, graded in zip(found, done, strict=True)
            for row in make_rows(one, tables.get(one.chapter, {}), graded)
        ]
        rows = keep_by_hand(rows, entries)
        _write_output(rows, found, work, output)
    return rows


def _check(folder: Path, source: Path, output: Path) -> dict[str, Path]:
    """The chapters' source notebooks, after all that can be wrong with the three folders."""
    if not folder.is_dir():
        raise GradingError(f"expected a folder of submissions, found no folder {folder}")
    chapters = {path.stem: path for path in sorted(source.glob("*/*.ipynb"))}
    if not chapters:
        raise GradingError(
            f"expected the teacher's notebooks in {source}, found none: make exercises"
        )
    if output.resolve().is_relative_to(folder.resolve()):
        raise GradingError(f"the output {output} lies among the submissions: choose another folder")
    if output.exists() and not output.is_dir():
        raise GradingError(f"expected a folder for the output, found a file {output}")
    return chapters


def _entries(path: Path, found: list[Submission]) -> dict[tuple[str, str, str], str]:
    """Marks by hand of an earlier table; an error if the new table would lose some."""
    entries = read_by_hand(path)
    here = {(one.student, one.chapter) for one in found}
    lost = sorted({key[:2] for key in entries} - here)
    if lost:
        raise GradingError(
            f"{path} holds marks by hand for {len(lost)} notebooks that are not among the "
            f"submissions, first {'/'.join(lost[0])}: they would be lost. Choose another folder "
            "for the output, one a week, say"
        )
    return entries


def _prepare(folder: Path) -> Path | None:
    """Do once what every kernel would do anew: compile the library, look at the fonts."""
    compileall.compile_dir(Path(stim_lib.__file__).parent, quiet=2)
    folder.mkdir()
    environment = os.environ | {"MPLCONFIGDIR": str(folder)}
    code = "import matplotlib.font_manager"
    made = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=False, timeout=300
    )
    return folder if made.returncode == 0 else None


def _marks(
    one: Submission,
    exercises: dict[str, dict[str, float]],
    entries: dict[tuple[str, str, str], str],
) -> dict[str, float]:
    """Points by hand for each cell: an exercise's, shared out in proportion."""
    marks = {}
    for label, cells in exercises.items():
        entry = entries.get((one.student, one.chapter, label), "")
        row = Row(one.student, one.chapter, label, None, sum(cells.values()), entry)
        if entry and row.has_mark:
            marks |= {
                name: row.counted * most / (row.max_points or 1.0) for name, most in cells.items()
            }
    return marks


def _work(
    one: Submission,
    course: Path,
    folder: Path,
    limits: Limits,
    options: dict[str, Any],
) -> None:
    """What the process of one submission does."""
    graded = grade_one(one, course, folder, limits, **options)
    folder.mkdir(exist_ok=True)
    half = folder / "result.half"
    half.write_text(json.dumps(asdict(graded)), encoding="utf-8")
    half.replace(folder / "result.json")


def _grade_all(jobs: list[tuple], workers: int, say: Callable[[str], None]) -> list[Graded]:
    """Keep so many processes busy until every submission has an answer."""
    # A forked process has nbgrader already in memory; other systems must load it anew.
    start = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    done = {i: Graded(problem=job[0].problem) for i, job in enumerate(jobs) if job[0].problem}
    for count, (number, graded) in enumerate(done.items(), 1):
        _tell(say, f"{count}/{len(jobs)}", jobs[number][0], graded, 0.0)
    waiting = [number for number in range(len(jobs)) if number not in done]
    busy: list[_Job] = []
    try:
        while waiting or busy:
            while waiting and len(busy) < max(workers, 1):
                number = waiting.pop(0)
                process = start.Process(target=_work, args=jobs[number])
                process.start()
                busy.append(_Job(number, process, jobs[number][2], time.monotonic()))
            time.sleep(0.05)
            for job in [job for job in busy if _is_over(job, jobs[job.number][3])]:
                busy.remove(job)
                graded = done[job.number] = _result(job)
                seconds = time.monotonic() - job.started
                _tell(say, f"{len(done)}/{len(jobs)}", jobs[job.number][0], graded, seconds)
    finally:
        for job in busy:
            job.process.kill()
    return [done[number] for number in range(len(jobs))]


def _is_over(job: _Job, limits: Limits) -> bool:
    """Whether a process has ended; one that is far over its time is ended here."""
    if time.monotonic() - job.started > limits.total_seconds + limits.start_seconds + 60:
        job.process.kill()
    return not job.process.is_alive()


def _result(job: _Job) -> Graded:
    job.process.join()
    try:
        return Graded(**json.loads((job.folder / "result.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        code = job.process.exitcode
        return Graded(problem=f"the grader's process ended (exit code {code}): look at it yourself")


def _tell(
    say: Callable[[str], None], count: str, one: Submission, graded: Graded, seconds: float
) -> None:
    """One line about one submission."""
    points = sum(value or 0.0 for value in graded.points.values())
    said = graded.problem or f"{points:g} points" + (
        f" ({graded.notes[0]})" if graded.notes else ""
    )
    name = f"{one.student}/{one.chapter}" if one.chapter else one.student
    say(f"{count} {name}: {said[:200]} [{seconds:.0f} s]")


def _write_output(rows: list[Row], found: list[Submission], work: Path, output: Path) -> None:
    """Write beside the old output, then put the new in its place."""
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output, prefix=".new") as place:
        new = Path(place)
        write_tables(rows, new)
        (new / "feedback").mkdir()
        for number, one in enumerate(found):
            page = work / f"w{number}" / "feedback.html"
            if page.is_file():
                (new / "feedback" / one.student).mkdir(exist_ok=True)
                shutil.copy(page, new / "feedback" / one.student / f"{one.chapter}.html")
        old = output / "feedback"
        if old.exists():
            old.rename(new / "old")
        (new / "feedback").rename(old)
        for name in ("grades.csv", "totals.csv"):
            (new / name).replace(output / name)
