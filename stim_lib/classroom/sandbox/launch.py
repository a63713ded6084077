"""Start a kernel that has first locked itself in. Started by its path, never imported.

    python launch.py '{"read": […], "write": […], "memory": …}' -f connection.json

See `walls`. What could not be put up is written to ``walls.json`` beside the connection file;
the grader reads it. Introduced with the classroom, after the last chapter.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def _raise_walls(settings: dict) -> list[str]:
    """Put up every wall there is; name those that are missing."""
    sys.path.insert(0, str(Path(__file__).parent))
    import walls

    sys.path.pop(0)
    missing = walls.limit_resources(
        settings["memory"],
        settings["cpu_seconds"],
        settings["file_bytes"],
    )
    if sys.platform != "linux":
        return [*missing, "files", "network and processes"]
    walls.die_with_parent()
    if os.getuid() == 0:
        walls.drop_capabilities()
    for name, wall, arguments in (
        ("files", walls.allow_only_files, (settings["read"], settings["write"])),
        ("network and processes", walls.refuse_requests, ()),
    ):
        try:
            wall(*arguments)
        except OSError:
            missing.append(name)
    return missing


def _cut_output(limit: int) -> None:
    """Let a cell print so much and no more: for honest mistakes, the grader has its own limit."""
    from ipykernel.iostream import OutStream

    write = OutStream.write
    counts: dict[tuple[str, str], int] = {}

    def write_little(self: OutStream, text: str) -> int | None:
        parent = str((getattr(self, "parent_header", None) or {}).get("msg_id", ""))
        used = counts.get((self.name, parent), 0)
        counts[self.name, parent] = used + len(text)
        if used > limit:
            return len(text)
        if used + len(text) > limit:
            text = text[: limit - used] + f"\n… cut off after {limit:,} characters\n"
            counts[self.name, parent] = limit + 1
        return write(self, text)

    OutStream.write = write_little


def _open_no_pipe() -> None:
    """Leave out the port at which a kernel hears its subprocesses: it has none, and no ports."""
    from ipykernel.iostream import IOPubThread

    begin = IOPubThread.__init__

    def begin_without(self: IOPubThread, socket: object, *_: object, **options: object) -> None:
        begin(self, socket, **(options | {"pipe": False}))

    IOPubThread.__init__ = begin_without


def main() -> None:
    """Lock in, then become the kernel."""
    settings = json.loads(sys.argv[1])
    connection = sys.argv[sys.argv.index("-f") + 1]
    missing = _raise_walls(settings)
    folder = Path(connection).parent
    (folder / "walls.json").write_text(json.dumps(missing), encoding="utf-8")
    sys.path.pop(0)
    os.chdir(settings["folder"])
    sys.path.insert(0, "")
    sys.argv = ["kernel", "-f", connection, "--HistoryManager.enabled=False", "--log-level=50"]
    from ipykernel.kernelapp import launch_new_instance

    _open_no_pipe()
    _cut_output(settings["print_limit"])
    launch_new_instance()


if __name__ == "__main__":
    main()
