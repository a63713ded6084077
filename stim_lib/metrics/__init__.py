"""How good is a prediction? Labels, ranks, lists and probabilities, with intervals over users.

Introduced in chapter 13.
"""

from stim_lib.metrics.intervals import bootstrap_means, paired_differences
from stim_lib.metrics.labels import score_labels
from stim_lib.metrics.lists import (
    catalogue_coverage,
    intra_list_distance,
    novelty,
    score_lists,
)
from stim_lib.metrics.probabilities import brier_score, log_loss, reliability_curve
from stim_lib.metrics.ranks import expected_ranks, score_ranks

__all__ = [
    "bootstrap_means",
    "brier_score",
    "catalogue_coverage",
    "expected_ranks",
    "intra_list_distance",
    "log_loss",
    "novelty",
    "paired_differences",
    "reliability_curve",
    "score_labels",
    "score_lists",
    "score_ranks",
]
