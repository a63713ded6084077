"""The same layers in print, on matplotlib axes in degrees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from stim_lib import plots, spatial
from stim_lib.maps.layers import flow_curves, require_columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection


def plot_cells(
    axes: Axes, values: pd.Series, *, scale: str = "log", limits: tuple[float, float] | None = None
) -> PolyCollection:
    """Draw shaded hexagons.

    Parameters
    ----------
    axes : matplotlib Axes
        In degrees, as `plot_outlines` leaves it.
    values : Series of float, shape (n_cells,)
        By H3 cell; missing ones are left out.
    scale : {"log", "linear"}
        Of the shades.
    limits : (low, high), optional
        Of the shades. Default: those of the values.

    Returns
    -------
    PolyCollection
        For a colour bar.

    Raises
    ------
    ValueError
        If the scale is unknown or can't hold the values, nothing is known, or the index holds
        something else than cells.

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> figure, axes = plt.subplots()
    >>> counts = spatial.count_cells([40.7484, 40.7485], [-73.9857] * 2, 9)["n"]
    >>> len(plot_cells(axes, counts).get_paths())
    1
    >>> plt.close(figure)
    """
    import matplotlib as mpl
    from matplotlib.collections import PolyCollection

    if scale not in ("log", "linear"):
        raise ValueError(f"scale: expected 'log' or 'linear', found {scale!r}")
    values = values.dropna()
    if not len(values) or (scale == "log" and values.min() <= 0):
        raise ValueError(
            f"values: expected at least one that is known, above 0 on a log scale; found "
            f"{len(values)}" + (f", the least {values.min():g}" if len(values) else "")
        )
    low, high = limits or (values.min(), values.max())
    normalise = (mpl.colors.LogNorm if scale == "log" else mpl.colors.Normalize)(low, high)
    outlines = [outline[:, ::-1] for outline in spatial.cell_shapes(values.index)["outline"]]
    shapes = PolyCollection(
        outlines, array=values.to_numpy(float), cmap=mpl.colormaps[plots.MAP_SHADES],
        norm=normalise, edgecolor="face", linewidth=0.3,
    )  # fmt: skip
    axes.add_collection(shapes)
    axes.autoscale_view()
    return shapes


def plot_flows(
    axes: Axes,
    flows: pd.DataFrame,
    *,
    by: str = "n",
    colour: str = plots.BLUE,
    widest: float = 6.0,
) -> None:
    """Draw curved arrows between cells, the wider the larger the flow.

    Parameters
    ----------
    axes : matplotlib Axes
        In degrees, as `plot_outlines` leaves it.
    flows : DataFrame, shape (n_flows, n_columns)
        With origin and destination (H3 cells), as from `spatial.count_flows`.
    by : str
        Column of the numbers that make arrows wide, "n" or "n_users".
    colour : str
        Hex code.
    widest : float
        Points of the largest flow.

    Raises
    ------
    ValueError
        If a column is missing or there is no flow.

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> figure, axes = plt.subplots()
    >>> here, there = spatial.h3_cells([40.7, 40.8], [-74, -74], 8)
    >>> plot_flows(axes, pd.DataFrame({"origin": [here], "destination": [there], "n": [12]}))
    >>> len(axes.lines)
    1
    >>> plt.close(figure)
    """
    require_columns(flows, by)
    curves = flow_curves(flows)
    widths = np.maximum(0.6, widest * flows[by] / flows[by].max())
    for curve, width in zip(curves, widths, strict=True):
        lat, lon = curve.T
        axes.plot(lon, lat, "-", color=colour, linewidth=width, alpha=0.6, solid_capstyle="round")
        axes.annotate(
            "", (lon[-1], lat[-1]), (lon[-2], lat[-2]),
            arrowprops={"arrowstyle": "-|>", "color": colour, "shrinkA": 0, "shrinkB": 0,
                        "mutation_scale": 6 + 2 * width},
        )  # fmt: skip
