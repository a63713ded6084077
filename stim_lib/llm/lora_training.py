"""Train an adapter to choose among candidates.

Introduced in chapter 10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stim_lib.llm import lora, running
from stim_lib.llm.tree import CandidateTree, Packed, grow_trees, pack
from stim_lib.sequences import _tensorflow

if TYPE_CHECKING:
    from stim_lib.llm.decoder import Decoder

Tokens = Sequence[int]
WARM_UP_STEPS = 10
LARGEST_GRADIENT = 1.0
TOKENS_AT_ONCE = 1024


def train_lora(
    decoder: Decoder,
    prompts: Sequence[Tokens],
    candidates: Sequence[Any],
    answers: Sequence[int],
    *,
    validation: tuple[Sequence[Tokens], Sequence[Any], Sequence[int]] | None = None,
    steps: int = 110,
    batch_size: int = 8,
    learning_rate: float = 1e-3,
    rank: int = lora.RANK,
    alpha: float | None = None,
    layers: int = lora.TOP_LAYERS,
    check_every: int = 20,
    patience: int = 3,
    seed: int = 0,
    cache_lower: bool = True,
    progress: Callable[[int, int, float], None] | None = None,
) -> pd.DataFrame:
    """Fit a fresh adapter so that the right candidate becomes the likeliest.

    Parameters
    ----------
    decoder : Decoder
        Changed in place: it has the adapter afterwards.
    prompts, candidates
        As in `score_candidates`.
    answers : sequence of int
        Place of the right candidate, for each prompt.
    validation : (prompts, candidates, answers), optional
        Later questions; the adapter of the best check is kept, and training ends after `patience`
        checks without progress.
    steps, batch_size : int
    learning_rate : float
        The highest: it rises over 10 steps, then falls to 0 along a line.
    rank, alpha, layers
        As in `add_adapter`.
    check_every, patience : int
        Steps between checks; checks without progress.
    seed : int
        Of the adapter and of the order of the prompts.
    cache_lower : bool
        Keep what the frozen blocks below make of each prompt (float16, 2 D bytes a token) instead
        of making it again at each step.
    progress : function of (step, steps, nats), optional

    Returns
    -------
    DataFrame, index step from 1
        `nats`, of the batch before the step; `val_nats`, NaN where none was taken. The row of step
        0 is the model without adapter.

    Raises
    ------
    ValueError
        If an answer is no candidate, or the loss is no longer a number.

    Notes
    -----
    The loss is -log of the softmax over the candidates' log-likelihoods: what a token that is no
    candidate would get does not matter. Where each candidate is one token, the rest of the
    vocabulary cancels and is never computed. AdamW, no weight decay, gradients of norm 1 at most.
    Introduced in chapter 10.

    Examples
    --------
    >>> from stim_lib import llm
    >>> decoder = llm.random_decoder(llm.DecoderSettings(11, 8, 2, 2, 1, 16))
    >>> run = train_lora(decoder, [[3, 1], [4]], [[5], [6]], [0, 1], steps=2, layers=1, rank=2)
    >>> run.index.tolist(), list(run)
    ([1, 2], ['nats', 'val_nats'])
    """
    everything = [*prompts, *(validation[0] if validation else ())]
    trainer = LoraTrainer(decoder, everything, layers=layers, cache_lower=cache_lower)
    return trainer.fit(
        trainer.prepare(prompts, candidates, answers),
        validation=trainer.prepare(*validation) if validation else None,
        steps=steps, batch_size=batch_size, learning_rate=learning_rate, rank=rank, alpha=alpha,
        check_every=check_every, patience=patience, seed=seed, progress=progress,
    )  # fmt: skip


class Questions:
    """Prompts without their common beginning, their trees, answers, and states from below.

    Made by `LoraTrainer.prepare`.
    """

    def __init__(self, rests: list[list[int]], trees: list[CandidateTree], answers: Any) -> None:
        self.rests, self.trees, self.answers = rests, trees, np.asarray(answers)
        self.short = all(not tree.tokens for tree in trees)
        self.states: list[np.ndarray] | None = None

    def take(self, positions: Sequence[int]) -> Questions:
        """Some of the questions, in the order of their positions; nothing is read again."""
        some = Questions(
            [self.rests[i] for i in positions],
            [self.trees[i] for i in positions],
            self.answers[np.asarray(positions)],
        )
        if self.states is not None:
            some.states = [self.states[i] for i in positions]
        return some

    def packed(self, chosen: np.ndarray, before: int) -> Packed:
        """Some of the questions as one batch."""
        return pack([self.rests[i] for i in chosen], [self.trees[i] for i in chosen], before=before)


class LoraTrainer:
    """Reads what lies below the adapter once, and trains above it as often as is asked.

    A learning curve trains on nested sets of the same prompts under many seeds; the frozen blocks
    make the same of a prompt each time.

    Parameters
    ----------
    decoder : Decoder
        Changed in place by `fit`.
    prompts : sequence of sequences of int
        Of all sets that will be prepared: what they begin with in common is read once.
    layers : int
        Blocks that get an adapter, counted from the top.
    cache_lower : bool
        As in `train_lora`.

    Examples
    --------
    >>> from stim_lib import llm
    >>> decoder = llm.random_decoder(llm.DecoderSettings(11, 8, 2, 2, 1, 16))
    >>> trainer = LoraTrainer(decoder, [[3, 1], [3, 4]], layers=1)
    >>> questions = trainer.prepare([[3, 1], [3, 4]], [[5], [6]], [0, 1])
    >>> len(trainer.fit(questions, steps=2, rank=2)), trainer.probabilities(questions).shape
    (2, (2, 2))
    """

    def __init__(
        self,
        decoder: Decoder,
        prompts: Sequence[Tokens],
        *,
        layers: int = lora.TOP_LAYERS,
        cache_lower: bool = True,
    ) -> None:
        lora.remove_adapter(decoder)
        self.decoder, self.layers, self.cache = decoder, layers, cache_lower
        self.prefix = running.shared_prefix(prompts)
        cut = decoder.settings.layers - layers
        self.below, self.above = range(cut), range(cut, decoder.settings.layers)
        self.variables: list[Any] = []
        self.prefix_states, self.prefix_past = None, None
        if self.prefix:
            self.prefix_states, self.prefix_past = running.run_blocks(
                decoder, decoder.embed(np.array([self.prefix])),
                *running.causal_layout([len(self.prefix)]), blocks=self.below,
            )  # fmt: skip

    def fit(
        self,
        questions: Questions,
        *,
        validation: Questions | None = None,
        steps: int = 110,
        batch_size: int = 8,
        learning_rate: float = 1e-3,
        rank: int = lora.RANK,
        alpha: float | None = None,
        check_every: int = 20,
        patience: int = 3,
        seed: int = 0,
        progress: Callable[[int, int, float], None] | None = None,
    ) -> pd.DataFrame:
        """Train a fresh adapter; parameters and result as in `train_lora`."""
        lora.add_adapter(self.decoder, rank=rank, alpha=alpha, layers=self.layers, seed=seed)
        self.variables = list(lora.adapter_variables(self.decoder).values())
        optimizer = _optimizer(learning_rate, steps)
        rows = {0: (np.nan, self.nats(validation))} if validation else {}
        best = _Best(self.decoder, rows[0][1] if validation else np.inf)
        for step, chosen in enumerate(_order(len(questions.rests), batch_size, steps, seed), 1):
            nats, gradients = self.gradients(questions, chosen)
            if not np.isfinite(nats):
                raise ValueError(f"step {step}: expected a finite loss, found {nats}; learn slower")
            optimizer.apply(gradients, self.variables)
            rows[step] = (nats, np.nan)
            if progress:
                progress(step, steps, nats)
            if validation and (step % check_every == 0 or step == steps):
                rows[step] = (nats, self.nats(validation))
                if best.misses(rows[step][1]) >= patience:
                    break
        if validation:
            best.restore()
        columns = ["nats", "val_nats"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("step")

    def probabilities(self, questions: Questions) -> np.ndarray:
        """Of each candidate, if one must follow: float64 of shape (n_prompts, n_candidates)."""
        found = np.zeros((len(questions.rests), len(questions.trees[0].lengths)))
        for chosen in self.batches(questions):
            packed = questions.packed(chosen, len(self.prefix))
            states = self.from_below(questions, packed, chosen)
            found[chosen] = _tensorflow.load().nn.softmax(self.scores(questions, packed, states))
        return found / found.sum(axis=1, keepdims=True)

    def prepare(self, prompts: Any, candidates: Any, answers: Any) -> Questions:
        """Read prompts once; to be called before an adapter is there, or with it: it lies above."""
        running.check_tokens(self.decoder, prompts, "prompts")
        trees = grow_trees(self.decoder, candidates, len(prompts))
        n_candidates = len(trees[0].lengths)
        if len(answers) != len(prompts) or not all(0 <= a < n_candidates for a in answers):
            raise ValueError(
                f"answers: expected {len(prompts)} places from 0 to {n_candidates - 1}, found "
                f"{len(answers)}, from {min(answers)} to {max(answers)}"
            )
        if any(list(prompt[: len(self.prefix)]) != self.prefix for prompt in prompts):
            raise ValueError(
                "prompts: expected the beginning that the trainer was made for, found another; "
                "give all prompts to LoraTrainer"
            )
        rests = [list(prompt[len(self.prefix) :]) for prompt in prompts]
        questions = Questions(rests, trees, answers)
        if self.cache:
            states: list[Any] = [None] * len(rests)
            for batch in self.batches(questions):
                made = self.from_below(questions, questions.packed(batch, len(self.prefix)))
                for i, state in zip(batch, made.numpy().astype("float16"), strict=True):
                    states[i] = state[: len(rests[i]) + len(trees[i].tokens)].copy()
            questions.states = states
        return questions

    def batches(self, questions: Questions) -> Any:
        """Positions of questions of about the same length."""
        pairs = zip(questions.rests, questions.trees, strict=True)
        return running.batches([len(r) + len(t.tokens) for r, t in pairs], TOKENS_AT_ONCE)

    def from_below(self, questions: Questions, packed: Packed, chosen: Any = None) -> Any:
        """States (B, T, D) that enter the first block with an adapter."""
        if questions.states is not None:
            states = np.zeros((*packed.tokens.shape, self.decoder.settings.width), "float32")
            for row, i in zip(states, chosen, strict=True):
                row[: len(questions.states[i])] = questions.states[i]
            return _tensorflow.load().constant(states)
        return running.run_blocks(
            self.decoder, self.decoder.embed(packed.tokens), packed.positions, packed.mask,
            self.prefix_past, blocks=self.below, keep_cache=False,
        )[0]  # fmt: skip

    def scores(self, questions: Questions, packed: Packed, states: Any) -> Any:
        """Log-likelihoods (B, n_candidates), up to a constant for each prompt."""
        tf, past = _tensorflow.load(), None
        if self.prefix:
            layout = running.causal_layout([len(self.prefix)])
            past = running.run_blocks(self.decoder, self.prefix_states, *layout, blocks=self.above)[
                1
            ]
        states, _ = running.run_blocks(
            self.decoder, states, packed.positions, packed.mask, past, blocks=self.above,
            keep_cache=False,
        )  # fmt: skip
        asked, row = np.unique(packed.steps[:, [0, 2]], axis=0, return_inverse=True)
        normed = self.decoder.norm(tf.gather_nd(states, asked))
        table = self.decoder.embedding.value
        values = tf.reduce_sum(tf.gather(table, packed.steps[:, 3]) * tf.gather(normed, row), -1)
        if not questions.short:
            logits = tf.matmul(table, normed, transpose_b=True)
            values -= tf.gather(tf.reduce_logsumexp(logits, axis=0), row)
        shape = (len(packed.tokens), len(questions.trees[0].lengths))
        return tf.scatter_nd(packed.steps[:, :2], values, shape)

    def losses(self, questions: Questions, chosen: np.ndarray, packed: Packed, states: Any) -> Any:
        """Nats of each prompt, shape (B,)."""
        tf = _tensorflow.load()
        return tf.nn.sparse_softmax_cross_entropy_with_logits(
            questions.answers[chosen], self.scores(questions, packed, states)
        )

    def gradients(self, questions: Questions, chosen: np.ndarray) -> tuple[float, list[Any]]:
        """Mean nats of a batch, and where they fall."""
        tf = _tensorflow.load()
        packed = questions.packed(chosen, len(self.prefix))
        states = self.from_below(questions, packed, chosen)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            watched = [variable.value for variable in self.variables]
            tape.watch(watched)
            loss = tf.reduce_mean(self.losses(questions, chosen, packed, states))
        return float(loss), tape.gradient(loss, watched)

    def nats(self, questions: Questions) -> float:
        """Mean nats of all."""
        total = 0.0
        for chosen in self.batches(questions):
            packed = questions.packed(chosen, len(self.prefix))
            states = self.from_below(questions, packed, chosen)
            total += float(np.sum(self.losses(questions, chosen, packed, states)))
        return total / len(questions.rests)


class _Best:
    """The adapter of the best check so far."""

    def __init__(self, decoder: Decoder, nats: float) -> None:
        self.decoder, self.nats, self.since = decoder, nats, 0
        self.kept = lora.adapter_weights(decoder)

    def misses(self, nats: float) -> int:
        """Checks since the best one."""
        self.since += 1
        if nats < self.nats:
            self.nats, self.since, self.kept = nats, 0, lora.adapter_weights(self.decoder)
        return self.since

    def restore(self) -> None:
        """Put it back."""
        for name, variable in lora.adapter_variables(self.decoder).items():
            variable.assign(self.kept[name])


def _order(n: int, batch_size: int, steps: int, seed: int) -> list[np.ndarray]:
    """Places of each batch: all prompts in a new order, again and again."""
    rng, size = np.random.default_rng(seed), min(batch_size, n)
    queue = np.concatenate([rng.permutation(n) for _ in range(-(-steps * size // n))])
    return [queue[step * size : (step + 1) * size] for step in range(steps)]


def _optimizer(learning_rate: float, steps: int) -> Any:
    _tensorflow.load()
    import keras

    warm_up = min(WARM_UP_STEPS, max(steps - 1, 1))
    schedule = keras.optimizers.schedules.PolynomialDecay(
        learning_rate, max(steps - warm_up, 1), end_learning_rate=0.0
    )

    class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step: Any) -> Any:
            step = keras.ops.cast(step, "float32")
            rising = learning_rate * (step + 1) / warm_up
            return keras.ops.minimum(rising, schedule(keras.ops.maximum(step - warm_up, 0)))

    return keras.optimizers.AdamW(WarmUp(), weight_decay=0.0, global_clipnorm=LARGEST_GRADIENT)
