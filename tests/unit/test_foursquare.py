"""The real log and the article's example: what is promised of them holds."""

import shutil
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stim_lib import assets, schema
from stim_lib.datasets import (
    load_foursquare_nyc,
    load_foursquare_tsmc2014,
    load_seed_example,
    read_foursquare_table,
    recover_users,
)
from stim_lib.datasets.foursquare import FIRST_MONDAY, WEEK
from stim_lib.schema import SchemaError, validate_log

CHECKIN = "470\t49bb\t4bf5\tBar\t40.7\t-74.0\t-240\tTue Apr 03 18:00:09 +0000 2012\n"


@pytest.fixture(scope="module")
def nyc() -> pd.DataFrame:
    return load_foursquare_nyc()


@pytest.fixture(scope="module")
def published() -> pd.DataFrame:
    return read_foursquare_table().head(40)


@pytest.fixture
def write(tmp_path):
    def to_file(content, encoding="utf-8"):
        path = tmp_path / "checkins.txt"
        if isinstance(content, pd.DataFrame):
            content.to_csv(path, index=False)
        else:
            path.write_bytes(content.encode(encoding))
        return path

    return to_file


class TestNewYork:
    def test_counts_are_the_published_ones(self, nyc):
        assert validate_log(nyc) is nyc
        assert len(nyc) == 66_962
        assert nyc["user_id"].nunique() == 193
        assert nyc["trajectory_id"].nunique() == 3_079
        assert nyc["category"].nunique() == 491
        assert nyc["root_category"].nunique() == 10

    def test_no_trajectory_is_split_between_users_or_weeks(self, nyc):
        groups = nyc.groupby("trajectory_id")
        assert groups["user_id"].nunique().max() == 1
        weeks = (nyc["local_time"] - FIRST_MONDAY) // WEEK
        assert weeks.groupby(nyc["trajectory_id"]).nunique().max() == 1
        owners = nyc.assign(week=weeks).groupby(["user_id", "week"])["trajectory_id"]
        assert owners.nunique().max() == 1, "one trajectory a week"

    def test_columns_and_types(self, nyc):
        assert nyc.dtypes.astype("str").to_dict() == {
            "user_id": "str", "item_id": "str", "action": "str",
            "timestamp": "datetime64[us, UTC]", "lat": "float64", "lon": "float64",
            "category": "str", "local_time": "datetime64[us]", "root_category": "str",
            "trajectory_id": "int64", "weather": "str", "price": "float64", "rating": "float64",
        }  # fmt: skip
        assert set(nyc["price"].dropna()) == {1, 2, 3, 4}
        assert nyc["rating"].dropna().between(0, 10).all()
        assert "Unknown" not in set(nyc["weather"])

    def test_local_time_is_the_clock_in_new_york(self, nyc):
        clock = nyc["timestamp"].dt.tz_convert("America/New_York").dt.tz_localize(None)
        assert (clock == nyc["local_time"]).all()
        hours = (nyc["local_time"] - nyc["timestamp"].dt.tz_localize(None)) / pd.Timedelta("1h")
        assert set(hours) == {-4, -5}
        first = nyc["timestamp"].min()
        assert first == nyc["local_time"].min().tz_localize("America/New_York")

    def test_a_venue_is_a_distinct_place(self, nyc):
        assert nyc.groupby("item_id")[["lat", "lon"]].nunique().max().tolist() == [1, 1]
        places = nyc.drop_duplicates(["lat", "lon"])
        assert places["item_id"].is_unique

    def test_nothing_is_lost_from_the_published_table(self, nyc):
        table = read_foursquare_table()
        assert sorted(table["date_time"]) == sorted(nyc["local_time"].astype("str"))
        assert (table["price"] < 0).sum() == nyc["price"].isna().sum()
        assert sorted(table["type"]) == sorted(nyc["category"])

    def test_a_local_copy_gives_the_same(self, nyc, tmp_path):
        copy = shutil.copy(assets.fetch("foursquare_nyc"), tmp_path / "copy.csv")
        begin = time.perf_counter()
        again = load_foursquare_nyc(copy)
        print(f"warm load: {time.perf_counter() - begin:.2f} s")
        pd.testing.assert_frame_equal(again, nyc)

    def test_row_order_is_irrelevant_to_ids(self, published, write):
        log = load_foursquare_nyc(write(published))
        shuffled = load_foursquare_nyc(write(published.sample(frac=1, random_state=0)))
        keys = ["user_id", "timestamp", "item_id"]
        pd.testing.assert_frame_equal(
            log.sort_values(keys, ignore_index=True), shuffled.sort_values(keys, ignore_index=True)
        )

    def test_missing_columns_are_named(self, published, write):
        with pytest.raises(SchemaError) as caught:
            load_foursquare_nyc(write(published.drop(columns=["tid", "price"])))
        assert caught.value.failures["column"].tolist() == ["tid", "price"]
        assert "lat_lon, date_time" in caught.value.failures.loc[0, "found"]

    @pytest.mark.parametrize(
        ("column", "value", "expected"),
        [
            ("lat_lon", "40.7", "two numbers"),
            ("lat_lon", "north west", "two numbers"),
            ("lat_lon", "99.0 7.0", "a number in [-90, 90]"),
            ("date_time", "noon", "a clock time that New York shows"),
            ("date_time", "2013-03-10 02:30:00", "a clock time that New York shows"),
            ("tid", 1.5, "a whole number"),
            ("price", "cheap", "a number"),
            ("rating", None, "a number"),
        ],
    )
    def test_bad_cells_are_named(self, published, write, column, value, expected):
        table = published.iloc[::-1].reset_index(drop=True).astype("object")
        table.loc[3, column] = value
        with pytest.raises(SchemaError) as caught:
            load_foursquare_nyc(write(table))
        assert caught.value.failures["expected"].tolist() == [expected]
        assert caught.value.failures["column"].isin([column, "lat"]).all()
        assert caught.value.failures["row"].tolist() == [3]


