"""Sequences of unequal length in one rectangle, and which of its cells may be looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from stim_lib.sequences.vocabulary import PAD


def pad_left(sequences: Sequence[ArrayLike], length: int, value: float = PAD) -> np.ndarray:
    """Put sequences into one array, each at the right end of its row.

    Parameters
    ----------
    sequences : sequence of n arrays, each one-dimensional
        Of a longer one only the last `length` entries are kept.
    length : int
        L.
    value : int or float
        What stands where there is nothing.

    Returns
    -------
    ndarray, shape (n, L)
        Of the type that holds all the entries and `value`.

    Raises
    ------
    ValueError
        If `length` is below 1, or a sequence has more than one dimension.

    Notes
    -----
    Padding on the left leaves the latest action in the last column, where a network that gives one
    answer for a sequence reads it. Introduced in chapter 07.

    Examples
    --------
    >>> pad_left([[5], [2, 3, 4, 5]], length=3)
    array([[0, 0, 5],
           [3, 4, 5]])
    """
    if length < 1:
        raise ValueError(f"length: expected 1 or more, found {length}")
    rows = [np.asarray(sequence) for sequence in sequences]
    deep = [row.ndim for row in rows if row.ndim != 1]
    if deep:
        raise ValueError(f"sequences: expected one dimension each, found one with {deep[0]}")
    filled = [row.dtype for row in rows if len(row)]
    dtype = np.result_type(*filled, np.min_scalar_type(value)) if filled else type(value)
    padded = np.full((len(rows), length), value, dtype=dtype)
    for number, row in enumerate(rows):
        if len(row):
            padded[number, -min(len(row), length) :] = row[-length:]
    return padded


def padding_mask(ids: ArrayLike) -> np.ndarray:
    """Where something happened.

    Parameters
    ----------
    ids : array of int, any shape

    Returns
    -------
    ndarray of bool, same shape
        False at padding. An unknown token is something that happened.

    Notes
    -----
    Introduced in chapter 07.

    Examples
    --------
    >>> padding_mask([0, 0, 1, 7])
    array([False, False,  True,  True])
    """
    return np.asarray(ids) != PAD


def causal_mask(length: int) -> np.ndarray:
    """Who may look at whom: each position at itself and at what came before.

    Parameters
    ----------
    length : int
        L.

    Returns
    -------
    ndarray of bool, shape (L, L)
        True where the position of the row may look at the position of the column.

    Raises
    ------
    ValueError
        If `length` is below 1.

    Notes
    -----
    Introduced in chapter 07.

    Examples
    --------
    >>> causal_mask(3).astype(int)
    array([[1, 0, 0],
           [1, 1, 0],
           [1, 1, 1]])
    """
    if length < 1:
        raise ValueError(f"length: expected 1 or more, found {length}")
    return np.tri(length, dtype=bool)
