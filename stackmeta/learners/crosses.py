"""Arithmetic of pairs of strong columns, which trees can only build in steps."""

from __future__ import annotations

from itertools import combinations
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ..compat import Interval, fit_context

if TYPE_CHECKING:
    import pandas as pd

_ROUNDS = 40


# A booster's categories are in the dtypes, so the DataFrame stays one.
class CrossedColumns(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Add sum, difference, product and ratio of each pair of the strongest numeric columns.

    Strong is a column whose splits gained most in a small LightGBM that was fitted to the training
    rows.

    Parameters
    ----------
    n_columns : int, default=5
        How many columns are paired.
    classifies : bool, default=False
        Whether y holds classes.
    random_state : int, RandomState instance or None, default=None
        Seeds the small model.

    Attributes
    ----------
    pairs_ : list of (str, str)
        Columns that are combined.
    n_features_in_ : int
        Number of columns seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from stackmeta.learners.crosses import CrossedColumns
    >>> X = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)), columns=["a", "b", "c"])
    >>> crossed = CrossedColumns(2, random_state=0).fit(X, X["a"] * X["c"])
    >>> [*crossed.transform(X).columns]
    ['a', 'b', 'c', 'a_plus_c', 'a_minus_c', 'a_times_c', 'a_over_c']
    """

    _parameter_constraints: dict = {
        "n_columns": [Interval(Integral, 0, None, closed="left")],
        "classifies": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self, n_columns: int = 5, *, classifies: bool = False, random_state: Any = None
    ) -> None:
        self.n_columns = n_columns
        self.classifies = classifies
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: pd.DataFrame, y: Any) -> CrossedColumns:
        """Find the strongest columns.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            Numbers and categories, with names of letters, digits and underscores.
        y : array-like of shape (n_rows,)
            Target.

        Returns
        -------
        self : CrossedColumns
        """
        from lightgbm import LGBMClassifier, LGBMRegressor

        validate_data(self, X, skip_check_array=True)
        kind = LGBMClassifier if self.classifies else LGBMRegressor
        model = kind(
            n_estimators=_ROUNDS,
            importance_type="gain",
            reg_lambda=5.0,
            n_jobs=1,
            random_state=self.random_state,
            verbosity=-1,
        ).fit(X, y)
        numeric = [i for i, dtype in enumerate(X.dtypes) if dtype.kind == "f"]
        gains = model.feature_importances_[numeric]
        order = np.argsort(-gains, kind="stable")[: self.n_columns]
        strongest = sorted(numeric[i] for i in order if gains[i] > 0)
        self.pairs_ = [(X.columns[i], X.columns[j]) for i, j in combinations(strongest, 2)]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Add the columns.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            Rows with the columns of ``fit``.

        Returns
        -------
        table : DataFrame of shape (n_rows, n_columns + 4 * n_pairs)
        """
        check_is_fitted(self)
        validate_data(self, X, reset=False, skip_check_array=True)
        added = {}
        for a, b in self.pairs_:
            left, right = X[a].to_numpy(), X[b].to_numpy()
            added[f"{a}_plus_{b}"] = left + right
            added[f"{a}_minus_{b}"] = left - right
            added[f"{a}_times_{b}"] = left * right
            with np.errstate(all="ignore"):
                ratio = left / right
            added[f"{a}_over_{b}"] = np.where(np.isfinite(ratio), ratio, np.nan)
        taken = {name: values for name, values in added.items() if name not in X.columns}
        return X.assign(**taken)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags
