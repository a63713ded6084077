"""Questions from the past, with what was known then: what a ranker learns from.

The last part of the training log is cut into a few stretches of time. The questions of each are
described with statistics that end where the stretch begins, as a test would. Introduced in
chapter 12.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.queries import make_queries
from stim_lib.recommend.attention import FOLD, Attention
from stim_lib.recommend.candidates import find_candidates
from stim_lib.recommend.features import Atlas, Describer
from stim_lib.recommend.sight import look
from stim_lib.recommend.statistics import learn_statistics

# Shares of the training actions at which statistics are frozen; the questions follow each.
CUTS = (0.35, 0.5, 0.65, 0.82)
MOST_QUERIES = 17_000
HARD, EASY = 20, 10
# Candidates of a query that are described, where own places compete with all others.
SHORTLIST = 80
# A training log below this size can afford to describe all of them, and needs every row.
MANY_ACTIONS = 20_000
# Memory grows with pairs of query and action, and with candidates.
PAIRS_AT_ONCE, QUERIES_AT_ONCE = 1_500_000, 256


@dataclass(frozen=True)
class Sample:
    """Described candidates of questions whose answer is known.

    Attributes
    ----------
    values : ndarray of float32, shape (n_rows, n_features)
    names : list of str, length n_features
    family : dict of str to str
    is_answer : ndarray of bool, shape (n_rows,)
    stands_for : ndarray of float32, shape (n_rows,)
        Candidates that each row stands for: 1, or more where not all of the rest were kept.
    sizes : ndarray of int, shape (n_queries,)
        Candidates of each question, in order.
    stretch : ndarray of int, shape (n_queries,)
        The stretch of time of each question, from 0.
    asked, found : int
        Questions whose answer stands in the catalogue, and those where it is a candidate.
    """

    values: np.ndarray
    names: list[str]
    family: dict[str, str]
    is_answer: np.ndarray
    stands_for: np.ndarray
    sizes: np.ndarray
    stretch: np.ndarray
    asked: int
    found: int


def draw_sample(
    train: pd.DataFrame,
    attention: Attention,
    *,
    timed: bool,
    seed: int,
    most: int = MOST_QUERIES,
    progress: Callable[[int, int], None] | None = None,
) -> Sample | None:
    """Ask about the later part of a training log.

    Parameters
    ----------
    train : DataFrame, shape (n_actions, n_columns)
    attention : Attention
        From `attention.fit_attention`; the column fold of `train` says what each network knows.
    timed : bool
    seed : int
    most : int
        Questions, at most; drawn with even chances within each stretch.
    progress : function of (done, total), optional

    Returns
    -------
    Sample or None
        None where no question has its answer among its candidates.

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.recommend.attention import Attention
    >>> from stim_lib.simulate import make_city
    >>> sample = draw_sample(make_city(20, 50, 30).log, Attention(), timed=True, seed=0)
    >>> sample.is_answer.sum() == len(sample.sizes)
    np.True_
    """
    rng = np.random.default_rng(seed)
    times = train[schema.TIME].sort_values().reset_index(drop=True)
    edges = [times[int(len(times) * share)] for share in CUTS]
    parts = []
    asked = found = 0
    for stretch, start in enumerate(edges):
        past = train[train[schema.TIME] < start]
        now = train[train[schema.TIME] >= start]
        if stretch + 1 < len(edges):
            now = now[now[schema.TIME] < edges[stretch + 1]]
        share = most // len(edges)
        now = now.iloc[np.sort(rng.permutation(len(now))[:share])]
        if not len(past) or not len(now):
            continue
        atlas = Atlas(learn_statistics(past), attention)
        for part in _describe_part(now, train, atlas, timed, rng):
            asked, found = asked + part[4], found + len(part[3])
            if len(part[3]):
                parts.append((*part[:4], np.full(len(part[3]), stretch)))
                family = part[5]
        if progress:
            progress(stretch + 1, len(edges))
    if not parts:
        return None
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Sample(
        values=joined[0], names=list(family), family=family, is_answer=joined[1],
        stands_for=joined[2], sizes=joined[3], stretch=joined[4], asked=asked, found=found,
    )  # fmt: skip


def _describe_part(
    now: pd.DataFrame, log: pd.DataFrame, atlas: Atlas, timed: bool, rng: np.random.Generator
) -> Iterator[tuple]:
    queries, truth = make_queries(now)
    fold = now[FOLD].to_numpy() if FOLD in now else None
    most = SHORTLIST if len(log) >= MANY_ACTIONS else None
    answer = atlas.statistics.catalogue.get_indexer(truth)
    for batch in query_batches(queries, log):
        sight = look(queries.iloc[batch], log, atlas.statistics, timed=timed)
        describer = Describer(sight, atlas, None if fold is None else fold[batch])
        query, item = find_candidates(sight, describer.own, describer.kinds, atlas.roads)
        table = describer.describe(query, item, most)
        query, item = table.query, table.item
        is_answer = item == answer[batch][query]
        kept, stands_for = _worth_learning_from(table.columns["mix_turn"], query, is_answer, rng)
        yield (
            table.matrix(list(table.columns))[kept],
            is_answer[kept],
            stands_for[kept].astype(np.float32),
            np.unique(query[kept], return_counts=True)[1],
            int((answer[batch] >= 0).sum()),
            table.family,
        )


def _worth_learning_from(
    turn: np.ndarray, query: np.ndarray, is_answer: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The answers, the candidates that look best, and some of the rest, who stand for all."""
    answered = np.bincount(query[is_answer], minlength=query.max(initial=0) + 1) > 0
    rest = np.bincount(query[turn >= HARD], minlength=len(answered))
    chance = np.minimum(EASY / np.maximum(rest, 1), 1)[query]
    sure = is_answer | (turn < HARD)
    kept = answered[query] & (sure | (rng.random(len(query)) < chance))
    return kept, np.where(sure, 1.0, 1 / chance)


def query_batches(queries: pd.DataFrame, history: pd.DataFrame) -> Iterator[np.ndarray]:
    """Cut queries into batches of bounded memory, users together.

    Parameters
    ----------
    queries, history : DataFrame
        With user_id.

    Yields
    ------
    ndarray of int
        Positions of queries; each appears once.

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example()
    >>> [batch.tolist() for batch in query_batches(log, log)]
    [[0, 1, 2, 3]]
    """
    actions = history.groupby(schema.USER).size()
    order = np.argsort(queries[schema.USER].to_numpy(), kind="stable")
    pairs = queries[schema.USER].map(actions).fillna(0).to_numpy()[order]
    start = 0
    while start < len(order):
        upto = np.searchsorted(pairs[start : start + QUERIES_AT_ONCE].cumsum(), PAIRS_AT_ONCE)
        stop = start + max(int(upto), 1)
        yield order[start : min(stop, start + QUERIES_AT_ONCE)]
        start = min(stop, start + QUERIES_AT_ONCE)
