"""Fusion: by hand, invariances, and scikit-learn's own checks."""

import itertools
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from stim_lib.fusion import (
    BlockScaling,
    Concatenation,
    CrossFeatures,
    FeatureWeighting,
    ProductFeatures,
    RatioFeatures,
    unit_of,
)
from stim_lib.fusion.units import product_unit, ratio_unit

ALL = {"all": slice(0, None)}
RNG = np.random.default_rng(0)
NUMBERS = arrays(float, (6, 3), elements=st.floats(-1e3, 1e3, allow_subnormal=False))


@parametrize_with_checks(
    [
        FeatureWeighting("variance"),
        FeatureWeighting("mutual_information", random_state=0),
        FeatureWeighting("model"),
        BlockScaling("width"),
        BlockScaling("singular_value"),
        Concatenation(ALL),
        Concatenation(ALL, scale="columns"),
        Concatenation(ALL, scale="width"),
        Concatenation(ALL, scale="singular_value"),
        ProductFeatures([(0, -1)]),
        RatioFeatures([(0, -1)]),
        RatioFeatures([(0, -1)], floor=0.1),
        CrossFeatures(),
        CrossFeatures(min_count=2, sparse_output=False),
    ]
)
def test_is_a_transformer_of_scikit_learn(estimator, check):
    check(estimator)


def small_table():
    return pd.DataFrame(
        {
            "recency_hours": [1.0, 2.0, 4.0, 5.0],
            "day_sin": [0.0, 1.0, 0.0, -1.0],
            "last_jump_metres": [0.0, 500.0, 100.0, 200.0],
        },
        index=["a", "b", "c", "d"],
    )


BLOCKS = {"time": ["recency_hours", "day_sin"], "space": ["last_jump_metres"]}


class TestUnits:
    @pytest.mark.parametrize(
        ("name", "unit"),
        [
            ("radius_of_gyration_metres", "metres"),
            ("space__last_jump_metres", "metres"),
            ("day_cos_2", "1"),
            ("n_past", "1"),
            ("is_weekend", "1"),
            ("weekend_share", "1"),
            ("burstiness", "unknown"),
            ("", "unknown"),
            ("jump_metres*gap_hours", "metres·hours"),
            ("jump_metres/gap_hours", "metres/hours"),
            ("a_hours/b_hours", "1"),
            ("burstiness*gap_hours", "unknown"),
            ("log_jump_metres", "1"),
            ("log_jump_metres*gap_hours", "hours"),
            ("metres_per_hours", "unknown"),
            ("jumps_per_hours/gap_hours", "unknown"),
            ("a_metres/b_hours/c_hours", "unknown"),
            ("a_metres/b_hours*c_hours", "unknown"),
        ],
    )
    def test_name_tells(self, name, unit):
        assert unit_of(name) == unit

    def test_given_units_have_the_last_word(self):
        assert unit_of("fused__burstiness*gap_hours", {"burstiness": "1"}) == "hours"
        assert unit_of("n_past", {"n_past": "actions"}) == "actions"

    def test_units_multiply_and_cancel(self):
        assert product_unit("1", "1") == ratio_unit("1", "1") == "1"
        assert ratio_unit("metres", "1") == "metres" and ratio_unit("1", "metres") == "1/metres"


