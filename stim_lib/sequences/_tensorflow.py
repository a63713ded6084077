"""TensorFlow with the switches of the book, imported when it is first needed."""

from __future__ import annotations

import os
from types import ModuleType


def set_switches() -> None:
    """Set what must stand in the environment before TensorFlow and Keras are imported.

    Notes
    -----
    The same bits on every processor count for more here than a few per cent of speed. What the
    environment already holds is kept. Introduced in chapter 07.

    Examples
    --------
    >>> set_switches()
    >>> "KERAS_BACKEND" in os.environ
    True
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def load() -> ModuleType:
    """Import TensorFlow.

    Returns
    -------
    module

    Notes
    -----
    Introduced in chapter 07.

    Examples
    --------
    >>> load().__name__
    'tensorflow'
    """
    set_switches()
    import tensorflow

    return tensorflow
