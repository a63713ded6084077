"""The behaviour log: the one table that travels through the book.

One row is one action of one user. This module owns the column names, their types and their
permitted values; no other module writes a column name as a string. Introduced in chapter 02.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    import pandera.pandas as pa

USER = "user_id"
ITEM = "item_id"
ACTION = "action"
TIME = "timestamp"
LAT = "lat"
LON = "lon"
CATEGORY = "category"
TEXT = "text"
VALUE = "value"
LOCAL_TIME = "local_time"
# Context columns: any log may carry them; the data sets of the book use these names.
ROOT_CATEGORY = "root_category"
TRAJECTORY = "trajectory_id"
WEATHER = "weather"
PRICE = "price"
RATING = "rating"
SESSION = "session_id"

CORE_COLUMNS = (USER, ITEM, ACTION, TIME, LAT, LON, CATEGORY)
OPTIONAL_COLUMNS = (TEXT, VALUE, LOCAL_TIME)
TIME_DTYPE = pd.DatetimeTZDtype("us", "UTC")
EARLIEST = pd.Timestamp("1990-01-01", tz="UTC")
MAX_TEXT_LENGTH = 10_000
# Clocks of the world run from 12 hours behind UTC to 14 ahead; one hour of grace.
FARTHEST_CLOCK = pd.Timedelta("15h")
ACTION_IF_UNKNOWN = "visit"
BOTH_COORDINATES = f"both {LAT} and {LON}, or neither"


class SchemaError(ValueError):
    """A table that is not a behaviour log; the message names each bad cell.

    Attributes
    ----------
    failures : DataFrame with columns column, row, expected, found
        Every bad cell, also those for which the message had no room. `row` is the index label of
        the row, or -1 where the whole column is at fault.
    """

    def __init__(self, failures: pd.DataFrame, hint: str = "") -> None:
        self.failures = failures.reset_index(drop=True)
        self.hint = hint
        super().__init__(_describe(self.failures) + (f"\n{hint}" if hint else ""))

    def __reduce__(self) -> tuple[type, tuple[pd.DataFrame, str]]:
        # So that the error passes from a worker process to its parent.
        return type(self), (self.failures, self.hint)


class DataWarning(UserWarning):
    """Something in the data was repaired or assumed; the message says what and how to choose."""


def failure(column: str, row: object, expected: str, found: object) -> dict[str, object]:
    """One bad cell, as a row of `SchemaError.failures`.

    Parameters
    ----------
    column : str
    row : object
        Index label; -1 for the whole column.
    expected : str
        Reads after the word "expected".
    found : object
        What stood there; long text is cut.

    Returns
    -------
    dict with keys column, row, expected, found

    Examples
    --------
    >>> failure("lat", 3, "a number in [-90, 90]", 116.4)["found"]
    '116.4'
    """
    text = str(found)
    if len(text) > 60:
        text = f"{text[:50]}… ({len(text):,} characters)"
    return {"column": column, "row": row, "expected": expected, "found": text}


def require_columns(table: pd.DataFrame, name: str, columns: Sequence[str]) -> None:
    """Refuse a table without columns that a function reads, or without its users and times.

    Parameters
    ----------
    table : DataFrame
    name : str
        What the caller calls it.
    columns : sequence of str
        At least user_id and timestamp.

    Raises
    ------
    SchemaError
        Naming the missing columns; else times without a zone; else rows without user or time.

    Notes
    -----
    Cheaper than `validate_log`, which also reads every cell. Introduced in chapter 13.

    Examples
    --------
    >>> require_columns(pd.DataFrame({"user_id": ["ann"]}), "queries", ["user_id", "timestamp"])
    Traceback (most recent call last):
    ...
    stim_lib.schema.SchemaError: This is not a behaviour log yet: 1 problem found.
      timestamp: expected this column in queries, found only user_id
    """
    found = f"only {', '.join(map(str, table)) or 'no columns'}"
    faults = [
        failure(column, -1, f"this column in {name}", found)
        for column in columns
        if column not in table
    ]
    if not faults and not isinstance(table[TIME].dtype, pd.DatetimeTZDtype):
        dtype = f"dtype {table[TIME].dtype}"
        faults.append(failure(TIME, -1, f"instants (UTC) in {name}", dtype))
    if not faults:
        faults += [
            failure(column, row, f"a value in {name}", "none")
            for column in (USER, TIME)
            for row in table.index[table[column].isna()]
        ]
    if faults:
        raise SchemaError(pd.DataFrame(faults))


def _describe(failures: pd.DataFrame, most: int = 10) -> str:
    def line(cell: pd.Series) -> str:
        where = cell["column"] if cell["row"] == -1 else f"{cell['column']}, row {cell['row']}"
        return f"  {where}: expected {cell['expected']}, found {cell['found']}"

    count = len(failures)
    lines = [f"This is not a behaviour log yet: {count:,} problem{'s' * (count != 1)} found."]
    lines += [line(cell) for _, cell in failures.head(most).iterrows()]
    if count > most:
        lines.append(f"  … and {count - most:,} more; all of them are in the error's .failures")
    return "\n".join(lines)


def _columns(earliest: pd.Timestamp, latest: pd.Timestamp) -> dict[str, pa.Column]:
    import pandera.pandas as pa

    def number(low: float, high: float) -> pa.Check:
        return pa.Check.in_range(low, high, error=f"a number in [{low:g}, {high:g}]")

    def filled(what: str) -> pa.Check:
        return pa.Check(lambda s: s.str.strip() != "", error=f"a non-empty {what}")

    when = pa.Check.in_range(
        earliest, latest, error=f"a time between {earliest:%Y-%m-%d} and {latest:%Y-%m-%d}"
    )
    short = pa.Check(
        lambda s: s.str.len() <= MAX_TEXT_LENGTH,
        error=f"at most {MAX_TEXT_LENGTH:,} characters",
    )
    return {
        USER: pa.Column(str, [filled("user id"), short]),
        ITEM: pa.Column(str, [filled("item id"), short]),
        ACTION: pa.Column(str, [filled("action"), short]),
        TIME: pa.Column(None, [when]),
        LAT: pa.Column(float, number(-90, 90), nullable=True),
        LON: pa.Column(float, number(-180, 180), nullable=True),
        CATEGORY: pa.Column(str, short, nullable=True),
        TEXT: pa.Column(str, short, nullable=True, required=False),
        VALUE: pa.Column(
            float,
            pa.Check(lambda s: s.abs() < float("inf"), error="a finite number"),
            nullable=True,
            required=False,
        ),
    }


def _shape_failures(df: pd.DataFrame) -> list[dict[str, object]]:
    """Faults of whole columns: absent, doubled, or of the wrong type."""
    names = list(df.columns)
    found = [
        failure(name, -1, "one column of this name", f"{names.count(name)} columns")
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    found += [
        failure(name, -1, "this column", f"only {', '.join(map(str, names)) or 'no columns'}")
        for name in CORE_COLUMNS
        if name not in names
    ]
    if found:
        return found
    if not (isinstance(df[TIME].dtype, pd.DatetimeTZDtype) and str(df[TIME].dtype.tz) == "UTC"):
        found.append(failure(TIME, -1, "times with time zone UTC", f"dtype {df[TIME].dtype}"))
    for name in (USER, ITEM, ACTION, CATEGORY, TEXT):
        if name in df and not _is_text(df[name]):
            found.append(failure(name, -1, "text (dtype str)", f"dtype {df[name].dtype}"))
    for name in (LAT, LON, VALUE):
        if name in df and df[name].dtype != "float64":
            found.append(failure(name, -1, "numbers (dtype float64)", f"dtype {df[name].dtype}"))
    if LOCAL_TIME in df and not pd.api.types.is_datetime64_dtype(df[LOCAL_TIME].dtype):
        expected = "wall-clock times without a zone (dtype datetime64)"
        found.append(failure(LOCAL_TIME, -1, expected, f"dtype {df[LOCAL_TIME].dtype}"))
    return found


def _is_text(column: pd.Series) -> bool:
    if column.dtype != "object":
        return pd.api.types.is_string_dtype(column.dtype)
    # Objects may be anything; a number among them is no id.
    return pd.api.types.infer_dtype(column, skipna=True) in {"string", "empty"}


def _order_failures(df: pd.DataFrame) -> list[dict[str, object]]:
    """Faults between cells: half a coordinate, rows out of order."""
    half = df[LAT].isna() ^ df[LON].isna()
    found = [failure(LAT, row, BOTH_COORDINATES, "only one of them") for row in df.index[half]]
    same_user = df[USER].eq(df[USER].shift())
    wrong = (same_user & (df[TIME] < df[TIME].shift())) | (df[USER] < df[USER].shift())
    steps_back = wrong.to_numpy(dtype=bool, na_value=False)
    if steps_back.any():
        expected = f"rows sorted by {USER}, then {TIME} (use schema.sort_log)"
        found.append(failure(TIME, df.index[steps_back][0], expected, "a step back"))
    if LOCAL_TIME in df:
        gap = (df[LOCAL_TIME] - df[TIME].dt.tz_localize(None)).abs()
        found += [
            failure(LOCAL_TIME, row, f"a clock within {FARTHEST_CLOCK} of UTC", df[LOCAL_TIME][row])
            for row in df.index[gap > FARTHEST_CLOCK]
        ]
    return found


def validate_log(
    df: pd.DataFrame,
    *,
    earliest: pd.Timestamp = EARLIEST,
    latest: pd.Timestamp | None = None,
) -> pd.DataFrame:
    """Check that a table is a behaviour log; report every bad cell at once.

    Parameters
    ----------
    df : DataFrame, shape (n_actions, n_columns)
        Must hold `CORE_COLUMNS`; other columns pass untouched. Ids, action and category are text,
        `timestamp` is UTC, `lat` and `lon` are degrees WGS-84 (both missing where the place is
        unknown), rows are sorted by user and time.
    earliest, latest : Timestamp with time zone
        Permitted range of `timestamp`; `latest` defaults to one day from now.

    Returns
    -------
    DataFrame
        `df` itself, unchanged.

    Raises
    ------
    SchemaError
        Naming column, row, what was expected and what was found, for all faults.

    Notes
    -----
    Introduced in chapter 02.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> len(validate_log(load_seed_example()))
    4
    >>> validate_log(load_seed_example().assign(lat=116.4))
    Traceback (most recent call last):
    stim_lib.schema.SchemaError: This is not a behaviour log yet: 4 problems found.
      lat, row 0: expected a number in [-90, 90], found 116.4
      lat, row 1: expected a number in [-90, 90], found 116.4
      lat, row 2: expected a number in [-90, 90], found 116.4
      lat, row 3: expected a number in [-90, 90], found 116.4
    """
    shape = _shape_failures(df)
    if shape:
        raise SchemaError(pd.DataFrame(shape))
    cells = _cell_failures(df, earliest, latest or pd.Timestamp.now("UTC") + pd.Timedelta("1D"))
    failures = pd.DataFrame(cells + _order_failures(df))
    if len(failures):
        raise SchemaError(failures)
    return df


def _cell_failures(
    df: pd.DataFrame, earliest: pd.Timestamp, latest: pd.Timestamp
) -> list[dict[str, object]]:
    import pandera.pandas as pa

    try:
        pa.DataFrameSchema(_columns(earliest, latest)).validate(df, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
    else:
        return []
    # pandera's own names for its two built-in checks, in the words of our messages.
    words = {"not_nullable": "a value"}
    return [
        failure(
            case["column"] or case["schema_context"],
            -1 if pd.isna(case["index"]) else case["index"],
            words.get(case["check"], case["check"]),
            repr(case["failure_case"])
            if isinstance(case["failure_case"], str)
            else case["failure_case"],
        )
        for case in cases.to_dict("records")
    ]


def sort_log(df: pd.DataFrame) -> pd.DataFrame:
    """Sort a log by user and time, with a fresh index; core columns come first.

    Parameters
    ----------
    df : DataFrame, shape (n_actions, n_columns)

    Returns
    -------
    DataFrame, same shape
        A new table. Actions of one user at the same instant keep their order.

    Raises
    ------
    SchemaError
        If a core column is missing.

    Notes
    -----
    Introduced in chapter 02.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> shuffled = load_seed_example().iloc[::-1]
    >>> sort_log(shuffled)["user_id"].tolist()
    ['1', '2', '3', '4']
    """
    missing = [name for name in CORE_COLUMNS if name not in df.columns]
    if missing:
        found = f"only {', '.join(map(str, df.columns)) or 'no columns'}"
        raise SchemaError(pd.DataFrame([failure(n, -1, "this column", found) for n in missing]))
    names = list(CORE_COLUMNS) + [name for name in df.columns if name not in CORE_COLUMNS]
    return df[names].sort_values([USER, TIME], kind="stable", ignore_index=True)
