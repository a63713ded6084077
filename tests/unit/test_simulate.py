"""The simulated city: what is drawn follows the truth that is stored beside it."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from stim_lib.schema import (
    ACTION,
    CATEGORY,
    ITEM,
    LAT,
    LOCAL_TIME,
    LON,
    PRICE,
    ROOT_CATEGORY,
    TEXT,
    TIME,
    USER,
    VALUE,
    sort_log,
    validate_log,
)
from stim_lib.simulate import City, actions, is_open, make_city, plane_to_degrees, plane_to_metres
from stim_lib.simulate.interest import draw_latent_paths
from stim_lib.simulate.people import WORK_SHARE

COLUMNS = [USER, ITEM, ACTION, TIME, LAT, LON, CATEGORY, ROOT_CATEGORY, TEXT, VALUE, LOCAL_TIME]
STAGES = ["view", "click", "save", "purchase"]


@pytest.fixture(scope="module")
def city() -> City:
    return make_city(2_500, 300, 60, seed=7)


@pytest.fixture(scope="module")
def visits(city: City) -> pd.DataFrame:
    """One table of the log, the truth of each action and the hours of its place."""
    hours = city.places.set_index(ITEM)[["open_hour", "close_hour", PRICE, "popularity"]]
    return pd.concat([city.log, city.truth.actions], axis=1).join(hours, on=ITEM)


def haversine(lat, lon, other_lat, other_lon):
    """Metres on the sphere: a second opinion on the plane of the library."""
    lat, lon, other_lat, other_lon = (
        np.radians(np.asarray(x, float)) for x in (lat, lon, other_lat, other_lon)
    )
    half = np.sin((other_lat - lat) / 2) ** 2
    half += np.cos(lat) * np.cos(other_lat) * np.sin((other_lon - lon) / 2) ** 2
    return 2 * 6_371_008.8 * np.arcsin(np.sqrt(half))


def hashes(*tables: pd.DataFrame) -> list[int]:
    return [int(pd.util.hash_pandas_object(table).sum()) for table in tables]


# Form


def test_same_seed_same_bytes():
    one, two = make_city(40, 60, 30, seed=3), make_city(40, 60, 30, seed=np.int64(3))
    pd.testing.assert_frame_equal(one.log, two.log, check_exact=True)
    assert hashes(one.log, one.places, one.users) == hashes(two.log, two.places, two.users)
    assert one.truth.latent_paths.tobytes() == two.truth.latent_paths.tobytes()


def test_other_seed_other_log():
    assert hashes(make_city(5, 9, 9, seed=1).log) != hashes(make_city(5, 9, 9, seed=2).log)


def test_more_days_keep_places_homes_and_first_days():
    short, long = make_city(30, 40, 20), make_city(30, 40, 50)
    pd.testing.assert_frame_equal(short.places, long.places)
    fixed = ["home_lat", "home_lon", "work_lat", "work_lon", "activity_rate"]
    pd.testing.assert_frame_equal(short.users[fixed], long.users[fixed])
    assert np.array_equal(short.truth.latent_paths, long.truth.latent_paths[:, :20])
    assert np.array_equal(short.truth.base_preference, long.truth.base_preference)


def test_block_size_changes_nothing(monkeypatch):
    whole = make_city(20, 40, 20).log
    monkeypatch.setattr(actions, "BLOCK_CELLS", 100)
    pd.testing.assert_frame_equal(make_city(20, 40, 20).log, whole, check_exact=True)


def test_no_global_state():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make_city(3, 9, 9)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_log_is_a_behaviour_log(city):
    log = city.log
    assert validate_log(log) is log
    assert list(log.columns) == COLUMNS
    text = [USER, ITEM, ACTION, CATEGORY, ROOT_CATEGORY, TEXT]
    assert all(log[name].dtype == "str" for name in text)
    assert all(log[name].dtype == "float64" for name in (LAT, LON, VALUE))
    assert str(log[TIME].dtype) == "datetime64[us, UTC]"
    assert str(log[LOCAL_TIME].dtype) == "datetime64[us]"
    assert set(log[ACTION]) == set(STAGES)
    pd.testing.assert_frame_equal(log, sort_log(log))
    assert not log.duplicated([USER, TIME]).any()
    assert log.index.equals(city.truth.actions.index)


def test_tables_have_their_shapes(city):
    truth, places, users = city.truth, city.places, city.users
    assert truth.latent_paths.shape == (2_500, 60, 8)
    assert truth.latent_paths.dtype == np.float32
    assert places.shape == (300, 14)
    assert users.shape == (2_500, 13)
    assert places[ITEM].is_unique
    assert users[USER].is_unique
    assert places[CATEGORY].nunique() >= 25
    assert places[ROOT_CATEGORY].nunique() == 8
    assert not places.isna().any(axis=None)
    assert places["name_zh"].str.match(r"^[\u4e00-\u9fff]+(\d+号店)?$").all()
    for english, chinese in ((CATEGORY, "category_zh"), (ROOT_CATEGORY, "root_category_zh")):
        assert places.groupby(english)[chinese].nunique().eq(1).all()
    assert places["name"].is_unique


def test_log_columns_come_from_the_places(city):
    joined = city.log.merge(city.places, on=ITEM, suffixes=("", "_place"))
    for name in (LAT, LON, CATEGORY, ROOT_CATEGORY):
        assert joined[name].equals(joined[f"{name}_place"])
    assert joined[TEXT].equals(joined["name"])


@pytest.mark.parametrize("timezone", ["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"])
def test_local_time_is_the_timestamp_in_the_zone(timezone):
    log = make_city(60, 50, 300, seed=5, timezone=timezone, activity_rate=4).log
    local = log[TIME].dt.tz_convert(timezone).dt.tz_localize(None)
    assert local.equals(log[LOCAL_TIME])


def test_hour_that_the_clocks_skip_is_empty():
    rate = {"activity_rate": 400.0, "timezone": "America/New_York"}
    log = make_city(20, 60, 2, start="2024-03-09", **rate).log
    hours = log[LOCAL_TIME].dt.floor("h").value_counts()
    assert hours[pd.Timestamp("2024-03-09 02:00")] > 0
    assert pd.Timestamp("2024-03-10 02:00") not in hours
    assert pd.Timestamp("2024-03-10 03:00") in hours


# Places


def test_is_open_by_hand():
    assert is_open(9, 17, [8, 9, 16, 17]).tolist() == [False, True, True, False]
    assert is_open(22, 2, [21, 22, 23, 0, 1, 2]).tolist() == [False, True, True, True, True, False]
    assert is_open(0, 24, np.arange(24)).all()
    with pytest.raises(ValueError, match="close_hour: expected hours from 1 to 24, found 0"):
        is_open(9, 0, 12)


def test_every_action_finds_its_place_open(visits):
    minutes = visits[LOCAL_TIME].dt.hour * 60 + visits[LOCAL_TIME].dt.minute
    since_opening = (minutes - visits["open_hour"] * 60) % 1440
    length = (visits["close_hour"] - visits["open_hour"] - 1) % 24 + 1
    assert (since_opening < length * 60).all()
    past_midnight = (visits["close_hour"] < visits["open_hour"]) & (minutes < 240)
    assert past_midnight.sum() > 100


def test_city_is_twenty_kilometres_wide(city):
    lat, lon = city.truth.centre
    assert haversine(city.places[LAT], city.places[LON], lat, lon).max() < 10_050
    assert haversine(city.users["home_lat"], city.users["home_lon"], lat, lon).max() < 10_050


@pytest.mark.parametrize("centre", [(31.2, 121.5), (-60.0, -179.99), (0.0, 180.0)])
def test_plane_agrees_with_the_sphere(centre):
    points = np.random.default_rng(0).uniform(-7_000, 7_000, (500, 2))
    lat, lon = plane_to_degrees(points, centre)
    assert ((lon >= -180) & (lon < 180)).all()
    np.testing.assert_allclose(plane_to_metres(lat, lon, centre), points, atol=1e-4)
    sphere = haversine(lat[:-1], lon[:-1], lat[1:], lon[1:])
    plane = np.linalg.norm(np.diff(points, axis=0), axis=1)
    np.testing.assert_allclose(sphere, plane, rtol=0.0016 * np.tan(np.radians(60)))


def test_plane_wants_pairs():
    with pytest.raises(ValueError, match="last axis of length 2"):
        plane_to_degrees(np.zeros(3), (0, 0))


def test_nearby_and_popular_places_are_chosen_as_often_as_they_should(city, visits):
    """The mean distance and popularity of the places, against the model worked out anew."""
    at_home = visits["anchor"].eq("home") & visits["root"].eq(0) & visits["hour"].eq(12)
    users = city.users.loc[~city.users["change_kind"].eq("move")]
    chosen = visits[at_home & visits["user"].isin(users.index)]
    food = city.places[city.places[ROOT_CATEGORY] == "Food"].reset_index(drop=True)
    food = food[is_open(food["open_hour"], food["close_hour"], 12)]
    home = city.users.loc[chosen["user"], ["home_lat", "home_lon"]].to_numpy()[:, :, None]
    metres = haversine(home[:, 0], home[:, 1], food[LAT].to_numpy(), food[LON].to_numpy())
    weight = food["popularity"].to_numpy() * np.exp(-metres / city.truth.decay_length)
    weight /= weight.sum(axis=1, keepdims=True)
    logs = np.broadcast_to(np.log(food["popularity"].to_numpy()), metres.shape)
    found = chosen["distance_km"] * 1000, np.log(chosen["popularity"])
    for values, observed in zip((metres, logs), found, strict=True):
        mean = (weight * values).sum(axis=1)
        variance = (weight * values**2).sum(axis=1) - mean**2
        assert abs(observed.sum() - mean.sum()) < 4 * np.sqrt(variance.sum())


# Interest


def test_latent_paths_are_the_stationary_ar1(city):
    paths = city.truth.latent_paths.astype(float)
    n_users, n_days, _ = paths.shape
    past, present = paths[:, :-1], paths[:, 1:]
    phi = (past * present).sum(axis=(0, 1)) / (past**2).sum(axis=(0, 1))
    error = np.sqrt((1 - city.truth.phi**2) / (n_users * (n_days - 1)))
    assert (np.abs(phi - city.truth.phi) < 4 * error).all()
    residual = present - city.truth.phi * past
    innovations = residual.std(axis=(0, 1)) / city.truth.innovation_sd - 1
    assert (np.abs(innovations) < 4 / np.sqrt(2 * residual[..., 0].size)).all()
    variance = city.truth.innovation_sd**2 / (1 - city.truth.phi**2)
    for day in (0, n_days - 1):
        ratio = paths[:, day].var(axis=0) / variance
        assert (np.abs(ratio - 1) < 4 * np.sqrt(2 / n_users)).all()


def test_latent_paths_without_innovations_are_flat():
    truth = make_city(4, 20, 10, phi=0.5, innovation_sd=0.0).truth
    assert not truth.latent_paths.any()
    with pytest.raises(ValueError, match="phi"):
        draw_latent_paths(np.random.default_rng(0), 2, 3, np.array([1.0]), np.array([1.0]))


def test_expected_shares_by_hand():
    truth = make_city(3, 60, 14, drift=np.linspace(0, 0.07, 8)).truth
    score = truth.base_preference[2] + truth.latent_paths[2, 6] + 6 * np.linspace(0, 0.07, 8)
    score = score + truth.daily_profile[:, 3] + truth.weekly_profile[:, 6]  # a Sunday, 3:00
    weight = np.exp(score) * truth.root_open[:, 3]
    shares = truth.expected_shares(2, 6, 3)
    np.testing.assert_allclose(shares, weight / weight.sum(), rtol=1e-6)
    assert not truth.root_open[:, 3].all()  # the mask matters at that hour
    by_hour = truth.expected_shares(2, 6, np.arange(24))
    daily = truth.expected_daily_shares([2])
    assert daily.shape == (1, 14, 8)
    np.testing.assert_allclose(daily[0, 6], truth.hour_shares[6] @ by_hour)


def test_expected_shares_where_nothing_is_open():
    truth = make_city(1, 1, 2).truth  # one coffee shop
    assert np.isnan(truth.expected_shares(0, 0, 3)).all()
    assert truth.expected_shares(0, 0, 12).tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(truth.expected_daily_shares([0]).sum(axis=2), 1)
    with pytest.raises(ValueError, match="hours: expected positions from 0 to 23, found 24"):
        truth.expected_shares(0, 0, 24)
    with pytest.raises(ValueError, match="users: expected positions from 0 to 0, found -1"):
        truth.expected_shares(-1, 0, 12)
    with pytest.raises(ValueError, match="days: expected whole numbers"):
        truth.interest(0, 0.5)


@pytest.mark.parametrize("part", ["all", "night", "lunch", "weekend", "frequent"])
def test_categories_are_chosen_as_often_as_expected(city, visits, part):
    weekend = visits[LOCAL_TIME].dt.day_of_week >= 5
    rows = {
        "all": visits["hour"] >= 0,
        "night": visits["hour"] < 5,
        "lunch": visits["hour"].eq(12),
        "weekend": weekend,
        "frequent": visits["user"].isin(visits["user"].value_counts().index[:50]),
    }[part]
    chosen = visits[rows]
    shares = city.truth.expected_shares(chosen["user"], chosen["day"], chosen["hour"])
    observed = np.bincount(chosen["root"], minlength=8)
    error = np.sqrt((shares * (1 - shares)).sum(axis=0))
    assert (np.abs(observed - shares.sum(axis=0)) <= 4 * error).all()
    names = np.array(city.truth.root_categories)[chosen["root"]]
    assert (chosen[ROOT_CATEGORY] == names).all()


def test_daily_shares_are_what_a_user_does(city, visits):
    """Counts by day over all users: Poisson around activity rate times expected share."""
    rate = city.users["activity_rate"].to_numpy()[:, None, None]
    expected = (rate * city.truth.expected_daily_shares(np.arange(2_500))).sum(axis=0)
    observed = pd.crosstab(visits["day"], visits["root"]).to_numpy()
    chi_square = ((observed - expected) ** 2 / expected).sum()
    assert abs(chi_square - observed.size) < 4 * np.sqrt(2 * observed.size)


def test_drift_is_seen_in_the_shares():
    drift = np.zeros(8)
    drift[3] = 0.05
    log = make_city(400, 100, 60, drift=drift).log
    arts = log[ROOT_CATEGORY] == "Arts & Entertainment"
    early, late = log[LOCAL_TIME] < "2024-01-15", log[LOCAL_TIME] >= "2024-02-16"
    assert arts[late].mean() > 2 * arts[early].mean()


# Actions


def test_activity_is_poisson_with_the_personal_rate(city, visits):
    expected = 60 * city.users["activity_rate"]
    counts = visits["user"].value_counts().reindex(expected.index, fill_value=0)
    assert abs(counts.sum() - expected.sum()) < 4 * np.sqrt(expected.sum())
    pearson = (counts - expected) ** 2 / expected
    assert abs(pearson.mean() - 1) < 4 * pearson.std() / np.sqrt(len(pearson))
    assert abs(city.users["activity_rate"].mean() - 1.5) < 4 * 0.75 / np.sqrt(2_500)


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_funnel_effects_are_recovered(city, visits, stage):
    reached = visits[ACTION].map({name: place for place, name in enumerate(STAGES)})
    at_risk = reached >= stage - 1
    covariates = sm.add_constant(visits.loc[at_risk, ["interest", "distance_km", "evening"]])
    fitted = sm.Logit((reached[at_risk] >= stage).astype(float), covariates).fit(disp=False)
    gap = fitted.params.to_numpy() - city.truth.funnel.loc[STAGES[stage]].to_numpy()
    assert (np.abs(gap) < 4 * fitted.bse.to_numpy()).all()
    assert (fitted.bse < 0.1).all()


def test_funnel_covariates_are_what_they_say(city, visits):
    some = visits.sample(2_000, random_state=0)
    interest = city.truth.interest(some["user"], some["day"])
    chosen = interest[np.arange(len(some)), some["root"]]
    np.testing.assert_allclose(chosen, some["interest"])
    evening = some[LOCAL_TIME].dt.hour >= 18
    assert (some["evening"] == evening).all()


def test_only_purchases_cost_money(visits):
    bought = visits[ACTION] == "purchase"
    assert visits[VALUE].notna().equals(bought)
    ratio = np.log(visits.loc[bought, VALUE] / visits.loc[bought, PRICE])
    assert abs(ratio.mean()) < 0.01
    assert abs(ratio.std() - 0.1) < 0.01


# Change points


def distance_to(city: City, visits: pd.DataFrame, point: str) -> np.ndarray:
    users = city.users.loc[visits["user"]]
    return haversine(visits[LAT], visits[LON], users[f"{point}_lat"], users[f"{point}_lon"])


@pytest.mark.parametrize(
    ("kind", "anchor", "old"), [("move", "home", "home"), ("new_job", "work", "work")]
)
def test_actions_follow_a_move_and_a_new_job(city, visits, kind, anchor, old):
    users = city.users[city.users["change_kind"].eq(kind) & city.users[f"{old}_lat"].notna()]
    of_kind = visits[visits["user"].isin(users.index) & visits["anchor"].eq(anchor)]
    after = of_kind["day"] >= city.users.loc[of_kind["user"], "change_day"].to_numpy(int)
    to_old, to_new = (distance_to(city, of_kind, point) for point in (old, "new"))
    km = of_kind["distance_km"].to_numpy() * 1000
    np.testing.assert_allclose(np.where(after, to_new, to_old), km, rtol=2e-3, atol=1)
    assert to_old[after].mean() > 1.3 * to_old[~after].mean()
    assert to_new[after].mean() < 0.8 * to_new[~after].mean()


def test_trips_begin_and_end(city, visits):
    users = city.users[city.users["change_kind"] == "trip"]
    of_trip = visits[visits["user"].isin(users.index)]
    mine = city.users.loc[of_trip["user"]]
    begin, end = (mine[name].to_numpy(int) for name in ("change_day", "change_end_day"))
    away = (of_trip["day"] >= begin) & (of_trip["day"] < end)
    assert (of_trip["anchor"].eq("trip") == away).all()
    assert not visits.loc[~visits["user"].isin(users.index), "anchor"].eq("trip").any()
    on_trip = of_trip[away]
    km = on_trip["distance_km"] * 1000
    np.testing.assert_allclose(distance_to(city, on_trip, "new"), km, rtol=2e-3, atol=1)
    lengths = users["change_end_day"] - users["change_day"]
    assert lengths.between(3, 10).all()


def test_workers_are_at_work_in_working_hours(city, visits):
    works = city.users["work_lat"].notna()
    assert abs(works.mean() - WORK_SHARE) < 4 * np.sqrt(0.21 / 2_500)
    office = visits[LOCAL_TIME].dt.day_of_week.lt(5) & visits["hour"].between(9, 17)
    settled = visits["user"].map(city.users["change_kind"]).isin(["none", "move"])
    worker = visits["user"].map(works)
    expected = np.where(office & worker, "work", "home")[settled]
    assert (visits.loc[settled, "anchor"] == expected).all()


def test_change_points_are_those_of_the_users(city):
    users, changes = city.users, city.truth.change_points
    kinds = users["change_kind"].value_counts(normalize=True)
    assert abs(kinds["none"] - 0.55) < 0.04
    assert (kinds.drop("none") - 0.15).abs().max() < 0.03
    assert len(changes) == (users["change_kind"] != "none").sum()
    assert changes["change_day"].between(15, 44).all()
    still = users[users["change_kind"] == "none"]
    assert still[["change_day", "change_end_day", "new_lat", "new_lon"]].isna().all(axis=None)
    assert not len(make_city(50, 20, 20, change_share=0.0).truth.change_points)


# Sizes and settings


@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 400, 1), (1, 1, 200), (50, 1, 1), (1, 3, 8)])
def test_smallest_cities(sizes):
    city = make_city(*sizes)
    assert list(city.log.columns) == COLUMNS
    assert str(city.log[TIME].dtype) == "datetime64[us, UTC]"
    validate_log(city.log)
    assert repr(city).startswith(f"City({sizes[0]} user")


@settings(max_examples=15, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 6), st.integers(1, 40), st.integers(1, 20)),
    seed=st.integers(0, 2**64),
    latitude=st.floats(-80, 80),
    longitude=st.floats(-180, 180),
)
def test_any_city_is_valid(sizes, seed, latitude, longitude):
    city = make_city(*sizes, seed=seed, centre=(latitude, longitude), activity_rate=5.0)
    validate_log(city.log)
    assert is_open(
        *(city.log.merge(city.places, on=ITEM)[name] for name in ("open_hour", "close_hour")),
        city.log[LOCAL_TIME].dt.hour,
    ).all()


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"n_users": 0}, "n_users: expected a whole number of at least 1, found 0."),
        ({"n_places": -3}, "n_places: expected a whole number of at least 1, found -3."),
        ({"n_days": 1.5}, "n_days: expected a whole number of at least 1, found 1.5."),
        ({"n_days": True}, "n_days: expected a whole number of at least 1, found True."),
        ({"seed": "x"}, "seed: expected a whole number of at least 0, found 'x'."),
        ({"seed": 1.0}, "seed: expected a whole number of at least 0, found 1.0."),
        ({"seed": -1}, "seed: expected a whole number of at least 0, found -1."),
        ({"timezone": "Mars/Olympus"}, "timezone: expected the IANA name .* found 'Mars/Olympus'."),
        ({"timezone": None}, "timezone: expected the IANA name"),
        ({"timezone": "../UTC"}, "timezone: expected the IANA name"),
        ({"start": "soon"}, "start: expected a calendar date .* found 'soon'."),
        ({"start": "2024-01-01 08:00"}, "start: expected a calendar date"),
        ({"start": pd.Timestamp("2024-01-01", tz="UTC")}, "start: expected a calendar date"),
        ({"start": None}, "start: expected a calendar date"),
        ({"centre": (89.0, 0.0)}, "centre: expected .* lat within ±80 .* found"),
        ({"centre": 31.2}, "centre: expected"),
        ({"centre": (float("nan"), 0.0)}, "centre: expected"),
        ({"activity_rate": 0}, "activity_rate: expected a number above 0, found 0."),
        ({"activity_rate": float("inf")}, "activity_rate: expected a number above 0, found inf."),
        ({"phi": 1.0}, r"phi: expected a number in \(-1, 1\), or one for each of the 8"),
        ({"phi": [0.1, 0.2]}, "phi: expected"),
        ({"innovation_sd": -0.1}, r"innovation_sd: expected a number in \[0, 10\]"),
        ({"drift": float("nan")}, "drift: expected"),
        ({"decay_length": 0.0}, "decay_length: expected a number of metres, at least 1"),
        ({"change_share": 1.1}, r"change_share: expected a number in \[0, 1\], found 1.1."),
    ],
)
def test_bad_settings_are_named(bad, message):
    with pytest.raises(ValueError, match=message):
        make_city(**bad)
