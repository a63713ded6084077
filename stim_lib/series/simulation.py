"""ARMA series whose parameters are known, to check estimators against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.signal import lfilter

from stim_lib.series.innovations import stationary_variance, system
from stim_lib.series.stationary import has_root_beyond


def simulate_arma(
    n_times: int,
    *,
    ar: Sequence[float] = (),
    ma: Sequence[float] = (),
    mean: float = 0.0,
    sigma: float = 1.0,
    n_series: int = 1,
    seed: int = 0,
) -> np.ndarray:
    """Draw series of one stationary ARMA model with normal innovations.

    Parameters
    ----------
    n_times, n_series : int
    ar : sequence of float, length p
    ma : sequence of float, length q
        θ, with a plus sign.
    mean, sigma : float
        Of the series; of its innovations.
    seed : int

    Returns
    -------
    ndarray of float64, shape (n_times, n_series)

    Raises
    ------
    ValueError
        If the autoregression is not stationary: it has no distribution to draw from.

    Notes
    -----
    The first state is drawn from the stationary distribution, so the first value is like every
    other. Introduced in chapter 03.

    Examples
    --------
    >>> simulate_arma(5000, ar=[0.8], seed=1).std().round(1)  # 1 / √(1 − 0.64) = 1.67
    np.float64(1.7)
    """
    if len(ar) and has_root_beyond(np.asarray(ar, dtype=float)[None])[0]:
        raise ValueError(f"ar: expected a stationary autoregression, found {list(ar)}")
    rng = np.random.default_rng(seed)
    phi, loading = system(np.asarray(ar, dtype=float)[None], np.asarray(ma, dtype=float)[None])
    spread, directions = np.linalg.eigh(stationary_variance(phi, loading)[..., 0])
    draws = rng.standard_normal((len(phi), n_series))
    state = directions @ (np.sqrt(np.maximum(spread, 0))[:, None] * draws)
    # What the past has left for each of the coming steps.
    waiting = phi * state[:1] + np.vstack([state[1:], np.zeros((1, n_series))])
    shocks = sigma * rng.standard_normal((n_times, n_series))
    n_delays = max(len(ar), len(ma))
    polynomials = [1.0, *ma], [1.0, *(-coefficient for coefficient in ar)]
    if not n_delays:
        return mean + shocks
    return mean + lfilter(*polynomials, shocks, axis=0, zi=sigma * waiting[:n_delays])[0]
