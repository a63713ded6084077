"""A small adapter that learns while the model stays as it is.

To a query or value matrix W a product is added, W + (α / r) A B, of two thin matrices; only they
are trained. Introduced in chapter 10.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from stim_lib.llm.decoder import Decoder

RANK, TOP_LAYERS = 8, 15
PLACES = ("query", "value")


def add_adapter(
    decoder: Decoder,
    *,
    rank: int = RANK,
    alpha: float | None = None,
    layers: int = TOP_LAYERS,
    seed: int = 0,
) -> None:
    """Give queries and values of the top blocks an adapter that changes nothing yet.

    Parameters
    ----------
    decoder : Decoder
        Changed in place; one that is there already is replaced.
    rank : int
        r, columns of A and rows of B.
    alpha : float, optional
        α. Default: 2 r.
    layers : int
        Number of blocks, counted from the top.
    seed : int
        Of A; B is 0.

    Raises
    ------
    ValueError
        If `layers` or `rank` is out of range.

    Notes
    -----
    Source: Hu et al. (2021), arXiv:2106.09685. Introduced in chapter 10.

    Examples
    --------
    >>> from stim_lib import llm
    >>> decoder = llm.random_decoder(llm.DecoderSettings(11, 8, 2, 2, 1, 16))
    >>> add_adapter(decoder, rank=2, layers=1)
    >>> sorted(adapter_weights(decoder))
    ['block_1.query.a', 'block_1.query.b', 'block_1.value.a', 'block_1.value.b']
    """
    import keras

    s = decoder.settings
    if not 1 <= layers <= s.layers or not 1 <= rank <= s.width:
        raise ValueError(
            f"expected 1 to {s.layers} layers and a rank of 1 to {s.width}, found {layers}, {rank}"
        )
    remove_adapter(decoder)
    seeds = np.random.default_rng(seed).integers(2**31, size=(layers, len(PLACES)))
    for block, of_block in zip(decoder.blocks[-layers:], seeds, strict=True):
        for place, own in zip(PLACES, of_block, strict=True):
            getattr(block.attention, place).enable_lora(
                rank,
                lora_alpha=2 * rank if alpha is None else alpha,
                a_initializer=keras.initializers.HeUniform(int(own)),
            )


def remove_adapter(decoder: Decoder) -> None:
    """Take the adapter away: the model is bit for bit what it was without.

    Parameters
    ----------
    decoder : Decoder
        Changed in place.

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> from stim_lib import llm
    >>> decoder = llm.random_decoder(llm.DecoderSettings(11, 8, 2, 2, 1, 16))
    >>> add_adapter(decoder, rank=2, layers=1)
    >>> remove_adapter(decoder)
    >>> adapter_weights(decoder)
    {}
    """
    for layer in _adapted(decoder).values():
        for variable in (layer.lora_kernel_a, layer.lora_kernel_b):
            layer._untrack_variable(variable)
        layer.lora_enabled, layer.lora_rank, layer.lora_alpha = False, None, None


def adapter_weights(decoder: Decoder) -> dict[str, np.ndarray]:
    """Copies of the adapter's matrices.

    Parameters
    ----------
    decoder : Decoder

    Returns
    -------
    dict of str → float32 array
        `block_N.query.a` of shape (D, r), `block_N.query.b` of shape (r, units) and so on; empty
        without an adapter.

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> from stim_lib import llm
    >>> decoder = llm.random_decoder(llm.DecoderSettings(11, 8, 2, 2, 1, 16))
    >>> adapter_weights(decoder)
    {}
    """
    return {name: np.array(v.numpy()) for name, v in adapter_variables(decoder).items()}


def adapter_variables(decoder: Decoder) -> dict[str, Any]:
    """The adapter's matrices themselves.

    Parameters
    ----------
    decoder : Decoder

    Returns
    -------
    dict of str → keras.Variable

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> from stim_lib import llm
    >>> len(adapter_variables(llm.random_decoder(llm.DecoderSettings(11, 8, 2, 2, 1, 16))))
    0
    """
    found = {}
    for name, layer in _adapted(decoder).items():
        found |= {f"{name}.a": layer.lora_kernel_a, f"{name}.b": layer.lora_kernel_b}
    return found


def save_adapter(decoder: Decoder, path: str | Path) -> None:
    """Write the adapter, and nothing of the model, to a file.

    Parameters
    ----------
    decoder : Decoder
    path : str or Path
        Ends in .npz.

    Raises
    ------
    ValueError
        If there is no adapter, or the name ends otherwise.

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> import tempfile
    >>> from stim_lib import llm
    >>> decoder = llm.random_decoder(llm.DecoderSettings(11, 8, 2, 2, 1, 16))
    >>> add_adapter(decoder, rank=2, layers=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_adapter(decoder, Path(folder) / "adapter.npz")
    ...     load_adapter(decoder, Path(folder) / "adapter.npz")
    """
    path, weights = Path(path), adapter_weights(decoder)
    if not weights or path.suffix != ".npz":
        raise ValueError(
            f"expected a decoder with an adapter and a name that ends in .npz, found "
            f"{len(weights)} matrices and {path.name!r}"
        )
    alphas = {layer.lora_alpha for layer in _adapted(decoder).values()}
    np.savez(path, alpha=np.float64(alphas.pop()), **weights)


def load_adapter(decoder: Decoder, path: str | Path) -> None:
    """Give a decoder the adapter of a file.

    Parameters
    ----------
    decoder : Decoder
        Changed in place; only once the whole file has been found good.
    path : str or Path

    Raises
    ------
    ValueError
        If the file is no such adapter, or one for a model of another form.

    Notes
    -----
    Numbers only: nothing in the file is run. Introduced in chapter 10.

    Examples
    --------
    >>> from stim_lib import llm
    >>> load_adapter(llm.random_decoder(llm.DecoderSettings(11, 8, 2, 2, 1, 16)), __file__)
    Traceback (most recent call last):
        ...
    ValueError: lora.py: expected an adapter saved by `save_adapter`, found another kind of file
    """
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            weights = {name: file[name] for name in file.files}
    except (ValueError, zipfile.BadZipFile, EOFError, AttributeError) as error:
        raise ValueError(
            f"{path.name}: expected an adapter saved by `save_adapter`, found another kind of file"
        ) from error
    alpha = weights.pop("alpha", None)
    rank, layers = _form(decoder, weights, alpha, path.name)
    add_adapter(decoder, rank=rank, alpha=float(alpha), layers=layers)
    for name, variable in adapter_variables(decoder).items():
        variable.assign(weights[name])


def _form(
    decoder: Decoder, weights: dict[str, np.ndarray], alpha: Any, file: str
) -> tuple[int, int]:
    """Rank and number of layers of a file's matrices, if they fit the decoder."""
    s = decoder.settings
    layers = len(weights) // (2 * len(PLACES))
    first = weights.get(f"block_{s.layers - 1}.query.a", np.zeros(0))
    rank = first.shape[-1]
    outputs = {"query": s.width, "value": s.key_heads * s.head_width}
    expected = {}
    for number in range(max(s.layers - layers, 0), s.layers):
        for place, units in outputs.items():
            expected[f"block_{number}.{place}.a"] = (s.width, rank)
            expected[f"block_{number}.{place}.b"] = (rank, units)
    found = {name: array.shape for name, array in weights.items()}
    wrong = sorted(set(expected.items()) ^ set(found.items()))
    if wrong or not expected or rank < 1 or alpha is None or np.shape(alpha) != ():
        raise ValueError(
            f"{file}: expected query and value matrices for the top blocks of a model of "
            f"{s.layers} layers and width {s.width}, and alpha; does not fit: {wrong[:2] or alpha}"
        )
    if not all(np.isfinite(array).all() for array in (*weights.values(), alpha)):
        raise ValueError(f"{file}: expected finite numbers, found others; save the adapter anew")
    return rank, layers


def _adapted(decoder: Decoder) -> dict[str, Any]:
    """Layers that have an adapter, by name."""
    return {
        f"block_{number}.{place}": getattr(block.attention, place)
        for number, block in enumerate(decoder.blocks)
        for place in PLACES
        if getattr(block.attention, place).lora_enabled
    }
