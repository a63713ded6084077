"""Statistics of groups and of panels without a loop over them. Introduced in chapter 04."""

from __future__ import annotations

import numpy as np
import pandas as pd

ALL = "all"
LARGEST = 1e75
"""Fourth powers are summed: beyond this, or below its inverse, they are no numbers any more."""


def group_codes(by: object, index: pd.Index) -> tuple[np.ndarray, pd.Index]:
    """Number the groups, in sorted order; with `by` None all rows are one group.

    Parameters
    ----------
    by : Series or array, shape (n_rows,), or None
    index : Index, shape (n_rows,)
        That of the times.

    Returns
    -------
    codes : ndarray of int64, shape (n_rows,)
    names : Index, shape (n_groups,)

    Raises
    ------
    ValueError
        If lengths or indexes differ, or a group is missing.

    Examples
    --------
    >>> group_codes(["b", "a", "b"], pd.RangeIndex(3))[0]
    array([1, 0, 1])
    """
    if by is None:
        return np.zeros(len(index), dtype=np.int64), pd.Index([ALL])
    if isinstance(by, pd.Series) and not by.index.equals(index):
        raise ValueError("by: expected the index of the times, found another")
    if len(by) != len(index):
        raise ValueError(f"by: expected one group per time, found {len(by)} for {len(index)}")
    codes, names = pd.factorize(pd.Series(by).reset_index(drop=True), sort=True)
    if (codes < 0).any():
        missing = int((codes < 0).sum())
        raise ValueError(f"by: expected a group for each time, found {missing} missing")
    name = by.name if isinstance(by, pd.Series) else None
    return codes.astype(np.int64), pd.Index(names, name=name)


def group_sums(codes: np.ndarray, values: np.ndarray, n_groups: int) -> np.ndarray:
    """Sum of the values of each group.

    Parameters
    ----------
    codes : ndarray of int, shape (n_rows,)
    values : ndarray of float, shape (n_rows,)
    n_groups : int

    Returns
    -------
    ndarray of float64, shape (n_groups,)

    Examples
    --------
    >>> group_sums(np.array([1, 0, 1]), np.array([1.0, 2.0, 3.0]), 2)
    array([2., 4.])
    """
    return np.bincount(codes, weights=values, minlength=n_groups)


def group_medians(codes: np.ndarray, values: np.ndarray, n_groups: int) -> np.ndarray:
    """Median of each group.

    Parameters
    ----------
    codes : ndarray of int, shape (n_rows,)
    values : ndarray of float, shape (n_rows,)
    n_groups : int

    Returns
    -------
    ndarray of float64, shape (n_groups,)
        NaN for an empty group.

    Examples
    --------
    >>> group_medians(np.array([1, 0, 1]), np.array([1.0, 2.0, 3.0]), 2)
    array([2., 2.])
    """
    order = np.argsort(values)
    # Two sorts are quicker than lexsort, if the second is of short numbers.
    group = codes[order].astype(np.uint16 if n_groups <= 2**16 else np.int64)
    ordered = values[order[np.argsort(group, kind="stable")]]
    size = np.bincount(codes, minlength=n_groups)
    start = size.cumsum() - size
    filled = size > 0
    medians = np.full(n_groups, np.nan)
    low = ordered[(start + (size - 1) // 2)[filled]]
    medians[filled] = (low + ordered[(start + size // 2)[filled]]) / 2
    return medians


def divide(above: np.ndarray, below: np.ndarray, where: np.ndarray | bool = True) -> np.ndarray:
    """Quotient that knows no warning.

    Parameters
    ----------
    above, below : array of float
    where : array of bool

    Returns
    -------
    ndarray of float64
        NaN where the divisor is 0, and where `where` is False.

    Examples
    --------
    >>> divide([1.0, 1.0], [2.0, 0.0])
    array([0.5, nan])
    """
    above, below = np.broadcast_arrays(
        np.asarray(above, dtype=float), np.asarray(below, dtype=float)
    )
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=(below != 0) & where)


def as_panel(panel: object) -> tuple[np.ndarray, pd.Index]:
    """Numbers of a panel, and the names of its series.

    Parameters
    ----------
    panel : DataFrame, Series or array of float, shape (n_times,) or (n_times, n_series)
        Time down, series across; NaN where a value is missing.

    Returns
    -------
    values : ndarray of float64, shape (n_times, n_series)
    names : Index, shape (n_series,)

    Raises
    ------
    ValueError
        If there is nothing, or a value is infinite.

    Examples
    --------
    >>> as_panel([1.0, 2.0])[0].shape
    (2, 1)
    """
    if isinstance(panel, pd.Series):
        panel = panel.to_frame(name=panel.name if panel.name is not None else 0)
    names = panel.columns if isinstance(panel, pd.DataFrame) else None
    values = np.asarray(panel, dtype=float)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or not values.size:
        raise ValueError(
            f"panel: expected numbers with time down and series across, found shape {values.shape}"
        )
    # One sum finds out whether there is anything to look for: it is finite if all values are.
    if not np.isfinite(values.sum()) and np.isinf(values).any():
        row, column = np.argwhere(np.isinf(values))[0]
        raise ValueError(
            f"panel: expected finite numbers (NaN where missing), found {values[row, column]} in "
            f"row {row}, series {column}"
        )
    largest = np.nanmax(np.abs(values), initial=0.0)
    if largest > LARGEST or 0 < largest < 1 / LARGEST:
        raise ValueError(
            f"panel: expected numbers whose squares are numbers, up to {LARGEST:g}, found "
            f"{largest:g}; use another unit"
        )
    return values, names if names is not None else pd.RangeIndex(values.shape[1])


def reasons(n_rows: int, cases: list[tuple[np.ndarray, str]]) -> np.ndarray:
    """Why a row lacks a number.

    Parameters
    ----------
    n_rows : int
    cases : list of (ndarray of bool, shape (n_rows,); str)

    Returns
    -------
    ndarray of str, shape (n_rows,)
        The first case that holds; "" where none does.

    Examples
    --------
    >>> reasons(2, [(np.array([True, False]), "no times")])
    array(['no times', ''], dtype=object)
    """
    text = np.full(n_rows, "", dtype=object)
    for holds, reason in reversed(cases):
        text[holds] = reason
    return text
