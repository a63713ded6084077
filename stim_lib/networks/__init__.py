"""Keras networks that read sequences: the LSTM and the Transformer, aware of time and place.

Names are looked up when they are first used, so that `import stim_lib.networks` does not wait for
TensorFlow. Introduced in chapters 07 and 08.
"""

from __future__ import annotations

import importlib

# Name → module that defines it.
_HOME: dict[str, str] = {
    "Attention": "attention",
    "CausalBlock": "blocks",
    "ClockEncoding": "encoding",
    "CopyHead": "copying",
    "DecoderBlock": "blocks",
    "EncoderBlock": "blocks",
    "FeedForward": "blocks",
    "GapEncoding": "encoding",
    "IDS_ONLY": "next_item",
    "INPUTS": "next_item",
    "ItemTable": "items",
    "NegativeLogLikelihood": "training",
    "NextItem": "next_item",
    "RELATIONS": "relations",
    "RELATION_GROUPS": "relations",
    "RelationBias": "relations",
    "SequenceModel": "sequence_model",
    "TRUNKS": "trunks",
    "attend": "attention",
    "clock_waves": "encoding",
    "log_gaps": "encoding",
    "lstm_gates": "gates",
    "make_trunk": "trunks",
    "may_look": "attention",
    "relate": "relations",
    "run_seeds": "seeds",
    "sinusoids": "encoding",
    "summarise_seeds": "seeds",
    "train_network": "training",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
