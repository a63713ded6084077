"""Six models behind one interface: links by hand, sums, unseen kinds, repeatability."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, PoissonRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from stim_lib import interest


def toy(n=90, seed=0):
    """Three kinds that two columns tell apart, most of the time."""
    rng = np.random.default_rng(seed)
    truth = pd.Series(rng.choice(["bar", "café", "gym"], n), name="kind")
    marks = pd.get_dummies(truth).to_numpy(dtype=float)[:, :2]
    table = pd.DataFrame(marks + rng.normal(0, 0.5, (n, 2)), columns=["own__a", "time__b"])
    return table, truth


@parametrize_with_checks([interest.KindByKind()])
def test_kind_by_kind_is_a_classifier(estimator, check):
    check(estimator)


class TestKindByKind:
    def test_poisson_of_one_yes_or_no_column_is_the_share_of_each_group(self):
        x = np.array([[0.0]] * 4 + [[1.0]] * 4)
        y = ["a", "a", "a", "b", "a", "b", "b", "b"]
        model = interest.KindByKind(PoissonRegressor(alpha=0, tol=1e-10)).fit(x, y)
        assert np.allclose(model.predict_proba([[0.0], [1.0]]), [[0.75, 0.25], [0.25, 0.75]], 1e-4)

    def test_a_line_goes_below_zero_and_its_share_is_the_least(self):
        x, y = np.arange(6.0)[:, None], ["a", "a", "a", "a", "b", "b"]
        model = interest.KindByKind(LinearRegression(), least_rate=1e-3).fit(x, y)
        far = np.array([[-5.0]])
        assert model.predict_rates(far)[0, 1] < 0
        rate_a = model.predict_rates(far)[0, 0]
        assert np.isclose(model.predict_proba(far)[0, 1], 1e-3 / (rate_a + 1e-3))

    def test_linear_rates_sum_to_one(self):
        table, truth = toy()
        model = interest.KindByKind(LinearRegression()).fit(table, truth)
        assert np.allclose(model.predict_rates(table).sum(axis=1), 1)

    @pytest.mark.parametrize(("settings", "y"), [({"least_rate": 0}, "ab"), ({}, "aa")])
    def test_refuses(self, settings, y):
        with pytest.raises(ValueError, match="expected"):
            interest.KindByKind(**settings).fit([[0.0], [1.0]], list(y))


@pytest.mark.parametrize("name", interest.MODELS)
class TestEveryModel:
    def settings(self, name):
        return {"n_estimators": 5} if name in ("forest", "boosting") else {}

    def test_says_shares_for_kinds_in_order_also_with_gaps_in_the_table(self, name):
        table, truth = toy()
        table.iloc[3:9, 0] = np.nan
        model = interest.make_model(name, **self.settings(name)).fit(table, truth)
        shares = interest.predict_interest(model, table)
        assert list(shares) == ["bar", "café", "gym"] and shares.index.equals(table.index)
        assert np.allclose(shares.sum(axis=1), 1) and (shares >= 1e-4 * 0.999).all(axis=None)
        assert (shares.idxmax(axis=1) == truth).mean() > 0.6

    def test_same_seed_same_shares(self, name):
        table, truth = toy()
        first, second = (
            interest.make_model(name, seed=3, **self.settings(name))
            .fit(table, truth)
            .predict_proba(table)
            for _ in range(2)
        )
        assert np.array_equal(first, second)

    def test_order_of_rows_asked_does_not_matter(self, name):
        table, truth = toy()
        model = interest.make_model(name, **self.settings(name)).fit(table, truth)
        shares = interest.predict_interest(model, table)
        again = interest.predict_interest(model, table[::-1])
        assert np.allclose(again.loc[table.index], shares)

    def test_a_kind_never_seen_gets_the_least_share(self, name):
        table, truth = toy()
        model = interest.make_model(name, **self.settings(name)).fit(table, truth)
        kinds = ["bar", "café", "gym", "zoo"]
        shares = interest.predict_interest(model, table, kinds=kinds, least_share=0.01)
        assert np.allclose(shares["zoo"], 0.01) and np.allclose(shares.sum(axis=1), 1)

    def test_refuses_a_setting_it_does_not_have(self, name):
        with pytest.raises(ValueError, match=f"settings of {name}"):
            interest.make_model(name, wings=2)


class TestPredictInterest:
    def test_a_pure_leaf_is_certain_up_to_the_least_share(self):
        table = pd.DataFrame({"x": [0.0, 0.0, 1.0, 1.0]})
        model = interest.make_model("tree").fit(table, ["a", "a", "b", "b"])
        shares = interest.predict_interest(model, table, least_share=0.05)
        assert np.allclose(shares.iloc[0], [0.95, 0.05])
        plain = interest.predict_interest(model, table, least_share=0)
        assert plain.iloc[0].tolist() == [1, 0]

    def test_no_queries_no_rows(self):
        table, truth = toy()
        model = interest.make_model("logistic").fit(table, truth)
        assert interest.predict_interest(model, table[:0]).shape == (0, 3)

    @pytest.mark.parametrize("change", [{"kinds": ["bar"]}, {"least_share": 0.4}])
    def test_refuses(self, change):
        table, truth = toy()
        model = interest.make_model("logistic").fit(table, truth)
        with pytest.raises(ValueError, match="expected kinds"):
            interest.predict_interest(model, table, **change)

    def test_names_of_columns_that_boosting_would_refuse(self):
        table, truth = toy()
        odd = table.set_axis(['own__a: "x"', "time__{b, c}"], axis=1)
        model = interest.make_model("boosting", n_estimators=3).fit(odd, truth)
        assert interest.predict_interest(model, odd).shape == (len(odd), 3)


def test_unknown_model():
    with pytest.raises(ValueError, match="boosting, found 'oracle'"):
        interest.make_model("oracle")


class TestSurprise:
    def test_by_hand(self):
        shares = pd.DataFrame({"a": [0.25, 1.0], "b": [0.75, 0.0]}, index=[7, 3])
        truth = pd.Series(["a", "b"], index=[7, 3])
        assert interest.surprise(shares, truth).tolist() == [np.log(4), np.inf]

    @pytest.mark.parametrize(
        ("shares", "truth", "message"),
        [
            ({"a": [0.5], "b": [0.6]}, ["a"], "sum 1"),
            ({"a": [1.5], "b": [-0.5]}, ["a"], "sum 1"),
            ({"a": [0.5], "b": [0.5]}, ["c"], "one of 2 kinds"),
            ({"a": [0.5], "b": [0.5]}, ["a", "b"], "index"),
            ({"a": [np.nan], "b": [0.5]}, ["a"], "sum 1"),
        ],
    )
    def test_refuses(self, shares, truth, message):
        with pytest.raises(ValueError, match=message):
            interest.surprise(pd.DataFrame(shares), pd.Series(truth))
