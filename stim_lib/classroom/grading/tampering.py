"""Notice when a submission has changed the tools that judge it.

Three ways, none of them perfect: compare the functions that tests use before and after (`Watch`);
send cells that must fail (`must_fail`, `negated`); and name suspicious words in the code
(`suspicious`), for a person to look at.
"""

from __future__ import annotations

import ast
import builtins
import json
import random

from nbformat import NotebookNode

from stim_lib.classroom.grading.intake import is_answer
from stim_lib.classroom.sandbox import Kernel

# Always compared: what carries out a cell, tells of an error and sends the news.
_MACHINERY = (
    "IPython.core.interactiveshell:InteractiveShell.run_cell",
    "IPython.core.interactiveshell:InteractiveShell._run_cell",
    "IPython.core.interactiveshell:InteractiveShell.run_cell_async",
    "IPython.core.interactiveshell:InteractiveShell.run_ast_nodes",
    "IPython.core.interactiveshell:InteractiveShell.run_code",
    "IPython.core.interactiveshell:InteractiveShell.compile_class",
    "IPython.core.interactiveshell:InteractiveShell.transform_cell",
    "IPython.core.interactiveshell:InteractiveShell.transform_ast",
    "IPython.core.interactiveshell:InteractiveShell.showtraceback",
    "IPython.core.interactiveshell:InteractiveShell._format_user_obj",
    "IPython.core.interactiveshell:InteractiveShell.user_expressions",
    "IPython.core.compilerop:CachingCompiler.ast_parse",
    "IPython.core.interactiveshell:ExecutionResult",
    "ipykernel.zmqshell:ZMQInteractiveShell.run_cell",
    "ipykernel.zmqshell:ZMQInteractiveShell._showtraceback",
    "ipykernel.ipkernel:IPythonKernel.do_execute",
    "ipykernel.kernelbase:Kernel.execute_request",
    "jupyter_client.session:Session.send",
    "jupyter_client.session:Session.serialize",
    "jupyter_client.session:Session.msg",
    "math:isclose", "math:isnan", "math:isfinite",
)  # fmt: skip
_METHODS = ("pandas:DataFrame", "pandas:Series", "pandas:Index")
_SUSPECT_NAMES = {
    "get_ipython", "settrace", "setprofile", "_getframe", "_exit", "ctypes", "gc", "builtins",
    "__builtins__", "__subclasses__", "__globals__", "__code__", "__eq__", "__ne__", "__bool__",
    "__array_ufunc__", "__array_function__", "ipykernel", "IPython", "inspect", "AssertionError",
}  # fmt: skip

_MODULES = ("np", "pd", "math", "sys", "numpy", "pandas")
# IPython has its own of these.
_NOT_PLAIN = {"open", "exit", "quit", "input", "display"}

# Runs in the kernel, in a namespace of its own.
_INSPECT = """
import builtins, importlib, sys
def code_of(thing):
    thing = getattr(thing, "_implementation", thing)
    thing = getattr(thing, "__func__", thing)
    code = getattr(thing, "__code__", None)
    return [id(thing), id(code), hash(code.co_code) if code is not None else 0]
def find(name):
    module, _, path = name.partition(":")
    found = sys.modules[module] if module else shell.user_ns
    for part in filter(None, path.split(".")):
        found = found[part] if isinstance(found, dict) else getattr(found, part)
    return found
shell = sys.modules["IPython"].get_ipython()
seen = {}
for name in wanted:
    try:
        seen[name] = [id(find(name)), *code_of(find(name))]
    except (KeyError, AttributeError, TypeError):
        pass
for name in whole:
    try:
        kind = find(name)
        for key in [k for base in kind.__mro__[:-1] for k in vars(base)]:
            seen[name + "." + key] = id(getattr(kind, key)) if key == "__eq__" else code_of(
                next(vars(base)[key] for base in kind.__mro__ if key in vars(base)))
    except (KeyError, AttributeError, TypeError):
        pass
own = set(vars(shell)) | set(vars(shell.kernel)) | set(vars(shell.kernel.session))
for name in wanted:
    last = name.rpartition(".")[2]
    if name.startswith(("IPython", "ipykernel", "jupyter_client")):
        seen["own " + last] = last in own
seen["transformers"] = [len(shell.ast_transformers), len(shell.custom_exceptions),
    len(shell.input_transformers_post)]
seen["hooks"] = sorted(
    str(getattr(f, "__module__", "")) for kind in ("pre_execute", "pre_run_cell", "post_run_cell")
    for f in shell.events.callbacks[kind]
    if not str(getattr(f, "__module__", "")).startswith(("IPython", "ipykernel", "matplotlib")))
seen["tracing"] = [sys.gettrace() is None, sys.getprofile() is None]
answer = __import__("json").dumps(seen)
"""

