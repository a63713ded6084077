"""The whole way: contract, leaks, options, cold users, storage, errors."""

import json

import numpy as np
import pandas as pd
import pytest

from stim_lib import evaluation, leaks, recommend, schema
from stim_lib.queries import make_queries
from stim_lib.recommend.attention import Attention
from stim_lib.recommend.features import Atlas
from stim_lib.recommend.moments import compare_moments, compare_visits, describe_queries
from stim_lib.recommend.network import Lessons, fit_network
from stim_lib.recommend.recommender import COLUMNS
from stim_lib.recommend.sight import look


def some_queries(part, count=12):
    queries, _ = make_queries(part)
    return queries.iloc[np.linspace(0, len(queries) - 1, count).astype(int)]


class TestContract:
    def test_columns_order_and_length(self, timed, city, city_parts):
        queries = some_queries(city_parts[2]).iloc[::-1]
        ranked = timed.rank(queries, k=7, history=city)
        assert tuple(ranked) == COLUMNS
        assert ranked["query_id"].drop_duplicates().tolist() == queries.index.tolist()
        for _, part in ranked.groupby("query_id"):
            assert part["rank"].tolist() == list(range(1, 8))
            assert part["score"].is_monotonic_decreasing
            assert part["item_id"].is_unique
        assert (ranked["reason"].str.len() > 5).all()
        assert ranked["item_id"].isin(timed.catalogue).all()

    def test_learned_trees_and_says_what_candidates_miss(self, timed):
        assert timed._ranker.boosters
        assert 0.9 < timed.report_["candidate_recall"] <= 1
        assert timed.report_["mrr_trees"] > timed.report_["mrr_mix"]

    def test_better_than_popularity(self, timed, city, city_parts):
        result = evaluation.evaluate(timed, city_parts[2], train=city_parts[0], log=city)
        _, truth = make_queries(city_parts[2])
        top = timed.catalogue[:10]
        assert result.scores()["hit_rate@10"].mean() > truth.isin(top).mean() + 0.1
        assert str(result).startswith("recommender (rolling history, time known")

    def test_inputs_stay_as_they_are(self, timed, city, city_parts):
        queries, before = some_queries(city_parts[2]), city.copy()
        asked = queries.copy()
        timed.rank(queries, history=city)
        pd.testing.assert_frame_equal(city, before)
        pd.testing.assert_frame_equal(queries, asked)

    def test_same_seed_same_ranking_in_any_order_of_rows(self, timed, city, city_parts):
        shuffled = city_parts[0].sample(frac=1, random_state=0)
        shuffled = shuffled.sort_values("timestamp", kind="stable")
        again = recommend.Recommender(seed=0).fit(city_parts[0])
        queries = some_queries(city_parts[2])
        expected = timed.rank(queries, history=city)
        pd.testing.assert_frame_equal(again.rank(queries, history=city), expected)
        mixed = city.sample(frac=1, random_state=1).sort_values("timestamp", kind="stable")
        pd.testing.assert_frame_equal(timed.rank(queries, history=mixed), expected)

    def test_one_at_a_time_gives_the_same(self, timed, city, city_parts):
        queries = some_queries(city_parts[2], 5)
        together = timed.rank(queries, k=5, history=city)
        alone = [timed.rank(queries.iloc[[n]], k=5, history=city) for n in range(len(queries))]
        pd.testing.assert_frame_equal(pd.concat(alone, ignore_index=True), together)


