"""Sixteen statistics of ten thousand series, against tsfresh on the same series in the same run.

    python -m venv PEER && PEER/bin/pip install tsfresh
    .venv/bin/python benchmarks/temporal_features.py --peer-python PEER/bin/python

Prints seconds, the ratio and the largest difference. The series are a week of hourly counts each
(Poisson, with a daily cycle), and, with --real, the daily check-ins of New York's users by root
category. tsfresh runs in an environment of its own, gets the long table that it documents, already
sorted, and is asked for these sixteen alone, without its progress bar; it is timed in one process
and with --jobs processes (its own multiprocessing), and the better of the two counts; ours has one
core. Both take the best of three calls. Only the calls are timed, neither imports nor the making of
the tables. Without
--peer-python only our side runs.
"""

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

# One core for us; before numpy reads it.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd

# Ours → tsfresh's.
NAMES = {
    "mean": "mean",
    "median": "median",
    "minimum": "minimum",
    "maximum": "maximum",
    "standard_deviation": "standard_deviation",
    "root_mean_square": "root_mean_square",
    "skewness": "skewness",
    "kurtosis": "kurtosis",
    "mean_change": "mean_change",
    "mean_abs_change": "mean_abs_change",
    "share_above_mean": "count_above_mean",
    "autocorrelation_1": "autocorrelation__lag_1",
    "trend_slope": 'linear_trend__attr_"slope"',
    "trend_intercept": 'linear_trend__attr_"intercept"',
    "trend_correlation": 'linear_trend__attr_"rvalue"',
    "trend_error": 'linear_trend__attr_"stderr"',
}
REPEATS = 3


def make_series(n_series, n_times, seed):
    """Hourly counts with a daily cycle, shape (n_times, n_series)."""
    rng = np.random.default_rng(seed)
    level = rng.gamma(2.0, 1.5, size=n_series)
    phase = rng.uniform(0, 2 * np.pi, size=n_series)
    hour = np.arange(n_times)[:, None]
    return rng.poisson(level * (1 + 0.8 * np.sin(2 * np.pi * hour / 24 + phase))).astype(float)


def real_series():
    """Daily check-ins by user and root category in New York, shape (n_days, n_pairs)."""
    from stim_lib import datasets

    log = datasets.load_foursquare_nyc()
    day = log["local_time"].dt.normalize().rename("day")
    table = pd.crosstab(day, [log["user_id"], log["root_category"]])
    table = table.reindex(pd.date_range(day.min(), day.max())).fillna(0.0)
    return table.to_numpy()


def best_time(call):
    """Least seconds of a few calls, and what the last returned."""
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - started)
    return min(seconds), result


def run_ours(panel, folder):
    """Time stim_lib; keep its table."""
    from stim_lib import temporal

    frame = pd.DataFrame(panel)
    seconds, table = best_time(lambda: temporal.series_statistics(frame))
    table = table[list(NAMES)].to_numpy(dtype=float)
    np.save(folder / "ours.npy", table)
    return seconds


def run_peer(folder, jobs):
    """Time tsfresh (in its own environment), keep its table, print a JSON line."""
    import tsfresh
    from tsfresh.feature_extraction.settings import from_columns

    panel = np.load(folder / "panel.npy")
    n_times, n_series = panel.shape
    table = pd.DataFrame(
        {"id": np.repeat(np.arange(n_series), n_times), "value": panel.T.ravel(order="C")}
    )
    settings = from_columns([f"value__{name}" for name in NAMES.values()])["value"]

    def call(n_jobs):
        return tsfresh.extract_features(
            table,
            column_id="id",
            column_value="value",
            default_fc_parameters=settings,
            n_jobs=n_jobs,
            disable_progressbar=True,
        )

    seconds = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n_jobs in dict.fromkeys((0, jobs)):
            seconds[str(n_jobs)], found = best_time(functools.partial(call, n_jobs))
    columns = [f"value__{name}" for name in NAMES.values()]
    found = found[columns].to_numpy(dtype=float, copy=True)
    found[:, list(NAMES).index("share_above_mean")] /= n_times
    np.save(folder / "peer.npy", found)
    print(json.dumps({"seconds": seconds, "version": tsfresh.__version__}))


def compare(panel, label, options):
    """Time both sides on one panel; print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "panel.npy", panel)
        ours = run_ours(panel, folder)
        print(f"{label}: {panel.shape[1]:,} series of {panel.shape[0]} values")
        print(f"  stim_lib  {ours:.3f} s (one core)")
        if not options.peer_python:
            return
        command = [options.peer_python, "-W", "ignore", __file__, "--peer-folder", name]
        command += ["--jobs", str(options.jobs)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        peer = json.loads(done.stdout.splitlines()[-1])
        for jobs, seconds in peer["seconds"].items():
            how = "one process" if jobs == "0" else f"{jobs} processes"
            print(f"  tsfresh {peer['version']}  {seconds:.2f} s ({how})")
        print(f"  ratio to one process, core for core: {peer['seconds']['0'] / ours:.0f}")
        print(f"  ratio to the better of these: {min(peer['seconds'].values()) / ours:.0f}")
        mine, theirs = np.load(folder / "ours.npy"), np.load(folder / "peer.npy")
        both_missing = np.isnan(mine) & np.isnan(theirs)
        gap = np.abs(mine - theirs) / np.maximum(1, np.abs(theirs))
        print(f"  largest difference, relative where above 1: {gap[~both_missing].max():.1e}")


def main():
    """Time both on made and, if asked, real series."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--length", type=int, default=168)
    parser.add_argument("--real", action="store_true", help="also New York's daily check-ins")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--peer-python", help="python of an environment with tsfresh")
    parser.add_argument("--peer-folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer_folder:
        run_peer(options.peer_folder, options.jobs)
        return
    compare(make_series(options.series, options.length, seed=0), "made", options)
    if options.real:
        compare(real_series(), "New York, by day", options)


if __name__ == "__main__":
    sys.exit(main())
