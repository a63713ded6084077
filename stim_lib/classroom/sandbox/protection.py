"""Say what this machine can do to keep a submission in."""

from __future__ import annotations

from stim_lib.classroom.sandbox.walls import has_filter, landlock_version


def protection() -> str:
    """What is missing here, in one line.

    Returns
    -------
    str
        Empty if files, network and processes are all behind walls.

    Notes
    -----
    Introduced with the classroom, after the last chapter.

    Examples
    --------
    >>> isinstance(protection(), str)
    True
    """
    missing = []
    version = landlock_version()
    if not version:
        missing.append("read and write the files that you can")
    elif version < 3:  # the first two do not see a file being cut short
        missing.append("empty the files that you can write")
    if not has_filter():
        missing.append("use the network and start programs")
    if not missing:
        return ""
    return (
        f"WARNING: on this system submissions can {' and '.join(missing)}. Grade them in the "
        "container (classroom/Containerfile) unless you trust them."
    )
