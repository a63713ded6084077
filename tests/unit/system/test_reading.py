"""Settings, guessed columns and the account of rows."""

import pandas as pd
import pytest

from stim_lib import datasets, schema, system
from stim_lib.system.settings import LogSettings


def settings_from(tmp_path, text):
    path = tmp_path / "my.toml"
    path.write_text(text, encoding="utf-8")
    return system.read_settings(path)


class TestSettings:
    def test_none_and_an_empty_file_are_the_defaults(self, tmp_path):
        assert system.read_settings() == system.read_settings("") == settings_from(tmp_path, "")

    def test_the_example_states_the_defaults(self):
        from stim_lib import assets

        example = system.read_settings(assets.data_folder() / "example_config.toml")
        assert example == system.Settings()

    def test_the_example_names_every_setting(self):
        from stim_lib import assets

        text = (assets.data_folder() / "example_config.toml").read_text(encoding="utf-8")
        for name, section in system.Settings.model_fields.items():
            fields = getattr(section.annotation, "model_fields", {name: None})
            for field in fields:
                assert f"{field} =" in text or f"[{field}]" in text, field

    def test_values_are_read(self, tmp_path):
        read = settings_from(tmp_path, '[log]\ntimezone = "Asia/Shanghai"\n[report]\nk = 5\n')
        assert (read.log.timezone, read.report.k) == ("Asia/Shanghai", 5)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[models]\nmixx = true\n", "models.mixx: no such setting (did you mean 'mix'?)"),
            ("[foo]\n", "foo: no such setting (known: dataset, columns"),
            (
                "[report]\nk = 0\n",
                "report.k: input should be greater than or equal to 1, found",
            ),
            ('[models]\nseed = "one"\n', "models.seed: input should be a valid integer"),
            ("[split]\nfractions = [0.5, 0.4, 0.2]\n", "split.fractions: expected three positive"),
            ('[split]\ncutoffs = ["2024-01-01"]\n', "split.cutoffs: expected two times"),
            ('[columns]\nuserid = "uid"\n', "columns: 'userid' is no column of a log"),
            ('dataset = "imagenet"\n', "dataset: input should be"),
            ("[log\n", "expected TOML in UTF-8, found an error"),
            ("[split]\nfractions = [nan, 0.5, 0.5]\n", "split.fractions: expected three positive"),
            ('[split]\ncutoffs = ["foo", "bar"]\n', "split.cutoffs: expected times such as"),
            ('[log]\nduplicates_within = "often"\n', "log.duplicates_within: expected a span"),
            ('[log]\nduplicates_within = "-5s"\n', "log.duplicates_within: expected a span"),
            ('[log]\ntime_format = "%Q"\n', "log.time_format: expected a format such as"),
            ('[columns]\nuser_id = "a"\nitem_id = "a"\n', "expected two columns, found 'a'"),
        ],
    )
    def test_a_fault_is_named_with_its_place(self, tmp_path, text, said):
        with pytest.raises(system.SettingsError) as error:
            settings_from(tmp_path, text)
        assert said in str(error.value)

    def test_dates_of_toml_need_no_quotes(self, tmp_path):
        read = settings_from(tmp_path, "[split]\ncutoffs = [2024-02-01, 2024-02-20T06:00:00Z]\n")
        assert read.split.cutoffs == ["2024-02-01", "2024-02-20T06:00:00+00:00"]
        text = '[log]\ntime_format = "%d.%m.%Y %H:%M"\nduplicates_within = "10min"\n'
        assert settings_from(tmp_path, text).log.duplicates_within == "10min"

    def test_all_faults_at_once(self, tmp_path):
        with pytest.raises(system.SettingsError) as error:
            settings_from(tmp_path, "[models]\nmixx = 1\nseed = -1\n[report]\nk = 1000\n")
        assert str(error.value).count("\n") == 2

    def test_an_absent_file_is_named(self, tmp_path):
        with pytest.raises(system.SettingsError, match=r"no\.toml"):
            system.read_settings(tmp_path / "no.toml")


class TestGuess:
    @pytest.mark.parametrize(
        ("names", "expected"),
        [
            (["user_id", "item_id", "timestamp"], ["user_id", "item_id", "timestamp"]),
            (["UID", "Venue ID", "utc_time"], ["UID", "Venue ID", "utc_time"]),
            (["customer", "sku", "InvoiceDate"], ["customer", "sku", "InvoiceDate"]),
            (["用户ID", "商品", "时间"], ["用户ID", "商品", "时间"]),
            (["date", "time", "user", "place"], ["user", "place", "time"]),
        ],
    )
    def test_who_what_when(self, names, expected):
        found = system.guess_columns(names)
        assert [found[name] for name in ("user_id", "item_id", "timestamp")] == expected

    def test_half_a_coordinate_is_none(self):
        found = system.guess_columns(["uid", "venue", "utc", "lat"])
        assert "lat" not in found and "lon" not in found
        both = system.guess_columns(["uid", "venue", "utc", "Latitude", "lng"])
        assert (both["lat"], both["lon"]) == ("Latitude", "lng")

    def test_what_is_known_stays_and_is_not_used_twice(self):
        found = system.guess_columns(["user", "item", "time", "uid"], {"item_id": "user"})
        assert found["item_id"] == "user" and found["user_id"] == "uid"

    def test_no_guess_lists_the_columns_and_what_to_write(self):
        with pytest.raises(schema.SchemaError) as error:
            system.guess_columns(["uid", "wann"])
        text = str(error.value)
        assert "'uid', 'wann'" in text and '[columns]\n  item_id = "…"' in text
        assert "user_id:" not in text

    @pytest.mark.parametrize("bad", [[], ["a"], ["lat", "lon"]])
    def test_nothing_is_made_up(self, bad):
        with pytest.raises(schema.SchemaError):
            system.guess_columns(bad)


