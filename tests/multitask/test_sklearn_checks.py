"""scikit-learn's common checks: no expected failure on a stack of targets or tasks."""

import pytest
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from stackmeta import (
    MultiTargetStackingClassifier,
    MultiTargetStackingRegressor,
    MultiTaskStackingClassifier,
    MultiTaskStackingRegressor,
)

pytestmark = pytest.mark.filterwarnings("ignore:Too few rows of a class:UserWarning")

CLASSIFIERS = [
    ("nb", GaussianNB()),
    ("tree", DecisionTreeClassifier(max_depth=3, random_state=0)),
]
REGRESSORS = [("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=3, random_state=0))]


@parametrize_with_checks(
    [
        MultiTargetStackingRegressor(REGRESSORS, cv=2),
        MultiTargetStackingClassifier(
            CLASSIFIERS, cv=2, method="both", n_chains=2, random_state=0
        ),
    ]
)
def test_stack_of_targets(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [
        # The last column of whatever the checks make up is the task: hundreds of tasks.
        MultiTaskStackingRegressor(REGRESSORS, cv=2, task=-1),
        MultiTaskStackingClassifier(CLASSIFIERS, cv=2, task=-1),
    ]
)
def test_stack_of_tasks(estimator, check):
    check(estimator)
