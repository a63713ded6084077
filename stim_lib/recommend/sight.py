"""What a batch of queries sees of the past: pairs of a query and an earlier action, weighed.

All of it passes through `queries.look_back`. With the time of the query unknown, "now" is the
moment of the user's last action, so that the timestamp cuts the history and does nothing else.
Introduced in chapter 12.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.queries import look_back
from stim_lib.recommend.statistics import (
    HOURS_A_DAY,
    UNKNOWN,
    Statistics,
    chord_metres,
    clock_of,
    hours_of,
    unit_vectors,
)

# The latest actions of a user that are looked at; older ones are forgotten.
MOST_ACTIONS = 1500
DAYS_A_WEEK, SATURDAY = 7, 5
# 1 January 1970 was a Thursday: days since then, plus three, count from a Monday.
THURSDAY = 3


@dataclass(frozen=True)
class Trace:
    """A history in numbers, one row per action, each user's rows together and in order of time.

    Attributes
    ----------
    item : ndarray of int, shape (n_actions,)
        Position in the catalogue; places outside it have numbers of their own above it.
    category : ndarray of int
        -1 where unknown.
    time, clock : ndarray of float64
        Hours since 1970, UTC and local.
    points : ndarray of float64, shape (n_actions, 3)
        Unit vectors; NaN where unknown.
    before : ndarray of int
        Row of the user's action before; -1 for the first.
    is_new : ndarray of bool
        Whether the user had not been there before.
    """

    item: np.ndarray
    category: np.ndarray
    time: np.ndarray
    clock: np.ndarray
    points: np.ndarray
    before: np.ndarray
    is_new: np.ndarray


def trace_of(history: pd.DataFrame, statistics: Statistics) -> Trace:
    """Turn a history that is sorted by user and time into numbers.

    Parameters
    ----------
    history : DataFrame, shape (n_actions, n_columns)
    statistics : Statistics

    Returns
    -------
    Trace

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.statistics import learn_statistics
    >>> log = load_seed_example()
    >>> trace_of(log, learn_statistics(log)).item.tolist()
    [0, 2, 1, 0]
    """
    n_items = len(statistics.catalogue)
    item = statistics.catalogue.get_indexer(history[schema.ITEM])
    strange = item == UNKNOWN
    item[strange] = n_items + pd.factorize(history[schema.ITEM].to_numpy()[strange])[0]
    known = np.where(strange, 0, item)

    def of_row(name: str, of_item: np.ndarray) -> np.ndarray:
        place = np.where(strange, np.nan, of_item[known])
        if name not in history:
            return place
        given = history[name].to_numpy(dtype=float)
        return np.where(np.isfinite(given), given, place)

    category = np.where(strange, UNKNOWN, statistics.category[known])
    if schema.CATEGORY in history and strange.any():
        told = statistics.categories.get_indexer(history[schema.CATEGORY])
        category = np.where(strange, told, category)
    user = pd.factorize(history[schema.USER])[0]
    before = np.arange(len(history)) - 1
    before[np.flatnonzero(np.diff(user, prepend=-1))] = UNKNOWN
    is_new = ~pd.DataFrame({"user": user, "item": item}).duplicated().to_numpy()
    return Trace(
        item, category, hours_of(history[schema.TIME]), clock_of(history),
        unit_vectors(of_row(schema.LAT, statistics.lat), of_row(schema.LON, statistics.lon)),
        before, is_new,
    )  # fmt: skip


@dataclass(frozen=True)
class Sight:
    """Queries, what is known at each, and its pairs with earlier actions.

    Attributes
    ----------
    statistics : Statistics
    trace : Trace
    timed : bool
    last, last_but_one : ndarray of int, shape (n_queries,)
        Rows of the latest actions; -1 where there is none.
    now, clock : ndarray of float64, shape (n_queries,)
        Hours since 1970; those of the last action where the time is unknown; NaN without any.
    gap : ndarray of float64, shape (n_queries,)
        Hours since the last action; NaN where the time is unknown.
    here : ndarray of float64, shape (n_queries, 3)
        Unit vectors of where the user is, or was last.
    query, row : ndarray of int, shape (n_pairs,)
        By query, then time.
    back : ndarray of int, shape (n_pairs,)
        Actions between this one and the query: 0 for the last.
    """

    statistics: Statistics
    trace: Trace
    timed: bool
    last: np.ndarray
    last_but_one: np.ndarray
    now: np.ndarray
    clock: np.ndarray
    gap: np.ndarray
    here: np.ndarray
    query: np.ndarray
    row: np.ndarray
    back: np.ndarray

    @property
    def n_queries(self) -> int:
        """Queries of the batch."""
        return len(self.last)

    def at(self, values: np.ndarray, row: np.ndarray, otherwise: float) -> np.ndarray:
        """Values of rows; `otherwise` where the row is -1."""
        if not len(values):
            return np.full((len(row), *values.shape[1:]), otherwise)
        found = values[row]
        absent = row < 0
        if absent.any():
            found = found.astype(np.result_type(found, type(otherwise)))
            found[absent] = otherwise
        return found

    @cached_property
    def pair_before(self) -> np.ndarray:
        """Row before that of each pair; -1 where it was the user's first."""
        return self.trace.before[self.row]

    @cached_property
    def apart(self) -> np.ndarray:
        """Hours on the circle of the day between each pair's action and the query."""
        return clock_gap(self.trace.clock[self.row], self.clock[self.query])

    @cached_property
    def days(self) -> tuple[np.ndarray, np.ndarray]:
        """Day of the week of each pair's action, and of its query."""
        return weekday(self.trace.clock)[self.row], weekday(self.clock)[self.query]

    @cached_property
    def follows(self) -> np.ndarray:
        """Whether the user came to each pair's action from where they are now."""
        return self.at(self.trace.item, self.pair_before, UNKNOWN) == self.last_item[self.query]

    @cached_property
    def follows_kind(self) -> np.ndarray:
        """Whether the user came to each pair's action from the kind of place of the last one."""
        kind = self.at(self.trace.category, self.pair_before, UNKNOWN)
        last = self.at(self.trace.category, self.last, UNKNOWN)[self.query]
        return (kind == last) & (kind >= 0)

    @cached_property
    def metres_before(self) -> np.ndarray:
        """Distance from where each pair's action was come from to where the user is."""
        return chord_metres(
            self.at(self.trace.points, self.pair_before, np.nan), self.here[self.query]
        )

    @cached_property
    def gap_ratio(self) -> np.ndarray:
        """How alike the gaps before each pair's action and the query are, in [0, 1]."""
        least = 0.05 * self.statistics.gap_hours
        ratio = (self.pair_gap + least) / (self.gap[self.query] + least)
        return np.minimum(ratio, 1 / ratio)

    @cached_property
    def pair_gap(self) -> np.ndarray:
        """Hours between each pair's action and the one before it; inf for a first."""
        return self.trace.time[self.row] - self.at(self.trace.time, self.pair_before, -np.inf)

    @cached_property
    def last_item(self) -> np.ndarray:
        """Place of each query's last action; -1 without one."""
        return self.at(self.trace.item, self.last, UNKNOWN)


