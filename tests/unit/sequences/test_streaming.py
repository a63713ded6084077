"""The stream hands out every window once an epoch, and makes none before its time."""

import numpy as np
import pytest

from stim_lib.sequences import stream


def numbered(n, made=None):
    def make():
        for number in range(n):
            if made is not None:
                made.append(number)
            yield {
                "item": np.full(2, number, dtype=np.int32),
                "weight": np.array([0, number % 2], dtype=np.float32),
            }

    return make


def epoch(dataset):
    return np.concatenate([inputs["item"].numpy()[:, 0] for inputs, _, _ in dataset]).tolist()


def test_batches_hold_inputs_zeros_and_weights():
    batches = list(stream(numbered(5), batch_size=2))
    assert [len(weight) for *_, weight in batches] == [2, 2, 1]
    inputs, zeros, weight = batches[0]
    assert inputs["item"].numpy().tolist() == [[0, 0], [1, 1]]
    assert zeros.shape == (2, 2) and not zeros.numpy().any()
    assert weight.numpy().tolist() == [[0, 0], [0, 1]] == inputs["weight"].numpy().tolist()


def test_without_a_seed_the_order_is_kept_and_every_epoch_is_whole():
    dataset = stream(numbered(7), batch_size=3)
    assert epoch(dataset) == epoch(dataset) == list(range(7))


def test_a_seed_shuffles_otherwise_each_epoch_and_the_same_each_time():
    one, two = (stream(numbered(40), 8, shuffle_seed=3) for _ in range(2))
    first, second = epoch(one), epoch(one)
    assert first != second and sorted(first) == sorted(second) == list(range(40))
    assert [epoch(two), epoch(two)] == [first, second]
    assert epoch(stream(numbered(40), 8, shuffle_seed=4)) != first


def test_windows_are_made_when_they_are_needed():
    made = []
    dataset = stream(numbered(10_000, made), batch_size=4, shuffle_seed=0, buffer=16)
    assert len(made) == 1  # one, to see the shapes
    iterator = iter(dataset)
    next(iterator)
    assert len(made) < 200


def test_names_choose_the_inputs():
    ((inputs, _, weight),) = stream(numbered(2), 2, names=["item"])
    assert list(inputs) == ["item"] and weight.numpy().tolist() == [[0, 0], [0, 1]]


def test_errors():
    with pytest.raises(ValueError, match="batch_size: expected 1 or more, found 0"):
        stream(numbered(1), 0)
    with pytest.raises(ValueError, match="buffer: expected 1 or more"):
        stream(numbered(1), 1, buffer=0)
    with pytest.raises(ValueError, match="at least one window"):
        stream(numbered(0), 1)
    with pytest.raises(ValueError, match="names: expected some of item, weight, found place"):
        stream(numbered(1), 1, names=["place"])
