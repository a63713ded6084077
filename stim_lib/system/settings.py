"""What may be chosen about a run, read from a TOML file; every choice has a default."""

from __future__ import annotations

import datetime
import difflib
import math
import tomllib
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from stim_lib import schema

DATASETS = ("foursquare_nyc", "simulated_city", "cdnow", "seed_example")
COLUMNS = (
    *schema.CORE_COLUMNS, *schema.OPTIONAL_COLUMNS, schema.ROOT_CATEGORY, schema.TRAJECTORY,
)  # fmt: skip


class SettingsError(ValueError):
    """A configuration that can't be used; the message names the setting and what to write."""


class Section(BaseModel):
    """A table of the file: no other keys, no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LogSettings(Section):
    """[log]: how the file is read and cleaned, and how much of it is judged."""

    timezone: str | None = None
    time_format: str | None = None
    ambiguous: Literal["raise", "earlier", "later"] = "raise"
    encoding: str | None = None
    duplicates_within: str = "0s"
    # Up to this share of bad rows is left out and counted; beyond it the file counts as broken.
    most_bad: float = Field(0.05, ge=0, le=1)
    # Beyond it whole users are drawn: the whole log is described, the drawn part is judged.
    most_actions: int = Field(150_000, ge=300)

    @field_validator("duplicates_within")
    @classmethod
    def _a_span(cls, value: str) -> str:
        try:
            good = pd.Timedelta(value) >= pd.Timedelta(0)
        except ValueError:
            good = False
        if not good:
            raise ValueError("expected a span of 0 or more such as '0s' or '10min'")
        return value

    @field_validator("time_format")
    @classmethod
    def _a_format(cls, value: str | None) -> str | None:
        try:
            datetime.datetime.strptime("", value or "")
        except ValueError as error:
            if "does not match" not in str(error):
                raise ValueError("expected a format such as '%d.%m.%Y %H:%M'") from None
        return value


class SplitSettings(Section):
    """[split]: two cut-offs, or three shares of the time span."""

    cutoffs: list[str] = Field(default=[], max_length=2)
    fractions: list[float] = Field(default=[0.8, 0.1, 0.1], min_length=3, max_length=3)

    @field_validator("cutoffs", mode="before")
    @classmethod
    def _dates_too(cls, value: object) -> object:
        """TOML has dates of its own, without quotes."""
        if not isinstance(value, list):
            return value
        return [v.isoformat() if isinstance(v, datetime.date) else v for v in value]

    @field_validator("cutoffs")
    @classmethod
    def _two_or_none(cls, value: list[str]) -> list[str]:
        if len(value) == 1:
            raise ValueError("expected two times: where validation begins, and where the test does")
        for time in value:
            try:
                pd.Timestamp(time)
            except ValueError:
                raise ValueError(f"expected times such as '2024-05-01', got {time!r}") from None
        return value

    @field_validator("fractions")
    @classmethod
    def _sum_to_one(cls, value: list[float]) -> list[float]:
        if not (min(value) > 0 and math.isclose(sum(value), 1, abs_tol=1e-9)):
            raise ValueError("expected three positive shares with sum 1")
        return value


class ModelSettings(Section):
    """[models]: who sits the exam, and how long it is."""

    mix: bool = True
    recommender: bool = True
    time_known: bool = True
    most_queries: int = Field(3_000, ge=30)
    tuning_queries: int = Field(800, ge=30)
    seed: int = Field(0, ge=0)


class ReportSettings(Section):
    """[report]: what is shown."""

    title: str = ""
    k: int = Field(10, ge=1, le=100)
    # Lists of single people: 0 before a report leaves the house.
    examples: int = Field(3, ge=0, le=20)
    # A cell of the map with fewer people is not drawn.
    fewest_people: int = Field(5, ge=1)


class Settings(Section):
    """A whole configuration; see data/example_config.toml.

    Attributes
    ----------
    dataset : str or None
        A log that the book knows, in place of a file.
    columns : dict of str to str
        Log column → column of the file; what is not named is guessed.
    log, split, models, report : sections
    """

    dataset: Literal[DATASETS] | None = None
    columns: dict[str, str] = {}
    log: LogSettings = LogSettings()
    split: SplitSettings = SplitSettings()
    models: ModelSettings = ModelSettings()
    report: ReportSettings = ReportSettings()

    @field_validator("columns")
    @classmethod
    def _known_columns(cls, value: dict[str, str]) -> dict[str, str]:
        unknown = [name for name in value if name not in COLUMNS]
        if unknown:
            raise ValueError(
                f'{unknown[0]!r} is no column of a log; write log column = "column of the file", '
                f"with {', '.join(COLUMNS)}"
            )
        who, what = value.get(schema.USER), value.get(schema.ITEM)
        if who is not None and who == what:
            raise ValueError(f"user_id and item_id: expected two columns, found {who!r} for both")
        return value


def read_settings(path: str | Path | None = None) -> Settings:
    """Read a configuration.

    Parameters
    ----------
    path : str or Path, optional
        A TOML file. None, or "": the defaults.

    Returns
    -------
    Settings

    Raises
    ------
    SettingsError
        If the file can't be read, or a setting is unknown or out of range; one line for each.

    Notes
    -----
    Introduced in chapter 14.

    Examples
    --------
    >>> read_settings().report.k
    10
    """
    if path is None or not str(path):
        return Settings()
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}; expected a TOML file") from None
    except ValueError as error:
        raise SettingsError(f"{path}: expected TOML in UTF-8, found an error: {error}") from None
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        lines = [_in_words(fault) for fault in error.errors()]
        raise SettingsError(f"{path}: " + "\n  ".join(lines)) from None


def _in_words(fault: dict) -> str:
    where = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        *table, name = fault["loc"]
        section = Settings
        for part in table:
            section = type(Settings.model_fields[part].default)
        near = difflib.get_close_matches(str(name), section.model_fields, n=1, cutoff=0.5)
        known = (
            f"did you mean {near[0]!r}?" if near else "known: " + ", ".join(section.model_fields)
        )
        return f"{where}: no such setting ({known})"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{where}: {message[:1].lower()}{message[1:]}, found {str(fault['input'])[:60]!r}"
