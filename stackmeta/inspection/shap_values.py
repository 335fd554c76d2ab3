"""SHAP values through a whole stack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from ..compat import is_polars, safe_indexing
from ..out_of_fold.learner import take_columns
from ..out_of_fold.response import respond
from .importance import column_names
from .inspected import Inspected, inspected

_N_BACKGROUND = 50
# Up to so many columns all subsets of them are tried, which is exact.
_MOST_EXACT = 10
# SHAP values of a learner add up to its prediction this closely, relative to its size.
_ADDS_UP = 1e-3


def shap_values(
    stack: Any,
    X: Any,
    *,
    background: Any = None,
    max_evals: int | None = None,
    random_state: Any = None,
) -> Any:
    """Explain predictions of a fitted stack by the columns of X.

    Where the meta-learner is linear in its learners (weights, coefficients) and reads nothing
    else, the stack's SHAP values [1]_ are the same sum of its learners' SHAP values [2]_: each
    learner is explained by what is exact for it (trees, linear models, or up to ten columns),
    else by sampled permutations. Any other stack is explained as a whole, exactly up to ten
    columns, else by permutations. Absent columns take the values of the background rows.

    Parameters
    ----------
    stack : estimator
        Fitted stack or super learner.
    X : DataFrame or array-like of shape (n_rows, n_features)
        Rows to explain.
    background : DataFrame or array-like of shape (n_background, n_features), default=None
        Rows that stand for what is usual; 50 of X by default.
    max_evals : int, default=None
        Predictions a row that permutations may take; None: ten permutations, forth and back.
    random_state : int, RandomState instance or None, default=None
        Draws the background and the permutations.

    Returns
    -------
    explanation : shap.Explanation
        ``values`` of shape (n_rows, n_features), or (n_rows, n_features, n_outputs) with several
        classes or targets; of P(``classes_[1]``) for two classes. ``base_values`` and a row's
        values add up to its prediction. ``how`` says how each learner was explained.

    Raises
    ------
    ImportError
        If SHAP is not installed: ``pip install "stackmeta[explain]"``.

    References
    ----------
    .. [1] S. M. Lundberg and S.-I. Lee, "A unified approach to interpreting model predictions",
       NeurIPS 2017.
    .. [2] S. M. Lundberg et al., "From local explanations to global understanding with
       explainable AI for trees", Nature Machine Intelligence 2, 2020.

    Examples
    --------
    >>> from stackmeta.inspection import shap_values
    >>> shap_values(stack, X.head()).values  # doctest: +SKIP
    """
    shap = _shap()
    seen = inspected(stack, "shap_values")
    random = check_random_state(random_state)
    X = X if hasattr(X, "shape") else np.asarray(X)
    if background is None:
        rows = random.permutation(X.shape[0])[:_N_BACKGROUND]
        background = safe_indexing(X, np.sort(rows))
    codec = _Codec(X, background)
    seed = int(random.randint(2**31 - 1))
    ask = _Asked(shap, codec, max_evals, seed)
    weights = _linear_weights(seen, X)
    if weights is None:
        assert seen.parts is not None
        assert seen.combine is not None
        parts, combine = seen.parts, seen.combine
        values, base, way = ask.model(lambda rows: combine(*parts(rows)))
        how = {"stack": way}
    else:
        values, base, how = _sum_of_learners(seen, weights, ask)
    if values.shape[2] == 1:
        values, base = values[:, :, 0], base[:, 0]
    found = shap.Explanation(
        values=values, base_values=base, data=codec.plain, feature_names=column_names(X)
    )
    found.how = how
    return found


def _shap() -> Any:
    try:
        import shap
    except ImportError as error:
        raise ImportError(
            'SHAP values need the shap library: pip install "stackmeta[explain]".'
        ) from error
    return shap


def _linear_weights(seen: Inspected, X: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """Read a linear meta-learner: its offset, and what a unit of each column adds to each output.

    None where it is not linear, or reads the table. It is asked, not known: its answers to the
    learners' mean predictions, to each column moved, and to real rows must agree.
    """
    if seen.reads_table:
        return None
    assert seen.parts is not None
    assert seen.combine is not None
    oof = seen.oof
    read = np.hstack([oof.block(name) for name in seen.read])
    rows = oof.covered[: 200 + read.shape[1]]
    matrix = read[rows]
    if np.isnan(matrix).any():
        return None
    answers = seen.combine(matrix, None)
    design = np.column_stack([np.ones(len(matrix)), matrix])
    solved, *_ = np.linalg.lstsq(design, answers, rcond=None)
    size = max(float(np.abs(answers).max()), 1e-12)
    if np.abs(design @ solved - answers).max() > 1e-8 * size:
        return None
    return solved[0], solved[1:]


def _sum_of_learners(
    seen: Inspected, weights: tuple[np.ndarray, np.ndarray], ask: _Asked
) -> tuple[np.ndarray, np.ndarray, dict[str, str]]:
    """Add up the learners' SHAP values as the meta-learner adds up the learners."""
    offset, slopes = weights
    n_rows, n_columns = ask.codec.codes.shape
    values = np.zeros((n_rows, n_columns, len(offset)))
    base = np.tile(offset, (n_rows, 1))
    how = {}
    start = 0
    for name in seen.read:
        columns = seen.oof.columns[name]
        slope = slopes[start : start + columns.stop - columns.start]
        start += columns.stop - columns.start
        if name not in seen.models or not np.any(np.abs(slope) > 1e-12):
            continue
        found, at, how[name] = ask.learner(seen, name)
        values += np.einsum("rfc,co->rfo", found, slope)
        base += at @ slope
    return values, base, how


