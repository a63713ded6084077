"""Gaps between the actions of a user: how long, how uneven, how much alike from one to the next."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.temporal._grouping import divide, group_medians, group_sums, reasons

HOUR = np.timedelta64(3_600_000_000, "us")


def action_gaps(log: pd.DataFrame) -> pd.Series:
    """Hours since the same user's action before.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        With user_id and timestamp (UTC), in any order.

    Returns
    -------
    Series of float64, shape (n_actions,)
        Hours, 0 or more; NaN for the first action of each user. Index of `log`. Of actions at the
        same instant the one that stands later counts as later.

    Raises
    ------
    SchemaError
        If a column or a time is missing, or the times are no instants.

    Notes
    -----
    Instants, not the wall clock: on the night that the clocks go forward, 01:30 and 03:30 are one
    hour apart, and when they go back the gap of an hour and a half can show as half an hour.
    Introduced in chapter 04.

    Examples
    --------
    >>> log = pd.DataFrame({"user_id": "a", "timestamp": pd.to_datetime(
    ...     ["2024-03-10 06:30", "2024-03-10 07:30"], utc=True)})  # 01:30 and 03:30 in New York
    >>> action_gaps(log).tolist()
    [nan, 1.0]
    """
    _require_instants(log)
    codes, _ = pd.factorize(log[schema.USER])
    times = log[schema.TIME].dt.tz_convert(None).to_numpy(dtype="datetime64[us]")
    order = np.lexsort((times, codes))
    gap = np.diff(times[order], prepend=times[order][:1]) / HOUR
    first = np.diff(codes[order], prepend=-1) != 0
    hours = np.empty(len(log))
    hours[order] = np.where(first, np.nan, gap)
    return pd.Series(hours, index=log.index, name="gap_hours")


def _require_instants(log: pd.DataFrame) -> None:
    faults = [
        schema.failure(name, -1, "this column", f"only {', '.join(map(str, log))}")
        for name in (schema.USER, schema.TIME)
        if name not in log
    ]
    if not faults and not isinstance(log[schema.TIME].dtype, pd.DatetimeTZDtype):
        found = f"dtype {log[schema.TIME].dtype}"
        faults.append(
            schema.failure(schema.TIME, -1, "instants (UTC), not wall-clock times", found)
        )
    if not faults:
        faults = [
            schema.failure(name, row, "a value", "none")
            for name in (schema.USER, schema.TIME)
            for row in log.index[log[name].isna()]
        ]
    if faults:
        raise schema.SchemaError(pd.DataFrame(faults))


def burstiness(
    spread: np.ndarray, mean: np.ndarray, n_gaps: np.ndarray, *, finite_size: bool = True
) -> np.ndarray:
    """How uneven gaps are: -1 a metronome, 0 chance, 1 all at once.

    Parameters
    ----------
    spread, mean : array of float, shape (n_groups,)
        Standard deviation (divided by n) and mean of the gaps, in any one unit.
    n_gaps : array of int, shape (n_groups,)
    finite_size : bool
        Correct for the number of gaps: few gaps can't be very uneven.

    Returns
    -------
    ndarray of float64, shape (n_groups,)
        In [-1, 1]; NaN for fewer than two gaps, or if all gaps are 0.

    Raises
    ------
    ValueError
        If a spread, mean or number is negative.

    Notes
    -----
    With r = σ/μ: B = (r - 1)/(r + 1). Source: Goh and Barabási (2008),
    doi:10.1209/0295-5075/81/48002. For n gaps r is at most
    √(n - 1), and for actions at random r² is (n - 1)/(n + 1) on average; corrected,
    B_n = (√(n+1) r - √(n-1)) / ((√(n+1) - 2) r + √(n-1)) is 1 at the one and 0 at the other. (0 is
    B_n of the average r², not the average of B_n, which below ten gaps is still some -.03 to -.1.)
    Source: Kim and Jo (2016), doi:10.1103/PhysRevE.94.032311.
    Introduced in chapter 04.

    Examples
    --------
    >>> burstiness([0.0, 1.0], [1.0, 1.0], [9, 9], finite_size=False)
    array([-1.,  0.])
    """
    spread, mean = np.asarray(spread, dtype=float), np.asarray(mean, dtype=float)
    n = np.asarray(n_gaps, dtype=float)
    if (spread < 0).any() or (mean < 0).any() or (n < 0).any():
        raise ValueError("expected spread, mean and n_gaps of 0 or more, found a negative one")
    ratio = divide(spread, mean)
    enough = n >= 2
    if not finite_size:
        return np.where(enough, (ratio - 1) / (ratio + 1), np.nan)
    up, down = np.sqrt(n + 1), np.sqrt(np.maximum(n - 1, 0))
    value = divide(up * ratio - down, (up - 2) * ratio + down)
    return np.where(enough, value, np.nan)


def gap_moments(
    codes: np.ndarray, gap: np.ndarray, n_groups: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number, mean and standard deviation (divided by n) of the gaps of each group.

    Parameters
    ----------
    codes : ndarray of int, shape (n_gaps,)
        Group of each gap, from 0.
    gap : ndarray of float64, shape (n_gaps,)
        Hours.
    n_groups : int

    Returns
    -------
    n, mean, spread : ndarray, shape (n_groups,)
        NaN for a group without gaps.

    Notes
    -----
    Raises nothing. Introduced in chapter 04.

    Examples
    --------
    >>> gap_moments(np.array([0, 0]), np.array([1.0, 3.0]), 1)
    (array([2]), array([2.]), array([1.]))
    """
    n = np.bincount(codes, minlength=n_groups)
    mean = divide(group_sums(codes, gap, n_groups), n)
    spread = np.sqrt(divide(group_sums(codes, (gap - mean[codes]) ** 2, n_groups), n))
    # Equal gaps differ from their mean by rounding alone.
    return n, mean, np.where(spread <= 1e-12 * mean, 0.0, spread)


