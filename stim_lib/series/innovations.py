"""The Kalman filter of an ARMA model, run over many series at once.

It turns a series into its innovations: what each value adds to all that came before. Their squares
are the exact likelihood, a missing value is a step without news, and the state at the end is all
that a forecast needs. State and recursion follow Harvey's form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DIFFUSE = 1e7
"""Variance, in units of σ², of a first state about which a model with a unit root says nothing."""

AT_REST = 1e-11
"""Change of a variance, in units of σ², that no longer matters."""


@dataclass(frozen=True)
class Filtered:
    """What the filter leaves behind; variances are in units of σ².

    Attributes
    ----------
    innovations : ndarray, shape (n_times, n_columns, n_series)
        (value − prediction) / √variance; 0 where missing.
    log_variance : ndarray, shape (n_series,)
        Sum of the logarithms of the variances over the observed times.
    predictions : ndarray, shape (n_times, n_columns, n_series), or None
        Of each time from all times before it, `horizon` steps back.
    variances : ndarray, shape (n_times, n_series), or None
    state : ndarray, shape (n_states, n_columns, n_series)
        Prediction of the state one step after the end.
    state_variance : ndarray, shape (n_states, n_states, n_series)

    Notes
    -----
    Introduced in chapter 03.
    """

    innovations: np.ndarray
    log_variance: np.ndarray
    predictions: np.ndarray | None
    variances: np.ndarray | None
    state: np.ndarray
    state_variance: np.ndarray


def system(ar: np.ndarray, ma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First column of the transition matrix, and the loading of the innovation.

    Parameters
    ----------
    ar : ndarray of float64, shape (n_series, p)
    ma : ndarray of float64, shape (n_series, q)

    Returns
    -------
    phi, loading : ndarray of float64, shape (n_states, n_series)
        n_states = max(p, q + 1); φ and (1, θ) filled up with zeros.

    Notes
    -----
    Raises nothing. Source: Harvey (1989), Forecasting, Structural Time Series Models and the Kalman
    Filter, section 3.3. Introduced in chapter 03.

    Examples
    --------
    >>> phi, loading = system(np.array([[0.5]]), np.array([[0.3]]))
    >>> phi.ravel().tolist(), loading.ravel().tolist()
    ([0.5, 0.0], [1.0, 0.3])
    """
    n_states = max(ar.shape[1], ma.shape[1] + 1)
    phi, loading = np.zeros((2, n_states, len(ar)))
    phi[: ar.shape[1]] = ar.T
    loading[0] = 1.0
    loading[1 : ma.shape[1] + 1] = ma.T
    return phi, loading


def stationary_variance(phi: np.ndarray, loading: np.ndarray) -> np.ndarray:
    """Variance of the state of a stationary model, in units of σ².

    Parameters
    ----------
    phi, loading : ndarray of float64, shape (n_states, n_series)
        As from `system`.

    Returns
    -------
    ndarray of float64, shape (n_states, n_states, n_series)

    Raises
    ------
    LinAlgError
        If a model has a root of exactly 1.

    Notes
    -----
    P = T P T' + R R'. As T is a companion matrix, every entry of P follows from its first row, so
    n_states equations are solved instead of n_states². Introduced in chapter 03.

    Examples
    --------
    An AR(1) with φ = 0.6 has variance 1 / (1 − 0.36).

    >>> stationary_variance(*system(np.array([[0.6]]), np.empty((1, 0)))).ravel()
    array([1.5625])
    """
    n_states, n_series = phi.shape
    matrix = np.zeros((n_series, n_states, n_states))
    right = np.zeros((n_series, n_states))
    for j in range(n_states):
        matrix[:, j, j] += 1.0
        for k in range(n_states - j):
            matrix[:, j, 0] -= phi[k] * phi[j + k]
            right[:, j] += loading[k] * loading[j + k]
            if j + k + 1 < n_states:
                matrix[:, j, j + k + 1] -= phi[k]
            if k + 1 < n_states:
                matrix[:, j, k + 1] -= phi[j + k]
    first_row = np.linalg.solve(matrix, right[..., None])[..., 0].T
    padded = np.vstack([first_row, np.zeros((1, n_series))])
    variance = np.zeros((n_states + 1, n_states + 1, n_series))
    for i in range(n_states - 1, -1, -1):
        for j in range(n_states - 1, i - 1, -1):
            value = phi[i] * phi[j] * first_row[0] + phi[i] * padded[j + 1]
            value = value + phi[j] * padded[i + 1] + loading[i] * loading[j]
            variance[i, j] = variance[j, i] = value + variance[i + 1, j + 1]
    return variance[:-1, :-1]


