"""Forests: each fold grows the first of its trees only."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np

from ...compat import safe_indexing, validate_params
from ..learner import clone_seeded
from ..plan import REFIT
from . import out_of_bag
from .job import Answer, DeclinedError, Job, Shortcut
from .out_of_bag import FORESTS, check_classes, check_worth, fit_rows

#: Trees that a fold grows of a large table, and of a small one, where a stack is more easily
#: misled. Measured on 14 tables: fewer cost more than 0.2 % of a stack's loss.
N_TREES, N_TREES_SMALL = 50, 100


class FewerTrees(Shortcut):
    """Random forests and extra trees: a fold's predictions from the first of its trees.

    A forest is an average over trees that are alike but for their seeds, so that some of them
    predict what all would, with more noise. The forest on all rows has all of its trees; where
    fold models are kept, the folds share out as many trees at least.
    """

    path = "fewer trees"
    exact = False
    wide = True
    gives_models = True

    def accepts(self, estimator: Any) -> bool:
        """Whether the forest has far more trees than are needed here."""
        return type(estimator) in FORESTS and estimator.n_estimators >= 2 * N_TREES

    def run(self, job: Job) -> Answer:
        """Grow a part of each fold's forest, and all of the one on all rows."""
        validate_params(job.learner.estimator)
        check_worth(job)
        check_classes(job)
        rows = np.arange(len(job.target.y))
        n_trees = N_TREES if len(rows) >= out_of_bag.MANY_ROWS else N_TREES_SMALL
        if job.learner.estimator.n_estimators < 2 * n_trees:
            raise DeclinedError("each fold needs most of its trees")
        if job.keep_fold_models:
            n_trees = max(n_trees, ceil(job.learner.estimator.n_estimators / len(job.splits)))
        blocks, models = [], []
        for fold, (train, test) in enumerate(job.splits):
            model = clone_seeded(job.learner, job.seed, fold)
            model.set_params(n_estimators=n_trees, oob_score=False)
            models.append(fit_rows(model, job, train))
            blocks.append(job.respond(model, safe_indexing(job.X, test)))
        if job.keep_fold_models:
            return Answer(blocks, fold_models=models)
        return Answer(blocks, fit_rows(clone_seeded(job.learner, job.seed, REFIT), job, rows))
