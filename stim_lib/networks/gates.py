"""What an LSTM does at each step: its gates, opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from stim_lib.networks import _backend  # noqa: F401

if TYPE_CHECKING:
    import keras

GATES = ("input", "forget", "candidate", "output")
"""In the order in which Keras keeps their weights side by side."""


def lstm_gates(
    layer: keras.layers.LSTM, inputs: ArrayLike, mask: ArrayLike | None = None
) -> dict[str, np.ndarray]:
    """Run an LSTM step by step and keep everything that it computes on the way.

    Parameters
    ----------
    layer : keras.layers.LSTM
        Built, so that it has weights: kernel (D, 4U), recurrent_kernel (U, 4U), bias (4U,).
    inputs : array of float, shape (B, L, D)
        What the layer reads, say the output of an `Embedding`.
    mask : array of bool, shape (B, L), optional
        False where there is nothing to read: the states are carried over.

    Returns
    -------
    dict of ndarray of float32, each of shape (B, L, U)
        The gates `input`, `forget` and `output`, in (0, 1); the `candidate`, in (-1, 1); all NaN
        where the mask is False. The states `cell` and `hidden` after each step; `hidden` is what
        the layer returns with ``return_sequences=True``.

    Raises
    ------
    ValueError
        If the layer is no LSTM, has no weights yet, or reads backwards; or if the shapes do not
        fit.

    Notes
    -----
    With z = W x_t + R h_(t-1) + b, cut into four:

    i = σ(z₁), f = σ(z₂), g = tanh(z₃), o = σ(z₄); c_t = f · c_(t-1) + i · g; h_t = o · tanh(c_t).

    Source: Gers, Schmidhuber and Cummins (2000), Learning to forget, Neural Computation 12(10),
    doi:10.1162/089976600300015015. Introduced in chapter 07.

    Examples
    --------
    One unit, one input, all weights 0: the gates are half open and nothing comes in.

    >>> import keras
    >>> layer = keras.layers.LSTM(1, unit_forget_bias=False, kernel_initializer="zeros")
    >>> layer.build((1, 1, 1))
    >>> opened = lstm_gates(layer, [[[5.0]]])
    >>> opened["forget"].item(), opened["cell"].item()
    (0.5, 0.0)
    """
    inputs = np.asarray(inputs, dtype=np.float32)
    mask = _require_fit(layer, inputs, mask)
    kernel, recurrent, *bias = (np.asarray(weight) for weight in layer.get_weights())
    from_inputs = inputs @ kernel + (bias[0] if bias else 0)
    n, length, _ = inputs.shape
    hidden = cell = np.zeros((n, layer.units), dtype=np.float32)
    opened = {
        name: np.full((n, length, layer.units), np.nan, dtype=np.float32)
        for name in (*GATES, "cell", "hidden")
    }
    for step in range(length):
        parts = np.split(from_inputs[:, step] + hidden @ recurrent, 4, axis=1)
        functions = [layer.recurrent_activation] * 4
        functions[2] = layer.activation
        i, f, g, o = (
            np.asarray(function(part)) for function, part in zip(functions, parts, strict=True)
        )
        read = mask[:, step, None]
        cell = np.where(read, f * cell + i * g, cell)
        hidden = np.where(read, o * np.asarray(layer.activation(cell)), hidden)
        for name, values in zip(GATES, (i, f, g, o), strict=True):
            opened[name][:, step] = np.where(read, values, np.nan)
        opened["cell"][:, step], opened["hidden"][:, step] = cell, hidden
    return opened


def _require_fit(layer: object, inputs: np.ndarray, mask: ArrayLike | None) -> np.ndarray:
    import keras

    if not isinstance(layer, keras.layers.LSTM) or not layer.built or layer.go_backwards:
        state = "one without weights" if not getattr(layer, "built", False) else "another"
        raise ValueError(
            f"layer: expected a keras.layers.LSTM that has read something, forwards; found {state} "
            f"({type(layer).__name__}). Call it on an input first."
        )
    width = layer.get_weights()[0].shape[0]
    if inputs.ndim != 3 or inputs.shape[2] != width:
        raise ValueError(
            f"inputs: expected shape (B, L, {width}), as the layer reads, found {inputs.shape}"
        )
    mask = np.ones(inputs.shape[:2], bool) if mask is None else np.asarray(mask, dtype=bool)
    if mask.shape != inputs.shape[:2]:
        raise ValueError(f"mask: expected shape {inputs.shape[:2]}, found {mask.shape}")
    return mask