# Gives names back to the tests that a cell has taken for itself.
_RESTORE = """
import builtins, importlib, sys
names = sys.modules["IPython"].get_ipython().user_ns
back = []
for name in plain:
    if name in names and names[name] is not getattr(builtins, name, None):
        del names[name]
        back.append(name)
for name, (module, attribute) in aliases.items():
    right = sys.modules.get(module)
    right = getattr(right, attribute, None) if attribute and right is not None else right
    if right is not None and name in names and names[name] is not right:
        names[name] = right
        back.append(name)
for name, value in fixed.items():
    if name in names and not (type(names[name]) is str and names[name] == value):
        back.append(name)
    names[name] = value
kept = vars(sys.modules["IPython"]).setdefault(slot, {})
for name in helpers:
    if name in names and name not in kept:
        kept[name] = names[name]
    elif name in kept and names.get(name) is not kept[name]:
        names[name] = kept[name]
        back.append(name)
answer = __import__("json").dumps(back)
"""


def _names_of(code: str) -> ast.Module:
    """The code's tree; an empty one if it is not Python alone."""
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.parse("")


class Watch:
    """The functions on which the tests of a notebook stand, and their state at the beginning.

    Parameters
    ----------
    source : NotebookNode
        The teacher's notebook.
    student_id : str
    """

    def __init__(self, source: NotebookNode, student_id: str) -> None:
        code = [cell for cell in source.cells if cell.cell_type == "code"]
        tests = [c.source for c in code if c.metadata.get("nbgrader", {}).get("grade")]
        answers = [c.source for c in code if is_answer(c)]
        setup = [c.source for c in code if c.source not in {*tests, *answers}]
        used = _uses("\n".join(map(_bare, tests)))
        bound = {name for text in setup + answers for name in _bindings(text)}
        roots = {chain.split(".")[0] for chain in used}
        self._aliases = _imports([*setup, *tests])
        in_setup = {name for text in setup for name in _functions(text)}
        of_answers = {name for text in answers for name in _bindings(text)}
        self._helpers = sorted((in_setup & roots) - of_answers)
        self._plain = sorted((roots & set(dir(builtins))) - bound - _NOT_PLAIN)
        self._fixed = {"STUDENT_ID": student_id} if "STUDENT_ID" in bound else {}
        self._wanted = [*_MACHINERY, *self._helper_names(), *self._chains(used)]
        self._slot = f"_kept_{random.SystemRandom().getrandbits(64):x}"
        self._before: dict[str, object] | None = None

    def _helper_names(self) -> list[str]:
        return [f":{name}" for name in self._helpers]

    def _chains(self, used: set[str]) -> list[str]:
        """Used names that belong to modules, with the builtins."""
        found = [f"builtins:{name}" for name in self._plain]
        for chain in used:
            root, _, rest = chain.partition(".")
            if root in self._aliases:
                module, attribute = self._aliases[root]
                path = ".".join(filter(None, (attribute, rest)))
                found.append(f"{module}:{path}")
        return sorted(found)

    def _ask(self, kernel: Kernel, code: str, **given: object) -> object:
        """Run a piece of code away from the student's names and read its answer."""
        expression = (
            f"(lambda space: (__import__('builtins').exec({code!r}, space), space['answer'])[1])"
            f"({given!r})"
        )
        said = kernel.ask(expression)
        try:
            return json.loads(ast.literal_eval(said))
        except (TypeError, ValueError, SyntaxError, RecursionError, MemoryError):
            return None

    def _inspect(self, kernel: Kernel) -> object:
        return self._ask(kernel, _INSPECT, wanted=self._wanted, whole=_METHODS)

    def begin(self, kernel: Kernel) -> None:
        """Note the state before a student's first cell."""
        before = self._inspect(kernel)
        self._before = before if isinstance(before, dict) else None
        self.restore(kernel)  # keeps the helpers

    def restore(self, kernel: Kernel) -> list[str]:
        """Give the tests their names back; say which had been taken."""
        given = {"plain": self._plain, "aliases": self._aliases, "fixed": self._fixed}
        back = self._ask(kernel, _RESTORE, **given, helpers=self._helpers, slot=self._slot)
        return [str(name) for name in back] if isinstance(back, list) else []

    def changed(self, kernel: Kernel) -> str:
        """What is no longer as it was at the beginning; empty if all is."""
        if self._before is None or not kernel.alive:
            return ""
        after = self._inspect(kernel)
        if not isinstance(after, dict):
            return "nothing can be said about its tools" if kernel.alive else ""
        for name, value in self._before.items():
            if after.get(name) != value:
                return f"{name.replace(':', '.')} is not what it was"
        return ""


