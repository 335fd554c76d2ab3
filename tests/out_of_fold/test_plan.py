"""The queue: what runs, and when."""

import heapq
import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackmeta.out_of_fold.plan import REFIT, WAIT, Queue, Task


def simulate(queue, seconds, n_machines):
    """Run the queue on machines; returns (task, start, end) in the order of the starts."""
    free = [(0.0, machine) for machine in range(n_machines)]
    ends, runs = [], []
    while free:
        now, machine = heapq.heappop(free)
        while ends and ends[0][0] <= now:
            _, _, task = heapq.heappop(ends)
            queue.done(task, seconds(task))
        task = queue.next(now)
        if task is None:
            continue
        if task is WAIT:
            queue.waited()
            heapq.heappush(free, (now + 0.02, machine))
            continue
        end = now + seconds(task)
        runs.append((task, now, end))
        heapq.heappush(ends, (end, len(runs), task))
        heapq.heappush(free, (end, machine))
    return runs


@st.composite
def jobs(draw):
    """Fold sizes, learners' seconds a row, whether to refit, machines."""
    sizes = draw(st.lists(st.integers(1, 200), min_size=1, max_size=6))
    rates = draw(st.lists(st.floats(0.001, 10), min_size=1, max_size=6))
    return sizes, rates, draw(st.booleans()), draw(st.integers(1, 5))


SETTINGS = settings(max_examples=60, derandomize=True, deadline=None)


@SETTINGS
@given(jobs(), st.randoms(use_true_random=False))
def test_each_fit_is_handed_out_once_and_machines_are_never_idle(job, random):
    """List scheduling's bound (Graham 1966) holds for any queue that never holds work back."""
    sizes, rates, refit, n_machines = job
    n_rows = sum(sizes)
    queue = Queue(sizes, len(rates), n_rows, refit=refit)
    folds = [*range(len(sizes)), *([REFIT] if refit else [])]
    wanted = [Task(i, fold) for i in range(len(rates)) for fold in folds]
    seconds = {task: rates[task.learner] * random.uniform(0.2, 3) for task in wanted}
    runs = simulate(queue, seconds.__getitem__, n_machines)
    assert Counter(task for task, _, _ in runs) == Counter(wanted)
    longest, total = max(seconds.values()), sum(seconds.values())
    makespan = max(end for _, _, end in runs)
    bound = total / n_machines + longest * (1 - 1 / n_machines)
    assert makespan <= bound * (1 + 1e-9)
    assert queue.next(makespan) is None


@SETTINGS
@given(jobs())
def test_longest_first_once_measured(job):
    sizes, rates, refit, _ = job
    queue = Queue(sizes, len(rates), sum(sizes), refit=refit)
    openers = [queue.next(0.0) for _ in rates]
    assert [task.learner for task in openers] == list(range(len(rates)))

    def seconds(task):
        size = sum(sizes) if task.fold == REFIT else sizes[task.fold]
        return rates[task.learner] * size

    for task in openers:
        largest = REFIT if refit else max(range(len(sizes)), key=sizes.__getitem__)
        assert seconds(task) == seconds(Task(task.learner, largest))
        queue.done(task, seconds(task))
    rest = [seconds(task) for task in iter(lambda: queue.next(0.0), None)]
    assert len(rest) == (len(sizes) + refit - 1) * len(rates)
    for one, other in itertools.pairwise(rest):
        assert one >= other * (1 - 1e-9)


def test_a_skewed_list_named_last_ends_at_its_lower_bound():
    """One learner with 60 % of the work, named last: no machine waits at the end."""
    rates = [0.1, 0.1, 0.1, 0.1, 0.6]
    sizes = [80] * 5
    runs = simulate(
        Queue(sizes, 5, 100, refit=True),
        lambda task: rates[task.learner] * (100 if task.fold == REFIT else 80),
        2,
    )
    total = sum(end - start for _, start, end in runs)
    assert max(end for _, _, end in runs) <= 1.1 * max(total / 2, 60)


def test_a_running_fit_counts_as_long_as_it_has_run():
    queue = Queue([10, 10], 2, 20, refit=False)
    assert queue.next(0.0) == Task(0, 1)
    assert queue.next(0.0) == Task(1, 1)
    queue.done(Task(1, 1), 1.0)
    # learner 0 has been at its first fit for 5 s, learner 1 took 1 s
    assert queue.next(5.0) == Task(0, 0)


def test_drop_forgets_a_learner():
    queue = Queue([10, 10], 2, 20, refit=True)
    assert queue.next(0.0).learner == 0
    queue.drop(0)
    assert [task.learner for task in iter(lambda: queue.next(0.0), None)] == [1, 1, 1]


def test_refits_alone():
    queue = Queue([10, 10], 2, 20, refit=True, folds=False)
    tasks = list(iter(lambda: queue.next(0.0), None))
    assert sorted(task.learner for task in tasks) == [0, 1]
    assert {task.fold for task in tasks} == {REFIT}


