"""How large the stack's residuals are, row by row, as its learners' predictions tell."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..out_of_fold.folds import Split

# Below so many rows nothing is learned: one size for all.
_LEAST_ROWS = 60
# No row is so sure as to have less than this share of the typical residual.
_FLOOR = 0.05
_QUANTILE = 0.8


class LocalScale:
    """Small boosted trees from learners' predictions to the size of the stack's residual.

    They read what is there already: the stack's prediction, what each learner says beside it, and
    how far the learners disagree. They are cross-fitted over the folds that made the
    predictions, so that the size that a row is given does not know its own residual.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_learners)
        Out-of-fold predictions.
    centre : ndarray of shape (n_rows,)
        Out-of-fold prediction of the stack.
    residual : ndarray of shape (n_rows,)
        Absolute residuals of the stack.
    splits : list of (train, test)
        Of these rows.

    Attributes
    ----------
    held_out : ndarray of shape (n_rows,)
        Size for each row, by the models of the other folds.
    """

    def __init__(
        self, matrix: np.ndarray, centre: np.ndarray, residual: np.ndarray, splits: list[Split]
    ) -> None:
        self.unit = float(np.median(residual)) or float(residual.mean()) or 1.0
        features = _features(matrix, centre)
        self.models = [_fit(features[train], residual[train] / self.unit) for train, _ in splits]
        total, times = np.zeros(len(centre)), np.zeros(len(centre))
        for model, (_, test) in zip(self.models, splits, strict=True):
            total[test] += self._answer(model, features[test])
            times[test] += 1
        self.held_out = total / np.maximum(times, 1)

    def predict(
        self, matrix: np.ndarray, centre: np.ndarray, fold: int | None = None
    ) -> np.ndarray:
        """Sizes for new rows, by the model of one fold or by all on average.

        Parameters
        ----------
        matrix : ndarray of shape (n_new, n_learners)
        centre : ndarray of shape (n_new,)
        fold : int, default=None

        Returns
        -------
        sizes : ndarray of shape (n_new,)
            Above zero.
        """
        features = _features(matrix, centre)
        models = self.models if fold is None else [self.models[fold]]
        return np.mean([self._answer(model, features) for model in models], axis=0)

    def _answer(self, model: Any, features: np.ndarray) -> np.ndarray:
        if model is None or not len(features):
            return np.full(len(features), self.unit)
        return np.maximum(model.predict(features), _FLOOR) * self.unit


def _features(matrix: np.ndarray, centre: np.ndarray) -> np.ndarray:
    beside = matrix - centre[:, None]
    return np.column_stack(
        [centre, np.nanstd(matrix, axis=1), np.nanmax(np.abs(beside), axis=1), beside]
    )


def _fit(features: np.ndarray, residual: np.ndarray) -> Any:
    if len(residual) < _LEAST_ROWS:
        return None
    from lightgbm import LGBMRegressor  # imported here for the sake of `import stackmeta`

    model = LGBMRegressor(
        objective="quantile",
        alpha=_QUANTILE,
        n_estimators=60,
        learning_rate=0.08,
        num_leaves=7,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.8,
        reg_lambda=1.0,
        n_jobs=1,
        random_state=0,
        verbosity=-1,
    )
    # The booster alone: it takes arrays without asking for names, and is small in a pickle.
    return model.fit(features, residual).booster_
