"""Parameters, clones, pickles, and the diagram for notebooks."""

import io
import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB

from stackmeta import (
    ConvexClassifier,
    OutOfFoldTransformer,
    StackingClassifier,
    StackingRegressor,
)

from .doubles import classifiers, regressors

X, Y = load_iris(return_X_y=True)
FACES = {
    "classes": StackingClassifier(classifiers(), ConvexClassifier(), cv=3),
    "numbers": StackingRegressor(regressors(), cv=3),
    "averages": StackingClassifier(classifiers(), cv=3, refit=False),
    "steps": OutOfFoldTransformer(classifiers(), cv=3),
}


def through_pickle(stack):
    return pickle.loads(pickle.dumps(stack))


def through_joblib(stack):
    file = io.BytesIO()
    joblib.dump(stack, file)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize("way", [through_pickle, through_joblib])
@pytest.mark.parametrize("face", FACES)
def test_round_trip(face, way):
    stack = FACES[face].fit(X, Y)
    back = way(stack)
    np.testing.assert_array_equal(back.transform(X), stack.transform(X))
    np.testing.assert_array_equal(back.oof_.matrix, stack.oof_.matrix)
    assert list(back.get_feature_names_out()) == list(stack.get_feature_names_out())
    if hasattr(stack, "predict"):
        np.testing.assert_array_equal(back.predict(X), stack.predict(X))
        assert back.leaderboard().equals(stack.leaderboard())


def test_without_out_of_fold_predictions():
    """A model for production holds no row of the training table, nor its target."""
    rng = np.random.RandomState(0)
    rows, y = rng.normal(size=(3000, 2)), rng.randint(0, 2, size=3000)
    learners = [("nb", GaussianNB())]
    keep = StackingClassifier(learners, ConvexClassifier(), cv=3).fit(rows, y)
    light = clone(keep).set_params(keep_oof=False).fit(rows, y)
    assert not hasattr(light, "oof_")
    assert len(pickle.dumps(light)) < 10_000 < 3000 * 8 < len(pickle.dumps(keep))
    np.testing.assert_array_equal(light.predict_proba(rows), keep.predict_proba(rows))
    assert light.learner_weights_ == keep.learner_weights_
    with pytest.raises(AttributeError, match="keep_oof=True"):
        light.leaderboard()


@pytest.mark.parametrize("face", FACES)
def test_clone(face):
    stack = clone(FACES[face].fit(X, Y))
    assert not hasattr(stack, "estimators_")
    assert not hasattr(stack, "oof_")
    ours, theirs = stack.get_params(deep=False), FACES[face].get_params(deep=False)
    assert ours.keys() == theirs.keys()
    assert {k: ours[k] for k in ours if k not in ("estimators", "final_estimator")} == {
        k: theirs[k] for k in ours if k not in ("estimators", "final_estimator")
    }


@pytest.mark.parametrize("name", ["classes", "numbers", "steps"])
def test_parameters(name):
    face = clone(FACES[name])
    parameters = face.get_params()
    assert parameters["tree"] is dict(face.estimators)["tree"]
    assert parameters["tree__max_depth"] == 3
    face.set_params(tree__max_depth=1, cv=4, refit=False)
    assert dict(face.estimators)["tree"].max_depth == 1
    assert (face.cv, face.refit) == (4, False)
    face.set_params(tree="drop")
    assert face.named_estimators["tree"] == "drop"
    with pytest.raises(ValueError, match="nonsense"):
        face.set_params(nonsense=1)
    with pytest.raises(ValueError, match="nonsense"):
        face.set_params(tree__nonsense=1, tree=LogisticRegression())


def test_parameters_and_learners_at_once():
    """New learners first, then their parameters, whatever the order of the keywords."""
    face = clone(FACES["classes"])
    face.set_params(lr__C=3, estimators=[("lr", LogisticRegression())], final_estimator=None)
    assert face.estimators[0][1].C == 3


def test_the_constructor_only_assigns():
    """Parameters that fit changes would make clone(fitted) another model."""
    cv = KFold(3, shuffle=True)
    learners = classifiers()
    stack = StackingClassifier(learners, cv=cv, random_state=0)
    before = dict(stack.get_params(deep=False))
    stack.fit(X, Y)
    after = stack.get_params(deep=False)
    assert all(after[name] is value for name, value in before.items())
    assert stack.estimators == learners


DIAGRAMS = [
    *FACES.values(),
    StackingClassifier([("nb", GaussianNB(), [0]), ("gone", "drop")], cv=3),
    StackingClassifier([("nb", GaussianNB())], StackingClassifier(classifiers()), cv=3),
]


@pytest.mark.parametrize("face", DIAGRAMS, ids=range(len(DIAGRAMS)))
def test_diagram_before_and_after_fit(face):
    face = clone(face)
    before = face._repr_html_()
    after = face.fit(X, Y)._repr_html_()
    assert "<span>Not fitted</span>" in before
    assert "<span>Fitted</span>" in after
    for html in (before, after):
        assert "GaussianNB" in html or "Ridge" in html
        if not isinstance(face, OutOfFoldTransformer):
            names = [name for name, *_ in face.estimators]
            assert all(f">{name}<" in html or f">{name}: " in html for name in names)
    if not isinstance(face, OutOfFoldTransformer):
        assert "final_estimator" in before


def test_repr():
    assert "ConvexClassifier()" in repr(FACES["classes"])
    assert repr(clone(FACES["classes"]).fit(X, Y).oof_).startswith("OutOfFold(2 learners, 150")
