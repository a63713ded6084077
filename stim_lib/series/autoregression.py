"""AR(p) by least squares, by Yule and Walker's equations, and by Burg's recursion, for many series.

Each is a few lines of arithmetic on sums over time; the sums of all series are taken at once. A
missing value takes the equations with it in which it would stand, and no others.
"""

from __future__ import annotations

import numpy as np

from stim_lib.series.fit import (
    NEAREST_ROOT,
    OK,
    TOO_SHORT,
    UNIT_ROOT,
    ArmaFit,
    Panel,
    SeriesLike,
    check_series,
    read_panel,
    require_estimate,
)
from stim_lib.series.stationary import has_root_beyond, levinson

METHODS = ("ols", "yule_walker", "burg")
BLOCK = 512
"""Series that are worked on at a time: their sums then stay in the processor's cache."""


def fit_ar(series: SeriesLike, order: int, *, method: str = "ols") -> ArmaFit:
    """Estimate an autoregression of each series.

    Parameters
    ----------
    series : array or DataFrame of float, shape (n_times,) or (n_times, n_series)
        Time down; NaN where nothing was observed.
    order : int
        p, at least 1.
    method : str
        "ols" (least squares of y_t on a constant and y_{t−1} … y_{t−p}), "yule_walker" (from the
        autocorrelations; always stationary when nothing is missing), or "burg" (least squares of
        the forward and backward errors; stationary too, and better on short series).

    Returns
    -------
    ArmaFit
        One row a series. Standard errors from least squares only.

    Raises
    ------
    ValueError
        If the order or the method is impossible; if a single series is constant, all missing or
        too short. In a table such a series gets a row of NaN and its status.

    Notes
    -----
    ols: φ = (Z'Z)⁻¹ Z'y over all t at which y_t and its p lags were observed; σ² = RSS / (n − p −
    1). yule_walker: Γ φ = γ with γ_k the mean of the products at lag k times (T − k) / T. burg:
    reflection κ = 2 Σ f b / Σ (f² + b²), step by step. At work use statsmodels' AutoReg,
    yule_walker and burg for one series; this for thousands. Source: Brockwell and Davis (1991),
    Time Series: Theory and Methods, 2nd ed., sections 8.1 and 8.2; Burg (1975). Introduced in
    chapter 03.

    Examples
    --------
    >>> y = np.array([1.0, 3, 2, 4, 3, 5])
    >>> [round(float(fit_ar(y, 1, method=m).ar[0, 0]), 3) for m in METHODS]
    [-0.038, -0.1, -0.167]
    """
    if not isinstance(order, (int, np.integer)) or isinstance(order, bool) or order < 1:
        raise ValueError(f"order: expected a whole number of at least 1, found {order!r}")
    if method not in METHODS:
        raise ValueError(f"method: expected one of {METHODS}, found {method!r}")
    panel = read_panel(series)
    n_needed = 2 * order + 2
    status = check_series(panel.numbers, n_needed)
    require_estimate(status, single=panel.single, n_needed=n_needed)
    estimate = {"ols": _least_squares, "yule_walker": _yule_walker, "burg": _burg}[method]
    found = _in_blocks(estimate, panel.numbers, order, status == OK)
    fit = _as_fit(method, panel, status, **found)
    require_estimate(fit.status, single=panel.single, n_needed=n_needed)
    return fit


def _in_blocks(estimate, values: np.ndarray, order: int, good: np.ndarray) -> dict:
    """Estimates of the good series, NaN for the rest."""
    n_series = len(values)
    found = {
        "ar": np.full((n_series, order), np.nan),
        "ar_error": np.full((n_series, order), np.nan),
        "mean": np.full(n_series, np.nan),
        "sigma2": np.full(n_series, np.nan),
        "n_used": np.zeros(n_series, dtype=int),
    }
    rows = np.flatnonzero(good)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        everything = len(block) == n_series
        for name, value in estimate(values if everything else values[block], order).items():
            found[name][block] = value
    return found


def _as_fit(method, panel: Panel, status, *, ar, ar_error, mean, sigma2, n_used) -> ArmaFit:
    bare = (status == OK) & ~np.isfinite(ar).all(axis=1)
    status = np.where(bare, TOO_SHORT, status)
    has = status == OK
    status = np.where(has & has_root_beyond(ar, NEAREST_ROOT), UNIT_ROOT, status)
    gain = np.abs(1 - ar.sum(axis=1))
    nothing = np.empty((len(ar), 0))
    return ArmaFit(
        method=method,
        labels=panel.labels,
        ar=ar,
        ma=nothing,
        beta=mean[:, None],
        regressors=("mean",),
        sigma2=sigma2,
        ar_error=ar_error,
        ma_error=nothing,
        beta_error=np.sqrt(sigma2 / np.maximum(n_used, 1) / gain**2)[:, None],
        log_likelihood=np.full(len(ar), np.nan),
        n_used=n_used,
        status=status,
    )


