"""Whatever is handed in is read, or refused with a reason."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import v4

from stim_lib.classroom.grading.intake import (
    IntakeError,
    find_submissions,
    grade_id_of,
    lay_answers,
    read_submission,
)

from . import conftest as tiny


def released(source):
    return tiny.hand_in(source)


def lay(handed_in, tmp_path):
    source = tiny.make_source()
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(handed_in), encoding="utf-8")
    return lay_answers(source, released(source), read_submission(path))


class TestRead:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "empty"),
            (b"  \n", "empty"),
            (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "no "),
            (b"{", "JSON"),
            (b"[" * 100_000, "JSON"),
            (b"[1]", "format number"),
            (b'{"cells": []}', "format number"),
            (b'{"nbformat": 3, "worksheets": []}', "format 3"),
            (b'{"nbformat": 4}', "list of cells"),
            (b'{"nbformat": 4, "cells": {}}', "list of cells"),
            (json.dumps({"nbformat": 4, "cells": [{}] * 1001}).encode(), "cells"),
            (b" " * (21 * 2**20), "21 MB"),
        ],
    )
    def test_refuses_with_a_reason(self, tmp_path, content, reason):
        path = tmp_path / "a.ipynb"
        path.write_bytes(content)
        with pytest.raises(IntakeError, match=reason):
            read_submission(path)

    def test_refuses_a_folder_a_link_and_a_pipe(self, tmp_path):
        (tmp_path / "folder.ipynb").mkdir()
        (tmp_path / "other.txt").write_text("{}")
        (tmp_path / "link.ipynb").symlink_to(tmp_path / "other.txt")
        with pytest.raises(IntakeError, match="folder"):
            read_submission(tmp_path / "folder.ipynb")
        with pytest.raises(IntakeError, match="link"):
            read_submission(tmp_path / "link.ipynb")
        if hasattr(os, "mkfifo"):
            os.mkfifo(tmp_path / "pipe.ipynb")
            with pytest.raises(IntakeError, match="plain"):
                read_submission(tmp_path / "pipe.ipynb")

    def test_drops_what_is_no_cell_and_all_metadata(self, tmp_path):
        cells = [
            5, None, {"cell_type": "raw"}, {"cell_type": "code", "source": 7},
            {"cell_type": "code"},
            {"cell_type": "code", "source": ["a = ", 1, "2\x00"], "metadata": "x", "outputs": 9},
            {"cell_type": "markdown", "source": "\ud800", "metadata": {"nbgrader": []}},
        ]  # fmt: skip
        path = tmp_path / "a.ipynb"
        path.write_text(json.dumps({"nbformat": 4, "cells": cells}))
        assert [cell.source for cell in read_submission(path).cells] == ["", "a = 2", "?"]

    @settings(max_examples=25, deadline=None)
    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(
                        ["cell_type", "source", "metadata", "nbgrader", "grade_id", "id"]
                    )
                    | st.text(max_size=3),
                    inner | st.sampled_from(["code", "markdown", "ex-99-sum", "student-id"]),
                    max_size=5,
                )
            ),
            max_leaves=20,
        )
    )
    def test_any_cell_is_laid_in_or_dropped(self, tmp_path_factory, cell):
        handed_in = {"nbformat": 4, "cells": [cell, cell]}
        notebook, _ = lay(handed_in, tmp_path_factory.mktemp("any"))
        names = [grade_id_of(c) for c in notebook.cells if grade_id_of(c)]
        assert names == [grade_id_of(c) for c in tiny.make_source().cells if grade_id_of(c)]


class TestLay:
    def test_takes_the_answers_and_the_teachers_tests(self, tmp_path):
        notebook, notes = lay(tiny.hand_in(tiny.make_source(), ex_99_sum="total = 4"), tmp_path)
        sources = {grade_id_of(cell): cell.source for cell in notebook.cells}
        assert sources["ex-99-sum"] == "total = 4"
        assert "total == 3" in sources["hidden-ex-99-sum"]
        assert notes == []

    def test_puts_changed_tests_back_and_says_so(self, tmp_path):
        handed_in = tiny.hand_in(tiny.make_source())
        for cell in handed_in.cells:
            if grade_id_of(cell) == "test-ex-99-sum":
                cell.source = "pass"
                cell.metadata.nbgrader.points = 1000
        notebook, notes = lay(handed_in, tmp_path)
        test = next(cell for cell in notebook.cells if grade_id_of(cell) == "test-ex-99-sum")
        assert "one and two" in test.source and test.metadata.nbgrader.points == 2
        assert notes == ["changed and put back: test-ex-99-sum"]

    def test_a_missing_answer_is_named_and_its_cell_blank(self, tmp_path):
        handed_in = tiny.hand_in(tiny.make_source())
        handed_in.cells = [c for c in handed_in.cells if grade_id_of(c) != "ex-99-sum"]
        notebook, notes = lay(handed_in, tmp_path)
        assert notes == ["the answer cell ex-99-sum is missing"]
        assert "total = 3" not in str([c.source for c in notebook.cells])

    def test_of_a_doubled_answer_the_last_counts_and_the_first_still_runs(self, tmp_path):
        handed_in = tiny.hand_in(tiny.make_source())
        at = next(i for i, c in enumerate(handed_in.cells) if grade_id_of(c) == "ex-99-sum")
        first = tiny.marked("a = 1", "ex-99-sum", solution=True)
        handed_in.cells[at].source = "total = a + 2"
        handed_in.cells.insert(at, first)
        notebook, _ = lay(handed_in, tmp_path)
        code = [cell.source for cell in notebook.cells]
        assert code.index("a = 1") < code.index("total = a + 2")
        assert sum(grade_id_of(c) == "ex-99-sum" for c in notebook.cells) == 1

    def test_forged_grade_ids_give_no_graded_cell(self, tmp_path):
        handed_in = tiny.hand_in(tiny.make_source())
        handed_in.cells.append(tiny.marked("assert True", "ex-99-bonus", points=100))
        notebook, _ = lay(handed_in, tmp_path)
        assert notebook.cells[-1].source == "assert True"
        assert "nbgrader" not in notebook.cells[-1].metadata

    def test_nothing_of_a_student_runs_before_the_setup_is_complete(self, tmp_path):
        handed_in = tiny.hand_in(tiny.make_source())
        handed_in.cells.insert(0, v4.new_code_cell("early = 1"))
        handed_in.cells.insert(2, v4.new_code_cell("between = 1"))
        notebook, _ = lay(handed_in, tmp_path)
        code = [cell.source for cell in notebook.cells]
        setup = max(i for i, cell in enumerate(code) if "STUDENT_ID" in cell)
        assert setup < code.index("early = 1") < code.index("between = 1")

    def test_order_of_the_cells_is_the_teachers(self, tmp_path):
        handed_in = tiny.hand_in(tiny.make_source(), ex_99_sum="total = 3")
        handed_in.cells.reverse()
        notebook, _ = lay(handed_in, tmp_path)
        names = [grade_id_of(c) for c in notebook.cells if grade_id_of(c)]
        assert names == [grade_id_of(c) for c in tiny.make_source().cells if grade_id_of(c)]


class TestFind:
    def test_lists_every_folder_with_what_is_wrong_in_it(self, tmp_path):
        good = tiny.put(tmp_path, "ann", "{}")
        tiny.put(tmp_path, "ben", "{}", chapter="98_other")
        (tmp_path / "cleo").mkdir()
        (tmp_path / "dan.ipynb").write_text("{}")
        (tmp_path / "eve").symlink_to(tmp_path / "ann", target_is_directory=True)
        (tmp_path / ".hidden").mkdir()
        (tmp_path / "ann" / ".ipynb_checkpoints").mkdir()
        (tmp_path / "ann" / "data.csv").write_text("1")
        found = {one.student: one for one in find_submissions(tmp_path, [tiny.CHAPTER])}
        assert found["ann"].path == good and found["ann"].problem == ""
        assert "rename" in found["ben"].problem and f"{tiny.CHAPTER}.ipynb" in found["ben"].problem
        assert "no notebook" in found["cleo"].problem
        assert "loose" in found["dan"].problem
        assert "link" in found["eve"].problem
        assert len(found) == 5

    def test_lists_several_chapters_of_one_student(self, tmp_path):
        for chapter in ("98_more", "99_sums"):
            tiny.put(tmp_path, "ann", "{}", chapter=chapter)
        found = find_submissions(tmp_path, ["98_more", "99_sums"])
        assert [one.chapter for one in found] == ["98_more", "99_sums"]
