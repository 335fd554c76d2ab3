"""Tables and targets that hypothesis invents: the kinds are drawn, a drawn seed fills them."""

import datetime
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import strategies as st
from scipy import sparse

WORDS = ["red", "blue", "grün", "青い", "", " ", "🦉", "a,b\n", "nan", "1"]
UNSEEN = ["never seen", "новый", "-1"]
NAMES = ["a", "b", "größe (m²)", "名前", "", " ", "a__b", "[x]<1>", "stack_nb", "🦉", "y", "0"]


def _words(rng, n_rows, unseen):
    words = np.array(WORDS + UNSEEN * unseen, dtype=object)
    return words[rng.integers(len(words), size=n_rows)]


def _sentences(rng, n_rows, unseen):
    return [" ".join(_words(rng, 4, unseen)) + f" number {i}" for i in range(n_rows)]


def _days(rng, n_rows):
    return pd.to_datetime("2024-01-31") + pd.to_timedelta(rng.integers(0, 900, n_rows), "D")


def _objects(values):
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


# Each makes a column of n rows; ``unseen`` adds values that the training rows never have.
COLUMNS = {
    "float": lambda rng, n, unseen: rng.normal(size=n),
    "float32": lambda rng, n, unseen: rng.normal(size=n).astype(np.float32),
    "float16": lambda rng, n, unseen: rng.normal(size=n).astype(np.float16),
    "int8": lambda rng, n, unseen: rng.integers(-9, 9, n).astype(np.int8),
    "huge int": lambda rng, n, unseen: rng.integers(2**62, 2**63 - 1, n),
    "uint64": lambda rng, n, unseen: rng.integers(2**63, 2**64 - 1, n, dtype=np.uint64),
    "huge float": lambda rng, n, unseen: rng.normal(size=n) * 1e300,
    "tiny float": lambda rng, n, unseen: rng.normal(size=n) * 1e-310,
    "bool": lambda rng, n, unseen: rng.integers(0, 2, n).astype(bool),
    "constant": lambda rng, n, unseen: np.full(n, 3.0 + unseen),
    "empty": lambda rng, n, unseen: np.full(n, np.nan),
    "none": lambda rng, n, unseen: np.full(n, None),
    "complex": lambda rng, n, unseen: rng.normal(size=n) * 1j,
    "words": _words,
    "sentences": _sentences,
    "string": lambda rng, n, unseen: pd.array(_words(rng, n, unseen), dtype="string"),
    "category": lambda rng, n, unseen: pd.Categorical(_words(rng, n, unseen)),
    "number category": lambda rng, n, unseen: pd.Categorical(rng.integers(0, 3 + unseen, n)),
    "Int64": lambda rng, n, unseen: pd.array(rng.integers(0, 9, n), dtype="Int64"),
    "Float32": lambda rng, n, unseen: pd.array(rng.normal(size=n), dtype="Float32"),
    "boolean": lambda rng, n, unseen: pd.array(rng.integers(0, 2, n), dtype="boolean"),
    "arrow": lambda rng, n, unseen: pd.array(_words(rng, n, unseen), dtype="string[pyarrow]"),
    "date": lambda rng, n, unseen: _days(rng, n),
    "zoned date": lambda rng, n, unseen: _days(rng, n).tz_localize("Europe/Berlin"),
    "far date": lambda rng, n, unseen: _objects([datetime.date(1 + 9000 * unseen, 1, 2)] * n),
    "date text": lambda rng, n, unseen: _days(rng, n).strftime("%Y-%m-%d"),
    "period": lambda rng, n, unseen: _days(rng, n).to_period("M"),
    "duration": lambda rng, n, unseen: pd.to_timedelta(rng.integers(0, 99, n), "h"),
    "interval": lambda rng, n, unseen: pd.cut(rng.uniform(size=n), np.linspace(-0.1, 1, 4)),
    "sparse column": lambda rng, n, unseen: pd.arrays.SparseArray(rng.integers(0, 2, n) * 1.0),
    "mixed": lambda rng, n, unseen: _objects([[1, "1", 2.5, True][i % 4] for i in range(n)]),
    "decimal": lambda rng, n, unseen: _objects([Decimal(i) / 3 for i in range(n)]),
    "huge object": lambda rng, n, unseen: _objects([10**30 + i for i in range(n)]),
    "bytes": lambda rng, n, unseen: _objects([b"\xff%d" % (i % 3) for i in range(n)]),
    "lists": lambda rng, n, unseen: _objects([[i, "x"] for i in range(n)]),
}
_POLARS = {"float", "float32", "int8", "bool", "constant", "empty", "words", "date", "duration"}
_NUMBERS = ("float64", "float32", "float16", "int64", "bool", "object", "str", "complex128")
_SPARSE = ("csr_matrix", "csc_array", "coo_array", "bsr_matrix", "dia_array", "lil_matrix")
_SHAPES = ("1-D", "3-D", "no rows", "no columns", "text", "None")


