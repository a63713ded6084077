"""The usual statistics of many series at once."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stim_lib.temporal._grouping import as_panel, divide, reasons
from stim_lib.temporal.trends import linear_trend

CONSTANT = 1e-12


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
    if not all(isinstance(lag, int) and 1 <= lag < len(values) for lag in lags):
        raise ValueError(f"lags: expected whole steps from 1 to {len(values) - 1}, found {lags}")
    known = np.isfinite(values)
    n = known.sum(axis=0)
    whole = bool(known.all())
    filled = values if whole else np.where(known, values, 0.0)
    mean = divide(filled.sum(axis=0), n)
    deviation = filled - mean if whole else np.where(known, filled - mean, 0.0)
    square = deviation**2
    variance = divide(square.sum(axis=0), n)
    level = np.abs(filled).max(axis=0)
    constant = (n > 0) & (variance <= (CONSTANT * level) ** 2)
    table = {"n": n, "n_missing": len(values) - n, "mean": mean}
    table |= _order_statistics(values, known, n)
    table["standard_deviation"] = np.where(constant, 0.0, np.sqrt(variance))
    table["root_mean_square"] = np.sqrt(divide((filled**2).sum(axis=0), n))
    table |= _shape(deviation, square, n, constant)
    table |= _changes(filled, known)
    table["share_above_mean"] = np.where(
        constant, 0.0, divide(((deviation > 0) & known).sum(axis=0), n)
    )
    for lag in lags:
        pairs = (known[lag:] & known[:-lag]).sum(axis=0)
        together = np.einsum("ij,ij->j", deviation[lag:], deviation[:-lag])
        value = divide(together, pairs * variance)
        table[f"autocorrelation_{lag}"] = np.where(constant, np.nan, value)
    table |= _trend(values, variance, n, constant)
    cases = [
        (n == 0, "no values"),
        (constant, "constant: no shape, no memory, no correlation"),
        (n < 4, "fewer than four values"),
    ]
    return pd.DataFrame(table | {"reason": reasons(len(n), cases)}, index=names)


def _order_statistics(values: np.ndarray, known: np.ndarray, n: np.ndarray) -> dict:
    # Series as rows of contiguous memory sort several times faster.
    ordered = np.sort(np.ascontiguousarray(values.T), axis=1)  # NaN last
    row = np.arange(len(ordered))
    last = np.maximum(n - 1, 0)
    middle = (ordered[row, last // 2] + ordered[row, np.minimum(n // 2, last)]) / 2
    return {"median": middle, "minimum": ordered[:, 0], "maximum": ordered[row, last]}


def _shape(deviation: np.ndarray, square: np.ndarray, n: np.ndarray, constant: np.ndarray) -> dict:
    """Skewness and kurtosis, corrected for bias as in pandas."""
    n = n.astype(float)
    second = square.sum(axis=0)
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


def _changes(filled: np.ndarray, known: np.ndarray) -> dict:
    both = known[1:] & known[:-1]
    change = np.where(both, np.diff(filled, axis=0), 0.0)
    n = both.sum(axis=0)
    return {
        "mean_change": divide(change.sum(axis=0), n),
        "mean_abs_change": divide(np.abs(change).sum(axis=0), n),
    }


def _trend(values: np.ndarray, variance: np.ndarray, n: np.ndarray, constant: np.ndarray) -> dict:
    line = linear_trend(values)
    known = np.isfinite(values)
    steps = np.arange(len(values), dtype=float)
    middle = divide(steps @ known, n)
    of_time = divide((((steps[:, None] - middle) ** 2) * known).sum(axis=0), n)
    correlation = line["slope"].to_numpy() * np.sqrt(divide(of_time, variance))
    return {
        "trend_slope": line["slope"].to_numpy(),
        "trend_intercept": line["intercept"].to_numpy(),
        "trend_correlation": np.where(constant, np.nan, np.clip(correlation, -1, 1)),
        "trend_error": line["slope_error"].to_numpy(),
    }
