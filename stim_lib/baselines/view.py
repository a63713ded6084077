"""What a set of queries sees of the past, in the catalogue of a model.

Computed once and shared by the parts of a mix. Everything here is derived from pairs of a query
and an earlier action, so nothing later than the query can enter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse

from stim_lib import schema
from stim_lib.queries import Past, look_back
from stim_lib.spatial import distance_metres
from stim_lib.temporal import clock_hours

NO_PLACE = -1
SATURDAY = 5


@dataclass(frozen=True)
class View:
    """Pairs of query and earlier action, with the features that counters weigh.

    Parameters
    ----------
    queries : DataFrame, shape (n_queries, n_columns)
        With user_id and timestamp, optionally local_time, lat and lon of where the user is.
    history : DataFrame, shape (n_actions, n_columns)
    places : DataFrame, shape (n_items, 2)
        lat and lon; index: the catalogue.
    use_query_time : bool
        If False, ages and clocks are those of the last action, so that the time of the query
        serves to cut the history and to nothing else.
    """

    queries: pd.DataFrame
    history: pd.DataFrame
    places: pd.DataFrame
    use_query_time: bool

    @cached_property
    def past(self) -> Past:
        """Pairs of query and earlier action."""
        return look_back(self.queries, self.history)

    @cached_property
    def place_of_row(self) -> np.ndarray:
        """Column of each action's place in the catalogue; -1 where it has none."""
        return self.places.index.get_indexer(self.history[schema.ITEM])

    @cached_property
    def last_place(self) -> np.ndarray:
        """Column of the place of each query's last action; -1 where unknown."""
        return self._at_last(self.place_of_row, NO_PLACE)

    def _at_last(self, of_row: np.ndarray, otherwise: object) -> np.ndarray:
        """Value of each query's last action; `otherwise` where there is none."""
        if not len(of_row):
            return np.full(len(self.queries), otherwise, dtype=of_row.dtype)
        return np.where(self.past.last >= 0, of_row[self.past.last], otherwise)

    @cached_property
    def age_days(self) -> np.ndarray:
        """Age of each pair's action, in days, shape (n_pairs,)."""
        times = self.history[schema.TIME].dt.tz_convert(None).to_numpy()
        if self.use_query_time:
            now = self.queries[schema.TIME].dt.tz_convert(None).to_numpy()
        else:
            now = self._at_last(times, np.datetime64("NaT", "us"))
        return (now[self.past.query] - times[self.past.row]) / np.timedelta64(1, "D")

    @cached_property
    def hours_since_last(self) -> np.ndarray:
        """Hours between each query and its user's last action, shape (n_queries,); inf if none."""
        times = self.history[schema.TIME].dt.tz_convert(None).to_numpy()
        now = self.queries[schema.TIME].dt.tz_convert(None).to_numpy()
        hours = (now - self._at_last(times, np.datetime64("NaT", "us"))) / np.timedelta64(1, "h")
        return np.where(np.isnan(hours), np.inf, hours)

    @cached_property
    def _clock_of_row(self) -> pd.Series:
        if schema.LOCAL_TIME in self.history:
            return self.history[schema.LOCAL_TIME]
        return self.history[schema.TIME].dt.tz_convert(None)

    @cached_property
    def _clock_of_query(self) -> pd.Series:
        """Wall clock at the query, or at the last action where the time is unknown."""
        nowhere = np.datetime64("NaT", "us")
        at_last = pd.Series(self._at_last(self._clock_of_row.to_numpy(), nowhere))
        if not self.use_query_time:
            return at_last
        if schema.LOCAL_TIME in self.queries:
            return self.queries[schema.LOCAL_TIME].reset_index(drop=True)
        # The clock of the last action, moved by the time that has passed since.
        instants = self.history[schema.TIME].dt.tz_convert(None).to_numpy()
        offset = at_last - pd.Series(self._at_last(instants, nowhere))
        return self.queries[schema.TIME].dt.tz_convert(None).reset_index(drop=True) + offset

    @cached_property
    def clock_gap_hours(self) -> np.ndarray:
        """Distance on the circle of the day, in [0, 12] hours, shape (n_pairs,)."""
        of_row = clock_hours(self._clock_of_row)[self.past.row]
        gap = np.abs(of_row - clock_hours(self._clock_of_query)[self.past.query])
        return np.minimum(gap, 24 - gap)

    @cached_property
    def same_kind_of_day(self) -> np.ndarray:
        """Whether both fall on workdays, or both on a weekend, shape (n_pairs,)."""
        of_row = (self._clock_of_row.dt.day_of_week >= SATURDAY).to_numpy()[self.past.row]
        of_query = (self._clock_of_query.dt.day_of_week >= SATURDAY).to_numpy()
        return of_row == of_query[self.past.query]

    @cached_property
    def follows_last_place(self) -> np.ndarray:
        """Whether the user came to this action from where they are now, shape (n_pairs,)."""
        item = self.history[schema.ITEM].to_numpy()
        query, row = self.past.query, self.past.row
        came_from = np.zeros(len(row), dtype=bool)
        neighbours = query[1:] == query[:-1]
        same = item[row[:-1]] == item[self.past.last[query[1:]]]
        came_from[1:] = neighbours & same
        return came_from

    @cached_property
    def metres_from_here(self) -> np.ndarray:
        """Distance to each place, shape (n_queries, n_items); NaN where either is unknown."""
        coordinates = [schema.LAT, schema.LON]
        here = np.full((len(self.queries), 2), np.nan)
        seen = self.past.last >= 0
        here[seen] = self.history[coordinates].to_numpy()[self.past.last[seen]]
        if set(coordinates) <= set(self.queries):
            given = self.queries[coordinates].to_numpy(dtype=float)
            here = np.where(np.isfinite(given).all(axis=1)[:, None], given, here)
        # Many queries start from the same place: measure from each place once.
        spots, spot_of_query = np.unique(here, axis=0, return_inverse=True)
        lat, lon = self.places[schema.LAT].to_numpy(), self.places[schema.LON].to_numpy()
        return distance_metres(spots[:, [0]], spots[:, [1]], lat, lon)[spot_of_query.ravel()]

    def collect(self, weight: np.ndarray) -> sparse.csr_array:
        """Add up the weights of pairs by query and place, shape (n_queries, n_items)."""
        column = self.place_of_row[self.past.row]
        kept = (column != NO_PLACE) & (weight > 0)
        return sparse.csr_array(
            (weight[kept], (self.past.query[kept], column[kept])),
            shape=(len(self.queries), len(self.places)),
        )
