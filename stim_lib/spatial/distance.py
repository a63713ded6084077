"""Distances on the globe.

Introduced in chapter 01.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

EARTH_RADIUS_METRES = 6_371_008.8


def distance_metres(
    lat: ArrayLike, lon: ArrayLike, to_lat: ArrayLike, to_lon: ArrayLike
) -> np.ndarray:
    """Great-circle distance between points on the globe.

    Parameters
    ----------
    lat, lon, to_lat, to_lon : float or array, broadcast to one shape
        Degrees, WGS-84. NaN gives NaN.

    Returns
    -------
    ndarray of float64, of the common shape
        Metres, on a sphere of the Earth's mean radius; up to 0.5 % off the ellipsoid.

    Raises
    ------
    ValueError
        If a latitude lies outside [-90, 90].

    Notes
    -----
    Haversine formula: sin²(d/2R) = sin²(Δlat/2) + cos lat · cos to_lat · sin²(Δlon/2).
    Source: Sinnott (1984), Virtues of the haversine, Sky and Telescope 68(2):159. Introduced in
    chapter 01.

    Examples
    --------
    A degree of latitude is about 111 km, everywhere.

    >>> distance_metres(0, 0, 1, 0).round(-2)
    np.float64(111200.0)
    """
    lat, to_lat = np.asarray(lat, float), np.asarray(to_lat, float)
    require_latitudes(lat)
    require_latitudes(to_lat)
    phi, to_phi = np.radians(lat), np.radians(to_lat)
    half_lon = np.radians(np.asarray(to_lon, float) - np.asarray(lon, float)) / 2
    chord = np.sin((to_phi - phi) / 2) ** 2 + np.cos(phi) * np.cos(to_phi) * np.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_METRES * np.arcsin(np.sqrt(np.clip(chord, 0, 1)))


def require_latitudes(lat: np.ndarray) -> None:
    """Refuse latitudes that no place has; most often they are longitudes.

    Parameters
    ----------
    lat : ndarray of float, any shape
        Degrees; NaN passes.

    Raises
    ------
    ValueError
        If one lies outside [-90, 90].

    Notes
    -----
    Introduced in chapter 01.

    Examples
    --------
    >>> require_latitudes(np.array([116.4]))
    Traceback (most recent call last):
    ValueError: lat: expected degrees in [-90, 90], found 116.4; lon comes second
    """
    wrong = np.abs(lat) > 90
    if wrong.any():
        found = np.atleast_1d(lat)[np.atleast_1d(wrong)][0]
        raise ValueError(f"lat: expected degrees in [-90, 90], found {found:g}; lon comes second")


def read_points(lat: ArrayLike, lon: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Read coordinates of points as two rows of equal length.

    Parameters
    ----------
    lat, lon : float or array of float, shape (n_points,)
        Degrees, WGS-84. NaN passes.

    Returns
    -------
    lat, lon : ndarray of float64, shape (n_points,)

    Raises
    ------
    ValueError
        If the shapes differ or a latitude lies outside [-90, 90].

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> read_points(40.7, -74)
    (array([40.7]), array([-74.]))
    """
    lat, lon = np.atleast_1d(np.asarray(lat, float)), np.atleast_1d(np.asarray(lon, float))
    if lat.shape != lon.shape or lat.ndim != 1:
        raise ValueError(f"lat and lon: expected one shape (n,), found {lat.shape}, {lon.shape}")
    require_latitudes(lat)
    return lat, lon
