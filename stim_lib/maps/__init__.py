"""Maps that work without a network, and say nothing that a place name could abuse.

Leaflet travels inside each map; outlines are always drawn; OpenStreetMap's tiles are a layer that
the reader may switch on. Introduced in chapters 02 and 05.
"""

from stim_lib.maps.cells import add_cells, add_cells_by_step
from stim_lib.maps.layers import add_flows, add_path, add_points, flow_curves
from stim_lib.maps.outlines import load_outlines, plot_outlines
from stim_lib.maps.page import OfflineMap, make_map
from stim_lib.maps.shades import Shades, choose_shades
from stim_lib.maps.static import plot_cells, plot_flows

__all__ = [
    "OfflineMap",
    "Shades",
    "add_cells",
    "add_cells_by_step",
    "add_flows",
    "add_path",
    "add_points",
    "choose_shades",
    "flow_curves",
    "load_outlines",
    "make_map",
    "plot_cells",
    "plot_flows",
    "plot_outlines",
]
