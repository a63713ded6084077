"""Run every baseline on New York under all four kinds of knowledge; append to the ledger.

    .venv/bin/python scripts/run_baselines.py [--ledger FILE] [--trials N] [--only counters|mixes]

Settings are chosen on the validation part, separately for each kind of knowledge. Takes about a
quarter of an hour on two cores, most of it for tuning four mixes.
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


def families(*, use_query_time: bool) -> list[list[baselines.Baseline]]:
    """Models, each with the settings among which validation chooses; one setting: as it is.

    Models that look neither at the hour nor at the query run once, time unknown.
    """
    timed = {"use_query_time": use_query_time}
    hours = [
        baselines.HourOfWeekCounter(width_hours=width, half_life_days=days, **timed)
        for width in (0.35, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6)
        for days in (30, 60, 120)
    ]
    if use_query_time:
        return [hours]
    half_lives = (7, 15, 30, 60, 120, 240)
    return [
        [baselines.GlobalPopularity()],
        [baselines.UserCounter()],
        [baselines.UserCounter(half_life_days=days) for days in (5, 10, 20, 30, 40, 60, 90)],
        hours,
        [baselines.Markov(level="global")],
        [baselines.Markov(level="user", half_life_days=days) for days in half_lives],
        [baselines.Markov(level="backed off", half_life_days=days) for days in half_lives],
        [baselines.NearestPlaces()],
        [
            baselines.NearestPlaces(decay_metres=metres, popularity_power=0.7)
            for metres in (150, 300, 600, 1200, 2400)
        ],
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


def best_on_validation(candidates, evaluate):
    """Fitted candidate with the best MRR + HR@10 / 5, as for the mix."""
    if len(candidates) == 1:
        return candidates[0]
    means = [evaluate(model).scores().mean() for model in candidates]
    reached = [mean["mrr"] + mean["hit_rate@10"] / 5 for mean in means]
    best = max(range(len(candidates)), key=reached.__getitem__)
    print(f"  chosen of {len(candidates)}: {settings_of(candidates[best])}", flush=True)
    return candidates[best]


def main() -> int:
    """Run everything; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ledger", type=Path, default=ROOT / "data" / ledger.FILE)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--only", choices=("counters", "mixes"))
    options = parser.parse_args()
    log = datasets.load_foursquare_nyc()
    train, validation, test = splits.split_by_time(log)

    def record(model, history, started):
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

            def judge(model, history=history):
                return evaluation.evaluate(
                    model.fit(train), validation, train=train, log=log, history=history
                )

            for candidates in families(use_query_time=use_query_time):
                if options.only != "mixes":
                    started = time.process_time()
                    record(best_on_validation(candidates, judge).fit(train), history, started)
            if options.only == "counters":
                continue
            started = time.process_time()
            tuned, trials = baselines.tune_mix(
                baselines.Mix(use_query_time=use_query_time).fit(train), validation,
                train=train, log=log, history=history, n_trials=options.trials, seed=SEED,
            )  # fmt: skip
            reached = trials["objective"].max()
            print(f"  tuned in {len(trials)} trials: {reached:.4f} on validation", flush=True)
            record(tuned, history, started)
    return 0


if __name__ == "__main__":
    sys.exit(main())
