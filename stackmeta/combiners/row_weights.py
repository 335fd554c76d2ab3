"""Weights as linear functions of the row: their penalised fit, and how strong the penalty is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.optimize import minimize

from .folds import Folds
from .row_losses import Loss

# How much a weight may change with a standard deviation of a feature: what is tried.
_CHANGES = (0.01, 0.03, 0.1, 0.3, 1.0)
# Folds beyond these are joined.
_MOST_FOLDS = 10
# Features beyond what makes so many coefficients are replaced by principal components.
_MOST_COEFFICIENTS = 300
_ROWS_A_COEFFICIENT = 4
# Losses, of order 1, differ by this much for rounding alone.
_ROUNDING = 1e-10
# A block of rows with this many numbers stays in the processor's cache.
_BLOCK_NUMBERS = 1 << 18


def fold_groups(folds: Folds, y: np.ndarray) -> tuple[np.ndarray, int]:
    """Give folds numbers from 0, and join them to ten at most.

    Returns
    -------
    groups : ndarray of shape (n_rows,)
        Rows that no fold holds out are a group of their own, the last.
    n_held_out : int
        Number of groups that are folds.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.folds import Folds
    >>> from stackmeta.combiners.row_weights import fold_groups
    >>> fold_groups(Folds([3, 5, -1, 3], None, 4, classifies=False), np.zeros(4))
    (array([0, 1, 2, 0]), 2)
    """
    numbers = folds.numbers(y)
    known, groups = np.unique(numbers[numbers >= 0], return_inverse=True)
    n_held_out = min(len(known), _MOST_FOLDS)
    numbers[numbers >= 0] = groups % _MOST_FOLDS
    numbers[numbers < 0] = n_held_out
    return numbers, n_held_out


def principal_axes(features: np.ndarray, share: np.ndarray, n_learners: int) -> np.ndarray:
    """Directions in which features are few enough for the rows and learners there are.

    Parameters
    ----------
    features : ndarray of shape (n_rows, n_features)
        Centred.
    share : ndarray of shape (n_rows,)
        Weights of the rows, with sum one.
    n_learners : int
        Coefficients a feature.

    Returns
    -------
    axes : ndarray of shape (n_features, n_axes)
        The identity, or principal axes.
    """
    n_features = features.shape[1]
    most = min(_MOST_COEFFICIENTS, len(share) // _ROWS_A_COEFFICIENT) // n_learners
    if n_features <= max(most, 1):
        return np.eye(n_features)
    _, axes = np.linalg.eigh(features.T @ (share[:, None] * features))
    axes = axes[:, ::-1][:, : max(most, 1)]
    largest = np.abs(axes).argmax(axis=0)
    return axes * np.sign(axes[largest, np.arange(axes.shape[1])])


class RowWeights:
    """The model ``scores = offset + sum(coef[j, f] * features[f] * differences[j])``.

    The products are centred within each group while they are fitted: what differs between folds,
    such as the mean of y that each learner saw, says nothing on the weights.

    Parameters
    ----------
    differences : ndarray of shape (n_rows, n_outputs, n_learners)
        Of the learners to the offset.
    features : ndarray of shape (n_rows, n_features)
        Centred, of about unit variance.
    offset : ndarray of shape (n_rows, n_outputs)
        Scores without the correction.
    loss : Loss
        Its mean is minimised.
    share : ndarray of shape (n_rows,)
        Weights of the rows, with sum one.
    groups : ndarray of int of shape (n_rows,)
        Folds, from 0.

    Notes
    -----
    The products themselves, ``n_learners * n_features`` numbers a row and output, are formed for
    a block of rows at a time, once, for the second derivatives at the offset. These are the
    scale in which L-BFGS works, and the minimum itself where the loss is quadratic.

    Examples
    --------
    The first of two learners is right where the feature is 1, the second where it is -1:

    >>> import numpy as np
    >>> from stackmeta.combiners.row_losses import SquaredLoss
    >>> from stackmeta.combiners.row_weights import RowWeights
    >>> rng = np.random.default_rng(0)
    >>> features = np.repeat([[1.0], [-1.0]], 50, axis=0)
    >>> y, errors = rng.normal(size=(100, 1)), rng.normal(size=(100, 2))
    >>> P = y + np.where(features == [[1.0, -1.0]], 0.1, 1.0) * errors
    >>> offset = P.mean(axis=1, keepdims=True)
    >>> model = RowWeights(
    ...     differences=(P - offset)[:, None, :],
    ...     features=features,
    ...     offset=offset,
    ...     loss=SquaredLoss(y, unit=1.0),
    ...     share=np.full(100, 0.01),
    ...     groups=np.arange(100) % 5,
    ... )
    >>> model.choose_ridge(5) < np.inf
    True
    >>> coef, intercept = model.fit(ridge=1e-6)
    >>> coef.round(1)
    array([[ 0.5],
           [-0.5]])
    """

    def __init__(
        self,
        differences: np.ndarray,
        features: np.ndarray,
        offset: np.ndarray,
        loss: Loss,
        share: np.ndarray,
        groups: np.ndarray,
    ) -> None:
        self._differences, self._features = differences, features
        self._offset, self._loss, self._share = offset, loss, share
        self._rows = [np.flatnonzero(groups == group) for group in range(groups.max() + 1)]
        self._group_share = np.array([share[rows].sum() for rows in self._rows])
        self._means = np.array([self._mean_products(rows) for rows in self._rows])
        self._hessians = np.array([self._hessian(group) for group in range(len(self._rows))])

    @property
    def _shape(self) -> tuple[int, int]:
        return self._differences.shape[2], self._features.shape[1]

    def choose_ridge(self, n_held_out: int) -> float:
        """Cross-fit over the first groups; infinite unless a finite ridge is clearly better.

        Clearly: its loss out of fold is below the offset's by more than a standard error of
        their difference, which is corrected for the rows that training sets share [1]_.

        References
        ----------
        .. [1] C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine
           Learning 52, 2003.
        """
        if n_held_out < 2:
            return np.inf
        # A normal prior with this standard deviation, for as many rows as the weights amount to.
        ridges = (self._share**2).sum() / np.square(_CHANGES)
        gains = np.zeros((len(ridges), len(self._share)))
        for group in range(n_held_out):
            others = np.delete(np.arange(len(self._rows)), group)
            rows = self._rows[group]
            before = self._loss.losses(self._offset[rows], rows)
            for i, coef in enumerate(self._path(ridges, others)):
                after = self._scores(coef, rows, self._mean(others))
                gains[i, rows] = before - self._loss.losses(after, rows)
        held_out = np.concatenate(self._rows[:n_held_out])
        share = self._share[held_out] / self._group_share[:n_held_out].sum()
        means = gains[:, held_out] @ share
        best = int(means.argmax())
        spread = share @ (share * (gains[best, held_out] - means[best]) ** 2)
        error = np.sqrt(spread * (1.0 + n_held_out / (n_held_out - 1)))
        return float(ridges[best]) if means[best] > error + _ROUNDING else np.inf

    def fit(self, ridge: float) -> tuple[np.ndarray, np.ndarray]:
        """Minimise ``mean loss + ridge / 2 * sum(coef**2)`` over all groups.

        Returns
        -------
        coef : ndarray of shape (n_learners, n_features)
        intercept : ndarray of shape (n_outputs,)
            With it the correction is 0 on average.
        """
        groups = np.arange(len(self._rows))
        (coef,) = self._path(np.array([ridge]), groups)
        return coef, -self._mean(groups) @ coef.ravel()

    def _mean_products(self, rows: np.ndarray) -> np.ndarray:
        """Mean of the products in some rows, of shape (n_outputs, n_coefficients)."""
        share = self._share[rows, None] / self._share[rows].sum()
        differences = self._differences[rows]
        mean = differences.reshape(len(rows), -1).T @ (share * self._features[rows])
        return mean.reshape(differences.shape[1], -1)

    def _mean(self, groups: np.ndarray) -> np.ndarray:
        """Mean of the products in some groups."""
        return np.average(self._means[groups], axis=0, weights=self._group_share[groups])

    def _hessian(self, group: int) -> np.ndarray:
        """Second derivatives at the offset, of one group."""
        n_outputs, size = self._means.shape[1:]
        total = np.zeros((size, size))
        step = max(1, _BLOCK_NUMBERS // (size * n_outputs))
        for start in range(0, len(self._rows[group]), step):
            rows = self._rows[group][start : start + step]
            features = self._features[rows][:, None, None, :]
            products = self._differences[rows][:, :, :, None] * features
            products = products.reshape(len(rows), n_outputs, size) - self._means[group]
            diagonal, common = self._loss.curvature(self._offset[rows])
            root = np.sqrt(self._share[rows])
            if common is not None:
                mean = np.einsum("ioq,io->iq", products, common * root[:, None])
                total -= mean.T @ mean
            products *= (root[:, None] * np.sqrt(diagonal))[:, :, None]
            flat = products.reshape(-1, size)
            total += flat.T @ flat
        return total

    def _scores(self, coef: np.ndarray, rows: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Offset and correction of some rows, from products whose mean is taken off."""
        slopes = self._features[rows] @ coef.T
        correction = np.einsum("ioj,ij->io", self._differences[rows], slopes)
        return self._offset[rows] + correction - mean @ coef.ravel()

    def _slope(self, coef: np.ndarray, groups: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss of some groups, and its slope."""
        value, slope = 0.0, np.zeros(coef.size)
        for group in groups:
            rows, mean = self._rows[group], self._means[group]
            scores = self._scores(coef, rows, mean)
            value += self._share[rows] @ self._loss.losses(scores, rows)
            residuals = self._share[rows, None] * self._loss.residuals(scores, rows)
            by_learner = np.einsum("ioj,io->ij", self._differences[rows], residuals)
            slope -= (by_learner.T @ self._features[rows]).ravel() - residuals.sum(axis=0) @ mean
        return float(value), slope

    def _path(self, ridges: np.ndarray, groups: np.ndarray) -> Iterator[np.ndarray]:
        """Coefficients fitted to some groups, for falling ridges."""
        values, vectors = np.linalg.eigh(self._hessians[groups].sum(axis=0))
        values = values.clip(0.0)
        coef = np.zeros(self._shape)
        if self._loss.quadratic:
            target = -vectors.T @ self._slope(coef, groups)[1]
            for ridge in ridges:
                yield (vectors @ (target / (values + ridge))).reshape(coef.shape)
            return
        for ridge in ridges:
            coef = self._minimise(coef, groups, ridge, vectors, np.sqrt(values + ridge))
            yield coef

    def _minimise(
        self,
        start: np.ndarray,
        groups: np.ndarray,
        ridge: float,
        vectors: np.ndarray,
        scale: np.ndarray,
    ) -> np.ndarray:
        """L-BFGS in coordinates in which second derivatives at the offset are the identity."""

        def objective(point: np.ndarray) -> tuple[float, np.ndarray]:
            flat = vectors @ (point / scale)
            value, slope = self._slope(flat.reshape(start.shape), groups)
            slope += ridge * flat
            return value + 0.5 * ridge * (flat @ flat), (vectors.T @ slope) / scale

        found = minimize(
            objective,
            scale * (vectors.T @ start.ravel()),
            jac=True,
            method="L-BFGS-B",
            options={"ftol": 1e-13, "gtol": 1e-7, "maxiter": 200},
        )
        return (vectors @ (found.x / scale)).reshape(start.shape)
