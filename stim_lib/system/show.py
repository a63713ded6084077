"""Panels of an exam and its results: the parts, the leaderboards, lists with reasons, the claims.

Introduced in chapter 14.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from stim_lib import plots, schema
from stim_lib.queries import QUERY, look_back, make_queries
from stim_lib.recommend.reasons import plain_name
from stim_lib.system.claims import Claim, claims_of_exam, claims_of_log, claims_of_verdict
from stim_lib.system.exam import Exam, TooLittleData
from stim_lib.system.judge import Verdict
from stim_lib.system.load import Loaded
from stim_lib.system.panel import Panel, bullets, paragraph, picture, table

LONGEST_NAME = 48
LISTED = 3
UNNAMED = "(not named)"
KNOWLEDGE = {
    "unknown": "When the visit will be is not known; all that the user did before it is.",
    "known": "The time of the visit is known, as for “recommend now”. Another exam: its numbers "
    "are not to be compared with those of time unknown.",
}


def show_exam(exam: Exam) -> Panel:
    """Show the parts of the split and the questions.

    Parameters
    ----------
    exam : Exam

    Returns
    -------
    Panel

    Notes
    -----
    Introduced in chapter 14.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example()
    >>> show_exam(Exam(log, log[:2], log[2:3], log[3:], log[2:3], log[3:]))
    <panel: The exam: 1 question to 1 user>
    """
    n, users = len(exam.asked), exam.asked[schema.USER].nunique()
    title = f"The exam: {n:,} question{'s' * (n != 1)} to {users:,} user{'s' * (users != 1)}"
    parts = exam.describe()
    shown = pd.DataFrame(
        {
            "actions": parts["actions"],
            "users": parts["users"],
            "from": parts["first"].dt.strftime("%Y-%m-%d"),
            "to": parts["last"].dt.strftime("%Y-%m-%d"),
            "by new users": parts["new_users"],
            "on unseen items": parts["unseen_places"],
        }
    )
    words = (
        "Cut at two moments that are the same for everybody: learned on the first part, tuned on "
        "the second, judged once on the third. An action on an item without a training action "
        "can't be named by any model here and counts as a miss."
    )
    caption = "Parts of the log; the last two columns are shares of their actions"
    return Panel(title, paragraph(words) + table(shown, caption, digits=2) + bullets(exam.notes))


def show_leaderboard(verdict: Verdict, time_of_visit: str) -> Panel:
    """Show one leaderboard; never both in one table.

    Parameters
    ----------
    verdict : Verdict
    time_of_visit : "unknown" or "known"

    Returns
    -------
    Panel

    Notes
    -----
    Introduced in chapter 14.

    Examples
    --------
    >>> show_leaderboard(Verdict({}, {}, {}, 10), "known").title
    'Leaderboard, time known: not asked for'
    """
    heading = f"Leaderboard, time {time_of_visit}"
    if time_of_visit not in verdict.results:
        return Panel(f"{heading}: not asked for", paragraph("[models] time_known is false."))
    board = verdict.leaderboard(time_of_visit)
    shown = board.set_axis(
        ["accuracy@1", f"hit rate@{verdict.k}", "MRR", "low", "high", "n"], axis=1
    )
    users = verdict.results[time_of_visit][0].queries[schema.USER].nunique()
    caption = (
        f"Time {time_of_visit}; whole catalogue, rolling history; low and high: 95 % interval of "
        f"the MRR over {users:,} user{'s' * (users != 1)}"
    )
    seconds = sum(
        value for name, value in verdict.seconds.items() if name.endswith(f"time {time_of_visit}")
    )
    # No more than the intervals allow: the best is named, its lead is a matter of the claims.
    title = f"{heading}: {board.index[-1]} has the highest MRR, {board['mrr'].iloc[-1]:.3f}"
    body = paragraph(KNOWLEDGE[time_of_visit]) + table(shown[::-1], caption, corner="model")
    body += _draw_board(board, time_of_visit)
    body += paragraph(f"Fitting, tuning and asking took {seconds:,.0f} s of processor time.")
    return Panel(title, body + bullets(verdict.notes))


def _draw_board(board: pd.DataFrame, time_of_visit: str) -> str:
    import matplotlib.pyplot as plt

    plots.use_style()
    figure, axes = plt.subplots(figsize=(6.8, 0.9 + 0.36 * len(board)), layout="constrained")
    at = np.arange(len(board))
    has_ends = np.isfinite(board["low"].to_numpy(dtype=float)).all()
    if has_ends:
        axes.hlines(at, board["low"], board["high"], color=plots.GREY, linewidth=2.5)
    axes.plot(board["mrr"], at, "o", color=plots.BLUE)
    axes.set_yticks(at, board.index)
    axes.set(xlabel="MRR" + (" and its 95 % interval" if has_ends else ""), xlim=(0, None),
             title=f"{board.index[-1]} first, time {time_of_visit}")  # fmt: skip
    said = "; ".join(f"{name} {value:.3f}" for name, value in board["mrr"][::-1].items())
    return picture(figure, alt=f"Dots with intervals, one line a model. MRR: {said}.")


def show_kinds(verdict: Verdict) -> Panel:
    """Show revisits and items new to the user apart, for each exam.

    Parameters
    ----------
    verdict : Verdict

    Returns
    -------
    Panel

    Notes
    -----
    Introduced in chapter 14.

    Examples
    --------
    >>> show_kinds(Verdict({}, {}, {}, 10))
    <panel: Coming back and finding new things are two tasks>
    """
    body = ""
    for time_of_visit, results in verdict.results.items():
        back = results[0].queries["revisit"]
        caption = (
            f"Time {time_of_visit}: {int(back.sum()):,} revisits, {int((~back).sum()):,} actions "
            "on items new to the user"
        )
        body += table(verdict.by_kind(time_of_visit), caption, corner="model")
        last = results[-1]
        won = last.scores()["mrr"]
        share = won[back].sum() / won.sum() if won.sum() else np.nan
        body += paragraph(f"{last.model}: {share:.0%} of the MRR is won on revisits.")
    return Panel("Coming back and finding new things are two tasks", body)


def show_examples(
    verdict: Verdict, exam: Exam, *, n: int = 3, fewest_people: int = 5, seed: int = 0
) -> Panel:
    """Show some lists with their reasons, and what happened.

    Parameters
    ----------
    verdict : Verdict
    exam : Exam
    n : int
        Examples; drawn at random, each of another user. 0: none.
    fewest_people : int
        An item with fewer users than this keeps its id to itself: it may be somebody's home.
    seed : int

    Returns
    -------
    Panel

    Notes
    -----
    Users get numbers in place of their ids. A page for the house, not for the world. Introduced
    in chapter 14.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example()
    >>> show_examples(Verdict({}, {}, {}, 10), Exam(log, log, log, log, log, log))
    <panel: Examples: none>
    """
    if not n or not verdict.recommenders:
        return Panel("Examples: none", paragraph("Switched off in the configuration."))
    time_of_visit = "known" if "known" in verdict.recommenders else "unknown"
    shuffled = exam.asked.sample(frac=1, random_state=seed)
    chosen = shuffled.drop_duplicates(schema.USER).head(n)
    queries, truth = make_queries(chosen)
    history = exam.log[exam.log[schema.USER].isin(chosen[schema.USER])]
    ranked = verdict.recommenders[time_of_visit].rank(queries, k=LISTED, history=history)
    names, secrets = _names(exam.log, fewest_people), _secrets(exam.log, fewest_people)
    last = look_back(queries, history).last
    before = np.where(last >= 0, history[schema.ITEM].to_numpy()[last], "")
    body = ""
    for number, (query, item) in enumerate(truth.items()):
        clock = chosen.loc[query, schema.LOCAL_TIME]
        hour = "" if clock == clock.normalize() else f", {clock:%H:%M}"
        here = names.get(before[number], "nothing yet")
        happened = f"Last: {here}. What happened: {names[item]}."
        caption = f"User {number + 1}, a {clock:%A}{hour}. {happened}"
        listed = ranked[ranked[QUERY] == query]
        said = [
            hush(reason, secrets.get(own, set()) | secrets.get(before[number], set()))
            for own, reason in zip(listed[schema.ITEM], listed["reason"], strict=True)
        ]
        body += _list_table(listed.assign(reason=said), item, names, caption)
    words = [
        f"Drawn at random, not chosen; time {time_of_visit}. Reasons tell what moved the score "
        "most, not what moved the person.",
        f"Items of fewer than {fewest_people} people are not named. Still, this section shows "
        "single people: before the report leaves the house, set [report] examples = 0.",
    ]
    clocks = exam.log[schema.LOCAL_TIME]
    if (clocks == clocks.dt.normalize()).all():
        words.append("This log knows no hours: a reason that speaks of one says only “often”.")
    title = f"Examples: {len(chosen)} list{'s' * (len(chosen) != 1)} with reasons"
    return Panel(title, bullets(words) + body)


def _list_table(listed: pd.DataFrame, truth: str, names: pd.Series, caption: str) -> str:
    frame = pd.DataFrame(
        {
            "item": [names[name] for name in listed[schema.ITEM]],
            "reason": listed["reason"].to_numpy(),
            "right": np.where(listed[schema.ITEM] == truth, "yes", "no"),
        },
        index=listed["rank"].to_numpy(),
    )
    return table(frame.astype("str"), caption, corner="rank")


def _names(log: pd.DataFrame, fewest_people: int) -> pd.Series:
    """What a person would call each item; nothing where few people go."""
    people = log.groupby(schema.ITEM)[schema.USER].nunique()
    first = log.drop_duplicates(schema.ITEM).set_index(schema.ITEM)
    kind = first[schema.CATEGORY].astype("str").where(first[schema.CATEGORY].notna(), "item")
    own = kind
    if schema.TEXT in first:
        own = first[schema.TEXT].astype("str").where(first[schema.TEXT].notna(), kind)
    ids = first.index.to_series().astype("str").str.slice(0, LONGEST_NAME)
    # One category for all tells nothing that the id does not.
    plain = (own == "item") | (len(own.unique()) == 1)
    called = ids.where(plain, own.str.slice(0, LONGEST_NAME) + " (" + ids + ")")
    few = people.reindex(first.index) < fewest_people
    # Not even its kind: a church or a clinic that one goes to is nobody else's business.
    return called.where(~few, f"an item of fewer than {fewest_people} people")


def _secrets(log: pd.DataFrame, fewest_people: int) -> dict[str, set[str]]:
    """What a reason may call each item of few people: its id, and its kinds."""
    people = log.groupby(schema.ITEM)[schema.USER].nunique()
    private = log[log[schema.ITEM].isin(people.index[people < fewest_people])]
    kinds = private.dropna(subset=[schema.CATEGORY]).groupby(schema.ITEM)[schema.CATEGORY].unique()
    return {
        item: {plain_name(name) for name in (item, *kinds.get(item, ()))}
        for item in private[schema.ITEM].unique()
    }


def hush(reason: str, secrets: set[str]) -> str:
    """Take names out of a reason that would tell what the item column hides.

    Parameters
    ----------
    reason : str
    secrets : set of str

    Returns
    -------
    str

    Notes
    -----
    A number is a name only after the word "after": “12 times” is a count. Introduced in chapter 14.

    Examples
    --------
    >>> hush("you came here after a stop of the kind Clinic before", {"Clinic", "p7"})
    'you came here after a stop of the kind (not named) before'
    """
    for name in sorted(secrets, key=len, reverse=True):
        before = r"(?<=\bafter )" if name.isdigit() else r"(?<!\w)"
        reason = re.sub(before + re.escape(name) + r"(?!\w)", UNNAMED, reason)
    return reason


def show_claims(loaded: Loaded, exam: Exam | None = None, verdict: Verdict | None = None) -> Panel:
    """Show what the log supports and what it does not.

    Parameters
    ----------
    loaded : Loaded
    exam : Exam, optional
    verdict : Verdict, optional

    Returns
    -------
    Panel
        Opens a report.

    Notes
    -----
    Introduced in chapter 14.

    Examples
    --------
    >>> from stim_lib.system.load import load_log
    >>> from stim_lib.system.settings import Settings
    >>> show_claims(load_log(Settings(dataset="seed_example"))).title
    'What this log supports, and what it does not'
    """
    claims = claims_of_log(loaded)
    claims += claims_of_exam(exam) if exam is not None else []
    claims += claims_of_verdict(verdict) if verdict is not None else []
    body = ""
    if verdict is not None:
        body += paragraph(
            "Comparisons are those that were fixed before the run; each holds where its 95 % "
            "interval over users leaves zero out. Luck alone does that once in forty, and up to "
            "twice as often where a few users ask most of the questions."
        )
    body += _claim_list("Supported", [c for c in claims if c.holds], "stim-yes")
    body += _claim_list("Not supported", [c for c in claims if not c.holds], "stim-no")
    return Panel("What this log supports, and what it does not", body, first=True)


def _claim_list(heading: str, claims: Sequence[Claim], mark: str) -> str:
    inside = "".join(f'<li class="{mark}">{html.escape(claim.text)}</li>' for claim in claims)
    inside = inside or f'<li class="{mark}">Nothing.</li>'
    return f'<p><strong>{heading}</strong></p><ul class="stim-claims">{inside}</ul>'


def show_needs(refusal: TooLittleData) -> Panel:
    """Show why there is no exam, and what it would take.

    Parameters
    ----------
    refusal : TooLittleData

    Returns
    -------
    Panel
        Opens a report.

    Notes
    -----
    Introduced in chapter 14.

    Examples
    --------
    >>> show_needs(TooLittleData(["Found 4 actions; at least 300 are needed."]))
    <panel: Too little data to judge a model>
    """
    words = [
        *refusal.needs,
        "To see weekly habits a log should span four weeks or more; for intervals worth their "
        "name, 30 users or more should act in the last tenth of it.",
        "Nothing was fitted: on so few actions every number would be chance.",
    ]
    return Panel("Too little data to judge a model", bullets(words), first=True)
