"""TensorFlow with the switches of the book, imported when it is first needed."""

from __future__ import annotations

import os
from types import ModuleType


def load() -> ModuleType:
    """Import TensorFlow.

    Returns
    -------
    module

    Notes
    -----
    The switches are those of `networks`, which stands after this package. Introduced in chapter 07.

    Examples
    --------
    >>> load().__name__
    'tensorflow'
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import tensorflow

    return tensorflow
