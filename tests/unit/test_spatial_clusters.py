"""Points as vectors, clusters in metres and their stability, cells, flows and densities."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN
from sklearn.metrics import adjusted_rand_score

from stim_lib import datasets, schema, spatial
from stim_lib.spatial.vectors import chord_length

latitudes = st.floats(-89.9, 89.9)
longitudes = st.floats(-179.9, 179.9)


def cloud(lat, lon, n, spread_metres, seed):
    """Points around a place, normal in metres."""
    rng = np.random.default_rng(seed)
    north, east = rng.normal(0, spread_metres, (2, n)) / 111_195
    return lat + north, (lon + east / np.cos(np.radians(lat)) + 180) % 360 - 180


class TestVectors:
    @given(latitudes, longitudes, st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
    def test_chord_belongs_to_the_great_circle(self, lat, lon, north, east):
        other = np.clip(lat + north, -90, 90)
        a, b = spatial.earth_vectors([lat, other], [lon, lon + east])
        along = spatial.distance_metres(lat, lon, other, lon + east)
        assert np.linalg.norm(a - b) == pytest.approx(chord_length(along), abs=1e-4)

    def test_pole_has_any_longitude(self):
        poles = spatial.earth_vectors([90, 90], [0, 123])
        assert np.allclose(poles[0], poles[1], atol=1e-6)

    def test_latitude_beyond_the_pole_is_named(self):
        with pytest.raises(ValueError, match="found -91"):
            spatial.earth_vectors([0, -91], [0, 0])

    def test_shapes_must_agree(self):
        with pytest.raises(ValueError, match="one shape"):
            spatial.earth_vectors([0, 1], [0])

    def test_no_way_is_longer_than_half_round(self):
        with pytest.raises(ValueError, match="20,015,087"):
            chord_length(3e7)


class TestClusters:
    @pytest.mark.parametrize("place", [(40.7, -74.0), (69.65, 18.96), (-17.0, 180.0), (89.9, 0.0)])
    def test_three_clouds_are_found_anywhere(self, place):
        lat, lon = place
        centres = [(lat, lon), (lat - 0.02, lon), (lat - 0.04, lon)]
        parts = [cloud(*centre, 60, 100, n) for n, centre in enumerate(centres)]
        lats, lons = (np.concatenate(part) for part in zip(*parts, strict=True))
        truth = np.repeat([0, 1, 2], 60)
        for labels in (
            spatial.kmeans_clusters(lats, lons, 3),
            spatial.dbscan_clusters(lats, lons, radius_metres=150),
            spatial.hdbscan_clusters(lats, lons, min_cluster_size=20),
        ):
            clustered = labels >= 0
            assert clustered.mean() > 0.9
            assert adjusted_rand_score(truth[clustered], labels[clustered]) == 1

    def test_degrees_would_pair_the_wrong_ones(self):
        lat, lon = np.array([60, 60, 60.8, 60.8]), np.array([10, 11, 10, 11])
        assert spatial.kmeans_clusters(lat, lon, 2).tolist() == [0, 0, 1, 1]
        from sklearn.cluster import KMeans

        wrong = KMeans(2, n_init=10, random_state=0).fit_predict(np.c_[lat, lon])
        assert wrong[0] == wrong[2] != wrong[1]

    def test_dbscan_is_that_of_great_circles(self):
        lat, lon = cloud(40.7, -74.0, 400, 2000, 0)
        reference = DBSCAN(eps=300 / spatial.EARTH_RADIUS_METRES, metric="haversine",
                           min_samples=5, algorithm="ball_tree")  # fmt: skip
        there = reference.fit_predict(np.radians(np.c_[lat, lon]))
        here = spatial.dbscan_clusters(lat, lon, radius_metres=300)
        assert len(set(here)) > 3
        assert adjusted_rand_score(there, here) == 1
        assert ((here == -1) == (there == -1)).all()

    def test_radius_is_in_metres_whichever_way(self):
        step = np.degrees(100 / spatial.EARTH_RADIUS_METRES)
        north = [60, 60 + step]
        east = [20, 20 + step / np.cos(np.radians(60))]
        for metres, found in ((99, -1), (101, 0)):
            keywords = {"radius_metres": metres, "min_points": 2}
            assert spatial.dbscan_clusters(north, [20, 20], **keywords).tolist() == [found] * 2
            assert spatial.dbscan_clusters([60, 60], east, **keywords).tolist() == [found] * 2

    def test_weights_count_as_so_many_points(self):
        lat, lon = [40.7, 40.7, 40.8], [-74, -74, -74]
        assert spatial.dbscan_clusters([40.7], [-74], radius_metres=9, weights=[5]).tolist() == [0]
        twice = spatial.cluster_centres(lat, lon, [0, 0, 0])
        once = spatial.cluster_centres(lat[1:], lon[1:], [0, 0], weights=[2, 1])
        assert np.allclose(twice[["lat", "lon", "spread_metres"]],
                           once[["lat", "lon", "spread_metres"]])  # fmt: skip

    def test_heaviest_cluster_is_number_nought(self):
        lat = np.r_[np.full(3, 40.0), np.full(2, 41.0)] + np.arange(5) * 1e-5
        for weights, first in ((None, [0, 0, 0, 1, 1]), ([1, 1, 1, 9, 9], [1, 1, 1, 0, 0])):
            labels = spatial.kmeans_clusters(lat, np.zeros(5), 2, weights=weights)
            assert labels.tolist() == first

    def test_order_moves_only_points_on_a_border(self):
        lat, lon = cloud(40.7, -74.0, 200, 1000, 1)
        order = np.random.default_rng(0).permutation(200)
        straight = spatial.dbscan_clusters(lat, lon, radius_metres=200)[order]
        mixed = spatial.dbscan_clusters(lat[order], lon[order], radius_metres=200)
        assert ((straight == -1) == (mixed == -1)).all()
        assert adjusted_rand_score(straight, mixed) > 0.9

    def test_identical_points(self):
        lat, lon = np.full(30, 40.7), np.full(30, -74.0)
        assert (spatial.dbscan_clusters(lat, lon, radius_metres=1) == 0).all()
        assert (spatial.kmeans_clusters(lat, lon, 1) == 0).all()
        with pytest.raises(ValueError, match="1 to 1 points"):
            spatial.kmeans_clusters(lat, lon, 2)

    def test_missing_points_and_none_are_refused(self):
        for cluster in (
            lambda a, b: spatial.kmeans_clusters(a, b, 1),
            lambda a, b: spatial.dbscan_clusters(a, b, radius_metres=5),
            spatial.hdbscan_clusters,
        ):
            with pytest.raises(ValueError, match="1 without"):
                cluster([40, np.nan], [0, 0])
            with pytest.raises(ValueError, match="0 points"):
                cluster([], [])
        with pytest.raises(ValueError, match="at least 20"):
            spatial.hdbscan_clusters([40, 41], [0, 0])
        with pytest.raises(ValueError, match="above 0"):
            spatial.dbscan_clusters([40], [0], radius_metres=0)
        with pytest.raises(ValueError, match="weights"):
            spatial.kmeans_clusters([40, 41], [0, 0], 1, weights=[1, -1])


class TestCentres:
    def test_centre_across_the_date_line(self):
        centre = spatial.cluster_centres([10, 10], [179, -179], [0, 0]).iloc[0]
        assert abs(centre["lon"]) == pytest.approx(180)
        assert centre["spread_metres"] == pytest.approx(
            spatial.distance_metres(10, 179, centre["lat"], 180), rel=1e-9)  # fmt: skip

    def test_points_not_seen_go_to_the_nearest(self):
        centres = spatial.cluster_centres([0, 0, 5], [0, 2, 5], [0, 0, -1])
        assert centres.index.tolist() == [0]
        found = spatial.nearest_centres([0.1, np.nan, 3], [1, 1, 1], centres, within_metres=50_000)
        assert found["label"].tolist() == [0, -1, -1]
        assert np.isnan(found["distance_metres"][1])
        assert found["distance_metres"][2] == pytest.approx(333_585, abs=1)

    def test_labels_must_fit(self):
        with pytest.raises(ValueError, match="labels"):
            spatial.cluster_centres([0, 1], [0, 1], [0])
        with pytest.raises(ValueError, match="float64"):
            spatial.cluster_centres([0, 1], [0, 1], [0, np.nan])
        with pytest.raises(ValueError, match="at least one"):
            spatial.nearest_centres([0], [0], spatial.cluster_centres([0], [0], [-1]))


class TestStability:
    def test_clouds_come_back_and_slices_of_one_do_not(self):
        apart = [cloud(40.7 + n / 10, -74.0, 80, 300, n) for n in range(3)]
        lat, lon = (np.concatenate(part) for part in zip(*apart, strict=True))

        def three(a, b):
            return spatial.kmeans_clusters(a, b, 3)

        sure = spatial.cluster_stability(lat, lon, three, n_draws=10)
        assert (sure["jaccard"] == 1).all() and sure["n_points"].tolist() == [80] * 3

        def eight(a, b):
            return spatial.kmeans_clusters(a, b, 8)

        one = spatial.cluster_stability(*cloud(40.7, -74, 240, 300, 9), eight, n_draws=10)
        assert one["jaccard"].mean() < 0.85
        assert (one["worst"] <= one["jaccard"]).all()

    def test_overlap_by_hand(self):
        # All: {0, 1, 2} and {3}; in the only draw possible here, of three points, all are one.
        def cluster(lat, lon):
            return np.array([0, 0, 0, 1]) if len(lat) == 4 else np.zeros(len(lat), int)

        table = spatial.cluster_stability(np.arange(4.0), np.zeros(4), cluster, share=0.75,
                                          n_draws=40)  # fmt: skip
        assert table.loc[0, "worst"] == pytest.approx(2 / 3)
        assert table.loc[1, "jaccard"] == pytest.approx(1 / 3)
        assert table.loc[1, "n_draws"] < 40 == table.loc[0, "n_draws"]

    def test_users_are_drawn_as_wholes(self):
        seen = []

        def cluster(lat, lon):
            seen.append(set(zip(lat.tolist(), lon.tolist(), strict=True)))
            return np.zeros(len(lat), int)

        lat = np.repeat(np.arange(10.0), 3)
        lon = np.tile(np.arange(3.0), 10)
        spatial.cluster_stability(lat, lon, cluster, groups=lat, n_draws=3)
        assert [len(points) for points in seen] == [30, 24, 24, 24]

    def test_bad_input(self):
        def cluster(lat, lon):
            return np.zeros(1, int)

        with pytest.raises(ValueError, match="2 labels"):
            spatial.cluster_stability([0, 1], [0, 1], cluster)
        with pytest.raises(ValueError, match="two groups"):
            spatial.cluster_stability([0, 1], [0, 1], cluster, groups=["a", "a"])
        with pytest.raises(ValueError, match="share"):
            spatial.cluster_stability([0, 1], [0, 1], cluster, share=1)
        with pytest.raises(ValueError, match="0 draws"):
            spatial.cluster_stability([0, 1], [0, 1], cluster, n_draws=0)
        with pytest.raises(ValueError, match="groups"):
            spatial.cluster_stability([0, 1], [0, 1], cluster, groups=["a"])


class TestCells:
    @settings(deadline=None)
    @given(latitudes, longitudes, st.integers(2, 10))
    def test_middle_of_a_cell_lies_in_it(self, lat, lon, resolution):
        cells = spatial.h3_cells([lat], [lon], resolution)
        shape = spatial.cell_shapes(cells).iloc[0]
        assert spatial.h3_cells([shape["lat"]], [shape["lon"]], resolution)[0] == cells[0]
        reach = spatial.distance_metres(shape["lat"], shape["lon"], *shape["outline"].T).max()
        assert spatial.distance_metres(lat, lon, shape["lat"], shape["lon"]) <= reach * 1.01
        assert (np.abs(shape["outline"][:, 1] - shape["lon"]) <= 180).all()

    def test_counts_add_up_and_leave_out_what_has_no_place(self):
        nyc = datasets.load_foursquare_nyc()
        counts = spatial.count_cells(nyc["lat"], nyc["lon"], 8, by=nyc["root_category"])
        assert counts.sum().to_dict() == nyc["root_category"].value_counts().to_dict()
        one = spatial.count_cells([40.7, np.nan], [-74, -74], 8)
        assert one["n"].tolist() == [1]

    def test_parents(self):
        cells = spatial.h3_cells([40.7, np.nan], [-74, 0], 9)
        parents = spatial.parent_cells(cells, 7)
        assert parents[1] is None
        assert parents[0] == spatial.h3_cells([40.7], [-74], 7)[0]
        with pytest.raises(ValueError, match="resolution 10 or finer"):
            spatial.parent_cells(cells, 10)
        with pytest.raises(ValueError, match="'here'"):
            spatial.parent_cells(["here"], 2)

    @pytest.mark.parametrize("resolution", [-1, 16, 8.0, "8"])
    def test_resolution_is_checked(self, resolution):
        with pytest.raises(ValueError, match="resolution"):
            spatial.h3_cells([40.7], [-74], resolution)

    def test_bad_coordinates_are_named(self):
        with pytest.raises(ValueError, match="found 140"):
            spatial.h3_cells([140.0], [40.0], 8)
        with pytest.raises(ValueError, match="by"):
            spatial.count_cells([40.7], [-74], 8, by=[1, 2])
        with pytest.raises(ValueError, match="None"):
            spatial.cell_shapes([None])

    def test_nothing_gives_nothing(self):
        assert len(spatial.h3_cells([], [], 8)) == len(spatial.count_cells([], [], 8)) == 0
        assert spatial.cell_shapes([]).columns.tolist() == ["lat", "lon", "area_km2", "outline"]


class TestFlows:
    def log(self, rows):
        table = pd.DataFrame(rows, columns=["user_id", "hour", "lat"])
        table["timestamp"] = pd.Timestamp("2024-05-01", tz="UTC") + pd.to_timedelta(
            table.pop("hour"), "h")  # fmt: skip
        return table.assign(lon=-74.0)

    def test_by_hand(self):
        rows = [("a", 0, 40.7), ("a", 1, 40.8), ("a", 2, 40.8), ("a", 30, 40.7),
                ("b", 0, 40.7), ("b", 1, 40.8), ("b", 2, None), ("b", 3, 40.7)]  # fmt: skip
        flows = spatial.count_flows(self.log(rows), 8)
        # a: one step, then a stay, then too late. b: there and, past a gap in the places, back.
        assert flows[["n", "n_users"]].to_numpy().tolist() == [[2, 2], [1, 1]]
        assert flows["origin"][0] == spatial.h3_cells([40.7], [-74], 8)[0]
        mixed = self.log(rows).sample(frac=1, random_state=0)
        pd.testing.assert_frame_equal(spatial.count_flows(mixed, 8), flows)

    def test_nobody_steps_from_one_user_to_the_next(self):
        assert spatial.count_flows(self.log([("a", 0, 40.7), ("b", 1, 40.8)]), 8).empty

    def test_bad_input(self):
        log = self.log([("a", 0, 40.7)])
        with pytest.raises(schema.SchemaError, match="lon"):
            spatial.count_flows(log.drop(columns="lon"), 8)
        with pytest.raises(ValueError, match="above 0"):
            spatial.count_flows(log, 8, longest_hours=0)


class TestDensity:
    def test_is_the_sum_of_gaussians(self):
        lat, lon = cloud(40.7, -74.0, 50, 1500, 0)
        found = spatial.kernel_density(lat, lon, bandwidth_metres=600, bin_metres=30)
        row, column = 120, 150
        at = [(edges[k] + edges[k + 1]) / 2 for edges, k in
              ((found.lat_edges, row), (found.lon_edges, column))]  # fmt: skip
        away = spatial.distance_metres(lat, lon, *at) / 1000
        direct = np.exp(-(away**2) / (2 * 0.36)).sum() / (2 * np.pi * 0.36)
        assert found.per_km2[row, column] == pytest.approx(direct, rel=0.02)

    def test_mass_is_kept_in_the_far_north(self):
        lat, lon = cloud(69.65, 18.96, 200, 2000, 0)
        found = spatial.kernel_density(lat, lon, bandwidth_metres=500, weights=np.full(200, 3))
        assert found.per_km2.sum() * 0.1**2 == pytest.approx(600, rel=1e-3)

    def test_bounds_cut(self):
        box = (40.6, -74.1, 40.8, -73.9)
        found = spatial.kernel_density([40.7, 50], [-74, 0], bandwidth_metres=500, bounds=box)
        assert found.lat_edges[0] == 40.6 and found.lon_edges[0] == -74.1
        assert found.per_km2.sum() * 0.1**2 == pytest.approx(1, rel=1e-3)

    def test_hills_from_beyond_the_bounds_reach_in(self):
        lat, lon = cloud(40.7, -74.0, 300, 1500, 2)
        whole = spatial.kernel_density(lat, lon, bandwidth_metres=500)
        rows, columns = slice(40, 70), slice(50, 90)
        box = (whole.lat_edges[40], whole.lon_edges[50], whole.lat_edges[70], whole.lon_edges[90])
        part = spatial.kernel_density(lat, lon, bandwidth_metres=500, bounds=box)
        assert part.per_km2.shape == (30, 40)
        assert np.allclose(part.per_km2, whole.per_km2[rows, columns], rtol=0.1)

    def test_bad_input(self):
        with pytest.raises(ValueError, match="weights"):
            spatial.kernel_density([0, 0], [0, 0], bandwidth_metres=500, weights=[1, np.nan])
        with pytest.raises(ValueError, match="one shape"):
            spatial.kernel_density([0, 0], [0], bandwidth_metres=500)
        with pytest.raises(ValueError, match="at least one point"):
            spatial.kernel_density([np.nan], [0], bandwidth_metres=500)
        with pytest.raises(ValueError, match="bin_metres"):
            spatial.kernel_density([0], [0], bandwidth_metres=50)
        with pytest.raises(ValueError, match="date line"):
            spatial.kernel_density([0, 0], [179, -179], bandwidth_metres=500)
