"""How likely is a continuation? Many candidates after many prompts, with nothing computed twice.

Introduced in chapters 09 and 10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stim_lib.llm import running
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
    trees = _trees(decoder, candidates, len(prompts))
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


@dataclass(frozen=True)
class _Tree:
    """Candidates that begin alike share nodes. Row 0 is the prompt's end, row i + 1 is node i."""

    tokens: list[int]  # of each node
    depth: list[int]  # of each node; children of the prompt have 0
    above: np.ndarray  # bool (n_nodes, n_nodes): row looks at column
    steps: np.ndarray  # int (n_steps, 3): candidate, row that foretells, token foretold
    lengths: list[int]  # of each candidate


def _grow(candidates: Sequence[Tokens]) -> _Tree:
    nodes: dict[tuple[int, ...], int] = {}
    steps = []
    for number, candidate in enumerate(candidates):
        for place, token in enumerate(candidate):
            start = tuple(candidate[:place])
            if start and start not in nodes:
                nodes[start] = len(nodes)
            steps.append((number, nodes[start] + 1 if start else 0, token))
    above = np.zeros((len(nodes), len(nodes)), bool)
    for start, row in nodes.items():
        above[row, [nodes[start[:k]] for k in range(1, len(start) + 1)]] = True
    return _Tree(
        [start[-1] for start in nodes],
        [len(start) - 1 for start in nodes],
        above,
        np.array(steps),
        [len(candidate) for candidate in candidates],
    )


def _trees(decoder: Decoder, candidates: Sequence[Any], n_prompts: int) -> list[_Tree]:
    if not len(candidates) or not len(candidates[0]):
        raise ValueError("candidates: expected at least one, of at least one token, found none")
    if np.ndim(candidates[0][0]) == 0:
        running.check_tokens(decoder, candidates, "candidates")
        return [_grow(candidates)] * n_prompts
    if len(candidates) != n_prompts:
        raise ValueError(
            f"candidates: expected a list for each of {n_prompts} prompts, found {len(candidates)}"
        )
    counts = {len(own) for own in candidates}
    if len(counts) > 1:
        raise ValueError(
            f"candidates: expected the same number for each prompt, found {sorted(counts)}; "
            "score them in groups"
        )
    for own in candidates:
        running.check_tokens(decoder, own, "candidates")
    return [_grow(own) for own in candidates]


def _score_batch(
    decoder: Decoder, prompts: list[list[int]], trees: list[_Tree], before: int, past: Any
) -> np.ndarray:
    """Scores (B, n_candidates) of prompts whose first `before` tokens are in `past`."""
    tf = _tensorflow.load()
    lengths = np.array([len(prompt) for prompt in prompts])
    n_nodes = max(len(tree.tokens) for tree in trees)
    layout = running.causal_layout(lengths, before=before)
    states, cache = running.run_blocks(
        decoder, decoder.embed(running.pad(prompts)), *layout, past, keep_cache=n_nodes > 0
    )
    ends = _rows(states, np.arange(len(prompts)), lengths - 1)[:, None]
    if n_nodes:
        nodes = decoder.embed(running.pad([tree.tokens for tree in trees]))
        layout = _tree_layout(trees, lengths, before)
        states, _ = running.run_blocks(decoder, nodes, *layout, cache, keep_cache=False)
        ends = tf.concat([ends, states], axis=1)
    ends = tf.reshape(ends, (-1, decoder.settings.width))
    text = np.repeat(np.arange(len(trees)), [len(tree.steps) for tree in trees])
    candidate, row, token = np.concatenate([tree.steps for tree in trees]).T
    used, row = np.unique(text * (n_nodes + 1) + row, return_inverse=True)
    values = _log_probabilities(decoder, tf.gather(ends, used), row, token)
    scores = np.zeros((len(trees), len(trees[0].lengths)))
    np.add.at(scores, (text, candidate), values)
    return scores


def _tree_layout(
    trees: list[_Tree], lengths: np.ndarray, before: int
) -> tuple[np.ndarray, np.ndarray]:
    """Positions (B, N) and mask (B, N, before + T + N) of the trees behind their prompts."""
    n_nodes, longest = max(len(tree.tokens) for tree in trees), max(lengths)
    positions = np.zeros((len(trees), n_nodes), int)
    mask = np.zeros((len(trees), n_nodes, before + longest + n_nodes), bool)
    for i, (tree, length) in enumerate(zip(trees, lengths, strict=True)):
        n = len(tree.tokens)
        positions[i, :n] = before + length + np.array(tree.depth)
        mask[i, :, : before + length] = True
        mask[i, :n, before + longest : before + longest + n] = tree.above
    return positions, mask


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
