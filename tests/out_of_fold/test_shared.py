"""Handing data to worker processes: once, whatever its type."""

import os
import pathlib
import pickle
import sys

import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed
from numpy.testing import assert_array_equal
from scipy import sparse

from stackmeta import out_of_fold
from stackmeta.out_of_fold import shared as shared_module
from stackmeta.out_of_fold.shared import Shared
from stackmeta.out_of_fold.task import run_task

from .given import Counted, Tagged, backed_by_map, numbers

TABLE = np.random.RandomState(0).normal(size=(40_000, 4))


def frame():
    return pd.DataFrame(
        {
            "number": [1.5, np.nan, 3.0],
            "integer": [1, 2, 3],
            "object": [{"k": 1}, None, "x"],
            "string": pd.Series(["a", None, "c"], dtype="string"),
            "category": pd.Categorical(["u", "v", "u"]),
            "time": pd.to_datetime(["2020-01-01", None, "2021-06-01"]),
            "nullable": pd.array([1, None, 3], dtype="Int64"),
        },
        index=[5, 5, 9],
    )


VALUES = {
    "C": TABLE,
    "F": np.asfortranarray(TABLE),
    "strided": TABLE[::2, ::3],
    "small": TABLE[:9],
    "empty": np.empty((3, 0)),
    "objects": np.array(["a", 1, None], dtype=object),
    "strings": np.array(["a", "bcd"]),
    "dates": np.array(["2020-01-01"], dtype="M8[D]"),
    "frame": frame(),
    "large frame": pd.DataFrame(TABLE).assign(name="x"),
    "csr": sparse.random(500, 400, 0.9, format="csr", random_state=0),
    "csr without values": sparse.csr_matrix((4, 3)),
    "list": [1, {"a": np.arange(3)}, "x"],
}


def check_equal(found, wanted):
    assert type(found) is type(wanted)
    if isinstance(wanted, pd.DataFrame):
        pd.testing.assert_frame_equal(found, wanted)
    elif sparse.issparse(wanted):
        assert (found != wanted).nnz == 0
    elif isinstance(wanted, np.ndarray):
        assert_array_equal(found, wanted)
        assert found.dtype == wanted.dtype
    else:
        assert repr(found) == repr(wanted)


@pytest.mark.parametrize("name", VALUES)
def test_round_trip(name):
    rebuilt = pickle.loads(pickle.dumps(Shared(VALUES[name]), protocol=5))
    with rebuilt as value:
        check_equal(value, VALUES[name])


def test_round_trip_of_polars():
    polars = pytest.importorskip("polars")
    table = polars.DataFrame({"a": [1, None], "s": ["x", "y"], "f": [0.5, 1.5]})
    with pickle.loads(pickle.dumps(Shared(table))) as value:
        assert value.equals(table)


def look(shared):
    """Compare in the worker: what it got, and what this module makes there."""
    with shared as values:
        for name, value in values.items():
            check_equal(value, VALUES[name])
        mapped = {n: backed_by_map(v) for n, v in values.items() if isinstance(v, np.ndarray)}
        return (os.getpid(), id(values)), mapped


def test_through_worker_processes():
    """Values arrive equal, are rebuilt once a worker; large arrays are file maps there."""
    shared = Shared(dict(VALUES))
    seen = Parallel(2, backend="loky", batch_size=1)(delayed(look)(shared) for _ in range(6))
    places = {place for place, _ in seen}
    workers = {pid for pid, _ in places}
    assert os.getpid() not in workers
    assert len(places) == len(workers)
    for _, mapped in seen:
        assert mapped["C"]
        assert mapped["F"]


def test_order_of_memory_is_kept():
    with pickle.loads(pickle.dumps(Shared(np.asfortranarray(TABLE)))) as value:
        assert value.flags.f_contiguous
        assert not value.flags.c_contiguous


def test_pickled_once_however_many_tasks(tmp_path):
    Counted.pickled = 0
    shared = Shared({"X": TABLE, "tag": Counted(tmp_path / "rebuilt")})
    sizes = [len(pickle.dumps(delayed(run_task)(shared, i))) for i in range(5)]
    assert Counted.pickled == 1
    assert max(sizes) - min(sizes) < 10


def test_in_its_own_process_it_is_the_object_itself():
    with Shared(TABLE) as value:
        assert value is TABLE


def test_two_values_do_not_mix():
    one, two = Shared({"v": 1}), Shared({"v": 2})
    blobs = [pickle.dumps(one), pickle.dumps(two)] * 2
    assert [pickle.loads(blob).value["v"] for blob in blobs] == [1, 2, 1, 2]


@pytest.mark.parametrize("as_frame", [False, True], ids=["array", "frame"])
def test_engine_hands_the_data_over_once(tmp_path, as_frame):
    """14 fits in 2 processes: pickled once here, rebuilt once in each; X is a file map there."""
    X = pd.DataFrame(TABLE) if as_frame else TABLE
    path = tmp_path / "rebuilt"
    Counted.pickled = 0
    oof = out_of_fold(
        [("a", Tagged()), ("b", Tagged())],
        X,
        TABLE[:, 0],
        cv=6,
        n_jobs=2,
        refit=True,
        fit_params={"a__tag": Counted(path)},
    )
    assert len(oof.records) == 14
    workers = {record.worker for record in oof.records}
    assert os.getpid() not in workers
    rebuilt = pathlib.Path(path).read_text().split()
    assert Counted.pickled == 1
    assert len(rebuilt) == len(set(rebuilt)) <= 2
    assert {int(pid) for pid in rebuilt} == workers


def test_a_large_array_is_a_file_map_in_a_worker():
    shared = Shared({"X": TABLE})
    assert Parallel(n_jobs=2)(delayed(_is_mapped)(shared) for _ in range(2)) == [True, True]


def _is_mapped(shared):
    return backed_by_map(shared.value["X"])


def test_small_tables_too(tmp_path):
    """Below joblib's limit for file maps the bytes travel with a task, but nothing is pickled."""
    X, y = numbers()
    path = tmp_path / "rebuilt"
    Counted.pickled = 0
    out_of_fold([("a", Tagged())], X, y, cv=6, n_jobs=2, fit_params={"a__tag": Counted(path)})
    rebuilt = pathlib.Path(path).read_text().split()
    assert Counted.pickled == 1
    assert len(rebuilt) == len(set(rebuilt)) <= 2


def test_weighs_what_travels():
    """dask decides by it what to send ahead of the tasks, and what to spill."""
    assert TABLE.nbytes < sys.getsizeof(Shared({"X": TABLE})) < TABLE.nbytes + 10_000
    assert sys.getsizeof(pickle.loads(pickle.dumps(Shared({"X": TABLE})))) > TABLE.nbytes


def test_a_worker_lets_go_of_what_no_task_has_used(monkeypatch):
    monkeypatch.setattr(shared_module, "_KEPT_SECONDS", 0.01)
    rebuilt = pickle.loads(pickle.dumps(Shared(TABLE)))
    rebuilt._timer.join(30)
    assert rebuilt._token not in shared_module._kept


def test_spread_changes_nothing_without_a_cluster():
    shared = Shared({"X": TABLE})
    with shared.spread():
        assert Parallel(n_jobs=2)(delayed(_is_mapped)(shared) for _ in range(2)) == [True, True]
