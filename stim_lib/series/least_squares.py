"""Nonlinear least squares of many small problems at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

LARGEST = 40.0
"""Free parameters stay within this; a partial autocorrelation of 40 / √1601 is 0.9997."""
STEP = 1e-6
TOLERANCE = 1e-7


def minimise(
    residuals: Callable[[np.ndarray, np.ndarray], np.ndarray],
    start: np.ndarray,
    max_iterations: int = 50,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the least sum of squares of each problem by Levenberg's and Marquardt's method.

    Parameters
    ----------
    residuals : callable(parameters, rows)
        Gets parameters of shape (n_guesses · n_rows, n_parameters), all rows of the first guess
        first, and the positions of their problems, shape (n_rows,); returns an array of shape
        (n_guesses · n_rows, n_residuals).
    start : ndarray of float64, shape (n_problems, n_parameters)
    max_iterations : int

    Returns
    -------
    parameters : ndarray of float64, shape (n_problems, n_parameters)
    loss : ndarray of float64, shape (n_problems,)
        Sum of squares.
    converged : ndarray of bool, shape (n_problems,)

    Notes
    -----
    (J'J + λ diag J'J) δ = −J'r with J by differences; λ falls tenfold after a step that helps and
    rises tenfold after one that does not, problem by problem; problems that have arrived are left
    out. Raises nothing. Source: Marquardt (1963), doi:10.1137/0111030. scipy's least_squares is
    for one problem at a time. Introduced in chapter 03.

    Examples
    --------
    Two problems, the minimum of (x − 3)² and of (x − 5)².

    >>> goal = np.array([3.0, 5.0])
    >>> found, loss, done = minimise(lambda x, rows: x - np.resize(goal[rows], len(x))[:, None],
    ...                              np.zeros((2, 1)))
    >>> found.ravel().round(6).tolist(), done.tolist()
    ([3.0, 5.0], [True, True])
    """
    best = np.array(start, dtype=float)
    n_problems, size = best.shape
    rows = np.arange(n_problems)
    here = residuals(best, rows)
    loss = (here**2).sum(axis=1)
    converged = np.full(n_problems, size == 0)
    damping = np.full(n_problems, 1e-2)
    for _ in range(max_iterations if size else 0):
        rows = np.flatnonzero(~converged)
        if not len(rows):
            break
        step, small = _propose(residuals, best, here, damping, rows)
        trial = np.clip(best[rows] + step, -LARGEST, LARGEST)
        there = residuals(trial, rows)
        new_loss = (there**2).sum(axis=1)
        helps = new_loss < loss[rows]
        gain = (loss[rows] - new_loss) / np.maximum(loss[rows], 1e-300)
        taken = rows[helps]
        best[taken], here[taken], loss[taken] = trial[helps], there[helps], new_loss[helps]
        damping[rows] = np.clip(damping[rows] * np.where(helps, 0.1, 10.0), 1e-10, 1e10)
        # Arrived: a step that helps by next to nothing, or none that helps however short.
        converged[rows] = (helps & (gain < TOLERANCE)) | small | (damping[rows] >= 1e8)
    return best, loss, converged


def _propose(residuals, best, here, damping, rows) -> tuple[np.ndarray, np.ndarray]:
    """The damped step of each problem, and whether its gradient is as good as nought."""
    size = best.shape[1]
    moved = np.concatenate([best[rows] + STEP * np.eye(size)[i] for i in range(size)])
    slopes = (residuals(moved, rows).reshape(size, len(rows), -1) - here[rows]) / STEP
    moments = np.einsum("int,jnt->nij", slopes, slopes)
    gradient = np.einsum("int,nt->ni", slopes, here[rows])
    diagonal = np.einsum("nii->ni", moments)
    floor = 1e-12 * diagonal.max(axis=1, keepdims=True) + 1e-300
    damped = moments + (damping[rows, None] * diagonal + floor)[:, :, None] * np.eye(size)
    step = -np.linalg.solve(damped, gradient[..., None])[..., 0]
    promised = np.abs((step * gradient).sum(axis=1))
    return step, promised < 1e-12 * (here[rows] ** 2).sum(axis=1)
