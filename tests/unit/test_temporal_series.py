"""Periods, trends and statistics of series against scipy, numpy and pandas."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal, stats

from stim_lib import temporal

RNG = np.random.default_rng(4)
NOISE = RNG.normal(size=(60, 5))
HOLES = np.where(RNG.random((60, 5)) < 0.2, np.nan, NOISE)


class TestPeriodogram:
    def test_a_pure_wave_by_hand(self):
        wave = 3 + 2 * np.sin(2 * np.pi * np.arange(28) / 7)
        shares = temporal.periodogram(wave)[0]
        assert shares.loc[7] == pytest.approx(1) and shares.drop(7).max() < 1e-12
        assert shares.index.tolist()[:3] == [28, 14, 28 / 3]

    def test_complete_series_equal_scipy(self):
        frequency, power = signal.periodogram(NOISE[:, 0], detrend="constant")
        mine = temporal.periodogram(NOISE)[0].to_numpy()
        assert np.allclose(1 / frequency[1:-1], temporal.periodogram(NOISE).index)
        # scipy's one-sided density holds 2/n of each sum of squares.
        total = ((NOISE[:, 0] - NOISE[:, 0].mean()) ** 2).sum()
        assert np.allclose(mine, power[1:-1] / total)

    def test_with_holes_equal_scipy(self):
        known = np.isfinite(HOLES[:, 1])
        times = np.flatnonzero(known).astype(float)
        mine = temporal.periodogram(HOLES)[1]
        theirs = signal.lombscargle(
            times, HOLES[known, 1], 2 * np.pi / mine.index.to_numpy(),
            normalize=True, floating_mean=True,
        )  # fmt: skip
        assert np.allclose(mine, theirs)

    def test_few_holes_and_none_are_close(self):
        one = NOISE.copy()
        one[7, 0] = np.nan
        gap = temporal.periodogram(one)[0] - temporal.periodogram(NOISE)[0]
        assert 0 < gap.abs().max() < 0.1

    def test_level_and_scale_do_not_matter(self):
        for panel in (NOISE, HOLES):
            pd.testing.assert_frame_equal(
                temporal.periodogram(panel), temporal.periodogram(1e6 + 1000 * panel), atol=1e-8
            )

    def test_errors(self):
        with pytest.raises(ValueError, match="5 times or more, found 4"):
            temporal.periodogram(np.arange(4.0))
        with pytest.raises(ValueError, match="row 2, series 0"):
            temporal.periodogram(np.array([1, 2, np.inf, 4, 5, 6]))
        with pytest.raises(ValueError, match="time down"):
            temporal.periodogram(np.zeros((0, 3)))


class TestFindPeriods:
    def test_finds_the_week_among_noise_with_holes(self):
        days = np.arange(140)[:, None]
        panel = np.sin(2 * np.pi * days / 7 + np.arange(20)) + RNG.normal(size=(140, 20))
        panel[RNG.random(panel.shape) < 0.3] = np.nan
        table = temporal.find_periods(panel)
        assert (table["period"] == 7).all() and table["significant"].all()

    # 10,000 series: a rate of 5 % is known to ± 0.7 points (three standard errors).
    @pytest.mark.parametrize(("n_times", "missing"), [(51, 0), (60, 0), (60, 0.1), (60, 0.5)])
    def test_noise_is_called_periodic_as_often_as_stated(self, n_times, missing):
        rng = np.random.default_rng(11)
        panel = rng.normal(size=(n_times, 10_000))
        panel[rng.random(panel.shape) < missing] = np.nan
        table = temporal.find_periods(panel)
        assert table["significant"].mean() == pytest.approx(0.05, abs=0.007)
        assert (table["p_value"] <= 0.01).mean() == pytest.approx(0.01, abs=0.003)

    def test_a_range_keeps_the_level_and_looks_nowhere_else(self):
        panel = np.random.default_rng(12).normal(size=(60, 4000))
        table = temporal.find_periods(panel, shortest=5, longest=10)
        assert 0.04 <= table["significant"].mean() <= 0.057
        assert table["period"].between(5, 10).all()

    def test_noise_that_is_not_white_fools_it(self):
        rng = np.random.default_rng(13)
        walk = rng.normal(size=(60, 500)).cumsum(axis=0)
        assert temporal.find_periods(walk)["significant"].mean() > 0.9

    def test_fisher_against_simulation_and_its_limits(self):
        from stim_lib.temporal.periods import fisher_p_values

        share = np.random.default_rng(3).exponential(size=(20_000, 25))
        g = share.max(axis=1) / share.sum(axis=1)
        for level in (0.5, 0.1, 0.02):
            assert (fisher_p_values(g, 25) <= level).mean() == pytest.approx(level, abs=0.012)
        assert fisher_p_values(np.array([1.0, 1 / 25]), 25).tolist() == [0, 1]
        assert fisher_p_values(np.array([0.004, 0.02]), 1000).tolist()[0] == 1

    def test_constant_short_and_empty_series_say_why(self):
        panel = pd.DataFrame({"flat": [0.1] * 8, "short": [1.0, 2, 3, 4] + [np.nan] * 4,
                              "empty": [np.nan] * 8})  # fmt: skip
        table = temporal.find_periods(panel)
        assert table["reason"].tolist() == [
            "the series is constant", "fewer than 5 values", "fewer than 5 values",
        ]  # fmt: skip
        assert table[["period", "strength", "p_value"]].isna().all().all()
        assert not table["significant"].any()

    def test_errors(self):
        with pytest.raises(ValueError, match=r"\(0, 1\), found 5"):
            temporal.find_periods(NOISE, level=5)
        with pytest.raises(ValueError, match="expected a range with a period"):
            temporal.find_periods(NOISE, shortest=100)


class TestTrends:
    def test_by_hand(self):
        row = temporal.linear_trend([0.0, 1.0, 5.0]).iloc[0]
        assert (row["slope"], row["intercept"]) == (2.5, -0.5)
        row = temporal.quadratic_trend([1.0, 0.0, 1.0, 4.0]).iloc[0]
        assert row[["curvature", "linear", "intercept", "turning_time"]].tolist() == pytest.approx(
            [1, -2, 1, 1]
        )
        assert temporal.robust_slope([0.0, 2.0, 4.0, 6.0, -50.0]).iloc[0]["slope"] == 2

    @pytest.mark.parametrize("panel", [NOISE, HOLES], ids=["whole", "holes"])
    def test_equal_to_references(self, panel):
        times = np.sort(np.random.default_rng(2).choice(500, 60, replace=False)) + 15_000.0
        line = temporal.linear_trend(panel, times)
        curve = temporal.quadratic_trend(panel, times)
        robust = temporal.robust_slope(panel, times)
        for column in range(panel.shape[1]):
            known = np.isfinite(panel[:, column])
            x, y = times[known], panel[known, column]
            ref = stats.linregress(x, y)
            assert line.loc[column, ["slope", "intercept", "slope_error"]].tolist() == (
                pytest.approx([ref.slope, ref.intercept, ref.stderr])
            )
            centre = x.mean()
            a, b, c = np.polyfit(x - centre, y, 2)
            assert curve.loc[column, ["curvature", "linear", "intercept"]].tolist() == (
                pytest.approx([a, b - 2 * a * centre, a * centre**2 - b * centre + c], rel=1e-6)
            )
            theil = stats.theilslopes(y, x)
            assert robust.loc[column, ["slope", "intercept"]].tolist() == pytest.approx(
                [theil.slope, theil.intercept]
            )

    @settings(deadline=None)
    @given(
        st.lists(st.integers(-1000, 1000), min_size=4, max_size=20),
        st.floats(-50, 50),
        st.integers(-50, 50),
    )
    def test_adding_a_line_adds_its_slope(self, values, slope, level):
        y = np.array(values, dtype=float)
        line = level + slope * np.arange(len(y))
        for fit, name in ((temporal.linear_trend, "slope"), (temporal.robust_slope, "slope")):
            before, after = fit(y).iloc[0][name], fit(y + line).iloc[0][name]
            assert after - before == pytest.approx(slope, abs=1e-8)
        before, after = (temporal.quadratic_trend(v).iloc[0]["curvature"] for v in (y, y + line))
        assert after == pytest.approx(before, abs=1e-8)

    def test_batches_do_not_matter(self, monkeypatch):
        from stim_lib.temporal import trends

        whole = temporal.robust_slope(HOLES)
        monkeypatch.setattr(trends, "CELLS_AT_ONCE", 1)
        pd.testing.assert_frame_equal(whole, temporal.robust_slope(HOLES))

    def test_too_little_says_why(self):
        panel = pd.DataFrame({"none": [np.nan] * 3, "one": [1, np.nan, np.nan],
                              "two": [1, 2, np.nan]})  # fmt: skip
        line = temporal.linear_trend(panel)
        assert line["slope"].isna().tolist() == [True, True, False]
        assert line["reason"].tolist() == [
            "fewer than two values", "fewer than two values", "two values: no standard error",
        ]  # fmt: skip
        assert line["n_missing"].tolist() == [3, 2, 1]
        assert temporal.quadratic_trend(panel)["curvature"].isna().all()
        assert temporal.robust_slope(panel)["slope"].isna().tolist() == [True, True, False]
        assert temporal.robust_slope([1.0]).iloc[0]["reason"] == "fewer than two values"

    def test_constant_and_straight_series(self):
        assert temporal.linear_trend([0.1] * 9).iloc[0]["slope"] == pytest.approx(0, abs=1e-15)
        row = temporal.quadratic_trend(np.arange(9.0)).iloc[0]
        assert np.isnan(row["turning_time"]) and "straight" in row["reason"]
        assert row["curvature"] == pytest.approx(0, abs=1e-12)

    def test_errors(self):
        for fit in (temporal.linear_trend, temporal.quadratic_trend, temporal.robust_slope):
            with pytest.raises(ValueError, match="for each of 3 rows"):
                fit([1.0, 2.0, 3.0], [0, 1])
            with pytest.raises(ValueError, match="step back"):
                fit([1.0, 2.0, 3.0], [0, 2, 1])


class TestSeriesStatistics:
    def test_equal_to_pandas_and_scipy(self):
        frame = pd.DataFrame(NOISE)
        table = temporal.series_statistics(frame, lags=(1, 7))
        assert np.allclose(table["mean"], frame.mean())
        assert np.allclose(table["median"], frame.median())
        assert np.allclose(table["standard_deviation"], frame.std(ddof=0))
        assert np.allclose(table["skewness"], frame.skew())
        assert np.allclose(table["kurtosis"], frame.kurt())
        assert np.allclose(table["minimum"], frame.min()) and np.allclose(
            table["maximum"], frame.max()
        )
        ref = stats.linregress(np.arange(60), NOISE[:, 0])
        assert table.loc[0, ["trend_slope", "trend_correlation", "trend_error"]].tolist() == (
            pytest.approx([ref.slope, ref.rvalue, ref.stderr])
        )
        off = NOISE[:, 2] - NOISE[:, 2].mean()
        assert table.loc[2, "autocorrelation_7"] == pytest.approx(
            (off[7:] * off[:-7]).sum() / (53 * off.var())
        )

    def test_holes_are_left_out(self):
        frame = pd.DataFrame(HOLES)
        table = temporal.series_statistics(frame)
        assert np.allclose(table["median"], frame.median())
        assert np.allclose(table["kurtosis"], frame.kurt())
        assert np.allclose(table["mean_change"], frame.diff().mean())
        assert table["n_missing"].tolist() == frame.isna().sum().tolist()

    def test_by_hand(self):
        row = temporal.series_statistics([1.0, 3.0, 2.0, 6.0]).iloc[0]
        assert row["mean_abs_change"] == (2 + 1 + 4) / 3 and row["share_above_mean"] == 0.25
        assert row["root_mean_square"] == np.sqrt(50 / 4)

    def test_constant_empty_and_single(self):
        panel = pd.DataFrame({"flat": [0.1] * 5, "empty": [np.nan] * 5,
                              "one": [2.0] + [np.nan] * 4})  # fmt: skip
        table = temporal.series_statistics(panel)
        assert table.loc["flat", "standard_deviation"] == 0
        assert np.isnan(table.loc["flat", ["skewness", "autocorrelation_1"]].astype(float)).all()
        assert table["reason"].str.split(":").str[0].tolist() == [
            "constant",
            "no values",
            "constant",
        ]
        numbers = table.drop(columns=["n", "n_missing", "reason"]).loc["empty"].astype(float)
        assert numbers.isna().all()

    def test_errors(self):
        with pytest.raises(ValueError, match="from 1 to 59"):
            temporal.series_statistics(NOISE, lags=(60,))


def test_missing_values_far_away_cost_no_digits():
    y = np.array([np.nan, 1.0, 3, 5, 7])
    for far in (1e7, 1e9):
        line = temporal.linear_trend(y, np.array([0.0, far, far + 1, far + 2, far + 3])).iloc[0]
        assert line["slope"] == pytest.approx(2, rel=1e-9)
        assert line["slope_error"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_numbers_whose_squares_are_none(scale):
    with pytest.raises(ValueError, match="use another unit"):
        temporal.series_statistics(scale * np.arange(1.0, 9))


def test_a_week_needs_whole_weeks():
    days = np.arange(319)
    noise = np.random.default_rng(0).normal(size=319)
    y = 0.35 * np.sin(2 * np.pi * days / 7) + noise
    whole, cut = temporal.find_periods(y, longest=10), temporal.find_periods(y[:315], longest=10)
    assert cut["period"][0] == 7 and cut["p_value"][0] < whole["p_value"][0]
