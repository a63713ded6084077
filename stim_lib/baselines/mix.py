"""Several counters at once: a weighted sum of their shares."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Self

import numpy as np
import pandas as pd
from scipy import sparse

from stim_lib.baselines.counters import GlobalPopularity, HourOfWeekCounter, UserCounter
from stim_lib.baselines.markov import Markov
from stim_lib.baselines.model import Baseline, Scores
from stim_lib.baselines.nearest import NearestPlaces
from stim_lib.baselines.view import View


def default_components(*, use_query_time: bool = False) -> dict[str, Baseline]:
    """Counters that look at habit, recency, hour, sequence and place.

    Parameters
    ----------
    use_query_time : bool
        Whether they may use the time of the visit to be predicted.

    Returns
    -------
    dict of name to Baseline
        Nine, or eleven where the time is known: two of those fade with the time since the last
        action. Without priors of their own: global popularity is one of them.

    Notes
    -----
    Two scales each for recency, hour and distance let the weights choose. Introduced in chapter
    13.

    Examples
    --------
    >>> len(default_components())
    9
    """
    user = {"prior_weight": 0.0, "use_query_time": use_query_time}
    near = {"popularity_power": 0.7, "use_query_time": use_query_time}
    components = {
        "user_40_days": UserCounter(half_life_days=40, **user),
        "user_3_days": UserCounter(half_life_days=3, **user),
        "hour_2_h": HourOfWeekCounter(width_hours=2, **user),
        "hour_45_min": HourOfWeekCounter(width_hours=0.75, **user),
        "markov_user": Markov(level="user", **user),
        "markov_global": Markov(level="global", **user),
        "near_1500_m": NearestPlaces(decay_metres=1500, **near),
        "near_300_m": NearestPlaces(decay_metres=300, **near),
        "popularity": GlobalPopularity(use_query_time=use_query_time),
    }
    if use_query_time:
        components["markov_user_fresh"] = Markov(level="user", fade_hours=2, **user)
        components["near_500_m_fresh"] = NearestPlaces(decay_metres=500, fade_hours=1, **near)
    return components


class Mix(Baseline):
    """A weighted sum of counters.

    Parameters
    ----------
    components : mapping of name to Baseline, optional
        Default: `default_components`.
    weights : mapping of name to float, optional
        Positive, one for each component; only their proportions matter. Default: all equal. See
        `tune_mix`.
    use_query_time : bool
        All components must agree with it.

    Raises
    ------
    ValueError
        If there is no component, names differ, a weight is not positive and finite, or a
        component knows more or less than the mix.

    Notes
    -----
    score = Σ w_i share_i. Source: interpolation of Jelinek and Mercer (1980), Pattern Recognition
    in Practice, p. 381.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> mix = Mix({"user": UserCounter(), "all": GlobalPopularity()}, {"user": 2, "all": 1})
    >>> mix.fit(log[:3]).rank(log[3:], k=1, history=log)["item_id"].tolist()
    ['Beijing']
    """

    def __init__(
        self,
        components: Mapping[str, Baseline] | None = None,
        weights: Mapping[str, float] | None = None,
        *,
        use_query_time: bool = False,
    ) -> None:
        super().__init__(use_query_time=use_query_time)
        if components is None:
            components = default_components(use_query_time=use_query_time)
        self.components = dict(components)
        self.weights = self._checked(weights or dict.fromkeys(self.components, 1.0))
        for name, component in self.components.items():
            if component.use_query_time != use_query_time:
                raise ValueError(
                    f"components: {name} has use_query_time={component.use_query_time}, the mix "
                    f"{use_query_time}; give both the same"
                )

    def _checked(self, weights: Mapping[str, float]) -> dict[str, float]:
        if not self.components or set(self.components) != set(weights):
            raise ValueError(
                f"weights: expected one for each of {', '.join(self.components) or 'no component'}"
                f", found {', '.join(weights)}"
            )
        for name, weight in weights.items():
            if not 0 < weight < np.inf:
                raise ValueError(f"weights: expected positive numbers, found {name}={weight}")
        return {name: weights[name] for name in self.components}

    def with_weights(self, weights: Mapping[str, float]) -> Self:
        """Return the same components, as fitted as they are, under other weights."""
        other = copy.copy(self)
        other.weights = self._checked(weights)
        return other

    def __str__(self) -> str:
        return f"mix of {len(self.components)} counters"

    def fit(self, train: pd.DataFrame) -> Self:
        """Fit every component; see `Baseline.fit`."""
        super().fit(train)
        for component in self.components.values():
            component.fit(train)
        return self

    def score_view(self, view: View) -> Scores:
        """See `Baseline.score_view`."""
        # Sparse parts are added up first: most of a user's shares are zero.
        sparse_sum = sparse.csr_array((len(view.queries), len(self.catalogue)))
        dense_sum = np.zeros(sparse_sum.shape)
        for name, component in self.components.items():
            part = component.score_view(view)
            if sparse.issparse(part):
                sparse_sum = sparse_sum + part * self.weights[name]
            else:
                dense_sum += part * self.weights[name]
        sparse_sum = sparse.csr_array(sparse_sum)
        of_row = np.repeat(np.arange(sparse_sum.shape[0]), np.diff(sparse_sum.indptr))
        dense_sum[of_row, sparse_sum.indices] += sparse_sum.data
        return dense_sum

    def score_components(self, view: View) -> np.ndarray:
        """Scores of every component, shape (n_components, n_queries, n_items)."""
        parts = [component.score_view(view) for component in self.components.values()]
        return np.stack([part.toarray() if sparse.issparse(part) else part for part in parts])
