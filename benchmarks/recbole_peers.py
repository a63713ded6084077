"""Train RecBole's FPMC, GRU4Rec, SASRec and BERT4Rec on the book's split; append to the ledger.

    .venv/bin/python benchmarks/recbole_peers.py export FOLDER
    PEER/bin/python benchmarks/recbole_peers.py train FOLDER [--model NAME] [--trial N ...]
    .venv/bin/python benchmarks/recbole_peers.py judge FOLDER [--model NAME] [--ledger FILE]

PEER is an environment of its own, made from benchmarks/recbole_requirements.txt on Python 3.11:
RecBole needs PyTorch and an older NumPy and pandas than the book. The two meet in FOLDER alone.

- `export` writes what RecBole reads: each training action with its user's earlier ones, and the
  same for validation and test. What lies at or after a query is cut here. The answers of the test
  part are not written, so nothing that runs in the other environment can have seen them.
- `train` fits RecBole's own models with RecBole's own trainer. Early stopping and the choice among
  the settings of `GRIDS` look at the MRR on the validation part. It keeps the scores of the
  chosen setting. One thread; the whole grid takes about two hours of one quiet core.
- `judge` reads the scores and asks them the questions of the book's harness.

The exam is "rolling history, time unknown": weights come from the training part, the sequence that
a query is answered from holds everything of the user before it. Places without a training action
are left out of sequences; as answers they are misses, as for all others. The `validation_mrr` of a
trial is RecBole's, over the validation queries that have an answer in the catalogue (four in five).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATASET = "foursquare_nyc"
SPLIT = "80/10/10 of the time span"
SCRIPT = "benchmarks/recbole_peers.py"
SEED = 0
LENGTHS = (50, 100, 200)
STRIDES = (1, 5, 25)
QUERIES_AT_ONCE = 4096
PLACEHOLDER = 0  # RecBole wants an answer in each row; this one says nothing.

# Settings of a trial are RecBole's, but for two. `length` is its MAX_ITEM_LIST_LENGTH. `stride` 1
# is RecBole's augmentation: a sequence for each action, of which the last position alone is learned
# from. With stride s every s-th sequence is kept and its last s positions are learned from, as
# SASRec's authors do: the same actions, each with at least length - s earlier ones, in a fraction
# of the time. BERT4Rec learns from what is masked, wherever it stands.
SHARED = {"learning_rate": 1e-3, "length": 50, "stride": 1, "train_batch_size": 256}
EVERY_5 = {"stride": 5, "train_batch_size": 64}
EVERY_25 = {"stride": 25, "train_batch_size": 16}
# Near RecBole's defaults first; its batches of 2048 leave 29 steps an epoch on so small a log.
GRIDS = {
    "FPMC": [
        {"embedding_size": 64, "train_batch_size": 2048},
        {"embedding_size": 32, "train_batch_size": 2048},
        {"embedding_size": 128, "train_batch_size": 2048},
        {"embedding_size": 64, "train_batch_size": 2048, "learning_rate": 3e-3},
        {"embedding_size": 128, "train_batch_size": 2048, "learning_rate": 3e-3},
        {
            "embedding_size": 64,
            "train_batch_size": 2048,
            "learning_rate": 3e-3,
            "weight_decay": 1e-6,
        },
    ],
    "SASRec": [
        {},
        {**EVERY_5},
        {**EVERY_5, "n_layers": 1},
        {**EVERY_25, "learning_rate": 2e-3},
        {**EVERY_25, "learning_rate": 2e-3, "length": 200},
    ],
    "GRU4Rec": [
        {**EVERY_25, "train_batch_size": 10},
        {**EVERY_25, "learning_rate": 5e-3},
        {**EVERY_25, "learning_rate": 3e-3, "dropout_prob": 0.5},
        {**EVERY_25, "learning_rate": 5e-3, "dropout_prob": 0.5, "length": 100},
        {**EVERY_5, "learning_rate": 3e-3, "dropout_prob": 0.5},
    ],
    # A rate of 8e-3 stood at .10 after twelve epochs and was stopped.
    "BERT4Rec": [
        {**EVERY_5, "learning_rate": 2e-3},
        {**EVERY_5, "learning_rate": 4e-3},
        {**EVERY_5, "learning_rate": 2e-3, "mask_ratio": 0.4},
    ],
}
# Epochs at most, and epochs without a better MRR on validation before a trial ends.
PATIENCE = {"FPMC": (300, 5), "SASRec": (12, 2), "GRU4Rec": (14, 2), "BERT4Rec": (40, 3)}


def earlier_items(asked, log, columns, length):
    """The last items of each query's user strictly before it, as lists of columns.

    `columns` is the column of each row of the log in the catalogue, -1 where it is not in it.
    """
    import numpy as np

    from stim_lib import queries, schema

    lists = []
    for first in range(0, len(asked), QUERIES_AT_ONCE):
        some = asked.iloc[first : first + QUERIES_AT_ONCE]
        past = queries.look_back(some, log)
        before = log[schema.TIME].to_numpy()[past.row] < some[schema.TIME].to_numpy()[past.query]
        assert before.all(), "a sequence holds what came at or after its query"
        known = columns[past.row] >= 0
        query, column = past.query[known], columns[past.row][known]
        ends = np.searchsorted(query, np.arange(len(some)), side="right")
        starts = np.searchsorted(query, np.arange(len(some)), side="left")
        lists += [
            column[max(start, end - length) : end].tolist()
            for start, end in zip(starts, ends, strict=True)
        ]
    return lists


def every_last(users, stride):
    """Whether each action is the last, or s-th before the last, or 2 s-th … of its user."""
    from_end = users.groupby(users).cumcount(ascending=False)
    return (from_end % stride == 0).to_numpy()


def write_rows(path, users, lists, answers):
    """Write one atomic file of RecBole; rows without history or with an unknown answer stay out.

    Returns the number of rows.
    """
    rows = [
        f"{user}\t{' '.join(map(str, items))}\t{answer}\n"
        for user, items, answer in zip(users, lists, answers, strict=True)
        if items and answer >= 0
    ]
    head = "user_id:token\titem_id_list:token_seq\titem_id:token\n"
    path.write_text(head + "".join(rows), encoding="utf-8")
    return len(rows)


def export(folder):
    """Write the three parts for each length of history and each stride."""
    import numpy as np

    from stim_lib import datasets, queries, schema, splits

    log = datasets.load_foursquare_nyc()
    parts = dict(zip(("train", "valid", "test"), splits.split_by_time(log), strict=True))
    train = parts["train"]
    assert train[schema.TIME].max() < parts["valid"][schema.TIME].min()
    assert parts["valid"][schema.TIME].max() < parts["test"][schema.TIME].min()
    catalogue = train[schema.ITEM].value_counts().index
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "catalogue.json").write_text(json.dumps(catalogue.tolist()), encoding="utf-8")
    for length, (name, part) in itertools.product(LENGTHS, parts.items()):
        # The training part is read from itself alone; the others look back on everything.
        seen = train if name == "train" else log
        asked, truth = queries.make_queries(part)
        lists = earlier_items(asked, seen, catalogue.get_indexer(seen[schema.ITEM]), length)
        answers = catalogue.get_indexer(truth)
        if name == "test":
            assert all(lists), "some test query has no history"
            answers = np.full(len(part), PLACEHOLDER)
        for stride in STRIDES:
            kept = every_last(part[schema.USER], stride if name == "train" else 1)
            target = folder / f"nyc_{length}_{stride}"
            target.mkdir(exist_ok=True)
            rows = write_rows(
                target / f"{target.name}.{name}.inter",
                part[schema.USER][kept],
                itertools.compress(lists, kept),
                answers[kept],
            )
            print(f"{target.name}: {rows:,} of {len(part):,} actions in {name}", flush=True)


def configure(name, settings, folder):
    """RecBole's configuration of one trial."""
    from recbole.config import Config

    settings = {**SHARED, **settings}
    length, stride = settings["length"], settings["stride"]
    epochs, patience = PATIENCE[name]
    pairwise = name == "FPMC"
    return Config(
        model=name,
        dataset=f"nyc_{length}_{stride}",
        config_dict={
            "data_path": str(folder),
            "checkpoint_dir": str(folder / "saved"),
            "benchmark_filename": ["train", "valid", "test"],
            "load_col": {"inter": ["user_id", "item_id_list", "item_id"]},
            "alias_of_item_id": ["item_id_list"],
            "MAX_ITEM_LIST_LENGTH": length,
            "train_neg_sample_args": {"distribution": "uniform", "sample_num": 1}
            if pairwise
            else None,
            # Of an answer beyond the hundredth place the reciprocal rank is next to nothing.
            "topk": [100],
            "metrics": ["MRR", "Hit"],
            "valid_metric": "MRR@100",
            "eval_batch_size": 1024,
            "epochs": epochs,
            "stopping_step": patience,
            "use_gpu": False,
            "seed": SEED,
            "show_progress": False,
            "state": "ERROR",
            **settings,
        },
    )


