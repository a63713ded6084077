"""Run the blocks of a decoder at speed: one block is compiled, and serves for all.

All blocks have the same form. So TensorFlow traces the first of them with its weights as
arguments, for any number of texts and of tokens, and that one graph runs block after block. To
trace thirty takes half a minute; to trace one, a second. Introduced in chapter 09.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stim_lib.sequences import _tensorflow

if TYPE_CHECKING:
    from stim_lib.llm.decoder import Block, Decoder

# Keys and values of one block, each (B, K, S, d).
Cache = tuple[Any, Any]


def run_blocks(
    decoder: Decoder,
    states: Any,
    positions: np.ndarray,
    mask: np.ndarray,
    past: Sequence[Cache] | None = None,
    *,
    blocks: range | None = None,
    keep_cache: bool = True,
) -> tuple[Any, list[Cache]]:
    """Send states through the blocks of a decoder.

    Parameters
    ----------
    decoder : Decoder
    states : tensor or array of float, shape (B, T, D)
        From `Decoder.embed`, or from an earlier run that stopped half-way.
    positions : array of int, shape (B, T) or (1, T)
        Of the tokens in their text, from 0. They need not rise by 1.
    mask : array of bool, shape (B, T, S + T) or (1, T, S + T)
        True where a token may look, first at the past, then at the new.
    past : sequence of pairs of tensors of shape (B, K, S, d) or (1, K, S, d), optional
        Cache of each block; one text of it serves all B.
    blocks : range, optional
        Which blocks. Default: all. `past` has one entry for each.
    keep_cache : bool
        If False, the cache that is returned is empty, and its memory free.

    Returns
    -------
    states : tensor of float, shape (B, T, D)
    cache : list of pairs of tensors of shape (B, K, S + T, d)

    Raises
    ------
    ValueError
        If `past` has not one entry for each block.

    Notes
    -----
    The same numbers as `Decoder.steps`, to rounding. Gradients reach the states and the weights of
    an adapter, not the weights of the model itself. Introduced in chapter 09.

    Examples
    --------
    >>> from stim_lib import llm
    >>> decoder = llm.random_decoder(llm.DecoderSettings(11, 8, 2, 2, 1, 16))
    >>> tokens = np.array([[3, 1, 4]])
    >>> states, cache = run_blocks(
    ...     decoder, decoder.embed(tokens), *causal_layout([3], before=0)
    ... )
    >>> tuple(states.shape), len(cache)
    ((1, 3, 8), 2)
    """
    from stim_lib.llm.decoder import rotation

    tf = _tensorflow.load()
    blocks = range(decoder.settings.layers) if blocks is None else blocks
    if past is not None and len(past) != len(blocks):
        raise ValueError(f"past: expected {len(blocks)} pairs, found {len(past)}")
    s = decoder.settings
    turn = rotation(positions, s.head_width, s.rope_base)
    mask = tf.convert_to_tensor(mask)
    nothing = tf.zeros((1, s.key_heads, 0, s.head_width))
    cache = []
    for place, number in enumerate(blocks):
        block = decoder.blocks[number]
        before = (nothing, nothing) if past is None else past[place]
        weights = [variable.value for variable in block.variables]
        states, *made = _compiled(decoder, block)(weights, states, *turn, mask, *before)
        if keep_cache:
            cache.append(tuple(made))
    return states, cache


def causal_layout(lengths: Sequence[int], *, before: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Positions and mask of texts that are padded on the right.

    Parameters
    ----------
    lengths : sequence of int
        Of the texts, without padding; T is the longest.
    before : int
        Number of tokens of a common past, S.

    Returns
    -------
    positions : int array, shape (1, T)
    mask : bool array, shape (1, T, S + T)

    Notes
    -----
    Padding needs no mask of its own: it comes after the text, where nothing of the text looks.
    Introduced in chapter 09.

    Examples
    --------
    >>> positions, mask = causal_layout([2, 1], before=1)
    >>> positions.tolist(), mask.astype(int).tolist()
    ([[1, 2]], [[[1, 1, 0], [1, 1, 1]]])
    """
    positions = before + np.arange(max(lengths))[None]
    return positions, np.arange(before + max(lengths)) <= positions[..., None]


