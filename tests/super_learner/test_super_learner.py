"""The super learner: a raw table in, a stack out."""

import pickle
import warnings
from time import perf_counter, sleep

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    TunedThresholdClassifierCV,
    cross_val_score,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from stackmeta import (
    ConvexClassifier,
    CrossFittedBlendClassifier,
    OutOfFoldStore,
    SuperLearnerClassifier,
    SuperLearnerRegressor,
    out_of_fold,
)
from stackmeta.learners import portfolio
from stackmeta.learners.device import (
    _n_cuda_devices,
    lightgbm_device,
    usable_device,
    xgboost_device,
)
from stackmeta.learners.time_plan import plan_time

QUICK = ["linear", "neighbours"]


def raw_table(n_rows=160, seed=0):
    """Every kind of column, a target of classes and one of numbers."""
    rng = np.random.default_rng(seed)
    colour = rng.choice(np.array(["red", "blue", "green", None], dtype=object), n_rows)
    size = np.where(rng.uniform(size=n_rows) < 0.1, np.nan, rng.normal(size=n_rows))
    frame = pd.DataFrame(
        {
            "colour": colour,
            "size (m)": size,
            "date": pd.date_range("2025-01-01", periods=n_rows, freq="D"),
            "flag": rng.integers(0, 2, n_rows).astype(bool),
            "kind": pd.Categorical(rng.choice(["a", "b"], n_rows)),
            "name": [f"name {i}" for i in range(n_rows)],
            "constant": 1,
            "empty": np.nan,
        }
    )
    value = 2.0 * (colour == "red") + np.nan_to_num(size) + 0.3 * rng.normal(size=n_rows)
    return frame, np.where(value > 0.8, "high", "low"), value


X, LABELS, VALUES = raw_table()


def test_two_levels_on_a_raw_table():
    learner = SuperLearnerClassifier(["linear", "lightgbm"], cv=3, random_state=0, n_jobs=2)
    learner.fit(X, LABELS)
    new, labels, _ = raw_table(seed=1)
    assert learner.score(new, labels) > 0.85
    proba = learner.predict_proba(new)
    assert proba.shape == (160, 2)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert list(learner.classes_) == ["high", "low"]
    assert set(learner.leaderboard()["learner"]) == {"linear", "lightgbm"}
    assert "second_lightgbm" in learner.stack_.final_estimator_.candidate_weights_
    again = pickle.loads(pickle.dumps(learner))
    assert np.array_equal(again.predict_proba(new), proba)
    same = clone(learner).fit(X, LABELS).predict_proba(new)
    assert np.array_equal(same, proba)


def test_numbers():
    learner = SuperLearnerRegressor(["linear", "xgboost"], cv=3, random_state=0).fit(X, VALUES)
    new, _, values = raw_table(seed=1)
    assert learner.score(new, values) > 0.8


NAMES = [name for name, _ in portfolio("regression", preset="best", n_rows=100)]


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("name", NAMES)
def test_each_learner_of_the_portfolio_reads_raw_tables(task, name):
    learners = dict(portfolio(task, preset="best", n_rows=len(X)))
    if name not in learners:
        assert task == "classification"
        return
    learner, y = learners[name], LABELS if task == "classification" else VALUES
    new = raw_table(seed=2)[0].assign(colour="never seen")
    answer = learner.fit(X, y).predict(new)
    assert len(answer) == len(new)
    assert not pd.isna(answer).any()


@pytest.mark.parametrize("name", NAMES)
def test_no_learner_sees_the_rows_that_it_predicts(name):
    """Labels are noise, told apart only by a text, a code and a number that each row has alone."""
    learners = dict(portfolio("classification", preset="best", n_rows=240))
    if name not in learners:
        return
    rng = np.random.default_rng(0)
    words = np.array(["red", "blue", "green", "heavy", "light", "old", "new", "fast"])
    table = pd.DataFrame(
        {
            "text": [" ".join(rng.choice(words, 5)) for _ in range(240)],
            "code": rng.integers(0, 60, 240).astype(str),
            "x": rng.normal(size=240),
        }
    )
    y = rng.permutation(np.arange(240) % 2)
    oof = out_of_fold([(name, learners[name])], table, y, cv=4, random_state=0)
    assert oof.loss()[name] > np.log(2) - 0.02


