"""A store that is damaged, crafted, read-only or full: no wrong prediction, nothing outside."""

import contextlib
import errno
import json
import os
import pickle
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import make_regression
from sklearn.linear_model import Ridge
from sklearn.tree import DecisionTreeRegressor

from stackmeta import ConvexRegressor, OutOfFoldStore, StackingRegressor
from stackmeta.out_of_fold.store.files import DamagedError, ObjectFolder

X, Y = make_regression(60, 3, noise=5.0, random_state=0)
LEARNERS = [("ridge", Ridge(2.0)), ("tree", DecisionTreeRegressor(max_depth=3))]


def fit(store):
    params = {"cv": 3, "random_state": 0, "shortcuts": False, "store": store}
    return StackingRegressor(LEARNERS, ConvexRegressor(), **params).fit(X, Y)


def files_of(folder):
    return sorted(p for p in Path(folder).rglob("*") if p.is_file())


def everything(store):
    """All that can be read of a store, or that it is damaged."""
    found = {}
    for folder in (store.fits, store.data, store.partitions):
        for key in folder:
            try:
                index = folder.index(key)
                for name in index["files"]:
                    if name.endswith(".npy"):
                        found[key, name] = folder.array(key, index, name[:-4]).tobytes()
                found[key, "model"] = folder.model(key, index)
                found[key, "index"] = json.dumps(index, sort_keys=True)
            except DamagedError:
                continue
    return found


def mutated(data, rng):
    """Flip, cut, repeat or put in some bytes."""
    kind, data = rng.integers(5), bytearray(data)
    place = int(rng.integers(len(data) + 1))
    if kind == 0 and data:
        data[place % len(data)] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        del data[place:]
    elif kind == 2:
        data[place:place] = rng.bytes(int(rng.integers(1, 20)))
    elif kind == 3:
        del data[place : place + int(rng.integers(1, 50))]
    else:
        other = int(rng.integers(len(data) + 1))
        data[place:place] = data[other : other + 30]
    return bytes(data)


@pytest.mark.parametrize("n_mutations", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_mutated_files_are_told_from_whole_ones(tmp_path, n_mutations, monkeypatch):
    """Whatever byte changes: what is read is what was written, and nothing is unpickled."""
    store = OutOfFoldStore(tmp_path / "s")
    fit(store)
    whole = everything(store)
    files = files_of(tmp_path / "s")
    outside = set(files_of(tmp_path)) - set(files)
    monkeypatch.setattr(pickle, "loads", None)
    monkeypatch.setattr(pickle, "load", None)
    rng = np.random.default_rng(0)
    n_noticed = 0
    for _ in range(n_mutations):
        file = files[rng.integers(len(files))]
        data = file.read_bytes()
        changed = mutated(data, rng)
        file.write_bytes(changed)
        folder, key = store.fits, file.parent.name
        for one in (store.fits, store.data, store.partitions):
            folder = one if one.kind in file.parts else folder
        try:
            index = folder.index(key)
            for name in index["files"]:
                if name.endswith(".npy"):
                    assert folder.array(key, index, name[:-4]).tobytes() == whole[key, name]
            assert folder.model(key, index) == whole[key, "model"]
            assert json.dumps(index, sort_keys=True) == whole[key, "index"]
        except DamagedError:
            n_noticed += changed != data
        file.write_bytes(data)
    assert everything(store) == whole
    assert n_noticed > 0.8 * n_mutations
    assert set(files_of(tmp_path)) - set(files) == outside


@pytest.mark.filterwarnings("ignore:An entry of the store")
def test_a_fit_mends_what_is_damaged(tmp_path):
    first = fit(tmp_path)
    rng = np.random.default_rng(1)
    files = [file for file in files_of(tmp_path) if file.parent != tmp_path]
    for file in files[::3]:
        file.write_bytes(mutated(file.read_bytes(), rng))
    again = fit(tmp_path)
    assert np.array_equal(again.predict(X), first.predict(X))
    assert np.array_equal(fit(tmp_path).oof_.matrix, first.oof_.matrix)


def test_damage_is_told(tmp_path):
    fit(tmp_path)
    damaged = next(file for file in files_of(tmp_path / "fits") if file.suffix == ".npy")
    damaged.write_bytes(damaged.read_bytes()[:-3])
    with pytest.warns(UserWarning, match="damaged and fitted again.*checksum"):
        fit(tmp_path)
    index = next(file for file in files_of(tmp_path / "fits") if file.name == "entry.json")
    index.write_text("{}")
    with pytest.warns(UserWarning, match="1 fits of the store are damaged"):
        OutOfFoldStore(tmp_path).to_frame()
    (tmp_path / "stackmeta-store.json").write_text("[")
    with pytest.raises(ValueError, match="is damaged"):
        fit(tmp_path)


def sealed(index):
    """Give an index the checksum of its content: crafted, not damaged."""
    index = {key: value for key, value in index.items() if key != "checksum"}
    return {**index, "checksum": sha256(json.dumps(index, sort_keys=True).encode()).hexdigest()}


@pytest.mark.parametrize("name", ["../../../outside", "/etc/passwd", "..", "a/b", ""])
def test_a_crafted_index_reads_and_writes_nothing_outside(tmp_path, name):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "predictions.npy").write_bytes(b"secret")
    store = OutOfFoldStore(tmp_path / "s")
    fit(store)
    before = {file: file.read_bytes() for file in files_of(outside)}
    for file in files_of(tmp_path / "s" / "fits"):
        if file.name == "entry.json":
            index = json.loads(file.read_text())
            files = {**index["files"], name: {"bytes": 6, "sha256": sha256(b"secret").hexdigest()}}
            index = {**index, "files": files, "learner": name, "data": name}
            file.write_text(json.dumps(sealed(index)))
    assert set(store.to_frame()["learner"]) == {name}
    with pytest.raises(ValueError, match="is no key"):
        store.out_of_fold()
    with pytest.raises(DamagedError, match="is no key"):
        store.fits.index(name)
    with pytest.raises(DamagedError, match="is no key"):
        store.fits.remove(name)
    store.prune(older_than=-1.0)
    assert {file: file.read_bytes() for file in files_of(outside)} == before


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("level", ["file", "entry", "shelf"])
def test_links_are_not_followed(tmp_path, level):
    store = OutOfFoldStore(tmp_path / "s")
    fit(store)
    table = store.to_frame()
    key = table["key"][table["what"] == "fold"].iloc[0]
    index = store.fits.index(key)
    entry, outside = tmp_path / "s" / "fits" / key[:2] / key, tmp_path / "outside"
    place = {"file": entry / "predictions.npy", "entry": entry, "shelf": entry.parent}[level]
    shutil.move(place, outside)
    place.symlink_to(outside)
    with pytest.raises(DamagedError):
        store.fits.array(key, index, "predictions")
    assert (key in [*store.fits]) == (level == "file")
    held = files_of(outside) if level != "file" else [outside]
    store.prune(older_than=-1.0)
    with contextlib.suppress(DamagedError):
        store.fits.remove(key)
    with contextlib.suppress(DamagedError):
        fit(store)
    assert held
    assert all(file.exists() for file in held)


