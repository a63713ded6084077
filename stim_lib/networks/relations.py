"""What is known about a pair of actions besides who they are: how far apart in time and place.

Attention that looks from an asked position at an earlier one can weigh it by these numbers, as
the counters of chapter 13 do. Introduced in chapter 08.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from stim_lib.networks import _backend  # noqa: F401  (before Keras)

import keras  # isort: skip
from keras import ops

from stim_lib.sequences import FIRST, PAD

HOURS_PER_DAY, HOURS_PER_WEEK = 24.0, 168.0
SATURDAY = 5 * HOURS_PER_DAY
# The pause before a first visit: longer than any that a year holds.
NO_PAUSE_HOURS = 10_000.0
# Stands for "not among them" where hours are compared; no log is a hundred thousand years long.
NEVER_HOURS = 1e9


class Pairs:
    """Gaps between asked positions (rows) and positions to look at (columns), each made once."""

    def __init__(
        self, batch: Mapping[str, Any], last: int | None, time_known: bool, columns: Any = None
    ) -> None:
        self.batch, self.time_known, self.columns = batch, time_known, columns
        self.item = self.array("item", "int32")
        self.length = self.item.shape[1]
        self.last = self.length if last is None else last
        if not 1 <= self.last <= self.length:
            raise ValueError(
                f"last: expected 1 … {self.length}, the length of the windows, found {last}"
            )

    def array(self, name: str, kind: str = "float32") -> Any:
        """An array of the batch, or an error that names it."""
        if name not in self.batch:
            raise ValueError(
                f"batch: expected an array {name!r} of shape (B, L), found none among "
                f"{', '.join(self.batch)}"
            )
        return ops.cast(self.batch[name], kind)

    def asked(self, array: Any) -> Any:
        """What an array holds at the asked positions, shape (B, Lq, 1)."""
        if self.columns is None:
            return array[:, -self.last :, None]
        return ops.take_along_axis(array, self.columns, axis=1)[..., None]

    @cached_property
    def position(self) -> Any:
        """The asked positions themselves, (1, Lq, 1) or, if each row has its own, (B, Lq, 1)."""
        if self.columns is None:
            return ops.arange(self.length, dtype="int32")[None, -self.last :, None]
        return ops.cast(self.columns, "int32")[..., None]

    def now(self, name: str) -> Any:
        """The time of the visit that is asked for, else that of the last action: (B, Lq, 1)."""
        return self.asked(self.array(("target_" if self.time_known else "") + name))

    @cached_property
    def category(self) -> Any:
        """Category ids. The first action follows nothing, whatever lies under its padding."""
        return ops.where(self.item == PAD, PAD, self.array("category", "int32"))

    @cached_property
    def age(self) -> Any:
        """Hours from each action until now, (B, Lq, L)."""
        return ops.maximum(self.now("hours") - self.array("hours")[:, None, :], 0.0)

    @cached_property
    def wait(self) -> Any:
        """Hours from the asked position's own action until now, (B, Lq, 1); 0 if unknown."""
        return ops.maximum(self.now("hours") - self.asked(self.array("hours")), 0.0)

    @cached_property
    def steps(self) -> Any:
        """Actions from each action until the asked position, (1 or B, Lq, L)."""
        there = ops.arange(self.length, dtype="float32")
        return ops.maximum(ops.cast(self.position, "float32") - there, 0.0)

    def clock_gap(self, period: float) -> Any:
        """Hours between two clocks, the short way round, (B, Lq, L)."""
        turn = ops.mod(self.now("clock") - self.array("clock")[:, None, :], period)
        return ops.minimum(turn, period - turn)

    @cached_property
    def day_gap(self) -> Any:
        """Hours on the circle of the day."""
        return self.clock_gap(HOURS_PER_DAY)

    @cached_property
    def distance(self) -> Any:
        """Kilometres from the place of the asked position, (B, Lq, L)."""
        gaps = [
            self.asked(axis) - axis[:, None, :]
            for axis in (self.array("east_km"), self.array("north_km"))
        ]
        # A metre or so more, since the root has no slope at 0.
        return ops.sqrt(ops.square(gaps[0]) + ops.square(gaps[1]) + 1e-6)

    @cached_property
    def both_located(self) -> Any:
        """1 where both places are known, (B, Lq, L)."""
        seen = self.array("located") if "located" in self.batch else _flag(self.item >= 0)
        return self.asked(seen) * seen[:, None, :]

    def same(self, here: Any, there: Any) -> Any:
        """Whether the asked position's id is the other's; two unknown ids may differ."""
        here = self.asked(here)
        return _flag(ops.logical_and(ops.equal(here, there[:, None, :]), here >= FIRST))

    @cached_property
    def visits(self) -> Visits:
        """The history of the place of each position."""
        return Visits(self.item, self.array("hours"))

    @cached_property
    def latest(self) -> Any:
        """Whether no visit to the same place lies between, (B, Lq, L)."""
        return _flag(self.visits.next_position[:, None, :] > self.position)

    @cached_property
    def overdue(self) -> Any:
        """At the latest visit, the log of its age over the mean pause between visits."""
        ratio = ops.log((self.age + 0.5) / (self.visits.mean_pause[:, None, :] + 0.5)) / 4
        return self.latest * ops.clip(ratio, -3.0, 3.0)


