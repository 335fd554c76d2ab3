"""Super learners with a memory."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

from stackmeta import SuperLearnerClassifier, SuperLearnerRegressor
from stackmeta._few_shot import place_of_few_shot
from stackmeta.experience import TaskMemory, lessons
from stackmeta.experience.lessons import Lessons
from stackmeta.experience.recording import fingerprint_table

from .given import made_record

FEW = ["linear", "neighbours", "splines"]


@pytest.fixture
def memory(tmp_path):
    return TaskMemory(tmp_path / "memory.sqlite")


@pytest.fixture
def nothing_shipped(monkeypatch):
    monkeypatch.setattr(lessons, "shipped_records", tuple)


def fitted(memory, load=load_iris, kind=SuperLearnerClassifier, **options):
    X, y = load(return_X_y=True)
    options = {"levels": 1, "cv": 3, "random_state": 0} | options
    return kind(FEW, experience=memory, **options).fit(X, y)


def test_fits_are_recorded(memory, nothing_shipped):
    stack = fitted(memory)
    fitted(memory, load_diabetes, SuperLearnerRegressor)
    classes, numbers = memory.records()
    assert (classes.task, numbers.task) == ("classification", "regression")
    assert classes.names == tuple(FEW)
    assert classes.description["n_rows"] == 150
    # Relative to a constant that knows the frequencies of three equal classes.
    expected = np.array([*stack.oof_.loss().values()]) / np.log(3)
    assert classes.losses == pytest.approx(expected, rel=1e-4)
    assert np.diag(numbers.gram) == pytest.approx(numbers.losses**2, rel=1e-3)
    assert classes.weights.sum() == pytest.approx(1, abs=1e-4)
    assert "C" in classes.settings["linear"] or classes.settings["linear"]


def test_no_row_and_no_name_is_kept(memory, tmp_path):
    """A memory can be shown to anyone."""
    frame, y = load_wine(return_X_y=True, as_frame=True)
    options = {"levels": 1, "cv": 3, "random_state": 0}
    SuperLearnerClassifier(FEW, experience=memory, **options).fit(frame, y)
    text = memory.path.read_bytes().decode("latin-1")
    assert not any(column in text for column in frame.columns)
    assert not any(f"{value!r}" in text for value in frame["proline"].unique() if value > 999.5)
    named = TaskMemory(tmp_path / "named.sqlite", column_names=True)
    SuperLearnerClassifier(FEW, experience=named, **options).fit(frame, y)
    assert named.records()[0].columns == tuple(frame.columns)


def test_a_path_is_a_memory(tmp_path):
    fitted(tmp_path / "memory.sqlite")
    assert len(TaskMemory(tmp_path / "memory.sqlite")) == 1


def test_what_is_shipped_is_only_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fitted("shipped")
    assert not list(tmp_path.iterdir())


def test_an_empty_memory_changes_nothing(memory, nothing_shipped):
    X = load_iris().data
    plain = fitted(None).predict_proba(X)
    assert np.array_equal(fitted(memory).predict_proba(X), plain)


def test_the_same_table_teaches_itself_nothing(memory, nothing_shipped):
    """Its rows would count twice."""
    X, y = load_iris(return_X_y=True)
    fitted(memory)
    assert Lessons.of(memory, X, y, classifies=True).records == []
    assert len(Lessons.of(memory, X[:-1], y[:-1], classifies=True).records) == 1
    assert memory.records()[0].table == fingerprint_table(X, y)


def test_the_order_is_what_other_tables_advise(memory, nothing_shipped):
    """Canary: on all other tables, the last of the list was by far the best."""
    names = tuple(FEW)
    for seed, table in enumerate("abcd"):
        record = made_record(table, spreads=(0.9, 0.8, 0.1), seed=seed, names=names, n_rows=150)
        object.__setattr__(record, "task", "classification")
        record.description.update(n_columns=4.0, n_classes=3.0, entropy=1.0)
        memory.add(record)
    assert fitted(memory, order="advised").oof_.names[0] == "splines"
    assert fitted(memory).oof_.names[0] == "linear"


def test_advice_needs_an_experience():
    with pytest.raises(ValueError, match=r"order='advised' needs .* experience="):
        fitted(None, order="advised")


def test_few_tables_change_nothing(memory, nothing_shipped):
    record = made_record(spreads=(0.9, 0.8, 0.1), names=FEW)
    object.__setattr__(record, "task", "classification")
    memory.add(record)
    assert fitted(memory, order="advised").oof_.names == FEW


def test_time_limits_are_kept(memory, nothing_shipped):
    for load in (load_iris, load_wine, load_breast_cancer):
        fitted(memory, load)
    X, y = load_breast_cancer(return_X_y=True)
    keep = np.arange(len(y)) % 2 == 0
    stack = SuperLearnerClassifier(
        time_limit=6, experience=memory, order="advised", random_state=0, levels=1
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        stack.fit(X[keep], y[keep])
    assert len(memory) == 4
    assert stack.score(X[~keep], y[~keep]) > 0.9


def test_what_a_machine_takes_is_learned(memory, nothing_shipped):
    record = made_record(spreads=(0.9, 0.8, 0.1), names=FEW)
    object.__setattr__(record, "task", "classification")
    memory.add(record)
    X, y = load_iris(return_X_y=True)
    slowness = Lessons.of(memory, X, y, classifies=True).slowness
    assert set(slowness) == set(FEW)
    assert all(0.1 <= times <= 10 for times in slowness.values())


def test_a_memory_that_cannot_be_written_costs_no_fit(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(UserWarning, match="This fit is not recorded"):
        stack = fitted(TaskMemory(tmp_path / "file" / "memory.sqlite"))
    assert stack.predict(load_iris().data).shape == (150,)


def test_a_file_that_is_no_memory_is_said_before_any_fit(tmp_path):
    (tmp_path / "file").write_text("something else, and longer than one page of a database" * 99)
    with pytest.raises(ValueError, match="no memory of tasks"):
        fitted(tmp_path / "file")


@pytest.mark.parametrize("value", [3, object(), ["memory"]])
def test_other_values_are_refused(value):
    with pytest.raises(ValueError, match="'experience' parameter"):
        fitted(value)


def test_clone(memory):
    stack = SuperLearnerClassifier(experience=memory)
    assert clone(stack).experience == memory


def test_same_seed_same_result(memory):
    fitted(memory, load_wine)
    fitted(memory, load_breast_cancer)
    X = load_iris().data
    one, two = (fitted(memory, order="advised") for _ in range(2))
    assert np.array_equal(one.predict_proba(X), two.predict_proba(X))


def test_a_table_fitted_twice_is_recorded_once_for_the_same_numbers(memory):
    one = fitted(memory)
    two = fitted(memory)
    assert one.oof_.names == two.oof_.names
    assert len({record.table for record in memory.records()}) == 1


def a_few(k):
    X, y = load_wine(return_X_y=True, as_frame=True)
    rows = np.concatenate([np.flatnonzero(y == label)[:k] for label in range(3)])
    new = np.setdiff1d(np.arange(len(y)), rows)
    return X.iloc[rows], y.iloc[rows], X.iloc[new], y.iloc[new]


@pytest.mark.parametrize("k", [1, 3, 5])
def test_few_rows_of_a_class_get_learners_that_know_other_tables(k):
    X, y, X_new, y_new = a_few(k)
    stack = SuperLearnerClassifier(experience="shipped", random_state=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Too few rows of a class")
        stack.fit(X, y)
    assert {"prototypes", "linear"} < set(stack.oof_.names)
    assert "splines" not in stack.oof_.names
    assert stack.score(X_new, y_new) > (0.55 if k == 1 else 0.75)
    assert stack.predict_proba(X_new).sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize(
    ("counts", "place"),
    [
        ([1, 20], "alone"),
        ([1, 21], None),
        ([20, 20, 10], "alone"),
        ([20, 20, 11], "beside"),
        ([2] * 26, "beside"),
    ],
)
def test_where_learners_of_few_rows_belong(counts, place):
    assert place_of_few_shot(np.repeat(np.arange(len(counts)), counts)) == place


def test_a_few_more_rows_get_them_beside_all_others():
    X, y, X_new, y_new = a_few(18)
    stack = SuperLearnerClassifier(experience="shipped", preset="fast", levels=1, random_state=0)
    stack.fit(X, y)
    assert "splines" in stack.oof_.names
    assert "prototypes" in stack.oof_.names
    assert stack.score(X_new, y_new) > 0.85


def test_those_who_ask_for_learners_get_them():
    X, y, *_ = a_few(6)
    for options in ({"estimators": FEW}, {"cv": 3}):
        stack = SuperLearnerClassifier(
            **{"preset": "fast", "levels": 1, "experience": "shipped", "random_state": 0} | options
        )
        assert "prototypes" not in stack.fit(X, y).oof_.names


def test_few_rows_start_from_the_weights_of_others(memory, nothing_shipped):
    """On the other tables "neighbours" alone was good; its weight is larger for knowing that."""
    for seed, table in enumerate("abcd"):
        record = made_record(table, spreads=(0.9, 0.1, 0.9), seed=seed, names=FEW, n_rows=80)
        object.__setattr__(record, "task", "classification")
        record.description.update(n_columns=30.0, n_classes=2.0, entropy=1.0)
        memory.add(record)
    X, y = load_breast_cancer(return_X_y=True)
    rows = np.arange(80)

    def convex(experience):
        stack = SuperLearnerClassifier(FEW, experience=experience, levels=1, cv=3, random_state=0)
        stack.fit(X[rows], y[rows])
        found = stack.stack_.final_estimator_.get_params()["candidates"]
        return stack, dict(found or [])

    plain, _ = convex(None)
    taught, candidates = convex(memory)
    assert candidates["convex"].prior.n_rows > 0
    assert np.array_equal(np.sort(plain.oof_.names), np.sort(taught.oof_.names))
    best = candidates["convex"].prior.weights.argmax()
    assert taught.oof_.names[best] == "neighbours"


def test_many_rows_and_numbers_get_no_prior(memory, nothing_shipped):
    for seed, table in enumerate("abcd"):
        memory.add(made_record(table, seed=seed, names=FEW[:3], spreads=(0.9, 0.8, 0.7)))
    X, y = load_diabetes(return_X_y=True)
    lessons_ = Lessons.of(memory, X, y, classifies=False)
    lessons_.take([(name, None) for name in FEW], dict.fromkeys(FEW, 1.0))
    assert lessons_.are_enough
    assert lessons_.prior(FEW) is None
