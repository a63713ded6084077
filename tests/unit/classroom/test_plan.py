"""Minutes of sections and of plans: by hand, at the edges, and with wrong input."""

from dataclasses import replace

import nbformat
import pandas as pd
import pytest
from nbformat import v4

from stim_lib.classroom import plan
from stim_lib.classroom.exercises import Chapter, Exercise, GradedCell

EXERCISE = """## Exercises

```{exercise-start}
:label: ex-99-sum
```
**99.1 Warm-up (5 min · easy · no assistant).** Add many, many words which nobody counts.
```{exercise-end}
```"""


def exercise(label, number, title, minutes):
    return Exercise(label, number, title, minutes, "easy", "no assistant", "", "", ())


CHAPTERS = {
    "98_ones": Chapter("98_ones", "Ones", (), (exercise("ex-98-one", "98.1", "Warm-up", 10),)),
    "99_sums": Chapter(
        "99_sums",
        "Sums",
        (),
        (
            exercise("ex-99-sum", "99.1", "Warm-up", 5),
            exercise("ex-99-more", "99.2", "Change one thing", 15),
            exercise("ex-99-most", "99.3", "Change one thing", 20),
        ),
    ),
}


@pytest.fixture
def write(tmp_path):
    def write(*cells):
        path = tmp_path / "99_sums.ipynb"
        nbformat.write(v4.new_notebook(cells=list(cells)), path)
        return path

    return write


class TestSectionMinutes:
    def test_chapter_by_hand(self, write):
        path = write(
            v4.new_markdown_cell("# Sums\n\nFour words stand here.\n\n## Why\n\nTwo words."),
            v4.new_code_cell("a = 1\n\nb = 2\nc = 3"),
            v4.new_markdown_cell(EXERCISE),
            v4.new_code_cell("not = counted"),
            v4.new_markdown_cell("## Where next\n\nThree more words."),
        )
        table = plan.section_minutes([path], words_per_minute=2, lines_per_minute=1)
        assert list(table) == plan.COLUMNS and len(plan.COLUMNS) <= 7
        assert table.drop(columns="chapter").to_numpy().tolist() == [
            ["Opening", 4, 0, 2.0, 0.0, 0.0],
            ["Why", 2, 3, 1.0, 3.0, 0.0],
            ["Exercises", 0, 0, 0.0, 0.0, 5.0],
            ["Where next", 3, 0, 1.5, 0.0, 0.0],
        ]

    @pytest.mark.parametrize("tag", ["hide-input", "remove-cell", "hide-cell", "remove-input"])
    def test_hidden_code_is_not_read(self, write, tag):
        shown, hidden = v4.new_code_cell("a = 1"), v4.new_code_cell("b = 2")
        hidden.metadata["tags"] = [tag]
        assert plan.section_minutes([write(shown, hidden)])["lines"].tolist() == [1]

    def test_no_chapter_is_an_empty_table(self):
        assert plan.section_minutes([]).columns.tolist() == plan.COLUMNS

    def test_twice_the_speed_is_half_the_time(self, write):
        path = write(v4.new_markdown_cell("# A\n\nSome few words."), v4.new_code_cell("a = 1"))
        slow, fast = (plan.section_minutes([path], 100 * k, 5 * k) for k in (1, 2))
        pd.testing.assert_frame_equal(slow[["reading", "code"]] / 2, fast[["reading", "code"]])

    def test_two_cells_say_as_much_as_one(self, write):
        parts = ["# A\n\nSome few words.", "And a few more.", "## B\n\nLast words."]
        apart = plan.section_minutes([write(*map(v4.new_markdown_cell, parts))])
        joined = plan.section_minutes([write(v4.new_markdown_cell("\n\n".join(parts)))])
        pd.testing.assert_frame_equal(apart, joined)

    @pytest.mark.parametrize(("words", "lines"), [(0, 10), (200, -1), (float("nan"), 10)])
    def test_rate_must_be_above_nought(self, words, lines):
        with pytest.raises(ValueError, match="expected a number above 0"):
            plan.section_minutes([], words, lines)


