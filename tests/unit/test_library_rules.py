"""The library keeps its own rules: short modules, documented functions, one direction."""

import ast
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import stim_lib

FOLDER = Path(stim_lib.__file__).parent
MODULES = sorted(FOLDER.rglob("*.py"))
# DESIGN of the data's way: a module may import only from those before it.
ORDER = (
    "schema", "assets", "datasets", "simulate", "cleaning", "splits", "series", "queries",
    "temporal", "spatial", "fusion", "sequences", "metrics", "leaks", "evaluation", "baselines",
    "networks", "llm", "interest", "recommend", "ledger", "answers", "plots", "maps",
    "system", "classroom", "check",
)  # fmt: skip


def functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def public(path):
    return [
        node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]


def body_lines(function):
    """Lines of a function without its docstring."""
    start = function.body[1 if ast.get_docstring(function) else 0 :]
    return start[-1].end_lineno - start[0].lineno + 1 if start else 0


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(FOLDER)))
class TestModule:
    def test_is_at_most_400_lines(self, path):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400

    def test_functions_are_at_most_40_lines(self, path):
        assert [f.name for f in functions(path) if body_lines(f) > 40] == []

    def test_public_functions_are_documented(self, path):
        for function in public(path):
            if function.name == "main":
                continue
            text = ast.get_docstring(function) or ""
            taking = [a.arg for a in (*function.args.args, *function.args.kwonlyargs)]
            assert text, f"{function.name} has no docstring"
            assert not taking or "Parameters\n----------" in text, function.name
            for name in taking:
                assert name in text, f"{function.name} does not say what {name} is"
            assert "Examples\n--------" in text, f"{function.name} has no example"
            assert "chapter" in text or "chapter" in ast.get_docstring(
                ast.parse(path.read_text(encoding="utf-8"))
            ), f"{function.name} does not name the chapter that introduces it"

    def test_imports_only_what_stands_before_it(self, path):
        mine = path.relative_to(FOLDER).parts[0].removesuffix(".py")
        if mine == "__init__":
            return
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom) and node.module == "stim_lib":
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stim_lib."):
                names = [node.module.split(".")[1]]
            for name in names:
                assert name == mine or ORDER.index(name) < ORDER.index(mine), f"{mine} ← {name}"


def test_every_module_imports_and_none_pulls_in_tensorflow():
    names = [
        m.name
        for m in pkgutil.walk_packages([str(FOLDER)], "stim_lib.")
        # The layers of `networks` and `llm` are Keras's own kind; the rooms themselves stay light.
        if "__main__" not in m.name
        and not m.name.startswith("stim_lib.networks.")
        and m.name != "stim_lib.llm.decoder"
    ]
    code = "import sys, importlib\nfor n in sys.argv[1:]: importlib.import_module(n)\n"
    code += "assert 'tensorflow' not in sys.modules and 'folium' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, *names], check=True, timeout=120)
    assert len(names) > 10


def test_version_is_that_of_the_project():
    import tomllib

    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text())["project"]
    assert project["version"] == stim_lib.__version__
    assert inspect.getdoc(stim_lib)
