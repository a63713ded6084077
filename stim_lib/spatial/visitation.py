"""How users spread their actions over places. Introduced in chapter 05."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.spatial._visits import Visits, read_visits
from stim_lib.temporal._grouping import divide, group_sums

KINDS = ("uncorrelated", "random")
CORRECTIONS = ("none", "miller-madow")


def visitation_entropy(
    log: pd.DataFrame,
    *,
    kind: str = "uncorrelated",
    correction: str = "none",
    place: str = schema.ITEM,
) -> pd.Series:
    """How evenly each user's actions are spread over places, in bits.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        With user_id, timestamp (UTC), lat, lon and `place`; actions without coordinates are left
        out.
    kind : {"uncorrelated", "random"}
        uncorrelated: by how often each place was visited. random: as if all were visited alike,
        log2 of their number.
    correction : {"none", "miller-madow"}
        Few actions reach few places, so the plain entropy is too low; Miller and Madow add what
        it lacks on average, to first order.
    place : str
        Column that says which actions were at the same place.

    Returns
    -------
    Series of float64, shape (n_users,)
        Bits; 0 for one place, NaN without actions. Index user_id, sorted.

    Raises
    ------
    SchemaError
        If a column is missing, or a cell is not what it should be.
    ValueError
        If the kind or the correction is unknown, or a correction is asked for the random kind.

    Notes
    -----
    H = -Σ p log2 p over the K places of the user's n actions, plus (K - 1)/(2 n ln 2) if
    corrected. Sources: Song, Qu, Blumm and Barabási (2010), doi:10.1126/science.1177170; Miller
    (1955), Note on the bias of information estimates. Introduced in chapter 05.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")  # Beijing twice, two other cities once
    >>> visitation_entropy(log).tolist(), visitation_entropy(log, kind="random").round(3).tolist()
    ([1.5], [1.585])
    """
    if kind not in KINDS or correction not in CORRECTIONS:
        raise ValueError(
            f"expected kind in {KINDS} and correction in {CORRECTIONS}, found {kind!r} and "
            f"{correction!r}"
        )
    if kind == "random" and correction != "none":
        raise ValueError('correction: expected "none" for the random kind, which is no estimate')
    visits = read_visits(log, place)
    user, count, n_places = count_visits(visits)
    if kind == "random":
        bits = np.log2(np.where(n_places > 0, n_places, np.nan))
    else:
        bits = entropy_bits(visits, user, count)
    if correction == "miller-madow":
        bits = bits + divide(n_places - 1, 2 * visits.n * np.log(2))
    return pd.Series(bits, index=visits.users, name="visitation_entropy_bits")


def count_visits(visits: Visits) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Visits of each place by each user.

    Parameters
    ----------
    visits : Visits

    Returns
    -------
    user, count : ndarray of int, shape (n_pairs,)
        Of each pair of a user and a place: by user, then the most visited first.
    n_places : ndarray of int, shape (n_users,)

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> count_visits(read_visits(load_seed_example().assign(user_id="1")))[1]
    array([2, 1, 1])
    """
    cell, pairs = pd.factorize(visits.user * (visits.place.max(initial=0) + 1) + visits.place)
    count = np.bincount(cell, minlength=len(pairs))
    user = pairs // (visits.place.max(initial=0) + 1)
    order = np.lexsort((-count, user))
    return user[order], count[order], np.bincount(user, minlength=len(visits.users))


def entropy_bits(visits: Visits, user: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Entropy of each user's visits over places.

    Parameters
    ----------
    visits : Visits
    user, count : ndarray of int, shape (n_pairs,)
        From `count_visits`.

    Returns
    -------
    ndarray of float64, shape (n_users,)
        Bits; NaN without visits.

    Notes
    -----
    As `visitation_entropy`. Introduced in chapter 05.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> visits = read_visits(load_seed_example().assign(user_id="1"))
    >>> entropy_bits(visits, *count_visits(visits)[:2])
    array([1.5])
    """
    share = count / visits.n[user]
    bits = -group_sums(user, share * np.log2(share), len(visits.users)) + 0.0
    return np.where(visits.n > 0, bits, np.nan)


def top_place_share(log: pd.DataFrame, *, k: int = 1, place: str = schema.ITEM) -> pd.Series:
    """Share of each user's actions at the k places that the user visits most.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        As for `visitation_entropy`.
    k : int
        1 or more.
    place : str
        Column that says which actions were at the same place.

    Returns
    -------
    Series of float64, shape (n_users,)
        In (0, 1]; NaN without actions. Index user_id, sorted.

    Raises
    ------
    SchemaError
        If a column is missing, or a cell is not what it should be.
    ValueError
        If k is less than 1.

    Notes
    -----
    Introduced in chapter 05.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> top_place_share(log).tolist(), top_place_share(log, k=3).tolist()
    ([0.5], [1.0])
    """
    if not isinstance(k, (int, np.integer)) or k < 1:
        raise ValueError(f"k: expected a whole number of places, 1 or more, found {k}")
    visits = read_visits(log, place)
    user, count, _ = count_visits(visits)
    name = "top_place_share" if k == 1 else f"top_{k}_share"
    return pd.Series(shares_of_top(visits.n, user, count, k), index=visits.users, name=name)


def shares_of_top(n: np.ndarray, user: np.ndarray, count: np.ndarray, k: int) -> np.ndarray:
    """Share of the k largest counts of each user.

    Parameters
    ----------
    n : ndarray of int, shape (n_users,)
        Visits of each user.
    user, count : ndarray of int, shape (n_pairs,)
        From `count_visits`.
    k : int

    Returns
    -------
    ndarray of float64, shape (n_users,)

    Notes
    -----
    As `top_place_share`. Introduced in chapter 05.

    Examples
    --------
    >>> shares_of_top(np.array([4]), np.array([0, 0, 0]), np.array([2, 1, 1]), 2)
    array([0.75])
    """
    n_places = np.bincount(user, minlength=len(n))
    turn = np.arange(len(user)) - np.repeat(n_places.cumsum() - n_places, n_places)
    top = turn < k
    return divide(group_sums(user[top], count[top].astype(float), len(n)), n)


def new_place_rate(log: pd.DataFrame, *, place: str = schema.ITEM) -> pd.Series:
    """Share of each user's actions at places that the user had not visited before.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        As for `visitation_entropy`.
    place : str
        Column that says which actions were at the same place.

    Returns
    -------
    Series of float64, shape (n_users,)
        In [0, 1]; NaN for fewer than two actions. Index user_id, sorted.

    Raises
    ------
    SchemaError
        If a column is missing, or a cell is not what it should be.

    Notes
    -----
    (K - 1)/(n - 1) for K places in n actions: each place is new once, and the first action of all
    is left out, since it could not be a return. New is new to the log; what came before the log
    began is not known, so early rates are too high. Introduced in chapter 05.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> new_place_rate(load_seed_example().assign(user_id="1")).round(3).tolist()
    [0.667]
    """
    visits = read_visits(log, place)
    n_places = count_visits(visits)[2]
    rate = divide(n_places - 1, visits.n - 1, where=visits.n > 1)
    return pd.Series(rate, index=visits.users, name="new_place_rate")
