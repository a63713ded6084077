"""A language model re-ranks the counters' places on the leaderboard's exam; into the ledger.

    .venv/bin/python scripts/run_reranking.py [--ledger FILE]

Chapter 10 asks a thousand queries; here all of the test part are asked, so that the row stands
beside the others. Needs the adapter that `run_language_models.py lora` leaves in the cache. The
power of the tilt is chosen on the 300 validation queries of chapter 10. About 20 minutes of one
core.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from language_exam import Exam
from run_language_models import (
    LAYERS,
    RANK,
    TILTED,
    Reader,
    kind_shares,
    lines_and_habits,
    place_mix,
    place_scores,
    reciprocal_ranks,
)

from stim_lib import assets, datasets, evaluation, ledger, llm, schema, splits

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = "scripts/run_reranking.py"
POWERS = np.arange(0, 1.01, 0.1)
CHUNK = 200


class TiltedMix:
    """The mix of counters, its places weighed by what a language model says of their kind.

    Parameters
    ----------
    mix : fitted Mix
    column : ndarray of int, shape (n_items,)
        Kind of each place of the catalogue.
    shares : DataFrame, shape (n_queries, n_kinds)
        What the language model said; index query_id. Queries that are not here keep the mix.
    power : float
    """

    use_query_time = True

    def __init__(self, mix, column: np.ndarray, shares: pd.DataFrame, power: float) -> None:
        self.mix, self.column, self.shares, self.power = mix, column, shares, power
        self.catalogue = mix.catalogue

    def __str__(self) -> str:
        return "mix of counters, re-ranked by SmolLM2 with LoRA"

    def score(self, queries: pd.DataFrame, *, history: pd.DataFrame) -> np.ndarray:
        """Logarithms of tilted shares, shape (n_queries, n_items)."""
        found = self.mix.score(queries, history=history)
        base = np.log(found / found.sum(axis=1, keepdims=True) + 1e-12)
        row = self.shares.index.get_indexer(queries.index)
        said = self.shares.to_numpy()[row]
        return base + self.power * tilt_of(said, base, self.column) * (row >= 0)[:, None]


def tilt_of(shares: np.ndarray, base: np.ndarray, column: np.ndarray) -> np.ndarray:
    """How much more a model gives each place's kind than the mix itself does."""
    own = np.log(kind_shares(base, column, shares.shape[1]))
    return (np.log(shares + 1e-6) - own)[:, column]


def ask_all(exam: Exam) -> pd.DataFrame:
    """Shares of the ten kinds for every test query whose user has a past."""
    reader = Reader(exam)
    prompts = reader.encode_all(lines_and_habits(exam, exam.test))
    trainer = llm.LoraTrainer(reader.decoder, prompts, layers=LAYERS, cache_lower=False)
    llm.load_adapter(reader.decoder, assets.cache_folder() / "language_exam_lora_adapter.npz")
    shares = []
    for start in range(0, len(prompts), CHUNK):
        some = slice(start, start + CHUNK)
        truth = exam.test["truth"].iloc[some].tolist()
        questions = trainer.prepare(prompts[some], reader.words, truth)
        shares.append(trainer.probabilities(questions))
        print(f"{min(start + CHUNK, len(prompts)):,} of {len(prompts):,} read", flush=True)
    return pd.DataFrame(np.concatenate(shares), exam.test.index)


def choose_power(exam: Exam, mix, log: pd.DataFrame, column: np.ndarray) -> float:
    """The power that ranks the validation queries of chapter 10 best."""
    stored = np.load(assets.cache_folder() / "language_exam_lora.npz")
    base = place_scores(mix, log, exam.validation)
    truth = mix.catalogue.get_indexer(log.loc[exam.validation.index, schema.ITEM])
    tilt = tilt_of(stored[stored.files[0]], base, column)
    reached = [reciprocal_ranks(base + power * tilt, truth).mean() for power in POWERS]
    return float(POWERS[np.argmax(reached)])


def main() -> int:
    """Read all prompts, judge the tilted mix, write its row; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ledger", type=Path, default=ROOT / "data" / ledger.FILE)
    options = parser.parse_args()
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")
    log, started = datasets.load_foursquare_nyc(), time.process_time()
    exam = Exam(log, n_test=None)
    mix = place_mix(exam, log)
    kind_of = log.groupby(schema.ITEM)[schema.ROOT_CATEGORY].first()[mix.catalogue]
    column = pd.Index(exam.kinds).get_indexer(kind_of)
    power = choose_power(exam, mix, log, column)
    print(f"power {power:.1f}", flush=True)
    model = TiltedMix(mix, column, ask_all(exam), power)
    train, _, test = splits.split_by_time(log)
    result = evaluation.evaluate(model, test, train=train, log=log)
    print(result, result.scores().mean().round(4).to_dict(), flush=True)
    ledger.append_run(
        result, options.ledger, dataset="foursquare_nyc", split="80/10/10 of the time span",
        seed=TILTED[0], cpu_seconds=time.process_time() - started, script=SCRIPT,
        settings={"power": power, "examples": TILTED[1], "layers": LAYERS, "rank": RANK},
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
