"""Learners whose fit reads the rows through sums only: add up the parts of each fold."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import Any, ClassVar, Protocol

import numpy as np
from sklearn.utils.validation import validate_data

from ...compat import safe_indexing, validate_params
from ..learner import clone_seeded
from ..plan import REFIT
from ..target import Target
from .job import Answer, DeclinedError, Job, Shortcut
from .parts import Parts, parts_of
from .table import check_numeric, chunks

# Beyond it, many small folds would keep more sums than the table has numbers.
_MOST_NUMBERS = 2**24


class Sums(Protocol):
    """Sums over rows, stacked by part, that merge into those of a fold's training rows."""

    @classmethod
    def stack(cls, items: list) -> Any:
        """Put the sums of several sets of rows side by side."""

    def merged(self, times: np.ndarray | None = None) -> Any:
        """Add up along the leading axis, each set taken ``times`` times."""


class FromSums(Shortcut):
    """A learner that can be fitted from sums over its training rows.

    Subclasses say which sums, and how a fitted learner follows from them. The held-out rows
    are predicted by the learner itself.
    """

    light = True
    gives_models = True
    #: Whether fit and predictions follow when columns are shifted and scaled.
    follows_scaling: ClassVar[bool] = False
    accept_sparse: ClassVar[bool] = False
    #: Whether it needs every class in every fold.
    classifies: bool = False

    def rows(self, X: Any, estimator: Any) -> Any:
        """Turn a block of rows into what is summed up; by default it is the block."""
        return X

    @abstractmethod
    def sums(self, X: Any, y: np.ndarray, weights: np.ndarray | None, target: Target) -> Any:
        """Sum over a block of rows: X float64 (or csr), y codes or numbers of the same rows."""

    @abstractmethod
    def fit(self, model: Any, sums: Any, first: Any, target: Target) -> None:
        """Set the attributes that ``model.fit`` on the summed rows would set.

        ``first`` is the first row of X, for :meth:`prepare`.

        Raises
        ------
        DeclinedError
            If the numbers cannot be trusted to the last eight digits.
        """

    def prepare(self, model: Any, first: Any, target: Target) -> None:
        """Set what the model knows of its columns and classes."""
        validate_data(model, first, skip_check_array=True)
        if self.classifies:
            model.classes_ = np.arange(target.n_classes)

    def n_numbers(self, n_columns: int, target: Target) -> int:
        """Count the numbers that the sums of one part hold."""
        return (n_columns + target.n_outputs) ** 2

    def run(self, job: Job) -> Answer:
        """Predict every fold's held-out rows; fit on all rows, too."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return self._run(job)

    def _run(self, job: Job) -> Answer:
        self.check(job, job.learner.estimator)
        if len(job.splits) * min(len(job.splits), len(job.target.y)) > _MOST_NUMBERS:
            raise DeclinedError("too many folds")
        first = safe_indexing(job.X, [0])
        blocks, models, refitted = {}, {}, None
        for parts in parts_of(job.splits, len(job.target.y)):
            if self.classifies:
                self._check_classes(job.target, parts)
            stacked = self._sums_of_parts(job, parts)
            for split, times in zip(parts.splits, parts.times, strict=True):
                models[split] = clone_seeded(job.learner, job.seed, split)
                self.fit(models[split], stacked.merged(times), first, job.target)
                blocks[split] = job.respond_rows(models[split], job.splits[split][1])
            if refitted is None:
                refitted = clone_seeded(job.learner, job.seed, REFIT)
                self.fit(refitted, stacked.merged(), first, job.target)
        folds = range(len(job.splits))
        return Answer([blocks[k] for k in folds], refitted, [models[k] for k in folds])

    def check(self, job: Job, estimator: Any) -> None:
        """Decline what the sums do not cover.

        Raises
        ------
        DeclinedError
            For tables, targets, folds and parameters that only a plain fit can tell about.
        """
        check_numeric(job.X, accept_sparse=self.accept_sparse)
        validate_params(estimator)
        target = job.target
        if target.kind == "multilabel" or (self.classifies and target.kind != "classes"):
            raise DeclinedError("several outputs")

    def _check_classes(self, target: Target, parts: Parts) -> None:
        counts = [np.bincount(target.y[rows], minlength=target.n_classes) for rows in parts.rows]
        if (parts.times @ np.stack(counts)).min() == 0:
            raise DeclinedError("a fold lacks a class")

    def _sums_of_parts(self, job: Job, parts: Parts) -> Any:
        n_numbers = self.n_numbers(job.X.shape[1], job.target)
        if len(parts.rows) * max(n_numbers, len(parts.splits)) > _MOST_NUMBERS:
            raise DeclinedError("too many parts")
        items, weights, estimator, y = [], job.weights, job.learner.estimator, job.target.y
        for rows in parts.rows:
            blocks = [
                self.sums(
                    self.rows(block, estimator), y[some], _rows_of(weights, some), job.target
                )
                for block, some in chunks(job.X, rows)
            ]
            items.append(blocks[0] if len(blocks) == 1 else type(blocks[0]).stack(blocks).merged())
        return type(items[0]).stack(items)


def _rows_of(weights: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if weights is None else weights[rows]
