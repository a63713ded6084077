"""What had happened around a place by a given time. Introduced in chapter 05."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from stim_lib import schema
from stim_lib.spatial.distance import EARTH_RADIUS_METRES, require_latitudes

POINTS_AT_ONCE = 2_000


def nearby_counts(
    lat: ArrayLike,
    lon: ArrayLike,
    time: ArrayLike,
    log: pd.DataFrame,
    radius_metres: float,
) -> np.ndarray:
    """Number of actions of anybody within a radius of each point, strictly before its time.

    Parameters
    ----------
    lat, lon : array of float, shape (n_points,)
        Degrees, WGS-84; NaN gives NaN.
    time : array of datetime64[us], shape (n_points,)
        Instants of UTC, e.g. `rhythm.times_of(queries)`; NaT gives NaN.
    log : DataFrame, shape (n_actions, n_columns)
        With timestamp (UTC), lat and lon; usually the training part, so that the count stays as
        it was at its end. Actions without coordinates are left out.
    radius_metres : float
        Above 0; great-circle.

    Returns
    -------
    ndarray of float64, shape (n_points,)

    Raises
    ------
    ValueError
        If the radius is not positive, a latitude is out of range or lengths differ.

    Notes
    -----
    Counting as of the time, not at the end of the log: for a point that lies in the training part
    the whole of it would hold the point's own action, and what came of it. Introduced in
    chapter 05.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example()
    >>> times = np.array(["2023-01-02", "2023-02-01"], dtype="datetime64[us]")
    >>> nearby_counts([39.9, 39.9], [116.4, 116.4], times, log, 20_000)
    array([1., 2.])
    """
    points = _read_points(lat, lon, time)
    return _nearby(points, log, radius_metres, np.zeros(len(log), dtype=np.int64), 1)[:, 0]


def nearby_shares(
    lat: ArrayLike,
    lon: ArrayLike,
    time: ArrayLike,
    log: pd.DataFrame,
    radius_metres: float,
    *,
    by: str,
    values: list[str] | None = None,
) -> pd.DataFrame:
    """Shares of categories among the actions near each point, strictly before its time.

    Parameters
    ----------
    lat, lon, time, log, radius_metres
        As for `nearby_counts`.
    by : str
        Column of the log, e.g. root_category; actions without a value count in no share.
    values : list of str, optional
        The categories, in the order of the columns; by default those of the log, sorted. A list
        that is fixed beforehand keeps the columns the same whatever the log holds.

    Returns
    -------
    DataFrame of float64, shape (n_points, n_values)
        Rows sum to 1, or are NaN where nothing is near. With `values`, actions of other
        categories count in no share.

    Raises
    ------
    SchemaError
        If the column is missing.
    ValueError
        As `nearby_counts`.

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example()
    >>> late = np.array(["2023-02-01"], dtype="datetime64[us]")
    >>> nearby_shares([39.9], [116.4], late, log, 20_000, by="action")["view"].tolist()
    [1.0]
    """
    if by not in log:
        fault = schema.failure(by, -1, "this column", f"only {', '.join(map(str, log))}")
        raise schema.SchemaError(pd.DataFrame([fault]))
    names = sorted(log[by].dropna().unique()) if values is None else list(values)
    kind = pd.Index(names).get_indexer(log[by])
    counts = _nearby(_read_points(lat, lon, time), log, radius_metres, kind, len(names))
    total = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)
    return pd.DataFrame(shares, columns=names)


def _read_points(
    lat: ArrayLike, lon: ArrayLike, time: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lat, lon = np.asarray(lat, dtype=float), np.asarray(lon, dtype=float)
    time = np.asarray(time, dtype="datetime64[us]")
    if not len(lat) == len(lon) == len(time):
        raise ValueError(
            f"expected one lat, lon and time per point, found {len(lat)}, {len(lon)}, {len(time)}"
        )
    require_latitudes(lat)
    return lat, lon, time


def _nearby(
    points: tuple[np.ndarray, np.ndarray, np.ndarray],
    log: pd.DataFrame,
    radius_metres: float,
    kind: np.ndarray,
    n_kinds: int,
) -> np.ndarray:
    """Counts by kind of action, shape (n_points, n_kinds); kinds below 0 count nowhere."""
    if not radius_metres > 0:
        raise ValueError(f"radius_metres: expected metres above 0, found {radius_metres}")
    lat, lon, time = points
    counts = np.full((len(lat), n_kinds), np.nan)
    known = np.flatnonzero(np.isfinite(lat) & np.isfinite(lon) & ~np.isnat(time))
    counts[known] = 0.0
    places, size, ranks, kind, instants = _by_place(log, kind)
    if not len(known) or not len(places):
        return counts
    first = size.cumsum() - size
    # A point sees the actions whose rank is below its own.
    limit = np.searchsorted(instants, time[known], side="left")
    # Points share places: look around each place once.
    points = np.stack([lat[known], lon[known]], axis=1)
    here, of_point = np.unique(points, axis=0, return_inverse=True)
    order = np.argsort(of_point.ravel(), kind="stable")
    stop = np.bincount(of_point.ravel(), minlength=len(here)).cumsum()
    for number, near in enumerate(_neighbours(here, places, radius_metres)):
        mine = order[stop[number - 1] if number else 0 : stop[number]]
        within = _ranges(first[near], size[near])
        counts[known[mine]] = _count_below(ranks[within], kind[within], limit[mine], n_kinds,
                                           len(instants))  # fmt: skip
    return counts


def _by_place(log: pd.DataFrame, kind: np.ndarray) -> tuple[np.ndarray, ...]:
    """Distinct places (lat, lon); actions at each; rank in time and kind of these; instants."""
    lat, lon = (log[name].to_numpy(dtype=float) for name in (schema.LAT, schema.LON))
    counted = np.isfinite(lat) & np.isfinite(lon) & (kind >= 0)
    points = np.stack([lat, lon], axis=1)[counted]
    places, of_action = np.unique(points, axis=0, return_inverse=True)
    times = log[schema.TIME].dt.tz_convert(None).to_numpy(dtype="datetime64[us]")[counted]
    instants, rank = np.unique(times, return_inverse=True)
    order = np.argsort(of_action.ravel(), kind="stable")
    size = np.bincount(of_action.ravel(), minlength=len(places))
    return places, size, rank.ravel()[order], kind[counted][order], instants


def _neighbours(here: np.ndarray, places: np.ndarray, radius_metres: float) -> Iterator[np.ndarray]:
    """Positions of the places within the radius of each point, a few points at a time."""
    from sklearn.neighbors import BallTree

    tree = BallTree(np.radians(places), metric="haversine")
    for first in range(0, len(here), POINTS_AT_ONCE):
        some = np.radians(here[first : first + POINTS_AT_ONCE])
        yield from tree.query_radius(some, radius_metres / EARTH_RADIUS_METRES)


def _ranges(first: np.ndarray, size: np.ndarray) -> np.ndarray:
    """first, first + 1, …: size numbers from each."""
    before = size.cumsum() - size
    return np.arange(size.sum()) + np.repeat(first - before, size)


def _count_below(
    ranks: np.ndarray, kind: np.ndarray, limits: np.ndarray, n_kinds: int, n_ranks: int
) -> np.ndarray:
    """How many ranks of each kind lie below each limit, shape (n_limits, n_kinds)."""
    if (limits == n_ranks).all():
        return np.broadcast_to(np.bincount(kind, minlength=n_kinds), (len(limits), n_kinds))
    step = n_ranks + 1
    keys = np.sort(kind * step + ranks)
    start = np.arange(n_kinds) * step
    below = np.searchsorted(keys, start + limits[:, None])
    return below - np.searchsorted(keys, start)
