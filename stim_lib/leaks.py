"""Does a prediction know the future? Change the future and see whether it moves.

Reading code does not find leaks; this does. It is called on every feature, split and model of the
book. Introduced in chapter 13.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from stim_lib import schema

DAY = pd.Timedelta("1D")
ROUNDING = 1e-5
Predict = Callable[[pd.DataFrame, pd.DataFrame], object]


class LeakError(AssertionError):
    """A prediction moved when only the future had changed; the message says which and how."""


def disturb_future(
    log: pd.DataFrame, instant: pd.Timestamp, *, seed: int
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Rewrite everything at or after an instant, in several ways.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
    instant : Timestamp with time zone
        What came strictly before it stays as it is, in the same rows and order among themselves.
    seed : int

    Yields
    ------
    name : str
        places (every place, category and coordinate replaced by those of another row, some of them
        by places never seen), order (the times of each user exchanged), users (each later action
        given to another user), gone (nothing after the instant), more (each later action twice).
    log : DataFrame
        Sorted by user and time.

    Raises
    ------
    ValueError
        If nothing in the log is as late as the instant: there is no future to change.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example()
    >>> [name for name, _ in disturb_future(log, log["timestamp"][1], seed=0)]
    ['places', 'order', 'users', 'gone', 'more']
    """
    late = (log[schema.TIME] >= instant).to_numpy()
    if not late.any():
        raise ValueError(
            f"instant: expected one that some action follows, found {instant}; the log ends at "
            f"{log[schema.TIME].max()}"
        )
    rng = np.random.default_rng(seed)
    before, after = log[~late], log[late]
    yield "places", _join(before, _with_other_places(after, rng))
    yield "order", _join(before, _with_times_exchanged(after, rng))
    strangers = after[schema.USER].to_numpy()[rng.permutation(len(after))]
    # Nobody keeps their own: also a future of one user must change hands.
    everybody = log[schema.USER].unique()
    nobody = np.where(strangers == after[schema.USER].to_numpy(), everybody[-1] + "'", strangers)
    yield "users", _join(before, after.assign(**{schema.USER: nobody}))
    yield "gone", before.copy()
    shifted = after.assign(**{schema.TIME: after[schema.TIME] + pd.Timedelta("1s")})
    yield "more", _join(before, pd.concat([after, shifted]))


