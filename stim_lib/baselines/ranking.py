"""From scores of the whole catalogue to lists: what every model that scores can do."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.queries import QUERY

QUERIES_AT_ONCE = 256


class Ranking(ABC):
    """A model with a `catalogue` and `score(queries, history=)`; lists follow from them."""

    catalogue: pd.Index

    @abstractmethod
    def score(self, queries: pd.DataFrame, *, history: pd.DataFrame) -> np.ndarray:
        """Scores of shape (n_queries, n_items), higher is better."""

    def rank(self, queries: pd.DataFrame, k: int = 20, *, history: pd.DataFrame) -> pd.DataFrame:
        """List the best items for each query.

        Parameters
        ----------
        queries : DataFrame, shape (n_queries, n_columns)
        k : int
            Length of the lists; at most the catalogue is listed.
        history : DataFrame, shape (n_actions, n_columns)

        Returns
        -------
        DataFrame, shape (n_queries · min(k, n_items), 4)
            query_id, rank (from 1), item_id, score; best first, ties by popularity.

        Raises
        ------
        ValueError
            If `k` is not positive.
        """
        if k < 1:
            raise ValueError(f"k: expected 1 or more, found {k}")
        k = min(k, len(self.catalogue))
        lists = []
        for first in range(0, len(queries), QUERIES_AT_ONCE):
            asked = queries.iloc[first : first + QUERIES_AT_ONCE]
            scores = self.score(asked, history=history)
            best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
            lists.append(
                pd.DataFrame(
                    {
                        QUERY: asked.index.repeat(k),
                        "rank": np.tile(np.arange(1, k + 1), len(asked)),
                        schema.ITEM: self.catalogue.to_numpy()[best.ravel()],
                        "score": np.take_along_axis(scores, best, axis=1).ravel(),
                    }
                )
            )
        columns = [QUERY, "rank", schema.ITEM, "score"]
        return pd.concat(lists, ignore_index=True) if lists else pd.DataFrame(columns=columns)
