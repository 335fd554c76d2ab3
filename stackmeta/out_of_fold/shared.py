"""Hand data to worker processes once, whatever its type, not once a task."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import numpy as np

from ..compat import cloudpickle, on_dask_workers, ray_get, ray_reference

# joblib memory-maps arrays larger than 1 MiB and pickles smaller ones with each task.
_MAPPED_BYTES = 2**20 + 1
_ALIGNMENT = 64
_KEPT_SECONDS = 10.0


class Shared:
    """A value that travels as a few large buffers, which joblib memory-maps once.

    Inside the process that made it, ``value`` is the object itself. When joblib pickles it
    for a task, the value goes as protocol 5 out-of-band buffers of the original memory (no
    copy of an array's or a frame's numbers), so that a backend which shares arrays between
    processes shares them. A worker rebuilds the value once and keeps it until it has been
    idle for some seconds. ``with shared as value:`` is how a task uses it, and tasks are
    sent inside ``with shared.spread():``.

    Parameters
    ----------
    value : object
        Anything picklable.
    """

    def __init__(self, value: Any) -> None:
        self.value = value
        self._token = uuid4().hex
        self._parts: tuple[np.ndarray, list[np.ndarray], list[int]] | None = None
        self._reference: Any = None
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Any:
        if self._timer is not None:
            self._timer.cancel()
        return self.value

    def __exit__(self, *exc_info: object) -> None:
        if _kept.get(self._token) is self:
            self._let_go_later()

    def _let_go_later(self) -> None:
        self._timer = threading.Timer(_KEPT_SECONDS, _kept.pop, args=(self._token, None))
        self._timer.daemon = True
        self._timer.start()

    @contextmanager
    def spread(self) -> Iterator[None]:
        """Have the value in the cluster's own memory for a while, so that tasks name it only.

        On a dask cluster every worker gets a copy first: were it only where joblib's backend
        puts it, a fit would be lost with that worker. On Ray the value lies in the object
        store, once a machine. Elsewhere nothing happens, nor does it inside another spread.
        """
        if self._reference is not None:
            yield
            return
        with on_dask_workers(self), ray_reference(self._buffers) as self._reference:
            try:
                yield
            finally:
                self._reference = None

    def _buffers(self) -> tuple[np.ndarray, list[np.ndarray], list[int]]:
        if self._parts is None:
            self._parts = _to_buffers(self.value)
        return self._parts

    def __sizeof__(self) -> int:
        # dask weighs what it sends, moves and spills by this.
        blob, large, _ = self._buffers()
        return object.__sizeof__(self) + blob.nbytes + sum(view.nbytes for view in large)

    def __reduce__(self) -> tuple[Any, ...]:
        if self._reference is not None:
            return _fetch, (self._token, self._reference)
        return _rebuild, (self._token, *self._buffers())


def _to_buffers(value: Any) -> tuple[np.ndarray, list[np.ndarray], list[int]]:
    """Pickle to (blob, large, lengths): small buffers and the pickle itself share the blob.

    ``lengths`` has an entry a buffer: its length in the blob, or -1 for a large one.
    """
    buffers: list[pickle.PickleBuffer] = []
    payload = cloudpickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    views = [np.frombuffer(buffer.raw(), dtype=np.uint8) for buffer in buffers]
    large = [view for view in views if view.nbytes >= _MAPPED_BYTES]
    small = [view for view in views if view.nbytes < _MAPPED_BYTES]
    lengths = [-1 if view.nbytes >= _MAPPED_BYTES else view.nbytes for view in views]
    starts = np.cumsum([0, *(_padded(view.nbytes) for view in small)])
    blob = np.zeros(starts[-1] + len(payload), dtype=np.uint8)
    for start, view in zip(starts, small, strict=False):
        blob[start : start + view.nbytes] = view
    blob[starts[-1] :] = np.frombuffer(payload, dtype=np.uint8)
    return blob, large, lengths


def _padded(length: int) -> int:
    return -(-length // _ALIGNMENT) * _ALIGNMENT


# The value last rebuilt in this worker process; a timer lets go of it when it idles.
_kept: dict[str, Shared] = {}


def _rebuild(token: str, blob: np.ndarray, large: list[np.ndarray], lengths: list[int]) -> Shared:
    shared = _kept.get(token)
    if shared is None:
        shared = Shared(_from_buffers(blob, large, lengths))
        shared._token, shared._parts = token, (blob, large, lengths)
        _kept.clear()
        _kept[token] = shared
        shared._let_go_later()  # a worker may get the value and no task
    return shared


def _fetch(token: str, reference: Any) -> Shared:
    return _kept.get(token) or _rebuild(token, *ray_get(reference))


def _from_buffers(blob: np.ndarray, large: list[np.ndarray], lengths: list[int]) -> Any:
    blob.flags.writeable = False
    start, rest, buffers = 0, iter(large), []
    for length in lengths:
        if length < 0:
            buffers.append(next(rest))
        else:
            buffers.append(blob[start : start + length])
            start += _padded(length)
    return pickle.loads(blob[start:].data, buffers=buffers)
