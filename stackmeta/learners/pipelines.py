"""From a learner of numbers to one of raw tables: the preparation that each family needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    StandardScaler,
)

from ..compat import target_encoder
from .preparation import Preparation
from .table import TableCleaner

if TYPE_CHECKING:
    import pandas as pd

# With more categories, what the target is like in each of them stands for the category.
_MANY_CATEGORIES = 40


def on_numbers(
    learner: BaseEstimator, *after_imputing: BaseEstimator, dtype: Any = np.float64
) -> Pipeline:
    """For learners that need scaled numbers without gaps.

    Few categories become indicators; of many, the mean of the target in each, cross-fitted for
    the training rows.

    Parameters
    ----------
    learner : estimator
    *after_imputing : transformers
        In place of a StandardScaler.
    dtype : dtype, default=np.float64
        Of the numbers that the learner is given.
    """
    steps = after_imputing or (StandardScaler(),)
    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), *steps
    )
    codes = FunctionTransformer(_codes)
    # Whole numbers are a target of numbers, too.
    target_type = "auto" if is_classifier(learner) else "continuous"
    encoder = target_encoder(target_type)
    features = ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include=np.number)),
            # Categories that TableCleaner does not know are missing, which may be new here.
            (
                "few",
                make_pipeline(codes, OneHotEncoder(handle_unknown="ignore", sparse_output=False)),
                _with_few_categories,
            ),
            ("many", make_pipeline(codes, encoder, StandardScaler()), _with_many_categories),
        ]
    )
    cleaner = Preparation(TableCleaner())
    last = FunctionTransformer(np.asarray, kw_args={"dtype": dtype})
    return make_pipeline(Preparation(make_pipeline(cleaner, features, last)), learner)


def on_codes(learner: BaseEstimator) -> Pipeline:
    """For scikit-learn's trees: they take missing values, but no categories."""
    return make_pipeline(Preparation(TableCleaner(categories="code")), learner)


def on_indicators(learner: BaseEstimator) -> Pipeline:
    """For boosters that are better at indicators than at categories: numbers stay as they are."""
    codes = make_pipeline(
        FunctionTransformer(_codes), OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    )
    features = ColumnTransformer(
        [("categories", codes, make_column_selector(dtype_include="category"))],
        remainder="passthrough",
    )
    cleaner = Preparation(TableCleaner())
    return make_pipeline(Preparation(make_pipeline(cleaner, features)), learner)


def on_categories(learner: BaseEstimator, *features: BaseEstimator) -> Pipeline:
    """For boosters, which take categories and missing values.

    Parameters
    ----------
    learner : estimator
    *features : transformers
        That add columns to the cleaned table.
    """
    return make_pipeline(Preparation(TableCleaner()), *features, learner)


def _codes(table: pd.DataFrame) -> np.ndarray:
    """Whole numbers for categories, -1 for missing ones."""
    codes = [table[name].cat.codes.to_numpy(np.int32) for name in table.columns]
    return np.column_stack(codes) if codes else np.empty((len(table), 0), dtype=np.int32)


def _with_few_categories(table: pd.DataFrame) -> list[Any]:
    return [name for name in _categories(table) if _count(table[name]) <= _MANY_CATEGORIES]


def _with_many_categories(table: pd.DataFrame) -> list[Any]:
    return [name for name in _categories(table) if _count(table[name]) > _MANY_CATEGORIES]


def _categories(table: pd.DataFrame) -> list[Any]:
    return list(table.select_dtypes("category").columns)


def _count(column: pd.Series) -> int:
    return len(column.cat.categories)
