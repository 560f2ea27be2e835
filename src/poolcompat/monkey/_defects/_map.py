"""Defects of ``Executor.map()``."""

from __future__ import annotations

import itertools
import threading
from typing import Any, Iterator

from ._reproducer import busy_executor, defect, provoked, recording_submit


@defect("map-buffersize")
def _(lib: Any) -> None:
    with lib.futures.ThreadPoolExecutor(2) as executor:
        provoked()
        results = executor.map(str, itertools.count(), buffersize=2)
        assert list(itertools.islice(results, 4)) == ["0", "1", "2", "3"]


@defect("map-cancels-waited-future")
def _(lib: Any) -> None:
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
def _(lib: Any) -> None:
    def inputs() -> Iterator[int]:
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


@defect("map-continues")
def _(lib: Any) -> None:
    release = threading.Event()

    def work(number: int) -> int:
        if number % 2:
            raise KeyError("task")
        if number == 4:
            release.wait()
        return number

    with lib.futures.ThreadPoolExecutor(1) as executor:
        futures = recording_submit(executor)
        results = executor.map(work, range(7))
        outcomes: list[Any] = []
        provoked()
        for _ in range(4):
            try:
                outcomes.append(next(results))
            except KeyError:
                outcomes.append("failed")
            except StopIteration:
                outcomes.append("ended")
        waiting = [future.cancelled() for future in futures]
        # What the exception did before, this does now.
        results.close()
        closed = [futures[n].cancelled() for n in (5, 6)]
        ended = next(results, "ended")
        release.set()
        assert outcomes == [0, "failed", 2, "failed"]
        assert waiting == [False] * 7
        assert closed == [True] * 2
        assert ended == "ended"
