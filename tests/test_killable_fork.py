"""A ``KillableThreadPoolExecutor`` in a process that was forked from its parent."""

from __future__ import annotations

import os
import threading

import pytest

from conftest import DEADLOCK_S
from killable_tasks import add, hold, who
from killable_things import held_when_unpickled, until_asked
from outcomes import error_of
from poolcompat import _stdlib
from poolcompat.futures import KillableThreadPoolExecutor
from poolcompat.monkey._defects._forking import exit_status_of_fork
from stage import exists, is_killed

pytest_plugins = "killable_fixtures"

pytestmark = [
    pytest.mark.skipif(not _stdlib.CAN_FORK, reason="needs os.fork()"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


def is_lost(future):
    error = error_of(lambda: future.result(0))
    return isinstance(error, _stdlib.BrokenExecutor)


@pytest.mark.parametrize("restart", [False, True])
def test_what_was_outstanding_fails_there_and_is_done_here(make, stage, restart):
    """No callback of the parent's is called in the child."""
    calls = []
    executor = make(1, restart=restart)
    done = executor.submit(add, 3)
    assert done.result(DEADLOCK_S) == 3
    running, *pending = (executor.submit(hold, stage.address, number) for number in range(3))
    actor = stage.next()
    cancelled = executor.submit(int)
    assert cancelled.cancel()
    for future in (running, *pending):
        future.add_done_callback(calls.append)

    def in_child():
        assert all(is_lost(future) for future in (running, *pending))
        assert cancelled.cancelled()
        assert done.result(0) == 3
        assert calls == []

    assert exit_status_of_fork(in_child) == 0
    assert exists(actor.pid)
    assert not running.done()
    actor.let_go()
    for _ in pending:
        stage.next().let_go()
    assert [future.result(DEADLOCK_S) for future in (running, *pending)] == [0, 1, 2]
    executor.shutdown()
    assert calls == [running, *pending]


def test_it_can_be_used_there(make):
    """It is empty, and starts a process of its own; the parent's is not touched."""
    executor = make(2)
    mine, _ = executor.submit(who).result(DEADLOCK_S)

    def in_child():
        assert not executor._processes
        assert threading.active_count() == 1
        with executor:
            assert list(executor.map(add, range(10))) == list(range(10))
            theirs, _ = executor.submit(who).result(DEADLOCK_S)
            assert theirs != mine
        assert not exists(theirs)

    for _ in range(3):
        assert exit_status_of_fork(in_child) == 0
    assert executor.submit(who).result(DEADLOCK_S)[0] == mine


@pytest.mark.parametrize("end", ["kill_workers", "terminate_workers", "request_stop", "shutdown"])
@pytest.mark.parametrize("is_used", [False, True])
def test_it_is_ended_there(make, stage, end, is_used):
    """The parent's goes on."""
    executor = make(1)
    future = executor.submit(hold, stage.address, 5)
    actor = stage.next()

    def in_child():
        if is_used:
            own = executor.submit(until_asked, stage.address)
            own_actor = stage.next()
            if end == "shutdown":
                own.cancel()
        getattr(executor, end)()
        if is_used:
            if "workers" in end:
                assert is_killed(own)
                own_actor.wait_until_gone()
            else:
                assert own_actor.hear() == "asked"
        executor.shutdown()

    assert exit_status_of_fork(in_child) == 0
    assert exists(actor.pid)
    assert not future.done()
    actor.let_go()
    assert future.result(DEADLOCK_S) == 5


def test_one_that_was_shut_down_or_broken_before(make):
    """Stays shut down; nobody waits for a process that is not there."""
    executor = make(1)
    executor.submit(int).result(DEADLOCK_S)
    executor.shutdown(wait=False)

    def in_child():
        assert type(error_of(lambda: executor.submit(int))) is RuntimeError
        executor.shutdown()
        executor.kill_workers()

    assert exit_status_of_fork(in_child) == 0
    executor.shutdown()


def test_a_child_that_exits_at_once(make):
    """And one that drops the executor: the process of the parent lives on."""
    executor = make(1)
    pid, _ = executor.submit(who).result(DEADLOCK_S)
    assert exit_status_of_fork(lambda: None) == 0
    assert executor.submit(who).result(DEADLOCK_S)[0] == pid


def test_a_fork_of_a_fork(make):
    """The same again."""
    executor = make(1)
    assert executor.submit(add, 1).result(DEADLOCK_S) == 1

    def in_grandchild():
        with executor:
            assert executor.submit(add, 3).result(DEADLOCK_S) == 3

    def in_child():
        assert executor.submit(add, 2).result(DEADLOCK_S) == 2
        assert exit_status_of_fork(in_grandchild) == 0
        assert executor.submit(add, 2).result(DEADLOCK_S) == 2
        executor.shutdown()

    assert exit_status_of_fork(in_child) == 0
    assert executor.submit(add, 1).result(DEADLOCK_S) == 1


def test_forks_at_any_moment():
    """Also while others submit, restart it and are called back."""
    is_over = threading.Event()
    executor = KillableThreadPoolExecutor(2, restart=True)

    def use():
        while not is_over.is_set():
            executor.submit(add, 1).add_done_callback(abs)
            error_of(lambda: list(executor.map(add, range(10))))

    def kill():
        while not is_over.is_set():
            executor.submit(int).exception(DEADLOCK_S)
            executor.kill_workers()

    def in_child():
        assert executor.submit(add, 1).result(DEADLOCK_S) == 1
        executor.kill_workers()
        executor.shutdown()

    threads = [threading.Thread(target=run) for run in (use, use, kill)]
    for thread in threads:
        thread.start()
    try:
        statuses = {exit_status_of_fork(in_child) for _ in range(8)}
    finally:
        is_over.set()
    for thread in threads:
        thread.join(DEADLOCK_S)
    executor.shutdown()
    assert statuses == {0}


def test_the_child_exits_in_order(make):
    """As a child of multiprocessing does, which runs exit hooks of its own."""
    executor = make(1)
    executor.submit(int).result(DEADLOCK_S)
    pid = os.fork()
    if pid == 0:
        try:
            from multiprocessing import util

            executor.submit(add, 1)
            util._exit_function()
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert status == 0
    assert executor.submit(add, 1).result(DEADLOCK_S) == 1


@pytest.mark.parametrize("name", ["shutdown", "request_stop"])
def test_what_is_being_cancelled_is_done_there(make, stage, name):
    """A done-callback of one future holds up the cancelling of the next."""
    executor = make(1)
    running = executor.submit(hold, stage.address)
    actor = stage.next()
    first, second = executor.submit(int), executor.submit(int)
    is_called, go_on = threading.Event(), threading.Event()
    first.add_done_callback(lambda _: (is_called.set(), go_on.wait(DEADLOCK_S)))
    options = {"wait": False, "cancel_futures": True} if name == "shutdown" else {}
    thread = threading.Thread(target=getattr(executor, name), kwargs=options)
    thread.start()
    assert is_called.wait(DEADLOCK_S)

    def in_child():
        assert is_lost(second)

    assert exit_status_of_fork(in_child) == 0
    go_on.set()
    thread.join(DEADLOCK_S)
    assert second.cancelled()
    actor.let_go()
    running.exception(DEADLOCK_S)


def test_what_is_being_answered_is_done_there(make, stage):
    """Something holds up the unpickling of a result."""
    executor = make(1)
    future = executor.submit(held_when_unpickled, stage.address)
    actor = stage.next()
    assert actor.pid == os.getpid()

    def in_child():
        assert is_lost(future)

    assert exit_status_of_fork(in_child) == 0
    actor.let_go()
    assert future.result(DEADLOCK_S) is None
