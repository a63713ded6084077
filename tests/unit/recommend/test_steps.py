"""Each step on logs that can be worked out by hand, and logs that lack nearly everything."""

import html

import numpy as np
import pandas as pd
import pytest

from stim_lib import recommend, schema
from stim_lib.recommend.candidates import Roads, find_candidates, keys_by_road
from stim_lib.recommend.features import FAMILIES, FAMILY_OF_WEIGHT, Atlas, Describer
from stim_lib.recommend.groups import cell_codes, group_pairs
from stim_lib.recommend.kinship import similar_places
from stim_lib.recommend.ranking import _sink, fit_ranker, settings_of
from stim_lib.recommend.reasons import plain_name
from stim_lib.recommend.rerank import best_of_each_query, diversify
from stim_lib.recommend.samples import query_batches
from stim_lib.recommend.sight import MOST_ACTIONS, look, weigh_pairs
from stim_lib.recommend.statistics import PRIOR_ACTIONS, learn_statistics

DAY = 24.0


def ask(user, hour):
    when = pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(hours=hour)
    return pd.DataFrame({"user_id": [user], "timestamp": [when]})


class TestStatistics:
    def test_counts_by_hand(self, make_log):
        log = make_log([0, 2, 50, 1, 4], users=list("aaabb"), items=["x", "y", "x", "x", "z"])
        found = learn_statistics(log)
        assert found.catalogue.tolist() == ["x", "y", "z"]
        assert found.visits.tolist() == [3, 1, 1]
        assert found.visitors.tolist() == [2, 1, 1]
        assert found.return_hours == 50
        assert found.gap_hours == 3  # of 2, 48 and 3
        assert found.steps[0, 1] == 1 / (2 + PRIOR_ACTIONS)
        assert found.item_hours.sum(axis=1) == pytest.approx(1)
        assert found.category_hours.sum(axis=1) == pytest.approx(1)

    def test_jumps_are_quartiles_of_the_log_itself(self, make_log):
        log = make_log([0, 1, 2, 3], items=list("xyxz")).assign(lat=[0.0, 0.01, 0.0, 0.03])
        assert learn_statistics(log).jumps[1] == pytest.approx(1112, abs=1)
        scaled = log.assign(lat=log["lat"] * 10)
        assert learn_statistics(scaled).jumps == pytest.approx(learn_statistics(log).jumps * 10)

    def test_similar_places_share_visitors_or_words(self, make_log):
        log = make_log([0, 1, 2, 3, 4], users=list("aabbc"), items=list("xyxyz"))
        item = np.array([0, 1, 0, 1, 2])
        similar = similar_places(log, np.array([0, 0, 1, 1, 2]), item, 3).toarray()
        assert similar[0, 1] == pytest.approx(1)
        assert similar[0, 2] == 0
        assert similar.diagonal().sum() == 0


class TestSight:
    def test_strictly_before_and_last_first(self, make_log):
        log = make_log([1, 2, 3], items=list("xyx"))
        sight = look(ask("a", 3), log, learn_statistics(log), timed=True)
        assert sight.row.tolist() == [0, 1]
        assert sight.back.tolist() == [1, 0]
        assert sight.gap.tolist() == [1]

    def test_untimed_now_is_the_last_action(self, make_log):
        log = make_log([1, 2], items=list("xy"))
        statistics = learn_statistics(log)
        for hour in (3, 1000):
            sight = look(ask("a", hour), log, statistics, timed=False)
            assert sight.now[0] % DAY == 2
            assert np.isnan(sight.gap[0])

    def test_weights_by_hand(self, make_log):
        log = make_log([0, 24, 25, 48], items=list("xyxx"))
        sight = look(ask("a", 49), log, learn_statistics(log), timed=True)
        weights = weigh_pairs(sight)
        assert weights["5_actions"].tolist() == pytest.approx([2 ** -(n / 5) for n in (3, 2, 1, 0)])
        # The last place is x; y alone came after it, and x after y.
        assert (weights["follow"] > 0).tolist() == [False, True, False, True]
        assert weights["hour"].argmax() == 2  # at one in the morning, as the query

    def test_far_past_is_forgotten(self, make_log):
        log = make_log(range(MOST_ACTIONS + 10), items=["x"] * (MOST_ACTIONS + 10))
        sight = look(ask("a", 10**5), log, learn_statistics(log), timed=True)
        assert len(sight.row) == MOST_ACTIONS
        assert sight.row.min() == 10


