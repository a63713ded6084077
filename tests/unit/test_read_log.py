"""Anybody's file: what is read, what is repaired aloud, what is refused and why."""

import gzip
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stim_lib.datasets import inspect_log, read_log
from stim_lib.schema import DataWarning, SchemaError, validate_log

HEADER = "user_id,item_id,timestamp,lat,lon,text\n"
ROW = "ann,cafe,2024-05-01T08:00Z,40.7,-74.0,hello\n"
NAMES = {"user_id": "uid", "item_id": "venue", "timestamp": "utc"}


@pytest.fixture
def write(tmp_path):
    """Write bytes or text to a file and return its path."""

    def to_file(content, name="log.csv", encoding="utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return to_file


def failing(path, *args, **kwargs) -> pd.DataFrame:
    with pytest.raises(SchemaError) as caught:
        read_log(path, *args, **kwargs)
    return caught.value.failures


def fault(path, *args, **kwargs) -> tuple:
    cells = failing(path, *args, **kwargs)
    assert len(cells) == 1, cells
    return tuple(cells.loc[0])


def test_by_hand(write):
    log = read_log(write(HEADER + "bob,b,2024-05-01T10:00+02:00,1,2,\n" + ROW))
    assert log["user_id"].tolist() == ["ann", "bob"]
    assert log.loc[1, "timestamp"] == pd.Timestamp("2024-05-01T08:00Z")
    assert log.loc[1, "local_time"] == pd.Timestamp("2024-05-01T10:00")
    assert log["action"].tolist() == ["visit"] * 2
    assert log["category"].isna().all() and log["text"].isna().tolist() == [False, True]
    assert validate_log(log) is log


@pytest.mark.parametrize("content", ["", "\n \r\n", "\ufeff"], ids=["0 bytes", "blank", "BOM"])
def test_empty_file(write, content):
    assert fault(write(content))[2] == "a header line and rows"


@pytest.mark.parametrize("header", [HEADER, HEADER.strip()])
def test_header_only(write, header):
    assert fault(write(header)) == ("file", -1, "at least one row below the header", "none")


def test_no_file_and_a_folder(tmp_path, write):
    write(HEADER)
    with pytest.raises(FileNotFoundError, match=r"found nothing \(there is 'log.csv' beside it\)"):
        read_log(tmp_path / "lgo.csv")
    with pytest.raises(FileNotFoundError, match="expected a file, found a folder"):
        read_log(tmp_path)


def test_missing_column_suggests_the_nearest(write):
    columns = [f"a_rather_long_name_{i}" for i in range(9)]
    path = write(",".join(["user", "item_id", "Timestmp", *columns]) + "\n" + ",".join("1" * 12))
    cells = failing(path, {"user_id": "user"})
    assert cells["column"].tolist() == ["timestamp"]
    assert cells.loc[0, "expected"] == "a column 'timestamp' in the file"
    assert cells.loc[0, "found"].endswith("(did you mean 'Timestmp'?)")


def test_reversed_map_gets_a_hint_and_a_right_one_does_not(write):
    path = write("uid,venue,utc\n1,a,2024-05-01T08:00Z\n")
    assert len(read_log(path, NAMES)) == 1
    cells = failing(path, {file: log for log, file in NAMES.items()})
    assert cells["found"].str.startswith("the map the other way round").all()
    path = write("user_id,venue,when\n1,a,2024-05-01T08:00Z\n")
    assert "other way" not in fault(path, {"user_id": "user_id", "item_id": "venue"})[3]


def test_doubled_columns(write):
    path = write("user_id,item_id,timestamp,user_id\n1,a,2024-05-01T08:00Z,2\n")
    assert fault(path) == ("user_id", -1, "one column 'user_id' in the file", "2")
    path = write("user_id,item_id,timestamp,x,x\n1,a,2024-05-01T08:00Z,2,3\n")
    assert read_log(path)[["x", "x_in_file"]].to_numpy().tolist() == [["2", "3"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_with_and_without_byte_order_mark(write, encoding):
    given = encoding if encoding[-3:] in {"-le", "-be"} else None
    row = ROW.replace("ann", "007").replace("hello", "北京 😀")
    log = read_log(write(HEADER + row, encoding=encoding), encoding=given)
    assert log.loc[0, ["user_id", "text"]].tolist() == ["007", "北京 😀"]


def test_gbk_is_read_with_a_warning_also_in_the_header(write):
    path = write("用户,item_id,timestamp\n007,北京,2024-05-01T08:00Z\n", encoding="gbk")
    with pytest.warns(DataWarning, match=r"not UTF-8 and was read as GB 18030 \(GBK\)"):
        log = read_log(path, {"user_id": "用户"})
    assert log.loc[0, ["user_id", "item_id"]].tolist() == ["007", "北京"]


def test_latin_1_needs_to_be_named(write):
    path = write(HEADER + ROW.replace("cafe", "Café"), encoding="latin-1")
    with pytest.raises(
        ValueError, match=r"utf-8 or gb18030.*pass encoding=, for example 'latin-1'"
    ):
        read_log(path)
    assert read_log(path, encoding="latin-1").loc[0, "item_id"] == "Café"


def test_other_encodings_and_packed_files_are_refused(write):
    with pytest.raises(ValueError, match=r"expected a text encoding .* found 'klingon'"):
        read_log(write(HEADER + ROW), encoding="klingon")
    packed = write(gzip.compress((HEADER + ROW).encode()), "log.csv.gz")
    with pytest.raises(ValueError, match="found a packed file or a workbook"):
        read_log(packed)
    assert len(read_log(write(HEADER + ROW, "not_packed.gz"))) == 1


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("soon", "a time such as 2012-04-03"),
        ("", "a time"),
        ("2199-01-01T00:00Z", "a time between 1990-01-01 and "),
        ("1066-10-14T09:00Z", "a time between 1990-01-01 and "),
    ],
)
def test_bad_times(write, time, expected):
    column, row, wanted, _ = fault(write(HEADER + ROW + ROW.replace("2024-05-01T08:00Z", time)))
    assert (column, row) == ("timestamp", 1)
    assert wanted.startswith(expected)


@pytest.mark.parametrize(
    ("place", "column"),
    [("-95,7", "lat"), ("7,190", "lon"), ("north,7", "lat"), ("7,east", "lon"), ("inf,7", "lat"),
     ("7,-inf", "lon"), (",7", "lat"), ("7,NaN", "lat"), ("'1,2", "lat")],
)  # fmt: skip
def test_bad_places(write, place, column):
    assert fault(write(HEADER + ROW.replace("40.7,-74.0", place)))[:2] == (column, 0)


def test_swapped_places_get_a_hint(write):
    with pytest.raises(SchemaError, match="are lat and lon swapped"):
        read_log(write(HEADER + ROW.replace("40.7,-74.0", "116.4,39.9")))
    with pytest.raises(SchemaError) as caught:
        read_log(write(HEADER + ROW.replace("40.7,-74.0", "1164,39.9")))
    assert "swapped" not in str(caught.value)


@pytest.mark.parametrize("place", ["nan,NaN", ",", "NA,null"])
def test_missing_places_are_missing(write, place):
    assert (
        read_log(write(HEADER + ROW.replace("40.7,-74.0", place)))[["lat", "lon"]]
        .isna()
        .all(axis=None)
    )


def test_null_island_is_no_place_and_said(write):
    path = write(HEADER + ROW.replace("40.7,-74.0", "0,0.0") + ROW.replace("40.7,-74.0", "0,1"))
    with pytest.warns(DataWarning, match=r"1 rows at \(0, 0\), where no one is"):
        log = read_log(path)
    assert log["lat"].isna().tolist() == [True, False]


@pytest.mark.parametrize("user", ["007", "7", "-7", "1e3", "True", "0x1F", " padded "])
def test_ids_stay_as_they_are(write, user):
    log = read_log(write(HEADER + ROW.replace("ann", user)))
    assert log["user_id"].tolist() == [user.strip()]


@pytest.mark.parametrize("user", ["", " ", "NA", '""'])
def test_empty_ids_are_named(write, user):
    path = write(HEADER + ROW + ROW.replace("ann", user))
    assert fault(path) == ("user_id", 1, "a non-empty user id", "''")


@pytest.mark.parametrize(
    ("ids", "text"),
    [([7, 42], ["7", "42"]), ([7.0, 42.0], ["7", "42"]), ([7.5, 8.0], ["7.5", "8.0"]),
     (["007", "7"], ["007", "7"]), (pd.Categorical(["a", "b"]), ["a", "b"])],
    ids=["int", "float", "half", "str", "category"],
)  # fmt: skip
def test_ids_in_parquet(tmp_path, ids, text):
    times = pd.to_datetime(["2024-05-01", "2024-05-02"], utc=True)
    frame = pd.DataFrame({"user_id": ["u", "u"], "item_id": ids, "timestamp": times})
    frame.to_parquet(tmp_path / "log.parquet")
    assert read_log(tmp_path / "log.parquet")["item_id"].tolist() == text


def test_parquet_rows_are_counted_from_0_whatever_the_index(tmp_path):
    times = pd.to_datetime(["2024-05-01"] * 3, utc=True)
    frame = pd.DataFrame({"item_id": ["a", "", "c"], "timestamp": times})
    path = tmp_path / "log.parquet"
    frame.assign(user_id=[1.0, 2.0, np.nan]).set_axis([0, 0, 0]).to_parquet(path)
    log, failures = inspect_log(path)
    assert log["item_id"].tolist() == ["a"]
    assert sorted(failures["row"]) == [1, 2]
    frame.set_index(pd.Index([5, 6, 7], name="user_id")).iloc[[0, 2]].to_parquet(path)
    assert read_log(path)["user_id"].tolist() == ["5", "7"]


@pytest.mark.parametrize("delimiter", list(",;\t|"))
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_line_ends_and_quotes(write, delimiter, end):
    row = ROW.replace("hello", '"Quote "", comma\n;\tand | bar"')
    content = "\n".join([HEADER.strip(), row.strip(), "", ROW.replace("ann", "bob")])
    # The line break inside the quotes stays what it is.
    content = content.replace(",", "\0").replace("comma\n", "comma\1").replace("\n", end)
    content = content.replace("\0", delimiter).replace("\1", "\n").replace('"" ', '"", ')
    log = read_log(write(content))
    assert log["user_id"].tolist() == ["ann", "bob"]
    assert "comma\n;\tand | bar" in log.loc[0, "text"]


def test_rows_of_the_wrong_length_are_counted_in_the_file(write):
    rows = [ROW, "\n", ROW, "ann,cafe\n", '"a\nb"' + ROW[3:], ROW.replace("\n", ",1\n"),
            ROW.replace("40.7", "x")]  # fmt: skip
    cells = failing(write(HEADER + "".join(rows)))
    assert cells[["column", "row"]].to_numpy().tolist() == [["file", 2], ["file", 4], ["lat", 5]]
    assert cells["expected"][0] == "6 fields, as in the header"
    assert cells["found"].tolist() == ["2 fields", "7 fields", "'x'"]


def test_a_quote_that_is_never_closed_does_not_swallow_the_rest(write):
    path = write(HEADER + ROW.replace("hello", '"hello') + ROW * 3)
    assert fault(path)[1:3] == (0, "a closing quote")
    assert len(read_log(write(HEADER + ROW + ROW.replace("hello", '"a\nb"')))) == 2


def test_text_of_10_001_characters_is_a_bad_cell(write):
    assert len(read_log(write(HEADER + ROW.replace("hello", "é" * 10_000)))) == 1
    cell = fault(write(HEADER + ROW.replace("hello", "é" * 10_001)))
    assert cell[:3] == ("text", 0, "at most 10,000 characters")


@pytest.mark.parametrize("start", [HEADER, HEADER + ROW.replace("hello\n", '"'), ""])
def test_a_field_of_a_gigabyte_is_refused_in_little_memory(write, start):
    path = write(start + ("ann," if start else "x"))
    os.truncate(path, 2**30)
    code = f"""
        import resource, time
        from stim_lib.datasets import read_log
        from stim_lib.schema import SchemaError
        import pandera.pandas, pyarrow.csv
        before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        try:
            read_log({str(path)!r})
        except SchemaError as error:
            assert len(str(error)) < 1000
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            print(used // 1024, time.process_time() - begin)
    """
    # A parser takes some blocks of 4 MiB; macOS counts bytes, not KiB.
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    megabytes, seconds = map(float, run.stdout.split())
    assert megabytes / (1024 if sys.platform == "darwin" else 1) < 100
    assert seconds < 5
