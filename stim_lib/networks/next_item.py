"""The network of chapters 07 and 08: embed, read, then copy from the past or name from the table.

Introduced in chapters 07 and 08.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from stim_lib.networks import _backend  # noqa: F401  (before Keras)

import keras  # isort: skip
from keras import ops

from stim_lib.networks.copying import CopyHead
from stim_lib.networks.encoding import ClockEncoding, GapEncoding
from stim_lib.networks.items import SMALL, ItemTable
from stim_lib.networks.relations import RELATION_GROUPS, RELATIONS
from stim_lib.networks.trunks import make_trunk

INPUTS = ("user", "category", "clock", "gap")
IDS_ONLY = (*RELATION_GROUPS["order"], *RELATION_GROUPS["visits"])
GATE_WIDTH = 32
LEAST = 1e-9
# Queries that one row of a window answers: half of the windows hold fewer than this many.
ASKED_AT_ONCE = 32


@keras.saving.register_keras_serializable(package="stim_lib")
class NextItem(keras.Model):
    """Says at the last S positions of a window how likely each item is to come next.

    ============  =================  ======================================================
    what          shape              meaning
    ============  =================  ======================================================
    batch         mapping of (B, L)  windows of `sequences.Sequencer`
    vectors       (B, L, D)          item + user + category + clock + gap, as chosen
    states        (B, L, D)          what the trunk makes of them
    question      (B, S, D)          states, and the clock and wait of the visit if known
    weights       (B, H, S, L)       where the copy heads point
    gate          (B, S, 1 + H)      how far to trust the table and each head
    output        (B, L)             log-probability of `target`; 0 where not asked
    ============  =================  ======================================================

    Parameters
    ----------
    n_items, n_categories, n_users : int
        V, and the same for the others, with padding and unknown.
    asked : int
        S: the stride of the windows.
    trunk : "none", "lstm", "transformer" or "encoder_decoder"
    inputs : sequence of str
        Some of "user", "category", "clock", "gap"; the item is always read.
    time_known : bool
        Whether the time of the visit that is asked for may be used.
    width, heads, blocks : int
        D; attention heads and blocks of a Transformer trunk.
    trunk_relations : sequence of str
        What biases the attention of the trunk.
    softmax : bool
        Whether any item of the catalogue may be named from the state. If not, what is not copied
        is guessed by popularity, which saves most of the time that training takes.
    copy_heads : int
        H; 0 leaves the softmax over the catalogue alone.
    copy_relations : sequence of str
        What the copy heads may go by.
    copy_hidden : int
    copy_content : bool
        See `CopyHead`.
    dropout : float
    features, popularity : array, optional
        See `ItemTable`.

    Raises
    ------
    ValueError
        If an input is unknown, or settings do not fit each other.

    Notes
    -----
    p(i) = g₀ softmax(z·E + c)ᵢ + Σₕ gₕ Σ_{s: item of s is i} wₕ(s), with g from the question, z a
    linear map of it, E and c the table. Source of the mixture: Merity et al. (2017),
    arXiv:1609.07843. Introduced in chapters 07 and 08.

    Examples
    --------
    >>> batch = {name: np.zeros((1, 4), "float32") for name in ("hours", "clock")}
    >>> batch |= {"item": np.array([[0, 2, 3, 2]]), "target": np.array([[0, 3, 2, 3]])}
    >>> network = NextItem(6, asked=2, trunk="lstm", width=4, dropout=0.0)
    >>> tuple(network(batch).shape), tuple(network.answer(batch, [0], [3]).shape)
    ((1, 4), (1, 6))
    """

    def __init__(
        self,
        n_items: int,
        n_categories: int = 2,
        n_users: int = 2,
        *,
        asked: int,
        trunk: str = "transformer",
        inputs: Sequence[str] = (),
        time_known: bool = False,
        width: int = 32,
        heads: int = 2,
        blocks: int = 1,
        trunk_relations: Sequence[str] = ("log_steps",),
        softmax: bool = True,
        copy_heads: int = 0,
        copy_relations: Sequence[str] = IDS_ONLY,
        copy_hidden: int = 32,
        copy_content: bool = False,
        dropout: float = 0.5,
        features: Any = None,
        popularity: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        _require_known("inputs", inputs, INPUTS)
        _require_known("trunk_relations", trunk_relations, RELATIONS)
        _require_known("copy_relations", copy_relations, RELATIONS)
        if not softmax and not copy_heads:
            raise ValueError(
                "softmax: expected True where copy_heads is 0, found False: nothing would be left "
                "to answer from but how popular each item is"
            )
        self.settings = {
            "n_items": n_items, "n_categories": n_categories, "n_users": n_users, "asked": asked,
            "trunk": trunk, "inputs": list(inputs), "time_known": time_known, "width": width,
            "heads": heads, "blocks": blocks, "trunk_relations": list(trunk_relations),
            "softmax": softmax,
            "copy_heads": copy_heads, "copy_relations": list(copy_relations),
            "copy_hidden": copy_hidden, "copy_content": copy_content, "dropout": dropout,
        }  # fmt: skip
        self.items = ItemTable(n_items, width, features=features, popularity=popularity)
        self.encoders = {
            "user": keras.layers.Embedding(n_users, width, embeddings_initializer=SMALL),
            "category": keras.layers.Embedding(n_categories, width, embeddings_initializer=SMALL),
            "clock": ClockEncoding(width),
            "gap": GapEncoding(width),
        }
        self.encoders = {name: self.encoders[name] for name in INPUTS if name in inputs}
        self.asked_clock = ClockEncoding(width) if time_known else None
        self.asked_wait = keras.layers.Dense(width) if time_known else None
        self.drop = keras.layers.Dropout(dropout)
        self.trunk = make_trunk(
            trunk, width=width, heads=heads, blocks=blocks, relations=trunk_relations,
            dropout=min(dropout, 0.2), asked=asked,
        )  # fmt: skip
        self.answering = keras.layers.Dense(width) if softmax else None
        if copy_heads:
            self.copying = CopyHead(
                copy_heads, relations=copy_relations, hidden=copy_hidden, content=copy_content,
                time_known=time_known,
            )  # fmt: skip
            self.before_gate = keras.layers.Dense(GATE_WIDTH, activation="gelu")
            self.gate = keras.layers.Dense(1 + copy_heads)

    def build(self, *_: Any) -> None:
        """Make all weights, so that they can be loaded before anything is read."""
        width = self.settings["width"]
        shape = (None, None, width)
        layers = [self.items, *self.encoders.values(), self.trunk]
        for layer in (*layers, *filter(None, (self.answering, self.asked_clock))):
            layer.build(shape)
        if self.asked_wait is not None:
            self.asked_wait.build((None, None, 1))
        if self.settings["copy_heads"]:
            self.copying.build(None, shape, shape)
            self.before_gate.build((None, None, width + 1))
            self.gate.build((None, None, GATE_WIDTH))
        self.built = True

    def embed(self, batch: Mapping[str, Any], valid: Any) -> Any:
        """Vectors of the actions, shape (B, L, D)."""
        # The table starts small, as answers need it; what is read must be as large as the rest.
        vectors = self.items(batch["item"]) * self.settings["width"] ** 0.5
        for name, encoder in self.encoders.items():
            if name == "gap":
                vectors = vectors + encoder(batch["hours"], valid=valid)
            else:
                vectors = vectors + encoder(batch[name])
        return vectors

    def ask(self, batch: Mapping[str, Any], states: Any) -> Any:
        """What is known when the last S positions are asked, shape (B, S, D)."""
        asked = self.settings["asked"]
        question = states[:, -asked:]
        if self.settings["time_known"]:
            wait = ops.maximum(batch["target_hours"] - batch["hours"], 0.0)[:, -asked:, None]
            question = question + self.asked_clock(batch["target_clock"][:, -asked:])
            question = question + self.asked_wait(ops.log1p(wait) / 4)
        return question

    def look(
        self,
        batch: Mapping[str, Any],
        training: bool | None = None,
        window: Any = None,
        columns: Any = None,
    ) -> tuple[Any, Any, Any]:
        """Vectors to answer with (B, S, D), gate (B, S, 1 + H), weights (B, H, S, L).

        All of the last S positions are asked; or, with window (R,) and columns (R, Q), Q columns
        of R of the windows, and R and Q stand for B and S. Nothing else is changed by that.
        """
        valid = ops.not_equal(batch["item"], 0)
        vectors = self.drop(self.embed(batch, valid), training=training)
        states = self.trunk(vectors, batch, valid=valid, training=training)
        question = self.drop(self.ask(batch, states), training=training)
        past = ops.log1p(ops.cumsum(ops.cast(valid, "float32"), axis=1)) / 5
        past = past[:, -question.shape[1] :, None]
        if columns is not None:
            at = (columns - (valid.shape[1] - question.shape[1]))[..., None]
            question, past = (
                ops.take_along_axis(ops.take(one, window, axis=0), at, axis=1)
                for one in (question, past)
            )
            batch = {name: ops.take(array, window, axis=0) for name, array in batch.items()}
            vectors, states, valid = (
                ops.take(one, window, axis=0) for one in (vectors, states, valid)
            )
        answer = ops.zeros_like(question) if self.answering is None else self.answering(question)
        if not self.settings["copy_heads"]:
            return answer, None, None
        # What came before an action, and the action: an answer to whoever stands there again.
        before = states * ops.cast(valid, states.dtype)[..., None]
        answers = ops.pad(before[:, :-1], [[0, 0], [1, 0], [0, 0]]) + vectors
        weights = self.copying(batch, question, answers, columns)
        known = ops.concatenate([question, past], axis=-1)
        return answer, ops.softmax(self.gate(self.before_gate(known))), weights

    @cached_property
    def _compiled_look(self) -> Any:
        """`look` as one graph: an LSTM step by step in Python takes ten times as long."""
        import tensorflow as tf

        return tf.function(self.look, reduce_retracing=True)

    def call(self, batch: Mapping[str, Any], *, training: bool | None = None) -> Any:
        """Log-probability of the target at each position, shape (B, L)."""
        answer, gate, weights = self.look(batch, training)
        target = ops.cast(batch["target"][:, -answer.shape[1] :], "int32")
        likely = self.likely(answer, target)
        if gate is not None:
            there = ops.cast(ops.equal(batch["item"][:, None, :], target[:, :, None]), "float32")
            copied = ops.einsum("bhsl,bsl->bsh", weights, there)
            share = gate[..., 0] * ops.exp(likely) + ops.sum(gate[..., 1:] * copied, axis=-1)
            likely = ops.log(share + LEAST)
        return ops.pad(likely, [[0, 0], [batch["item"].shape[1] - likely.shape[1], 0]])

    def likely(self, answer: Any, target: Any) -> Any:
        """Log-probability of the target by the table alone, shape (B, S)."""
        constant = ops.take(self.items.constant, target)
        if self.answering is None:
            return constant - ops.logsumexp(ops.convert_to_tensor(self.items.constant))
        own = ops.sum(answer * self.items(target), axis=-1) + constant
        return own - ops.logsumexp(self.items.logits(answer), axis=-1)

    def answer(self, batch: Mapping[str, Any], window: Any, position: Any) -> np.ndarray:
        """Probabilities of all ids at some positions of some windows.

        Parameters
        ----------
        batch : mapping of arrays (B, L)
        window, position : array of int, shape (n,)
            Which; a position counts from the left of the window.

        Returns
        -------
        ndarray of float32, shape (n, V)
            Rows sum to 1; some of it may lie on padding and on the unknown.
        """
        if not self.built:
            self.build()
        window, position = np.asarray(window), np.asarray(position)
        rows, columns, pick = _in_rows(window, position, batch["item"].shape[1] - 1)
        answer, gate, weights = self._compiled_look(dict(batch), window=rows, columns=columns)
        shares = ops.softmax(self.items.logits(ops.convert_to_numpy(answer)[pick]))
        shares = np.array(ops.convert_to_numpy(shares))
        if gate is None:
            return shares
        gate = ops.convert_to_numpy(gate)[pick]
        pointed = ops.convert_to_numpy(weights)[pick[0], :, pick[1]]
        copied = np.einsum("nhl,nh->nl", pointed, gate[:, 1:])
        ids = np.asarray(batch["item"])[window] + np.arange(len(window))[:, None] * shares.shape[1]
        counted = np.bincount(ids.ravel(), copied.ravel(), minlength=shares.size)
        return gate[:, :1] * shares + counted.reshape(shares.shape).astype(np.float32)

    def get_config(self) -> dict[str, Any]:
        """Settings that make the same network again."""
        table = self.items.get_config()
        given = {name: table[name] for name in ("features", "popularity")}
        return super().get_config() | self.settings | given


def _in_rows(
    window: np.ndarray, position: np.ndarray, last: int
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Pack what is asked into rows of ASKED_AT_ONCE columns of one window each.

    Most windows are asked at few positions, and looking at all of them would be most of the work.
    A window that is asked more often gets several rows; what is left of a row asks the last column.
    """
    order = np.lexsort((position, window))
    first = np.searchsorted(window[order], window[order])
    nth = np.arange(len(order)) - first
    new = nth % ASKED_AT_ONCE == 0
    row, column = np.empty((2, len(order)), dtype=np.int64)
    row[order], column[order] = np.cumsum(new) - 1, nth % ASKED_AT_ONCE
    columns = np.full((int(new.sum()), ASKED_AT_ONCE), last, dtype=np.int32)
    columns[row, column] = position
    return window[order][new].astype(np.int32), columns, (row, column)


def _require_known(name: str, found: Sequence[str], known: Sequence[str]) -> None:
    strange = [one for one in found if one not in known]
    if strange:
        raise ValueError(
            f"{name}: expected some of {', '.join(known)}; found {', '.join(map(str, strange))}"
        )
