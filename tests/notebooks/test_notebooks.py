"""The chapters keep the form that the book promises: pairs, stored outputs, style."""

import re
import statistics
from pathlib import Path

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
NAMES = sorted(
    {path.stem for path in FOLDER.glob("*.ipynb")} | {p.stem for p in FOLDER.glob("*.md")}
)
CHECKED = {"nbval-check-output", "keep_output"}
HEADINGS = ("Setup", "What could fool us", "Answer", "Exercises", "Where next")


def read(name):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def code_cells(name):
    return [cell for cell in read(name).cells if cell.cell_type == "code"]


def tags(cell):
    return set(cell.metadata.get("tags", []))


def prose(name):
    cells = read(name).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def test_there_are_chapters():
    assert len(NAMES) >= 2


@pytest.mark.parametrize("name", NAMES)
class TestPair:
    def test_both_files_hold_the_same_cells(self, name):
        text = jupytext.read(FOLDER / f"{name}.md")
        book = read(name)
        assert [(c.cell_type, c.source) for c in text.cells] == [
            (c.cell_type, c.source) for c in book.cells
        ]
        assert [c.metadata for c in text.cells] == [
            {k: v for k, v in c.metadata.items() if k not in {"execution", "editable"}}
            for c in book.cells
        ]

    def test_notebook_is_valid(self, name):
        nbformat.validate(read(name))


@pytest.mark.parametrize("name", NAMES)
class TestStoredOutputs:
    def test_some_cell_is_checked(self, name):
        assert any(CHECKED <= tags(cell) for cell in code_cells(name))

    def test_checked_cells_have_a_count_and_an_output(self, name):
        for cell in code_cells(name):
            if tags(cell) & CHECKED:
                assert CHECKED <= tags(cell), "a checked cell needs both tags"
                assert cell.execution_count is not None, cell.source
                assert cell.outputs, f"nothing is stored, so nothing is compared: {cell.source}"

    def test_no_other_cell_stores_an_output(self, name):
        assert [c.source for c in code_cells(name) if c.outputs and not tags(c) & CHECKED] == []


@pytest.mark.parametrize("name", NAMES)
class TestStyle:
    def test_cells_are_short(self, name):
        lengths = [len(cell.source.splitlines()) for cell in code_cells(name)]
        assert statistics.median(lengths) <= 6
        assert sorted(lengths)[int(0.9 * (len(lengths) - 1))] <= 16
        assert max(lengths) <= 30

    def test_lines_are_at_most_79_columns(self, name):
        lines = [line for cell in code_cells(name) for line in cell.source.splitlines()]
        assert [line for line in lines if len(line) > 79] == []

    def test_few_cells_are_hidden(self, name):
        cells = code_cells(name)
        hidden = [c for c in cells if tags(c) & {"hide-input", "hide-cell", "remove-input"}]
        assert len(hidden) <= 0.15 * len(cells)

    def test_one_cell_of_parameters(self, name):
        assert sum("parameters" in tags(cell) for cell in code_cells(name)) == 1

    def test_nothing_is_installed_silenced_or_absolute(self, name):
        source = "\n".join(cell.source for cell in code_cells(name))
        assert not re.search(r"^[!%]", source, re.MULTILINE)
        assert "filterwarnings" not in source
        assert not re.search(r"['\"](/|[A-Z]:\\)", source)

    def test_figures_have_number_caption_and_alternative_text(self, name):
        for cell in code_cells(name):
            if "plt.show()" in cell.source:
                display = cell.metadata["mystnb"]
                assert display["figure"]["name"].startswith(f"fig-{name[:2]}")
                assert display["figure"]["caption"]
                assert len(display["image"]["alt"]) > 40

    def test_figures_state_their_finding(self, name):
        for cell in code_cells(name):
            if "plt.show()" in cell.source:
                assert re.search(r"title|draw_pipeline", cell.source), cell.source


@pytest.mark.parametrize("name", NAMES)
class TestTemplate:
    def test_headings_stand_in_order(self, name):
        found = re.findall(r"^## (.+)$", prose(name), re.MULTILINE)
        kept = [heading for heading in found if heading in HEADINGS]
        assert kept == list(HEADINGS)

    def test_opens_with_costs_aims_and_one_question(self, name):
        opening = prose(name).split("## Setup")[0]
        assert re.search(
            r"^\*read \d+ min · runs \d+ s on 2 cores · data: .+ · needs: .+\*$", opening, re.M
        )
        aims = re.findall(r"^- .+$", opening, re.MULTILINE)
        assert 3 <= len(aims) <= 5
        assert all("{ref}`exercise" in aim for aim in aims), "each aim names its exercise"
        assert re.search(r"^\*\*.+\?\*\*$", opening, re.MULTILINE)

    def test_exercises_have_solutions_checks_and_a_marking_guide(self, name):
        text = prose(name)
        labels = re.findall(r"^:label: (ex-\S+)$", text, re.MULTILINE)
        solved = re.findall(r"\{solution-start\} (ex-\S+)$", text, re.MULTILINE)
        graded = [c.metadata["nbgrader"] for c in code_cells(name) if "nbgrader" in c.metadata]
        assert len(labels) >= 3 and len(solved) >= 2 and set(solved) <= set(labels)
        assert len([mark for mark in graded if mark["solution"]]) == len(solved)
        assert len([mark for mark in graded if mark["grade"]]) >= len(solved)
        assert "*Marking guide" in text

    def test_prose_has_no_filler(self, name):
        for phrase in ("in this section we will", "in this chapter we will", "it is important to"):
            assert phrase not in prose(name).lower()
