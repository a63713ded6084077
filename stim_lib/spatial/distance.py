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
    phi, to_phi = np.radians(np.asarray(lat, float)), np.radians(np.asarray(to_lat, float))
    if (np.abs(phi) > np.pi / 2).any() or (np.abs(to_phi) > np.pi / 2).any():
        worst = np.nanmax(np.abs(np.degrees(np.concatenate([phi.ravel(), to_phi.ravel()]))))
        raise ValueError(f"lat: expected degrees in [-90, 90], found ±{worst:g}; lon comes second")
    half_lon = np.radians(np.asarray(to_lon, float) - np.asarray(lon, float)) / 2
    chord = np.sin((to_phi - phi) / 2) ** 2 + np.cos(phi) * np.cos(to_phi) * np.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_METRES * np.arcsin(np.sqrt(np.clip(chord, 0, 1)))
