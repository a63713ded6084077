"""Spatial features for queries: by hand, equal to the measures of the past, deaf to the future."""

import numpy as np
import pandas as pd
import pytest

from stim_lib import datasets, leaks, queries, schema, spatial, splits

NYC = datasets.load_foursquare_nyc()
TRAIN, _, TEST = splits.split_by_time(NYC)
CUTOFF = TEST["timestamp"].min()
ASKED, _ = queries.make_queries(NYC)
ROOTS = sorted(NYC["root_category"].unique())
DEGREE = 2 * np.pi * spatial.EARTH_RADIUS_METRES / 360


def small_log():
    """Two nights at home, two days at work (a Thursday, a Friday), then a bar."""
    local = pd.to_datetime(
        ["2024-05-01 23:00", "2024-05-02 10:00", "2024-05-02 23:00", "2024-05-03 10:00",
         "2024-05-03 20:00"]
    )  # fmt: skip
    return pd.DataFrame(
        {
            "user_id": "a",
            "item_id": ["flat", "office", "flat", "office", "bar"],
            "timestamp": local.tz_localize("UTC"),
            "local_time": local,
            "lat": [0.0, 0.1, 0.0, 0.1, 0.0],
            "lon": [0.0, 0.0, 0.0, 0.0, 0.1],
            "category": ["x", "y", "x", "y", "z"],
        }
    )


def ask(log, rows, **options):
    asked = log.iloc[rows][["user_id", "timestamp"]].rename_axis("query_id")
    return spatial.make_spatial_features(asked, log, **options)


class TestByHand:
    def test_after_three_actions(self):
        row = ask(small_log(), [3]).iloc[0]
        assert (row["n_located"], row["n_places"]) == (3, 2)
        assert row["new_place_rate"] == row["recent_new_place_rate"] == 0.5
        assert row["top_place_share"] == pytest.approx(2 / 3)
        shares = np.array([2, 1]) / 3
        assert row["visitation_entropy_bits"] == pytest.approx(-(shares * np.log2(shares)).sum())
        assert row["last_jump_metres"] == pytest.approx(0.1 * DEGREE)
        assert row["mean_jump_metres"] == pytest.approx(0.1 * DEGREE)
        # A third and two thirds of the way: √((4 + 1 + 1)/3)/30 of a degree, two, one, one parts.
        expected = np.sqrt((2 * (0.1 / 3) ** 2 + (0.2 / 3) ** 2) / 3) * DEGREE
        assert row["radius_of_gyration_metres"] == pytest.approx(expected, rel=1e-6)
        assert row["here_share"] == pytest.approx(2 / 3) and row["is_at_home"] == 1
        assert row["home_distance_metres"] == 0 and row["is_at_work"] == 0
        assert row["work_distance_metres"] == pytest.approx(0.1 * DEGREE)

    def test_the_first_action_knows_nothing(self):
        row = ask(small_log(), [0], train=small_log(), centre=(0.0, 0.0)).iloc[0]
        assert row["n_located"] == row["n_places"] == 0
        assert row.drop(["n_located", "n_places"]).isna().all()

    def test_here_is_the_last_action_or_where_the_query_says(self):
        log = small_log()
        told = ask(log, [4], centre=(0.0, 0.0)).iloc[0]
        assert told["here_north_metres"] == pytest.approx(11_057.4, abs=0.1)  # on the ellipsoid
        assert told["here_east_metres"] == pytest.approx(0, abs=1e-6) and told["is_at_work"] == 1
        asked = log.iloc[[4]][["user_id", "timestamp", "lat", "lon"]]
        row = spatial.make_spatial_features(
            asked, log, use_query_place=True, centre=(0.0, 0.0)
        ).iloc[0]
        assert row["here_east_metres"] == pytest.approx(11_131.9, abs=0.1)
        assert row["here_share"] == row["is_at_home"] == row["is_at_work"] == 0
        assert row["home_distance_metres"] == pytest.approx(0.1 * DEGREE)
        # What has been so far does not depend on where the user is.
        same = ["n_places", "last_jump_metres", "radius_of_gyration_metres", "top_place_share"]
        assert row[same].tolist() == told[same].tolist()

    def test_train_is_counted_as_of_the_query_or_of_the_last_action(self):
        log = small_log()
        others = log.assign(user_id="b", timestamp=log["timestamp"] + pd.Timedelta("1h"))
        train = pd.concat([log, others], ignore_index=True)
        asked = log.iloc[[3]][["user_id", "timestamp"]]
        # Near home by Friday 10:00: both first nights of a, and b's, an hour later.
        known = spatial.make_spatial_features(asked, log, train=train, use_query_time=True)
        assert known["nearby_log_count_250m"].iloc[0] == pytest.approx(np.log1p(4))
        # By the last action, Thursday 23:00: the first night of each.
        unknown = spatial.make_spatial_features(asked, log, train=train)
        assert unknown["nearby_log_count_250m"].iloc[0] == pytest.approx(np.log1p(2))
        wide = spatial.make_spatial_features(
            asked, log, train=train, use_query_time=True, radii_metres=[12_000], by="category"
        ).iloc[0]
        assert wide["nearby_log_count_12000m"] == pytest.approx(np.log1p(6))
        shares = wide[["nearby_share_x", "nearby_share_y", "nearby_share_z"]]
        assert shares.tolist() == pytest.approx([2 / 3, 1 / 3, 0])

    def test_a_home_may_move(self):
        log = small_log()
        moved = log[:3].assign(item_id="house", lat=0.5, user_id="a")
        moved["timestamp"] += pd.Timedelta("30D")
        moved["local_time"] = pd.to_datetime(
            ["2024-05-31 23:00", "2024-06-01 23:00", "2024-06-02 23:00"]
        )
        both = pd.concat([log, moved], ignore_index=True)
        late = both.iloc[[-1]][["user_id", "timestamp"]]
        early = spatial.make_spatial_features(late, both)["is_at_home"].iloc[0]
        late = late.assign(timestamp=late["timestamp"] + pd.Timedelta("1D"))
        assert early == 0  # two nights each: the first to have two stays home
        assert spatial.make_spatial_features(late, both)["is_at_home"].iloc[0] == 1


