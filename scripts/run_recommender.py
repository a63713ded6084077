"""Fit the recommender on New York and judge it on the test part; append to the ledger.

    .venv/bin/python scripts/run_recommender.py [--ledger FILE] [--validation]

Places, time unknown and known, and with places replaced by their categories. With --validation the
validation part is asked instead and nothing is written: that is where choices are made. Takes
some minutes on one core.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from stim_lib import datasets, evaluation, ledger, recommend, schema, splits

ROOT = Path(__file__).resolve().parent.parent
DATASET = "foursquare_nyc"
SPLIT = "80/10/10 of the time span"
SCRIPT = "scripts/run_recommender.py"
SEED = 0
# In the log of each task the column stands where the places stood.
TASKS = {"": schema.ITEM, "categories": schema.CATEGORY, "root categories": schema.ROOT_CATEGORY}


def settings_of(model: recommend.Recommender) -> dict[str, object]:
    """What the fit reports, for the ledger."""
    report = {name: round(value, 4) for name, value in model.report_.items()}
    return {"seed": model.seed, "use_query_time": model.use_query_time, **report}


def describe(result: evaluation.Evaluation) -> str:
    """Means of all queries, returns and new places, in one line each."""
    scores, revisit = result.scores(), result.queries["revisit"]
    parts = {"all": scores, "revisits": scores[revisit], "new to the user": scores[~revisit]}
    return "\n".join(
        f"  {name}: n={len(part):,} {part.mean().round(4).to_dict()}"
        for name, part in parts.items()
    )


def main() -> int:
    """Run every task; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ledger", type=Path, default=ROOT / "data" / ledger.FILE)
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--tasks", nargs="*", default=list(TASKS), choices=list(TASKS))
    options = parser.parse_args()
    log = datasets.load_foursquare_nyc()
    for task in options.tasks:
        renamed = log.assign(**{schema.ITEM: log[TASKS[task]]})
        train, validation, test = splits.split_by_time(renamed)
        judged = validation if options.validation else test
        for use_query_time in (False, True):
            model = recommend.Recommender(seed=SEED, use_query_time=use_query_time).fit(train)
            started = time.process_time()
            result = evaluation.evaluate(model, judged, train=train, log=renamed)
            asking = time.process_time() - started
            print(f"{task or 'places'}: {result}, {model.report_}")
            print(describe(result))
            print(f"  {1000 * asking / len(judged):.2f} CPU-ms a query", flush=True)
            if options.validation:
                continue
            ledger.append_run(
                result, options.ledger, dataset=f"{DATASET}, {task}" if task else DATASET,
                split=SPLIT, seed=SEED, cpu_seconds=model.report_["seconds"] + asking,
                script=SCRIPT, settings=settings_of(model),
            )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
