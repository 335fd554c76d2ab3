"""Forests of fold models that are averaged keep a part of their trees."""

import pickle

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stackmeta import ConvexClassifier, StackingClassifier
from stackmeta.out_of_fold.thinning import thin_out

X, Y = make_classification(300, 6, random_state=0)


@pytest.mark.parametrize("piped", [False, True])
def test_part_of_the_trees_answers(piped):
    forest = ExtraTreesClassifier(40, random_state=0)
    model = (make_pipeline(StandardScaler(), forest) if piped else forest).fit(X, Y)
    new = X[::-1] + X
    whole = model.predict_proba(new)
    thin_out(model, 8)
    last = model[-1] if piped else model
    assert len(last.estimators_) == 20
    np.testing.assert_allclose(model.predict_proba(new).sum(axis=1), 1)
    assert not np.array_equal(model.predict_proba(new), whole)
    thin_out(model, 3)
    assert len(last.estimators_) == 20


def test_others_stay_as_they_are():
    boosted = GradientBoostingClassifier(n_estimators=5).fit(X, Y)
    thin_out(boosted, 8)
    assert len(boosted.estimators_) == 5


def test_smaller_stacks_of_about_the_same_answers():
    """Out-of-fold predictions are those of all trees."""
    learners = [("wide", make_pipeline(StandardScaler(), ExtraTreesClassifier(100)))]
    stacks = [
        StackingClassifier(
            learners, ConvexClassifier(), cv=8, refit=False, shortcuts=level, random_state=0
        ).fit(X, Y)
        for level in ("exact", "approximate")
    ]
    whole, thin = stacks
    np.testing.assert_array_equal(thin.oof_.matrix, whole.oof_.matrix)
    assert len(pickle.dumps(thin)) < 0.6 * len(pickle.dumps(whole))
    np.testing.assert_allclose(thin.predict_proba(X), whole.predict_proba(X), atol=0.1)
