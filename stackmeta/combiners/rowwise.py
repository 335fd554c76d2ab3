"""What combiners share whose weights depend on the row: reading columns beside the predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..compat import safe_indexing
from .columns import find_columns
from .combiner import BaseCombiner

if TYPE_CHECKING:
    from .row_reader import RowReader


class RowwiseCombiner(BaseCombiner):
    """A combiner that reads columns beside the predictions.

    ``predictions.others`` holds them as a matrix of numbers, or None where there are none: in
    ``fit`` and in ``predict``, the columns and their scale being those of ``fit``.

    Parameters
    ----------
    feature_columns : slice, list of int or str, default=None
        Which columns to read. None: all that are no predictions.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions. None: all, so that there are no others.
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseCombiner._parameter_constraints,
        "feature_columns": [None, slice, "array-like"],
    }

    _row_reader: RowReader | None

    def __init__(self, *, feature_columns: Any = None, prediction_columns: Any = None) -> None:
        super().__init__(prediction_columns=prediction_columns)
        self.feature_columns = feature_columns

    def _read_others(self, X: Any, *, reset: bool) -> np.ndarray | None:
        """Read the chosen columns as numbers of about unit variance; None if there are none."""
        if reset:
            self._row_reader = None
        if self.prediction_columns is None:
            if self.feature_columns is None:
                return None
            raise ValueError(
                f"feature_columns={self.feature_columns!r} needs prediction_columns, without "
                "which all columns of X are predictions. Set both, such as prediction_columns=3, "
                "feature_columns=['age']; a stack of this package sets prediction_columns "
                "itself, given passthrough=True."
            )
        if not hasattr(X, "shape"):
            X = np.asarray(X, dtype=object)
        names = np.asarray(X.columns) if hasattr(X, "columns") else self._feature_names()
        columns = self._find_others(X.shape[1], names)
        if reset and columns:
            from .row_reader import RowReader  # which loads pandas

            labels = [f"x{i}" if names is None else str(names[i]) for i in columns]
            self._row_reader = RowReader(labels).fit(safe_indexing(X, columns, axis=1))
        if self._row_reader is None or not self._row_reader.names:
            return None
        return self._row_reader.transform(safe_indexing(X, columns, axis=1))

    def _find_others(self, width: int, names: np.ndarray | None) -> list[int]:
        """Positions of the columns to read."""
        positions = np.arange(width)
        if self.feature_columns is None:
            taken = find_columns(self.prediction_columns, width, names)
            return np.setdiff1d(positions, positions[taken]).tolist()
        try:
            return positions[find_columns(self.feature_columns, width, names)].tolist()
        except ValueError as error:
            message = str(error).replace("prediction_columns", "feature_columns")
            raise ValueError(message) from None
