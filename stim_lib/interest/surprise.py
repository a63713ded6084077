"""What each answer cost: the surprise, in nats, at the kind that came.

Introduced in chapter 11.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

ROUNDING = 1e-6


def columns_of(shares: pd.DataFrame, truth: pd.Series) -> np.ndarray:
    """Column of what happened, in a table of shares that is one.

    Parameters
    ----------
    shares : DataFrame of float, shape (n_queries, n_kinds)
        Rows sum to 1.
    truth : Series of str, shape (n_queries,)
        Same index.

    Returns
    -------
    ndarray of int, shape (n_queries,)

    Raises
    ------
    ValueError
        If there are no rows, indexes differ, a row is no probability, or the truth is no column.

    Notes
    -----
    Introduced in chapter 11.

    Examples
    --------
    >>> columns_of(pd.DataFrame({"a": [0.9], "b": [0.1]}), pd.Series(["b"]))
    array([1])
    """
    if not len(shares) or not shares.index.equals(truth.index):
        raise ValueError(
            f"truth: expected the index of shares, found {len(truth)} answers to {len(shares)} "
            "queries, or others"
        )
    numbers = shares.to_numpy(dtype=float)
    good = (numbers >= 0).all(axis=1) & (np.abs(numbers.sum(axis=1) - 1) <= ROUNDING)
    if not good.all():
        row = int(np.argmin(good))
        raise ValueError(
            f"shares: expected probabilities of sum 1, found {numbers[row]} for query "
            f"{shares.index[row]}"
        )
    columns = shares.columns.get_indexer(truth)
    if (columns < 0).any():
        row = int(np.argmax(columns < 0))
        raise ValueError(
            f"truth: expected one of {len(shares.columns)} kinds, found {truth.iloc[row]!r} for "
            f"query {truth.index[row]}"
        )
    return columns


def surprise(shares: pd.DataFrame, truth: pd.Series) -> pd.Series:
    """Surprise at what happened, query by query.

    Parameters
    ----------
    shares : DataFrame of float, shape (n_queries, n_kinds)
        Probability of each kind; rows sum to 1.
    truth : Series of str, shape (n_queries,)
        The kind that came; same index.

    Returns
    -------
    Series of float64, shape (n_queries,)
        -ln of the share of the truth, in nats; inf where it was called impossible.

    Raises
    ------
    ValueError
        If indexes differ, a row is no probability, or the truth is not among the columns.

    Notes
    -----
    Its mean is the log-loss. Source: Good (1952), J. R. Stat. Soc. B 14:107. Introduced in
    chapter 11.

    Examples
    --------
    >>> surprise(pd.DataFrame({"a": [0.5, 0.25], "b": [0.5, 0.75]}), pd.Series(["a", "a"])).round(
    ...     3).tolist()
    [0.693, 1.386]
    """
    columns = columns_of(shares, truth)
    given = shares.to_numpy(dtype=float)[np.arange(len(shares)), columns]
    with np.errstate(divide="ignore"):
        return pd.Series(-np.log(given) + 0.0, shares.index, name="nats")
