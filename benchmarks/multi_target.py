"""Several targets that know of each other, against one stack per target.

    python benchmarks/multi_target.py [--seeds 3] [--rows 200 1000] [--tables NAME …]

Targets are columns of tables that have something to do with each other; columns that give them
away are left out. Loss is the root mean squared error, or the log loss of labels, in percent of
that of one stack per target, as a mean over targets. All ways have the same learners, folds and
combiner. Prints a table of tables, a table of targets, and the seconds of a fit.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tables import DATA

from stackmeta import (
    ConvexClassifier,
    ConvexRegressor,
    MultiTargetStackingClassifier,
    MultiTargetStackingRegressor,
    StackingClassifier,
    StackingRegressor,
)

_SERVICES = ["OnlineSecurity", "OnlineBackup", "DeviceProtection", "TechSupport"]
_SERVICES += ["StreamingTV", "StreamingMovies"]

#: Table → its targets, and columns that are left out.
NUMBERS: dict[str, tuple[list[str], list[str]]] = {
    "abalone": (
        ["target", "shucked_weight", "viscera_weight", "shell_weight"],
        ["whole_weight"],  # the sum of the weights
    ),
    "ames_housing": (
        ["target", "Gr_Liv_Area", "Total_Bsmt_SF", "Garage_Area"],
        ["First_Flr_SF", "Second_Flr_SF", "BsmtFin_SF_1", "BsmtFin_SF_2", "Bsmt_Unf_SF"],
    ),
    "bike_sharing_hour": (["target", "temp", "hum", "windspeed"], ["atemp", "timestamp"]),
    "california_housing": (
        ["target", "total_rooms", "total_bedrooms", "population", "households"],
        [],
    ),
    "concrete": (["target", "water", "superplastic", "fineagg"], []),
    "cpu_act": (["target", "runqsz", "freemem", "freeswap"], []),
    "eucalyptus": (["DBH", "Ht", "Vig", "Stem_Fm", "Crown_Fm", "Brnch_Fm"], ["target"]),
    "parkinsons_updrs": (["NHR", "HNR", "RPDE", "DFA", "PPE"], ["target", "subject"]),
}
LABELS: dict[str, tuple[list[str], list[str]]] = {
    "telco_churn": (["target", *_SERVICES], []),
    "bank_marketing": (["target", "housing", "loan"], []),
}
TEST_ROWS = 2000


def read(name: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Read columns as numbers, and the targets: numbers, or 0 and 1."""
    targets, left_out = (NUMBERS | LABELS)[name]
    frame = pd.read_parquet(DATA / f"{name}.parquet").drop(columns=left_out)
    if name == "telco_churn":  # others have none of the services
        frame = frame[frame["InternetService"] != "No"]
    frame = frame[frame[targets].notna().all(axis=1)]
    Y = frame[targets]
    Y = (Y.isin(["yes", "Yes"])).astype(int) if name in LABELS else Y.astype(float)
    X = frame.drop(columns=targets)
    for each in X:
        if not pd.api.types.is_numeric_dtype(X[each]):
            X[each] = pd.factorize(X[each], sort=True)[0]
    X = X.astype(float)
    return X.fillna(X.median()).fillna(0.0).to_numpy(), Y.to_numpy(), targets


def learners(labels: bool) -> list[tuple]:
    boost = {"n_estimators": 60, "num_leaves": 8, "min_child_samples": 5, "verbose": -1}
    boost |= {"n_jobs": 1, "random_state": 0}
    linear = LogisticRegression(C=0.1) if labels else RidgeCV(np.logspace(-1, 3, 9))
    near = KNeighborsClassifier(20) if labels else KNeighborsRegressor(8)
    booster = LGBMClassifier(**boost) if labels else LGBMRegressor(**boost)
    return [
        ("linear", make_pipeline(StandardScaler(), linear)),
        ("neighbours", make_pipeline(StandardScaler(), near)),
        ("booster", booster),
    ]


def one_per_target(X, Y, X_new, labels: bool, cv: KFold) -> list[np.ndarray]:
    """Predict each target by a stack of its own."""
    found = []
    for y in Y.T:
        if labels:
            stack = StackingClassifier(learners(labels), ConvexClassifier(), cv=cv)
            found.append(stack.fit(X, y).predict_proba(X_new)[:, 1])
        else:
            stack = StackingRegressor(learners(labels), ConvexRegressor(), cv=cv)
            found.append(stack.fit(X, y).predict(X_new))
    return found


def together(X, Y, X_new, labels: bool, cv: KFold, method: str) -> list[np.ndarray]:
    """Predict the targets by one stack that knows them all."""
    face = MultiTargetStackingClassifier if labels else MultiTargetStackingRegressor
    stack = face(learners(labels), method=method, n_chains=3, cv=cv, random_state=0).fit(X, Y)
    if labels:
        return [p[:, 1] for p in stack.predict_proba(X_new)]
    return list(stack.predict(X_new).T)


def measure(name: str, n_rows: int, seed: int) -> list[dict]:
    """Losses of all ways on all targets, for one draw of rows."""
    X, Y, targets = read(name)
    order = np.random.default_rng(seed).permutation(len(X))
    # Small tables: a third is left to judge by.
    n_rows = min(n_rows, 2 * len(X) // 3)
    train, test = order[:n_rows], order[n_rows : n_rows + TEST_ROWS]
    labels, cv = name in LABELS, KFold(5, shuffle=True, random_state=seed)
    found = []
    for way in ("one per target", "stacked", "chains", "both"):
        started = time.perf_counter()
        args = (X[train], Y[train], X[test], labels, cv)
        answers = one_per_target(*args) if way == "one per target" else together(*args, way)
        seconds = time.perf_counter() - started
        loss = log_loss if labels else root_mean_squared_error
        for target, y, p in zip(targets, Y[test].T, answers, strict=True):
            row = {"table": name, "rows": n_rows, "seed": seed, "target": target, "way": way}
            found.append(row | {"loss": loss(y, p), "s": seconds})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", nargs="*", type=int, default=[200, 1000])
    parser.add_argument("--tables", nargs="*", default=[*NUMBERS, *LABELS])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    found: list[dict] = []
    for name in options.tables:
        for n_rows in options.rows:
            for seed in range(options.seeds):
                found += measure(name, n_rows, seed)
        mine = pd.DataFrame([row for row in found if row["table"] == name])
        means = mine.groupby(["rows", "way"])["loss"].mean().round(4)
        print(f"{name}: mean losses", means.to_dict(), flush=True)
    report(pd.DataFrame(found))


def report(table: pd.DataFrame) -> None:
    """Print losses relative to one stack per target."""
    keys = ["table", "rows", "target"]
    wide = table.pivot_table(index=[*keys, "seed"], columns="way", values="loss")
    relative = 100 * (wide.div(wide["one per target"], axis=0) - 1)
    relative = relative[["stacked", "chains", "both"]]
    by_target = relative.groupby(keys).mean()
    by_table = by_target.groupby(["table", "rows"]).mean()
    print("% of the loss of one stack per target, mean over targets\n")
    print(by_table.round(1).reset_index().to_markdown(index=False), "\n")
    print(by_target.round(1).reset_index().to_markdown(index=False), "\n")
    print("mean of tables:", by_table.mean().round(1).to_dict())
    print("ahead on:", (by_target < 0).mean().round(2).to_dict(), "of", len(by_target), "targets")
    print("seconds of a fit:", table.groupby("way")["s"].mean().round(1).to_dict())


if __name__ == "__main__":
    main()
