"""Features of time: clocks and weeks as circles, gaps, periods, trends, rhythm, holidays.

Times of day come from the wall clock (local_time), gaps from instants (timestamp, UTC).
Introduced in chapters 01 and 04.
"""

from stim_lib.temporal.calendar import calendar_features, known_years, lunar_dates
from stim_lib.temporal.circle import clock_statistics
from stim_lib.temporal.clock import (
    circular_distance,
    clock_features,
    clock_hours,
    mean_clock_hour,
    wall_clock,
    week_hours,
)
from stim_lib.temporal.cycles import cycle_features, cycle_phase
from stim_lib.temporal.features import make_temporal_features
from stim_lib.temporal.gaps import action_gaps, burstiness, gap_statistics
from stim_lib.temporal.periods import find_periods, periodogram
from stim_lib.temporal.rhythm import decayed_counts, recency_hours, week_entropy
from stim_lib.temporal.statistics import series_statistics
from stim_lib.temporal.trends import linear_trend, quadratic_trend, robust_slope

__all__ = [
    "action_gaps",
    "burstiness",
    "calendar_features",
    "circular_distance",
    "clock_features",
    "clock_hours",
    "clock_statistics",
    "cycle_features",
    "cycle_phase",
    "decayed_counts",
    "find_periods",
    "gap_statistics",
    "known_years",
    "linear_trend",
    "lunar_dates",
    "make_temporal_features",
    "mean_clock_hour",
    "periodogram",
    "quadratic_trend",
    "recency_hours",
    "robust_slope",
    "series_statistics",
    "wall_clock",
    "week_entropy",
    "week_hours",
]
