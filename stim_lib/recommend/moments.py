"""What the moment of an earlier action has in common with a query, in numbers.

`compare_moments` compares two moments, `compare_visits` asks what else is known of the place of the
action, `describe_queries` of the query itself. Introduced in chapter 12.
"""

from __future__ import annotations

import numpy as np

from stim_lib.recommend.groups import group_pairs
from stim_lib.recommend.sight import SATURDAY, Sight, weekday
from stim_lib.recommend.statistics import HOURS_A_DAY, UNKNOWN, chord_metres

# Weights of `compare_moments`: guesses from which fitting starts, and to which few data keep close.
GUESSES = {
    "age": -0.3, "back": -0.2, "is_last": -1.0, "today": -0.3, "was_new": -0.5,
    "quarter_hour": 0.5, "hour": 1.0, "half_day": 0.5, "kind_of_day": 0.5, "weekday": 0.2,
    "follow": 1.5, "follow_pair": 0.5, "skip": 0.3, "follow_kind": 0.3,
    "from_near": 0.8, "from_area": 0.3, "near": 0.5, "far": -0.1, "follow_hour": 0.0,
    "gap": 0.0, "follow_gap": 0.0, "from_near_gap": 0.0, "gap_hour": 0.0, "near_soon": 0.5,
    "far_soon": -0.3, "follow_soon": 0.5, "hour_later": 0.3, "overnight": 0.1,
    "hour_kind_of_day": 0.0, "hour_weekday": 0.0, "hour_from_near": 0.0, "age_hour": 0.0,
}  # fmt: skip
# Hours; a longer gap, or one before a first action, counts as this.
LONGEST_GAP = 24.0 * 365
# A place visited once has no interval: as if it were due.
ONCE, MOST_TODAY, DAYS_A_WEEK = 0.7, 3, 7


def _small(values: np.ndarray) -> np.ndarray:
    """As float32: half as much to move, and no feature needs more."""
    return values.astype(np.float32)


def compare_moments(sight: Sight) -> dict[str, np.ndarray]:
    """What the moment of each earlier action has in common with the query.

    Parameters
    ----------
    sight : Sight

    Returns
    -------
    dict of str to ndarray of float32, shape (n_pairs,)
        Numbers of the order of 1, by the names of `GUESSES`; those of the gap only where the time
        is known.

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.sight import look
    >>> from stim_lib.recommend.statistics import learn_statistics
    >>> log = load_seed_example().assign(user_id="1")
    >>> found = compare_moments(look(log[2:3], log, learn_statistics(log), timed=False))
    >>> found["is_last"].tolist()
    [0.0, 1.0]
    """
    query, row, trace = sight.query, sight.row, sight.trace
    age = _small(np.maximum(sight.now[query] - trace.time[row], 0) / sight.statistics.return_hours)
    date = np.floor(trace.clock / HOURS_A_DAY)[row] == np.floor(sight.clock / HOURS_A_DAY)[query]
    apart, (day, today) = _small(sight.apart), sight.days
    found = {
        "age": np.log1p(age),
        "back": np.log1p(_small(sight.back)),
        "is_last": _small(trace.item[row] == sight.last_item[query]),
        "today": _small(date),
        "was_new": _small(trace.is_new[row]),
        "quarter_hour": np.exp(-0.5 * (apart / 0.3) ** 2),
        "hour": np.exp(-0.5 * (apart / 1.2) ** 2),
        "half_day": np.cos(apart / HOURS_A_DAY * 2 * np.pi),
        "kind_of_day": _small((day >= SATURDAY) == (today >= SATURDAY)),
        "weekday": _small(day == today),
    }
    found |= {
        "hour_kind_of_day": found["hour"] * found["kind_of_day"],
        "hour_weekday": found["hour"] * found["weekday"],
        "age_hour": found["hour"] * found["age"],
    }
    return found | _compare_ways(sight, found["hour"])


