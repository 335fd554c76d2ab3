"""Between one run of the engine and a store: which fits are there, and what to write."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ...compat import cloudpickle
from ..folds import Split
from ..learner import clone_seeded, take_columns
from ..losses import default_loss, loss_of_block
from ..plan import ALL_FOLDS, REFIT, Task
from ..rounds import Staged
from ..shortcuts import Answer
from ..target import Target
from ..task import Outcome, Work
from ..warning import warn_caller
from .data_print import digest, fingerprint_data
from .estimator_print import NotKeyableError, fingerprint_estimator
from .files import DamagedError
from .folder import FORMAT, OutOfFoldStore

_KINDS = {REFIT: "refit", ALL_FOLDS: "all folds"}


class Keeper:
    """Finds the fits of a run that a store has, and writes those that are new.

    Parameters
    ----------
    store : OutOfFoldStore
    work : Work
        What is fitted.
    """

    def __init__(self, store: OutOfFoldStore, work: Work) -> None:
        self.store, self.work = store, work
        self.n_found = self.n_kept = 0
        self._columns: dict[str, str] = {}
        self._fit_params: dict[int, str] = {}
        self._not_keyable: set[int] = set()
        self._splits = [_fingerprint_split(split) for split in work.splits]
        self._y = digest([fingerprint_data(work.target.y), *_spell_classes(work.target)])
        self.data = digest([self._table(None), self._y])
        self._partition = digest(self._splits)
        store.open()
        self._note_data()

    def find(self, task: Task) -> Outcome | None:
        """Take a fit from the store, with its model if the run needs it."""
        key = self._key(task)
        if key is None or key not in self.store.fits:
            return None
        try:
            outcome = self._read(key, task)
        except DamagedError as error:
            warn_caller(f"An entry of the store is damaged and fitted again: {error}")
            return None
        self.n_found += outcome is not None
        return outcome

    def keep(self, outcome: Outcome) -> None:
        """Write what came of a task, unless it came to nothing or cannot be keyed."""
        task = outcome.task
        answered = outcome.answer is not None or task.fold != ALL_FOLDS
        key = self._key(task) if outcome.error is None and answered else None
        if key is None:
            return
        arrays, model = self._contents(outcome)
        self.n_kept += self.store.write_fit(key, self._index(outcome), arrays, model)

    def _read(self, key: str, task: Task) -> Outcome | None:
        fits, work = self.store.fits, self.work
        index = fits.index(key)
        model: Any = None
        if task.fold in (REFIT, ALL_FOLDS) or work.keep_fold_models:
            data = fits.model(key, index)
            if data is None:
                return None
            model = pickle.loads(data)
        outcome = Outcome(task, index["seconds"], index["started"], index["worker"])
        if task.fold == REFIT:
            outcome.model = model
            return outcome
        block = fits.array(key, index, "predictions")
        if task.fold == ALL_FOLDS:
            ends = np.cumsum([len(test) for _, test in work.splits])[:-1]
            outcome.answer = Answer(np.split(block, ends), *model)
            return outcome
        outcome.model = model
        outcome.present = None if index["present"] is None else np.asarray(index["present"])
        if index["rounds"] is None:
            outcome.block = block
        else:
            outcome.staged = Staged(np.asarray(index["rounds"]), block)
        return outcome

    def _contents(self, outcome: Outcome) -> tuple[dict[str, np.ndarray], bytes | None]:
        """Give the arrays of an outcome, and the pickle of its model."""
        arrays, model = {}, outcome.model
        if outcome.answer is not None:
            arrays["predictions"] = np.concatenate(outcome.answer.blocks)
            model = outcome.answer.model, outcome.answer.fold_models
        elif outcome.staged is not None:
            arrays["predictions"] = outcome.staged.blocks
            weights = self.work.learners[outcome.task.learner].fit_params.get("sample_weight")
            if weights is not None:
                test = self.work.splits[outcome.task.fold][1]
                arrays["weights"] = np.asarray(weights, dtype=float)[test]
        elif outcome.block is not None:
            arrays["predictions"] = outcome.block
        if model is None or not self.store.store_models:
            return arrays, None
        try:
            return arrays, cloudpickle.dumps(model)
        except Exception as error:
            name = self.work.learners[outcome.task.learner].name
            warn_caller(
                f"The model of learner {name!r} is not stored, it cannot be pickled: {error}"
            )
            return arrays, None

    def _index(self, outcome: Outcome) -> dict[str, Any]:
        """Say what people, and :meth:`OutOfFoldStore.out_of_fold`, want to know of a fit."""
        task, work = outcome.task, self.work
        learner = work.learners[task.learner]
        fold = task.fold if task.fold >= 0 else None
        refitted = clone_seeded(learner, work.seed, REFIT)
        fingerprint, versions = fingerprint_estimator(refitted)
        staged, present = outcome.staged, outcome.present
        return {
            "format": FORMAT,
            "learner": learner.name,
            "learner_id": digest([learner.name, fingerprint, *self._reads(task.learner)]),
            "estimator": f"{type(refitted).__module__}.{type(refitted).__qualname__}",
            "params": repr(learner.estimator)[:2000],
            "method": learner.method,
            "what": _KINDS.get(task.fold, "fold"),
            "fold": fold,
            "level": self.store.level,
            "data": self.data,
            "partition": self._partition,
            "split": None if fold is None else self._splits[fold],
            "path": None if outcome.answer is None else work.shortcuts[task.learner].path,
            "labels": learner.answers_labels,
            "rounds": None if staged is None else staged.rounds.tolist(),
            "present": None if present is None else present.tolist(),
            "loss": self._loss(outcome),
            "seconds": outcome.seconds,
            "started": outcome.started,
            "worker": outcome.worker,
            "written": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": versions,
        }

    def _loss(self, outcome: Outcome) -> float | None:
        if outcome.block is None:
            return None
        target, test = self.work.target, self.work.splits[outcome.task.fold][1]
        method = self.work.learners[outcome.task.learner].method
        part = Target(target.kind, target.y[test], target.n_outputs, target.classes)
        loss = loss_of_block(outcome.block, method, part, default_loss(target, {"": method}))
        return loss if np.isfinite(loss) else None

    def _key(self, task: Task) -> str | None:
        """Key of a fit: everything that its outcome depends on; None if that is out of reach."""
        if task.learner in self._not_keyable or self.work.learners[task.learner].given:
            return None
        learner = self.work.learners[task.learner]
        try:
            estimator = clone_seeded(learner, self.work.seed, max(task.fold, REFIT))
            fingerprint, _ = fingerprint_estimator(estimator)
            reads = self._reads(task.learner)
        except NotKeyableError as error:
            self._not_keyable.add(task.learner)
            warn_caller(f"Learner {learner.name!r} is not stored: {error}")
            return None
        parts = [str(FORMAT), _KINDS.get(task.fold, "fold"), fingerprint, *reads, self._y]
        if task.fold == ALL_FOLDS:
            shortcut = type(self.work.shortcuts[task.learner]).__qualname__
            parts += [shortcut, str(self.work.keep_fold_models), *self._splits]
        elif task.fold == REFIT:
            parts.append(str(task.rounds))
        else:
            thinned = self.work.thin_forests
            parts += [self._splits[task.fold], f"thinned {len(self._splits)}" if thinned else ""]
        return digest(parts)

    def _reads(self, position: int) -> tuple[str, str, str]:
        """Fingerprint what a learner reads: method, columns of X, fit parameters."""
        learner = self.work.learners[position]
        if position not in self._fit_params:
            params = sorted(learner.fit_params.items())
            self._fit_params[position] = digest(
                part for name, value in params for part in (name, fingerprint_data(value))
            )
        return learner.method, self._table(learner.columns), self._fit_params[position]

    def _table(self, columns: Any) -> str:
        name = repr(columns)
        if name not in self._columns:
            self._columns[name] = fingerprint_data(take_columns(self.work.X, columns))
        return self._columns[name]

    def _note_data(self) -> None:
        """Write what the folds are of; say so if the store knows other data only."""
        store, target = self.store, self.work.target
        others = [key for key in store.data if key != self.data]
        # Whenever a learner changes, so do the predictions that a meta-learner reads.
        if store.level == 1 and others and self.data not in store.data:
            warn_caller(
                f"X or y is not what the store {str(store.path)!r} was filled with, so that every "
                "learner is fitted. What it holds of other data stays there; "
                "OutOfFoldStore.prune removes it."
            )
        X = self.work.X
        index = {
            "format": FORMAT,
            "kind": target.kind,
            "n_outputs": target.n_outputs,
            "classes": _json_classes(target),
            "shape": [int(n) for n in X.shape] if hasattr(X, "shape") else [len(X)],
            "columns": [str(name) for name in getattr(X, "columns", [])],
        }
        store.write_once(store.data, self.data, index, {"y": np.asarray(target.y)})
        lengths = [[len(train), len(test)] for train, test in self.work.splits]
        arrays = {
            "train": np.concatenate([train for train, _ in self.work.splits]),
            "test": np.concatenate([test for _, test in self.work.splits]),
        }
        index = {"format": FORMAT, "splits": self._splits, "lengths": lengths, "data": self.data}
        store.write_once(store.partitions, self._partition, index, arrays)


def _fingerprint_split(split: Split) -> str:
    return digest([fingerprint_data(np.asarray(rows, dtype=np.int64)) for rows in split])


def _spell_classes(target: Target) -> list[str]:
    if target.classes is None:
        return [target.kind]
    listed = target.classes if target.kind == "multilabel" else [target.classes]
    return [target.kind, *(fingerprint_data(np.asarray(one)) for one in listed)]


def _json_classes(target: Target) -> list | None:
    """Class labels for people, and for reading them back where JSON has them."""
    if target.classes is None:
        return None
    if target.kind == "multilabel":
        return [np.asarray(one).tolist() for one in target.classes]
    labels = np.asarray(target.classes).tolist()
    return [x if isinstance(x, (str, int, float, bool)) else repr(x) for x in labels]
