"""The ledger of runs: one tidy file that scripts append to and chapters read.

Every number on the leaderboard comes from here; none is typed. One row is one metric of one run
on one subset of its queries. Introduced in chapter 13.
"""

from __future__ import annotations

import csv
import importlib.metadata
import io
import json
import os
import platform
import uuid
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from stim_lib import assets, schema
from stim_lib.evaluation import Evaluation

FILE = "runs.csv"
COLUMNS = (
    "run", "recorded", "dataset", "split", "model", "history", "time", "subset", "n", "n_users",
    "metric", "value", "low", "high", "seed", "cpu_seconds", "settings", "versions", "script",
)  # fmt: skip
NUMBERS = ("n", "n_users", "value", "low", "high", "seed", "cpu_seconds")
# Runs of a study that asks something else than "which place": one row is one metric too.
STUDY_COLUMNS = (
    "study", "task", "setting", "model", "seed", "n", "metric", "value", "low", "high",
    "cpu_seconds", "settings", "script",
)  # fmt: skip
SAME_STUDY_ROW = ("study", "task", "setting", "model", "seed", "metric")
# What makes a later run the successor of an earlier one.
SAME_RUN = ("dataset", "split", "model", "history", "time")
PACKAGES = ("stim_lib", "numpy", "pandas", "scipy", "scikit-learn", "keras", "tensorflow-cpu")


def append_run(
    evaluation: Evaluation,
    path: str | Path,
    *,
    dataset: str,
    split: str,
    seed: int,
    cpu_seconds: float,
    script: str,
    settings: Mapping[str, object] | None = None,
    k: int = 10,
    draws: int = 2000,
) -> pd.DataFrame:
    """Add one run to the ledger.

    Parameters
    ----------
    evaluation : Evaluation
    path : str or Path
        The ledger; made if it is not there. Rows are added at its end in one piece, nothing that
        it holds is changed.
    dataset, split : str
        Short names, e.g. "foursquare_nyc", "80/10/10 of the time span".
    seed : int
        Of the run and of its bootstrap.
    cpu_seconds : float
        Processor time of fitting and asking; of tuning too, unless `settings` tells it apart.
    script : str
        Path of the script from the root of the repository.
    settings : mapping, optional
        What the model was tuned to; anything that JSON can hold.
    k : int
        Length of lists.
    draws : int
        Of the bootstrap.

    Returns
    -------
    DataFrame, shape (n_subsets · n_metrics, 19)
        The rows that were added: all queries; revisits; places new to the user.

    Raises
    ------
    ValueError
        If the file is no ledger, its last line was cut off, or a name holds a line break; nothing
        is written then.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> import tempfile
    >>> from stim_lib import baselines, datasets, evaluation
    >>> log = datasets.load_seed_example().assign(user_id="1")
    >>> result = evaluation.evaluate(baselines.UserCounter().fit(log[:3]), log[3:],
    ...                              train=log[:3], log=log)
    >>> path = Path(tempfile.mkdtemp()) / "runs.csv"
    >>> rows = append_run(result, path, dataset="example", split="3 + 1", seed=0,
    ...                   cpu_seconds=0.01, script="none")
    >>> len(read_runs(path)) == len(rows)
    True
    """
    path = Path(path)
    fresh = not path.exists()
    if not fresh:
        _require_ledger(path)
    shared = {
        "run": uuid.uuid4().hex[:12],
        "recorded": pd.Timestamp.now("UTC").strftime("%Y-%m-%dT%H:%M:%SZ"),
        "dataset": dataset,
        "split": split,
        "model": evaluation.model,
        "history": evaluation.knowledge.history,
        "time": evaluation.knowledge.time,
        "seed": seed,
        "cpu_seconds": round(cpu_seconds, 1),
        "settings": json.dumps(dict(settings or {}), sort_keys=True),
        "versions": json.dumps(_versions()),
        "script": script,
    }
    rows = pd.concat(
        [
            summary.rename_axis("metric").reset_index().assign(subset=name, **shared)
            for name, summary in _summaries(evaluation, k, draws, seed)
        ],
        ignore_index=True,
    )[list(COLUMNS)]
    for name in ("dataset", "split", "model", "script"):
        if not rows[name].iloc[0].isprintable() or not rows[name].iloc[0].strip():
            raise ValueError(f"{name}: expected printable text, found {rows[name].iloc[0]!r}")
    _append(rows, path, fresh)
    return rows


