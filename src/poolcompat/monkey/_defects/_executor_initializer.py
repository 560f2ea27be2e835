"""Defects of ``ThreadPoolExecutor`` with an initializer that fails."""

from __future__ import annotations

import contextlib
import gc
import threading
import weakref
from typing import Any, Callable, Iterator

from ._reproducer import defect, provoked, silence_log


@contextlib.contextmanager
def failing_initializer(lib: Any, error: Exception) -> Iterator[tuple[Any, Callable[[], None]]]:
    """An executor whose only worker fails to start with *error*, and the means to let it."""
    release = threading.Event()

    def initialize() -> None:
        release.wait()
        raise error

    try:
        yield lib.futures.ThreadPoolExecutor(1, initializer=initialize), release.set
    finally:
        release.set()


def refusal_to_submit(lib: Any, executor: Any) -> Any:
    try:
        executor.submit(int)
    except lib.futures.thread.BrokenThreadPool as error:
        return error
    return None


@defect("initializer-cause")
def _(lib: Any) -> None:
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


def initializer_fails_after_cancel(lib: Any) -> None:
    with failing_initializer(lib, KeyError()) as (executor, let_fail):
        cancelled, pending = executor.submit(int), executor.submit(int)
        cancelled.cancel()
        let_fail()
        assert isinstance(pending.exception(), lib.futures.thread.BrokenThreadPool)
        assert cancelled.cancelled()
        executor.shutdown()


def initializer_fails_without_executor(lib: Any) -> None:
    with failing_initializer(lib, KeyError()) as (executor, let_fail):
        pending = [executor.submit(int) for _ in range(2)]
        reference = weakref.ref(executor)
        del executor
        gc.collect()
        assert reference() is None
        let_fail()
    for future in pending:
        assert isinstance(future.exception(), lib.futures.thread.BrokenThreadPool)


def initializer_fails_and_callback_submits(lib: Any) -> None:
    refusals = []
    told = threading.Event()

    def submit_again(_: Any) -> None:
        refusals.append(refusal_to_submit(lib, executor))
        told.set()

    with failing_initializer(lib, KeyError()) as (executor, let_fail):
        executor.submit(int).add_done_callback(submit_again)
        let_fail()
        told.wait()
        assert refusals != [None]
        executor.shutdown()


@defect("initializer-failed")
def _(lib: Any) -> None:
    silence_log()
    provoked()
    initializer_fails_after_cancel(lib)
    initializer_fails_without_executor(lib)
    initializer_fails_and_callback_submits(lib)