def learn_from_last(model_class, stride):
    """RecBole's model with the loss of the last `stride` positions of each sequence.

    With stride 1 it is RecBole's own loss.
    """
    import torch

    class FromLast(model_class):
        def gather_indexes(self, output, index):
            return output if self.training else super().gather_indexes(output, index)

        def calculate_loss(self, interaction):
            items, length = interaction[self.ITEM_SEQ], interaction[self.ITEM_SEQ_LEN]
            states = self.forward(items, length)
            position = torch.arange(items.shape[1])
            after = torch.cat([items[:, 1:], torch.zeros_like(items[:, :1])], dim=1)
            answers = torch.where(
                position == length[:, None] - 1, interaction[self.POS_ITEM_ID][:, None], after
            )
            counted = (position < length[:, None]) & (position >= length[:, None] - stride)
            logits = states[counted] @ self.item_embedding.weight.T
            return self.loss_fct(logits, answers[counted])

    return FromLast


def learn_from_masks(model_class):
    """RecBole's BERT4Rec with the same loss, computed where something was masked and only there.

    RecBole computes it at every slot for a mask and multiplies the empty ones by 0.
    """
    import torch

    class FromMasks(model_class):
        def calculate_loss(self, interaction):
            states = self.forward(interaction[self.MASK_ITEM_SEQ])
            places, answers = interaction[self.MASK_INDEX], interaction[self.POS_ITEMS]
            row, slot = torch.nonzero(places > 0, as_tuple=True)
            items = self.item_embedding.weight[: self.n_items]
            logits = states[row, places[row, slot]] @ items.T + self.output_bias
            return torch.nn.functional.cross_entropy(logits, answers[row, slot])

    return FromMasks