def test_default_and_more():
    own = make_pipeline(FunctionTransformer(lambda X: X[["flag"]] * 1.0), LogisticRegression())
    learner = SuperLearnerClassifier(["linear", ("own", own)], levels=1, cv=3)
    assert learner.fit(X, LABELS).oof_.names == ["linear", "own"]
    listed = SuperLearnerClassifier(["default+", ("own", own)], preset="fast")
    names = [name for name, _ in listed._learners(LABELS, 0)]
    assert names == [name for name, _ in portfolio("classification", preset="fast")] + ["own"]


def test_a_learner_of_some_columns():
    """It reads them when it predicts, too."""
    own = DecisionTreeClassifier(max_depth=2, random_state=0)
    learner = SuperLearnerClassifier([("own", own, ["flag"]), "linear"], levels=1, cv=3)
    table = X.assign(flag=LABELS == "high")
    assert learner.fit(table, LABELS).score(table, LABELS) == 1


def test_many_rows_are_predicted_in_parts(monkeypatch):
    learner = SuperLearnerClassifier(QUICK, levels=1, cv=2, random_state=0).fit(X, LABELS)
    whole = learner.predict_proba(X)
    monkeypatch.setattr("stackmeta._super_learner._ROWS_AT_ONCE", 50)
    np.testing.assert_allclose(learner.predict_proba(X), whole, rtol=1e-12)
    assert np.array_equal(learner.predict(X), learner.classes_[whole.argmax(axis=1)])


def test_a_combiner_of_ones_own():
    learner = SuperLearnerClassifier(QUICK, ConvexClassifier(), levels=1, cv=3)
    weights = learner.fit(X, LABELS).stack_.learner_weights_
    assert set(weights) == set(QUICK)


def test_groups_straddle_no_fold():
    groups = np.arange(160) // 8
    learner = SuperLearnerClassifier(QUICK, levels=1, random_state=0)
    learner.fit(X, LABELS, groups=groups)
    for train, test in learner.oof_.splits:
        assert not set(groups[train]) & set(groups[test])
    learner = SuperLearnerClassifier(QUICK, levels=1, cv=GroupKFold(4))
    assert len(learner.fit(X, LABELS, groups=groups).oof_.splits) == 4


def test_weights_count():
    """Where the labels are turned round, the weights say so."""
    turned = np.where(np.arange(160) % 2, LABELS, np.where(LABELS == "high", "low", "high"))
    weights = np.where(np.arange(160) % 2, 1.0, 1e-3)
    learner = SuperLearnerClassifier(["linear", "lightgbm"], cv=3, random_state=0)
    learner.fit(X, turned, sample_weight=weights)
    assert learner.score(X, LABELS) > 0.8
    with pytest.raises(TypeError, match=r"KNeighborsClassifier.*sample weights"):
        SuperLearnerClassifier([("it", KNeighborsClassifier())], levels=1).fit(
            np.ones((160, 1)), LABELS, sample_weight=weights
        )
    names = [n for n, _ in SuperLearnerClassifier()._learners(LABELS, 0, weighted=True)]
    assert "lightgbm" in names
    assert "neighbours" not in names


def test_noise_is_not_learnt():
    """The blend's weight for the constant tells that there is nothing."""
    rng = np.random.default_rng(0)
    y = rng.permutation(LABELS)
    learner = SuperLearnerClassifier(QUICK, cv=4, random_state=0).fit(X, y)
    blend = learner.stack_.final_estimator_
    assert isinstance(blend, CrossFittedBlendClassifier)
    new, _, _ = raw_table(seed=5)
    prior = (y == "low").mean()
    assert np.abs(learner.predict_proba(new)[:, 1] - prior).mean() < 0.1


