"""What a model answered to each query, kept so that any two can be compared in pairs.

The ledger holds means and intervals of single models. A difference has an interval of its own,
narrower than what two intervals suggest, and needs the queries one by one. One row here is one
query asked of one run. Introduced in chapter 10.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from stim_lib import assets, metrics, schema

FILE = "language_model_answers.parquet"
WAIT_SECONDS = 60
RUN = ("study", "model", "n_train", "seed")
COLUMNS = (*RUN, "query_id", schema.USER, "nats", "rank", "sure")


def judge_shares(shares: np.ndarray, truth: np.ndarray) -> pd.DataFrame:
    """Surprise and rank of what happened, query by query.

    Parameters
    ----------
    shares : array of float, shape (n_queries, n_kinds)
        Probabilities of each row; sum 1.
    truth : array of int, shape (n_queries,)
        Column of what happened.

    Returns
    -------
    DataFrame, shape (n_queries, 3)
        nats, -ln of the share of the truth; rank, 1 for the largest, ties at their expected rank;
        sure, the largest share.

    Raises
    ------
    ValueError
        If a row is not a probability, or shapes differ.

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> judge_shares(np.array([[0.5, 0.5], [0.9, 0.1]]), np.array([0, 0])).round(2).to_numpy()
    array([[0.69, 1.5 , 0.5 ],
           [0.11, 1.  , 0.9 ]])
    """
    shares, truth = np.asarray(shares, dtype=float), np.asarray(truth)
    if shares.ndim != 2 or truth.shape != (len(shares),):
        raise ValueError(
            f"shares: expected one row for each of {truth.shape} answers, found {shares.shape}"
        )
    off = np.abs(shares.sum(axis=1) - 1) > 1e-4
    if off.any() or not (shares >= 0).all():
        row = int(np.argmax(off | (shares < 0).any(axis=1)))
        raise ValueError(f"shares, row {row}: expected probabilities of sum 1, found {shares[row]}")
    with np.errstate(divide="ignore"):
        nats = -np.log(shares[np.arange(len(truth)), truth])
    return pd.DataFrame(
        {"nats": nats, "rank": metrics.expected_ranks(shares, truth), "sure": shares.max(axis=1)}
    )


def append_answers(
    answers: pd.DataFrame,
    path: str | Path,
    *,
    study: str,
    model: str,
    n_train: int,
    seed: int,
) -> None:
    """Add the answers of one run to a file; an earlier run of the same name is replaced.

    Parameters
    ----------
    answers : DataFrame, shape (n_queries, 5)
        query_id, user_id, nats, rank, sure; see `judge_shares`.
    path : str or Path
        A parquet file; made if it is not there, and replaced in one step, never half written.
    study, model : str
    n_train : int
        Examples that the model was trained on; 0 if none.
    seed : int

    Raises
    ------
    ValueError
        If a column is missing or a query stands twice.

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> path = Path(tempfile.mkdtemp()) / "answers.parquet"
    >>> one = pd.DataFrame({"query_id": [7], "user_id": ["ann"], "nats": [0.7], "rank": [1.0],
    ...                     "sure": [0.5]})
    >>> append_answers(one, path, study="toy", model="coin", n_train=0, seed=0)
    >>> len(read_answers(path))
    1
    """
    wanted = COLUMNS[len(RUN) :]
    if missing := [name for name in wanted if name not in answers]:
        raise ValueError(f"answers: expected the columns {', '.join(wanted)}; missing {missing}")
    if answers["query_id"].duplicated().any():
        twice = answers.loc[answers["query_id"].duplicated(), "query_id"].iloc[0]
        raise ValueError(f"answers: expected each query once, found query {twice} twice")
    path = Path(path)
    run = dict(zip(RUN, (study, model, n_train, seed), strict=True))
    rows = answers[list(wanted)].assign(**run)[list(COLUMNS)]
    with _alone(path):
        if path.exists():
            held = pd.read_parquet(path)
            same = (held[list(RUN)] == list(run.values())).all(axis=1)
            rows = pd.concat([held[~same], rows], ignore_index=True)
        _replace(path, rows)


def _replace(path: Path, rows: pd.DataFrame) -> None:
    """Put a table in the place of a file, whole or not at all."""
    # Three digits are more than a thousand queries can tell, and a third of the bytes.
    rows = rows.round({"nats": 3, "sure": 3})
    rows = rows.astype(
        {
            "nats": "float32",
            "sure": "float32",
            "rank": "float32",
            "n_train": "int32",
            "seed": "int16",
        }
    )
    descriptor, half = tempfile.mkstemp(dir=path.parent, suffix=".half")
    os.close(descriptor)
    rows.to_parquet(half, index=False, compression="zstd")
    os.chmod(half, 0o644)
    os.replace(half, path)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a file for oneself: two runs that end together must not undo each other."""
    lock = path.with_name(path.name + ".lock")
    for _ in range(WAIT_SECONDS):
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            time.sleep(1)
    else:
        raise TimeoutError(
            f"{lock.name}: expected another run to finish writing within {WAIT_SECONDS} s, found "
            "its lock still there. If no run is writing, remove the lock"
        )
    try:
        yield
    finally:
        lock.unlink()


