import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit
from sklearn.tree import DecisionTreeRegressor

from stackmeta import ConvexRegressor, StackingRegressor, SuperLearnerRegressor, audit

SHUFFLED = KFold(5, shuffle=True, random_state=0)


def table(n=600, seed=0):
    """A raw table without a leak."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=n),
            "colour": rng.choice(["red", "blue", None], size=n),
            "sold": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(365, size=n), "D"),
            "rooms": rng.integers(1, 6, size=n),
            "area": np.where(rng.uniform(size=n) < 0.1, np.nan, rng.exponential(size=n)),
        }
    )
    y = frame["size"] + (frame["colour"] == "red") + 0.5 * rng.normal(size=n)
    return frame, y.to_numpy()


def found(audited):
    return [(f.what, f.where) for f in audited]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_nothing_in_clean_tables(seed, task):
    X, y = table(seed=seed)
    y = y if task == "regression" else np.where(y > 0, "yes", "no")
    assert not audit(X, y)
    assert "nothing found" in repr(audit(X, y))


def test_noise_is_no_leak():
    """Every column may name groups here, and none does."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.integers(0, 60, size=(400, 3)).astype(float))
    assert not audit(X, rng.normal(size=400))
    assert not audit(X, rng.integers(3, size=400))


@pytest.mark.parametrize("noise", [0.0, 1e-4])
def test_copies_on_both_sides(noise):
    X, y = table()
    X = X.drop(columns="sold")
    y = y + np.random.default_rng(1).normal(size=600)
    twice = np.r_[np.arange(600), np.arange(150)]
    X, y = X.iloc[twice].reset_index(drop=True), y[twice]
    X.loc[600:, "size"] += noise
    what = "rows that are nearly there twice" if noise else "rows that are there twice"
    finding = next(f for f in audit(X, y, SHUFFLED) if f.what == what)
    assert finding.evidence["rows with a twin"] > 150
    kept = audit(X, y, GroupKFold(5), groups=twice)
    assert what not in [f.what for f in kept]


def test_copies_by_chance_are_no_leak():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.integers(0, 4, size=(800, 3)))
    y = X[0] + rng.normal(size=800)
    assert X.duplicated().mean() > 0.8
    assert not audit(X, y)


@pytest.mark.parametrize(
    "names",
    [
        np.arange(600),
        np.random.default_rng(0).permutation(600) + 1000,
        [f"row-{i}" for i in range(600)],
    ],
)
def test_a_column_that_identifies_the_row(names):
    X, y = table()
    X["id"] = names
    assert found(audit(X, y)) == [("a column that identifies the row", "'id'")]


def test_a_column_that_identifies_the_fold():
    X, y = table()
    splits = list(SHUFFLED.split(X))
    for k, (_, test) in enumerate(splits):
        X.loc[test, "part"] = f"part {k}"
    assert found(audit(X, y, splits)) == [("a column that identifies the fold", "'part'")]


@pytest.mark.parametrize("how", ["copy", "steps", "category", "missing"])
def test_a_column_that_gives_away_the_target(how):
    X, y = table()
    rng = np.random.default_rng(2)
    if how in ("copy", "steps"):
        X["paid"] = {"copy": 3 * y + 0.02 * rng.normal(size=600), "steps": np.exp(y)}[how]
    else:
        y = np.where(y > 0.3, "yes", "no")
        X["paid"] = np.where(y == "yes", "closed", "open") if how == "category" else 1.0
        if how == "missing":
            X.loc[y == "yes", "paid"] = np.nan
    finding = next(iter(audit(X, y)))
    assert (finding.what, finding.where) == ("a column that gives away the target", "'paid'")
    shares = list(finding.evidence.values())
    assert shares[0] < 0.05 < shares[1]


def grouped(n_groups=40, n_each=15, seed=0):
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat(np.arange(n_groups), n_each))
    X = pd.DataFrame(rng.normal(size=(n_groups, 4))[groups], columns=list("abcd"))
    X += 0.05 * rng.normal(size=X.shape)
    return X, rng.normal(size=n_groups)[groups] + 0.2 * rng.normal(size=len(groups)), groups


@pytest.mark.parametrize("names", ["numbers", "texts"])
def test_a_group_column_that_the_split_ignores(names):
    X, y, groups = grouped()
    X["subject"] = groups if names == "numbers" else [f"s{g}" for g in groups]
    (finding,) = audit(X, y)
    assert finding.where == "'subject'"
    assert finding.what == "a group column that the split ignores"
    shuffled, kept = list(finding.evidence.values())[1:]
    assert shuffled < 0.4 < 0.8 < kept
    assert not audit(X, y, groups=groups)
    assert not audit(X, y, GroupKFold(5), groups=groups)


def test_a_group_column_that_only_predicts_is_no_leak():
    """Each level has its own mean; no other column knows the level."""
    rng = np.random.default_rng(0)
    level = rng.integers(40, size=800)
    X = pd.DataFrame({"shop": [f"s{i}" for i in level], "size": rng.normal(size=800)})
    y = rng.normal(size=40)[level] + X["size"] + 0.1 * rng.normal(size=800)
    assert not audit(X, y)


def test_groups_that_the_split_parts():
    X, y, groups = grouped()
    finding = audit(X, y, SHUFFLED, groups)[0]
    assert finding.what == "groups that the split parts"
    assert finding.evidence["groups on both sides of a fold"] == 40


@pytest.mark.parametrize("how", ["dates", "texts"])
def test_a_time_that_the_split_ignores(how):
    """A random walk, and columns that walk beside it."""
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(size=(1000, 4)), axis=0)
    X, y = pd.DataFrame(walk[:, :3], columns=list("abc")), walk[:, 3]
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(1000), "D")
    order = rng.permutation(1000)
    X["day"] = days if how == "dates" else days.astype(str)
    X, y = X.iloc[order].reset_index(drop=True), y[order]
    assert found(audit(X, y, SHUFFLED)) == [("a time column that the split ignores", "'day'")]


