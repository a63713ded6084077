"""Relations of pairs: the counters' kernels, in the shape that attention wants."""

import keras
import numpy as np
import pytest

from stim_lib import baselines, networks, queries
from stim_lib.spatial import distance_metres

R = {name: i for i, name in enumerate(networks.RELATIONS)}


def pairs_of(batch, **options):
    return np.asarray(networks.relate(batch, **options))


class TestRelate:
    def test_shape_and_range(self, make_batch):
        batch = make_batch()
        pairs = pairs_of(batch)
        assert pairs.shape == (3, 8, 8, len(networks.RELATIONS))
        logs = ("log_age", "log_steps", "log_visits", "log_pause", "overdue", "log_wait")
        kernels = pairs[..., [name not in logs for name in networks.RELATIONS]]
        assert np.isfinite(pairs).all() and kernels.min() >= 0 and kernels.max() <= 1

    def test_visits_by_hand(self):
        # Home at 0, bar at 3, home at 24; asked at 24 for 36: twelve hours after a pause of 24.
        batch = {
            "item": np.array([[0, 2, 3, 2]]), "hours": np.array([[0.0, 0.0, 3.0, 24.0]]),
            "target_hours": np.array([[0.0, 3.0, 24.0, 36.0]]),
        }  # fmt: skip
        names = ["latest_visit", "log_visits", "log_pause", "overdue", "log_wait"]
        pairs = np.asarray(networks.relate(batch, relations=names, last=1))[0, 0]
        never = np.log1p(10_000) / 5
        assert pairs[1:, 0].tolist() == [0, 1, 1]
        assert np.allclose(pairs[1:, 1], [0, 0, np.log(2) / 3])
        assert np.allclose(pairs[1:, 2], [never, never, np.log(25) / 5])
        assert np.allclose(pairs[1::2, 3], [0, np.log(12.5 / 24.5) / 4], atol=1e-6)
        assert np.allclose(pairs[:, 4], np.log(13) / 4)

    def test_a_window_may_span_years(self):
        # Elsewhere at 0; three visits, 100 hours apart, begin sixteen months later.
        batch = {
            "item": np.array([[3, 2, 2, 2]]),
            "hours": np.array([[0.0, 12_000.0, 12_100.0, 12_200.0]]),
            "target_hours": np.array([[12_000.0, 12_100.0, 12_200.0, 12_300.0]]),
        }  # fmt: skip
        names = ["log_pause", "overdue"]
        pairs = np.asarray(networks.relate(batch, relations=names, last=1))[0, 0]
        assert np.allclose(pairs[2:, 0], np.log(101) / 5)
        assert np.allclose(pairs[2:, 1], 0, atol=1e-6)

    def test_by_hand(self):
        # Friday 22:00 (hour 118) home, Saturday 01:00 (121) bar; asked for Saturday 23:00 (143).
        batch = {
            "item": np.array([[2, 3]]), "category": np.array([[2, 3]]),
            "hours": np.array([[0.0, 3.0]]), "clock": np.array([[118.0, 121.0]]),
            "target_hours": np.array([[3.0, 25.0]]), "target_clock": np.array([[121.0, 143.0]]),
            "east_km": np.array([[0.0, 0.3]]), "north_km": np.array([[0.0, 0.4]]),
        }  # fmt: skip
        asked = pairs_of(batch)[0, 1]
        assert np.allclose(asked[:, R["log_age"]], np.log1p([25, 22]) / 5)
        assert np.allclose(asked[:, R["log_steps"]], np.log1p([1, 0]) / 3)
        assert np.allclose(asked[:, R["age_1_day"]], np.exp([-25 / 24, -22 / 24]))
        assert np.allclose(asked[:, R["clock_2_h"]], np.exp([-1 / 8, -4 / 8]))
        assert np.allclose(asked[:, R["same_kind_of_day"]], [0, 1])
        assert np.allclose(asked[:, R["near_1500_m"]], np.exp([-0.5 / 1.5, 0]), atol=1e-3)
        own = pairs_of(batch, time_known=False)[0, 1]
        assert np.allclose(own[:, R["log_age"]], np.log1p([3, 0]) / 5)

    def test_the_clock_is_a_circle_and_so_is_the_week(self):
        batch = {name: np.zeros((1, 2), "float32") for name in ("hours", "east_km", "north_km")}
        batch |= {name: np.array([[2, 2]]) for name in ("item", "category")}
        batch["clock"] = np.array([[0.25, 167.75]])  # Monday 00:15 and Sunday 23:45
        pair = pairs_of(batch, time_known=False)[0, 1, 0]
        assert np.isclose(pair[R["clock_45_min"]], np.exp(-0.5 * (0.5 / 0.75) ** 2), atol=1e-4)
        assert np.isclose(pair[R["hour_of_week"]], np.exp(-0.5 * (0.5 / 1.5) ** 2), atol=1e-4)
        assert pair[R["same_kind_of_day"]] == 0

    def test_steps_that_were_taken_from_here_before(self):
        items = [4, 5, 6, 4, 7, 5, 6]
        batch = {n: np.zeros((1, 7), "float32") for n in ("hours", "clock", "east_km", "north_km")}
        batch |= {"item": np.array([items]), "category": np.array([[2, 3, 2, 2, 3, 3, 2]])}
        asked = pairs_of(batch, time_known=False)[0]
        assert asked[3, :, R["after_same_place"]].tolist() == [0, 1, 0, 0, 1, 0, 0]
        assert asked[6, :, R["after_same_two_places"]].tolist() == [0, 0, 0, 1, 0, 0, 0]
        assert asked[6, :, R["same_place"]].tolist() == [0, 0, 1, 0, 0, 0, 1]
        assert asked[3, :, R["after_same_category"]].tolist() == [0, 1, 0, 1, 1, 0, 0]

    def test_unknown_places_are_no_match(self):
        batch = {n: np.zeros((1, 3), "float32") for n in ("hours", "clock", "east_km", "north_km")}
        batch |= {"item": np.array([[1, 3, 1]]), "category": np.array([[1, 1, 1]])}
        pairs = pairs_of(batch, time_known=False)[0]
        assert pairs[2, :2, R["after_same_place"]].sum() == 0
        assert pairs[..., R["after_same_category"]].sum() == 0

    def test_places_off_the_map_are_near_nothing(self, make_batch):
        batch = make_batch() | {"located": np.ones((3, 8), "float32")}
        full = pairs_of(batch)
        batch["located"][:, 5] = 0
        pairs = pairs_of(batch)
        for name in ("near_300_m", "near_1500_m"):
            assert (pairs[:, 5, :, R[name]] == 0).all() and (pairs[:, :, 5, R[name]] == 0).all()
        assert np.array_equal(pairs[:, 6, 7], full[:, 6, 7])

    def test_last_positions_are_the_end_of_all(self, make_batch):
        batch = make_batch()
        assert np.array_equal(pairs_of(batch, last=3), pairs_of(batch)[:, -3:])

    @pytest.mark.parametrize("time_known", [True, False])
    def test_each_window_may_ask_at_its_own_columns(self, make_batch, time_known):
        batch, columns = make_batch(), np.array([[7, 3], [5, 5], [2, 6]])
        all_pairs = pairs_of(batch, time_known=time_known)
        some = pairs_of(batch, time_known=time_known, columns=columns)
        assert np.array_equal(some, all_pairs[np.arange(3)[:, None], columns])

    @pytest.mark.parametrize("time_known", [True, False])
    def test_the_future_moves_nothing(self, make_batch, time_known):
        batch, other = make_batch(seed=0), make_batch(seed=1)
        p = 5
        changed = {k: np.concatenate([v[:, : p + 1], other[k][:, p + 1 :]], 1)
                   for k, v in batch.items()}  # fmt: skip
        first, second = (
            pairs_of(batch, time_known=time_known),
            pairs_of(changed, time_known=time_known),
        )
        assert np.array_equal(first[:, : p + 1, : p + 1], second[:, : p + 1, : p + 1])
        assert not np.array_equal(first[:, p + 1 :], second[:, p + 1 :])

    def test_an_unknown_time_is_not_read(self, make_batch):
        batch = make_batch()
        without = {k: v for k, v in batch.items() if not k.startswith("target")}
        assert np.array_equal(
            pairs_of(batch, time_known=False), pairs_of(without, time_known=False)
        )

    def test_errors(self, make_batch):
        batch = make_batch()
        with pytest.raises(ValueError, match="expected an array 'target_clock' of shape"):
            networks.relate({k: v for k, v in batch.items() if "clock" not in k})
        with pytest.raises(ValueError, match="relations: expected some of log_age"):
            networks.relate(batch, relations=["magic"])
        for last in (0, 9):
            with pytest.raises(ValueError, match="last: expected 1 … 8"):
                networks.relate(batch, last=last)

    def test_kernels_are_those_of_the_counters(self, make_log):
        """The weights that `baselines` give to the past of one query, pair by pair."""
        hours = [3, 10, 26, 33.5, 51, 60, 120, 127]
        log = make_log(hours, items=["h", "w", "h", "g", "h", "w", "h", "w"])
        log["lat"] = [40.70, 40.71, 40.70, 40.705, 40.70, 40.71, 40.70, 40.71]
        log["lon"] = -74.0
        known, asked = log[:7], log[7:]
        model = baselines.UserCounter(use_query_time=True).fit(known)
        view = model.view(queries.make_queries(asked)[0], known)
        ids = known["item_id"].map({"h": 2, "w": 3, "g": 4}).to_numpy()[None]
        batch = {
            "item": ids, "category": ids, "hours": np.array([hours[:7]]),
            "clock": np.array([hours[:7]]), "target_hours": np.array([hours[1:]]),
            "target_clock": np.array([hours[1:]]), "east_km": np.zeros((1, 7)),
            "north_km": (known["lat"].to_numpy()[None] - 40.7) * 111.2,
        }  # fmt: skip
        pairs = pairs_of(batch, last=1)[0, 0]
        bell = np.exp(-0.5 * (view.clock_gap_hours / 2) ** 2)
        assert np.allclose(pairs[:, R["clock_2_h"]], bell, atol=1e-5)
        assert np.allclose(pairs[:, R["age_1_day"]], np.exp(-view.age_days), atol=1e-5)
        assert np.array_equal(pairs[:, R["same_kind_of_day"]], view.same_kind_of_day)
        assert np.array_equal(pairs[:, R["after_same_place"]], view.follows_last_place)
        km = distance_metres(40.70, -74.0, known["lat"].to_numpy(), -74.0) / 1000
        assert np.allclose(pairs[:, R["near_1500_m"]], np.exp(-km / 1.5), atol=2e-3)


