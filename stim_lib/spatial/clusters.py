"""Clusters of points in metres: by their means, and by how densely they lie."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from stim_lib import schema
from stim_lib.spatial.distance import distance_metres
from stim_lib.spatial.sphere import mean_directions
from stim_lib.spatial.vectors import chord_length, earth_vectors

NOISE = -1


def kmeans_clusters(
    lat: ArrayLike,
    lon: ArrayLike,
    n_clusters: int,
    *,
    weights: ArrayLike | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Cut points into clusters, each point going to the nearest mean.

    Parameters
    ----------
    lat, lon : array of float, shape (n_points,)
        Degrees, WGS-84; none missing.
    n_clusters : int
        At most the number of different points.
    weights : array of float, shape (n_points,), optional
        For instance visits of a place. Default: 1 each.
    seed : int

    Returns
    -------
    ndarray of int, shape (n_points,)
        Labels; 0 is the heaviest cluster.

    Raises
    ------
    ValueError
        If a coordinate is missing or impossible, or there are fewer points than clusters.

    Notes
    -----
    Minimises Σ w d², d from point to mean, over vectors in metres; best of ten starts (k-means++).
    Source: Lloyd (1982), doi:10.1109/TIT.1982.1056489. Introduced in chapter 05.

    Examples
    --------
    At 60° north a degree of longitude is 56 km, and of latitude 111 km.

    >>> kmeans_clusters([60, 60, 60.8, 60.8], [10, 11, 10, 11], 2).tolist()
    [0, 0, 1, 1]
    """
    from sklearn.cluster import KMeans

    vectors, weights = _prepare(lat, lon, weights)
    n_different = len(np.unique(vectors, axis=0))
    if not isinstance(n_clusters, (int, np.integer)) or not 1 <= n_clusters <= n_different:
        raise ValueError(
            f"n_clusters: expected a whole number, 1 to {n_different} points, found {n_clusters}"
        )
    model = KMeans(n_clusters, n_init=10, random_state=seed)
    # Around their own middle: squares of Earth radii would eat the digits of metres.
    labels = model.fit_predict(vectors - vectors.mean(axis=0), sample_weight=weights)
    return _number_by_weight(labels, weights)


def dbscan_clusters(
    lat: ArrayLike,
    lon: ArrayLike,
    *,
    radius_metres: float,
    min_points: float = 5,
    weights: ArrayLike | None = None,
) -> np.ndarray:
    """Join points that lie densely enough; the rest is noise.

    Parameters
    ----------
    lat, lon : array of float, shape (n_points,)
        Degrees, WGS-84; none missing.
    radius_metres : float
        Points no further apart than this are neighbours.
    min_points : float
        A point whose neighbours, itself included, weigh at least this much is a core.
    weights : array of float, shape (n_points,), optional
        Default: 1 each.

    Returns
    -------
    ndarray of int, shape (n_points,)
        Labels; 0 is the heaviest cluster, -1 noise.

    Raises
    ------
    ValueError
        If a coordinate is missing or impossible, or the radius is not positive.

    Notes
    -----
    A point at the border of two clusters joins the one whose core comes first in the data.
    Source: Ester et al. (1996), KDD, 226-231. Introduced in chapter 05.

    Examples
    --------
    Three points some 50 m apart, and one a kilometre away:

    >>> dbscan_clusters([40.7, 40.7005, 40.701, 40.71], [-74] * 4, radius_metres=100,
    ...                 min_points=3).tolist()
    [0, 0, 0, -1]
    """
    from sklearn.cluster import DBSCAN

    vectors, weights = _prepare(lat, lon, weights)
    if not radius_metres > 0:
        raise ValueError(f"radius_metres: expected above 0, found {radius_metres}")
    model = DBSCAN(eps=chord_length(radius_metres), min_samples=min_points, algorithm="kd_tree")
    return _number_by_weight(model.fit(vectors, sample_weight=weights).labels_, weights)


def hdbscan_clusters(
    lat: ArrayLike,
    lon: ArrayLike,
    *,
    min_cluster_size: int = 20,
    min_points: int | None = None,
) -> np.ndarray:
    """Join points that stay together over many radii at once; the rest is noise.

    Parameters
    ----------
    lat, lon : array of float, shape (n_points,)
        Degrees, WGS-84; none missing.
    min_cluster_size : int
        Fewer points are no cluster; at least 2.
    min_points : int, optional
        The distance to the so manieth nearest point, itself included, tells how dense it is around
        a point. Default: `min_cluster_size`.

    Returns
    -------
    ndarray of int, shape (n_points,)
        Labels; 0 is the largest cluster, -1 noise.

    Raises
    ------
    ValueError
        If a coordinate is missing or impossible, or there are fewer points than `min_points`.

    Notes
    -----
    Source: Campello, Moulavi and Sander (2013), doi:10.1007/978-3-642-37456-2_14. Introduced in
    chapter 05.

    Examples
    --------
    >>> lat = [40.7, 40.7001, 40.7002, 40.75, 40.7501, 40.7502, 40.9]
    >>> hdbscan_clusters(lat, [-74] * 7, min_cluster_size=3, min_points=2).tolist()
    [0, 0, 0, 1, 1, 1, -1]
    """
    from sklearn.cluster import HDBSCAN

    vectors, weights = _prepare(lat, lon, None)
    needed = max(min_cluster_size, min_points or 0)
    if len(vectors) < needed:
        raise ValueError(f"lat, lon: expected at least {needed} points, found {len(vectors)}")
    model = HDBSCAN(min_cluster_size, min_samples=min_points, copy=True)
    return _number_by_weight(model.fit_predict(vectors), weights)


