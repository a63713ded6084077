"""Write a log so that a spreadsheet can open it without running what strangers typed.

Introduced in chapter 02.
"""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from stim_lib import schema

# A cell that starts so is a formula to a spreadsheet. Source: OWASP, CSV Injection.
FORMULA_START = r"'*[=+\-@\t\r\n＝＋－＠]"
# Text that a reader of CSV takes for a missing value.
MISSING_WORDS = ("", "nan", "NaN", "NA", "N/A", "null", "NULL", "None", "\\N")


def _is_unsafe(column: pd.Series) -> pd.Series:
    return column.str.match(FORMULA_START) | column.str.lstrip("'").isin(MISSING_WORDS)


def escape_formulas(column: pd.Series) -> pd.Series:
    """Put an apostrophe before text that a spreadsheet would run, or that looks missing.

    Parameters
    ----------
    column : Series of str, shape (n_actions,)

    Returns
    -------
    Series of str, shape (n_actions,)
        `unescape_formulas` gives back `column`, whatever it held.

    Examples
    --------
    >>> escape_formulas(pd.Series(["=1+1", "Joe's", "'=x", "NA"])).tolist()
    ["'=1+1", "Joe's", "''=x", "'NA"]
    """
    return column.mask(column.notna() & _is_unsafe(column), "'" + column)


def unescape_formulas(column: pd.Series) -> pd.Series:
    """Take away the apostrophe that `escape_formulas` put in front.

    Parameters
    ----------
    column : Series of str, shape (n_actions,)

    Returns
    -------
    Series of str, shape (n_actions,)

    Examples
    --------
    >>> unescape_formulas(pd.Series(["'=1+1", "Joe's", "''=x", "'NA"])).tolist()
    ['=1+1', "Joe's", "'=x", 'NA']
    """
    escaped = column.notna() & column.str.startswith("'") & _is_unsafe(column)
    return column.mask(escaped, column.str[1:])


def write_log(log: pd.DataFrame, path: str | Path) -> Path:
    """Write a valid log as CSV or parquet; the file appears whole or not at all.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        A valid behaviour log.
    path : path ending in .csv or .parquet

    Returns
    -------
    Path
        Of the written file. `read_log` gives back the same log; from a CSV, columns that the
        schema does not know come back as text, and ids without white space around them. Text in
        a CSV that starts like a formula (``=``, ``+``, ``-``, ``@``) or that looks missing
        (``NA``) is led by an apostrophe, and so are such column names.

    Raises
    ------
    SchemaError
        If `log` is not valid.
    ValueError
        If `path` has another ending.

    Notes
    -----
    Introduced in chapter 02.

    Examples
    --------
    >>> import tempfile
    >>> from stim_lib.datasets import load_seed_example, read_log
    >>> log = load_seed_example()
    >>> file = write_log(log, Path(tempfile.mkdtemp()) / "log.csv")
    >>> read_log(file).equals(log)
    True
    """
    path = Path(path)
    schema.validate_log(log)
    if path.suffix not in {".csv", ".parquet"}:
        raise ValueError(f"path: expected an ending .csv or .parquet, found {path.name!r}")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.suffix == ".parquet":
            log.to_parquet(unfinished, index=False)
        else:
            # Lines end as RFC 4180 has it; so a carriage return in a text is quoted, too.
            _safe(log).to_csv(unfinished, index=False, lineterminator="\r\n")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _safe(log: pd.DataFrame) -> pd.DataFrame:
    """All that is not a number or a time as escaped text, also what pandas holds as objects."""
    types = pd.api.types
    columns = {
        name: column
        if types.is_numeric_dtype(column.dtype) or types.is_datetime64_any_dtype(column.dtype)
        else escape_formulas(column.astype("str"))
        for name, column in log.items()
    }
    names = escape_formulas(pd.Series(log.columns, dtype="str"))
    return pd.DataFrame(columns).set_axis(names, axis=1)
