"""Learning to put the answer first: gradient-boosted trees that compare the candidates of a query.

Introduced in chapter 12.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from stim_lib.recommend.rerank import best_of_each_query
from stim_lib.recommend.samples import Sample

# With fewer questions than this there is nothing to learn from: the mix ranks as it is.
LEAST_QUERIES = 150
MANY_QUERIES = 1500
# The trial that finds how many trees are good takes longer steps than the trees that stay.
MOST_ROUNDS, PATIENCE, HASTE = 90, 30, 1.33
# So many rankers, drawn with other seeds, are averaged: they err in different places, and so each
# may grow longer than one alone.
RANKERS, LONGER = 2, 1.4
# More cost time and bring nothing: with 100 to 164 New York's validation part is ranked alike.
MOST_TREES = 100
MIX = "mix"
SCREENING_TREES, SCREENED = 12, 32
LEAST_SHARE = 1e-4
# Relevance of an answer. The objective gives a candidate 2^relevance - u, u drawn from [0, 1): with
# a relevance of 1 most of it would go to the many that are no answer.
RELEVANCE = 9


@dataclass(frozen=True)
class Ranker:
    """The logarithm of the mix, and trees that correct it.

    Attributes
    ----------
    names : list of str
        Features, in the order of the columns; the mix is one of them.
    boosters : tuple of lightgbm.Booster
        Their mean is the correction; without any, the mix ranks.
    report : dict
        What the validation stretch said.
    """

    names: list[str]
    boosters: tuple[Any, ...]
    report: Mapping[str, float]

    def score(self, values: np.ndarray, query: np.ndarray) -> np.ndarray:
        """Score of each row, higher is better.

        The first trees of each booster look at every candidate; the rest of them only at the
        `SCREENED` of each query that look best by then, and no other passes one of these.

        Parameters
        ----------
        values : ndarray of float32, shape (n_rows, n_features)
        query : ndarray of int, shape (n_rows,)
            Not decreasing.
        """
        total = base_score(values[:, self.names.index(MIX)])
        if not len(values) or not self.boosters:
            return total
        share = 1 / len(self.boosters)
        for booster in self.boosters:
            total += share * booster.predict(values, num_iteration=SCREENING_TREES, num_threads=1)
        kept = best_of_each_query(query, total, SCREENED)
        best = values[kept]
        for booster in self.boosters:
            total[kept] += share * booster.predict(
                best, start_iteration=SCREENING_TREES, num_iteration=-1, num_threads=1
            )
        return _sink(total, query, kept)


def _sink(score: np.ndarray, query: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Let what was not kept stay in its order, below all that was."""
    lost = np.ones(len(score), dtype=bool)
    lost[kept] = False
    floor, ceiling = np.full((2, int(query.max()) + 1), np.inf)
    np.minimum.at(floor, query[kept], score[kept])
    np.minimum.at(ceiling, query[lost], -score[lost])
    excess = np.maximum(-ceiling - floor, 0)[query]
    return np.where(lost, score - excess - 1e-6, score)


def base_score(mix: np.ndarray) -> np.ndarray:
    """What trees start from.

    Parameters
    ----------
    mix : ndarray of float, shape (n_rows,)
        Shares of at least 0.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        log(mix + `LEAST_SHARE`).

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> base_score(np.array([0.9999])).round(6)
    array([0.])
    """
    return np.log(mix.astype(float) + LEAST_SHARE)


