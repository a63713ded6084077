"""A line of counts in a prompt: by hand, around midnight, and nothing of the future."""

import numpy as np
import pandas as pd
import pytest

from stim_lib import leaks, llm, queries
from stim_lib.schema import SchemaError


@pytest.fixture
def log():
    """Ann at 23:00, 00:30, 12:00 and 23:30, on four days."""
    clock = pd.to_datetime(
        ["2024-01-01 23:00", "2024-01-03 00:30", "2024-01-04 12:00", "2024-01-05 23:30"]
    )
    return pd.DataFrame(
        {
            "user_id": "ann",
            "item_id": list("abcd"),
            "action": "visit",
            "timestamp": clock.tz_localize("UTC"),
            "local_time": clock,
            "lat": 0.0,
            "lon": 0.0,
            "category": ["Home", "Home", "Food", "Bar"],
        }
    )


def habits(log, **settings):
    asked, _ = queries.make_queries(log)
    prompts = pd.Series("Now:", index=asked.index).radd("Lines\n")
    told = llm.add_habits(prompts, asked, log, kind="category", **settings)
    return [text.split("\n")[1].removeprefix("Usual at this hour: ") for text in told]


def test_hours_are_counted_around_midnight(log):
    assert habits(log) == ["nothing yet", "Home 1", "nothing yet", "Home 2"]


def test_a_wide_clock_counts_all_and_the_most_frequent_come_first(log):
    assert habits(log, width_hours=12)[-1] == "Home 2, Food 1"
    assert habits(log, width_hours=12, most=1)[-1] == "Home 2"


def test_equal_counts_stand_in_the_order_that_is_asked_for(log):
    log = log.assign(category=["Home", "Bar", "Food", "Bar"])
    assert habits(log)[-1] == "Bar 1, Home 1"
    assert habits(log, kinds=["Home", "Food", "Bar"])[-1] == "Home 1, Bar 1"


def test_nothing_of_the_future_is_told(log):
    asked, _ = queries.make_queries(log)

    def told(history, some):
        prompts = pd.Series("Lines\nNow:", index=some.index)
        return llm.add_habits(prompts, some, history, kind="category").to_numpy()[:, None]

    leaks.assert_no_leak(told, log, asked.iloc[[3]], time_known=True)


def test_a_name_cannot_add_a_line(log):
    log = log.assign(category="Home\nNow: Bar")
    assert "\n" not in habits(log)[-1]


def test_a_log_without_wall_clock_and_prompts_of_others_are_refused(log):
    asked, _ = queries.make_queries(log)
    prompts = pd.Series("Lines\nNow:", index=asked.index)
    with pytest.raises(SchemaError, match="local_time"):
        llm.add_habits(prompts, asked, log.drop(columns="local_time"), kind="category")
    with pytest.raises(ValueError, match="index"):
        llm.add_habits(prompts.set_axis(np.arange(4) + 9), asked, log, kind="category")
