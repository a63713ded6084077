"""The same model under several seeds: what is luck, and what is left when luck is averaged out.

Introduced in chapter 08.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd


def run_seeds(
    run: Callable[[int], Mapping[str, float]],
    seeds: Iterable[int] = range(5),
    *,
    progress: Callable[[int, Mapping[str, float]], None] | None = None,
) -> pd.DataFrame:
    """Train and judge once for each seed.

    Parameters
    ----------
    run : function of a seed
        Trains, judges, returns metrics by name.
    seeds : iterable of int
    progress : function of (seed, metrics), optional
        Called after each.

    Returns
    -------
    DataFrame, shape (n_seeds, n_metrics)
        Index seed.

    Raises
    ------
    ValueError
        If there is no seed, or one stands twice.

    Notes
    -----
    Introduced in chapter 08.

    Examples
    --------
    >>> run_seeds(lambda seed: {"mrr": 0.3 + seed / 100}, seeds=[0, 1])["mrr"].tolist()
    [0.3, 0.31]
    """
    seeds = list(seeds)
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds: expected different numbers, found {seeds}")
    rows = []
    for seed in seeds:
        rows.append(dict(run(seed)))
        if progress:
            progress(seed, rows[-1])
    return pd.DataFrame(rows, index=pd.Index(seeds, name="seed"))


def summarise_seeds(runs: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Mean over seeds with the interval that Student's t gives it.

    Parameters
    ----------
    runs : DataFrame, shape (n_seeds, n_metrics)
        From `run_seeds`; or the difference of two such tables, seed by seed.
    level : float
        In (0, 1).

    Returns
    -------
    DataFrame, shape (n_metrics, 5)
        mean; low and high, of the mean over seeds; deviation, of single seeds; n_seeds.

    Raises
    ------
    ValueError
        If there are fewer than two seeds, a number is missing, or `level` is not in (0, 1).

    Notes
    -----
    mean ± t_{n-1} s/√n. It says where the mean over very many seeds may lie, on the same test
    users: the luck of the users is another matter (`metrics.bootstrap_means`). Introduced in
    chapter 08.

    Examples
    --------
    >>> runs = pd.DataFrame({"mrr": [0.30, 0.31, 0.32]})
    >>> summarise_seeds(runs).round(3).loc["mrr"].tolist()
    [0.31, 0.285, 0.335, 0.01, 3.0]
    """
    from scipy import stats

    n = len(runs)
    if n < 2 or not 0 < level < 1:
        raise ValueError(f"expected two seeds or more and a level in (0, 1), found {n}, {level}")
    if runs.isna().any(axis=None):
        raise ValueError(
            f"expected a number from each seed, found {runs.isna().sum().sum()} missing"
        )
    mean, deviation = runs.mean(), runs.std(ddof=1)
    half = stats.t.ppf((1 + level) / 2, n - 1) * deviation / np.sqrt(n)
    table = {"mean": mean, "low": mean - half, "high": mean + half, "deviation": deviation}
    return pd.DataFrame(table | {"n_seeds": n}, index=runs.columns)
