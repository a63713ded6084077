"""One table of vectors for the items, used to read them and to answer with them.

Introduced in chapter 08.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stim_lib.networks import _backend  # noqa: F401  (before Keras)

import keras  # isort: skip
from keras import ops

SMALL = keras.initializers.RandomNormal(stddev=0.05)


@keras.saving.register_keras_serializable(package="stim_lib")
class ItemTable(keras.layers.Layer):
    """A learned vector for each item, and what its features say of it.

    =========  =====================  ===================================================
    what       shape                  meaning
    =========  =====================  ===================================================
    vectors    (V, D)                 learned; 0 is padding, 1 unknown
    features   (V, F)                 given, never trained: text vectors, coordinates
    kernel     (F, D)                 from features to vectors, shared by all items
    table      (V, D)                 vectors + features · kernel
    input      (B, L) int             ids
    output     (B, L, D)              rows of the table
    logits     (B, S, V)              states · tableᵀ + constant (V,)
    =========  =====================  ===================================================

    Parameters
    ----------
    n_items, width : int
        V and D.
    features : array of float, shape (V, F), optional
        Rows as the ids of a `sequences.Vocabulary`.
    popularity : array of float, shape (V,), optional
        Shares in training; the constants begin at their logarithms.

    Raises
    ------
    ValueError
        If features or popularity have another number of rows.

    Notes
    -----
    An item that was seen once has a vector that learned little; through its features it shares
    what was learned about others like it. Source of the tied table: Press and Wolf (2017),
    doi:10.18653/v1/E17-2025. Introduced in chapter 08.

    Examples
    --------
    >>> table, ids = ItemTable(5, 3), np.array([[2, 4]])
    >>> tuple(table(ids).shape), tuple(table.logits(table(ids)).shape)
    ((1, 2, 3), (1, 2, 5))
    """

    def __init__(
        self,
        n_items: int,
        width: int,
        *,
        features: Any = None,
        popularity: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.n_items, self.width = n_items, width
        for name, given in (("features", features), ("popularity", popularity)):
            if given is not None and len(given) != n_items:
                raise ValueError(
                    f"{name}: expected {n_items} rows, one for each id, found {len(given)}"
                )
        self.features = None if features is None else np.asarray(features, dtype="float32")
        self.popularity = None if popularity is None else np.asarray(popularity, dtype="float32")

    def build(self, *_: Any) -> None:
        """Make vectors, constants and the features' kernel."""
        self.vectors = self.add_weight((self.n_items, self.width), SMALL, name="vectors")
        # A fifth of an action for what was never seen: small, and its logarithm is finite.
        shares = np.ones(self.n_items) if self.popularity is None else self.popularity
        floor = 0.2 * shares[shares > 0].min()
        start = keras.initializers.Constant(0.0)
        self.constant = self.add_weight((self.n_items,), start, name="constant")
        self.constant.assign(np.log(np.maximum(shares, floor)))
        if self.features is not None:
            self.kernel = self.add_weight(
                (self.features.shape[1], self.width), SMALL, name="kernel"
            )
        self.built = True

    def table(self) -> Any:
        """All vectors, shape (V, D)."""
        if self.features is None:
            return ops.convert_to_tensor(self.vectors)
        return self.vectors + ops.matmul(self.features, self.kernel)

    def call(self, ids: Any) -> Any:
        """Vectors of shape (…, D)."""
        return ops.take(self.table(), ops.convert_to_tensor(ids, "int32"), axis=0)

    def logits(self, states: Any) -> Any:
        """Scores of all items, shape (…, V)."""
        return ops.matmul(states, ops.transpose(self.table())) + self.constant

    def get_config(self) -> dict[str, Any]:
        """Settings that make the same layer again."""
        given = {
            name: None if value is None else value.tolist()
            for name, value in (("features", self.features), ("popularity", self.popularity))
        }
        return super().get_config() | {"n_items": self.n_items, "width": self.width} | given
