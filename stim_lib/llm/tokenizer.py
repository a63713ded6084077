"""From text to the tokens of the model and back, and how a talk is laid out for it.

What users or place names say is encoded as plain characters: it cannot end a turn or open another.
Introduced in chapter 09.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stim_lib.llm.gguf import GgufError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Values of `tokenizer.ggml.token_type`: part of a text, and what stands for no text.
NORMAL_KIND, SPECIAL_KIND = 1, 3
START, END = "<|im_start|>", "<|im_end|>"
SPECIAL_TOKENS = (
    "<|endoftext|>", START, END, "<repo_name>", "<reponame>", "<file_sep>", "<filename>",
    "<gh_stars>", "<issue_start>", "<issue_comment>", "<issue_closed>", "<jupyter_start>",
    "<jupyter_text>", "<jupyter_code>", "<jupyter_output>", "<jupyter_script>", "<empty_output>",
)  # fmt: skip
ROLES = ("system", "user", "assistant")
# What the template of SmolLM2-Instruct says where no system message is given.
DEFAULT_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


def build_tokenizer(metadata: Mapping[str, object]) -> Tokenizer:
    """Tokenizer of the model, from what its own file says.

    Parameters
    ----------
    metadata : mapping
        Of a file of `read_gguf`: the keys ``tokenizer.ggml.model``, ``.pre``, ``.tokens``,
        ``.token_type`` and ``.merges``.

    Returns
    -------
    tokenizers.Tokenizer
        Byte-level BPE in which each digit is a token. Its own `encode` reads special tokens in a
        text as plain characters, too.

    Raises
    ------
    GgufError
        If a key is missing, contradicts another, or asks for another way of splitting.

    Notes
    -----
    Sennrich, Haddow and Birch (2016), doi:10.18653/v1/P16-1162. A byte that is no token is left
    out. With SmolLM2 these are six control characters and code points from U+40000 on that nobody
    uses. Introduced in chapter 09.

    Examples
    --------
    >>> tiny = {"model": "gpt2", "pre": "smollm", "tokens": ["a", "b", "ab"], "merges": ["a b"]}
    >>> tiny["token_type"] = [1, 1, 1]
    >>> metadata = {f"tokenizer.ggml.{key}": value for key, value in tiny.items()}
    >>> build_tokenizer(metadata).encode("abba").ids
    [2, 1, 0]
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    tokens, kinds, merges = _parts(metadata)
    vocabulary = {token: number for number, token in enumerate(tokens)}
    try:
        tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    except Exception as error:  # The library raises nothing narrower.
        raise GgufError(
            f"tokenizer.ggml.merges: expected merges of tokens into tokens, found {error}"
        ) from error
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = [token for token, kind in zip(tokens, kinds, strict=True) if kind == SPECIAL_KIND]
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in special])
    tokenizer.encode_special_tokens = True
    return tokenizer


def encode(tokenizer: Tokenizer, text: str, *, special: bool = False) -> list[int]:
    """Token ids of a text.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        Of `build_tokenizer`.
    text : str
    special : bool
        Whether ``<|im_end|>`` and its like become the special tokens that they name. Only for
        text that is wholly our own.

    Returns
    -------
    list of int

    Notes
    -----
    By default the name of a special token is spelled out in plain tokens, so that text from
    outside cannot say more than words. Half of a surrogate pair, which JSON may hold, is read as
    U+FFFD. Introduced in chapter 09.

    Examples
    --------
    >>> names = ("a", "<|x|>", "<", "|", "x", ">")
    >>> metadata = {"tokens": names, "token_type": [1, 3, 1, 1, 1, 1], "merges": []}
    >>> metadata |= {"model": "gpt2", "pre": "smollm"}
    >>> tokenizer = build_tokenizer({f"tokenizer.ggml.{k}": v for k, v in metadata.items()})
    >>> encode(tokenizer, "a<|x|>a")
    [0, 2, 3, 4, 3, 5, 0]
    >>> encode(tokenizer, "a<|x|>a", special=True)
    [0, 1, 0]
    """
    if not special:
        whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return tokenizer.encode(whole, add_special_tokens=False).ids
    numbers = {t.content: i for i, t in tokenizer.get_added_tokens_decoder().items() if t.special}
    if not numbers:
        return encode(tokenizer, text)
    longest_first = sorted(numbers, key=len, reverse=True)
    ids: list[int] = []
    for piece in re.split("(" + "|".join(map(re.escape, longest_first)) + ")", text):
        ids += [numbers[piece]] if piece in numbers else encode(tokenizer, piece)
    return ids


def chat_prompt(messages: Sequence[Mapping[str, str]], *, open_answer: bool = True) -> str:
    """Talk as the model was trained to read it, as one text.

    Parameters
    ----------
    messages : sequence of mappings
        Each with `role` (system, user or assistant) and `content`.
    open_answer : bool
        Whether the text ends where the assistant is to speak.

    Returns
    -------
    str
        To look at, and to encode with ``special=True``.

    Raises
    ------
    ValueError
        If a message has another role, or names a special token: in one text it could no longer be
        told from ours. `encode_chat` takes such a message, and is the way for text from outside.

    Notes
    -----
    The template is that of SmolLM2-135M-Instruct. It begins with a system message of its own where
    none is given. Introduced in chapter 09.

    Examples
    --------
    >>> print(chat_prompt([{"role": "system", "content": "Be brief."}]), end="")
    <|im_start|>system
    Be brief.<|im_end|>
    <|im_start|>assistant
    """
    turns = _turns(messages)
    for role, content in turns:
        named = [token for token in SPECIAL_TOKENS if token in content]
        if named:
            raise ValueError(
                f"messages: expected no special token in a content, found {named[0]!r} in one of "
                f"{role}. Use encode_chat, which encodes it as plain characters."
            )
    text = "".join(f"{START}{role}\n{content}{END}\n" for role, content in turns)
    return text + f"{START}assistant\n" * open_answer


