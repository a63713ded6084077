"""The behaviour log's schema: every kind of fault is named, all at once."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stim_lib import schema
from stim_lib.schema import SchemaError, failure, sort_log, validate_log

LATEST = pd.Timestamp("2030-01-01", tz="UTC")


def make_log(users=("ann", "ann", "bob"), **columns) -> pd.DataFrame:
    """A valid log with one action an hour, with `columns` replaced or added."""
    n = len(users)
    hours = pd.to_timedelta(np.arange(n), unit="h")
    log = pd.DataFrame(
        {
            "user_id": pd.Series(users, dtype="str"),
            "item_id": pd.Series([f"i{i}" for i in range(n)], dtype="str"),
            "action": pd.Series(["visit"] * n, dtype="str"),
            "timestamp": (pd.Timestamp("2024-05-01", tz="UTC") + hours).astype(schema.TIME_DTYPE),
            "lat": np.full(n, 40.7),
            "lon": np.full(n, -74.0),
            "category": pd.Series(["Café"] * n, dtype="str"),
        }
    )
    return log.assign(**columns)


def failures_of(log: pd.DataFrame, **settings) -> pd.DataFrame:
    with pytest.raises(SchemaError) as caught:
        validate_log(log, **settings)
    return caught.value.failures


def test_a_valid_log_comes_back_itself_and_unchanged():
    log = make_log(text=pd.Series(["x" * 10_000, None, ""], dtype="str"), value=[1.0, np.nan, -2])
    before = log.copy(deep=True)
    assert validate_log(log) is log
    pd.testing.assert_frame_equal(log, before)


@pytest.mark.parametrize(
    "columns",
    [
        {"lat": [90.0, -90.0, 0.0], "lon": [180.0, -180.0, 0.0]},
        {"lat": np.nan, "lon": np.nan},
        {"timestamp": schema.EARLIEST},
        {"category": pd.Series([None] * 3, dtype="str")},
        {"extra": [[1], {}, None]},
        {"user_id": pd.Series(["ann", "ann", "bob"], dtype="object")},
        {"user_id": pd.Series(["ann", "ann", "bob"], dtype="string")},
    ],
    ids=["corners", "no place", "earliest", "no category", "any extra", "objects", "string"],
)
def test_limits_are_inside(columns):
    assert len(validate_log(make_log(**columns))) == 3


def test_one_row_and_no_row_are_logs():
    assert len(validate_log(make_log().iloc[[0]])) == 1
    assert validate_log(make_log().iloc[:0]).empty


@pytest.mark.parametrize(
    ("column", "values", "row", "expected", "found"),
    [
        ("user_id", ["ann", " ", "bob"], 1, "a non-empty user id", "' '"),
        ("item_id", ["a", "b", ""], 2, "a non-empty item id", "''"),
        ("item_id", ["a", None, "c"], 1, "a value", "nan"),
        ("action", ["", "visit", "visit"], 0, "a non-empty action", "''"),
        ("timestamp", [0, 1, None], 2, "a value", "NaT"),
        ("lat", [0, 90.001, 0], 1, "a number in [-90, 90]", "90.001"),
        ("lat", [0, np.inf, 0], 1, "a number in [-90, 90]", "inf"),
        ("lat", [0, np.nan, 0], 1, "both lat and lon, or neither", "only one of them"),
        ("lon", [0, 0, -180.5], 2, "a number in [-180, 180]", "-180.5"),
        ("value", [0, -np.inf, np.nan], 1, "a finite number", "-inf"),
        ("text", ["x", "y" * 10_001, None], 1, "at most 10,000 characters", "(10,003 characters)"),
        ("category", ["c" * 10_001, "y", None], 0, "at most 10,000 characters", "ccc"),
    ],
)
def test_bad_cell_is_named(column, values, row, expected, found):
    kind = {"lat": "float64", "lon": "float64", "value": "float64"}.get(column, "str")
    series = pd.Series(values, dtype=kind)
    if column == "timestamp":
        series = make_log()["timestamp"].where(series.notna())
    log = make_log(**{column: series})
    cells = failures_of(log)
    cell = cells[(cells["column"] == column) & (cells["row"] == row)].iloc[0]
    assert cell["expected"] == expected
    assert found in cell["found"]
    with pytest.raises(SchemaError) as caught:
        validate_log(log)
    assert f"{column}, row {row}: expected {expected}, found " in str(caught.value)


@pytest.mark.parametrize(
    ("change", "column", "expected", "found"),
    [
        (lambda d: d.drop(columns="lat"), "lat", "this column", "only user_id, item_id, action"),
        (lambda d: pd.concat([d, d[["lat"]]], axis=1), "lat", "one column of this", "2 columns"),
        (lambda d: d.assign(user_id=[1, 2, 3]), "user_id", "dtype str", "int64"),
        (
            lambda d: d.assign(item_id=np.array([1, "b", 2], object)),
            "item_id",
            "dtype str",
            "object",
        ),
        (lambda d: d.assign(lat=["1", "2", "3"]), "lat", "dtype float64", "dtype str"),
        (lambda d: d.assign(lon=d["lon"].astype("float32")), "lon", "dtype float64", "float32"),
        (lambda d: d.assign(value=[1, 2, 3]), "value", "dtype float64", "int64"),
        (
            lambda d: d.assign(timestamp=d["timestamp"].dt.tz_localize(None)),
            "timestamp",
            "UTC",
            "us",
        ),
        (
            lambda d: d.assign(timestamp=d["timestamp"].dt.tz_convert("Asia/Shanghai")),
            "timestamp",
            "time zone UTC",
            "Asia/Shanghai",
        ),
        (lambda d: d.assign(local_time=d["timestamp"]), "local_time", "without a zone", "UTC"),
        (lambda d: d.assign(local_time="noon"), "local_time", "wall-clock", "dtype str"),
    ],
)
def test_fault_of_a_whole_column_is_named(change, column, expected, found):
    cells = failures_of(change(make_log()))
    assert cells[["column", "row"]].to_numpy().tolist() == [[column, -1]]
    assert expected in cells.loc[0, "expected"]
    assert found in cells.loc[0, "found"]


def test_all_missing_columns_are_named_at_once():
    cells = failures_of(pd.DataFrame({"user_id": ["ann"]}))
    assert cells["column"].tolist() == list(schema.CORE_COLUMNS[1:])


def test_all_faults_are_reported_at_once_and_beyond_the_ten_shown():
    log = make_log(("ann",) * 25).assign(lat=99.0, user_id="", text="x" * 10_001, lon=np.nan)
    with pytest.raises(SchemaError) as caught:
        validate_log(log)
    counts = caught.value.failures.groupby(["column", "expected"]).size()
    assert counts.tolist() == [25] * 4
    assert set(caught.value.failures["row"]) == set(range(25))
    lines = str(caught.value).splitlines()
    assert lines[0] == "This is not a behaviour log yet: 100 problems found."
    assert len(lines) == 12
    assert lines[-1] == "  … and 90 more; all of them are in the error's .failures"


def test_one_problem_is_not_called_problems_and_rows_go_by_their_label():
    log = make_log(lat=[1, 95, 1.0]).set_axis(["x", "y", "z"])
    with pytest.raises(SchemaError, match="1 problem found") as caught:
        validate_log(log)
    assert caught.value.failures.loc[0, "row"] == "y"


@pytest.mark.parametrize(
    ("times", "bad"),
    [(["1989-12-31T23:59:59Z", "1990-01-01T00:00:00Z"], [0]), (["2030-01-01", "2030-01-02"], [1])],
    ids=["far past", "future"],
)
def test_times_outside_the_permitted_range(times, bad):
    log = make_log(("ann", "ann"))
    log["timestamp"] = pd.to_datetime(pd.Series(times), utc=True).astype(schema.TIME_DTYPE)
    cells = failures_of(log, latest=LATEST)
    assert cells["row"].tolist() == bad
    assert cells["expected"].tolist() == ["a time between 1990-01-01 and 2030-01-01"]


def test_latest_is_a_day_from_now_unless_given():
    soon = pd.Timestamp.now("UTC").as_unit("us") + pd.Timedelta("1h")
    assert len(validate_log(make_log().assign(timestamp=soon))) == 3
    late = make_log().assign(timestamp=soon + pd.Timedelta("2D"))
    assert len(failures_of(late)) == 3
    assert len(validate_log(late, latest=soon + pd.Timedelta("2D"))) == 3


@pytest.mark.parametrize(
    ("order", "row"), [([1, 0, 2], 0), ([2, 0, 1], 0)], ids=["time steps back", "user steps back"]
)
@pytest.mark.parametrize("dtype", ["str", "string", "object"])
def test_rows_out_of_order_are_named_by_the_first(order, row, dtype):
    log = make_log().iloc[order]
    cells = failures_of(log.assign(user_id=log["user_id"].astype(dtype)))
    assert cells["row"].tolist() == [row]
    assert "schema.sort_log" in cells.loc[0, "expected"]


def test_failure_cuts_what_is_long():
    assert failure("lat", 3, "a number", 116.4) == {
        "column": "lat", "row": 3, "expected": "a number", "found": "116.4",
    }  # fmt: skip
    assert failure("text", 0, "less", "x" * 60)["found"] == "x" * 60
    assert failure("text", 0, "less", "x" * 1234)["found"] == "x" * 50 + "… (1,234 characters)"


def test_error_survives_the_way_between_processes():
    error = SchemaError(pd.DataFrame([failure("lat", 0, "a number", "x")]), hint="Look again.")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert str(error).endswith("\nLook again.")
    pd.testing.assert_frame_equal(again.failures, error.failures)


def test_sort_log_by_hand_and_leaves_its_input_alone():
    log = make_log(("bob", "ann", "bob", "ann"), extra=[1, 2, 3, 4])
    log.loc[:, "timestamp"] = log.loc[0, "timestamp"]
    log = log[["extra", *schema.CORE_COLUMNS]].set_axis([9, 9, 8, 7])
    before = log.copy(deep=True)
    ordered = sort_log(log)
    assert ordered["extra"].tolist() == [2, 4, 1, 3], "ties keep their order"
    assert ordered.columns.tolist() == [*schema.CORE_COLUMNS, "extra"]
    assert ordered.index.tolist() == [0, 1, 2, 3]
    pd.testing.assert_frame_equal(log, before)


def test_sort_log_invents_no_column():
    with pytest.raises(schema.SchemaError, match="item_id: expected this column"):
        sort_log(make_log()[["timestamp", "user_id"]])
    assert sort_log(make_log().iloc[:0]).empty


@pytest.mark.parametrize(("hours", "fits"), [(0, True), (14, True), (-12, True), (16, False)])
def test_clock_on_the_wall_lies_near_utc(hours, fits):
    log = make_log()
    wall = log["timestamp"].dt.tz_localize(None) + pd.Timedelta(hours=hours)
    log = log.assign(local_time=wall)
    if fits:
        assert validate_log(log) is log
        return
    with pytest.raises(schema.SchemaError, match="local_time, row 0: expected a clock within"):
        validate_log(log)


@settings(max_examples=30, deadline=None)
@given(
    users=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip),
                   min_size=1, max_size=8),
    seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_shuffled_and_sorted_again_a_valid_log_is_valid_and_equal(users, seed):
    log = validate_log(sort_log(make_log(tuple(users))))
    shuffled = log.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(validate_log(sort_log(shuffled)), log)
