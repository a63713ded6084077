"""A copy head with the right kernel is a counter of chapter 13."""

import numpy as np
import pandas as pd
import pytest

from stim_lib import baselines, networks
from stim_lib.sequences import FIRST, Sequencer


@pytest.fixture(scope="module")
def log():
    rng = np.random.default_rng(5)
    n = 40
    times = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(
        np.cumsum(rng.exponential(9, n)), "h"
    )
    item = rng.choice(["home", "work", "gym", "bar"], n, p=[0.4, 0.3, 0.2, 0.1])
    return pd.DataFrame(
        {
            "user_id": "u", "item_id": item, "action": "visit", "timestamp": times.as_unit("us"),
            "lat": 40.7, "lon": -74.0, "category": "x",
        }
    )  # fmt: skip


def copied_shares(log, asked_row, relation, weight, *, time_known):
    """What one head gives each place of the catalogue, with one relation and a set weight."""
    train, queries = log[:asked_row], log[asked_row : asked_row + 1]
    sequencer = Sequencer(64, 64).fit(train)
    batch, window, position = sequencer.query_windows(queries, log)
    head = networks.CopyHead(1, relations=[relation], hidden=0, time_known=time_known)
    question = np.zeros((1, 64, 2), "float32")
    head(batch, question, question)
    head.set_weights([np.full((1, 1), weight)])
    weights = np.asarray(head(batch, question, question))[window[0], 0, position[0]]
    shares = np.bincount(batch["item"][0], weights, minlength=len(sequencer.items))
    return pd.Series(shares[FIRST:], index=sequencer.items.tokens)


def counted_shares(counter, log, asked_row):
    counter.fit(log[:asked_row])
    shares = counter.score(log[asked_row : asked_row + 1], history=log)[0]
    return pd.Series(shares, index=counter.catalogue)


class TestCopyHead:
    @pytest.mark.parametrize("row", [5, 39])
    def test_without_a_kernel_it_is_the_user_counter(self, log, row):
        head = copied_shares(log, row, "log_steps", 0.0, time_known=False)
        counter = counted_shares(baselines.UserCounter(prior_weight=0), log, row)
        assert np.allclose(head[counter.index], counter, atol=1e-6)

    def test_after_the_same_place_it_is_a_markov_chain(self, log):
        head = copied_shares(log, 39, "after_same_place", 30.0, time_known=False)
        markov = baselines.Markov(level="user", half_life_days=None, prior_weight=0)
        counter = counted_shares(markov, log, 39)
        assert np.allclose(head[counter.index], counter, atol=1e-5)

    def test_padding_is_never_copied(self, log):
        shares = copied_shares(log, 5, "log_steps", 3.0, time_known=False)
        assert shares.sum() == pytest.approx(1, abs=1e-6)

    def test_each_head_has_its_own_kernel(self, make_batch):
        head = networks.CopyHead(2, relations=["log_steps"], hidden=0)
        batch, states = make_batch(), np.zeros((3, 8, 4), "float32")
        head(batch, states[:, -2:], states)
        head.set_weights([np.array([[0.0, -50.0]])])
        even, last = np.asarray(head(batch, states[:, -2:], states))[0, :, -1]
        assert np.allclose(even, [0, 0] + [1 / 6] * 6, atol=1e-6)
        assert last[-1] > 0.99

    def test_content_compares_vectors(self, make_batch):
        head = networks.CopyHead(1, relations=["log_steps"], content=True)
        batch = make_batch()
        rng = np.random.default_rng(0)
        states, other = rng.normal(size=(2, 3, 8, 4)).astype("float32")
        one = np.asarray(head(batch, states[:, -2:], states))
        assert not np.allclose(one, np.asarray(head(batch, states[:, -2:], other)), atol=1e-3)