class TestWeighting:
    def test_variance_by_hand(self):
        # Variances 1 and 9: mean 5.
        model = FeatureWeighting("variance").fit([[-1.0, 0.0], [1.0, 6.0]])
        assert model.weights_ == pytest.approx([0.2, 1.8])
        assert model.worth_ == pytest.approx([1, 9])

    def test_variance_is_a_matter_of_units(self):
        table = small_table()[["recency_hours", "last_jump_metres"]]
        metres = FeatureWeighting().fit(table).weights_
        kilometres = FeatureWeighting().fit(table * [1, 0.001]).weights_
        assert metres[1] > 1.99 and kilometres[1] < 0.1
        same = FeatureWeighting().fit(StandardScaler().fit_transform(table)).weights_
        assert same == pytest.approx([1, 1])

    def test_mutual_information_is_that_of_scikit_learn(self):
        X, y = RNG.normal(size=(300, 3)), np.arange(300) % 2
        X[:, 1] += 3 * y
        worth = mutual_info_classif(X, y, random_state=7)
        model = FeatureWeighting("mutual_information", random_state=7).fit(X, y)
        assert model.worth_ == pytest.approx(worth)
        assert model.weights_ == pytest.approx(worth / worth.mean())
        assert model.weights_.argmax() == 1
        target = X[:, 0] + 0.1
        model = FeatureWeighting("mutual_information", random_state=7).fit(X, target)
        assert model.worth_ == pytest.approx(mutual_info_regression(X, target, random_state=7))

    def test_mutual_information_of_a_copy_is_that_of_the_original(self):
        X, y = RNG.normal(size=(400, 2)), np.arange(400) % 2
        X[:, 0] += 2 * y
        model = FeatureWeighting("mutual_information", random_state=0).fit(X[:, [0, 0, 1]], y)
        assert model.weights_[0] == pytest.approx(model.weights_[1], rel=0.1)
        assert model.weights_[:2].sum() > 1.8

    def test_model_by_hand(self):
        # y = 2a + 4b on orthogonal columns of spread 1 and 0.5: slopes 2 and 2 once standardised.
        X = np.array([[-1, -0.5], [-1, 0.5], [1, -0.5], [1, 0.5]])
        y = X @ [2.0, 4.0] + 0.25
        model = FeatureWeighting("model", estimator=LinearRegression()).fit(X, y)
        assert model.worth_ == pytest.approx([2, 2]) and model.weights_ == pytest.approx([1, 1])

    def test_model_takes_the_mean_over_classes(self):
        X, y = StandardScaler().fit_transform(RNG.normal(size=(90, 2))), np.arange(90) % 3
        line = LogisticRegression(max_iter=1000).fit(X, y)
        worth = FeatureWeighting("model").fit(X, y).worth_
        assert worth == pytest.approx(np.abs(line.coef_).mean(axis=0), rel=1e-6)

    def test_model_does_not_mind_units_and_takes_trees(self):
        X, y = RNG.normal(size=(200, 3)), np.arange(200) % 3
        X[:, 2] += y
        plain, scaled = (FeatureWeighting("model").fit(x, y).weights_ for x in (X, X * 1000))
        assert plain == pytest.approx(scaled, rel=1e-4) and plain.argmax() == 2
        tree = FeatureWeighting("model", estimator=DecisionTreeClassifier(), random_state=0)
        assert tree.fit(X, y).worth_.sum() == pytest.approx(1)

    def test_columns_of_a_block_share_their_mean(self):
        X = np.array([[0.0, 0.0, 0.0], [2.0, 4.0, 4.0]])  # variances 1, 4, 4: mean 3
        model = FeatureWeighting(blocks={"time": [0, 1], "space": [-1]}).fit(X)
        assert model.weights_ == pytest.approx([2.5 / 3, 2.5 / 3, 4 / 3])
        named = pd.DataFrame(X, columns=["a", "b", "c"])
        blocks = {"time": ["a", "b"], "space": ["c"]}
        assert FeatureWeighting(blocks=blocks).fit(named).weights_ == pytest.approx(model.weights_)

    def test_nothing_stands_out(self):
        assert FeatureWeighting().fit(np.ones((3, 2))).weights_.tolist() == [1, 1]
        large = FeatureWeighting().fit([[0.0, 0.0], [1e200, 2e200]]).weights_
        assert large == pytest.approx([0.4, 1.6])
        too_large = FeatureWeighting().fit([[0.0, 0.0], [1e200, 2e200]]).worth_
        assert np.isinf(too_large).all()

    def test_whole_numbers_are_classes_and_others_amounts(self):
        X, y = RNG.normal(size=(60, 2)), np.arange(60) % 3
        line = LogisticRegression(max_iter=1000).fit(StandardScaler().fit_transform(X), y)
        assert FeatureWeighting("model").fit(X, y).worth_ == pytest.approx(
            np.abs(line.coef_).mean(axis=0), rel=1e-6)  # fmt: skip
        ridge = Ridge().fit(StandardScaler().fit_transform(X), y)
        assert FeatureWeighting("model").fit(X, y + 0.5).worth_ == pytest.approx(
            np.abs(ridge.coef_))  # fmt: skip

    @given(NUMBERS)
    @settings(max_examples=50, deadline=None)
    def test_weights_have_mean_one_and_do_not_change_the_input(self, X):
        before = X.copy()
        model = FeatureWeighting().fit(X)
        assert model.weights_.mean() == pytest.approx(1) and (model.weights_ >= 0).all()
        assert model.transform(X) == pytest.approx(X * model.weights_)
        assert np.array_equal(X, before)

    def test_only_a_penalty_or_a_distance_feels_a_weight(self):
        X, y = RNG.normal(size=(100, 3)), RNG.normal(size=100)
        weights = FeatureWeighting().fit(X * [1, 2, 3])
        fits = {
            name: (model.fit(X, y).predict(X), clone(model).fit(weights.transform(X), y)
                   .predict(weights.transform(X)))
            for name, model in (("free", LinearRegression()), ("penalised", Ridge(50.0)))
        }  # fmt: skip
        assert fits["free"][0] == pytest.approx(fits["free"][1])
        assert np.abs(fits["penalised"][0] - fits["penalised"][1]).max() > 0.01
        near = NearestNeighbors(n_neighbors=2)
        plain = near.fit(X).kneighbors(X)[1]
        assert (plain != near.fit(weights.transform(X)).kneighbors(weights.transform(X))[1]).any()

    def test_ridge_of_a_weighted_column_is_another_penalty(self):
        x, y = np.array([[-1.0], [1.0]]), np.array([-1.0, 1.0])
        # (2w²)β' w = …: slope on the plain column is 2 / (2 + λ/w²).
        slope = Ridge(3.0).fit(x * 2, y).coef_[0] * 2
        assert slope == pytest.approx(2 / (2 + 3 / 4))

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"by": "beauty"}, "expected one of"),
            ({"blocks": {"time": [0]}}, "just one block"),
            ({"blocks": {"time": [0, 1], "space": [1]}}, "just one block"),
            ({"blocks": {"time": [0, "lon"]}}, "'lon'"),
            ({"blocks": {"time": [0, 2]}}, "column 2"),
            ({"blocks": {"time": [0, 1], "space": []}}, "none in 'space'"),
            ({"blocks": {}}, "found none"),
            ({"blocks": [[0], [1]]}, "expected a dict"),
            ({"blocks": {"time": [0.7], "space": [1]}}, "whole number"),
        ],
    )
    def test_errors(self, settings, words):
        with pytest.raises(ValueError, match=words):
            FeatureWeighting(**settings).fit(np.eye(2))

    def test_a_model_without_weights_is_refused(self):
        with pytest.raises(ValueError, match="coef_"):
            FeatureWeighting("model", estimator=KNeighborsClassifier(1)).fit(np.eye(2), [0, 1])