def test_time_limit():
    learner = SuperLearnerClassifier(["linear", ("slow", Slow())], time_limit=10)
    start = perf_counter()
    with pytest.warns(UserWarning, match="time_limit"):
        learner.fit(X, LABELS)
    assert perf_counter() - start < 10 * 1.1 + 2
    assert learner.oof_.names == ["linear"]


class Slow(DummyClassifier):
    def fit(self, X, y, sample_weight=None):
        sleep(5)
        return super().fit(X, y)


def test_inside_of_scikit_learn():
    learner = SuperLearnerClassifier(QUICK, levels=1, cv=2, random_state=0)
    assert cross_val_score(learner, X, LABELS, cv=2).mean() > 0.6
    search = GridSearchCV(learner, {"estimators": [["linear"], ["neighbours"]]}, cv=2)
    assert search.fit(X, LABELS).best_params_ == {"estimators": ["linear"]}
    assert make_pipeline(learner).fit(X, LABELS).score(X, LABELS) > 0.7
    assert "SuperLearnerClassifier" in learner._repr_html_()


def test_arrays_and_polars():
    array = X[["size (m)", "flag"]].to_numpy(dtype=float)
    assert SuperLearnerClassifier(QUICK, levels=1).fit(array, LABELS).score(array, LABELS) > 0.5
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(
        {"colour": X["colour"].fillna("none").tolist(), "flag": X["flag"].tolist()}
    )
    learner = SuperLearnerClassifier(QUICK, levels=1).fit(frame, LABELS)
    assert len(learner.predict(frame)) == 160


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"estimators": ["forests"]}, "'forests' is no learner of the portfolio"),
        ({"estimators": "all"}, "estimators"),
        ({"preset": "huge"}, "preset"),
        ({"levels": 3}, "levels"),
        ({"time_limit": 0}, "time_limit"),
        ({"final_estimator": "mean"}, "final_estimator"),
    ],
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        SuperLearnerClassifier(**params).fit(X, LABELS)


