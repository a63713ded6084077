"""Read anybody's log and clean it, and keep account of every row.

Introduced in chapter 14.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import pandas as pd

from stim_lib import cleaning, datasets, schema, simulate
from stim_lib.system.columns import guess_columns
from stim_lib.system.settings import Settings

# The city for trying the system out: small enough to wait for.
CITY = {"n_users": 60, "n_places": 150, "n_days": 120, "seed": 0}
LOADERS: dict[str, Callable[[], pd.DataFrame]] = {
    "foursquare_nyc": datasets.load_foursquare_nyc,
    "cdnow": datasets.load_cdnow,
    "seed_example": datasets.load_seed_example,
    "simulated_city": lambda: simulate.make_city(**CITY).log,
}
ACCOUNT = "account.json"


@dataclass(frozen=True)
class Loaded:
    """A clean log and what happened on the way to it.

    Attributes
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        A valid log.
    name : str
        Of the file or the data set.
    columns : dict of str to str
        Log column → column of the file; empty for a data set of the book.
    guessed : list of str
        Log columns whose column of the file was guessed.
    steps : list of dict
        step, rows_in, rows_out, why; rows_in of the first is what the file held.
    notes : list of str
        What was assumed or repaired.
    clock : "local", "UTC" or "dates only"
        What `local_time` is worth: the clock on the wall, Greenwich's for want of a better one, or
        no clock at all.
    """

    log: pd.DataFrame
    name: str
    columns: dict[str, str]
    guessed: list[str]
    steps: list[dict[str, object]]
    notes: list[str]
    clock: str

    @property
    def has_places(self) -> bool:
        """Whether two or more different positions are known."""
        return len(self.log[[schema.LAT, schema.LON]].dropna().drop_duplicates()) > 1

    @property
    def has_categories(self) -> bool:
        """Whether two or more categories are known."""
        return len(self.log[schema.CATEGORY].dropna().unique()) > 1

    def save(self, folder: str | Path) -> None:
        """Write the log and its account into a folder."""
        folder = Path(folder)
        self.log.to_parquet(folder / "log.parquet", index=False)
        account = asdict(replace(self, log=pd.DataFrame()))
        del account["log"]
        (folder / ACCOUNT).write_text(json.dumps(account), encoding="utf-8")

    @classmethod
    def restore(cls, folder: str | Path) -> Self:
        """Read what `save` wrote."""
        account = json.loads((Path(folder) / ACCOUNT).read_text(encoding="utf-8"))
        return cls(log=pd.read_parquet(Path(folder) / "log.parquet"), **account)


def load_log(settings: Settings, path: str | Path | None = None) -> Loaded:
    """Read and clean a file, or a data set that the settings name.

    Parameters
    ----------
    settings : Settings
    path : str or Path, optional
        CSV or parquet, or a folder that `Loaded.save` wrote. None, or "": `settings.dataset`.

    Returns
    -------
    Loaded

    Raises
    ------
    SchemaError
        If a column can't be found or guessed, or more rows are bad than `settings.log.most_bad`
        allows; the message names cells.
    ValueError, OSError
        If there is nothing to read, or it can't be read.

    Notes
    -----
    Introduced in chapter 14.

    Examples
    --------
    >>> loaded = load_log(Settings(dataset="seed_example"))
    >>> len(loaded.log), loaded.clock, loaded.steps[0]["rows_in"]
    (4, 'local', 4)
    """
    given = path is not None and str(path) != ""
    if given and (Path(path) / ACCOUNT).is_file():
        return Loaded.restore(path)
    if given == (settings.dataset is not None):
        both = "both" if given else "neither"
        raise ValueError(
            f"expected a log (LOG=my.csv) or dataset in the configuration, found {both}"
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", schema.DataWarning)
        if given:
            raw, columns, guessed, reading = _read(Path(path), settings)
        else:
            raw, columns, guessed = LOADERS[settings.dataset](), {}, []
            reading = _step("reading", len(raw), len(raw), "a data set of the book")
    notes = [str(w.message) for w in caught if issubclass(w.category, schema.DataWarning)]
    log, steps = _clean(raw, settings)
    name = Path(path).name if given else settings.dataset
    clock, more = _judge_clock(log, settings, told=not given or schema.LOCAL_TIME in columns)
    more += _note_repeats(clock, steps)
    return Loaded(log, name, columns, guessed, [reading, *steps], notes + more, clock)


def _step(step: str, rows_in: int, rows_out: int, why: str) -> dict[str, object]:
    return {"step": step, "rows_in": int(rows_in), "rows_out": int(rows_out), "why": why}


def _read(path: Path, settings: Settings) -> tuple:
    chosen = settings.log
    columns = dict(settings.columns)
    if path.is_file():
        names = datasets.read_column_names(path, chosen.encoding)
        columns = guess_columns(names, settings.columns)
    log, failures = datasets.inspect_log(
        path, columns, timezone=chosen.timezone, time_format=chosen.time_format,
        ambiguous=chosen.ambiguous, encoding=chosen.encoding,
    )  # fmt: skip
    bad = failures["row"].nunique()
    total = len(log) + bad
    if not len(log) or bad > chosen.most_bad * total:
        hint = (
            f"{bad:,} of {total:,} rows are bad; up to {chosen.most_bad:.0%} would be left out "
            "([log] most_bad)."
        )
        raise schema.SchemaError(failures, hint=_with_swap(hint, failures))
    causes = failures.groupby(["column", "expected"]).size() if bad else pd.Series(dtype=int)
    why = "; ".join(f"{c}: expected {e} ({n:,})" for (c, e), n in causes.head(3).items())
    guessed = [name for name in columns if name not in settings.columns]
    return log, columns, guessed, _step("reading", total, len(log), why or "every row read")


def _with_swap(hint: str, failures: pd.DataFrame) -> str:
    lat = failures["column"] == schema.LAT
    swapped = lat.any() and not (failures["column"] == schema.LON).any()
    return hint + (" Are lat and lon swapped?" if swapped else "")


def _clean(raw: pd.DataFrame, settings: Settings) -> tuple[pd.DataFrame, list[dict[str, object]]]:
    known = raw[schema.LAT].notna()
    strategies = {}
    if known.any() and not known.all():
        strategies = {schema.LAT: "same_item", schema.LON: "same_item"}
    log, report = cleaning.clean(raw, within=settings.log.duplicates_within, strategies=strategies)
    rows = report.to_dict("records")
    return log, [_step(r["step"], r["rows_in"], r["rows_out"], _why(r)) for r in rows]


def _why(row: dict[str, object]) -> str:
    filled = f"; {row['cells_filled']:,} filled" if row["cells_filled"] else ""
    return f"{row['why']}{filled}"


def _note_repeats(clock: str, steps: list[dict[str, object]]) -> list[str]:
    """Without hours, two visits of a day can't be told from one that was written down twice."""
    lost = sum(s["rows_in"] - s["rows_out"] for s in steps if s["step"] == "duplicates")
    if clock != "dates only" or not lost:
        return []
    return [
        f"With dates only, repeats of user, item and action on one day count once: {lost:,} rows "
        "went as duplicates that may have been real."
    ]


def _judge_clock(log: pd.DataFrame, settings: Settings, *, told: bool) -> tuple[str, list[str]]:
    """What the clock is worth, and a note if it is little."""
    clock = log[schema.LOCAL_TIME]
    if (clock == clock.dt.normalize()).all():
        return "dates only", ["Times are dates without an hour."]
    same = clock == log[schema.TIME].dt.tz_localize(None)
    if same.all() and not told and settings.log.timezone is None:
        return "UTC", []
    return "local", []
