"""Which column is meant: by its name or by its position.

Introduced in chapter 06.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral

import numpy as np


def positions_of(
    columns: Sequence[str | int], n_features: int, names: Sequence[str] | None
) -> np.ndarray:
    """Positions of columns that are given by name or by position.

    Parameters
    ----------
    columns : sequence of str or int, shape (n_columns,)
    n_features : int
        Columns that there are.
    names : sequence of str, shape (n_features,), or None
        Their names, if the data had any.

    Returns
    -------
    ndarray of int, shape (n_columns,)
        In [0, n_features); negative positions count from the end.

    Raises
    ------
    ValueError
        If there is no such column, or a position is not whole.

    Notes
    -----
    Introduced in chapter 06.

    Examples
    --------
    >>> positions_of(["lon", 0, -1], 2, ["lat", "lon"])
    array([1, 0, 1])
    """
    place = {} if names is None else {name: position for position, name in enumerate(names)}
    found = []
    for column in columns:
        if not isinstance(column, (str, Integral)):
            raise ValueError(f"column {column!r}: expected a name or a whole number, found "
                             f"{type(column).__name__}")  # fmt: skip
        position = place.get(column, column) if isinstance(column, str) else int(column)
        if isinstance(position, str) or not -n_features <= position < n_features:
            there = f"{n_features} columns" if names is None else ", ".join(map(str, names))
            raise ValueError(f"column {column!r}: expected one of the data, found {there}")
        found.append(position % n_features)
    return np.array(found, dtype=int)


def require_mapping(blocks: object) -> None:
    """Refuse blocks that don't tell the names of their columns.

    Parameters
    ----------
    blocks : object
        Should be a mapping of str to columns, with one block or more.

    Raises
    ------
    ValueError
        If it is not.

    Notes
    -----
    Introduced in chapter 06.

    Examples
    --------
    >>> require_mapping({"time": ["recency_hours"]})
    """
    if not isinstance(blocks, Mapping):
        raise ValueError(
            f"blocks: expected a dict of names to columns, found {type(blocks).__name__}"
        )
    if not blocks:
        raise ValueError("blocks: expected a name and columns for at least one, found none")
