"""Switches that must be set before TensorFlow is imported; import this module first."""

import os

# The same bits on every processor count for more here than a few per cent of speed.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