def settings_of(n_queries: int, n_rows: int, *, seed: int, threads: int) -> dict[str, Any]:
    """Settings of the trees: the less there is to learn from, the simpler they are.

    Parameters
    ----------
    n_queries, n_rows : int
        Size of the sample.
    seed, threads : int

    Returns
    -------
    dict

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> settings_of(100, 5000, seed=0, threads=1)["num_leaves"]
    7
    """
    few = n_queries < MANY_QUERIES
    return {
        "objective": "rank_xendcg",
        "metric": "ndcg",
        "eval_at": [10],
        "num_leaves": 7 if few else 31,
        "max_bin": 63,
        "bin_construct_sample_cnt": 50_000,
        "min_data_in_leaf": int(np.clip(n_rows // 4000, 20, 100)),
        "learning_rate": 0.08 if few else 0.12,
        "feature_fraction": 0.3,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 20.0 if few else 5.0,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": threads,
        "seed": seed,
        "verbosity": -1,
    }


def fit_ranker(sample: Sample | None, *, seed: int, threads: int = 1) -> Ranker:
    """Learn from described questions.

    Parameters
    ----------
    sample : Sample or None
    seed : int
    threads : int
        More than one helps only on cores that are free.

    Returns
    -------
    Ranker

    Notes
    -----
    Trees start from the logarithm of the mix and raise the likelihood of the answer in a softmax
    over the candidates. How many trees, and whether they beat the mix, is decided on the last
    stretch of the sample by fewer and bolder trees that were fitted on the stretches before; then
    all of the sample is learned. Source: Bruch (2021), An alternative cross entropy loss for
    learning-to-rank, doi:10.1145/3442381.3449794. Introduced in chapter 12.

    Examples
    --------
    >>> fit_ranker(None, seed=0).boosters
    ()
    """
    if sample is None:
        return Ranker([MIX], (), {"queries": 0.0})
    report = {"queries": float(len(sample.sizes))}
    late = sample.stretch == sample.stretch.max()
    if len(sample.sizes) < LEAST_QUERIES or late.all() or late.sum() < LEAST_QUERIES / 5:
        return Ranker(sample.names, (), report)
    judged = _part(sample, late)
    settings = settings_of(len(sample.sizes), len(sample.values), seed=seed, threads=threads)
    bold = settings | {"learning_rate": HASTE * settings["learning_rate"]}
    trial = _fit(_dataset(_part(sample, ~late)), bold, judged)
    report["mrr_mix"] = _mrr(_base(judged), judged)
    corrected = _base(judged) + trial.predict(judged.values, num_threads=1)
    report["mrr_trees"] = _mrr(corrected, judged)
    if report["mrr_trees"] <= report["mrr_mix"]:
        return Ranker(sample.names, (), report)
    rounds = min(int(trial.best_iteration * HASTE * LONGER) + 1, MOST_TREES)
    report["trees"] = float(rounds)
    data = _dataset(sample)
    seeds = [settings | {"seed": seed + number} for number in range(RANKERS)]
    return Ranker(sample.names, tuple(_fit(data, one, None, rounds) for one in seeds), report)


def _fit(
    data: Any, settings: dict[str, Any], judged: Sample | None, rounds: int = MOST_ROUNDS
) -> Any:
    import lightgbm

    if judged is None:
        return lightgbm.train(settings, data, rounds)
    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    valid = [_dataset(judged, data)]
    return lightgbm.train(settings, data, rounds, valid_sets=valid, callbacks=[stop])


def _base(sample: Sample) -> np.ndarray:
    return base_score(sample.values[:, sample.names.index(MIX)])


def _dataset(sample: Sample, reference: Any = None) -> Any:
    import lightgbm

    # A row that stands for many is as strong as all of them in a softmax: log(many) on top. Without
    # it the trees would think that far candidates are rare, and let them rise.
    return lightgbm.Dataset(
        sample.values, sample.is_answer * RELEVANCE, group=sample.sizes, reference=reference,
        init_score=_base(sample) + np.log(sample.stands_for.astype(float)),
    )  # fmt: skip


def _part(sample: Sample, chosen: np.ndarray) -> Sample:
    rows = np.repeat(chosen, sample.sizes)
    return Sample(
        sample.values[rows], sample.names, sample.family, sample.is_answer[rows],
        sample.stands_for[rows], sample.sizes[chosen], sample.stretch[chosen],
        sample.asked, sample.found,
    )  # fmt: skip


def _mrr(scores: np.ndarray, sample: Sample) -> float:
    """Mean reciprocal rank of the answers, as all candidates would have it; ties count half."""
    query = np.repeat(np.arange(len(sample.sizes)), sample.sizes)
    of_answer = scores[sample.is_answer][query]
    above = np.bincount(query, (scores > of_answer) * sample.stands_for)
    ties = np.bincount(query, (scores == of_answer) * sample.stands_for) - 1
    return float((1 / (1 + above + ties / 2)).mean())
