"""What everybody taught: the statistics that are frozen at the end of training.

Nothing here belongs to one user: places, how popular they are and when, where people go next, and
the scales of the log itself, so that no width or half-life has to be chosen by hand. Introduced in
chapter 12.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from stim_lib import schema
from stim_lib.recommend.kinship import similar_places
from stim_lib.spatial.distance import EARTH_RADIUS_METRES

UNKNOWN = -1
HOURS_A_DAY = 24
MICROSECONDS_AN_HOUR = 3.6e9
# As many imagined actions, spread like the level above, in every smoothed share.
PRIOR_ACTIONS = 5.0
# Parts of the jump lengths that serve as scales of space; the second one as "near".
JUMP_QUANTILES = (0.25, 0.5, 0.75)
SHORTEST_JUMP_METRES = 1.0


@dataclass(frozen=True)
class Statistics:
    """Places of a training log, and what all its users together did there.

    Attributes
    ----------
    catalogue : Index of str, shape (n_items,)
        Most popular first.
    visits, visitors : ndarray of float64, shape (n_items,)
        Actions at, and users of, each place.
    lat, lon : ndarray of float64, shape (n_items,)
        Degrees; NaN where unknown.
    categories : Index of str, shape (n_categories,)
    category : ndarray of int, shape (n_items,)
        Position in `categories`; -1 where unknown.
    item_hours, category_hours : ndarray of float64, shapes (n_items, 24) and (n_categories + 1, 24)
        Share of the actions in each hour of the clock, smoothed; last row of the second: everybody.
    steps, category_steps : sparse array, shapes (n_items, n_items), (n_categories, n_categories)
        Share of the steps from row to column; rows have sum 1, or 0.
    similar : sparse array, shape (n_items, n_items)
        How much the visitors (or the words) of two places have in common, in [0, 1].
    return_hours, gap_hours : float
        Median time between two visits of one user to one place, and between two actions.
    jumps : ndarray of float64, shape (3,)
        Quartiles of the distance in metres between successive places; NaN without coordinates.
    clock_offset : float
        Median hours by which the local clock is ahead of UTC.
    """

    catalogue: pd.Index
    visits: np.ndarray
    visitors: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    categories: pd.Index
    category: np.ndarray
    item_hours: np.ndarray
    category_hours: np.ndarray
    steps: sparse.csr_array
    category_steps: sparse.csr_array
    similar: sparse.csr_array
    return_hours: float
    gap_hours: float
    jumps: np.ndarray
    clock_offset: float


def learn_statistics(log: pd.DataFrame) -> Statistics:
    """Count what everybody did.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        At least one action; user_id, item_id and timestamp; lat, lon, category, text and
        local_time where known.

    Returns
    -------
    Statistics

    Notes
    -----
    Shares of hours are drawn towards those of the category, and these towards everybody's, by
    `PRIOR_ACTIONS` imagined actions (Dirichlet). Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> statistics = learn_statistics(load_seed_example())
    >>> statistics.catalogue[0], statistics.visits[0]
    ('Beijing', np.float64(2.0))
    """
    log = log.sort_values([schema.USER, schema.TIME], kind="stable", ignore_index=True)
    counts = log.groupby(schema.ITEM)[schema.USER].agg(["size", "nunique"])
    counts = counts.sort_values("size", ascending=False, kind="stable")
    catalogue = pd.Index(counts.index, name=schema.ITEM)
    item = catalogue.get_indexer(log[schema.ITEM])
    categories, category = _categories(log, item, len(catalogue))
    user = pd.factorize(log[schema.USER])[0]
    follows = np.flatnonzero(user[1:] == user[:-1])
    hour = np.floor(clock_of(log)).astype(int) % HOURS_A_DAY
    lat, lon, jumps = _map(log, item, len(catalogue), follows)
    item_hours, category_hours = _hours(item, category, hour, len(categories))
    time = hours_of(log[schema.TIME])
    gaps = time[follows + 1] - time[follows]
    gap = float(np.median(gaps)) if len(gaps) else HOURS_A_DAY
    offset = float(np.median(clock_of(log) - time))
    return Statistics(
        catalogue=catalogue,
        visits=counts["size"].to_numpy(dtype=float),
        visitors=counts["nunique"].to_numpy(dtype=float),
        lat=lat, lon=lon, categories=categories, category=category,
        item_hours=item_hours, category_hours=category_hours,
        steps=_steps(item[follows], item[follows + 1], len(catalogue)),
        category_steps=_steps(
            category[item[follows]], category[item[follows + 1]], len(categories)
        ),
        similar=similar_places(log, user, item, len(catalogue)),
        return_hours=_return_hours(user, item, time, gap),
        gap_hours=max(gap, 1 / 60),
        jumps=jumps,
        clock_offset=offset,
    )  # fmt: skip


def hours_of(times: pd.Series) -> np.ndarray:
    """Hours since 1970 of instants or wall-clock times.

    Parameters
    ----------
    times : Series of datetime64, shape (n_times,)

    Returns
    -------
    ndarray of float64, shape (n_times,)
        NaT gives NaN.

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> hours_of(pd.Series(pd.to_datetime(["1970-01-02 01:30Z"])))
    array([25.5])
    """
    if isinstance(times.dtype, pd.DatetimeTZDtype):
        times = times.dt.tz_convert(None)
    plain = times.to_numpy(dtype="datetime64[us]")
    return np.where(np.isnat(plain), np.nan, plain.astype(np.int64) / MICROSECONDS_AN_HOUR)


def clock_of(log: pd.DataFrame) -> np.ndarray:
    """Hours of the local clock since 1970; of UTC where the log has no local time.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)

    Returns
    -------
    ndarray of float64, shape (n_actions,)

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> clock_of(load_seed_example())[:1] % 24
    array([10.])
    """
    instants = hours_of(log[schema.TIME])
    if schema.LOCAL_TIME not in log:
        return instants
    local = hours_of(log[schema.LOCAL_TIME])
    return np.where(np.isnan(local), instants, local)


def unit_vectors(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Points of the globe as vectors of length 1; the chord between two orders like the distance.

    Parameters
    ----------
    lat, lon : ndarray of float64, shape (n_points,)
        Degrees.

    Returns
    -------
    ndarray of float64, shape (n_points, 3)

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> unit_vectors(np.array([0.0]), np.array([90.0])).round(6)
    array([[0., 1., 0.]])
    """
    phi, theta = np.radians(lat), np.radians(lon)
    return np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)], axis=1)


