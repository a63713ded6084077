"""Make stated probabilities agree with what follows, by what followed on the validation part.

Introduced in chapter 11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.isotonic import IsotonicRegression

from stim_lib.interest.surprise import columns_of

METHODS = ("temperature", "isotonic")
LOG_TEMPERATURES = (-3.0, 3.0)
LEAST_SHARE = 1e-4


@dataclass(frozen=True)
class Calibration:
    """A rule that turns shares into better calibrated ones.

    Attributes
    ----------
    method : "temperature" or "isotonic"
    temperature : float
        Above 1 where the model was too sure; NaN for isotonic.
    curves : dict of kind to IsotonicRegression
        Empty for temperature.

    Examples
    --------
    >>> shares = pd.DataFrame({"a": [0.8], "b": [0.2]})
    >>> Calibration("temperature", 2.0, {}).apply(shares).round(3)
           a      b
    0  0.667  0.333
    """

    method: str
    temperature: float
    curves: dict[str, IsotonicRegression]

    def apply(self, shares: pd.DataFrame) -> pd.DataFrame:
        """Calibrate shares of any queries; returns shares, rows of sum 1."""
        if self.method == "temperature":
            logs = np.log(np.maximum(shares.to_numpy(dtype=float), 1e-12)) / self.temperature
            return pd.DataFrame(np.exp(log_softmax(logs, axis=1)), shares.index, shares.columns)
        if list(shares) != list(self.curves):
            raise ValueError(
                f"shares: expected the kinds {list(self.curves)}, found {list(shares)}"
            )
        table = np.column_stack(
            [curve.predict(shares[kind]) for kind, curve in self.curves.items()]
        )
        table = np.maximum(table, LEAST_SHARE)
        return pd.DataFrame(table / table.sum(axis=1, keepdims=True), shares.index, shares.columns)


def fit_calibration(
    shares: pd.DataFrame,
    truth: pd.Series,
    *,
    method: Literal["temperature", "isotonic"] = "temperature",
) -> Calibration:
    """Learn from the validation part how far stated shares can be believed.

    Parameters
    ----------
    shares : DataFrame of float, shape (n_queries, n_kinds)
        What a model, fitted on the training part, says of the validation part.
    truth : Series of str, shape (n_queries,)
    method : "temperature" or "isotonic"
        One number for all, or one rising curve for each kind.

    Returns
    -------
    Calibration

    Raises
    ------
    ValueError
        If the method is not known, indexes differ, or a row is no probability.

    Notes
    -----
    Temperature: p' ∝ p^(1/T), with the T of the least log-loss. It keeps the order of the kinds.
    Isotonic: the rising step function nearest to the 0/1 outcomes of a kind, by scikit-learn; the
    results are scaled to sum 1. Sources: Guo et al. (2017), ICML, arXiv:1706.04599; Zadrozny and
    Elkan (2002), KDD, doi:10.1145/775047.775151. Introduced in chapter 11.

    Examples
    --------
    Four times it said 90 % of a, and was right in three of them.

    >>> shares = pd.DataFrame({"a": [0.9] * 4, "b": [0.1] * 4})
    >>> rule = fit_calibration(shares, pd.Series(["a", "a", "a", "b"]))
    >>> rule.temperature.round(3), rule.apply(shares)["a"].round(3).iloc[0]
    (np.float64(2.0), np.float64(0.75))
    """
    if method not in METHODS:
        raise ValueError(f"method: expected one of {', '.join(METHODS)}, found {method!r}")
    columns = columns_of(shares, truth)
    numbers = shares.to_numpy(dtype=float)
    if method == "isotonic":
        curves = {
            kind: IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(
                numbers[:, column], columns == column
            )
            for column, kind in enumerate(shares)
        }
        return Calibration(method, float("nan"), curves)
    logs, rows = np.log(np.maximum(numbers, 1e-12)), np.arange(len(columns))

    def log_loss(log_temperature: float) -> float:
        return -log_softmax(logs / np.exp(log_temperature), axis=1)[rows, columns].mean()

    found = minimize_scalar(log_loss, bounds=LOG_TEMPERATURES, method="bounded",
                            options={"xatol": 1e-6})  # fmt: skip
    return Calibration(method, np.float64(np.exp(found.x)), {})
