"""All combiners on the corpus of stored predictions, judged on test rows.

    python benchmarks/combiners.py [--folder …] [--only NAME …] [--jobs 2]

Each combiner is fitted on a draw's out-of-fold predictions (and its folds), and judged on its
test rows by log loss or root mean squared error. Losses are relative to a plain greedy
selection of 25, first averaged over the draws of a table: "mean" and "worst" are over tables
(some combiners are for classification only),
"wins" is the share of tables where it is lower, "p" that of Wilcoxon's signed-rank test over
tables. "rank" is the mean rank among all. "best learner" is the mean relative loss to the
learner that is best out of fold, and "worse" the share of draws where it is worse than that
one by more than two standard errors of the paired difference. "s" is the mean of a fit.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from time import perf_counter
from typing import Any

import corpus_files
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.stats import wilcoxon
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, RidgeCV

import stackmeta.combiners as c

GREEDY, BEST = "ensemble selection", "best learner"
COLUMNS = ["combiner", "rank", "mean", "worst", "wins", "p", "best learner", "worse", "s"]


def combiners(classifies: bool) -> dict[str, Any]:
    """Fill a dictionary of what is compared; scikit-learn's meta-learners go without folds."""
    kind = "Classifier" if classifies else "Regressor"

    def ours(name: str, **params: Any) -> Any:
        return getattr(c, name + kind)(**params)

    found = {
        GREEDY: ours("EnsembleSelection"),
        BEST: ours("BestLearner"),
        "mean": ours("Averaging"),
        "median": ours("Averaging", method="median"),
        "convex": ours("Convex"),
        "convex, ridge 0.01": ours("Convex", ridge=0.01),
        "bagged ensemble selection": ours("EnsembleSelection", n_bags=20, random_state=0),
        "Bayesian posterior": ours("Bayesian", random_state=0),
        "pseudo-BMA+": ours("Bayesian", method="pseudo_bma", random_state=0),
        "feature-weighted": ours("FeatureWeighted"),
        "local competence, smooth": ours("LocalCompetence"),
        "KNORA-E": ours("LocalCompetence", method="knora_e"),
        "KNORA-U": ours("LocalCompetence", method="knora_u"),
        "DES-P": ours("LocalCompetence", method="des_p"),
        "meta-learner": ours("MetaLearner"),
        "signed weights": ours("SignedWeights"),
        "cross-fitted blend": ours("CrossFittedBlend"),
        "cross-fitted best": ours("CrossFittedBlend", how="best"),
        "scikit-learn's default": LogisticRegression() if classifies else RidgeCV(),
    }
    if classifies:
        found["convex, temperature"] = ours("Convex", calibrate=True)
        found["geometric mean"] = ours("Averaging", method="geometric")
    return found


def judge(draw: corpus_files.Stored, only: list[str] | None) -> list[dict]:
    """Fit all combiners on one draw; give their losses on its test rows."""
    warnings.simplefilter("ignore")
    losses, seconds = {}, {}
    for name, combiner in combiners(draw.n_classes > 0).items():
        if only and name not in [*only, GREEDY, BEST]:
            continue
        started = perf_counter()
        losses[name] = row_losses(draw, combiner)
        seconds[name] = perf_counter() - started
    return report(draw, losses, seconds)


def report(
    draw: corpus_files.Stored, losses: dict[str, np.ndarray], seconds: dict[str, float]
) -> list[dict]:
    """List what is known of each combiner on a draw, "best learner" being among them."""
    best = losses[BEST]
    return [
        {
            "table": draw.table,
            "seed": draw.seed,
            "combiner": name,
            "loss": one_number(draw, found),
            "worse": (found - best).mean() > 2 * (found - best).std() / len(best) ** 0.5,
            "seconds": seconds[name],
        }
        for name, found in losses.items()
    ]