def _compare_ways(sight: Sight, hour: np.ndarray) -> dict[str, np.ndarray]:
    query, trace = sight.query, sight.trace
    two = sight.at(trace.before, sight.pair_before, UNKNOWN)
    item_two, last = sight.at(trace.item, two, UNKNOWN), sight.last_item[query]
    before_last = sight.at(trace.item, sight.last_but_one, UNKNOWN)[query]
    follow = _small(sight.follows)
    found = {
        "follow": follow,
        "follow_pair": follow * (item_two == before_last) * (two >= 0),
        "skip": _small(item_two == last),
        "follow_kind": _small(sight.follows_kind),
        "follow_hour": follow * hour,
    }
    found |= _compare_places(sight)
    found["hour_from_near"] = hour * found["from_near"]
    return found | (_compare_gaps(sight, hour, found) if sight.timed else {})


def _compare_places(sight: Sight) -> dict[str, np.ndarray]:
    scale = sight.statistics.jumps.tolist()
    if not np.isfinite(scale[0]):
        # Without a map every place is as near as any other.
        nothing = np.zeros(len(sight.row), dtype=np.float32)
        return dict.fromkeys(("from_near", "from_area", "near", "far"), nothing)
    apart = _small(np.nan_to_num(sight.metres_before, nan=np.inf))
    here = sight.here[sight.query]
    away = np.nan_to_num(chord_metres(sight.trace.points[sight.row], here), nan=scale[1])
    away = _small(away)
    return {
        "from_near": np.exp(-apart / scale[0]),
        "from_area": np.exp(-apart / scale[1]),
        "near": np.exp(-away / scale[0]),
        "far": np.log1p(away / scale[1]),
    }


