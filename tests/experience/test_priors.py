"""Priors learned over tasks: right about the population, honest about tables, easily overruled."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from stackmeta.combiners import ConvexRegressor
from stackmeta.combiners.simplex import minimise_quadratic
from stackmeta.combiners.weight_prior import WeightPrior
from stackmeta.experience import initialisation, prior_strength
from stackmeta.experience.initialisation import InnerLoop
from stackmeta.experience.priors import METHODS, weight_prior
from stackmeta.experience.record import TaskRecord
from stackmeta.experience.table_grams import TableGrams
from stackmeta.experience.wishart_tasks import WishartTasks

NAMES = ("a", "b", "c", "d", "e")
#: Variances of what learners do not share: the best weights go with one over them.
VARIANCES = np.array([0.2, 0.4, 0.8, 3.0, 4.0])
BEST = (1 / VARIANCES) / (1 / VARIANCES).sum()


def record(table, variances=VARIANCES, names=NAMES, shared=0.5, task="regression"):
    gram = np.diag(np.asarray(variances, float)) + shared
    ones = np.ones(len(gram))
    return TaskRecord(
        table, task, {"n_rows": 1000.0}, tuple(names), ones, gram, ones, ones / len(ones)
    )


def alike(n_tables=8, spread=0.2, seed=0):
    """Tables whose learners' variances differ a little."""
    rng = np.random.default_rng(seed)
    return [
        record(f"t{i}", VARIANCES * np.exp(spread * rng.normal(size=5))) for i in range(n_tables)
    ]


def unlike(n_tables=8, seed=0):
    """Tables that have nothing in common: which learner is good is drawn anew."""
    rng = np.random.default_rng(seed)
    return [record(f"t{i}", rng.permutation(VARIANCES)) for i in range(n_tables)]


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch):
    monkeypatch.setattr(initialisation, "OUTER_STEPS", 40)


def test_the_pooled_gram_recovers_the_populations_weights():
    found = weight_prior(alike(40), NAMES, n_rows=30)
    assert_allclose(found.weights, BEST, atol=0.04)


@pytest.mark.parametrize("method", ["reptile", "maml"])
def test_trained_initialisations_lean_to_the_populations_weights(method):
    found = weight_prior(alike(), NAMES, method=method, n_rows=30).weights
    assert np.abs(found - BEST).sum() < 0.5 * np.abs(0.2 - BEST).sum()
    assert found.argmax() == 0
    assert found[3:].sum() < 0.1


@pytest.mark.theory
@pytest.mark.parametrize("method", METHODS)
def test_few_rows_of_a_new_table_are_worth_more(method):
    prior = weight_prior(alike(), NAMES, method=method)
    truth = np.diag(VARIANCES) + 0.5
    rng = np.random.default_rng(1)
    losses = {"plain": [], "prior": []}
    for _ in range(30):
        errors = rng.normal(size=(20, 1)) * np.sqrt(0.5) + rng.normal(size=(20, 5)) * np.sqrt(
            VARIANCES
        )
        y = rng.normal(size=20)
        for name, given in (("plain", None), ("prior", prior)):
            weights = ConvexRegressor(prior=given).fit(y[:, None] + errors, y).weights_
            losses[name].append(weights @ truth @ weights)
    best = BEST @ truth @ BEST
    assert np.mean(losses["prior"]) - best < 0.6 * (np.mean(losses["plain"]) - best)


@pytest.mark.parametrize("method", METHODS)
def test_the_more_tables_disagree_the_fewer_rows_the_prior_is_worth(method):
    agree = weight_prior(alike(12, spread=0.05), NAMES, method=method, rows=(30,))
    disagree = weight_prior(unlike(12), NAMES, method=method, rows=(30,))
    assert disagree.n_rows < 0.5 * agree.n_rows


