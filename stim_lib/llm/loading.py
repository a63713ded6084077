"""Weights for a decoder: from a GGUF file, or random.

Introduced in chapter 09.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from stim_lib.llm.decoder import Block, Decoder, DecoderSettings

ASSET = "smollm2"


def load_decoder(path: str | Path | None = None, layers: int | None = None) -> Decoder:
    """Build a decoder with the weights of a GGUF file.

    Parameters
    ----------
    path : str or Path, optional
        Default: SmolLM2-135M-Instruct, fetched once.
    layers : int, optional
        Only the first so many blocks, to look at them or to be fast. Default: all.

    Returns
    -------
    Decoder

    Raises
    ------
    ValueError
        If the file is not of a Llama-like model, lacks a tensor, or has one of another shape.

    Notes
    -----
    The 4-bit weights are made float32, which takes 540 MB for SmolLM2. Rows of queries and keys
    lie in the file in the order of another form of RoPE; `unpermute` puts them right. Introduced in
    chapter 09.

    Examples
    --------
    >>> load_decoder().settings.layers  # doctest: +SKIP
    30
    """
    from stim_lib import assets
    from stim_lib.llm.decoder import Decoder, DecoderSettings
    from stim_lib.llm.gguf import read_gguf

    file = read_gguf(assets.fetch(ASSET) if path is None else path)
    embedding = _read(file, "token_embd.weight")
    settings = DecoderSettings.from_metadata(file.metadata, vocabulary=len(embedding))
    if layers is not None:
        if not 1 <= layers <= settings.layers:
            raise ValueError(f"layers: expected 1 to {settings.layers}, found {layers}")
        settings = replace(settings, layers=layers)
    decoder = Decoder(settings)
    _put(decoder.embedding, embedding, "token_embd.weight")
    _put(decoder.norm.scale, _read(file, "output_norm.weight"), "output_norm.weight")
    for number, block in enumerate(decoder.blocks):
        for name, variable in _names(block).items():
            full = f"blk.{number}.{name}.weight"
            _put(variable, _arranged(name, _read(file, full), settings), full)
    return decoder


def random_decoder(settings: DecoderSettings, *, seed: int = 0) -> Decoder:
    """Build a decoder with random weights: it knows nothing, but runs like a real one.

    Parameters
    ----------
    settings : DecoderSettings
    seed : int

    Returns
    -------
    Decoder

    Notes
    -----
    For tests and for looking at shapes. Introduced in chapter 09.

    Examples
    --------
    >>> from stim_lib.llm.decoder import DecoderSettings
    >>> random_decoder(DecoderSettings(11, 8, 2, 2, 1, 16)).count_params()
    1280
    """
    from stim_lib.llm.decoder import Decoder

    rng = np.random.default_rng(seed)
    decoder = Decoder(settings)
    for variable in decoder.variables:
        noise = rng.normal(size=variable.shape)
        is_norm = len(variable.shape) == 1
        variable.assign(1 + 0.1 * noise if is_norm else noise / np.sqrt(variable.shape[-2] / 2))
    decoder.embedding.assign(rng.normal(size=decoder.embedding.shape))
    return decoder


def unpermute(rows: np.ndarray, heads: int) -> np.ndarray:
    """Put rows of a query or key matrix from neighbouring pairs into halves.

    Parameters
    ----------
    rows : array, shape (heads · d, n)
        Rows 2i and 2i + 1 of a head are turned together.
    heads : int

    Returns
    -------
    array, shape (heads · d, n)
        Rows i and i + d/2 of a head are turned together.

    Notes
    -----
    Introduced in chapter 09.

    Examples
    --------
    >>> unpermute(np.arange(8)[:, None], heads=2).ravel().tolist()
    [0, 2, 1, 3, 4, 6, 5, 7]
    """
    n_rows, width = rows.shape
    pairs = rows.reshape(heads, n_rows // heads // 2, 2, width)
    return pairs.swapaxes(1, 2).reshape(n_rows, width)


def _names(block: Block) -> dict[str, Any]:
    """Name in the file → variable."""
    attention, feed_forward = block.attention, block.feed_forward
    return {
        "attn_norm": block.attention_norm.scale,
        "attn_q": attention.query.kernel,
        "attn_k": attention.key.kernel,
        "attn_v": attention.value.kernel,
        "attn_output": attention.output_projection.kernel,
        "ffn_norm": block.feed_forward_norm.scale,
        "ffn_gate": feed_forward.gate.kernel,
        "ffn_up": feed_forward.up.kernel,
        "ffn_down": feed_forward.down.kernel,
    }


def _arranged(name: str, weights: np.ndarray, settings: DecoderSettings) -> np.ndarray:
    """As Keras wants them: inputs are rows, and the pairs of RoPE are halves."""
    if name == "attn_q":
        weights = unpermute(weights, settings.heads)
    elif name == "attn_k":
        weights = unpermute(weights, settings.key_heads)
    return weights.T


def _read(file: Any, name: str) -> np.ndarray:
    if name not in file.tensors:
        raise ValueError(f"weights: expected a tensor {name!r} in the file, found none")
    return file.read(name)


def _put(variable: Any, weights: np.ndarray, name: str) -> None:
    if tuple(variable.shape) != weights.shape:
        raise ValueError(
            f"{name}: expected shape {tuple(variable.shape)}, found {weights.shape}; the header of "
            "the file and its tensors do not agree"
        )
    variable.assign(weights)
