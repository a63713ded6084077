"""Learning to put the answer first: gradient-boosted trees that compare the candidates of a query.

Introduced in chapter 12.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from stim_lib.recommend.samples import Sample

# With fewer questions than this there is nothing to learn from: the counters' mix ranks.
LEAST_QUERIES = 150
MANY_QUERIES = 1500
MOST_ROUNDS, PATIENCE = 220, 25
OBJECTIVES = ("lambdarank", "rank_xendcg")
SHARES_OF_FIRST = (0.0, 0.25, 0.5, 0.75, 1.0)
MIX = "mix"


@dataclass(frozen=True)
class Ranker:
    """Trees of two objectives, weighed; without trees, the counters' mix.

    Attributes
    ----------
    names : list of str
        Features, in the order of the columns.
    boosters : tuple of lightgbm.Booster
    weights : tuple of float
        One for each booster.
    report : dict
        What the validation stretch said.
    """

    names: list[str]
    boosters: tuple[Any, ...]
    weights: tuple[float, ...]
    report: Mapping[str, float]

    def score(self, values: np.ndarray) -> np.ndarray:
        """Score of each row, higher is better.

        Parameters
        ----------
        values : ndarray of float32, shape (n_rows, n_features)
        """
        if not self.boosters:
            return values[:, self.names.index(MIX)].astype(float)
        if not len(values):
            return np.zeros(0)
        total = np.zeros(len(values))
        for booster, weight in zip(self.boosters, self.weights, strict=True):
            total += weight * booster.predict(values, num_threads=1)
        return total


def settings_of(n_queries: int, n_rows: int, *, seed: int, threads: int) -> dict[str, object]:
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
        "num_leaves": 7 if few else 31,
        "min_data_in_leaf": int(np.clip(n_rows // 5000, 20, 60)),
        "learning_rate": 0.06 if few else 0.08,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 20.0 if few else 5.0,
        "lambdarank_truncation_level": 20,
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
    The number of trees, the weight of the two objectives and whether trees beat the counters' mix
    are decided on the last stretch of the sample by trees that were fitted on the stretches
    before; then all of the sample is learned. Source: Burges (2010), From RankNet to LambdaRank to
    LambdaMART, MSR-TR-2010-82; Bruch (2021), doi:10.1145/3442381.3449794. Introduced in chapter
    12.

    Examples
    --------
    >>> fit_ranker(None, seed=0).boosters
    ()
    """
    if sample is None:
        return Ranker([MIX], (), (), {"queries": 0})
    report = {"queries": float(len(sample.sizes))}
    late = sample.stretch == sample.stretch.max()
    if len(sample.sizes) < LEAST_QUERIES or late.all() or late.sum() < LEAST_QUERIES / 5:
        return Ranker(sample.names, (), (), report)
    early, judged = _part(sample, ~late), _part(sample, late)
    mix = judged.values[:, judged.names.index(MIX)].astype(float)
    report["mrr_mix"] = _mrr(mix, judged)
    settings = settings_of(len(sample.sizes), len(sample.values), seed=seed, threads=threads)
    trials = [_fit(early, settings, objective, judged) for objective in OBJECTIVES]
    scores = [_scaled(trial.predict(judged.values, num_threads=1)) for trial in trials]
    reached = [
        _mrr(share * scores[0] + (1 - share) * scores[1], judged) for share in SHARES_OF_FIRST
    ]
    share = SHARES_OF_FIRST[int(np.argmax(reached))]
    report |= {"mrr_trees": max(reached), "share_of_lambdarank": share}
    if max(reached) <= report["mrr_mix"]:
        return Ranker(sample.names, (), (), report)
    boosters, weights = [], []
    for objective, trial, weight in zip(OBJECTIVES, trials, (share, 1 - share), strict=True):
        if weight > 0:
            rounds = int(trial.best_iteration * 1.1) + 1
            boosters.append(_fit(sample, settings, objective, None, rounds))
            spread = trial.predict(judged.values, num_threads=1).std()
            weights.append(float(weight / max(spread, 1e-9)))
            report[f"trees_{objective}"] = float(rounds)
    return Ranker(sample.names, tuple(boosters), tuple(weights), report)


def _fit(
    sample: Sample,
    settings: dict[str, object],
    objective: str,
    judged: Sample | None,
    rounds: int = MOST_ROUNDS,
) -> Any:
    import lightgbm

    data = lightgbm.Dataset(sample.values, sample.is_answer.astype(int), group=sample.sizes)
    settings = {**settings, "objective": objective, "metric": "ndcg", "eval_at": [10]}
    if judged is None:
        return lightgbm.train(settings, data, rounds)
    valid = lightgbm.Dataset(
        judged.values, judged.is_answer.astype(int), group=judged.sizes, reference=data
    )
    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    return lightgbm.train(settings, data, rounds, valid_sets=[valid], callbacks=[stop])


def _part(sample: Sample, chosen: np.ndarray) -> Sample:
    rows = np.repeat(chosen, sample.sizes)
    return Sample(
        sample.values[rows], sample.names, sample.family, sample.is_answer[rows],
        sample.sizes[chosen], sample.stretch[chosen], sample.asked, sample.found,
    )  # fmt: skip


def _scaled(scores: np.ndarray) -> np.ndarray:
    return scores / max(float(scores.std()), 1e-9)


def _mrr(scores: np.ndarray, sample: Sample) -> float:
    """Mean reciprocal rank of the answers among the candidates; ties count as half above."""
    query = np.repeat(np.arange(len(sample.sizes)), sample.sizes)
    of_answer = scores[sample.is_answer][query]
    above = np.bincount(query, scores > of_answer)
    ties = np.bincount(query, scores == of_answer) - 1
    return float((1 / (1 + above + ties / 2)).mean())
