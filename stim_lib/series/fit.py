"""What the estimators share: reading series, and the result of a fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

OK = "ok"
ALL_MISSING = "all missing"
CONSTANT = "constant"
TOO_SHORT = "too short"
UNIT_ROOT = "unit root"
NOT_CONVERGED = "not converged"
DEPENDENT = "regressors dependent"
NO_ESTIMATE = (ALL_MISSING, CONSTANT, TOO_SHORT, DEPENDENT)
NEAREST_ROOT = 0.999
"""A root this near to the unit circle is reported as a unit root."""

SeriesLike = pd.DataFrame | pd.Series | np.ndarray


@dataclass(frozen=True)
class Panel:
    """Series as numbers, one a row.

    Attributes
    ----------
    numbers : ndarray of float64, shape (n_series, n_times)
        NaN where nothing was observed.
    index : Index, shape (n_times,)
    labels : Index, shape (n_series,)
    single : bool
        Whether one series was given, not a table.
    named : bool
        Whether the times have names: a pandas object was given, not an array.

    Notes
    -----
    Introduced in chapter 03.
    """

    numbers: np.ndarray
    index: pd.Index
    labels: pd.Index
    single: bool
    named: bool


def read_panel(series: SeriesLike) -> Panel:
    """Bring one series, or many with time down, into one form.

    Parameters
    ----------
    series : Series or ndarray, shape (n_times,); or DataFrame or ndarray, (n_times, n_series)
        Numbers at equal steps; NaN where nothing was observed.

    Returns
    -------
    Panel

    Raises
    ------
    ValueError
        If there is nothing, a value is infinite or no number, there are three axes, or dates do
        not follow each other in equal steps: a gap must be a row of NaN.

    Notes
    -----
    Introduced in chapter 03.

    Examples
    --------
    >>> read_panel(np.array([1.0, np.nan, 2.0])).numbers
    array([[ 1., nan,  2.]])
    """
    single = np.ndim(series) == 1
    try:
        table = pd.DataFrame(series).astype("float64")
    except (TypeError, ValueError) as error:
        raise ValueError(f"series: expected numbers with time down, found {error}") from error
    values = np.ascontiguousarray(table.to_numpy().T)
    if not values.size:
        raise ValueError(f"series: expected times and series, found shape {np.shape(series)}")
    if np.isinf(values).any():
        row, column = np.argwhere(np.isinf(values.T))[0]
        where = f"time {table.index[row]}, series {table.columns[column]}"
        raise ValueError(f"series: expected finite numbers or NaN, found inf at {where}")
    _check_steps(table.index)
    named = isinstance(series, (pd.DataFrame, pd.Series))
    return Panel(values, table.index, table.columns, single, named)


def _check_steps(index: pd.Index) -> None:
    """Dates must be a calendar without holes: lag 7 of days is a week only then."""
    if not isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex)) or len(index) < 3:
        return
    if isinstance(index, pd.PeriodIndex):
        regular = bool((np.diff(index.asi8) == 1).all())
    else:
        regular = index.freq is not None or pd.infer_freq(index) is not None
    if not (regular and index.is_monotonic_increasing):
        steps = index.to_series().diff()
        odd = index[1:][(steps[1:] != steps[1:].mode()[0]).to_numpy()]
        raise ValueError(
            f"series: expected times in order and in equal steps, with NaN where nothing was "
            f"observed; found another step at {odd[0] if len(odd) else index[0]}"
        )


def check_series(values: np.ndarray, n_needed: int) -> np.ndarray:
    """Say of each series whether it can be fitted, and if not, why.

    Parameters
    ----------
    values : ndarray of float64, shape (n_series, n_times)
    n_needed : int
        Observed values without which there is no estimate.

    Returns
    -------
    ndarray of object (str), shape (n_series,)
        "ok", "all missing", "constant" or "too short".

    Notes
    -----
    Raises nothing. Introduced in chapter 03.

    Examples
    --------
    >>> check_series(np.array([[1.0, 1, 1], [1, 2, np.nan], [1, 2, 4]]), 3).tolist()
    ['constant', 'too short', 'ok']
    """
    n_observed = np.isfinite(values).sum(axis=1)
    low, high = np.fmin.reduce(values, axis=1), np.fmax.reduce(values, axis=1)
    status = np.full(len(values), OK, dtype=object)
    status[n_observed < n_needed] = TOO_SHORT
    # Equal up to rounding: a mean of equal numbers may differ from them in the last digit.
    status[(high - low <= 1e-12 * np.abs(high)) & (n_observed > 1)] = CONSTANT
    status[n_observed == 0] = ALL_MISSING
    return status


def require_estimate(status: np.ndarray, *, single: bool, n_needed: int) -> None:
    """Raise if one series was given and it has no estimate; a table keeps a flagged row.

    Parameters
    ----------
    status : ndarray of str, shape (n_series,)
    single : bool
    n_needed : int

    Raises
    ------
    ValueError
        Saying what is wrong with the series.

    Notes
    -----
    Introduced in chapter 03.

    Examples
    --------
    >>> require_estimate(np.array(["constant"]), single=True, n_needed=3)
    Traceback (most recent call last):
    ValueError: series: expected at least 3 observed values that differ, found it constant
    """
    if single and status[0] in NO_ESTIMATE:
        raise ValueError(
            f"series: expected at least {n_needed} observed values that differ, "
            f"found it {status[0]}"
        )


@dataclass(frozen=True, eq=False, repr=False)
class ArmaFit:
    """Estimates of y_t = β'x_t + u_t, u_t = Σ φ_i u_{t−i} + ε_t + Σ θ_j ε_{t−j}, for many series.

    Attributes
    ----------
    method : str
        ols, yule_walker, burg, exact likelihood, or statsmodels.
    labels : Index, shape (n_series,)
    ar : ndarray of float64, shape (n_series, p)
        φ; NaN in rows whose status is "all missing", "constant" or "too short".
    ma : ndarray of float64, shape (n_series, q)
        θ, with a plus sign.
    beta : ndarray of float64, shape (n_series, n_regressors)
        Coefficients of the regressors; the mean of the series if there is only a constant.
    regressors : tuple of str, length n_regressors
    sigma2 : ndarray of float64, shape (n_series,)
        Variance of the innovations ε.
    ar_error, ma_error, beta_error : ndarray, shapes of ar, ma and beta
        Standard errors; NaN where the method has none.
    log_likelihood : ndarray of float64, shape (n_series,)
        NaN for the moment estimators.
    n_used : ndarray of int, shape (n_series,)
        Equations (least squares) or observed values (the rest) that went into the estimate.
    status : ndarray of str, shape (n_series,)
        "ok", or what is wrong: "all missing", "constant", "too short", "regressors dependent" (no
        estimate), "unit root" (estimate on or outside the edge of stationarity), "not converged".

    Notes
    -----
    Introduced in chapter 03.
    """

    method: str
    labels: pd.Index
    ar: np.ndarray
    ma: np.ndarray
    beta: np.ndarray
    regressors: tuple[str, ...]
    sigma2: np.ndarray
    ar_error: np.ndarray
    ma_error: np.ndarray
    beta_error: np.ndarray
    log_likelihood: np.ndarray
    n_used: np.ndarray
    status: np.ndarray

    def __repr__(self) -> str:
        """Order, method and how many series went well."""
        good = int((self.status == OK).sum())
        order = f"ARMA({self.ar.shape[1]}, {self.ma.shape[1]})"
        return f"ArmaFit({order} by {self.method}, {good:,} of {len(self.status):,} series ok)"

    @property
    def order(self) -> tuple[int, int]:
        """AR and MA order."""
        return self.ar.shape[1], self.ma.shape[1]

    @property
    def n_parameters(self) -> int:
        """φ, θ, β and σ²."""
        return self.ar.shape[1] + self.ma.shape[1] + self.beta.shape[1] + 1

    @property
    def aic(self) -> np.ndarray:
        """Akaike's criterion of each series, −2 ln L + 2 k."""
        return -2 * self.log_likelihood + 2 * self.n_parameters

    @property
    def bic(self) -> np.ndarray:
        """Schwarz's criterion of each series, −2 ln L + k ln n."""
        return -2 * self.log_likelihood + self.n_parameters * np.log(self.n_used)

    def table(self) -> pd.DataFrame:
        """One row a series: estimates, residual standard deviation, n and status.

        Returns
        -------
        DataFrame, shape (n_series, n_parameters + 2)

        Notes
        -----
        Raises nothing. Introduced in chapter 03.

        Examples
        --------
        >>> from stim_lib.series import fit_ar
        >>> fit_ar(np.array([1.0, 3, 2, 4, 3, 5]), 1).table().round(3)
            mean    ar1  sigma  n status
        0  3.37 -0.038  1.316  5     ok
        """
        parts = [
            (list(self.regressors), self.beta),
            ([f"ar{lag + 1}" for lag in range(self.ar.shape[1])], self.ar),
            ([f"ma{lag + 1}" for lag in range(self.ma.shape[1])], self.ma),
        ]
        table = pd.concat(
            [pd.DataFrame(values, self.labels, names) for names, values in parts if names], axis=1
        )
        return table.assign(sigma=np.sqrt(self.sigma2), n=self.n_used, status=self.status)

    def take(self, rows: np.ndarray) -> ArmaFit:
        """The same for some of the series.

        Parameters
        ----------
        rows : array of int or bool
            Positions, or which to keep.

        Returns
        -------
        ArmaFit

        Notes
        -----
        Raises IndexError if a position is outside. Introduced in chapter 03.

        Examples
        --------
        >>> from stim_lib.series import fit_ar
        >>> y = np.random.default_rng(0).normal(size=(50, 3))
        >>> fit_ar(y, 1).take([0, 2])
        ArmaFit(ARMA(1, 0) by ols, 2 of 2 series ok)
        """
        whole = ("method", "regressors")
        kept = {name: value if name in whole else value[rows] for name, value in vars(self).items()}
        return ArmaFit(**kept)
