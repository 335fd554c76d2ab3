"""y as learners see it: codes of classes, or numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_array, column_or_1d

from ..compat import safe_indexing

# Beyond, losses overflow: a square, and a sum of many.
_LARGEST = 1e150


@dataclass(frozen=True)
class Target:
    """The encoded target and what is needed to read predictions of it.

    Attributes
    ----------
    kind : {"classes", "multilabel", "numbers"}
        Binary and multiclass targets are "classes".
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs), or None
        Codes 0 … n_classes - 1, 0/1 indicators, or numbers; None where only the meaning of
        predictions matters.
    n_outputs : int
        Number of columns of y.
    classes : ndarray of shape (n_classes,), list of ndarray (multilabel), or None
        The original labels.
    priors : ndarray of shape (n_classes,) or (n_outputs, 2), or None
        Class frequencies.
    """

    kind: str
    y: Any
    n_outputs: int = 1
    classes: Any = None
    priors: Any = None

    @property
    def n_classes(self) -> int:
        """Number of classes; 2 for each output of a multilabel target."""
        return 2 if self.kind == "multilabel" else len(self.classes)

    def n_columns(self, method: str) -> int:
        """Columns of a learner that answers with ``method``: a target, an output or a class."""
        one_a_class = self.kind == "classes" and method != "predict" and self.n_classes > 2
        return self.n_classes if one_a_class else self.n_outputs

    @property
    def original_y(self) -> np.ndarray:
        """Y with its original labels."""
        return self.decode(self.y)

    def without_y(self) -> Target:
        """Return the meaning of predictions alone, holding no row."""
        return replace(self, y=None)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Turn codes into the original labels."""
        codes = np.asarray(codes)
        if self.kind == "numbers":
            return codes
        codes = codes.astype(np.intp, copy=False)
        if self.kind == "multilabel":
            return np.column_stack([c[k] for c, k in zip(self.classes, codes.T, strict=True)])
        return self.classes[codes]


def encode_target(y: Any, *, classifier: bool, caller: str) -> Target:
    """Check ``y`` and encode it.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        Labels (strings or numbers), multilabel indicators, or numbers.
    classifier : bool
        Whether y holds classes.
    caller : str
        Who asks, for error messages.

    Raises
    ------
    ValueError
        If y is missing, holds NaN or infinity, has fewer than two classes, or is
        continuous where classes are wanted.
    """
    if y is None:
        raise ValueError(f"{caller} requires y to be passed, but the target y is None.")
    if _shape(y)[:1] == (0,):
        raise ValueError(f"{caller} got an empty y: found array with 0 sample(s).")
    return _encode_classes(y, caller) if classifier else _encode_numbers(y)


def plain(label: Any) -> Any:
    """Take numpy's type from a label, for messages."""
    return label.item() if isinstance(label, np.generic) else label


def read_numbers(y: Any, *, dtype: Any = "numeric") -> np.ndarray:
    """Read the target of a regression.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_targets)
    dtype : dtype, default="numeric"
        Of the answer; "numeric" keeps what are numbers, and makes them of objects.

    Raises
    ------
    ValueError, TypeError
        If y holds anything but finite numbers, or some whose squares are not finite.
    """
    try:
        numbers = check_array(y, ensure_2d=False, dtype=dtype, input_name="y")
        if numbers.dtype.kind not in "biuf":
            raise TypeError(f"got dtype {numbers.dtype}.")
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"y of a regression holds finite numbers: {error}") from error
    # In Python's floats: the absolute value of the least integer is none of its dtype.
    largest = max(abs(float(numbers.min())), abs(float(numbers.max()))) if numbers.size else 0.0
    if largest > _LARGEST:
        raise ValueError(
            f"y holds {largest:g}, whose square is not finite in double precision: divide y by a "
            "constant, or take its logarithm."
        )
    return numbers


def as_column(y: Any) -> np.ndarray:
    """Read a target of one column.

    Raises
    ------
    ValueError
        If y has several, or no rows.
    """
    _shape(y)
    return column_or_1d(y, warn=True)