class Visits:
    """At each position of a window, what was known of its place when it was visited: (B, L)."""

    def __init__(self, item: Any, hours: Any) -> None:
        self.item, self.hours = item, hours
        position = ops.arange(item.shape[1], dtype="int32")
        known = ops.logical_and(
            ops.equal(item[:, :, None], item[:, None, :]), item[:, None] >= FIRST
        )
        self.position = position[None, None, :]
        self.later = ops.logical_and(known, position[None, None, :] > position[None, :, None])
        self.earlier = ops.logical_and(known, position[None, None, :] < position[None, :, None])

    @cached_property
    def next_position(self) -> Any:
        """Where the place is visited again; beyond the window if never."""
        beyond = 2 * self.item.shape[1]
        return ops.min(ops.where(self.later, self.position, beyond), axis=-1)

    @cached_property
    def count(self) -> Any:
        """Visits up to and with this one."""
        return 1.0 + ops.sum(_flag(self.earlier), axis=-1)

    @cached_property
    def pause(self) -> Any:
        """Hours since the visit before."""
        before = ops.max(ops.where(self.earlier, self.hours[:, None, :], -NEVER_HOURS), axis=-1)
        return ops.where(self.count > 1.5, self.hours - before, NO_PAUSE_HOURS)

    @cached_property
    def mean_pause(self) -> Any:
        """Mean hours between the visits so far."""
        first = ops.min(ops.where(self.earlier, self.hours[:, None, :], NEVER_HOURS), axis=-1)
        spread = (self.hours - first) / ops.maximum(self.count - 1.0, 1.0)
        return ops.where(self.count > 1.5, spread, NO_PAUSE_HOURS)


def _flag(condition: Any) -> Any:
    return ops.cast(condition, "float32")


def _bell(gap: Any, width: float) -> Any:
    return ops.exp(-0.5 * ops.square(gap / width))


def _before(ids: Any, steps: int = 1) -> Any:
    """Id of the action so many positions earlier; padding where the window begins."""
    return ops.pad(ids[:, :-steps], [[0, 0], [steps, 0]]) if steps < ids.shape[1] else ids * 0


def _after_same_place(pairs: Pairs) -> Any:
    return pairs.same(pairs.item, _before(pairs.item))


def _after_same_two_places(pairs: Pairs) -> Any:
    one = pairs.same(_before(pairs.item), _before(pairs.item, 2))
    return one * _after_same_place(pairs)


def _same_kind_of_day(pairs: Pairs) -> Any:
    then = pairs.array("clock")[:, None, :]
    return _flag(ops.equal(pairs.now("clock") >= SATURDAY, then >= SATURDAY))


