"""Who is fitted how often: refit=False, and learners of weight zero."""

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, TimeSeriesSplit
from sklearn.utils.validation import check_is_fitted

from stackmeta import (
    BestLearnerClassifier,
    BestLearnerRegressor,
    ConvexClassifier,
    ConvexRegressor,
    OutOfFoldTransformer,
    StackingClassifier,
    StackingRegressor,
)

from .doubles import (
    Log,
    RecordingClassifier,
    RecordingRegressor,
    classifiers,
    fits,
    regressors,
    useless_classifier,
    useless_regressor,
)

X, Y = make_classification(100, 6, class_sep=1.5, random_state=0)
NUMBERS, TARGET = make_regression(80, 4, noise=5, random_state=0)


def test_each_learner_is_fitted_once_a_fold_and_once_more():
    log = Log()
    StackingClassifier([("a", RecordingClassifier(log))], cv=4).fit(X, Y)
    assert sorted(len(entry["X"]) for entry in fits(log)) == [75, 75, 75, 75, 100]


def test_no_refit():
    log = Log()
    stack = StackingClassifier([("a", RecordingClassifier(log))], cv=4, refit=False).fit(X, Y)
    assert sorted(len(entry["X"]) for entry in fits(log)) == [75, 75, 75, 75]
    stack.predict(X)
    assert len(fits(log)) == 4


@pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
def test_the_average_of_the_fold_models(method):
    cv = KFold(4)
    stack = StackingClassifier(
        [("lr", LogisticRegression())], cv=cv, refit=False, stack_method=method
    ).fit(X, Y)
    models = [LogisticRegression().fit(X[train], Y[train]) for train, _ in cv.split(X)]
    answers = [getattr(model, method)(X) for model in models]
    expected = np.mean([a[:, 1] if a.ndim == 2 else a for a in answers], axis=0)
    np.testing.assert_allclose(stack.transform(X)[:, 0], expected)
    final = LogisticRegression().fit(stack.oof_.matrix, Y)
    np.testing.assert_allclose(stack.predict(X), final.predict(expected[:, None]))


def test_the_average_of_numbers_and_a_partial_cover():
    cv = TimeSeriesSplit(3)
    stack = StackingRegressor(regressors(), Ridge(), cv=cv, refit=False).fit(NUMBERS, TARGET)
    expected = [
        np.mean(
            [est.fit(NUMBERS[tr], TARGET[tr]).predict(NUMBERS) for tr, _ in cv.split(NUMBERS)], 0
        )
        for _, est in regressors()
    ]
    np.testing.assert_allclose(stack.transform(NUMBERS), np.column_stack(expected))


def test_the_average_in_the_transformer():
    cv = KFold(4)
    transformer = OutOfFoldTransformer(regressors(), cv=cv, refit=False).fit(NUMBERS, TARGET)
    expected = np.mean(
        [Ridge().fit(NUMBERS[tr], TARGET[tr]).predict(NUMBERS) for tr, _ in cv.split(NUMBERS)], 0
    )
    np.testing.assert_allclose(transformer.transform(NUMBERS)[:, 0], expected)


CASES = {
    "convex classes": (StackingClassifier, ConvexClassifier),
    "best of classes": (StackingClassifier, BestLearnerClassifier),
    "convex numbers": (StackingRegressor, ConvexRegressor),
    "best of numbers": (StackingRegressor, BestLearnerRegressor),
}


@pytest.mark.parametrize("passthrough", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_a_learner_of_weight_zero(case, passthrough):
    """It is not refitted, never called again, and transform covers the others."""
    face, combiner = CASES[case]
    logs = {"bad": Log(), "good": Log()}
    if face is StackingClassifier:
        bad = RecordingClassifier(logs["bad"], useless_classifier())
        # Shy of certainty, so that mixing in the prior cannot help.
        good = RecordingClassifier(logs["good"], LogisticRegression(C=0.01))
        rows, y = X, Y
    else:
        bad = RecordingRegressor(logs["bad"], useless_regressor())
        good, rows, y = RecordingRegressor(logs["good"]), NUMBERS, TARGET
    stack = face([("bad", bad), ("good", good)], combiner(), cv=4, passthrough=passthrough)
    stack.fit(rows, y)
    assert stack.learner_weights_ == {"bad": 0.0, "good": 1.0}
    assert len(fits(logs["bad"])) == 4
    assert len(fits(logs["good"])) == 5
    assert stack.named_estimators_["bad"] == "drop"
    assert len(stack.estimators_) == len(stack.stack_method_) == 1
    logs["bad"].clear()
    stack.predict(rows)
    stack.transform(rows)
    assert logs["bad"] == []
    width = 1 + passthrough * rows.shape[1]
    assert stack.transform(rows).shape == (len(rows), width)
    names = stack.get_feature_names_out()
    assert len(names) == width
    assert names[0].endswith("_good")
    expected = stack.named_estimators_["good"].predict(rows)
    np.testing.assert_allclose(stack.predict(rows), expected)
    # The out-of-fold predictions of both are kept.
    assert stack.oof_.names == ["bad", "good"]


def test_a_learner_of_weight_zero_is_not_asked_without_refit_either():
    log = Log()
    learners = [("bad", RecordingClassifier(log, useless_classifier())), *classifiers()]
    stack = StackingClassifier(learners, BestLearnerClassifier(), cv=4, refit=False).fit(X, Y)
    log.clear()
    stack.predict(X)
    assert log == []
    assert stack.named_estimators_["bad"] == "drop"


def test_other_meta_learners_refit_all():
    """Coefficient zero is not weight zero: only combiners with the tag decide."""
    log = Log()
    learners = [("bad", RecordingClassifier(log, useless_classifier())), *classifiers()]
    StackingClassifier(learners, cv=4).fit(X, Y)
    assert len(fits(log)) == 5


def test_the_learners_of_the_user_stay_unfitted():
    learners = classifiers()
    StackingClassifier(learners, cv=3).fit(X, Y)
    for _, learner in learners:
        with pytest.raises(NotFittedError):
            check_is_fitted(learner)