def read_answers(path: str | Path | None = None, *, study: str | None = None) -> pd.DataFrame:
    """Read the answers of all runs.

    Parameters
    ----------
    path : str or Path, optional
        Default: the file of the book, data/language_model_answers.parquet.
    study : str, optional
        Only this one.

    Returns
    -------
    DataFrame, shape (n_rows, 9)
        Columns `COLUMNS`.

    Raises
    ------
    LookupError
        If the file holds no such study; the message names those it has.

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> path = Path(tempfile.mkdtemp()) / "answers.parquet"
    >>> one = pd.DataFrame({"query_id": [7], "user_id": ["ann"], "nats": [0.7], "rank": [1.0],
    ...                     "sure": [0.5]})
    >>> append_answers(one, path, study="toy", model="coin", n_train=0, seed=0)
    >>> read_answers(path, study="toy")["model"].tolist()
    ['coin']
    """
    held = pd.read_parquet(path if path is not None else assets.data_folder() / FILE)
    if study is None:
        return held
    if study not in set(held["study"]):
        raise LookupError(
            f"study: expected one of {', '.join(sorted(set(held['study'])))}, found {study!r}"
        )
    return held[held["study"] == study].reset_index(drop=True)


def average_seeds(answers: pd.DataFrame) -> pd.DataFrame:
    """Scores of each query, averaged over the seeds of each model.

    Parameters
    ----------
    answers : DataFrame
        From `read_answers`, of queries that all models were asked.

    Returns
    -------
    DataFrame
        Index query_id; columns (score, (model, n_train)) with the scores accuracy, which is 1
        where the truth came first, and nats; column ("user_id", "").

    Raises
    ------
    ValueError
        If some model was not asked all queries: means would be of different exams.

    Notes
    -----
    Introduced in chapter 10.

    Examples
    --------
    >>> coin = ("toy", "coin", 0)
    >>> rows = [(*coin, seed, 7, "ann", nats, 1.0, 0.5) for seed, nats in ((0, 1), (1, 3))]
    >>> float(average_seeds(pd.DataFrame(rows, columns=COLUMNS))["nats"].loc[7].iloc[0])
    2.0
    """
    table = answers.assign(
        accuracy=(answers["rank"] == 1).astype(float),
        nats=answers["nats"].astype(float),
        run=list(zip(answers["model"], answers["n_train"], strict=True)),
    )
    scores = table.pivot_table(index="query_id", columns="run", values=["accuracy", "nats"])
    if scores.isna().any(axis=None):
        lacking = scores.columns[scores.isna().any()][0]
        raise ValueError(
            f"answers: expected all {len(scores)} queries from each model, found "
            f"{scores[lacking].notna().sum()} from {lacking[1]}"
        )
    users = table.drop_duplicates("query_id").set_index("query_id")[schema.USER]
    scores[("user_id", "")] = users.reindex(scores.index)
    return scores
