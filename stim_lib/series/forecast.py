"""Forecasts with intervals: from the end of a series, and from every time within it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from stim_lib.series.fit import NO_ESTIMATE, ArmaFit, Panel, SeriesLike, read_panel
from stim_lib.series.innovations import (
    DIFFUSE,
    Filtered,
    run_filter,
    stationary_variance,
    step_ahead,
    system,
)
from stim_lib.series.regressors import DEFAULT, read_regressors
from stim_lib.series.stationary import has_root_beyond


@dataclass(frozen=True, eq=False, repr=False)
class Forecast:
    """Predicted values and their standard errors.

    Attributes
    ----------
    mean, error : DataFrame of float64, shape (n_steps, n_series)
        NaN for a series without an estimate. The error is that of the model with its estimates
        taken for the truth; on short series it is a little too small.

    Notes
    -----
    Introduced in chapter 03.
    """

    mean: pd.DataFrame
    error: pd.DataFrame

    def __repr__(self) -> str:
        """Sizes."""
        return f"Forecast({self.mean.shape[0]:,} steps, {self.mean.shape[1]:,} series)"

    def interval(self, level: float = 0.95) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Lower and upper end of the central interval of a normal distribution.

        Parameters
        ----------
        level : float
            Probability that the value falls inside, in (0, 1).

        Returns
        -------
        low, high : DataFrame of float64, shape (n_steps, n_series)

        Raises
        ------
        ValueError
            If the level is not between 0 and 1.

        Notes
        -----
        mean ± z · error. Introduced in chapter 03.

        Examples
        --------
        >>> one = pd.DataFrame([[1.0]])
        >>> [float(end.iloc[0, 0].round(2)) for end in Forecast(one, one).interval()]
        [-0.96, 2.96]
        """
        if not 0 < level < 1:
            raise ValueError(f"level: expected a probability between 0 and 1, found {level}")
        reach = stats.norm.ppf(0.5 + level / 2) * self.error
        return self.mean - reach, self.mean + reach


def forecast(
    fit: ArmaFit,
    series: SeriesLike,
    n_steps: int,
    *,
    regressors: pd.DataFrame | None = None,
    future_regressors: pd.DataFrame | None = None,
) -> Forecast:
    """Predict the steps that follow the end of each series.

    Parameters
    ----------
    fit : ArmaFit
        Of these series.
    series : array or DataFrame of float, shape (n_times,) or (n_times, n_series)
        What is known; may be longer than what was fitted.
    n_steps : int
        At least 1.
    regressors, future_regressors : DataFrame of float, shapes (n_times, n_regressors) and
        (n_steps, n_regressors), optional
        Both, if the fit has regressors other than a constant.

    Returns
    -------
    Forecast
        Index: the steps after the end where the series has regular times, else 1 … n_steps.

    Raises
    ------
    ValueError
        If series or regressors are not those of the fit.

    Notes
    -----
    ŷ_{T+h|T} is the mean of y_{T+h} given y_1 … y_T; its variance is σ² times that of the
    predicted state. Source: Brockwell and Davis (1991), section 5.5. Introduced in chapter 03.

    Examples
    --------
    >>> from stim_lib.series import fit_ar, simulate_arma
    >>> y = simulate_arma(300, ar=[0.8], mean=5, seed=3)
    >>> ahead = forecast(fit_ar(y, 1), y, 50)
    >>> float(ahead.mean.iloc[-1, 0].round(2)) == float(fit_ar(y, 1).beta.round(2).item())
    True
    """
    if n_steps < 1:
        raise ValueError(f"n_steps: expected at least 1, found {n_steps}")
    panel, design = _read(fit, series, regressors)
    coming = _steps_after(panel.index, n_steps)
    future = _read_future(fit, coming, future_regressors)
    (phi, loading), out = _filter(fit, panel, design, horizon=0)
    state, variance = out.state, out.state_variance
    noise = loading[:, None] * loading[None]
    mean, spread = np.empty((2, n_steps, len(panel.numbers)))
    for step in range(n_steps):
        mean[step] = _combine(state[0], fit.beta, future[step][:, None])
        spread[step] = variance[0, 0]
        state, variance = step_ahead(state, variance, phi, noise)
    return _as_forecast(fit, mean, spread, coming, panel.labels)


