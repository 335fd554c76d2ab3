"""Ensemble selection: the textbook's picks, found faster."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import ensemble
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    get_scorer,
    log_loss,
    make_scorer,
    mean_absolute_error,
    mean_squared_error,
    roc_auc_score,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import stackmeta
from stackmeta.combiners import (
    BestLearnerClassifier,
    EnsembleSelectionClassifier,
    EnsembleSelectionRegressor,
)
from stackmeta.combiners.candidate_auc import Auc, _argsort
from stackmeta.combiners.candidates import Ensemble
from stackmeta.combiners.predictions import Predictions

from .given import binary, multiclass, regression

BINARY = ["neg_log_loss", "neg_brier_score", "accuracy", "roc_auc"]
MULTICLASS = ["neg_log_loss", "neg_brier_score", "accuracy", "roc_auc_ovr"]
few = settings(max_examples=60, deadline=None)


def loss_by(scoring, y, mean, weight=None):
    """The loss by scikit-learn's metric; ``mean`` of shape (n_rows, n_outputs)."""
    if scoring == "neg_mean_squared_error":
        return mean_squared_error(y, mean, sample_weight=weight)
    binary_task = mean.shape[1] == 1
    proba = np.hstack([1 - mean, mean]) if binary_task else mean
    if scoring == "neg_log_loss":
        return log_loss(y, proba, sample_weight=weight)
    if scoring == "neg_brier_score":
        return brier_score_loss(y, mean[:, 0] if binary_task else mean, sample_weight=weight)
    if scoring == "accuracy":
        return -accuracy_score(y, proba.argmax(axis=1), sample_weight=weight)
    score = mean[:, 0] if binary_task else mean
    return -roc_auc_score(y, score, multi_class="ovr", sample_weight=weight)


def textbook(scoring, P, y, n_steps, weight=None):
    """Caruana's loop: the metric for each candidate at each step; the first of equals."""
    learners = P if P.ndim == 3 else P[:, :, None]
    total, picks, path = np.zeros(learners.shape[::2]), [], []
    for step in range(n_steps):
        means = [(total + learners[:, j]) / (step + 1) for j in range(learners.shape[1])]
        losses = np.array([loss_by(scoring, y, mean, weight) for mean in means])
        first = path[0] if path else 0.0
        least = losses.min()
        picks.append(int(np.argmax(losses <= least + 1e-12 * max(abs(least), abs(first)))))
        path.append(losses[picks[-1]])
        total += learners[:, picks[-1]]
    return picks, path


def check_against_textbook(combiner, P, y, learners, weight=None):
    picks, path = textbook(combiner.scoring, learners, y, combiner.n_steps, weight)
    combiner.fit(P, y, sample_weight=weight)
    assert_array_equal(combiner.picks_, picks)
    assert_allclose(combiner.path_, path, rtol=1e-9, atol=1e-12)


@st.composite
def tasks(draw, values):
    """(learners, y, weight): few values make many ties, copies of learners too."""
    n_rows, n_learners = draw(st.integers(6, 25)), draw(st.integers(1, 6))
    learners = draw(arrays(np.float64, (n_rows, n_learners, 1), elements=values))
    if draw(st.booleans()):
        learners = learners[:, draw(st.lists(st.integers(0, n_learners - 1), min_size=2))]
    y = np.array(draw(st.permutations((np.arange(n_rows) % 2).tolist())))
    weights = st.one_of(st.none(), arrays(np.float64, n_rows, elements=st.floats(0.125, 4)))
    return learners, y, draw(weights)


PROBABILITIES = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0.01, 0.99))


@pytest.mark.parametrize("scoring", BINARY)
def test_textbook_of_any_probabilities(scoring):
    @few
    @given(tasks(PROBABILITIES))
    def check(task):
        learners, y, weight = task
        combiner = EnsembleSelectionClassifier(n_steps=5, scoring=scoring)
        check_against_textbook(combiner, learners[:, :, 0], y, learners, weight)

    check()


@pytest.mark.parametrize("scoring", MULTICLASS)
def test_textbook_of_several_classes(scoring):
    @few
    @given(tasks(st.sampled_from([0.0, 0.2, 0.3, 0.5])))
    def check(task):
        halves, y, weight = task
        y = np.where(np.arange(len(y)) % 3 == 0, 2, y)
        y[:3] = 0, 1, 2
        learners = np.concatenate([halves, halves[::-1], 1 - halves - halves[::-1]], axis=2)
        combiner = EnsembleSelectionClassifier(n_steps=5, scoring=scoring)
        check_against_textbook(combiner, learners.reshape(len(y), -1), y, learners, weight)

    check()


