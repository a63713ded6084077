"""A language model on a laptop: its weight file, its tokens, its layers and what they say.

Names are looked up when they are first used, so that `import stim_lib.llm` waits for no heavy
package. Introduced in chapter 09.
"""

from __future__ import annotations

import importlib

# Module → the names it gives, sorted.
_NAMES: dict[str, tuple[str, ...]] = {
    "candidates": (
        "ReplyError",
        "clean_name",
        "number_texts",
        "parse_choice",
        "parse_ranking",
        "rerank_prompt",
    ),
    "decoder": (
        "Block",
        "Decoder",
        "DecoderSettings",
        "RMSNorm",
        "rotate",
        "rotation",
    ),
    "encoder": (
        "EncoderShape",
        "SentenceEncoder",
        "build_encoder",
        "load_encoder",
    ),
    "generation": (
        "draw_token",
        "generate",
    ),
    "gguf": (
        "GgufError",
        "GgufFile",
        "TensorInfo",
        "read_gguf",
        "unpack_q4_1",
        "unpack_q8_0",
    ),
    "habits": ("add_habits",),
    "loading": (
        "load_decoder",
        "random_decoder",
        "unpermute",
    ),
    "local_model": (
        "LocalModel",
        "load_local_model",
    ),
    "lora": (
        "adapter_weights",
        "add_adapter",
        "load_adapter",
        "remove_adapter",
        "save_adapter",
    ),
    "lora_training": ("LoraTrainer", "train_lora"),
    "multilingual": (
        "MultilingualEncoder",
        "load_multilingual",
    ),
    "prompts": (
        "candidate_texts",
        "describe_actions",
        "describe_query",
        "next_kind_prompt",
    ),
    "remote": ("RemoteModel",),
    "replies": ("RemoteModelError",),
    "running": (
        "causal_layout",
        "run_blocks",
    ),
    "score": (
        "CandidateScores",
        "score_candidates",
        "token_log_likelihoods",
    ),
    "states": ("hidden_states",),
    "text_model": ("TextModel",),
    "tokenizer": (
        "build_tokenizer",
        "chat_prompt",
        "encode",
        "encode_chat",
    ),
    "wording": ("ROOTS_IN_CHINESE", "ROOTS_IN_ONE_WORD", "Style"),
}
_HOME = {name: module for module, names in _NAMES.items() for name in names}

__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
