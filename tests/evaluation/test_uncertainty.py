"""Standard errors and intervals: known values, groups, coverage."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from stackmeta.evaluation.uncertainty import Clusters, interval, proportion_interval

RNG = np.random.default_rng(0)


def test_rows_that_are_drawn_alone():
    losses = RNG.normal(size=200)
    found = Clusters(200).mean(losses)
    assert found.value == pytest.approx(losses.mean())
    assert found.se == pytest.approx(losses.std(ddof=1) / np.sqrt(200))
    assert 120 < found.dof <= 199


def test_heavy_tails_leave_few_degrees_of_freedom():
    assert Clusters(100).mean(RNG.standard_cauchy(size=100)).dof < 10
    assert Clusters(100).mean(RNG.choice([-1.0, 1.0], 100)).dof == 99


def test_a_group_of_copies_counts_once():
    losses = RNG.normal(size=50)
    once = Clusters(50).mean(losses)
    copies = Clusters(200, np.repeat(np.arange(50), 4)).mean(np.repeat(losses, 4))
    assert copies.se == pytest.approx(once.se)
    assert Clusters(200).mean(np.repeat(losses, 4)).se < 0.6 * once.se


def test_names_of_groups_do_not_matter():
    losses, groups = RNG.normal(size=40), RNG.integers(0, 9, 40)
    names = np.array(list("abcdefghi"))[groups]
    assert Clusters(40, groups).mean(losses).se == Clusters(40, names).mean(losses).se


def test_root_by_the_delta_method_is_near_the_jackknife():
    errors = RNG.normal(size=(500, 2)) * [1.0, 3.0]
    clusters = Clusters(500)
    root = clusters.root_mean(errors**2)
    again = clusters.jackknife(lambda rows: np.sqrt((errors[rows] ** 2).mean(axis=0)).mean())
    assert root.value == pytest.approx(again.value)
    assert root.se == pytest.approx(again.se, rel=0.3)
    assert Clusters(3).root_mean(np.zeros((3, 1))).se == 0


def test_jackknife_of_a_mean_is_its_standard_error():
    losses = RNG.normal(size=40)
    found = Clusters(40).jackknife(lambda rows: losses[rows].mean())
    assert found.se == pytest.approx(Clusters(40).mean(losses).se)
    assert np.isnan(Clusters(1).jackknife(lambda rows: 1.0).se)


@pytest.mark.theory
def test_jackknife_of_an_area_under_the_curve_says_how_it_scatters():
    y = np.repeat([0, 1], 150)
    values, errors = [], []
    for seed in range(30):
        scores = np.random.default_rng(seed).normal(y, 1.0)
        found = Clusters(300).jackknife(lambda rows, s=scores: roc_auc_score(y[rows], s[rows]))
        values.append(found.value)
        errors.append(found.se)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.4)


def test_a_difference_knows_that_both_saw_the_same_rows():
    losses = RNG.normal(size=300)
    one, other = Clusters(300).mean(losses), Clusters(300).mean(losses + 0.1)
    assert other.minus(one).value == pytest.approx(0.1)
    assert other.minus(one).se == pytest.approx(0, abs=1e-12)


def test_intervals():
    assert interval(1.0, 0.1, 10**6, 0.95) == pytest.approx((0.804, 1.196), abs=1e-3)
    low, high = interval(1.0, 0.5, 10**6, 0.95, positive=True)
    assert low > 0
    assert high - 1 > 1 - low
    assert interval(0.0, 0.0, 5, 0.95, positive=True) == (0.0, 0.0)
    wide, narrow = interval(1.0, 0.1, 4, 0.95), interval(1.0, 0.1, 400, 0.95)
    assert wide[1] > narrow[1]
    low, high = proportion_interval(0, 20, 0.95)
    assert low == 0
    assert 0.1 < high < 0.2
    assert np.isnan(proportion_interval(0, 0, 0.95)).all()


@pytest.mark.theory
def test_intervals_of_groups_cover():
    """Rows of a group share their error: intervals that ignore it cover far less."""
    rng, hits, plain = np.random.default_rng(1), 0, 0
    groups = np.repeat(np.arange(25), 20)
    for _ in range(300):
        losses = 3.0 + rng.normal(size=25)[groups] + rng.normal(size=500)
        for clusters in (Clusters(500, groups), Clusters(500)):
            found = clusters.mean(losses)
            low, high = interval(found.value, found.se, found.dof, 0.95)
            inside = low < 3.0 < high
            hits += inside if clusters.grouped else 0
            plain += 0 if clusters.grouped else inside
    assert hits / 300 > 0.91
    assert plain / 300 < 0.6
