"""A sentence as a point on a sphere: BERT-like encoders in plain Keras, read from safetensors.

The default is all-MiniLM-L6-v2, which knows English only. Introduced in chapter 09.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from stim_lib import assets
from stim_lib.llm._texts import batches_by_length, check_texts

NORM_EPSILON = 1e-12


@dataclass(frozen=True)
class EncoderShape:
    """How large an encoder is; the defaults are those of all-MiniLM-L6-v2.

    Parameters
    ----------
    layers, heads, width, feed_forward : int
        Number of blocks; attention heads in each; D; width between the two dense layers.
    vocabulary : int
        Number of tokens.
    positions : int
        The longest sequence that there are position vectors for.

    Notes
    -----
    Introduced in chapter 09.

    Examples
    --------
    >>> EncoderShape().width
    384
    """

    layers: int = 6
    heads: int = 12
    width: int = 384
    feed_forward: int = 1536
    vocabulary: int = 30522
    positions: int = 512


def build_encoder(shape: EncoderShape) -> Any:
    """Network that turns token numbers into one unit vector a sentence.

    Parameters
    ----------
    shape : EncoderShape

    Returns
    -------
    keras.Model
        From [tokens (B, L) int, valid (B, L) bool] to vectors (B, D), with random weights.

    Notes
    -----
    x ← norm(word + position); then in each block x ← norm(x + attention(x)) and
    x ← norm(x + W₂ gelu(W₁ x)): the norm comes *after* the sum, unlike in chapter 08. Last, the
    mean over the valid positions, divided by its length. Source: Devlin et al. (2019),
    arXiv:1810.04805; the mean: Reimers and Gurevych (2019), arXiv:1908.10084. Introduced in
    chapter 09.

    Examples
    --------
    >>> tiny = build_encoder(EncoderShape(1, 2, 8, 16, vocabulary=10, positions=6))
    >>> tuple(tiny([np.array([[2, 5, 3]]), np.ones((1, 3), bool)]).shape)
    (1, 8)
    """
    keras = _keras()
    layers, width = keras.layers, shape.width

    def norm(name: str) -> Any:
        return layers.LayerNormalization(epsilon=NORM_EPSILON, name=name)

    tokens = keras.Input((None,), dtype="int32", name="tokens")
    valid = keras.Input((None,), dtype="bool", name="valid")
    place = keras.ops.cumsum(keras.ops.ones_like(tokens), axis=1) - 1
    states = layers.Embedding(shape.vocabulary, width, name="word")(tokens)
    states = states + layers.Embedding(shape.positions, width, name="position")(place)
    states = norm("norm")(states)
    may_look = keras.ops.expand_dims(valid, 1)
    for i in range(shape.layers):
        attention = layers.MultiHeadAttention(
            shape.heads, width // shape.heads, name=f"attention_{i}"
        )
        seen = attention(states, states, attention_mask=may_look)
        states = norm(f"attention_norm_{i}")(states + seen)
        thought = layers.Dense(shape.feed_forward, activation="gelu", name=f"inner_{i}")(states)
        thought = layers.Dense(width, name=f"outer_{i}")(thought)
        states = norm(f"norm_{i}")(states + thought)
    mean = layers.GlobalAveragePooling1D(name="mean")(states, mask=valid)
    return keras.Model([tokens, valid], layers.UnitNormalization(name="unit")(mean))


def set_encoder_weights(network: Any, weights: dict[str, np.ndarray], shape: EncoderShape) -> None:
    """Put the arrays of a BERT file into a network, in place.

    Parameters
    ----------
    network : keras.Model
        From `build_encoder`.
    weights : dict of arrays
        Names and shapes as in BERT files: dense kernels are (outputs, inputs).
    shape : EncoderShape

    Raises
    ------
    ValueError
        If an array is missing or has another shape.

    Notes
    -----
    The vector that BERT adds for "first sentence" is the same at every position, so it goes into
    the position table. Introduced in chapter 09.

    Examples
    --------
    >>> shape = EncoderShape(1, 2, 8, 16, vocabulary=10, positions=6)
    >>> set_encoder_weights(build_encoder(shape), {}, shape)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: weights: expected 'embeddings.word_embeddings.weight', found no such array ...
    """

    def take(name: str) -> np.ndarray:
        if name not in weights:
            raise ValueError(
                f"weights: expected {name!r}, found no such array among {len(weights)}. Is this "
                "the file of a BERT encoder?"
            )
        return weights[name]

    def put(layer: str, *arrays: np.ndarray) -> None:
        mine = network.get_layer(layer)
        found, expected = [a.shape for a in arrays], [tuple(w.shape) for w in mine.weights]
        if found != expected:
            raise ValueError(f"weights of {layer}: expected shapes {expected}, found {found}")
        mine.set_weights(arrays)

    for layer, arrays in _layer_arrays(take, shape):
        put(layer, *arrays)


def _layer_arrays(
    take: Callable[[str], np.ndarray], shape: EncoderShape
) -> list[tuple[str, list[np.ndarray]]]:
    """Our layers with what goes into each."""
    split = (shape.width, shape.heads, shape.width // shape.heads)

    def norm(name: str) -> list[np.ndarray]:
        return [take(f"{name}.LayerNorm.weight"), take(f"{name}.LayerNorm.bias")]

    def dense(name: str) -> list[np.ndarray]:
        return [take(f"{name}.weight").T, take(f"{name}.bias")]

    def attention(name: str) -> list[np.ndarray]:
        arrays = []
        for part in ("query", "key", "value"):
            kernel, bias = dense(f"{name}.self.{part}")
            arrays += [kernel.reshape(split), bias.reshape(split[1:])]
        kernel, bias = dense(f"{name}.output.dense")
        return [*arrays, kernel.reshape(*split[1:], shape.width), bias]

    word = take("embeddings.word_embeddings.weight")
    first = take("embeddings.token_type_embeddings.weight")[0]
    position = take("embeddings.position_embeddings.weight") + first
    pairs = [("word", [word]), ("position", [position]), ("norm", norm("embeddings"))]
    for i in range(shape.layers):
        here = f"encoder.layer.{i}"
        pairs += [
            (f"attention_{i}", attention(f"{here}.attention")),
            (f"attention_norm_{i}", norm(f"{here}.attention.output")),
            (f"inner_{i}", dense(f"{here}.intermediate.dense")),
            (f"outer_{i}", dense(f"{here}.output.dense")),
            (f"norm_{i}", norm(f"{here}.output")),
        ]
    return pairs


@dataclass(frozen=True)
class SentenceEncoder:
    """A tokenizer and a network, ready to read texts.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        Adds the first and last token by itself; neither pads nor truncates.
    network : keras.Model
        From `build_encoder`.
    longest : int
        Tokens of a text beyond this many are not read; the first and last token count.

    Notes
    -----
    Introduced in chapter 09.

    Examples
    --------
    >>> encoder = load_encoder()  # doctest: +SKIP
    >>> encoder.encode(["Coffee Shop", "Café"]).shape  # doctest: +SKIP
    (2, 384)
    """

    tokenizer: Any
    network: Any
    longest: int = 256

    @property
    def width(self) -> int:
        """Length of a vector."""
        return self.network.output_shape[-1]

    def tokenize(self, texts: Iterable[str]) -> list[list[int]]:
        """Token numbers of each text, cut to `longest`."""
        rows = [code.ids for code in self.tokenizer.encode_batch(check_texts(texts))]
        return [
            row if len(row) <= self.longest else [*row[: self.longest - 1], row[-1]] for row in rows
        ]

    def encode(self, texts: Iterable[str], *, batch_size: int = 32) -> np.ndarray:
        """Vectors of length 1, float32, shape (n_texts, width); row i belongs to text i.

        Their product is the cosine. The empty text has a vector too: that of its two end tokens.
        """
        rows = self.tokenize(texts)
        vectors = np.empty((len(rows), self.width), dtype=np.float32)
        for places, tokens, valid in batches_by_length(rows, batch_size):
            vectors[places] = self._run(tokens, valid).numpy()
        return vectors

    @cached_property
    def _run(self) -> Callable[[np.ndarray, np.ndarray], Any]:
        """The network as one graph for all shapes: it is traced once."""
        import tensorflow as tf

        signature = [tf.TensorSpec((None, None), kind) for kind in (tf.int32, tf.bool)]
        return tf.function(
            lambda tokens, valid: self.network([tokens, valid], training=False),
            input_signature=signature,
        )


def load_encoder(folder: str | Path | None = None) -> SentenceEncoder:
    """Encoder with trained weights.

    Parameters
    ----------
    folder : path, optional
        With config.json, tokenizer.json, model.safetensors and, if any, sentence_bert_config.json,
        as sentence-transformers writes them; all-MiniLM-L6-v2 if left out, fetched once (91 MB).
        Vectors are the mean over tokens, whatever the folder's own pooling is.

    Returns
    -------
    SentenceEncoder

    Raises
    ------
    ValueError
        If the folder holds a model of another kind.
    AssetError
        If the weights can't be fetched.

    Notes
    -----
    Source: Wang et al. (2020), arXiv:2002.10957; Reimers and Gurevych (2019), arXiv:1908.10084.
    The tokenizer's file asks for padding to 128 and a cut there; the model was made to read 256
    (sentence_bert_config.json), so both settings are put aside. Introduced in chapter 09.

    Examples
    --------
    >>> load_encoder().width  # doctest: +SKIP
    384
    """
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    folder = assets.fetch("minilm").parent if folder is None else Path(folder)
    shape = _read_shape(folder / "config.json")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    limits = folder / "sentence_bert_config.json"
    longest = json.loads(limits.read_text())["max_seq_length"] if limits.exists() else None
    network = build_encoder(shape)
    set_encoder_weights(network, load_file(folder / "model.safetensors"), shape)
    return SentenceEncoder(tokenizer, network, longest or shape.positions)


def _read_shape(path: Path) -> EncoderShape:
    config = json.loads(path.read_text(encoding="utf-8"))
    expected = {
        "model_type": "bert", "hidden_act": "gelu", "layer_norm_eps": NORM_EPSILON,
        "position_embedding_type": "absolute",
    }  # fmt: skip
    for key, value in expected.items():
        if config.get(key, value) != value:
            raise ValueError(f"{path}: expected {key} {value!r}, found {config[key]!r}.")
    names = (
        "num_hidden_layers", "num_attention_heads", "hidden_size", "intermediate_size",
        "vocab_size", "max_position_embeddings",
    )  # fmt: skip
    return EncoderShape(*(config[name] for name in names))


def _keras() -> Any:
    """Keras, imported when it is first needed."""
    from stim_lib.sequences import _tensorflow

    _tensorflow.set_switches()
    import keras

    return keras
