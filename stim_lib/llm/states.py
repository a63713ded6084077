"""What a decoder makes of a prompt, as a vector for other models.

Introduced in chapter 10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stim_lib.llm import running

if TYPE_CHECKING:
    from stim_lib.llm.decoder import Decoder


def hidden_states(
    decoder: Decoder,
    prompts: Sequence[Sequence[int]],
    layer: int | None = None,
    *,
    max_tokens: int = 1024,
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """State of the last token of each prompt.

    Parameters
    ----------
    decoder : Decoder
    prompts : sequence of sequences of int
    layer : int, optional
        Number of blocks that are run, from 0 (the embedding of the last token). Default: all.
    max_tokens : int
        Most tokens in a batch, padding included.
    progress : function of (prompts done, prompts in all), optional

    Returns
    -------
    float32 array, shape (n_prompts, D)
        As it leaves the block, before the last norm. Some components are far larger than others:
        standardise before a linear model.

    Raises
    ------
    ValueError
        If there is no such layer, no prompt, or a token is not of the vocabulary.

    Notes
    -----
    What all prompts begin with is read once. Introduced in chapter 10.

    Examples
    --------
    >>> from stim_lib import llm
    >>> decoder = llm.random_decoder(llm.DecoderSettings(11, 8, 2, 2, 1, 16))
    >>> hidden_states(decoder, [[3, 1, 4], [3, 1]], layer=1).shape
    (2, 8)
    """
    running.check_tokens(decoder, prompts, "prompts")
    layer = decoder.settings.layers if layer is None else layer
    if not 0 <= layer <= decoder.settings.layers:
        raise ValueError(f"layer: expected 0 to {decoder.settings.layers}, found {layer}")
    found = np.zeros((len(prompts), decoder.settings.width), "float32")
    done = 0
    for batch, states, lengths in running.read_prompts(decoder, prompts, range(layer), max_tokens):
        found[batch] = states.numpy()[np.arange(len(batch)), lengths - 1]
        done += len(batch)
        if progress:
            progress(done, len(prompts))
    return found
