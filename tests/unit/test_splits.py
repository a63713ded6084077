"""Splits: by hand, on real data, and what they refuse."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stim_lib import schema, splits


class TestByTime:
    def test_an_action_at_the_cutoff_is_later(self, make_log):
        train, test = splits.split_by_time(make_log([0, 1, 2]), "2024-01-01 01:00Z")
        assert len(train) == 1 and len(test) == 2

    def test_new_york_is_cut_as_the_protocol_says(self, nyc):
        parts = splits.split_by_time(nyc)
        assert [len(part) for part in parts] == [58_897, 4_415, 3_650]
        assert parts[2]["user_id"].nunique() == 87
        unseen = splits.describe_split(parts).loc["test", "unseen_places"]
        assert round(unseen, 4) == 0.2545

    def test_fractions_are_of_the_span_not_of_the_rows(self, make_log):
        log = make_log([0, 0.1, 0.2, 0.3, 10])
        train, test = splits.split_by_time(log, fractions=(0.5, 0.5))
        assert (len(train), len(test)) == (4, 1)

    def test_several_cutoffs_make_several_parts(self, make_log):
        parts = splits.split_by_time(
            make_log([0, 1, 2, 3]), ["2024-01-01 01:00Z", "2024-01-01 03:00Z"]
        )
        assert [len(part) for part in parts] == [1, 2, 1]

    def test_the_local_clock_is_used_where_there_is_one(self, make_log):
        log = make_log([0, 5, 10])
        log["local_time"] = log["timestamp"].dt.tz_localize(None) + pd.Timedelta("8h")
        train, test = splits.split_by_time(log, "2024-01-01 13:00")
        assert (len(train), len(test)) == (1, 2)

    def test_a_log_across_zones_is_cut_in_utc(self, make_log):
        log = make_log([0, 5, 6, 10], users=["a", "b", "a", "b"])
        shift = log["user_id"].map({"a": pd.Timedelta("14h"), "b": pd.Timedelta("-10h")})
        log["local_time"] = log["timestamp"].dt.tz_localize(None) + shift
        train, test = splits.split_by_time(log, fractions=(0.5, 0.5))
        assert train["timestamp"].max() < test["timestamp"].min()
        with pytest.raises(ValueError, match="crosses time zones"):
            splits.split_by_time(log, "2024-01-01 12:00")

    def test_input_is_unchanged_and_index_kept(self, make_log):
        log = make_log([0, 1, 2])
        before = log.copy()
        train, test = splits.split_by_time(log, "2024-01-01 01:00Z")
        pd.testing.assert_frame_equal(log, before)
        assert [*train.index, *test.index] == [0, 1, 2]

    @pytest.mark.parametrize(
        ("cutoffs", "message"),
        [
            ("2030-01-01 00:00Z", "none in test"),
            ("2020-01-01 00:00Z", "none in train"),
            (["2024-01-01 02:00Z", "2024-01-01 01:00Z"], "increasing"),
            (["2024-01-01 01:00Z", "2024-01-01 02:00"], "time zone"),
            ("2024-01-01 01:00", "no time zone and the log no local_time"),
            ([], "one time or more"),
            (pd.NaT, "one time or more"),
        ],
    )
    def test_bad_cutoffs_are_named(self, make_log, cutoffs, message):
        with pytest.raises(ValueError, match=message):
            splits.split_by_time(make_log([0, 1, 2]), cutoffs)

    @pytest.mark.parametrize("fractions", [(1.0,), (0.5, 0.6), (1.2, -0.2), (0.0, 1.0)])
    def test_bad_fractions_are_named(self, make_log, fractions):
        with pytest.raises(ValueError, match="fractions"):
            splits.split_by_time(make_log([0, 1, 2]), fractions=fractions)

    def test_a_table_without_users_is_refused(self, make_log):
        with pytest.raises(schema.SchemaError, match="user_id"):
            splits.split_by_time(make_log([0, 1]).drop(columns="user_id"), "2024-01-01 01:00Z")

    @pytest.mark.parametrize("column", ["timestamp", "local_time"])
    def test_rows_without_a_time_belong_nowhere(self, make_log, column):
        log = make_log([0, 1, 2])
        log["local_time"] = log["timestamp"].dt.tz_localize(None)
        log[column] = log[column].where(log.index != 1)
        with pytest.raises(schema.SchemaError, match=f"{column}, row 1: expected a time"):
            splits.split_by_time(log, "2024-01-01 01:00Z")

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.integers(0, 1000), min_size=3, max_size=40, unique=True))
    def test_nothing_is_lost_and_time_never_turns(self, make_log, hours):
        log = make_log(sorted(hours))
        try:
            parts = splits.split_by_time(log)
        except ValueError as error:
            assert "expected actions in every part" in str(error)
            return
        assert sum(map(len, parts)) == len(log)
        assert parts[0]["timestamp"].max() < parts[1]["timestamp"].min()
        assert parts[1]["timestamp"].max() < parts[2]["timestamp"].min()


class TestOtherSplits:
    def test_leave_last_out_takes_each_users_last(self, make_log):
        log = make_log([0, 1, 2, 5, 6], users=["a", "a", "b", "b", "c"])
        with pytest.warns(splits.LeakWarning):
            train, test = splits.split_leave_last_out(log)
        assert test["timestamp"].dt.hour.tolist() == [1, 5]
        assert len(train) == 3

    def test_leave_last_week_counts_back_from_each_users_end(self, make_log):
        log = make_log([0, 24 * 9, 24 * 10, 24 * 3], users=["a", "a", "a", "b"])
        with pytest.warns(splits.LeakWarning):
            _, test = splits.split_leave_last_week(log)
        assert len(test) == 2 and set(test["user_id"]) == {"a"}

    def test_random_is_repeatable_and_of_the_right_size(self, make_log):
        log = make_log(range(100))
        with pytest.warns(splits.LeakWarning):
            first = splits.split_at_random(log, test_share=0.2, seed=3)
            again = splits.split_at_random(log, test_share=0.2, seed=3)
            other = splits.split_at_random(log, test_share=0.2, seed=4)
        assert len(first[1]) == 20
        assert first[1].index.equals(again[1].index)
        assert not first[1].index.equals(other[1].index)

    def test_each_shows_its_leak_in_the_report(self, nyc):
        with pytest.warns(splits.LeakWarning):
            parts = splits.split_leave_last_out(nyc), splits.split_at_random(nyc, seed=0)
        for part in parts:
            assert splits.describe_split(part).loc["test", "trained_on_later"] > 0.5
        assert splits.describe_split(splits.split_by_time(nyc)).loc["test", "trained_on_later"] == 0

    @pytest.mark.parametrize("n", [0, -1, 99])
    def test_impossible_leave_out_is_refused(self, make_log, n):
        with pytest.raises(ValueError, match=r"n_last|leave-last-out"):
            splits.split_leave_last_out(make_log([0, 1]), n_last=n)

    @pytest.mark.parametrize("share", [0, 1, -0.1, 0.0001])
    def test_impossible_share_is_refused(self, make_log, share):
        with pytest.raises(ValueError, match="test_share"):
            splits.split_at_random(make_log([0, 1]), test_share=share, seed=0)


def test_report_counts_by_hand(make_log):
    train = make_log([0, 1], users=["a", "b"], items=["p", "q"])
    test = make_log([2, 3, 4], users=["a", "a", "c"], items=["p", "r", "s"])
    report = splits.describe_split((train, test))
    assert report.loc["test", "unseen_places"] == pytest.approx(2 / 3)
    assert report.loc["test", "new_users"] == pytest.approx(1 / 3)
    assert np.isnan(report.loc["train", "unseen_places"])
    with pytest.raises(ValueError, match="two or more"):
        splits.describe_split((train,))
