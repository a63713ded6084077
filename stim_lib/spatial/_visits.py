"""Where each user was, in order of user and time, and what was so at each step.

Sums run along each user's own actions, so that no number depends on what came later or on who else
is in the log, not even in its last bit. Introduced in chapter 05.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.spatial.sphere import unit_vectors


@dataclass(frozen=True)
class Visits:
    """Actions with coordinates, sorted by user and time.

    Attributes
    ----------
    users : Index, shape (n_users,)
        All users of the log, sorted, also those without a single coordinate.
    user, place : ndarray of int64, shape (n_visits,)
        Codes, from 0; users ascend.
    lat, lon : ndarray of float64, shape (n_visits,)
        Degrees.
    row : ndarray of int64, shape (n_visits,)
        Position in the log.
    n_missing : ndarray of int64, shape (n_users,)
        Actions without coordinates, which were left out.
    """

    users: pd.Index
    user: np.ndarray
    place: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    row: np.ndarray
    n_missing: np.ndarray

    @cached_property
    def n(self) -> np.ndarray:
        """Visits of each user, shape (n_users,)."""
        return np.bincount(self.user, minlength=len(self.users))

    @cached_property
    def start(self) -> np.ndarray:
        """Position of the first visit of each visit's user, shape (n_visits,)."""
        n = self.n
        return np.repeat(n.cumsum() - n, n)

    @cached_property
    def vectors(self) -> np.ndarray:
        """Unit vectors of the visits, shape (3, n_visits)."""
        return unit_vectors(self.lat, self.lon)


def read_visits(log: pd.DataFrame, place: str | None = schema.ITEM) -> Visits:
    """Put the actions that have coordinates in order; number users and places.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        With user_id, timestamp (UTC), lat, lon and `place`, in any order.
    place : str or None
        Column that says which actions were at the same place; None if it does not matter.

    Returns
    -------
    Visits
        Of equal instants, the row that stands later counts as later.

    Raises
    ------
    SchemaError
        If a column is missing, a user, time or place is missing, times are no instants, or a
        latitude is out of range.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> read_visits(load_seed_example()).user
    array([0, 1, 2, 3])
    """
    _require_places(log, place)
    codes, users = pd.factorize(log[schema.USER], sort=True)
    times = log[schema.TIME].dt.tz_convert(None).to_numpy(dtype="datetime64[us]").view(np.int64)
    order = np.arange(len(log))
    # A log is sorted as a rule; then there is nothing to do.
    same_user = np.diff(codes) == 0
    if (np.diff(codes) < 0).any() or (np.diff(times)[same_user] < 0).any():
        order = np.lexsort((times, codes))
    lat, lon = (log[name].to_numpy(dtype=float)[order] for name in (schema.LAT, schema.LON))
    known = np.isfinite(lat) & np.isfinite(lon)
    places = np.zeros(len(log), dtype=np.int64) if place is None else pd.factorize(log[place])[0]
    order, user = order[known], codes[order]
    return Visits(
        users=pd.Index(users, name=schema.USER),
        user=user[known],
        place=places[order],
        lat=lat[known],
        lon=lon[known],
        row=order,
        n_missing=np.bincount(user[~known], minlength=len(users)),
    )


def _require_places(log: pd.DataFrame, place: str | None) -> None:
    needed = [schema.USER, schema.TIME, schema.LAT, schema.LON] + [place] * (place is not None)
    faults = [
        schema.failure(name, -1, "this column", f"only {', '.join(map(str, log))}")
        for name in needed
        if name not in log
    ]
    if not faults and not isinstance(log[schema.TIME].dtype, pd.DatetimeTZDtype):
        found = f"dtype {log[schema.TIME].dtype}"
        faults.append(
            schema.failure(schema.TIME, -1, "instants (UTC), not wall-clock times", found)
        )
    if not faults:
        filled = [schema.USER, schema.TIME] + [place] * (place is not None)
        faults = [
            schema.failure(name, row, "a value", "none")
            for name in filled
            for row in log.index[log[name].isna()]
        ]
        faults += [
            schema.failure(name, -1, "degrees as numbers", f"dtype {log[name].dtype}")
            for name in (schema.LAT, schema.LON)
            if not pd.api.types.is_numeric_dtype(log[name])
        ]
    if not faults:
        off = log.loc[(log[schema.LAT].abs() > 90).to_numpy(), schema.LAT]
        faults += [
            schema.failure(schema.LAT, row, "a number in [-90, 90]", f"{value:g}")
            for row, value in off.items()
        ]
    if faults:
        raise schema.SchemaError(pd.DataFrame(faults))


