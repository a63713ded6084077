"""What all baselines share: the catalogue, and turning scores into lists."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import numpy as np
import pandas as pd
from scipy import sparse

from stim_lib import schema
from stim_lib.baselines.ranking import Ranking
from stim_lib.baselines.view import View

Scores = np.ndarray | sparse.csr_array


class Baseline(Ranking):
    """A counter: fitted on the training part, asked with a history.

    Subclasses say how they score a `View`; rows of shares have sum 1, or 0 where nothing is known.

    Parameters
    ----------
    use_query_time : bool
        Whether the time of the visit to be predicted may be used.

    Attributes
    ----------
    catalogue : Index of str, shape (n_items,)
        Items with a training action, most popular first; set by `fit`.
    """

    def __init__(self, *, use_query_time: bool = False) -> None:
        self.use_query_time = use_query_time
        self.catalogue = pd.Index([], name=schema.ITEM)

    def fit(self, train: pd.DataFrame) -> Self:
        """Learn the catalogue, its popularity and coordinates.

        Parameters
        ----------
        train : DataFrame, shape (n_actions, n_columns)

        Raises
        ------
        ValueError
            If the log is empty.
        """
        if not len(train):
            raise ValueError("train: expected actions to learn from, found none")
        counts = train.groupby(schema.ITEM).size().sort_values(ascending=False, kind="stable")
        self.catalogue = pd.Index(counts.index, name=schema.ITEM)
        self._popularity = counts.to_numpy() / counts.sum()
        first = train.groupby(schema.ITEM)[[schema.LAT, schema.LON]].first()
        self._places = first.reindex(self.catalogue)
        return self

    def view(self, queries: pd.DataFrame, history: pd.DataFrame) -> View:
        """What these queries see of a history; raises ValueError before `fit`."""
        if not len(self.catalogue):
            raise ValueError(f"{self}: call fit(train) before asking")
        return View(queries, history, self._places, self.use_query_time)

    @abstractmethod
    def score_view(self, view: View) -> Scores:
        """Scores of shape (n_queries, n_items), sparse or dense; each subclass its own."""

    def score(self, queries: pd.DataFrame, *, history: pd.DataFrame) -> np.ndarray:
        """Score each item of the catalogue for each query.

        Parameters
        ----------
        queries : DataFrame, shape (n_queries, n_columns)
            user_id and timestamp; optionally local_time, lat and lon.
        history : DataFrame, shape (n_actions, n_columns)
            Any log; only what came strictly before each query is used.

        Returns
        -------
        ndarray of float64, shape (n_queries, n_items)
            Higher is better; columns as in `catalogue`.
        """
        scores = self.score_view(self.view(queries, history))
        return scores.toarray() if sparse.issparse(scores) else scores


def as_shares(weights: sparse.csr_array, prior: np.ndarray, prior_weight: float) -> Scores:
    """Turn weights into shares, drawn towards a prior.

    Parameters
    ----------
    weights : sparse array, shape (n_queries, n_items)
        Not negative.
    prior : ndarray of float64, shape (n_items,) or (n_queries, n_items)
        Rows sum to 1.
    prior_weight : float
        m: as many imagined actions, spread like the prior. With 0 the result stays sparse, and
        rows without a weight stay empty.

    Returns
    -------
    sparse or dense array, shape (n_queries, n_items)
        (w + m · prior) / (Σw + m).

    Notes
    -----
    The mean of a Dirichlet posterior, as in `interest.interest_shares`. Introduced in chapter 13.

    Examples
    --------
    >>> as_shares(sparse.csr_array([[1.0, 0.0]]), np.array([0.5, 0.5]), 1.0)
    array([[0.75, 0.25]])
    """
    total = np.asarray(weights.sum(axis=1)).ravel() + prior_weight
    scale = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
    if prior_weight == 0:
        return sparse.csr_array(sparse.diags_array(scale) @ weights)
    dense = np.broadcast_to(prior * prior_weight, weights.shape).copy()
    of_row = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    dense[of_row, weights.indices] += weights.data
    return dense * scale[:, None]


def fade(scores: Scores, hours_since_last: np.ndarray, half_life_hours: float | None) -> Scores:
    """Weaken what was concluded from the last place, the longer ago that was.

    Parameters
    ----------
    scores : sparse or dense array, shape (n_queries, n_items)
    hours_since_last : ndarray of float64, shape (n_queries,)
    half_life_hours : float or None
        None leaves the scores as they are.

    Returns
    -------
    sparse or dense array, shape (n_queries, n_items)
        Each row times 2^(-hours / half-life): in a mix it then counts for less.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> fade(np.array([[0.8, 0.2]]), np.array([2.0]), 2.0)
    array([[0.4, 0.1]])
    """
    if half_life_hours is None:
        return scores
    weight = np.exp2(-hours_since_last / half_life_hours)
    if sparse.issparse(scores):
        return sparse.csr_array(sparse.diags_array(weight) @ scores)
    return scores * weight[:, None]


def require_fade(half_life_hours: float | None, use_query_time: bool) -> None:
    """Refuse to fade by a time that may not be known.

    Parameters
    ----------
    half_life_hours : float or None
    use_query_time : bool

    Raises
    ------
    ValueError
        If the half-life is not positive, or given without `use_query_time`.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> require_fade(None, use_query_time=False)
    """
    require_positive("fade_hours", half_life_hours)
    if half_life_hours is not None and not use_query_time:
        raise ValueError(
            "fade_hours: needs use_query_time=True; the time since the last action says when the "
            "query is"
        )


def require_positive(name: str, value: float | None, *, zero: bool = False) -> None:
    """Refuse a setting that is not a positive number.

    Parameters
    ----------
    name : str
    value : float or None
        None passes: the setting is switched off.
    zero : bool
        Whether 0 passes too.

    Raises
    ------
    ValueError
        Naming the setting and what was found.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> require_positive("half_life_days", 2.0)
    """
    if value is not None and not (value > 0 or (zero and value == 0)):
        raise ValueError(f"{name}: expected a {'non-negative' if zero else 'positive'} number, "
                         f"found {value}")  # fmt: skip
