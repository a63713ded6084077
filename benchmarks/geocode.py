"""Names to coordinates and back, offline: seconds, and ratios against scikit-learn and difflib.

    .venv/bin/python benchmarks/geocode.py

Reverse geocoding of 67,000 points in New York is compared with scikit-learn's BallTree (haversine)
over the same places, and must find the same. Nearest spellings are compared with difflib's own
search of all names. Both take the best of three calls; the trees and indexes are built before.
"""

import difflib
import os
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from sklearn.neighbors import BallTree

from stim_lib import spatial
from stim_lib.spatial import _matching, _names, gazetteer, geocoding

REPEATS = 3
MISSPELT = ("Beijingg", "Guangzou", "Sao Pualo", "海锭区", "Brooklin Hights")


def best_time(call):
    """Least seconds of a few calls, and what the last returned."""
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - started)
    return min(seconds), result


def once(call):
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def loading():
    for smallest in (5_000, 500):
        table = once(lambda m=smallest: gazetteer.places(m))
        index = once(lambda m=smallest: gazetteer.name_index(m))
        n = len(gazetteer.places(smallest).table)
        print(f"load {n} places: table {table:.2f} s, index of names {index:.2f} s")


def names():
    some = spatial.load_gazetteer().sample(3_000, random_state=0)["place"].tolist()

    def all_anew():
        _matching.find_places.cache_clear()
        return spatial.geocode(some)

    spatial.geocode(some[:1])
    distinct, _ = best_time(all_anew)
    print(f"3,000 distinct names: {distinct:.3f} s")
    column = ["Beijing", "Paris, Texas"] * 30_000
    repeated, _ = best_time(lambda: spatial.geocode(column))
    print(f"60,000 rows of two names: {repeated:.3f} s")


def spellings():
    keys = [key for _, _, key, _ in _matching._spellings()]
    ours, _ = best_time(lambda: [_matching.nearest_spellings(name) for name in MISSPELT])
    asked = _names.name_keys(list(MISSPELT))
    peer, _ = best_time(lambda: [difflib.get_close_matches(key, keys) for key in asked])
    print(f"nearest of {len(keys)} spellings: {ours / len(asked):.3f} s a name, ", end="")
    print(f"difflib alone {peer / len(asked):.3f} s, ratio {peer / ours:.1f}")


def reverse(n_points=67_000):
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(40.5, 41, n_points), rng.uniform(-74.3, -73.6, n_points)
    _, rows = geocoding._tree(0)
    table = gazetteer.places(gazetteer.USUAL_POPULATION).table.iloc[rows]
    tree = BallTree(np.radians(table[["lat", "lon"]].to_numpy()), metric="haversine")
    ours, found = best_time(lambda: spatial.reverse_geocode(lat, lon))
    points = np.radians(np.c_[lat, lon])
    peer, (away, _) = best_time(lambda: tree.query(points))
    apart = np.abs(found["distance_metres"] - away[:, 0] * spatial.EARTH_RADIUS_METRES).max()
    print(f"reverse {n_points} points: {ours:.3f} s, BallTree alone {peer:.3f} s, ", end="")
    print(f"ratio {peer / ours:.1f}, largest difference {apart:.1e} m")


if __name__ == "__main__":
    loading()
    names()
    spellings()
    reverse()
