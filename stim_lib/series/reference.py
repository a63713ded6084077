"""One series by statsmodels: the reference against which the many are checked."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from stim_lib.series.fit import (
    NEAREST_ROOT,
    NOT_CONVERGED,
    OK,
    UNIT_ROOT,
    ArmaFit,
    SeriesLike,
    check_series,
    read_panel,
    require_estimate,
)
from stim_lib.series.regressors import read_regressors
from stim_lib.series.stationary import has_root_beyond


def fit_arma_by_statsmodels(
    series: SeriesLike,
    order: tuple[int, int] = (1, 1),
    *,
    regressors: pd.DataFrame | None = None,
) -> ArmaFit:
    """Estimate ARMA(p, q) of one series by statsmodels' exact maximum likelihood.

    Parameters
    ----------
    series : array or Series of float, shape (n_times,)
        NaN where nothing was observed.
    order : (int, int)
        p and q.
    regressors : DataFrame of float, shape (n_times, n_regressors), optional
        As for `fit_arma`.

    Returns
    -------
    ArmaFit
        Of one row.

    Raises
    ------
    ValueError
        If there are several series, or the one is constant, all missing or too short.

    Notes
    -----
    `statsmodels.tsa.arima.model.ARIMA`, with its defaults and errors from the outer products of
    the gradient. The one to use at work for one series; `fit_arma` for many. Introduced in
    chapter 03.

    Examples
    --------
    >>> from stim_lib.series import fit_arma, simulate_arma
    >>> y = simulate_arma(200, ar=[0.7], seed=1)[:, 0]
    >>> theirs, ours = fit_arma_by_statsmodels(y, (1, 0)), fit_arma(y, (1, 0))
    >>> bool(abs(theirs.log_likelihood - ours.log_likelihood)[0] < 1e-3)
    True
    """
    from statsmodels.tsa.arima.model import ARIMA

    p, q = order
    panel = read_panel(series)
    if len(panel.numbers) != 1:
        raise ValueError(f"series: expected one, found {len(panel.numbers)}; use fit_arma for many")
    names, design = read_regressors(regressors, panel)
    n_needed = p + q + len(names) + 3
    status = check_series(panel.numbers, n_needed)
    require_estimate(status, single=True, n_needed=n_needed)
    with warnings.catch_warnings():
        # Whether it converged is in the status of the result.
        warnings.simplefilter("ignore")
        found = ARIMA(panel.numbers[0], exog=design, order=(p, 0, q), trend="n").fit()
    k = len(names)
    parts = np.split(np.atleast_2d(found.params), [k, k + p, k + p + q], axis=1)
    errors = np.split(np.atleast_2d(found.bse), [k, k + p, k + p + q], axis=1)
    lost = not found.mle_retvals["converged"]
    status = np.where((status == OK) & lost, NOT_CONVERGED, status)
    status = np.where(has_root_beyond(parts[1], NEAREST_ROOT), UNIT_ROOT, status)
    return ArmaFit(
        method="statsmodels",
        labels=panel.labels,
        ar=parts[1],
        ma=parts[2],
        beta=parts[0],
        regressors=names,
        sigma2=parts[3][:, 0],
        ar_error=errors[1],
        ma_error=errors[2],
        beta_error=errors[0],
        log_likelihood=np.array([found.llf]),
        n_used=np.isfinite(panel.numbers).sum(axis=1),
        status=status,
    )
