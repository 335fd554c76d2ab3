"""Objects on disk: a folder each, written at once or not at all, with checksums against damage."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

_KEY = re.compile(r"[0-9a-f]{40}")
_INDEX, _MODEL = "entry.json", "model.pkl"
_UNFINISHED = "unfinished"
_STALE_SECONDS = 24 * 3600.0
# An index is a page of text.
_MOST_INDEX_BYTES = 4_000_000


class DamagedError(ValueError):
    """Raised for an object that is not what was written."""


class ObjectFolder:
    """Objects of one kind: ``<root>/<kind>/<first digits of the key>/<key>/``.

    Each holds ``entry.json`` and, by their names in it, arrays as ``.npy`` and ``model.pkl``.
    Nothing outside the folder is read or written: names come from here, never from what is on
    disk, and links are not followed.

    Parameters
    ----------
    root : Path
        The store.
    kind : str
        Name of the folder in it.
    """

    def __init__(self, root: Path, kind: str) -> None:
        self.root, self.kind = root, kind

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise DamagedError(f"{key!r} is no key.")
        path = self.root / self.kind / key[:2] / key
        for folder in (path.parent, path.parent.parent):
            if folder.is_symlink():
                raise DamagedError(f"{folder} is a link, which no store makes: remove it.")
        return path

    def __iter__(self) -> Iterator[str]:
        """List the keys of all objects, damaged ones among them."""
        for shelf in _folders(self.root / self.kind):
            for folder in _folders(shelf):
                if _KEY.fullmatch(folder.name) and folder.name[:2] == shelf.name:
                    yield folder.name

    def __contains__(self, key: str) -> bool:
        path = self._path(key)
        return path.is_dir() and not path.is_symlink()

    def write(
        self,
        key: str,
        index: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray],
        model: bytes | None = None,
    ) -> None:
        """Write an object, in place of one with this key.

        Parameters
        ----------
        key : str
        index : dict
            What JSON can hold.
        arrays : dict of str to ndarray
            No objects in them.
        model : bytes, default=None
            A pickle.
        """
        draft = self.root / _UNFINISHED / f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex}"
        try:
            # In here, too, for Ctrl-C may come while the folder is made.
            draft.mkdir(parents=True)
            files = {}
            for name, array in arrays.items():
                with (draft / f"{name}.npy").open("wb") as file:
                    np.save(file, array, allow_pickle=False)
                    _sync(file)
                files[f"{name}.npy"] = _sum(draft / f"{name}.npy")
            if model is not None:
                with (draft / _MODEL).open("wb") as file:
                    file.write(model)
                    _sync(file)
                files[_MODEL] = _sum(draft / _MODEL)
            index = {**index, "key": key, "files": files}
            text = json.dumps({**index, "checksum": _checksum(index)}, indent=1)
            with (draft / _INDEX).open("w", encoding="utf-8") as file:
                file.write(text)
                _sync(file)
            _sync_folder(draft)
            self._move_in(draft, self._path(key))
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _move_in(self, draft: Path, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(10):
            try:
                os.rename(draft, path)
            except OSError:
                # There is one already: another process was quicker, or it is damaged.
                if not path.exists():
                    raise
                self.remove(path.name)
                continue
            _sync_folder(path.parent)
            return
        raise OSError(f"{path} cannot be replaced: other processes write it all the time.")

    def remove(self, key: str) -> None:
        """Take an object away, at once for whoever reads."""
        path = self._path(key)
        if path.is_symlink():
            path.unlink()
            return
        away = self.root / _UNFINISHED / f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex}"
        away.parent.mkdir(exist_ok=True)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.rename(path, away)
        finally:
            shutil.rmtree(away, ignore_errors=True)

    def index(self, key: str) -> dict[str, Any]:
        """Read an object's index.

        Raises
        ------
        DamagedError
            If it is not as it was written.
        """
        path = self._path(key) / _INDEX
        try:
            with _opened(path) as file:
                data = file.read(_MOST_INDEX_BYTES)
            index = json.loads(data)
            checksum = index.pop("checksum")
            whole = checksum == _checksum(index) and index["key"] == key
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DamagedError(f"{path}: {error}") from error
        if not whole:
            raise DamagedError(f"{path}: its checksum is another.")
        return index

    def array(self, key: str, index: Mapping[str, Any], name: str) -> np.ndarray:
        """Read an array, without unpickling anything.

        Raises
        ------
        DamagedError
            If it is not as it was written.
        """
        data = self._read(key, index, f"{name}.npy")
        try:
            return _parse_array(data)
        except (ValueError, TypeError, OverflowError, SyntaxError, KeyError) as error:
            raise DamagedError(f"{self._path(key) / name}.npy: {error}") from error

    def model(self, key: str, index: Mapping[str, Any]) -> bytes | None:
        """Read a model's pickle; None if there is none."""
        return self._read(key, index, _MODEL) if _MODEL in index["files"] else None

    def _read(self, key: str, index: Mapping[str, Any], name: str) -> bytes:
        path = self._path(key) / name
        try:
            wanted = index["files"][name]
            with _opened(path) as file:
                data = file.read()
        except (OSError, KeyError, TypeError) as error:
            raise DamagedError(f"{path}: {error}") from error
        if {"bytes": len(data), "sha256": sha256(data).hexdigest()} != wanted:
            raise DamagedError(f"{path}: its checksum is another.")
        return data

    def n_bytes(self, key: str) -> int:
        """Bytes of an object's files."""
        with contextlib.suppress(FileNotFoundError):
            return sum(file.stat().st_size for file in self._path(key).iterdir())
        return 0

    def written(self, key: str) -> float:
        """Say when an object was written, in seconds since the epoch; 0 if it is gone."""
        with contextlib.suppress(FileNotFoundError):
            return self._path(key).stat().st_mtime
        return 0.0


def clear_unfinished(root: Path) -> None:
    """Remove what processes have left that were killed while they wrote."""
    for draft in _folders(root / _UNFINISHED):
        host, _, rest = draft.name.rpartition("-")[0].rpartition("-")
        with contextlib.suppress(FileNotFoundError, ValueError):
            gone = host == socket.gethostname() and not _is_alive(int(rest))
            if gone or time.time() - draft.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(draft, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _folders(path: Path) -> Iterator[Path]:
    try:
        with os.scandir(path) as entries:
            names = sorted(x.name for x in entries if x.is_dir(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return
    if path.is_symlink():
        return
    for name in names:
        yield path / name


def _opened(path: Path) -> Any:
    """Open a file for reading, but neither a link nor one in a folder that is a link."""
    if path.parent.is_symlink():
        raise OSError(f"{path.parent} is a link.")
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags), "rb")


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _sum(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"bytes": len(data), "sha256": sha256(data).hexdigest()}


def _checksum(index: Mapping[str, Any]) -> str:
    return sha256(json.dumps(index, sort_keys=True).encode()).hexdigest()


def _parse_array(data: bytes) -> np.ndarray:
    """Read the ``.npy`` format; no more memory is taken than there are bytes."""
    file = BytesIO(data)
    major = np.lib.format.read_magic(file)
    if major != (1, 0):
        raise ValueError(f"version {major} of the format is not written here")
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.hasobject:
        raise ValueError("it holds objects")
    array = np.frombuffer(data, dtype=dtype, offset=file.tell())
    if array.size != np.prod(shape, dtype=object):
        raise ValueError(f"it has {array.size} values, not {shape}")
    return array.reshape(shape, order="F" if is_fortran else "C").copy()
