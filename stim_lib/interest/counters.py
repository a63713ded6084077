"""The counters in the same exam: a mix of them for kinds, tuned with the same budget.

Introduced in chapter 11.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from stim_lib import baselines, schema
from stim_lib.interest.models import LEAST_SHARE
from stim_lib.interest.surprise import surprise
from stim_lib.interest.tables import _by_kind
from stim_lib.interest.tuning import Tuned, search
from stim_lib.queries import Knowledge, batches, make_queries

SPACE = {
    "long_days": (20.0, 400.0, True),
    "short_days": (1.0, 15.0, True),
    "wide_hours": (1.5, 4.0, True),
    "narrow_hours": (0.4, 1.4, True),
    "steps_days": (15.0, 200.0, True),
}
# Those of `baselines.default_components`.
FIRST = {
    "long_days": 40.0, "short_days": 3.0, "wide_hours": 2.0, "narrow_hours": 0.75,
    "steps_days": 60.0,
}  # fmt: skip


def mix_of_kinds(
    *,
    use_query_time: bool = False,
    long_days: float = 40.0,
    short_days: float = 3.0,
    wide_hours: float = 2.0,
    narrow_hours: float = 0.75,
    steps_days: float = 60.0,
) -> baselines.Mix:
    """Counters of habit, recency, hour and sequence, for kinds in place of places.

    Parameters
    ----------
    use_query_time : bool
    long_days, short_days : float
        Half-lives of the two user counters.
    wide_hours, narrow_hours : float
        Widths of the two hour counters.
    steps_days : float
        Half-life of the Markov chains.

    Returns
    -------
    Mix
        Not fitted; equal weights. Without the counters of distance: a kind is nowhere.

    Notes
    -----
    Introduced in chapter 11.

    Examples
    --------
    >>> len(mix_of_kinds().components)
    7
    """
    user = {"prior_weight": 0.0, "use_query_time": use_query_time}
    chain = user | {"half_life_days": steps_days}
    parts = {
        "user_long": baselines.UserCounter(half_life_days=long_days, **user),
        "user_short": baselines.UserCounter(half_life_days=short_days, **user),
        "hour_wide": baselines.HourOfWeekCounter(width_hours=wide_hours, **user),
        "hour_narrow": baselines.HourOfWeekCounter(width_hours=narrow_hours, **user),
        "markov_user": baselines.Markov(level="user", **chain),
        "markov_global": baselines.Markov(level="global", **chain),
        "popularity": baselines.GlobalPopularity(use_query_time=use_query_time),
    }
    if use_query_time:
        parts["markov_user_fresh"] = baselines.Markov(level="user", fade_hours=2, **chain)
    return baselines.Mix(parts, use_query_time=use_query_time)


def tune_counters(
    train: pd.DataFrame,
    validation: pd.DataFrame,
    log: pd.DataFrame,
    *,
    kind: str = schema.ROOT_CATEGORY,
    use_query_time: bool = False,
    n_trials: int = 20,
    seed: int = 0,
) -> Tuned:
    """Choose half-lives, widths and weights of a mix of counters for its likelihood.

    Parameters
    ----------
    train, validation : DataFrame, shape (n_actions, n_columns)
        Parts of `log`.
    log : DataFrame, shape (n_actions, n_columns)
    kind : str
        Column to be predicted.
    use_query_time : bool
    n_trials : int
        As `tune_model`: the same number for every model of a table.
    seed : int

    Returns
    -------
    Tuned
        Its model is a fitted `baselines.Mix`, asked through `counter_shares`.

    Raises
    ------
    ValueError
        If there is no trial, or no validation action is of a kind that training has.

    Notes
    -----
    Each trial fits the weights too, by `baselines.weigh_by_likelihood`. Introduced in chapter 11.

    Examples
    --------
    >>> from stim_lib import datasets
    >>> log = datasets.load_seed_example().assign(user_id="1")
    >>> tuned = tune_counters(log[:3], log[3:], log, kind="category", n_trials=1)
    >>> tuned.name, len(tuned.trials)
    ('counters', 1)
    """
    known, check, everything = (_by_kind(part, kind) for part in (train, validation, log))
    asked, truth = make_queries(check)
    truth = truth[truth.isin(known[schema.ITEM].unique())]

    def loss(settings: dict[str, float]) -> tuple[float, baselines.Mix]:
        mix = mix_of_kinds(use_query_time=use_query_time, **settings).fit(known)
        mix = baselines.weigh_by_likelihood(mix, check, train=known, log=everything)
        shares = counter_shares(mix, asked.loc[truth.index], log, kind=kind)
        return float(surprise(shares, truth).mean()), mix

    settings, mix, trials = search(loss, SPACE, FIRST, n_trials=n_trials, seed=seed)
    return Tuned("counters", settings, mix, trials)


def counter_shares(
    model: baselines.Baseline,
    asked: pd.DataFrame,
    log: pd.DataFrame,
    *,
    kind: str = schema.ROOT_CATEGORY,
    least_share: float = LEAST_SHARE,
) -> pd.DataFrame:
    """Ask a counter of places about kinds, and hear shares.

    Parameters
    ----------
    model : Baseline
        Fitted on a log whose items are kinds.
    asked : DataFrame, shape (n_queries, n_columns)
    log : DataFrame, shape (n_actions, n_columns)
        What came strictly before each query is its history.
    kind : str
    least_share : float
        As for `predict_interest`.

    Returns
    -------
    DataFrame of float64, shape (n_queries, n_kinds)
        Index of `asked`; columns in alphabetical order; rows sum to 1.

    Raises
    ------
    ValueError
        If the counter is not fitted.

    Notes
    -----
    A row of zeros, where a counter knows nothing, becomes equal shares. Introduced in chapter 11.

    Examples
    --------
    >>> from stim_lib import datasets
    >>> log = datasets.load_seed_example().assign(user_id="1")
    >>> counter = baselines.UserCounter().fit(log.assign(item_id=log["category"]))
    >>> asked, _ = make_queries(log[3:])
    >>> float(counter_shares(counter, asked, log, kind="category").sum(axis=1).iloc[0])
    1.0
    """
    items = _by_kind(log, kind)
    time = "known" if model.use_query_time else "unknown"
    n_kinds = len(model.catalogue)
    table = np.zeros((len(asked), n_kinds))
    for rows, some, visible in batches(
        asked, items, knowledge=Knowledge("rolling", time), size=2000
    ):
        table[rows] = model.score(some, history=visible)
    total = table.sum(axis=1, keepdims=True)
    table = np.divide(table, total, out=np.full_like(table, 1 / n_kinds), where=total > 0)
    table = (1 - n_kinds * least_share) * table + least_share
    table /= table.sum(axis=1, keepdims=True)
    return pd.DataFrame(table, asked.index, list(model.catalogue)).sort_index(axis=1)