def look(
    queries: pd.DataFrame, history: pd.DataFrame, statistics: Statistics, *, timed: bool
) -> Sight:
    """Look back from each query.

    Parameters
    ----------
    queries : DataFrame, shape (n_queries, n_columns)
        user_id and timestamp; local_time, lat and lon where known.
    history : DataFrame, shape (n_actions, n_columns)
        Any log, in any order.
    statistics : Statistics
    timed : bool
        Whether the time of the query may be used.

    Returns
    -------
    Sight

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.statistics import learn_statistics
    >>> log = load_seed_example().assign(user_id="1")
    >>> sight = look(log[2:3], log, learn_statistics(log), timed=False)
    >>> sight.row.tolist(), sight.back.tolist()
    ([0, 1], [1, 0])
    """
    asking = history[schema.USER].isin(queries[schema.USER])
    history = history[asking].sort_values(
        [schema.USER, schema.TIME], kind="stable", ignore_index=True
    )
    trace, past = trace_of(history, statistics), look_back(queries, history)
    back = past.last[past.query] - past.row
    kept = back < MOST_ACTIONS
    last = past.last
    sight = Sight(
        statistics, trace, timed, last, last, last, last, last, last,
        past.query[kept], past.row[kept], back[kept],
    )  # fmt: skip
    last_time, last_clock = (sight.at(t, last, np.nan) for t in (trace.time, trace.clock))
    now, clock, gap = last_time, last_clock, np.full(len(last), np.nan)
    if timed:
        now = hours_of(queries[schema.TIME])
        offset = last_clock - last_time
        clock = now + np.where(np.isnan(offset), statistics.clock_offset, offset)
        if schema.LOCAL_TIME in queries:
            told = hours_of(queries[schema.LOCAL_TIME])
            clock = np.where(np.isnan(told), clock, told)
        gap = now - last_time
    here = sight.at(trace.points, last, np.nan)
    if {schema.LAT, schema.LON} <= set(queries):
        given = unit_vectors(*(queries[c].to_numpy(dtype=float) for c in (schema.LAT, schema.LON)))
        here = np.where(np.isfinite(given).all(axis=1)[:, None], given, here)
    return Sight(
        statistics, trace, timed, last, sight.at(trace.before, last, UNKNOWN), now, clock, gap,
        here, sight.query, sight.row, sight.back,
    )  # fmt: skip


