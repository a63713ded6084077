"""Where in the whole catalogue did the true place stand?"""

from __future__ import annotations

import numpy as np
import pandas as pd


def expected_ranks(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Rank of the true item among all, ties counted at their mean place.

    Parameters
    ----------
    scores : array of float, shape (n_queries, n_items)
        Higher is better; may be -inf, not NaN.
    truth : array of int, shape (n_queries,)
        Column of the true item; negative where it is not in the catalogue.

    Returns
    -------
    ndarray of float64, shape (n_queries,)
        From 1. inf where the true item is not in the catalogue: a miss.

    Raises
    ------
    ValueError
        If shapes disagree, a column is out of range, or a score is NaN.

    Notes
    -----
    rank = 1 + (number scored higher) + ½ (number of others scored equal): the mean over all orders
    of the tied. Counting only those scored higher would rank everything first for a model that
    gives all items one score. Source: Kendall (1945), Biometrika 33(3):239, section 3. Introduced
    in chapter 13.

    Examples
    --------
    >>> expected_ranks([[0.2, 0.5, 0.2], [1, 1, 1]], [0, 2])
    array([2.5, 2. ])
    """
    scores, truth = np.asarray(scores), np.asarray(truth)
    if scores.ndim != 2 or truth.shape != scores.shape[:1]:
        raise ValueError(
            f"expected scores (n_queries, n_items) and truth (n_queries,), found {scores.shape} "
            f"and {truth.shape}"
        )
    if len(truth) and (truth >= scores.shape[1]).any():
        raise ValueError(f"truth: expected columns below {scores.shape[1]}, found {truth.max()}")
    if np.isnan(scores).any():
        raise ValueError("scores: expected numbers, found NaN")
    known = truth >= 0
    ranks = np.full(len(truth), np.inf)
    if not known.any():
        return ranks
    scores = scores if known.all() else scores[known]
    of_truth = np.take_along_axis(scores, truth[known][:, None], axis=1)
    higher = np.count_nonzero(scores > of_truth, axis=1)
    lower = np.count_nonzero(scores < of_truth, axis=1)
    equal = scores.shape[1] - higher - lower
    ranks[known] = higher + (equal + 1) / 2
    return ranks


def score_ranks(ranks: np.ndarray, *, k: int = 10) -> pd.DataFrame:
    """What each query scores, given the rank of its one true item.

    Parameters
    ----------
    ranks : array of float, shape (n_queries,)
        From 1; inf is a miss. A Series keeps its index.
    k : int
        Length of the list that a user would see; may exceed the catalogue.

    Returns
    -------
    DataFrame of float64, shape (n_queries, 4)
        accuracy@1: 1 if the rank is 1; hit_rate@k: 1 if it is at most k; ndcg@k: 1/log2(1 + rank)
        up to k, else 0; mrr: 1/rank. Means over queries are the metrics of these names.

    Raises
    ------
    ValueError
        If a rank is below 1 or NaN, or `k` is not positive.

    Notes
    -----
    With one relevant item the ideal DCG is 1. Of an expected rank these are the scores of the mean
    rank, not the mean scores over the orders of the tied: a tie for the first place is no hit
    at 1. Sources: Järvelin and Kekäläinen (2002),
    doi:10.1145/582415.582418 (NDCG); Voorhees (1999), TREC-8 (MRR). Introduced in chapter 13.

    Examples
    --------
    >>> score_ranks([1, 3, np.inf]).round(3)
       accuracy@1  hit_rate@10  ndcg@10    mrr
    0         1.0          1.0      1.0  1.000
    1         0.0          1.0      0.5  0.333
    2         0.0          0.0      0.0  0.000
    """
    values = np.asarray(ranks, dtype=float)
    if k < 1 or values.ndim != 1 or not (values >= 1).all():
        worst = values[~(values >= 1)][:1]
        raise ValueError(
            f"expected ranks of shape (n_queries,), 1 or more, and k of 1 or more; found shape "
            f"{values.shape}, rank {worst} and k={k}"
        )
    hit = values <= k
    return pd.DataFrame(
        {
            "accuracy@1": (values == 1).astype(float),
            f"hit_rate@{k}": hit.astype(float),
            f"ndcg@{k}": hit / np.log2(1 + values),
            "mrr": 1 / values,
        },
        index=ranks.index if isinstance(ranks, pd.Series) else None,
    )
