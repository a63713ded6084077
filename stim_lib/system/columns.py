"""Guess which column of a stranger's file is which; say so; ask where there is no good guess."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from stim_lib import schema

# In order: the first that is there wins. Compared in lower case, letters and digits only.
NAMES: Mapping[str, tuple[str, ...]] = {
    schema.USER: (
        "userid", "uid", "user", "customerid", "customer", "visitorid", "memberid", "accountid",
        "personid", "deviceid", "clientid", "member", "account", "person", "device", "reviewerid",
        "用户id", "用户",
    ),
    schema.ITEM: (
        "itemid", "venueid", "placeid", "poiid", "locationid", "productid", "businessid", "shopid",
        "storeid", "stationid", "movieid", "songid", "trackid", "articleid", "sku", "asin", "iid",
        "item", "venue", "place", "poi", "product", "shop", "store", "station", "location", "city",
        "stockcode", "物品id", "商品id", "地点id", "商品", "地点",
    ),
    schema.TIME: (
        "timestamp", "utctimestamp", "utctime", "utc", "datetime", "eventtime", "checkintime",
        "createdat", "time", "date", "ts", "when", "invoicedate", "starttime", "时间戳", "时间",
    ),
    schema.LAT: ("lat", "latitude", "venuelat", "venuelatitude", "纬度"),
    schema.LON: ("lon", "lng", "long", "longitude", "venuelon", "venuelongitude", "经度"),
    schema.CATEGORY: (
        "category", "categoryname", "venuecategory", "venuecategoryname", "cat", "genre", "类别",
    ),
    schema.ACTION: ("action", "actiontype", "event", "eventtype", "behavior", "behaviour", "行为"),
    schema.TEXT: ("text", "placename", "venuename", "itemname", "title"),
    schema.VALUE: ("value", "amount"),
    schema.LOCAL_TIME: ("localtime",),
    schema.ROOT_CATEGORY: ("rootcategory",),
}  # fmt: skip
REQUIRED = (schema.USER, schema.ITEM, schema.TIME)


def guess_columns(names: Sequence[str], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Guess the map from log columns to those of a file.

    Parameters
    ----------
    names : sequence of str
        The columns of the file.
    known : mapping of str to str, optional
        What has been said already; stays, and is not guessed again.

    Returns
    -------
    dict of str to str
        Log column → column of the file. Coordinates come in pairs or not at all.

    Raises
    ------
    SchemaError
        If there is no guess for user, item or time; it lists the columns found and the lines to
        write.

    Notes
    -----
    By name alone. A guess is stated in the report, so that a wrong one can be seen. Introduced in
    chapter 14.

    Examples
    --------
    >>> guess_columns(["uid", "Venue ID", "utc_time", "note"])
    {'user_id': 'uid', 'item_id': 'Venue ID', 'timestamp': 'utc_time'}
    """
    known = dict(known or {})
    plain: dict[str, str] = {}
    for name in names:
        if name not in known.values():
            plain.setdefault(re.sub(r"[\W_]", "", str(name).lower()), str(name))
    found = dict(known)
    for column, candidates in NAMES.items():
        given = next((plain[name] for name in candidates if name in plain), None)
        if column not in found and given is not None:
            found[column] = given
            del plain[re.sub(r"[\W_]", "", given.lower())]
    if (schema.LAT in found) != (schema.LON in found):
        found.pop(schema.LAT, None), found.pop(schema.LON, None)
    missing = [column for column in REQUIRED if column not in found]
    if missing:
        raise _ask(missing, names)
    return found


def _ask(missing: Sequence[str], names: Sequence[str]) -> schema.SchemaError:
    import pandas as pd

    listed = ", ".join(repr(str(name)[:40]) for name in names[:30])
    listed += " …" if len(names) > 30 else ""
    faults = [
        schema.failure(column, -1, "a column that tells it", "none whose name says so")
        for column in missing
    ]
    lines = "\n".join(f'  {column} = "…"' for column in missing)
    hint = (
        f"The file has the columns {listed}. Say which is which in a file and pass it as CONFIG:"
        f"\n  [columns]\n{lines}"
    )
    return schema.SchemaError(pd.DataFrame(faults), hint=hint)
