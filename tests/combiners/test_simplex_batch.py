"""Many quadratics over the simplex at once: each as if it were alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from stackmeta.combiners import simplex_batch
from stackmeta.combiners.simplex import minimise_quadratic
from stackmeta.combiners.simplex_batch import minimise_quadratics


def values(hessians, linears, weights):
    return np.einsum(
        "ti,ti->t", weights, 0.5 * (hessians @ weights[:, :, None])[:, :, 0] + linears
    )


@st.composite
def quadratics(draw):
    """Of any rank, with copies of learners, linear terms as losses have them, any start."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, m, rank = draw(st.integers(1, 12)), draw(st.integers(1, 7)), draw(st.integers(0, 8))
    rows = rng.normal(size=(n, rank, m))
    if draw(st.booleans()):
        rows[:, :, -1] = rows[:, :, 0]
    hessians = rows.transpose(0, 2, 1) @ rows
    # In the range of the Hessian, or anything: a vertex then is the answer of many.
    linears = (rows * rng.normal(size=(n, rank, 1))).sum(axis=1) * draw(st.sampled_from([0, 1, 9]))
    if draw(st.booleans()):
        linears = linears + rng.normal(size=(n, m))
    starts = rng.dirichlet(np.full(m, 0.5), size=n)
    if draw(st.booleans()):
        starts = np.eye(m)[rng.integers(m, size=n)]
    precision = draw(st.sampled_from([0.0, 1e-3, 1.0]))
    return hessians + precision * np.eye(m), linears, starts


@settings(max_examples=150, deadline=None)
@given(quadratics())
def test_as_good_as_one_by_one(problem):
    hessians, linears, starts = problem
    weights, gaps = minimise_quadratics(hessians, linears, starts)
    alone = [minimise_quadratic(*one) for one in zip(*problem, strict=True)]
    size = 1 + np.abs(hessians).max(axis=(1, 2)) + np.abs(linears).max(axis=1)
    assert_allclose(weights.sum(axis=1), 1, atol=1e-9)
    assert (weights >= 0).all()
    own = np.array([w for w, _ in alone])
    better = values(hessians, linears, weights) - values(hessians, linears, own)
    assert (better <= 1e-11 * size).all()
    assert (gaps <= np.maximum(1e-11 * size, [gap for _, gap in alone])).all()
    # Where the minimum is one point, it is found.
    convex = np.linalg.eigvalsh(hessians)[:, 0] > 1e-3 * size
    assert_allclose(weights[convex], own[convex], atol=1e-7)


def test_at_a_vertex_on_an_edge_and_inside():
    linears = np.array([[-5.0, 0, 0], [0, 0, 5.0], [0, 0, 0], [-5.0, 0, 0]])
    starts = np.array([[1 / 3] * 3, [0, 0, 1], [1, 0, 0], [1, 0, 0]])
    weights, gaps = minimise_quadratics(np.tile(np.eye(3), (4, 1, 1)), linears, starts)
    assert_allclose(weights, [[1, 0, 0], [0.5, 0.5, 0], [1 / 3] * 3, [1, 0, 0]], atol=1e-12)
    assert_array_equal(weights[[0, 3]], [[1, 0, 0]] * 2)
    assert gaps.max() <= 1e-12


def test_without_curvature_the_start_stays_unless_the_slope_moves_it():
    linears = np.array([[0.0, 0, 0], [1.0, 0, 1]])
    starts = np.array([[0.2, 0.3, 0.5], [1 / 3] * 3])
    weights, _ = minimise_quadratics(np.zeros((2, 3, 3)), linears, starts)
    assert_array_equal(weights, [[0.2, 0.3, 0.5], [0, 1, 0]])


def test_one_learner_and_no_quadratics():
    weights, gaps = minimise_quadratics(np.ones((2, 1, 1)), np.ones((2, 1)), np.ones((2, 1)))
    assert_array_equal(weights, [[1], [1]])
    assert_array_equal(gaps, 0)
    weights, _ = minimise_quadratics(np.ones((0, 3, 3)), np.ones((0, 3)), np.ones((0, 3)))
    assert weights.shape == (0, 3)


def test_neither_neighbours_nor_order_matter():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 2, 6))
    problem = rows.transpose(0, 2, 1) @ rows, rng.normal(size=(50, 6)), np.full((50, 6), 1 / 6)
    together, _ = minimise_quadratics(*problem)
    for i in range(0, 50, 7):
        alone, _ = minimise_quadratics(*(part[i : i + 1] for part in problem))
        assert_allclose(together[i], alone[0], atol=1e-12)


def test_singular_systems_go_one_by_one(monkeypatch):
    """One of them must not keep the others from their minima."""

    def fail(*_):
        raise np.linalg.LinAlgError

    hessians, linears = np.tile(np.diag([1.0, 3.0]), (3, 1, 1)), np.zeros((3, 2))
    monkeypatch.setattr(simplex_batch.np.linalg, "solve", fail)
    weights, _ = minimise_quadratics(hessians, linears, np.full((3, 2), 0.5))
    assert_allclose(weights, [[0.75, 0.25]] * 3)


@pytest.mark.parametrize("unit", [1e-200, 1e-30, 1e30, 1e150])
def test_any_unit(unit):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(8, 5, 4))
    problem = rows.transpose(0, 2, 1) @ rows, rng.normal(size=(8, 4)), np.full((8, 4), 0.25)
    expected, _ = minimise_quadratics(*problem)
    weights, _ = minimise_quadratics(problem[0] * unit, problem[1] * unit, problem[2])
    assert_allclose(weights, expected, atol=1e-9)
