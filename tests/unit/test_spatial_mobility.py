"""How users move: by hand, at the limits, and as three other libraries see it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stim_lib import datasets, schema, simulate, spatial

PEERS = json.loads((Path(__file__).parent / "fixtures" / "mobility_peers.json").read_text())
# All three peers take a sphere of 6,371,000 m, where they take one; ours has the mean radius.
SCALE = spatial.EARTH_RADIUS_METRES / 6_371_000
DEGREE = 2 * np.pi * spatial.EARTH_RADIUS_METRES / 360


def log_of(points, users=None, items=None, hours=None):
    """One action a day, from Monday 6 May 2024, at noon unless told otherwise."""
    n = len(points)
    local = pd.Timestamp("2024-05-06") + pd.to_timedelta(np.arange(n), unit="D")
    local += pd.to_timedelta(np.broadcast_to(12 if hours is None else hours, n), unit="h")
    return pd.DataFrame(
        {
            "user_id": users or ["a"] * n,
            "item_id": items or [f"{lat},{lon}" for lat, lon in points],
            "timestamp": local.tz_localize("UTC"),
            "local_time": local,
            "lat": [float(lat) for lat, _ in points],
            "lon": [float(lon) for _, lon in points],
        }
    )


@pytest.fixture(scope="module")
def peers_log():
    events = pd.DataFrame(PEERS["events"])
    return events.assign(
        timestamp=pd.to_datetime(events["timestamp"]).astype(schema.TIME_DTYPE),
        local_time=pd.to_datetime(events["local_time"]),
    )


class TestRadiusOfGyration:
    def test_by_hand(self):
        log = log_of([(0, 0), (0, 0), (0, 3)])
        # The centre is at one: one, one and two away.
        assert spatial.radius_of_gyration(log)["a"] == pytest.approx(np.sqrt(2) * DEGREE, rel=1e-3)

    @pytest.mark.parametrize("points", [[(40, -74)], [(40.1, -73.9)] * 7, [(90, 0), (90, 120)]])
    def test_one_place_has_none(self, points):
        assert spatial.radius_of_gyration(log_of(points))["a"] == pytest.approx(0, abs=0.2)

    def test_turning_the_earth_changes_nothing(self):
        log = log_of([(0, 0), (10, 1), (0, 2)])
        radius = spatial.radius_of_gyration(log)["a"]
        for turn in (179, -90):
            turned = log.assign(lon=(log["lon"] + turn + 180) % 360 - 180)
            assert spatial.radius_of_gyration(turned)["a"] == pytest.approx(radius, rel=1e-9)
        # Over the pole: 2 degrees on the one side, 2 on the other.
        pole = log_of([(88, 0), (88, 180)])
        assert spatial.radius_of_gyration(pole)["a"] == pytest.approx(2 * DEGREE)

    def test_the_mean_of_degrees_is_lost_across_the_antimeridian(self):
        log = log_of([(0, 179), (0, -179)])
        assert spatial.radius_of_gyration(log)["a"] == pytest.approx(DEGREE)
        wrong = spatial.radius_of_gyration(log, centre="degrees")["a"]
        assert wrong == pytest.approx(179 * DEGREE)

    def test_in_a_city_both_centres_agree(self):
        log = datasets.load_foursquare_nyc()
        sphere, degrees = (
            spatial.radius_of_gyration(log, centre=centre) for centre in ("sphere", "degrees")
        )
        np.testing.assert_allclose(sphere, degrees, rtol=1e-6)
        # The centre of mass is where the radius is least, so near it hardly matters which.
        assert (degrees >= sphere * (1 - 1e-9)).all()

    def test_ends_of_the_earth_have_no_middle(self):
        assert np.isnan(spatial.radius_of_gyration(log_of([(0, 0), (0, 180)]))["a"])

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.tuples(st.floats(-80, 80), st.floats(-180, 180)), min_size=2, max_size=8),
        st.floats(-360, 360),
    )
    def test_bounded_by_half_the_earth_and_deaf_to_turns_and_order(self, points, turn):
        log = log_of(points)
        radius = spatial.radius_of_gyration(log)["a"]
        turned = log.assign(lon=(log["lon"] + turn + 180) % 360 - 180)[::-1]
        again = spatial.radius_of_gyration(turned)["a"]
        resultant = np.linalg.norm(spatial.sphere.unit_vectors(log["lat"], log["lon"]).mean(axis=1))
        if resultant > 1e-3:
            assert 0 <= radius <= np.pi * spatial.EARTH_RADIUS_METRES
            assert again == pytest.approx(radius, rel=1e-6, abs=0.5)


class TestJumps:
    def test_by_hand(self):
        log = log_of([(0, 0), (0, 1), (5, 5), (1, 1)], users=["a", "a", "b", "a"])
        found = spatial.jump_lengths(log[::-1])
        assert found.index.tolist() == [3, 2, 1, 0]
        assert found.sort_index().tolist() == pytest.approx(
            [np.nan, DEGREE, np.nan, DEGREE], nan_ok=True
        )

    def test_the_antimeridian_is_no_wall(self):
        log = log_of([(0, 179.5), (0, -179.5)])
        assert spatial.jump_lengths(log)[1] == pytest.approx(DEGREE)

    def test_the_ellipsoid_is_flatter(self):
        log = log_of([(0, 0), (0, 1), (1, 1)])
        # A degree of the equator, and of the meridian beside it, on WGS-84.
        found = spatial.jump_lengths(log, earth="ellipsoid").tolist()
        assert found[1:] == pytest.approx([111_319.49, 110_574.39], abs=0.01)

    def test_actions_without_coordinates_are_passed_over(self):
        log = log_of([(0, 0), (np.nan, np.nan), (0, 1)])
        found = spatial.jump_lengths(log)
        assert np.isnan(found[:2]).all() and found[2] == pytest.approx(DEGREE)


class TestVisitation:
    log = log_of([(0, 0)] * 7, items=list("xxxxyyz"), users=["a"] * 7)

    def test_by_hand(self):
        shares = np.array([4, 2, 1]) / 7
        plain = -(shares * np.log2(shares)).sum()
        assert spatial.visitation_entropy(self.log)["a"] == pytest.approx(plain)
        corrected = spatial.visitation_entropy(self.log, correction="miller-madow")["a"]
        assert corrected == pytest.approx(plain + 2 / (14 * np.log(2)))
        assert spatial.visitation_entropy(self.log, kind="random")["a"] == np.log2(3)
        assert spatial.top_place_share(self.log)["a"] == 4 / 7
        assert spatial.top_place_share(self.log, k=2)["a"] == 6 / 7
        assert spatial.top_place_share(self.log, k=9)["a"] == 1
        assert spatial.new_place_rate(self.log)["a"] == 2 / 6

    def test_limits(self):
        one = self.log[:4]
        assert spatial.visitation_entropy(one)["a"] == 0 == spatial.new_place_rate(one)["a"]
        alike = log_of([(0, 0)] * 8, items=list("abcdefgh"))
        assert spatial.visitation_entropy(alike)["a"] == pytest.approx(3)
        assert spatial.new_place_rate(alike)["a"] == 1
        assert np.isnan(spatial.new_place_rate(self.log[:1])["a"])

    def test_names_of_places_do_not_matter_but_another_column_does(self):
        other = self.log.assign(item_id=self.log["item_id"].map({"x": "c", "y": "b", "z": "a"}))
        for measure in (spatial.visitation_entropy, spatial.top_place_share):
            assert measure(other).tolist() == pytest.approx(measure(self.log).tolist())
        cells = self.log.assign(cell=[1, 1, 1, 1, 1, 1, 2])
        assert spatial.top_place_share(cells, place="cell")["a"] == 6 / 7

    def test_scipy_agrees(self):
        from scipy.stats import entropy

        log = datasets.load_foursquare_nyc()
        counts = log.groupby(["user_id", "item_id"]).size()
        expected = counts.groupby("user_id").apply(entropy, base=2)
        np.testing.assert_allclose(spatial.visitation_entropy(log), expected)


class TestPeers:
    """What trackintel, movingpandas and scikit-mobility said about a small made log."""

    @pytest.mark.parametrize("peer", ["trackintel", "scikit-mobility"])
    def test_radius_of_gyration_around_the_mean_of_degrees(self, peers_log, peer):
        theirs = pd.Series(PEERS[peer]["radius_of_gyration"]) * SCALE
        found = spatial.radius_of_gyration(peers_log, centre="degrees")
        np.testing.assert_allclose(found, theirs[found.index], rtol=1e-6)
        # With the centre on the sphere nothing changes in the city, and the islander comes home.
        right = spatial.radius_of_gyration(peers_log)
        city = right.index.str.startswith("u")
        np.testing.assert_allclose(right[city], theirs[right.index[city]], rtol=1e-6)
        assert theirs["islander"] > 12e6 and right["islander"] < 150e3
        # Between continents it is not the same centre either: theirs is farther from all.
        assert right["traveller"] < 0.95 * theirs["traveller"]

    @pytest.mark.parametrize(
        ("peer", "earth", "scale"),
        [
            ("trackintel", "sphere", SCALE),
            ("scikit-mobility", "sphere", SCALE),
            ("movingpandas", "ellipsoid", 1.0),
        ],
    )
    def test_jump_lengths(self, peers_log, peer, earth, scale):
        theirs = np.array(PEERS[peer]["jump_lengths"], dtype=float) * scale
        found = spatial.jump_lengths(peers_log, earth=earth).to_numpy()
        assert np.array_equal(np.isnan(found), np.isnan(theirs))
        long = found >= 100
        np.testing.assert_allclose(found[long], theirs[long], rtol=1e-6)
        # Near 0 trackintel's arccos goes in steps of up to 9 cm.
        short = found < 100
        np.testing.assert_allclose(found[short], theirs[short], atol=0.1, rtol=0)
        assert long.sum() > 100 and short.sum() > 5

    def test_total_jump(self, peers_log):
        jumps = spatial.jump_lengths(peers_log, earth="ellipsoid")
        found = jumps.groupby(peers_log["user_id"]).sum()
        theirs = pd.Series(PEERS["movingpandas"]["total_jump"])
        np.testing.assert_allclose(found, theirs[found.index], rtol=1e-6)
        # The sphere, which the table of measures takes, is up to half a percent off.
        table = spatial.mobility_measures(peers_log)["total_jump_metres"]
        np.testing.assert_allclose(table, theirs[table.index], rtol=5e-3)

    def test_spread_over_places(self, peers_log):
        theirs = {name: pd.Series(PEERS["scikit-mobility"][name])
                  for name in ("visitation_entropy", "random_entropy", "n_places")}  # fmt: skip
        table = spatial.mobility_measures(peers_log)
        plain = table["visitation_entropy_bits"]
        np.testing.assert_allclose(plain, theirs["visitation_entropy"][plain.index], rtol=1e-9)
        random = spatial.visitation_entropy(peers_log, kind="random")
        np.testing.assert_allclose(random, theirs["random_entropy"][random.index], rtol=1e-9)
        assert (table["n_places"] == theirs["n_places"][table.index]).all()

    def test_home(self, peers_log):
        homes = spatial.find_home_and_work(peers_log)
        theirs = PEERS["scikit-mobility"]["home"]
        city = [user for user in homes.index if user.startswith("u")]
        nights = peers_log["local_time"].dt.hour.isin([22, 23, 0, 1, 2, 3, 4, 5, 6])
        counts = peers_log[nights].groupby(["user_id", "item_id"]).size()
        for user in city:
            ranked = counts[user].sort_values()
            if len(ranked) == 1 or ranked.iloc[-1] > ranked.iloc[-2]:
                found = homes.loc[user, ["home_lat", "home_lon"]].tolist()
                assert found == pytest.approx(theirs[user])

    def test_most_visited_place(self, peers_log):
        found = spatial.find_home_and_work(peers_log, night_hours=(0, 24))
        theirs = PEERS["trackintel"]["most_visited_place"]
        counts = peers_log.groupby(["user_id", "item_id"]).size()
        for user, place in theirs.items():
            assert counts[user, place] == counts[user].max() == found.loc[user, "n_home"]
            if (counts[user] == counts[user].max()).sum() == 1:
                assert found.loc[user, "home"] == place


class TestHomeAndWork:
    log = log_of(
        [(0, 0), (0, 1), (0, 0), (0, 1), (0, 2), (0, 3), (0, 3), (0, 3)],
        items=["flat", "office", "flat", "office", "bar", "park", "park", "park"],
        hours=[23, 10, 2, 16.5, 23, 10, 10, 17],
    )  # Monday to Monday; the park on Saturday, Sunday, and on Monday after work

    def test_by_hand(self):
        row = spatial.find_home_and_work(self.log).loc["a"]
        assert (row["home"], row["n_home"], row["n_night"]) == ("flat", 2, 3)
        assert (row["work"], row["n_work"], row["n_day"]) == ("office", 2, 2)
        assert row["home_work_metres"] == pytest.approx(DEGREE)

    def test_only_the_past_is_used(self):
        before = pd.Timestamp("2024-05-07 10:00", tz="UTC")
        row = spatial.find_home_and_work(self.log, before=before).loc["a"]
        assert row["home"] == "flat" and row["n_home"] == 1 and pd.isna(row["work"])
        pd.testing.assert_frame_equal(
            spatial.mobility_measures(self.log, before=before),
            spatial.mobility_measures(self.log[:1]),
        )

    def test_home_is_not_work_and_the_first_of_equals_leads(self):
        log = log_of([(0, 0), (0, 1), (0, 0), (0, 0)], items=list("hbhh"), hours=[23, 23, 10, 11])
        row = spatial.find_home_and_work(log).loc["a"]
        assert row["home"] == "h" and pd.isna(row["work"]) and row["n_day"] == 0

    def test_hours_may_cross_midnight_or_not(self):
        found = spatial.find_home_and_work(self.log, night_hours=(16, 18), work_hours=(22, 3))
        assert found.loc["a", ["home", "work"]].tolist() == ["office", "flat"]

    def test_a_made_city_is_found_out(self):
        city = simulate.make_city(200, 1000, 90, seed=0, decay_length=100.0, change_share=0.0)
        truth = city.users.set_index("user_id")
        found = spatial.find_home_and_work(city.log).reindex(truth.index)

        def recall(what, of):
            apart = spatial.distance_metres(
                truth[f"{what}_lat"], truth[f"{what}_lon"], of[f"{what}_lat"], of[f"{what}_lon"]
            )
            return (apart <= 2000)[truth[f"{what}_lat"].notna()].mean()

        strangers = found.sample(frac=1, random_state=0).set_axis(found.index)
        for what in ("home", "work"):
            assert recall(what, found) > 0.93 > 0.35 > recall(what, strangers)


class TestMeasures:
    def test_each_column_is_its_function(self):
        log = datasets.load_foursquare_nyc()
        table = spatial.mobility_measures(log)
        for name, measure in {
            "radius_of_gyration_metres": spatial.radius_of_gyration(log),
            "visitation_entropy_bits": spatial.visitation_entropy(log),
            "top_place_share": spatial.top_place_share(log),
            "top_3_share": spatial.top_place_share(log, k=3),
            "new_place_rate": spatial.new_place_rate(log),
        }.items():
            pd.testing.assert_series_equal(table[name], measure)
        jumps = spatial.jump_lengths(log).groupby(log["user_id"])
        for how in ("mean", "median"):
            np.testing.assert_allclose(table[f"{how}_jump_metres"], jumps.agg(how))
        np.testing.assert_allclose(table["total_jump_metres"], jumps.sum())
        homes = spatial.find_home_and_work(log)
        pd.testing.assert_frame_equal(table[["home", "work"]], homes[["home", "work"]])
        of_row = homes.loc[log["user_id"]]
        apart = spatial.distance_metres(
            log["lat"], log["lon"], of_row["home_lat"], of_row["home_lon"]
        )
        np.testing.assert_allclose(
            table["mean_home_distance_metres"], pd.Series(apart).groupby(log["user_id"]).mean()
        )
        assert (table["reason"] == "").all() and table.notna().all(axis=None)

    def test_users_without_numbers_say_why(self):
        log = log_of(
            [(0, 0), (np.nan, np.nan), (np.nan, np.nan), (0, 1), (0, 2), (0, 2), (0, 2)],
            users=list("abbaccd"), hours=[12, 12, 12, 23, 12, 12, 3],
        )  # fmt: skip
        table = spatial.mobility_measures(log)
        assert table["n_located"].tolist() == [2, 0, 2, 1]
        assert table["n_missing"].tolist() == [0, 2, 0, 0]
        assert table["reason"].tolist() == [
            "",
            "no action with coordinates",
            "no action at night: no home",
            "one action: no jump, no rate of new places",
        ]
        assert table.loc["b"].drop(["n_located", "n_missing", "n_places", "reason"]).isna().all()
        assert table.loc["c", "radius_of_gyration_metres"] == pytest.approx(0, abs=1e-3)

    def test_order_and_company_do_not_matter(self):
        log = datasets.load_foursquare_nyc()
        log = log[log["user_id"] < "u010"].drop_duplicates(["user_id", "timestamp"])
        table = spatial.mobility_measures(log)
        shuffled = spatial.mobility_measures(log.sample(frac=1, random_state=0))
        pd.testing.assert_frame_equal(table, shuffled)
        alone = spatial.mobility_measures(log[log["user_id"] == "u003"])
        pd.testing.assert_frame_equal(table.loc[["u003"]], alone)

    def test_an_empty_log_gives_the_same_columns(self):
        log = log_of([(0, 0)])
        assert list(spatial.mobility_measures(log[:0])) == list(spatial.mobility_measures(log))
        assert not len(spatial.mobility_measures(log[:0]))


class TestSphere:
    def test_centre_of_mass(self):
        lat, lon = spatial.centre_of_mass([10, 10, np.nan], [170, -170, 0])
        assert abs(lon) == pytest.approx(180) and lat > 10  # the middle of the arc bulges north
        with pytest.raises(ValueError, match="cancel out"):
            spatial.centre_of_mass([0, 0], [0, 180])
        with pytest.raises(ValueError, match="at least one"):
            spatial.centre_of_mass([np.nan], [0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda log: spatial.radius_of_gyration(log, centre="x"), ValueError, "sphere"),
        (lambda log: spatial.jump_lengths(log, earth="flat"), ValueError, "ellipsoid"),
        (lambda log: spatial.visitation_entropy(log, kind="x"), ValueError, "uncorrelated"),
        (
            lambda log: spatial.visitation_entropy(log, kind="random", correction="miller-madow"),
            ValueError,
            "no estimate",
        ),
        (lambda log: spatial.top_place_share(log, k=0), ValueError, "1 or more"),
        (lambda log: spatial.find_home_and_work(log, work_hours=(9, 25)), ValueError, "work_hours"),
        (
            lambda log: spatial.find_home_and_work(log, before=pd.Timestamp("2024-05-07")),
            ValueError,
            "time zone",
        ),
        (
            lambda log: spatial.jump_lengths(log.assign(timestamp=log["local_time"])),
            schema.SchemaError,
            "not wall-clock",
        ),
        (
            lambda log: spatial.find_home_and_work(log.assign(local_time=log["timestamp"])),
            schema.SchemaError,
            "without a zone",
        ),
        (
            lambda log: spatial.new_place_rate(log.assign(item_id=[None, "x"])),
            schema.SchemaError,
            "item_id, row 0: expected a value",
        ),
        (
            lambda log: spatial.radius_of_gyration(log.assign(lat=[0, 116.4])),
            schema.SchemaError,
            "row 1",
        ),
        (lambda log: spatial.mobility_measures(log.drop(columns="lat")), schema.SchemaError, "lat"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(log_of([(0, 0), (0, 1)]))
