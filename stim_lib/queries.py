"""Queries: moments at which a user is asked about, and what may be known then.

A query is a user and a time; its answer, the place, is kept apart from it. `look_back` is the one
door through which a model sees the past: strictly before the query, whatever the log holds.
Introduced in chapter 13.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from stim_lib import schema

QUERY = "query_id"
QUERIES_AT_ONCE = 256
HISTORIES = ("frozen", "rolling")
TIMES = ("unknown", "known")


@dataclass(frozen=True)
class Knowledge:
    """What a model may know when it is asked; stated with every result.

    Parameters
    ----------
    history : "frozen" or "rolling"
        frozen: the training part and the current trajectory. rolling: everything that the user
        did before the query.
    time : "unknown" or "known"
        Whether the model may use the time of the visit to be predicted.

    Examples
    --------
    >>> print(Knowledge("rolling", "known"))
    rolling history, time known
    """

    history: Literal["frozen", "rolling"] = "rolling"
    time: Literal["unknown", "known"] = "unknown"

    def __post_init__(self) -> None:
        if self.history not in HISTORIES or self.time not in TIMES:
            raise ValueError(
                f"expected history in {HISTORIES} and time in {TIMES}, found {self.history!r} "
                f"and {self.time!r}"
            )

    def __str__(self) -> str:
        return f"{self.history} history, time {self.time}"


def make_queries(part: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Turn each action of a part into a question and its answer.

    Parameters
    ----------
    part : DataFrame, shape (n_actions, n_columns)
        Usually the test part of a split.

    Returns
    -------
    queries : DataFrame, shape (n_actions, 2 to 4)
        user_id and timestamp; local_time and trajectory_id where the log has them. Index query_id:
        that of `part`. Nothing that tells the place: no coordinates, category or weather.
    truth : Series of str, shape (n_actions,)
        item_id, with the same index.

    Raises
    ------
    ValueError
        If the part is empty or its index is not unique.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> queries, truth = make_queries(load_seed_example())
    >>> list(queries), truth[0]
    (['user_id', 'timestamp', 'local_time'], 'Beijing')
    """
    if not len(part) or not part.index.is_unique:
        raise ValueError(
            f"part: expected actions with a unique index, found {len(part)} rows"
            + (" with repeated labels" if len(part) else "")
        )
    may_know = (schema.USER, schema.TIME, schema.LOCAL_TIME, schema.TRAJECTORY)
    queries = part[[name for name in may_know if name in part]].rename_axis(QUERY)
    return queries, part[schema.ITEM].rename_axis(QUERY)


@dataclass(frozen=True)
class Past:
    """Pairs of a query and an earlier action of its user, in order of query and time.

    Attributes
    ----------
    query : ndarray of int, shape (n_pairs,)
        Position of the query, from 0.
    row : ndarray of int, shape (n_pairs,)
        Position of the action in the history.
    last : ndarray of int, shape (n_queries,)
        Position of the user's last action before the query; -1 where there is none.
    """

    query: np.ndarray
    row: np.ndarray
    last: np.ndarray


def look_back(queries: pd.DataFrame, history: pd.DataFrame) -> Past:
    """Find, for each query, the actions of its user strictly before it.

    Parameters
    ----------
    queries : DataFrame, shape (n_queries, n_columns)
        With user_id and timestamp.
    history : DataFrame, shape (n_actions, n_columns)
        Any log, in any order; it may run past the queries.

    Returns
    -------
    Past
        Of equal instants, the row that stands later counts as later.

    Raises
    ------
    SchemaError
        If a column is missing, a timestamp is missing, or times are not UTC.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> queries, _ = make_queries(log)
    >>> past = look_back(queries.iloc[[0, 2]], log)
    >>> past.query.tolist(), past.row.tolist(), past.last.tolist()
    ([1, 1], [0, 1], [-1, 1])
    """
    for name, table in (("queries", queries), ("history", history)):
        schema.require_columns(table, name, (schema.USER, schema.TIME))
    user_of_row, users = pd.factorize(history[schema.USER])
    instants, instant_of_row = np.unique(_instants(history), return_inverse=True)
    # One number that sorts by user, then time; the instant is a rank, so it can't overflow.
    step = len(instants) + 1
    key = user_of_row.astype(np.int64) * step + instant_of_row
    order = np.argsort(key, kind="stable")
    user = pd.Index(users).get_indexer(queries[schema.USER])
    instant = np.searchsorted(instants, _instants(queries), side="left")
    start = np.searchsorted(key[order], user.astype(np.int64) * step, side="left")
    stop = np.searchsorted(key[order], user.astype(np.int64) * step + instant, side="left")
    length = np.where(user >= 0, stop - start, 0)
    query = np.repeat(np.arange(len(queries)), length)
    within = np.arange(length.sum()) - np.repeat(length.cumsum() - length, length)
    last = np.full(len(queries), -1)
    last[length > 0] = order[stop[length > 0] - 1]
    return Past(query, order[np.repeat(start, length) + within], last)


