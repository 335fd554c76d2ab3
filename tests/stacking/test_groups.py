"""groups= reaches the splitter, with metadata routing off and on, and stacks inside stacks."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.model_selection import GroupKFold, GroupShuffleSplit, KFold, LeaveOneGroupOut
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stackmeta import OutOfFoldTransformer, StackingClassifier, StackingRegressor

from .doubles import classifiers, regressors

RNG = np.random.RandomState(0)
X = RNG.normal(size=(80, 3))
Y = (X[:, 0] + RNG.normal(size=80) > 0).astype(int)
GROUPS = RNG.permutation(np.arange(80) // 5)
FACES = [
    StackingClassifier(classifiers()),
    StackingRegressor(regressors()),
    OutOfFoldTransformer(classifiers()),
]


def straddling(splits):
    """Groups with rows on both sides of a split."""
    return [set(GROUPS[train]) & set(GROUPS[test]) for train, test in splits]


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("cv", [GroupKFold(4), LeaveOneGroupOut(), 4, None], ids=repr)
@pytest.mark.parametrize("face", FACES, ids=lambda face: type(face).__name__)
def test_no_group_straddles_a_split(face, cv, routing):
    with config_context(enable_metadata_routing=routing):
        stack = face.set_params(cv=cv).fit(X, Y, groups=GROUPS)
    assert not any(straddling(stack.oof_.splits))
    n_splits = {None: 5, 4: 4}.get(cv) if not hasattr(cv, "split") else None
    n_splits = n_splits or cv.get_n_splits(X, Y, GROUPS)
    assert len(stack.oof_.splits) == n_splits


def test_routing_on_and_off_give_the_same_splits():
    splits = []
    for routing in (False, True):
        with config_context(enable_metadata_routing=routing):
            cv = GroupShuffleSplit(3, random_state=0)
            stack = StackingClassifier(classifiers(), cv=cv).fit(X, Y, groups=GROUPS)
            splits.append(stack.oof_.splits)
    for (a, b), (c, d) in zip(*splits, strict=True):
        assert (a == c).all()
        assert (b == d).all()


def test_an_int_with_groups_stratifies_for_classifiers():
    y = (GROUPS % 4 == 0).astype(int)
    stack = StackingClassifier(classifiers(), cv=4).fit(X, y, groups=GROUPS)
    assert all(0 < y[test].mean() < 1 for _, test in stack.oof_.splits)


def test_group_canary():
    """A learner that knows its group's label by heart must look useless out of fold.

    Guards against groups that are dropped on the way to the splitter.
    """
    rng = np.random.RandomState(1)
    groups = np.repeat(np.arange(60), 5)
    identity = rng.normal(size=(60, 4))[groups] + 1e-3 * rng.normal(size=(300, 4))
    y = rng.randint(0, 2, size=60)[groups]
    learners = [("knn", KNeighborsClassifier(1))]
    leaky = StackingClassifier(learners, cv=KFold(5, shuffle=True, random_state=0))
    assert leaky.fit(identity, y).oof_.loss("accuracy")["knn"] < -0.95
    honest = StackingClassifier(learners).fit(identity, y, groups=groups)
    assert abs(honest.oof_.loss("accuracy")["knn"] + 0.5) < 0.2
    numbers = StackingRegressor([("knn", KNeighborsRegressor(1))])
    assert numbers.fit(identity, y, groups=groups).oof_.loss("r2")["knn"] > 0


@pytest.mark.parametrize("routing", [False, True])
def test_groups_reach_a_stack_inside(routing):
    """As learner and as final estimator: the inner splits must respect the groups too."""
    inner = StackingClassifier(classifiers(), cv=3)
    outer = StackingClassifier([("inner", inner), ("nb", classifiers()[0][1])], inner, cv=3)
    with config_context(enable_metadata_routing=routing):
        outer.fit(X, Y, groups=GROUPS)
    assert not any(straddling(outer.final_estimator_.oof_.splits))
    assert not any(straddling(outer.named_estimators_["inner"].oof_.splits))


def test_groups_through_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), StackingClassifier(classifiers(), cv=3))
    pipeline.fit(X, Y, stackingclassifier__groups=GROUPS)
    assert not any(straddling(pipeline[-1].oof_.splits))


def test_groups_as_a_list():
    stack = StackingClassifier(classifiers(), cv=3).fit(X, Y, groups=GROUPS.tolist())
    assert not any(straddling(stack.oof_.splits))


def test_a_group_splitter_without_groups_says_so():
    with pytest.raises(ValueError, match="groups"):
        StackingClassifier(classifiers(), cv=GroupKFold(3)).fit(X, Y)
