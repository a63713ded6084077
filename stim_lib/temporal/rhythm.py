"""The rhythm of a user: how spread the week is, how long ago, how much lately."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from stim_lib import queries as asking
from stim_lib import schema
from stim_lib.temporal._grouping import divide, group_codes, group_sums, reasons
from stim_lib.temporal.clock import week_hours

HOURS_PER_WEEK = 168
HOUR = np.timedelta64(3_600_000_000, "us")
PAIRS_AT_ONCE = 4_000_000
CORRECTIONS = ("miller-madow", "none")


def week_entropy(
    local_time: pd.Series,
    by: pd.Series | np.ndarray | None = None,
    *,
    hours_per_bin: int = 1,
    correction: str = "miller-madow",
) -> pd.DataFrame:
    """How evenly actions are spread over the week, in bits.

    Parameters
    ----------
    local_time : Series of datetime64, shape (n_times,)
        Wall-clock times; NaT is counted and left out.
    by : Series or array, shape (n_times,), optional
        Group of each time, say the user. Without it all times are one group, "all".
    hours_per_bin : int
        Hours of a bin, a divisor of 168; the first starts on Monday 00:00.
    correction : {"miller-madow", "none"}
        Few actions fill few bins, so the plain entropy is too low; Miller and Madow add what it
        lacks on average, to first order. With fewer actions than bins that is not nearly enough:
        compare groups of like size, or use wider bins.

    Returns
    -------
    DataFrame, shape (n_groups, 6)
        n and n_missing; n_filled, bins with an action; entropy_bits, from 0 (always the same bin)
        to log2 of the number of bins; evenness, its share of that, in [0, 1]; reason, "" or why
        a number is NaN. Index: the groups, sorted.

    Raises
    ------
    SchemaError
        If the times carry a time zone.
    ValueError
        If the bins do not fill the week, the correction is unknown, there are no times, or `by`
        does not fit.

    Notes
    -----
    H = -Σ p log2 p over the bins, plus (K - 1)/(2 n ln 2) for K filled bins, at most log2 of the
    number of bins. Source: Miller (1955), Note on the bias of information estimates. Introduced in
    chapter 04.

    Examples
    --------
    >>> two = pd.Series(pd.to_datetime(["2024-05-01 08:10", "2024-05-02 20:00"]))
    >>> week_entropy(two, correction="none")["entropy_bits"].tolist()
    [1.0]
    """
    if not isinstance(hours_per_bin, int) or hours_per_bin < 1 or HOURS_PER_WEEK % hours_per_bin:
        raise ValueError(f"hours_per_bin: expected a divisor of 168, found {hours_per_bin}")
    if correction not in CORRECTIONS:
        raise ValueError(f"correction: expected one of {CORRECTIONS}, found {correction!r}")
    hours = week_hours(local_time)
    if not len(hours):
        raise ValueError("local_time: expected at least one time, found none")
    codes, names = group_codes(by, local_time.index)
    known = np.isfinite(hours)
    n_groups, n_bins = len(names), HOURS_PER_WEEK // hours_per_bin
    bins = (hours[known] // hours_per_bin).astype(np.int64)
    entropy, filled, n = binned_entropy(codes[known], bins, n_groups, n_bins, correction=correction)
    return pd.DataFrame(
        {
            "n": n,
            "n_missing": np.bincount(codes[~known], minlength=n_groups),
            "n_filled": filled,
            "entropy_bits": entropy,
            "evenness": divide(entropy, np.log2(n_bins)),
            "reason": reasons(n_groups, [(n == 0, "no times")]),
        },
        index=names,
    )


def binned_entropy(
    codes: np.ndarray, bins: np.ndarray, n_groups: int, n_bins: int, *, correction: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Entropy in bits of each group's counts over bins.

    Parameters
    ----------
    codes, bins : ndarray of int, shape (n_rows,)
        Group and bin of each action, from 0.
    n_groups, n_bins : int
    correction : {"miller-madow", "none"}

    Returns
    -------
    entropy : ndarray of float64, shape (n_groups,)
        Bits; NaN for a group without actions.
    filled, n : ndarray of int, shape (n_groups,)
        Bins with an action, and actions.

    Notes
    -----
    As `week_entropy`. Introduced in chapter 04.

    Examples
    --------
    >>> binned_entropy(np.array([0, 0]), np.array([3, 5]), 1, 7, correction="none")[0]
    array([1.])
    """
    cells, count = np.unique(codes * n_bins + bins, return_counts=True)
    group = cells // n_bins
    n = np.bincount(codes, minlength=n_groups)
    share = count / n[group]
    entropy = -group_sums(group, share * np.log2(share), n_groups) + 0.0
    filled = np.bincount(group, minlength=n_groups)
    if correction == "miller-madow":
        entropy = entropy + divide(np.maximum(filled - 1, 0), 2 * n * np.log(2))
    return np.where(n > 0, np.minimum(entropy, np.log2(n_bins)), np.nan), filled, n


