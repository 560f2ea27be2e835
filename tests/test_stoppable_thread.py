"""``StoppableThread`` and ``raise_in_thread()``."""

from __future__ import annotations

import gc
import threading
import warnings
import weakref

import pytest

from asked import needs_interrupts
from conftest import DEADLOCK_S
from poolcompat import TerminateWarning, _threads
from poolcompat.stopping import (
    StoppableThread,
    TaskStopped,
    checkpoint,
    raise_in_thread,
    shield,
    sleep,
    stop_requested,
)

HAS_EXCEPTHOOK = hasattr(threading, "excepthook")  # 3.8


def started(target, **kwargs):
    """Start a thread whose target says that it runs."""
    running = threading.Event()

    def run():
        running.set()
        target()

    thread = StoppableThread(target=run, **kwargs)
    thread.start()
    assert running.wait(DEADLOCK_S)
    return thread


def spin():
    while True:
        pass


def record_uncaught(monkeypatch):
    """Return a list of what threads end with that nobody catches, where the interpreter tells."""
    seen = []
    monkeypatch.setattr(threading, "excepthook", seen.append, raising=False)
    return seen


def test_it_is_a_thread():
    """It takes the arguments of a thread, and daemon is as for any thread."""
    seen = []
    thread = StoppableThread(None, seen.append, "a name", ("value",), daemon=True)
    assert isinstance(thread, threading.Thread)
    assert (thread.name, thread.daemon) == ("a name", True)
    thread.start()
    thread.join(DEADLOCK_S)
    assert seen == ["value"]
    with pytest.raises(RuntimeError):
        thread.start()
    assert StoppableThread().daemon is threading.current_thread().daemon


def test_a_subclass_may_override_run():
    """Its run() is what is stopped."""

    class Worker(StoppableThread):
        def run(self):
            while not stop_requested():
                self.stop_event.wait(DEADLOCK_S)

    worker = Worker()
    worker.start()
    assert worker.terminate(grace=DEADLOCK_S, timeout=DEADLOCK_S)
    assert not worker.is_alive()


@pytest.mark.parametrize("target", [checkpoint, lambda: sleep(10 * DEADLOCK_S)])
def test_it_ends_silently_when_it_was_stopped(target, monkeypatch):
    """What checkpoint() and sleep() raise is no traceback."""
    uncaught = record_uncaught(monkeypatch)
    thread = StoppableThread(target=target)
    thread.stop()
    thread.start()
    thread.join(DEADLOCK_S)
    assert not thread.is_alive()
    assert uncaught == []


def test_other_exceptions_are_told(monkeypatch):
    """As in any thread, TaskStopped from elsewhere included."""
    uncaught = record_uncaught(monkeypatch)

    def fail(error):
        raise error

    for error in (KeyError("a"), TaskStopped("abandoned")):
        thread = StoppableThread(target=fail, args=(error,))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            thread.start()
            thread.join(DEADLOCK_S)
    if HAS_EXCEPTHOOK:
        assert [args.exc_type for args in uncaught] == [KeyError, TaskStopped]
    uncaught.clear()


def test_nothing_keeps_a_thread_that_has_ended():
    """No reference cycle is left."""
    gc.collect()
    gc.disable()
    try:
        thread = StoppableThread(target=int)
        thread.start()
        thread.join(DEADLOCK_S)
        reference = weakref.ref(thread)
        del thread
        if _threads.can_interrupt():  # PyPy frees objects when it collects garbage.
            assert reference() is None
    finally:
        gc.enable()


@needs_interrupts
@pytest.mark.parametrize("wait", [spin, threading.Event().wait])
def test_terminate_interrupts(wait, monkeypatch):
    """After the grace the thread is interrupted, and ends silently."""
    uncaught = record_uncaught(monkeypatch)
    thread = StoppableThread(target=wait)
    thread.start()
    assert thread.terminate(grace=0) is True
    assert thread.stopped()
    assert uncaught == []


def test_terminate_warns_of_a_thread_that_goes_on():
    """It points at the caller's line, and says where the thread is stuck."""
    lock = threading.Lock()
    lock.acquire()
    thread = started(lock.acquire)
    with pytest.warns(TerminateWarning, match="1 task goes on") as caught:
        assert thread.terminate(grace=0, timeout=0.01) is False
    assert caught[0].filename == __file__
    assert "in run" in str(caught[0].message)
    lock.release()


def test_terminate_of_the_thread_itself():
    """It sets the event and returns."""
    results = []
    thread = StoppableThread(target=lambda: results.append((thread.terminate(), stop_requested())))
    thread.start()
    thread.join(DEADLOCK_S)
    assert results == [(False, True)]


