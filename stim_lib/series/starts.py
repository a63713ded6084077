"""Where the search for an ARMA model begins."""

from __future__ import annotations

import numpy as np

from stim_lib.series.stationary import ar_to_partial, has_root_beyond

HIGHEST_START = 0.97


def check_start(start: object, p: int, q: int) -> np.ndarray:
    """Read φ and θ that a caller has chosen.

    Parameters
    ----------
    start : (sequence of p numbers, sequence of q numbers)
    p, q : int

    Returns
    -------
    ndarray of float64, shape (p + q,)

    Raises
    ------
    ValueError
        If there are more or fewer numbers, or they are not stationary, or not invertible.

    Notes
    -----
    Introduced in chapter 03.

    Examples
    --------
    >>> check_start(([0.5], [1.2]), 1, 1)
    Traceback (most recent call last):
    ValueError: start: expected an invertible moving average (roots inside the unit circle), found
    θ = [1.2]
    """
    try:
        ar, ma = (np.asarray(part, dtype=float).ravel() for part in start)
    except (TypeError, ValueError) as error:
        raise ValueError(f"start: expected numbers for φ and for θ, found {start}") from error
    if (len(ar), len(ma)) != (p, q) or not np.isfinite(np.concatenate([ar, ma])).all():
        raise ValueError(
            f"start: expected {p} numbers for φ and {q} for θ, found {ar.tolist()} and "
            f"{ma.tolist()}"
        )
    if p and has_root_beyond(ar[None])[0]:
        raise ValueError(
            f"start: expected a stationary autoregression (roots inside the unit circle), found "
            f"φ = {ar.tolist()}"
        )
    if q and has_root_beyond(-ma[None])[0]:
        raise ValueError(
            f"start: expected an invertible moving average (roots inside the unit circle), found "
            f"θ = {ma.tolist()}"
        )
    return np.concatenate([ar, ma])


def free_from_start(arma: np.ndarray, p: int) -> np.ndarray:
    """Parameters of the search for given coefficients; the inverse of what `fit_arma` applies.

    Parameters
    ----------
    arma : ndarray of float64, shape (n_series, p + q)
        φ, then θ; stationary and invertible.
    p : int

    Returns
    -------
    ndarray of float64, shape (n_series, p + q)
        r / √(1 − r²) of the partial autocorrelations r, each drawn inside ±0.97.

    Notes
    -----
    Raises nothing. Introduced in chapter 03.

    Examples
    --------
    >>> free_from_start(np.array([[0.6, 0.8]]), 1)
    array([[ 0.75      , -1.33333333]])
    """
    partial = np.hstack([ar_to_partial(arma[:, :p]), ar_to_partial(-arma[:, p:])])
    partial = np.clip(np.nan_to_num(partial), -HIGHEST_START, HIGHEST_START)
    return partial / np.sqrt(1 - partial**2)


def starts(values: np.ndarray, design: np.ndarray, p: int, q: int) -> list[np.ndarray]:
    """Two places to begin: what regression finds, and a slow wave under noise.

    Parameters
    ----------
    values : ndarray of float64, shape (n_series, n_times)
        NaN where missing.
    design : ndarray of float64, shape (n_times, n_regressors)
    p, q : int

    Returns
    -------
    list of ndarray of float64, shape (n_series, p + q)
        Parameters of the search; one start for a pure autoregression, two else.

    Notes
    -----
    The likelihood of a mixed model can have two tops: near φ = −θ the model is white noise
    whatever φ is. Raises nothing. Introduced in chapter 03.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=(2, 60))
    >>> [start.shape for start in starts(y, np.ones((60, 1)), 1, 1)]
    [(2, 2), (2, 2)]
    """
    found = [free_from_start(_hannan_rissanen(values, design, p, q), p)]
    if q:
        slow = np.zeros((len(values), p + q))
        slow[:, :p] = np.eye(1, p) * 0.85 if p else 0.0
        slow[:, p] = -0.5 if p else 0.0
        found.append(free_from_start(slow, p))
    return found


def _hannan_rissanen(values: np.ndarray, design: np.ndarray, p: int, q: int) -> np.ndarray:
    """Regress on lags of the series and of the residuals of a long autoregression.

    Source: Hannan and Rissanen (1982), doi:10.1093/biomet/69.1.81. Missing values count as the
    mean: this is where the search begins, not where it ends.
    """
    observed = np.isfinite(values)
    filled = np.where(observed, values, 0.0)
    moments = np.einsum("ti,tj,nt->nij", design, design, observed.astype(float), optimize=True)
    beta = np.linalg.solve(moments, (filled @ design)[..., None])[..., 0]
    u = np.where(observed, filled - beta @ design.T, 0.0)
    n_times = u.shape[1]
    longest = int(np.clip(n_times // 8, 1, 12)) if q else 0
    shocks = u
    if q:
        lagged = _lags(u, longest)
        shocks = u - np.einsum("ntk,nk->nt", lagged, _regress(u, lagged))
    return _regress(u, np.concatenate([_lags(u, p), _lags(shocks, q)], axis=2))


def _lags(u: np.ndarray, count: int) -> np.ndarray:
    """Values 1 … count steps before, 0 before the start; shape (n_series, n_times, count)."""
    lagged = np.zeros((*u.shape, count))
    for lag in range(1, count + 1):
        lagged[:, lag:, lag - 1] = u[:, :-lag]
    return lagged


def _regress(target: np.ndarray, columns: np.ndarray) -> np.ndarray:
    size = columns.shape[2]
    if not size:
        return np.empty((len(target), 0))
    moments = np.einsum("nti,ntj->nij", columns, columns)
    ridge = 1e-8 * np.einsum("nii->n", moments) + 1e-300
    right = np.einsum("nti,nt->ni", columns, target)
    return np.linalg.solve(moments + ridge[:, None, None] * np.eye(size), right[..., None])[..., 0]