@pytest.fixture(scope="module")
def chosen():
    """A few queries, their features, and the log before each."""
    asked = ASKED.sample(25, random_state=1)
    table = spatial.make_spatial_features(asked, NYC)
    past = [
        NYC[(NYC["user_id"] == user) & (NYC["timestamp"] < time)]
        for user, time in zip(asked["user_id"], asked["timestamp"], strict=True)
    ]
    return asked, table, past


class TestPast:
    def test_features_are_the_measures_of_the_past(self, chosen):
        _, table, past = chosen
        same = [
            "radius_of_gyration_metres", "visitation_entropy_bits", "n_places", "top_place_share",
            "new_place_rate", "mean_jump_metres",
        ]  # fmt: skip
        expected = pd.concat([spatial.mobility_measures(log)[same] for log in past])
        np.testing.assert_allclose(table[same], expected, rtol=1e-9)

    def test_home_and_work_are_those_of_the_past(self, chosen):
        _, table, past = chosen
        for (_, row), log in zip(table.iterrows(), past, strict=True):
            found, last = spatial.find_home_and_work(log).iloc[0], log.iloc[-1]
            for what in ("home", "work"):
                expected = spatial.distance_metres(
                    last["lat"], last["lon"], found[f"{what}_lat"], found[f"{what}_lon"]
                )
                assert row[f"{what}_distance_metres"] == pytest.approx(expected, nan_ok=True)

    def test_here_share_is_counted_within_fifty_metres(self, chosen):
        _, table, past = chosen
        expected = [
            (spatial.distance_metres(log["lat"], log["lon"], log["lat"].iloc[-1],
                                     log["lon"].iloc[-1]) <= 50).mean()
            for log in past
        ]  # fmt: skip
        assert table["here_share"].tolist() == pytest.approx(expected)

    def test_rows_keep_the_order_and_index_of_the_queries(self, chosen):
        asked, table, _ = chosen
        assert table.index.equals(asked.index)
        one = spatial.make_spatial_features(asked.iloc[[7]], NYC)
        pd.testing.assert_frame_equal(table.iloc[[7]], one, check_exact=True)

    def test_the_order_of_the_history_does_not_matter(self, chosen):
        asked, _, _ = chosen
        shuffled = NYC.sample(frac=1, random_state=0)
        mine = shuffled["user_id"].isin(asked["user_id"])
        # Equal instants have no order but that of the rows.
        known = ~NYC.duplicated(["user_id", "timestamp"], keep=False)
        once = NYC[known]
        pd.testing.assert_frame_equal(
            spatial.make_spatial_features(asked, once),
            spatial.make_spatial_features(asked, shuffled[mine & known[shuffled.index]]),
        )

    def test_any_pair_is_a_centre_and_one_number_a_radius(self):
        table = pd.DataFrame({"lat": [40.0, 41.4], "lon": [-74.0, -74.0]})
        known = ask(small_log(), [2, 3], train=small_log(), centre=(40.7, -74.0),
                    radii_metres=[250])  # fmt: skip
        for centre in (table.mean(), np.array([40.7, -74.0]), [40.7, -74]):
            found = ask(small_log(), [2, 3], train=small_log(), centre=centre, radii_metres=250)
            pd.testing.assert_frame_equal(found, known)

    def test_no_queries_give_the_same_columns(self):
        options = {"train": TRAIN, "centre": (40.7, -74.0), "by": "root_category"}
        nothing = spatial.make_spatial_features(ASKED[:0], NYC, **options)
        some = spatial.make_spatial_features(ASKED[:2], NYC, **options)
        assert list(nothing) == list(some) and not len(nothing)
        assert (some.dtypes == "float64").all()


