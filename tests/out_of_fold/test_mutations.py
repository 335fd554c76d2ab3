"""A mutation check: one in-sample prediction slipped into any path must be noticed.

What notices is the definition of a leak: the prediction of a row does not depend on its label.
Beside each check of a path stands the same check of the path mutated, which must fail.
"""

import numpy as np
import pytest
from sklearn.base import is_classifier
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    BaggingRegressor,
    ExtraTreesClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
)
from sklearn.model_selection import KFold
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from stackmeta import out_of_fold
from stackmeta.out_of_fold import cross_fit, task
from stackmeta.out_of_fold.plan import REFIT
from stackmeta.out_of_fold.shortcuts import out_of_bag
from stackmeta.out_of_fold.target import fold_labels

RNG = np.random.RandomState(0)
N_ROWS = 90
ROW = 41
COUNTS = RNG.poisson(2.0, size=(N_ROWS, 4))
NUMBERS = RNG.normal(size=(N_ROWS, 3))
CLASSES = RNG.permutation(np.arange(N_ROWS) % 2)
VALUES = RNG.gamma(2.0, size=N_ROWS)

EXACT = [
    LinearRegression(),
    Ridge(),
    make_pipeline(StandardScaler(), Ridge()),
    RidgeClassifier(),
    LinearDiscriminantAnalysis(),
    LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1),
    QuadraticDiscriminantAnalysis(),
    make_pipeline(StandardScaler(), GaussianNB()),
    GaussianNB(),
    MultinomialNB(),
    BernoulliNB(binarize=1.5),
    ComplementNB(),
    CategoricalNB(min_categories=20),
    KernelRidge(kernel="rbf"),
    KernelRidge(kernel="linear"),
    GaussianProcessRegressor(RBF() + WhiteKernel(0.1), optimizer=None),
    KNeighborsClassifier(),
    KNeighborsRegressor(),
    DummyClassifier(),
    DummyRegressor(),
]
APPROXIMATE = [
    RandomForestClassifier(200, min_samples_leaf=5, random_state=0),
    ExtraTreesClassifier(200, min_samples_leaf=5, random_state=0),
    RandomForestRegressor(200, bootstrap=False, max_depth=2, random_state=0),
    LogisticRegression(),
    PoissonRegressor(),
]
MANY_ROWS = [
    RandomForestClassifier(60, min_samples_leaf=5, random_state=0),
    BaggingRegressor(DecisionTreeRegressor(max_depth=2), 60, random_state=0),
]
PATHS = (
    [(learner, "exact") for learner in EXACT]
    + [(learner, "approximate") for learner in APPROXIMATE]
    + [(learner, "many rows") for learner in MANY_ROWS]
    + [(learner, False) for learner in (Ridge(), GaussianNB())]
)
LEVELS = {
    "exact": ["closed form"],
    "approximate": ["out-of-bag", "fewer trees", "Newton"],
    "many rows": ["out-of-bag"],
    False: ["refit"],
}
path = pytest.mark.parametrize(("learner", "level"), PATHS, ids=str)


@pytest.fixture(autouse=True)
def any_size(monkeypatch, level):
    monkeypatch.setattr(out_of_bag, "FEWEST_ROWS", 0)
    if level == "many rows":
        monkeypatch.setattr(out_of_bag, "MANY_ROWS", 0)


def tolerance(level):
    """Newton's steps end near to the optimum; all else is exact."""
    return 1e-4 if level == "approximate" else 1e-8


def moves(learner, level):
    """How far the prediction of a row goes with its label."""
    shortcuts = "approximate" if level == "many rows" else level
    counts = ("MultinomialNB", "BernoulliNB", "ComplementNB", "CategoricalNB")
    X = COUNTS if type(learner).__name__ in counts else NUMBERS
    # Neighbours take their shortcut where splits are many.
    splits = KFold(
        30 if "KNeighbors" in type(learner).__name__ else 5, shuffle=True, random_state=0
    )
    found = []
    for turned in (False, True):
        y = (CLASSES if is_classifier(learner) else VALUES).copy()
        if turned:
            y[ROW] = 1 - y[ROW] if is_classifier(learner) else y[ROW] + 5.0
        oof = out_of_fold(
            [("it", learner)], X, y, cv=splits, shortcuts=shortcuts, random_state=0, refit=True
        )
        assert oof.paths["it"] in LEVELS[level]
        found.append(oof.block("it")[ROW])
    return np.abs(found[0] - found[1]).max()


@path
def test_a_prediction_does_not_depend_on_the_label(learner, level):
    assert moves(learner, level) < tolerance(level)


def slip_into_shortcuts(job, answer):
    """Predict ``ROW`` by a model that was fitted on it."""
    model = job.learner.estimator.__class__(**job.learner.estimator.get_params(deep=False))
    model = model.fit(job.X, job.target.y)
    for (_, test), block in zip(job.splits, answer.blocks, strict=True):
        block[test == ROW] = job.respond(model, job.X[[ROW]])
    return answer


@path
def test_an_in_sample_prediction_is_noticed(learner, level, monkeypatch):
    find = cross_fit.find_shortcut
    fitted = task._fitted

    def find_mutated(*args, **kwargs):
        shortcut = find(*args, **kwargs)
        if shortcut is None:
            return None

        class Mutated(type(shortcut)):
            light = True  # stays in this process
            wide = False

            def run(self, job):
                return slip_into_shortcuts(job, super().run(job))

        mutated = object.__new__(Mutated)
        mutated.__dict__.update(shortcut.__dict__)
        return mutated

    def fitted_in_sample(work, one, labels, threads):
        everywhere = task.Task(one.learner, REFIT)
        return fitted(work, everywhere, fold_labels(work.target, None, renumber=False), threads)

    monkeypatch.setattr(cross_fit, "find_shortcut", find_mutated)
    monkeypatch.setattr(task, "_fitted", fitted_in_sample)
    assert moves(learner, level) > tolerance(level)
