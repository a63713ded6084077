"""Which coefficients are stationary: partial autocorrelations, roots, and back."""

from __future__ import annotations

import numpy as np


def levinson(autocovariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solve the Yule–Walker equations of many series by Levinson's and Durbin's recursion.

    Parameters
    ----------
    autocovariance : ndarray of float64, shape (n_series, p + 1)
        γ_0 … γ_p.

    Returns
    -------
    ar : ndarray of float64, shape (n_series, p)
    sigma2 : ndarray of float64, shape (n_series,)
        Variance of the innovations.

    Notes
    -----
    Raises nothing; γ_0 = 0 gives NaN. Source: Brockwell and Davis (1991), proposition 5.2.1.
    Introduced in chapter 03.

    Examples
    --------
    An AR(1) with φ = ½ has autocovariances in the ratio 1 : ½ : ¼.

    >>> ar, sigma2 = levinson(np.array([[1.0, 0.5, 0.25]]))
    >>> ar.tolist(), sigma2.tolist()
    ([[0.5, 0.0]], [0.75])
    """
    covariance = np.asarray(autocovariance, dtype=float)
    ar, sigma2 = np.empty((len(covariance), 0)), covariance[:, 0]
    for step in range(1, covariance.shape[1]):
        past = covariance[:, step - 1 : 0 : -1]
        with np.errstate(divide="ignore", invalid="ignore"):
            partial = (covariance[:, step] - np.einsum("nk,nk->n", ar, past)) / sigma2
        ar = np.column_stack([ar - partial[:, None] * ar[:, ::-1], partial])
        sigma2 = sigma2 * (1 - partial**2)
    return ar, sigma2


def partial_to_ar(partial: np.ndarray) -> np.ndarray:
    """Coefficients of the stationary AR(p) with these partial autocorrelations.

    Parameters
    ----------
    partial : ndarray of float64, shape (n_series, p)
        In (-1, 1).

    Returns
    -------
    ndarray of float64, shape (n_series, p)

    Notes
    -----
    Every p numbers in (-1, 1) give a stationary model and the other way round, so an optimiser
    that moves in them can't leave stationarity. Raises nothing. Source: Barndorff-Nielsen and
    Schou (1973), doi:10.1016/0047-259X(73)90030-4. Introduced in chapter 03.

    Examples
    --------
    >>> partial_to_ar(np.array([[0.5, 0.2]]))
    array([[0.4, 0.2]])
    """
    partial = np.asarray(partial, dtype=float)
    ar = np.empty((len(partial), 0))
    for step in range(partial.shape[1]):
        here = partial[:, step : step + 1]
        ar = np.column_stack([ar - here * ar[:, ::-1], here])
    return ar


def ar_to_partial(ar: np.ndarray) -> np.ndarray:
    """Partial autocorrelations of AR(p) coefficients.

    Parameters
    ----------
    ar : ndarray of float64, shape (n_series, p)

    Returns
    -------
    ndarray of float64, shape (n_series, p)
        All inside (-1, 1) if and only if the model is stationary.

    Notes
    -----
    Raises nothing. The inverse of `partial_to_ar`. Introduced in chapter 03.

    Examples
    --------
    >>> ar_to_partial(np.array([[0.4, 0.2]])).round(12)
    array([[0.5, 0.2]])
    """
    rest = np.asarray(ar, dtype=float)
    partial = np.empty_like(rest)
    for step in range(rest.shape[1] - 1, -1, -1):
        here = rest[:, step : step + 1]
        partial[:, step] = here[:, 0]
        before = rest[:, :step]
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = (before + here * before[:, ::-1]) / (1 - here**2)
    return partial


def has_root_beyond(ar: np.ndarray, radius: float = 1.0) -> np.ndarray:
    """Whether z^p − φ_1 z^(p−1) − … − φ_p has a root of this modulus or more.

    Parameters
    ----------
    ar : ndarray of float64, shape (n_series, p)
        For the invertibility of a moving average give −θ.
    radius : float
        1 asks for stationarity.

    Returns
    -------
    ndarray of bool, shape (n_series,)

    Notes
    -----
    With φ_i / radius^i in the place of φ_i the roots shrink by the radius; they are then all
    inside the unit circle if and only if every partial autocorrelation is inside (-1, 1). No
    roots are computed. Raises nothing; NaN counts as beyond. Introduced in chapter 03.

    Examples
    --------
    >>> has_root_beyond(np.array([[0.5], [1.0]])).tolist()
    [False, True]
    """
    ar = np.asarray(ar, dtype=float)
    scaled = ar / radius ** np.arange(1, ar.shape[1] + 1)
    return ~(np.abs(ar_to_partial(scaled)) < 1).all(axis=1)
