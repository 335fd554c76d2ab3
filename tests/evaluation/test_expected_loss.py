"""The expected loss of stacks: known numbers, honesty, groups, repeats, and what is refused."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.datasets import load_diabetes, make_classification
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeCV
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import KFold, RepeatedKFold, TimeSeriesSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from stackmeta import (
    ConvexClassifier,
    ConvexRegressor,
    CrossFittedBlendClassifier,
    CrossFittedBlendRegressor,
    StackingClassifier,
    StackingRegressor,
    SuperLearnerClassifier,
    SuperLearnerRegressor,
)
from stackmeta.evaluation.growth import missing_share

X, Y = make_classification(300, 6, n_informative=4, flip_y=0.2, random_state=0)
LEARNERS = [
    ("nb", GaussianNB()),
    ("knn", KNeighborsClassifier(15)),
    ("tree", DecisionTreeClassifier(max_depth=4, random_state=0)),
]
Z, T = load_diabetes(return_X_y=True)
NUMBERS = [("ridge", Ridge(0.1)), ("knn", KNeighborsRegressor(15))]


def by_hand(stack, y):
    """Cross-fit the meta-learner over the folds of the stack."""
    oof = stack.oof_
    found = np.empty((len(y), 2)) if is_classifier(stack) else np.empty(len(y))
    for train, test in oof.splits:
        final = clone(stack.final_estimator_).fit(oof.matrix[train], y[train])
        answer = getattr(final, "predict_proba", final.predict)
        found[test] = answer(oof.matrix[test])
    return found


def test_it_is_the_cross_fitted_loss_less_the_gain_of_all_rows():
    stack = StackingClassifier(LEARNERS).fit(X, Y)
    found = stack.expected_loss()
    plain = log_loss(Y, by_hand(stack, Y))
    assert found.loss == "log_loss"
    assert found.mean + found.gain == pytest.approx(plain)
    assert 0 < found.gain < plain / 4
    assert found.low < found.mean < found.high
    assert float(found) == found.mean


def test_regression_in_units_of_y():
    stack = StackingRegressor(NUMBERS).fit(Z, T)
    found = stack.expected_loss()
    assert found.loss == "root_mean_squared_error"
    assert found.mean + found.gain == pytest.approx(
        root_mean_squared_error(T, by_hand(stack, T)), rel=1e-6
    )
    scaled = StackingRegressor(NUMBERS).fit(Z, 1000 * T).expected_loss()
    assert scaled.mean == pytest.approx(1000 * found.mean, rel=1e-3)
    assert scaled.se == pytest.approx(1000 * found.se, rel=1e-2)


def test_the_table_of_learners():
    stack = StackingClassifier(LEARNERS, ConvexClassifier()).fit(X, Y)
    found = stack.expected_loss()
    table = found.learners
    assert set(table["learner"]) == {"nb", "knn", "tree"}
    assert list(table["loss"]) == sorted(table["loss"])
    assert table["difference"].to_numpy() == pytest.approx(table["loss"] - found.mean)
    assert (table["difference_low"] < table["difference"]).all()
    plain = stack.oof_.loss()
    for name, loss in zip(table["learner"], table["loss"], strict=True):
        assert loss + found.gain == pytest.approx(plain[name])
    assert "Best learner" in repr(found)
    assert "log_loss" in repr(found)


@pytest.mark.parametrize("scoring", ["roc_auc", "accuracy", "neg_brier_score", "f1"])
def test_any_scorer(scoring):
    found = StackingClassifier(LEARNERS).fit(X, Y).expected_loss(scoring)
    assert found.loss == f"-{scoring}"
    assert np.isfinite([found.mean, found.se]).all()
    assert found.se > 0


def test_a_score_that_is_the_default_loss_is_that():
    stack = StackingClassifier(LEARNERS, ConvexClassifier()).fit(X, Y)
    assert repr(stack.expected_loss("neg_log_loss")) == repr(stack.expected_loss())


def test_a_score_has_the_standard_error_of_the_loss_that_it_is():
    stack = StackingClassifier([*LEARNERS, ("svc", LinearSVC())]).fit(X, Y)
    one, other = stack.expected_loss(), stack.expected_loss("accuracy")
    assert 1 + other.mean == pytest.approx(one.mean)
    assert other.se == pytest.approx(one.se, rel=0.3)


def test_labels_alone_are_judged_by_the_error_rate():
    stack = StackingClassifier([*LEARNERS, ("svc", LinearSVC())]).fit(X, Y)
    found = stack.expected_loss()
    assert found.loss == "error_rate"
    assert found.gain == 0
    assert 0 < found.low < found.mean < found.high < 1


def test_a_fold_model_that_never_errs_still_has_an_interval():
    rows = np.arange(40.0).reshape(-1, 1)
    labels = (rows[:, 0] >= 20).astype(int)
    stack = StackingClassifier([("svc", LinearSVC(C=100))], LinearSVC(C=100)).fit(rows, labels)
    found = stack.expected_loss()
    assert found.high > 0.02


def test_blends_are_not_fitted_again(monkeypatch):
    stack = StackingClassifier(LEARNERS, CrossFittedBlendClassifier()).fit(X, Y)
    monkeypatch.setattr(CrossFittedBlendClassifier, "fit", None)
    found = stack.expected_loss()
    block = stack.final_estimator_.cross_fitted_[:, 0]
    assert found.mean + found.gain == pytest.approx(log_loss(Y, block))


class Memory(ClassifierMixin, BaseEstimator):
    """Knows every row that it was fitted on."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.known_ = {tuple(row): truth for row, truth in zip(np.asarray(X), y, strict=True)}
        return self

    def predict_proba(self, X):
        p = [self.known_.get(tuple(row), 0.5) for row in np.asarray(X)]
        p = np.clip(p, 0.001, 0.999)
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return (self.predict_proba(X)[:, 1] > 0.5).astype(int)


