"""Holidays of the United States and of China, working days, and the lunar calendar."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd

from stim_lib.temporal.clock import require_wall_clock

COUNTRIES = ("US", "CN")
SATURDAY = 5
# From 1986 on pandas has every federal holiday from the year of its law (Juneteenth: 2021).
US_YEARS = (1986, 2100)
# The tables of borax run from lunar 1900-01-01, which is 1900-01-31, to the end of lunar 2100.
LUNAR_YEARS = (1901, 2100)


def calendar_features(local_time: pd.Series, country: str = "US") -> pd.DataFrame:
    """Holiday, working day and, for China, the lunar date of each time.

    Parameters
    ----------
    local_time : Series of datetime64, shape (n_times,)
        Wall-clock times: in UTC a holiday would begin on another evening.
    country : {"US", "CN"}
        United States: federal holidays, and the days on which they are observed. China: the days
        off that the State Council announces, weekends among them, and its make-up working days.

    Returns
    -------
    DataFrame, shape (n_times, 4 or 7)
        is_holiday, is_workday and is_makeup_workday (a Saturday or Sunday that is worked; never in
        the US), 0.0 or 1.0; holiday, its English name or "". For CN also lunar_month, 1 to 12,
        lunar_day, 1 to 30, and is_leap_month, 0.0 or 1.0. NaT gives NaN, and the name "". Index of
        `local_time`.

    Raises
    ------
    SchemaError
        If the times carry a time zone.
    ValueError
        If the country is unknown, or a year is outside what its calendar knows: China announces
        each year's days off in the autumn before.

    Notes
    -----
    US: the rules of pandas.tseries.holiday, with the day itself beside the day on which it is
    observed; CN: the package `chinesecalendar`; the lunar date: `borax`. A US holiday is a day off
    for federal offices; many shops and offices work. Introduced in chapter 04.

    Examples
    --------
    Sunday, 4 February 2024 was a working day in China, to make up for the Spring Festival.

    >>> days = pd.Series(pd.to_datetime(["2024-02-04 10:00", "2024-02-10 10:00"]))
    >>> calendar_features(days, "CN")[["is_workday", "is_makeup_workday", "lunar_month"]]
       is_workday  is_makeup_workday  lunar_month
    0         1.0                1.0         12.0
    1         0.0                0.0          1.0
    >>> calendar_features(pd.to_datetime(pd.Series(["2012-07-04 09:00"])), "US")["holiday"][0]
    'Independence Day'
    """
    require_wall_clock(local_time)
    if country not in COUNTRIES:
        raise ValueError(f"country: expected one of {COUNTRIES}, found {country!r}")
    day = local_time.dt.normalize()
    codes, days = pd.factorize(day)
    dates = [moment.date() for moment in pd.DatetimeIndex(days)]
    table = _united_states(dates) if country == "US" else _china(dates)
    # A missing time has the code -1, which is no row of the table: all its cells become NaN.
    rows = table.reindex(codes).set_axis(local_time.index)
    numbers = {name: "float64" for name in rows if name != "holiday"}
    names = rows["holiday"].astype("object").fillna("").astype("str")
    return rows.astype(numbers).assign(holiday=names)


def known_years(country: str) -> tuple[int, int]:
    """First and last year that the calendar of a country knows.

    Parameters
    ----------
    country : {"US", "CN"}

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError
        If the country is unknown.

    Notes
    -----
    Introduced in chapter 04.

    Examples
    --------
    >>> known_years("CN")[0]
    2004
    """
    if country == "CN":
        from chinese_calendar import constants

        return min(constants.holidays).year, max(constants.holidays).year
    if country == "US":
        return US_YEARS
    raise ValueError(f"country: expected one of {COUNTRIES}, found {country!r}")


def _require_years(dates: list[datetime.date], first: int, last: int, what: str) -> None:
    strange = sorted({date.year for date in dates if not first <= date.year <= last})
    if strange:
        example = next(date for date in dates if date.year == strange[0])
        raise ValueError(
            f"local_time: {what} knows the years {first} to {last}, found "
            f"{', '.join(map(str, strange))} (first on {example}); leave these rows out, or renew "
            "the package if it has learnt them since"
        )


def _table(dates: list[datetime.date], name_of: dict, worked: set | dict) -> pd.DataFrame:
    """Holiday and working day of each date, from a name for each day off."""
    weekend = np.array([date.weekday() >= SATURDAY for date in dates], dtype=bool)
    makeup = np.array([date in worked for date in dates], dtype=bool)
    off = np.array([date in name_of for date in dates], dtype=bool)
    return pd.DataFrame(
        {
            "is_holiday": off,
            "is_workday": (~weekend & ~off) | makeup,
            "is_makeup_workday": makeup,
            "holiday": [str(name_of.get(date, "")) for date in dates],
        }
    )


def _united_states(dates: list[datetime.date]) -> pd.DataFrame:
    from pandas.tseries.holiday import Holiday, USFederalHolidayCalendar

    _require_years(dates, *US_YEARS, "the calendar of the United States")
    if not dates:
        return _table(dates, {}, worked=set())
    # A holiday on a Sunday is observed on the Monday, here or in the year after.
    span = pd.Timestamp(min(dates)), pd.Timestamp(max(dates))
    observed, itself = {}, {}
    for rule in USFederalHolidayCalendar.rules:
        observed |= {day.date(): f"{rule.name} (observed)" for day in rule.dates(*span)}
        plain = rule
        if rule.observance is not None:
            limits = {"start_date": rule.start_date, "end_date": rule.end_date}
            plain = Holiday(rule.name, month=rule.month, day=rule.day, **limits)
        itself |= {day.date(): rule.name for day in plain.dates(*span)}
    return _table(dates, observed | itself, worked=set())


def _china(dates: list[datetime.date]) -> pd.DataFrame:
    from chinese_calendar import constants

    _require_years(dates, *known_years("CN"), "the calendar of Chinese days off")
    table = _table(dates, constants.holidays, worked=constants.workdays)
    lunar = lunar_dates(pd.Series(pd.to_datetime(dates)))
    return table.assign(**lunar.drop(columns="lunar_year"))


def lunar_dates(local_time: pd.Series) -> pd.DataFrame:
    """Year, month and day of the Chinese lunar calendar.

    Parameters
    ----------
    local_time : Series of datetime64, shape (n_times,)
        Wall-clock times in China.

    Returns
    -------
    DataFrame of float64, shape (n_times, 4)
        lunar_year; lunar_month, 1 to 12; lunar_day, 1 to 30; is_leap_month, 0.0 or 1.0 (闰月, a
        month that has the number of the one before). NaT gives NaN. Index of `local_time`.

    Raises
    ------
    SchemaError
        If the times carry a time zone.
    ValueError
        If a year is outside 1901 to 2100.

    Notes
    -----
    From the tables of the package `borax`. Introduced in chapter 04.

    Examples
    --------
    Spring Festival, and the leap second month of 2023:

    >>> days = pd.Series(pd.to_datetime(["2023-01-22", "2023-03-22"]))
    >>> lunar_dates(days).astype(int)
       lunar_year  lunar_month  lunar_day  is_leap_month
    0        2023            1          1              0
    1        2023            2          1              1
    """
    require_wall_clock(local_time)
    from borax.calendars.lunardate import LunarDate

    codes, days = pd.factorize(local_time.dt.normalize())
    dates = [moment.date() for moment in pd.DatetimeIndex(days)]
    _require_years(dates, *LUNAR_YEARS, "the lunar calendar")
    found = [LunarDate.from_solar(date) for date in dates]
    cells = [[day.year, day.month, day.day, float(bool(day.leap))] for day in found]
    # The last row stands for what is missing, whose code is -1.
    cells = np.array([*cells, [np.nan] * 4], dtype=float)
    names = ["lunar_year", "lunar_month", "lunar_day", "is_leap_month"]
    return pd.DataFrame(cells[codes], columns=names, index=local_time.index)