class TestLeaks:
    @pytest.mark.parametrize("name", ["timed", "untimed"])
    def test_asking(self, name, city, city_parts, request):
        model = request.getfixturevalue(name)
        queries, _ = make_queries(city_parts[2])
        leaks.assert_no_leak(
            lambda log, asked: model.rank(asked, k=10, history=log), city, queries,
            time_known=model.use_query_time, n_instants=3,
        )  # fmt: skip

    def test_fitting_too(self, city):
        small = city[city["user_id"].isin(city["user_id"].unique()[:3])].reset_index(drop=True)
        cut = small["timestamp"].quantile(0.7)
        queries, _ = make_queries(small[small["timestamp"] >= cut])

        def predict(log, asked):
            model = recommend.Recommender(use_query_time=False).fit(log[log["timestamp"] < cut])
            return model.rank(asked, k=5, history=log)

        leaks.assert_no_leak(predict, small, queries, time_known=False, n_instants=1)

    def test_local_time_of_an_untimed_query_is_not_read(self, untimed, city, city_parts):
        queries = some_queries(city_parts[2])
        other = queries.assign(local_time=queries["local_time"] + pd.Timedelta("7h"))
        pd.testing.assert_frame_equal(
            untimed.rank(queries, history=city), untimed.rank(other, history=city)
        )

    def test_the_hour_of_a_timed_query_is_read(self, timed, city, city_parts):
        queries = some_queries(city_parts[2])
        other = queries.assign(local_time=queries["local_time"] + pd.Timedelta("7h"))
        a, b = timed.rank(queries, history=city), timed.rank(other, history=city)
        assert not a["item_id"].equals(b["item_id"])


class TestUsers:
    def test_unseen_user_is_served_from_the_history_that_is_passed(self, timed, city, city_parts):
        queries = some_queries(city_parts[2])
        known = timed.rank(queries, history=city)
        renamed = city.assign(user_id=city["user_id"] + "'")
        unseen = timed.rank(queries.assign(user_id=queries["user_id"] + "'"), history=renamed)
        pd.testing.assert_frame_equal(known, unseen)

    def test_longer_history_moves_the_answer(self, timed, city, city_parts):
        queries = some_queries(city_parts[2])
        frozen = timed.rank(queries, history=city_parts[0])
        assert not frozen["item_id"].equals(timed.rank(queries, history=city)["item_id"])

    def test_cold_user_gets_what_is_popular(self, timed, city):
        queries = pd.DataFrame({"user_id": ["nobody"], "timestamp": [city["timestamp"].max()]})
        for history in (city, city[:0]):
            ranked = timed.rank(queries, k=5, history=history)
            assert len(ranked) == 5
            assert timed.catalogue.get_indexer(ranked["item_id"]).max() < 40
            assert not ranked["reason"].str.startswith("you were").any()

    def test_cold_user_with_a_position_gets_what_is_near(self, timed, city):
        statistics = timed._atlas.statistics
        lat, lon = statistics.lat[30], statistics.lon[30]
        queries = pd.DataFrame(
            {"user_id": ["x"], "timestamp": [city["timestamp"].max()], "lat": [lat], "lon": [lon]}
        )
        ranked = timed.rank(queries, k=80, history=city[:0])
        assert timed.catalogue[30] in set(ranked["item_id"])

    def test_places_outside_the_catalogue_do_not_hurt(self, timed, city, city_parts):
        strange = city.assign(item_id="?" + city["item_id"], category="unheard of")
        ranked = timed.rank(some_queries(city_parts[2]), k=5, history=strange)
        assert len(ranked) == 60
        assert ranked["item_id"].isin(timed.catalogue).all()


