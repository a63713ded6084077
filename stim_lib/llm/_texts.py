"""Texts before a model sees them: checked, and put with others of their length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np


def check_texts(texts: Iterable[str]) -> list[str]:
    """List of the texts, if they are texts.

    Parameters
    ----------
    texts : iterable of str

    Returns
    -------
    list of str

    Raises
    ------
    TypeError
        If `texts` is one string, or holds something that is none.
    ValueError
        If a string can't be written in UTF-8 (half of a surrogate pair).

    Notes
    -----
    Introduced in chapter 09.

    Examples
    --------
    >>> check_texts(("Park", "公园"))
    ['Park', '公园']
    """
    if isinstance(texts, str | bytes):
        raise TypeError(f"texts: expected a list of strings, found one {type(texts).__name__}.")
    texts = list(texts)
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(
                f"texts: expected strings, found {text!r} ({type(text).__name__}) at position "
                f"{position}. Fill what is missing, and write numbers as str(number)."
            )
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"texts: expected Unicode that UTF-8 can hold, found {text[:40]!r} at position "
                f"{position}. Clean it with text.encode('utf-8', 'replace').decode()."
            ) from error
    return texts


def batches_by_length(
    rows: list[list[int]], batch_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Rows of token numbers in padded batches, short ones first.

    Parameters
    ----------
    rows : list of list of int
    batch_size : int
        Rows in a batch; the last may have fewer.

    Yields
    ------
    places : array of int, shape (B,)
        Which rows these are.
    tokens : array of int32, shape (B, L)
        Padded with 0 on the right, to the longest of the batch.
    valid : array of bool, shape (B, L)
        False at padding.

    Raises
    ------
    ValueError
        If `batch_size` is below 1.

    Notes
    -----
    Rows of like length share a batch, so that little of it is padding. Introduced in chapter 09.

    Examples
    --------
    >>> for places, tokens, _ in batches_by_length([[5, 6, 7], [8], [9, 9]], batch_size=2):
    ...     print(places, tokens.tolist())
    [1 2] [[8, 0], [9, 9]]
    [0] [[5, 6, 7]]
    """
    if batch_size < 1:
        raise ValueError(f"batch_size: expected 1 or more, found {batch_size}")
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(rows), batch_size):
        places = order[start : start + batch_size]
        valid = np.arange(lengths[places].max()) < lengths[places, None]
        tokens = np.zeros(valid.shape, dtype=np.int32)
        tokens[valid] = np.concatenate([rows[place] for place in places])
        yield places, tokens, valid
