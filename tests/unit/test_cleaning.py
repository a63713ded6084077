"""Cleaning: each step by hand, at its limits, and honest in its report."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stim_lib import cleaning, schema
from stim_lib.cleaning import add_sessions, clean, drop_duplicates, drop_impossible, fill_missing
from stim_lib.schema import SchemaError, sort_log, validate_log

START = pd.Timestamp("2024-05-01", tz="UTC")


def make_log(rows, **columns) -> pd.DataFrame:
    """Rows of (user, item, seconds after the start); `columns` replaced or added."""
    users, items, seconds = zip(*rows, strict=True) if rows else ((), (), ())
    log = pd.DataFrame(
        {
            "user_id": pd.Series(users, dtype="str"),
            "item_id": pd.Series(items, dtype="str"),
            "action": pd.Series(["visit"] * len(rows), dtype="str"),
            "timestamp": (START + pd.to_timedelta(list(seconds), unit="s")).astype(
                schema.TIME_DTYPE
            ),
            "lat": np.full(len(rows), 40.7),
            "lon": np.full(len(rows), -74.0),
            "category": pd.Series(["Café"] * len(rows), dtype="str"),
        }
    )
    return log.assign(**columns)


@st.composite
def dirty_logs(draw):
    """Few users, items and instants, so that repeats are common; cells may be bad."""
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["a", "b", ""]),
                st.sampled_from(["x", "y", " "]),
                st.integers(0, 20),
                st.sampled_from([1.0, 2.0, np.nan, 95.0, np.inf]),
                st.sampled_from([1.0, np.nan, -190.0]),
                st.sampled_from(["Bar", "Park", None]),
            ),
            max_size=12,
        )
    )
    log = make_log([row[:3] for row in rows])
    log["lat"] = pd.Series([row[3] for row in rows], dtype="float64")
    log["lon"] = pd.Series([row[4] for row in rows], dtype="float64")
    log["category"] = pd.Series([row[5] for row in rows], dtype="str")
    return log


STRATEGIES = st.fixed_dictionaries(
    {"category": st.sampled_from(["keep", "drop", "same_item", "previous", "value:None"])},
    optional={"lat": st.just("same_item"), "lon": st.just("same_item")},
).map(lambda s: s | {"lon": "same_item"} if "lat" in s else {"category": s["category"]})
SPANS = st.sampled_from(["0s", "1s", "5s", "1h"])


@settings(max_examples=15, deadline=None)
@given(dirty_logs(), STRATEGIES, SPANS)
def test_cleaning_twice_changes_nothing_and_the_report_adds_up(dirty, strategies, span):
    before = dirty.copy(deep=True)
    settings = {"within": span, "strategies": strategies, "session_gap": "4s"}
    once, report = clean(dirty, **settings)
    pd.testing.assert_frame_equal(dirty, before)
    assert validate_log(once) is once
    rows = [len(dirty), *report["rows_out"]]
    assert report["rows_in"].tolist() == rows[:-1]
    assert rows[-1] == len(once)
    assert report["step"].tolist() == ["impossible", "duplicates"] + ["missing"] * len(strategies)
    assert (report["cells_filled"] >= 0).all()
    twice, again = clean(once, **settings)
    pd.testing.assert_frame_equal(twice, once)
    assert (again["rows_in"] == again["rows_out"]).all() and again["cells_filled"].sum() == 0


def test_clean_by_hand():
    log = make_log(
        [("b", "x", 0), ("a", "x", 0), ("a", "x", 0), ("", "x", 0), ("a", "y", 9), ("a", "x", 60)],
        lat=[1.0, 1.0, 1.0, 1.0, 99.0, np.nan],
        lon=[2.0, 2.0, 2.0, 2.0, 2.0, np.nan],
    )
    cleaned, report = clean(
        log, strategies={"lat": "same_item", "lon": "same_item"}, session_gap="1h"
    )
    assert cleaned[["user_id", "lat", "session_id"]].to_numpy().tolist() == [
        ["a", 1.0, 0], ["a", 1.0, 0], ["b", 1.0, 1],
    ]  # fmt: skip
    assert report.drop(columns="why").to_numpy().tolist() == [
        ["impossible", 6, 4, 0],
        ["duplicates", 4, 3, 0],
        ["missing", 3, 3, 1],
        ["missing", 3, 3, 1],
    ]
    assert report["why"].tolist() == [
        "no user_id: 1; coordinate outside the globe: 1",
        "same user, item and action within 0 s",
        "lat: same_item; 1 were missing",
        "lon: same_item; 1 were missing",
    ]


def test_clean_leaves_an_empty_and_a_clean_log_as_they_are():
    empty, report = clean(make_log([]), session_gap="1h")
    assert empty.empty and report["rows_out"].tolist() == [0, 0]
    log = sort_log(make_log([("a", "x", 0), ("b", "y", 1)], extra=[1, 2]))
    cleaned, _ = clean(log)
    pd.testing.assert_frame_equal(cleaned, log)


def test_clean_says_what_it_cannot_mend():
    with pytest.raises(SchemaError, match="text, row 0: expected at most 10,000 characters"):
        clean(make_log([("a", "x", 0)], text="x" * 10_001))


@pytest.mark.parametrize(
    ("within", "kept"), [("0s", [0, 5, 10, 30]), ("5s", [0, 30]), ("4.9s", [0, 5, 10, 30]),
                         (pd.Timedelta("20s"), [0])],
)  # fmt: skip
def test_duplicates_within_a_span_follow_the_chain(within, kept):
    log = make_log([("a", "x", s) for s in (30, 5, 0, 10, 5)])
    once, change = drop_duplicates(log, within=within)
    seconds = (once["timestamp"] - START) // pd.Timedelta("1s")
    assert seconds.tolist() == kept
    assert (change.rows_in, change.rows_out, change.cells_filled) == (5, len(kept), 0)


def test_duplicates_have_the_same_user_item_and_action_and_the_first_stays():
    log = make_log([("a", "x", 0)] * 2 + [("b", "x", 0), ("a", "y", 0), ("a", "x", 0)])
    log["note"] = ["first", "second", "b", "y", "click"]
    log.loc[4, "action"] = "click"
    before = log.copy(deep=True)
    once, _ = drop_duplicates(log)
    pd.testing.assert_frame_equal(log, before)
    assert set(once["note"]) == {"first", "b", "y", "click"}
    shuffled, _ = drop_duplicates(log.iloc[[4, 0, 3, 2, 1]])
    assert set(shuffled["note"]) == {"first", "b", "y", "click"}


@pytest.mark.parametrize("within", ["-1s", pd.Timedelta(-1, "D")])
def test_duplicates_within_a_negative_span(within):
    with pytest.raises(ValueError, match="within: expected a span of 0 or more, found -1"):
        drop_duplicates(make_log([]), within=within)


@pytest.mark.parametrize(
    ("column", "value", "cause"),
    [
        ("user_id", " ", "no user_id"),
        ("user_id", None, "no user_id"),
        ("item_id", "", "no item_id"),
        ("action", "", "no action"),
        ("timestamp", pd.NaT, "no time"),
        ("timestamp", schema.EARLIEST - pd.Timedelta("1us"), "before 1990-01-01"),
        ("timestamp", START + pd.Timedelta("2h"), "in the future"),
        ("lat", 90.5, "coordinate outside the globe"),
        ("lat", -np.inf, "coordinate outside the globe"),
        ("lon", 180.5, "coordinate outside the globe"),
        ("lon", np.nan, "only one of lat and lon"),
    ],
)
def test_impossible_rows_go_and_the_cause_is_counted(column, value, cause):
    log = make_log([("a", "x", 0), ("a", "x", 1), ("a", "y", 2)]).set_axis([0, 0, 7])
    log.iloc[1, log.columns.get_loc(column)] = value
    before = log.copy(deep=True)
    kept, change = drop_impossible(log, latest=START + pd.Timedelta("1h"))
    pd.testing.assert_frame_equal(log, before)
    assert change == cleaning.Change("impossible", 3, 2, 0, f"{cause}: 1")
    assert kept["timestamp"].tolist() == [START, START + pd.Timedelta("2s")]


def test_the_edges_of_the_globe_and_of_time_are_possible():
    log = make_log([("a", "x", 0)] * 3, lat=[90, -90, np.nan], lon=[180, -180, np.nan])
    log.loc[1, "timestamp"] = schema.EARLIEST
    kept, change = drop_impossible(log, latest=START)
    assert len(kept) == 3 and change.why == "none"


def test_a_row_with_two_faults_counts_for_both():
    log = make_log([("", "x", 0), ("a", "x", 0)], lat=[95.0, 1.0])
    _, change = drop_impossible(log)
    assert change.why == "no user_id: 1; coordinate outside the globe: 1"
    assert change.rows_out == 1


@pytest.mark.parametrize(
    ("strategy", "expected", "filled"),
    [
        ("keep", ["Bar", None, "Park", None, None], 0),
        ("drop", ["Bar", "Park"], 0),
        ("previous", ["Bar", "Bar", "Park", None, None], 1),
        ("same_item", ["Bar", "Park", "Park", "Bar", None], 2),
        ("value:?", ["Bar", "?", "Park", "?", "?"], 3),
    ],
)
def test_fill_by_hand(strategy, expected, filled):
    # Users a, a, a, b, c at x, y, y, x, z.
    rows = [("a", "x", 0), ("a", "y", 1), ("a", "y", 2), ("b", "x", 1), ("c", "z", 0)]
    log = make_log(rows, category=pd.Series(["Bar", None, "Park", None, None], dtype="str"))
    before = log.copy(deep=True)
    result, changes = fill_missing(log, {"category": strategy})
    pd.testing.assert_frame_equal(log, before)
    assert [None if pd.isna(c) else c for c in result["category"]] == expected
    why = f"category: {strategy}; 3 were missing"
    assert changes == [cleaning.Change("missing", 5, len(expected), filled, why)]


@settings(max_examples=15, deadline=None)
@given(dirty_logs(), st.integers(0, 20))
def test_previous_never_looks_ahead(log, now):
    """What comes later changes nothing that was filled before."""
    log = sort_log(log)
    early = log[log["timestamp"] <= START + pd.Timedelta(now, "s")]
    seen, _ = fill_missing(early, {"category": "previous"})
    filled, _ = fill_missing(log, {"category": "previous"})
    until = filled[filled["timestamp"] <= START + pd.Timedelta(now, "s")]
    pd.testing.assert_frame_equal(until.reset_index(drop=True), seen)


def test_same_item_takes_a_place_where_someone_was():
    log = make_log([("a", "x", s) for s in range(3)], lat=[1, 2, np.nan], lon=[20, 10, np.nan])
    filled, _ = fill_missing(log, {"lat": "same_item", "lon": "same_item"})
    assert filled.loc[2, ["lat", "lon"]].tolist() == [1, 20]
    usual = make_log(
        [("a", "x", s) for s in range(4)], lat=[1, 2, 2, np.nan], lon=[9, 3, 3, np.nan]
    )
    filled, _ = fill_missing(usual, {"lon": "same_item", "lat": "same_item"})
    assert filled.loc[3, ["lat", "lon"]].tolist() == [2, 3]


@pytest.mark.parametrize(
    ("strategies", "message"),
    [
        ({"rating": "drop"}, "strategies: expected a column of the log, found 'rating'"),
        ({"category": "mean"}, r"strategies\['category'\]: expected 'keep', .* found 'mean'"),
        ({"lat": "value:north"}, "expected a constant of type float64, found 'north'"),
        ({"timestamp": "value:noon"}, r"expected a constant of type datetime64\[us, UTC\]"),
    ],
)
def test_fill_errors(strategies, message):
    log = make_log(
        [("a", "x", 0)], lat=np.nan, timestamp=pd.Series([pd.NaT], dtype=schema.TIME_DTYPE)
    )
    with pytest.raises(ValueError, match=message):
        fill_missing(log, strategies)


def test_a_constant_takes_the_type_of_its_column():
    log = make_log([("a", "x", 0)], local_time=pd.Series([pd.NaT], dtype="datetime64[us]"))
    filled, _ = fill_missing(
        log.assign(lat=np.nan), {"local_time": "value:2024-05-01", "lat": "value:7"}
    )
    assert filled[["local_time", "lat"]].to_numpy().tolist() == [[pd.Timestamp("2024-05-01"), 7.0]]
    assert filled["local_time"].dtype == "datetime64[us]"


def test_sessions_by_hand_end_after_a_pause_longer_than_the_gap():
    hours = [0, 6, 12.001, 12.5, 12.5, 30]
    log = make_log([("a", "x", h * 3600) for h in hours[:5]] + [("b", "x", hours[5] * 3600)])
    before = log.copy(deep=True)
    sessions = add_sessions(log, "6h")["session_id"]
    assert sessions.tolist() == [0, 0, 1, 1, 1, 2] and sessions.dtype == "int64"
    pd.testing.assert_frame_equal(log, before)
    assert add_sessions(make_log([]))["session_id"].tolist() == []


@settings(max_examples=15, deadline=None)
@given(dirty_logs(), st.integers(1, 10))
def test_sessions_never_span_users_nor_pauses(log, gap):
    log = add_sessions(sort_log(log), pd.Timedelta(gap, "s"))
    for _, session in log.groupby("session_id"):
        assert len(set(session["user_id"])) == 1
        assert not (session["timestamp"].diff() > pd.Timedelta(gap, "s")).any()
    for _, user in log.groupby("user_id"):
        pauses = user["timestamp"].diff() > pd.Timedelta(gap, "s")
        assert user["session_id"].nunique() == 1 + pauses.sum()
    assert set(log["session_id"]) == set(range(log["session_id"].max() + 1 if len(log) else 0))


@pytest.mark.parametrize("gap", ["0s", "-1h"])
def test_sessions_need_a_positive_gap(gap):
    with pytest.raises(ValueError, match=f"gap: expected a positive span, found {gap}"):
        add_sessions(make_log([("a", "x", 0)]), gap)


@pytest.mark.parametrize("rows", [[("a", "x", 1), ("a", "x", 0)],
                                  [("a", "x", 0), ("b", "x", 1), ("a", "x", 2)]])  # fmt: skip
def test_sessions_need_a_sorted_log(rows):
    with pytest.raises(ValueError, match="expected rows sorted by user and time; use schema"):
        add_sessions(make_log(rows))
