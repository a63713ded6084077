"""Seconds to load the New York log, to validate and clean a large one, and the memory it takes.

Usage: python benchmarks/load_and_clean.py [n_rows]
"""

import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd

from stim_lib import cleaning, datasets, schema


def peak_megabytes() -> float:
    """Peak resident memory of this process; Linux counts kilobytes, macOS bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def make_log(n_rows: int) -> pd.DataFrame:
    """Valid: 20 actions a user, one repeat in a hundred, one place in ten unknown."""
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, n_rows // 20, n_rows), rng.integers(0, 5_000, n_rows)
    seconds = pd.to_timedelta(rng.integers(0, 90 * 86_400, n_rows), unit="s")
    known = rng.random(n_rows) > 0.1
    log = pd.DataFrame(
        {
            schema.USER: "u" + pd.Series(users).astype("str"),
            schema.ITEM: "v" + pd.Series(items).astype("str"),
            schema.ACTION: "visit",
            schema.TIME: (pd.Timestamp("2024-01-01", tz="UTC") + seconds).astype(schema.TIME_DTYPE),
            schema.LAT: np.where(known, 40 + items / 5_000, np.nan),
            schema.LON: np.where(known, -74 + items / 5_000, np.nan),
            schema.CATEGORY: "c" + pd.Series(items % 50).astype("str"),
        }
    )
    log.iloc[::100] = log.iloc[1::100].to_numpy()
    return schema.sort_log(log.astype({schema.TIME: schema.TIME_DTYPE}))


def measure_load() -> None:
    datasets.load_foursquare_nyc()
    begin = time.perf_counter()
    log = datasets.load_foursquare_nyc()
    print(f"warm load_foursquare_nyc: {time.perf_counter() - begin:.2f} s, {len(log):,} rows")


def measure_clean(n_rows: int) -> None:
    log = make_log(n_rows)
    before, begin = peak_megabytes(), time.perf_counter()
    schema.validate_log(log)
    validated = time.perf_counter()
    places = {schema.LAT: "same_item", schema.LON: "same_item"}
    cleaned, report = cleaning.clean(log, strategies=places, session_gap="6h")
    cleaning_time = time.perf_counter() - validated
    print(report.to_string(index=False))
    print(f"{len(log):,} rows in, {len(cleaned):,} out")
    print(f"validate {validated - begin:.2f} s, clean {cleaning_time:.2f} s")
    print(f"peak {peak_megabytes():,.0f} MB ({before:,.0f} MB before)")


def main() -> None:
    """Each measurement in a fresh process, so that none pays for another's memory."""
    if sys.argv[1:2] == ["--load"]:
        measure_load()
    elif sys.argv[1:2] == ["--clean"]:
        measure_clean(int(sys.argv[2]))
    else:
        n_rows = [*sys.argv[1:], "1000000"][0]
        for task in (["--load"], ["--clean", n_rows]):
            subprocess.run([sys.executable, __file__, *task], check=True)


if __name__ == "__main__":
    main()
