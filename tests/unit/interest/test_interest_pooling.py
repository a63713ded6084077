"""Blend, stack and calibration: by hand, at their limits, and never worse where they learned."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stim_lib import interest


def table_of(*columns):
    return pd.DataFrame(dict(zip("abc", map(list, columns), strict=False)), dtype=float)


def random_shares(rng, n=60, sharp=1.0):
    numbers = rng.dirichlet([1, 1, 1], size=n) ** sharp
    return pd.DataFrame(numbers / numbers.sum(axis=1, keepdims=True), columns=list("abc"))


def drawn_from(rng, shares):
    cut = rng.random(len(shares))[:, None]
    column = (shares.to_numpy().cumsum(axis=1) < cut).sum(axis=1).clip(max=2)
    return pd.Series(shares.columns[column], shares.index)


class TestBlend:
    def test_by_hand(self):
        # (.2 + .6 w) (.4 - .3 w) has slope .18 - .36 w, which is zero at one half.
        first = table_of([0.8, 0.1], [0.2, 0.9])
        second = table_of([0.2, 0.4], [0.8, 0.6])
        truth = pd.Series(["a", "a"])
        found = interest.fit_blend({"x": first, "y": second}, truth).weights
        assert np.allclose(found, [0.5, 0.5], atol=1e-4)

    def test_is_at_least_as_good_as_each_on_its_own_part(self):
        rng = np.random.default_rng(1)
        shares = {name: random_shares(rng) for name in "xyz"}
        truth = drawn_from(rng, shares["y"])
        blend = interest.fit_blend(shares, truth)
        cost = {name: interest.surprise(one, truth).mean() for name, one in shares.items()}
        assert interest.surprise(blend.predict(shares), truth).mean() <= min(cost.values()) + 1e-6
        assert np.isclose(blend.weights.sum(), 1) and (blend.weights >= 0).all()

    def test_one_model_stays_itself(self):
        one = table_of([0.3, 0.6], [0.7, 0.4])
        blend = interest.fit_blend({"x": one}, pd.Series(["a", "b"]))
        assert np.allclose(blend.predict({"x": one}), one)

    def test_order_of_models_does_not_matter(self):
        rng = np.random.default_rng(2)
        shares = {name: random_shares(rng) for name in "xy"}
        truth = drawn_from(rng, shares["x"])
        back = interest.fit_blend(dict(reversed(shares.items())), truth).weights
        assert np.allclose(interest.fit_blend(shares, truth).weights, back[["x", "y"]], atol=1e-6)

    @pytest.mark.parametrize(
        ("other", "message"),
        [
            (table_of([0.5], [0.5]).set_axis([9]), "same queries"),
            (table_of([0.5], [0.5]).rename(columns={"a": "z"}), "same queries"),
            (table_of([0.5], [0.6]), "sum 1"),
            (table_of([0.0], [1.0]), "none does"),
        ],
    )
    def test_refuses(self, other, message):
        shares = {"x": table_of([0.0], [1.0]), "y": other}
        with pytest.raises(ValueError, match=message):
            interest.fit_blend(shares, pd.Series(["a"]))

    def test_refuses_to_predict_without_a_model(self):
        blend = interest.Blend(pd.Series({"x": 1.0}))
        with pytest.raises(ValueError, match="expected tables of"):
            blend.predict({"y": table_of([1.0], [0.0])})


class TestStack:
    def test_powers_of_a_model_that_is_right_are_near_one(self):
        rng = np.random.default_rng(3)
        shares = random_shares(rng, n=3000)
        truth = drawn_from(rng, shares)
        stack = interest.fit_stack({"x": shares, "noise": random_shares(rng, 3000)}, truth)
        assert abs(stack.powers["x"] - 1) < 0.1 and abs(stack.powers["noise"]) < 0.1

    def test_bias_mends_a_model_that_knows_only_equal_shares(self):
        flat = table_of([0.5] * 4, [0.5] * 4)
        truth = pd.Series(["a", "a", "a", "b"])
        stack = interest.fit_stack({"x": flat}, truth)
        assert np.allclose(stack.predict({"x": flat})["a"], 0.75, atol=0.01)
        assert np.isclose(stack.bias.sum(), 0, atol=1e-6)

    def test_without_bias_one_model_is_a_temperature(self):
        rng = np.random.default_rng(4)
        honest = random_shares(rng, n=2000)
        truth = drawn_from(rng, honest)
        sure = honest**2
        sure = sure.div(sure.sum(axis=1), axis=0)
        stack = interest.fit_stack({"x": sure}, truth, with_bias=False)
        rule = interest.fit_calibration(sure, truth)
        assert np.isclose(1 / stack.powers["x"], rule.temperature, rtol=0.02)

    def test_refuses_other_kinds(self):
        stack = interest.Stack(pd.Series({"x": 1.0}), pd.Series({"a": 0.0, "z": 0.0}))
        with pytest.raises(ValueError, match="kinds of the stack"):
            stack.predict({"x": table_of([0.5], [0.5])})


class TestCalibration:
    def test_temperature_by_hand(self):
        # Odds of nine, right three times in four: odds of three are the square root.
        rule = interest.fit_calibration(table_of([0.9] * 4, [0.1] * 4), pd.Series(list("aaab")))
        assert np.isclose(rule.temperature, 2, atol=1e-3)
        assert np.allclose(rule.apply(table_of([0.9], [0.1])), [[0.75, 0.25]], atol=1e-3)

    def test_finds_the_power_that_spoiled_honest_shares(self):
        rng = np.random.default_rng(5)
        honest = random_shares(rng, n=4000)
        truth = drawn_from(rng, honest)
        sure = honest**3
        rule = interest.fit_calibration(sure.div(sure.sum(axis=1), axis=0), truth)
        assert abs(rule.temperature - 3) < 0.2

    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 10_000), st.floats(0.3, 4))
    def test_temperature_keeps_order_and_sum(self, seed, temperature):
        shares = random_shares(np.random.default_rng(seed), n=5)
        after = interest.Calibration("temperature", temperature, {}).apply(shares)
        assert np.allclose(after.sum(axis=1), 1)
        assert (after.idxmax(axis=1) == shares.idxmax(axis=1)).all()

    def test_isotonic_by_hand(self):
        # .8 was right once in two, .2 once in four; the kinds mirror each other.
        shares = table_of([0.8, 0.8, 0.2, 0.2, 0.2, 0.2], [0.2, 0.2, 0.8, 0.8, 0.8, 0.8])
        rule = interest.fit_calibration(shares, pd.Series(list("abbbba")), method="isotonic")
        after = rule.apply(shares)
        assert np.allclose(after["a"].iloc[[0, -1]], [0.5, 0.25])
        assert np.allclose(after.sum(axis=1), 1)

    def test_isotonic_never_says_impossible(self):
        shares = table_of([0.9, 0.1], [0.1, 0.9])
        rule = interest.fit_calibration(shares, pd.Series(["a", "b"]), method="isotonic")
        assert (rule.apply(shares) > 0).all(axis=None)

    def test_refuses(self):
        shares = table_of([0.9], [0.1])
        with pytest.raises(ValueError, match="temperature, isotonic"):
            interest.fit_calibration(shares, pd.Series(["a"]), method="platt")
        rule = interest.fit_calibration(shares, pd.Series(["a"]), method="isotonic")
        with pytest.raises(ValueError, match="expected the kinds"):
            rule.apply(shares.rename(columns={"a": "z"}))
