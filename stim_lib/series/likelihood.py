"""The exact likelihood of ARMA models, as a sum of squares."""

from __future__ import annotations

import numpy as np

from stim_lib.series.innovations import run_filter, system
from stim_lib.series.stationary import partial_to_ar


def free_to_arma(free: np.ndarray, p: int) -> np.ndarray:
    """Turn any numbers into a stationary φ and an invertible θ.

    Parameters
    ----------
    free : ndarray of float64, shape (n_series, p + q)
    p : int

    Returns
    -------
    ndarray of float64, shape (n_series, p + q)
        φ, then θ.

    Notes
    -----
    x / √(1 + x²) is a partial autocorrelation, whatever x is. Raises nothing. Introduced in
    chapter 03.

    Examples
    --------
    >>> free_to_arma(np.array([[0.75, -4 / 3]]), 1).round(12)
    array([[0.6, 0.8]])
    """
    partial = free / np.sqrt(1 + free**2)
    return np.hstack([partial_to_ar(partial[:, :p]), -partial_to_ar(partial[:, p:])])


class Likelihood:
    """Exact Gaussian likelihood of a block of series, with β and σ² at their best.

    Parameters
    ----------
    values : ndarray of float64, shape (n_series, n_times)
        NaN where missing.
    design : ndarray of float64, shape (n_times, n_regressors)
    p : int
        How many of the coefficients are φ; the rest are θ.

    Notes
    -----
    Introduced in chapter 03.
    """

    def __init__(self, values: np.ndarray, design: np.ndarray, p: int) -> None:
        self.p = p
        self.observed = np.isfinite(values).T
        self.n_used = self.observed.sum(axis=0)
        n_times, n_regressors = design.shape
        columns = np.empty((n_times, 1 + n_regressors, len(values)))
        columns[:, 0] = np.where(self.observed, values.T, 0.0)
        columns[:, 1:] = design[:, :, None]
        self.columns = columns

    def whiten(self, arma: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Innovations of series and regressors, β, its inverse moments, log-variance.

        `arma` may hold several guesses for each of the rows, one after the other.
        """
        times = len(arma) // len(rows)
        phi, loading = system(arma[:, : self.p], arma[:, self.p :])
        columns = np.tile(self.columns[:, :, rows], times)
        out = run_filter(columns, np.tile(self.observed[:, rows], times), phi, loading)
        y, x = out.innovations[:, 0], out.innovations[:, 1:]
        inverse = np.linalg.inv(np.einsum("tin,tjn->nij", x, x))
        beta = np.einsum("nij,nj->ni", inverse, np.einsum("tin,tn->ni", x, y))
        residual = y - sum(x[:, i] * beta[:, i] for i in range(x.shape[1]))
        return residual, beta, inverse, out.log_variance

    def residuals(self, arma: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Residuals whose sum of squares falls as the likelihood rises, (n_guesses, n_times)."""
        residual, _, _, log_variance = self.whiten(arma, rows)
        n_used = np.tile(self.n_used[rows], len(arma) // len(rows))
        return (residual * np.exp(log_variance / (2 * n_used))).T

    def restricted(self, arma: np.ndarray) -> np.ndarray:
        """Log-likelihood of what is left when β is unknown: of the deviations, not the values.

        The plain one takes the fitted β for the true one, and so takes slow swings for part of
        it. Source: Harville (1977), doi:10.1080/01621459.1977.10480998.
        """
        residual, beta, inverse, log_variance = self.whiten(arma, np.arange(len(arma)))
        loss, spare = (residual**2).sum(axis=0), self.n_used - beta.shape[1]
        log_moments = -np.linalg.slogdet(inverse)[1]
        return -0.5 * (spare * (np.log(2 * np.pi * loss / spare) + 1) + log_variance + log_moments)

    def concentrate(self, loss: np.ndarray, log_variance: np.ndarray) -> np.ndarray:
        """Log-likelihood at σ² = loss / n."""
        n = self.n_used
        with np.errstate(divide="ignore"):
            return -0.5 * (n * (np.log(2 * np.pi * loss / n) + 1) + log_variance)

    def summarise(self, arma: np.ndarray) -> dict[str, np.ndarray]:
        """Coefficients, errors and likelihood at the end of the search."""
        rows = np.arange(len(arma))
        n = self.n_used
        residual, beta, inverse, log_variance = self.whiten(arma, rows)
        loss = (residual**2).sum(axis=0)
        sigma2 = loss / n
        return {
            "arma": arma,
            "arma_error": self._standard_errors(arma, rows),
            "beta": beta,
            "beta_error": np.sqrt(sigma2[:, None] * np.einsum("nii->ni", inverse)),
            "sigma2": sigma2,
            "log_likelihood": self.concentrate(loss, log_variance),
            "n_used": n,
        }

    def _standard_errors(self, arma: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """From the slopes of the scaled innovations in φ and θ; NaN where they are dependent."""
        size = arma.shape[1]
        if not size:
            return np.empty((len(arma), 0))
        step = 1e-5
        at = self.residuals(arma, rows)
        moved = np.concatenate([arma - step * np.eye(size)[i] for i in range(size)])
        slopes = (at[None] - self.residuals(moved, rows).reshape(size, *at.shape)) / step
        moments = np.einsum("int,jnt->nij", slopes, slopes)
        variance = (at**2).sum(axis=1) / self.n_used
        good = np.linalg.cond(moments) < 1e12
        inverse = np.full_like(moments, np.nan)
        inverse[good] = np.linalg.inv(moments[good])
        return np.sqrt(variance[:, None] * np.einsum("nii->ni", inverse))

    def shared_errors(self, arma: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Standard errors of coefficients that all series share, by the spread between groups.

        With s_g the slope of the restricted log-likelihood of group g and H the curvature of the
        whole: H⁻¹ (Σ s_g s_g') H⁻¹ · G / (G − 1).
        """
        size, step = len(arma), 1e-4
        moves = step * np.eye(size)

        def at(move: np.ndarray) -> np.ndarray:
            return self.restricted(np.tile(arma + move, (len(self.n_used), 1)))

        ahead, behind = (np.array([at(sign * move) for move in moves]) for sign in (1, -1))
        slopes = (ahead - behind) / (2 * step)
        centre = at(np.zeros(size)).sum()
        curvature = np.diag((ahead + behind).sum(axis=1) - 2 * centre)
        for i in range(size):
            for j in range(i):
                corners = [
                    at(a * moves[i] + b * moves[j]).sum() * a * b for a in (1, -1) for b in (1, -1)
                ]
                curvature[i, j] = curvature[j, i] = sum(corners) / 4
        bread = np.linalg.inv(-curvature / step**2)
        n_groups = groups.max() + 1
        by_group = np.array([np.bincount(groups, slope, n_groups) for slope in slopes])
        real = len(np.unique(groups))
        filling = by_group @ by_group.T * real / max(real - 1, 1)
        return np.sqrt(np.diag(bread @ filling @ bread))
