"""Tune "popular nearby" for places new to the user, on New York's validation part.

    .venv/bin/python benchmarks/nearby_on_new_places.py

Chapter 12 holds the recommender against this rival. Printed: HR@10 of each pair of settings on the
visits to places where the user had not been, with the user's own places struck out. A minute.
"""

from __future__ import annotations

import numpy as np

from stim_lib import baselines, datasets, metrics, queries, schema, splits

DECAYS, POWERS = (50, 100, 200, 400, 600, 1000), (0.3, 0.6, 1.0)


def main() -> None:
    """Score all pairs, best first."""
    log = schema.sort_log(datasets.load_foursquare_nyc())
    train, validation, _ = splits.split_by_time(log)
    first = log.index[~log.duplicated([schema.USER, schema.ITEM])]
    asked, truth = queries.make_queries(validation[validation.index.isin(first)])
    past, rows = queries.look_back(asked, log), []
    for decay in DECAYS:
        for power in POWERS:
            rival = baselines.NearestPlaces(
                decay_metres=decay, popularity_power=power, use_query_time=True
            ).fit(train)
            scores = rival.score(asked, history=log)
            was_at = rival.catalogue.get_indexer(log[schema.ITEM])[past.row]
            scores[past.query[was_at >= 0], was_at[was_at >= 0]] = -np.inf
            ranks = metrics.expected_ranks(scores, rival.catalogue.get_indexer(truth))
            rows.append(((ranks <= 10).mean(), decay, power))
    for hit_rate, decay, power in sorted(rows, reverse=True):
        print(f"{decay:5} m  power {power}  HR@10 {hit_rate:.4f}  n = {len(asked):,}")


if __name__ == "__main__":
    main()
