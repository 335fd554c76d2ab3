"""OutOfFoldStore: a folder that keeps every finished fit."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Iterable, Mapping
from copy import copy
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

import numpy as np

from ..result import OutOfFold
from ..warning import warn_caller
from .files import DamagedError, ObjectFolder, clear_unfinished

if TYPE_CHECKING:
    import pandas as pd

#: Version of what is written; another is not read.
FORMAT = 1
_MARK = "stackmeta-store.json"
_TEXT = "A store of stackmeta: stackmeta.OutOfFoldStore(path) reads it. Models in it are pickles."


class OutOfFoldStore:
    """A folder that keeps every finished fit of stacks, so that none is done twice.

    To be given as ``store=`` where a path is not enough. A fit is found again by its content:
    class, parameters and seeds of the learner, library versions, the rows and columns that it
    read, the target and fit parameters. Several processes and machines may use a folder at once.

    Parameters
    ----------
    path : str or Path
        A folder; made if it is not there.
    store_models : bool, default=True
        Whether models are kept beside predictions. Without them refits, and folds whose models
        predict new rows, are done again.
    max_bytes : int, default=None
        When the folder holds more, the fits that were written first are removed.
    on_error : {"raise", "warn"}, default="raise"
        What happens when a fit cannot be written, as on a full disk: the stack stops, or it
        warns and goes on without the store.

    Attributes
    ----------
    path : Path

    Notes
    -----
    Models are pickles, which can run any code when they are loaded: they are loaded only by a fit
    that goes on, so use folders that you trust. Predictions and the index are read without
    unpickling. Checksums tell damage, not malice.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from stackmeta import OutOfFoldStore, StackingClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> learners = [("line", LogisticRegression()), ("tree", DecisionTreeClassifier())]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stack = StackingClassifier(learners, store=folder, random_state=0).fit(X, y)
    ...     OutOfFoldStore(folder).to_frame().groupby("learner").size().to_dict()
    {'line': 6, 'tree': 6}
    """

    def __init__(
        self,
        path: Any,
        *,
        store_models: bool = True,
        max_bytes: int | None = None,
        on_error: str = "raise",
    ) -> None:
        if on_error not in ("raise", "warn"):
            raise ValueError(f"on_error must be 'raise' or 'warn', got {on_error!r}.")
        if max_bytes is not None and max_bytes <= 0:
            raise ValueError(f"max_bytes must be above 0 or None, got {max_bytes!r}.")
        self.path = Path(path)
        self.store_models = store_models
        self.max_bytes = max_bytes
        self.on_error = on_error
        self.fits = ObjectFolder(self.path, "fits")
        self.data = ObjectFolder(self.path, "data")
        self.partitions = ObjectFolder(self.path, "partitions")
        #: 1: learners on X; 2: meta-learners on what these predict.
        self.level = 1
        self._off = False

    def next_level(self) -> OutOfFoldStore:
        """Give the same folder, for fits on predictions of those of this level."""
        above = copy(self)
        above.level += 1
        return above

    def open(self) -> None:
        """Make the folder, or see that it is a store that can be written.

        Raises
        ------
        ValueError
            If it is a folder of something else, or of another version.
        OSError
            If it cannot be written (with ``on_error="raise"``).
        """
        self._off = False
        mark = self.path / _MARK
        if mark.exists():
            self._check_format(mark)
        elif self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise ValueError(
                f"store={str(self.path)!r} is there and is no store: name a new or empty folder."
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not mark.exists():
                mark.write_text(json.dumps({"format": FORMAT, "about": _TEXT}))
            if not os.access(self.path, os.W_OK):
                raise PermissionError(f"{str(self.path)!r} is read-only")
            clear_unfinished(self.path)
        except OSError as error:
            self._cannot_write(error)

    def _check_format(self, mark: Path) -> None:
        try:
            found = json.loads(mark.read_bytes()[:10_000])["format"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(
                f"{str(mark)!r} is damaged ({error}): name another folder."
            ) from error
        if found != FORMAT:
            raise ValueError(
                f"store={str(self.path)!r} has format {found!r}, this stackmeta writes {FORMAT}: "
                "name another folder."
            )

    def _cannot_write(self, error: OSError) -> None:
        text = f"store={str(self.path)!r} cannot be written: {error}."
        if self.on_error == "raise":
            raise OSError(
                error.errno,
                f"{text} Free some space or name another folder; what it holds stays usable. "
                "OutOfFoldStore(path, on_error='warn') goes on without it.",
            ) from error
        warn_caller(f"{text} The stack goes on without it.")
        self._off = True

    def write_fit(
        self,
        key: str,
        index: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray],
        model: bytes | None,
    ) -> bool:
        """Write a fit; give whether it is there now."""
        if self._off:
            return False
        try:
            self.fits.write(key, index, arrays, model)
        except OSError as error:
            self._cannot_write(error)
            return False
        if self.max_bytes is not None:
            self.prune(max_bytes=self.max_bytes)
        return True

    def write_once(
        self,
        folder: ObjectFolder,
        key: str,
        index: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray],
    ) -> None:
        """Write an object that may be there already."""
        try:
            if not self._off and key not in folder:
                folder.write(key, index, arrays)
        except OSError as error:
            self._cannot_write(error)

    def __len__(self) -> int:
        return sum(1 for _ in self.fits)

    def __repr__(self) -> str:
        return f"OutOfFoldStore({str(self.path)!r})"

    def to_frame(self) -> pd.DataFrame:
        """List the fits, in the order in which they were written.

        Returns
        -------
        table : DataFrame
            A row a fit: ``learner``, ``estimator``, ``params``, ``what`` ("fold", "refit" or "all
            folds"), ``fold``, ``loss`` of the held-out rows, ``seconds``, ``written`` (UTC),
            ``bytes``, ``has_model``, ``level`` (1: on X; 2: on predictions of level 1), ``data``
            (which X and y; a key), ``versions`` and ``key``.
            Damaged ones are left out, with a warning.
        """
        import pandas as pd

        columns = ["learner", "estimator", "params", "what", "fold", "loss", "seconds", "written"]
        more = ["bytes", "has_model", "level", "data", "versions", "key"]
        rows = [
            {
                **{name: index[name] for name in columns},
                "bytes": self.fits.n_bytes(key),
                "has_model": "model.pkl" in index["files"],
                "level": index["level"],
                "data": index["data"],
                "versions": index["versions"],
                "key": key,
            }
            for key, index in self.indices()
        ]
        table = pd.DataFrame(rows, columns=columns + more)
        table["fold"] = table["fold"].astype("Int64")
        table["written"] = pd.to_datetime(table["written"], utc=True)
        return table.sort_values(["written", "learner", "fold"], ignore_index=True)

    def indices(self) -> Iterable[tuple[str, dict[str, Any]]]:
        """Read the index of each fit; damaged ones are left out, with a warning."""
        damaged = []
        for key in self.fits:
            try:
                index = self.fits.index(key)
                if index["format"] == FORMAT:
                    yield key, index
            except (DamagedError, KeyError) as error:
                damaged.append(str(error))
        if damaged:
            warn_caller(f"{len(damaged)} fits of the store are damaged, such as {damaged[0]}")

    def model(self, key: str) -> Any:
        """Load the model of a fit. It is a pickle: do so only with stores that you trust.

        Parameters
        ----------
        key : str
            Of a row of :meth:`to_frame` with ``has_model``.

        Returns
        -------
        model : estimator
            The fitted learner; of ``what="all folds"``, the learner on all rows.

        Raises
        ------
        KeyError
            If there is no such fit, or it has no model.
        """
        try:
            index = self.fits.index(key)
            found = self.fits.model(key, index)
        except DamagedError as error:
            raise KeyError(f"{self} has no such fit: {error} See to_frame().") from error
        if found is None:
            raise KeyError(f"{self} keeps no model of the fit {key!r}.")
        model = pickle.loads(found)
        return model[0] if index["what"] == "all folds" else model

    def prune(
        self,
        *,
        older_than: float | None = None,
        max_bytes: int | None = None,
        learner: str | None = None,
        data: str | None = None,
    ) -> int:
        """Remove fits.

        Parameters
        ----------
        older_than : float, default=None
            Seconds since they were written.
        max_bytes : int, default=None
            Remove the oldest until the others take no more.
        learner : str, default=None
            Only those of the learner of this name.
        data : str, default=None
            Only those of this X and y, a key of ``to_frame()["data"]``.

        Returns
        -------
        n_removed : int

        Raises
        ------
        ValueError
            If nothing says what to remove.
        """
        if older_than is None and max_bytes is None and learner is None and data is None:
            raise ValueError("prune() needs older_than, max_bytes, learner or data.")
        keys = [*self.fits]
        if learner is not None or data is not None:
            keys = [
                key
                for key, index in self.indices()
                if learner in (None, index["learner"]) and data in (None, index["data"])
            ]
        written = {key: self.fits.written(key) for key in keys}
        keys.sort(key=written.__getitem__, reverse=True)
        sizes = np.cumsum([self.fits.n_bytes(key) for key in keys])
        now, removed = time(), 0
        for key, size in zip(keys, sizes, strict=True):
            old = older_than is None or now - written[key] > older_than
            if old and (max_bytes is None or size > max_bytes):
                self.fits.remove(key)
                removed += 1
        return removed

    def out_of_fold(self, data: str | None = None) -> OutOfFold:
        """Put the predictions of the learners that are complete together, for a combiner.

        Parameters
        ----------
        data : str, default=None
            Which X and y, a key of ``to_frame()["data"]``; None: the only one there is.

        Returns
        -------
        oof : OutOfFold
            Without models. Of several partitions into folds, the one with most learners.

        Raises
        ------
        ValueError
            If there is none, or there are several.
        """
        from .assembly import assemble

        return assemble(self, data)


def as_store(store: Any) -> OutOfFoldStore:
    """Take a path for the store in it."""
    return store if isinstance(store, OutOfFoldStore) else OutOfFoldStore(store)
