"""Attention over the past: its moments, its sum, its networks."""

import numpy as np
import pandas as pd
import pytest

from stim_lib.recommend.attention import FOLD, Attention, attend, draw_questions, fit_attention
from stim_lib.recommend.moments import (
    GUESSES,
    compare_moments,
    compare_visits,
    describe_queries,
)
from stim_lib.recommend.network import Lessons, _slopes, fit_network, surprise
from stim_lib.recommend.sight import look
from stim_lib.recommend.statistics import learn_statistics

DAY = 24.0


def ask(user, hour):
    when = pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(hours=hour)
    return pd.DataFrame({"user_id": [user], "timestamp": [when]})


class TestAttention:
    def test_shares_sum_to_one(self, make_log):
        log = make_log(range(9), items=list("xyzxyzxyz"))
        sight = look(ask("a", 9.5), log, learn_statistics(log), timed=True)
        assert attend(sight, Attention()).sum() == pytest.approx(1)

    def test_learns_that_this_user_alternates(self, make_log):
        rng = np.random.default_rng(0)
        # After x always y, after y one of four: only the step tells.
        items = [item for _ in range(100) for item in ("x", "y", rng.choice(list("abcd")))]
        log = make_log(np.arange(300) * 5.0, items=items)
        fitted = fit_attention(log[150:], log, learn_statistics(log), [np.arange(150)], timed=True)
        assert fitted.networks == ()
        assert fitted.weights["follow"] + fitted.weights["follow_gap"] > GUESSES["follow"]
        sight = look(ask("a", 300 * 5.0 - 10), log, learn_statistics(log), timed=True)
        of_y = attend(sight, fitted)[np.array(items)[sight.row] == "y"].sum()
        assert items[297] == "x"
        assert of_y > 0.8

    def test_nothing_to_learn_from_keeps_the_guesses(self, make_log):
        log = make_log(range(4), items=list("wxyz"))
        found = fit_attention(log, log, learn_statistics(log), [np.arange(4)], timed=False)
        assert found == Attention()

    def test_network_learns_what_no_sum_can_say(self, make_log, monkeypatch):
        monkeypatch.setattr("stim_lib.recommend.attention.LEAST_QUERIES", 300)
        rng = np.random.default_rng(0)
        # At noon where they were a day before, else anywhere but there: "yesterday" changes sign.
        items = ["a", "b", "c"] * 4
        for hour in np.arange(12, 900) * 8.0:
            past = items[-3]
            others = [p for p in "abcd" if p != past]
            items.append(past if hour % DAY == 16 else rng.choice(others))
        log = make_log(np.arange(len(items)) * 8.0, items=items)
        log[FOLD] = rng.integers(0, 2, len(log))
        fitted = fit_attention(
            log[200:], log, learn_statistics(log), np.split(np.arange(700), 7), timed=True
        )
        assert len(fitted.networks) == 2
        sight = look(log.iloc[800:].drop(columns=FOLD), log, learn_statistics(log), timed=True)
        right = np.array(items)[sight.row] == np.array(items)[800:][sight.query]
        of_sum = np.bincount(sight.query, attend(sight, Attention(fitted.weights)) * right)
        of_both = np.bincount(sight.query, attend(sight, fitted) * right)
        assert of_both.mean() > of_sum.mean() + 0.005
        # Of a question that was learned from, the network speaks that has not seen it.
        fold = log[FOLD].to_numpy()[800:]
        alone = [attend(sight, Attention(fitted.weights, (n,) * 2)) for n in fitted.networks]
        expected = np.where(fold[sight.query] == 0, *alone)
        assert attend(sight, fitted, fold) == pytest.approx(expected)

    def test_questions_are_late_and_few_where_pasts_are_long(self, make_log):
        log = make_log(range(3000), items=["x"] * 3000)
        drawn = draw_questions(log, 0.5, np.random.default_rng(0), most=100)
        assert len(drawn) == 100
        assert drawn.index.min() >= 1500