class TestFeatures:
    def describe(self, log, query, item, timed=True):
        statistics = learn_statistics(log)
        sight = look(query, log, statistics, timed=timed)
        item = np.arange(len(statistics.catalogue)) if item is None else item
        describer = Describer(sight, Atlas(statistics))
        return describer.describe(np.zeros(len(item), dtype=int), item), describer

    def test_visits_by_hand(self, make_log):
        log = make_log([0, 24, 48, 50], items=list("xxxy"))
        table, _ = self.describe(log, ask("a", 51), None)
        assert table.columns["visits"].tolist() == [3, 1]
        assert table.columns["own_count"].tolist() == [0.75, 0.25]
        assert table.columns["interval"][0] == 1  # in returns, which are a day
        assert table.columns["overdue"][0] == pytest.approx(3 / 24)
        assert table.columns["turn"].tolist() == [1, 0]
        assert table.columns["nights"].tolist() == [0, 0]
        assert table.columns["gap"].tolist() == [1, 1]

    def test_every_feature_has_a_family(self, make_log):
        table, describer = self.describe(make_log(range(5), items=list("xyxzx")), ask("a", 9), None)
        assert set(table.family.values()) <= set(FAMILIES)
        assert list(table.family) == list(table.columns)
        assert set(describer.weights) <= set(FAMILY_OF_WEIGHT)

    def test_untimed_has_no_feature_of_the_gap(self, make_log):
        log = make_log(range(5), items=list("xyxzx"))
        names = [set(self.describe(log, ask("a", 9), None, timed)[0].columns) for timed in (0, 1)]
        assert names[1] - names[0] >= {"gap", "speed", "own_gap_hour"}

    def test_space_is_measured_in_the_logs_own_jumps(self, make_log):
        log = make_log([0, 1, 2, 3], items=list("xyxz")).assign(lat=[0.0, 0.01, 0.0, 0.03])
        near = self.describe(log, ask("a", 9), None)[0]
        far = self.describe(log.assign(lat=log["lat"] * 10), ask("a", 9), None)[0]
        for name in ("nearness", "own_from_near_hour", "mix"):
            assert near.columns[name] == pytest.approx(far.columns[name], abs=1e-6)

    def test_shortlist_is_the_head_of_the_mix_described_alike(self, make_log):
        log = make_log(range(9), items=list("xyzxyzxwv"))
        whole, describer = self.describe(log, ask("a", 9), None)
        short = describer.describe(whole.query, whole.item, 3)
        kept = np.flatnonzero(whole.columns["mix_turn"] < 3)
        assert short.item.tolist() == whole.item[kept].tolist()
        assert len(kept) == 3
        for name, values in whole.columns.items():
            np.testing.assert_array_equal(short.columns[name], values[kept], err_msg=name)

    def test_cells(self, make_log):
        log = make_log([0, 1, 2], items=list("xyz")).assign(lat=[0.0, 1e-6, 1.0])
        code, cells = cell_codes(learn_statistics(log), "block")
        by_name = dict(zip(learn_statistics(log).catalogue, code, strict=True))
        assert by_name["x"] == by_name["y"] != by_name["z"]
        assert len(cells) == 2


