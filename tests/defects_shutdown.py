"""Defects of ``ThreadPoolExecutor.shutdown()``, and of the number of its threads."""

from __future__ import annotations

import threading

from doors import IMPORT
from reproducer import busy_executor, defect, provoked


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

    class Tokens(list):
        def append(self, item):
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
def _(lib):
    options = {"cancel_on_error": True} if lib.door == IMPORT else {}
    held, release = threading.Event(), threading.Event()
    calls = []
    provoked()
    try:
        with lib.futures.ThreadPoolExecutor(1, **options) as executor:
            executor.submit(lambda: (held.set(), release.wait()))
            held.wait()
            futures = [executor.submit(calls.append, 1) for _ in range(3)]
            futures[-1].add_done_callback(lambda _: release.set())
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert [future.cancelled() for future in futures] == [True] * 3
        assert calls == []
