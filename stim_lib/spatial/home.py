"""Home and work, guessed from when a place is visited. Introduced in chapter 05."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.spatial._visits import Visits, nth_visits, read_visits, running_favourite
from stim_lib.spatial.distance import distance_metres
from stim_lib.temporal.clock import clock_hours, require_wall_clock

NIGHT_HOURS = (22.0, 7.0)
WORK_HOURS = (9.0, 17.0)
TOTALS = {"home": "n_night", "work": "n_day"}


def find_home_and_work(
    log: pd.DataFrame,
    *,
    before: pd.Timestamp | None = None,
    night_hours: tuple[float, float] = NIGHT_HOURS,
    work_hours: tuple[float, float] = WORK_HOURS,
    place: str = schema.ITEM,
) -> pd.DataFrame:
    """Guess where each user lives and works: the place most visited at night, and by day.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        With user_id, timestamp (UTC), local_time, lat, lon and `place`. Actions without
        coordinates or without a wall clock are left out.
    before : Timestamp with time zone, optional
        Only what happened strictly before it is used. Without it the whole log is: give it the
        training part, or home is where the user will have been.
    night_hours : (float, float)
        Local hours from the first until before the second, here across midnight, on any day.
    work_hours : (float, float)
        The same on Monday to Friday.
    place : str
        Column that says which actions were at the same place; a cell of a grid will do.

    Returns
    -------
    DataFrame, shape (n_users, 11)
        Index user_id, sorted. home, home_lat, home_lon (degrees, of the visit that gave it the
        lead); n_home, its visits at night; n_night, all visits at night; the same for work, with
        n_work and n_day, which counts what was not at home; home_work_metres. Missing where no
        visit counts.

    Raises
    ------
    SchemaError
        If a column is missing, instants have no zone or wall-clock times have one.
    ValueError
        If hours are not in [0, 24] or enclose nothing.

    Notes
    -----
    Home is the place with the most visits at night (scikit-mobility's rule, whose hours these
    are: Pappalardo et al. 2022, doi:10.18637/jss.v103.i04); work is the place other than home with
    the most visits in working hours, as in the OSNA rule (Efstathiades et al. 2015,
    doi:10.1145/2808797.2808877), though that weighs durations, which check-ins do not have. Of
    places equally visited it is the one that got there first. Introduced in chapter 05.

    Examples
    --------
    >>> times = pd.to_datetime(["2024-05-06 23:00", "2024-05-07 10:00"])
    >>> log = pd.DataFrame({"user_id": "a", "item_id": ["flat", "shop"], "local_time": times,
    ...     "timestamp": times.tz_localize("UTC"), "lat": [0.0, 0.01], "lon": 0.0})
    >>> find_home_and_work(log)[["home", "work", "home_work_metres"]].round()
             home  work  home_work_metres
    user_id
    a        flat  shop            1112.0
    """
    log = cut_before(log, before)
    return home_and_work(log, read_visits(log, place), night_hours, work_hours, place)


def home_and_work(
    log: pd.DataFrame,
    visits: Visits,
    night_hours: tuple[float, float],
    work_hours: tuple[float, float],
    place: str,
) -> pd.DataFrame:
    """Home and work of each user, from visits that are already in order.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
    visits : Visits
        Of this log.
    night_hours, work_hours, place
        As for `find_home_and_work`.

    Returns
    -------
    DataFrame, shape (n_users, 11)
        As `find_home_and_work`.

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example()  # the first action is on a Sunday
    >>> home_and_work(log, read_visits(log), (22, 7), (9, 17), "item_id")["work"].tolist()
    [nan, 'Shanghai', 'Guangzhou', 'Beijing']
    """
    night, day = at_night_and_at_work(log, visits, night_hours, work_hours)
    table = _describe("home", visits, night)
    home = table["home"]
    home_place = np.full(len(visits.users), -1)
    home_place[home >= 0] = visits.place[home[home >= 0]]
    table |= _describe("work", visits, day & (visits.place != home_place[visits.user]))
    names = log[place].iloc[visits.row]
    for what in ("home", "work"):
        # -1 where there is no place; reindex gives it no name, whatever kind names are of.
        table[what] = names.set_axis(range(len(names))).reindex(table[what]).array
    table["home_work_metres"] = distance_metres(
        table["home_lat"], table["home_lon"], table["work_lat"], table["work_lon"]
    )
    return pd.DataFrame(table, index=visits.users)


def cut_before(log: pd.DataFrame, before: pd.Timestamp | None) -> pd.DataFrame:
    """Keep what happened strictly before an instant.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
    before : Timestamp with time zone, or None for all

    Returns
    -------
    DataFrame, shape (n_earlier, n_columns)

    Raises
    ------
    ValueError
        If the instant has no time zone.

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> len(cut_before(load_seed_example(), pd.Timestamp("2023-01-02 12:00", tz="UTC")))
    2
    """
    if before is None:
        return log
    if pd.Timestamp(before).tzinfo is None:
        raise ValueError(f"before: expected an instant with a time zone, found {before}")
    return log[(log[schema.TIME] < before).to_numpy()]


def at_night_and_at_work(
    log: pd.DataFrame,
    visits: Visits,
    night_hours: tuple[float, float],
    work_hours: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Which visits fall into the night, and which into working hours.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        With local_time.
    visits : Visits
        Of this log.
    night_hours, work_hours : (float, float)
        As for `find_home_and_work`.

    Returns
    -------
    night, day : ndarray of bool, shape (n_visits,)
        Both False where the clock is missing.

    Raises
    ------
    SchemaError
        If local_time is missing or carries a zone.
    ValueError
        If hours are not in [0, 24] or enclose nothing.

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example()
    >>> at_night_and_at_work(log, read_visits(log), (22, 7), (9, 17))[1].tolist()
    [False, True, True, True]
    """
    if schema.LOCAL_TIME not in log:
        fault = schema.failure(
            schema.LOCAL_TIME, -1, "this column", f"only {', '.join(map(str, log))}"
        )
        raise schema.SchemaError(pd.DataFrame([fault]))
    require_wall_clock(log[schema.LOCAL_TIME])
    for name, (first, second) in (("night_hours", night_hours), ("work_hours", work_hours)):
        if not (0 <= first <= 24 and 0 <= second <= 24 and first != second):
            raise ValueError(
                f"{name}: expected two different hours in [0, 24], found ({first}, {second})"
            )
    local = log[schema.LOCAL_TIME].iloc[visits.row]
    hours = clock_hours(local)
    weekday = (local.dt.day_of_week < 5).to_numpy(dtype=bool, na_value=False)
    return _between(hours, night_hours), _between(hours, work_hours) & weekday