def _centred(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Deviations from the mean of each series, 0 where missing; means; which were observed."""
    observed = np.isfinite(values)
    if observed.all():
        mean = values.mean(axis=1)
        return values - mean[:, None], mean, None
    mean = np.nansum(values, axis=1) / observed.sum(axis=1)
    return np.where(observed, values - mean[:, None], 0.0), mean, observed


def _dot(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.einsum("nt,nt->n", left, right)


def _least_squares(values: np.ndarray, order: int) -> dict[str, np.ndarray]:
    deviation, centre, observed = _centred(values)
    n_series, n_times = deviation.shape
    lagged = [deviation[:, order - lag : n_times - lag] for lag in range(order + 1)]
    n_used = np.full(n_series, n_times - order)
    if observed is not None:
        complete = np.ones((n_series, n_times - order), dtype=bool)
        for lag in range(order + 1):
            complete &= observed[:, order - lag : n_times - lag]
        lagged = [np.where(complete, column, 0.0) for column in lagged]
        n_used = complete.sum(axis=1)
    means = np.array([column.sum(axis=1) for column in lagged]).T / np.maximum(n_used, 1)[:, None]
    # Sums of products about the means of the equations: the constant is taken out exactly.
    moments = np.empty((n_series, order + 1, order + 1))
    for i in range(order + 1):
        for j in range(i, order + 1):
            product = _dot(lagged[i], lagged[j]) - n_used * means[:, i] * means[:, j]
            moments[:, i, j] = moments[:, j, i] = product
    ar, inverse = _solve(moments[:, 1:, 1:], moments[:, 1:, 0])
    spare = n_used - order - 1
    residual = moments[:, 0, 0] - _dot(ar, moments[:, 1:, 0])
    sigma2 = np.where(spare > 0, np.maximum(residual, 0) / np.maximum(spare, 1), np.nan)
    ar = np.where((spare > 0)[:, None], ar, np.nan)
    constant = means[:, 0] - _dot(ar, means[:, 1:])
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = centre + constant / (1 - ar.sum(axis=1))
    error = np.sqrt(sigma2[:, None] * np.diagonal(inverse, axis1=1, axis2=2))
    return {"ar": ar, "ar_error": error, "mean": mean, "sigma2": sigma2, "n_used": n_used}


def _solve(matrix: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solution and inverse for each series; NaN where the equations don't determine it."""
    size = np.einsum("nii->n", matrix)
    singular = ~(np.linalg.det(matrix / np.where(size > 0, size, 1)[:, None, None]) > 1e-13)
    if singular.any():
        matrix = np.where(singular[:, None, None], np.nan * np.eye(matrix.shape[1]), matrix)
    inverse = np.linalg.inv(matrix)
    return np.einsum("nij,nj->ni", inverse, right), inverse


def _yule_walker(values: np.ndarray, order: int) -> dict[str, np.ndarray]:
    covariance, mean, n_used = autocovariances(values, order)
    ar, sigma2 = levinson(covariance)
    return {"ar": ar, "mean": mean, "sigma2": sigma2, "n_used": n_used}


def autocovariances(values: np.ndarray, n_lags: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Autocovariances of series with gaps.

    Parameters
    ----------
    values : ndarray of float64, shape (n_series, n_times)
        NaN where nothing was observed.
    n_lags : int
        Below n_times.

    Returns
    -------
    covariance : ndarray of float64, shape (n_series, n_lags + 1)
        NaN where no two observed values are that far apart.
    mean : ndarray of float64, shape (n_series,)
    n_observed : ndarray of int, shape (n_series,)

    Notes
    -----
    γ_k is the mean of the products that are there, times (T − k) / T: without gaps the usual sum
    divided by T. (statsmodels' acf with missing="conservative" divides by T also where products
    are missing, so three gaps in ten make .7 into .5.) Raises nothing. Source: Parzen (1963),
    Sankhya A 25:383. Introduced in chapter 03.

    Examples
    --------
    >>> autocovariances(np.array([[2.0, 4, 5, 4, 2, 1]]), 1)[0]
    array([[2.        , 0.66666667]])
    """
    deviation, mean, observed = _centred(values)
    n_times = deviation.shape[1]
    covariance = np.empty((len(values), n_lags + 1))
    for lag in range(n_lags + 1):
        product = _dot(deviation[:, lag:], deviation[:, : n_times - lag])
        pairs = n_times - lag
        if observed is not None:
            pairs = (observed[:, lag:] & observed[:, : n_times - lag]).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            covariance[:, lag] = product / pairs * ((n_times - lag) / n_times)
    n_observed = np.full(len(values), n_times) if observed is None else observed.sum(axis=1)
    return covariance, mean, n_observed


def _burg(values: np.ndarray, order: int) -> dict[str, np.ndarray]:
    deviation, mean, observed = _centred(values)
    n_used = np.full(len(values), values.shape[1]) if observed is None else observed.sum(axis=1)
    forward, backward = deviation[:, 1:].copy(), deviation[:, :-1].copy()
    whole = None if observed is None else observed[:, 1:] & observed[:, :-1]
    scale = _dot(deviation, deviation)
    sigma2 = scale / n_used
    ar = np.empty((len(values), 0))
    for step in range(order):
        if whole is not None:
            forward, backward = np.where(whole, forward, 0.0), np.where(whole, backward, 0.0)
        energy = _dot(forward, forward) + _dot(backward, backward)
        # Where nothing is left to predict, the next coefficient is 0.
        with np.errstate(divide="ignore", invalid="ignore"):
            reflection = 2 * _dot(forward, backward) / energy
        reflection = np.where(energy > 1e-24 * scale, reflection, 0.0)
        ar = np.column_stack([ar - reflection[:, None] * ar[:, ::-1], reflection])
        sigma2 = sigma2 * (1 - reflection**2)
        if step + 1 < order:
            ahead = forward - reflection[:, None] * backward
            backward = (backward - reflection[:, None] * forward)[:, :-1]
            forward = ahead[:, 1:]
            # Both errors reach back one step further; all of it must have been observed.
            whole = None if observed is None else whole[:, 1:] & observed[:, : -step - 2]
    return {"ar": ar, "mean": mean, "sigma2": sigma2, "n_used": n_used}
