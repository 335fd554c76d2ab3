"""The same stack on a Ray cluster: same numbers, data in the object store once."""

import os
import sys
import time
from pathlib import Path

import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from out_of_fold.given import Counted, Tagged
from sklearn import config_context

from stackmeta import ConvexRegressor, StackingRegressor, out_of_fold
from stackmeta.out_of_fold.shared import Shared

from .given import LARGE, TABLE, Deadly, Noted, ReadsConfig, Waits, eventually, learners

pytest.importorskip("ray", reason="needs stackmeta[ray]")


def test_same_numbers_as_here(ray):
    stack = StackingRegressor(learners(), ConvexRegressor(), random_state=0)
    there = stack.fit(TABLE, TABLE[:, 0])
    oof, predictions = there.oof_, there.predict(TABLE)
    with parallel_config("sequential"):
        here = stack.fit(TABLE, TABLE[:, 0])
    assert_array_equal(oof.matrix, here.oof_.matrix)
    assert_array_equal(predictions, here.predict(TABLE))
    workers = {record.worker for record in oof.records}
    assert len(workers) > 1
    assert workers.isdisjoint(record.worker for record in here.oof_.records)


def references():
    """Count what the driver holds in the object store."""
    from ray._private.worker import global_worker

    return len(global_worker.core_worker.get_all_reference_counts())


def test_data_is_stored_once_and_freed(ray, tmp_path, monkeypatch):
    """14 fits: pickled once here, rebuilt once in each worker; nothing stays in the store."""
    path, sent, reduce = tmp_path / "rebuilt", [], Shared.__reduce__

    def counting(shared):
        function, arguments = reduce(shared)
        sent.append(sum(map(sys.getsizeof, arguments)))
        return function, arguments

    monkeypatch.setattr(Shared, "__reduce__", counting)
    Counted.pickled = 0
    oof = out_of_fold(
        [("a", Tagged()), ("b", Tagged())],
        LARGE,
        LARGE[:, 0],
        cv=6,
        refit=True,
        fit_params={"a__tag": Counted(path)},
    )
    rebuilt = path.read_text().split()
    assert Counted.pickled == 1
    assert len(rebuilt) == len(set(rebuilt))
    assert set(map(int, rebuilt)) == {record.worker for record in oof.records}
    assert len(sent) == 14
    assert max(sent) < 1000  # a token and a reference, where X has a megabyte
    assert eventually(lambda: references() == 0)


def test_a_killed_worker_costs_its_tasks_only_where_ray_may_restart_it(ray, tmp_path):
    killed = tmp_path / "killed"
    stack = [("deadly", Deadly(killed)), ("noted", Noted(tmp_path / "fits"))]
    args = {"max_restarts": -1, "max_task_retries": 3}
    with parallel_config("ray", n_jobs=2, ray_remote_args=args):
        oof = out_of_fold(stack, TABLE, TABLE[:, 0], cv=3)
    returned = time.time()
    ((pid, when),) = (line.split() for line in killed.read_text().splitlines())
    assert float(when) < returned
    assert int(pid) not in {record.worker for record in oof.records if record.name == "deadly"}
    with parallel_config("sequential"):
        assert_array_equal(oof.matrix, out_of_fold(stack, TABLE, TABLE[:, 0], cv=3).matrix)


def test_a_killed_worker_ends_the_fit_otherwise(ray, tmp_path):
    with pytest.raises(ray.exceptions.RayActorError):
        out_of_fold([("deadly", Deadly(tmp_path / "killed"))], TABLE, TABLE[:, 0], cv=3)


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_time_limit_ends_a_fit_that_hangs(ray, tmp_path):
    limit, path = 20.0, tmp_path / "never"
    started = time.monotonic()
    with pytest.raises(TimeoutError, match="before any learner was done"):
        out_of_fold([("waits", Waits(path))], TABLE, TABLE[:, 0], cv=2, time_limit=limit)
    assert time.monotonic() - started < 1.1 * limit + 2
    pid = int(Path(f"{path}.pid").read_text())
    assert eventually(lambda: not is_running(pid))


def test_configuration_of_scikit_learn_travels(ray):
    with config_context(enable_metadata_routing=True):
        oof = out_of_fold([("reads", ReadsConfig())], TABLE, TABLE[:, 0], cv=3)
    assert set(oof.matrix[:, 0]) == {1.0}
