"""The order in which learners of unknown cost are tried."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from stackmeta.out_of_fold.learner import Learner
from stackmeta.out_of_fold.opening import opening_order


class Unknown(BaseEstimator):
    def fit(self, X, y):
        return self


def order(*estimators):
    ranks = opening_order([Learner(str(i), x, "predict") for i, x in enumerate(estimators)])
    return np.argsort(ranks, kind="stable").tolist()


def test_cheap_ones_first_and_pipelines_by_their_last_step():
    scaled = make_pipeline(StandardScaler(), LogisticRegression())
    forest = make_pipeline(StandardScaler(), RandomForestClassifier())
    assert order(SVC(), forest, Unknown(), scaled, GaussianNB()) == [4, 3, 2, 1, 0]


def test_what_fits_its_learner_several_times_costs_more():
    learners = CalibratedClassifierCV(SVC()), SVC(), HistGradientBoostingClassifier()
    assert order(*learners) == [2, 1, 0]


def test_copies_of_a_kind_wait_for_others():
    lines = [LogisticRegression(C=c) for c in (0.1, 1, 10)]
    assert order(*lines, HistGradientBoostingClassifier(), RidgeClassifier()) == [0, 4, 1, 3, 2]