def clock_gap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Distance of two clocks on the circle of the day.

    Parameters
    ----------
    first, second : ndarray of float64
        Hours.

    Returns
    -------
    ndarray of float64
        Hours in [0, 12].

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> clock_gap(np.array([23.0]), np.array([25.0]))
    array([2.])
    """
    apart = np.abs(first - second) % HOURS_A_DAY
    return np.minimum(apart, HOURS_A_DAY - apart)


def weekday(clock: np.ndarray) -> np.ndarray:
    """Day of the week of a local clock.

    Parameters
    ----------
    clock : ndarray of float64
        Hours since 1970.

    Returns
    -------
    ndarray of float64
        0 for Monday; NaN gives NaN.

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> weekday(np.array([0.0]))
    array([3.])
    """
    return (np.floor(clock / HOURS_A_DAY) + THURSDAY) % DAYS_A_WEEK


# Half-lives: of time in returns of the log's own users, of order in actions.
HALF_LIVES = {"slow": 20.0}
HALF_ACTIONS = {"5_actions": 5.0, "30_actions": 30.0}
WIDTHS = {"half_hour": 0.4, "hour": 1.0, "2_hours": 2.0}
OTHER_KIND_OF_DAY = 0.35


def weigh_pairs(sight: Sight) -> dict[str, np.ndarray]:
    """How much each earlier action says about the query, in many ways.

    Parameters
    ----------
    sight : Sight

    Returns
    -------
    dict of str to ndarray of float64, shape (n_pairs,)
        Weights of at least 0.

    Notes
    -----
    Kernels of age, clock, day, sequence, space and gap, and products of them: the product says
    "when I was near here, at this hour, where did I go". Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.statistics import learn_statistics
    >>> log = load_seed_example().assign(user_id="1")
    >>> weights = weigh_pairs(look(log[2:3], log, learn_statistics(log), timed=False))
    >>> weights["count"].tolist()
    [1.0, 1.0]
    """
    query, row, trace = sight.query, sight.row, sight.trace
    age = np.maximum(sight.now[query] - trace.time[row], 0) / sight.statistics.return_hours
    weights = {"count": np.ones(len(row))}
    weights |= {name: np.exp2(-age / half) for name, half in HALF_LIVES.items()}
    weights |= {name: np.exp2(-sight.back / half) for name, half in HALF_ACTIONS.items()}
    slow = weights["slow"]
    apart, (day, today) = sight.apart, sight.days
    same_kind = np.where((day >= SATURDAY) == (today >= SATURDAY), 1.0, OTHER_KIND_OF_DAY)
    for name, width in WIDTHS.items():
        weights[name] = np.exp(-0.5 * (apart / width) ** 2) * same_kind * slow
    weights["weekday_hour"] = np.where(day == today, weights["hour"], 0)
    return weights | _sequence_weights(sight, weights)


def _sequence_weights(sight: Sight, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    slow, hours = weights["slow"], weights["2_hours"]
    found = {"follow": np.where(sight.follows, slow, 0)}
    scale = sight.statistics.jumps[0]
    if np.isfinite(scale):
        near = np.nan_to_num(np.exp(-sight.metres_before / scale))
        found["from_near_hour"] = near * hours
    if sight.timed:
        found["gap_hour"] = sight.gap_ratio * hours
        if np.isfinite(scale):
            found["from_near_gap_hour"] = sight.gap_ratio * found["from_near_hour"]
    return found
