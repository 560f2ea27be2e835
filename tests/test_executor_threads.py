"""The threads of a ``ThreadPoolExecutor``: how many there are, and what if one cannot begin."""

from __future__ import annotations

import concurrent.futures.thread
import threading

import pytest

import poolcompat.futures.thread
from conftest import DEADLOCK_S


def test_a_failing_initializer_breaks_the_executor(lib, caplog):
    """submit() then raises BrokenThreadPool, which is in the module where one looks for it."""

    def initializer():
        raise KeyError

    with lib.futures.ThreadPoolExecutor(1, initializer=initializer) as executor:
        with pytest.raises(concurrent.futures.thread.BrokenThreadPool):
            executor.submit(int).result(DEADLOCK_S)
        with pytest.raises(poolcompat.futures.thread.BrokenThreadPool):
            executor.submit(int)
    assert "Exception in initializer" in caplog.text


def test_a_failing_initializer_keeps_no_other_thread_alive(lib, hold, caplog):
    """A thread that breaks the executor after shutdown() does not keep the others from ending."""
    running, may_fail = threading.Event(), threading.Event()
    initialized = []

    def initializer():
        initialized.append(None)
        if len(initialized) > 1:
            may_fail.wait(DEADLOCK_S)
            raise KeyError

    executor = lib.futures.ThreadPoolExecutor(2, initializer=initializer)
    executor.submit(lambda: running.set() or hold.wait(DEADLOCK_S))
    assert running.wait(DEADLOCK_S)
    (healthy,) = executor._threads
    pending = executor.submit(int)
    finished = executor.submit(int)
    finished.set_result(1)
    (failing,) = executor._threads - {healthy}
    executor.shutdown(wait=False)

    may_fail.set()
    failing.join(DEADLOCK_S)
    hold.set()
    healthy.join(DEADLOCK_S)

    assert not healthy.is_alive()
    assert isinstance(pending.exception(0), concurrent.futures.thread.BrokenThreadPool)
    assert finished.result(0) == 1


def test_an_idle_thread_is_reused(lib):
    """No thread is started for a task while one has nothing to do."""
    idle = threading.Semaphore(0)

    class Telling(list):
        def append(self, item):
            super().append(item)
            idle.release()

    with lib.futures.ThreadPoolExecutor(max_workers=8) as executor:
        executor._poolcompat_idle = Telling()
        for _ in range(8):
            executor.submit(int).result(DEADLOCK_S)
            assert idle.acquire(timeout=DEADLOCK_S)
        assert len(executor._threads) == 1


def test_busy_threads_are_joined_by_new_ones(lib):
    """As many threads as there are tasks at once, up to the limit."""
    with lib.futures.ThreadPoolExecutor(max_workers=3) as executor:
        barrier = threading.Barrier(4)
        for _ in range(3):
            executor.submit(barrier.wait, DEADLOCK_S)
        barrier.wait(DEADLOCK_S)
        assert len(executor._threads) == 3


def test_tasks_that_wait_for_each_other_all_get_a_thread(lib):
    """The count of idle workers stays right, however submissions and workers meet."""
    with lib.futures.ThreadPoolExecutor(4) as executor:
        for _ in range(50):
            barrier = threading.Barrier(4)
            futures = [executor.submit(barrier.wait, DEADLOCK_S) for _ in range(4)]
            assert sorted(future.result(DEADLOCK_S) for future in futures) == [0, 1, 2, 3]
