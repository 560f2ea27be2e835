"""``Executor.map()``."""

from __future__ import annotations

import itertools
import time
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, TypeVar

from .._calling import call_each

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

T = TypeVar("T")


def map(
    self: Executor,
    fn: Callable[..., T],
    *iterables: Iterable[Any],
    timeout: float | None = None,
    chunksize: int = 1,
    buffersize: int | None = None,
) -> Iterator[T]:
    """Return an iterator like ``map(fn, *iterables)`` whose calls run in the pool.

    The newest behaviour on every version: *buffersize* (3.14, gh-74028), and a future that was
    waited for when the time ran out is cancelled as the others are (3.10, gh-95166).  Beyond it, an
    exception raised by an input iterable cancels what it had already submitted.

    Args:
        self: The executor.
        fn: Called with one item of each iterable.
        iterables: Where the arguments come from; the shortest one ends the iteration.
        timeout: Seconds from this call until the last result must be there; ``None``, the
            default, is for ever.
        chunksize: Ignored by pools of threads.
        buffersize: How many submitted calls may wait to be yielded; the next input is taken when a
            result is asked for.  ``None``, the default, takes the whole input at once.

    Raises:
        TypeError: *buffersize* is no integer.
        ValueError: *buffersize* is less than 1.
        TimeoutError: From the iterator, when the time is over.
        Exception: From the iterator, whatever a call raises; that ends the iteration.
    """
    if buffersize is not None and not isinstance(buffersize, int):
        raise TypeError("buffersize must be an integer or None")
    if buffersize is not None and buffersize < 1:
        raise ValueError("buffersize must be None or > 0")
    deadline = None if timeout is None else time.monotonic() + timeout
    arguments = zip(*iterables)
    futures: deque[Future[T]] = deque()
    try:
        for args in itertools.islice(arguments, buffersize):
            futures.append(self.submit(fn, *args))
    except BaseException:
        _cancel(futures)
        raise
    # Weak, so that an unfinished iterator does not keep the executor and its threads alive
    executor = weakref.ref(self)

    def submit_next() -> None:
        alive = executor()
        if buffersize is not None and alive is not None:
            for args in itertools.islice(arguments, 1):
                futures.append(alive.submit(fn, *args))

    return _results(futures, submit_next, deadline)


def _results(
    futures: deque[Future[T]], submit_next: Callable[[], None], deadline: float | None
) -> Iterator[T]:
    try:
        while futures:
            submit_next()
            # No name is bound to the future, so that its result can be freed by the consumer.
            yield _result_or_cancel(futures.popleft(), deadline)
    finally:
        _cancel(futures)


def _result_or_cancel(future: Future[T], deadline: float | None) -> T:
    try:
        try:
            return future.result(None if deadline is None else deadline - time.monotonic())
        finally:
            future.cancel()
    finally:
        # Break a reference cycle with the exception in the future
        del future


def _cancel(futures: deque[Future[Any]]) -> None:
    call_each(lambda future: future.cancel(), futures)
