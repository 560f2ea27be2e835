"""A ``ThreadPoolExecutor`` in a child that is forked at the worst moment."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from conftest import DEADLOCK_S
from poolcompat import _stdlib
from poolcompat.futures import BrokenExecutor
from poolcompat.futures._worker import _work
from poolcompat.monkey._defects._forking import exit_status_of_fork

pytestmark = [
    pytest.mark.skipif(not _stdlib.CAN_FORK, reason="needs os.fork()"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


def is_lost_there(future):
    def in_child():
        assert isinstance(future.exception(0), BrokenExecutor)

    return exit_status_of_fork(in_child) == 0


def with_idle_worker(lib):
    """Return an executor of which a thread waits for work, or is about to."""
    executor = lib.futures.ThreadPoolExecutor(1)
    executor.submit(int).result()
    while not executor._poolcompat_idle:
        os.sched_yield()
    return executor


@pytest.fixture
def one_thread_at_a_time():
    """Have no thread go on while another can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(DEADLOCK_S)
    yield
    sys.setswitchinterval(before)


def test_what_a_worker_is_about_to_take_is_done_there(lib, one_thread_at_a_time):
    """Since 3.13 the queue hands it over, and has it no more."""
    executor = with_idle_worker(lib)
    for _ in range(20):
        future = executor.submit(int)
        assert is_lost_there(future)
        assert future.result(DEADLOCK_S) == 0
    executor.shutdown()


@pytest.fixture
def held_when_taken(hold):
    """Holds workers right after they have taken what was submitted; gives what says so."""
    taken, is_submitted = threading.Event(), threading.Event()

    def trace(frame, event, arg):
        if frame.f_code is not _work.__code__:
            return None
        if event == "line" and is_submitted.is_set():
            taken.set()
            hold.wait(DEADLOCK_S)
        return trace

    threading.settrace(trace)
    yield is_submitted, taken
    threading.settrace(None)


def test_what_a_worker_has_just_taken_is_done_there(lib, hold, held_when_taken):
    is_submitted, taken = held_when_taken
    executor = with_idle_worker(lib)
    is_submitted.set()
    future = executor.submit(int)
    assert taken.wait(DEADLOCK_S)
    assert is_lost_there(future)
    hold.set()
    assert future.result(DEADLOCK_S) == 0
    executor.shutdown()


@pytest.mark.parametrize("name", ["shutdown", "request_stop"])
def test_what_is_being_cancelled_is_done_there(lib, hold, held, name):
    """A done-callback of one future holds up the cancelling of the next."""
    executor = lib.futures.ThreadPoolExecutor(1)
    if not hasattr(executor, name):
        executor.shutdown()
        pytest.skip("the standard library's class has no names of ours")
    running, first, second = executor.submit(held.task), executor.submit(int), executor.submit(int)
    held.wait_until_running()
    is_called = threading.Event()
    first.add_done_callback(lambda _: (is_called.set(), hold.wait(DEADLOCK_S)))
    options = {"cancel_futures": True} if name == "shutdown" else {}
    thread = threading.Thread(target=getattr(executor, name), kwargs=options)
    thread.start()
    assert is_called.wait(DEADLOCK_S)
    assert is_lost_there(second)
    hold.set()
    held.let_go()
    thread.join(DEADLOCK_S)
    assert second.cancelled()
    assert running.result(DEADLOCK_S) is None
    executor.shutdown()
    assert not executor._poolcompat_queued
