"""Read anybody's log: a CSV or parquet file and a map of its columns.

Introduced in chapter 02.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.datasets.delimited import read_delimited
from stim_lib.datasets.times import parse_clock, parse_times

REQUIRED = (schema.USER, schema.ITEM, schema.TIME)
NUMERIC = (schema.LAT, schema.LON, schema.VALUE)


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
    r"""Read a CSV or parquet file as a behaviour log.

    Parameters
    ----------
    path : path of a file
        ``.parquet``, or text with a header line, separated by comma, semicolon, tab or bar.
    columns : mapping, optional
        Log column → column of the file, e.g. ``{"user_id": "uid", "timestamp": "utc"}``. Log
        columns that are not named are taken under their own name. All other columns of the file
        are kept as they are: from text, as text.
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
        A valid log. Ids are text, whatever they were, without the white space around them. Where
        the file has none, `action` is "visit", `category` and coordinates are missing. (0, 0)
        counts as no coordinate. A column of the file whose name is taken gets "_in_file" after
        it.

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
    >>> _ = file.write_text("uid,venue,utc\n7,cafe,2024-05-01T08:00Z\n")
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
    r"""Read a file and part its rows: those that make a valid log, and what is wrong with the rest.

    Parameters
    ----------
    path, columns, timezone, time_format, ambiguous, encoding
        As in `read_log`.

    Returns
    -------
    log : DataFrame, shape (n_good_rows, n_columns)
        A valid log.
    failures : DataFrame with columns column, row, expected, found
        Every bad cell; `row` counts the data rows of the file from 0, without blank lines. A row
        with a bad cell is not in `log`.

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
    >>> _ = file.write_text("user_id,item_id,timestamp,lat,lon\n1,a,2024-05-01T08:00Z,95,7\n")
    >>> log, failures = inspect_log(file)
    >>> len(log), failures.loc[0, ["column", "expected", "found"]].tolist()
    (0, ['lat', 'a number in [-90, 90]', '95.0'])
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a file, found {_what_is(path)}")
    if path.suffix == ".parquet":
        table, failures = _read_parquet(path), []
    else:
        table, failures = read_delimited(path, encoding)
    if table.empty and not failures:
        raise schema.SchemaError(
            pd.DataFrame([schema.failure("file", -1, "at least one row below the header", "none")])
        )
    table = _rename(table, dict(columns or {}))
    candidate, more = _to_log_types(table, timezone, time_format, ambiguous)
    return _part(candidate, failures + more)


def _read_parquet(path: Path) -> pd.DataFrame:
    """Read parquet with rows numbered from 0; a named index becomes columns."""
    table = pd.read_parquet(path)
    if any(name is not None for name in table.index.names):
        return table.reset_index(allow_duplicates=True)
    return table.reset_index(drop=True)


def _what_is(path: Path) -> str:
    if path.is_dir():
        return "a folder"
    near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*")], n=1)
    return "nothing" + (f" (there is {near[0]!r} beside it)" if near else "")


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
    # The list of names is ours, so it is not cut as a cell would be.
    problems += [
        schema.failure(wanted, -1, f"a column {name!r} in the file", "")
        | {"found": _nearest(name, names, columns)}
        for wanted, name in source.items()
        if name not in names
    ]
    if problems:
        raise schema.SchemaError(pd.DataFrame(problems))
    kept = {name: table[given] for name, given in source.items()}
    for number, name in enumerate(names):
        if name not in source.values():
            spare = name
            while spare in kept:
                spare += "_in_file"
            kept[spare] = table.iloc[:, number]
    return pd.DataFrame(kept)


def _nearest(name: str, names: list[str], columns: dict[str, str]) -> str:
    known = {*schema.CORE_COLUMNS, *schema.OPTIONAL_COLUMNS}
    turned = [key for key in columns if key in names and key not in known]
    if turned and known & set(columns.values()):
        return "the map the other way round; write {log column: column of the file}"
    near = difflib.get_close_matches(name.lower(), [n.lower() for n in names], n=1)
    match = [n for n in names if near and n.lower() == near[0]]
    listed = ", ".join(repr(n[:40]) for n in names[:12]) + (" …" if len(names) > 12 else "")
    return f"{listed}" + (f" (did you mean {match[0]!r}?)" if match else "")


def _to_log_types(
    table: pd.DataFrame, timezone: str | None, time_format: str | None, ambiguous: str
) -> tuple[pd.DataFrame, list[dict[str, object]]]:
    """Turn columns of text into the types of the log; collect the cells that don't fit."""
    log = _to_text_types(table)
    failures: list[dict[str, object]] = []
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
    failures += faults
    if schema.LOCAL_TIME in log:
        log[schema.LOCAL_TIME], faults = parse_clock(log[schema.LOCAL_TIME])
        failures += faults
    else:
        log[schema.LOCAL_TIME] = times[schema.LOCAL_TIME]
    return log, failures


def _to_text_types(table: pd.DataFrame) -> pd.DataFrame:
    log = table.copy()
    for name in (schema.ACTION, schema.CATEGORY):
        if name not in log:
            value = schema.ACTION_IF_UNKNOWN if name == schema.ACTION else np.nan
            log[name] = pd.Series(value, index=log.index, dtype="str")
    if schema.TEXT in log:
        log[schema.TEXT] = _as_text(log[schema.TEXT])
    for name in (schema.USER, schema.ITEM, schema.ACTION, schema.CATEGORY):
        log[name] = _as_text(log[name]).str.strip()
    for name in (schema.USER, schema.ITEM, schema.ACTION):
        log[name] = log[name].fillna("")
    return log


def _as_text(column: pd.Series) -> pd.Series:
    """Text of ids: 7 and 7.0 (an int column with gaps) both become "7"."""
    if pd.api.types.is_float_dtype(column.dtype) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    return column.astype("str")


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
    return log.assign(**{name: log[name].mask(null_island) for name in (schema.LAT, schema.LON)})


def _part(
    candidate: pd.DataFrame, failures: list[dict[str, object]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part a candidate log into its valid rows and the table of faults."""
    table = pd.DataFrame(failures, columns=["column", "row", "expected", "found"])
    try:
        schema.validate_log(candidate.sort_values([schema.USER, schema.TIME], kind="stable"))
    except schema.SchemaError as error:
        table = pd.concat([table, _news(error.failures, table)], ignore_index=True)
    good = candidate.drop(index=candidate.index.intersection(table["row"]))
    return schema.sort_log(good), table


def _news(faults: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Of the faults those that do not follow from a known one.

    A cell that could not be read is missing afterwards, and half a coordinate with it.
    """
    cells = set(zip(known["column"], known["row"], strict=True))
    is_new = [
        (column, row) not in cells
        and not (expected == schema.BOTH_COORDINATES and (schema.LON, row) in cells)
        for column, row, expected in zip(
            faults["column"], faults["row"], faults["expected"], strict=True
        )
    ]
    return faults[is_new]


def _hint(failures: pd.DataFrame) -> str:
    columns = failures["column"]
    if (columns == schema.LAT).any() and not (columns == schema.LON).any():
        found = pd.to_numeric(failures.loc[columns == schema.LAT, "found"], errors="coerce")
        if found.abs().between(90, 180).any():
            return "Latitudes beyond 90 with fitting longitudes: are lat and lon swapped?"
    return ""
