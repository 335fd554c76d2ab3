"""Any table and any target: valid output, or a clear error before anything is fitted."""

from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from stackmeta import (
    AveragingClassifier,
    AveragingRegressor,
    ConvexClassifier,
    ConvexRegressor,
    OutOfFoldTransformer,
    StackingClassifier,
    StackingRegressor,
    SuperLearnerClassifier,
    SuperLearnerRegressor,
    out_of_fold,
)

from .outcomes import (
    check_labels,
    check_numbers,
    check_probabilities,
    outcome_of_fit,
    outcome_of_predict,
)
from .tables import plans
from .targets import LABELS, NUMBERS, WRONG

CLASSIFIERS = {
    "prior": DummyClassifier(),  # which does not mind what X holds
    "nb": GaussianNB(),
    "tree": DecisionTreeClassifier(max_depth=2, random_state=0),
    "lr": LogisticRegression(max_iter=20),
    "nn": KNeighborsClassifier(2),
    "imputed": make_pipeline(SimpleImputer(keep_empty_features=True), GaussianNB()),
}
REGRESSORS = {
    "mean": DummyRegressor(),
    "ridge": Ridge(),
    "tree": DecisionTreeRegressor(max_depth=2, random_state=0),
    "nn": KNeighborsRegressor(2),
    "imputed": make_pipeline(SimpleImputer(keep_empty_features=True), Ridge()),
}


def learners(draw, pool):
    names = draw(st.lists(st.sampled_from(list(pool)), min_size=1, max_size=3, unique=True))
    return [(name, pool[name]) for name in names]


def some_rows(draw):
    enough = st.integers(6, 50)
    return draw(st.one_of(st.just(20), enough, enough, enough, st.integers(1, 50)))


def target(draw, kinds, n_rows):
    if draw(st.integers(0, 6)) == 3:
        kinds = draw(st.sampled_from([LABELS, NUMBERS, WRONG]))
    kind = draw(st.sampled_from(list(kinds)))
    return kinds[kind](np.random.default_rng(draw(st.integers(0, 99))), n_rows)


def weights(draw, n_rows):
    kind = draw(st.sampled_from([None] * 30 + ["ones", "some 0", "all 0", "NaN", "short", "text"]))
    if kind is None:
        return {}
    values = np.ones(n_rows - (kind == "short"))
    values[: {"some 0": 2, "all 0": n_rows}.get(kind, 0)] = 0
    values[: kind == "NaN"] = np.nan
    return {"sample_weight": "heavy" if kind == "text" else values}


def table(draw, **limits):
    plan, n_rows = draw(plans(**limits)), some_rows(draw)
    return plan, n_rows, plan.make(n_rows)


def new_rows(draw, plan):
    n_rows = some_rows(draw)
    if plan.container == "frame" and draw(st.integers(0, 9)) == 0:
        return n_rows, plan.make(n_rows, new=True).iloc[:, 1:]
    return n_rows, plan.make(n_rows, new=True)


def check_predictions(draw, model, plan, classes=None):
    """Predict other rows; their table has the same columns, but not the same values."""
    n_rows, X = new_rows(draw, plan)
    outcome, found = outcome_of_predict(partial(model.predict, X))
    if outcome == "valid" and classes is None:
        check_numbers(found, (n_rows, *found.shape[1:]))
    elif outcome == "valid" and not isinstance(classes, list):
        check_labels(found, classes, n_rows)
        if hasattr(model, "predict_proba"):
            probabilities = outcome_of_predict(partial(model.predict_proba, X))[1]
            check_probabilities(probabilities, n_rows, len(classes))
    return outcome


def cross_fitting(draw):
    return {
        "cv": draw(st.sampled_from([2, 2, 3, None])),
        "refit": draw(st.booleans()),
        "on_error": draw(st.sampled_from(["raise", "raise", "drop"])),
        "shortcuts": draw(st.sampled_from(["exact", "approximate", False])),
        "passthrough": draw(st.sampled_from([False, False, True])),
        "stack_method": draw(st.sampled_from(["auto"] * 4 + ["predict"])),
    }


def classifier_case(draw):
    plan, n_rows, X = table(draw)
    final = draw(st.sampled_from([None, ConvexClassifier(), AveragingClassifier()]))
    stack = StackingClassifier(learners(draw, CLASSIFIERS), final, **cross_fitting(draw))
    y = target(draw, LABELS, n_rows)
    outcome, _ = outcome_of_fit(partial(stack.fit, X, y, **weights(draw, n_rows)))
    if outcome != "valid":
        return outcome
    return f"valid, then {check_predictions(draw, stack, plan, stack.classes_)}"


def regressor_case(draw):
    plan, n_rows, X = table(draw)
    final = draw(st.sampled_from([None, ConvexRegressor(), AveragingRegressor()]))
    options = cross_fitting(draw)
    del options["stack_method"]
    stack = StackingRegressor(learners(draw, REGRESSORS), final, **options)
    y = target(draw, NUMBERS, n_rows)
    outcome, _ = outcome_of_fit(partial(stack.fit, X, y, **weights(draw, n_rows)))
    if outcome != "valid":
        return outcome
    return f"valid, then {check_predictions(draw, stack, plan)}"


