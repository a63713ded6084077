"""From a name to the places that may be meant, best first."""

from __future__ import annotations

import difflib
import functools
import heapq
from collections.abc import Iterator

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.spatial._names import (
    HAN,
    NO_PLACE,
    country_codes,
    country_names,
    key_variants,
    name_keys,
    region_codes,
)
from stim_lib.spatial.distance import distance_metres
from stim_lib.spatial.gazetteer import USUAL_POPULATION, name_index, places

SMALLEST_POPULATION = 500
NEAR_METRES = 60_000
OTHER_NAME_WEIGHT = 0.1
ASSUMED_POPULATION = {"province": 10_000_000, "city": 1_000_000, "district": 100_000, "place": 1}
LOOKED_AT = 60


@functools.lru_cache(maxsize=10_000)
def find_places(name: str, countries: frozenset[str] | None) -> tuple[int, tuple[int, ...]]:
    """Places that a name may mean.

    Parameters
    ----------
    name : str
        May carry qualifiers, see `stim_lib.spatial.geocode`.
    countries : frozenset of str, or None
        ISO 3166 codes of two letters; None for all.

    Returns
    -------
    min_population : int
        The gazetteer that was used.
    rows : tuple of int
        Of its table, best first; empty if nothing is called so.

    Notes
    -----
    The small places are looked at only if no larger one is called so. Introduced in chapter 05.

    Examples
    --------
    >>> population, rows = find_places("Paris, Texas", None)
    >>> places(population).table.loc[list(rows), ["place", "region"]].values.tolist()
    [['Paris', 'Texas']]
    """
    for min_population in (USUAL_POPULATION, SMALLEST_POPULATION):
        for parts in _readings(name, min_population):
            rows = _rank(parts[0], parts[1:], countries, min_population)
            if rows:
                return min_population, tuple(rows)
    return SMALLEST_POPULATION, ()


def read_country(country: str | None) -> frozenset[str] | None:
    """Codes of a country.

    Parameters
    ----------
    country : str or None
        English name, ISO 3166 code of two or three letters, or 中国.

    Returns
    -------
    frozenset of str, or None

    Raises
    ------
    ValueError
        If there is no such country; the message names the nearest.

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> sorted(read_country("FRA"))
    ['FR']
    """
    if country is None:
        return None
    key = name_keys([country])[0]
    if key not in country_codes():
        near = difflib.get_close_matches(key, list(country_codes()), n=1)
        guess = ""
        if near:
            code = min(country_codes()[near[0]])
            guess = f" Did you mean {country_names()[code]} ({code})?"
        raise ValueError(
            "country: expected an English name, a code of ISO 3166 or 中国, "
            f"found {country!r}.{guess}"
        )
    return country_codes()[key]


def nearest_spellings(name: str, n: int = 3) -> list[str]:
    """Names of places that are spelt most like a name.

    Parameters
    ----------
    name : str
    n : int

    Returns
    -------
    list of str
        At most n own names of places of 5,000 people and China's divisions, nearest first; among
        equals the larger place. Empty if nothing is near.

    Notes
    -----
    Similarity is difflib's ratio, 2 · matching characters / all characters, at least 0.6,
    computed for the 60 names that share most pairs of neighbouring characters. Source: Ratcliff
    and Metzener (1988), Pattern matching: the gestalt approach, Dr. Dobb's Journal 13(7):46.
    Introduced in chapter 05.

    Examples
    --------
    >>> nearest_spellings("Bejing", n=1), nearest_spellings("广洲市", n=1)
    (['Beijing'], ['广州市'])
    """
    key = name_keys([name])[0]
    if not key:
        return []
    mine = _pairs(key)
    shared = (
        (2 * len(mine & theirs) / (len(mine) + len(theirs)), people, other, spelt)
        for theirs, people, other, spelt in _spellings()
        if not mine.isdisjoint(theirs)
    )
    scored = []
    for _, people, other, spelt in heapq.nlargest(LOOKED_AT, shared):
        ratio = difflib.SequenceMatcher(None, key, other).ratio()
        if ratio >= 0.6:
            scored.append((round(ratio, 9), people, spelt))
    return [spelt for *_, spelt in sorted(scored, reverse=True)[:n]]


def _pairs(key: str) -> frozenset[str]:
    edged = f"^{key}$"
    return frozenset(edged[i : i + 2] for i in range(len(edged) - 1))


@functools.cache
def _spellings() -> list[tuple[frozenset[str], float, str, str]]:
    """Own names with their pairs of characters and a population, one of each."""
    gazetteer = places(USUAL_POPULATION)
    # Between equals the larger parent decides, as in the ranking.
    weights = _weights(USUAL_POPULATION) + 1e-9 * _parent_weights(USUAL_POPULATION)
    people = pd.Series(weights, index=gazetteer.table.index)
    names = pd.DataFrame({"spelt": gazetteer.names, "people": people.loc[gazetteer.names.index]})
    names["key"] = name_keys(names["spelt"].tolist())
    names = names.sort_values("people", ascending=False).drop_duplicates("key")
    columns = (names["people"].tolist(), names["key"].tolist(), names["spelt"].tolist())
    return [(_pairs(k), p, k, s) for p, k, s in zip(*columns, strict=True) if k]


