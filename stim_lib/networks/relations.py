"""What is known about a pair of actions besides who they are: how far apart in time and place.

Attention that looks from an asked position at an earlier one can weigh it by these numbers, as
the counters of chapter 13 do. Introduced in chapter 08.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stim_lib.networks import _backend  # noqa: F401  (before Keras)

import keras  # isort: skip
from keras import ops

from stim_lib.sequences import FIRST, PAD

HOURS_PER_DAY, HOURS_PER_WEEK = 24.0, 168.0
SATURDAY = 5 * HOURS_PER_DAY

DECAY_HOURS = (3.0, 24.0, 168.0, 960.0)
CLOCK_WIDTHS_HOURS = (0.75, 2.0)
WEEK_WIDTH_HOURS = 1.5
DISTANCES_KM = (0.3, 1.5)

RELATIONS = (
    "log_age", "log_steps",
    "age_3_h", "age_1_day", "age_1_week", "age_40_days",
    "clock_45_min", "clock_2_h", "hour_of_week", "same_kind_of_day",
    "after_same_place", "after_same_two_places", "after_same_category", "same_place",
    "near_300_m", "near_1500_m",
)  # fmt: skip


def relate(batch: Mapping[str, Any], *, last: int | None = None, time_known: bool = True) -> Any:
    """Describe each pair of an asked position and a position that it may look at.

    Parameters
    ----------
    batch : mapping of str to tensor or array, shape (B, L)
        Windows of actions: `item`, `category` (ids, 0 padding, 1 unknown), `hours`, `clock` (hour
        of the week, [0, 168), Monday 0), `east_km`, `north_km`; `target_hours` and `target_clock`
        if the time is known; `located` (0 or 1) if some places are not on the map.
    last : int, optional
        Ask only at the last so many positions. Default: at all.
    time_known : bool
        If True, age and clock count from the time of the visit that is asked for; otherwise from
        the asked position's own, the last action that is known.

    Returns
    -------
    tensor of float32, shape (B, Lq, L, F)
        Named by `RELATIONS`. [b, p, s] relates the asked position p to the position s. Numbers
        ahead of p and at padding mean nothing: mask them.

    Raises
    ------
    ValueError
        If an array is missing, or `last` is not in 1 … L.

    Notes
    -----
    With age a = max(0, now - then) in hours, clock gap g on the circle of 24 hours, week gap w on
    that of 168, and distance d in km from the place of p to that of s:
    log(1 + a)/5 and log(1 + steps)/3; exp(-a/τ) for 3 h, 1 day, 1 week and 40 days;
    exp(-½(g/σ)²) for ¾ and 2 h; exp(-½(w/1.5)²); whether both are workdays or both weekend;
    whether the place (the last two, the category) before s is that of p; whether the place of s
    is; exp(-d/δ) for 300 m and 1.5 km. The kernels are those of `stim_lib.baselines`. Source of
    the idea: Li, Wang and McAuley (2020), doi:10.1145/3336191.3371786. Introduced in chapter 08.

    Examples
    --------
    Home, work, home, and now work's turn: what came after home? The second action did.

    >>> import numpy as np
    >>> batch = {name: np.zeros((1, 3), "float32") for name in
    ...          ("hours", "clock", "east_km", "north_km")}
    >>> batch |= {"item": np.array([[2, 3, 2]]), "category": np.array([[2, 3, 2]])}
    >>> pairs = np.asarray(relate(batch, time_known=False))
    >>> pairs[0, 2, :, RELATIONS.index("after_same_place")].tolist()
    [0.0, 1.0, 0.0]
    """
    batch = _checked(batch, time_known)
    length = batch["item"].shape[1]
    last = length if last is None else last
    if not 1 <= last <= length:
        raise ValueError(f"last: expected 1 … {length}, the length of the windows, found {last}")
    prefix = "target_" if time_known else ""
    pairs = [
        *_ages(batch[prefix + "hours"][:, -last:, None], batch["hours"][:, None, :]),
        *_clocks(batch[prefix + "clock"][:, -last:, None], batch["clock"][:, None, :]),
        *_matches(batch, last),
        *_distances(batch, last),
    ]
    return ops.stack(pairs, axis=-1)


def _checked(batch: Mapping[str, Any], time_known: bool) -> dict[str, Any]:
    names = ["item", "category", "hours", "clock", "east_km", "north_km"]
    names += ["target_hours", "target_clock"] if time_known else []
    missing = [name for name in names if name not in batch]
    if missing:
        raise ValueError(
            f"batch: expected arrays {', '.join(names)}, found none for {', '.join(missing)}"
        )
    names += ["located"] if "located" in batch else []
    kinds = {"item": "int32", "category": "int32"}
    arrays = {name: ops.cast(batch[name], kinds.get(name, "float32")) for name in names}
    # The first action follows nothing, whatever category lies under the padding before it.
    arrays["category"] = ops.where(arrays["item"] == PAD, PAD, arrays["category"])
    return arrays


def _flag(condition: Any) -> Any:
    return ops.cast(condition, "float32")


def _bell(gap: Any, width: float) -> Any:
    return ops.exp(-0.5 * ops.square(gap / width))


def _short_way_round(gap: Any, period: float) -> Any:
    turn = ops.mod(gap, period)
    return ops.minimum(turn, period - turn)


def _before(ids: Any, steps: int = 1) -> Any:
    """Id of the action so many positions earlier; padding where the window begins."""
    return ops.pad(ids[:, :-steps], [[0, 0], [steps, 0]]) if steps < ids.shape[1] else ids * 0


def _ages(now: Any, then: Any) -> list[Any]:
    age = ops.maximum(now - then, 0.0)
    position = ops.arange(then.shape[-1], dtype="float32")
    steps = ops.maximum(position[-now.shape[1] :, None] - position[None, :], 0.0)
    far = [ops.log1p(age) / 5, ops.broadcast_to(ops.log1p(steps) / 3, ops.shape(age))]
    return far + [ops.exp(-age / hours) for hours in DECAY_HOURS]


def _clocks(now: Any, then: Any) -> list[Any]:
    day = _short_way_round(now - then, HOURS_PER_DAY)
    week = _short_way_round(now - then, HOURS_PER_WEEK)
    same_kind = _flag(ops.equal(now >= SATURDAY, then >= SATURDAY))
    near = [_bell(day, width) for width in CLOCK_WIDTHS_HOURS]
    return [*near, _bell(week, WEEK_WIDTH_HOURS), same_kind]


def _same(here: Any, there: Any, last: int) -> Any:
    """Whether the asked position's id (rows) is the other's (columns); two unknowns may differ."""
    here = here[:, -last:, None]
    return _flag(ops.logical_and(ops.equal(here, there[:, None, :]), here >= FIRST))


def _matches(batch: dict[str, Any], last: int) -> list[Any]:
    item, category = batch["item"], batch["category"]
    after = _same(item, _before(item), last)
    after_two = after * _same(_before(item), _before(item, 2), last)
    return [
        after, after_two, _same(category, _before(category), last), _same(item, item, last),
    ]  # fmt: skip


def _distances(batch: dict[str, Any], last: int) -> list[Any]:
    east, north = batch["east_km"], batch["north_km"]
    square = ops.square(east[:, -last:, None] - east[:, None, :]) + ops.square(
        north[:, -last:, None] - north[:, None, :]
    )
    # A metre or so more, since the root has no slope at 0.
    distance = ops.sqrt(square + 1e-6)
    seen = batch.get("located")
    both = 1.0 if seen is None else seen[:, -last:, None] * seen[:, None, :]
    return [ops.exp(-distance / scale) * both for scale in DISTANCES_KM]


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
    >>> tuple(RelationBias(heads=2)(ops.ones((1, 3, 5, 16))).shape)
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
