"""Fingerprints of data: the same values give the same, wherever and whenever they are read."""

from __future__ import annotations

import datetime
import decimal
import pickle
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import numpy as np
from joblib import hash as hash_pickle
from scipy.sparse import issparse

from ...compat import is_pandas, is_polars

_SIZE = 20
# Of such objects the text says all there is.
_PLAIN = (
    str,
    bytes,
    bool,
    int,
    float,
    complex,
    type(None),
    decimal.Decimal,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    np.generic,
)


def digest(parts: Iterable[Any]) -> str:
    """Hash a sequence of strings, bytes and contiguous arrays, each with its length."""
    found = blake2b(digest_size=_SIZE)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        view = memoryview(data).cast("B") if len(data) else b""
        found.update(len(view).to_bytes(8, "little"))
        found.update(view)
    return found.hexdigest()


def fingerprint_data(value: Any) -> str:
    """Fingerprint an array, sparse matrix, table, or anything that can be pickled.

    Labels of rows do not count; names and dtypes of columns do.

    Parameters
    ----------
    value : object

    Returns
    -------
    fingerprint : str
        40 hexadecimal digits.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.out_of_fold.store.data_print import fingerprint_data
    >>> X = np.arange(6.0).reshape(3, 2)
    >>> fingerprint_data(X) == fingerprint_data(np.asfortranarray(X))
    True
    >>> fingerprint_data(X) == fingerprint_data(X + 1e-12)
    False
    """
    if issparse(value):
        rows = value.tocsr(copy=True)
        rows.sum_duplicates()
        parts = [_array(part) for part in (rows.data, rows.indices, rows.indptr)]
        return digest([type(value).__name__, str(value.shape), *parts])
    if hasattr(value, "to_frame"):
        value = value.to_frame()
    if is_pandas(value):
        return digest(
            [*_names(value), *(_column(value.iloc[:, i]) for i in range(value.shape[1]))]
        )
    if is_polars(value):
        columns = [_polars_column(value[name]) for name in value.columns]
        return digest(["polars", *map(str, value.columns), *columns])
    if isinstance(value, np.ndarray):
        return _array(value)
    return digest([type(value).__qualname__, hash_pickle(value)])


def _names(table: Any) -> list[str]:
    return [f"{type(name).__name__} {name!r}" for name in table.columns]


def _array(array: np.ndarray) -> str:
    if array.dtype.hasobject:
        return digest(["objects", str(array.shape), *_objects(array.ravel())])
    values = np.ascontiguousarray(array).reshape(-1)
    return digest([array.dtype.str, str(array.shape), values.view(np.uint8)])


def _column(column: Any) -> str:
    """Fingerprint a column of a pandas DataFrame."""
    kind = str(column.dtype)
    if kind == "category":
        codes = column.cat.codes.to_numpy()
        levels = fingerprint_data(np.asarray(column.cat.categories, dtype=object))
        return digest([kind, str(column.cat.ordered), levels, _array(codes)])
    if isinstance(column.dtype, np.dtype):
        return digest([kind, _array(column.to_numpy())])
    return digest([kind, _array(column.astype(object).to_numpy(dtype=object))])


def _polars_column(column: Any) -> str:
    kind = str(column.dtype)
    if column.dtype.is_numeric() and not column.null_count():
        return digest([kind, _array(column.to_numpy())])
    return digest([kind, *_objects(column.to_list())])


def _objects(values: Iterable[Any]) -> list[Any]:
    """Spell out objects: type and text where these say all, else their pickles."""
    values = list(values)
    if all(type(value) is str for value in values):
        lengths = np.fromiter(map(len, values), dtype=np.int64, count=len(values))
        return ["texts", lengths, "".join(values)]
    return [
        f"{type(value).__qualname__} {value!r}"
        if isinstance(value, _PLAIN)
        else pickle.dumps(value, protocol=5)
        for value in values
    ]
