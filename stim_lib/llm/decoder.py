"""The network of a small language model: what Llama, Qwen and SmolLM2 have in common.

A token becomes a vector; block after block looks back and thinks; the last vector is compared
with all tokens. Introduced in chapter 09.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stim_lib.networks import _backend  # noqa: F401  (before Keras)

import keras  # isort: skip
from keras import ops

FAR_BELOW = -1e9
ARCHITECTURE = "llama"
# Field → its key in the file, after "llama.".
FIELDS = {
    "width": "embedding_length",
    "layers": "block_count",
    "heads": "attention.head_count",
    "key_heads": "attention.head_count_kv",
    "feed_forward": "feed_forward_length",
    "epsilon": "attention.layer_norm_rms_epsilon",
    "rope_base": "rope.freq_base",
    "context": "context_length",
}


@dataclass(frozen=True)
class DecoderSettings:
    """What must be known to build a decoder before its weights are there.

    Parameters
    ----------
    vocabulary : int
        Number of tokens, V.
    width : int
        Length of a token's vector, D.
    layers : int
        Number of blocks.
    heads, key_heads : int
        Query heads H, and the K key and value heads that they share; H is a multiple of K.
    feed_forward : int
        F, the width inside SwiGLU.
    epsilon : float
        Added to a mean square before its root is taken.
    rope_base : float
        The slowest wave of RoPE is about this long, in positions (over 2π).
    context : int
        Positions that the model was trained for.

    Raises
    ------
    ValueError
        If the heads do not divide the width, or the key heads the heads.

    Notes
    -----
    Introduced in chapter 09.

    Examples
    --------
    >>> DecoderSettings(vocabulary=16, width=8, layers=2, heads=2, key_heads=1).head_width
    4
    """

    vocabulary: int = 49152
    width: int = 576
    layers: int = 30
    heads: int = 9
    key_heads: int = 3
    feed_forward: int = 1536
    epsilon: float = 1e-5
    rope_base: float = 100_000.0
    context: int = 8192

    def __post_init__(self) -> None:
        if self.heads < 1 or self.width % (2 * self.heads):
            raise ValueError(
                f"width: expected a multiple of twice the heads, found {self.width} and "
                f"{self.heads} heads"
            )
        if self.key_heads < 1 or self.heads % self.key_heads:
            raise ValueError(
                f"heads: expected a multiple of key_heads, found {self.heads} and {self.key_heads}"
            )

    @property
    def head_width(self) -> int:
        """Length of one head's vector, D / H."""
        return self.width // self.heads

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], vocabulary: int) -> DecoderSettings:
        """Settings from the header of a GGUF file; the vocabulary from its embedding."""
        found = metadata.get("general.architecture")
        if found != ARCHITECTURE:
            raise ValueError(
                f"architecture: expected {ARCHITECTURE!r}, found {found!r}; this decoder is built "
                "for models of that kind only"
            )
        missing = [k for k in FIELDS.values() if f"{ARCHITECTURE}.{k}" not in metadata]
        if missing:
            raise ValueError(f"metadata: expected {ARCHITECTURE}.{missing[0]}, found no such key")
        values = {name: metadata[f"{ARCHITECTURE}.{key}"] for name, key in FIELDS.items()}
        return cls(vocabulary=vocabulary, **values)


class RMSNorm(keras.layers.Layer):
    """Vectors of mean square 1, then one learned factor for each component.

    Examples
    --------
    >>> [round(float(x), 3) for x in RMSNorm(0.0)(np.array([[3.0, -4.0]]))[0]]
    [0.849, -1.131]
    """

    def __init__(self, epsilon: float, **options: Any) -> None:
        super().__init__(**options)
        self.epsilon = epsilon

    def build(self, shape: Sequence[int | None]) -> None:
        """Make the factors."""
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")

    def call(self, states: Any) -> Any:
        """Shape (…, D) in and out."""
        mean_square = ops.mean(ops.square(states), axis=-1, keepdims=True)
        return states * ops.rsqrt(mean_square + self.epsilon) * self.scale


def rotation(positions: Any, head_width: int, base: float) -> tuple[Any, Any]:
    """Cosine and sine of the angles by which RoPE turns each pair of components.

    Parameters
    ----------
    positions : array of int, shape (B, T)
    head_width : int
        d, even.
    base : float

    Returns
    -------
    cosine, sine : tensor of float, shape (B, T, d / 2)

    Notes
    -----
    angle = position · base^(-2i/d): the first pair turns by one radian a position, the last hardly
    at all. Source: Su et al. (2021), arXiv:2104.09864. Introduced in chapter 09.

    Examples
    --------
    >>> [round(float(x), 3) for x in rotation([[1]], 4, 100.0)[1][0, 0]]
    [0.841, 0.1]
    """
    frequency = base ** (-np.arange(0, head_width, 2) / head_width)
    angle = np.asarray(positions)[..., None] * frequency
    return ops.convert_to_tensor(np.cos(angle), "float32"), ops.convert_to_tensor(
        np.sin(angle), "float32"
    )


