"""An invented chapter with three exercises, small enough to be graded in a second."""

import copy
import json

import pytest
from nbformat import v4, write

CHAPTER = "99_sums"
SETUP = "import math\nimport numpy as np\n\ndef same(a, b):\n    return abs(a - b) < 1e-9"
ANSWER, SECOND = "total = 3", "mean = np.mean([1, 2, 3])"


def marked(code, grade_id, kind="code", points=None, solution=False, tags=None):
    cell = v4.new_code_cell(code) if kind == "code" else v4.new_markdown_cell(code)
    cell.metadata["nbgrader"] = {
        "grade_id": grade_id, "grade": points is not None, "solution": solution,
        "locked": not solution, "task": False, "schema_version": 3,
    } | ({"points": points} if points is not None else {})  # fmt: skip
    if tags:
        cell.metadata["tags"] = tags
    return cell


def hidden(code):
    return f"# More.\n### BEGIN HIDDEN TESTS\n{code}\n### END HIDDEN TESTS"


def make_source(setup=SETUP):
    begin, end = "### BEGIN SOLUTION\n", "\n### END SOLUTION"
    cells = [
        v4.new_markdown_cell("# Sums"),
        marked(setup, "setup-0"),
        marked('STUDENT_ID = "reader"', "student-id", tags=["student-id"]),
        v4.new_markdown_cell("**99.1** Add one and two."),
        marked(begin + ANSWER + end, "ex-99-sum", solution=True),
        marked('assert same(total, 3), "one and two make three"', "test-ex-99-sum", points=2),
        marked(hidden('assert isinstance(total, int), "a whole number"\nassert total == 3'),
               "hidden-ex-99-sum", points=1),
        v4.new_markdown_cell("**99.2** The mean of one to three, $x$."),
        marked(begin + SECOND + end, "ex-99-mean", solution=True),
        marked('assert np.isclose(mean, 2), "the middle"', "test-ex-99-mean", points=1),
        marked(hidden('secret = 2.0\nassert np.isclose(mean, secret), "the very middle"'),
               "hidden-ex-99-mean", points=1),
        marked(begin + end, "ex-99-open", kind="markdown", points=4, solution=True),
    ]  # fmt: skip
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    metadata = {"kernelspec": {"name": "python3", "display_name": "P", "language": "python"}}
    return v4.new_notebook(cells=cells, metadata=metadata)


def hand_in(source, **answers):
    """What a student sends: answers by label, with _ for -, a list for extra cells before it."""
    notebook = copy.deepcopy(source)
    cells = []
    for cell in notebook.cells:
        facts = cell.metadata.get("nbgrader", {})
        if facts.get("solution"):
            cell.source = "# YOUR CODE HERE\nraise NotImplementedError()"
            given = answers.get(facts["grade_id"].replace("-", "_"))
            if isinstance(given, list):
                cells += [v4.new_code_cell(code) for code in given[:-1]]
                given = given[-1]
            cell.source = given if given is not None else cell.source
        elif "HIDDEN" in cell.source:
            cell.source = "# More.\n"
        cells.append(cell)
    notebook.cells = cells
    return notebook


@pytest.fixture(scope="session")
def source_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    place = folder / CHAPTER / f"{CHAPTER}.ipynb"
    place.parent.mkdir()
    write(make_source(), place)
    return folder


def put(folder, student, notebook, chapter=CHAPTER):
    place = folder / student / f"{chapter}.ipynb"
    place.parent.mkdir(parents=True, exist_ok=True)
    text = notebook if isinstance(notebook, str) else json.dumps(notebook)
    place.write_text(text, encoding="utf-8")
    return place
