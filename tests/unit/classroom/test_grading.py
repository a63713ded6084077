"""A class with one good submission and everything else that was thought of, graded once."""

import csv
import json
import re
import socket

import pytest
from nbformat import v4

from stim_lib.classroom.grading import Row, grade_submissions, main
from stim_lib.classroom.grading.course import offline_page
from stim_lib.classroom.grading.grade import GradingError
from stim_lib.classroom.grading.table import (
    exercises_of,
    keep_by_hand,
    make_rows,
    read_by_hand,
    write_tables,
)
from stim_lib.classroom.sandbox import Limits, protection

from . import conftest as tiny

ANSWER, SECOND = tiny.ANSWER, tiny.SECOND
walled = pytest.mark.skipif(bool(protection()), reason=protection() or "all walls stand")
LIMITS = Limits(cell_seconds=6, total_seconds=90, memory=600 * 2**20)
FORGE = """
from IPython.core.interactiveshell import InteractiveShell as Shell
old = Shell.run_code
async def run_code(self, *a, **k):
    await old(self, *a, **k)
    return False
Shell.run_code = run_code
Shell.showtraceback = lambda *a, **k: None
total = 4
"""
LYING = """
import ast
class Blind(ast.NodeTransformer):
    def visit_Assert(self, node): return ast.Pass()
get_ipython().ast_transformers.append(Blind())
total = 4
"""


def attacks(outside, port):
    """Student → answers. Each holds the right mean, so that points before or after show."""
    secret = str(outside / "secret.txt")
    return {
        "good": {"ex_99_sum": [f"{HELPERS}", ANSWER], "ex_99_open": "Because <b>it</b> is."},
        "blank": {"ex_99_mean": None},
        "wrong": {"ex_99_sum": "total = 3.0"},
        "warns": {"ex_99_sum": "import warnings\nwarnings.warn('x')\ntotal = 3"},
        "exits": {"ex_99_mean": "import os; os._exit(0)"},
        "loops": {"ex_99_sum": "while True: pass"},
        "hoards": {"ex_99_mean": "x = []\nwhile True: x.append(bytearray(10**7))"},
        "prints": {"ex_99_sum": "print('a' * 100_000_000)\ntotal = 3"},
        "deletes": {"ex_99_sum": f"import os\nos.remove({secret!r})\ntotal = 3"},
        "reads": {"ex_99_sum": f"print(open({secret!r}).read())\ntotal = 3"},
        "calls": {
            "ex_99_sum": "import socket\nsocket.create_connection(('127.0.0.1', "
            f"{port}), timeout=1)\ntotal = 3"
        },
        "patches": {"ex_99_mean": "np.isclose = lambda *a, **k: True\nmean = 5"},
        "forges": {"ex_99_sum": FORGE},
        "lies": {"ex_99_sum": LYING},
        "renames": {"ex_99_sum": "total = 3\nSTUDENT_ID = 'good'\nisinstance = same = None"},
        "=formula": {"ex_99_sum": "total = 3"},
    }


HELPERS = "def helper(x):\n    return x"


def files(folder):
    """Submissions that are no notebook of the chapter."""
    source = tiny.make_source()
    (folder / "directory" / f"{tiny.CHAPTER}.ipynb").mkdir(parents=True)
    (folder / "linked").mkdir()
    (folder / "linked" / f"{tiny.CHAPTER}.ipynb").symlink_to(
        folder / "good" / f"{tiny.CHAPTER}.ipynb"
    )
    (folder / "nothing").mkdir()
    tiny.put(folder, "broken", '{"cells": [')
    tiny.put(folder, "empty", "")
    tiny.put(folder, "misnamed", tiny.hand_in(source), chapter="98_other")
    tiny.put(folder, "old", json.dumps({"nbformat": 3, "worksheets": []}))
    cells = [v4.new_code_cell("x" * 1000)]
    huge = v4.new_notebook(cells=cells)
    tiny.put(folder, "huge", huge).write_bytes(json.dumps(huge).encode() + b" " * 50 * 2**20)
    tiny.put(folder, "binary", "").write_bytes(bytes(range(256)) * 100)
    bare = {"nbformat": 4, "nbformat_minor": 5, "cells": [{"cell_type": "code", "source": "1"}]}
    tiny.put(folder, "bare", json.dumps(bare))


@pytest.fixture(scope="module")
def graded(tmp_path_factory, source_folder):
    """The rows by student, the lines that were said, and the folders."""
    folder = tmp_path_factory.mktemp("class")
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.txt").write_text("the secret of another")
    submissions, output, lines = folder / "submissions", folder / "grades", []
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.1)
        for student, answers in attacks(outside, server.getsockname()[1]).items():
            given = {"ex_99_sum": ANSWER, "ex_99_mean": SECOND} | answers
            tiny.put(submissions, student, tiny.hand_in(tiny.make_source(), **given))
        files(submissions)
        rows = grade_submissions(
            submissions, source_folder, output, limits=LIMITS, say=lines.append
        )
        try:
            called = bool(server.accept())
        except TimeoutError:
            called = False
    by_student = {}
    for row in rows:
        by_student.setdefault(row.student, {})[row.exercise] = row
    return {"rows": by_student, "lines": lines, "output": output, "outside": outside,
            "called": called, "submissions": submissions}  # fmt: skip


