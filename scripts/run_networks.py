"""Train and judge the networks of chapters 07 and 08; write what the chapters read.

    export OMP_NUM_THREADS=1
    .venv/bin/python scripts/run_networks.py models        # one seed each, to data/runs.csv
    .venv/bin/python scripts/run_networks.py ablation      # five seeds, to data/network_runs.csv
    .venv/bin/python scripts/run_networks.py categories    # five seeds and the counters, likewise
    .venv/bin/python scripts/run_networks.py speed         # seconds of `score` alone, likewise

Settings were chosen on the validation part; the test part is asked once for each row. One thread,
so that processor time is time of one core. What a file already holds is not run again.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from stim_lib import baselines, datasets, evaluation, ledger, metrics, networks, queries, splits

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = "scripts/run_networks.py"
DATASET, SPLIT = "foursquare_nyc", "80/10/10 of the time span"
RUNS = ROOT / "data" / "network_runs.csv"
SEEDS = tuple(range(5))
N_LEFT_OUT = 9
PASSES = 3
# Dropout and learning rate: the best on validation of three pairs.
SOFTMAX_ALONE = (0.4, 0.01)
LIKELY = "mix of counters, by likelihood"
KEYS = ["study", "task", "time", "model", "seed"]

LSTM = {
    "trunk": "lstm", "inputs": ["user"], "length": 128, "stride": 64, "width": 64, "dropout": 0.4,
    "training": {"epochs": 6, "batch_size": 8, "learning_rate": 0.01, "patience": None},
}  # fmt: skip
COPYING_LSTM = LSTM | {
    "width": 32, "dropout": 0.5, "copy_heads": 4, "copy_hidden": 16,
    "training": {"epochs": 5, "batch_size": 8, "learning_rate": 0.005, "patience": None},
}  # fmt: skip
# As much of the same as half a minute allows: one pass over the log.
SHORT_LSTM = COPYING_LSTM | {"training": COPYING_LSTM["training"] | {"epochs": 1}}
TRANSFORMER = {
    "trunk": "transformer", "inputs": ["category", "clock", "gap"], "width": 32, "dropout": 0.6,
    "copy_heads": 6, "copy_relations": list(networks.RELATIONS), "copy_content": True,
    "trunk_relations": ["log_steps", "log_age"],
    "training": {"epochs": 6, "batch_size": 8, "learning_rate": 0.003, "patience": None},
}  # fmt: skip
MODELS = {
    "LSTM, ids only": (LSTM, False),
    "LSTM that copies, ids only": (COPYING_LSTM, False),
    "LSTM that copies, ids only, 1 epoch": (SHORT_LSTM, False),
    "Transformer that copies": (TRANSFORMER, False),
    "Transformer that copies, timed": (TRANSFORMER, True),
}
# Sixty runs are affordable if each looks back half as far, reads the log half as often, and takes
# what is not copied from the popularity: the softmax over 13,981 places is most of the work.
SHORTER = {
    "length": 128, "stride": 64, "softmax": False,
    "training": TRANSFORMER["training"] | {"epochs": 3, "batch_size": 16},
}  # fmt: skip


def without(*groups: str) -> list[str]:
    """Relations that are left when groups of them are taken out."""
    out = {name for group in groups for name in networks.RELATION_GROUPS[group]}
    return [name for name in networks.RELATIONS if name not in out]


def inputs_without(*names: str) -> list[str]:
    """Inputs of the Transformer that are left."""
    return [name for name in TRANSFORMER["inputs"] if name not in names]


def ablation() -> dict[str, dict]:
    """Each variant: the Transformer, timed, made cheaper, with one part changed."""
    short = TRANSFORMER | SHORTER
    no_age = {
        "copy_relations": without("age"), "inputs": inputs_without("gap"),
        "trunk_relations": ["log_steps"],
    }  # fmt: skip
    # A softmax alone learns slowly: it needs a vector for each user, and settings of its own.
    no_copy = {
        "copy_heads": 0, "softmax": True, "inputs": ["user", *TRANSFORMER["inputs"]],
        "dropout": SOFTMAX_ALONE[0],
        "training": LSTM["training"] | {"learning_rate": SOFTMAX_ALONE[1]},
    }  # fmt: skip
    changes = {
        "everything": {},
        "no hour of the week": {
            "copy_relations": without("clock"),
            "inputs": inputs_without("clock"),
        },
        "no age": no_age,
        "no distance": {"copy_relations": without("space")},
        "no order": {"copy_relations": without("order")},
        "no visit counts": {"copy_relations": without("visits")},
        "nothing reads the history before the copy head": {"trunk": "none"},
        "encoder-decoder instead": {"trunk": "encoder_decoder"},
        "a softmax and no copy head": no_copy,
        "LSTM instead": {"trunk": "lstm"},
        "with words of the categories": {"features": "words"},
        "with a softmax over the catalogue": {"softmax": True},
    }
    return {name: short | change for name, change in changes.items()}


def word_features(log: pd.DataFrame):
    """Function of a vocabulary: what the words of each item's category say, in 16 numbers."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    category = log.groupby("item_id")["category"].first()

    def features(items) -> np.ndarray:
        words = TfidfVectorizer().fit_transform(category[items.tokens])
        vectors = TruncatedSVD(16, random_state=0).fit_transform(words)
        return np.concatenate([np.zeros((2, 16)), vectors])

    return features


