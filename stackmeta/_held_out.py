"""What models of folds say, for rows of fit and new ones: the base of intervals and sets."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._stack import BaseStack
from .compat import safe_indexing
from .evaluation.combined import check_rows_of_fit
from .evaluation.fold_combiners import FoldCombiners
from .meta_features import select_passthrough
from .out_of_fold.fold_average import FoldAverage
from .out_of_fold.folds import restrict_splits
from .out_of_fold.learner import take_columns
from .out_of_fold.response import respond

if TYPE_CHECKING:
    from .evaluation.findings import Audit

_ROWS_AT_ONCE = 10_000
_METHODS = ("cv", "cv+")


@dataclass
class Kept:
    """What intervals or sets need of a fit, computed when first asked for.

    Attributes
    ----------
    conformal : Intervals or PredictionSets
        Scores of the rows that were held out.
    combiners : FoldCombiners or None
        The meta-learner of each fold; None where predictions are those of the whole stack.
    """

    conformal: Any
    combiners: FoldCombiners | None


class HeldOutStack(BaseStack):
    """Mixin: predictions that the models of the folds make, for rows of fit and new ones."""

    def audit(self, X: Any, y: Any = None) -> Audit:
        """Look for leaks in the table, the split and the learners of this fit.

        As :func:`stackmeta.audit`, over the folds of the fit, and for learners that predict
        held-out rows as well as those they were fitted on, and far better than all others.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            The table of ``fit``.
        y : array-like of shape (n_samples,), default=None
            The target of ``fit``, which is known: it is only compared.

        Returns
        -------
        audit : Audit
            A sequence of findings; empty where nothing was found.

        Raises
        ------
        AttributeError
            If the stack was fitted with ``keep_oof=False``.
        ValueError
            If X or y is not that of ``fit``, or it was fitted with ``cv="prefit"``.
        """
        from .evaluation.audit import audit_fit

        oof = self._kept_oof("audit()")
        if isinstance(self.cv, str):
            raise ValueError('cv="prefit": there are no folds to audit. Use stackmeta.audit.')
        if y is not None and not np.array_equal(np.asarray(y), oof.y):
            raise ValueError("y is not the target of fit: leave it out, or pass that one.")
        return audit_fit(X, oof, self._blocks)

    def _check_conformal(self, caller: str, coverage: float, method: str) -> None:
        """Refuse, before any work, what cannot be answered."""
        self._kept_oof(f"{caller}()")
        if not 0 < coverage < 1:
            raise ValueError(f"coverage must be between 0 and 1, such as 0.9; got {coverage!r}.")
        if method not in _METHODS:
            raise ValueError(f"method must be one of {_METHODS}; got {method!r}.")
        if method == "cv+" and not self._has_fold_models():
            raise ValueError(
                'method="cv+" asks the models of the folds, which were not kept: fit with '
                'refit=False, or use method="cv".'
            )

    def _has_fold_models(self) -> bool:
        return any(isinstance(model, FoldAverage) for _, model in self._models())

    def _kept(self, method: str, X_fit: Any) -> Kept:
        plus = method == "cv+"
        kept = self.__dict__.setdefault("_conformal", {})
        if plus not in kept:
            kept[plus] = self._calibrated(plus, X_fit)
        return kept[plus]

    def _calibrated(self, plus: bool, X_fit: Any) -> Kept:
        """Score the rows of fit."""
        combiners = None
        if plus and not hasattr(self.final_estimator_, "cross_fitted_"):
            combiners = self._fold_combiners(X_fit)
            block, method = combiners.block, combiners.method
        else:
            found = self._out_of_fold_stack(X_fit)
            block, method = found.block, found.method
        oof = self.oof_
        rows = np.flatnonzero(~np.isnan(block).any(axis=1))
        splits = restrict_splits(oof.splits, rows, len(block))
        groups = None if oof.groups is None else oof.groups[rows]
        conformal = self._conformal_of(block[rows], method, rows, splits, groups)
        return Kept(conformal, combiners)

    def _conformal_of(
        self, block: np.ndarray, method: str, rows: np.ndarray, splits: list, groups: Any
    ) -> Any:
        raise NotImplementedError

    def _fold_combiners(self, X_fit: Any) -> FoldCombiners:
        oof, passed = self.oof_.select(list(self._columns)), None
        if self.passthrough is not False:
            check_rows_of_fit(X_fit, len(oof.target.y), self.passthrough)
            passed = select_passthrough(X_fit, self.passthrough)
        task = self._final_task(oof, passed, self._final_params)
        return FoldCombiners(self.final_estimator_, task, oof.target, n_jobs=self.n_jobs)

    def _views(self, X: Any, kept: Kept, method: str) -> list[tuple[np.ndarray, np.ndarray]]:
        """Predictions of learners and stack for new rows: one pair, or one a fold."""
        n_rows = X.shape[0]
        parts = []
        for start in range(0, n_rows, _ROWS_AT_ONCE):
            part = X
            if n_rows > _ROWS_AT_ONCE:
                part = safe_indexing(X, np.arange(start, min(start + _ROWS_AT_ONCE, n_rows)))
            parts.append(self._views_of_part(part, kept, method))
        return [
            (np.concatenate([p[k][0] for p in parts]), np.concatenate([p[k][1] for p in parts]))
            for k in range(len(parts[0]))
        ]

    def _views_of_part(self, X: Any, kept: Kept, method: str) -> list:
        if method == "cv":
            blocks = self._blocks(X)
            return [(_side_by_side(blocks), self._answer(blocks, X, None, None))]
        return [
            (_side_by_side(blocks), self._answer(blocks, X, kept.combiners, fold))
            for fold, blocks in enumerate(self._fold_blocks(X))
        ]

    def _fold_blocks(self, X: Any) -> list[dict[str, np.ndarray]]:
        """Predictions of each fold's models; of a learner without them, always the same."""
        n_folds = len(self.oof_.splits)
        found: list[dict[str, np.ndarray]] = [{} for _ in range(n_folds)]
        with self._sharing(X):
            for (name, model), method in zip(self._models(), self.stack_method_, strict=True):
                if not isinstance(model, FoldAverage):
                    block = self._block(X, name, model, method)
                    for blocks in found:
                        blocks[name] = block
                    continue
                columns = take_columns(X, self._reads[name])
                pairs = zip(model.models, model.present, strict=True)
                for blocks, (one, present) in zip(found, pairs, strict=True):
                    blocks[name] = respond(one, columns, method, self._target, present)
        return found

    def _sharing(self, X: Any) -> Any:
        """Let learners share what they make of X; by default each makes its own."""
        return nullcontext()

    def _answer(
        self, blocks: dict[str, np.ndarray], X: Any, combiners: Any, fold: int | None
    ) -> np.ndarray:
        """Predict with the meta-learner, or with that of one fold."""
        raise NotImplementedError


def _side_by_side(blocks: dict[str, np.ndarray]) -> np.ndarray:
    return np.hstack(list(blocks.values()))
