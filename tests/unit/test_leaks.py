"""The leak test finds leaks that were put there, and nothing where there is none."""

import numpy as np
import pandas as pd
import pytest

from stim_lib import leaks, queries, splits


@pytest.fixture(scope="module")
def some(nyc, nyc_parts):
    users = nyc_parts[2]["user_id"].unique()[:6]
    log = nyc[nyc["user_id"].isin(users)].reset_index(drop=True)
    asked, _ = queries.make_queries(log[log["timestamp"] >= nyc_parts[2]["timestamp"].min()])
    return log, asked


def visits_before(log, asked):
    past = queries.look_back(asked, log)
    return np.bincount(past.query, minlength=len(asked))


def visits_at_or_before(log, asked):
    return [
        ((log["user_id"] == user) & (log["timestamp"] <= instant)).sum()
        for user, instant in zip(asked["user_id"], asked["timestamp"], strict=True)
    ]


LEAKS = {
    "the user's total": lambda log, q: q["user_id"].map(log["user_id"].value_counts()),
    "the answer's own row": visits_at_or_before,
    "what others do later": lambda log, q: np.full(len(q), log["item_id"].nunique()),
    "popularity of the whole log": lambda log, q: np.full(
        len(q), log["item_id"].value_counts().iloc[0] / len(log)
    ),
    "the user's next place": lambda log, q: [
        log[(log["user_id"] == u) & (log["timestamp"] >= t)]["item_id"].head(1).tolist()
        for u, t in zip(q["user_id"], q["timestamp"], strict=True)
    ],
    "the middle of the log's time": lambda log, q: np.full(len(q), log["timestamp"].max().value),
}


@pytest.mark.parametrize("name", LEAKS)
def test_finds_a_leak(some, name):
    with pytest.raises(leaks.LeakError, match="moved"):
        leaks.assert_no_leak(LEAKS[name], *some)


def test_finds_nothing_where_only_the_past_is_used(some):
    leaks.assert_no_leak(visits_before, *some)
    assert len(leaks.find_leaks(visits_before, *some, n_instants=7)) == 0


def test_a_model_that_peeks_at_the_clock_is_found(some):
    def hour(log, asked):
        return asked["local_time"].dt.hour

    leaks.assert_no_leak(hour, *some)
    with pytest.raises(leaks.LeakError, match="clock"):
        leaks.assert_no_leak(hour, *some, time_known=False)
    leaks.assert_no_leak(visits_before, *some, time_known=False)


def test_a_model_that_learns_from_the_company_of_a_query_is_found(some):
    def is_last(log, asked):
        return asked.groupby("user_id")["timestamp"].shift(-1).isna()

    assert set(leaks.find_leaks(is_last, *some)["change"]) == {"batch"}


def test_a_weekday_is_a_clock_too(some):
    def weekend(log, asked):
        return asked["local_time"].dt.day_of_week >= 5

    found = leaks.find_leaks(weekend, *some, time_known=False, n_instants=30)
    assert set(found["change"]) == {"clock"}


def test_a_cut_at_a_fraction_of_the_log_is_found(some):
    def predict(log, asked):
        train = splits.split_by_time(log, fractions=(0.8, 0.2))[0]
        return np.full(len(asked), len(train))

    assert "gone" in set(leaks.find_leaks(predict, *some)["change"])


def test_a_prediction_that_is_not_repeatable_says_nothing(some):
    rng = np.random.default_rng()
    with pytest.raises(ValueError, match="seeds"):
        leaks.find_leaks(lambda log, asked: rng.random(len(asked)), *some)


def test_no_queries_and_no_future_are_refused(some):
    log, asked = some
    with pytest.raises(ValueError, match="queries"):
        leaks.find_leaks(visits_before, log, asked[:0])
    with pytest.raises(ValueError, match="some action follows"):
        next(leaks.disturb_future(log, pd.Timestamp("2030-01-01", tz="UTC"), seed=0))


def test_the_past_stays_as_it_was_and_the_future_does_not(some):
    log, asked = some
    instant = asked["timestamp"].sort_values().iloc[len(asked) // 2]
    before = log[log["timestamp"] < instant].reset_index(drop=True)
    for name, other in leaks.disturb_future(log, instant, seed=0):
        kept = other[other["timestamp"] < instant].reset_index(drop=True)
        pd.testing.assert_frame_equal(kept, before, obj=name)
        assert not other.equals(log), name
        assert not (other["timestamp"].diff()[other["user_id"].eq(other["user_id"].shift())]
                    < pd.Timedelta(0)).any()  # fmt: skip


def test_differences_that_are_no_numbers_count_too(some):
    def listing(log, asked):
        later = log[log["timestamp"] >= asked["timestamp"].min()]
        return pd.DataFrame({"query_id": asked.index, "item_id": later["item_id"].iloc[0]})

    found = leaks.find_leaks(listing, *some, n_instants=1)
    assert "other" in set(found["difference"])


def test_tables_that_moved_are_compared_by_their_numbers(make_log):
    log = make_log([1, 5, 9])
    asked, _ = queries.make_queries(log[1:2])

    def peek(log, asked):
        return pd.DataFrame({"rows": [float(len(log))], "one": [1.0]}, index=asked.index)

    found = leaks.find_leaks(peek, log, asked, n_instants=1).set_index("change")["difference"]
    assert found["gone"] == 2 and found["more"] == 2
