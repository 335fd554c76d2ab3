"""From a raw table to numbers, without a target: what detectors and clusterings are given."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from ..learners.preparation import Preparation
from ..learners.table import TableCleaner
from .spaces import Ranks

# Beyond these, the rarest categories of a column share an indicator.
_MOST_CATEGORIES = 40


def table_to_numbers(*, scale_categories: bool, by_rank: bool = False) -> Preparation:
    """Make a transformer of raw tables: imputed and standardised numbers, indicators.

    Parameters
    ----------
    scale_categories : bool
        Whether indicators are standardised as well: then a rare category lies far out, as
        outlier detectors want it, and so does a missing value. Else rows of two categories are
        as far apart as numbers that differ by a standard deviation, and what is missing is
        imputed, no more: the few rows without a value would be a cluster of their own.
    by_rank : bool, default=False
        Whether numbers are replaced by their ranks: long tails do not count.
    """
    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=scale_categories, keep_empty_features=True),
        Ranks() if by_rank else "passthrough",
        StandardScaler(),
    )
    indicators = OneHotEncoder(
        max_categories=_MOST_CATEGORIES,
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
    )
    scaled = StandardScaler() if scale_categories else FunctionTransformer(_halve)
    features = ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include=np.number)),
            (
                "categories",
                make_pipeline(indicators, scaled),
                make_column_selector(dtype_include="category"),
            ),
        ]
    )
    cleaner = Preparation(TableCleaner())
    return Preparation(make_pipeline(cleaner, features, FunctionTransformer(np.asarray)))


def on_numbers(*steps: BaseEstimator, scale_categories: bool = True, **how: Any) -> Pipeline:
    """Put the preparation of a raw table before a detector or a clustering."""
    return make_pipeline(table_to_numbers(scale_categories=scale_categories, **how), *steps)


def _halve(indicators: Any) -> np.ndarray:
    return np.asarray(indicators) / np.sqrt(2.0)
