"""Predictions of learners that were fitted elsewhere (``cv="prefit"``)."""

from __future__ import annotations

import os
from time import perf_counter, time
from typing import Any

import numpy as np

from .learner import Learner, take_columns
from .plan import REFIT
from .progress import Progress
from .response import respond
from .result import FitRecord, OutOfFold, slices_of
from .target import Target


def prefit_out_of_fold(
    learners: list[Learner], X: Any, target: Target, progress: Progress
) -> OutOfFold:
    """Predict X with fitted learners, as if one fold held out every row.

    Whether these predictions are out of fold depends on the rows that the learners were
    fitted on; nothing here can tell.
    """
    progress.open([learner.name for learner in learners], 1)
    blocks, records = [], []
    for learner in learners:
        started, clock = time(), perf_counter()
        rows = take_columns(X, learner.columns)
        blocks.append(respond(learner.estimator, rows, learner.method, target))
        seconds = perf_counter() - clock
        records.append(FitRecord(learner.name, REFIT, seconds, started, os.getpid()))
        progress.fit_done(learner.name, REFIT, seconds)
    widths = {x.name: block.shape[1] for x, block in zip(learners, blocks, strict=True)}
    oof = OutOfFold(
        np.hstack(blocks)[np.newaxis],
        slices_of(widths),
        [(np.empty(0, dtype=np.intp), np.arange(len(target.y)))],
        methods={learner.name: learner.method for learner in learners},
        target=target,
        paths={x.name: "given" if x.given else "prefit" for x in learners},
        models={learner.name: learner.estimator for learner in learners},
        learner_columns={learner.name: learner.columns for learner in learners},
        records=records,
    )
    if progress.verbose:
        for record in records:
            loss = oof.loss()[record.name]
            progress.learner_done(record.name, oof.loss_name, loss, record.seconds)
    return oof
