"""A network as a model like any other."""

import numpy as np
import pandas as pd
import pytest

from stim_lib import evaluation, leaks, networks, simulate, splits

SMALL = {
    "length": 32, "stride": 16, "trunk": "lstm", "width": 8, "copy_heads": 2, "copy_hidden": 4,
    "training": {"epochs": 2, "batch_size": 8},
}  # fmt: skip


@pytest.fixture(scope="module")
def parts():
    log = simulate.make_city(12, 60, 30, seed=0).log
    return log, *splits.split_by_time(log)


@pytest.fixture(scope="module")
def fitted(parts):
    _, train, validation, _ = parts
    return networks.SequenceModel("small", **SMALL).fit(train, validation)


class TestSequenceModel:
    def test_is_judged_like_any_model(self, parts, fitted):
        log, train, _, test = parts
        result = evaluation.evaluate(fitted, test[:60], train=train, log=log)
        assert str(result) == "small (rolling history, time unknown; n=60)"
        assert set(fitted.catalogue) == set(train["item_id"])
        assert result.scores()["mrr"].mean() > 3 * (1 / np.arange(1, len(fitted.catalogue))).mean()

    @pytest.mark.parametrize("use_query_time", [True, False])
    @pytest.mark.parametrize("trunk", ["lstm", "encoder_decoder"])
    def test_the_whole_way_knows_nothing_of_the_future(self, parts, use_query_time, trunk):
        log, train, _, test = parts
        settings = SMALL | {
            "trunk": trunk, "inputs": networks.INPUTS, "copy_relations": networks.RELATIONS,
        }  # fmt: skip
        model = networks.SequenceModel("m", use_query_time=use_query_time, **settings)
        model.prepare(train)
        leaks.assert_no_leak(
            lambda history, asked: model.score(asked, history=history),
            log, test.iloc[[0, 30]], time_known=use_query_time, n_instants=2,
        )  # fmt: skip

    def test_other_questions_move_nothing(self, parts, fitted):
        log, _, _, test = parts
        alone = fitted.score(test[5:6], history=log)
        assert np.allclose(fitted.score(test[:40], history=log)[5:6], alone, atol=1e-6)

    def test_rows_are_shares_and_lists_are_sorted(self, parts, fitted):
        log, _, _, test = parts
        scores = fitted.score(test[:9], history=log)
        assert (scores >= 0).all() and (scores.sum(axis=1) < 1 + 1e-5).all()
        ranked = fitted.rank(test[:9], k=3, history=log)
        assert ranked.groupby("query_id")["score"].is_monotonic_decreasing.all()

    def test_a_stranger_gets_what_is_popular(self, parts, fitted):
        log, train, _, test = parts
        stranger = test[:1].assign(user_id="nobody")
        popular = train["item_id"].value_counts(normalize=True)
        scores = pd.Series(fitted.score(stranger, history=log)[0], index=fitted.catalogue)
        assert np.allclose(scores, popular[scores.index], atol=1e-6)

    def test_weights_alone_are_saved(self, parts, fitted, tmp_path):
        log, train, _, test = parts
        path = tmp_path / "small.weights.h5"
        fitted.save_weights(path)
        again = networks.SequenceModel("again", **SMALL | {"seed": 7}).prepare(train)
        asked = test[:5]
        before = again.score(asked, history=log)
        after = again.load_weights(path).score(asked, history=log)
        assert not np.allclose(before, after)
        assert np.array_equal(after, fitted.score(asked, history=log))

    def test_same_seed_same_numbers(self, parts, fitted):
        log, train, validation, test = parts
        twin = networks.SequenceModel("twin", **SMALL).fit(train, validation)
        one, two = (model.score(test[:5], history=log) for model in (fitted, twin))
        assert np.array_equal(one, two)

    def test_without_a_validation_part_the_last_tenth_is_held_out(self, parts):
        _, train, _, _ = parts
        model = networks.SequenceModel("own", **SMALL | {"training": {"epochs": 1}}).fit(train)
        assert list(model.curves) == ["nats", "val_nats", "learning_rate"]
        assert set(model.catalogue) == set(train["item_id"])

    def test_features_are_read_from_the_vocabulary(self, parts):
        _, train, _, _ = parts

        def features(items):
            return np.eye(len(items), 4)

        model = networks.SequenceModel("f", features=features, **SMALL).prepare(train)
        assert model.network.items.kernel.shape == (4, 8)

    def test_errors(self, parts):
        log, train, _, test = parts
        with pytest.raises(ValueError, match="call fit"):
            networks.SequenceModel("raw").score(test[:1], history=log)
        with pytest.raises(ValueError, match="expected use_query_time"):
            networks.SequenceModel("raw", time_known=True)
        with pytest.raises(ValueError, match="expected other rows than train"):
            networks.SequenceModel("raw", **SMALL).fit(train, train)
        with pytest.raises(ValueError, match="expected actions to learn from, found none"):
            networks.SequenceModel("raw").prepare(train[:0])


