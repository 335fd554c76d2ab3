"""Weights that follow drift: regret against the best fixed weights, on two streams.

    python benchmarks/drift.py [--folder FOLDER]

Learners are fitted on the first part of a stream and stay; the combiners see their predictions
day by day. "best fixed" are the convex weights of least loss on the whole stream, in hindsight.
The second table is of whole stacks, evaluated in rolling windows.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor
from sklearn.base import clone
from sklearn.linear_model import RidgeCV, SGDRegressor
from sklearn.model_selection import TimeSeriesSplit
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tables import DATA

from stackmeta import (
    ConvexRegressor,
    OnlineWeightsRegressor,
    RecentRegressor,
    StackingRegressor,
    out_of_fold,
    rolling_evaluation,
)

DAY = 24


def learners() -> list[tuple]:
    boost = LGBMRegressor(n_estimators=60, num_leaves=15, verbose=-1, n_jobs=1, random_state=0)
    return [
        ("linear", make_pipeline(StandardScaler(), RidgeCV(np.logspace(-1, 3, 9)))),
        ("neighbours", make_pipeline(StandardScaler(), KNeighborsRegressor(10))),
        ("booster", boost),
        ("last_week", LastWeek()),
    ]


class LastWeek(KNeighborsRegressor):
    """What was there at the same hour a week ago: the column of that name, and nothing else."""

    def __init__(self) -> None:
        super().__init__(1)

    def predict(self, X) -> np.ndarray:
        """Give the column."""
        return X["last_week"].to_numpy()


def bikes() -> tuple[pd.DataFrame, np.ndarray]:
    """Hours in order, with the count of the same hour a week ago."""
    frame = pd.read_parquet(DATA / "bike_sharing_hour.parquet").sort_values("timestamp")
    y = frame.pop("target").astype(float)
    frame["last_week"] = y.shift(7 * DAY).fillna(y.mean())
    return frame.drop(columns=["timestamp"]).astype(float), y.to_numpy()


def switched(n_rows: int = 8000) -> tuple[np.ndarray, np.ndarray]:
    """Predictions of three learners, the first two of which change roles in the middle."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=n_rows)
    spread = np.where(np.arange(n_rows)[:, None] < n_rows // 2, [0.4, 1.0, 0.8], [1.0, 0.4, 0.8])
    return y[:, None] + spread * rng.normal(size=(n_rows, 3)), y


def follow(combiner, P0, y0, P, y, refit_days: int | None = None) -> np.ndarray:
    """Squared errors on a stream, a day at a time; the truth of a day comes with its end."""
    combiner, errors = clone(combiner).fit(P0, y0), []
    for day, start in enumerate(range(0, len(y), DAY)):
        rows = slice(start, start + DAY)
        errors.append((combiner.predict(P[rows]) - y[rows]) ** 2)
        if hasattr(combiner, "partial_fit"):
            combiner.partial_fit(P[rows], y[rows])
        elif refit_days and day % refit_days == refit_days - 1:
            done = slice(0, start + DAY)
            combiner.fit(np.vstack([P0, P[done]]), np.concatenate([y0, y[done]]))
    return np.concatenate(errors)


def regret(name: str, P0, y0, P, y) -> pd.DataFrame:
    """Mean squared error of each way, and its regret against the best fixed weights."""
    ways = {
        "weights of fit, kept": (ConvexRegressor(), None),
        "refitted weekly": (ConvexRegressor(), 7),
        "refitted weekly, recent (14 days)": (
            RecentRegressor(ConvexRegressor(), half_life=14 * DAY),
            7,
        ),
        "exponentiated gradient": (OnlineWeightsRegressor(share=0.0), None),
        "fixed share": (OnlineWeightsRegressor(learning_rate=0.03, share=1e-3), None),
        "online, auto": (OnlineWeightsRegressor(), None),
    }
    best = ConvexRegressor().fit(P, y)
    hindsight = float(((best.predict(P) - y) ** 2).mean())
    single = float(((P - y[:, None]) ** 2).mean(axis=0).min())
    rows = [("best fixed, in hindsight", hindsight), ("best learner, in hindsight", single)]
    for way, (combiner, days) in ways.items():
        rows.append((way, float(follow(combiner, P0, y0, P, y, days).mean())))
    table = pd.DataFrame(rows, columns=["weights", "mean squared error"])
    table.insert(0, "stream", name)
    table["regret, %"] = 100 * (table["mean squared error"] / hindsight - 1)
    return table


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    warnings.simplefilter("ignore")
    X, y = bikes()
    n = len(y) // 3
    splits = TimeSeriesSplit(5, gap=DAY)
    oof = out_of_fold(learners(), X[:n], y[:n], cv=splits, refit=True)
    rows = oof.covered
    tables = [regret("bikes", oof.matrix[rows], y[rows], oof.predict_matrix(X[n:]), y[n:])]
    P, truth = switched()
    tables.append(regret("switch", P[:1000], truth[:1000], P[1000:], truth[1000:]))
    print(pd.concat(tables).round(3).to_markdown(index=False), "\n")

    sgd = make_pipeline(StandardScaler(), SGDRegressor(random_state=0))
    few = [*learners()[:3], ("sgd", sgd)]
    scaled = StandardScaler().fit(X[:n]).transform(X)
    few[3] = ("sgd", SGDRegressor(random_state=0))
    window = {"initial": n, "step": 7 * DAY, "gap": DAY}
    month = 4
    ways = {
        "fitted once": (ConvexRegressor(), {"refit_every": None}),
        "refitted every 4 weeks": (ConvexRegressor(), {"refit_every": month}),
        "refitted every 4 weeks, recent weights": (
            RecentRegressor(ConvexRegressor(), half_life=28 * DAY),
            {"refit_every": month},
        ),
        "fitted once, updated": (OnlineWeightsRegressor(), {"refit_every": None, "update": True}),
        "refitted every 4 weeks, updated": (
            OnlineWeightsRegressor(),
            {"refit_every": month, "update": True},
        ),
    }
    found = []
    for way, (combiner, how) in ways.items():
        stack = StackingRegressor(few, combiner, cv=splits, keep_oof=False, random_state=0)
        rolling = rolling_evaluation(stack, scaled, y, **window, **how)
        seconds = rolling.table["seconds"].sum()
        found.append((way, rolling.loss, len(rolling.table), seconds))
    columns = ["stack", "mean RMSE of the weeks", "windows", "seconds"]
    print(pd.DataFrame(found, columns=columns).round(1).to_markdown(index=False))


if __name__ == "__main__":
    main()
