"""One style for every figure of the book, and the few drawings that chapters share.

Colours are told apart by colour-blind readers and, by their lightness, in grey print.
Introduced in chapter 01.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette, ordered so that neighbours also differ in lightness.
# Source: Okabe and Ito (2008), Color Universal Design.
BLUE, ORANGE, GREEN, PURPLE, SKY, INK = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#222222",
)  # fmt: skip
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY)
LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
SEQUENTIAL = "cividis"
# On a white map few must be pale: the eye takes the brightest patch for the most.
MAP_SHADES = "YlGnBu"
GREY = "#767676"
# Weights below this would be specks.
SMALLEST_SQUARE = 0.004

STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.prop_cycle": None,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "figure.constrained_layout.use": True,
    "figure.dpi": 110,
    "figure.facecolor": "white",
    "figure.figsize": (7.2, 3.6),
    "font.size": 10.5,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "savefig.facecolor": "white",
    "xtick.color": INK,
    "ytick.color": INK,
}


def use_style() -> None:
    """Set matplotlib to the style of the book.

    Notes
    -----
    White, opaque ground, so that a figure is legible on a dark page and on paper. Introduced in
    chapter 01.

    Examples
    --------
    >>> import matplotlib
    >>> use_style()
    >>> matplotlib.rcParams["figure.facecolor"]
    'white'
    """
    import matplotlib as mpl
    from cycler import cycler

    cycle = cycler(color=COLOURS) + cycler(linestyle=LINE_STYLES)
    mpl.rcParams.update(STYLE | {"axes.prop_cycle": cycle})


def label_lines(axes: Axes, labels: Sequence[str]) -> None:
    """Write each line's name at its right end, in its colour, instead of a legend.

    Parameters
    ----------
    axes : matplotlib Axes
        Holding as many lines as there are labels, in the same order.
    labels : sequence of str, shape (n_lines,)

    Raises
    ------
    ValueError
        If there are more than five lines (too many to follow), or counts differ.

    Notes
    -----
    Labels that would overlap are pushed apart. Introduced in chapter 02.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> figure, axes = plt.subplots()
    >>> _ = axes.plot([0, 1], [0, 1]), axes.plot([0, 1], [1, 0])
    >>> label_lines(axes, ["up", "down"])
    >>> [text.get_text() for text in axes.texts]
    ['up', 'down']
    >>> plt.close(figure)
    """
    lines = axes.get_lines()
    if len(lines) != len(labels) or len(lines) > len(COLOURS):
        raise ValueError(
            f"expected one label per line and at most {len(COLOURS)} lines, found "
            f"{len(lines)} lines and {len(labels)} labels"
        )
    low, high = axes.get_ylim()
    ends = np.array([float(np.asarray(line.get_ydata(), dtype=float)[-1]) for line in lines])
    heights = _spread(ends, (high - low) * 0.06)
    for line, label, end, height in zip(lines, labels, ends, heights, strict=True):
        axes.annotate(
            label,
            (np.asarray(line.get_xdata())[-1], end),
            xytext=(6, (height - end) / (high - low) * axes.bbox.height * 72 / axes.figure.dpi),
            textcoords="offset points",
            va="center",
            color=line.get_color() if line.get_color() != ORANGE else "#9a6700",
            annotation_clip=False,
        )


def _spread(values: np.ndarray, gap: float) -> np.ndarray:
    """Move values upwards as little as needed so that neighbours are `gap` apart."""
    order = np.argsort(values, kind="stable")
    placed = values.astype(float)
    for before, here in pairwise(order):
        placed[here] = max(placed[here], placed[before] + gap)
    return placed


def draw_pipeline(axes: Axes, steps: Sequence[tuple[str, str]]) -> None:
    """Draw steps as boxes on a winding path, three to a row, with arrows between them.

    Parameters
    ----------
    axes : matplotlib Axes
        Its own marks are hidden.
    steps : sequence of (title, line of text), shape (n_steps, 2)

    Raises
    ------
    ValueError
        If there are no steps.

    Notes
    -----
    Introduced in chapter 01.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> figure, axes = plt.subplots()
    >>> draw_pipeline(axes, [("Log", "who, what"), ("Clean", "no repeats")])
    >>> len(axes.patches)
    3
    >>> plt.close(figure)
    """
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

    if not len(steps):
        raise ValueError("steps: expected at least one (title, text), found none")
    places = [_winding(number) for number in range(len(steps))]
    for number, ((x, y), (title, text)) in enumerate(zip(places, steps, strict=True)):
        box = FancyBboxPatch(
            (x - 0.42, y - 0.3), 0.84, 0.6, boxstyle="round,pad=0.02,rounding_size=0.08",
            facecolor="#eef4fa" if number % 2 else "white", edgecolor=BLUE, linewidth=1.4,
        )  # fmt: skip
        axes.add_patch(box)
        axes.text(x, y + 0.12, f"{number + 1}  {title}", ha="center", va="center", weight="bold")
        axes.text(x, y - 0.11, text, ha="center", va="center", fontsize=9)
    for (x0, y0), (x1, y1) in pairwise(places):
        along = np.array([x1 - x0, y1 - y0])
        start, end = np.array([x0, y0]) + along * 0.44, np.array([x1, y1]) - along * 0.44
        if x0 == x1:
            start, end = np.array([x0, y0 - 0.33]), np.array([x1, y1 + 0.33])
        axes.add_patch(
            FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=13, color=INK, shrinkA=0)
        )
    rows = -(-len(steps) // 3)
    axes.set(xlim=(-0.5, min(len(steps), 3) - 0.5), ylim=(-rows + 0.55, 0.45))
    axes.set_axis_off()


def _winding(number: int) -> tuple[float, float]:
    row, place = divmod(number, 3)
    return (place if row % 2 == 0 else 2 - place), -row


def plot_week(axes: Axes, local_time: pd.Series) -> None:
    """Show when actions happen: weekday down, hour across, shade for their share.

    Parameters
    ----------
    axes : matplotlib Axes
    local_time : Series of datetime64, shape (n_actions,)
        Wall-clock times; UTC would shift the picture.

    Raises
    ------
    ValueError
        If the times carry a time zone, or there are none.

    Notes
    -----
    Introduced in chapter 02.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> figure, axes = plt.subplots()
    >>> plot_week(axes, pd.to_datetime(pd.Series(["2024-01-01 08:30"])))
    >>> float(axes.collections[0].get_array().max())
    100.0
    >>> plt.close(figure)
    """
    times = local_time.dropna()
    if not len(times) or times.dt.tz is not None:
        found = "none" if not len(times) else f"dtype {times.dtype}"
        raise ValueError(f"local_time: expected wall-clock times without a zone, found {found}")
    counts = np.zeros((7, 24))
    np.add.at(counts, (times.dt.day_of_week, times.dt.hour), 1)
    shade = axes.pcolormesh(
        np.arange(25), np.arange(8), counts / counts.sum() * 100, cmap=SEQUENTIAL
    )
    axes.figure.colorbar(shade, ax=axes, label="share of actions (%)")
    axes.set_yticks(np.arange(7) + 0.5, ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
    axes.set_xticks(range(0, 25, 3))
    axes.set(xlabel="hour of the day (local clock)", ylim=(7, 0))
    axes.grid(visible=False)


def plot_votes(
    axes: Axes,
    weights: np.ndarray,
    right: np.ndarray,
    *,
    asked: Sequence[str] | None = None,
    earlier: Sequence[str] | None = None,
) -> None:
    """Draw weights as squares: attention, or what a counter counts.

    Parameters
    ----------
    axes : matplotlib Axes
    weights : ndarray of float, shape (n_asked, n_earlier)
        In [0, 1]; the area of a square. Rows are questions, columns what they look at.
    right : ndarray of bool, shape (n_asked, n_earlier)
        Filled where True: the vote is for what was asked for. Hollow elsewhere.
    asked, earlier : sequence of str, optional
        Names of the rows and of the columns. Default: none are written.

    Raises
    ------
    ValueError
        If shapes differ.

    Notes
    -----
    Known as a Hinton diagram. Filled and hollow differ without colour, and an area is read better
    than a shade. Right of the line lies what a question may not see. Introduced in chapter 08.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> figure, axes = plt.subplots()
    >>> plot_votes(axes, np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[1, 0], [0, 1]], bool))
    >>> [len(squares.get_offsets()) for squares in axes.collections]
    [2, 1]
    >>> plt.close(figure)
    """
    weights, right = np.asarray(weights), np.asarray(right, dtype=bool)
    if weights.shape != right.shape or weights.ndim != 2:
        raise ValueError(
            f"expected weights and right of one shape (n_asked, n_earlier), found {weights.shape} "
            f"and {right.shape}"
        )
    n_rows, n_columns = weights.shape
    for filled, face in ((True, INK), (False, "white")):
        row, column = np.nonzero((weights > SMALLEST_SQUARE) & (right == filled))
        area = 150 * weights[row, column]
        axes.scatter(column, row, s=area, marker="s", facecolor=face, edgecolor=INK, linewidth=0.8)
    axes.plot([0.5, n_rows + 0.5], [-0.5, n_rows - 0.5], color=GREY, linewidth=0.6)
    axes.set(xlim=(-0.7, n_columns + 0.5), ylim=(n_rows - 0.4, -0.6), xticks=[], yticks=[])
    axes.grid(visible=False)
    if asked is not None:
        axes.set_yticks(range(n_rows), asked, fontsize=7.5)
    if earlier is not None:
        axes.set_xticks(range(n_columns), earlier, rotation=90, fontsize=7)