def encode_chat(
    tokenizer: Tokenizer, messages: Sequence[Mapping[str, str]], *, open_answer: bool = True
) -> list[int]:
    """Token ids of a talk; what the messages say stays text, whatever it says.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        Of `build_tokenizer`.
    messages : sequence of mappings
        Each with `role` (system, user or assistant) and `content`.
    open_answer : bool
        Whether the ids end where the assistant is to speak.

    Returns
    -------
    list of int
        Those of ``encode(tokenizer, chat_prompt(messages), special=True)``, where that is allowed.

    Raises
    ------
    ValueError
        If a message has another role, or the tokenizer no tokens for the ends of a turn.

    Notes
    -----
    Introduced in chapter 09.

    Examples
    --------
    >>> names = [START, END, "Ċ", *map(chr, range(33, 127))]
    >>> metadata = {"model": "gpt2", "pre": "smollm", "tokens": names, "merges": []}
    >>> metadata["token_type"] = [3, 3] + [1] * 95
    >>> tokenizer = build_tokenizer({f"tokenizer.ggml.{k}": v for k, v in metadata.items()})
    >>> talk = [{"role": "system", "content": "<|im_end|>"}]
    >>> ids = encode_chat(tokenizer, talk, open_answer=False)
    >>> [tokenizer.id_to_token(i) for i in ids][-6:]
    ['n', 'd', '|', '>', '<|im_end|>', 'Ċ']
    """
    start, end = (tokenizer.token_to_id(token) for token in (START, END))
    if start is None or end is None:
        raise ValueError(f"tokenizer: expected the tokens {START} and {END}, found them missing")
    line = encode(tokenizer, "\n")
    ids: list[int] = []
    for role, content in _turns(messages):
        ids += [start, *encode(tokenizer, f"{role}\n{content}"), end, *line]
    return ids + [start, *encode(tokenizer, "assistant\n")] * open_answer


def _turns(messages: Sequence[Mapping[str, str]]) -> list[tuple[str, str]]:
    """Role and content of each message, the system's first."""
    turns = [(message["role"], message["content"]) for message in messages]
    for role, _ in turns:
        if role not in ROLES:
            raise ValueError(f"messages: expected a role of {', '.join(ROLES)}, found {role!r}")
    if turns and turns[0][0] != "system":
        turns.insert(0, ("system", DEFAULT_SYSTEM))
    return turns


def _parts(
    metadata: Mapping[str, object],
) -> tuple[list[str], list[int], list[tuple[str, str]]]:
    """Tokens, their kinds, and merges, once it is sure that they fit together."""
    names = ("model", "pre", "tokens", "token_type", "merges")
    missing = [name for name in names if f"tokenizer.ggml.{name}" not in metadata]
    if missing:
        raise GgufError(
            f"metadata: expected the keys tokenizer.ggml.{{{', '.join(names)}}}, "
            f"found none for {', '.join(missing)}"
        )
    model, pre, tokens, kinds, merges = (metadata[f"tokenizer.ggml.{name}"] for name in names)
    if (model, pre) != ("gpt2", "smollm"):
        raise GgufError(
            "metadata: expected a tokenizer of model 'gpt2' that splits as 'smollm', "
            f"found {model!r} and {pre!r}. Another way of splitting would give wrong tokens."
        )
    tokens, merges = _texts(tokens, "tokens"), _texts(merges, "merges")
    kinds = np.asarray(kinds).tolist()
    if not isinstance(kinds, list) or len(kinds) != len(tokens):
        raise GgufError(f"tokenizer.ggml.token_type: expected one for each of {len(tokens)} tokens")
    other = sorted(set(kinds) - {NORMAL_KIND, SPECIAL_KIND})
    if other:
        raise GgufError(
            f"tokenizer.ggml.token_type: expected the kinds 1 and 3, found {other[0]}, "
            "which is not read here and would give wrong tokens"
        )
    if len(set(tokens) - {""}) < len(tokens):
        raise GgufError(f"tokenizer.ggml.tokens: expected {len(tokens)} different ones, none empty")
    pairs = [tuple(merge.split(" ")) for merge in merges]
    wrong = [merge for merge, pair in zip(merges, pairs, strict=True) if len(pair) != 2]
    if wrong:
        raise GgufError(f"tokenizer.ggml.merges: expected pairs, found {wrong[0][:60]!r}")
    return tokens, kinds, pairs


def _texts(values: object, name: str) -> list[str]:
    """Values as a list of texts, or an error that says what it is."""
    if isinstance(values, Sequence) and not isinstance(values, str):
        texts = list(values)
        if all(isinstance(text, str) for text in texts):
            return texts
    raise GgufError(f"tokenizer.ggml.{name}: expected texts, found {type(values).__name__}")
