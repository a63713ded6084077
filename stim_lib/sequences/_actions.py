"""What each action of a log tells a network: ids, times, places."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.spatial import EARTH_RADIUS_METRES, Projection, choose_projection
from stim_lib.temporal import week_hours

HOUR = np.timedelta64(3_600_000_000, "us")
HOURS_PER_WEEK = 168.0
EARTH_KM = EARTH_RADIUS_METRES / 1000
COLUMNS = (schema.USER, schema.ITEM, schema.TIME, schema.LAT, schema.LON)
"""What a log needs for windows to be made of it."""
LAST_HOUR = np.nextafter(np.float32(HOURS_PER_WEEK), np.float32(0))
"""The largest float32 below 168: the last microseconds of a Sunday must not round up to Monday."""


def instants(table: pd.DataFrame) -> np.ndarray:
    """Times as plain microseconds of UTC.

    Parameters
    ----------
    table : DataFrame, shape (n_rows, n_columns)

    Returns
    -------
    ndarray of datetime64[us], shape (n_rows,)

    Notes
    -----
    Introduced in chapter 07.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> instants(load_seed_example())[0]
    np.datetime64('2023-01-01T02:00:00.000000')
    """
    return table[schema.TIME].dt.tz_convert(None).to_numpy(dtype="datetime64[us]")


def clocks(table: pd.DataFrame) -> np.ndarray:
    """Hour of the local week; of the week of UTC where no local time is known.

    Parameters
    ----------
    table : DataFrame, shape (n_rows, n_columns)

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        Hours since Monday 00:00, in [0, 168).

    Notes
    -----
    Introduced in chapter 07.

    Examples
    --------
    Sunday 1 January 2023, 10:00 in China.

    >>> from stim_lib.datasets import load_seed_example
    >>> float(clocks(load_seed_example())[0])
    154.0
    """
    utc = pd.Series(instants(table))
    if schema.LOCAL_TIME not in table:
        return week_hours(utc)
    local = table[schema.LOCAL_TIME].reset_index(drop=True)
    return week_hours(local.where(local.notna(), utc))


def choose_plane(train: pd.DataFrame) -> Projection | None:
    """A plane for the places of a log, centred on them.

    Parameters
    ----------
    train : DataFrame, shape (n_actions, n_columns)

    Returns
    -------
    Projection or None
        None where no place is known. A log that is wider than one plane can hold exactly is centred
        on its most visited place: a network can use kilometres that are wrong by a few per cent.

    Notes
    -----
    Introduced in chapter 07.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> choose_plane(load_seed_example()).name
    'Azimuthal equidistant, centred on 39.91° N, 116.40° E (WGS-84)'
    """
    places = train[[schema.LAT, schema.LON]].dropna()
    if not len(places):
        return None
    try:
        return choose_projection(places[schema.LAT], places[schema.LON])
    except ValueError:
        return Projection(*places.value_counts().index[0])


def kilometres(
    table: pd.DataFrame, plane: Projection | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places on the plane.

    Parameters
    ----------
    table : DataFrame, shape (n_rows, n_columns)
    plane : Projection or None

    Returns
    -------
    east, north : ndarray of float64, shape (n_rows,)
        Kilometres from the centre; 0 where the place is unknown.
    located : ndarray of bool, shape (n_rows,)
        Whether it is known.

    Notes
    -----
    The azimuthal equidistant projection of a sphere: k = c / sin c with c the angle from the
    centre, east = R k cos φ sin Δλ, north = R k (cos φ₀ sin φ - sin φ₀ cos φ cos Δλ). Within half
    a per cent of `spatial.project`, whose ellipsoid needs PROJ: that library does not survive the
    threads in which tf.data runs a generator, and these are inputs of a network, not measurements.
    Source: Snyder (1987), Map Projections, eq. 22-4 and 22-5. Introduced in chapter 07.

    Examples
    --------
    A hundredth of a degree to the north.

    >>> here = pd.DataFrame({"lat": [40.76, np.nan], "lon": [-73.98, np.nan]})
    >>> east, north, located = kilometres(here, Projection(40.75, -73.98))
    >>> north.round(2), located
    (array([1.11, 0.  ]), array([ True, False]))
    """
    if plane is None:
        nothing = np.zeros(len(table))
        return nothing, nothing, nothing.astype(bool)
    lat, lon = (np.radians(table[name].to_numpy(dtype=float)) for name in (schema.LAT, schema.LON))
    lat_0, turn = np.radians(plane.centre_lat), lon - np.radians(plane.centre_lon)
    straight = np.sin(lat_0) * np.sin(lat) + np.cos(lat_0) * np.cos(lat) * np.cos(turn)
    angle = np.arccos(np.clip(straight, -1.0, 1.0))
    scale = EARTH_KM / np.sinc(angle / np.pi)
    east = scale * np.cos(lat) * np.sin(turn)
    north = scale * (np.cos(lat_0) * np.sin(lat) - np.sin(lat_0) * np.cos(lat) * np.cos(turn))
    located = np.isfinite(east) & np.isfinite(north)
    return np.where(located, east, 0.0), np.where(located, north, 0.0), located
