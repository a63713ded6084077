"""Maps that work without a network, and say nothing that a place name could abuse.

Leaflet travels inside each map; outlines are always drawn; OpenStreetMap's tiles are a layer that
the reader may switch on. Introduced in chapter 02.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd

from stim_lib import assets, plots, schema

if TYPE_CHECKING:
    import geopandas
    from branca.element import Element
    from matplotlib.axes import Axes

OUTLINES = {"nyc": "nyc_boroughs", "world": "natural_earth_lowres"}
OUTLINE_SOURCES = {"nyc": "NYC Department of City Planning", "world": "Natural Earth"}
# About a dot on the screen at the scale at which each outline is used.
OUTLINE_TOLERANCE_DEGREES = {"nyc": 0.0006, "world": 0.05}


class OfflineMap:
    """A folium map that shows itself in a titled frame and needs no network.

    Parameters
    ----------
    folium_map : folium.Map
    title : str
        What the map shows: read out by screen readers, printed where no map can be.
    height : int
        Height in pixels.

    Examples
    --------
    >>> make_map("Nothing yet", centre=(40.7, -74.0), outlines=None)
    <map: Nothing yet>
    """

    def __init__(self, folium_map: object, title: str, height: int) -> None:
        self.folium_map = folium_map
        self.title = title
        self.height = height

    def __repr__(self) -> str:
        return f"<map: {self.title}>"

    def to_html(self) -> str:
        """Return the whole page of the map; same map, same text."""
        import folium

        # Leaflet's list of layers must come after the last of them.
        for children in (self.folium_map._children, self.folium_map.get_root().script._children):
            for key in [key for key in children if key.startswith("layer_control")]:
                del children[key]
        folium.LayerControl(collapsed=False).add_to(self.folium_map)
        page = self.folium_map.get_root().render()
        # folium numbers its elements at random; a place's own id may look the same and stays.
        for number, element in enumerate(_elements(self.folium_map.get_root())):
            page = page.replace(element._id, f"{number:032x}")
        return page

    def _repr_html_(self) -> str:
        return (
            f'<iframe title="{html.escape(self.title)}" srcdoc="{html.escape(self.to_html())}" '
            f'style="width:100%;height:{self.height}px;border:1px solid #bbb;background:#fff" '
            'loading="lazy"></iframe>'
        )


def make_map(
    title: str,
    *,
    centre: tuple[float, float],
    zoom: int = 11,
    outlines: str | None = "nyc",
    height: int = 420,
) -> OfflineMap:
    """Make an empty map with outlines.

    Parameters
    ----------
    title : str
        One line that says what will be seen.
    centre : (lat, lon)
        Degrees, WGS-84.
    zoom : int
        0 is the world, 11 a city, 15 a street.
    outlines : {"nyc", "world", None}
        Boroughs of New York City, the coasts of the world, or nothing.
    height : int
        Pixels.

    Returns
    -------
    OfflineMap
        In Web Mercator, as all Leaflet maps.

    Raises
    ------
    ValueError
        If `outlines` is none of these.

    Notes
    -----
    Introduced in chapter 02.

    Examples
    --------
    >>> "cdn" in make_map("Empty", centre=(0, 0), zoom=1, outlines=None).to_html()
    False
    """
    import folium

    base = folium.Map(location=centre, zoom_start=zoom, tiles=None, prefer_canvas=True)
    base.default_js = [("leaflet", _data_uri("leaflet.js", "text/javascript"))]
    base.default_css = [("leaflet_css", _data_uri("leaflet.css", "text/css"))]
    folium.TileLayer(
        "OpenStreetMap", name="Streets (OpenStreetMap, needs a network)", show=False, overlay=True
    ).add_to(base)
    if outlines is not None:
        folium.GeoJson(
            load_outlines(outlines).to_json(),
            name="Outlines",
            control=False,
            attribution=OUTLINE_SOURCES[outlines],
            style_function=lambda _: {
                "color": plots.GREY, "weight": 1, "fillColor": "#f4f1ea", "fillOpacity": 0.9,
            },
        ).add_to(base)  # fmt: skip
    return OfflineMap(base, title, height)


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
    layer = folium.FeatureGroup(name=_escape(name))
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
    >>> way = pd.DataFrame({"lat": [40.7, 40.8], "lon": [-74.0, -73.9]})
    >>> add_path(make_map("A walk", centre=(40.7, -74), outlines=None), way, name="Walk")
    <map: A walk>
    """
    import folium

    known = points[[schema.LAT, schema.LON]].dropna()
    if len(known) < 2:
        raise ValueError(f"points: expected at least two with coordinates, found {len(known)}")
    layer = folium.FeatureGroup(name=_escape(name))
    folium.PolyLine(known.to_numpy().tolist(), color=colour, weight=2, dash_array="6 5").add_to(
        layer
    )
    layer.add_to(city_map.folium_map)
    return city_map


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
        Its aspect is set so that a kilometre is as long east as north at the centre.
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


def _elements(element: Element) -> Iterator[Element]:
    """Walk over a folium element and everything inside it."""
    yield element
    for child in element._children.values():
        yield from _elements(child)


def _tooltip(row: dict[str, object], columns: Sequence[str]) -> str | None:
    if not columns:
        return None
    return "<br>".join(_escape(f"{column}: {row[column]}") for column in columns)


def _escape(text: str) -> str:
    """Make text harmless in HTML and in the JavaScript templates that folium writes it into."""
    for character in "`$\\{}":
        text = text.replace(character, f"\0{ord(character)};")
    return html.escape(text).replace("\0", "&#")


@cache
def _data_uri(file: str, mime: str) -> str:
    content = (assets.fetch("leaflet").parent / file).read_bytes()
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"