def _between(hours: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    first, second = limits
    if first < second:
        return (hours >= first) & (hours < second)
    return (hours >= first) | (hours < second)


def _describe(what: str, visits: Visits, counted: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of home or of work; the place itself still as the position of a visit, or -1."""
    nth = nth_visits(visits.user, visits.place, counted)
    running = running_favourite(visits.user, nth, visits.start)
    leader = np.full(len(visits.users), -1)
    some = visits.n > 0
    leader[some] = running[visits.n.cumsum()[some] - 1]
    found = leader >= 0
    lat, lon, n_there = np.full(len(found), np.nan), np.full(len(found), np.nan), found * 1
    at = leader[found]
    lat[found], lon[found], n_there[found] = visits.lat[at], visits.lon[at], nth[at]
    return {
        what: leader,
        f"{what}_lat": lat,
        f"{what}_lon": lon,
        f"n_{what}": n_there,
        TOTALS[what]: np.bincount(visits.user[counted], minlength=len(found)),
    }


def running_work(visits: Visits, day: np.ndarray, home: np.ndarray) -> np.ndarray:
    """The place of work as of each visit: the favourite of the day that is not home by then.

    Parameters
    ----------
    visits : Visits
    day : ndarray of bool, shape (n_visits,)
        Which of them fell into working hours.
    home : ndarray of int, shape (n_visits,)
        From `running_favourite`: position of the visit that gave home its lead; -1 for none.

    Returns
    -------
    ndarray of int64, shape (n_visits,)
        Position of the visit that gave the place its lead; -1 where there is none yet.

    Notes
    -----
    Home may move, so the two places most visited by day are kept. Raises nothing. Introduced in
    chapter 05.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> visits = read_visits(load_seed_example().assign(user_id="1"))
    >>> running_work(visits, np.array([True] * 4), np.array([0, 0, 0, 0]))
    array([-1,  1,  1,  1])
    """
    work = np.full(len(visits.user), -1)
    at_home = np.where(home >= 0, visits.place[home], -1).tolist() if len(home) else []
    user, place, counted = visits.user.tolist(), visits.place.tolist(), day.tolist()
    of_user, times = -1, {}
    best = second = (0, -1, -1)
    for at, (who, where) in enumerate(zip(user, place, strict=True)):
        if who != of_user:
            of_user, times, best, second = who, {}, (0, -1, -1), (0, -1, -1)
        if counted[at]:
            times[where] = times.get(where, 0) + 1
            mine = (times[where], where, at)
            if where == best[1] or mine[0] > best[0]:
                best, second = mine, second if where == best[1] else best
            elif where == second[1] or mine[0] > second[0]:
                second = mine
        work[at] = (second if best[1] == at_home[at] else best)[2]
    return work
