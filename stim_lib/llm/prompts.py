"""A behaviour log in words: what a language model is told, in English or Chinese.

One short line for each action, since every token costs time; a last line that ends where the answer
goes on. The past comes through `queries.look_back` alone. Introduced in chapter 10.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.llm.wording import (
    COLON,
    HEADERS,
    LISTED,
    NEXT,
    Language,
    Style,
    gap_words,
    kind_words,
    letter_name,
    stamp_words,
)
from stim_lib.queries import look_back


def candidate_texts(kinds: Sequence[str], *, language: Language = "en") -> list[str]:
    """Continuations of `next_kind_prompt`, one for each kind of place.

    Parameters
    ----------
    kinds : sequence of str
        As in the log; the ten roots are translated.
    language : "en" or "zh"

    Returns
    -------
    list of str
        With a leading space in English: the prompt ends without one, and " Food" is one token
        where "Food" after a space is two that were hardly ever seen. Chinese has no spaces.

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> candidate_texts(["Food", "Shop & Service"])
    [' Food', ' Shop & Service']
    >>> candidate_texts(["Food"], language="zh")
    ['餐饮']
    """
    space = " " if language == "en" else ""
    return [space + kind_words(kind, language) for kind in kinds]


def describe_actions(log: pd.DataFrame, style: Style | None = None) -> pd.Series:
    r"""One line for each action.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        A behaviour log in any order; local_time is used where it is there, else UTC.
    style : Style, optional

    Returns
    -------
    Series of str, shape (n_actions,)
        Index of the log. A line depends on its own row and, for gaps and letters, on what its user
        did before.

    Raises
    ------
    SchemaError
        If a column is missing, a timestamp is missing, or times are not UTC.

    Notes
    -----
    Kinds pass `candidates.clean_name`: in a log of others they are as untrusted as names.
    Introduced in chapter 10.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> print(*describe_actions(log[:2], Style(gaps=True, places=True)), sep="\n")
    Sunday 10 am: City A
    Monday 11 am, 25 h later: City B
    """
    style = style or Style()
    _require(log, "log", style)
    order = np.lexsort((np.arange(len(log)), _instants(log), pd.factorize(log[schema.USER])[0]))
    lines = np.empty(len(log), dtype=object)
    user = pd.factorize(log[schema.USER])[0][order]
    lines[order] = _lines(log, order, user, style)
    return pd.Series(lines, index=log.index, dtype=str)


def describe_query(
    queries: pd.DataFrame,
    history: pd.DataFrame,
    style: Style | None = None,
    *,
    time_known: bool = False,
) -> pd.Series:
    """The line that asks, to be continued by a kind of place.

    Parameters
    ----------
    queries : DataFrame, shape (n_queries, n_columns)
        From `queries.make_queries`.
    history : DataFrame, shape (n_actions, n_columns)
        Any log; only what lies before a query is used.
    style : Style, optional
    time_known : bool
        Whether the moment that is asked about may be told.

    Returns
    -------
    Series of str, shape (n_queries,)
        "Next:", or "Tuesday 2 pm:"; ends without a space.

    Raises
    ------
    SchemaError
        As `describe_actions`.

    Notes
    -----
    Where queries have no local_time, their clock is that of the user's last action, moved by the
    time that has passed since. Introduced in chapter 10.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.queries import make_queries
    >>> log = load_seed_example()
    >>> queries, _ = make_queries(log)
    >>> describe_query(queries, log)[0], describe_query(queries, log, time_known=True)[0]
    ('Next:', 'Sunday 10 am:')
    """
    style = style or Style()
    _require(history, "history", style)
    last = look_back(queries, history).last
    return pd.Series(
        _asking(queries, history, last, style, time_known), index=queries.index, dtype=str
    )


def next_kind_prompt(
    queries: pd.DataFrame,
    history: pd.DataFrame,
    style: Style | None = None,
    *,
    n_actions: int = 6,
    time_known: bool = False,
    kinds: Sequence[str] = (),
    header: str | None = None,
    examples: Sequence[tuple[str, str]] = (),
) -> pd.Series:
    """Ask what kind of place comes next.

    Parameters
    ----------
    queries : DataFrame, shape (n_queries, n_columns)
        From `queries.make_queries`.
    history : DataFrame, shape (n_actions, n_columns)
        Any log, in any order; it may run past the queries.
    style : Style, optional
        Default: English, root_category.
    n_actions : int
        The latest actions that are told; a user may have fewer, or none.
    time_known : bool
        Whether the moment that is asked about may be told.
    kinds : sequence of str
        Kinds to choose from, listed in the first line; none if empty.
    header : str, optional
        First line, instead of the default.
    examples : sequence of (prompt, continuation)
        Solved examples to stand before the question: prompts of this function, and the texts that
        went on. Take them from the training part.

    Returns
    -------
    Series of str, shape (n_queries,)
        Index of the queries. Each ends exactly where a text of `candidate_texts` goes on:
        ``prompt + candidate``, with nothing between.

    Raises
    ------
    ValueError
        If `n_actions` is negative.
    SchemaError
        As `describe_actions`.

    Notes
    -----
    What is common to all prompts stands first, so that a model reads it once. A line costs nine
    tokens of SmolLM2 with an hour and seven with a part of the day; a whole weekday is one token
    where its abbreviation is two. Introduced in chapter 10.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.queries import make_queries
    >>> log = load_seed_example().assign(user_id="1")
    >>> queries, _ = make_queries(log)
    >>> print(next_kind_prompt(queries, log, Style(), n_actions=2)[2])
    Kinds of places one person went to:
    Sunday 10 am: City
    Monday 11 am: City
    Next:
    """
    style = style or Style(kind=schema.ROOT_CATEGORY)
    if n_actions < 0:
        raise ValueError(f"n_actions: expected 0 or more, found {n_actions}")
    _require(history, "history", style)
    past = look_back(queries, history)
    length = np.bincount(past.query, minlength=len(queries))
    from_end = length.cumsum()[past.query] - np.arange(len(past.query))
    told = from_end <= n_actions
    query = past.query[told]
    lines = _lines(history, past.row[told], query, style)
    asking = _asking(queries, history, past.last, style, time_known)
    top = [*(prompt + answer + "\n" for prompt, answer in examples)]
    top.append(HEADERS[style.language] if header is None else header)
    if len(kinds):
        start, comma = LISTED[style.language]
        top.append(start + comma.join(kind_words(kind, style.language) for kind in kinds))
    shared = "\n".join(top)
    stop = np.bincount(query, minlength=len(queries)).cumsum()
    pieces = np.split(lines, stop[:-1]) if len(queries) else []
    texts = ["\n".join([shared, *piece, line]) for piece, line in zip(pieces, asking, strict=True)]
    return pd.Series(texts, index=queries.index, dtype=str)


def _require(log: pd.DataFrame, name: str, style: Style) -> None:
    wanted = (schema.USER, schema.TIME, style.kind, *([schema.ITEM] if style.places else []))
    schema.require_columns(log, name, wanted)


def _instants(table: pd.DataFrame) -> np.ndarray:
    return table[schema.TIME].dt.tz_convert(None).to_numpy(dtype="datetime64[us]")


def _clocks(table: pd.DataFrame) -> np.ndarray:
    """Wall clocks, or UTC where the table has none."""
    if schema.LOCAL_TIME in table:
        local = table[schema.LOCAL_TIME].to_numpy(dtype="datetime64[us]")
        return np.where(np.isnat(local), _instants(table), local)
    return _instants(table)


def _lines(log: pd.DataFrame, row: np.ndarray, group: np.ndarray, style: Style) -> np.ndarray:
    """Lines of some rows, which stand in order of group and time."""
    stamps = stamp_words(_clocks(log)[row], style)
    if style.gaps:
        instants = _instants(log)[row]
        passed = np.diff(instants, prepend=instants[:1]) / np.timedelta64(1, "m")
        first = np.diff(group, prepend=-1) != 0
        stamps = stamps + np.where(first, "", gap_words(passed, style.language))
    code, kinds = pd.factorize(log[style.kind], use_na_sentinel=False)
    words = np.array([kind_words(kind, style.language) for kind in kinds], dtype=object)
    lines = stamps + COLON[style.language] + words[code[row]]
    return lines + _letters(log, row, group, style) if style.places else lines


def _letters(log: pd.DataFrame, row: np.ndarray, group: np.ndarray, style: Style) -> np.ndarray:
    """A letter for each place, in the order in which a group comes to them."""
    item = pd.factorize(log[schema.ITEM])[0][row]
    pair = pd.factorize(group.astype(np.int64) * (len(log) + 1) + item)[0]
    _, first, inverse = np.unique(pair, return_index=True, return_inverse=True)
    # Pairs are numbered by appearance, so those of a group are consecutive.
    groups = group[first]
    number = np.arange(len(first)) - np.searchsorted(groups, groups, side="left")
    space = " " if style.language == "en" else ""
    names = [space + letter_name(n) for n in number]
    return np.array(names, dtype=object)[inverse] if len(row) else np.empty(0, dtype=object)


def _asking(
    queries: pd.DataFrame, history: pd.DataFrame, last: np.ndarray, style: Style, time_known: bool
) -> np.ndarray:
    """Last lines of the prompts."""
    stamps = np.full(len(queries), NEXT[style.language], dtype=object)
    if time_known and len(queries):
        instants, known = _instants(queries), last >= 0
        clocks, passed = _clocks(queries), np.full(len(queries), np.nan)
        if known.any():
            instant_of_last = _instants(history)[last]
            passed = (instants - instant_of_last) / np.timedelta64(1, "m")
            if schema.LOCAL_TIME not in queries:
                offset = _clocks(history)[last] - instant_of_last
                clocks = np.where(known, clocks + offset, clocks)
        stamps = stamp_words(clocks, style)
        if style.gaps:
            stamps = stamps + np.where(known, gap_words(passed, style.language), "")
    return stamps + COLON[style.language].rstrip()
