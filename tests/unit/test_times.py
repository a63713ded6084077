"""From written times to UTC: each way of writing, each way to go wrong."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stim_lib.datasets.times import parse_clock, parse_times
from stim_lib.schema import DataWarning

# 18:00:09 in Greenwich, 14:00:09 in New York, on Tuesday 3 April 2012.
INSTANT = "2012-04-03T18:00:09+00:00"
NEW_YORK = "America/New_York"


def read_one(written, **settings):
    """The instant, the wall clock, the failures; warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        times, failures = parse_times(pd.Series([written]), **settings)
    return times.loc[0, "timestamp"], times.loc[0, "local_time"], failures


@pytest.mark.parametrize(
    "written",
    [
        "2012-04-03T18:00:09Z",
        "2012-04-03 18:00:09+00:00",
        "2012-04-03 18:00:09+00",
        "2012-04-03T14:00:09-04:00",
        "2012-04-03 14:00:09 -0400",
        "20120403T180009Z",
        "2012/4/3 18:00:09 UTC",
        "2012-04-03 18:00:09 GMT",
        "  2012-04-03T18:00:09Z ",
        "Tue Apr 03 18:00:09 +0000 2012",
        "Tue Apr 03 14:00:09 -0400 2012",
        "1333476009",
        "1333476009.0",
        "1.333476009e9",
        "1333476009000",
        "1333476009000000",
        "1333476009000000000",
        1333476009,
        1333476009000,
        1333476009000000,
        1333476009000000000,
        1333476009.0,
        pd.Timestamp("2012-04-03 18:00:09", tz="UTC"),
        pd.Timestamp("2012-04-04 02:00:09", tz="Asia/Shanghai"),
    ],
    ids=repr,
)
def test_every_way_to_write_one_instant(written):
    instant, _, failures = read_one(written)
    assert (instant.isoformat(), failures) == (INSTANT, [])
    instant, clock, failures = read_one(written, timezone=NEW_YORK)
    assert (instant.isoformat(), failures) == (INSTANT, [])
    assert clock.isoformat() == "2012-04-03T14:00:09"


@pytest.mark.parametrize(
    ("written", "clock"),
    [
        ("2012-04-03 18:00:09", "2012-04-03T18:00:09"),
        ("2012/4/3 8:05", "2012-04-03T08:05:00"),
        ("2012-4-3", "2012-04-03T00:00:00"),
        ("20120403", "2012-04-03T00:00:00"),
        ("20120403180009", "2012-04-03T18:00:09"),
        (20120403, "2012-04-03T00:00:00"),
        (20120403180009, "2012-04-03T18:00:09"),
        (pd.Timestamp("2012-04-03 18:00:09"), "2012-04-03T18:00:09"),
        ("2012-04-03T18:00:09.123456789", "2012-04-03T18:00:09.123456"),
    ],
    ids=repr,
)
def test_naive_times_are_utc_with_a_warning_or_local_with_a_zone(written, clock):
    with pytest.warns(DataWarning, match="1 times have no time zone and were read as UTC"):
        times, failures = parse_times(pd.Series([written]))
    assert failures == []
    assert times.loc[0, "timestamp"].isoformat() == clock + "+00:00"
    assert times.loc[0, "local_time"].isoformat() == clock
    instant, local, failures = read_one(written, timezone="Asia/Shanghai")
    assert failures == []
    assert instant == pd.Timestamp(clock).tz_localize("UTC") - pd.Timedelta("8h")
    assert local == pd.Timestamp(clock)


def test_types_are_those_of_the_log():
    times, _ = parse_times(pd.Series(["2012-04-03T18:00:09.123456789Z", None]))
    assert times.dtypes.astype("str").tolist() == ["datetime64[us, UTC]", "datetime64[us]"]


def test_clock_as_written_where_no_zone_is_given():
    _, clock, _ = read_one("2012-04-03T14:00:09-04:00")
    assert clock.isoformat() == "2012-04-03T14:00:09"


@pytest.mark.parametrize("timezone", [None, "Europe/Paris"])
def test_mixed_ways_and_offsets_in_one_column(timezone):
    written = pd.Series(
        ["2012-04-03T18:00:09Z", "2012-04-03 14:00:09-04:00", "2012/04/03 20:00:09 +0200",
         "Wed Apr 04 02:00:09 +0800 2012", "2012-04-03 20:00:09+02"]
    )  # fmt: skip
    times, failures = parse_times(written, timezone=timezone)
    assert failures == []
    assert {t.isoformat() for t in times["timestamp"]} == {INSTANT}
    clocks = [18, 14, 20, 2, 20] if timezone is None else [20] * 5
    assert times["local_time"].dt.hour.tolist() == clocks


@pytest.mark.parametrize(
    ("written", "time_format", "hour"),
    [
        ("03.04.2012 18:00", "%d.%m.%Y %H:%M", 18),
        ("03/Apr/2012:18:00:09 +0200", "%d/%b/%Y:%H:%M:%S %z", 16),
        ("+0200 03.04.2012 18", "%z %d.%m.%Y %H", 16),
        ("03.04.2012 18 UTC", "%d.%m.%Y %H %Z", 18),
    ],
)
def test_time_format(written, time_format, hour):
    instant, clock, failures = read_one(written, time_format=time_format, timezone="UTC")
    assert failures == []
    assert (instant.month, instant.day, instant.hour, clock.hour) == (4, 3, hour, hour)


