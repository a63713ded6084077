"""Cut a log into what a model may learn from and what it is judged on.

The default everywhere is one cut in time for all users. The other splits exist because papers use
them; each warns of what it lets through. Introduced in chapter 13.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from stim_lib import schema

FRACTIONS = (0.8, 0.1, 0.1)
PART_NAMES = {2: ("train", "test"), 3: ("train", "validation", "test")}


class LeakWarning(UserWarning):
    """A split that lets a model learn from what came after the moment it is judged on."""


def split_by_time(
    log: pd.DataFrame,
    cutoffs: str | pd.Timestamp | Sequence[str | pd.Timestamp] | None = None,
    *,
    fractions: Sequence[float] = FRACTIONS,
) -> tuple[pd.DataFrame, ...]:
    """Cut a log at the same moments for all users.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        A behaviour log.
    cutoffs : time, or increasing sequence of times, optional
        Each begins a new part: an action at the cut-off itself belongs to the later part. With a
        time zone: instants. Without: times on the local clock of the log.
    fractions : sequence of float
        Where no cut-offs are given: shares of the **time span** from first to last action, not of
        the rows; positive, with sum 1. The span is that of the local clock where the log has one.

    Returns
    -------
    tuple of DataFrame
        One log per part, in order of time, with the index of `log`: (train, test) for one
        cut-off, (train, validation, test) for the default fractions.

    Raises
    ------
    ValueError
        If a part would be empty, cut-offs do not increase, fractions do not sum to 1, or a cut on
        the local clock would put a later instant before an earlier one.
    SchemaError
        If `user_id`, `item_id` or `timestamp` is missing, or some time is.

    Notes
    -----
    Where a log crosses time zones, a cut on the local clock would let the west's mornings into
    the east's evenings; fractions then fall back on instants (UTC). Introduced in chapter 13.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> train, test = split_by_time(load_seed_example(), "2023-01-03 00:00Z")
    >>> len(train), len(test)
    (2, 2)
    """
    _require_columns(log)
    if cutoffs is None:
        return _split_by_fractions(log, fractions)
    single = isinstance(cutoffs, str) or not isinstance(cutoffs, Sequence | np.ndarray | pd.Index)
    moments = [pd.Timestamp(moment) for moment in ([cutoffs] if single else cutoffs)]
    if any(pd.isna(moment) for moment in moments) or not moments:
        raise ValueError(f"cutoffs: expected one time or more, found {cutoffs!r}")
    zoned = {moment.tz is not None for moment in moments}
    if len(zoned) > 1 or any(not a < b for a, b in pairwise(moments)):
        raise ValueError(
            "cutoffs: expected increasing times, all with a time zone or all without, found "
            f"{', '.join(map(str, moments))}"
        )
    column = schema.TIME if zoned.pop() else schema.LOCAL_TIME
    if column not in log:
        raise ValueError(
            f"cutoffs: {moments[0]} has no time zone and the log no {schema.LOCAL_TIME}; write "
            f"the instant, e.g. {moments[0]}Z"
        )
    parts = _cut(log, column, moments)
    if column == schema.LOCAL_TIME and not _in_order(parts):
        raise ValueError(
            "cutoffs: this log crosses time zones (or a clock was turned back at a cut-off); "
            "give instants, with a time zone"
        )
    return parts


def _split_by_fractions(log: pd.DataFrame, fractions: Sequence[float]) -> tuple[pd.DataFrame, ...]:
    shares = np.asarray(fractions, dtype=float)
    if len(shares) < 2 or not (shares > 0).all() or abs(shares.sum() - 1) > 1e-9:
        raise ValueError(
            f"fractions: expected two or more positive shares with sum 1, found {fractions}"
        )
    columns = [name for name in (schema.LOCAL_TIME, schema.TIME) if name in log]
    for column in columns:
        times = log[column]
        if not len(times):
            continue
        span = times.max() - times.min()
        moments = [times.min() + span * share for share in shares.cumsum()[:-1]]
        parts = _cut(log, column, moments)
        if column == schema.TIME or _in_order(parts):
            return parts
    raise ValueError("log: expected actions to split, found none")


def _cut(log: pd.DataFrame, column: str, moments: Sequence[pd.Timestamp]) -> tuple:
    part_of_row = np.zeros(len(log), dtype=int)
    for moment in moments:
        part_of_row += (log[column] >= moment).to_numpy()
    parts = tuple(log[part_of_row == number] for number in range(len(moments) + 1))
    empty = [number for number, part in enumerate(parts) if not len(part)]
    if empty:
        names = PART_NAMES.get(len(parts), [f"part {n}" for n in range(len(parts))])
        raise ValueError(
            f"cutoffs: expected actions in every part, found none in {names[empty[0]]} (the log "
            f"runs from {log[column].min()} to {log[column].max()}, the cut-offs are "
            f"{', '.join(map(str, moments))})"
        )
    return parts


def _in_order(parts: Sequence[pd.DataFrame]) -> bool:
    return all(a[schema.TIME].max() < b[schema.TIME].min() for a, b in pairwise(parts))


def split_leave_last_out(
    log: pd.DataFrame, *, n_last: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put each user's last actions into the test part; warns that futures leak.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
    n_last : int
        Actions per user in the test part; users with no more than these stay out of it.

    Returns
    -------
    train, test : DataFrame
        With the index of `log`.

    Raises
    ------
    ValueError
        If `n_last` is not positive, or no user has more actions than that.
    SchemaError
        If `user_id`, `item_id` or `timestamp` is missing, or some time is.

    Warns
    -----
    LeakWarning
        Each user is cut at another moment, so what others did later is learned from.

    Notes
    -----
    Source of the objection: Ji et al. (2023), A critical study on data leakage in recommender
    system offline evaluation, doi:10.1145/3569930. Introduced in chapter 13.

    Examples
    --------
    >>> import pytest
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> with pytest.warns(LeakWarning):
    ...     train, test = split_leave_last_out(log)
    >>> test["item_id"].tolist()
    ['Beijing']
    """
    _require_columns(log)
    if n_last < 1:
        raise ValueError(f"n_last: expected 1 or more, found {n_last}")
    ordered = log.sort_values(schema.TIME, kind="stable")
    from_end = ordered.groupby(schema.USER).cumcount(ascending=False).reindex(log.index)
    enough = log.groupby(schema.USER)[schema.USER].transform("size") > n_last
    return _warned(log, ((from_end < n_last) & enough).to_numpy(), "leave-last-out")


