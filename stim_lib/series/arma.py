"""MA(q) and ARMA(p, q) of thousands of series by exact maximum likelihood, all at once.

The exact likelihood of an ARMA model is a sum of squares: of the innovations of the Kalman filter,
each divided by its standard deviation, times one factor for all. So the method for sums of squares
applies, Levenberg's and Marquardt's, with a damping of its own for every series.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from stim_lib.series.fit import (
    DEPENDENT,
    NEAREST_ROOT,
    NO_ESTIMATE,
    NOT_CONVERGED,
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
from stim_lib.series.least_squares import minimise
from stim_lib.series.likelihood import Likelihood, free_to_arma
from stim_lib.series.regressors import read_regressors
from stim_lib.series.starts import check_start, free_from_start, starts
from stim_lib.series.stationary import has_root_beyond

BLOCK_CELLS = 3_000_000
"""Numbers that one pass of the filter may hold, so that memory stays small."""
FIRST_ITERATIONS = 6
"""Steps from each start, before the less likely one is given up."""


def fit_ma(series: SeriesLike, order: int, *, regressors: pd.DataFrame | None = None) -> ArmaFit:
    """Estimate a moving average of each series by exact maximum likelihood.

    Parameters
    ----------
    series : array or DataFrame of float, shape (n_times,) or (n_times, n_series)
        Time down; NaN where nothing was observed.
    order : int
        q, at least 1.
    regressors : DataFrame of float, shape (n_times, n_regressors), optional
        See `fit_arma`.

    Returns
    -------
    ArmaFit

    Raises
    ------
    ValueError
        As `fit_arma`.

    Notes
    -----
    y_t = μ + ε_t + θ_1 ε_{t−1} + … + θ_q ε_{t−q}: the current shock stands in it. Introduced in
    chapter 03.

    Examples
    --------
    >>> shocks = np.random.default_rng(0).normal(size=2001)
    >>> fit_ma(shocks[1:] + 0.5 * shocks[:-1], 1).ma.round(1).item()
    0.5
    """
    if not isinstance(order, (int, np.integer)) or isinstance(order, bool) or order < 1:
        raise ValueError(f"order: expected a whole number of at least 1, found {order!r}")
    return fit_arma(series, (0, order), regressors=regressors)


def fit_arma(
    series: SeriesLike,
    order: tuple[int, int] = (1, 1),
    *,
    regressors: pd.DataFrame | None = None,
    start: tuple[list[float], list[float]] | None = None,
    max_iterations: int = 100,
    progress: Callable[[int, int], None] | None = None,
) -> ArmaFit:
    """Estimate ARMA(p, q) with regressors of each series by exact maximum likelihood.

    Parameters
    ----------
    series : array or DataFrame of float, shape (n_times,) or (n_times, n_series)
        Time down; NaN where nothing was observed.
    order : (int, int)
        p and q, each at least 0.
    regressors : DataFrame of float, shape (n_times, n_regressors), optional
        What the mean of every series follows, such as `weekday_dummies`; no value may be missing.
        Default: a constant, named "mean".
    start : (sequence of p numbers, sequence of q numbers), optional
        φ and θ from which to search; by default two starts that are worked out.
    max_iterations : int
    progress : callable(n_done, n_series), optional
        Called after each block of series.

    Returns
    -------
    ArmaFit
        One row a series; log_likelihood is exact. Standard errors from the curvature.

    Raises
    ------
    ValueError
        If the order is impossible, the regressors don't fit or are dependent, the start is not
        stationary or not invertible; if a single series is constant, all missing or too short. In
        a table such a series gets a row of NaN and its status.

    Notes
    -----
    y_t = β'x_t + u_t with u_t = Σ φ_i u_{t−i} + ε_t + Σ θ_j ε_{t−j}. With v_t the innovations and
    F_t their variances in units of σ², the likelihood is largest where Σ v_t² / F_t · (Π F_t)^(1/n)
    is smallest; β is projected out by generalised least squares. φ and θ move through partial
    autocorrelations, so every step is stationary and invertible. At work use statsmodels' ARIMA for
    one series; this for thousands. Source: Brockwell and Davis (1991), section 8.7; Harvey (1989),
    section 3.4; Golub and Pereyra (1973) for the projection. Introduced in chapter 03.

    Examples
    --------
    >>> from stim_lib.series import simulate_arma
    >>> y = simulate_arma(400, ar=[0.8], ma=[-0.4], n_series=3, seed=0)
    >>> fit = fit_arma(y, (1, 1))
    >>> fit
    ArmaFit(ARMA(1, 1) by exact likelihood, 3 of 3 series ok)
    >>> bool((np.abs(fit.ar - 0.8) < 3 * fit.ar_error).all())
    True
    """
    p, q = _read_order(order)
    panel = read_panel(series)
    names, design = read_regressors(regressors, panel)
    n_needed = p + q + len(names) + 3
    status = check_series(panel.numbers, n_needed)
    status = _check_regressors(panel.numbers, design, status)
    require_estimate(status, single=panel.single, n_needed=n_needed)
    first = None if start is None else free_from_start(check_start(start, p, q)[None], p)
    values, centre, scale = _standardise(panel.numbers, centred=regressors is None)
    found = _blank(len(panel.numbers), p, q, len(names))
    good = np.flatnonzero(status == OK)
    size = max(1, BLOCK_CELLS // (panel.numbers.shape[1] * (1 + len(names)) * (p + q + 1)))
    for begin in range(0, len(good), size):
        rows = good[begin : begin + size]
        parts = _fit_block(values[rows], design, (p, q), first, max_iterations)
        for name, value in parts.items():
            found[name][rows] = value
        if progress is not None:
            progress(min(begin + size, len(good)), len(good))
    fit = _as_fit(panel, names, status, p, _restore(found, centre, scale))
    require_estimate(fit.status, single=panel.single, n_needed=n_needed)
    return fit


def _read_order(order: object) -> tuple[int, int]:
    try:
        p, q = order
        fits = all(isinstance(n, (int, np.integer)) and 0 <= n <= 20 for n in (p, q))
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise ValueError(f"order: expected two whole numbers from 0 to 20, p and q, found {order}")
    return int(p), int(q)


def _check_regressors(values: np.ndarray, design: np.ndarray, status: np.ndarray) -> np.ndarray:
    """Flag series whose observed times leave a regressor without a coefficient of its own."""
    observed = np.isfinite(values).astype(float)
    moments = np.einsum("ti,tj,nt->nij", design, design, observed, optimize=True)
    size = np.sqrt(np.einsum("nii->ni", moments))
    size = np.where(size > 0, size, 1.0)
    smallest = np.linalg.eigvalsh(moments / size[:, :, None] / size[:, None])[:, 0]
    return np.where((status == OK) & (smallest < 1e-10), DEPENDENT, status)


def _blank(n_series: int, p: int, q: int, n_regressors: int) -> dict[str, np.ndarray]:
    coefficients = p + q
    return {
        "arma": np.full((n_series, coefficients), np.nan),
        "arma_error": np.full((n_series, coefficients), np.nan),
        "beta": np.full((n_series, n_regressors), np.nan),
        "beta_error": np.full((n_series, n_regressors), np.nan),
        "sigma2": np.full(n_series, np.nan),
        "log_likelihood": np.full(n_series, np.nan),
        "n_used": np.zeros(n_series, dtype=int),
        "converged": np.zeros(n_series, dtype=bool),
    }


def _as_fit(panel: Panel, names, status, p: int, found: dict[str, np.ndarray]) -> ArmaFit:
    arma, error = found["arma"], found["arma_error"]
    ok = status == OK
    status = np.where(ok & ~np.isfinite(found["sigma2"]), TOO_SHORT, status)
    ok = status == OK
    status = np.where(ok & ~found["converged"], NOT_CONVERGED, status)
    status = np.where(ok & has_root_beyond(arma[:, :p], NEAREST_ROOT), UNIT_ROOT, status)
    return ArmaFit(
        method="exact likelihood",
        labels=panel.labels,
        ar=arma[:, :p],
        ma=arma[:, p:],
        beta=found["beta"],
        regressors=names,
        sigma2=found["sigma2"],
        ar_error=error[:, :p],
        ma_error=error[:, p:],
        beta_error=found["beta_error"],
        log_likelihood=found["log_likelihood"],
        n_used=found["n_used"],
        status=status,
    )


def _fit_block(values, design, order: tuple[int, int], first, max_iterations: int) -> dict:
    """Search from the likelier start of every series."""
    p, q = order
    likelihood = Likelihood(values, design, p)

    def free_residuals(free: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return likelihood.residuals(free_to_arma(free, p), rows)

    guesses = starts(values, design, p, q) if first is None else [np.tile(first, (len(values), 1))]
    free = guesses[0]
    if len(guesses) > 1:
        free = _better_start(free_residuals, guesses)
    free, _, converged = minimise(free_residuals, free, max_iterations)
    return likelihood.summarise(free_to_arma(free, p)) | {"converged": converged}


def _better_start(free_residuals: Callable, guesses: list[np.ndarray]) -> np.ndarray:
    """Follow every start a few steps, all in one; keep the likelier for each series."""
    n_series = len(guesses[0])
    free, loss, _ = minimise(
        lambda free, rows: free_residuals(free, rows % n_series),
        np.concatenate(guesses),
        FIRST_ITERATIONS,
    )
    best = loss.reshape(len(guesses), n_series).argmin(axis=0)
    return free.reshape(len(guesses), n_series, -1)[best, np.arange(n_series)]


def fit_pooled_arma(
    series: SeriesLike,
    order: tuple[int, int] = (1, 1),
    *,
    regressors: pd.DataFrame | None = None,
    groups: np.ndarray | pd.Index | None = None,
) -> ArmaFit:
    """Estimate one φ and θ for all series together, and a mean and σ² for each.

    Parameters
    ----------
    series : DataFrame or array of float, shape (n_times, n_series)
        Time down; NaN where nothing was observed.
    order : (int, int)
        p and q, not both 0.
    regressors : DataFrame of float, shape (n_times, n_regressors), optional
        As for `fit_arma`.
    groups : array or Index, shape (n_series,), optional
        Series of one group, such as those of one user, may depend on each other; by default each
        stands alone. Only the standard errors change.

    Returns
    -------
    ArmaFit
        φ and θ are the same in every row that has an estimate, and so are their standard errors.

    Raises
    ------
    ValueError
        As `fit_arma`, if no series can be fitted, or groups don't fit.

    Notes
    -----
    Fifty weeks of one user say little about φ; two hundred users who share it say a lot. But each
    series has a mean of its own, and a mean fitted to a short series swallows its slow swings: φ of
    an AR(1) would come out too low by about (1 + φ) / n_times, however many the series. So the sum
    of the restricted log-likelihoods is maximised, in which the means are unknown and not fitted.
    Standard errors come from the spread of the slopes between groups, so they hold also where the
    model does not (a sandwich). Source: Nickell (1981), doi:10.2307/1911408; Cooper and Thompson
    (1977), doi:10.1093/biomet/64.3.625; White (1982), doi:10.2307/1912526. Introduced in
    chapter 03.

    Examples
    --------
    >>> from stim_lib.series import simulate_arma
    >>> short = simulate_arma(20, ar=[0.7], n_series=500, seed=0)
    >>> fit_pooled_arma(short, (1, 0)).ar[0].round(1).item()
    0.7
    """
    from scipy.optimize import minimize

    p, q = _read_order(order)
    alone = fit_arma(series, (p, q), regressors=regressors, max_iterations=FIRST_ITERATIONS)
    panel = read_panel(series)
    names, design = read_regressors(regressors, panel)
    bare = np.isin(alone.status, NO_ESTIMATE)
    rows = np.flatnonzero(~bare)
    if not len(rows) or p + q < 1:
        raise ValueError(
            f"expected an order above 0 and series to fit, found order {order} and {len(rows)} of "
            f"{len(bare)} series"
        )
    if groups is not None and len(groups) != len(bare):
        raise ValueError(f"groups: expected one for each of {len(bare)}, found {len(groups)}")
    values, centre, scale = _standardise(panel.numbers, centred=regressors is None)
    likelihood = Likelihood(values[rows], design, p)

    def loss(free: np.ndarray) -> float:
        return -likelihood.restricted(free_to_arma(np.tile(free, (len(rows), 1)), p)).sum()

    # Nelder and Mead need no slopes, and two or three numbers are few.
    typical = np.median(np.hstack([alone.ar, alone.ma])[rows], axis=0)[None]
    end = minimize(loss, free_from_start(typical, p)[0], method="Nelder-Mead", tol=1e-4)
    found = _blank(len(bare), p, q, len(names))
    for name, value in likelihood.summarise(
        free_to_arma(np.tile(end.x, (len(rows), 1)), p)
    ).items():
        found[name][rows] = value
    own = rows if groups is None else pd.factorize(np.asarray(groups)[rows])[0]
    found["arma_error"][rows] = likelihood.shared_errors(found["arma"][rows[0]], own)
    found["converged"][rows] = end.success
    status = np.where(bare, alone.status, OK)
    return _as_fit(panel, names, status, p, _restore(found, centre, scale))


def _standardise(values: np.ndarray, *, centred: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Series in units of their standard deviation, so that no scale loses digits."""
    n = np.maximum(np.isfinite(values).sum(axis=1), 1)
    mean = np.nansum(values, axis=1) / n
    largest = np.nanmax(
        np.abs(values - mean[:, None]), axis=1, initial=1e-300, where=np.isfinite(values)
    )
    scale = largest * np.sqrt(
        np.nansum(((values - mean[:, None]) / largest[:, None]) ** 2, axis=1) / n
    )
    scale = np.where(scale > 0, scale, 1.0)
    centre = mean if centred else np.zeros(len(values))
    return (values - centre[:, None]) / scale[:, None], centre, scale


def _restore(found: dict, centre: np.ndarray, scale: np.ndarray) -> dict:
    """Estimates in the units of the series."""
    wide = scale[:, None]
    with np.errstate(under="ignore", over="ignore"):
        return found | {
            "beta": found["beta"] * wide + centre[:, None],
            "beta_error": found["beta_error"] * wide,
            "sigma2": found["sigma2"] * scale**2,
            "log_likelihood": found["log_likelihood"] - found["n_used"] * np.log(scale),
        }
