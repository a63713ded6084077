"""Choose the settings of a model on the validation part; every model gets the same budget.

Introduced in chapter 11.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd
from sklearn.base import ClassifierMixin

from stim_lib.interest.models import DEFAULTS, MODELS, make_model, predict_interest
from stim_lib.interest.surprise import surprise

# Name of the setting → low and high, and whether it is searched by its logarithm.
SPACES: dict[str, dict[str, tuple[float, float, bool]]] = {
    "linear": {"alpha": (0.1, 100_000.0, True)},
    "poisson": {"alpha": (1e-5, 1.0, True)},
    "logistic": {"C": (1e-4, 10.0, True)},
    "tree": {"max_leaf_nodes": (4, 500, True), "min_samples_leaf": (5, 300, True)},
    "forest": {"n_estimators": (40, 120, False), "min_samples_leaf": (2, 50, True),
               "max_features": (0.05, 0.5, True)},
    "boosting": {"n_estimators": (30, 200, True), "learning_rate": (0.03, 0.3, True),
                 "num_leaves": (4, 31, True), "min_child_samples": (10, 300, True),
                 "colsample_bytree": (0.2, 1.0, False), "reg_lambda": (0.1, 100.0, True)},
}  # fmt: skip


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    Attributes
    ----------
    name : str
        Of the model.
    settings : dict of str to number
        The best of the trials.
    model : scikit-learn classifier
        Fitted with them.
    trials : DataFrame, shape (n_trials, n_settings + 2)
        Settings, log_loss on the validation part (nats) and cpu_seconds of each trial, in order;
        the first trial has the library's own settings.

    Examples
    --------
    >>> Tuned("tree", {"min_samples_leaf": 5}, None, pd.DataFrame()).name
    'tree'
    """

    name: str
    settings: dict[str, float]
    model: ClassifierMixin
    trials: pd.DataFrame


def tune_model(
    name: str,
    table: pd.DataFrame,
    truth: pd.Series,
    validation: pd.DataFrame,
    validation_truth: pd.Series,
    *,
    n_trials: int = 20,
    seed: int = 0,
) -> Tuned:
    """Search the settings with the least log-loss on the validation part.

    Parameters
    ----------
    name : str
        One of `MODELS`.
    table, validation : DataFrame, shape (n_queries, n_features)
        Features of the training and of the validation part, which lies later.
    truth, validation_truth : Series of str, shape (n_queries,)
        What came; same index.
    n_trials : int
        Settings tried. The first are the library's own, so tuning can't lose on this part.
    seed : int
        Of the search and of the model.

    Returns
    -------
    Tuned
        Fitted on the training part alone.

    Raises
    ------
    ValueError
        If the name is not known, there is no trial, or the parts have different columns.

    Notes
    -----
    Optuna's tree-structured Parzen estimator. Source: Akiba et al. (2019), KDD,
    doi:10.1145/3292500.3330701. Introduced in chapter 11.

    Examples
    --------
    >>> table = pd.DataFrame({"x": [0.0, 1.0] * 20})
    >>> truth = pd.Series(["a", "b"] * 20)
    >>> tune_model("logistic", table, truth, table, truth, n_trials=2).trials.shape
    (2, 3)
    """
    if name not in MODELS:
        raise ValueError(f"name: expected one of {', '.join(MODELS)}, found {name!r}")
    if list(table) != list(validation):
        raise ValueError(
            f"validation: expected the {table.shape[1]} columns of the table, found "
            f"{validation.shape[1]}, or others"
        )
    kinds = sorted(set(truth) | set(validation_truth))

    def loss(settings: dict[str, float]) -> tuple[float, ClassifierMixin]:
        model = make_model(name, seed=seed, **settings).fit(table, truth)
        shares = predict_interest(model, validation, kinds=kinds)
        return float(surprise(shares, validation_truth).mean()), model

    settings, model, trials = search(
        loss, SPACES[name], DEFAULTS[name], n_trials=n_trials, seed=seed
    )
    return Tuned(name, settings, model, trials)


def search(
    loss: Callable[[dict[str, float]], tuple[float, object]],
    space: dict[str, tuple[float, float, bool]],
    first: dict[str, float],
    *,
    n_trials: int,
    seed: int,
) -> tuple[dict[str, float], object, pd.DataFrame]:
    """Minimise a loss over settings; the budget is a number of trials.

    Parameters
    ----------
    loss : function of settings → (loss, what was fitted)
    space : mapping of name to (low, high, by logarithm)
        Whole numbers where both ends are.
    first : mapping of name to value
        Tried before the search begins; may lie outside the space.
    n_trials : int
        With the first one.
    seed : int

    Returns
    -------
    settings : dict
        The best.
    fitted : object
        What the loss returned beside the best value.
    trials : DataFrame, shape (n_trials, n_settings + 2)

    Raises
    ------
    ValueError
        If there is no trial.

    Notes
    -----
    Introduced in chapter 11.

    Examples
    --------
    >>> square = lambda s: ((s["x"] - 3) ** 2, None)
    >>> best, _, trials = search(square, {"x": (0.0, 9.0, False)}, {"x": 0.0}, n_trials=9, seed=0)
    >>> len(trials), float(trials["log_loss"].iloc[0]), abs(best["x"] - 3) < 3
    (9, 9.0, True)
    """
    import optuna

    if n_trials < 1:
        raise ValueError(f"n_trials: expected 1 or more, found {n_trials}")
    rows, best = [], (float("inf"), dict(first), None)
    with _quiet(optuna):
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
        for number in range(n_trials):
            trial = study.ask() if number else None
            settings = _suggest(trial, space) if number else dict(first)
            began = time.process_time()
            value, fitted = loss(settings)
            if number:
                study.tell(trial, value)
            rows.append({**settings, "log_loss": value,
                         "cpu_seconds": time.process_time() - began})  # fmt: skip
            if value < best[0]:
                best = (value, settings, fitted)
    return best[1], best[2], pd.DataFrame(rows)


def _suggest(trial: object, space: dict[str, tuple[float, float, bool]]) -> dict[str, float]:
    return {
        name: trial.suggest_int(name, low, high, log=by_logarithm)
        if isinstance(low, int)
        else trial.suggest_float(name, low, high, log=by_logarithm)
        for name, (low, high, by_logarithm) in space.items()
    }


@contextlib.contextmanager
def _quiet(optuna: object) -> Iterator[None]:
    """Optuna tells of each trial on stderr; leave its voice as it was found."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