def run_filter(
    values: np.ndarray,
    observed: np.ndarray,
    phi: np.ndarray,
    loading: np.ndarray,
    *,
    first_variance: np.ndarray | None = None,
    horizon: int = 0,
) -> Filtered:
    """Predict each value from those before it, and keep what was new.

    Parameters
    ----------
    values : ndarray of float64, shape (n_times, n_columns, n_series)
        Columns of one series pass through the same filter: the series and its regressors. Entries
        that are not observed are ignored, and must be finite.
    observed : ndarray of bool, shape (n_times, n_series)
    phi, loading : ndarray of float64, shape (n_states, n_series)
    first_variance : ndarray, shape (n_states, n_states, n_series), optional
        Default: the stationary one.
    horizon : int
        0 keeps no predictions; h ≥ 1 keeps those made h steps before.

    Returns
    -------
    Filtered

    Raises
    ------
    LinAlgError
        See `stationary_variance`.

    Notes
    -----
    An observed value of an ARMA process has no noise of its own, so after it the first state is
    known exactly; that saves half of the usual update. Source: Harvey (1989), section 3.2; Jones
    (1980), doi:10.1080/00401706.1980.10486171, for missing values. Introduced in chapter 03.

    Examples
    --------
    >>> phi, loading = system(np.array([[0.5]]), np.empty((1, 0)))
    >>> y = np.array([1.0, 0.0, 2.0]).reshape(3, 1, 1)
    >>> seen = np.array([[True], [True], [True]])
    >>> run_filter(y, seen, phi, loading, horizon=1).predictions.ravel().tolist()
    [0.0, 0.5, 0.0]
    """
    n_times, n_columns, n_series = values.shape
    n_states = len(phi)
    state = np.zeros((n_states, n_columns, n_series))
    variance = stationary_variance(phi, loading) if first_variance is None else first_variance
    noise = loading[:, None] * loading[None]
    innovations = np.zeros_like(values)
    log_variance = np.zeros(n_series)
    ahead = _Ahead(phi, loading, horizon, values.shape) if horizon else None
    whole = observed.all(axis=1)
    settled = False
    for time in range(n_times):
        if ahead is not None:
            ahead.keep(time, state, variance)
        if whole[time]:
            if not settled:
                scale, gain = variance[0, 0], variance[:, 0] / variance[0, 0]
                root, log_scale = np.sqrt(scale), np.log(scale)
                before, variance = variance, _variance_after_value(variance, gain, noise)
                # Without gaps the variance comes to rest; from there on only states move.
                settled = time % 8 == 0 and np.abs(variance - before).max() < AT_REST
            innovations[time] = error = values[time] - state[0]
            innovations[time] /= root
            log_variance += log_scale
            kept = state[1:] + gain[1:, None] * error
            state = phi[:, None] * values[time]
            state[:-1] += kept
        else:
            seen, settled = observed[time], False
            scale = np.where(seen, variance[0, 0], 1.0)
            error = np.where(seen, values[time] - state[0], 0.0)
            gain = np.where(seen, variance[:, 0] / scale, 0.0)
            innovations[time] = error / np.sqrt(scale)
            log_variance += np.log(scale)
            state = state + gain[:, None] * error
            variance = variance - gain[:, None] * np.where(seen, variance[0], 0.0)
            state, variance = step_ahead(state, variance, phi, noise)
    predictions, variances = (ahead.means, ahead.variances) if ahead else (None, None)
    return Filtered(innovations, log_variance, predictions, variances, state, variance)


