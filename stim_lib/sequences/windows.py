"""Windows: a user's history cut at fixed places, every position asked once what comes next.

Why this way: one pass of a network over a window answers `stride` questions, training targets and
queries are cut alike, and what a query sees never depends on what else is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np
import pandas as pd

from stim_lib import queries as asking
from stim_lib import schema
from stim_lib.sequences import _actions
from stim_lib.sequences._actions import HOUR, HOURS_PER_WEEK, LAST_HOUR
from stim_lib.sequences.vocabulary import FIRST, UNKNOWN, Vocabulary

Window = dict[str, np.ndarray]
ROWS_AT_ONCE = 20_000
LENGTH, STRIDE = 256, 128
NOT_A_TIME = np.datetime64("NaT", "us")


class Sequencer:
    """Cuts logs into windows for a network.

    The actions of a user are numbered from 0, the first that the log has, and cut into *blocks* of
    `stride` positions. The window of block b has one column for each of the positions from
    (b + 1) · stride - length up to (b + 1) · stride, so the last `stride` columns are the block
    and the others are what came before it. Columns without an action are padding: on the left
    those before the first action, on the right what has not happened yet. Each position of a block
    asks "what comes next?" and may look, by a causal mask, at itself and the columns to its left.

    Parameters
    ----------
    length : int
        L, columns of a window.
    stride : int
        Positions of a block; each sees at least ``length - stride`` earlier ones, if there are so
        many. At most `length`.

    Attributes
    ----------
    items, categories, users : Vocabulary
        Set by `fit`, as are the next two.
    plane : spatial.Projection or None
        Where `east_km` and `north_km` are 0.
    origin : Timestamp
        The first instant of training.

    Raises
    ------
    ValueError
        If `stride` is not in 1, …, `length`.

    Notes
    -----
    Introduced in chapter 07.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> sequencer = Sequencer(length=3, stride=2).fit(log)
    >>> for window in sequencer.training_windows(log):
    ...     print(window["item"], window["target"], window["weight"])
    [0 2 4] [0 4 3] [0. 1. 1.]
    [4 3 2] [3 2 0] [0. 1. 0.]
    """

    def __init__(self, length: int = LENGTH, stride: int = STRIDE) -> None:
        if not 1 <= stride <= length:
            raise ValueError(
                f"stride: expected 1 to length = {length}, found {stride}; a longer stride would "
                "ask at positions that are not in the window"
            )
        self.length, self.stride = length, stride

    def __repr__(self) -> str:
        return f"Sequencer(length={self.length}, stride={self.stride})"

    def fit(self, train: pd.DataFrame) -> Self:
        """Learn names, the plane and the origin of time from the training part.

        Parameters
        ----------
        train : DataFrame, shape (n_actions, n_columns)
            Without `category` all categories are unknown.

        Raises
        ------
        SchemaError
            If a column or a value of user and time is missing.
        ValueError
            If the log is empty.
        """
        schema.require_columns(train, "train", _actions.COLUMNS)
        if not len(train):
            raise ValueError("train: expected actions to learn from, found none")
        self.items = Vocabulary.fit(train[schema.ITEM])
        self.users = Vocabulary.fit(train[schema.USER])
        self.categories = Vocabulary.fit(train.get(schema.CATEGORY, []))
        self.plane = _actions.choose_plane(train)
        self.origin = train[schema.TIME].min()
        return self

    def training_windows(self, log: pd.DataFrame, part: pd.Index | None = None) -> Iterator[Window]:
        """Cut a log into windows whose positions know what came next.

        Parameters
        ----------
        log : DataFrame, shape (n_actions, n_columns)
            In any order; a few users at a time are encoded, so memory does not grow with it.
        part : Index, optional
            Labels of the rows of `log` that may be targets; the others are context. Default: all.
            With it the labels of `log` have to be unique.

        Yields
        ------
        dict of ndarray, each of shape (L,)
            Of the action: `item`, `category`, `user` (int32 ids); `hours` (float32) since the
            first action of the window; `clock` (float32), hour of the local week from Monday
            00:00, in [0, 168); `east_km` and `north_km` (float32), `located` (float32, 1 where the
            place is known). Of the user's next action: `target` and `target_category` (int32),
            `target_hours` and `target_clock` (float32). `weight` (float32): 1 where the position
            is in the block and its next action may be asked for, else 0. All are 0 at padding.
            Windows without a weight are left out.

        Raises
        ------
        SchemaError
            If a column or a value of user and time is missing.
        ValueError
            If the log is empty, `fit` was not called, or `part` names rows that the log has not.

        Notes
        -----
        A next action may be asked for if the vocabulary knows it, its row is in `part`, and it is
        later than the position: of two actions at one instant neither is the other's past, as in
        `queries.look_back`.
        """
        self._require_fitted()
        schema.require_columns(log, "log", _actions.COLUMNS)
        if not len(log):
            raise ValueError("log: expected actions to cut into windows, found none")
        wanted = np.ones(len(log), bool) if part is None else _rows_of(part, log)
        for rows, user_starts in _few_users(log):
            some = self._encode(log.iloc[rows])
            for begin, end in zip(user_starts, [*user_starts[1:], len(rows)], strict=True):
                actions = {name: column[begin:end] for name, column in some.items()}
                asked = np.append(wanted[rows[begin:end]][1:], False)
                yield from self._windows_of_user(_with_next(actions), asked)

    def _windows_of_user(self, actions: Window, asked: np.ndarray) -> Iterator[Window]:
        time, then = actions["time"], actions["target_time"]
        # NaT, after the last action, is later than nothing.
        may_ask = asked & (then > time) & (actions["target"] >= FIRST)
        for block in np.unique(np.flatnonzero(may_ask) // self.stride):
            weight = np.zeros(len(time), dtype=np.float32)
            inside = slice(block * self.stride, (block + 1) * self.stride)
            weight[inside] = may_ask[inside]
            yield self._cut(actions | {"weight": weight}, block)

    def query_windows(
        self, queries: pd.DataFrame, history: pd.DataFrame
    ) -> tuple[Window, np.ndarray, np.ndarray]:
        """Cut what queries may look back on into windows, as few as possible.

        Parameters
        ----------
        queries : DataFrame, shape (n_queries, n_columns)
            user_id and timestamp; local_time where `target_clock` shall be the query's own.
        history : DataFrame, shape (n_actions, n_columns)
            Any log; only what came strictly before each query is used.

        Returns
        -------
        batch : dict of ndarray, each of shape (n_windows, L)
            As `training_windows`, with no `target` (PAD). `target_hours` and `target_clock` hold
            the query's own time at its position, and that of the next action before it. `weight`
            is 1 where a query is.
        window, position : ndarray of int64, shape (n_queries,)
            Row and column at which to read the answer; -1 for a user without a past.

        Raises
        ------
        SchemaError
            If a column is missing, or a user or a time.
        ValueError
            If `fit` was not called.

        Notes
        -----
        Queries of one block share a window if none of them could tell: what stands at the position
        of a query and to its left is the same whichever others are asked.
        """
        self._require_fitted()
        schema.require_columns(queries, "queries", (schema.USER, schema.TIME))
        schema.require_columns(history, "history", _actions.COLUMNS)
        window, position = np.full((2, len(queries)), -1, dtype=np.int64)
        cut: list[Window] = []
        for asked, actions in self._pasts(queries, history):
            time, clock = _times_of_queries(queries.iloc[asked], history, actions)
            last = np.searchsorted(actions["time"], time, side="left") - 1
            for members, p in _share(last, time, clock, actions, self.stride):
                block = p[0] // self.stride
                known = {name: column[: p[0] + 1] for name, column in actions.items()}
                known = _with_next(known, time[members[0]], clock[members[0]])
                known["target"] = known["target_category"] = np.zeros(p[0] + 1, np.int32)
                known["weight"] = np.isin(np.arange(p[0] + 1), p).astype(np.float32)
                window[asked[members]] = len(cut)
                position[asked[members]] = p - self._start(block)
                cut.append(self._cut(known, block))
        names = cut[0] if cut else self._cut(self._nothing(), 0)
        empty = np.zeros((0, self.length))
        batch = {
            name: np.stack([w[name] for w in cut]) if cut else empty.astype(names[name].dtype)
            for name in names
        }
        return batch, window, position

    def _pasts(
        self, queries: pd.DataFrame, history: pd.DataFrame
    ) -> Iterator[tuple[np.ndarray, Window]]:
        """Each user's queries (positions) and the actions before the latest of them."""
        user, names = pd.factorize(queries[schema.USER])
        order = np.lexsort((_actions.instants(queries), user)) if len(queries) else user
        latest = order[np.flatnonzero(np.diff(user[order], append=-1))]
        past = asking.look_back(queries.iloc[latest], history)
        ends = np.searchsorted(past.query, np.arange(len(names)), side="right")
        groups = np.split(order, np.flatnonzero(np.diff(user[order])) + 1)
        begin = 0
        for asked, end in zip(groups, ends, strict=len(names) > 0):
            if end > begin:
                yield asked, self._encode(history.iloc[past.row[begin:end]])
            begin = end

    def _encode(self, table: pd.DataFrame) -> Window:
        east, north, located = _actions.kilometres(table, self.plane)
        category = np.full(len(table), UNKNOWN, dtype=np.int32)
        if schema.CATEGORY in table:
            category = self.categories.encode(table[schema.CATEGORY])
        return {
            "item": self.items.encode(table[schema.ITEM]),
            "category": category,
            "user": self.users.encode(table[schema.USER]),
            "time": _actions.instants(table),
            "clock": _actions.clocks(table),
            "east_km": east.astype(np.float32),
            "north_km": north.astype(np.float32),
            "located": located.astype(np.float32),
        }

    def _start(self, block: int) -> int:
        """Position of the first column of the window of a block; negative: padding."""
        return (block + 1) * self.stride - self.length

    def _cut(self, actions: Window, block: int) -> Window:
        start, stop = self._start(block), (block + 1) * self.stride
        first, last = max(start, 0), min(stop, len(actions["time"]))
        some = {name: column[first:last] for name, column in actions.items()}
        # Subtract before casting: float32 has seven digits, and an epoch in hours needs ten.
        time, then = some.pop("time"), some.pop("target_time")
        since = time[0] if len(time) else NOT_A_TIME
        some["hours"] = ((time - since) / HOUR).astype(np.float32)
        some["target_hours"] = np.nan_to_num((then - since) / HOUR).astype(np.float32)
        for name in ("clock", "target_clock"):
            some[name] = np.minimum(some[name].astype(np.float32), LAST_HOUR)
        window = {}
        for name, column in some.items():
            window[name] = np.zeros(self.length, dtype=column.dtype)
            window[name][first - start : last - start] = column
        return window

    def _nothing(self) -> Window:
        actions = {name: np.zeros(0, np.int32) for name in ("item", "category", "user")}
        actions |= {n: np.zeros(0, np.float32) for n in ("clock", "east_km", "north_km", "located")}
        actions["time"] = np.zeros(0, "datetime64[us]")
        return _with_next(actions) | {"weight": np.zeros(0, np.float32)}

    def _require_fitted(self) -> None:
        if not hasattr(self, "items"):
            raise ValueError(f"{self!r}: call fit(train) before asking for windows")