@pytest.mark.theory
@pytest.mark.parametrize("method", METHODS)
def test_null_tasks_are_overruled(method):
    """Earlier tables all liked what is worst here: many rows lose nothing by it."""
    wrong = [record(f"t{i}", VARIANCES[::-1]) for i in range(6)]
    prior = weight_prior(wrong, NAMES, method=method)
    rng = np.random.default_rng(0)
    y = rng.normal(size=20_000)
    P = y[:, None] + rng.normal(size=(20_000, 5)) * np.sqrt(VARIANCES)
    weights = ConvexRegressor(prior=prior).fit(P, y).weights_
    truth = np.diag(VARIANCES)
    assert weights @ truth @ weights < 1.01 * (BEST @ truth @ BEST)


# No leak between tables.


def sub_tasks(records, rows=(30,)):
    return WishartTasks(TableGrams.of(records, NAMES), rows, 0)


@pytest.mark.parametrize("n_folds", [None, 3])
def test_a_table_is_judged_by_what_others_teach(n_folds, monkeypatch):
    taught, judged = [], []
    judge = prior_strength._log_losses

    def teach(counts):
        taught.append(np.flatnonzero(counts == 0))
        return WeightPrior.around(BEST, 1.0)

    def watching(tasks, table, prior):
        judged.append((table, len(taught) - 1))
        return judge(tasks, table, prior)

    monkeypatch.setattr(prior_strength, "_log_losses", watching)
    prior_strength.learn_strength(sub_tasks(alike(7)), teach, n_folds)
    assert sorted(table for table, _ in judged) == list(range(7))
    for table, lesson in judged:
        assert table in taught[lesson]


@pytest.mark.theory
def test_a_prior_that_saw_the_table_would_be_worth_more_rows():
    """The mutation that the choice of rows must notice: tables that teach themselves."""
    tasks = sub_tasks(unlike(4))

    def teach(counts):
        return WeightPrior(2 * tasks.grams.pooled(counts), np.zeros(5), 1.0)

    def leaking(counts):
        return teach(np.where(counts == 0, 100.0, 1e-6))

    honest = prior_strength.learn_strength(tasks, teach)
    assert prior_strength.learn_strength(tasks, leaking) > 5 * honest


@pytest.mark.parametrize("method", METHODS)
def test_canary_a_table_that_is_left_out_teaches_nothing(method):
    """Its records say that "e" is perfect: no number of the prior may know."""
    others = alike(5)
    canary = record("canary", [1, 1, 1, 1, 1e-9], shared=0.0)
    without = weight_prior(others, NAMES, method=method)
    counts = [1, 1, 0, 1, 1, 1]
    left_out = weight_prior(
        [*others[:2], canary, *others[2:]], NAMES, method=method, weights=counts
    )
    assert_array_equal(left_out.hessian, without.hessian)
    assert_array_equal(left_out.linear, without.linear)
    assert left_out.n_rows == without.n_rows
    # The canary sings where it may.
    seen = weight_prior([*others, canary], NAMES, method=method, n_rows=1)
    assert seen.weights[4] > without.weights[4] + 0.001
    # Nor do the other tables' sub-tasks know that it is there.
    drawn = sub_tasks([*others, canary]).drawn
    for mine, theirs in zip(sub_tasks(others).drawn, drawn[1:], strict=True):
        assert_array_equal(mine, theirs)


# What counts, and how much.


@pytest.mark.parametrize("method", METHODS)
def test_each_table_counts_once(method):
    tables = alike(4)
    once = weight_prior(tables, NAMES, method=method)
    often = weight_prior([*tables, *[tables[0]] * 9], NAMES, method=method)
    assert_allclose(often.hessian, once.hessian)
    assert_allclose(often.linear, once.linear, rtol=1e-6)
    assert often.n_rows == pytest.approx(once.n_rows)


def test_near_tables_count_more():
    here, there = record("near"), record("far", VARIANCES[::-1])
    prior = weight_prior([here, there], NAMES, weights=[1.0, 0.01])
    assert_allclose(prior.weights, BEST, atol=0.05)


def test_units_of_a_tables_error_do_not_matter():
    here = record("near")
    loud = TaskRecord(**{**here.__dict__, "table": "loud", "gram": 1e6 * here.gram})
    prior = weight_prior([here, loud], NAMES)
    assert_allclose(prior.hessian, weight_prior([here], NAMES).hessian)


