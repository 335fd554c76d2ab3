"""Meta-features of new rows, and their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from .compat import check_feature_names_in, is_pandas, is_polars, transform_output
from .meta_features import as_array, join, prediction_names, select_passthrough
from .out_of_fold.learner import take_columns
from .out_of_fold.response import respond


class MetaFeatures(TransformerMixin):
    """Mixin: the fitted learners' predictions as columns."""

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "named_estimators_")

    @property
    def n_features_in_(self) -> int:
        """Number of features seen during fit."""
        try:
            check_is_fitted(self)
        except NotFittedError as error:
            raise AttributeError(
                f"{type(self).__name__} object has no attribute n_features_in_"
            ) from error
        for name, model in self._models():
            if self._reads[name] is None:
                return model.n_features_in_
        return self._n_features_in

    def _models(self) -> list[tuple[str, Any]]:
        """Learners that predict, by name."""
        models = [(name, self.named_estimators_[name]) for name in self._columns]
        return [(name, model) for name, model in models if not isinstance(model, str)]

    def _blocks(self, X: Any) -> dict[str, np.ndarray]:
        check_is_fitted(self)
        return {
            name: self._block(X, name, model, method)
            for (name, model), method in zip(self._models(), self.stack_method_, strict=True)
        }

    def _block(self, X: Any, name: str, model: Any, method: str) -> np.ndarray:
        try:
            return respond(model, take_columns(X, self._reads[name]), method, self._target)
        except Exception as error:
            error.add_note(f"stackmeta: learner {name!r} failed in {method}.")
            raise

    def _column_names(self, columns: dict[str, slice], passed: Any) -> list[str]:
        """Name the prediction columns apart from those of a passed-through frame."""
        widths = [columns[name].stop - columns[name].start for name in columns]
        taken = list(passed.columns) if is_pandas(passed) or is_polars(passed) else []
        return prediction_names(type(self).__name__.lower(), list(columns), widths, taken)

    def transform(self, X: Any) -> Any:
        """Return the predictions of the fitted learners for X, as meta-features.

        For the rows of ``fit`` these are in-sample.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        meta_features : {ndarray, sparse matrix, DataFrame} of shape (n_samples, n_meta_features)
            Predictions, followed by the columns of X that ``passthrough`` names.
        """
        blocks = self._blocks(X)
        used = {name: self._columns[name] for name in blocks}
        return self._joined(np.hstack(list(blocks.values())), used, X)

    def _joined(self, matrix: np.ndarray, columns: dict[str, slice], X: Any) -> Any:
        passed = select_passthrough(X, self.passthrough)
        meta_features = join(matrix, self._column_names(columns, passed), passed)
        return as_array(meta_features) if transform_output(self) == "default" else meta_features

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Name the columns of ``transform``.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of X, used with ``passthrough``; those seen in fit, or x0,
            x1, … by default.

        Returns
        -------
        names : ndarray of str
        """
        check_is_fitted(self)
        passes = self.passthrough is not False
        features = check_feature_names_in(self, input_features, generate_names=passes)
        passed: list[str] = []
        if passes:
            keep = (
                slice(None)
                if self.passthrough is True
                else _positions(list(self.passthrough), features)
            )
            passed = list(np.asarray(features, dtype=object)[keep])
        used = [name for name, _ in self._models()]
        widths = [self._columns[name].stop - self._columns[name].start for name in used]
        names = prediction_names(type(self).__name__.lower(), used, widths, passed)
        return np.asarray([*names, *passed], dtype=object)


def _positions(columns: list, features: np.ndarray) -> list[int]:
    """Positions of columns given by name, number or mask."""
    if all(isinstance(c, (bool, np.bool_)) for c in columns):
        return list(np.flatnonzero(columns))
    known = {name: i for i, name in enumerate(features)}
    return [known[c] if isinstance(c, str) else int(c) for c in columns]