def transformer_case(draw):
    plan, n_rows, X = table(draw)
    pool, kinds = draw(st.sampled_from([(CLASSIFIERS, LABELS), (REGRESSORS, NUMBERS)]))
    step = OutOfFoldTransformer(learners(draw, pool), **cross_fitting(draw))
    y = target(draw, kinds, n_rows)
    outcome, found = outcome_of_fit(partial(step.fit_transform, X, y, **weights(draw, n_rows)))
    if outcome != "valid":
        return outcome
    assert found.shape[0] == n_rows
    check_numbers(step.oof_.matrix, (n_rows, step.oof_.matrix.shape[1]))
    n_new, X_new = new_rows(draw, plan)
    then, found = outcome_of_predict(partial(step.transform, X_new))
    assert then != "valid" or found.shape[0] == n_new
    return f"valid, then {then}"


def function_case(draw):
    _, n_rows, X = table(draw)
    pool, kinds = draw(st.sampled_from([(CLASSIFIERS, LABELS), (REGRESSORS, NUMBERS)]))
    options = cross_fitting(draw)
    options["method"] = options.pop("stack_method")
    del options["passthrough"]
    y, chosen = target(draw, kinds, n_rows), learners(draw, pool)
    params = weights(draw, n_rows) or None
    call = partial(out_of_fold, chosen, X, y, fit_params=params, **options)
    outcome, oof = outcome_of_fit(call)
    if outcome != "valid":
        return outcome
    check_numbers(oof.matrix, (n_rows, oof.matrix.shape[1]))
    losses = oof.loss()
    assert {*losses} <= {name for name, _ in chosen}
    return "valid"


def super_case(draw, make, names, kinds):
    plan, n_rows, X = table(draw, mostly_frames=True)
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
    levels = draw(st.sampled_from([1, 1, 1, 2]))
    model = make(chosen, levels=levels, cv=draw(st.sampled_from([2, 3, None])), random_state=0)
    y = target(draw, kinds, n_rows)
    fit = partial(model.fit, X, y, **weights(draw, n_rows))
    outcome, _ = outcome_of_fit(fit, own_learners=True)
    if outcome != "valid":
        return outcome
    then = check_predictions(draw, model, plan, getattr(model, "classes_", None))
    return f"valid, then {then}"


PORTFOLIO = ["linear", "lightgbm_small", "splines", "neighbours", "kernel"]


def super_classifier_case(draw):
    return super_case(draw, SuperLearnerClassifier, [*PORTFOLIO, "naive_bayes"], LABELS)


def super_regressor_case(draw):
    return super_case(draw, SuperLearnerRegressor, PORTFOLIO, NUMBERS)


def combiner_case(draw):
    """A combiner alone: its matrix of predictions may be any table."""
    _, n_rows, X = table(draw)
    classifies = draw(st.booleans())
    if draw(st.booleans()):
        rng = np.random.default_rng(draw(st.integers(0, 99)))
        X = rng.uniform(size=(n_rows, draw(st.integers(1, 6))))
        X[rng.uniform(size=X.shape) < draw(st.sampled_from([0, 0, 0.2, 0.9]))] = np.nan
        X = X / X.sum(axis=1, keepdims=True) if draw(st.booleans()) else X
    kinds = (ConvexClassifier, AveragingClassifier) if classifies else (ConvexRegressor,)
    combiner = draw(st.sampled_from(kinds))()
    y = target(draw, LABELS if classifies else NUMBERS, n_rows)
    fit = partial(combiner.fit, X, y, **weights(draw, n_rows))
    outcome, _ = outcome_of_fit(fit)
    if outcome != "valid":
        return outcome
    then, found = outcome_of_predict(partial(combiner.predict, X))
    if then == "valid" and classifies:
        check_labels(found, combiner.classes_, n_rows)
        check_probabilities(combiner.predict_proba(X), n_rows, len(combiner.classes_))
    elif then == "valid":
        check_numbers(found, (n_rows, *found.shape[1:]))
    return f"valid, then {then}"


# How many of each the slow test draws.
CASES = {
    classifier_case: 500,
    regressor_case: 500,
    transformer_case: 300,
    function_case: 300,
    combiner_case: 300,
    super_classifier_case: 100,
    super_regressor_case: 100,
}


def run_cases(case, n_cases):
    """Draw and judge cases; the same ones each time."""

    @settings(
        max_examples=n_cases,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def judge(data):
        event(case(data.draw))

    judge()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_some_input_is_answered_or_refused(case):
    run_cases(case, 3 if case in (super_classifier_case, super_regressor_case) else 8)


def test_2000_cases():
    """The guard of the slow test's promise."""
    assert sum(CASES.values()) >= 2000


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_any_input_is_answered_or_refused(case):
    run_cases(case, CASES[case])
