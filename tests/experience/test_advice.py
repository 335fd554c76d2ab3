"""What earlier tasks advise, where the best advice is known."""

import numpy as np
import pytest

from stackmeta.experience.advice import Advice
from stackmeta.experience.distance import START, features_of, learn_distance

from .given import NAMES, made_record

SAME = dict.fromkeys(NAMES, 1.0)


def advice(records, n_rows=200, names=NAMES, **about):
    description = made_record(n_rows=n_rows, **about).description
    return Advice(records, description, names, START)


def test_the_learner_that_was_best_comes_first():
    records = [made_record(table, seed=seed) for seed, table in enumerate("abc")]
    assert advice(records).plan({}, SAME, 1.0)[0] == "booster"


def test_seconds_count():
    """The best learner does not fit; two others do."""
    records = [made_record(table, seed=seed) for seed, table in enumerate("abc")]
    costs = {"linear": 1.0, "forest": 2.0, "booster": 9.0, "network": 2.0}
    plan = advice(records).plan({}, costs, 4.5)
    assert set(plan[:2]) == {"forest", "network"}


def test_the_best_of_the_quick_comes_first():
    records = [made_record(table, spreads=(0.8, 0.5, 0.3, 0.6)) for table in "abc"]
    costs = {"linear": 1.0, "forest": 2.0, "booster": 9.0, "network": 2.0}
    advised = advice(records)
    assert [advised.best_alone(costs, most) for most in (0.5, 1, 3, 9)] == [
        None,
        "linear",
        "forest",
        "booster",
    ]
    plan = advised.plan({}, costs, 12.0, first="forest")
    assert plan[0] == "forest"
    assert sorted(plan) == sorted(NAMES)


def test_of_quick_learners_that_are_alike_the_listed_one_comes_first():
    records = [made_record(table, spreads=(0.5, 0.5, 0.5, 0.5)) for table in "abc"]
    assert advice(records).best_alone(SAME, 1.0) == NAMES[0]


def test_one_table_alone_does_not_decide():
    """On one table the booster is better by far, on the others the first two by a little."""
    far = [made_record("far", spreads=(0.99, 0.98, 0.001, 0.9))]
    others = [
        made_record(t, spreads=(0.300, 0.302, 0.306, 0.9), seed=i) for i, t in enumerate("abcd")
    ]
    costs = {"linear": 1.0, "forest": 1.0, "booster": 2.0, "network": 9.0}
    assert advice(others + far).plan({}, costs, 2.0)[:2] == list(NAMES[:2])
    assert advice(far * 3).plan({}, costs, 2.0)[0] == "booster"


def test_one_table_alone_does_not_forbid():
    """On four tables the booster is better, on one the first learner makes hardly an error."""
    far = [made_record("far", spreads=(0.02, 0.9, 0.99, 0.9))]
    others = [made_record(t, spreads=(0.9, 0.9, 0.2, 0.9), seed=i) for i, t in enumerate("abcd")]
    costs = {"linear": 1.0, "forest": 1.0, "booster": 2.0, "network": 9.0}
    assert advice(others + far).plan({}, costs, 2.0)[0] == "booster"


def test_without_a_limit_all_come():
    records = [made_record(table) for table in "abc"]
    assert sorted(advice(records).plan({}, SAME, None)) == sorted(NAMES)
    assert sorted(advice(records).plan({"booster": 0.5}, SAME, None)) == sorted(
        set(NAMES) - {"booster"}
    )


def test_copies_gain_nothing():
    """Errors of "forest" are those of "booster", a little larger; "network" adds to it."""
    rng = np.random.default_rng(0)
    errors = rng.normal(size=(4, 400)) * np.array([[2.0], [0.5], [0.5], [0.7]])
    errors[1] = 1.05 * errors[2]
    record = made_record()
    object.__setattr__(record, "gram", errors @ errors.T / 400)
    assert advice([record]).plan({"booster": 0.5}, SAME, None)[0] == "network"


def test_near_tasks_count_more():
    """On few rows the linear learner is best, on many the booster; the new task has many."""
    few = [made_record(t, n_rows=50, spreads=(0.3, 0.9, 0.9, 0.9)) for t in "abcdef"]
    many = [made_record(t, n_rows=9_000, spreads=(0.9, 0.8, 0.3, 0.8)) for t in "gh"]
    assert advice([*few, *many], n_rows=10_000).plan({}, SAME, 1.0)[0] == "booster"
    assert advice([*few, *many], n_rows=60).plan({}, SAME, 1.0)[0] == "linear"


def test_losses_tell_which_tasks_are_alike():
    """Of tables that look the same, those on which the finished learner did as it did here."""
    smooth = [made_record(t, spreads=(0.2, 0.8, 0.9, 0.1)) for t in "abcde"]
    rough = [made_record(t, spreads=(0.9, 0.2, 0.9, 0.9)) for t in "fgh"]
    both = advice([*smooth, *rough])
    assert both.plan({"linear": 0.2}, SAME, 1.0)[0] == "network"
    assert both.plan({"linear": 1.0}, SAME, 1.0)[0] == "forest"


def test_many_tasks_of_one_table_count_once():
    one = [made_record("a", seed=seed, spreads=(0.1, 0.9, 0.9, 0.9)) for seed in range(9)]
    others = [made_record(t, spreads=(0.9, 0.9, 0.2, 0.9)) for t in "bcd"]
    found = advice([*one, *others]).nearness({})
    assert found[:9].sum() == pytest.approx(0.25)


def test_learners_that_no_task_knows_stay_where_they_are_listed():
    records = [made_record(table, seed=seed) for seed, table in enumerate("abc")]
    names = ["mine", *NAMES]
    plan = advice(records, names=names).plan({}, dict.fromkeys(names, 1.0), None)
    assert sorted(plan) == sorted(names)
    unknown = advice(records, names=["x", "y"])
    assert unknown.plan({}, {"x": 1.0, "y": 1.0}, 5.0) == ["x", "y"]


def test_the_distance_looks_at_what_matters():
    """Whether the booster or the linear learner is best is a matter of columns, not of rows."""
    records = []
    for i in range(24):
        wide = i % 2
        spreads = (0.2, 0.5, 0.9, 0.5) if wide else (0.9, 0.5, 0.2, 0.5)
        rows = int(np.random.default_rng(i).integers(50, 5_000))
        records.append(
            made_record(f"t{i}", spreads=spreads, n_rows=rows, n_columns=5 + 300 * wide)
        )
    learned = learn_distance(records) / START
    rows, columns, *_ = learned
    assert columns > rows


def test_few_tables_teach_no_distance():
    assert np.array_equal(learn_distance([made_record("a"), made_record("b")]), START)


def test_descriptions_may_lack_what_is_compared():
    assert np.isfinite(features_of({"n_rows": 10.0})).all()


def test_a_task_that_is_far_from_all_gets_a_plan():
    """Kernels of all tasks underflow: they are as far, and count alike."""
    records = [made_record(table, seed=seed) for seed, table in enumerate("abc")]
    far = advice(records, n_rows=10**9, n_columns=1e9, entropy=1e3)
    assert far.nearness({}) == pytest.approx(1 / 3)
    assert sorted(far.plan({}, SAME, 2.0)) == sorted(NAMES)
