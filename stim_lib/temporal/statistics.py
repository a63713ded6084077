"""The usual statistics of many series at once."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stim_lib.temporal._grouping import as_panel, divide, reasons
from stim_lib.temporal.trends import line_through

CONSTANT = 1e-12
CELLS_AT_ONCE = 262144


def series_statistics(
    panel: pd.DataFrame | pd.Series | np.ndarray, *, lags: tuple[int, ...] = (1,)
) -> pd.DataFrame:
    """Level, spread, shape, change, memory and trend of each series.

    Parameters
    ----------
    panel : DataFrame, Series or array of float, shape (n_times,) or (n_times, n_series)
        Evenly spaced in time, time down, series across. NaN where a value is missing: it is left
        out, and so is a change or a pair with it.
    lags : tuple of int
        Lags of the autocorrelations, in time steps, 1 or more and below n_times.

    Returns
    -------
    DataFrame, shape (n_series, 18 + n_lags)
        n, n_missing; mean, median, minimum, maximum, standard_deviation (divided by n),
        root_mean_square; skewness and kurtosis (bias-corrected, 0 for a normal distribution);
        mean_change, mean_abs_change; share_above_mean; autocorrelation_1, …; trend_slope,
        trend_intercept, trend_correlation, trend_error (over time steps 0, 1, …); reason, "" or
        why a number is NaN. Index: the series.

    Raises
    ------
    ValueError
        If a value is infinite, there is nothing, or a lag does not fit.

    Notes
    -----
    Autocorrelation at lag l: Σ (x_t - m)(x_{t+l} - m) / (k s²) over the k pairs, with m the mean
    and s² the variance of the whole series. For complete series all columns equal those of tsfresh
    (`benchmarks/temporal_features.py` compares them). Introduced in chapter 04.

    Examples
    --------
    >>> rows = series_statistics(pd.DataFrame({"a": [1.0, 2.0, 3.0, 6.0]}))
    >>> rows[["mean", "median", "mean_change", "trend_slope"]]
       mean  median  mean_change  trend_slope
    a   3.0     2.5     1.666667          1.6
    """
    values, names = as_panel(panel)
    if not all(isinstance(lag, (int, np.integer)) and 1 <= lag < len(values) for lag in lags):
        raise ValueError(f"lags: expected whole steps from 1 to {len(values) - 1}, found {lags}")
    batch = max(1, CELLS_AT_ONCE // len(values))
    parts = [
        _statistics(np.asfortranarray(values[:, first : first + batch]), lags)
        for first in range(0, values.shape[1], batch)
    ]
    table = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return pd.DataFrame(table, index=names)


def _statistics(values: np.ndarray, lags: tuple[int, ...]) -> dict[str, np.ndarray]:
    """All columns for some series, few enough to stay in the processor's cache."""
    known = np.isfinite(values)
    whole, one = bool(known.all()), np.ones(len(values))
    n = np.full(values.shape[1], len(values)) if whole else np.count_nonzero(known, axis=0)
    filled = values if whole else np.where(known, values, 0.0)
    mean = divide(one @ filled, n)  # a product with ones is the fastest sum
    deviation = filled - mean
    if not whole:
        deviation[~known] = 0.0
    square = deviation**2
    variance = divide(one @ square, n)
    order = _order_statistics(values, n)
    level = np.maximum(np.abs(order["minimum"]), np.abs(order["maximum"]))
    constant = (n > 0) & (variance <= (CONSTANT * level) ** 2)
    table = {"n": n, "n_missing": len(values) - n, "mean": mean}
    table |= order
    table["standard_deviation"] = np.where(constant, 0.0, np.sqrt(variance))
    table["root_mean_square"] = np.sqrt(divide(np.einsum("ij,ij->j", filled, filled), n))
    table |= _shape(deviation, square, n, constant)
    table |= _changes(filled, known, whole)
    above = (deviation > 0).sum(axis=0, dtype=np.int32)
    table["share_above_mean"] = np.where(constant, 0.0, divide(above, n))
    for lag in lags:
        pairs = n - lag if whole else (known[lag:] & known[:-lag]).sum(axis=0)
        together = np.einsum("ij,ij->j", deviation[lag:], deviation[:-lag])
        value = divide(together, pairs * variance)
        table[f"autocorrelation_{lag}"] = np.where(constant, np.nan, value)
    table |= _trend(deviation, known, n, mean, constant)
    cases = [
        (n == 0, "no values"),
        (constant, "constant: no shape, no memory, no correlation"),
        (n < 4, "fewer than four values"),
    ]
    return table | {"reason": reasons(len(n), cases)}


def _order_statistics(values: np.ndarray, n: np.ndarray) -> dict:
    ordered = np.sort(np.ascontiguousarray(values.T), axis=1)  # NaN last
    row = np.arange(len(ordered))
    last = np.maximum(n - 1, 0)
    middle = (ordered[row, last // 2] + ordered[row, np.minimum(n // 2, last)]) / 2
    return {"median": middle, "minimum": ordered[:, 0], "maximum": ordered[row, last]}


def _shape(deviation: np.ndarray, square: np.ndarray, n: np.ndarray, constant: np.ndarray) -> dict:
    """Skewness and kurtosis, corrected for bias as in pandas."""
    n = n.astype(float)
    second = np.ones(len(square)) @ square
    third = np.einsum("ij,ij->j", square, deviation)
    fourth = np.einsum("ij,ij->j", square, square)
    ok = ~constant
    skewness = divide(n * np.sqrt(np.maximum(n - 1, 0)) * third, (n - 2) * second**1.5)
    above = divide(n * (n + 1) * (n - 1) * fourth, (n - 2) * (n - 3) * second**2)
    kurtosis = above - divide(3 * (n - 1) ** 2, (n - 2) * (n - 3))
    return {
        "skewness": np.where(ok & (n >= 3), skewness, np.nan),
        "kurtosis": np.where(ok & (n >= 4), kurtosis, np.nan),
    }


def _changes(filled: np.ndarray, known: np.ndarray, whole: bool) -> dict:
    change = np.diff(filled, axis=0)
    n = np.full(filled.shape[1], len(change))
    if not whole:
        both = known[1:] & known[:-1]
        change, n = np.where(both, change, 0.0), both.sum(axis=0)
    one = np.ones(len(change))
    total = one @ change
    return {
        "mean_change": divide(total, n),
        "mean_abs_change": divide(one @ np.abs(change, out=change), n),
    }


def _trend(
    deviation: np.ndarray, known: np.ndarray, n: np.ndarray, mean: np.ndarray, constant: np.ndarray
) -> dict:
    steps = np.arange(len(deviation), dtype=float)
    slope, middle, error = line_through(deviation, known, steps)
    square = np.einsum("ij,ij->j", deviation, deviation)
    # s_b² = (1 - r²)/r² · b²/(n - 2): the correlation follows from slope and error.
    explained = divide(slope**2, slope**2 + np.nan_to_num(error) ** 2 * np.maximum(n - 2, 0))
    correlation = np.where(square > 0, np.sign(slope) * np.sqrt(np.nan_to_num(explained)), np.nan)
    return {
        "trend_slope": slope,
        "trend_intercept": mean - slope * middle,
        "trend_correlation": np.where(constant | (n < 2), np.nan, correlation),
        "trend_error": error,
    }