class TestColumnNames:
    def test_text_in_two_encodings_and_parquet(self, tmp_path):
        names = ["用户", "b c"]
        for encoding in ("utf-8", "gb18030"):
            (tmp_path / "a.csv").write_text(" ; ".join(names) + "\n1;2\n", encoding=encoding)
            assert datasets.read_column_names(tmp_path / "a.csv") == names
        pd.DataFrame(columns=names).to_parquet(tmp_path / "a.parquet")
        assert datasets.read_column_names(tmp_path / "a.parquet") == names

    def test_no_header(self, tmp_path):
        (tmp_path / "a.csv").write_text("")
        with pytest.raises(schema.SchemaError, match="empty file"):
            datasets.read_column_names(tmp_path / "a.csv")


class TestLoad:
    def test_every_row_is_accounted_for(self, tmp_path):
        rows = ["uid,venue,utc"] + [f"a,p{i % 3},2024-01-01T{i:02}:00Z" for i in range(20)]
        rows += ["a,p0,yesterday", "a,p1,2024-01-01T19:00Z", "a,p1,2024-01-01T19:00Z"]
        (tmp_path / "my.csv").write_text("\n".join(rows) + "\n")
        loaded = system.load_log(system.Settings(), tmp_path / "my.csv")
        assert [(s["step"], s["rows_in"], s["rows_out"]) for s in loaded.steps] == [
            ("reading", 23, 22),
            ("impossible", 22, 22),
            ("duplicates", 22, 20),
        ]
        assert "timestamp: expected" in loaded.steps[0]["why"]
        assert loaded.guessed == ["user_id", "item_id", "timestamp"]
        assert loaded.clock == "UTC" and not loaded.has_places

    def test_too_many_bad_rows_refuse_the_file(self, tmp_path):
        rows = ["uid,venue,utc"] + ["a,p,2024-01-01T01:00Z"] * 9 + ["a,p,yesterday"]
        (tmp_path / "my.csv").write_text("\n".join(rows) + "\n")
        with pytest.raises(schema.SchemaError, match="1 of 10 rows are bad"):
            system.load_log(system.Settings(), tmp_path / "my.csv")
        patient = system.Settings(log=LogSettings(most_bad=0.1))
        assert len(system.load_log(patient, tmp_path / "my.csv").log) == 1

    def test_clock(self, tmp_path):
        path = tmp_path / "my.csv"
        path.write_text("uid,venue,utc\na,p,2024-01-01T20:00Z\n")
        zoned = system.Settings(log=LogSettings(timezone="Asia/Shanghai"))
        loaded = system.load_log(zoned, path)
        assert loaded.clock == "local" and loaded.log["local_time"].dt.hour.tolist() == [4]
        path.write_text("uid,venue,date\na,p,2024-01-01\nb,p,2024-01-02\n")
        assert system.load_log(system.Settings(), path).clock == "dates only"

    def test_repeats_of_one_day_are_lost_aloud(self, tmp_path):
        path = tmp_path / "my.csv"
        path.write_text("uid,venue,date\na,p,2024-01-01\na,p,2024-01-01\na,q,2024-01-02\n")
        loaded = system.load_log(system.Settings(), path)
        assert len(loaded.log) == 2
        assert any("1 rows went as duplicates that may" in note for note in loaded.notes)

    def test_places_of_an_item_are_filled(self, tmp_path):
        path = tmp_path / "my.csv"
        path.write_text(
            "uid,venue,utc,lat,lon\na,p,2024-01-01T01:00Z,1,2\nb,p,2024-01-01T02:00Z,,\n"
        )
        assert system.load_log(system.Settings(), path).log["lat"].tolist() == [1.0, 1.0]

    def test_saved_and_restored(self, loaded, tmp_path):
        loaded.save(tmp_path)
        again = system.load_log(system.Settings(dataset="cdnow"), tmp_path)
        pd.testing.assert_frame_equal(again.log, loaded.log)
        assert (again.steps, again.columns, again.clock) == (
            loaded.steps, loaded.columns, loaded.clock,
        )  # fmt: skip

    def test_a_file_or_a_data_set_but_one(self, city_file):
        with pytest.raises(ValueError, match="found neither"):
            system.load_log(system.Settings())
        with pytest.raises(ValueError, match="found both"):
            system.load_log(system.Settings(dataset="seed_example"), city_file)


def test_cdnow_counts():
    log = datasets.load_cdnow()
    assert len(log) == 69_659 and log["user_id"].nunique() == 23_570
    assert log["item_id"].value_counts().to_dict() == {
        "1 CD": 31_454, "2 CDs": 16_070, "4 or more CDs": 12_691, "3 CDs": 9_444,
    }  # fmt: skip
    assert str(log["timestamp"].min())[:10] == "1997-01-01"
    assert str(log["timestamp"].max())[:10] == "1998-06-30"
    first = log.iloc[0]
    assert (first["user_id"], first["item_id"], first["value"]) == ("00001", "1 CD", 11.77)


def test_cdnow_refuses_another_file(tmp_path):
    (tmp_path / "a.txt").write_text("header\n00001 19970101 1\n")
    with pytest.raises(schema.SchemaError, match="customer, date, CDs, dollars"):
        datasets.load_cdnow(tmp_path / "a.txt")
