"""No quote and no apostrophe of a stranger's file may hide or merge rows."""

import pytest

from stim_lib import datasets, schema

HEADER = "user_id,item_id,timestamp,text\n"
TIME = "2024-05-01T08:00Z"


@pytest.mark.parametrize(
    "rows",
    [
        [f'1,a,{TIME},"foo', f"2,b,{TIME},bar", f'3,c,{TIME},"baz"'],
        [f'"1,a,{TIME},foo', f"2,b,{TIME},bar", f'"3",c,{TIME},baz'],
        [f'1,a,{TIME},"foo', f"2,b,{TIME},bar"],
        [f'1,"a,{TIME},foo', f'2,b,{TIME},"bar"', f"3,c,{TIME},baz"],
    ],
)
@pytest.mark.parametrize("on_bad", ["raise", "drop"])
def test_rows_swallowed_by_a_quote_are_refused(tmp_path, rows, on_bad):
    file = tmp_path / "log.csv"
    file.write_text(HEADER + "\n".join(rows) + "\n")
    with pytest.raises(schema.SchemaError, match="closing quote"):
        datasets.read_log(file, on_bad=on_bad)


def test_a_cell_may_span_lines_and_hold_quotes(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text(HEADER + f'1,a,{TIME},"a, ""b"",\nc,d,e"\n2,b,{TIME},x\n')
    assert datasets.read_log(file)["text"].tolist() == ['a, "b",\nc,d,e', "x"]


def test_apostrophes_do_not_merge_users(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text(HEADER + f"'-1,a,{TIME},x\n-1,b,{TIME},y\n")
    assert sorted(datasets.read_log(file)["user_id"]) == ["'-1", "-1"]


def test_an_apostrophe_that_is_taken_away_is_said(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text(HEADER + f"'-1,a,{TIME},x\n")
    with pytest.warns(schema.DataWarning, match="user_id: 1 cells have an apostrophe"):
        assert datasets.read_log(file)["user_id"].tolist() == ["-1"]
