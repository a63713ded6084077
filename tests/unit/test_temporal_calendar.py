"""Holidays, working days and the lunar calendar at dates that anyone can look up."""

import numpy as np
import pandas as pd
import pytest

from stim_lib import schema, temporal


def days(*dates):
    return pd.Series(pd.to_datetime(list(dates), format="ISO8601"))


class TestUnitedStates:
    def test_days_of_2012(self):
        table = temporal.calendar_features(
            days("2012-07-04 23:59", "2012-07-05 00:00", "2012-11-11", "2012-11-12",
                 "2012-11-22", "2012-11-24", "2012-11-23"), "US"
        )  # fmt: skip
        assert table["is_holiday"].tolist() == [1, 0, 1, 1, 1, 0, 0]
        assert table["is_workday"].tolist() == [0, 1, 0, 0, 0, 0, 1]
        assert table["holiday"].tolist()[2:5] == [
            "Veterans Day", "Veterans Day (observed)", "Thanksgiving Day",
        ]  # fmt: skip
        assert not table["is_makeup_workday"].any()

    def test_new_year_observed_in_the_year_before(self):
        table = temporal.calendar_features(days("2021-12-31", "2022-01-01"), "US")
        assert table["holiday"].tolist() == ["New Year's Day (observed)", "New Year's Day"]

    def test_juneteenth_only_since_its_law(self):
        table = temporal.calendar_features(days("2020-06-19", "2023-06-19"), "US")
        assert table["is_holiday"].tolist() == [0, 1]

    def test_ten_or_eleven_holidays_a_year(self):
        span = pd.Series(pd.date_range("1990-01-01", "2030-12-31"))
        table = temporal.calendar_features(span, "US")
        itself = (table["is_holiday"] == 1) & ~table["holiday"].str.contains("observed")
        assert set(itself.groupby(span.dt.year).sum()) == {10, 11}


class TestChina:
    def test_make_up_working_days_of_spring_festival_2024(self):
        table = temporal.calendar_features(
            days("2024-02-04", "2024-02-18", "2024-02-10", "2024-02-17", "2024-02-16",
                 "2024-02-19", "2024-02-24"), "CN"
        )  # fmt: skip
        assert table["is_makeup_workday"].tolist() == [1, 1, 0, 0, 0, 0, 0]
        assert table["is_workday"].tolist() == [1, 1, 0, 0, 0, 1, 0]
        assert table["is_holiday"].tolist() == [0, 0, 1, 1, 1, 0, 0]
        assert table["holiday"].tolist()[2] == "Spring Festival"

    def test_national_day_and_a_plain_weekend(self):
        table = temporal.calendar_features(days("2023-10-01", "2023-10-07", "2023-07-15"), "CN")
        assert table["is_holiday"].tolist() == [1, 0, 0]
        assert table["is_workday"].tolist() == [0, 1, 0]

    @pytest.mark.parametrize(
        ("date", "lunar"),
        [
            ("2012-01-23", (2012, 1, 1, 0)),
            ("2023-01-22", (2023, 1, 1, 0)),
            ("2024-02-10", (2024, 1, 1, 0)),
            ("2025-01-29", (2025, 1, 1, 0)),
            ("2025-01-28", (2024, 12, 29, 0)),
            ("2023-03-22", (2023, 2, 1, 1)),  # leap second month
            ("2020-05-23", (2020, 4, 1, 1)),  # leap fourth month
            ("2024-09-17", (2024, 8, 15, 0)),  # Mid-Autumn
            ("2024-06-10", (2024, 5, 5, 0)),  # Dragon Boat
        ],
    )
    def test_lunar_dates(self, date, lunar):
        assert tuple(temporal.lunar_dates(days(date)).iloc[0].astype(int)) == lunar

    def test_a_lunar_day_follows_the_one_before_for_two_centuries(self):
        span = pd.Series(pd.date_range("1901-01-01", "2100-12-31"))
        table = temporal.lunar_dates(span)
        first = table["lunar_day"] == 1
        step = table["lunar_day"].diff()[1:]
        assert (step[~first[1:]] == 1).all()
        assert set(table["lunar_day"].shift()[first].dropna()) == {29, 30}

    def test_a_year_that_it_does_not_know(self):
        first, last = temporal.known_years("CN")
        assert first == 2004 and last >= 2025
        with pytest.raises(ValueError, match=rf"2004 to {last}, found 2003 \(first on 2003-05-01"):
            temporal.calendar_features(days("2010-01-01", "2003-05-01"), "CN")
        with pytest.raises(ValueError, match=f"found {last + 1}"):
            temporal.calendar_features(days(f"{last + 1}-05-01"), "CN")
        with pytest.raises(ValueError, match="1901 to 2100, found 1900"):
            temporal.lunar_dates(days("1900-05-01"))
        with pytest.raises(ValueError, match="1986 to 2100, found 1985"):
            temporal.calendar_features(days("1985-05-01"), "US")


@pytest.mark.parametrize("country", ["US", "CN"])
class TestBoth:
    def test_missing_and_empty_keep_the_index_and_the_types(self, country):
        times = days("2024-02-10 08:00", None).set_axis([7, 3])
        table = temporal.calendar_features(times, country)
        assert table.index.tolist() == [7, 3]
        numbers = table.drop(columns="holiday")
        assert numbers.loc[3].isna().all() and (numbers.dtypes == "float64").all()
        assert table.loc[3, "holiday"] == ""
        nothing = temporal.calendar_features(times[:0], country)
        assert list(nothing) == list(table) and not len(nothing)
        only = temporal.calendar_features(times[1:], country)
        assert only.drop(columns="holiday").isna().all().all()

    def test_every_hour_of_a_day_is_alike(self, country):
        hours = pd.Series(pd.date_range("2024-02-10", periods=24, freq="h"))
        table = temporal.calendar_features(hours, country)
        assert len(table.drop_duplicates()) == 1
        assert np.isfinite(table.drop(columns="holiday")).all().all()


def test_errors():
    with pytest.raises(ValueError, match="'FR'"):
        temporal.calendar_features(days("2024-02-10"), "FR")
    with pytest.raises(ValueError, match="'FR'"):
        temporal.known_years("FR")
    with pytest.raises(schema.SchemaError, match="without a zone"):
        temporal.calendar_features(days("2024-02-10").dt.tz_localize("UTC"))
