"""Ranked lists: how early the relevant items stand, and what the lists are like as a whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from stim_lib import schema
from stim_lib.queries import QUERY
from stim_lib.spatial import distance_metres

RANK = "rank"


def score_lists(ranked: pd.DataFrame, relevant: pd.Series, *, k: int = 10) -> pd.DataFrame:
    """What each query scores, given the list it got.

    Parameters
    ----------
    ranked : DataFrame, shape (n_places_in_lists, n_columns)
        query_id, rank (from 1, each once per query) and item_id, as `Recommender.rank` returns;
        lists may have any length, also none.
    relevant : Series of str, shape (n_relevant,)
        The relevant items; index query_id, repeated where a query has several. Every query that
        is judged stands here; one without a list scores 0.
    k : int
        Where lists are cut.

    Returns
    -------
    DataFrame of float64, shape (n_queries, 5)
        Index query_id. accuracy@1; hit_rate@k: 1 if any relevant item is among the first k;
        precision@k and recall@k: share of the k places, and of the relevant items; ndcg@k; mrr:
        1/rank of the first relevant item, anywhere in the list.

    Raises
    ------
    ValueError
        If columns are missing, `k` is not positive, a list holds a rank or a relevant item twice, a
        rank is no whole number, ids are of two kinds, or a query is in the lists and has no
        relevant item.

    Notes
    -----
    DCG = Σ 1/log2(1 + rank) over relevant items up to k, divided by its value for a perfect list.
    precision@k divides by k, also where the list is shorter. Agrees with
    ir-measures (nDCG, RR, Success, P, R). Source: Järvelin and Kekäläinen (2002),
    doi:10.1145/582415.582418. Introduced in chapter 13.

    Examples
    --------
    >>> ranked = pd.DataFrame({"query_id": [7, 7], "rank": [1, 2], "item_id": ["a", "b"]})
    >>> score_lists(ranked, pd.Series(["b"], index=[7]), k=2).round(3).loc[7].to_dict()
    ... # doctest: +ELLIPSIS
    {'accuracy@1': 0.0, 'hit_rate@2': 1.0, 'precision@2': 0.5, 'recall@2': 1.0, ... 'mrr': 0.5}
    """
    rank, query, queries = _ranks_of_relevant(ranked, relevant, k)
    n = len(queries)
    n_relevant = np.bincount(queries.get_indexer(relevant.index), minlength=n)
    within = rank <= k
    found = np.bincount(query[within], minlength=n)
    gain = np.bincount(query[within], weights=1 / np.log2(1 + rank[within]), minlength=n)
    best_gain = np.concatenate([[0], np.cumsum(1 / np.log2(1 + np.arange(1.0, k + 1)))])
    first = np.full(n, np.inf)
    np.minimum.at(first, query, rank)
    return pd.DataFrame(
        {
            "accuracy@1": (first == 1).astype(float),
            f"hit_rate@{k}": (first <= k).astype(float),
            f"precision@{k}": found / k,
            f"recall@{k}": found / n_relevant,
            f"ndcg@{k}": gain / best_gain[np.minimum(n_relevant, k)],
            "mrr": 1 / first,
        },
        index=queries,
    )


def _ranks_of_relevant(
    ranked: pd.DataFrame, relevant: pd.Series, k: int
) -> tuple[np.ndarray, np.ndarray, pd.Index]:
    """Rank and query (position) of each relevant item that stands in a list."""
    missing = [name for name in (QUERY, RANK, schema.ITEM) if name not in ranked]
    if missing or k < 1 or not len(relevant):
        raise ValueError(
            f"expected ranked lists with {QUERY}, {RANK} and {schema.ITEM}, a relevant item and k "
            f"of 1 or more; found columns {', '.join(map(str, ranked))}, {len(relevant)} relevant "
            f"and k={k}"
        )
    queries = pd.Index(relevant.index.unique(), name=QUERY)
    query = _positions(ranked[QUERY], queries)
    rank = ranked[RANK].to_numpy(dtype=float)
    if (query < 0).any():
        stray = ranked[QUERY].iloc[int(np.argmax(query < 0))]
        raise ValueError(f"relevant: expected an item for each query, found none for {stray!r}")
    whole = (rank >= 1) & (rank < np.inf) & (rank == np.floor(rank))
    if not whole.all():
        raise ValueError(f"{RANK}: expected 1 or more, in whole numbers, found {rank[~whole][0]}")
    _require_comparable(ranked[schema.ITEM], relevant)
    # Items get one numbering for both tables; a pair is then one number, and sets of numbers are
    # compared much faster than rows of text.
    items = pd.Index(relevant.unique())
    item = _positions(ranked[schema.ITEM], items)
    _require_distinct(query, rank, f"{RANK} twice in the list of one query", queries)
    known = item >= 0
    query, item, rank = query[known], item[known], rank[known]
    query_of_wanted = _positions(relevant.index.to_series(), queries)
    item_of_wanted = _positions(relevant, items)
    wanted = query_of_wanted * len(items) + item_of_wanted
    if len(wanted) == len(queries):
        # One relevant item per query, the usual case: no set is needed.
        only = np.empty(len(queries), dtype=item.dtype)
        only[query_of_wanted] = item_of_wanted
        hit = only[query] == item
    else:
        if len(np.unique(wanted)) < len(wanted):
            raise ValueError("relevant: expected each item once per query, found one twice")
        hit = np.isin(query * len(items) + item, wanted)
    _require_distinct(query[hit], item[hit], "item twice in the list of one query", queries)
    return rank[hit], query[hit], queries


def _require_comparable(listed: pd.Series, relevant: pd.Series) -> None:
    text = [pd.api.types.is_string_dtype(items.dtype) for items in (listed, relevant)]
    if len(listed) and (text[0] != text[1] or listed.isna().any() or relevant.isna().any()):
        raise ValueError(
            f"{schema.ITEM}: expected the same kind of ids in lists and relevant items, none of "
            f"them missing; found dtypes {listed.dtype} and {relevant.dtype}, "
            f"{listed.isna().sum()} and {relevant.isna().sum()} missing"
        )


def _positions(values: pd.Series, index: pd.Index) -> np.ndarray:
    """As `Index.get_indexer`, on text several times faster, by way of Arrow."""
    if not (pd.api.types.is_string_dtype(values.dtype) and values.dtype != object):
        return index.get_indexer(values)
    found = pc.index_in(pa.array(values), value_set=pa.array(index.to_series()))
    return found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)


def _require_distinct(query: np.ndarray, value: np.ndarray, what: str, queries: pd.Index) -> None:
    pair = query * (value.max(initial=0) + 1) + value
    # Lists mostly arrive in order, which is cheaper to see than to sort.
    if (np.diff(pair) > 0).all():
        return
    order = np.argsort(pair, kind="stable")
    twice = np.flatnonzero(np.diff(pair[order]) == 0)
    if len(twice):
        stray = queries[query[order[twice[0]]]]
        raise ValueError(f"ranked: found an {what}: {stray!r}".replace("an rank", "a rank"))


def catalogue_coverage(ranked: pd.DataFrame, catalogue: pd.Index, *, k: int = 10) -> float:
    """Share of all items that stand in anybody's list.

    Parameters
    ----------
    ranked : DataFrame, shape (n_places_in_lists, n_columns)
        query_id, rank, item_id.
    catalogue : Index of str, shape (n_items,)
        What could have been recommended.
    k : int
        Where lists are cut.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If the catalogue is empty, or a list holds something else.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> ranked = pd.DataFrame({"query_id": [1, 2], "rank": [1, 1], "item_id": ["a", "a"]})
    >>> catalogue_coverage(ranked, pd.Index(["a", "b"]))
    0.5
    """
    items = ranked.loc[ranked[RANK] <= k, schema.ITEM].unique()
    strange = pd.Index(items).difference(catalogue)
    if not len(catalogue) or len(strange):
        raise ValueError(
            f"catalogue: expected all items that are in lists, found {len(catalogue)} without "
            f"{list(strange[:3])}"
        )
    return len(items) / len(catalogue.unique())


def novelty(ranked: pd.DataFrame, train: pd.DataFrame, *, k: int = 10) -> float:
    """How little known are the recommended items? Mean surprise in bits.

    Parameters
    ----------
    ranked : DataFrame, shape (n_places_in_lists, n_columns)
        query_id, rank, item_id.
    train : DataFrame, shape (n_actions, n_columns)
        Log from which popularity is counted.
    k : int
        Where lists are cut.

    Returns
    -------
    float
        Mean of -log2(share of training actions) over all places in lists; 0 if the whole log is
        one item.

    Raises
    ------
    ValueError
        If there are no lists, or an item was never in the log.

    Notes
    -----
    Source: Zhou et al. (2010), doi:10.1073/pnas.1000488107 (self-information), here over shares of
    actions. Introduced in chapter 13.

    Examples
    --------
    >>> ranked = pd.DataFrame({"query_id": [1], "rank": [1], "item_id": ["a"]})
    >>> novelty(ranked, pd.DataFrame({"item_id": ["a", "b", "b", "b"]}))
    2.0
    """
    share = train[schema.ITEM].value_counts(normalize=True)
    known = ranked.loc[ranked[RANK] <= k, schema.ITEM].map(share)
    if not len(known) or known.isna().any():
        raise ValueError(
            f"ranked: expected items of the training log, found {len(known)} places, "
            f"{known.isna().sum()} of them with an item that is not in it"
        )
    return float(-np.log2(known).mean() + 0.0)


def intra_list_distance(ranked: pd.DataFrame, places: pd.DataFrame, *, k: int = 10) -> pd.Series:
    """How far apart are the places of one list? Mean over all pairs.

    Parameters
    ----------
    ranked : DataFrame, shape (n_places_in_lists, n_columns)
        query_id, rank, item_id.
    places : DataFrame, shape (n_items, n_columns)
        item_id (each once), lat, lon in degrees WGS-84.
    k : int
        Where lists are cut.

    Returns
    -------
    Series of float64, shape (n_queries,)
        Metres; NaN for lists with fewer than two places. Index query_id.

    Raises
    ------
    ValueError
        If a place in a list is not in `places`.

    Notes
    -----
    Source: Ziegler et al. (2005), doi:10.1145/1060745.1060754, with distance for dissimilarity.
    Introduced in chapter 13.

    Examples
    --------
    >>> ranked = pd.DataFrame({"query_id": [1, 1], "rank": [1, 2], "item_id": ["a", "b"]})
    >>> places = pd.DataFrame({"item_id": ["a", "b"], "lat": [0.0, 1.0], "lon": [0.0, 0.0]})
    >>> intra_list_distance(ranked, places).round(-3).tolist()
    [111000.0]
    """
    cut = ranked.loc[ranked[RANK] <= k, [QUERY, RANK, schema.ITEM]]
    located = cut.merge(
        places[[schema.ITEM, schema.LAT, schema.LON]], on=schema.ITEM, how="left",
        validate="many_to_one", indicator=True,
    )  # fmt: skip
    if (located["_merge"] != "both").any():
        stray = located.loc[located["_merge"] != "both", schema.ITEM].iloc[0]
        raise ValueError(f"places: expected every item in a list, found no {stray!r}")
    pairs = located.merge(located, on=QUERY, suffixes=("", "_2"))
    pairs = pairs[pairs[RANK] < pairs[f"{RANK}_2"]]
    metres = distance_metres(
        pairs[schema.LAT], pairs[schema.LON], pairs[f"{schema.LAT}_2"], pairs[f"{schema.LON}_2"]
    )
    mean = pd.Series(metres, index=pairs[QUERY]).groupby(level=0).mean()
    return mean.reindex(pd.Index(cut[QUERY].unique(), name=QUERY)).rename("metres")
