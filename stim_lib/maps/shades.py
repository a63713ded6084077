"""A few shades for many numbers, the same on paper and on the screen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from stim_lib import plots


@dataclass(frozen=True)
class Shades:
    """Classes of numbers, each with its colour.

    Attributes
    ----------
    edges : ndarray of float, shape (n_classes + 1,)
        Rising; the last class includes its upper edge.
    colours : tuple of str, shape (n_classes,)
        Hex codes, from light to dark in print or on a screen.
    whole : bool
        Whether only whole numbers occur, so that a class ends one below the next.
    """

    edges: np.ndarray
    colours: tuple[str, ...]
    whole: bool = False

    def classes_of(self, values: ArrayLike) -> np.ndarray:
        """Position of each value's class; what lies outside goes to the first or the last."""
        position = np.searchsorted(self.edges, np.asarray(values, float), side="right") - 1
        return np.clip(position, 0, len(self.colours) - 1)

    def colours_of(self, values: ArrayLike) -> list[str]:
        """Colour of each value."""
        return [self.colours[number] for number in self.classes_of(values)]

    def ranges(self) -> list[str]:
        """Each class in words, for a legend."""
        lows, highs = self.edges[:-1], self.edges[1:].copy()
        highs[:-1] -= self.whole
        ends = [(_in_words(low), _in_words(high)) for low, high in zip(lows, highs, strict=True)]
        return [low if low == high else f"{low} to {high}" for low, high in ends]


def _in_words(number: float) -> str:
    return f"{number:,.3g}" if abs(number) < 1000 else f"{number:,.0f}"


def choose_shades(
    values: ArrayLike, *, n_classes: int = 6, scale: str = "log", colours: str = plots.MAP_SHADES
) -> Shades:
    """Cut the range of some numbers into classes of equal width.

    Parameters
    ----------
    values : array of float, shape (n_values,)
        Missing ones are left out.
    n_classes : int
        At most nine: more shades can't be told apart. Fewer come out where whole numbers are few.
    scale : {"log", "linear"}
        With "log" classes are equally wide as ratios, and values must be above zero.
    colours : str
        Name of a matplotlib colour map.

    Returns
    -------
    Shades

    Raises
    ------
    ValueError
        If no value is left, one is infinite, the scale is unknown or can't hold the values, or
        there are too many classes.

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> choose_shades([1, 5, 100], n_classes=2).edges.tolist()
    [1.0, 10.0, 100.0]
    """
    import matplotlib as mpl

    values = np.asarray(pd.Series(np.asarray(values, float)).dropna())
    if scale not in ("log", "linear") or not 1 <= n_classes <= 9:
        raise ValueError(
            f"expected scale 'log' or 'linear' and 1 to 9 classes, found {scale!r}, {n_classes}"
        )
    if np.isinf(values).any() or not len(values) or (scale == "log" and values.min() <= 0):
        raise ValueError(
            f"values: expected at least one, finite, above 0 on a log scale; found {len(values)}"
            + (f", from {values.min():g} to {values.max():g}" if len(values) else "")
        )
    cut = np.geomspace if scale == "log" else np.linspace
    low, high = values.min(), values.max()
    edges = cut(low, high if high > low else low + 1, n_classes + 1)
    # Two digits are enough for an edge, and a legend is read by people.
    short = edges.copy()
    short[1:-1] = [float(f"{edge:.2g}") for edge in edges[1:-1]]
    edges = short if (np.diff(short) > 0).all() else edges
    whole = bool((values == np.round(values)).all())
    if whole:
        edges = np.unique(np.ceil(edges))
    n_classes = len(edges) - 1
    shade = mpl.colormaps[colours]
    steps = np.linspace(0.0, 1.0, n_classes) if n_classes > 1 else [0.5]
    return Shades(edges, tuple(mpl.colors.to_hex(shade(step)) for step in steps), whole)