class TestLeaks:
    log = NYC[NYC["user_id"] < "u030"]
    asked = ASKED.loc[log.index]

    def predict(self, **options):
        def predict(log, asked):
            train = log[log["timestamp"] < CUTOFF]
            return spatial.make_spatial_features(
                asked, log, train=train, centre=(40.7, -74.0), by="root_category", values=ROOTS,
                **options,
            )  # fmt: skip

        return predict

    def test_deaf_to_the_future_and_to_the_time_in_train_and_test(self):
        leaks.assert_no_leak(self.predict(), self.log, self.asked, time_known=False)

    def test_timed_counts_are_deaf_to_the_future(self):
        leaks.assert_no_leak(self.predict(use_query_time=True), self.log, self.asked)

    def test_a_count_as_of_the_query_tells_the_time(self):
        predict = self.predict(use_query_time=True, radii_metres=[20_000])
        asked = self.asked[self.asked["timestamp"] < CUTOFF]
        with pytest.raises(leaks.LeakError, match="clock"):
            leaks.assert_no_leak(predict, self.log, asked, time_known=False, n_instants=3)

    def test_counts_of_the_whole_training_part_are_caught(self):
        def careless(log, asked):
            train, late = (
                log[log["timestamp"] < CUTOFF],
                np.full(len(asked), CUTOFF.tz_convert(None)),
            )
            last = log.drop_duplicates("user_id").set_index("user_id").loc[asked["user_id"]]
            return spatial.nearby_counts(last["lat"], last["lon"], late, train, 1000)

        with pytest.raises(leaks.LeakError):
            leaks.assert_no_leak(careless, self.log, self.asked, n_instants=3)