def _read_future(fit: ArmaFit, coming: pd.Index, regressors: pd.DataFrame | None) -> np.ndarray:
    """Regressors of the steps to come, shape (n_steps, n_regressors)."""
    if fit.regressors == DEFAULT:
        return np.ones((len(coming), 1))
    if regressors is None or len(regressors) != len(coming):
        raise ValueError(
            f"future_regressors: expected {len(coming)} rows of {', '.join(fit.regressors)}, found "
            f"{'none' if regressors is None else len(regressors)}"
        )
    table = regressors.rename(columns=str)
    dated = isinstance(coming, (pd.DatetimeIndex, pd.PeriodIndex))
    if dated and isinstance(table.index, type(coming)) and not table.index.equals(coming):
        raise ValueError(
            f"future_regressors: expected the times from {coming[0]} to {coming[-1]}, found "
            f"{table.index[0]} to {table.index[-1]}"
        )
    absent = [name for name in fit.regressors if name not in table]
    if absent or table[list(fit.regressors)].isna().any(axis=None):
        raise ValueError(
            f"future_regressors: expected a number for each of {', '.join(fit.regressors)}, found "
            f"{'no column ' + absent[0] if absent else 'missing values'}"
        )
    return table[list(fit.regressors)].to_numpy(dtype="float64")


def predict_ahead(
    fit: ArmaFit,
    series: SeriesLike,
    horizon: int = 1,
    *,
    regressors: pd.DataFrame | None = None,
    learn_mean: bool = False,
) -> Forecast:
    """Predict every value from those at least `horizon` steps before it.

    Parameters
    ----------
    fit : ArmaFit
        Of these series; estimated before the times for which the predictions are judged, or they
        are no forecasts.
    series : array or DataFrame of float, shape (n_times,) or (n_times, n_series)
    horizon : int
        h, at least 1: y_t is predicted from y_1 … y_{t−h}.
    regressors : DataFrame of float, shape (n_times, n_regressors), optional
    learn_mean : bool
        False: β as fitted. True: at each time the β of all values at least `horizon` steps before
        it (φ and θ stay); the β of the fit where these are too few.

    Returns
    -------
    Forecast
        Index of the series; the first h − 1 rows are NaN.

    Raises
    ------
    ValueError
        If series or regressors are not those of the fit, or the horizon is below 1.

    Notes
    -----
    A rolling origin with fixed coefficients, in one pass of the filter. Introduced in chapter 03.

    Examples
    --------
    >>> from stim_lib.series import fit_ar
    >>> y = np.array([1.0, 3, 2, 4, 3, 5])
    >>> predict_ahead(fit_ar(y, 1), y).mean.round(2)[0].tolist()
    [3.37, 3.46, 3.38, 3.42, 3.35, 3.38]
    """
    if horizon < 1:
        raise ValueError(f"horizon: expected at least 1, found {horizon}")
    panel, design = _read(fit, series, regressors)
    _, out = _filter(fit, panel, design, horizon=horizon)
    beta = _learned_beta(fit, out.innovations, horizon) if learn_mean else fit.beta[None]
    mean = np.empty(out.variances.shape)
    for time in range(len(mean)):
        known = beta[time if learn_mean else 0]
        mean[time] = _combine(out.predictions[time], known, design[time][:, None])
    return _as_forecast(fit, mean, out.variances, panel.index, panel.labels)


