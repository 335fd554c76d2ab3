"""Fits that are killed or interrupted, and run again."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from stackmeta import OutOfFoldStore

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are other things there")

# Each fit writes a line, as does each that the store gives back.
SCRIPT = textwrap.dedent(
    """
    import sys, time
    import numpy as np
    from joblib import parallel_config
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.datasets import make_regression
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.tree import DecisionTreeRegressor
    from stackmeta import ConvexRegressor, StackingRegressor

    folder, backend, log = sys.argv[1:4]

    class Slow(RandomForestRegressor):
        def fit(self, X, y):
            super().fit(X, y)
            time.sleep(0.03)
            with open(log, "a") as file:
                file.write(f"{self.n_estimators} {len(y)} {float(np.sum(y)):.6f}\\n")
            return self

    X, y = make_regression(80, 4, noise=3.0, random_state=0)
    learners = [(f"forest_{n}", Slow(n)) for n in (2, 3, 4, 5)]
    stack = StackingRegressor(
        learners, ConvexRegressor(), cv=5, n_jobs=2, random_state=0, store=folder
    )
    print("ready", flush=True)
    with parallel_config(backend):
        stack.fit(X, y)
    np.save(folder + ".npy", np.column_stack([stack.predict(X), stack.oof_.matrix]))
    """
)


def start(tmp_path, name, backend):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(tmp_path / name), backend, str(tmp_path / "log")]
    # In a session of its own, so that no process of it can be missed at its end.
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout.readline().strip() == "ready"
    return process


def finish(tmp_path, name, backend):
    process = start(tmp_path, name, backend)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    return np.load(tmp_path / f"{name}.npy")


def lines(tmp_path):
    log = tmp_path / "log"
    return log.read_text().splitlines() if log.exists() else []


def alive_of(group):
    """Process ids of all that a process has started (Linux), and of itself."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, group_of_it = path.read_text().rpartition(")")[2].split()[:3]
            command = path.with_name("cmdline").read_text()
        except (OSError, ValueError):
            continue
        if int(group_of_it) == group and state != "Z" and "resource_tracker" not in command:
            found.append(int(path.parent.name))
    return found


def wait_for_the_end_of(group):
    deadline = time.monotonic() + 20
    while alive_of(group):
        assert time.monotonic() < deadline, "workers outlive the process that started them"
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_killed_at_any_moment_and_run_again(tmp_path, backend):
    """No finished fold is repeated, and the end is bit for bit that of an uninterrupted fit."""
    whole = finish(tmp_path, "whole", backend)
    n_fits = len(lines(tmp_path))
    assert n_fits > 20
    rng = np.random.default_rng(0)
    for number in range(12):
        (tmp_path / "log").unlink()
        name = f"killed_{number}"
        process = start(tmp_path, name, backend)
        time.sleep(rng.uniform(0.0, 2.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        with contextlib.suppress(ProcessLookupError):
            # Loky's workers would end by themselves, after some idle minutes.
            os.killpg(process.pid, signal.SIGKILL)
        wait_for_the_end_of(process.pid)
        store = OutOfFoldStore(tmp_path / name)
        kept = [*store.fits]
        assert all(store.fits.index(key)["learner"].startswith("forest") for key in kept)
        before = len(lines(tmp_path))
        resumed = finish(tmp_path, name, backend)
        assert np.array_equal(resumed, whole)
        assert len(lines(tmp_path)) - before == n_fits - len(kept)
        assert not list((tmp_path / name / "unfinished").glob("*"))


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_interrupted_by_a_user(tmp_path, backend):
    """Ctrl-C: the store is usable, no process stays, and the way to go on is said."""
    process = start(tmp_path, "stopped", backend)
    # A fit that a worker has finished is not yet one that the store has.
    while len(lines(tmp_path)) < 5 or not len(OutOfFoldStore(tmp_path / "stopped")):
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "finished fits are in OutOfFoldStore" in error
    assert "Call fit again with the same store=" in error
    wait_for_the_end_of(process.pid)
    assert not list((tmp_path / "stopped" / "unfinished").glob("*"))
    kept = len(OutOfFoldStore(tmp_path / "stopped"))
    assert kept >= 1
    before = len(lines(tmp_path))
    finish(tmp_path, "stopped", backend)
    assert len(lines(tmp_path)) - before <= 24 - kept
