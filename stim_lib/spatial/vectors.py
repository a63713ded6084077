"""Points of the globe as vectors in metres: neighbours and means without edges or poles."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stim_lib.spatial.distance import EARTH_RADIUS_METRES, read_points
from stim_lib.spatial.sphere import unit_vectors


def earth_vectors(lat: ArrayLike, lon: ArrayLike) -> np.ndarray:
    """Place points in three dimensions, with the centre of the Earth as origin.

    Parameters
    ----------
    lat, lon : array of float, shape (n_points,)
        Degrees, WGS-84. NaN gives NaN.

    Returns
    -------
    ndarray of float64, shape (n_points, 3)
        Metres, on a sphere of the Earth's mean radius. Straight lines between nearby points are as
        long as the ways along the ground: to a millimetre over 9 km, to a metre over 99 km.

    Raises
    ------
    ValueError
        If a latitude lies outside [-90, 90] or the shapes differ.

    Notes
    -----
    R (cos φ cos λ, cos φ sin λ, sin φ). Introduced in chapter 05.

    Examples
    --------
    Where the equator meets Greenwich, and the north pole, in Earth radii:

    >>> (earth_vectors([0, 90], [0, 0]) / EARTH_RADIUS_METRES).round(6)
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    return EARTH_RADIUS_METRES * unit_vectors(*read_points(lat, lon)).T


def chord_length(metres: float) -> float:
    """Length of the straight line under a way along the ground.

    Parameters
    ----------
    metres : float
        Along a great circle, 0 to half the circumference.

    Returns
    -------
    float
        Metres through the Earth.

    Raises
    ------
    ValueError
        If the way is negative or longer than half the circumference.

    Notes
    -----
    2R sin(d / 2R). Introduced in chapter 05.

    Examples
    --------
    >>> round(chord_length(10_000), 3)
    9999.999
    """
    if not 0 <= metres <= np.pi * EARTH_RADIUS_METRES:
        raise ValueError(f"metres: expected 0 to 20,015,087, found {metres}")
    return float(2 * EARTH_RADIUS_METRES * np.sin(metres / (2 * EARTH_RADIUS_METRES)))
