"""Starting points of learners' settings: what earlier tables say, and when they say nothing."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from stackmeta.experience.memory import TaskMemory
from stackmeta.experience.record import TaskRecord
from stackmeta.experience.settings import (
    FAMILIES,
    LEAST_TABLES,
    start_from,
    starting_points,
    with_settings,
)
from stackmeta.learners import portfolio

SMALL, LARGE = {"num_leaves": 4}, {"num_leaves": 60}
NAMES = ("lightgbm_small", "lightgbm#small", "lightgbm#large")


def describe(n_rows):
    return {"n_rows": float(n_rows), "n_columns": 10.0, "n_classes": 2.0}


def record(table, n_rows, losses, names=NAMES, settings=None, task="classification"):
    n = len(names)
    settings = settings or {
        "lightgbm_small": {"num_leaves": 7},
        "lightgbm#small": SMALL,
        "lightgbm#large": LARGE,
    }
    losses = np.asarray(losses, float)
    return TaskRecord(
        table,
        task,
        describe(n_rows),
        names,
        losses,
        np.eye(n),
        np.ones(n),
        np.ones(n) / n,
        settings,
    )


def planted(n_tables=10, seed=0):
    """Tables of few rows on which small leaves are best, and of many, on which large ones are."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n_tables):
        noise = rng.normal(0, 0.005, (2, 3))
        few, many = rng.integers(80, 150), rng.integers(20_000, 40_000)
        found.append(record(f"few{i}", few, np.array([0.8, 0.7, 0.9]) + noise[0]))
        found.append(record(f"many{i}", many, np.array([0.8, 0.9, 0.7]) + noise[1]))
    return found


def leaves(records, n_rows):
    return starting_points(records, describe(n_rows))["lightgbm"].get("num_leaves")


def test_tables_like_this_one_decide():
    records = planted()
    assert leaves(records, 100) == 4
    assert leaves(records, 30_000) == 60


def test_default_stays_where_it_was_best():
    records = [record(f"t{i}", 100, [0.7, 0.8, 0.9]) for i in range(10)]
    assert starting_points(records, describe(100)) == {name: {} for name in FAMILIES}


def test_chance_is_no_reason_to_leave_the_default():
    """Ten tables on which all settings are as good as each other, but for noise."""
    rng = np.random.default_rng(0)
    changed = 0
    for _ in range(100):
        records = [record(f"t{i}", 100, rng.normal(0.8, 0.02, 3)) for i in range(10)]
        changed += leaves(records, 100) is not None
    assert changed < 45


def test_few_tables_say_nothing():
    records = [r for r in planted(LEAST_TABLES - 1) if r.n_rows < 1_000]
    assert leaves(records, 100) is None
    again = [r for r in planted(LEAST_TABLES) if r.n_rows < 1_000]
    assert leaves(again, 100) == 4


def test_a_table_counts_once_however_many_tasks_are_of_it():
    one = [record("one", 100, [0.8, 0.9, 0.5]) for _ in range(200)]
    others = [record(f"t{i}", 100, [0.8, 0.7, 0.9]) for i in range(10)]
    assert leaves(one + others, 100) == 4
    assert leaves(one[:1] + others, 100) == leaves(one + others, 100)
    assert leaves(one, 100) is None


def test_a_tables_disaster_does_not_outweigh_the_others():
    bad = [record("bad", 100, [0.001, 900.0, 900.0])]
    others = [record(f"t{i}", 100, [0.8, 0.6, 0.9]) for i in range(12)]
    assert leaves(bad + others, 100) == 4


def test_a_memory_keeps_a_tables_own_tasks_out(tmp_path):
    """A canary: the table and draws from it say what no other does, and are nearest by far."""
    others = [record(f"t{i}", 5_000, [0.8, 0.7, 0.9]) for i in range(10)]
    own = [record("own", 100 + i, [9.0, 9.0, 0.001]) for i in range(40)]
    memory = TaskMemory(tmp_path / "memory.sqlite")
    memory.add(*others, *own)
    found = starting_points(memory.records("classification", without="own"), describe(100))
    assert found == starting_points(others, describe(100))
    assert found["lightgbm"] == {"num_leaves": 4, "extra_trees": False}
    # With them it is another answer: the canary would sing.
    assert starting_points(memory.records("classification"), describe(100)) != found


