"""StackingClusterer: the contract, consensus, stability, bad input."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_clusterer
from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans, SpectralClustering
from sklearn.datasets import make_blobs, make_moons
from sklearn.exceptions import NotFittedError
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import RepeatedKFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from stackmeta import StackingClusterer
from stackmeta.unsupervised import ClusterLabels, default_clusterings
from stackmeta.unsupervised.consensus_clusters import co_association_tree, number_of_clusters
from stackmeta.unsupervised.members import (
    FUNCTIONS,
    Codes,
    Votes,
    indicators,
    member_weights,
    stability,
)
from stackmeta.unsupervised.preparation import table_to_numbers

SOME = [
    ("k_means", KMeans(3, n_init=2)),
    ("more", KMeans(6, n_init=1)),
    ("mixture", GaussianMixture(3)),
    ("ward", AgglomerativeClustering(3)),
]


@pytest.fixture(scope="module")
def blobs():
    centers = [[0, 0], [8, 8], [0, 8]]
    return make_blobs(240, centers=centers, cluster_std=1.0, random_state=0)


@parametrize_with_checks([StackingClusterer(SOME, n_clusters=3, random_state=0)])
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([StackingClusterer(n_clusters=3, random_state=0)])
def test_estimator_checks_of_defaults(estimator, check):
    check(estimator)


def test_contract(blobs):
    X, y = blobs
    stack = StackingClusterer(n_clusters=3, random_state=0).fit(X)
    assert is_clusterer(stack)
    assert adjusted_rand_score(y, stack.labels_) > 0.98
    np.testing.assert_array_equal(stack.predict(X), stack.labels_)
    np.testing.assert_array_equal(np.unique(stack.labels_), [0, 1, 2])
    new, truth = make_blobs(60, centers=[[0, 0], [8, 8], [0, 8]], random_state=1)
    assert adjusted_rand_score(truth, stack.predict(new)) > 0.95
    assert sum(stack.learner_weights_.values()) == pytest.approx(1.0)
    assert stack.consensus_ == max(stack.agreements_, key=stack.agreements_.get)
    table = stack.leaderboard()
    assert list(table) == ["learner", "loss", "weight", "fit_seconds", "path"]
    assert table.attrs["loss"] == "instability"
    assert table["loss"].is_monotonic_increasing


@pytest.mark.parametrize("consensus", FUNCTIONS)
def test_each_consensus(consensus, blobs):
    X, y = blobs
    stack = StackingClusterer(SOME, 3, consensus=consensus, random_state=0).fit(X)
    assert stack.consensus_ == consensus
    assert adjusted_rand_score(y, stack.labels_) > 0.95


@pytest.mark.parametrize("k", [2, 3, 5])
def test_number_of_clusters_is_found(k):
    random = np.random.default_rng(0)
    angles = 2 * np.pi * np.arange(k) / k
    centers = 10 * np.column_stack([np.cos(angles), np.sin(angles)])
    X = centers[np.arange(200) % k] + random.normal(size=(200, 2))
    assert StackingClusterer(random_state=0).fit(X).n_clusters_ == k


def test_consensus_of_fine_clusters_finds_shapes_that_k_means_cannot():
    X, y = make_moons(400, noise=0.05, random_state=0)
    members = [
        (f"k_means_{k}", KMeans(k, n_init=1, init="random", random_state=k)) for k in range(15, 27)
    ]
    stack = StackingClusterer(members, 2, consensus="linkage", random_state=0).fit(X)
    alone = adjusted_rand_score(y, KMeans(2, n_init=5, random_state=0).fit_predict(X))
    assert adjusted_rand_score(y, stack.labels_) > max(0.8, alone)


def test_rows_between_clusters_are_less_stable(blobs):
    X, _ = blobs
    between = np.vstack([X, [[4.0, 4.0]] * 3])
    stack = StackingClusterer(SOME, 3, random_state=0).fit(between)
    assert stack.stability_.min() >= 0
    assert stack.stability_.max() <= 1
    assert stack.stability_[-3:].mean() < np.median(stack.stability_) - 0.05


def test_noise_has_no_stable_clusters(blobs):
    """Canary: were members judged on rows that they were fitted on, noise would be stable."""
    X, _ = blobs
    noise = np.random.default_rng(0).uniform(size=(240, 8))
    deep = [("deep", KMeans(12, n_init=1)), ("deep_too", KMeans(12, n_init=1))]
    members = StackingClusterer(deep, 12, random_state=0).fit(noise).leaderboard()
    assert members["loss"].min() > 0.5
    assert StackingClusterer(SOME[:1], 3, random_state=0).fit(X).leaderboard()["loss"][0] < 0.1


def test_stable_members_weigh_more():
    random = np.random.default_rng(0)
    X = np.column_stack(
        [10.0 * (np.arange(300) % 3) + random.normal(size=300), 50 * random.uniform(size=300)]
    )
    members = [
        ("clear", KMeans(3, n_init=3), [0]),
        ("clear_too", KMeans(3, n_init=3), [0]),
        ("noise", KMeans(9, n_init=1), [1]),
    ]
    stack = StackingClusterer(members, 3, random_state=0).fit(X)
    assert stack.learner_weights_["clear"] > 3 * stack.learner_weights_["noise"]
    assert adjusted_rand_score(np.arange(300) % 3, stack.labels_) > 0.95


def test_members_without_predict(blobs):
    X, y = blobs
    for clusterer in (
        AgglomerativeClustering(3),
        SpectralClustering(3, gamma=0.1, random_state=0),
        HDBSCAN(min_cluster_size=20, copy=True),
        make_pipeline(StandardScaler(), AgglomerativeClustering(3)),
        make_pipeline(StandardScaler(), KMeans(3, n_init=2, random_state=0)),
    ):
        for max_rows in (None, 90):
            learner = ClusterLabels(clusterer, max_rows=max_rows, random_state=0).fit(X)
            assert adjusted_rand_score(y, learner.predict(X)) > 0.9


def test_a_member_that_calls_all_rows_noise_is_ignored(blobs):
    X, y = blobs
    nothing = ("nothing", HDBSCAN(min_cluster_size=150, copy=True))
    stack = StackingClusterer([*SOME, nothing], 3, random_state=0).fit(X)
    assert stack.learner_weights_["nothing"] == 0
    assert adjusted_rand_score(y, stack.labels_) > 0.95


def test_co_association_is_the_share_of_members_that_put_rows_together():
    labels = np.array([[0, 5, 1], [0, 5, 2], [3, 5, -1], [3, 7, 1]])
    codes, weights = Codes(labels)(labels), np.array([0.5, 0.3, 0.2])
    table = indicators(codes, weights)
    expected = [
        [1.0, 0.8, 0.3, 0.2],
        [0.8, 1.0, 0.3, 0.0],
        [0.3, 0.3, 0.8, 0.5],
        [0.2, 0.0, 0.5, 1.0],
    ]
    np.testing.assert_allclose((table @ table.T).toarray(), expected)
    fine = np.array([[0, 9], [0, 9], [1, 8], [2, 8], [3, 7], [3, 6]])
    apart, tree = np.arange(6)[:, None], co_association_tree(Codes(fine)(fine), np.ones(2) / 2, 0)
    assert number_of_clusters(apart, np.ones(1), tree, 5) == 3


def test_stability_of_one_cluster_is_none():
    splits = [(np.arange(5), np.arange(5, 10)), (np.arange(5, 10), np.arange(5))]
    same, halves = np.zeros(10), np.arange(10) % 2
    found = stability(
        np.column_stack([same, halves, halves]), np.column_stack([same, halves, same]), splits
    )
    np.testing.assert_array_equal(found, [0.0, 1.0, 0.0])


def test_votes_are_mean_co_associations():
    codes = np.array([[0, 0], [0, 1], [0, 1], [1, -1]])
    labels, weights = np.array([0, 0, 1, 1]), np.array([0.75, 0.25])
    table = indicators(codes, weights)
    together = (table @ table.T).toarray()
    expected = np.column_stack([together[:, labels == k].mean(axis=1) for k in (0, 1)])
    np.testing.assert_allclose(Votes(codes, labels, weights)(codes), expected)


def test_a_member_of_many_clusters_does_not_weigh_more():
    """Canary: mutual information with the others would favour the fine one."""
    kind, random = np.arange(300) % 3, np.random.default_rng(0)
    coarse = np.where(random.uniform(size=(3, 300)) < 0.2, random.integers(3, size=(3, 300)), kind)
    fine = 20 * coarse[0] + random.integers(20, size=300)
    codes = np.column_stack([*coarse, fine])
    weights = member_weights(np.ones(4), codes)
    assert weights[3] < 0.5 * weights[:3].min()
    assert member_weights(np.ones(2), np.array([[0, 0], [0, 1], [1, 0], [1, 1]])).sum() == 1.0


def test_missing_values_are_no_clusters_of_their_own():
    table = pd.DataFrame({"a": np.arange(50.0), "b": np.arange(50.0) % 7})
    table.loc[3, "b"] = np.nan
    plain = table_to_numbers(scale_categories=False).fit_transform(table)
    ranks = table_to_numbers(scale_categories=False, by_rank=True).fit_transform(
        table.assign(a=np.exp(table["a"]))
    )
    assert plain.shape == ranks.shape == (50, 2)
    np.testing.assert_allclose(plain[:, 0], ranks[:, 0])
    assert table_to_numbers(scale_categories=True).fit_transform(table).shape == (50, 3)


@pytest.mark.parametrize("n_columns", [1, 2, 3, 9])
def test_default_members_see_columns_that_exist(n_columns):
    members = default_clusterings(4, n_rows=90, n_columns=n_columns)
    parts = [columns for _, _, columns in members if columns is not None]
    assert len(parts) == (4 if n_columns > 2 else 0)
    assert all(2 <= len(part) < n_columns and max(part) < n_columns for part in parts)


def test_rows_beyond_the_anchors():
    X, y = make_blobs(5000, centers=[[0, 0], [8, 8], [0, 8]], random_state=0)
    members = SOME[:2] + [("ward", ClusterLabels(AgglomerativeClustering(3), max_rows=500))]
    for consensus in ("linkage", "auto"):
        stack = StackingClusterer(members, 3, consensus=consensus, random_state=0).fit(X)
        assert adjusted_rand_score(y, stack.labels_) > 0.98


def test_same_seed_same_numbers(blobs, tmp_path):
    X, _ = blobs
    stack = StackingClusterer(SOME, 3, random_state=7)
    first = clone(stack).fit(X)
    for params in ({}, {"n_jobs": 2}, {"store": tmp_path}, {"store": tmp_path}):
        again = clone(stack).set_params(**params).fit(X)
        np.testing.assert_array_equal(first.labels_, again.labels_)
        np.testing.assert_array_equal(first.stability_, again.stability_)
    copy = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(first.predict(X), copy.predict(X))


def test_raw_table():
    random = np.random.default_rng(0)
    kind = np.arange(150) % 3
    table = pd.DataFrame(
        {
            "size": 6.0 * (kind == 1) + random.normal(size=150),
            "colour": np.array(["red", "blue", "green"])[kind],
            "shape": np.array(["round", "flat", "flat"])[kind],
            "day": "2024-05-30",
            "empty": np.nan,
        }
    )
    table.loc[3, "size"], table.loc[4, "colour"] = np.nan, None
    stack = StackingClusterer(n_clusters=3, random_state=0).fit(table)
    assert adjusted_rand_score(kind, stack.labels_) > 0.5
    new = table.iloc[:6].assign(colour="never seen")
    assert set(stack.predict(new)) <= {0, 1, 2}


def test_partial_cover(blobs):
    X, _ = blobs
    cv = ShuffleSplit(1, test_size=0.5, random_state=0)
    stack = StackingClusterer(SOME, 3, cv=cv, random_state=0).fit(X)
    assert np.isnan(stack.stability_).sum() == 120
    with pytest.raises(ValueError, match="several times"):
        StackingClusterer(SOME, 3, cv=RepeatedKFold(n_splits=2, n_repeats=2)).fit(X)


def test_a_member_that_fails_is_dropped(blobs):
    X, _ = blobs
    broken = ("broken", KMeans(-1))
    with pytest.raises(ValueError, match="n_clusters"):
        StackingClusterer([*SOME, broken], 3).fit(X)
    with pytest.warns(match="broken"):
        stack = StackingClusterer([*SOME, broken], 3, on_error="drop").fit(X)
    assert "broken" not in stack.learner_weights_


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_clusters": 0}, "n_clusters"),
        ({"n_clusters": "many"}, "n_clusters"),
        ({"n_clusters": 999}, "n_clusters=999 is more"),
        ({"consensus": "best"}, "consensus"),
        ({"max_clusters": 1}, "max_clusters"),
        ({"estimators": []}, "non-empty list"),
        ({"estimators": [("a", KMeans(2)), ("a", KMeans(2))]}, "not unique"),
    ],
)
def test_wrong_parameters(params, message, blobs):
    with pytest.raises(ValueError, match=message):
        StackingClusterer(**{"estimators": SOME, "n_clusters": 3, **params}).fit(blobs[0])


def test_wrong_tables(blobs):
    X, _ = blobs
    with pytest.raises(ValueError, match=r"1 sample\(s\)"):
        StackingClusterer(SOME).fit(X[:1])
    with pytest.raises(ValueError, match="NaN"):
        StackingClusterer(SOME).fit(np.where(X > 6, np.nan, X))
    with pytest.raises(NotFittedError):
        StackingClusterer(SOME).predict(X)


@pytest.mark.filterwarnings("ignore")
def test_tiny_and_constant_tables():
    few = np.arange(12.0).reshape(6, 2)
    assert StackingClusterer(n_clusters=2, random_state=0).fit(few).labels_.shape == (6,)
    assert StackingClusterer(random_state=0).fit(few).n_clusters_ >= 1
    flat = StackingClusterer(n_clusters=2, random_state=0).fit(np.ones((40, 2)))
    assert flat.predict(np.ones((1, 2))).shape == (1,)
    assert StackingClusterer(n_clusters=1, random_state=0).fit(few).n_clusters_ == 1
    assert StackingClusterer(n_clusters=2, random_state=0).fit(few[:5]).labels_.shape == (5,)
    for n_rows in (2, 3, 4):
        with pytest.raises(ValueError, match=f"{n_rows} rows.*at least 5.*estimators="):
            StackingClusterer(random_state=0).fit(few[:n_rows])
