"""The table of features, the counters, the weekly counts: by hand, and blind to the future."""

import numpy as np
import pandas as pd
import pytest

from stim_lib import datasets, interest, leaks, queries, schema


@pytest.fixture(scope="module")
def small(nyc):
    """A few users, and the instant at which training ends."""
    log = nyc[nyc["user_id"].isin(["u000", "u001", "u002", "u003", "u010"])]
    return log, log["timestamp"].quantile(0.8)


def kinds_log(make_log, kinds, hours=None):
    hours = hours or [24 * day for day in range(len(kinds))]
    log = make_log(hours).assign(category=list(kinds))
    return log.assign(local_time=log["timestamp"].dt.tz_localize(None))


class TestTable:
    def test_own_shares_by_hand(self, make_log):
        log = kinds_log(make_log, "aabaz")[:4]
        asked, _ = queries.make_queries(log[3:])
        table = interest.make_interest_table(asked, log, train=log[:3], kind="category")
        # Two a, one b, and one imagined action that is two thirds a.
        assert np.isclose(np.exp(table["own__ever a"].iloc[0]), (2 + 2 / 3) / 4)
        assert table["sequence__last was b"].iloc[0] == 1
        assert table["sequence__last was a"].iloc[0] == 0
        assert np.isclose(table["time__log1p n_past"].iloc[0], np.log(4))

    def test_rows_do_not_depend_on_each_other_or_their_order(self, small):
        log, cut = small
        asked, _ = queries.make_queries(log[log["timestamp"] >= cut])
        known = {"train": log[log["timestamp"] < cut], "use_query_time": True}
        table = interest.make_interest_table(asked, log, **known)
        few = asked.iloc[[40, 3]]
        again = interest.make_interest_table(few, log, **known)
        pd.testing.assert_frame_equal(again, table.loc[few.index])
        assert set(interest.families_of(table)) == {"own", "hour", "sequence", "time", "space"}

    @pytest.mark.parametrize("time_known", [True, False])
    def test_knows_nothing_of_the_future(self, small, time_known):
        log, cut = small
        asked, _ = queries.make_queries(log[log["timestamp"] >= cut])

        def predict(log, asked):
            return interest.make_interest_table(
                asked, log, train=log[log["timestamp"] < cut], use_query_time=time_known
            )

        leaks.assert_no_leak(predict, log, asked, time_known=time_known, n_instants=1)

    def test_without_coordinates_there_is_no_space(self, small):
        log, cut = small
        bare = log.assign(lat=np.nan, lon=np.nan)
        asked, _ = queries.make_queries(bare[bare["timestamp"] >= cut][:5])
        table = interest.make_interest_table(asked, bare, train=bare[bare["timestamp"] < cut])
        assert set(interest.families_of(table)) == {"own", "hour", "sequence", "time"}

    def test_inputs_stay_as_they_are(self, small):
        log, cut = small
        asked, _ = queries.make_queries(log[log["timestamp"] >= cut][:5])
        before = log.copy(), asked.copy()
        interest.make_interest_table(asked, log, train=log[log["timestamp"] < cut])
        pd.testing.assert_frame_equal(log, before[0])
        pd.testing.assert_frame_equal(asked, before[1])

    def test_refuses(self, small):
        log, cut = small
        asked, _ = queries.make_queries(log[:5])
        train = log[log["timestamp"] < cut]
        with pytest.raises(schema.SchemaError, match="flavour"):
            interest.make_interest_table(asked, log, train=train, kind="flavour")
        with pytest.raises(ValueError, match="found none"):
            interest.make_interest_table(
                asked, log, train=train.assign(root_category=None), kind="root_category"
            )


class TestCounters:
    def test_share_of_a_counter_by_hand(self, make_log):
        from stim_lib import baselines

        log = kinds_log(make_log, "aaba")
        counter = baselines.UserCounter(prior_weight=0).fit(
            log[:3].assign(item_id=log["category"][:3])
        )
        asked, _ = queries.make_queries(log[3:])
        shares = interest.counter_shares(counter, asked, log, kind="category", least_share=0)
        assert np.allclose(shares[["a", "b"]], [[2 / 3, 1 / 3]])

    def test_nothing_known_is_equal_shares(self, make_log):
        from stim_lib import baselines

        log = kinds_log(make_log, "ab")
        counter = baselines.UserCounter(prior_weight=0).fit(log.assign(item_id=log["category"]))
        asked, _ = queries.make_queries(log[:1])
        shares = interest.counter_shares(counter, asked, log, kind="category")
        assert np.allclose(shares, 0.5)

    def test_more_trials_are_never_worse_and_the_search_repeats(self, small):
        log, cut = small
        train, later = log[log["timestamp"] < cut], log[log["timestamp"] >= cut]
        later = later[later["root_category"].isin(train["root_category"].unique())][:150]
        one, two, again = (
            interest.tune_counters(train, later, log, use_query_time=True, n_trials=n)
            for n in (1, 2, 2)
        )
        assert two.trials["log_loss"].iloc[0] == one.trials["log_loss"].iloc[0]
        best = two.trials["log_loss"].min()
        assert best <= one.trials["log_loss"].min()
        assert two.settings == again.settings and two.model.weights == again.model.weights
        asked, _ = queries.make_queries(later)
        shares = interest.counter_shares(two.model, asked, log)
        assert np.isclose(interest.surprise(shares, later["root_category"]).mean(), best)


class TestWeeklyCounts:
    def test_by_hand(self, make_log):
        # Monday 1 January 2024 and two more weeks, the second of which is empty.
        log = kinds_log(make_log, "aabab", hours=[0, 1, 2, 24 * 14, 24 * 15])
        table = interest.make_weekly_counts(log, kind="category")
        assert table["week"].unique().tolist() == [
            pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-15")
        ]  # fmt: skip
        assert table["count"].tolist() == [2, 1, 1, 1]
        assert table["n_weeks"].tolist() == [0, 0, 1, 1]
        assert table["last_count"].iloc[2:].tolist() == [2, 1]
        assert table[["last_count", "mean_count"]].iloc[:2].isna().all(axis=None)

    def test_counts_add_up_and_look_back_only(self, nyc):
        log = nyc.head(3000)
        table = interest.make_weekly_counts(log)
        assert table["count"].sum() == len(log)
        cut = log["local_time"].quantile(0.5).normalize()
        early = interest.make_weekly_counts(log[log["local_time"] < cut])
        whole = early["week"] + pd.Timedelta("7D") <= cut
        both = early[whole].merge(table, on=["user_id", "week", "root_category"])
        assert len(both) == whole.sum() > 100
        assert np.allclose(both["mean_count_x"], both["mean_count_y"], equal_nan=True)

    def test_refuses(self):
        log = datasets.load_seed_example()
        with pytest.raises(schema.SchemaError, match="flavour"):
            interest.make_weekly_counts(log, kind="flavour")
        with pytest.raises(ValueError, match="found none"):
            interest.make_weekly_counts(log.assign(category=None), kind="category")
