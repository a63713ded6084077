"""Fit the counters and the recommender, ask them the same questions, compare.

Introduced in chapter 14.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from stim_lib import baselines, evaluation, metrics, schema
from stim_lib.recommend import Recommender
from stim_lib.system.exam import Exam
from stim_lib.system.settings import Settings

HALF_LIFE_DAYS = 30.0
TRIALS = 100
NOT_TUNED = (
    "No validation action is on an item that training has: the mix could not be tuned, its weights "
    "are equal."
)
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Verdict:
    """What every model scored; time unknown and time known are two exams.

    Attributes
    ----------
    results : dict of "unknown" or "known" to list of Evaluation
    recommenders : dict of "unknown" or "known" to Recommender
        Those that were fitted.
    seconds : dict of str to float
        Processor time of each model, fitting, tuning and asking; keys "model, time …".
    k : int
        Length of the list for hit rates.
    notes : list of str
    """

    results: dict[str, list[evaluation.Evaluation]]
    recommenders: dict[str, Recommender]
    seconds: dict[str, float]
    k: int
    notes: list[str] = field(default_factory=list)

    def leaderboard(self, time_of_visit: str) -> pd.DataFrame:
        """One row a model: accuracy@1, hit rate@k, MRR with the ends of its interval, n."""
        rows = {}
        for result in self.results[time_of_visit]:
            summary = result.summary(k=self.k)
            means = summary["value"][["accuracy@1", f"hit_rate@{self.k}", "mrr"]]
            ends = summary.loc["mrr", ["low", "high"]]
            rows[result.model] = {**means, **ends, "n": len(result.queries)}
        return pd.DataFrame(rows).T.astype({"n": int}).sort_values("mrr", kind="stable")

    def by_kind(self, time_of_visit: str) -> pd.DataFrame:
        """Hit rate@k and MRR on revisits and on items new to the user, apart."""
        rows = {}
        for result in self.results[time_of_visit]:
            scores, back = result.scores(k=self.k), result.queries["revisit"]
            row = {}
            for name, part in (("revisits", scores[back]), ("new to the user", scores[~back])):
                row[f"hit rate@{self.k}, {name}"] = part[f"hit_rate@{self.k}"].mean()
                row[f"MRR, {name}"] = part["mrr"].mean()
            rows[result.model] = row
        return pd.DataFrame(rows).T

    def find(self, time_of_visit: str, start: str) -> evaluation.Evaluation | None:
        """The result of the model whose name starts so."""
        found = [r for r in self.results.get(time_of_visit, []) if r.model.startswith(start)]
        return found[0] if found else None

    def best_counter(self, time_of_visit: str) -> evaluation.Evaluation:
        """Of the counters, the mix among them, the one with the largest MRR."""
        counters = [r for r in self.results[time_of_visit] if r.model != "recommender"]
        return max(counters, key=lambda result: result.scores()["mrr"].mean())

    def gap(self, first: evaluation.Evaluation, second: evaluation.Evaluation) -> pd.Series:
        """MRR of the first less that of the second: value, low, high, n, n_users."""
        return metrics.paired_differences(
            first.scores()["mrr"], second.scores()["mrr"], first.queries[schema.USER]
        ).iloc[0]


def judge(
    exam: Exam, settings: Settings, *, places: bool = True, progress: Progress | None = None
) -> Verdict:
    """Let every model sit the exam, once without and once with the time of the visit.

    Parameters
    ----------
    exam : Exam
    settings : Settings
    places : bool
        Whether the log has coordinates; without, no model of distance takes part.
    progress : function of str, optional
        Told in a few words what is being done.

    Returns
    -------
    Verdict

    Raises
    ------
    LeakError
        If a model's answer depends on what came later; see `evaluation.evaluate`.

    Notes
    -----
    Rolling history; all models are fitted on the training part; the mix is tuned on the validation
    part. Introduced in chapter 14.

    Examples
    --------
    >>> from stim_lib.simulate import make_city
    >>> from stim_lib.system.exam import choose_exam
    >>> chosen = Settings(models={"mix": False, "recommender": False, "time_known": False})
    >>> exam = choose_exam(make_city(10, 20, 60).log, chosen)
    >>> [result.model for result in judge(exam, chosen, places=False).results["unknown"]][:2]
    ['global popularity', 'user counter']
    """
    say = progress or (lambda _: None)
    k, notes = fit_list_length(exam, settings.report.k)
    if settings.models.mix and not _can_tune(exam):
        notes.append(NOT_TUNED)
    verdict = Verdict({}, {}, {}, k, notes)
    for known in (False, True) if settings.models.time_known else (False,):
        name = "known" if known else "unknown"
        verdict.results[name] = []
        for label, fit in _sitting(exam, settings, places, known):
            started = time.process_time()
            say(f"time {name}: {label}")
            model = fit()
            result = evaluation.evaluate(
                model, exam.asked, train=exam.train, log=exam.log, leak_checks=1,
                progress=_counting(say, f"time {name}: {label}"),
            )  # fmt: skip
            verdict.results[name].append(result)
            verdict.seconds[f"{result.model}, time {name}"] = time.process_time() - started
            if isinstance(model, Recommender):
                verdict.recommenders[name] = model
    return verdict


def fit_list_length(exam: Exam, k: int) -> tuple[int, list[str]]:
    """Shorten the list where the catalogue is short: who names everything is always right.

    Parameters
    ----------
    exam : Exam
    k : int
        Wanted.

    Returns
    -------
    k : int
        At most a quarter of the catalogue, and at least 1.
    notes : list of str

    Notes
    -----
    Introduced in chapter 14.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example()
    >>> fit_list_length(Exam(log, log, log, log, log, log), 10)
    (1, ['The catalogue has 3 items: lists are judged at 1, not at 10.'])
    """
    n_items = exam.train[schema.ITEM].nunique()
    shorter = max(1, min(k, n_items // 4))
    if shorter == k:
        return k, []
    text = f"The catalogue has {n_items:,} items: lists are judged at {shorter}, not at {k}."
    return shorter, [text]


def _counting(say: Progress, what: str) -> Callable[[int, int], None]:
    told = [time.monotonic()]

    def progress(done: int, total: int) -> None:
        if time.monotonic() - told[0] > 10:
            told[0] = time.monotonic()
            say(f"{what}: {done:,} of {total:,}")

    return progress


def _sitting(
    exam: Exam, settings: Settings, places: bool, known: bool
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Each model with the function that fits it, the simplest first."""
    time_of = {"use_query_time": known}
    simple = [
        baselines.GlobalPopularity(**time_of),
        baselines.UserCounter(**time_of),
        baselines.UserCounter(half_life_days=HALF_LIFE_DAYS, **time_of),
        baselines.HourOfWeekCounter(**time_of),
        baselines.Markov(**time_of),
    ]
    if places:
        simple.append(baselines.NearestPlaces(decay_metres=600, popularity_power=0.7, **time_of))
    for model in simple:
        yield str(model), lambda model=model: model.fit(exam.train)
    if settings.models.mix:
        yield "mix of counters, tuning", lambda: _tuned_mix(exam, settings, places, known)
    if settings.models.recommender:
        recommender = Recommender(seed=settings.models.seed, use_query_time=known)
        yield "recommender", lambda: recommender.fit(exam.train)