def run_trial(name, settings, folder):
    """Fit one setting; return what it reached and its scores of the test queries."""
    import numpy as np
    import torch
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, get_trainer, init_seed

    config = configure(name, settings, folder)
    init_seed(config["seed"], config["reproducibility"])
    dataset = create_dataset(config)
    loaders = data_preparation(config, dataset)
    model_class = get_model(name)
    # Importing RecBole's models turns this on for all (a line in one of them); it halves the speed.
    torch.autograd.set_detect_anomaly(False)
    if name == "BERT4Rec":
        model_class = learn_from_masks(model_class)
    elif config["stride"] > 1:
        model_class = learn_from_last(model_class, config["stride"])
    model = model_class(config, loaders[0].dataset)
    trainer = get_trainer(config["MODEL_TYPE"], name)(config, model)
    reached, started = [], time.process_time()

    def report(epoch, score):
        reached.append(float(score))
        print(f"  {epoch + 1}: {score:.4f}, {time.process_time() - started:.0f} s", flush=True)

    trainer.fit(loaders[0], loaders[1], verbose=False, callback_fn=report)
    # Our own file of a minute ago; it holds RecBole's configuration beside the weights.
    kept = torch.load(trainer.saved_model_file, weights_only=False)
    model.load_state_dict(kept["state_dict"])
    os.remove(trainer.saved_model_file)
    model.eval()
    with torch.no_grad():
        scores = torch.cat([model.full_sort_predict(batch[0]) for batch in loaders[2]]).numpy()
    seconds = time.process_time() - started
    # Column 0 is RecBole's padding; its other numbers follow the order in which it met an item.
    tokens = dataset.id2token("item_id", np.arange(1, dataset.item_num)).astype(int)
    in_order = np.empty((len(scores), len(tokens)), dtype=np.float32)
    in_order[:, tokens] = scores[:, 1:]
    best = int(np.argmax(reached))
    found = {
        "settings": {**SHARED, **settings},
        "validation_mrr": round(reached[best], 4),
        "best_epoch": best + 1,
        "epochs": len(reached),
        "cpu_seconds": round(seconds, 1),
    }
    return found, in_order


