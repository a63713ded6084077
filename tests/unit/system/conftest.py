"""Small logs and one small exam, sat once."""

import pandas as pd
import pytest

from stim_lib import datasets, simulate, system

SHORT = {
    "models": {"mix": False, "recommender": False, "time_known": True, "most_queries": 60},
}


@pytest.fixture(scope="session")
def city():
    return simulate.make_city(n_users=12, n_places=30, n_days=60, seed=5).log


@pytest.fixture(scope="session")
def city_file(city, tmp_path_factory):
    return datasets.write_log(city, tmp_path_factory.mktemp("city") / "city.csv")


@pytest.fixture(scope="session")
def short():
    return system.Settings(**SHORT)


@pytest.fixture(scope="session")
def loaded(city_file):
    return system.load_log(system.Settings(), city_file)


@pytest.fixture(scope="session")
def exam(loaded, short):
    return system.choose_exam(loaded.log, short)


@pytest.fixture(scope="session")
def verdict(exam, short):
    return system.judge(exam, short)


@pytest.fixture(scope="session")
def make_long_log():
    """A log of n actions, an hour apart, of users and items in turn; no places, no categories."""

    def make(n, *, users=1, items=5):
        times = pd.Timestamp("2024-01-01T06:00Z") + pd.to_timedelta(range(n), unit="h")
        table = pd.DataFrame(
            {
                "user_id": [f"u{i % users}" for i in range(n)],
                "item_id": [f"p{(i // users) % items}" for i in range(n)],
                "timestamp": times,
            }
        )
        return table

    return make