def _compare_gaps(
    sight: Sight, hour: np.ndarray, found: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    gap, now, alike = sight.pair_gap, sight.gap[sight.query], _small(sight.gap_ratio)
    soon = _small(1 / (1 + now / sight.statistics.gap_hours))
    return {
        "gap": alike, "follow_gap": alike * found["follow"], "gap_hour": alike * hour,
        "follow_soon": soon * found["follow"], "hour_later": (1 - soon) * hour,
        "overnight": _small((gap > HOURS_A_DAY / 4) == (now > HOURS_A_DAY / 4)),
        "from_near_gap": alike * found["from_near"], "near_soon": soon * found["near"],
        "far_soon": soon * found["far"],
    }  # fmt: skip


def compare_visits(sight: Sight, found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What is known of the place of each earlier action, and of that action's own moment.

    Parameters
    ----------
    sight : Sight
    found : dict of str to ndarray
        From `compare_moments`.

    Returns
    -------
    dict of str to ndarray of float32, shape (n_pairs,)
        Numbers of the order of 1.

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.sight import look
    >>> from stim_lib.recommend.statistics import learn_statistics
    >>> log = load_seed_example().assign(user_id="1")
    >>> sight = look(log[3:], log, learn_statistics(log), timed=False)
    >>> compare_visits(sight, compare_moments(sight))["is_latest"].tolist()
    [1.0, 1.0, 1.0]
    """
    trace, query, row = sight.trace, sight.query, sight.row
    places = group_pairs(sight, trace.item, int(trace.item.max(initial=0)) + 1)
    group, count = places.group, places.total(np.ones(len(row)))
    # Pairs come in order of time: of equal targets the last assignment stays.
    first, last = np.zeros(len(count), dtype=int), np.zeros(len(count), dtype=int)
    last[group] = row
    first[group[::-1]] = row[::-1]
    since = np.maximum(sight.now[places.query] - trace.time[last], 0)
    interval = (trace.time[last] - trace.time[first]) / np.maximum(count - 1, 1)
    overdue = np.where(count > 1, np.log1p(since / np.maximum(interval, 0.5)), ONCE)
    actions = np.bincount(query, minlength=sight.n_queries)[places.query]
    punctual, today = places.total(found["hour"]), places.total(found["today"])
    of_place = {
        "visits": np.log(np.maximum(count, 1)),
        "share": count / np.maximum(actions, 1),
        "since": np.log1p(since / sight.statistics.return_hours),
        "place_back": np.log1p(sight.last[places.query] - last),
        "overdue": overdue,
        "visits_today": np.minimum(today, MOST_TODAY),
        "punctual": np.log1p(punctual),
        "punctual_share": punctual / np.maximum(count, 1),
    }
    shown = {name: _small(values)[group] for name, values in of_place.items()}
    return shown | {"is_latest": _small(last[group] == row)} | _compare_days(sight)


def _compare_days(sight: Sight) -> dict[str, np.ndarray]:
    trace, query, row = sight.trace, sight.query, sight.row
    angle = trace.clock / HOURS_A_DAY * 2 * np.pi
    date = np.floor(trace.clock / HOURS_A_DAY)
    days = _small(np.maximum(np.floor(sight.clock / HOURS_A_DAY)[query] - date[row], 0))
    kind, hour = trace.category[row], np.floor(np.nan_to_num(sight.clock)).astype(int) % HOURS_A_DAY
    usual = _small(sight.statistics.category_hours * HOURS_A_DAY)[kind, hour[query]]
    onward = np.append(np.diff(trace.time), np.inf)[: len(trace.time)]
    onward[np.append(trace.before[1:] < 0, True)[: len(onward)]] = np.inf
    stay = _small(np.minimum(onward[row], np.maximum(sight.now[query] - trace.time[row], 0)))
    last_kind = sight.at(trace.category, sight.last, UNKNOWN)[query]
    return {
        "own_gap": np.log1p(_small(np.minimum(sight.pair_gap, LONGEST_GAP))),
        "stay": np.log1p(stay),
        "kind_at_hour": np.log(usual + 0.02),
        "same_kind": _small((kind == last_kind) & (kind >= 0)),
        "clock_sine": _small(np.sin(angle))[row],
        "clock_cosine": _small(np.cos(angle))[row],
        "weekend": _small(sight.days[0] >= SATURDAY),
        "yesterday": _small(days == 1),
        "week_ago": _small(days == DAYS_A_WEEK),
        "days": np.log1p(days),
    }


def describe_queries(sight: Sight) -> dict[str, np.ndarray]:
    """What is known of each query, whatever the place.

    Parameters
    ----------
    sight : Sight

    Returns
    -------
    dict of str to ndarray of float64, shape (n_queries,)
        Numbers of the order of 1; finite.

    Notes
    -----
    Introduced in chapter 12.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> from stim_lib.recommend.sight import look
    >>> from stim_lib.recommend.statistics import learn_statistics
    >>> log = load_seed_example().assign(user_id="1")
    >>> sight = look(log[2:3], log, learn_statistics(log), timed=False)
    >>> describe_queries(sight)["actions"].round(2)
    array([1.1])
    """
    trace, last = sight.trace, sight.last
    angle = sight.clock / HOURS_A_DAY * 2 * np.pi
    last_angle = sight.at(trace.clock, last, np.nan) / HOURS_A_DAY * 2 * np.pi
    fading = np.exp2(-sight.back / 30.0)
    recent = np.bincount(sight.query, fading, minlength=sight.n_queries)
    new = np.bincount(sight.query, fading * trace.is_new[sight.row], minlength=sight.n_queries)
    gap = sight.at(trace.time, last, np.nan) - sight.at(trace.time, sight.last_but_one, np.nan)
    jump = chord_metres(sight.here, sight.at(trace.points, sight.last_but_one, np.nan))
    found = {
        "sine": np.sin(angle), "cosine": np.cos(angle),
        "sine_twice": np.sin(2 * angle), "cosine_twice": np.cos(2 * angle),
        "weekend": _small(weekday(sight.clock) >= SATURDAY),
        "actions": np.log1p(np.bincount(sight.query, minlength=sight.n_queries)),
        "new_lately": new / np.maximum(recent, 1e-12),
        "sine_of_last": np.sin(last_angle), "cosine_of_last": np.cos(last_angle),
        "gap_before": np.log1p(gap), "jump": np.log1p(jump / sight.statistics.jumps[1]),
    }  # fmt: skip
    if sight.timed:
        found["gap"] = np.log1p(np.maximum(sight.gap, 0))
    return {name: np.nan_to_num(values) for name, values in found.items()}