class TestCandidates:
    def test_roads(self, make_log):
        rng = np.random.default_rng(0)
        items = [f"p{n}" for n in rng.integers(0, 300, 600)]
        log = make_log(range(600), users=list("ab") * 300, items=items)
        log["lat"] = log["item_id"].str[1:].astype(float) / 1000
        statistics = learn_statistics(log)
        sight = look(ask("a", 10**4), log, statistics, timed=True)
        own = group_pairs(sight, sight.trace.item, len(statistics.catalogue))
        kinds = group_pairs(sight, sight.trace.category, 1)
        query, item = find_candidates(sight, own, kinds, Roads(statistics))
        assert (np.diff(item) > 0).all()
        assert not query.any()
        nearest = np.argsort(np.abs(statistics.lat - statistics.lat[sight.last_item[0]]))[:8]
        assert set(nearest) <= set(item)
        assert set(range(20)) <= set(item)
        fresh = find_candidates(sight, own, kinds, Roads(statistics), fresh=True)[1]
        assert not set(fresh) & set(own.code)
        by_road = keys_by_road(sight, own, kinds, Roads(statistics))
        # One query: a key is the number of the place itself.
        assert set(np.concatenate(list(by_road.values()))) == set(item)
        assert set(by_road["own"]) == set(own.code)
        assert set(by_road["nearest"]) >= set(nearest)
        assert not set(by_road["similar"]) & set(own.code)

    def test_without_a_map_no_road_is_near(self, make_log):
        log = make_log([0, 1, 2], items=list("xyz")).assign(lat=np.nan, lon=np.nan)
        statistics = learn_statistics(log)
        sight = look(ask("a", 10), log, statistics, timed=True)
        own = group_pairs(sight, sight.trace.item, 3)
        kinds = group_pairs(sight, sight.trace.category, 1)
        by_road = keys_by_road(sight, own, kinds, Roads(statistics))
        assert not set(by_road) & {"nearest", "near and popular", "near and liked"}
        assert not len(by_road["near home"])

    def test_batches_hold_each_query_once(self, make_log):
        log = make_log(range(50), users=list("ab") * 25)
        batches = list(query_batches(log, log))
        assert sorted(np.concatenate(batches)) == list(range(50))


class TestLists:
    def test_best_of_each_query(self):
        rows = best_of_each_query(np.array([0, 0, 0, 1]), np.array([1.0, 3.0, 3.0, 5.0]), 2)
        assert rows.tolist() == [1, 2, 3]

    def test_diversity_by_hand(self, make_log):
        log = make_log([0, 1, 2], items=list("xyz")).assign(category=["c", "c", "d"])
        statistics = learn_statistics(log.assign(lat=np.nan, lon=np.nan))
        settings = {"diversity": 0.5, "statistics": statistics}
        query, item = np.zeros(3, dtype=int), statistics.catalogue.get_indexer(list("xyz"))
        rows, value = diversify(query, item, np.array([1.0, 0.9, 0.8]), 3, **settings)
        # x: .5 · 1; z is worth .5 · 0; y .5 · .5 - .5 · .5: the tie goes to the better one.
        assert rows[0] == 0
        assert value.tolist() == pytest.approx([0.5, 0.0, 0.0])
        strong = diversify(
            query, item, np.array([1.0, 0.9, 0.8]), 2, diversity=0.9, statistics=statistics
        )
        assert strong[0].tolist() == [0, 2]


class TestReasons:
    def test_names_cannot_carry_markup(self):
        name = plain_name("<script>alert('x')</script>\n\x1b[31m" + "a" * 100)
        assert html.escape(name, quote=False) == name
        assert name.isprintable()
        assert len(name) == 60

    def test_hand_made_reasons(self, make_log):
        log = make_log([8, 32, 56, 60], items=list("xxxy")).assign(category="<b>Café</b>")
        model = recommend.Recommender().fit(log)
        ranked = model.rank(ask("a", 80), history=log).set_index("item_id")["reason"]
        assert ranked["x"].startswith("you were here 3 times")
        assert not ranked.str.contains("[<>]").any()

    def test_lately_is_two_weeks(self, make_log):
        log = make_log([8, 32, 56, 60], items=list("xxxy"))
        model = recommend.Recommender().fit(log)
        for days, said in ((3, True), (100, False)):
            ranked = model.rank(ask("a", 60 + 24 * days), history=log)
            assert ranked["reason"].str.contains("lately").any() <= said

    def test_one_other_person_is_never_told_of(self, make_log):
        log = make_log(range(40), users=list("ab") * 20, items=["x", "y"] * 20)
        model = recommend.Recommender().fit(log)
        ranked = model.rank(ask("a", 100), history=log).set_index("item_id")["reason"]
        assert ranked["x"].startswith("you were here")
        assert ranked["y"] in ("0 m from where you were last", "100% of what you do is x")


