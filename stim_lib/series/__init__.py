"""Interest as a time series: AR, MA and ARMA, for one series or ten thousand at once.

Introduced in chapter 03.
"""

from stim_lib.series.arma import fit_arma, fit_ma, fit_pooled_arma
from stim_lib.series.autoregression import fit_ar
from stim_lib.series.diagnosis import (
    check_residuals,
    check_stationarity,
    choose_order,
    correlogram,
    standardised_residuals,
)
from stim_lib.series.fit import ArmaFit
from stim_lib.series.forecast import Forecast, forecast, predict_ahead
from stim_lib.series.panel import make_interest_series
from stim_lib.series.reference import fit_arma_by_statsmodels
from stim_lib.series.regressors import difference, harmonics, undo_difference, weekday_dummies
from stim_lib.series.rivals import (
    predict_last,
    predict_mean,
    predict_season,
    predict_season_mean,
    predict_smoothed,
)
from stim_lib.series.simulation import simulate_arma

__all__ = [
    "ArmaFit",
    "Forecast",
    "check_residuals",
    "check_stationarity",
    "choose_order",
    "correlogram",
    "difference",
    "fit_ar",
    "fit_arma",
    "fit_arma_by_statsmodels",
    "fit_ma",
    "fit_pooled_arma",
    "forecast",
    "harmonics",
    "make_interest_series",
    "predict_ahead",
    "predict_last",
    "predict_mean",
    "predict_season",
    "predict_season_mean",
    "predict_smoothed",
    "simulate_arma",
    "standardised_residuals",
    "undo_difference",
    "weekday_dummies",
]
