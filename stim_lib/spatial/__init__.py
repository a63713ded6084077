"""Features of space: distances, places and cells, homes, how people move.

Introduced in chapters 01 and 05.
"""

from stim_lib.spatial.distance import EARTH_RADIUS_METRES, distance_metres

__all__ = ["EARTH_RADIUS_METRES", "distance_metres"]
