"""The leaderboard: learners, losses, weights, seconds."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.svm import LinearSVC

from stackmeta import ConvexClassifier, StackingClassifier, StackingRegressor, out_of_fold
from stackmeta.inspection import leaderboard

X, Y = load_iris(return_X_y=True)
LABELS = np.array(["x", "y", "z"])[Y]
LEARNERS = [
    ("dummy", DummyClassifier()),
    ("nb", GaussianNB()),
    ("lr", LogisticRegression(max_iter=1000)),
]
COLUMNS = ["learner", "loss", "loss_se", "weight", "gain", "gain_se"]
COLUMNS += ["fit_seconds", "predict_seconds", "path"]


def test_columns_and_order():
    stack = StackingClassifier(LEARNERS, ConvexClassifier(), cv=3).fit(X, LABELS)
    table = stack.leaderboard()
    assert list(table.columns) == COLUMNS
    assert list(table["loss"]) == sorted(table["loss"])
    assert list(table.index) == [0, 1, 2]
    assert table["learner"].iloc[-1] == "dummy"
    assert table.attrs["loss"] == "log_loss"
    assert dict(zip(table["learner"], table["weight"], strict=True)) == stack.learner_weights_
    assert table["weight"].sum() == pytest.approx(1)
    assert (table["fit_seconds"] > 0).all()


def test_known_losses():
    stack = StackingClassifier(LEARNERS, cv=3).fit(X, LABELS)
    table = stack.leaderboard().set_index("learner")
    for name in ("nb", "lr"):
        expected = log_loss(LABELS, stack.oof_.block(name))
        assert table.loc[name, "loss"] == pytest.approx(expected)
    assert table.loc["dummy", "loss"] == pytest.approx(np.log(3), rel=1e-3)
    assert table["weight"].isna().all()


def test_error_rate_where_a_learner_gives_no_probabilities():
    stack = StackingClassifier([*LEARNERS, ("svc", LinearSVC())], cv=3).fit(X, LABELS)
    table = stack.leaderboard()
    assert table.attrs["loss"] == "error_rate"
    wrong = np.array(["x", "y", "z"])[stack.oof_.block("svc").argmax(axis=1)] != LABELS
    assert table.set_index("learner").loc["svc", "loss"] == pytest.approx(wrong.mean())


def test_regression():
    features, y = load_diabetes(return_X_y=True)
    learners = [("knn", KNeighborsRegressor()), ("ridge", Ridge())]
    stack = StackingRegressor(learners, cv=3).fit(features, y)
    table = stack.leaderboard().set_index("learner")
    expected = root_mean_squared_error(y, stack.oof_.block("knn")[:, 0])
    assert table.loc["knn", "loss"] == pytest.approx(expected)
    assert stack.leaderboard().attrs["loss"] == "root_mean_squared_error"


def test_out_of_fold_alone():
    """The function needs no stack."""
    oof = out_of_fold(LEARNERS, X, LABELS, cv=3)
    table = leaderboard(oof)
    assert set(table["learner"]) == {"dummy", "nb", "lr"}
    assert leaderboard(oof, {"nb": 0.5}).set_index("learner").loc["nb", "weight"] == 0.5


def test_prefit():
    fitted = [(name, learner.fit(X, LABELS)) for name, learner in LEARNERS]
    table = StackingClassifier(fitted, cv="prefit").fit(X, LABELS).leaderboard()
    assert set(table["path"]) == {"prefit"}


def test_before_fit():
    with pytest.raises(NotFittedError):
        StackingClassifier(LEARNERS).leaderboard()


def test_errors_of_the_losses():
    """The standard error of a log loss is that of a mean; of a root, by the delta method."""
    stack = StackingClassifier(LEARNERS, cv=3).fit(X, LABELS)
    table = stack.leaderboard(gain=False).set_index("learner")
    sure = stack.oof_.block("lr")[np.arange(len(Y)), Y]
    expected = np.std(-np.log(sure), ddof=1) / np.sqrt(len(Y))
    assert table.loc["lr", "loss_se"] == pytest.approx(expected, rel=1e-6)
    features, y = load_diabetes(return_X_y=True)
    stack = StackingRegressor([("ridge", Ridge())]).fit(features, y)
    squares = (y - stack.oof_.block("ridge")[:, 0]) ** 2
    drawn = np.random.default_rng(0).choice(squares, (2000, len(squares)))
    bootstrapped = np.sqrt(drawn.mean(axis=1)).std()
    found = stack.leaderboard(gain=False)["loss_se"].iloc[0]
    assert found == pytest.approx(bootstrapped, rel=0.1)


def test_seconds_of_predictions():
    stack = StackingClassifier(LEARNERS, ConvexClassifier(), cv=3).fit(X, LABELS)
    assert stack.leaderboard()["predict_seconds"].isna().all()
    table = stack.leaderboard(X=X).set_index("learner")["predict_seconds"]
    predicts = {name for name, e in stack.named_estimators_.items() if e != "drop"}
    assert set(table.dropna().index) == predicts
    assert (table.dropna() > 0).all()


def test_wrong_gain():
    stack = StackingClassifier(LEARNERS, cv=3).fit(X, LABELS)
    with pytest.raises(ValueError, match="gain='yes'"):
        stack.leaderboard(gain="yes")