def test_textbook_of_any_numbers():
    @few
    @given(tasks(st.one_of(st.integers(-3, 3), st.floats(-1e3, 1e3, width=32))))
    def check(task):
        learners, y, weight = task
        combiner = EnsembleSelectionRegressor(n_steps=5, scoring="neg_mean_squared_error")
        check_against_textbook(combiner, learners[:, :, 0], y + 0.5, learners, weight)

    check()


@pytest.mark.parametrize("scoring", BINARY)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_textbook_of_two_classes_in_many_blocks(scoring, weighted, dtype):
    P, y = binary(9000, 40, noise=0.3)
    P = P.astype(dtype)
    weight = np.random.default_rng(0).uniform(size=9000) if weighted else None
    combiner = EnsembleSelectionClassifier(n_steps=6, scoring=scoring)
    check_against_textbook(combiner, P, y, P[:, :, None].astype(np.float64), weight)


@pytest.mark.parametrize("scoring", MULTICLASS)
@pytest.mark.parametrize("weighted", [False, True])
def test_textbook_of_ten_classes(scoring, weighted):
    P, y = multiclass(3000, 20, 10)
    weight = np.random.default_rng(0).uniform(size=3000) if weighted else None
    combiner = EnsembleSelectionClassifier(n_steps=4, scoring=scoring)
    check_against_textbook(combiner, P, y, P.reshape(3000, 20, 10), weight)


@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("n_learners", [20, 300])
def test_textbook_of_regression(n_targets, n_learners):
    """More learners than one pass over the matrix takes products with, and fewer."""
    P, y = regression(400, n_learners, n_targets)
    combiner = EnsembleSelectionRegressor(n_steps=8, scoring="neg_mean_squared_error")
    learners = P.reshape(400, n_learners, n_targets)
    check_against_textbook(combiner, P, y, learners)


def test_more_picks_than_one_pass_covers(monkeypatch):
    monkeypatch.setattr("stackmeta.combiners.candidate_squared._LEARNERS_PER_PASS", 3)
    P, y = regression(400, 30)
    combiner = EnsembleSelectionRegressor(n_steps=25, scoring="neg_mean_squared_error")
    check_against_textbook(combiner, P, y, P[:, :, None])


