"""Models of interest: how likely is a user's next action to be of this kind?

A table of features goes in, a probability for each kind comes out, whichever model is asked.
Introduced in chapters 01 and 11.
"""

from stim_lib.interest.calibration import Calibration, fit_calibration
from stim_lib.interest.counters import counter_shares, mix_of_kinds, tune_counters
from stim_lib.interest.counts import make_weekly_counts
from stim_lib.interest.importance import drop_families, families_of, permute_families
from stim_lib.interest.models import MODELS, make_model, predict_interest
from stim_lib.interest.pooling import Blend, Stack, fit_blend, fit_stack
from stim_lib.interest.regressions import KindByKind
from stim_lib.interest.shares import interest_shares
from stim_lib.interest.surprise import surprise
from stim_lib.interest.tables import make_interest_table
from stim_lib.interest.tuning import Tuned, tune_model

__all__ = [
    "MODELS",
    "Blend",
    "Calibration",
    "KindByKind",
    "Stack",
    "Tuned",
    "counter_shares",
    "drop_families",
    "families_of",
    "fit_blend",
    "fit_calibration",
    "fit_stack",
    "interest_shares",
    "make_interest_table",
    "make_model",
    "make_weekly_counts",
    "mix_of_kinds",
    "permute_families",
    "predict_interest",
    "surprise",
    "tune_counters",
    "tune_model",
]
