"""Features of space: distances, places and cells, homes, how people move.

Introduced in chapters 01 and 05.
"""

from stim_lib.spatial.cells import cell_shapes, count_cells, count_flows, h3_cells, parent_cells
from stim_lib.spatial.clusters import (
    cluster_centres,
    dbscan_clusters,
    hdbscan_clusters,
    kmeans_clusters,
    nearest_centres,
)
from stim_lib.spatial.density import Density, kernel_density
from stim_lib.spatial.distance import EARTH_RADIUS_METRES, distance_metres
from stim_lib.spatial.vectors import chord_metres, earth_vectors, from_earth_vectors
from stim_lib.spatial.stability import cluster_stability

__all__ = [
    "EARTH_RADIUS_METRES",
    "Density",
    "cell_shapes",
    "chord_metres",
    "cluster_centres",
    "cluster_stability",
    "count_cells",
    "count_flows",
    "dbscan_clusters",
    "distance_metres",
    "earth_vectors",
    "from_earth_vectors",
    "h3_cells",
    "hdbscan_clusters",
    "kernel_density",
    "kmeans_clusters",
    "nearest_centres",
    "parent_cells",
]
