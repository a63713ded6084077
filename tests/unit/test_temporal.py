"""Clocks, cycles, gaps and rhythm: by hand, at the limit, invariant, against references."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stim_lib import datasets, queries, schema, temporal

DAY = 24 * 60


def clock(*times):
    return pd.Series(pd.to_datetime([f"2024-05-01 {time}" for time in times]))


def minutes(values):
    return pd.Series(pd.Timestamp("2024-04-29") + pd.to_timedelta(list(values), unit="min"))


def apart(a, b, period=24):
    gap = abs(a - b) % period
    return min(gap, period - gap)


def median_by_search(hours, period=24):
    """Least mean arc over a fine grid: the definition, slowly."""
    grid = np.arange(0, period, 1 / 60)
    arcs = temporal.circular_distance(grid[:, None], np.asarray(hours)[None], period=period)
    return arcs.mean(axis=1).min()


class TestClockStatistics:
    def test_by_hand(self):
        row = temporal.clock_statistics(clock("23:00", "01:00")).iloc[0]
        assert (row["n"], row["mean_hour"], row["median_hour"]) == (2, 0, 0)
        length = np.cos(np.pi / 12)  # half of the angle of two hours
        assert row["resultant"] == pytest.approx(length)
        assert row["spread_hours"] == pytest.approx(np.sqrt(-2 * np.log(length)) * 12 / np.pi)

    def test_median_is_not_moved_by_an_outlier_and_the_mean_is(self):
        row = temporal.clock_statistics(clock("22:00", "23:00", "00:00", "01:00", "09:00")).iloc[0]
        assert row["median_hour"] == 0
        assert apart(row["mean_hour"], 0) > 0.2

    def test_even_number_takes_the_middle_of_two(self):
        row = temporal.clock_statistics(clock("10:00", "11:00", "12:00", "13:00")).iloc[0]
        assert row["median_hour"] == row["mean_hour"] == 11.5

    def test_one_time(self):
        row = temporal.clock_statistics(clock("07:30")).iloc[0]
        assert row[["mean_hour", "median_hour", "spread_hours", "resultant"]].tolist() == [
            7.5, 7.5, 0, 1,
        ]  # fmt: skip

    def test_equal_times_have_no_spread(self):
        row = temporal.clock_statistics(clock(*["17:23"] * 9)).iloc[0]
        assert row["spread_hours"] == 0 and row["resultant"] == 1

    def test_opposite_times_have_neither_and_say_so(self):
        row = temporal.clock_statistics(clock("06:00", "18:00")).iloc[0]
        assert np.isnan(row["mean_hour"]) and np.isnan(row["median_hour"])
        assert np.isinf(row["spread_hours"]) and "cancel out" in row["reason"]

    def test_a_centre_between_far_ties_is_no_median(self):
        # 00:00 and 08:00 and 16:00 with one more at each of two: ties that do not touch.
        row = temporal.clock_statistics(clock("00:00", "00:00", "10:00", "10:00", "17:00")).iloc[0]
        best = median_by_search([0, 0, 10, 10, 17])
        found = temporal.circular_distance([row["median_hour"]], [0, 0, 10, 10, 17])
        assert np.isnan(row["median_hour"]) or found.mean() == pytest.approx(best, abs=1e-6)

    def test_groups_and_missing_times(self):
        times = pd.concat([clock("23:00", "01:00", "12:00"), pd.Series([pd.NaT, pd.NaT])],
                          ignore_index=True)  # fmt: skip
        table = temporal.clock_statistics(times, by=pd.Series(["b", "b", "a", "a", "c"]))
        assert table.index.tolist() == ["a", "b", "c"]
        assert table["n"].tolist() == [1, 2, 0]
        assert table["n_missing"].tolist() == [1, 0, 1]
        assert table["mean_hour"].tolist()[:2] == [12, 0]
        assert table.loc["c", "reason"] == "no times" and np.isnan(table.loc["c", "median_hour"])

    @settings(deadline=None)
    @given(st.lists(st.integers(0, DAY - 1), min_size=1, max_size=25))
    def test_equal_to_scipy(self, values):
        row = temporal.clock_statistics(minutes(values)).iloc[0]
        hours = np.array(values) / 60
        if row["resultant"] > 1e-6:
            assert apart(row["mean_hour"], stats.circmean(hours, high=24)) < 1e-6
            spread = stats.circstd(hours, high=24)
            assert row["spread_hours"] == pytest.approx(spread, abs=1e-5)

    @settings(deadline=None)
    @given(st.lists(st.integers(0, DAY - 1), min_size=1, max_size=12))
    def test_median_has_the_least_mean_arc(self, values):
        row = temporal.clock_statistics(minutes(values)).iloc[0]
        hours = np.array(values) / 60
        if np.isfinite(row["median_hour"]):
            mine = temporal.circular_distance(row["median_hour"], hours).mean()
            assert mine == pytest.approx(median_by_search(hours), abs=1e-6)

    @settings(deadline=None)
    @given(st.lists(st.integers(0, DAY - 1), min_size=1, max_size=12), st.integers(0, DAY))
    def test_turns_with_the_clock(self, values, shift):
        before = temporal.clock_statistics(minutes(values)).iloc[0]
        after = temporal.clock_statistics(minutes(np.array(values) + shift)).iloc[0]
        assert after["resultant"] == pytest.approx(before["resultant"], abs=1e-9)
        assert np.isnan(before["median_hour"]) == np.isnan(after["median_hour"])
        if np.isfinite(before["median_hour"]):
            assert apart(after["median_hour"] - before["median_hour"], shift / 60) < 1e-6

    def test_many_groups_equal_one_by_one(self):
        rng = np.random.default_rng(0)
        times, user = minutes(rng.integers(0, 7 * DAY, 500)), rng.integers(0, 40, 500)
        for period in ("day", "week"):
            table = temporal.clock_statistics(times, by=user, period=period)
            for name in table.index[:10]:
                alone = temporal.clock_statistics(times[user == name], period=period).iloc[0]
                pd.testing.assert_series_equal(table.loc[name], alone, check_names=False)

    def test_sunday_night_and_monday_morning_are_neighbours(self):
        times = pd.Series(pd.to_datetime(["2024-05-05 23:00", "2024-05-06 01:00"]))
        row = temporal.clock_statistics(times, period="week").iloc[0]
        assert row["mean_hour"] == row["median_hour"] == 0
        assert temporal.circular_distance(*temporal.week_hours(times), period=168) == 2

    def test_shift_by_whole_weeks_changes_nothing(self):
        times = minutes([3, 500, 9000])
        later = times + pd.Timedelta("28D")
        for period in ("day", "week"):
            pd.testing.assert_frame_equal(
                temporal.clock_statistics(times, period=period),
                temporal.clock_statistics(later, period=period),
            )

    @pytest.mark.parametrize(
        ("times", "options", "message"),
        [
            (clock("06:00"), {"period": "month"}, "'day' or 'week'"),
            (clock(), {}, "at least one time"),
            (clock("06:00"), {"by": ["a", "b"]}, "found 2 for 1"),
            (clock("06:00"), {"by": pd.Series(["a"], index=[7])}, "index"),
            (clock("06:00"), {"by": [None]}, "missing"),
        ],
    )
    def test_errors(self, times, options, message):
        with pytest.raises(ValueError, match=message):
            temporal.clock_statistics(times, **options)

    def test_utc_is_refused(self):
        with pytest.raises(schema.SchemaError, match="without a zone"):
            temporal.clock_statistics(clock("06:00").dt.tz_localize("UTC"))


class TestWallClock:
    def test_both_changes_of_the_clock(self):
        utc = pd.to_datetime(["2024-03-10 06:59", "2024-03-10 07:00", "2024-11-03 05:30",
                              "2024-11-03 06:30"], utc=True)  # fmt: skip
        shown = temporal.wall_clock(pd.Series(utc), "America/New_York")
        assert shown.dt.strftime("%H:%M").tolist() == ["01:59", "03:00", "01:30", "01:30"]

    def test_zone_of_each_row_and_missing_times(self):
        utc = pd.Series(pd.to_datetime(["2024-05-01 00:00", "2024-05-01 00:00", None], utc=True))
        zones = pd.Series(["Asia/Shanghai", "America/New_York", "Asia/Shanghai"])
        shown = temporal.wall_clock(utc, zones)
        assert shown.dt.hour.tolist()[:2] == [8, 20] and shown.isna().tolist()[2]
        assert shown.dt.tz is None

    def test_equal_to_the_log_of_new_york(self):
        log = datasets.load_foursquare_nyc()
        shown = temporal.wall_clock(log["timestamp"], "America/New_York")
        assert (shown == log["local_time"]).all()

    def test_errors(self):
        with pytest.raises(schema.SchemaError, match="instants"):
            temporal.wall_clock(clock("06:00"), "UTC")
        utc = clock("06:00").dt.tz_localize("UTC")
        with pytest.raises(ValueError, match="Mars/Base"):
            temporal.wall_clock(utc, "Mars/Base")
        with pytest.raises(ValueError, match="index"):
            temporal.wall_clock(utc, pd.Series(["UTC"], index=[4]))


class TestCycles:
    def test_phases_by_hand(self):
        noon = pd.Series(
            pd.to_datetime(["2023-02-15 00:00", "2024-02-29 12:00", "2024-12-31 00:00"])
        )
        assert temporal.cycle_phase(noon, "month").tolist() == [0.5, 28.5 / 29, 30 / 31]
        assert temporal.cycle_phase(noon, "year").tolist() == [45 / 365, 59.5 / 366, 365 / 366]
        assert temporal.cycle_phase(noon, "week").tolist() == [2 / 7, 3.5 / 7, 1 / 7]

    @given(st.datetimes(pd.Timestamp("1950-01-01"), pd.Timestamp("2100-01-01")))
    def test_features_lie_on_circles(self, moment):
        table = temporal.cycle_features(pd.Series([moment]).astype("datetime64[us]"))
        for cycle in ("day", "week", "month", "year"):
            assert np.hypot(*table[[f"{cycle}_sin", f"{cycle}_cos"]].to_numpy()[0]) == (
                pytest.approx(1)
            )
            assert 0 <= temporal.cycle_phase(pd.Series([moment]), cycle)[0] < 1

    def test_the_last_minute_of_a_cycle_stands_next_to_the_first(self):
        pairs = {"day": "2024-05-02", "week": "2024-05-06", "month": "2024-03-01",
                 "year": "2024-01-01"}  # fmt: skip
        for cycle, start in pairs.items():
            around = pd.Series(pd.Timestamp(start) + pd.to_timedelta([-1, 1], unit="min"))
            table = temporal.cycle_features(around, [cycle]).to_numpy()
            assert np.linalg.norm(table[0] - table[1]) < 0.01, cycle

    def test_second_harmonic_turns_twice(self):
        table = temporal.cycle_features(clock("03:00", "15:00"), ["day"], harmonics=2)
        assert np.allclose(table["day_sin_2"], 1) and np.allclose(table["day_cos_2"], 0)

    def test_missing_is_nan_and_errors(self):
        nothing = pd.Series([pd.NaT], dtype="datetime64[us]")
        assert temporal.cycle_features(nothing).isna().all().all()
        with pytest.raises(ValueError, match="'moon'"):
            temporal.cycle_features(nothing, ["moon"])
        with pytest.raises(ValueError, match="once"):
            temporal.cycle_features(nothing, ["day", "day"])


def log_of(times, user="a"):
    return pd.DataFrame({"user_id": user, "timestamp": pd.to_datetime(times, utc=True)})


class TestGaps:
    def test_daylight_saving_both_ways(self):
        forward = log_of(["2024-03-10 06:30", "2024-03-10 07:30"])  # 01:30, 03:30 on the wall
        back = log_of(["2024-11-03 05:00", "2024-11-03 06:30"])  # 01:00, 01:30 on the wall
        assert temporal.action_gaps(forward).tolist()[1] == 1.0
        assert temporal.action_gaps(back).tolist()[1] == 1.5

    def test_by_hand(self):
        log = log_of(["2024-05-01 00:00", "2024-05-01 01:00", "2024-05-01 04:00"])
        row = temporal.gap_statistics(log, finite_size=False).loc["a"]
        assert row[["n_gaps", "mean_hours", "median_hours", "spread_hours"]].tolist() == [
            2,
            2,
            2,
            1,
        ]
        assert row["burstiness"] == (1 - 2) / (1 + 2)

    def test_order_of_rows_does_not_matter_and_users_stay_apart(self):
        log = pd.concat([log_of(["2024-05-01", "2024-05-03"]), log_of(["2024-05-02"], "b")],
                        ignore_index=True)  # fmt: skip
        mixed = log.iloc[[2, 1, 0]]
        assert temporal.action_gaps(mixed).sort_index().fillna(-1).tolist() == [-1, 48, -1]
        pd.testing.assert_frame_equal(temporal.gap_statistics(log), temporal.gap_statistics(mixed))

    def test_metronome_chance_and_all_at_once(self):
        assert temporal.burstiness([0.0], [5.0], [10])[0] == -1
        for n in (5, 50):  # the most uneven gaps of all, and the mean of many random ones
            assert temporal.burstiness([np.sqrt(n - 1)], [1.0], [n])[0] == pytest.approx(1)
            assert temporal.burstiness([np.sqrt((n - 1) / (n + 1))], [1.0], [n])[0] == (
                pytest.approx(0)
            )

    def test_random_actions_have_less_once_corrected(self):
        rng = np.random.default_rng(0)
        gap = rng.exponential(size=(20_000, 6))
        plain, finite = (
            temporal.burstiness(gap.std(axis=1), gap.mean(axis=1), np.full(20_000, 6),
                                finite_size=choice).mean()
            for choice in (False, True)
        )  # fmt: skip
        assert plain < -0.1 and abs(finite) < 0.05

    @settings(deadline=None)
    @given(st.lists(st.integers(1, 10_000), min_size=3, max_size=30))
    def test_memory_equals_numpy_and_scale_is_no_matter(self, gaps):
        times = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.cumsum([0, *gaps]), unit="min")
        row = temporal.gap_statistics(log_of(times)).loc["a"]
        first, second = np.array(gaps[:-1]), np.array(gaps[1:])
        if np.ptp(first) and np.ptp(second):
            assert row["memory"] == pytest.approx(np.corrcoef(first, second)[0, 1])
        else:
            assert np.isnan(row["memory"]) and "no memory" in row["reason"]
        slow = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.cumsum([0, *gaps]) * 7, unit="min")
        other = temporal.gap_statistics(log_of(slow)).loc["a"]
        assert other["burstiness"] == pytest.approx(row["burstiness"])

    @pytest.mark.parametrize(
        ("times", "reason"),
        [
            (["2024-05-01"], "one action"),
            (["2024-05-01", "2024-05-02"], "one gap"),
            (["2024-05-01"] * 4, "one instant"),
        ],
    )
    def test_what_has_no_burstiness_says_why(self, times, reason):
        row = temporal.gap_statistics(log_of(times)).loc["a"]
        assert np.isnan(row["burstiness"]) and reason in row["reason"]

    def test_errors(self):
        log = log_of(["2024-05-01"])
        with pytest.raises(schema.SchemaError, match="not wall-clock"):
            temporal.action_gaps(log.assign(timestamp=log["timestamp"].dt.tz_localize(None)))
        with pytest.raises(schema.SchemaError, match="user_id"):
            temporal.action_gaps(log.drop(columns="user_id"))
        with pytest.raises(schema.SchemaError, match="row 0"):
            temporal.action_gaps(log.assign(timestamp=pd.Series([pd.NaT], dtype=schema.TIME_DTYPE)))
        with pytest.raises(ValueError, match="negative"):
            temporal.burstiness([-1.0], [1.0], [3])


class TestWeekEntropy:
    def test_by_hand(self):
        times = minutes([0, 30, 60 * 24, 60 * 48])  # shares ½, ¼, ¼
        row = temporal.week_entropy(times, correction="none").iloc[0]
        assert row["entropy_bits"] == 1.5 and row["n_filled"] == 3
        corrected = temporal.week_entropy(times).iloc[0]["entropy_bits"]
        assert corrected == pytest.approx(1.5 + 2 / (2 * 4 * np.log(2)))

    def test_limits(self):
        hours = np.arange(168) * 60
        row = temporal.week_entropy(minutes(hours)).iloc[0]
        assert row["entropy_bits"] == pytest.approx(np.log2(168)) and row["evenness"] == 1
        assert temporal.week_entropy(minutes([5, 6])).iloc[0]["entropy_bits"] == 0

    def test_equal_to_scipy(self):
        values = np.random.default_rng(0).integers(0, 7 * DAY, 300)
        row = temporal.week_entropy(minutes(values), hours_per_bin=4, correction="none").iloc[0]
        count = np.bincount(values // 240, minlength=42)
        assert row["entropy_bits"] == pytest.approx(stats.entropy(count, base=2))

    def test_turning_the_week_by_whole_bins_changes_nothing(self):
        values = np.random.default_rng(1).integers(0, 7 * DAY, 50)
        first = temporal.week_entropy(minutes(values), hours_per_bin=4)
        second = temporal.week_entropy(minutes(values + 480), hours_per_bin=4)
        pd.testing.assert_frame_equal(first, second)

    def test_the_correction_removes_most_of_the_bias(self):
        rng = np.random.default_rng(0)
        values, draw = rng.integers(0, 7 * DAY, 200 * 100), np.repeat(np.arange(200), 100)
        plain, corrected = (
            temporal.week_entropy(minutes(values), by=draw, hours_per_bin=4, correction=word)[
                "entropy_bits"
            ].mean()
            for word in ("none", "miller-madow")
        )
        lacking, left = np.log2(42) - plain, np.log2(42) - corrected
        assert lacking > 0.25 and abs(left) < lacking / 4

    def test_missing_and_errors(self):
        nothing = pd.Series([pd.NaT], dtype="datetime64[us]")
        row = temporal.week_entropy(nothing).iloc[0]
        assert np.isnan(row["entropy_bits"]) and row["reason"] == "no times"
        with pytest.raises(ValueError, match="divisor of 168"):
            temporal.week_entropy(nothing, hours_per_bin=5)
        with pytest.raises(ValueError, match="'jackknife'"):
            temporal.week_entropy(nothing, correction="jackknife")
        with pytest.raises(ValueError, match="at least one time"):
            temporal.week_entropy(nothing[:0])


class TestDecayAndRecency:
    log = log_of(["2024-05-01 00:00", "2024-05-01 12:00", "2024-05-02 00:00"])

    def test_by_hand_strictly_before(self):
        asked = log_of(["2024-05-01 12:00", "2024-05-02 00:00", "2024-05-03 00:00"])
        assert temporal.recency_hours(asked, self.log).tolist() == [12, 12, 24]
        counts = temporal.decayed_counts(asked, self.log, half_life_hours=12).tolist()
        assert counts == [0.5, 0.75, 0.4375]

    def test_limits(self):
        asked = log_of(["2024-05-03 00:00"])
        assert temporal.decayed_counts(asked, self.log, np.inf).tolist() == [3]
        assert temporal.decayed_counts(asked, self.log, 1e-3).tolist() == [0]
        stranger = log_of(["2024-05-03 00:00"], user="nobody")
        assert temporal.decayed_counts(stranger, self.log, 24).tolist() == [0]
        assert temporal.recency_hours(stranger, self.log).isna().all()

    def test_batches_give_the_same_to_the_bit(self):
        log = datasets.load_foursquare_nyc().head(3000)
        asked, _ = queries.make_queries(log.iloc[::7])
        whole = temporal.decayed_counts(asked, log, 24)
        from stim_lib.temporal import rhythm

        parts = list(rhythm.look_back_in_batches(asked, log, pairs=1000))
        assert len(parts) > 5
        again = np.zeros(len(asked))
        for positions, rows, past in parts:
            since = (rhythm.times_of(asked)[positions[past.query]]
                     - rhythm.times_of(log)[rows[past.row]])  # fmt: skip
            worth = np.exp2(-(since / rhythm.HOUR) / 24)
            again[positions] = np.bincount(past.query, worth, minlength=len(positions))
        assert (again == whole.to_numpy()).all()

    def test_inputs_are_not_changed_and_errors(self):
        asked = log_of(["2024-05-03 00:00"])
        before = self.log.copy()
        temporal.decayed_counts(asked, self.log, 24)
        pd.testing.assert_frame_equal(before, self.log)
        with pytest.raises(ValueError, match="above 0"):
            temporal.decayed_counts(asked, self.log, 0)
