"""Defects of ``Executor.map()``."""

from __future__ import annotations

import itertools

from reproducer import busy_executor, defect, provoked, recording_submit


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
