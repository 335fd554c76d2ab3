"""Which learners a super learner keeps, and when more of them are not worth their time."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import PredefinedSplit
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from stackmeta import SuperLearnerClassifier, SuperLearnerRegressor, out_of_fold
from stackmeta._worth import NoMoreGain, that_earn_weight, worth_of_each

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4))
Y = X[:, 0] + np.where(X[:, 1] > 0, 1.0, -1.0) + 0.3 * RNG.normal(size=300)
CLASSES = np.digitize(Y, [-0.7, 0.7])
NOISE = [(f"noise_{i}", DummyRegressor(quantile=i / 20, strategy="quantile")) for i in range(10)]
TREE = ("tree", DecisionTreeRegressor(max_depth=3))
LINE = ("line", Ridge())


def test_a_learner_that_says_nothing_is_worth_nothing():
    oof = out_of_fold([TREE, LINE, NOISE[3]], X, Y, random_state=0)
    worth = worth_of_each(oof)
    assert min(worth["tree"], worth["line"]) > 0.2
    assert worth["noise_3"] < 0.05
    assert sum(worth.values()) == pytest.approx(1)


def test_at_least_eight_stay_in_their_order():
    oof = out_of_fold([*NOISE[:4], TREE, *NOISE[4:], LINE], X, Y, random_state=0)
    kept = that_earn_weight(oof)
    assert len(kept) == 8
    assert {"tree", "line"} < set(kept)
    assert kept == [name for name in oof.names if name in kept]
    few = out_of_fold([TREE, LINE, NOISE[3]], X, Y, random_state=0)
    assert that_earn_weight(few) == few.names


def test_a_class_that_no_fold_holds_out():
    learners = [("line", LogisticRegression()), ("tree", DecisionTreeClassifier(max_depth=2))]
    folds = np.where(CLASSES == 2, -1, np.arange(300) % 3)
    oof = out_of_fold(learners, X, CLASSES, cv=PredefinedSplit(folds))
    assert sum(worth_of_each(oof).values()) == pytest.approx(1)
    assert not NoMoreGain()(oof)


def test_rare_classes_are_among_the_rows_of_a_large_table(monkeypatch):
    monkeypatch.setattr("stackmeta._worth._MOST_ROWS", 20)
    y = np.where(np.arange(300) % 60 == 1, 2, CLASSES % 2)
    oof = out_of_fold([("line", LogisticRegression()), ("none", DummyClassifier())], X, y)
    assert sum(worth_of_each(oof).values()) == pytest.approx(1)


def test_enough_is_enough():
    learners = [LINE, TREE, *NOISE]
    oof = out_of_fold(learners, X, Y, random_state=0)
    enough, answers = NoMoreGain(), []
    for number in range(1, len(learners) + 1):
        answers.append(enough(oof.select(oof.names[:number])))
    assert answers.index(True) == 6


@pytest.mark.parametrize("preset", ["fast", "balanced", "best"])
def test_what_a_preset_keeps(preset):
    """Only "best" keeps all; the leaderboard names all in any case."""
    learners = [LINE, TREE, *NOISE]
    model = SuperLearnerRegressor(learners, preset=preset, levels=1, cv=3, random_state=0)
    model.fit(X, Y)
    names = {name for name, _ in learners}
    listed = model.leaderboard()
    assert set(listed["learner"]) == names
    kept = {name for name, one in model.stack_.named_estimators_.items() if one != "drop"}
    if preset == "best":
        assert kept == names
        assert set(listed["path"]) == {"closed form", "refit"}
    else:
        assert {"line", "tree"} <= kept < names
        unused = listed[~listed["learner"].isin(kept)]
        assert set(unused["path"]) <= {"no weight", "not needed"}
        assert len(unused) == len(names) - len(kept)
    assert model.score(X, Y) > 0.8


def test_a_meta_learner_of_ones_own_reads_all():
    learners = [("line", LogisticRegression()), *((n, DummyClassifier()) for n in "abcdefghij")]
    model = SuperLearnerClassifier(learners, LogisticRegression(), levels=1, cv=3, random_state=0)
    model.fit(X, CLASSES)
    assert "drop" not in model.stack_.named_estimators_.values()
