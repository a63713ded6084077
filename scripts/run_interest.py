"""Tune six models of interest and the counters, all with the same budget; judge them once.

    .venv/bin/python scripts/run_interest.py              # about 13 min of one core
    .venv/bin/python scripts/run_interest.py --models tree --trials 2 --sample 500   # a try

The exam: which of ten kinds comes next, at a time that is known, with a rolling history. Settings
are chosen on the validation part; blend, stack and temperatures are fitted there too. Answers go to
data/interest_answers.parquet query by query, settings and costs to data/interest_runs.csv.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from sklearn.base import clone

from stim_lib import (
    answers,
    baselines,
    datasets,
    interest,
    ledger,
    metrics,
    queries,
    schema,
    splits,
)

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = "scripts/run_interest.py"
STUDY, TASK = "interest", "next root category, time known"
KIND = schema.ROOT_CATEGORY


class Exam:
    """The three parts as tables of features, with their answers."""

    def __init__(self, log: pd.DataFrame, n_train: int) -> None:
        self.log, self.parts = log, splits.split_by_time(log)
        train, validation, test = self.parts
        # Drawn once; the first rows of the same order are what settings are searched on.
        self.order = np.random.default_rng(0).permutation(len(train))[:n_train]
        chosen = {"train": train.iloc[self.order], "validation": validation, "test": test}
        self.asked, self.truth, self.table = {}, {}, {}
        for name, part in chosen.items():
            self.asked[name], _ = queries.make_queries(part)
            self.truth[name] = part[KIND].rename_axis(queries.QUERY)
            self.table[name] = interest.make_interest_table(
                self.asked[name], log, train=train, kind=KIND, use_query_time=True, country="US"
            )
        self.kinds = sorted(train[KIND].unique())


def write(
    exam: Exam,
    arguments: argparse.Namespace,
    name: str,
    shares: pd.DataFrame,
    *,
    settings: dict[str, object],
    cpu_seconds: float,
) -> None:
    """Keep what a model said of the test part, and what it cost."""
    truth, users = exam.truth["test"], exam.asked["test"][schema.USER]
    column = pd.Index(exam.kinds).get_indexer(truth)
    judged = answers.judge_shares(shares[exam.kinds].to_numpy(), column).set_axis(truth.index)
    rows = judged.reset_index().assign(**{schema.USER: users.to_numpy()})
    answers.append_answers(rows, arguments.answers, study=STUDY, model=name,
                           n_train=len(exam.order), seed=arguments.seed)  # fmt: skip
    scores = judged.assign(**{"accuracy@1": (judged["rank"] == 1).astype(float)})
    means = metrics.bootstrap_means(scores[["nats", "accuracy@1"]], users, seed=arguments.seed)
    table = means.rename_axis("metric").reset_index().drop(columns="n_users")
    ledger.append_study(
        table.assign(
            study=STUDY, task=TASK, setting=f"n={len(exam.order)}", model=name,
            seed=arguments.seed, cpu_seconds=round(cpu_seconds, 1),
            settings=[settings] * len(table), script=SCRIPT,
        ),
        arguments.runs,
    )  # fmt: skip
    print(f"{name:24} {means['value']['nats']:.4f} {means['value']['accuracy@1']:.4f} "
          f"{cpu_seconds:6.0f} s {settings}", flush=True)  # fmt: skip


def learners(exam: Exam, arguments: argparse.Namespace, said: dict) -> None:
    """Each model untuned and tuned; both fitted on the same training queries."""
    few = slice(0, arguments.tune_on)
    for name in arguments.models:
        began = time.process_time()
        found = interest.tune_model(
            name, exam.table["train"].iloc[few], exam.truth["train"].iloc[few],
            exam.table["validation"], exam.truth["validation"],
            n_trials=arguments.trials, seed=arguments.seed,
        )  # fmt: skip
        searched = time.process_time() - began
        plain = interest.make_model(name, seed=arguments.seed)
        for title, model in ((f"{name}, untuned", plain), (name, clone(found.model))):
            began = time.process_time()
            model.fit(exam.table["train"], exam.truth["train"])
            shares = {
                part: interest.predict_interest(model, exam.table[part], kinds=exam.kinds)
                for part in ("validation", "test")
            }
            cost = time.process_time() - began
            settings = found.settings if title == name else {}
            told = settings | {"tuning_cpu_seconds": round(searched, 1)} if settings else settings
            write(exam, arguments, title, shares["test"], settings=told, cpu_seconds=cost)
            said[title] = shares


def counters(exam: Exam, arguments: argparse.Namespace, said: dict) -> None:
    """One counter as it comes, and the mix with the budget of the others."""
    train, validation, _ = exam.parts
    items = train.assign(**{schema.ITEM: train[KIND]})
    plain = baselines.HourOfWeekCounter(use_query_time=True).fit(items)
    began = time.process_time()
    found = interest.tune_counters(
        train, validation, exam.log, kind=KIND, use_query_time=True,
        n_trials=arguments.trials, seed=arguments.seed,
    )  # fmt: skip
    searched = time.process_time() - began
    for title, model in (("hour counter, untuned", plain), ("counters", found.model)):
        began = time.process_time()
        shares = {
            part: interest.counter_shares(model, exam.asked[part], exam.log, kind=KIND)
            for part in ("validation", "test")
        }
        cost = time.process_time() - began
        told = {}
        if title == "counters":
            told = found.settings | {"weights": found.model.weights,
                                     "tuning_cpu_seconds": round(searched, 1)}  # fmt: skip
        write(exam, arguments, title, shares["test"], settings=told, cpu_seconds=cost)
        said[title] = shares


def pools(exam: Exam, arguments: argparse.Namespace, said: dict) -> None:
    """Temperatures, blends and stacks, learned on the validation part."""
    truth = exam.truth["validation"]
    names = [name for name in said if not name.endswith("untuned")]
    tables = {part: {name: said[name][part] for name in names} for part in ("validation", "test")}
    for name in names:
        for method in ("temperature", "isotonic"):
            rule = interest.fit_calibration(tables["validation"][name], truth, method=method)
            told = {"temperature": float(rule.temperature)} if method == "temperature" else {}
            title = f"{name}, {method}"
            write(
                exam,
                arguments,
                title,
                rule.apply(tables["test"][name]),
                settings=told,
                cpu_seconds=0.0,
            )
    for title, chosen in (("of all", names), ("of models", [n for n in names if n != "counters"])):
        some = {part: {n: tables[part][n] for n in chosen} for part in tables}
        began = time.process_time()
        blend = interest.fit_blend(some["validation"], truth)
        told = {"weights": blend.weights.round(4).to_dict()}
        cost = time.process_time() - began
        write(
            exam,
            arguments,
            f"blend {title}",
            blend.predict(some["test"]),
            settings=told,
            cpu_seconds=cost,
        )
        began = time.process_time()
        stack = interest.fit_stack(some["validation"], truth)
        told = {"powers": stack.powers.round(4).to_dict(), "bias": stack.bias.round(4).to_dict()}
        cost = time.process_time() - began
        write(
            exam,
            arguments,
            f"stack {title}",
            stack.predict(some["test"]),
            settings=told,
            cpu_seconds=cost,
        )


def main() -> None:
    """Run all models, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", nargs="+", default=list(interest.MODELS))
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--sample", type=int, default=100_000, help="at most so many to learn from")
    parser.add_argument("--tune-on", type=int, default=20_000, help="those of the search")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--answers", type=Path, default=ROOT / "data" / "interest_answers.parquet")
    parser.add_argument("--runs", type=Path, default=ROOT / "data" / "interest_runs.csv")
    arguments = parser.parse_args()
    began = time.process_time()
    exam = Exam(datasets.load_foursquare_nyc(), arguments.sample)
    print(f"tables: {time.process_time() - began:.0f} s, {exam.table['train'].shape}", flush=True)
    said: dict[str, dict[str, pd.DataFrame]] = {}
    counters(exam, arguments, said)
    learners(exam, arguments, said)
    pools(exam, arguments, said)


if __name__ == "__main__":
    main()
