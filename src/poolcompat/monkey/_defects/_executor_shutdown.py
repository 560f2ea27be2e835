"""Defects of ``ThreadPoolExecutor.shutdown()``, and of the number of its threads."""

from __future__ import annotations

import threading
from typing import Any, List

from ._doors import IMPORT
from ._reproducer import busy_executor, defect, holding, provoked


@defect("cancel-futures")
def _(lib: Any) -> None:
    with busy_executor(lib) as executor:
        futures = [executor.submit(int) for _ in range(3)]
        provoked()
        executor.shutdown(wait=False, cancel_futures=True)
        assert [future.cancelled() for future in futures] == [True] * 3


@defect("cancel-futures-callback-deadlock")
def _(lib: Any) -> None:
    refused: list[RuntimeError] = []

    def submit_again(_: Any) -> None:
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
def _(lib: Any) -> None:
    idle = threading.Event()

    class Semaphore(threading.Semaphore):
        def release(self, n: int = 1) -> None:
            super().release()
            idle.set()

    class Tokens(List[Any]):
        def append(self, item: object) -> None:
            super().append(item)
            idle.set()

    with lib.futures.ThreadPoolExecutor(max_workers=2) as executor:
        executor._idle_semaphore = Semaphore(0)
        executor._poolcompat_idle = Tokens()
        executor.submit(int).result()
        provoked()
        idle.wait()
        executor.submit(int).result()
        assert len(executor._threads) == 1


@defect("ctrl-c-in-with")
def _(lib: Any) -> None:
    options = {"cancel_on_error": True} if lib.door == IMPORT else {}
    held, release = threading.Event(), threading.Event()
    calls: list[int] = []
    provoked()
    try:
        with lib.futures.ThreadPoolExecutor(1, **options) as executor:
            executor.submit(holding(held, release))
            held.wait()
            futures = [executor.submit(calls.append, 1) for _ in range(3)]
            futures[-1].add_done_callback(lambda _: release.set())
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert [future.cancelled() for future in futures] == [True] * 3
        assert calls == []


def shut_down_in_worker(lib: Any, how: str) -> list[Any]:
    """Have ``shutdown()`` called in a worker while the other one is busy; what came of it."""
    ready = threading.Barrier(3)
    release = threading.Event()
    outcomes: list[Any] = []

    def shut_down(_: Any = None) -> None:
        release.set()
        try:
            executor.shutdown(wait=True)
        except RuntimeError as error:
            outcomes.append(error)
        else:
            outcomes.append("other is done" if other.done() else "other is running")

    def shut_down_when_ready() -> None:
        ready.wait()
        shut_down()

    executor = lib.futures.ThreadPoolExecutor(2)
    other = executor.submit(lambda: (ready.wait(), release.wait()))
    if how == "task":
        executor.submit(shut_down_when_ready)
    else:
        executor.submit(ready.wait).add_done_callback(shut_down)
    ready.wait()
    executor.shutdown()
    return outcomes


@defect("shutdown-from-worker")
def _(lib: Any) -> None:
    provoked()
    for how in ("task", "callback"):
        assert shut_down_in_worker(lib, how) == ["other is done"]
