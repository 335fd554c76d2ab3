"""Same seed, same numbers, over n_jobs and backends."""

import joblib
import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stackmeta import OutOfFoldTransformer, StackingClassifier

X, Y = make_classification(80, 6, flip_y=0.2, random_state=0)


def learners(seed=None):
    return [
        ("forest", RandomForestClassifier(5, random_state=seed)),
        ("trees", make_pipeline(StandardScaler(), ExtraTreesClassifier(5, random_state=seed))),
        ("lr", LogisticRegression()),
    ]


def numbers(seed=7, n_jobs=None, backend=None, names=None, **parameters):
    cv = KFold(3, shuffle=True)
    chosen = [pair for pair in learners() if names is None or pair[0] in names]
    stack = StackingClassifier(chosen, cv=cv, random_state=seed, n_jobs=n_jobs, **parameters)
    if backend is None:
        stack.fit(X, Y)
    else:
        with joblib.parallel_config(backend, n_jobs=2):
            stack.fit(X, Y)
    return stack.oof_.matrix, stack.predict_proba(X)


def assert_equal(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12, rtol=0)


def test_same_seed_same_numbers():
    assert_equal(numbers(), numbers())


def test_another_seed_other_numbers():
    assert not np.allclose(numbers(1)[0], numbers(2)[0], equal_nan=True)


@pytest.mark.parametrize("backend", ["loky", "threading", "sequential", "multiprocessing"])
def test_backends(backend):
    assert_equal(numbers(), numbers(backend=backend))


def test_n_jobs():
    assert_equal(numbers(n_jobs=1), numbers(n_jobs=2))


def test_without_refit():
    assert_equal(numbers(refit=False), numbers(refit=False, n_jobs=2))


def test_a_random_state_object():
    """Its state moves on with each fit, as everywhere in scikit-learn."""
    one, other = (numbers(np.random.RandomState(3)) for _ in range(2))
    assert_equal(one, other)
    state = np.random.RandomState(3)
    first, second = numbers(state), numbers(state)
    assert not np.allclose(first[0], second[0])


def test_another_learner_beside_changes_nothing():
    """A learner's seed hangs on its name, not on its place: adding one repeats no luck."""
    alone = numbers(names=["forest"])[0]
    together = numbers(names=["forest", "lr"])[0]
    np.testing.assert_array_equal(alone[:, 0], together[:, 0])


def test_seeds_of_the_user_are_kept():
    stack = StackingClassifier(learners(5), cv=3, random_state=0).fit(X, Y)
    reference = StackingClassifier(learners(5), cv=3).fit(X, Y)
    np.testing.assert_array_equal(stack.oof_.matrix, reference.oof_.matrix)


def test_without_a_seed_learners_stay_unseeded():
    stack = StackingClassifier(learners(), cv=3).fit(X, Y)
    assert stack.named_estimators_["forest"].random_state is None


def test_learners_of_one_kind_get_different_seeds():
    """Two forests with one seed would be one forest twice."""
    twins = [(name, RandomForestClassifier(5)) for name in ("a", "b")]
    matrix = OutOfFoldTransformer(twins, random_state=0, cv=3).fit_transform(X, Y)
    assert not np.allclose(matrix[:, 0], matrix[:, 1])


def test_the_final_estimator_is_seeded():
    answers = [
        StackingClassifier(learners(0), RandomForestClassifier(5), cv=3, random_state=1)
        .fit(X, Y)
        .predict_proba(X)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*answers)
