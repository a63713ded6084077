"""AR, MA and ARMA: by hand, against statsmodels, against known truth, and on bad input."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from statsmodels.regression.linear_model import burg, yule_walker
from statsmodels.tsa.ar_model import AutoReg
from statsmodels.tsa.arima.model import ARIMA

from stim_lib import series
from stim_lib.series import fit, innovations, stationary

METHODS = ("ols", "yule_walker", "burg")
COFFEES = np.array([2.0, 4, 5, 4, 2, 1])
partials = hnp.arrays(float, (3, 3), elements=st.floats(-0.95, 0.95))


def peer(method, values, order):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        if method == "ols":
            return AutoReg(values, order).fit().params[1:]
        if method == "burg":
            return burg(values, order)[0]
        return yule_walker(values, order, method="mle")[0]


def with_holes(values, share, seed=0):
    holes = np.random.default_rng(seed).random(values.shape) < share
    return np.where(holes, np.nan, values)


class TestStationary:
    @given(partials)
    def test_partial_autocorrelations_and_coefficients(self, partial):
        ar = stationary.partial_to_ar(partial)
        assert np.allclose(stationary.ar_to_partial(ar), partial, atol=1e-6)
        assert not stationary.has_root_beyond(ar).any()

    @given(hnp.arrays(float, (1, 3), elements=st.floats(-2, 2)), st.sampled_from([0.9, 1.0]))
    def test_roots_without_computing_them(self, ar, radius):
        largest = np.abs(np.roots([1, *-ar[0]])).max(initial=0)
        if abs(largest - radius) > 1e-6:
            assert stationary.has_root_beyond(ar, radius)[0] == (largest >= radius)


class TestAutoregression:
    @pytest.mark.parametrize(
        ("method", "phi"), [("ols", 1 / 2), ("yule_walker", 1 / 3), ("burg", 8 / 19)]
    )
    def test_six_coffees_by_hand(self, method, phi):
        assert series.fit_ar(COFFEES, 1, method=method).ar.item() == pytest.approx(phi, abs=1e-14)

    def test_the_line_through_the_points(self):
        slope = np.polyfit(COFFEES[:-1], COFFEES[1:], 1)
        found = series.fit_ar(COFFEES, 1)
        assert found.beta.item() * (1 - found.ar.item()) == pytest.approx(slope[1])
        line = stats.linregress(COFFEES[:-1], COFFEES[1:])
        assert found.ar_error.item() == pytest.approx(line.stderr)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("order", [1, 2, 5])
    def test_equal_to_statsmodels(self, method, order):
        values = series.simulate_arma(
            120, ar=[0.6, -0.3], ma=[0.4], mean=50, n_series=30, seed=order
        )
        found = series.fit_ar(values, order, method=method).ar
        theirs = np.array([peer(method, column, order) for column in values.T])
        assert np.abs(found - theirs).max() < 1e-10

    def test_least_squares_with_gaps_uses_whole_equations(self):
        values = with_holes(series.simulate_arma(80, ar=[0.7], mean=3, n_series=5), 0.15)
        found = series.fit_ar(values, 2)
        for i, column in enumerate(values.T):
            rows = np.column_stack([column[2:], column[1:-1], column[:-2]])
            rows = rows[np.isfinite(rows).all(axis=1)]
            design = np.column_stack([np.ones(len(rows)), rows[:, 1:]])
            assert np.allclose(np.linalg.lstsq(design, rows[:, 0])[0][1:], found.ar[i])
            assert found.n_used[i] == len(rows)

    @pytest.mark.parametrize("method", METHODS)
    def test_one_series_is_a_table_of_one(self, method):
        values = with_holes(series.simulate_arma(90, ar=[0.5], n_series=7), 0.1)
        table = series.fit_ar(values, 2, method=method)
        for i in range(7):
            alone = series.fit_ar(values[:, i], 2, method=method)
            assert np.allclose(alone.ar[0], table.ar[i], atol=1e-12)

    @pytest.mark.parametrize("method", METHODS)
    @given(st.floats(0.01, 100), st.floats(-100, 100))
    @settings(max_examples=15)
    def test_units_and_origin_do_not_matter(self, method, scale, shift):
        values = series.simulate_arma(60, ar=[0.5], seed=2)
        plain = series.fit_ar(values, 2, method=method)
        moved = series.fit_ar(scale * values + shift, 2, method=method)
        assert np.allclose(plain.ar, moved.ar, atol=1e-6)
        assert np.allclose(moved.beta, scale * plain.beta + shift, rtol=1e-5, atol=1e-5)

    @given(hnp.arrays(float, (25, 1), elements=st.floats(-10, 10)))
    def test_two_of_the_three_are_always_stationary(self, values):
        for method in ("yule_walker", "burg"):
            found = series.fit_ar(np.r_[values, values[:1]], 2, method=method)
            if found.status[0] in {"ok", "unit root"}:
                # On the edge, and no further: a perfect wave has partial autocorrelation 1.
                assert (np.abs(stationary.ar_to_partial(found.ar))[:, -1] <= 1 + 1e-9).all()
                assert not stationary.has_root_beyond(found.ar, 1 + 1e-6).any()

    def test_gaps_do_not_bias(self):
        values = with_holes(series.simulate_arma(3000, ar=[0.7], n_series=20, seed=4), 0.3)
        for method in METHODS:
            assert series.fit_ar(values, 1, method=method).ar.mean() == pytest.approx(0.7, abs=0.02)

    def test_forecast_intervals_and_estimates_cover(self):
        values = series.simulate_arma(400, ar=[0.6], mean=1, n_series=1500, seed=8)
        found = series.fit_ar(values, 1)
        inside = np.abs(found.ar - 0.6) < 1.96 * found.ar_error
        assert 0.93 < inside.mean() < 0.97

    @pytest.mark.parametrize("order", [0, -1, 1.5, True, "2"])
    def test_orders_are_whole_numbers(self, order):
        with pytest.raises(ValueError, match="order: expected a whole number"):
            series.fit_ar(COFFEES, order)

    def test_unknown_method(self):
        with pytest.raises(ValueError, match="method: expected one of"):
            series.fit_ar(COFFEES, 1, method="guess")


BAD = {
    "constant": np.full(40, 0.1 + 0.2),
    "all missing": np.full(40, np.nan),
    "too short": np.r_[1.0, 3.0, np.full(38, np.nan)],
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize(
    "estimate",
    [
        *(lambda y, m=m: series.fit_ar(y, 1, method=m) for m in METHODS),
        lambda y: series.fit_ma(y, 1),
        lambda y: series.fit_arma(y, (1, 1)),
    ],
    ids=[*METHODS, "ma", "arma"],
)
class TestBadSeries:
    def test_alone_it_is_an_error(self, name, estimate):
        with pytest.raises(ValueError, match=f"observed values that differ, found it {name}"):
            estimate(BAD[name])

    def test_in_a_table_it_is_a_flagged_row(self, name, estimate):
        good = series.simulate_arma(40, ar=[0.5])[:, 0]
        found = estimate(np.column_stack([good, BAD[name], good]))
        assert found.status[[0, 2]].tolist() == ["ok", "ok"]
        assert found.status[1] == name
        assert np.isnan(np.hstack([found.ar, found.ma])[1]).all()
        assert np.isfinite(np.hstack([found.ar, found.ma])[[0, 2]]).all()
        ahead = series.forecast(found, np.column_stack([good, BAD[name], good]), 2)
        assert ahead.mean[1].isna().all() and ahead.mean[[0, 2]].notna().all(axis=None)


class TestBadInput:
    def test_infinite_and_words(self):
        with pytest.raises(ValueError, match="found inf at time 1, series 0"):
            series.fit_ar(np.array([1.0, np.inf, 2.0]), 1)
        with pytest.raises(ValueError, match="expected numbers"):
            series.fit_ar(np.array(["a", "b"]), 1)
        with pytest.raises(ValueError, match="found shape"):
            series.fit_ar(np.empty((0, 2)), 1)

    def test_a_straight_line_has_a_unit_root(self):
        found = series.fit_ar(np.arange(30.0), 1)
        assert found.status[0] == "unit root"
        explosive = series.fit_ar(1.3 ** np.arange(30), 1)
        assert explosive.status[0] == "unit root"
        assert series.predict_ahead(explosive, 1.3 ** np.arange(30)).mean.notna().all(axis=None)

    def test_most_random_walks_are_not_stationary_to_the_tests(self):
        walk = np.random.default_rng(3).normal(size=400).cumsum()
        verdict = series.check_stationarity(walk)["p_value"]
        assert verdict["ADF"] > 0.05 and verdict["KPSS"] < 0.05
        noise = np.random.default_rng(3).normal(size=400)
        verdict = series.check_stationarity(noise)["p_value"]
        assert verdict["ADF"] < 0.05 and verdict["KPSS"] > 0.05

    @pytest.mark.parametrize(
        ("start", "message"),
        [
            (([0.5], [1.5]), "invertible moving average"),
            (([1.0], [0.2]), "stationary autoregression"),
            (([0.5], []), "expected 1 numbers for φ and 1 for θ"),
            (([0.5], [np.nan]), "expected 1 numbers"),
            ("near", "start: expected"),
        ],
    )
    def test_bad_starts(self, start, message):
        values = series.simulate_arma(50, ar=[0.5])
        with pytest.raises(ValueError, match=message):
            series.fit_arma(values, (1, 1), start=start)

    @pytest.mark.parametrize("order", [(1,), (-1, 0), "11", (1.0, 1), (30, 0), None])
    def test_bad_orders(self, order):
        with pytest.raises(ValueError, match="order: expected two whole numbers"):
            series.fit_arma(COFFEES, order)

    def test_regressors_are_checked(self):
        days = pd.date_range("2024-01-01", periods=50)
        values = pd.DataFrame(series.simulate_arma(50, ar=[0.5], n_series=2), index=days)
        week = series.weekday_dummies(days)
        cases = {
            "expected 50 times, found 49": week[:49],
            "expected the times of the series": series.weekday_dummies(days + pd.Timedelta("1D")),
            "independent columns": week.assign(constant=1.0),
            "found nan at time": week.assign(Mon=np.nan),
        }
        for message, table in cases.items():
            with pytest.raises(ValueError, match=message):
                series.fit_arma(values, (1, 0), regressors=table)

    def test_regressors_are_matched_by_name(self):
        values = pd.Series(series.simulate_arma(50, ar=[0.5])[:, 0], index=range(50))
        table = pd.DataFrame({"one": 1.0, "x": np.arange(50.0)})
        with pytest.raises(ValueError, match="expected the times of the series"):
            series.fit_arma(values, (1, 0), regressors=table[::-1])
        with pytest.raises(ValueError, match="another name than 'mean'"):
            series.fit_arma(values, (1, 0), regressors=table[["x"]].set_axis(["mean"], axis=1))

    def test_dates_must_be_in_order_and_without_holes(self):
        days = pd.date_range("2024-01-01", periods=50)
        values = pd.Series(series.simulate_arma(50, ar=[0.5])[:, 0], index=days)
        for bad in (values.drop(days[20]), values[::-1], values.sample(frac=1, random_state=0)):
            with pytest.raises(ValueError, match="in order and in equal steps"):
                series.fit_ar(bad, 1)
        series.fit_ar(values.drop(days[20]).asfreq("D"), 1)
        monthly = pd.Series(values.to_numpy(), index=pd.date_range("2020", periods=50, freq="MS"))
        assert series.fit_ar(monthly, 1).status[0] == "ok"
        series.fit_ar(monthly.to_period("M"), 1)
        with pytest.raises(ValueError, match="in order and in equal steps"):
            series.fit_ar(monthly.to_period("M").drop(pd.Period("2021-01")), 1)

    def test_a_weekday_never_seen_is_a_flagged_row(self):
        days = pd.date_range("2024-01-01", periods=70)
        values = pd.DataFrame(series.simulate_arma(70, ar=[0.5], n_series=2), index=days)
        values.loc[days.day_of_week == 6, 1] = np.nan
        found = series.fit_arma(values, (1, 0), regressors=series.weekday_dummies(days))
        assert found.status.tolist() == ["ok", "regressors dependent"]

    def test_forecasts_want_the_series_of_the_fit(self):
        values = series.simulate_arma(60, ar=[0.5], n_series=2)
        found = series.fit_ar(values, 1)
        with pytest.raises(ValueError, match="the 2 series of the fit, found 1"):
            series.forecast(found, values[:, :1], 3)
        with pytest.raises(ValueError, match="columns of the fit"):
            series.forecast(found, pd.DataFrame(values, columns=list("ab")), 3)
        with pytest.raises(ValueError, match="n_steps"):
            series.forecast(found, values, 0)
        with pytest.raises(ValueError, match="horizon"):
            series.predict_ahead(found, values, 0)
        with pytest.raises(ValueError, match="level"):
            series.forecast(found, values, 3).interval(95)


ORDERS = [((0.6,), ()), ((), (0.5,)), ((0.8,), (-0.4,)), ((0.5, 0.2), (0.3,)), ((0.3,), (0.4, 0.2))]


class TestExactLikelihood:
    @pytest.mark.parametrize(("ar", "ma"), ORDERS)
    @pytest.mark.parametrize("holes", [0, 0.2])
    def test_likelihood_at_the_estimate_is_that_of_statsmodels(self, ar, ma, holes):
        values = with_holes(series.simulate_arma(150, ar=ar, ma=ma, mean=2, n_series=3), holes)
        found = series.fit_arma(values, (len(ar), len(ma)))
        for i, column in enumerate(values.T):
            parameters = np.r_[found.beta[i], found.ar[i], found.ma[i], found.sigma2[i]]
            model = ARIMA(column, order=(len(ar), 0, len(ma)))
            assert model.loglike(parameters) == pytest.approx(found.log_likelihood[i], abs=1e-7)

    @pytest.mark.parametrize(("ar", "ma"), ORDERS[:3])
    def test_no_less_likely_than_statsmodels(self, ar, ma):
        values = series.simulate_arma(200, ar=ar, ma=ma, n_series=8, seed=1)
        order = (len(ar), len(ma))
        found = series.fit_arma(values, order)
        for i, column in enumerate(values.T):
            theirs = series.fit_arma_by_statsmodels(column, order)
            assert found.log_likelihood[i] > theirs.log_likelihood[0] - 1e-3

    def test_with_regressors_and_gaps(self):
        days = pd.date_range("2024-01-01", periods=140)
        season = np.where(days.day_of_week >= 5, 2.0, 0.0)[:, None]
        values = with_holes(season + series.simulate_arma(140, ar=[0.7], n_series=4), 0.1)
        values, week = pd.DataFrame(values, index=days), series.weekday_dummies(days)
        found = series.fit_arma(values, (1, 1), regressors=week)
        theirs = series.fit_arma_by_statsmodels(values[0], (1, 1), regressors=week)
        assert found.log_likelihood[0] == pytest.approx(theirs.log_likelihood[0], abs=1e-2)
        weekend = found.beta[:, 5:].mean() - found.beta[:, :5].mean()
        assert weekend == pytest.approx(2, abs=0.3)

    def test_white_noise_has_a_closed_form(self):
        values = np.random.default_rng(0).normal(3, 2, size=(80, 2))
        found = series.fit_arma(values, (0, 0))
        assert np.allclose(found.beta[:, 0], values.mean(axis=0))
        assert np.allclose(found.sigma2, values.var(axis=0))
        expected = stats.norm.logpdf(values, values.mean(axis=0), values.std(axis=0)).sum(axis=0)
        assert np.allclose(found.log_likelihood, expected)

    def test_forecasts_as_good_as_statsmodels(self):
        values = series.simulate_arma(170, ar=[0.8], ma=[-0.4], n_series=25, seed=3)
        found = series.fit_arma(values[:150], (1, 1))
        ours = series.predict_ahead(found, values).mean.to_numpy()[150:]
        theirs = []
        for column in values.T:
            result = ARIMA(column[:150], order=(1, 0, 1)).fit()
            theirs.append(result.append(column[150:]).fittedvalues[150:])
        errors = [np.abs(values[150:] - guess).mean() for guess in (ours, np.array(theirs).T)]
        assert errors[0] < 1.01 * errors[1]

    @pytest.mark.parametrize(("ar", "ma"), ORDERS[:3])
    def test_estimates_are_unbiased_and_intervals_cover(self, ar, ma):
        n_times, n_series = 1000, 800
        values = series.simulate_arma(n_times, ar=ar, ma=ma, mean=1, n_series=n_series, seed=11)
        found = series.fit_arma(values, (len(ar), len(ma)))
        good = found.take(found.status == "ok")
        assert len(good.status) > 0.98 * n_series
        estimate, error = np.hstack([good.ar, good.ma]), np.hstack([good.ar_error, good.ma_error])
        truth = np.array([*ar, *ma])
        # Likelihood leans by some (1 + 3 φ) / n on known theory; beyond it nothing may be left.
        slack = 4 * estimate.std(axis=0) / np.sqrt(n_series) + 8 / n_times
        assert (np.abs(estimate.mean(axis=0) - truth) < slack).all()
        inside = np.abs(estimate - truth) < 1.96 * error
        assert ((inside.mean(axis=0) > 0.93) & (inside.mean(axis=0) < 0.97)).all()
        assert good.sigma2.mean() == pytest.approx(1, abs=0.01)

    def test_bias_of_an_autoregression_is_the_known_one(self):
        values = series.simulate_arma(100, ar=[0.6], n_series=3000, seed=12)
        for found in (series.fit_ar(values, 1), series.fit_arma(values, (1, 0))):
            expected = 0.6 - (1 + 3 * 0.6) / 100
            spread = found.ar.std() / np.sqrt(3000)
            assert abs(found.ar.mean() - expected) < 3 * spread + 1e-3

    def test_blocks_change_nothing(self, monkeypatch):
        values = series.simulate_arma(60, ar=[0.5], n_series=9)
        whole = series.fit_arma(values, (1, 1))
        seen = []
        monkeypatch.setattr("stim_lib.series.arma.BLOCK_CELLS", 60 * 2 * 3 * 2)
        parts = series.fit_arma(values, (1, 1), progress=lambda *at: seen.append(at))
        assert np.allclose(whole.log_likelihood, parts.log_likelihood, atol=1e-5)
        assert seen[-1] == (9, 9) and len(seen) == 5

    @pytest.mark.parametrize(("scale", "shift"), [(1e-170, 0), (1e120, 0), (1, 1e9), (1e-6, 5)])
    def test_units_and_origin_do_not_matter(self, scale, shift):
        values = series.simulate_arma(150, ar=[0.8], ma=[-0.4], seed=1)
        plain = series.fit_arma(values, (1, 1))
        moved = series.fit_arma(scale * values + shift, (1, 1))
        assert moved.status[0] == "ok"
        assert np.allclose([moved.ar, moved.ma], [plain.ar, plain.ma], atol=2e-3)
        assert moved.beta[0, 0] == pytest.approx(scale * plain.beta[0, 0] + shift, rel=1e-3)

    def test_starts_are_used(self):
        values = series.simulate_arma(200, ar=[0.8], ma=[-0.4])
        found = series.fit_arma(values, (1, 1), start=([0.7], [-0.3]))
        free = series.fit_arma(values, (1, 1))
        assert found.log_likelihood[0] == pytest.approx(free.log_likelihood[0], abs=1e-4)
        stopped = series.fit_arma(values, (1, 1), start=([-0.7], [0.9]), max_iterations=1)
        assert stopped.status[0] == "not converged"


class TestPooled:
    def test_short_series_share_an_unbiased_memory(self):
        values = series.simulate_arma(15, ar=[0.7], n_series=2000, seed=1)
        values += 5 * np.random.default_rng(0).normal(size=2000)
        pooled = series.fit_pooled_arma(values, (1, 0))
        assert abs(pooled.ar[0, 0] - 0.7) < 3 * pooled.ar_error[0, 0]
        assert series.fit_arma(values, (1, 0)).ar.mean() < 0.55, "each alone forgets"

    @pytest.mark.parametrize("grouped", [False, True])
    def test_standard_errors_are_those_of_repeated_draws(self, grouped):
        drawn = series.simulate_arma(25, ar=[0.6], n_series=40 * 60, seed=5)
        if grouped:  # four series of a user that are nearly one and the same
            drawn = np.repeat(drawn[:, ::4], 4, axis=1) + 0.05 * drawn
        groups = np.arange(60) // 4 if grouped else None
        fits = [
            series.fit_pooled_arma(part, (1, 0), groups=groups)
            for part in np.split(drawn, 40, axis=1)
        ]
        spread = np.std([f.ar[0, 0] for f in fits])
        assert np.mean([f.ar_error[0, 0] for f in fits]) == pytest.approx(spread, rel=0.3)

    def test_groups_must_fit(self):
        with pytest.raises(ValueError, match="groups: expected one for each of 3, found 2"):
            series.fit_pooled_arma(series.simulate_arma(30, ar=[0.5], n_series=3), groups=[0, 1])

    def test_bad_series_are_left_out(self):
        values = series.simulate_arma(40, ar=[0.7], n_series=30)
        values[:, 3] = 1.0
        pooled = series.fit_pooled_arma(values, (1, 0))
        assert pooled.status[3] == "constant" and np.isnan(pooled.ar[3, 0])
        assert np.unique(pooled.ar[np.isfinite(pooled.ar)]).size == 1
        with pytest.raises(ValueError, match="series to fit"):
            series.fit_pooled_arma(values * 0, (1, 0))


class TestForecast:
    @pytest.mark.parametrize(("ar", "ma"), ORDERS)
    @pytest.mark.parametrize("holes", [0, 0.2])
    def test_means_and_errors_of_statsmodels(self, ar, ma, holes):
        values = with_holes(series.simulate_arma(90, ar=ar, ma=ma, mean=2), holes, seed=3)
        found = series.fit_arma(values, (len(ar), len(ma)))
        ahead = series.forecast(found, values, 6)
        parameters = np.r_[found.beta[0], found.ar[0], found.ma[0], found.sigma2]
        theirs = ARIMA(values[:, 0], order=(len(ar), 0, len(ma))).smooth(parameters)
        theirs = theirs.get_forecast(6)
        assert np.allclose(ahead.mean[0], theirs.predicted_mean, atol=1e-6)
        assert np.allclose(ahead.error[0], theirs.se_mean, atol=1e-6)

    @pytest.mark.parametrize(("ar", "ma"), ORDERS)
    @pytest.mark.parametrize("horizon", [1, 3])
    def test_ahead_within_is_the_forecast_from_there(self, ar, ma, horizon):
        values = with_holes(series.simulate_arma(60, ar=ar, ma=ma, mean=2, n_series=2), 0.15)
        found = series.fit_arma(values, (len(ar), len(ma)))
        ahead = series.predict_ahead(found, values, horizon)
        for time in (20, 41, 59):
            there = series.forecast(found, values[: time - horizon + 1], horizon)
            assert np.allclose(ahead.mean.iloc[time], there.mean.iloc[-1], atol=1e-8)
            assert np.allclose(ahead.error.iloc[time], there.error.iloc[-1], atol=1e-8)
        assert ahead.mean[: horizon - 1].isna().all(axis=None)

    def test_a_mean_that_is_learned_is_that_of_generalised_least_squares(self):
        values = 4 + series.simulate_arma(50, ar=[0.6], n_series=1)
        found = series.fit_ar(values, 1)
        phi, time = found.ar.item(), 30
        power = np.abs(np.subtract.outer(np.arange(time), np.arange(time)))
        inverse = np.linalg.inv(phi**power)
        mean = (inverse @ values[:time, 0]).sum() / inverse.sum()
        expected = mean + phi * (values[time - 1, 0] - mean)
        learned = series.predict_ahead(found, values, learn_mean=True).mean[0]
        assert learned[time] == pytest.approx(expected)

    @pytest.mark.parametrize("learn_mean", [False, True])
    @pytest.mark.parametrize("horizon", [1, 4])
    def test_no_forecast_knows_its_future(self, learn_mean, horizon):
        days = pd.date_range("2024-01-01", periods=80)
        values = pd.DataFrame(series.simulate_arma(80, ar=[0.8], n_series=3), index=days)
        week = series.weekday_dummies(days)
        found = series.fit_arma(values[:50], (1, 1), regressors=week[:50])
        settings = {"regressors": week, "learn_mean": learn_mean}
        whole = series.predict_ahead(found, values, horizon, **settings).mean
        for time in (55, 70):
            other = values.copy()
            other.iloc[time - horizon + 1 :] = 50.0
            moved = series.predict_ahead(found, other, horizon, **settings).mean
            assert np.array_equal(whole.iloc[time], moved.iloc[time])

    def test_intervals_hold_what_they_promise(self):
        values = series.simulate_arma(505, ar=[0.8], ma=[-0.4], mean=2, n_series=1500, seed=6)
        found = series.fit_arma(values[:500], (1, 1))
        low, high = series.forecast(found, values[:500], 5).interval(0.95)
        inside = (values[500:] > low.to_numpy()) & (values[500:] < high.to_numpy())
        assert ((inside.mean(axis=1) > 0.93) & (inside.mean(axis=1) < 0.97)).all()

    def test_far_ahead_lies_the_mean(self):
        values = series.simulate_arma(300, ar=[0.7], mean=9)
        found = series.fit_arma(values, (1, 1))
        ahead = series.forecast(found, values, 200)
        assert ahead.mean.iloc[-1, 0] == pytest.approx(found.beta.item())
        weights = innovations.psi_weights(found.ar, found.ma, 500)
        spread = np.sqrt(found.sigma2 * (weights**2).sum())
        assert ahead.error.iloc[-1, 0] == pytest.approx(spread.item())

    def test_forecasts_carry_on_the_calendar(self):
        days = pd.date_range("2024-01-01", periods=40, name="period")
        table = pd.DataFrame(series.simulate_arma(40, ar=[0.5]), index=days)
        ahead = series.forecast(series.fit_ar(table, 1), table, 3)
        assert ahead.mean.index.tolist() == list(pd.date_range("2024-02-10", periods=3))

    def test_future_regressors_are_asked_for(self):
        days = pd.date_range("2024-01-01", periods=70)
        table = pd.DataFrame(series.simulate_arma(70, ar=[0.5]), index=days)
        week = series.weekday_dummies(days)
        found = series.fit_arma(table, (1, 0), regressors=week)
        with pytest.raises(ValueError, match="future_regressors: expected 2 rows of Mon"):
            series.forecast(found, table, 2, regressors=week)
        with pytest.raises(ValueError, match="regressors: expected"):
            series.forecast(found, table, 2)
        late = series.weekday_dummies(pd.date_range("2024-05-11", periods=2))
        more = series.weekday_dummies(pd.date_range("2024-03-11", periods=2))
        for message, bad in (
            ("the times from", late),
            ("missing values", more * np.nan),
            ("no column Mon", more.drop(columns="Mon")),
        ):
            with pytest.raises(ValueError, match=message):
                series.forecast(found, table, 2, regressors=week, future_regressors=bad)
        ahead = series.forecast(found, table, 2, regressors=week, future_regressors=more)
        assert ahead.mean.shape == (2, 1)


class TestDiagnosis:
    def test_correlogram_of_statsmodels(self):
        from statsmodels.tsa.stattools import acf

        values = series.simulate_arma(200, ar=[0.7])[:, 0]
        table = series.correlogram(values, 6)
        assert np.allclose(table["acf"], acf(values, nlags=6)[1:])
        assert table["pacf"].iloc[0] == pytest.approx(table["acf"].iloc[0])
        assert table["bound"].iloc[0] == pytest.approx(1.96 / np.sqrt(200), rel=0.01)

    def test_the_band_holds_white_noise_with_gaps(self):
        noise = with_holes(np.random.default_rng(0).normal(size=(150, 200)), 0.4)
        tables = [series.correlogram(column, 30) for column in noise.T]
        outside = np.mean([(t["acf"].abs() > t["bound"]).mean() for t in tables])
        assert 0.03 < outside < 0.07

    def test_ljung_box_is_that_of_statsmodels_and_keeps_time(self):
        from statsmodels.stats.diagnostic import acorr_ljungbox

        values = series.simulate_arma(200, ar=[0.2])[:, 0]
        theirs = acorr_ljungbox(values, lags=[8], model_df=1).iloc[0]
        ours = series.check_residuals(values, 8, n_coefficients=1)
        assert ours["statistic"] == pytest.approx(theirs["lb_stat"])
        assert ours["p_value"] == pytest.approx(theirs["lb_pvalue"])
        weekly = np.tile([3.0, 0, 0, 0, 0, 0, 0], 40) + np.random.default_rng(0).normal(size=280)
        gappy = np.where(np.random.default_rng(1).random(280) < 0.3, np.nan, weekly)
        assert series.check_residuals(gappy)["p_value"] < 1e-3, "lag 7 is still a week"
        closed = acorr_ljungbox(gappy[np.isfinite(gappy)], lags=[10]).iloc[0]
        assert closed["lb_pvalue"] > 0.05, "with the gaps closed there is no week"

    def test_gaps_do_not_make_white_noise_significant(self):
        noise = with_holes(np.random.default_rng(3).normal(size=(200, 400)), 0.3)
        p_values = [series.check_residuals(column)["p_value"] for column in noise.T]
        assert 0.02 < np.mean(np.array(p_values) < 0.05) < 0.09

    def test_gaps_are_left_out(self):
        values = with_holes(series.simulate_arma(4000, ar=[0.7])[:, 0], 0.3)
        assert series.correlogram(values, 2)["acf"].round(1).tolist() == [0.7, 0.5]

    def test_partial_autocorrelations_end_at_the_order(self):
        values = series.simulate_arma(5000, ar=[0.5, 0.3])[:, 0]
        partial = series.correlogram(values, 6)["pacf"].abs()
        assert (partial[:2] > 0.2).all() and (partial[2:] < 0.05).all()

    def test_orders_are_found(self):
        assert series.choose_order(series.simulate_arma(800, ma=[0.6]), max_ar=2, max_ma=2).loc[
            0, ["p", "q"]
        ].tolist() == [0, 1]
        table = series.choose_order(COFFEES, max_ar=1, max_ma=0, criterion="aic")
        assert (table["aic"].diff().dropna() >= 0).all()

    def test_criteria_are_those_of_statsmodels(self):
        values = series.simulate_arma(150, ar=[0.6])[:, 0]
        table = series.choose_order(values, max_ar=1, max_ma=0).set_index("p")
        theirs = ARIMA(values, order=(1, 0, 0)).fit()
        assert table.loc[1, "aic"] == pytest.approx(theirs.aic, abs=1e-3)
        assert table.loc[1, "bic"] == pytest.approx(theirs.bic, abs=1e-3)

    def test_residuals_of_the_right_model_are_white(self):
        values = series.simulate_arma(1000, ar=[0.8], ma=[-0.4], seed=2)
        right, wrong = series.fit_arma(values, (1, 1)), series.fit_arma(values, (0, 0))
        left = series.standardised_residuals(right, values)[0]
        assert series.check_residuals(left, 10, n_coefficients=2)["p_value"] > 0.05
        assert left.var() == pytest.approx(1, abs=0.01)
        left = series.standardised_residuals(wrong, values)[0]
        assert series.check_residuals(left)["p_value"] < 1e-6

    @pytest.mark.parametrize("check", [series.correlogram, series.check_stationarity])
    def test_bad_series_are_refused(self, check):
        with pytest.raises(ValueError, match="observed values that differ"):
            check(np.ones(100))
        with pytest.raises(ValueError, match="expected one, found 2"):
            check(np.ones((100, 2)))
        with pytest.raises(ValueError, match="found 3"):
            check(np.array([1.0, 2, 3]))

    def test_bad_settings(self):
        with pytest.raises(ValueError, match="n_lags"):
            series.correlogram(COFFEES, 0)
        with pytest.raises(ValueError, match="more than 3"):
            series.check_residuals(COFFEES, 3, n_coefficients=3)
        with pytest.raises(ValueError, match="max_ar and max_ma"):
            series.choose_order(COFFEES, max_ar=-1)
        with pytest.raises(ValueError, match="criterion"):
            series.choose_order(COFFEES, criterion="best")
        with pytest.raises(ValueError, match="can't be fitted, it is constant"):
            series.choose_order(np.ones((50, 2)))


def test_simulated_series_start_like_they_go_on():
    drawn = series.simulate_arma(4, ar=[0.999], n_series=4000, seed=0)
    assert drawn.var(axis=1) == pytest.approx([1 / (1 - 0.999**2)] * 4, rel=0.1)
    mixed = series.simulate_arma(6, ar=[0.6, 0.2], ma=[0.5, 0.3, -0.4], n_series=40_000, seed=0)
    weights = innovations.psi_weights(np.array([[0.6, 0.2]]), np.array([[0.5, 0.3, -0.4]]), 200)
    assert mixed.var(axis=1) == pytest.approx([(weights**2).sum()] * 6, rel=0.05)
    lagged = (mixed[:-1] * mixed[1:]).mean(axis=1)
    assert lagged == pytest.approx([(weights[1:] * weights[:-1]).sum()] * 5, rel=0.05)
    assert series.simulate_arma(5, sigma=2, n_series=9000).std() == pytest.approx(2, rel=0.05)


def test_simulated_series_need_a_stationary_model():
    with pytest.raises(ValueError, match="stationary"):
        series.simulate_arma(10, ar=[1.0])


def test_the_filter_agrees_with_the_covariance_matrix():
    """The likelihood is that of one multivariate normal distribution."""
    ar, ma, n = np.array([[0.6]]), np.array([[0.3]]), 12
    weights = innovations.psi_weights(ar, ma, 400)[:, 0]
    covariance = [(weights[: 400 - k] * weights[k:]).sum() for k in range(n)]
    matrix = np.array([[covariance[abs(i - j)] for j in range(n)] for i in range(n)])
    values = series.simulate_arma(n, ar=[0.6], ma=[0.3], seed=9)
    phi, loading = innovations.system(ar, ma)
    out = innovations.run_filter(values[:, None], np.isfinite(values), phi, loading)
    found = -0.5 * (n * np.log(2 * np.pi) + out.log_variance + (out.innovations**2).sum())
    assert found[0] == pytest.approx(stats.multivariate_normal(cov=matrix).logpdf(values[:, 0]))


def test_takes_and_tables():
    found = series.fit_ar(series.simulate_arma(50, ar=[0.5], n_series=3), 2)
    assert list(found.table()) == ["mean", "ar1", "ar2", "sigma", "n", "status"]
    assert found.take([2]).ar.tolist() == found.ar[2:].tolist()
    assert fit.read_panel(pd.Series([1.0, 2.0], name="a")).single
