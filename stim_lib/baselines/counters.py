"""Counting: what everybody does, what this user does, and when."""

from __future__ import annotations

import numpy as np

from stim_lib.baselines.model import Baseline, Scores, as_shares, require_positive
from stim_lib.baselines.view import View


def decay(age_days: np.ndarray, half_life_days: float | None) -> np.ndarray:
    """Weight of an action by its age.

    Parameters
    ----------
    age_days : ndarray of float64, shape (n_pairs,)
    half_life_days : float or None
        Age at which an action counts half; None for no decay.

    Returns
    -------
    ndarray of float64, shape (n_pairs,)
        2^(-age / half-life), in (0, 1].

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> decay(np.array([0.0, 2.0, 4.0]), 2.0)
    array([1.  , 0.5 , 0.25])
    """
    if half_life_days is None:
        return np.ones_like(age_days)
    return np.exp2(-age_days / half_life_days)


class GlobalPopularity(Baseline):
    """Share of training actions, the same for every user at every moment.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> model = GlobalPopularity().fit(load_seed_example())
    >>> model.catalogue[0], model.score(load_seed_example()[:1], history=load_seed_example())[0, 0]
    ('Beijing', np.float64(0.5))
    """

    def __str__(self) -> str:
        return "global popularity"

    def score_view(self, view: View) -> Scores:
        """See `Baseline.score_view`."""
        return np.tile(self._popularity, (len(view.queries), 1))


class UserCounter(Baseline):
    """The user's own past places, weighted by how recent they are; then what is popular.

    Parameters
    ----------
    half_life_days : float, optional
        Age at which an action counts half. None: all count the same ("user popularity").
    prior_weight : float
        m: as many imagined actions, spread like global popularity. Orders the places where the
        user never was, and serves a user without a past.
    use_query_time : bool
        If False, ages count from the last action. Shares hardly differ; the promise does.

    Raises
    ------
    ValueError
        If a setting is out of range.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> model = UserCounter().fit(log[:2])
    >>> model.rank(log[2:3], k=1, history=log)["item_id"].tolist()
    ['Beijing']
    """

    def __init__(
        self,
        *,
        half_life_days: float | None = None,
        prior_weight: float = 1.0,
        use_query_time: bool = False,
    ) -> None:
        require_positive("half_life_days", half_life_days)
        require_positive("prior_weight", prior_weight, zero=True)
        super().__init__(use_query_time=use_query_time)
        self.half_life_days = half_life_days
        self.prior_weight = prior_weight

    def __str__(self) -> str:
        fading = f", half-life {self.half_life_days:g} days" if self.half_life_days else ""
        return f"user counter{fading}"

    def score_view(self, view: View) -> Scores:
        """See `Baseline.score_view`."""
        weights = view.collect(decay(view.age_days, self.half_life_days))
        return as_shares(weights, self._popularity, self.prior_weight)


class HourOfWeekCounter(Baseline):
    """The user's own past places at this time of day, on this kind of day.

    Parameters
    ----------
    width_hours : float
        Standard deviation of the kernel on the circle of the day.
    other_day_weight : float
        What an action on a workday counts at a weekend, and the reverse; in [0, 1].
    half_life_days : float, optional
    prior_weight : float
        m, as in `UserCounter`.
    use_query_time : bool
        If False the clock is that of the user's last action, the latest that is known.

    Raises
    ------
    ValueError
        If a setting is out of range.

    Notes
    -----
    weight = 2^(-age/half-life) · exp(-½ (gap/width)²) · (1 or other_day_weight): a Nadaraya–Watson
    estimate of the share of each place at this hour of the week.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> model = HourOfWeekCounter(use_query_time=True).fit(log[:2])
    >>> model.rank(log[2:3], k=1, history=log)["item_id"].tolist()
    ['Shanghai']
    """

    def __init__(
        self,
        *,
        width_hours: float = 2.0,
        other_day_weight: float = 0.3,
        half_life_days: float | None = 60.0,
        prior_weight: float = 1.0,
        use_query_time: bool = False,
    ) -> None:
        require_positive("width_hours", width_hours)
        require_positive("half_life_days", half_life_days)
        require_positive("prior_weight", prior_weight, zero=True)
        if not 0 <= other_day_weight <= 1:
            raise ValueError(f"other_day_weight: expected in [0, 1], found {other_day_weight}")
        super().__init__(use_query_time=use_query_time)
        self.width_hours = width_hours
        self.other_day_weight = other_day_weight
        self.half_life_days = half_life_days
        self.prior_weight = prior_weight

    def __str__(self) -> str:
        return f"hour-of-week counter, {self.width_hours:g} h"

    def score_view(self, view: View) -> Scores:
        """See `Baseline.score_view`."""
        weight = decay(view.age_days, self.half_life_days)
        weight *= np.exp(-0.5 * (view.clock_gap_hours / self.width_hours) ** 2)
        weight *= np.where(view.same_kind_of_day, 1.0, self.other_day_weight)
        return as_shares(view.collect(weight), self._popularity, self.prior_weight)
