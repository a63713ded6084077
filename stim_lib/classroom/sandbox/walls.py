"""Walls that a process puts up around itself and can't take down again.

Linux only: Landlock for files, seccomp for requests to the system, no capabilities, resource
limits. Standard library only, since the launcher raises the walls before it imports anything else.
The sources are Linux's own pages: landlock(7), seccomp(2), capabilities(7), setrlimit(2).
Introduced with the classroom, after the last chapter.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import struct
import sys

if __package__:
    from stim_lib.classroom.sandbox.syscalls import ARCHITECTURES, PRETENDED, REFUSED
else:  # started by its path, before the library can be imported
    from syscalls import ARCHITECTURES, PRETENDED, REFUSED

# Landlock's rights over files, by bit.
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
_REFER = 1 << 13
_RIGHTS_OF_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # number of bits that are known
_READ = _READ_FILE | _READ_DIR
_OF_A_FILE = 1 | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_NO_NEW_PRIVILEGES, _DEATH_SIGNAL, _DROP_BOUND, _SECCOMP = 38, 1, 24, 22
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
# Instructions of the filter: load a word, jump if equal, jump if any bit, and, return.
_LOAD, _EQUAL, _BITS, _AND, _RETURN = 0x20, 0x15, 0x45, 0x54, 0x06


class WallError(OSError):
    """A wall that could not be put up."""


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    """One request to the system; raises WallError if it is refused."""
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    answer = _libc().syscall(ctypes.c_long(number), *wide)
    if answer < 0:
        code = ctypes.get_errno()
        raise WallError(code, f"the system refused request {number}: {os.strerror(code)}")
    return answer


def landlock_version() -> int:
    """Version of Landlock in this system's kernel.

    Returns
    -------
    int
        0 where there is none.

    Notes
    -----
    Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> landlock_version() >= 0
    True
    """
    if sys.platform != "linux":
        return 0
    try:
        return _call(_CREATE, None, 0, 1)
    except WallError:
        return 0


def has_filter() -> bool:
    """Whether requests to the system can be filtered here.

    Returns
    -------
    bool

    Notes
    -----
    Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> has_filter() in (True, False)
    True
    """
    known = sys.platform == "linux" and platform.machine() in ARCHITECTURES
    return known and os.path.exists("/proc/sys/kernel/seccomp/actions_avail")


def allow_only_files(read: list[str], write: list[str]) -> None:
    """Close the file system but for these places.

    Parameters
    ----------
    read : list of str
        Files and folders that may be read, with all that lies in them. Missing ones are left out.
    write : list of str
        The same for reading and writing.

    Raises
    ------
    WallError
        If the kernel has no Landlock.

    Notes
    -----
    Nothing may be executed. From version 4 no TCP either; from 6 no signal and no abstract socket
    beyond the wall. Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> allow_only_files(["/usr"], ["/tmp/mine"])  # doctest: +SKIP
    """
    version = landlock_version()
    handled = (1 << _RIGHTS_OF_ABI.get(version, 16)) - 1
    words = [handled, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0]
    size = 8 if version < 4 else 16 if version < 6 else 24
    attributes = ctypes.create_string_buffer(struct.pack("QQQ", *words))
    rules = _call(_CREATE, attributes, size, 0)
    for paths, rights in ((read, _READ), (write, handled & ~1)):
        for path in paths:
            _allow(rules, path, rights & handled)
    _libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    _call(_RESTRICT, rules, 0)
    os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    """Add a place to a set of rules."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not os.path.isdir(path):
        rights &= _OF_A_FILE
    rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, place))
    try:
        _call(_ADD, rules, 1, rule, 0)
    finally:
        os.close(place)


def refuse_requests() -> None:
    """Refuse what a submission has no business asking: processes, programs, sockets, the machine.

    Raises
    ------
    WallError
        If there is no filter for this architecture.

    Notes
    -----
    Threads stay possible, and sockets between files, on which one can listen but not connect.
    Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> refuse_requests()  # doctest: +SKIP
    """
    if platform.machine() not in ARCHITECTURES:
        raise WallError(errno.ENOSYS, f"there is no filter for {platform.machine()}")
    word, numbers = ARCHITECTURES[platform.machine()]
    program = _program(word, numbers, os.getpid())
    code = ctypes.create_string_buffer(b"".join(program))
    whole = ctypes.create_string_buffer(
        struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code))
    )
    libc = _libc()
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if libc.prctl(_SECCOMP, 2, ctypes.byref(whole), 0, 0):
        number = ctypes.get_errno()
        raise WallError(number, f"the system took no filter: {os.strerror(number)}")


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, value)


