"""Purchases at CDNOW, an online shop: a real log without places, hours or items.

Introduced in chapter 14.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from stim_lib import assets, schema

MANY = 4
COLUMNS = ("customer", "date", "cds", "dollars")


def load_cdnow(path: str | Path | None = None) -> pd.DataFrame:
    """Load the CDNOW purchases as a behaviour log.

    Parameters
    ----------
    path : path of the text file, optional
        A local copy; by default the file is fetched once and kept in the cache.

    Returns
    -------
    DataFrame, shape (69659, 9)
        A behaviour log. `item_id` is the size of the order, "1 CD" to "4 or more CDs": the file
        does not say which records were bought. `value` is what was paid (US dollars), `local_time`
        and `timestamp` are midnight of the day, since no hour is known. No coordinates.

    Raises
    ------
    SchemaError
        If a line does not hold four numbers.
    AssetError
        If the file is not in the cache and cannot be fetched.

    Notes
    -----
    Source: Fader and Hardie (2001), Interfaces 31(3):S94, doi:10.1287/inte.31.3s.94.9683.
    Introduced in chapter 14.

    Examples
    --------
    >>> log = load_cdnow()
    >>> len(log), log["user_id"].nunique(), log["item_id"].nunique()
    (69659, 23570, 4)
    """
    path = assets.fetch("cdnow") if path is None else Path(path)
    # Columns of a fixed width, with a header; white space parts them as well.
    lines = path.read_text(encoding="ascii").split("\n")[1:]
    cells = pd.Series(lines).str.split()
    cells = cells[cells.str.len() > 0]
    bad = cells[cells.str.len() != len(COLUMNS)]
    if len(bad) or not len(cells):
        found = f"{bad.iloc[0]}" if len(bad) else "none"
        row = int(bad.index[0]) if len(bad) else -1
        raise schema.SchemaError(
            pd.DataFrame([schema.failure("file", row, "customer, date, CDs, dollars", found)])
        )
    table = pd.DataFrame(cells.tolist(), columns=list(COLUMNS), dtype="str")
    day = pd.to_datetime(table["date"], format="%Y%m%d").astype("datetime64[us]")
    log = pd.DataFrame(
        {
            schema.USER: table["customer"],
            schema.ITEM: _size_of_order(table["cds"].astype("int64")),
            schema.ACTION: pd.Series("purchase", index=table.index, dtype="str"),
            schema.TIME: day.dt.tz_localize("UTC").astype(schema.TIME_DTYPE),
            schema.LAT: np.nan,
            schema.LON: np.nan,
            schema.CATEGORY: pd.Series("CDs", index=table.index, dtype="str"),
            schema.VALUE: table["dollars"].astype("float64"),
            schema.LOCAL_TIME: day,
        }
    )
    return schema.validate_log(schema.sort_log(log))


def _size_of_order(cds: pd.Series) -> pd.Series:
    names = {1: "1 CD"} | {n: f"{n} CDs" for n in range(2, MANY)} | {MANY: f"{MANY} or more CDs"}
    return cds.clip(upper=MANY).map(names).astype("str")