class TestRelationBias:
    def test_linear_map_for_each_head(self, make_batch):
        pairs = pairs_of(make_batch())
        layer = networks.RelationBias(2)
        bias = np.asarray(layer(pairs))
        (kernel,) = layer.get_weights()
        assert np.allclose(bias[1, :, 3, 4], pairs[1, 3, 4] @ kernel, atol=1e-5)

    def test_hidden_layer(self, make_batch):
        layer = networks.RelationBias(2, hidden=5)
        assert np.asarray(layer(pairs_of(make_batch()))).shape == (3, 2, 8, 8)
        assert [w.shape for w in layer.get_weights()] == [
            (len(networks.RELATIONS), 5),
            (5,),
            (5, 2),
        ]
        again = networks.RelationBias.from_config(layer.get_config())
        assert (again.heads, again.hidden) == (2, 5)

    def test_a_head_with_one_large_weight_is_a_counter(self, make_batch):
        """log k(gap) as bias gives weights proportional to the kernel k."""
        pairs = pairs_of(make_batch(padding=0))
        kernel = pairs[..., R["clock_2_h"]]
        _, weights = networks.attend(
            np.zeros((3, 8, 4)), np.zeros((3, 8, 4)), np.zeros((3, 8, 1)), bias=np.log(kernel)
        )
        assert np.allclose(weights, kernel / kernel.sum(-1, keepdims=True), atol=1e-5)

    def test_same_seed_same_weights(self, make_batch):
        made = []
        for _ in range(2):
            keras.utils.set_random_seed(1)
            layer = networks.RelationBias(2)
            layer(pairs_of(make_batch()))
            made.append(layer.get_weights()[0])
        assert np.array_equal(*made)
