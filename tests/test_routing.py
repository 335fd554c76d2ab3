"""Fit parameters: who gets which, with metadata routing off and on."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.exceptions import UnsetMetadataPassedError
from stacking.doubles import Log, RecordingClassifier, fits

from stackmeta import OutOfFoldTransformer, StackingClassifier

RNG = np.random.RandomState(0)
X = RNG.normal(size=(40, 3))
Y = (X[:, 0] + RNG.normal(size=40) > 0).astype(int)
WEIGHT = RNG.uniform(1, 2, size=40)
OTHER = RNG.uniform(5, 6, size=40)


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def make(final=None):
    logs = {"a": Log(), "b": Log(), "final": Log()}
    stack = StackingClassifier(
        [("a", RecordingClassifier(logs["a"])), ("b", RecordingClassifier(logs["b"]))],
        final or RecordingClassifier(logs["final"]),
        cv=2,
    )
    return stack, logs


def weights(log):
    return [entry["sample_weight"] for entry in fits(log)]


def largest(log):
    """The weights of the fit on all rows."""
    return max(weights(log), key=len)


def test_sample_weight_goes_to_all_without_routing():
    stack, logs = make()
    stack.fit(X, Y, sample_weight=WEIGHT)
    for log in logs.values():
        np.testing.assert_array_equal(largest(log), WEIGHT)
    assert sorted(map(len, weights(logs["a"]))) == [20, 20, 40]
    # A fold's weights are those of its own rows.
    for entry in fits(logs["a"]):
        rows = [int(np.flatnonzero((row == X).all(axis=1))[0]) for row in entry["X"]]
        np.testing.assert_array_equal(entry["sample_weight"], WEIGHT[rows])


def test_one_learners_weights_without_routing():
    stack, logs = make()
    stack.fit(X, Y, a__sample_weight=WEIGHT)
    np.testing.assert_array_equal(largest(logs["a"]), WEIGHT)
    assert weights(logs["b"]) == [None] * 3
    assert weights(logs["final"]) == [None]


def test_one_learners_weights_beside_everyones():
    """What is said of one learner is more specific than what is said of all."""
    stack, logs = make()
    stack.fit(X, Y, sample_weight=WEIGHT, a__sample_weight=OTHER)
    np.testing.assert_array_equal(largest(logs["a"]), OTHER)
    np.testing.assert_array_equal(largest(logs["b"]), WEIGHT)


def test_the_transformer_takes_the_same():
    stack, logs = make()
    OutOfFoldTransformer(stack.estimators, cv=2).fit(X, Y, b__sample_weight=WEIGHT)
    np.testing.assert_array_equal(largest(logs["b"]), WEIGHT)
    assert weights(logs["a"]) == [None] * 3


@pytest.mark.parametrize("name", ["foo", "c__sample_weight", "a"])
def test_a_parameter_without_receiver_is_refused(name):
    """Silently ignored weights are a wrong model."""
    stack, logs = make()
    with pytest.raises((ValueError, TypeError), match=name):
        stack.fit(X, Y, **{name: WEIGHT})
    assert not logs["a"]


def test_aliases(routing):
    logs = {"a": Log(), "b": Log(), "final": Log()}
    a = RecordingClassifier(logs["a"]).set_fit_request(sample_weight="a_weight")
    b = RecordingClassifier(logs["b"]).set_fit_request(sample_weight=True)
    final = RecordingClassifier(logs["final"]).set_fit_request(sample_weight="final_weight")
    stack = StackingClassifier([("a", a), ("b", b)], final, cv=2)
    stack.fit(X, Y, sample_weight=WEIGHT, a_weight=OTHER, final_weight=OTHER + 10)
    np.testing.assert_array_equal(largest(logs["a"]), OTHER)
    np.testing.assert_array_equal(largest(logs["b"]), WEIGHT)
    np.testing.assert_array_equal(largest(logs["final"]), OTHER + 10)


def requested(log, request):
    learner_log = Log()
    learner = RecordingClassifier(learner_log).set_fit_request(sample_weight=True)
    final = RecordingClassifier(log)
    if request != "unset":
        final.set_fit_request(sample_weight=request)
    return StackingClassifier([("a", learner)], final, cv=2), learner_log


def test_a_final_estimator_that_declines_weights_gets_none(routing):
    """scikit-learn's stack passes them all the same."""
    log = Log()
    stack, learner_log = requested(log, False)
    stack.fit(X, Y, sample_weight=WEIGHT)
    assert weights(log) == [None]
    np.testing.assert_array_equal(largest(learner_log), WEIGHT)


def test_a_final_estimator_with_an_open_request_gets_weights(routing):
    log = Log()
    stack, _ = requested(log, "unset")
    stack.fit(X, Y, sample_weight=WEIGHT)
    np.testing.assert_array_equal(largest(log), WEIGHT)


def test_the_users_request_is_not_changed(routing):
    """The open request counts as requested inside the stack only."""
    stack, _ = requested(Log(), "unset")
    stack.fit(X, Y, sample_weight=WEIGHT)
    assert stack.final_estimator.get_metadata_routing().fit.requests["sample_weight"] is None
    final = stack.final_estimator_.get_metadata_routing()
    assert final.fit.requests["sample_weight"] is None


def test_a_learner_with_an_open_request_is_an_error(routing):
    stack, logs = make()
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        stack.fit(X, Y, sample_weight=WEIGHT)
    assert not logs["a"]


@pytest.mark.parametrize("on", [False, True])
def test_weights_reach_stacks_inside_stacks(on):
    """As learner and as final estimator, two levels down."""
    with config_context(enable_metadata_routing=on):
        logs = [Log() for _ in range(4)]
        leaves = [RecordingClassifier(log) for log in logs]
        if on:
            for leaf in leaves:
                leaf.set_fit_request(sample_weight=True)
        inside = StackingClassifier([("leaf", leaves[0])], leaves[1], cv=2)
        on_top = StackingClassifier([("leaf", leaves[2])], leaves[3], cv=2)
        StackingClassifier([("inside", inside)], on_top, cv=2).fit(X, Y, sample_weight=WEIGHT)
    for log in logs:
        np.testing.assert_array_equal(largest(log), WEIGHT)
