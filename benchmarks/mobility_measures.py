"""Measures of mobility of each user, against three libraries on the same events.

    python -m venv PEER && PEER/bin/pip install trackintel movingpandas
    python -m venv OLD && OLD/bin/pip install scikit-mobility 'numpy<2'
    .venv/bin/python benchmarks/mobility_measures.py --peer-python PEER/bin/python \
        --skmob-python OLD/bin/python

Prints CPU-seconds, ratios and largest relative differences, for the measures that each peer has.
Each side gets the table that it documents, already made and sorted, and takes the best of three
calls, or fewer of long ones and more of short ones; only the calls are timed, neither imports nor
the making of tables.
One core, except where the line says processes. scikit-mobility needs an older pandas, so an
environment of its own. The peers take one user after the other, so the ratio grows with the number
of users: New York has 193, and --made adds a made city of as many users as it says, with some 35
actions each.

The Earth differs: our sphere has a radius of 6,371,008.8 m, theirs (trackintel, scikit-mobility)
6,371,000 m, and lengths are proportional to it, so theirs are multiplied by the quotient. All
of movingpandas' lengths are geodesics of the ellipsoid, so ours are, too (earth="ellipsoid").
Both average degrees for the centre of mass: ours does for the comparison (centre="degrees"), and
the difference from the centre on the sphere is printed.

    ... --write-fixture tests/unit/fixtures/mobility_peers.json

writes instead what the peers say about a small made log, for the tests.
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

# One core; before numpy reads it.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd

REPEATS = 3
ENOUGH, LONG_ENOUGH = 0.5, 10.0
THEIR_RADIUS = 6_371_000.0


def best_time(call, clock=time.process_time):
    """Least seconds of a few calls, and what the last returned."""
    seconds = []
    while sum(seconds) < ENOUGH or (len(seconds) < REPEATS and sum(seconds) < LONG_ENOUGH):
        started = clock()
        result = call()
        seconds.append(clock() - started)
    return min(seconds), result


def by_user(series):
    """Plain numbers by user."""
    return {str(user): float(value) for user, value in series.items()}


def run_trackintel(events):
    """Radius of gyration, jumps, and the most visited place, by trackintel."""
    import geopandas as gpd
    import trackintel as ti
    from trackintel.analysis import metrics

    points = gpd.points_from_xy(events["lon"], events["lat"], crs="EPSG:4326")
    times = pd.to_datetime(events["timestamp"], utc=True)
    table = gpd.GeoDataFrame(
        {
            "user_id": events["user_id"],
            "location_id": events["item_id"],
            "started_at": times,
            # Durations alike, so that the longest stay is the most frequent one.
            "finished_at": times + pd.Timedelta("1h"),
        },
        geometry=points,
    )
    table = ti.Staypoints(table)
    found = {}
    seconds, radius = best_time(lambda: metrics.radius_gyration(table))
    found["radius_of_gyration"] = seconds, by_user(radius)
    seconds, jump = best_time(lambda: metrics.jump_length(table))
    # Theirs goes to the next action, ours from the one before.
    jump = jump.sort_index().groupby(events["user_id"]).shift(1)
    found["jump_lengths"] = seconds, [None if np.isnan(j) else float(j) for j in jump]
    identify = functools.partial(
        ti.analysis.location_identifier, table, method="FREQ", pre_filter=False
    )
    seconds, homes = best_time(identify)
    homes = homes[homes["purpose"] == "home"].groupby("user_id")["location_id"].first()
    found["most_visited_place"] = seconds, {str(u): str(place) for u, place in homes.items()}
    return {"trackintel": (ti.__version__, found)}


def run_movingpandas(events, jobs):
    """Lengths and distances by movingpandas: geodesics, and planar for its speed."""
    import movingpandas as mpd

    table = events.assign(t=pd.to_datetime(events["timestamp"]))
    found = {}
    collection = mpd.TrajectoryCollection(table, "user_id", t="t", x="lon", y="lat")

    def lengths(some):
        return {str(one.id): one.get_length() for one in some}

    found["total_jump"] = best_time(lambda: lengths(collection))
    for n in dict.fromkeys((1, jobs)):
        add = functools.partial(collection.add_distance, overwrite=True, n_processes=n)
        # The work of other processes shows on the wall clock only.
        clock = time.process_time if n == 1 else time.perf_counter
        seconds, with_distance = best_time(add, clock)
        name = "jump_lengths" + ("" if n == 1 else f", {n} processes")
        jumps = pd.concat([one.df[["row", "distance"]] for one in with_distance or collection])
        jumps = jumps.set_index("row")["distance"].sort_index()
        first = ~events["user_id"].duplicated()
        jumps = jumps.reindex(events.index).mask(first)
        found[name] = seconds, [None if np.isnan(j) else float(j) for j in jumps]
    import geopandas as gpd

    flat = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(table["lon"], table["lat"]))
    flat = flat.set_crs("EPSG:4326")
    flat = flat.to_crs(flat.estimate_utm_crs()).set_index("t")
    flat = mpd.TrajectoryCollection(flat, "user_id")
    found["total_jump, planar"] = best_time(lambda: lengths(flat))
    return {"movingpandas": (mpd.__version__, found)}


def run_skmob(events):
    """The measures of scikit-mobility."""
    import skmob
    from skmob.measures import individual

    try:
        from importlib.metadata import version

        said = version("scikit-mobility")
    except ImportError:
        said = "?"
    table = events.assign(datetime=pd.to_datetime(events["local_time"]), uid=events["user_id"])
    table = skmob.TrajDataFrame(table, latitude="lat", longitude="lon", datetime="datetime")
    names = {
        "radius_of_gyration": "radius_of_gyration",
        "jump_lengths": "jump_lengths",
        "visitation_entropy": "uncorrelated_entropy",
        "random_entropy": "random_entropy",
        "n_places": "number_of_locations",
        "home": "home_location",
    }
    found = {}
    for ours, theirs in names.items():
        call = functools.partial(getattr(individual, theirs), table, show_progress=False)
        seconds, answer = best_time(call)
        answer = answer.set_index("uid")
        if ours == "home":
            found[ours] = (
                seconds,
                {str(u): [float(r.lat), float(r.lng)] for u, r in answer.iterrows()},
            )
        elif ours == "jump_lengths":
            parts = [[None, *(1000 * np.asarray(jumps)).tolist()] for jumps in answer.iloc[:, 0]]
            found[ours] = seconds, [jump for part in parts for jump in part]
        else:
            scale = 1000 if ours == "radius_of_gyration" else 1
            found[ours] = seconds, by_user(answer.iloc[:, 0] * scale)
    return {"scikit-mobility": (said, found)}


def run_peer(options):
    """In a peer's environment: read the events, run, print one line of JSON."""
    warnings.simplefilter("ignore")
    events = pd.read_csv(options.events, dtype={"user_id": str, "item_id": str})
    events["row"] = np.arange(len(events))
    answers = {}
    if options.peer == "skmob":
        answers = run_skmob(events)
    else:
        answers = run_trackintel(events) | run_movingpandas(events, options.jobs)
    print(json.dumps(answers))


