"""Preparation of a table for a family of learners, done once for all that want the same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from joblib import hash as fingerprint
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

# Cells of the prepared tables that are kept, of 8 bytes each.
_MOST_CELLS = 40_000_000

_lock = threading.Lock()
_shared: dict[int, OrderedDict[str, _Prepared]] = {}


@dataclass
class _Prepared:
    """A table, or that somebody is at it: who wants it, waits."""

    table: Any = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def sharing(X: Any) -> Iterator[None]:
    """Let everything that prepares this very table meanwhile share what is the same.

    Parameters
    ----------
    X : DataFrame or array-like
        Must not change meanwhile.
    """
    with _lock:
        outermost = id(X) not in _shared
        if outermost:
            _shared[id(X)] = OrderedDict()
    try:
        yield
    finally:
        if outermost:
            with _lock:
                del _shared[id(X)]


class Preparation(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """A transformer whose results are shared, while :func:`sharing` a table, with its equals.

    Equal are those that have learned the same: mostly of the same fold, for another learner of
    the family, but also of other folds where these made no difference.

    Parameters
    ----------
    transformer : transformer
        What prepares; it must not change once it is fitted.

    Attributes
    ----------
    transformer_ : transformer
        Fitted.
    n_features_in_ : int
        Number of columns seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if they are strings.
    """

    def __init__(self, transformer: BaseEstimator) -> None:
        self.transformer = transformer

    def fit(self, X: Any, y: Any = None) -> Preparation:
        """Fit the transformer.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Training rows.
        y : array-like of shape (n_rows,), default=None
            Target.

        Returns
        -------
        self : Preparation
        """
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit the transformer, and transform the training rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Training rows.
        y : array-like of shape (n_rows,), default=None
            Target.

        Returns
        -------
        prepared : DataFrame or ndarray of shape (n_rows, n_features)
        """
        self.transformer_ = clone(self.transformer)
        prepared = self.transformer_.fit_transform(X, y)
        self._learned = fingerprint(self.transformer_)
        return prepared

    def transform(self, X: Any) -> Any:
        """Transform rows, or take what an equal has made of this table.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Rows with the columns of ``fit``.

        Returns
        -------
        prepared : DataFrame or ndarray of shape (n_rows, n_features)
            Not to be changed.
        """
        check_is_fitted(self)
        with _lock:
            known = _shared.get(id(X))
            if known is not None:
                wanted = known.setdefault(self._learned, _Prepared())
                known.move_to_end(self._learned)
        if known is None:
            return self.transformer_.transform(X)
        with wanted.lock:
            if wanted.table is None:
                wanted.table = self.transformer_.transform(X)
        with _lock:
            _forget(known)
        return wanted.table

    @property
    def n_features_in_(self) -> int:
        """Number of columns seen during fit."""
        return self.transformer_.n_features_in_

    @property
    def feature_names_in_(self) -> Any:
        """Names of the columns, if they are strings."""
        return self.transformer_.feature_names_in_

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "transformer_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.transformer)
        tags.input_tags, tags.target_tags = inner.input_tags, inner.target_tags
        return tags


def _forget(known: OrderedDict[str, _Prepared]) -> None:
    """Drop the tables that were last wanted longest ago, if there are many."""
    n_cells = sum(one.table.size for one in known.values() if one.table is not None)
    for key in list(known):
        if n_cells <= _MOST_CELLS:
            return
        if known[key].table is not None:
            n_cells -= known.pop(key).table.size
