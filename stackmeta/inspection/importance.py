"""How much the columns of X matter to a whole stack."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.inspection import permutation_importance

from ..compat import is_polars

if TYPE_CHECKING:
    import pandas as pd


def importance(
    stack: Any,
    X: Any,
    y: Any = None,
    *,
    method: str = "permutation",
    scoring: Any = None,
    n_repeats: int = 5,
    n_jobs: int | None = None,
    random_state: Any = None,
) -> pd.DataFrame:
    """Measure the importance of columns; see ``stack.importance``."""
    import pandas as pd

    if method not in ("permutation", "shap"):
        raise ValueError(f"method={method!r}: it is 'permutation' or 'shap'.")
    if method == "shap":
        from .shap_values import shap_values

        found = shap_values(stack, X, random_state=random_state)
        sizes = np.abs(found.values).reshape(len(found.values), found.values.shape[1], -1)
        sizes = sizes.mean(axis=2)
        mean, names = sizes.mean(axis=0), found.feature_names
        error = sizes.std(axis=0, ddof=1 if len(sizes) > 1 else 0) / np.sqrt(len(sizes))
        name = "mean |SHAP value|"
    else:
        if y is None:
            raise ValueError(
                "importance(X, y): method='permutation' needs y, to see how far the loss rises. "
                "method='shap' does without."
            )
        scoring = default_scoring(stack, scoring)
        model, X, names = _as_pandas(stack, X)
        result = permutation_importance(
            model,
            X,
            y,
            scoring=scoring,
            n_repeats=n_repeats,
            n_jobs=n_jobs,
            random_state=random_state,
        )
        mean = result.importances_mean
        error = result.importances.std(axis=1, ddof=1 if n_repeats > 1 else 0) / np.sqrt(n_repeats)
        name = scoring if isinstance(scoring, str) else getattr(scoring, "__name__", str(scoring))
    table = pd.DataFrame({"column": names, "importance": mean, "se": error})
    table = table.sort_values("importance", ascending=False, kind="stable", ignore_index=True)
    table.attrs["scoring"] = name
    return table


def default_scoring(stack: Any, scoring: Any) -> Any:
    """Name the scorer of the stack's own kind of loss."""
    if scoring is not None:
        return scoring
    if not is_classifier(stack):
        return "neg_root_mean_squared_error"
    return "neg_log_loss" if hasattr(stack, "predict_proba") else "accuracy"


def column_names(X: Any) -> list[Any]:
    """Names of the columns of a table; x0, x1, … where it has none."""
    columns = getattr(X, "columns", None)
    return [f"x{i}" for i in range(X.shape[1])] if columns is None else list(columns)


def _as_pandas(stack: Any, X: Any) -> tuple[Any, Any, list[Any]]:
    """Give scikit-learn a table whose columns it can shuffle without changing their types."""
    X = X if hasattr(X, "shape") else np.asarray(X)
    names = column_names(X)
    if is_polars(X):
        return _OnPolars(stack), X.to_pandas(), names
    return stack, X, names


class _OnPolars(BaseEstimator):
    """A model of polars frames that is given pandas' instead."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        return self.model.__sklearn_tags__()

    def fit(self, X: Any, y: Any) -> _OnPolars:
        """Nothing: the model is fitted."""
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "model":
            raise AttributeError(name)
        found = getattr(self.model, name)
        if name not in ("predict", "predict_proba", "decision_function"):
            return found
        import polars as pl

        @wraps(found)
        def answer(X: Any) -> Any:
            return found(pl.from_pandas(X))

        return answer
