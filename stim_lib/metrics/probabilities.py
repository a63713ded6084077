"""Is a model right as often as it says?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn import metrics as sklearn_metrics

from stim_lib.metrics.intervals import bootstrap_means
from stim_lib.metrics.labels import as_labels, require_same_index


def _checked(actual: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    require_same_index(actual, probability)
    actual = as_labels(actual, "actual")
    probability = np.asarray(probability, dtype=float)
    if probability.shape != actual.shape or not ((probability >= 0) & (probability <= 1)).all():
        strange = probability[~((probability >= 0) & (probability <= 1))][:1]
        raise ValueError(
            f"probability: expected {len(actual)} numbers in [0, 1], found shape "
            f"{probability.shape} {strange if len(strange) else ''}".rstrip()
        )
    return actual, probability


def log_loss(actual: np.ndarray, probability: np.ndarray) -> float:
    """Mean surprise, in nats, at what happened.

    Parameters
    ----------
    actual : array of bool, shape (n_cases,)
    probability : array of float, shape (n_cases,)
        Of True.

    Returns
    -------
    float
        Not negative; inf if something happened that was called impossible.

    Raises
    ------
    ValueError
        If shapes differ, there are no cases, or a probability is outside [0, 1].

    Notes
    -----
    -mean log p(what happened). scikit-learn's clips at machine precision, and so calls certainty
    that was wrong a loss of 36; here it is inf. Source: Good (1952), J. R. Stat. Soc. B 14:107.
    Introduced in chapter 13.

    Examples
    --------
    >>> round(log_loss([True, False], [0.5, 0.5]), 4)
    0.6931
    """
    actual, probability = _checked(actual, probability)
    of_outcome = np.where(actual, probability, 1 - probability)
    with np.errstate(divide="ignore"):
        return float(-np.log(of_outcome).mean() + 0.0)


def brier_score(actual: np.ndarray, probability: np.ndarray) -> float:
    """Mean squared distance between the probability and what happened.

    Parameters
    ----------
    actual : array of bool, shape (n_cases,)
    probability : array of float, shape (n_cases,)
        Of True.

    Returns
    -------
    float
        In [0, 1]; 0 is perfect, 0.25 is what "fifty-fifty" always gets.

    Raises
    ------
    ValueError
        If shapes differ, there are no cases, or a probability is outside [0, 1].

    Notes
    -----
    Computed by scikit-learn. Source: Brier (1950), Monthly Weather Review 78(1):1.
    Introduced in chapter 13.

    Examples
    --------
    >>> brier_score([True, False], [0.5, 0.5])
    0.25
    """
    actual, probability = _checked(actual, probability)
    return float(sklearn_metrics.brier_score_loss(actual, probability, pos_label=True))


def reliability_curve(
    actual: np.ndarray,
    probability: np.ndarray,
    users: np.ndarray,
    *,
    n_bins: int = 10,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare what was promised with what happened, from least to most confident.

    Parameters
    ----------
    actual : array of bool, shape (n_cases,)
    probability : array of float, shape (n_cases,)
        Of True.
    users : array, shape (n_cases,)
        Whose case it is; intervals draw users whole.
    n_bins : int
        Groups of about equally many cases. Equal probabilities stay together, so there may be
        fewer groups.
    seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame, shape (at most n_bins, 6)
        predicted (mean probability), observed (share of True), low, high (95 % interval of
        observed), n, n_users.

    Raises
    ------
    ValueError
        If shapes differ, there are no cases, a probability is outside [0, 1], or `n_bins` < 1.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> reliability_curve([1, 0, 0, 0], [0.5, 0.5, 0.1, 0.1], users=[1, 2, 1, 2], n_bins=2)[
    ...     ["predicted", "observed", "n"]]
       predicted  observed  n
    0        0.1       0.0  2
    1        0.5       0.5  2
    """
    require_same_index(actual, probability, users)
    actual, probability = _checked(actual, probability)
    if n_bins < 1 or len(users) != len(actual):
        raise ValueError(
            f"expected n_bins of 1 or more and {len(actual)} users, found {n_bins} and {len(users)}"
        )
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, n_bins + 1)[1:-1]))
    # A case on an edge goes below it, so that equal probabilities share one group.
    group = np.searchsorted(edges, probability, side="left")
    rows = []
    for number in np.unique(group):
        chosen = group == number
        cases = pd.Series(actual[chosen].astype(float), name="observed")
        share = bootstrap_means(cases, np.asarray(users)[chosen], seed=seed)
        rows.append(share.assign(predicted=probability[chosen].mean()))
    table = pd.concat(rows, ignore_index=True).rename(columns={"value": "observed"})
    return table[["predicted", "observed", "low", "high", "n", "n_users"]]
