"""What stacks and out-of-fold predictions look like in notebooks and printed."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from stackmeta import (
    ConvexClassifier,
    StackingClassifier,
    SuperLearnerRegressor,
    out_of_fold,
)

from .given import CLASSIFIERS, TWO, of_numbers, of_sixty, super_learner


def test_diagram_has_weights_beside_the_names():
    unfitted = StackingClassifier(CLASSIFIERS, ConvexClassifier())
    assert "logistic: weight" not in unfitted._repr_html_()
    html = unfitted.fit(*TWO)._repr_html_()
    for name, weight in unfitted.learner_weights_.items():
        assert f"{name}: weight {weight:.2f}" in html
    assert "fitted" in html


def test_diagram_of_a_meta_learner_without_weights():
    html = StackingClassifier(CLASSIFIERS, LogisticRegression()).fit(*TWO)._repr_html_()
    assert "logistic: weight" not in html
    assert "logistic" in html


class Fails(GaussianNB):
    def fit(self, X, y, sample_weight=None):
        raise ValueError("no")


@pytest.mark.filterwarnings("ignore")
def test_diagram_says_who_is_not_in():
    stack = StackingClassifier([*CLASSIFIERS, ("bad", Fails())], on_error="drop").fit(*TWO)
    assert "bad: not in the stack" in stack._repr_html_()
    assert "failed" in str(stack.oof_)
    assert "failed" in stack.oof_._repr_html_()


def test_diagram_of_a_super_learner():
    html = super_learner()._repr_html_()
    assert "linear" in html
    assert "final_estimator" in html
    assert len(html) < 1_000_000
    assert "SuperLearnerRegressor" in SuperLearnerRegressor()._repr_html_()


def test_out_of_fold():
    oof = of_numbers().oof_
    assert repr(oof) == "OutOfFold(3 learners, 442 rows, 5 folds, 1 repeats)"
    lines = str(oof).splitlines()
    assert lines[0] == repr(oof) + ", root mean squared error:"
    losses = oof.loss()
    assert [line.split()[0] for line in lines[1:]] == sorted(losses, key=losses.get)
    html = oof._repr_html_()
    assert "root mean squared error" in html
    assert all(f"{loss:.4g}" in html for loss in losses.values())


def test_many_learners_are_cut():
    assert "… and 52 more" in str(of_sixty().oof_)
    assert "… and 10 more" in of_sixty().oof_._repr_html_()


def test_names_are_escaped():
    oof = out_of_fold([("<b>&", GaussianNB())], *TWO)
    assert "&lt;b&gt;&amp;" in oof._repr_html_()
    assert "<b>&" in str(oof)


def test_nothing_shown_raises():
    """Decision values of pairs of classes have no loss."""
    from sklearn.svm import SVC

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 2)), np.arange(80) % 4
    oof = out_of_fold([("svc", SVC(decision_function_shape="ovo"))], X, y)
    assert "svc" in str(oof)
    assert "svc" in oof._repr_html_()
