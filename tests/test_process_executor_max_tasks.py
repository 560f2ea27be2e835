"""``ProcessPoolExecutor(max_tasks_per_child=)``, behind both doors."""

from __future__ import annotations

import concurrent.futures
import gc
import os
import threading

import pytest

from conftest import DEADLOCK_S
from killable_tasks import NotPickled, echo, fail, hold, leave
from process_tasks import START_METHODS
from stage import exists, outcome, wait_until

pytest_plugins = ["killable_fixtures", "process_fixtures"]

NOT_FORK = [method for method in START_METHODS if method != "fork"]
pytestmark = pytest.mark.skipif(not NOT_FORK, reason="needs a start method other than fork")


@pytest.fixture
def make(make_pool):
    """Make executors whose processes are replaced, by the fastest method that can."""

    def make(max_workers, max_tasks, method=None, **options):
        method = method or [*NOT_FORK, "forkserver"]["forkserver" in NOT_FORK and -1]
        return make_pool(max_workers, method, max_tasks_per_child=max_tasks, **options)

    return make


@pytest.mark.parametrize("method", NOT_FORK)
def test_a_process_is_replaced_after_so_many_tasks(make, method):
    """And is gone then; there is never more than one."""
    executor = make(1, 2, method)
    pids = []
    for _ in range(3):
        pair = [executor.submit(os.getpid).result(DEADLOCK_S) for _ in range(2)]
        assert pair[0] == pair[1]
        assert not set(executor._processes) - {pair[0]}
        pids.append(pair[0])
    assert len({*pids}) == 3
    executor.shutdown()
    assert not any(exists(pid) for pid in pids)


@pytest.mark.parametrize("max_tasks", [1, 2, 3])
@pytest.mark.parametrize("max_workers", [1, 3])
def test_a_backlog(make, max_workers, max_tasks):
    """All is done, by as many processes as it takes (gh-115634)."""
    executor = make(max_workers, max_tasks)
    futures = [executor.submit(os.getpid) for _ in range(10)]
    pids = [future.result(DEADLOCK_S) for future in futures]
    assert all(pids.count(pid) <= max_tasks for pid in pids)
    assert len(executor._processes) <= max_workers


@pytest.mark.parametrize("wait", [True, False])
def test_shutdown_with_a_backlog(make, stage, wait):
    """It is done all the same (gh-119592)."""
    executor = make(1, 1)
    first = executor.submit(hold, stage.address, 0)
    actor = stage.next()
    futures = [executor.submit(echo, number) for number in range(4)]
    thread = threading.Thread(target=lambda: executor.shutdown(wait=wait))
    thread.start()
    actor.let_go()
    assert [future.result(DEADLOCK_S) for future in futures] == [(n,) for n in range(4)]
    assert first.result(0) == 0
    thread.join(DEADLOCK_S)
    executor.shutdown()


def test_cancelling_the_backlog(make, stage):
    """No process is started for what is cancelled."""
    executor = make(1, 1)
    futures = [executor.submit(hold, stage.address) for _ in range(4)]
    actor = stage.next()
    executor.shutdown(wait=False, cancel_futures=True)
    actor.let_go()
    executor.shutdown()
    assert [future.cancelled() for future in futures] == [False, True, True, True]


def test_a_dropped_executor_with_a_backlog(lib, stage):
    """Its calls are run, by new processes."""
    executor = lib.futures.ProcessPoolExecutor(1, max_tasks_per_child=1)
    futures = [executor.submit(hold, stage.address, number) for number in range(3)]
    del executor
    pids = set()
    for _ in futures:
        actor = stage.next()
        pids.add(actor.pid)
        actor.let_go()
    assert [future.result(DEADLOCK_S) for future in futures] == [0, 1, 2]
    assert len(pids) == 3
    gc.collect()
    wait_until(lambda: not any(exists(pid) for pid in pids))


def test_failures_count_as_tasks(make):
    """And do not break the pool; what was never sent does not count."""
    executor = make(1, 2)
    first = executor.submit(os.getpid).result(DEADLOCK_S)
    assert type(outcome(executor.submit(echo, NotPickled("exception")))) is LookupError
    assert type(outcome(executor.submit(fail, SystemExit(1)))) is SystemExit
    assert executor.submit(os.getpid).result(DEADLOCK_S) != first


def test_the_last_task_may_do_anything(make):
    """Crash, for one, which breaks the pool as ever."""
    executor = make(1, 1)
    futures = [executor.submit(int), executor.submit(leave, 3), executor.submit(int)]
    assert futures[0].result(DEADLOCK_S) == 0
    for future in futures[1:]:
        assert "exit code 3" in str(outcome(future))


def test_a_callback_that_submits(make):
    """When the process is about to be replaced."""
    executor = make(1, 1)
    pids, told = [], threading.Event()

    def again(future):
        pids.append(future.result())
        if len(pids) < 4:
            executor.submit(os.getpid).add_done_callback(again)
        else:
            told.set()

    executor.submit(os.getpid).add_done_callback(again)
    assert told.wait(DEADLOCK_S)
    assert len({*pids}) == 4


def test_the_initializer_is_called_in_each(make, stage):
    """In new processes as well."""
    executor = make(1, 1, initializer=hold, initargs=(stage.address,))
    futures = [executor.submit(os.getpid) for _ in range(3)]
    pids = []
    for _ in futures:
        actor = stage.next()
        pids.append(actor.pid)
        actor.let_go()
    assert [future.result(DEADLOCK_S) for future in futures] == pids


def test_a_slow_end_does_not_hold_up_the_next(make, stage):
    """Idle ones among many are taken first: all at once are at work."""
    executor = make(3, 1)
    futures = [executor.submit(hold, stage.address) for _ in range(6)]
    actors = stage.take(3)
    for actor in actors:
        actor.let_go()
    actors += stage.take(3)
    assert len({actor.pid for actor in actors}) == 6
    for actor in actors[3:]:
        actor.let_go()
    assert concurrent.futures.wait(futures, DEADLOCK_S).done == set(futures)
