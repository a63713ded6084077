"""Delimited text to columns of text: encodings, delimiters, and rows of the wrong length.

Introduced in chapter 02.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.datasets.writing import FORMULA_START, unescape_formulas

# No row of a log is longer; a file that has one is damaged or hostile.
LONGEST_ROW_BYTES = 4 * 2**20
HEAD_BYTES = 2**16
BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
# gzip, zip (also .xlsx), bzip2, xz, zstd.
PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
MISSING_WORDS = ("", "nan", "NaN", "NA", "N/A", "null", "NULL", "None", "\\N")


def read_delimited(
    path: Path, encoding: str | None = None
) -> tuple[pd.DataFrame, list[dict[str, object]]]:
    r"""Read delimited text as columns of text.

    Parameters
    ----------
    path : Path
        A file with a header line, separated by comma, semicolon, tab or bar.
    encoding : str, optional
        Default: by byte order mark, then UTF-8, then GB 18030 (with a `DataWarning`).

    Returns
    -------
    table : DataFrame of str, shape (n_rows, n_columns)
        Its index is the number of the row in the file, from 0; blank lines do not count.
    failures : list of dict
        One entry (see `schema.failure`) for each row that has too few or too many fields; these
        rows are not in `table`.

    Raises
    ------
    SchemaError
        If the file has no header, a row longer than 4 MiB, or a quote that is never closed.
    ValueError
        If the encoding is unknown, or the file is packed or not text in it.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "my.csv"
    >>> _ = file.write_text("a;b\n007;x\n1\n2;y\n")
    >>> table, failures = read_delimited(file)
    >>> table["a"].to_dict(), failures[0]["row"], failures[0]["found"]
    ({0: '007', 2: '2'}, 1, '1 fields')
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(PACKED):
        raise _packed(path)
    mark = next((code for bom, code in BYTE_ORDER_MARKS.items() if head.startswith(bom)), None)
    tried = [_known(encoding)] if encoding else [mark] if mark else ["utf-8", "gb18030"]
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
        f"{path}: expected text in {' or '.join(tried)}, found bytes that are not; "
        "pass encoding=, for example 'latin-1'"
    )


def read_column_names(path: str | Path, encoding: str | None = None) -> list[str]:
    r"""Read the names of the columns of a file, and nothing else.

    Parameters
    ----------
    path : path of a file
        ``.parquet``, or delimited text with a header line.
    encoding : str, optional
        As in `read_delimited`.

    Returns
    -------
    list of str
        Without white space around them.

    Raises
    ------
    SchemaError, ValueError, OSError
        If there is no header to read.

    Notes
    -----
    Introduced in chapter 14.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "my.csv"
    >>> _ = file.write_text("uid;venue\n7;cafe\n")
    >>> read_column_names(file)
    ['uid', 'venue']
    """
    path = Path(path)
    if path.suffix == ".parquet":
        from pyarrow import parquet

        names = parquet.read_schema(path).names
        return [name for name in names if not name.startswith("__index_level_")]
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(PACKED):
        raise _packed(path)
    mark = next((code for bom, code in BYTE_ORDER_MARKS.items() if head.startswith(bom)), None)
    _, names = _header(head, _known(encoding) if encoding else mark or _readable(head), path)
    return unescape_formulas(pd.Series(names, dtype="str")).str.strip().tolist()


def _readable(head: bytes) -> str:
    try:
        # The head may end within a character.
        head[:-4].decode("utf-8")
    except UnicodeDecodeError as error:
        return "utf-8" if error.start > len(head) - 8 else "gb18030"
    return "utf-8"


def _packed(path: Path) -> ValueError:
    return ValueError(
        f"{path}: expected delimited text, found a packed file or a workbook; unpack it, or "
        "save it as CSV"
    )


def _known(encoding: str) -> str:
    try:
        "".encode(encoding)
    except LookupError:
        raise ValueError(
            f"encoding: expected a text encoding such as 'gb18030', found {encoding!r}"
        ) from None
    return encoding


def _fault(expected: str, found: str, row: int = -1) -> schema.SchemaError:
    """Of the file as a whole; its words are ours, so they are not cut."""
    fault = {"column": "file", "row": row, "expected": expected, "found": found}
    return schema.SchemaError(pd.DataFrame([fault]))


