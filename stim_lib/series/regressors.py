"""What the mean of a series follows: weekdays, waves, a trend; and differencing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stim_lib.series.fit import Panel, SeriesLike

DEFAULT = ("mean",)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def read_regressors(
    regressors: pd.DataFrame | None, panel: Panel
) -> tuple[tuple[str, ...], np.ndarray]:
    """Check regressors against the series; a constant if there are none.

    Parameters
    ----------
    regressors : DataFrame of float, shape (n_times, n_regressors), or None
    panel : Panel
        Of n_times.

    Returns
    -------
    names : tuple of str, length n_regressors
    design : ndarray of float64, shape (n_times, n_regressors)

    Raises
    ------
    ValueError
        If times differ, a value is missing or infinite, columns are linearly dependent, or the
        only one is called "mean" and is no constant.

    Notes
    -----
    Introduced in chapter 03.

    Examples
    --------
    >>> from stim_lib.series.fit import read_panel
    >>> read_regressors(None, read_panel(np.arange(3.0)))
    (('mean',), array([[1.],
           [1.],
           [1.]]))
    """
    n_times = panel.numbers.shape[1]
    if regressors is None:
        return DEFAULT, np.ones((n_times, 1))
    table = pd.DataFrame(regressors)
    if len(table) != n_times:
        raise ValueError(f"regressors: expected {n_times} times, found {len(table)}")
    by_name = panel.named and isinstance(regressors, (pd.DataFrame, pd.Series))
    if by_name and not table.index.equals(panel.index):
        raise ValueError(
            f"regressors: expected the times of the series, from {panel.index[0]} to "
            f"{panel.index[-1]}, found {table.index[0]} to {table.index[-1]}"
        )
    design = table.to_numpy(dtype="float64")
    if not np.isfinite(design).all():
        row, column = np.argwhere(~np.isfinite(design))[0]
        where = f"time {table.index[row]}, column {table.columns[column]!r}"
        raise ValueError(
            f"regressors: expected finite numbers, found {design[row, column]} at {where}"
        )
    rank = np.linalg.matrix_rank(design / np.maximum(np.abs(design).max(axis=0), 1e-300))
    if rank < design.shape[1]:
        raise ValueError(
            f"regressors: expected independent columns, found {design.shape[1]} columns of rank "
            f"{rank}; weekday_dummies and harmonics hold the constant already"
        )
    names = tuple(map(str, table.columns))
    if names == DEFAULT and not (design == 1).all():
        raise ValueError(
            "regressors: expected another name than 'mean', which stands for the constant"
        )
    return names, design


def weekday_dummies(index: pd.DatetimeIndex) -> pd.DataFrame:
    """One column a weekday, 1 on that day: a series' own mean for each.

    Parameters
    ----------
    index : DatetimeIndex, shape (n_times,)
        Local days.

    Returns
    -------
    DataFrame of float64, shape (n_times, 7)
        Mon … Sun; rows sum to 1, so no constant may stand beside them.

    Raises
    ------
    ValueError
        If the index holds no times.

    Notes
    -----
    Introduced in chapter 03.

    Examples
    --------
    >>> weekday_dummies(pd.date_range("2024-01-01", periods=2)).iloc[0].tolist()
    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    if not isinstance(index, pd.DatetimeIndex):
        raise ValueError(f"index: expected times, found {type(index).__name__}")
    return pd.DataFrame(np.eye(7)[index.day_of_week], index=index, columns=WEEKDAYS)


def harmonics(index: pd.Index, period: float, n_pairs: int = 1, *, origin: int = 0) -> pd.DataFrame:
    """A constant and pairs of sine and cosine: a smooth season.

    Parameters
    ----------
    index : Index, shape (n_times,)
        Of the series; equal steps.
    period : float
        Length of the season, in steps.
    n_pairs : int
        Waves of period, period / 2, … ; at most half the period.
    origin : int
        Steps from the first time of the season to the first of the index: a forecast that begins
        after n steps needs origin = n.

    Returns
    -------
    DataFrame of float64, shape (n_times, 1 + 2 · n_pairs)
        mean, sin1, cos1, …; the sine of period 2 is nought and is left out.

    Raises
    ------
    ValueError
        If the period is below 2, or there are more pairs than it holds.

    Notes
    -----
    Source: Hyndman and Athanasopoulos (2021), Forecasting: Principles and Practice, 3rd ed.,
    section 7.4. Introduced in chapter 03.

    Examples
    --------
    >>> harmonics(pd.RangeIndex(4), 4).round(9)["sin1"].tolist()
    [0.0, 1.0, 0.0, -1.0]
    """
    if not period >= 2 or not 1 <= n_pairs <= period / 2:
        raise ValueError(
            f"expected a period of at least 2 and 1 to period / 2 pairs, found period {period} and "
            f"{n_pairs} pairs"
        )
    step = np.arange(len(index)) + origin
    columns = {"mean": np.ones(len(index))}
    for pair in range(1, n_pairs + 1):
        angle = 2 * np.pi * pair * step / period
        if 2 * pair != period:
            columns[f"sin{pair}"] = np.sin(angle)
        columns[f"cos{pair}"] = np.cos(angle)
    return pd.DataFrame(columns, index=index)


def difference(series: SeriesLike, lag: int = 1) -> SeriesLike:
    """Change from `lag` steps before.

    Parameters
    ----------
    series : array or DataFrame of float, shape (n_times,) or (n_times, n_series)
    lag : int
        1 takes away a trend, 7 a weekly season of daily values.

    Returns
    -------
    same kind, shape (n_times − lag, …)

    Raises
    ------
    ValueError
        If the lag is not between 1 and n_times − 1.

    Notes
    -----
    `undo_difference` goes back. Introduced in chapter 03.

    Examples
    --------
    >>> difference(np.array([1.0, 4.0, 9.0]))
    array([3., 5.])
    """
    if not 1 <= lag < len(series):
        raise ValueError(f"lag: expected 1 to {len(series) - 1}, found {lag}")
    if isinstance(series, (pd.Series, pd.DataFrame)):
        return series.diff(lag).iloc[lag:]
    values = np.asarray(series, dtype=float)
    return values[lag:] - values[:-lag]


def undo_difference(changes: SeriesLike, before: SeriesLike) -> np.ndarray:
    """Sum changes up again, from the values before them.

    Parameters
    ----------
    changes : array or DataFrame of float, shape (n_steps,) or (n_steps, n_series)
        As from `difference`, or forecasts of it.
    before : array or DataFrame of float, shape (lag,) or (lag, n_series)
        The last `lag` values before the first change; its length is the lag.

    Returns
    -------
    ndarray of float64, shape of `changes`

    Raises
    ------
    ValueError
        If `before` is empty or has another number of series.

    Notes
    -----
    Introduced in chapter 03.

    Examples
    --------
    >>> undo_difference(np.array([3.0, 5.0]), np.array([1.0]))
    array([4., 9.])
    """
    changes, before = np.asarray(changes, dtype=float), np.asarray(before, dtype=float)
    if not len(before) or changes.shape[1:] != before.shape[1:]:
        raise ValueError(
            f"before: expected at least one row of shape {changes.shape[1:]}, found {before.shape}"
        )
    lag, values = len(before), [*before]
    for step, change in enumerate(changes):
        values.append(values[step] + change)
    return np.array(values[lag:]).reshape(changes.shape)