def points(graded, student):
    rows = graded["rows"][student]
    return rows["ex-99-sum"].points, rows["ex-99-mean"].points


def note(graded, student):
    return "; ".join(row.note for row in graded["rows"][student].values() if row.note)


class TestClass:
    def test_the_good_one_has_all_points_among_all_these(self, graded):
        rows = graded["rows"]["good"]
        assert points(graded, "good") == (3, 2)
        assert rows["ex-99-open"].points is None and rows["ex-99-open"].max_points == 4
        assert note(graded, "good") == "to be marked by hand"

    @pytest.mark.parametrize(
        ("student", "expected", "word"),
        [
            ("blank", (3, 0), "not answered"),
            ("wrong", (2, 2), "whole number"),
            ("warns", (3, 2), ""),
            ("exits", (3, 0), "exit code 0"),
            ("loops", (0, 2), "stopped after 6 s"),
            ("prints", (3, 2), ""),
            ("=formula", (3, 2), ""),
        ],
    )
    def test_points_and_reasons(self, graded, student, expected, word):
        assert points(graded, student) == expected
        assert word in note(graded, student)

    def test_a_memory_bomb_keeps_what_came_before(self, graded):
        assert points(graded, "hoards") == (3, 0)
        assert "emory" in note(graded, "hoards")

    @walled
    @pytest.mark.parametrize("student", ["deletes", "reads", "calls"])
    def test_nothing_outside_is_reached(self, graded, student):
        assert points(graded, student) == (0, 2)
        assert "PermissionError" in note(graded, student)
        assert (graded["outside"] / "secret.txt").read_text() == "the secret of another"
        page = (graded["output"] / "feedback" / student / f"{tiny.CHAPTER}.html").read_text()
        assert "the secret of another" not in page
        assert not graded["called"]

    @pytest.mark.parametrize("student", ["patches", "forges", "lies"])
    def test_a_bribed_judge_gives_no_points(self, graded, student):
        assert points(graded, student) == (0, 0)
        assert all("tampered" in row.note for row in graded["rows"][student].values())

    def test_taken_names_are_given_back(self, graded):
        assert points(graded, "renames") == (3, 2)
        assert "STUDENT_ID" in note(graded, "renames")

    @pytest.mark.parametrize(
        ("student", "word"),
        [
            ("broken", "JSON"),
            ("empty", "empty"),
            ("old", "format 3"),
            ("huge", "50 MB"),
            ("binary", "no "),
            ("directory", "folder"),
            ("linked", "link"),
        ],
    )
    def test_what_is_no_notebook_has_a_row_of_zeros(self, graded, student, word):
        rows = graded["rows"][student].values()
        assert [row.points for row in rows] == [0, 0, 0]
        assert sum(row.max_points for row in rows) == 9
        assert word in note(graded, student)

    def test_what_is_no_chapter_has_a_row(self, graded):
        assert "rename" in note(graded, "misnamed")
        assert "no notebook" in note(graded, "nothing")

    def test_without_metadata_it_is_graded_as_blank(self, graded):
        assert points(graded, "bare") == (0, 0)
        assert "missing" in note(graded, "bare")

    def test_one_line_for_each(self, graded):
        lines = [line for line in graded["lines"] if not line.startswith("WARNING")]
        assert len(lines) == len(graded["rows"])
        assert any(re.match(r"\d+/\d+ good/99_sums: 5 points \[\d+ s\]", line) for line in lines)

    def test_the_submissions_are_only_read(self, graded):
        names = {path.name for path in graded["submissions"].rglob("*") if path.is_file()}
        assert names == {f"{tiny.CHAPTER}.ipynb", "98_other.ipynb"}


