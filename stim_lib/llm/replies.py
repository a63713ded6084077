"""What a server may answer: schemas, and checks that a reply is one to the question asked.

A reply comes from outside: it may be cut off, of another shape, too many, not numbers. Nothing of
it is used before it has passed here. Introduced in chapter 10.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

NO_LOGPROBS = (
    "score needs the log-probabilities of the prompt's own tokens, and this server does not return "
    "them: expected choices[].logprobs with tokens, token_logprobs and text_offset from its "
    "completions with echo=true, max_tokens=0, found {found}. Use a server that has them (vLLM "
    "does), or ask with generate and parse the reply."
)


class RemoteModelError(RuntimeError):
    """A remote model gave no usable answer; the message says what was expected, found, to do."""


class _Reply(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class _Message(_Reply):
    content: str


class _ChatChoice(_Reply):
    message: _Message


class ChatReply(_Reply):
    """Reply to a chat: what is read of it."""

    choices: list[_ChatChoice] = Field(min_length=1, max_length=1)


class _Logprobs(_Reply):
    tokens: list[str]
    token_logprobs: list[FiniteFloat | None]
    text_offset: list[int]


class _Completion(_Reply):
    index: int
    logprobs: object = None


class CompletionReply(_Reply):
    """Reply to completions that echo their prompts."""

    choices: list[_Completion]


class _Embedding(_Reply):
    index: int
    embedding: list[FiniteFloat] = Field(min_length=1)


class EmbeddingReply(_Reply):
    """Reply to texts that were to be embedded."""

    data: list[_Embedding]


def read_reply(schema: type[BaseModel], content: bytes) -> BaseModel:
    """Check a reply against its schema.

    Parameters
    ----------
    schema : subclass of BaseModel
    content : bytes
        JSON.

    Returns
    -------
    BaseModel

    Raises
    ------
    RemoteModelError
        Naming the first thing that is wrong, without the content.

    Examples
    --------
    >>> reply = b'{"choices": [{"message": {"content": "3"}}]}'
    >>> read_reply(ChatReply, reply).choices[0].message.content
    '3'
    """
    try:
        return schema.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the reply"
        # Not chained: pydantic's message quotes what it read.
        raise RemoteModelError(
            f"expected a {schema.__name__} of an OpenAI-compatible server, found {where}: "
            f"{first['msg']} (and {error.error_count() - 1} more). Is this the right address, with "
            "its /v1, and does the server know this request?"
        ) from None


def in_order(numbered: Sequence[object], n: int, what: str) -> list:
    """Sort the parts of a reply by the index they carry.

    Parameters
    ----------
    numbered : sequence of objects with an index
    n : int
        How many were asked for.
    what : str
        How the message calls them.

    Returns
    -------
    list

    Raises
    ------
    RemoteModelError
        Unless each of 0 … n - 1 is there once.

    Examples
    --------
    >>> reply = EmbeddingReply(data=[{"index": 1, "embedding": [0.5]},
    ...                              {"index": 0, "embedding": [2.0]}])
    >>> [part.embedding for part in in_order(reply.data, 2, "vectors")]
    [[2.0], [0.5]]
    """
    if sorted(part.index for part in numbered) != list(range(n)):
        raise RemoteModelError(
            f"expected {n} {what}, numbered from 0, found {len(numbered)} with other numbers. The "
            "server does not keep to the protocol; try batch_size=1."
        )
    return sorted(numbered, key=lambda part: part.index)


def continuation_score(logprobs: object, prompt: str, candidate: str) -> float:
    """Log-likelihood of the candidate out of the log-probabilities of prompt + candidate.

    Parameters
    ----------
    logprobs : object
        As the server returned it.
    prompt, candidate : str

    Returns
    -------
    float
        Nats.

    Raises
    ------
    RemoteModelError
        If they are missing, or no token begins where the candidate does.

    Examples
    --------
    >>> continuation_score({"tokens": ["Next:", " Food"], "token_logprobs": [None, -1.5],
    ...                     "text_offset": [0, 5]}, "Next:", " Food")
    -1.5
    """
    try:
        read = _Logprobs.model_validate(logprobs)
    except ValidationError:
        found = "none" if logprobs is None else "something else there"
        raise RemoteModelError(NO_LOGPROBS.format(found=found)) from None
    if not read.tokens or not (
        len(read.tokens) == len(read.token_logprobs) == len(read.text_offset)
    ):
        raise RemoteModelError(NO_LOGPROBS.format(found="lists of unequal length, or empty ones"))
    # A mark of the beginning counts as text for some servers.
    text = prompt + candidate
    shift = 0 if text.startswith(read.tokens[0]) else len(read.tokens[0])
    start, stop = len(prompt) + shift, len(text) + shift
    inside = [
        value
        for value, offset in zip(read.token_logprobs, read.text_offset, strict=True)
        if start <= offset < stop
    ]
    if start not in read.text_offset or None in inside or max(inside, default=1) > 1e-6:
        raise RemoteModelError(
            "expected a token that begins where the candidate does, and log-probabilities of at "
            f"most 0 from there on; found none for {candidate[:30]!r}. End the prompt without a "
            "space and begin the candidate with one."
        )
    return float(sum(inside))
