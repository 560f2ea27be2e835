"""Provokes the defect of one repair in a process of its own: ``python provoke.py NAME DOOR``.

It prints ``provoked`` before the step that shows the defect.  Where the defect is, it then hangs or
fails; where it is not, it exits with status 0.
"""

from __future__ import annotations

import builtins
import contextlib
import itertools
import sys
import threading
import time
import warnings

from doors import PATCH, opened

REPRODUCERS = {}


def defect(name):
    def register(function):
        REPRODUCERS[name] = function
        return function

    return register


def provoked():
    print("provoked", flush=True)


@contextlib.contextmanager
def busy_executor(lib):
    """An executor whose only worker is held, with the means to end it."""
    held, release = threading.Event(), threading.Event()
    executor = lib.futures.ThreadPoolExecutor(max_workers=1)
    executor.submit(lambda: (held.set(), release.wait()))
    held.wait()
    try:
        yield executor
    finally:
        release.set()
        executor.shutdown()


class Recorder(list):
    """A list that tells when something is put into it, as waiting functions do with futures."""

    def __init__(self):
        super().__init__()
        self.told = threading.Event()

    def append(self, item):
        super().append(item)
        self.told.set()

    def insert(self, index, item):
        super().insert(index, item)
        self.told.set()


class Clock:
    """A monotonic clock that is moved by hand."""

    def __init__(self):
        self.now = 0.0
        time.monotonic = lambda: self.now


def recording_submit(executor):
    """Have the futures that ``map()`` gets from *executor* recorded in the list returned."""
    futures = []
    submit = executor.submit

    def recorded(*args, **kwargs):
        futures.append(submit(*args, **kwargs))
        return futures[-1]

    executor.submit = recorded
    return futures


@defect("as-completed-after-cancel-futures")
def _(lib):
    with busy_executor(lib) as executor:
        future = executor.submit(int)
        try:
            executor.shutdown(wait=False, cancel_futures=True)
        except TypeError:  # what hand-made backports do before 3.9
            while not executor._work_queue.empty():
                executor._work_queue.get().future.cancel()
        provoked()
        assert list(lib.futures.as_completed([future])) == [future]


@defect("as-completed-cancelled")
def _(lib):
    with busy_executor(lib) as executor:
        future = executor.submit(int)
        future.cancel()
        provoked()
        assert list(lib.futures.as_completed([future])) == [future]


@defect("wait-cancelled")
def _(lib):
    with busy_executor(lib) as executor:
        future = executor.submit(int)
        future.cancel()
        provoked()
        assert lib.futures.wait([future], timeout=0).done == {future}


@defect("wait-wakes-on-cancel")
def _(lib):
    future = lib.futures.Future()
    future._waiters, future._done_callbacks = waiters, callbacks = Recorder(), Recorder()
    callbacks.told = waiters.told
    waiting = threading.Thread(target=lib.futures.wait, args=([future],), daemon=True)
    waiting.start()
    waiters.told.wait()
    future.cancel()
    provoked()
    waiting.join()


@defect("as-completed-slow-consumer")
def _(lib):
    clock = Clock()
    first, second = lib.futures.Future(), lib.futures.Future()
    first.set_result(None)
    completed = lib.futures.as_completed([first, second], timeout=10)
    assert next(completed) is first
    second.set_result(None)
    clock.now += 100
    provoked()
    assert next(completed) is second


@defect("as-completed-clock")
def _(lib):
    clock = Clock()
    completed = lib.futures.as_completed([lib.futures.Future()], timeout=3600)
    clock.now += 7200
    provoked()
    try:
        next(completed)
    except lib.futures.TimeoutError:
        return
    raise AssertionError("no TimeoutError")


@defect("wait-iterables")
def _(lib):
    future = lib.futures.Future()
    future.set_result(None)
    provoked()
    assert lib.futures.wait(f for f in [future]).done == {future}
    assert lib.futures.wait([future, future]).done == {future}


@defect("timeout-inf")
def _(lib):
    infinity = float("inf")
    waits = [
        lambda future: future.result(timeout=infinity),
        lambda future: future.exception(timeout=infinity),
        lambda future: lib.futures.wait([future], timeout=infinity),
        lambda future: list(lib.futures.as_completed([future], timeout=infinity)),
    ]
    provoked()
    for wait in waits:
        future = lib.futures.Future()
        waiting = threading.Event()
        watch_waiting(future, waiting)

        def complete(future=future, waiting=waiting):
            waiting.wait()
            future.set_result(None)

        completing = threading.Thread(target=complete)
        completing.start()
        try:
            wait(future)
        finally:
            waiting.set()
            completing.join()


