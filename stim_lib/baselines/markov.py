"""Where do people go from here?"""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
import pandas as pd
from scipy import sparse

from stim_lib import schema
from stim_lib.baselines.counters import decay
from stim_lib.baselines.model import (
    Baseline,
    Scores,
    as_shares,
    fade,
    require_fade,
    require_positive,
)
from stim_lib.baselines.view import NO_PLACE, View

LEVELS = ("global", "user", "backed off")


class Markov(Baseline):
    """First-order Markov chain over places.

    Parameters
    ----------
    level : "global", "user" or "backed off"
        Whose steps are counted: everybody's in training; the user's own before the query; or the
        user's own, drawn towards everybody's.
    half_life_days : float, optional
        Of the user's own steps.
    prior_weight : float
        m: everybody's steps are drawn towards global popularity by m imagined ones; for "backed
        off" the user's own towards everybody's, for "user" towards global popularity.
    fade_hours : float, optional
        Half-life of the last place: scores halve with each such time since it was left, which
        matters in a mix. Needs the time of the query.
    use_query_time : bool

    Raises
    ------
    ValueError
        If a setting is out of range.

    Notes
    -----
    P(b | a) = (n(a → b) + m P₀(b | a)) / (n(a) + m), with P₀ the level below: Dirichlet
    back-off. Source: MacKay and Peto (1995), doi:10.1017/S1351324900000218.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> model = Markov(level="global").fit(log)
    >>> model.rank(log[3:], k=1, history=log)["item_id"].tolist()
    ['Beijing']
    """

    def __init__(
        self,
        *,
        level: Literal["global", "user", "backed off"] = "backed off",
        half_life_days: float | None = 60.0,
        prior_weight: float = 1.0,
        fade_hours: float | None = None,
        use_query_time: bool = False,
    ) -> None:
        if level not in LEVELS:
            raise ValueError(f"level: expected one of {LEVELS}, found {level!r}")
        require_positive("half_life_days", half_life_days)
        require_positive("prior_weight", prior_weight, zero=True)
        require_fade(fade_hours, use_query_time)
        super().__init__(use_query_time=use_query_time)
        self.fade_hours = fade_hours
        self.level = level
        self.half_life_days = half_life_days
        self.prior_weight = prior_weight

    def __str__(self) -> str:
        return f"Markov, {self.level}"

    def fit(self, train: pd.DataFrame) -> Self:
        """Count everybody's steps; see `Baseline.fit`."""
        super().fit(train)
        ordered = schema.sort_log(train)
        place = self.catalogue.get_indexer(ordered[schema.ITEM])
        stays = ordered[schema.USER].eq(ordered[schema.USER].shift()).to_numpy()[1:]
        n_items = len(self.catalogue)
        self._steps = sparse.csr_array(
            (np.ones(stays.sum()), (place[:-1][stays], place[1:][stays])), shape=(n_items, n_items)
        )
        return self

    def _global(self, view: View) -> Scores:
        known = view.last_place != NO_PLACE
        # Empty rows where the last place is unknown: the prior alone.
        here = sparse.csr_array(
            (np.ones(known.sum()), (np.flatnonzero(known), view.last_place[known])),
            shape=(len(known), len(self.catalogue)),
        )
        return as_shares(sparse.csr_array(here @ self._steps), self._popularity, self.prior_weight)

    def score_view(self, view: View) -> Scores:
        """See `Baseline.score_view`."""
        return fade(self._shares(view), view.hours_since_last, self.fade_hours)

    def _shares(self, view: View) -> Scores:
        if self.level == "global":
            return self._global(view)
        weight = decay(view.age_days, self.half_life_days) * view.follows_last_place
        prior = self._popularity
        if self.level == "backed off" and self.prior_weight > 0:
            prior = self._global(view)
        return as_shares(view.collect(weight), prior, self.prior_weight)
