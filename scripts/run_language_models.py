"""Let a language model sit the exam of chapter 10, beside its rivals; write what the chapter reads.

    .venv/bin/python scripts/run_language_models.py rivals      # counters, Markov, logistic: 1 min
    .venv/bin/python scripts/run_language_models.py zero-shot   # SmolLM2 as it is
    .venv/bin/python scripts/run_language_models.py read        # all prompts by the frozen blocks
    .venv/bin/python scripts/run_language_models.py vectors     # logistic on what was read
    .venv/bin/python scripts/run_language_models.py lora --seeds 0 1 2 3 4
    .venv/bin/python scripts/run_language_models.py rerank

Answers go to data/language_model_answers.parquet query by query, costs to
data/language_model_runs.csv. Settings were chosen on the validation part; the test part is asked
once for each row. `read` leaves its states in the cache: `vectors` and `lora` then begin at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from language_exam import (
    Exam,
    counter_shares,
    describe,
    fit_logistic,
    majority_shares,
    markov_shares,
    shares_of,
    tuned_counters,
)
from scipy.optimize import minimize

from stim_lib import (
    answers,
    assets,
    baselines,
    datasets,
    ledger,
    llm,
    metrics,
    queries,
    schema,
    splits,
)

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = "scripts/run_language_models.py"
ANSWERS, RUNS = ROOT / "data" / answers.FILE, ROOT / "data" / "language_model_runs.csv"
STUDY = "next kind"
SEEDS = (0, 1, 2, 3, 4)
SIZES = (30, 100, 300, 1000, 3000)
# Steps of a batch of eight: about as many as the examples allow before validation says stop.
STEPS = {100: 60, 1000: 120, 3000: 240}
LAYERS, RATE, RANK = 8, 4e-3, 8
N_LINES = 4
WORDS = llm.ROOTS_IN_ONE_WORD
WORD = "word"
LETTERS = "ABCDEFGHIJ"


def in_words(exam: Exam) -> pd.DataFrame:
    """The log with a short word for each kind."""
    return exam.log.assign(**{WORD: exam.log[schema.ROOT_CATEGORY].map(WORDS)})


def lines(exam: Exam, asked: pd.DataFrame) -> list[str]:
    """The last actions in words, and the time that is asked about."""
    return llm.next_kind_prompt(
        asked.drop(columns="truth"), in_words(exam), llm.Style(kind=WORD), n_actions=N_LINES,
        time_known=True,
    ).tolist()  # fmt: skip


def lines_and_habits(exam: Exam, asked: pd.DataFrame) -> list[str]:
    """The same, with a line before the last that says what the user does at this hour."""
    bare, log = asked.drop(columns="truth"), in_words(exam)
    prompts = llm.next_kind_prompt(
        bare, log, llm.Style(kind=WORD), n_actions=N_LINES, time_known=True
    )
    kinds = [WORDS[kind] for kind in exam.kinds]
    return llm.add_habits(prompts, bare, log, kind=WORD, kinds=kinds).tolist()


def root_names(exam: Exam, asked: pd.DataFrame) -> list[str]:
    """The last actions with the data's own names of the kinds."""
    return llm.next_kind_prompt(
        asked.drop(columns="truth"), exam.log, n_actions=N_LINES, time_known=True
    ).tolist()


def chinese(exam: Exam, asked: pd.DataFrame) -> list[str]:
    """The last actions in Chinese."""
    style = llm.Style("zh", kind=schema.ROOT_CATEGORY)
    return llm.next_kind_prompt(
        asked.drop(columns="truth"), exam.log, style, n_actions=N_LINES, time_known=True
    ).tolist()


def letters(exam: Exam, asked: pd.DataFrame) -> list[str]:
    """Lines whose kinds are letters: the pattern is left, the meaning is not."""
    names = dict(zip(exam.kinds, LETTERS, strict=True))
    log = exam.log.assign(**{WORD: exam.log[schema.ROOT_CATEGORY].map(names)})
    return llm.next_kind_prompt(
        asked.drop(columns="truth"), log, llm.Style(kind=WORD), n_actions=N_LINES, time_known=True
    ).tolist()


class Reader:
    """The decoder with its tokenizer, and the ten answers as tokens."""

    def __init__(self, exam: Exam) -> None:
        metadata = llm.read_gguf(assets.fetch("smollm2")).metadata
        self.tokenizer, self.decoder = llm.build_tokenizer(metadata), llm.load_decoder()
        self.words = [self.encode(f" {WORDS[kind]}") for kind in exam.kinds]
        self.letters = [self.encode(f" {letter}") for letter in LETTERS]
        self.names = [self.encode(text) for text in llm.candidate_texts(exam.kinds)]
        self.chinese = [
            self.encode(text) for text in llm.candidate_texts(exam.kinds, language="zh")
        ]

    def encode(self, text: str) -> list[int]:
        """Tokens of a text."""
        return llm.encode(self.tokenizer, text)

    def encode_all(self, texts: list[str]) -> list[list[int]]:
        """Tokens of many."""
        return [self.encode(text) for text in texts]


