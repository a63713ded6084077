"""Figures and maps: what they show, and what they must not let through."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from stim_lib import maps, plots

HOSTILE = (
    "</script><script>alert(1)</script>",
    "`);alert(1);(`",
    "${alert(1)}",
    "\\`${alert(1)}",
    '" onmouseover="alert(1)',
    "{{ 7 * 7 }}",
)


@pytest.fixture
def axes():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


class TestStyle:
    def test_lines_differ_in_colour_lightness_and_dash(self, axes):
        plots.use_style()
        lightness = []
        for colour in plots.COLOURS:
            red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
            lightness.append(0.2126 * red + 0.7152 * green + 0.0722 * blue)
        assert min(np.abs(np.diff(lightness))) > 15
        assert len(set(map(str, plots.LINE_STYLES))) == len(plots.COLOURS)

    def test_labels_that_meet_are_pushed_apart(self, axes):
        axes.plot([0, 1], [0, 1.0])
        axes.plot([0, 1], [0, 1.001])
        plots.label_lines(axes, ["a", "b"])
        heights = [text.get_position()[1] for text in axes.texts]
        assert abs(heights[0] - heights[1]) > 5

    def test_six_lines_are_refused(self, axes):
        axes.plot(np.ones((2, 6)))
        with pytest.raises(ValueError, match="at most 5"):
            plots.label_lines(axes, list("abcdef"))

    def test_pipeline_has_a_box_a_step_and_an_arrow_between(self, axes):
        plots.draw_pipeline(axes, [(str(n), "") for n in range(7)])
        assert len(axes.patches) == 7 + 6

    def test_empty_pipeline_is_refused(self, axes):
        with pytest.raises(ValueError, match="at least one"):
            plots.draw_pipeline(axes, [])


class TestVotes:
    def test_area_is_weight_and_filled_is_right(self, axes):
        weights = np.array([[1.0, 0.0], [0.25, 0.75]])
        plots.plot_votes(axes, weights, np.array([[True, False], [False, True]]))
        filled, hollow = axes.collections
        assert filled.get_offsets().tolist() == [[0, 0], [1, 1]]
        assert np.isclose(filled.get_sizes()[1] / hollow.get_sizes()[0], 3)
        assert not np.array_equal(filled.get_facecolor(), hollow.get_facecolor())

    def test_first_question_is_on_top_and_names_are_written(self, axes):
        plots.plot_votes(axes, np.eye(2), np.eye(2), asked=["a", "b"], earlier=["c", "d"])
        assert axes.yaxis_inverted()
        assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
        assert [label.get_text() for label in axes.get_xticklabels()] == ["c", "d"]

    def test_shapes_must_agree(self, axes):
        with pytest.raises(ValueError, match="one shape"):
            plots.plot_votes(axes, np.eye(2), np.eye(3))


class TestWeek:
    def test_cell_by_hand(self, axes):
        sunday_evening = pd.Series(pd.to_datetime(["2024-05-05 21:59", "2024-05-06 00:00"]))
        plots.plot_week(axes, sunday_evening)
        shade = axes.collections[0].get_array().reshape(7, 24)
        assert shade[6, 21] == shade[0, 0] == 50

    def test_times_with_a_zone_are_refused(self, axes):
        with pytest.raises(ValueError, match="wall-clock"):
            plots.plot_week(axes, pd.Series(pd.to_datetime(["2024-05-05"], utc=True)))

    def test_no_times_are_refused(self, axes):
        with pytest.raises(ValueError, match="found none"):
            plots.plot_week(axes, pd.Series([], dtype="datetime64[us]"))


@pytest.fixture
def small_map():
    return maps.make_map("Cafés & <bars>", centre=(40.7, -74.0), outlines=None)


@pytest.fixture
def place():
    return pd.DataFrame({"lat": [40.7], "lon": [-74.0], "name": ["Joe"]})


class TestMap:
    def test_needs_no_network(self, small_map):
        page = small_map.to_html()
        fetched = re.findall(r'(?:src|href)="(https?://[^"]+)"', page)
        assert fetched == []
        assert "data:text/javascript;base64," in page

    def test_frame_has_an_escaped_title(self, small_map):
        assert '<iframe title="Cafés &amp; &lt;bars&gt;"' in small_map._repr_html_()
        assert repr(small_map) == "<map: Cafés & <bars>>"

    def test_same_map_same_text(self, place):
        def page():
            city = maps.make_map("A", centre=(40.7, -74.0), outlines="nyc")
            return maps.add_points(city, place, name="B", tooltip=["name"]).to_html()

        assert page() == page()

    @pytest.mark.parametrize("name", HOSTILE)
    def test_hostile_place_name_is_only_text(self, small_map, place, name):
        maps.add_points(small_map, place.assign(name=name), name=name, tooltip=["name"])
        page = small_map.to_html()
        assert name not in page
        tooltips = re.findall(r"bindTooltip\(\s*`(.*?)`,", page, re.DOTALL)
        assert len(tooltips) == 1
        assert not set("`$\\") & set(tooltips[0])
        assert page.count("<script") == maps.make_map(
            "x", centre=(40.7, -74.0), outlines=None
        ).to_html().count("<script")

    def test_list_of_layers_comes_after_the_last_layer_however_often_shown(self, small_map, place):
        small_map.to_html()
        maps.add_points(small_map, place, name="Late")
        page = small_map.to_html()
        assert page.count("L.control.layers(") == 1
        assert page.index("L.control.layers(") > page.index("L.circleMarker(")

    def test_places_without_coordinates_are_left_out(self, small_map, place):
        two = pd.concat([place, place.assign(lat=np.nan, lon=np.nan)])
        maps.add_points(small_map, two, name="x")
        assert small_map.to_html().count("L.circleMarker") == 1

    def test_missing_column_is_named(self, small_map, place):
        with pytest.raises(ValueError, match="found no colour"):
            maps.add_points(small_map, place, name="x", tooltip=["colour"])

    def test_path_needs_two_points(self, small_map, place):
        with pytest.raises(ValueError, match="at least two"):
            maps.add_path(small_map, place, name="x")

    def test_unknown_outlines(self):
        with pytest.raises(ValueError, match="'nyc', 'world'"):
            maps.make_map("x", centre=(0, 0), outlines="mars")

    def test_outlines_contain_a_known_point(self):
        from shapely.geometry import Point

        boroughs = maps.load_outlines("nyc").set_index("name").geometry
        assert boroughs["Manhattan"].contains(Point(-73.9857, 40.7484))
        assert not boroughs["Brooklyn"].contains(Point(-73.9857, 40.7484))
        land = maps.load_outlines("world").geometry[0]
        assert land.contains(Point(116.4, 39.9))
        assert not land.contains(Point(-40, 30))

    def test_static_outlines_keep_their_shape(self, axes):
        maps.plot_outlines(axes, "nyc")
        assert axes.get_aspect() == pytest.approx(1 / np.cos(np.radians(40.7)), rel=0.02)

    def test_id_of_a_place_that_looks_like_folium_s_stays(self, small_map, place):
        own = "5d41402abc4b2a76b9719d911017c592"
        maps.add_points(small_map, place.assign(name=own), name="x", tooltip=["name"])
        assert f"name: {own}" in small_map.to_html()
