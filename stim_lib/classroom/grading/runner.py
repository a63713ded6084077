"""Run a submission in its kernel, in the place where nbgrader would run it without walls."""

from __future__ import annotations

import random
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode, v4
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Any

from stim_lib.classroom.grading.intake import grade_id_of, is_answer
from stim_lib.classroom.grading.tampering import Watch, must_fail, negated, suspicious
from stim_lib.classroom.sandbox import Kernel, Limits, Ran

STUDENT_TAG = "student-id"
UNANSWERED = "not answered"
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
# A test that takes longer is not run a second time as its opposite.
_LONG_TEST = 10.0


@dataclass
class Outcome:
    """What the run of a notebook said, besides the outputs of its cells.

    Attributes
    ----------
    messages : dict of str to str
        Of the tests that failed, by grade id.
    notes : list of str
    tampered : str
        What was found changed; empty if nothing.
    """

    messages: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    tampered: str = ""


class RunInSandbox(NbGraderPreprocessor):
    """The step of nbgrader's autograder that executes the cells.

    Pass or fail is read here, outside the kernel: a test has passed if the kernel answered "ok"
    and sent no error, and if the opposite of the test failed.
    """

    source = Any(None, help="The teacher's notebook.")
    student = Any("", help="The student's id.")
    limits = Any(Limits())
    fonts = Any(None)
    outcome = Any(None)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Run all cells and leave their outputs in the notebook."""
        self.outcome = Outcome()
        # A socket's name has room for a hundred characters.
        short = "/tmp" if len(tempfile.gettempdir()) > 50 and Path("/tmp").is_dir() else None
        folder = Path(tempfile.mkdtemp(prefix="s", dir=short))
        try:
            kernel = Kernel(folder, self.limits, self.fonts)
            try:
                self._run_cells(kernel, nb)
            finally:
                kernel.close()
        finally:
            # Follows no links and changes no rights, unlike TemporaryDirectory.
            shutil.rmtree(folder, ignore_errors=True)
        if self.outcome.tampered:
            self._take_points(nb)
        return nb, resources

    def _run_cells(self, kernel: Kernel, nb: NotebookNode) -> None:
        """Cell by cell; the tools are looked at before and after each group of tests."""
        watch, rng = Watch(self.source, self.student), random.SystemRandom()
        began = tested = False
        for cell in nb.cells:
            if cell.cell_type != "code":
                continue
            own = not grade_id_of(cell) or is_answer(cell)
            if own and not began:
                watch.begin(kernel)
                began = True
            if not cell.metadata.get("nbgrader", {}).get("grade"):
                tested = False
                self._run_plain(kernel, cell, own)
                continue
            if not tested:
                self._look(kernel, watch)
            tested = True
            self._run_test(kernel, cell, rng)
        self._look(kernel, watch)
        if kernel.reason:
            self.outcome.notes.insert(0, f"stopped: {kernel.reason}")

    def _run_plain(self, kernel: Kernel, cell: NotebookNode, own: bool) -> None:
        """A cell of the setup or of the student."""
        code = cell.source
        if STUDENT_TAG in cell.metadata.get("tags", []):
            code = re.sub(
                r"(?m)^STUDENT_ID\s*=.*$", lambda _: f"STUDENT_ID = {self.student!r}", code, count=1
            )
            cell.source = code
        ran = kernel.run(code)
        self._show(cell, ran)
        if own:
            words = suspicious(code)
            if words:
                self.outcome.notes.append(f"look at it: the code uses {', '.join(words)}")
            if ran.status != "ok":
                name = grade_id_of(cell)
                word = ran.message if ran.status in ("timeout", "dead") else ran.name
                word = UNANSWERED if word == "NotImplementedError" else word
                if name:
                    self.outcome.messages[name] = word
                elif ran.status != "error":
                    self.outcome.notes.append(f"a cell {word}")
        elif ran.status in ("error", "timeout"):
            self.outcome.notes.append(
                f"a cell of the setup failed ({ran.name}: {ran.message[:100]}): not the student's"
            )

    def _look(self, kernel: Kernel, watch: Watch) -> None:
        """Give the tests their names back, then see whether the tools are what they were."""
        taken = watch.restore(kernel)
        if taken:
            note = f"names that the tests use had been taken: {', '.join(taken)}"
            if note not in self.outcome.notes:
                self.outcome.notes.append(note)
        self._accuse(watch.changed(kernel))

    def _accuse(self, reason: str) -> None:
        self.outcome.tampered = self.outcome.tampered or reason

    def _run_test(self, kernel: Kernel, cell: NotebookNode, rng: random.Random) -> None:
        """A test between two cells that must fail."""
        name = grade_id_of(cell)
        if kernel.run(must_fail(rng), history=False).status == "ok":
            self._accuse("a test that must fail passed")
        ran = kernel.run(cell.source, history=False)
        self._show(cell, ran)
        failed = ran.status != "ok" or any(o.output_type == "error" for o in ran.outputs)
        if not failed:
            opposite = negated(cell.source) if ran.seconds < _LONG_TEST else None
            checked = kernel.run(opposite or must_fail(rng), history=False)
            if checked.status == "ok":
                self._accuse(f"both {name} and its opposite passed")
            elif checked.status == "dead":
                ran = checked
                self._show(cell, ran)
                failed = True
        if failed:
            self.outcome.messages[name] = _message(ran)
        # Warnings and printed or returned values neither give nor take points.
        cell.outputs = [_as_stdout(o) for o in cell.outputs if o.output_type != "execute_result"]

    def _show(self, cell: NotebookNode, ran: Ran) -> None:
        """Put outputs into a cell; an error of the grader's own where the kernel told of none."""
        cell.outputs = [_plain_error(output) for output in ran.outputs]
        told = any(output.output_type == "error" for output in ran.outputs)
        if ran.status != "ok" and not told:
            line = f"{ran.name}: {ran.message}"
            cell.outputs.append(
                v4.new_output("error", ename=ran.name, evalue=ran.message, traceback=[line])
            )

    def _take_points(self, nb: NotebookNode) -> None:
        """Let every test fail."""
        for cell in nb.cells:
            if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code":
                cell.outputs = [
                    v4.new_output(
                        "error",
                        ename="Tampered",
                        evalue="the tools of the tests were changed",
                        traceback=["The tools of the tests were changed; no points."],
                    )
                ]
                self.outcome.messages[grade_id_of(cell)] = "no points"


