"""Clean a log and say what changed: duplicates, impossible and missing values, sessions.

Each step takes a table and returns a new one with a `Change`: rows in, rows out, cells filled,
and why. Nothing is dropped without an entry in the report. Introduced in chapter 02.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import pandas as pd

from stim_lib import schema


@dataclass(frozen=True)
class Change:
    """What one step did; one row of the cleaning report."""

    step: str
    rows_in: int
    rows_out: int
    cells_filled: int
    why: str


def drop_duplicates(
    log: pd.DataFrame, *, within: str | pd.Timedelta = "0s"
) -> tuple[pd.DataFrame, Change]:
    """Drop repeats of the same action of the same user on the same item.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
    within : time span
        A repeat counts as such if it comes at most this long after the one before it; 0 means
        the same instant. A double tap is seconds; two coffees are not.

    Returns
    -------
    log : DataFrame, shape (n_kept, n_columns)
        Sorted; of a run of repeats the first stays.
    change : Change

    Raises
    ------
    ValueError
        If `within` is negative.

    Notes
    -----
    Introduced in chapter 02.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> twice = pd.concat([load_seed_example()] * 2)
    >>> once, change = drop_duplicates(twice)
    >>> len(once), change.why
    (4, 'same user, item and action within 0 s')
    """
    span = pd.Timedelta(within)
    if span < pd.Timedelta(0):
        raise ValueError(f"within: expected a span of 0 or more, found {within}")
    ordered = schema.sort_log(log)
    keys = [schema.USER, schema.ITEM, schema.ACTION]
    gap = ordered.groupby(keys, sort=False)[schema.TIME].diff()
    kept = ordered[~(gap <= span)].reset_index(drop=True)
    why = f"same user, item and action within {span.total_seconds():g} s"
    return kept, Change("duplicates", len(log), len(kept), 0, why)


def drop_impossible(
    log: pd.DataFrame,
    *,
    earliest: pd.Timestamp = schema.EARLIEST,
    latest: pd.Timestamp | None = None,
) -> tuple[pd.DataFrame, Change]:
    """Drop actions at a time or place that cannot be, or without user, item or time.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        Of the right column types, its cells not yet validated.
    earliest, latest : Timestamp with time zone
        As in `schema.validate_log`.

    Returns
    -------
    log : DataFrame, shape (n_kept, n_columns)
        Sorted.
    change : Change
        Its `why` counts each cause; a row with two faults counts for both.

    Notes
    -----
    Unknown coordinates (both missing) are possible; `fill_missing` deals with them. Introduced in
    chapter 02.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example()
    >>> log.loc[0, "lat"] = 116.4
    >>> possible, change = drop_impossible(log)
    >>> len(possible), change.why
    (3, 'coordinate outside the globe: 1')
    """
    latest = latest or pd.Timestamp.now("UTC") + pd.Timedelta("1D")
    lat, lon = log[schema.LAT], log[schema.LON]
    empty = {
        f"no {name}": log[name].fillna("").str.strip() == ""
        for name in (schema.USER, schema.ITEM, schema.ACTION)
    }
    faults = empty | {
        "no time": log[schema.TIME].isna(),
        f"before {earliest:%Y-%m-%d}": log[schema.TIME] < earliest,
        "in the future": log[schema.TIME] > latest,
        f"only one of {schema.LAT} and {schema.LON}": lat.isna() ^ lon.isna(),
        "coordinate outside the globe": (lat.abs() > 90) | (lon.abs() > 180),
    }
    bad = pd.DataFrame(faults)
    counts = bad.sum()
    why = "; ".join(f"{cause}: {count:,}" for cause, count in counts.items() if count) or "none"
    kept = schema.sort_log(log[~bad.any(axis=1)])
    return kept, Change("impossible", len(log), len(kept), 0, why)


def fill_missing(
    log: pd.DataFrame, strategies: Mapping[str, str]
) -> tuple[pd.DataFrame, list[Change]]:
    """Fill or drop missing cells, column by column, by a strategy that is named.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
    strategies : mapping of column → strategy
        ``"keep"``: leave missing. ``"drop"``: drop the row. ``"same_item"``: the most frequent
        value on other actions of the same item (lat and lon: of the most frequent pair, so fill
        both). ``"previous"``: the user's last known value. ``"value:X"``: the constant X. Other
        columns are left alone.

    Returns
    -------
    log : DataFrame, shape (n_kept, n_columns)
    changes : list of Change, one per column

    Raises
    ------
    ValueError
        If a column or strategy is unknown, or the constant does not fit the column.

    Notes
    -----
    "previous" never looks ahead: a value from a later action would leak. "same_item" looks at the
    whole table, so use it for facts of the item (where a venue is), never for its users. Introduced
    in chapter 02.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example()
    >>> log.loc[3, ["lat", "lon"]] = float("nan")
    >>> filled, changes = fill_missing(log, {"lat": "same_item", "lon": "same_item"})
    >>> float(filled.loc[3, "lat"]), changes[0].cells_filled
    (39.9075, 1)
    """
    changes = []
    for name, strategy in strategies.items():
        if name not in log:
            raise ValueError(f"strategies: expected a column of the log, found {name!r}")
        rows_in, missing = len(log), int(log[name].isna().sum())
        log = _fill(log, name, strategy)
        filled = missing - int(log[name].isna().sum()) - (rows_in - len(log))
        why = f"{name}: {strategy}; {missing:,} were missing"
        changes.append(Change("missing", rows_in, len(log), filled, why))
    return log.reset_index(drop=True), changes


def _fill(log: pd.DataFrame, name: str, strategy: str) -> pd.DataFrame:
    column = log[name]
    if strategy == "keep":
        return log
    if strategy == "drop":
        return log[column.notna()]
    if strategy == "previous":
        ordered = schema.sort_log(log)
        return ordered.assign(**{name: ordered.groupby(schema.USER)[name].ffill()})
    if strategy == "same_item":
        return log.assign(**{name: column.fillna(log[schema.ITEM].map(_usual(log, name)))})
    if strategy.startswith("value:"):
        return log.assign(**{name: _fill_value(column, strategy.removeprefix("value:"))})
    expected = "'keep', 'drop', 'same_item', 'previous' or 'value:…'"
    raise ValueError(f"strategies[{name!r}]: expected {expected}, found {strategy!r}")


def _usual(log: pd.DataFrame, name: str) -> pd.Series:
    """Most frequent value per item, the smallest of equals."""
    # By pairs: the usual lat with the usual lon can be a place where no one was.
    place = [schema.LAT, schema.LON]
    together = place if name in place else [name]
    known = log.dropna(subset=together)
    counts = known.groupby([known[schema.ITEM].rename("item"), *together]).size()
    counts = counts.reset_index(name="n")
    counts = counts.sort_values(["n", *together], ascending=[False] + [True] * len(together))
    return counts.drop_duplicates("item").set_index("item")[name]


def _fill_value(column: pd.Series, value: str) -> pd.Series:
    try:
        return column.fillna(pd.Series([value]).astype(column.dtype)[0])
    except (TypeError, ValueError):
        raise ValueError(
            f"strategies[{column.name!r}]: expected a constant of type {column.dtype}, "
            f"found {value!r}"
        ) from None


def add_sessions(log: pd.DataFrame, gap: str | pd.Timedelta = "6h") -> pd.DataFrame:
    """Number the sessions of each user: a pause longer than `gap` starts a new one.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        Sorted by user and time.
    gap : time span
        Longest pause within a session.

    Returns
    -------
    DataFrame, shape (n_actions, n_columns + 1)
        With session_id (int64), counted over the whole log from 0; no session spans two users.

    Raises
    ------
    ValueError
        If `gap` is not positive, or the log is not sorted.

    Notes
    -----
    A session is known only from its actions so far, so it leaks nothing backwards. Introduced in
    chapter 02.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> add_sessions(log, gap="1D")["session_id"].tolist()
    [0, 1, 2, 3]
    >>> add_sessions(log, gap="25h")["session_id"].tolist()
    [0, 0, 0, 0]
    """
    longest = pd.Timedelta(gap)
    if longest <= pd.Timedelta(0):
        raise ValueError(f"gap: expected a positive span, found {gap}")
    same_user = log[schema.USER].eq(log[schema.USER].shift())
    pause = log[schema.TIME].diff()
    back = log[schema.USER] < log[schema.USER].shift()
    if (back | (same_user & (pause < pd.Timedelta(0)))).any():
        raise ValueError("log: expected rows sorted by user and time; use schema.sort_log first")
    starts = ~same_user | (pause > longest)
    return log.assign(**{schema.SESSION: starts.cumsum().astype("int64") - 1})


def clean(
    log: pd.DataFrame,
    *,
    within: str | pd.Timedelta = "0s",
    strategies: Mapping[str, str] | None = None,
    session_gap: str | pd.Timedelta | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Clean a log from end to end, with a report.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        Of the right column types (`schema.validate_log` says which); its cells may be bad.
    within : time span
        See `drop_duplicates`.
    strategies : mapping, optional
        See `fill_missing`; default: nothing is filled.
    session_gap : time span, optional
        See `add_sessions`; default: no sessions.

    Returns
    -------
    log : DataFrame, shape (n_kept, n_columns)
        A valid log.
    report : DataFrame with columns step, rows_in, rows_out, cells_filled, why
        One row per step, in order; each step's rows_in is the rows_out of the one before.

    Raises
    ------
    SchemaError
        If what is left is not a valid log.

    Notes
    -----
    Introduced in chapter 02.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log, report = clean(pd.concat([load_seed_example()] * 2))
    >>> report[["step", "rows_in", "rows_out"]]
             step  rows_in  rows_out
    0  impossible        8         8
    1  duplicates        8         4
    """
    log, impossible = drop_impossible(log)
    log, duplicates = drop_duplicates(log, within=within)
    log, missing = fill_missing(log, strategies or {})
    log = schema.sort_log(log)
    if session_gap is not None:
        log = add_sessions(log, session_gap)
    report = pd.DataFrame([asdict(change) for change in (impossible, duplicates, *missing)])
    return schema.validate_log(log), report