def test_an_order_of_the_rows_that_the_split_ignores():
    """Rows of a group follow each other, and no column names the group."""
    X, y, groups = grouped(100, 8)
    order = np.argsort(groups, kind="stable")
    X, y = X.iloc[order].reset_index(drop=True), y[order]
    (finding,) = audit(X, y, SHUFFLED)
    assert finding.what == "an order of the rows that the split ignores"
    shuffled, kept = finding.evidence.values()
    assert shuffled < 0.3 < 0.8 < kept
    assert not audit(X, y, KFold(5))
    assert not audit(X, y, TimeSeriesSplit(5))


class Remembers(RegressorMixin, BaseEstimator):
    """Keeps all rows that it ever saw: a leak between fits."""

    seen: dict = {}

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return np.array([self.seen[row.tobytes()] for row in np.asarray(X)])


@pytest.mark.parametrize("refit", [True, False])
def test_a_learner_that_knows_held_out_rows(refit):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    y = X[:, 0] ** 2 + rng.normal(size=300)
    Remembers.seen = {row.tobytes(): value for row, value in zip(X, y, strict=True)}
    learners = [
        ("ridge", Ridge()),
        ("tree", DecisionTreeRegressor(max_depth=4)),
        ("memory", Remembers()),
    ]
    stack = StackingRegressor(learners, Ridge(), refit=refit, random_state=0).fit(X, y)
    finding = stack.audit(X, y)[0]
    assert (finding.what, finding.where) == (
        "a learner that knows the rows that were held out",
        "'memory'",
    )
    honest = StackingRegressor(learners[:2], Ridge(), refit=refit, random_state=0).fit(X, y)
    assert not honest.audit(X)


def test_given_predictions_made_in_sample():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 4)), columns=list("abcd"))
    y = X["a"] + rng.normal(size=300)
    X["forecast"] = DecisionTreeRegressor(random_state=0).fit(X, y).predict(X)
    learners = [("ridge", Ridge(), list("abcd")), ("given", "passthrough", ["forecast"])]
    stack = StackingRegressor(learners, Ridge(), random_state=0).fit(X, y)
    assert ("a learner that knows the rows that were held out", "'given'") in found(stack.audit(X))


def test_a_line_that_is_learned_is_no_leak():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 6))
    y = X @ np.arange(6.0) + 0.01 * rng.normal(size=300)
    learners = [("ridge", Ridge(0.1)), ("tree", DecisionTreeRegressor(max_depth=3))]
    assert not StackingRegressor(learners, ConvexRegressor()).fit(X, y).audit(X)


def test_super_learner():
    X, y = table(200)
    learner = SuperLearnerRegressor(["linear", "extra_trees"], levels=1, random_state=0)
    assert not learner.fit(X, y).audit(X, y)


def test_table_of_findings():
    X, y, groups = grouped()
    X["subject"] = groups
    frame = audit(X, y).to_frame()
    assert list(frame.columns) == ["what", "where", "evidence", "advice"]
    assert frame.loc[0, "where"] == "'subject'"
    assert list(audit(*table()).to_frame().columns) == list(frame.columns)
    assert "GroupKFold" in str(audit(X, y, SHUFFLED, groups)[0])


@pytest.mark.parametrize("as_", ["lists", "array", "objects", "odd", "polars"])
def test_any_table(as_):
    X, y = table(60)
    if as_ == "polars":
        polars = pytest.importorskip("polars")
        pytest.importorskip("pyarrow")
        tables = polars.from_pandas(X)
    else:
        odd = X.assign(bag=[[1, i] for i in range(60)], nothing=np.nan, same=1, inf=np.inf)
        tables = {
            "lists": X[["size", "rooms"]].to_numpy().tolist(),
            "array": X[["size", "rooms"]].to_numpy(),
            "objects": X.to_numpy(dtype=object),
            "odd": odd,
        }[as_]
    assert isinstance(len(audit(tables, y)), int)
    assert isinstance(len(audit(tables, y > 0)), int)


@pytest.mark.parametrize("n", [4, 12])
def test_few_rows(n):
    X, y = table(n)
    audit(X, y, 2)
    audit(X, np.arange(n) % 2, StratifiedKFold(2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.zeros(3)}, "600 rows and y has 3"),
        ({"groups": np.zeros(3)}, r"groups has shape \(3,\)"),
        ({"task": "ranking"}, "got 'ranking'"),
        ({"X": pd.DataFrame(index=range(600))}, "no column"),
        ({"y": np.full(600, np.nan)}, "NaN"),
        ({"y": ["a"] * 600}, "one class only"),
    ],
)
def test_bad_input(change, message):
    X, y = table()
    with pytest.raises(ValueError, match=message):
        audit(**{"X": X, "y": y, **change})


def test_other_rows_than_those_of_fit():
    X, y = table(100)
    learners = [("ridge", Ridge(), ["size", "rooms"])]
    stack = StackingRegressor(learners, ConvexRegressor()).fit(X, y)
    with pytest.raises(ValueError, match="X has 50 rows, but the stack was fitted on 100"):
        stack.audit(X[:50])
    with pytest.raises(ValueError, match="not the target of fit"):
        stack.audit(X, y + 1)
    with pytest.raises(ValueError, match="prefit"):
        StackingRegressor([("ridge", Ridge().fit(X[["size"]], y))], cv="prefit").fit(
            X[["size"]], y
        ).audit(X[["size"]])
