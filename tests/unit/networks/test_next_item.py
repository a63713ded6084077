"""The network of chapters 07 and 08: honest about time and padding, and able to learn."""

import keras
import numpy as np
import pytest

from stim_lib import networks

SIZES = {"n_items": 7, "n_categories": 4, "n_users": 4, "asked": 3, "width": 8, "dropout": 0.0}
EVERYTHING = {"inputs": networks.INPUTS, "copy_relations": networks.RELATIONS}
KINDS = {
    "softmax of an LSTM": {"trunk": "lstm"},
    "LSTM that copies by ids": {"trunk": "lstm", "copy_heads": 2, "inputs": ["user"]},
    "only copies": {"trunk": "none", "copy_heads": 2, "softmax": False, **EVERYTHING},
    "Transformer": {
        "trunk": "transformer", "copy_heads": 2, "copy_content": True,
        "trunk_relations": ["log_age", "clock_2_h"], **EVERYTHING,
    },
    "encoder-decoder": {"trunk": "encoder_decoder", "copy_heads": 2, **EVERYTHING},
    "softmax of an encoder-decoder": {
        "trunk": "encoder_decoder", "inputs": ["clock", "gap"],
        "trunk_relations": ["log_steps", "after_same_place"],
    },
}  # fmt: skip
every_kind = pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)


def make(seed=0, **settings):
    keras.utils.set_random_seed(seed)
    return networks.NextItem(**(SIZES | settings))


def output(network, batch):
    return np.asarray(network(batch))


@every_kind
@pytest.mark.parametrize("time_known", [True, False])
class TestHonesty:
    @pytest.mark.parametrize("p", [5, 6])
    def test_the_future_moves_nothing(self, make_batch, settings, time_known, p):
        network = make(time_known=time_known, **settings)
        batch, other = make_batch(), make_batch(seed=1)
        changed = {name: array.copy() for name, array in batch.items()}
        for name, array in changed.items():
            array[:, p + 1 :] = other[name][:, p + 1 :]
        first, second = output(network, batch), output(network, changed)
        assert np.allclose(first[:, : p + 1], second[:, : p + 1], atol=1e-5)
        assert not np.allclose(first[:, p + 1 :], second[:, p + 1 :], atol=1e-3)

    def test_padding_moves_nothing(self, make_batch, settings, time_known):
        network = make(time_known=time_known, **settings)
        batch, other = make_batch(padding=3), make_batch(padding=0, seed=4)
        changed = {name: array.copy() for name, array in batch.items()}
        for name, array in changed.items():
            if name != "item":  # the item says what is padding
                array[:, :3] = other[name][:, :3]
        assert np.allclose(output(network, batch), output(network, changed), atol=1e-5)

    def test_an_unknown_time_is_not_read(self, make_batch, settings, time_known):
        network, batch, other = (
            make(time_known=time_known, **settings),
            make_batch(),
            make_batch(seed=1),
        )
        changed = batch | {name: other[name] for name in ("target_hours", "target_clock")}
        same = np.allclose(output(network, batch), output(network, changed), atol=1e-6)
        assert same == (not time_known)

    def test_likelihood_is_that_of_the_answer(self, make_batch, settings, time_known):
        network, batch = make(time_known=time_known, **settings), make_batch()
        window, position = np.array([0, 1, 2, 2]), np.array([5, 6, 7, 5])
        answers = network.answer(batch, window, position)
        assert answers.shape == (4, 7) and np.allclose(answers.sum(axis=1), 1, atol=1e-5)
        of_target = answers[np.arange(4), batch["target"][window, position]]
        assert np.allclose(np.exp(output(network, batch)[window, position]), of_target, atol=1e-6)

    def test_answers_are_those_of_all_positions(self, make_batch, settings, time_known):
        network, batch = make(time_known=time_known, **settings), make_batch()
        everywhere = np.array([2, 0, 1] * 3), np.repeat([7, 5, 6], 3)
        some = np.array([8, 0, 0, 4])  # in any order, and twice
        together = network.answer(batch, *everywhere)
        again = network.answer(batch, *(index[some] for index in everywhere))
        assert np.allclose(together[some], again, atol=1e-6)
        answer, gate, weights = (None if x is None else np.asarray(x) for x in network.look(batch))
        at = everywhere[0], everywhere[1] - 5
        shares = np.exp(network.items.logits(answer[at]))
        shares /= shares.sum(axis=1, keepdims=True)
        if gate is not None:
            shares *= gate[at][:, :1]
            pointed = np.einsum("nhl,nh->nl", weights[at[0], :, at[1]], gate[at][:, 1:])
            for row, items, votes in zip(shares, batch["item"][at[0]], pointed, strict=True):
                np.add.at(row, items, votes)
        assert np.allclose(together, shares, atol=1e-6)

    def test_same_seed_same_weights_and_back(self, make_batch, come_back, settings, time_known):
        batch = make_batch()
        networks_ = [make(seed, time_known=time_known, **settings) for seed in (3, 3, 4)]
        one, two, three = (output(network, batch) for network in networks_)
        assert np.array_equal(one, two) and not np.allclose(one, three)
        again = come_back(
            networks_[0],
            lambda: make(9, time_known=time_known, **settings),
            lambda network: network(batch),
        )
        assert np.array_equal(output(again, batch), one)


