"""How likely is a continuation? Many candidates after many prompts, with nothing computed twice.

Introduced in chapters 09 and 10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stim_lib.llm import running
from stim_lib.llm.tree import CandidateTree, grow_trees, pack
from stim_lib.sequences import _tensorflow

if TYPE_CHECKING:
    from stim_lib.llm.decoder import Decoder

Tokens = Sequence[int]
# Positions whose logits over the whole vocabulary are held at once.
ROWS = 128


class CandidateScores(NamedTuple):
    """What the model says of candidates after prompts.

    Parameters
    ----------
    log_likelihood : float64 array, shape (n_prompts, n_candidates)
        Sum of the log-probabilities of a candidate's tokens, in nats.
    tokens : int array, shape (n_prompts, n_candidates)
        Number of tokens of each candidate: to take means.

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> CandidateScores(np.array([[-3.0]]), np.array([[2]])).mean().tolist()
    [[-1.5]]
    """

    log_likelihood: np.ndarray
    tokens: np.ndarray

    def mean(self) -> np.ndarray:
        """Mean log-probability of a token, shape (n_prompts, n_candidates)."""
        return self.log_likelihood / self.tokens

    def probabilities(self) -> np.ndarray:
        """Probabilities if one of the candidates must follow; each row has sum 1."""
        odds = np.exp(self.log_likelihood - self.log_likelihood.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)


def score_candidates(
    decoder: Decoder,
    prompts: Sequence[Tokens],
    candidates: Sequence[Tokens] | Sequence[Sequence[Tokens]],
    *,
    max_tokens: int = 1024,
    progress: Callable[[int, int], None] | None = None,
) -> CandidateScores:
    """Log-likelihood of each candidate after each prompt.

    Parameters
    ----------
    decoder : Decoder
    prompts : sequence of n_prompts sequences of int
    candidates : sequence of n_candidates sequences of int
        The same for all prompts; or n_prompts such sequences, all of one length, if each prompt has
        its own.
    max_tokens : int
        Most tokens in a batch, padding included.
    progress : function of (prompts done, prompts in all), optional

    Returns
    -------
    CandidateScores
        Of shape (n_prompts, n_candidates).

    Raises
    ------
    ValueError
        If there is nothing to score, a text is empty, a token is not of the vocabulary, or the
        candidates of two prompts differ in number.

    Notes
    -----
    log p(c | prompt) = Σ_k log p(c_k | prompt, c_1 … c_{k-1}). What all prompts begin with is read
    once. A prompt is read once for all its candidates; its end gives the first token of each, so
    that candidates of one token cost nothing more. Longer ones are laid out as a tree, side by
    side behind the prompt: a token looks at the prompt and at what stands above it in the tree. The
    logits are made only where they are used. Introduced in chapter 10.

    Examples
    --------
    >>> from stim_lib import llm
    >>> decoder = llm.random_decoder(llm.DecoderSettings(11, 8, 2, 2, 1, 16))
    >>> scores = score_candidates(decoder, [[3, 1, 4], [3, 1]], [[5], [2, 6], [2, 7, 1]])
    >>> scores.log_likelihood.shape, scores.tokens[0].tolist()
    ((2, 3), [1, 2, 3])
    """
    running.check_tokens(decoder, prompts, "prompts")
    trees = grow_trees(decoder, candidates, len(prompts))
    prefix = running.shared_prefix(prompts)
    past = running.read_prefix(decoder, prefix)
    rests = [list(prompt[len(prefix) :]) for prompt in prompts]
    total = np.zeros((len(prompts), len(trees[0].lengths)))
    lengths = [len(rest) + len(tree.tokens) for rest, tree in zip(rests, trees, strict=True)]
    done = 0
    for batch in running.batches(lengths, max_tokens):
        scored = _score_batch(
            decoder, [rests[i] for i in batch], [trees[i] for i in batch], len(prefix), past
        )
        total[batch] = scored
        done += len(batch)
        if progress:
            progress(done, len(prompts))
    return CandidateScores(total, np.array([tree.lengths for tree in trees]))


def token_log_likelihoods(
    decoder: Decoder, texts: Sequence[Tokens], *, max_tokens: int = 1024
) -> list[np.ndarray]:
    """Log-probability of each token of a text, given those before it.

    Parameters
    ----------
    decoder : Decoder
    texts : sequence of sequences of int
    max_tokens : int
        Most tokens in a batch, padding included.

    Returns
    -------
    list of float64 arrays
        One for each text, shorter than it by one: nothing foretells the first token.

    Raises
    ------
    ValueError
        If there is no text, one is empty, or a token is not of the vocabulary.

    Notes
    -----
    exp(-mean) over the tokens of a text is its perplexity. Introduced in chapter 09.

    Examples
    --------
    >>> from stim_lib import llm
    >>> decoder = llm.random_decoder(llm.DecoderSettings(11, 8, 2, 2, 1, 16))
    >>> [len(found) for found in token_log_likelihoods(decoder, [[3, 1, 4], [5]])]
    [2, 0]
    """
    running.check_tokens(decoder, texts, "texts")
    lengths = [len(text) for text in texts]
    found: list[np.ndarray] = [np.zeros(0)] * len(texts)
    for batch in running.batches(lengths, max_tokens):
        tokens = running.pad([texts[i] for i in batch])
        layout = running.causal_layout([lengths[i] for i in batch])
        states, _ = running.run_blocks(decoder, decoder.embed(tokens), *layout, keep_cache=False)
        text, place = np.nonzero(
            np.arange(tokens.shape[1])[None] < [[lengths[i] - 1] for i in batch]
        )
        values = _log_probabilities(
            decoder,
            _rows(states, text, place),
            np.arange(len(text)),
            tokens[text, place + 1],
        )
        for i, number in enumerate(batch):
            found[number] = values[text == i]
    return found


def _score_batch(
    decoder: Decoder, prompts: list[list[int]], trees: list[CandidateTree], before: int, past: Any
) -> np.ndarray:
    """Scores (B, n_candidates) of prompts whose first `before` tokens are in `past`."""
    packed = pack(prompts, trees, before=before)
    states, _ = running.run_blocks(
        decoder, decoder.embed(packed.tokens), packed.positions, packed.mask, past, keep_cache=False
    )
    asked, row = np.unique(packed.steps[:, [0, 2]], axis=0, return_inverse=True)
    values = _log_probabilities(decoder, _rows(states, *asked.T), row, packed.steps[:, 3])
    scores = np.zeros((len(trees), len(trees[0].lengths)))
    np.add.at(scores, (packed.steps[:, 0], packed.steps[:, 1]), values)
    return scores


def _rows(states: Any, text: np.ndarray, place: np.ndarray) -> Any:
    """Rows (n, D) of states (B, T, D)."""
    return _tensorflow.load().gather_nd(states, np.stack([text, place], axis=1))


def _log_probabilities(
    decoder: Decoder, states: Any, rows: np.ndarray, tokens: np.ndarray
) -> np.ndarray:
    """Log-probability of each token as the state in its row foretells it."""
    tf = _tensorflow.load()
    normed, values = decoder.norm(states), np.zeros(len(rows))
    for start in range(0, int(normed.shape[0]), ROWS):
        # (V, n): with the long side first the product takes half the time.
        logits = tf.matmul(decoder.embedding.value, normed[start : start + ROWS], transpose_b=True)
        total = tf.reduce_logsumexp(logits, axis=0).numpy()
        here = (rows >= start) & (rows < start + ROWS)
        values[here] = logits.numpy()[tokens[here], rows[here] - start] - total[rows[here] - start]
    return values