def train(folder, names, chosen):
    """Run the trials of each model; keep a record of all and the scores of the best."""
    import numpy as np
    import recbole
    import torch

    torch.set_num_threads(1)
    sys.argv = sys.argv[:1]  # RecBole reads the command line as well
    os.chdir(folder)  # and writes its logs where it stands
    for name in names:
        record = folder / f"trials_{name}.json"
        trials = json.loads(record.read_text()) if record.exists() else []
        for number, settings in enumerate(GRIDS[name]):
            if chosen and number not in chosen:
                continue
            print(f"{name} {number}: {settings}", flush=True)
            found, scores = run_trial(name, settings, folder)
            found["versions"] = {"recbole": recbole.__version__, "torch": torch.__version__}
            print(f"  {found}", flush=True)
            if all(found["validation_mrr"] > other["validation_mrr"] for other in trials):
                np.save(folder / f"scores_{name}.npy", scores)
            trials.append(found)
            record.write_text(json.dumps(trials, indent=1))


class StoredScores:
    """Scores that another process wrote, one row for each query of the test part."""

    use_query_time = False

    def __init__(self, name, catalogue, index, scores):
        if scores.shape != (len(index), len(catalogue)):
            raise ValueError(
                f"{name}: expected scores of shape {(len(index), len(catalogue))}, found "
                f"{scores.shape}"
            )
        self.name, self.catalogue, self.index, self.scores = name, catalogue, index, scores

    def __str__(self):
        return self.name

    def score(self, queries, *, history):
        """Rows of these queries; the history was looked at when they were made."""
        rows = self.index.get_indexer(queries.index)
        if (rows < 0).any():
            raise ValueError(f"{self.name}: expected queries of the test part, found others")
        return self.scores[rows].astype(float)


def settings_of(trials):
    """What goes into the ledger: the chosen setting, and all that was tried."""
    best = max(trials, key=lambda trial: trial["validation_mrr"])
    varied = {
        key
        for trial in trials
        for key, value in trial["settings"].items()
        if any(other["settings"].get(key) != value for other in trials)
    }
    return best, {
        **best["settings"],
        "best_epoch": best["best_epoch"],
        "validation_mrr": best["validation_mrr"],
        "tuning_cpu_seconds": round(sum(trial["cpu_seconds"] for trial in trials), 1),
        "tried": [
            {key: trial["settings"].get(key) for key in sorted(varied)}
            | {key: trial[key] for key in ("epochs", "validation_mrr")}
            for trial in trials
        ],
        "peer_versions": best["versions"],
    }


def judge(folder, names, path):
    """Put the stored scores through the harness; append to the ledger."""
    import numpy as np
    import pandas as pd

    from stim_lib import datasets, evaluation, ledger, schema, splits

    log = datasets.load_foursquare_nyc()
    fitted_on, _, test = splits.split_by_time(log)
    catalogue = pd.Index(json.loads((folder / "catalogue.json").read_text()), name=schema.ITEM)
    for name in names:
        best, settings = settings_of(json.loads((folder / f"trials_{name}.json").read_text()))
        model = StoredScores(
            f"{name} (RecBole)", catalogue, test.index, np.load(folder / f"scores_{name}.npy")
        )
        # Stored scores can't change with the history, so a leak check would prove nothing. What
        # these models saw was cut, and the cut asserted, in `export`.
        result = evaluation.evaluate(model, test, train=fitted_on, log=log, leak_checks=0)
        ledger.append_run(
            result, path, dataset=DATASET, split=SPLIT, seed=SEED,
            cpu_seconds=best["cpu_seconds"], script=SCRIPT, settings=settings,
        )  # fmt: skip
        print(result, settings)
        print(result.summary().round(4), flush=True)


def main():
    """Read the command; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=("export", "train", "judge"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", choices=tuple(GRIDS), action="append")
    parser.add_argument("--trial", type=int, nargs="*", help="numbers in the grid; default all")
    parser.add_argument("--ledger", type=Path, default=ROOT / "data" / "runs.csv")
    options = parser.parse_args()
    names, folder = options.model or tuple(GRIDS), options.folder.resolve()
    if options.step == "export":
        export(folder)
    elif options.step == "train":
        train(folder, names, options.trial)
    else:
        judge(folder, names, options.ledger)
    return 0


if __name__ == "__main__":
    sys.exit(main())
