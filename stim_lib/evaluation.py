"""One harness for every model: same queries, same catalogue, same knowledge, stated.

A model is anything with `fit(train)` and either `score(queries, history)`, a number for every item
of its catalogue, or `rank(queries, k, history)`, a list. Introduced in chapter 13.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd

from stim_lib import leaks, metrics, schema
from stim_lib.queries import QUERY, Knowledge, batches, look_back, make_queries


@runtime_checkable
class Scorer(Protocol):
    """A model that gives each item of its catalogue a number.

    Attributes
    ----------
    catalogue : Index of str, shape (n_items,)
        Known after fitting.
    use_query_time : bool
        Whether the time of the visit to be predicted may be used.
    """

    catalogue: pd.Index
    use_query_time: bool

    def score(self, queries: pd.DataFrame, *, history: pd.DataFrame) -> np.ndarray:
        """Scores of shape (n_queries, n_items), higher is better."""


@dataclass(frozen=True)
class Evaluation:
    """What one model scored on each query, and under which knowledge.

    Attributes
    ----------
    model : str
    knowledge : Knowledge
    queries : DataFrame, shape (n_queries, 4)
        Index query_id: user_id; rank (of the true item; inf is a miss); unseen (the item has no
        training action, so it is not in the catalogue); revisit (the user had been there before).
    """

    model: str
    knowledge: Knowledge
    queries: pd.DataFrame

    def scores(self, *, k: int = 10) -> pd.DataFrame:
        """What each query scores; see `metrics.score_ranks`."""
        return metrics.score_ranks(self.queries["rank"], k=k)

    def summary(self, *, k: int = 10, draws: int = 2000, seed: int = 0) -> pd.DataFrame:
        """Mean of each metric with its interval over users; see `metrics.bootstrap_means`."""
        return metrics.bootstrap_means(
            self.scores(k=k), self.queries[schema.USER], draws=draws, seed=seed
        )

    def __str__(self) -> str:
        return f"{self.model} ({self.knowledge}; n={len(self.queries):,})"


def evaluate(
    model: Scorer,
    test: pd.DataFrame,
    *,
    train: pd.DataFrame,
    log: pd.DataFrame,
    history: str = "rolling",
    trajectory: str = schema.TRAJECTORY,
    list_length: int = 100,
    leak_checks: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Ask a fitted model about every action of a part; rank its true place among all.

    Parameters
    ----------
    model : fitted model
        With `score`, or with `rank` alone; then what is not in its lists counts as a miss.
    test : DataFrame, shape (n_queries, n_columns)
        The part to be predicted.
    train : DataFrame, shape (n_train, n_columns)
        What the model was fitted on: says which places are unseen and where "frozen" ends.
    log : DataFrame, shape (n_actions, n_columns)
        The whole log, from which histories are taken. What the model is handed ends with each
        user's last query of a batch; to use of it only what came strictly before each single
        query is the model's promise (`queries.look_back` keeps it), and `leak_checks` test it.
    history : "rolling" or "frozen"
        See `queries.Knowledge`. The other half, time, is the model's `use_query_time`.
    trajectory : str
        Column that tells the current trajectory, for "frozen".
    list_length : int
        Length of the lists that a model without `score` is asked for.
    leak_checks : int
        On so many queries the fitted model is put through `leaks.assert_no_leak`. This covers
        asking, not fitting: call it yourself on the whole way. 0 leaves it out.
    progress : function of (done, total), optional
        Called now and then.

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError
        If the model has neither `score` nor `rank`, its scores do not fit its catalogue, the
        catalogue is not that of the training part, or ids of test and train are of two kinds.
    LeakError
        If a prediction depends on what came at or after its query.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> from stim_lib import baselines, datasets
    >>> log = datasets.load_seed_example().assign(user_id="1")
    >>> train, test = log.iloc[:3], log.iloc[3:]
    >>> result = evaluate(baselines.UserCounter().fit(train), test, train=train, log=log)
    >>> print(result, result.queries["rank"].tolist())
    user counter (rolling history, time unknown; n=1) [2.0]
    """
    queries, truth = make_queries(test)
    knowledge = Knowledge(history, "known" if model.use_query_time else "unknown")
    ranks = np.full(len(queries), np.inf)
    _require_comparable(model, test, train)
    done = 0
    for batch, asked, visible in batches(
        queries, log, knowledge=knowledge, train=train, by=trajectory
    ):
        ranks[batch] = _ranks(model, asked, truth.iloc[batch], visible, list_length)
        done += len(batch)
        if progress:
            progress(done, len(queries))
    unseen = ~truth.isin(train[schema.ITEM])
    _check_leaks(model, queries.drop(columns=trajectory, errors="ignore"), log, leak_checks)
    table = queries[[schema.USER]].assign(
        rank=np.where(unseen, np.inf, ranks),
        unseen=unseen,
        revisit=_is_revisit(queries, truth, log),
    )
    return Evaluation(str(model), knowledge, table)


