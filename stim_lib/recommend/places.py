"""From interest to a list of places.

Introduced in chapter 01.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.spatial import distance_metres


def rank_places(
    interest: pd.Series,
    places: pd.DataFrame,
    *,
    here: tuple[float, float],
    decay_metres: float,
    by: str = schema.CATEGORY,
    k: int = 10,
) -> pd.DataFrame:
    """Rank places for one user by interest, nearness and popularity.

    Parameters
    ----------
    interest : Series, shape (n_values,)
        The user's share for each value of `by`; one row of `interest.interest_shares`.
    places : DataFrame, shape (n_places, n_columns)
        With item_id, lat, lon, `by`, and optionally `popularity`: the place's share of the actions
        on its own value of `by` (default 1, as where each place is a value of its own).
    here : (lat, lon)
        Where the user is; degrees, WGS-84.
    decay_metres : float
        λ: a place this much farther counts 1/e as much.
    by : str
        What interest is in.
    k : int
        Length of the list.

    Returns
    -------
    DataFrame, shape (min(k, n_places), 5)
        rank (from 1), item_id, score, metres, reason; best first, ties by item_id.
        Places without coordinates have no distance and are not ranked.

    Raises
    ------
    ValueError
        If `decay_metres` or `k` is not positive.

    Notes
    -----
    score = interest · popularity · exp(-d/λ). Introduced in chapter 01.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example()
    >>> shares = {"Beijing": 0.75, "Guangzhou": 0.125, "Shanghai": 0.125}
    >>> places = log.drop_duplicates("item_id")
    >>> best = rank_places(pd.Series(shares), places, here=(39.9, 116.4),
    ...                    decay_metres=1e6, by="item_id", k=2)
    >>> best["item_id"].tolist()
    ['Beijing', 'Shanghai']
    """
    if not decay_metres > 0 or k < 1:
        raise ValueError(
            f"expected decay_metres > 0 and k of at least 1, found {decay_metres} and {k}"
        )
    places = places.dropna(subset=[schema.LAT, schema.LON])
    metres = distance_metres(*here, places[schema.LAT], places[schema.LON])
    share = places[by].map(interest).fillna(0.0).to_numpy()
    popularity = places["popularity"].to_numpy() if "popularity" in places else 1.0
    ranked = pd.DataFrame(
        {
            schema.ITEM: places[schema.ITEM].to_numpy(),
            "score": share * popularity * np.exp(-metres / decay_metres),
            "metres": metres,
            "reason": [
                f"{value}: {part:.0%} of this user's interest, {away / 1000:,.1f} km away"
                for value, part, away in zip(places[by], share, metres, strict=True)
            ],
        }
    )
    ranked = ranked.sort_values(["score", schema.ITEM], ascending=[False, True]).head(k)
    ranked.insert(0, "rank", np.arange(1, len(ranked) + 1))
    return ranked.reset_index(drop=True)
