"""One row of temporal features for each query, from what happened strictly before it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.temporal._grouping import divide, group_sums
from stim_lib.temporal.calendar import calendar_features
from stim_lib.temporal.circle import circular_spread
from stim_lib.temporal.clock import (
    HOURS_PER_DAY,
    SHORTEST_RESULTANT,
    circular_distance,
    clock_hours,
    require_wall_clock,
    week_hours,
)
from stim_lib.temporal.cycles import cycle_features
from stim_lib.temporal.gaps import action_gaps, burstiness, gap_moments
from stim_lib.temporal.rhythm import HOUR, binned_entropy, look_back_in_batches, times_of

HALF_LIVES_HOURS = (24.0, 168.0)
HOURS_PER_BIN = 4
N_BINS = 168 // HOURS_PER_BIN


def make_temporal_features(
    queries: pd.DataFrame,
    history: pd.DataFrame,
    *,
    use_query_time: bool = False,
    half_lives_hours: Sequence[float] = HALF_LIVES_HOURS,
    country: str | None = None,
) -> pd.DataFrame:
    """Describe when each user has acted so far and, if it may be known, when the query is.

    Parameters
    ----------
    queries : DataFrame, shape (n_queries, n_columns)
        With user_id and timestamp (UTC), and local_time if `use_query_time`.
    history : DataFrame, shape (n_actions, n_columns)
        Any log with local_time; it may run past the queries, of which only what came strictly
        before each is used.
    use_query_time : bool
        If False the time of the query only cuts the history; it is no feature.
    half_lives_hours : sequence of float
        One decayed count each.
    country : {"US", "CN"}, optional
        Calendar of the query's day; only with `use_query_time`.

    Returns
    -------
    DataFrame of float64, shape (n_queries, n_features)
        Index of `queries`. Of the history, NaN where it does not reach: n_past; mean_gap_hours,
        spread_gap_hours, burstiness (finite-size), last_gap_hours; usual_hour_sin and
        usual_hour_cos, the point whose angle is the user's mean hour and whose distance from the
        centre is the resultant R; clock_resultant, that R; clock_spread_hours, at most 24;
        week_entropy_bits (bins of four hours, Miller–Madow); weekend_share; last_hour_sin and
        last_hour_cos, the clock of the last action; decayed_count_24h, …, as of the last action,
        or as of the query if its time is known.

        With `use_query_time` also: recency_hours; hours_from_usual, 0 to 12, from the mean hour;
        day_sin, day_cos, day_sin_2, day_cos_2, week_sin, week_cos; is_weekend; and with `country`
        is_holiday and is_workday.

    Raises
    ------
    SchemaError
        If a column is missing, instants have no zone or wall-clock times have one.
    ValueError
        If a half-life is not positive, a calendar is asked for without `use_query_time`, or it
        does not know a year.

    Notes
    -----
    Each number is a sum over the pairs of a query and an earlier action that `queries.look_back`
    finds, as the functions of this package define it. Introduced in chapter 04.

    Examples
    --------
    >>> from stim_lib import datasets, queries
    >>> log = datasets.load_seed_example().assign(user_id="1")
    >>> asked, _ = queries.make_queries(log)
    >>> make_temporal_features(asked, log)[["n_past", "mean_gap_hours", "burstiness"]]
              n_past  mean_gap_hours  burstiness
    query_id
    0            0.0             NaN         NaN
    1            1.0             NaN         NaN
    2            2.0            25.0         NaN
    3            3.0            25.0        -1.0
    """
    _require_arguments(queries, history, use_query_time, half_lives_hours, country)
    actions = _describe_actions(history)
    parts = []
    for positions, rows, past in look_back_in_batches(queries, history):
        asked = queries.iloc[positions]
        some = {name: column[rows] for name, column in actions.items()}
        table = _past_features(past, some, len(asked))
        last = np.where(past.last >= 0, past.last, 0)
        some_known = len(rows) > 0
        reference = times_of(asked)
        if not use_query_time and some_known:
            reference = some["time"][last]
        for half_life in half_lives_hours:
            since = (reference[past.query] - some["time"][past.row]) / HOUR
            worth = group_sums(past.query, np.exp2(-since / half_life), len(asked))
            table[f"decayed_count_{half_life:g}h"] = worth
        if use_query_time:
            recency = (reference - some["time"][last]) / HOUR if some_known else np.nan
            table["recency_hours"] = np.where(past.last >= 0, recency, np.nan)
        parts.append(pd.DataFrame(table, index=positions))
    features = pd.concat(parts) if parts else _no_features(half_lives_hours, use_query_time)
    features = features.sort_index().set_axis(queries.index)
    if not use_query_time:
        return features
    # By position: labels of queries may repeat.
    clock = _query_clock(queries, features, country)
    both = [table.reset_index(drop=True) for table in (features, clock)]
    return pd.concat(both, axis=1).set_axis(queries.index)


def _require_arguments(
    queries: pd.DataFrame,
    history: pd.DataFrame,
    use_query_time: bool,
    half_lives_hours: Sequence[float],
    country: str | None,
) -> None:
    tables = [("history", history)] + [("queries", queries)] * use_query_time
    for name, table in tables:
        if schema.LOCAL_TIME not in table:
            found = f"only {', '.join(map(str, table))}"
            fault = schema.failure(schema.LOCAL_TIME, -1, f"this column in {name}", found)
            raise schema.SchemaError(pd.DataFrame([fault]))
        require_wall_clock(table[schema.LOCAL_TIME])
    labels = [f"{half_life:g}" for half_life in half_lives_hours]
    if len(set(labels)) < len(labels):
        raise ValueError(f"half_lives_hours: expected different ones, found {half_lives_hours}")
    if not all(half_life > 0 for half_life in half_lives_hours):
        raise ValueError(f"half_lives_hours: expected hours above 0, found {half_lives_hours}")
    if country is not None and not use_query_time:
        raise ValueError(
            f"country: expected none, since the calendar of the query's day tells its time; found "
            f"{country!r} with use_query_time=False"
        )


def _describe_actions(history: pd.DataFrame) -> dict[str, np.ndarray]:
    """What each action of the history has to tell; all of it known when it happens."""
    local = history[schema.LOCAL_TIME]
    angle = 2 * np.pi * clock_hours(local) / HOURS_PER_DAY
    hours = week_hours(local)
    return {
        "time": times_of(history),
        "gap": action_gaps(history).to_numpy(),
        "sine": np.sin(angle),
        "cosine": np.cos(angle),
        "bin": np.nan_to_num(hours // HOURS_PER_BIN).astype(np.int64),
        "weekend": (hours >= 5 * HOURS_PER_DAY).astype(float),
        "clock": np.isfinite(hours),
    }


def _past_features(past: object, actions: dict[str, np.ndarray], n: int) -> dict[str, np.ndarray]:
    """Features of the history of each query, shape (n,) each."""
    query, row = past.query, past.row
    table = {"n_past": np.bincount(query, minlength=n).astype(float)}
    table |= _gap_features(query, actions["gap"][row], n)
    seen = past.last >= 0
    for name, source in (("last_gap_hours", "gap"), ("last_hour_sin", "sine"),
                         ("last_hour_cos", "cosine")):  # fmt: skip
        table[name] = np.full(n, np.nan)
        table[name][seen] = actions[source][past.last[seen]]
    told = actions["clock"][row]
    query, row = query[told], row[told]
    n_told = np.bincount(query, minlength=n)
    sine, cosine, weekend = (
        divide(group_sums(query, actions[name][row], n), n_told)
        for name in ("sine", "cosine", "weekend")
    )
    length = np.minimum(np.hypot(sine, cosine), 1.0)
    entropy, _, _ = binned_entropy(query, actions["bin"][row], n, N_BINS, correction="miller-madow")
    return table | {
        "usual_hour_sin": sine,
        "usual_hour_cos": cosine,
        "clock_resultant": length,
        "clock_spread_hours": np.minimum(circular_spread(length, HOURS_PER_DAY), HOURS_PER_DAY),
        "week_entropy_bits": entropy,
        "weekend_share": weekend,
    }


def _gap_features(query: np.ndarray, gap: np.ndarray, n: int) -> dict[str, np.ndarray]:
    known = np.isfinite(gap)
    query, gap = query[known], gap[known]
    n_gaps, mean, spread = gap_moments(query, gap, n)
    return {
        "mean_gap_hours": mean,
        "spread_gap_hours": spread,
        "burstiness": burstiness(np.nan_to_num(spread), np.nan_to_num(mean), n_gaps),
    }


def _query_clock(
    queries: pd.DataFrame, features: pd.DataFrame, country: str | None
) -> pd.DataFrame:
    """What the time of the query tells."""
    local = queries[schema.LOCAL_TIME]
    usual = np.arctan2(features["usual_hour_sin"], features["usual_hour_cos"])
    usual = usual.where(features["clock_resultant"] >= SHORTEST_RESULTANT)
    usual = usual.to_numpy() * HOURS_PER_DAY / (2 * np.pi)
    days = cycle_features(local, ["day"], harmonics=2)
    table = pd.concat([days, cycle_features(local, ["week"])], axis=1)
    hours = week_hours(local)
    table.insert(0, "hours_from_usual", circular_distance(clock_hours(local), usual))
    table["is_weekend"] = np.where(np.isnan(hours), np.nan, hours >= 5 * HOURS_PER_DAY)
    if country is not None:
        names = ["is_holiday", "is_workday"]
        for name, column in calendar_features(local, country)[names].items():
            table[name] = column.to_numpy()
    return table


def _no_features(half_lives_hours: Sequence[float], use_query_time: bool) -> pd.DataFrame:
    """An empty table with the right columns, for no queries."""
    nothing = np.zeros(0, dtype=np.int64)
    from stim_lib.queries import Past

    actions = dict.fromkeys(("gap", "sine", "cosine", "weekend"), np.zeros(0))
    actions |= {"bin": nothing, "clock": nothing.astype(bool)}
    table = _past_features(Past(nothing, nothing, nothing), actions, 0)
    table |= {f"decayed_count_{half_life:g}h": np.zeros(0) for half_life in half_lives_hours}
    if use_query_time:
        table["recency_hours"] = np.zeros(0)
    return pd.DataFrame(table)
