"""Defects of how a ``ThreadPool`` takes its input and hands out its results."""

from __future__ import annotations

import functools
import itertools
import multiprocessing
import queue
import threading
from typing import Any, Iterable, Iterator

from ._reproducer import defect, provoked
from ._thread_pool import busy_pool, error_of, joined_pool, raising


@defect("pool-terminate-blocking-input")
def _(lib: Any) -> None:
    provoked()
    for imap in ("imap", "imap_unordered"):
        for chunksize in (1, 2):
            blocked, release = threading.Event(), threading.Event()

            def blocking(
                blocked: threading.Event = blocked, release: threading.Event = release
            ) -> Iterator[int]:
                blocked.set()
                release.wait()
                yield 0

            pool = lib.pool.ThreadPool(1)
            getattr(pool, imap)(int, blocking(), chunksize)
            blocked.wait()
            try:
                pool.terminate()
            finally:
                release.set()
            pool.join()


def numbers(taken: list[int]) -> Iterator[int]:
    """All of them; those that have been taken are in *taken*."""
    for number in itertools.count():
        taken.append(number)
        yield number


@defect("pool-imap-lazy")
def _(lib: Any) -> None:
    provoked()
    for imap in ("imap", "imap_unordered"):
        taken: list[int] = []
        with joined_pool(lib) as pool:
            iterator = getattr(pool, imap)(int, numbers(taken), buffersize=2)
            for number in range(10):
                assert next(iterator) == number
                assert len(taken) <= number + 1 + 2


@defect("pool-imap-chunked-next")
def _(lib: Any) -> None:
    provoked()
    for imap in ("imap", "imap_unordered"):
        release = threading.Event()
        with joined_pool(lib) as pool:
            iterator = getattr(pool, imap)(lambda _, e=release: e.wait(), range(3), chunksize=2)
            try:
                error = error_of(functools.partial(iterator.next, timeout=0))
                assert isinstance(error, multiprocessing.TimeoutError)
            finally:
                release.set()
            assert iterator.next() is True
            assert list(iterator) == [True, True]


class Sized:
    """What says that it has many items, and then yields three, or raises."""

    def __init__(self, items: Iterable[Any], error: Exception | None = None) -> None:
        self.items, self.error = items, error

    def __len__(self) -> int:
        return 100

    def __iter__(self) -> Iterator[Any]:
        yield from self.items
        if self.error is not None:
            raise self.error


@defect("pool-map-lying-len")
def _(lib: Any) -> None:
    error = KeyError("item")
    with joined_pool(lib) as pool:
        provoked()
        for chunksize in (None, 1, 2):
            assert pool.map(int, Sized(range(3)), chunksize) == [0, 1, 2]
            assert pool.starmap(pow, Sized([(2, 2)]), chunksize) == [4]
            assert pool.map(int, Sized([]), chunksize) == []
            failing = Sized(range(3), error)
            assert error_of(functools.partial(pool.map, int, failing, chunksize)) is error
        assert pool.apply(int) == 0


@defect("pool-map-async-empty")
def _(lib: Any) -> None:
    values: queue.Queue[list[int]] = queue.Queue()
    with joined_pool(lib) as pool:
        provoked()
        for submit in (pool.map_async, pool.starmap_async):
            result = submit(int, [], callback=values.put)
            assert values.get() == []
            assert result.get() == []


@defect("pool-callback-exception")
def _(lib: Any) -> None:
    fail = raising(ValueError("task"))
    with joined_pool(lib) as pool:
        provoked()
        for error in (KeyError("callback"), SystemExit(3)):
            callback = raising(error)
            for result in (
                pool.apply_async(int, callback=callback),
                pool.apply_async(fail, (0,), error_callback=callback),
                pool.map_async(int, range(3), callback=callback),
                pool.map_async(fail, range(3), error_callback=callback),
            ):
                assert error_of(result.get) is error
                assert not result.successful()
        assert pool.apply(int) == 0


@defect("mp-timeouterror")
def _(lib: Any) -> None:
    with busy_pool(lib) as (pool, running):
        iterator = pool.imap(int, range(3))
        unordered = pool.imap_unordered(int, range(3))
        provoked()
        for get in (running.get, iterator.next, unordered.next):
            error = error_of(functools.partial(get, 0))
            assert isinstance(error, TimeoutError)
            assert isinstance(error, multiprocessing.TimeoutError)
    # Otherwise its destructor may find a pipe closed, on 3.8 and 3.9.
    pool.close()
    pool.join()
