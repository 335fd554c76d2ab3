"""Is the expected loss the loss? Stacks on draws of real tables, judged on rows held out.

    python benchmarks/expected_loss_draws.py && python benchmarks/expected_loss.py

For each draw (see ``expected_loss_draws.py``) and meta-learner: what ``expected_loss`` says, from
out-of-fold predictions alone, beside the loss on up to 3,000 rows held out; for stacks of
refitted learners and of averaged fold models. "bias" is the mean of (expected - held out) over
the root of the sum of both squared standard errors; "covers" how often the 95 % interval,
widened by the held-out part's own error, holds the held-out loss. "plain" is the cross-fitted
loss without the correction for rows that fold models did not see; "naive" is the meta-learner's
loss on the rows that it was fitted on. Then the same for the differences to each learner, for
other scores, and the blend beside the best single learner.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import expected_loss_draws
import joblib
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, RidgeCV

import stackmeta.combiners as c
from stackmeta.evaluation import cross_fit_combiner, expected_loss
from stackmeta.evaluation.judging import Candidate, Judge
from stackmeta.meta_features import CombinerTask
from stackmeta.out_of_fold.target import FoldLabels

MODES = ("refitted", "averaged")
#: Meta-learners by name, for classes and for numbers.
COMBINERS: dict[str, tuple[Any, Any]] = {
    "scikit-learn's default": (LogisticRegression(), RidgeCV()),
    "convex": (c.ConvexClassifier(calibrate=True), c.ConvexRegressor()),
    "blend": (c.CrossFittedBlendClassifier(), c.CrossFittedBlendRegressor()),
}
#: For classes and for numbers, on the draws of one size and seed: scorers take their time.
SCORES = (("accuracy", "roc_auc"), ("neg_mean_absolute_error",))
SCORED = (300, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=expected_loss_draws.FOLDER)
    parser.add_argument("--rows", type=Path, default=Path("/tmp/expected_loss.joblib"))
    parser.add_argument("--only", nargs="*", default=[*COMBINERS, "scores"])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    known = joblib.load(options.rows) if options.rows.exists() else {}
    # By seed: what is there at any time is of all tables.
    paths = sorted(options.folder.glob("*.joblib"), key=lambda path: path.stem[::-1])
    for name in options.only:
        for count, path in enumerate(paths):
            if (path.name, name) not in known:
                known[path.name, name] = list(judged(joblib.load(path), name))
                if count % 20 == 0:
                    joblib.dump(known, options.rows)
    joblib.dump(known, options.rows)
    lines = pd.DataFrame([line for found in known.values() for line in found])
    if lines.empty:
        raise SystemExit(f"No draws in {options.folder}: run expected_loss_draws.py first.")
    report(lines)


def judged(draw: dict[str, Any] | None, name: str) -> Any:
    """Give a line for each repeat and mode that a draw has for a meta-learner."""
    if draw is None:
        return
    if name == "scores":
        if (draw["size"], draw["seed"]) == SCORED:
            yield from scores(Stack.of(draw, "", "convex"))
        return
    for end in ("", "_twice"):
        if f"oof{end}" in draw:
            yield from losses(Stack.of(draw, end, name))


@dataclass
class Stack:
    """A meta-learner on a draw, and its cross-fitted predictions."""

    draw: dict[str, Any]
    end: str
    name: str
    oof: Any
    matrix: np.ndarray
    combiner: Any
    cross_fitted: Candidate

    @classmethod
    def of(cls, draw: dict[str, Any], end: str, name: str) -> Stack:
        """Fit a meta-learner on the out-of-fold predictions of a draw."""
        oof = draw[f"oof{end}"]
        matrix, y = oof.matrix.astype(np.float64), oof.target.y
        combiner = COMBINERS[name][0 if oof.target.kind == "classes" else 1]
        folds = {} if name.startswith("scikit") else {"folds": oof.splits}
        combiner.fit(matrix, y, **folds)
        rows = np.arange(len(y))
        task = CombinerTask(matrix, matrix.shape[1], FoldLabels(y), oof.splits, rows, {})
        return cls(
            draw, end, name, oof, matrix, combiner, cross_fit_combiner(combiner, task, oof.target)
        )

    @property
    def classifies(self) -> bool:
        """Whether the target is classes."""
        return self.oof.target.kind == "classes"

    def held_out(self, mode: str) -> np.ndarray:
        """Learners' predictions of the rows held out."""
        return self.draw[f"{mode}{self.end}"].astype(np.float64)

    def answer(self, matrix: np.ndarray) -> Candidate:
        """Predictions of the meta-learner, in the columns of an OutOfFold."""
        if not self.classifies:
            return Candidate(self.combiner.predict(matrix).reshape(-1, 1), "predict")
        probabilities = self.combiner.predict_proba(matrix)
        two = probabilities.shape[1] == 2
        return Candidate(probabilities[:, 1:] if two else probabilities, "predict_proba")

    def learner(self, name: str, matrix: np.ndarray) -> Candidate:
        """Predictions of one learner."""
        method = "predict_proba" if self.classifies else "predict"
        return Candidate(matrix[:, self.oof.columns[name]], method)

    def judge(self, *, new: bool, scoring: Any = None) -> Any:
        """Measure the loss of predictions for the rows of the fit, or for those held out."""
        target, groups = self.oof.target, self.draw["groups_test" if new else "groups"]
        if new:
            target = replace(target, y=self.draw["y_test"])
        judge = Judge({"": self.answer(self.matrix[:1])}, target, scoring, groups)
        return lambda candidate: judge.measure(candidate, np.arange(len(target.y)))


