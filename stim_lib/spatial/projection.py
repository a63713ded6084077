"""A flat map of one city: metres east and north of its centre, and back to degrees.

Introduced in chapter 05.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stim_lib.schema import DataWarning
from stim_lib.spatial.distance import EARTH_RADIUS_METRES, distance_metres, require_latitudes
from stim_lib.spatial.sphere import unit_vectors

MAX_REACH_METRES = 450_000
"""Farthest that data may lie from the centre of their projection."""


@dataclass(frozen=True)
class Projection:
    """A plane that touches the globe at a centre; x points east, y north, both in metres.

    Attributes
    ----------
    centre_lat, centre_lon : float
        Degrees, WGS-84.
    reach_metres : float
        How far from the centre the data lie that it was chosen for.

    Notes
    -----
    Two projections with the same centre are the same map. Introduced in chapter 05.

    Examples
    --------
    >>> Projection(40.75, -73.98).name
    'Azimuthal equidistant, centred on 40.75° N, 73.98° W (WGS-84)'
    """

    centre_lat: float
    centre_lon: float
    reach_metres: float = 0.0

    @property
    def name(self) -> str:
        """What a caption says."""
        north = f"{abs(self.centre_lat):.2f}° {'N' if self.centre_lat >= 0 else 'S'}"
        east = f"{abs(self.centre_lon):.2f}° {'E' if self.centre_lon >= 0 else 'W'}"
        return f"Azimuthal equidistant, centred on {north}, {east} (WGS-84)"

    @property
    def crs(self) -> str:
        """The definition that pyproj and geopandas take as a coordinate reference system."""
        centre = f"+lat_0={float(self.centre_lat)!r} +lon_0={float(self.centre_lon)!r}"
        return f"+proj=aeqd {centre} +datum=WGS84 +units=m +no_defs +type=crs"

    @property
    def largest_error(self) -> float:
        """Bound on the relative error of a distance between points within the reach."""
        # 2 % more, since the ellipsoid is rounder in places than the mean sphere.
        return (self.reach_metres / EARTH_RADIUS_METRES) ** 2 / 6 * 1.02


def choose_projection(lat: ArrayLike, lon: ArrayLike) -> Projection:
    """Projection for the points of a city or a region, centred on their extent.

    Parameters
    ----------
    lat, lon : array of float, shape (n_points,)
        Degrees, WGS-84. NaN is left out. Longitudes may cross 180.

    Returns
    -------
    Projection
        Its centre is rounded to 0.01 degrees, so that the caption names the map exactly.

    Raises
    ------
    ValueError
        If no point is known, a latitude lies outside [-90, 90], or a point is more than
        450 km from the centre: beyond 490 km some distances are wrong by over 0.1 %.

    Notes
    -----
    The centre is the middle of the smallest upright box around the points in space (as unit
    vectors), brought back to the globe: poles and longitude 180 are places like any other,
    and a crowd in one corner does not pull it.

    Why azimuthal equidistant: at r metres from the centre, lengths across the ray are stretched
    by (r/R)²/6 and along it not at all. Largest errors of distances within r of the centre,
    against geodesics:

    ========================  =======  =======  =======  =======
    r                           50 km   100 km   200 km   400 km
    ========================  =======  =======  =======  =======
    azimuthal equidistant     0.001 %  0.004 %  0.017 %  0.066 %
    transverse Mercator       0.003 %  0.012 %  0.050 %  0.198 %
    stereographic, up to      0.004 %  0.011 %  0.035 %  0.120 %
    ========================  =======  =======  =======  =======

    UTM starts at 0.04 % in the middle of its zone, and a city may lie in two zones. Source:
    Snyder (1987), Map Projections: A Working Manual, USGS Professional Paper 1395, chapter 25,
    doi:10.3133/pp1395. Introduced in chapter 05.

    Examples
    --------
    Two islands of Fiji, on either side of longitude 180.

    >>> choose_projection([-16.8, -17.0], [179.9, -179.7]).name
    'Azimuthal equidistant, centred on 16.90° S, 179.90° W (WGS-84)'
    """
    lat, lon = np.broadcast_arrays(np.asarray(lat, float), np.asarray(lon, float))
    known = np.isfinite(lat) & np.isfinite(lon)
    lat, lon = lat[known], lon[known]
    if not len(lat):
        raise ValueError("lat, lon: expected at least one known point, found none")
    require_latitudes(lat)
    vectors = unit_vectors(lat, lon)
    middle = (vectors.min(axis=1) + vectors.max(axis=1)) / 2
    centre_lat = np.degrees(np.arctan2(middle[2], np.hypot(middle[0], middle[1])))
    centre_lon = np.degrees(np.arctan2(middle[1], middle[0]))
    centre = round(float(centre_lat), 2) + 0.0, round(float(centre_lon), 2) + 0.0  # no -0.0
    away = distance_metres(lat, lon, *centre)
    reach = float(away.max())
    if reach > MAX_REACH_METRES:
        far = int(away.argmax())
        raise ValueError(
            f"lat, lon: expected points within {MAX_REACH_METRES / 1000:.0f} km of their centre "
            f"({centre[0]:g}, {centre[1]:g}), found ({lat[far]:g}, {lon[far]:g}) at "
            f"{reach / 1000:.0f} km. One plane cannot hold them with errors under 0.1 %: "
            "project each city by itself, or measure on the globe with distance_metres."
        )
    return Projection(*centre, reach)


def project(
    lat: ArrayLike, lon: ArrayLike, projection: Projection
) -> tuple[np.ndarray, np.ndarray]:
    """Metres east and north of the centre of a projection.

    Parameters
    ----------
    lat, lon : float or array of float, broadcast to one shape
        Degrees, WGS-84. NaN gives NaN.
    projection : Projection
        From `choose_projection`, best of the training data, then for all.

    Returns
    -------
    x, y : ndarray of float64, of the common shape
        Metres east and north.

    Raises
    ------
    ValueError
        If a latitude lies outside [-90, 90].

    Warns
    -----
    DataWarning
        If points lie more than 450 km from the centre: distances between them are then wrong by
        over 0.1 %.

    Notes
    -----
    x = ρ sin α, y = ρ cos α, with ρ the geodesic distance from the centre and α the azimuth there;
    computed by pyproj. Source: as `choose_projection`. Introduced in chapter 05.

    Examples
    --------
    A hundredth of a degree to the north.

    >>> x, y = project(40.76, -73.98, Projection(40.75, -73.98))
    >>> float(x.round(1)), float(y.round(1))
    (0.0, 1110.5)
    """
    import pyproj

    lat, lon = np.broadcast_arrays(np.asarray(lat, float), np.asarray(lon, float))
    require_latitudes(lat)
    away = distance_metres(lat, lon, projection.centre_lat, projection.centre_lon)
    far = away > MAX_REACH_METRES
    if far.any():
        warnings.warn(
            f"lat, lon: expected points within {MAX_REACH_METRES / 1000:.0f} km of "
            f"({projection.centre_lat:g}, {projection.centre_lon:g}), found {int(far.sum())} "
            f"farther, up to {np.nanmax(away) / 1000:.0f} km. Distances between them are wrong by "
            "over 0.1 %: choose a projection for them, or measure with distance_metres.",
            DataWarning,
            stacklevel=2,
        )
    # PROJ wants longitudes near one turn of each other.
    x, y = pyproj.Proj(projection.crs)(_wrap(lon), lat)
    return _finite(x), _finite(y)


def unproject(x: ArrayLike, y: ArrayLike, projection: Projection) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude of points given in metres: the inverse of `project`.

    Parameters
    ----------
    x, y : float or array of float, broadcast to one shape
        Metres east and north of the centre. NaN gives NaN.
    projection : Projection

    Returns
    -------
    lat, lon : ndarray of float64, of the common shape
        Degrees, WGS-84; longitude in [-180, 180).

    Raises
    ------
    ValueError
        If `x` and `y` do not fit each other (NumPy's own message).

    Notes
    -----
    The direct geodesic problem from the centre, by pyproj. Introduced in chapter 05.

    Examples
    --------
    >>> lat, lon = unproject(0, 1110.5, Projection(40.75, -73.98))
    >>> float(lat.round(4)), float(lon.round(4))
    (40.76, -73.98)
    """
    import pyproj

    x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
    lon, lat = pyproj.Proj(projection.crs)(x, y, inverse=True)
    return _finite(lat), _wrap(_finite(lon))


def _wrap(degrees: np.ndarray) -> np.ndarray:
    """Bring longitudes into [-180, 180) without touching those already there."""
    inside = (degrees >= -180) & (degrees < 180)
    return np.where(inside, degrees, (degrees + 180) % 360 - 180)


def _finite(values: ArrayLike) -> np.ndarray:
    """PROJ answers what it cannot compute, NaN included, by infinity."""
    values = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)