def _readings(name: str, min_population: int) -> Iterator[list[str]]:
    """Ways to read a name as a place and its qualifiers, the plainest first."""
    # NFKC has not been applied yet: the full-width comma counts too.
    parts = [part.strip() for part in NO_PLACE.sub("", name).replace("，", ",").split(",")]
    parts = [part for part in parts if part]
    if not parts or not name_keys([parts[0]])[0]:
        return
    yield parts
    if HAN.search(parts[0]):
        own, _ = name_index(min_population)
        for pieces in _chinese_readings(name_keys([parts[0]])[0], own):
            yield [pieces[-1], *pieces[:-1], *parts[1:]]


def _chinese_readings(text: str, own: dict[str, list[int]]) -> Iterator[list[str]]:
    """Cut 广东省广州市天河区 into names of divisions, longest first."""
    for end in range(len(text) - 2, 1, -1):
        if text[:end] not in own and text[:end] not in country_codes():
            continue
        if text[end:] in own:
            yield [text[:end], text[end:]]
        for rest in _chinese_readings(text[end:], own):
            yield [text[:end], *rest]


def _rank(
    name: str, qualifiers: list[str], countries: frozenset[str] | None, min_population: int
) -> list[int]:
    """Rows of what a name may mean, narrowed by all qualifiers, best first."""
    table = places(min_population).table
    own, other = name_index(min_population)
    for key in key_variants(name):
        weight = dict.fromkeys(other.get(key, []), OTHER_NAME_WEIGHT)
        weight |= dict.fromkeys(own.get(key, []), 1.0)
        rows = np.array(sorted(weight), dtype=np.int64)
        if countries is not None and len(rows):
            rows = rows[table["country"].iloc[rows].isin(countries).to_numpy()]
        for qualifier in qualifiers:
            rows = rows[_fits(rows, qualifier, min_population)] if len(rows) else rows
        if len(rows):
            people = _weights(min_population)
            parents = _parent_weights(min_population)
            score = [(-people[r] * weight[r], -parents[r], r) for r in rows.tolist()]
            return [row for *_, row in sorted(score)]
    return []


def _fits(rows: np.ndarray, qualifier: str, min_population: int) -> np.ndarray:
    """Which rows lie in what a qualifier names: a country, a region, a division, or near a city."""
    table = places(min_population).table.iloc[rows]
    key = name_keys([qualifier])[0]
    in_country = country_codes().get(key, frozenset())
    fits = table["country"].isin(in_country).to_numpy(copy=True)
    in_region = frozenset().union(*(region_codes().get(k, ()) for k in key_variants(qualifier)))
    pairs = zip(table["country"], table["admin1"], strict=True)
    fits |= np.array([pair in in_region for pair in pairs], dtype=bool)
    # "Us" is also a village near Paris: words for countries and regions are not towns.
    if in_country or in_region:
        return fits
    for row in _rank(qualifier, [], None, min_population):
        fits |= _lies_in(table, row, min_population)
    return fits


def _lies_in(table: pd.DataFrame, row: int, min_population: int) -> np.ndarray:
    """Which places lie in one place: below it in China's divisions, or near it."""
    whole = places(min_population).table.iloc[row]
    step = {"province": 10_000, "city": 100}.get(whole["kind"], 1)
    code = table["code"].to_numpy()
    inside = (code > 0) & (code // step == whole["code"] // step)
    if whole["kind"] == "province":
        inside |= (table["country"] == whole["country"]) & (table["admin1"] == whole["admin1"])
    else:
        away = distance_metres(
            table[schema.LAT], table[schema.LON], whole[schema.LAT], whole[schema.LON]
        )
        undivided = (code == 0) | (whole["code"] == 0)
        inside |= undivided & (away <= NEAR_METRES) & (table["country"] == whole["country"])
    return np.asarray(inside & (table.index != row), dtype=bool)


@functools.cache
def _weights(min_population: int) -> np.ndarray:
    """Population by which places are ranked; where it is unknown, a low one for the kind."""
    table = places(min_population).table
    return (
        table["population"]
        .astype("Float64")
        .fillna(table["kind"].map(ASSUMED_POPULATION).astype("Float64"))
        .to_numpy(dtype=np.float64)
    )


@functools.cache
def _parent_weights(min_population: int) -> np.ndarray:
    """Weight of the city or province that a division belongs to, which decides between equals."""
    table = places(min_population).table
    weights = pd.Series(_weights(min_population), index=table.index)
    code = table["code"]
    by_code = weights[code > 0].groupby(code[code > 0]).max()
    parent = (code // 100 * 100).map(by_code).fillna((code // 10_000 * 10_000).map(by_code))
    return parent.where(code > 0).fillna(0).to_numpy(dtype=np.float64)
