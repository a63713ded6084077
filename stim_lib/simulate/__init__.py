"""A city whose true interest dynamics are known, so that estimators can be checked against truth.

Real logs never tell what their users wanted. Here every interest, home, rhythm and effect size is
drawn from a stated model and kept beside the log. Introduced in chapter 01.
"""

from stim_lib.simulate.city import City, make_city
from stim_lib.simulate.places import is_open
from stim_lib.simulate.plane import plane_to_degrees, plane_to_metres
from stim_lib.simulate.truth import Truth

__all__ = ["City", "Truth", "is_open", "make_city", "plane_to_degrees", "plane_to_metres"]
