"""MetaTrainer: tasks are what they say, and a table under test has taught nothing."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine, make_classification

from stackmeta.experience import MetaTrainer, TaskMemory
from stackmeta.experience.leave_one_table_out import TriedTask, leave_one_table_out
from stackmeta.experience.sub_tasks import sub_tasks

from .given import NAMES, made_record


def drawn(X, y, groups=None, **options):
    options = {
        "classifies": True,
        "n_rows": (60,),
        "n_tasks": 3,
        "least_columns": 1.0,
        "class_subsets": False,
        "seed": 0,
    } | options
    return [*sub_tasks("table", X, y, groups, **options)]


def test_no_row_is_both_trained_on_and_held_out():
    X, y = load_breast_cancer(return_X_y=True)
    X[:, 0] = np.arange(len(X))
    for task in drawn(X, y):
        assert len(task.y) == 60
        assert not set(task.X.iloc[:, 0]) & set(task.X_held_out.iloc[:, 0])
        assert np.array_equal(y[task.X.iloc[:, 0].astype(int)], task.y)
        assert np.array_equal(y[task.X_held_out.iloc[:, 0].astype(int)], task.y_held_out)


def test_no_group_is_on_both_sides():
    X, y = load_breast_cancer(return_X_y=True)
    groups = np.arange(len(y)) // 7
    X[:, 0] = groups
    tasks = drawn(X, y, groups)
    assert tasks
    for task in tasks:
        assert not set(task.X.iloc[:, 0]) & set(task.X_held_out.iloc[:, 0])
        assert np.array_equal(task.X.iloc[:, 0], task.groups)


def test_columns_and_classes_are_drawn():
    X, y = load_wine(return_X_y=True)
    tasks = drawn(X, y, n_tasks=12, least_columns=0.3, class_subsets=True, n_rows=(40,))
    assert {len(np.unique(task.y)) for task in tasks} == {2, 3}
    assert len({task.X.shape[1] for task in tasks}) > 2
    assert all(task.y.max() + 1 == len(np.unique(task.y)) for task in tasks)
    assert all(set(task.y_held_out) <= set(task.y) for task in tasks)


def test_rare_classes_and_small_tables_are_left_out():
    X, y = make_classification(300, n_classes=3, n_informative=4, weights=[0.49, 0.49, 0.02])
    for task in drawn(X, y):
        assert task.y.max() == 1
    assert drawn(X[:70], y[:70]) == []


def test_same_seed_same_tasks():
    X, y = load_wine(return_X_y=True)
    one, two, other = (drawn(X, y, seed=seed) for seed in (0, 0, 1))
    assert all(a.X.equals(b.X) for a, b in zip(one, two, strict=True))
    assert not one[0].X.equals(other[0].X)


@pytest.fixture(scope="module")
def trainer(tmp_path_factory):
    path = tmp_path_factory.mktemp("memory") / "memory.sqlite"
    tables = {load.__name__: load(return_X_y=True) for load in (load_breast_cancer, load_wine)}
    frame, y = load_diabetes(return_X_y=True, as_frame=True)
    return MetaTrainer(path, n_rows=(60,), preset="fast", n_folds=3).fit(
        tables, {"diabetes": (frame, y)}
    )


def test_tasks_are_recorded_and_judged(trainer):
    records = TaskMemory(trainer.memory).records()
    assert [record.table for record in records] == ["load_breast_cancer", "load_wine", "diabetes"]
    assert [record.task for record in records] == ["classification"] * 2 + ["regression"]
    for tried in trainer.tasks_:
        assert tried.held_out.shape == (5, 5)
        # Learners know more than a constant, out of fold and on rows held out.
        assert 0 < np.diag(tried.held_out).min() < 1


def test_evaluate(trainer):
    found = trainer.evaluate(budgets=[0.3, 1.0])
    assert len(found) == 6
    assert found[["without", "with"]].gt(0).all(axis=None)
    # Two tables, or one, teach nothing about a third.
    assert (found["change"] == 0).all()


def test_bad_input(trainer, tmp_path):
    with pytest.raises(ValueError, match="call fit with tables first"):
        MetaTrainer(tmp_path / "m").evaluate()
    with pytest.raises(ValueError, match="budgets must be shares"):
        trainer.evaluate(budgets=[2.0])
    with pytest.raises(ValueError, match="No task could be drawn from \\['small'\\]"):
        MetaTrainer(tmp_path / "m").fit({"small": (np.eye(4), [0, 1, 0, 1])})
    with pytest.raises(ValueError, match="only read"):
        MetaTrainer("shipped").fit({})
    with pytest.raises(ValueError, match="'n_tasks' parameter"):
        MetaTrainer(tmp_path / "m", n_tasks=0).fit({})


def tried(table, best, seed=0, n_rows=200):
    """A task on which one learner is by far the best, and the others are as good as nothing."""
    spreads = [0.05 if name == best else 0.95 for name in NAMES]
    record = made_record(table, spreads=spreads, seed=seed, n_rows=n_rows)
    return TriedTask(record, record.gram)


def change_on(tasks, table):
    found = leave_one_table_out(tasks, [0.2], NAMES)
    return float(found.loc[found["table"] == table, "change"].mean())


def test_what_others_teach_is_used():
    tasks = [tried(table, "booster", seed) for seed, table in enumerate("abcdef")]
    assert change_on(tasks, "a") < -0.5


def test_a_table_under_test_has_taught_nothing():
    """Canary: only its own tasks know of the learner that is best on it.

    Two more tasks of the same table, and one just like it, tell what nobody else does: were they
    read when the table is tested, the loss would fall as above.
    """
    others = [tried(table, "linear", seed) for seed, table in enumerate("bcdef")]
    own = [tried("a", "booster", seed, n_rows=200 + seed) for seed in range(3)]
    assert change_on([*own, *others], "a") > -0.05
    leaked = [tried(f"copy {seed}", "booster", seed, n_rows=200 + seed) for seed in range(3)]
    assert change_on([own[0], *leaked, *others], "a") < -0.5


def test_frames_of_any_index():
    X, y = load_wine(return_X_y=True, as_frame=True)
    X.index = pd.Index(np.arange(len(X))[::-1] + 5)
    (task, *_) = drawn(X, y.to_numpy())
    assert task.X.index.equals(pd.RangeIndex(60))
