"""How long a chapter takes, section by section, and how long the weeks of a course take.

Introduced with the teacher's pages, beside the exercises of the chapters. Minutes of exercises are
those on their labels; minutes of reading follow from the words and the lines that a reader sees.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat
import pandas as pd

from stim_lib.classroom.exercises import ASSISTANTS, HEADING, Chapter, Exercise, read_chapter

WORDS_PER_MINUTE = 200
LINES_PER_MINUTE = 10
COLUMNS = ["chapter", "section", "words", "lines", "reading", "code", "exercises"]
OPENING = "Opening"
_UNSEEN = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
_SECTION = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)
_MATHS = re.compile(r"\$\$.*?\$\$(?:[ \t]*\([\w-]+\))?|\$[^$\n]+\$", re.DOTALL)
_DIRECTIVE = re.compile(r"^(?::{3,}|`{3,}).*$|^:[\w-]+:.*$", re.MULTILINE)
_ROLE = re.compile(r"\{[\w:]+\}`([^`<]*)(?:<[^`>]*>)?`")
_WORD = re.compile(r"[^\W_][\w'’-]*")


def section_minutes(
    paths: Iterable[str | Path],
    words_per_minute: float = WORDS_PER_MINUTE,
    lines_per_minute: float = LINES_PER_MINUTE,
) -> pd.DataFrame:
    r"""Minutes for each section of chapters: reading, code, exercises.

    Parameters
    ----------
    paths : iterable of str or Path
        Notebooks of chapters, ``.ipynb``.
    words_per_minute : float
        Words of prose that a reader takes in. A formula counts as one word.
    lines_per_minute : float
        Lines of code that a reader follows; hidden cells are not read, nor are blank lines.

    Returns
    -------
    DataFrame
        One row for each section, in order, with `COLUMNS`: chapter (stem of the notebook),
        section, words and lines (int64), and three columns of minutes, float64, not rounded. What
        stands before the first section is the `OPENING`. The section of the exercises has no words
        and no lines: reading them is part of the minutes on their labels.

    Raises
    ------
    ValueError
        If a rate is not above 0.
    ExerciseError
        If a chapter's exercises have no proper form.

    Notes
    -----
    minutes = words / words_per_minute, and lines / lines_per_minute. 200 words a minute is below
    the 238 that grown-ups take of English non-fiction (Brysbaert 2019,
    doi:10.1016/j.jml.2019.104047). Ten lines a minute is a convention of this book. Introduced
    with the exercises of the chapters.

    Examples
    --------
    >>> import nbformat.v4 as v4, tempfile
    >>> cells = [v4.new_markdown_cell("# Sums\n\nTwo words.\n\n## Why\n\nBecause of them."),
    ...          v4.new_code_cell("a = 1\n\nb = 2")]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nbformat.write(v4.new_notebook(cells=cells), f"{folder}/99_sums.ipynb")
    ...     table = section_minutes([f"{folder}/99_sums.ipynb"], 2, 1)
    >>> table[["section", "reading", "code"]].values.tolist()
    [['Opening', 1.0, 0.0], ['Why', 1.5, 2.0]]
    """
    for name, rate in (("words", words_per_minute), ("lines", lines_per_minute)):
        if not rate > 0:
            raise ValueError(f"{name}_per_minute: expected a number above 0, found {rate!r}.")
    rows = []
    for path in map(Path, paths):
        rows += _rows(nbformat.read(path, as_version=4), read_chapter(path))
    table = pd.DataFrame(rows, columns=["chapter", "section", "words", "lines", "exercises"])
    table = table.astype({"words": "int64", "lines": "int64", "exercises": "float64"})
    table["reading"] = table["words"] / words_per_minute
    table["code"] = table["lines"] / lines_per_minute
    return table[COLUMNS]


def read_plans(path: str | Path) -> dict[str, list[dict]]:
    r"""Plans of courses from a file in TOML.

    Parameters
    ----------
    path : str or Path
        Tables of slots, such as ``[[twelve_weeks]]``, each with name, chapters, lecture (minutes),
        lab and home. Lab and home list exercises as `find_exercises` reads them.

    Returns
    -------
    dict of str to list of dict
        The slots of each plan, in order.

    Raises
    ------
    ValueError
        If a slot lacks one of the five.

    Notes
    -----
    Introduced with the exercises of the chapters.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "plans.toml"
    ...     _ = path.write_text('[[short]]\nname = "1"\nchapters = []\nlecture = 90\n'
    ...                         'lab = ["04 Warm-up"]\nhome = []')
    ...     read_plans(path)["short"][0]["lab"]
    ['04 Warm-up']
    """
    plans = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    for plan, slots in plans.items():
        for slot in slots:
            missing = {"name", "chapters", "lecture", "lab", "home"} - set(slot)
            if missing:
                raise ValueError(
                    f"{path}, {plan}, slot {slot.get('name', '?')}: expected name, chapters, "
                    f"lecture, lab and home; found no {', '.join(sorted(missing))}."
                )
    return plans


def find_exercises(chapters: Mapping[str, Chapter], wanted: Iterable[str]) -> list[Exercise]:
    """The exercises that a plan names.

    Parameters
    ----------
    chapters : mapping of str to Chapter
        By name, ``04_temporal_features``.
    wanted : iterable of str
        Labels; or a chapter's number and a title, "04 Warm-up"; or its number and the rule for
        assistants, "04 no assistant".

    Returns
    -------
    list of Exercise
        In the order asked for. A title stands for all exercises of that title; a rule for all of
        that rule but the open question, and there may be none.

    Raises
    ------
    KeyError
        If there is no exercise of this label or title, or no chapter of this number.

    Notes
    -----
    Introduced with the exercises of the chapters.

    Examples
    --------
    >>> asked = Exercise("ex-99-sum", "99.1", "Warm-up", 5, "easy", "no assistant", "", "", ())
    >>> chapters = {"99_sums": Chapter("99_sums", "Sums", (), (asked,))}
    >>> [one.number for one in find_exercises(chapters, ["99 Warm-up", "ex-99-sum"])]
    ['99.1', '99.1']
    """
    rules = {f"{name[:2]} {rule}" for name in chapters for rule in ASSISTANTS}
    found = []
    for words in wanted:
        some = [
            exercise
            for name, chapter in chapters.items()
            for exercise in chapter.exercises
            if words in (exercise.label, f"{name[:2]} {exercise.title}")
            or (words == f"{name[:2]} {exercise.assistant}" and not exercise.is_open)
        ]
        if not some and words not in rules:
            raise KeyError(
                f"expected a label, '04 Warm-up' or '04 no assistant'; found no exercise {words!r}"
            )
        found += some
    return found


def plan_minutes(
    slots: Iterable[Mapping], chapters: Mapping[str, Chapter], minutes: pd.DataFrame
) -> pd.DataFrame:
    """What each week or half-day of a course asks of a student.

    Parameters
    ----------
    slots : iterable of mapping
        From `read_plans`.
    chapters : mapping of str to Chapter
        By name.
    minutes : DataFrame
        From `section_minutes`.

    Returns
    -------
    DataFrame
        One row for each slot, indexed by its name: chapters, lecture (minutes), lab (numbers of
        exercises, in order), lab minutes, home (numbers of exercises) and home minutes. Minutes
        are float64. Home minutes are the reading of the slot's chapters, prose and code, and its
        exercises.

    Raises
    ------
    KeyError
        If a slot names a chapter or an exercise that does not exist.

    Notes
    -----
    Introduced with the exercises of the chapters.

    Examples
    --------
    >>> asked = Exercise("ex-99-sum", "99.1", "Warm-up", 5, "easy", "no assistant", "", "", ())
    >>> chapters = {"99_sums": Chapter("99_sums", "Sums", (), (asked,))}
    >>> read = pd.DataFrame([["99_sums", "Why", 400, 0, 2.0, 1.0, 0.0]], columns=COLUMNS)
    >>> slot = {"name": "1", "chapters": ["99_sums"], "lecture": 90, "lab": ["99 Warm-up"],
    ...         "home": []}
    >>> row = plan_minutes([slot], chapters, read).loc["1"]
    >>> row["lab"], float(row["lab minutes"]), float(row["home minutes"])
    ('99.1', 5.0, 3.0)
    """
    read = minutes.groupby("chapter")[["reading", "code"]].sum().sum(axis=1)
    rows = {}
    for slot in slots:
        lab, home = (
            sorted(find_exercises(chapters, slot[part]), key=_order) for part in ("lab", "home")
        )
        rows[slot["name"]] = [
            ", ".join(name[:2] for name in slot["chapters"]),
            float(slot["lecture"]),
            ", ".join(one.number for one in lab),
            float(sum(one.minutes for one in lab)),
            ", ".join(one.number for one in home),
            float(sum(read[name] for name in slot["chapters"]) + sum(one.minutes for one in home)),
        ]
    names = ["chapters", "lecture", "lab", "lab minutes", "home", "home minutes"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=names)


def _order(exercise: Exercise) -> list[int]:
    """Chapter and number, so that 4.10 comes after 4.9."""
    return [int(part) for part in exercise.number.split(".")]


def _rows(notebook: nbformat.NotebookNode, chapter: Chapter) -> list[list]:
    """Chapter, section, words, lines and minutes of exercises, for each section."""
    rows = [[chapter.name, OPENING, 0, 0, 0]]
    for cell in notebook.cells:
        is_read = rows[-1][1] != HEADING.removeprefix("## ")
        if cell.cell_type == "code":
            if is_read and not _UNSEEN & set(cell.metadata.get("tags", [])):
                rows[-1][3] += sum(bool(line.strip()) for line in cell.source.splitlines())
            continue
        before, *parts = _SECTION.split(cell.source)
        rows[-1][2] += count_words(before) if is_read else 0
        for title, text in zip(parts[::2], parts[1::2], strict=True):
            rows.append([chapter.name, title.strip(), 0, 0, 0])
            if f"## {title.strip()}" == HEADING:
                rows[-1][4] = sum(one.minutes for one in chapter.exercises)
            else:
                rows[-1][2] += count_words(text)
    return rows


def count_words(text: str) -> int:
    r"""Words of prose in MyST that a reader sees.

    Parameters
    ----------
    text : str

    Returns
    -------
    int
        Headings are not counted; a formula is one word; a reference counts by its words.

    Notes
    -----
    Introduced with the exercises of the chapters.

    Examples
    --------
    >>> count_words("# Sums\n\nSee {ref}`chapter 04 <ex-04>`, where $a + b = 3$.")
    5
    """
    text = re.sub(r"^#+ .*$", "", text, flags=re.MULTILINE)
    text = _MATHS.sub(" formula ", _DIRECTIVE.sub("", text))
    return len(_WORD.findall(_ROLE.sub(r" \1 ", text)))