def make_model(name: str, settings: dict, use_query_time: bool, seed: int, train: pd.DataFrame):
    """An untrained model."""
    settings = dict(settings)
    if settings.get("features") == "words":
        settings["features"] = word_features(train)
    return networks.SequenceModel(name, use_query_time=use_query_time, seed=seed, **settings)


def nats(model, test: pd.DataFrame, log: pd.DataFrame, train: pd.DataFrame) -> float:
    """Mean of -log p(truth) over the queries whose truth is in the catalogue."""
    asked, truth = queries.make_queries(test)
    losses = []
    knowledge = queries.Knowledge("rolling", "known" if model.use_query_time else "unknown")
    for batch, some, visible in queries.batches(asked, log, knowledge=knowledge, train=train):
        shares = model.score(some, history=visible)
        shares = shares / shares.sum(axis=1, keepdims=True)
        column = model.catalogue.get_indexer(truth.iloc[batch])
        known = np.flatnonzero(column >= 0)
        losses.append(-np.log(np.maximum(shares[known, column[known]], 1e-9)))
    return float(np.concatenate(losses).mean())


def counters(
    parts: tuple, log: pd.DataFrame, *, use_query_time: bool, places: bool
) -> baselines.Mix:
    """The tuned mix of counters; for places with the weights that the ledger keeps."""
    train, validation, _ = parts
    mix = baselines.Mix(use_query_time=use_query_time)
    if places:
        runs = ledger.read_runs()
        time_ = "known" if use_query_time else "unknown"
        row = runs[
            (runs["model"] == str(mix)) & (runs["history"] == "rolling") & (runs["time"] == time_)
        ]
        return baselines.Mix(
            weights=json.loads(row["settings"].iloc[0])["weights"], use_query_time=use_query_time
        ).fit(train)
    parts_ = {
        name: part for name, part in mix.components.items() if not name.startswith("near")
    }  # fmt: skip
    mix = baselines.Mix(parts_, use_query_time=use_query_time).fit(train)
    return baselines.tune_mix(mix, validation, train=train, log=log)[0]


