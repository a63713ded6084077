"""The history encoded, the coming actions decoded: a translator from past to future.

Introduced in chapter 08.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stim_lib.networks import _backend  # noqa: F401  (before Keras)

import keras  # isort: skip
from keras import ops

from stim_lib.networks.blocks import EPSILON, DecoderBlock, EncoderBlock
from stim_lib.networks.encoding import ClockEncoding, GapEncoding, PositionEncoding
from stim_lib.networks.relations import RELATIONS, RelationBias, relate


@keras.saving.register_keras_serializable(package="stim_lib")
class EncoderDecoder(keras.Model):
    """Reads the older part of a window both ways, then says what comes next in the newer part.

    ============  =====================  ==================================================
    what          shape                  meaning
    ============  =====================  ==================================================
    batch         mapping of (B, L)      as for `relate`; the first L - M positions are the
                                         history, the last M are decoded
    item_table    (V, D)                 one vector an item, used to read and to answer
    categories    (C, D)                 another table, added to the item's
    encoded       (B, L - M, D)          the history, each action seen beside all others
    decoded       (B, M, D)              each looks at the history and at those before it
    logits        (B, M, V)              decoded · item_tableᵀ + a constant an item: the
                                         *next* action at each of the last M positions
    ============  =====================  ==================================================

    Parameters
    ----------
    n_items, n_categories : int
        V and C, with padding (0) and unknown (1).
    length, decoded : int
        L and M.
    width, heads, blocks, feed_forward : int
        D; heads of each attention; blocks of the encoder and as many of the decoder; the width
        between the dense layers of a block.
    dropout : float
    time_known : bool
        If True, the time of the asked visit (`target_hours`, `target_clock`) is read.

    Raises
    ------
    ValueError
        If `decoded` is not in 1 … length - 1, or windows of another length come.

    Notes
    -----
    Time and place enter at the input (clock and gap vectors), as a bias of every attention
    (`relate`), and with the question. Vectors are multiplied by √D as they are read. Source:
    Vaswani et al. (2017), arXiv:1706.03762, section 3.4; the tied table: Press and Wolf (2017),
    doi:10.18653/v1/E17-2025. Introduced in chapter 08.

    Examples
    --------
    >>> names = ("hours", "clock", "east_km", "north_km")
    >>> batch = {name: ops.zeros((2, 6)) for name in names}
    >>> batch |= {name: ops.ones((2, 6), "int32") for name in ("item", "category")}
    >>> model = EncoderDecoder(9, 4, length=6, decoded=2, width=8, heads=2, time_known=False)
    >>> tuple(model(batch).shape)
    (2, 2, 9)
    """

    def __init__(
        self,
        n_items: int,
        n_categories: int,
        *,
        length: int,
        decoded: int,
        width: int = 32,
        heads: int = 2,
        blocks: int = 1,
        feed_forward: int = 64,
        dropout: float = 0.0,
        time_known: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if not 1 <= decoded < length:
            raise ValueError(f"decoded: expected 1 … {length - 1}, found {decoded}")
        self.settings = {
            "n_items": n_items, "n_categories": n_categories, "length": length,
            "decoded": decoded, "width": width, "heads": heads, "blocks": blocks,
            "feed_forward": feed_forward, "dropout": dropout, "time_known": time_known,
        }  # fmt: skip
        self.item_table = keras.layers.Embedding(n_items, width)
        self.category_table = keras.layers.Embedding(n_categories, width)
        self.clock, self.gap = ClockEncoding(width), GapEncoding(width)
        self.position = PositionEncoding(length, width)
        self.asked_clock = ClockEncoding(width) if time_known else None
        self.asked_gap = GapEncoding(width) if time_known else None
        self.drop = keras.layers.Dropout(dropout)
        shape = {"width": width, "heads": heads, "feed_forward": feed_forward, "dropout": dropout}
        self.encoder = [EncoderBlock(**shape) for _ in range(blocks)]
        self.encoder_bias = RelationBias(heads)
        self.encoder_norm = keras.layers.LayerNormalization(epsilon=EPSILON)
        self.decoder = [DecoderBlock(**shape) for _ in range(blocks)]
        self.decoder_bias = RelationBias(heads)
        self.decoder_norm = keras.layers.LayerNormalization(epsilon=EPSILON)

    def build(self, *_: Any) -> None:
        """Make all weights, so that they can be loaded before anything is read."""
        shape = (None, None, self.settings["width"])
        layers = [
            self.item_table, self.category_table, self.clock, self.gap, self.position,
            *self.encoder, self.encoder_norm, *self.decoder, self.decoder_norm, self.asked_clock,
            self.asked_gap,
        ]  # fmt: skip
        for layer in filter(None, layers):
            layer.build(shape)
        for layer in (self.encoder_bias, self.decoder_bias):
            layer.build((None, None, None, len(RELATIONS)))
        self.constant = self.add_weight(
            shape=(self.settings["n_items"],), initializer="zeros", name="constant"
        )
        self.built = True

    def embed(self, batch: Mapping[str, Any], valid: Any) -> Any:
        """Vectors (B, L, D) of what was done, where in the sequence, and when."""
        what = self.item_table(batch["item"]) + self.category_table(batch["category"])
        # Else the small vectors of a fresh table would drown in those of the clock.
        what = what * self.settings["width"] ** 0.5
        when = self.clock(batch["clock"]) + self.gap(batch["hours"], valid=valid)
        return what + when + self.position(valid)

    def embed_question(self, batch: Mapping[str, Any]) -> Any:
        """Vectors (B, M, D) of the time of the visits that are asked for."""
        last = self.settings["decoded"]
        pair = [ops.cast(batch[name][:, -last:], "float32") for name in ("hours", "target_hours")]
        wait = ops.reshape(ops.stack(pair, axis=-1), (-1, 2))
        gap = self.asked_gap(wait, valid=ops.ones_like(wait, "bool"))[:, 1]
        clock = self.asked_clock(batch["target_clock"][:, -last:])
        return clock + ops.reshape(gap, ops.shape(clock))

    def encode(self, batch: Mapping[str, Any], states: Any, valid: Any, training: Any) -> Any:
        """The history (B, L - M, D), each action beside all others."""
        history = {name: array[:, : states.shape[1]] for name, array in batch.items()}
        bias = self.encoder_bias(relate(history, time_known=False))
        for block in self.encoder:
            states = block(states, valid=valid, bias=bias, training=training)
        return self.encoder_norm(states)

    def call(self, batch: Mapping[str, Any], *, training: bool | None = None) -> Any:
        """Logits of shape (B, M, V)."""
        last, known = self.settings["decoded"], self.settings["time_known"]
        if batch["item"].shape[1] != self.settings["length"]:
            raise ValueError(
                f"batch: expected windows of {self.settings['length']} positions, found "
                f"{batch['item'].shape[1]}"
            )
        valid = ops.not_equal(batch["item"], 0)
        states = self.drop(self.embed(batch, valid), training=training)
        past, now = states[:, :-last], states[:, -last:]
        if known:
            now = now + self.embed_question(batch)
        encoded = self.encode(batch, past, valid[:, :-last], training)
        bias = self.decoder_bias(relate(batch, last=last, time_known=known))
        for block in self.decoder:
            now = block(
                now, encoded, valid=valid[:, -last:], encoded_valid=valid[:, :-last],
                bias=bias[..., -last:], cross_bias=bias[..., :-last], training=training,
            )  # fmt: skip
        table = ops.transpose(self.item_table.embeddings)
        return ops.matmul(self.decoder_norm(now), table) + self.constant

    def get_config(self) -> dict[str, Any]:
        """Settings that make the same network again."""
        return super().get_config() | self.settings