def _bare(code: str) -> str:
    """A test without nbgrader's marks, which are comments anyway."""
    return "\n".join(line for line in code.splitlines() if not line.lstrip().startswith(("%", "!")))


def _uses(code: str) -> set[str]:
    """Names and dotted names that code reads."""
    used = set()
    for node in ast.walk(_names_of(code)):
        parts, inner = [], node
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            used.add(".".join([inner.id, *reversed(parts)]))
    return used


def _bindings(code: str) -> set[str]:
    """Names that code assigns, at any depth."""
    tree = _names_of(_bare(code))
    stored = {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    return stored | _functions(code)


def _functions(code: str) -> set[str]:
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(_names_of(_bare(code))) if isinstance(node, kinds)}


def _imports(codes: list[str]) -> dict[str, tuple[str, str]]:
    """Name → the module and, for "from", the attribute it stands for."""
    found = {}
    for node in (n for code in codes for n in ast.walk(_names_of(_bare(code)))):
        if isinstance(node, ast.Import):
            for one in node.names:
                whole = one.name if one.asname else one.name.partition(".")[0]
                found[one.asname or whole] = (whole, "")
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for one in node.names:
                found[one.asname or one.name] = (node.module, one.name)
    return found


def must_fail(rng: random.Random) -> str:
    """A test that no honest kernel passes.

    Parameters
    ----------
    rng : random.Random

    Returns
    -------
    str

    Notes
    -----
    Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> exec(must_fail(random.Random(0)))
    Traceback (most recent call last):
    AssertionError: expected 843.733
    """
    expected, off = round(rng.uniform(1, 999), 3), round(rng.uniform(0.5, 9), 3)
    name = rng.choice(["answer", "value", "found", "result", "share"]) + f"_{rng.randrange(10**6)}"
    claim = rng.choice(
        [
            f"abs({name} - {expected}) < 1e-6",
            f"{name} == {expected}",
            f"__import__('math').isclose({name}, {expected}, rel_tol=1e-9)",
            f"sorted([{name}, {expected}]) == [{expected}, {expected}]",
            f"isinstance({name}, str)",
        ]
    )
    return f'{name} = {expected + off}\nassert {claim}, "expected {expected}"\ndel {name}'


def negated(code: str) -> str | None:
    """A test turned into its opposite: where the one passes, the other must fail.

    Parameters
    ----------
    code : str

    Returns
    -------
    str or None
        None if the test is not Python alone.

    Notes
    -----
    Every assertion is negated, and one that fails is added at the end. Introduced with the
    classroom, after the last chapter.

    Examples
    --------
    >>> print(negated("assert total == 3, 'one and two'"))
    assert not total == 3
    assert not True
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            node.test = ast.UnaryOp(ast.Not(), node.test)
            node.msg = None
    tree.body += ast.parse("assert not True").body
    return ast.unparse(ast.fix_missing_locations(tree))


def suspicious(code: str) -> list[str]:
    r"""Words in a student's code that have a place in few honest answers.

    Parameters
    ----------
    code : str

    Returns
    -------
    list of str

    Notes
    -----
    Reason to read the answer, none to take points. Introduced with the classroom, after the last
    chapter.

    Examples
    --------
    >>> suspicious("import gc\nnp.isclose = lambda *a: True")
    ['assigns to np.isclose', 'gc']
    """
    found = set()
    for node in ast.walk(_names_of(_bare(code))):
        names = [getattr(node, key, None) for key in ("id", "attr", "name")]
        if isinstance(node, ast.ImportFrom):
            names.append((node.module or "").partition(".")[0])
        found |= {name for name in names if isinstance(name, str) and name in _SUSPECT_NAMES}
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            owner = getattr(getattr(target, "value", None), "id", "")
            if isinstance(target, ast.Attribute) and owner in _MODULES:
                found.add(f"assigns to {owner}.{target.attr}")
    return sorted(found)