class TestOptions:
    def test_exclude_seen(self, timed, city, city_parts):
        queries = some_queries(city_parts[2])
        ranked = timed.rank(queries, k=10, history=city, exclude_seen=True)
        for query_id, part in ranked.groupby("query_id"):
            query = queries.loc[query_id]
            mine = city[city["user_id"] == query["user_id"]]
            seen = set(mine.loc[mine["timestamp"] < query["timestamp"], "item_id"])
            assert len(part) == min(10, len(timed.catalogue) - len(seen))
            assert not seen & set(part["item_id"])

    def test_categories(self, timed, city, city_parts):
        kind = city["category"].value_counts().index[0]
        of_kind = set(city.loc[city["category"] == kind, "item_id"])
        ranked = timed.rank(some_queries(city_parts[2]), history=city, categories=[kind])
        assert set(ranked["item_id"]) <= of_kind
        assert ranked.groupby("query_id").size().min() == min(20, len(of_kind))

    def test_within_metres(self, timed, city, city_parts):
        statistics = timed._atlas.statistics
        here = {"lat": statistics.lat[0], "lon": statistics.lon[0]}
        ranked = timed.rank(
            some_queries(city_parts[2]).assign(**here), k=80, history=city, within_metres=1500
        )
        code = timed.catalogue.get_indexer(ranked["item_id"])
        from stim_lib.spatial import distance_metres

        metres = distance_metres(*here.values(), statistics.lat, statistics.lon)
        assert metres[code].max() <= 1500
        assert set(code) == set(np.flatnonzero(metres <= 1500))

    def test_within_metres_of_an_unknown_position_is_empty(self, timed, city):
        queries = pd.DataFrame({"user_id": ["x"], "timestamp": [city["timestamp"].max()]})
        assert not len(timed.rank(queries, history=city[:0], within_metres=500))

    def test_diversity(self, timed, city, city_parts):
        queries = some_queries(city_parts[2])
        kind = city.drop_duplicates("item_id").set_index("item_id")["category"]

        def kinds(diversity):
            ranked = timed.rank(queries, k=8, history=city, diversity=diversity)
            assert (
                ranked.groupby("query_id")["score"].agg(lambda s: s.is_monotonic_decreasing).all()
            )
            return ranked["item_id"].map(kind).groupby(ranked["query_id"]).nunique().mean()

        assert kinds(0.7) > kinds(0.0)
        best = timed.rank(queries, k=1, history=city)["item_id"]
        assert best.equals(timed.rank(queries, k=1, history=city, diversity=0.5)["item_id"])

    def test_without_reasons(self, timed, city, city_parts):
        queries = some_queries(city_parts[2])
        silent = timed.rank(queries, history=city, reasons=False)
        assert (silent["reason"] == "").all()
        said = timed.rank(queries, history=city)
        pd.testing.assert_frame_equal(silent.drop(columns="reason"), said.drop(columns="reason"))


class TestStorage:
    @pytest.mark.parametrize("name", ["timed", "untimed"])
    def test_ranks_as_before(self, name, city, city_parts, request, tmp_path):
        model = request.getfixturevalue(name)
        again = recommend.Recommender.load(model.save(tmp_path / "model"))
        queries = some_queries(city_parts[2])
        pd.testing.assert_frame_equal(
            again.rank(queries, history=city), model.rank(queries, history=city)
        )
        assert again.report_ == pytest.approx(model.report_)
        assert again.use_query_time == model.use_query_time

    def test_networks_are_kept(self, timed, city, city_parts, tmp_path):
        # Too small a city for networks of its own: two drawn by chance.
        sight = look(some_queries(city_parts[2]), city, timed._atlas.statistics, timed=True)
        sizes = len(compare_visits(sight, found := compare_moments(sight)) | found)
        rng = np.random.default_rng(0)
        lessons = Lessons(
            rng.normal(size=(8, sizes)).astype(np.float32),
            rng.normal(size=(4, len(describe_queries(sight)))).astype(np.float32),
            np.arange(8) % 2 == 0, np.zeros(8, dtype=np.float32), np.full(4, 2),
        )  # fmt: skip
        drawn = tuple(fit_network(lessons, np.zeros(sizes), rng) for _ in range(2))
        attention = Attention(timed._atlas.attention.weights, drawn)
        model = recommend.Recommender()
        model._take(Atlas(timed._atlas.statistics, attention), timed._ranker, timed._family)
        again = recommend.Recommender.load(model.save(tmp_path))
        queries = some_queries(city_parts[2])
        ranked = model.rank(queries, history=city)
        pd.testing.assert_frame_equal(again.rank(queries, history=city), ranked)
        assert not ranked.equals(timed.rank(queries, history=city))

    def test_holds_no_user(self, timed, city, tmp_path):
        folder = timed.save(tmp_path)
        text = (folder / "model.json").read_text()
        assert not any(user in text for user in city["user_id"].unique())

    def test_damage_is_found(self, timed, tmp_path):
        folder = timed.save(tmp_path)
        trees = folder / "trees_0.txt"
        trees.write_text(trees.read_text().replace("leaf_value=", "leaf_value=9", 1))
        with pytest.raises(ValueError, match=r"trees_0\.txt: not the file that was saved"):
            recommend.Recommender.load(folder)
        trees.unlink()
        with pytest.raises(FileNotFoundError, match="expected the file trees_0"):
            recommend.Recommender.load(folder)

    def test_other_version_and_other_files(self, timed, tmp_path):
        folder = timed.save(tmp_path)
        document = json.loads((folder / "model.json").read_text()) | {"version": 99}
        (folder / "model.json").write_text(json.dumps(document))
        with pytest.raises(ValueError, match="of version 99; fit and save again"):
            recommend.Recommender.load(folder)
        (folder / "model.json").write_text("{")
        with pytest.raises(ValueError, match="damaged"):
            recommend.Recommender.load(folder)
        with pytest.raises(ValueError, match="expected a folder"):
            timed.save(folder / "model.json")


