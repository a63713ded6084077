"""Which places are worth ranking: a few hundred out of all, by several roads.

What no road finds, no ranking can mend: `Recommender.report_` states the share that is found.
Introduced in chapter 12.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from stim_lib.recommend.groups import Groups
from stim_lib.recommend.kinship import largest_of_each_row
from stim_lib.recommend.sight import Sight
from stim_lib.recommend.statistics import (
    UNKNOWN,
    Statistics,
    chord_metres,
    unit_vectors,
)
from stim_lib.spatial.distance import EARTH_RADIUS_METRES

# How many places each road may name.
OWN, SUCCESSORS, SIMILAR, NEAREST, NEAR_POPULAR, POPULAR, TASTE = 250, 15, 15, 25, 40, 20, 12
NEAR_POOL, HOME_POOL, AROUND = 120, 250, 300
NEAR_HOME = 25
POPULARITY_POWER = 0.7


@dataclass(frozen=True)
class Roads:
    """What the roads to candidates need, computed once for a set of allowed places.

    Attributes
    ----------
    statistics : Statistics
    allowed : ndarray of bool, shape (n_items,), or None
        Places that may be named; None: all of them.
    """

    statistics: Statistics
    allowed: np.ndarray | None = None

    @cached_property
    def popular(self) -> np.ndarray:
        """Allowed places, most popular first."""
        everything = np.arange(len(self.statistics.catalogue))
        return everything if self.allowed is None else everything[self.allowed]

    @cached_property
    def on_map(self) -> np.ndarray:
        """Allowed places with coordinates."""
        return self.popular[np.isfinite(self.statistics.lat[self.popular])]

    @cached_property
    def points(self) -> np.ndarray:
        """Unit vectors of all places."""
        return unit_vectors(self.statistics.lat, self.statistics.lon)

    @cached_property
    def tree(self) -> cKDTree:
        """Search tree over `on_map`."""
        return cKDTree(self.points[self.on_map])


def find_candidates(
    sight: Sight,
    own: Groups,
    kinds: Groups,
    roads: Roads,
    *,
    least: int = 0,
    fresh: bool = False,
    within_metres: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Name places for each query.

    Parameters
    ----------
    sight : Sight
    own : Groups
        Pairs by place.
    kinds : Groups
        Pairs by category.
    roads : Roads
    least : int
        As many popular places are named at least, so that lists of that length can be filled.
    fresh : bool
        Leave out the user's own places.
    within_metres : float, optional
        Leave out what is farther from where the user is, or no one knows how far.

    Returns
    -------
    query, item : ndarray of int, shape (n_candidates,)
        Each pair once, in order of query and item.

    Notes
    -----
    Roads: the user's own places; where everybody goes from the last two; places with the same
    visitors or words; the nearest, the near and popular, and among the near those of the kinds
    that the user likes; what is popular around the user's first place; and the popular.
    Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.groups import group_pairs
    >>> from stim_lib.recommend.sight import look
    >>> from stim_lib.recommend.statistics import learn_statistics
    >>> log = load_seed_example().assign(user_id="1")
    >>> statistics = learn_statistics(log)
    >>> sight = look(log[2:3], log, statistics, timed=False)
    >>> own = group_pairs(sight, sight.trace.item, 3)
    >>> kinds = group_pairs(sight, sight.trace.category, 1)
    >>> find_candidates(sight, own, kinds, Roads(statistics))[1].tolist()
    [0, 1, 2]
    """
    n_items = len(roads.statistics.catalogue)
    found = list(keys_by_road(sight, own, kinds, roads, least=least, fresh=fresh).values())
    if within_metres is not None:
        found.append(_around(sight, roads, within_metres))
    keys = np.sort(np.concatenate(found))
    # Faster than np.unique, which builds a hash table first.
    keys = keys[np.append(True, keys[1:] != keys[:-1])] if len(keys) else keys
    query, item = keys // n_items, keys % n_items
    kept = np.ones(len(item), dtype=bool) if roads.allowed is None else roads.allowed[item]
    if fresh:
        kept &= own.find(query, item) < 0
    if within_metres is not None:
        kept &= chord_metres(sight.here[query], roads.points[item]) <= within_metres
    return query[kept], item[kept]


