"""Seconds, actions per second and peak memory of a large simulated city.

Usage: python benchmarks/simulate_city.py [n_users] [n_days]
"""

import resource
import sys
import time

from stim_lib.simulate import make_city


def peak_megabytes() -> float:
    """Peak resident memory of this process; Linux counts kilobytes, macOS bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def main() -> None:
    n_users, n_days = (int(word) for word in [*sys.argv[1:], "10000", "90"][:2])
    before, wall, cpu = peak_megabytes(), time.perf_counter(), time.process_time()
    city = make_city(n_users=n_users, n_days=n_days)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    log_size = city.log.memory_usage(deep=True).sum() / 1e6
    print(city)
    print(f"wall {wall:.1f} s, CPU {cpu:.1f} s, {len(city.log) / wall:,.0f} actions/s")
    print(f"peak {peak_megabytes():,.0f} MB ({before:,.0f} MB before), log {log_size:,.0f} MB")


if __name__ == "__main__":
    main()
