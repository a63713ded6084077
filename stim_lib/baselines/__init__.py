"""Counters that any model must beat, and a mix of them that is hard to beat.

All learn from the training part alone and look back through `queries.look_back`. Introduced in
chapter 13.
"""

from stim_lib.baselines.counters import GlobalPopularity, HourOfWeekCounter, UserCounter
from stim_lib.baselines.markov import Markov
from stim_lib.baselines.mix import Mix, default_components
from stim_lib.baselines.model import Baseline
from stim_lib.baselines.nearest import NearestPlaces
from stim_lib.baselines.tuning import tune_mix, weigh_by_likelihood

__all__ = [
    "Baseline",
    "GlobalPopularity",
    "HourOfWeekCounter",
    "Markov",
    "Mix",
    "NearestPlaces",
    "UserCounter",
    "default_components",
    "tune_mix",
    "weigh_by_likelihood",
]
