"""One submission, one kernel, behind walls.

The grader starts the kernel, sends it cells and reads what comes back. The kernel locks itself in
before it runs the first of them (`launch`, `walls`); a watcher outside counts what it uses
(`kernel`).

What is protected on Linux (6.2 or later, x86-64 or ARM): a cell can read Python, the library and
the data cache, nothing else; it can write in a folder of its own that goes when it ends; it can
start no process and no program, reach no network, signal nobody, and it has limits on time, memory,
files and output. What is not: see ``classroom/ISOLATION.md``. On other systems the limits remain,
the walls do not, and `protection` says so. Introduced with the classroom, after the last chapter.
"""

from stim_lib.classroom.sandbox.kernel import Kernel, Limits, Ran
from stim_lib.classroom.sandbox.protection import protection

__all__ = ["Kernel", "Limits", "Ran", "protection"]