class TestTraining:
    def windows(self):
        for item, target in (([0, 2, 3], [0, 3, 2]), ([2, 3, 2], [3, 2, 3])):
            yield {
                "item": np.array(item), "target": np.array(target),
                "weight": np.array([0, 1, 1], "float32"),
            }  # fmt: skip

    def test_loss_is_the_mean_over_what_is_asked(self):
        network = networks.NextItem(4, asked=2, trunk="lstm", width=4, dropout=0.0)
        batch = {name: np.stack([w[name] for w in self.windows()]) for name in ("item", "target")}
        by_hand = -np.asarray(network(batch))[:, 1:].mean()
        curves = networks.train_network(network, self.windows, epochs=1, learning_rate=1e-9)
        assert curves["nats"][1] == pytest.approx(by_hand, abs=1e-4)

    def test_stops_early_and_goes_back(self):
        def other():
            for window in self.windows():
                yield window | {
                    "target": np.where(window["target"] > 0, 5 - window["item"], 0)[::-1]
                }

        network = networks.NextItem(4, asked=2, trunk="lstm", width=8, dropout=0.0)
        curves = networks.train_network(
            network, self.windows, other, epochs=50, learning_rate=0.05, patience=2
        )
        assert len(curves) < 50
        best = curves["val_nats"].idxmin()
        assert len(curves) == best + 2

    def test_tensorboard_writes_events(self, tmp_path):
        network = networks.NextItem(4, asked=2, trunk="lstm", width=4)
        networks.train_network(network, self.windows, epochs=1, log_folder=tmp_path)
        assert any(path.name.startswith("events.out") for path in tmp_path.rglob("*"))

    def test_nothing_to_learn_from(self):
        network = networks.NextItem(4, asked=2, trunk="lstm", width=4)
        with pytest.raises(ValueError, match="expected at least one window, found none"):
            networks.train_network(network, lambda: iter(()))


class TestSeeds:
    def test_one_row_a_seed(self):
        seen = []
        runs = networks.run_seeds(
            lambda seed: {"a": seed},
            [3, 1],
            progress=lambda seed, row: seen.append((seed, row["a"])),
        )
        assert runs.index.tolist() == [3, 1] and seen == [(3, 3), (1, 1)]

    def test_interval_by_hand(self):
        # Of 1, 2, 3: mean 2, s = 1, t(2) = 4.303, so 2 ± 4.303 / √3.
        summary = networks.summarise_seeds(pd.DataFrame({"a": [1.0, 2, 3]})).loc["a"]
        assert summary["mean"] == 2 and summary["deviation"] == 1
        assert summary["high"] == pytest.approx(2 + 4.302653 / 3**0.5)

    @pytest.mark.parametrize("seeds", [[], [1, 1]])
    def test_seeds_must_differ(self, seeds):
        with pytest.raises(ValueError, match="expected different numbers"):
            networks.run_seeds(dict, seeds)

    def test_one_seed_has_no_interval(self):
        with pytest.raises(ValueError, match="two seeds or more"):
            networks.summarise_seeds(pd.DataFrame({"a": [1.0]}))
        with pytest.raises(ValueError, match="found 1 missing"):
            networks.summarise_seeds(pd.DataFrame({"a": [1.0, np.nan]}))
