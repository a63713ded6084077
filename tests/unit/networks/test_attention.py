"""Attention: by hand, against Keras, and blind where it must be."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stim_lib import networks


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def arrays(pair):
    return [np.asarray(x) for x in pair]


def test_who_may_look_wants_a_batch():
    with pytest.raises(ValueError, match=r"expected shape \(B, L\), found \(2,\)"):
        networks.may_look([True, False])


class TestAttend:
    def test_three_tokens_by_hand(self):
        # Scores 0, ln 2 and ln 5 → weights 1/8, 2/8, 5/8; values 0, 8, 16 → 2 + 10 = 12.
        keys = np.log([[1.0], [2.0], [5.0]])
        output, weights = arrays(networks.attend([[1.0]], keys, [[0.0], [8.0], [16.0]]))
        assert np.allclose(weights, [[1 / 8, 2 / 8, 5 / 8]])
        assert np.allclose(output, [[12.0]])

    def test_scores_are_divided_by_the_root_of_the_width(self):
        q, k = np.full((1, 4), 3.0), np.array([[1.0] * 4, [0.0] * 4])
        _, weights = arrays(networks.attend(q, k, k))
        assert np.allclose(weights[0, 0] / weights[0, 1], np.exp(12 / 2), rtol=1e-4)

    def test_zero_scores_are_the_plain_mean(self):
        values = normal(5, 3)
        output, _ = arrays(networks.attend(np.zeros((2, 4)), normal(5, 4), values))
        assert np.allclose(output, values.mean(axis=0), atol=1e-6)

    def test_bias_multiplies_the_weights_by_its_exponential(self):
        q, k, v = normal(2, 4), normal(5, 4, seed=1), normal(5, 3, seed=2)
        bias = normal(2, 5, seed=3)
        _, plain = arrays(networks.attend(q, k, v))
        _, biased = arrays(networks.attend(q, k, v, bias=bias))
        expected = plain * np.exp(bias)
        assert np.allclose(biased, expected / expected.sum(axis=1, keepdims=True), atol=1e-6)

    def test_masked_keys_get_nothing_and_move_nothing(self):
        q, k, v = normal(2, 4), normal(5, 4, seed=1), normal(5, 3, seed=2)
        mask = np.array([True, False, True, True, False])
        output, weights = arrays(networks.attend(q, k, v, mask=mask))
        k2, v2 = k.copy(), v.copy()
        k2[~mask], v2[~mask] = 1e3, -1e3
        again, _ = arrays(networks.attend(q, k2, v2, mask=mask))
        assert (weights[:, ~mask] == 0).all()
        assert np.array_equal(output, again)

    def test_a_row_that_sees_nothing_is_zero(self):
        mask = np.array([[False] * 5, [True] * 5])
        output, weights = arrays(
            networks.attend(normal(2, 4), normal(5, 4), normal(5, 3), mask=mask)
        )
        assert (output[0] == 0).all() and (weights[0] == 0).all()
        assert np.isclose(weights[1].sum(), 1)

    @given(st.integers(1, 6), st.integers(0, 10**6))
    def test_order_of_the_keys_does_not_matter(self, n, seed):
        q, k, v = normal(3, 4, seed=seed), normal(n, 4, seed=seed + 1), normal(n, 2, seed=seed)
        order = np.random.default_rng(seed).permutation(n)
        first, weights = arrays(networks.attend(q, k, v))
        second, _ = arrays(networks.attend(q, k[order], v[order]))
        assert np.allclose(first, second, atol=1e-5)
        assert np.allclose(weights.sum(axis=-1), 1, atol=1e-5)

    def test_shapes_that_do_not_fit_are_refused(self):
        with pytest.raises(ValueError, match="expected queries"):
            networks.attend(normal(2, 4), normal(5, 3), normal(5, 3))
        with pytest.raises(ValueError, match="keys"):
            networks.attend(normal(2, 4), normal(5, 4), normal(6, 3))


class TestMayLook:
    def test_both_ways_and_causal(self):
        valid = np.array([[False, True, True]])
        both = np.asarray(networks.may_look(valid, causal=False)).astype(int)
        assert both.tolist() == [[[0, 1, 1]] * 3]
        one = np.asarray(networks.may_look(valid)).astype(int)
        assert one.tolist() == [[[0, 0, 0], [0, 1, 0], [0, 1, 1]]]


class TestAttentionLayer:
    def test_same_numbers_as_keras_with_the_same_weights(self):
        heads, width = 3, 12
        ours = networks.Attention(heads, width)
        theirs = keras.layers.MultiHeadAttention(heads, width // heads)
        q, k = normal(2, 5, width), normal(2, 7, width, seed=1)
        mask = np.random.default_rng(2).random((2, 5, 7)) < 0.7
        mask[:, :, 0] = True
        ours(q, k, mask=mask)
        theirs(q, k, attention_mask=mask)
        weights = [normal(*w.shape, seed=i) for i, w in enumerate(ours.get_weights())]
        ours.set_weights(weights)
        shapes = [w.shape for w in theirs.get_weights()]
        theirs.set_weights([w.reshape(s) for w, s in zip(weights, shapes, strict=True)])
        out, seen = arrays(ours(q, k, mask=mask, return_weights=True))
        ref, ref_seen = arrays(theirs(q, k, attention_mask=mask, return_attention_scores=True))
        assert np.allclose(out, ref, atol=1e-4)
        assert np.allclose(seen, ref_seen, atol=1e-5)

    def test_bias_is_for_each_head_alone(self):
        layer = networks.Attention(2, 4)
        q = normal(1, 3, 4)
        bias = np.zeros((1, 2, 3, 3), "float32")
        bias[0, 1, :, 0] = 50
        _, plain = arrays(layer(q, q, return_weights=True))
        _, biased = arrays(layer(q, q, bias=bias, return_weights=True))
        assert np.allclose(plain[0, 0], biased[0, 0])
        assert np.allclose(biased[0, 1], [[1, 0, 0]] * 3)

    def test_same_seed_same_weights(self):
        made = []
        for _ in range(2):
            keras.utils.set_random_seed(3)
            layer = networks.Attention(2, 4)
            layer(normal(1, 3, 4), normal(1, 3, 4))
            made.append(layer.get_weights())
        assert all(np.array_equal(a, b) for a, b in zip(*made, strict=True))

    def test_config_makes_the_same_layer(self):
        layer = networks.Attention(2, 4, dropout=0.25)
        again = networks.Attention.from_config(layer.get_config())
        assert (again.heads, again.width, again.dropout) == (2, 4, 0.25)

    def test_dropout_only_in_training(self):
        layer = networks.Attention(2, 4, dropout=0.9)
        x = normal(1, 3, 4)
        first, second = np.asarray(layer(x, x)), np.asarray(layer(x, x))
        assert np.array_equal(first, second)
        assert not np.array_equal(first, np.asarray(layer(x, x, training=True)))

    def test_weights_can_be_replaced_for_an_experiment(self):
        layer, x = networks.Attention(2, 4), normal(1, 3, 4)
        before, weights = arrays(layer(x, x, return_weights=True))
        layer.replace_weights = lambda w: w
        assert np.allclose(layer(x, x), before)
        layer.replace_weights = lambda w: w * 0 + 1 / 3
        output, seen = arrays(layer(x, x, return_weights=True))
        assert np.allclose(seen, 1 / 3) and np.allclose(output[0, 0], output[0, 1], atol=1e-5)
        layer.replace_weights = None
        assert np.array_equal(arrays(layer(x, x, return_weights=True))[1], weights)

    def test_width_must_be_a_multiple_of_heads(self):
        with pytest.raises(ValueError, match="multiple of heads"):
            networks.Attention(3, 8)
