"""What an estimator is compared with: every parameter and every latent path of the city."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False, repr=False)
class Truth:
    """Parameters and latent paths from which a log was drawn.

    Users, days and root categories are numbered from 0, in the order of `City.users`, of the
    local calendar from `start`, and of `root_categories`.

    Attributes
    ----------
    start : Timestamp
        Local midnight at which day 0 begins, without a zone.
    timezone : str
        IANA name of the zone of the local times.
    centre : (lat, lon)
        Centre of the city, degrees WGS-84.
    root_categories : tuple of str, length n_roots
    phi, innovation_sd : ndarray of float64, shape (n_roots,)
        Coefficient and innovation standard deviation of the daily AR(1) paths.
    drift : ndarray of float64, shape (n_roots,)
        Change of the log-interest per day, common to all users.
    base_mean : ndarray of float64, shape (n_roots,)
    base_sd : float
        Base preferences are drawn from N(base_mean, base_sd²).
    base_preference : ndarray of float64, shape (n_users, n_roots)
    latent_paths : ndarray of float32, shape (n_users, n_days, n_roots)
        The AR(1) paths; 28.8 MB for 10,000 users and 90 days.
    daily_profile : ndarray of float64, shape (n_roots, 24)
        Effect of the local hour on log-interest.
    weekly_profile : ndarray of float64, shape (n_roots, 7)
        Effect of the day of the week, Monday first.
    day_of_week : ndarray of int64, shape (n_days,)
        0 is Monday.
    hour_shares : ndarray of float64, shape (7, 24)
        Probability of each local hour for an action, by day of the week; rows sum to 1.
    root_open : ndarray of bool, shape (n_roots, 24)
        Whether any place of the root category is open in that hour.
    decay_length : float
        Metres over which the attraction of a place falls by the factor e.
    work_hours : (int, int)
        A worker is at work on weekdays from the first until before the second local hour.
    funnel : DataFrame, shape (3, 4)
        Logit effects; rows click, save, purchase; columns intercept, interest, distance_km,
        evening.
    change_points : DataFrame, shape (n_changes, 6)
        user_id, change_kind, change_day, change_end_day, new_lat, new_lon of the users who change.
    actions : DataFrame, shape (n_actions, 8)
        Row for row beside the log: user, day, hour, root (positions), anchor (home, work, trip)
        and the covariates of the funnel: interest, distance_km (from the anchor to the place),
        evening (1.0 from 18:00, else 0.0).

    Notes
    -----
    Shares depend only on differences between root categories: adding a number to the
    log-interest in all of them changes nothing that can be observed. Introduced in chapter 01.
    """

    start: pd.Timestamp
    timezone: str
    centre: tuple[float, float]
    root_categories: tuple[str, ...]
    phi: np.ndarray
    innovation_sd: np.ndarray
    drift: np.ndarray
    base_mean: np.ndarray
    base_sd: float
    base_preference: np.ndarray
    latent_paths: np.ndarray
    daily_profile: np.ndarray
    weekly_profile: np.ndarray
    day_of_week: np.ndarray
    hour_shares: np.ndarray
    root_open: np.ndarray
    decay_length: float
    work_hours: tuple[int, int]
    funnel: pd.DataFrame
    change_points: pd.DataFrame
    actions: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __repr__(self) -> str:
        """Sizes instead of a million numbers."""
        sizes = zip(("user", "day", "root"), self.latent_paths.shape, strict=True)
        counts = [f"{size:,} {what}{'s' * (size != 1)}" for what, size in sizes]
        return f"Truth({', '.join(counts)})"

    def interest(self, users: ArrayLike, days: ArrayLike) -> np.ndarray:
        """Log-interest without the daily and weekly rhythm.

        Parameters
        ----------
        users, days : array of int, shapes that broadcast
            Positions, from 0.

        Returns
        -------
        ndarray of float64, shape (..., n_roots)

        Raises
        ------
        ValueError
            If a user or day is outside the log.

        Notes
        -----
        Base preference + AR(1) path + drift · day. Introduced in chapter 01.

        Examples
        --------
        >>> from stim_lib.simulate import make_city
        >>> make_city(3, 40, 5).truth.interest([0, 2], 4).shape
        (2, 8)
        """
        user, day = np.asarray(users), np.asarray(days)
        n_users, n_days, _ = self.latent_paths.shape
        _check_positions("users", user, n_users)
        _check_positions("days", day, n_days)
        path = self.latent_paths[user, day].astype(np.float64)
        return self.base_preference[user] + path + self.drift * day[..., None]

    def expected_shares(self, users: ArrayLike, days: ArrayLike, hours: ArrayLike) -> np.ndarray:
        """Probability of each root category for an action of a user at a day and hour.

        Parameters
        ----------
        users, days, hours : array of int, shapes that broadcast
            Positions from 0; local hours from 0 to 23.

        Returns
        -------
        ndarray of float64, shape (..., n_roots)
            Sums to 1; NaN where nothing is open in that hour (then there are no actions).

        Raises
        ------
        ValueError
            If a user, day or hour is outside the log.

        Notes
        -----
        Softmax over the root categories with an open place of interest + daily profile + weekly
        profile. Introduced in chapter 01.

        Examples
        --------
        >>> from stim_lib.simulate import make_city
        >>> city = make_city(20, 100, 30)
        >>> actions = city.truth.actions
        >>> shares = city.truth.expected_shares(actions["user"], actions["day"], actions["hour"])
        >>> shares.shape == (len(city.log), 8)
        True
        """
        user, day, hour = np.broadcast_arrays(users, days, hours)
        _check_positions("hours", hour, 24)
        interest = self.interest(user, day)
        interest += self.daily_profile.T[hour] + self.weekly_profile.T[self.day_of_week[day]]
        interest = np.where(self.root_open.T[hour], interest, -np.inf)
        best = interest.max(axis=-1, keepdims=True)
        weight = np.exp(interest - np.where(np.isfinite(best), best, 0.0))
        total = weight.sum(axis=-1, keepdims=True)
        return np.divide(weight, total, out=np.full_like(weight, np.nan), where=total > 0)

    def expected_daily_shares(self, users: ArrayLike) -> np.ndarray:
        """Probability of each root category for an action of a user on each day.

        Parameters
        ----------
        users : array of int, shape (n_selected,)
            Positions, from 0.

        Returns
        -------
        ndarray of float64, shape (n_selected, n_days, n_roots)
            Times the activity rate of the user: the expected number of actions.

        Raises
        ------
        ValueError
            If a user is outside the log.

        Notes
        -----
        P(r | u, d) = Σ_h P(h | weekday of d) P(r | u, d, h). Introduced in chapter 01.

        Examples
        --------
        >>> from stim_lib.simulate import make_city
        >>> make_city(3, 40, 5).truth.expected_daily_shares([0, 1]).sum(axis=2).round(6).min()
        np.float64(1.0)
        """
        user, day = np.asarray(users)[:, None], np.arange(len(self.day_of_week))[None]
        shares = np.zeros((len(user), day.size, len(self.root_categories)))
        for hour in np.flatnonzero(self.root_open.any(axis=0)):
            weight = self.hour_shares[self.day_of_week, hour][None, :, None]
            shares += weight * self.expected_shares(user, day, hour)
        return shares


def _check_positions(name: str, found: np.ndarray, count: int) -> None:
    if not np.issubdtype(found.dtype, np.integer):
        raise ValueError(f"{name}: expected whole numbers, found dtype {found.dtype}.")
    wrong = (found < 0) | (found >= count)
    if wrong.any():
        raise ValueError(
            f"{name}: expected positions from 0 to {count - 1}, found {found[wrong].flat[0]}."
        )
