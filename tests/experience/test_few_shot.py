"""Learning metrics over tasks: gradients, what is recovered, and nothing of a table left out."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from stackmeta.experience.few_shot import draw_episodes, fit_learner, train_few_shot
from stackmeta.experience.few_shot_episodes import make_episode
from stackmeta.experience.few_shot_losses import LOSSES, N_TABLE, N_THETA, as_parameters
from stackmeta.learners.few_shot import PrototypeClassifier, few_shot_learners
from stackmeta.learners.few_shot.descriptors import COLUMN_DESCRIPTORS

CATEGORY = COLUMN_DESCRIPTORS.index("category")
each = pytest.mark.parametrize("name", LOSSES)
LEARNERS = dict(zip(LOSSES, (one for _, one in few_shot_learners()[:3]), strict=True))


def table(seed, *, informative, n_rows=200):
    """Noise in categories, or in numbers; the rest goes with y."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n_rows)
    columns = {}
    for i in range(3):
        said = np.where(rng.random(n_rows) < 0.7, y, rng.integers(0, 3, n_rows))
        of = {True: said, False: rng.integers(0, 3, n_rows)}
        columns[f"category{i}"] = np.array(list("abc"))[of[informative == "category"]]
        numbers = {True: y, False: 0}[informative == "number"]
        columns[f"number{i}"] = numbers + rng.normal(size=n_rows)
    return pd.DataFrame(columns), y


def tasks(informative="category", n=3):
    return {f"table{i}": table(i, informative=informative) for i in range(n)}


def vectors(name, seed=0):
    rng = np.random.default_rng(seed)
    own = LOSSES[name][1]
    return np.concatenate([0.3 * rng.normal(size=N_THETA + N_TABLE), own])


@each
def test_gradient(name):
    loss, vector = LOSSES[name][0], vectors(name)
    for episode in draw_episodes(tasks(), n_episodes=3):
        exact = replace(
            episode, products=episode.products.astype(float), norms=episode.norms.astype(float)
        )
        steps = 0.02 * np.eye(len(vector))
        numeric = [(loss(vector + s, exact)[0] - loss(vector - s, exact)[0]) / 0.04 for s in steps]
        assert_allclose(loss(vector, exact)[1], numeric, atol=1e-3)


@each
def test_loss_is_that_of_the_learner(name):
    X, y = table(5, informative="number")
    X.loc[::7, "number0"] = np.nan
    few, rest = np.arange(20), np.arange(20, 60)
    episode = make_episode("table", X.iloc[few], y[few], X.iloc[rest], y[rest])
    vector = vectors(name)
    learner = LEARNERS[name].set_params(**as_parameters(name, vector)).fit(X.iloc[few], y[few])
    right = learner.predict_proba(X.iloc[rest])[np.arange(40), y[rest]]
    assert_allclose(LOSSES[name][0](vector, episode)[0], -np.log(right).mean(), rtol=1e-5)


@pytest.fixture(scope="module")
def episodes():
    """Small tasks of tables that have what they know in categories, or in numbers."""
    return {kind: draw_episodes(tasks(kind), n_episodes=10) for kind in ("category", "number")}


@pytest.mark.theory
@each
def test_a_planted_descriptor_is_found(name, episodes):
    """Where earlier tables had what they know in categories, categories get weight; and back."""
    found = {kind: fit_learner(name, drawn) for kind, drawn in episodes.items()}
    assert found["category"]["theta"][CATEGORY] > 0.2
    assert found["number"]["theta"][CATEGORY] < -0.2


@pytest.mark.theory
def test_a_learned_metric_is_better_on_tables_not_trained_on(episodes):
    metrics = [
        fit_learner("prototype", episodes["category"], learn_metric=metric)
        for metric in (True, False)
    ]
    losses = []
    for seed in range(10, 16):
        X, y = table(seed, informative="category")
        few = np.concatenate([np.flatnonzero(y == code)[:3] for code in range(3)])
        rest = np.setdiff1d(np.arange(len(y)), few)
        for metric in metrics:
            fitted = PrototypeClassifier(**metric).fit(X.iloc[few], y[few])
            right = fitted.predict_proba(X.iloc[rest])[np.arange(len(rest)), y[rest]]
            losses.append(-np.log(right).mean())
    assert np.mean(losses[::2]) < np.mean(losses[1::2]) - 0.02


def test_canary_nothing_of_a_table_left_out_is_learned():
    """Whatever is in the table that is left out, what is learned is the same to the bit."""
    known = tasks(n=2)
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 60)
    canary = (pd.DataFrame({"canary": y + 0.0, "noise": rng.normal(size=60)}), y)
    silent = (canary[0].sample(frac=1, random_state=0), y)
    expected = train_few_shot(known, n_episodes=3)
    for left_out in (canary, silent):
        given = {"first": left_out, **known}
        assert train_few_shot(given, leave_out="first", n_episodes=3) == expected
    assert train_few_shot({"first": canary, **known}, n_episodes=3) != expected


def test_same_seed_same_parameters():
    first, again, other = (
        train_few_shot(tasks(n=1), n_episodes=3, random_state=seed) for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_a_metric_that_is_not_learned_is_euclidean():
    learned = train_few_shot(tasks(n=1), n_episodes=3, learn_metric=False)
    assert all(set(parameters["theta"]) == {0.0} for parameters in learned.values())


def test_queries_are_of_other_groups():
    """A column that names the group would else give y away."""
    n_groups = 40
    groups = np.repeat(np.arange(n_groups), 10)
    y = np.random.default_rng(0).integers(0, 2, n_groups)[groups]
    X = pd.DataFrame({"group": groups.astype(str)})

    def differ(task):
        """Whether any two queries are unlike: of groups not labelled, all are alike."""
        episodes = draw_episodes({"table": task}, n_episodes=10)
        return any(np.ptp(e.products[:, len(e.codes) :], axis=1).max() > 0 for e in episodes)

    assert differ((X, y))
    assert not differ((X, y, groups))


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({}, "no table to learn from"),
        ({"one": (pd.DataFrame({"x": [1, 2]}), [0, 1])}, "'one' needs two rows of each"),
        ({"one": (pd.DataFrame({"x": [1, 2]}), [0, None])}, "'one' has missing values"),
        ({"one": (pd.DataFrame({"x": [1, 2]}), [0])}, "inconsistent numbers of samples"),
        ({"one": 3}, r"'one' must be \(X, y\)"),
    ],
)
def test_bad_tasks(given, match):
    with pytest.raises(ValueError, match=match):
        train_few_shot(given)


def test_unknown_table_to_leave_out():
    with pytest.raises(ValueError, match="leave_out='other' is none of the tasks: table0"):
        train_few_shot(tasks(n=1), leave_out="other")
