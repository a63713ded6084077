"""The page of an interactive map: Leaflet inside, outlines always drawn, tiles on request."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from stim_lib import assets, plots
from stim_lib.maps.outlines import OUTLINE_SOURCES, load_outlines

if TYPE_CHECKING:
    from branca.element import Element


# Leaflet draws the button of a folded list from a file that does not travel with it.
LAYERS_BUTTON = """<style>
.leaflet-control-layers-toggle { background-image: none !important; text-align: center; }
.leaflet-control-layers-toggle::after { content: "≡"; font-size: 26px; line-height: 44px; }
</style>"""


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
        # On a phone the list would hide half of the map.
        page = page.replace('"collapsed": false', '"collapsed": window.innerWidth < 500')
        # folium numbers its elements at random; a place's own id may look the same and stays.
        for number, element in enumerate(_elements(self.folium_map.get_root())):
            page = page.replace(element._id, f"{number:032x}")
        return page

    def _repr_html_(self) -> str:
        title = html.escape(self.title)
        return (
            f'<figure style="margin:0;background:#fff;color:#222"><figcaption style="color:#222">'
            f"<b>{title}</b> (Web Mercator)</figcaption>"
            f'<iframe title="{title}" srcdoc="{html.escape(self.to_html())}" '
            f'style="width:100%;height:{self.height}px;border:1px solid #bbb;background:#fff" '
            'loading="lazy"></iframe></figure>'
        )


def make_map(
    title: str,
    *,
    centre: tuple[float, float],
    zoom: int = 11,
    outlines: str | None = "nyc",
    height: int = 420,
    streets: bool = True,
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
    streets : bool
        Whether the reader may switch on OpenStreetMap's tiles, which come over the network.

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
    from branca.element import Element

    base = folium.Map(location=centre, zoom_start=zoom, tiles=None, prefer_canvas=True)
    base.default_js = [("leaflet", _data_uri("leaflet.js", "text/javascript"))]
    base.default_css = [("leaflet_css", _data_uri("leaflet.css", "text/css"))]
    base.get_root().header.add_child(Element(LAYERS_BUTTON), name="layers_button")
    if streets:
        folium.TileLayer(
            "OpenStreetMap", name="Streets (OpenStreetMap, needs a network)", show=False,
            overlay=True,
        ).add_to(base)  # fmt: skip
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


def _elements(element: Element) -> Iterator[Element]:
    """Walk over a folium element and everything inside it."""
    yield element
    for child in element._children.values():
        yield from _elements(child)


def escape(text: str) -> str:
    """Make text harmless in HTML and in the JavaScript templates that folium writes it into.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Notes
    -----
    Introduced in chapter 02.

    Examples
    --------
    >>> escape("<b>`${x}`")
    '&lt;b&gt;&#96;&#36;&#123;x&#125;&#96;'
    """
    for character in "`$\\{}":
        text = text.replace(character, f"\0{ord(character)};")
    return html.escape(text).replace("\0", "&#")


@cache
def _data_uri(file: str, mime: str) -> str:
    content = (assets.fetch("leaflet").parent / file).read_bytes()
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"
