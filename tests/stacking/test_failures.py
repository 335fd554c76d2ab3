"""Learners that raise, and a time limit."""

import time

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, Ridge

from stackmeta import ConvexClassifier, OutOfFoldTransformer, StackingClassifier, StackingRegressor

from .doubles import Failing, Slow, classifiers

X, Y = make_classification(60, 5, random_state=0)
NUMBERS, TARGET = make_regression(60, 3, random_state=0)


def test_raise_names_learner_and_fold():
    with pytest.raises(RuntimeError, match="no luck") as caught:
        StackingClassifier([*classifiers(), ("bad", Failing(50))], cv=3).fit(X, Y)
    note = " ".join(caught.value.__notes__)
    assert "'bad'" in note
    assert "fold" in note


@pytest.mark.parametrize("final", [None, ConvexClassifier()], ids=["lr", "convex"])
@pytest.mark.parametrize("below", [50, 100], ids=["folds", "everywhere"])
def test_drop(below, final):
    stack = StackingClassifier(
        [("bad", Failing(below)), *classifiers()], final, cv=3, on_error="drop"
    )
    with pytest.warns(FitFailedWarning, match=r"'bad'.*no luck"):
        stack.fit(X, Y)
    reference = StackingClassifier(classifiers(), final, cv=3).fit(X, Y)
    np.testing.assert_allclose(stack.predict_proba(X), reference.predict_proba(X))
    assert stack.named_estimators_["bad"] == "drop"
    assert stack.oof_.names == ["nb", "tree"]
    table = stack.leaderboard().set_index("learner")
    assert table.loc["bad", "path"] == "failed"
    assert np.isnan(table.loc["bad", "loss"])


class FailsOnAll(Failing):
    """Fits folds, but not all rows."""

    def fit(self, X, y):
        if len(X) == 60:
            raise RuntimeError("no luck with all rows")
        return super().fit(X, y)


@pytest.mark.parametrize("final", [None, ConvexClassifier()], ids=["lr", "convex"])
def test_drop_when_only_the_refit_fails(final):
    """The weights must be found again without the learner."""
    stack = StackingClassifier([("bad", FailsOnAll(0)), *classifiers()], final, cv=3)
    with pytest.warns(FitFailedWarning, match="'bad'.*all rows"):
        stack.set_params(on_error="drop").fit(X, Y)
    reference = StackingClassifier(classifiers(), final, cv=3).fit(X, Y)
    np.testing.assert_allclose(stack.predict_proba(X), reference.predict_proba(X))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_all_fail():
    stack = StackingClassifier([("a", Failing()), ("b", Failing())], cv=3, on_error="drop")
    with pytest.raises(ValueError, match=r"(?s)'a'.*no luck.*'b'.*no luck"):
        stack.fit(X, Y)


def test_drop_in_the_transformer():
    transformer = OutOfFoldTransformer([("bad", Failing()), *classifiers()], on_error="drop")
    with pytest.warns(FitFailedWarning, match="'bad'"):
        answer = transformer.fit_transform(X, Y)
    assert answer.shape == transformer.transform(X).shape == (60, 2)
    assert len(transformer.get_feature_names_out()) == 2


def test_a_failure_of_the_final_estimator_is_not_hidden():
    with pytest.raises(RuntimeError, match="no luck"):
        StackingClassifier(classifiers(), Failing(), cv=3, on_error="drop").fit(X, Y)


@pytest.mark.parametrize("final", [None, Ridge()], ids=["default", "ridge"])
@pytest.mark.parametrize("refit", [True, False])
def test_time_limit(refit, final):
    learners = [("slow", Slow(0.5)), ("ridge", Ridge())]
    stack = StackingRegressor(learners, final, cv=5, refit=refit, time_limit=0.6)
    started = time.perf_counter()
    with pytest.warns(UserWarning, match=r"time_limit=0\.6.*slow"):
        stack.fit(NUMBERS, TARGET)
    assert time.perf_counter() - started < 1.1 * 0.6 + 2
    assert stack.oof_.names == ["ridge"]
    assert stack.named_estimators_["slow"] == "drop"
    assert stack.leaderboard().set_index("learner").loc["slow", "path"] == "time limit"
    reference = StackingRegressor(learners[1:], final, cv=5, refit=refit).fit(NUMBERS, TARGET)
    np.testing.assert_allclose(stack.predict(NUMBERS), reference.predict(NUMBERS))


def test_nothing_done_in_time():
    with pytest.raises(TimeoutError, match=r"time_limit=0\.1"):
        StackingRegressor([("slow", Slow(0.3))], time_limit=0.1).fit(NUMBERS, TARGET)


def test_enough_time_changes_nothing():
    stack = StackingClassifier(classifiers(), ConvexClassifier(), cv=3, time_limit=100)
    reference = StackingClassifier(classifiers(), ConvexClassifier(), cv=3).fit(X, Y)
    np.testing.assert_allclose(stack.fit(X, Y).predict_proba(X), reference.predict_proba(X))
    assert stack.learner_weights_ == reference.learner_weights_


def test_a_second_fit_forgets_the_first():
    """Attributes of a failed or larger fit must not survive."""
    stack = StackingClassifier([*classifiers(), ("lr", LogisticRegression())], cv=3).fit(X, Y)
    stack.set_params(lr="drop", keep_oof=False).fit(X[:, :3], Y)
    assert not hasattr(stack, "oof_")
    assert stack.n_features_in_ == 3
    assert stack.transform(X[:, :3]).shape == (60, 2)