@pytest.mark.parametrize("passthrough", [False, True])
def test_no_label_of_a_row_reaches_its_own_prediction(passthrough):
    """A meta-learner that knows its training rows by heart would be found perfect."""
    noise = np.random.default_rng(0).integers(0, 2, 300)
    stack = StackingClassifier(LEARNERS, Memory(), passthrough=passthrough).fit(X, noise)
    assert log_loss(noise, stack.final_estimator_.predict_proba(stack.fit_transform(X, noise))) > 0
    assert stack.expected_loss(X=X).mean > 0.6
    for blend in (CrossFittedBlendClassifier([("memory", Memory())], how="best"),):
        stack = StackingClassifier(LEARNERS, blend).fit(X, noise)
        assert stack.expected_loss().mean > 0.6


def test_the_weights_of_a_blend_are_cross_fitted_too():
    """The label of a row does not move what the blend predicts for it."""
    P = np.random.default_rng(0).normal(size=(60, 3))
    y = P[:, 0] + np.random.default_rng(1).normal(size=60)
    folds = np.arange(60) % 5
    blend = CrossFittedBlendRegressor(
        [("convex", ConvexRegressor()), ("line", LinearRegression())]
    )
    before = blend.fit(P, y, folds=folds).cross_fitted_
    other = y.copy()
    other[7] += 0.5
    after = blend.fit(P, other, folds=folds).cross_fitted_
    same = np.flatnonzero(folds == folds[7])
    assert abs(after[same] - before[same]).max() < 0.05 * abs(after - before).max() + 1e-3


@pytest.mark.theory
def test_null_tasks_promise_nothing():
    """Of labels that nothing predicts, no stack is said to beat the constant beyond doubt."""
    claims, n_tasks = 0, 40
    for seed in range(n_tasks):
        rng = np.random.default_rng(seed)
        rows, labels = rng.normal(size=(80, 4)), rng.integers(0, 2, 80)
        final = ConvexClassifier() if seed % 2 else LogisticRegression()
        learners = [("prior", DummyClassifier()), ("nb", GaussianNB())]
        learners += [("knn", KNeighborsClassifier(9)), ("lr", LogisticRegression())]
        found = StackingClassifier(learners, final).fit(rows, labels).expected_loss()
        line = found.learners.set_index("learner").loc["prior"]
        claims += line["difference_low"] > 0
    assert claims <= 0.05 * n_tasks


