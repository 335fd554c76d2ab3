"""Columns: passed through, of one learner, given predictions; frames keep their dtypes."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from stackmeta import (
    ConvexClassifier,
    OutOfFoldTransformer,
    StackingClassifier,
    StackingRegressor,
)

from .doubles import Log, RecordingClassifier, classifiers, fits

RNG = np.random.RandomState(0)
FRAME = pd.DataFrame(
    {
        "size": RNG.normal(size=60),
        "count": RNG.randint(0, 9, size=60),
        "town": RNG.choice(["Oslo", "Rome"], size=60),
        "kind": pd.Categorical(RNG.choice(["x", "y"], size=60)),
        "flag": RNG.randint(0, 2, size=60).astype(bool),
    },
    index=RNG.randint(0, 9, size=60),  # not unique, out of order
)
Y = (FRAME["size"].to_numpy() + RNG.normal(size=60) > 0).astype(int)
NUMBERS = ["size", "count"]


def encode(estimator):
    """Put strings into an estimator that wants numbers."""
    text = make_column_selector(dtype_exclude=["number", "bool"])
    transformer = ColumnTransformer(
        [("text", OneHotEncoder(handle_unknown="ignore"), text)], remainder="passthrough"
    )
    return make_pipeline(transformer, estimator)


class ReadsFrames(RecordingClassifier):
    """Records the meta-features, fits on the numbers among them."""

    def fit(self, X, y):
        self.log.append({"call": "fit", "X": X})
        self.model_ = LogisticRegression().fit(X.select_dtypes("number"), y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        self.log.append({"call": "predict", "X": X})
        return self.model_.predict(X.select_dtypes("number"))


LEARNERS = [("nb", encode(GaussianNB())), ("lr", encode(LogisticRegression()))]


def test_passthrough_keeps_strings_and_numbers():
    log = Log()
    stack = StackingClassifier(LEARNERS, ReadsFrames(log), cv=3, passthrough=True)
    stack.fit(FRAME, Y)
    stack.predict(FRAME)
    # A fit on a few rows may go before, to find out whether it can read the columns.
    log = [entry for entry in log if len(entry["X"]) == len(FRAME)]
    assert [entry["call"] for entry in log] == ["fit", "predict"]
    for entry in log:
        seen = entry["X"]
        assert list(seen.columns[2:]) == list(FRAME.columns)
        pd.testing.assert_frame_equal(seen[FRAME.columns], FRAME)
    np.testing.assert_allclose(log[0]["X"].iloc[:, :2], stack.oof_.matrix)


def test_a_pipeline_as_final_estimator_encodes_the_strings():
    stack = StackingClassifier(LEARNERS, encode(LogisticRegression()), cv=3, passthrough=True)
    assert stack.fit(FRAME, Y).score(FRAME, Y) > 0.6
    # Meta-features by hand give the same coefficients.
    table = pd.DataFrame(stack.oof_.matrix, columns=["a", "b"], index=FRAME.index)
    by_hand = encode(LogisticRegression()).fit(pd.concat([table, FRAME], axis=1), Y)
    np.testing.assert_allclose(
        stack.final_estimator_[-1].coef_, by_hand[-1].coef_, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize(
    "columns", [["count", "size"], [1, 0], [False, True, False, False, True]], ids=str
)
def test_some_columns_are_passed(columns):
    stack = StackingClassifier(LEARNERS, cv=3, passthrough=columns).fit(FRAME, Y)
    names = ["count", "flag"] if len(columns) == 5 else ["count", "size"]
    passed = stack.transform(FRAME)[:, 2:]
    np.testing.assert_array_equal(passed.astype(float), FRAME[names].astype(float))
    assert list(stack.get_feature_names_out()[2:]) == names
    assert stack.final_estimator_.n_features_in_ == 4


def test_passed_columns_of_an_array_and_a_sparse_matrix():
    from scipy import sparse

    X = FRAME[NUMBERS].to_numpy()
    stack = StackingClassifier(classifiers()[1:], cv=3, passthrough=[1])
    np.testing.assert_allclose(stack.fit(X, Y).transform(X)[:, 1:], X[:, [1]])
    for container in (sparse.csr_matrix, sparse.csc_matrix, sparse.dia_matrix, sparse.coo_matrix):
        table = container(X)
        answer = stack.fit(table, Y).transform(table).toarray()
        np.testing.assert_allclose(answer[:, 1:], X[:, [1]])


def test_a_combiner_does_not_read_the_passed_columns():
    """Guards prediction_columns: columns of X would be taken for probabilities."""
    stack = StackingClassifier(LEARNERS, ConvexClassifier(), cv=3, passthrough=True)
    alone = StackingClassifier(LEARNERS, ConvexClassifier(), cv=3).fit(FRAME, Y)
    stack.fit(FRAME, Y)
    assert stack.learner_weights_ == alone.learner_weights_
    np.testing.assert_allclose(stack.predict_proba(FRAME), alone.predict_proba(FRAME))
    assert stack.final_estimator.prediction_columns is None


@pytest.mark.parametrize(
    "columns", [NUMBERS, [0, 1], "size", 0, make_column_selector(dtype_include="number")]
)
def test_columns_of_a_learner(columns):
    log = Log()
    learners = [("some", RecordingClassifier(log), columns), ("all", LEARNERS[0][1])]
    stack = StackingClassifier(learners, cv=3).fit(FRAME, Y)
    wanted = ["size"] if isinstance(columns, (str, int)) else NUMBERS
    assert all(list(entry["X"].columns) == wanted for entry in log)
    log.clear()
    stack.predict(FRAME)
    assert [list(entry["X"].columns) for entry in log] == [wanted]
    assert stack.n_features_in_ == 5
    assert list(stack.feature_names_in_) == list(FRAME.columns)


def test_columns_only():
    """No learner sees all of X, and still the stack knows how wide it is."""
    learners = [("one", GaussianNB(), ["size"]), ("two", GaussianNB(), ["count"])]
    stack = StackingClassifier(learners, cv=3).fit(FRAME, Y)
    assert stack.n_features_in_ == 5
    expected = GaussianNB().fit(FRAME[["count"]], Y).predict_proba(FRAME[["count"]])
    np.testing.assert_allclose(stack.transform(FRAME)[:, 1], expected[:, 1])
    assert list(stack.get_feature_names_out()) == [
        "stackingclassifier_one",
        "stackingclassifier_two",
    ]


def test_parameters_of_a_learner_with_columns():
    stack = StackingClassifier([("one", DecisionTreeClassifier(), NUMBERS)], cv=3)
    assert stack.get_params()["one__max_depth"] is None
    stack.set_params(one__max_depth=2)
    assert stack.estimators[0][1].max_depth == 2
    stack.set_params(one=GaussianNB())
    assert stack.estimators[0] == ("one", stack.estimators[0][1], NUMBERS)
    assert stack.fit(FRAME, Y).named_estimators_["one"].n_features_in_ == 2


def test_given_probabilities():
    """A column of X that holds someone else's prediction is a learner; nothing is fitted."""
    table = FRAME.assign(theirs=np.clip(Y * 0.8 + 0.1, 0, 1))
    learners = [("theirs", "passthrough", ["theirs"]), ("nb", GaussianNB(), NUMBERS)]
    stack = StackingClassifier(learners, ConvexClassifier(), cv=3).fit(table, Y)
    np.testing.assert_array_equal(stack.oof_.block("theirs")[:, 0], table["theirs"])
    assert stack.learner_weights_["theirs"] > 0.9
    np.testing.assert_array_equal(stack.transform(table)[:, 0], table["theirs"])
    other = table.assign(theirs=1 - table["theirs"])
    assert (stack.predict(other) != stack.predict(table)).mean() > 0.9
    row = stack.leaderboard().iloc[0]
    assert (row["learner"], row["path"]) == ("theirs", "given")


