"""One request to a server that is not trusted: bounded in time, size and tries.

The official client does the protocol; this adds what it leaves open. Introduced in chapter 10.
"""

from __future__ import annotations

import email.utils
import ipaddress
import math
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

from stim_lib.llm.replies import RemoteModelError

# The client adds the reader's system, and what stands in OPENAI_* variables for another server.
HEADERS = (
    "host", "accept", "connection", "content-type", "content-length", "user-agent",
    # By this the client remembers that the reply is to be streamed.
    "x-stainless-raw-response",
)  # fmt: skip
TRY_AGAIN = (408, 409, 425, 429, 500, 502, 503, 504)
MAX_ERROR_BYTES = 4096
# Packages whose errors mean that the connection broke; which of them the client uses, varies.
TRANSPORT = ("httpx", "httpx2", "httpcore", "httpcore2", "h11", "anyio", "ssl")


class Refusal(Exception):
    """A server's answer that is an error, before it is judged whether to try again."""

    def __init__(self, status: int, retry_after: str | None, text: str) -> None:
        super().__init__(f"status {status}")
        self.status, self.retry_after, self.text = status, retry_after, text


def is_plain_address(address: object) -> bool:
    """Whether it is http(s) with a host, and carries no password, query or fragment.

    Parameters
    ----------
    address : object

    Returns
    -------
    bool

    Examples
    --------
    >>> is_plain_address("https://host/v1"), is_plain_address("https://me:secret@host/v1")
    (True, False)
    """
    if not isinstance(address, str) or not address.isprintable() or set(address) & set(" ?#@\\"):
        return False
    try:
        parts = urllib.parse.urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def stays_here(address: str) -> bool:
    """Whether the address is one of this computer.

    Parameters
    ----------
    address : str

    Returns
    -------
    bool

    Examples
    --------
    >>> stays_here("http://127.0.0.1:8000/v1"), stays_here("http://192.168.0.7/v1")
    (True, False)
    """
    host = urllib.parse.urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def open_client(address: str, key: str | None, *, timeout: float) -> Any:
    """Client of a server; it does not connect yet.

    Parameters
    ----------
    address : str
    key : str, optional
        Sent as the bearer token; without one, no header of the kind is sent.
    timeout : float
        Seconds without a byte.

    Returns
    -------
    openai.OpenAI
        It follows no redirects, and sends nothing but the request and the key.

    Examples
    --------
    >>> client = open_client("http://127.0.0.1:1/v1", None, timeout=1)
    >>> client.max_retries
    0
    """
    import openai

    def say_little(request: Any) -> None:
        for name in [name for name in request.headers if name.lower() not in HEADERS]:
            del request.headers[name]
        # A reply that is packed may be far larger than it looks.
        request.headers["accept-encoding"] = "identity"
        if key is not None:
            request.headers["authorization"] = f"Bearer {key}"

    def refuse(response: Any) -> None:
        if response.status_code < 300:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise Refusal(415, None, "a compressed reply, though none was accepted")
            return
        content, deadline = b"", time.monotonic() + timeout
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) >= MAX_ERROR_BYTES or time.monotonic() > deadline:
                break
        text = content[:MAX_ERROR_BYTES].decode("utf-8", errors="replace")
        raise Refusal(response.status_code, response.headers.get("retry-after"), text)

    http = openai.DefaultHttpxClient(
        event_hooks={"request": [say_little], "response": [refuse]},
        timeout=timeout,
        follow_redirects=False,
        # What is meant for this computer must not pass a proxy.
        trust_env=not stays_here(address),
    )
    return openai.OpenAI(
        api_key=key or "none", base_url=address, timeout=timeout, max_retries=0, http_client=http
    )


def read_bytes(call: Callable[[], Any], *, limit: int, seconds: float) -> bytes:
    """Body of a streamed response, if it is small and quick enough.

    Parameters
    ----------
    call : function that returns the response as a context manager
        ``client.….with_streaming_response.create`` with its arguments.
    limit : int
        Bytes.
    seconds : float
        For the whole body.

    Returns
    -------
    bytes

    Raises
    ------
    RemoteModelError
        If it is larger.
    TimeoutError
        If it takes longer.

    Examples
    --------
    >>> from contextlib import nullcontext
    >>> from types import SimpleNamespace
    >>> reply = SimpleNamespace(iter_bytes=lambda: iter([b"ab", b"c"]))
    >>> read_bytes(lambda: nullcontext(reply), limit=10, seconds=1.0)
    b'abc'
    """
    deadline = time.monotonic() + seconds
    chunks, size = [], 0
    with call() as response:
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > limit:
                raise RemoteModelError(
                    f"expected a reply of at most {limit:,} bytes, found more; nothing was kept. "
                    "Raise max_bytes if so much is meant, or ask for less at once (batch_size)."
                )
            if time.monotonic() > deadline:
                raise TimeoutError
            chunks.append(chunk)
    return b"".join(chunks)


