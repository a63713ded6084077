"""Day, week, month and year as circles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stim_lib.temporal.clock import HOURS_PER_DAY, clock_hours, require_wall_clock, week_hours

CYCLES = ("day", "week", "month", "year")
HOURS_PER_WEEK = 168.0


def cycle_phase(local_time: pd.Series, cycle: str) -> np.ndarray:
    """How much of the day, week, month or year has passed.

    Parameters
    ----------
    local_time : Series of datetime64, shape (n_times,)
        Wall-clock times.
    cycle : {"day", "week", "month", "year"}

    Returns
    -------
    ndarray of float64, shape (n_times,)
        Turns, in [0, 1); NaT gives NaN. The week starts on Monday 00:00, which on a circle is a
        place like any other.

    Raises
    ------
    SchemaError
        If the times carry a time zone.
    ValueError
        If the cycle is unknown.

    Notes
    -----
    Hours since the start over the hours of *this* month or year: February has 28 or 29 days, a
    leap year 366. Introduced in chapter 04.

    Examples
    --------
    >>> leap_day = pd.Series(pd.to_datetime(["2024-02-29 12:00"]))
    >>> cycle_phase(leap_day, "day"), cycle_phase(leap_day, "month") * 29
    (array([0.5]), array([28.5]))
    """
    require_wall_clock(local_time)
    if cycle not in CYCLES:
        raise ValueError(f"cycle: expected one of {CYCLES}, found {cycle!r}")
    if cycle == "week":
        return week_hours(local_time) / HOURS_PER_WEEK
    day = clock_hours(local_time) / HOURS_PER_DAY
    if cycle == "day":
        return day
    clock = local_time.dt
    if cycle == "month":
        return (clock.day.to_numpy(dtype=float) - 1 + day) / clock.days_in_month.to_numpy(float)
    n_days = np.where(clock.is_leap_year, 366, 365)
    return (clock.day_of_year.to_numpy(dtype=float) - 1 + day) / n_days


def cycle_features(
    local_time: pd.Series,
    cycles: Sequence[str] = CYCLES,
    *,
    harmonics: int = 1,
) -> pd.DataFrame:
    """Place each time on the circles of day, week, month and year.

    Parameters
    ----------
    local_time : Series of datetime64, shape (n_times,)
        Wall-clock times.
    cycles : sequence of {"day", "week", "month", "year"}
    harmonics : int
        Pairs per cycle, 1 or more. The second turns twice as fast, and so on: a linear model
        needs it for two peaks a day.

    Returns
    -------
    DataFrame of float64, shape (n_times, 2 * n_cycles * harmonics)
        day_sin, day_cos, week_sin, …, in [-1, 1]; further harmonics are day_sin_2, day_cos_2, ….
        Index of `local_time`; NaT gives NaN.

    Raises
    ------
    SchemaError
        If the times carry a time zone.
    ValueError
        If a cycle is unknown or stands twice, or `harmonics` is below 1.

    Notes
    -----
    sin 2πkφ and cos 2πkφ with φ from `cycle_phase` and k the harmonic: Fourier terms. Source:
    Hyndman and Athanasopoulos (2021), Forecasting: Principles and Practice, 3rd ed., section 7.4.
    Introduced in chapter 04.

    Examples
    --------
    >>> noon = pd.Series(pd.to_datetime(["2024-05-01 12:00"]))
    >>> cycle_features(noon, ["day"]).round(3) + 0.0
       day_sin  day_cos
    0      0.0     -1.0
    """
    cycles = list(cycles)
    if harmonics < 1 or len(set(cycles)) < len(cycles):
        raise ValueError(
            f"expected each cycle once and harmonics of 1 or more, found {cycles} and {harmonics}"
        )
    columns = {}
    for cycle in cycles:
        phase = cycle_phase(local_time, cycle)
        for harmonic in range(1, harmonics + 1):
            ending = f"_{harmonic}" if harmonic > 1 else ""
            angle = 2 * np.pi * harmonic * phase
            columns[f"{cycle}_sin{ending}"] = np.sin(angle)
            columns[f"{cycle}_cos{ending}"] = np.cos(angle)
    return pd.DataFrame(columns, index=local_time.index)
