"""Density of points, smoothed: how many per square kilometre around here?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stim_lib.spatial.distance import EARTH_RADIUS_METRES, read_points

WIDEST_DEGREES = 5.0


@dataclass(frozen=True)
class Density:
    """A grid of densities.

    Attributes
    ----------
    lat_edges : ndarray of float, shape (n_rows + 1,)
        Degrees, from south to north.
    lon_edges : ndarray of float, shape (n_columns + 1,)
        Degrees, from west to east.
    per_km2 : ndarray of float, shape (n_rows, n_columns)
    """

    lat_edges: np.ndarray
    lon_edges: np.ndarray
    per_km2: np.ndarray


def kernel_density(
    lat: ArrayLike,
    lon: ArrayLike,
    *,
    bandwidth_metres: float,
    bin_metres: float = 100.0,
    weights: ArrayLike | None = None,
    bounds: tuple[float, float, float, float] | None = None,
) -> Density:
    """Spread each point over its surroundings and add up.

    Parameters
    ----------
    lat, lon : array of float, shape (n_points,)
        Degrees, WGS-84; points without are left out.
    bandwidth_metres : float
        Standard deviation of the Gaussian that replaces a point.
    bin_metres : float
        Side of a cell of the grid; at most the bandwidth.
    weights : array of float, shape (n_points,), optional
        Default: 1 each.
    bounds : (south, west, north, east), optional
        Degrees; at most 5° either way. Default: all points and four bandwidths around them.

    Returns
    -------
    Density
        Points per square kilometre; points outside of `bounds` count where they reach in.

    Raises
    ------
    ValueError
        If there is no point, lengths differ, a weight is missing, a width is not positive, the
        grid would be too coarse for the bandwidth, or the bounds are too wide for a plane or
        across the date line.

    Notes
    -----
    The sum of w exp(-d²/2h²) / 2πh² over points, on counts per bin, so within half a bin of the
    truth. Source: Silverman (1986), Density Estimation, section 4.2. Introduced in chapter 05.

    Examples
    --------
    One point: at its place the density is 1 / 2πh², and all of it adds up to one.

    >>> spot = kernel_density([40.7], [-74], bandwidth_metres=1000, bin_metres=50)
    >>> print((spot.per_km2.max() * 2 * np.pi).round(2), (spot.per_km2.sum() * 0.05**2).round(2))
    1.0 1.0
    """
    from scipy.ndimage import gaussian_filter

    lat, lon = read_points(lat, lon)
    weights = np.ones(len(lat)) if weights is None else np.asarray(weights, float)
    if weights.shape != lat.shape or not np.isfinite(weights).all():
        raise ValueError(f"weights: expected {len(lat)} numbers, found shape {weights.shape}")
    known = np.isfinite(lat) & np.isfinite(lon)
    if not known.any():
        raise ValueError("lat, lon: expected at least one point with coordinates, found none")
    if not 0 < bin_metres <= bandwidth_metres:
        raise ValueError(
            f"expected 0 < bin_metres <= bandwidth_metres, found {bin_metres}, {bandwidth_metres}"
        )
    metre = np.degrees(1 / EARTH_RADIUS_METRES)
    if bounds is None:
        margin = 4 * bandwidth_metres * metre
        wide = margin / np.cos(np.radians(np.abs(lat[known]).max()))
        bounds = (lat[known].min() - margin, lon[known].min() - wide,
                  lat[known].max() + margin, lon[known].max() + wide)  # fmt: skip
    south, west, north, east = _require_bounds(bounds)
    step = bin_metres * metre
    # A bin is as wide in metres as it is high, at the middle latitude.
    step_lon = step / np.cos(np.radians((south + north) / 2))
    # Hills from beyond reach in: bin a wider grid, smooth it, and cut it back.
    margin = int(np.ceil(5 * bandwidth_metres / bin_metres))
    n_rows, n_columns = round((north - south) / step), round((east - west) / step_lon)
    lat_edges = south + step * np.arange(-margin, n_rows + margin + 1)
    lon_edges = west + step_lon * np.arange(-margin, n_columns + margin + 1)
    counts, *_ = np.histogram2d(
        lat[known], lon[known], bins=(lat_edges, lon_edges), weights=weights[known]
    )
    smooth = gaussian_filter(counts, bandwidth_metres / bin_metres, mode="constant", truncate=5)
    inside = slice(margin, margin + n_rows), slice(margin, margin + n_columns)
    per_km2 = smooth[inside] / (bin_metres / 1000) ** 2
    return Density(lat_edges[margin : margin + n_rows + 1],
                   lon_edges[margin : margin + n_columns + 1], per_km2)  # fmt: skip


def _require_bounds(bounds: tuple[float, float, float, float]) -> tuple[float, ...]:
    south, west, north, east = bounds
    fits = -90 <= south < north <= 90 and -180 <= west < east <= 180
    if not fits or max(north - south, east - west) > WIDEST_DEGREES:
        raise ValueError(
            "bounds: expected (south, west, north, east) in degrees, at most 5 apart and not "
            f"across the date line, found {tuple(round(float(b), 3) for b in bounds)}"
        )
    return bounds
