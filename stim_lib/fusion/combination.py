"""Combination: new columns from two or more old ones.

All products of all columns are scikit-learn's PolynomialFeatures(interaction_only=True). Here are
products and ratios of chosen pairs, and crosses of categories. Introduced in chapter 06.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from stim_lib.fusion.columns import positions_of
from stim_lib.fusion.units import units_of

OTHER = "other"


class _Missing:
    """Stands for a value that is missing; equal to no text."""

    def __repr__(self) -> str:
        return "(missing)"

    def __reduce__(self) -> str:
        return "MISSING"  # one object, also after pickling


MISSING = _Missing()


def _is_text(column: pd.Series, name: object) -> bool | None:
    """Whether a column holds text; None if it holds nothing."""
    told = {isinstance(value, str) for value in column.dropna().unique()}
    if len(told) == 2:
        raise ValueError(
            f"column {name!r}: expected text or numbers, found both; give all one type"
        )
    return told.pop() if told else None


def _label(value: object) -> str:
    """A value as it stands in a name, in quotes if that could be read as another name."""
    return repr(value) if isinstance(value, str) and set(value) & set("*=()'") else str(value)


class ProductFeatures(TransformerMixin, BaseEstimator):
    """Multiply chosen pairs of columns.

    Parameters
    ----------
    pairs : sequence of (str or int, str or int), shape (n_pairs,)
        By name or position; list(itertools.product(time, space)) gives all between two blocks.
    units : mapping of str to str, optional
        Units of features whose names don't tell them; see `unit_of`.

    Raises
    ------
    ValueError
        If there is no pair, a pair is not two columns, or a column is missing.

    Notes
    -----
    a*b = a · b. The result holds the products alone: a model that should see a and b too gets them
    beside it, by FeatureUnion. Centre columns first, or a product mostly repeats its factors.
    Unlike PolynomialFeatures, no pair comes that was not asked for. Introduced in chapter 06.

    Examples
    --------
    >>> table = pd.DataFrame({"jump_metres": [2.0, 5.0], "gap_hours": [3.0, 10.0]})
    >>> product = ProductFeatures([("jump_metres", "gap_hours")]).fit(table)
    >>> product.transform(table).ravel(), product.get_feature_units_out()
    (array([ 6., 50.]), array(['metres·hours'], dtype=object))
    """

    _sign = "*"

    def __init__(
        self,
        pairs: Sequence[tuple[str | int, str | int]],
        *,
        units: Mapping[str, str] | None = None,
    ) -> None:
        self.pairs = pairs
        self.units = units

    def __sklearn_tags__(self) -> Tags:
        """See scikit-learn: what is missing stays missing."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Find the columns; nothing is learnt from the numbers.

        Parameters
        ----------
        X : array or DataFrame of numbers, shape (n_rows, n_columns)
        y : object
            Ignored.

        Returns
        -------
        ProductFeatures or RatioFeatures
        """
        if not isinstance(self.pairs, Sequence | np.ndarray) or isinstance(self.pairs, str):
            raise ValueError(
                f"pairs: expected a list of pairs of columns, found {type(self.pairs).__name__}; "
                "list(...) makes one of an iterator"
            )
        if len(self.pairs) == 0 or any(
            isinstance(pair, str) or np.size(pair) != 2 for pair in self.pairs
        ):
            raise ValueError(f"pairs: expected pairs of two columns each, found {self.pairs!r}")
        validate_data(self, X, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan")
        names = getattr(self, "feature_names_in_", None)
        self.positions_ = np.array(
            [positions_of(pair, self.n_features_in_, names) for pair in self.pairs]
        )
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Combine the pairs.

        Parameters
        ----------
        X : array or DataFrame of numbers, shape (n_rows, n_columns)

        Returns
        -------
        ndarray of float, shape (n_rows, n_pairs)
            A DataFrame after `set_output(transform="pandas")`. NaN where either is NaN.
        """
        check_is_fitted(self)
        X = validate_data(
            self,
            X,
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
            reset=False,
        )
        return self._combine(X[:, self.positions_[:, 0]], X[:, self.positions_[:, 1]])

    def _combine(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return left * right

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Name each pair: a*b, or a/b.

        Parameters
        ----------
        input_features : sequence of str, optional
            As in scikit-learn.

        Returns
        -------
        ndarray of str objects, shape (n_pairs,)
        """
        check_is_fitted(self)
        names = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        pairs = [self._sign.join(names[pair]) for pair in self.positions_]
        return np.array(pairs, dtype=object)

    def get_feature_units_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Give the unit of each pair.

        Parameters
        ----------
        input_features : sequence of str, optional
            As in `get_feature_names_out`.

        Returns
        -------
        ndarray of str objects, shape (n_pairs,)
            metres·hours of a product, metres/hours of a ratio; see `unit_of`.
        """
        return units_of(self.get_feature_names_out(input_features), self.units)


class RatioFeatures(ProductFeatures):
    """Divide chosen pairs of columns.

    Parameters
    ----------
    pairs : sequence of (str or int, str or int), shape (n_pairs,)
        What stands above and below the line, by name or position.
    floor : float, optional
        In the unit of what stands below, above 0. What is nearer to zero than this is moved
        there, keeping its sign; zero counts as positive. Without it a ratio by zero is NaN.
    units : mapping of str to str, optional
        Units of features whose names don't tell them; see `unit_of`.

    Raises
    ------
    ValueError
        As `ProductFeatures`; or if the floor is not positive.

    Notes
    -----
    a/b = a / b. A small b makes a huge ratio, and one such row can decide a linear model: give a
    floor, or take the logarithm. The result holds the ratios alone. Introduced in chapter 06.

    Examples
    --------
    A jump of 600 m in 0.2 hours, and one of 5 m in none.

    >>> table = pd.DataFrame({"jump_metres": [600.0, 5.0], "gap_hours": [0.2, 0.0]})
    >>> pairs = [("jump_metres", "gap_hours")]
    >>> RatioFeatures(pairs).fit_transform(table).ravel()
    array([3000.,   nan])
    >>> RatioFeatures(pairs, floor=0.1).fit_transform(table).ravel()
    array([3000.,   50.])
    """

    _sign = "/"

    def __init__(
        self,
        pairs: Sequence[tuple[str | int, str | int]],
        *,
        floor: float | None = None,
        units: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(pairs, units=units)
        self.floor = floor

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Find the columns; see `ProductFeatures.fit`."""
        if self.floor is not None and not self.floor > 0:
            raise ValueError(f"floor: expected a number above 0 or None, found {self.floor}")
        return super().fit(X, y)

    def _combine(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        if self.floor is not None:
            near = np.abs(right) < self.floor
            right = np.where(near, np.copysign(right.dtype.type(self.floor), right + 0.0), right)
        gap = np.full_like(left, np.nan)
        return np.divide(left, right, out=gap, where=right != 0)


class CrossFeatures(TransformerMixin, BaseEstimator):
    """One column for each combination of categories that training has seen often enough.

    Parameters
    ----------
    min_count : int
        Training rows that a combination needs for a column of its own, 1 or more.
    sparse_output : bool
        A sparse matrix; else a dense array, which `set_output(transform="pandas")` needs.

    Attributes
    ----------
    combinations_ : MultiIndex, shape (n_combinations,)
        Those with a column, in order.

    Raises
    ------
    ValueError
        If `min_count` is not 1 or more, a column mixes text with numbers, or is text where
        training had numbers, or the other way round: 1 and "1" are different categories.

    Notes
    -----
    All columns that come in are crossed with each other, so choose them with a ColumnTransformer.
    Each row of the result has one 1: in the column of its combination, or in the last one, named
    other, if that was rare or is new. A missing value is a category of its own, named (missing).
    Values are named as they are, but text that looks like another name, with "*" or "=" or
    brackets in it, in quotes. With the joined
    labels as one column, OneHotEncoder(handle_unknown="infrequent_if_exist") gives the same,
    except that its last column is there only if training had rare ones. Where combinations are
    too many to keep, FeatureHasher of scikit-learn needs no vocabulary. Introduced in chapter 06.

    Examples
    --------
    >>> table = pd.DataFrame({"cell": ["a", "a", "b"], "hour": [9, 9, 9]})
    >>> cross = CrossFeatures(min_count=2, sparse_output=False).fit(table)
    >>> cross.get_feature_names_out()
    array(['cell=a*hour=9', 'other'], dtype=object)
    >>> cross.transform(table).tolist()
    [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """

    def __init__(self, *, min_count: int = 1, sparse_output: bool = True) -> None:
        self.min_count = min_count
        self.sparse_output = sparse_output

    def __sklearn_tags__(self) -> Tags:
        """See scikit-learn: categories, text among them, and missing ones."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _combinations(self, X: ArrayLike, reset: bool) -> pd.MultiIndex:
        is_table = hasattr(X, "columns")
        valid = validate_data(
            self, X, dtype=None, ensure_all_finite=False, reset=reset,
            skip_check_array=is_table,
        )  # fmt: skip
        table = X if is_table else pd.DataFrame(valid)
        if len(table) == 0:
            raise ValueError("expected at least one row, found 0 sample(s) and a minimum of 1")
        columns = [table.iloc[:, i].astype(object) for i in range(table.shape[1])]
        self._require_kinds(columns, table, reset)
        return pd.MultiIndex.from_arrays([c.where(c.notna(), MISSING) for c in columns])

    def _require_kinds(self, columns: list[pd.Series], table: pd.DataFrame, reset: bool) -> None:
        is_text = [_is_text(c, name) for c, name in zip(columns, table.columns, strict=True)]
        if reset:
            self.is_text_ = is_text
        for name, known, found in zip(table.columns, self.is_text_, is_text, strict=True):
            if None not in (known, found) and known != found:
                kinds = {True: "text", False: "numbers"}
                raise ValueError(
                    f"column {name!r}: expected {kinds[known]} as in training, found "
                    f"{kinds[found]}; give both the same type"
                )

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn which combinations there are.

        Parameters
        ----------
        X : array or DataFrame of categories, shape (n_rows, n_columns)
        y : object
            Ignored.

        Returns
        -------
        CrossFeatures
        """
        if not self.min_count >= 1:
            raise ValueError(f"min_count: expected 1 or more, found {self.min_count}")
        codes, found = self._combinations(X, reset=True).factorize()
        frequent = found[np.bincount(codes) >= self.min_count]
        # By what they look like: a missing value among numbers has no place in their order.
        looks = [tuple(map(str, row)) for row in frequent]
        self.combinations_ = frequent[sorted(range(len(looks)), key=looks.__getitem__)]
        return self

    def transform(self, X: ArrayLike) -> sparse.csr_matrix | np.ndarray:
        """Mark the combination of each row.

        Parameters
        ----------
        X : array or DataFrame of categories, shape (n_rows, n_columns)

        Returns
        -------
        sparse matrix or ndarray of float64, shape (n_rows, n_combinations + 1)
        """
        check_is_fitted(self)
        found = self.combinations_.get_indexer(self._combinations(X, reset=False))
        n_known = len(self.combinations_)
        column = np.where(found < 0, n_known, found)
        marks = sparse.csr_matrix(
            (np.ones(len(column)), column, np.arange(len(column) + 1)),
            shape=(len(column), n_known + 1),
        )
        return marks if self.sparse_output else marks.toarray()

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Name each combination: cell=a*hour=9; the last is "other".

        Parameters
        ----------
        input_features : sequence of str, optional
            As in scikit-learn.

        Returns
        -------
        ndarray of str objects, shape (n_combinations + 1,)
        """
        check_is_fitted(self)
        names = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        rows = self.combinations_.tolist()
        marks = ["*".join(f"{n}={_label(v)}" for n, v in zip(names, row, strict=True))
                 for row in rows]  # fmt: skip
        return np.array([*marks, OTHER], dtype=object)
