"""Initial weights from which few steps lead far: Reptile, and MAML with its exact gradient."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from .wishart_tasks import DRAWS, WishartTasks

#: Steps of exponentiated gradient on a sub-task, and their length; errors are in units of the
#: median learner's.
INNER_STEPS, INNER_RATE = 5, 1.0
OUTER_STEPS = 200
_REPTILE_RATE, _ADAM_RATE = 0.5, 0.05
_ADAM = 0.9, 0.99, 1e-8


class InnerLoop:
    """Steps of exponentiated gradient on the squared error, and how they depend on the start.

    Weights are the softmax of logits, and a step is ``logits -= rate * slope of the error in the
    weights``.

    Parameters
    ----------
    grams : ndarray of shape (n_tasks, n_learners, n_learners)
        Gram matrices of the sub-tasks' errors; any number for learners that a task lacks.
    has : ndarray of bool of shape (n_tasks, n_learners)
        Which learners each task has.
    """

    def __init__(self, grams: np.ndarray, has: np.ndarray) -> None:
        self.grams, self.has = np.where(has[:, :, None] & has[:, None, :], grams, 0.0), has

    def run(self, logits: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """Give the logits after the last step, and the weights before each and after the last."""
        here = np.broadcast_to(logits, self.has.shape)
        weights = [self._weights(here)]
        for _ in range(INNER_STEPS):
            here = here - INNER_RATE * 2.0 * _times(self.grams, weights[-1])
            weights.append(self._weights(here))
        return here, weights

    def gradient(self, logits: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Slope in the initial logits of the log error after the last step, a row a task.

        Parameters
        ----------
        logits : ndarray of shape (n_learners,)
        truth : ndarray of shape (n_tasks, n_learners, n_learners)
            Gram matrices by which the adapted weights are judged.

        Returns
        -------
        gradient : ndarray of shape (n_tasks, n_learners)
        """
        _, weights = self.run(logits)
        truth = np.where(self.has[:, :, None] & self.has[:, None, :], truth, 0.0)
        slope = 2.0 * _times(truth, weights[-1])
        error = (weights[-1] * slope).sum(axis=1, keepdims=True) / 2.0
        back = _through_softmax(weights[-1], slope / (error + np.finfo(np.float64).eps))
        for before in weights[-2::-1]:
            # A step's Jacobian is I - 2 rate gram J(weights), with J the softmax's.
            through = _times(self.grams, back)
            back = back - INNER_RATE * 2.0 * _through_softmax(before, through)
        return back

    def _weights(self, logits: np.ndarray) -> np.ndarray:
        return softmax(np.where(self.has, logits, -np.inf), axis=1)


def initial_weights(
    tasks: WishartTasks, counts: np.ndarray, method: str, random_state: int
) -> np.ndarray:
    """Train initial weights over tables.

    Parameters
    ----------
    tasks : WishartTasks
        Tables and their sub-tasks.
    counts : ndarray of shape (n_tables,)
        How much each table counts; 0 for those that must not be seen.
    method : {"reptile", "maml"}
        "reptile" [1]_ moves the start towards where the inner loop ends. "maml" [2]_ descends
        the error after the inner loop, second derivatives included.
    random_state : int
        Seeds which sub-tasks come when.

    Returns
    -------
    weights : ndarray of shape (n_learners,)

    References
    ----------
    .. [1] A. Nichol, J. Achiam and J. Schulman, "On first-order meta-learning algorithms",
       arXiv:1803.02999, 2018.
    .. [2] C. Finn, P. Abbeel and S. Levine, "Model-agnostic meta-learning for fast adaptation of
       deep networks", ICML 2017.
    """
    seen = np.flatnonzero(counts > 0)
    m = tasks.grams.grams.shape[1]
    has, truth, drawn = _padded(tasks, seen, m)
    share = counts[seen] / counts[seen].sum()
    # A learner is moved by the tables that have it, however few.
    share = share[:, None] / np.maximum(share @ has, np.finfo(np.float64).tiny)
    rng = np.random.default_rng(random_state)
    logits, mean, square = np.zeros(m), np.zeros(m), np.zeros(m)
    index = np.arange(len(seen))
    for step in range(1, OUTER_STEPS + 1):
        picked = rng.integers(drawn.shape[1], size=len(seen))
        inner = InnerLoop(drawn[index, picked], has)
        if method == "reptile":
            moves = np.where(has, inner.run(logits)[0] - logits, 0.0)
            # A constant added to a task's logits changes nothing.
            moves -= np.where(has, (moves.sum(axis=1) / has.sum(axis=1))[:, None], 0.0)
            rate = _REPTILE_RATE * (1.0 - (step - 1) / OUTER_STEPS)
            logits = logits + rate * (share * moves).sum(axis=0)
        else:
            slope = (share * inner.gradient(logits, truth)).sum(axis=0)
            mean = _ADAM[0] * mean + (1.0 - _ADAM[0]) * slope
            square = _ADAM[1] * square + (1.0 - _ADAM[1]) * slope**2
            size = np.sqrt(square / (1.0 - _ADAM[1] ** step)) + _ADAM[2]
            logits = logits - _ADAM_RATE * mean / (1.0 - _ADAM[0] ** step) / size
    return softmax(logits)


def _padded(
    tasks: WishartTasks, seen: np.ndarray, m: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give all seen tables' Grams one shape."""
    has = np.zeros((len(seen), m), dtype=bool)
    truth = np.zeros((len(seen), m, m))
    drawn = np.zeros((len(seen), len(tasks.rows) * DRAWS, m, m))
    for i, table in enumerate(seen):
        known = tasks.known[table]
        has[i, known] = True
        truth[i][np.ix_(known, known)] = tasks.truth[table]
        flat = tasks.drawn[table].reshape(-1, len(known), len(known))
        drawn[i][:, known[:, None], known[None, :]] = flat
    return has, truth, drawn


def _times(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return np.einsum("tij,tj->ti", matrices, vectors)


def _through_softmax(weights: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Multiply by the softmax's Jacobian, which is symmetric."""
    return weights * (slope - (weights * slope).sum(axis=1, keepdims=True))
