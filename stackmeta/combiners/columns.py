"""Which columns of a table are predictions, and those columns as numbers."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array

# How NumPy, pandas and polars say that dates, lists and the like are no numbers.
_NO_NUMBERS = ("float() argument", "cast", "promoted", "array element", "convert")


def find_columns(columns: Any, width: int, names: np.ndarray | None) -> slice | list[int]:
    """Turn ``prediction_columns`` into positions: a slice where that is possible.

    Parameters
    ----------
    columns : None, int, slice or array-like of int, bool or str
        All columns, the first ``columns``, a slice of positions or names (both ends
        included, as in pandas), or which.
    width : int
        Number of columns of X.
    names : ndarray of shape (width,) or None
        Their names.

    Raises
    ------
    ValueError
        If X has no such columns, or none is chosen.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.columns import find_columns
    >>> names = np.array(["rf", "lr", "age"])
    >>> find_columns(2, 3, names), find_columns(["age", "rf"], 3, names)
    (slice(0, 2, None), [2, 0])
    """
    if columns is None:
        return slice(0, width)
    if isinstance(columns, Integral):
        columns = slice(0, int(columns))
        if columns.stop > width:
            raise ValueError(f"prediction_columns={columns.stop}, but X has {width} columns only.")
    if isinstance(columns, slice):
        start, stop = columns.start, columns.stop
        if isinstance(start, str):
            start = _position(start, width, names)
        if isinstance(stop, str):
            stop = _position(stop, width, names) + 1
        part = slice(start, stop, columns.step)
        if range(width)[part]:
            return part
    else:
        asked = np.asarray(columns)
        if asked.dtype.kind == "b" and len(asked) == width:
            asked = np.flatnonzero(asked)
        if len(asked):
            return [_position(column, width, names) for column in asked.tolist()]
    raise ValueError(f"prediction_columns={columns!r} selects none of the {width} columns.")


def _position(column: Any, width: int, names: np.ndarray | None) -> int:
    if isinstance(column, int) and -width <= column < width:
        return column
    if isinstance(column, str) and names is not None and column in names:
        return int(np.flatnonzero(names == column)[0])
    known = "" if names is None else f": {names.tolist()}"
    raise ValueError(
        f"prediction_columns: {column!r} is not among the {width} columns of X{known}. Names need "
        "a DataFrame with strings for names; positions count from 0."
    )


def as_numbers(part: Any) -> np.ndarray:
    """Turn prediction columns into a float matrix; NaN is kept and float32 stays float32.

    Raises
    ------
    ValueError
        If they hold text.
    """
    if sparse.issparse(part):
        part = part.toarray()
    with explained_text():
        return check_array(
            part, dtype=[np.float64, np.float32], ensure_all_finite=False, input_name="X"
        )


class explained_text:
    """Context that says what text among the predictions means, where NumPy meets some."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if not isinstance(error, (ValueError, TypeError)):
            return
        if "convert string to float" in str(error):
            text = str(error).rpartition("float: ")[2]
            raise ValueError(
                f"X holds the text {text} among its predictions, such as predicted labels. A "
                "combiner reads numbers: use stack_method='predict_proba' for classifiers, and "
                "where other columns are there too, say which are predictions with "
                "prediction_columns."
            ) from error
        if any(words in str(error) for words in _NO_NUMBERS):
            plain = TypeError if isinstance(error, TypeError) else ValueError
            raise plain(
                f"X holds what is no number among its predictions: {error}. Where other columns "
                "are there, say which are predictions with prediction_columns."
            ) from error
