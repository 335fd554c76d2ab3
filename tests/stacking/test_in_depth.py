"""What only shows below the surface: stacks in pipelines, refits that fail, odd inputs."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from stackmeta import ConvexClassifier, StackingClassifier, StackingRegressor, out_of_fold

RNG = np.random.RandomState(0)
X = RNG.normal(size=(120, 4))
Y = (X[:, 0] + RNG.normal(size=120) > 0).astype(int)
LEARNERS = [("lr", LogisticRegression()), ("nb", GaussianNB())]


class FailsOnAllRows(LogisticRegression):
    def fit(self, X, y):
        if len(X) == 120:
            raise RuntimeError("all rows are too many")
        return super().fit(X, y)


def test_groups_reach_a_stack_at_the_end_of_a_pipeline():
    """Groups straddled the folds of an inner stack, silently."""
    groups = np.arange(120) // 6
    inner = make_pipeline(StandardScaler(), StackingClassifier(LEARNERS))
    stack = StackingClassifier([("inner", inner), ("nb", GaussianNB())], clone(inner))
    stack.fit(X, Y, groups=groups)
    for part in (stack.named_estimators_["inner"][-1], stack.final_estimator_[-1]):
        for train, test in part.oof_.splits:
            assert not set(groups[train]) & set(groups[test])


def test_a_stack_that_groups_cannot_reach_is_warned_of():
    search = GridSearchCV(StackingClassifier(LEARNERS), {"nb__var_smoothing": [1e-9]}, cv=2)
    with pytest.warns(UserWarning, match="cannot be given groups"):
        StackingClassifier([("search", search)]).fit(X, Y, groups=np.arange(120) // 6)


def test_every_refit_fails():
    learners = [("a", FailsOnAllRows()), ("b", FailsOnAllRows(C=0.1))]
    stack = StackingClassifier(learners, ConvexClassifier(ridge=1.0), on_error="drop")
    with pytest.raises(ValueError, match=r"Every learner failed.*'a'.*too many.*'b'.*too many"):
        stack.fit(X, Y)


def test_a_refit_that_fails_is_told_in_the_leaderboard():
    stack = StackingClassifier(
        [("a", FailsOnAllRows()), *LEARNERS], ConvexClassifier(ridge=1.0), on_error="drop"
    )
    with pytest.warns(FitFailedWarning, match="'a' failed"):
        stack.fit(X, Y)
    table = stack.leaderboard().set_index("learner")
    assert table["path"].to_dict() == {"a": "failed", "lr": "refit", "nb": "closed form"}
    assert np.isnan(table.loc["a", "loss"])


def test_fold_models_of_which_one_knew_one_class_vote():
    """Codes were averaged to 0.25 because the first fold's stand-in was no classifier."""
    y = np.r_[np.zeros(30, dtype=int), RNG.randint(0, 2, 90)]
    stack = StackingClassifier(
        LEARNERS, cv=TimeSeriesSplit(4), refit=False, stack_method="predict"
    )
    with pytest.warns(UserWarning, match="no training row"):
        stack.fit(X, y)
    assert set(np.unique(stack.transform(X))) <= {0, 1}
    assert stack.n_features_in_ == 4


def test_meta_learners_of_the_wrong_kind():
    with pytest.raises(ValueError, match="should be a regressor"):
        StackingRegressor([("ridge", Ridge())], StandardScaler()).fit(X, Y)


def test_columns_by_position_follow_their_names():
    """New rows may come with their columns in another order."""
    frame = pd.DataFrame({"p": 0.2 + 0.5 * Y, "q": RNG.uniform(size=120)})
    stack = StackingClassifier([("given", "passthrough", [0]), ("nb", GaussianNB(), [0, 1])])
    stack.fit(frame, Y)
    assert_allclose(stack.predict_proba(frame[["q", "p"]]), stack.predict_proba(frame))


def test_a_score_for_each_pair_of_classes_has_no_error_rate():
    ovo = SVC(decision_function_shape="ovo")
    oof = out_of_fold([("svc", ovo)], X, RNG.randint(0, 4, 120), method="decision_function")
    assert oof.matrix.shape == (120, 6)
    assert np.isnan(oof.loss()["svc"])
    with pytest.raises(ValueError, match="6 columns for 4 classes"):
        oof.loss("accuracy")


@pytest.mark.parametrize(
    ("passthrough", "match"), [(True, "cannot read.*NaN"), ([0], "cannot read.*NaN")]
)
def test_missing_values_for_a_meta_learner_that_takes_none(passthrough, match):
    """Found after all fits before."""
    holes = X.copy()
    holes[5, 0] = np.nan
    learners = [("nb", FailsOnAllRows(), [1, 2])]
    with pytest.raises(ValueError, match=match):
        StackingClassifier(learners, passthrough=passthrough).fit(holes, Y)


def test_given_predictions_with_holes():
    table = np.c_[X, np.where(np.arange(120) < 5, np.nan, 0.5)]
    learners = [("given", "passthrough", [4]), ("nb", GaussianNB(), [0, 1, 2, 3])]
    with pytest.raises(ValueError, match=r"'given' hold NaN.*ConvexClassifier"):
        StackingClassifier(learners).fit(table, Y)
    assert StackingClassifier(learners, ConvexClassifier()).fit(table, Y).score(table, Y) > 0.5


def test_weights_for_a_pipeline_name_the_way_out():
    learners = [("p", make_pipeline(StandardScaler(), LogisticRegression()))]
    with pytest.raises(ValueError, match="__logisticregression__sample_weight"):
        StackingClassifier(learners).fit(X, Y, sample_weight=np.ones(120))
    stack = StackingClassifier(learners)
    stack.fit(X, Y, p__logisticregression__sample_weight=1.0 + Y)
    assert stack.score(X, Y) > 0.5


def test_all_held_out_rows_of_one_class():
    y = np.repeat(["no", "yes"], [100, 20])
    with pytest.raises(ValueError, match=r"one class, 'yes'"):
        StackingClassifier(LEARNERS, cv=[(np.arange(100), np.arange(100, 120))]).fit(X, y)


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_limit_that_is_none(limit):
    with pytest.raises(ValueError, match="time_limit"):
        out_of_fold(LEARNERS, X, Y, time_limit=limit)


def test_an_empty_list_passes_nothing():
    assert StackingClassifier(LEARNERS, passthrough=[]).fit(X, Y).transform(X).shape == (120, 2)