def look_back_in_batches(
    queries: pd.DataFrame, history: pd.DataFrame, *, pairs: int = PAIRS_AT_ONCE
) -> Iterator[tuple[np.ndarray, np.ndarray, asking.Past]]:
    """Look back for a few users at a time, so that memory stays bounded.

    Parameters
    ----------
    queries, history : DataFrame
        As for `queries.look_back`.
    pairs : int
        Pairs of a query and an action of its user, at most, unless one user alone has more.

    Yields
    ------
    positions : ndarray of int, shape (n_some,)
        Positions of the batch in `queries`.
    rows : ndarray of int, shape (n_rows,)
        Positions in `history` of these users' actions.
    past : Past
        Positions within `positions` and `rows`.

    Raises
    ------
    SchemaError
        As `queries.look_back`.

    Notes
    -----
    Introduced in chapter 04.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> asked, _ = asking.make_queries(log)
    >>> [past.row.tolist() for _, _, past in look_back_in_batches(asked, log)]
    [[0, 0, 1, 0, 1, 2]]
    """
    of_query, users = pd.factorize(queries[schema.USER])
    of_row = pd.Index(users).get_indexer(history[schema.USER])
    mine = np.bincount(of_row[of_row >= 0], minlength=len(users))
    batch_of_user = (np.bincount(of_query[of_query >= 0], minlength=len(users)) * mine).cumsum()
    batch_of_user //= max(pairs, 1)
    batch_of_row = np.where(of_row >= 0, batch_of_user[of_row] if len(users) else -1, -1)
    batch_of_query = batch_of_user[of_query] if len(users) else np.zeros(0, dtype=int)
    for batch in np.unique(batch_of_query):
        positions, rows = (
            np.flatnonzero(batch_of_query == batch),
            np.flatnonzero(batch_of_row == batch),
        )
        yield positions, rows, asking.look_back(queries.iloc[positions], history.iloc[rows])


def recency_hours(queries: pd.DataFrame, history: pd.DataFrame) -> pd.Series:
    """Hours since the user's last action strictly before each query.

    Parameters
    ----------
    queries : DataFrame, shape (n_queries, n_columns)
        With user_id and timestamp; the time of the query is used.
    history : DataFrame, shape (n_actions, n_columns)
        Any log; it may run past the queries.

    Returns
    -------
    Series of float64, shape (n_queries,)
        Hours above 0; NaN where there is no earlier action. Index of `queries`.

    Raises
    ------
    SchemaError
        As `queries.look_back`.

    Notes
    -----
    Introduced in chapter 04.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> asked, _ = asking.make_queries(log)
    >>> recency_hours(asked, log).tolist()
    [nan, 25.0, 25.0, 25.0]
    """
    hours = np.full(len(queries), np.nan)
    for positions, rows, past in look_back_in_batches(queries, history):
        seen = past.last >= 0
        since = times_of(queries)[positions[seen]] - times_of(history)[rows[past.last[seen]]]
        hours[positions[seen]] = since / HOUR
    return pd.Series(hours, index=queries.index, name="recency_hours")


def decayed_counts(
    queries: pd.DataFrame, history: pd.DataFrame, half_life_hours: float
) -> pd.Series:
    """Number of actions strictly before each query, each worth half after a half-life.

    Parameters
    ----------
    queries : DataFrame, shape (n_queries, n_columns)
        With user_id and timestamp; the time of the query is used.
    history : DataFrame, shape (n_actions, n_columns)
        Any log; it may run past the queries.
    half_life_hours : float
        Above 0; infinity counts plainly.

    Returns
    -------
    Series of float64, shape (n_queries,)
        0 or more. Index of `queries`.

    Raises
    ------
    SchemaError
        As `queries.look_back`.
    ValueError
        If the half-life is not positive.

    Notes
    -----
    Σ 2^{-(t - t_i)/h} over the user's actions at t_i < t. Introduced in chapter 04.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> asked, _ = asking.make_queries(log)
    >>> decayed_counts(asked, log, half_life_hours=25).tolist()
    [0.0, 0.5, 0.75, 0.875]
    """
    if not half_life_hours > 0:
        raise ValueError(f"half_life_hours: expected hours above 0, found {half_life_hours}")
    counts = np.zeros(len(queries))
    for positions, rows, past in look_back_in_batches(queries, history):
        since = times_of(queries)[positions[past.query]] - times_of(history)[rows[past.row]]
        worth = np.exp2(-(since / HOUR) / half_life_hours)
        counts[positions] = group_sums(past.query, worth, len(positions))
    return pd.Series(counts, index=queries.index, name=f"decayed_count_{half_life_hours:g}h")


def times_of(table: pd.DataFrame) -> np.ndarray:
    """Instants of a log or of queries as plain microseconds of UTC.

    Parameters
    ----------
    table : DataFrame, shape (n_rows, n_columns)
        With timestamp (UTC).

    Returns
    -------
    ndarray of datetime64[us], shape (n_rows,)

    Notes
    -----
    Introduced in chapter 04.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> str(times_of(load_seed_example())[0])
    '2023-01-01T02:00:00.000000'
    """
    return table[schema.TIME].dt.tz_convert(None).to_numpy(dtype="datetime64[us]")
