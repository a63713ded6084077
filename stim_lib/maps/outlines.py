"""Outlines of land and boroughs, the ground of every map."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from stim_lib import assets, plots

if TYPE_CHECKING:
    import geopandas
    from matplotlib.axes import Axes

OUTLINES = {"nyc": "nyc_boroughs", "world": "natural_earth_lowres"}
OUTLINE_SOURCES = {"nyc": "NYC Department of City Planning", "world": "Natural Earth"}
# About a dot on the screen at the scale at which each outline is used.
OUTLINE_TOLERANCE_DEGREES = {"nyc": 0.0006, "world": 0.05}


@cache
def load_outlines(name: str) -> geopandas.GeoDataFrame:
    """Load simplified outlines.

    Parameters
    ----------
    name : {"nyc", "world"}

    Returns
    -------
    GeoDataFrame, shape (n_areas, 2)
        Column `name` and geometry in degrees WGS-84; "world" is one area, all land: the book
        draws coasts and takes no side on borders.

    Raises
    ------
    ValueError
        If `name` is neither.

    Notes
    -----
    Sources: borough boundaries, NYC Department of City Planning; land, Natural Earth.
    Introduced in chapter 02.

    Examples
    --------
    >>> sorted(load_outlines("nyc")["name"])
    ['Bronx', 'Brooklyn', 'Manhattan', 'Queens', 'Staten Island']
    """
    import geopandas

    if name not in OUTLINES:
        raise ValueError(f"outlines: expected one of {sorted(OUTLINES)} or None, found {name!r}")
    areas = geopandas.read_file(assets.fetch(OUTLINES[name])).to_crs("EPSG:4326")
    if name == "world":
        areas = areas.dissolve()[["geometry"]].assign(BoroName="Land")
    areas = areas.rename(columns={"BoroName": "name"})
    tolerance = OUTLINE_TOLERANCE_DEGREES[name]
    simple = areas.simplify(tolerance).transform(lambda points: points.round(5))
    return geopandas.GeoDataFrame({"name": areas["name"]}, geometry=simple)


def plot_outlines(axes: Axes, name: str) -> None:
    """Draw outlines as the ground of a static map, with degrees on the axes.

    Parameters
    ----------
    axes : matplotlib Axes
        Its aspect is set so that a kilometre is as long east as north at the middle latitude of
        the outlines.
    name : {"nyc", "world"}

    Raises
    ------
    ValueError
        If `name` is neither.

    Notes
    -----
    Equirectangular projection. Introduced in chapter 02.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> figure, axes = plt.subplots()
    >>> plot_outlines(axes, "nyc")
    >>> axes.get_xlabel()
    'longitude (degrees)'
    >>> plt.close(figure)
    """
    load_outlines(name).plot(ax=axes, color="#f4f1ea", edgecolor=plots.GREY, linewidth=0.7)
    axes.set(xlabel="longitude (degrees)", ylabel="latitude (degrees)")
    axes.grid(visible=False)