def pad(texts: Sequence[Sequence[int]]) -> np.ndarray:
    """Token lists as one array, padded with 0 on the right.

    Parameters
    ----------
    texts : sequence of sequences of int

    Returns
    -------
    int32 array, shape (n_texts, longest)

    Notes
    -----
    Introduced in chapter 09.

    Examples
    --------
    >>> pad([[5, 6], [7]]).tolist()
    [[5, 6], [7, 0]]
    """
    padded = np.zeros((len(texts), max(map(len, texts))), "int32")
    for row, text in zip(padded, texts, strict=True):
        row[: len(text)] = text
    return padded


def batches(lengths: Sequence[int], max_tokens: int) -> Iterator[np.ndarray]:
    """Cut texts into batches of like length.

    Parameters
    ----------
    lengths : sequence of int
    max_tokens : int
        Most tokens of a batch with its padding; a single text may be longer.

    Yields
    ------
    int array
        Places of the texts in `lengths`, longest texts first.

    Notes
    -----
    Introduced in chapter 09.

    Examples
    --------
    >>> [batch.tolist() for batch in batches([2, 9, 3, 2], max_tokens=9)]
    [[1], [2, 0, 3]]
    """
    order, start = np.argsort(-np.asarray(lengths), kind="stable"), 0
    while start < len(order):
        size = max(1, max_tokens // max(int(lengths[order[start]]), 1))
        yield order[start : start + size]
        start += size


def shared_prefix(prompts: Sequence[Sequence[int]]) -> list[int]:
    """Tokens with which all prompts begin, though never a whole prompt.

    Parameters
    ----------
    prompts : sequence of sequences of int

    Returns
    -------
    list of int
        It leaves at least one token of each prompt.

    Notes
    -----
    Instructions and worked examples stand before each question: to read them once is enough.
    Introduced in chapter 10.

    Examples
    --------
    >>> shared_prefix([[5, 6, 7], [5, 6, 8, 9]]), shared_prefix([[5, 6], [5, 6, 7]])
    ([5, 6], [5])
    """
    low, high = list(min(map(list, prompts))), list(max(map(list, prompts)))
    length = min(map(len, prompts)) - 1
    for place in range(length):
        if low[place] != high[place]:
            return low[:place]
    return low[:length]


def read_prefix(
    decoder: Decoder, prefix: Sequence[int], blocks: range | None = None
) -> list[Cache] | None:
    """Cache of what all prompts begin with.

    Parameters
    ----------
    decoder : Decoder
    prefix : sequence of int
        From `shared_prefix`.
    blocks : range, optional
        From block 0. Default: all.

    Returns
    -------
    list of pairs of tensors of shape (1, K, S, d), or None
        None if the prefix is empty.

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> from stim_lib import llm
    >>> decoder = llm.random_decoder(llm.DecoderSettings(11, 8, 2, 2, 1, 16))
    >>> len(read_prefix(decoder, [3, 1])), read_prefix(decoder, [])
    (2, None)
    """
    if not len(prefix):
        return None
    layout = causal_layout([len(prefix)])
    return run_blocks(decoder, decoder.embed(np.array([prefix])), *layout, blocks=blocks)[1]


def read_prompts(
    decoder: Decoder, prompts: Sequence[Sequence[int]], blocks: range, max_tokens: int
) -> Iterator[tuple[np.ndarray, Any, np.ndarray]]:
    """States of prompts after some blocks, batch by batch; a common beginning is read once.

    Parameters
    ----------
    decoder : Decoder
    prompts : sequence of sequences of int
    blocks : range
        From block 0.
    max_tokens : int
        Most tokens in a batch, padding included.

    Yields
    ------
    batch : int array, shape (B,)
        Places in `prompts`.
    states : tensor of float, shape (B, T, D)
        Of what comes after `shared_prefix`.
    lengths : int array, shape (B,)
        Tokens of each that are not padding.

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> from stim_lib import llm
    >>> decoder = llm.random_decoder(llm.DecoderSettings(11, 8, 2, 2, 1, 16))
    >>> [(batch.tolist(), tuple(states.shape), lengths.tolist()) for batch, states, lengths
    ...  in read_prompts(decoder, [[3, 1, 4], [3, 2]], range(1), max_tokens=9)]
    [([0, 1], (2, 2, 8), [2, 1])]
    """
    prefix = shared_prefix(prompts)
    past = read_prefix(decoder, prefix, blocks)
    rests = [list(prompt[len(prefix) :]) for prompt in prompts]
    for batch in batches([len(rest) for rest in rests], max_tokens):
        chosen = [rests[i] for i in batch]
        lengths = np.array([len(rest) for rest in chosen])
        states, _ = run_blocks(
            decoder, decoder.embed(pad(chosen)), *causal_layout(lengths, before=len(prefix)), past,
            blocks=blocks, keep_cache=False,
        )  # fmt: skip
        yield batch, states, lengths


def check_tokens(decoder: Decoder, texts: Sequence[Sequence[int]], name: str) -> None:
    """Refuse texts that are empty or hold what is no token.

    Parameters
    ----------
    decoder : Decoder
    texts : sequence of sequences of int
    name : str
        What the message calls them.

    Raises
    ------
    ValueError
        If there is no text, one is empty, or a token is not in [0, V).

    Notes
    -----
    Introduced in chapter 09.

    Examples
    --------
    >>> from stim_lib import llm
    >>> decoder = llm.random_decoder(llm.DecoderSettings(11, 8, 2, 2, 1, 16))
    >>> check_tokens(decoder, [[3], [11]], "prompts")
    Traceback (most recent call last):
        ...
    ValueError: prompts: expected tokens from 0 to 10, found 11 in text 1
    """
    if not len(texts):
        raise ValueError(f"{name}: expected at least one list of tokens, found none")
    last = decoder.settings.vocabulary - 1
    for number, text in enumerate(texts):
        if not len(text):
            raise ValueError(f"{name}: expected at least one token in each, found none in {number}")
        wrong = [token for token in text if not 0 <= token <= last]
        if wrong:
            raise ValueError(
                f"{name}: expected tokens from 0 to {last}, found {wrong[0]} in text {number}"
            )


def _compiled(decoder: Decoder, block: Block) -> Callable[..., tuple[Any, Any, Any]]:
    """The graph for blocks of this form; made when it is first asked for."""
    form = (len(block.variables), block.attention.query.lora_rank, block.attention.query.lora_alpha)
    if form not in decoder.compiled:
        decoder.compiled[form] = _trace(block)
    return decoder.compiled[form]


def _trace(block: Block) -> Callable[..., tuple[Any, Any, Any]]:
    tf = _tensorflow.load()
    import keras

    variables, s = list(block.variables), block.settings
    turn = tf.TensorSpec((None, None, s.head_width // 2))
    cache = tf.TensorSpec((None, s.key_heads, None, s.head_width))
    signature = [
        [tf.TensorSpec(variable.shape) for variable in variables],
        tf.TensorSpec((None, None, s.width)),
        turn, turn, tf.TensorSpec((None, None, None), tf.bool), cache, cache,
    ]  # fmt: skip

    @tf.function(input_signature=signature)
    def run(weights, states, cosine, sine, mask, keys, values):  # noqa: PLR0917
        # The gradient of a frozen matrix costs as much as its product, and nobody wants it.
        given = [
            (v, w if "lora" in v.name else tf.stop_gradient(w))
            for v, w in zip(variables, weights, strict=True)
        ]
        shape = tf.concat([tf.shape(states)[:1], tf.shape(keys)[1:]], 0)
        past = (tf.broadcast_to(keys, shape), tf.broadcast_to(values, shape))
        with keras.StatelessScope(state_mapping=given):
            states, cache, _ = block.call(states, cosine, sine, mask, past)
        return states, *cache

    return run