def wait_before(attempt: int, retry_after: str | None, *, first: float) -> float:
    """Seconds to wait before the next try.

    Parameters
    ----------
    attempt : int
        Tries so far, from 1.
    retry_after : str, optional
        What the server asked for: seconds, or a date.
    first : float
        Seconds after the first try; twice as long after each further one.

    Returns
    -------
    float
        What the server asked for where it can be read, else the doubling.

    Examples
    --------
    >>> wait_before(3, None, first=0.5), wait_before(1, "7", first=0.5)
    (2.0, 7.0)
    """
    doubled = first * 2.0 ** (attempt - 1)
    if retry_after is None:
        return doubled
    try:
        asked = float(retry_after)
    except ValueError:
        try:
            asked = email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time()
        except (ValueError, OverflowError):
            return doubled
    return max(asked, 0.0) if math.isfinite(asked) else doubled


def send(
    call: Callable[[], Any],
    *,
    attempts: int,
    first_wait: float,
    max_wait: float,
    limit: int,
    timeout: float,
    hide: Callable[[str], str],
) -> bytes:
    """Try a request until it succeeds, fails for good, or was tried often enough.

    Parameters
    ----------
    call : function that returns the response as a context manager
    attempts : int
        Tries in all.
    first_wait, max_wait : float
        Seconds; a server that asks for a longer wait than `max_wait` ends the tries.
    limit : int
        Bytes of the body.
    timeout : float
        Seconds.
    hide : function of str
        Takes the key out of what the server said.

    Returns
    -------
    bytes
        The body.

    Raises
    ------
    RemoteModelError
        Saying what the last try met. It carries no cause: those of the client hold the request.

    Examples
    --------
    >>> from contextlib import nullcontext
    >>> from types import SimpleNamespace
    >>> reply = SimpleNamespace(iter_bytes=lambda: iter([b"ab"]))
    >>> send(lambda: nullcontext(reply), attempts=1, first_wait=0, max_wait=0, limit=10, timeout=1,
    ...      hide=str)
    b'ab'
    """
    for attempt in range(1, attempts + 1):
        found, again, retry_after = "", True, None
        try:
            return read_bytes(call, limit=limit, seconds=timeout)
        except RemoteModelError:
            raise
        except Exception as error:
            found, again, retry_after = _judge(error, timeout, hide)
        wait = wait_before(attempt, retry_after, first=first_wait)
        if not again or attempt == attempts or wait > max_wait:
            too_long = f", which asks to wait {wait:.0f} s" if again and wait > max_wait else ""
            raise RemoteModelError(
                f"expected a reply, found {found}{too_long}, after {attempt} of {attempts} tries. "
                "Is the server running, does it know this model, and is the key right?"
            ) from None
        time.sleep(wait)
    raise RemoteModelError(f"attempts: expected 1 or more, found {attempts}")


def _judge(
    error: BaseException, timeout: float, hide: Callable[[str], str]
) -> tuple[str, bool, str | None]:
    """What happened in words, whether to try again, and what the server asked for."""
    import openai

    refusal = error
    # Some versions of the client wrap what a hook raises.
    while refusal is not None and not isinstance(refusal, Refusal):
        refusal = refusal.__cause__
    if refusal is not None:
        said = "".join(c if c.isprintable() else " " for c in hide(refusal.text))
        found = f"status {refusal.status} ({' '.join(said.split())[:200] or 'no text'})"
        return found, refusal.status in TRY_AGAIN, refusal.retry_after
    name = type(error).__name__
    if isinstance(error, TimeoutError | openai.APITimeoutError) or "Timeout" in name:
        return f"none within {timeout:g} s", True, None
    home = type(error).__module__.partition(".")[0]
    if not isinstance(error, OSError | openai.OpenAIError) and home not in TRANSPORT:
        raise error
    return f"a broken connection ({name})", True, None
