"""Training on the past, stopping by what came later.

Introduced in chapter 07.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stim_lib.networks import _backend  # noqa: F401  (before Keras)

import keras  # isort: skip

from stim_lib.sequences import stream

Windows = Callable[[], Iterator[dict[str, np.ndarray]]]
MONITOR = "val_nats"
WARM_UP_EPOCHS = 1
LAST_RATE = 0.02
WEIGHT_DECAY = 1e-4
LARGEST_GRADIENT = 1.0


def train_network(
    network: keras.Model,
    windows: Windows,
    validation: Windows | None = None,
    *,
    epochs: int = 6,
    batch_size: int = 8,
    learning_rate: float = 3e-3,
    patience: int | None = 2,
    seed: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    log_folder: str | Path | None = None,
    verbose: int | str = 0,
) -> pd.DataFrame:
    """Fit a network to windows; stop by how well it does on later ones.

    Parameters
    ----------
    network : keras.Model
        Gives the log-probability of the target at each position, shape (B, L): `NextItem`.
    windows, validation : function without arguments
        Each returns a fresh iterator of windows of one shape, see `sequences.stream`.
    epochs : int
        At most; the rate of learning rises over the first and then falls along a cosine to 2 % at
        the last.
    batch_size : int
        B, in windows.
    learning_rate : float
        The highest.
    patience : int or None
        Epochs without progress on the validation windows until training ends, and the weights of
        the best epoch are taken. None trains to the end and keeps the last.
    seed : int
        Of the order of the windows. Weights and dropout have theirs from `set_random_seed`.
    callbacks : sequence of keras.callbacks.Callback
    log_folder : str or Path, optional
        Where TensorBoard's files are written.
    verbose : int or "auto"
        As in Keras: 1 is a bar, 2 one line an epoch.

    Returns
    -------
    DataFrame, shape (n_epochs, 2 or 3)
        Index epoch, from 1; `nats` (of training, dropout on), `val_nats` and `learning_rate`.

    Raises
    ------
    ValueError
        If there are no windows, or the loss is no longer a number.

    Notes
    -----
    The loss is -log p(next action), in nats, the mean over all positions asked. AdamW (Loshchilov
    and Hutter 2019, arXiv:1711.05101) with gradients of norm 1 at most. Introduced in chapter 07.

    Examples
    --------
    >>> from stim_lib import networks
    >>> def two_windows():
    ...     for item, target in (([0, 2, 3], [0, 3, 2]), ([2, 3, 2], [3, 2, 3])):
    ...         yield {"item": np.array(item), "target": np.array(target),
    ...                "weight": np.array([0, 1, 1], "float32")}
    >>> network = networks.NextItem(4, asked=2, trunk="lstm", width=4)
    >>> list(train_network(network, two_windows, epochs=2))
    ['nats', 'learning_rate']
    """
    data = _counted(stream(windows, batch_size, shuffle_seed=seed), windows, batch_size)
    steps = int(data.cardinality())
    network.compile(
        optimizer=keras.optimizers.AdamW(
            _schedule(learning_rate, steps, epochs),
            weight_decay=WEIGHT_DECAY,
            clipnorm=LARGEST_GRADIENT,
        ),
        loss=NegativeLogLikelihood(),
        weighted_metrics=[keras.metrics.MeanMetricWrapper(_nats, name="nats")],
    )
    stopping = [keras.callbacks.TerminateOnNaN()]
    if validation is not None and patience is not None:
        stopping.append(
            keras.callbacks.EarlyStopping(
                MONITOR, mode="min", patience=patience, restore_best_weights=True
            )
        )
    if log_folder is not None:
        stopping.append(keras.callbacks.TensorBoard(str(log_folder)))
    fitted = network.fit(
        data,
        validation_data=None
        if validation is None
        else _counted(stream(validation, batch_size), validation, batch_size),
        epochs=epochs,
        callbacks=[*stopping, *callbacks],
        shuffle=False,  # `stream` does it
        verbose=verbose,
    )
    return _as_table(fitted.history, learning_rate, steps, epochs)


@keras.saving.register_keras_serializable(package="stim_lib")
class NegativeLogLikelihood(keras.losses.Loss):
    """For a network that returns log-probabilities itself: the mean of what it returns, negative.

    Parameters
    ----------
    name : str

    Notes
    -----
    The mean is over the sample weights, not over all cells of the batch as Keras would have it:
    padding must not water the loss down. Introduced in chapter 07.

    Examples
    --------
    >>> loss = NegativeLogLikelihood()
    >>> weight = np.array([[0.0, 1.0]])
    >>> float(loss(np.zeros((1, 2)), np.array([[-9.0, -3.0]]), sample_weight=weight))
    3.0
    """

    def __init__(self, name: str = "nats", **_: Any) -> None:
        super().__init__(name=name, reduction="mean_with_sample_weight")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Nats at each position, shape (B, L)."""
        return _nats(y_true, y_pred)


def _nats(_: Any, log_likelihood: Any) -> Any:
    return -log_likelihood


def _counted(data: Any, windows: Windows, batch_size: int) -> Any:
    """The same batches; Keras takes the end of a generator for an accident unless told of it."""
    import tensorflow as tf

    n_batches = -(-sum(1 for _ in windows()) // batch_size)
    return data.apply(tf.data.experimental.assert_cardinality(n_batches))


def _schedule(
    rate: float, steps: int, epochs: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    warm_up = min(WARM_UP_EPOCHS * steps, steps * epochs - 1)
    return keras.optimizers.schedules.CosineDecay(
        rate / 30, max(steps * epochs - warm_up, 1), alpha=LAST_RATE, warmup_target=rate,
        warmup_steps=warm_up,
    )  # fmt: skip


def _as_table(
    history: dict[str, list[float]], rate: float, steps: int, epochs: int
) -> pd.DataFrame:
    table = pd.DataFrame(history).rename_axis("epoch")
    if not len(table) or not np.isfinite(table["nats"]).all():
        raise ValueError(
            f"training: expected a finite loss, found {table.get('nats', pd.Series()).tolist()}; "
            "lower the learning rate"
        )
    table.index = table.index + 1
    schedule = _schedule(rate, steps, epochs)
    table["learning_rate"] = [float(schedule(epoch * steps)) for epoch in table.index]
    return table[[name for name in ("nats", MONITOR, "learning_rate") if name in table]]
