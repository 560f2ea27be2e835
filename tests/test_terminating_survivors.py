"""What goes on when ``terminate_workers()`` of the executor is over, and who is told of it."""

from __future__ import annotations

import sys
import threading

import pytest

import fresh
from conftest import DEADLOCK_S
from poolcompat import TerminateWarning
from poolcompat.futures import ThreadPoolExecutor
from terminating_things import reason_of, running, until_asked


@pytest.fixture
def stuck():
    """A function that is stuck in C, until the test ends."""
    lock = threading.Lock()
    lock.acquire()
    yield lock.acquire
    # Each thread that was let go lets the next one go.
    lock.release()


def stuck_in(lock_acquire):
    """A task of that kind, which lets the next one go."""

    def task():
        lock_acquire()
        lock_acquire.__self__.release()

    return task


@pytest.mark.filterwarnings("ignore::poolcompat.TerminateWarning")
def test_what_goes_on_is_abandoned(stuck):
    """Its future is done, shutdown() does not wait for it, and its end goes unnoticed."""
    threads = []

    def task():
        threads.append(threading.current_thread())
        stuck_in(stuck)()

    with ThreadPoolExecutor(2) as executor:
        future, other = running(executor, task, until_asked)
        report = executor.terminate_workers(grace=0.01, timeout=0.02)
        assert reason_of(future) == "abandoned"
        executor.shutdown(wait=True)
    assert other.result(0) == "cleaned up"
    assert len(report.survivors) == 1
    assert threads[0].is_alive()


def test_the_warning_says_where_it_is_stuck(stuck):
    """It points at the caller's line, and names the thread, the task and the time."""
    executor = ThreadPoolExecutor(1, thread_name_prefix="stuck")
    running(executor, stuck_in(stuck))
    with pytest.warns(TerminateWarning) as caught:
        line, report = sys._getframe().f_lineno, executor.terminate_workers(grace=0, timeout=0.01)
    (warning,) = caught
    assert (warning.filename, warning.lineno) == (__file__, line)
    assert str(warning.message) == str(report)
    (survivor,) = report.survivors
    assert survivor.thread == "stuck_0"
    assert survivor.seconds > 0
    assert "lock_acquire()" in survivor.stack[-1]
    assert "1 task goes on" in str(report)


def test_a_callback_that_goes_on_is_abandoned_too(stuck):
    """It is not interrupted, and it is told of."""
    executor = ThreadPoolExecutor(1)
    ready, in_callback = threading.Event(), threading.Event()
    future = executor.submit(ready.wait, DEADLOCK_S)
    future.add_done_callback(lambda _: in_callback.set() or stuck_in(stuck)())
    ready.set()
    assert in_callback.wait(DEADLOCK_S)
    with pytest.warns(TerminateWarning, match="a done-callback in thread"):
        report = executor.terminate_workers(grace=0, timeout=0.05)
    assert future.result(0) is True
    assert len(report.survivors) == 1


def test_the_interpreter_exits_without_what_was_abandoned():
    """On every version, and in the block of the executor too."""
    said = fresh.run(
        """
        import threading, warnings
        import poolcompat.futures
        warnings.simplefilter("ignore")
        lock, begun = threading.Lock(), threading.Event()
        lock.acquire()
        with poolcompat.futures.ThreadPoolExecutor(2) as executor:
            future = executor.submit(lambda: (begun.set(), lock.acquire()))
            begun.wait()
            executor.terminate_workers(grace=0, timeout=0.01)
        print(future.exception().reason)
        """
    )
    assert said == "abandoned\n"
