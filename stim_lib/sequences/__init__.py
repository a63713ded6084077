"""From logs to sequences: vocabularies, windows, padding and masks.

A network reads numbers of one length. This package turns a behaviour log into them, a few users at
a time, so that no position can see what came at or after its own question. Introduced in chapter
07.
"""

from stim_lib.sequences.padding import causal_mask, pad_left, padding_mask
from stim_lib.sequences.streaming import stream
from stim_lib.sequences.vocabulary import FIRST, PAD, UNKNOWN, Vocabulary
from stim_lib.sequences.windows import Sequencer

__all__ = [
    "FIRST",
    "PAD",
    "UNKNOWN",
    "Sequencer",
    "Vocabulary",
    "causal_mask",
    "pad_left",
    "padding_mask",
    "stream",
]
