"""Out-of-fold predictions of learners and stack, and any loss of them over any rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..out_of_fold import OutOfFold
from ..out_of_fold.losses import (
    default_loss,
    full_probabilities,
    loss_of_block,
    row_losses,
    score_of_block,
)
from ..out_of_fold.target import Target
from .uncertainty import Clusters, Measured


@dataclass(frozen=True)
class Candidate:
    """Out-of-fold predictions of one learner, or of the stack.

    Attributes
    ----------
    block : ndarray of shape (n_rows, n_columns)
        In the columns of an :class:`OutOfFold`; NaN where there is none.
    method : str
        What it answered with.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.evaluation import Candidate
    >>> Candidate(np.array([[0.2], [0.7]]), "predict_proba").block.shape
    (2, 1)
    """

    block: np.ndarray
    method: str


# Scorers that are minus a default loss, and are measured as that.
_SAME = {
    "neg_log_loss": "log_loss",
    "neg_root_mean_squared_error": "root_mean_squared_error",
}


class Judge:
    """Measures losses of candidates, each over the rows that it predicts or those it is told.

    Parameters
    ----------
    candidates : dict of str to Candidate
    target : Target
        With y.
    scoring : str or callable, default=None
        A scorer, the loss being minus its score. None: the loss that all can be compared by.
    groups : array-like of shape (n_rows,), default=None
        What was drawn together.

    Attributes
    ----------
    loss_name : str
    """

    def __init__(
        self,
        candidates: dict[str, Candidate],
        target: Target,
        scoring: Any = None,
        groups: Any = None,
    ) -> None:
        self.candidates, self.target = candidates, target
        self.scoring = scoring
        self.groups = None if groups is None else np.asarray(groups)
        usual = default_loss(target, {name: c.method for name, c in candidates.items()})
        if scoring is None or (isinstance(scoring, str) and _SAME.get(scoring) == usual):
            self.scoring, self.loss_name = None, usual
        else:
            self.loss_name = f"-{scoring}" if isinstance(scoring, str) else f"-{_name(scoring)}"

    @property
    def positive(self) -> bool:
        """Whether the loss is never below zero."""
        return self.scoring is None

    def clusters(self, rows: np.ndarray) -> Clusters:
        """Say what was drawn independently among some rows."""
        return Clusters(len(rows), None if self.groups is None else self.groups[rows])

    def rows(self, *names: str) -> np.ndarray:
        """Rows that all the named candidates predict."""
        known = [~np.isnan(self.candidates[name].block).any(axis=1) for name in names]
        return np.flatnonzero(np.all(known, axis=0))

    def comparable(self, name: str) -> bool:
        """Whether the loss can be computed: not of a score for each pair of classes."""
        candidate = self.candidates[name]
        pairs = candidate.method == "decision_function"
        return not pairs or candidate.block.shape[1] == self.target.n_columns(candidate.method)

    def measure(self, candidate: Candidate, rows: np.ndarray) -> Measured:
        """Loss of a candidate over some rows, with what each cluster did to it."""
        clusters = self.clusters(rows)
        block, method = candidate.block[rows], candidate.method
        if self.scoring is not None:
            return clusters.jackknife(lambda part: self._value(block[part], method, rows[part]))
        if self.loss_name == "root_mean_squared_error":
            y = self.target.y[rows].reshape(len(rows), -1)
            return clusters.root_mean((block - y) ** 2)
        return clusters.mean(self.row_losses(candidate, rows))

    def value(self, candidate: Candidate, rows: np.ndarray) -> float:
        """Loss of any predictions over some rows, and no more."""
        return self._value(candidate.block[rows], candidate.method, rows)

    def _value(self, block: np.ndarray, method: str, rows: np.ndarray) -> float:
        target = replace(self.target, y=self.target.y[rows])
        if self.scoring is None:
            return loss_of_block(block, method, target, self.loss_name)
        return -score_of_block(block, method, target, self.scoring)

    def row_losses(self, candidate: Candidate, rows: np.ndarray) -> np.ndarray:
        """Loss of each row: squared error, minus log probability, or 0 and 1."""
        block, y = candidate.block[rows], self.target.y[rows]
        if self.loss_name != "log_loss":
            return row_losses(block, rows, candidate.method, self.target, "error_rate")
        probabilities = full_probabilities(block, candidate.method, self.target)
        if self.target.kind == "multilabel":
            truth = np.where(y == 1, probabilities, 1 - probabilities)
        else:
            truth = probabilities[np.arange(len(y)), y][:, None]
        # As in sklearn.metrics.log_loss.
        least = np.finfo(truth.dtype).eps
        return -np.log(np.clip(truth, least, 1 - least)).mean(axis=1)


def candidates_of(oof: OutOfFold) -> dict[str, Candidate]:
    """Read the learners of an OutOfFold."""
    return {name: Candidate(oof.block(name), oof.methods[name]) for name in oof.names}


def _name(scoring: Any) -> str:
    return getattr(scoring, "__name__", type(scoring).__name__)
