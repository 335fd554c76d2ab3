"""TableCleaner: a raw table → numbers and categories that every learner can be given."""

from __future__ import annotations

import re
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ..compat import Interval, StrOptions, fit_context
from .columns import Column, ConstantColumn, EmptyColumn, learn_column

if TYPE_CHECKING:
    import pandas as pd


# The pipelines need the DataFrame as it is, whatever set_output or the configuration say.
class TableCleaner(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Turn a raw table into a DataFrame of float64 and categorical columns.

    What a column holds is learned from the rows of ``fit``: numbers and booleans stay,
    durations become days, dates (also texts such as 2024-05-31) days and parts of the
    calendar, texts of several words (most of them different) a few numbers made of their
    n-grams of letters, everything else categories. Later rows get the same columns, dtypes and
    categories, whatever is in them. Missing values stay missing; columns with hardly any value
    (under a tenth of the rows, and under 10) are left out.

    Parameters
    ----------
    max_categories : int, default=250
        Most categories of a column; the rarest, and those seen once, become one. Histogram
        gradient boosting takes at most 255.
    categories : {"category", "code"}, default="category"
        Whether categories are given as pandas categoricals or, for learners that take
        numbers only, as codes.

    Attributes
    ----------
    columns_ : list
        What each column of X was found to hold.
    n_features_in_ : int
        Number of columns seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if they are strings.

    Notes
    -----
    Names of features hold letters, digits and underscores only, since LightGBM and XGBoost
    refuse others.

    Examples
    --------
    >>> import pandas as pd
    >>> from stackmeta.learners import TableCleaner
    >>> X = pd.DataFrame({
    ...     "size (m)": [1.5, None, 2.5, 1.0],
    ...     "colour": ["red", "blue", "red", "blue"],
    ...     "sold": ["2024-05-30", "2024-05-31", None, "2024-05-30"],
    ... })
    >>> cleaner = TableCleaner().fit(X)
    >>> cleaner.transform(X).dtypes.astype(str).to_dict()
    {'size_m_': 'float64', 'colour': 'category', 'sold_days': 'float64', 'sold_day': 'float64', \
'sold_day_of_week': 'float64'}
    """

    _parameter_constraints: dict = {
        "max_categories": [Interval(Integral, 2, None, closed="left")],
        "categories": [StrOptions({"category", "code"})],
    }

    def __init__(self, *, max_categories: int = 250, categories: str = "category") -> None:
        self.max_categories = max_categories
        self.categories = categories

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> TableCleaner:
        """Learn what each column holds.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Training rows.
        y : ignored

        Returns
        -------
        self : TableCleaner
        """
        frame = _as_frame(X)
        validate_data(self, X=X, skip_check_array=True)
        self.columns_: list[Column] = [
            learn_column(
                frame.iloc[:, i],
                max_categories=self.max_categories,
                as_codes=self.categories == "code",
            )
            for i in range(frame.shape[1])
        ]
        if all(isinstance(column, EmptyColumn) for column in self.columns_):
            self.columns_[:1] = [ConstantColumn()]
        self._names = _feature_names([str(name) for name in frame.columns], self.columns_)
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Give any rows the columns and dtypes of the training rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Rows, with the columns of ``fit``.

        Returns
        -------
        table : DataFrame of shape (n_rows, n_features)
        """
        import pandas as pd

        check_is_fitted(self)
        validate_data(self, X=X, reset=False, skip_check_array=True)
        frame = _as_frame(X)
        values: list[Any] = []
        for i, column in enumerate(self.columns_):
            values.extend(column(frame.iloc[:, i]))
        return pd.DataFrame(dict(zip(self._names, values, strict=True)), index=frame.index)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the columns that ``transform`` gives.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        names : ndarray of str objects
        """
        check_is_fitted(self)
        return np.asarray(self._names, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _as_frame(X: Any) -> pd.DataFrame:
    import pandas as pd

    if isinstance(X, pd.DataFrame):
        return X
    return X.to_pandas() if hasattr(X, "to_pandas") else pd.DataFrame(np.asarray(X))


def _feature_names(names: list[str], columns: list[Column]) -> list[str]:
    """Name the features of all columns; names that collide get a number."""
    taken: dict[str, None] = {}
    for name, column in zip(names, columns, strict=True):
        for suffix in column.features:
            # LightGBM cannot read a model whose feature has no name.
            plain = feature = (re.sub(r"\W+", "_", name) or "_") + suffix
            number = 2
            while feature in taken:
                feature = f"{plain}_{number}"
                number += 1
            taken[feature] = None
    return list(taken)
