"""Defects of ``ThreadPool``."""

from __future__ import annotations

import contextlib
import errno
import functools
import gc
import io
import multiprocessing.process
import os
import sys
import threading
import time
import warnings
import weakref
from typing import Any, Callable, Iterator

from ._forking import exit_status_of_fork
from ._reproducer import FORK, defect, holding, provoked, replace


def error_of(call: Callable[[], object]) -> BaseException | None:
    """Call *call* and return what it raised, be it what ends a program."""
    try:
        call()
    except BaseException as error:
        return error
    return None


def raising(error: BaseException) -> Callable[[Any], None]:
    """A function of one argument that raises *error*."""

    def fail(_: Any) -> None:
        raise error

    return fail


@contextlib.contextmanager
def joined_pool(lib: Any) -> Iterator[Any]:
    """A pool with one thread, which is waited for if all went well: else that could hang."""
    pool = lib.pool.ThreadPool(1)
    yield pool
    pool.close()
    pool.join()


@contextlib.contextmanager
def busy_pool(lib: Any) -> Iterator[tuple[Any, Any]]:
    """A pool whose only worker is held in a task, the task's result, and the means to end it."""
    held, release = threading.Event(), threading.Event()
    pool = lib.pool.ThreadPool(1)
    try:
        result = pool.apply_async(holding(held, release))
        held.wait()
        yield pool, result
    finally:
        release.set()


@defect("thread-pool-results-after-terminate")
def _(lib: Any) -> None:
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
def _(lib: Any) -> None:
    with busy_pool(lib) as (pool, _), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        provoked()
        pool.terminate()
        (warning,) = caught
        assert warning.category.__name__ == "TerminateWarning"


def items_begun_around_terminate(lib: Any, submit: str) -> int:
    """Terminate a pool that is in the first item of a chunk of three; how many items it began."""
    held, release = threading.Event(), threading.Event()
    begun: list[int] = []

    def task(item: int) -> None:
        begun.append(item)
        held.set()
        release.wait()

    pool = lib.pool.ThreadPool(1)
    try:
        getattr(pool, submit)(task, [(0,), (1,), (2,)], 3)
        held.wait()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pool.terminate()
    finally:
        release.set()
    pool.join()
    return len(begun)


@defect("thread-pool-terminate-stops-chunk")
def _(lib: Any) -> None:
    provoked()
    for submit in ("map_async", "starmap_async", "imap", "imap_unordered"):
        assert items_begun_around_terminate(lib, submit) == 1


class Unusual(BaseException):
    pass


@defect("thread-pool-system-exit")
def _(lib: Any) -> None:
    with joined_pool(lib) as pool:
        provoked()
        for error in (SystemExit(3), KeyboardInterrupt(), GeneratorExit(), Unusual()):
            fail = raising(error)
            assert error_of(pool.apply_async(fail, (0,)).get) is error
            assert error_of(pool.map_async(fail, range(3)).get) is error
            assert error_of(pool.imap(fail, range(1)).next) is error
            assert pool.apply(int) == 0


@defect("thread-pool-initializer")
def _(lib: Any) -> None:
    error = KeyError("setting")
    release = threading.Event()

    def initialize() -> None:
        release.wait()
        raise error

    # The threads tell of the error there, which is in order.
    with contextlib.redirect_stderr(io.StringIO()):
        pool = lib.pool.ThreadPool(2, initialize)
        outstanding = [
            pool.apply_async(int).get,
            pool.map_async(int, range(3)).get,
            pool.imap(int, range(3)).next,
            pool.imap_unordered(int, range(3)).next,
        ]
        provoked()
        release.set()
        failures = [error_of(get) for get in outstanding]
        failures.append(error_of(pool.apply_async(int).get))
        failures.append(error_of(pool.map_async(int, range(3)).get))
        failures.append(error_of(pool.imap(int, range(3)).next))
        pool.close()
        pool.join()
    for failure in failures:
        assert isinstance(failure, lib.futures.thread.BrokenThreadPool)
        assert failure.__cause__ is error


@defect("thread-pool-fork-child", FORK)
def _(lib: Any) -> None:
    idle = lib.pool.ThreadPool(1)
    idle.apply(int)

    def in_child() -> None:
        for get in outstanding:
            assert isinstance(error_of(functools.partial(get, 0)), lib.futures.BrokenExecutor)
        for pool in (busy, idle):
            assert pool.apply(int) == 0
            assert pool.map(int, range(3)) == [0, 1, 2]
        busy.close()
        busy.join()
        idle.terminate()
        idle.join()

    with busy_pool(lib) as (busy, running):
        pending = busy.apply_async(int)
        mapped = busy.map_async(int, range(3))
        iterator = busy.imap(int, range(3))
        outstanding = [running.get, pending.get, mapped.get, iterator.next]
        provoked()
        assert exit_status_of_fork(in_child) == 0
    # They are the parent's to finish.
    assert (pending.get(), mapped.get(), list(iterator)) == (0, [0, 1, 2], [0, 1, 2])
    for pool in (busy, idle):
        assert pool.apply(int) == 0
        pool.close()
        pool.join()


@defect("thread-pool-needs-semaphores")
def _(lib: Any) -> None:
    def unavailable(*args: Any, **kwargs: Any) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    with contextlib.suppress(ImportError):  # what some systems without semaphores raise
        from multiprocessing import synchronize

        replace(synchronize.SemLock, "__init__", unavailable)
    provoked()
    with joined_pool(lib) as pool:
        assert pool.map(abs, [-1, -2]) == [1, 2]
    # Other systems say so when that module is imported.
    modules: dict[str, Any] = sys.modules
    modules["multiprocessing.synchronize"] = None
    with joined_pool(lib) as pool:
        assert pool.map(abs, [-1, -2]) == [1, 2]


@defect("pool-maxtasksperchild-zero")
def _(lib: Any) -> None:
    def start(process: Any) -> None:
        raise AssertionError("a worker is started")

    # So that there is none to be left behind
    replace(multiprocessing.process.BaseProcess, "start", start)
    provoked()
    for count in (0, -1):
        error = error_of(functools.partial(lib.pool.Pool, 1, maxtasksperchild=count))
        assert isinstance(error, ValueError)


@defect("pool-collected")
def _(lib: Any) -> None:
    categories: list[type[Warning]] = []
    others = set(threading.enumerate())
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        # A recorded warning would hold the pool.
        replace(
            warnings, "showwarning", lambda _, category, *args, **kw: categories.append(category)
        )
        pool = lib.pool.ThreadPool(1)
        pool.apply(int)
        threads = set(threading.enumerate()) - others
        reference = weakref.ref(pool)
        provoked()
        del pool
        # The thread that delivered the result may hold the pool for a while, and PyPy ends the
        # threads of a pool some time after it.
        while reference() is not None or any(thread.is_alive() for thread in threads):
            gc.collect()
    assert categories == [ResourceWarning]


@defect("pool-join-latency")
def _(lib: Any) -> None:
    # Whoever polls does so for ever.
    replace(time, "sleep", lambda seconds: threading.Event().wait())
    provoked()
    # Often enough that some thread has begun to poll by then.
    for end in ("close", "terminate") * 5:
        pool = lib.pool.ThreadPool(1)
        pool.apply(int)
        getattr(pool, end)()
        pool.join()


@defect("pool-enter-closed")
def _(lib: Any) -> None:
    provoked()
    for end in ("close", "terminate"):
        pool = lib.pool.ThreadPool(1)
        getattr(pool, end)()
        error = error_of(pool.__enter__)
        assert isinstance(error, ValueError)
        assert str(error) == "Pool not running"
        pool.join()
