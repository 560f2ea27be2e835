"""Provokes the defects of ``ThreadPoolExecutor``."""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import itertools
import logging
import os
import queue
import signal
import sys
import threading
import traceback
import warnings
import weakref

import poolcompat
from doors import PATCH
from reproducer import busy_executor, defect, provoked

# How long a forked child may take before it counts as hanging
CHILD_S = 10


def silence_log():
    """Have the log records of ``concurrent.futures``, which are in order, not printed."""
    logger = logging.getLogger("concurrent.futures")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


@defect("cancelled-task-keeps-args")
def _(lib):
    class Thing:
        def __call__(self, *args, **kwargs):
            pass

    def submit(executor):
        fn, arg, keyword = things = Thing(), Thing(), Thing()
        return executor.submit(fn, arg, keyword=keyword), [weakref.ref(thing) for thing in things]

    with busy_executor(lib) as executor:
        future, things = submit(executor)
        provoked()
        future.cancel()
        gc.collect()
        assert [thing() for thing in things] == [None] * 3


@defect("default-workers")
def _(lib):
    def workers():
        return lib.futures.ThreadPoolExecutor()._max_workers

    # As on a large host, whatever this one is
    os.cpu_count = lambda: 100
    if not hasattr(os, "sched_getaffinity"):
        if hasattr(os, "process_cpu_count"):
            os.process_cpu_count = os.cpu_count
        provoked()
        assert workers() == 32
        return
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    provoked()
    assert workers() == 1 + 4
    os.sched_getaffinity = lambda pid: set(range(100))
    assert workers() == 32
    assert lib.futures.ThreadPoolExecutor(100)._max_workers == 100


@contextlib.contextmanager
def no_new_threads():
    """Have no thread start, as where the operating system has no more."""

    def fail(self):
        raise RuntimeError("can't start new thread")

    start = threading.Thread.start
    threading.Thread.start = fail
    try:
        yield
    finally:
        threading.Thread.start = start


def refused_task_does_not_run(lib):
    ran = []
    with lib.futures.ThreadPoolExecutor(max_workers=1) as executor:
        with no_new_threads():
            try:
                executor.submit(ran.append, "refused")
            except RuntimeError:
                pass
            else:
                raise AssertionError("no RuntimeError")
        executor.submit(ran.append, "submitted").result()
    assert ran == ["submitted"]


def live_worker_takes_the_task(lib):
    held, release = threading.Event(), threading.Event()
    with lib.futures.ThreadPoolExecutor(max_workers=2) as executor:
        executor.submit(lambda: (held.set(), release.wait()))
        held.wait()
        try:
            with no_new_threads():
                future = executor.submit(int)
        finally:
            release.set()
        assert future.result() == 0


@defect("failed-thread-start")
def _(lib):
    provoked()
    refused_task_does_not_run(lib)
    live_worker_takes_the_task(lib)


def exit_status_of_fork(function):
    """Call *function* in a forked child and return its exit status, or minus its signal."""
    with warnings.catch_warnings():
        # 3.12 warns of threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        signal.alarm(CHILD_S)  # ends the child even if nobody waits for it any more
        try:
            function()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


@defect("fork-child")
def _(lib):
    if not hasattr(os, "fork"):
        provoked()
        return
    release, held = threading.Event(), threading.Event()
    nobodys = lib.futures.Future()

    def in_child():
        for future in (running, pending):
            assert isinstance(future.exception(timeout=0), lib.futures.BrokenExecutor)
        for executor in (busy, idle):
            assert executor.submit(int).result() == 0
            executor.shutdown()
        # No thread was to complete this one.
        nobodys.set_result(None)

    with lib.futures.ThreadPoolExecutor(1) as busy, lib.futures.ThreadPoolExecutor(1) as idle:
        running = busy.submit(lambda: (held.set(), release.wait()))
        held.wait()
        pending = busy.submit(int)
        idle.submit(int).result()
        provoked()
        try:
            status = exit_status_of_fork(in_child)
        finally:
            release.set()
        assert status == 0
        assert pending.result() == 0
        for executor in (busy, idle):
            assert executor.submit(int).result() == 0
        assert running.exception() is None
        assert not nobodys.done()


