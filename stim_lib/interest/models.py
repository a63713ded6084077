"""Six models of interest by name, behind one interface.

Introduced in chapter 11.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from stim_lib.interest.regressions import KindByKind

MODELS = ("linear", "poisson", "logistic", "tree", "forest", "boosting")
# What each model is without tuning: the libraries' own settings, where they finish.
DEFAULTS = {
    "linear": {"alpha": 1.0},
    "poisson": {"alpha": 1.0},
    "logistic": {"C": 1.0},
    "tree": {"max_leaf_nodes": None, "min_samples_leaf": 1},
    "forest": {"n_estimators": 100, "min_samples_leaf": 1, "max_features": "sqrt"},
    "boosting": {"n_estimators": 100, "learning_rate": 0.1, "num_leaves": 31,
                 "min_child_samples": 20, "colsample_bytree": 1.0, "reg_lambda": 0.0},
}  # fmt: skip
LEAST_SHARE = 1e-4


def make_model(name: str, *, seed: int = 0, **settings: object) -> ClassifierMixin:
    """Make a classifier by its name, not fitted yet.

    Parameters
    ----------
    name : {"linear", "poisson", "logistic", "tree", "forest", "boosting"}
    seed : int
        Of what is random in it.
    **settings : object
        In place of the library's own: alpha; C; max_leaf_nodes, min_samples_leaf; n_estimators,
        max_features; learning_rate, num_leaves, min_child_samples, colsample_bytree, reg_lambda.

    Returns
    -------
    scikit-learn Pipeline
        With fit, predict_proba and ``classes_``. Missing values: the first three put the mean, and
        standardise; trees send them to the side that suits.

    Raises
    ------
    ValueError
        If the name or a setting is not known.

    Notes
    -----
    Linear and Poisson regression: one for each kind, see `KindByKind`. Boosting: LightGBM, on one
    thread, so that the same seed gives the same trees. Source: Ke et al. (2017), LightGBM, NeurIPS
    30. Introduced in chapter 11.

    Examples
    --------
    >>> model = make_model("logistic", C=0.1).fit([[0.0], [1.0], [2.0]], ["a", "a", "b"])
    >>> model.predict_proba([[0.0]]).shape
    (1, 2)
    """
    if name not in MODELS:
        raise ValueError(f"name: expected one of {', '.join(MODELS)}, found {name!r}")
    if unknown := sorted(set(settings) - set(DEFAULTS[name])):
        raise ValueError(
            f"settings of {name}: expected some of {', '.join(DEFAULTS[name])}, found {unknown[0]}"
        )
    settings = DEFAULTS[name] | settings
    if name in ("linear", "poisson", "logistic"):
        return make_pipeline(
            SimpleImputer(keep_empty_features=True), StandardScaler(), _linear(name, settings)
        )
    # Trees compare numbers, so nothing has to be scaled or filled in.
    return Pipeline(
        [("numbers", FunctionTransformer(_numbers)), (name, _trees(name, seed, settings))]
    )


def _linear(name: str, settings: dict[str, object]) -> ClassifierMixin:
    if name == "linear":
        return KindByKind(Ridge(**settings))
    if name == "poisson":
        return KindByKind(PoissonRegressor(solver="newton-cholesky", max_iter=50, **settings))
    return LogisticRegression(max_iter=300, tol=1e-3, **settings)


def _trees(name: str, seed: int, settings: dict[str, object]) -> ClassifierMixin:
    if name == "tree":
        return DecisionTreeClassifier(random_state=seed, **settings)
    if name == "forest":
        return RandomForestClassifier(random_state=seed, n_jobs=1, **settings)
    from lightgbm import LGBMClassifier

    # Fewer bins than the library's 255: four times as fast, and no worse on tables of this size.
    settings = {"max_bin": 63, "force_col_wise": True} | settings

    return LGBMClassifier(random_state=seed, n_jobs=1, deterministic=True, verbose=-1, **settings)


def _numbers(X: object) -> np.ndarray:
    """Names of kinds may hold signs that LightGBM refuses in names of columns."""
    return np.asarray(X, dtype=float)


def predict_interest(
    model: ClassifierMixin,
    table: pd.DataFrame,
    *,
    kinds: Sequence[str] | None = None,
    least_share: float = LEAST_SHARE,
) -> pd.DataFrame:
    """Say how likely each kind is, for each query.

    Parameters
    ----------
    model : scikit-learn classifier
        Fitted; with ``classes_`` and predict_proba.
    table : DataFrame, shape (n_queries, n_features)
    kinds : sequence of str, shape (n_kinds,), optional
        Columns of the answer. Default: those that the model has seen.
    least_share : float
        In [0, 1 / n_kinds): no kind gets less, also one that the model has never seen. A leaf of a
        tree that holds no such row would otherwise call it impossible.

    Returns
    -------
    DataFrame of float64, shape (n_queries, n_kinds)
        Index of `table`; rows sum to 1.

    Raises
    ------
    ValueError
        If `least_share` is out of range, or a kind that the model knows is not among `kinds`.

    Notes
    -----
    p' = (1 - nε) p + ε. Introduced in chapter 11.

    Examples
    --------
    >>> table = pd.DataFrame({"x": [0.0, 0.0, 1.0, 1.0]})
    >>> model = make_model("tree").fit(table, ["a", "a", "b", "b"])
    >>> predict_interest(model, table[:1], kinds=["a", "b", "c"], least_share=0.01)
          a     b     c
    0  0.98  0.01  0.01
    """
    kinds = list(model.classes_ if kinds is None else kinds)
    column = pd.Index(kinds).get_indexer(model.classes_)
    if (column < 0).any() or not 0 <= least_share * len(kinds) < 1:
        raise ValueError(
            f"expected kinds with {', '.join(map(str, model.classes_))} among them and least_share "
            f"in [0, 1 / {len(kinds)}), found {', '.join(map(str, kinds))} and {least_share}"
        )
    shares = np.full((len(table), len(kinds)), float(least_share))
    if len(table):
        given = np.asarray(model.predict_proba(table), dtype=float)
        shares[:, column] += (1 - least_share * len(kinds)) * given
        shares /= shares.sum(axis=1, keepdims=True)
    return pd.DataFrame(shares, table.index, kinds)
