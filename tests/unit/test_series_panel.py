"""From a log to series; seasons, differences and the simplest forecasts."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stim_lib import series


@pytest.fixture
def log(make_log):
    """User a: six actions on 1, 2 and 4 January 2024 (a Monday and after); user b: two."""
    log = make_log([1, 2, 3, 30, 75, 76, 5, 80], users=list("aaaaaabb"), items=list("ppqpqqqq"))
    return log.assign(category=["x", "x", "y", "x", "y", "y", "y", "x"], root_category="r")


class TestPanel:
    def test_shares_of_the_city_by_hand(self, log):
        panel = series.make_interest_series(log, "city", "D", of="category")
        assert panel["x"].tolist()[:2] == [2 / 4, 1.0]
        assert panel.index.tolist() == list(pd.date_range("2024-01-01", periods=4))
        assert panel.loc["2024-01-04"].tolist() == [1 / 3, 2 / 3]

    def test_a_day_without_actions_is_missing_unless_told(self, log):
        assert series.make_interest_series(log, "city", "D").loc["2024-01-03"].isna().all()
        zero = series.make_interest_series(log, "city", "D", gaps="zero")
        assert (zero.loc["2024-01-03"] == 0).all()

    def test_users_are_divided_among_categories(self, log):
        panel = series.make_interest_series(log, "user", "D", of="category")
        assert panel.columns.names == ["user_id", "category"]
        assert panel.loc["2024-01-01", ("a", "x")] == 2 / 3
        assert np.isnan(panel.loc["2024-01-02", ("b", "x")]), "b was not seen on that day"
        sums = panel.T.groupby(level=0).sum(min_count=1).T
        assert np.nanmin(sums) == np.nanmax(sums) == 1

    def test_a_place_has_its_part_of_all_actions(self, log):
        panel = series.make_interest_series(log, "place", "D")
        assert panel.loc["2024-01-01"].tolist() == [2 / 4, 2 / 4]
        assert panel.loc["2024-01-02", "q"] == 0, "seen, and not visited"
        counts = series.make_interest_series(log, "place", "D", share=False)
        assert counts.sum().sum() == len(log)

    def test_category_and_own_columns(self, log):
        assert list(series.make_interest_series(log, "category", "W")) == ["x", "y"]
        panel = series.make_interest_series(log, "category", "W", of="item_id")
        assert panel[("x", "p")].tolist() == [3 / 4]
        assert list(series.make_interest_series(log, "action", "W")) == ["visit"]

    def test_root_categories_are_the_default_where_there_are_any(self, log):
        assert list(series.make_interest_series(log, "city", "D")) == ["r"]
        bare = log.drop(columns="root_category")
        assert list(series.make_interest_series(bare, "city", "D")) == ["x", "y"]

    def test_weeks_start_on_monday(self, log):
        panel = series.make_interest_series(log, "city", "W")
        assert panel.index[0].day_of_week == 0

    def test_the_local_clock_decides_the_day(self, log):
        late = log.assign(local_time=log["timestamp"].dt.tz_localize(None) - pd.Timedelta("4h"))
        days = series.make_interest_series(late, "city", "D", share=False)
        assert days.index[0] == pd.Timestamp("2023-12-31")
        assert days["r"].iloc[0] == 3

    def test_thin_periods_are_gaps(self, log):
        panel = series.make_interest_series(log, "city", "D", min_actions=3)
        assert panel["r"].notna().tolist() == [True, False, False, True]

    def test_thinning_the_sample_halves_counts_and_leaves_shares(self, log):
        thick = pd.concat([log, log.assign(timestamp=log["timestamp"] + pd.Timedelta("1min"))])
        thick = thick.sort_values(["user_id", "timestamp"], ignore_index=True)
        for share, factor in ((True, 1), (False, 2)):
            thin, full = (
                series.make_interest_series(t, "city", "D", of="category", share=share)
                for t in (log, thick)
            )
            pd.testing.assert_frame_equal(thin * factor, full)

    def test_values_without_a_name_are_left_out(self, log):
        log = log.assign(category=log["category"].where(log["category"] == "x"))
        panel = series.make_interest_series(log, "city", "D", of="category")
        assert panel["x"].dropna().tolist() == [1, 1, 1]

    def test_nothing_is_changed(self, log):
        before = log.copy()
        series.make_interest_series(log, "user", "W")
        pd.testing.assert_frame_equal(log, before)

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"by": "town"}, "by: expected one of .*found 'town'"),
            ({"of": "colour"}, "of: expected .*found 'colour'"),
            ({"freq": "fortnight"}, "freq: expected a period such as"),
            ({"freq": "B"}, "business days"),
            ({"gaps": "guess"}, "gaps: expected one of"),
            ({"by": "category", "of": "category"}, "another column than by"),
            ({"min_actions": -1}, "min_actions"),
        ],
    )
    def test_bad_questions_are_named(self, log, settings, message):
        with pytest.raises(ValueError, match=message):
            series.make_interest_series(log, **settings)

    @pytest.mark.parametrize(
        ("freq", "sums", "second"),
        [
            ("2D", [5, 3], "2024-01-03"),
            ("3D", [5, 3], "2024-01-04"),
            ("6h", [4, 0, 0, 0, 1, *[0] * 7, 2, 1], "2024-01-01 07:00"),
            ("2W", [8], None),
            ("M", [8], None),
        ],
    )
    def test_periods_of_several_steps_start_with_the_log(self, log, freq, sums, second):
        panel = series.make_interest_series(log, "city", freq, share=False, of="category")
        found = panel.sum(axis=1)
        assert found.sum() == len(log)
        assert found.tolist() == sums
        if second:
            assert panel.index[1] == pd.Timestamp(second)

    def test_nothing_to_divide_among(self, log):
        with pytest.raises(ValueError, match="a value of 'category' in some row"):
            series.make_interest_series(log.assign(category=None), "user", "D", of="category")

    def test_counts_of_thin_periods_stay(self, log):
        counts = series.make_interest_series(
            log, "city", "D", share=False, gaps="zero", min_actions=3
        )
        assert counts.sum().sum() == len(log)

    def test_an_empty_log_and_a_missing_time(self, log):
        with pytest.raises(ValueError, match="at least one action"):
            series.make_interest_series(log[:0])
        holes = log.assign(local_time=pd.NaT)
        with pytest.raises(ValueError, match="local_time, row 0: expected a time"):
            series.make_interest_series(holes)

    def test_a_panel_that_would_not_fit_is_refused(self, make_log):
        ages = make_log([0, 24 * 365 * 20])
        with pytest.raises(ValueError, match="periods"):
            series.make_interest_series(ages, "city", "s")

    def test_hours_through_a_change_of_clocks(self, make_log):
        log = make_log(range(48))
        local = log["timestamp"].dt.tz_localize(None) - pd.Timedelta("5h")
        jump = local.where(local < "2024-01-01 12:00", local + pd.Timedelta("1h"))
        panel = series.make_interest_series(
            log.assign(local_time=jump), "city", "h", share=False, of="category"
        )
        assert len(panel) == 49 and panel["x"].isna().sum() == 1
        assert np.isnan(panel.loc["2024-01-01 12:00", "x"])

    def test_new_york(self, nyc):
        weeks = series.make_interest_series(nyc, "city", "W", share=False)
        assert weeks.sum().sum() == 66_962 and len(weeks) == 46
        users = series.make_interest_series(nyc, "user", "W")
        assert users.shape == (46, 1930)
        n_weeks = users.T.groupby(level=0).first().notna().to_numpy().sum()
        assert n_weeks == 3079, "as many as the data has weekly trajectories"


class TestRegressors:
    def test_weekdays(self):
        days = pd.date_range("2024-01-03", periods=9)
        table = series.weekday_dummies(days)
        assert (table.sum(axis=1) == 1).all()
        assert table.iloc[0]["Wed"] == 1 and table.iloc[4]["Sun"] == 1
        with pytest.raises(ValueError, match="expected times"):
            series.weekday_dummies(pd.RangeIndex(3))

    def test_all_harmonics_of_a_week_span_the_weekdays(self):
        days = pd.date_range("2024-01-01", periods=70)
        waves = series.harmonics(days, 7, 3).to_numpy()
        dummies = series.weekday_dummies(days).to_numpy()
        fitted = waves @ np.linalg.lstsq(waves, dummies, rcond=None)[0]
        assert np.allclose(fitted, dummies)

    def test_harmonics_go_on_where_they_ended(self):
        whole = series.harmonics(pd.RangeIndex(20), 12, 2)
        rest = series.harmonics(pd.RangeIndex(8), 12, 2, origin=12)
        assert np.allclose(whole[12:], rest)

    @pytest.mark.parametrize(("period", "pairs"), [(1, 1), (7, 4), (7, 0)])
    def test_impossible_waves(self, period, pairs):
        with pytest.raises(ValueError, match="period of at least 2"):
            series.harmonics(pd.RangeIndex(10), period, pairs)

    @given(hnp.arrays(float, (12, 2), elements=st.floats(-1e3, 1e3)), st.integers(1, 5))
    def test_differences_can_be_undone(self, values, lag):
        changes = series.difference(values, lag)
        assert np.allclose(series.undo_difference(changes, values[:lag]), values[lag:])

    def test_difference_keeps_tables(self):
        table = pd.DataFrame({"a": [1.0, 4, 9]}, index=list("xyz"))
        assert series.difference(table)["a"].tolist() == [3, 5]
        with pytest.raises(ValueError, match="lag: expected 1 to 2"):
            series.difference(table, 3)
        with pytest.raises(ValueError, match="before: expected"):
            series.undo_difference(np.ones(3), np.ones((1, 2)))


def rivals():
    return {
        "last": series.predict_last,
        "season": lambda p, **k: series.predict_season(p, 3, **k),
        "mean": series.predict_mean,
        "window": lambda p, **k: series.predict_mean(p, window=4, **k),
        "season mean": lambda p, **k: series.predict_season_mean(p, 3, **k),
        "last seasons": lambda p, **k: series.predict_season_mean(p, 3, n_seasons=2, **k),
        "smoothed": lambda p, **k: series.predict_smoothed(p, 0.3, **k),
    }


@pytest.mark.parametrize("name", rivals())
class TestRivals:
    @pytest.fixture
    def panel(self):
        rng = np.random.default_rng(0)
        values = rng.normal(size=(20, 3))
        values[rng.random((20, 3)) < 0.2] = np.nan
        return pd.DataFrame(values, index=pd.date_range("2024-01-01", periods=20))

    @pytest.mark.parametrize("horizon", [1, 2, 5])
    def test_no_forecast_knows_its_future(self, name, panel, horizon):
        predict = rivals()[name]
        whole = predict(panel, horizon=horizon)
        for time in (6, 13):
            known = panel.copy()
            known.iloc[time - horizon + 1 :] = 99.0
            pd.testing.assert_series_equal(
                whole.iloc[time], predict(known, horizon=horizon).iloc[time]
            )

    def test_a_constant_is_forecast_exactly(self, name, panel):
        constant = panel * 0 + 5
        found = rivals()[name](constant)
        assert np.allclose(found.to_numpy()[np.isfinite(found)], 5)

    def test_horizons_start_at_one(self, name, panel):
        with pytest.raises(ValueError, match="horizon: expected at least 1"):
            rivals()[name](panel, horizon=0)


class TestSmoothing:
    def test_weights_by_hand(self):
        panel = pd.DataFrame({"a": [1.0, 0.0, np.nan, 1.0, 0.0]})
        found = series.predict_smoothed(panel, 0.5)["a"]
        assert found[4] == pytest.approx((1 + 0.25 * 0 + 0.125 * 1) / (1 + 0.25 + 0.125))

    def test_pandas_agrees(self):
        panel = pd.DataFrame(np.random.default_rng(1).normal(size=(30, 2)))
        theirs = panel.ewm(alpha=0.2).mean().shift(1)
        assert np.allclose(series.predict_smoothed(panel, 0.2)[1:], theirs[1:])

    def test_exposure_makes_it_a_ratio_of_decayed_counts(self):
        shares = pd.DataFrame({"a": [0.5, 0.1, 0.0]})
        n = pd.DataFrame({"a": [2.0, 10.0, 1.0]})
        found = series.predict_smoothed(shares, 0.5, exposure=n)["a"][2]
        assert found == pytest.approx((1 + 0.5 * 1) / (10 + 0.5 * 2))

    def test_a_prior_speaks_where_nothing_was_seen(self):
        shares = pd.DataFrame({"a": [np.nan, 0.4, 0.4]})
        prior = pd.DataFrame({"a": [0.2, 0.2, 0.2]})
        found = series.predict_smoothed(shares, 0.5, prior=prior, prior_weight=1)["a"]
        assert found.tolist() == pytest.approx([0.2, 0.2, 0.3])

    def test_a_missing_exposure_counts_nothing(self):
        panel = pd.DataFrame({"a": [0.5, 0.2, 0.4, 0.1]})
        n = pd.DataFrame({"a": [2.0, np.nan, 2.0, 2.0]})
        found = series.predict_smoothed(panel, 0.5, exposure=n)["a"]
        assert found[2:].tolist() == pytest.approx([0.5, (0.8 + 0.25 * 1) / (2 + 0.25 * 2)])

    def test_a_silent_prior_changes_nothing(self):
        panel = pd.DataFrame({"a": [0.5, 0.2, 0.4]})
        prior = panel * np.nan
        found = series.predict_smoothed(panel, 0.5, prior=prior, prior_weight=3)
        pd.testing.assert_frame_equal(found, series.predict_smoothed(panel, 0.5))

    def test_other_tables_must_fit(self):
        panel = pd.DataFrame({"a": [0.5, 0.2]})
        for name, table in (("exposure", panel[:1]), ("exposure", panel.rename(columns=str.upper))):
            with pytest.raises(ValueError, match=f"{name}: expected the times and series"):
                series.predict_smoothed(panel, 0.5, **{name: table})
        with pytest.raises(ValueError, match="negative"):
            series.predict_smoothed(panel, 0.5, exposure=-panel)

    def test_times_may_have_any_labels(self):
        panel = pd.DataFrame({"a": [1.0, 10, 3, 20]}, index=[7, 7, 1, 0])
        assert series.predict_season_mean(panel, 2)["a"].tolist()[2:] == [1, 10]

    def test_bad_weights(self):
        panel = pd.DataFrame({"a": [1.0, 2.0]})
        with pytest.raises(ValueError, match="weight: expected a number between 0 and 1"):
            series.predict_smoothed(panel, 0)
        with pytest.raises(ValueError, match="prior_weight"):
            series.predict_smoothed(panel, 0.5, prior_weight=2)
        with pytest.raises(ValueError, match="window: expected at least 1"):
            series.predict_mean(panel, window=0)
