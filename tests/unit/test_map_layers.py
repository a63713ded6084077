"""Cells, sliders and flows on maps: shades, curves, and labels that stay labels."""

import json

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from stim_lib import maps, spatial

HOSTILE = ("</script><script>alert(1)</script>", "`);alert(1);(`", "${alert(1)}", "{{ 7 * 7 }}")


@pytest.fixture
def small_map():
    return maps.make_map("Some cells", centre=(40.7, -74.0), outlines=None)


@pytest.fixture
def axes():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


@pytest.fixture
def cells():
    return spatial.h3_cells([40.70, 40.75, 40.80], [-74.0] * 3, 8)


def n_scripts(page):
    return page.count("<script")


class TestShades:
    def test_classes_by_hand(self):
        shades = maps.choose_shades([1, 10, 100], n_classes=2)
        assert shades.classes_of([0.5, 1, 9.9, 10, 100, 900]).tolist() == [0, 0, 0, 1, 1, 1]
        assert shades.ranges() == ["1 to 9", "10 to 100"]
        assert maps.choose_shades([0.5, 50], n_classes=2).ranges() == ["0.5 to 5", "5 to 50"]

    def test_whole_numbers_have_whole_classes(self):
        shades = maps.choose_shades([1, 2, 3], n_classes=6)
        assert shades.ranges() == ["1", "2 to 3"]
        assert shades.classes_of([1, 2, 3]).tolist() == [0, 1, 1]
        assert len(shades.colours) == 2

    def test_linear(self):
        assert maps.choose_shades([-1.5, 0.5], n_classes=4, scale="linear").edges.tolist() == [
            -1.5, -1, -0.5, 0, 0.5,
        ]  # fmt: skip

    def test_darker_is_more(self):
        colours = maps.choose_shades([1, 1000]).colours
        light = [0.21 * r + 0.72 * g + 0.07 * b for r, g, b in map(mpl.colors.to_rgb, colours)]
        assert (np.diff(light) < -0.08).all()

    def test_one_value_has_a_class(self):
        assert maps.choose_shades([7, np.nan]).classes_of([7]).tolist() == [0]

    def test_bad_input(self):
        with pytest.raises(ValueError, match="from 0 to 1"):
            maps.choose_shades([0, 1])
        with pytest.raises(ValueError, match="found 0"):
            maps.choose_shades([np.nan])
        with pytest.raises(ValueError, match="to inf"):
            maps.choose_shades([1, np.inf])

    def test_classes_rise_however_near_the_values(self):
        for scale, values in (("log", [100, 100.5]), ("linear", [1234.5, 1240])):
            assert (np.diff(maps.choose_shades(values, scale=scale).edges) > 0).all()

    def test_unknown_scales_and_counts(self):
        with pytest.raises(ValueError, match="1 to 9 classes"):
            maps.choose_shades([1], n_classes=10)
        with pytest.raises(ValueError, match="'cube'"):
            maps.choose_shades([1], scale="cube")


class TestCells:
    def test_layer_has_a_polygon_a_cell(self, small_map, cells):
        maps.add_cells(small_map, pd.Series([1, 5, np.nan], cells), name="x", unit="visits")
        page = small_map.to_html()
        assert page.count("L.polygon(") == 2
        assert "5 visits" in page and "nan" not in page.lower().split("bindtooltip")[1]

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_names_are_only_text(self, small_map, cells, text):
        before = n_scripts(small_map.to_html())
        values = pd.Series([1, 2, 3], cells)
        maps.add_cells(small_map, values, name=text, unit=text)
        maps.add_cells_by_step(small_map, values.to_frame(text), name=text, unit=text)
        page = small_map.to_html()
        assert n_scripts(page) == before
        content = page[page.index('{"outlines"') :]
        assert json.JSONDecoder().raw_decode(content)[0]["steps"] == [text]

    def test_slider_holds_every_step(self, small_map, cells):
        steps = pd.DataFrame({"a": [0, 1, 10], "b": [100, np.nan, 3]}, cells)
        maps.add_cells_by_step(small_map, steps, name="Part", first=1)
        page = small_map.to_html()
        content = json.JSONDecoder().raw_decode(page[page.index('{"outlines"') :])[0]
        assert 'range.addEventListener("input"' in page
        assert content["steps"] == ["a", "b"] and content["first"] == 1
        assert content["shade"][0] == [-1, 5] and content["shade"][1] == [0, -1]
        assert content["value"][2] == ["10", "3"]

    def test_slider_page_is_the_same_each_time(self, cells):
        def page():
            city = maps.make_map("A", centre=(40.7, -74.0), outlines=None)
            steps = pd.DataFrame({"a": [1, 1, 2]}, cells)
            return maps.add_cells_by_step(city, steps, name="Part").to_html()

        assert page() == page()

    def test_bad_input(self, small_map, cells):
        with pytest.raises(ValueError, match="H3 indices, found 'here'"):
            maps.add_cells(small_map, pd.Series([1], ["here"]), name="x")
        with pytest.raises(ValueError, match="above 0"):
            maps.add_cells_by_step(small_map, pd.DataFrame({"a": [0, 0, 0]}, cells), name="x")
        with pytest.raises(ValueError, match="first=2"):
            maps.add_cells_by_step(
                small_map, pd.DataFrame({"a": [1, 0, 0]}, cells), name="x", first=2
            )


