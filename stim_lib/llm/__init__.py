"""Language models: a small one of our own, any other behind an address, and what to ask them.

Names are looked up when they are first used, so that importing the room costs nothing. Introduced
in chapters 09 and 10.
"""

from __future__ import annotations

import importlib

# Name → module that defines it.
_HOME: dict[str, str] = {
    "RemoteModel": "remote",
    "RemoteModelError": "replies",
    "ReplyError": "candidates",
    "Style": "wording",
    "TextModel": "text_model",
    "candidate_texts": "prompts",
    "clean_name": "candidates",
    "describe_actions": "prompts",
    "describe_query": "prompts",
    "next_kind_prompt": "prompts",
    "number_texts": "candidates",
    "parse_choice": "candidates",
    "parse_ranking": "candidates",
    "rerank_prompt": "candidates",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
