"""The harness: perfect, reversed and list-only models; frozen and rolling; what it reports."""

import numpy as np
import pandas as pd
import pytest

from stim_lib import baselines, evaluation, leaks, queries


class Oracle:
    """Scores every item by a sign times whether it is the answer."""

    use_query_time = False

    def __init__(self, truth, catalogue, sign):
        self.truth, self.catalogue, self.sign = truth, pd.Index(catalogue), sign

    def __str__(self):
        return "oracle"

    def score(self, asked, *, history):
        right = self.truth.reindex(asked.index).to_numpy()[:, None] == self.catalogue.to_numpy()
        return self.sign * right.astype(float)


@pytest.fixture(scope="module")
def log(make_log):
    return make_log(range(12), users=list("aab" * 4), items=[f"p{i % 5}" for i in range(12)])


@pytest.mark.parametrize(("sign", "rank"), [(1, 1), (-1, 5), (0, 3)])
def test_perfect_reversed_and_indifferent(log, sign, rank):
    _, truth = queries.make_queries(log)
    model = Oracle(truth, [f"p{i}" for i in range(5)], sign)
    result = evaluation.evaluate(model, log, train=log, log=log)
    assert (result.queries["rank"] == rank).all()


def test_rolling_knows_more_than_frozen(make_log):
    log = make_log([0, 10, 20, 30], items=["p", "q", "q", "q"]).assign(trajectory_id=[0, 1, 2, 3])
    extra = make_log([1], users=["b"], items=["q"]).assign(trajectory_id=9)
    log = pd.concat([log, extra], ignore_index=True)
    train, test = log[log["timestamp"].dt.hour < 5], log[3:4]
    model = baselines.UserCounter(prior_weight=0).fit(train)
    ranks = [
        evaluation.evaluate(model, test, train=train, log=log, history=kind).queries["rank"].item()
        for kind in queries.HISTORIES
    ]
    assert ranks == [2, 1]


def test_a_model_that_gives_lists_is_judged_by_them(nyc, nyc_parts):
    train, _, test = nyc_parts
    model = baselines.UserCounter().fit(train)

    class ListsOnly:
        use_query_time = False
        rank = model.rank

    both = [
        evaluation.evaluate(m, test[:100], train=train, log=nyc, list_length=20).queries["rank"]
        for m in (model, ListsOnly())
    ]
    hit = [ranks <= 20 for ranks in both]
    assert (hit[0] == hit[1]).mean() > 0.97
    assert np.isinf(both[1][~hit[1]]).all()


def test_models_are_shown_their_askers_alone(log):
    seen = []

    class Curious(Oracle):
        def score(self, asked, *, history):
            seen.append(set(history["user_id"]) - set(asked["user_id"]))
            return super().score(asked, history=history)

    _, truth = queries.make_queries(log)
    test = log[log["user_id"] == "a"]
    catalogue = [f"p{i}" for i in range(5)]
    evaluation.evaluate(Curious(truth, catalogue, 1), test, train=log, log=log, leak_checks=0)
    assert seen == [set()]


def test_progress_is_told(log):
    told = []
    model = baselines.GlobalPopularity().fit(log)
    evaluation.evaluate(model, log, train=log, log=log, progress=lambda *at: told.append(at))
    assert told == [(12, 12)]


def test_wrong_shapes_and_things_that_are_no_models_are_refused(log):
    class Wrong(Oracle):
        def score(self, asked, *, history):
            return np.zeros((1, 1))

    _, truth = queries.make_queries(log)
    with pytest.raises(ValueError, match="shape"):
        evaluation.evaluate(Wrong(truth, [f"p{i}" for i in range(5)], 1), log, train=log, log=log)

    class Nothing:
        use_query_time = False

    with pytest.raises(ValueError, match="score or rank"):
        evaluation.evaluate(Nothing(), log, train=log, log=log)


class Cheat:
    """Looks its answers up in the history that it is handed."""

    use_query_time = False

    def __init__(self, train):
        self.catalogue = pd.Index(train["item_id"].unique())

    def score(self, asked, *, history):
        answer = history.set_index(["user_id", "timestamp"])["item_id"]
        answer = answer[~answer.index.duplicated()]
        named = answer.reindex(pd.MultiIndex.from_frame(asked[["user_id", "timestamp"]]))
        return (named.to_numpy()[:, None] == self.catalogue.to_numpy()).astype(float)


@pytest.mark.parametrize("history", queries.HISTORIES)
def test_a_model_that_looks_its_answers_up_is_caught(nyc, nyc_parts, history):
    train, _, test = nyc_parts
    with pytest.raises(leaks.LeakError, match="moved"):
        evaluation.evaluate(Cheat(train), test[:300], train=train, log=nyc, history=history)


def test_places_outside_training_are_misses_whoever_names_them(nyc, nyc_parts):
    train, _, test = nyc_parts
    _, truth = queries.make_queries(test[:300])
    whole = Oracle(truth, nyc["item_id"].unique(), 1)
    with pytest.raises(ValueError, match="other catalogues are other exams"):
        evaluation.evaluate(whole, test[:300], train=train, log=nyc)

    class Lists:
        use_query_time = False

        def rank(self, asked, k, *, history):
            named = truth.reindex(asked.index)
            return pd.DataFrame({"query_id": asked.index, "rank": 1, "item_id": named.to_numpy()})

    found = evaluation.evaluate(Lists(), test[:300], train=train, log=nyc).queries
    assert np.isinf(found.loc[found["unseen"], "rank"]).all()
    assert (found.loc[~found["unseen"], "rank"] == 1).all()


def test_ids_of_two_kinds_are_refused(log):
    model = baselines.UserCounter().fit(log)
    other = log.assign(item_id=range(len(log)))
    with pytest.raises(ValueError, match="item_id: expected the same kind"):
        evaluation.evaluate(model, other, train=log, log=log)


def test_models_do_not_see_that_a_new_trajectory_has_begun(log):
    class Nosy(Oracle):
        def score(self, asked, *, history):
            assert "trajectory_id" not in asked
            return super().score(asked, history=history)

    log = log.assign(trajectory_id=1)
    _, truth = queries.make_queries(log)
    evaluation.evaluate(Nosy(truth, [f"p{i}" for i in range(5)], 1), log, train=log, log=log)