_DEFINITIONS: dict[str, Callable[[Pairs], Any]] = {
    "log_age": lambda pairs: ops.log1p(pairs.age) / 5,
    "log_steps": lambda pairs: ops.log1p(pairs.steps) / 3,
    "age_3_h": lambda pairs: ops.exp(-pairs.age / 3),
    "age_1_day": lambda pairs: ops.exp(-pairs.age / 24),
    "age_1_week": lambda pairs: ops.exp(-pairs.age / 168),
    "age_40_days": lambda pairs: ops.exp(-pairs.age / 960),
    "clock_45_min": lambda pairs: _bell(pairs.day_gap, 0.75),
    "clock_2_h": lambda pairs: _bell(pairs.day_gap, 2.0),
    "hour_of_week": lambda pairs: _bell(pairs.clock_gap(HOURS_PER_WEEK), 1.5),
    "same_kind_of_day": _same_kind_of_day,
    "after_same_place": _after_same_place,
    "after_same_two_places": _after_same_two_places,
    "after_same_category": lambda pairs: pairs.same(pairs.category, _before(pairs.category)),
    "same_place": lambda pairs: pairs.same(pairs.item, pairs.item),
    "near_300_m": lambda pairs: ops.exp(-pairs.distance / 0.3) * pairs.both_located,
    "near_1500_m": lambda pairs: ops.exp(-pairs.distance / 1.5) * pairs.both_located,
    "latest_visit": lambda pairs: pairs.latest,
    "log_visits": lambda pairs: ops.log(pairs.visits.count)[:, None, :] / 3,
    "log_pause": lambda pairs: ops.log1p(pairs.visits.pause)[:, None, :] / 5,
    "overdue": lambda pairs: pairs.overdue,
    "log_wait": lambda pairs: ops.log1p(pairs.wait) / 4,
}
RELATIONS = tuple(_DEFINITIONS)
RELATION_GROUPS = {
    "order": ("log_steps", "after_same_place", "after_same_two_places", "same_place"),
    "visits": ("latest_visit", "log_visits"),
    "age": (
        "log_age",
        "age_3_h",
        "age_1_day",
        "age_1_week",
        "age_40_days",
        "log_pause",
        "overdue",
        "log_wait",
    ),
    "clock": ("clock_45_min", "clock_2_h", "hour_of_week", "same_kind_of_day"),
    "category": ("after_same_category",),
    "space": ("near_300_m", "near_1500_m"),
}
"""What each relation is made of: ids alone (order, visits), times, clocks, categories, places."""


