"""Early stopping outside of a stack, library by library, and scikit-learn's checks."""

import pickle

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from numpy.testing import assert_allclose
from sklearn.base import clone, is_classifier
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from xgboost import XGBClassifier, XGBRegressor

from stackmeta.learners import EarlyStoppingClassifier, EarlyStoppingRegressor

RNG = np.random.RandomState(0)
X = RNG.normal(size=(240, 4))
SIGNAL = X[:, 0] + 0.5 * X[:, 1] ** 2
LABELS = np.array(["low", "middle", "high"])[np.digitize(SIGNAL, [0, 1])]
VALUES = 1000 + 100 * (SIGNAL + 0.3 * RNG.normal(size=240))
HELD = slice(180, None)
MODELS = {
    "lightgbm": (LGBMClassifier(verbose=-1, n_jobs=1), LGBMRegressor(verbose=-1, n_jobs=1)),
    "xgboost": (XGBClassifier(n_jobs=1), XGBRegressor(n_jobs=1)),
    "hist": (HistGradientBoostingClassifier(), HistGradientBoostingRegressor()),
    "network": tuple(
        make_pipeline(
            StandardScaler(), mlp(hidden_layer_sizes=(8,), learning_rate_init=0.05, random_state=0)
        )
        for mlp in (MLPClassifier, MLPRegressor)
    ),
}


def learners(**params):
    for classifier, regressor in MODELS.values():
        yield EarlyStoppingClassifier(classifier, random_state=0, **params)
        yield EarlyStoppingRegressor(regressor, random_state=0, **params)


def target(learner):
    return LABELS if is_classifier(learner) else VALUES


def loss(learner, answer):
    if is_classifier(learner):
        codes = np.searchsorted(learner.classes_, LABELS[HELD])
        return -np.log(answer[np.arange(len(codes)), codes]).mean()
    return ((answer - VALUES[HELD]) ** 2).mean()


def method(learner):
    return "predict_proba" if is_classifier(learner) else "predict"


@pytest.mark.parametrize("learner", list(learners(max_rounds=150)), ids=str)
def test_stages_are_those_of_a_fit_with_so_many_rounds(learner):
    y = target(learner)
    watching = clone(learner).fit_watching(X[:180], y[:180], X[HELD], y[HELD])
    answers = list(watching.staged_answers(X[HELD], method(learner)))
    assert len(answers) == len(watching.stages_)
    assert watching.stages_[-1] <= 150
    losses = [loss(watching, answer) for answer in answers]
    best = int(np.argmin(losses))
    assert losses[best] < losses[0]
    rounds = int(watching.stages_[best])
    watching.use_rounds(rounds)
    assert_allclose(getattr(watching, method(learner))(X[HELD]), answers[best], rtol=1e-5)
    if "MLP" not in str(learner):  # a network's passes do not come in the same order
        again = clone(learner).set_params(rounds=rounds).fit(X[:180], y[:180])
        assert_allclose(getattr(again, method(learner))(X[HELD]), answers[best], rtol=1e-5)


@pytest.mark.parametrize("learner", list(learners(max_rounds=150)), ids=str)
def test_alone_it_puts_rows_aside(learner):
    y = target(learner)
    fitted = clone(learner).fit(X, y)
    assert 1 < fitted.rounds_ < 150
    assert fitted.score(X, y) > 0.5
    answer = fitted.predict(X)
    assert np.array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), answer)
    assert np.array_equal(clone(learner).fit(X, y).predict(X), answer)


@pytest.mark.parametrize("patience", [1, 20])
def test_patience_ends_the_training(patience):
    learner = EarlyStoppingRegressor(LGBMRegressor(verbose=-1, n_jobs=1), patience=patience)
    noise = RNG.normal(size=240)
    learner.fit_watching(X[:180], noise[:180], X[HELD], noise[HELD])
    assert learner.rounds_ <= patience + 30


def test_few_rows_are_all_trained_on():
    learner = EarlyStoppingClassifier(max_rounds=5).fit(X[:4], ["a", "a", "a", "b"])
    assert learner.rounds_ == 5


def test_what_is_trained_in_no_rounds_is_refused():
    with pytest.raises(TypeError, match="LogisticRegression is not known to be trained in rounds"):
        EarlyStoppingClassifier(LogisticRegression()).fit(X, LABELS)


@pytest.mark.parametrize(
    "params", [{"max_rounds": 0}, {"patience": 0}, {"rounds": 1.5}, {"validation_fraction": 1.0}]
)
def test_bad_parameters(params):
    with pytest.raises(ValueError, match=next(iter(params))):
        EarlyStoppingClassifier(**params).fit(X, LABELS)


@parametrize_with_checks(
    [EarlyStoppingClassifier(max_rounds=10), EarlyStoppingRegressor(max_rounds=10)],
    expected_failed_checks=lambda estimator: {
        "check_sample_weight_equivalence_on_dense_data": "other rows are put aside",
    },
)
def test_sklearn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", ["lightgbm", "xgboost"])
def test_categories_keep_their_meaning(kind):
    """Rows to predict may come with other categories, or the same in another order."""
    colours = np.tile(["red", "blue", "green", "white"], 60)
    X = pd.DataFrame({"colour": pd.Categorical(colours), "x": np.arange(240.0)})
    y = (colours == "red").astype(float)
    if kind == "lightgbm":
        booster = LGBMRegressor(verbosity=-1, n_jobs=1)
    else:
        booster = XGBRegressor(enable_categorical=True, n_jobs=1)
    model = EarlyStoppingRegressor(booster, max_rounds=100, random_state=0).fit(X, y)
    new = pd.DataFrame({"colour": pd.Categorical(["white", "red"]), "x": [3.0, 4.0]})
    np.testing.assert_allclose(model.predict(new), [0, 1], atol=0.1)
    new["colour"] = new["colour"].cat.set_categories(["white", "red", "green", "black"])
    np.testing.assert_allclose(model.predict(new), [0, 1], atol=0.1)
    assert np.isfinite(model.predict(new.assign(colour=pd.Categorical(["black", "black"])))).all()
