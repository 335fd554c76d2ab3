"""Targets that hypothesis chooses: labels and numbers, sound ones and others."""

from decimal import Decimal

import numpy as np
import pandas as pd
from scipy import sparse


def _codes(rng, n_rows, n_classes=3):
    return rng.integers(0, n_classes, n_rows)


def _objects(values):
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _rare(rng, n):
    return np.where(np.arange(n) == 0, "rare", np.where(np.arange(n) % 2, "a", "b"))


# Each makes a target of n rows.
LABELS = {
    "strings": lambda rng, n: np.array(["no", "yes", "perhaps"])[_codes(rng, n)],
    "unicode": lambda rng, n: np.array(["", "ñ", "🦉"], dtype=object)[_codes(rng, n)],
    "bools": lambda rng, n: _codes(rng, n, 2).astype(bool),
    "bool objects": lambda rng, n: _objects([bool(c) for c in _codes(rng, n, 2)]),
    "rare": _rare,
    "rare binary": lambda rng, n: np.arange(n) == 0,
    "ints": lambda rng, n: _codes(rng, n),
    "list": lambda rng, n: _codes(rng, n).tolist(),
    "list of strings": lambda rng, n: ["xyz"[c] for c in _codes(rng, n)],
    "huge ints": lambda rng, n: _codes(rng, n) + (2**62),
    "uint64": lambda rng, n: _codes(rng, n).astype(np.uint64) + np.uint64(2**63),
    "beyond int64": lambda rng, n: _objects([10**30 + int(c) for c in _codes(rng, n)]),
    "negative int8": lambda rng, n: (_codes(rng, n) - 100).astype(np.int8),
    "whole floats": lambda rng, n: _codes(rng, n) * 1.0 - 1,
    "huge floats": lambda rng, n: _codes(rng, n) * 1e300,
    "column": lambda rng, n: _codes(rng, n)[:, None],
    "frame": lambda rng, n: pd.DataFrame({"y": _codes(rng, n)}),
    "series": lambda rng, n: pd.Series(_codes(rng, n), index=rng.integers(0, 3, n)),
    "categorical": lambda rng, n: pd.Series(
        pd.Categorical.from_codes(_codes(rng, n), list("zab"))
    ),
    "plain categorical": lambda rng, n: pd.Categorical.from_codes(_codes(rng, n), list("zab")),
    "Int64": lambda rng, n: pd.Series(_codes(rng, n), dtype="Int64"),
    "boolean": lambda rng, n: pd.Series(_codes(rng, n, 2), dtype="boolean"),
    "string": lambda rng, n: pd.Series(list("xyz"), dtype="string")[_codes(rng, n)],
    "read-only": lambda rng, n: np.broadcast_to(np.arange(2), ((n + 1) // 2, 2)).ravel()[:n],
    "a class a row": lambda rng, n: np.arange(n),
    "multilabel": lambda rng, n: rng.integers(0, 2, (n, 2)),
    "sparse multilabel": lambda rng, n: sparse.csr_matrix(rng.integers(0, 2, (n, 2))),
}
NUMBERS = {
    "floats": lambda rng, n: rng.normal(size=n),
    "float32": lambda rng, n: rng.normal(size=n).astype(np.float32),
    "float16": lambda rng, n: rng.normal(size=n).astype(np.float16),
    "ints": lambda rng, n: rng.integers(-9, 9, n),
    "uint8": lambda rng, n: rng.integers(0, 256, n).astype(np.uint8),
    "bools": lambda rng, n: _codes(rng, n, 2).astype(bool),
    "constant": lambda rng, n: np.full(n, 7.0),
    "zeros": lambda rng, n: np.zeros(n),
    "huge ints": lambda rng, n: rng.integers(2**62, 2**63 - 1, n),
    "beyond int64": lambda rng, n: _objects([10**30 + int(i) for i in _codes(rng, n)]),
    "large floats": lambda rng, n: rng.normal(size=n) * 1e100,
    "huge floats": lambda rng, n: rng.normal(size=n) * 1e300,
    "tiny floats": lambda rng, n: rng.normal(size=n) * 1e-300,
    "offset": lambda rng, n: rng.normal(size=n) + 1e12,
    "list": lambda rng, n: rng.normal(size=n).tolist(),
    "objects": lambda rng, n: _objects([float(i) for i in range(n)]),
    "decimals": lambda rng, n: _objects([Decimal(i) / 3 for i in range(n)]),
    "number texts": lambda rng, n: np.arange(n).astype(str),
    "column": lambda rng, n: rng.normal(size=(n, 1)),
    "series": lambda rng, n: pd.Series(rng.normal(size=n), index=rng.integers(0, 3, n)),
    "Int64": lambda rng, n: pd.Series(rng.integers(0, 9, n), dtype="Int64"),
    "Float64": lambda rng, n: pd.Series(rng.normal(size=n), dtype="Float64"),
    "two targets": lambda rng, n: rng.normal(size=(n, 2)),
    "frame of two": lambda rng, n: pd.DataFrame(rng.normal(size=(n, 2)), columns=["y", "z"]),
}
WRONG = {
    "one class": lambda rng, n: np.full(n, "same"),
    "None": lambda rng, n: None,
    "no rows": lambda rng, n: np.empty(0),
    "too short": lambda rng, n: _codes(rng, n)[1:],
    "a number": lambda rng, n: 3,
    "text": lambda rng, n: "yes",
    "NaN": lambda rng, n: np.where(np.arange(n) == 0, np.nan, 1.0 * _codes(rng, n)),
    "infinity": lambda rng, n: np.where(np.arange(n) == 0, np.inf, 1.0 * _codes(rng, n)),
    "None among strings": lambda rng, n: _objects(
        [None if i == 0 else "ab"[i % 2] for i in range(n)]
    ),
    "NA among Int64": lambda rng, n: pd.Series([None, *_codes(rng, n)[1:]], dtype="Int64"),
    "NA among strings": lambda rng, n: pd.Series([None, *["a"] * (n - 1)], dtype="string"),
    "missing category": lambda rng, n: pd.Categorical.from_codes(
        [-1, *_codes(rng, n)[1:]], list("abc")
    ),
    "pd.NA object": lambda rng, n: _objects([pd.NA if i == 0 else i % 2 for i in range(n)]),
    "mixed types": lambda rng, n: _objects([1 if i % 2 else "a" for i in range(n)]),
    "dates": lambda rng, n: pd.Series(pd.date_range("2024-01-01", periods=n, tz="UTC")),
    "plain dates": lambda rng, n: np.datetime64("2024-01-01", "ns") + _codes(rng, n),
    "durations": lambda rng, n: np.arange(n).astype("timedelta64[s]"),
    "complex": lambda rng, n: 1j * _codes(rng, n),
    "bytes": lambda rng, n: np.array([b"a", b"\xff"])[_codes(rng, n, 2)],
    "lists": lambda rng, n: _objects([[i % 2] for i in range(n)]),
    "ragged": lambda rng, n: [[1] * (1 + i % 2) for i in range(n)],
    "3-D": lambda rng, n: np.zeros((n, 2, 2)),
    "continuous": lambda rng, n: rng.normal(size=n),
    "several columns": lambda rng, n: rng.integers(0, 5, (n, 3)),
    "no columns": lambda rng, n: np.empty((n, 0)),
    "sparse": lambda rng, n: sparse.csr_matrix(_codes(rng, n)[:, None]),
    "dict": lambda rng, n: {"y": [1] * n},
    "set": lambda rng, n: {*range(n)},
    "generator": lambda rng, n: (i % 2 for i in range(n)),
}
