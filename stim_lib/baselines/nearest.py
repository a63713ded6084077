"""What is around the corner?"""

from __future__ import annotations

import numpy as np

from stim_lib.baselines.model import Baseline, Scores, fade, require_fade, require_positive
from stim_lib.baselines.view import View


class NearestPlaces(Baseline):
    """Places near the user's last known position, popular ones first if wanted.

    Parameters
    ----------
    decay_metres : float
        λ: a place this much farther counts 1/e as much.
    popularity_power : float
        α: 0 ranks by distance alone; 1 weighs by the place's share of training actions.
    fade_hours : float, optional
        As in `Markov`.
    use_query_time : bool

    Raises
    ------
    ValueError
        If a setting is out of range.

    Notes
    -----
    score ∝ popularity^α · exp(-d/λ), with rows that sum to 1. The position is that of the last
    action before the query, unless the queries say where the user is. Where it is unknown the
    score is 0 everywhere.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.queries import make_queries
    >>> log = load_seed_example().assign(user_id="1")
    >>> model = NearestPlaces(decay_metres=1e5).fit(log)
    >>> queries, _ = make_queries(log[1:2])
    >>> model.rank(queries, k=2, history=log)["item_id"].tolist()
    ['Beijing', 'Shanghai']
    """

    def __init__(
        self,
        *,
        decay_metres: float = 1500.0,
        popularity_power: float = 0.0,
        fade_hours: float | None = None,
        use_query_time: bool = False,
    ) -> None:
        require_positive("decay_metres", decay_metres)
        require_positive("popularity_power", popularity_power, zero=True)
        require_fade(fade_hours, use_query_time)
        super().__init__(use_query_time=use_query_time)
        self.fade_hours = fade_hours
        self.decay_metres = decay_metres
        self.popularity_power = popularity_power

    def __str__(self) -> str:
        weighed = ", by popularity" if self.popularity_power else ""
        return f"nearest places, {self.decay_metres:g} m{weighed}"

    def score_view(self, view: View) -> Scores:
        """See `Baseline.score_view`."""
        # Relative to the nearest place, or far places would all underflow to the same 0.
        metres = view.metres_from_here
        nearest = np.nanmin(metres, axis=1, keepdims=True, initial=np.inf)
        score = np.exp((nearest - metres) / self.decay_metres)
        score *= self._popularity**self.popularity_power
        score = np.nan_to_num(score, nan=0.0, posinf=0.0)
        total = score.sum(axis=1, keepdims=True)
        shares = np.divide(score, total, out=np.zeros_like(score), where=total > 0)
        return fade(shares, view.hours_since_last, self.fade_hours)