def ours_for(log):
    """Our calls for each measure."""
    from stim_lib import spatial

    def random_entropy():
        return spatial.visitation_entropy(log, kind="random")

    def home():
        return spatial.find_home_and_work(log)

    def most_visited():
        return spatial.find_home_and_work(log, night_hours=(0, 24))["home"]

    def ellipsoid():
        return spatial.jump_lengths(log, earth="ellipsoid")

    def total(jumps):
        return jumps().groupby(log["user_id"]).sum()

    jumps = functools.partial(spatial.jump_lengths, log)
    degrees = functools.partial(spatial.radius_of_gyration, log, centre="degrees")
    return {
        "radius_of_gyration": degrees,
        "jump_lengths": jumps,
        "visitation_entropy": functools.partial(spatial.visitation_entropy, log),
        "random_entropy": random_entropy,
        "n_places": lambda: spatial.mobility_measures(log)["n_places"],
        "home": home,
        "most_visited_place": most_visited,
        "geodesic jump_lengths": ellipsoid,
        "geodesic total_jump": functools.partial(total, ellipsoid),
        "total_jump": functools.partial(total, jumps),
    }


def agreement(log, mine, theirs):
    """Share of users whose home is the same place, or another one as often visited at night."""
    hours = log["local_time"].dt.hour
    nights = log[(hours >= 22) | (hours < 7)]
    visits = nights.groupby(["user_id", nights["lat"].round(9), nights["lon"].round(9)]).size()
    known = [user for user in theirs if mine.loc[user, "n_home"]]
    at = [(user, *np.round(theirs[user], 9)) for user in known]
    as_often = visits.reindex(at).to_numpy() == mine.loc[known, "n_home"].to_numpy()
    return f"as often visited at night for {as_often.mean():.1%} of the users with a night"


