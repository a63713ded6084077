"""The exam of chapter 10, and those who sit it without a language model.

What kind of place comes next, of ten, at a time that is known? All models are asked the same test
queries and may read the same past. Learners get the same training queries, in the same nested
order, so that a learning curve compares like with like.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stim_lib import baselines, queries, schema, splits
from stim_lib.temporal import circular_distance

# As many as a prompt tells.
N_LINES = 4
STRENGTHS = (0.001, 0.01, 0.1, 1.0)
HOUR_WIDTH = 2.0


@dataclass
class Exam:
    """Queries with their answers, in three parts that follow each other in time.

    Parameters
    ----------
    log : DataFrame
        Foursquare NYC.
    n_test, n_validation, n_pool : int
        Queries drawn from each part, once, with a seed of their own; the pool is what the
        expensive learners may draw their examples from.
    """

    log: pd.DataFrame
    n_test: int = 1000
    n_validation: int = 300
    n_pool: int = 3000
    time_known: bool = True
    parts: tuple[pd.DataFrame, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Let the kind be what is predicted, and cut by time."""
        self.log = self.log.assign(**{schema.ITEM: self.log[schema.ROOT_CATEGORY]})
        self.parts = splits.split_by_time(self.log)
        self.kinds = sorted(self.parts[0][schema.ITEM].unique())

    def draw(self, part: pd.DataFrame, n: int | None) -> pd.DataFrame:
        """Queries of a part whose users have a past, n of them or all, in random order."""
        asked, truth = queries.make_queries(part)
        asked = asked.assign(truth=pd.Index(self.kinds).get_indexer(truth))
        asked = asked[queries.look_back(asked, self.log).last >= 0]
        order = np.random.default_rng(0).permutation(len(asked))[:n]
        return asked.iloc[order]

    @cached_property
    def test(self) -> pd.DataFrame:
        """What everybody is asked, once."""
        return self.draw(self.parts[2], self.n_test)

    @cached_property
    def validation(self) -> pd.DataFrame:
        """What settings are chosen by."""
        return self.draw(self.parts[1], self.n_validation)

    @cached_property
    def everything(self) -> pd.DataFrame:
        """All training queries."""
        return self.draw(self.parts[0], None)

    @cached_property
    def pool(self) -> pd.DataFrame:
        """Training queries for learners that need seconds for each."""
        return self.everything.iloc[: self.n_pool]

    def examples(self, n: int, seed: int) -> np.ndarray:
        """Positions in the pool of n examples; a larger n holds the smaller one."""
        return np.random.default_rng([seed, 10]).permutation(len(self.pool))[:n]


def describe(exam: Exam, asked: pd.DataFrame, *, whole_history: bool) -> np.ndarray:
    """What the lines of a prompt say, as numbers; or what the whole history says.

    Returns
    -------
    ndarray of float, shape (n_queries, 51 or 71)
    """
    past = queries.look_back(asked, exam.log)
    kind = pd.Index(exam.kinds).get_indexer(exam.log[schema.ITEM])[past.row]
    local = exam.log[schema.LOCAL_TIME]
    clock = hours(local).to_numpy()[past.row]
    now = hours(asked[schema.LOCAL_TIME]).to_numpy()
    length = np.bincount(past.query, minlength=len(asked))
    back = length.cumsum()[past.query] - np.arange(len(past.query))
    near = np.exp(-0.5 * (circular_distance(clock, now[past.query], period=24) / HOUR_WIDTH) ** 2)

    def counts(chosen: np.ndarray, weight: np.ndarray | float = 1.0) -> np.ndarray:
        table = np.zeros((len(asked), len(exam.kinds)))
        np.add.at(table, (past.query[chosen], kind[chosen]), (weight + 0 * near)[chosen])
        return table

    told = back <= N_LINES
    blocks = [counts(back == 1), counts(back == 2), counts(told), counts(told, near)]
    if whole_history:
        for weight in (1.0, near):
            table = counts(back > 0, weight)
            blocks.append(np.log((table + 0.3) / (table.sum(axis=1, keepdims=True) + 3)))
    return np.column_stack([*blocks, clock_columns(asked, now), gap_column(asked, exam, past.last)])


def hours(local: pd.Series) -> pd.Series:
    """Hour of the day, with its fraction."""
    return local.dt.hour + local.dt.minute / 60