def _tuned_mix(exam: Exam, settings: Settings, places: bool, known: bool) -> baselines.Mix:
    components = baselines.default_components(use_query_time=known)
    if not places:
        components = {n: c for n, c in components.items() if not n.startswith("near_")}
    mix = baselines.Mix(components, use_query_time=known).fit(exam.train)
    if not _can_tune(exam):
        return mix
    return baselines.tune_mix(
        mix, exam.tuned_on, train=exam.train, log=exam.log, n_trials=TRIALS, n_starts=2,
        seed=settings.models.seed,
    )[0]  # fmt: skip


def _can_tune(exam: Exam) -> bool:
    return bool(exam.tuned_on[schema.ITEM].isin(exam.train[schema.ITEM]).any())


def users_needed(half_width: float, n_users: int, gap: float) -> int:
    """How many users it would take for a gap of this size to show in every second log.

    Parameters
    ----------
    half_width : float
        Half the width of the interval of the difference, as measured.
    n_users : int
        Users it was measured on.
    gap : float
        The difference to be told from zero.

    Returns
    -------
    int
        n (h/g)², rounded up; at least 2.

    Raises
    ------
    ValueError
        If a number is not positive.

    Notes
    -----
    An interval over users shrinks with the root of their number, whatever its width comes from. At
    this number its middle is one half-width away from zero, so that in half of all logs it reaches
    zero still; to show in four of five takes twice as many. And the gap is itself a guess.
    Introduced in chapter 14.

    Examples
    --------
    >>> users_needed(0.02, 87, 0.01)
    348
    """
    if not (half_width > 0 and n_users > 0 and gap != 0):
        raise ValueError(
            "expected a positive half_width and n_users and a gap other than 0, found "
            f"{half_width}, {n_users} and {gap}"
        )
    # Rounded first: 348.00000000000006 is 348.
    return max(2, int(np.ceil(round(n_users * (half_width / abs(gap)) ** 2, 6))))
