"""Which places are alike, by who goes there and by what is written about them.

Introduced in chapter 12.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from stim_lib import schema

MOST_SIMILAR = 30
# A user with more places than this says little about any two of them.
MOST_PLACES_OF_A_USER = 500
ROWS_AT_ONCE = 1000
COMMON_WORD = 0.05


def similar_places(
    log: pd.DataFrame, user: np.ndarray, item: np.ndarray, n_items: int
) -> sparse.csr_array:
    """Cosine between places, of their visitors and of their words.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        `text` is read where there is one.
    user, item : ndarray of int, shape (n_actions,)
        Codes of user and place.
    n_items : int

    Returns
    -------
    sparse array of float64, shape (n_items, n_items)
        The `MOST_SIMILAR` of each row; in [0, 1], no diagonal.

    Notes
    -----
    Each visitor counts for 1 / log(1 + n) in a place that n people visit, and each user's places
    share a weight. Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example()
    >>> similar_places(log, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 2]), 3).shape
    (3, 3)
    """
    pairs = np.unique(np.stack([item, user]), axis=1)
    places_of_user = np.bincount(pairs[1])
    kept = places_of_user[pairs[1]] <= MOST_PLACES_OF_A_USER
    visitors = sparse.csr_array(
        (1 / np.sqrt(np.log1p(places_of_user[pairs[1][kept]])), (pairs[0][kept], pairs[1][kept])),
        shape=(n_items, len(places_of_user)),
    )
    similar = _nearest_rows(visitors)
    words = _words(log, item, n_items)
    if words is None:
        return similar
    return similar.maximum(0.5 * _nearest_rows(words)).tocsr()


def _words(log: pd.DataFrame, item: np.ndarray, n_items: int) -> sparse.csr_array | None:
    if schema.TEXT not in log or log[schema.TEXT].isna().all():
        return None
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = log[schema.TEXT].fillna("").groupby(item).first().reindex(range(n_items), fill_value="")
    try:
        vectors = TfidfVectorizer(max_df=COMMON_WORD, min_df=2, token_pattern=r"(?u)\b\w+\b")
        return sparse.csr_array(vectors.fit_transform(texts))
    except ValueError:
        # No word is shared by two places and rare enough to tell them from the others.
        return None


def _nearest_rows(features: sparse.csr_array) -> sparse.csr_array:
    norm = np.sqrt(np.asarray(features.multiply(features).sum(axis=1)).ravel())
    scale = np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0)
    unit = sparse.csr_array(sparse.diags_array(scale) @ features)
    transposed = sparse.csr_array(unit.T)
    parts = []
    for first in range(0, unit.shape[0], ROWS_AT_ONCE):
        block = sparse.csr_array(unit[first : first + ROWS_AT_ONCE] @ transposed)
        rows = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
        other = block.indices != rows + first
        parts.append(
            largest_of_each_row(rows[other], block.indices[other], block.data[other], block.shape)
        )
    return sparse.csr_array(sparse.vstack(parts)) if parts else unit @ transposed


def largest_of_each_row(
    rows: np.ndarray,
    columns: np.ndarray,
    values: np.ndarray,
    shape: tuple[int, int],
    most: int = MOST_SIMILAR,
) -> sparse.csr_array:
    """Keep the largest entries of each row.

    Parameters
    ----------
    rows, columns, values : ndarray, shape (n_entries,)
    shape : (int, int)
    most : int
        Entries a row, at most; ties go to the first column.

    Returns
    -------
    sparse array

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> entries = np.array([0, 0]), np.array([0, 1]), np.array([1.0, 2.0])
    >>> largest_of_each_row(*entries, (1, 2), most=1).toarray()
    array([[0., 2.]])
    """
    order = np.lexsort((columns, -values, rows))
    start = np.searchsorted(rows[order], rows[order], side="left")
    order = order[np.arange(len(order)) - start < most]
    return sparse.csr_array((values[order], (rows[order], columns[order])), shape=shape)
