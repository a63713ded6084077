"""Equal budgets, and what a family of features is worth."""

import numpy as np
import pandas as pd
import pytest

from stim_lib import interest
from stim_lib.interest.tuning import SPACES


def toy(n=240, seed=0):
    """One family that tells the kind, one that is noise, a user for each row."""
    rng = np.random.default_rng(seed)
    truth = pd.Series(rng.choice(["a", "b"], n))
    signal = (truth == "a") + rng.normal(0, 0.5, n)
    table = pd.DataFrame({"own__x": signal, "time__noise": rng.normal(size=n)})
    return table, truth, pd.Series(rng.choice(list("uvwxyz"), n))


@pytest.mark.parametrize("name", interest.MODELS)
def test_every_model_gets_the_trials_it_is_given_and_starts_with_its_defaults(name):
    table, truth, _ = toy(80)
    tuned = interest.tune_model(name, table, truth, table, truth, n_trials=3, seed=1)
    assert len(tuned.trials) == 3 and set(SPACES[name]) < set(tuned.trials)
    plain = interest.make_model(name, seed=1).fit(table, truth)
    first = interest.surprise(interest.predict_interest(plain, table), truth).mean()
    assert np.isclose(tuned.trials["log_loss"].iloc[0], first)
    shares = interest.predict_interest(tuned.model, table)
    best = interest.surprise(shares, truth).mean()
    assert np.isclose(best, tuned.trials["log_loss"].min())


class TestTuning:
    def test_same_seed_same_trials_other_seed_others(self):
        table, truth, _ = toy()
        runs = [
            interest.tune_model("logistic", table, truth, table, truth, n_trials=3, seed=seed)
            for seed in (1, 1, 2)
        ]
        strengths = [run.trials["C"].tolist() for run in runs]
        assert strengths[0] == strengths[1] != strengths[2]

    def test_leaves_optunas_voice_as_it_was(self):
        import optuna

        before = optuna.logging.get_verbosity()
        table, truth, _ = toy(40)
        interest.tune_model("logistic", table, truth, table, truth, n_trials=1)
        assert optuna.logging.get_verbosity() == before

    def test_refuses(self):
        table, truth, _ = toy(40)
        with pytest.raises(ValueError, match="found 'oracle'"):
            interest.tune_model("oracle", table, truth, table, truth)
        with pytest.raises(ValueError, match="1 or more"):
            interest.tune_model("tree", table, truth, table, truth, n_trials=0)
        with pytest.raises(ValueError, match="2 columns"):
            interest.tune_model("tree", table, truth, table[["own__x"]], truth)


class TestFamilies:
    def test_signal_matters_and_noise_does_not(self):
        table, truth, users = toy()
        model = interest.make_model("logistic").fit(table, truth)
        shuffled = interest.permute_families(model, table, truth, users)
        dropped = interest.drop_families(
            model, table, truth, test=table, test_truth=truth, users=users
        )
        for lost in (shuffled, dropped):
            assert lost.loc["own", "low"] > 0.1 and abs(lost.loc["time", "value"]) < 0.02
            assert (lost["n"] == len(table)).all() and (lost["n_users"] == 6).all()

    def test_a_family_that_the_model_ignores_loses_exactly_nothing(self):
        table, truth, users = toy()
        flat = table.assign(time__noise=3.0)
        model = interest.make_model("logistic").fit(flat, truth)
        assert interest.permute_families(model, flat, truth, users).loc["time", "value"] == 0

    def test_a_copy_takes_importance_away_and_both_have_it_all(self):
        table, truth, users = toy(600)
        twice = table.assign(copy__x=table["own__x"])
        model = interest.make_model("logistic").fit(twice, truth)
        groups = {"one": ["own__x"], "both": ["own__x", "copy__x"]}
        lost = interest.permute_families(model, twice, truth, users, families=groups)
        assert lost.loc["one", "value"] < 0.6 * lost.loc["both", "value"]
        dropped = interest.drop_families(
            model, twice, truth, test=twice, test_truth=truth, users=users
        )
        assert abs(dropped.loc["copy", "value"]) < 0.01

    def test_refuses(self):
        table, truth, users = toy(40)
        model = interest.make_model("logistic").fit(table, truth)
        with pytest.raises(ValueError, match="family__feature"):
            interest.families_of(pd.DataFrame(columns=["x"]))
        with pytest.raises(ValueError, match="'gone' in f"):
            interest.permute_families(model, table, truth, users, families={"f": ["gone"]})
        with pytest.raises(ValueError, match="n_repeats"):
            interest.permute_families(model, table, truth, users, n_repeats=0)
        with pytest.raises(ValueError, match="two or more"):
            interest.drop_families(
                model, table, truth, test=table, test_truth=truth, users=users,
                families={"own": ["own__x"]},
            )  # fmt: skip