def relate(
    batch: Mapping[str, Any],
    *,
    relations: Sequence[str] = RELATIONS,
    last: int | None = None,
    time_known: bool = True,
    columns: Any = None,
) -> Any:
    """Describe each pair of an asked position and a position that it may look at.

    Parameters
    ----------
    batch : mapping of str to tensor or array, shape (B, L)
        Windows of actions: `item`, `category` (ids, 0 padding, 1 unknown), `hours`, `clock` (hour
        of the week, [0, 168), Monday 0), `east_km`, `north_km`; `target_hours` and `target_clock`
        if the time is known; `located` (0 or 1) if some places are not on the map.
    relations : sequence of str
        Which of `RELATIONS`, in the order wanted; what is not named is not computed.
    last : int, optional
        Ask only at the last so many positions. Default: at all.
    time_known : bool
        If True, age and clock count from the time of the visit that is asked for; otherwise from
        the asked position's own, the last action that is known.
    columns : tensor of int, shape (B, Lq), optional
        Ask at these positions, each window at its own, instead of the last ones.

    Returns
    -------
    tensor of float32, shape (B, Lq, L, F)
        F = len(relations). [b, p, s] relates the asked position p to the position s. Numbers
        ahead of p and at padding mean nothing: mask them.

    Raises
    ------
    ValueError
        If an array is missing, a relation has no such name, or `last` is not in 1 … L.

    Notes
    -----
    With age a = max(0, now - then) in hours, clock gap g on the circle of 24 hours, week gap w on
    that of 168, and distance d in km from the place of p to that of s:
    log(1 + a)/5 and log(1 + steps)/3; exp(-a/τ) for 3 h, 1 day, 1 week and 40 days;
    exp(-½(g/σ)²) for ¾ and 2 h; exp(-½(w/1.5)²); whether both are workdays or both weekend;
    whether the place (the last two, the category) before s is that of p; whether the place of s
    is; exp(-d/δ) for 300 m and 1.5 km. The kernels are those of `stim_lib.baselines`. Four more
    describe the place of s as p knows it: whether s is the latest visit to it; the log of the
    visits up to s, /3; log(1 + hours since the visit before s)/5; and, at the latest visit, by how
    many times the mean pause between visits is exceeded, log((a + ½)/(pause + ½))/4 within ±3. The
    last, log(1 + hours since p's own action)/4, is the same for all s: a hidden layer needs it.
    Source of the idea: Li, Wang and McAuley (2020), doi:10.1145/3336191.3371786. Introduced in
    chapter 08.

    Examples
    --------
    Home, work, home, and now work's turn: what came after home? The second action did.

    >>> import numpy as np
    >>> batch = {"item": np.array([[2, 3, 2]])}
    >>> pairs = relate(batch, relations=["after_same_place"], time_known=False)
    >>> np.asarray(pairs)[0, 2, :, 0].tolist()
    [0.0, 1.0, 0.0]
    """
    pairs = Pairs(batch, last, time_known, columns)
    unknown = [name for name in relations if name not in _DEFINITIONS]
    if unknown or not relations:
        raise ValueError(
            f"relations: expected some of {', '.join(RELATIONS)}; found "
            f"{', '.join(map(str, unknown)) or 'none'}"
        )
    n_asked = pairs.last if columns is None else columns.shape[1]
    shape = (ops.shape(pairs.item)[0], n_asked, pairs.length)
    some = [_DEFINITIONS[name](pairs) for name in relations]
    return ops.stack([ops.broadcast_to(relation, shape) for relation in some], axis=-1)


@keras.saving.register_keras_serializable(package="stim_lib")
class RelationBias(keras.layers.Layer):
    """What each head makes of the relations of a pair: a number to add to its score.

    ===========  ==================  ==========================================
    what         shape               meaning
    ===========  ==================  ==========================================
    relations    (B, Lq, Lk, F)      from `relate`
    kernel       (F, H)              what a relation is worth to a head; or,
                                     with `hidden`, (F, hidden) and (hidden, H)
    bias         (B, H, Lq, Lk)      for `attend` and `Attention`
    ===========  ==================  ==========================================

    Parameters
    ----------
    heads : int
        H.
    hidden : int
        Width of a GELU layer between, so that a head can want two things at once; 0: none.

    Notes
    -----
    Without `hidden`, exp(bias) is a product of powers: a head whose kernel is large in one place
    is a counter with that kernel. No constant is added, since softmax would not see it.
    Introduced in chapter 08.

    Examples
    --------
    >>> tuple(RelationBias(heads=2)(ops.ones((1, 3, 5, 21))).shape)
    (1, 2, 3, 5)
    """

    def __init__(self, heads: int, hidden: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.heads, self.hidden = heads, hidden
        self.inner = keras.layers.Dense(hidden, activation="gelu") if hidden else None
        self.outer = keras.layers.Dense(heads, use_bias=False)

    def build(self, relations_shape: tuple[int | None, ...]) -> None:
        """Make the kernels."""
        if self.inner is not None:
            self.inner.build(relations_shape)
            relations_shape = (*relations_shape[:-1], self.hidden)
        self.outer.build(relations_shape)
        self.built = True

    def call(self, relations: Any) -> Any:
        """Bias of shape (B, H, Lq, Lk)."""
        if self.inner is not None:
            relations = self.inner(relations)
        return ops.transpose(self.outer(relations), (0, 3, 1, 2))

    def get_config(self) -> dict[str, Any]:
        """Settings that make the same layer again."""
        return super().get_config() | {"heads": self.heads, "hidden": self.hidden}
