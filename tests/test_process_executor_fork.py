"""``ProcessPoolExecutor`` and ``os.fork()``: in the child it is empty, and can be used."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading

import pytest

from conftest import DEADLOCK_S
from killable_tasks import add, hold, leave
from outcomes import error_of
from poolcompat import _stdlib
from poolcompat.hosting._watch import Watch
from poolcompat.monkey._defects._forking import exit_status_of_fork
from process_tasks import START_METHODS
from stage import exists, outcome, wait_until

pytest_plugins = ["killable_fixtures", "process_fixtures"]
pytestmark = [
    pytest.mark.skipif(not _stdlib.CAN_FORK, reason="needs os.fork()"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


def is_lost(future):
    error = error_of(lambda: future.result(0))
    said = "the process that ran this task was forked"
    return isinstance(error, _stdlib.BrokenExecutor) and str(error) == said


def use(executor):
    """Do a little of everything, with new processes."""
    assert executor.submit(add, 1, two=2).result(DEADLOCK_S) == 3
    assert list(executor.map(abs, range(5), chunksize=2)) == [0, 1, 2, 3, 4]
    pid = executor.submit(os.getpid).result(DEADLOCK_S)
    assert pid in executor._processes
    return pid


@pytest.mark.parametrize("method", START_METHODS)
def test_what_was_outstanding_is_lost_there_and_done_here(make_pool, stage, method):
    """And no callback of the parent's is called in the child."""
    executor, calls = make_pool(1, method), []
    futures = [executor.submit(hold, stage.address, number) for number in range(3)]
    actor = stage.next()
    futures[2].cancel()
    for future in futures[:2]:
        future.add_done_callback(calls.append)

    def in_child():
        assert is_lost(futures[0])
        assert is_lost(futures[1])
        assert futures[2].cancelled()
        assert calls == []
        assert executor._processes == {}
        assert len(executor._pending_work_items) == 0
        assert multiprocessing.active_children() == []
        assert threading.active_count() == 1
        pid = use(executor)
        assert pid != actor.pid
        executor.shutdown()
        assert not exists(pid)

    assert exit_status_of_fork(in_child) == 0
    assert not futures[0].done()
    actor.let_go()
    stage.next().let_go()
    assert [future.result(DEADLOCK_S) for future in futures[:2]] == [0, 1]
    assert executor.submit(os.getpid).result(DEADLOCK_S) == actor.pid


@pytest.mark.parametrize("end", ["shutdown", "kill_workers", "terminate_workers", "nothing"])
def test_the_parents_processes_are_none_of_the_childs_business(make_pool, end):
    """Whatever it does with the executor, without or after using it."""
    executor = make_pool(2)
    pids = {executor.submit(os.getpid).result(DEADLOCK_S), *executor._processes}

    def in_child():
        getattr(executor, end, int)()

    def in_child_used():
        use(executor)
        getattr(executor, end, executor.shutdown)()
        executor.shutdown()

    for _ in range(2):
        assert exit_status_of_fork(in_child) == 0
        assert exit_status_of_fork(in_child_used) == 0
    assert all(exists(pid) for pid in pids)
    assert executor.submit(os.getpid).result(DEADLOCK_S) in pids


def test_an_executor_that_was_shut_down_before(make_pool, stage):
    """It stays so, and nobody waits for what is not there."""
    executor = make_pool()
    future = executor.submit(hold, stage.address, 1)
    executor.shutdown(wait=False)

    def in_child():
        assert is_lost(future)
        assert "after shutdown" in str(error_of(lambda: executor.submit(int)))
        executor.shutdown()
        executor.kill_workers()

    actor = stage.next()
    assert exit_status_of_fork(in_child) == 0
    actor.let_go()
    assert future.result(DEADLOCK_S) == 1


def test_an_executor_that_was_broken_before(make_pool):
    """It stays so."""
    executor = make_pool()
    assert outcome(executor.submit(leave, 3)) is not None

    def in_child():
        assert "exit code 3" in str(error_of(lambda: executor.submit(int)))
        executor.shutdown()

    assert exit_status_of_fork(in_child) == 0


def test_an_executor_that_was_never_used(make_pool):
    """Both use it, each for itself."""
    executor = make_pool()
    assert exit_status_of_fork(lambda: use(executor) and executor.shutdown()) == 0
    use(executor)


def test_a_child_that_stays_holds_nothing_up(make_pool, stage):
    """It has copies of the pipes: the end of a process must be seen all the same."""
    executor = make_pool()
    pid = executor.submit(os.getpid).result(DEADLOCK_S)
    child = os.fork()
    if child == 0:
        try:
            hold(stage.address)
        finally:
            os._exit(0)
    actor = stage.next()
    try:
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: executor._broken)
        executor.shutdown()
    finally:
        actor.let_go()
        os.waitpid(child, 0)


def test_forks_at_any_moment(make_pool):
    """Also while others submit, and processes are started and ended."""
    is_over = threading.Event()
    executor = make_pool(2)

    def go_on():
        while not is_over.is_set():
            assert executor.submit(add, 1).result(DEADLOCK_S) == 1
            other = make_pool()
            other.submit(int)
            other.shutdown()

    def in_child():
        use(executor)
        executor.shutdown()

    threads = [threading.Thread(target=go_on) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        statuses = {exit_status_of_fork(in_child) for _ in range(20)}
    finally:
        is_over.set()
        for thread in threads:
            thread.join(DEADLOCK_S)
    assert statuses == {0}
    use(executor)


def test_children_of_multiprocessing(make_pool, stage):
    """They exit in order, with their exit hooks, and their own use of the executor."""
    executor = make_pool()
    future = executor.submit(hold, stage.address, 1)
    actor = stage.next()
    child = multiprocessing.get_context("fork").Process(target=use, args=(executor,))
    child.start()
    child.join(DEADLOCK_S)
    assert child.exitcode == 0
    actor.let_go()
    assert future.result(DEADLOCK_S) == 1


def test_a_callback_forks(make_pool):
    """From the thread that manages the executor."""
    executor = make_pool()
    statuses, told = [], threading.Event()

    def in_child():
        use(executor)
        executor.shutdown()

    future = executor.submit(int)
    future.add_done_callback(lambda _: (statuses.append(exit_status_of_fork(in_child)), told.set()))
    assert told.wait(DEADLOCK_S)
    assert statuses == [0]
    use(executor)


def test_a_fork_while_the_manager_closes_its_pipe():
    """The child leaves it alone: the number may be that of another file by then."""
    watch, closed = Watch(), []

    class Bell:
        def close(self):
            closed.append("parent")
            # What a child that is forked now does with its copy
            watch.close()

    bell, watch._bell = watch._bell, Bell()
    watch.close()
    bell.close()
    assert closed == ["parent"]