def rotate(vectors: Any, cosine: Any, sine: Any) -> Any:
    """Turn each pair (component i, component i + d/2) by its angle.

    Parameters
    ----------
    vectors : tensor of float, shape (B, T, heads, d)
    cosine, sine : tensor of float, shape (B, T, d / 2)
        From `rotation`.

    Returns
    -------
    tensor of float, shape (B, T, heads, d)

    Notes
    -----
    The product of a turned query and a turned key depends on their distance only. Introduced in
    chapter 09.

    Examples
    --------
    >>> turned = rotate(np.ones((1, 1, 1, 2)), np.zeros((1, 1, 1)), np.ones((1, 1, 1)))
    >>> np.asarray(turned).ravel().tolist()
    [-1.0, 1.0]
    """
    first, second = ops.split(vectors, 2, axis=-1)
    cosine, sine = ops.expand_dims(cosine, 2), ops.expand_dims(sine, 2)
    return ops.concatenate(
        [first * cosine - second * sine, second * cosine + first * sine], axis=-1
    )


class Projection(keras.layers.Dense):
    """A dense layer without bias that takes all positions of a batch as rows of one matrix.

    Keras would multiply text by text, which takes twice as long.

    Examples
    --------
    >>> tuple(Projection(3)(np.ones((2, 5, 4))).shape)
    (2, 5, 3)
    """

    def __init__(self, units: int, **options: Any) -> None:
        # Zeros: random numbers that the file overwrites would cost seconds.
        super().__init__(units, use_bias=False, kernel_initializer="zeros", **options)

    def call(self, states: Any) -> Any:
        """Shape (B, T, n) in, (B, T, units) out."""
        shape = ops.shape(states)
        rows = ops.matmul(ops.reshape(states, (-1, shape[-1])), self.kernel)
        return ops.reshape(rows, (*shape[:-1], self.units))


