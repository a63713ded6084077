"""Candidates behind a prompt, laid out so that nothing is read twice.

Introduced in chapter 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stim_lib.llm import running

if TYPE_CHECKING:
    from stim_lib.llm.decoder import Decoder

Tokens = Sequence[int]


@dataclass(frozen=True)
class CandidateTree:
    """Candidates that begin alike share nodes; the last token of each needs none.

    Parameters
    ----------
    tokens : list of int
        Of each node.
    depth : list of int
        Of each node; what comes first after the prompt has 0.
    above : bool array, shape (n_nodes, n_nodes)
        True where the node of the row comes after that of the column, or is it.
    steps : int array, shape (n_steps, 3)
        Candidate, node that foretells (-1: the end of the prompt), token foretold.
    lengths : list of int
        Tokens of each candidate.
    """

    tokens: list[int]
    depth: list[int]
    above: np.ndarray
    steps: np.ndarray
    lengths: list[int]


class Packed(NamedTuple):
    """A batch of prompts with their trees behind them.

    Parameters
    ----------
    tokens, positions : int array, shape (B, T)
    mask : bool array, shape (B, T, S + T)
        As `run_blocks` takes them.
    steps : int array, shape (n_steps, 4)
        Text, candidate, place of the token that foretells, token foretold.
    """

    tokens: np.ndarray
    positions: np.ndarray
    mask: np.ndarray
    steps: np.ndarray


def grow_tree(candidates: Sequence[Tokens]) -> CandidateTree:
    """Put candidates that begin alike on common nodes.

    Parameters
    ----------
    candidates : sequence of sequences of int

    Returns
    -------
    CandidateTree

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> tree = grow_tree([[5], [2, 6], [2, 7, 1]])
    >>> tree.tokens, tree.depth, tree.steps.tolist()[:3]
    ([2, 7], [0, 1], [[0, -1, 5], [1, -1, 2], [1, 0, 6]])
    """
    nodes: dict[tuple[int, ...], int] = {}
    steps = []
    for number, candidate in enumerate(candidates):
        for place, token in enumerate(candidate):
            start = tuple(candidate[:place])
            if start:
                nodes.setdefault(start, len(nodes))
            steps.append((number, nodes.get(start, -1), token))
    above = np.zeros((len(nodes), len(nodes)), bool)
    for start, row in nodes.items():
        above[row, [nodes[start[:k]] for k in range(1, len(start) + 1)]] = True
    return CandidateTree(
        [start[-1] for start in nodes],
        [len(start) - 1 for start in nodes],
        above,
        np.array(steps),
        [len(candidate) for candidate in candidates],
    )


def grow_trees(decoder: Decoder, candidates: Sequence[Any], n_prompts: int) -> list[CandidateTree]:
    """One tree for each prompt.

    Parameters
    ----------
    decoder : Decoder
    candidates : sequence of sequences of int, or one such sequence for each prompt
    n_prompts : int

    Returns
    -------
    list of CandidateTree

    Raises
    ------
    ValueError
        If there is none, one is empty, a token is not of the vocabulary, or prompts differ in the
        number of their candidates.

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> from stim_lib import llm
    >>> decoder = llm.random_decoder(llm.DecoderSettings(11, 8, 2, 2, 1, 16))
    >>> [tree.tokens for tree in grow_trees(decoder, [[[5, 6]], [[7, 6]]], 2)]
    [[5], [7]]
    """
    if not len(candidates) or not len(candidates[0]):
        raise ValueError("candidates: expected at least one, of at least one token, found none")
    if np.ndim(candidates[0][0]) == 0:
        running.check_tokens(decoder, candidates, "candidates")
        return [grow_tree(candidates)] * n_prompts
    if len(candidates) != n_prompts:
        raise ValueError(
            f"candidates: expected a list for each of {n_prompts} prompts, found {len(candidates)}"
        )
    counts = {len(own) for own in candidates}
    if len(counts) > 1:
        raise ValueError(
            f"candidates: expected the same number for each prompt, found {sorted(counts)}; "
            "score them in groups"
        )
    for own in candidates:
        running.check_tokens(decoder, own, "candidates")
    return [grow_tree(own) for own in candidates]


def pack(prompts: Sequence[Tokens], trees: Sequence[CandidateTree], *, before: int = 0) -> Packed:
    """Put each tree behind its prompt, padded on the right.

    Parameters
    ----------
    prompts : sequence of sequences of int
        Without what all begin with.
    trees : sequence of CandidateTree
    before : int
        Number of tokens of the common past, S.

    Returns
    -------
    Packed

    Notes
    -----
    The position of a node is that of a token which follows the prompt directly: the model does not
    see that others stand in between. Introduced in chapter 10.

    Examples
    --------
    >>> packed = pack([[3, 1]], [grow_tree([[5, 6], [7, 6]])])
    >>> packed.tokens.tolist(), packed.positions.tolist()
    ([[3, 1, 5, 7]], [[0, 1, 2, 2]])
    >>> packed.mask[0].astype(int).tolist()
    [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 0, 1]]
    """
    tokens = running.pad(
        [[*prompt, *tree.tokens] for prompt, tree in zip(prompts, trees, strict=True)]
    )
    size = tokens.shape[1]
    positions = np.tile(before + np.arange(size), (len(prompts), 1))
    mask = np.tile(np.tri(size, before + size, before, dtype=bool), (len(prompts), 1, 1))
    steps = []
    for i, (prompt, tree) in enumerate(zip(prompts, trees, strict=True)):
        end = len(prompt)
        nodes = slice(end, end + len(tree.tokens))
        positions[i, nodes] = before + end + np.array(tree.depth, int)
        mask[i, nodes, before + end :] = False
        mask[i, nodes, before + end : before + nodes.stop] = tree.above
        candidate, node, token = tree.steps.T
        place = np.where(node < 0, end - 1, end + node)
        steps.append(np.stack([np.full(len(token), i), candidate, place, token], axis=1))
    return Packed(tokens, positions, mask, np.concatenate(steps))
