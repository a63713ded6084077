"""A network as a model like any other: fitted on a log, asked with a history.

Introduced in chapters 07 and 08.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from stim_lib.networks import _backend  # noqa: F401  (before Keras)

import keras  # isort: skip

from stim_lib import schema, splits
from stim_lib.baselines.ranking import Ranking
from stim_lib.networks.next_item import NextItem
from stim_lib.networks.training import train_network
from stim_lib.sequences import FIRST, Sequencer

WINDOWS_AT_ONCE = 16
# Of the training part's time, what decides when to stop if no validation part is given.
HELD_OUT = 0.1


class SequenceModel(Ranking):
    """A network that reads each user's actions and ranks the whole catalogue.

    Parameters
    ----------
    name : str
        What it is called in tables.
    use_query_time : bool
        Whether the time of the visit to be predicted may be used.
    length, stride : int
        L and S, in actions; see `sequences.Sequencer`.
    features : function of `sequences.Vocabulary`, optional
        Gives an array (V, F) that says something of each item; see `ItemTable`.
    seed : int
        Of weights, dropout and the order of windows.
    training : mapping, optional
        Settings of `train_network`: epochs, batch_size, learning_rate, patience.
    **settings
        Of `NextItem`: trunk, inputs, width, copy_heads, copy_relations, …

    Attributes
    ----------
    catalogue : Index of str, shape (n_items,)
        Items with a training action, most popular first.
    network : NextItem
    curves : DataFrame
        What `train_network` returned.

    Raises
    ------
    ValueError
        If `time_known` is among the settings: it is `use_query_time`.

    Notes
    -----
    What a query sees is cut by `queries.look_back` and by the causality of the network. A user
    without a past gets the popularity of the training part. Introduced in chapters 07 and 08.

    Examples
    --------
    >>> from stim_lib.datasets import load_seed_example
    >>> log = load_seed_example().assign(user_id="1")
    >>> model = SequenceModel("toy", length=4, stride=2, trunk="lstm", width=4)
    >>> model = model.fit(log[:3], log[3:])
    >>> model.score(log[3:], history=log).shape
    (1, 3)
    """

    def __init__(
        self,
        name: str,
        *,
        use_query_time: bool = False,
        length: int = 256,
        stride: int = 128,
        features: Any = None,
        seed: int = 0,
        training: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        if "time_known" in settings:
            raise ValueError("time_known: expected use_query_time, which says the same")
        self.name, self.use_query_time, self.seed = name, use_query_time, seed
        self.sequencer = Sequencer(length, stride)
        self.make_features = features
        self.training = dict(training or {})
        self.settings = settings
        self.catalogue = pd.Index([], name=schema.ITEM)

    def __str__(self) -> str:
        return self.name

    def prepare(self, train: pd.DataFrame) -> Self:
        """Learn names and popularity, and make the network, untrained.

        Parameters
        ----------
        train : DataFrame, shape (n_actions, n_columns)

        Raises
        ------
        ValueError
            If the log is empty.
        """
        self.sequencer.fit(train)
        items = self.sequencer.items
        self.catalogue = pd.Index(items.tokens, name=schema.ITEM)
        counts = np.bincount(items.encode(train[schema.ITEM]), minlength=len(items))
        self._popularity = counts / counts.sum()
        keras.utils.set_random_seed(self.seed)
        self.network = NextItem(
            len(items), len(self.sequencer.categories), len(self.sequencer.users),
            asked=self.sequencer.stride, time_known=self.use_query_time,
            popularity=self._popularity,
            features=None if self.make_features is None else self.make_features(items),
            **self.settings,
        )  # fmt: skip
        self.network.build()
        return self

    def fit(
        self,
        train: pd.DataFrame,
        validation: pd.DataFrame | None = None,
        **how: Any,
    ) -> Self:
        """Train on one part, stop by what comes after it.

        Parameters
        ----------
        train : DataFrame, shape (n_actions, n_columns)
        validation : DataFrame, optional
            Later actions, never learned from; they only say which epoch was best. Default: the
            last tenth of the training part's time, which then is not learned from either.
        **how
            Settings of `train_network` that are not part of the model: callbacks, log_folder,
            verbose.

        Raises
        ------
        ValueError
            If a part is empty, or has no two actions of one user to learn from.
        """
        self.prepare(train)
        if validation is None:
            learned, later = _hold_out(train)
            log = train
        else:
            learned, later = train, validation
            log = pd.concat([train, validation])
            if not log.index.is_unique:
                raise ValueError(
                    "validation: expected other rows than train, found the same labels"
                )
        windows = self.sequencer.training_windows
        self.curves = train_network(
            self.network,
            lambda: windows(learned),
            # Without a question that the vocabulary can answer there is nothing to stop by.
            (lambda: windows(log, later.index)) if any(windows(log, later.index)) else None,
            seed=self.seed,
            **self.training,
            **how,
        )
        return self

    def save_weights(self, path: str | Path) -> None:
        """Write the weights alone, as Keras does: a name that ends in .weights.h5."""
        self.network.save_weights(path)

    def load_weights(self, path: str | Path) -> Self:
        """Read weights into a network that `prepare` or `fit` has made from the same log."""
        self.network.load_weights(path)
        return self

    def score(self, queries: pd.DataFrame, *, history: pd.DataFrame) -> np.ndarray:
        """Probability of each item of the catalogue for each query.

        Parameters
        ----------
        queries : DataFrame, shape (n_queries, n_columns)
            user_id and timestamp; optionally local_time.
        history : DataFrame, shape (n_actions, n_columns)
            Any log; only what came strictly before each query is used.

        Returns
        -------
        ndarray of float32, shape (n_queries, n_items)
            Columns as in `catalogue`; rows sum to 1 or less, as what the network says of unknown
            places is left out.

        Raises
        ------
        ValueError
            Before `fit`.
        """
        if not len(self.catalogue):
            raise ValueError(f"{self}: call fit(train) before asking")
        batch, window, position = self.sequencer.query_windows(queries, history)
        scores = np.tile(self._popularity[FIRST:].astype(np.float32), (len(queries), 1))
        for first in range(0, len(batch["item"]), WINDOWS_AT_ONCE):
            some = {name: a[first : first + WINDOWS_AT_ONCE] for name, a in batch.items()}
            here = np.flatnonzero((window >= first) & (window < first + WINDOWS_AT_ONCE))
            answers = self.network.answer(some, window[here] - first, position[here])
            scores[here] = answers[:, FIRST:]
        return scores


def _hold_out(train: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    return splits.split_by_time(train, fractions=(1 - HELD_OUT, HELD_OUT))
