"""Points on the globe as directions: centres without a seam, and where a point lies from another.

Introduced in chapter 05.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stim_lib.spatial.distance import EARTH_RADIUS_METRES

# Below this length the mean direction is rounding error, not a place.
SHORTEST_RESULTANT = 1e-9


def unit_vectors(lat: ArrayLike, lon: ArrayLike) -> np.ndarray:
    """Direction of each point from the centre of the Earth.

    Parameters
    ----------
    lat, lon : array of float, shape (n_points,)
        Degrees, WGS-84, taken as on a sphere.

    Returns
    -------
    ndarray of float64, shape (3, n_points)
        Of length 1; NaN for NaN.

    Notes
    -----
    (cos φ cos λ, cos φ sin λ, sin φ). Raises nothing. Introduced in chapter 05.

    Examples
    --------
    >>> unit_vectors([0.0, 90.0], [0.0, 0.0]).round(9) + 0.0
    array([[1., 0.],
           [0., 0.],
           [0., 1.]])
    """
    phi, lam = np.radians(np.asarray(lat, dtype=float)), np.radians(np.asarray(lon, dtype=float))
    across = np.cos(phi)
    return np.stack([across * np.cos(lam), across * np.sin(lam), np.sin(phi)])


def chord_metres(squared_chord: np.ndarray) -> np.ndarray:
    """Great-circle distance of points whose unit vectors are so far apart.

    Parameters
    ----------
    squared_chord : ndarray of float64, shape (n_pairs,)
        Squared length of the difference of two unit vectors, from 0 to 4.

    Returns
    -------
    ndarray of float64, shape (n_pairs,)
        Metres.

    Notes
    -----
    d = 2R arcsin(c/2), c the chord: the haversine formula, for points whose sines and cosines are
    already there; equal to it within 1e-6 m. Raises nothing. Introduced in chapter 05.

    Examples
    --------
    >>> chord_metres(np.array([2.0])).round(-3)  # a quarter of the globe
    array([10008000.])
    """
    return 2 * EARTH_RADIUS_METRES * np.arcsin(np.minimum(np.sqrt(squared_chord) / 2, 1.0))


def centre_of_mass(lat: ArrayLike, lon: ArrayLike) -> tuple[float, float]:
    """Mean place of points on the globe.

    Parameters
    ----------
    lat, lon : array of float, shape (n_points,)
        Degrees, WGS-84; points with NaN are left out.

    Returns
    -------
    lat, lon : float
        Degrees.

    Raises
    ------
    ValueError
        If there are no points, or they cancel out (two ends of the Earth have no middle).

    Notes
    -----
    Direction of the sum of the unit vectors. The mean of the degrees, which most libraries take,
    puts the middle of 179° and -179° on the far side of the Earth. Source: Mardia and Jupp (2000),
    Directional Statistics, section 9.2. Introduced in chapter 05.

    Examples
    --------
    >>> lat, lon = centre_of_mass([0.0, 0.0], [179.0, -179.0])
    >>> round(lat, 9), abs(round(lon, 9))
    (0.0, 180.0)
    """
    vectors = unit_vectors(lat, lon)
    vectors = vectors[:, np.isfinite(vectors).all(axis=0)]
    n_points = vectors.shape[1]
    if not n_points:
        raise ValueError("lat, lon: expected at least one point, found none")
    x, y, z = mean_directions(vectors, np.zeros(n_points, dtype=np.int64), 1)[:, 0]
    if np.isnan(x):
        raise ValueError("lat, lon: these points cancel out; they have no centre")
    return float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(np.degrees(np.arctan2(y, x)))


def mean_directions(vectors: np.ndarray, codes: np.ndarray, n_groups: int) -> np.ndarray:
    """Direction of the centre of mass of each group of points.

    Parameters
    ----------
    vectors : ndarray of float64, shape (3, n_points)
        Unit vectors, without NaN.
    codes : ndarray of int, shape (n_points,)
        Group of each point, from 0.
    n_groups : int

    Returns
    -------
    ndarray of float64, shape (3, n_groups)
        Unit vectors; NaN for a group without points, or whose points cancel out.

    Notes
    -----
    As `centre_of_mass`. Raises nothing. Introduced in chapter 05.

    Examples
    --------
    >>> two = unit_vectors([0.0, 0.0], [0.0, 90.0])
    >>> mean_directions(two, np.array([0, 0]), 1).round(3)
    array([[0.707],
           [0.707],
           [0.   ]])
    """
    sums = np.stack([np.bincount(codes, weights=part, minlength=n_groups) for part in vectors])
    length = np.sqrt((sums**2).sum(axis=0))
    enough = length > SHORTEST_RESULTANT * np.bincount(codes, minlength=n_groups)
    return np.divide(sums, length, out=np.full(sums.shape, np.nan), where=enough)