class TestConcatenation:
    def test_names_units_and_numbers(self):
        model = Concatenation(BLOCKS).set_output(transform="pandas")
        table = model.fit_transform(small_table())
        assert table.columns.tolist() == [
            "time__recency_hours", "time__day_sin", "space__last_jump_metres",
        ]  # fmt: skip
        assert table.index.tolist() == list("abcd")
        assert np.array_equal(table.to_numpy(), small_table().to_numpy())
        assert model.get_feature_units_out().tolist() == ["hours", "1", "metres"]

    def test_it_is_what_column_transformer_does(self):
        steps = [(name, StandardScaler(), columns) for name, columns in BLOCKS.items()]
        theirs = ColumnTransformer(steps).fit(small_table())
        ours = Concatenation(BLOCKS, scale="columns").fit(small_table())
        assert np.array_equal(ours.transform(small_table()), theirs.transform(small_table()))
        assert ours.get_feature_names_out().tolist() == theirs.get_feature_names_out().tolist()
        assert set(ours.get_feature_units_out()) == {"standard deviations"}

    def test_a_wide_block_weighs_as_much_as_a_narrow_one(self):
        wide = Concatenation({"wide": slice(0, 9), "narrow": slice(9, 10)}, scale="width")
        X = RNG.normal(size=(500, 10))
        variance = wide.fit_transform(X).var(axis=0)
        assert variance[:9].sum() == pytest.approx(1) and variance[9] == pytest.approx(1)
        assert set(wide.get_feature_units_out()) == {"1"}

    def test_singular_value_lets_copies_count_once(self):
        one = RNG.normal(size=(300, 2))
        blocks = {"copies": [0, 1, 2], "alone": [3]}
        X = one[:, [0, 0, 0, 1]]
        fused = Concatenation(blocks, scale="singular_value").fit_transform(X)
        assert fused[:, :3].var(axis=0).sum() == pytest.approx(1)
        # Each block's largest eigenvalue is 1.
        for columns in ([0, 1, 2], [3]):
            block = fused[:, columns] - fused[:, columns].mean(axis=0)
            assert np.linalg.norm(block, 2) ** 2 / len(X) == pytest.approx(1)

    def test_block_scaling_by_hand(self):
        block = np.array([[-1.0, -1.0], [1.0, 1.0]])
        assert BlockScaling("width").fit(block).divisor_ == pytest.approx(2**0.5)
        assert BlockScaling("singular_value").fit(block).divisor_ == pytest.approx(2**0.5)
        lopsided = np.array([[-3.0, 0.0], [3.0, 0.0]])
        assert BlockScaling("singular_value").fit(lopsided).divisor_ == pytest.approx(3)
        for constant in (0.1, 7e8, 0.0):
            flat = BlockScaling("singular_value").fit(np.full((7, 3), constant))
            assert flat.divisor_ == 1

    def test_a_constant_column_has_no_width(self):
        X = np.column_stack([RNG.normal(size=(50, 2)), np.full(50, 0.1), np.full(50, np.nan)])
        assert BlockScaling("width").fit(X).divisor_ == pytest.approx(2**0.5)
        assert BlockScaling("width").fit(X[:, 2:]).divisor_ == 1
        X = np.column_stack([X[:, :3], RNG.normal(size=50)])
        blocks = {"wide": [0, 1, 2], "narrow": [3]}
        variance = Concatenation(blocks, scale="width").fit_transform(X).var(axis=0)
        assert variance[:3].sum() == pytest.approx(1) and variance[3] == pytest.approx(1)

    @given(NUMBERS, st.permutations(range(6)))
    @settings(max_examples=50, deadline=None)
    def test_order_of_rows_does_not_matter(self, X, order):
        first, second = (
            BlockScaling("singular_value").fit(x).divisor_ for x in (X, X[list(order)])
        )
        assert first == pytest.approx(second, rel=1e-9)

    def test_scale_is_learnt_from_training_alone(self):
        train, test = small_table(), small_table() * 100
        model = Concatenation(BLOCKS, scale="columns").fit(train)
        assert model.transform(test)[:, 0] == pytest.approx(
            (test["recency_hours"] - 3) / np.sqrt(2.5)
        )

    def test_missing_passes_where_it_can(self):
        table = small_table()
        table.loc["a", "recency_hours"] = np.nan
        assert np.isnan(Concatenation(BLOCKS, scale="width").fit_transform(table)[0, 0])
        with pytest.raises(ValueError, match="NaN"):
            Concatenation(BLOCKS, scale="singular_value").fit(table)

    def test_errors(self):
        with pytest.raises(ValueError, match="scale"):
            Concatenation(BLOCKS, scale="big").fit(small_table())
        with pytest.raises(ValueError, match="blocks"):
            Concatenation({}).fit(small_table())
        with pytest.raises(ValueError, match=r"write \['recency_hours'\]"):
            Concatenation({"time": "recency_hours"}).fit(small_table())
        with pytest.raises(ValueError, match="'cell': expected numbers, found text"):
            Concatenation(BLOCKS).fit(small_table().assign(cell="a"))
        with pytest.raises(ValueError, match="expected a dict"):
            Concatenation([["recency_hours"]]).fit(small_table())
        with pytest.raises(ValueError, match="lat"):
            Concatenation({"space": ["lat"]}).fit(small_table())
        with pytest.raises(ValueError, match="by"):
            BlockScaling("beauty").fit(np.eye(2))


