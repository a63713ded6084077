"""What a person does at this hour, counted and put into a prompt as one line.

A model that is told four lines can't count a year. The counter can, and its counts can be told.
Introduced in chapter 10.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.llm.candidates import clean_name
from stim_lib.queries import look_back
from stim_lib.temporal import circular_distance

HOURS_PER_DAY = 24.0


def add_habits(
    prompts: pd.Series,
    queries: pd.DataFrame,
    history: pd.DataFrame,
    *,
    kind: str = schema.ROOT_CATEGORY,
    kinds: Sequence[str] = (),
    width_hours: float = 1.5,
    most: int = 4,
) -> pd.Series:
    r"""Put a line before the last one of each prompt: kinds of place at this hour, with counts.

    Parameters
    ----------
    prompts : Series of str, shape (n_queries,)
        From `next_kind_prompt`, with the index of the queries.
    queries : DataFrame, shape (n_queries, n_columns)
        With local_time: the hour that is asked about is told.
    history : DataFrame, shape (n_actions, n_columns)
        Any log with local_time; only what lies strictly before a query is counted.
    kind : str
        Column with the words for a kind.
    kinds : sequence of str
        All kinds, in the order in which equal counts are told. Default: by the alphabet.
    width_hours : float
        Actions at most so far from the hour of the query are counted.
    most : int
        Kinds that are named, most frequent first.

    Returns
    -------
    Series of str, shape (n_queries,)

    Raises
    ------
    SchemaError
        If a column is missing.
    ValueError
        If prompts and queries differ in their index.

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.queries import make_queries
    >>> log = load_seed_example().assign(user_id="1")
    >>> queries, _ = make_queries(log)
    >>> prompts = pd.Series("Lines\nNow:", index=queries.index)
    >>> print(add_habits(prompts, queries, log, kind="category")[1])
    Lines
    Usual at this hour: City 1
    Now:
    """
    for name, table in (("queries", queries), ("history", history)):
        schema.require_columns(table, name, [schema.USER, schema.TIME, schema.LOCAL_TIME])
    schema.require_columns(history, "history", [kind])
    if not prompts.index.equals(queries.index):
        raise ValueError(
            f"prompts: expected the index of the {len(queries)} queries, found another of "
            f"{len(prompts)}"
        )
    past = look_back(queries, history)
    clock, now = _hours(history)[past.row], _hours(queries)[past.query]
    near = circular_distance(clock, now, period=HOURS_PER_DAY) <= width_hours
    names = pd.Index(kinds if len(kinds) else sorted(history[kind].dropna().unique()))
    code = names.get_indexer(history[kind])
    known = near & (code[past.row] >= 0)
    counts = np.zeros((len(queries), len(names)), dtype=int)
    np.add.at(counts, (past.query[known], code[past.row[known]]), 1)
    words = [clean_name(str(name)) for name in names]
    told = [
        _insert(prompt, _habit(row, words, most))
        for prompt, row in zip(prompts, counts, strict=True)
    ]
    return pd.Series(told, index=prompts.index, dtype=str)


def _hours(table: pd.DataFrame) -> np.ndarray:
    local = table[schema.LOCAL_TIME]
    return (local.dt.hour + local.dt.minute / 60).to_numpy(dtype=float)


def _habit(counts: np.ndarray, words: list[str], most: int) -> str:
    first = [i for i in np.argsort(-counts, kind="stable")[:most] if counts[i] > 0]
    return ", ".join(f"{words[i]} {counts[i]}" for i in first) or "nothing yet"


def _insert(prompt: str, habit: str) -> str:
    before, last = prompt.rsplit("\n", 1)
    return f"{before}\nUsual at this hour: {habit}\n{last}"
