"""The language model of the book as a `TextModel`: SmolLM2 scores and writes, MiniLM embeds.

Introduced in chapter 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

HERE = "{prompt}"
# A reply ends where the model would end its turn, or the text.
ENDS = ("<|im_end|>", "<|endoftext|>")


@dataclass(frozen=True)
class LocalModel:
    """A decoder, its tokenizer and a sentence encoder on this computer.

    Parameters
    ----------
    decoder : Decoder
        From `load_decoder`.
    tokenizer : tokenizers.Tokenizer
        From `build_tokenizer`.
    encoder : object with a method encode, optional
        From `load_encoder`; only for `embed`.
    chat : bool
        Whether a prompt is put as a user's message and answered, or simply continued.
    special_tokens : bool
        Whether ``<|im_end|>`` and its like in a prompt become the tokens that they name: only to
        measure what an attack does where nobody prevents it.
    max_batch_tokens : int
        Tokens in a batch, padding included.

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> model = load_local_model()  # doctest: +SKIP
    >>> model.score(["I live in New"], [" York", " Food"]).round(1)  # doctest: +SKIP
    array([[ -0.8, -12.8]])
    """

    decoder: Any
    tokenizer: Any
    encoder: Any = None
    chat: bool = False
    special_tokens: bool = False
    max_batch_tokens: int = 1024

    def score(self, prompts: Sequence[str], candidates: Sequence[str]) -> np.ndarray:
        """Log-likelihood of each candidate as the continuation of each prompt.

        Parameters
        ----------
        prompts : sequence of str, length n_prompts
        candidates : sequence of str, length n_candidates
            In a chat an answer begins without a space, so those at the start of one are left out.

        Returns
        -------
        ndarray of float64, shape (n_prompts, n_candidates)
            Nats.

        Raises
        ------
        ValueError
            If a prompt or a candidate is empty.
        """
        from stim_lib.llm.score import score_candidates
        from stim_lib.llm.tokenizer import encode

        if not len(prompts) or not len(candidates):
            return np.zeros((len(prompts), len(candidates)))
        texts = [text.lstrip(" ") if self.chat else text for text in candidates]
        scores = score_candidates(
            self.decoder,
            [self._read(prompt) for prompt in prompts],
            [encode(self.tokenizer, text) for text in texts],
            max_tokens=self.max_batch_tokens,
        )
        return scores.log_likelihood

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """One vector of length 1 for each text.

        Parameters
        ----------
        texts : sequence of str, length n_texts

        Returns
        -------
        ndarray of float, shape (n_texts, width)

        Raises
        ------
        ValueError
            If the model has no encoder.
        """
        if self.encoder is None:
            raise ValueError("embed: expected an encoder, found none; pass encoder=load_encoder()")
        return self.encoder.encode(texts)

    def generate(
        self,
        prompts: Sequence[str],
        max_tokens: int = 32,
        *,
        stop: Sequence[str] = (),
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[str]:
        """Continue or answer each prompt.

        Parameters
        ----------
        prompts : sequence of str, length n_prompts
        max_tokens : int
        stop : sequence of str
            A reply is cut before the first of these; what comes after is computed all the same.
        temperature : float
        seed : int

        Returns
        -------
        list of str, length n_prompts

        Raises
        ------
        ValueError
            If a prompt is empty, or does not fit into the model's context with its reply.
        """
        from stim_lib.llm.generation import generate

        ends = [self.tokenizer.token_to_id(token) for token in ENDS]
        replies = []
        for prompt in prompts:
            tokens = generate(
                self.decoder, self._read(prompt), max_new=max_tokens, temperature=temperature,
                seed=seed, stop=[end for end in ends if end is not None],
            )  # fmt: skip
            reply = self.tokenizer.decode(tokens)
            cuts = [reply.find(text) for text in stop if text in reply]
            replies.append(reply[: min(cuts)] if cuts else reply)
        return replies

    def _read(self, prompt: str) -> list[int]:
        from stim_lib.llm.tokenizer import chat_prompt, encode, encode_chat

        if not self.chat:
            return encode(self.tokenizer, prompt, special=self.special_tokens)
        if self.special_tokens:
            # As who does not know better: the template filled in, and all of it read alike.
            template = chat_prompt([{"role": "user", "content": HERE}])
            return encode(self.tokenizer, template.replace(HERE, prompt), special=True)
        return encode_chat(self.tokenizer, [{"role": "user", "content": prompt}])


def load_local_model(*, chat: bool = False, embed: bool = True) -> LocalModel:
    """SmolLM2-135M-Instruct and all-MiniLM-L6-v2, fetched once.

    Parameters
    ----------
    chat : bool
        As for `LocalModel`.
    embed : bool
        Whether to load the encoder too.

    Returns
    -------
    LocalModel

    Raises
    ------
    AssetError
        If the weights can't be fetched.

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> load_local_model().embed(["Coffee Shop"]).shape  # doctest: +SKIP
    (1, 384)
    """
    from stim_lib import assets
    from stim_lib.llm.gguf import read_gguf
    from stim_lib.llm.loading import ASSET, load_decoder
    from stim_lib.llm.tokenizer import build_tokenizer

    encoder = None
    if embed:
        from stim_lib.llm.encoder import load_encoder

        encoder = load_encoder()
    tokenizer = build_tokenizer(read_gguf(assets.fetch(ASSET)).metadata)
    return LocalModel(load_decoder(), tokenizer, encoder, chat=chat)
