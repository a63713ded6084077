"""From the many ways in which files write times to one: UTC, with the wall clock beside it.

Introduced in chapter 02.
"""

from __future__ import annotations

import warnings
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from stim_lib import schema

# The digits of a present-day epoch tell its unit: 1.6e9 s, 1.6e12 ms, 1.6e15 µs, 1.6e18 ns.
EPOCH_UNITS = (("s", 1e11), ("ms", 1e14), ("us", 1e17))
NUMBER = r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
COMPACT = {8: "%Y%m%d", 14: "%Y%m%d%H%M%S"}
# "+02" alone counts only after a clock time: the 03 of 2012-04-03 is a day.
HAS_ZONE = r"(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}|(?::\d{2}(?:\.\d+)?|[T ]\d{2,6}) ?[+-]\d{2})$"
OFFSET = r"\s*(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"
WALL = "datetime64[us]"
TWITTER = "%a %b %d %H:%M:%S %z %Y"


def parse_times(
    written: pd.Series,
    *,
    timezone: str | None = None,
    time_format: str | None = None,
    ambiguous: str = "raise",
) -> tuple[pd.DataFrame, list[dict[str, object]]]:
    """Parse a column of written times to UTC and wall-clock time.

    Parameters
    ----------
    written : Series of str, numbers or datetime64, shape (n_times,)
        ISO 8601 with or without offset, ``2012/04/03 18:00``, ``Tue Apr 03 18:00:09 +0000 2012``,
        compact dates (8 or 14 digits), or epochs in s, ms, µs or ns (told apart by their size).
    timezone : str, optional
        IANA name, say "America/New_York". Times without offset are read in it; without it they
        are read as UTC, with a `DataWarning`.
    time_format : str, optional
        `strftime` format for anything else, say "%d.%m.%Y %H:%M".
    ambiguous : {"raise", "earlier", "later"}
        What to do with a clock time that daylight saving shows twice.

    Returns
    -------
    times : DataFrame, shape (n_times, 2)
        Columns timestamp (datetime64[us, UTC]) and local_time (datetime64[us]: the clock in
        `timezone`, or as written where none is given). NaT where the input could not be read.
    failures : list of dict
        One entry (see `schema.failure`) for each time that could not be read.

    Raises
    ------
    ValueError
        If `timezone` or `ambiguous` is unknown.

    Examples
    --------
    >>> times, failures = parse_times(pd.Series(["2012-04-03 18:00", "x"]), timezone="UTC")
    >>> times["timestamp"][0].isoformat(), failures[0]["found"]
    ('2012-04-03T18:00:00+00:00', "'x'")
    >>> times, failures = parse_times(pd.Series(["1333476009"]), timezone="America/New_York")
    >>> times["timestamp"][0].isoformat(), times["local_time"][0].isoformat()
    ('2012-04-03T18:00:09+00:00', '2012-04-03T14:00:09')
    """
    zone = _zone(timezone)
    if ambiguous not in {"raise", "earlier", "later"}:
        raise ValueError(f"ambiguous: expected 'raise', 'earlier' or 'later', found {ambiguous!r}")
    if pd.api.types.is_datetime64_any_dtype(written.dtype):
        aware = written.dt.tz is not None
        wall = written if not aware else written.dt.tz_localize(None)
        nothing = pd.Series(pd.NaT, index=written.index, dtype=schema.TIME_DTYPE)
        utc = written.dt.tz_convert("UTC") if aware else nothing
    else:
        wall, utc = _read(written.astype("str").str.strip(), time_format)
    failures = _unread(written, wall)
    naive = wall.notna() & utc.isna()
    if naive.any():
        if zone is None:
            warnings.warn(
                f"{int(naive.sum()):,} times have no time zone and were read as UTC; pass "
                "timezone='Area/City' if they are local times",
                schema.DataWarning,
                stacklevel=4,
            )
        localized, faults = _localize(wall[naive], zone or ZoneInfo("UTC"), ambiguous)
        utc = utc.astype(schema.TIME_DTYPE)
        utc.loc[naive] = localized
        failures += faults
    utc = utc.astype(schema.TIME_DTYPE)
    local = utc.dt.tz_convert(zone).dt.tz_localize(None) if zone else wall
    return pd.DataFrame({schema.TIME: utc, schema.LOCAL_TIME: local.astype(WALL)}), failures


def parse_clock(written: pd.Series) -> tuple[pd.Series, list[dict[str, object]]]:
    """Parse a column of wall-clock times; an offset, where there is one, is left out.

    Parameters
    ----------
    written : Series of str, numbers or datetime64, shape (n_times,)
        As in `parse_times`. Missing ones stay missing.

    Returns
    -------
    clock : Series of datetime64[us], shape (n_times,)
    failures : list of dict
        One entry (see `schema.failure`) for each time that could not be read.

    Examples
    --------
    >>> clock, failures = parse_clock(pd.Series(["2012-04-03 14:00-04:00", None, "late"]))
    >>> clock[0].isoformat(), failures[0]["row"]
    ('2012-04-03T14:00:00', 2)
    """
    if pd.api.types.is_datetime64_any_dtype(written.dtype):
        return written.dt.tz_localize(None).astype(WALL), []
    wall, _ = _read(written.astype("str").str.strip(), None)
    unread = [cell for cell in _unread(written, wall) if cell["found"] != "nothing"]
    return wall, [cell | {"column": schema.LOCAL_TIME} for cell in unread]


def _zone(timezone: str | None) -> ZoneInfo | None:
    if timezone is None:
        return None
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(
            f"timezone: expected an IANA name such as 'Asia/Shanghai', found {timezone!r}"
        ) from None


