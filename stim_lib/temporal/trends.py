"""Trends of many series at once: a line, a parabola, and a slope that outliers do not move."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stim_lib.temporal._grouping import as_panel, divide, reasons

CELLS_AT_ONCE = 8_000_000
CONSTANT = 1e-12
NEARLY_A_LINE = 1e-8


def _prepare(
    panel: object, times: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, pd.Index]:
    """Values, known, times and names of a panel, checked."""
    values, names = as_panel(panel)
    moments = np.arange(len(values), dtype=float) if times is None else np.asarray(times, float)
    if moments.shape != (len(values),) or not np.isfinite(moments).all():
        raise ValueError(
            f"times: expected a finite number for each of {len(values)} rows, found shape "
            f"{moments.shape}"
        )
    if (np.diff(moments) <= 0).any():
        raise ValueError("times: expected numbers that increase, found a step back or none")
    return values, np.isfinite(values), moments, names


def linear_trend(
    panel: pd.DataFrame | pd.Series | np.ndarray, times: np.ndarray | None = None
) -> pd.DataFrame:
    """Straight line through each series, by least squares.

    Parameters
    ----------
    panel : DataFrame, Series or array of float, shape (n_times,) or (n_times, n_series)
        Time down, series across; NaN where a value is missing.
    times : array of float, shape (n_times,), optional
        When the rows are, increasing, in any one unit; 0, 1, 2, … without it.

    Returns
    -------
    DataFrame, shape (n_series, 6)
        n and n_missing; slope per unit of time; intercept, at time 0; slope_error, the standard
        error of the slope; reason, "" or why a number is NaN. Index: the series.

    Raises
    ------
    ValueError
        If a value is infinite, there is nothing, or `times` do not increase.

    Notes
    -----
    Equal to numpy.polyfit of degree 1 and to scipy.stats.linregress. The standard error takes the
    deviations for independent: where they are not, as in most series of days, it is too small.
    Introduced in chapter 04.

    Examples
    --------
    >>> linear_trend(np.array([1.0, 3.0, np.nan, 7.0]))[["n", "slope", "intercept"]]
       n  slope  intercept
    0  3    2.0        1.0
    """
    values, known, moments, names = _prepare(panel, times)
    n = known.sum(axis=0)
    mean = divide(np.where(known, values, 0).sum(axis=0), n)
    deviation = np.where(known, values - mean, 0)
    slope, mean_time, error = line_through(deviation, known, moments)
    cases = [(n < 2, "fewer than two values"), (n == 2, "two values: no standard error")]
    return pd.DataFrame(
        {
            "n": n,
            "n_missing": len(values) - n,
            "slope": slope,
            "intercept": mean - slope * mean_time,
            "slope_error": error,
            "reason": reasons(len(n), cases),
        },
        index=names,
    )


def line_through(
    deviation: np.ndarray, known: np.ndarray, moments: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slope of each series, the mean of its times, and the standard error of the slope.

    Parameters
    ----------
    deviation : ndarray of float, shape (n_times, n_series)
        Values less the mean of their series; 0 where missing.
    known : ndarray of bool, shape (n_times, n_series)
    moments : ndarray of float, shape (n_times,)

    Returns
    -------
    slope, mean_time, error : ndarray of float64, shape (n_series,)
        NaN for fewer than two values, the error for fewer than three.

    Notes
    -----
    By sums of products, which matrix products give fast. The sum of squares that is left would be
    rounding error for a series that is a line; there it is summed again, deviation by deviation.
    Introduced in chapter 04.

    Examples
    --------
    >>> y = np.array([[-1.0], [0.0], [1.0]])
    >>> [float(number[0]) for number in line_through(y, y > -9, np.arange(3.0))]
    [1.0, 1.0, 0.0]
    """
    origin = moments.mean()
    centred = moments - origin
    if known.all():
        n = np.full(known.shape[1], len(moments))
        mean, spread = np.zeros(len(n)), np.full(len(n), centred @ centred)
        together = centred @ deviation
    else:
        # About each series' own mean time: the difference of two sums would lose its digits.
        weight, n = known.astype(float), known.sum(axis=0)
        mean = divide(centred @ weight, n)
        own = np.where(known, centred[:, None] - np.nan_to_num(mean), 0.0)
        spread = np.einsum("ij,ij->j", own, own)
        together = np.einsum("ij,ij->j", own, deviation)
    slope = np.where(n >= 2, divide(together, spread), np.nan)
    total = np.einsum("ij,ij->j", deviation, deviation)
    left = np.maximum(total - slope * together, 0)
    again = np.flatnonzero(left <= NEARLY_A_LINE * total)
    off = np.where(known[:, again], centred[:, None] - mean[again], 0)
    left[again] = ((deviation[:, again] - slope[again] * off) ** 2).sum(axis=0)
    error = np.sqrt(divide(left, (n - 2) * spread, where=n >= 3))
    return slope, origin + mean, error


