"""Exceptions raised in other threads: which thread, which task and when."""

from __future__ import annotations

import _thread
import sys
import threading

import pytest

import fresh
import poolcompat.futures
from asked import needs_interrupts
from conftest import DEADLOCK_S
from poolcompat import _places, _threads
from poolcompat.stopping import TaskStopped, ThreadTerminated
from poolcompat.stopping._ladder import interrupt
from poolcompat.stopping._task import Control, Running, Task, running_in
from race import race
from targets import Hit, start

pytestmark = needs_interrupts


def test_a_thread_that_is_gone_is_not_found():
    """Nothing is sent, and nobody else is hit."""
    thread = start(lambda: None)
    thread.join(DEADLOCK_S)
    assert _threads.frame_of(thread) is None
    assert not _threads.interrupt(thread, Hit)


class Tracer:
    """Raises at a given line, of those that come after a task's call until it has ended."""

    CODES = frozenset({Task.call.__code__, Task.end.__code__, Control.close.__code__})

    def __init__(self, task, line_number):
        self.task = task
        self.line_number = line_number
        self.count = 0

    def __call__(self, frame, event, _):
        if frame.f_code not in self.CODES:
            return None
        if event == "line" and self.task.was_called and not self.task.control.ended.is_set():
            self.count += 1
            if self.count == self.line_number:
                raise ThreadTerminated
        return self


def call_with_interruption(outcome, line_number):
    """Call a task that is interrupted at a line; return it, what came of it, and the tracer."""
    task = Task()
    task.was_called = False
    task.make_control()
    tracer = Tracer(task, line_number)

    def fn():
        task.was_called = True
        if outcome == "raises":
            raise KeyError
        if outcome == "is interrupted":
            raise ThreadTerminated
        return "value"

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        result = task.call(fn, (), {})
    finally:
        sys.settrace(before)
    return task, result, tracer


@pytest.mark.parametrize("outcome", ["returns", "raises", "is interrupted"])
def test_an_interruption_at_any_line_of_ours(outcome):
    """Wherever it comes, the task has ended, with one outcome, and nothing more can be sent."""
    line_number = 0
    while True:
        line_number += 1
        task, (returned, value), tracer = call_with_interruption(outcome, line_number)
        assert task.fn is None
        assert task.control.ended.is_set()
        assert not interrupt(Running(threading.current_thread(), task, None, None))
        if tracer.count < line_number:
            break
        assert not returned
        assert isinstance(value, TaskStopped)
    expected = {"returns": str, "raises": KeyError, "is interrupted": TaskStopped}
    assert isinstance(value, expected[outcome])
    assert line_number > 3


def test_no_task_but_the_right_one_is_interrupted():
    """A thread that keeps interrupting short tasks reaches none that it does not mean.

    The long form of this, a million tasks, is ``nox -s stress``.
    """
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        counts = race(5_000)
    finally:
        sys.setswitchinterval(interval)
    assert counts["lost"] == counts["wrong"] == counts["dead workers"] == 0
    assert counts["returned"] + counts["interrupted"] == 5_000


def test_no_thread_that_is_just_being_started_is_hit(hold):
    """Since 3.12 it has the ident 0 until it runs; hit there, it never does."""
    elsewhere = _places.place_of(sys._getframe())
    target = start(hold.wait)

    def keep_missing():
        while not hold.is_set():
            assert not _threads._send(target, Hit, elsewhere)

    hunter = start(keep_missing)
    ran = threading.Semaphore(0)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for _ in range(1000):
            _thread.start_new_thread(ran.release, ())
            assert ran.acquire(timeout=DEADLOCK_S)
    finally:
        sys.setswitchinterval(interval)
        hold.set()
    for thread in (target, hunter):
        thread.join(DEADLOCK_S)
        assert thread.error is None


def test_nothing_is_sent_to_a_task_that_has_ended():
    """What was found running may have ended meanwhile; the next task in its thread is safe."""
    with poolcompat.futures.ThreadPoolExecutor(1) as executor:
        go, running = threading.Event(), threading.Event()
        first = executor.submit(lambda: running.set() or go.wait(DEADLOCK_S))
        assert running.wait(DEADLOCK_S)
        (one,) = running_in(executor._threads)
        second = executor.submit(lambda: go.wait(DEADLOCK_S) and "second")
        go.set()
        first.result(DEADLOCK_S)
        while one.task.fn is not None:
            pass
        for _ in range(100):
            assert not interrupt(one)
        assert second.result(DEADLOCK_S) == "second"


def test_what_was_not_raised_is_revoked():
    """An exception that is pending when it is taken back is not raised."""
    lock = threading.Lock()
    lock.acquire()
    entered = threading.Event()

    def task():
        entered.set()
        lock.acquire()

    thread = start(task)
    assert entered.wait(DEADLOCK_S)
    while _threads.frame_of(thread).f_code is not task.__code__:
        pass
    assert _threads.send_exception(thread.ident, Hit) == 1
    _threads.withdraw_exception(thread.ident)
    lock.release()
    thread.join(DEADLOCK_S)
    assert thread.error is None


def test_what_is_pending_is_discarded():
    """The thread itself can do it, and goes on."""
    lock = threading.Lock()
    lock.acquire()
    entered = threading.Event()
    steps = []

    def task():
        entered.set()
        try:
            lock.acquire()
        except Hit:
            steps.append("hit")
        _threads.discard_exception()
        steps.append("went on")

    thread = start(task)
    assert entered.wait(DEADLOCK_S)
    while _threads.frame_of(thread).f_code is not task.__code__:
        pass
    _threads.send_exception(thread.ident, Hit)
    lock.release()
    thread.join(DEADLOCK_S)
    assert steps == ["hit", "went on"]


def test_a_traced_thread_goes_on_after_an_interruption():
    """On 3.11 it would hang if the interpreter still looked for an exception."""
    said = fresh.run(
        """
        import sys, threading, time, warnings
        import poolcompat.futures
        warnings.simplefilter("ignore")
        for task in (lambda: time.sleep(1), lambda: [None for _ in iter(int, 1)]):
            executor = poolcompat.futures.ThreadPoolExecutor(1)
            running = threading.Event()
            executor.submit(lambda: running.set() or task())
            running.wait()
            executor.terminate_workers(grace=0, timeout=0.1)
            sys.settrace(lambda *_: None)
            (lambda: None)()
            sys.settrace(None)
        print("went on")
        """
    )
    assert said == "went on\n"


def test_looking_at_threads_that_run_is_safe():
    """Without the GIL, going from frame to frame of such a thread crashed the interpreter."""
    said = fresh.run(
        """
        import threading
        from poolcompat.stopping._where import stack_of

        stop = threading.Event()

        def deep(depth):
            return depth and deep(depth - 1)

        def run():
            while not stop.is_set():
                deep(60)

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(500):
            for thread in threads:
                stack_of(thread, frozenset({"threading"}))
        stop.set()
        print("fine")
        """
    )
    assert said == "fine\n"
