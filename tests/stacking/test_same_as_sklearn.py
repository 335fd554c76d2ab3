"""With scikit-learn's own parameters, the same numbers, attributes and errors as its class."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import ensemble
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression, Perceptron, Ridge
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVR, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import stackmeta

LEARNERS = [
    ("lr", LogisticRegression()),
    ("dropped", "drop"),
    ("tree", DecisionTreeClassifier(max_depth=3, random_state=0)),
    ("svc", LinearSVC(random_state=0)),
    ("ridge", Ridge()),
]
REGRESSORS = [
    ("ridge", Ridge()),
    ("dropped", "drop"),
    ("tree", DecisionTreeRegressor(max_depth=3, random_state=0)),
    ("svr", SVR()),
]
TREE = DecisionTreeClassifier(max_depth=4, random_state=0)
METHODS = ["predict", "predict_proba", "decision_function", "transform"]


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    X = np.round((X - X.mean(axis=0)) / X.std(axis=0), 1)
    order = np.random.RandomState(0).permutation(len(y))
    return X[order], y[order]


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X[:150], y[:150]


def dense(array):
    return array.toarray() if sparse.issparse(array) else np.asarray(array)


def assert_same(kind, X, y, *arguments, fit_params=None, **parameters):
    """Fit scikit-learn's stack and ours; compare all that is public."""
    fit_params = fit_params or {}
    theirs = getattr(ensemble, kind)(*arguments, **parameters).fit(X, y, **fit_params)
    ours = getattr(stackmeta, kind)(*arguments, **parameters).fit(X, y, **fit_params)
    for method in METHODS:
        assert hasattr(ours, method) == hasattr(theirs, method), method
        if not hasattr(theirs, method):
            continue
        expected, answer = getattr(theirs, method)(X), getattr(ours, method)(X)
        assert type(answer) is type(expected), method
        expected, answer = dense(expected), dense(answer)
        assert answer.dtype == expected.dtype, method
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(answer, expected, atol=1e-6, err_msg=method)
        else:
            np.testing.assert_array_equal(answer, expected, err_msg=method)
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())
    assert ours.stack_method_ == theirs.stack_method_
    assert list(ours.named_estimators_) == list(theirs.named_estimators_)
    assert [type(e) for e in ours.estimators_] == [type(e) for e in theirs.estimators_]
    assert type(ours.final_estimator_) is type(theirs.final_estimator_)
    assert ours.n_features_in_ == theirs.n_features_in_
    assert hasattr(ours, "feature_names_in_") == hasattr(theirs, "feature_names_in_")
    if kind == "StackingClassifier":
        assert list(ours.classes_) == list(theirs.classes_)
    return ours


LABELS = {
    "codes": lambda y: y,
    "strings": lambda y: np.array(["setosa", "versicolor", "virginica"])[y],
    "series": lambda y: pd.Series(np.array(["b", "a", "c"])[y]),
    "from five": lambda y: y + 5,
    "booleans": lambda y: y > 0,
    "floats": lambda y: y.astype(float),
    "list": lambda y: y.tolist(),
    "binary strings": lambda y: np.where(y == 1, "yes", "no"),
}


@pytest.mark.parametrize("passthrough", [False, True])
@pytest.mark.parametrize("labels", LABELS)
def test_labels(iris, labels, passthrough):
    X, y = iris
    assert_same(
        "StackingClassifier", X, LABELS[labels](y), LEARNERS, TREE, cv=3, passthrough=passthrough
    )


@pytest.mark.parametrize("final", [None, LinearSVC(random_state=0), Perceptron(), TREE])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_final_classifiers(iris, final, n_jobs):
    X, y = iris
    assert_same("StackingClassifier", X, y, LEARNERS, final, cv=3, n_jobs=n_jobs)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("method", ["auto", "predict_proba", "decision_function", "predict"])
def test_stack_methods(iris, method, binary):
    X, y = iris
    names = {"predict_proba": ["lr", "tree"], "decision_function": ["lr", "svc"]}
    learners = [pair for pair in LEARNERS if pair[0] in names.get(method, ["lr", "tree", "svc"])]
    target = (y == 1) if binary else y
    assert_same("StackingClassifier", X, target, learners, TREE, cv=3, stack_method=method)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
@pytest.mark.parametrize("container", [pd.DataFrame, np.ndarray.tolist, "named"])
def test_containers_of_X(iris, container):
    X, y = iris
    X = pd.DataFrame(X, columns=list("abcd")) if container == "named" else container(X)
    assert_same("StackingClassifier", X, y, LEARNERS, TREE, cv=3, passthrough=True)


