"""The whole way from a log to a list: candidates, features, ranking, reasons.

Introduced in chapter 12.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.queries import QUERY
from stim_lib.recommend import storage
from stim_lib.recommend.attention import FOLD, FOLDS, draw_questions, fit_attention
from stim_lib.recommend.candidates import Roads, find_candidates
from stim_lib.recommend.features import Atlas, Describer, Table
from stim_lib.recommend.ranking import Ranker, fit_ranker
from stim_lib.recommend.reasons import make_explainer, put_in_words
from stim_lib.recommend.rerank import POOL, best_of_each_query, diversify
from stim_lib.recommend.samples import (
    CUTS,
    MOST_QUERIES,
    SHORTLIST,
    draw_sample,
    query_batches,
)
from stim_lib.recommend.sight import look
from stim_lib.recommend.statistics import Statistics, learn_statistics

COLUMNS = (QUERY, "rank", schema.ITEM, "score", "reason")


class Recommender:
    """Places for a user at a moment, best first, each with a reason.

    What everybody did is frozen when `fit` ends. What the user did comes with each call as
    `history`: pass a longer one and the answers follow, without fitting again. A user who was not
    in training is served in the same way, and one without any history by what is near and popular.

    Parameters
    ----------
    seed : int
        Same seed, same log, same ranking.
    use_query_time : bool
        Whether the time of the query is a feature. If False it cuts the history, nothing else.
    threads : int
        Of the fit. More than one helps only on cores that are free.
    most_questions : int
        Questions that the ranker learns from, at most, and half of those that the attention does.
        Fewer are quicker and teach less.

    Attributes
    ----------
    report_ : dict
        After `fit`: n_actions, n_items; queries: questions learned from; candidate_recall: share
        of the asked questions with a known place whose answer was a candidate; what `fit_ranker`
        reports; seconds (processor time).

    Raises
    ------
    ValueError
        If `seed`, `threads` or `most_questions` makes no sense.

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> model = Recommender().fit(log[:3])
    >>> ranked = model.rank(log[3:], k=2, history=log)
    >>> ranked["rank"].tolist(), ranked["reason"].tolist()
    ([1, 2], ['you were here once', 'you were here once'])
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        use_query_time: bool = True,
        threads: int = 1,
        most_questions: int = MOST_QUERIES,
    ) -> None:
        if int(most_questions) != most_questions or most_questions < 1:
            raise ValueError(
                f"most_questions: expected a whole number from 1, found {most_questions!r}"
            )
        if int(seed) != seed or seed < 0 or int(threads) != threads or threads < 1:
            raise ValueError(
                "expected seed to be a whole number from 0 and threads one from 1, found "
                f"{seed!r} and {threads!r}"
            )
        self.seed, self.use_query_time, self.threads = int(seed), bool(use_query_time), int(threads)
        self.most_questions = int(most_questions)
        self.report_: dict[str, float] = {}
        self._atlas: Atlas | None = None

    def __str__(self) -> str:
        return "recommender"

    @property
    def catalogue(self) -> pd.Index:
        """Places that may be named, most popular first; empty before `fit`."""
        if self._atlas is None:
            return pd.Index([], name=schema.ITEM)
        return self._atlas.statistics.catalogue

    def fit(
        self, train: pd.DataFrame, *, progress: Callable[[int, int], None] | None = None
    ) -> Self:
        """Learn from a log.

        Parameters
        ----------
        train : DataFrame, shape (n_actions, n_columns)
            user_id, item_id and timestamp; lat, lon, category, text and local_time help. Any order.
        progress : function of (done, total), optional

        Raises
        ------
        SchemaError
            If a column is missing, times are not UTC, or a cell of the three is empty.
        ValueError
            If there are no actions.
        """
        started = time.process_time()
        _require_log(train, "train")
        if not len(train):
            raise ValueError("train: expected actions to learn from, found none")
        train = train.reset_index(drop=True)
        statistics = learn_statistics(train)
        rng = np.random.default_rng(self.seed)
        train[FOLD] = rng.integers(0, FOLDS, len(train))
        questions = draw_questions(train, CUTS[0], rng, 2 * self.most_questions)
        attention = fit_attention(
            questions, train, statistics, query_batches(questions, train),
            timed=self.use_query_time, seed=self.seed,
        )  # fmt: skip
        sample = draw_sample(
            train, attention, timed=self.use_query_time, seed=self.seed,
            most=self.most_questions, progress=progress,
        )  # fmt: skip
        ranker = fit_ranker(sample, seed=self.seed, threads=self.threads)
        family = sample.family if sample is not None else {}
        self._take(Atlas(statistics, attention), ranker, family)
        recall = sample.found / max(sample.asked, 1) if sample is not None else np.nan
        self.report_ = {
            "n_actions": len(train), "n_items": len(self.catalogue), **ranker.report,
            "candidate_recall": recall, "seconds": time.process_time() - started,
        }  # fmt: skip
        return self

    def _take(self, atlas: Atlas, ranker: Ranker, family: dict[str, str]) -> None:
        self._atlas, self._ranker, self._family = atlas, ranker, dict(family)
        self._explainer = make_explainer(ranker, self._family)

    def rank(
        self,
        queries: pd.DataFrame,
        k: int = 20,
        *,
        history: pd.DataFrame,
        exclude_seen: bool = False,
        within_metres: float | None = None,
        categories: Sequence[str] | None = None,
        diversity: float = 0.0,
        reasons: bool = True,
    ) -> pd.DataFrame:
        """List places for each query.

        Parameters
        ----------
        queries : DataFrame, shape (n_queries, n_columns)
            user_id and timestamp; local_time, and lat and lon of where the user is, where known.
            The index is the query_id.
        k : int
            Length of the lists, at most.
        history : DataFrame, shape (n_actions, n_columns)
            Any log, in any order, in training or not, with later actions or without: of it, what
            the user did strictly before each query is used.
        exclude_seen : bool
            Leave out places where the user has been.
        within_metres : float, optional
            Only places so near to where the user is (the query's lat and lon; else the last
            action). Where that is unknown there is nothing to list.
        categories : sequence of str, optional
            Only places of these categories.
        diversity : float
            In [0, 1]; see `rerank.diversify`. 0: the best in order.
        reasons : bool
            Whether to say why; if not, reason is empty.

        Returns
        -------
        DataFrame, shape (at most n_queries · k, 5)
            query_id, rank (from 1), item_id, score, reason; queries in their order, best first.

        Raises
        ------
        SchemaError
            If a column is missing or times are not UTC.
        ValueError
            Before `fit`; if query ids repeat or an option makes no sense.
        """
        atlas = self._ready()
        _require_queries(queries)
        _require_log(history, "history")
        _require_options(k, within_metres, diversity)
        allowed = _allowed(atlas.statistics, categories)
        roads = atlas.roads if allowed is None else Roads(atlas.statistics, allowed)
        tables = []
        for batch in query_batches(queries, history):
            sight = look(queries.iloc[batch], history, atlas.statistics, timed=self.use_query_time)
            describer = Describer(sight, atlas)
            query, item = find_candidates(
                sight, describer.own, describer.kinds, roads, least=k,
                fresh=exclude_seen, within_metres=within_metres,
            )  # fmt: skip
            most = max(SHORTLIST * (1 + exclude_seen), k * (POOL if diversity > 0 else 1))
            table = describer.describe(query, item, most)
            values = table.matrix(self._ranker.names)
            rows, score = self._choose(table, values, k, diversity)
            words = np.full(len(rows), "", dtype=object)
            if reasons:
                moved = self._explainer.contributions(values[rows])
                words = put_in_words(table, rows, moved, sight)
            listed = self._list(table, rows, score, words)
            tables.append(listed.assign(position=batch[table.query[rows]]))
        return _in_order(tables, queries.index)

    def _ready(self) -> Atlas:
        if self._atlas is None:
            raise ValueError("this Recommender has learned nothing yet: call fit(train) first")
        return self._atlas

    def _choose(
        self, table: Table, values: np.ndarray, k: int, diversity: float
    ) -> tuple[np.ndarray, np.ndarray]:
        score = self._ranker.score(values, table.query)
        if diversity > 0:
            return diversify(
                table.query, table.item, score, k,
                diversity=diversity, statistics=self._ready().statistics,
            )  # fmt: skip
        rows = best_of_each_query(table.query, score, k)
        return rows, score[rows]

    def _list(
        self, table: Table, rows: np.ndarray, score: np.ndarray, words: np.ndarray
    ) -> pd.DataFrame:
        start = np.searchsorted(table.query[rows], table.query[rows], side="left")
        return pd.DataFrame(
            {
                "rank": np.arange(len(rows)) - start + 1,
                schema.ITEM: self.catalogue[table.item[rows]],
                "score": score,
                "reason": words,
            }
        )

    def save(self, path: str | Path) -> Path:
        """Write the model into a folder, without pickle; see `storage.save_model`."""
        return storage.save_model(
            path, atlas=self._ready(), ranker=self._ranker, family=self._family,
            settings={"seed": self.seed, "use_query_time": self.use_query_time,
                      "threads": self.threads, "most_questions": self.most_questions,
                      "report": self.report_},
        )  # fmt: skip

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a model that `save` wrote; it ranks as the one that was saved.

        Parameters
        ----------
        path : str or Path
            The folder.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no model, or it is damaged or of another version.
        """
        atlas, ranker, family, settings = storage.load_model(path)
        report = settings.pop("report")
        model = cls(**settings)
        model._take(atlas, ranker, family)
        model.report_ = report
        return model


def _require_log(log: pd.DataFrame, name: str) -> None:
    schema.require_columns(log, name, (schema.USER, schema.ITEM, schema.TIME))
    empty = log.index[log[schema.ITEM].isna()]
    if len(empty):
        faults = [schema.failure(schema.ITEM, row, f"a value in {name}", "none") for row in empty]
        raise schema.SchemaError(pd.DataFrame(faults))


def _require_queries(queries: pd.DataFrame) -> None:
    schema.require_columns(queries, "queries", (schema.USER, schema.TIME))
    if not queries.index.is_unique:
        twice = queries.index[queries.index.duplicated()][0]
        raise ValueError(
            f"queries: expected each query_id (the index) once, found {twice!r} more than once; "
            "use reset_index(drop=True)"
        )


def _require_options(k: int, within_metres: float | None, diversity: float) -> None:
    if int(k) != k or k < 1:
        raise ValueError(f"k: expected a whole number from 1, found {k!r}")
    if within_metres is not None and not within_metres > 0:
        raise ValueError(f"within_metres: expected a positive number, found {within_metres!r}")
    if not 0 <= diversity <= 1:
        raise ValueError(f"diversity: expected a number in [0, 1], found {diversity!r}")


def _allowed(statistics: Statistics, categories: Sequence[str] | None) -> np.ndarray | None:
    if categories is None:
        return None
    wanted = [categories] if isinstance(categories, str) else list(categories)
    code = statistics.categories.get_indexer(wanted)
    if not len(wanted) or (code < 0).any():
        unknown = [name for name, number in zip(wanted, code, strict=True) if number < 0]
        known = ", ".join(map(str, statistics.categories[:5])) or "none"
        raise ValueError(
            f"categories: expected one or more that training places have (e.g. {known}), found "
            f"{', '.join(map(repr, unknown)) or 'none'}"
        )
    return np.isin(statistics.category, code)


def _in_order(tables: list[pd.DataFrame], ids: pd.Index) -> pd.DataFrame:
    if not tables:
        empty = {QUERY: ids[:0], "rank": np.zeros(0, dtype=int), schema.ITEM: [], "score": [],
                 "reason": []}  # fmt: skip
        return pd.DataFrame(empty)
    listed = pd.concat(tables, ignore_index=True)
    listed = listed.sort_values(["position", "rank"], kind="stable", ignore_index=True)
    listed.insert(0, QUERY, ids[listed.pop("position")])
    return listed
