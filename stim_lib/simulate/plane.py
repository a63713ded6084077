"""Metres on a plane that touches the city at its centre, and back to degrees."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

EARTH_RADIUS = 6_371_008.8
"""Mean radius of the earth in metres."""


def plane_to_degrees(
    metres: ArrayLike, centre: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude of points given in metres east and north of a centre.

    Parameters
    ----------
    metres : array of float, shape (..., 2)
        East and north of `centre`, in metres.
    centre : (lat, lon)
        Degrees, WGS-84.

    Returns
    -------
    lat, lon : ndarray of float64, shape (...)
        Degrees; longitude in [-180, 180). NaN stays NaN.

    Raises
    ------
    ValueError
        If the last axis does not have length 2.

    Notes
    -----
    Equirectangular: lat = lat₀ + y / R, lon = lon₀ + x / (R cos lat₀), in radians. Within 10 km of
    a centre at latitude φ, distances on the plane differ from those on the sphere by less than
    0.16 % · tan φ. Introduced in chapter 01.

    Examples
    --------
    >>> lat, lon = plane_to_degrees([0.0, 1000.0], centre=(60.0, 25.0))
    >>> round(float(lat), 4), round(float(lon), 4)
    (60.009, 25.0)
    """
    points = np.asarray(metres, dtype=np.float64)
    if points.ndim == 0 or points.shape[-1] != 2:
        raise ValueError(f"metres: expected a last axis of length 2, found shape {points.shape}.")
    lat = centre[0] + np.degrees(points[..., 1] / EARTH_RADIUS)
    lon = centre[1] + np.degrees(points[..., 0] / (EARTH_RADIUS * np.cos(np.radians(centre[0]))))
    return lat, _wrap(lon)


def plane_to_metres(lat: ArrayLike, lon: ArrayLike, centre: tuple[float, float]) -> np.ndarray:
    """Metres east and north of a centre: the inverse of `plane_to_degrees`.

    Parameters
    ----------
    lat, lon : array of float, same shape
        Degrees, WGS-84.
    centre : (lat, lon)
        Degrees, WGS-84.

    Returns
    -------
    ndarray of float64, shape (..., 2)
        East and north, in metres.

    Raises
    ------
    ValueError
        If `lat` and `lon` do not have compatible shapes (NumPy's own message).

    Notes
    -----
    x = R cos lat₀ (lon − lon₀), y = R (lat − lat₀), in radians; the short way round is taken at
    longitude 180. Introduced in chapter 01.

    Examples
    --------
    >>> plane_to_metres(0.0, -179.9, centre=(0.0, 179.9)).round()
    array([22239.,     0.])
    """
    east = np.radians(_wrap(np.asarray(lon, dtype=np.float64) - centre[1]))
    north = np.radians(np.asarray(lat, dtype=np.float64) - centre[0])
    return EARTH_RADIUS * np.stack(
        np.broadcast_arrays(east * np.cos(np.radians(centre[0])), north), axis=-1
    )


def _wrap(degrees: np.ndarray) -> np.ndarray:
    """Bring longitudes into [-180, 180) without touching those already there."""
    inside = (degrees >= -180) & (degrees < 180)
    return np.where(inside, degrees, (degrees + 180) % 360 - 180)
