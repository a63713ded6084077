"""What is known of each candidate at each query, as one table of numbers.

Every number belongs to a family, from which reasons are made: habit, recency, hour, sequence, near,
taste, others, and moment (of the query alone; it explains no place). Introduced in chapter 12.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from stim_lib.recommend.attention import Attention, attend
from stim_lib.recommend.candidates import Roads, similar_scores
from stim_lib.recommend.groups import (
    CELLS,
    Groups,
    cell_codes,
    cell_of_points,
    group_pairs,
)
from stim_lib.recommend.sight import Sight, clock_gap, weekday, weigh_pairs
from stim_lib.recommend.statistics import HOURS_A_DAY, UNKNOWN, Statistics, chord_metres

FAMILIES = ("habit", "recency", "hour", "sequence", "near", "taste", "others", "moment")
FAMILY_OF_WEIGHT = {
    "count": "habit", "slow": "habit",
    "5_actions": "recency", "30_actions": "recency",
    "half_hour": "hour", "hour": "hour", "2_hours": "hour",
    "weekday_hour": "hour", "follow": "sequence",
    "from_near_hour": "near", "gap_hour": "hour",
    "from_near_gap_hour": "near", "attention": "habit",
}  # fmt: skip
PUNCTUAL_HOURS = 1.5
ROWS_AT_ONCE = 256
OF_KINDS = ("count", "attention", "30_actions", "hour", "from_near_hour", "gap_hour")
OF_CELLS = ("count", "attention", "30_actions", "from_near_hour", "gap_hour")
# What orders candidates where there is too little to learn from: attention, and a little for
# places where the user has not been.
MIX = {
    "own_attention": 1.0, "own_count": 0.05, "global_step": 0.03, "nearness": 0.02,
    "popularity": 0.5, "similar": 0.01,
}  # fmt: skip


@dataclass(frozen=True)
class Atlas:
    """What features need to know, computed once.

    Attributes
    ----------
    statistics : Statistics
    attention : Attention
        From `attention.fit_attention`.
    """

    statistics: Statistics
    attention: Attention = field(default_factory=Attention)

    @cached_property
    def roads(self) -> Roads:
        """Roads to all places."""
        return Roads(self.statistics)

    @cached_property
    def cells(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Cells of the places, by grid."""
        return {name: cell_codes(self.statistics, name) for name in CELLS}


@dataclass(frozen=True)
class Table:
    """Features of candidates.

    Attributes
    ----------
    query, item : ndarray of int, shape (n_candidates,)
    columns : dict of str to ndarray of float, shape (n_candidates,)
    family : dict of str to str
    """

    query: np.ndarray
    item: np.ndarray
    columns: dict[str, np.ndarray]
    family: dict[str, str]

    def matrix(self, names: list[str]) -> np.ndarray:
        """The features of these names, float32, shape (n_candidates, n_names)."""
        columns = np.empty((len(names), len(self.query)), dtype=np.float32)
        for number, name in enumerate(names):
            columns[number] = self.columns[name]
        # Turned over in pieces that fit into the cache of a processor: several times as fast.
        table = np.empty(columns.shape[::-1], dtype=np.float32)
        for first in range(0, len(table), ROWS_AT_ONCE):
            table[first : first + ROWS_AT_ONCE] = columns[:, first : first + ROWS_AT_ONCE].T
        return table


