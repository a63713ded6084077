"""What stands between embeddings and answers: three ways to read a history.

Each takes vectors of actions (B, L, D) and returns states (B, L, D) of which the last S are asked;
none lets an asked position see what came after it. Introduced in chapters 07 and 08.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stim_lib.networks import _backend  # noqa: F401  (before Keras)

import keras  # isort: skip
from keras import ops

from stim_lib.networks.blocks import EPSILON, CausalBlock, DecoderBlock, EncoderBlock
from stim_lib.networks.relations import RelationBias, relate

TRUNKS = ("none", "lstm", "transformer", "encoder_decoder")


def make_trunk(name: str, *, width: int, **settings: Any) -> keras.layers.Layer:
    """Make a trunk by its name.

    Parameters
    ----------
    name : "none", "lstm", "transformer" or "encoder_decoder"
    width : int
        D.
    **settings
        For the two Transformers: heads, blocks, relations, dropout and, for the second, asked.

    Returns
    -------
    keras.layers.Layer
        Called with states (B, L, D), batch, valid (B, L) and training.

    Raises
    ------
    ValueError
        If there is no such trunk.

    Notes
    -----
    Introduced in chapter 08.

    Examples
    --------
    >>> make_trunk("lstm", width=4).name.startswith("lstm_trunk")
    True
    """
    makers = {
        "none": NoTrunk, "lstm": LSTMTrunk, "transformer": TransformerTrunk,
        "encoder_decoder": EncoderDecoderTrunk,
    }  # fmt: skip
    if name not in makers:
        raise ValueError(f"trunk: expected one of {', '.join(TRUNKS)}, found {name!r}")
    return makers[name](width, **settings)


class NoTrunk(keras.layers.Layer):
    """States are the vectors of the actions themselves: nothing before the last one is read."""

    def __init__(self, width: int, **_: Any) -> None:
        super().__init__()

    def call(self, states: Any, batch: Mapping[str, Any], *, valid: Any, training: Any) -> Any:
        """States as they came."""
        return states


class LSTMTrunk(keras.layers.Layer):
    """One layer of LSTM beside a short cut; padding is skipped.

    Notes
    -----
    Source: Hochreiter and Schmidhuber (1997), doi:10.1162/neco.1997.9.8.1735. Introduced in chapter
    07.
    """

    def __init__(self, width: int, **_: Any) -> None:
        super().__init__()
        self.reader = keras.layers.LSTM(width, return_sequences=True)

    def build(self, states_shape: Any, *_: Any) -> None:
        """Make the weights of the LSTM."""
        self.reader.build(states_shape)
        self.built = True

    def call(self, states: Any, batch: Mapping[str, Any], *, valid: Any, training: Any) -> Any:
        """States of shape (B, L, D)."""
        return states + self.reader(states, mask=valid, training=training)


class _Attending(keras.layers.Layer):
    """Settings that both Transformers share."""

    def __init__(
        self,
        width: int,
        *,
        heads: int = 2,
        blocks: int = 1,
        relations: Sequence[str] = (),
        dropout: float = 0.0,
        asked: int | None = None,
    ) -> None:
        super().__init__()
        self.width, self.heads, self.n_blocks, self.asked = width, heads, blocks, asked
        self.relations = list(relations)
        self.shape = {
            "width": width, "heads": heads, "feed_forward": 2 * width, "dropout": dropout,
        }  # fmt: skip
        self.bias = RelationBias(heads) if relations else None
        self.norm = keras.layers.LayerNormalization(epsilon=EPSILON)

    def build(self, *_: Any) -> None:
        """Make the weights of all blocks."""
        for layer in (*self.blocks(), self.norm):
            layer.build((None, None, self.width))
        if self.bias is not None:
            self.bias.build((None, None, None, len(self.relations)))
        self.built = True

    def biases(self, batch: Mapping[str, Any], last: int | None = None) -> Any:
        """What pairs say, whichever of them are named: (B, H, Lq, L), or None."""
        if self.bias is None:
            return None
        pairs = relate(batch, relations=self.relations, last=last, time_known=False)
        return self.bias(pairs)


class TransformerTrunk(_Attending):
    """Causal blocks: each position looks at itself and at what came before."""

    def __init__(self, width: int, **settings: Any) -> None:
        super().__init__(width, **settings)
        self.causal = [CausalBlock(**self.shape) for _ in range(self.n_blocks)]

    def blocks(self) -> list[keras.layers.Layer]:
        """Blocks in order."""
        return self.causal

    def call(self, states: Any, batch: Mapping[str, Any], *, valid: Any, training: Any) -> Any:
        """States of shape (B, L, D)."""
        bias = self.biases(batch)
        for block in self.causal:
            states = block(states, valid=valid, bias=bias, training=training)
        return self.norm(states)


class EncoderDecoderTrunk(_Attending):
    """The history is encoded, looking both ways; the coming actions are decoded, looking back.

    The first L - S positions all lie before the first question, so nothing is given away. Source:
    Vaswani et al. (2017), section 3.1.
    """

    def __init__(self, width: int, **settings: Any) -> None:
        super().__init__(width, **settings)
        if not self.asked:
            raise ValueError("asked: expected how many positions are decoded, found none")
        self.encoder = [EncoderBlock(**self.shape) for _ in range(self.n_blocks)]
        self.decoder = [DecoderBlock(**self.shape) for _ in range(self.n_blocks)]

    def blocks(self) -> list[keras.layers.Layer]:
        """Blocks in order."""
        return [*self.encoder, *self.decoder]

    def call(self, states: Any, batch: Mapping[str, Any], *, valid: Any, training: Any) -> Any:
        """States of shape (B, L, D): the encoder's, then the decoder's."""
        cut = states.shape[1] - self.asked
        if cut < 1:
            raise ValueError(
                f"asked: expected fewer than the {states.shape[1]} positions of a window, so that "
                f"a history is left to encode; found {self.asked}"
            )
        bias, parts = self.biases(batch), (slice(None, cut), slice(cut, None))
        past, now = (states[:, part] for part in parts)
        for block in self.encoder:
            inner = None if bias is None else bias[:, :, :cut, :cut]
            past = block(past, valid=valid[:, :cut], bias=inner, training=training)
        for block in self.decoder:
            now = block(
                now, past, valid=valid[:, cut:], encoded_valid=valid[:, :cut], training=training,
                bias=None if bias is None else bias[:, :, cut:, cut:],
                cross_bias=None if bias is None else bias[:, :, cut:, :cut],
            )  # fmt: skip
        return self.norm(ops.concatenate([past, now], axis=1))
