"""set_output: frames with the right names, and no warning of feature names."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from stackmeta import ConvexClassifier, OutOfFoldTransformer, StackingClassifier

pytestmark = pytest.mark.filterwarnings("error:.*feature names")

X, Y = load_iris(return_X_y=True)
FRAME = pd.DataFrame(X, columns=list("abcd"))
LEARNERS = [("nb", GaussianNB()), ("lr", LogisticRegression(max_iter=1000))]
NAMES = [f"{{}}_{name}{k}" for name in ("nb", "lr") for k in range(3)]


def table(container):
    if container == "array":
        return X
    if container == "pandas":
        return FRAME
    frame = pytest.importorskip("polars").from_pandas(FRAME)
    if not hasattr(GaussianNB().fit(frame, Y), "feature_names_in_"):
        pytest.skip("this scikit-learn cannot read the names of this polars")
    return frame


def names(face, passed=()):
    return [name.format(face) for name in NAMES] + list(passed)


@pytest.mark.parametrize("passthrough", [False, True, ["a", "c"]], ids=str)
@pytest.mark.parametrize("given", ["array", "pandas", "polars"])
@pytest.mark.parametrize("wanted", ["pandas", "polars"])
def test_frames(wanted, given, passthrough):
    module = pytest.importorskip(wanted)
    rows = table(given)
    if given == "array" and isinstance(passthrough, list):
        passthrough = [0, 2]
    columns = ["x0", "x1", "x2", "x3"] if given == "array" else list("abcd")
    passed = {False: [], True: columns}.get(passthrough if passthrough in (0, 1) else None)
    passed = [columns[0], columns[2]] if passed is None else passed
    stack = StackingClassifier(LEARNERS, passthrough=passthrough, cv=3)
    stack.final_estimator = LogisticRegression(max_iter=5000)
    answer = stack.set_output(transform=wanted).fit(rows, Y).transform(rows)
    assert isinstance(answer, module.DataFrame)
    assert list(answer.columns) == names("stackingclassifier", passed)
    assert list(stack.get_feature_names_out()) == list(answer.columns)
    stack.predict(rows)
    stack.predict_proba(rows)
    transformer = OutOfFoldTransformer(LEARNERS, passthrough=passthrough, cv=3)
    transformer.set_output(transform=wanted)
    for answer in (transformer.fit_transform(rows, Y), transformer.transform(rows)):
        assert isinstance(answer, module.DataFrame)
        assert list(answer.columns) == names("outoffoldtransformer", passed)


def test_the_index_is_kept():
    rows = FRAME.set_index(np.arange(1000, 1150))
    stack = StackingClassifier(LEARNERS, cv=3).set_output(transform="pandas").fit(rows, Y)
    assert (stack.transform(rows).index == rows.index).all()
    assert (stack.fit_transform(rows, Y).index == rows.index).all()


@pytest.mark.parametrize("container", ["array", "pandas", "polars"])
def test_learners_that_transform_frames(container):
    """A stack as a learner of a stack under a global set_output."""
    from sklearn import config_context

    inner = StackingClassifier(LEARNERS, ConvexClassifier(), cv=3)
    rows = table(container)
    with config_context(transform_output="pandas"):
        outer = StackingClassifier([("inner", inner), *LEARNERS], inner, cv=3).fit(rows, Y)
        assert isinstance(outer.transform(rows), pd.DataFrame)
        assert outer.predict(rows).shape == (150,)


def test_polars_gives_the_numbers_of_pandas():
    pytest.importorskip("polars")
    answers = [
        StackingClassifier(LEARNERS, cv=3).fit(rows, Y).predict_proba(rows)
        for rows in (table("pandas"), table("polars"))
    ]
    np.testing.assert_allclose(*answers)