def _read(text: pd.Series, time_format: str | None) -> tuple[pd.Series, pd.Series]:
    """Wall clock (naive) and, where the text states an offset, UTC."""
    wall = pd.Series(pd.NaT, index=text.index, dtype=WALL)
    utc = pd.Series(pd.NaT, index=text.index, dtype=schema.TIME_DTYPE)
    if time_format is not None and "%z" not in time_format.lower():
        return pd.to_datetime(text, format=time_format, errors="coerce"), utc
    filled = text[text.notna() & (text != "")]
    numeric = filled.str.fullmatch(NUMBER)
    if len(filled) and numeric.mean() > 0.5 and time_format is None:
        return _read_numbers(filled[numeric], wall, utc)
    zoned = filled.str.contains(HAS_ZONE) | filled.str.contains(r" [+-]\d{4} \d{4}$")
    zoned |= time_format is not None
    dashed = filled.str.replace(r"^(\d{4})/(\d{1,2})/(\d{1,2})", r"\1-\2-\3", regex=True)
    plain, with_zone = dashed[~zoned], dashed[zoned]
    wall.loc[plain.index] = pd.to_datetime(plain, format="ISO8601", errors="coerce").astype(WALL)
    if len(with_zone):
        instants = _read_zoned(with_zone, time_format).astype(schema.TIME_DTYPE)
        utc.loc[with_zone.index] = instants
        clock = _read_offset_free(with_zone, time_format)
        wall.loc[with_zone.index] = clock.where(instants.notna()).astype(WALL)
    return wall, utc


def _read_zoned(text: pd.Series, time_format: str | None) -> pd.Series:
    if time_format is not None:
        return pd.to_datetime(text, format=time_format, errors="coerce", utc=True)
    iso = pd.to_datetime(
        text.str.replace(r"\s*(UTC|GMT)$", "Z", regex=True),
        format="ISO8601",
        errors="coerce",
        utc=True,
    )
    return iso.fillna(pd.to_datetime(text, format=TWITTER, errors="coerce", utc=True))


def _read_offset_free(text: pd.Series, time_format: str | None) -> pd.Series:
    """The clock of times with an offset, as it was written."""
    if time_format is not None:
        return text.map(lambda one: _clock_of_one(one, time_format)).astype(WALL)
    bare = text.str.replace(OFFSET, "", regex=True)
    bare = bare.str.replace(r" [+-]\d{4} (\d{4})$", r" \1", regex=True)
    iso = pd.to_datetime(bare, format="ISO8601", errors="coerce")
    other = TWITTER.replace(" %z", "")
    return iso.fillna(pd.to_datetime(bare, format=other, errors="coerce"))


def _clock_of_one(text: str, time_format: str) -> pd.Timestamp:
    # One by one, since a column of several offsets has no type of its own.
    time = pd.to_datetime(text, format=time_format, errors="coerce")
    return time if time is pd.NaT else time.tz_localize(None)


def _read_numbers(
    filled: pd.Series, wall: pd.Series, utc: pd.Series
) -> tuple[pd.Series, pd.Series]:
    """Epochs (UTC by definition) and compact dates (wall clock)."""
    lengths = filled.str.len()
    for length, layout in COMPACT.items():
        if (lengths == length).mean() > 0.5:
            read = pd.to_datetime(filled, format=layout, errors="coerce")
            wall.loc[filled.index] = read.astype(WALL)
            return wall, utc
    numbers = pd.to_numeric(filled, errors="coerce")
    typical = numbers.abs().median()
    unit = next((name for name, below in EPOCH_UNITS if typical < below), "ns")
    # One unit for the column; a stray other unit lands far outside the permitted years.
    read = pd.to_datetime(numbers, unit=unit, utc=True, errors="coerce")
    utc.loc[filled.index] = read.astype(schema.TIME_DTYPE)
    return utc.dt.tz_localize(None), utc


def _unread(written: pd.Series, wall: pd.Series) -> list[dict[str, object]]:
    empty = written.isna() | (written.astype("str").str.strip() == "")
    found = [schema.failure(schema.TIME, row, "a time", "nothing") for row in wall.index[empty]]
    expected = "a time such as 2012-04-03 18:00:09+00:00 (or pass time_format)"
    return found + [
        schema.failure(schema.TIME, row, expected, repr(written[row]))
        for row in wall.index[wall.isna() & ~empty]
    ]


def _localize(
    wall: pd.Series, zone: ZoneInfo, ambiguous: str
) -> tuple[pd.Series, list[dict[str, object]]]:
    """Read wall-clock times in a zone; report those that it shows twice or never."""
    earlier = wall.dt.tz_localize(zone, ambiguous=np.ones(len(wall), bool), nonexistent="NaT")
    later = wall.dt.tz_localize(zone, ambiguous=np.zeros(len(wall), bool), nonexistent="NaT")
    twice = earlier.notna() & (earlier != later)
    never = earlier.isna()
    choice = later if ambiguous == "later" else earlier
    failures = [
        schema.failure(schema.TIME, row, f"a clock time that exists in {zone.key}", wall[row])
        for row in wall.index[never]
    ]
    if ambiguous == "raise":
        expected = f"a clock time that {zone.key} shows once (or pass ambiguous='earlier')"
        failures += [
            schema.failure(schema.TIME, row, expected, f"{wall[row]}, which it shows twice")
            for row in wall.index[twice]
        ]
        choice = choice.mask(twice)
    return choice.dt.tz_convert("UTC").astype(schema.TIME_DTYPE), failures