def watch_waiting(future, waiting):
    """Set *waiting* when somebody waits for *future*, who holds its condition until then."""
    future._waiters, future._done_callbacks = waiters, callbacks = Recorder(), Recorder()
    waiters.told = callbacks.told = waiting
    condition_wait = future._condition.wait

    def wait(timeout=None):
        waiting.set()
        return condition_wait(timeout)

    future._condition.wait = wait


@defect("timeouterror-is-builtin")
def _(lib):
    future = lib.futures.Future()
    waits = [
        lambda: future.result(timeout=0),
        lambda: future.exception(timeout=0),
        lambda: list(lib.futures.as_completed([future], timeout=0)),
    ]
    provoked()
    for wait in waits:
        try:
            wait()
        except builtins.TimeoutError:
            continue
        raise AssertionError("no TimeoutError")


@defect("map-buffersize")
def _(lib):
    with lib.futures.ThreadPoolExecutor(2) as executor:
        provoked()
        results = executor.map(str, itertools.count(), buffersize=2)
        assert list(itertools.islice(results, 4)) == ["0", "1", "2", "3"]


@defect("map-cancels-waited-future")
def _(lib):
    with busy_executor(lib) as executor:
        futures = recording_submit(executor)
        results = executor.map(str, range(3), timeout=0)
        provoked()
        try:
            next(results)
        except lib.futures.TimeoutError:
            assert [future.cancelled() for future in futures] == [True] * 3
        else:
            raise AssertionError("no TimeoutError")


@defect("map-input-error")
def _(lib):
    def inputs():
        yield 1
        yield 2
        raise KeyError("input")

    with busy_executor(lib) as executor:
        futures = recording_submit(executor)
        provoked()
        try:
            executor.map(str, inputs())
        except KeyError:
            assert [future.cancelled() for future in futures] == [True] * 2
        else:
            raise AssertionError("no KeyError")


@defect("cancel-futures")
def _(lib):
    with busy_executor(lib) as executor:
        futures = [executor.submit(int) for _ in range(3)]
        provoked()
        executor.shutdown(wait=False, cancel_futures=True)
        assert [future.cancelled() for future in futures] == [True] * 3


@defect("cancel-futures-callback-deadlock")
def _(lib):
    refused = []

    def submit_again(_):
        try:
            executor.submit(int)
        except RuntimeError as error:
            refused.append(error)

    with busy_executor(lib) as executor:
        executor.submit(int).add_done_callback(submit_again)
        provoked()
        executor.shutdown(wait=False, cancel_futures=True)
        assert len(refused) == 1


@defect("idle-reuse")
def _(lib):
    idle = threading.Event()

    class Semaphore(threading.Semaphore):
        def release(self, n=1):
            super().release()
            idle.set()

    with lib.futures.ThreadPoolExecutor(max_workers=2) as executor:
        executor._idle_semaphore = Semaphore(0)
        executor.submit(int).result()
        provoked()
        idle.wait()
        executor.submit(int).result()
        assert len(executor._threads) == 1


@contextlib.contextmanager
def busy_pool(lib):
    """A pool whose only worker is held in a task, the task's result, and the means to end it."""
    held, release = threading.Event(), threading.Event()
    pool = lib.pool.ThreadPool(1)
    try:
        result = pool.apply_async(lambda: (held.set(), release.wait()))
        held.wait()
        yield pool, result
    finally:
        release.set()


@defect("thread-pool-results-after-terminate")
def _(lib):
    with busy_pool(lib) as (pool, running):
        waiting = [
            running.get,
            pool.apply_async(int).get,
            pool.map_async(int, range(3)).get,
            pool.imap(int, range(3)).next,
            pool.imap_unordered(int, range(3)).next,
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pool.terminate()
        provoked()
        for get in waiting:
            try:
                get()
            except lib.futures.CancelledError:
                continue
            raise AssertionError("no CancelledError")


@defect("thread-pool-silent-terminate")
def _(lib):
    with busy_pool(lib) as (pool, _), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        provoked()
        pool.terminate()
        (warning,) = caught
        assert warning.category.__name__ == "TerminateWarning"


def main(name, door):
    options = {"only": [name]} if door == PATCH else {}
    with opened(door, **options) as lib:
        REPRODUCERS[name](lib)


if __name__ == "__main__":
    main(*sys.argv[1:])
