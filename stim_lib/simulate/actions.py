"""The actions of the simulated city: when, what, where and how far down the funnel."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import expit

from stim_lib.schema import (
    ACTION,
    CATEGORY,
    ITEM,
    LAT,
    LOCAL_TIME,
    LON,
    PRICE,
    ROOT_CATEGORY,
    TEXT,
    TIME,
    USER,
    VALUE,
)
from stim_lib.simulate.people import ANCHORS, locate_users
from stim_lib.simulate.places import open_by_hour, root_codes
from stim_lib.simulate.plane import plane_to_metres
from stim_lib.simulate.truth import Truth

BLOCK_CELLS = 2_000_000
"""Wide tables are worked on in blocks of this many cells (16 MB); results do not depend on it."""
EVENING_HOUR = 18
"""The evening lasts from this local hour until midnight."""
PAID_SD = 0.1
"""Standard deviation of the log of the price paid around the price of the place."""
# Relative activity by local hour, 0 to 23.
WEEKDAY_ACTIVITY = (
    3, 2, 1, 1, 1, 3, 10, 25, 40, 30, 25, 35,
    60, 45, 30, 30, 35, 50, 70, 75, 60, 45, 25, 10,
)  # fmt: skip
WEEKEND_ACTIVITY = (
    12, 8, 4, 2, 1, 2, 4, 8, 18, 30, 45, 50,
    55, 55, 55, 55, 55, 55, 60, 65, 60, 50, 35, 20,
)  # fmt: skip
FUNNEL = pd.DataFrame(
    {
        "intercept": [-0.4, -0.9, -0.2],
        "interest": [0.6, 0.4, 0.3],
        "distance_km": [-0.15, -0.10, -0.20],
        "evening": [0.3, 0.0, 0.4],
    },
    index=["click", "save", "purchase"],
)
"""Logit effects on going from the stage before (a view, first of all) to the stage of the row."""


def hour_shares(root_open: np.ndarray) -> np.ndarray:
    """Probability of each local hour for an action, by day of the week.

    Parameters
    ----------
    root_open : ndarray of bool, shape (n_roots, 24)
        Hours in which nothing is open get no actions.

    Returns
    -------
    ndarray of float64, shape (7, 24)
        Monday first; rows sum to 1.

    Raises
    ------
    ValueError
        If nothing is ever open.

    Notes
    -----
    Proportional to `WEEKDAY_ACTIVITY` or `WEEKEND_ACTIVITY`. Introduced in chapter 01.

    Examples
    --------
    >>> hour_shares(np.ones((1, 24), dtype=bool)).argmax(axis=1)
    array([19, 19, 19, 19, 19, 19, 19])
    """
    activity = np.array([WEEKDAY_ACTIVITY] * 5 + [WEEKEND_ACTIVITY] * 2, dtype=np.float64)
    activity *= root_open.any(axis=0)
    if not activity.any():
        raise ValueError("root_open: expected at least one open hour, found none.")
    return activity / activity.sum(axis=1, keepdims=True)


def draw_times(rng: np.random.Generator, truth: Truth, activity_rate: np.ndarray) -> pd.DataFrame:
    """Draw how often and when each user acts.

    Parameters
    ----------
    rng : Generator
    truth : Truth
    activity_rate : ndarray of float64, shape (n_users,)
        Actions per day.

    Returns
    -------
    DataFrame, shape (n_actions, 5)
        user, day, hour (int), timestamp (UTC), local_time (without a zone); sorted by user, then
        time; no user acts twice in the same second.

    Raises
    ------
    ValueError
        If a rate is negative (NumPy's own message).

    Notes
    -----
    Counts ~ Poisson(rate) for each user and day; hours by `Truth.hour_shares`; seconds uniform.
    Wall-clock times that the zone skips are left out; of those it repeats, the first is meant.
    Introduced in chapter 01.

    Examples
    --------
    >>> from stim_lib.simulate import make_city
    >>> truth = make_city(2, 40, 7).truth
    >>> draw_times(np.random.default_rng(0), truth, np.array([2.0, 0.0]))["user"].unique()
    array([0])
    """
    n_users, n_days, _ = truth.latent_paths.shape
    counts = rng.poisson(activity_rate[:, None], size=(n_users, n_days))
    user, day = (np.repeat(axis.ravel(), counts.ravel()) for axis in np.indices(counts.shape))
    uniform, second = rng.random(len(user)), rng.integers(0, 3600, len(user))
    hour = np.empty(len(user), dtype=np.int64)
    for weekday in range(7):
        rows = truth.day_of_week[day] == weekday
        cumulative = np.cumsum(truth.hour_shares[weekday])
        hour[rows] = np.searchsorted(cumulative / cumulative[-1], uniform[rows], side="right")
    clock = ((day * 24 + hour) * 3600 + second).astype("timedelta64[s]")
    local = pd.DatetimeIndex(truth.start.to_datetime64() + clock).as_unit("us")
    first = np.ones(len(local), dtype=bool)
    zoned = local.tz_localize(truth.timezone, ambiguous=first, nonexistent="NaT")
    columns = {"user": user, "day": day, "hour": hour}
    times = pd.DataFrame({**columns, TIME: zoned.tz_convert("UTC"), LOCAL_TIME: local})
    times = times.dropna(subset=[TIME]).sort_values(["user", TIME], kind="stable")
    return times.drop_duplicates(["user", TIME], ignore_index=True)


def draw_roots(rng: np.random.Generator, truth: Truth, times: pd.DataFrame) -> np.ndarray:
    """Draw the root category of each action from the true shares.

    Parameters
    ----------
    rng : Generator
    truth : Truth
    times : DataFrame, shape (n_actions, 5)
        From `draw_times`.

    Returns
    -------
    ndarray of int64, shape (n_actions,)

    Raises
    ------
    ValueError
        If an action is outside the log (see `Truth.expected_shares`).

    Notes
    -----
    Inverse of the cumulative `Truth.expected_shares`. Introduced in chapter 01.

    Examples
    --------
    >>> from stim_lib.simulate import make_city
    >>> truth = make_city(2, 40, 7).truth
    >>> roots = draw_roots(np.random.default_rng(0), truth, truth.actions)
    >>> bool((roots >= 0).all() and (roots < 8).all())
    True
    """
    user, day, hour = (times[name].to_numpy() for name in ("user", "day", "hour"))
    uniform, root = rng.random(len(times)), np.empty(len(times), dtype=np.int64)
    for rows in _blocks(np.arange(len(times)), len(truth.root_categories)):
        shares = truth.expected_shares(user[rows], day[rows], hour[rows])
        root[rows] = _draw_index(shares, uniform[rows])
    return root


def draw_places(
    rng: np.random.Generator,
    places: pd.DataFrame,
    truth: Truth,
    *,
    root: np.ndarray,
    hour: np.ndarray,
    anchor_points: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw an open place of the root category, near and popular ones first.

    Parameters
    ----------
    rng : Generator
    places : DataFrame, shape (n_places, n_columns)
        From `places.make_places`.
    truth : Truth
    root, hour : ndarray of int, shape (n_actions,)
    anchor_points : ndarray of float64, shape (n_actions, 2)
        Where the user is, in metres east and north of the centre.

    Returns
    -------
    place : ndarray of int64, shape (n_actions,)
        Row of `places`.
    distance : ndarray of float64, shape (n_actions,)
        From the user to the place, in metres.

    Raises
    ------
    ValueError
        If no place of the root category is open in that hour.

    Notes
    -----
    P(i | r, h, a) ∝ popularity_i · exp(−‖x_i − a‖ / L) over the places i of root r open in hour
    h, with a the position of the user and L = `Truth.decay_length`. Introduced in chapter 01.

    Examples
    --------
    >>> from stim_lib.simulate import make_city
    >>> city = make_city(2, 40, 7)
    >>> rng, none = np.random.default_rng(0), np.array([], dtype=int)
    >>> nowhere = np.empty((0, 2))
    >>> drawn = draw_places(
    ...     rng, city.places, city.truth, root=none, hour=none, anchor_points=nowhere
    ... )
    >>> drawn[0].shape
    (0,)
    """
    points = plane_to_metres(places[LAT], places[LON], truth.centre)
    log_popularity = np.log(places["popularity"].to_numpy())
    opened, place_root = open_by_hour(places), root_codes(places)
    uniform, place = rng.random(len(root)), np.empty(len(root), dtype=np.int64)
    for code in np.unique(root):
        members = np.flatnonzero(place_root == code)
        for rows in _blocks(np.flatnonzero(root == code), len(members)):
            metres = _distances(anchor_points[rows, None], points[None, members])
            score = log_popularity[members] - metres / truth.decay_length
            score[~opened[members][:, hour[rows]].T] = -np.inf
            best = score.max(axis=1, keepdims=True)
            if not np.isfinite(best).all():
                raise ValueError("hour: expected an open place of each root, found none.")
            place[rows] = members[_draw_index(np.exp(score - best), uniform[rows])]
    return place, _distances(anchor_points, points[place])


def draw_stages(
    rng: np.random.Generator, funnel: pd.DataFrame, actions: pd.DataFrame
) -> np.ndarray:
    """Draw how far each action goes: view, click, save or purchase.

    Parameters
    ----------
    rng : Generator
    funnel : DataFrame, shape (3, 4)
        Logit effects, see `FUNNEL`.
    actions : DataFrame, shape (n_actions, n_columns)
        The covariates interest, distance_km and evening.

    Returns
    -------
    ndarray of int64, shape (n_actions,)
        Number of stages beyond the view: 0 view, 1 click, 2 save, 3 purchase.

    Raises
    ------
    KeyError
        If a covariate is missing.

    Notes
    -----
    Sequential logit: logit P(stage ≥ k | stage ≥ k − 1) = intercept_k + Σ_j effect_kj x_j.
    Source: Agresti, Categorical Data Analysis, 3rd ed., ch. 8. Introduced in chapter 01.

    Examples
    --------
    >>> near = pd.DataFrame({"interest": [50.0], "distance_km": [0.0], "evening": [0.0]})
    >>> draw_stages(np.random.default_rng(0), FUNNEL, near)
    array([3])
    """
    covariates = actions[list(funnel.columns[1:])].to_numpy(dtype=np.float64)
    stage, further = np.zeros(len(actions), dtype=np.int64), np.ones(len(actions), dtype=bool)
    for effects in funnel.to_numpy():
        chance = expit(effects[0] + covariates @ effects[1:])
        further &= rng.random(len(actions)) < chance
        stage += further
    return stage


def draw_actions(
    rngs: list[np.random.Generator], truth: Truth, users: pd.DataFrame, places: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw the whole log.

    Parameters
    ----------
    rngs : list of 5 Generator
        For times, root categories, places, stages and prices.
    truth : Truth
    users : DataFrame, shape (n_users, 13)
    places : DataFrame, shape (n_places, 14)

    Returns
    -------
    log : DataFrame, shape (n_actions, 11)
        A behaviour log, see `make_city`.
    actions : DataFrame, shape (n_actions, 8)
        `Truth.actions`, row for row beside the log.

    Raises
    ------
    ValueError
        Never, if `truth`, `users` and `places` belong to one city.

    Notes
    -----
    Introduced in chapter 01.

    Examples
    --------
    >>> from stim_lib.simulate import make_city
    >>> city = make_city(2, 40, 7)
    >>> rngs = [np.random.default_rng(k) for k in range(5)]
    >>> log, actions = draw_actions(rngs, city.truth, city.users, city.places)
    >>> len(log) == len(actions)
    True
    """
    times = draw_times(rngs[0], truth, users["activity_rate"].to_numpy())
    root = draw_roots(rngs[1], truth, times)
    user, day, hour = (times[name].to_numpy() for name in ("user", "day", "hour"))
    anchor, points = locate_users(
        users, truth.centre, user=user, day=day, hour=hour, day_of_week=truth.day_of_week
    )
    place, metres = draw_places(rngs[2], places, truth, root=root, hour=hour, anchor_points=points)
    actions = times[["user", "day", "hour"]].assign(
        root=root,
        anchor=pd.array(ANCHORS, dtype="str").take(anchor),
        interest=_chosen_interest(truth, user, day, root),
        distance_km=metres / 1000,
        evening=(hour >= EVENING_HOUR).astype(np.float64),
    )
    stage = draw_stages(rngs[3], truth.funnel, actions)
    log = _write_log(times, users, places, place, stage)
    paid = log[VALUE] * np.exp(PAID_SD * rngs[4].standard_normal(len(log)))
    log[VALUE] = paid.round(2).where(stage == len(truth.funnel))
    return log, actions


def _write_log(
    times: pd.DataFrame,
    users: pd.DataFrame,
    places: pd.DataFrame,
    place: np.ndarray,
    stage: np.ndarray,
) -> pd.DataFrame:
    """Look every column up; the value is the price of the place, whether or not it was paid."""
    stages = pd.array(["view", *FUNNEL.index], dtype="str")
    columns = {USER: users[USER].array.take(times["user"].to_numpy())}
    columns[ITEM] = places[ITEM].array.take(place)
    columns |= {ACTION: stages.take(stage), TIME: times[TIME]}
    of_place = (LAT, LON, CATEGORY, ROOT_CATEGORY)
    columns |= {name: places[name].array.take(place) for name in of_place}
    columns[TEXT] = places["name"].array.take(place)
    columns[VALUE] = places[PRICE].array.take(place)
    return pd.DataFrame({**columns, LOCAL_TIME: times[LOCAL_TIME]})


def _chosen_interest(
    truth: Truth, user: np.ndarray, day: np.ndarray, root: np.ndarray
) -> np.ndarray:
    path = truth.latent_paths[user, day, root].astype(np.float64)
    return truth.base_preference[user, root] + path + truth.drift[root] * day


def _distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.hypot(one[..., 0] - other[..., 0], one[..., 1] - other[..., 1])


def _draw_index(weights: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Inverse of the cumulative weights of each row; a weight of 0 is never drawn."""
    cumulative = weights.cumsum(axis=1)
    return (cumulative <= (uniform * cumulative[:, -1])[:, None]).sum(axis=1)


def _blocks(rows: np.ndarray, width: int) -> Iterator[np.ndarray]:
    size = max(1, BLOCK_CELLS // max(width, 1))
    for begin in range(0, len(rows), size):
        yield rows[begin : begin + size]
