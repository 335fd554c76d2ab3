"""Stacks inside stacks and inside scikit-learn's meta-estimators."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris, make_regression
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from stackmeta import OutOfFoldTransformer, StackingClassifier, StackingRegressor

from .doubles import classifiers, regressors

X, Y = load_iris(return_X_y=True)
ORDER = np.random.RandomState(0).permutation(150)
X, Y = X[ORDER], Y[ORDER]
FRAME = pd.DataFrame(X, columns=list("abcd"))


def stack(final=None, **parameters):
    return StackingClassifier(classifiers(), final or GaussianNB(), cv=3, **parameters)


@pytest.mark.parametrize("labels", [Y, np.array(["x", "y", "z"])[Y]], ids=["codes", "strings"])
def test_a_stack_as_final_estimator(labels):
    """Another layer: the same as fitting it on the out-of-fold predictions by hand."""
    outer = StackingClassifier(classifiers(), stack(), cv=3).fit(X, labels)
    inner = stack().fit(outer.oof_.matrix, labels)
    np.testing.assert_allclose(
        outer.predict_proba(X), inner.predict_proba(outer.transform(X)), atol=1e-9
    )
    np.testing.assert_array_equal(outer.predict(X), inner.predict(outer.transform(X)))


def test_a_stack_as_a_learner():
    outer = StackingClassifier([("inner", stack()), *classifiers()], cv=3).fit(X, Y)
    train, test = outer.oof_.splits[0]
    inner = stack().fit(X[train], Y[train])
    np.testing.assert_allclose(outer.oof_.block("inner")[test], inner.predict_proba(X[test]))
    inner_names = [f"stackingclassifier_inner{k}" for k in range(3)]
    assert list(outer.get_feature_names_out()[:3]) == inner_names


def test_the_three_layers_of_regression():
    rows, y = make_regression(90, 4, noise=5, random_state=0)
    layer = StackingRegressor(regressors(), cv=3)
    deep = StackingRegressor([("stack", layer), *regressors()], layer, cv=3).fit(rows, y)
    assert deep.score(rows, y) > 0.9


def test_pipeline():
    pipeline = make_pipeline(StandardScaler(), stack()).fit(X, Y)
    rows = StandardScaler().fit_transform(X)
    np.testing.assert_allclose(
        pipeline.predict_proba(X), stack().fit(rows, Y).predict_proba(rows), atol=1e-9
    )


def test_the_transformer_in_a_pipeline_is_honest():
    """The next step must be trained on out-of-fold predictions, and predict on refits."""
    learners = [("deep", DecisionTreeClassifier(random_state=0)), ("nb", GaussianNB())]
    pipeline = make_pipeline(OutOfFoldTransformer(learners, cv=3), LogisticRegression())
    pipeline.fit(X, Y)
    reference = StackingClassifier(learners, cv=3).fit(X, Y)
    coefficients = reference.final_estimator_.coef_
    np.testing.assert_allclose(pipeline[-1].coef_, coefficients, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(pipeline.predict(X), reference.predict(X))
    in_sample = OutOfFoldTransformer(learners, cv=3).fit(X, Y).transform(X)
    out_of_fold = OutOfFoldTransformer(learners, cv=3).fit_transform(X, Y)
    assert ((in_sample[:, :3] == np.eye(3)[Y]).all(axis=1)).all()
    assert not ((out_of_fold[:, :3] == np.eye(3)[Y]).all(axis=1)).all()


def test_column_transformer():
    parts = ColumnTransformer(
        [
            ("stack", OutOfFoldTransformer(classifiers(), cv=3), ["a", "b"]),
            ("rest", "passthrough", ["c"]),
        ]
    )
    answer = parts.fit_transform(FRAME, Y)
    expected = OutOfFoldTransformer(classifiers(), cv=3).fit_transform(FRAME[["a", "b"]], Y)
    np.testing.assert_allclose(answer, np.c_[expected, FRAME["c"]])
    assert parts.get_feature_names_out()[0] == "stack__outoffoldtransformer_nb0"
    stacked = ColumnTransformer([("stack", stack(), ["a", "b"])]).fit(FRAME, Y)
    assert stacked.transform(FRAME).shape == (150, 6)


def test_grid_search():
    learners = [("rf", RandomForestClassifier(5, random_state=0)), ("nb", GaussianNB())]
    grid = {"rf__max_depth": [1, 3], "final_estimator__C": [0.01, 1.0]}
    search = GridSearchCV(StackingClassifier(learners, LogisticRegression(), cv=3), grid, cv=3)
    search.fit(X, Y)
    scores = search.cv_results_["mean_test_score"]
    assert len(set(scores)) > 1
    parameters, score = search.cv_results_["params"][2], scores[2]
    single = clone(search.estimator).set_params(**parameters)
    assert np.isclose(cross_validate(single, X, Y, cv=3)["test_score"].mean(), score)


def test_grid_search_over_learners():
    forest = RandomForestClassifier(5, random_state=0)
    learners = [("rf", forest), ("nb", GaussianNB())]
    grid = {"rf": ["drop", forest, DecisionTreeClassifier(max_depth=1)], "passthrough": [True]}
    search = GridSearchCV(StackingClassifier(learners, cv=3), grid, cv=3, error_score="raise")
    search.fit(FRAME, Y)
    assert len(search.cv_results_["params"]) == 3
    without = StackingClassifier(learners, cv=3).set_params(rf="drop").fit(X, Y)
    assert without.transform(X).shape == (150, 3)
    assert without.named_estimators_["rf"] == "drop"


def test_cross_validate():
    result = cross_validate(
        stack(), X, Y, cv=KFold(3), scoring=["neg_log_loss", "accuracy"], return_estimator=True
    )
    for (train, test), fitted, accuracy in zip(
        KFold(3).split(X), result["estimator"], result["test_accuracy"], strict=True
    ):
        assert accuracy == stack().fit(X[train], Y[train]).score(X[test], Y[test])
        assert len(fitted.oof_.matrix) == 100


def test_calibration():
    calibrated = CalibratedClassifierCV(stack(), cv=3).fit(X, Y)
    assert calibrated.score(X, Y) > 0.9
    frozen = CalibratedClassifierCV(FrozenEstimator(stack().fit(X, Y))).fit(X, Y)
    np.testing.assert_allclose(frozen.predict_proba(X).sum(axis=1), 1)


@pytest.mark.parametrize("routing", [False, True])
def test_multi_output(routing):
    targets = np.c_[Y, 2 - Y]
    with config_context(enable_metadata_routing=routing):
        several = MultiOutputClassifier(stack()).fit(X, targets)
        np.testing.assert_array_equal(several.predict(X)[:, 0], stack().fit(X, Y).predict(X))
        numbers = MultiOutputRegressor(StackingRegressor(regressors(), cv=3)).fit(X, X[:, :2])
        assert numbers.predict(X).shape == (150, 2)


def test_bagging():
    bag = BaggingClassifier(stack(), n_estimators=2, max_samples=0.8, random_state=0).fit(X, Y)
    assert bag.score(X, Y) > 0.9
    rows, y = make_regression(60, 3, random_state=0)
    face = StackingRegressor(regressors(), Ridge(), cv=3)
    assert BaggingRegressor(face, n_estimators=2, random_state=0).fit(rows, y).score(rows, y) > 0.9


@pytest.mark.parametrize("cv", ["prefit", 3])
def test_fitted_learners(cv):
    """As in scikit-learn: they are taken as they are, and not fitted again."""
    half = slice(0, 75)
    learners = [(name, learner.fit(X[half], Y[half])) for name, learner in classifiers()]
    if cv != "prefit":
        learners = [(name, FrozenEstimator(learner)) for name, learner in learners]
    outer = StackingClassifier(learners, cv=cv).fit(X[75:], Y[75:])
    expected = np.hstack([learner.predict_proba(X[75:]) for _, learner in learners])
    np.testing.assert_allclose(outer.oof_.matrix, expected)
    np.testing.assert_allclose(outer.transform(X[75:]), expected)
    final = LogisticRegression().fit(expected, Y[75:])
    np.testing.assert_allclose(outer.final_estimator_.coef_, final.coef_)
