"""Lists of learners that the cost benchmarks stack."""

from __future__ import annotations

from typing import Any

from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import clone
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier, XGBRegressor

#: Rows from which on the mixed list is a smaller one.
LARGE = 100_000


def mixed(classify: bool, n_rows: int) -> list[tuple[str, Any]]:
    """Eight usual learners, as in flat_queue.py; fewer and smaller ones on a large table."""
    large = n_rows > LARGE
    boosters = {"n_estimators": 150 if large else 300, "n_jobs": 1, "random_state": 0}
    forest = _either(classify, RandomForestClassifier, RandomForestRegressor)
    trees = _either(classify, ExtraTreesClassifier, ExtraTreesRegressor)
    size = {"n_estimators": 100 if large else 200}
    learners = [
        ("scaled_linear", _scaled(LogisticRegression() if classify else Ridge())),
        ("forest", forest.set_params(**size)),
        ("extra_trees", trees.set_params(**size)),
        ("hist", _hist(classify)),
        ("lightgbm", (LGBMClassifier if classify else LGBMRegressor)(verbose=-1, **boosters)),
        ("xgboost", (XGBClassifier if classify else XGBRegressor)(**boosters)),
        ("plain", GaussianNB() if classify else LinearRegression()),
    ]
    if not large:
        neighbours = KNeighborsClassifier(30) if classify else KNeighborsRegressor(30)
        learners.append(("neighbours", _scaled(neighbours)))
    return learners


def forests(classify: bool, n_rows: int) -> list[tuple[str, Any]]:
    """Three forests do nearly all of the work."""
    size = {"n_estimators": 100 if n_rows > LARGE else 200}
    forest = _either(classify, RandomForestClassifier, RandomForestRegressor).set_params(**size)
    trees = _either(classify, ExtraTreesClassifier, ExtraTreesRegressor).set_params(**size)
    return [
        ("forest", forest),
        ("leaf_forest", clone(forest).set_params(min_samples_leaf=5)),
        ("extra_trees", trees),
        ("scaled_linear", _scaled(LogisticRegression() if classify else Ridge())),
        ("plain", GaussianNB() if classify else LinearRegression()),
    ]


def closed(classify: bool, n_rows: int) -> list[tuple[str, Any]]:
    """Learners that have a closed form."""
    if classify:
        return [
            ("ridge", RidgeClassifier()),
            ("scaled_ridge", _scaled(RidgeClassifier())),
            ("lda", LinearDiscriminantAnalysis()),
            ("qda", QuadraticDiscriminantAnalysis(reg_param=0.01)),
            ("bayes", GaussianNB()),
        ]
    return [
        ("least_squares", LinearRegression()),
        ("ridge", Ridge()),
        ("scaled_ridge", _scaled(Ridge(10.0))),
        ("scaled_least_squares", _scaled(LinearRegression())),
    ]


def refitted(classify: bool, n_rows: int) -> list[tuple[str, Any]]:
    """Cheap learners that have to be refitted on each fold."""
    return [
        ("sgd", SGDClassifier(max_iter=3, tol=None, random_state=0)),
        ("hist", HistGradientBoostingClassifier(max_iter=5, random_state=0)),
        ("logistic", LogisticRegression(max_iter=50)),
    ]


def many(classify: bool, n_rows: int) -> list[tuple[str, Any]]:
    """64 cheap learners that have a closed form, for slopes."""
    kinds = [
        lambda i: RidgeClassifier(10.0**i),
        lambda i: GaussianNB(var_smoothing=10.0 ** -(9 - i % 8)),
        lambda i: _scaled(RidgeClassifier(10.0**i)),
        lambda i: LinearDiscriminantAnalysis(solver="lsqr", shrinkage=(i + 1) / 20),
    ]
    return [(f"l{i}", kinds[i % 4](i // 4)) for i in range(64)]


LISTS = {"many": many, "mixed": mixed, "forests": forests, "closed": closed, "refitted": refitted}


def _scaled(learner: Any) -> Any:
    return make_pipeline(StandardScaler(), learner)


def _either(classify: bool, classifier: type, regressor: type) -> Any:
    return (classifier if classify else regressor)(100, random_state=0)


def _hist(classify: bool) -> Any:
    kind = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
    return kind(random_state=0)