class TestErrors:
    def test_before_fit(self, city):
        with pytest.raises(ValueError, match=r"call fit\(train\) first"):
            recommend.Recommender().rank(city[:1], history=city)
        with pytest.raises(ValueError, match=r"call fit\(train\) first"):
            recommend.Recommender().save("x")
        assert not len(recommend.Recommender().catalogue)

    @pytest.mark.parametrize(
        ("option", "message"),
        [
            ({"k": 0}, "k: expected a whole number from 1, found 0"),
            ({"within_metres": -1}, "within_metres: expected a positive"),
            ({"diversity": 1.5}, r"diversity: expected a number in \[0, 1\]"),
            ({"categories": ["no such"]}, "found 'no such'"),
            ({"categories": []}, "found none"),
        ],
    )
    def test_options(self, timed, city, option, message):
        with pytest.raises(ValueError, match=message):
            timed.rank(city[:1], history=city, **option)

    def test_tables(self, timed, city):
        with pytest.raises(schema.SchemaError, match="user_id: expected this column in queries"):
            timed.rank(city[["timestamp"]], history=city)
        with pytest.raises(schema.SchemaError, match="item_id: expected this column in history"):
            timed.rank(city[:1], history=city[["user_id", "timestamp"]])
        naive = city.assign(timestamp=city["timestamp"].dt.tz_convert(None))
        with pytest.raises(schema.SchemaError, match="expected instants"):
            timed.rank(naive[:1], history=city)
        with pytest.raises(schema.SchemaError, match="expected instants"):
            recommend.Recommender().fit(naive)
        with pytest.raises(ValueError, match="each query_id"):
            timed.rank(city.iloc[[0, 0]], history=city)
        with pytest.raises(ValueError, match="found none"):
            recommend.Recommender().fit(city[:0])
        with pytest.raises(schema.SchemaError, match="item_id, row 3"):
            recommend.Recommender().fit(city.assign(item_id=city["item_id"].mask(city.index == 3)))

    def test_settings(self):
        with pytest.raises(ValueError, match="seed"):
            recommend.Recommender(seed=-1)
        with pytest.raises(ValueError, match="threads"):
            recommend.Recommender(threads=0)
        with pytest.raises(ValueError, match="most_questions"):
            recommend.Recommender(most_questions=0)

    def test_fewer_questions_are_asked_and_kept_by_a_copy(self, city_parts, timed, tmp_path):
        few = recommend.Recommender(seed=0, most_questions=80).fit(city_parts[0])
        assert few.report_["queries"] <= 80 < timed.report_["queries"]
        assert recommend.Recommender.load(few.save(tmp_path / "few")).most_questions == 80

    def test_no_queries(self, timed, city):
        assert tuple(timed.rank(city[:0], history=city)) == COLUMNS