def test_time_format_that_does_not_fit_fails():
    *_, failures = read_one("2012-04-03", time_format="%d.%m.%Y", timezone="UTC")
    assert failures[0]["found"] == "'2012-04-03'"


@pytest.mark.parametrize(
    "written",
    ["yesterday", "03-04-2012", "2012-13-01", "2012-02-30", "25:00", "1e400", "٢٠١٢", "10000-01-01",
     "2012-04-03 18:00:09 EST", "nan", "2012-04-03T18:00:09Z; DROP TABLE"],
)  # fmt: skip
def test_unparseable_time_is_named(written):
    instant, clock, failures = read_one(written)
    assert instant is pd.NaT and clock is pd.NaT
    assert failures == [
        {
            "column": "timestamp",
            "row": 0,
            "expected": "a time such as 2012-04-03 18:00:09+00:00 (or pass time_format)",
            "found": repr(written),
        }
    ]


@pytest.mark.parametrize("written", ["", "  ", None, np.nan, pd.NaT], ids=repr)
def test_missing_time_is_named(written):
    *_, failures = read_one(written)
    assert [(f["row"], f["expected"], f["found"]) for f in failures] == [(0, "a time", "nothing")]


def test_one_bad_number_leaves_the_others_alone():
    written = pd.Series(["20120403", "20120404", "201204050"], index=[5, 3, 8])
    times, failures = parse_times(written, timezone="UTC")
    assert times["timestamp"].dt.day.tolist()[:2] == [3, 4]
    assert [f["row"] for f in failures] == [8]


def test_empty_column():
    times, failures = parse_times(pd.Series([], dtype="str"))
    assert times.shape == (0, 2) and failures == []


def test_hour_that_the_clock_shows_twice():
    written, zone = "2012-11-04 01:30", {"timezone": NEW_YORK}
    instant, _, failures = read_one(written, **zone)
    assert instant is pd.NaT
    assert "shows once (or pass ambiguous='earlier')" in failures[0]["expected"]
    earlier, _, failures = read_one(written, ambiguous="earlier", **zone)
    later, clock, _ = read_one(written, ambiguous="later", **zone)
    assert failures == []
    assert (earlier.hour, later.hour, clock.hour) == (5, 6, 1)


@pytest.mark.parametrize("ambiguous", ["raise", "earlier", "later"])
def test_hour_that_the_clock_never_shows(ambiguous):
    instant, clock, failures = read_one("2012-03-11 02:30", timezone=NEW_YORK, ambiguous=ambiguous)
    assert instant is pd.NaT and clock is pd.NaT
    assert failures[0]["expected"] == "a clock time that exists in America/New_York"
    assert failures[0]["found"] == "2012-03-11 02:30:00"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone: expected an IANA name .* found 'Mars/Olympus'"),
        ({"timezone": ""}, "timezone: expected an IANA name"),
        (
            {"ambiguous": "infer"},
            "ambiguous: expected 'raise', 'earlier' or 'later', found 'infer'",
        ),
    ],
)
def test_unknown_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        parse_times(pd.Series([INSTANT]), **settings)


def test_input_is_left_alone_and_its_index_kept():
    written = pd.Series([INSTANT, " x ", "2012/4/3"], index=[4, 2, 9])
    before = written.copy()
    times, failures = parse_times(written, timezone="UTC")
    pd.testing.assert_series_equal(written, before)
    assert times.index.tolist() == [4, 2, 9]
    assert [f["row"] for f in failures] == [2]


def test_clock_keeps_the_written_hour_and_names_garbage():
    written = pd.Series(["2012-04-03 14:00-04:00", "2012-04-03 18:00:09.5", "", "noonish"])
    clock, failures = parse_clock(written)
    assert clock.dt.hour.tolist()[:2] == [14, 18]
    assert clock.isna().tolist() == [False, False, True, True]
    assert [(f["column"], f["row"]) for f in failures] == [("local_time", 3)]
    aware = pd.Series(pd.to_datetime(["2012-04-03 14:00"])).dt.tz_localize(NEW_YORK)
    assert parse_clock(aware)[0].tolist() == [pd.Timestamp("2012-04-03 14:00")]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=12),
            st.from_regex(r"[0-9T:+\-Z/. ]{1,25}", fullmatch=True),
            st.datetimes().map(str),
            st.datetimes(timezones=st.timezones()).map(str),
        ),
        max_size=6,
    )
)
def test_whatever_is_written_is_read_or_named(written):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        times, failures = parse_times(pd.Series(written, dtype="object"))
    unread = set(times.index[times["timestamp"].isna()])
    assert unread == {f["row"] for f in failures}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.datetimes(min_value=pd.Timestamp("1990-01-01").to_pydatetime(),
                             max_value=pd.Timestamp("2100-01-01").to_pydatetime(),
                             timezones=st.timezones()), min_size=1, max_size=6))  # fmt: skip
def test_times_with_offset_keep_their_instant(moments):
    times, failures = parse_times(pd.Series([m.isoformat() for m in moments], dtype="str"))
    assert failures == []
    assert times["timestamp"].tolist() == [pd.Timestamp(m).tz_convert("UTC") for m in moments]
