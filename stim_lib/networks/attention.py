"""Attention: a weighted mean of what can be seen, with weights that depend on who is looking.

Introduced in chapter 08.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stim_lib.networks import _backend  # noqa: F401  (before Keras)

import keras  # isort: skip
from keras import ops

# Added to the score of what must not be seen: its weight is 0 in every precision that is used.
FAR_BELOW = -1e9


def attend(
    queries: Any, keys: Any, values: Any, *, mask: Any = None, bias: Any = None
) -> tuple[Any, Any]:
    """Look from each query at all keys, and take the mean of the values by how well they match.

    Parameters
    ----------
    queries : tensor or array of float, shape (…, Lq, d)
    keys : tensor or array of float, shape (…, Lk, d)
    values : tensor or array of float, shape (…, Lk, dv)
    mask : tensor or array of bool, shape that broadcasts to (…, Lq, Lk), optional
        True where the query (row) may look at the key (column). Default: everywhere.
    bias : tensor or array of float, shape that broadcasts to (…, Lq, Lk), optional
        Added to the scores: what is known about a pair besides its vectors.

    Returns
    -------
    output : tensor of float, shape (…, Lq, dv)
    weights : tensor of float, shape (…, Lq, Lk)
        Each row has sum 1; a row that may look at nothing is all 0, and so is its output.

    Raises
    ------
    ValueError
        If queries and keys differ in width, or keys and values in number.

    Notes
    -----
    output = softmax(Q Kᵀ / √d + bias) V. Without the root the scores of wide vectors are so far
    apart that one key takes all the weight. Source: Vaswani et al. (2017), eq. 1,
    arXiv:1706.03762; the bias: Shaw et al. (2018), doi:10.18653/v1/N18-2074. Introduced in
    chapter 08.

    Examples
    --------
    A query that matches the first key three times as well as the second (e^ln 3 = 3):

    >>> import numpy as np
    >>> output, weights = attend([[np.log(3.0)]], [[1.0], [0.0]], [[8.0], [0.0]])
    >>> np.asarray(weights).round(2).tolist(), np.asarray(output).round(2).tolist()
    ([[0.75, 0.25]], [[6.0]])
    """
    queries, keys, values = (ops.convert_to_tensor(x, "float32") for x in (queries, keys, values))
    if queries.shape[-1] != keys.shape[-1] or keys.shape[-2] != values.shape[-2]:
        raise ValueError(
            "expected queries (…, Lq, d), keys (…, Lk, d) and values (…, Lk, dv), found shapes "
            f"{tuple(queries.shape)}, {tuple(keys.shape)} and {tuple(values.shape)}"
        )
    scores = ops.matmul(queries, ops.swapaxes(keys, -1, -2)) / queries.shape[-1] ** 0.5
    if bias is not None:
        scores = scores + ops.convert_to_tensor(bias, "float32")
    if mask is None:
        weights = ops.softmax(scores)
    else:
        mask = ops.convert_to_tensor(mask, "bool")
        # The product matters where a row may look at nothing: softmax alone makes it look at all.
        weights = ops.softmax(ops.where(mask, scores, FAR_BELOW)) * ops.cast(mask, scores.dtype)
    return ops.matmul(weights, values), weights


def may_look(valid: Any, *, causal: bool = True) -> Any:
    """Which position may look at which: never at padding, and never ahead if causal.

    Parameters
    ----------
    valid : tensor or array of bool, shape (B, L)
        False at padding.
    causal : bool
        If True, a position looks at itself and at what came before it.

    Returns
    -------
    tensor of bool, shape (B, L, L)
        [b, p, s] is True where p may look at s. Rows of padding may look at what rows of actions
        may; nothing is asked there.

    Raises
    ------
    ValueError
        If `valid` has not two dimensions.

    Notes
    -----
    Introduced in chapter 08.

    Examples
    --------
    >>> import numpy as np
    >>> np.asarray(may_look([[False, True, True]])).astype(int)[0].tolist()
    [[0, 0, 0], [0, 1, 0], [0, 1, 1]]
    """
    valid = ops.convert_to_tensor(valid, "bool")
    if len(valid.shape) != 2:
        raise ValueError(f"valid: expected shape (B, L), found {tuple(valid.shape)}")
    seen = valid[:, None, :]
    position = ops.arange(valid.shape[-1])
    ahead = position[None, :] > position[:, None]
    if causal:
        return ops.logical_and(seen, ops.logical_not(ahead)[None])
    return ops.logical_and(seen, ops.ones_like(ahead)[None])


@keras.saving.register_keras_serializable(package="stim_lib")
class Attention(keras.layers.Layer):
    """Several heads that look at the same sequence, each in its own projection.

    =============  ====================  =======================================
    what           shape                 meaning
    =============  ====================  =======================================
    queries        (B, Lq, D)            who looks
    keys           (B, Lk, D)            what is looked at; also the values
    mask           (B, Lq, Lk) bool      True where looking is allowed
    bias           (B, H, Lq, Lk)        added to the scores of each head
    four kernels   (D, D), biases (D,)   queries, keys, values and output
    output         (B, Lq, D)            the heads' means, joined and projected
    weights        (B, H, Lq, Lk)        with `return_weights=True`
    =============  ====================  =======================================

    Parameters
    ----------
    heads : int
        H; each head is D / H wide.
    width : int
        D.
    dropout : float
        Share of the output that is dropped in training, in [0, 1).

    Attributes
    ----------
    replace_weights : function, optional
        For experiments: takes the weights (B, H, Lq, Lk) and returns others, which are used in
        their place. None, as it is at first, changes nothing.

    Raises
    ------
    ValueError
        If `width` is not a multiple of `heads`.

    Notes
    -----
    The same numbers as `keras.layers.MultiHeadAttention` with the same weights, which knows no
    bias. Source: Vaswani et al. (2017), section 3.2.2. Introduced in chapter 08.

    Examples
    --------
    >>> layer = Attention(heads=2, width=8)
    >>> tuple(layer(ops.ones((1, 3, 8)), ops.ones((1, 5, 8))).shape)
    (1, 3, 8)
    """

    def __init__(self, heads: int, width: int, dropout: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        if heads < 1 or width % heads:
            raise ValueError(
                f"width: expected a multiple of heads, found width {width} and {heads} heads"
            )
        self.heads, self.width, self.dropout = heads, width, dropout
        self.replace_weights: Callable[[Any], Any] | None = None
        self.query_projection = keras.layers.Dense(width, name="query")
        self.key_projection = keras.layers.Dense(width, name="key")
        self.value_projection = keras.layers.Dense(width, name="value")
        self.output_projection = keras.layers.Dense(width, name="output")
        self.drop = keras.layers.Dropout(dropout)

    def build(self, *_: Any) -> None:
        """Make the four projections."""
        for projection in (
            self.query_projection, self.key_projection, self.value_projection,
            self.output_projection,
        ):  # fmt: skip
            projection.build((None, None, self.width))
        self.built = True

    def split(self, states: Any) -> Any:
        """Cut (B, L, D) into heads, (B, H, L, D / H)."""
        length, part = states.shape[1], self.width // self.heads
        return ops.swapaxes(ops.reshape(states, (-1, length, self.heads, part)), 1, 2)

    def call(
        self,
        queries: Any,
        keys: Any,
        *,
        mask: Any = None,
        bias: Any = None,
        return_weights: bool = False,
        training: bool | None = None,
    ) -> Any:
        """Output (B, Lq, D), and the weights (B, H, Lq, Lk) if asked for."""
        values = self.split(self.value_projection(keys))
        mean, weights = attend(
            self.split(self.query_projection(queries)),
            self.split(self.key_projection(keys)),
            values,
            mask=None if mask is None else ops.expand_dims(ops.cast(mask, "bool"), -3),
            bias=bias,
        )
        if self.replace_weights is not None:
            weights = self.replace_weights(weights)
            mean = ops.matmul(weights, values)
        joined = ops.reshape(ops.swapaxes(mean, 1, 2), (-1, queries.shape[1], self.width))
        output = self.drop(self.output_projection(joined), training=training)
        return (output, weights) if return_weights else output

    def compute_mask(self, *_: Any) -> None:
        """None is handed on: `mask` is of pairs, and Keras would take it for one of positions."""

    def get_config(self) -> dict[str, Any]:
        """Settings that make the same layer again."""
        own = {"heads": self.heads, "width": self.width, "dropout": self.dropout}
        return super().get_config() | own
