"""The simplest forecasts that could work, for every time of a panel at once.

Each predicts the value at a time from values at least `horizon` steps before it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def predict_last(panel: pd.DataFrame, *, horizon: int = 1) -> pd.DataFrame:
    """Naive: the last value that was observed.

    Parameters
    ----------
    panel : DataFrame of float, shape (n_times, n_series)
    horizon : int
        At least 1.

    Returns
    -------
    DataFrame of float64, shape (n_times, n_series)
        NaN before the first value.

    Raises
    ------
    ValueError
        If the horizon is below 1.

    Notes
    -----
    ŷ_{t|t−h} = y_{t−h}. Introduced in chapter 03.

    Examples
    --------
    >>> predict_last(pd.DataFrame({"a": [1.0, np.nan, 3.0, 4.0]}))["a"].tolist()
    [nan, 1.0, 1.0, 3.0]
    """
    return panel.ffill().shift(_check("horizon", horizon))


def predict_season(panel: pd.DataFrame, period: int, *, horizon: int = 1) -> pd.DataFrame:
    """Seasonal naive: the last value at the same point of the season.

    Parameters
    ----------
    panel : DataFrame of float, shape (n_times, n_series)
    period : int
        Steps of a season; 7 for the week of daily values.
    horizon : int

    Returns
    -------
    DataFrame of float64, shape (n_times, n_series)

    Raises
    ------
    ValueError
        If the period or the horizon is below 1.

    Notes
    -----
    ŷ_{t|t−h} = y_{t−km}, k the least whole number with km ≥ h. Introduced in chapter 03.

    Examples
    --------
    >>> predict_season(pd.DataFrame({"a": [1.0, 2, 3, 4]}), 2)["a"].tolist()
    [nan, nan, 1.0, 2.0]
    """
    seasons = -(-_check("horizon", horizon) // _check("period", period))
    phase = np.arange(len(panel)) % period
    return panel.groupby(phase).ffill().groupby(phase).shift(seasons)


def predict_mean(panel: pd.DataFrame, *, window: int | None = None, horizon: int = 1):
    """The mean of all values so far, or of the last few steps.

    Parameters
    ----------
    panel : DataFrame of float, shape (n_times, n_series)
    window : int, optional
        Steps; default all.
    horizon : int

    Returns
    -------
    DataFrame of float64, shape (n_times, n_series)
        NaN where nothing was observed in the window.

    Raises
    ------
    ValueError
        If the window or the horizon is below 1.

    Notes
    -----
    Introduced in chapter 03.

    Examples
    --------
    >>> predict_mean(pd.DataFrame({"a": [1.0, 3.0, 5.0]}))["a"].tolist()
    [nan, 1.0, 2.0]
    """
    before = panel.shift(_check("horizon", horizon))
    if window is None:
        return before.expanding(min_periods=1).mean()
    return before.rolling(_check("window", window), min_periods=1).mean()


def predict_season_mean(
    panel: pd.DataFrame, period: int, *, n_seasons: int | None = None, horizon: int = 1
) -> pd.DataFrame:
    """The mean at the same point of the season: of all seasons so far, or of the last few.

    Parameters
    ----------
    panel : DataFrame of float, shape (n_times, n_series)
    period : int
        7: a mean for each day of the week.
    n_seasons : int, optional
        Default all.
    horizon : int

    Returns
    -------
    DataFrame of float64, shape (n_times, n_series)

    Raises
    ------
    ValueError
        If a number is below 1.

    Notes
    -----
    Introduced in chapter 03.

    Examples
    --------
    >>> week = pd.DataFrame({"a": [1.0, 10, 3, 20, 5, 30]})
    >>> predict_season_mean(week, 2)["a"].tolist()
    [nan, nan, 1.0, 10.0, 2.0, 15.0]
    """
    seasons = -(-_check("horizon", horizon) // _check("period", period))
    phase = np.arange(len(panel)) % period
    before = panel.reset_index(drop=True).groupby(phase).shift(seasons)
    if n_seasons is None:
        means = before.groupby(phase).expanding(min_periods=1).mean()
    else:
        rolled = before.groupby(phase).rolling(_check("n_seasons", n_seasons), min_periods=1)
        means = rolled.mean()
    return means.droplevel(0).sort_index().set_axis(panel.index)


def predict_smoothed(
    panel: pd.DataFrame,
    weight: float,
    *,
    exposure: pd.DataFrame | None = None,
    prior: pd.DataFrame | None = None,
    prior_weight: float = 0.0,
    horizon: int = 1,
) -> pd.DataFrame:
    """Exponential smoothing: a mean in which each step back counts less.

    Parameters
    ----------
    panel : DataFrame of float, shape (n_times, n_series)
        Shares or other values; gaps are skipped, time goes on.
    weight : float
        α in (0, 1): what the newest step counts; the step before it counts 1 − α of that.
    exposure : DataFrame of float, shape (n_times, n_series), optional
        Actions behind each share: a share of twenty actions then counts twenty times that of one.
    prior : DataFrame of float, shape (n_times, n_series), optional
        Prediction of the same times by somebody else, such as the city's.
    prior_weight : float
        m: the prior counts as much as this many observed steps (or actions, with exposure).
    horizon : int

    Returns
    -------
    DataFrame of float64, shape (n_times, n_series)

    Raises
    ------
    ValueError
        If the weight is outside (0, 1), the prior weight negative, the horizon below 1, an
        exposure negative, or exposure or prior have other times or series.

    Notes
    -----
    ŷ_{t|t−h} = (Σ_{k ≥ h} w_k n_{t−k} y_{t−k} + m · prior_t) / (Σ_{k ≥ h} w_k n_{t−k} + m) with
    w_k = (1 − α)^(k−h), and n = 1 where observed if no exposure is given. Source: Hyndman and
    Athanasopoulos (2021), section 8.1. Introduced in chapter 03.

    Examples
    --------
    >>> predict_smoothed(pd.DataFrame({"a": [0.0, 1.0, 1.0]}), 0.5)["a"].round(3).tolist()
    [nan, 0.0, 0.667]
    """
    if not 0 < weight < 1:
        raise ValueError(f"weight: expected a number between 0 and 1, found {weight}")
    if prior_weight < 0 or (prior_weight > 0) != (prior is not None):
        raise ValueError(
            f"prior_weight: expected a positive number with a prior and 0 without, found "
            f"{prior_weight}"
        )
    for name, table in (("exposure", exposure), ("prior", prior)):
        fits = table is None or (
            table.index.equals(panel.index) and table.columns.equals(panel.columns)
        )
        if not fits:
            raise ValueError(f"{name}: expected the times and series of the panel, found others")
    if exposure is not None and (exposure < 0).any(axis=None):
        raise ValueError("exposure: expected 0 or more, found a negative number")
    steps = _check("horizon", horizon)
    seen = panel.notna()
    amount = seen.astype(float)
    if exposure is not None:
        amount = exposure.fillna(0).where(seen, 0.0).astype(float)
    total, amount = (
        _decayed_sum(table, 1 - weight).shift(steps) for table in (amount * panel.fillna(0), amount)
    )
    if prior is not None:
        # Where the prior is silent, the panel speaks alone.
        total = total.fillna(0) + prior_weight * prior.fillna(0)
        amount = amount.fillna(0) + prior_weight * prior.notna()
    return total / amount.where(amount > 0)


def _decayed_sum(table: pd.DataFrame, keep: float) -> pd.DataFrame:
    from scipy.signal import lfilter

    return pd.DataFrame(
        lfilter([1.0], [1.0, -keep], table.to_numpy(), axis=0), table.index, table.columns
    )


def _check(name: str, number: int) -> int:
    if number != int(number) or number < 1:
        raise ValueError(f"{name}: expected at least 1, a whole number, found {number}")
    return int(number)
