"""Metrics: by hand, limits, invariances, and against ir-measures and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stim_lib import metrics


class TestLabels:
    def test_by_hand(self):
        actual = [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
        predicted = [1, 1, 0, 1, 0, 0, 0, 0, 0, 0]
        scores = metrics.score_labels(actual, predicted)
        assert scores["precision"] == pytest.approx(2 / 3)
        assert scores["recall"] == pytest.approx(2 / 3)
        assert scores["accuracy"] == pytest.approx(0.8)

    def test_always_no_is_accurate_and_has_no_precision(self):
        scores = metrics.score_labels([1] + [0] * 99, [0] * 100)
        assert scores["accuracy"] == 0.99 and scores["recall"] == 0
        assert np.isnan(scores["precision"])

    def test_nothing_to_find_has_no_recall(self):
        assert np.isnan(metrics.score_labels([0, 0], [1, 0])["recall"])

    @given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
    def test_f1_lies_between_precision_and_recall(self, cases):
        actual, predicted = map(list, zip(*cases, strict=True))
        scores = metrics.score_labels(actual, predicted)
        both = scores[["precision", "recall"]]
        if both.notna().all():
            assert both.min() - 1e-12 <= scores["f1"] <= both.max() + 1e-12
        assert scores.dropna().between(0, 1).all()

    def test_series_must_belong_together(self):
        first, second = pd.Series([1, 0], [0, 1]), pd.Series([1, 0], [1, 0])
        with pytest.raises(ValueError, match="same index"):
            metrics.score_labels(first, second)
        with pytest.raises(ValueError, match="same index"):
            metrics.brier_score(first, second)

    @pytest.mark.parametrize(
        ("actual", "predicted"), [([], []), ([1], [1, 0]), ([2], [1]), (["yes"], [1]), ([[1]], [1])]
    )
    def test_bad_labels_are_refused(self, actual, predicted):
        with pytest.raises(ValueError, match="expected"):
            metrics.score_labels(actual, predicted)


class TestExpectedRanks:
    def test_perfect_reversed_and_tied(self):
        scores = np.array([[3.0, 2, 1], [1, 2, 3], [1, 1, 1]])
        assert metrics.expected_ranks(scores, [0, 0, 0]).tolist() == [1, 3, 2]

    def test_one_item(self):
        assert metrics.expected_ranks([[0.5]], [0]).tolist() == [1]

    def test_no_queries(self):
        assert len(metrics.expected_ranks(np.zeros((0, 3)), np.zeros(0, int))) == 0

    def test_unseen_items_are_misses(self):
        ranks = metrics.expected_ranks(np.ones((2, 3)), [-1, 2])
        assert ranks[0] == np.inf and ranks[1] == 2
        assert metrics.score_ranks(ranks).iloc[0].sum() == 0

    def test_expectation_is_the_mean_over_orders_of_the_tied(self):
        rng = np.random.default_rng(0)
        scores = rng.integers(0, 4, size=20).astype(float)
        noisy = scores + rng.random((20_000, 20)) * 0.5
        mean = metrics.expected_ranks(noisy, np.full(20_000, 7)).mean()
        assert mean == pytest.approx(metrics.expected_ranks([scores], [7])[0], abs=0.1)

    @settings(max_examples=60)
    @given(st.lists(st.integers(-3, 3), min_size=1, max_size=12), st.data())
    def test_rank_is_within_the_catalogue_and_better_scores_never_hurt(self, scores, data):
        truth = data.draw(st.integers(0, len(scores) - 1))
        table = np.array([scores, scores], dtype=float)
        table[1, truth] += 1
        before, after = metrics.expected_ranks(table, [truth, truth])
        assert 1 <= after <= before <= len(scores)

    @pytest.mark.parametrize(
        ("scores", "truth"),
        [
            ([[1, np.nan]], [0]),
            ([[1, np.nan]], [-1]),
            ([[1, 2]], [2]),
            ([[1, 2]], [0, 1]),
            ([1, 2], [0]),
        ],
    )
    def test_bad_scores_are_refused(self, scores, truth):
        with pytest.raises(ValueError, match="expected"):
            metrics.expected_ranks(scores, truth)


class TestScoreRanks:
    def test_by_hand(self):
        scores = metrics.score_ranks([1, 2, 10, 11], k=10)
        assert scores["accuracy@1"].tolist() == [1, 0, 0, 0]
        assert scores["hit_rate@10"].tolist() == [1, 1, 1, 0]
        assert scores["ndcg@10"][1] == pytest.approx(1 / np.log2(3))
        assert scores["mrr"].tolist() == [1, 1 / 2, 1 / 10, 1 / 11]

    def test_list_longer_than_the_catalogue_hits_whatever_is_in_it(self):
        ranks = metrics.expected_ranks(np.eye(5), np.arange(5)[::-1])
        assert metrics.score_ranks(ranks, k=99)["hit_rate@99"].all()

    @given(st.lists(st.floats(1, 1e6), min_size=1), st.integers(1, 50))
    def test_scores_stay_in_range_and_rise_with_better_ranks(self, ranks, k):
        scores = metrics.score_ranks(sorted(ranks), k=k)
        assert ((scores >= 0) & (scores <= 1)).all(axis=None)
        assert (scores.diff().dropna() <= 0).all(axis=None)

    @pytest.mark.parametrize(("ranks", "k"), [([0], 10), ([np.nan], 10), ([1], 0), ([[1]], 10)])
    def test_bad_ranks_are_refused(self, ranks, k):
        with pytest.raises(ValueError, match="expected ranks"):
            metrics.score_ranks(ranks, k=k)


def random_lists(rng):
    """Lists without ties and relevant items of a few queries, some with none in the list."""
    ranked, relevant = [], []
    for query in range(rng.integers(1, 5)):
        items = rng.permutation(30)[: rng.integers(1, 21)]
        ranked += [(query, rank, f"i{item}") for rank, item in enumerate(items, 1)]
        wanted = rng.permutation(30)[: rng.integers(1, 6)]
        relevant += [(query, f"i{item}") for item in wanted]
    ranked = pd.DataFrame(ranked, columns=["query_id", "rank", "item_id"])
    relevant = pd.DataFrame(relevant, columns=["query_id", "item_id"])
    return ranked, relevant.set_index("query_id")["item_id"]


def test_lists_agree_with_ir_measures_on_a_thousand_cases():
    import ir_measures
    from ir_measures import RR, P, R, Success, nDCG

    rng = np.random.default_rng(0)
    worst = 0.0
    for _ in range(1000):
        ranked, relevant = random_lists(rng)
        k = int(rng.integers(1, 25))
        mine = metrics.score_lists(ranked, relevant, k=k).mean()
        names = {
            f"ndcg@{k}": nDCG @ k, f"hit_rate@{k}": Success @ k, f"precision@{k}": P @ k,
            f"recall@{k}": R @ k, "mrr": RR, "accuracy@1": Success @ 1,
        }  # fmt: skip
        qrels = [ir_measures.Qrel(str(q), item, 1) for q, item in relevant.items()]
        run = [
            ir_measures.ScoredDoc(str(q), item, -float(rank))
            for q, rank, item in ranked.itertuples(index=False)
        ]
        theirs = ir_measures.calc_aggregate(list(names.values()), qrels, run)
        worst = max(worst, *(abs(mine[name] - theirs[m]) for name, m in names.items()))
    assert worst < 1e-9


class TestScoreLists:
    ranked = pd.DataFrame(
        {"query_id": [1, 1, 2, 2], "rank": [1, 2, 1, 2], "item_id": ["a", "b", "b", "c"]}
    )

    def test_a_query_without_a_list_scores_nothing(self):
        scores = metrics.score_lists(self.ranked, pd.Series(["a", "c", "a"], index=[1, 2, 9]))
        assert scores.loc[9].sum() == 0
        assert scores["mrr"].tolist() == [1, 0.5, 0]

    def test_order_of_rows_does_not_matter(self):
        relevant = pd.Series(["b", "b"], index=[1, 2])
        shuffled = self.ranked.iloc[[3, 0, 2, 1]]
        pd.testing.assert_frame_equal(
            metrics.score_lists(shuffled, relevant), metrics.score_lists(self.ranked, relevant)
        )

    def test_same_as_ranks_where_one_item_is_relevant(self):
        rng = np.random.default_rng(1)
        scores = rng.random((50, 30))
        truth = rng.integers(0, 30, 50)
        order = np.argsort(-scores, axis=1)
        ranked = pd.DataFrame(
            {
                "query_id": np.repeat(np.arange(50), 30),
                "rank": np.tile(np.arange(1, 31), 50),
                "item_id": order.ravel().astype(str),
            }
        )
        lists = metrics.score_lists(ranked, pd.Series(truth.astype(str)))
        ranks = metrics.score_ranks(metrics.expected_ranks(scores, truth))
        assert np.allclose(lists[list(ranks)], ranks, atol=1e-12)

    @pytest.mark.parametrize(
        ("change", "relevant", "message"),
        [
            ({"rank": [1, 1, 1, 2]}, {1: "a", 2: "b"}, "a rank twice"),
            ({"item_id": ["a", "a", "b", "c"]}, {1: "a", 2: "b"}, "an item twice"),
            ({"rank": [0, 1, 1, 2]}, {1: "a", 2: "b"}, "1 or more"),
            ({}, {1: "a"}, "found none for"),
        ],
    )
    def test_bad_lists_are_refused(self, change, relevant, message):
        with pytest.raises(ValueError, match=message):
            metrics.score_lists(self.ranked.assign(**change), pd.Series(relevant))

    def test_ids_of_two_kinds_or_none_are_refused(self):
        with pytest.raises(ValueError, match="same kind of ids"):
            metrics.score_lists(self.ranked.assign(item_id=1), pd.Series(["a", "b"], index=[1, 2]))
        with pytest.raises(ValueError, match="1 and 0 missing"):
            gap = self.ranked.assign(item_id=["a", None, "b", "c"])
            metrics.score_lists(gap, pd.Series(["a", "b"], index=[1, 2]))
        with pytest.raises(ValueError, match="whole numbers"):
            half = self.ranked.assign(rank=[1, 1.5, 1, 2])
            metrics.score_lists(half, pd.Series(["a", "b"], index=[1, 2]))

    def test_a_repeated_relevant_item_is_refused(self):
        with pytest.raises(ValueError, match="found one twice"):
            metrics.score_lists(self.ranked, pd.Series(["a", "a", "b"], index=[1, 1, 2]))


class TestLists:
    ranked = pd.DataFrame({"query_id": [1, 1, 2], "rank": [1, 2, 1], "item_id": ["a", "b", "a"]})

    def test_coverage(self):
        assert metrics.catalogue_coverage(self.ranked, pd.Index(list("abcd"))) == 0.5
        assert metrics.catalogue_coverage(self.ranked, pd.Index(list("abcd")), k=1) == 0.25
        with pytest.raises(ValueError, match="catalogue"):
            metrics.catalogue_coverage(self.ranked, pd.Index(["a"]))

    def test_novelty_of_everything_known_is_zero(self):
        train = pd.DataFrame({"item_id": ["a", "a"]})
        assert metrics.novelty(self.ranked[self.ranked["item_id"] == "a"], train) == 0
        with pytest.raises(ValueError, match="not in it"):
            metrics.novelty(self.ranked, train)

    def test_distance_within_lists(self):
        places = pd.DataFrame({"item_id": ["a", "b"], "lat": [0.0, 0.0], "lon": [0.0, 1.0]})
        metres = metrics.intra_list_distance(self.ranked, places)
        assert metres[1] == pytest.approx(111_195, rel=1e-3) and np.isnan(metres[2])
        with pytest.raises(ValueError, match="found no 'b'"):
            metrics.intra_list_distance(self.ranked, places[:1])


class TestProbabilities:
    def test_against_scikit_learn(self):
        from sklearn import calibration
        from sklearn import metrics as sklearn_metrics

        rng = np.random.default_rng(0)
        probability = rng.random(1000)
        actual = rng.random(1000) < probability
        assert metrics.log_loss(actual, probability) == pytest.approx(
            sklearn_metrics.log_loss(actual, probability)
        )
        curve = metrics.reliability_curve(actual, probability, np.arange(1000))
        observed, predicted = calibration.calibration_curve(
            actual, probability, n_bins=10, strategy="quantile"
        )
        assert np.allclose(curve["observed"], observed)
        assert np.allclose(curve["predicted"], predicted)

    def test_certain_and_wrong_is_infinitely_surprised(self):
        assert metrics.log_loss([True], [0.0]) == np.inf
        assert metrics.log_loss([True], [1.0]) == 0

    def test_only_a_true_yes_and_only_a_true_no(self):
        assert metrics.brier_score([True, True], [1.0, 0.5]) == pytest.approx(0.125)
        assert metrics.brier_score([False], [0.5]) == pytest.approx(0.25)

    def test_equal_probabilities_share_a_group(self):
        curve = metrics.reliability_curve([1, 0, 1, 0], [0.3] * 4, [1, 2, 3, 4])
        assert curve["n"].tolist() == [4] and curve["observed"][0] == 0.5

    def test_the_truth_lies_on_the_diagonal(self):
        rng = np.random.default_rng(0)
        probability = rng.beta(1, 3, 20_000)
        actual = rng.random(20_000) < probability
        curve = metrics.reliability_curve(actual, probability, np.arange(20_000) // 20)
        assert (curve["observed"] - curve["predicted"]).abs().max() < 0.03

    @pytest.mark.parametrize("probability", [[1.1], [-0.1], [np.nan], [0.5, 0.5]])
    def test_bad_probabilities_are_refused(self, probability):
        with pytest.raises(ValueError, match="probability"):
            metrics.brier_score([True], probability)


class TestIntervals:
    def test_ratio_by_hand(self):
        report = metrics.bootstrap_means(pd.Series([1.0, 0, 0, 1]), ["a", "a", "a", "b"])
        assert report["value"].iloc[0] == 0.5
        assert report[["n", "n_users"]].iloc[0].tolist() == [4, 2]
        assert 0 <= report["low"].iloc[0] <= 0.5 <= report["high"].iloc[0] <= 1

    def test_one_user_has_no_interval(self):
        report = metrics.bootstrap_means(pd.Series([1.0, 0]), ["a", "a"])
        assert report["value"].iloc[0] == 0.5 and np.isnan(report["low"].iloc[0])

    def test_users_are_drawn_whole(self):
        # 50 users who always agree with themselves: rows add nothing.
        truth = np.repeat(np.arange(50) % 2, 40).astype(float)
        by_user = metrics.bootstrap_means(pd.Series(truth), np.repeat(np.arange(50), 40))
        by_row = metrics.bootstrap_means(pd.Series(truth), np.arange(2000))
        width = (by_user["high"] - by_user["low"]) / (by_row["high"] - by_row["low"])
        assert width.iloc[0] == pytest.approx(np.sqrt(40), rel=0.15)

    def test_seed_and_batches(self, monkeypatch):
        values, users = pd.Series(np.arange(40.0)), np.arange(40) // 4
        first = metrics.bootstrap_means(values, users, seed=1)
        pd.testing.assert_frame_equal(first, metrics.bootstrap_means(values, users, seed=1))
        assert not first.equals(metrics.bootstrap_means(values, users, seed=2))
        monkeypatch.setattr("stim_lib.metrics.intervals.CELLS_AT_ONCE", 50)
        pd.testing.assert_frame_equal(first, metrics.bootstrap_means(values, users, seed=1))

    def test_covers_the_truth_as_often_as_it_says(self):
        """87 users, unequal as those of New York's test part (coefficient of variation 0.94)."""
        rng = np.random.default_rng(0)
        covered, runs = 0, 1500
        for _ in range(runs):
            sizes = np.ceil(rng.gamma(1.13, 37, 87)).astype(int)
            rates = rng.beta(2, 6, 87)
            users = np.repeat(np.arange(87), sizes)
            hits = (rng.random(len(users)) < rates[users]).astype(float)
            report = metrics.bootstrap_means(
                pd.Series(hits), users, draws=800, seed=int(rng.integers(2**31))
            ).iloc[0]
            covered += report["low"] <= 0.25 <= report["high"]
        assert covered / runs == pytest.approx(0.95, abs=0.02)

    def test_pairs_are_surer_than_two_intervals(self):
        rng = np.random.default_rng(0)
        users = np.repeat(np.arange(60), 10)
        hard = rng.random(60)[users]
        first = pd.Series((hard + 0.1 * rng.random(600) > 0.5).astype(float))
        second = pd.Series((hard > 0.5).astype(float))
        difference = metrics.paired_differences(first, second, users).iloc[0]
        alone = metrics.bootstrap_means(first, users).iloc[0]
        assert difference["high"] - difference["low"] < 0.5 * (alone["high"] - alone["low"])
        with pytest.raises(ValueError, match="same queries"):
            metrics.paired_differences(first, second[::-1], users)

    @pytest.mark.parametrize(
        ("values", "users", "options", "message"),
        [
            ([], [], {}, "users"),
            ([1.0], ["a", "b"], {}, "users"),
            ([np.nan], ["a"], {}, "missing"),
            ([np.inf], ["a"], {}, "finite"),
            ([1.0], [None], {}, "missing"),
            ([1.0], ["a"], {"draws": 0}, "draws"),
            ([1.0], ["a"], {"confidence": 1.0}, "confidence"),
        ],
    )
    def test_bad_input_is_refused(self, values, users, options, message):
        with pytest.raises(ValueError, match=message):
            metrics.bootstrap_means(pd.Series(values, dtype=float), users, **options)
