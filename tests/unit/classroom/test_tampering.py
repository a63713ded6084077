"""What notices that the judge was bribed, and what honest code may do without being accused."""

import random
import tempfile
from pathlib import Path

import pytest

from stim_lib.classroom.grading.tampering import Watch, must_fail, negated, suspicious
from stim_lib.classroom.sandbox import Kernel, Limits, protection

from . import conftest as tiny

pytestmark = pytest.mark.skipif(bool(protection()), reason=protection() or "all walls stand")


def begin():
    """A kernel after the setup, and its watch."""
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        kernel = Kernel(Path(folder), Limits(memory=2**31))
        try:
            kernel.run(tiny.SETUP)
            kernel.run("STUDENT_ID = 'ann'")
            watch = Watch(tiny.make_source(), "ann")
            watch.begin(kernel)
            yield kernel, watch
        finally:
            kernel.close()


watched = pytest.fixture(begin)
shared = pytest.fixture(begin, scope="module")


HONEST = """
import sys, warnings, collections
import numpy as np
import pandas as pd
import matplotlib.pyplot as plt
from tqdm.auto import tqdm
tqdm.pandas()
np.set_printoptions(precision=3)
pd.set_option("display.max_rows", 5)
warnings.simplefilter("ignore")
sys.setrecursionlimit(5000)
rng = np.random.default_rng(0)
table = pd.DataFrame({"a": rng.normal(size=9)})
table.plot(); plt.close()
class Point:
    def __init__(self, x): self.x = x
def same_as(a, b): return a == b
"""


def test_honest_code_is_not_accused(watched):
    kernel, watch = watched
    for code in (
        HONEST,
        "%matplotlib inline",
        "%%time\nx = 1",
        "1 / 0",
        "x?",
        "%load_ext autoreload",
    ):
        kernel.run(code)
    assert watch.restore(kernel) == []
    assert watch.changed(kernel) == ""


ISCLOSE = "np.isclose._implementation.__code__"
SHELL = "from IPython.core.interactiveshell import InteractiveShell as S\n"
KERNEL = "from ipykernel.ipkernel import IPythonKernel as K\n"
ASSIGNED = {
    "numpy.isclose": ("np.isclose", "lambda *a, **k: True", ""),
    "numpy.isclose ": (ISCLOSE, "(lambda a, b, rtol=0, atol=0, equal_nan=0: True).__code__", ""),
    "builtins.isinstance": (
        "b.isinstance",
        "lambda *a: a[1] is int or old(*a)",
        "import builtins as b",
    ),
    "same": ("same.__code__", "(lambda a, b: True).__code__", ""),
    "showtraceback": ("S.showtraceback", "lambda *a, **k: None", SHELL),
    "do_execute": ("K.do_execute", "lambda *a, **k: old(*a, **k)", KERNEL),
}
DONE = {
    "transformers": ("t = get_ipython().ast_transformers; t.append(0)", "t.clear()"),
    "hooks": ("e = get_ipython().events; f = lambda info: 0; e.register('pre_run_cell', f)",
              "e.unregister('pre_run_cell', f)"),
    "tracing": ("import sys; sys.setprofile(lambda *a: None)", "sys.setprofile(None)"),
    "run_cell_async": ("ip = get_ipython(); ip.run_cell_async = ip.run_cell_async",
                       "del ip.run_cell_async"),
    "send": ("s = get_ipython().kernel.session; s.send = s.send", "del s.send"),
}  # fmt: skip
DONE |= {
    word: (f"{imports}\nold = {name}\n{name} = {value}", f"{name} = old")
    for word, (name, value, imports) in ASSIGNED.items()
}


@pytest.mark.parametrize("word", DONE)
def test_a_changed_tool_is_noticed_until_it_is_put_back(shared, word):
    kernel, watch = shared
    code, undo = DONE[word]
    assert kernel.run(code).status == "ok"
    watch.restore(kernel)
    assert word.strip() in watch.changed(kernel)
    kernel.run(undo)
    assert watch.changed(kernel) == ""


def test_a_kernel_that_no_longer_answers_is_ended(watched):
    kernel, _ = watched
    kernel.run("type(get_ipython().kernel).do_execute = None")
    kernel.ask("1", seconds=0.5)
    assert not kernel.alive and "answered" in kernel.reason


def test_names_of_the_tests_are_given_back(watched):
    kernel, watch = watched
    kernel.run("isinstance = np = STUDENT_ID = 3\ndef same(a, b): return True")
    assert set(watch.restore(kernel)) == {"isinstance", "np", "STUDENT_ID", "same"}
    assert watch.restore(kernel) == [] and watch.changed(kernel) == ""
    kernel.run("ok = isinstance(STUDENT_ID, str) and not same(1, 2) and np.pi > 3")
    assert kernel.ask("ok, STUDENT_ID") == "(True, 'ann')"


@pytest.mark.parametrize("seed", range(30))
def test_a_cell_that_must_fail_fails_by_its_assertion(seed):
    with pytest.raises(AssertionError, match="expected"):
        exec(must_fail(random.Random(seed)), {})


@pytest.mark.parametrize(
    "code",
    [
        "assert True",
        "assert 1 == 1, 'one'\nassert 2 > 1",
        "for i in range(3):\n    assert i < 3",
        "def check(x):\n    assert x\ncheck(1)",
        "import math\nif not math.isclose(1, 1):\n    raise AssertionError",
        "try:\n    assert 1\nexcept AssertionError:\n    pass",
        "x = 1",
    ],
)
def test_the_opposite_of_a_passing_test_fails(code):
    exec(code, {})
    with pytest.raises(AssertionError):
        exec(negated(code), {})


def test_no_opposite_of_what_is_not_python_alone():
    assert negated("%time 1") is None


def test_suspicious_words_are_named_and_honest_ones_are_not():
    assert suspicious(HONEST) == []
    assert suspicious("class Yes(int):\n    def __eq__(self, other): return True") == ["__eq__"]
    assert suspicious("from IPython import get_ipython") != []
    assert suspicious("this is no code") == []