def nth_visits(
    user: np.ndarray, place: np.ndarray, counted: np.ndarray | None = None
) -> np.ndarray:
    """Number, from 1, of each visit among its user's visits of the same place.

    Parameters
    ----------
    user, place : ndarray of int, shape (n_visits,)
    counted : ndarray of bool, shape (n_visits,), optional
        Visits that count; the others get 0.

    Returns
    -------
    ndarray of int64, shape (n_visits,)

    Examples
    --------
    >>> nth_visits(np.array([0, 0, 0]), np.array([5, 7, 5]))
    array([1, 1, 2])
    """
    nth = np.zeros(len(user), dtype=np.int64)
    at = np.arange(len(user)) if counted is None else np.flatnonzero(counted)
    if not len(at):
        return nth
    cell, _ = pd.factorize(user[at].astype(np.int64) * (int(place.max()) + 1) + place[at])
    order = np.argsort(cell, kind="stable")
    size = np.bincount(cell)
    nth[at[order]] = np.arange(len(at)) - np.repeat(size.cumsum() - size, size) + 1
    return nth


def running_maximum(user: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Largest value of the user so far.

    Parameters
    ----------
    user : ndarray of int, shape (n_visits,)
        Ascending.
    values : ndarray of int, shape (n_visits,)
        0 or more.

    Returns
    -------
    ndarray of int64, shape (n_visits,)

    Examples
    --------
    >>> running_maximum(np.array([0, 0, 1]), np.array([2, 1, 1]))
    array([2, 2, 1])
    """
    step = int(values.max(initial=0)) + 1
    base = user.astype(np.int64) * step
    return np.maximum.accumulate(base + values) - base


def running_favourite(user: np.ndarray, nth: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Where the most visited place so far was reached; of two equal ones, the one first there.

    Parameters
    ----------
    user : ndarray of int, shape (n_visits,)
        Ascending.
    nth : ndarray of int, shape (n_visits,)
        From `nth_visits`; 0 where a visit does not count.
    start : ndarray of int, shape (n_visits,)
        Position of the first visit of the same user.

    Returns
    -------
    ndarray of int64, shape (n_visits,)
        Position of the visit that gave the place its lead; -1 where none counts yet.

    Examples
    --------
    >>> running_favourite(np.array([0, 0, 0]), np.array([0, 1, 2]), np.array([0, 0, 0]))
    array([-1,  1,  2])
    """
    best = running_maximum(user, nth)
    at = np.arange(len(user))
    before = np.where(at > start, np.roll(best, 1), 0)
    leader = np.maximum.accumulate(np.where(best > before, at, -1))
    return np.where(leader >= start, leader, -1)


def running_sums(values: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Sum of the user's values so far, added in their order.

    Parameters
    ----------
    values : ndarray of float64, shape (n_visits,)
        By user.
    n : ndarray of int, shape (n_users,)
        Visits of each.

    Returns
    -------
    ndarray of float64, shape (n_visits,)

    Examples
    --------
    >>> running_sums(np.array([1.0, 2.0, 4.0]), np.array([2, 1]))
    array([1., 3., 4.])
    """
    sums = np.empty(len(values))
    stop = n.cumsum()
    # One sum over all less what came before would round by what others did.
    for first, last in zip(stop - n, stop, strict=True):
        np.cumsum(values[first:last], out=sums[first:last])
    return sums