def keys_by_road(
    sight: Sight,
    own: Groups,
    kinds: Groups,
    roads: Roads,
    *,
    least: int = 0,
    fresh: bool = False,
) -> dict[str, np.ndarray]:
    """What each road names, before anything is left out.

    Parameters
    ----------
    sight, own, kinds, roads, least, fresh
        As for `find_candidates`.

    Returns
    -------
    dict of str to ndarray of int64
        For each road the pairs that it names, as query · n_items + item; in any order, and some
        of them more than once.

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.groups import group_pairs
    >>> from stim_lib.recommend.sight import look
    >>> from stim_lib.recommend.statistics import learn_statistics
    >>> log = load_seed_example().assign(user_id="1")
    >>> statistics = learn_statistics(log)
    >>> sight = look(log[2:3], log, statistics, timed=False)
    >>> own = group_pairs(sight, sight.trace.item, 3)
    >>> kinds = group_pairs(sight, sight.trace.category, 1)
    >>> sorted(keys_by_road(sight, own, kinds, Roads(statistics))["own"].tolist())
    [0, 2]
    """
    n_items = len(roads.statistics.catalogue)
    recency = own.total(np.exp2(-sight.back / 50.0))
    return {
        "own": _own(own, recency, n_items),
        "successors": _successors(sight, n_items),
        "similar": _similar(sight, own, recency, roads.statistics),
        **_near(sight, kinds, roads),
        "near home": _near_home(sight, own, recency, roads),
        "popular": _popular(sight, own, roads, least, fresh),
    }


def _own(own: Groups, recency: np.ndarray, n_items: int) -> np.ndarray:
    if len(own.keys) <= OWN or np.bincount(own.query).max() <= OWN:
        return own.keys
    best = largest_of_each_row(
        own.query, own.code, recency, (int(own.query.max(initial=-1)) + 1, n_items), most=OWN
    )
    rows = np.repeat(np.arange(best.shape[0]), np.diff(best.indptr))
    return rows.astype(np.int64) * n_items + best.indices


def _successors(sight: Sight, n_items: int) -> np.ndarray:
    steps = sight.statistics.steps
    before = sight.at(sight.trace.item, sight.last_but_one, UNKNOWN)
    found = []
    for places in (sight.last_item, before):
        known = np.flatnonzero((places >= 0) & (places < n_items))
        start, stop = steps.indptr[places[known]], steps.indptr[places[known] + 1]
        query, entry = _ranges(known, start, stop)
        best = largest_of_each_row(
            query, steps.indices[entry], steps.data[entry], (sight.n_queries, n_items), SUCCESSORS
        )
        rows = np.repeat(np.arange(best.shape[0]), np.diff(best.indptr))
        found.append(rows.astype(np.int64) * n_items + best.indices)
    return np.concatenate(found)


def _ranges(label: np.ndarray, start: np.ndarray, stop: np.ndarray) -> tuple[np.ndarray, ...]:
    length = stop - start
    within = np.arange(length.sum()) - np.repeat(length.cumsum() - length, length)
    return np.repeat(label, length), np.repeat(start, length) + within


def _popular(sight: Sight, own: Groups, roads: Roads, least: int, fresh: bool) -> np.ndarray:
    # Where own places will be left out, as many more are named.
    spare = int(np.bincount(own.query).max(initial=0)) if fresh else 0
    best = roads.popular[: max(POPULAR, least) + spare]
    n_items = len(roads.statistics.catalogue)
    return (np.arange(sight.n_queries, dtype=np.int64)[:, None] * n_items + best).ravel()


def similar_scores(
    sight: Sight, own: Groups, recency: np.ndarray, statistics: Statistics
) -> sparse.csr_array:
    """How much the user's recent places have in common with every other place.

    Parameters
    ----------
    sight : Sight
    own : Groups
        Pairs by place.
    recency : ndarray of float64, shape (n_groups,)
    statistics : Statistics

    Returns
    -------
    sparse array, shape (n_queries, n_items)

    Notes
    -----
    Item-based collaborative filtering. Source: Sarwar et al. (2001), doi:10.1145/371920.372071.
    Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.groups import group_pairs
    >>> from stim_lib.recommend.sight import look
    >>> from stim_lib.recommend.statistics import learn_statistics
    >>> log = load_seed_example().assign(user_id="1")
    >>> sight = look(log[2:3], log, learn_statistics(log), timed=False)
    >>> own = group_pairs(sight, sight.trace.item, 3)
    >>> similar_scores(sight, own, own.total(1.0 + sight.back), sight.statistics).shape
    (1, 3)
    """
    shape = (sight.n_queries, len(statistics.catalogue))
    weights = largest_of_each_row(own.query, own.code, recency, shape, most=30)
    return sparse.csr_array(weights @ statistics.similar)