class TestCountWords:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", 0),
            ("# Heading alone", 0),
            ("one two-three don't", 3),
            ("$$\nx = y + z\n$$ (eq-1)", 1),
            ("see {ref}`the long way <fig-01>` and {eq}`eq-1`", 6),
            (":::{admonition} Correction\n:class: warning\nTwo words.\n:::", 2),
            ("```{exercise-end}\n```", 0),
            ("准确率 is accuracy", 3),
        ],
    )
    def test_by_hand(self, text, words):
        assert plan.count_words(text) == words


class TestFindExercises:
    def test_label_and_title(self):
        found = plan.find_exercises(CHAPTERS, ["99 Change one thing", "ex-98-one"])
        assert [one.number for one in found] == ["99.2", "99.3", "98.1"]

    def test_rule_stands_for_all_but_the_open_question(self):
        test = GradedCell("test", "assert True", 1, hidden=False)
        allowed = replace(exercise("ex-99-a", "99.1", "Warm-up", 5), assistant="assistant allowed")
        own = exercise("ex-99-b", "99.2", "Change one thing", 5)
        asked = exercise("ex-99-c", "99.3", "Open question", 5)
        some = (replace(allowed, tests=(test,)), replace(own, tests=(test,)), asked)
        found = plan.find_exercises({"99_a": Chapter("99_a", "", (), some)}, ["99 no assistant"])
        assert [one.number for one in found] == ["99.2"]

    def test_rule_may_stand_for_none(self):
        assert plan.find_exercises(CHAPTERS, ["98 assistant allowed"]) == []

    @pytest.mark.parametrize(
        "words", ["99 Open question", "97 Warm-up", "97 no assistant", "ex-99-none", ""]
    )
    def test_unknown_is_named(self, words):
        with pytest.raises(KeyError, match="found no exercise"):
            plan.find_exercises(CHAPTERS, [words])


class TestPlanMinutes:
    MINUTES = pd.DataFrame(
        [["98_ones", "A", 0, 0, 3.0, 1.0, 0.0], ["99_sums", "A", 0, 0, 2.0, 0.5, 0.0],
         ["99_sums", "Exercises", 0, 0, 0.0, 0.0, 40.0]],
        columns=plan.COLUMNS,
    )  # fmt: skip

    def slot(self, **other):
        return {
            "name": "1",
            "chapters": ["98_ones", "99_sums"],
            "lecture": 90,
            "lab": [],
            "home": [],
        } | other

    def test_week_by_hand(self):
        slot = self.slot(lab=["98 Warm-up", "99 Change one thing"], home=["99 Warm-up"])
        row = plan.plan_minutes([slot], CHAPTERS, self.MINUTES).loc["1"]
        assert row.tolist() == ["98, 99", 90.0, "98.1, 99.2, 99.3", 45.0, "99.1", 11.5]

    def test_numbers_stand_in_order(self):
        slot = self.slot(lab=["99 Change one thing", "99 Warm-up", "98 Warm-up"])
        row = plan.plan_minutes([slot], CHAPTERS, self.MINUTES).loc["1"]
        assert row["lab"] == "98.1, 99.1, 99.2, 99.3"

    def test_reading_alone(self):
        row = plan.plan_minutes([self.slot()], CHAPTERS, self.MINUTES).loc["1"]
        assert row["lab minutes"] == 0 and row["home minutes"] == 6.5

    def test_unknown_chapter(self):
        with pytest.raises(KeyError):
            plan.plan_minutes([self.slot(chapters=["97_none"])], CHAPTERS, self.MINUTES)


class TestReadPlans:
    def test_slots_in_order(self, tmp_path):
        path = tmp_path / "plans.toml"
        slot = '[[a]]\nname = "{}"\nchapters = []\nlecture = 1\nlab = []\nhome = []\n'
        path.write_text(slot.format("x") + slot.format("b"))
        assert [one["name"] for one in plan.read_plans(path)["a"]] == ["x", "b"]

    def test_missing_entry_is_named(self, tmp_path):
        path = tmp_path / "plans.toml"
        path.write_text('[[a]]\nname = "x"\nchapters = []\nlecture = 1\nlab = []\n')
        with pytest.raises(ValueError, match=r"a, slot x: expected .* found no home"):
            plan.read_plans(path)
