"""Students get no solution, the teacher gets everything, and the check says what it sees."""

import json
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from stim_lib import check, classroom
from stim_lib.classroom import release

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TEXT = """## Exercises

```{exercise-start}
:label: ex-99-sum
```
**99.1 Warm-up (5 min · easy · no assistant).** Add, by {eq}`eq-99`. Store it in `total`.
```{exercise-end}
```

```{solution-start} ex-99-sum
:class: dropdown
```"""
BETWEEN = """Because three is right.

```{solution-end}
```

```{exercise-start}
:label: ex-99-open
```
**99.2 Open question (20 min · hard · assistant allowed).** Why?

*Marking guide, 3 points.* Says why (2). Says when (1).
```{exercise-end}
```"""


def marked(code, grade_id, **facts):
    facts = {"grade": False, "solution": False, "locked": True} | facts
    cell = v4.new_code_cell(code)
    cell.metadata["nbgrader"] = {"grade_id": grade_id, "task": False, "schema_version": 3, **facts}
    return cell


@pytest.fixture
def chapter(tmp_path):
    """A chapter of two exercises, written as the book's are."""
    setup = v4.new_code_cell("one, two = 1, 2", metadata={"tags": ["exercise-setup"]})
    own = v4.new_code_cell('STUDENT_ID = "reader"', metadata={"tags": ["exercise-setup"]})
    secret = "### BEGIN HIDDEN TESTS\nassert total == 3, 'one and two'\n### END HIDDEN TESTS"
    cells = [
        v4.new_markdown_cell("# Sums"),
        v4.new_code_cell("raise SystemError('not for exercises')"),
        setup,
        own,
        v4.new_markdown_cell(TEXT),
        marked(
            "### BEGIN SOLUTION\ntotal = one + two\n### END SOLUTION", "ex-99-sum", solution=True
        ),
        marked("assert total > 0, 'both are positive'", "test-ex-99-sum", grade=True, points=1),
        marked(secret, "hidden-ex-99-sum", grade=True, points=2),
        v4.new_markdown_cell(BETWEEN),
    ]
    path = tmp_path / "99_sums.ipynb"
    nbformat.write(v4.new_notebook(cells=cells), path)
    return path


@pytest.fixture
def students(chapter, tmp_path):
    return release.write_release([chapter], tmp_path / "out")["students"] / "99_sums.ipynb"


def answer(path, code):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if "YOUR CODE HERE" in cell.source:
            cell.source = code
    nbformat.write(notebook, path)


class TestRelease:
    def test_students_get_neither_solutions_nor_hidden_tests(self, students):
        text = students.read_text()
        assert "one + two" not in text and "one and two" not in text
        assert "Marking guide" not in text and "three is right" not in text
        assert "YOUR CODE HERE" in text and "YOUR ANSWER HERE" in text
        assert "both are positive" in text and "not for exercises" not in text

    def test_teacher_gets_everything(self, students):
        teacher = students.parents[1] / "teacher"
        solutions = (teacher / "solutions" / "99_sums.ipynb").read_text()
        source = (teacher / "source" / "99_sums" / "99_sums.ipynb").read_text()
        assert "Marking guide" in solutions and "three is right" in solutions
        assert "BEGIN SOLUTION" in source and "BEGIN HIDDEN TESTS" in source
        assert "99_sums,99.1,ex-99-sum,Warm-up,3,5,easy" in (teacher / "points.csv").read_text()

    def test_notebooks_are_valid_and_the_same_each_time(self, chapter, students, tmp_path):
        nbformat.validate(nbformat.read(students, as_version=4))
        again = release.write_release([chapter], tmp_path / "again")["students"]
        assert (again / "99_sums.ipynb").read_bytes() == students.read_bytes()

    def test_nothing_is_written_if_a_chapter_is_not_in_form(self, chapter, students, tmp_path):
        before = students.read_bytes()
        chapter.write_text(chapter.read_text().replace("5 min · easy", "five minutes"))
        with pytest.raises(classroom.ExerciseError, match="ex-99-sum: expected a first line"):
            release.write_release([chapter], tmp_path / "out")
        assert students.read_bytes() == before
        assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["students", "teacher"]

    def test_all_chapters_are_cut_within_a_minute(self, tmp_path):
        started = time.monotonic()
        made = release.write_release(CHAPTERS, tmp_path / "all")
        assert time.monotonic() - started < 60
        for path in CHAPTERS:
            text = (made["students"] / path.name).read_text()
            read = classroom.read_chapter(path)
            for exercise in read.exercises:
                for test in exercise.tests:
                    shown = json.dumps(test.code.splitlines()[-1], ensure_ascii=False)[1:-1] in text
                    assert shown is not test.hidden, test.grade_id
            assert "{ref}`" not in text and "{eq}`" not in text and "{cite" not in text
            assert "glue" not in text.replace("import glue", ""), path.name


class TestCheck:
    def test_blank_is_not_begun(self, students):
        (found,) = check.check_notebook(students)
        assert found.blank and found.title == "99.1 Warm-up"

    def test_wrong_answer_gets_the_hint(self, students):
        answer(students, "total = -1")
        (found,) = check.check_notebook(students)
        assert found.hints == ("both are positive",) and not found.is_right

    def test_right_answer_is_right_and_leaves_the_file_alone(self, students):
        answer(students, "total = 3")
        before = students.read_bytes()
        assert check.main([str(students)]) == 0
        assert students.read_bytes() == before

    def test_broken_answer_is_named(self, students):
        answer(students, "total = 1 / 0")
        (found,) = check.check_notebook(students)
        assert "ZeroDivisionError" in found.hints[0]

    def test_endless_loop_ends(self, students):
        answer(students, "while True: pass")
        (found,) = check.check_notebook(students, seconds=2)
        assert not found.is_right

    def test_chapter_itself_can_be_checked(self, chapter):
        (found,) = check.check_notebook(chapter)
        assert found.is_right and found.tests == 2

    @pytest.mark.parametrize(
        ("text", "words"),
        [("not json", "found"), ("{}", "found"), ('{"cells": []}', "found")],
    )
    def test_broken_file_is_an_error_of_one_line(self, tmp_path, text, words, capsys):
        path = tmp_path / "x.ipynb"
        path.write_text(text)
        assert check.main([str(path)]) == 2
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert str(path) in error and words in error

    def test_runs_as_a_command(self, students):
        command = [sys.executable, "-m", "stim_lib.check", str(students)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 1 and "not begun" in result.stdout


def test_reference_to_an_equation_becomes_the_formula(chapter, tmp_path):
    notebook = nbformat.read(chapter, as_version=4)
    text = "$$\na\n$$\n\nThen\n\n$$\nt = a + b,\n$$ (eq-99)"
    notebook.cells.insert(1, v4.new_markdown_cell(text))
    nbformat.write(notebook, chapter)
    made = release.write_release([chapter], tmp_path / "formula")["students"]
    assert "by $t = a + b$. Store" in (made / "99_sums.ipynb").read_text()
