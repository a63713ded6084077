"""Rank all places for every test query of New York with the mix of counters.

    .venv/bin/python benchmarks/rank_queries.py

Prints seconds, and queries per second, with and without the time of the visit.
"""

import time

from stim_lib import baselines, datasets, evaluation, splits


def main():
    """Time both; print."""
    log = datasets.load_foursquare_nyc()
    train, _, test = splits.split_by_time(log)
    for use_query_time in (False, True):
        mix = baselines.Mix(use_query_time=use_query_time).fit(train)
        started = time.perf_counter()
        result = evaluation.evaluate(mix, test, train=train, log=log)
        seconds = time.perf_counter() - started
        print(
            f"{result}: {len(mix.catalogue):,} places ranked in {seconds:.1f} s, "
            f"{len(test) / seconds:,.0f} queries/s"
        )


if __name__ == "__main__":
    main()
