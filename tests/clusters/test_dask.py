"""The same stack on a dask cluster: same numbers, data sent once, workers may die."""

import os
import time
from importlib import import_module

import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from out_of_fold.given import Counted, Tagged
from sklearn import config_context

from stackmeta import ConvexRegressor, StackingRegressor, out_of_fold

from .given import (
    LARGE,
    TABLE,
    Deadly,
    Fails,
    Noted,
    ReadsConfig,
    Waits,
    bytes_read,
    count_bytes,
    eventually,
    learners,
)

pytest.importorskip("distributed", reason="needs stackmeta[dask]")


def pids(client):
    return set(client.run(os.getpid).values())


@pytest.mark.parametrize("stored", [False, True])
def test_same_numbers_as_here(dask, tmp_path, stored):
    stack = StackingRegressor(
        learners(), ConvexRegressor(), random_state=0, store=tmp_path if stored else None
    )
    there = stack.fit(TABLE, TABLE[:, 0])
    oof, predictions = there.oof_, there.predict(TABLE)
    if stored:  # a fit that goes on has nothing left to do
        assert_array_equal(stack.fit(TABLE, TABLE[:, 0]).predict(TABLE), predictions)
    stack.set_params(store=None)
    with parallel_config("sequential"):
        here = stack.fit(TABLE, TABLE[:, 0])
    assert_array_equal(oof.matrix, here.oof_.matrix)
    assert_array_equal(predictions, here.predict(TABLE))
    workers = {record.worker for record in oof.records}
    assert len(workers) > 1
    assert workers <= pids(dask)


def test_data_travels_to_each_worker_once(dask, tmp_path):
    """14 fits: pickled once here, rebuilt once in each of 3 workers, which read its bytes once."""
    # Beside X there are y (a quarter of it here) and the rows of six folds.
    work = LARGE.nbytes * 1.25 + 6 * 8 * len(LARGE)
    for attempt in range(3):
        path = tmp_path / f"rebuilt {attempt}"
        Counted.pickled = 0
        dask.run(count_bytes)
        out_of_fold(
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
        assert set(map(int, rebuilt)) == pids(dask)
        read = dask.run(bytes_read).values()
        if max(read) < 1.2 * work:  # else dask, on a busy machine, asked for what was on its way
            break
    assert max(read) < 1.2 * work
    assert min(read) >= LARGE.nbytes


def keep_briefly(seconds):
    """Shorten, in a worker, the time for which an idle one keeps the data."""
    from stackmeta.out_of_fold import shared

    before, shared._KEPT_SECONDS = shared._KEPT_SECONDS, seconds
    return before


def n_values(dask_worker):
    from stackmeta.out_of_fold import shared

    return len(dask_worker.data) + len(shared._kept)


@pytest.mark.parametrize("fails", [False, True], ids=["after a fit", "after an error"])
def test_workers_let_go_of_the_data(dask, fails):
    before = next(iter(dask.run(keep_briefly, 0.1).values()))
    try:
        if fails:
            with pytest.raises(ZeroDivisionError):
                out_of_fold([("fails", Fails())], LARGE, LARGE[:, 0], cv=3)
        else:
            out_of_fold([("near", Tagged())], LARGE, LARGE[:, 0], cv=3)
        assert eventually(lambda: not any(dask.run(n_values).values()))
    finally:
        dask.run(keep_briefly, before)


def test_a_killed_worker_costs_its_tasks_only(dask, tmp_path):
    """The death is a fact before fit returns; no finished fit is repeated beyond its own."""
    killed, fits = tmp_path / "killed", tmp_path / "fits"
    names = ["deadly", *(f"noted{i}" for i in range(4))]
    stack = [("deadly", Deadly(killed)), *((name, Noted(fits)) for name in names[1:])]
    before = pids(dask)
    oof = out_of_fold(stack, TABLE, TABLE[:, 0], cv=5, refit=True)
    returned = time.time()
    ((pid, when),) = (line.split() for line in killed.read_text().splitlines())
    assert int(pid) in before
    assert float(when) < returned
    assert int(pid) not in pids(dask)
    assert oof.names == names
    assert sorted(oof.models) == sorted(names)
    # What the worker had done and not yet handed over, and what it held, runs once more.
    n_fits = len(fits.read_text().splitlines())
    assert 4 * 6 <= n_fits <= 4 * 6 + 2
    with parallel_config("sequential"):
        here = out_of_fold(stack, TABLE, TABLE[:, 0], cv=5)
    assert_array_equal(oof.matrix, here.matrix)


def test_a_learner_that_kills_every_worker_ends_the_fit(dask, dask_cluster, tmp_path):
    """Without stackmeta's help joblib waits without end for what dask gave up."""
    from distributed import KilledWorker

    cluster, _ = dask_cluster
    before, cluster.scheduler.allowed_failures = cluster.scheduler.allowed_failures, 0
    try:
        with pytest.raises(KilledWorker):
            out_of_fold(
                [("deadly", Deadly(tmp_path / "killed", once=False))],
                TABLE,
                TABLE[:, 0],
                time_limit=60,
            )
    finally:
        cluster.scheduler.allowed_failures = before


def test_time_limit(dask, tmp_path):
    """Fit returns in time with what got done; what runs on a worker goes on there."""
    # A worker that an earlier test has killed may be starting still.
    dask.wait_for_workers(3, timeout=60)
    for module in (Noted.__module__, "stackmeta.out_of_fold.run", "sklearn.linear_model"):
        dask.run(import_module, module)
    out_of_fold([("quick", Noted(tmp_path / "before"))], TABLE, TABLE[:, 0], cv=6)
    go, ended, limit = tmp_path / "go", tmp_path / "go.ended", 16.0
    stack = [("quick", Noted(tmp_path / "fits")), ("waits", Waits(go))]
    started = time.monotonic()
    try:
        with pytest.warns(UserWarning, match="time_limit=16"):
            oof = out_of_fold(stack, TABLE, TABLE[:, 0], time_limit=limit)
        assert time.monotonic() - started < 1.1 * limit + 2
        assert oof.names == ["quick"]
        assert not ended.exists()
    finally:
        go.touch()
    assert eventually(ended.exists)


def test_configuration_of_scikit_learn_travels(dask):
    for enabled in (False, True):
        with config_context(enable_metadata_routing=enabled):
            oof = out_of_fold([("reads", ReadsConfig())], TABLE, TABLE[:, 0], cv=3)
        assert set(oof.matrix[:, 0]) == {float(enabled)}
        assert {record.worker for record in oof.records} <= pids(dask)


def test_a_table_that_does_not_pickle_is_told_at_once(dask):
    """Inside joblib's backend the error would go to a log, and the fit would wait for it."""
    X = TABLE.astype(object)
    X[0, 0] = (x for x in ())
    with pytest.raises(TypeError, match="serialize"):
        out_of_fold([("mean", Noted("unused"))], X, TABLE[:, 0], cv=3, time_limit=60)
