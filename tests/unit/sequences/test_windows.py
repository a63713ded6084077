"""Windows ask every position once, and what a query sees depends on its past alone."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stim_lib import datasets, leaks, queries, schema, spatial
from stim_lib.sequences import FIRST, PAD, UNKNOWN, Sequencer

OWN = ("item", "category", "user", "hours", "clock", "east_km", "north_km", "located")
NEXT = ("target_hours", "target_clock")
HOUR = pd.Timedelta("1h")


def seed_log():
    return datasets.load_seed_example().assign(user_id="1")


def one_user(n, **columns):
    times = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(np.arange(n), unit="h")
    return pd.DataFrame(
        {
            "user_id": "a",
            "item_id": [f"p{i}" for i in range(n)],
            "timestamp": pd.Series(times).astype(schema.TIME_DTYPE),
            "lat": 40.7,
            "lon": -74.0,
        }
        | columns
    )


class TestByHand:
    """Four actions: Beijing, Shanghai, Guangzhou, Beijing at 10:00, 11:00 +1 day, …"""

    log = seed_log()
    sequencer = Sequencer(length=6, stride=4).fit(seed_log())

    def window(self):
        (window,) = self.sequencer.training_windows(self.log)
        return window

    def test_ids(self):
        window = self.window()
        assert window["item"].tolist() == [0, 0, 2, 4, 3, 2]  # Beijing twice, then the alphabet
        assert window["target"].tolist() == [0, 0, 4, 3, 2, 0]
        assert window["weight"].tolist() == [0, 0, 1, 1, 1, 0]
        assert window["user"].tolist() == [0, 0, 2, 2, 2, 2]
        assert window["category"].tolist() == [0, 0, 2, 2, 2, 2]
        assert window["target_category"].tolist() == [0, 0, 2, 2, 2, 0]

    def test_times(self):
        window, hours = self.window(), [0, 25, 50, 75]
        local = self.log["local_time"]
        assert ((local - local[0]) / pd.Timedelta("1h")).tolist() == hours
        assert window["hours"].tolist() == [0, 0, *hours]
        assert window["target_hours"].tolist() == [0, 0, *hours[1:], 0]
        assert window["clock"][2:].tolist() == [154, 11, 36, 61]  # from Sunday 10:00
        assert window["target_clock"].tolist() == [0, 0, 11, 36, 61, 0]

    def test_places(self):
        window = self.window()
        assert window["located"].tolist() == [0, 0, 1, 1, 1, 1]
        assert window["east_km"][2] == pytest.approx(0, abs=1e-6)  # Beijing is the middle
        apart = np.hypot(window["east_km"][3], window["north_km"][3])
        metres = spatial.distance_metres(*self.log.loc[[0, 1], ["lat", "lon"]].to_numpy().ravel())
        assert apart == pytest.approx(metres / 1000, rel=0.01)  # rays keep their length

    def test_a_query(self):
        asked, _ = queries.make_queries(self.log)
        batch, window, position = self.sequencer.query_windows(asked, self.log)
        assert window.tolist() == [-1, 0, 0, 0] and position.tolist() == [-1, 2, 3, 4]
        assert batch["item"].tolist() == [[0, 0, 2, 4, 3, 0]]  # its own place is not there
        assert batch["weight"].tolist() == [[0, 0, 1, 1, 1, 0]]
        assert batch["target_hours"].tolist() == [[0, 0, 25, 50, 75, 0]]
        assert batch["target_clock"].tolist() == [[0, 0, 11, 36, 61, 0]]
        assert not batch["target"].any() and not batch["target_category"].any()

    def test_types(self):
        asked, _ = queries.make_queries(self.log)
        batch, *_ = self.sequencer.query_windows(asked, self.log)
        none, *_ = self.sequencer.query_windows(asked[:1], self.log)
        for name, column in self.window().items():
            expected = "int32" if name.split("_")[-1] in OWN[:3] or name == "target" else "float32"
            assert column.dtype == batch[name].dtype == none[name].dtype == expected, name
            assert none[name].shape == (0, 6)
        assert list(self.window()) != [] and set(batch) == set(self.window())


class TestTraining:
    @given(n=st.integers(1, 40), length=st.integers(1, 12), data=st.data())
    @settings(deadline=None, max_examples=60)
    def test_every_target_is_asked_for_exactly_once(self, n, length, data):
        stride = data.draw(st.integers(1, length))
        log = one_user(n)
        sequencer = Sequencer(length, stride).fit(log)
        asked = []
        for window in sequencer.training_windows(log):
            here = window["weight"] > 0
            assert here.any() and not here[: length - stride].any()
            asked += sequencer.items.decode(window["target"][here]).tolist()
            # Each position sees what came before it, as far as the window reaches.
            seen = window["item"] != PAD
            assert (np.diff(window["hours"][seen]) == 1).all()
        assert sorted(asked) == sorted(log["item_id"][1:])

    def test_context_is_what_came_just_before(self):
        log = one_user(7)
        windows = list(Sequencer(length=4, stride=2).fit(log).training_windows(log))
        names = Sequencer().fit(log).items
        seen = [names.decode(w["item"]).tolist() for w in windows]
        assert seen[0][2:] == ["p0", "p1"] and seen[1] == ["p0", "p1", "p2", "p3"]
        assert seen[2] == ["p2", "p3", "p4", "p5"] and len(seen) == 3

    def test_only_the_part_is_asked_for_and_the_rest_is_context(self):
        log = one_user(10)
        sequencer = Sequencer(length=8, stride=4).fit(log)
        windows = list(sequencer.training_windows(log, part=log.index[6:8]))
        asked = [w["target"][w["weight"] > 0].tolist() for w in windows]
        assert [sequencer.items.decode(a).tolist() for a in asked] == [["p6", "p7"]]
        assert (windows[0]["item"] != PAD).all()

    def test_what_training_did_not_know_is_no_target(self):
        log = one_user(4)
        (window,) = Sequencer(4, 4).fit(log[:2]).training_windows(log)
        assert window["item"].tolist() == [2, 3, UNKNOWN, UNKNOWN]
        assert window["weight"].tolist() == [1, 0, 0, 0]

    def test_actions_at_one_instant_are_not_each_others_past(self):
        log = one_user(3)
        log.loc[2, "timestamp"] = log.loc[1, "timestamp"]
        (window,) = Sequencer(4, 4).fit(log).training_windows(log)
        assert window["weight"].tolist() == [1, 0, 0, 0]

    def test_the_order_of_rows_and_their_labels_do_not_matter(self, make_log):
        log = make_log([3, 1, 2, 9, 4], users=["a", "b", "a", "b", "a"])
        mixed = log.sample(frac=1, random_state=0).set_axis(list("vwxyz"))
        sequencer = Sequencer(4, 2).fit(log)
        key = lambda w: (w["user"].max(), w["item"].tolist())  # noqa: E731
        first, second = (sorted(sequencer.training_windows(t), key=key) for t in (log, mixed))
        for one, other in zip(first, second, strict=True):
            assert all((one[name] == other[name]).all() for name in one)

    def test_hours_keep_their_seconds_after_years(self):
        log = one_user(3)
        log["timestamp"] += pd.to_timedelta([0, 1, 2], unit="s")
        (window,) = Sequencer(4, 4).fit(log).training_windows(log)
        assert window["hours"][2] == pytest.approx(2 + 2 / 3600, abs=1e-6)

    def test_the_last_microsecond_of_sunday_is_not_monday(self):
        local = pd.to_datetime(["2024-01-07 23:59:59.999999"])
        log = one_user(1, local_time=local, timestamp=local.tz_localize("UTC"))
        log = pd.concat([log, one_user(1).assign(timestamp=local.tz_localize("UTC") + HOUR,
                                                 local_time=local + HOUR)])  # fmt: skip
        (window,) = Sequencer(2, 2).fit(log).training_windows(log.reset_index(drop=True))
        assert 167.99 < window["clock"][0] < 168

    def test_an_unknown_place_is_zero_and_says_so(self):
        log = one_user(3, lat=[40.7, np.nan, 40.8], lon=[-74.0, np.nan, -73.9])
        (window,) = Sequencer(3, 3).fit(log).training_windows(log)
        assert window["located"].tolist() == [1, 0, 1]
        assert window["east_km"][1] == window["north_km"][1] == 0 and window["east_km"][0] != 0
        plane = Sequencer().fit(log).plane
        x, y = spatial.project(40.8, -73.9, plane)
        assert window["east_km"][2] == pytest.approx(float(x) / 1000, rel=5e-3)
        assert window["north_km"][2] == pytest.approx(float(y) / 1000, rel=5e-3)

    def test_a_log_without_places_or_categories(self):
        log = one_user(2, lat=np.nan, lon=np.nan)
        sequencer = Sequencer(2, 2).fit(log)
        (window,) = sequencer.training_windows(log)
        assert sequencer.plane is None and not window["located"].any()
        assert window["category"].tolist() == [UNKNOWN, UNKNOWN]

    def test_windows_are_made_when_they_are_asked_for(self, nyc, monkeypatch):
        sequencer = Sequencer().fit(nyc)
        encoded = []
        monkeypatch.setattr("stim_lib.sequences.windows.ROWS_AT_ONCE", 1000)
        monkeypatch.setattr(sequencer, "_encode", lambda t: encoded.append(len(t)) or
                            Sequencer._encode(sequencer, t))  # fmt: skip
        next(sequencer.training_windows(nyc))
        assert len(encoded) == 1 and encoded[0] < 4000

    def test_new_york_is_asked_for_in_full(self, nyc, nyc_parts):
        train = nyc_parts[0]
        windows = list(Sequencer(64, 32).fit(train).training_windows(train))
        later = train["timestamp"].diff() > pd.Timedelta(0)
        same = train["user_id"].eq(train["user_id"].shift())
        assert sum(w["weight"].sum() for w in windows) == (later & same).sum() > 58_000
        assert all((w["target"][w["weight"] > 0] >= FIRST).all() for w in windows)


class TestQueries:
    def test_positions_are_the_number_of_earlier_actions(self, nyc, nyc_parts):
        asked, _ = queries.make_queries(nyc_parts[2].iloc[::7])
        sequencer = Sequencer(32, 16).fit(nyc_parts[0])
        batch, window, position = sequencer.query_windows(asked, nyc)
        past = queries.look_back(asked, nyc)
        count = np.bincount(past.query, minlength=len(asked))
        assert (position == 16 + (count - 1) % 16).all() and (window >= 0).all()
        item = sequencer.items.encode(nyc["item_id"].iloc[past.last])
        assert (batch["item"][window, position] == item).all()
        hours = batch["target_hours"] - batch["hours"]
        gap = asked["timestamp"].to_numpy() - nyc["timestamp"].iloc[past.last].to_numpy()
        gap = pd.to_timedelta(pd.Series(gap)) / pd.Timedelta("1h")
        assert np.allclose(hours[window, position], gap, atol=1e-3)
        clock = (asked["local_time"].dt.day_of_week * 24 + asked["local_time"].dt.hour).to_numpy()
        assert (np.floor(batch["target_clock"][window, position]) == clock).all()
        # One window for each block that is asked in.
        assert len(batch["item"]) == len(set(zip(asked["user_id"], (count - 1) // 16, strict=True)))

    def test_what_a_query_sees_is_what_training_saw(self, nyc):
        log = nyc[nyc["user_id"] == nyc["user_id"].iloc[0]].reset_index(drop=True)
        log = log[log["timestamp"].diff().ne(pd.Timedelta(0))].reset_index(drop=True)
        sequencer = Sequencer(64, 16).fit(log)
        asked, truth = queries.make_queries(log[1:])
        batch, window, position = sequencer.query_windows(asked, log)
        trained = list(sequencer.training_windows(log))
        assert len(trained) == len(batch["item"])
        target = np.zeros(len(asked), int)
        for number, (w, p) in enumerate(zip(window, position, strict=True)):
            (same,) = [t for t in trained if (t["item"][: p + 1] == batch["item"][w, : p + 1]).all()
                       and t["weight"][p]]  # fmt: skip
            for name in (*OWN, *NEXT):
                assert (same[name][: p + 1] == batch[name][w, : p + 1]).all(), name
            target[number] = same["target"][p]
        assert (sequencer.items.decode(target) == truth).all()

    def seen(self, sequencer, history, asked, names=OWN + NEXT):
        batch, window, position = sequencer.query_windows(asked, history)
        table = np.full((len(asked), len(names), sequencer.length), -1.0)
        for number, (w, p) in enumerate(zip(window, position, strict=True)):
            for column, name in enumerate(names):
                if w >= 0:
                    table[number, column, : p + 1] = batch[name][w, : p + 1]
        return table.reshape(len(asked), -1)

    def test_knows_no_future(self, nyc, nyc_parts):
        users = nyc_parts[2]["user_id"].unique()[:6]
        log = nyc[nyc["user_id"].isin(users)].reset_index(drop=True)
        start = nyc_parts[2]["timestamp"].min()
        asked, _ = queries.make_queries(log[log["timestamp"] >= start])

        def way(names):
            def predict(history, asked):
                train = history[history["timestamp"] < start]
                return self.seen(Sequencer(24, 8).fit(train), history, asked, names)

            return predict

        leaks.assert_no_leak(way(OWN + NEXT), log, asked, n_instants=12)
        leaks.assert_no_leak(way(OWN), log, asked, n_instants=12, time_known=False)

    def test_company_changes_nothing(self, nyc, nyc_parts):
        some = nyc_parts[2].groupby("user_id").head(30)
        asked, _ = queries.make_queries(some)
        # The same moments, and others between them.
        between = asked.assign(timestamp=asked["timestamp"] + pd.Timedelta("7min"))
        between.index = between.index + 1_000_000
        both = pd.concat([asked, between]).sample(frac=1, random_state=0)
        sequencer = Sequencer(24, 8).fit(nyc_parts[0])
        alone = pd.DataFrame(self.seen(sequencer, nyc, asked), asked.index)
        together = pd.DataFrame(self.seen(sequencer, nyc, both), both.index)
        assert together.loc[asked.index].equals(alone)
        one = both.iloc[[5]]
        assert (self.seen(sequencer, nyc, one) == together.loc[one.index]).all(axis=None)

    def test_two_times_at_one_position_need_two_windows(self):
        log = one_user(3)
        times = [log["timestamp"][2] + pd.Timedelta(f"{m}min") for m in (5, 9, 5)]
        asked = pd.DataFrame({"user_id": "a", "timestamp": times})
        batch, window, position = Sequencer(4, 4).fit(log).query_windows(asked, log)
        assert window.tolist() == [0, 1, 0] and position.tolist() == [2, 2, 2]
        assert np.allclose(batch["target_hours"][:, 2], [2 + 5 / 60, 2 + 9 / 60])

    def test_the_clock_goes_on_where_the_query_has_none(self):
        local = pd.to_datetime(["2023-12-31 19:00", "2023-12-31 20:00"])
        log = one_user(2, local_time=local)
        asked = pd.DataFrame({"user_id": "a", "timestamp": [log["timestamp"][1] + HOUR * 4]})
        batch, *_ = Sequencer(2, 2).fit(log).query_windows(asked, log)
        assert batch["target_clock"][0, 1] == 0  # Sunday 20:00 and four hours

    def test_unknown_users_and_no_queries(self):
        log = one_user(3)
        asked, _ = queries.make_queries(log.assign(user_id="b"))
        sequencer = Sequencer(4, 4).fit(log)
        batch, window, position = sequencer.query_windows(asked, log)
        assert (window == -1).all() and (position == -1).all() and batch["item"].shape == (0, 4)
        batch, window, position = sequencer.query_windows(asked[:0], log)
        assert window.shape == position.shape == (0,) and batch["weight"].shape == (0, 4)
        # A stranger with a past in the history is served; only the id is unknown.
        strange = log.assign(user_id="b")
        batch, window, _ = sequencer.query_windows(asked, strange)
        assert window.tolist() == [-1, 0, 0] and batch["user"][0, :2].tolist() == [1, 1]

    def test_inputs_stay_as_they_were(self):
        log = seed_log()
        asked, _ = queries.make_queries(log)
        before, asked_before = log.copy(), asked.copy()
        sequencer = Sequencer(4, 2).fit(log)
        list(sequencer.training_windows(log))
        sequencer.query_windows(asked, log)
        pd.testing.assert_frame_equal(log, before)
        pd.testing.assert_frame_equal(asked, asked_before)


class TestErrors:
    def test_settings(self):
        for stride in (0, 5):
            with pytest.raises(ValueError, match="stride: expected 1 to length = 4"):
                Sequencer(length=4, stride=stride)

    def test_logs(self):
        log = one_user(3)
        with pytest.raises(ValueError, match="call fit"):
            Sequencer().query_windows(log, log)
        with pytest.raises(ValueError, match="call fit"):
            next(Sequencer().training_windows(log))
        with pytest.raises(ValueError, match="expected actions"):
            Sequencer().fit(log[:0])
        sequencer = Sequencer().fit(log)
        with pytest.raises(ValueError, match="expected actions"):
            next(sequencer.training_windows(log[:0]))
        for column in ("user_id", "item_id", "timestamp", "lat", "lon"):
            for use in (sequencer.fit, lambda t: next(sequencer.training_windows(t)),
                        lambda t: sequencer.query_windows(log, t)):  # fmt: skip
                with pytest.raises(schema.SchemaError, match=f"{column}: expected this column"):
                    use(log.drop(columns=column))
        for part, found in ((log, "3 of"), (pd.Index([1, 9]), "1 of 2")):
            with pytest.raises(ValueError, match=f"part: .* found {found}"):
                next(sequencer.training_windows(log, part=part))
        with pytest.raises(ValueError, match="each label once"):
            next(sequencer.training_windows(log.set_axis([0, 1, 1]), part=pd.Index([1])))
        wall = log.assign(timestamp=log["timestamp"].dt.tz_localize(None))
        with pytest.raises(schema.SchemaError, match="instants"):
            sequencer.query_windows(wall, log)
        with pytest.raises(schema.SchemaError, match="instants"):
            sequencer.fit(wall)
        with pytest.raises(schema.SchemaError, match="row 1: expected a value"):
            sequencer.fit(log.assign(timestamp=log["timestamp"].where(log.index != 1)))