@pytest.mark.theory
@pytest.mark.parametrize("refit", [True, False])
def test_intervals_cover_on_fresh_rows(refit):
    rng, hits, bias, n_tasks = np.random.default_rng(0), 0, [], 20
    rows = rng.normal(size=(20_000, 5))
    y = rows[:, 0] + np.abs(rows[:, 1]) + 0.7 * rng.normal(size=20_000)
    for task in range(n_tasks):
        part = slice(150 * task, 150 * (task + 1))
        stack = StackingRegressor(NUMBERS, ConvexRegressor(), refit=refit)
        found = stack.fit(rows[part], y[part]).expected_loss()
        truth = root_mean_squared_error(y[15_000:], stack.predict(rows[15_000:]))
        hits += found.low <= truth <= found.high
        bias.append((found.mean - truth) / found.se)
    assert hits >= 16
    assert abs(np.mean(bias)) < 0.7


def test_groups_of_fit_widen_the_interval():
    groups = np.repeat(np.arange(30), 10)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 3)) + rng.normal(size=(30, 3))[groups]
    y = rows[:, 0] + 2 * rng.normal(size=30)[groups]
    stack = StackingRegressor(NUMBERS).fit(rows, y, groups=groups)
    found = stack.expected_loss()
    assert found.n_groups == 30
    assert found.se > 1.5 * stack.expected_loss(groups=np.arange(300)).se
    assert np.array_equal(stack.oof_.groups, groups)
    assert "30 groups" in repr(found)


def test_duplicated_rows_that_straddle_folds_are_told_of():
    """Copies on both sides of a fold: nearest neighbours know the answer."""
    rng = np.random.default_rng(0)
    rows, labels = np.tile(rng.normal(size=(100, 3)), (2, 1)), np.tile(rng.integers(0, 2, 100), 2)
    copies = np.tile(np.arange(100), 2)
    learners = [("one", KNeighborsClassifier(1)), ("prior", DummyClassifier())]
    cv = KFold(5, shuffle=True, random_state=0)
    leaky = StackingClassifier(learners, ConvexClassifier(), cv=cv).fit(rows, labels)
    with pytest.warns(UserWarning, match="on both sides of a fold"):
        promised = leaky.expected_loss(groups=copies)
    honest = StackingClassifier(learners, ConvexClassifier()).fit(rows, labels, groups=copies)
    assert promised.mean < 0.5 < 0.65 < honest.expected_loss().mean
    assert honest.expected_loss().n_groups == 100


def test_stacked_overfitting_with_passthrough_is_seen():
    """A deep tree on top of all columns: perfect on its own rows, and worse than a learner."""
    deep = DecisionTreeClassifier(random_state=0)
    stack = StackingClassifier(LEARNERS, deep, passthrough=True).fit(X, Y)
    table = stack.oof_.matrix, X
    assert stack.final_estimator_.score(np.hstack(table), Y) == 1.0
    found = stack.expected_loss(X=X)
    best = found.learners.iloc[0]
    assert best["difference_high"] < 0
    assert not found.beats_best
    assert "worse" in repr(found)
    blend = CrossFittedBlendClassifier([("convex", ConvexClassifier()), ("deep", deep)])
    kept = StackingClassifier(LEARNERS, blend, passthrough=True).fit(X, Y)
    assert kept.final_estimator_.candidate_weights_["deep"] < 0.1
    assert kept.expected_loss().mean < 0.7 * found.mean


def test_repeats():
    cv = RepeatedKFold(n_splits=4, n_repeats=3, random_state=0)
    found = StackingRegressor(NUMBERS, cv=cv).fit(Z, T).expected_loss()
    one = StackingRegressor(NUMBERS, cv=KFold(4, shuffle=True, random_state=0)).fit(Z, T)
    assert found.n_rows == len(T)
    assert found.mean == pytest.approx(one.expected_loss().mean, rel=0.05)
    assert found.se == pytest.approx(one.expected_loss().se, rel=0.2)
    assert missing_share(one.oof_) == pytest.approx(1 / 3, rel=0.02)


