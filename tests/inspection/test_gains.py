"""What a stack gains from each learner."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from stackmeta import ConvexRegressor, CrossFittedBlendClassifier, StackingRegressor
from stackmeta.inspection.gains import gains
from stackmeta.inspection.inspected import inspected
from stackmeta.inspection.judged import judged_out_of_fold
from stackmeta.inspection.level_one import cross_fit

from .given import TWO, Says, SaysProbability, of_flowers, of_sixty, of_two, super_learner

CV = KFold(4, shuffle=True, random_state=0)


def of_columns(P, y, final):
    learners = [(f"c{i}", Says(i)) for i in range(P.shape[1])]
    return StackingRegressor(learners, final, cv=CV).fit(P, y)


def test_is_the_loss_of_a_stack_without_the_learner():
    """Against scikit-learn's cross_val_predict of the meta-learner over the same folds."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=200)
    P = y[:, None] + rng.normal(size=(200, 4))
    table = of_columns(P, y, LinearRegression()).leaderboard().set_index("learner")

    def loss(columns):
        said = cross_val_predict(LinearRegression(), P[:, columns], y, cv=CV)
        return root_mean_squared_error(y, said)

    for i in range(4):
        others = [j for j in range(4) if j != i]
        expected = loss(others) - loss([0, 1, 2, 3])
        assert table.loc[f"c{i}", "gain"] == pytest.approx(expected, abs=1e-10)
        assert table.loc[f"c{i}", "gain_se"] > 0


def test_learners_without_weight_need_no_refit():
    """The short way for convex weights gives what leaving each one out gives."""
    rng = np.random.default_rng(1)
    y = rng.normal(size=150)
    P = y[:, None] + rng.normal(size=(150, 6)) * np.array([1, 1, 1, 8, 8, 8])
    stack = of_columns(P, y, ConvexRegressor())
    seen = inspected(stack)
    found = gains(seen, "root_mean_squared_error", cheap=True)
    for name in seen.read:
        others = [other for other in seen.read if other != name]
        said = cross_fit(ConvexRegressor(), seen.oof, others)[:, 0]
        expected = root_mean_squared_error(y, said) - found.loss
        assert found.gain[name] == pytest.approx(expected, abs=1e-6)


def test_a_copy_is_worth_nothing_and_an_only_source_is():
    rng = np.random.default_rng(0)
    signal, other = rng.normal(size=(2, 300))
    y = signal + other
    P = np.column_stack([signal, signal, 2 * other, rng.normal(size=300)])
    table = of_columns(P, y, ConvexRegressor()).leaderboard().set_index("learner")
    assert abs(table.loc["c0", "gain"]) < 1e-6
    assert abs(table.loc["c1", "gain"]) < 1e-6
    assert table.loc["c2", "gain"] > 5 * table.loc["c2", "gain_se"] > 0


@pytest.mark.theory
def test_an_overfitting_combiner_does_not_see_the_rows_it_is_judged_on():
    """Labels drawn at random: a tree of full depth knows its own rows, and nothing of others."""
    from stackmeta import StackingClassifier

    rng = np.random.default_rng(0)
    P, y = rng.uniform(size=(600, 3)), rng.integers(0, 2, 600)
    learners = [(f"c{i}", SaysProbability(i)) for i in range(3)]
    stack = StackingClassifier(learners, DecisionTreeClassifier(random_state=0)).fit(P, y)
    assert stack.score(P, y) == 1
    judged = judged_out_of_fold(inspected(stack))
    right = (judged.probabilities.argmax(axis=1) == judged.codes).mean()
    assert abs(right - 0.5) < 4 * 0.5 / np.sqrt(600)


def test_groups_stay_apart():
    """A combiner that knows neighbours by heart learns nothing of a group it is judged on."""
    from stackmeta import StackingClassifier

    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 5)
    P = np.repeat(rng.uniform(size=(60, 2)), 5, axis=0)
    y = np.repeat(rng.integers(0, 2, 60), 5)
    learners = [("a", SaysProbability(0)), ("b", SaysProbability(1))]
    stack = StackingClassifier(learners, KNeighborsClassifier(1)).fit(P, y, groups=groups)
    judged = judged_out_of_fold(inspected(stack))
    right = (judged.probabilities.argmax(axis=1) == judged.codes).mean()
    assert right < 0.75


def test_a_slow_meta_learner_is_stood_in_for():
    table = of_two(CrossFittedBlendClassifier).leaderboard()
    assert "stands in" in table.attrs["gain"]
    assert table["gain"].notna().all()
    assert table["weight"].isna().all()
    assert "stands in" in super_learner().leaderboard(gain=True).attrs["gain"]
    assert "own" in of_flowers().leaderboard().attrs["gain"]


def test_no_gains():
    table = of_two().leaderboard(gain=False)
    assert table["gain"].isna().all()
    assert "gain" not in table.attrs


def test_sixty_learners():
    table = of_sixty().leaderboard()
    assert len(table) == 60
    assert table["gain"].notna().all()
    assert len(TWO[1]) == 300