def _append(rows: pd.DataFrame, path: Path, fresh: bool) -> None:
    text = io.StringIO()
    rows.to_csv(text, index=False, header=fresh, float_format="%.6g", lineterminator="\n")
    # One write in append mode: two scripts that finish together do not cut into each other.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        file.write(text.getvalue().encode("utf-8"))


def append_study(rows: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    """Add rows to the file of a study, e.g. data/language_model_runs.csv.

    Parameters
    ----------
    rows : DataFrame, shape (n_rows, n_columns)
        Columns of `STUDY_COLUMNS`; low, high and settings may be left out. settings holds a dict in
        each row.
    path : str or Path
        Made if it is not there. Rows are added at its end in one piece.

    Returns
    -------
    DataFrame, shape (n_rows, 13)
        What was added.

    Raises
    ------
    ValueError
        If a column is missing or not known, or the file is another one.

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> import tempfile
    >>> row = {"study": "coin", "task": "toss", "setting": "fair", "model": "none", "seed": 0,
    ...        "n": 10, "metric": "heads", "value": 0.5, "cpu_seconds": 0.0, "script": "none"}
    >>> path = Path(tempfile.mkdtemp()) / "runs.csv"
    >>> rows = append_study(pd.DataFrame([row]), path)
    >>> read_studies(path)["value"].tolist()
    [0.5]
    """
    path = Path(path)
    given = set(rows)
    needed = set(STUDY_COLUMNS) - {"low", "high", "settings"}
    if not needed <= given <= set(STUDY_COLUMNS):
        wrong = sorted((needed - given) | (given - set(STUDY_COLUMNS)))
        raise ValueError(f"rows: expected the columns of a study, found {wrong} missing or unknown")
    fresh = not path.exists()
    if not fresh:
        _require_ledger(path, STUDY_COLUMNS)
    rows = rows.reindex(columns=list(STUDY_COLUMNS))
    texts = [
        json.dumps(given if isinstance(given, dict) else {}, sort_keys=True, ensure_ascii=False)
        for given in rows["settings"]
    ]
    rows = rows.assign(settings=texts)
    _append(rows, path, fresh)
    return rows


def read_studies(path: str | Path, *, newest: bool = True) -> pd.DataFrame:
    """Read the file of a study.

    Parameters
    ----------
    path : str or Path
    newest : bool
        Of rows that agree in all but n and what was measured, keep the last alone.

    Returns
    -------
    DataFrame, shape (n_rows, 13)

    Raises
    ------
    ValueError
        If the file is another one.
    FileNotFoundError
        If there is no file.

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> read_studies("nowhere.csv")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.csv'
    """
    _require_ledger(Path(path), STUDY_COLUMNS)
    runs = pd.read_csv(path, keep_default_na=False, na_values={"low": "", "high": ""})
    if newest:
        runs = runs.drop_duplicates(list(SAME_STUDY_ROW), keep="last", ignore_index=True)
    return runs


def _summaries(evaluation: Evaluation, k: int, draws: int, seed: int):
    from stim_lib import metrics

    queries, scores = evaluation.queries, evaluation.scores(k=k)
    subsets = {
        "all": pd.Series(True, index=queries.index),
        "revisits": queries["revisit"],
        "new to the user": ~queries["revisit"],
    }
    for name, chosen in subsets.items():
        if chosen.any():
            yield (
                name,
                metrics.bootstrap_means(
                    scores[chosen], queries.loc[chosen, schema.USER], draws=draws, seed=seed
                ),
            )


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _require_ledger(path: Path, columns: tuple[str, ...] = COLUMNS) -> None:
    with path.open("rb") as file:
        header = file.readline().decode("utf-8", errors="replace").rstrip("\r\n")
        found = next(csv.reader([header]), [])
        if tuple(found) != columns:
            raise ValueError(
                f"{path.name}: expected a ledger with the columns {', '.join(columns)}; found "
                f"{', '.join(found)[:200] or 'nothing'}"
            )
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            raise ValueError(
                f"{path.name}: expected a newline at the end, found none; the last row may be cut "
                "off. Mend or remove it first"
            )


def read_runs(path: str | Path | None = None, *, newest: bool = True) -> pd.DataFrame:
    """Read the ledger.

    Parameters
    ----------
    path : str or Path, optional
        Default: the ledger of the book, data/runs.csv.
    newest : bool
        Of runs that agree in dataset, split, model, history and time, keep the last in the file
        alone. Two settings that should stand side by side need two names of the model.

    Returns
    -------
    DataFrame, shape (n_rows, 19)
        Columns `COLUMNS`; numbers as numbers.

    Raises
    ------
    ValueError
        If the file is no ledger, or a number is none.
    FileNotFoundError
        If there is no file.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> runs = read_runs()
    >>> bool((runs.query("metric == 'mrr'")["value"] <= 1).all())
    True
    """
    path = Path(path) if path is not None else assets.data_folder() / FILE
    _require_ledger(path)
    runs = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name in NUMBERS:
        numbers = pd.to_numeric(runs[name].replace("", None), errors="coerce")
        bad = numbers.isna() & (runs[name] != "")
        if bad.any():
            row = runs.index[bad][0]
            raise ValueError(
                f"{path.name}, line {row + 2}: expected a number in {name}, found "
                f"{runs[name][row]!r}"
            )
        runs[name] = numbers
    if newest:
        last = runs.groupby(list(SAME_RUN))["run"].transform("last")
        runs = runs[runs["run"] == last].reset_index(drop=True)
    return runs


def leaderboard(
    runs: pd.DataFrame,
    *,
    dataset: str,
    split: str,
    subset: str = "all",
    metrics: tuple[str, ...] = ("accuracy@1", "hit_rate@10", "mrr"),
) -> pd.DataFrame:
    """One row per model and knowledge, best last metric first, never mixed across knowledge.

    Parameters
    ----------
    runs : DataFrame
        From `read_runs`.
    dataset, split, subset : str
        Which rows.
    metrics : tuple of str
        Columns; each comes with its interval.

    Returns
    -------
    DataFrame
        Index (history, time, model); columns (metric, value/low/high), then n, n_users and
        cpu_seconds. Groups of equal knowledge stay together.

    Raises
    ------
    ValueError
        If nothing in the ledger fits, or one run stands twice: pass ``newest=True`` to `read_runs`.

    Notes
    -----
    Introduced in chapter 13.

    Examples
    --------
    >>> board = leaderboard(read_runs(), dataset="foursquare_nyc",
    ...                     split="80/10/10 of the time span")
    >>> list(board.index.names)
    ['history', 'time', 'model']
    """
    chosen = runs[
        (runs["dataset"] == dataset)
        & (runs["split"] == split)
        & (runs["subset"] == subset)
        & runs["metric"].isin(metrics)
    ]
    keys = ["history", "time", "model"]
    if not len(chosen) or chosen.duplicated([*keys, "metric"]).any():
        raise ValueError(
            f"runs: expected each run on {dataset!r}, {split!r}, {subset!r} once, found "
            f"{len(chosen)} rows{', some of them twice' if len(chosen) else ''}"
        )
    board = chosen.pivot_table(index=keys, columns="metric", values=["value", "low", "high"])
    board = board.swaplevel(axis=1).reindex(
        columns=pd.MultiIndex.from_product([metrics, ["value", "low", "high"]])
    )
    of_run = chosen.drop_duplicates(keys).set_index(keys)
    for name in ("n", "n_users", "cpu_seconds"):
        board[(name, "")] = of_run[name]
    worst_first = board[(metrics[-1], "value")].sort_values().index
    return board.loc[worst_first[::-1]].sort_index(level=["history", "time"], sort_remaining=False)
