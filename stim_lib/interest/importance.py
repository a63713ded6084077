"""Which family of features does a model need: shuffle it, or leave it out and fit again.

Introduced in chapter 11.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin, clone

from stim_lib.interest.models import predict_interest
from stim_lib.interest.surprise import surprise
from stim_lib.metrics import bootstrap_means, paired_differences


def families_of(table: pd.DataFrame) -> dict[str, list[str]]:
    """Group columns by what stands before the first two underscores of their names.

    Parameters
    ----------
    table : DataFrame, shape (n_queries, n_features)
        From `make_interest_table`.

    Returns
    -------
    dict of str to list of str
        Family → its columns, in order.

    Raises
    ------
    ValueError
        If a column has no family.

    Notes
    -----
    Introduced in chapter 11.

    Examples
    --------
    >>> families_of(pd.DataFrame(columns=["own__a", "time__b", "own__c"]))
    {'own': ['own__a', 'own__c'], 'time': ['time__b']}
    """
    families: dict[str, list[str]] = {}
    for name in table:
        family, mark, _ = str(name).partition("__")
        if not mark:
            raise ValueError(f"table: expected columns named family__feature, found {name!r}")
        families.setdefault(family, []).append(name)
    return families


def permute_families(
    model: ClassifierMixin,
    table: pd.DataFrame,
    truth: pd.Series,
    users: pd.Series,
    *,
    families: Mapping[str, Sequence[str]] | None = None,
    n_repeats: int = 3,
    seed: int = 0,
) -> pd.DataFrame:
    """What a fitted model loses when a family of columns is shuffled among the queries.

    Parameters
    ----------
    model : scikit-learn classifier
        Fitted; not fitted again.
    table : DataFrame, shape (n_queries, n_features)
    truth, users : Series of str, shape (n_queries,)
        What came, and to whom; same index.
    families : mapping of name to columns, optional
        Columns that are shuffled together. Default: `families_of`.
    n_repeats : int
        Shuffles that each loss is a mean of.
    seed : int

    Returns
    -------
    DataFrame, shape (n_families, 5)
        value, rise of the log-loss (nats); low and high, 95 % interval over users; n; n_users.

    Raises
    ------
    ValueError
        If indexes differ, a column is missing, or `n_repeats` is not positive.

    Notes
    -----
    A family's rows are moved as they are, so columns of a family stay true to each other; what
    another family says of the same thing stays in place, and then little is lost. Source: Breiman
    (2001), Machine Learning 45:5, doi:10.1023/A:1010933404324. Introduced in chapter 11.

    Examples
    --------
    >>> from stim_lib.interest.models import make_model
    >>> table = pd.DataFrame({"a__x": [0.0, 1.0] * 9, "b__x": 0.0})
    >>> truth, users = pd.Series(["p", "q"] * 9), pd.Series(list("uvw") * 6)
    >>> lost = permute_families(make_model("logistic").fit(table, truth), table, truth, users)
    >>> (lost["value"] > 0).tolist()
    [True, False]
    """
    families = families_of(table) if families is None else families
    _require_columns(families, table)
    if n_repeats < 1:
        raise ValueError(f"n_repeats: expected 1 or more, found {n_repeats}")
    kinds = _kinds(model, truth)
    before = surprise(predict_interest(model, table, kinds=kinds), truth)
    rng, rows = np.random.default_rng(seed), {}
    orders = [rng.permutation(len(table)) for _ in range(n_repeats)]
    for family, columns in families.items():
        rise = pd.Series(0.0, table.index)
        for order in orders:
            other = table[list(columns)].iloc[order].set_axis(table.index)
            changed = table.assign(**{name: other[name] for name in columns})
            after = surprise(predict_interest(model, changed, kinds=kinds), truth)
            rise += (after - before) / n_repeats
        rows[family] = bootstrap_means(rise, users, seed=seed).iloc[0]
    return _as_table(rows)


def drop_families(
    model: ClassifierMixin,
    table: pd.DataFrame,
    truth: pd.Series,
    *,
    test: pd.DataFrame,
    test_truth: pd.Series,
    users: pd.Series,
    families: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """What is lost when a model is fitted again without a family of columns.

    Parameters
    ----------
    model : scikit-learn classifier
        Copied, and fitted once with everything and once without each family.
    table, test : DataFrame, shape (n_queries, n_features)
        Training part, and the part to judge by.
    truth, test_truth : Series of str, shape (n_queries,)
    users : Series of str, shape (n_test,)
        Of the part to judge by.
    families : mapping of name to columns, optional
        Default: `families_of`.
    seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame, shape (n_families, 5)
        value, rise of the log-loss (nats); low and high, 95 % interval over users; n; n_users.

    Raises
    ------
    ValueError
        If indexes differ, a column is missing, or there is only one family.

    Notes
    -----
    Differences are paired by query. Introduced in chapter 11.

    Examples
    --------
    >>> from stim_lib.interest.models import make_model
    >>> table = pd.DataFrame({"a__x": [0.0, 1.0] * 9, "b__x": 0.0})
    >>> truth, users = pd.Series(["p", "q"] * 9), pd.Series(list("uvw") * 6)
    >>> later = {"test": table, "test_truth": truth, "users": users}
    >>> lost = drop_families(make_model("logistic"), table, truth, **later)
    >>> (lost["value"] > 0.1).tolist()
    [True, False]
    """
    families = families_of(table) if families is None else families
    _require_columns(families, table)
    if len(families) < 2:
        raise ValueError(f"families: expected two or more, found {', '.join(families) or 'none'}")

    def judge(columns: list[str]) -> pd.Series:
        fitted = clone(model).fit(table[columns], truth)
        shares = predict_interest(fitted, test[columns], kinds=_kinds(fitted, test_truth))
        return surprise(shares, test_truth)

    full = judge(list(table))
    rows = {}
    for family, columns in families.items():
        left = [name for name in table if name not in set(columns)]
        rows[family] = paired_differences(judge(left), full, users, seed=seed).iloc[0]
    return _as_table(rows)


def _kinds(model: ClassifierMixin, truth: pd.Series) -> list[str]:
    return sorted(set(model.classes_) | set(truth))


def _require_columns(families: Mapping[str, Sequence[str]], table: pd.DataFrame) -> None:
    for family, columns in families.items():
        if absent := [name for name in columns if name not in table]:
            raise ValueError(
                f"families: expected columns of the table, found {absent[0]!r} in {family}"
            )


def _as_table(rows: dict[str, pd.Series]) -> pd.DataFrame:
    table = pd.DataFrame(rows).T.rename_axis("family")
    return table.astype({"n": int, "n_users": int})
