"""What the programs share that provoke defects."""

from __future__ import annotations

import contextlib
import threading
import time

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

    def __init__(self, told):
        super().__init__()
        self.told = told

    def append(self, item):
        super().append(item)
        self.told.set()

    def insert(self, index, item):
        super().insert(index, item)
        self.told.set()


class Watchers(dict):
    """What waiting functions put into futures of ours; tells the same."""

    def __init__(self, told):
        super().__init__()
        self.told = told

    def __setitem__(self, watcher, nothing):
        super().__setitem__(watcher, nothing)
        self.told.set()


def tell_of_waiting(future, told):
    """Set *told* when somebody begins to wait for *future*."""
    future._waiters, future._done_callbacks = Recorder(told), Recorder(told)
    future._poolcompat_watchers = Watchers(told)


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