class Describer:
    """Describes the candidates of one batch of queries.

    Parameters
    ----------
    sight : Sight
    atlas : Atlas
    fold : ndarray of int, shape (n_queries,), optional
        Of questions that the attention learned from; see `attention.attend`.
    """

    def __init__(self, sight: Sight, atlas: Atlas, fold: np.ndarray | None = None) -> None:
        self.sight, self.atlas, self.statistics = sight, atlas, atlas.statistics
        self.weights = weigh_pairs(sight) | {"attention": attend(sight, atlas.attention, fold)}
        self.own = group_pairs(sight, sight.trace.item, len(self.statistics.catalogue))
        self.kinds = group_pairs(sight, sight.trace.category, len(self.statistics.categories))
        self.sums = {
            name: np.bincount(sight.query, weight, minlength=sight.n_queries)
            for name, weight in self.weights.items()
        }

    def describe(self, query: np.ndarray, item: np.ndarray, most: int | None = None) -> Table:
        """Compute every feature of these candidates, or of so many of each query; by query.

        Those with the largest mix are described, since no ranking lifts what stands far below.
        """
        self.query, self.item = query, item
        self.columns: dict[str, np.ndarray] = {}
        self.family: dict[str, str] = {}
        self.place = self.own.find(query, item)
        self._mix()
        if most is not None:
            self._shorten(most)
        self._own_shares()
        self._own_visits()
        self._kinds()
        self._others()
        self._distances()
        self._cells()
        self._moment()
        return Table(self.query, self.item, self.columns, self.family)

    def _shorten(self, most: int) -> None:
        kept = self.columns["mix_turn"] < most
        if kept.all():
            return
        self.query, self.item, self.place = self.query[kept], self.item[kept], self.place[kept]
        self.columns = {name: values[kept] for name, values in self.columns.items()}

    def _put(self, name: str, family: str, values: np.ndarray) -> None:
        self.columns[name], self.family[name] = values, family

    def _shares(self, groups: Groups, place: np.ndarray, name: str) -> np.ndarray:
        total = self.sums[name][groups.query]
        share = groups.total(self.weights[name]) / np.maximum(total, 1e-12)
        return np.append(share, 0.0)[place]

    def _own_shares(self) -> None:
        for name in self.weights:
            if f"own_{name}" not in self.columns:
                self._own_share(name)

    def _own_share(self, name: str) -> None:
        self._put(f"own_{name}", FAMILY_OF_WEIGHT[name], self._shares(self.own, self.place, name))

    def _own_visits(self) -> None:
        sight, own, trace = self.sight, self.own, self.sight.trace
        count = own.total(np.ones(len(sight.row)))
        # Pairs come in order of time: of equal targets the last assignment stays.
        first, last = np.zeros(len(own.keys), dtype=int), np.zeros(len(own.keys), dtype=int)
        rows = sight.row[own.kept]
        last[own.group] = rows
        first[own.group[::-1]] = rows[::-1]
        now, clock = sight.now[own.query], sight.clock[own.query]
        since, span = now - trace.time[last], trace.time[last] - trace.time[first]
        scale = self.statistics.return_hours
        interval = span / np.maximum(count - 1, 1)
        overdue = np.where(count > 1, since / np.maximum(interval, 0.1), np.nan)
        age = (now - trace.time[first]) / scale
        order = np.lexsort((-last, own.query))
        turn = np.empty(len(order))
        start = np.searchsorted(own.query, own.query, side="left")
        turn[order] = np.arange(len(order)) - start
        nights = np.floor(clock / HOURS_A_DAY) - np.floor(trace.clock[last] / HOURS_A_DAY)
        back = sight.last[own.query] - last
        for name, family, values in (
            ("visits", "habit", count), ("since", "recency", since / scale),
            ("back", "recency", back), ("turn", "recency", turn), ("overdue", "recency", overdue),
            ("interval", "recency", np.where(count > 1, interval / scale, np.nan)),
            ("age", "habit", age), ("rate", "habit", count / (age + 1)),
            ("nights", "recency", nights),
            ("clock_of_last", "hour", clock_gap(clock, trace.clock[last])),
        ):  # fmt: skip
            self._put(name, family, np.append(values, np.nan)[self.place])
        self._put("visits", "habit", np.nan_to_num(self.columns["visits"]))
        punctual = own.total(1.0 * (sight.apart <= PUNCTUAL_HOURS)) / np.maximum(count, 1)
        self._put("punctual", "hour", np.append(punctual, 0.0)[self.place])

    def _kinds(self) -> None:
        kind = self.statistics.category[self.item]
        place = self.kinds.find(self.query, kind)
        for name in OF_KINDS:
            if name in self.weights:
                self._put(f"kind_{name}", "taste", self._shares(self.kinds, place, name))
        last_kind = self.sight.at(self.sight.trace.category, self.sight.last, UNKNOWN)[self.query]
        self._put("same_kind", "taste", (kind == last_kind) & (kind >= 0))
        known = (kind >= 0) & (last_kind >= 0)
        steps = np.zeros(len(kind))
        if known.any():
            steps[known] = _entries(self.statistics.category_steps, last_kind[known], kind[known])
        self._put("kind_step", "sequence", steps)
        hour = self._hour()
        popular = np.bincount(
            self.statistics.category[self.statistics.category >= 0],
            self.statistics.visits[self.statistics.category >= 0],
            minlength=len(self.statistics.categories) + 1,
        )
        self._put("kind_popularity", "taste", popular[kind])
        self._put("kind_at_hour", "hour", self.statistics.category_hours[kind, hour])

    def _hour(self) -> np.ndarray:
        clock = np.nan_to_num(self.sight.clock)[self.query]
        return np.floor(clock).astype(int) % HOURS_A_DAY

    def _others(self) -> None:
        statistics, item, last = self.statistics, self.item, self.sight.last_item[self.query]
        self._put("visitors", "others", statistics.visitors[item])
        self._put("loyalty", "others", statistics.visits[item] / statistics.visitors[item])
        self._put("at_hour", "hour", statistics.item_hours[item, self._hour()])
        self._put("is_last", "sequence", item == last)

    def _distances(self) -> None:
        sight, trace = self.sight, self.sight.trace
        target = self.atlas.roads.points[self.item]
        own_count = self.own.total(np.ones(len(sight.row)))
        home = np.zeros(sight.n_queries, dtype=int)
        order = np.lexsort((-self.own.code, own_count))
        home[self.own.query[order]] = self.own.code[order]
        points = np.where((sight.last >= 0)[:, None], self.atlas.roads.points[home], np.nan)
        ends = {
            "home": points,
            "before": sight.at(trace.points, sight.last_but_one, np.nan),
        }  # fmt: skip
        for name, origin in ends.items():
            self._put(f"metres_{name}", "near", chord_metres(origin[self.query], target))
        if sight.timed:
            metres = self.columns["metres_here"]
            self._put("speed", "near", metres / (sight.gap[self.query] + 0.05))

    def _cells(self) -> None:
        for name, (code, cells) in self.atlas.cells.items():
            if not len(cells):
                continue
            rows = cell_of_points(self.sight.trace.points, self.statistics, name, cells)
            groups = group_pairs(self.sight, rows, len(cells))
            place = groups.find(self.query, code[self.item])
            for weight in OF_CELLS:
                if weight in self.weights:
                    self._put(f"{name}_{weight}", "near", self._shares(groups, place, weight))

    def _mix(self) -> None:
        self._own_share("attention")
        self._own_share("count")
        self._ways_of_others()
        target = self.atlas.roads.points[self.item]
        metres = chord_metres(self.sight.here[self.query], target)
        self._put("metres_here", "near", metres)
        nearness = np.nan_to_num(np.exp(-metres / self.statistics.jumps[0]))
        self._put("nearness", "near", nearness)
        mix = np.zeros(len(self.item))
        for name, weight in MIX.items():
            mix += weight * self.columns[name]
        self._put("mix", "habit", mix)
        order = np.lexsort((-mix, self.query))
        start = np.searchsorted(self.query, self.query, side="left")
        turn = np.empty(len(order))
        turn[order] = np.arange(len(order)) - start
        self._put("mix_turn", "habit", turn)
        best = np.zeros(self.sight.n_queries)
        np.maximum.at(best, self.query, mix)
        self._put("mix_of_best", "habit", mix / np.maximum(best[self.query], 1e-12))

    def _ways_of_others(self) -> None:
        statistics, item, last = self.statistics, self.item, self.sight.last_item[self.query]
        self._put("popularity", "others", statistics.visits[item] / statistics.visits.sum())
        known = (last >= 0) & (last < len(statistics.catalogue))
        steps = np.zeros(len(item))
        steps[known] = _entries(statistics.steps, last[known], item[known])
        self._put("global_step", "sequence", steps)
        recency = self.own.total(np.exp2(-self.sight.back / 50.0))
        similar = similar_scores(self.sight, self.own, recency, statistics)
        total = np.bincount(self.own.query, recency, minlength=self.sight.n_queries)
        shared = _entries(similar, self.query, item) / np.maximum(total[self.query], 1e-12)
        self._put("similar", "others", shared)

    def _moment(self) -> None:
        sight, trace = self.sight, self.sight.trace
        new = trace.is_new[sight.row].astype(float) if len(sight.row) else np.zeros(0)
        length = self.sums["count"]
        recent = np.bincount(
            sight.query, new * self.weights["30_actions"], minlength=sight.n_queries
        ) / np.maximum(self.sums["30_actions"], 1e-12)
        places = np.bincount(self.own.query, minlength=sight.n_queries)
        before = sight.at(trace.time, sight.last, np.nan) - sight.at(
            trace.time, sight.last_but_one, np.nan
        )
        of_query = {
            "actions": length, "new_lately": recent, "places": places / np.maximum(length, 1),
            "last_gap": before,
            "last_was_new": sight.at(trace.is_new.astype(float), sight.last, 0.0),
            "evidence_hour": self.sums["hour"], "evidence_follow": self.sums["follow"],
            "last_jump": chord_metres(
                sight.here, sight.at(trace.points, sight.last_but_one, np.nan)
            ),
            "clock": np.nan_to_num(sight.clock) % HOURS_A_DAY,
            "weekday": np.nan_to_num(weekday(sight.clock)),
        }  # fmt: skip
        if sight.timed:
            of_query["gap"] = sight.gap
        for name, values in of_query.items():
            self._put(name, "moment", np.asarray(values, dtype=float)[self.query])


def _entries(matrix: object, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Entries of a sparse array with sorted indices, 0 where there is none."""
    if not matrix.nnz:
        return np.zeros(len(row))
    if not matrix.has_sorted_indices:
        matrix = matrix.sorted_indices()
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    keys = rows.astype(np.int64) * matrix.shape[1] + matrix.indices
    wanted = row.astype(np.int64) * matrix.shape[1] + column
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, matrix.data[place], 0.0)