class GroupedAttention(keras.layers.Layer):
    """Attention in which several query heads share one head of keys and values.

    ==========  ====================  ==============================================
    what        shape                 meaning
    ==========  ====================  ==============================================
    states      (B, T, D)             new positions
    cosine      (B, T, d / 2)         and sine: how to turn them
    mask        (B, T, S + T) bool    True where a new position may look
    past        2 × (B, K, S, d)      keys and values of S positions before
    output      (B, T, D)
    cache       2 × (B, K, S + T, d)  the past and the new
    weights     (B, H, T, S + T)
    ==========  ====================  ==============================================
    """

    def __init__(self, settings: DecoderSettings, **options: Any) -> None:
        super().__init__(**options)
        self.settings, side = settings, settings.head_width
        self.query = Projection(settings.heads * side, name="query")
        self.key = Projection(settings.key_heads * side, name="key")
        self.value = Projection(settings.key_heads * side, name="value")
        self.output_projection = Projection(settings.width, name="output")

    def build(self, shape: Sequence[int | None]) -> None:
        """Make the four kernels."""
        for layer in (self.query, self.key, self.value):
            layer.build(shape)
        self.output_projection.build((None, None, self.settings.width))

    def split(self, vectors: Any, heads: int) -> Any:
        """Cut (B, T, heads · d) into (B, T, heads, d)."""
        shape = ops.shape(vectors)
        return ops.reshape(vectors, (shape[0], shape[1], heads, self.settings.head_width))

    def call(self, states: Any, cosine: Any, sine: Any, mask: Any, past: Any = None) -> Any:
        """Output, cache, weights."""
        s, (batch, length) = self.settings, ops.shape(states)[:2]
        queries = rotate(self.split(self.query(states), s.heads), cosine, sine)
        keys = ops.swapaxes(rotate(self.split(self.key(states), s.key_heads), cosine, sine), 1, 2)
        values = ops.swapaxes(self.split(self.value(states), s.key_heads), 1, 2)
        if past is not None:
            keys = ops.concatenate([past[0], keys], axis=2)
            values = ops.concatenate([past[1], values], axis=2)
        # Query head h looks through key head h // (H / K): (B, T, H, d) → (B, K, H/K, T, d).
        group = (batch, length, s.key_heads, s.heads // s.key_heads, s.head_width)
        queries = ops.transpose(ops.reshape(queries, group), (0, 2, 3, 1, 4))
        scores = ops.einsum("bkgtd,bksd->bkgts", queries, keys) / s.head_width**0.5
        weights = ops.softmax(ops.where(mask[:, None, None], scores, FAR_BELOW))
        mean = ops.einsum("bkgts,bksd->btkgd", weights, values)
        output = self.output_projection(ops.reshape(mean, (batch, length, s.width)))
        return output, (keys, values), weights


class SwiGLU(keras.layers.Layer):
    """Two projections up, one of them a gate for the other, and one down."""

    def __init__(self, settings: DecoderSettings, **options: Any) -> None:
        super().__init__(**options)
        self.gate = Projection(settings.feed_forward, name="gate")
        self.up = Projection(settings.feed_forward, name="up")
        self.down = Projection(settings.width, name="down")

    def build(self, shape: Sequence[int | None]) -> None:
        """Make the three kernels."""
        self.gate.build(shape)
        self.up.build(shape)
        self.down.build((None, None, self.gate.units))

    def call(self, states: Any) -> Any:
        """Shape (B, T, D) in and out."""
        return self.down(ops.silu(self.gate(states)) * self.up(states))


class Block(keras.layers.Layer):
    """Look back, then think; each is added to what was there."""

    def __init__(self, settings: DecoderSettings, **options: Any) -> None:
        super().__init__(**options)
        self.settings = settings
        self.attention_norm = RMSNorm(settings.epsilon)
        self.attention = GroupedAttention(settings)
        self.feed_forward_norm = RMSNorm(settings.epsilon)
        self.feed_forward = SwiGLU(settings)

    def build(self, shape: Sequence[int | None]) -> None:
        """Make all weights, in the order in which they are used."""
        for layer in (
            self.attention_norm, self.attention, self.feed_forward_norm, self.feed_forward,
        ):  # fmt: skip
            layer.build(shape)

    def call(self, states: Any, cosine: Any, sine: Any, mask: Any, past: Any = None) -> Any:
        """States, cache, attention weights."""
        change, cache, weights = self.attention(
            self.attention_norm(states), cosine, sine, mask, past
        )
        states = states + change
        return states + self.feed_forward(self.feed_forward_norm(states)), cache, weights


class Decoder(keras.Model):
    """A language model: token ids in, one score for each token of the vocabulary out.

    Parameters
    ----------
    settings : DecoderSettings

    Notes
    -----
    All weights are 0 (norms 1) until they are assigned: `load_decoder`, `random_decoder`. The
    embedding is used twice, to read tokens and to compare the last vector with them all.
    Source: Touvron et al. (2023), arXiv:2302.13971; SmolLM2: Ben Allal et al. (2025),
    arXiv:2502.02737. Introduced in chapter 09.

    Examples
    --------
    >>> model = Decoder(DecoderSettings(11, 8, 2, 2, 1, 16))
    >>> logits, cache = model(np.array([[3, 1, 4]]))
    >>> tuple(logits.shape), len(cache), tuple(cache[0][0].shape)
    ((1, 3, 11), 2, (1, 1, 3, 4))
    """

    def __init__(self, settings: DecoderSettings, **options: Any) -> None:
        super().__init__(**options)
        self.settings = settings
        self.compiled: dict[Any, Any] = {}  # graphs of `running`
        self.embedding = self.add_weight(
            shape=(settings.vocabulary, settings.width), initializer="zeros", name="embedding"
        )
        self.blocks = [Block(settings, name=f"block_{i}") for i in range(settings.layers)]
        self.norm = RMSNorm(settings.epsilon)
        for layer in (*self.blocks, self.norm):
            layer.build((None, None, settings.width))
        self.built = True

    def embed(self, tokens: Any) -> Any:
        """Vectors (B, T, D) of tokens (B, T)."""
        return ops.take(self.embedding, ops.convert_to_tensor(tokens, "int32"), axis=0)

    def compare(self, states: Any) -> Any:
        """Logits (…, V) of the states (…, D) that come out of the last block."""
        states = self.norm(states)
        rows = ops.reshape(states, (-1, self.settings.width))
        # The small matrix is turned, not the large one.
        logits = ops.transpose(ops.matmul(self.embedding, ops.transpose(rows)))
        return ops.reshape(logits, (*ops.shape(states)[:-1], self.settings.vocabulary))

    def layout(self, length: int, before: int) -> tuple[Any, Any, Any]:
        """Cosine, sine and mask of `length` new positions after `before` old ones."""
        positions = before + np.arange(length)[None]
        may_look = np.arange(before + length) <= positions[..., None]
        s = self.settings
        return *rotation(positions, s.head_width, s.rope_base), ops.convert_to_tensor(may_look)

    def steps(self, tokens: Any, past: Sequence[Any] | None = None) -> list[tuple[Any, Any, Any]]:
        """What each block makes: states (B, T, D), cache, attention weights (B, K, H/K, T, S)."""
        before = 0 if past is None else past[0][0].shape[2]
        layout = self.layout(tokens.shape[1], before)
        states, made = self.embed(tokens), []
        for number, block in enumerate(self.blocks):
            made.append(block(states, *layout, past=None if past is None else past[number]))
            states = made[-1][0]
        return made

    def call(self, tokens: Any, past: Sequence[Any] | None = None) -> tuple[Any, list[Any]]:
        """Logits (B, T, V) and the cache, which the next call takes as `past`."""
        made = self.steps(tokens, past)
        return self.compare(made[-1][0]), [cache for _, cache, _ in made]
