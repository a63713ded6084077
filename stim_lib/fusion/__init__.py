"""Fusion of blocks of features: weighting, concatenation, combination.

Plain scikit-learn transformers on arrays and DataFrames; they know nothing of logs. Introduced in
chapter 06.
"""

from stim_lib.fusion.combination import CrossFeatures, ProductFeatures, RatioFeatures
from stim_lib.fusion.concatenation import BlockScaling, Concatenation
from stim_lib.fusion.units import unit_of
from stim_lib.fusion.weighting import FeatureWeighting

__all__ = [
    "BlockScaling",
    "Concatenation",
    "CrossFeatures",
    "FeatureWeighting",
    "ProductFeatures",
    "RatioFeatures",
    "unit_of",
]