def _message(ran: Ran) -> str:
    """An assertion's own words; of another error its name too."""
    text = _ANSI.sub("", ran.message).strip()
    if ran.status in ("dead", "timeout"):
        return text
    if ran.name == "AssertionError":
        return text or "the test failed"
    return f"{ran.name or 'an error was shown'}: {text}" if text else ran.name or "failed"


def _as_stdout(output: NotebookNode) -> NotebookNode:
    if output.output_type == "stream":
        output.name = "stdout"
    return output


def _plain_error(output: NotebookNode) -> NotebookNode:
    """An error whose lines are text of bearable length."""
    if output.output_type == "error":
        output.traceback = [_ANSI.sub("", str(line))[:5000] for line in output.traceback[-20:]]
        output.evalue = output.evalue[:2000]
    return output


def hide_tests(nb: NotebookNode, source: NotebookNode, messages: dict[str, str]) -> None:
    """Replace the hidden tests of a graded notebook by what they said.

    Parameters
    ----------
    nb : NotebookNode
        Is changed: it is the grader's own copy.
    source : NotebookNode
        The teacher's notebook, which says what is hidden.
    messages : dict of str to str
        Of the tests that failed.

    Notes
    -----
    A feedback page goes to a student and from there to the class. Introduced with the classroom,
    after the last chapter.

    Examples
    --------
    >>> hide_tests(v4.new_notebook(), v4.new_notebook(), {})
    """
    hidden = {grade_id_of(cell) for cell in source.cells if "BEGIN HIDDEN TESTS" in cell.source}
    for cell in nb.cells:
        name = grade_id_of(cell)
        if name in hidden:
            said = messages.get(name)
            cell.source = "# A test that is not shown: " + ("failed." if said else "passed.")
            text = v4.new_output("stream", name="stdout", text=f"{said}\n")
            cell.outputs = [text] if said else []