@SETTINGS
@given(jobs(), st.floats(0.1, 2000))
def test_nothing_starts_that_cannot_end(job, deadline):
    """A learner whose cost is known, and exactly proportional to rows, never overruns."""
    sizes, rates, refit, n_machines = job
    queue = Queue(sizes, len(rates), sum(sizes), refit=refit, deadline=deadline)

    def seconds(task):
        return rates[task.learner] * (sum(sizes) if task.fold == REFIT else sizes[task.fold])

    runs = simulate(queue, seconds, n_machines)
    measured = {}  # learner → end of its first fit
    for task, _, end in runs:
        measured[task.learner] = min(end, measured.get(task.learner, np.inf))
    assert len({task for task, _, _ in runs}) == len(runs)
    for task, start, end in runs:
        assert start < deadline
        if start > measured[task.learner]:
            assert end <= deadline * (1 + 1e-9)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["cheap first", "cheap last"])
def test_the_cheap_learner_is_complete_at_the_deadline(order):
    rates = [(0.05, 5.0)[i] for i in order]  # fits of 0.5 and 50 s, 100 s in all
    queue = Queue([10, 10], 2, 20, refit=False, deadline=100.0)
    runs = simulate(queue, lambda task: rates[task.learner] * 10, 1)
    fits = Counter(rates[task.learner] for task, _, _ in runs)
    assert fits[0.05] == 2
    assert fits[5.0] == 1
    assert max(end for _, _, end in runs) <= 100


def test_under_a_deadline_the_smallest_fit_probes():
    queue = Queue([30, 10, 20], 1, 60, refit=True, deadline=1000.0)
    first = queue.next(0.0)
    assert first == Task(0, 1)
    queue.done(first, 1.0)
    assert [task.fold for task in iter(lambda: queue.next(1.0), None)] == [2, 0, REFIT]


def test_a_report_that_is_about_to_come_is_waited_for():
    """joblib asks for a task before it hands out the outcome that freed the worker."""
    queue = Queue([10, 10], 1, 20, refit=False, deadline=100.0)
    first = queue.next(0.0)
    assert queue.next(1.0) is WAIT
    queue.done(first, 1.0)
    assert queue.next(1.01) == Task(0, 0)


def test_a_report_that_does_not_come_is_not_waited_for_long():
    """An endless fit must not keep the other workers idle once all else is reported."""
    queue = Queue([10, 10], 1, 20, refit=False, deadline=100.0)
    queue.next(0.0)
    assert queue.next(1.0) is WAIT
    queue.waited()
    assert queue.next(2.0) == Task(0, 0)


def test_a_second_fit_goes_to_the_learner_opened_last():
    """The one that was opened first has had longest to report: it may never end."""
    queue = Queue([10, 10], 2, 20, refit=False, deadline=100.0)
    assert [queue.next(0.0).learner, queue.next(0.0).learner] == [0, 1]
    queue.waited()
    assert queue.next(1.0).learner == 1


def test_nothing_starts_after_the_deadline():
    queue = Queue([10], 1, 10, refit=False, deadline=5.0)
    assert queue.next(5.0) is None
    assert queue.next(4.9) == Task(0, 0)


@pytest.mark.parametrize("deadline", [None, 1000.0])
def test_a_gpu_is_queued_for_while_others_fill_the_cores(deadline):
    queue = Queue([90] * 4, 4, 120, refit=True, one_at_a_time=[1, 3], deadline=deadline)
    runs = simulate(queue, lambda task: 5.0 if task.learner in (1, 3) else 1.0, 3)
    assert len(runs) == 20
    on_gpu = sorted((start, end) for task, start, end in runs if task.learner in (1, 3))
    assert all(start >= end for (_, end), (start, _) in itertools.pairwise(on_gpu))
    on_cpu = [end for task, _, end in runs if task.learner in (0, 2)]
    assert max(on_cpu) < max(end for _, end in on_gpu) <= 51 + max(on_cpu) * (deadline is not None)


def test_under_a_deadline_learners_are_tried_in_the_order_of_their_ranks():
    queue = Queue([10, 10], 4, 20, refit=False, opening=[3, 1, 2, 1], deadline=100.0)
    assert [queue.next(0.0).learner for _ in range(4)] == [1, 3, 2, 0]


def test_under_a_deadline_what_is_tried_late_is_not_tried():
    """Trying all would take all the time: one that can be completed in time goes on."""
    queue = Queue([10] * 4, 9, 40, refit=False, deadline=100.0)
    runs = simulate(queue, lambda task: 12.0, 1)
    n_fits = Counter(task.learner for task, _, _ in runs)
    assert n_fits[0] == 4
    assert max(end for _, _, end in runs) <= 100


def test_under_a_deadline_the_seconds_go_where_most_is_gained():
    """All can still end in time: the one that gains most for its seconds goes on."""
    queue = Queue([10] * 5, 3, 50, refit=False, deadline=100.0)
    seconds = {0: 5.0, 1: 10.0, 2: 12.0}
    for learner in range(3):
        assert queue.next(0.0).learner == learner
        queue.done(Task(learner, 4), seconds[learner])
    queue.expect({0: 0.0, 1: 0.1, 2: 0.2})
    assert queue.next(31.0) == Task(2, 3)
    # three more of it, 36 s, would end too late: what can be completed goes first
    assert queue.next(70.0).learner == 0