def test_terminate_of_a_thread_that_has_ended():
    """There is nothing to do."""
    thread = StoppableThread()
    with pytest.raises(RuntimeError, match="before it is started"):
        thread.terminate()
    thread.start()
    thread.join(DEADLOCK_S)
    assert thread.terminate() is True


@pytest.mark.parametrize(
    ("times", "error"),
    [
        ({"grace": -1}, ValueError),
        ({"grace": None}, TypeError),
        ({"timeout": -0.1}, ValueError),
        ({"timeout": "5"}, TypeError),
        ({"grace": float("nan")}, ValueError),
        ({"grace": True}, TypeError),
    ],
)
def test_bad_times_are_refused(times, error, hold):
    """Nothing has happened then."""
    thread = started(lambda: hold.wait(DEADLOCK_S))
    with pytest.raises(error, match="seconds"):
        thread.terminate(**times)
    assert not thread.stopped()
    hold.set()
    thread.join(DEADLOCK_S)


class Hit(Exception):
    pass


@needs_interrupts
def test_raise_exc():
    """Any exception class is raised in the thread, which may catch it."""
    caught = []

    def run():
        try:
            threading.Event().wait()
        except Hit as error:
            caught.append(error)

    thread = started(run)
    thread.raise_exc(Hit)
    thread.join(DEADLOCK_S)
    assert [type(error) for error in caught] == [Hit]
    with pytest.raises(ValueError, match="is not running"):
        thread.raise_exc(Hit)


@needs_interrupts
def test_raise_exc_before_the_start():
    """There is nothing to raise it in."""
    with pytest.raises(ValueError, match="is not running"):
        StoppableThread().raise_exc(Hit)


@needs_interrupts
def test_raise_exc_waits_for_the_end_of_a_shield(hold):
    """What is held back is raised when the block ends."""
    steps = []
    shielded = threading.Event()

    def run():
        try:
            with shield():
                with shield():
                    shielded.set()
                    hold.wait(DEADLOCK_S)
                steps.append("inner")
            steps.append("not reached")
        except Hit:
            steps.append("hit")

    thread = StoppableThread(target=run)
    thread.start()
    assert shielded.wait(DEADLOCK_S)
    thread.raise_exc(Hit)
    hold.set()
    thread.join(DEADLOCK_S)
    assert steps == ["inner", "hit"]


@needs_interrupts
@pytest.mark.parametrize("key", [lambda thread: thread, lambda thread: thread.ident])
def test_raise_in_thread(key):
    """By the thread or its ident."""
    caught = []
    running = threading.Event()

    def run():
        try:
            running.set()
            spin()
        except Hit as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert running.wait(DEADLOCK_S)
    raise_in_thread(key(thread), Hit)
    thread.join(DEADLOCK_S)
    assert [type(error) for error in caught] == [Hit]


@needs_interrupts
@pytest.mark.parametrize("exctype", [Hit(), int, None, "Hit"])
def test_only_exception_classes_can_be_raised(exctype):
    """An instance would become a SystemError in the other thread."""
    with pytest.raises(TypeError, match="must be an exception class"):
        raise_in_thread(threading.current_thread(), exctype)
    with pytest.raises(TypeError, match="must be an exception class"):
        StoppableThread().raise_exc(exctype)


@needs_interrupts
def test_only_threads_that_are_alive_can_be_hit():
    """Neither one that has ended, nor one that was not started, nor a number that is none."""
    ended = threading.Thread()
    ended.start()
    ended.join(DEADLOCK_S)
    for target in (ended, threading.Thread(), 0, -1):
        with pytest.raises(ValueError, match="is not alive"):
            raise_in_thread(target, Hit)
    for target in (None, "1", 1.5, True):
        with pytest.raises(TypeError, match="a thread or its ident"):
            raise_in_thread(target, Hit)


@needs_interrupts
def test_an_exception_in_more_than_one_thread_is_taken_back(monkeypatch):
    """As the documentation of PyThreadState_SetAsyncExc advises."""
    revoked = []
    monkeypatch.setattr(_threads, "send_exception", lambda ident, exctype: 2)
    monkeypatch.setattr(_threads, "withdraw_exception", revoked.append)
    with pytest.raises(SystemError, match="2 threads"):
        raise_in_thread(7, Hit)
    assert revoked == [7]


@pytest.mark.skipif(_threads.can_interrupt(), reason="needs an interpreter that cannot interrupt")
def test_without_asynchronous_exceptions_it_is_said():
    """PyPy has none."""
    with pytest.raises(NotImplementedError):
        raise_in_thread(threading.current_thread(), Hit)
    with pytest.raises(NotImplementedError):
        StoppableThread().raise_exc(Hit)
