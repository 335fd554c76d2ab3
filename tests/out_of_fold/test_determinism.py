"""Same seed, same numbers: bitwise, whatever the backend, the jobs and the other learners."""

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, RepeatedStratifiedKFold, ShuffleSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stackmeta import ConvexClassifier, StackingClassifier, out_of_fold

from .given import Noise, classes, numbers

LEARNERS = [
    ("forest", RandomForestClassifier(5)),
    ("trees", ExtraTreesClassifier(5)),
    ("seeded", RandomForestClassifier(5, random_state=3)),
    ("nb", GaussianNB()),
]
CV = RepeatedStratifiedKFold(n_splits=3, n_repeats=2)


def run(learners=LEARNERS, seed=0, **options):
    X, y = classes(3)
    return out_of_fold(learners, X, y, cv=CV, random_state=seed, refit=True, **options)


@pytest.mark.parametrize(("backend", "n_jobs"), [("loky", 2), ("threading", 2), ("loky", 1)])
def test_backends_and_jobs(backend, n_jobs):
    one = run()
    with parallel_config(backend):
        two = run(n_jobs=n_jobs)
    assert_array_equal(two.by_repeat, one.by_repeat)
    X, _ = classes(3, seed=1)
    assert_array_equal(two.predict_matrix(X), one.predict_matrix(X))


@pytest.mark.parametrize("container", ["array", "pandas", "polars"])
@pytest.mark.parametrize(
    ("backend", "n_jobs"),
    [("loky", 1), ("threading", 4), pytest.param("loky", 4, marks=pytest.mark.slow)],
)
def test_stores_and_containers(tmp_path, container, backend, n_jobs):
    """With a store or without, resumed or not, and whatever holds the values."""
    X, y = classes(3)
    of_array = stack_of_all(X, y)
    if container != "array":
        columns = {f"x{i}": X[:, i] for i in range(X.shape[1])}
        X = pytest.importorskip(container).DataFrame(columns)
    one = stack_of_all(X, y)
    with parallel_config(backend):
        found = [stack_of_all(X, y, n_jobs=n_jobs, store=s) for s in (None, tmp_path, tmp_path)]
    for two in found:
        assert_array_equal(two.oof_.by_repeat, one.oof_.by_repeat)
        assert_array_equal(two.predict_proba(X), one.predict_proba(X))
    # Sums go along columns here and along rows there.
    assert_allclose(one.oof_.by_repeat, of_array.oof_.by_repeat, rtol=1e-12, atol=1e-15)


def stack_of_all(X, y, **params):
    stack = StackingClassifier(LEARNERS, ConvexClassifier(), cv=CV, random_state=0, **params)
    return stack.fit(X, y)


def test_another_seed_gives_other_numbers():
    one, two = run(), run(seed=1)
    assert not np.array_equal(one.splits[0][1], two.splits[0][1])
    assert not np.array_equal(one.matrix, two.matrix)


def test_no_seed_gives_other_numbers_each_time():
    X, y = classes()
    once, again = (
        out_of_fold([("f", RandomForestClassifier(3))], X, y, cv=KFold(3)).matrix for _ in "ab"
    )
    assert not np.array_equal(once, again)


def test_order_and_company_of_learners_do_not_matter():
    whole, reverse, one = run(), run(LEARNERS[::-1]), run(LEARNERS[1:2])
    for name, _ in LEARNERS:
        assert_array_equal(reverse.block(name), whole.block(name))
    assert_array_equal(one.block("trees"), whole.block("trees"))


def test_learners_with_their_own_seed_keep_it():
    X, y = numbers()
    oof = out_of_fold([("n", Noise(7))], X, y, cv=KFold(3), random_state=0)
    assert_array_equal(oof.matrix, np.random.RandomState(7).normal())


def test_folds_and_learners_get_different_seeds():
    X, y = numbers()
    learners = [("one", Noise()), ("two", Noise())]
    oof = out_of_fold(learners, X, y, cv=KFold(3), random_state=0, refit=True)
    constants = {*oof.matrix.ravel(), *(m.constant_ for m in oof.models.values())}
    assert len(constants) == 8


def test_random_state_instances_are_drawn_from_once():
    X, y = classes()
    learners = [("f", RandomForestClassifier(3))]
    matrices = [
        out_of_fold(
            learners,
            X,
            y,
            cv=ShuffleSplit(3, random_state=np.random.RandomState(1)),
            random_state=np.random.RandomState(5),
        ).matrix
        for _ in "ab"
    ]
    assert_array_equal(*matrices)


def test_a_stack_is_the_same_over_jobs():
    X, y = classes()
    one, two = (
        StackingClassifier(LEARNERS[:2], cv=3, random_state=0, n_jobs=n).fit(X, y)
        for n in (None, 2)
    )
    assert_array_equal(one.oof_.by_repeat, two.oof_.by_repeat)
    assert_array_equal(one.predict_proba(X), two.predict_proba(X))


def test_the_global_generator_is_left_alone():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    run(LEARNERS[:1])
    assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_a_learner_that_works_in_place_spoils_no_other(backend):
    """``copy=False`` in a refit must not scale the table that all others still read."""
    X, y = numbers()
    X += 5
    before = X.copy()
    scaled = make_pipeline(StandardScaler(copy=False), Ridge())
    with parallel_config(backend):
        oof = out_of_fold(
            [("scaled", scaled), ("ridge", Ridge())], X, y, cv=KFold(3), refit=True, n_jobs=2
        )
    assert_array_equal(X, before)
    wanted = out_of_fold([("ridge", Ridge())], before, y, cv=KFold(3)).matrix
    assert_array_equal(oof.block("ridge"), wanted)
