"""Why this place: the family of features that moved its score most, in plain words.

Each tree is a path of questions; each step changes the expected score, and the change is put down
to the feature that was asked about. Summed over trees and families this says what moved the
score. Introduced in chapter 12.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from stim_lib.recommend.features import FAMILIES, Table
from stim_lib.recommend.ranking import Ranker
from stim_lib.recommend.sight import Sight
from stim_lib.recommend.statistics import UNKNOWN, Statistics

# The first trees say the most; the later ones correct details.
TREES = 40
# What fewer people did might tell of one of them.
LEAST_PEOPLE = 3
AT_THIS_HOUR = 0.5
# What "lately" and "from here" may mean in a sentence that a person reads.
LATELY_HOURS, NEAR_METRES = 14 * 24.0, 2_000.0
LONGEST_NAME = 60


@dataclass(frozen=True)
class Explainer:
    """What each leaf of the first trees is worth to each family.

    Attributes
    ----------
    booster : lightgbm.Booster or None
        None: nothing was learned, so families are compared by their shares.
    worth : list of ndarray of float32, each of shape (n_leaves, n_families)
    """

    booster: Any
    worth: list[np.ndarray]

    def contributions(self, values: np.ndarray) -> np.ndarray:
        """What each family added to the score, shape (n_rows, n_families)."""
        found = np.zeros((len(values), len(FAMILIES)), dtype=np.float32)
        if self.booster is None or not len(values):
            return found
        leaves = self.booster.predict(
            values, pred_leaf=True, num_iteration=len(self.worth), num_threads=1
        ).reshape(len(values), -1)
        for tree, worth in enumerate(self.worth):
            found += worth[leaves[:, tree]]
        return found


def make_explainer(ranker: Ranker, family: Mapping[str, str]) -> Explainer:
    """Read the paths of a ranker's trees.

    Parameters
    ----------
    ranker : Ranker
    family : mapping of str to str
        Family of each feature.

    Returns
    -------
    Explainer

    Notes
    -----
    Source: Saabas (2014), Interpreting random forests; a fast stand-in for Shapley values, which
    take a hundred times longer. Introduced in chapter 12.

    Examples
    --------
    >>> make_explainer(Ranker(["mix"], (), {}), {"mix": "habit"}).worth
    []
    """
    if not ranker.boosters:
        return Explainer(None, [])
    booster = ranker.boosters[0]
    columns = np.array([FAMILIES.index(family[name]) for name in ranker.names])
    trees = booster.dump_model(num_iteration=TREES)["tree_info"]
    return Explainer(booster, [_worth(tree["tree_structure"], columns) for tree in trees])


def _worth(root: dict[str, Any], columns: np.ndarray) -> np.ndarray:
    found: dict[int, np.ndarray] = {}
    waiting = [(root, np.zeros(len(FAMILIES), dtype=np.float32))]
    while waiting:
        node, so_far = waiting.pop()
        if "leaf_value" in node:
            found[node.get("leaf_index", 0)] = so_far
            continue
        for side in ("left_child", "right_child"):
            child = node[side]
            change = child.get("internal_value", child.get("leaf_value")) - node["internal_value"]
            onward = so_far.copy()
            onward[columns[node["split_feature"]]] += change
            waiting.append((child, onward))
    return np.stack([found[leaf] for leaf in range(len(found))])


def plain_name(name: object) -> str:
    """A name that is safe to print anywhere.

    Parameters
    ----------
    name : object

    Returns
    -------
    str
        Without control characters and the signs of markup, at most `LONGEST_NAME` long.

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> plain_name("Joe's <b>Bar</b>")
    "Joe's bBar/b"
    """
    text = "".join(c for c in str(name) if c.isprintable() and c not in "<>`|\\")
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def put_in_words(
    table: Table, chosen: np.ndarray, contributions: np.ndarray, sight: Sight
) -> np.ndarray:
    """One reason for each chosen candidate.

    Parameters
    ----------
    table : Table
    chosen : ndarray of int, shape (n_chosen,)
        Rows of the table.
    contributions : ndarray of float32, shape (n_chosen, n_families)
    sight : Sight

    Returns
    -------
    ndarray of object (str), shape (n_chosen,)
        Of all families for which there is something to say, the one that added most.

    Notes
    -----
    Speaks of the user's own past and of what at least `LEAST_PEOPLE` people did; never of another
    person. Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.features import Atlas, Describer
    >>> from stim_lib.recommend.sight import look
    >>> from stim_lib.recommend.statistics import learn_statistics
    >>> log = load_seed_example().assign(user_id="1")
    >>> statistics = learn_statistics(log)
    >>> sight = look(log[2:3], log, statistics, timed=False)
    >>> table = Describer(sight, Atlas(statistics)).describe(np.array([0]), np.array([0]))
    >>> put_in_words(table, np.array([0]), np.zeros((1, len(FAMILIES))), sight).tolist()
    ['you were here once']
    """
    speaker = _Speaker(table, chosen, sight)
    can_say = np.stack([speaker.can_say(family) for family in FAMILIES], axis=1)
    # Where nothing was learned: habit before nearness before the rest.
    wanted = contributions - 1e-6 * np.arange(len(FAMILIES))
    best = np.where(can_say, wanted, -np.inf).argmax(axis=1)
    words = np.full(len(chosen), "", dtype=object)
    for number, family in enumerate(FAMILIES):
        rows = np.flatnonzero((best == number) & can_say.any(axis=1))
        if len(rows):
            words[rows] = speaker.say(family, rows)
    words[words == ""] = "one of the places of this log"
    return words


class _Speaker:
    """Evidence about chosen candidates, and sentences made of it."""

    def __init__(self, table: Table, chosen: np.ndarray, sight: Sight) -> None:
        self.sight, self.statistics = sight, sight.statistics
        self.query, self.item = table.query[chosen], table.item[chosen]
        self.value = {name: values[chosen] for name, values in table.columns.items()}

    def can_say(self, family: str) -> np.ndarray:
        """Whether there is evidence of that family."""
        value, statistics = self.value, self.statistics
        been = value["visits"] > 0
        crowd = statistics.visitors[self.item] >= LEAST_PEOPLE
        lately = value["since"] * statistics.return_hours <= LATELY_HOURS
        hours = statistics.item_hours[self.item].mean(axis=1)
        busy = crowd & self.sight.timed & (value["at_hour"] > hours)
        tests = {
            "habit": been, "recency": been & lately, "hour": been | busy,
            "sequence": (value["own_follow"] > 0) | ((value["global_step"] > 0) & crowd),
            "near": value["metres_here"] <= NEAR_METRES,
            "taste": value["kind_count"] > 0,
            "others": crowd,
        }  # fmt: skip
        return tests.get(family, np.zeros(len(self.item), dtype=bool))

    def say(self, family: str, rows: np.ndarray) -> list[str]:
        """Sentences of that family for these rows."""
        return getattr(self, f"_{family}")(rows)

    def _visits(self, rows: np.ndarray) -> list[str]:
        return [_times(count) for count in self.value["visits"][rows]]

    def _habit(self, rows: np.ndarray) -> list[str]:
        return [f"you were here {times}" for times in self._visits(rows)]

    def _recency(self, rows: np.ndarray) -> list[str]:
        return [f"you were here lately, {times} in all" for times in self._visits(rows)]

    def _hour(self, rows: np.ndarray) -> list[str]:
        punctual = self.value["punctual"][rows] >= AT_THIS_HOUR
        now = "this hour" if self.sight.timed else "the hour of your last action"
        return [
            (f"you were here {_times(count)}" + (f", mostly around {now}" if often else ""))
            if count > 0
            else f"people come here at {now}"
            for count, often in zip(self.value["visits"][rows], punctual, strict=True)
        ]

    def _sequence(self, rows: np.ndarray) -> list[str]:
        own = self.value["own_follow"][rows] > 0
        return [
            f"you came here after {name} before" if mine else f"people come here after {name}"
            for mine, name in zip(own, self._last_names(rows), strict=True)
        ]

    def _last_names(self, rows: np.ndarray) -> list[str]:
        statistics, sight = self.statistics, self.sight
        kind = sight.at(sight.trace.category, sight.last, UNKNOWN)[self.query[rows]]
        last = sight.last_item[self.query[rows]]
        return [_name_of(statistics, one, other) for one, other in zip(kind, last, strict=True)]

    def _near(self, rows: np.ndarray) -> list[str]:
        return [
            f"{metres:,.0f} m from where you were last" if metres < 1000
            else f"{metres / 1000:,.1f} km from where you were last"
            for metres in self.value["metres_here"][rows]
        ]  # fmt: skip

    def _taste(self, rows: np.ndarray) -> list[str]:
        kinds, place = np.unique(self.statistics.category[self.item[rows]], return_inverse=True)
        names = [plain_name(name) for name in self.statistics.categories[kinds]]
        return [
            f"{share:.0%} of what you do is {names[kind]}"
            if share >= 0.01
            else f"you have been to {names[kind]} before"
            for kind, share in zip(place, self.value["kind_count"][rows], strict=True)
        ]

    def _others(self, rows: np.ndarray) -> list[str]:
        alike = self.value["similar"][rows] > 0
        return [
            "people who go where you go come here" if one else f"{visits:,.0f} visits by everybody"
            for one, visits in zip(alike, self.statistics.visits[self.item[rows]], strict=True)
        ]


def _times(count: float) -> str:
    return {1: "once", 2: "twice"}.get(int(count), f"{int(count):,} times")


def _name_of(statistics: Statistics, kind: int, item: int) -> str:
    if kind >= 0:
        return f"a stop of the kind {plain_name(statistics.categories[kind])}"
    if 0 <= item < len(statistics.catalogue):
        return plain_name(statistics.catalogue[item])
    return "your last place"