def test_order_of_records_does_not_matter():
    records = planted()
    found = starting_points(records, describe(300))
    assert found == starting_points(records[::-1], describe(300))
    assert found == starting_points(records, describe(300))


def test_tasks_without_the_default_or_settings_say_nothing():
    without = [record(f"t{i}", 100, [0.5, 0.9], NAMES[1:]) for i in range(10)]
    assert leaves(without, 100) is None
    unset = [record(f"t{i}", 100, [0.9, 0.5, 0.7], settings={"x": {}}) for i in range(10)]
    assert leaves(unset, 100) is None


def test_portfolio_variants_are_settings_of_their_family():
    names = ("xgboost_lossguide", "xgboost", "xgboost_indicators")
    settings = {
        "xgboost_lossguide": {"grow_policy": "lossguide", "max_leaves": 24, "max_depth": 0},
        "xgboost": {"max_depth": 6, "booster": "gbtree"},
        "xgboost_indicators": {"max_depth": 5},
    }
    records = [record(f"t{i}", 100, [0.8, 0.7, 0.1], names, settings) for i in range(6)]
    found = starting_points(records, describe(100))["xgboost"]
    # Not of the family: it sees indicators. And what is not tuned stays out.
    assert found == {"max_depth": 6, "grow_policy": "depthwise", "max_leaves": 0}


def test_bad_input():
    with pytest.raises(ValueError, match=r"description should tell n_rows > 0, got \{\}"):
        starting_points([], {})
    mixed = [record("a", 100, [1, 1, 1]), record("b", 100, [1, 1, 1], task="regression")]
    with pytest.raises(ValueError, match="one kind of task"):
        starting_points(mixed, describe(100))
    with pytest.raises(ValueError, match="catboost"):
        start_from([], {"catboost": {}})


def last_step(learner):
    while hasattr(learner, "steps") or hasattr(learner, "max_rounds"):
        learner = learner.steps[-1][1] if hasattr(learner, "steps") else learner.estimator
    return learner


def test_learners_with_the_points_stand_beside_the_defaults():
    learners = portfolio("classification", n_rows=300, pace=2.0)
    points = {
        "lightgbm": {"num_leaves": 4, "learning_rate": 0.04, "extra_trees": True},
        "linear": {"C": 2.0},
        "xgboost": {},
    }
    found = start_from(learners, points, pace=2.0)
    made = dict(found)
    assert [name for name, _ in found if not name.endswith("#near")] == [n for n, _ in learners]
    names = [*made]
    assert names[names.index("lightgbm_small") + 1] == "lightgbm#near"
    assert names[names.index("linear") + 1] == "linear#near"
    assert len(names) == len(learners) + 2
    booster = last_step(made["lightgbm#near"])
    assert booster.num_leaves == 4
    assert booster.learning_rate == pytest.approx(0.08)
    assert booster.get_params()["extra_trees"] is True
    assert last_step(made["linear#near"]).C == 2.0
    # The portfolio's own are as they were.
    assert last_step(dict(learners)["lightgbm_small"]).num_leaves == 7


def test_what_a_learner_does_not_have_is_left_out():
    ridge = dict(portfolio("regression"))["linear"]
    assert repr(with_settings(ridge, {"C": 1.0})) == repr(ridge)


def test_leaves_of_many_rows_stay_large():
    forest = dict(portfolio("regression", n_rows=100_000))["extra_trees"]
    assert last_step(with_settings(forest, {"min_samples_leaf": 2})).min_samples_leaf == 10
    assert last_step(with_settings(forest, {"min_samples_leaf": 20})).min_samples_leaf == 20


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_learners_with_settings_fit(task):
    load = load_breast_cancer if task == "classification" else load_diabetes
    X, y = load(return_X_y=True)
    points = {
        "linear": {"C": 1.0},
        "extra_trees": {"min_samples_leaf": 3, "max_features": 0.5},
        "lightgbm": {"num_leaves": 5, "min_child_samples": 5, "extra_trees": True},
        "xgboost": {"max_depth": 3, "grow_policy": "depthwise", "max_leaves": 0},
    }
    learners = start_from(portfolio(task, n_rows=200), points, pace=1.0)
    changed = [(name, learner) for name, learner in learners if name.endswith("#near")]
    assert len(changed) == 4
    for _, learner in changed:
        assert learner.fit(X[:200], y[:200]).score(X[200:300], y[200:300]) > 0.2
