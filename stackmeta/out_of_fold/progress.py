"""Progress of a fit: scikit-learn's callbacks, and a printed line a finished learner."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .plan import ALL_FOLDS, REFIT


class Progress:
    """Tells who listens which learners and folds are done.

    Parameters
    ----------
    verbose : int, default=0
        1 prints a line for each learner whose out-of-fold predictions are complete; 2 prints
        a line a fit as well.
    context : sklearn.callback.CallbackContext, default=None
        Root task of the fit, whose subtasks the learners become.
    estimator : estimator, default=None
        Who is being fitted; callbacks are given it.
    """

    def __init__(self, verbose: int = 0, context: Any = None, estimator: Any = None) -> None:
        self.verbose = int(verbose)
        self.context = context
        self.estimator = estimator
        self._open: dict[str, Any] = {}
        self._done: Counter[str] = Counter()

    def open(self, names: list[str], n_fits: int) -> None:
        """Announce the learners and how many fits each has at most."""
        if self.context is None:
            return
        self.context.call_on_fit_task_begin(estimator=self.estimator)
        for position, name in enumerate(names):
            self._open[name] = self.context.subcontext(
                task_name=name,
                task_id=position,
                max_subtasks=n_fits,
                sequential_subtasks=False,
            ).call_on_fit_task_begin(estimator=self.estimator)

    def fit_done(self, name: str, fold: int, seconds: float) -> None:
        """Note one fit."""
        what = {REFIT: "refit", ALL_FOLDS: "all folds"}.get(fold, f"fold {fold}")
        if self.verbose > 1:
            print(f"[stackmeta] {name}: {what} done in {seconds:.2f} s", flush=True)
        if name in self._open:
            fit = self._open[name].subcontext(task_name=what, task_id=self._done[name])
            self._done[name] += 1
            fit.call_on_fit_task_begin(estimator=self.estimator)
            fit.call_on_fit_task_end(estimator=self.estimator)

    def learner_done(self, name: str, loss_name: str, loss: float, seconds: float) -> None:
        """Note that a learner's out-of-fold predictions are complete."""
        if self.verbose:
            label = loss_name.replace("_", " ")
            print(
                f"[stackmeta] {name}: out-of-fold {label} {loss:.5g} in {seconds:.2f} s",
                flush=True,
            )

    def close(self, *, meta_learner: bool) -> None:
        """Note that all is fitted: learners (also those left out) and a meta-learner, if any."""
        if self.context is None:
            return
        for learner in self._open.values():
            learner.call_on_fit_task_end(estimator=self.estimator)
        if meta_learner:
            final = self.context.subcontext(task_name="final_estimator", task_id=len(self._open))
            final.call_on_fit_task_begin(estimator=self.estimator)
            final.call_on_fit_task_end(estimator=self.estimator)
        self.context.call_on_fit_task_end(estimator=self.estimator)
