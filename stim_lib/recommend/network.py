"""A small network that scores earlier actions: what a sum of weights can't say, such as "if".

Two hidden layers with leaky corners beside a plain weighted sum, fitted so that the actions at the
place of the answer get the attention. In NumPy, since shares within a question are not among the
losses of the libraries that fit on a laptop's processor in seconds. Introduced in chapter 12.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

LAYERS = (32, 16)
LEAK = np.float32(0.1)
QUESTIONS_A_STEP = 32
# Passes over the questions: as many as make `STEPS`, within these bounds.
PASSES, STEPS = (4, 12), 700
LONGEST_STEP, DECAY, WARM_UP = 0.006, 0.1, 50
MOMENTS = (0.9, 0.99)
# Few enough that hidden layers stay in the cache of a processor.
PAIRS_AT_ONCE = 2048


@dataclass(frozen=True)
class Network:
    """Weights of a network.

    Attributes
    ----------
    parts : dict of str to ndarray of float32
        straight (n_features,): weights of the plain sum; pair (n_features, 32), question
        (n_query_features, 32), first (32,); second (32, 16), bias (16,); last (16,).
    """

    parts: Mapping[str, np.ndarray]

    def score(self, pairs: np.ndarray, questions: np.ndarray, query: np.ndarray) -> np.ndarray:
        """Score of each pair.

        Parameters
        ----------
        pairs : ndarray of float32, shape (n_pairs, n_features)
        questions : ndarray of float32, shape (n_queries, n_query_features)
        query : ndarray of int, shape (n_pairs,)
        """
        score = np.empty(len(query), dtype=np.float32)
        asked = questions @ self.parts["question"] + self.parts["first"]
        for start in range(0, len(query), PAIRS_AT_ONCE):
            some = slice(start, start + PAIRS_AT_ONCE)
            score[some] = _forward(self.parts, pairs[some], asked[query[some]])[0]
        return score


@dataclass(frozen=True)
class Lessons:
    """Questions with the pairs among which their answer is.

    Attributes
    ----------
    pairs : ndarray of float16, shape (n_pairs, n_features)
    questions : ndarray of float32, shape (n_queries, n_query_features)
    hit : ndarray of bool, shape (n_pairs,)
        Actions at the place of the answer; at least one of each question.
    lift : ndarray of float32, shape (n_pairs,)
        Logarithm of how many pairs each stands for.
    length : ndarray of int, shape (n_queries,)
        Pairs of each question, in order.
    """

    pairs: np.ndarray
    questions: np.ndarray
    hit: np.ndarray
    lift: np.ndarray
    length: np.ndarray

    def part(self, chosen: np.ndarray) -> Lessons:
        """Some of the questions, by their positions, increasing."""
        length = self.length[chosen]
        start = (self.length.cumsum() - self.length)[chosen]
        rows = np.arange(length.sum()) + np.repeat(start - (length.cumsum() - length), length)
        return Lessons(
            self.pairs[rows], self.questions[chosen], self.hit[rows], self.lift[rows], length
        )


def _forward(
    parts: Mapping[str, np.ndarray], pairs: np.ndarray, asked: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    hidden = pairs @ parts["pair"]
    hidden += asked
    np.maximum(hidden, LEAK * hidden, out=hidden)
    deep = hidden @ parts["second"]
    deep += parts["bias"]
    np.maximum(deep, LEAK * deep, out=deep)
    return pairs @ parts["straight"] + deep @ parts["last"], hidden, deep


def surprise(score: np.ndarray, lessons: Lessons) -> tuple[np.ndarray, np.ndarray]:
    """How little of the attention went to the answer.

    Parameters
    ----------
    score : ndarray of float, shape (n_pairs,)
    lessons : Lessons

    Returns
    -------
    surprise : ndarray of float64, shape (n_queries,)
        -log of the share of the answer, in nats.
    slope : ndarray of float64, shape (n_pairs,)
        By how much it grows with each score.

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> zeros = np.zeros((4, 1), dtype=np.float32)
    >>> lessons = Lessons(zeros, zeros[:1], np.arange(4) < 2, zeros[:, 0], np.array([4]))
    >>> surprise(np.zeros(4), lessons)[0].round(3)
    array([0.693])
    """
    length = lessons.length
    start = length.cumsum() - length
    lifted = score + lessons.lift.astype(float)
    weight = np.exp(lifted - np.repeat(np.maximum.reduceat(lifted, start), length))
    total = np.add.reduceat(weight, start)
    right = np.add.reduceat(weight * lessons.hit, start) + 1e-300
    slope = weight / np.repeat(total, length) - weight * lessons.hit / np.repeat(right, length)
    return np.log(total) - np.log(right), slope


def fit_network(lessons: Lessons, start: np.ndarray, rng: np.random.Generator) -> Network:
    """Fit a network by small steps.

    Parameters
    ----------
    lessons : Lessons
    start : ndarray of float, shape (n_features,)
        Weights of the plain sum to begin with.
    rng : Generator

    Returns
    -------
    Network

    Notes
    -----
    Adam with decoupled decay and a step that rises, then falls as a cosine. Source: Loshchilov and
    Hutter (2019), Decoupled weight decay regularization, arXiv:1711.05101. Introduced in chapter
    12.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> signal = rng.normal(size=(600, 1)).astype(np.float32)
    >>> best = signal.reshape(-1, 3).argmax(axis=1)[:, None] == np.arange(3)
    >>> lessons = Lessons(signal, np.zeros((200, 1), dtype=np.float32), best.ravel(),
    ...                   np.zeros(600, dtype=np.float32), np.full(200, 3))
    >>> network = fit_network(lessons, np.zeros(1), rng)
    >>> score = network.score(signal, lessons.questions, np.repeat(np.arange(200), 3))
    >>> bool(surprise(score, lessons)[0].mean() < 0.5)
    True
    """
    pairs, questions = _scale(lessons.pairs), _scale(lessons.questions)
    parts = _draw(pairs, questions, start, rng)
    n_questions = len(lessons.length)
    steps_a_pass = -(-n_questions // QUESTIONS_A_STEP)
    total = steps_a_pass * int(np.clip(-(-STEPS // steps_a_pass), *PASSES))
    memory = {name: (np.zeros_like(part), np.zeros_like(part)) for name, part in parts.items()}
    order = np.zeros(0, dtype=int)
    for step in range(total):
        if not len(order):
            order = rng.permutation(n_questions)
        chosen, order = np.sort(order[:QUESTIONS_A_STEP]), order[QUESTIONS_A_STEP:]
        slopes = _slopes(parts, lessons.part(chosen), pairs, questions)
        size = LONGEST_STEP * min(1, (step + 1) / WARM_UP) * (1 + np.cos(np.pi * step / total)) / 2
        _move(parts, slopes, memory, step + 1, size)
    return Network(_unscaled(parts, pairs, questions))


def _scale(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean, and one over the spread, of each column; 0 for one that never changes."""
    mean = table.mean(axis=0, dtype=float)
    spread = table.std(axis=0, dtype=float)
    return mean.astype(np.float32), np.where(spread > 1e-4, 1 / np.maximum(spread, 1e-4), 0).astype(
        np.float32
    )


