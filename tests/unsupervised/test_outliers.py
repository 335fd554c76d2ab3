"""StackingOutlierDetector: the contract, labels, leaks, bad input."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, OutlierMixin, clone, is_outlier_detector
from sklearn.ensemble import ExtraTreesClassifier, IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, ShuffleSplit
from sklearn.neighbors import LocalOutlierFactor
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from stackmeta import ConvexClassifier, StackingOutlierDetector
from stackmeta.unsupervised import (
    HistogramDetector,
    NeighbourDetector,
    TailDetector,
    default_detectors,
)
from stackmeta.unsupervised.consensus import CONSENSUS

from .test_detectors import AsInPyOD

THREE = [
    ("tails", TailDetector()),
    ("histograms", HistogramDetector()),
    ("neighbours", NeighbourDetector(n_neighbors=3)),
]

# Both demand that models which have seen the rows call the share ``contamination`` of them
# outliers. The threshold is that of rows which the models had not seen: equality would be a leak.
IN_SAMPLE = dict.fromkeys(
    ["check_outliers_fit_predict", "check_outliers_train"],
    "the threshold is that of out-of-fold scores",
)


class Memory(OutlierMixin, BaseEstimator):
    """Canary: rows that it was fitted on score 0, others 1."""

    def fit(self, X, y=None):
        self.seen_ = {tuple(row) for row in np.asarray(X)}
        return self

    def score_samples(self, X):
        return np.array([-float(tuple(row) not in self.seen_) for row in np.asarray(X)])


@pytest.fixture(scope="module")
def blob():
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 3))
    X[:15] += random.normal(size=(15, 3)) * 4
    return X, np.arange(300) < 15


def some_labels(is_outlier, n=10):
    labels = np.full(len(is_outlier), -1)
    labels[np.flatnonzero(is_outlier)[: n // 2]] = 1
    labels[np.flatnonzero(~is_outlier)[: n // 2]] = 0
    return labels


@parametrize_with_checks(
    [StackingOutlierDetector(THREE, levels=1, random_state=0)],
    expected_failed_checks=lambda _: IN_SAMPLE,
)
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
def test_default_detectors_fail_exactly_the_expected_checks():
    results = check_estimator(
        StackingOutlierDetector(), expected_failed_checks=IN_SAMPLE, on_skip=None, on_fail=None
    )
    assert {r["check_name"] for r in results if r["status"] == "xfail"} == set(IN_SAMPLE)
    assert not [r["check_name"] for r in results if r["status"] == "failed"]


def test_contract(blob):
    X, is_outlier = blob
    stack = StackingOutlierDetector(THREE, contamination=0.05, random_state=0).fit(X)
    assert is_outlier_detector(stack)
    assert roc_auc_score(is_outlier, -stack.oof_scores_) > 0.9
    verdict = stack.fit_predict(X)
    assert (verdict == -1).sum() == 15
    np.testing.assert_array_equal(verdict == -1, stack.oof_scores_ < stack.offset_)
    decision = stack.decision_function(X)
    np.testing.assert_allclose(decision, stack.score_samples(X) - stack.offset_)
    np.testing.assert_array_equal(stack.predict(X), np.where(decision < 0, -1, 1))


@pytest.mark.parametrize("scaling", ["rank", "gaussian"])
@pytest.mark.parametrize("consensus", CONSENSUS)
def test_each_consensus(consensus, scaling, blob):
    X, is_outlier = blob
    stack = StackingOutlierDetector(
        THREE, consensus=consensus, scaling=scaling, random_state=0, levels=1
    )
    stack.fit(X)
    assert roc_auc_score(is_outlier, -stack.oof_scores_) > 0.85
    assert roc_auc_score(is_outlier, -stack.score_samples(X)) > 0.85
    assert sum(stack.learner_weights_.values()) == pytest.approx(1.0)


def test_no_row_scores_itself(blob):
    """In-sample, every row would be known to the detector that scores it."""
    X, _ = blob
    stack = StackingOutlierDetector([("memory", Memory())], random_state=0, levels=1).fit(X)
    assert (stack.oof_.matrix == 1.0).all()
    assert (stack.oof_.predict_matrix(X) == 0.0).all()


def test_rows_of_a_group_do_not_judge_each_other(blob):
    X, _ = blob
    groups = np.arange(len(X)) // 3
    stack = StackingOutlierDetector(THREE, random_state=0, levels=1).fit(X, groups=groups)
    for train, test in stack.oof_.splits:
        assert not set(groups[train]) & set(groups[test])
    given = StackingOutlierDetector(THREE, cv=GroupKFold(4)).fit(X, groups=groups)
    assert len(given.oof_.splits) == 4


def test_threshold_holds_for_new_rows():
    """An in-sample threshold would call more of them outliers."""
    X = np.random.default_rng(0).normal(size=(2000, 8))
    stack = StackingOutlierDetector(THREE, contamination=0.1, random_state=0, levels=1).fit(
        X[:500]
    )
    assert (stack.predict(X[500:]) == -1).mean() == pytest.approx(0.1, abs=0.03)


def test_labels_reach_the_scores_of_their_rows_through_other_rows_only():
    """Where labels are noise, out-of-fold scores of labelled rows know nothing of them."""
    random = np.random.default_rng(0)
    X, aucs = random.normal(size=(200, 3)), []
    for seed in range(6):
        labels = np.full(200, -1)
        rows = random.permutation(200)[:50]
        labels[rows] = random.permutation(np.arange(50) % 2)
        trees = ExtraTreesClassifier(20)
        stack = StackingOutlierDetector(THREE, trees, levels=1, random_state=seed)
        stack.fit(X, labels=labels)
        aucs.append(roc_auc_score(labels[rows], -stack.oof_scores_[rows]))
        in_sample = roc_auc_score(labels[rows], -stack.score_samples(X)[rows])
        assert in_sample > 0.8
    assert np.mean(aucs) < 0.6


@pytest.mark.parametrize(
    ("final", "passthrough"),
    [
        (None, True),
        (None, False),
        (ConvexClassifier(), False),
        (ConvexClassifier(), True),
        (LogisticRegression(), True),
    ],
    ids=str,
)
def test_a_few_labels_tell_outliers_from_mere_extremes(final, passthrough):
    """Half of what lies far out is of no interest; labels say which half."""
    random = np.random.default_rng(0)
    X = random.normal(size=(600, 2))
    X[:30, 0] += 6
    X[30:60, 1] += 6
    wanted = np.arange(600) < 30
    labels = np.full(600, -1)
    labels[:8], labels[30:38], labels[100:108] = 1, 0, 0
    columns = [("first", TailDetector(), [0]), ("second", TailDetector(), [1])]
    stack = StackingOutlierDetector(
        columns, final, passthrough=passthrough, random_state=0, levels=1
    )
    unlabelled = roc_auc_score(wanted, -clone(stack).fit(X).oof_scores_)
    stack.fit(X, labels=labels)
    unseen = labels == -1
    assert roc_auc_score(wanted[unseen], -stack.oof_scores_[unseen]) > max(0.9, unlabelled)
    assert stack.final_estimator_ is not None


def test_labels_of_many_kinds(blob):
    X, is_outlier = blob
    labels = some_labels(is_outlier)
    as_floats = np.where(labels < 0, np.nan, labels)
    as_objects = np.array([None if v < 0 else bool(v) for v in labels], dtype=object)
    as_series = pd.Series(labels).astype("Int64").mask(labels < 0)
    found = [
        StackingOutlierDetector(THREE[:1], LogisticRegression(), random_state=0, levels=1)
        .fit(X, labels=given)
        .oof_scores_
        for given in (labels, as_floats, as_objects, as_series, list(labels))
    ]
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)


def test_y_is_ignored(blob):
    X, is_outlier = blob
    plain = StackingOutlierDetector(THREE, random_state=0, levels=1).fit(X)
    with_y = StackingOutlierDetector(THREE, random_state=0, levels=1).fit(X, is_outlier)
    np.testing.assert_array_equal(plain.oof_scores_, with_y.oof_scores_)


def test_leaderboard(blob):
    X, is_outlier = blob
    stack = StackingOutlierDetector([*THREE, ("pyod", AsInPyOD())], random_state=0, levels=1)
    table = stack.fit(X).leaderboard()
    assert list(table) == ["learner", "loss", "weight", "fit_seconds", "path"]
    assert table.attrs["loss"] == "disagreement"
    assert table["loss"].is_monotonic_increasing
    assert table["weight"].sum() == pytest.approx(1.0)
    table = stack.fit(X, labels=some_labels(is_outlier)).leaderboard()
    assert "ROC AUC" in table.attrs["loss"]
    assert table["weight"].isna().all()
    stack.set_params(final_estimator=ConvexClassifier()).fit(X, labels=some_labels(is_outlier))
    assert set(stack.learner_weights_) == {
        "tails",
        "histograms",
        "neighbours",
        "pyod",
        "consensus",
    }


def test_same_seed_same_numbers(blob, tmp_path):
    X, is_outlier = blob
    labels = some_labels(is_outlier)
    forest = [("forest", IsolationForest(n_estimators=10)), *THREE]
    trees = ExtraTreesClassifier(20)
    stack = StackingOutlierDetector(forest, trees, random_state=7)
    first = clone(stack).fit(X, labels=labels)
    for params in ({}, {"n_jobs": 2, "store": tmp_path}, {"store": tmp_path}):
        again = clone(stack).set_params(**params).fit(X, labels=labels)
        np.testing.assert_array_equal(first.oof_scores_, again.oof_scores_)
        np.testing.assert_array_equal(first.score_samples(X), again.score_samples(X))
    other = clone(stack).set_params(random_state=8).fit(X, labels=labels)
    assert (first.oof_scores_ != other.oof_scores_).any()
    copy = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(first.score_samples(X), copy.score_samples(X))


def test_sorted_tables_are_shuffled():
    """Outliers that stand together at the end are held out apart, with cv an int as well."""
    X = np.zeros((100, 1))
    for cv in (None, 4):
        stack = StackingOutlierDetector(
            [("tails", TailDetector())], cv=cv, random_state=0, levels=1
        ).fit(X)
        assert any(np.ptp(test) > 50 for _, test in stack.oof_.splits)


def test_raw_table_with_columns_of_its_own():
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "size": random.normal(size=120),
            "colour": random.choice(["red", "blue"], 120),
            "day": pd.date_range("2024-01-01", periods=120).astype(str),
        }
    )
    table.loc[5, "size"], table.loc[7, "colour"], table.loc[9, "size"] = 40.0, "odd", np.nan
    stack = StackingOutlierDetector(cv=3, contamination=0.05, random_state=0).fit(table)
    assert {5, 7} <= set(np.argsort(stack.oof_scores_)[:8])
    assert stack.predict(table[:3][["size", "colour", "day"]]).shape == (3,)
    labels = np.full(120, -1)
    labels[[5, 7]], labels[[0, 1, 2]] = 1, 0
    stack.set_params(estimators=default_detectors()[3:7], levels=1).fit(table, labels=labels)
    assert np.isfinite(stack.score_samples(table)).all()


def test_partial_cover(blob):
    X, is_outlier = blob
    cv = ShuffleSplit(1, test_size=0.3, random_state=0)
    stack = StackingOutlierDetector(THREE, cv=cv, random_state=0).fit(X)
    assert np.isnan(stack.oof_scores_).sum() == 210
    assert np.isfinite(stack.score_samples(X)).all()
    with pytest.raises(ValueError, match=r"No fold of cv=.* holds out row"):
        StackingOutlierDetector(THREE, cv=cv).fit(X, labels=some_labels(is_outlier))


def test_a_detector_that_fails_is_dropped(blob):
    X, _ = blob
    broken = ("broken", NeighbourDetector(n_neighbors=-1))
    with pytest.raises(ValueError, match="n_neighbors"):
        StackingOutlierDetector([*THREE, broken]).fit(X)
    with pytest.warns(match="broken"):
        stack = StackingOutlierDetector([*THREE, broken], on_error="drop").fit(X)
    assert stack.oof_.names == ["tails", "histograms", "neighbours"]
    assert "broken" in set(stack.leaderboard()["learner"])


def test_params_of_detectors():
    stack = StackingOutlierDetector(THREE)
    stack.set_params(neighbours__n_neighbors=9, tails="drop")
    assert stack.get_params()["neighbours__n_neighbors"] == 9
    assert StackingOutlierDetector().get_params()["estimators"] is None
    stack.fit(np.random.default_rng(0).normal(size=(30, 2)))
    assert stack.oof_.names == ["histograms", "neighbours"]
    assert "histograms" in stack._repr_html_()
    assert "isolation_forest" in StackingOutlierDetector()._repr_html_()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, 0], "has shape"),
        (["yes"] * 300, "holds 'yes'"),
        ([2] * 300, "holds 2"),
        ([0] * 300, "0 outliers"),
        ([1, -1] * 150, "-1 stands for unknown"),
        ([1] + [0] * 299, "1 outliers"),
    ],
)
def test_wrong_labels(labels, message, blob):
    with pytest.raises(ValueError, match=message):
        StackingOutlierDetector(THREE).fit(blob[0], labels=labels)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"contamination": 0.7}, "contamination"),
        ({"consensus": "best"}, "consensus"),
        ({"scaling": "z"}, "scaling"),
        ({"cv": 1}, "cv"),
        ({"estimators": []}, "non-empty list"),
        ({"estimators": [("class", TailDetector)]}, "instance of an estimator"),
        ({"estimators": [("lof", LocalOutlierFactor())]}, "novelty=True"),
        ({"estimators": [("a", TailDetector()), ("a", TailDetector())]}, "not unique"),
        ({"final_estimator": TailDetector()}, "final_estimator"),
    ],
)
def test_wrong_parameters(params, message, blob):
    with pytest.raises(ValueError, match=message):
        StackingOutlierDetector(**{"estimators": THREE, **params}).fit(blob[0])


def test_wrong_tables(blob):
    X, _ = blob
    with pytest.raises(ValueError, match=r"1 sample\(s\)"):
        StackingOutlierDetector(THREE).fit(X[:1])
    with pytest.raises(ValueError, match="Expected 2D"):
        StackingOutlierDetector(THREE).fit(X[0])
    with pytest.raises(ValueError, match="NaN"):
        StackingOutlierDetector(THREE).fit(np.where(X > 1, np.nan, X))
    with pytest.raises(NotFittedError):
        StackingOutlierDetector(THREE).predict(X)
    stack = StackingOutlierDetector(THREE).fit(X)
    with pytest.raises(ValueError, match="features"):
        stack.predict(X[:, :2])


@pytest.mark.filterwarnings("ignore:n_neighbors")
def test_tiny_and_constant_tables():
    few = np.arange(10.0).reshape(5, 2)
    light = default_detectors()[1:]
    assert np.isfinite(StackingOutlierDetector(light, random_state=0).fit(few).oof_scores_).all()
    with pytest.raises(ValueError, match="minimum of 2"):
        StackingOutlierDetector(THREE).fit(few[:2])
    flat = StackingOutlierDetector(light, random_state=0).fit(np.ones((40, 2)))
    assert np.ptp(flat.oof_scores_) < 1e-9