def losses(stack: Stack) -> Any:
    """Compare what is expected with what is held out."""
    found = expected_loss(stack.oof, stack.cross_fitted, groups=stack.draw["groups"])
    inside, outside = stack.judge(new=False), stack.judge(new=True)
    known = {"plain": inside(stack.cross_fitted), "naive": inside(stack.answer(stack.matrix))}
    for mode in MODES:
        held_out = stack.held_out(mode)
        real = outside(stack.answer(held_out))
        line = {name: stack.draw[name] for name in ("table", "size", "seed")}
        line |= {"repeats": 2 if stack.end else 1, "meta-learner": stack.name, "learners": mode}
        line |= {"grouped": stack.draw["groups"] is not None, "classes": stack.classifies}
        line |= {"z_expected": z(found.mean, found.se, real)}
        line |= {"covers_expected": covers(found.mean, found.low, found.high, real)}
        for kind, measured in known.items():
            line[f"z_{kind}"] = z(measured.value, measured.se, real)
            line[f"covers_{kind}"] = abs(line[f"z_{kind}"]) < 1.96
        line["differences"] = []
        for _, row in found.learners.iterrows():
            apart = outside(stack.learner(row["learner"], held_out)).minus(real)
            ends = row["difference_low"], row["difference_high"]
            off = z(row["difference"], row["difference_se"], apart)
            held = covers(row["difference"], *ends, apart)
            line["differences"].append((row["learner"], off, held))
        best = outside(stack.learner(found.learners["learner"].iloc[0], held_out))
        apart = real.minus(best)
        line |= {"to_best": real.value / best.value - 1, "worse": apart.value > 2 * apart.se}
        line["fell_back"] = getattr(stack.combiner, "fell_back_", False)
        yield line


def scores(stack: Stack) -> Any:
    """Compare other scores with what is held out."""
    for name in SCORES[0 if stack.classifies else 1]:
        if name == "roc_auc" and stack.oof.target.n_classes > 2:
            continue
        found = expected_loss(
            stack.oof, stack.cross_fitted, scoring=name, groups=stack.draw["groups"]
        )
        outside = stack.judge(new=True, scoring=name)
        for mode in MODES:
            real = outside(stack.answer(stack.held_out(mode)))
            off, held = (
                z(found.mean, found.se, real),
                covers(found.mean, found.low, found.high, real),
            )
            yield {"score": name, "z_expected": off, "covers_expected": held}


def z(mean: float, se: float, real: Any) -> float:
    return float((mean - real.value) / np.hypot(se, real.se))


def covers(mean: float, low: float, high: float, real: Any) -> bool:
    """Whether an interval, widened by the error of what is held out, holds it."""
    off = real.value - mean
    half = high - mean if off > 0 else mean - low
    return bool(abs(off) <= np.hypot(half, 1.96 * real.se))


def report(lines: pd.DataFrame) -> None:
    lines = lines.reindex(columns=[*dict.fromkeys([*lines.columns, "score", "z_plain"])])
    scored = lines[lines["score"].notna()]
    lines = lines[lines["z_plain"].notna()]
    draws = lines[["table", "size", "seed"]].drop_duplicates()
    print(f"{lines.table.nunique()} tables, {len(draws)} draws, {len(lines)} stacks\n")
    names = ["bias", "covers", "plain bias", "plain covers", "naive bias", "naive covers"]
    print(f"| stacks | number | {' | '.join(names)} |\n|{'---|' * 8}")
    show("all", lines)
    for size, part in lines.groupby("size"):
        show(f"{size:,.0f} rows", part)
    for repeats, part in lines[lines["size"] == 300].groupby("repeats"):
        show(f"300 rows, repeats: {repeats:.0f}", part)
    for column in ("meta-learner", "learners", "classes", "grouped"):
        for value, part in lines.groupby(column):
            show(f"{column}: {value}", part)
    print(f"\nbias by table: {lines.groupby('table')['z_expected'].mean().round(2).to_dict()}\n")
    refits = lines[lines["learners"] == "refitted"]
    pairs = refits[["size", "differences"]].explode("differences", ignore_index=True)
    pairs[["learner", "off", "held"]] = pairs.pop("differences").to_list()
    print(f"differences to learners: bias {pairs.off.mean():+.2f}, covers {pairs.held.mean():.1%}")
    for column in ("size", "learner"):
        print(pairs.groupby(column)[["off", "held"]].mean().round(3).T.to_dict())
    for name, part in scored.groupby("score"):
        print(
            f"{name}: bias {part.z_expected.mean():+.2f}, covers "
            f"{part.covers_expected.mean():.1%} of {len(part)}"
        )
    blends = lines[(lines["meta-learner"] == "blend") & (lines["repeats"] == 1)]
    for size, part in [("all", blends), *blends.groupby("size")] if len(blends) else []:
        print(
            f"blend beside the best learner, {size}: {len(part)} stacks, loss "
            f"{part.to_best.mean():+.2%}, worse by over two standard errors "
            f"{part.worse.mean():.1%}, fell back {part.fell_back.mean():.1%}"
        )


def show(name: str, part: pd.DataFrame) -> None:
    cells = []
    for kind in ("expected", "plain", "naive"):
        cells += [f"{part[f'z_{kind}'].mean():+.2f}", f"{part[f'covers_{kind}'].mean():.1%}"]
    print(f"| {name} | {len(part)} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