def test_few_tables_leave_the_default():
    default = prior_strength.DEFAULT_STRENGTH
    assert weight_prior(alike(1), NAMES).n_rows == default
    far = [max(default / n, n / default) for n in (1, 1000)]
    for records in (alike(2), unlike(2)):
        found = weight_prior(records, NAMES).n_rows
        assert max(found / default, default / found) < np.sqrt(max(far))


def test_given_rows_are_taken():
    for method in METHODS:
        assert weight_prior(alike(3), NAMES, method=method, n_rows=7).n_rows == 7


# Learners that records lack.


def test_pairs_are_means_over_the_tables_that_have_both():
    records = [record("x", [1, 2, 3], "abc"), record("y", [1, 2, 9], "abd")]
    prior = weight_prior(records, ["d", "a", "b", "c"])
    together, apart = prior.hessian[1, 2], prior.hessian[0, 3]
    assert together == pytest.approx(2 * 0.5 / 2.5, rel=0.05)
    assert 0 < apart < np.sqrt(prior.hessian[0, 0] * prior.hessian[3, 3])
    assert np.linalg.eigvalsh(prior.hessian)[0] > -1e-12


@pytest.mark.parametrize("n_rows", [None, 30])
def test_tables_of_other_learners_may_not_fit_together(n_rows):
    """Each pair is from tables of its own; no three learners could err like that."""
    pairs = {("a", "b"): 0.9, ("b", "c"): 0.9, ("a", "c"): -0.9}
    records = []
    for i, (names, correlation) in enumerate(list(pairs.items()) * 2):
        gram = np.array([[1.0, correlation], [correlation, 1.0]])
        ones = np.ones(2)
        about = {"n_rows": 1000.0}
        records.append(TaskRecord(f"t{i}", "regression", about, names, ones, gram, ones, ones / 2))
    assert np.linalg.eigvalsh(TableGrams.of(records, ["a", "b", "c"]).pooled())[0] > -1e-12
    found = weight_prior(records, ["a", "b", "c"], n_rows=n_rows)
    assert found.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("method", METHODS)