@dataclass
class _Asked:
    """Explains one model after the other on the same rows and background."""

    shap: Any
    codec: _Codec
    max_evals: int | None
    seed: int

    def learner(self, seen: Inspected, name: str) -> tuple[np.ndarray, np.ndarray, str]:
        """Explain a learner: exactly for its kind if there is a way, else as any model."""
        model, oof = seen.models[name], seen.oof
        reads, method = oof.learner_columns.get(name), oof.methods[name]

        def predict(X: Any) -> np.ndarray:
            return respond(model, take_columns(X, reads), method, oof.target)

        if reads is None and self.codec.is_numeric and not hasattr(model, "models"):
            exact = self._exact(model, predict, method)
            if exact is not None:
                return exact
        return self.model(predict)

    def model(self, predict: Callable[[Any], np.ndarray]) -> tuple[np.ndarray, np.ndarray, str]:
        """Explain any function of rows by hiding columns."""
        codec, shap = self.codec, self.shap
        masker = shap.maskers.Independent(codec.background, max_samples=len(codec.background))

        def coded(codes: np.ndarray) -> np.ndarray:
            return predict(codec.decode(codes))

        n_columns = codec.codes.shape[1]
        if n_columns <= _MOST_EXACT:
            found = shap.explainers.Exact(coded, masker)(codec.codes, silent=True)
            how = "exact (all subsets)"
        else:
            evals = self.max_evals or 10 * (2 * n_columns + 1)
            explainer = shap.explainers.Permutation(coded, masker, seed=self.seed)
            found = explainer(codec.codes, max_evals=evals, silent=True)
            how = "permutations"
        values = np.asarray(found.values, dtype=float)
        values = values.reshape(len(codec.codes), n_columns, -1)
        base = np.asarray(found.base_values, dtype=float).reshape(len(codec.codes), -1)
        return values, base, how

    def _exact(
        self, model: Any, predict: Callable[[Any], np.ndarray], method: str
    ) -> tuple[np.ndarray, np.ndarray, str] | None:
        """Explain trees and linear models; None where that is not to be had, or does not add up.

        SHAP reads the insides of other libraries' models, which may change: what it says is
        taken where it adds up to the predictions.
        """
        rows, background = self.codec.codes, self.codec.background
        output = "probability" if method == "predict_proba" else "raw"
        ways: list[tuple[str, Callable[[], Any]]] = [
            ("exact (trees)", lambda: self._trees(model, background, output))
        ]
        if method == "predict" and hasattr(model, "coef_"):
            linear = self.shap.explainers.Linear
            ways.insert(0, ("exact (linear)", lambda: linear(model, background)))
        answer = np.asarray(predict(self.codec.decode(rows)), dtype=float)
        for how, make in ways:
            try:
                found = make()(rows)
            except Exception:  # whatever SHAP says of a model that it cannot read
                continue
            values = np.asarray(found.values, dtype=float).reshape(*rows.shape, -1)
            base = np.asarray(found.base_values, dtype=float)
            base = np.broadcast_to(base.reshape(-1, values.shape[2]), (len(rows), values.shape[2]))
            if values.shape[2] == 2 and answer.shape[1] == 1:
                values, base = values[:, :, 1:], base[:, 1:]
            if values.shape[2] != answer.shape[1]:
                continue
            off = np.abs(values.sum(axis=1) + base - answer).max()
            if off <= _ADDS_UP * max(float(np.abs(answer).max()), 1e-12):
                return values, base, how
        return None

    def _trees(self, model: Any, background: np.ndarray, output: str) -> Any:
        return self.shap.explainers.Tree(
            model, background, feature_perturbation="interventional", model_output=output
        )


class _Codec:
    """Rows of any table as numbers that can be mixed, and back.

    Columns that are no numbers become the positions of their values.
    """

    def __init__(self, X: Any, background: Any) -> None:
        import pandas as pd

        self._polars = is_polars(X)
        frames = [t.to_pandas() if is_polars(t) else t for t in (X, background)]
        self._frame = isinstance(frames[0], pd.DataFrame)
        tables = [pd.DataFrame(t) for t in frames]
        n_first = len(tables[0])
        tables[1].columns = tables[0].columns
        both = pd.concat(tables, ignore_index=True)
        self._columns, self._dtypes = tables[0].columns, list(tables[0].dtypes)
        self._values: dict[int, Any] = {}
        codes = np.empty(both.shape)
        for i in range(both.shape[1]):
            column = both.iloc[:, i]
            if column.dtype.kind in "biuf" and isinstance(column.dtype, np.dtype):
                codes[:, i] = column.to_numpy(float)
            else:
                codes[:, i], self._values[i] = pd.factorize(column, use_na_sentinel=False)
        self.codes, self.background = codes[:n_first], codes[n_first:]
        self.plain = tables[0].to_numpy()
        self.is_numeric = not self._values

    def decode(self, codes: np.ndarray) -> Any:
        """Turn numbers back into rows of the table's own kind."""
        import pandas as pd

        if not self._frame and not self._polars and not self._values:
            return codes
        data = {}
        for i, dtype in enumerate(self._dtypes):
            column = codes[:, i]
            if i in self._values:
                values = self._values[i]
                data[i] = pd.Series(values.take(column.astype(np.intp))).astype(dtype)
            else:
                data[i] = pd.Series(column).astype(dtype)
        table = pd.DataFrame(data)
        table.columns = self._columns
        if self._polars:
            import polars as pl

            return pl.from_pandas(table)
        return table if self._frame else table.to_numpy()
