"""Exceptions raised in threads that take locks: where they may be raised."""

from __future__ import annotations

import concurrent.futures
import queue
import sys
import threading

import pytest

from asked import needs_interrupts
from conftest import DEADLOCK_S
from poolcompat import _stdlib, _threads
from poolcompat.stopping._task import Task
from targets import Hit, hit, start

pytestmark = needs_interrupts

needs_gil = pytest.mark.skipif(
    not _stdlib.FRAMES_ARE_READABLE, reason="needs the GIL, for looking and sending in one step"
)


def spinning_in(filename, code="while not stop: pass"):
    """Return a function that spins in a file of this name until its ``stop`` is true."""
    namespace = {"stop": False}
    source = f"def spin():\n    {code}\n"
    exec(compile(source, filename, "exec"), namespace)
    return namespace["spin"], namespace


FRAGILE = [
    threading.Thread.start.__code__.co_filename,
    queue.Queue.put.__code__.co_filename,
    concurrent.futures.Future.result.__code__.co_filename,
    Task.end.__code__.co_filename,
    _threads.interrupt.__code__.co_filename,
]


@pytest.mark.parametrize("filename", FRAGILE)
def test_nothing_is_raised_in_code_that_takes_locks(filename):
    """A thread there is left alone until it has left."""
    spin, namespace = spinning_in(filename)
    left = threading.Event()

    def leave():
        spin()
        left.set()
        while True:
            pass

    thread = start(leave)
    while _threads.frame_of(thread).f_code is not spin.__code__:
        pass
    for _ in range(100):
        assert not _threads.interrupt(thread, Hit)
    namespace["stop"] = True
    assert left.wait(DEADLOCK_S)
    hit(thread)
    assert thread.place().name == "leave"


@needs_gil
def test_nothing_is_raised_in_what_such_code_calls():
    """Since 3.13 it could be raised when the function has returned."""
    called = threading.Event()
    done = threading.Event()

    def callback():
        called.set()
        while not done.is_set():
            pass

    spin, namespace = spinning_in(FRAGILE[0], "callback()")
    namespace["callback"] = callback
    thread = start(spin)
    assert called.wait(DEADLOCK_S)
    for _ in range(100):
        assert not _threads.interrupt(thread, Hit)
    done.set()
    thread.join(DEADLOCK_S)
    assert thread.error is None


@needs_gil
def test_locks_survive_many_interruptions():
    """Threads that do nothing but lock and unlock in Python code leave every lock free."""
    items = queue.Queue()
    condition = threading.Condition(threading.Lock())
    lock, semaphore = threading.Lock(), threading.Semaphore(2)
    interval = sys.getswitchinterval()

    def work():
        while True:
            items.put(None)
            items.get()
            with condition:
                condition.notify()
            with lock:
                pass
            lock.acquire()
            try:
                pass
            finally:
                lock.release()
            with semaphore:
                pass

    sys.setswitchinterval(1e-5)
    try:
        for _ in range(10):
            thread = start(work)
            hit(thread)
            assert isinstance(thread.error, Hit)
            assert items.mutex.acquire(False)
            items.mutex.release()
            assert condition.acquire(False)
            condition.release()
            assert lock.acquire(False)
            lock.release()
            assert semaphore._value == 2
    finally:
        sys.setswitchinterval(interval)


def test_a_thread_that_is_taking_a_lock_is_left_alone():
    """Hit there, it would get the lock and never release it."""
    lock = threading.Lock()
    entered, left = threading.Event(), threading.Event()
    ways = {"call": "lock.acquire()", "with": "with lock: pass"}
    for way in ways.values():
        lock.acquire()
        source = (
            f"def task():\n    entered.set()\n    {way}\n    left.set()\n    while True: pass\n"
        )
        namespace = {"lock": lock, "entered": entered, "left": left}
        exec(compile(source, "a program", "exec"), namespace)
        task = namespace["task"]
        thread = start(task)
        assert entered.wait(DEADLOCK_S)
        while _threads.frame_of(thread).f_code is not task.__code__:
            pass
        sent = [_threads.interrupt(thread, Hit) for _ in range(100)]
        lock.release()
        if not any(sent):
            assert left.wait(DEADLOCK_S)
            if way == ways["call"]:
                lock.release()
        hit(thread)
        assert isinstance(thread.error, Hit)
        assert lock.acquire(False), way
        lock.release()
        entered.clear()
        left.clear()
