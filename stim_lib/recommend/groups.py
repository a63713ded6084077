"""Weights of earlier actions, added up by what the actions have in common.

A place, a category, a cell of the map: each is a number that an action has, and that a candidate
has. What is added up for the one is looked up for the other. Introduced in chapter 12.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stim_lib.recommend.sight import Sight
from stim_lib.recommend.statistics import UNKNOWN, Statistics
from stim_lib.spatial.distance import EARTH_RADIUS_METRES

# Edges of the two grids, in multiples of the log's quartiles of jump length.
CELLS = {"block": (0, 1.0), "district": (1, 1.0)}


@dataclass(frozen=True)
class Groups:
    """Pairs of a batch, grouped by query and code.

    Attributes
    ----------
    keys : ndarray of int64, shape (n_groups,)
        query · size + code, increasing.
    size : int
        Codes are below it.
    kept : ndarray of bool, shape (n_pairs,)
        Pairs whose code is known.
    group : ndarray of int, shape (n_kept,)
        Group of each of them.
    """

    keys: np.ndarray
    size: int
    kept: np.ndarray
    group: np.ndarray

    def total(self, weight: np.ndarray) -> np.ndarray:
        """Sum of the weights of each group, shape (n_groups,)."""
        return np.bincount(self._bin, weight, minlength=len(self.keys) + 1)[:-1]

    @cached_property
    def _bin(self) -> np.ndarray:
        # Pairs without a code go into one bin more, which is thrown away: faster than a mask.
        where = np.full(len(self.kept), len(self.keys))
        where[self.kept] = self.group
        return where

    @cached_property
    def query(self) -> np.ndarray:
        """Query of each group."""
        return self.keys // self.size

    @cached_property
    def code(self) -> np.ndarray:
        """Code of each group."""
        return self.keys % self.size

    def find(self, query: np.ndarray, code: np.ndarray) -> np.ndarray:
        """Position of the group of a query and code; -1 where there is none."""
        wanted = np.where(code >= 0, query * self.size + code, UNKNOWN)
        if not len(self.keys):
            return np.full(len(wanted), UNKNOWN)
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[place] == wanted, place, UNKNOWN)


def group_pairs(sight: Sight, code: np.ndarray, size: int) -> Groups:
    """Group the pairs of a batch by a code of their actions.

    Parameters
    ----------
    sight : Sight
    code : ndarray of int, shape (n_actions,)
        One for each row of the history; outside [0, size) is unknown.
    size : int

    Returns
    -------
    Groups

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.sight import look
    >>> from stim_lib.recommend.statistics import learn_statistics
    >>> log = load_seed_example().assign(user_id="1")
    >>> sight = look(log[3:], log, learn_statistics(log), timed=False)
    >>> group_pairs(sight, sight.trace.item, 3).code.tolist()
    [0, 1, 2]
    """
    of_pair = code[sight.row] if len(code) else np.zeros(0, dtype=int)
    kept = (of_pair >= 0) & (of_pair < size)
    keys, group = np.unique(
        sight.query[kept].astype(np.int64) * size + of_pair[kept], return_inverse=True
    )
    return Groups(keys, size, kept, group)


def cell_codes(statistics: Statistics, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Cell of the map in which each place of the catalogue lies.

    Parameters
    ----------
    statistics : Statistics
    name : "block" or "district"
        A grid as wide as the first, or the second, quartile of the log's jumps.

    Returns
    -------
    code : ndarray of int, shape (n_items,)
        From 0; -1 where the place has no coordinates.
    cells : ndarray of int64, shape (n_cells,)
        Number of each cell on the globe, increasing.

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.statistics import learn_statistics
    >>> cell_codes(learn_statistics(load_seed_example()), "block")[0].tolist()
    [2, 0, 1]
    """
    points = np.stack([statistics.lat, statistics.lon], axis=1)
    numbers = _cell_numbers(points, statistics, name)
    cells = np.unique(numbers[numbers >= 0])
    return np.where(numbers >= 0, np.searchsorted(cells, numbers), UNKNOWN), cells


def cell_of_points(
    points: np.ndarray, statistics: Statistics, name: str, cells: np.ndarray
) -> np.ndarray:
    """Cell of any point, among those that hold a place.

    Parameters
    ----------
    points : ndarray of float64, shape (n_points, 3)
        Unit vectors.
    statistics : Statistics
    name : "block" or "district"
    cells : ndarray of int64, shape (n_cells,)
        From `cell_codes`.

    Returns
    -------
    ndarray of int, shape (n_points,)
        -1 where the point is unknown or no place of the catalogue is in its cell.

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.statistics import learn_statistics, unit_vectors
    >>> statistics = learn_statistics(load_seed_example())
    >>> cell_of_points(unit_vectors(np.zeros(1), np.zeros(1)), statistics, "block",
    ...                cell_codes(statistics, "block")[1]).tolist()
    [-1]
    """
    degrees = np.degrees(
        np.stack([np.arcsin(points[:, 2]), np.arctan2(points[:, 1], points[:, 0])], axis=1)
    )
    numbers = _cell_numbers(degrees, statistics, name)
    if not len(cells):
        return np.full(len(points), UNKNOWN)
    place = np.minimum(np.searchsorted(cells, numbers), len(cells) - 1)
    return np.where((cells[place] == numbers) & (numbers >= 0), place, UNKNOWN)


def _cell_numbers(degrees: np.ndarray, statistics: Statistics, name: str) -> np.ndarray:
    quartile, multiple = CELLS[name]
    width = max(statistics.jumps[quartile] * multiple, 10.0)
    known = np.isfinite(degrees).all(axis=1) & np.isfinite(width)
    numbers = np.full(len(degrees), UNKNOWN, dtype=np.int64)
    if not known.any():
        return numbers
    # One width of longitude for the whole log, that of its middle; rounding of the vectors must
    # not move a place over an edge.
    shrink = max(np.cos(np.radians(np.nanmedian(statistics.lat))), 0.01)
    metres = np.radians(degrees[known]) * EARTH_RADIUS_METRES * np.array([1.0, shrink])
    row, column = (np.floor((metres[:, axis] + 1e-3) / width).astype(np.int64) for axis in (0, 1))
    half = np.int64(1) << 30
    numbers[known] = (row + half) * (half * 2) + (column + half)
    return numbers