def cluster_centres(
    lat: ArrayLike, lon: ArrayLike, labels: ArrayLike, *, weights: ArrayLike | None = None
) -> pd.DataFrame:
    """Describe each cluster by its centre, its weight and its size.

    Parameters
    ----------
    lat, lon : array of float, shape (n_points,)
        Degrees, WGS-84; none missing.
    labels : array of int, shape (n_points,)
        -1 is noise and left out.
    weights : array of float, shape (n_points,), optional
        Default: 1 each.

    Returns
    -------
    DataFrame, shape (n_clusters, 5)
        Index label; lat, lon of the mean (degrees), n_points, weight, and spread_metres, the root
        of the mean squared distance to the centre.

    Raises
    ------
    ValueError
        If a coordinate is missing or impossible, or lengths differ.

    Notes
    -----
    The mean is that of the vectors, read off as a direction. Introduced in chapter 05.

    Examples
    --------
    >>> cluster_centres([0, 0, 9], [1, 3, 9], [0, 0, -1]).round(1)
           lat  lon  n_points  weight  spread_metres
    label
    0      0.0  2.0         2     2.0       111195.1
    """
    vectors, weights = _prepare(lat, lon, weights)
    labels = _require_labels(labels, len(vectors))
    inside = labels != NOISE
    found, position = np.unique(labels[inside], return_inverse=True)
    pull = weights[inside, None] * vectors[inside]
    x, y, z = mean_directions(pull.T, position, len(found))
    centre_lat, centre_lon = np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))
    total = np.bincount(position, weights[inside], len(found))
    away = distance_metres(np.asarray(lat)[inside], np.asarray(lon)[inside],
                           centre_lat[position], centre_lon[position])  # fmt: skip
    square = np.bincount(position, weights[inside] * away**2, len(found))
    table = {
        schema.LAT: centre_lat,
        schema.LON: centre_lon,
        "n_points": np.bincount(position, minlength=len(found)),
        "weight": total,
        "spread_metres": np.sqrt(square / total),
    }
    return pd.DataFrame(table, index=pd.Index(found, name="label"))


def nearest_centres(
    lat: ArrayLike, lon: ArrayLike, centres: pd.DataFrame, *, within_metres: float = np.inf
) -> pd.DataFrame:
    """Find the nearest centre of each point: the cluster as a feature of points not yet seen.

    Parameters
    ----------
    lat, lon : array of float, shape (n_points,)
        Degrees, WGS-84; NaN gives no cluster.
    centres : DataFrame, shape (n_clusters, n_columns)
        From `cluster_centres`, of the training part: its index holds the labels.
    within_metres : float
        Points further away belong to no cluster.

    Returns
    -------
    DataFrame, shape (n_points, 2)
        label (-1 for none) and distance_metres to the nearest centre, near or not.

    Raises
    ------
    ValueError
        If there are no centres or a coordinate is impossible.

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> centres = cluster_centres([40.7, 40.8], [-74, -74], [0, 1])
    >>> nearest_centres([40.71, 48.9], [-74, 2.4], centres, within_metres=5000).round(1)
       label  distance_metres
    0      0           1112.0
    1     -1        5832551.2
    """
    from scipy.spatial import KDTree

    if not len(centres):
        raise ValueError("centres: expected at least one, found none")
    vectors = earth_vectors(lat, lon)
    known = np.isfinite(vectors).all(axis=1)
    tree = KDTree(earth_vectors(centres[schema.LAT], centres[schema.LON]))
    position = np.zeros(len(vectors), dtype=np.int64)
    position[known] = tree.query(vectors[known])[1]
    nearest = centres.iloc[position]
    away = distance_metres(lat, lon, nearest[schema.LAT].to_numpy(), nearest[schema.LON].to_numpy())
    near = known & (away <= within_metres)
    label = np.where(near, centres.index.to_numpy()[position], NOISE)
    return pd.DataFrame({"label": label, "distance_metres": np.atleast_1d(away)})


def _prepare(
    lat: ArrayLike, lon: ArrayLike, weights: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray]:
    vectors = earth_vectors(lat, lon)
    missing = int((~np.isfinite(vectors).all(axis=1)).sum())
    if missing or not len(vectors):
        raise ValueError(
            f"lat, lon: expected coordinates of every point, found {len(vectors)} points and "
            f"{missing} without; drop those first"
        )
    weights = np.ones(len(vectors)) if weights is None else np.asarray(weights, float)
    if weights.shape != (len(vectors),) or not (weights >= 0).all() or not weights.sum() > 0:
        raise ValueError(
            f"weights: expected {len(vectors)} numbers of 0 or more, found shape {weights.shape}"
        )
    return vectors, weights


def _require_labels(labels: ArrayLike, n_points: int) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.shape != (n_points,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels: expected whole numbers of shape ({n_points},), found {labels.dtype} of "
            f"shape {labels.shape}"
        )
    return labels


def _number_by_weight(labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Number clusters from the heaviest; of equal ones the first to appear comes first."""
    inside = labels != NOISE
    position, found = pd.factorize(labels[inside])
    heaviest = np.argsort(-np.bincount(position, weights[inside], len(found)), kind="stable")
    rank = np.argsort(heaviest, kind="stable")
    numbered = np.full(len(labels), NOISE, dtype=np.int64)
    numbered[inside] = rank[position]
    return numbered