def quadratic_trend(
    panel: pd.DataFrame | pd.Series | np.ndarray, times: np.ndarray | None = None
) -> pd.DataFrame:
    """Parabola through each series, by least squares.

    Parameters
    ----------
    panel, times
        As for `linear_trend`.

    Returns
    -------
    DataFrame, shape (n_series, 7)
        n and n_missing; curvature, linear and intercept, the factors of t², t and 1; turning_time,
        where the parabola turns, NaN for a straight line; reason, "" or why a number is NaN.

    Raises
    ------
    ValueError
        As `linear_trend`.

    Notes
    -----
    Equal to numpy.polyfit of degree 2. The powers of time are made orthogonal on the times that are
    there, so that neither long series nor years since 1970 lose digits. Introduced in chapter 04.

    Examples
    --------
    >>> quadratic_trend(np.array([4.0, 1.0, 0.0, 1.0]))[["curvature", "turning_time"]].round(6)
       curvature  turning_time
    0        1.0           2.0
    """
    values, known, moments, names = _prepare(panel, times)
    n = known.sum(axis=0)
    scale = max(float(np.ptp(moments)), 1e-300)
    mean_time = divide(moments @ known, n)
    u = np.where(known, (moments[:, None] - mean_time) / scale, 0)
    squares, cubes = (u**2).sum(axis=0), (u**3).sum(axis=0)
    lean, height = divide(cubes, squares), divide(squares, n)
    second = np.where(known, u**2 - lean * u - height, 0)
    mean = divide(np.where(known, values, 0).sum(axis=0), n)
    deviation = np.where(known, values - mean, 0)
    first = divide((u * deviation).sum(axis=0), squares)
    enough = n >= 3
    bend = np.where(enough, divide((second * deviation).sum(axis=0), (second**2).sum(axis=0)), 0)
    # y = mean + first·u + bend·(u² - lean·u - height), with u = (t - mean_time)/scale.
    curvature = bend / scale**2
    steep = (first - bend * lean) / scale
    linear = steep - 2 * curvature * mean_time
    intercept = mean - bend * height - steep * mean_time + curvature * mean_time**2
    size = np.sqrt((deviation**2).sum(axis=0))
    straight = np.abs(bend) * np.sqrt((second**2).sum(axis=0)) <= CONSTANT * np.maximum(
        size, CONSTANT * np.abs(mean)
    )
    turning = np.where(straight, np.nan, mean_time - divide(steep, 2 * curvature))
    cases = [(~enough, "fewer than three values"), (straight, "a straight line: no turning time")]
    numbers = {
        "curvature": curvature,
        "linear": linear,
        "intercept": intercept,
        "turning_time": turning,
    }
    table = {name: np.where(enough, column, np.nan) for name, column in numbers.items()}
    return pd.DataFrame(
        {"n": n, "n_missing": len(values) - n, **table, "reason": reasons(len(n), cases)},
        index=names,
    )


def robust_slope(
    panel: pd.DataFrame | pd.Series | np.ndarray, times: np.ndarray | None = None
) -> pd.DataFrame:
    """Median of the slopes between all pairs of values: outliers do not move it.

    Parameters
    ----------
    panel, times
        As for `linear_trend`.

    Returns
    -------
    DataFrame, shape (n_series, 5)
        n and n_missing; slope per unit of time; intercept, at time 0; reason, "" or why a number
        is NaN. Index: the series.

    Raises
    ------
    ValueError
        As `linear_trend`.

    Notes
    -----
    Slope: median of (y_j - y_i)/(t_j - t_i) over i < j; intercept: median(y) - slope · median(t).
    It stands up to 29 % of outliers. Source: Sen (1968), doi:10.1080/01621459.1968.10480934; equal
    to scipy.stats.theilslopes. Takes n²/2 numbers a series. Introduced in chapter 04.

    Examples
    --------
    >>> robust_slope(np.array([0.0, 1.0, 2.0, 3.0, 100.0]))[["slope", "intercept"]]
       slope  intercept
    0    1.0        0.0
    """
    values, known, moments, names = _prepare(panel, times)
    n = known.sum(axis=0)
    early, late = np.triu_indices(len(values), k=1)
    step = (moments[late] - moments[early])[:, None]
    slope = np.full(values.shape[1], np.nan)
    holes = np.where(known, values, np.nan)
    batch = max(1, CELLS_AT_ONCE // max(len(early), 1))
    for first in range(0, values.shape[1], batch) if len(early) else ():
        some = slice(first, first + batch)
        slope[some] = _medians_down((holes[late, some] - holes[early, some]) / step)
    middle = _medians_down(np.where(known, moments[:, None], np.nan))
    intercept = _medians_down(holes) - slope * middle
    return pd.DataFrame(
        {
            "n": n,
            "n_missing": len(values) - n,
            "slope": slope,
            "intercept": intercept,
            "reason": reasons(len(n), [(n < 2, "fewer than two values")]),
        },
        index=names,
    )


def _medians_down(table: np.ndarray) -> np.ndarray:
    """Median of each column's numbers; NaN for a column without any."""
    n = np.isfinite(table).sum(axis=0)
    if len(table) and (n == len(table)).all():
        return np.median(table, axis=0)
    ordered = np.sort(table, axis=0)  # NaN last
    at = np.maximum(n - 1, 0) // 2, np.minimum(n // 2, len(table) - 1)
    low, high = (np.take_along_axis(ordered, place[None], axis=0)[0] for place in at)
    return np.where(n > 0, (low + high) / 2, np.nan)