@dataclass
class Plan:
    """What a table is like; two tables of one plan have the same columns."""

    container: str
    columns: list[str]
    names: list[Any]
    missing: float
    infinite: float
    readonly: bool
    order: str
    odd_index: bool
    seed: int

    def make(self, n_rows: int, *, new: bool = False) -> Any:
        """Fill a table; ``new``: with values that the training rows never have."""
        rng = np.random.default_rng([self.seed, new])
        if self.container in _SHAPES:
            return _odd_shape(self.container, rng, n_rows)
        if self.container in ("frame", "polars"):
            return self._frame(rng, n_rows, new)
        return self._array(rng, n_rows)

    def _frame(self, rng: np.random.Generator, n_rows: int, new: bool) -> Any:
        columns = []
        for kind in self.columns:
            if kind == "duplicate":
                columns.append(columns[-1] if columns else pd.Series(rng.normal(size=n_rows)))
                continue
            column = pd.Series(COLUMNS[kind](rng, n_rows, new))
            if self.infinite and column.dtype.kind == "f":
                column = column.mask(rng.uniform(size=n_rows) < self.infinite, np.inf)
            columns.append(column.mask(rng.uniform(size=n_rows) < self.missing))
        if self.container == "polars":
            named = {f"{self.names[i]}{i}": _plain(x) for i, x in enumerate(columns)}
            return pl.DataFrame(named, strict=False)
        frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=range(n_rows))
        frame.columns = self.names
        if self.odd_index:
            frame.index = rng.integers(0, 3, n_rows)
        return frame

    def _array(self, rng: np.random.Generator, n_rows: int) -> Any:
        values = rng.normal(size=(n_rows, len(self.columns))) * 3
        if self.container in ("float64", "float32", "float16", "object", "list"):
            values[rng.uniform(size=values.shape) < self.missing] = np.nan
            values[rng.uniform(size=values.shape) < self.infinite] = -np.inf
        if self.container == "list":
            return values.tolist()
        if self.container in _SPARSE:
            values[np.abs(values) < 2] = 0
            return getattr(sparse, self.container)(values)
        values = values.astype(self.container, order=self.order)
        values.flags.writeable = not self.readonly
        return values


def _plain(column: pd.Series) -> list[Any]:
    return column.astype(object).where(column.notna(), None).tolist()


def _odd_shape(container: str, rng: np.random.Generator, n_rows: int) -> Any:
    if container == "None":
        return None
    if container == "text":
        return "a table"
    shape = {"1-D": (n_rows,), "3-D": (n_rows, 2, 2), "no rows": (0, 2), "no columns": (n_rows, 0)}
    return rng.normal(size=shape[container])


@st.composite
def plans(draw: Any, *, mostly_frames: bool = False) -> Plan:
    """Draw what a table is like: mostly frames, of any columns."""
    odd = st.sampled_from(("polars", "list", *_NUMBERS, *_SPARSE))
    frame = st.just("frame")
    frames = [frame] * (12 if mostly_frames else 4)
    container = draw(st.one_of(*frames, odd, odd, odd, odd))
    if draw(st.integers(0, 29)) == 7:
        container = draw(st.sampled_from(_SHAPES))
    allowed = sorted(_POLARS) if container == "polars" else [*COLUMNS, "duplicate"]
    # Tables of numbers alone get further into the code.
    plain = st.sampled_from(["float", "float32", "int8", "bool", "constant"])
    kinds = plain if draw(st.booleans()) else st.sampled_from(allowed)
    columns = draw(st.lists(kinds, min_size=0 if draw(st.integers(0, 19)) == 7 else 1, max_size=5))
    names = st.sampled_from(NAMES) if draw(st.booleans()) else st.integers(0, 9)
    unique = draw(st.integers(0, 9)) != 5
    share = st.sampled_from([0.0, 0.0, 0.1, 0.6])
    return Plan(
        container,
        columns,
        draw(st.lists(names, min_size=len(columns), max_size=len(columns), unique=unique)),
        draw(share),
        draw(st.sampled_from([0.0, 0.0, 0.0, 0.1])),
        draw(st.booleans()),
        draw(st.sampled_from("CF")),
        draw(st.booleans()),
        draw(st.integers(0, 2**32 - 1)),
    )
