"""The translator from past to future."""

import keras
import numpy as np
import pytest

from stim_lib import networks

SETTINGS = {
    "n_items": 7, "n_categories": 4, "length": 8, "decoded": 3, "width": 16, "heads": 2,
    "feed_forward": 32,
}  # fmt: skip


def make(**settings):
    return networks.EncoderDecoder(**(SETTINGS | settings))


def logits(model, batch):
    return np.asarray(model(batch))


@pytest.mark.parametrize("time_known", [True, False])
class TestHonesty:
    def test_shape(self, make_batch, time_known):
        assert logits(make(time_known=time_known), make_batch()).shape == (3, 3, 7)

    @pytest.mark.parametrize("p", [5, 6])
    def test_the_future_moves_nothing(self, make_batch, time_known, p):
        model, batch, other = make(time_known=time_known), make_batch(), make_batch(seed=1)
        changed = {k: v.copy() for k, v in batch.items()}
        for name, array in changed.items():
            array[:, p + 1 :] = other[name][:, p + 1 :]
        # What comes after p is the answer at p, so only the time of it may be read.
        changed["target"] = other["target"]
        first, second = logits(model, batch), logits(model, changed)
        asked = p - 4  # positions 5, 6, 7 are decoded
        assert np.allclose(first[:, :asked], second[:, :asked], atol=1e-6)
        assert not np.allclose(first[:, asked:], second[:, asked:])

    def test_padding_moves_nothing(self, make_batch, time_known):
        model, batch = make(time_known=time_known), make_batch(padding=3)
        other = make_batch(padding=0, seed=4)
        changed = {k: v.copy() for k, v in batch.items()}
        for name, array in changed.items():
            if name != "item":  # the item says what is padding
                array[:, :3] = other[name][:, :3]
        assert np.allclose(logits(model, batch), logits(model, changed), atol=1e-5)

    def test_an_empty_history_is_no_trouble(self, make_batch, time_known):
        found = logits(make(time_known=time_known), make_batch(padding=6))
        assert np.isfinite(found).all()


def test_the_time_is_read_only_where_it_is_known(make_batch):
    batch, other = make_batch(), make_batch(seed=1)
    changed = batch | {k: other[k] for k in ("target_hours", "target_clock")}
    blind, timed = make(), make(time_known=True)
    assert np.array_equal(logits(blind, batch), logits(blind, changed))
    assert not np.allclose(logits(timed, batch), logits(timed, changed))


def test_the_wait_is_read(make_batch):
    """Two questions at the same hour of the week, one of them a week later."""
    batch, model = make_batch(), make(time_known=True)
    later = batch | {"target_hours": batch["target_hours"] + 168}
    assert not np.allclose(model.embed_question(batch), model.embed_question(later))


def test_overfits_ten_windows(make_batch):
    keras.utils.set_random_seed(0)
    batch, model = make_batch(n_windows=10), make(width=32, feed_forward=64)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss)
    target = batch["target"][:, -3:]
    before = model.evaluate(batch, target, verbose=0)
    model.fit(batch, target, epochs=60, batch_size=10, verbose=0)
    assert before > 1.5
    assert model.evaluate(batch, target, verbose=0) < 0.05
    assert (logits(model, batch).argmax(-1) == target).all()


def test_same_seed_same_weights(make_batch):
    made = []
    for _ in range(2):
        keras.utils.set_random_seed(5)
        model = make()
        model(make_batch())
        made.append(model.get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(*made, strict=True))


def test_weights_alone_come_back(make_batch, come_back):
    model, batch = make(time_known=True, blocks=2), make_batch()
    expected = logits(model, batch)
    fresh = come_back(model, lambda: make(time_known=True, blocks=2), lambda m: m.build())
    assert np.array_equal(logits(fresh, batch), expected)


def test_config_makes_the_same_network():
    model = make(dropout=0.25)
    again = networks.EncoderDecoder.from_config(model.get_config())
    assert again.settings == model.settings


def test_errors(make_batch):
    with pytest.raises(ValueError, match="decoded: expected 1 … 7, found 8"):
        make(decoded=8)
    with pytest.raises(ValueError, match="windows of 8 positions, found 9"):
        make()(make_batch(length=9))
