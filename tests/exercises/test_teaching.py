"""The teacher's pages name what exists, cover every chapter, and add up."""

import functools
import re
from pathlib import Path

import pytest

from stim_lib import classroom
from stim_lib.classroom import plan

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "book" / "teaching"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]
PAGES = sorted(FOLDER.glob("*.md"))
PLANS = plan.read_plans(ROOT / "data" / "course_plans.toml")
LEVELS = ["Weak", "Sound", "Excellent"]
SAMPLE = re.compile(
    r"\*\*(?P<level>\w+), (?P<points>\d+) of (?P<most>\d+)\.\*\*\n\n(?P<text>(?:> .*\n)+)"
)


@functools.cache
def chapters():
    return {path.stem: classroom.read_chapter(path) for path in NOTEBOOKS}


@functools.cache
def minutes():
    return plan.section_minutes(NOTEBOOKS)


def sections(page):
    """Text of each section by the number of its chapter."""
    parts = re.split(r"^## (\d\d) .+$", (FOLDER / page).read_text(encoding="utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def open_question(name):
    (asked,) = [one for one in chapters()[name].exercises if one.is_open]
    return asked


def most_points(name):
    return int(re.search(r"\*Marking guide, (\d+) points", open_question(name).text)[1])


class TestStumbles:
    def test_has_a_section_for_each_chapter_in_order(self):
        assert list(sections("stumbles.md")) == [name[:2] for name in NAMES]

    @pytest.mark.parametrize("number", [name[:2] for name in NAMES])
    def test_names_two_to_four_and_asks(self, number):
        found = re.findall(r"^\*\*.+?\*\* .+", sections("stumbles.md")[number], flags=re.M)
        assert 2 <= len(found) <= 4
        for text in found:
            assert re.search(r"[Aa]sk.*: \*[^*]+[?.]\*", text), text[:60]

    @pytest.mark.parametrize("name", NAMES)
    def test_speaks_of_exercises_of_its_own_chapter(self, name):
        labels = re.findall(r"<(ex-[\w-]+)>", sections("stumbles.md")[name[:2]])
        assert len(labels) >= 2
        assert set(labels) <= {one.label for one in chapters()[name].exercises}


class TestRubrics:
    def test_has_a_section_for_each_chapter_in_order(self):
        assert list(sections("rubrics.md")) == [name[:2] for name in NAMES]

    @pytest.mark.parametrize("name", NAMES)
    def test_is_about_the_open_question(self, name):
        assert f"<{open_question(name).label}>" in sections("rubrics.md")[name[:2]]

    @pytest.mark.parametrize("name", NAMES)
    def test_points_rise_within_those_of_the_marking_guide(self, name):
        found = [one.groupdict() for one in SAMPLE.finditer(sections("rubrics.md")[name[:2]])]
        assert [one["level"] for one in found] == LEVELS
        assert {int(one["most"]) for one in found} == {most_points(name)}
        points = [int(one["points"]) for one in found]
        assert points == sorted(set(points))
        # A page on a part of the project can't have all of its points.
        assert points[-1] == most_points(name) or name == "14_capstone"

    @pytest.mark.parametrize("number", [name[:2] for name in NAMES])
    def test_points_of_the_sound_answer_add_up(self, number):
        text = sections("rubrics.md")[number].split("**Sound, ")[1].split("**Excellent, ")[0]
        verdict = text.rsplit("> ", 1)[1].split("\n", 1)[1]
        told = sum(map(int, re.findall(r"\((\d)(?: of \d[^)]*)?\)", verdict)))
        told += len(re.findall(r"\b[Oo]ne of two for", verdict))
        told += 5 * ("Five for the ten points" in verdict)
        assert told == int(text.split(" of ")[0]), verdict

    @pytest.mark.parametrize("number", [name[:2] for name in NAMES])
    def test_samples_differ_in_length_as_answers_do(self, number):
        found = [
            len(one["text"].split()) for one in SAMPLE.finditer(sections("rubrics.md")[number])
        ]
        for words, (least, most) in zip(found, [(40, 100), (90, 160), (160, 260)], strict=True):
            assert least <= words <= most, found


class TestProject:
    def test_rubric_has_the_points_of_the_chapter(self):
        text = (FOLDER / "project.md").read_text(encoding="utf-8").split("## The rubric")[1]
        points = re.findall(r"^\| [^|]+ \| (\d+) \|", text.split("\n## ")[0], flags=re.M)
        assert sum(map(int, points)) == most_points("14_capstone")

    def test_weeks_are_in_the_plan(self):
        text = (FOLDER / "project.md").read_text(encoding="utf-8").split("## By week")[1]
        weeks = re.findall(r"^\| (\d+) \|", text.split("\n## ")[0], flags=re.M)
        assert weeks and set(weeks) <= {slot["name"] for slot in PLANS["twelve_weeks"]}


class TestPlans:
    @pytest.mark.parametrize("name", PLANS)
    def test_names_only_what_exists(self, name):
        table = plan.plan_minutes(PLANS[name], chapters(), minutes())
        assert len(table) == len(PLANS[name]) == {"twelve_weeks": 12, "three_days": 6}[name]

    def test_twelve_weeks_hold_every_chapter_once(self):
        taught = [name for slot in PLANS["twelve_weeks"] for name in slot["chapters"]]
        assert sorted(taught) == NAMES

    def test_nothing_is_set_before_its_chapter_or_twice(self):
        for slots in PLANS.values():
            taught, done = set(), []
            for slot in slots:
                taught |= {name[:2] for name in slot["chapters"]}
                found = plan.find_exercises(chapters(), [*slot["lab"], *slot["home"]])
                done += [one.label for one in found]
                assert {one.number.split(".")[0].zfill(2) for one in found} <= taught, slot["name"]
                assert plan.find_exercises(chapters(), slot["lab"]), slot["name"]
            assert len(done) == len(set(done))

    def test_labs_and_sessions_fit_their_time(self):
        weeks = plan.plan_minutes(PLANS["twelve_weeks"], chapters(), minutes())
        assert (weeks["lab minutes"] <= 90).all() and (weeks["lecture"] == 90).all()
        halves = plan.plan_minutes(PLANS["three_days"], chapters(), minutes())
        assert (halves["lecture"] + halves["lab minutes"] <= 180).all()

    @pytest.mark.parametrize("name", PLANS)
    def test_minutes_of_each_slot_add_up(self, name):
        table = plan.plan_minutes(PLANS[name], chapters(), minutes())
        by_number = {one.number: one.minutes for c in chapters().values() for one in c.exercises}
        read = minutes().query("section != 'Exercises'").groupby("chapter")[["reading", "code"]]
        for slot in PLANS[name]:
            row = table.loc[slot["name"]]
            lab, home = ([n for n in row[part].split(", ") if n] for part in ("lab", "home"))
            assert row["lab minutes"] == sum(by_number[number] for number in lab)
            work = sum(by_number[number] for number in home)
            pages = sum(read.sum().loc[chapter].sum() for chapter in slot["chapters"])
            assert row["home minutes"] == pytest.approx(work + pages)

    def test_exercises_of_a_chapter_have_the_minutes_of_their_labels(self):
        told = minutes().query("section == 'Exercises'").set_index("chapter")["exercises"]
        for name, chapter in chapters().items():
            assert told[name] == sum(one.minutes for one in chapter.exercises) > 0


class TestPages:
    @pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
    def test_exercises_that_are_named_exist(self, path):
        labels = {one.label for chapter in chapters().values() for one in chapter.exercises}
        named = set(re.findall(r"<(ex-[\w-]+)>", path.read_text(encoding="utf-8")))
        assert named <= labels

    @pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
    def test_commands_exist(self, path):
        known = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), flags=re.M))
        told = re.findall(r"(?:^|`)make ([a-z]+)", path.read_text(encoding="utf-8"), flags=re.M)
        assert set(told) <= known

    @pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
    def test_tables_have_at_most_seven_columns(self, path):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not line.startswith("|") or line.count("|") <= 8, line

    def test_each_week_has_its_lecture(self):
        text = (FOLDER / "index.md").read_text(encoding="utf-8")
        told = re.findall(r"^\*\*Week (\d+)\.\*\*", text, flags=re.M)
        assert told == [slot["name"] for slot in PLANS["twelve_weeks"]]

    def test_pages_are_in_the_book(self):
        toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
        assert all(f"file: book/teaching/{path.stem}" in toc for path in PAGES)
