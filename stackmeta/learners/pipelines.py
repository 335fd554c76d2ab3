"""From a learner of numbers to one of raw tables: the preparation that each family needs."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from .table import TableCleaner


def on_numbers(learner: BaseEstimator, *after_imputing: BaseEstimator) -> Pipeline:
    """For learners that need scaled numbers without gaps.

    Parameters
    ----------
    learner : estimator
    *after_imputing : transformers
        In place of a StandardScaler.
    """
    steps = after_imputing or (StandardScaler(),)
    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), *steps
    )
    # Categories that TableCleaner does not know are missing, which may be new to the encoder.
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    features = ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include=np.number)),
            ("categories", categories, make_column_selector(dtype_include="category")),
        ]
    )
    return make_pipeline(TableCleaner(max_categories=40), features, learner)


def on_codes(learner: BaseEstimator) -> Pipeline:
    """For scikit-learn's trees: they take missing values, but no categories."""
    return make_pipeline(TableCleaner(categories="code"), learner)


def on_categories(learner: BaseEstimator) -> Pipeline:
    """For boosters, which take categories and missing values."""
    return make_pipeline(TableCleaner(), learner)
