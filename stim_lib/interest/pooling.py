"""Several models at once: a blend adds their shares, a stack multiplies powers of them.

Both learn on the validation part, from models that have not seen it. Introduced in chapter 11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from stim_lib.interest.surprise import columns_of

TOLERANCE = 1e-9
MOST_STEPS = 5000
RIDGE = 1e-3

Shares = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Blend:
    """A weighted mean of shares.

    Attributes
    ----------
    weights : Series of float, shape (n_models,)
        Not negative; sum 1.

    Examples
    --------
    >>> sure = pd.DataFrame({"a": [1.0], "b": [0.0]})
    >>> unsure = pd.DataFrame({"a": [0.5], "b": [0.5]})
    >>> Blend(pd.Series({"x": 0.5, "y": 0.5})).predict({"x": sure, "y": unsure})
          a     b
    0  0.75  0.25
    """

    weights: pd.Series

    def predict(self, shares: Shares) -> pd.DataFrame:
        """Mix what the models say about the same queries; returns shares, rows of sum 1."""
        stacked, index, kinds = _stacked(shares, list(self.weights.index))
        mixed = np.tensordot(self.weights.to_numpy(), stacked, axes=1)
        return pd.DataFrame(mixed / mixed.sum(axis=1, keepdims=True), index, kinds)


@dataclass(frozen=True)
class Stack:
    """Shares multiplied, each to a power of its own, and a factor for each kind.

    Attributes
    ----------
    powers : Series of float, shape (n_models,)
        Their sum above 1 sharpens, below 1 softens.
    bias : Series of float, shape (n_kinds,)
        Logarithm of the factor of each kind; sum 0.

    Examples
    --------
    >>> one = pd.DataFrame({"a": [0.8], "b": [0.2]})
    >>> Stack(pd.Series({"x": 0.5}), pd.Series({"a": 0.0, "b": 0.0})).predict({"x": one}).round(3)
           a      b
    0  0.667  0.333
    """

    powers: pd.Series
    bias: pd.Series

    def predict(self, shares: Shares) -> pd.DataFrame:
        """Pool what the models say about the same queries; returns shares, rows of sum 1."""
        stacked, index, kinds = _stacked(shares, list(self.powers.index))
        if kinds != list(self.bias.index):
            raise ValueError(f"shares: expected the kinds of the stack, found {kinds[:3]}")
        logs = np.tensordot(self.powers.to_numpy(), _logs(stacked), axes=1) + self.bias.to_numpy()
        return pd.DataFrame(softmax(logs, axis=1), index, kinds)


def fit_blend(shares: Shares, truth: pd.Series) -> Blend:
    """Find the weights of a mean of shares that make what happened most likely.

    Parameters
    ----------
    shares : mapping of name to DataFrame, shape (n_queries, n_kinds)
        Of the validation part, from models that were fitted without it.
    truth : Series of str, shape (n_queries,)

    Returns
    -------
    Blend

    Raises
    ------
    ValueError
        If there is no model, tables differ in index or columns, a row is no probability, or some
        answer is impossible under every model.

    Notes
    -----
    Expectation–maximisation from equal weights: w_k ← mean of w_k p_k / Σ_j w_j p_j, with p_k what
    model k gave to the truth. The likelihood is concave in w and never falls on the way. Source:
    Dempster, Laird and Rubin (1977), J. R. Stat. Soc. B 39:1. Introduced in chapter 11.

    Examples
    --------
    >>> right = pd.DataFrame({"a": [0.9], "b": [0.1]})
    >>> wrong = pd.DataFrame({"a": [0.2], "b": [0.8]})
    >>> fit_blend({"right": right, "wrong": wrong}, pd.Series(["a"])).weights.round(3).tolist()
    [1.0, 0.0]
    """
    given = _given(shares, truth)
    if not (given.max(axis=0) > 0).all():
        raise ValueError(
            "shares: expected some model to allow each answer, found one that none does"
        )
    weights = np.full(len(given), 1 / len(given))
    for _ in range(MOST_STEPS):
        parts = weights[:, None] * given
        better = (parts / parts.sum(axis=0)).mean(axis=1)
        step = np.abs(better - weights).max()
        weights = better
        if step < TOLERANCE:
            break
    return Blend(pd.Series(weights / weights.sum(), list(shares)))


def fit_stack(shares: Shares, truth: pd.Series, *, with_bias: bool = True) -> Stack:
    """Find the powers of a product of shares that make what happened most likely.

    Parameters
    ----------
    shares : mapping of name to DataFrame, shape (n_queries, n_kinds)
        Of the validation part, from models that were fitted without it.
    truth : Series of str, shape (n_queries,)
    with_bias : bool
        Whether each kind gets a factor; without it and with one model this is the scaling of a
        temperature.

    Returns
    -------
    Stack

    Raises
    ------
    ValueError
        As `fit_blend`.

    Notes
    -----
    ln p = Σ_k a_k ln p_k + b - ln of the sum over kinds: a conditional logit, whose inputs are the
    models. By L-BFGS, with a ridge of 0.001 towards a = 1/n and b = 0. Source: Wolpert (1992),
    Neural Networks 5:241, doi:10.1016/S0893-6080(05)80023-1. Introduced in chapter 11.

    Examples
    --------
    >>> one = pd.DataFrame({"a": [0.8] * 3, "b": [0.2] * 3})
    >>> stack = fit_stack({"x": one}, pd.Series(["a", "a", "b"]), with_bias=False)
    >>> stack.predict({"x": one})["a"].round(2).iloc[0]  # as often as it was right
    np.float64(0.67)
    """
    stacked, _, kinds = _stacked(shares, list(shares))
    columns = columns_of(next(iter(shares.values())), truth)
    for table in shares.values():
        columns_of(table, truth)
    logs, rows, n_models = _logs(stacked), np.arange(len(columns)), len(shares)
    happened = np.zeros(stacked.shape[1:])
    happened[rows, columns] = 1
    start = np.concatenate([np.full(n_models, 1 / n_models), np.zeros(len(kinds))])

    def log_loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        told = log_softmax(np.tensordot(point[:n_models], logs, axes=1) + point[n_models:], axis=1)
        off, away = (np.exp(told) - happened) / len(rows), point - start
        slope = np.concatenate([(logs * off).sum(axis=(1, 2)), off.sum(axis=0) * with_bias])
        loss = -told[rows, columns].mean() + RIDGE * (away**2).sum() / 2
        return float(loss), slope + RIDGE * away

    found = minimize(log_loss, start, jac=True, method="L-BFGS-B").x
    return Stack(pd.Series(found[:n_models], list(shares)), pd.Series(found[n_models:], kinds))


def _stacked(shares: Shares, names: list[str]) -> tuple[np.ndarray, pd.Index, list[str]]:
    """Tables as one array, shape (n_models, n_queries, n_kinds)."""
    if not names or any(name not in shares for name in names):
        raise ValueError(f"shares: expected tables of {names or 'a model'}, found {list(shares)}")
    first = shares[names[0]]
    for name in names:
        if not shares[name].index.equals(first.index) or list(shares[name]) != list(first):
            raise ValueError(
                f"shares: expected the same queries and kinds of every model, found others of "
                f"{name!r} than of {names[0]!r}"
            )
    return (
        np.stack([shares[name].to_numpy(dtype=float) for name in names]),
        first.index,
        list(first),
    )


def _given(shares: Shares, truth: pd.Series) -> np.ndarray:
    """What each model gave to the truth, shape (n_models, n_queries)."""
    stacked, _, _ = _stacked(shares, list(shares))
    for table in shares.values():
        columns = columns_of(table, truth)
    return stacked[:, np.arange(len(columns)), columns]


def _logs(shares: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(shares, 1e-12))