def _refuse(code: int) -> bytes:
    return _step(_RETURN, _ERRNO | code)


def _unless(index: int, tests: list[bytes], code: int) -> list[bytes]:
    """Look at the low word of argument `index`; the tests jump over the refusal if all is well."""
    return [_step(_LOAD, 16 + 8 * index), *tests, _refuse(code)]


def _program(word: int, numbers: dict[str, int], process: int) -> list[bytes]:
    """The filter: first the architecture, then one question after the other."""
    mine = [_step(_EQUAL, process, yes=1)]
    unix = _unless(0, [_step(_EQUAL, 1, yes=1)], errno.EACCES)
    stream = _unless(1, [_step(_AND, 0xF), _step(_EQUAL, 1, yes=1)], errno.EACCES)
    own = [_step(_EQUAL, 0, yes=2), *mine]
    asked = {
        "socket": unix + stream,
        "socketpair": unix + stream,
        "clone": _unless(0, [_step(_BITS, 0x00010000, yes=1)], errno.EACCES),
        # Its flags lie in memory where a filter can't look; the C library falls back on clone.
        "clone3": [_refuse(errno.ENOSYS)],
        "kill": _unless(0, mine, errno.EPERM),
        "tgkill": _unless(0, mine, errno.EPERM),
        "prlimit64": _unless(0, own, errno.EPERM),
    }
    plain = {name: [_refuse(errno.EACCES)] for name in REFUSED}
    plain |= {name: [_refuse(0)] for name in PRETENDED}
    program = [
        _step(_LOAD, 4), _step(_EQUAL, word, yes=1), _step(_RETURN, _KILL),
        # Bit 30 marks the second set of numbers of x86.
        _step(_LOAD, 0), _step(_BITS, 0x40000000, no=1), _refuse(errno.ENOSYS),
    ]  # fmt: skip
    for name, steps in (asked | plain).items():
        if name in numbers:
            whole = [*steps, _step(_RETURN, _ALLOW)] if len(steps) > 1 else steps
            program += [_step(_EQUAL, numbers[name], no=len(whole)), *whole]
    return [*program, _step(_RETURN, _ALLOW)]


def drop_capabilities() -> None:
    """Give up what makes root more than the owner of its files.

    Notes
    -----
    Without effect for other users. Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> drop_capabilities()  # doctest: +SKIP
    """
    libc = _libc()
    for capability in range(64):
        libc.prctl(_DROP_BOUND, capability, 0, 0, 0)
    header = ctypes.create_string_buffer(struct.pack("=Ii", 0x20080522, 0))
    nothing = ctypes.create_string_buffer(24)
    libc.capset(header, nothing)


def die_with_parent() -> None:
    """Ask the system to end this process as soon as the one that started it ends.

    Notes
    -----
    Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> die_with_parent()  # doctest: +SKIP
    """
    if sys.platform == "linux":
        _libc().prctl(_DEATH_SIGNAL, 9, 0, 0, 0)


def limit_resources(
    memory: int, cpu_seconds: int, file_bytes: int, open_files: int = 512
) -> list[str]:
    """Set the limits that every Unix knows.

    Parameters
    ----------
    memory : int
        Bytes of private memory, asked for or used.
    cpu_seconds : int
        Of all threads together.
    file_bytes : int
        Largest file.
    open_files : int

    Returns
    -------
    list of str
        Limits that could not be set here.

    Notes
    -----
    The limit is on data (RLIMIT_DATA), not on addresses: TensorFlow reserves far more addresses
    than it ever fills. Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> limit_resources(2**32, 600, 2**28)  # doctest: +SKIP
    []
    """
    try:
        import resource
    except ImportError:
        return ["memory", "computing time", "file size"]
    wanted = [
        ("memory", "RLIMIT_DATA", memory, memory),
        ("computing time", "RLIMIT_CPU", cpu_seconds, cpu_seconds + 5),
        ("file size", "RLIMIT_FSIZE", file_bytes, file_bytes),
        ("open files", "RLIMIT_NOFILE", open_files, open_files),
        ("core files", "RLIMIT_CORE", 0, 0),
        ("message queues", "RLIMIT_MSGQUEUE", 0, 0),
    ]
    missing = []
    for name, key, soft, hard in wanted:
        try:
            resource.setrlimit(getattr(resource, key), (soft, hard))
        except (AttributeError, ValueError, OSError):
            missing.append(name)
    with contextlib.suppress(AttributeError, ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
    return missing
