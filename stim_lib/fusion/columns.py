"""Which column is meant: by its name or by its position.

Introduced in chapter 06.
"""

from __future__ import annotations

from collections.abc import Sequence

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
        If there is no such column.

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
        position = place.get(column, column) if isinstance(column, str) else int(column)
        if isinstance(position, str) or not -n_features <= position < n_features:
            there = f"{n_features} columns" if names is None else ", ".join(map(str, names))
            raise ValueError(f"column {column!r}: expected one of the data, found {there}")
        found.append(position % n_features)
    return np.array(found, dtype=int)