def _header(head: bytes, encoding: str, path: Path) -> tuple[str, list[str]]:
    """Delimiter and column names."""
    text = head.decode(encoding, errors="ignore").lstrip("\ufeff")
    line = next((line for line in re.split(r"[\r\n]", text) if line.strip()), None)
    if line is None:
        raise _fault("a header line and rows", f"an empty file ({path})")
    if text.endswith(line):
        if len(head) < HEAD_BYTES:
            raise _fault("at least one row below the header", "none")
        raise _fault(f"a header line of at most {HEAD_BYTES // 1024} KiB", f"none in {path}")
    delimiter = max(",;\t|", key=line.count)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        return delimiter, next(names for names in rows if names)
    except csv.Error:
        raise _fault("a header line of fields", f"one very long field ({path})") from None


def _parse(path: Path, encoding: str, head: bytes) -> tuple[pd.DataFrame, list[dict[str, object]]]:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    delimiter, names = _header(head, encoding, path)
    failures: list[dict[str, object]] = []

    def wrong_length(row: arrow_csv.InvalidRow) -> str:
        expected = f"{row.expected_columns} fields, as in the header"
        # The parser counts from 1 and the header with it.
        found = f"{row.actual_columns} fields"
        failures.append(schema.failure("file", row.number - 2, expected, found))
        return "skip"

    # Without threads: only then the parser knows the numbers of the rows.
    reading = arrow_csv.ReadOptions(
        use_threads=False, encoding=encoding, block_size=LONGEST_ROW_BYTES
    )
    parsing = arrow_csv.ParseOptions(
        delimiter=delimiter, newlines_in_values=True, invalid_row_handler=wrong_length
    )
    converting = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=list(MISSING_WORDS),
        strings_can_be_null=True,
    )
    try:
        # An open file, so that a name ending in .gz makes the parser unpack nothing.
        with path.open("rb") as file:
            table = arrow_csv.read_csv(file, reading, parsing, converting)
    except pa.ArrowInvalid as error:
        raise _explain(error, path) from None
    if table.column_names != names:
        raise _fault("a header line that can be read", f"{head[:60]!r} ({path})")
    frame = table.to_pandas(types_mapper={pa.string(): pd.StringDtype(na_value=np.nan)}.get)
    frame = _number_rows(frame, failures)
    spans_lines = any(frame.iloc[:, n].str.contains(r"[\r\n]").any() for n in range(frame.shape[1]))
    if spans_lines or failures:
        _refuse_stray_quote(path, encoding, delimiter)
    return _unescape(frame), failures


def _explain(error: Exception, path: Path) -> Exception:
    """Say in our words what the parser met."""
    text = str(error)
    if "straddling" in text:
        found = f"a longer one in {path} (an unclosed quote, or a huge field)"
        return _fault(f"rows of at most {LONGEST_ROW_BYTES / 2**20:.0f} MiB", found)
    if "UTF8" in text or "decode" in text:
        return UnicodeError(text)
    return _fault("delimited text with a header", f"{text[:200]} ({path})")


def _number_rows(table: pd.DataFrame, failures: list[dict[str, object]]) -> pd.DataFrame:
    """Give each row its number in the file, counting the rows that were skipped."""
    skipped = [cell["row"] for cell in failures]
    numbers = np.setdiff1d(np.arange(len(table) + len(skipped)), skipped)
    return table.set_axis(numbers, axis=0)


def _refuse_stray_quote(path: Path, encoding: str, delimiter: str) -> None:
    """Find a quote that swallowed rows: where it ends, no delimiter follows.

    Only called where a cell spans lines or a row has the wrong length, since it is slow.
    """
    with path.open(encoding=encoding, newline="") as file:
        rows = csv.reader(file, delimiter=delimiter, strict=True)
        number = -1
        try:
            for _ in rows:
                number += 1
        except csv.Error as error:
            # A huge field is the schema's to refuse, with its row and column.
            if "field limit" not in str(error):
                found = f"none, or text after it: rows may hide in one cell ({path})"
                raise _fault("a closing quote", found, number) from None


def _unescape(table: pd.DataFrame) -> pd.DataFrame:
    """Undo what `write_log` did to cells and column names that look like formulas."""
    columns = [_unescape_column(table.iloc[:, number]) for number in range(table.shape[1])]
    names = unescape_formulas(pd.Series(table.columns, dtype="str"))
    return pd.concat(columns, axis=1).set_axis(names.tolist(), axis=1)


def _unescape_column(column: pd.Series) -> pd.Series:
    plain = unescape_formulas(column)
    changed = int((plain != column).sum() - column.isna().sum())
    # `write_log` leaves no bare formula; where one stands, the apostrophes are the file's own.
    foreign = column.str.match(FORMULA_START.replace("'*", "", 1)).fillna(False).any()
    if not changed or foreign:
        return column
    warnings.warn(
        f"{column.name}: {changed:,} cells have an apostrophe before a formula, as write_log "
        "writes them; read without it",
        schema.DataWarning,
        stacklevel=5,
    )
    return plain
