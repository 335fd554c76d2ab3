"""Folds of few labelled rows: one row of each class is held out at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.utils import check_random_state


class OneOfEachClassOut:
    """Leave one row of *each* class out, so that training rows keep the shares of the classes.

    Leaving out single rows would make the class of a row rarer for the very prediction of that
    row: learners that know nothing but the shares would be worse than guessing. A class with one
    row is always trained on, never held out: what could be predicted for it knows nothing of the
    class.

    Where fewer than two classes have a second row, each class is left out as a whole. Nothing can
    be learned about learners there, and nothing is: :func:`~stackmeta.out_of_fold` gives the
    unknown class the same probability for all of them, and so combiners that start from equal
    weights stay there.

    Parameters
    ----------
    max_folds : int, default=5
        Most folds; with more rows of a class, several of them are held out at once.
    random_state : int, RandomState instance or None, default=None
        Which rows are held out together.

    Examples
    --------
    >>> from stackmeta.learners.few_shot import OneOfEachClassOut
    >>> y = ["a", "a", "b", "b", "c"]
    >>> for train, held_out in OneOfEachClassOut(random_state=0).split(y, y):
    ...     print(train, held_out)
    [1 3 4] [0 2]
    [0 2 4] [1 3]
    """

    def __init__(self, max_folds: int = 5, random_state: Any = None) -> None:
        if max_folds < 2:
            raise ValueError(f"max_folds must be at least 2, not {max_folds!r}.")
        self.max_folds = max_folds
        self.random_state = random_state

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Say how many folds there are.

        Parameters
        ----------
        X : ignored
        y : array-like of shape (n_rows,)
            Classes.
        groups : ignored

        Returns
        -------
        n_folds : int
        """
        if y is None:
            raise ValueError("How many folds there are depends on y: give it.")
        counts = np.unique(np.asarray(y), return_counts=True)[1]
        if (counts > 1).sum() < 2:
            return len(counts)
        return min(int(counts.max()), self.max_folds)

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give the training and held-out rows of each fold.

        Parameters
        ----------
        X : ignored
        y : array-like of shape (n_rows,)
            Classes.
        groups : ignored

        Yields
        ------
        train, held_out : ndarray
            Rows.
        """
        n_folds = self.get_n_splits(y=y)
        codes, counts = np.unique(np.asarray(y), return_inverse=True, return_counts=True)[1:]
        rng = check_random_state(self.random_state)
        fold = np.full(len(codes), -1)
        if (counts > 1).sum() < 2:
            fold = codes
        else:
            for code in np.flatnonzero(counts > 1):
                # A class with fewer rows than there are folds is not held out in all of them.
                start = rng.randint(n_folds)
                rows = rng.permutation(np.flatnonzero(codes == code))
                fold[rows] = (start + np.arange(len(rows))) % n_folds
        everything = np.arange(len(codes))
        for number in range(n_folds):
            yield everything[fold != number], everything[fold == number]
