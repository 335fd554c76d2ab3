"""How far learners err together, pair by pair."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from ..out_of_fold import OutOfFold
from ..out_of_fold.losses import class_codes, full_probabilities
from ..out_of_fold.response import PROBABILITIES

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Diversity:
    """How far learners err together.

    Attributes
    ----------
    correlation : DataFrame of shape (n_learners, n_learners)
        Pearson correlation of out-of-fold errors: y minus the prediction, a probability where
        there is one (of all classes), else 0 for a right and 1 for a wrong label. NaN for a
        learner that errs on each row by the same.
    q_statistic : DataFrame or None
        Yule's Q of being right, for classes: 1 where both are right on the same rows, 0 where
        that is by chance, below 0 where they err on different ones.
    double_fault : DataFrame or None
        Share of the rows on which both are wrong, for classes; the diagonal is the error rate.
    disagreement : DataFrame or None
        Share of the rows on which one is right and the other wrong, for classes.
    copies : list of list of str
        Groups of learners of which each two have errors that correlate above ``copies_above``.
    copies_above : float
        That correlation.

    References
    ----------
    .. [1] L. I. Kuncheva and C. J. Whitaker, "Measures of diversity in classifier ensembles and
       their relationship with the ensemble accuracy", Machine Learning 51, 2003.
    .. [2] G. Giacinto and F. Roli, "Design of effective neural network ensembles for image
       classification purposes", Image and Vision Computing 19, 2001.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import LinearRegression, Ridge
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from stackmeta import StackingRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> learners = [
    ...     ("linear", LinearRegression()),
    ...     ("ridge", Ridge(1e-3)),
    ...     ("neighbours", KNeighborsRegressor()),
    ... ]
    >>> diversity = StackingRegressor(learners).fit(X, y).diversity()
    >>> diversity.copies
    [['linear', 'ridge']]
    >>> float(diversity.correlation.loc["neighbours", "ridge"].round(2))
    0.87
    """

    correlation: pd.DataFrame
    q_statistic: pd.DataFrame | None
    double_fault: pd.DataFrame | None
    disagreement: pd.DataFrame | None
    copies: list[list[str]]
    copies_above: float

    @property
    def pairs(self) -> pd.DataFrame:
        """Each pair of learners a row, those that err most alike first."""
        import pandas as pd

        names = list(self.correlation.columns)
        first, second = np.triu_indices(len(names), k=1)
        table = pd.DataFrame(
            {"learner": np.take(names, first), "other": np.take(names, second)}, dtype=object
        )
        for measure in ("correlation", "q_statistic", "double_fault", "disagreement"):
            values = getattr(self, measure)
            if values is not None:
                table[measure] = values.to_numpy()[first, second]
        return table.sort_values("correlation", ascending=False, ignore_index=True)

    def order(self) -> list[str]:
        """Order the learners so that those which err alike stand together."""
        names = list(self.correlation.columns)
        tree = _tree(self.correlation.to_numpy(), "average")
        if tree is None:
            return names
        from scipy.cluster.hierarchy import leaves_list

        return [names[i] for i in leaves_list(tree)]

    def _copies_text(self) -> str:
        if not self.copies:
            return "no copies"
        return "copies: " + "; ".join(" = ".join(group) for group in self.copies)

    def __repr__(self) -> str:
        return f"Diversity({len(self.correlation)} learners, {self._copies_text()})"

    def _repr_html_(self) -> str:
        """Show the pairs, most alike first."""
        shown = self.pairs.head(20).round(3).to_html(index=False, border=0)
        return f"<p>{escape(self._copies_text())}</p>{shown}"


def diversity(oof: OutOfFold, *, copies_above: float = 0.99) -> Diversity:
    """Compare the errors of out-of-fold predictions.

    Parameters
    ----------
    oof : OutOfFold
    copies_above : float, default=0.99
        Correlation of errors above which learners are copies.

    Returns
    -------
    diversity : Diversity
    """
    if not 0 < copies_above <= 1:
        raise ValueError(f"copies_above={copies_above} is a correlation above 0, 1 at most.")
    import pandas as pd

    names = oof.names

    def square(values: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(values, index=names, columns=names)

    errors = np.column_stack([_errors(oof, name) for name in names])
    correlation = pd.DataFrame(errors).corr().to_numpy(copy=True)
    varies = ~np.isnan(correlation.diagonal())
    correlation[varies, varies] = 1.0
    copies = [[names[i] for i in group] for group in _groups(correlation, copies_above)]
    if oof.target.kind == "numbers":
        return Diversity(square(correlation), None, None, None, copies, copies_above)
    right = np.column_stack([_right(oof, name) for name in names])
    q, fault, differ = _agreement(right)
    return Diversity(
        square(correlation), square(q), square(fault), square(differ), copies, copies_above
    )


def _errors(oof: OutOfFold, name: str) -> np.ndarray:
    """Errors of a learner on all rows and outputs, one after the other; NaN without any."""
    target, block, method = oof.target, oof.block(name), oof.methods[name]
    if target.kind == "numbers":
        return (target.y.reshape(len(target.y), -1) - block).ravel()
    if method not in PROBABILITIES:
        width = target.n_outputs if target.kind == "multilabel" else target.n_classes
        width = 1 if width == 2 and target.kind == "classes" else width
        wrong = 1.0 - _right(oof, name)
        return np.repeat(wrong, width)
    probabilities = full_probabilities(block, method, target)
    if target.kind == "multilabel":
        return (target.y - probabilities).ravel()
    truth = np.eye(target.n_classes)[target.y]
    both = truth - probabilities
    return (both[:, 1:] if target.n_classes == 2 else both).ravel()


def _right(oof: OutOfFold, name: str) -> np.ndarray:
    """1.0 where a learner's label is right, else 0.0; NaN without a prediction."""
    block = oof.block(name)
    right = np.full(len(block), np.nan)
    rows = np.flatnonzero(~np.isnan(block).any(axis=1))
    target = replace(oof.target, y=oof.target.y[rows])
    try:
        codes = class_codes(block[rows], oof.methods[name], target)
    except ValueError:  # decision values of pairs of classes
        return right
    right[rows] = (codes == target.y).reshape(len(rows), -1).all(axis=1)
    return right


def _agreement(right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Q statistic, double fault and disagreement of each pair, over rows that both predict."""
    there = ~np.isnan(right)
    yes, no = np.where(there, right, 0.0), np.where(there, 1.0 - right, 0.0)
    both, neither, one = yes.T @ yes, no.T @ no, yes.T @ no
    other, n = one.T, there.T.astype(float) @ there
    with np.errstate(invalid="ignore", divide="ignore"):
        q = (both * neither - one * other) / (both * neither + one * other)
        return q, neither / n, (one + other) / n


def _tree(correlation: np.ndarray, method: Any) -> np.ndarray | None:
    """Hierarchical clustering by one minus the correlation."""
    if len(correlation) < 2:
        return None
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    distance = np.clip(1.0 - np.nan_to_num(correlation, nan=0.0), 0.0, 2.0)
    np.fill_diagonal(distance, 0.0)
    return linkage(squareform((distance + distance.T) / 2, checks=False), method)


def _groups(correlation: np.ndarray, above: float) -> list[np.ndarray]:
    """Group learners of which each two correlate above a bound."""
    tree = _tree(correlation, "complete")
    if tree is None:
        return []
    from scipy.cluster.hierarchy import fcluster

    labels = fcluster(tree, 1.0 - above, criterion="distance")
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return sorted((g for g in groups if len(g) > 1), key=lambda g: int(g[0]))
