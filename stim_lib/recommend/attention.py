"""Which of one's own past actions speak for now: attention with a few weights that can be read.

Each earlier action gets a score, linear in what its moment has in common with the query; a softmax
turns scores into shares, and a place has the shares of its actions. Introduced in chapter 12.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from stim_lib import schema
from stim_lib.queries import make_queries
from stim_lib.recommend.sight import SATURDAY, Sight, look
from stim_lib.recommend.statistics import HOURS_A_DAY, UNKNOWN, Statistics, chord_metres

# Guesses from which fitting starts, and to which few data keep close.
GUESSES = {
    "age": -0.3, "back": -0.2, "is_last": -1.0, "today": -0.3, "was_new": -0.5,
    "quarter_hour": 0.5, "hour": 1.0, "half_day": 0.5, "kind_of_day": 0.5, "weekday": 0.2,
    "follow": 1.5, "follow_pair": 0.5, "skip": 0.3, "follow_kind": 0.3,
    "from_near": 0.8, "from_area": 0.3, "near": 0.5, "far": -0.1, "follow_hour": 0.0,
    "gap": 0.0, "follow_gap": 0.0, "from_near_gap": 0.0, "gap_hour": 0.0, "near_soon": 0.5,
    "far_soon": -0.3, "follow_soon": 0.5, "hour_later": 0.3, "overnight": 0.1,
    "hour_kind_of_day": 0.0, "hour_weekday": 0.0, "hour_from_near": 0.0, "age_hour": 0.0,
}  # fmt: skip
MOST_PAIRS = 800_000
MOST_QUERIES = 2_500
# As strong as a normal prior with this standard deviation around the guesses.
SPREAD = 1.0
# Fitting ends after so many steps, or when one gains less than this share of the loss.
MOST_STEPS, LEAST_GAIN = 60, 1e-6


def compare_moments(sight: Sight) -> dict[str, np.ndarray]:
    """What the moment of each earlier action has in common with the query.

    Parameters
    ----------
    sight : Sight

    Returns
    -------
    dict of str to ndarray of float64, shape (n_pairs,)
        Numbers of the order of 1; some of `GUESSES`, in that order.

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.statistics import learn_statistics
    >>> log = load_seed_example().assign(user_id="1")
    >>> found = compare_moments(look(log[2:3], log, learn_statistics(log), timed=False))
    >>> found["is_last"].tolist()
    [0.0, 1.0]
    """
    query, row, trace = sight.query, sight.row, sight.trace
    age = np.maximum(sight.now[query] - trace.time[row], 0) / sight.statistics.return_hours
    date = np.floor(trace.clock / HOURS_A_DAY)[row] == np.floor(sight.clock / HOURS_A_DAY)[query]
    apart, (day, today) = sight.apart, sight.days
    found = {
        "age": np.log1p(age),
        "back": np.log1p(sight.back),
        "is_last": 1.0 * (trace.item[row] == sight.last_item[query]),
        "today": 1.0 * date,
        "was_new": 1.0 * trace.is_new[row],
        "quarter_hour": np.exp(-0.5 * (apart / 0.3) ** 2),
        "hour": np.exp(-0.5 * (apart / 1.2) ** 2),
        "half_day": np.cos(apart / HOURS_A_DAY * 2 * np.pi),
        "kind_of_day": 1.0 * ((day >= SATURDAY) == (today >= SATURDAY)),
        "weekday": 1.0 * (day == today),
    }
    found |= {
        "hour_kind_of_day": found["hour"] * found["kind_of_day"],
        "hour_weekday": found["hour"] * found["weekday"],
        "age_hour": found["hour"] * found["age"],
    }
    return found | _compare_ways(sight, found["hour"])


def _compare_ways(sight: Sight, hour: np.ndarray) -> dict[str, np.ndarray]:
    query, row, trace = sight.query, sight.row, sight.trace
    two = sight.at(trace.before, sight.pair_before, UNKNOWN)
    item_two, last = sight.at(trace.item, two, UNKNOWN), sight.last_item[query]
    before_last = sight.at(trace.item, sight.last_but_one, UNKNOWN)[query]
    follow = 1.0 * sight.follows
    found = {
        "follow": follow,
        "follow_pair": follow * (item_two == before_last) * (two >= 0),
        "skip": 1.0 * (item_two == last),
        "follow_kind": 1.0 * sight.follows_kind,
        "follow_hour": follow * hour,
    }
    scale = sight.statistics.jumps
    on_map = np.isfinite(scale[0])
    if on_map:
        here = sight.here[query]
        apart = np.nan_to_num(sight.metres_before, nan=np.inf)
        away = np.nan_to_num(chord_metres(trace.points[row], here), nan=scale[1])
        found |= {
            "from_near": np.exp(-apart / scale[0]),
            "from_area": np.exp(-apart / scale[1]),
            "near": np.exp(-away / scale[0]),
            "far": np.log1p(away / scale[1]),
        }
        found["hour_from_near"] = hour * found["from_near"]  # fmt: skip
    if sight.timed:
        found |= _compare_gaps(sight, hour, found, on_map)
    return found


def _compare_gaps(
    sight: Sight, hour: np.ndarray, found: dict[str, np.ndarray], on_map: bool
) -> dict[str, np.ndarray]:
    gap, now, alike = sight.pair_gap, sight.gap[sight.query], sight.gap_ratio
    soon = 1 / (1 + now / sight.statistics.gap_hours)
    more = {
        "gap": alike, "follow_gap": alike * found["follow"], "gap_hour": alike * hour,
        "follow_soon": soon * found["follow"], "hour_later": (1 - soon) * hour,
        "overnight": 1.0 * ((gap > HOURS_A_DAY / 4) == (now > HOURS_A_DAY / 4)),
    }  # fmt: skip
    if on_map:
        more |= {
            "from_near_gap": alike * found["from_near"], "near_soon": soon * found["near"],
            "far_soon": soon * found["far"],
        }  # fmt: skip
    return more


def attend(sight: Sight, weights: Mapping[str, float]) -> np.ndarray:
    """Share of the attention of each query that each of its pairs gets.

    Parameters
    ----------
    sight : Sight
    weights : mapping of str to float

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
    >>> float(attend(sight, GUESSES).sum())
    1.0
    """
    score = np.zeros(len(sight.row))
    for name, values in compare_moments(sight).items():
        score += weights[name] * values
    if not len(score):
        return score
    start = np.flatnonzero(np.diff(sight.query, prepend=-1))
    length = np.diff(np.append(start, len(score)))
    score = np.exp(score - np.repeat(np.maximum.reduceat(score, start), length))
    return score / np.repeat(np.add.reduceat(score, start), length)


def fit_attention(
    questions: pd.DataFrame,
    log: pd.DataFrame,
    statistics: Statistics,
    batches: Iterable[np.ndarray],
    *,
    timed: bool,
) -> dict[str, float]:
    """Find the weights under which returns to own places were most likely.

    Parameters
    ----------
    questions : DataFrame, shape (n_queries, n_columns)
        Actions of the log, as questions and answers.
    log : DataFrame, shape (n_actions, n_columns)
    statistics : Statistics
        Its scales alone are used.
    batches : iterable of ndarray of int
        Positions in `questions`.
    timed : bool

    Returns
    -------
    dict of str to float
        For every name of `GUESSES`; the guess itself where nothing could be learned.

    Notes
    -----
    Maximises Σ log (share of the answer) - Σ (w - guess)² / 2 `SPREAD`² by L-BFGS; questions
    whose answer the user had never visited say nothing. Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.statistics import learn_statistics
    >>> log = load_seed_example().assign(user_id="1")
    >>> fit_attention(log, log, learn_statistics(log), [np.arange(4)], timed=False)["follow"]
    1.5
    """
    queries, truth = make_queries(questions)
    answer = statistics.catalogue.get_indexer(truth)
    tables, hits, starts, n_pairs = [], [], [], 0
    names: list[str] = []
    for batch in batches:
        sight = look(queries.iloc[batch], log, statistics, timed=timed)
        hit = sight.trace.item[sight.row] == answer[batch][sight.query]
        useful = np.bincount(sight.query[hit], minlength=len(batch)) > 0
        kept = useful[sight.query]
        if not kept.any() or n_pairs > MOST_PAIRS:
            continue
        found = compare_moments(sight)
        names = list(found)
        tables.append(np.stack([v[kept].astype(np.float32) for v in found.values()], axis=1))
        hits.append(hit[kept])
        starts.append(np.flatnonzero(np.diff(sight.query[kept], prepend=-1)) + n_pairs)
        n_pairs += int(kept.sum())
    # Where every pair is the answer there was no choice.
    if not tables or np.concatenate(hits).all():
        return dict(GUESSES)
    table, hit, start = (np.concatenate(parts) for parts in (tables, hits, starts))
    return GUESSES | _most_likely(table, hit, start, names)


def _most_likely(
    table: np.ndarray, hit: np.ndarray, start: np.ndarray, names: list[str]
) -> dict[str, float]:
    guess = np.array([GUESSES[name] for name in names])
    length = np.diff(np.append(start, len(hit)))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        score = (table @ weights.astype(np.float32)).astype(float)
        top = np.repeat(np.maximum.reduceat(score, start), length)
        share = np.exp(score - top)
        all_of_it = np.add.reduceat(share, start)
        right = np.add.reduceat(share * hit, start) + 1e-300
        pull = share / np.repeat(all_of_it, length) - share * hit / np.repeat(right, length)
        slope = pull.astype(np.float32) @ table + (weights - guess) / SPREAD**2
        value = np.log(all_of_it).sum() - np.log(right).sum()
        return value + ((weights - guess) ** 2).sum() / (2 * SPREAD**2), slope.astype(float)

    options = {"maxiter": MOST_STEPS, "ftol": LEAST_GAIN}
    found = minimize(loss, guess, jac=True, method="L-BFGS-B", options=options)
    return dict(zip(names, found.x.tolist(), strict=True))


def draw_questions(train: pd.DataFrame, start: float, rng: np.random.Generator) -> pd.DataFrame:
    """Some actions of the later part of a log.

    Parameters
    ----------
    train : DataFrame, shape (n_actions, n_columns)
    start : float
        Share of the actions, in order of time, that come before.
    rng : Generator

    Returns
    -------
    DataFrame
        At most `MOST_QUERIES` rows of `train`, in its order.

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
    late = order[int(len(order) * start) :]
    return train.iloc[np.sort(rng.permutation(late)[:MOST_QUERIES])]
