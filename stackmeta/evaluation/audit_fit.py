"""Learners whose out-of-fold predictions know too much."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..out_of_fold import OutOfFold
from ..out_of_fold.losses import full_probabilities
from ..out_of_fold.response import PROBABILITIES
from ..out_of_fold.target import Target
from .audited import Audited
from .findings import Finding
from .quick import Judged, judge, spread, truth_of

CHECK = "learners that know held-out rows as well as those they were fitted on"
# As good on held-out rows as on its own, and so much better than everything else.
_SAME, _BETTER, _SURE = 1.05, 0.5, 4.0


def find_knowing_learners(
    oof: OutOfFold, in_fold: Mapping[str, np.ndarray], rows: np.ndarray, audited: Audited
) -> list[Finding]:
    """Find learners that predict held-out rows as well as their own, and far too well.

    Overfitted learners are worse on held-out rows; those that hardly fit are as good there,
    but not better than all others, among them a linear model and extra trees.

    Parameters
    ----------
    oof : OutOfFold
    in_fold : mapping of str to ndarray of shape (n_some, n_columns)
        Predictions of each learner's model for some of the rows that it was fitted on.
    rows : ndarray of int of shape (n_some,)
        Which rows these are.
    audited : Audited
        Those rows.

    Returns
    -------
    findings : list of Finding
    """
    held_out = {name: _errors(oof.block(name)[rows], name, oof, rows) for name in in_fold}
    own = {name: _errors(block, name, oof, rows) for name, block in in_fold.items()}
    others = {**held_out, "extra trees": _spread_out(audited.judged, len(rows))}
    others["a linear model"] = _spread_out(_linear(audited), len(rows))
    found = []
    for name, errors in held_out.items():
        known = ~np.isnan(errors)
        value, within = _mean(errors), _mean(own[name][known])
        rest = {other: _mean(e) for other, e in others.items() if other != name}
        rest = {other: value for other, value in rest.items() if not np.isnan(value)}
        if not rest or np.isnan(value) or value > _SAME * within + 1e-9:
            continue
        best = min(rest, key=lambda other: rest[other])
        behind = others[best] - errors
        behind = behind[~np.isnan(behind)]
        error = behind.std() / np.sqrt(max(len(behind), 1))
        if value > _BETTER * rest[best] or behind.mean() < _SURE * error:
            continue
        found.append(
            Finding(
                "a learner that knows the rows that were held out",
                repr(name),
                {
                    "unexplained out of fold": value,
                    "on rows it was fitted on": within,
                    f"out of fold by the best other, {best}": rest[best],
                },
                "Its predictions are not out of fold: given predictions that were made in-sample, "
                "a target read from elsewhere, or something kept between fits. Take it out.",
            )
        )
    return found


def _errors(block: np.ndarray, name: str, oof: OutOfFold, rows: np.ndarray) -> np.ndarray:
    """Squared errors over those of the mean; NaN where they cannot be told."""
    target, method = oof.target, oof.methods[name]
    truth = truth_of(target)
    if target.kind == "numbers":
        answer = block
    elif method in PROBABILITIES:
        answer = full_probabilities(block, method, target)
    elif method == "predict" and target.kind == "classes":
        answer = (block == np.arange(target.n_classes)).astype(float)
        answer[np.isnan(block[:, 0])] = np.nan
    else:
        return np.full(len(rows), np.nan)
    return ((answer - truth[rows]) ** 2).sum(axis=1) / spread(truth)


def _mean(errors: np.ndarray) -> float:
    known = errors[~np.isnan(errors)]
    return float(known.mean()) if len(known) else np.nan


def _spread_out(judged: Judged, n_rows: int) -> np.ndarray:
    errors = np.full(n_rows, np.nan)
    errors[judged.rows] = judged.errors
    return errors


def _linear(audited: Audited) -> Judged:
    def make(target: Target, n_columns: int, seed: int):  # type: ignore[no-untyped-def]
        last = LogisticRegression(max_iter=200) if target.kind == "classes" else Ridge()
        fill = SimpleImputer(strategy="median", keep_empty_features=True)
        return make_pipeline(fill, StandardScaler(), last)

    return judge(audited.numbers, audited.target, audited.splits, learner=make)