def split_leave_last_week(
    log: pd.DataFrame, *, span: str | pd.Timedelta = "7D"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put each user's last week into the test part; warns that futures leak.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
    span : time span
        Counted back from each user's own last action.

    Returns
    -------
    train, test : DataFrame
        With the index of `log`. Users active for no longer than `span` stay in train.

    Raises
    ------
    ValueError
        If `span` is not positive, or no user was active for longer.
    SchemaError
        If `user_id`, `item_id` or `timestamp` is missing, or some time is.

    Warns
    -----
    LeakWarning
        Each user is cut at another moment, so what others did later is learned from.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> import pytest
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> with pytest.warns(LeakWarning):
    ...     train, test = split_leave_last_week(log, span="2D")
    >>> len(train), len(test)
    (2, 2)
    """
    _require_columns(log)
    span = pd.Timedelta(span)
    if not span > pd.Timedelta(0):
        raise ValueError(f"span: expected a positive time, found {span}")
    times = log.groupby(schema.USER)[schema.TIME]
    last = times.transform("max")
    longer = last - times.transform("min") > span
    return _warned(log, ((log[schema.TIME] > last - span) & longer).to_numpy(), "leave-last-week")


def _warned(log: pd.DataFrame, is_test: np.ndarray, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    if not is_test.any():
        raise ValueError(f"{name}: expected users with actions before their last ones, found none")
    warnings.warn(
        f"{name} cuts each user at another moment: the training part holds what other users did "
        "after the moments to be predicted. Use split_by_time to judge a model.",
        LeakWarning,
        stacklevel=3,
    )
    return log[~is_test], log[is_test]


def split_at_random(
    log: pd.DataFrame, *, test_share: float = 0.1, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw the test part at random, as the article does; exists to show the leak.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
    test_share : float
        In (0, 1).
    seed : int

    Returns
    -------
    train, test : DataFrame
        With the index of `log`.

    Raises
    ------
    ValueError
        If `test_share` is outside (0, 1) or leaves a part empty.
    SchemaError
        If `user_id`, `item_id` or `timestamp` is missing, or some time is.

    Warns
    -----
    LeakWarning
        The training part holds the same user's next action.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> import pytest
    >>> from stim_lib.datasets import load_seed_example
    >>> with pytest.warns(LeakWarning):
    ...     train, test = split_at_random(load_seed_example(), test_share=0.25, seed=0)
    >>> len(train), len(test)
    (3, 1)
    """
    _require_columns(log)
    if not 0 < test_share < 1 or not 0 < round(len(log) * test_share) < len(log):
        raise ValueError(
            f"test_share: expected a share in (0, 1) that leaves rows in both parts, found "
            f"{test_share} of {len(log)} rows"
        )
    is_test = np.zeros(len(log), dtype=bool)
    chosen = np.random.default_rng(seed).permutation(len(log))[: round(len(log) * test_share)]
    is_test[chosen] = True
    warnings.warn(
        "a random split trains on what the same users did after the moments to be predicted. "
        "Use split_by_time to judge a model.",
        LeakWarning,
        stacklevel=2,
    )
    return log[~is_test], log[is_test]


def describe_split(
    parts: Sequence[pd.DataFrame] | Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Size, users, unseen places and leaks of each part of a split.

    Parameters
    ----------
    parts : sequence or mapping of logs
        The training part first. Names default to train, (validation,) test.

    Returns
    -------
    DataFrame, shape (n_parts, 7)
        actions; users; first and last (timestamps, UTC); new_users: share of the part's actions by
        users without a training action; unseen_places: share of its actions at places without
        one, which no model can name; trained_on_later: share of its actions that are followed, or
        joined at the same instant, by a training action. The last three are missing for train.

    Raises
    ------
    ValueError
        If there is not more than one part, or one is empty.

    Notes
    -----
    `trained_on_later` is 0 for an honest split in time. Introduced in chapter 13.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> parts = split_by_time(load_seed_example(), "2023-01-03 00:00Z")
    >>> describe_split(parts)[["actions", "users", "unseen_places", "trained_on_later"]]
           actions  users  unseen_places  trained_on_later
    train        2      2            NaN               NaN
    test         2      2            0.5               0.0
    """
    if not isinstance(parts, Mapping):
        default = [f"part {number}" for number in range(len(parts))]
        parts = dict(zip(PART_NAMES.get(len(parts), default), parts, strict=True))
    if len(parts) < 2 or not all(len(part) for part in parts.values()):
        sizes = {name: len(part) for name, part in parts.items()}
        raise ValueError(f"parts: expected two or more, none of them empty, found {sizes}")
    train = next(iter(parts.values()))
    rows = []
    for name, part in parts.items():
        judged = np.nan if part is train else 1.0
        rows.append(
            {
                "part": name,
                "actions": len(part),
                "users": part[schema.USER].nunique(),
                "first": part[schema.TIME].min(),
                "last": part[schema.TIME].max(),
                "new_users": judged * (~part[schema.USER].isin(train[schema.USER])).mean(),
                "unseen_places": judged * (~part[schema.ITEM].isin(train[schema.ITEM])).mean(),
                "trained_on_later": judged * (part[schema.TIME] <= train[schema.TIME].max()).mean(),
            }
        )
    return pd.DataFrame(rows).set_index("part").rename_axis(None)


def _require_columns(log: pd.DataFrame) -> None:
    missing = [name for name in (schema.USER, schema.ITEM, schema.TIME) if name not in log]
    if missing:
        found = f"only {', '.join(map(str, log.columns)) or 'no columns'}"
        faults = [schema.failure(name, -1, "this column", found) for name in missing]
        raise schema.SchemaError(pd.DataFrame(faults))
    clocks = [name for name in (schema.TIME, schema.LOCAL_TIME) if name in log]
    faults = [
        schema.failure(name, row, "a time", "none")
        for name in clocks
        for row in log.index[log[name].isna()]
    ]
    if faults:
        raise schema.SchemaError(pd.DataFrame(faults))
