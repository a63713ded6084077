"""Run every baseline on New York under all four kinds of knowledge; append to the ledger.

    .venv/bin/python scripts/run_baselines.py [--ledger FILE] [--trials N]

Takes about twelve minutes on two cores, most of it for tuning four mixes.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from stim_lib import baselines, datasets, evaluation, ledger, queries, splits

ROOT = Path(__file__).resolve().parent.parent
DATASET = "foursquare_nyc"
SPLIT = "80/10/10 of the time span"
SCRIPT = "scripts/run_baselines.py"
SEED = 0


def counters(*, use_query_time: bool) -> list[baselines.Baseline]:
    """Models without weights to tune; those that ignore the clock run once, time unknown."""
    timed = {"use_query_time": use_query_time}
    hours = [
        baselines.HourOfWeekCounter(width_hours=2, **timed),
        baselines.HourOfWeekCounter(width_hours=0.75, **timed),
    ]
    if use_query_time:
        return hours
    return [
        baselines.GlobalPopularity(),
        baselines.UserCounter(),
        baselines.UserCounter(half_life_days=20),
        *hours,
        baselines.Markov(level="global"),
        baselines.Markov(level="user"),
        baselines.Markov(level="backed off"),
        baselines.NearestPlaces(),
        baselines.NearestPlaces(popularity_power=0.7),
    ]


def settings_of(model: baselines.Baseline) -> dict[str, object]:
    """Public settings of a model, as far as JSON can hold them."""
    return {
        name: value
        for name, value in vars(model).items()
        if not name.startswith("_")
        and isinstance(value, int | float | str | dict | None)
        and name != "components"
    }


def main() -> int:
    """Run everything; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ledger", type=Path, default=ROOT / "data" / ledger.FILE)
    parser.add_argument("--trials", type=int, default=300)
    options = parser.parse_args()
    log = datasets.load_foursquare_nyc()
    train, validation, test = splits.split_by_time(log)

    def run(model, history, started):
        result = evaluation.evaluate(model, test, train=train, log=log, history=history)
        seconds = time.process_time() - started
        ledger.append_run(
            result, options.ledger, dataset=DATASET, split=SPLIT, seed=SEED,
            cpu_seconds=seconds, script=SCRIPT, settings=settings_of(model),
        )  # fmt: skip
        means = result.scores().mean().round(4).to_dict()
        print(f"{result}: {means} in {seconds:.0f} CPU-s", flush=True)

    for use_query_time in (False, True):
        for history in queries.HISTORIES:
            for model in counters(use_query_time=use_query_time):
                started = time.process_time()
                run(model.fit(train), history, started)
            started = time.process_time()
            mix = baselines.Mix(use_query_time=use_query_time).fit(train)
            tuned, trials = baselines.tune_mix(
                mix, validation, train=train, log=log, history=history,
                n_trials=options.trials, seed=SEED,
            )  # fmt: skip
            print(f"tuned in {len(trials)} trials: {trials['objective'].max():.4f} on validation")
            run(tuned, history, started)
    return 0


if __name__ == "__main__":
    sys.exit(main())
