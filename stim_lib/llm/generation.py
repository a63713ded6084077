"""Write on from a prompt, token by token.

Introduced in chapter 09.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stim_lib.llm import running

if TYPE_CHECKING:
    from stim_lib.llm.decoder import Decoder


def generate(
    decoder: Decoder,
    prompt: Sequence[int],
    *,
    max_new: int = 40,
    temperature: float = 0.0,
    top_p: float = 1.0,
    stop: Iterable[int] = (),
    seed: int = 0,
    use_cache: bool = True,
) -> list[int]:
    """Tokens that follow a prompt.

    Parameters
    ----------
    decoder : Decoder
    prompt : sequence of int
    max_new : int
        At most so many.
    temperature : float
        0 takes the likeliest token each time; 1 draws from the model's probabilities.
    top_p : float
        In (0, 1]. Draw from the fewest tokens that have so much of the probability between them.
    stop : iterable of int
        Tokens that end the text; they are not returned.
    seed : int
    use_cache : bool
        If False, all that stands there is read again for each new token: the same text, later.

    Returns
    -------
    list of int
        Without the prompt.

    Raises
    ------
    ValueError
        If the prompt is empty or longer than the model's context, or a setting is out of range.

    Notes
    -----
    Top-p: Holtzman et al. (2020), arXiv:1904.09751. Introduced in chapter 09.

    Examples
    --------
    >>> from stim_lib import llm
    >>> decoder = llm.random_decoder(llm.DecoderSettings(11, 8, 2, 2, 1, 16))
    >>> generate(decoder, [3, 1], max_new=4) == generate(
    ...     decoder, [3, 1], max_new=4, use_cache=False
    ... )
    True
    """
    running.check_tokens(decoder, [prompt], "prompt")
    if len(prompt) + max_new > decoder.settings.context or max_new < 0:
        raise ValueError(
            f"max_new: expected 0 to {decoder.settings.context - len(prompt)} after a prompt of "
            f"{len(prompt)} tokens, found {max_new}"
        )
    rng, stop = np.random.default_rng(seed), set(stop)
    written: list[int] = []
    new, past = list(prompt), None
    while len(written) < max_new:
        logits, cache = _next_logits(decoder, new, past)
        token = draw_token(logits, temperature=temperature, top_p=top_p, rng=rng)
        if token in stop:
            break
        written.append(token)
        new, past = ([token], cache) if use_cache else ([*new, token], None)
    return written


def draw_token(
    logits: np.ndarray, *, temperature: float, top_p: float = 1.0, rng: np.random.Generator
) -> int:
    """Draw one token.

    Parameters
    ----------
    logits : float array, shape (V,)
    temperature : float
        0 takes the largest.
    top_p : float
        In (0, 1].
    rng : numpy.random.Generator

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If `temperature` is below 0 or `top_p` not in (0, 1].

    Notes
    -----
    p ∝ exp(logit / temperature). Introduced in chapter 09.

    Examples
    --------
    >>> draw_token(np.array([0.0, 9.0, 1.0]), temperature=1.0, top_p=0.9,
    ...            rng=np.random.default_rng(0))
    1
    """
    if temperature < 0 or not 0 < top_p <= 1:
        raise ValueError(
            "expected a temperature of 0 or more and top_p in (0, 1], found "
            f"{temperature} and {top_p}"
        )
    if temperature == 0:
        return int(np.argmax(logits))
    scaled = np.asarray(logits, float) / temperature
    odds = np.exp(scaled - scaled.max())
    order = np.argsort(-odds, kind="stable")
    share = np.cumsum(odds[order]) / odds.sum()
    kept = order[: int(np.searchsorted(share, top_p)) + 1]
    return int(rng.choice(kept, p=odds[kept] / odds[kept].sum()))


def _next_logits(
    decoder: Decoder, tokens: Sequence[int], past: Any
) -> tuple[np.ndarray, list[running.Cache]]:
    before = 0 if past is None else int(past[0][0].shape[2])
    layout = running.causal_layout([len(tokens)], before=before)
    states, cache = running.run_blocks(decoder, decoder.embed(np.array([tokens])), *layout, past)
    return np.asarray(decoder.compare(states[:, -1:]))[0, 0], cache
