"""How many threads a learner gets beside the others that run at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from joblib import cpu_count, effective_n_jobs
from threadpoolctl import threadpool_limits

from ..compat import backend_is_local, ignores_n_jobs


@dataclass(frozen=True)
class Threads:
    """Threads for one task.

    Attributes
    ----------
    share : int
        Cores over tasks that run at once: the same for all fits, since a booster's or a
        BLAS's sums depend on it in the last digits.
    idle : int
        The share and what the other workers, out of work, leave over: for scikit-learn's
        own ``n_jobs``, on which no result depends.
    """

    share: int
    idle: int


def threads_of(n_jobs: int | None, n_open: int) -> Threads | None:
    """Share out this machine's cores over ``n_open`` tasks, of which ``n_jobs`` run at once.

    Returns
    -------
    threads : Threads or None
        None where learners may use what they are set to: one task at a time, or tasks that
        run on machines that are not known here.
    """
    at_once = effective_n_jobs(n_jobs)
    if at_once == 1 or not backend_is_local():
        return None
    cores = cpu_count()
    share = max(cores // at_once, 1)
    return Threads(share, max(cores // max(n_open, 1), share))


@contextmanager
def limited_pools(threads: Threads | None) -> Iterator[None]:
    """Keep this process's BLAS and OpenMP pools to the share, for tasks that are threads."""
    with threadpool_limits(None if threads is None else threads.share):
        yield


@contextmanager
def set_threads(model: Any, threads: Threads | None, *, fitting: bool) -> Iterator[None]:
    """Keep ``n_jobs`` of a learner and its parts to what is left; afterwards it is as it was.

    While ``fitting``, an ``n_jobs`` that is None is raised to it. Predictions do not get more
    than what was asked for: forests add up in the order in which threads end.
    """
    if threads is None:
        yield
        return
    before = _n_jobs(model)
    now = _limited(model, before, threads, fitting)
    if now:
        model.set_params(**now)
    try:
        yield
    finally:
        if now:
            model.set_params(**{name: before[name] for name in now})


def put_back_threads(models: Iterable[Any], learner: Any) -> None:
    """Give models the ``n_jobs`` of the unfitted learner that they are clones of."""
    before = _n_jobs(learner)
    for model in models:
        model.set_params(**before)


def _n_jobs(model: Any) -> dict[str, int | None]:
    params = model.get_params(deep=True).items()
    return {name: value for name, value in params if name.rpartition("__")[2] == "n_jobs"}


def _limited(
    model: Any, before: dict[str, int | None], threads: Threads, fitting: bool
) -> dict[str, int]:
    """Find the ``n_jobs`` to change. What is inside of something parallel gets one thread."""
    now: dict[str, int] = {}
    for name, value in sorted(before.items(), key=lambda item: item[0].count("__")):
        path = name.split("__")[:-1]
        outer = ("__".join([*path[:depth], "n_jobs"]) for depth in range(len(path)))
        owner = model.get_params(deep=True)["__".join(path)] if path else model
        if ignores_n_jobs(owner):
            continue
        ours = type(owner).__module__.startswith("sklearn.")
        most = threads.idle if ours else threads.share
        if any(now.get(above, before.get(above)) not in (None, 1) for above in outer):
            most = 1
        if fitting or not ours if value is None else not 0 < value <= most:
            now[name] = most
    return now
