"""Score a million lists of twenty, against ir-measures on the same tables in the same run.

    .venv/bin/python benchmarks/score_lists.py [--queries N] [--peer-queries N]

Prints seconds and the ratio. The peer gets the tables it documents (DataFrames) and is asked for
the same six metrics; with `--peer-queries` below `--queries` it is timed on the first queries and
its time is scaled up, which favours neither since its time is linear in the number of lists.
"""

import argparse
import time

import ir_measures
import numpy as np
import pandas as pd
from ir_measures import RR, P, R, Success, nDCG

from stim_lib import metrics


def make_lists(n_queries, length, n_items, seed):
    """Lists of distinct items, one relevant item per query, in half of them."""
    rng = np.random.default_rng(seed)
    first = rng.integers(n_items, size=(n_queries, 1))
    step = rng.integers(1, n_items // length, size=(n_queries, 1))
    items = (first + step * np.arange(length)) % n_items
    names = np.array([f"place {number}" for number in range(n_items)], dtype=object)
    queries = np.array([f"q{number}" for number in range(n_queries)], dtype=object)
    ranked = pd.DataFrame(
        {
            "query_id": pd.Series(np.repeat(queries, length), dtype="str"),
            "rank": np.tile(np.arange(1, length + 1), n_queries),
            "item_id": pd.Series(names[items.ravel()], dtype="str"),
        }
    )
    column = rng.integers(2 * length, size=n_queries)
    inside = items[np.arange(n_queries), np.minimum(column, length - 1)]
    truth = np.where(column < length, inside, (first[:, 0] - 1) % n_items)
    relevant = pd.Series(names[truth], index=pd.Index(queries, name="query_id"), dtype="str")
    return ranked, relevant


def main():
    """Time both; print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--queries", type=int, default=1_000_000)
    parser.add_argument("--peer-queries", type=int, default=1_000_000)
    options = parser.parse_args()
    length = 20
    ranked, relevant = make_lists(options.queries, length, 20_000, seed=0)
    started = time.perf_counter()
    mine = metrics.score_lists(ranked, relevant, k=10).mean()
    ours = time.perf_counter() - started
    print(f"stim_lib     {options.queries:,} lists of {length}: {ours:.2f} s")

    n = min(options.peer_queries, options.queries)
    run = ranked[: n * length].rename(columns={"item_id": "doc_id"})
    run = run[["query_id", "doc_id"]].assign(score=-run["rank"].astype(float))
    qrels = pd.DataFrame(
        {"query_id": relevant.index[:n], "doc_id": relevant.to_numpy()[:n], "relevance": 1}
    )
    names = {
        nDCG @ 10: "ndcg@10", Success @ 10: "hit_rate@10", P @ 10: "precision@10",
        R @ 10: "recall@10", RR: "mrr", Success @ 1: "accuracy@1",
    }  # fmt: skip
    started = time.perf_counter()
    theirs = ir_measures.calc_aggregate(list(names), qrels, run)
    seconds = time.perf_counter() - started
    print(f"ir-measures  {n:,} lists of {length}: {seconds:.2f} s")
    if n == options.queries:
        worst = max(abs(theirs[measure] - mine[name]) for measure, name in names.items())
        print(f"largest difference of a mean: {worst:.1e}")
    print(f"ratio per list: {seconds / n / (ours / options.queries):.0f}")


if __name__ == "__main__":
    main()