@pytest.mark.parametrize(
    "settings", [kind for kind in KINDS.values() if kind.get("softmax", True)],
    ids=[name for name, kind in KINDS.items() if kind.get("softmax", True)],
)  # fmt: skip
def test_overfits_ten_rows(make_batch, settings):
    batch = make_batch(n_windows=10, seed=2)
    # The answer is decided by what was just done, so that every kind can learn it.
    batch["target"] = np.where(batch["item"] > 0, 2 + (batch["item"] * 3 + 1) % 5, 0)

    def windows():
        for row in range(10):
            yield {name: array[row] for name, array in batch.items()}

    network = make(**settings | {"time_known": True, "width": 16})
    curves = networks.train_network(
        network, windows, epochs=60, batch_size=5, learning_rate=0.03, patience=None
    )
    assert curves["nats"].iloc[0] > 0.8
    assert curves["nats"].iloc[-1] < 0.25


def test_only_what_is_named_is_read(make_batch):
    batch, other = make_batch(), make_batch(seed=1)
    batch["item"] = other["item"]
    network = make(trunk="transformer", copy_heads=2, inputs=["clock"])
    for name in ("hours", "category", "user", "east_km", "north_km"):
        assert np.array_equal(
            output(network, batch), output(network, batch | {name: other[name]})
        ), name
    assert not np.allclose(
        output(network, batch), output(network, batch | {"clock": other["clock"]})
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trunk": "gru"}, "expected one of none, lstm, transformer, encoder_decoder, found 'gru'"),
        ({"inputs": ["weather"]}, "inputs: expected some of user, category, clock, gap; found wea"),
        ({"copy_relations": ["magic"]}, "copy_relations: expected some of log_age"),
        ({"features": np.ones((3, 2))}, "features: expected 7 rows, one for each id, found 3"),
        ({"popularity": np.ones(3)}, "popularity: expected 7 rows"),
    ],
)
def test_errors(settings, message):
    with pytest.raises(ValueError, match=message):
        make(**settings)


def test_an_encoder_decoder_needs_a_history(make_batch):
    with pytest.raises(ValueError, match="expected fewer than the 8 positions of a window"):
        make(trunk="encoder_decoder", asked=8)(make_batch())


class TestItemTable:
    def test_constants_begin_at_the_popularity(self):
        table = networks.ItemTable(4, 2, popularity=[0, 0, 0.75, 0.25])
        table.build()
        shares = np.exp(np.asarray(table.logits(np.zeros((1, 2), "float32")))[0])
        assert np.allclose(shares, [0.05, 0.05, 0.75, 0.25])

    def test_features_are_shared_by_all_items(self):
        features = np.array([[0, 0], [0, 0], [1, 0], [1, 0], [0, 1.0]])
        table = networks.ItemTable(5, 3, features=features)
        vectors, _, kernel = table(np.array([2])) is not None and table.get_weights()
        assert kernel.shape == (2, 3)
        assert np.allclose(table(np.array([4]))[0], vectors[4] + kernel[1])


@pytest.mark.parametrize("at_once", [1, 2, 32])
def test_a_window_may_need_several_rows(make_batch, monkeypatch, at_once):
    network, batch = make(**KINDS["Transformer"]), make_batch()
    window, position = np.repeat([0, 1, 2], 3), np.tile([7, 5, 6], 3)
    usual = network.answer(batch, window, position)
    monkeypatch.setattr("stim_lib.networks.next_item.ASKED_AT_ONCE", at_once)
    packed = make(**KINDS["Transformer"]).answer(batch, window, position)
    assert np.allclose(packed, usual, atol=1e-6)
