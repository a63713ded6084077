"""Interest as shares of actions, drawn towards the crowd.

Introduced in chapter 01.
"""

from __future__ import annotations

import pandas as pd

from stim_lib import schema


def interest_shares(
    log: pd.DataFrame,
    *,
    by: str = schema.CATEGORY,
    prior_weight: float = 1.0,
    prior: pd.Series | None = None,
) -> pd.DataFrame:
    """Estimate each user's interest as shares of actions, drawn towards the crowd's.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        A behaviour log.
    by : str
        What interest is in: category, item_id, …
    prior_weight : float
        m: as many imagined actions, spread like the prior, are added to each user's own.
    prior : Series, shape (n_values,), optional
        Share of each value of `by` before the user is known; sums to 1. Default: the shares of
        the whole log.

    Returns
    -------
    DataFrame of float64, shape (n_users, n_values)
        Rows sum to 1; without a prior weight, those of users with no value are NaN.

    Raises
    ------
    ValueError
        If the log is empty, `by` is missing, `prior_weight` is negative, or the prior does not
        sum to 1 or lacks a value that the log has.

    Notes
    -----
    share(u, c) = (n_uc + m · prior_c) / (n_u + m): the mean of a Dirichlet posterior.
    Source: Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., section 3.4. Introduced in
    chapter 01.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> interest_shares(load_seed_example(), by="item_id").loc["1"].tolist()
    [0.75, 0.125, 0.125]
    """
    if not len(log) or by not in log:
        raise ValueError(f"log: expected rows and a column {by!r}, found {log.shape}")
    if prior_weight < 0:
        raise ValueError(f"prior_weight: expected 0 or more, found {prior_weight}")
    if log[by].isna().all():
        raise ValueError(f"log: expected a value of {by!r} in some row, found none")
    # Users whose every value is missing stay, with the prior.
    users = pd.Index(sorted(log[schema.USER].unique()), name=schema.USER)
    counts = pd.crosstab(log[schema.USER], log[by]).reindex(users, fill_value=0)
    if prior is None:
        prior = counts.sum() / counts.to_numpy().sum()
    absent = counts.columns.difference(prior.index)
    if len(absent) or abs(prior.sum() - 1) > 1e-9:
        raise ValueError(
            f"prior: expected shares of every {by} that sum to 1, found a sum of "
            f"{prior.sum():.6g} and nothing for {list(absent[:3])}"
        )
    counts = counts.reindex(columns=prior.index, fill_value=0)
    return (counts + prior_weight * prior).div(counts.sum(axis=1) + prior_weight, axis=0)
