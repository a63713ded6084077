"""How each user moves, in one table. Introduced in chapter 05."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.spatial._visits import Visits, read_visits
from stim_lib.spatial.home import NIGHT_HOURS, WORK_HOURS, cut_before, home_and_work
from stim_lib.spatial.movement import gyration_metres, jump_metres
from stim_lib.spatial.sphere import chord_metres, unit_vectors
from stim_lib.spatial.visitation import count_visits, entropy_bits, shares_of_top
from stim_lib.temporal._grouping import divide, group_medians, group_sums, reasons


def mobility_measures(
    log: pd.DataFrame,
    *,
    before: pd.Timestamp | None = None,
    night_hours: tuple[float, float] = NIGHT_HOURS,
    work_hours: tuple[float, float] = WORK_HOURS,
    place: str = schema.ITEM,
) -> pd.DataFrame:
    """Describe how each user moves: home and work, radius, jumps, and spread over places.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        With user_id, timestamp (UTC), local_time, lat, lon and `place`, in any order.
    before : Timestamp with time zone, optional
        Only what happened strictly before it is used.
    night_hours, work_hours : (float, float)
        As for `find_home_and_work`.
    place : str
        Column that says which actions were at the same place.

    Returns
    -------
    DataFrame, shape (n_users, 15)
        Index user_id, sorted. n_located, and n_missing: actions without coordinates, which are
        left out; home and work, as `find_home_and_work`; radius_of_gyration_metres;
        mean_jump_metres, median_jump_metres and total_jump_metres, which is the length of the way;
        mean_home_distance_metres; visitation_entropy_bits; n_places; top_place_share and
        top_3_share; new_place_rate; reason, "" or why a value is missing.

    Raises
    ------
    SchemaError
        If a column is missing, or a cell is not what it should be.
    ValueError
        As `find_home_and_work`.

    Notes
    -----
    Each column is that of the function of its name in this package. Introduced in chapter 05.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> mobility_measures(log)[["n_places", "top_place_share", "visitation_entropy_bits", "work"]]
             n_places  top_place_share  visitation_entropy_bits      work
    user_id
    1               3              0.5                      1.5  Shanghai
    """
    log = cut_before(log, before)
    visits = read_visits(log, place)
    anchors = home_and_work(log, visits, night_hours, work_hours, place)
    n, n_users = visits.n, len(visits.users)
    user, count, n_places = count_visits(visits)
    home = unit_vectors(anchors["home_lat"], anchors["home_lon"])
    apart = sum((visits.vectors[i] - home[i][visits.user]) ** 2 for i in range(3))
    from_home = group_sums(visits.user, chord_metres(apart), n_users)
    table = {
        "n_located": n,
        "n_missing": visits.n_missing,
        "home": anchors["home"],
        "work": anchors["work"],
        "radius_of_gyration_metres": gyration_metres(visits),
        **_jumps(visits),
        "mean_home_distance_metres": divide(from_home, n),
        "visitation_entropy_bits": entropy_bits(visits, user, count),
        "n_places": n_places,
        "top_place_share": shares_of_top(n, user, count, 1),
        "top_3_share": shares_of_top(n, user, count, 3),
        "new_place_rate": divide(n_places - 1, n - 1, where=n > 1),
        "reason": _reasons(n, anchors),
    }
    return pd.DataFrame(table, index=visits.users)


def _jumps(visits: Visits) -> dict[str, np.ndarray]:
    metres = jump_metres(visits)
    jumped = np.isfinite(metres)
    of_user, metres, n_users = visits.user[jumped], metres[jumped], len(visits.users)
    n = np.bincount(of_user, minlength=n_users)
    total = group_sums(of_user, metres, n_users)
    return {
        "mean_jump_metres": divide(total, n),
        "median_jump_metres": group_medians(of_user, metres, n_users),
        "total_jump_metres": np.where(n > 0, total, np.nan),
    }


def _reasons(n: np.ndarray, anchors: pd.DataFrame) -> np.ndarray:
    cases = [
        (n == 0, "no action with coordinates"),
        (n == 1, "one action: no jump, no rate of new places"),
        (anchors["n_home"].to_numpy() == 0, "no action at night: no home"),
        (anchors["n_work"].to_numpy() == 0, "no action in working hours but at home: no work"),
    ]
    return reasons(len(n), cases)