def record(
    exam: Exam, model: str, shares: np.ndarray, *, n_train: int, seed: int = 0,
    cpu_seconds: float = float("nan"), settings: dict | None = None, study: str = STUDY,
) -> None:  # fmt: skip
    """Store a run's answers to the test queries, and what it cost."""
    judged = answers.judge_shares(shares, exam.test["truth"].to_numpy())
    judged = judged.assign(
        query_id=exam.test.index.to_numpy(), user_id=exam.test[schema.USER].to_numpy()
    )
    answers.append_answers(judged, ANSWERS, study=study, model=model, n_train=n_train, seed=seed)
    means = {"accuracy@1": (judged["rank"] == 1).mean(), "nats": judged["nats"].mean()}
    rows = [
        {
            "study": study, "task": "next root category, time known", "setting": f"n={n_train}",
            "model": model, "seed": seed, "n": len(judged), "metric": metric, "value": value,
            "low": np.nan, "high": np.nan, "cpu_seconds": cpu_seconds,
            "settings": settings or {}, "script": SCRIPT,
        }
        for metric, value in means.items()
    ]  # fmt: skip
    ledger.append_study(pd.DataFrame(rows), RUNS)
    text = ", ".join(f"{name} {value:.3f}" for name, value in means.items())
    print(f"{model}, n={n_train}, seed {seed}: {text}, {cpu_seconds:.0f} CPU-s", flush=True)


def run_rivals(exam: Exam) -> None:
    """All who need no language model."""
    n_all = len(exam.everything)
    for seed in SEEDS:
        for n in SIZES:
            some = exam.pool.iloc[exam.examples(n, seed)]
            record(
                exam, "most frequent", majority_shares(exam, some, exam.test), n_train=n, seed=seed
            )
            record(exam, "Markov", markov_shares(exam, some, exam.test), n_train=n, seed=seed)
    record(exam, "most frequent", majority_shares(exam, exam.everything, exam.test), n_train=n_all)
    record(exam, "Markov", markov_shares(exam, exam.everything, exam.test), n_train=n_all)
    for whole, name in ((False, "logistic on the lines"), (True, "logistic on the whole past")):
        x, x_all, check, test = (
            describe(exam, asked, whole_history=whole)
            for asked in (exam.pool, exam.everything, exam.validation, exam.test)
        )
        run_logistic(exam, name, x, check, test)
        fit_and_record(exam, name, (x_all, exam.everything), check, test, seed=0)
    for name, model in tuned_counters(exam).items():
        record(exam, name, counter_shares(exam, model, exam.test), n_train=n_all)


def run_logistic(exam: Exam, name: str, x: np.ndarray, check: np.ndarray, test: np.ndarray) -> None:
    """A learning curve of logistic regression on some columns."""
    for seed in SEEDS:
        for n in SIZES:
            chosen = exam.examples(n, seed)
            fit_and_record(exam, name, (x[chosen], exam.pool.iloc[chosen]), check, test, seed=seed)


def fit_and_record(
    exam: Exam, name: str, known: tuple, check: np.ndarray, test: np.ndarray, *, seed: int
) -> None:
    """One point of a learning curve."""
    started = time.process_time()
    (x, examples), truth = known, exam.validation["truth"].to_numpy()
    model, strength = fit_logistic(x, examples["truth"].to_numpy(), (check, truth), len(exam.kinds))
    shares = shares_of(model, test, len(exam.kinds))
    record(
        exam, name, shares, n_train=len(examples), seed=seed, settings={"C": strength},
        cpu_seconds=time.process_time() - started,
    )  # fmt: skip


