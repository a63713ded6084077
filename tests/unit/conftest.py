"""Small logs for the tests of the library."""

import pandas as pd
import pytest

from stim_lib import datasets, schema, splits


def _make_log(hours, users=None, items=None):
    n = len(hours)
    times = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(list(hours), unit="h")
    return schema.sort_log(
        pd.DataFrame(
            {
                "user_id": users or ["a"] * n,
                "item_id": items or [f"p{i}" for i in range(n)],
                "action": "visit",
                "timestamp": pd.Series(times).astype(schema.TIME_DTYPE),
                "lat": 0.0,
                "lon": 0.0,
                "category": "x",
            }
        )
    )


@pytest.fixture(scope="session")
def make_log():
    """A log with one action per entry, `hours` after midnight of 1 January 2024."""
    return _make_log


@pytest.fixture(scope="session")
def nyc():
    return datasets.load_foursquare_nyc()


@pytest.fixture(scope="session")
def nyc_parts(nyc):
    return splits.split_by_time(nyc)
