"""The ledger: append, read, refuse; and the stored runs hold what the book promises."""

import json

import numpy as np
import pandas as pd
import pytest

from stim_lib import baselines, evaluation, ledger

SPLIT = "80/10/10 of the time span"


@pytest.fixture(scope="module")
def result(make_log):
    log = make_log(range(12), users=list("aab" * 4), items=[f"p{i % 4}" for i in range(12)])
    return evaluation.evaluate(
        baselines.UserCounter().fit(log[:8]), log[8:], train=log[:8], log=log
    )


@pytest.fixture
def append(tmp_path, result):
    def append(**options):
        return ledger.append_run(
            result, tmp_path / "runs.csv",
            **({"dataset": "d", "split": "s", "seed": 0, "cpu_seconds": 1.23, "script": "x.py"}
               | options),
        )  # fmt: skip

    return append


class TestFile:
    def test_what_is_written_is_read(self, append, tmp_path, result):
        rows = append(settings={"half_life": 3, "name": 'a, "b" 兴趣'})
        runs = ledger.read_runs(tmp_path / "runs.csv")
        assert list(runs) == list(ledger.COLUMNS) and len(runs) == len(rows)
        assert json.loads(runs["settings"][0])["name"] == 'a, "b" 兴趣'
        mrr = runs.query("metric == 'mrr' and subset == 'all'")["value"].item()
        assert mrr == pytest.approx(result.scores()["mrr"].mean(), abs=1e-6)
        assert json.loads(runs["versions"][0])["pandas"] == pd.__version__

    def test_later_runs_follow_earlier_ones_and_the_newest_counts(self, append, tmp_path):
        append(seed=0)
        text = (tmp_path / "runs.csv").read_text().replace("2026-", "2020-")
        (tmp_path / "runs.csv").write_text(text)
        append(seed=1)
        assert set(ledger.read_runs(tmp_path / "runs.csv")["seed"]) == {1}
        assert set(ledger.read_runs(tmp_path / "runs.csv", newest=False)["seed"]) == {0, 1}
        assert (tmp_path / "runs.csv").read_text().startswith(text)

    def test_two_runs_within_a_second_are_two(self, append, tmp_path):
        append(seed=0)
        append(seed=1)
        runs = ledger.read_runs(tmp_path / "runs.csv")
        assert set(runs["seed"]) == {1}
        assert len(ledger.leaderboard(runs, dataset="d", split="s")) == 1

    def test_a_name_with_a_line_break_is_refused(self, append, tmp_path):
        with pytest.raises(ValueError, match="dataset: expected printable"):
            append(dataset="a\rb")
        assert not (tmp_path / "runs.csv").exists()

    def test_something_else_is_not_touched(self, append, tmp_path):
        other = tmp_path / "runs.csv"
        for text, message in (("a,b\n1,2\n", "expected a ledger"), ("", "expected a ledger")):
            other.write_text(text)
            with pytest.raises(ValueError, match=message):
                append()
            assert other.read_text() == text

    def test_a_cut_off_row_is_noticed(self, append, tmp_path):
        append()
        path = tmp_path / "runs.csv"
        path.write_text(path.read_text()[:-10])
        with pytest.raises(ValueError, match="cut"):
            append()
        with pytest.raises(ValueError, match="cut"):
            ledger.read_runs(path)

    def test_a_word_for_a_number_is_named_with_its_line(self, append, tmp_path):
        append()
        path = tmp_path / "runs.csv"
        lines = path.read_text().splitlines()
        fields = lines[1].split(",")
        fields[ledger.COLUMNS.index("n")] = "many"
        path.write_text("\n".join([lines[0], ",".join(fields), *lines[2:]]) + "\n")
        with pytest.raises(ValueError, match="line 2: expected a number in n, found 'many'"):
            ledger.read_runs(path)


class TestLeaderboard:
    def test_asks_for_rows_that_are_there_once(self, append, tmp_path):
        append()
        append()
        runs = ledger.read_runs(tmp_path / "runs.csv", newest=False)
        with pytest.raises(ValueError, match="twice"):
            ledger.leaderboard(runs, dataset="d", split="s")
        with pytest.raises(ValueError, match="found 0 rows"):
            ledger.leaderboard(runs, dataset="other", split="s")


@pytest.fixture(scope="module")
def board():
    return ledger.leaderboard(ledger.read_runs(), dataset="foursquare_nyc", split=SPLIT)


class TestStoredRuns:
    def test_scripts_are_in_the_repository(self):
        root = ledger.assets.data_folder().parent
        for script in set(ledger.read_runs()["script"]):
            assert (root / script).exists(), script

    def test_values_lie_in_their_intervals(self):
        runs = ledger.read_runs().dropna(subset=["low"])
        assert ((runs["low"] <= runs["value"]) & (runs["value"] <= runs["high"])).all()
        assert runs["value"].between(0, 1).all()

    def test_all_four_kinds_of_knowledge_are_there_on_the_same_queries(self, board):
        assert len(board.groupby(["history", "time"])) == 4
        assert set(board["n"]) == {3650} and set(board["n_users"]) == {87}

    def test_best_stands_first_in_each_part(self, board):
        for _, part in board.groupby(["history", "time"]):
            assert part[("mrr", "value")].is_monotonic_decreasing

    def test_the_mix_reaches_what_was_measured_before(self, board):
        floors = {"unknown": (0.174, 0.551, 0.294), "known": (0.231, 0.569, 0.345)}
        for time, floor in floors.items():
            rows = board.loc[("rolling", time)]
            row = rows[rows.index.str.startswith("mix of")].iloc[0]
            found = [row[(name, "value")] for name in ("accuracy@1", "hit_rate@10", "mrr")]
            assert (np.array(found) >= floor).all(), (time, found)

    def test_a_stored_run_is_what_the_code_gives_now(self, board, nyc, nyc_parts):
        train, _, test = nyc_parts
        runs = ledger.read_runs()
        for time in ("unknown", "known"):
            mask = (runs["history"] == "rolling") & (runs["time"] == time)
            stored = runs[mask & runs["model"].str.startswith("mix of")].iloc[0]
            weights = json.loads(stored["settings"])["weights"]
            mix = baselines.Mix(weights=weights, use_query_time=time == "known").fit(train)
            found = evaluation.evaluate(mix, test, train=train, log=nyc).scores().mean()
            row = board.loc[("rolling", time, stored["model"])]
            for metric in ("accuracy@1", "hit_rate@10", "mrr"):
                assert found[metric] == pytest.approx(row[(metric, "value")], abs=1e-3)