class TestOutput:
    def test_tables_can_be_read(self, graded):
        with (graded["output"] / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        assert {row["student"] for row in rows} >= {"good", "'=formula"}
        with (graded["output"] / "totals.csv").open(encoding="utf-8-sig", newline="") as file:
            totals = {row["student"]: row for row in csv.DictReader(file)}
        good = totals["good"]
        assert (good["points"], good["max_points"], good["still_to_mark"]) == ("5", "9", "4")
        assert totals["patches"]["note"].startswith("tampered")

    def test_nothing_else_lies_beside_them(self, graded):
        names = {path.name for path in graded["output"].iterdir()}
        assert names == {"grades.csv", "totals.csv", "feedback"}

    @pytest.mark.parametrize("student", ["good", "wrong", "prints", "forges"])
    def test_pages_load_and_run_nothing_and_hide_the_hidden(self, graded, student):
        page = (graded["output"] / "feedback" / student / f"{tiny.CHAPTER}.html").read_text()
        assert not re.search(r"<(script|link|iframe|object|embed)\b", page)
        assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", page)
        assert not re.search(r"@import|url\(\s*[\"']?(https?:)?//", page)
        assert "Content-Security-Policy" in page
        assert "secret = 2.0" not in page and "isinstance(total, int)" not in page
        assert len(page) < 1_000_000

    def test_the_page_says_what_failed(self, graded):
        page = (graded["output"] / "feedback" / "wrong" / f"{tiny.CHAPTER}.html").read_text()
        assert "a whole number" in page

    def test_the_page_says_what_waits_for_a_person(self, graded):
        page = (graded["output"] / "feedback" / "good" / f"{tiny.CHAPTER}.html").read_text()
        assert page.count("To be marked by hand: 4.0 points") == 2

    def test_grading_again_leaves_nothing_over_and_keeps_marks(
        self, graded, source_folder, tmp_path
    ):
        output, alone = tmp_path / "grades", tmp_path / "alone"
        tiny.put(alone, "ann", tiny.hand_in(tiny.make_source(), ex_99_open="Text."))
        (output / "feedback" / "gone").mkdir(parents=True)
        (output / "feedback" / "gone" / "old.html").touch()
        write_tables([Row("ann", tiny.CHAPTER, "ex-99-open", None, 4.0, "3,5")], output)
        rows = grade_submissions(alone, source_folder, output, limits=LIMITS, say=str)
        assert rows[-1].counted == 3.5
        page = (output / "feedback" / "ann" / f"{tiny.CHAPTER}.html").read_text()
        assert "Score: 3.5 / 9.0" in page and "by hand" not in page
        assert [path.name for path in (output / "feedback").iterdir()] == ["ann"]
        assert "ann,99_sums,3.5,9,0," in (output / "totals.csv").read_text(encoding="utf-8-sig")


class TestCommand:
    def test_without_a_folder(self, capsys):
        assert main([]) == 2
        assert "SUBMISSIONS" in capsys.readouterr().err

    def test_with_nothing_to_grade(self, capsys, tmp_path, source_folder):
        (tmp_path / "none").mkdir()
        given = ["--source", str(source_folder), "--output", str(tmp_path / "out")]
        assert main([str(tmp_path / "none"), *given]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
        assert not (tmp_path / "out").exists()

    def test_refuses_an_output_among_the_submissions(self, tmp_path, source_folder):
        with pytest.raises(GradingError, match="among"):
            grade_submissions(tmp_path, source_folder, tmp_path / "x")

    def test_says_what_to_do_without_the_teachers_notebooks(self, tmp_path):
        with pytest.raises(GradingError, match="make exercises"):
            grade_submissions(tmp_path, tmp_path / "no", tmp_path / "x")


class TestTables:
    def test_tests_belong_to_the_answer_in_their_name(self):
        found = exercises_of(tiny.make_source())
        assert found["ex-99-sum"] == {"test-ex-99-sum": 2.0, "hidden-ex-99-sum": 1.0}
        assert list(found) == ["ex-99-sum", "ex-99-mean", "ex-99-open"]

    def test_marks_by_hand_survive_a_spreadsheet(self, tmp_path):
        row = Row("=ann", tiny.CHAPTER, "ex-99-open", None, 4.0, "2", "a; b")
        write_tables([row], tmp_path)
        path = tmp_path / "grades.csv"
        entries = read_by_hand(path)
        assert (
            keep_by_hand([Row("=ann", tiny.CHAPTER, "ex-99-open", None, 4.0)], entries)[0].counted
            == 2
        )
        path.write_text(path.read_text(encoding="utf-8-sig").replace(",", ";"), encoding="cp1252")
        assert read_by_hand(path) == entries

    def test_a_note_is_one_line_and_no_formula(self, tmp_path):
        write_tables(
            [Row("ann", "c", "e", 0.0, 1.0, note="=1+1\n\x00\ud800" + "x" * 999)], tmp_path
        )
        line = (tmp_path / "grades.csv").read_text(encoding="utf-8-sig").splitlines()[1]
        assert ",'=1+1 x" in line and len(line) < 450

    def test_a_word_instead_of_a_mark_counts_nothing(self):
        assert Row("a", "c", "e", None, 4.0, "later").counted == 0

    def test_an_unknown_chapter_has_one_row(self):
        from pathlib import Path

        from stim_lib.classroom.grading import Graded, Submission

        rows = make_rows(Submission("a", "", Path("x")), {}, Graded(problem="no"))
        assert [(row.exercise, row.note) for row in rows] == [("", "no")]


def test_offline_page_drops_what_loads():
    page = offline_page(
        '<head></head><script src="https://c.dn/x.js"></script><link href="//c.dn/a.css">'
        "<SCRIPT>alert(1)</SCRIPT><iframe src='x'></iframe><p>kept</p>"
    )
    assert "c.dn" not in page and "alert" not in page and "<p>kept</p>" in page


def test_container_copies_what_there_is():
    from pathlib import Path

    root = Path(__file__).resolve().parents[3]
    recipe = (root / "classroom" / "Containerfile").read_text(encoding="utf-8")
    copied = [line.split()[1:-1] for line in recipe.splitlines() if line.startswith("COPY")]
    assert [name for names in copied for name in names if not (root / name).exists()] == []
    assert "--network none" in recipe
