"""Blocks: padding moves nothing, the future moves nothing, weights come back."""

import keras
import numpy as np
import pytest

from stim_lib import networks

SHAPE = {"width": 8, "heads": 2, "feed_forward": 16}


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def some_valid(n=2, length=6, padding=2):
    valid = np.ones((n, length), bool)
    valid[:, :padding] = False
    return valid


def run(block, states, valid, **options):
    """One way to call all three kinds: the decoder reads an encoder's states of its own."""
    if isinstance(block, networks.DecoderBlock):
        options |= {"encoded_valid": some_valid(len(states), 5)}
        return np.asarray(block(states, normal(len(states), 5, 8, seed=9), valid=valid, **options))
    return np.asarray(block(states, valid=valid, **options))


KINDS = [networks.CausalBlock, networks.EncoderBlock, networks.DecoderBlock]


@pytest.mark.parametrize("kind", KINDS)
class TestEveryBlock:
    def test_padding_moves_nothing(self, kind):
        block, states, valid = kind(**SHAPE), normal(2, 6, 8), some_valid()
        changed = states.copy()
        changed[:, :2] = 100
        first, second = run(block, states, valid), run(block, changed, valid)
        assert np.allclose(first[:, 2:], second[:, 2:], atol=1e-6)
        assert not np.allclose(first[:, :2], second[:, :2])

    def test_same_seed_same_weights(self, kind):
        made = []
        for _ in range(2):
            keras.utils.set_random_seed(1)
            block = kind(**SHAPE)
            run(block, normal(2, 6, 8), some_valid())
            made.append(block.get_weights())
        assert all(np.array_equal(a, b) for a, b in zip(*made, strict=True))

    def test_config_makes_the_same_block(self, kind):
        block = kind(**SHAPE, dropout=0.5)
        again = kind.from_config(block.get_config())
        assert again.settings == SHAPE | {"dropout": 0.5}

    def test_bias_decides_where_it_is_large(self, kind):
        block, states, valid = kind(**SHAPE), normal(1, 4, 8), np.ones((1, 4), bool)
        bias = np.zeros((1, 2, 4, 4), "float32")
        bias[..., 0] = 50
        assert not np.allclose(run(block, states, valid), run(block, states, valid, bias=bias))


@pytest.mark.parametrize("kind", [networks.CausalBlock, networks.DecoderBlock])
def test_the_future_moves_nothing(kind):
    block, states, valid = kind(**SHAPE), normal(2, 6, 8), some_valid()
    changed = states.copy()
    changed[:, 4:] = normal(2, 2, 8, seed=5)
    first, second = run(block, states, valid), run(block, changed, valid)
    assert np.array_equal(first[:, :4], second[:, :4])
    assert not np.allclose(first[:, 4:], second[:, 4:])


def test_an_encoder_looks_both_ways():
    block, states, valid = networks.EncoderBlock(**SHAPE), normal(2, 6, 8), some_valid()
    changed = states.copy()
    changed[:, 5] = 3
    first, second = run(block, states, valid), run(block, changed, valid)
    assert not np.allclose(first[:, 2], second[:, 2])


def test_weights_show_what_was_seen():
    block, valid = networks.CausalBlock(**SHAPE), some_valid()
    _, weights = block(normal(2, 6, 8), valid=valid, return_weights=True)
    weights = np.asarray(weights)
    assert weights.shape == (2, 2, 6, 6)
    assert np.allclose(weights[:, :, 2:].sum(-1), 1, atol=1e-5)
    assert (weights[~np.broadcast_to(networks.may_look(valid)[:, None], weights.shape)] == 0).all()


class TestDecoder:
    def test_padding_of_the_history_moves_nothing(self):
        block, states = networks.DecoderBlock(**SHAPE), normal(2, 3, 8)
        encoded, seen = normal(2, 5, 8, seed=1), some_valid(2, 5)
        changed = encoded.copy()
        changed[:, :2] = 100
        masks = {"valid": np.ones((2, 3), bool), "encoded_valid": seen}
        assert np.allclose(block(states, encoded, **masks), block(states, changed, **masks))

    def test_an_empty_history_is_no_trouble(self):
        block, states = networks.DecoderBlock(**SHAPE), normal(2, 3, 8)
        masks = {"valid": np.ones((2, 3), bool), "encoded_valid": np.zeros((2, 5), bool)}
        first = np.asarray(block(states, normal(2, 5, 8, seed=1), **masks))
        second = np.asarray(block(states, normal(2, 5, 8, seed=2), **masks))
        assert np.isfinite(first).all() and np.array_equal(first, second)


def test_feed_forward_by_hand():
    layer = networks.FeedForward(2, 3)
    x = normal(1, 4, 2)
    output = np.asarray(layer(x))
    w1, b1, w2, b2 = layer.get_weights()
    inner = np.asarray(keras.activations.gelu(x @ w1 + b1))
    assert np.allclose(output, inner @ w2 + b2, atol=1e-5)


def test_weights_alone_come_back(come_back):
    def make():
        inputs = keras.Input((6, 8))
        valid = keras.Input((6,), dtype="bool")
        states = networks.CausalBlock(**SHAPE, name="first")(inputs, valid=valid)
        states = networks.EncoderBlock(**SHAPE, name="second")(states, valid=valid)
        return keras.Model([inputs, valid], states)

    model = make()
    x, valid = normal(2, 6, 8), some_valid()
    fresh = come_back(model, make, lambda _: None)
    assert np.array_equal(model([x, valid]), fresh([x, valid]))
