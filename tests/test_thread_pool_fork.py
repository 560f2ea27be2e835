"""A ``ThreadPool`` in a forked child, which has none of the parent's threads."""

from __future__ import annotations

import itertools
import os
import threading

import pytest

from conftest import DEADLOCK_S
from outcomes import error_of
from poolcompat import _stdlib
from poolcompat.monkey._defects._forking import exit_status_of_fork
from poolcompat.pool import ThreadPool

pytestmark = [
    pytest.mark.skipif(not _stdlib.CAN_FORK, reason="needs os.fork()"),
    pytest.mark.filterwarnings("ignore::poolcompat.TerminateWarning"),
]


def is_lost(get):
    error = error_of(get)
    said = "the process that ran this task was forked"
    return isinstance(error, _stdlib.BrokenExecutor) and str(error) == said


def test_what_was_outstanding_fails_there_and_is_done_here(lib, held):
    """No callback of the parent's is called in the child."""
    calls = []
    pool = lib.pool.ThreadPool(1)
    running = pool.apply_async(held.task, callback=calls.append)
    held.wait_until_running()
    done = pool.map_async(int, [])
    pending = [
        pool.apply_async(int, callback=calls.append, error_callback=calls.append),
        pool.map_async(int, range(3), callback=calls.append, error_callback=calls.append),
    ]
    iterators = [
        pool.imap(int, range(3)),
        pool.imap(int, itertools.count(), 1, 2),
        pool.imap_unordered(int, range(4), 2),
    ]

    def in_child():
        assert all(is_lost(result.get) for result in [running, *pending])
        assert all(is_lost(iterator.next) for iterator in iterators)
        assert [list(iterator) for iterator in iterators] == [[], [], []]
        assert done.get(0) == []
        pool.apply(int)
        assert calls == []

    assert exit_status_of_fork(in_child) == 0
    held.let_go()
    assert running.get(DEADLOCK_S) is None
    assert [result.get(DEADLOCK_S) for result in pending] == [0, [0, 1, 2]]
    assert list(iterators[0]) == [0, 1, 2]
    assert [next(iterators[1]) for _ in range(10)] == list(range(10))
    pool.terminate()
    pool.join()


def test_the_pool_can_be_used_there(lib):
    """Its threads are started when something is submitted, by whatever way."""
    ran = []
    pool = lib.pool.ThreadPool(2, ran.append, (0,))
    pool.map(abs, range(10))
    ran.clear()

    def in_child():
        assert pool._pool == []
        assert threading.active_count() == 1
        calls = []
        assert pool.apply_async(abs, (-1,), callback=calls.append).get(DEADLOCK_S) == 1
        assert pool.map(abs, range(10), 1) == list(range(10))
        assert list(pool.imap(abs, range(10), 2, 1)) == list(range(10))
        assert calls == [1]
        assert len(pool._pool) == 2
        pool.close()
        pool.join()
        assert ran == [0, 0]

    for _ in range(3):
        assert exit_status_of_fork(in_child) == 0
    assert pool.apply(int) == 0
    pool.close()
    pool.join()


@pytest.mark.parametrize("end", ["close", "terminate"])
def test_a_pool_that_was_ended_before(lib, end):
    """It stays ended, and nobody waits for threads that are not there."""
    pool = lib.pool.ThreadPool(1)
    getattr(pool, end)()

    def in_child():
        assert str(error_of(lambda: pool.apply(int))) == "Pool not running"
        pool.join()
        pool.terminate()
        pool.join()

    assert exit_status_of_fork(in_child) == 0
    pool.join()


@pytest.mark.parametrize("end", ["close", "terminate"])
def test_a_pool_that_is_ended_there_unused(lib, held, end):
    """The parent's goes on."""
    pool = lib.pool.ThreadPool(1)
    result = pool.apply_async(held.task, (5,))
    held.wait_until_running()

    def in_child():
        getattr(pool, end)()
        pool.join()

    assert exit_status_of_fork(in_child) == 0
    held.let_go()
    assert result.get(DEADLOCK_S) == 5
    pool.close()
    pool.join()


def test_a_task_may_fork(lib):
    """The child uses the pool as any other does."""
    with lib.pool.ThreadPool(1) as pool:

        def in_child():
            assert pool.map(abs, range(3)) == [0, 1, 2]

        assert pool.apply(exit_status_of_fork, (in_child,)) == 0
        assert pool.apply(int) == 0


def test_forks_at_any_moment(lib):
    """Also while others submit, take results and are called back."""
    is_over = threading.Event()
    with lib.pool.ThreadPool(3) as pool:

        def use():
            while not is_over.is_set():
                pool.apply_async(int, callback=abs).get(DEADLOCK_S)
                pool.map(abs, range(10))
                list(pool.imap(abs, range(10), 1, 2))

        def in_child():
            assert pool.map(abs, range(10)) == list(range(10))
            assert pool.apply_async(int, callback=abs).get(DEADLOCK_S) == 0
            pool.terminate()
            pool.join()

        threads = [threading.Thread(target=use) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            statuses = {exit_status_of_fork(in_child) for _ in range(20)}
        finally:
            is_over.set()
        for thread in threads:
            thread.join(DEADLOCK_S)

    assert statuses == {0}


def test_the_child_exits_in_order(lib):
    """With its exit hooks, as the parent does."""
    pool = lib.pool.ThreadPool(1)

    def in_child():
        pool.apply_async(threading.Event().wait)
        pool.apply_async(int)
        pool._terminate()
        os._exit(0)

    assert exit_status_of_fork(in_child) == 0
    pool.close()
    pool.join()


def test_what_is_dropped_and_not_called_back_yet_is_done_there(held, hold):
    """The thread for callbacks has something else to do."""
    pool = ThreadPool(1)
    is_called = threading.Event()
    first = pool.apply_async(int, callback=lambda _: (is_called.set(), hold.wait(DEADLOCK_S)))
    assert is_called.wait(DEADLOCK_S)
    running = pool.apply_async(held.task)
    held.wait_until_running()
    calls = []
    dropped = pool.apply_async(int, error_callback=calls.append)
    assert pool.request_stop() == 1

    def in_child():
        assert is_lost(lambda: dropped.get(0))
        assert calls == []

    assert exit_status_of_fork(in_child) == 0
    hold.set()
    held.let_go()
    assert first.get(DEADLOCK_S) == 0
    assert running.get(DEADLOCK_S) is None
    assert error_of(lambda: dropped.get(DEADLOCK_S)).reason == "not started"
    pool.close()
    pool.join()
    assert len(calls) == 1


def test_an_iterator_that_somebody_asks_for_a_result_can_be_asked_there(lib, hold):
    """Whoever does holds its lock for a moment, even if its pool has forgotten it."""
    pool = lib.pool.ThreadPool(1)
    iterator = pool.imap(int, range(2))
    pool.close()
    pool.join()
    is_locked = threading.Event()

    def ask():
        with iterator._lock:
            is_locked.set()
            hold.wait(DEADLOCK_S)

    thread = threading.Thread(target=ask)
    thread.start()
    assert is_locked.wait(DEADLOCK_S)

    def in_child():
        assert list(iterator) == [0, 1]

    assert exit_status_of_fork(in_child) == 0
    hold.set()
    thread.join(DEADLOCK_S)
    assert list(iterator) == [0, 1]
