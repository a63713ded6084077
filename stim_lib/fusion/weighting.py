"""Weighting: columns multiplied by what they seem to be worth.

Introduced in chapter 06.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.utils import Tags, check_random_state
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from stim_lib.fusion.columns import positions_of, require_mapping

MEASURES = ("variance", "mutual_information", "model")


class FeatureWeighting(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Multiply each column by a weight learnt from the training rows.

    Parameters
    ----------
    by : {"variance", "mutual_information", "model"}
        What a column is worth. variance: as it stands, so that it depends on the unit, and is the
        same for all once columns are standardised. mutual_information: with y, each column for
        itself, in nats, estimated from nearest neighbours. model: what a model makes of the
        standardised columns together, the mean over classes of abs(coefficient), or the
        ``feature_importances_``.
    blocks : mapping of str to sequence of (str or int), optional
        Block → its columns, by name or position; each column in just one. All columns of a block
        get its mean worth. Without it each column stands for itself.
    estimator : estimator with ``coef_`` or ``feature_importances_``, optional
        For "model"; by default ridge regression if y holds numbers that are not whole, else
        logistic regression. Counts are whole, and so are taken for classes, here and by the
        mutual information: pass a regression, or y + 0.5, if they are amounts.
    random_state : int, RandomState or None
        For "mutual_information", which breaks ties by a little noise, and for a model that has
        such a setting.

    Attributes
    ----------
    weights_ : ndarray of float64, shape (n_features,)
        Not negative, mean 1, without a unit: equal columns pass unchanged. If nothing is worth
        anything, all are 1.
    worth_ : ndarray of float64, shape (n_features,)
        Before blocks and scaling: the variance itself, for one; inf where that is too large.

    Raises
    ------
    ValueError
        If `by` is unknown, blocks are empty or miss or repeat a column, or y is needed and
        missing.

    Notes
    -----
    weight = worth / mean(worth); output = weight · column. A linear model without a penalty takes
    the weights back by dividing its coefficients, and predicts the same. A ridge penalty λβ² of
    the weighted column is λβ²/weight² of the plain one, and a nearest neighbour weighs a squared
    difference by weight²: there it matters. Mutual information asks column by column, so that
    two copies of one column get the weight of two; it is no statement of what a column adds to
    others. Its estimator, Ross (2014), doi:10.1371/journal.pone.0087357, takes every column for
    continuous: of a flag, with its many ties, it wobbles by some thousandths of a nat from one
    random_state to the next, more than a weak flag is worth. Weights chosen by hand,
    block by block, are `transformer_weights` of scikit-learn's ColumnTransformer. Introduced in
    chapter 06.

    Examples
    --------
    The variances are 1 and 9.

    >>> weighting = FeatureWeighting("variance").fit([[-1.0, -3.0], [1.0, 3.0]])
    >>> weighting.worth_, weighting.weights_
    (array([1., 9.]), array([0.2, 1.8]))
    >>> weighting.transform([[1.0, 1.0]])
    array([[0.2, 1.8]])
    """

    def __init__(
        self,
        by: Literal["variance", "mutual_information", "model"] = "variance",
        *,
        blocks: Mapping[str, Sequence[str | int]] | None = None,
        estimator: BaseEstimator | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.by = by
        self.blocks = blocks
        self.estimator = estimator
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        """See scikit-learn: y is needed by all measures but the variance."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.by != "variance"
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn the weights.

        Parameters
        ----------
        X : array or DataFrame of numbers, shape (n_rows, n_features)
            Training rows alone: weights that have seen the test leak it.
        y : array, shape (n_rows,), optional
            Classes or numbers; needed unless `by` is "variance".

        Returns
        -------
        FeatureWeighting
        """
        if self.by not in MEASURES:
            raise ValueError(f"by: expected one of {MEASURES}, found {self.by!r}")
        if self.by == "variance":
            X = validate_data(self, X, dtype=[np.float64, np.float32])
        else:
            kinds = [np.float64, np.float32]
            X, y = validate_data(self, X, y, dtype=kinds, ensure_min_samples=2)
        X = X.astype(np.float64)
        # Of the numbers over their largest, or squares of large ones would overflow.
        largest = np.abs(X).max(initial=1.0) if self.by == "variance" else 1.0
        worth = self._worth(X / largest, y)
        with np.errstate(over="ignore"):
            self.worth_ = worth * largest * largest
        for columns in self._block_positions():
            worth[columns] = worth[columns].mean()
        mean = worth.mean()
        self.weights_ = worth / mean if mean > 0 else np.ones_like(worth)
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Multiply each column by its weight.

        Parameters
        ----------
        X : array or DataFrame of numbers, shape (n_rows, n_features)

        Returns
        -------
        ndarray of float, shape (n_rows, n_features)
            A DataFrame after `set_output(transform="pandas")`.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return X * self.weights_.astype(X.dtype)

    def _worth(self, X: np.ndarray, y: ArrayLike | None) -> np.ndarray:
        if self.by == "variance":
            return np.var(X, axis=0)
        continuous = type_of_target(y).startswith("continuous")
        if self.by == "mutual_information":
            from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

            measure = mutual_info_regression if continuous else mutual_info_classif
            return measure(X, y, random_state=self.random_state)
        return self._model_worth(X, y, continuous)

    def _model_worth(self, X: np.ndarray, y: ArrayLike, continuous: bool) -> np.ndarray:
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.preprocessing import StandardScaler

        if self.estimator is not None:
            model = clone(self.estimator)
        else:
            model = Ridge() if continuous else LogisticRegression(max_iter=1000)
        if "random_state" in model.get_params() and self.random_state is not None:
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
            model.set_params(random_state=seed)
        model.fit(StandardScaler().fit_transform(X), y)
        if hasattr(model, "coef_"):
            return np.abs(model.coef_).reshape(-1, X.shape[1]).mean(axis=0)
        if hasattr(model, "feature_importances_"):
            return np.asarray(model.feature_importances_, dtype=np.float64)
        raise ValueError(
            "estimator: expected a model with coef_ or feature_importances_ once fitted, found "
            f"{type(model).__name__}; a linear model or a forest has them"
        )

    def _block_positions(self) -> list[np.ndarray]:
        if self.blocks is None:
            return []
        names = getattr(self, "feature_names_in_", None)
        require_mapping(self.blocks)
        found = [positions_of(columns, self.n_features_in_, names)
                 for columns in self.blocks.values()]  # fmt: skip
        for name, columns in zip(self.blocks, found, strict=True):
            if not len(columns):
                raise ValueError(f"blocks: expected columns in each block, found none in {name!r}")
        every = np.sort(np.concatenate([*found, np.zeros(0, dtype=int)]))
        if not np.array_equal(every, np.arange(self.n_features_in_)):
            raise ValueError(
                f"blocks: expected each of the {self.n_features_in_} columns in just one block, "
                f"found positions {every.tolist()}"
            )
        return found