def _rows_of(part: pd.Index, log: pd.DataFrame) -> np.ndarray:
    labels = pd.Index(part)
    foreign = labels[~labels.isin(log.index)]
    if len(foreign) or not log.index.is_unique:
        raise ValueError(
            f"part: expected labels of rows of the log, each label once, found {len(foreign)} of "
            f"{len(labels)} that it has not (the first: {foreign[:1].tolist()}) and "
            f"{log.index.duplicated().sum()} labels twice; pass the index of a part, not the part"
        )
    return log.index.isin(labels)


def _few_users(log: pd.DataFrame) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of some users, in order of user and time, and where among them each user begins."""
    user, _ = pd.factorize(log[schema.USER])
    order = np.lexsort((_actions.instants(log), user))
    starts = np.flatnonzero(np.diff(user[order], prepend=-1))
    batch = starts // ROWS_AT_ONCE
    for number in np.unique(batch):
        mine = starts[batch == number]
        after = starts[batch > number]
        yield order[mine[0] : after[0] if len(after) else len(order)], mine - mine[0]


def _with_next(actions: Window, time: np.datetime64 = NOT_A_TIME, clock: float = 0.0) -> Window:
    """Put beside each action what is known of the next; after the last, what is given."""
    nothing = {"item": 0, "category": 0, "clock": clock, "time": time}
    targets = {"item": "target"}
    following = {
        targets.get(name, f"target_{name}"): np.append(actions[name][1:], end).astype(
            actions[name].dtype
        )
        if len(actions[name])
        else actions[name]
        for name, end in nothing.items()
    }
    return actions | following


def _times_of_queries(
    queries: pd.DataFrame, history: pd.DataFrame, actions: Window
) -> tuple[np.ndarray, np.ndarray]:
    """Instants and clocks of one user's queries, shape (n_some,) each."""
    time = _actions.instants(queries)
    last = np.maximum(np.searchsorted(actions["time"], time, side="left") - 1, 0)
    # The clock of the last action, moved by the time that has passed since.
    passed = (time - actions["time"][last]) / HOUR
    clock = (actions["clock"][last] + passed) % HOURS_PER_WEEK
    if schema.LOCAL_TIME in queries and schema.LOCAL_TIME in history:
        own = _actions.clocks(queries)
        clock = np.where(queries[schema.LOCAL_TIME].notna(), own, clock)
    return time, clock


def _share(
    last: np.ndarray, time: np.ndarray, clock: np.ndarray, actions: Window, stride: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Groups of one user's queries that fit one window: members, and their positions.

    The first member has the latest position, and its time is what stands there. Another fits if
    its own time is that of the next action, which stands in the window anyway.
    """
    following = np.minimum(last + 1, len(actions["time"]) - 1)
    on_track = (last + 1 < len(actions["time"])) & (actions["time"][following] == time)
    on_track &= actions["clock"][following] == clock
    heads: dict[int, list[list[int]]] = {}
    for query in np.lexsort((clock, time, -last)):
        if last[query] < 0:
            continue
        groups = heads.setdefault(int(last[query]) // stride, [])
        # The first reaches farthest; equal queries follow one another, so the last is theirs.
        for group in (*groups[:1], *groups[-1:]):
            head = group[0]
            same = (last[head], time[head], clock[head]) == (last[query], time[query], clock[query])
            if same or (on_track[query] and last[head] > last[query]):
                group.append(int(query))
                break
        else:
            groups.append([int(query)])
    for groups in heads.values():
        for group in groups:
            yield np.array(group), last[group]
