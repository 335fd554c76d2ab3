"""What both drop-in stacks do: wire level 0 to the meta-learner. No algorithm lives here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import get_config
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from ._honest import Honest
from ._level0 import Level0, Prepared
from ._seeing import Seeing
from ._updating import update
from .compat import HasMethods, StrOptions, VisualBlock, fit_context, safe_indexing, with_callbacks
from .meta_features import CombinerTask, join, restrict_to_classes, select_passthrough
from .out_of_fold.cross_fit import CrossFit
from .out_of_fold.folds import covered_rows, restrict_splits
from .out_of_fold.learner import (
    Learner,
    check_all_fitted,
    clone_seeded,
    rows_of_params,
    take_columns,
)
from .out_of_fold.plan import REFIT
from .out_of_fold.prefit import prefit_out_of_fold
from .out_of_fold.response import respond
from .out_of_fold.result import OutOfFold, slices_of
from .out_of_fold.target import Target, fold_labels, plain
from .rehearsal import check_readable, check_takes_outputs, wants_prediction_columns
from .routing import StackRouting

if TYPE_CHECKING:
    from .evaluation.judging import Candidate
    from .inspection.inspected import Inspected


def final_estimator_has(method: str) -> Callable[[Any], bool]:
    """Check that the meta-learner (the default one, if none is set) has ``method``."""

    def check(stack: Any) -> bool:
        final = getattr(stack, "final_estimator_", None)
        getattr(stack._final_or_default() if final is None else final, method)
        return True

    return check


class BaseStack(Honest, Seeing, StackRouting, Level0):
    """Mixin that gives scikit-learn's stacks the out-of-fold engine."""

    _parameter_constraints: dict = {
        **Level0._parameter_constraints,
        "final_estimator": [None, HasMethods("fit")],
        "cv": ["cv_object", StrOptions({"prefit"})],
        "keep_oof": ["boolean"],
    }

    _has_meta_learner = True

    def _final_or_default(self) -> Any:
        return self._default_final() if self.final_estimator is None else self.final_estimator

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, groups: Any = None, **fit_params: Any) -> BaseStack:
        """Fit the learners out of fold, the meta-learner on their predictions, and refit.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target.
        groups : array-like of shape (n_samples,), default=None
            Group of each row, passed to the splitter (and to stacks inside this one). With
            ``cv`` an int or None, folds are made so that no group straddles two of them.
        **fit_params : dict
            Without metadata routing: ``sample_weight`` for all learners and the
            meta-learner, ``learner__parameter`` for one learner. With it: whatever learners,
            meta-learner and splitter request.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            Before the first fit, if names, target, splits, columns or methods do not fit
            together; or if every learner failed.
        TypeError
            If sample weights are given to a learner that takes none.
        TimeoutError
            If ``time_limit`` ended before one learner was done.
        """
        ready = self._prepare(X, y, groups, fit_params)
        self._check_combiner(ready)
        if isinstance(self.cv, str):
            check_all_fitted(ready.learners)
            oof = read = prefit_out_of_fold(ready.learners, ready.X, ready.target, ready.progress)
            self._fit_final(oof, ready)
        else:
            engine = self._cross_fit(ready)
            self._check_held_out(engine)
            with engine.spread():
                oof, read = self._fit_levels(engine, ready)
        self._keep(read, self._used(read), ready)
        self.__dict__.pop("oof_", None)
        self.__dict__.pop("_final_params", None)
        self.__dict__.pop("_conformal", None)
        if self.keep_oof:
            self.oof_, self._final_params = oof, dict(ready.routed.final)
            self.oof_.groups = None if ready.groups is None else np.asarray(ready.groups)
        else:
            self.final_estimator_.__dict__.pop("cross_fitted_", None)
        ready.progress.close(meta_learner=True)
        return self

    @available_if(final_estimator_has("partial_fit"))
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, *, sample_weight: Any = None
    ) -> BaseStack:
        """Let the meta-learner follow new rows, and the learners that have ``partial_fit``.

        Only with a meta-learner that has ``partial_fit``, such as
        :class:`OnlineWeightsRegressor`. It learns from what the learners say of the rows before
        they are shown them. The first call fits.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            New rows, in the order of time.
        y : array-like of shape (n_samples,)
            Their target.
        classes : array-like of shape (n_classes,), default=None
            All classes; checked against those of the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, for the meta-learner and the learners that take some.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If X or y do not fit to those of the first call.
        """
        if not hasattr(self, "named_estimators_"):
            given = {} if sample_weight is None else {"sample_weight": sample_weight}
            self.fit(X, y, **given)
        else:
            update(self, X, y, sample_weight)
        known: Any = getattr(self, "classes_", ())
        if classes is not None and not np.isin(classes, known).all():
            raise ValueError(
                f"classes={list(classes)} holds more than the rows of the first call, "
                f"{list(known)}: learners need rows of each class. Fit with more rows."
            )
        return self

    def _clone_final(self, seed: int | None) -> None:
        final = clone_seeded(
            Learner("final_estimator", self._final_or_default(), "predict"), seed, REFIT
        )
        if not (is_classifier if is_classifier(self) else is_regressor)(final):
            kind = "classifier" if is_classifier(self) else "regressor"
            raise ValueError(f"'final_estimator' parameter should be a {kind}. Got {final}")
        self.final_estimator_ = final

    def _check_combiner(self, ready: Prepared) -> None:
        """Refuse, before any fit, a meta-learner that cannot read what it would be given."""
        final = self.final_estimator_
        passed = select_passthrough(ready.X, self.passthrough)
        widths = {x.name: ready.target.n_columns(x.method) for x in ready.learners}
        names = self._column_names(slices_of(widths), passed)
        if passed is not None:
            check_readable(final, names, passed, ready.target)
        self._check_given(ready)
        if not self._reads_probabilities():
            check_takes_outputs(final, names, ready.target)
            return
        if ready.target.kind == "multilabel":
            raise ValueError(
                f"final_estimator={final} combines probabilities of one target; y is multilabel. "
                "Use a multilabel meta-learner such as KNeighborsClassifier, or "
                "MultiOutputClassifier around the stack."
            )
        for learner in ready.learners:
            if learner.method != "predict_proba":
                raise ValueError(
                    f"final_estimator={final} combines probabilities, but learner "
                    f"{learner.name!r} gives {learner.method}. Give it predict_proba "
                    "(CalibratedClassifierCV around it does), or use a meta-learner that reads "
                    "anything, such as LogisticRegression."
                )

    def _check_given(self, ready: Prepared) -> None:
        """Refuse given predictions with NaN where the meta-learner takes none."""
        final = self.final_estimator_
        if get_tags(final).input_tags.allow_nan:
            return
        for learner in ready.learners:
            if not learner.given:
                continue
            values = learner.estimator.predict(take_columns(ready.X, learner.columns))
            if np.isnan(values).any():
                raise ValueError(
                    f"The given predictions of learner {learner.name!r} hold NaN, which "
                    f"final_estimator={final} does not take. A combiner does, such as "
                    "ConvexClassifier or ConvexRegressor."
                )

    def _check_held_out(self, engine: CrossFit) -> None:
        """Refuse splits that leave the meta-learner one class."""
        target = engine.target
        covered = covered_rows(engine.splits, len(target.y))
        if target.kind == "classes" and len(np.unique(target.y[covered])) == 1:
            only = plain(target.classes[target.y[covered[0]]])
            raise ValueError(
                f"All rows that cv={self.cv!r} holds out are of one class, {only!r}: the "
                "meta-learner cannot be fitted on them. Use a splitter that holds out both."
            )

    def _reads_probabilities(self) -> bool:
        """Whether the meta-learner is a combiner of class probabilities."""
        return getattr(get_tags(self.final_estimator_), "reads_probabilities", False)

    def _chooses(self) -> bool:
        """Whether the meta-learner can give a learner weight 0."""
        return getattr(get_tags(self.final_estimator_), "zero_weights", False)

    def _used(self, oof: OutOfFold) -> list[str]:
        """Learners that the meta-learner does not give weight 0."""
        if not self._chooses():
            return oof.names
        weights = self.final_estimator_.weights_
        return [name for name, weight in zip(oof.names, weights, strict=True) if weight != 0]

    def _fit_levels(self, engine: CrossFit, ready: Prepared) -> tuple[OutOfFold, OutOfFold]:
        """Learners, then meta-learner; learners that it gives no weight are not refitted.

        Returns
        -------
        oof : OutOfFold
            Of all learners.
        read : OutOfFold
            Of those that the meta-learner reads.
        """
        # Under a time limit refits cannot wait for the weights.
        refit_later = self.refit and self._chooses() and self.time_limit is None
        oof = engine.run(refit=self.refit and not refit_later)
        self._fit_final(oof, ready)
        while refit_later:
            failed = engine.refit([n for n in self._used(oof) if n not in engine.refits])
            if not failed:
                oof.models = engine.refits
                break
            oof = oof.select([name for name in oof.names if name not in failed])
            self._fit_final(oof, ready)
        return oof, oof

    def _fit_final(self, oof: OutOfFold, ready: Prepared) -> None:
        """Fit the meta-learner on the rows that some fold held out."""
        final = self.final_estimator_
        passed = select_passthrough(ready.X, self.passthrough)
        task = self._final_task(oof, passed, ready.routed.final)
        if passed is not None and wants_prediction_columns(final):
            final.set_params(prediction_columns=task.n_columns)
        params = dict(task.params)
        if has_fit_parameter(final, "folds"):
            params["folds"] = task.splits
        final.fit(task.table, task.labels.y, **params)
        weights = getattr(final, "weights_", None) if self._chooses() else None
        if weights is not None and len(weights) != len(oof.names):
            raise ValueError(
                f"final_estimator={final} found {len(weights)} weights for {len(oof.names)} "
                "learners. Leave its prediction_columns None: the stack sets it."
            )

    def _final_task(self, oof: OutOfFold, passed: Any, params: Mapping[str, Any]) -> CombinerTask:
        """Make the table that the meta-learner is fitted on."""
        n_rows, rows, matrix = len(oof.target.y), oof.covered, oof.matrix
        if len(rows) < n_rows:
            matrix = matrix[rows]
            passed = None if passed is None else safe_indexing(passed, rows)
            params = rows_of_params(params, rows, n_rows)
        labels = fold_labels(oof.target, rows, renumber=True)
        self._final_present = labels.present
        matrix, names = self._for_final(matrix, oof.columns, oof.target, passed)
        splits = restrict_splits(oof.splits, rows, n_rows)
        return CombinerTask(
            join(matrix, names, passed), matrix.shape[1], labels, splits, rows, dict(params)
        )

    def _for_final(
        self, matrix: np.ndarray, columns: dict[str, slice], target: Target, passed: Any
    ) -> tuple[np.ndarray, list[str]]:
        """Give a combiner of probabilities the classes that it was fitted on, and no other."""
        present = self._final_present
        if present is not None and self._reads_probabilities():
            matrix = restrict_to_classes(matrix, target.n_classes, present)
            columns = slices_of(dict.fromkeys(columns, matrix.shape[1] // len(columns)))
        return matrix, self._column_names(columns, passed)

    def _meta_features(self, X: Any) -> Any:
        """Build what the meta-learner was fitted on; NaN where it gives no weight."""
        return self._meta_of_blocks(self._blocks(X), X)

    def _meta_of_blocks(self, blocks: Mapping[str, np.ndarray], X: Any) -> Any:
        matrix, passed = self._parts_of_blocks(blocks, X)
        matrix, names = self._for_final(matrix, self._columns, self._target, passed)
        return join(matrix, names, passed)

    def _parts(self, X: Any) -> tuple[np.ndarray, Any]:
        """Predict with the learners, and take what passes through."""
        return self._parts_of_blocks(self._blocks(X), X)

    def _parts_of_blocks(self, blocks: Mapping[str, np.ndarray], X: Any) -> tuple[np.ndarray, Any]:
        n_rows = len(next(iter(blocks.values())))
        parts = [
            blocks[name]
            if name in blocks
            else np.full((n_rows, columns.stop - columns.start), np.nan)
            for name, columns in self._columns.items()
        ]
        return np.hstack(parts), select_passthrough(X, self.passthrough)

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Fit, then return **in-sample** meta-features, as scikit-learn's stack does.

        The learners were fitted on the very rows that they predict here, so whatever is
        trained on the result learns to trust those that overfit. For meta-features that may
        be trained on use :class:`OutOfFoldTransformer`, or ``oof_.matrix`` after ``fit``.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target.
        **fit_params : dict
            Passed to ``fit``.

        Returns
        -------
        meta_features : {ndarray, sparse matrix, DataFrame} of shape (n_samples, n_meta_features)
        """
        return self.fit(X, y, **fit_params).transform(X)

    @available_if(final_estimator_has("predict"))
    def predict(self, X: Any, **predict_params: Any) -> np.ndarray:
        """Predict the target.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows to predict.
        **predict_params : dict
            Passed to the meta-learner's ``predict``; routed where metadata routing is on.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        meta_features = self._meta_features(X)
        if get_config()["enable_metadata_routing"] and predict_params:
            routed = process_routing(self, "predict", **predict_params)
            predict_params = routed.final_estimator_.predict
        answer = self.final_estimator_.predict(meta_features, **predict_params)
        if self._target.kind == "numbers":
            return answer
        codes = np.asarray(answer).astype(np.intp, copy=False)
        present = self._final_present
        return self._target.decode(codes if present is None else present[codes])

    @property
    def learner_weights_(self) -> dict[str, float]:
        """Weight of each learner by name, where the meta-learner has ``weights_``."""
        check_is_fitted(self)
        weights = self.final_estimator_.weights_
        return {name: float(w) for name, w in zip(self._columns, weights, strict=True)}

    def _judged_stack(self) -> BaseStack:
        return self

    def _kept_oof(self, method: str) -> OutOfFold:
        check_is_fitted(self)
        if not hasattr(self, "oof_"):
            raise AttributeError(f"{method} reads oof_: fit with keep_oof=True.")
        return self.oof_

    def _out_of_fold_stack(self, X: Any) -> Candidate:
        """Cross-fit the meta-learner over the folds of the learners."""
        from .evaluation import check_rows_of_fit, cross_fit_combiner

        if isinstance(self.cv, str):
            raise ValueError(
                'cv="prefit": nobody knows which rows the learners were fitted on, so that their '
                "predictions of these rows say nothing of new ones. Use a splitter."
            )
        oof = self.oof_.select(list(self._columns))
        passed = None
        if self._passes() and not hasattr(self.final_estimator_, "cross_fitted_"):
            check_rows_of_fit(X, len(oof.target.y), self.passthrough)
            passed = select_passthrough(X, self.passthrough)
        task = self._final_task(oof, passed, self._final_params)
        return cross_fit_combiner(self.final_estimator_, task, oof.target, n_jobs=self.n_jobs)

    def _inspected(self, method: str) -> Inspected:
        """Hand over what the inspection room reads."""
        from .inspection.inspected import Inspected

        return Inspected(
            oof=self._kept_oof(method),
            read=list(self._columns),
            final=self.final_estimator_,
            reads_table=self._passes(),
            present=self._final_present,
            models=dict(self._models()),
            parts=self._parts,
            combine=self._combined,
            out_of_fold=self._out_of_fold_stack,
        )

    def _passes(self) -> bool:
        """Whether the meta-learner sees columns of X."""
        asked = self.passthrough
        return bool(asked) if isinstance(asked, (bool, np.bool_)) else len(asked) > 0

    def _combined(self, matrix: np.ndarray, passed: Any) -> np.ndarray:
        """Answer of the meta-learner to predictions, in the form of a learner's block."""
        matrix, names = self._for_final(matrix, self._columns, self._target, passed)
        method = "predict"
        if is_classifier(self):
            answers = ("predict_proba", "decision_function", "predict")
            method = next(name for name in answers if hasattr(self.final_estimator_, name))
        meta_features = join(matrix, names, passed)
        return respond(
            self.final_estimator_, meta_features, method, self._target, self._final_present
        )

    def _label_of(self, name: str) -> str:
        if not self.__sklearn_is_fitted__():
            return ""
        # scikit-learn takes what stands before a colon for the learner's name.
        if name in self._columns and hasattr(self.final_estimator_, "weights_"):
            return f": weight {self.learner_weights_[name]:.2f}"
        return "" if name in self._columns else ": not in the stack"

    def _sk_visual_block_(self) -> Any:
        """Diagram of the stack for notebooks."""
        final = VisualBlock(
            "parallel", [self._final_or_default()], names=["final_estimator"], dash_wrapped=False
        )
        return VisualBlock("serial", (super()._sk_visual_block_(), final), dash_wrapped=False)
