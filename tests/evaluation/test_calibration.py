import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

from stackmeta import ConvexClassifier, StackingClassifier
from stackmeta.evaluation import expected_calibration_error, reliability


def drawn(n, n_classes=2, seed=0):
    """Probabilities, and labels that they are right about."""
    rng = np.random.default_rng(seed)
    P = rng.dirichlet(np.ones(n_classes), size=n)
    return P, (rng.uniform(size=n)[:, None] > np.cumsum(P, axis=1)).sum(axis=1)


@pytest.mark.theory
@pytest.mark.parametrize("n_classes", [2, 5])
def test_calibrated_probabilities_have_no_error_on_any_number_of_rows(n_classes):
    for n in (60, 2000):
        squares = []
        for seed in range(60):
            P, y = drawn(n, n_classes, seed)
            from stackmeta.evaluation.calibration import _judged, _squared_error

            squares.append(_squared_error(*_judged(P, y), 15))
        error = np.std(squares) / np.sqrt(60)
        assert abs(np.mean(squares)) < 3 * error + 1e-4


def test_a_known_error_is_found():
    rng = np.random.default_rng(0)
    y = (rng.uniform(size=20000) < 0.7).astype(int)
    P = np.tile([0.1, 0.9], (20000, 1))
    assert expected_calibration_error(P, y) == pytest.approx(0.2, abs=0.01)


def test_reliability_counts_all_rows():
    P, y = drawn(103)
    table = reliability(P, y, n_bins=10)
    assert table["rows"].sum() == 103
    assert len(table) == 10
    assert ((table["low"] <= table["frequency"]) & (table["frequency"] <= table["high"])).all()


def test_equal_confidences_share_a_bin():
    assert len(reliability(np.tile([0.5, 0.5], (40, 1)), np.arange(40) % 2)) == 1


def test_table_of_a_stack_is_out_of_fold():
    """A memorising learner is sure of its own rows: in-sample it would look calibrated."""
    from sklearn.neighbors import KNeighborsClassifier

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 4)), rng.integers(2, size=300)
    learners = [("nearest", KNeighborsClassifier(1)), ("bayes", GaussianNB())]
    stack = StackingClassifier(learners, ConvexClassifier()).fit(X, y)
    table = stack.calibration().set_index("learner")
    assert table.loc["nearest", "ece"] > 0.4
    assert table.loc["nearest", "overconfidence"] > 0.4
    assert table.loc["stack", "ece"] < 0.2
    assert set(table.columns) == {"log_loss", "ece", "ece_se", "overconfidence"}
    assert set(stack.calibration().attrs["reliability"]) == {"stack", "nearest", "bayes"}


def test_learners_without_probabilities_are_left_out():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    y = (X[:, 0] > 0).astype(int)
    stack = StackingClassifier(
        [("svc", LinearSVC()), ("bayes", GaussianNB())], LogisticRegression()
    ).fit(X, y)
    assert list(stack.calibration()["learner"]) == ["stack", "bayes"]
    with pytest.raises(ValueError, match="n_bins must be a whole number from 2 on; got 1"):
        stack.calibration(n_bins=1)