class Runs:
    """What a crafted pickle may be: loading it leaves a trace."""

    def __reduce__(self):
        return exec, ("import os; os.environ['STACKMETA_WAS_HERE'] = '1'",)


def test_looking_never_unpickles(tmp_path, monkeypatch):
    monkeypatch.delenv("STACKMETA_WAS_HERE", raising=False)
    fit(tmp_path)
    data = pickle.dumps(Runs())
    for file in files_of(tmp_path):
        if file.name == "model.pkl":
            file.write_bytes(data)
            index = json.loads(file.with_name("entry.json").read_text())
            index["files"]["model.pkl"] = {"bytes": len(data), "sha256": sha256(data).hexdigest()}
            file.with_name("entry.json").write_text(json.dumps(sealed(index)))
    store = OutOfFoldStore(tmp_path)
    store.to_frame()
    store.out_of_fold()
    store.prune(older_than=1e9)
    assert "STACKMETA_WAS_HERE" not in os.environ


def test_arrays_of_objects_and_of_impossible_sizes_are_refused(tmp_path):
    folder = ObjectFolder(tmp_path, "fits")
    key = "a" * 40
    folder.write(key, {}, {"predictions": np.zeros(3)})
    path = tmp_path / "fits" / "aa" / key / "predictions.npy"
    np.save(path, np.array([Runs()]), allow_pickle=True)
    objects = path.read_bytes()
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999,), }"
    lies = np.lib.format.magic(1, 0) + b"\x76\x00" + header.ljust(117) + b"\n"
    endless = np.lib.format.magic(1, 0) + b"\xff\xff" + header
    for data in (objects, lies, endless, b"", b"\x93NUMPY\x02\x00"):
        path.write_bytes(data)
        index = json.loads(path.with_name("entry.json").read_text())
        index["files"]["predictions.npy"] = {
            "bytes": len(data),
            "sha256": sha256(data).hexdigest(),
        }
        path.with_name("entry.json").write_text(json.dumps(sealed(index)))
        with pytest.raises(DamagedError):
            folder.array(key, folder.index(key), "predictions")


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="is no store: name a new or empty folder"):
        fit(tmp_path)
    with pytest.raises(ValueError, match="is no store"):
        fit(tmp_path / "thesis.txt")
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "stackmeta-store.json").write_text('{"format": 99}')
    with pytest.raises(ValueError, match="has format 99"):
        fit(tmp_path / "s")


def test_a_read_only_folder_is_told_before_a_fit(tmp_path, monkeypatch):
    fit(tmp_path / "s")
    monkeypatch.setattr(os, "access", lambda *args: False)
    with pytest.raises(OSError, match=r"cannot be written: .*read-only.*on_error='warn'"):
        fit(tmp_path / "s")
    with pytest.warns(UserWarning, match="goes on without it"):
        fit(OutOfFoldStore(tmp_path / "s", on_error="warn"))


@pytest.mark.parametrize("n_writes", [0, 2, 4, 8])
def test_a_full_disk_stops_the_fit_or_the_store(tmp_path, monkeypatch, n_writes):
    real, done = np.save, []

    def save(file, array, **params):
        done.append(1)
        if len(done) > n_writes:
            file.write(b"\x93NUM")
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file, array, **params)

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", save)
        with pytest.raises(OSError, match=r"No space left.*Free some space") as caught:
            fit(tmp_path / "s")
        assert caught.value.errno == errno.ENOSPC
        done.clear()
        with pytest.warns(UserWarning, match="No space left.*goes on without it"):
            model = fit(OutOfFoldStore(tmp_path / "w", on_error="warn"))
    for folder in ("s", "w"):
        assert not files_of(tmp_path / folder / "unfinished")
        store = OutOfFoldStore(tmp_path / folder)
        assert len(store.to_frame()) == len(store)
        assert np.array_equal(fit(store).predict(X), model.predict(X))