class TestRecoverUsers:
    @pytest.mark.parametrize(
        ("numbers", "days", "users"),
        [
            ([5], ["2012-04-03"], [0]),
            # A week later, the next number: the same user.
            ([7, 8], ["2012-04-03", "2012-04-10"], [0, 0]),
            # Two days later, but over a Monday.
            ([7, 8], ["2012-04-08", "2012-04-09"], [0, 0]),
            # The same week, or an earlier one: the next user.
            ([7, 8], ["2012-04-02", "2012-04-08"], [0, 1]),
            ([7, 8], ["2012-04-10", "2012-04-03"], [0, 1]),
            # Three weeks on: two numbers may have gone missing, four may not.
            ([7, 9], ["2012-04-03", "2012-04-24"], [0, 0]),
            ([7, 10], ["2012-04-03", "2012-04-24"], [0, 0]),
            ([7, 11], ["2012-04-03", "2012-04-24"], [0, 1]),
            # A trajectory counts from its first check-in, wherever that stands.
            ([8, 7, 8], ["2012-04-15", "2012-04-03", "2012-04-09"], [0, 0, 0]),
        ],
    )
    def test_by_hand(self, numbers, days, users):
        times = pd.to_datetime(pd.Series(days))
        assert recover_users(pd.Series(numbers), times).tolist() == users

    def test_no_check_ins_no_users(self):
        nothing = recover_users(pd.Series(dtype="int64"), pd.Series(dtype="datetime64[us]"))
        assert nothing.tolist() == [] and nothing.dtype == "int64"

    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 2**32 - 1))
    def test_row_order_is_irrelevant(self, seed):
        rng = np.random.default_rng(seed)
        numbers = pd.Series(rng.integers(0, 30, 60))
        times = FIRST_MONDAY + pd.Series(pd.to_timedelta(rng.integers(0, 200, 60), unit="D"))
        users = recover_users(numbers, times)
        order = rng.permutation(60)
        assert (recover_users(numbers.iloc[order], times.iloc[order]) == users[order]).all()
        assert set(users) == set(range(users.max() + 1))

    def test_errors(self):
        times = pd.Series(pd.to_datetime(["2012-04-03", None]))
        with pytest.raises(ValueError, match="expected a time in each row, found 1 missing"):
            recover_users(pd.Series([1, 2]), times)
        with pytest.raises(ValueError, match="expected one time per check-in, found 2 for 3"):
            recover_users(pd.Series([1, 2, 3]), times)