def _variance_after_value(variance: np.ndarray, gain: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Update and step in one, where every series has a value: the first state is then known."""
    spread = noise.copy()
    spread[:-1, :-1] += variance[1:, 1:] - gain[1:, None] * variance[0, 1:]
    return spread


def step_ahead(
    state: np.ndarray, variance: np.ndarray, phi: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Move the state one step on, without news.

    Parameters
    ----------
    state : ndarray, shape (n_states, n_columns, n_series)
    variance, noise : ndarray, shape (n_states, n_states, n_series)
    phi : ndarray, shape (n_states, n_series)

    Returns
    -------
    state, variance : ndarrays of the same shapes

    Notes
    -----
    Raises nothing. a ← T a, P ← T P T' + R R', with T a companion matrix: a shift and a multiple
    of the first entry. Introduced in chapter 03.

    Examples
    --------
    >>> phi, loading = system(np.array([[0.5]]), np.empty((1, 0)))
    >>> state, variance = step_ahead(np.ones((1, 1, 1)), np.zeros((1, 1, 1)), phi, loading[None])
    >>> state.item(), variance.item()
    (0.5, 1.0)
    """
    ahead = phi[:, None] * state[0]
    ahead[:-1] += state[1:]
    spread = noise + phi[:, None] * phi[None] * variance[0, 0]
    spread[:, :-1] += phi[:, None] * variance[0, 1:]
    spread[:-1] += variance[1:, 0][:, None] * phi[None]
    spread[:-1, :-1] += variance[1:, 1:]
    return ahead, spread


def psi_weights(ar: np.ndarray, ma: np.ndarray, n_steps: int) -> np.ndarray:
    """Weights of the past innovations in a value: y_t = Σ ψ_j ε_{t−j}.

    Parameters
    ----------
    ar : ndarray of float64, shape (n_series, p)
    ma : ndarray of float64, shape (n_series, q)
    n_steps : int

    Returns
    -------
    ndarray of float64, shape (n_steps, n_series)
        ψ_0 = 1 first.

    Notes
    -----
    Raises nothing. Source: Brockwell and Davis (1991), section 3.3. Introduced in chapter 03.

    Examples
    --------
    >>> psi_weights(np.array([[0.5]]), np.array([[0.3]]), 3).ravel().tolist()
    [1.0, 0.8, 0.4]
    """
    phi, state = system(ar, ma)
    weights = np.empty((n_steps, len(ar)))
    for step in range(n_steps):
        weights[step] = state[0]
        ahead = phi * state[0]
        ahead[:-1] += state[1:]
        state = ahead
    return weights


class _Ahead:
    """Keep predictions `horizon` steps ahead, at the time for which they were made."""

    def __init__(self, phi: np.ndarray, loading: np.ndarray, horizon: int, shape: tuple) -> None:
        self.offset = horizon - 1
        self.means = np.full(shape, np.nan)
        self.variances = np.full((shape[0], shape[2]), np.nan)
        # Row of T^(h−1) that reads the value off the state; noise of the h − 1 steps between.
        row = np.zeros_like(phi)
        row[0] = 1.0
        self.noise = np.zeros(shape[2])
        for _ in range(self.offset):
            self.noise = self.noise + (row * loading).sum(axis=0) ** 2
            before = (row * phi).sum(axis=0)
            row = np.vstack([before[None], row[:-1]])
        self.row = row

    def keep(self, time: int, state: np.ndarray, variance: np.ndarray) -> None:
        target = time + self.offset
        if target < len(self.means):
            self.means[target] = (self.row[:, None] * state).sum(axis=0)
            spread = (self.row[:, None] * self.row[None] * variance).sum(axis=(0, 1))
            self.variances[target] = spread + self.noise
