"""Numbers for names: 0 is padding, 1 is unknown, 2 and up are what training knew."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

PAD, UNKNOWN, FIRST = 0, 1, 2


class Vocabulary:
    """The tokens of one column, numbered from 2.

    Parameters
    ----------
    tokens : Index, shape (n_tokens,)
        Distinct, none missing; the first gets id 2. May be empty: then everything is unknown.

    Raises
    ------
    ValueError
        If a token is missing or stands twice.

    Notes
    -----
    Padding and unknown are not the same. Padding is where nothing happened, and a network must not
    look at it; unknown is an action whose name training never saw. Introduced in chapter 07.

    Examples
    --------
    >>> vocabulary = Vocabulary(pd.Index(["home", "café"]))
    >>> vocabulary.encode(["café", "the moon", None, "home"])
    array([3, 1, 1, 2], dtype=int32)
    >>> len(vocabulary)
    4
    """

    def __init__(self, tokens: pd.Index) -> None:
        tokens = pd.Index(tokens)
        if tokens.hasnans or not tokens.is_unique:
            raise ValueError(
                f"tokens: expected distinct names, found {int(tokens.isna().sum())} missing and "
                f"{int(tokens.duplicated().sum())} repeated"
            )
        self.tokens = tokens

    @classmethod
    def fit(cls, values: ArrayLike, min_count: int = 1) -> Self:
        """Learn the tokens of a column, most frequent first.

        Parameters
        ----------
        values : Series or array, shape (n_rows,)
            Missing values are left out.
        min_count : int
            Tokens that are seen less often stay unknown.

        Returns
        -------
        Vocabulary
            Equally frequent tokens in sorted order: the order of `baselines.Baseline.catalogue`.

        Raises
        ------
        ValueError
            If `min_count` is below 1.

        Examples
        --------
        >>> Vocabulary.fit(["b", "c", "a", "c"]).tokens.tolist()
        ['c', 'a', 'b']
        """
        if min_count < 1:
            raise ValueError(f"min_count: expected 1 or more, found {min_count}")
        column = pd.Series(values)
        counts = column.groupby(column).size().sort_values(ascending=False, kind="stable")
        return cls(pd.Index(counts.index[counts >= min_count], name=column.name))

    def __len__(self) -> int:
        return len(self.tokens) + FIRST

    def __repr__(self) -> str:
        return f"Vocabulary of {len(self.tokens):,} tokens"

    def encode(self, values: ArrayLike) -> np.ndarray:
        """Ids of tokens.

        Parameters
        ----------
        values : Series or array, shape (n_rows,)

        Returns
        -------
        ndarray of int32, shape (n_rows,)
            UNKNOWN for missing values and for tokens that training did not see; never PAD.
        """
        found = self.tokens.get_indexer(pd.Index(values))
        return np.where(found < 0, UNKNOWN, found + FIRST).astype(np.int32)

    def decode(self, ids: ArrayLike) -> pd.Index:
        """Tokens of ids: the inverse of `encode`.

        Parameters
        ----------
        ids : array of int, shape (n_rows,)

        Returns
        -------
        Index, shape (n_rows,)
            Missing for PAD and UNKNOWN.

        Raises
        ------
        ValueError
            If an id is negative or as large as `len(vocabulary)`.

        Examples
        --------
        >>> Vocabulary(pd.Index(["home", "café"])).decode([3, 0, 2]).tolist()
        ['café', nan, 'home']
        """
        ids = np.asarray(ids)
        outside = (ids < 0) | (ids >= len(self))
        if outside.any():
            raise ValueError(
                f"ids: expected 0 to {len(self) - 1}, found {ids[outside].ravel()[0]}; was it "
                "made by another vocabulary?"
            )
        return self.tokens.take(np.maximum(ids - FIRST, -1), allow_fill=True, fill_value=np.nan)