class TestNearby:
    def test_equal_to_counting_one_by_one(self):
        points = NYC.sample(40, random_state=3)
        times = points["timestamp"].dt.tz_convert(None).to_numpy()
        for radius in (100, 1000):
            expected = [
                ((spatial.distance_metres(lat, lon, TRAIN["lat"], TRAIN["lon"]) <= radius)
                 & (TRAIN["timestamp"] < time)).sum()
                for lat, lon, time in zip(points["lat"], points["lon"], points["timestamp"],
                                          strict=True)
            ]  # fmt: skip
            found = spatial.nearby_counts(points["lat"], points["lon"], times, TRAIN, radius)
            assert found.tolist() == expected

    def test_shares_are_counts_by_category_and_sum_to_one(self):
        points = NYC.sample(30, random_state=4)
        where = points["lat"], points["lon"], points["timestamp"].dt.tz_convert(None).to_numpy()
        shares = spatial.nearby_shares(*where, TRAIN, 500, by="root_category")
        total = spatial.nearby_counts(*where, TRAIN, 500)
        food = TRAIN[TRAIN["root_category"] == "Food"]
        expected = np.divide(spatial.nearby_counts(*where, food, 500), total,
                             out=np.full(30, np.nan), where=total > 0)  # fmt: skip
        np.testing.assert_allclose(shares["Food"], expected)
        assert shares[total > 0].sum(axis=1).to_numpy() == pytest.approx(1)
        assert list(shares) == ROOTS

    def test_across_the_antimeridian_and_at_a_pole(self):
        log = small_log().assign(lat=[0.0, 0, 90, 89.999, 0], lon=[180.0, -179.999, 5, 170, 179.0])
        late = np.full(2, np.datetime64("2025-01-01"))
        found = spatial.nearby_counts([0.0, 90.0], [-180.0, -70.0], late, log, 200)
        assert found.tolist() == [2, 2]

    def test_missing_points_times_and_places(self):
        log = small_log()
        log.loc[0, ["lat", "lon"]] = np.nan
        late = np.array(["2025-01-01", "2025-01-01", "NaT"], dtype="datetime64[us]")
        found = spatial.nearby_counts([0.0, np.nan, 0.0], [0.0, 0.0, 0.0], late, log, 200)
        assert found[0] == 1 and np.isnan(found[1:]).all()
        assert spatial.nearby_counts([0.0], [0.0], late[:1], log[:0], 200).tolist() == [0]

    @pytest.mark.parametrize(
        ("lat", "radius", "message"),
        [([0.0], 0, "above 0"), ([0.0, 1.0], 5, "one lat, lon and time"), ([91.0], 5, "-90, 90")],
    )
    def test_errors(self, lat, radius, message):
        late = np.array(["2025-01-01"], dtype="datetime64[us]")
        with pytest.raises(ValueError, match=message):
            spatial.nearby_counts(lat, [0.0], late, small_log(), radius)


class TestOddInput:
    def test_actions_without_coordinates_are_left_out(self):
        log = small_log()
        log.loc[1, ["lat", "lon"]] = np.nan
        row = ask(log, [3]).iloc[0]
        assert (row["n_located"], row["n_places"], row["last_jump_metres"]) == (2, 1, 0)
        assert np.isnan(row["work_distance_metres"])

    def test_labels_of_queries_may_repeat(self):
        log, asked = small_log(), small_log()[["user_id", "timestamp"]]
        options = {"train": log, "by": "category", "centre": (0.0, 0.0)}
        plain = spatial.make_spatial_features(asked, log, **options)
        found = spatial.make_spatial_features(asked.set_axis([0, 0, 1, 1, 1]), log, **options)
        assert found.index.tolist() == [0, 0, 1, 1, 1]
        assert np.array_equal(found, plain, equal_nan=True)

    def test_strangers_and_an_empty_history(self):
        log, asked = small_log(), small_log()[["user_id", "timestamp"]]
        for query, history in ((asked.assign(user_id="z"), log), (asked, log[:0])):
            found = spatial.make_spatial_features(query, history, train=log)
            assert (found[["n_located", "n_places"]] == 0).all(axis=None)
            assert found["nearby_log_count_250m"].isna().all()

    def test_inputs_are_not_changed(self):
        log = small_log()
        before = log.copy()
        ask(log, [1, 2], train=log)
        pd.testing.assert_frame_equal(log, before)


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        (lambda log: log.drop(columns="local_time"), {}, schema.SchemaError, "local_time"),
        (lambda log: log.drop(columns="lon"), {}, schema.SchemaError, "lon: expected this column"),
        (lambda log: log.assign(lat=91.0), {}, schema.SchemaError, "row 0: expected a number in"),
        (lambda log: log, {"use_query_place": True}, schema.SchemaError, "in queries"),
        (lambda log: log, {"by": "category"}, ValueError, "no train"),
        (lambda log: log, {"radii_metres": [0]}, ValueError, "above 0"),
        (lambda log: log, {"radii_metres": [5, 5.0]}, ValueError, "different ones"),
        (lambda log: log, {"radii_metres": [np.nan]}, ValueError, "above 0"),
        (lambda log: log, {"radii_metres": "wide"}, ValueError, "expected metres"),
        (lambda log: log, {"centre": (np.nan, 0.0)}, ValueError, "centre: expected"),
        (lambda log: log, {"centre": (40.7,)}, ValueError, "centre: expected"),
        (lambda log: log, {"centre": ("north", 0.0)}, ValueError, "centre: expected"),
        (lambda log: log, {"centre": (-174.0, 40.7)}, ValueError, "centre: expected"),
        (lambda log: log, {"night_hours": (7, 7)}, ValueError, "two different hours"),
        (lambda log: log, {"place": "cell"}, schema.SchemaError, "cell: expected this column"),
    ],
)
def test_errors(change, options, error, message):
    with pytest.raises(error, match=message):
        spatial.make_spatial_features(ASKED[:3], change(small_log()), **options)


