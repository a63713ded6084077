"""What a log supports, and what it does not, in sentences that follow from counts and intervals.

Introduced in chapter 14.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from stim_lib import schema
from stim_lib.system.exam import Exam
from stim_lib.system.judge import Verdict, users_needed
from stim_lib.system.load import Loaded

FEW_USERS, FEW_QUERIES = 30, 200
# Of fewer users all may agree by luck more often than once in forty: (1/2)^5 is 1 in 32.
LEAST_AGREEING = 6
WIDE = 0.05
MANY_UNSEEN = 0.3
LARGE_SHARE = 0.2
WEEK, YEAR = pd.Timedelta("7D"), pd.Timedelta("365D")


@dataclass(frozen=True)
class Claim:
    """A sentence and whether the log supports it.

    Attributes
    ----------
    holds : bool
    text : str
    """

    holds: bool
    text: str


def claims_of_log(loaded: Loaded) -> list[Claim]:
    """What the columns and the length of a log allow, before any model.

    Parameters
    ----------
    loaded : Loaded

    Returns
    -------
    list of Claim

    Notes
    -----
    Introduced in chapter 14.

    Examples
    --------
    >>> from stim_lib.system import load_log, read_settings
    >>> from stim_lib.system.settings import Settings
    >>> claims = claims_of_log(load_log(Settings(dataset="seed_example")))
    >>> [claim.holds for claim in claims][:1]
    [False]
    """
    return [*_about_time(loaded), *_about_columns(loaded)]


def _about_time(loaded: Loaded) -> Iterator[Claim]:
    times = loaded.log[schema.TIME]
    span = times.max() - times.min()
    if span < 4 * WEEK:
        yield Claim(False, f"Weekly habits: the log spans {span.days} days, fewer than four weeks.")
    if span < 2 * YEAR:
        yield Claim(
            False,
            f"Seasons: the log spans {span.days:,} days, so no season comes back often enough to "
            "be told from chance.",
        )
    if loaded.clock == "dates only":
        yield Claim(False, "Hours of the day: the log holds dates only.")
    elif loaded.clock == "UTC":
        yield Claim(
            False,
            "Hours on the local clock: no time zone is known, so hours are those of UTC. Set [log] "
            'timezone = "Area/City".',
        )
    else:
        yield Claim(True, "Hours of the day, on the local clock.")
    repeated = loaded.log[schema.TIME].duplicated().mean()
    if loaded.clock != "dates only" and repeated > 0.5:
        yield Claim(False, f"Order within an instant: {repeated:.0%} of the times occur twice.")


def _about_columns(loaded: Loaded) -> Iterator[Claim]:
    if loaded.has_places:
        yield Claim(True, "Distances: coordinates are known.")
    else:
        yield Claim(False, "Anything about place: the log has no coordinates.")
    if not loaded.has_categories:
        yield Claim(False, "Kinds of items: the log has no categories.")
    if len(loaded.log[schema.USER].unique()) == 1:
        yield Claim(False, "Any other person: there is one user in the log.")


def claims_of_exam(exam: Exam) -> list[Claim]:
    """What the size of the exam allows.

    Parameters
    ----------
    exam : Exam

    Returns
    -------
    list of Claim

    Notes
    -----
    Introduced in chapter 14.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example()
    >>> claims_of_exam(Exam(log, log, log, log, log, log))[0].text
    'Intervals: 4 users are asked about; with fewer than 30 an interval is a rough guess.'
    """
    return list(_about_exam(exam))


def _about_exam(exam: Exam) -> Iterator[Claim]:
    counts = exam.asked[schema.USER].value_counts()
    if len(counts) == 1:
        yield Claim(False, "Any interval: one user is asked about, and users are what is drawn.")
    elif len(counts) < FEW_USERS:
        yield Claim(
            False,
            f"Intervals: {len(counts)} users are asked about; with fewer than {FEW_USERS} an "
            "interval is a rough guess.",
        )
    if len(exam.asked) < FEW_QUERIES:
        yield Claim(False, f"Small gaps: {len(exam.asked):,} questions, fewer than {FEW_QUERIES}.")
    share = counts.iloc[0] / len(exam.asked)
    if len(counts) > 1 and share > LARGE_SHARE:
        yield Claim(False, f"An average user: one user asks {share:.0%} of the questions.")
    unseen = (~exam.asked[schema.ITEM].isin(exam.train[schema.ITEM])).mean()
    if unseen > MANY_UNSEEN:
        yield Claim(
            False,
            f"A closed catalogue: {unseen:.0%} of the questions ask for items that training never "
            "saw; no model here can name them.",
        )
    # From the cut on: a test part with a hole at its beginning is thin, not short.
    begins = exam.validation[schema.TIME].max()
    ratio = _rate(exam.test, begins) / _rate(exam.train, exam.train[schema.TIME].min())
    if not 1 / 3 < ratio < 3:
        yield Claim(
            False,
            f"That the future is like the past: the test part has {ratio:.2g} times as many "
            "actions a day as training.",
        )


def _rate(part: pd.DataFrame, begins: pd.Timestamp) -> float:
    days = (part[schema.TIME].max() - begins) / pd.Timedelta("1D")
    return len(part) / max(days, 1 / 24)


def claims_of_verdict(verdict: Verdict) -> list[Claim]:
    """What the results allow: which model, by how much, and for what.

    Parameters
    ----------
    verdict : Verdict

    Returns
    -------
    list of Claim

    Notes
    -----
    Fixed before the run: the user counter against popularity, the mix against the user counter,
    the recommender against whichever counter came out best, which is hardest on it. A gap counts
    where its 95 % interval, drawn over users, leaves zero out. The two exams are never compared
    with each other. Of fewer than six users no gap counts. Introduced in chapter 14.

    Examples
    --------
    >>> claims_of_verdict(Verdict({}, {}, {}, 10))
    []
    """
    claims = []
    for time_of_visit in verdict.results:
        setting = f"time {time_of_visit}"
        counter = verdict.find(time_of_visit, "user counter")
        popular = verdict.find(time_of_visit, "global popularity")
        claims.append(_compare(verdict, counter, popular, setting))
        mix = verdict.find(time_of_visit, "mix")
        if mix is not None:
            claims.append(_compare(verdict, mix, counter, setting))
        recommender = verdict.find(time_of_visit, "recommender")
        if recommender is not None:
            best = verdict.best_counter(time_of_visit)
            claims.append(_compare(verdict, recommender, best, setting))
        claims += _about_results(verdict, time_of_visit)
    return claims


def _compare(verdict: Verdict, first: object, second: object, setting: str) -> Claim:
    gap = verdict.gap(first, second)
    text = f"{first.model} beats {second.model} ({setting}): MRR {_signed(gap['value'])}"
    if not np.isfinite(gap["low"]):
        return Claim(False, f"{text}, without an interval, since there is one user.")
    ends = f"{_signed(gap['low'])} to {_signed(gap['high'])}, {int(gap['n_users']):,} users"
    if gap["n_users"] < LEAST_AGREEING:
        few = f"of fewer than {LEAST_AGREEING} users all may agree by luck"
        return Claim(False, f"{text} ({ends}): {few}.")
    if gap["low"] > 0:
        return Claim(True, f"{text} ({ends}).")
    if gap["high"] < 0:
        return Claim(False, f"{text} ({ends}): it is the other way round.")
    half = (gap["high"] - gap["low"]) / 2
    # More users like these would show the opposite of a gap below zero, so none are asked for.
    more = " What was seen points the other way." if gap["value"] <= -0.0005 else ""
    if gap["value"] >= 0.0005 and half > 0:
        needed = users_needed(half, int(gap["n_users"]), gap["value"])
        more = f" With about {needed:,} users a gap of this size would show every other time."
    return Claim(False, f"{text} ({ends}): may be luck.{more}")


def _signed(number: float) -> str:
    return f"{number:+.3f}".replace("-", "−")


def _about_results(verdict: Verdict, time_of_visit: str) -> Iterator[Claim]:
    setting = f"time {time_of_visit}"
    board = verdict.leaderboard(time_of_visit)
    half = (board["high"] - board["low"]).max() / 2
    if half > WIDE:
        yield Claim(
            False,
            f"Scores by themselves ({setting}): the widest interval of an MRR is ± {half:.2f}.",
        )
    result = verdict.results[time_of_visit][-1]
    fresh = ~result.queries["revisit"]
    hits = result.scores(k=verdict.k).loc[fresh, f"hit_rate@{verdict.k}"]
    if len(hits) and hits.mean() < 0.1:
        yield Claim(
            False,
            f"Discovery ({setting}): of {len(hits):,} actions on items new to the user, "
            f"{result.model} lists {hits.mean():.1%} in a list of {verdict.k}.",
        )
