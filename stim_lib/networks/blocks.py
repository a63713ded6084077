"""Blocks of a Transformer: look around, then think about it.

Each adds to its input, and normalises before each step rather than after ("pre-norm"), which
trains without a warm-up as careful as the original's. Introduced in chapter 08.
"""

from __future__ import annotations

from typing import Any

from stim_lib.networks import _backend  # noqa: F401  (before Keras)

import keras  # isort: skip
from keras import ops

from stim_lib.networks.attention import Attention, may_look

EPSILON = 1e-6


@keras.saving.register_keras_serializable(package="stim_lib")
class FeedForward(keras.layers.Layer):
    """Two dense layers at each position by itself.

    =======  ============================  ===================
    what     shape                         meaning
    =======  ============================  ===================
    states   (B, L, D)
    kernels  (D, F), (F, D)                biases (F,), (D,)
    output   (B, L, D)
    =======  ============================  ===================

    Parameters
    ----------
    width : int
        D.
    feed_forward : int
        F.
    dropout : float
        Share of the output that is dropped in training.

    Notes
    -----
    W₂ gelu(W₁ x). Source: Vaswani et al. (2017), section 3.3; GELU: arXiv:1606.08415. Introduced
    in chapter 08.

    Examples
    --------
    >>> tuple(FeedForward(4, 8)(ops.ones((1, 3, 4))).shape)
    (1, 3, 4)
    """

    def __init__(self, width: int, feed_forward: int, dropout: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.width, self.feed_forward, self.dropout = width, feed_forward, dropout
        self.inner = keras.layers.Dense(feed_forward, activation="gelu")
        self.outer = keras.layers.Dense(width)
        self.drop = keras.layers.Dropout(dropout)

    def build(self, *_: Any) -> None:
        """Make both kernels."""
        self.inner.build((None, None, self.width))
        self.outer.build((None, None, self.feed_forward))
        self.built = True

    def call(self, states: Any, *, training: bool | None = None) -> Any:
        """Output of shape (B, L, D)."""
        return self.drop(self.outer(self.inner(states)), training=training)

    def get_config(self) -> dict[str, Any]:
        """Settings that make the same layer again."""
        own = {"width": self.width, "feed_forward": self.feed_forward, "dropout": self.dropout}
        return super().get_config() | own


class _Block(keras.layers.Layer):
    """Settings and sublayers that all blocks share."""

    def __init__(
        self, width: int, heads: int, feed_forward: int, dropout: float = 0.0, **options: Any
    ) -> None:
        super().__init__(**options)
        self.settings = {
            "width": width, "heads": heads, "feed_forward": feed_forward, "dropout": dropout,
        }  # fmt: skip
        self.attention_norm = keras.layers.LayerNormalization(epsilon=EPSILON)
        self.attention = Attention(heads, width, dropout)
        self.feed_forward_norm = keras.layers.LayerNormalization(epsilon=EPSILON)
        self.feed_forward = FeedForward(width, feed_forward, dropout)

    def build(self, *_: Any) -> None:
        """Make the weights of all sublayers."""
        shape = (None, None, self.settings["width"])
        for layer in self.sublayers():
            layer.build(shape)
        self.built = True

    def sublayers(self) -> list[keras.layers.Layer]:
        """All that have weights, in order of use."""
        return [self.attention_norm, self.attention, self.feed_forward_norm, self.feed_forward]

    def look(self, states: Any, mask: Any, bias: Any, training: bool | None) -> tuple[Any, Any]:
        """States after self-attention, and its weights."""
        known = self.attention_norm(states)
        change, weights = self.attention(
            known, known, mask=mask, bias=bias, return_weights=True, training=training
        )
        return states + change, weights

    def think(self, states: Any, training: bool | None) -> Any:
        """States after the feed-forward layers."""
        return states + self.feed_forward(self.feed_forward_norm(states), training=training)

    def get_config(self) -> dict[str, Any]:
        """Settings that make the same layer again."""
        return super().get_config() | self.settings


@keras.saving.register_keras_serializable(package="stim_lib")
class CausalBlock(_Block):
    """A block that never looks ahead, nor at padding.

    =======  =================  =======================================
    what     shape              meaning
    =======  =================  =======================================
    states   (B, L, D)
    valid    (B, L) bool        False at padding
    bias     (B, H, L, L)       optional, added to the scores
    inside                      two LayerNormalization (D,), Attention,
                                FeedForward
    output   (B, L, D)
    weights  (B, H, L, L)       with `return_weights=True`
    =======  =================  =======================================

    Parameters
    ----------
    width, heads, feed_forward : int
        D, H, and the width between the two dense layers.
    dropout : float

    Notes
    -----
    x ← x + attention(norm(x)), x ← x + feed_forward(norm(x)). Source: Vaswani et al. (2017),
    arXiv:1706.03762; the place of the norm: Xiong et al. (2020), arXiv:2002.04745. Introduced in
    chapter 08.

    Examples
    --------
    >>> block = CausalBlock(width=4, heads=2, feed_forward=8)
    >>> tuple(block(ops.ones((1, 3, 4)), valid=ops.ones((1, 3), "bool")).shape)
    (1, 3, 4)
    """

    causal = True

    def call(
        self,
        states: Any,
        *,
        valid: Any,
        bias: Any = None,
        return_weights: bool = False,
        training: bool | None = None,
    ) -> Any:
        """States of shape (B, L, D), and the weights if asked for."""
        mask = may_look(valid, causal=self.causal)
        states, weights = self.look(states, mask, bias, training)
        states = self.think(states, training)
        return (states, weights) if return_weights else states


@keras.saving.register_keras_serializable(package="stim_lib")
class EncoderBlock(CausalBlock):
    """A block that looks both ways, though never at padding: for what is wholly in the past.

    =======  =================  =======================================
    what     shape              meaning
    =======  =================  =======================================
    states   (B, L, D)
    valid    (B, L) bool        False at padding
    bias     (B, H, L, L)       optional, added to the scores
    output   (B, L, D)
    weights  (B, H, L, L)       with `return_weights=True`
    =======  =================  =======================================

    Parameters and inside as in `CausalBlock`, without the causal mask.

    Notes
    -----
    Only for positions that all lie before everything that is asked. Introduced in chapter 08.

    Examples
    --------
    >>> block = EncoderBlock(width=4, heads=2, feed_forward=8)
    >>> tuple(block(ops.ones((1, 3, 4)), valid=ops.ones((1, 3), "bool")).shape)
    (1, 3, 4)
    """

    causal = False


@keras.saving.register_keras_serializable(package="stim_lib")
class DecoderBlock(_Block):
    """A causal block that also looks at what an encoder has made of the history.

    =============  =================  ====================================
    what           shape              meaning
    =============  =================  ====================================
    states         (B, M, D)          the actions being decoded
    encoded        (B, N, D)          the encoder's states
    valid          (B, M) bool        False at padding
    encoded_valid  (B, N) bool        False at padding
    bias           (B, H, M, M)       of the self-attention, optional
    cross_bias     (B, H, M, N)       of the cross-attention, optional
    inside                            as `CausalBlock`, and a norm and an
                                      Attention for the crossing
    output         (B, M, D)
    weights        (B, H, M, N)       of the crossing, if asked for
    =============  =================  ====================================

    Parameters as in `CausalBlock`.

    Notes
    -----
    Where the history is empty the crossing adds only its constant. Source: Vaswani et al. (2017),
    section 3.1. Introduced in chapter 08.

    Examples
    --------
    >>> block = DecoderBlock(width=4, heads=2, feed_forward=8)
    >>> seen = {"valid": ops.ones((1, 2), "bool"), "encoded_valid": ops.ones((1, 5), "bool")}
    >>> tuple(block(ops.ones((1, 2, 4)), ops.ones((1, 5, 4)), **seen).shape)
    (1, 2, 4)
    """

    def __init__(
        self, width: int, heads: int, feed_forward: int, dropout: float = 0.0, **options: Any
    ) -> None:
        super().__init__(width, heads, feed_forward, dropout, **options)
        self.crossing_norm = keras.layers.LayerNormalization(epsilon=EPSILON)
        self.crossing = Attention(heads, width, dropout)

    def sublayers(self) -> list[keras.layers.Layer]:
        """All that have weights."""
        return [*super().sublayers(), self.crossing_norm, self.crossing]

    def call(
        self,
        states: Any,
        encoded: Any,
        *,
        valid: Any,
        encoded_valid: Any,
        bias: Any = None,
        cross_bias: Any = None,
        return_weights: bool = False,
        training: bool | None = None,
    ) -> Any:
        """States of shape (B, M, D), and the crossing's weights if asked for."""
        states, _ = self.look(states, may_look(valid), bias, training)
        change, weights = self.crossing(
            self.crossing_norm(states),
            encoded,
            mask=ops.expand_dims(ops.cast(encoded_valid, "bool"), 1),
            bias=cross_bias,
            return_weights=True,
            training=training,
        )
        states = self.think(states + change, training)
        return (states, weights) if return_weights else states
