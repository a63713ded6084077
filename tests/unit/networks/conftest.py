"""Small windows of made-up actions for the tests of the networks."""

import numpy as np
import pytest


def _make_batch(n_windows=3, length=8, padding=2, seed=0, n_items=7, n_categories=4):
    """Windows of random actions, the first `padding` positions of each left empty."""
    rng = np.random.default_rng(seed)
    shape = (n_windows, length)
    hours = np.cumsum(rng.exponential(6, shape), axis=1).astype("float32")
    wait = rng.exponential(6, shape).astype("float32")
    target_hours = np.concatenate([hours[:, 1:], hours[:, -1:] + wait[:, -1:]], axis=1)
    batch = {
        "item": rng.integers(2, n_items, shape).astype("int32"),
        "category": rng.integers(2, n_categories, shape).astype("int32"),
        "user": np.full(shape, 2, "int32"),
        "hours": hours,
        "clock": (hours + 9) % 168,
        "east_km": rng.normal(0, 2, shape).astype("float32"),
        "north_km": rng.normal(0, 2, shape).astype("float32"),
        "target": rng.integers(2, n_items, shape).astype("int32"),
        "target_hours": target_hours,
        "target_clock": (target_hours + 9) % 168,
        "weight": np.ones(shape, "float32"),
    }
    for array in batch.values():
        array[:, :padding] = 0
    return batch


@pytest.fixture(scope="session")
def make_batch():
    """`make_batch(n_windows, length, padding, seed)` → dict of arrays (n_windows, length)."""
    return _make_batch


@pytest.fixture
def come_back(tmp_path):
    """Save the weights alone, make the network anew, load them, and return it."""

    def again(model, make, build):
        path = tmp_path / "network.weights.h5"
        model.save_weights(path)
        fresh = make()
        build(fresh)
        fresh.load_weights(path)
        return fresh

    return again