def test_bad_tables():
    learner = SuperLearnerClassifier(QUICK, levels=1)
    with pytest.raises(ValueError, match="one class"):
        learner.fit(X, np.repeat("high", 160))
    with pytest.raises(ValueError, match="SuperLearnerClassifier needs at least two classes"):
        learner.fit(X, np.repeat("high", 160))
    with pytest.raises(ValueError, match="SuperLearnerClassifier got an empty y"):
        learner.fit(X[:0], LABELS[:0])
    with pytest.raises(ValueError, match="SuperLearnerRegressor got an empty y"):
        SuperLearnerRegressor(QUICK).fit(X[:0], VALUES[:0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        learner.fit(X, LABELS[:-1])
    with pytest.raises(ValueError, match="feature names"):
        learner.fit(X, LABELS).predict(X.rename(columns={"flag": "flags"}))


REFUSED_TABLES = {
    "None": (None, "requires X"),
    "no columns": (np.empty((160, 0)), r"0 feature\(s\)"),
    "one name twice": (pd.DataFrame(np.zeros((160, 2)), columns=["a", "a"]), "named 'a': rename"),
    "complex": (np.zeros((160, 2)) * 1j, "Complex data not supported"),
}


@pytest.mark.parametrize("case", REFUSED_TABLES)
def test_tables_that_no_learner_could_read(case):
    """Each ended in the learners, or in the meta-learner after all fits."""
    table, match = REFUSED_TABLES[case]
    with pytest.raises(ValueError, match=match):
        SuperLearnerClassifier(QUICK).fit(table, LABELS)


def test_weights_that_are_no_numbers():
    with pytest.raises(ValueError, match="sample_weight of SuperLearnerClassifier"):
        SuperLearnerClassifier(["linear"]).fit(X, LABELS, sample_weight="heavy")


@pytest.mark.parametrize("name", ["neighbours", "naive_bayes", "linear", "splines"])
def test_few_rows_that_say_nothing(name):
    """Fewer rows than neighbours; no column that varies, and one that is empty in a fold."""
    table = pd.DataFrame({"constant": [1.0] * 12, "": [np.nan] * 11 + [2.0]})
    learner = SuperLearnerClassifier([name], levels=1, cv=3, random_state=0)
    probabilities = learner.fit(table, ["a", "b"] * 6).predict_proba(table)
    np.testing.assert_allclose(probabilities[:-1], 0.5, atol=0.1)


@parametrize_with_checks(
    [
        SuperLearnerClassifier(["linear"], levels=1, cv=2, random_state=0),
        SuperLearnerRegressor(["linear"], levels=1, cv=2, random_state=0),
    ],
    expected_failed_checks=lambda estimator: {
        "check_sample_weight_equivalence_on_dense_data": "scaling reads rows without weights",
    },
)
def test_sklearn_checks(estimator, check):
    check(estimator)


def test_what_it_is_chosen_by():
    learner = SuperLearnerClassifier(QUICK, levels=1, cv=3, scoring="roc_auc", random_state=0)
    blend = learner.fit(X, LABELS).stack_.final_estimator_
    assert blend.scoring == "roc_auc"
    assert blend.candidate_weights_["constant"] == 0
    assert roc_auc_score(LABELS == "low", learner.predict_proba(X)[:, 1]) > 0.8
    with pytest.raises(ValueError, match="scoring"):
        learner.set_params(scoring="aucroc").fit(X, LABELS)


def test_predictions_are_bounded():
    """Learners of little worth leave; that no stack is quick enough is said."""
    learners = [*QUICK, ("sleeps", SleepsAtPredict())]
    learner = SuperLearnerClassifier(
        learners, levels=1, cv=3, max_predict_seconds=1.2, random_state=0
    )
    kept = learner.fit(X, LABELS).stack_.named_estimators_
    assert kept["sleeps"] == "drop"
    assert "sleeps" in learner.oof_.names
    rows = X.iloc[:100]
    start = perf_counter()
    learner.predict(rows)
    assert perf_counter() - start < 1.2
    learner = SuperLearnerClassifier(learners[2:], levels=1, cv=3, max_predict_seconds=0.1)
    with pytest.warns(UserWarning, match=r"max_predict_seconds=0.1 cannot be kept.*sleeps"):
        learner.fit(X, LABELS)


class SleepsAtPredict(DummyClassifier):
    def predict_proba(self, X):
        sleep(0.5)
        return super().predict_proba(X)


def test_no_device():
    learner = SuperLearnerClassifier(["xgboost"], levels=1, cv=2, device="cuda")
    if _n_cuda_devices():
        pytest.skip("there is a GPU")
    with pytest.warns(UserWarning, match="no CUDA device") as caught:
        learner.fit(X, LABELS)
    assert len([one for one in caught if "CUDA" in str(one.message)]) == 1


@pytest.mark.filterwarnings("ignore")
def test_devices_that_a_library_cannot_use():
    assert lightgbm_device("cpu") == xgboost_device("cpu") == "cpu"
    if not _n_cuda_devices():
        assert lightgbm_device("cuda") == "cpu"


def test_libraries_that_cannot_use_the_device_are_named(monkeypatch):
    monkeypatch.setattr("stackmeta.learners.device._n_cuda_devices", lambda: 1)
    monkeypatch.setattr("stackmeta.learners.device.xgboost_device", lambda device: device)
    monkeypatch.setattr("stackmeta.learners.device.lightgbm_device", lambda device: "cpu")
    with pytest.warns(UserWarning, match=r"'cuda': LightGBM, as installed here.*CPU"):
        assert usable_device("cuda") == "cuda"


def test_thresholds_can_be_tuned():
    rare = np.where(np.quantile(VALUES, 0.9) < VALUES, "yes", "no")
    learner = SuperLearnerClassifier(QUICK, levels=1, cv=3, random_state=0)
    tuned = TunedThresholdClassifierCV(learner, scoring="balanced_accuracy", cv=3).fit(X, rare)
    assert balanced_accuracy_score(rare, tuned.predict(X)) > 0.6


def test_versions_are_compared_at_load(monkeypatch):
    learner = SuperLearnerClassifier(["linear"], levels=1, cv=2).fit(X, LABELS)
    with monkeypatch.context() as patch:
        patch.setattr("lightgbm.__version__", "0.1")
        pickled = pickle.dumps(learner)
    with pytest.warns(UserWarning, match=r"lightgbm 0\.1.*fit again"):
        again = pickle.loads(pickled)
    assert np.array_equal(again.predict(X), learner.predict(X))


def test_the_stack_inside_is_a_stack():
    learner = SuperLearnerClassifier(["linear"], levels=1, cv=2, random_state=0).fit(X, LABELS)
    again = clone(learner.stack_).fit(X, LABELS)
    assert np.array_equal(again.predict_proba(X), learner.predict_proba(X))


def test_slim_pickles():
    params = {"estimators": ["linear"], "levels": 1, "cv": 2, "random_state": 0}
    slim = SuperLearnerClassifier(**params, keep_oof=False).fit(X, LABELS)
    full = SuperLearnerClassifier(**params).fit(X, LABELS)
    assert len(pickle.dumps(slim)) < len(pickle.dumps(full))
    assert not hasattr(slim.stack_, "oof_")


def test_with_many_classes_the_cheap_come_first():
    names = [name for name, _ in portfolio("classification", n_classes=20)]
    assert names.index("extra_trees") < names.index("network") < names.index("lightgbm_small")
    assert set(names) == {name for name, _ in portfolio("classification")}


def test_repeats_fill_the_time():
    learner = SuperLearnerClassifier(["linear"], levels=1, time_limit=60, random_state=0)
    assert len(learner.fit(X, LABELS).oof_.splits) == 24
    plan = plan_time(
        ["linear", "lightgbm", "network", "extra_trees", "xgboost"],
        10,
        n_rows=50_000,
        n_columns=50,
        n_classes=20,
        n_workers=2,
        n_levels=2,
    )
    assert plan.n_folds == 5
    assert plan.n_repeats == 1
    assert plan.pace == 3
    assert plan.first_seconds < 9


def test_both_levels_go_on_from_a_store(tmp_path, monkeypatch):
    """Killed in the second level, a fit repeats nothing of either."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    learner = SuperLearnerClassifier(
        ["linear", "lightgbm_small"], cv=3, random_state=0, store=tmp_path / "s"
    )
    first = learner.fit(X, y)
    table = OutOfFoldStore(tmp_path / "s").to_frame()
    assert {"convex", "second_lightgbm"} <= set(table.learner[table.level == 2])
    first_level = OutOfFoldStore(tmp_path / "s").out_of_fold()
    assert set(first_level.names) == {"linear", "lightgbm_small"}
    written = []
    monkeypatch.setattr(OutOfFoldStore, "write_fit", lambda self, *args: written.append(args))
    again = clone(learner).fit(X.copy(), y)
    assert written == []
    assert_array_equal(again.predict_proba(X), first.predict_proba(X))


def test_a_learner_more_is_no_other_table(tmp_path):
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    options = {"cv": 3, "random_state": 0, "store": tmp_path / "s"}
    SuperLearnerClassifier(["linear"], **options).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SuperLearnerClassifier(["linear", "lightgbm_small"], **options).fit(X, y)
