"""Yes-or-no predictions: precision, recall, F1 and accuracy, by their right names."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn import metrics as sklearn_metrics


def score_labels(actual: np.ndarray, predicted: np.ndarray) -> pd.Series:
    """Precision, recall, F1 and accuracy of yes-or-no predictions.

    Parameters
    ----------
    actual, predicted : array of bool, shape (n_cases,)
        0 and 1 are taken for False and True.

    Returns
    -------
    Series of float64
        precision = TP/(TP+FP), NaN if nothing was predicted; recall = TP/(TP+FN), NaN if nothing
        was there to find; f1 = 2TP/(2TP+FP+FN), NaN if all three are 0; accuracy = share of cases
        that are right.

    Raises
    ------
    ValueError
        If there are no cases, lengths (or indexes of Series) differ, or a value is neither yes nor
        no.

    Notes
    -----
    The article calls TP/(TP+FP) 准确率, which is the word for accuracy; precision is 精确率.
    Computed by scikit-learn. Introduced in chapter 13.

    Examples
    --------
    >>> score_labels([1, 0, 1, 0], [1, 1, 0, 0]).tolist()
    [0.5, 0.5, 0.5, 0.5]
    """
    require_same_index(actual, predicted)
    actual, predicted = as_labels(actual, "actual"), as_labels(predicted, "predicted")
    if len(actual) != len(predicted):
        raise ValueError(f"expected as many predictions as cases, found {len(predicted)} predicted "
                         f"and {len(actual)} actual")  # fmt: skip
    precision, recall, f1, _ = sklearn_metrics.precision_recall_fscore_support(
        actual, predicted, average="binary", zero_division=np.nan
    )
    accuracy = sklearn_metrics.accuracy_score(actual, predicted)
    return pd.Series({"precision": precision, "recall": recall, "f1": f1, "accuracy": accuracy})


def require_same_index(*values: object) -> None:
    """Refuse Series whose rows do not belong together; arrays pass.

    Parameters
    ----------
    *values : array or Series

    Raises
    ------
    ValueError
        If two Series have different indexes.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> require_same_index(pd.Series([1, 0]), [0, 1])
    """
    indexes = [value.index for value in values if isinstance(value, pd.Series)]
    if any(not index.equals(indexes[0]) for index in indexes[1:]):
        raise ValueError("expected Series with one and the same index, found different ones")


def as_labels(values: np.ndarray, name: str) -> np.ndarray:
    """Check and convert an array of yes and no.

    Parameters
    ----------
    values : array of bool, or of 0 and 1, shape (n_cases,)
    name : str
        For the message.

    Returns
    -------
    ndarray of bool, shape (n_cases,)

    Raises
    ------
    ValueError
        If it is empty, not one-dimensional, or holds anything else.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> as_labels([1, 0], "actual")
    array([ True, False])
    """
    array = np.asarray(values)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"{name}: expected one value per case, found shape {array.shape}")
    if array.dtype != bool:
        strange = [value for value in pd.unique(array) if value not in (0, 1)]
        if strange:
            raise ValueError(f"{name}: expected only 0 and 1 (or bool), found {strange[0]!r}")
    return array.astype(bool)
