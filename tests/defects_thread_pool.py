"""Defects of ``ThreadPool``."""

from __future__ import annotations

import contextlib
import threading
import warnings

from reproducer import defect, provoked


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
