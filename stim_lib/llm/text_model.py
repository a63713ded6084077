"""What the book asks of a language model: three questions, whoever answers them.

The chapters are written against this protocol, so that a larger model can take the place of the
small one without a change in them. Introduced in chapter 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class TextModel(Protocol):
    """A language model that scores, embeds and writes.

    Notes
    -----
    `isinstance(model, TextModel)` checks that the three methods are there, not what they take.
    A model that lacks one of the three raises a clear error when it is asked. Introduced in
    chapter 10.

    Examples
    --------
    >>> isinstance("no model", TextModel)
    False
    """

    def score(self, prompts: Sequence[str], candidates: Sequence[str]) -> np.ndarray:
        """Log-likelihood of each candidate as the continuation of each prompt.

        Parameters
        ----------
        prompts : sequence of str, length n_prompts
        candidates : sequence of str, length n_candidates
            Joined to the prompt as they are: where words are separated by spaces, the prompt ends
            without one and the candidate begins with one.

        Returns
        -------
        ndarray of float64, shape (n_prompts, n_candidates)
            Sum over the tokens of the candidate of log p(token | all before it), in nats.
        """
        ...

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """One vector for each text.

        Parameters
        ----------
        texts : sequence of str, length n_texts

        Returns
        -------
        ndarray of float, shape (n_texts, width)
        """
        ...

    def generate(
        self,
        prompts: Sequence[str],
        max_tokens: int = 32,
        *,
        stop: Sequence[str] = (),
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[str]:
        """Continue each prompt.

        Parameters
        ----------
        prompts : sequence of str, length n_prompts
        max_tokens : int
            At most so many tokens for each.
        stop : sequence of str
            A reply ends before the first of these.
        temperature : float
            0: always the likeliest token. 1: as the model says.
        seed : int
            Of the draws; without effect at temperature 0.

        Returns
        -------
        list of str, length n_prompts
            The replies alone, without the prompts.
        """
        ...
