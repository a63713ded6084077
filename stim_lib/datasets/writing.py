"""Write a log so that a spreadsheet can open it without running what strangers typed.

Introduced in chapter 02.
"""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from stim_lib import schema

# A cell that starts so is a formula to a spreadsheet.
# Source: OWASP, CSV Injection.
FORMULA_START = r"^('*[=+\-@\t\r＝＋－＠])"


def escape_formulas(column: pd.Series) -> pd.Series:
    """Put an apostrophe before text that a spreadsheet would run as a formula.

    Parameters
    ----------
    column : Series of str, shape (n_actions,)

    Returns
    -------
    Series of str, shape (n_actions,)
        `unescape_formulas` gives back `column`, whatever it held.

    Examples
    --------
    >>> escape_formulas(pd.Series(["=1+1", "Joe's", "'=x"])).tolist()
    ["'=1+1", "Joe's", "''=x"]
    """
    return column.str.replace(FORMULA_START, r"'\1", regex=True)


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
    >>> unescape_formulas(pd.Series(["'=1+1", "Joe's", "''=x"])).tolist()
    ['=1+1', "Joe's", "'=x"]
    """
    return column.str.replace("^'" + FORMULA_START[1:], r"\1", regex=True)


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
        Of the written file. `read_log` gives back the same log. Text in a CSV that starts like
        a formula (``=``, ``+``, ``-``, ``@``) is led by an apostrophe.

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
            text = [n for n in log.columns if pd.api.types.is_string_dtype(log[n].dtype)]
            safe = log.assign(**{name: escape_formulas(log[name]) for name in text})
            safe.to_csv(unfinished, index=False)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
