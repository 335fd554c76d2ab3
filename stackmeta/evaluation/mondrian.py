"""Conformal guarantees for kinds of rows: what a new row is compared with."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .conformal import row_weights

_N_BINS = 5


class Kinds:
    """Which held-out rows stand for which new rows.

    Parameters
    ----------
    known : array-like of shape (n_rows,)
        Kind of each held-out row.
    groups : ndarray of shape (n_rows,), or None
        What was drawn together.
    coverage : float
        A kind of too few rows (or groups) for it is compared with all rows.
    """

    def __init__(self, known: Any, groups: np.ndarray | None, coverage: float) -> None:
        self._known = np.asarray(known)
        self._groups, self._coverage = groups, coverage

    def parts(self, new: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give new rows, and the held-out rows they are compared with, kind by kind."""
        new = np.asarray(new)
        too_few = []
        for kind in np.unique(new):
            rows = np.flatnonzero(self._known == kind)
            if self.weights(rows).sum() < self._coverage:
                too_few.append(kind.item() if hasattr(kind, "item") else kind)
                rows = np.arange(len(self._known))
            yield np.flatnonzero(new == kind), rows
        if too_few:
            what = "rows" if self._groups is None else "groups"
            shown = ", ".join(map(repr, too_few[:5])) + (", …" if len(too_few) > 5 else "")
            warnings.warn(
                f"by: too few {what} of fit are of kind {shown} for a coverage of "
                f"{self._coverage:g} among them. They are compared with all rows of fit.",
                stacklevel=2,
            )

    def weights(self, rows: np.ndarray) -> np.ndarray:
        """Weigh some held-out rows as :func:`row_weights` does."""
        return row_weights(len(rows), None if self._groups is None else self._groups[rows])


def bins_of(known: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Cut numbers at the fifths of those that are known."""
    edges = np.quantile(known, np.linspace(0, 1, _N_BINS + 1)[1:-1])

    def cut(values: np.ndarray) -> np.ndarray:
        return np.searchsorted(edges, values)

    return cut
