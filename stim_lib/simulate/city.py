"""`make_city`: check the settings, then draw places, people, interest and actions in this order."""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass, replace
from numbers import Integral, Real

import numpy as np
import pandas as pd

from stim_lib.schema import USER
from stim_lib.simulate import actions, interest, people, places
from stim_lib.simulate.truth import Truth

SHANGHAI = (31.2304, 121.4737)
"""Default centre of the city: lat, lon in degrees, WGS-84."""
MOST_POLAR = 80.0
"""The centre may not lie closer to a pole: the plane of the city would no longer fit."""


@dataclass(frozen=True, eq=False, repr=False)
class City:
    """A simulated city: the log an analyst would see, and the truth behind it.

    Attributes
    ----------
    log : DataFrame, shape (n_actions, 11)
        The behaviour log.
    places : DataFrame, shape (n_places, 14)
        See `places.make_places`.
    users : DataFrame, shape (n_users, 13)
        See `people.make_users` and `people.add_change_points`.
    truth : Truth
        Parameters and latent paths.

    Notes
    -----
    Introduced in chapter 01.
    """

    log: pd.DataFrame
    places: pd.DataFrame
    users: pd.DataFrame
    truth: Truth

    def __repr__(self) -> str:
        """One line instead of four tables."""
        tables = {"user": self.users, "place": self.places, "action": self.log}
        tables["day"] = self.truth.day_of_week
        sizes = [
            f"{len(table):,} {what}{'s' * (len(table) != 1)}" for what, table in tables.items()
        ]
        return f"City({', '.join(sizes)} from {self.truth.start:%Y-%m-%d}, {self.truth.timezone})"


def make_city(
    n_users: int = 200,
    n_places: int = 400,
    n_days: int = 90,
    seed: int = 0,
    *,
    start: str | pd.Timestamp = "2024-01-01",
    timezone: str = "Asia/Shanghai",
    centre: tuple[float, float] = SHANGHAI,
    activity_rate: float = 1.5,
    phi: float | np.ndarray | None = None,
    innovation_sd: float | np.ndarray | None = None,
    drift: float | np.ndarray = 0.0,
    decay_length: float = 2_000.0,
    change_share: float = 0.45,
) -> City:
    """Draw a city, its users and their log from a model of interest that is known.

    Parameters
    ----------
    n_users, n_places, n_days : int
        At least 1 each.
    seed : int
        At least 0. The same settings and seed give the same log, byte for byte, on one kind of
        machine with one set of library versions.
    start : str or Timestamp
        First day, a local calendar date.
    timezone : str
        IANA name; decides how local wall-clock times become UTC.
    centre : (lat, lon)
        Degrees, WGS-84; latitude within ±80.
    activity_rate : float
        Mean number of actions per user and day, above 0.
    phi, innovation_sd : float or ndarray, shape (n_roots,)
        AR(1) coefficient in (-1, 1) and innovation standard deviation in [0, 10] (log-interest) of
        the daily paths; one for all, or one for each of the 8 root categories. By default those
        of `interest.ROOT_INTERESTS`.
    drift : float or ndarray, shape (n_roots,)
        Change of log-interest per day, in [-1, 1]. The same drift for all roots cannot be
        seen in the choices: they depend on differences only.
    decay_length : float
        Metres over which the attraction of a place falls by the factor e; at least 1.
    change_share : float in [0, 1]
        Share of the users who move, take a new job or go on a trip.

    Returns
    -------
    City
        `log` has user_id, item_id, action (the deepest of view, click, save, purchase that was
        reached), timestamp (UTC), lat, lon (those of the place), category, root_category, text
        (name of the place), value (price paid in CNY, NaN unless a purchase), local_time.

    Raises
    ------
    ValueError
        Naming the setting, what was expected and what was found.

    Notes
    -----
    Root category r of an action of user u on day d in local hour h is drawn from
    P(r) ∝ exp(b_ur + z_urd + drift_r · d + daily_rh + weekly_r,weekday(d)) over the roots with an
    open place, with z_urd = φ_r z_ur,d−1 + ε_urd. The place follows popularity and distance from
    home, work or the base of a trip (`actions.draw_places`); the stage is a sequential logit
    (`actions.draw_stages`).

    Each step has its own random stream. Another `n_days` leaves places, homes, places of work,
    activity rates, base preferences and the first days of the latent paths as they are, and
    changes the rest. A log that ends in the future needs `latest` in `schema.validate_log`.
    Time grows as actions × places / 8; 10,000 users, 400 places and 90 days take some seconds.

    Source: this project. Introduced in chapter 01.

    Examples
    --------
    >>> city = make_city(n_users=20, n_places=100, n_days=30, seed=1)
    >>> city
    City(20 users, 100 places, 869 actions, 30 days from 2024-01-01, Asia/Shanghai)
    >>> city.truth
    Truth(20 users, 30 days, 8 roots)
    >>> make_city(n_users=0)
    Traceback (most recent call last):
    ValueError: n_users: expected a whole number of at least 1, found 0.
    """
    _check_sizes(n_users, n_places, n_days, seed)
    _check_numbers(activity_rate, decay_length, change_share)
    dynamics = _read_dynamics(phi, innovation_sd, drift)
    first_day, zone, centre = _read_start(start), _read_timezone(timezone), _read_centre(centre)

    streams = np.random.SeedSequence(int(seed)).spawn(11)
    rngs = [np.random.Generator(np.random.PCG64(stream)) for stream in streams]
    districts = places.draw_district_centres(rngs[0])
    catalogue = places.make_places(rngs[1], n_places, districts, centre)
    users = people.make_users(rngs[2], n_users, districts, centre, activity_rate)
    users = people.add_change_points(
        rngs[3], users, districts, centre, n_days=n_days, change_share=change_share
    )
    truth = Truth(
        start=first_day,
        timezone=zone,
        centre=centre,
        decay_length=float(decay_length),
        **dynamics,
        **_draw_interest(rngs[4:6], n_users, n_days, dynamics),
        **_known_truth(users, catalogue, first_day, n_days),
    )
    log, drawn = actions.draw_actions(rngs[6:], truth, users, catalogue)
    return City(log, catalogue, users, replace(truth, actions=drawn))


