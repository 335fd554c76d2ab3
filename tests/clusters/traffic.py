"""Count what a stack fit sends: ``python tests/clusters/traffic.py [loky | dask | ray] ...``.

100 MB of X, 15 learner fits and 3 refits, a fresh cluster of 2 processes on this machine. It
prints how often X was pickled here and rebuilt there, and what the workers read.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from joblib import parallel_config
from out_of_fold.given import Counted, Tagged

from clusters.given import bytes_read, count_bytes
from stackmeta import out_of_fold

X = np.random.RandomState(0).normal(size=(125_000, 100))


@contextmanager
def dask():
    from distributed import Client, LocalCluster

    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        client.run(count_bytes)
        yield lambda: sorted(client.run(bytes_read).values())


@contextmanager
def ray():
    import ray
    from ray._private.worker import global_worker
    from ray.util.joblib import register_ray

    tests = str(Path(__file__).parent.parent)
    env = {"env_vars": {"PYTHONPATH": tests}}
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env=env)
    register_ray()
    put, stored = global_worker.put_object, []
    global_worker.put_object = lambda value, *args, **kwargs: (
        stored.append(sum(np.asarray(part).nbytes for part in (value[0], *value[1]))),
        put(value, *args, **kwargs),
    )[1]
    yield lambda: stored
    ray.shutdown()


def main(backends: list[str]) -> None:
    print(f"X: {X.nbytes:,} bytes")
    for name in backends:
        cluster = {"dask": dask, "ray": ray}.get(name, lambda: nullcontext(lambda: "-"))
        with cluster() as count, tempfile.TemporaryDirectory() as folder:
            path, Counted.pickled = Path(folder, "rebuilt"), 0
            learners = [("a", Tagged()), ("b", Tagged()), ("c", Tagged())]
            params = {"a__tag": Counted(path)}
            with parallel_config(name, n_jobs=2):
                started = time.perf_counter()
                oof = out_of_fold(learners, X, X[:, 0], refit=True, fit_params=params)
                seconds = time.perf_counter() - started
            rebuilt = path.read_text().split()
            print(
                f"{name}: {len(oof.records)} fits in {seconds:.1f} s; "
                f"pickled {Counted.pickled} x, "
                f"rebuilt {len(rebuilt)} x in {len(set(rebuilt) - {str(os.getpid())})} workers; "
                f"bytes read (dask) or stored (ray): {count()}"
            )


if __name__ == "__main__":
    main(sys.argv[1:] or ["loky", "dask", "ray"])
