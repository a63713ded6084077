"""The gates that we compute are those that Keras computed."""

import numpy as np
import pytest

from stim_lib.networks import lstm_gates

keras = pytest.importorskip("keras")


def random_layer(units=5, width=3, **settings):
    keras.utils.set_random_seed(0)
    layer = keras.layers.LSTM(units, return_sequences=True, **settings)
    layer.build((None, None, width))
    layer.set_weights([np.random.default_rng(1).normal(size=w.shape) for w in layer.get_weights()])
    return layer


INPUTS = np.random.default_rng(2).normal(size=(4, 7, 3)).astype("float32")


def test_one_step_by_hand():
    layer = random_layer(units=1, width=1)
    layer.set_weights([np.array([[1.0, 2.0, 3.0, 4.0]]), np.zeros((1, 4)), np.zeros(4)])
    step = {name: a.item() for name, a in lstm_gates(layer, [[[0.5]]]).items()}
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    assert step["input"] == pytest.approx(sigmoid(0.5))
    assert step["forget"] == pytest.approx(sigmoid(1.0))
    assert step["candidate"] == pytest.approx(np.tanh(1.5))
    assert step["cell"] == pytest.approx(sigmoid(0.5) * np.tanh(1.5))
    assert step["hidden"] == pytest.approx(sigmoid(2.0) * np.tanh(step["cell"]), rel=1e-5)


@pytest.mark.parametrize(
    "settings", [{}, {"use_bias": False}, {"recurrent_activation": "hard_sigmoid"}]
)
def test_the_hidden_state_is_what_keras_returns(settings):
    layer = random_layer(**settings)
    opened = lstm_gates(layer, INPUTS)
    assert np.allclose(opened["hidden"], layer(INPUTS), atol=1e-5)
    for name in ("input", "forget", "output"):
        assert ((opened[name] >= 0) & (opened[name] <= 1)).all()


def test_under_the_mask_nothing_is_read_and_the_states_are_carried():
    layer = random_layer()
    mask = np.ones((4, 7), bool)
    mask[:, :2] = mask[1, 4] = mask[2, 6] = False
    opened = lstm_gates(layer, INPUTS, mask)
    assert np.allclose(opened["hidden"], layer(INPUTS, mask=mask), atol=1e-5)
    assert np.isnan(opened["forget"][~mask]).all() and np.isfinite(opened["forget"][mask]).all()
    assert not opened["cell"][:, :2].any() and (opened["cell"][1, 4] == opened["cell"][1, 3]).all()
    other = np.where(mask[..., None], INPUTS, 99.0)
    again = lstm_gates(layer, other, mask)
    assert all(np.array_equal(again[n], opened[n], equal_nan=True) for n in opened)


def test_the_future_moves_nothing_before_it():
    layer = random_layer()
    changed = INPUTS.copy()
    changed[:, 4:] += 1
    one, two = lstm_gates(layer, INPUTS), lstm_gates(layer, changed)
    for name in one:
        assert (one[name][:, :4] == two[name][:, :4]).all(), name
        assert (one[name][:, 4:] != two[name][:, 4:]).any(), name


def test_errors():
    layer = random_layer()
    with pytest.raises(ValueError, match="without weights"):
        lstm_gates(keras.layers.LSTM(3), INPUTS)
    with pytest.raises(ValueError, match="GRU"):
        lstm_gates(keras.layers.GRU(3), INPUTS)
    with pytest.raises(ValueError, match="forwards"):
        lstm_gates(random_layer(go_backwards=True), INPUTS)
    with pytest.raises(ValueError, match=r"inputs: expected shape \(B, L, 3\)"):
        lstm_gates(layer, INPUTS[..., :2])
    with pytest.raises(ValueError, match=r"mask: expected shape \(4, 7\)"):
        lstm_gates(layer, INPUTS, np.ones((4, 6)))