def _ranks(
    model: Scorer,
    queries: pd.DataFrame,
    truth: pd.Series,
    history: pd.DataFrame,
    list_length: int,
) -> np.ndarray:
    if hasattr(model, "score"):
        scores = model.score(queries, history=history)
        if scores.shape != (len(queries), len(model.catalogue)):
            raise ValueError(
                f"{model}: expected scores of shape {(len(queries), len(model.catalogue))}, "
                f"found {scores.shape}"
            )
        return metrics.expected_ranks(scores, model.catalogue.get_indexer(truth))
    if not hasattr(model, "rank"):
        raise ValueError(f"model: expected a method score or rank, found neither in {model!r}")
    ranked = model.rank(queries, k=list_length, history=history)
    found = ranked[ranked[schema.ITEM].to_numpy() == truth.reindex(ranked[QUERY]).to_numpy()]
    ranks = found.set_index(QUERY)["rank"].reindex(queries.index)
    return ranks.fillna(np.inf).to_numpy(dtype=float)


def _require_comparable(model: Scorer, test: pd.DataFrame, train: pd.DataFrame) -> None:
    for column in (schema.USER, schema.ITEM):
        if test[column].dtype != train[column].dtype:
            raise ValueError(
                f"{column}: expected the same kind of ids, found {test[column].dtype} in test and "
                f"{train[column].dtype} in train"
            )
    if hasattr(model, "score") and set(model.catalogue) != set(train[schema.ITEM]):
        raise ValueError(
            f"{model}: expected the catalogue of the training part "
            f"({train[schema.ITEM].nunique():,} items), found {len(model.catalogue):,} items: "
            "other catalogues are other exams"
        )


def _check_leaks(model: Scorer, queries: pd.DataFrame, log: pd.DataFrame, count: int) -> None:
    own = log[log[schema.USER].isin(queries[schema.USER])]
    some = queries[queries[schema.TIME] <= own[schema.TIME].max()]
    if count < 1 or not len(some):
        return
    some = some.iloc[np.unique(np.linspace(0, len(some) - 1, count).astype(int))]
    own = own[own[schema.USER].isin(some[schema.USER])]

    def predict(history: pd.DataFrame, asked: pd.DataFrame) -> object:
        if hasattr(model, "score"):
            return model.score(asked, history=history)
        return model.rank(asked, k=10, history=history)

    for number in range(len(some)):
        if some[schema.TIME].iloc[number] <= own[schema.TIME].max():
            leaks.assert_no_leak(
                predict, own, some.iloc[[number]], time_known=model.use_query_time, n_instants=1
            )


def _is_revisit(queries: pd.DataFrame, truth: pd.Series, log: pd.DataFrame) -> np.ndarray:
    past = look_back(queries, log)
    same = log[schema.ITEM].to_numpy()[past.row] == truth.to_numpy()[past.query]
    return np.bincount(past.query[same], minlength=len(queries)) > 0
