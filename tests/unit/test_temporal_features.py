"""Features for queries: by hand, and deaf to the future."""

import numpy as np
import pandas as pd
import pytest

from stim_lib import datasets, leaks, queries, schema, splits, temporal

NYC = datasets.load_foursquare_nyc()
ASKED, _ = queries.make_queries(splits.split_by_time(NYC)[2])


def small_log():
    local = pd.to_datetime(["2024-05-03 23:00", "2024-05-05 01:00", "2024-05-06 09:00"])
    utc = local.tz_localize("America/New_York").tz_convert("UTC")
    return pd.DataFrame({"user_id": "a", "timestamp": utc, "local_time": local})


class TestByHand:
    asked = small_log().iloc[[2]].rename_axis("query_id")

    def test_history_only(self):
        row = temporal.make_temporal_features(self.asked, small_log()).iloc[0]
        assert (row["n_past"], row["mean_gap_hours"], row["last_gap_hours"]) == (2, 26, 26)
        assert row["weekend_share"] == 0.5  # a Friday, a Sunday
        assert row["clock_resultant"] == pytest.approx(np.cos(np.pi / 12))
        assert row["usual_hour_sin"] == pytest.approx(0, abs=1e-12)
        assert row["decayed_count_24h"] == pytest.approx(1 + 0.5 ** (26 / 24))
        assert np.isnan(row["burstiness"])  # one gap
        assert row["week_entropy_bits"] == pytest.approx(1 + 1 / (4 * np.log(2)))

    def test_with_the_time_of_the_query(self):
        row = temporal.make_temporal_features(
            self.asked, small_log(), use_query_time=True, country="US"
        ).iloc[0]
        assert row["recency_hours"] == 32 and row["hours_from_usual"] == pytest.approx(9)
        assert row["decayed_count_24h"] == pytest.approx(0.5 ** (32 / 24) + 0.5 ** (58 / 24))
        assert row[["is_weekend", "is_holiday", "is_workday"]].tolist() == [0, 0, 1]

    def test_first_action_knows_nothing(self):
        row = temporal.make_temporal_features(
            small_log().iloc[[0]], small_log(), use_query_time=True
        ).iloc[0]
        assert row["n_past"] == row["decayed_count_24h"] == 0
        assert row[["mean_gap_hours", "recency_hours", "hours_from_usual"]].isna().all()
        assert row["day_sin"] == pytest.approx(np.sin(2 * np.pi * 23 / 24))

    def test_the_own_gaps_are_those_of_gap_statistics(self):
        asked = ASKED.iloc[[1000]]
        mine = NYC[(NYC["user_id"] == asked["user_id"].iloc[0])
                   & (NYC["timestamp"] < asked["timestamp"].iloc[0])]  # fmt: skip
        row = temporal.make_temporal_features(asked, NYC).iloc[0]
        gaps = temporal.gap_statistics(mine).iloc[0]
        clock = temporal.clock_statistics(mine["local_time"]).iloc[0]
        entropy = temporal.week_entropy(mine["local_time"], hours_per_bin=4).iloc[0]
        assert row["n_past"] == len(mine) > 10
        assert row["burstiness"] == pytest.approx(gaps["burstiness"])
        assert row["mean_gap_hours"] == pytest.approx(gaps["mean_hours"])
        assert row["clock_spread_hours"] == pytest.approx(clock["spread_hours"])
        assert row["week_entropy_bits"] == pytest.approx(entropy["entropy_bits"])
        usual = np.arctan2(row["usual_hour_sin"], row["usual_hour_cos"]) * 12 / np.pi % 24
        assert usual == pytest.approx(clock["mean_hour"])
        counts = temporal.decayed_counts(asked, NYC, 24).iloc[0]
        timed = temporal.make_temporal_features(asked, NYC, use_query_time=True).iloc[0]
        assert timed["decayed_count_24h"] == pytest.approx(counts)

    def test_missing_clocks_are_left_out(self):
        log = small_log()
        log.loc[0, "local_time"] = pd.NaT
        row = temporal.make_temporal_features(self.asked, log).iloc[0]
        assert row["n_past"] == 2 and row["clock_resultant"] == 1 and row["weekend_share"] == 1

    def test_rows_keep_the_order_and_index_of_the_queries(self):
        asked = ASKED.sample(300, random_state=0)
        together = temporal.make_temporal_features(asked, NYC, use_query_time=True)
        assert together.index.equals(asked.index)
        one = temporal.make_temporal_features(asked.iloc[[77]], NYC, use_query_time=True)
        pd.testing.assert_frame_equal(together.iloc[[77]], one, check_exact=True)

    def test_no_queries_give_the_same_columns(self):
        for known in (False, True):
            nothing = temporal.make_temporal_features(ASKED[:0], NYC, use_query_time=known)
            some = temporal.make_temporal_features(ASKED[:2], NYC, use_query_time=known)
            assert list(nothing) == list(some) and not len(nothing)


