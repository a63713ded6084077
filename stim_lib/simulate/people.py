"""The users of the simulated city: where they live and work, and the one thing that may change."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stim_lib.schema import USER
from stim_lib.simulate.places import DISTRICT_WEIGHTS, draw_points
from stim_lib.simulate.plane import plane_to_degrees, plane_to_metres

WORK_SHARE = 0.7
"""Share of the users who have a place of work on the first day."""
RATE_SHAPE = 4.0
"""Shape of the gamma distribution of personal activity rates (coefficient of variation 1/2)."""
HOME_WEIGHTS = np.array([0.12, 0.22, 0.22, 0.22, 0.22])
"""Share of the homes in each district."""
WORK_HOURS = (9, 18)
"""A worker is at work on weekdays from the first hour until the second (local)."""
TRIP_DAYS = (3, 10)
"""Shortest and longest trip, in days."""
SHORTEST_WITH_CHANGES = 8
"""In a log of fewer days nobody changes anything."""
CHANGE_KINDS = ("none", "move", "new_job", "trip")
ANCHORS = ("home", "work", "trip")


def make_users(
    rng: np.random.Generator,
    n_users: int,
    district_centres: np.ndarray,
    centre: tuple[float, float],
    activity_rate: float,
) -> pd.DataFrame:
    """Draw homes, places of work and activity rates.

    Parameters
    ----------
    rng : Generator
    n_users : int
    district_centres : ndarray of float64, shape (n_districts, 2)
        Metres.
    centre : (lat, lon)
        Degrees, WGS-84.
    activity_rate : float
        Mean of the personal rates, in actions per day.

    Returns
    -------
    DataFrame, shape (n_users, 8)
        user_id, home_lat, home_lon, work_lat, work_lon (degrees; NaN for those without work),
        home_district, work_district (-1 without work), activity_rate (actions per day).

    Raises
    ------
    ValueError
        If `n_users` or `activity_rate` is negative (NumPy's own message).

    Notes
    -----
    activity_rate_u ~ Gamma(4, mean / 4). Homes follow `HOME_WEIGHTS`, places of work the shares of
    the places (more of them in the centre). Introduced in chapter 01.

    Examples
    --------
    >>> users = make_users(np.random.default_rng(0), 1000, np.zeros((5, 2)), (31.2, 121.5), 1.5)
    >>> bool(abs(users["activity_rate"].mean() - 1.5) < 0.1)
    True
    """
    home_district = rng.choice(len(HOME_WEIGHTS), size=n_users, p=HOME_WEIGHTS)
    work_district = rng.choice(len(DISTRICT_WEIGHTS), size=n_users, p=DISTRICT_WEIGHTS)
    works = rng.random(n_users) < WORK_SHARE
    home = draw_points(rng, home_district, district_centres)
    work = np.where(works[:, None], draw_points(rng, work_district, district_centres), np.nan)
    (home_lat, home_lon), (work_lat, work_lon) = (
        plane_to_degrees(points, centre) for points in (home, work)
    )
    width = max(5, len(str(n_users)))
    ids = pd.array([f"u{k:0{width}d}" for k in range(1, n_users + 1)], dtype="str")
    columns = {
        USER: ids,
        "home_lat": home_lat,
        "home_lon": home_lon,
        "work_lat": work_lat,
        "work_lon": work_lon,
        "home_district": home_district,
        "work_district": np.where(works, work_district, -1),
        "activity_rate": rng.gamma(RATE_SHAPE, activity_rate / RATE_SHAPE, n_users),
    }
    return pd.DataFrame(columns)


def add_change_points(
    rng: np.random.Generator,
    users: pd.DataFrame,
    district_centres: np.ndarray,
    centre: tuple[float, float],
    *,
    n_days: int,
    change_share: float,
) -> pd.DataFrame:
    """Give a share of the users one change: a move, a new job or a trip.

    Parameters
    ----------
    rng : Generator
    users : DataFrame, shape (n_users, 8)
        From `make_users`.
    district_centres : ndarray of float64, shape (n_districts, 2)
        Metres.
    centre : (lat, lon)
        Degrees, WGS-84.
    n_days : int
        Length of the log.
    change_share : float in [0, 1]
        Probability that a user has a change; the three kinds are equally likely.

    Returns
    -------
    DataFrame, shape (n_users, 13)
        `users` with change_kind (none, move, new_job, trip), change_day (Int64; first day of the
        new state, day 0 being the first), change_end_day (Int64; first day after a trip),
        new_lat, new_lon (degrees; the new home, the new place of work, or the base of the trip).

    Raises
    ------
    ValueError
        If `n_days` is negative (NumPy's own message).

    Notes
    -----
    The day is uniform over the middle half of the log. The new point lies in another district than
    the old one (for a trip: than the home). A new job may be a first job. With fewer than
    `SHORTEST_WITH_CHANGES` days nothing changes. Introduced in chapter 01.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> districts, centre = np.zeros((5, 2)), (31.2, 121.5)
    >>> users = make_users(rng, 3, districts, centre, 1.5)
    >>> add_change_points(rng, users, districts, centre, n_days=90, change_share=0.0).shape
    (3, 13)
    """
    n_users, n_districts = len(users), len(district_centres)
    share = change_share if n_days >= SHORTEST_WITH_CHANGES else 0.0
    kind = np.where(rng.random(n_users) < share, rng.integers(1, 4, n_users), 0)
    day = rng.integers(n_days // 4, n_days - n_days // 4, n_users)
    end = np.minimum(day + rng.integers(TRIP_DAYS[0], TRIP_DAYS[1] + 1, n_users), n_days)
    old = np.where(kind == 2, users["work_district"], users["home_district"])
    # From district k to one of the others; from no work (-1) to any.
    step = np.where(old < 0, rng.integers(n_districts, size=n_users) + 1, 0)
    step = np.where(old < 0, step, rng.integers(1, n_districts, size=n_users))
    points = draw_points(rng, (old + step) % n_districts, district_centres)
    lat, lon = plane_to_degrees(np.where(kind[:, None] > 0, points, np.nan), centre)
    return users.assign(
        change_kind=pd.array(np.array(CHANGE_KINDS)[kind], dtype="str"),
        change_day=pd.array(day, dtype="Int64"),
        change_end_day=pd.array(end, dtype="Int64"),
        new_lat=lat,
        new_lon=lon,
    ).assign(
        change_day=lambda df: df["change_day"].mask(kind == 0),
        change_end_day=lambda df: df["change_end_day"].mask(kind != 3),
    )


def locate_users(
    users: pd.DataFrame,
    centre: tuple[float, float],
    *,
    user: np.ndarray,
    day: np.ndarray,
    hour: np.ndarray,
    day_of_week: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Where users are at given hours: at home, at work or on a trip.

    Parameters
    ----------
    users : DataFrame, shape (n_users, 13)
        From `add_change_points`.
    centre : (lat, lon)
        Degrees, WGS-84.
    user, day, hour : ndarray of int, shape (n_actions,)
        Row of `users`; day of the log; local hour.
    day_of_week : ndarray of int, shape (n_days,)
        0 is Monday.

    Returns
    -------
    anchor : ndarray of int8, shape (n_actions,)
        Position in `ANCHORS`.
    points : ndarray of float64, shape (n_actions, 2)
        Metres east and north of `centre`.

    Raises
    ------
    IndexError
        If a user or a day does not exist (NumPy's own message).

    Notes
    -----
    On a trip: at its base. Otherwise on weekdays during `WORK_HOURS`, for those who work: at work.
    Otherwise: at home. Introduced in chapter 01.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> districts, centre = np.zeros((5, 2)), (31.2, 121.5)
    >>> users = make_users(rng, 1, districts, centre, 1.5)
    >>> users = add_change_points(rng, users, districts, centre, n_days=7, change_share=0.0)
    >>> week, first, noon = np.arange(7), np.zeros(7, int), np.full(7, 12)
    >>> locate_users(users, centre, user=first, day=week, hour=noon, day_of_week=week)[0]
    array([1, 1, 1, 1, 1, 0, 0], dtype=int8)
    """
    home, work, new = (
        plane_to_metres(users[f"{what}_lat"], users[f"{what}_lon"], centre)[user]
        for what in ("home", "work", "new")
    )
    kind = pd.Index(CHANGE_KINDS).get_indexer(users["change_kind"])[user]
    begin = users["change_day"].fillna(0).to_numpy(np.int64)[user]
    end = users["change_end_day"].fillna(0).to_numpy(np.int64)[user]
    changed = day >= begin
    home = np.where(((kind == 1) & changed)[:, None], new, home)
    work = np.where(((kind == 2) & changed)[:, None], new, work)
    office = (day_of_week[day] < 5) & (hour >= WORK_HOURS[0]) & (hour < WORK_HOURS[1])
    at_work = office & ~np.isnan(work[:, 0])
    on_trip = (kind == 3) & changed & (day < end)
    anchor = np.where(on_trip, 2, at_work).astype(np.int8)
    points = np.where(at_work[:, None], work, home)
    return anchor, np.where(on_trip[:, None], new, points)
