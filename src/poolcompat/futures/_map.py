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
        Exception: From the iterator, whatever a call raises; the iteration can go on with the next
            one (3.16, gh-108518), and its ``close()`` cancels the rest.
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

    return _Results(futures, submit_next, deadline)


class _Results(Iterator[T]):
    """What ``map()`` returns.

    Dropped after it has been begun, it cancels the rest; dropped unused, it does not, because
    ``map()`` is also called for its side effects alone.
    """

    def __init__(
        self, futures: deque[Future[T]], submit_next: Callable[[], None], deadline: float | None
    ) -> None:
        self._futures = futures
        self._submit_next = submit_next
        self._deadline = deadline
        self._is_begun = False

    def __next__(self) -> T:
        if not self._futures:
            raise StopIteration
        self._is_begun = True
        self._submit_next()
        future = self._futures.popleft()
        deadline = self._deadline
        try:
            return future.result(None if deadline is None else deadline - time.monotonic())
        except BaseException:
            if not future.done():
                # It was not the call that raised: the time is over, or a Ctrl-C came.
                future.cancel()
                self.close()
            raise
        finally:
            # Break a reference cycle with the exception in the future
            del future

    def close(self) -> None:
        """Cancel what has not started, and end the iteration."""
        futures = list(self._futures)
        self._futures.clear()
        _cancel(futures)

    def __del__(self) -> None:
        if self._is_begun:
            self.close()


def _cancel(futures: Iterable[Future[Any]]) -> None:
    call_each(lambda future: future.cancel(), futures)
