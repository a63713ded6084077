"""What kind of series is it, and has the model left anything over?

The tests are those of statsmodels; these functions only lay out their answers.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from scipy import stats

from stim_lib.series.arma import fit_arma
from stim_lib.series.autoregression import autocovariances
from stim_lib.series.fit import NO_ESTIMATE, OK, SeriesLike, read_panel
from stim_lib.series.forecast import predict_ahead
from stim_lib.series.stationary import ar_to_partial, levinson

CRITERIA = ("aic", "bic")


def correlogram(series: SeriesLike, n_lags: int = 20) -> pd.DataFrame:
    """Autocorrelation and partial autocorrelation of one series.

    Parameters
    ----------
    series : array or Series of float, shape (n_times,)
        NaN where nothing was observed.
    n_lags : int
        At least 1 and below half of the observed values.

    Returns
    -------
    DataFrame of float64, shape (n_lags, 3)
        Index lag, from 1. acf, pacf (NaN from the first that is no correlation, which happens only
        with many gaps), and bound, beyond which one lag in twenty of white noise strays.

    Raises
    ------
    ValueError
        If the series is constant or too short for the lags.

    Notes
    -----
    ρ_k = γ_k / γ_0, see `autocovariances`; without gaps these are statsmodels' numbers. The partial
    autocorrelation at lag k is the last coefficient of the AR(k) by Yule and Walker. The bound is
    1.96 (T − k) / T / √n_k with n_k the pairs at lag k; without gaps 1.96 / √T, nearly.
    Source: Brockwell and Davis (1991), sections 7.2 and 3.4. Introduced in chapter 03.

    Examples
    --------
    >>> from stim_lib.series import simulate_arma
    >>> correlogram(simulate_arma(4000, ar=[0.8], seed=0)[:, 0], 2)["acf"].round(1).tolist()
    [0.8, 0.6]
    """
    values = _one(series, 2 * n_lags + 2 if n_lags >= 1 else 0)
    if n_lags < 1:
        raise ValueError(f"n_lags: expected at least 1, found {n_lags}")
    covariance, _, _ = autocovariances(values[None], n_lags)
    partial = ar_to_partial(levinson(covariance)[0])[0]
    # With many gaps the estimates need not be those of any series; from there on there are none.
    partial[np.maximum.accumulate(~(np.abs(partial) < 1))] = np.nan
    table = {
        "acf": covariance[0, 1:] / covariance[0, 0],
        "pacf": partial,
        "bound": 1.96 * _shrinkage(values, n_lags) / np.sqrt(_pairs(values, n_lags)),
    }
    return pd.DataFrame(table, index=pd.RangeIndex(1, n_lags + 1, name="lag"))


def check_stationarity(series: SeriesLike, *, trend: bool = False) -> pd.DataFrame:
    """Ask two tests with opposite null hypotheses whether a series is stationary.

    Parameters
    ----------
    series : array or Series of float, shape (n_times,)
        Missing values are filled by straight lines, for both tests want regular series.
    trend : bool
        Whether "stationary" allows a straight line.

    Returns
    -------
    DataFrame, shape (2, 4)
        Rows ADF and KPSS; null (what a small p-value speaks against), statistic, p_value, n_lags.

    Raises
    ------
    ValueError
        If the series is constant or has fewer than 20 observed values.

    Notes
    -----
    The p-values of KPSS end at .01 and .10. Source: Said and Dickey (1984),
    doi:10.1093/biomet/71.3.599; Kwiatkowski et al. (1992), doi:10.1016/0304-4076(92)90104-Y.
    Introduced in chapter 03.

    Examples
    --------
    >>> walk = np.random.default_rng(0).normal(size=300).cumsum()
    >>> check_stationarity(walk)[["null", "p_value"]].round(2)
                null  p_value
    ADF    unit root     0.84
    KPSS  stationary     0.01
    """
    from statsmodels.tools.sm_exceptions import InterpolationWarning
    from statsmodels.tsa.stattools import adfuller, kpss

    values = pd.Series(_one(series, 20)).interpolate(limit_direction="both").to_numpy()
    adf = adfuller(values, regression="ct" if trend else "c", autolag="AIC", result_object=True)
    with warnings.catch_warnings():
        # Said in the docstring: beyond its table the p-value is cut off.
        warnings.simplefilter("ignore", InterpolationWarning)
        other = kpss(values, regression="ct" if trend else "c", nlags="auto", result_object=True)
    answers = {"ADF": ("unit root", adf), "KPSS": ("stationary", other)}
    rows = [(null, test.statistic, test.pvalue, test.lags) for null, test in answers.values()]
    return pd.DataFrame(rows, list(answers), ["null", "statistic", "p_value", "n_lags"])


def check_residuals(
    residuals: SeriesLike, n_lags: int = 10, *, n_coefficients: int = 0
) -> pd.Series:
    """Ljung's and Box's test: are the residuals white noise?

    Parameters
    ----------
    residuals : array or Series of float, shape (n_times,)
        Missing values leave out the pairs in which they stand; time goes on.
    n_lags : int
        How many autocorrelations are judged together.
    n_coefficients : int
        p + q of the model; they cost degrees of freedom.

    Returns
    -------
    Series with statistic, p_value, n
        A small p-value says that something is left in the residuals.

    Raises
    ------
    ValueError
        If the residuals are constant or too few, or the lags no more than the coefficients.

    Notes
    -----
    Q = (n + 2) / n Σ n_k r_k² with r_k the mean of the n_k products at lag k over the variance.
    Without gaps that is n (n + 2) Σ ρ_k² / (n − k), equal to statsmodels' acorr_ljungbox, which
    would close the gaps. Source: Ljung and Box (1978), doi:10.1093/biomet/65.2.297. Introduced in
    chapter 03.

    Examples
    --------
    >>> check_residuals(np.random.default_rng(1).normal(size=500))["p_value"].round(2)
    np.float64(0.08)
    """
    if n_lags <= n_coefficients:
        raise ValueError(f"n_lags: expected more than {n_coefficients}, found {n_lags}")
    values = _one(residuals, n_lags + 2)
    n, pairs = np.isfinite(values).sum(), _pairs(values, n_lags)
    covariance, _, _ = autocovariances(values[None], n_lags)
    correlation = covariance[0, 1:] / covariance[0, 0] / _shrinkage(values, n_lags)
    statistic = (n + 2) / n * np.nansum(pairs * correlation**2)
    p_value = stats.chi2.sf(statistic, n_lags - n_coefficients)
    return pd.Series({"statistic": statistic, "p_value": p_value, "n": float(n)})


def _pairs(values: np.ndarray, n_lags: int) -> np.ndarray:
    """Pairs of observed values at lags 1, 2, …"""
    seen = np.isfinite(values)
    return np.array([(seen[lag:] & seen[:-lag]).sum() for lag in range(1, n_lags + 1)])


def _shrinkage(values: np.ndarray, n_lags: int) -> np.ndarray:
    """(T − k) / T, by which `autocovariances` draws lag k towards zero."""
    return 1 - np.arange(1, n_lags + 1) / len(values)


def standardised_residuals(
    fit, series: SeriesLike, *, regressors: pd.DataFrame | None = None
) -> pd.DataFrame:
    """One-step errors of a fit, divided by their standard errors.

    Parameters
    ----------
    fit : ArmaFit
    series : array or DataFrame of float, shape (n_times,) or (n_times, n_series)
    regressors : DataFrame of float, shape (n_times, n_regressors), optional

    Returns
    -------
    DataFrame of float64, shape (n_times, n_series)
        About 0 on average, with variance 1, and white, if the model is right.

    Raises
    ------
    ValueError
        As `predict_ahead`.

    Notes
    -----
    Introduced in chapter 03.

    Examples
    --------
    >>> from stim_lib.series import fit_ar, simulate_arma
    >>> y = simulate_arma(500, ar=[0.8], seed=0)
    >>> standardised_residuals(fit_ar(y, 1), y)[0].std().round(1)
    np.float64(1.0)
    """
    ahead = predict_ahead(fit, series, regressors=regressors)
    panel = read_panel(series)
    values = pd.DataFrame(panel.numbers.T, panel.index, panel.labels)
    return (values - ahead.mean) / ahead.error


def choose_order(
    series: SeriesLike,
    *,
    max_ar: int = 3,
    max_ma: int = 3,
    criterion: str = "bic",
    regressors: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Fit every ARMA model up to an order; best first.

    Parameters
    ----------
    series : array or DataFrame of float, shape (n_times,) or (n_times, n_series)
        The criterion is summed over the series: one order is chosen for all.
    max_ar, max_ma : int
    criterion : str
        "aic" or "bic".
    regressors : DataFrame of float, shape (n_times, n_regressors), optional

    Returns
    -------
    DataFrame, shape (n_orders, 6)
        p, q, log_likelihood, aic, bic, and converged: the share of series that went well.

    Raises
    ------
    ValueError
        If the criterion is unknown, an order negative, or a series can't be fitted.

    Notes
    -----
    AIC = −2 ln L + 2 k, BIC = −2 ln L + k ln n, with k the number of φ, θ, β and σ². All models
    see the same values, for the likelihood is exact. Source: Akaike (1974),
    doi:10.1109/TAC.1974.1100705; Schwarz (1978), doi:10.1214/aos/1176344136. Introduced in
    chapter 03.

    Examples
    --------
    >>> from stim_lib.series import simulate_arma
    >>> y = simulate_arma(500, ar=[0.5, 0.3], seed=1)
    >>> choose_order(y, max_ar=3, max_ma=0)[["p", "q"]].iloc[0].tolist()
    [2, 0]
    """
    if max_ar < 0 or max_ma < 0:
        raise ValueError(f"max_ar and max_ma: expected 0 or more, found {max_ar} and {max_ma}")
    if criterion not in CRITERIA:
        raise ValueError(f"criterion: expected one of {CRITERIA}, found {criterion!r}")
    rows = []
    for p in range(max_ar + 1):
        for q in range(max_ma + 1):
            fit = fit_arma(series, (p, q), regressors=regressors)
            bad = np.isin(fit.status, NO_ESTIMATE)
            if bad.any():
                where = fit.labels[bad][0]
                raise ValueError(f"series {where}: can't be fitted, it is {fit.status[bad][0]}")
            rows.append(
                {
                    "p": p,
                    "q": q,
                    "log_likelihood": fit.log_likelihood.sum(),
                    "aic": fit.aic.sum(),
                    "bic": fit.bic.sum(),
                    "converged": (fit.status == OK).mean(),
                }
            )
    return pd.DataFrame(rows).sort_values(criterion, ignore_index=True)


def _one(series: SeriesLike, n_needed: int) -> np.ndarray:
    """Values of one series, or an error that says what it lacks."""
    panel = read_panel(series)
    values = panel.numbers[0]
    observed = values[np.isfinite(values)]
    if len(panel.numbers) != 1:
        raise ValueError(f"series: expected one, found {len(panel.numbers)}")
    if len(observed) < n_needed or np.ptp(observed) <= 1e-12 * np.abs(observed).max():
        raise ValueError(
            f"series: expected at least {n_needed} observed values that differ, found "
            f"{len(observed)} ({len(np.unique(observed))} different)"
        )
    return values
