"""One row of spatial features for each query, from what happened strictly before it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.queries import QUERY
from stim_lib.spatial._visits import (
    Visits,
    nth_visits,
    read_visits,
    running_favourite,
    running_maximum,
    running_sums,
)
from stim_lib.spatial.distance import EARTH_RADIUS_METRES, distance_metres
from stim_lib.spatial.home import (
    NIGHT_HOURS,
    WORK_HOURS,
    at_night_and_at_work,
    running_work,
)
from stim_lib.spatial.movement import jump_metres
from stim_lib.spatial.nearby import nearby_counts, nearby_shares
from stim_lib.spatial.projection import Projection, project
from stim_lib.spatial.sphere import chord_metres, mean_directions, unit_vectors
from stim_lib.temporal._grouping import divide, group_sums
from stim_lib.temporal.rhythm import look_back_in_batches, times_of

RADII_METRES = (250.0, 1000.0)
SAME_PLACE_METRES = 50.0
RECENT_ACTIONS = 20


def make_spatial_features(
    queries: pd.DataFrame,
    history: pd.DataFrame,
    *,
    train: pd.DataFrame | None = None,
    use_query_time: bool = False,
    use_query_place: bool = False,
    centre: tuple[float, float] | None = None,
    radii_metres: Sequence[float] = RADII_METRES,
    by: str | None = None,
    values: list[str] | None = None,
    night_hours: tuple[float, float] = NIGHT_HOURS,
    work_hours: tuple[float, float] = WORK_HOURS,
    place: str = schema.ITEM,
) -> pd.DataFrame:
    """Describe where each user has been so far, and what lies around where the user is.

    Parameters
    ----------
    queries : DataFrame, shape (n_queries, n_columns)
        With user_id and timestamp (UTC), and lat and lon if `use_query_place`.
    history : DataFrame, shape (n_actions, n_columns)
        Any log with local_time; it may run past the queries, of which only what came strictly
        before each is used. Actions without coordinates are left out.
    train : DataFrame, optional
        Log whose actions, of anybody, are counted around the user; those strictly before the
        query, so that a query may lie in the training part itself.
    use_query_time : bool
        If True, `train` is counted as of the query. If False the time of the query only cuts the
        history, and `train` is counted as of the user's last action: a count that grows by the
        hour is a clock.
    use_query_place : bool
        If True, "here" is where the query says that the user is, which must not be where the
        action to be predicted took place; if False, the place of the user's last action.
    centre : (lat, lon), optional
        Degrees. A fixed point from which here_east_metres and here_north_metres are measured, on
        the plane of `project`, which warns beyond 450 km; without it there are no such columns.
    radii_metres : sequence of float
        One count each; only with `train`. A single number is one radius.
    by : str, optional
        Column of `train`, whose shares near here become features; the smallest radius is used.
    values : list of str, optional
        As for `nearby_shares`: fixes the columns.
    night_hours, work_hours : (float, float)
        As for `find_home_and_work`.
    place : str
        Column that says which actions were at the same place.

    Returns
    -------
    DataFrame of float64, shape (n_queries, n_features)
        Index of `queries`; NaN where the history does not reach. Of the history: n_located,
        actions with coordinates; n_places; radius_of_gyration_metres; visitation_entropy_bits;
        top_place_share; new_place_rate, and recent_new_place_rate over the last 20 actions;
        last_jump_metres and mean_jump_metres. Of here: here_share, that of the user's actions
        within 50 m of it; home_distance_metres, work_distance_metres, is_at_home, is_at_work
        (within 50 m), from the home and work of `find_home_and_work` so far; with `centre`,
        here_east_metres and here_north_metres. With `train`: nearby_log_count_250m, …, ln(1 + n).
        With `by`: ``nearby_share_…``, one for each value.

    Raises
    ------
    SchemaError
        If a column is missing, instants have no zone or wall-clock times have one.
    ValueError
        If a radius is not positive or told twice, the centre is not two finite numbers, `by` is
        given without `train`, or hours make no window.

    Notes
    -----
    Each number is that of the function of its name in this package, for the actions strictly
    before the query. No centre is taken from `train`: for a query that lies in it, that would
    tell of later places. Introduced in chapter 05.

    Examples
    --------
    >>> from stim_lib import datasets, queries
    >>> log = datasets.load_seed_example().assign(user_id="1")
    >>> asked, _ = queries.make_queries(log)
    >>> features = make_spatial_features(asked, log)
    >>> features[["n_places", "new_place_rate", "last_jump_metres"]].round()
              n_places  new_place_rate  last_jump_metres
    query_id
    0              0.0             NaN               NaN
    1              1.0             NaN               NaN
    2              2.0             1.0         1068259.0
    3              3.0             1.0         1212211.0
    """
    radii_metres = _radii(radii_metres)
    centre = None if centre is None else _pair(centre)
    _require_arguments(queries, train, use_query_place, radii_metres, by)
    visits = read_visits(history, place)
    steps = _steps(history, visits, night_hours, work_hours)
    located = history.iloc[visits.row]
    here = _query_places(queries) if use_query_place else None
    parts = [_no_features()]
    for positions, rows, past in look_back_in_batches(queries, located):
        mine = None if here is None else here[positions]
        some = {name: column[rows] for name, column in steps.items()}
        parts.append(pd.DataFrame(_past_features(past, some, mine), index=positions))
    features = pd.concat(parts).reindex(range(len(queries)))
    for name in ("n_located", "n_places"):
        features[name] = features[name].fillna(0.0)
    times = times_of(queries) if use_query_time else _instants(features[schema.TIME])
    features = features.assign(**_around(features, times, centre, train, radii_metres))
    if by is not None:
        shares = nearby_shares(features[schema.LAT], features[schema.LON], times, train,
                               min(radii_metres), by=by, values=values)  # fmt: skip
        features = pd.concat([features, shares.add_prefix("nearby_share_")], axis=1)
    return features.drop(columns=[schema.LAT, schema.LON, schema.TIME]).set_axis(queries.index)


def candidate_distances(
    candidates: pd.DataFrame,
    queries: pd.DataFrame,
    history: pd.DataFrame,
    *,
    train: pd.DataFrame | None = None,
    radius_metres: float = RADII_METRES[0],
    place: str = schema.ITEM,
) -> pd.DataFrame:
    """How far places that might be next are from here, from home and from work.

    Parameters
    ----------
    candidates : DataFrame, shape (n_candidates, n_columns)
        With query_id, a label of `queries`, and lat and lon of the place (degrees, WGS-84).
    queries, history, place
        As for `make_spatial_features`; labels of queries must be unique.
    train : DataFrame, optional
        Log whose actions around each candidate are counted, those of anybody before the user's
        last action.
    radius_metres : float
        Around each candidate; only with `train`.

    Returns
    -------
    DataFrame of float64, shape (n_candidates, 3 or 4)
        Index of `candidates`; here_distance_metres, home_distance_metres, work_distance_metres,
        NaN where here, home or work is not known yet; with `train` also
        ``nearby_log_count_…m``, ln(1 + n).

    Raises
    ------
    SchemaError
        As `make_spatial_features`, or if a column of the candidates is missing.
    ValueError
        If a candidate belongs to no query, or labels of queries repeat.

    Notes
    -----
    Here is the place of the user's last action before the query; home and work are those of
    `find_home_and_work`, as of then. Introduced in chapter 05.

    Examples
    --------
    >>> from stim_lib import datasets, queries
    >>> log = datasets.load_seed_example().assign(user_id="1")
    >>> asked, _ = queries.make_queries(log)
    >>> shanghai = pd.DataFrame({"query_id": [0, 1], "lat": 31.23, "lon": 121.47})
    >>> candidate_distances(shanghai, asked, log)["here_distance_metres"].round(-5).tolist()
    [nan, 1100000.0]
    """
    names = (QUERY, schema.LAT, schema.LON)
    faults = [schema.failure(name, -1, "this column in candidates", "none")
              for name in names if name not in candidates]  # fmt: skip
    if faults:
        raise schema.SchemaError(pd.DataFrame(faults))
    of_query = queries.index.get_indexer(candidates[QUERY]) if queries.index.is_unique else None
    if of_query is None or (of_query < 0).any():
        raise ValueError("candidates: expected query_ids of queries whose labels are unique")
    visits = read_visits(history, place)
    steps = _steps(history, visits, NIGHT_HOURS, WORK_HOURS)
    last = np.full(len(queries), -1)
    for positions, rows, past in look_back_in_batches(queries, history.iloc[visits.row]):
        last[positions] = np.append(rows, -1)[past.last]
    # A row of NaN behind the others, for those without a past.
    known = {name: np.append(column, np.nan)[last[of_query]] for name, column in steps.items()}
    lat, lon = (candidates[name].to_numpy(dtype=float) for name in names[1:])
    table = {}
    for what, prefix in (("here", ""), ("home", "home_"), ("work", "work_")):
        to = known[prefix + schema.LAT], known[prefix + schema.LON]
        table[f"{what}_distance_metres"] = distance_metres(lat, lon, *to)
    if train is not None:
        times = _instants(pd.Series(known[schema.TIME]))
        counts = nearby_counts(lat, lon, times, train, radius_metres)
        table[f"nearby_log_count_{radius_metres:g}m"] = np.log1p(counts)
    return pd.DataFrame(table, index=candidates.index)


def _require_arguments(
    queries: pd.DataFrame,
    train: pd.DataFrame | None,
    use_query_place: bool,
    radii_metres: Sequence[float],
    by: str | None,
) -> None:
    missing = [name for name in (schema.LAT, schema.LON) if name not in queries]
    if use_query_place and missing:
        found = f"only {', '.join(map(str, queries))}"
        faults = [schema.failure(name, -1, "this column in queries", found) for name in missing]
        raise schema.SchemaError(pd.DataFrame(faults))
    if not all(0 < radius < np.inf for radius in radii_metres):
        raise ValueError(f"radii_metres: expected metres above 0, found {radii_metres}")
    if len({f"{radius:g}" for radius in radii_metres}) < len(radii_metres):
        raise ValueError(f"radii_metres: expected different ones, found {radii_metres}")
    if by is not None and (train is None or not len(radii_metres)):
        raise ValueError(
            f"by: expected a train and a radius, whose shares of {by!r} are asked for; found "
            f"{'no train' if train is None else 'no radius'}"
        )


def _radii(radii_metres: Sequence[float] | float) -> tuple[float, ...]:
    try:
        return tuple(np.asarray(radii_metres, dtype=float).ravel().tolist())
    except (TypeError, ValueError):
        raise ValueError(f"radii_metres: expected metres, found {radii_metres!r}") from None


def _pair(centre: object) -> tuple[float, float]:
    """Latitude and longitude, from a tuple, an array or a Series."""
    try:
        pair = np.asarray(centre, dtype=float).ravel()
    except (TypeError, ValueError):
        pair = np.zeros(0)
    if len(pair) != 2 or not np.isfinite(pair).all() or abs(pair[0]) > 90:
        raise ValueError(
            f"centre: expected a latitude in [-90, 90] and a longitude (degrees), found {centre!r}"
        )
    return float(pair[0]), float(pair[1])


def _query_places(queries: pd.DataFrame) -> np.ndarray:
    return queries[[schema.LAT, schema.LON]].to_numpy(dtype=float)


def _instants(microseconds: pd.Series) -> np.ndarray:
    known = microseconds.notna().to_numpy()
    whole = microseconds.fillna(0.0).to_numpy().astype(np.int64).view("datetime64[us]")
    return np.where(known, whole, np.datetime64("NaT", "us"))


def _steps(
    history: pd.DataFrame,
    visits: Visits,
    night_hours: tuple[float, float],
    work_hours: tuple[float, float],
) -> dict[str, np.ndarray]:
    """What was so after each visit, itself included; nothing in it depends on later ones."""
    user, start, n = visits.user, visits.start, visits.n
    at = np.arange(len(user))
    count = at - start + 1
    nth = nth_visits(user, visits.place)
    n_places = (nth == 1).cumsum()
    n_places -= np.where(start > 0, n_places[start - 1], 0)
    # count·log2(count) of each place, kept up to date as visits come in.
    before = nth - 1
    worth = running_sums(nth * np.log2(nth) - before * np.log2(np.maximum(before, 1)), n)
    jump = jump_metres(visits)
    back = np.maximum(at - RECENT_ACTIONS, start)
    night, day = at_night_and_at_work(history, visits, night_hours, work_hours)
    home = running_favourite(user, nth_visits(user, visits.place, night), start)
    work = running_work(visits, day, home)
    table = {
        schema.LAT: visits.lat,
        schema.LON: visits.lon,
        # Microseconds are exact in a float for 285 years either side of 1970.
        schema.TIME: times_of(history)[visits.row].view(np.int64).astype(float),
        "n_places": n_places.astype(float),
        "visitation_entropy_bits": np.maximum(np.log2(count) - worth / count, 0.0),
        "top_place_share": running_maximum(user, nth) / count,
        "new_place_rate": divide(n_places - 1, count - 1),
        "recent_new_place_rate": divide(n_places - n_places[back], at - back),
        "last_jump_metres": jump,
        "mean_jump_metres": divide(running_sums(np.nan_to_num(jump), n), count - 1),
    }
    for what, leader in (("home", home), ("work", work)):
        for name, degrees in (("lat", visits.lat), ("lon", visits.lon)):
            table[f"{what}_{name}"] = np.where(leader >= 0, degrees[leader], np.nan)
    return table | dict(zip("xyz", visits.vectors, strict=True))


def _past_features(
    past: object, steps: dict[str, np.ndarray], here: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Features of the history of each query, shape (n_some,) each; lat and lon are of here."""
    n, seen = len(past.last), past.last >= 0
    table = {}
    for name, column in steps.items():
        if name not in "xyz":
            table[name] = np.full(n, np.nan)
            table[name][seen] = column[past.last[seen]]
    if here is not None:
        table[schema.LAT], table[schema.LON] = here.T
    table["n_located"] = np.bincount(past.query, minlength=n).astype(float)
    table["radius_of_gyration_metres"] = _gyration(past, steps, n)
    # Squared chord, of two points on the unit sphere that are this far apart.
    reach = 4 * np.sin(SAME_PLACE_METRES / EARTH_RADIUS_METRES / 2) ** 2
    point = unit_vectors(table[schema.LAT], table[schema.LON])
    near = sum((steps[name][past.row] - part[past.query]) ** 2
               for name, part in zip("xyz", point, strict=True)) <= reach  # fmt: skip
    share = divide(group_sums(past.query, near.astype(float), n), table["n_located"])
    table["here_share"] = np.where(np.isfinite(table[schema.LAT]), share, np.nan)
    for what in ("home", "work"):
        to = table.pop(f"{what}_lat"), table.pop(f"{what}_lon")
        apart = distance_metres(table[schema.LAT], table[schema.LON], *to)
        table[f"{what}_distance_metres"] = apart
        table[f"is_at_{what}"] = np.where(np.isnan(apart), np.nan, apart <= SAME_PLACE_METRES)
    return {name: table[name] for name in _no_features()}