class TestPairs:
    def test_products_by_hand(self):
        pairs = list(itertools.product(BLOCKS["time"], BLOCKS["space"]))
        model = ProductFeatures(pairs).set_output(transform="pandas")
        table = model.fit_transform(small_table())
        assert table.columns.tolist() == [
            "recency_hours*last_jump_metres", "day_sin*last_jump_metres",
        ]  # fmt: skip
        assert table.iloc[1].tolist() == [1000, 500] and table.index.tolist() == list("abcd")
        assert model.get_feature_units_out().tolist() == ["hours·metres", "metres"]

    def test_all_products_are_those_of_scikit_learn(self):
        X = RNG.normal(size=(5, 4))
        theirs = PolynomialFeatures(2, interaction_only=True, include_bias=False).fit_transform(X)
        ours = ProductFeatures(list(itertools.combinations(range(4), 2))).fit_transform(X)
        assert ours == pytest.approx(theirs[:, 4:])

    @given(NUMBERS)
    @settings(max_examples=50, deadline=None)
    def test_products_commute_and_ratios_invert(self, X):
        left, right = ProductFeatures([(0, 1)]), ProductFeatures([(1, 0)])
        assert np.array_equal(left.fit_transform(X), right.fit_transform(X))
        back = RatioFeatures([(0, 1)]).fit_transform(X)[:, 0] * X[:, 1]
        # By the smallest numbers that there are, a ratio is too large for a float.
        told = np.abs(X[:, 1]) > 1e-300
        assert back[told] == pytest.approx(X[told, 0], rel=1e-9, abs=1e-300)
        assert np.isnan(back[X[:, 1] == 0]).all()

    def test_ratio_by_zero(self):
        X = np.array([[6.0, 2.0], [6.0, 0.0], [-6.0, -0.0], [6.0, -0.5], [0.0, 0.0], [1, np.nan]])
        plain = RatioFeatures([(0, 1)]).fit_transform(X).ravel()
        assert plain == pytest.approx([3, np.nan, np.nan, -12, np.nan, np.nan], nan_ok=True)
        floored = RatioFeatures([(0, 1)], floor=1.0).fit_transform(X).ravel()
        assert floored == pytest.approx([3, 6, -6, -6, 0, np.nan], nan_ok=True)
        model = RatioFeatures([("last_jump_metres", "recency_hours")]).fit(small_table())
        assert model.get_feature_units_out().tolist() == ["metres/hours"]

    def test_errors(self):
        for pairs in ([], [(0, 1, 2)], ["ab"], [0, 1], iter([(0, 1)]), "ab"):
            with pytest.raises(ValueError, match="pairs: expected"):
                ProductFeatures(pairs).fit(np.eye(3))
        assert ProductFeatures(np.array([[0, 1]])).fit_transform(np.ones((2, 2))).sum() == 2
        with pytest.raises(ValueError, match="whole number"):
            ProductFeatures([(0.7, 1)]).fit(np.eye(3))
        with pytest.raises(ValueError, match="'lat'"):
            ProductFeatures([("lat", "day_sin")]).fit(small_table())
        with pytest.raises(ValueError, match="floor"):
            RatioFeatures([(0, 1)], floor=0).fit(np.eye(3))


