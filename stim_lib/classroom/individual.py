"""Data of one's own for the exercises: a simulated city that hangs on the student's id."""

from __future__ import annotations

import hashlib

from stim_lib.simulate import City, make_city


def student_seed(student_id: str) -> int:
    """A number that belongs to a student.

    Parameters
    ----------
    student_id : str
        Spaces around it and upper case do not matter.

    Returns
    -------
    int
        In [0, 2**32); the same on every machine.

    Raises
    ------
    ValueError
        If the id is empty.

    Notes
    -----
    The first four bytes of the SHA-256 of the id. It keeps neighbours from copying numbers, and
    is no secret: whoever knows an id can draw its city. Introduced with
    the exercises of the chapters.

    Examples
    --------
    >>> student_seed("reader") == student_seed(" Reader ")
    True
    >>> student_seed("")
    Traceback (most recent call last):
    ValueError: student_id: expected a name or number, found ''.
    """
    name = str(student_id).strip().casefold()
    if not name:
        raise ValueError(f"student_id: expected a name or number, found {student_id!r}.")
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def student_city(student_id: str, n_users: int = 30, n_places: int = 120, n_days: int = 60) -> City:
    """The city of one student: same rules for all, other people, places and actions.

    Parameters
    ----------
    student_id : str
    n_users, n_places, n_days : int
        As in `simulate.make_city`.

    Returns
    -------
    City
        With `log`, `places`, `users` and the `truth` that drew them.

    Raises
    ------
    ValueError
        If the id is empty or a size is not a whole number of at least 1.

    Notes
    -----
    Tests of an exercise compute the right answer from the same id. Introduced with
    the exercises of the chapters.

    Examples
    --------
    >>> student_city("ann").log.equals(student_city("ben").log)
    False
    >>> student_city("ann")
    City(30 users, 120 places, 2,959 actions, 60 days from 2024-01-01, Asia/Shanghai)
    """
    return make_city(n_users, n_places, n_days, seed=student_seed(student_id))
