"""Features of time: the clock is a circle.

Introduced in chapter 01.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from stim_lib import schema

HOURS_PER_DAY = 24.0
# Below this length the mean direction is rounding error, not a time of day.
SHORTEST_RESULTANT = 1e-9


def clock_hours(local_time: pd.Series) -> np.ndarray:
    """Time of day in hours since midnight.

    Parameters
    ----------
    local_time : Series of datetime64, shape (n_times,)
        Wall-clock times.

    Returns
    -------
    ndarray of float64, shape (n_times,)
        Hours in [0, 24); NaT gives NaN.

    Raises
    ------
    SchemaError
        If the times carry a time zone: the clock of UTC is nobody's clock.

    Notes
    -----
    Introduced in chapter 01.

    Examples
    --------
    >>> clock_hours(pd.Series(pd.to_datetime(["2023-01-01 10:30"])))
    array([10.5])
    """
    if local_time.dt.tz is not None:
        expected = "wall-clock times without a zone"
        fault = schema.failure(schema.LOCAL_TIME, -1, expected, f"dtype {local_time.dtype}")
        raise schema.SchemaError(pd.DataFrame([fault]))
    return ((local_time - local_time.dt.normalize()) / pd.Timedelta("1h")).to_numpy(dtype=float)


def mean_clock_hour(local_time: pd.Series) -> float:
    """Mean time of day, on the circle.

    Parameters
    ----------
    local_time : Series of datetime64, shape (n_times,)
        Wall-clock times; NaT is left out.

    Returns
    -------
    float
        Hours in [0, 24).

    Raises
    ------
    SchemaError
        If the times carry a time zone.
    ValueError
        If there are no times, or they cancel out (06:00 and 18:00 have no mean).

    Notes
    -----
    With angles a = 2π h / 24 the mean is atan2(Σ sin a, Σ cos a). Source: Mardia and Jupp (2000),
    Directional Statistics, section 2.2. Introduced in chapter 01.

    Examples
    --------
    The arithmetic mean of 23:00 and 01:00 would be noon.

    >>> late = pd.Series(pd.to_datetime(["2023-01-01 23:00", "2023-01-02 01:00"]))
    >>> mean_clock_hour(late)
    0.0
    """
    hours = clock_hours(local_time)
    hours = hours[np.isfinite(hours)]
    if not len(hours):
        raise ValueError("local_time: expected at least one time, found none")
    resultant = np.exp(2j * np.pi * hours / HOURS_PER_DAY).mean()
    if abs(resultant) < SHORTEST_RESULTANT:
        raise ValueError("local_time: these times of day cancel out; they have no mean")
    hour = float(np.angle(resultant) % (2 * np.pi) * HOURS_PER_DAY / (2 * np.pi))
    # A hair before midnight rounds up to 24, which no clock shows.
    return 0.0 if np.isclose(hour, HOURS_PER_DAY, rtol=0, atol=1e-9) else hour


def clock_features(local_time: pd.Series) -> pd.DataFrame:
    """Place each time on the circle of the day; mark the weekend.

    Parameters
    ----------
    local_time : Series of datetime64, shape (n_times,)
        Wall-clock times.

    Returns
    -------
    DataFrame of float64, shape (n_times, 3)
        hour_sin and hour_cos in [-1, 1]; is_weekend, 0 or 1. Index of `local_time`.

    Raises
    ------
    SchemaError
        If the times carry a time zone.

    Notes
    -----
    23:59 and 00:01 are neighbours here, as on the clock. Introduced in chapter 01.

    Examples
    --------
    >>> clock_features(pd.Series(pd.to_datetime(["2023-01-01 06:00"]))).round(3)
       hour_sin  hour_cos  is_weekend
    0       1.0       0.0         1.0
    """
    angle = 2 * np.pi * clock_hours(local_time) / HOURS_PER_DAY
    return pd.DataFrame(
        {
            "hour_sin": np.sin(angle),
            "hour_cos": np.cos(angle),
            "is_weekend": (local_time.dt.day_of_week >= 5)
            .where(local_time.notna())
            .astype("float64"),
        },
        index=local_time.index,
    )
