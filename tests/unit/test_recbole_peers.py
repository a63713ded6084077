"""The parts of the peers' script that run in the book's environment: the cut, the rows, the judge.

The training itself needs PyTorch and is not run here.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stim_lib import evaluation, queries, schema

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "recbole_peers.py"


@pytest.fixture(scope="module")
def peers():
    spec = importlib.util.spec_from_file_location(PATH.stem, PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def log(make_log):
    return make_log(range(6), users=list("aabaab"), items=list("pqppxq"))


class TestEarlierItems:
    def test_by_hand(self, peers, log):
        columns = pd.Index(["p", "q"]).get_indexer(log[schema.ITEM])  # x is not in the catalogue
        asked, _ = queries.make_queries(log)
        lists = peers.earlier_items(asked, log, columns, 2)
        of_time = dict(zip(log[schema.TIME].rank().astype(int) - 1, lists, strict=True))
        assert of_time == {0: [], 1: [0], 2: [], 3: [0, 1], 4: [1, 0], 5: [0]}

    def test_what_comes_later_changes_nothing(self, peers, log):
        asked, _ = queries.make_queries(log)
        columns = np.arange(len(log))
        now = log[schema.TIME].sort_values().iloc[3]
        before = (asked[schema.TIME] <= now).to_numpy()
        whole = peers.earlier_items(asked[before], log, columns, 9)
        cut = (log[schema.TIME] < now).to_numpy()
        assert whole == peers.earlier_items(asked[before], log[cut], columns[cut], 9)


def test_every_last_counts_from_the_end_of_each_user(peers):
    users = pd.Series(list("aaaaabb"))
    assert peers.every_last(users, 2).tolist() == [True, False, True, False, True, False, True]
    assert peers.every_last(users, 1).all()


@pytest.mark.parametrize("stride", [1, 3, 4])
def test_windows_count_each_action_that_has_a_past_once(peers, make_log, stride):
    log = make_log(range(11), users=list("abababababa"), items=[f"p{i}" for i in range(11)])
    asked, _ = queries.make_queries(log)
    kept = peers.every_last(log[schema.USER], stride)
    lists = peers.earlier_items(asked, log, np.arange(len(log)), 5)
    answers = [
        number
        for row in np.flatnonzero(kept)
        for number in [*lists[row], row][1:][-stride:]
        if lists[row]
    ]
    first = log.groupby(schema.USER).head(1).index
    assert sorted(answers) == sorted(set(range(len(log))) - set(log.index.get_indexer(first)))


def test_rows_without_history_or_answer_stay_out(peers, tmp_path):
    path = tmp_path / "x.inter"
    n = peers.write_rows(path, ["a", "a", "b"], [[], [3, 1], [2]], [3, 0, -1])
    assert n == 1
    head, row = path.read_text().splitlines()
    assert row == "a\t3 1\t0" and head.count(":token") == 3


class TestStoredScores:
    def test_ranks_are_those_of_the_stored_rows(self, peers, log):
        train, test = log.iloc[:4], log.iloc[4:]
        catalogue = pd.Index(train[schema.ITEM].unique(), name=schema.ITEM)
        scores = np.arange(2.0 * len(catalogue), dtype=np.float32).reshape(2, -1)
        model = peers.StoredScores("peer", catalogue, test.index, scores)
        result = evaluation.evaluate(model, test, train=train, log=log, leak_checks=0)
        assert str(result).startswith("peer (rolling history, time unknown; n=2")
        column = catalogue.get_indexer(test[schema.ITEM])
        expected = np.where(column < 0, np.inf, len(catalogue) - column)
        assert result.queries["rank"].tolist() == expected.tolist()

    def test_refuses_what_does_not_fit(self, peers, log):
        catalogue = pd.Index(["p", "q"], name=schema.ITEM)
        with pytest.raises(ValueError, match=r"expected scores of shape \(6, 2\), found \(5, 2\)"):
            peers.StoredScores("peer", catalogue, log.index, np.zeros((5, 2)))
        model = peers.StoredScores("peer", catalogue, log.index[:2], np.zeros((2, 2)))
        with pytest.raises(ValueError, match="queries of the test part"):
            model.score(log, history=log)


def test_settings_name_the_best_and_what_was_varied(peers):
    trials = [
        {"settings": {"rate": rate, "length": 50}, "validation_mrr": mrr, "best_epoch": 2,
         "epochs": 4, "cpu_seconds": 1.5, "versions": {"torch": "2"}}
        for rate, mrr in ((0.1, 0.2), (0.2, 0.3))
    ]  # fmt: skip
    best, settings = peers.settings_of(trials)
    assert best is trials[1] and settings["rate"] == 0.2 and settings["tuning_cpu_seconds"] == 3
    assert settings["tried"] == [
        {"rate": 0.1, "epochs": 4, "validation_mrr": 0.2},
        {"rate": 0.2, "epochs": 4, "validation_mrr": 0.3},
    ]  # fmt: skip