def test_rows_that_no_fold_held_out_are_not_judged():
    found = StackingRegressor(NUMBERS, cv=TimeSeriesSplit(4)).fit(Z, T).expected_loss()
    assert found.n_rows < len(T) * 3 / 4
    blend = StackingRegressor(NUMBERS, CrossFittedBlendRegressor(), cv=TimeSeriesSplit(4))
    assert np.isfinite(blend.fit(Z, T).expected_loss().mean)


def test_weights_of_zero():
    weight = (np.arange(300) % 3 > 0).astype(float)
    for final in (LogisticRegression(), ConvexClassifier(), CrossFittedBlendClassifier()):
        learners = [("nb", GaussianNB()), ("lr", LogisticRegression())]
        stack = StackingClassifier(learners, final).fit(X, Y, sample_weight=weight)
        assert np.isfinite(stack.expected_loss().mean)


@pytest.mark.parametrize("final", [LogisticRegression(), CrossFittedBlendClassifier()])
def test_more_classes_and_text_labels(final):
    labels = np.array(["a", "b", "c"])[np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.8])]
    found = StackingClassifier(LEARNERS, final).fit(X, labels).expected_loss()
    assert found.loss == "log_loss"
    assert found.mean < 1.1
    assert np.isfinite(found.learners[["loss", "se", "difference_se"]]).all().all()


def test_a_class_that_no_held_out_row_has():
    labels = np.where(np.arange(300) < 5, 2, Y)
    cv = [(np.arange(150), np.arange(150, 300)), (np.r_[0:5, 150:300], np.arange(5, 150))]
    for final in (LogisticRegression(), ConvexClassifier(), CrossFittedBlendClassifier()):
        found = StackingClassifier(LEARNERS[:1], final, cv=cv).fit(X, labels).expected_loss()
        assert np.isfinite(found.mean)
        assert found.n_rows == 295


def test_several_targets():
    found = StackingRegressor(NUMBERS, ConvexRegressor()).fit(Z, np.c_[T, -T]).expected_loss()
    one = StackingRegressor(NUMBERS, ConvexRegressor()).fit(Z, T).expected_loss()
    assert found.mean == pytest.approx(one.mean, rel=0.02)


def test_multilabel():
    both = np.c_[Y, 1 - Y]
    learners = [("knn", KNeighborsClassifier(9)), ("tree", DecisionTreeClassifier(max_depth=3))]
    stack = StackingClassifier(learners, KNeighborsClassifier(15)).fit(X, both)
    found = stack.expected_loss()
    assert np.isfinite(found.mean)
    assert found.gain == 0


@pytest.mark.parametrize("n_rows", [4, 6, 12])
def test_tiny_tables(n_rows):
    rows, y = Z[:n_rows], T[:n_rows]
    learners = [("mean", DummyRegressor()), ("ridge", Ridge())]
    found = StackingRegressor(learners, RidgeCV(), cv=2).fit(rows, y).expected_loss()
    assert np.isfinite(found.mean)
    assert found.high > found.mean
    assert not found.beats_best


