"""From scores to a list: filters, and a list that is not ten times the same.

Introduced in chapter 12.
"""

from __future__ import annotations

import numpy as np

from stim_lib.recommend.statistics import Statistics, chord_metres, unit_vectors

POOL = 3


def best_of_each_query(query: np.ndarray, score: np.ndarray, k: int) -> np.ndarray:
    """Rows of the best k candidates of each query, best first.

    Parameters
    ----------
    query : ndarray of int, shape (n_candidates,)
        Not decreasing.
    score : ndarray of float64, shape (n_candidates,)
    k : int

    Returns
    -------
    ndarray of int
        By query, then score; ties in the order of rows, which is that of popularity.

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> best_of_each_query(np.array([0, 0, 1]), np.array([1.0, 2.0, 0.0]), 1).tolist()
    [1, 2]
    """
    order = np.lexsort((-score, query))
    start = np.searchsorted(query, query, side="left")
    return order[np.arange(len(order)) - start < k]


def diversify(
    query: np.ndarray,
    item: np.ndarray,
    score: np.ndarray,
    k: int,
    *,
    diversity: float,
    statistics: Statistics,
) -> tuple[np.ndarray, np.ndarray]:
    """Choose k of each query's best, each new one unlike those before.

    Parameters
    ----------
    query, item : ndarray of int, shape (n_candidates,)
        Sorted by query.
    score : ndarray of float64, shape (n_candidates,)
    k : int
    diversity : float
        In [0, 1]: 0 leaves the order as it is; 1 looks at nothing but likeness after the first.
    statistics : Statistics

    Returns
    -------
    rows : ndarray of int
        As `best_of_each_query`.
    value : ndarray of float64
        What each place was worth when it was chosen; falls along a list.

    Notes
    -----
    Maximal marginal relevance: (1 - λ) · score - λ · likeness to the most alike that is chosen,
    with scores of a query drawn to [0, 1]; of the `POOL` · k best. Two places are alike by half if
    they are of one kind, and by up to half as they lie near each other. Source: Carbonell and
    Goldstein (1998), doi:10.1145/290941.291025. Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.statistics import learn_statistics
    >>> statistics = learn_statistics(load_seed_example())
    >>> diversify(np.zeros(3, int), np.arange(3), np.array([3.0, 2.0, 1.0]), 2, diversity=0.0,
    ...           statistics=statistics)[0].tolist()
    [0, 1]
    """
    pool = best_of_each_query(query, score, POOL * k)
    edges = np.searchsorted(query[pool], np.unique(query))
    rows, values = [], []
    for part in np.split(pool, edges[1:]) if len(pool) else []:
        relevance = score[part] - score[part].min()
        relevance /= max(relevance.max(), 1e-12)
        turn, value = _choose(relevance, _likeness(item[part], statistics), k, diversity)
        rows.append(part[turn])
        values.append(value)
    if not rows:
        return pool, score[pool]
    return np.concatenate(rows), np.concatenate(values)


def _likeness(item: np.ndarray, statistics: Statistics) -> np.ndarray:
    kind = statistics.category[item]
    alike = 0.5 * ((kind[:, None] == kind) & (kind >= 0))
    points = unit_vectors(statistics.lat[item], statistics.lon[item])
    first, second = np.repeat(points, len(item), axis=0), np.tile(points, (len(item), 1))
    metres = chord_metres(first, second).reshape(len(item), len(item))
    return alike + 0.5 * np.nan_to_num(np.exp(-metres / statistics.jumps[0]))


def _choose(
    relevance: np.ndarray, likeness: np.ndarray, k: int, diversity: float
) -> tuple[list[int], list[float]]:
    most_alike = np.zeros(len(relevance))
    free = np.ones(len(relevance), dtype=bool)
    chosen, values = [], []
    for _ in range(min(k, len(relevance))):
        value = np.where(free, (1 - diversity) * relevance - diversity * most_alike, -np.inf)
        best = int(value.argmax())
        chosen.append(best)
        values.append(float(value[best]))
        free[best] = False
        most_alike = np.maximum(most_alike, likeness[best])
    return chosen, values