def _gyration(past: object, steps: dict[str, np.ndarray], n: int) -> np.ndarray:
    """Root mean squared distance from the centre of mass, of the actions before each query."""
    vectors = np.stack([steps[name][past.row] for name in "xyz"])
    middle = mean_directions(vectors, past.query, n)
    apart = chord_metres(sum((vectors[i] - middle[i][past.query]) ** 2 for i in range(3)))
    n_past = np.bincount(past.query, minlength=n)
    return np.sqrt(divide(group_sums(past.query, apart**2, n), n_past))


def _around(
    features: pd.DataFrame,
    times: np.ndarray,
    centre: tuple[float, float] | None,
    train: pd.DataFrame | None,
    radii_metres: Sequence[float],
) -> dict[str, np.ndarray]:
    """Where here is, and how much had happened around it."""
    lat, lon = features[schema.LAT].to_numpy(), features[schema.LON].to_numpy()
    table = {}
    if centre is not None:
        east, north = project(lat, lon, Projection(*centre))
        table |= {"here_east_metres": east, "here_north_metres": north}
    for radius in radii_metres if train is not None else ():
        counts = nearby_counts(lat, lon, times, train, radius)
        table[f"nearby_log_count_{radius:g}m"] = np.log1p(counts)
    return table


def _no_features() -> pd.DataFrame:
    """The columns, in order, without a row."""
    names = (
        "n_located",
        "n_places",
        "radius_of_gyration_metres",
        "visitation_entropy_bits",
        "top_place_share",
        "new_place_rate",
        "recent_new_place_rate",
        "last_jump_metres",
        "mean_jump_metres",
        "here_share",
        "home_distance_metres",
        "is_at_home",
        "work_distance_metres",
        "is_at_work",
        schema.LAT,
        schema.LON,
        schema.TIME,
    )
    return pd.DataFrame({name: np.zeros(0) for name in names})
