"""Find the weights of a mix on the validation part: for its ranking, or for its likelihood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from stim_lib import schema
from stim_lib.baselines.mix import Mix
from stim_lib.queries import Knowledge, batches, make_queries

QUERIES_AT_ONCE = 64
# The grid of weights: powers of two. It has no ends; the first draws come from this range.
FIRST_EXPONENTS = (-8, 3)
# Being in the list at all is worth as much as standing fifth.
LIST_LENGTH, WORTH_OF_A_HIT = 10, 0.2
# A component that is sure of something else must not cost an infinite log-loss.
LEAST_SHARE = 1e-12
LOG_WEIGHTS = (-15.0, 15.0)


@dataclass(frozen=True)
class Rivals:
    """The items that could be ranked above the truth, by some positive weights.

    An item that no component scores above the true one stays below it (or ties, if all its scores
    are equal) under any positive weights, so a search need not look at it again: a few thousand
    differences stand for the whole catalogue, exactly.

    Attributes
    ----------
    lead : ndarray of float32, shape (n_rivals, n_components)
        Score of the rival minus score of the truth; grouped by query.
    start : ndarray of int, shape (n_known,)
        Where each query's rivals begin.
    ties : ndarray of int, shape (n_known,)
        Other items with exactly the scores of the truth.
    n_queries : int
        Also those whose truth is not in the catalogue, which are misses.
    """

    lead: np.ndarray
    start: np.ndarray
    ties: np.ndarray
    n_queries: int

    def ranks(self, weights: np.ndarray) -> np.ndarray:
        """Rank of the truth where it is in the catalogue, for positive weights."""
        above = (self.lead @ weights.astype(np.float32)) > 0
        # Counts between the starts; a query without rivals has none above it.
        cumulative = np.concatenate([[0], np.cumsum(above)])
        stop = np.append(self.start[1:], len(above))
        higher = cumulative[stop] - cumulative[self.start]
        return 1 + higher + self.ties / 2

    def objective(self, weights: np.ndarray) -> float:
        """MRR + HR@10 / 5 over all queries, for positive weights."""
        ranks = self.ranks(weights)
        return float((1 / ranks + WORTH_OF_A_HIT * (ranks <= LIST_LENGTH)).sum() / self.n_queries)


def find_rivals(
    mix: Mix,
    part: pd.DataFrame,
    *,
    train: pd.DataFrame,
    log: pd.DataFrame,
    history: str = "rolling",
    trajectory: str = schema.TRAJECTORY,
    progress: Callable[[int, int], None] | None = None,
) -> Rivals:
    """Reduce a part to what decides the rank of each true item.

    Parameters
    ----------
    mix : Mix
        Fitted on `train`.
    part : DataFrame, shape (n_queries, n_columns)
        The validation part.
    train, log : DataFrame
        As for `evaluation.evaluate`.
    history : "rolling" or "frozen"
    trajectory : str
        Column that tells the current trajectory, for "frozen".
    progress : function of (done, total), optional

    Returns
    -------
    Rivals

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> mix = Mix().fit(log[:3])
    >>> find_rivals(mix, log[3:], train=log[:3], log=log).n_queries
    1
    """
    queries, truth = make_queries(part)
    knowledge = Knowledge(history, "known" if mix.use_query_time else "unknown")
    leads, counts, ties, done = [], [], [], 0
    for batch, asked, visible in batches(
        queries, log, knowledge=knowledge, train=train, by=trajectory, size=QUERIES_AT_ONCE
    ):
        scores = mix.score_components(mix.view(asked, visible))
        answers = mix.catalogue.get_indexer(truth.iloc[batch])
        for number in np.flatnonzero(answers >= 0):
            table = scores[:, number].T
            lead = table - table[answers[number]]
            leads.append(lead[(lead > 0).any(axis=1)].astype(np.float32))
            counts.append(len(leads[-1]))
            ties.append(int((lead == 0).all(axis=1).sum()) - 1)
        done += len(batch)
        if progress:
            progress(done, len(queries))
    if not leads:
        raise ValueError("part: expected some place with a training action, found none")
    start = np.cumsum([0, *counts[:-1]])
    return Rivals(np.concatenate(leads), start, np.array(ties), len(queries))


def tune_mix(
    mix: Mix,
    validation: pd.DataFrame,
    *,
    train: pd.DataFrame,
    log: pd.DataFrame,
    history: str = "rolling",
    trajectory: str = schema.TRAJECTORY,
    n_trials: int = 300,
    n_starts: int = 3,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Mix, pd.DataFrame]:
    """Choose the weights of a mix by what they reach on the validation part.

    Parameters
    ----------
    mix : Mix
        Fitted on `train`; stays as it is.
    validation : DataFrame, shape (n_queries, n_columns)
    train, log : DataFrame
        As for `evaluation.evaluate`.
    history : "rolling" or "frozen"
    trajectory : str
        Column that tells the current trajectory, for "frozen".
    n_trials : int
        Random trials of each start: the first third anywhere on the grid, the rest near the best
        so far. After them both neighbours of every weight are tried, until none is better.
    n_starts : int
        Independent searches; one alone may end on a lesser hill.
    seed : int
    progress : function of (done, total), optional
        Told of queries while the scores are computed.

    Returns
    -------
    mix : Mix
        The same fitted components with the best weights; the first component's is 1.
    trials : DataFrame, shape (at least n_trials · n_starts, n_components + 1)
        Weights tried and the objective that each reached, in order.

    Raises
    ------
    ValueError
        If `n_trials` or `n_starts` is not positive, or no validation place is in the catalogue.

    Notes
    -----
    The objective is MRR + HR@10 / 5, so that the length of the list counts too.
    The grid is all powers of two, so the best point never lies at its end: a weight twice and one
    half as large have been tried on either side. Source: Bergstra and Bengio (2012), JMLR 13:281.
    Introduced in chapter 13.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> mix, trials = tune_mix(Mix().fit(log[:3]), log[3:], train=log[:3], log=log, n_trials=9)
    >>> mix.weights["user_40_days"], len(trials) >= 9
    (1.0, True)
    """
    if n_trials < 1 or n_starts < 1:
        raise ValueError(
            f"expected n_trials and n_starts of 1 or more, found {n_trials} and {n_starts}"
        )
    rivals = find_rivals(
        mix, validation, train=train, log=log, history=history, trajectory=trajectory,
        progress=progress,
    )  # fmt: skip
    searches = [_search(rivals, n_trials, seed, start) for start in range(n_starts)]
    search = max(searches, key=lambda one: max(one.reached))
    names = list(mix.components)
    trials = pd.concat(
        [
            pd.DataFrame(2.0 ** np.array(one.tried), columns=names).assign(objective=one.reached)
            for one in searches
        ],
        ignore_index=True,
    )
    best = dict(zip(names, (2.0**search.best).tolist(), strict=True))
    return mix.with_weights(best), trials


def weigh_by_likelihood(
    mix: Mix,
    validation: pd.DataFrame,
    *,
    train: pd.DataFrame,
    log: pd.DataFrame,
    history: str = "rolling",
    trajectory: str = schema.TRAJECTORY,
) -> Mix:
    """Choose the weights of a mix by the log-loss that it has on the validation part.

    Parameters
    ----------
    mix : Mix
        Fitted on `train`; stays as it is.
    validation : DataFrame, shape (n_queries, n_columns)
        Queries whose truth is not in the catalogue say nothing about the weights.
    train, log : DataFrame
        As for `evaluation.evaluate`.
    history : "rolling" or "frozen"
    trajectory : str
        Column that tells the current trajectory, for "frozen".

    Returns
    -------
    Mix
        The same fitted components; the weights have sum 1.

    Raises
    ------
    ValueError
        If no validation place is in the catalogue.

    Notes
    -----
    The mean of log Σ_k w_k S_k - log Σ_k w_k s_k over queries, with s_k what component k gives to
    the truth and S_k what it gives to all items, which is 1, or 0 where it knows nothing. Found by
    L-BFGS in log w, from equal weights; nothing is random. For the best ranking take `tune_mix`.
    Introduced in chapter 07.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> mix = weigh_by_likelihood(Mix().fit(log[:3]), log[3:], train=log[:3], log=log)
    >>> round(sum(mix.weights.values()), 6)
    1.0
    """
    queries, truth = make_queries(validation)
    knowledge = Knowledge(history, "known" if mix.use_query_time else "unknown")
    found = []
    for batch, asked, visible in batches(
        queries, log, knowledge=knowledge, train=train, by=trajectory, size=QUERIES_AT_ONCE
    ):
        scores = mix.score_components(mix.view(asked, visible))
        answers = mix.catalogue.get_indexer(truth.iloc[batch])
        known = np.flatnonzero(answers >= 0)
        found.append([scores[:, known, answers[known]], scores[:, known].sum(axis=2)])
    of_truth, of_all = (np.concatenate(parts, axis=1) for parts in zip(*found, strict=True))
    if not of_truth.size:
        raise ValueError("validation: expected some place with a training action, found none")
    weights = _most_likely_weights(of_truth + LEAST_SHARE, of_all)
    return mix.with_weights(dict(zip(mix.components, weights.tolist(), strict=True)))


def _most_likely_weights(of_truth: np.ndarray, of_all: np.ndarray) -> np.ndarray:
    """Weights with sum 1 from two tables of shape (n_components, n_queries)."""

    def log_loss(logs: np.ndarray) -> tuple[float, np.ndarray]:
        truth, everything = (np.exp(logs)[:, None] * table for table in (of_truth, of_all))
        truth_sum, all_sum = truth.sum(axis=0), everything.sum(axis=0)
        slope = (everything / all_sum - truth / truth_sum).mean(axis=1)
        return float((np.log(all_sum) - np.log(truth_sum)).mean()), slope

    start = np.zeros(len(of_truth))
    found = minimize(
        log_loss, start, jac=True, method="L-BFGS-B", bounds=[LOG_WEIGHTS] * len(start)
    )
    weights = np.exp(found.x)
    return weights / weights.sum()


def _search(rivals: Rivals, n_trials: int, seed: int, start: int) -> _Search:
    """One search from its own random start."""
    rng = np.random.default_rng([seed, start])
    search = _Search(rivals, rivals.lead.shape[1])
    for trial in range(n_trials):
        search.try_exponents(
            rng.integers(*FIRST_EXPONENTS, size=search.size, endpoint=True)
            if trial < n_trials / 3
            else search.near_best(rng)
        )
    search.climb()
    return search


class _Search:
    """Exponents tried so far, each once, and the best of them."""

    def __init__(self, rivals: Rivals, size: int) -> None:
        self.rivals, self.size = rivals, size
        self.tried: list[tuple[int, ...]] = []
        self.reached: list[float] = []
        self.known: dict[tuple[int, ...], float] = {}

    @property
    def best(self) -> np.ndarray:
        return np.array(self.tried[int(np.argmax(self.reached))], dtype=float)

    def try_exponents(self, exponents: np.ndarray) -> None:
        # Only proportions matter: the first weight is the unit.
        point = tuple(int(e) for e in np.asarray(exponents) - exponents[0])
        if point not in self.known:
            self.known[point] = self.rivals.objective(2.0 ** np.array(point))
        self.tried.append(point)
        self.reached.append(self.known[point])

    def near_best(self, rng: np.random.Generator) -> np.ndarray:
        step = np.zeros(self.size, dtype=int)
        chosen = rng.choice(self.size, size=min(self.size, rng.integers(1, 4)), replace=False)
        step[chosen] = rng.choice([-2, -1, 1, 2], size=len(chosen))
        return self.best.astype(int) + step

    def climb(self) -> None:
        """Try both neighbours of each weight until the best has none that is better."""
        while True:
            before = self.best
            for component in range(self.size):
                for step in (-1, 1):
                    neighbour = before.astype(int)
                    neighbour[component] += step
                    self.try_exponents(neighbour)
            if np.array_equal(self.best, before):
                return