@pytest.mark.parametrize("passthrough", [False, True])
@pytest.mark.parametrize(
    "container",
    [
        sparse.csr_matrix,
        sparse.csc_matrix,
        sparse.coo_matrix,
        sparse.lil_matrix,
        sparse.dia_matrix,
        sparse.csr_array,
    ],
)
def test_sparse(iris, container, passthrough):
    X, y = iris
    learners = [("lr", LogisticRegression()), ("knn", KNeighborsClassifier())]
    X = container(X)
    assert_same("StackingClassifier", X, y, learners, TREE, cv=3, passthrough=passthrough)


@pytest.mark.parametrize("passthrough", [False, True])
@pytest.mark.parametrize(
    "final", [None, LinearRegression(), DecisionTreeRegressor(max_depth=3, random_state=0)]
)
@pytest.mark.parametrize("shape", [np.asarray, np.ndarray.tolist, pd.Series, "column"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
def test_regressor(diabetes, final, passthrough, shape):
    X, y = diabetes
    y = y.reshape(-1, 1) if shape == "column" else shape(y)
    assert_same("StackingRegressor", X, y, REGRESSORS, final, cv=3, passthrough=passthrough)


@pytest.mark.parametrize("cv", [4, KFold(3, shuffle=True, random_state=1), "pairs"])
def test_splits(diabetes, cv):
    X, y = diabetes
    if cv == "pairs":
        cv = list(KFold(4).split(X))
    assert_same("StackingRegressor", X, y, REGRESSORS, cv=cv)


def test_sample_weight(iris, diabetes):
    """Weights reach the learners and the meta-learner, cut to the fold's rows."""
    X, y = iris
    weight = np.random.RandomState(0).uniform(0.1, 5, len(y))
    learners = [pair for pair in LEARNERS if pair[0] != "dropped"]
    params = {"sample_weight": weight}
    weighted = assert_same("StackingClassifier", X, y, learners, TREE, cv=3, fit_params=params)
    plain = stackmeta.StackingClassifier(learners, TREE, cv=3).fit(X, y)
    assert not np.allclose(weighted.transform(X), plain.transform(X))
    X, y = diabetes
    assert_same("StackingRegressor", X, y, REGRESSORS, cv=3, fit_params=params)


PREFIT_LABELS = ["codes", "from five", "binary strings", "strings"]


@pytest.mark.parametrize("method", ["predict_proba", "decision_function", "auto", "predict"])
@pytest.mark.parametrize("labels", PREFIT_LABELS)
def test_prefit(iris, labels, method):
    X, y = iris
    y = LABELS[labels](y)
    if method == "predict" and "strings" in labels:
        pytest.skip("scikit-learn's stack cannot use labels that are strings as numbers")
    if method == "predict" and labels == "from five":
        pytest.skip("documented difference: ours stacks codes, as both do without prefit")
    second = LinearSVC(random_state=0) if method == "decision_function" else GaussianNB()
    learners = [("lr", LogisticRegression().fit(X, y)), ("b", second.fit(X, y))]
    ours = assert_same(
        "StackingClassifier", X, y, learners, TREE, cv="prefit", stack_method=method
    )
    assert [a is b for a, (_, b) in zip(ours.estimators_, learners, strict=True)] == [True, True]


def error_of(stack, X, y, **fit_params):
    with pytest.raises(Exception) as caught:
        stack.fit(X, y, **fit_params)
    return type(caught.value), str(caught.value)


WRONG = {
    "empty": {"estimators": []},
    "duplicates": {"estimators": [("a", Ridge()), ("a", Ridge())]},
    "reserved": {"estimators": [("cv", Ridge())]},
    "dunder": {"estimators": [("a__b", Ridge())]},
    "dropped": {"estimators": [("a", "drop"), ("b", "drop")]},
    "final": {"final_estimator": LogisticRegression()},
    "learner": {"estimators": [("lr", LogisticRegression())]},
}


@pytest.mark.parametrize("case", WRONG)
def test_errors_are_scikit_learns(diabetes, case):
    X, y = diabetes
    parameters = {"estimators": REGRESSORS, **WRONG[case]}
    theirs, message = error_of(ensemble.StackingRegressor(**parameters), X, y)
    ours, our_message = error_of(stackmeta.StackingRegressor(**parameters), X, y)
    assert ours is theirs
    # The list of what may be passed is longer here; its first words are the same.
    assert our_message.split(". ")[0].split(" list of")[0] in message or our_message == message


def test_weights_for_a_learner_that_takes_none(iris):
    X, y = iris
    learners = [("knn", KNeighborsClassifier())]
    weight = np.ones(len(y))
    theirs = error_of(ensemble.StackingClassifier(learners), X, y, sample_weight=weight)
    ours = error_of(stackmeta.StackingClassifier(learners), X, y, sample_weight=weight)
    assert ours == theirs


def test_isinstance_of_scikit_learns_classes():
    """Tools that ask isinstance keep working."""
    assert issubclass(stackmeta.StackingClassifier, ensemble.StackingClassifier)
    assert issubclass(stackmeta.StackingRegressor, ensemble.StackingRegressor)
