"""One row of features for each query, in families that have names.

What the user did before, at this hour, after such an action; when and where the user is. All of it
strictly from before the query. Introduced in chapter 11.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from stim_lib import baselines, fusion, queries, schema, spatial, temporal

FAMILIES = ("own", "hour", "sequence", "time", "space")
LEAST_SHARE = 1e-4
RADIUS_METRES = 250.0
HALF_LIFE_DAYS, WIDTH_HOURS = 20.0, 1.0
# The place itself, kept beside the kind, which is called an item here.
PLACE = "place_of_action"
LONG_TAILED = ("n_past", "n_located", "n_places", "recency_hours", "last_gap_hours",
               "mean_gap_hours", "spread_gap_hours")  # fmt: skip


def make_interest_table(
    asked: pd.DataFrame,
    log: pd.DataFrame,
    *,
    train: pd.DataFrame,
    kind: str = schema.ROOT_CATEGORY,
    use_query_time: bool = False,
    country: str | None = None,
) -> pd.DataFrame:
    """Describe the moment of each query by what was known then.

    Parameters
    ----------
    asked : DataFrame, shape (n_queries, n_columns)
        From `queries.make_queries`: user_id, timestamp, and local_time if `use_query_time`.
    log : DataFrame, shape (n_actions, n_columns)
        With local_time and `kind`; it may run past the queries.
    train : DataFrame, shape (n_actions, n_columns)
        The training part: which kinds there are, their shares in the city, what lies nearby.
    kind : str
        Column of the log whose next value is to be predicted.
    use_query_time : bool
        If False the time of the query only cuts the history.
    country : {"US", "CN"}, optional
        Calendar of the query's day; only with `use_query_time`.

    Returns
    -------
    DataFrame of float64, shape (n_queries, n_features)
        Index of `asked`; columns ``family__feature``, NaN where the history does not reach. Of own:
        the logarithm of the user's shares of each kind, ever and with a half-life of 20 days. Of
        hour: the same, at about this hour on this kind of day. Of sequence: after an action of the
        last kind, and which that was. Of time and space: see `make_temporal_features` and
        `make_spatial_features`; numbers with long tails as log1p. No space without coordinates.

    Raises
    ------
    SchemaError
        If a column is missing.
    ValueError
        If the training part holds no kind, or as the functions named above.

    Notes
    -----
    A share is that of a counter with one imagined action, spread like the training part; the same
    spread for every row, so that no row tells its own answer. What other users did nearby counts
    from before the query alone. Introduced in chapter 11.

    Examples
    --------
    >>> from stim_lib import datasets
    >>> log = datasets.load_seed_example().assign(user_id="1")
    >>> asked, _ = queries.make_queries(log[3:])
    >>> table = make_interest_table(asked, log, train=log[:3], kind="category")
    >>> sorted({name.split("__")[0] for name in table})
    ['hour', 'own', 'sequence', 'space', 'time']
    """
    needed = (schema.USER, schema.TIME, schema.LOCAL_TIME, schema.ITEM, kind)
    for name, part in (("log", log), ("train", train)):
        schema.require_columns(part, name, needed)
    if not train[kind].notna().any():
        raise ValueError(f"train: expected a value of {kind!r} in some row, found none")
    parts = [_by_kind(part, kind) for part in (log, train)]
    blocks = _share_blocks(asked, *parts, use_query_time)
    blocks["time"] = temporal.make_temporal_features(
        asked, log, use_query_time=use_query_time, country=country
    )
    if {schema.LAT, schema.LON} <= set(log) and log[schema.LAT].notna().any():
        kinds = sorted(train[kind].dropna().unique())
        blocks["space"] = spatial.make_spatial_features(
            asked, log, train=train[train[kind].notna()], use_query_time=use_query_time,
            radii_metres=RADIUS_METRES, by=kind, values=kinds,
        )  # fmt: skip
    return _side_by_side(blocks, asked.index)


def _by_kind(log: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The log with its kinds for items; actions without a kind say nothing here."""
    told = log[log[kind].notna()]
    return told.assign(**{PLACE: told[schema.ITEM], schema.ITEM: told[kind]})


