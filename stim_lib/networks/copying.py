"""A head that points at an action of the past; the place of that action is the answer.

Introduced in chapter 08.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stim_lib.networks import _backend  # noqa: F401  (before Keras)

import keras  # isort: skip
from keras import ops

from stim_lib.networks.attention import FAR_BELOW, may_look
from stim_lib.networks.relations import RELATIONS, RelationBias, relate

CONTENT_WIDTH = 16


@keras.saving.register_keras_serializable(package="stim_lib")
class CopyHead(keras.layers.Layer):
    """Counters whose weights are learned: each head spreads its attention over the past.

    ==============  =================  ====================================================
    what            shape              meaning
    ==============  =================  ====================================================
    batch           mapping of (B, L)  as for `relate`
    question        (B, S, D)          what is known when the last S positions are asked
    answers         (B, L, D)          what is known of each past action, and of what came
                                       before it; read only with `content`
    bias kernels    (F, hidden),       from relations to scores, see `RelationBias`
                    (hidden, H)
    query, key      (D, H · 16) each   only with `content`
    columns         (B, S)             which positions are asked, if not the last S
    output          (B, H, S, L)       weights; the share of a place is their sum over its
                                       visits
    ==============  =================  ====================================================

    Parameters
    ----------
    heads : int
        H; each may count in its own way.
    relations : sequence of str
        Names from `RELATIONS`.
    hidden : int
        Width of the layer between relations and scores; 0: none.
    content : bool
        Whether vectors may be compared too, as in any attention.
    time_known : bool

    Notes
    -----
    weights = softmax(bias(relations) + q·k/√16) over the positions up to the asked one. With one
    relation and no hidden layer this is a counter of chapter 13: log_steps fades, clock_2_h counts
    by the hour, after_same_place is a Markov chain. Sources: Vinyals, Fortunato and Jaitly (2015),
    arXiv:1506.03134 (pointing); Merity et al. (2017), arXiv:1609.07843 (pointing mixed with a
    softmax). Introduced in chapter 08.

    Examples
    --------
    Nothing is learned yet and there is one relation, whose kernel is set to zero: every visit
    counts the same.

    >>> import numpy as np
    >>> head = CopyHead(1, relations=["log_steps"], hidden=0, time_known=False)
    >>> batch, states = {"item": np.array([[0, 5, 4, 5]])}, np.zeros((1, 4, 2))
    >>> _ = head(batch, states[:, -1:], states)
    >>> head.set_weights([np.zeros((1, 1))])
    >>> np.asarray(head(batch, states[:, -1:], states)).round(2).tolist()
    [[[[0.0, 0.33000001311302185, 0.33000001311302185, 0.33000001311302185]]]]
    """

    def __init__(
        self,
        heads: int,
        *,
        relations: Sequence[str] = RELATIONS,
        hidden: int = 32,
        content: bool = False,
        time_known: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.settings = {
            "heads": heads, "relations": list(relations), "hidden": hidden, "content": content,
            "time_known": time_known,
        }  # fmt: skip
        self.bias = RelationBias(heads, hidden)
        self.query = keras.layers.Dense(heads * CONTENT_WIDTH) if content else None
        self.key = keras.layers.Dense(heads * CONTENT_WIDTH) if content else None

    def build(self, batch_shape: Any, question_shape: Any, answers_shape: Any) -> None:
        """Make the kernels."""
        self.bias.build((None, None, None, len(self.settings["relations"])))
        if self.settings["content"]:
            self.query.build(question_shape)
            self.key.build(answers_shape)
        self.built = True

    def call(
        self, batch: Mapping[str, Any], question: Any, answers: Any, columns: Any = None
    ) -> Any:
        """Weights of shape (B, H, S, L)."""
        last = question.shape[1]
        relations = relate(
            batch, relations=self.settings["relations"], last=last,
            time_known=self.settings["time_known"], columns=columns,
        )  # fmt: skip
        scores = self.bias(relations)
        if self.settings["content"]:
            query, key = self.split(self.query(question)), self.split(self.key(answers))
            scores += ops.matmul(query, ops.swapaxes(key, -1, -2)) / CONTENT_WIDTH**0.5
        mask = may_look(ops.not_equal(batch["item"], 0))
        if columns is None:
            mask = mask[:, -last:]
        else:
            mask = ops.take_along_axis(mask, columns[..., None], axis=1)
        # A row that may look at nothing is spread over padding, where there is no place to copy.
        return ops.softmax(ops.where(mask[:, None], scores, FAR_BELOW))

    def split(self, vectors: Any) -> Any:
        """Cut (B, L, H · 16) into heads, (B, H, L, 16)."""
        shape = (-1, vectors.shape[1], self.settings["heads"], CONTENT_WIDTH)
        return ops.swapaxes(ops.reshape(vectors, shape), 1, 2)

    def get_config(self) -> dict[str, Any]:
        """Settings that make the same layer again."""
        return super().get_config() | self.settings
