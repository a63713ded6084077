"""Draw the picture on the cover: every public venue of the NYC log, coloured by its time of day.

Run ``python scripts/draw_cover.py``; writes book/images/cover.png and favicon.png. Homes are left
out, and dots are moved by up to 150 m, so that the picture shows a city and nobody's address.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.projections.polar import PolarAxes

from stim_lib import datasets, maps

IMAGES = Path(__file__).resolve().parents[1] / "book" / "images"
GROUND = "#0d1321"
WIDEST_MOVE_DEGREES = 150 / 111_200
SEED = 0


def main() -> None:
    """Write both pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    log = datasets.load_foursquare_nyc()
    log = log[log["root_category"] != "Residence"]
    angle = 2 * np.pi * (log["local_time"].dt.hour + log["local_time"].dt.minute / 60) / 24
    turned = log.assign(sin=np.sin(angle), cos=np.cos(angle))
    venue = turned.groupby("item_id").agg(
        lat=("lat", "first"), lon=("lon", "first"), sin=("sin", "mean"), cos=("cos", "mean"),
        n=("lat", "size"),
    )  # fmt: skip
    rng = np.random.default_rng(SEED)
    venue[["lat", "lon"]] += rng.uniform(-1, 1, (len(venue), 2)) * WIDEST_MOVE_DEGREES
    hour = np.arctan2(venue["sin"], venue["cos"]) % (2 * np.pi) * 24 / (2 * np.pi)

    figure = plt.figure(figsize=(12, 5.2), facecolor=GROUND)
    axes = figure.add_axes((0, 0, 1, 1))
    maps.load_outlines("nyc").plot(ax=axes, color="#182238", edgecolor="#33415f", linewidth=0.6)
    axes.scatter(
        venue["lon"], venue["lat"], c=hour, s=3 + 5 * np.sqrt(venue["n"]), cmap="twilight_shifted",
        norm=mpl.colors.Normalize(0, 24), alpha=0.85, linewidths=0,
    )  # fmt: skip
    axes.set(xlim=(-74.32, -73.62), ylim=(40.6, 40.9), aspect=1 / np.cos(np.radians(40.75)))
    axes.set_axis_off()
    clock = figure.add_axes((0.045, 0.16, 0.16, 0.68), projection="polar", facecolor="none")
    draw_dial(clock, inner=0.68)
    for mark in (0, 6, 12, 18):
        clock.text(
            mark * np.pi / 12, 0.45, f"{mark:02d}", color="white", ha="center", va="center", size=11
        )
    figure.savefig(IMAGES / "cover.png", dpi=130, facecolor=GROUND)
    plt.close(figure)
    draw_favicon()


def draw_dial(axes: PolarAxes, inner: float) -> None:
    """Draw the day as a ring, midnight up, in the colours that the dots have."""
    steps = np.linspace(0, 2 * np.pi, 193)
    colours = mpl.colormaps["twilight_shifted"](steps[:-1] / (2 * np.pi))
    axes.bar(steps[:-1], 1 - inner, width=steps[1], bottom=inner, align="edge", color=colours)
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    axes.set_axis_off()


def draw_favicon() -> None:
    """A clock face in the colours of the day."""
    figure = plt.figure(figsize=(0.64, 0.64))
    axes = figure.add_axes((0, 0, 1, 1), projection="polar")
    draw_dial(axes, inner=0.5)
    figure.savefig(IMAGES / "favicon.png", dpi=100, transparent=True)
    plt.close(figure)


if __name__ == "__main__":
    main()
