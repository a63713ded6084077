"""Mean, median and spread of clock times, many groups at once."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from stim_lib.temporal._grouping import divide, group_codes, group_sums, reasons
from stim_lib.temporal.clock import SHORTEST_RESULTANT, require_wall_clock

MICROSECONDS_PER_HOUR = 3_600_000_000
HOURS_PER = {"day": 24, "week": 168}
MONDAY = np.datetime64("1970-01-05", "us")


def clock_statistics(
    local_time: pd.Series,
    by: pd.Series | np.ndarray | None = None,
    *,
    period: Literal["day", "week"] = "day",
) -> pd.DataFrame:
    """Mean, median and spread of times of day (or of the week), on the circle.

    Parameters
    ----------
    local_time : Series of datetime64, shape (n_times,)
        Wall-clock times; NaT is counted and left out.
    by : Series or array, shape (n_times,), optional
        Group of each time, say the user. Without it all times are one group, "all".
    period : {"day", "week"}
        The circle: 24 hours from midnight, or 168 hours from Monday 00:00.

    Returns
    -------
    DataFrame, shape (n_groups, 7)
        n and n_missing; mean_hour and median_hour in [0, 24) or [0, 168); spread_hours, the
        circular standard deviation in hours, 0 or more, infinite if the times cancel out;
        resultant, the length R in [0, 1] of the mean of the points on the circle; reason, "" or
        why a number is NaN. Index: the groups, sorted.

    Raises
    ------
    SchemaError
        If the times carry a time zone.
    ValueError
        If `period` is another word, there are no times, or `by` does not fit.

    Notes
    -----
    With angles a: R e^{iμ} = mean of e^{ia}; spread = √(-2 ln R) · period / 2π. Source: Mardia and
    Jupp (2000), Directional Statistics, sections 2.2 and 2.3; equal to scipy.stats.circmean and
    circstd.

    The median is the point of the circle with the least mean arc to all times (section 2.2.2). One
    of the times always is such a point. If several are, the median is their circular mean; if that
    is not as near as they are, or they cancel out, there is no median. Computed in whole
    microseconds, so that ties are exact. Introduced in chapter 04.

    Examples
    --------
    >>> late = pd.Series(pd.to_datetime(["2023-01-01 23:00", "2023-01-02 01:00"]))
    >>> clock_statistics(late).round(2)
         n  n_missing  mean_hour  median_hour  spread_hours  resultant reason
    all  2          0        0.0          0.0          1.01       0.97
    """
    require_wall_clock(local_time)
    if period not in HOURS_PER:
        raise ValueError(f"period: expected 'day' or 'week', found {period!r}")
    if not len(local_time):
        raise ValueError("local_time: expected at least one time, found none")
    codes, names = group_codes(by, local_time.index)
    known = local_time.notna().to_numpy()
    turn = HOURS_PER[period] * MICROSECONDS_PER_HOUR
    since = local_time.to_numpy(dtype="datetime64[us]")[known] - MONDAY
    ticks, kept = since.astype(np.int64) % turn, codes[known]
    n = np.bincount(kept, minlength=len(names))
    mean, length = _mean_direction(ticks, kept, turn, len(names))
    # Times that all agree have R = 1 up to rounding.
    length = np.where(length > 1 - 1e-15, 1.0, length)
    table = {
        "n": n,
        "n_missing": np.bincount(codes[~known], minlength=len(names)),
        "mean_hour": _as_hours(mean, turn),
        "median_hour": _as_hours(_medians(ticks, kept, turn, len(names)), turn),
        "spread_hours": circular_spread(length, HOURS_PER[period]),
        "resultant": length,
    }
    cancel = (n > 0) & np.isnan(mean)
    no_median = (n > 0) & np.isnan(table["median_hour"])
    cases = [
        (n == 0, "no times"),
        (cancel & no_median, "the times cancel out: no mean, no median"),
        (cancel, "the times cancel out: no mean"),
        (no_median, "several times are equally central: no median"),
    ]
    return pd.DataFrame(table | {"reason": reasons(len(names), cases)}, index=names)


def circular_spread(resultant: np.ndarray, period: float) -> np.ndarray:
    """Circular standard deviation of times whose mean resultant length is known.

    Parameters
    ----------
    resultant : ndarray of float64, shape (n_groups,)
        R in [0, 1].
    period : float
        Hours of one turn.

    Returns
    -------
    ndarray of float64, shape (n_groups,)
        Hours; 0 if all times agree, infinite if they cancel out, NaN for NaN.

    Notes
    -----
    √(-2 ln R) · period / 2π. Raises nothing. Source: Mardia and Jupp (2000), Directional
    Statistics, section 2.3. Introduced in chapter 04.

    Examples
    --------
    >>> circular_spread(np.array([1.0, 0.0]), 24)
    array([ 0., inf])
    """
    # R = 1 up to rounding is agreement: a spread of 0, not of 1e-8.
    sure = np.where(resultant > 1 - 1e-15, 1.0, resultant)
    with np.errstate(divide="ignore"):
        radians = np.sqrt(-2 * np.log(np.where(sure < SHORTEST_RESULTANT, 0.0, sure)))
    return radians * period / (2 * np.pi) + 0.0  # no minus zero


def _as_hours(ticks: np.ndarray, turn: int) -> np.ndarray:
    """Microseconds to hours in [0, period)."""
    # A hair before midnight would round up to 24, which no clock shows.
    whole = np.where(np.isfinite(ticks), np.round(ticks, 3) % turn, np.nan)
    return whole / MICROSECONDS_PER_HOUR


def _mean_direction(
    ticks: np.ndarray, codes: np.ndarray, turn: int, n_groups: int
) -> tuple[np.ndarray, np.ndarray]:
    """Circular mean in ticks (NaN if there is none) and resultant length of each group."""
    angle = 2 * np.pi * ticks / turn
    n = np.bincount(codes, minlength=n_groups)
    cosine = divide(group_sums(codes, np.cos(angle), n_groups), n)
    sine = divide(group_sums(codes, np.sin(angle), n_groups), n)
    length = np.minimum(np.hypot(cosine, sine), 1.0)
    mean = np.arctan2(sine, cosine) % (2 * np.pi) / (2 * np.pi) * turn
    return np.where(length < SHORTEST_RESULTANT, np.nan, mean), length


def _medians(ticks: np.ndarray, codes: np.ndarray, turn: int, n_groups: int) -> np.ndarray:
    """Circular median in ticks of each group; NaN where there is none."""
    order = np.lexsort((ticks, codes))
    ticks, codes = ticks[order], codes[order]
    arcs = _arc_sums(ticks, codes, ticks, codes, turn)
    least = np.full(n_groups, np.iinfo(np.int64).max)
    np.minimum.at(least, codes, arcs)
    best = arcs == least[codes]
    # Equal times would weigh more than once: keep each candidate once.
    repeated = np.r_[False, (ticks[1:] == ticks[:-1]) & (codes[1:] == codes[:-1])]
    best &= ~repeated
    mean, _ = _mean_direction(ticks[best], codes[best], turn, n_groups)
    groups = np.flatnonzero(np.isfinite(mean))
    middle = np.round(mean[groups]).astype(np.int64) % turn
    there = _arc_sums(middle, groups, ticks, codes, turn)
    size = np.bincount(codes, minlength=n_groups)
    # Rounded to a microsecond, a middle may be off by as much for each time.
    far = there > least[groups] + size[groups]
    mean[groups[far]] = np.nan
    return mean


def _arc_sums(
    at: np.ndarray, group: np.ndarray, ticks: np.ndarray, codes: np.ndarray, turn: int
) -> np.ndarray:
    """Sum of arcs from points `at` to all times of their group; times sorted by group and tick."""
    size = np.bincount(codes, minlength=int(codes.max(initial=0)) + 1)
    start = size.cumsum() - size
    total = np.r_[0, ticks.cumsum()]
    key = codes * (2 * turn) + ticks
    here = group * (2 * turn)
    first, stop = start[group], start[group] + size[group]
    mine = np.searchsorted(key, here + at, side="left")
    # Times on the half turn ahead lie `ticks - at` away, those behind `at - ticks`; modulo a turn.
    half = turn // 2
    wraps = at >= half
    opposite = np.searchsorted(key, here + np.where(wraps, at - half, at + half), side="left")

    def within(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return total[high] - total[low], high - low

    # Below the half turn: [0, at) behind, [at, opposite) ahead, the rest behind through midnight.
    behind, n_behind = within(first, mine)
    ahead, n_ahead = within(mine, opposite)
    rest, n_rest = within(opposite, stop)
    early = (at * n_behind - behind) + (ahead - at * n_ahead) + ((at + turn) * n_rest - rest)
    # Past it: [0, opposite) ahead through midnight, [opposite, at) behind, the rest ahead.
    over, n_over = within(first, opposite)
    before, n_before = within(opposite, mine)
    after, n_after = within(mine, stop)
    late = (over + (turn - at) * n_over) + (at * n_before - before) + (after - at * n_after)
    return np.where(wraps, late, early)
