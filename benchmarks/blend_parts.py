"""What the parts of CrossFittedBlend are worth: without each candidate, with other weights.

    python benchmarks/blend_parts.py [--folder …] [--jobs 2] [--without letter storms_status]

As combiners.py, whose columns these are: relative to a greedy selection of 25, on the corpus.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from time import perf_counter
from typing import Any

import combiners
import corpus_files
import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from stackmeta.combiners import (
    BestLearnerClassifier,
    BestLearnerRegressor,
    CrossFittedBlendClassifier,
    CrossFittedBlendRegressor,
    EnsembleSelectionClassifier,
    EnsembleSelectionRegressor,
)
from stackmeta.combiners.choice import standard_errors
from stackmeta.combiners.default_candidates import default_candidates
from stackmeta.combiners.predictions import weighted_mean


class Simplex:
    """Simplex weights over the candidates, and no more."""

    def _blend(self, found: Any, y: Any, share: Any, n_rows: Any, losses: Any, held: Any) -> Any:
        weights = self._simplex_weights(found, y, share)
        return weights, weighted_mean(found, weights)


class Likely:
    """Weights by the standard errors that a candidate is behind the best, and no more."""

    def _blend(self, found: Any, y: Any, share: Any, n_rows: Any, losses: Any, held: Any) -> Any:
        weights = np.exp(-0.5 * standard_errors(losses, share, n_rows) ** 2)
        weights /= weights.sum()
        return weights, weighted_mean(found, weights)


class SimplexClassifier(Simplex, CrossFittedBlendClassifier):
    """For classes."""


class SimplexRegressor(Simplex, CrossFittedBlendRegressor):
    """For numbers."""


class LikelyClassifier(Likely, CrossFittedBlendClassifier):
    """For classes."""


class LikelyRegressor(Likely, CrossFittedBlendRegressor):
    """For numbers."""


def variants(classifies: bool) -> dict[str, Any]:
    """Fill a dictionary with what is compared."""
    blend = CrossFittedBlendClassifier if classifies else CrossFittedBlendRegressor
    candidates = default_candidates(classifies=classifies)
    found = {
        combiners.GREEDY: (
            EnsembleSelectionClassifier if classifies else EnsembleSelectionRegressor
        )(),
        combiners.BEST: (BestLearnerClassifier if classifies else BestLearnerRegressor)(),
        "cross-fitted blend": blend(),
        "simplex weights alone": (SimplexClassifier if classifies else SimplexRegressor)(),
        "standard-error weights alone": (LikelyClassifier if classifies else LikelyRegressor)(),
    }
    renamed = {"ridge": "logistic"}
    for name, _ in candidates:
        rest = [pair for pair in candidates if pair[0] != name]
        found[f"without {renamed.get(name, name)}"] = blend(rest)
    return found


def judge(draw: corpus_files.Stored) -> list[dict]:
    """Losses of all variants on one draw."""
    warnings.simplefilter("ignore")
    losses, seconds = {}, {}
    for name, combiner in variants(draw.n_classes > 0).items():
        started = perf_counter()
        losses[name] = combiners.row_losses(draw, combiner)
        seconds[name] = perf_counter() - started
    return combiners.report(draw, losses, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=corpus_files.FOLDER)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--without", nargs="*", default=[])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    options = parser.parse_args()
    draws = (
        draw
        for draw in corpus_files.load(options.folder)
        if draw.table not in options.without and draw.seed in options.seeds
    )
    parallel = Parallel(n_jobs=options.jobs, batch_size=1, pre_dispatch="2*n_jobs")
    found = parallel(delayed(judge)(draw) for draw in draws)
    rows = pd.DataFrame([row for draw in found for row in draw])
    print(f"{rows.table.nunique()} tables, {len(found)} draws\n")
    combiners.show(combiners.summary(rows).sort_values("mean"))


if __name__ == "__main__":
    main()