@contextlib.contextmanager
def failing_initializer(lib, error):
    """An executor whose only worker fails to start with *error*, and the means to let it."""
    release = threading.Event()

    def initialize():
        release.wait()
        raise error

    try:
        yield lib.futures.ThreadPoolExecutor(1, initializer=initialize), release.set
    finally:
        release.set()


def refusal_to_submit(lib, executor):
    try:
        executor.submit(int)
    except lib.futures.thread.BrokenThreadPool as error:
        return error
    return None


@defect("initializer-cause")
def _(lib):
    silence_log()
    error = KeyError("setting")
    with failing_initializer(lib, error) as (executor, let_fail):
        pending = [executor.submit(int) for _ in range(2)]
        let_fail()
        provoked()
        for future in pending:
            assert isinstance(future.exception(), lib.futures.thread.BrokenThreadPool)
            assert future.exception().__cause__ is error
        refusal = refusal_to_submit(lib, executor)
        assert refusal is not None
        assert refusal.__cause__ is error
        executor.shutdown()


def initializer_fails_after_cancel(lib):
    with failing_initializer(lib, KeyError()) as (executor, let_fail):
        cancelled, pending = executor.submit(int), executor.submit(int)
        cancelled.cancel()
        let_fail()
        assert isinstance(pending.exception(), lib.futures.thread.BrokenThreadPool)
        assert cancelled.cancelled()
        executor.shutdown()


def initializer_fails_without_executor(lib):
    with failing_initializer(lib, KeyError()) as (executor, let_fail):
        pending = [executor.submit(int) for _ in range(2)]
        reference = weakref.ref(executor)
        del executor
        gc.collect()
        assert reference() is None
        let_fail()
    for future in pending:
        assert isinstance(future.exception(), lib.futures.thread.BrokenThreadPool)


def initializer_fails_and_callback_submits(lib):
    refusals = []
    told = threading.Event()

    def submit_again(_):
        refusals.append(refusal_to_submit(lib, executor))
        told.set()

    with failing_initializer(lib, KeyError()) as (executor, let_fail):
        executor.submit(int).add_done_callback(submit_again)
        let_fail()
        told.wait()
        assert refusals != [None]
        executor.shutdown()


@defect("initializer-failed")
def _(lib):
    silence_log()
    provoked()
    initializer_fails_after_cancel(lib)
    initializer_fails_without_executor(lib)
    initializer_fails_and_callback_submits(lib)


def shut_down_in_worker(lib, how):
    """Have ``shutdown()`` called in a worker while the other one is busy; what came of it."""
    ready = threading.Barrier(3)
    release = threading.Event()
    outcomes = []

    def shut_down(_=None):
        release.set()
        try:
            executor.shutdown(wait=True)
        except RuntimeError as error:
            outcomes.append(error)
        else:
            outcomes.append("other is done" if other.done() else "other is running")

    executor = lib.futures.ThreadPoolExecutor(2)
    other = executor.submit(lambda: (ready.wait(), release.wait()))
    if how == "task":
        executor.submit(lambda: (ready.wait(), shut_down()))
    else:
        executor.submit(ready.wait).add_done_callback(shut_down)
    ready.wait()
    executor.shutdown()
    return outcomes


@defect("shutdown-from-worker")
def _(lib):
    provoked()
    for how in ("task", "callback"):
        assert shut_down_in_worker(lib, how) == ["other is done"]


# The interpreter's own, whose locks nobody else can make re-entrant.  CPython's queue has none.
UNINTERRUPTED = [
    getattr(function, "__code__", None)
    for function in (threading.Thread.start, queue.SimpleQueue.put)
]