def _draw(
    pairs: tuple, questions: tuple, start: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    wide, deep = LAYERS
    sizes = len(pairs[0]), len(questions[0])
    parts = {
        "straight": start / np.where(pairs[1] > 0, pairs[1], 1),
        "pair": rng.normal(size=(sizes[0], wide)) / np.sqrt(max(sizes[0], 1)),
        "question": rng.normal(size=(sizes[1], wide)) / np.sqrt(max(sizes[1], 1)),
        "first": np.zeros(wide),
        "second": rng.normal(size=LAYERS) / np.sqrt(wide),
        "bias": np.zeros(deep),
        "last": 0.1 * rng.normal(size=deep) / np.sqrt(deep),
    }
    return {name: part.astype(np.float32) for name, part in parts.items()}


def _slopes(
    parts: dict[str, np.ndarray], lessons: Lessons, pairs: tuple, questions: tuple
) -> dict[str, np.ndarray]:
    table = (lessons.pairs.astype(np.float32) - pairs[0]) * pairs[1]
    asked = (lessons.questions - questions[0]) * questions[1]
    query = np.repeat(np.arange(len(lessons.length)), lessons.length)
    shown = (asked @ parts["question"] + parts["first"])[query]
    score, hidden, deep = _forward(parts, table, shown)
    slope = surprise(score, lessons)[1].astype(np.float32) / len(lessons.length)
    of_deep = slope[:, None] * parts["last"] * np.where(deep > 0, np.float32(1), LEAK)
    of_hidden = of_deep @ parts["second"].T
    of_hidden *= np.where(hidden > 0, np.float32(1), LEAK)
    of_question = np.add.reduceat(of_hidden, lessons.length.cumsum() - lessons.length, axis=0)
    return {
        "straight": slope @ table, "pair": table.T @ of_hidden,
        "question": asked.T @ of_question, "first": of_question.sum(axis=0),
        "second": hidden.T @ of_deep, "bias": of_deep.sum(axis=0), "last": slope @ deep,
    }  # fmt: skip


def _move(
    parts: dict[str, np.ndarray], slopes: dict[str, np.ndarray], memory: dict[str, tuple],
    step: int, size: float,
) -> None:  # fmt: skip
    for name, (mean, square) in memory.items():
        slope, part = slopes[name], parts[name]
        np.add(mean, np.float32(1 - MOMENTS[0]) * (slope - mean), out=mean)
        np.add(square, np.float32(1 - MOMENTS[1]) * (slope * slope - square), out=square)
        fair = np.sqrt(square / np.float32(1 - MOMENTS[1] ** step)) + np.float32(1e-8)
        change = mean / np.float32(1 - MOMENTS[0] ** step) / fair
        if part.ndim == 2 or name == "last":
            change += np.float32(DECAY) * part
        parts[name] = part - np.float32(size) * change


def _unscaled(
    parts: dict[str, np.ndarray], pairs: tuple, questions: tuple
) -> dict[str, np.ndarray]:
    """Weights for columns as they come: a shift of every score alike is left out."""
    pair = parts["pair"] * pairs[1][:, None]
    question = parts["question"] * questions[1][:, None]
    return parts | {
        "straight": parts["straight"] * pairs[1], "pair": pair, "question": question,
        "first": parts["first"] - pairs[0] @ pair - questions[0] @ question,
    }  # fmt: skip
