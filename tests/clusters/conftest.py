"""Clusters on this machine, started for the tests of a module and stopped after them."""

import os
from pathlib import Path

import pytest
from joblib import parallel_config

N_WORKERS = 3


@pytest.fixture(scope="module")
def dask_cluster():
    """Give a dask cluster of some processes with a thread each, and its client."""
    distributed = pytest.importorskip("distributed", reason="needs stackmeta[dask]")
    with (
        distributed.LocalCluster(
            n_workers=N_WORKERS, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield cluster, client


@pytest.fixture
def dask(dask_cluster):
    """Give a client whose workers are all there, also after a test that killed some."""
    _, client = dask_cluster
    client.wait_for_workers(N_WORKERS, timeout=60)
    with parallel_config("dask"):
        yield client


@pytest.fixture(scope="module")
def ray_cluster():
    """Give a Ray cluster of two processes."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves the machine
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")  # no token is written to the home folder
    ray = pytest.importorskip("ray", reason="needs stackmeta[ray]")
    from ray.util.joblib import register_ray

    path = filter(None, [os.environ.get("PYTHONPATH")])
    tests = str(Path(__file__).parent.parent)  # workers import the learners
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=200 * 2**20,
        runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join([tests, *path])}},
    )
    register_ray()
    yield ray
    ray.shutdown()


@pytest.fixture
def ray(ray_cluster):
    """Give the ray module, connected."""
    with parallel_config("ray", n_jobs=2):
        yield ray_cluster
