"""Short texts: what their letters say, in a few numbers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import hash as fingerprint
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.pipeline import Pipeline, make_pipeline

if TYPE_CHECKING:
    import pandas as pd

# Texts differ from row to row and are made of words; categories are not.
_FEWEST_DIFFERENT, _FEWEST_WORDS = 0.5, 2.5
_N_COMPONENTS, _N_HASHES = 12, 2048
# Columns whose features a process keeps: the learners that want them come one after the other.
_MOST_KEPT = 24


def looks_like_text(column: pd.Series) -> bool:
    """Whether most values differ and have several words.

    Parameters
    ----------
    column : Series
        Not numbers, dates or categoricals.
    """
    import pandas as pd

    there = column.dropna()
    if isinstance(column.dtype, pd.CategoricalDtype) or len(there) < 2:
        return False
    # Not ``astype(str)``, which decodes bytes and fails where they are no UTF-8.
    texts = there[:1000].map(str)
    if texts.nunique() < _FEWEST_DIFFERENT * len(texts):
        return False
    return float(texts.str.count(r"\s+").mean()) + 1 >= _FEWEST_WORDS


@dataclass
class TextColumn:
    """Hashed n-grams of letters, weighed by how rare they are, in a few principal directions.

    Attributes
    ----------
    letters : Pipeline
        Texts to numbers.
    n_features : int
        How many numbers.
    learned_from : str
        Digest of the training rows.
    """

    letters: Pipeline
    n_features: int
    learned_from: str

    @classmethod
    def learn(cls, column: pd.Series) -> TextColumn:
        """Find the directions in which the texts differ most."""
        texts = _texts(column)
        digest = fingerprint(texts)
        return _kept((digest, ""), lambda: cls._learn(texts, digest))

    @classmethod
    def _learn(cls, texts: list[str], digest: str) -> TextColumn:
        n_components = min(_N_COMPONENTS, len(texts) - 1)
        letters = make_pipeline(
            HashingVectorizer(
                analyzer="char_wb", ngram_range=(2, 4), n_features=_N_HASHES, alternate_sign=False
            ),
            TfidfTransformer(sublinear_tf=True),
            TruncatedSVD(n_components, random_state=0),
        )
        letters.fit(texts)
        return cls(letters, n_components, digest)

    @property
    def features(self) -> tuple[str, ...]:
        """Suffixes of the features."""
        return tuple(f"_text_{i}" for i in range(self.n_features))

    def __call__(self, column: pd.Series) -> list[Any]:
        """Return the numbers of each text; of a missing one they are missing."""
        texts = _texts(column)
        values = _kept(
            (self.learned_from, fingerprint(texts)),
            lambda: self.letters.transform(texts) if texts else np.empty((0, self.n_features)),
        )
        values = np.where(column.isna().to_numpy()[:, None], np.nan, values)
        return list(values.T)


_memory: OrderedDict[tuple[str, str], Any] = OrderedDict()


def _kept(key: tuple[str, str], make: Callable[[], Any]) -> Any:
    """Make something once for all learners that prepare the same rows in this process."""
    found = _memory.get(key)
    if found is None:
        found = _memory[key] = make()
        while len(_memory) > _MOST_KEPT:
            _memory.popitem(last=False)
    return found


def _texts(column: pd.Series) -> list[str]:
    return ["" if missing else str(x) for x, missing in zip(column, column.isna(), strict=True)]