def difference(log, measure, mine, theirs, scale):
    """Largest relative difference; for places, the share that agree."""
    if measure == "home":
        return agreement(log, mine, theirs)
    if measure == "most_visited_place":
        visits = log.groupby(["user_id", "item_id"]).size()
        same = [visits[user, place] == visits[user, mine[user]] for user, place in theirs.items()]
        return f"as often visited for {np.mean(same):.1%} of users"
    if isinstance(theirs, dict):
        theirs = pd.Series(theirs).reindex(mine.index)
    theirs, mine = np.asarray(theirs, dtype=float) * scale, mine.to_numpy(dtype=float)
    gap = np.abs(mine - theirs)
    # Below a hundred metres the arccos of some has few digits left: say how many metres.
    short = np.isfinite(gap) & (mine < 100 if "jump_lengths" in measure else False)
    long = np.isfinite(gap) & ~short & (theirs != 0)
    text = f"largest relative difference {(gap[long] / theirs[long]).max(initial=0):.1e}"
    if short.any():
        text += f", {gap[short].max():.1e} m below 100 m"
    lost = int((np.isfinite(mine) & ~np.isfinite(theirs)).sum())
    return text + (f"; theirs is NaN {lost} times" if lost else "")


def ask_peers(log, folder, options):
    """Hand the events over; collect the answers of all peers."""
    path = Path(folder) / "events.csv"
    columns = ["user_id", "item_id", "timestamp", "local_time", "lat", "lon"]
    # Times without a zone, which every version of pandas reads alike.
    plain = log[columns].assign(timestamp=log["timestamp"].dt.tz_convert(None))
    plain.to_csv(path, index=False)
    answers = {}
    for peer, python in (("new", options.peer_python), ("skmob", options.skmob_python)):
        if python:
            command = [python, "-W", "ignore", __file__, "--peer", peer, "--events", str(path)]
            command += ["--jobs", str(options.jobs)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            answers |= json.loads(done.stdout.splitlines()[-1])
    return answers


def one_for_each_instant(log):
    """Peers order the equal instants of a user freely."""
    return log.drop_duplicates(["user_id", "timestamp"], ignore_index=True)


def compare(whole, label, options):
    """Time all sides on a log; print."""
    from stim_lib import spatial

    at_once, _ = best_time(lambda: spatial.mobility_measures(whole))
    print(f"{label}: {len(whole):,} events, {whole['user_id'].nunique():,} users")
    print(f"  stim_lib, ten measures at once: {at_once:.3f} s")
    log = one_for_each_instant(whole)
    print(f"  compared on {len(log):,} events (one for each user and instant)")
    sphere, degrees = (
        spatial.radius_of_gyration(log, centre=centre) for centre in ("sphere", "degrees")
    )
    print(f"  radius by centre on the sphere or in degrees: {(degrees / sphere - 1).max():.1e}")
    with tempfile.TemporaryDirectory() as folder:
        answers = ask_peers(log, folder, options)
    calls = ours_for(log)
    for peer, (version, found) in answers.items():
        total = {"ours": 0.0, "theirs": 0.0}
        for name, (theirs, answer) in found.items():
            measure, _, how = name.partition(", ")
            geodesic = peer == "movingpandas" and how != "planar"
            mine = f"geodesic {measure}" if geodesic else measure
            seconds, result = best_time(calls[mine])
            lengths = measure in {"radius_of_gyration", "jump_lengths"} and peer != "movingpandas"
            scale = spatial.EARTH_RADIUS_METRES / THEIR_RADIUS if lengths else 1.0
            gap = difference(log, measure, result, answer, scale)
            print(f"  {peer} {version}, {name}: {theirs:.3f} s, ours {seconds:.4f} s, ratio "
                  f"{theirs / seconds:.0f}; {gap}", flush=True)  # fmt: skip
            if not how:
                total["ours"] += seconds
                total["theirs"] += theirs
        print(
            f"  {peer}, all of these: ratio {total['theirs'] / total['ours']:.0f}; to our ten "
            f"measures at once {total['theirs'] / at_once:.0f}"
        )


def small_log():
    """Forty actions of each of four made users, and two who cross the antimeridian or the sea."""
    from stim_lib import schema, simulate

    log = simulate.make_city(n_users=12, n_places=60, n_days=60, seed=5).log
    log = log[log["user_id"].isin(sorted(log["user_id"].unique())[:4])]
    log = log.groupby("user_id").head(40)
    far = log.head(6).copy()
    far["lat"] = [-17.7, -17.8, -17.7, -16.8, -16.9, -17.7]
    far["lon"] = [178.1, 177.9, 178.4, -179.9, -179.9, 178.1]
    seas = far.assign(user_id="traveller", lat=[48.9, 40.7, 35.7, -33.9, 48.9, 51.5],
                      lon=[2.35, -74.0, 139.7, 151.2, 2.35, -0.1])  # fmt: skip
    both = [part.assign(item_id=[f"{name}{i}" for i in (0, 1, 2, 3, 4, 0)]) for name, part in
            (("f", far.assign(user_id="islander")), ("t", seas))]  # fmt: skip
    whole = schema.sort_log(pd.concat([log, *both]))
    return one_for_each_instant(whole)


def write_fixture(options):
    """Keep what the peers say about the small log."""
    log = small_log()
    with tempfile.TemporaryDirectory() as folder:
        answers = ask_peers(log, folder, options)
    columns = ["user_id", "item_id", "timestamp", "local_time", "lat", "lon"]
    events = {name: log[name].astype(str).tolist() for name in columns[:4]}
    events |= {name: log[name].tolist() for name in columns[4:]}
    table = {
        "made_by": "benchmarks/mobility_measures.py --write-fixture",
        "versions": {peer: version for peer, (version, _) in answers.items()},
        "events": events,
    }
    for peer, (_, found) in answers.items():
        table[peer] = {name: answer for name, (_, answer) in found.items() if "," not in name}
    options.write_fixture.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(part)}" for key, part in table.items())
    options.write_fixture.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def main():
    """Time all sides, or write the fixture."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--peer-python", help="python of an environment with trackintel and movingpandas"
    )
    parser.add_argument("--skmob-python", help="python of an environment with scikit-mobility")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--made", type=int, help="also a made city of this many users")
    parser.add_argument("--write-fixture", type=Path)
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--events", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        run_peer(options)
    elif options.write_fixture:
        write_fixture(options)
    else:
        from stim_lib import datasets, simulate

        compare(datasets.load_foursquare_nyc(), "New York", options)
        if options.made:
            log = simulate.make_city(options.made, 400, 25, seed=0).log
            compare(log, "a made city", options)


if __name__ == "__main__":
    sys.exit(main())