def _similar(sight: Sight, own: Groups, recency: np.ndarray, statistics: Statistics) -> np.ndarray:
    scores = similar_scores(sight, own, recency, statistics)
    rows = np.repeat(np.arange(scores.shape[0]), np.diff(scores.indptr))
    fresh = own.find(rows, scores.indices) < 0
    best = largest_of_each_row(
        rows[fresh], scores.indices[fresh], scores.data[fresh], scores.shape, SIMILAR
    )
    rows = np.repeat(np.arange(best.shape[0]), np.diff(best.indptr))
    return rows.astype(np.int64) * scores.shape[1] + best.indices


def _near(sight: Sight, kinds: Groups, roads: Roads) -> dict[str, np.ndarray]:
    known, item, chord = _pool(sight.here, roads, NEAR_POOL)
    if not len(known):
        return {}
    statistics, n_items = roads.statistics, len(roads.statistics.catalogue)
    score = _near_and_popular(item, chord, statistics, statistics.jumps[0])
    kind = kinds.find(np.repeat(known, item.shape[1]), statistics.category[item.ravel()])
    liked = np.append(kinds.total(np.exp2(-sight.back / 50.0)), 0.0)[kind].reshape(score.shape)
    found = {
        "nearest": item[:, :NEAREST],
        "near and popular": _best(item, score, NEAR_POPULAR),
        "near and liked": _best(item, score * liked, TASTE),
    }
    start = known.astype(np.int64)[:, None] * n_items
    return {road: (start + places).ravel() for road, places in found.items()}


def _near_home(sight: Sight, own: Groups, recency: np.ndarray, roads: Roads) -> np.ndarray:
    """Popular places around the one where the user has been most."""
    home = np.full((sight.n_queries, 3), np.nan)
    order = np.lexsort((-own.code, recency))
    home[own.query[order]] = roads.points[own.code[order]]
    known, item, chord = _pool(home, roads, HOME_POOL)
    if not len(known):
        return np.zeros(0, dtype=np.int64)
    statistics = roads.statistics
    score = _near_and_popular(item, chord, statistics, statistics.jumps[1])
    best = _best(item, score, NEAR_HOME)
    return (known.astype(np.int64)[:, None] * len(statistics.catalogue) + best).ravel()


def _pool(points: np.ndarray, roads: Roads, size: int) -> tuple[np.ndarray, ...]:
    """Queries with a known point, the places nearest to it, and how far they are (chord)."""
    known = np.flatnonzero(np.isfinite(points).all(axis=1))
    if not len(known) or not len(roads.on_map):
        return np.zeros(0, dtype=int), np.zeros((0, 0), dtype=int), np.zeros((0, 0))
    # Many queries start from the same place: search from each once.
    spots, spot = np.unique(points[known], axis=0, return_inverse=True)
    size = min(size, len(roads.on_map))
    chord, place = roads.tree.query(spots, k=np.arange(1, size + 1))
    return known, roads.on_map[place][spot.ravel()], chord[spot.ravel()]


def _near_and_popular(
    item: np.ndarray, chord: np.ndarray, statistics: Statistics, scale: float
) -> np.ndarray:
    nearness = np.exp(-chord * EARTH_RADIUS_METRES / scale)
    return statistics.visits[item] ** POPULARITY_POWER * (nearness + 1e-9)


def _around(sight: Sight, roads: Roads, metres: float) -> np.ndarray:
    """The most popular within a distance, up to `AROUND` of them."""
    known = np.flatnonzero(np.isfinite(sight.here).all(axis=1))
    if not len(known) or not len(roads.on_map):
        return np.zeros(0, dtype=np.int64)
    chord = 2 * np.sin(min(metres / EARTH_RADIUS_METRES, np.pi) / 2)
    places = roads.tree.query_ball_point(sight.here[known], chord * (1 + 1e-9), return_sorted=True)
    best = [roads.on_map[np.array(found[:AROUND], dtype=int)] for found in places]
    query = np.repeat(known, [len(found) for found in best]).astype(np.int64)
    return query * len(roads.statistics.catalogue) + np.concatenate(best)


def _best(item: np.ndarray, score: np.ndarray, most: int) -> np.ndarray:
    order = np.argsort(-score, axis=1, kind="stable")[:, :most]
    return np.take_along_axis(item, order, axis=1)