def _share_blocks(
    asked: pd.DataFrame, log: pd.DataFrame, train: pd.DataFrame, use_query_time: bool
) -> dict[str, pd.DataFrame]:
    known = {"use_query_time": use_query_time}
    counters = {
        "own": {
            "ever": baselines.UserCounter(**known),
            "of late": baselines.UserCounter(half_life_days=HALF_LIFE_DAYS, **known),
        },
        "hour": {
            "ever": baselines.HourOfWeekCounter(
                width_hours=WIDTH_HOURS, half_life_days=None, **known
            ),
            "of late": baselines.HourOfWeekCounter(width_hours=2 * WIDTH_HOURS, **known),
        },
        "sequence": {"after": baselines.Markov(level="user", **known)},
    }
    blocks = {}
    for family, models in counters.items():
        tables = [
            log_shares(model.fit(train), asked, log).add_prefix(f"{name} ")
            for name, model in models.items()
        ]
        blocks[family] = pd.concat(tables, axis=1)
    last = queries.look_back(asked, log).last
    kinds = sorted(train[schema.ITEM].unique())
    was = pd.Index(kinds).get_indexer(log[schema.ITEM])
    row = np.where(last >= 0, was[last] if len(was) else -1, -1)
    marks = (row[:, None] == np.arange(len(kinds))).astype(float)
    marks = pd.DataFrame(marks, asked.index, [f"last was {name}" for name in kinds])
    blocks["sequence"] = pd.concat([blocks["sequence"], marks], axis=1)
    return blocks


def log_shares(model: baselines.Baseline, asked: pd.DataFrame, log: pd.DataFrame) -> pd.DataFrame:
    """Logarithms of the shares that a counter gives, which is how a share enters a linear model.

    Parameters
    ----------
    model : Baseline
        Fitted.
    asked, log : DataFrame
        Queries and history.

    Returns
    -------
    DataFrame of float64, shape (n_queries, n_kinds)
        Columns in alphabetical order; shares below 1e-4 count as that.

    Raises
    ------
    ValueError
        If the counter is not fitted.

    Notes
    -----
    Introduced in chapter 11.

    Examples
    --------
    >>> from stim_lib import datasets
    >>> log = datasets.load_seed_example().assign(user_id="1")
    >>> asked, _ = queries.make_queries(log[3:])
    >>> log_shares(baselines.GlobalPopularity().fit(log[:3]), asked, log).round(2).to_numpy()
    array([[-1.1, -1.1, -1.1]])
    """
    # Few at a time: pairs of a query and an earlier action are many.
    some = np.array_split(np.arange(len(asked)), 1 + len(asked) // 2000)
    rows = [model.score(asked.iloc[part], history=log) for part in some if len(part)]
    shares = np.vstack(rows) if rows else np.zeros((0, len(model.catalogue)))
    table = pd.DataFrame(np.log(np.maximum(shares, LEAST_SHARE)), asked.index, model.catalogue)
    return table.sort_index(axis=1)


def _side_by_side(blocks: dict[str, pd.DataFrame], index: pd.Index) -> pd.DataFrame:
    blocks = {name: _tame(block).reset_index(drop=True) for name, block in blocks.items()}
    for name, block in blocks.items():
        # The blocks may share names of columns; the prefix comes with the fusion.
        blocks[name] = block.set_axis([f"{name}/{column}" for column in block], axis=1)
    table = pd.concat(blocks.values(), axis=1)
    fused = fusion.Concatenation({name: list(block) for name, block in blocks.items()})
    names = [column.replace("/", "__", 1) for column in table]
    if not len(table):
        return table.set_axis(names, axis=1).set_axis(index)
    return pd.DataFrame(fused.fit_transform(table), index, names)


def _tame(block: pd.DataFrame) -> pd.DataFrame:
    long = [
        name
        for name in block
        if name in LONG_TAILED or name.endswith("_metres") or name.startswith("decayed_count")
    ]
    table = block.astype(float)
    table[long] = np.log1p(table[long])
    return table.rename(columns={name: f"log1p {name}" for name in long})
