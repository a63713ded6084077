"""Out and in again: what is written comes back, whole, and does nothing on the way."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stim_lib.datasets import inspect_log, load_seed_example, read_log, write_log
from stim_lib.datasets.writing import escape_formulas, unescape_formulas
from stim_lib.schema import DataWarning, SchemaError, sort_log

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.text("=+-@'\t\r\n\",;|＝ a", max_size=6),
    st.sampled_from(["", "NA", "nan", "'NA", "None", "\\N", "'", "''", "null\n", "007", "1.0"]),
)
IDS = TEXTS.map(str.strip).filter(bool)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("logs")


@pytest.mark.parametrize("start", list("=+-@\t\r\n＝＋－＠"))
@pytest.mark.parametrize("quotes", ["", "'", "''"])
def test_formulas_get_an_apostrophe_and_lose_it_again(start, quotes):
    text = pd.Series([f"{quotes}{start}1+1", f"a{start}"], dtype="str")
    escaped = escape_formulas(text)
    assert escaped.tolist() == [f"'{quotes}{start}1+1", f"a{start}"]
    pd.testing.assert_series_equal(unescape_formulas(escaped), text)


@settings(deadline=None)
@given(st.lists(st.one_of(TEXTS, st.none()), max_size=8))
def test_escaping_can_always_be_undone(texts):
    column = pd.Series(texts, dtype="str")
    escaped = escape_formulas(column)
    assert not escaped.dropna().str.match(r"[=+\-@\t\r\n＝＋－＠]").any()
    pd.testing.assert_series_equal(unescape_formulas(escaped), column)


def test_no_cell_of_the_file_is_a_formula(folder):
    log = load_seed_example().assign(
        text="=HYPERLINK(1)",
        note=pd.Categorical(["@x", "b", "c", "d"]),
        mixed=pd.Series(["+1", 2, None, -2.5], dtype="object"),
        **{"=cmd()": "-"},
    )
    before = log.copy(deep=True)
    path = write_log(log, folder / "formulas.csv")
    pd.testing.assert_frame_equal(log, before)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].endswith(",note,mixed,'=cmd()")
    assert [line.split(",", 9)[9] for line in lines[1:]] == [
        "'@x,'+1,'-", "b,2,'-", "c,,'-", "d,'-2.5,'-",
    ]  # fmt: skip
    again = read_log(path)
    assert again["=cmd()"].tolist() == ["-"] * 4
    assert again["mixed"].dropna().tolist() == ["+1", "2", "-2.5"]
    pd.testing.assert_frame_equal(again[log.columns[:9]], log[log.columns[:9]])


@settings(max_examples=15, deadline=None)
@given(
    rows=st.lists(st.tuples(IDS, IDS, TEXTS, TEXTS | st.none(), TEXTS), min_size=1, max_size=5),
    moments=st.lists(st.integers(631152000000000, 1735689600000000), min_size=5, max_size=5),
    numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=5, max_size=5),
)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_any_log_comes_back(folder, ending, rows, moments, numbers):
    users, items, categories, texts, notes = zip(*rows, strict=True)
    n = len(rows)
    times = pd.to_datetime(pd.Series(moments[:n]), unit="us", utc=True)
    log = sort_log(
        pd.DataFrame(
            {
                "user_id": pd.Series(users, dtype="str"),
                "item_id": pd.Series(items, dtype="str"),
                "action": "visit",
                "timestamp": times.astype("datetime64[us, UTC]"),
                "lat": np.clip(numbers[:n], -90, 90),
                "lon": 7.5,
                "category": pd.Series(categories, dtype="str"),
                "text": pd.Series(texts, dtype="str"),
                "value": numbers[:n],
                "local_time": times.dt.tz_localize(None).astype("datetime64[us]"),
                "note": pd.Series(notes, dtype="str"),
            }
        )
    )
    # Text of an id and category has no white space around it; see read_log.
    log["category"] = log["category"].str.strip()
    again = read_log(write_log(log, folder / f"any.{ending}"))
    pd.testing.assert_frame_equal(again[log.columns], log, check_exact=True)


def test_parquet_keeps_the_types_of_extra_columns(folder):
    log = load_seed_example().assign(price=[1, 2, 3, 4], text="'=x")
    again = read_log(write_log(log, folder / "typed.parquet"))
    pd.testing.assert_frame_equal(again[log.columns], log)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("old", [None, "the old file"])
def test_half_a_file_is_never_seen(tmp_path, monkeypatch, ending, old):
    path = tmp_path / f"log.{ending}"
    if old:
        path.write_text(old)

    def break_off(table, target, **options):
        target.write_text("user_id,item")
        assert not path.exists() or path.read_text() == old
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, f"to_{ending}", break_off)
    with pytest.raises(OSError, match="disk full"):
        write_log(load_seed_example(), path)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == (
        [(path.name, old)] if old else []
    )


def test_invalid_logs_and_other_endings_are_refused(tmp_path):
    with pytest.raises(SchemaError, match="lat, row 0"):
        write_log(load_seed_example().assign(lat=99.0), tmp_path / "log.csv")
    with pytest.raises(ValueError, match=r"expected an ending .csv or .parquet, found 'log.xlsx'"):
        write_log(load_seed_example(), tmp_path / "log.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_extra_columns_are_kept_and_taken_names_get_an_ending(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(
        "uid,item_id_in_file,item_id,venue,timestamp,size\n7,older,old,new,2024-05-01T08:00Z,012\n"
    )
    log = read_log(path, {"user_id": "uid", "item_id": "venue"})
    assert log.loc[0, "item_id"] == "new"
    assert log.loc[0, "item_id_in_file"] == "older"
    assert log.loc[0, "item_id_in_file_in_file"] == "old"
    assert log.loc[0, "size"] == "012"


BAD = [",x,2024-05-01T08:00Z,1,2", "a,x,soon,1,2", "a,x,2024-05-01T08:00Z,95,2", "a,x",
       "a,x,2024-05-01T08:00Z,1,", ",,,x,y", "a,x,2024-05-01T08:00Z,1,2,3",
       "a,x,,nope,200"]  # fmt: skip
GOOD = [
    "a,x,2024-05-01T08:00Z,1,2",
    "b,y,2012/4/3 8:05,,",
    '"q\nq",z,2024-05-02,0,1',
    "a,x,2024-05-01,1,2",
]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(BAD + GOOD), min_size=1, max_size=12))
def test_every_row_is_in_the_log_or_in_the_failures(folder, rows):
    path = folder / "rows.csv"
    path.write_text("user_id,item_id,timestamp,lat,lon\n" + "\n".join(rows))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        _, failures = inspect_log(path)
    assert set(failures["row"]) == {number for number, row in enumerate(rows) if row in BAD}
    assert not failures[["column", "row", "expected"]].duplicated().any()


def test_every_bad_cell_of_a_row_is_reported_once(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user_id,item_id,timestamp,lat,lon\n,x,soon,95,east\na,x,2024-05-01,,y\n")
    with pytest.warns(DataWarning, match="1 times have no time zone"):
        _, failures = inspect_log(path)
    cells = failures.groupby("row")["column"].agg(list).map(sorted).tolist()
    assert cells == [["lat", "lon", "timestamp", "user_id"], ["lon"]]


def test_rows_left_out_are_counted_aloud(tmp_path):
    path = tmp_path / "log.csv"
    good, bad = "a,x,2024-05-01T08:00Z\n", ",,soon\nb\n"
    path.write_text("user_id,item_id,timestamp\n" + bad + good * 3)
    with pytest.warns(DataWarning, match="2 rows left out, 3 kept; inspect_log says why"):
        assert len(read_log(path, on_bad="drop")) == 3
    with pytest.raises(SchemaError, match="4 problems found"):
        read_log(path)
    path.write_text("user_id,item_id,timestamp\n" + bad)
    with pytest.raises(SchemaError, match="4 problems found"):
        read_log(path, on_bad="drop")
    with pytest.raises(ValueError, match="on_bad: expected 'raise' or 'drop', found 'skip'"):
        read_log(path, on_bad="skip")


def test_rows_are_numbered_across_the_blocks_of_a_large_file(tmp_path):
    rng = np.random.default_rng(0)
    bad = set(rng.choice(120_000, 200, replace=False).tolist())
    # Line breaks inside the quotes, so that a block may end at one.
    good = 'ann,cafe,2024-05-01T08:00Z,"' + "x\n" * 30 + '"\n'
    path = tmp_path / "log.csv"
    path.write_text(
        "user_id,item_id,timestamp,note\n"
        + "".join("x,y\n" if i in bad else good for i in range(120_000))
    )
    assert path.stat().st_size > 8 * 2**20, "more than two blocks"
    log, failures = inspect_log(path)
    assert set(failures["row"]) == bad
    assert len(log) == 120_000 - len(bad)
