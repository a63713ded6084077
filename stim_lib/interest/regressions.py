"""One regression for each kind, made into shares.

Introduced in chapter 11.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.linear_model import Ridge
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

LEAST_RATE = 1e-6


class KindByKind(ClassifierMixin, BaseEstimator):
    """Predict how much of each kind will come, one regression a kind, and share it out.

    Parameters
    ----------
    regressor : scikit-learn regressor, optional
        Copied for every kind. Default: `Ridge`. With `PoissonRegressor` the rates are positive by
        construction; with a linear one they need not be.
    least_rate : float
        What a rate below it is raised to, so that every kind has a share; above 0.

    Attributes
    ----------
    classes_ : ndarray, shape (n_kinds,)
    regressors_ : list of regressors

    Raises
    ------
    ValueError
        If `least_rate` is not positive, or there is one kind alone.

    Notes
    -----
    p_k = r_k / Σ r, with r_k the regression of the 0/1 column "it was kind k". Poisson counts of
    several kinds, given their sum, are multinomial with these shares. Source: McCullagh and Nelder
    (1989), Generalized Linear Models, 2nd ed., section 6.4. Introduced in chapter 11.

    Examples
    --------
    >>> model = KindByKind().fit([[0.0], [0.0], [1.0], [1.0]], ["a", "a", "b", "b"])
    >>> model.predict([[0.0], [1.0]]).tolist()
    ['a', 'b']
    """

    def __init__(
        self, regressor: RegressorMixin | None = None, *, least_rate: float = LEAST_RATE
    ) -> None:
        self.regressor = regressor
        self.least_rate = least_rate

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit one regression for each kind.

        Parameters
        ----------
        X : array or DataFrame of numbers, shape (n_rows, n_features)
        y : array, shape (n_rows,)
            The kind that came.

        Returns
        -------
        KindByKind
        """
        if not self.least_rate > 0:
            raise ValueError(f"least_rate: expected a number above 0, found {self.least_rate}")
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y: expected two kinds or more, found one class alone: {self.classes_}"
            )
        prototype = Ridge() if self.regressor is None else self.regressor
        self.regressors_ = [
            clone(prototype).fit(X, (y == kind).astype(float)) for kind in self.classes_
        ]
        return self

    def predict_rates(self, X: ArrayLike) -> np.ndarray:
        """Predict each kind's rate as the regression gives it, negative ones included.

        Parameters
        ----------
        X : array or DataFrame of numbers, shape (n_rows, n_features)

        Returns
        -------
        ndarray of float64, shape (n_rows, n_kinds)
            Expected actions of each kind in one query.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return np.column_stack([regressor.predict(X) for regressor in self.regressors_])

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Share the rates out.

        Parameters
        ----------
        X : array or DataFrame of numbers, shape (n_rows, n_features)

        Returns
        -------
        ndarray of float64, shape (n_rows, n_kinds)
            Rows sum to 1.
        """
        rates = np.maximum(self.predict_rates(X), self.least_rate)
        return rates / rates.sum(axis=1, keepdims=True)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Name the kind with the largest share.

        Parameters
        ----------
        X : array or DataFrame of numbers, shape (n_rows, n_features)

        Returns
        -------
        ndarray, shape (n_rows,)
        """
        rates = self.predict_rates(X)
        return self.classes_[rates.argmax(axis=1)]
