"""Let nbgrader grade one submission: a small course of its own, thrown away afterwards.

nbgrader keeps a course in a folder with a database. Here each submission gets a copy of its
chapter's course, so that nothing is left over and none can disturb another.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import CheckCellMetadata, LimitOutput, SaveAutoGrades
from nbgrader.utils import setenv
from traitlets.config import Config

from stim_lib.classroom.grading.intake import (
    IntakeError,
    Submission,
    lay_answers,
    read_submission,
)
from stim_lib.classroom.grading.runner import RunInSandbox, hide_tests
from stim_lib.classroom.sandbox import Limits

STUDENT = "student"  # the only one of a submission's own course
_LOADED = re.compile(
    r"<script\b[^>]*>.*?</script\s*>|<link\b[^>]*>|<iframe\b.*?</iframe\s*>|"
    r"<meta\b[^>]*http-equiv[^>]*>|@font-face\s*\{[^}]*\}",
    re.DOTALL | re.IGNORECASE,
)
_POLICY = (
    '<meta charset="utf-8" />\n<meta http-equiv="Content-Security-Policy" content="default-src '
    "'none'; style-src 'unsafe-inline'; img-src data:; font-src data:\">"
)


@dataclass
class Graded:
    """What came of one submission.

    Attributes
    ----------
    points : dict of str to (float or None)
        By grade id; None is for a person to mark.
    messages : dict of str to str
        Of failed tests.
    notes : list of str
    problem : str
        Why there are no points at all; empty if it was graded.
    """

    points: dict[str, float | None] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problem: str = ""


def _settings(root: Path, chapter: str) -> tuple[CourseDirectory, Config]:
    """Where this course lies."""
    config = Config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.assignment_id = chapter
    config.CourseDirectory.db_url = f"sqlite:///{root / 'gradebook.db'}"
    config.ClearSolutions.enforce_metadata = False
    config.HTMLExporter.sanitize_html = True
    return CourseDirectory(config=config), config


def _quiet_nbgrader() -> None:
    """Its log tells of every step; what matters is in our notes."""
    for name in ("traitlets", "alembic"):
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # Of nbgrader's own way with its database.
    warnings.filterwarnings("ignore", message="Object of type <Submitted")


def make_course(source: Path, folder: Path) -> Path:
    """Set up nbgrader's course for one chapter.

    Parameters
    ----------
    source : Path
        The teacher's notebook.
    folder : Path
        Is made.

    Returns
    -------
    Path
        `folder`, with the database, the source and what students get.

    Raises
    ------
    nbgrader.converters.base.NbGraderException
        If the notebook is no source for nbgrader.

    Notes
    -----
    Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> make_course(Path("source/99_sums.ipynb"), Path("course"))  # doctest: +SKIP
    """
    _quiet_nbgrader()
    place = folder / "source" / source.stem
    place.mkdir(parents=True)
    shutil.copy(source, place / source.name)
    course, config = _settings(folder, source.stem)
    # A new database asks a program of the environment, which need not be active.
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    with setenv(PATH=programs):
        GenerateAssignment(coursedir=course, config=config).start()
    return folder


def grade_one(
    submission: Submission,
    course: Path,
    folder: Path,
    limits: Limits,
    *,
    fonts: Path | None = None,
    by_hand: dict[str, float] | None = None,
) -> Graded:
    """Grade one submission and write its feedback page.

    Parameters
    ----------
    submission : Submission
    course : Path
        From `make_course`.
    folder : Path
        Is made; the page is ``feedback.html`` in it.
    limits : Limits
    fonts : Path, optional
        Matplotlib's cache.
    by_hand : dict of str to float, optional
        Points that a person gave, by grade id: the page shows them.

    Returns
    -------
    Graded
        With a problem instead of points if the submission can't be read.

    Notes
    -----
    Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> nobody = Submission("ann", "99_sums", Path("nowhere.ipynb"))
    >>> grade_one(nobody, Path("course"), Path("out"), Limits()).problem
    "the file can't be opened: No such file or directory"
    """
    chapter, name = submission.chapter, f"{submission.chapter}.ipynb"
    try:
        handed_in = read_submission(submission.path)
    except IntakeError as error:
        return Graded(problem=str(error))
    shutil.copytree(course, folder)
    source = nbformat.read(folder / "source" / chapter / name, as_version=4)
    release = nbformat.read(folder / "release" / chapter / name, as_version=4)
    notebook, notes = lay_answers(source, release, handed_in)
    place = folder / "submitted" / STUDENT / chapter / name
    place.parent.mkdir(parents=True)
    nbformat.write(notebook, place)
    graded = Graded(notes=notes)
    _quiet_nbgrader()
    try:
        run = RunInSandbox(source=source, student=submission.student, limits=limits, fonts=fonts)
        _autograde(graded, run, chapter, folder, by_hand or {})
    except Exception as error:  # one bad submission never stops the others
        (folder / "trouble.txt").write_text(traceback.format_exc(), encoding="utf-8")
        return Graded(problem=f"could not be graded ({type(error).__name__}): look at it yourself")
    return graded


def _autograde(
    graded: Graded, run: RunInSandbox, chapter: str, folder: Path, by_hand: dict[str, float]
) -> None:
    """Run, mark, and write the page."""
    course, config = _settings(folder, chapter)
    course.student_id = STUDENT
    steps = [run, ClearMetadataPreprocessor, LimitOutput, SaveAutoGrades, CheckCellMetadata]
    Autograde(coursedir=course, config=config, autograde_preprocessors=steps).start()
    graded.points = _points(course.db_url, chapter)
    _enter(course.db_url, chapter, by_hand)
    graded.messages = run.outcome.messages
    graded.notes += run.outcome.notes
    if run.outcome.tampered:
        graded.problem = f"tampered: look at it yourself ({run.outcome.tampered})"
    done = folder / "autograded" / STUDENT / chapter / f"{chapter}.ipynb"
    notebook = nbformat.read(done, as_version=4)
    hide_tests(notebook, run.source, graded.messages)
    done.chmod(0o644)
    nbformat.write(notebook, done)
    GenerateFeedback(coursedir=course, config=config).start()
    page = folder / "feedback" / STUDENT / chapter / f"{chapter}.html"
    text = offline_page(page.read_text(encoding="utf-8"))
    for name, points in graded.points.items():
        text = _not_yet(text, name) if points is None and name not in by_hand else text
    (folder / "feedback.html").write_text(text, encoding="utf-8")


def _points(database: str, chapter: str) -> dict[str, float | None]:
    """Points by grade id from the database."""
    with Gradebook(database) as book:
        grades = book.find_submission_notebook(chapter, chapter, STUDENT).grades
        return {
            grade.name: None if grade.needs_manual_grade else float(grade.score) for grade in grades
        }


def _enter(database: str, chapter: str, by_hand: dict[str, float]) -> None:
    """Write a person's points into the database, from where the page has them."""
    with Gradebook(database) as book:
        for name, points in by_hand.items():
            book.find_grade(name, chapter, chapter, STUDENT).manual_score = points
        book.db.commit()


def _not_yet(page: str, grade_id: str) -> str:
    """Say of an answer that waits for a person that it does, not that it has no points."""
    for before in (f'href="#{grade_id}"', f'name="{grade_id}"'):
        form = rf"({re.escape(before)}.*?)Score: [\d.]+ / ([\d.]+)"
        page = re.sub(form, r"\1To be marked by hand: \2 points", page, count=1, flags=re.DOTALL)
    return page


def offline_page(html: str) -> str:
    """A page that loads nothing and runs nothing.

    Parameters
    ----------
    html : str

    Returns
    -------
    str
        Without scripts and links to other files, and with a rule for the browser that says so.

    Notes
    -----
    Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> "cdn" in offline_page("<head></head><script src='https://cdn/x.js'></script>")
    False
    """
    html = _LOADED.sub("", html)
    return re.sub(r"<head[^>]*>", lambda found: f"{found[0]}\n{_POLICY}", html, count=1)
