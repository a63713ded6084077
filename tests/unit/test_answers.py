"""What models said, query by query: judged, stored whole, replaced by name, averaged over seeds."""

import numpy as np
import pandas as pd
import pytest

from stim_lib import answers


def one_run(nats=(0.5, 1.5), rank=(1.0, 2.0)):
    return pd.DataFrame(
        {
            "query_id": [7, 9],
            "user_id": ["ann", "bob"],
            "nats": nats,
            "rank": rank,
            "sure": [0.6, 0.5],
        }
    )


def store(path, *, model="coin", seed=0, n_train=0, **columns):
    answers.append_answers(
        one_run(**columns), path, study="toy", model=model, n_train=n_train, seed=seed
    )


class TestJudging:
    def test_by_hand(self):
        judged = answers.judge_shares(np.array([[0.2, 0.8], [0.2, 0.8]]), np.array([1, 0]))
        assert judged["nats"].round(3).tolist() == [0.223, 1.609]
        assert judged["rank"].tolist() == [1, 2]
        assert judged["sure"].tolist() == [0.8, 0.8]

    def test_what_was_called_impossible_surprises_without_end(self):
        assert np.isinf(answers.judge_shares(np.array([[1.0, 0.0]]), np.array([1]))["nats"][0])

    @pytest.mark.parametrize("row", [[0.5, 0.6], [1.5, -0.5]])
    def test_what_is_no_probability_is_named(self, row):
        with pytest.raises(ValueError, match="row 1"):
            answers.judge_shares(np.array([[0.5, 0.5], row]), np.array([0, 0]))

    def test_every_row_has_its_answer(self):
        with pytest.raises(ValueError, match="one row for each"):
            answers.judge_shares(np.full((2, 2), 0.5), np.array([0]))


class TestStoring:
    def test_runs_stand_side_by_side_and_a_later_one_replaces_its_like(self, tmp_path):
        path = tmp_path / "answers.parquet"
        store(path)
        store(path, seed=1)
        store(path, nats=(2.0, 2.0))
        held = answers.read_answers(path)
        assert len(held) == 4 and held[held["seed"] == 0]["nats"].tolist() == [2.0, 2.0]
        assert list(held) == list(answers.COLUMNS)
        assert [p.name for p in tmp_path.iterdir()] == ["answers.parquet"], "nothing is left over"

    def test_three_digits_are_kept(self, tmp_path):
        store(tmp_path / "a", nats=(0.12345, 1.0))
        assert answers.read_answers(tmp_path / "a")["nats"].iloc[0] == np.float32(0.123)

    def test_a_study_that_is_not_there_is_named_beside_those_that_are(self, tmp_path):
        store(tmp_path / "a")
        with pytest.raises(LookupError, match=r"toy.*'other'"):
            answers.read_answers(tmp_path / "a", study="other")

    def test_a_missing_column_or_a_query_asked_twice_writes_nothing(self, tmp_path):
        path = tmp_path / "a"
        run = {"study": "toy", "model": "coin", "n_train": 0, "seed": 0}
        with pytest.raises(ValueError, match="sure"):
            answers.append_answers(one_run().drop(columns="sure"), path, **run)
        with pytest.raises(ValueError, match="query 7 twice"):
            answers.append_answers(one_run().assign(query_id=7), path, **run)
        assert not path.exists()

    def test_a_lock_that_stays_is_named(self, tmp_path, monkeypatch):
        monkeypatch.setattr(answers, "WAIT_SECONDS", 1)
        (tmp_path / "a.lock").touch()
        with pytest.raises(TimeoutError, match=r"a\.lock"):
            store(tmp_path / "a")


class TestAveraging:
    def test_seeds_by_hand(self, tmp_path):
        store(tmp_path / "a", nats=(1.0, 2.0), rank=(1.0, 2.0))
        store(tmp_path / "a", nats=(3.0, 2.0), rank=(2.0, 1.0), seed=1)
        scores = answers.average_seeds(answers.read_answers(tmp_path / "a"))
        assert scores["nats"][("coin", 0)].tolist() == [2.0, 2.0]
        assert scores["accuracy"][("coin", 0)].tolist() == [0.5, 0.5]
        assert scores[("user_id", "")].tolist() == ["ann", "bob"]

    def test_models_that_sat_other_exams_are_not_averaged(self, tmp_path):
        store(tmp_path / "a")
        answers.append_answers(
            one_run()[:1], tmp_path / "a", study="toy", model="die", n_train=0, seed=0
        )
        with pytest.raises(ValueError, match="die"):
            answers.average_seeds(answers.read_answers(tmp_path / "a"))
