"""Fit the recommender on New York and judge it on the test part; append to the ledger.

    .venv/bin/python scripts/run_recommender.py [--ledger FILE] [--validation]

Places, time unknown and known; of the same models, lists without the user's own places for the
visits to new ones; and places replaced by their categories. With --validation the
validation part is asked instead and nothing is written: that is where choices are made. Takes
some minutes on one core.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from stim_lib import datasets, evaluation, ledger, recommend, schema, splits
from stim_lib.queries import make_queries

ROOT = Path(__file__).resolve().parent.parent
DATASET = "foursquare_nyc"
SPLIT = "80/10/10 of the time span"
SCRIPT = "scripts/run_recommender.py"
SEED = 0
ASKED_LENGTH, MOST_TIMED = 20, 1500
# In the log of each task the column stands where the places stood.
TASKS = {"": schema.ITEM, "categories": schema.CATEGORY, "root categories": schema.ROOT_CATEGORY}


def settings_of(model: recommend.Recommender) -> dict[str, object]:
    """What the fit reports, for the ledger."""
    report = {name: round(value, 4) for name, value in model.report_.items()}
    return {"seed": model.seed, "use_query_time": model.use_query_time, **report}


class NewPlaces:
    """A fitted recommender that is asked for places where the user has not been.

    Parameters
    ----------
    model : Recommender
    """

    def __init__(self, model: recommend.Recommender) -> None:
        self.model, self.use_query_time = model, model.use_query_time

    def __str__(self) -> str:
        return f"{self.model}, new places only"

    def rank(self, queries, k: int, *, history):
        """As `Recommender.rank`, without places of the past."""
        return self.model.rank(queries, k, history=history, exclude_seen=True, reasons=False)


def first_visits(part, log):
    """Actions at places where the user had not been before; only these have a new answer."""
    log = schema.sort_log(log)
    first = log.index[~log.duplicated([schema.USER, schema.ITEM])]
    return part[part.index.isin(first)]


def describe(result: evaluation.Evaluation) -> str:
    """Means of all queries, returns and new places, in one line each."""
    scores, revisit = result.scores(), result.queries["revisit"]
    parts = {"all": scores, "revisits": scores[revisit], "new to the user": scores[~revisit]}
    return "\n".join(
        f"  {name}: n={len(part):,} {part.mean().round(4).to_dict()}"
        for name, part in parts.items()
    )


def run(asked, judged, parts: dict, dataset: str, path: Path | None) -> None:
    """Ask about one part, print what came out and, with a path, write it down."""
    model = getattr(asked, "model", asked)
    started = time.process_time()
    result = evaluation.evaluate(asked, judged, **parts)
    asking = time.process_time() - started
    settings = settings_of(model) | {"milliseconds_a_query": speed(asked, judged, parts["log"])}
    print(f"{result}\n{describe(result)}\n  {settings}", flush=True)
    if path is not None:
        # Other queries are another exam, and no row of the leaderboard.
        split = SPLIT if asked is model else f"{SPLIT}, visits to new places"
        ledger.append_run(
            result, path, dataset=dataset, split=split, seed=SEED,
            cpu_seconds=model.report_["seconds"] + asking, script=SCRIPT, settings=settings,
        )  # fmt: skip


def speed(asked, judged, log) -> float:
    """Processor milliseconds a query, end to end, for lists of `ASKED_LENGTH`."""
    queries, _ = make_queries(judged.iloc[:MOST_TIMED])
    started = time.process_time()
    asked.rank(queries, ASKED_LENGTH, history=log)
    return round(1000 * (time.process_time() - started) / len(queries), 2)


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
        parts = splits.split_by_time(renamed)
        judged = parts[1] if options.validation else parts[2]
        for use_query_time in (False, True):
            model = recommend.Recommender(seed=SEED, use_query_time=use_query_time).fit(parts[0])
            known = {"train": parts[0], "log": renamed}
            dataset = f"{DATASET}, {task}" if task else DATASET
            path = None if options.validation else options.ledger
            run(model, judged, known, dataset, path)
            if not task:
                run(NewPlaces(model), first_visits(judged, renamed), known, dataset, path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
