"""Choose what is learned from and what is asked, or say politely that it is too little.

Introduced in chapter 14.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from stim_lib import schema, splits
from stim_lib.system.settings import Settings

# Below these nothing that is printed would mean anything.
LEAST_ACTIONS, LEAST_TRAINING, LEAST_ASKED, LEAST_ITEMS = 300, 200, 30, 2


class TooLittleData(ValueError):
    """A valid log that is too short to judge anything on.

    Attributes
    ----------
    needs : list of str
        What is missing, one sentence each.
    """

    def __init__(self, needs: list[str]) -> None:
        self.needs = needs
        super().__init__("Too little data to judge a model. " + " ".join(needs))


@dataclass(frozen=True)
class Exam:
    """Three parts of a log, and the questions.

    Attributes
    ----------
    log : DataFrame
        What is judged: the log, or the part of its users that was drawn.
    train, validation, test : DataFrame
        Rows of it, in order of time.
    tuned_on, asked : DataFrame
        Rows of validation and test that are asked about.
    notes : list of str
        What was done that the reader did not ask for.
    """

    log: pd.DataFrame
    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame
    tuned_on: pd.DataFrame
    asked: pd.DataFrame
    notes: list[str] = field(default_factory=list)

    def describe(self) -> pd.DataFrame:
        """Sizes of the parts; see `splits.describe_split`."""
        return splits.describe_split((self.train, self.validation, self.test))


def choose_exam(log: pd.DataFrame, settings: Settings) -> Exam:
    """Cut a log at two moments and choose the questions.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
        A valid log.
    settings : Settings

    Returns
    -------
    Exam

    Raises
    ------
    TooLittleData
        If the log, or a part of it, is too short; `needs` says what it would take.
    ValueError
        If cut-offs were given that leave a part empty.

    Notes
    -----
    Shares of the time span first. Where they leave a part too short, the same shares of the
    actions: still two moments that hold for all users. Too large a log is cut to users drawn at
    random, each with all actions; too many questions to some drawn at random. Introduced in
    chapter 14.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> choose_exam(load_seed_example(), Settings())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    stim_lib.system.exam.TooLittleData: Too little data to judge a model. Found 4 actions; at ...
    """
    _require_enough(log)
    notes: list[str] = []
    rng = np.random.default_rng(settings.models.seed)
    judged = draw_users(log, settings.log.most_actions, rng)
    if len(judged) < len(log):
        notes.append(
            f"The log is large. It is described whole and judged on {len(judged):,} of its "
            f"{len(log):,} actions: those of {judged[schema.USER].nunique():,} users drawn at "
            f"random from {log[schema.USER].nunique():,} ([log] most_actions)."
        )
    parts, cut = _cut(judged, settings)
    notes += cut
    tuned_on = _draw_rows(parts[1], settings.models.tuning_queries, rng)
    asked = _draw_rows(parts[2], settings.models.most_queries, rng)
    if len(asked) < len(parts[2]):
        notes.append(
            f"{len(asked):,} of the {len(parts[2]):,} test actions are asked about, drawn at "
            "random ([models] most_queries)."
        )
    _require_known_items(parts[0], asked)
    return Exam(judged, *parts, tuned_on, asked, notes)


def _require_enough(log: pd.DataFrame) -> None:
    needs = []
    if len(log) < LEAST_ACTIONS:
        needs.append(f"Found {len(log):,} actions; at least {LEAST_ACTIONS} are needed.")
    if log[schema.ITEM].nunique() < LEAST_ITEMS:
        needs.append("Found one item only; there is nothing to choose between.")
    if log[schema.TIME].nunique() < 3:
        needs.append("Found fewer than three different times; earlier can't be told from later.")
    if needs:
        raise TooLittleData(needs)


def _require_known_items(train: pd.DataFrame, asked: pd.DataFrame) -> None:
    known = asked[schema.ITEM].isin(train[schema.ITEM])
    if not known.any() or train[schema.ITEM].nunique() < LEAST_ITEMS:
        raise TooLittleData(
            ["No item of the test part was seen in training; items must come back to be learned "
             "(is the item column a number of the order or the visit?)."]
        )  # fmt: skip


def draw_users(log: pd.DataFrame, most: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw users at random, each with all actions, until there are enough.

    Parameters
    ----------
    log : DataFrame, shape (n_actions, n_columns)
    most : int
        Actions, at most. A single user with more is cut to the latest.
    rng : Generator

    Returns
    -------
    DataFrame, shape (at most `most`, n_columns)
        `log` itself where it is small enough; else a new one with a fresh index, in its order.

    Notes
    -----
    Rows drawn at random would leave everybody a past with holes. Introduced in chapter 14.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> draw_users(load_seed_example(), 2, np.random.default_rng(0))["user_id"].tolist()
    ['1', '3']
    """
    if len(log) <= most:
        return log
    counts = log.groupby(schema.USER).size()
    shuffled = counts.iloc[rng.permutation(len(counts))]
    # The first users that fit; a giant is passed over.
    fitting = shuffled[shuffled <= most]
    chosen = fitting.index[fitting.cumsum() <= most] if len(fitting) else shuffled.index[:1]
    drawn = log[log[schema.USER].isin(chosen)]
    return drawn.tail(most).reset_index(drop=True)


def _draw_rows(part: pd.DataFrame, most: int, rng: np.random.Generator) -> pd.DataFrame:
    if len(part) <= most:
        return part
    return part.iloc[np.sort(rng.permutation(len(part))[:most])]


def _cut(log: pd.DataFrame, settings: Settings) -> tuple[tuple[pd.DataFrame, ...], list[str]]:
    chosen = settings.split
    if chosen.cutoffs:
        parts = splits.split_by_time(log, chosen.cutoffs)
        _require_parts(parts)
        return parts, []
    shares = np.cumsum(chosen.fractions)[:-1]
    try:
        parts = splits.split_by_time(log, fractions=chosen.fractions)
        _require_parts(parts)
    except ValueError:
        times = log[schema.TIME].sort_values(ignore_index=True)
        moments = [times[int(len(times) * share)] for share in shares]
        note = (
            "Shares of the time span left a part too short, so the cut-offs are where these "
            "shares of the actions lie; they are still the same moments for all users."
        )
        return _cut_at(log, moments), [note]
    return parts, []


def _cut_at(log: pd.DataFrame, moments: list[pd.Timestamp]) -> tuple[pd.DataFrame, ...]:
    try:
        parts = splits.split_by_time(log, moments)
    except ValueError:
        raise TooLittleData(
            ["The actions lie too close together in time to be cut into earlier and later ones."]
        ) from None
    _require_parts(parts)
    return parts


def _require_parts(parts: tuple[pd.DataFrame, ...]) -> None:
    names = ("training", "validation", "test")
    least = (LEAST_TRAINING, LEAST_ASKED, LEAST_ASKED)
    needs = [
        f"The {name} part has {len(part):,} actions; at least {fewest} are needed."
        for name, part, fewest in zip(names, parts, least, strict=True)
        if len(part) < fewest
    ]
    if needs:
        raise TooLittleData(needs)
