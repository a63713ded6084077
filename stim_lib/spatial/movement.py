"""How far users move: from one action to the next, and around their centre.

Introduced in chapter 05.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from stim_lib.spatial._visits import Visits, read_visits
from stim_lib.spatial.distance import distance_metres
from stim_lib.spatial.sphere import chord_metres, mean_directions
from stim_lib.temporal._grouping import divide, group_sums

CENTRES = ("sphere", "degrees")
EARTHS = ("sphere", "ellipsoid")


def radius_of_gyration(log: pd.DataFrame, *, centre: str = "sphere") -> pd.Series:
    """Typical distance of each user's actions from their centre of mass.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        With user_id, timestamp (UTC), lat and lon; actions without coordinates are left out.
    centre : {"sphere", "degrees"}
        sphere: as `centre_of_mass`. degrees: the mean of latitude and of longitude, as most
        libraries take it; inside a city much the same, across 180° of longitude nonsense.

    Returns
    -------
    Series of float64, shape (n_users,)
        Metres; 0 for one action, NaN without any. Index user_id, sorted.

    Raises
    ------
    SchemaError
        If a column is missing, or a cell is not what it should be.
    ValueError
        If the centre is unknown.

    Notes
    -----
    √(Σ d(r_i, r_c)² / n), with d the great-circle distance and r_c the centre of mass. Source:
    González, Hidalgo and Barabási (2008), doi:10.1038/nature06958. Introduced in chapter 05.

    Examples
    --------
    Two actions a degree of latitude apart are both half a degree from the middle.

    >>> log = pd.DataFrame({"user_id": "a", "lat": [0.0, 1.0], "lon": 0.0,
    ...     "timestamp": pd.to_datetime(["2024-05-01", "2024-05-02"], utc=True)})
    >>> radius_of_gyration(log).round(-2)
    user_id
    a    55600.0
    Name: radius_of_gyration_metres, dtype: float64
    """
    if centre not in CENTRES:
        raise ValueError(f"centre: expected one of {CENTRES}, found {centre!r}")
    visits = read_visits(log, place=None)
    return pd.Series(
        gyration_metres(visits, centre), index=visits.users, name="radius_of_gyration_metres"
    )


def gyration_metres(visits: Visits, centre: str = "sphere") -> np.ndarray:
    """Radius of gyration of each user's visits.

    Parameters
    ----------
    visits : Visits
    centre : {"sphere", "degrees"}

    Returns
    -------
    ndarray of float64, shape (n_users,)
        Metres.

    Notes
    -----
    As `radius_of_gyration`. Introduced in chapter 05.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> gyration_metres(read_visits(load_seed_example())).round(6)
    array([0., 0., 0., 0.])
    """
    user, n, n_users = visits.user, visits.n, len(visits.users)
    if centre == "sphere":
        middle = mean_directions(visits.vectors, user, n_users)
        apart = chord_metres(sum((visits.vectors[i] - middle[i][user]) ** 2 for i in range(3)))
    else:
        lat, lon = (divide(group_sums(user, part, n_users), n) for part in (visits.lat, visits.lon))
        apart = distance_metres(visits.lat, visits.lon, lat[user], lon[user])
    return np.sqrt(divide(group_sums(user, apart**2, n_users), n))


def jump_lengths(log: pd.DataFrame, *, earth: str = "sphere") -> pd.Series:
    """Metres from the same user's action before.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        With user_id, timestamp (UTC), lat and lon, in any order. Actions without coordinates are
        passed over: the jump goes from the last known place to the next.
    earth : {"sphere", "ellipsoid"}
        sphere: great-circle distance. ellipsoid: geodesic of WGS-84 (pyproj), up to 0.5 %
        different and six times slower.

    Returns
    -------
    Series of float64, shape (n_actions,)
        Metres, 0 or more; NaN for the first action of each user and where there are no
        coordinates. Index of `log`. Of actions at the same instant the one that stands later
        counts as later.

    Raises
    ------
    SchemaError
        If a column is missing, or a cell is not what it should be.
    ValueError
        If the shape of the Earth is unknown.

    Notes
    -----
    Source: Brockmann, Hufnagel and Geisel (2006), doi:10.1038/nature04292. Geodesics: Karney
    (2013), doi:10.1007/s00190-012-0578-z. Introduced in chapter 05.

    Examples
    --------
    >>> log = pd.DataFrame({"user_id": "a", "lat": [0.0, 1.0, 1.0], "lon": 0.0,
    ...     "timestamp": pd.to_datetime(["2024-05-01", "2024-05-02", "2024-05-03"], utc=True)})
    >>> jump_lengths(log).round(-2).tolist()
    [nan, 111200.0, 0.0]
    """
    if earth not in EARTHS:
        raise ValueError(f"earth: expected one of {EARTHS}, found {earth!r}")
    visits = read_visits(log, place=None)
    metres = np.full(len(log), np.nan)
    metres[visits.row] = jump_metres(visits, earth)
    return pd.Series(metres, index=log.index, name="jump_metres")


def jump_metres(visits: Visits, earth: str = "sphere") -> np.ndarray:
    """Metres of each visit from the user's visit before.

    Parameters
    ----------
    visits : Visits
    earth : {"sphere", "ellipsoid"}

    Returns
    -------
    ndarray of float64, shape (n_visits,)
        NaN for each user's first.

    Notes
    -----
    As `jump_lengths`. Introduced in chapter 05.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> jump_metres(read_visits(load_seed_example().assign(user_id="1"))).round(-3)
    array([     nan, 1068000., 1212000., 1890000.])
    """
    user = visits.user
    if earth == "sphere":
        square = sum(np.diff(part) ** 2 for part in visits.vectors)
        metres = chord_metres(square)
    else:
        from pyproj import Geod

        lat, lon = visits.lat, visits.lon
        metres = Geod(ellps="WGS84").inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2]
    metres = np.where(user[1:] == user[:-1], metres, np.nan)
    return np.concatenate([np.full(min(len(user), 1), np.nan), metres])