def clock_columns(asked: pd.DataFrame, now: np.ndarray) -> np.ndarray:
    """Waves of the day, for workdays and weekends apart."""
    angle = 2 * np.pi * now[:, None] * np.arange(1, 4) / 24
    waves = np.column_stack([np.sin(angle), np.cos(angle)])
    weekend = (asked[schema.LOCAL_TIME].dt.dayofweek >= 5).to_numpy()[:, None]
    return np.column_stack([waves, waves * weekend, weekend])


def gap_column(asked: pd.DataFrame, exam: Exam, last: np.ndarray) -> np.ndarray:
    """Logarithm of the hours since the last action."""
    gap = asked[schema.TIME].to_numpy() - exam.log[schema.TIME].to_numpy()[last]
    return np.log1p(gap / pd.Timedelta("1h"))[:, None].astype(float)


def fit_logistic(
    x: np.ndarray, y: np.ndarray, check: tuple[np.ndarray, np.ndarray], n_kinds: int
) -> tuple[object, float]:
    """Multinomial regression whose strength of penalty is the best on validation."""
    best = (np.inf, None, 0.0)
    for strength in STRENGTHS:
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=strength, max_iter=300, tol=1e-3)
        )
        model.fit(x, y)
        loss = -np.log(shares_of(model, check[0], n_kinds)[np.arange(len(check[1])), check[1]])
        best = min(best, (loss.mean(), model, strength), key=lambda one: one[0])
    return best[1], best[2]


def shares_of(model: object, x: np.ndarray, n_kinds: int) -> np.ndarray:
    """Probabilities of all kinds; one that the examples did not hold gets its share of a prior."""
    shares = np.full((len(x), n_kinds), 1e-3)
    shares[:, model.classes_] += model.predict_proba(x)
    return shares / shares.sum(axis=1, keepdims=True)


def markov_shares(exam: Exam, examples: pd.DataFrame, asked: pd.DataFrame) -> np.ndarray:
    """What followed this kind in the examples, with the kinds' own shares as a prior."""
    n = len(exam.kinds)
    last_of = [last_kind(exam, some) for some in (examples, asked)]
    prior = (np.bincount(examples["truth"], minlength=n) + 1) / (len(examples) + n)
    table = np.tile(5 * prior, (n, 1))
    np.add.at(table, (last_of[0], examples["truth"].to_numpy()), 1)
    return (table / table.sum(axis=1, keepdims=True))[last_of[1]]


def majority_shares(exam: Exam, examples: pd.DataFrame, asked: pd.DataFrame) -> np.ndarray:
    """The shares of the kinds among the examples, whoever asks."""
    n = len(exam.kinds)
    shares = (np.bincount(examples["truth"], minlength=n) + 1) / (len(examples) + n)
    return np.tile(shares, (len(asked), 1))


def last_kind(exam: Exam, asked: pd.DataFrame) -> np.ndarray:
    """Number of the kind of the last action."""
    row = queries.look_back(asked, exam.log).last
    return pd.Index(exam.kinds).get_indexer(exam.log[schema.ITEM])[row]


def counter_shares(exam: Exam, model: object, asked: pd.DataFrame) -> np.ndarray:
    """Probabilities of a counter that was fitted on the training part."""
    bare = asked.drop(columns="truth")
    knowledge = queries.Knowledge("rolling", "known" if model.use_query_time else "unknown")
    shares = np.zeros((len(asked), len(exam.kinds)))
    for batch, some, visible in queries.batches(
        bare, exam.log, knowledge=knowledge, train=exam.parts[0]
    ):
        scores = model.score(some, history=visible)
        shares[batch] = scores[:, model.catalogue.get_indexer(exam.kinds)]
    return shares / shares.sum(axis=1, keepdims=True)


def tuned_counters(exam: Exam) -> dict[str, object]:
    """The hour counter and the mix of counters, tuned on the validation part by likelihood."""
    train, validation, _ = exam.parts
    mix = baselines.Mix(use_query_time=exam.time_known)
    parts = {name: one for name, one in mix.components.items() if not name.startswith("near")}
    mix = baselines.Mix(parts, use_query_time=exam.time_known).fit(train)
    mix = baselines.weigh_by_likelihood(mix, validation, train=train, log=exam.log)
    hour = baselines.HourOfWeekCounter(width_hours=1.5, use_query_time=True).fit(train)
    return {"hour counter": hour, "mix of counters": mix}
