"""Defects of ``ThreadPoolExecutor``: its threads, and what becomes of tasks."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
import weakref
from typing import Any, Iterator

from ._forking import check_child, exit_status_of_fork
from ._reproducer import FORK, busy_executor, defect, holding, provoked, replace, silence_log


@defect("cancelled-task-keeps-args")
def _(lib: Any) -> None:
    class Thing:
        def __call__(self, *args: Any, **kwargs: Any) -> None:
            pass

    def submit(executor: Any) -> tuple[Any, list[weakref.ref[Thing]]]:
        fn, arg, keyword = things = Thing(), Thing(), Thing()
        return executor.submit(fn, arg, keyword=keyword), [weakref.ref(thing) for thing in things]

    with busy_executor(lib) as executor:
        future, things = submit(executor)
        provoked()
        future.cancel()
        gc.collect()
        assert [thing() for thing in things] == [None] * 3


@defect("default-workers")
def _(lib: Any) -> None:
    def workers() -> Any:
        return lib.futures.ThreadPoolExecutor()._max_workers

    # As on a large host, whatever this one is
    replace(os, "cpu_count", lambda: 100)
    if not hasattr(os, "sched_getaffinity"):
        if hasattr(os, "process_cpu_count"):
            replace(os, "process_cpu_count", os.cpu_count)
        provoked()
        assert workers() == 32
        return
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    provoked()
    assert workers() == 1 + 4
    replace(os, "sched_getaffinity", lambda pid: set(range(100)))
    assert workers() == 32
    assert lib.futures.ThreadPoolExecutor(100)._max_workers == 100


@contextlib.contextmanager
def no_new_threads() -> Iterator[None]:
    """Have no thread start, as where the operating system has no more."""

    def fail(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    start = threading.Thread.start
    replace(threading.Thread, "start", fail)
    try:
        yield
    finally:
        replace(threading.Thread, "start", start)


def refused_task_does_not_run(lib: Any) -> None:
    ran: list[str] = []
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


def live_worker_takes_the_task(lib: Any) -> None:
    held, release = threading.Event(), threading.Event()
    with lib.futures.ThreadPoolExecutor(max_workers=2) as executor:
        executor.submit(holding(held, release))
        held.wait()
        try:
            with no_new_threads():
                future = executor.submit(int)
        finally:
            release.set()
        assert future.result() == 0


@defect("failed-thread-start")
def _(lib: Any) -> None:
    provoked()
    refused_task_does_not_run(lib)
    live_worker_takes_the_task(lib)


@defect("fork-child", FORK)
def _(lib: Any) -> None:
    release, held = threading.Event(), threading.Event()
    nobodys = lib.futures.Future()

    def in_child() -> None:
        check_child(lib, (running, pending), (busy, idle))
        # No thread was to complete this one.
        nobodys.set_result(None)

    with lib.futures.ThreadPoolExecutor(1) as busy, lib.futures.ThreadPoolExecutor(1) as idle:
        running = busy.submit(holding(held, release))
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


@defect("worker-survives-callback")
def _(lib: Any) -> None:
    silence_log()
    errors = [SystemExit, KeyboardInterrupt, GeneratorExit]

    def raise_next(_: Any) -> None:
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
def _(lib: Any) -> None:
    silence_log()
    ready = threading.Event()
    own: list[Any] = []

    def complete_and_return() -> None:
        ready.wait()
        own[0].set_result("own")

    def complete_and_raise() -> None:
        ready.wait()
        own[1].set_exception(KeyError("own"))
        raise KeyError("worker's")

    with lib.futures.ThreadPoolExecutor(1) as executor:
        own += [executor.submit(complete_and_return), executor.submit(complete_and_raise)]
        following = executor.submit(int)
        provoked()
        ready.set()
        assert following.result() == 0
