"""A kernel behind walls, and the one who watches it from outside.

The watcher is in the grader's process: it counts time, memory, threads, files and output, and
ends a kernel that takes too much. It believes nothing that the kernel says.
Introduced with the classroom, after the last chapter.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
import zmq
from jupyter_client import BlockingKernelClient
from jupyter_client.connect import write_connection_file
from nbformat import NotebookNode, v4

from stim_lib.classroom.sandbox.places import (
    DEVICES,
    clean_environment,
    make_own_folder,
    readable_places,
)
from stim_lib.classroom.sandbox.protection import protection

_KINDS = ("stream", "display_data", "execute_result", "error")
_SHOWN = ("text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/jpeg")


class SandboxError(RuntimeError):
    """A kernel that would run without the walls that this system offers."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes
    ----------
    cell_seconds, total_seconds : float
        Wall time of a cell, and of the whole submission.
    cpu_seconds : int
        Computing time of the whole submission.
    memory : int
        Bytes.
    file_bytes, folder_bytes, folder_files : int
        Largest file; all files together; their number.
    threads : int
    print_limit : int
        Characters that a cell may print.
    output_bytes : int
        All outputs of a cell that the grader keeps.
    start_seconds : float
        For the kernel to answer first.
    """

    cell_seconds: float = 60.0
    total_seconds: float = 300.0
    cpu_seconds: int = 300
    memory: int = 3 * 2**30
    file_bytes: int = 200 * 2**20
    folder_bytes: int = 500 * 2**20
    folder_files: int = 5000
    threads: int = 400
    print_limit: int = 20_000
    output_bytes: int = 4 * 2**20
    start_seconds: float = 60.0


@dataclass
class Ran:
    """What came of one cell.

    Attributes
    ----------
    status : str
        "ok", "error", "timeout" or "dead".
    name, message : str
        Of the error.
    outputs : list of NotebookNode
    seconds : float
    cut : bool
        Whether output was dropped.
    """

    status: str = "dead"
    name: str = ""
    message: str = ""
    outputs: list[NotebookNode] = field(default_factory=list)
    seconds: float = 0.0
    cut: bool = False


class Kernel:
    """One kernel in its own folder.

    Parameters
    ----------
    folder : Path
        Empty; short, since the names of sockets are (at most 100 characters).
    limits : Limits
    fonts : Path, optional
        Matplotlib's cache.
    """

    def __init__(self, folder: Path, limits: Limits, fonts: Path | None = None) -> None:
        self.folder, self.limits = folder, limits
        self.reason, self._answered = "", False
        self.missing: list[str] = ["files", "network and processes"]
        self.started = time.monotonic()
        work = make_own_folder(folder, fonts)
        self._connection = folder / "home" / "kernel.json"
        where = {"transport": "ipc", "ip": str(folder / "home" / "k")} if os.name != "nt" else {}
        write_connection_file(str(self._connection), key=os.urandom(32).hex().encode(), **where)
        settings = asdict(limits) | {
            "folder": str(work),
            "read": [*readable_places(), str(folder / "library")],
            "write": [str(work), str(folder / "home"), *DEVICES],
        }
        launcher = Path(__file__).with_name("launch.py")
        self._errors = (folder / "errors.txt").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, str(launcher), json.dumps(settings), "-f", str(self._connection)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if os.name == "nt" else self._errors,
            env=clean_environment(folder),
            cwd=folder,
            start_new_session=True,
        )
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        try:
            self._connect()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> None:
        """Open the two channels that are needed; no message may be larger than a cell's limit."""
        context = zmq.Context()
        context.setsockopt(zmq.MAXMSGSIZE, max(4 * self.limits.output_bytes, 2**20))
        context.setsockopt(zmq.LINGER, 0)
        self._context = context
        self.client = BlockingKernelClient(context=context)
        self.client.load_connection_file(str(self._connection))
        self.client.start_channels(stdin=False, hb=False, control=False)
        self._shell = self.client.shell_channel.socket
        self._iopub = self.client.iopub_channel.socket
        answer = Ran()
        while answer.status != "ok" and self.alive:
            if time.monotonic() - self.started > self.limits.start_seconds:
                self.end("the kernel did not start in time")
            answer = self.run("None", seconds=5.0, history=False)
        if answer.status != "ok":
            said = (self.folder / "errors.txt").read_text(encoding="utf-8", errors="replace")
            last = (said.strip().splitlines() or ["nothing more is known"])[-1]
            raise SandboxError(f"the kernel did not start ({self.reason}): {last[:200]}")
        self._answered, self.started = True, time.monotonic()
        with contextlib.suppress(OSError, ValueError):
            said = json.loads((self.folder / "home" / "walls.json").read_text(encoding="utf-8"))
            self.missing = [str(name) for name in said]
        expected = {"files", "network and processes"} if not protection() else set()
        if self.alive and expected & set(self.missing):
            self.end("a wall could not be put up")
            raise SandboxError(f"no wall around {', '.join(self.missing)} on a system that has one")

    @property
    def alive(self) -> bool:
        """Whether the kernel still runs."""
        return self.process.poll() is None

    def run(self, code: str, seconds: float | None = None, history: bool = True) -> Ran:
        """Run a cell.

        A cell that takes too long is interrupted, and the kernel ended if that does not help.
        """
        start, ran = time.monotonic(), Ran()
        left = self.limits.total_seconds - (start - self.started)
        left = left if self._answered else self.limits.start_seconds
        if left <= 0:
            self.end("the time for the whole notebook was used up")
        if not self.alive:
            return self._dead(ran)
        limit = min(self.limits.cell_seconds if seconds is None else seconds, max(left, 0.1))
        name = self.client.execute(code, store_history=history, allow_stdin=False)
        reply = self._collect(name, ran, start + limit)
        if reply is None and self.alive and not self._answered:
            ran.status = "timeout"  # it is still starting; an interruption would end it
        elif reply is None and self.alive:
            self._interrupt()
            late = self._collect(name, ran, time.monotonic() + 3.0)
            if late is None and self.alive:
                self.end("a cell ran too long and could not be interrupted")
            ran.status, ran.name = "timeout", "TimeLimit"
            ran.message = f"stopped after {limit:.0f} s"
        elif reply is None:
            self._dead(ran)
        else:
            ran.status = "ok" if reply.get("status") == "ok" else "error"
            ran.name, ran.message = str(reply.get("ename", "")), str(reply.get("evalue", ""))
        ran.seconds = time.monotonic() - start
        return ran

    def ask(self, expression: str, seconds: float = 15.0) -> str | None:
        """The value of an expression, as its repr; None if that fails.

        A kernel that gives no answer at all is ended: no cell would get one either.
        """
        if not self.alive:
            return None
        asked = {"asked": expression}
        name = self.client.execute("", silent=True, user_expressions=asked, allow_stdin=False)
        reply = self._collect(name, Ran(), time.monotonic() + seconds)
        if reply is None:
            self.end("the kernel no longer answered")
        try:
            return str(reply["user_expressions"]["asked"]["data"]["text/plain"])
        except (TypeError, KeyError):
            return None

    def _dead(self, ran: Ran) -> Ran:
        self.process.wait()
        time.sleep(0.05)  # let the watcher say why
        ran.status, ran.name = "dead", "KernelEnded"
        ran.message = self.reason or self._last_word()
        self.reason = ran.message
        return ran

    def _last_word(self) -> str:
        """Why a kernel ended that nobody here has ended."""
        code = self.process.returncode
        if code == -getattr(signal, "SIGXCPU", 0):
            return f"more than {self.limits.cpu_seconds} s of computing time"
        return f"the notebook ended its own kernel (exit code {code})"

    def _collect(self, name: str, ran: Ran, until: float) -> dict | None:
        """Read messages until the answer and the end of the output; None if there is none."""
        poller = zmq.Poller()
        poller.register(self._shell, zmq.POLLIN)
        poller.register(self._iopub, zmq.POLLIN)
        reply, size, idle = None, 0, False
        while time.monotonic() < until and not (idle and reply is not None):
            ready = dict(poller.poll(100))
            if not ready and not self.alive:
                return reply
            for socket in ready:
                message = self._receive(socket)
                if message is None or message["parent_header"].get("msg_id") != name:
                    continue
                kind, content = message["msg_type"], message["content"]
                if socket is self._shell and kind == "execute_reply":
                    # The rest of the output is on its way; wait for it, but not for long.
                    reply, until = content, min(until, time.monotonic() + 1.0)
                elif kind == "status" and content.get("execution_state") == "idle":
                    idle = True
                elif kind in _KINDS:
                    size = self._keep(message, ran, size)
        return reply

    def _receive(self, socket: zmq.Socket) -> dict | None:
        """The next message; None for what is not one."""
        try:
            _, message = self.client.session.recv(socket, mode=zmq.NOBLOCK)
        except Exception:  # a kernel may send whatever it likes
            return None
        if not isinstance(message, dict) or not isinstance(message.get("content"), dict):
            return None
        if not isinstance(message.get("parent_header"), dict):
            return None
        return message

    def _keep(self, message: dict, ran: Ran, size: int) -> int:
        """Add an output, unless it is too much or not what it should be."""
        size += len(json.dumps(message["content"], default=str))
        if size > self.limits.output_bytes:
            if not ran.cut:
                ran.outputs.append(v4.new_output("stream", name="stdout", text="… cut off\n"))
            ran.cut = True
            return size
        try:
            output = v4.output_from_msg(message)
            if "data" in output:
                output.data = NotebookNode({k: v for k, v in output.data.items() if k in _SHOWN})
                output.metadata = NotebookNode()
            v4.nbbase.validate(output, "output")
        except Exception:  # a forged output
            output = v4.new_output("stream", name="stdout", text="[an output that can't be read]\n")
        last = ran.outputs[-1] if ran.outputs else None
        same = last is not None and output.output_type == "stream" == last.output_type
        if same and last.name == output.name:
            last.text += output.text
        else:
            ran.outputs.append(output)
        return size

    def _interrupt(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self.process.send_signal(signal.SIGINT)

    def end(self, reason: str) -> None:
        """End the kernel, now."""
        self.reason = self.reason or reason
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End the kernel and let go of all that belongs to it."""
        self.end("done")
        self._stop.set()
        self._watcher.join(5)
        self.client.stop_channels()
        self._context.destroy(linger=0)
        self._errors.close()

    def _watch(self) -> None:
        """Look at the kernel ten times a second and end it when it takes too much."""
        limits, turn = self.limits, 0
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.process.pid)
            while not self._stop.wait(0.1) and self.alive:
                turn += 1
                with process.oneshot():
                    memory, threads = process.memory_info().rss, process.num_threads()
                if memory > limits.memory:
                    self.end(f"more than {limits.memory / 2**20:,.0f} MB of memory")
                if threads > limits.threads:
                    self.end(f"more than {limits.threads} threads")
                longest = limits.total_seconds + (10 if self._answered else limits.start_seconds)
                if time.monotonic() - self.started > longest:
                    self.end("the time for the whole notebook was used up")
                if turn % 5 == 0 and self._folder_is_full():
                    self.end("more files than a notebook may write")

    def _folder_is_full(self) -> bool:
        """Count the files of the kernel's folder, without following links."""
        bytes_, files = 0, 0
        for place, _, names in os.walk(self.folder):
            for name in names:
                files += 1
                with contextlib.suppress(OSError):
                    bytes_ += os.lstat(Path(place) / name).st_size
                if files > self.limits.folder_files or bytes_ > self.limits.folder_bytes:
                    return True
        return False
