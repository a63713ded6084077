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
from stim_lib.spatial.datums import (
    bd09_to_gcj02,
    bd09_to_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    in_china_box,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from stim_lib.spatial.density import Density, kernel_density
from stim_lib.spatial.distance import EARTH_RADIUS_METRES, distance_metres
from stim_lib.spatial.features import candidate_distances, make_spatial_features
from stim_lib.spatial.gazetteer import load_gazetteer
from stim_lib.spatial.geocoding import GeocodingError, geocode, geocode_candidates, reverse_geocode
from stim_lib.spatial.home import find_home_and_work
from stim_lib.spatial.mobility import mobility_measures
from stim_lib.spatial.movement import jump_lengths, radius_of_gyration
from stim_lib.spatial.nearby import nearby_counts, nearby_shares
from stim_lib.spatial.projection import Projection, choose_projection, project, unproject
from stim_lib.spatial.sphere import centre_of_mass
from stim_lib.spatial.stability import cluster_stability
from stim_lib.spatial.vectors import earth_vectors
from stim_lib.spatial.visitation import new_place_rate, top_place_share, visitation_entropy

__all__ = [
    "EARTH_RADIUS_METRES",
    "Density",
    "GeocodingError",
    "Projection",
    "bd09_to_gcj02",
    "bd09_to_wgs84",
    "candidate_distances",
    "cell_shapes",
    "centre_of_mass",
    "choose_projection",
    "cluster_centres",
    "cluster_stability",
    "count_cells",
    "count_flows",
    "dbscan_clusters",
    "distance_metres",
    "earth_vectors",
    "find_home_and_work",
    "gcj02_to_bd09",
    "gcj02_to_wgs84",
    "geocode",
    "geocode_candidates",
    "h3_cells",
    "hdbscan_clusters",
    "in_china_box",
    "jump_lengths",
    "kernel_density",
    "kmeans_clusters",
    "load_gazetteer",
    "make_spatial_features",
    "mobility_measures",
    "nearby_counts",
    "nearby_shares",
    "nearest_centres",
    "new_place_rate",
    "parent_cells",
    "project",
    "radius_of_gyration",
    "reverse_geocode",
    "top_place_share",
    "unproject",
    "visitation_entropy",
    "wgs84_to_bd09",
    "wgs84_to_gcj02",
]
