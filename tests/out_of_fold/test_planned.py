"""The queue of learners whose costs are known beforehand, more or less."""

from time import sleep

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.tree import DecisionTreeRegressor

from stackmeta import out_of_fold
from stackmeta.out_of_fold.engine import set_up
from stackmeta.out_of_fold.learner import Learner
from stackmeta.out_of_fold.planned import PlannedQueue
from stackmeta.out_of_fold.target import encode_target


def run(costs, true, deadline, *, n_workers=1, n_folds=4):
    """Let machines take tasks as joblib does; give (learner, start, end) of each."""
    queue = PlannedQueue(
        [90] * n_folds,
        len(costs),
        120,
        refit=False,
        deadline=deadline,
        costs=costs,
        n_workers=n_workers,
    )
    free, running, found = [0.0] * n_workers, [], []
    while True:
        machine = int(np.argmin(free))
        now = free[machine]
        for end, task, start in sorted(running, key=lambda x: x[0]):
            if end <= now:
                running.remove((end, task, start))
                queue.done(task, end - start)
        task = queue.next(now)
        if task is None:
            if not running:
                return found
            free[machine] = min(end for end, *_ in running)
            continue
        end = now + true[task.learner]
        running.append((end, task, now))
        found.append((task.learner, now, end))
        free[machine] = end


def complete(found, n_folds=4):
    learners = [learner for learner, *_ in found]
    return [i for i in sorted(set(learners)) if learners.count(i) == n_folds]


def test_learners_come_in_the_order_given():
    found = run([1, 3, 2], [1, 3, 2], 1000.0)
    assert [learner for learner, *_ in found] == [0] * 4 + [1] * 4 + [2] * 4


def test_a_learner_that_would_not_end_is_passed_over():
    found = run([1, 10, 2], [1, 10, 2], 20.0)
    assert {learner for learner, *_ in found} == {0, 2}
    assert complete(found) == [0, 2]


def test_cores_are_counted_together():
    found = run([1, 10, 2], [1, 10, 2], 40.0, n_workers=2)
    assert complete(found) == [0, 1, 2]
    assert max(end for *_, end in found) <= 40


def test_a_slow_machine_is_noticed():
    """All fits take five times what was expected: the second learner is not begun."""
    found = run([2, 5, 1], [10, 25, 5], 70.0)
    assert complete(found) == [0, 2]
    assert {learner for learner, *_ in found} == {0, 2}


def test_a_learner_slower_than_expected_is_left():
    """After its first fold the others' time is spared."""
    found = run([1, 1, 1], [1, 30, 1], 45.0)
    assert [learner for learner, *_ in found].count(1) == 1
    assert complete(found) == [0, 2]


class Slow(DummyRegressor):
    def fit(self, X, y):
        sleep(0.3)
        return super().fit(X, y)


def test_something_is_tried_where_nothing_seems_to_fit():
    found = run([50, 40], [1, 1], 10.0)
    assert complete(found) == [0, 1] or complete(found) == [1]


@pytest.mark.parametrize("deadline", [0.0, -1.0])
def test_nothing_starts_after_the_deadline(deadline):
    assert run([1], [1], deadline) == []


def test_whole_rounds_count():
    """Five folds of 4 s take two workers 12 s, not 10."""
    found = run([0.1, 4, 1], [0.1, 4, 1], 12, n_workers=2, n_folds=5)
    assert complete(found, 5) == [0, 2]
    assert 1 not in {learner for learner, *_ in found}


def test_costs_are_checked_and_used():
    X = np.random.default_rng(0).normal(size=(40, 2))
    learners = [("a", DecisionTreeRegressor()), ("b", DecisionTreeRegressor())]
    with pytest.raises(ValueError, match=r"costs has no seconds for the learners \['b'\]"):
        out_of_fold(learners, X, X[:, 0], costs={"a": 1.0})
    with pytest.warns(UserWarning, match="time_limit"):
        oof = out_of_fold(learners, X, X[:, 0], costs={"a": 0.1, "b": 1e6}, time_limit=60)
    assert oof.names == ["a"]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_without_a_deadline_learners_come_in_order_until_it_is_enough(n_jobs):
    """The first learner ends last where two run at once, but is judged first."""
    asked = []

    def enough(oof):
        asked.append(oof.names)
        return len(oof.names) == 2

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), rng.normal(size=60)
    learners = [(name, Slow() if name == "a" else DecisionTreeRegressor()) for name in "abcd"]
    engine = set_up(
        [Learner(name, tree, "predict") for name, tree in learners],
        X,
        encode_target(y, classifier=False, caller="test"),
        cv=3,
        groups=None,
        split_params={},
        classifier=False,
        seed=0,
        costs=dict.fromkeys("abcd", 1.0),
        enough=enough,
        n_jobs=n_jobs,
    )
    oof = engine.run(refit=False)
    assert asked == [["a"], ["a", "b"]]
    assert oof.names == ["a", "b"]
    assert oof.paths == {"a": "refit", "b": "refit", "c": "not needed", "d": "not needed"}


def test_a_quick_learner_is_done_first_whatever_comes_of_the_machine():
    """All takes thrice as long as expected: the first alone would not be done in time."""
    found = run([20, 1, 30], [60, 3, 90], 100.0)
    assert complete(found) == [1]
