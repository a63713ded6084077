"""Baselines: by hand, edges, what they may know, and the protocol's known numbers."""

import numpy as np
import pandas as pd
import pytest

from stim_lib import baselines, evaluation, leaks, metrics, queries


@pytest.fixture(scope="module")
def week(make_log):
    """One user: home, work, home, work, home, then a question."""
    items = ["home", "work", "home", "cafe", "home", "work", "home"]
    log = make_log([0, 9, 18, 33, 42, 57, 66], items=items)
    return log.assign(local_time=log["timestamp"].dt.tz_localize(None))


def scores(model, train, asked, log):
    row = model.fit(train).score(asked, history=log)[0]
    return dict(zip(model.catalogue, row, strict=True))


class TestByHand:
    def test_global_popularity(self, week):
        asked, _ = queries.make_queries(week[6:])
        assert scores(baselines.GlobalPopularity(), week[:6], asked, week) == {
            "home": 1 / 2, "work": 1 / 3, "cafe": 1 / 6,
        }  # fmt: skip

    def test_user_counter_with_a_prior(self, week):
        asked, _ = queries.make_queries(week[2:3])
        found = scores(baselines.UserCounter(), week[:6], asked, week)
        # One visit each to home and work, and one imagined action spread 3 : 2 : 1.
        assert found == pytest.approx({"home": 1.5 / 3, "work": (1 + 1 / 3) / 3, "cafe": 1 / 18})

    def test_user_counter_halves_by_age(self, week):
        asked, _ = queries.make_queries(week[2:3])
        model = baselines.UserCounter(half_life_days=9 / 24, prior_weight=0, use_query_time=True)
        # home is 18 hours old, two half-lives; work 9 hours, one.
        assert scores(model, week[:6], asked, week) == pytest.approx(
            {"home": 1 / 3, "work": 2 / 3, "cafe": 0}
        )

    def test_hour_kernel(self, week):
        asked, _ = queries.make_queries(week[5:6])  # 09:00 on the third day
        model = baselines.HourOfWeekCounter(
            width_hours=3, half_life_days=None, prior_weight=0, use_query_time=True
        )
        found = scores(model, week[:6], asked, week)
        # Clocks 0, 9, 18, 9, 18 stand 9, 0, 9, 0 and 9 hours from nine o'clock.
        far = np.exp(-0.5 * 9)
        assert found["work"] == found["cafe"] == pytest.approx(1 / (2 + 3 * far))

    def test_weekend_counts_less_on_a_workday(self, make_log):
        log = make_log([9, 24 * 5 + 9, 24 * 7 + 9], items=["monday", "saturday", "monday"])
        log = log.assign(local_time=log["timestamp"].dt.tz_localize(None))
        asked, _ = queries.make_queries(log[2:])
        model = baselines.HourOfWeekCounter(
            other_day_weight=0.25, half_life_days=None, prior_weight=0, use_query_time=True
        )
        assert scores(model, log[:2], asked, log) == pytest.approx({"monday": 0.8, "saturday": 0.2})

    def test_markov_of_the_user(self, week):
        asked, _ = queries.make_queries(week[5:6])  # at home; from home to work and to cafe
        model = baselines.Markov(level="user", half_life_days=None, prior_weight=0)
        assert scores(model, week[:6], asked, week) == {"home": 0, "work": 0.5, "cafe": 0.5}

    def test_markov_of_everybody_learns_from_training_alone(self, week):
        asked, _ = queries.make_queries(week[5:6])
        model = baselines.Markov(level="global", prior_weight=0)
        assert scores(model, week[:3], asked, week) == {"home": 0, "work": 1}

    def test_backing_off_lies_between(self, week):
        asked, _ = queries.make_queries(week[5:6])
        model = baselines.Markov(level="backed off", half_life_days=None, prior_weight=1)
        # Global from home: 1 of 2 + prior; drawn from 2 own steps towards it by one imagined.
        overall = (np.array([0, 1, 1]) + np.array([3, 2, 1]) / 6) / 3
        found = scores(model, week[:5], asked, week)
        popularity = np.array([3, 1, 1]) / 5
        overall = (np.array([0, 1, 1]) + popularity) / 3
        expected = (np.array([0, 1, 1]) + overall) / 3
        assert [found[name] for name in ("home", "work", "cafe")] == pytest.approx(expected)

    def test_the_last_place_fades(self, week):
        asked, _ = queries.make_queries(week[5:6])  # 15 hours after the last action
        options = {"level": "user", "half_life_days": None, "prior_weight": 0}
        model = baselines.Markov(**options, fade_hours=7.5, use_query_time=True)
        assert scores(model, week[:6], asked, week) == {"home": 0, "work": 1 / 8, "cafe": 1 / 8}

    def test_nearest(self, make_log):
        log = make_log([0, 1, 2, 3], items=["here", "near", "far", "here"])
        log = log.assign(lat=[0.0, 0.01, 1.0, 0.0])
        asked, _ = queries.make_queries(log.assign(user_id="a")[1:2])
        found = scores(baselines.NearestPlaces(), log, asked, log)
        assert found["here"] > found["near"] > found["far"]
        assert sum(found.values()) == pytest.approx(1)

    def test_nearest_starts_from_where_the_query_says(self, make_log):
        log = make_log([0, 1, 2], items=["here", "far", "here"]).assign(lat=[0.0, 1.0, 0.0])
        asked, _ = queries.make_queries(log[2:])
        found = scores(baselines.NearestPlaces(), log, asked.assign(lat=1.0, lon=0.0), log)
        assert found["far"] > found["here"]

    def test_mix_is_the_weighted_sum(self, week):
        asked, _ = queries.make_queries(week[5:6])
        parts = {"a": baselines.UserCounter(), "b": baselines.Markov(level="user", prior_weight=0)}
        mixed = scores(baselines.Mix(parts, {"a": 1, "b": 3}), week[:5], asked, week)
        one, two = (scores(part, week[:5], asked, week) for part in parts.values())
        assert mixed == pytest.approx({name: one[name] + 3 * two[name] for name in one})


