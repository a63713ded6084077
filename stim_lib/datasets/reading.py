"""Read anybody's log: a CSV or parquet file and a map of its columns.

Introduced in chapter 02.
"""

from __future__ import annotations

import csv
import difflib
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.datasets.times import parse_times
from stim_lib.datasets.writing import unescape_formulas

REQUIRED = (schema.USER, schema.ITEM, schema.TIME)
NUMERIC = (schema.LAT, schema.LON, schema.VALUE)
# No row of a log is longer; a file that has one is damaged or hostile.
LONGEST_ROW_BYTES = 4 * 2**20
BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
MISSING_WORDS = ("", "nan", "NaN", "NA", "N/A", "null", "NULL", "None", "\\N")


def read_log(
    path: str | Path,
    columns: Mapping[str, str] | None = None,
    *,
    timezone: str | None = None,
    time_format: str | None = None,
    ambiguous: str = "raise",
    encoding: str | None = None,
    on_bad: str = "raise",
) -> pd.DataFrame:
    """Read a CSV or parquet file as a behaviour log.

    Parameters
    ----------
    path : path of a file
        ``.parquet``, or text with a header line, separated by comma, semicolon, tab or bar.
    columns : mapping, optional
        Log column → column of the file, e.g. ``{"user_id": "uid", "timestamp": "utc"}``. Log
        columns that are not named are taken under their own name. All other columns of the file
        are kept, as they are.
    timezone, time_format, ambiguous
        See `stim_lib.datasets.times.parse_times`.
    encoding : str, optional
        Default: by byte order mark, then UTF-8, then GB 18030 (with a `DataWarning`).
    on_bad : {"raise", "drop"}
        Whether bad cells stop the reading, or their rows are left out with a `DataWarning`
        whose text counts them. `inspect_log` returns both parts.

    Returns
    -------
    DataFrame, shape (n_actions, n_columns)
        A valid log. Ids are text, whatever they were. Where the file has none, `action` is
        "visit", `category` and coordinates are missing. (0, 0) counts as no coordinate.

    Raises
    ------
    SchemaError
        Naming every bad cell, or the columns that are missing.
    FileNotFoundError, ValueError
        If there is no such file, or it is not text in any encoding that was tried.

    Notes
    -----
    Introduced in chapter 02.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "my.csv"
    >>> _ = file.write_text("uid,venue,utc\\n7,cafe,2024-05-01T08:00Z\\n")
    >>> read_log(file, {"user_id": "uid", "item_id": "venue", "timestamp": "utc"}).loc[0, "action"]
    'visit'
    """
    if on_bad not in {"raise", "drop"}:
        raise ValueError(f"on_bad: expected 'raise' or 'drop', found {on_bad!r}")
    log, failures = inspect_log(
        path,
        columns,
        timezone=timezone,
        time_format=time_format,
        ambiguous=ambiguous,
        encoding=encoding,
    )
    if len(failures) and (on_bad == "raise" or not len(log)):
        raise schema.SchemaError(failures, hint=_hint(failures))
    if len(failures):
        rows = failures["row"].nunique()
        warnings.warn(
            f"{path}: {rows:,} rows left out, {len(log):,} kept; inspect_log says why",
            schema.DataWarning,
            stacklevel=2,
        )
    return schema.validate_log(log)


