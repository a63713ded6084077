"""Names to coordinates and back, without a network.

Introduced in chapter 05.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from stim_lib import schema
from stim_lib.spatial._matching import find_places, nearest_spellings, read_country
from stim_lib.spatial.distance import distance_metres
from stim_lib.spatial.gazetteer import COLUMNS, USUAL_POPULATION, places
from stim_lib.spatial.vectors import earth_vectors

NAMED_IN_ERROR = 10
REVERSE_COLUMNS = (
    "place", "local_name", "country", "country_name", "region", "parent", "population", "kind",
)  # fmt: skip


class GeocodingError(LookupError):
    """A name has no place, or more than one; the message names what is near."""


def geocode(
    names: str | Iterable[str],
    *,
    country: str | None = None,
    on_ambiguous: Literal["best", "raise"] = "best",
) -> pd.DataFrame:
    """Where places lie: the best candidate for each name.

    Parameters
    ----------
    names : str, list of str or Series of str, length n_names
        "Guangzhou", "Guangzhou, China", "Paris, Texas", "Brooklyn, NY", "Chaoyang District,
        Beijing", "北京市朝阳区". What follows a comma narrows: a country, a state or province, or
        a larger city; so do larger divisions written before a Chinese one. Case, accents,
        spaces, punctuation and full-width letters do not matter.
    country : str, optional
        English name, ISO 3166 code of two or three letters, or 中国; for all names.
    on_ambiguous : {"best", "raise"}
        What to do with a name of several places.

    Returns
    -------
    DataFrame, shape (n_names, 13)
        name, as given; then the columns of `load_gazetteer`: place, local_name, lat and lon
        (degrees, WGS-84), country, country_name, region, parent, population, kind, source; and
        n_candidates, how many places are called so: over 1, look at `geocode_candidates`. The
        index is that of a Series, or 0, 1, ….

    Raises
    ------
    GeocodingError
        If names are unknown (all of them are named, with the nearest spellings of the first
        ten), or, with "raise", stand for several places.
    ValueError
        If the country is unknown, or `on_ambiguous` is another word.
    AssetError
        If China's divisions are not in the cache and can't be fetched.

    Notes
    -----
    Candidates are ranked by population. A match by another or older name counts for a
    tenth: Manhattan is not New York, yet Canton is Guangzhou rather than Canton in Ohio. A
    Chinese division whose population is unknown counts as 10 million (province), 1 million
    (city) or 100,000 (district); between equals the larger parent decides. Places with fewer
    than 5,000 people are looked up only if nothing larger is called so; the first such name
    costs some 7 s, the first name at all some 3 s, further ones go by the ten thousand a second.

    States and provinces are known by name for the US, Canada, Australia, the United Kingdom and
    China. Of China's 940 urban districts (区), 228 have a name in Latin letters; the others are
    found by their Chinese names. Introduced in chapter 05.

    Examples
    --------
    >>> found = geocode(["Beijing", "Paris, Texas", "北京市朝阳区"])
    >>> found[["place", "region", "country", "n_candidates"]].values.tolist()
    [['Beijing', 'Beijing', 'CN', 1], ['Paris', 'Texas', 'US', 1], ['朝阳区', 'Beijing', 'CN', 1]]
    """
    if on_ambiguous not in ("best", "raise"):
        raise ValueError(f"on_ambiguous: expected 'best' or 'raise', found {on_ambiguous!r}")
    names = [names] if isinstance(names, str) or names is None else names
    index = names.index if isinstance(names, pd.Series) else None
    names = list(names)
    countries = read_country(country)
    texts = {name: name if isinstance(name, str) else "" for name in names}
    found = {name: find_places(text, countries) for name, text in texts.items()}
    unknown = [name for name, (_, rows) in found.items() if not rows]
    if unknown:
        raise GeocodingError(_say_unknown(unknown, len(found), country))
    several = [name for name, (_, rows) in found.items() if len(rows) > 1]
    if on_ambiguous == "raise" and several:
        raise GeocodingError(_say_ambiguous(several, found))
    table = _best_rows(list(found.values()))
    table.insert(0, "name", pd.Series(list(found), dtype="str"))
    table["n_candidates"] = np.array([len(rows) for _, rows in found.values()], dtype=np.int64)
    position = {name: i for i, name in enumerate(found)}
    table = table.iloc[[position[name] for name in names]].reset_index(drop=True)
    return table if index is None else table.set_axis(index)


def geocode_candidates(name: str, *, country: str | None = None) -> pd.DataFrame:
    """All places that a name may mean, best first.

    Parameters
    ----------
    name : str
        As for `geocode`.
    country : str, optional
        As for `geocode`.

    Returns
    -------
    DataFrame, shape (n_candidates, 11)
        The columns of `load_gazetteer`; index 0, 1, ….

    Raises
    ------
    GeocodingError
        If the name is unknown.
    ValueError
        If the country is.

    Notes
    -----
    Ranked as `geocode` says. Introduced in chapter 05.

    Examples
    --------
    >>> geocode_candidates("朝阳区")[["place", "parent"]].values.tolist()
    [['朝阳区', 'Beijing'], ['朝阳区', 'Changchun']]
    """
    min_population, rows = find_places(name, read_country(country))
    if not rows:
        raise GeocodingError(_say_unknown([name], 1, country))
    return _rows(min_population, rows)


def reverse_geocode(
    lat: ArrayLike,
    lon: ArrayLike,
    *,
    min_population: int = 0,
    max_distance_metres: float | None = None,
) -> pd.DataFrame:
    """The nearest named place to each point.

    Parameters
    ----------
    lat, lon : float or array of float, shape (n_points,)
        Degrees, WGS-84. NaN gives a row of missing values.
    min_population : int
        Only places with at least so many people; over 0 leaves out those of unknown population.
    max_distance_metres : float, optional
        A point farther than this from any place gets missing values.

    Returns
    -------
    DataFrame, shape (n_points, 9)
        place, local_name, country, country_name, region, parent, population, kind, and
        distance_metres.

    Raises
    ------
    ValueError
        If a latitude lies outside [-90, 90], `lat` and `lon` differ in shape, or no place has so
        many people.

    Notes
    -----
    Among places of 5,000 people and the cities and districts of China. The nearest point by the
    straight line through the globe is the nearest on it, so a k-d tree of unit vectors needs no
    care at poles and at longitude 180; it is many times faster than a tree of haversines. The
    nearest centre is not always the place that a point belongs to: a suburb may lie nearer to
    the next town's centre. Introduced in chapter 05.

    Examples
    --------
    >>> reverse_geocode(39.99, 116.31)[["place", "parent", "country_name"]].values.tolist()
    [['海淀区', 'Beijing', 'China']]
    """
    lat = np.atleast_1d(np.asarray(lat, dtype=np.float64))
    lon = np.atleast_1d(np.asarray(lon, dtype=np.float64))
    if lat.shape != lon.shape or lat.ndim != 1:
        raise ValueError(
            f"lat, lon: expected two columns of one length, found {lat.shape} and {lon.shape}"
        )
    tree, rows = _tree(min_population)
    known = np.isfinite(lat) & np.isfinite(lon)
    away = np.full(len(lat), np.nan)
    nearest = np.zeros(len(lat), dtype=np.int64)
    table = places(USUAL_POPULATION).table
    if known.any():
        nearest[known] = rows[tree.query(earth_vectors(lat[known], lon[known]))[1]]
        there = table[[schema.LAT, schema.LON]].to_numpy()[nearest[known]]
        away[known] = distance_metres(lat[known], lon[known], *there.T)
    far = ~known if max_distance_metres is None else ~(away <= max_distance_metres)
    found = table.iloc[nearest][list(REVERSE_COLUMNS)].reset_index(drop=True)
    found["distance_metres"] = away
    found.loc[far, :] = pd.NA
    return found


@functools.cache
def _tree(min_population: int) -> tuple[object, np.ndarray]:
    """Tree of the places that a point may be named after, and their rows."""
    from scipy.spatial import cKDTree

    table = places(USUAL_POPULATION).table
    # A province is not where its capital is, unless it is a city itself.
    kept = (table["kind"] != "province") | (table["source"] == "both")
    if min_population > 0:
        kept &= (table["population"] >= min_population).fillna(False)
    rows = np.flatnonzero(kept.to_numpy(dtype=bool))
    if not len(rows):
        raise ValueError(
            f"min_population: expected at most {int(table['population'].max())}, "
            f"the largest city, found {min_population}"
        )
    points = table[[schema.LAT, schema.LON]].to_numpy()[rows]
    return cKDTree(earth_vectors(*points.T)), rows


def _rows(min_population: int, rows: Sequence[int]) -> pd.DataFrame:
    table = places(min_population).table
    return table.iloc[list(rows)][list(COLUMNS)].reset_index(drop=True)


def _best_rows(found: list[tuple[int, tuple[int, ...]]]) -> pd.DataFrame:
    """First row of each answer, in order, whichever gazetteer it is from."""
    parts = []
    for min_population in {tier for tier, _ in found} or {USUAL_POPULATION}:
        mine = [i for i, (tier, _) in enumerate(found) if tier == min_population]
        parts.append(_rows(min_population, [found[i][1][0] for i in mine]).set_axis(mine))
    return pd.concat(parts).sort_index()


def _say_unknown(unknown: list[object], n_names: int, country: str | None) -> str:
    where = f" in {country!r}" if country is not None else ""
    lines = []
    for name in unknown[:NAMED_IN_ERROR]:
        lines.append(f"  {name!r}: {_hint(name)}")
    rest = [repr(name) for name in unknown[NAMED_IN_ERROR:]]
    more = [f"  and {', '.join(rest)}"] if rest else []
    head = f"names: expected places of the gazetteer{where}, found {len(unknown)} unknown of "
    return "\n".join([f"{head}{n_names}:", *lines, *more])


def _hint(name: object) -> str:
    """What may have been meant by an unknown name."""
    if not isinstance(name, str) or not name.strip():
        return "no name at all; drop missing names first"
    # find_places answers by the place alone when the qualifier is what does not fit.
    alone = name.replace("，", ",").split(",")[0].strip()
    min_population, rows = find_places(alone, None)
    if rows:
        table = _rows(min_population, rows[:3])
        return f"a place of that name lies elsewhere: {'; '.join(_describe(table))}"
    near = nearest_spellings(alone)
    return f"did you mean {', '.join(near)}?" if near else "nothing is spelt like it"


def _say_ambiguous(several: list[str], found: dict[str, tuple[int, tuple[int, ...]]]) -> str:
    lines = []
    for name in several[:NAMED_IN_ERROR]:
        min_population, rows = found[name]
        some = "; ".join(_describe(_rows(min_population, rows[:3])))
        lines.append(f"  {name!r}, {len(rows)} places: {some}")
    rest = [repr(name) for name in several[NAMED_IN_ERROR:]]
    more = [f"  and {', '.join(rest)}"] if rest else []
    head = f"names: expected one place each, found {len(several)} with several; "
    return "\n".join([f"{head}add a country or state after a comma:", *lines, *more])


def _describe(table: pd.DataFrame) -> list[str]:
    parts = table[["place", "parent", "region", "country_name"]].to_numpy().tolist()
    return [", ".join(dict.fromkeys(word for word in row if word)) for row in parts]