def _instants(table: pd.DataFrame) -> np.ndarray:
    # pandas turns zoned times into objects; plain microseconds of UTC sort a hundred times faster.
    return table[schema.TIME].dt.tz_convert(None).to_numpy(dtype="datetime64[us]")


def histories(
    queries: pd.DataFrame,
    log: pd.DataFrame,
    *,
    knowledge: Knowledge,
    train: pd.DataFrame | None = None,
    by: str = schema.TRAJECTORY,
) -> Iterator[tuple[np.ndarray, pd.DataFrame]]:
    """Give each query the log that it may look back on, as few logs as possible.

    Parameters
    ----------
    queries : DataFrame, shape (n_queries, n_columns)
        With user_id, timestamp and, for a frozen history, `by`.
    log : DataFrame, shape (n_actions, n_columns)
        Everything; what comes after a query is cut by `look_back`.
    knowledge : Knowledge
    train : DataFrame, optional
        The training part, rows of `log`: known in either case. Needed for frozen.
    by : str
        Column that tells which actions form the current trajectory, e.g. session_id.

    Yields
    ------
    positions : ndarray of int
        Positions of the queries that share a log; each query appears once.
    history : DataFrame
        For "frozen" the n-th log holds the training part and every user's n-th trajectory among
        the queries, since no user can have two current ones.

    Raises
    ------
    ValueError
        For "frozen", if there is no training part, it is not made of rows of the log, or a value of
        `by` is missing.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example()
    >>> queries, _ = make_queries(log)
    >>> [len(history) for _, history in histories(queries, log, knowledge=Knowledge())]
    [4]
    """
    if knowledge.history == "rolling":
        yield np.arange(len(queries)), log
        return
    if train is None or by not in queries or by not in log:
        raise ValueError(
            f"a frozen history needs train and a column {by!r} in queries and log; found "
            f"{'no train' if train is None else 'train'} and queries with {', '.join(queries)} "
            "(see cleaning.add_sessions)"
        )
    if queries[by].isna().any() or log[by].isna().any():
        missing = int(queries[by].isna().sum()), int(log[by].isna().sum())
        raise ValueError(
            f"{by}: expected a value in every row, found {missing[0]} queries and {missing[1]} "
            "actions without: their trajectory would be everything"
        )
    known = log.index.isin(train.index)
    if not log.index.is_unique or known.sum() != len(train):
        raise ValueError(
            f"train: expected rows of the log, by a unique index; found {known.sum()} of "
            f"{len(train)} in it"
        )
    pairs = queries[[schema.USER, by]].drop_duplicates()
    turn = pairs.groupby(schema.USER).cumcount()
    of_query = pd.MultiIndex.from_frame(queries[[schema.USER, by]])
    of_row = pd.MultiIndex.from_frame(log[[schema.USER, by]])
    for number in range(turn.max() + 1):
        current = pd.MultiIndex.from_frame(pairs[turn == number])
        yield np.flatnonzero(of_query.isin(current)), log[known | of_row.isin(current)]


def batches(
    queries: pd.DataFrame,
    log: pd.DataFrame,
    *,
    knowledge: Knowledge,
    train: pd.DataFrame | None = None,
    by: str = schema.TRAJECTORY,
    size: int = QUERIES_AT_ONCE,
) -> Iterator[tuple[np.ndarray, pd.DataFrame, pd.DataFrame]]:
    """Hand out queries a few at a time, each batch with what its users may look back on.

    Parameters
    ----------
    queries, log, knowledge, train, by
        As for `histories`.
    size : int
        Queries of a batch, at most.

    Yields
    ------
    positions : ndarray of int
        Positions of the batch in `queries`; each query appears once.
    asked : DataFrame
        The queries without `by`: that a new trajectory has begun would tell something of the time.
    history : DataFrame
        Rows of the askers alone, up to each one's last question of the batch.

    Raises
    ------
    ValueError
        As `histories`.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> queries, _ = make_queries(log)
    >>> [len(history) for *_, history in batches(queries, log, knowledge=Knowledge(), size=2)]
    [1, 3]
    """
    for positions, visible in histories(queries, log, knowledge=knowledge, train=train, by=by):
        for first in range(0, len(positions), size):
            batch = positions[first : first + size]
            asked = queries.iloc[batch].drop(columns=by, errors="ignore")
            last = asked.groupby(schema.USER)[schema.TIME].max()
            yield batch, asked, visible[visible[schema.TIME] < visible[schema.USER].map(last)]
