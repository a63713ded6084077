"""Every exercise is proved: the reference gets all points, a blank none, a mistake some.

Other correct answers get all points too. The answers are in `answers/`, one file a chapter, in
jupytext's percent format. The line that opens a cell names the exercise, what the answer must get,
and what is typical of it:

    # %% ex-04-same-hour | right: a loop
    # %% ex-04-same-hour | wrong: counts the action itself

One chapter alone: `CHAPTER=04 python -m pytest tests/exercises/test_proofs.py`.
"""

import functools
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from stim_lib import classroom

FOLDER = Path(__file__).parent / "answers"
OPENING = re.compile(r"^# %% (?P<label>ex-[\w-]+) \| (?P<kind>right|wrong): (?P<what>.+)$")
ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob(f"{os.environ.get('CHAPTER', '')}*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]
KINDS = {"Warm-up", "Change one thing", "What is wrong with this claim?", "Open question"}


@dataclass(frozen=True)
class Answer:
    label: str
    kind: str
    what: str
    code: str


def read_answers(chapter):
    """All answers to one chapter's exercises."""
    path = FOLDER / f"{chapter}.py"
    if not path.exists():
        return []
    found, lines = [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        opening = OPENING.match(line)
        assert opening or not line.startswith("# %%"), f"{path.name}: unreadable line {line!r}"
        if opening:
            lines = []
            found.append((opening.groupdict(), lines))
        else:
            lines.append(line)
    return [Answer(**facts, code="\n".join(code)) for facts, code in found]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A student's notebook does not lie in the book's folders."""
    monkeypatch.chdir(tmp_path)


@functools.cache
def chapter(name):
    return classroom.read_chapter(NOTEBOOKS[NAMES.index(name)])


@functools.cache
def prepared(name, student_id="reader"):
    return classroom.prepare(chapter(name), student_id)


def marks(name, label, answer=None, student_id="reader"):
    return classroom.mark(chapter(name), prepared(name, student_id), label, answer)


def graded():
    return [
        pytest.param(name, one.label, id=one.label)
        for name in NAMES
        for one in chapter(name).exercises
        if not one.is_open
    ]


def answered(kind):
    return [
        pytest.param(name, answer, id=f"{answer.label}: {answer.what}")
        for name in NAMES
        for answer in read_answers(name)
        if answer.kind == kind
    ]


def points(result):
    return sum(mark.points for mark in result)


class TestChapter:
    @pytest.mark.parametrize("name", NAMES)
    def test_has_all_kinds_of_exercises(self, name):
        found = [one.title for one in chapter(name).exercises]
        assert set(found) == KINDS, found
        assert [one.is_open for one in chapter(name).exercises].count(True) == 1

    @pytest.mark.parametrize("name", NAMES)
    def test_is_numbered_from_one(self, name):
        numbers = [one.number for one in chapter(name).exercises]
        first = int(name[:2])
        assert numbers == [f"{first}.{i + 1}" for i in range(len(numbers))]

    @pytest.mark.parametrize("name", NAMES)
    def test_uses_data_of_the_students_own(self, name):
        setup = "\n".join(chapter(name).setup)
        assert 'STUDENT_ID = "reader"' in setup and "student_city(" in setup

    @pytest.mark.parametrize("name", NAMES)
    def test_each_aim_names_an_exercise_and_each_exercise_serves_an_aim(self, name):
        text = NOTEBOOKS[NAMES.index(name)].with_suffix(".md").read_text(encoding="utf-8")
        aims = text.split("You will be able to", 1)[1].split("\n\n## ", 1)[0]
        named = set(re.findall(r"\{ref\}`[^`]*?(ex-[\w-]+)>?`", aims))
        assert named == {one.label for one in chapter(name).exercises}

    @pytest.mark.parametrize("name", NAMES)
    def test_open_question_has_a_marking_guide_that_adds_up(self, name):
        (asked,) = [one for one in chapter(name).exercises if one.is_open]
        guide = asked.text.split("*Marking guide, ", 1)[1]
        total = int(guide.split(" points", 1)[0])
        assert sum(map(int, re.findall(r"\((\d+)\)", guide))) == total


@pytest.mark.parametrize(("name", "label"), graded())
class TestExercise:
    def test_has_visible_and_hidden_tests_with_points(self, name, label):
        tests = chapter(name).exercise(label).tests
        assert {test.hidden for test in tests} == {True, False}
        assert all(test.points > 0 for test in tests)

    def test_reference_gets_all_points(self, name, label):
        result = marks(name, label)
        assert [mark for mark in result if mark.message] == []

    def test_reference_gets_all_points_on_another_students_data(self, name, label):
        result = marks(name, label, student_id="another student 7")
        assert [mark for mark in result if mark.message] == []

    def test_blank_gets_nothing(self, name, label):
        code = chapter(name).exercise(label).solution
        assert code
        assert points(marks(name, label, "raise NotImplementedError")) == 0

    def test_has_answers_of_both_kinds(self, name, label):
        kinds = {answer.kind for answer in read_answers(name) if answer.label == label}
        assert kinds == {"right", "wrong"}


@pytest.mark.parametrize(("name", "answer"), answered("right"))
def test_another_right_answer_gets_all_points(name, answer):
    assert [mark for mark in marks(name, answer.label, answer.code) if mark.message] == []


@pytest.mark.parametrize(("name", "answer"), answered("wrong"))
def test_typical_mistake_gets_some_points_and_a_helpful_word(name, answer):
    result = marks(name, answer.label, answer.code)
    assert 0 < points(result) < chapter(name).exercise(answer.label).points
    for failed in (mark for mark in result if mark.message):
        assert len(failed.message.split()) >= 3, failed
        assert not re.match(r"[A-Z]\w+(Error|Exception)\b", failed.message), failed


def test_answers_belong_to_exercises():
    for name in NAMES:
        labels = {one.label for one in chapter(name).exercises}
        assert {answer.label for answer in read_answers(name)} <= labels


def test_files_of_answers_belong_to_chapters():
    assert all((ROOT / "notebooks" / f"{path.stem}.ipynb").exists() for path in FOLDER.glob("*.py"))
