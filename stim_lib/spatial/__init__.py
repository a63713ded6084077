"""Features of space: distances, places and cells, homes, how people move.

Introduced in chapters 01 and 05.
"""

from stim_lib.spatial.datums import (
    bd09_to_gcj02,
    bd09_to_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    in_china_box,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from stim_lib.spatial.distance import EARTH_RADIUS_METRES, distance_metres
from stim_lib.spatial.gazetteer import load_gazetteer
from stim_lib.spatial.geocoding import (
    GeocodingError,
    geocode,
    geocode_candidates,
    reverse_geocode,
)
from stim_lib.spatial.projection import Projection, choose_projection, project, unproject

__all__ = [
    "EARTH_RADIUS_METRES",
    "GeocodingError",
    "Projection",
    "bd09_to_gcj02",
    "bd09_to_wgs84",
    "choose_projection",
    "distance_metres",
    "gcj02_to_bd09",
    "gcj02_to_wgs84",
    "geocode",
    "geocode_candidates",
    "in_china_box",
    "load_gazetteer",
    "project",
    "reverse_geocode",
    "unproject",
    "wgs84_to_bd09",
    "wgs84_to_gcj02",
]
