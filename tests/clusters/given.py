"""Learners and tables for the tests on clusters, where worker processes import them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeRegressor

LARGE = np.random.RandomState(0).normal(size=(40_000, 4))  # above joblib's limit for file maps
TABLE = LARGE[:500]


def learners():
    """Some that draw random numbers, and one with a function that only cloudpickle can send."""
    clipped = make_pipeline(FunctionTransformer(lambda X: X.clip(-1, 1)), Ridge())
    return [
        ("clipped", clipped),
        ("tree", DecisionTreeRegressor(max_features=2)),
        ("near", KNeighborsRegressor()),
    ]


class Mean(RegressorMixin, BaseEstimator):
    """Predicts the mean; what else happens in ``fit``, others say."""

    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


class Deadly(Mean):
    """Kills the process that fits it, as a system out of memory does: once, or each time.

    ``path`` is a file that says so before: a line a kill, its process and time.
    """

    def __init__(self, path, once=True):
        self.path = path
        self.once = once

    def fit(self, X, y):
        if self.once and Path(self.path).exists():
            return super().fit(X, y)
        with Path(self.path).open("a") as file:
            file.write(f"{os.getpid()} {time.time()}\n")
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("unreachable")


class Noted(Mean):
    """Appends its process to a file at the start of each fit."""

    def __init__(self, path):
        self.path = path

    def fit(self, X, y):
        with Path(self.path).open("a") as file:
            file.write(f"{os.getpid()}\n")
        return super().fit(X, y)


class Waits(Mean):
    """Does not end before a file exists (or a minute has passed).

    Two others beside it say which process it is in, and that it has ended.
    """

    def __init__(self, path):
        self.path = path

    def fit(self, X, y):
        Path(f"{self.path}.pid").write_text(str(os.getpid()))
        end = time.monotonic() + 60
        while not Path(self.path).exists() and time.monotonic() < end:
            time.sleep(0.02)
        Path(f"{self.path}.ended").touch()
        return super().fit(X, y)


class Fails(Mean):
    """Raises in its fit."""

    def fit(self, X, y):
        raise ZeroDivisionError("meant to fail")


class ReadsConfig(Mean):
    """Predicts whether scikit-learn routes metadata where it is fitted."""

    def fit(self, X, y):
        self.mean_ = float(get_config()["enable_metadata_routing"])
        return self


def eventually(condition, seconds=30):
    """Whether a condition comes true in time: what a cluster does, it does in its own time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def count_bytes():
    """Sum, in a dask worker, what it reads from the network from now on."""
    from distributed.comm import tcp
    from distributed.comm.utils import nbytes

    if not hasattr(tcp, "n_bytes"):
        decode = tcp.from_frames

        async def counting(frames, *args, **kwargs):
            whole = isinstance(frames, bytes | bytearray | memoryview)
            tcp.n_bytes += nbytes(frames) if whole else sum(map(nbytes, frames))
            return await decode(frames, *args, **kwargs)

        tcp.from_frames = counting
    tcp.n_bytes = 0


def bytes_read():
    """Tell the sum."""
    from distributed.comm import tcp

    return tcp.n_bytes
