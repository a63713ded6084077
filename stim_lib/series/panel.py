"""From a log of actions to regular series of interest."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from stim_lib import schema

LARGEST_PANEL = 100_000_000
"""Cells of a panel; above it (800 MB) the request is more likely a slip than a wish."""
GROUPS = {
    "city": None,
    "user": schema.USER,
    "place": schema.ITEM,
    "category": schema.CATEGORY,
}
DIVIDED_BY_DEFAULT = ("city", "user")
GAPS = ("missing", "zero")


def make_interest_series(
    log: pd.DataFrame,
    by: str = "city",
    freq: str = "W",
    *,
    of: str | None = None,
    share: bool = True,
    gaps: str = "missing",
    min_actions: int = 1,
) -> pd.DataFrame:
    """Count actions in regular periods of the local calendar; give shares, or the counts.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        A behaviour log. Periods follow local_time where the log has it, else UTC.
    by : str
        Whose interest: "city" (one group), "user", "place", "category", or a column of the log.
    freq : str
        Length of a period, a pandas alias: "h", "D", "W" (from Monday), "M". Several, such as
        "6h" or "2W", are counted from the period of the first action.
    of : str, optional
        What a group's actions are divided among, a column of the log. Default for "city" and
        "user": root_category, or category where the log has no roots. Default for the rest: not
        divided; a series is then the group's own part of all actions.
    share : bool
        True: the share of the period's actions. False: their number.
    gaps : str
        A period with too few actions to divide is "missing" (NaN), or "zero" (shares; counts stay
        what they are).
    min_actions : int
        Periods with fewer actions (of the group, or of the city if not divided) are gaps.

    Returns
    -------
    DataFrame of float64, shape (n_periods, n_series)
        Index: start of each period, without gaps from the first action to the last. Columns: one
        level for the city or undivided groups, two levels (group, value) else. The first and the
        last period may be covered in part, which counts show and shares do not.

    Raises
    ------
    ValueError
        If the log is empty, a column or the alias is unknown, or the panel would not fit memory.

    Notes
    -----
    share(g, c, t) = n_gct / n_gt. A group that did nothing in a period had no interest that could
    be seen: its share is 0 / 0, and its count says nothing either, for nobody may have looked.
    Introduced in chapter 03.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> make_interest_series(load_seed_example(), "city", "D", of="action").loc["2023-01-02"]
    action
    click       1.0
    purchase    0.0
    view        0.0
    Name: 2023-01-02 00:00:00, dtype: float64
    """
    group, of = _read_question(log, by, of, gaps, min_actions)
    periods, codes = _periods(log, freq)
    kept = log[[name for name in (group, of) if name is not None]].notna().all(axis=1).to_numpy()
    if not kept.any():
        raise ValueError(f"log: expected a value of {of or group!r} in some row, found none")
    columns, series = _series_of_rows(log[kept], group, of)
    if len(periods) * len(columns) > LARGEST_PANEL:
        raise ValueError(
            f"expected at most {LARGEST_PANEL:,} cells, found {len(periods):,} periods of {freq!r} "
            f"times {len(columns):,} series; take a longer period or a coarser column"
        )
    counts = np.zeros((len(periods), len(columns)))
    np.add.at(counts, (codes[kept], series), 1.0)
    exposure = _exposure(counts, columns, divided=of is not None)
    is_gap = exposure < max(min_actions, 1)
    values = np.divide(counts, exposure, out=np.zeros_like(counts), where=~is_gap)
    values = values if share else counts
    if gaps == "missing":
        values[np.broadcast_to(is_gap, values.shape)] = np.nan
    return pd.DataFrame(values, index=periods, columns=columns)


def _read_question(
    log: pd.DataFrame, by: str, of: str | None, gaps: str, min_actions: int
) -> tuple[str | None, str | None]:
    """Columns of the groups and of what they are divided among."""
    if not len(log):
        raise ValueError("log: expected at least one action, found none")
    if gaps not in GAPS:
        raise ValueError(f"gaps: expected one of {GAPS}, found {gaps!r}")
    if min_actions < 0:
        raise ValueError(f"min_actions: expected 0 or more, found {min_actions}")
    if of is None and by in DIVIDED_BY_DEFAULT:
        of = schema.ROOT_CATEGORY if schema.ROOT_CATEGORY in log else schema.CATEGORY
    group = GROUPS.get(by, by)
    for name, column in (("by", group), ("of", of)):
        if column is not None and column not in log:
            raise ValueError(
                f"{name}: expected one of {list(GROUPS)} or a column of the log "
                f"({', '.join(map(str, log))}), found {column!r}"
            )
    if group is not None and group == of:
        raise ValueError(f"of: expected another column than by, found {of!r} twice")
    return group, of


def _periods(log: pd.DataFrame, freq: str) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """Start of every period from the first action to the last; each row's period."""
    clock = log[schema.LOCAL_TIME] if schema.LOCAL_TIME in log else log[schema.TIME]
    clock = clock.dt.tz_localize(None) if clock.dt.tz is not None else clock
    if clock.isna().any():
        row = log.index[clock.isna()][0]
        raise ValueError(f"{clock.name}, row {row}: expected a time, found none")
    n_steps, single = _read_frequency(freq)
    ordinal = pd.PeriodIndex(clock.dt.to_period(single)).asi8
    # pandas anchors several days nowhere; here periods of several steps start with the log.
    codes = (ordinal - ordinal.min()) // n_steps
    n_periods = int(codes.max()) + 1
    if n_periods > LARGEST_PANEL:
        raise ValueError(f"freq: {freq!r} cuts the log into {n_periods:,} periods")
    first = clock.min().to_period(single)
    start = pd.period_range(first, periods=(n_periods - 1) * n_steps + 1, freq=single)
    return start[::n_steps].to_timestamp(how="start").rename("period"), codes


def _read_frequency(freq: str) -> tuple[int, str]:
    """Number and kind of the calendar steps in a period."""
    n_steps, single = re.fullmatch(r"(\d*)(.*)", str(freq)).groups()
    if single.upper().startswith("B"):
        raise ValueError("freq: expected a period that covers every day, found business days")
    try:
        pd.Period("2024-01-01", freq=single)
    except (ValueError, AttributeError) as error:
        raise ValueError(
            f"freq: expected a period such as 'h', 'D', 'W' or 'M', found {freq!r}"
        ) from error
    return max(int(n_steps or 1), 1), single


def _series_of_rows(
    log: pd.DataFrame, group: str | None, of: str | None
) -> tuple[pd.Index, np.ndarray]:
    """Labels of the series, groups outermost; each row's series."""
    if group is None or of is None:
        codes, labels = pd.factorize(log[group or of], sort=True)
        return pd.Index(labels, name=group or of), codes
    group_codes, groups = pd.factorize(log[group], sort=True)
    value_codes, values = pd.factorize(log[of], sort=True)
    columns = pd.MultiIndex.from_product([groups, values], names=[group, of])
    return columns, group_codes * len(values) + value_codes


def _exposure(counts: np.ndarray, columns: pd.Index, *, divided: bool) -> np.ndarray:
    """Actions among which each cell is a share, shape (n_periods, n_series or 1)."""
    if not divided or columns.nlevels == 1:
        return counts.sum(axis=1, keepdims=True)
    n_values = len(columns.levels[1])
    of_group = counts.reshape(len(counts), -1, n_values).sum(axis=2)
    return np.repeat(of_group, n_values, axis=1)
