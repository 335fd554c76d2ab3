"""The second level of detectors: no leak, no label, and what it does when it cannot be."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.model_selection import KFold, TimeSeriesSplit

from stackmeta import StackingOutlierDetector
from stackmeta.unsupervised import ComponentDetector, TailDetector
from stackmeta.unsupervised.learned_consensus import (
    LearnedConsensus,
    consensus_learner,
    learn_consensus,
)

TWO = [("tails", TailDetector()), ("components", ComponentDetector())]


@pytest.fixture(scope="module")
def blob():
    random = np.random.default_rng(0)
    X = random.normal(size=(150, 3))
    X[:6] += 5
    return X


@pytest.fixture(scope="module")
def both(blob):
    return [StackingOutlierDetector(TWO, levels=n, random_state=0).fit(blob) for n in (1, 2)]


def test_no_row_learns_its_own_consensus():
    """Where the consensus is noise, what is learned of it out of fold knows nothing of it."""
    random = np.random.default_rng(0)
    X, noise = random.normal(size=(300, 3)), random.uniform(size=300)
    splits = list(KFold(5, shuffle=True, random_state=0).split(X))
    learned = LearnedConsensus()
    learned.fit(X, noise, np.arange(300), splits, seed=0)
    assert abs(spearmanr(noise, learned.oof_.matrix[:, 0])[0]) < 0.2
    assert spearmanr(noise, learned.oof_.predict_matrix(X)[:, 0])[0] > 0.9


def test_two_levels_are_the_mean_rank_of_both(blob, both):
    one, two = both
    np.testing.assert_array_equal(one.oof_.matrix, two.oof_.matrix)
    assert (one.oof_scores_ != two.oof_scores_).any()
    assert spearmanr(one.oof_scores_, two.oof_scores_)[0] > 0.8
    assert set(np.argsort(two.oof_scores_)[:6]) == set(range(6))
    assert set(np.argsort(two.score_samples(blob))[:6]) == set(range(6))


def test_rows_that_no_fold_held_out_have_no_score(blob):
    stack = StackingOutlierDetector(TWO, cv=TimeSeriesSplit(3), random_state=0).fit(blob)
    uncovered = np.setdiff1d(np.arange(len(blob)), stack.oof_.covered)
    assert len(uncovered)
    assert np.isnan(stack.oof_scores_[uncovered]).all()
    assert np.isfinite(stack.oof_scores_[stack.oof_.covered]).all()
    assert np.isfinite(stack.score_samples(blob)).all()


def test_time_that_is_up_leaves_the_consensus(blob, both):
    oof, found = both[0].oof_, -both[0].oof_scores_
    before = found.copy()
    with pytest.warns(UserWarning, match="left no time for the second level"):
        learned = learn_consensus(blob, found, oof, seed=0, started=-1e9, time_limit=1.0)
    assert learned is None
    np.testing.assert_array_equal(found, before)


def test_few_rows_have_one_level():
    X = np.random.default_rng(0).normal(size=(12, 2))
    one, two = (
        StackingOutlierDetector(TWO, levels=n, random_state=0).fit(X).oof_scores_ for n in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


def test_trees_of_large_tables_see_a_sample():
    trees = consensus_learner(100_000)[-1]
    assert trees.bootstrap
    assert trees.max_samples == pytest.approx(0.1)
    assert not consensus_learner(10_000)[-1].bootstrap


@pytest.mark.parametrize("levels", [0, 3, "auto"])
def test_wrong_levels(levels, blob):
    with pytest.raises(ValueError, match="levels"):
        StackingOutlierDetector(TWO, levels=levels).fit(blob)


def test_rotated_tails_see_what_breaks_a_correlation():
    random = np.random.default_rng(0)
    first = random.normal(size=300)
    X = np.column_stack([first, first + 0.1 * random.normal(size=300), np.ones(300)])
    odd = [[1.5, -1.5, 1.0]]
    plain, rotated = (TailDetector(rotate=way).fit(X) for way in (False, True))
    assert (rotated.score_samples(X) < rotated.score_samples(odd)).mean() < 0.02
    assert (plain.score_samples(X) < plain.score_samples(odd)).mean() > 0.02


def test_components_by_rank_care_for_order_alone():
    """The long tail of a column counts no more than its order."""
    X = np.random.default_rng(0).normal(size=(200, 2))
    X[:, 1] += X[:, 0]
    stretched = np.column_stack([np.exp(3 * X[:, 0]), X[:, 1]])
    found = [
        ComponentDetector(by_rank=True).fit(table).score_samples(table) for table in (X, stretched)
    ]
    assert spearmanr(*found)[0] > 0.95
    plain = [ComponentDetector().fit(table).score_samples(table) for table in (X, stretched)]
    assert spearmanr(*plain)[0] < 0.9
