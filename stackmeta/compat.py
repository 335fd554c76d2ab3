"""Every private or version-dependent name of a dependency that stackmeta touches."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import sklearn
from scipy import sparse
from sklearn.base import _fit_context as fit_context
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils._repr_html.estimator import _VisualBlock as VisualBlock
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.fixes import parse_version
from sklearn.utils.metadata_routing import MetadataRouter
from sklearn.utils.metaestimators import _BaseComposition as BaseComposition
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

try:  # joblib >= 1.6 depends on it, older ones carry it
    import cloudpickle
except ImportError:
    from joblib.externals import cloudpickle

try:  # scikit-learn >= 1.9
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in where scikit-learn has no callbacks."""

    def with_callbacks(method: Callable) -> Callable:  # type: ignore[no-redef]
        """Leave the method as it is."""
        return method


__all__ = [
    "BaseComposition",
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "StrOptions",
    "VisualBlock",
    "check_feature_names_in",
    "check_sample_weight",
    "cloudpickle",
    "fit_context",
    "is_pandas",
    "is_polars",
    "metadata_router",
    "root_callback_context",
    "safe_indexing",
    "transform_output",
    "with_callbacks",
]


def root_callback_context(estimator: Any, max_subtasks: int) -> Any:
    """Make the root task of a fit for scikit-learn's callbacks; None where it has none."""
    if not hasattr(estimator, "_init_callback_context"):
        return None
    return estimator._init_callback_context(max_subtasks=max_subtasks, sequential_subtasks=False)


def metadata_router(owner: Any) -> MetadataRouter:
    """Make a router; before scikit-learn 1.8 its owner is a class name."""
    by_name = parse_version(sklearn.__version__) < parse_version("1.8")
    return MetadataRouter(owner=type(owner).__name__ if by_name else owner)


def transform_output(estimator: Any) -> str:
    """Container that ``set_output`` asks for: "default", "pandas" or "polars"."""
    return _get_output_config("transform", estimator)["dense"]


def safe_indexing(X: Any, indices: Any, *, axis: int = 0) -> Any:
    """Take rows or columns of any container.

    What scikit-learn cannot index: names of a polars frame before 1.9, and sparse formats
    other than csr, csc and lil.
    """
    if sparse.issparse(X) and X.format in ("bsr", "coo", "dia"):
        X = X.tocsr()
    if axis == 1 and is_polars(X) and isinstance(indices, list) and {*map(type, indices)} == {str}:
        return X.select(indices)
    return _safe_indexing(X, indices, axis=axis)


def is_pandas(X: Any) -> bool:
    """Whether X is a pandas DataFrame, told without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(X, pandas.DataFrame)


def is_polars(X: Any) -> bool:
    """Whether X is a polars DataFrame, told without importing polars."""
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(X, polars.DataFrame)
