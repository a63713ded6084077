"""Which period is in a series? Periodograms with a level of significance, many series at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special

from stim_lib.temporal._grouping import as_panel, divide, reasons

# Fewer values and a wave with three parameters fits anything.
FEWEST = 5
CELLS_AT_ONCE = 4_000_000
# Beyond this expected number of peaks as high, the chance of one is 1 to seven digits.
MANY_PEAKS = 15.0


def periodogram(panel: pd.DataFrame | pd.Series | np.ndarray) -> pd.DataFrame:
    """Share of each series' variance that one wave explains, for each frequency.

    Parameters
    ----------
    panel : DataFrame, Series or array of float, shape (n_times,) or (n_times, n_series)
        Evenly spaced in time, time down, series across; NaN where a value is missing.

    Returns
    -------
    DataFrame of float64, shape (n_frequencies, n_series)
        In [0, 1]. Index period, in time steps: n/1, n/2, … down to just above 2. NaN for a series
        that is constant or has fewer than five values.

    Raises
    ------
    ValueError
        If a value is infinite, there is nothing, or there are fewer than five times.

    Notes
    -----
    The fraction of the sum of squares about the mean that a + b cos ωt + c sin ωt takes away, by
    least squares on the values that are there: the Lomb–Scargle periodogram with a floating mean.
    Source: Zechmeister and Kürster (2009), eq. 5, doi:10.1051/0004-6361:200811296; equal to
    scipy.signal.lombscargle(…, floating_mean=True, normalize=True). Without missing values it is
    the classical periodogram over its total. Introduced in chapter 04.

    Examples
    --------
    >>> wave = np.cos(2 * np.pi * np.arange(21) / 7)
    >>> print(periodogram(wave)[0].idxmax())
    7.0
    """
    values, names = as_panel(panel)
    n_times = len(values)
    if n_times < FEWEST:
        raise ValueError(f"panel: expected {FEWEST} times or more, found {n_times}")
    known = np.isfinite(values)
    n = known.sum(axis=0)
    centred = np.where(known, values - divide(np.nansum(values, axis=0), n), 0.0)
    total = (centred**2).sum(axis=0)
    scale = np.abs(np.where(known, values, 0)).max(axis=0)
    usable = (n >= FEWEST) & (total > n * (1e-12 * scale) ** 2)
    turns = np.arange(1, (n_times - 1) // 2 + 1)
    share = np.full((len(turns), values.shape[1]), np.nan)
    whole = usable & (n == n_times)
    if whole.any():
        power = np.abs(np.fft.rfft(centred[:, whole], axis=0)[turns]) ** 2
        share[:, whole] = power * (2 / n_times) / total[whole]
    holes = usable & ~whole
    if holes.any():
        share[:, holes] = _with_holes(centred[:, holes], known[:, holes], turns) / total[holes]
    index = pd.Index(n_times / turns, name="period")
    return pd.DataFrame(np.clip(share, 0, 1), index=index, columns=names)


def _with_holes(centred: np.ndarray, known: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Sum of squares that each wave takes away, shape (n_frequencies, n_series)."""
    n_times, n_series = centred.shape
    weight, n = known.astype(float), known.sum(axis=0)
    taken = np.empty((len(turns), n_series))
    batch = max(1, CELLS_AT_ONCE // n_times)
    for first in range(0, len(turns), batch):
        step = 2 * np.pi / n_times * turns[first : first + batch, None] * np.arange(n_times)
        cosine, sine = np.cos(step), np.sin(step)
        yc, ys = cosine @ centred, sine @ centred
        c, s = cosine @ weight, sine @ weight
        cc = (cosine**2) @ weight - c**2 / n
        ss = (sine**2) @ weight - s**2 / n
        cs = (cosine * sine) @ weight - c * s / n
        above = ss * yc**2 + cc * ys**2 - 2 * cs * yc * ys
        below = cc * ss - cs**2
        # Holes can make sine and cosine one and the same wave: then there is nothing to fit.
        sound = below > 1e-9 * n**2
        taken[first : first + batch] = np.divide(
            above, below, out=np.full(above.shape, np.nan), where=sound
        )
    return taken


def find_periods(
    panel: pd.DataFrame | pd.Series | np.ndarray,
    *,
    level: float = 0.05,
    shortest: float = 2.0,
    longest: float = np.inf,
) -> pd.DataFrame:
    """Strongest period of each series, and whether noise would have one as strong.

    Parameters
    ----------
    panel : DataFrame, Series or array of float, shape (n_times,) or (n_times, n_series)
        Evenly spaced in time, time down, series across; NaN where a value is missing.
    level : float
        Share, in (0, 1), of series of pure noise that may be called periodic.
    shortest, longest : float
        Time steps; only periods from one to the other, both included, are looked at.

    Returns
    -------
    DataFrame, shape (n_series, 7)
        n and n_missing; period in time steps; strength, the share of the variance that its wave
        explains; p_value, the chance of a wave as strong anywhere in white noise; significant,
        p_value ≤ level; reason, "" or why there is no period. Index: the series.

    Raises
    ------
    ValueError
        If `level` is outside (0, 1), no period lies in the range, or as `periodogram`.

    Notes
    -----
    A complete series, all periods: Fisher's exact test of g, the largest ordinate over the sum of
    all m: p = Σ_j (-1)^{j-1} C(m, j) (1 - jg)^{m-1} over j ≤ 1/g. Source: Fisher (1929),
    doi:10.1098/rspa.1929.0151. With missing values or a range: m (1 - z)^{(n-3)/2} for m
    frequencies and the largest share z, an upper bound, since each alone has just this tail
    (Baluev 2008, doi:10.1111/j.1365-2966.2008.12689.x); then the true rate is at most `level`.

    A period that does not fit into the series a whole number of times falls between two waves and
    loses power: cut a series of days to whole weeks before asking for a week. Both tests ask of
    *white* noise. A trend or a slow drift gives long periods that are no cycles: take
    it out, or set `longest`. Introduced in chapter 04.

    Examples
    --------
    >>> days = np.arange(70)
    >>> noise = np.random.default_rng(0).normal(size=70)
    >>> weekly = pd.DataFrame({"week": np.sin(2 * np.pi * days / 7) + noise, "noise": noise})
    >>> find_periods(weekly)[["period", "significant"]].round(2)
           period  significant
    week     7.00         True
    noise    4.67        False
    """
    if not 0 < level < 1:
        raise ValueError(f"level: expected a share in (0, 1), found {level}")
    values, _ = as_panel(panel)
    shares = periodogram(panel)
    asked = (shares.index >= shortest) & (shares.index <= longest)
    if not asked.any():
        raise ValueError(
            f"expected a range with a period in it, found {shortest} to {longest}; the panel's "
            f"periods run from {shares.index.min():.3g} to {shares.index.max():.3g} steps"
        )
    within = shares.to_numpy()[asked]
    n_times, n = len(values), np.isfinite(values).sum(axis=0)
    usable = np.isfinite(within).any(axis=0)
    filled = np.where(np.isfinite(within), within, -1.0)
    best = filled.argmax(axis=0)
    strength = np.where(usable, filled.max(axis=0), np.nan)
    bound = asked.sum() * (1 - strength) ** ((n - 3) / 2)
    if asked.all():
        g = divide(strength, np.nansum(within, axis=0))
        exact = fisher_p_values(g, len(within))
        bound = np.where(n == n_times, exact, bound)
    p_value = np.where(usable, np.minimum(bound, 1.0), np.nan)
    cases = [(n < FEWEST, f"fewer than {FEWEST} values"), (~usable, "the series is constant")]
    return pd.DataFrame(
        {
            "n": n,
            "n_missing": n_times - n,
            "period": np.where(usable, shares.index.to_numpy()[asked][best], np.nan),
            "strength": strength,
            "p_value": p_value,
            "significant": p_value <= level,
            "reason": reasons(len(n), cases),
        },
        index=shares.columns,
    )


def fisher_p_values(g: np.ndarray, n_ordinates: int) -> np.ndarray:
    """Chance that the largest of m exponential shares is at least g.

    Parameters
    ----------
    g : array of float, shape (n_series,)
        Largest share, in [1/m, 1].
    n_ordinates : int
        m, 1 or more.

    Returns
    -------
    ndarray of float64, shape (n_series,)
        In [0, 1]; NaN for NaN.

    Raises
    ------
    ValueError
        If `n_ordinates` is below 1.

    Notes
    -----
    Source: Fisher (1929), doi:10.1098/rspa.1929.0151. The terms alternate; where they are large
    their sum is 1 to seven digits, and 1 is returned. Introduced in chapter 04.

    Examples
    --------
    The five per cent point of 50 ordinates:

    >>> fisher_p_values(np.array([0.13135]), 50).round(4)
    array([0.05])
    """
    if n_ordinates < 1:
        raise ValueError(f"n_ordinates: expected 1 or more, found {n_ordinates}")
    g = np.asarray(g, dtype=float)
    peaks = n_ordinates * (1 - g) ** (n_ordinates - 1)
    p_value = np.where(np.isnan(g), np.nan, 1.0)
    open_ = np.flatnonzero(peaks < MANY_PEAKS)
    term = np.arange(1, n_ordinates + 1)
    log_ways = (
        special.gammaln(n_ordinates + 1)
        - special.gammaln(term + 1)
        - special.gammaln(n_ordinates - term + 1)
    )
    for first in range(0, len(open_), max(1, CELLS_AT_ONCE // n_ordinates)):
        some = open_[first : first + max(1, CELLS_AT_ONCE // n_ordinates)]
        rest = 1 - g[some, None] * term
        with np.errstate(divide="ignore"):
            size = log_ways + (n_ordinates - 1) * np.log(np.maximum(rest, 0))
        size = np.where(rest > 0, size, -np.inf)
        p_value[some] = (np.exp(size) * np.where(term % 2, 1, -1)).sum(axis=1)
    return np.clip(p_value, 0, 1)