class TestMoments:
    def test_visits_by_hand(self, make_log):
        log = make_log([0, 24, 48, 50], items=list("xxyx"))
        sight = look(ask("a", 74), log, learn_statistics(log), timed=True)
        found = compare_visits(sight, compare_moments(sight))
        assert found["visits"] == pytest.approx(np.log([3, 3, 1, 3]))
        assert found["is_latest"].tolist() == [0, 0, 1, 1]
        assert found["place_back"] == pytest.approx(np.log1p([0, 0, 1, 0]))
        assert found["overdue"][0] == pytest.approx(np.log1p(24 / 25))
        assert found["days"] == pytest.approx(np.log1p([3, 2, 1, 1]))
        assert found["yesterday"].tolist() == [0, 0, 1, 1]
        assert found["stay"] == pytest.approx(np.log1p([24, 24, 2, 24]))

    @pytest.mark.parametrize("timed", [True, False])
    def test_later_actions_change_nothing(self, make_log, timed):
        log = make_log([0, 24, 48, 50, 99], items=list("xxyxy"))
        statistics = learn_statistics(log)
        whole, cut = (look(ask("a", 60), some, statistics, timed=timed) for some in (log, log[:4]))
        tables = []
        for sight in (whole, cut):
            found = compare_moments(sight)
            tables.append(found | compare_visits(sight, found) | describe_queries(sight))
        for name, values in tables[0].items():
            np.testing.assert_array_equal(values, tables[1][name], err_msg=name)
            assert np.isfinite(values).all(), name


class TestNetwork:
    def lessons(self, rng, n_questions=4, size=3):
        hit = np.zeros((n_questions, size), dtype=bool)
        hit[:, 0] = True
        return Lessons(
            rng.normal(size=(n_questions * size, 5)).astype(np.float32),
            rng.normal(size=(n_questions, 2)).astype(np.float32), hit.ravel(),
            np.zeros(n_questions * size, dtype=np.float32), np.full(n_questions, size),
        )  # fmt: skip

    def test_a_pair_that_stands_for_two_counts_twice(self):
        zeros = np.zeros((2, 1), dtype=np.float32)
        lift = np.log(np.array([1, 2], dtype=np.float32))
        lessons = Lessons(zeros, zeros[:1], np.array([True, False]), lift, np.array([2]))
        assert surprise(np.zeros(2), lessons)[0] == pytest.approx(np.log(3))

    def test_slopes_are_those_of_the_loss(self):
        rng = np.random.default_rng(0)
        lessons = self.lessons(rng)
        plain = (np.zeros(5, np.float32), np.ones(5, np.float32))
        asked = (np.zeros(2, np.float32), np.ones(2, np.float32))
        network = fit_network(lessons, np.zeros(5), rng)
        parts = {name: part.astype(np.float32) for name, part in network.parts.items()}
        found = _slopes(parts, lessons, plain, asked)
        query = np.repeat(np.arange(4), 3)

        def loss(name, place, step):
            moved = parts[name].copy()
            moved[place] += step
            score = type(network)(parts | {name: moved}).score(
                lessons.pairs, lessons.questions, query
            )
            return surprise(score, lessons)[0].mean()

        for name, slope in found.items():
            place = np.unravel_index(np.abs(slope).argmax(), slope.shape)
            by_steps = (loss(name, place, 1e-3) - loss(name, place, -1e-3)) / 2e-3
            assert slope[place] == pytest.approx(by_steps, rel=0.05, abs=2e-3), name

    def test_same_seed_same_network(self):
        lessons = self.lessons(np.random.default_rng(1))
        first, second = (
            fit_network(lessons, np.zeros(5), np.random.default_rng(7)).parts for _ in range(2)
        )
        assert all((first[name] == second[name]).all() for name in first)

    def test_a_column_that_never_changed_says_nothing(self):
        lessons = self.lessons(np.random.default_rng(2))
        lessons.pairs[:, 4] = 1.0
        network = fit_network(lessons, np.ones(5), np.random.default_rng(0))
        query = np.repeat(np.arange(4), 3)
        before = network.score(lessons.pairs, lessons.questions, query)
        lessons.pairs[:, 4] = 99.0
        assert network.score(lessons.pairs, lessons.questions, query) == pytest.approx(before)
