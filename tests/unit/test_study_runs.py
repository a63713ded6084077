"""Rows of a study go into a file and come back."""

import pandas as pd
import pytest

from stim_lib import ledger

ROW = {
    "study": "coin", "task": "toss", "setting": "fair", "model": "none", "seed": 0, "n": 10,
    "metric": "heads", "value": 0.5, "cpu_seconds": 0.1, "script": "none",
}  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.csv"


def test_what_goes_in_comes_out(path):
    rows = pd.DataFrame([ROW | {"low": 0.25, "settings": {"b": "投", "a": [1]}}, ROW])
    before = rows.copy()
    ledger.append_study(rows.iloc[1:], path)
    ledger.append_study(rows.iloc[:1].assign(seed=1), path)
    pd.testing.assert_frame_equal(rows, before)
    read = ledger.read_studies(path)
    assert tuple(read) == ledger.STUDY_COLUMNS
    assert read["settings"].tolist() == ["{}", '{"a": [1], "b": "投"}']
    assert read["value"].tolist() == [0.5, 0.5] and read["low"].isna().tolist() == [True, False]


def test_the_newest_run_counts(path):
    for value in (0.1, 0.2):
        ledger.append_study(pd.DataFrame([ROW | {"value": value}]), path)
    assert ledger.read_studies(path)["value"].tolist() == [0.2]
    assert len(ledger.read_studies(path, newest=False)) == 2


def test_wrong_columns_and_other_files(path):
    with pytest.raises(ValueError, match="'metric'"):
        ledger.append_study(pd.DataFrame([ROW]).drop(columns="metric"), path)
    with pytest.raises(ValueError, match="'colour'"):
        ledger.append_study(pd.DataFrame([ROW | {"colour": 1}]), path)
    assert not path.exists()
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="expected a ledger with the columns study"):
        ledger.append_study(pd.DataFrame([ROW]), path)
    with pytest.raises(ValueError, match="found a, b"):
        ledger.read_studies(path)
