"""Slices: known losses, calibration and rates; the worst ones are found and honestly judged."""

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

from stackmeta import ConvexClassifier, StackingClassifier, StackingRegressor, out_of_fold
from stackmeta.evaluation import loss_by
from stackmeta.evaluation.slices import calibration_error, slice_values

X, Y = make_classification(400, 5, n_informative=3, flip_y=0.1, random_state=0)
FRAME = pd.DataFrame(X, columns=list("abcde")).assign(
    place=np.where(np.arange(400) % 4 > 0, "town", "land"), few=np.arange(400) // 5 == 0
)
LEARNERS = [("nb", GaussianNB(), list("abcde")), ("lr", LogisticRegression(), list("abcde"))]
STACK = StackingClassifier(LEARNERS, ConvexClassifier()).fit(FRAME, Y)


def test_losses_and_rates_by_hand():
    table = STACK.leaderboard(by="place", X=FRAME)
    assert list(dict.fromkeys(table["learner"])) == ["stack", "nb", "lr"]
    line = table[(table["learner"] == "lr") & (table["slice"] == "land")].iloc[0]
    rows = (FRAME["place"] == "land").to_numpy()
    p = STACK.oof_.block("lr")[rows, 0]
    truth = Y[rows]
    assert line["n_rows"] == 100
    assert line["share"] == 0.25
    assert line["loss"] == pytest.approx(log_loss(truth, p))
    assert line["predicted"] == pytest.approx(p.mean())
    assert line["observed"] == pytest.approx(truth.mean())
    assert line["positive_rate"] == pytest.approx((p > 0.5).mean())
    assert line["tpr"] == pytest.approx((p[truth == 1] > 0.5).mean())
    assert line["fpr"] == pytest.approx((p[truth == 0] > 0.5).mean())
    assert line["low"] < line["loss"] < line["high"]
    assert line["tpr_low"] <= line["tpr"] <= line["tpr_high"]
    assert table.attrs["loss"] == "log_loss"


def test_slices_of_the_expected_loss_are_of_the_stack():
    found = STACK.expected_loss(by=FRAME["place"])
    whole = STACK.leaderboard(by=FRAME["place"])
    same = whole[whole["learner"] == "stack"].drop(columns="learner").reset_index(drop=True)
    pd.testing.assert_frame_equal(found.by, same)
    mean = (found.by["loss"] * found.by["share"]).sum()
    assert mean == pytest.approx(found.mean + found.gain)
    assert STACK.expected_loss().by is None


def test_numbers_are_cut_at_their_quartiles_and_bias_is_found():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2))
    y = x[:, 0] + 2.0 * (x[:, 1] > 0.674)
    oof = out_of_fold([("line", LinearRegression(), [0])], x, y)
    table = loss_by(oof, x[:, 1])
    assert list(table["n_rows"]) == [100] * 4
    assert list(table["bias"] < 0) == [False, False, False, True]
    assert table["bias_high"].iloc[3] < 0 < table["bias_low"].iloc[0]
    assert table["loss"].iloc[3] == pytest.approx(
        root_mean_squared_error(
            y[x[:, 1] > np.quantile(x[:, 1], 0.75)],
            oof.matrix[x[:, 1] > np.quantile(x[:, 1], 0.75), 0],
        ),
        rel=1e-6,
    )
    assert table["difference_low"].iloc[3] > 0


def test_values():
    numbers = np.r_[np.arange(100.0), np.nan, np.nan]
    found = slice_values(numbers, None, 102)
    assert list(found.categories) == [
        "[0, 24.75]",
        "(24.75, 49.5]",
        "(49.5, 74.25]",
        "(74.25, 99]",
        "(missing)",
    ]
    few = slice_values(["a"] * 20 + ["b"] * 3 + ["c"] * 4, None, 27)
    assert list(few.categories) == ["a", "(values of fewer than 10 rows)"]
    assert list(slice_values([True, False] * 10, None, 20).categories) == ["False", "True"]
    assert len(slice_values(pd.Categorical(["x", "y"] * 10), None, 20).categories) == 2
    mixed = slice_values(np.array([1, "a"] * 10, dtype=object), None, 20)
    assert len(mixed.categories) == 2
    same = slice_values(np.zeros(50), None, 50)
    assert list(same.categories) == ["0"]
    dates = pd.Series(pd.date_range("2020-01-01", periods=2).repeat(10))
    assert len(slice_values(dates, None, 20).categories) == 2


