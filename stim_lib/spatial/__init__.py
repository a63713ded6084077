"""Features of space: distances, places and cells, homes, how people move.

Introduced in chapters 01 and 05.
"""

from stim_lib.spatial.distance import EARTH_RADIUS_METRES, distance_metres
from stim_lib.spatial.features import make_spatial_features
from stim_lib.spatial.home import find_home_and_work
from stim_lib.spatial.mobility import mobility_measures
from stim_lib.spatial.movement import jump_lengths, radius_of_gyration
from stim_lib.spatial.nearby import nearby_counts, nearby_shares
from stim_lib.spatial.sphere import centre_of_mass, east_north_metres
from stim_lib.spatial.visitation import new_place_rate, top_place_share, visitation_entropy

__all__ = [
    "EARTH_RADIUS_METRES",
    "centre_of_mass",
    "distance_metres",
    "east_north_metres",
    "find_home_and_work",
    "jump_lengths",
    "make_spatial_features",
    "mobility_measures",
    "nearby_counts",
    "nearby_shares",
    "new_place_rate",
    "radius_of_gyration",
    "top_place_share",
    "visitation_entropy",
]