def test_given_multiclass_and_regression():
    y = RNG.randint(0, 3, size=60)
    table = np.hstack([np.eye(3)[y] * 0.7 + 0.1, RNG.normal(size=(60, 2))])
    learners = [("given", "passthrough", [0, 1, 2]), ("nb", GaussianNB(), [3, 4])]
    stack = StackingClassifier(learners, ConvexClassifier(), cv=3).fit(table, y)
    assert (stack.predict(table) == y).all()
    regression = StackingRegressor(
        [("given", "passthrough", [0]), ("ridge", Ridge())], LinearRegression(), cv=3
    )
    np.testing.assert_array_equal(regression.fit(table, y).oof_.matrix[:, 0], table[:, 0])
    two = StackingRegressor([("given", "passthrough", [0, 1]), ("ridge", Ridge())], cv=3)
    assert two.fit(table, table[:, :2]).predict(table).shape == (60, 2)


def test_the_transformer_takes_columns_too():
    learners = [("one", GaussianNB(), ["size"]), ("given", "passthrough", ["flag"])]
    transformer = OutOfFoldTransformer(learners, cv=3, passthrough=["town"])
    answer = transformer.fit_transform(FRAME, Y)
    assert answer.shape == (60, 3)
    assert list(answer[:, 2]) == list(FRAME["town"])
    transformer.set_output(transform="pandas")
    table = transformer.transform(FRAME)
    assert table["town"].dtype == FRAME["town"].dtype
    assert (table.index == FRAME.index).all()


def test_names_apart_from_those_of_the_passed_columns():
    """A stack on a table that already holds another stack's columns: no duplicate names."""
    table = pd.DataFrame({"stackingclassifier_nb": FRAME["size"], "count": FRAME["count"]})
    stack = StackingClassifier([("nb", GaussianNB())], cv=3, passthrough=True).fit(table, Y)
    names = list(stack.get_feature_names_out())
    assert len(set(names)) == 3
    assert names[1:] == list(table.columns)
    assert list(stack.final_estimator_.feature_names_in_) == names


def test_fold_rows_of_a_frame_stay_frames():
    log = Log()
    StackingClassifier([("a", RecordingClassifier(log))], cv=3).fit(FRAME[NUMBERS], Y)
    assert all(isinstance(entry["X"], pd.DataFrame) for entry in fits(log))
