"""The clock is a circle: times of day, of the week, and how far apart they are.

Introduced in chapters 01 and 04.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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
    require_wall_clock(local_time)
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


def require_wall_clock(local_time: pd.Series) -> None:
    """Refuse times that carry a zone, and what is no time at all.

    Parameters
    ----------
    local_time : Series of datetime64, shape (n_times,)

    Raises
    ------
    SchemaError
        If the times carry a time zone, or the Series holds something else.

    Notes
    -----
    Introduced in chapter 04.

    Examples
    --------
    >>> require_wall_clock(pd.Series(pd.to_datetime(["2023-01-01 10:30"])))
    """
    if not pd.api.types.is_datetime64_dtype(local_time.dtype):
        expected = "wall-clock times without a zone"
        fault = schema.failure(schema.LOCAL_TIME, -1, expected, f"dtype {local_time.dtype}")
        raise schema.SchemaError(pd.DataFrame([fault]))


def wall_clock(timestamp: pd.Series, timezone: str | pd.Series) -> pd.Series:
    """What the clock on the wall showed at an instant.

    Parameters
    ----------
    timestamp : Series of datetime64[us, UTC], shape (n_times,)
        Instants.
    timezone : str or Series of str, shape (n_times,)
        IANA name, "America/New_York"; a Series names the zone of each row.

    Returns
    -------
    Series of datetime64[us], shape (n_times,)
        Without a zone; daylight saving as the zone had it on that day. NaT stays NaT.

    Raises
    ------
    SchemaError
        If the instants have no zone: they may be wall-clock times already.
    ValueError
        If a zone is unknown, or a Series of zones has another index.

    Notes
    -----
    The way back is not a function: in autumn one hour is shown twice (`datasets.read_log` asks
    which is meant). Introduced in chapter 04.

    Examples
    --------
    >>> night = pd.Series(pd.to_datetime(["2024-03-10 06:59", "2024-03-10 07:01"], utc=True))
    >>> wall_clock(night, "America/New_York").dt.strftime("%H:%M").tolist()
    ['01:59', '03:01']
    """
    if not isinstance(timestamp.dtype, pd.DatetimeTZDtype):
        fault = schema.failure(schema.TIME, -1, "instants (UTC)", f"dtype {timestamp.dtype}")
        raise schema.SchemaError(pd.DataFrame([fault]))
    zones = timezone
    if isinstance(timezone, str):
        zones = pd.Series(timezone, index=timestamp.index)
    if not zones.index.equals(timestamp.index):
        raise ValueError("timezone: expected the index of timestamp, found another")
    clock = pd.Series(pd.NaT, index=timestamp.index, dtype="datetime64[us]")
    for name in zones.unique():
        try:
            zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, TypeError, ValueError, OSError) as error:
            raise ValueError(
                f"timezone: expected an IANA name such as 'Asia/Shanghai', found {name!r}"
            ) from error
        here = (zones == name).to_numpy()
        there = timestamp[here].dt.tz_convert(zone).dt.tz_localize(None)
        clock[here] = there.dt.as_unit("us")
    return clock


def week_hours(local_time: pd.Series) -> np.ndarray:
    """Time of the week in hours since Monday 00:00.

    Parameters
    ----------
    local_time : Series of datetime64, shape (n_times,)
        Wall-clock times.

    Returns
    -------
    ndarray of float64, shape (n_times,)
        Hours in [0, 168); NaT gives NaN.

    Raises
    ------
    SchemaError
        If the times carry a time zone.

    Notes
    -----
    Introduced in chapter 04.

    Examples
    --------
    >>> week_hours(pd.Series(pd.to_datetime(["2024-01-07 23:00", "2024-01-08 01:00"])))
    array([167.,   1.])
    """
    require_wall_clock(local_time)
    return local_time.dt.day_of_week.to_numpy(dtype=float) * HOURS_PER_DAY + clock_hours(local_time)


def circular_distance(
    first: np.ndarray, second: np.ndarray, *, period: float = HOURS_PER_DAY
) -> np.ndarray:
    """How far apart two times are, the short way round.

    Parameters
    ----------
    first, second : array of float
        Hours; any shapes that broadcast.
    period : float
        Hours of one turn: 24 for the day, 168 for the week.

    Returns
    -------
    ndarray of float64
        Hours in [0, period / 2]; NaN where either is NaN.

    Raises
    ------
    ValueError
        If `period` is not positive.

    Notes
    -----
    min(d, period - d) with d the absolute difference modulo the period. Source: Mardia and Jupp
    (2000), Directional Statistics, section 2.3. Introduced in chapter 04.

    Examples
    --------
    >>> circular_distance([23.0, 10.0], [1.0, 13.0])
    array([2., 3.])
    """
    if not period > 0:
        raise ValueError(f"period: expected hours above 0, found {period}")
    turn = np.mod(np.subtract(first, second, dtype=float), period)
    return np.minimum(turn, period - turn)
