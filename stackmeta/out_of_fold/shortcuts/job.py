"""What a shortcut is given, and what it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...compat import safe_indexing
from ..folds import Split
from ..learner import Learner
from ..response import respond
from ..target import Target


class DeclinedError(Exception):
    """Raised by a shortcut whose conditions the data do not meet: fit plainly instead."""


@dataclass(frozen=True)
class Job:
    """One learner and all of its folds.

    Attributes
    ----------
    learner : Learner
    X : array-like of shape (n_rows, n_features)
        The learner's columns.
    target : Target
    splits : list of (train, test)
    seed : int or None
        Seeds the learner where its own ``random_state`` is None.
    keep_fold_models : bool, default=False
        Whether the fold models are what predicts new rows.
    """

    learner: Learner
    X: Any
    target: Target
    splits: list[Split]
    seed: int | None
    keep_fold_models: bool = False

    @property
    def weights(self) -> np.ndarray | None:
        """Weight of each row, of shape (n_rows,); None where all weigh the same.

        Raises
        ------
        DeclinedError
            If ``fit`` is given anything else, or a weight is negative.
        """
        params = self.learner.fit_params
        found = [value for key, value in params.items() if key.rpartition("__")[2] == WEIGHT]
        if len(found) < len(params):
            raise DeclinedError(f"fit parameters {sorted(params)}")
        if not found or found[0] is None:
            return None
        weights = np.asarray(found[0], dtype=np.float64)
        if weights.shape != (len(self.target.y),) or (weights < 0).any():
            raise DeclinedError("weights are negative, or not one a row")
        return weights

    def respond(self, model: Any, X: Any) -> np.ndarray:
        """Let a fitted model answer for rows ``X`` as the learner would."""
        return respond(model, X, self.learner.method, self.target)

    def respond_rows(self, model: Any, rows: np.ndarray) -> np.ndarray:
        """Let a fitted model answer for some rows of X, a part at a time: no large copy."""
        parts = np.array_split(rows, max(1, len(rows) // _ROWS_AT_ONCE))
        return np.concatenate([self.respond(model, safe_indexing(self.X, part)) for part in parts])


WEIGHT = "sample_weight"
_ROWS_AT_ONCE = 20_000


@dataclass
class Answer:
    """Out-of-fold predictions of all folds, and the models that came along.

    Attributes
    ----------
    blocks : list of ndarray of shape (n_held_out, n_columns)
        One a split.
    model : estimator, default=None
        Fitted on all rows.
    fold_models : list of estimators, default=None
        One a split.
    """

    blocks: list[np.ndarray]
    model: Any = None
    fold_models: list | None = None


class Shortcut(ABC):
    """All folds of a learner for about one fit.

    Subclasses hold no state: one is made for each learner that takes it.
    """

    #: How ``OutOfFold.paths`` calls it.
    path: ClassVar[str] = "closed form"
    #: Whether it equals refitting on every fold.
    exact: ClassVar[bool] = True
    #: Whether it is too cheap to be worth a worker process, and runs on threads beside X.
    light: ClassVar[bool] = False
    #: Whether its threads keep all cores busy, so that it runs alone, beside X, and neither data
    #: nor models travel.
    wide: ClassVar[bool] = False
    #: Whether it can stand in where the fold models are kept: it gives them, or, if it is
    #: approximate, a model fitted on all rows.
    gives_models: ClassVar[bool] = False
    #: Whether it reads rows as if any of them could have been held out with any other.
    needs_exchangeable: ClassVar[bool] = False

    @abstractmethod
    def accepts(self, estimator: Any) -> bool:
        """Whether type and parameters of the unfitted learner allow it."""

    @abstractmethod
    def run(self, job: Job) -> Answer:
        """Predict every fold's held-out rows.

        Raises
        ------
        DeclinedError
            If the data do not meet its conditions.
        """
