"""A small city whose recommenders are fitted once."""

import pytest

from stim_lib import recommend, simulate, splits


@pytest.fixture(scope="session")
def city():
    return simulate.make_city(n_users=18, n_places=60, n_days=50, seed=3).log


@pytest.fixture(scope="session")
def city_parts(city):
    return splits.split_by_time(city)


@pytest.fixture(scope="session")
def timed(city_parts):
    return recommend.Recommender(seed=0, use_query_time=True).fit(city_parts[0])


@pytest.fixture(scope="session")
def untimed(city_parts):
    return recommend.Recommender(seed=0, use_query_time=False).fit(city_parts[0])
