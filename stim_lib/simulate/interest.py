"""Latent interest: base preference, a stationary AR(1) path, a daily and a weekly rhythm."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BASE_SD = 0.8
"""Standard deviation of the base preference between users, in log-interest."""


class RootInterest(NamedTuple):
    """Default dynamics of one root category; all effects are in log-interest.

    The daily rhythm is amplitude_24 · cos(2π (h − peak_24) / 24) + amplitude_12 ·
    cos(4π (h − peak_12) / 24) at local hour h. Introduced in chapter 01.
    """

    base_mean: float
    phi: float
    innovation_sd: float
    weekend_effect: float
    amplitude_24: float
    peak_24: int
    amplitude_12: float
    peak_12: int


# In the order of `places.ROOTS`. Each path has a stationary standard deviation of about 0.8.
ROOT_INTERESTS = (
    RootInterest(0.8, 0.80, 0.48, 0.1, 0.4, 15, 0.3, 19),
    RootInterest(-0.6, 0.90, 0.35, 0.8, 1.6, 23, 0.0, 0),
    RootInterest(0.4, 0.85, 0.42, 0.3, 0.5, 16, 0.2, 19),
    RootInterest(-0.2, 0.70, 0.57, 0.7, 0.6, 17, 0.0, 0),
    RootInterest(0.0, 0.95, 0.25, 0.4, 0.3, 14, 0.4, 19),
    RootInterest(-0.1, 0.60, 0.64, -0.5, 0.6, 13, 0.0, 0),
    RootInterest(-0.3, 0.90, 0.35, -0.7, 0.7, 12, 0.2, 21),
    RootInterest(0.2, 0.50, 0.69, -0.3, 0.2, 14, 0.7, 20),
)


def root_parameter(name: str) -> np.ndarray:
    """Default of one parameter for every root category.

    Parameters
    ----------
    name : str
        A field of `RootInterest`.

    Returns
    -------
    ndarray of float64, shape (n_roots,)

    Raises
    ------
    AttributeError
        If there is no such field.

    Notes
    -----
    Introduced in chapter 01.

    Examples
    --------
    >>> root_parameter("phi")
    array([0.8 , 0.9 , 0.85, 0.7 , 0.95, 0.6 , 0.9 , 0.5 ])
    """
    return np.array([getattr(root, name) for root in ROOT_INTERESTS], dtype=np.float64)


def daily_profile() -> np.ndarray:
    """Effect of the local hour on the log-interest in each root category.

    Returns
    -------
    ndarray of float64, shape (n_roots, 24)

    Notes
    -----
    Two harmonics, see `RootInterest`; each row has mean 0. Raises nothing.
    Introduced in chapter 01.

    Examples
    --------
    >>> int(daily_profile()[1].argmax())  # nightlife peaks at 23:00
    23
    """
    hour = np.arange(24)

    def harmonic(period: int) -> np.ndarray:
        amplitude, peak = (root_parameter(f"{part}_{period}") for part in ("amplitude", "peak"))
        return amplitude[:, None] * np.cos(2 * np.pi * (hour - peak[:, None]) / period)

    return harmonic(24) + harmonic(12)


def weekly_profile() -> np.ndarray:
    """Effect of the day of the week on the log-interest in each root category.

    Returns
    -------
    ndarray of float64, shape (n_roots, 7)
        Monday first: 0 from Monday to Friday, the weekend effect on Saturday and Sunday.

    Notes
    -----
    Raises nothing. Introduced in chapter 01.

    Examples
    --------
    >>> weekly_profile()[1]
    array([0. , 0. , 0. , 0. , 0. , 0.8, 0.8])
    """
    return root_parameter("weekend_effect")[:, None] * (np.arange(7) >= 5)


def draw_latent_paths(
    rng: np.random.Generator,
    n_users: int,
    n_days: int,
    phi: np.ndarray,
    innovation_sd: np.ndarray,
) -> np.ndarray:
    """Draw stationary AR(1) paths of latent interest, in steps of a day.

    Parameters
    ----------
    rng : Generator
    n_users, n_days : int
    phi : ndarray of float64, shape (n_roots,)
        Autoregressive coefficient, in (-1, 1).
    innovation_sd : ndarray of float64, shape (n_roots,)
        Standard deviation of the daily innovation, in log-interest.

    Returns
    -------
    ndarray of float32, shape (n_users, n_days, n_roots)
        For 10,000 users, 90 days and 8 roots: 28.8 MB.

    Raises
    ------
    ValueError
        If some `phi` is not inside (-1, 1): such a path has no stationary distribution.

    Notes
    -----
    z_t = φ z_{t−1} + ε_t with ε_t ~ N(0, σ²), and z_0 ~ N(0, σ² / (1 − φ²)), so the variance is
    σ² / (1 − φ²) on every day. Days are drawn one after the other: a longer log begins with the
    same days. Source: Hamilton, Time Series Analysis, 1994, §3.4. Introduced in chapter 01.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> paths = draw_latent_paths(rng, 5000, 2, np.array([0.8]), np.array([0.6]))
    >>> paths.std(axis=0).round(1).ravel()
    array([1., 1.], dtype=float32)
    """
    if not np.all(np.abs(phi) < 1):
        raise ValueError(f"phi: expected numbers in (-1, 1), found {phi}.")
    paths = np.empty((n_users, n_days, len(phi)), dtype=np.float32)
    state = innovation_sd / np.sqrt(1 - phi**2) * rng.standard_normal((n_users, len(phi)))
    paths[:, 0] = state
    for day in range(1, n_days):
        state = phi * state + innovation_sd * rng.standard_normal(state.shape)
        paths[:, day] = state
    return paths