def row_losses(draw: corpus_files.Stored, combiner: Any) -> np.ndarray:
    """Loss of each test row: minus the log of the true class's probability, or squared error."""
    X, X_test, params = draw.train, draw.test, {"folds": draw.splits}
    if "prediction_columns" not in combiner.get_params():
        params = {}
    elif "feature_columns" in combiner.get_params():
        combiner = clone(combiner).set_params(prediction_columns=X.shape[1])
        X, X_test = np.hstack([X, draw.features]), np.hstack([X_test, draw.features_test])
    combiner.fit(X, draw.y, **params)
    if not draw.n_classes:
        return (combiner.predict(X_test) - draw.y_test) ** 2
    truth = combiner.predict_proba(X_test)[np.arange(len(draw.y_test)), draw.y_test]
    return -np.log(np.maximum(truth, np.finfo(float).eps))


def one_number(draw: corpus_files.Stored, losses: np.ndarray) -> float:
    """Log loss or root mean squared error."""
    return float(losses.mean() if draw.n_classes else losses.mean() ** 0.5)


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Compare over tables; best mean rank first."""
    losses = rows.pivot_table(index=["table", "seed"], columns="combiner", values="loss")
    by_table = losses.div(losses[GREEDY], axis=0).groupby("table").mean() - 1
    to_best = losses.div(losses[BEST], axis=0).groupby("table").mean() - 1
    table = pd.DataFrame(
        {
            "rank": losses.rank(axis=1).mean(),
            "mean": by_table.mean(),
            "worst": by_table.max(),
            "wins": (by_table < 0).sum() / by_table.notna().sum(),
            "p": {name: p_value(by_table[name]) for name in by_table},
            "best learner": to_best.mean(),
            "worse": rows.groupby("combiner")["worse"].mean(),
            "s": rows.groupby("combiner")["seconds"].mean(),
        }
    )
    return table.sort_values("rank")


def p_value(differences: pd.Series) -> float:
    """P-value of Wilcoxon's signed-rank test; NaN where nothing differs."""
    known = differences.dropna()
    return float(wilcoxon(known).pvalue) if known.any() else np.nan


def show(table: pd.DataFrame) -> None:
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for name, row in table.iterrows():
        cells = [
            name,
            f"{row['rank']:.1f}",
            f"{row['mean']:+.2%}",
            f"{row['worst']:+.2%}",
            f"{row['wins']:.0%}",
            f"{row['p']:.2g}",
            f"{row['best learner']:+.2%}",
            f"{row['worse']:.0%}",
            f"{row['s']:.2g}",
        ]
        print(f"| {' | '.join(map(str, cells))} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=corpus_files.FOLDER)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--rows",
        type=Path,
        help="CSV file of the losses of each draw; draws in it are not repeated",
    )
    options = parser.parse_args()
    rows = pd.DataFrame(columns=["table", "seed"])
    if options.rows and options.rows.exists():
        rows = pd.read_csv(options.rows)
    known = set(zip(rows["table"], rows["seed"], strict=True))
    draws = [d for d in corpus_files.load(options.folder) if (d.table, d.seed) not in known]
    parallel = Parallel(n_jobs=options.jobs, batch_size=1, return_as="generator_unordered")
    for found in parallel(delayed(judge)(draw, options.only) for draw in draws):
        rows = pd.concat([rows, pd.DataFrame(found)], ignore_index=True)
        if options.rows:
            rows.to_csv(options.rows, index=False)
    print(
        f"{rows.table.nunique()} tables, {len(rows[['table', 'seed']].drop_duplicates())} draws\n"
    )
    show(summary(rows))
    in_table = rows.pivot_table(index="table", columns="combiner", values="loss")
    relative = in_table.div(in_table[GREEDY], axis=0) - 1
    if "cross-fitted blend" in relative:
        print("\ncross-fitted blend, table by table:")
        print(relative["cross-fitted blend"].map("{:+.2%}".format).to_string())


if __name__ == "__main__":
    main()