ALL = [
    baselines.GlobalPopularity,
    baselines.UserCounter,
    baselines.HourOfWeekCounter,
    baselines.Markov,
    baselines.NearestPlaces,
    baselines.Mix,
]


@pytest.mark.parametrize("kind", ALL)
class TestEveryBaseline:
    def test_a_stranger_gets_a_list(self, kind, week):
        model = kind().fit(week[:6])
        asked, _ = queries.make_queries(week[:1].assign(user_id="stranger"))
        ranked = model.rank(asked, k=99, history=week)
        assert ranked["rank"].tolist() == [1, 2, 3]
        assert ranked["score"].notna().all()

    @pytest.mark.parametrize("use_query_time", [False, True])
    def test_nobody_has_a_past(self, kind, use_query_time, week):
        model = kind(use_query_time=use_query_time).fit(week)
        asked, _ = queries.make_queries(week.assign(user_id="new"))
        for history in (week[:0], week):
            scores = model.score(asked, history=history)
            assert scores.shape == (7, 3) and np.isfinite(scores).all()

    def test_one_item_one_user(self, kind, make_log):
        log = make_log([0, 1], items=["p", "p"])
        asked, truth = queries.make_queries(log[1:])
        ranked = kind().fit(log[:1]).rank(asked, k=5, history=log)
        assert ranked["item_id"].tolist() == truth.tolist()

    def test_is_a_scorer_and_names_itself(self, kind, week):
        model = kind().fit(week)
        assert isinstance(model, evaluation.Scorer) and len(str(model)) > 3

    def test_refuses_to_answer_before_fitting_and_to_fit_nothing(self, kind, week):
        with pytest.raises(ValueError, match="fit"):
            kind().score(week, history=week)
        with pytest.raises(ValueError, match="found none"):
            kind().fit(week[:0])

    def test_input_is_unchanged(self, kind, week):
        before = week.copy()
        asked, _ = queries.make_queries(week[5:])
        kind().fit(week).rank(asked, history=week)
        pd.testing.assert_frame_equal(week, before)

    @pytest.mark.parametrize("use_query_time", [False, True])
    def test_does_not_know_the_future(self, kind, use_query_time, nyc, nyc_parts):
        few = nyc[nyc["user_id"].isin(nyc_parts[2]["user_id"].unique()[:12])].reset_index(drop=True)
        cutoff = nyc_parts[2]["timestamp"].min()
        asked, _ = queries.make_queries(few[few["timestamp"] >= cutoff])

        def predict(log, asked):
            model = kind(use_query_time=use_query_time).fit(log[log["timestamp"] < cutoff])
            return model.score(asked, history=log)

        leaks.assert_no_leak(predict, few, asked, time_known=use_query_time)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: baselines.UserCounter(half_life_days=0), "half_life_days"),
        (lambda: baselines.UserCounter(prior_weight=-1), "prior_weight"),
        (lambda: baselines.HourOfWeekCounter(width_hours=-1), "width_hours"),
        (lambda: baselines.HourOfWeekCounter(other_day_weight=2), "other_day_weight"),
        (lambda: baselines.Markov(level="city"), "level"),
        (lambda: baselines.NearestPlaces(decay_metres=0), "decay_metres"),
        (lambda: baselines.Markov(fade_hours=2), "needs use_query_time"),
        (lambda: baselines.NearestPlaces(fade_hours=-1, use_query_time=True), "fade_hours"),
        (lambda: baselines.Mix({}), "no component"),
        (lambda: baselines.Mix(weights={"a": 1}), "one for each"),
        (lambda: baselines.Mix({"a": baselines.Markov()}, {"a": 0}), "positive"),
        (lambda: baselines.Mix({"a": baselines.Markov(use_query_time=True)}), "both the same"),
    ],
)
def test_bad_settings_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.fixture(scope="module")
def small(nyc, nyc_parts):
    users = nyc_parts[1]["user_id"].unique()[:15]
    log = nyc[nyc["user_id"].isin(users)].reset_index(drop=True)
    cut = nyc_parts[1]["timestamp"].min(), nyc_parts[2]["timestamp"].min()
    train = log[log["timestamp"] < cut[0]]
    validation = log[(log["timestamp"] >= cut[0]) & (log["timestamp"] < cut[1])]
    return log, train, validation, baselines.Mix().fit(train)


