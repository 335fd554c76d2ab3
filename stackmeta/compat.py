"""Every private or version-dependent name of a dependency that stackmeta touches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import cache
from inspect import signature
from typing import Any

import numpy as np
import sklearn
from joblib.parallel import get_active_backend
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.base import _fit_context as fit_context
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.preprocessing import LabelBinarizer, TargetEncoder
from sklearn.preprocessing._data import _is_constant_feature as is_constant_feature
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions
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
    "Options",
    "StrOptions",
    "VisualBlock",
    "backend_is_local",
    "check_feature_names_in",
    "check_sample_weight",
    "cloudpickle",
    "discriminants_divide_by_n",
    "fit_context",
    "ignores_n_jobs",
    "is_constant_feature",
    "is_pandas",
    "is_polars",
    "let_ray_yield",
    "metadata_router",
    "on_dask_workers",
    "ray_get",
    "ray_reference",
    "root_callback_context",
    "safe_indexing",
    "set_discriminant_components",
    "set_ridge_classes",
    "target_encoder",
    "transform_output",
    "validate_params",
    "with_callbacks",
]


#: Whether discriminant analyses divide a scatter by the number of rows, or by degrees of freedom.
discriminants_divide_by_n = parse_version(sklearn.__version__) >= parse_version("1.9")


def set_discriminant_components(model: BaseEstimator, n_components: int) -> None:
    """Set what a linear discriminant analysis remembers of its output, as its ``fit`` does."""
    model._max_components = model._n_features_out = n_components


def set_ridge_classes(model: BaseEstimator, n_classes: int) -> None:
    """Set what a ridge classifier remembers of the classes 0, 1, …, as its ``fit`` does."""
    model._label_binarizer = copy(_signs(n_classes))
    if not isinstance(getattr(type(model), "classes_", None), property):  # scikit-learn < 1.8
        model.classes_ = np.arange(n_classes)


@cache
def _signs(n_classes: int) -> LabelBinarizer:
    return LabelBinarizer(pos_label=1, neg_label=-1).fit(np.arange(n_classes))


def root_callback_context(estimator: Any, max_subtasks: int) -> Any:
    """Make the root task of a fit for scikit-learn's callbacks; None where it has none."""
    if not hasattr(estimator, "_init_callback_context"):
        return None
    return estimator._init_callback_context(max_subtasks=max_subtasks, sequential_subtasks=False)


def metadata_router(owner: Any) -> MetadataRouter:
    """Make a router; before scikit-learn 1.8 its owner is a class name."""
    by_name = parse_version(sklearn.__version__) < parse_version("1.8")
    return MetadataRouter(owner=type(owner).__name__ if by_name else owner)


def validate_params(estimator: BaseEstimator) -> None:
    """Check an estimator's parameters as its ``fit`` would."""
    estimator._validate_params()


def transform_output(estimator: Any) -> str:
    """Container that ``set_output`` asks for: "default", "pandas" or "polars"."""
    return _get_output_config("transform", estimator)["dense"]


def safe_indexing(X: Any, indices: Any, *, axis: int = 0) -> Any:
    """Take rows or columns of any container.

    What scikit-learn cannot index: names of a polars frame before 1.9 and its rows by narrow
    integers, and sparse formats other than csr, csc and lil.
    """
    if sparse.issparse(X) and X.format in ("bsr", "coo", "dia"):
        X = X.tocsr()
    if axis == 1 and is_polars(X) and isinstance(indices, list) and {*map(type, indices)} == {str}:
        return X.select(indices)
    if axis == 0 and is_polars(X):
        indices = np.asarray(indices, dtype=np.intp)
    return _safe_indexing(X, indices, axis=axis)


def ignores_n_jobs(estimator: Any) -> bool:
    """Whether ``n_jobs`` of an estimator is to no effect, and warned of where it is set."""
    return type(estimator) is LogisticRegression


def backend_is_local() -> bool:
    """Whether joblib's active backend is one of its own, which run on this machine."""
    backend, _ = get_active_backend()
    return type(backend).__module__.startswith("joblib._parallel_backends")


@contextmanager
def on_dask_workers(value: Any) -> Iterator[None]:
    """Keep a copy of a value on each worker, where joblib's active backend is dask.

    At the end it is taken back, and with it the tasks that use it and have not started.
    """
    backend, _ = get_active_backend()
    if type(backend).__module__ != "joblib._dask" or id(value) in backend.data_futures:
        yield
        return
    # What the backend's own ``scatter`` does, which is settled before anybody has the value.
    future = backend.client.scatter(value, broadcast=True, hash=False)
    backend.data_futures[id(value)] = future
    try:
        with _errors_told(backend):
            yield
    finally:
        del backend.data_futures[id(value)]
        backend.client.cancel(future, force=True)


@contextmanager
def _errors_told(backend: Any) -> Iterator[None]:
    """Have joblib hear of a task that dask gave up, which it would wait for without end."""
    name = "submit" if hasattr(backend, "submit") else "apply_async"  # joblib < 1.5
    send = getattr(backend, name)

    def submit(func: Callable, callback: Callable) -> Any:
        future = send(func, callback)
        future.add_done_callback(lambda done: done.exception() and callback(done.exception()))
        return future

    setattr(backend, name, submit)
    try:
        yield
    finally:
        delattr(backend, name)


@contextmanager
def ray_reference(make: Callable[[], Any]) -> Iterator[Any]:
    """Keep a value in Ray's object store, where joblib's active backend is Ray; else None."""
    backend, _ = get_active_backend()
    if not _is_ray(backend) or not sys.modules["ray"].is_initialized():
        yield None
        return
    yield sys.modules["ray"].put(make())


def ray_get(reference: Any) -> Any:
    """Take a value out of Ray's object store, in a Ray worker."""
    return sys.modules["ray"].get(reference)


def let_ray_yield() -> None:
    """Have Ray's backend hand out results as they come.

    It inherits "no generators" from multiprocessing's, whose pool it does not use.
    """
    backend, _ = get_active_backend()
    if _is_ray(backend):
        backend.supports_return_generator = True


def _is_ray(backend: Any) -> bool:
    return type(backend).__module__.startswith("ray.")


def is_pandas(X: Any) -> bool:
    """Whether X is a pandas DataFrame, told without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(X, pandas.DataFrame)


def is_polars(X: Any) -> bool:
    """Whether X is a polars DataFrame, told without importing polars."""
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(X, polars.DataFrame)


def target_encoder(target_type: str) -> TargetEncoder:
    """Make an encoder whose cross-fitting is the same each time.

    scikit-learn 1.9 takes a splitter, older ones a seed.
    """
    if parse_version(sklearn.__version__) < parse_version("1.9"):
        return TargetEncoder(target_type=target_type, random_state=0)
    folds = KFold(5, shuffle=True, random_state=0)
    return TargetEncoder(target_type=target_type, cv=folds)


def elastic_net_classifier(**params: Any) -> LogisticRegression:
    """Make a logistic regression with both penalties, which scikit-learn 1.7 must be told."""
    if parse_version(sklearn.__version__) < parse_version("1.8"):
        params["penalty"] = "elasticnet"
    return LogisticRegression(solver="saga", tol=1e-3, max_iter=200, **params)


def lightgbm_eval(X: Any, y: Any) -> dict[str, Any]:
    """Name rows to watch as LightGBM's ``fit`` does: eval_set until 4.6, then eval_X, eval_y."""
    from lightgbm import LGBMRegressor

    if "eval_X" in signature(LGBMRegressor.fit).parameters:
        return {"eval_X": X, "eval_y": y}
    return {"eval_set": [(X, y)]}
