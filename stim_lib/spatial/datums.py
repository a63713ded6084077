"""Chinese map coordinates: GCJ-02 and BD-09, to and from WGS-84.

Chinese web maps shift every point by a few hundred metres. A GPS trace drawn on such a map without
the shift runs through houses. Introduced in chapter 05.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

CHINA_BOX = (0.8293, 55.8271, 72.004, 137.8347)
"""South, north, west and east of the box in which GCJ-02 differs from WGS-84, in degrees."""

SEMI_AXIS_METRES = 6_378_245.0
ECCENTRICITY_SQUARED = 0.00669342162296594323
BD09_TURN = np.pi * 3000 / 180
MAX_ITERATIONS = 30
TOLERANCE_DEGREES = 1e-12

Pair = tuple[np.ndarray, np.ndarray]


def wgs84_to_gcj02(lat: ArrayLike, lon: ArrayLike) -> Pair:
    """Shift points of the globe to where Chinese maps (Amap, Tencent) draw them.

    Parameters
    ----------
    lat, lon : float or array of float, broadcast to one shape
        Degrees, WGS-84. NaN gives NaN.

    Returns
    -------
    lat, lon : ndarray of float64, of the common shape
        Degrees, GCJ-02; outside `CHINA_BOX` unchanged.

    Raises
    ------
    ValueError
        If a latitude lies outside [-90, 90] or a longitude outside [-180, 180].

    Notes
    -----
    With x = lon - 105, y = lat - 35 the shift in metres is a polynomial and sines of x and y, the
    same for everybody; it is divided by the metres of a degree on the Krasovsky 1940 ellipsoid
    (a = 6378245, e² = 0.00669342162296594323).

    The state has never published GCJ-02. The formula was reverse-engineered from a map client and
    is passed on in open code: coordtransform (github.com/wandergis/coordtransform) and
    eviltransform (github.com/googollee/eviltransform) agree on it to 1e-7 degrees, but how near it
    comes to the official transformation is not known: metres, not centimetres.

    `CHINA_BOX` is crude: it holds Mongolia, Korea, Nepal, most of India and South-East Asia too,
    where no map is shifted. Maps of Hong Kong, Macau and Taiwan differ by provider, and many
    leave them unshifted. Only shift what is known to come from a Chinese map. Introduced in
    chapter 05.

    Examples
    --------
    The Forbidden City moves 550 metres to the east and 160 to the north.

    >>> lat, lon = wgs84_to_gcj02(39.915, 116.404)
    >>> float(lat.round(6)), float(lon.round(6))
    (39.916404, 116.410244)
    """
    lat, lon = _degrees(lat, lon)
    north, east = _gcj02_shift(lat, lon)
    inside = in_china_box(lat, lon)
    return np.where(inside, lat + north, lat), np.where(inside, lon + east, lon)


def gcj02_to_wgs84(lat: ArrayLike, lon: ArrayLike) -> Pair:
    """Undo the shift of Chinese maps.

    Parameters
    ----------
    lat, lon : float or array of float, broadcast to one shape
        Degrees, GCJ-02. NaN gives NaN.

    Returns
    -------
    lat, lon : ndarray of float64, of the common shape
        Degrees, WGS-84.

    Raises
    ------
    ValueError
        If a latitude lies outside [-90, 90] or a longitude outside [-180, 180].

    Notes
    -----
    The shift has no closed inverse: w ← g - shift(w) is repeated, from w = g, until it moves by
    less than 1e-12 degrees. Between two points the shift differs by under 0.8 % of their distance,
    so each round gains two digits, and half a dozen reach nanometres. Many tools stop after the
    first round, which leaves up to five metres. At the edge of `CHINA_BOX` the map tears: points
    of the tear have two originals or none. Source: the forward formula, see `wgs84_to_gcj02`.
    Introduced in chapter 05.

    Examples
    --------
    >>> lat, lon = gcj02_to_wgs84(*wgs84_to_gcj02(39.915, 116.404))
    >>> float(lat.round(9)), float(lon.round(9))
    (39.915, 116.404)
    """
    lat, lon = _degrees(lat, lon)
    return _invert(wgs84_to_gcj02, lat, lon)


def gcj02_to_bd09(lat: ArrayLike, lon: ArrayLike) -> Pair:
    """Shift points of GCJ-02 once more, to where Baidu draws them.

    Parameters
    ----------
    lat, lon : float or array of float, broadcast to one shape
        Degrees, GCJ-02. NaN gives NaN.

    Returns
    -------
    lat, lon : ndarray of float64, of the common shape
        Degrees, BD-09; outside `CHINA_BOX` unchanged.

    Raises
    ------
    ValueError
        If a latitude lies outside [-90, 90] or a longitude outside [-180, 180].

    Notes
    -----
    In degrees taken as a plane, with r and θ the polar form of (lon, lat) and k = 3000 π / 180:
    r' = r + 2e-5 sin(k lat), θ' = θ + 3e-6 cos(k lon), then lon' = r' cos θ' + 0.0065 and
    lat' = r' sin θ' + 0.006. Reverse-engineered as GCJ-02 is; source: coordtransform
    (github.com/wandergis/coordtransform). Beware of tables made with k = π, a slip that went
    round in copies (github.com/googollee/eviltransform, issue 43) and costs up to 40 m.
    Introduced in chapter 05.

    Examples
    --------
    >>> lat, lon = gcj02_to_bd09(39.915, 116.404)
    >>> float(lat.round(6)), float(lon.round(6))
    (39.921337, 116.410369)
    """
    lat, lon = _degrees(lat, lon)
    radius = np.hypot(lon, lat) + 2e-5 * np.sin(lat * BD09_TURN)
    angle = np.arctan2(lat, lon) + 3e-6 * np.cos(lon * BD09_TURN)
    inside = in_china_box(lat, lon)
    return (
        np.where(inside, radius * np.sin(angle) + 0.006, lat),
        np.where(inside, radius * np.cos(angle) + 0.0065, lon),
    )


def bd09_to_gcj02(lat: ArrayLike, lon: ArrayLike) -> Pair:
    """Undo Baidu's second shift.

    Parameters
    ----------
    lat, lon : float or array of float, broadcast to one shape
        Degrees, BD-09. NaN gives NaN.

    Returns
    -------
    lat, lon : ndarray of float64, of the common shape
        Degrees, GCJ-02.

    Raises
    ------
    ValueError
        If a latitude lies outside [-90, 90] or a longitude outside [-180, 180].

    Notes
    -----
    The same repetition as in `gcj02_to_wgs84`. The approximate inverse of coordtransform and its
    ports, one evaluation of the sines at the shifted point, is off by up to 0.23 m; this one
    inverts `gcj02_to_bd09`. Introduced in chapter 05.

    Examples
    --------
    >>> lat, lon = bd09_to_gcj02(*gcj02_to_bd09(39.915, 116.404))
    >>> float(lat.round(9)), float(lon.round(9))
    (39.915, 116.404)
    """
    lat, lon = _degrees(lat, lon)
    return _invert(gcj02_to_bd09, lat, lon)


def wgs84_to_bd09(lat: ArrayLike, lon: ArrayLike) -> Pair:
    """Shift points of the globe to where Baidu draws them.

    Parameters
    ----------
    lat, lon : float or array of float, broadcast to one shape
        Degrees, WGS-84. NaN gives NaN.

    Returns
    -------
    lat, lon : ndarray of float64, of the common shape
        Degrees, BD-09; outside `CHINA_BOX` unchanged.

    Raises
    ------
    ValueError
        If a latitude lies outside [-90, 90] or a longitude outside [-180, 180].

    Notes
    -----
    `wgs84_to_gcj02`, then `gcj02_to_bd09`. Introduced in chapter 05.

    Examples
    --------
    1.4 kilometres, in Beijing.

    >>> lat, lon = wgs84_to_bd09(39.915, 116.404)
    >>> float(lat.round(4)), float(lon.round(4))
    (39.9227, 116.4166)
    """
    return gcj02_to_bd09(*wgs84_to_gcj02(lat, lon))


def bd09_to_wgs84(lat: ArrayLike, lon: ArrayLike) -> Pair:
    """Undo both shifts of Baidu's maps.

    Parameters
    ----------
    lat, lon : float or array of float, broadcast to one shape
        Degrees, BD-09. NaN gives NaN.

    Returns
    -------
    lat, lon : ndarray of float64, of the common shape
        Degrees, WGS-84.

    Raises
    ------
    ValueError
        If a latitude lies outside [-90, 90] or a longitude outside [-180, 180].

    Notes
    -----
    `bd09_to_gcj02`, then `gcj02_to_wgs84`. Introduced in chapter 05.

    Examples
    --------
    >>> lat, lon = bd09_to_wgs84(*wgs84_to_bd09(39.915, 116.404))
    >>> float(lat.round(9)), float(lon.round(9))
    (39.915, 116.404)
    """
    return gcj02_to_wgs84(*bd09_to_gcj02(lat, lon))


def in_china_box(lat: ArrayLike, lon: ArrayLike) -> np.ndarray:
    """Which points lie in the box in which GCJ-02 shifts.

    Parameters
    ----------
    lat, lon : float or array of float, broadcast to one shape
        Degrees. NaN is outside.

    Returns
    -------
    ndarray of bool, of the common shape

    Notes
    -----
    The box is `CHINA_BOX`, that of the open implementations. It is far larger than China.
    Introduced in chapter 05.

    Examples
    --------
    >>> in_china_box([39.9, 40.7], [116.4, -74.0])
    array([ True, False])
    """
    lat, lon = np.asarray(lat, dtype=np.float64), np.asarray(lon, dtype=np.float64)
    south, north, west, east = CHINA_BOX
    return (lat >= south) & (lat <= north) & (lon >= west) & (lon <= east)


def _degrees(lat: ArrayLike, lon: ArrayLike) -> Pair:
    lat, lon = np.broadcast_arrays(np.asarray(lat, float), np.asarray(lon, float))
    for name, values, limit in (("lat", lat, 90), ("lon", lon, 180)):
        wrong = np.abs(values) > limit
        if wrong.any():
            raise ValueError(
                f"{name}: expected degrees in [-{limit}, {limit}], found {values[wrong][0]:g}. "
                "Latitude comes first, longitude second."
            )
    return lat, lon


def _gcj02_shift(lat: np.ndarray, lon: np.ndarray) -> Pair:
    """Degrees north and east by which GCJ-02 moves a point."""
    x, y = lon - 105, lat - 35
    root = np.sqrt(np.abs(x))
    # The short waves (a third of a degree and a degree) are the same in both directions.
    short = 20 * (np.sin(6 * np.pi * x) + np.sin(2 * np.pi * x))
    waves_y = 20 * np.sin(np.pi * y) + 40 * np.sin(np.pi * y / 3)
    waves_y += 160 * np.sin(np.pi * y / 12) + 320 * np.sin(np.pi * y / 30)
    waves_x = 20 * np.sin(np.pi * x) + 40 * np.sin(np.pi * x / 3)
    waves_x += 150 * np.sin(np.pi * x / 12) + 300 * np.sin(np.pi * x / 30)
    smooth_y = -100 + 2 * x + 3 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * root
    smooth_x = 300 + x + 2 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * root
    metres_north = smooth_y + (short + waves_y) * 2 / 3
    metres_east = smooth_x + (short + waves_x) * 2 / 3
    phi = np.radians(lat)
    squared = 1 - ECCENTRICITY_SQUARED * np.sin(phi) ** 2
    meridian = SEMI_AXIS_METRES * (1 - ECCENTRICITY_SQUARED) / squared**1.5
    parallel = SEMI_AXIS_METRES / np.sqrt(squared) * np.cos(phi)
    with np.errstate(divide="ignore", invalid="ignore"):  # at the poles, which lie outside
        return np.degrees(metres_north / meridian), np.degrees(metres_east / parallel)


def _invert(forward: Callable[..., Pair], lat: np.ndarray, lon: np.ndarray) -> Pair:
    """Points that `forward` sends to (lat, lon), by repeated correction."""
    guess_lat, guess_lon = lat.copy(), lon.copy()
    for _ in range(MAX_ITERATIONS):
        to_lat, to_lon = forward(guess_lat, guess_lon)
        miss_lat, miss_lon = lat - to_lat, lon - to_lon
        guess_lat, guess_lon = guess_lat + miss_lat, guess_lon + miss_lon
        if not (np.maximum(np.abs(miss_lat), np.abs(miss_lon)) > TOLERANCE_DEGREES).any():
            break
    return guess_lat, guess_lon