class TestCandidates:
    def candidates(self, *rows):
        return pd.DataFrame(rows, columns=["query_id", "lat", "lon"], index=range(7, 7 + len(rows)))

    def test_by_hand(self):
        log = small_log()
        asked, _ = queries.make_queries(log)
        found = spatial.candidate_distances(
            self.candidates((4, 0.1, 0.1), (0, 0.0, 0.0), (1, 0.0, 0.0)), asked, log
        )
        assert found.index.tolist() == [7, 8, 9]
        # Before the bar: here is the office, home the flat; the corner is a side from the first.
        assert found.loc[7].tolist() == pytest.approx(
            [0.1 * DEGREE, 0.1 * DEGREE * 2**0.5, 0.1 * DEGREE], rel=1e-5
        )
        assert found.loc[8].isna().all()
        assert found.loc[9].tolist() == pytest.approx([0, 0, np.nan], nan_ok=True)

    def test_agrees_with_the_features_of_the_query(self):
        some = ASKED.iloc[::500]
        last = queries.look_back(some, NYC).last
        place = NYC[["lat", "lon"]].iloc[last].reset_index(drop=True)
        rows = place.assign(query_id=some.index)[last >= 0]
        found = spatial.candidate_distances(rows, some, NYC, train=TRAIN)
        features = spatial.make_spatial_features(some, NYC, train=TRAIN)[last >= 0]
        assert (found["here_distance_metres"] == 0).all()
        for name in ("home_distance_metres", "work_distance_metres", "nearby_log_count_250m"):
            assert np.allclose(found[name], features[name], equal_nan=True), name

    def test_deaf_to_the_future_and_to_the_time(self):
        log = NYC[NYC["user_id"] < "u030"]

        def predict(log, asked):
            rows = pd.DataFrame({"query_id": asked.index, "lat": 40.75, "lon": -73.98})
            train = log[log["timestamp"] < CUTOFF]
            return spatial.candidate_distances(rows, asked, log, train=train).set_axis(asked.index)

        leaks.assert_no_leak(predict, log, ASKED.loc[log.index], time_known=False)

    def test_nobody_has_acted_yet(self):
        log = small_log()
        asked, _ = queries.make_queries(log)
        found = spatial.candidate_distances(
            self.candidates((4, 0.1, 0.1)), asked, log.iloc[:0], train=log
        )
        assert found.shape == (1, 4) and found.isna().all(axis=None)

    def test_errors(self):
        log = small_log()
        asked, _ = queries.make_queries(log)
        with pytest.raises(schema.SchemaError, match="lon"):
            spatial.candidate_distances(self.candidates().drop(columns="lon"), asked, log)
        with pytest.raises(ValueError, match="query_ids"):
            spatial.candidate_distances(self.candidates((99, 0.0, 0.0)), asked, log)
