"""Are clusters found again when some of the data are missing?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from stim_lib.spatial.clusters import NOISE

Cluster = Callable[[np.ndarray, np.ndarray], np.ndarray]


def cluster_stability(
    lat: ArrayLike,
    lon: ArrayLike,
    cluster: Cluster,
    *,
    groups: ArrayLike | None = None,
    share: float = 0.8,
    n_draws: int = 20,
    seed: int = 0,
) -> pd.DataFrame:
    """Cluster again on parts of the data: which clusters come back?

    Parameters
    ----------
    lat, lon : array of float, shape (n_points,)
        Degrees, WGS-84; none missing.
    cluster : function of (lat, lon) giving labels
        With its settings and its seed fixed; -1 is noise.
    groups : array, shape (n_points,), optional
        Drawn as wholes, for instance users, whose points are not independent. Default: points.
    share : float
        Of the groups in each draw, in (0, 1).
    n_draws : int
    seed : int

    Returns
    -------
    DataFrame, shape (n_clusters, 4)
        Index label of the clusters of all data; n_points; jaccard, the mean over draws of the best
        overlap with a cluster of the draw, 0 to 1; worst, the least; n_draws in which any of its
        points was drawn.

    Raises
    ------
    ValueError
        If lengths differ, `share` is outside (0, 1), there are fewer than two groups, or no draws.

    Notes
    -----
    Jaccard (A, B) = n(A ∩ B) / n(A ∪ B), of points of the draw. The author's rule of thumb, for
    bootstrap samples (the manual of his R package fpc): below 0.6 a cluster should not be trusted,
    from 0.75 on it is valid, from 0.85 on highly stable. Parts of the data are another scheme, and
    the larger the share, the kinder. A setting that counts points, such as a least size, should
    shrink with the draw. Source: Hennig (2007), doi:10.1016/j.csda.2006.11.025. Introduced in
    chapter 05.

    Examples
    --------
    Two clouds that nobody could confuse:

    >>> from stim_lib.spatial import kmeans_clusters
    >>> rng = np.random.default_rng(0)
    >>> lat = np.r_[rng.normal(40, 0.01, 50), rng.normal(41, 0.01, 50)]
    >>> two = lambda lat, lon: kmeans_clusters(lat, lon, 2)
    >>> cluster_stability(lat, np.zeros(100), two, n_draws=5)["jaccard"].tolist()
    [1.0, 1.0]
    """
    lat, lon = np.asarray(lat, float), np.asarray(lon, float)
    codes, names = pd.factorize(np.arange(len(lat)) if groups is None else np.asarray(groups))
    if len(codes) != len(lat):
        raise ValueError(f"groups: expected {len(lat)} as there are points, found {len(codes)}")
    if not 0 < share < 1 or len(names) < 2 or n_draws < 1:
        raise ValueError(
            f"expected draws of a share in (0, 1) of at least two groups, found {n_draws} draws "
            f"of {share} of {len(names)}"
        )
    whole = _labels(cluster, lat, lon)
    found = np.unique(whole[whole != NOISE])
    rng = np.random.default_rng(seed)
    overlaps = np.full((n_draws, len(found)), np.nan)
    for overlap in overlaps:
        kept = np.isin(codes, rng.permutation(len(names))[: max(1, round(share * len(names)))])
        part = _labels(cluster, lat[kept], lon[kept])
        overlap[:] = _best_overlaps(whole[kept], part, found)
    drawn = np.isfinite(overlaps).sum(axis=0)
    table = {
        "n_points": [int((whole == label).sum()) for label in found],
        "jaccard": np.nanmean(overlaps, axis=0),
        "worst": np.nanmin(overlaps, axis=0),
        "n_draws": drawn,
    }
    return pd.DataFrame(table, index=pd.Index(found, name="label"))


def _best_overlaps(whole: np.ndarray, part: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Jaccard of each label with the best cluster of the part; NaN where no point was drawn."""
    both = pd.crosstab(whole, part).reindex(labels, fill_value=0)
    size = both.sum(axis=1).to_numpy()[:, None]
    both = both.drop(columns=NOISE, errors="ignore")
    other = np.array([(part == label).sum() for label in both.columns])[None, :]
    jaccard = both.to_numpy() / np.maximum(size + other - both.to_numpy(), 1)
    best = jaccard.max(axis=1) if jaccard.shape[1] else np.zeros(len(labels))
    return np.where(size[:, 0] > 0, best, np.nan)


def _labels(cluster: Cluster, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    labels = np.asarray(cluster(lat, lon))
    if labels.shape != lat.shape:
        raise ValueError(f"cluster: expected {len(lat)} labels of it, found shape {labels.shape}")
    return labels