def test_errors_that_drown_in_products():
    """Learners far off on both sides cancel: rounding of products hides which pair is best."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=300)
    far = 1e7 * rng.normal(size=(300, 1))
    P = np.hstack([y[:, None] + far, y[:, None] - far + rng.normal(size=(300, 6)) * 1e-2])
    combiner = EnsembleSelectionRegressor(n_steps=6, scoring="neg_mean_squared_error")
    picks, _ = textbook(combiner.scoring, P, y, 6)
    assert_array_equal(combiner.fit(P, y).picks_, picks)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rare_events(dtype):
    """Small probabilities, and rounding below zero, stay in the bins that bound the area."""
    P, y = binary(5000, 12, noise=0.2)
    P = (P * 1e-4 - 1e-7 * (P < 0.1)).astype(dtype)
    check_against_textbook(
        EnsembleSelectionClassifier(n_steps=4, scoring="roc_auc"),
        P,
        y,
        P[:, :, None].astype(np.float64),
    )


@pytest.mark.parametrize("share_kept", [0.0, 0.05, 0.25])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_accuracy_whatever_is_kept(monkeypatch, share_kept, dtype):
    """Leads of all pairs of a row and a rival, of some, which are soon forgotten, or of none."""
    monkeypatch.setattr("stackmeta.combiners.candidate_kept._SHARE", share_kept)
    P, y = multiclass(1500, 12, 5)
    P = P.astype(dtype)
    learners = P.reshape(1500, 12, 5).astype(np.float64)
    for weight in (None, np.random.default_rng(0).uniform(size=1500)):
        combiner = EnsembleSelectionClassifier(n_steps=20, scoring="accuracy")
        check_against_textbook(combiner, P, y, learners, weight)


@pytest.mark.parametrize("n_classes", [2, 3, 7])
@pytest.mark.parametrize("share_kept", [0.0, 0.25])
def test_accuracy_of_votes(monkeypatch, n_classes, share_kept):
    """Shares of few votes: means tie, or rounding alone tells them apart, in every step."""
    monkeypatch.setattr("stackmeta.combiners.candidate_kept._SHARE", share_kept)
    rng = np.random.default_rng(0)
    y = rng.integers(n_classes, size=600)
    chance = np.full((600, n_classes), 0.5 / n_classes)
    chance[np.arange(600), y] += 0.5
    learners = np.stack([rng.multinomial(n, chance) / n for n in (3, 5, 5, 10, 10, 10)], axis=1)
    learners = np.concatenate([learners, learners[:, 3:4]], axis=1)
    if n_classes == 2:
        learners = learners[:, :, 1:]
    combiner = EnsembleSelectionClassifier(n_steps=15, scoring="accuracy")
    check_against_textbook(combiner, learners.reshape(600, -1), y, learners)


@pytest.mark.parametrize("scoring", MULTICLASS)
def test_holes_of_several_classes(scoring):
    P, y = multiclass(900, 6, 4)
    learners = P.reshape(900, 6, 4).copy()
    learners[::3, 1] = learners[1::3, 4] = learners[::7, 0] = np.nan
    mean = np.nanmean(learners, axis=1, keepdims=True)
    filled = np.where(np.isnan(learners), mean, learners)
    combiner = EnsembleSelectionClassifier(scoring=scoring, n_steps=12)
    combiner.fit(learners.reshape(900, -1), y)
    expected = EnsembleSelectionClassifier(scoring=scoring, n_steps=12)
    expected.fit(filled.reshape(900, -1), y)
    assert_array_equal(combiner.picks_, expected.picks_)
    assert_allclose(combiner.path_, expected.path_)


def test_bags_start_afresh():
    """What one bag has learnt of rows does not mislead the next."""
    P, y = multiclass(1000, 10, 4)
    learners = P.reshape(1000, 10, 4)
    combiner = EnsembleSelectionClassifier(
        scoring="accuracy", n_steps=12, n_bags=3, random_state=0
    ).fit(P, y)
    for picks in combiner.picks_:
        among = np.unique(picks)
        expected, _ = textbook("accuracy", learners[:, among], y, 12)
        assert_array_equal(picks, among[expected])


@pytest.mark.parametrize("low", [0.0, 0.4999, -1e-7])
@pytest.mark.parametrize("reach", [0.0, 1e-12, 1e-7, 0.5])
@pytest.mark.parametrize("weighted", [False, True])
def test_bounds_of_the_area(low, reach, weighted):
    """No bin, however narrow beside rounding, hides the best learner."""
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(400) % 2)
    P = low + reach * rng.integers(1, 30, size=(400, 8)) / 30
    P += reach * 0.1 * rng.uniform(size=8) * y[:, None]
    predictions = Predictions(P, 1)
    share = rng.uniform(size=400) if weighted else np.ones(400)
    auc, picks = Auc(predictions, y, share / share.sum()), Ensemble(predictions)
    for step in range(40):
        bounds = auc._upper_bounds(picks, np.arange(8))
        for learner, (bound,) in enumerate(bounds):
            score = picks.mean_with(learner)[:, 0]
            area = roc_auc_score(y, score, sample_weight=share)
            assert bound >= area - 1e-12
            assert_allclose(auc._area(score, 0), area, atol=1e-12)
        picks.add(step % 8)


@few
@given(
    arrays(
        np.float64,
        st.integers(1, 50),
        elements=st.one_of(st.sampled_from([0.0, 5e-324, 1.0]), st.floats(-1e-6, 1.5)),
    )
)
def test_sorted_in_rounds(values):
    assert_array_equal(_argsort(values), np.argsort(values, kind="stable"))


@pytest.mark.parametrize("scoring", [None, "neg_log_loss", "neg_brier_score", "accuracy"])
@pytest.mark.parametrize("task", [binary, multiclass])
def test_fast_scores_are_the_scorers(scoring, task):
    """The path is the same where a callable hides what the scorer is."""
    P, y = task(300, 6)
    scorer = get_scorer(scoring or "neg_log_loss")
    fast = EnsembleSelectionClassifier(scoring=scoring).fit(P, y)
    slow = EnsembleSelectionClassifier(scoring=scorer).fit(P, y)
    assert_array_equal(fast.picks_, slow.picks_)
    assert_allclose(fast.path_, slow.path_)
    assert_array_equal(fast.weights_, slow.weights_)


@pytest.mark.parametrize("labels", [np.array([0, 1]), np.array(["no", "yes"])])
@pytest.mark.parametrize("scoring", ["balanced_accuracy", "average_precision", "roc_auc_ovr"])
def test_any_scorer(labels, scoring):
    P, y = binary(100, 4)
    if scoring == "average_precision":
        labels = np.array([0, 1])
    combiner = EnsembleSelectionClassifier(scoring=scoring, n_steps=3).fit(P, labels[y])
    first = BestLearnerClassifier(scoring=scoring).fit(P, labels[y])
    assert combiner.picks_[0] == first.best_index_
    assert (np.diff(combiner.path_) < 0.1).all()


def test_own_regression_scorer():
    P, y = regression(100, 5)
    scorer = make_scorer(mean_absolute_error, greater_is_better=False)
    combiner = EnsembleSelectionRegressor(scoring=scorer).fit(P, y)
    assert_allclose(combiner.path_[0], min(mean_absolute_error(y, column) for column in P.T))
    kept = combiner.path_.argmin()
    assert_allclose(mean_absolute_error(y, combiner.predict(P)), combiner.path_[kept])


def test_weights_are_the_best_prefix():
    P, y = binary(300, 8, noise=0.6)
    combiner = EnsembleSelectionClassifier(n_steps=30).fit(P, y)
    kept = combiner.picks_[: combiner.path_.argmin() + 1]
    assert len(kept) < 30
    assert_allclose(combiner.weights_, np.bincount(kept, minlength=8) / len(kept))
    assert_allclose(log_loss(y, combiner.predict_proba(P)), combiner.path_.min())
    assert (combiner.weights_ == 0).any()


def test_the_shortest_of_equal_prefixes():
    y = np.linspace(0, 1, 50)
    P = np.column_stack([y + 1, y - 3, y + 9])
    combiner = EnsembleSelectionRegressor(n_steps=8).fit(P, y)
    assert_array_equal(combiner.picks_[:4], [0, 0, 1, 0])
    assert_allclose(combiner.weights_, [0.75, 0.25, 0])
    perfect = EnsembleSelectionRegressor().fit(np.column_stack([y + 1, y, y]), y)
    assert_array_equal(perfect.picks_, 1)
    assert_array_equal(perfect.weights_, [0, 1, 0])


def test_sorted_start():
    P, y = binary(300, 6)
    alone = np.argsort([log_loss(y, column) for column in P.T])
    combiner = EnsembleSelectionClassifier(n_init=4, n_steps=8).fit(P, y)
    assert_array_equal(combiner.picks_[:4], alone[:4])
    for size in range(1, 5):
        mean = P[:, alone[:size]].mean(axis=1)
        assert_allclose(combiner.path_[size - 1], log_loss(y, mean))
    few_learners = EnsembleSelectionClassifier(n_init=8, n_steps=8).fit(P, y)
    assert_array_equal(few_learners.picks_[:6], alone)


@pytest.mark.parametrize("scoring", [None, "accuracy", "roc_auc", "neg_brier_score"])
def test_bags(scoring):
    P, y = binary(300, 12)

    def fitted(seed):
        combiner = EnsembleSelectionClassifier(
            n_steps=6, n_bags=5, bag_fraction=0.25, scoring=scoring, random_state=seed
        )
        return combiner.fit(P, y)

    combiner = fitted(0)
    assert combiner.picks_.shape == combiner.path_.shape == (5, 6)
    assert all(len(np.unique(picks)) <= 3 for picks in combiner.picks_)
    assert_array_equal(fitted(0).weights_, combiner.weights_)
    assert not np.array_equal(fitted(1).picks_, combiner.picks_)
    for picks, path in zip(combiner.picks_, combiner.path_, strict=True):
        mean = P[:, picks].mean(axis=1, keepdims=True)
        assert_allclose(path[-1], loss_by(scoring or "neg_log_loss", y, mean))


def test_bags_of_one_learner_are_a_mean_of_learners():
    P, y = regression(60, 4)
    combiner = EnsembleSelectionRegressor(n_bags=40, bag_fraction=0.01, random_state=0)
    assert (combiner.fit(P, y).weights_ > 0).all()
    assert_allclose(combiner.weights_.sum(), 1)


@pytest.mark.parametrize("scoring", BINARY)
def test_one_learner_and_constant_learners(scoring):
    _, y = binary(60, 2)
    for P in (np.full((60, 1), 0.3), np.tile([0.5, 0.5, 0.5], (60, 1))):
        combiner = EnsembleSelectionClassifier(scoring=scoring).fit(P, y)
        assert_array_equal(combiner.picks_, 0)
        assert combiner.weights_[0] == 1


@pytest.mark.parametrize("scoring", BINARY)
def test_holes_count_as_the_mean_of_the_others(scoring):
    P, y = binary(200, 5)
    holes = P.copy()
    holes[::3, 1] = holes[1::3, 4] = np.nan
    filled = np.where(np.isnan(holes), np.nanmean(holes, axis=1, keepdims=True), holes)
    combiner = EnsembleSelectionClassifier(scoring=scoring, n_steps=10).fit(holes, y)
    expected = EnsembleSelectionClassifier(scoring=scoring, n_steps=10).fit(filled, y)
    assert_array_equal(combiner.picks_, expected.picks_)


@pytest.mark.parametrize("scoring", BINARY)
def test_weights_are_repeated_rows(scoring):
    P, y = binary(120, 5)
    times = np.random.default_rng(0).integers(0, 4, size=120)
    times[:2] = 1
    weighted = EnsembleSelectionClassifier(scoring=scoring).fit(P, y, sample_weight=times)
    repeated = EnsembleSelectionClassifier(scoring=scoring).fit(
        np.repeat(P, times, axis=0), np.repeat(y, times)
    )
    assert_array_equal(weighted.picks_, repeated.picks_)
    assert_allclose(weighted.path_, repeated.path_)


@pytest.mark.parametrize("name", ["StackingClassifier", "StackingRegressor"])
@pytest.mark.parametrize("library", [ensemble, stackmeta])
def test_as_final_estimator(library, name):
    if name == "StackingClassifier":
        X, y = load_iris(return_X_y=True)
        learners = [("nb", GaussianNB()), ("tree", DecisionTreeClassifier(random_state=0))]
        final = EnsembleSelectionClassifier(scoring="accuracy")
    else:
        X, y = load_diabetes(return_X_y=True)
        learners = [(f"tree{d}", DecisionTreeRegressor(max_depth=d)) for d in (1, 3, 12)]
        final = EnsembleSelectionRegressor()
    stack = getattr(library, name)(learners, final, cv=3).fit(X, y)
    assert stack.score(X, y) > 0.3
    assert stack.final_estimator_.weights_.shape == (len(learners),)


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_steps": 0},
        {"n_steps": 2.5},
        {"scoring": "no such score"},
        {"n_init": 0},
        {"n_bags": 0},
        {"bag_fraction": 0.0},
        {"bag_fraction": 1.5},
        {"random_state": "x"},
    ],
)
@pytest.mark.parametrize("kind", [EnsembleSelectionClassifier, EnsembleSelectionRegressor])
def test_invalid_parameters(kind, parameters):
    P, y = binary(30, 3)
    (name,) = parameters
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        kind(**parameters).fit(P, y)


def test_what_cannot_be_scored():
    P, y = binary(30, 3)
    with pytest.raises(ValueError, match="n_init=30 learners to start from are more than the n_s"):
        EnsembleSelectionClassifier(n_init=30).fit(P, y)
    with pytest.raises(ValueError, match="gave NaN for every learner"):
        EnsembleSelectionClassifier(scoring=lambda *_: np.nan).fit(P, y)
    with pytest.raises(ValueError, match="continuous"):
        EnsembleSelectionRegressor(scoring="accuracy").fit(P, P[:, 0])
    P, y = multiclass(30, 3)
    with pytest.raises(ValueError, match="multi_class must be in"):
        EnsembleSelectionClassifier(scoring="roc_auc").fit(P, y)


def test_scores_of_some_learners_undefined():
    P, y = regression(40, 3)

    def scorer(estimator, X, y):
        return np.nan if np.allclose(X, P[:, :1]) else -mean_squared_error(y, X[:, 0])

    combiner = EnsembleSelectionRegressor(scoring=scorer, n_steps=3).fit(P, y)
    assert combiner.picks_[0] == 1