def softmax(scores: np.ndarray) -> np.ndarray:
    """Rows of sum 1."""
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def fit_calibration(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """One temperature and one shift for each kind, by likelihood with a small penalty."""

    def loss(weights: np.ndarray) -> float:
        p = softmax(np.exp(weights[0]) * scores + weights[1:])
        return -np.log(p[np.arange(len(truth)), truth]).mean() + 0.02 * (weights[1:] ** 2).mean()

    return minimize(loss, np.zeros(scores.shape[1] + 1), method="L-BFGS-B").x


def run_zero_shot(exam: Exam, names: list[str]) -> None:
    """The model as it is, in several wordings, raw and calibrated on the validation queries."""
    reader = Reader(exam)
    wordings = {
        "lines": (lines, reader.words), "lines and habits": (lines_and_habits, reader.words),
        "letters": (letters, reader.letters),
        "the data's names": (root_names, reader.names), "Chinese": (chinese, reader.chinese),
    }  # fmt: skip
    truth = exam.validation["truth"].to_numpy()
    for name in names or wordings:
        wording, candidates = wordings[name]
        started = time.process_time()
        scores = [
            llm.score_candidates(
                reader.decoder, reader.encode_all(wording(exam, asked)), candidates
            ).log_likelihood
            for asked in (exam.validation, exam.test)
        ]
        seconds = time.process_time() - started
        scores = [np.log(softmax(some)) for some in scores]
        record(
            exam, f"zero-shot, {name}", softmax(scores[1]), n_train=0, cpu_seconds=seconds,
            settings={"lines": N_LINES},
        )  # fmt: skip
        weights = fit_calibration(scores[0], truth)
        calibrated = softmax(np.exp(weights[0]) * scores[1] + weights[1:])
        record(
            exam, f"zero-shot, {name}, calibrated", calibrated, n_train=len(truth),
            cpu_seconds=seconds, settings={"weights": weights.round(3).tolist()},
        )  # fmt: skip


def state_file() -> Path:
    """What the frozen blocks made of all prompts; large, and never committed."""
    return assets.cache_folder() / f"language_exam_states_{LAYERS}.npz"


def prepare(exam: Exam, reader: Reader) -> tuple[llm.LoraTrainer, dict[str, object]]:
    """Pool, validation and test as questions, read by the frozen blocks once for all runs."""
    sets = {"pool": exam.pool, "validation": exam.validation, "test": exam.test}
    prompts = {name: reader.encode_all(lines_and_habits(exam, s)) for name, s in sets.items()}
    everything = [prompt for some in prompts.values() for prompt in some]
    path = state_file()
    trainer = llm.LoraTrainer(
        reader.decoder, everything, layers=LAYERS, cache_lower=not path.exists()
    )
    questions = {
        name: trainer.prepare(prompts[name], reader.words, s["truth"].tolist())
        for name, s in sets.items()
    }
    if path.exists():
        stored = np.load(path)
        for name, some in questions.items():
            ends = np.cumsum(stored[f"{name}_length"])[:-1]
            some.states = np.split(stored[name], ends)
    else:
        arrays = {name: np.concatenate(some.states) for name, some in questions.items()}
        arrays |= {
            f"{name}_length": [len(s) for s in some.states] for name, some in questions.items()
        }
        np.savez(path, **arrays)
    return trainer, questions


def run_vectors(exam: Exam) -> None:
    """Logistic regression on what a frozen model makes of the prompts."""
    _, questions = prepare(exam, Reader(exam))
    last = {
        name: np.stack([s[-1] for s in some.states]).astype("float32")
        for name, some in questions.items()
    }
    run_logistic(exam, "SmolLM2's state + logistic", last["pool"], last["validation"], last["test"])
    encoder = llm.load_encoder()
    x = [
        encoder.encode(lines_and_habits(exam, asked))
        for asked in (exam.pool, exam.validation, exam.test)
    ]
    run_logistic(exam, "MiniLM's vector + logistic", *x)


def run_lora(exam: Exam, seeds: list[int], sizes: list[int]) -> None:
    """A learning curve of the adapter."""
    trainer, questions = prepare(exam, Reader(exam))
    check = questions["validation"].take(range(150))
    for seed in seeds:
        for n in sizes:
            started = time.process_time()
            some = questions["pool"].take(exam.examples(n, seed))
            run = trainer.fit(
                some, validation=check, steps=STEPS[n], learning_rate=RATE, rank=RANK,
                check_every=30, patience=2, seed=seed,
            )  # fmt: skip
            fitted = time.process_time() - started
            shares = trainer.probabilities(questions["test"])
            settings = {
                "layers": LAYERS, "rate": RATE, "rank": RANK, "steps": int(run.index.max()),
                "validation_nats": round(float(run["val_nats"].min()), 4),
            }  # fmt: skip
            record(
                exam, "SmolLM2 with LoRA", shares, n_train=n, seed=seed, cpu_seconds=fitted,
                settings=settings,
            )  # fmt: skip
            if seed == 0 and n == max(sizes):
                keep = [trainer.probabilities(questions["validation"]), shares]
                np.savez(assets.cache_folder() / "language_exam_lora.npz", *keep)
                llm.save_adapter(
                    trainer.decoder, assets.cache_folder() / "language_exam_lora_adapter.npz"
                )


def place_mix(exam: Exam, log: pd.DataFrame) -> baselines.Mix:
    """The tuned mix of counters for places, time known, with the weights that the ledger keeps."""
    mix = baselines.Mix(use_query_time=True)
    runs = ledger.read_runs()
    row = runs[(runs["model"] == str(mix)) & (runs["history"] == "rolling")].iloc[0]
    weights = json.loads(row["settings"])["weights"]
    return baselines.Mix(weights=weights, use_query_time=True).fit(splits.split_by_time(log)[0])


def place_scores(mix: baselines.Mix, log: pd.DataFrame, asked: pd.DataFrame) -> np.ndarray:
    """Shares of all places; what the mix gives nothing gets very little."""
    bare = asked.drop(columns="truth")
    knowledge, shares = queries.Knowledge("rolling", "known"), []
    train = splits.split_by_time(log)[0]
    order = []
    for batch, some, visible in queries.batches(bare, log, knowledge=knowledge, train=train):
        shares.append(mix.score(some, history=visible))
        order.append(batch)
    found = np.concatenate(shares)[np.argsort(np.concatenate(order))]
    return np.log(found / found.sum(axis=1, keepdims=True) + 1e-12)


def run_rerank(exam: Exam, log: pd.DataFrame) -> None:
    """Next place: the mix of counters, its candidates weighed by what others say of their kind."""
    mix = place_mix(exam, log)
    kind_of = log.groupby(schema.ITEM)[schema.ROOT_CATEGORY].first()[mix.catalogue]
    column = pd.Index(exam.kinds).get_indexer(kind_of)
    of_parts = (exam.validation, exam.test)
    base = [place_scores(mix, log, asked) for asked in of_parts]
    truth = [mix.catalogue.get_indexer(log.loc[asked.index, schema.ITEM]) for asked in of_parts]
    own = [np.log(kind_shares(scores, column, len(exam.kinds))) for scores in base]
    stored = np.load(assets.cache_folder() / "language_exam_lora.npz")
    x, check, test = (
        describe(exam, asked, whole_history=True) for asked in (exam.everything, *of_parts)
    )
    model, _ = fit_logistic(
        x,
        exam.everything["truth"].to_numpy(),
        (check, of_parts[0]["truth"].to_numpy()),
        len(exam.kinds),
    )
    others = {
        "SmolLM2 with LoRA": [stored[name] for name in stored.files],
        "logistic on the whole past": [shares_of(model, x, len(exam.kinds)) for x in (check, test)],
    }
    record_places(exam, "mix of counters", base[1], truth[1], 0.0)
    for name, shares in others.items():
        # How much more the other gives a kind than the mix itself does, to a power.
        tilt = [(np.log(p + 1e-6) - q)[:, column] for p, q in zip(shares, own, strict=True)]
        powers = np.arange(0, 1.01, 0.1)
        reached = [reciprocal_ranks(base[0] + power * tilt[0], truth[0]).mean() for power in powers]
        power = float(powers[np.argmax(reached)])
        record_places(exam, f"mix, tilted by {name}", base[1] + power * tilt[1], truth[1], power)


def kind_shares(scores: np.ndarray, column: np.ndarray, n_kinds: int) -> np.ndarray:
    """What shares of places say of their kinds."""
    shares, found = np.exp(scores), np.zeros((len(scores), n_kinds))
    for kind in range(n_kinds):
        found[:, kind] = shares[:, column == kind].sum(axis=1)
    return found + 1e-6


def reciprocal_ranks(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """1 / rank; 0 where the place is not in the catalogue."""
    return np.where(truth >= 0, 1 / metrics.expected_ranks(scores, truth), 0)


def record_places(
    exam: Exam, model: str, scores: np.ndarray, truth: np.ndarray, power: float
) -> None:
    """Store ranks among all places."""
    ranks = np.where(truth >= 0, metrics.expected_ranks(scores, truth), np.inf)
    shares = softmax(scores)
    nats = -np.log(shares[np.arange(len(truth)), np.maximum(truth, 0)])
    judged = pd.DataFrame({
        "query_id": exam.test.index.to_numpy(), "user_id": exam.test[schema.USER].to_numpy(),
        "nats": np.where(truth >= 0, nats, np.nan), "rank": ranks, "sure": shares.max(axis=1),
    })  # fmt: skip
    answers.append_answers(
        judged, ANSWERS, study="next place", model=model, n_train=len(exam.everything), seed=0
    )
    print(f"{model}, power {power}: MRR {(1 / ranks).mean():.4f}", flush=True)


def main() -> int:
    """Run one part; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "part", choices=("rivals", "zero-shot", "read", "vectors", "lora", "rerank")
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--sizes", type=int, nargs="+", default=tuple(STEPS))
    parser.add_argument("--wordings", nargs="*", default=[])
    options = parser.parse_args()
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")
    log = datasets.load_foursquare_nyc()
    exam = Exam(log)
    if options.part == "rivals":
        run_rivals(exam)
    elif options.part == "zero-shot":
        run_zero_shot(exam, options.wordings)
    elif options.part == "read":
        prepare(exam, Reader(exam))
    elif options.part == "vectors":
        run_vectors(exam)
    elif options.part == "rerank":
        run_rerank(exam, log)
    else:
        run_lora(exam, options.seeds, options.sizes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
