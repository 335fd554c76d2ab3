"""The corpus of stored predictions on disk: what corpus.py writes and comparisons read.

for stored in corpus_files.load():
    Convex...().fit(stored.train, stored.y, folds=stored.splits).predict(stored.test)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

#: Where the corpus is, unless said otherwise: outside the repository, as it is no source.
FOLDER = Path(os.environ.get("STACKMETA_CORPUS") or Path.home() / ".cache/stackmeta/corpus")


@dataclass(frozen=True, eq=False)
class Stored:
    """Predictions for one draw of training and test rows of one table.

    Attributes
    ----------
    table : str
        Name of the table.
    seed : int
        Which draw.
    task : {"binary", "multiclass", "regression"}
    n_classes : int
        0 for regression.
    names : ndarray of str of shape (n_learners,)
    fit_seconds : ndarray of shape (n_learners,)
        All fits of the learner together: one a fold, and the refit.
    train : ndarray of shape (n_rows, n_learners * n_outputs)
        Out-of-fold predictions, learner by learner: numbers, P(class 1), or a column a class.
    test : ndarray of shape (n_test_rows, n_learners * n_outputs)
        Predictions of the models that were refitted on all training rows.
    y, y_test : ndarray
        Class codes 0 … n_classes - 1, or numbers.
    fold : ndarray of shape (n_rows,)
        The fold that held the training row out.
    features, features_test : ndarray of float32 of shape (n_rows, n_features)
        Columns of the table as numbers: codes for categories, medians for missing values.
    feature_names : ndarray of str of shape (n_features,)
    """

    table: str
    seed: int
    task: str
    n_classes: int
    names: np.ndarray
    fit_seconds: np.ndarray
    train: np.ndarray
    test: np.ndarray
    y: np.ndarray
    y_test: np.ndarray
    fold: np.ndarray
    features: np.ndarray
    features_test: np.ndarray
    feature_names: np.ndarray

    @property
    def splits(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Training and held-out rows of each fold."""
        return [
            (np.flatnonzero(self.fold != k), np.flatnonzero(self.fold == k))
            for k in range(self.fold.max() + 1)
        ]

    @property
    def n_outputs(self) -> int:
        """Columns a learner."""
        return self.n_classes if self.task == "multiclass" else 1


def path_of(folder: Path, table: str, seed: int) -> Path:
    """File of one draw."""
    return folder / f"{table}-{seed}.npz"


def save(stored: Stored, folder: Path) -> None:
    """Write a file so that it is there whole or not at all."""
    path = path_of(folder, stored.table, stored.seed)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    with partial.open("wb") as file:
        np.savez_compressed(file, **{f.name: getattr(stored, f.name) for f in fields(stored)})
    partial.replace(path)


def load(folder: Path | str = FOLDER) -> Iterator[Stored]:
    """Read all draws that are there, by table and seed."""
    for path in sorted(Path(folder).glob("*.npz")):
        with np.load(path) as arrays:
            values = {f.name: arrays[f.name] for f in fields(Stored)}
        yield Stored(**{name: v if v.ndim else v.item() for name, v in values.items()})