def interrupted(call, handler, line):
    """Do *call*, and *handler* before the given line that it runs, as a signal's handler is.

    It tells whether there was such a line.
    """
    lines = itertools.count(1)
    handled = []

    def trace(frame, event, _):
        if event == "line" and not handled and is_interruptible(frame) and next(lines) == line:
            handled.append(line)
            handler()
        return trace

    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(None)
    return bool(handled)


def is_interruptible(frame):
    while frame is not None:
        if frame.f_code in UNINTERRUPTED:
            return False
        frame = frame.f_back
    return True


def submit_interrupted(lib, handler, line):
    """Call ``submit()``, which *handler* interrupts; whether it did, and the futures."""
    futures = []

    def submit(executor):
        # It may be shut down by now.
        with contextlib.suppress(RuntimeError):
            futures.append(executor.submit(int))

    with lib.futures.ThreadPoolExecutor(1) as executor, lib.futures.ThreadPoolExecutor(1) as other:
        handle = functools.partial(handler, executor, other, submit)
        handled = interrupted(lambda: submit(executor), handle, line)
    assert [future.done() for future in futures] == [True] * len(futures)
    return handled, futures


def submit_to_same(executor, other, submit):
    submit(executor)


def submit_to_other(executor, other, submit):
    submit(other)


def shut_down_same(executor, other, submit):
    executor.shutdown()


def shut_down_other(executor, other, submit):
    other.shutdown()


@defect("signal-reentrancy")
def _(lib):
    provoked()
    for handler, count in [
        (submit_to_same, 2),
        (submit_to_other, 2),
        (shut_down_other, 1),
        (shut_down_same, 0),  # or 1, depending on the line
    ]:
        for line in itertools.count(1):
            handled, futures = submit_interrupted(lib, handler, line)
            if not handled:
                break
            assert len(futures) >= count
        assert line > 1


@defect("worker-survives-callback")
def _(lib):
    silence_log()
    errors = [SystemExit, KeyboardInterrupt, GeneratorExit]

    def raise_next(_):
        raise errors.pop()

    with busy_executor(lib) as executor:
        futures = [executor.submit(int) for _ in errors]
        for future in futures:
            future.add_done_callback(raise_next)
        futures.append(executor.submit(int))
        provoked()
    # The worker has been let go, and waited for.
    assert [future.done() for future in futures] == [True] * 4
    assert errors == []


@defect("worker-survives-invalid-state")
def _(lib):
    silence_log()
    ready = threading.Event()
    own = []

    def complete_and_return():
        ready.wait()
        own[0].set_result("own")

    def complete_and_raise():
        ready.wait()
        own[1].set_exception(KeyError("own"))
        raise KeyError("worker's")

    with lib.futures.ThreadPoolExecutor(1) as executor:
        own += [executor.submit(complete_and_return), executor.submit(complete_and_raise)]
        following = executor.submit(int)
        provoked()
        ready.set()
        assert following.result() == 0


def until_exit(lib, name):
    """Have the repair called *name* outlast the block that opened the door."""
    if lib.door == PATCH:
        poolcompat.patch_all(only=[name])


def check_submit(executor):
    """Have the process fail if the executor does."""
    try:
        assert executor.submit(int).result() == 0
    except BaseException:
        traceback.print_exc()
        os._exit(1)


@defect("submit-at-exit")
def _(lib):
    until_exit(lib, "submit-at-exit")
    executor = lib.futures.ThreadPoolExecutor(max_workers=1)
    # Some versions start no threads that late.
    executor.submit(int).result()

    def when_main_thread_has_ended():
        threading.main_thread().join()
        check_submit(executor)

    atexit.register(check_submit, executor)
    threading.Thread(target=when_main_thread_has_ended).start()
    provoked()


@defect("exit-hang-atexit")
def _(lib):
    until_exit(lib, "exit-hang-atexit")
    held, stop = threading.Event(), threading.Event()
    lib.futures.ThreadPoolExecutor(max_workers=1).submit(lambda: (held.set(), stop.wait()))
    held.wait()
    atexit.register(stop.set)
    provoked()
