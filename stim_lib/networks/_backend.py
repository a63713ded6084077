"""Switches that must be set before TensorFlow is imported; import this module first."""

from stim_lib.sequences import _tensorflow

_tensorflow.set_switches()