def test_super_learners():
    frame = pd.DataFrame(X).assign(colour=np.where(Y > 0, "red", None))
    learner = SuperLearnerClassifier(["linear", "extra_trees"], random_state=0)
    learner.fit(frame.rename(columns=str), Y, groups=np.arange(300) // 2)
    found = learner.expected_loss(by="colour", X=frame.rename(columns=str))
    assert found.n_groups == 150
    assert found.mean < 0.3
    assert set(found.by["slice"]) == {"red", "(missing)"}
    own = SuperLearnerRegressor(["linear"], ConvexRegressor(), random_state=0).fit(Z, T)
    with pytest.raises(ValueError, match="pass X=, the table of fit"):
        SuperLearnerRegressor(["linear"], RidgeCV(), random_state=0).fit(Z, T).expected_loss()
    assert np.isfinite(own.expected_loss(X=Z).mean)


def test_falling_back_is_said():
    """One learner is right, the others are far off, and rows are few."""
    rng = np.random.default_rng(3)
    y = rng.normal(size=40)
    P = np.column_stack([y + 0.1 * rng.normal(size=40), 3 * rng.normal(size=(40, 6))])
    blend = CrossFittedBlendRegressor([("forest", KNeighborsRegressor(3))]).fit(P, y)
    assert blend.fell_back_
    assert blend.gain_ < -blend.gain_se_
    assert blend.candidate_weights_["best_learner"] == 1
    np.testing.assert_allclose(blend.predict(P), P[:, 0])
    names = [f"p{i}" for i in range(7)]
    given = [(name, "passthrough", [i]) for i, name in enumerate(names)]
    stack = StackingRegressor(given, clone(blend)).fit(P, y)
    found = stack.expected_loss()
    assert found.fell_back
    assert "fell back" in repr(found)
    np.testing.assert_allclose(stack.predict(P), P[:, 0])


def test_a_score_decides_on_falling_back():
    P = np.random.default_rng(0).uniform(size=(200, 4))
    y = (P[:, 0] > 0.5).astype(int)
    blend = CrossFittedBlendClassifier([("knn", KNeighborsClassifier(40))], scoring="accuracy")
    blend.fit(P, y)
    assert blend.fell_back_
    assert np.isfinite(blend.gain_se_)
    assert (blend.predict(P) == y).all()


def test_a_clear_gain_is_kept():
    rng = np.random.default_rng(0)
    y = rng.normal(size=300)
    blend = CrossFittedBlendRegressor([("convex", ConvexRegressor())])
    blend.fit(y[:, None] + rng.normal(size=(300, 4)), y)
    assert not blend.fell_back_
    assert blend.gain_ > 5 * blend.gain_se_


def test_kept_rows_and_pickles():
    kept = StackingClassifier(LEARNERS, CrossFittedBlendClassifier()).fit(X, Y)
    again = pickle.loads(pickle.dumps(kept))
    assert again.expected_loss().mean == kept.expected_loss().mean
    slim = clone(kept).set_params(keep_oof=False).fit(X, Y)
    assert not hasattr(slim.final_estimator_, "cross_fitted_")
    for method in ("expected_loss", "leaderboard"):
        with pytest.raises(AttributeError, match="keep_oof=True"):
            getattr(slim, method)()
    with pytest.raises(AttributeError, match="keep_oof=True"):
        slim.worst_slices(X)


def test_it_is_said_what_is_wrong():
    stack = StackingClassifier(LEARNERS, passthrough=True)
    with pytest.raises(NotFittedError):
        stack.expected_loss()
    stack.fit(X, Y)
    with pytest.raises(ValueError, match="pass X=, the table of fit"):
        stack.expected_loss()
    with pytest.raises(ValueError, match="X has 10 rows"):
        stack.expected_loss(X=X[:10])
    with pytest.raises(ValueError, match="level must be"):
        stack.expected_loss(X=X, level=95)
    with pytest.raises(ValueError, match="groups has shape"):
        stack.expected_loss(X=X, groups=[1, 2])
    fitted = [(name, clone(learner).fit(X, Y)) for name, learner in LEARNERS]
    with pytest.raises(ValueError, match="prefit"):
        StackingClassifier(fitted, cv="prefit").fit(X, Y).expected_loss()
    one = [(np.arange(100), np.arange(100, 300))]
    with pytest.raises(ValueError, match="splitter of two folds or more"):
        StackingClassifier(LEARNERS, cv=one).fit(X, Y).expected_loss()


def test_no_learner_is_fitted(monkeypatch):
    forest = [*LEARNERS, ("forest", RandomForestClassifier(10, random_state=0))]
    stack = StackingClassifier(forest).fit(X, Y)
    for kind in (GaussianNB, KNeighborsClassifier, DecisionTreeClassifier, RandomForestClassifier):
        monkeypatch.setattr(kind, "fit", None)
    assert np.isfinite(stack.expected_loss(by=Y).mean)
