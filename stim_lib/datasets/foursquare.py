"""Foursquare check-ins in New York City: the book's real log.

The public file lost its user column. It can be found again: see `recover_users`.
Introduced in chapter 02.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from stim_lib import assets, schema
from stim_lib.datasets.times import parse_times

TIMEZONE = "America/New_York"
FIRST_MONDAY = pd.Timestamp("2012-04-02")
LAYOUT = "%Y-%m-%d %H:%M:%S"
WEEK = pd.Timedelta(days=7)
COLUMNS = (
    "tid", "lat_lon", "date_time", "time", "rating", "price", "weather", "day", "root_type", "type",
)  # fmt: skip
TSMC_COLUMNS = (
    schema.USER, schema.ITEM, "category_id", schema.CATEGORY, schema.LAT, schema.LON, "offset",
    schema.TIME,
)  # fmt: skip
ACTION = "check-in"


def load_foursquare_nyc(path: str | Path | None = None) -> pd.DataFrame:
    """Load the NYC check-ins as a behaviour log, with the recovered users.

    Parameters
    ----------
    path : path of a CSV, optional
        A local copy; by default the file is fetched once and kept in the cache.

    Returns
    -------
    DataFrame, shape (66962, 13)
        A behaviour log. `item_id` is a venue: a distinct pair of coordinates. Beside the core
        columns: local_time (clock in New York), root_category, trajectory_id (int64), weather,
        price (1 to 4) and rating (0 to 10), missing where the file has none.

    Raises
    ------
    SchemaError
        If `path` lacks a column or holds a cell that no check-in can have.
    AssetError
        If the file is not in the cache and cannot be fetched.

    Notes
    -----
    Terms: research use; the file is fetched, never shipped. Source: Yang, Zhang, Zheng and Yu
    (2015), doi:10.1109/TSMC.2014.2327053. Introduced in chapter 02.

    Examples
    --------
    >>> log = load_foursquare_nyc()
    >>> len(log), log["user_id"].nunique(), log["trajectory_id"].nunique()
    (66962, 193, 3079)
    """
    table, local, zoned, place = _read_cells(read_foursquare_table(path))
    codes, _ = pd.factorize(table["lat_lon"], sort=True)
    users = recover_users(table["tid"], local)
    log = pd.DataFrame(
        {
            schema.USER: _label("u", users, 3),
            schema.ITEM: _label("v", codes, 5),
            schema.ACTION: pd.Series(ACTION, index=table.index, dtype="str"),
            schema.TIME: zoned.dt.tz_convert("UTC").astype(schema.TIME_DTYPE),
            schema.LAT: place[0],
            schema.LON: place[1],
            schema.CATEGORY: table["type"],
            schema.LOCAL_TIME: local,
            schema.ROOT_CATEGORY: table["root_type"],
            schema.TRAJECTORY: table["tid"],
            schema.WEATHER: table["weather"].replace("Unknown", np.nan),
            schema.PRICE: table["price"].where(table["price"] >= 0).astype("float64"),
            schema.RATING: table["rating"].where(table["rating"] >= 0),
        }
    )
    return _sort_and_validate(log)


def _read_cells(
    table: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.Series, pd.Series, pd.DataFrame]:
    """The table with numbers as numbers; local times, zoned times, coordinates."""
    local = pd.to_datetime(table["date_time"], format=LAYOUT, errors="coerce").astype(
        "datetime64[us]"
    )
    # No check-in of the file falls into an hour that the clock shows twice; earlier if one did.
    zoned = local.dt.tz_localize(TIMEZONE, ambiguous=np.ones(len(local), bool), nonexistent="NaT")
    pair = table["lat_lon"].astype("str").str.split(" ", n=1, expand=True)
    place = pair.reindex(columns=[0, 1]).apply(pd.to_numeric, errors="coerce")
    numbers = table[["tid", "price", "rating"]].apply(pd.to_numeric, errors="coerce")
    unread = {
        "date_time": ("a clock time that New York shows", zoned.isna()),
        "lat_lon": ("two numbers", place.isna().any(axis=1)),
        "tid": ("a whole number", ~(numbers["tid"] % 1 == 0)),
        "price": ("a number", numbers["price"].isna()),
        "rating": ("a number", numbers["rating"].isna()),
    }
    failures = [
        schema.failure(name, row, expected, repr(table.loc[row, name]))
        for name, (expected, bad) in unread.items()
        for row in table.index[bad]
    ]
    if failures:
        raise schema.SchemaError(pd.DataFrame(failures))
    return table.assign(**numbers.astype({"tid": "int64"})), local, zoned, place


def read_foursquare_table(path: str | Path | None = None) -> pd.DataFrame:
    """Read the check-ins as they are published: no user column, -1 for unknown.

    Parameters
    ----------
    path : path of a CSV, optional
        As in `load_foursquare_nyc`.

    Returns
    -------
    DataFrame, shape (66962, 10)
        Columns tid, lat_lon, date_time, time (minute of the day), rating, price, weather, day,
        root_type, type.

    Raises
    ------
    SchemaError
        If a column is missing.

    Notes
    -----
    Introduced in chapter 02.

    Examples
    --------
    >>> read_foursquare_table().shape
    (66962, 10)
    """
    table = pd.read_csv(path or assets.fetch("foursquare_nyc"))
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        found = ", ".join(map(str, table.columns[:12]))
        raise schema.SchemaError(
            pd.DataFrame([schema.failure(name, -1, "this column", found) for name in missing])
        )
    return table


def recover_users(trajectory: pd.Series, local_time: pd.Series) -> np.ndarray:
    """Find the user of each check-in from the numbering of the weekly trajectories.

    Parameters
    ----------
    trajectory : Series of int, shape (n_checkins,)
        Trajectory numbers; one trajectory is one week of one user.
    local_time : Series of datetime64, shape (n_checkins,)
        Wall-clock times in New York.

    Returns
    -------
    ndarray of int64, shape (n_checkins,)
        0, 1, 2, … in the order of the trajectory numbers.

    Raises
    ------
    ValueError
        If the two differ in length, or a time is missing.

    Notes
    -----
    Numbers were given user by user, week by week, and only some trajectories were published. So
    of two neighbours in the numbering the second starts a new user where its calendar
    week does not come later, or where more numbers than weeks have passed: one user cannot have
    two trajectories in a week. Week = whole weeks since Monday 2012-04-02. Introduced in
    chapter 02.

    Examples
    --------
    Numbers 7 and 8 lie a week apart; 9 steps back in time; 12 is two numbers in one week.

    >>> day = pd.to_datetime(pd.Series(["2012-04-03", "2012-04-10", "2012-04-03", "2012-04-10"]))
    >>> recover_users(pd.Series([7, 8, 9, 12]), day)
    array([0, 0, 1, 2])
    """
    if len(trajectory) != len(local_time):
        raise ValueError(
            f"expected one time per check-in, found {len(local_time)} for {len(trajectory)}"
        )
    if local_time.isna().any():
        raise ValueError(f"expected a time in each row, found {local_time.isna().sum()} missing")
    first = local_time.groupby(trajectory.to_numpy()).min().sort_index()
    week = ((first - FIRST_MONDAY) // WEEK).to_numpy()
    steps, weeks = np.diff(first.index.to_numpy()), np.diff(week)
    starts = np.concatenate([[True], (weeks <= 0) | (steps > weeks)])[: len(first)]
    user = pd.Series(np.cumsum(starts) - 1, index=first.index)
    return trajectory.map(user).to_numpy(dtype="int64")


def load_foursquare_tsmc2014(path: str | Path) -> pd.DataFrame:
    r"""Load an original TSMC 2014 file (New York or Tokyo) as a behaviour log.

    Parameters
    ----------
    path : path
        Tab-separated, no header: user, venue, category id, category, latitude, longitude,
        offset of the local clock in minutes, UTC time (``Tue Apr 03 18:00:09 +0000 2012``).

    Returns
    -------
    DataFrame, shape (n_checkins, 9)
        A behaviour log with local_time and category_id.

    Raises
    ------
    SchemaError
        If a row does not have these eight fields, or one of them cannot be read.

    Notes
    -----
    The file is not fetched: its publisher asks for a visit to his page. Source: Yang et al.
    (2015), doi:10.1109/TSMC.2014.2327053. Introduced in chapter 02.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "tsmc.txt"
    >>> row = "470 49bb 4bf5 Café 40.7 -74.0 -240".split() + ["Tue Apr 03 18:00:09 +0000 2012"]
    >>> _ = file.write_text("\t".join(row), encoding="latin-1")
    >>> load_foursquare_tsmc2014(file).loc[0, ["category", "local_time"]].astype("str").tolist()
    ['Café', '2012-04-03 14:00:09']
    """
    table = _read_tabs(Path(path))
    numbers = table[[schema.LAT, schema.LON, "offset"]].apply(pd.to_numeric, errors="coerce")
    times, failures = parse_times(table[schema.TIME])
    failures += [
        schema.failure(name, row, "a number", repr(table.loc[row, name]))
        for name in numbers
        for row in table.index[numbers[name].isna()]
    ]
    if failures:
        raise schema.SchemaError(pd.DataFrame(failures))
    offset = pd.to_timedelta(numbers.pop("offset"), unit="min")
    log = table.drop(columns="offset").assign(
        **{
            schema.ACTION: pd.Series(ACTION, index=table.index, dtype="str"),
            schema.TIME: times[schema.TIME],
            schema.LOCAL_TIME: (times[schema.LOCAL_TIME] + offset).astype("datetime64[us]"),
            **numbers.astype("float64"),
        }
    )
    return _sort_and_validate(log)


def _read_tabs(path: Path) -> pd.DataFrame:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # The files of 2014 are in Latin-1.
        text = data.decode("latin-1")
    rows = [line.removesuffix("\r").split("\t") for line in text.split("\n") if line.strip()]
    expected = f"{len(TSMC_COLUMNS)} fields, separated by tabs"
    failures = [
        schema.failure("file", number, expected, f"{len(row)} fields")
        for number, row in enumerate(rows)
        if len(row) != len(TSMC_COLUMNS)
    ]
    if not rows:
        failures = [schema.failure("file", -1, "rows", f"an empty file ({path})")]
    if failures:
        raise schema.SchemaError(pd.DataFrame(failures))
    return pd.DataFrame(rows, columns=list(TSMC_COLUMNS), dtype="str")


def _sort_and_validate(log: pd.DataFrame) -> pd.DataFrame:
    # The index is made new only after the check, so that a failure names the row of the file.
    schema.validate_log(log.sort_values([schema.USER, schema.TIME], kind="stable"))
    return schema.sort_log(log)


def _label(letter: str, codes: np.ndarray, width: int) -> pd.Series:
    """Ids that sort as their numbers do: u000, u001, …"""
    return letter + pd.Series(codes).astype("str").str.zfill(width)