def gap_statistics(log: pd.DataFrame, *, finite_size: bool = True) -> pd.DataFrame:
    """Mean, median, spread, burstiness and memory of each user's gaps.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        With user_id and timestamp (UTC), in any order.
    finite_size : bool
        As for `burstiness`.

    Returns
    -------
    DataFrame, shape (n_users, 7)
        n_gaps; mean_hours, median_hours and spread_hours (divided by n); burstiness in [-1, 1];
        memory in [-1, 1], the correlation of each gap with the next; reason, "" or why a number
        is NaN. Index user_id, sorted.

    Raises
    ------
    SchemaError
        As `action_gaps`.

    Notes
    -----
    Memory: Goh and Barabási (2008), doi:10.1209/0295-5075/81/48002; equal to numpy.corrcoef
    of the gaps but the last with the gaps but the first. Introduced in chapter 04.

    Examples
    --------
    >>> log = pd.DataFrame({"user_id": "a", "timestamp": pd.to_datetime(
    ...     ["2024-05-01", "2024-05-02", "2024-05-03", "2024-05-04"], utc=True)})
    >>> gap_statistics(log)[["n_gaps", "mean_hours", "spread_hours", "burstiness"]]
             n_gaps  mean_hours  spread_hours  burstiness
    user_id
    a             3        24.0           0.0        -1.0
    """
    hours = action_gaps(log).to_numpy()
    codes, users = pd.factorize(log[schema.USER], sort=True)
    times = log[schema.TIME].dt.tz_convert(None).to_numpy(dtype="datetime64[us]")
    order = np.lexsort((times, codes))
    order = order[np.isfinite(hours[order])]
    gap, of_user, n_users = hours[order], codes[order], len(users)
    n, mean, spread = gap_moments(of_user, gap, n_users)
    memory = _memory(gap, of_user, n_users)
    cases = [
        (n == 0, "one action: no gap"),
        (n == 1, "one gap: no burstiness, no memory"),
        (mean == 0, "all actions at one instant: no burstiness, no memory"),
        (np.isnan(memory), "no memory: fewer than three gaps, or they do not vary"),
    ]
    table = {
        "n_gaps": n,
        "mean_hours": mean,
        "median_hours": group_medians(of_user, gap, n_users),
        "spread_hours": spread,
        "burstiness": burstiness(
            np.nan_to_num(spread), np.nan_to_num(mean), n, finite_size=finite_size
        ),
        "memory": memory,
        "reason": reasons(n_users, cases),
    }
    return pd.DataFrame(table, index=pd.Index(users, name=schema.USER))


def _memory(gap: np.ndarray, codes: np.ndarray, n_users: int) -> np.ndarray:
    """Correlation of each gap with the next of the same user; gaps in order of user and time."""
    pair = codes[1:] == codes[:-1]
    here, following, of_user = gap[:-1][pair], gap[1:][pair], codes[1:][pair]
    n = np.bincount(of_user, minlength=n_users)
    off = []
    for part in (here, following):
        mean = divide(group_sums(of_user, part, n_users), n)
        apart = part - mean[of_user]
        # Equal gaps differ from their mean by rounding alone.
        off.append(np.where(np.abs(apart) <= 1e-12 * mean[of_user], 0.0, apart))
    together = group_sums(of_user, off[0] * off[1], n_users)
    squares = [group_sums(of_user, part**2, n_users) for part in off]
    value = divide(together, np.sqrt(squares[0] * squares[1]))
    return np.where(n >= 2, np.clip(value, -1, 1), np.nan)
