"""The first functions of temporal, spatial, interest and recommend."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stim_lib import datasets, interest, recommend, schema, spatial, temporal


def clock(*times):
    return pd.Series(pd.to_datetime([f"2024-05-01 {time}" for time in times]))


class TestClock:
    def test_hours_by_hand(self):
        assert temporal.clock_hours(clock("00:00", "06:15", "23:45")).tolist() == [0, 6.25, 23.75]

    def test_missing_time_is_nan(self):
        assert np.isnan(temporal.clock_hours(pd.Series([pd.NaT], dtype="datetime64[us]"))[0])

    @pytest.mark.parametrize(
        ("times", "mean"),
        [(("10:00", "13:00"), 11.5), (("23:00", "01:00"), 0), (("22:00", "01:00"), 23.5)],
    )
    def test_mean_by_hand(self, times, mean):
        found = temporal.mean_clock_hour(clock(*times))
        assert min(abs(found - mean), 24 - abs(found - mean)) < 1e-9

    @given(st.lists(st.integers(0, 300), min_size=1, max_size=20), st.integers(0, 1439))
    def test_mean_turns_with_the_clock(self, minutes, shift):
        start = pd.Timestamp("2024-05-01")
        times = pd.Series(start + pd.to_timedelta(minutes, unit="min"))
        before = temporal.mean_clock_hour(times)
        after = temporal.mean_clock_hour(times + pd.Timedelta(minutes=shift))
        gap = (after - before - shift / 60) % 24
        assert min(gap, 24 - gap) < 1e-6

    def test_opposite_times_have_no_mean(self):
        with pytest.raises(ValueError, match="cancel out"):
            temporal.mean_clock_hour(clock("06:00", "18:00"))

    def test_no_times_have_no_mean(self):
        with pytest.raises(ValueError, match="at least one time"):
            temporal.mean_clock_hour(pd.Series([], dtype="datetime64[us]"))

    def test_utc_is_nobodys_clock(self):
        with pytest.raises(schema.SchemaError, match="without a zone"):
            temporal.clock_hours(clock("06:00").dt.tz_localize("UTC"))

    def test_features_lie_on_the_circle_and_keep_the_index(self):
        times = clock("06:00", "12:00", "23:00").set_axis([5, 7, 9])
        features = temporal.clock_features(times)
        assert features.index.tolist() == [5, 7, 9]
        assert np.allclose(features["hour_sin"] ** 2 + features["hour_cos"] ** 2, 1)
        assert features["is_weekend"].tolist() == [0, 0, 0]  # a Wednesday
        saturday = pd.Series(pd.to_datetime(["2024-05-04"]))
        assert temporal.clock_features(saturday)["is_weekend"].tolist() == [1]


class TestDistance:
    def test_quarter_of_the_globe(self):
        quarter = np.pi / 2 * spatial.EARTH_RADIUS_METRES
        assert spatial.distance_metres(0, 0, 90, 0) == pytest.approx(quarter)
        assert spatial.distance_metres(0, 0, 0, 90) == pytest.approx(quarter)

    def test_across_the_antimeridian_is_short(self):
        assert spatial.distance_metres(0, 179.5, 0, -179.5) == pytest.approx(111_195, rel=1e-4)

    def test_antipodes_and_identical_points(self):
        half = np.pi * spatial.EARTH_RADIUS_METRES
        assert spatial.distance_metres(10, 20, -10, -160) == pytest.approx(half)
        assert spatial.distance_metres(10, 20, 10, 20) == 0

    @given(*[st.floats(-90, 90), st.floats(-180, 180)] * 2)
    def test_symmetric(self, lat, lon, to_lat, to_lon):
        there = spatial.distance_metres(lat, lon, to_lat, to_lon)
        back = spatial.distance_metres(to_lat, to_lon, lat, lon)
        assert there == pytest.approx(back, abs=1e-6)

    def test_close_to_the_ellipsoid(self):
        from pyproj import Geod

        exact = Geod(ellps="WGS84").inv(116.4, 39.9, 113.25, 23.1)[2]
        assert spatial.distance_metres(39.9, 116.4, 23.1, 113.25) == pytest.approx(exact, rel=5e-3)

    def test_swapped_coordinates_are_named(self):
        with pytest.raises(ValueError, match=r"found 116.4"):
            spatial.distance_metres(116.4, 39.9, 0, 0)

    def test_unknown_place_is_nan(self):
        assert np.isnan(spatial.distance_metres(np.nan, 0, 0, 0))


class TestInterest:
    log = datasets.load_seed_example()

    def test_by_hand(self):
        shares = interest.interest_shares(self.log, by="item_id", prior_weight=1)
        assert shares.loc["2"].to_dict() == {
            "Beijing": 0.25, "Guangzhou": 0.125, "Shanghai": 0.625,
        }  # fmt: skip

    def test_rows_sum_to_one(self):
        shares = interest.interest_shares(datasets.load_foursquare_nyc().head(5000))
        assert np.allclose(shares.sum(axis=1), 1)

    def test_no_prior_gives_own_shares_and_a_heavy_one_the_crowd(self):
        own = interest.interest_shares(self.log, by="item_id", prior_weight=0)
        assert own.loc["3", "Guangzhou"] == 1
        crowd = interest.interest_shares(self.log, by="item_id", prior_weight=1e9)
        assert crowd.loc["3"].round(6).tolist() == [0.5, 0.25, 0.25]

    def test_prior_may_know_values_that_the_log_lacks(self):
        prior = pd.Series({"Beijing": 0.4, "Guangzhou": 0.2, "Shanghai": 0.2, "Xi'an": 0.2})
        shares = interest.interest_shares(self.log, by="item_id", prior=prior)
        assert shares.loc["1", "Xi'an"] == pytest.approx(0.1)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"by": "colour"}, "colour"),
            ({"by": "item_id", "prior_weight": -1}, "0 or more"),
            ({"by": "item_id", "prior": pd.Series({"Beijing": 1.0})}, "Guangzhou"),
            (
                {
                    "by": "item_id",
                    "prior": pd.Series([0.5, 0.5, 0.5], ["Beijing", "Guangzhou", "Shanghai"]),
                },
                "sum to 1",
            ),
        ],
    )
    def test_errors_say_what_was_expected(self, change, message):
        with pytest.raises(ValueError, match=message):
            interest.interest_shares(self.log, **change)


class TestRankPlaces:
    places = datasets.load_seed_example().drop_duplicates("item_id")
    shares = pd.Series({"Beijing": 0.2, "Shanghai": 0.5, "Guangzhou": 0.3})

    def rank(self, **change):
        settings = {"here": (39.9075, 116.39723), "decay_metres": 1e6, "by": "item_id"} | change
        return recommend.rank_places(self.shares, self.places, **settings)

    def test_score_by_hand(self):
        ranked = self.rank().set_index("item_id")
        assert ranked.loc["Beijing", "score"] == pytest.approx(0.2)
        metres = ranked.loc["Shanghai", "metres"]
        assert ranked.loc["Shanghai", "score"] == pytest.approx(0.5 * np.exp(-metres / 1e6))

    def test_far_decay_leaves_interest_and_near_decay_distance(self):
        assert self.rank(decay_metres=1e12)["item_id"].tolist() == [
            "Shanghai",
            "Guangzhou",
            "Beijing",
        ]
        assert self.rank(decay_metres=1e5)["item_id"].tolist() == [
            "Beijing",
            "Shanghai",
            "Guangzhou",
        ]

    def test_k_longer_than_the_catalogue(self):
        assert self.rank(k=99)["rank"].tolist() == [1, 2, 3]

    def test_ties_are_broken_by_id_whatever_the_order_of_rows(self):
        places = self.places.assign(lat=1.0, lon=1.0)
        equal = pd.Series(0.5, index=self.shares.index)
        first, second = (
            recommend.rank_places(equal, p, here=(1, 1), decay_metres=1, by="item_id")["item_id"]
            for p in (places, places.iloc[::-1])
        )
        assert first.tolist() == second.tolist() == ["Beijing", "Guangzhou", "Shanghai"]

    def test_popularity_scales_the_score(self):
        places = self.places.assign(popularity=[0.0, 1.0, 1.0])
        ranked = recommend.rank_places(
            self.shares, places, here=(39.9, 116.4), decay_metres=1e6, by="item_id"
        )
        assert ranked["item_id"].iloc[-1] == "Beijing"

    @pytest.mark.parametrize(
        "change", [{"decay_metres": 0}, {"k": 0}, {"decay_metres": float("nan")}]
    )
    def test_impossible_settings(self, change):
        with pytest.raises(ValueError, match="decay_metres > 0 and k"):
            self.rank(**change)


def test_mean_at_midnight_is_zero_and_never_24():
    for pair in (("23:00", "01:00"), ("23:58", "00:02"), ("22:30", "01:30")):
        assert temporal.mean_clock_hour(clock(*pair)) < 24


def test_missing_time_is_no_weekday():
    features = temporal.clock_features(pd.Series([pd.NaT], dtype="datetime64[us]"))
    assert features.isna().all(axis=None)


def test_user_without_a_category_has_the_prior():
    log = datasets.load_seed_example()
    log.loc[2, "category"] = np.nan
    assert interest.interest_shares(log).loc["3"].tolist() == [1.0]


def test_log_without_categories_is_named():
    log = datasets.load_seed_example().assign(category=pd.Series(np.nan, dtype="str"))
    with pytest.raises(ValueError, match="expected a value of 'category'"):
        interest.interest_shares(log)


def test_place_without_coordinates_is_not_ranked():
    places = TestRankPlaces.places.copy()
    places.loc[places["item_id"] == "Beijing", "lat"] = np.nan
    ranked = recommend.rank_places(
        TestRankPlaces.shares, places, here=(39.9, 116.4), decay_metres=1e6, by="item_id"
    )
    assert ranked["item_id"].tolist() == ["Shanghai", "Guangzhou"]