def test_weights_follow_the_order_of_the_components():
    parts = {"b": baselines.UserCounter(), "a": baselines.Markov()}
    assert list(baselines.Mix(parts, {"a": 1, "b": 2}).weights) == ["b", "a"]


class TestTuning:
    def test_rivals_stand_for_the_whole_catalogue(self, small):
        log, train, validation, mix = small
        rivals = baselines.tuning.find_rivals(mix, validation, train=train, log=log)
        weights = dict(zip(mix.components, 2.0 ** np.arange(-4, 5), strict=True))
        weighed = baselines.Mix(mix.components, weights).fit(train)
        result = evaluation.evaluate(weighed, validation, train=train, log=log)
        ranks = result.queries["rank"].to_numpy()
        assert np.array_equal(
            rivals.ranks(np.array(list(weights.values()))), ranks[np.isfinite(ranks)]
        )

    def test_the_best_point_is_not_at_an_end_and_the_seed_repeats_it(self, small):
        log, train, validation, mix = small
        tuned, trials = baselines.tune_mix(
            mix, validation, train=train, log=log, n_trials=60, n_starts=2, seed=5
        )
        best = pd.Series(tuned.weights)
        tried = trials.drop(columns="objective")
        for name in best.index[1:]:
            others = tried.drop(columns=name)
            same = (others == best.drop(name)).all(axis=1)
            neighbours = tried.loc[same, name]
            assert {best[name] / 2, best[name] * 2} <= set(neighbours), name
        again, _ = baselines.tune_mix(
            mix, validation, train=train, log=log, n_trials=60, n_starts=2, seed=5
        )
        assert again.weights == tuned.weights
        assert mix.weights == dict.fromkeys(mix.components, 1.0)

    def test_tuning_pays_on_what_it_is_tuned_on(self, small):
        log, train, validation, mix = small
        tuned, trials = baselines.tune_mix(mix, validation, train=train, log=log, n_trials=60)
        scored = [
            evaluation.evaluate(m, validation, train=train, log=log).scores().mean()
            for m in (mix, tuned)
        ]
        reached = [means["mrr"] + means["hit_rate@10"] / 5 for means in scored]
        assert reached[1] > reached[0]
        assert trials["objective"].max() == pytest.approx(reached[1])

    def test_no_other_weights_are_more_likely(self, small):
        log, train, validation, mix = small

        def log_loss(mix):
            asked, truth = queries.make_queries(validation)
            shares = mix.score(asked, history=log)
            shares /= shares.sum(axis=1, keepdims=True)
            column = mix.catalogue.get_indexer(truth)
            known = np.flatnonzero(column >= 0)
            return -np.log(np.maximum(shares[known, column[known]], 1e-12)).mean()

        likely = baselines.weigh_by_likelihood(mix, validation, train=train, log=log)
        assert sum(likely.weights.values()) == pytest.approx(1)
        best = log_loss(likely)
        rng = np.random.default_rng(0)
        for _ in range(20):
            step = np.exp(rng.normal(0, rng.choice([0.02, 0.5]), len(likely.weights)))
            weights = np.array(list(likely.weights.values())) * step
            other = dict(zip(mix.components, weights.tolist(), strict=True))
            assert log_loss(mix.with_weights(other)) > best - 1e-5
        assert log_loss(mix) > best

    def test_weights_need_a_place_that_is_known(self, small):
        log, train, validation, mix = small
        with pytest.raises(ValueError, match="some place with a training action"):
            baselines.weigh_by_likelihood(
                mix, validation.assign(item_id="nowhere"), train=train, log=log
            )


class TestProtocol:
    """The numbers that say that the protocol is the same as when they were first measured."""

    def test_user_popularity_on_new_york(self, nyc, nyc_parts):
        train, _, test = nyc_parts
        result = evaluation.evaluate(baselines.UserCounter().fit(train), test, train=train, log=nyc)
        means = result.scores().mean()
        assert means[["accuracy@1", "hit_rate@10", "mrr"]].to_numpy() == pytest.approx(
            [0.137, 0.481, 0.241], abs=0.003
        )
        assert len(result.queries) == 3650
        assert result.queries["unseen"].mean() == pytest.approx(0.255, abs=0.001)
        assert (~result.queries["revisit"]).mean() == pytest.approx(0.209, abs=0.001)

    def test_lists_and_ranks_agree(self, nyc, nyc_parts):
        train, _, test = nyc_parts
        model = baselines.HourOfWeekCounter(use_query_time=True).fit(train)
        asked, truth = queries.make_queries(test[:200])
        by_list = metrics.score_lists(model.rank(asked, k=10, history=nyc), truth)
        by_rank = evaluation.evaluate(model, test[:200], train=train, log=nyc).scores()
        assert (by_list["hit_rate@10"] == by_rank["hit_rate@10"]).mean() > 0.99