class TestSmallData:
    def test_nothing_learned_ranks_by_the_mix(self):
        assert fit_ranker(None, seed=0).boosters == ()
        values = np.array([[0.1], [0.3]], dtype=np.float32)
        assert fit_ranker(None, seed=0).score(values, np.zeros(2, dtype=int)).argmax() == 1

    def test_screened_out_stay_below_in_their_order(self):
        score, query = np.array([5.0, 1.0, 3.0, 2.0, 9.0]), np.array([0, 0, 0, 0, 1])
        found = _sink(score, query, np.array([1, 3, 4]))
        assert found[[1, 3, 4]].tolist() == [1.0, 2.0, 9.0]
        assert found[[0, 2]] == pytest.approx([1.0, -1.0], abs=1e-5)
        assert found[2] < found[0] < 1.0

    def test_less_data_simpler_trees(self):
        few = settings_of(200, 9_000, seed=0, threads=1)
        many = settings_of(9_000, 400_000, seed=0, threads=1)
        assert few["num_leaves"] < many["num_leaves"]
        assert few["lambda_l2"] > many["lambda_l2"]


class TestAnyLog:
    """Logs that lack something; each must be fitted, asked, and answered in full."""

    def served(self, log, k=5, **options):
        model = recommend.Recommender(**options).fit(log)
        queries = log[["user_id", "timestamp"]].iloc[[0, len(log) // 2, -1]]
        later = queries.assign(timestamp=log["timestamp"].max() + pd.Timedelta("1D"))
        asked = pd.concat([queries, later]).reset_index(drop=True)
        ranked = model.rank(asked, k=k, history=log)
        assert len(ranked) == len(asked) * min(k, log["item_id"].nunique())
        assert np.isfinite(ranked["score"]).all()
        assert ranked["reason"].str.len().min() > 0
        return model

    @pytest.mark.parametrize("timed", [True, False])
    def test_bare_columns(self, city, timed):
        bare = city[["user_id", "item_id", "timestamp"]].iloc[:500]
        assert not self.served(bare, use_query_time=timed)._atlas.cells["block"][0].max() >= 0

    def test_empty_columns(self, city):
        empty = city.iloc[:400].assign(lat=np.nan, lon=np.nan, text=None, local_time=pd.NaT)
        self.served(empty.assign(category=pd.Series(None, index=empty.index, dtype="str")))

    def test_one_user(self, city):
        self.served(city[city["user_id"] == city["user_id"].iloc[0]])

    @pytest.mark.parametrize("count", [1, 2, 5])
    def test_a_few_actions(self, city, count):
        self.served(city.iloc[:count])

    def test_ties_in_time(self, city):
        day = city["timestamp"].dt.floor("1D")
        self.served(city.iloc[:400].assign(timestamp=day).drop(columns="local_time"))

    def test_all_at_one_instant(self, make_log):
        self.served(make_log([0] * 30, items=[f"p{n % 7}" for n in range(30)]))

    def test_one_place(self, make_log):
        self.served(make_log(range(400), items=["x"] * 400))

    def test_ids_that_are_numbers(self, city):
        codes = pd.factorize(city["item_id"])[0]
        users = pd.factorize(city["user_id"])[0]
        self.served(city.assign(item_id=codes, user_id=users).iloc[:400])

    def test_half_of_the_places_without_coordinates(self, city):
        lost = city["item_id"].isin(city["item_id"].unique()[::2])
        half = city.assign(lat=city["lat"].mask(lost), lon=city["lon"].mask(lost))
        self.served(half.iloc[:600])

    def test_everybody_at_one_point(self, make_log):
        log = make_log(range(400), users=list("ab") * 200, items=[f"p{n % 9}" for n in range(400)])
        self.served(schema.sort_log(log.assign(lat=31.0, lon=121.0)))