class TestCross:
    table = pd.DataFrame({"cell": list("aaabbc"), "hour": [9, 9, 21, 9, 9, 9]})

    def test_by_hand(self):
        model = CrossFeatures(min_count=2).fit(self.table)
        names = ["cell=a*hour=9", "cell=b*hour=9", "other"]
        assert model.get_feature_names_out().tolist() == names
        new = pd.DataFrame({"cell": ["b", "a", "z"], "hour": [9, 21, 9]})
        assert model.transform(new).toarray().tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 1]]

    def test_unseen_goes_to_other_though_training_had_nothing_rare(self):
        model = CrossFeatures(sparse_output=False).fit(self.table)
        assert model.transform(self.table)[:, -1].sum() == 0
        assert model.transform(pd.DataFrame({"cell": ["z"], "hour": [0]}))[0, -1] == 1

    def test_it_is_one_hot_encoding_of_joined_labels(self):
        rng = np.random.default_rng(1)
        table = pd.DataFrame({"cell": rng.choice(list("abcd"), 200, p=[0.6, 0.3, 0.08, 0.02]),
                              "hour": rng.integers(0, 5, 200)})  # fmt: skip
        joined = (table["cell"] + table["hour"].astype(str)).to_frame()
        theirs = OneHotEncoder(min_frequency=5, handle_unknown="infrequent_if_exist")
        ours = CrossFeatures(min_count=5)
        difference = theirs.fit_transform(joined) - ours.fit_transform(table)
        assert abs(difference).sum() == 0

    def test_each_row_has_one_mark_whatever_the_order(self):
        model = CrossFeatures(min_count=2).fit(self.table)
        again = CrossFeatures(min_count=2).fit(self.table.iloc[::-1])
        assert model.combinations_.equals(again.combinations_)
        assert (model.transform(self.table).sum(axis=1) == 1).all()

    def test_pairs_are_told_apart_by_more_than_their_joined_name(self):
        table = pd.DataFrame({"a": ["x*b=y", "x"], "b": ["z", "y*b=z"]})
        assert CrossFeatures().fit_transform(table).shape == (2, 3)

    def test_missing_is_a_category(self):
        table = pd.DataFrame({"cell": ["a", None, None], "hour": [9.0, np.nan, np.nan]})
        marks = CrossFeatures(sparse_output=False).fit_transform(table)
        assert marks.tolist() == [[0, 1, 0], [1, 0, 0], [1, 0, 0]]
        nothing = pd.DataFrame({"cell": [None], "hour": [np.nan]})
        model = pickle.loads(pickle.dumps(CrossFeatures(sparse_output=False).fit(table)))
        assert model.transform(nothing).tolist() == [[1, 0, 0]]

    def test_no_two_columns_are_named_alike(self):
        table = pd.DataFrame({"a": ["missing", None, "(missing)", "other", "x*b=y", "x"],
                              "b": ["z", "z", "z", "z", "z", "y*b=z"]})  # fmt: skip
        names = CrossFeatures().fit(table).get_feature_names_out()
        assert len(set(names)) == 7
        assert "a=missing*b=z" in names and "a=(missing)*b=z" in names
        assert "a='(missing)'*b=z" in names

    def test_errors(self):
        for count in (0, np.nan):
            with pytest.raises(ValueError, match="min_count"):
                CrossFeatures(min_count=count).fit(self.table)
        with pytest.raises(ValueError, match="'hour': expected numbers as in training"):
            CrossFeatures().fit(self.table).transform(self.table.astype(str))
        with pytest.raises(ValueError, match="found both"):
            CrossFeatures().fit(pd.DataFrame({"a": [1, "1"]}))
        with pytest.raises(ValueError, match="feature names"):
            CrossFeatures().fit(self.table).transform(self.table[["hour", "cell"]])