def test_a_learner_that_nobody_knows_is_neither_praised_nor_shunned(method):
    prior = weight_prior(alike(6), ["new", *NAMES], method=method, n_rows=30)
    weights = prior.weights
    assert weights[1] > weights[0] > weights[5] - 1e-9
    assert weights[0] < 0.4
    reordered = weight_prior(alike(6), [*NAMES, "new"], method=method, n_rows=30)
    assert_allclose(np.roll(reordered.weights, 1), weights, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_records_without_the_learners_say_nothing(method):
    foreign = record("foreign", [1, 2], "xy")
    with_it = weight_prior([*alike(3), foreign], NAMES, method=method)
    assert_array_equal(with_it.hessian, weight_prior(alike(3), NAMES, method=method).hessian)
    with pytest.raises(ValueError, match=r"None of 1 record\(s\) says anything"):
        weight_prior([foreign], NAMES, method=method)


@pytest.mark.parametrize("method", METHODS)
def test_one_learner(method):
    assert_array_equal(weight_prior(alike(3), ["c"], method=method).weights, [1.0])


# The trained initialisations.


def some_tasks(n_tasks=3, m=4, seed=0):
    rng = np.random.default_rng(seed)
    errors = rng.normal(size=(2, n_tasks, m, 2 * m))
    grams, truth = errors @ errors.transpose(0, 1, 3, 2) / (2 * m)
    has = np.ones((n_tasks, m), dtype=bool)
    has[0, 1] = False
    return grams, truth, has, rng.normal(size=m)


def test_the_gradient_of_maml_is_exact():
    grams, truth, has, logits = some_tasks()
    inner = InnerLoop(grams, has)

    def log_errors(logits):
        weights = inner.run(logits)[1][-1]
        return np.log(np.einsum("ti,tij,tj->t", weights, truth, weights))

    step = 1e-6
    expected = [
        (log_errors(logits + step * e) - log_errors(logits - step * e)) / (2 * step)
        for e in np.eye(4)
    ]
    found = inner.gradient(logits, truth)
    assert_allclose(found, np.transpose(expected), atol=1e-7)
    assert found[0, 1] == 0.0


def test_the_inner_loop_descends():
    grams, _, has, logits = some_tasks()
    weights = InnerLoop(0.2 * grams, has).run(logits)[1]
    errors = [np.einsum("ti,tij,tj->t", w, grams, w) for w in weights]
    assert (np.diff(errors, axis=0) < 0).all()


def test_maml_lowers_the_error_after_adaptation(monkeypatch):
    tasks = sub_tasks(alike(6), rows=(30, 100))
    counts = tasks.grams.weights

    def adapted(weights):
        flat = np.array(tasks.drawn).reshape(-1, 5, 5)
        truth = np.repeat(tasks.truth, len(flat) // 6, axis=0)
        ends = InnerLoop(flat, np.ones((len(flat), 5), bool)).run(np.log(weights))[1][-1]
        return np.log(np.einsum("ti,tij,tj->t", ends, truth, ends)).mean()

    monkeypatch.setattr(initialisation, "OUTER_STEPS", 150)
    start = adapted(np.full(5, 0.2))
    for method in ("reptile", "maml"):
        assert adapted(initialisation.initial_weights(tasks, counts, method, 0)) < start - 0.01


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_prior(method):
    records = alike(3)
    one, two = (weight_prior(records, NAMES, method=method, random_state=3) for _ in range(2))
    assert_array_equal(one.hessian, two.hessian)
    assert_array_equal(one.linear, two.linear)
    assert one.n_rows == two.n_rows
    backwards = weight_prior(records[::-1], NAMES, method=method, random_state=3)
    assert_allclose(backwards.linear, one.linear)
    assert backwards.n_rows == one.n_rows


def test_a_perfect_learner_breaks_nothing():
    perfect = record("p", [0, 1, 1, 1, 1], shared=0.0)
    for method in METHODS:
        prior = weight_prior([perfect, *alike(2)], NAMES, method=method)
        assert np.isfinite(prior.weights).all()
    nothing = record("zero", np.zeros(5), shared=0.0)
    with pytest.raises(ValueError, match="says anything"):
        weight_prior([nothing], NAMES)


def test_sub_tasks_vary_as_their_rows_do():
    few, many = (sub_tasks(alike(1), (n,)).drawn[0][0] for n in (2, 100_000))
    truth = sub_tasks(alike(1)).truth[0]
    assert_allclose(many[0], truth, rtol=0.1, atol=0.02)
    assert np.linalg.matrix_rank(few[0]) == 2
    weights, _ = minimise_quadratic(2 * few[0], np.zeros(5), np.full(5, 0.2))
    assert weights @ few[0] @ weights < weights @ truth @ weights


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "bayes"}, "method='bayes' should be one of"),
        ({"names": []}, "at least one learner"),
        ({"names": ["a", "a"]}, "none twice"),
        ({"weights": [1.0]}, r"weights has shape \(1,\): it should be 3 finite"),
        ({"weights": [1.0, -1.0, 1.0]}, "none below 0"),
        ({"weights": [1.0, np.nan, 1.0]}, "finite"),
        ({"weights": [0, 0, 0]}, "says anything about the learners"),
        ({"records": []}, r"None of 0 record\(s\)"),
        ({"n_rows": -1}, "n_rows=-1"),
        ({"n_rows": np.inf}, "n_rows=inf"),
        ({"rows": []}, r"rows=\[\]"),
        ({"rows": [0]}, r"rows=\[0\]"),
        (
            {"records": [record("x"), record("y", task="classification")]},
            "classification and regression",
        ),
    ],
)
def test_bad_input(change, message):
    given = {"records": alike(3), "names": NAMES, **change}
    with pytest.raises(ValueError, match=message):
        weight_prior(given.pop("records"), given.pop("names"), **given)