class TestTsmc2014:
    @pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig"])
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_by_hand(self, write, encoding, end):
        rows = CHECKIN.replace("Apr 03", "Apr 04") + CHECKIN.replace("Bar", 'Café "X"')
        log = load_foursquare_tsmc2014(write(rows.replace("\n", end), encoding))
        assert validate_log(log) is log
        assert log["category"].tolist() == ['Café "X"', "Bar"]
        assert log.loc[0, "timestamp"] == pd.Timestamp("2012-04-03T18:00:09Z")
        assert log.loc[0, "local_time"] == pd.Timestamp("2012-04-03T14:00:09")
        assert log.loc[0, ["user_id", "item_id", "category_id"]].tolist() == ["470", "49bb", "4bf5"]
        assert log.columns.tolist() == [*schema.CORE_COLUMNS, "category_id", "local_time"]

    def test_words_that_look_missing_are_words(self, write):
        log = load_foursquare_tsmc2014(write(CHECKIN.replace("Bar", "NA").replace("470", "007")))
        assert log.loc[0, ["user_id", "category"]].tolist() == ["007", "NA"]

    @pytest.mark.parametrize(
        ("old", "new", "column", "expected", "found"),
        [
            ("\tBar", "", "file", "8 fields, separated by tabs", "7 fields"),
            ("Bar", "Bar\t", "file", "8 fields, separated by tabs", "9 fields"),
            ("40.7", "north", "lat", "a number", "'north'"),
            ("-240", "", "offset", "a number", "''"),
            ("-74.0", "-274", "lon", "a number in [-180, 180]", "-274.0"),
            ("Apr 03", "Apr 33", "timestamp", "a time such as", "Apr 33"),
            ("470", "", "user_id", "a non-empty user id", "''"),
        ],
    )
    def test_broken_row_is_named(self, write, old, new, column, expected, found):
        with pytest.raises(SchemaError) as caught:
            load_foursquare_tsmc2014(write(CHECKIN + CHECKIN.replace(old, new)))
        cell = caught.value.failures.loc[0]
        assert (cell["column"], cell["row"]) == (column, 1)
        assert cell["expected"].startswith(expected) and found in cell["found"]

    def test_empty_file(self, write):
        with pytest.raises(SchemaError, match="expected rows, found an empty file"):
            load_foursquare_tsmc2014(write("\n"))


def test_seed_example_by_hand():
    log = load_seed_example()
    assert validate_log(log) is log
    # China keeps UTC+8 all year: 10:00 there is 02:00 in Greenwich.
    assert log["timestamp"].map(pd.Timestamp.isoformat).tolist() == [
        "2023-01-01T02:00:00+00:00",
        "2023-01-02T03:00:00+00:00",
        "2023-01-03T04:00:00+00:00",
        "2023-01-04T05:00:00+00:00",
    ]
    assert log["local_time"].dt.hour.tolist() == [10, 11, 12, 13]
    assert log["user_id"].tolist() == ["1", "2", "3", "4"]
    assert log["action"].tolist() == ["view", "click", "purchase", "view"]
    assert log["item_id"].tolist() == ["Beijing", "Shanghai", "Guangzhou", "Beijing"]
    assert log["text"].tolist() == ["北京市", "上海市", "广州市", "北京市"]
    assert log["lat"].tolist() == [39.9075, 31.22222, 23.11667, 39.9075]
    assert (log["category"] == "City").all()