def append(row: dict) -> None:
    """Add a row to the file of runs."""
    versions = {
        name: distribution.version
        for distribution in importlib.metadata.distributions()
        # Some installers write tensorflow_cpu.
        if (name := distribution.metadata["Name"].replace("_", "-"))
        in ("keras", "tensorflow", "tensorflow-cpu", "numpy")
    }
    row |= {"versions": json.dumps(versions), "script": SCRIPT}
    columns = pd.read_csv(RUNS, nrows=0).columns if RUNS.exists() else [*row]
    pd.DataFrame([row], columns=columns).to_csv(
        RUNS, mode="a", header=not RUNS.exists(), index=False, float_format="%.6g"
    )
    shown = (*KEYS, "mrr", "accuracy@1", "nats", "cpu_seconds")
    print({key: row[key] for key in shown if key in row}, flush=True)


def already(row: dict) -> bool:
    """Whether the file holds a run with the same keys."""
    if not RUNS.exists():
        return False
    done = pd.read_csv(RUNS, dtype={"seed": "Int64"})
    return bool((done[KEYS].astype(str) == [str(row[key]) for key in KEYS]).all(axis=1).any())


@dataclass(frozen=True)
class Exam:
    """What is asked: the log and its parts, a rival's reciprocal ranks, and names for the file."""

    study: str
    task: str
    use_query_time: bool
    log: pd.DataFrame
    parts: tuple[pd.DataFrame, ...]
    rival: pd.Series

    def row(self, model: str, seed: int) -> dict:
        """The keys of a run."""
        time_ = "known" if self.use_query_time else "unknown"
        return {"study": self.study, "task": self.task, "time": time_, "model": model, "seed": seed}

    def judge(self, model) -> dict:
        """Metrics of a fitted model on the test part, and its lead over the rival."""
        train, _, test = self.parts
        result = evaluation.evaluate(model, test, train=train, log=self.log, leak_checks=0)
        scores = result.scores()
        lead = (scores["mrr"] - self.rival).to_frame("lead")
        interval = metrics.bootstrap_means(lead, result.queries["user_id"]).loc["lead"]
        return (
            scores.mean().to_dict()
            | {"n": len(scores), "nats": nats(model, test, self.log, train)}
            | {f"lead_{name}": interval[name] for name in ("value", "low", "high")}
        )

    def run(self, models: dict[str, dict], seeds: Sequence[int]) -> None:
        """All models under all seeds; seeds outside, so that an interrupted run is balanced."""
        for seed in seeds:
            for name, settings in models.items():
                row = self.row(name, seed)
                if already(row):
                    continue
                model = make_model(name, settings, self.use_query_time, seed, self.parts[0])
                started = time.process_time()
                model.fit(self.parts[0], self.parts[1])
                row["cpu_seconds"] = round(time.process_time() - started, 1)
                append(row | self.judge(model))


def reciprocal_ranks(mix: baselines.Mix, parts: tuple, log: pd.DataFrame) -> pd.Series:
    """What the rival reaches on each query."""
    return evaluation.evaluate(mix, parts[2], train=parts[0], log=log, leak_checks=0).scores()[
        "mrr"
    ]


def run_models(log: pd.DataFrame, ledger_path: Path) -> None:
    """One seed of each model, to the ledger."""
    train, validation, test = splits.split_by_time(log)
    done = set(ledger.read_runs(ledger_path)["model"])
    for name, (settings, use_query_time) in MODELS.items():
        if name in done:
            continue
        model = make_model(name, settings, use_query_time, 0, train)
        started = time.process_time()
        model.fit(train, validation)
        seconds = time.process_time() - started
        result = evaluation.evaluate(model, test, train=train, log=log)
        asking = (time.process_time() - started - seconds) / len(test)
        ledger.append_run(
            result, ledger_path, dataset=DATASET, split=SPLIT, seed=0, cpu_seconds=seconds,
            script=SCRIPT, settings=settings | {"asking_ms": round(1000 * asking, 2)},
        )  # fmt: skip
        print(
            f"{result}: {result.scores().mean().round(4).to_dict()}, {seconds:.0f} CPU-s",
            flush=True,
        )


