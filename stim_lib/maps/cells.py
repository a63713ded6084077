"""Shaded cells on an interactive map, at one time or over many with a slider."""

from __future__ import annotations

import json
from importlib import resources

import numpy as np
import pandas as pd

from stim_lib import plots, spatial
from stim_lib.maps.page import OfflineMap, escape
from stim_lib.maps.shades import Shades, choose_shades


def add_cells(
    city_map: OfflineMap,
    values: pd.Series,
    *,
    name: str,
    unit: str = "",
    shades: Shades | None = None,
    show: bool = True,
) -> OfflineMap:
    """Add a layer of shaded hexagons.

    Parameters
    ----------
    city_map : OfflineMap
        Is changed and returned.
    values : Series of float, shape (n_cells,)
        By H3 cell; missing ones are left out.
    name : str
        Of the layer.
    unit : str
        Written behind the value when the pointer is on a cell.
    shades : Shades, optional
        Default: `choose_shades(values)`.
    show : bool
        Whether the layer is on at first.

    Returns
    -------
    OfflineMap

    Raises
    ------
    ValueError
        If the index holds something else than H3 cells, or nothing is known.

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> from stim_lib.maps import make_map
    >>> counts = spatial.count_cells([40.7484, 40.7485], [-73.9857] * 2, 9)["n"]
    >>> add_cells(make_map("Midtown", centre=(40.75, -74), outlines=None), counts, name="Visits")
    <map: Midtown>
    """
    import folium

    values = values.dropna()
    shades = shades or choose_shades(values)
    layer = folium.FeatureGroup(name=escape(name), show=show)
    outlines = spatial.cell_shapes(values.index)["outline"]
    for outline, value, colour in zip(outlines, values, shades.colours_of(values), strict=True):
        folium.Polygon(
            outline.round(5).tolist(), color=plots.GREY, weight=0.4, fill=True, fill_color=colour,
            fill_opacity=0.75, tooltip=escape(f"{value:,.4g} {unit}".strip()),
        ).add_to(layer)  # fmt: skip
    layer.add_to(city_map.folium_map)
    return city_map


def add_cells_by_step(
    city_map: OfflineMap,
    values: pd.DataFrame,
    *,
    name: str,
    unit: str = "",
    shades: Shades | None = None,
    first: int = 0,
) -> OfflineMap:
    """Add hexagons that change with a slider.

    Parameters
    ----------
    city_map : OfflineMap
        Is changed and returned.
    values : DataFrame of float, shape (n_cells, n_steps)
        By H3 cell; one column a step, in the order of the slider, whose names it shows. Zero and
        missing values leave the cell empty.
    name : str
        Of what the slider moves through, e.g. "Hour of the day".
    unit : str
        Of the values, in the legend.
    shades : Shades, optional
        The same for all steps. Default: `choose_shades` of all values above zero.
    first : int
        Step shown at first.

    Returns
    -------
    OfflineMap

    Raises
    ------
    ValueError
        If there are no steps or no value above zero, or the index holds something else than cells.

    Notes
    -----
    Plain Leaflet and a range input: arrow keys move it, screen readers read its step. Introduced
    in chapter 05.

    Examples
    --------
    >>> from stim_lib.maps import make_map
    >>> cell = spatial.h3_cells([40.7], [-74.0], 8)
    >>> steps = pd.DataFrame({"day": [3], "night": [0]}, index=cell)
    >>> add_cells_by_step(make_map("Steps", centre=(40.7, -74), outlines=None), steps, name="Time")
    <map: Steps>
    """
    numbers = values.to_numpy(dtype=float)
    if not 0 <= first < numbers.shape[1] or not (numbers > 0).any():
        raise ValueError(
            f"values: expected cells with values above 0 in some step, and first among the steps; "
            f"found shape {numbers.shape} and first={first}"
        )
    shades = shades or choose_shades(pd.Series(numbers[numbers > 0]))
    outlines = spatial.cell_shapes(values.index)["outline"]
    content = {
        "outlines": [outline.round(5).tolist() for outline in outlines],
        # Minus one is an empty cell; the rest are positions in the list of colours.
        "shade": np.where(numbers > 0, shades.classes_of(np.nan_to_num(numbers)), -1).tolist(),
        "value": [[f"{value:.4g}" for value in row] for row in np.nan_to_num(numbers)],
        "steps": [str(step) for step in values],
        "colours": list(shades.colours),
        "ranges": shades.ranges(),
        "name": name,
        "unit": unit,
        "first": first,
    }
    _slider(content).add_to(city_map.folium_map)
    return city_map


def _slider(content: dict[str, object]) -> object:
    from branca.element import MacroElement
    from jinja2 import Template

    script = resources.files("stim_lib.maps").joinpath("slider.js").read_text(encoding="utf-8")

    class Slider(MacroElement):
        _name = "Slider"
        _template = Template(
            "{% macro script(this, kwargs) %}"
            "({{ this.script }})({{ this.content }}, {{ this._parent.get_name() }});"
            "{% endmacro %}"
        )

        def __init__(self) -> None:
            super().__init__()
            self.script = script
            self.content = _as_script(content)

    return Slider()


def _as_script(content: dict[str, object]) -> str:
    """Write an object of texts, numbers and lists so that no text in it can end the script.

    The page is a Jinja template once more when folium joins it, so that braces are as dangerous as
    "</script>".
    """
    inside = json.dumps(content, ensure_ascii=True)[1:-1]
    for character in "<{}":
        inside = inside.replace(character, f"\\u{ord(character):04x}")
    return "{" + inside + "}"
