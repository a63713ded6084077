"""Where a position stands: in the sequence, on the clock, and after how long a gap.

Attention alone sees a bag of actions; these layers tell it about order and time. Introduced in
chapter 08.
"""

from __future__ import annotations

import math
from typing import Any

from stim_lib.networks import _backend  # noqa: F401  (before Keras)

import keras  # isort: skip
from keras import ops

HOURS_PER_WEEK = 168.0
# Turns a week: once and twice a week, once to three times a day.
WEEK_HARMONICS = (1, 2, 7, 14, 21)


def sinusoids(positions: Any, width: int) -> Any:
    """Write positions as sines and cosines of falling frequency.

    Parameters
    ----------
    positions : tensor or array of float, shape (…,)
        Any numbers: places in a sequence, hours.
    width : int
        Even.

    Returns
    -------
    tensor of float32, shape (…, width)
        sin and cos by turns.

    Raises
    ------
    ValueError
        If `width` is odd or not positive.

    Notes
    -----
    Feature 2i is sin(p / 10000^(2i/width)), feature 2i + 1 the cosine: a step ahead is a
    rotation, the same at every p. Source: Vaswani et al. (2017), section 3.5, arXiv:1706.03762.
    Introduced in chapter 08.

    Examples
    --------
    >>> import numpy as np
    >>> np.asarray(sinusoids([0.0, np.pi / 2], 2)).round(3).tolist()
    [[0.0, 1.0], [1.0, -0.0]]
    """
    if width < 2 or width % 2:
        raise ValueError(f"width: expected an even number from 2, found {width}")
    rate = ops.exp(ops.arange(0, width, 2, dtype="float32") * (-math.log(10_000.0) / width))
    angle = ops.expand_dims(ops.cast(positions, "float32"), -1) * rate
    pair = ops.stack([ops.sin(angle), ops.cos(angle)], axis=-1)
    return ops.reshape(pair, (*ops.shape(angle)[:-1], width))


def clock_waves(clock: Any) -> Any:
    """Harmonics of the week and of the day, for hours of the week.

    Parameters
    ----------
    clock : tensor or array of float, shape (…,)
        Hour of the local week, [0, 168), Monday 0.

    Returns
    -------
    tensor of float32, shape (…, 10)
        Sines, then cosines, of 1, 2, 7, 14 and 21 turns a week.

    Notes
    -----
    Sunday midnight and Monday midnight are the same point (chapter 04). Introduced in chapter 08.

    Examples
    --------
    >>> import numpy as np
    >>> bool(np.allclose(clock_waves([0.0]), clock_waves([168.0]), atol=1e-4))
    True
    """
    turns = ops.convert_to_tensor(WEEK_HARMONICS, "float32")
    angle = ops.expand_dims(ops.cast(clock, "float32"), -1) * (turns * 2 * math.pi / HOURS_PER_WEEK)
    return ops.concatenate([ops.sin(angle), ops.cos(angle)], axis=-1)


def log_gaps(hours: Any, valid: Any) -> Any:
    """Hours since the action before, on a scale where a minute and a month both show.

    Parameters
    ----------
    hours : tensor or array of float, shape (B, L)
        Time of each action, in hours since any origin.
    valid : tensor or array of bool, shape (B, L)
        False at padding.

    Returns
    -------
    tensor of float32, shape (B, L, 2)
        log(1 + gap) and whether there is an action before; both 0 where there is none.

    Notes
    -----
    Introduced in chapter 08.

    Examples
    --------
    >>> import numpy as np
    >>> log_gaps([[0.0, 5.0, 6.0]], [[False, True, True]]).numpy().round(2)[0]
    array([[0.  , 0.  ],
           [0.  , 0.  ],
           [0.69, 1.  ]], dtype=float32)
    """
    hours, valid = (ops.cast(ops.convert_to_tensor(x), "float32") for x in (hours, valid))
    gap = ops.maximum(hours[:, 1:] - hours[:, :-1], 0.0)
    follows = valid[:, 1:] * valid[:, :-1]
    pair = ops.stack([ops.log1p(gap) * follows, follows], axis=-1)
    return ops.pad(pair, [[0, 0], [1, 0], [0, 0]])


@keras.saving.register_keras_serializable(package="stim_lib")
class ClockEncoding(keras.layers.Layer):
    """The hour of the week as a vector.

    =======  ==========  ==============================================
    what     shape       meaning
    =======  ==========  ==============================================
    clock    (B, L)      hour of the local week, [0, 168), Monday 0
    kernel   (10, D)     of the harmonics of `clock_waves`; bias (D,)
    output   (B, L, D)
    =======  ==========  ==============================================

    Parameters
    ----------
    width : int
        D.

    Notes
    -----
    Introduced in chapter 08.

    Examples
    --------
    >>> tuple(ClockEncoding(4)(ops.ones((2, 3))).shape)
    (2, 3, 4)
    """

    def __init__(self, width: int, **options: Any) -> None:
        super().__init__(**options)
        self.width = width
        self.project = keras.layers.Dense(width)

    def build(self, *_: Any) -> None:
        """Make the kernel."""
        self.project.build((None, None, 2 * len(WEEK_HARMONICS)))
        self.built = True

    def call(self, clock: Any) -> Any:
        """Vectors of shape (B, L, D)."""
        return self.project(clock_waves(clock))

    def get_config(self) -> dict[str, Any]:
        """Settings that make the same layer again."""
        return super().get_config() | {"width": self.width}


@keras.saving.register_keras_serializable(package="stim_lib")
class GapEncoding(keras.layers.Layer):
    """The time since the action before as a vector.

    =======  ==========  ==============================================
    what     shape       meaning
    =======  ==========  ==============================================
    hours    (B, L)      time of each action, from any origin
    valid    (B, L)      False at padding
    kernel   (2, D)      of the two features of `log_gaps`; bias (D,)
    output   (B, L, D)
    =======  ==========  ==============================================

    Parameters
    ----------
    width : int
        D.

    Notes
    -----
    Introduced in chapter 08.

    Examples
    --------
    >>> tuple(GapEncoding(4)(ops.ones((2, 3)), valid=ops.ones((2, 3), "bool")).shape)
    (2, 3, 4)
    """

    def __init__(self, width: int, **options: Any) -> None:
        super().__init__(**options)
        self.width = width
        self.project = keras.layers.Dense(width)

    def build(self, *_: Any) -> None:
        """Make the kernel."""
        self.project.build((None, None, 2))
        self.built = True

    def call(self, hours: Any, *, valid: Any) -> Any:
        """Vectors of shape (B, L, D)."""
        return self.project(log_gaps(hours, valid))

    def get_config(self) -> dict[str, Any]:
        """Settings that make the same layer again."""
        return super().get_config() | {"width": self.width}
