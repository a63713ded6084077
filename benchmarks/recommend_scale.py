"""Fit and ask the recommender on logs of growing size; print seconds and memory.

    .venv/bin/python benchmarks/recommend_scale.py [n_users n_places n_days]

Default: 1,100 users, 5,000 places, about 150,000 actions, of a simulated city. Prints processor
and wall time of the fit, milliseconds a query, the peak of memory, and HR@10 beside that of
what the user did most.
"""

import resource
import sys
import time

from stim_lib import baselines, evaluation, recommend, simulate, splits


def main():
    """Fit, ask, print."""
    sizes = [int(value) for value in sys.argv[1:4]] or [1100, 5000, 90]
    log = simulate.make_city(*sizes, seed=0).log
    train, _, test = splits.split_by_time(log)
    test = test.iloc[:: max(len(test) // 3000, 1)]
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{len(log):,} actions, {log['item_id'].nunique():,} places, {start:.2f} GiB so far")
    began, wall = time.process_time(), time.perf_counter()
    model = recommend.Recommender().fit(train)
    print(f"fit: {time.process_time() - began:.0f} CPU-s, {time.perf_counter() - wall:.0f} s")
    print(model.report_)
    began = time.process_time()
    result = evaluation.evaluate(model, test, train=train, log=log, leak_checks=0)
    print(f"ask: {1000 * (time.process_time() - began) / len(test):.2f} CPU-ms a query")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    rival = evaluation.evaluate(
        baselines.UserCounter().fit(train), test, train=train, log=log, leak_checks=0
    )
    print(f"peak: {peak:.2f} GiB")
    for one in (result, rival):
        print(f"{one}: {one.scores().mean().round(4).to_dict()}")


if __name__ == "__main__":
    main()
