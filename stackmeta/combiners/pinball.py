"""The exact minimum of the absolute or quantile loss over the simplex."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Rows in the first linear programme: so many, and so many for each learner, and a share of all.
_FIRST_ROWS = 1000
_ROWS_PER_LEARNER = 5
_SHARE_OF_ROWS = 0.05
_TARGET_GAP = 1e-10
_NO_WEIGHT = 1e-12
_MAX_ROUNDS = 50
_BLOCK_NUMBERS = 1 << 18


def pinball(residual: np.ndarray, quantile: float) -> np.ndarray:
    """Quantile loss of each residual (truth minus prediction); half the absolute at 0.5."""
    return np.maximum(quantile * residual, (quantile - 1.0) * residual)


def minimise_pinball(
    block: Callable[[slice | np.ndarray], np.ndarray],
    sample_weight: np.ndarray,
    n_learners: int,
    quantile: float,
    scale: float,
) -> tuple[np.ndarray, float]:
    """Minimise ``sample_weight @ pinball(residuals @ w)`` over the simplex.

    The dual linear programme has a constraint a learner and a bounded variable a row. Rows
    far from the fit keep the sign of their residual, so their variables are at a bound: only
    rows near zero enter the programme, and a row whose sign turns out wrong joins them [1]_.

    Parameters
    ----------
    block : callable
        Rows (a slice or indices) → ndarray of shape (n, m): truth minus each learner's
        prediction.
    sample_weight : ndarray of shape (n_rows,)
        Non-negative, with sum one.
    n_learners : int
        m.
    quantile : float
        Level, in (0, 1).
    scale : float
        A loss in whose units the gap is measured.

    Returns
    -------
    weights : ndarray of shape (m,)
        The minimiser, with exact zeros.
    gap : float
        Duality gap over ``scale``, an upper bound on how far above the minimum it is.

    References
    ----------
    .. [1] S. Portnoy and R. Koenker, "The Gaussian hare and the Laplacian tortoise:
       computability of squared-error versus absolute-error estimators", Statistical Science
       12, 1997.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.pinball import minimise_pinball
    >>> residuals = np.array([[1.0, -1.0], [3.0, -1.0], [2.0, -2.0]])
    >>> weights, gap = minimise_pinball(residuals.__getitem__, np.ones(3) / 3, 2, 0.5, 1.0)
    >>> weights
    array([0.5, 0.5])
    """
    return _Pinball(block, sample_weight, n_learners, quantile, scale).minimise()


class _Pinball:
    """The quantile loss, and the rows whose sign is in doubt."""

    def __init__(
        self,
        block: Callable[[slice | np.ndarray], np.ndarray],
        sample_weight: np.ndarray,
        n_learners: int,
        quantile: float,
        scale: float,
    ) -> None:
        self.block, self.s, self.m = block, sample_weight, n_learners
        self.quantile, self.scale = quantile, scale
        step = max(1, _BLOCK_NUMBERS // n_learners)
        n_rows = len(sample_weight)
        self.slices = [slice(i, min(i + step, n_rows)) for i in range(0, n_rows, step)]

    def minimise(self) -> tuple[np.ndarray, float]:
        n_rows = len(self.s)
        few = _FIRST_ROWS + _ROWS_PER_LEARNER * self.m + int(_SHARE_OF_ROWS * n_rows)
        few = min(n_rows, few)
        doubtful = np.unique(np.linspace(0, n_rows - 1, few).astype(np.intp))
        weights, _ = self._programme(doubtful, np.zeros(self.m))
        best, best_gap = weights, np.inf
        residual = self._residual(weights)
        doubtful = np.sort(np.argsort(np.abs(residual), kind="stable")[:few])
        for _ in range(_MAX_ROUNDS):
            above = residual > 0
            slope = self._signs(residual)
            slope[doubtful] = 0.0
            weights, slope[doubtful] = self._programme(doubtful, self._sum(slope))
            residual = self._residual(weights)
            gap = float(self.s @ pinball(residual, self.quantile) - self._sum(slope).min())
            if gap < best_gap:
                best, best_gap = weights, gap
            if best_gap <= _TARGET_GAP * self.scale:
                break
            crossed = (residual > 0) != above
            crossed[doubtful] = False
            if not crossed.any():
                break
            doubtful = np.union1d(doubtful, np.flatnonzero(crossed))
        return best, max(best_gap, 0.0) / self.scale

    def _programme(self, rows: np.ndarray, constant: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Solve with the other rows' slopes in ``constant``; give weights and these slopes."""
        # Imported here for the sake of `import stackmeta`.
        from scipy.optimize import linprog

        residuals = self.block(rows)
        # In units in which the weights of rows and each learner's residuals are about one.
        unit = self.s[rows].mean()
        length = np.abs(residuals).mean(axis=0)
        length[length == 0] = length.max() or 1.0
        shortest = length.min()
        # Maximise t with t ≤ Σ_i slope_i residual_il for every learner l.
        constraints = np.empty((self.m, len(rows) + 1))
        constraints[:, :-1] = -(residuals / length).T
        constraints[:, -1] = shortest / length
        bounds = np.empty((len(rows) + 1, 2))
        # The rows' weights are in the bounds: HiGHS drops coefficients below 1e-9.
        bounds[:-1] = np.outer(self.s[rows] / unit, [self.quantile - 1.0, self.quantile])
        bounds[-1] = -np.inf, np.inf
        objective = np.zeros(len(rows) + 1)
        objective[-1] = -1.0
        options = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
        found = linprog(
            objective,
            A_ub=constraints,
            b_ub=constant / (unit * length),
            bounds=bounds,
            method="highs",
            options=options,
        )
        if found.status != 0:
            raise RuntimeError(f"The linear programme of the weights failed: {found.message}")
        weights = np.maximum(-found.ineqlin.marginals * shortest / length, 0.0)
        weights[weights < _NO_WEIGHT * weights.max()] = 0.0
        return weights / weights.sum(), found.x[:-1] * unit

    def _signs(self, residual: np.ndarray) -> np.ndarray:
        """Slope of each row's loss where its residual is not zero."""
        return self.s * np.where(residual > 0, self.quantile, self.quantile - 1.0)

    def _residual(self, weights: np.ndarray) -> np.ndarray:
        return np.concatenate([self.block(rows) @ weights for rows in self.slices])

    def _sum(self, slope: np.ndarray) -> np.ndarray:
        total = np.zeros(self.m)
        for rows in self.slices:
            total += slope[rows] @ self.block(rows)
        return total
