"""Losses of out-of-fold predictions against scikit-learn's metrics."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    make_scorer,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.model_selection import (
    KFold,
    RepeatedStratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from stackmeta import out_of_fold
from stackmeta.out_of_fold.losses import default_loss, loss_of_block
from stackmeta.out_of_fold.target import encode_target

from .given import classes, numbers

CV = KFold(3)
LETTERS = np.array(["no", "yes", "maybe"])


def target(y, classifier=True):
    return encode_target(y, classifier=classifier, caller="Tester")


def test_known_values():
    binary = target(["a", "b"])
    proba = np.array([[0.25], [0.5]])
    assert_allclose(
        loss_of_block(proba, "predict_proba", binary, "log_loss"),
        -(np.log(0.75) + np.log(0.5)) / 2,
    )
    assert_allclose(
        loss_of_block(np.log(proba), "predict_log_proba", binary, "log_loss"),
        -(np.log(0.75) + np.log(0.5)) / 2,
    )
    assert loss_of_block(np.array([[0.1], [-0.1]]), "decision_function", binary, "error_rate") == 1
    assert loss_of_block(np.array([[0.6], [0.7]]), "predict_proba", binary, "error_rate") == 0.5
    line = target([0.0, 0.0], classifier=False)
    rmse = loss_of_block(np.array([[3.0], [4.0]]), "predict", line, "root_mean_squared_error")
    assert_allclose(rmse, np.sqrt(12.5))


def test_error_rate_of_scores_of_three_classes():
    three = target(["a", "b", "c"])
    scores = np.array([[1.0, 0, 0], [0, -1, 5], [0, 1, 2]])
    assert_allclose(loss_of_block(scores, "decision_function", three, "error_rate"), 1 / 3)
    codes = np.array([[0], [1], [1]])
    assert_allclose(loss_of_block(codes, "predict", three, "error_rate"), 1 / 3)


def test_default_is_the_loss_that_all_learners_have():
    two = target(["a", "b"])
    assert default_loss(two, {"a": "predict_proba", "b": "predict_log_proba"}) == "log_loss"
    assert default_loss(two, {"a": "predict_proba", "b": "decision_function"}) == "error_rate"
    numbers_ = target([1.0, 2.0], classifier=False)
    assert default_loss(numbers_, {"a": "predict"}) == "root_mean_squared_error"


def test_classifier_losses_are_scikit_learns():
    X, y = classes()
    y = LETTERS[y]
    lr = LogisticRegression()
    oof = out_of_fold([("lr", lr), ("knn", KNeighborsClassifier())], X, y, cv=CV)
    proba = cross_val_predict(lr, X, y, cv=CV, method="predict_proba")
    labels = np.unique(y)
    assert oof.loss_name == "log_loss"
    assert_allclose(oof.loss()["lr"], log_loss(y, proba))
    assert_allclose(oof.loss("neg_log_loss")["lr"], log_loss(y, proba))
    assert_allclose(oof.loss("roc_auc")["lr"], -roc_auc_score(y == labels[1], proba[:, 1]))
    accuracy = accuracy_score(y, labels[proba.argmax(axis=1)])
    assert_allclose(oof.loss("accuracy")["lr"], -accuracy)
    assert set(oof.loss("roc_auc")) == {"lr", "knn"}


def test_three_classes():
    X, y = classes(3)
    lr = LogisticRegression()
    oof = out_of_fold([("lr", lr)], X, LETTERS[y], cv=CV)
    proba = cross_val_predict(lr, X, LETTERS[y], cv=CV, method="predict_proba")
    assert_allclose(oof.loss()["lr"], log_loss(LETTERS[y], proba))
    wanted = roc_auc_score(LETTERS[y], proba, multi_class="ovr")
    assert_allclose(oof.loss("roc_auc_ovr")["lr"], -wanted)


def test_learners_without_probabilities():
    X, y = classes()
    oof = out_of_fold([("svc", LinearSVC()), ("lr", LogisticRegression())], X, y, cv=CV)
    scores = cross_val_predict(LinearSVC(), X, y, cv=CV, method="decision_function")
    assert oof.loss_name == "error_rate"
    assert_allclose(oof.loss()["svc"], 1 - accuracy_score(y, scores > 0))
    assert_allclose(oof.loss("roc_auc")["svc"], -roc_auc_score(y, scores))


def test_regression_scorers():
    X, y = numbers()
    oof = out_of_fold([("lin", LinearRegression())], X, y, cv=CV)
    line = cross_val_predict(LinearRegression(), X, y, cv=CV)
    assert_allclose(oof.loss()["lin"], root_mean_squared_error(y, line))
    assert_allclose(oof.loss("r2")["lin"], -r2_score(y, line))
    scorer = make_scorer(mean_absolute_error, greater_is_better=False)
    assert_allclose(oof.loss(scorer)["lin"], mean_absolute_error(y, line))


def test_several_targets():
    X, y = numbers(n_targets=2)
    oof = out_of_fold([("lin", LinearRegression())], X, y, cv=CV)
    line = cross_val_predict(LinearRegression(), X, y, cv=CV)
    assert_allclose(oof.loss()["lin"], root_mean_squared_error(y, line))
    assert_allclose(oof.loss("r2")["lin"], -r2_score(y, line))


def test_multilabel():
    X, first = classes()
    y = np.column_stack([first, X[:, 0] > 0]).astype(int)
    knn = KNeighborsClassifier()
    oof = out_of_fold([("knn", knn)], X, y, cv=CV)
    proba = cross_val_predict(knn, X, y, cv=CV, method="predict_proba")
    wanted = np.mean([log_loss(y[:, k], proba[k][:, 1]) for k in range(2)])
    assert_allclose(oof.loss()["knn"], wanted)
    labels = np.column_stack([p[:, 1] > 0.5 for p in proba])
    assert_allclose(oof.loss("accuracy")["knn"], -accuracy_score(y, labels))


def test_multilabel_decision_values():
    X, first = classes()
    y = np.column_stack([first, X[:, 0] > 0]).astype(int)
    oof = out_of_fold([("ridge", RidgeClassifier())], X, y, cv=CV)
    scores = cross_val_predict(RidgeClassifier(), X, y, cv=CV, method="decision_function")
    assert_allclose(oof.matrix, scores)
    assert_allclose(oof.loss()["ridge"], 1 - accuracy_score(y, scores > 0))


def test_only_rows_that_were_held_out_count():
    X, y = numbers()
    cv = TimeSeriesSplit(3)
    oof = out_of_fold([("lin", LinearRegression())], X, y, cv=cv)
    test = np.concatenate([rows for _, rows in cv.split(X)])
    line = np.concatenate(
        [LinearRegression().fit(X[tr], y[tr]).predict(X[te]) for tr, te in cv.split(X)]
    )
    assert_allclose(oof.loss()["lin"], root_mean_squared_error(y[test], line))


def test_a_class_that_no_covered_row_has():
    X, y = classes(3)
    train, test = np.arange(45), np.arange(45, 90)
    y = np.r_[y[:45], y[45:] % 2]
    prior = DummyClassifier(strategy="prior")
    oof = out_of_fold([("prior", prior)], X, y, cv=[(train, test)])
    share = np.bincount(y[train]) / 45
    wanted = -np.mean(np.log(share[y[test]]))
    assert_allclose(oof.loss()["prior"], wanted)


@pytest.mark.parametrize("method", ["predict", "predict_log_proba"])
def test_repeats_of_labels_and_logs_are_averaged_into_what_they_mean(method):
    """Codes 0 and 2 must not average to class 1; averaged logs must stay probabilities."""
    X, y = classes(3)
    cv = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    tree = DecisionTreeClassifier(max_depth=3, min_samples_leaf=5)
    oof = out_of_fold([("tree", tree)], X, y, cv=cv, method=method, random_state=0)
    if method == "predict":
        said = [set(row) for row in oof.by_repeat[:, :, 0].T]
        assert all(code in row for code, row in zip(oof.matrix[:, 0], said, strict=True))
    else:
        assert_allclose(np.exp(oof.matrix).sum(axis=1), 1)