def _draw_interest(
    rngs: list[np.random.Generator], n_users: int, n_days: int, dynamics: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    mean = interest.root_parameter("base_mean")
    base = mean + interest.BASE_SD * rngs[0].standard_normal((n_users, len(mean)))
    phi, innovation_sd = dynamics["phi"], dynamics["innovation_sd"]
    paths = interest.draw_latent_paths(rngs[1], n_users, n_days, phi, innovation_sd)
    return {"base_preference": base, "latent_paths": paths}


def _known_truth(
    users: pd.DataFrame, catalogue: pd.DataFrame, first_day: pd.Timestamp, n_days: int
) -> dict[str, object]:
    """Gather the part of the truth that is not drawn, or is read off the tables."""
    root, opened = places.root_codes(catalogue), places.open_by_hour(catalogue)
    n_roots = len(places.ROOTS)
    root_open = np.array([opened[root == code].any(axis=0) for code in range(n_roots)])
    change = ["change_kind", "change_day", "change_end_day", "new_lat", "new_lon"]
    changed = users["change_kind"] != people.CHANGE_KINDS[0]
    return {
        "root_categories": tuple(name for name, _ in places.ROOTS),
        "base_mean": interest.root_parameter("base_mean"),
        "base_sd": interest.BASE_SD,
        "daily_profile": interest.daily_profile(),
        "weekly_profile": interest.weekly_profile(),
        "day_of_week": (first_day.day_of_week + np.arange(n_days)) % 7,
        "hour_shares": actions.hour_shares(root_open),
        "root_open": root_open,
        "work_hours": people.WORK_HOURS,
        "funnel": actions.FUNNEL.copy(),
        "change_points": users.loc[changed, [USER, *change]].reset_index(drop=True),
    }


def _check(fits: bool, name: str, expected: str, found: object) -> None:
    if not fits:
        raise ValueError(f"{name}: expected {expected}, found {found!r}.")


def _check_sizes(n_users: object, n_places: object, n_days: object, seed: object) -> None:
    for name, size in (("n_users", n_users), ("n_places", n_places), ("n_days", n_days)):
        _check(_is_whole(size) and size >= 1, name, "a whole number of at least 1", size)
    _check(_is_whole(seed) and seed >= 0, "seed", "a whole number of at least 0", seed)


def _check_numbers(activity_rate: object, decay_length: object, change_share: object) -> None:
    rate_fits = _is_number(activity_rate) and activity_rate > 0
    _check(rate_fits, "activity_rate", "a number above 0", activity_rate)
    length_fits = _is_number(decay_length) and decay_length >= 1
    _check(length_fits, "decay_length", "a number of metres, at least 1", decay_length)
    share_fits = _is_number(change_share) and 0 <= change_share <= 1
    _check(share_fits, "change_share", "a number in [0, 1]", change_share)


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and bool(np.isfinite(value))


def _read_dynamics(phi: object, innovation_sd: object, drift: object) -> dict[str, np.ndarray]:
    """Give each parameter one value for each root category."""
    n_roots, below_one = len(places.ROOTS), np.nextafter(1, 0)
    read = {}
    for name, given, low, high, limits in (
        ("phi", phi, -below_one, below_one, "(-1, 1)"),
        ("innovation_sd", innovation_sd, 0.0, 10.0, "[0, 10]"),
        ("drift", drift, -1.0, 1.0, "[-1, 1]"),
    ):
        default = interest.root_parameter(name) if given is None else given
        expected = f"a number in {limits}, or one for each of the {n_roots} root categories"
        try:
            values = np.broadcast_to(np.asarray(default, dtype=np.float64), n_roots).copy()
        except (TypeError, ValueError):
            values = np.array(np.nan)
        _check(bool(((values >= low) & (values <= high)).all()), name, expected, given)
        read[name] = values
    return read


def _read_start(start: object) -> pd.Timestamp:
    try:
        day = pd.Timestamp(start)
    except (TypeError, ValueError):
        day = pd.NaT
    fits = not pd.isna(day) and day.tzinfo is None and day == day.normalize()
    _check(fits, "start", "a calendar date such as '2024-01-01', without hour or zone", start)
    return day.as_unit("us")


def _read_timezone(timezone: object) -> str:
    fits = isinstance(timezone, str) and timezone != ""
    try:
        zoneinfo.ZoneInfo(timezone if fits else "UTC")
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        fits = False
    _check(fits, "timezone", "the IANA name of a time zone, such as 'Asia/Shanghai'", timezone)
    return timezone


def _read_centre(centre: object) -> tuple[float, float]:
    try:
        lat, lon = (float(part) for part in centre)
    except (TypeError, ValueError):
        lat, lon = np.nan, np.nan
    fits = abs(lat) <= MOST_POLAR and abs(lon) <= 180
    expected = f"(lat, lon) in degrees, lat within ±{MOST_POLAR:g} and lon within ±180"
    _check(fits, "centre", expected, centre)
    return lat, lon