def run_ablation(log: pd.DataFrame, seeds: Sequence[int]) -> None:
    """The Transformer, timed, with one part changed at a time."""
    parts = splits.split_by_time(log)
    mix = counters(parts, log, use_query_time=True, places=True)
    exam = Exam("ablation", "next place", True, log, parts, reciprocal_ranks(mix, parts, log))
    # What is left out first, what is put in its place second: an interrupted run has one whole.
    variants = list(ablation().items())
    for some in (variants[:N_LEFT_OUT], variants[N_LEFT_OUT:]):
        exam.run(dict(some), seeds)


def run_categories(log: pd.DataFrame, seeds: Sequence[int]) -> None:
    """Next root category and next category: tuned counters, then five seeds of two networks.

    The counters are tuned twice, for the ranking and for the log-loss: each is judged by its own.
    """
    everything = ["user", *TRANSFORMER["inputs"]]
    reading = {"epochs": 12, "batch_size": 16, "learning_rate": 0.005, "patience": 3}
    models = {
        "LSTM": LSTM
        | {"inputs": everything, "stride": 96, "dropout": 0.5, "training": reading},
        "Transformer that copies": TRANSFORMER
        | SHORTER
        | {"inputs": everything, "softmax": True},
    }  # fmt: skip
    for task, column in (("next root category", "root_category"), ("next category", "category")):
        renamed = log.assign(item_id=log[column])
        parts = splits.split_by_time(renamed)
        for use_query_time in (False, True):
            mix = counters(parts, renamed, use_query_time=use_query_time, places=False)
            ranks = reciprocal_ranks(mix, parts, renamed)
            exam = Exam("categories", task, use_query_time, renamed, parts, ranks)
            likely = baselines.weigh_by_likelihood(mix, parts[1], train=parts[0], log=renamed)
            for name, rival in (("tuned mix of counters", mix), (LIKELY, likely)):
                row = exam.row(name, 0) | {"cpu_seconds": np.nan}
                if not already(row):
                    append(row | exam.judge(rival))
            exam.run(models, seeds)


def scoring_seconds(model, test: pd.DataFrame, log: pd.DataFrame, train: pd.DataFrame) -> float:
    """Processor time of scoring all queries once: no ranking, no leak checks, no histories."""
    asked, _ = queries.make_queries(test)
    knowledge = queries.Knowledge("rolling", "known" if model.use_query_time else "unknown")
    seconds = 0.0
    for _, some, visible in queries.batches(asked, log, knowledge=knowledge, train=train):
        started = time.process_time()
        model.score(some, history=visible)
        seconds += time.process_time() - started
    return seconds


def run_speed(log: pd.DataFrame) -> None:
    """What answers cost, of networks as `prepare` makes them: weights don't change the time.

    The first pass compiles and is not counted; of the others the fastest is kept, as the one
    that other work on the machine disturbed least.
    """
    train, _, test = splits.split_by_time(log)
    for name, (settings, use_query_time) in MODELS.items():
        time_ = "known" if use_query_time else "unknown"
        row = {"study": "speed", "task": "next place", "time": time_, "model": name, "seed": 0}
        if already(row):
            continue
        model = make_model(name, settings, use_query_time, 0, train).prepare(train)
        passes = [scoring_seconds(model, test, log, train) for _ in range(1 + PASSES)]
        append(row | {"cpu_seconds": round(min(passes[1:]), 3), "n": len(test)})


def main() -> int:
    """Run one part; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("models", "ablation", "categories", "speed"))
    parser.add_argument("--ledger", type=Path, default=ROOT / "data" / ledger.FILE)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    options = parser.parse_args()
    # TensorFlow is imported later, and reads these then.
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")
    log = datasets.load_foursquare_nyc()
    if options.part == "models":
        run_models(log, options.ledger)
    elif options.part == "ablation":
        run_ablation(log, options.seeds)
    elif options.part == "speed":
        run_speed(log)
    else:
        run_categories(log, options.seeds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
