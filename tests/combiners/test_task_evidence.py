"""Rows by task, their evidence, and weights of tasks: the same numbers by plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from stackmeta.combiners import rows_by_task
from stackmeta.combiners.rows_by_task import RowsByTask
from stackmeta.combiners.shrunken_weights import Population, fit_population, fit_tasks
from stackmeta.combiners.task_evidence import Evidence


def drawn(n_rows=40, n_learners=3, n_tasks=6, seed=0):
    """Rows, weights and tasks of each; the first and the last task have no row."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(1, n_tasks - 1, size=n_rows)
    return rng.uniform(0.05, 1, size=(n_rows, n_learners)), rng.uniform(size=n_rows), codes


def evidence(*, squared, n_tasks=6, **settings):
    rows, weight, codes = drawn(n_tasks=n_tasks, **settings)
    by_task = RowsByTask.sort(rows, weight, codes, n_tasks)
    return Evidence.none(n_tasks, rows.shape[1]).with_rows(by_task, squared=squared)


@pytest.mark.parametrize("products_cost", [0, 1e9])
def test_sums_by_task(products_cost, monkeypatch):
    """Few rows a task or many: two ways to the same products."""
    monkeypatch.setattr(rows_by_task, "_PRODUCT", products_cost)
    rows, weight, codes = drawn()
    by_task = RowsByTask.sort(rows, weight, codes, 6)
    products, sums = by_task.products(by_task.rows), by_task.sums(by_task.rows[:, 0])
    for task in range(6):
        mine, w = rows[codes == task], weight[codes == task]
        assert_allclose(products[task], mine.T @ (w[:, None] * mine), atol=1e-14)
        assert_allclose(sums[task], w @ mine[:, 0], atol=1e-14)
    some = by_task.take(np.array([0, 2, 3]))
    assert_allclose(some.products(some.rows), products[[0, 2, 3]])
    assert_array_equal(
        some.rows,
        rows[np.isin(codes, [2, 3])][np.argsort(codes[np.isin(codes, [2, 3])], kind="stable")],
    )


def test_no_rows_at_all():
    nothing = RowsByTask.sort(np.empty((0, 2)), np.empty(0), np.empty(0, dtype=int), 3)
    assert_array_equal(nothing.products(nothing.rows), np.zeros((3, 2, 2)))
    assert_array_equal(nothing.sums(np.empty(0)), np.zeros(3))


@pytest.mark.parametrize("seen", [False, True])
def test_expansions_touch_the_losses(seen):
    data = evidence(squared=False)
    if seen:
        rows, weight, codes = drawn(seed=1)
        earlier = data.condensed(np.full((6, 3), 1 / 3))
        data = earlier.with_rows(RowsByTask.sort(rows, weight, codes, 6), squared=False)
    rng = np.random.default_rng(0)
    w = rng.dirichlet(np.ones(3), size=6)
    hessian, linear = data.expand(w)
    slope = (hessian @ w[:, :, None])[:, :, 0] + linear
    for i, j in np.ndindex(3, 3):
        step = 1e-4
        ahead, behind = data.loss(w + step * np.eye(3)[i]), data.loss(w - step * np.eye(3)[i])
        assert_allclose((ahead - behind) / (2 * step), slope[:, i], rtol=1e-5, atol=1e-6)
        steeper = data.expand(w + step * np.eye(3)[j])
        there = (steeper[0] @ (w + step * np.eye(3)[j])[:, :, None])[:, :, 0] + steeper[1]
        assert_allclose((there - slope)[:, i] / step, hessian[:, i, j], rtol=1e-2, atol=1e-2)


def test_squared_errors_are_quadratics():
    data = evidence(squared=True)
    rows, weight, codes = drawn()
    w = np.random.default_rng(0).dirichlet(np.ones(3), size=6)
    scale = np.arange(1.0, 7)
    losses = data.scaled(scale).loss(w)
    for task in range(6):
        mine = codes == task
        expected = 0.5 * weight[mine] @ (rows[mine] @ w[task]) ** 2 / scale[task]
        assert_allclose(losses[task], expected, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.sampled_from([0.0, 0.01, 1.0, 100.0]),
    st.integers(1, 6),
    st.integers(0, 40),
)
def test_no_weights_of_a_task_are_better(seed, squared, precision, n_learners, n_rows):
    """The slope of the loss and of the prior leads out of the simplex."""
    data = evidence(squared=squared, seed=seed, n_learners=n_learners, n_rows=n_rows)
    centre = np.random.default_rng(seed).dirichlet(np.ones(n_learners))
    w = fit_tasks(data, Population(centre, precision))
    hessian, linear = data.expand(w)
    slope = (hessian @ w[:, :, None])[:, :, 0] + linear + precision * (w - centre)
    gap = np.einsum("ti,ti->t", w, slope) - slope.min(axis=1)
    assert gap.max() <= 1e-5 * (1 + precision)
    assert_allclose(w.sum(axis=1), 1)
    assert (w >= 0).all()
    # Without a row there is nothing but the population.
    assert_allclose(w[[0, -1]], [centre, centre], atol=1e-12)


@pytest.mark.parametrize("squared", [False, True])
def test_weights_of_a_task_do_not_depend_on_the_others(squared):
    data = evidence(squared=squared, n_tasks=12, n_rows=90)
    population = fit_population(data, np.full(3, 1 / 3), 3.0)
    together = fit_tasks(data, population)
    for task in range(12):
        alone = fit_tasks(data.take(np.array([task])), population)
        assert_allclose(together[task], alone[0], atol=1e-9)


def test_one_learner_has_all_the_weight():
    data = evidence(squared=False, n_learners=1)
    population = fit_population(data, np.ones(1), 3.0)
    assert_array_equal(fit_tasks(data, population), np.ones((6, 1)))
