"""Exceptions raised in other threads: where they may be raised, and who is woken."""

from __future__ import annotations

import _thread
import concurrent.futures
import queue
import sys
import threading
import traceback

import pytest

import fresh
import poolcompat.futures
from conftest import DEADLOCK_S
from poolcompat import _places, _stdlib, _threads
from poolcompat.stopping import StoppableThread, TaskStopped, ThreadTerminated
from poolcompat.stopping._ladder import interrupt
from poolcompat.stopping._task import Control, Running, Task, running_in
from race import race

pytestmark = pytest.mark.skipif(
    not _threads.can_interrupt(), reason="needs asynchronous exceptions"
)


needs_gil = pytest.mark.skipif(
    not _stdlib.FRAMES_ARE_READABLE, reason="needs the GIL, for looking and sending in one step"
)


class Hit(Exception):
    """What is raised in the threads here."""


class Target(StoppableThread):
    """A thread that keeps what is raised in it."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.error = None
        self.running = threading.Event()

    def run(self):
        try:
            self.running.set()
            self.function()
        except (Hit, ThreadTerminated) as error:
            self.error = error

    def place(self):
        """Return the innermost function in which it was raised."""
        return traceback.extract_tb(self.error.__traceback__)[-1]


def start(function):
    thread = Target(function)
    thread.start()
    assert thread.running.wait(DEADLOCK_S)
    return thread


def hit(thread, exctype=Hit):
    """Interrupt a thread, as soon as it is where it can be."""
    while thread.is_alive() and not _threads.interrupt(thread, exctype):
        pass
    thread.join(DEADLOCK_S)
    assert not thread.is_alive()


class Parked:
    """The objects that threads wait for here."""

    def __init__(self):
        self.event = threading.Event()
        self.queue = queue.Queue()
        self.full = queue.Queue(1)
        self.full.put(None)
        self.semaphore = threading.Semaphore(0)
        self.barrier = threading.Barrier(2)
        self.condition = threading.Condition()
        self.plain = threading.Condition(threading.Lock())
        self.future = concurrent.futures.Future()
        self.ours = poolcompat.futures.Future()

    def wait_for_condition(self, condition, timeout=None):
        with condition:
            condition.wait(timeout)


WAITS = {
    "Event.wait": lambda parked: parked.event.wait(),
    "Event.wait with a timeout": lambda parked: parked.event.wait(10 * DEADLOCK_S),
    "Queue.get": lambda parked: parked.queue.get(),
    "Queue.put": lambda parked: parked.full.put(None),
    "Semaphore.acquire": lambda parked: parked.semaphore.acquire(),
    "Barrier.wait": lambda parked: parked.barrier.wait(),
    "Condition.wait": lambda parked: parked.wait_for_condition(parked.condition),
    "Condition.wait, plain lock": lambda parked: parked.wait_for_condition(parked.plain),
    "Condition.wait_for": lambda parked: parked.wait_for_condition(parked.condition),
    "Future.result": lambda parked: parked.future.result(),
    "Future.result of ours": lambda parked: parked.ours.result(),
    "wait": lambda parked: concurrent.futures.wait([parked.future]),
    "wait of ours": lambda parked: poolcompat.futures.wait([parked.ours]),
    "wait of ours with a timeout": lambda parked: poolcompat.futures.wait(
        [parked.ours], 10 * DEADLOCK_S
    ),
    "as_completed of ours": lambda parked: list(poolcompat.futures.as_completed([parked.ours])),
}


def conditions_of(parked):
    return [
        parked.event._cond,
        parked.queue.not_empty,
        parked.full.not_full,
        parked.semaphore._cond,
        parked.barrier._cond,
        parked.condition,
        parked.plain,
        parked.future._condition,
        parked.ours._condition,
    ]


@pytest.mark.parametrize("wait", WAITS)
def test_parked_threads_are_woken(wait):
    """The exception is raised in the wait, and nothing of the waiter is left."""
    parked = Parked()
    thread = start(lambda: WAITS[wait](parked))

    hit(thread)

    assert isinstance(thread.error, Hit)
    for condition in conditions_of(parked):
        assert not condition._waiters
        assert condition.acquire(False)
        condition.release()
    assert not parked.ours._poolcompat_watchers
    assert not parked.future._done_callbacks


def wait_until_parked(thread):
    """Return the frame in which a thread waits for a condition."""
    while True:
        frame = _threads.frame_of(thread)
        if frame is not None and _places.is_parked(_places.place_of(frame)):
            return frame


def test_other_waiters_are_left_alone():
    """They stay on the condition and get their notification."""
    condition = threading.Condition()
    parked = Parked()
    threads = [start(lambda: parked.wait_for_condition(condition)) for _ in range(3)]
    for thread in threads:
        wait_until_parked(thread)
    while len(condition._waiters) < 3:
        pass
    hit(threads[1])
    assert len(condition._waiters) == 2
    for _ in range(2):
        with condition:
            condition.notify()
    for thread in (threads[0], threads[2]):
        thread.join(DEADLOCK_S)
        assert not thread.is_alive()
        assert thread.error is None


def test_no_notification_is_lost():
    """One who has been notified is not interrupted in the wait, and takes what there is."""
    condition = threading.Condition()
    taken = []

    def take():
        with condition:
            condition.wait()
            taken.append("item")

    thread = start(take)
    wait_until_parked(thread)
    with condition:
        condition.notify()
        # It cannot return from wait() while the lock is held here.
        wait_until_parked(thread) if not condition._waiters else None
        assert not _threads.interrupt(thread, Hit)
    thread.join(DEADLOCK_S)
    assert taken == ["item"]
    assert thread.error is None


def test_a_condition_whose_lock_is_taken_is_tried_later():
    """Nothing is sent meanwhile, so that nothing goes wrong."""
    condition = threading.Condition(threading.Lock())
    thread = start(lambda: Parked().wait_for_condition(condition))
    wait_until_parked(thread)
    while not condition._waiters:
        pass
    with condition:
        assert not _threads.interrupt(thread, Hit)
        assert len(condition._waiters) == 1
    hit(thread)
    assert not condition._waiters


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