def _read(fit: ArmaFit, series: SeriesLike, regressors) -> tuple[Panel, np.ndarray]:
    panel = read_panel(series)
    if len(panel.numbers) != len(fit.labels):
        raise ValueError(
            f"series: expected the {len(fit.labels)} series of the fit, found {len(panel.numbers)}"
        )
    if not panel.single and not panel.labels.equals(fit.labels):
        raise ValueError("series: expected the columns of the fit in the same order")
    names, design = read_regressors(regressors, panel)
    if names != fit.regressors:
        raise ValueError(f"regressors: expected {fit.regressors}, found {names}")
    return panel, design


def _filter(fit: ArmaFit, panel: Panel, design: np.ndarray, horizon: int) -> tuple[tuple, Filtered]:
    """Run series and regressors through the filter of the fit."""
    observed = np.isfinite(panel.numbers).T
    columns = np.empty((len(design), 1 + design.shape[1], len(panel.numbers)))
    columns[:, 0] = np.where(observed, panel.numbers.T, 0.0)
    columns[:, 1:] = design[:, :, None]
    ar, ma = np.nan_to_num(fit.ar), np.nan_to_num(fit.ma)
    phi, loading = system(ar, ma)
    # Without a stationary distribution the first state may be anything.
    free = has_root_beyond(ar, 1 - 1e-9)
    first = stationary_variance(np.where(free, 0.0, phi), loading)
    first = np.where(free, DIFFUSE * np.eye(len(phi))[:, :, None], first)
    out = run_filter(columns, observed, phi, loading, first_variance=first, horizon=horizon)
    return (phi, loading), out


def _learned_beta(fit: ArmaFit, innovations: np.ndarray, horizon: int) -> np.ndarray:
    """β by generalised least squares from all values up to `horizon` steps before each time.

    The filter whitens series and regressors; what is left is a regression, and it grows by a row
    at each time.
    """
    y, x = innovations[:, 0], innovations[:, 1:]
    moments = np.einsum("tin,tjn->tnij", x, x).cumsum(axis=0)
    right = np.einsum("tin,tn->tni", x, y).cumsum(axis=0)
    largest = np.einsum("tnii->tni", moments).max(axis=2)
    enough = np.linalg.eigvalsh(moments)[..., 0] > 1e-8 * np.maximum(largest, 1e-300)
    safe = np.where(enough[..., None, None], moments, np.eye(moments.shape[-1]))
    beta = np.linalg.solve(safe, right[..., None])[..., 0]
    beta = np.where(enough[..., None], beta, fit.beta[None])
    before = np.broadcast_to(fit.beta, (min(horizon, len(beta)), *fit.beta.shape))
    return np.concatenate([before, beta])[: len(beta)]


def _combine(predicted: np.ndarray, beta: np.ndarray, design: np.ndarray) -> np.ndarray:
    """Mean of y: that of its regressors, and the predicted deviation from them."""
    return predicted[0] + np.einsum("kn,nk->n", design - predicted[1:], beta)


def _as_forecast(fit: ArmaFit, mean, spread, index, labels) -> Forecast:
    error = np.sqrt(spread * fit.sigma2)
    bare = np.isin(fit.status, NO_ESTIMATE)
    mean[:, bare], error[:, bare] = np.nan, np.nan
    return Forecast(pd.DataFrame(mean, index, labels), pd.DataFrame(error, index, labels))


def _steps_after(index: pd.Index, n_steps: int) -> pd.Index:
    if isinstance(index, pd.PeriodIndex):
        return pd.period_range(index[-1] + 1, periods=n_steps, freq=index.freq, name=index.name)
    step = index.freq or pd.infer_freq(index) if _is_regular(index) else None
    if step is None:
        return pd.RangeIndex(1, n_steps + 1)
    return pd.date_range(index[-1], periods=n_steps + 1, freq=step)[1:].rename(index.name)


def _is_regular(index: pd.Index) -> bool:
    return isinstance(index, pd.DatetimeIndex) and len(index) > 2
