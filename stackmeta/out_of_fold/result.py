"""OutOfFold: the matrix of out-of-fold predictions and what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from .display import as_html, as_text
from .fold_average import vote
from .folds import Split, covered_rows
from .learner import take_columns
from .losses import default_loss, full_probabilities, loss_of_block, score_of_block
from .response import PROBABILITIES, respond
from .target import Target

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class FitRecord:
    """When and where one fit ran.

    Attributes
    ----------
    name : str
        Learner.
    fold : int
        Position in ``splits``; -1 for the refit on all rows; -2 for a shortcut, which stands
        for all folds and the refit.
    seconds : float
        Fit and prediction together.
    started : float
        :func:`time.time` at the start.
    worker : int
        Process id.
    """

    name: str
    fold: int
    seconds: float
    started: float
    worker: int


def slices_of(widths: Mapping[str, int]) -> dict[str, slice]:
    """Columns of each learner, given how many each has."""
    ends = [0, *accumulate(widths.values())]
    return {name: slice(a, b) for name, a, b in zip(widths, ends[:-1], ends[1:], strict=True)}


def _mean(repeats: np.ndarray) -> np.ndarray:
    """Mean over repeats of what is there; NaN where nothing is."""
    there = ~np.isnan(repeats)
    with np.errstate(invalid="ignore"):
        return np.where(there, repeats, 0).sum(axis=0) / there.sum(axis=0)


def _index(labels: np.ndarray, names: list) -> pd.Index:
    import pandas as pd

    if len(names) > 1:
        return pd.MultiIndex.from_tuples(labels.tolist(), names=names)
    return pd.Index(labels, name=names[0])


@dataclass
class OutOfFold:
    """Predictions for rows that the predicting model never saw.

    Attributes
    ----------
    by_repeat : ndarray of shape (n_repeats, n_rows, n_columns)
        The predictions of each repeat; NaN where no fold of that repeat held the row out.
    columns : dict of str -> slice
        The columns of each learner. Regression: a column a target. Binary: P(class 1).
        Multiclass: a column a class. Multilabel: a column an output.
    splits : list of (train, test)
        The rows of each fold.
    methods : dict of str -> str
        The method that each learner answered with.
    target : Target
        The encoded y and its classes.
    paths : dict of str -> str
        How each learner came by its predictions: "refit" (a fit for each fold), "closed
        form", "out-of-bag", "fewer trees" or "Newton" (shortcuts), "given" (columns of X),
        "prefit"; or why it is not in the stack: "failed", "time limit", "not needed" (it
        would have come after learners that hardly helped), "no weight".
    models : dict of str -> estimator
        The models for new rows: each learner refitted on all rows, or the average of its
        fold models. Empty where neither was asked for.
    learner_columns : dict of str -> object
        The columns of X that each learner reads; None for all.
    label_learners : frozenset of str
        Learners whose predictions are class codes: repeats vote instead of being averaged.
    index : Index or None
        The row labels of X, if it was a pandas DataFrame.
    groups : ndarray of shape (n_rows,), or None
        The group of each row, where ``fit`` was given groups.
    records : list of FitRecord
        Every fit that was done.
    """

    by_repeat: np.ndarray
    columns: dict[str, slice]
    splits: list[Split]
    methods: dict[str, str]
    target: Target
    paths: dict[str, str]
    models: dict[str, Any] = field(default_factory=dict)
    learner_columns: dict[str, Any] = field(default_factory=dict)
    label_learners: frozenset[str] = frozenset()
    index: Any = None
    groups: Any = None
    records: list[FitRecord] = field(default_factory=list)

    def __getstate__(self) -> dict[str, Any]:
        # Of arrays alone: skops files cannot hold an index of pandas.
        labels = None if self.index is None else (self.index.to_numpy(), list(self.index.names))
        return {**self.__dict__, "index": labels}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.index is not None:
            self.index = _index(*self.index)

    @cached_property
    def matrix(self) -> np.ndarray:
        """Predictions averaged over repeats, (n_rows, n_columns); NaN where there is none.

        Log probabilities are averaged as probabilities; class codes are voted on.
        """
        if len(self.by_repeat) == 1:
            return self.by_repeat[0]
        matrix = np.empty(self.by_repeat.shape[1:], dtype=self.by_repeat.dtype)
        for name, columns in self.columns.items():
            repeats = self.by_repeat[:, :, columns]
            if name in self.label_learners:
                matrix[:, columns] = vote(repeats)
            elif self.methods[name] == "predict_log_proba":
                with np.errstate(divide="ignore"):
                    matrix[:, columns] = np.log(_mean(np.exp(repeats)))
            else:
                matrix[:, columns] = _mean(repeats)
        return matrix

    @property
    def names(self) -> list[str]:
        """Learners that have predictions, in the order of the columns."""
        return list(self.columns)

    @property
    def classes(self) -> Any:
        """The original class labels; None for numbers."""
        return self.target.classes

    @property
    def y(self) -> np.ndarray:
        """The target with its original labels."""
        return self.target.original_y

    @property
    def covered(self) -> np.ndarray:
        """Positions of the rows that at least one fold held out."""
        return covered_rows(self.splits, self.by_repeat.shape[1])

    @property
    def predictions(self) -> np.ndarray:
        """The matrix as (n_rows, n_learners, n_outputs); a binary target has 2 outputs.

        Raises
        ------
        ValueError
            If learners differ in the number of their columns.
        """
        blocks = [self.block(name) for name in self.names]
        if self.target.kind == "classes" and self.target.n_classes == 2:
            blocks = [
                self._both_classes(name, block)
                for name, block in zip(self.names, blocks, strict=True)
            ]
        widths = {name: b.shape[1] for name, b in zip(self.names, blocks, strict=True)}
        if len(set(widths.values())) > 1:
            raise ValueError(
                f"Learners differ in their number of columns, {widths}: predictions has no "
                "third axis that fits all. Use matrix and columns."
            )
        return np.stack(blocks, axis=1)

    def _both_classes(self, name: str, block: np.ndarray) -> np.ndarray:
        method = self.methods[name]
        if method not in PROBABILITIES:
            return block
        with np.errstate(divide="ignore"):
            both = full_probabilities(block, method, self.target)
            return np.log(both) if method == "predict_log_proba" else both

    @property
    def fit_seconds(self) -> dict[str, float]:
        """Seconds that all fits of each learner took together."""
        seconds = dict.fromkeys(self.paths, 0.0)
        for record in self.records:
            seconds[record.name] += record.seconds
        return seconds

    def block(self, name: str) -> np.ndarray:
        """Columns of one learner, of shape (n_rows, n_columns)."""
        return self.matrix[:, self.columns[name]]

    def select(self, names: Sequence[str]) -> OutOfFold:
        """Keep the columns of the named learners; the others have failed since.

        Parameters
        ----------
        names : sequence of str

        Returns
        -------
        oof : OutOfFold
        """
        blocks = [self.by_repeat[:, :, self.columns[name]] for name in names]
        return replace(
            self,
            by_repeat=np.concatenate(blocks, axis=2),
            columns=slices_of(dict(zip(names, [b.shape[2] for b in blocks], strict=True))),
            models={name: model for name, model in self.models.items() if name in names},
            paths=self.paths | dict.fromkeys(set(self.names) - set(names), "failed"),
        )

    def loss(self, scoring: Any = None) -> dict[str, float]:
        """Out-of-fold loss of each learner, over the rows that it has predictions for.

        Parameters
        ----------
        scoring : str or callable, default=None
            A scikit-learn scorer; the loss is minus its score. By default root mean squared
            error for regression, log loss for probabilities, and the error rate where some
            learner gives no probabilities (``loss_name`` says which).

        Returns
        -------
        losses : dict of str -> float
        """
        losses = {}
        for name in self.names:
            block, method = self.block(name), self.methods[name]
            rows = np.flatnonzero(~np.isnan(block).any(axis=1))
            target = replace(self.target, y=self.target.y[rows])
            if scoring is None:
                losses[name] = loss_of_block(block[rows], method, target, self.loss_name)
            else:
                losses[name] = -score_of_block(block[rows], method, target, scoring)
        return losses

    @property
    def loss_name(self) -> str:
        """Name of the default loss."""
        return default_loss(self.target, {name: self.methods[name] for name in self.names})

    def predict_matrix(self, X: Any) -> np.ndarray:
        """Predict new rows with the models, in the columns of ``matrix``.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)

        Returns
        -------
        matrix : ndarray of shape (n_rows, n_columns)

        Raises
        ------
        ValueError
            If no models were kept.
        """
        if missing := [name for name in self.names if name not in self.models]:
            raise ValueError(
                f"No model of {missing} was kept; call out_of_fold(..., refit=True) or "
                "keep_models=True to predict new rows."
            )
        return np.hstack(
            [
                respond(
                    self.models[name],
                    take_columns(X, self.learner_columns.get(name)),
                    self.methods[name],
                    self.target,
                )
                for name in self.names
            ]
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the matrix as a DataFrame, a named column a prediction."""
        import pandas as pd

        return pd.DataFrame(self.matrix, index=self.index, columns=self.column_names())

    def column_names(self) -> list[str]:
        """Name the columns: the learner, followed by the class or output where it has several."""
        names = []
        for name, columns in self.columns.items():
            width = columns.stop - columns.start
            if width == 1:
                names.append(name)
                continue
            one_a_class = self.target.kind == "classes" and width == self.target.n_classes
            labels = self.classes if one_a_class else range(width)
            names.extend(f"{name}_{label}" for label in labels)
        return names

    def __repr__(self) -> str:
        return (
            f"OutOfFold({len(self.names)} learners, {self.by_repeat.shape[1]} rows, "
            f"{len(self.splits)} folds, {len(self.by_repeat)} repeats)"
        )

    def __str__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        """Show the learners with their losses in notebooks."""
        return as_html(self)
