"""Which of one's own past actions speak for now: attention whose scores are fitted to returns.

Each earlier action gets a score; a softmax turns scores into shares, and a place has the shares of
its actions. A score is a weighted sum of what the action's moment has in common with the query;
with enough questions to learn from, a small network corrects it. Introduced in chapter 12.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from stim_lib import schema
from stim_lib.queries import make_queries
from stim_lib.recommend.moments import (
    GUESSES,
    compare_moments,
    compare_visits,
    describe_queries,
)
from stim_lib.recommend.network import Lessons, Network, fit_network, surprise
from stim_lib.recommend.sight import MOST_ACTIONS, Sight, look
from stim_lib.recommend.statistics import Statistics

# Questions of a fit and pairs that are kept for it, at most.
MOST_QUERIES, MOST_PAIRS = 15_000, 1_900_000
# Of pairs older than so many actions this share is kept, and stands for the rest.
RECENT, SHARE_OF_OLD = 100, 0.3
# The plain sum has few weights and needs fewer.
MOST_PAIRS_OF_SUM = 400_000
# With fewer questions there is no network: each has two thousand weights.
LEAST_QUERIES = 1_500
# As strong as a normal prior with this standard deviation around the guesses.
SPREAD = 1.0
# Fitting ends after so many steps, or when one gains less than this share of the loss.
MOST_STEPS, LEAST_GAIN = 40, 1e-5
# Questions are dealt into so many folds; each network learns from the others than its own.
FOLD, FOLDS = "fold", 2


@dataclass(frozen=True)
class Attention:
    """What scores earlier actions.

    Attributes
    ----------
    weights : dict of str to float
        Of `moments.compare_moments`.
    networks : tuple of Network
        None, or one for each fold, which has not seen the questions of that fold.
    """

    weights: Mapping[str, float] = field(default_factory=lambda: dict(GUESSES))
    networks: tuple[Network, ...] = ()

    def score(self, sight: Sight, fold: np.ndarray | None = None) -> np.ndarray:
        """Score of each pair; of questions learned from, by the network of their fold."""
        if not self.networks or not len(sight.row):
            return _weighted(compare_moments(sight), self.weights)
        pairs = _stack(_features(sight).values())
        questions = _stack(describe_queries(sight).values())
        scores = [one.score(pairs, questions, sight.query) for one in self.networks]
        if fold is None:
            return np.mean(scores, axis=0, dtype=float)
        return np.choose(fold[sight.query], scores).astype(float)


def attend(sight: Sight, attention: Attention, fold: np.ndarray | None = None) -> np.ndarray:
    """Share of the attention of each query that each of its pairs gets.

    Parameters
    ----------
    sight : Sight
    attention : Attention
    fold : ndarray of int, shape (n_queries,), optional
        Of questions that the attention learned from, so that it does not remember the answer.

    Returns
    -------
    ndarray of float64, shape (n_pairs,)
        Of each query, with sum 1.

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.statistics import learn_statistics
    >>> log = load_seed_example().assign(user_id="1")
    >>> sight = look(log[2:3], log, learn_statistics(log), timed=False)
    >>> float(attend(sight, Attention()).sum())
    1.0
    """
    score = attention.score(sight, fold)
    if not len(score):
        return score
    start = np.flatnonzero(np.diff(sight.query, prepend=-1))
    length = np.diff(np.append(start, len(score)))
    score = np.exp(score - np.repeat(np.maximum.reduceat(score, start), length))
    return score / np.repeat(np.add.reduceat(score, start), length)


def _weighted(found: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    return np.sum([weights[name] * values for name, values in found.items()], axis=0)


def _features(sight: Sight) -> dict[str, np.ndarray]:
    """All that is known of pairs, the moments first."""
    found = compare_moments(sight)
    return found | compare_visits(sight, found)


def _stack(columns: Iterable[np.ndarray]) -> np.ndarray:
    return np.stack([np.asarray(values, dtype=np.float32) for values in columns]).T


def fit_attention(
    questions: pd.DataFrame,
    log: pd.DataFrame,
    statistics: Statistics,
    batches: Iterable[np.ndarray],
    *,
    timed: bool,
    seed: int = 0,
) -> Attention:
    """Find the scores under which returns to own places were most likely.

    Parameters
    ----------
    questions : DataFrame, shape (n_queries, n_columns)
        Actions of the log, as questions and answers; the column fold, where there is one, says to
        which fold each belongs.
    log : DataFrame, shape (n_actions, n_columns)
    statistics : Statistics
        Of the log; its scales and the hours of the categories are used.
    batches : iterable of ndarray of int
        Positions in `questions`.
    timed : bool
    seed : int

    Returns
    -------
    Attention
        The guesses where nothing could be learned; without networks where these did not foretell
        the answers of their own folds better than the weighted sum.

    Notes
    -----
    Maximises Σ log (share of the answer); the sum's weights also pay (w - guess)² / 2 `SPREAD`²,
    by L-BFGS, and the networks begin there. Questions whose answer the user had never visited say
    nothing. Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.statistics import learn_statistics
    >>> log = load_seed_example().assign(user_id="1")
    >>> found = fit_attention(log, log, learn_statistics(log), [np.arange(4)], timed=False)
    >>> found.weights["follow"], found.networks
    (1.5, ())
    """
    rng = np.random.default_rng(seed)
    lessons, asked, names = _collect(questions, log, statistics, batches, timed=timed, rng=rng)
    # Where every pair is the answer there was no choice.
    if lessons is None or lessons.hit.all():
        return Attention()
    order = rng.permutation(len(lessons.length))
    fits = lessons.length[order].cumsum() <= max(MOST_PAIRS_OF_SUM, lessons.length.max())
    weights = GUESSES | _most_likely(lessons.part(np.sort(order[fits])), names)
    fold = questions[FOLD].to_numpy()[asked] if FOLD in questions else np.arange(len(asked)) % FOLDS
    if len(asked) < LEAST_QUERIES or np.bincount(fold, minlength=FOLDS).min() < LEAST_QUERIES / 4:
        return Attention(weights)
    return Attention(weights, _networks(lessons, fold, weights, names, rng))


def _networks(
    lessons: Lessons, fold: np.ndarray, weights: Mapping[str, float], names: list[str],
    rng: np.random.Generator,
) -> tuple[Network, ...]:  # fmt: skip
    start = np.zeros(lessons.pairs.shape[1], dtype=np.float32)
    start[: len(names)] = [weights[name] for name in names]
    networks, gain = [], 0.0
    for own in range(FOLDS):
        network = fit_network(lessons.part(np.flatnonzero(fold != own)), start, rng)
        judged = lessons.part(np.flatnonzero(fold == own))
        pairs = judged.pairs.astype(np.float32)
        query = np.repeat(np.arange(len(judged.length)), judged.length)
        found = network.score(pairs, judged.questions, query)
        gain += surprise(pairs @ start, judged)[0].sum() - surprise(found, judged)[0].sum()
        networks.append(network)
    return tuple(networks) if gain > 0 else ()


def _collect(
    questions: pd.DataFrame, log: pd.DataFrame, statistics: Statistics,
    batches: Iterable[np.ndarray], *, timed: bool, rng: np.random.Generator,
) -> tuple[Lessons | None, np.ndarray, list[str]]:  # fmt: skip
    """Questions with an own place for an answer, their positions, and names of the plain sum."""
    queries, truth = make_queries(questions)
    answer = statistics.catalogue.get_indexer(truth)
    parts, positions, names = [], [], list(GUESSES)
    for batch in batches:
        sight = look(queries.iloc[batch], log, statistics, timed=timed)
        hit = sight.trace.item[sight.row] == answer[batch][sight.query]
        useful = np.bincount(sight.query[hit], minlength=len(batch)) > 0
        sure = hit | (sight.back < RECENT)
        kept = useful[sight.query] & (sure | (rng.random(len(hit)) < SHARE_OF_OLD))
        if not kept.any():
            continue
        found = _features(sight)
        names = [name for name in found if name in GUESSES]
        pairs = _stack(values[kept] for values in found.values())
        asked = _stack(describe_queries(sight).values())
        lift = np.where(sure[kept], 0, -np.log(SHARE_OF_OLD)).astype(np.float32)
        length = np.bincount(sight.query[kept], minlength=len(batch))[useful]
        # Row after row, since a step of the fit takes rows from everywhere.
        pairs = np.ascontiguousarray(pairs, dtype=np.float16)
        parts.append((pairs, asked[useful], hit[kept], lift, length))
        positions.append(batch[useful])
    if not parts:
        return None, np.zeros(0, dtype=int), names
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Lessons(*joined), np.concatenate(positions), names


def _most_likely(lessons: Lessons, names: list[str]) -> dict[str, float]:
    guess = np.array([GUESSES[name] for name in names])
    table = lessons.pairs[:, : len(names)].astype(np.float32)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        surprises, pull = surprise(table @ weights.astype(np.float32), lessons)
        slope = pull.astype(np.float32) @ table + (weights - guess) / SPREAD**2
        value = surprises.sum() + ((weights - guess) ** 2).sum() / (2 * SPREAD**2)
        return value, slope.astype(float)

    options = {"maxiter": MOST_STEPS, "ftol": LEAST_GAIN}
    found = minimize(loss, guess, jac=True, method="L-BFGS-B", options=options)
    return dict(zip(names, found.x.tolist(), strict=True))


def draw_questions(
    train: pd.DataFrame, start: float, rng: np.random.Generator, most: int = MOST_QUERIES
) -> pd.DataFrame:
    """Some actions of the later part of a log.

    Parameters
    ----------
    train : DataFrame, shape (n_actions, n_columns)
    start : float
        Share of the actions, in order of time, that come before.
    rng : Generator
    most : int

    Returns
    -------
    DataFrame
        At most `most` and `MOST_QUERIES` rows of `train`, in its order, and no more than have
        `MOST_PAIRS` earlier actions to be compared with.

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> len(draw_questions(load_seed_example(), 0.5, np.random.default_rng(0)))
    2
    """
    order = np.argsort(train[schema.TIME].to_numpy(), kind="stable")
    late = rng.permutation(order[int(len(order) * start) :])[: min(most, MOST_QUERIES)]
    earlier = np.empty(len(train))
    earlier[order] = train.iloc[order].groupby(schema.USER).cumcount()
    earlier = np.minimum(earlier[late], MOST_ACTIONS)
    pairs = np.minimum(earlier, RECENT) + SHARE_OF_OLD * np.maximum(earlier - RECENT, 0)
    return train.iloc[np.sort(late[: 1 + np.searchsorted(pairs.cumsum(), MOST_PAIRS)])]