class TestFlows:
    @pytest.fixture
    def flows(self, cells):
        return pd.DataFrame({"origin": cells[:2], "destination": cells[1:], "n": [4, 2]})

    def test_there_and_back_bend_apart(self, cells):
        both = pd.DataFrame({"origin": cells[:2], "destination": cells[1::-1]})
        north, south = maps.flow_curves(both)
        assert np.allclose(north[[0, -1]], south[[-1, 0]])
        assert north[6, 1] > north[[0, -1], 1].max() > south[6, 1]

    def test_bend_is_square_to_the_way_in_metres(self, cells):
        (curve,) = maps.flow_curves(pd.DataFrame({"origin": cells[:1], "destination": cells[2:]}))
        ends, middle = curve[[0, -1]].mean(axis=0), curve[6]
        aside = spatial.distance_metres(*ends, *middle)
        assert aside / spatial.distance_metres(*curve[0], *curve[-1]) == pytest.approx(
            0.18, rel=0.01
        )

    def test_across_the_date_line_the_short_way(self):
        ends = spatial.h3_cells([-17, -17], [179.5, -179.5], 6)
        (curve,) = maps.flow_curves(pd.DataFrame({"origin": ends[:1], "destination": ends[1:]}))
        assert curve[:, 1].min() > 179 and curve[:, 1].max() < 181

    def test_one_layer_instead_of_another(self, small_map, flows):
        maps.add_flows(small_map, flows, name="Morning", instead=True)
        maps.add_flows(small_map, flows, name="Evening", instead=True, show=False)
        page = small_map.to_html()
        choices = page[page.index("base_layers :") : page.index("overlays :")]
        assert '"Morning"' in choices and '"Evening"' in choices
        assert "window.innerWidth < 500" in page

    def test_layers(self, small_map, flows, axes):
        maps.add_flows(small_map, flows, name="Morning")
        assert small_map.to_html().count("L.polyline(") == 2
        maps.plot_flows(axes, flows, widest=8)
        assert [line.get_linewidth() for line in axes.lines] == [8, 4]

    def test_bad_input(self, small_map, flows, axes):
        with pytest.raises(ValueError, match="no n_users"):
            maps.add_flows(small_map, flows, name="x", by="n_users")
        with pytest.raises(ValueError, match="no n_users"):
            maps.plot_flows(axes, flows, by="n_users")
        with pytest.raises(ValueError, match="no destination"):
            maps.flow_curves(flows.drop(columns="destination"))
        with pytest.raises(ValueError, match="found 0 rows"):
            maps.flow_curves(flows.iloc[:0])


class TestStatic:
    def test_cells_in_print(self, axes, cells):
        drawn = maps.plot_cells(axes, pd.Series([1, 10, np.nan], cells), limits=(1, 100))
        assert len(drawn.get_paths()) == 2
        assert drawn.norm(10) == pytest.approx(0.5)

    def test_bad_input(self, axes, cells):
        with pytest.raises(ValueError, match="'cube'"):
            maps.plot_cells(axes, pd.Series([1], cells[:1]), scale="cube")
        with pytest.raises(ValueError, match="found 0"):
            maps.plot_cells(axes, pd.Series([np.nan], cells[:1]))
        with pytest.raises(ValueError, match="the least 0"):
            maps.plot_cells(axes, pd.Series([0, 1], cells[:2]))