def chord_metres(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Great-circle distance between unit vectors.

    Parameters
    ----------
    first, second : ndarray of float64, shape (n_points, 3)

    Returns
    -------
    ndarray of float64, shape (n_points,)
        Metres; NaN where a point is unknown.

    Notes
    -----
    2 R arcsin(chord / 2). Introduced in chapter 12.

    Examples
    --------
    >>> ends = unit_vectors(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    >>> chord_metres(ends[:1], ends[1:]).round(-2)
    array([111200.])
    """
    x, y, z = (first[:, axis] - second[:, axis] for axis in range(3))
    return 2 * EARTH_RADIUS_METRES * np.arcsin(np.minimum(np.sqrt(x * x + y * y + z * z) / 2, 1))


def _first_known(log: pd.DataFrame, item: np.ndarray, name: str, n_items: int) -> np.ndarray:
    values = np.full(n_items, np.nan)
    if name in log:
        numbers = log[name].to_numpy(dtype=float)
        known = np.flatnonzero(np.isfinite(numbers))[::-1]
        values[item[known]] = numbers[known]
    return values


def _categories(log: pd.DataFrame, item: np.ndarray, n_items: int) -> tuple[pd.Index, np.ndarray]:
    category = np.full(n_items, UNKNOWN)
    if schema.CATEGORY not in log:
        return pd.Index([], dtype=str, name=schema.CATEGORY), category
    codes, names = pd.factorize(log[schema.CATEGORY], sort=True)
    known = np.flatnonzero(codes >= 0)[::-1]
    category[item[known]] = codes[known]
    return pd.Index(names, name=schema.CATEGORY), category


def _steps(origin: np.ndarray, target: np.ndarray, size: int) -> sparse.csr_array:
    known = (origin >= 0) & (target >= 0)
    counts = sparse.csr_array(
        (np.ones(known.sum()), (origin[known], target[known])), shape=(size, size)
    )
    total = np.asarray(counts.sum(axis=1)).ravel() + PRIOR_ACTIONS
    shares = sparse.csr_array(sparse.diags_array(1 / total) @ counts) if size else counts
    shares.sort_indices()
    return shares


def _hours(
    item: np.ndarray, category: np.ndarray, hour: np.ndarray, n_categories: int
) -> tuple[np.ndarray, np.ndarray]:
    def table(code: np.ndarray, size: int) -> np.ndarray:
        flat = np.bincount(code * HOURS_A_DAY + hour, minlength=size * HOURS_A_DAY)
        table = flat.reshape(size, HOURS_A_DAY).astype(float)
        # An hour is not an island: half of each neighbour counts too.
        return (table + (np.roll(table, 1, axis=1) + np.roll(table, -1, axis=1)) / 2) / 2

    everybody = table(np.zeros_like(item), 1) + 1
    everybody /= everybody.sum()
    of_action = np.where(category[item] >= 0, category[item], n_categories)
    kinds = _towards(table(of_action, n_categories + 1), everybody)
    places = _towards(table(item, len(category)), kinds[category])
    return places, np.vstack([kinds[:-1], everybody])


def _towards(counts: np.ndarray, prior: np.ndarray) -> np.ndarray:
    total = counts.sum(axis=1, keepdims=True)
    return (counts + PRIOR_ACTIONS * prior) / (total + PRIOR_ACTIONS)


def _return_hours(user: np.ndarray, item: np.ndarray, time: np.ndarray, gap: float) -> float:
    order = np.lexsort((time, item, user))
    same = (user[order][1:] == user[order][:-1]) & (item[order][1:] == item[order][:-1])
    returns = np.diff(time[order])[same]
    returns = returns[returns > 0]
    typical = float(np.median(returns)) if len(returns) else 10 * gap
    return max(typical, 1.0)


def _map(
    log: pd.DataFrame, item: np.ndarray, n_items: int, follows: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates of the items, and quartiles of the jumps."""
    lat, lon = (_first_known(log, item, name, n_items) for name in (schema.LAT, schema.LON))
    of_item = unit_vectors(lat, lon)[item]
    points = of_item
    if {schema.LAT, schema.LON} <= set(log):
        points = unit_vectors(*(log[c].to_numpy(dtype=float) for c in (schema.LAT, schema.LON)))
        points = np.where(np.isfinite(points), points, of_item)
    jumps = chord_metres(points[follows], points[follows + 1])
    jumps = jumps[jumps > SHORTEST_JUMP_METRES]
    if len(jumps):
        quartiles = np.quantile(jumps, JUMP_QUANTILES)
    else:
        # Nobody moved, or nothing has coordinates: then any scale says the same.
        quartiles = np.full(len(JUMP_QUANTILES), 1000.0 if np.isfinite(lat).any() else np.nan)
    # What is done in many places, a chain or a kind, lies in none of them.
    wandered = np.zeros(n_items)
    np.maximum.at(wandered, item, np.nan_to_num(chord_metres(points, of_item)))
    nowhere = wandered > quartiles[1]
    return np.where(nowhere, np.nan, lat), np.where(nowhere, np.nan, lon), quartiles