def test_groups_widen_the_intervals_of_slices():
    groups = np.repeat(np.arange(40), 10)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 1))
    y = x[:, 0] + 2 * rng.normal(size=40)[groups]
    stack = StackingRegressor([("ridge", Ridge())]).fit(x, y, groups=groups)
    half = groups % 2
    grouped = stack.expected_loss(by=half).by["se"]
    alone = stack.expected_loss(by=half, groups=np.arange(400)).by["se"]
    assert (grouped > 1.5 * alone).all()


def test_more_classes_labels_and_scores():
    labels = np.digitize(X[:, 0], [-0.5, 0.5])
    table = StackingClassifier(LEARNERS).fit(FRAME, labels).expected_loss(by="place", X=FRAME).by
    assert {"predicted", "observed", "ece"} <= set(table.columns)
    assert "tpr" not in table
    svc = StackingClassifier([("svc", LinearSVC())], LinearSVC()).fit(X, Y)
    assert svc.leaderboard(by=FRAME["place"])["loss"].between(0, 1).all()
    scores = STACK.expected_loss("roc_auc", by="place", X=FRAME).by
    assert scores["loss"].between(-1, -0.5).all()
    one_class = STACK.expected_loss("roc_auc", by=Y).by
    assert one_class["loss"].isna().all()


def test_calibration_error():
    p = np.repeat([0.2, 0.8], 500)
    seen = np.r_[np.arange(500) % 5 == 0, np.arange(500) % 5 > 0]
    assert calibration_error(p, seen) < 0.02
    assert calibration_error(p, ~seen) == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize(
    ("by", "X_given", "message"),
    [
        ("place", None, "pass X=, the table of fit"),
        ("height", FRAME, "'height' is no column"),
        ("place", X, "X is no DataFrame"),
        (np.arange(10), None, "by has 10 values"),
        (X, None, "by has 2 axes"),
    ],
)
def test_it_is_said_what_is_wrong(by, X_given, message):
    with pytest.raises(ValueError, match=message):
        STACK.expected_loss(by=by, X=X_given)
    with pytest.raises(ValueError, match=message):
        STACK.leaderboard(by=by, X=X_given)


def noisy_town(seed, extra):
    """Rows of a town, of one size, whose target scatters more by ``extra``."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(600, 3)), columns=["size", "age", "rent"])
    frame["place"] = rng.choice(["town", "land", "sea"], 600)
    frame["sold"] = rng.choice([True, False], 600)
    bad = (frame["place"] == "town") & (frame["size"] > 0)
    y = frame["size"] + rng.normal(size=600) * (1 + extra * bad)
    return frame, y


def worst(frame, y, **params):
    stack = StackingRegressor([("ridge", Ridge(), ["size", "age"])]).fit(frame, y)
    return stack.worst_slices(frame, **params)


def test_the_worst_slice_is_found():
    table = worst(*noisy_town(0, 2.0))
    assert "town" in table["slice"].iloc[0]
    assert table["worse"].iloc[0]
    assert table["n_rows"].iloc[0] < 200
    assert list(table["difference"]) == sorted(table["difference"], reverse=True)


@pytest.mark.theory
def test_of_slices_that_are_alike_few_are_called_worse():
    """All slices are searched, and the worst is picked: judged on its own rows it looks bad."""
    claims = sum(worst(*noisy_town(seed, 0.0))["worse"].any() for seed in range(40))
    assert claims <= 6


def test_groups_stay_in_one_half():
    frame, y = noisy_town(0, 2.0)
    table = worst(frame, y, groups=np.repeat(np.arange(20), 30), n_slices=2)
    assert len(table) <= 2


def test_nothing_to_search():
    y = np.random.default_rng(0).normal(size=60)
    assert len(worst(pd.DataFrame({"size": 1.0, "age": np.zeros(60)}), y)) == 0
    arrays = StackingRegressor([("ridge", Ridge())], cv=KFold(3)).fit(X, X[:, 0])
    assert "slice" in arrays.worst_slices(X, n_slices=1).columns
    proba = StackingClassifier([("svc", CalibratedClassifierCV(LinearSVC()))]).fit(X, Y)
    assert len(proba.worst_slices(FRAME, min_rows=400)) == 0


@pytest.mark.parametrize(
    ("params", "message"),
    [({"n_slices": 0}, "n_slices"), ({"min_rows": 0.5}, "min_rows"), ({"level": 2}, "level")],
)
def test_parameters_of_the_search(params, message):
    with pytest.raises(ValueError, match=message):
        STACK.worst_slices(FRAME, **params)
    with pytest.raises(ValueError, match="X has 3 rows"):
        STACK.worst_slices(FRAME[:3])
