"""Queries and what they may look back on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stim_lib import queries, schema


def brute_force(asked, log):
    pairs = []
    for position, (user, instant) in enumerate(
        zip(asked["user_id"], asked["timestamp"], strict=True)
    ):
        rows = np.flatnonzero((log["user_id"] == user) & (log["timestamp"] < instant))
        rows = rows[np.argsort(log["timestamp"].to_numpy()[rows], kind="stable")]
        pairs += [(position, int(row)) for row in rows]
    return pairs


class TestLookBack:
    def test_strictly_before_and_own_user_alone(self, make_log):
        log = make_log([0, 1, 1, 2], users=["a", "a", "b", "a"])
        asked, _ = queries.make_queries(log)
        past = queries.look_back(asked, log)
        assert list(zip(past.query, past.row, strict=True)) == [(1, 0), (2, 0), (2, 1)]
        assert past.last.tolist() == [-1, 0, 1, -1]

    def test_same_instant_is_not_the_past(self, make_log):
        log = make_log([0, 1, 1])
        asked, _ = queries.make_queries(log)
        assert queries.look_back(asked, log).last.tolist() == [-1, 0, 0]

    def test_unknown_user_sees_nothing(self, make_log):
        log = make_log([0, 1])
        asked, _ = queries.make_queries(log)
        past = queries.look_back(asked.assign(user_id="nobody"), log)
        assert len(past.row) == 0 and (past.last == -1).all()

    def test_empty_history_is_nothing_to_see(self, make_log):
        log = make_log([0, 1])
        asked, _ = queries.make_queries(log)
        assert (queries.look_back(asked, log[:0]).last == -1).all()

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 6)), min_size=1, max_size=20),
        st.randoms(),
    )
    def test_agrees_with_a_loop_in_any_order(self, make_log, rows, random):
        log = make_log([h for _, h in rows], users=[u for u, _ in rows])
        order = list(range(len(log)))
        random.shuffle(order)
        log = log.iloc[order]
        asked, _ = queries.make_queries(log)
        past = queries.look_back(asked, log)
        assert list(zip(past.query.tolist(), past.row.tolist(), strict=True)) == brute_force(
            asked, log
        )

    def test_local_times_are_refused(self, make_log):
        log = make_log([0, 1])
        bad = log.assign(timestamp=log["timestamp"].dt.tz_localize(None))
        with pytest.raises(schema.SchemaError, match="instants"):
            queries.look_back(bad, log)
        with pytest.raises(schema.SchemaError, match="timestamp"):
            queries.look_back(log, log.assign(timestamp=log["timestamp"].where([True, False])))


class TestQueries:
    def test_nothing_tells_the_answer(self, make_log):
        log = make_log([0, 1]).assign(weather="rain", trajectory_id=1)
        asked, truth = queries.make_queries(log)
        assert set(asked) == {"user_id", "timestamp", "trajectory_id"}
        assert truth.tolist() == ["p0", "p1"]

    @pytest.mark.parametrize("bad", [[], [0, 0]])
    def test_bad_parts_are_refused(self, make_log, bad):
        with pytest.raises(ValueError, match="part"):
            queries.make_queries(make_log([0]).iloc[bad])


class TestHistories:
    def log(self, make_log):
        log = make_log([0, 1, 2, 3, 4, 5], users=["a"] * 6)
        return log.assign(trajectory_id=[1, 1, 2, 2, 3, 3])

    def test_frozen_is_training_and_the_current_trajectory(self, make_log):
        log = self.log(make_log)
        asked, _ = queries.make_queries(log[4:])
        frozen = queries.Knowledge("frozen")
        (positions, visible), *more = queries.histories(asked, log, knowledge=frozen, train=log[:2])
        assert not more and positions.tolist() == [0, 1]
        # Hours 2 and 3 lie between training and the current trajectory: not known.
        assert visible["timestamp"].dt.hour.tolist() == [0, 1, 4, 5]

    def test_every_query_is_served_once(self, make_log):
        log = self.log(make_log)
        asked, _ = queries.make_queries(log[2:])
        turns = list(
            queries.histories(asked, log, knowledge=queries.Knowledge("frozen"), train=log[:2])
        )
        assert sorted(np.concatenate([p for p, _ in turns])) == [0, 1, 2, 3]
        assert len(turns) == 2

    def test_frozen_needs_a_cutoff_and_trajectories(self, make_log):
        log = self.log(make_log)
        asked, _ = queries.make_queries(log)
        frozen = queries.Knowledge("frozen")
        with pytest.raises(ValueError, match="train"):
            list(queries.histories(asked, log, knowledge=frozen))
        with pytest.raises(ValueError, match="session_id"):
            list(queries.histories(asked, log, knowledge=frozen, train=log[:2], by="session_id"))

    def test_frozen_refuses_what_would_turn_it_into_rolling(self, make_log):
        log = self.log(make_log)
        asked, _ = queries.make_queries(log[4:])
        frozen = {"knowledge": queries.Knowledge("frozen"), "train": log[:2]}
        gap = log.assign(trajectory_id=log["trajectory_id"].where(log.index != 3))
        with pytest.raises(ValueError, match="0 queries and 1 actions without"):
            list(queries.histories(asked, gap, **frozen))
        with pytest.raises(ValueError, match="rows of the log"):
            elsewhere = log[:2].set_axis([98, 99])
            list(queries.histories(asked, log, knowledge=frozen["knowledge"], train=elsewhere))

    def test_knowledge_has_two_words_for_each(self):
        with pytest.raises(ValueError, match="frozen"):
            queries.Knowledge("live")
