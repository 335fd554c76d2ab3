"""Memory: what is free, what a fit takes, and which fits wait for others."""

import itertools
import sys
from time import sleep

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge

from stackmeta import StackingRegressor, out_of_fold
from stackmeta.out_of_fold import memory
from stackmeta.out_of_fold.memory import Budget, PeakMemory, free_bytes, limit_in_bytes
from stackmeta.out_of_fold.plan import Queue

from .test_plan import simulate

MB = 2**20
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with 1,000 MB free, whose control groups are for the test to write."""
    proc, groups = tmp_path / "proc", tmp_path / "groups"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable: 1024000 kB\n")
    (proc / "self" / "cgroup").write_text("")
    monkeypatch.setattr(memory, "_PROC", proc)
    monkeypatch.setattr(memory, "_GROUPS", groups)

    def group(path, files):
        (groups / path).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (groups / path / name).write_text(text)

    return proc, group


def test_the_machine_alone(machine):
    assert free_bytes() == 1000 * MB
    assert limit_in_bytes(0.25) == 250 * MB
    assert limit_in_bytes(300) == 300
    assert limit_in_bytes(None) is None


def test_groups_of_version_2_count_up_to_the_top(machine):
    proc, group = machine
    (proc / "self" / "cgroup").write_text("0::/a/b\n")
    group("a/b", {"memory.max": "max\n", "memory.current": "5\n"})
    group("a", {"memory.max": str(600 * MB), "memory.current": str(200 * MB)})
    assert free_bytes() == 400 * MB
    group("a/b", {"memory.max": str(100 * MB), "memory.current": str(99 * MB)})
    assert free_bytes() == MB


def test_groups_of_version_1(machine):
    proc, group = machine
    (proc / "self" / "cgroup").write_text("3:cpuset:/\n4:memory,cpu:/job\n")
    files = {"memory.limit_in_bytes": str(70 * MB), "memory.usage_in_bytes": str(90 * MB)}
    group("memory/job", files)
    assert free_bytes() == 0


def test_a_system_that_does_not_say(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_PROC", tmp_path)
    monkeypatch.setattr("os.sysconf_names", {})
    with pytest.raises(NotImplementedError, match="give memory_limit in bytes"):
        free_bytes()


@on_linux
def test_what_a_fit_takes_is_its_own():
    with PeakMemory() as large:
        np.ones(80 * MB // 8)
    with PeakMemory() as small:
        np.ones(8)
    assert 75 * MB < large.bytes < 200 * MB
    assert small.bytes < 20 * MB


@pytest.mark.parametrize("deadline", [None, 1000.0])
def test_what_runs_at_once_stays_below_the_limit(deadline):
    takes = [10.0, 40.0, 70.0, 300.0]
    queue = Queue([1] * 5, 4, 1, refit=False, budget=Budget(100, 0.1), deadline=deadline)
    done = queue.done
    queue.done = lambda task, seconds: done(task, seconds, takes[task.learner])
    runs = simulate(queue, lambda task: 1.0 + task.learner, 4)
    assert len(runs) == 20
    first = {task.learner: task for task, *_ in reversed(runs)}
    for _, now, _ in runs:
        beside = [task for task, start, end in runs if start <= now < end]
        seen = [takes[task.learner] for task in beside if task is not first[task.learner]]
        assert len(beside) - len(seen) <= 1
        assert len(beside) == 1 or sum(seen) <= 100


def test_learners_that_nobody_has_seen_start_one_by_one():
    budget = Budget(100, 1.0)
    assert budget.allows((0, 10_000), [])
    assert not budget.allows((1, 1), [(0, 1)])
    budget.learn(0, 1, 30)
    assert budget.allows((1, 1), [(0, 1)])
    assert not budget.allows((0, 1), [(0, 1), (0, 1), (0, 1)])
    assert budget.allows((0, 1), [(0, 1), (0, 1)])


class Greedy(DummyRegressor):
    """Takes 200 MB for a moment."""

    def fit(self, X, y):
        taken = np.ones(200 * MB // 8)
        sleep(0.2)
        del taken
        return super().fit(X, y)


@on_linux
def test_large_fits_wait_for_each_other():
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40.0)
    with parallel_config("loky"):
        oof = out_of_fold(
            [("greedy", Greedy())], X, y, cv=4, n_jobs=2, memory_limit=300 * MB, shortcuts=False
        )
    starts = sorted((r.started, r.started + r.seconds) for r in oof.records)
    assert all(b >= e - 0.05 for (_, e), (b, _) in itertools.pairwise(starts))


def test_the_faces_take_a_limit():
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40.0)
    stack = StackingRegressor([("ridge", Ridge())], memory_limit=0.5, shortcuts=False)
    plain = StackingRegressor([("ridge", Ridge())], shortcuts=False)
    assert np.array_equal(stack.fit(X, y).predict(X), plain.fit(X, y).predict(X))
    with pytest.raises(ValueError, match="memory_limit"):
        StackingRegressor([("ridge", Ridge())], memory_limit=0).fit(X, y)
    with pytest.raises(ValueError, match="memory_limit must be above 0"):
        out_of_fold([("ridge", Ridge())], X, y, memory_limit=-1)