class TestLeaks:
    def test_history_features_are_deaf_to_the_future_and_to_the_time(self):
        def predict(log, asked):
            return temporal.make_temporal_features(asked, log)

        leaks.assert_no_leak(predict, NYC, ASKED, time_known=False)

    def test_timed_features_are_deaf_to_the_future(self):
        def predict(log, asked):
            table = temporal.make_temporal_features(asked, log, use_query_time=True, country="US")
            return table.assign(
                again=temporal.recency_hours(asked, log), d=temporal.decayed_counts(asked, log, 12)
            )

        leaks.assert_no_leak(predict, NYC, ASKED)

    def test_statistics_of_the_whole_log_are_caught(self):
        def careless(log, asked):
            return asked["user_id"].map(temporal.gap_statistics(log)["burstiness"])

        with pytest.raises(leaks.LeakError):
            leaks.assert_no_leak(careless, NYC, ASKED, n_instants=2)

    def test_recency_is_caught_where_the_time_is_unknown(self):
        def careless(log, asked):
            return temporal.recency_hours(asked, log)

        with pytest.raises(leaks.LeakError, match="clock"):
            leaks.assert_no_leak(careless, NYC, ASKED, time_known=False, n_instants=2)


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        (lambda log: log.drop(columns="local_time"), {}, schema.SchemaError, "in history"),
        (lambda log: log, {"half_lives_hours": [0]}, ValueError, "above 0"),
        (lambda log: log, {"country": "US"}, ValueError, "use_query_time=False"),
        (
            lambda log: log.assign(local_time=log["timestamp"]),
            {},
            schema.SchemaError,
            "without a zone",
        ),
    ],
)
def test_errors(change, options, error, message):
    with pytest.raises(error, match=message):
        temporal.make_temporal_features(ASKED[:3], change(small_log()), **options)


class TestOddInput:
    def test_labels_of_queries_may_repeat(self, make_log):
        log = make_log([1, 5, 30, 40]).assign(
            local_time=lambda t: t["timestamp"].dt.tz_localize(None)
        )
        asked, _ = queries.make_queries(log[1:])
        again = asked.set_axis([0, 0, 1])
        settings = {"use_query_time": True, "country": "US"}
        plain = temporal.make_temporal_features(asked, log, **settings)
        found = temporal.make_temporal_features(again, log, **settings)
        assert found.index.tolist() == [0, 0, 1]
        assert np.array_equal(found, plain, equal_nan=True)

    @pytest.mark.parametrize("use_query_time", [False, True])
    def test_strangers_and_an_empty_history(self, make_log, use_query_time):
        log = make_log([1, 5]).assign(local_time=lambda t: t["timestamp"].dt.tz_localize(None))
        asked, _ = queries.make_queries(log)
        for query, history in ((asked.assign(user_id="z"), log), (asked, log[:0])):
            found = temporal.make_temporal_features(query, history, use_query_time=use_query_time)
            assert found["n_past"].tolist() == [0, 0]
            assert (found[["decayed_count_24h", "decayed_count_168h"]] == 0).all(axis=None)

    def test_two_half_lives_of_one_name(self, make_log):
        log = make_log([1, 5]).assign(local_time=lambda t: t["timestamp"].dt.tz_localize(None))
        asked, _ = queries.make_queries(log)
        with pytest.raises(ValueError, match="different ones"):
            temporal.make_temporal_features(asked, log, half_lives_hours=(24, 24.00000001))