def _shape(y: Any) -> tuple[int, ...]:
    try:
        shape = y.shape if hasattr(y, "shape") else np.asarray(y).shape
    except ValueError as error:
        raise ValueError(f"y holds lists of different lengths: {error}") from error
    if len(shape) not in (1, 2):
        raise ValueError(
            f"y should be a list or an array with a value a row, or a row of values a row; got "
            f"{type(y).__name__} of shape {shape}."
        )
    return shape


def _encode_classes(y: Any, caller: str) -> Target:
    _refuse_missing_labels(y)
    _refuse_odd_labels(y)
    check_classification_targets(y)
    if type_of_target(y) == "multilabel-indicator":
        y = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
        encoded = [np.unique(column, return_inverse=True) for column in y.T]
        for output, (classes, _) in enumerate(encoded):
            if len(classes) < 2:
                raise ValueError(
                    f"Output {output} of y contains one class only, {plain(classes[0])!r}. "
                    f"{caller} needs two classes in each output: drop that output."
                )
        codes = np.column_stack([codes for _, codes in encoded])
        share = codes.mean(axis=0)
        return Target(
            "multilabel",
            codes,
            n_outputs=codes.shape[1],
            classes=[classes for classes, _ in encoded],
            priors=np.column_stack([1 - share, share]),
        )
    y = column_or_1d(y, warn=True)
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"y contains one class only, {plain(classes[0])!r}. {caller} needs at least two "
            "classes: check how y was selected."
        )
    priors = np.bincount(codes) / len(codes)
    return Target("classes", codes, classes=classes, priors=priors)


def _refuse_missing_labels(y: Any) -> None:
    if hasattr(y, "isna"):
        missing = np.asarray(y.isna())
    elif isinstance(y, (list, tuple)) or getattr(y, "dtype", None) is np.dtype(object):
        missing = np.array([label is None or _is_nan(label) for label in y], dtype=bool)
    else:
        return
    if missing.any():
        raise ValueError(
            f"y contains missing values (NaN or None), {int(missing.sum())} of {len(y)}: drop "
            "those rows."
        )


def _refuse_odd_labels(y: Any) -> None:
    """Refuse objects that scikit-learn takes no labels of, or that cannot be sorted."""
    if issparse(y):
        return
    labels = np.asarray(y)
    if labels.dtype != object:
        return
    types = sorted({type(label).__name__ for label in labels.ravel()} - {"str", "str_"})
    if types:
        raise ValueError(
            f"Unknown label type: y is an array of objects, among them {' and '.join(types)}. "
            "Labels are all strings, all whole numbers or all booleans: y.astype(str), or "
            "y.astype(int)."
        )


def _is_nan(label: Any) -> bool:
    return isinstance(label, (float, np.floating)) and bool(np.isnan(label))


def _encode_numbers(y: Any) -> Target:
    try:
        y = read_numbers(y)
    except ValueError as error:
        if "string" in str(error):
            error.add_note("y holds classes if any of the learners is a classifier; none is.")
        raise
    if y.ndim == 1 or y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    return Target("numbers", y, n_outputs=1 if y.ndim == 1 else y.shape[1])


@dataclass(frozen=True)
class FoldLabels:
    """y of one fold's training rows, with classes numbered without gaps.

    Attributes
    ----------
    y : ndarray
        What the learner is fitted on.
    present : ndarray of shape (n_present,) or None
        The class codes that y's values stand for; None where nothing was renumbered.
    """

    y: np.ndarray
    present: np.ndarray | None = None


def fold_labels(target: Target, rows: np.ndarray | None, *, renumber: bool) -> FoldLabels:
    """Take the training rows' y; number the classes 0, 1, … where one is missing.

    Learners such as XGBoost refuse labels with gaps.
    """
    y = target.y if rows is None else safe_indexing(target.y, rows)
    if target.kind != "classes" or not renumber:
        return FoldLabels(y)
    present = np.unique(y)
    if len(present) == target.n_classes:
        return FoldLabels(y)
    return FoldLabels(np.searchsorted(present, y), present)
