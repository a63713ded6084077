"""How many actions of each kind will a week hold? A table of counts, for Poisson regression.

Introduced in chapter 11.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from stim_lib import schema

WEEK, COUNT = "week", "count"


def make_weekly_counts(log: pd.DataFrame, *, kind: str = schema.ROOT_CATEGORY) -> pd.DataFrame:
    """Count the actions of each user, kind and week, beside what the earlier weeks held.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        With local_time, whose Mondays begin the weeks, and `kind`.
    kind : str

    Returns
    -------
    DataFrame, shape (n_user_weeks · n_kinds, 7)
        user_id; week (its Monday); the kind; count; last_count, in the user's week before;
        mean_count, over all the user's weeks before; n_weeks, how many those were. NaN where there
        was none.

    Raises
    ------
    SchemaError
        If a column is missing.
    ValueError
        If no action has a kind.

    Notes
    -----
    A week in which the user did nothing is no row: in a log that keeps some weeks and drops others
    it could not be told from a dropped one. "The week before" is the last that is there.
    Introduced in chapter 11.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> make_weekly_counts(log, kind="category")["count"].sum()
    np.int64(4)
    """
    schema.require_columns(log, "log", (schema.USER, schema.TIME, schema.LOCAL_TIME, kind))
    told = log[log[kind].notna() & log[schema.LOCAL_TIME].notna()]
    if not len(told):
        raise ValueError(f"log: expected a {kind} and a local_time in some row, found none")
    day = told[schema.LOCAL_TIME].dt.normalize()
    monday = (day - pd.to_timedelta(day.dt.day_of_week, unit="D")).rename(WEEK)
    wide = pd.crosstab([told[schema.USER], monday], told[kind]).sort_index()
    by_user = wide.groupby(level=schema.USER)
    before = by_user.cumcount()
    sums = by_user.cumsum() - wide
    means = sums.div(before.where(before > 0), axis=0)
    columns = {COUNT: wide, "last_count": by_user.shift(1), "mean_count": means}
    long = {name: table.stack().astype(float) for name, table in columns.items()}  # noqa: PD013
    table = pd.DataFrame({name: column.reindex(long[COUNT].index) for name, column in long.items()})
    table = table.reset_index().astype({COUNT: np.int64})
    weeks = pd.MultiIndex.from_frame(table[[schema.USER, WEEK]])
    return table.assign(n_weeks=before.reindex(weeks).to_numpy())