def _join(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    both = pd.concat([before, after.astype(before.dtypes)])
    return both.sort_values([schema.USER, schema.TIME], kind="stable", ignore_index=True)


def _with_other_places(after: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    # All that belongs to the place moves with it; who and when stay.
    stays = {schema.USER, schema.TIME, schema.LOCAL_TIME, schema.TRAJECTORY, schema.SESSION}
    moved = [name for name in after if name not in stays]
    other = after[moved].iloc[rng.permutation(len(after))].set_axis(after.index)
    unheard = rng.random(len(after)) < 0.3
    other[schema.ITEM] = other[schema.ITEM].where(~unheard, "a place nobody has seen")
    # Still the same place? Then it must become another, or the change would not be one.
    same = other[schema.ITEM].to_numpy() == after[schema.ITEM].to_numpy()
    other[schema.ITEM] = other[schema.ITEM].where(~same, other[schema.ITEM] + "'")
    return after.assign(**{name: other[name] for name in moved})


def _with_times_exchanged(after: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    clocks = [name for name in (schema.TIME, schema.LOCAL_TIME) if name in after]
    order = pd.Series(rng.random(len(after)), index=after.index)
    drawn = after.assign(**{"": order}).sort_values([schema.USER, ""])[clocks]
    by_user = after.sort_values(schema.USER, kind="stable").index
    return after.assign(**{name: drawn[name].set_axis(by_user) for name in clocks})


def find_leaks(
    predict: Predict,
    log: pd.DataFrame,
    queries: pd.DataFrame,
    *,
    time_known: bool = True,
    n_instants: int = 5,
    seed: int = 0,
) -> pd.DataFrame:
    """Predict, change everything from each query's time on, and predict again.

    Parameters
    ----------
    predict : function of (log, queries)
        The whole way from log to prediction: splitting, fitting and features included, with all
        its seeds fixed. Returns an array, Series or DataFrame with one row per query (or, as
        `rank` does, with a query_id).
    log : DataFrame, shape (n_actions, n_columns)
        A behaviour log, sorted by user and time.
    queries : DataFrame, shape (n_queries, n_columns)
        From `queries.make_queries`.
    time_known : bool
        Whether the model may use the time of the query. If not, a further change, "clock", moves
        the query itself back towards its user's last action, where it sees the same past: a step,
        half the way, and nearly all of it.
    n_instants : int
        Queries to test, spread over the time of all; the earliest and the latest are among them.
    seed : int
        Of the changes.

    Returns
    -------
    DataFrame, shape (n_leaks, 4)
        query_id, timestamp, change (see `disturb_future`; "batch": the answer was another one when
        later queries of the user were asked along with it) and difference: the largest; "other"
        where what came back has another shape or no numbers; the error, if one was raised.
        Empty if nothing moved by a bit.

    Raises
    ------
    ValueError
        If there are no queries, or `predict` is not repeatable: two calls on the same log differ,
        so nothing could be concluded.

    Notes
    -----
    A leak that none of these changes can reach stays unseen: the test can prove a leak, not its
    absence. Cut-offs inside `predict` must be instants: a fraction of the log's span depends on
    its end, and is found. Introduced in chapter 13.

    Examples
    --------
    A "model" that counts how often each user will have been anywhere:

    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.queries import make_queries
    >>> log = load_seed_example()
    >>> queries, _ = make_queries(log)
    >>> peek = lambda log, queries: queries["user_id"].map(log["user_id"].value_counts())
    >>> sorted(find_leaks(peek, log, queries[:1])["change"])
    ['gone', 'more']
    """
    if not len(queries) or n_instants < 1:
        raise ValueError(
            f"expected queries and n_instants of 1 or more, found {len(queries)} and {n_instants}"
        )
    in_time = queries.sort_values(schema.TIME, kind="stable")
    chosen = np.unique(np.linspace(0, len(in_time) - 1, n_instants).round().astype(int))
    found = []
    for number in chosen:
        asked = queries.loc[[in_time.index[number]]]
        instant = asked[schema.TIME].iloc[0]
        expected = predict(log, asked)
        if _difference(expected, predict(log, asked)) is not None:
            raise ValueError("predict: expected the same answer twice, found two; fix its seeds")
        for change, other in disturb_future(log, instant, seed=seed):
            try:
                difference = _difference(expected, predict(other, asked))
            except Exception as error:
                # It worked before the future changed, so it depends on the future.
                difference = f"{type(error).__name__}: {error}"
            if difference is not None:
                found.append((asked.index[0], instant, change, difference))
        moved = [] if time_known else _moved_back(asked, log)
        for other in moved:
            difference = _difference(expected, predict(log, other))
            if difference is not None:
                found.append((asked.index[0], instant, "clock", difference))
                break
        difference = _changed_by_company(predict, log, asked, queries, expected)
        if difference is not None:
            found.append((asked.index[0], instant, "batch", difference))
    return pd.DataFrame(found, columns=["query_id", schema.TIME, "change", "difference"])


def _moved_back(asked: pd.DataFrame, log: pd.DataFrame) -> list[pd.DataFrame]:
    """The query at earlier moments that see the same past."""
    instant = asked[schema.TIME].iloc[0]
    earlier = (log[schema.USER] == asked[schema.USER].iloc[0]) & (log[schema.TIME] < instant)
    step = pd.Timedelta("1us")
    # The last action itself must stay visible.
    room = instant - log.loc[earlier, schema.TIME].max() - step if earlier.any() else 7 * DAY
    clocks = [name for name in (schema.TIME, schema.LOCAL_TIME) if name in asked]
    steps = [min(room, step), (room / 2).floor("us"), room]
    return [asked.assign(**{name: asked[name] - back for name in clocks}) for back in steps]


def _changed_by_company(
    predict: Predict,
    log: pd.DataFrame,
    asked: pd.DataFrame,
    queries: pd.DataFrame,
    expected: object,
) -> float | str | None:
    """Whether later queries of the same user, asked along, change the first answer."""
    mine = queries[schema.USER] == asked[schema.USER].iloc[0]
    later = queries[mine & (queries[schema.TIME] > asked[schema.TIME].iloc[0])]
    if not len(later):
        return None
    together = predict(log, pd.concat([asked, later.iloc[[0, -1] if len(later) > 1 else [0]]]))
    if isinstance(together, pd.DataFrame) and "query_id" in together:
        together = together[together["query_id"] == asked.index[0]]
    else:
        together = together.iloc[:1] if hasattr(together, "iloc") else np.asarray(together)[:1]
    difference = _difference(expected, together)
    # Sums of a larger batch may be added in another order: that is no leak.
    return None if isinstance(difference, float) and difference < ROUNDING else difference


def _difference(first: object, second: object) -> float | str | None:
    """None if two predictions are equal to the bit."""
    tables = [
        value.reset_index(drop=True) if isinstance(value, pd.Series | pd.DataFrame) else None
        for value in (first, second)
    ]
    if tables[0] is not None:
        return None if tables[0].equals(tables[1]) else _largest(*tables)
    a, b = np.asarray(first), np.asarray(second)
    numbers = a.dtype.kind == "f" and b.dtype.kind == "f"
    return None if np.array_equal(a, b, equal_nan=numbers) else _largest(a, b)


def _largest(first: object, second: object) -> float | str:
    try:
        # As arrays: the maximum of a table is one number per column.
        difference = np.abs(np.asarray(first, dtype=float) - np.asarray(second, dtype=float))
    except (TypeError, ValueError):
        return "other"
    finite = difference[np.isfinite(difference)]
    return float(finite.max()) if finite.size and finite.max() > 0 else "other"


def assert_no_leak(
    predict: Predict,
    log: pd.DataFrame,
    queries: pd.DataFrame,
    *,
    time_known: bool = True,
    n_instants: int = 5,
    seed: int = 0,
) -> None:
    """Raise if a prediction moves when only what came at or after its query has changed.

    Parameters
    ----------
    predict : function of (log, queries)
    log, queries : DataFrame
    time_known : bool
    n_instants : int
    seed : int
        All as for `find_leaks`.

    Raises
    ------
    LeakError
        Naming the first query, the changes that moved it, and by how much.
    ValueError
        As `find_leaks`.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> from stim_lib import baselines, datasets, queries
    >>> log = datasets.load_seed_example().assign(user_id="1")
    >>> asked, _ = queries.make_queries(log[3:])
    >>> def predict(log, asked):
    ...     train = log[log["timestamp"] < "2023-01-03 12:00Z"]
    ...     return baselines.UserCounter().fit(train).score(asked, history=log)
    >>> assert_no_leak(predict, log, asked)
    """
    leaks = find_leaks(
        predict, log, queries, time_known=time_known, n_instants=n_instants, seed=seed
    )
    if len(leaks):
        worst = leaks.iloc[0]
        moved_by = ", ".join(leaks.loc[leaks["query_id"] == worst["query_id"], "change"])
        raise LeakError(
            f"the prediction for query {worst['query_id']} at {worst[schema.TIME]} moved (by "
            f"{worst['difference']}) when only what came at or after that time was changed; "
            f"changes that moved it: {moved_by}"
        )
