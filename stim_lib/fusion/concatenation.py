"""Concatenation: blocks side by side, none of them drowned by a wider one.

Introduced in chapter 06.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from stim_lib.fusion.columns import require_mapping
from stim_lib.fusion.units import DIMENSIONLESS, units_of

SCALES = (None, "columns", "width", "singular_value")
STANDARD_DEVIATIONS = "standard deviations"


class BlockScaling(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Divide a whole block of columns by one number, so that blocks weigh alike.

    Parameters
    ----------
    by : {"width", "singular_value"}
        width: the square root of the number of columns that vary. singular_value: the standard
        deviation of the block along the direction in which it varies most.

    Attributes
    ----------
    divisor_ : float
        1 for a block that does not vary.

    Raises
    ------
    ValueError
        If `by` is unknown.

    Notes
    -----
    singular_value divides by σ₁/√n, with σ₁ the largest singular value of the n centred rows.
    Columns that repeat each other then count once, and no block can give the joint table its
    first direction by itself: multiple factor analysis. width takes all columns for independent;
    one that is constant in training, or all NaN, has no say and isn't counted, so that the total
    variance of standardised blocks is 1 each. Standardise columns of different units first.
    Source: Escofier and Pagès (1994), doi:10.1016/0167-9473(94)90135-X. Introduced in chapter 06.

    Examples
    --------
    Two copies of a column vary by √2 along their diagonal, and so does a block of width two.

    >>> block = np.array([[-1.0, -1.0], [1.0, 1.0]])
    >>> BlockScaling("singular_value").fit(block).divisor_.round(3)
    np.float64(1.414)
    """

    def __init__(self, by: Literal["width", "singular_value"] = "width") -> None:
        self.by = by

    def __sklearn_tags__(self) -> Tags:
        """See scikit-learn: NaN passes, unless singular values are wanted."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.by == "width"
        return tags

    def _valid(self, X: ArrayLike, reset: bool) -> np.ndarray:
        finite = "allow-nan" if self.by == "width" else True
        return validate_data(
            self, X, dtype=[np.float64, np.float32], ensure_all_finite=finite, reset=reset
        )

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn the divisor from the training rows.

        Parameters
        ----------
        X : array or DataFrame of numbers, shape (n_rows, n_features)
            NaN only with "width".
        y : object
            Ignored.

        Returns
        -------
        BlockScaling
        """
        if self.by not in SCALES[2:]:
            raise ValueError(f"by: expected one of {SCALES[2:]}, found {self.by!r}")
        X = self._valid(X, reset=True)
        if self.by == "width":
            self.divisor_ = np.sqrt(np.float64(max(_n_varying(X), 1)))
            return self
        centred = X.astype(np.float64) - X.mean(axis=0, dtype=np.float64)
        divisor = np.linalg.norm(centred, 2) / np.sqrt(len(X))
        # Rounding leaves a little variance in a constant column.
        noise = np.finfo(np.float64).eps * np.abs(X).max() * np.sqrt(X.size)
        self.divisor_ = divisor if divisor > noise else np.float64(1.0)
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Divide the block.

        Parameters
        ----------
        X : array or DataFrame of numbers, shape (n_rows, n_features)

        Returns
        -------
        ndarray of float, shape (n_rows, n_features)
        """
        check_is_fitted(self)
        X = self._valid(X, reset=False)
        return X / self.divisor_.astype(X.dtype)


def _n_varying(X: np.ndarray) -> int:
    """Columns with two different numbers or more, beyond what rounding leaves of a constant."""
    told = np.where(np.isnan(X), np.inf, X)
    low = told.min(axis=0)
    high = np.where(np.isnan(X), -np.inf, X).max(axis=0)
    noise = np.finfo(X.dtype).eps * np.maximum(np.abs(low), np.abs(high))
    return int((high - low > np.where(np.isfinite(noise), noise, 0.0)).sum())


class Concatenation(TransformerMixin, BaseEstimator):
    """Lay blocks of columns side by side, with their names and units.

    Parameters
    ----------
    blocks : mapping of str to columns
        Block → its columns, as scikit-learn's ColumnTransformer takes them: names, positions,
        a slice, a mask or a callable. Columns in no block are left out.
    scale : {None, "columns", "width", "singular_value"}
        None leaves the numbers alone. columns: each is standardised. The other two standardise,
        then divide each block by one number, see `BlockScaling`.
    units : mapping of str to str, optional
        Units of features whose names don't tell them; see `unit_of`.

    Attributes
    ----------
    column_transformer_ : ColumnTransformer
        What does the work; one transformer per block.

    Raises
    ------
    ValueError
        If there is no block, `scale` is unknown, or a column is missing or holds text, in a
        block or not: select the columns first.

    Notes
    -----
    X = (block₁/s₁, block₂/s₂, …): the sum of the squared distances within the blocks. Unscaled,
    or with every column standardised, a block of 30 columns decides every distance and every
    ridge penalty against a block of two. NaN passes, except with "singular_value". Source:
    Escofier and Pagès (1994), doi:10.1016/0167-9473(94)90135-X. Introduced in chapter 06.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"recency_hours": [1.0, 3.0], "jump_metres": [0.0, 500.0]})
    >>> fused = Concatenation({"time": ["recency_hours"], "space": ["jump_metres"]}).fit(table)
    >>> fused.get_feature_names_out()
    array(['time__recency_hours', 'space__jump_metres'], dtype=object)
    >>> fused.get_feature_units_out()
    array(['hours', 'metres'], dtype=object)
    """

    def __init__(
        self,
        blocks: Mapping[str, object],
        *,
        scale: Literal["columns", "width", "singular_value"] | None = None,
        units: Mapping[str, str] | None = None,
    ) -> None:
        self.blocks = blocks
        self.scale = scale
        self.units = units

    def __sklearn_tags__(self) -> Tags:
        """See scikit-learn: NaN passes, unless singular values are wanted."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.scale != "singular_value"
        return tags

    def _valid(self, X: ArrayLike, reset: bool) -> ArrayLike:
        if isinstance(X, pd.DataFrame):
            text = [name for name in X if pd.api.types.is_string_dtype(X[name])]
            if text:
                raise ValueError(
                    f"column {text[0]!r}: expected numbers, found text; leave out such columns, "
                    "also those in no block, or put this into a ColumnTransformer"
                )
        finite = True if self.scale == "singular_value" else "allow-nan"
        valid = validate_data(
            self, X, dtype=[np.float64, np.float32], ensure_all_finite=finite, reset=reset
        )
        # The frame itself, whose columns the blocks may name.
        return X if hasattr(X, "columns") else valid

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn means, spreads and divisors from the training rows.

        Parameters
        ----------
        X : array or DataFrame of numbers, shape (n_rows, n_columns)
        y : object
            Ignored.

        Returns
        -------
        Concatenation
        """
        if self.scale not in SCALES:
            raise ValueError(f"scale: expected one of {SCALES}, found {self.scale!r}")
        require_mapping(self.blocks)
        for name, columns in self.blocks.items():
            if isinstance(columns, str):
                raise ValueError(
                    f"blocks: expected a list of columns for {name!r}, found the text {columns!r}; "
                    f"write [{columns!r}]"
                )
        X = self._valid(X, reset=True)
        steps = [(name, self._scaler(), columns) for name, columns in self.blocks.items()]
        self.column_transformer_ = ColumnTransformer(steps).fit(X)
        return self

    def _scaler(self) -> str | BaseEstimator:
        if self.scale is None:
            return "passthrough"
        if self.scale == "columns":
            return StandardScaler()
        return make_pipeline(StandardScaler(), BlockScaling(self.scale))

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Lay the blocks side by side.

        Parameters
        ----------
        X : array or DataFrame of numbers, shape (n_rows, n_columns)

        Returns
        -------
        ndarray of float, shape (n_rows, n_features)
            A DataFrame after `set_output(transform="pandas")`.
        """
        check_is_fitted(self)
        return self.column_transformer_.transform(self._valid(X, reset=False))

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Name each column of the result: block__column.

        Parameters
        ----------
        input_features : sequence of str, optional
            As in scikit-learn.

        Returns
        -------
        ndarray of str objects, shape (n_features,)
        """
        check_is_fitted(self)
        return self.column_transformer_.get_feature_names_out(input_features)

    def get_feature_units_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Give the unit of each column of the result.

        Parameters
        ----------
        input_features : sequence of str, optional
            As in `get_feature_names_out`.

        Returns
        -------
        ndarray of str objects, shape (n_features,)
            As the names tell if nothing is scaled; "standard deviations" if columns are; "1" if
            blocks are.
        """
        names = self.get_feature_names_out(input_features)
        if self.scale is None:
            return units_of(names, self.units)
        unit = STANDARD_DEVIATIONS if self.scale == "columns" else DIMENSIONLESS
        return np.full(len(names), unit, dtype=object)