def inspect_log(
    path: str | Path,
    columns: Mapping[str, str] | None = None,
    *,
    timezone: str | None = None,
    time_format: str | None = None,
    ambiguous: str = "raise",
    encoding: str | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a file and part its rows: those that make a valid log, and what is wrong with the rest.

    Parameters
    ----------
    path, columns, timezone, time_format, ambiguous, encoding
        As in `read_log`.

    Returns
    -------
    log : DataFrame, shape (n_good_rows, n_columns)
        A valid log.
    failures : DataFrame with columns column, row, expected, found
        Every bad cell; `row` counts the data rows of the file from 0. A row with a bad cell is
        not in `log`.

    Raises
    ------
    SchemaError
        If a column is missing or doubled: then no row can be read.
    FileNotFoundError, ValueError
        As `read_log`.

    Notes
    -----
    Introduced in chapter 02.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "my.csv"
    >>> _ = file.write_text("user_id,item_id,timestamp,lat,lon\\n1,a,2024-05-01T08:00Z,95,7\\n")
    >>> log, failures = inspect_log(file)
    >>> len(log), failures.loc[0, ["column", "expected", "found"]].tolist()
    (0, ['lat', 'a number in [-90, 90]', '95.0'])
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a file, found {_what_is(path)}")
    if path.suffix == ".parquet":
        table, failures = pd.read_parquet(path), []
    else:
        table, failures = _read_text(path, encoding)
    if table.empty and not failures:
        raise schema.SchemaError(
            pd.DataFrame([schema.failure("file", -1, "at least one row below the header", "none")])
        )
    table = _rename(table, dict(columns or {}))
    candidate, more = _to_log_types(table, timezone, time_format, ambiguous)
    return _part(candidate, failures + more)


def _what_is(path: Path) -> str:
    if path.is_dir():
        return "a folder"
    near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*")], n=1)
    return "nothing" + (f" (there is {near[0]!r} beside it)" if near else "")


def _read_text(path: Path, encoding: str | None) -> tuple[pd.DataFrame, list[dict[str, object]]]:
    """Read delimited text as columns of str; also return the rows of the wrong length."""
    with path.open("rb") as file:
        head = file.read(2**16)
    if not head.strip():
        expected = "a header line and rows"
        raise schema.SchemaError(
            pd.DataFrame([schema.failure("file", -1, expected, f"an empty file ({path})")])
        )
    mark = next((code for bom, code in BYTE_ORDER_MARKS.items() if head.startswith(bom)), None)
    tried = [encoding] if encoding else [mark] if mark else ["utf-8", "gb18030"]
    for code in tried:
        try:
            table, failures = _parse(path, code, head)
        except UnicodeError:
            continue
        if code == "gb18030":
            warnings.warn(
                f"{path} is not UTF-8 and was read as GB 18030 (GBK); pass encoding= to choose",
                schema.DataWarning,
                stacklevel=4,
            )
        return table, failures
    raise ValueError(
        f"{path}: expected text in {' or '.join(tried)}, found bytes that are neither; "
        "pass encoding=, for example 'latin-1'"
    )


def _parse(path: Path, encoding: str, head: bytes) -> tuple[pd.DataFrame, list[dict[str, object]]]:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    header = head.decode(encoding, errors="ignore").splitlines()[0].lstrip("\ufeff")
    delimiter = max(",;\t|", key=header.count)
    names = next(csv.reader([header], delimiter=delimiter))
    failures: list[dict[str, object]] = []

    def wrong_length(row: object) -> str:
        number = -1 if row.number is None else row.number - 2
        expected = f"{row.expected_columns} fields, as in the header"
        failures.append(schema.failure("row", number, expected, f"{row.actual_columns} fields"))
        return "skip"

    try:
        table = arrow_csv.read_csv(
            path,
            arrow_csv.ReadOptions(
                use_threads=False, encoding=encoding, block_size=LONGEST_ROW_BYTES
            ),
            arrow_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=wrong_length
            ),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=list(MISSING_WORDS),
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        raise _explain(error, path) from None
    table = table.to_pandas(types_mapper={pa.string(): pd.StringDtype(na_value=np.nan)}.get)
    return _number_rows(table, failures), failures


def _explain(error: Exception, path: Path) -> Exception:
    """Say in our words what the parser met."""
    text = str(error)
    if "straddling" in text:
        found = f"a longer one in {path} (an unclosed quote, or a huge field)"
        expected = f"rows of at most {LONGEST_ROW_BYTES / 2**20:.0f} MiB"
        return schema.SchemaError(pd.DataFrame([schema.failure("file", -1, expected, found)]))
    if "UTF8" in text or "decode" in text:
        return UnicodeError(text)
    return schema.SchemaError(
        pd.DataFrame([schema.failure("file", -1, "delimited text with a header", text)])
    )


def _number_rows(table: pd.DataFrame, failures: list[dict[str, object]]) -> pd.DataFrame:
    """Give each row its number in the file, counting the rows that were skipped."""
    skipped = [cell["row"] for cell in failures]
    numbers = np.setdiff1d(np.arange(len(table) + len(skipped)), skipped)
    return table.set_axis(numbers[: len(table)], axis=0)


def _rename(table: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """Give the file's columns the names of the log."""
    names = [str(name).strip() for name in table.columns]
    table = table.set_axis(names, axis=1)
    source = {name: columns.get(name, name) for name in REQUIRED}
    known = (*schema.CORE_COLUMNS, *schema.OPTIONAL_COLUMNS)
    source |= {name: name for name in known if name in names and name not in columns} | columns
    problems = [
        schema.failure(wanted, -1, f"one column {name!r} in the file", f"{names.count(name)}")
        for wanted, name in source.items()
        if names.count(name) > 1
    ]
    problems += [
        schema.failure(wanted, -1, f"a column {name!r} in the file", _nearest(name, names, columns))
        for wanted, name in source.items()
        if name not in names
    ]
    if problems:
        raise schema.SchemaError(pd.DataFrame(problems))
    kept = {name: table[given] for name, given in source.items()}
    for name in dict.fromkeys(names):
        if name not in source.values():
            column = table.loc[:, name]
            spare = f"{name}_in_file" if name in kept else name
            kept[spare] = column if column.ndim == 1 else column.iloc[:, 0]
    return pd.DataFrame(kept)


def _nearest(name: str, names: list[str], columns: dict[str, str]) -> str:
    if name in schema.CORE_COLUMNS and columns.keys() & set(names):
        return "the map the other way round; write {log column: column of the file}"
    near = difflib.get_close_matches(name.lower(), [n.lower() for n in names], n=1)
    match = [n for n in names if near and n.lower() == near[0]]
    listed = ", ".join(map(repr, names[:12])) + (" …" if len(names) > 12 else "")
    return f"{listed}" + (f" (did you mean {match[0]!r}?)" if match else "")


def _to_log_types(
    table: pd.DataFrame, timezone: str | None, time_format: str | None, ambiguous: str
) -> tuple[pd.DataFrame, list[dict[str, object]]]:
    """Turn columns of text into the types of the log; collect the cells that don't fit."""
    log = table.copy()
    failures: list[dict[str, object]] = []
    for name in (schema.USER, schema.ITEM, schema.ACTION, schema.CATEGORY, schema.TEXT):
        if name in log:
            log[name] = unescape_formulas(_as_text(log[name]))
    if schema.ACTION not in log:
        log[schema.ACTION] = schema.ACTION_IF_UNKNOWN
    for name in (schema.CATEGORY,):
        log[name] = log[name] if name in log else pd.Series(np.nan, log.index, dtype="str")
    for name in (schema.USER, schema.ITEM, schema.ACTION):
        log[name] = log[name].fillna("").astype("str")
    for name in NUMERIC:
        if name in log:
            log[name], faults = _as_number(log[name])
            failures += faults
        elif name != schema.VALUE:
            log[name] = np.nan
    log = _forget_null_island(log)
    times, faults = parse_times(
        log[schema.TIME], timezone=timezone, time_format=time_format, ambiguous=ambiguous
    )
    log[schema.TIME] = times[schema.TIME]
    if schema.LOCAL_TIME in log:
        log[schema.LOCAL_TIME] = pd.to_datetime(log[schema.LOCAL_TIME], errors="coerce")
        log[schema.LOCAL_TIME] = log[schema.LOCAL_TIME].astype("datetime64[us]")
    else:
        log[schema.LOCAL_TIME] = times[schema.LOCAL_TIME]
    return log, failures + faults


def _as_text(column: pd.Series) -> pd.Series:
    """Text of ids: 7 and 7.0 (an int column with gaps) both become "7"."""
    if pd.api.types.is_float_dtype(column.dtype) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    return column.astype("str").str.strip()


def _as_number(column: pd.Series) -> tuple[pd.Series, list[dict[str, object]]]:
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    bad = numbers.isna() & column.notna() & (column.astype("str").str.strip() != "")
    return numbers, [
        schema.failure(str(column.name), row, "a number", repr(column[row]))
        for row in column.index[bad & (column.astype("str").str.lower() != "nan")]
    ]


def _forget_null_island(log: pd.DataFrame) -> pd.DataFrame:
    null_island = (log[schema.LAT] == 0) & (log[schema.LON] == 0)
    if null_island.any():
        warnings.warn(
            f"{int(null_island.sum()):,} rows at (0, 0), where no one is: read as no coordinate",
            schema.DataWarning,
            stacklevel=5,
        )
    return log.assign(
        **{name: log[name].mask(null_island) for name in (schema.LAT, schema.LON)}
    )


def _part(
    candidate: pd.DataFrame, failures: list[dict[str, object]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part a candidate log into its valid rows and the table of faults."""
    table = pd.DataFrame(failures, columns=["column", "row", "expected", "found"])
    readable = candidate.drop(index=candidate.index.intersection(table["row"]))
    ordered = readable.sort_values([schema.USER, schema.TIME], kind="stable")
    try:
        schema.validate_log(ordered)
    except schema.SchemaError as error:
        table = pd.concat([table, error.failures], ignore_index=True)
    good = readable.drop(index=readable.index.intersection(table["row"]))
    return schema.sort_log(good), table


def _hint(failures: pd.DataFrame) -> str:
    columns = failures["column"]
    if (columns == schema.LAT).any() and not (columns == schema.LON).any():
        found = pd.to_numeric(failures.loc[columns == schema.LAT, "found"], errors="coerce")
        if found.abs().between(90, 180).any():
            return "Latitudes beyond 90 with fitting longitudes: are lat and lon swapped?"
    return ""