def test_all_three_in_one_pipeline():
    table = pd.concat([small_table()] * 10, ignore_index=True).assign(cell=list("abab") * 10)
    y = np.tile([0, 1, 0, 1], 10)
    names = [name for columns in BLOCKS.values() for name in columns]
    numbers = make_pipeline(
        StandardScaler(),
        FeatureUnion(
            [
                ("plain", Concatenation(BLOCKS, scale="width")),
                ("products", ProductFeatures([("day_sin", "last_jump_metres")])),
            ]
        ),
        FeatureWeighting("mutual_information", random_state=0),
    ).set_output(transform="pandas")
    both = ColumnTransformer(
        [("numbers", numbers, names), ("cross", CrossFeatures(sparse_output=False), ["cell"])]
    ).set_output(transform="pandas")
    model = make_pipeline(both, LogisticRegression()).fit(table, y)
    assert model.score(table, y) == 1
    assert model[0].get_feature_names_out().tolist() == [
        "numbers__plain__time__recency_hours",
        "numbers__plain__time__day_sin",
        "numbers__plain__space__last_jump_metres",
        "numbers__products__day_sin*last_jump_metres",
        "cross__cell=a",
        "cross__cell=b",
        "cross__other",
    ]
    assert clone(model).get_params().keys() == model.get_params().keys()
