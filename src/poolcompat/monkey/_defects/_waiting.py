"""Defects of ``as_completed()`` and ``wait()``, and of timeouts."""

from __future__ import annotations

import builtins
import threading
from typing import Any, Callable

from ._reproducer import Clock, busy_executor, defect, provoked, tell_of_waiting


@defect("as-completed-after-cancel-futures")
def _(lib: Any) -> None:
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
def _(lib: Any) -> None:
    with busy_executor(lib) as executor:
        future = executor.submit(int)
        future.cancel()
        provoked()
        assert list(lib.futures.as_completed([future])) == [future]


@defect("wait-cancelled")
def _(lib: Any) -> None:
    with busy_executor(lib) as executor:
        future = executor.submit(int)
        future.cancel()
        provoked()
        assert lib.futures.wait([future], timeout=0).done == {future}


@defect("wait-wakes-on-cancel")
def _(lib: Any) -> None:
    future = lib.futures.Future()
    told = threading.Event()
    tell_of_waiting(future, told)
    waiting = threading.Thread(target=lib.futures.wait, args=([future],), daemon=True)
    waiting.start()
    told.wait()
    future.cancel()
    provoked()
    waiting.join()


@defect("as-completed-slow-consumer")
def _(lib: Any) -> None:
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
def _(lib: Any) -> None:
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
def _(lib: Any) -> None:
    future = lib.futures.Future()
    future.set_result(None)
    provoked()
    assert lib.futures.wait(f for f in [future]).done == {future}
    assert lib.futures.wait([future, future]).done == {future}


@defect("timeout-inf")
def _(lib: Any) -> None:
    infinity = float("inf")
    waits: list[Callable[[Any], object]] = [
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

        def complete(future: Any = future, waiting: threading.Event = waiting) -> None:
            waiting.wait()
            future.set_result(None)

        completing = threading.Thread(target=complete)
        completing.start()
        try:
            wait(future)
        finally:
            waiting.set()
            completing.join()


def watch_waiting(future: Any, waiting: threading.Event) -> None:
    """Set *waiting* when somebody waits for *future*, who holds its condition until then."""
    tell_of_waiting(future, waiting)
    condition_wait = future._condition.wait

    def wait(timeout: float | None = None) -> Any:
        waiting.set()
        return condition_wait(timeout)

    future._condition.wait = wait


@defect("timeouterror-is-builtin")
def _(lib: Any) -> None:
    future = lib.futures.Future()
    waits: list[Callable[[], object]] = [
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
