"""Layers of an interactive map: dots, ways, flows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stim_lib import plots, schema, spatial
from stim_lib.maps.page import OfflineMap, escape


def add_points(
    city_map: OfflineMap,
    points: pd.DataFrame,
    *,
    name: str,
    tooltip: Sequence[str] = (),
    colour: str = plots.BLUE,
    radius: float | str = 4,
) -> OfflineMap:
    """Add a layer of dots.

    Parameters
    ----------
    city_map : OfflineMap
        Is changed and returned.
    points : DataFrame, shape (n_points, n_columns)
        With lat and lon in degrees WGS-84; rows without are left out.
    name : str
        Of the layer.
    tooltip : sequence of column names
        Shown on hovering. Text is escaped: a place name is not trusted to be only a name.
    colour : str
        Hex code.
    radius : float or column name
        Pixels.

    Returns
    -------
    OfflineMap

    Raises
    ------
    ValueError
        If a column is missing.

    Notes
    -----
    Introduced in chapter 02.

    Examples
    --------
    >>> from stim_lib.maps import make_map
    >>> place = pd.DataFrame({"lat": [40.7], "lon": [-74.0], "name": ["<b>Joe</b>"]})
    >>> shown = add_points(make_map("Joe's", centre=(40.7, -74), outlines=None), place,
    ...                    name="Venues", tooltip=["name"])
    >>> "<b>Joe</b>" in shown.to_html()
    False
    """
    import folium

    needed = [schema.LAT, schema.LON, *tooltip, *([radius] if isinstance(radius, str) else [])]
    missing = [column for column in needed if column not in points]
    if missing:
        raise ValueError(f"points: expected columns {needed}, found no {', '.join(missing)}")
    layer = folium.FeatureGroup(name=escape(name))
    for row in points.dropna(subset=[schema.LAT, schema.LON]).to_dict("records"):
        folium.CircleMarker(
            (row[schema.LAT], row[schema.LON]),
            radius=row[radius] if isinstance(radius, str) else radius,
            color=colour,
            weight=1.5,
            fill=True,
            fill_opacity=0.55,
            tooltip=_tooltip(row, tooltip),
        ).add_to(layer)
    layer.add_to(city_map.folium_map)
    return city_map


def add_path(
    city_map: OfflineMap, points: pd.DataFrame, *, name: str, colour: str = plots.INK
) -> OfflineMap:
    """Join points by a line, in the order of their rows.

    Parameters
    ----------
    city_map : OfflineMap
        Is changed and returned.
    points : DataFrame, shape (n_points, n_columns)
        With lat and lon in degrees WGS-84; rows without are left out.
    name : str
        Of the layer.
    colour : str
        Hex code.

    Returns
    -------
    OfflineMap

    Raises
    ------
    ValueError
        If fewer than two points are known.

    Notes
    -----
    Introduced in chapter 02.

    Examples
    --------
    >>> from stim_lib.maps import make_map
    >>> way = pd.DataFrame({"lat": [40.7, 40.8], "lon": [-74.0, -73.9]})
    >>> add_path(make_map("A walk", centre=(40.7, -74), outlines=None), way, name="Walk")
    <map: A walk>
    """
    import folium

    known = points[[schema.LAT, schema.LON]].dropna()
    if len(known) < 2:
        raise ValueError(f"points: expected at least two with coordinates, found {len(known)}")
    layer = folium.FeatureGroup(name=escape(name))
    folium.PolyLine(known.to_numpy().tolist(), color=colour, weight=2, dash_array="6 5").add_to(
        layer
    )
    layer.add_to(city_map.folium_map)
    return city_map


def add_flows(
    city_map: OfflineMap,
    flows: pd.DataFrame,
    *,
    name: str,
    by: str = "n",
    colour: str = plots.BLUE,
    widest: float = 9.0,
    show: bool = True,
    instead: bool = False,
) -> OfflineMap:
    """Add a layer of curved lines, the wider the larger the flow.

    Parameters
    ----------
    city_map : OfflineMap
        Is changed and returned.
    flows : DataFrame, shape (n_flows, n_columns)
        With origin and destination (H3 cells), as from `spatial.count_flows`.
    name : str
        Of the layer.
    by : str
        Column of the numbers that make lines wide, "n" or "n_users".
    colour : str
        Hex code.
    widest : float
        Pixels of the largest flow of this layer.
    show : bool
        Whether the layer is on at first.
    instead : bool
        Whether it takes the place of other such layers, or lies over what is there.

    Returns
    -------
    OfflineMap

    Raises
    ------
    ValueError
        If a column is missing or there is no flow.

    Notes
    -----
    Lines bend to the right of those who travel along them, so that there and back stay apart; a
    ring marks where they end. Introduced in chapter 05.

    Examples
    --------
    >>> from stim_lib import spatial
    >>> from stim_lib.maps import make_map
    >>> here, there = spatial.h3_cells([40.7, 40.8], [-74, -74], 8)
    >>> one = pd.DataFrame({"origin": [here], "destination": [there], "n": [12]})
    >>> add_flows(make_map("North", centre=(40.7, -74), outlines=None), one, name="Morning")
    <map: North>
    """
    import folium

    layer = folium.FeatureGroup(name=escape(name), show=show, overlay=not instead)
    curves = flow_curves(flows)
    require_columns(flows, by)
    for curve, n in zip(curves, flows[by], strict=True):
        width = max(1.0, widest * n / flows[by].max())
        label = escape(f"{n:,} {'people' if by == 'n_users' else 'steps'}")
        folium.PolyLine(
            curve.round(5).tolist(), color=colour, weight=width, opacity=0.6, tooltip=label
        ).add_to(layer)
        folium.CircleMarker(
            curve[-1].round(5).tolist(), radius=max(2.0, width / 2), color=colour, weight=1.5,
            fill=True, fill_color="#ffffff", fill_opacity=1.0, tooltip=label,
        ).add_to(layer)  # fmt: skip
    layer.add_to(city_map.folium_map)
    return city_map


def flow_curves(flows: pd.DataFrame, *, bend: float = 0.18, n_points: int = 13) -> list[np.ndarray]:
    """Bend the line from each origin to its destination to the right.

    Parameters
    ----------
    flows : DataFrame, shape (n_flows, n_columns)
        With origin and destination (H3 cells).
    bend : float
        How far the middle stands off, as a share of the length.
    n_points : int
        Of each curve.

    Returns
    -------
    list of ndarray of float, shape (n_points, 2) each
        Latitude and longitude, from origin to destination.

    Raises
    ------
    ValueError
        If a column is missing or there is no flow.

    Notes
    -----
    A parabola through the ends, in degrees made equally long. Introduced in chapter 05.

    Examples
    --------
    From south to north; the middle lies to the east:

    >>> from stim_lib import spatial
    >>> here, there = spatial.h3_cells([40.7, 40.8], [-74, -74], 8)
    >>> one = pd.DataFrame({"origin": [here], "destination": [there], "n": [12]})
    >>> (curve,) = flow_curves(one, n_points=3)
    >>> bool(curve[1, 1] > curve[[0, 2], 1].max())
    True
    """
    require_columns(flows, "origin", "destination")
    columns = [schema.LAT, schema.LON]
    start = spatial.cell_shapes(flows["origin"])[columns].to_numpy()
    end = spatial.cell_shapes(flows["destination"])[columns].to_numpy(copy=True)
    # The short way round, also across the date line.
    end[:, 1] = start[:, 1] + (end[:, 1] - start[:, 1] + 180) % 360 - 180
    shrink = np.cos(np.radians((start[:, 0] + end[:, 0]) / 2))
    north, east = end[:, 0] - start[:, 0], (end[:, 1] - start[:, 1]) * shrink
    right = np.stack([-east, north / shrink], axis=1)
    along = np.linspace(0, 1, n_points)[:, None]
    away = 4 * bend * along * (1 - along)
    return [
        a + along * (b - a) + away * aside for a, b, aside in zip(start, end, right, strict=True)
    ]


def require_columns(flows: pd.DataFrame, *columns: str) -> None:
    """Refuse a table of flows that lacks a column or has no row.

    Parameters
    ----------
    flows : DataFrame, shape (n_flows, n_columns)
    columns : str

    Raises
    ------
    ValueError
        Naming what is missing.

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> require_columns(pd.DataFrame({"n": [1]}), "n")
    """
    missing = [column for column in columns if column not in flows]
    if missing or not len(flows):
        raise ValueError(
            f"flows: expected rows with {', '.join(columns)}, found {len(flows)} rows"
            + (f" and no {', '.join(missing)}" if missing else "")
        )


def _tooltip(row: dict[str, object], columns: Sequence[str]) -> str | None:
    if not columns:
        return None
    return "<br>".join(escape(f"{column}: {row[column]}") for column in columns)
