"""Windows for Keras, a batch at a time, so that memory does not grow with the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

Windows = Iterator[dict[str, np.ndarray]]
WINDOWS_IN_BUFFER = 1024


def stream(
    make_windows: Callable[[], Windows],
    batch_size: int,
    *,
    shuffle_seed: int | None = None,
    buffer: int = WINDOWS_IN_BUFFER,
    names: Sequence[str] | None = None,
) -> tf.data.Dataset:
    """Hand windows to `keras.Model.fit`, made while the network trains.

    Parameters
    ----------
    make_windows : function without arguments
        Returns a fresh iterator of windows, each a dict of arrays of shape (L,) with a `weight`:
        ``lambda: sequencer.training_windows(train)``. Called once for each epoch.
    batch_size : int
        B; the last batch may be smaller.
    shuffle_seed : int, optional
        Draws the order, another one each epoch. None keeps the order of the iterator.
    buffer : int
        Windows that wait to be drawn from, at most. A smaller buffer shuffles less.
    names : sequence of str, optional
        The inputs of the network, since a functional model warns of those that it does not read.
        Default: everything that is in a window.

    Returns
    -------
    tf.data.Dataset of (inputs, zeros, weight)
        inputs: the dict of the windows, arrays of shape (B, L), `weight` among them unless `names`
        leaves it out. zeros: float32, shape (B, L), for a network that gives the loss of each
        position by itself. weight: float32, shape (B, L), the sample weights.

    Raises
    ------
    ValueError
        If `batch_size` or `buffer` is below 1, there are no windows, or one lacks a name.

    Notes
    -----
    At most `buffer` windows and two batches are in memory. Introduced in chapter 07.

    Examples
    --------
    >>> def two_windows():
    ...     yield {"item": np.array([0, 2]), "weight": np.array([0, 1], dtype="float32")}
    ...     yield {"item": np.array([3, 4]), "weight": np.array([1, 1], dtype="float32")}
    >>> for inputs, zeros, weight in stream(two_windows, batch_size=2):
    ...     print(inputs["item"].numpy().tolist(), weight.numpy().tolist())
    [[0, 2], [3, 4]] [[0.0, 1.0], [1.0, 1.0]]
    """
    from stim_lib.sequences import _tensorflow

    for name, number in (("batch_size", batch_size), ("buffer", buffer)):
        if number < 1:
            raise ValueError(f"{name}: expected 1 or more, found {number}")
    first = next(make_windows(), None)
    if first is None:
        raise ValueError("make_windows: expected at least one window, found none to learn from")
    names = list(first) if names is None else list(names)
    if not {*names, "weight"} <= set(first):
        raise ValueError(f"names: expected some of {', '.join(first)}, found {', '.join(names)}")
    tf = _tensorflow.load()
    signature = {name: tf.TensorSpec(a.shape, a.dtype) for name, a in first.items()}
    windows = tf.data.Dataset.from_generator(make_windows, output_signature=signature)
    if shuffle_seed is not None:
        windows = windows.shuffle(buffer, seed=shuffle_seed, reshuffle_each_iteration=True)
    batches = windows.batch(batch_size)

    def with_weights(inputs: dict[str, tf.Tensor]) -> tuple:
        some = {name: inputs[name] for name in names}
        return some, tf.zeros_like(inputs["weight"]), inputs["weight"]

    return batches.map(with_weights).prefetch(1)
