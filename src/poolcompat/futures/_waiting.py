"""``as_completed()`` and ``wait()``.

Guarantees, for futures of any executor, patched or not:

* A future that is done, cancelled ones included, never keeps anybody waiting, and somebody who
  already waits is woken by ``cancel()`` itself, not by the worker that finds the future later.
* Nothing that was put on a future stays there, however the wait ends.
* Each call costs time in proportion to the number of futures.

How it is told that a future is done:

* A future of ours has a dictionary of watchers, which are called after its state has changed.
  Whoever puts one there looks at the state afterwards; so either the future is seen to be done, or
  its watcher is called, or both.  No lock is taken.
* Any other future gets a done-callback, put first, because a callback that raises a BaseException
  stops those after it.

Assumptions:

* Whoever completes or cancels a future changes ``_state`` under ``_condition`` and afterwards runs
  ``_done_callbacks``, a list.  Every CPython does, and so do the subclasses of loky and pebble.
  ``_waiters``, the list that the standard library uses here, is not told of a ``cancel()``.
* The callbacks are run by iterating over the list outside the lock.  So it is only ever changed in
  place while the future is not done, and replaced by another list after that.
* Changing and copying a dictionary is atomic.
* ``SimpleQueue.put()`` may be called from anywhere: signal handlers, ``__del__``, other callbacks.
  CPython's may; PyPy's may not while it has interrupted itself.
"""

from __future__ import annotations

import contextlib
import queue
import time
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, TypeVar

from .. import _stdlib, _threads
from . import _future

if TYPE_CHECKING:
    from concurrent.futures import Future
    from concurrent.futures._base import DoneAndNotDoneFutures

T = TypeVar("T")


def _is_done(future: Future[Any]) -> bool:
    return future._state in _stdlib.DONE_STATES


def _has_failed(future: Future[Any]) -> bool:
    return future._state == _stdlib.FINISHED and future._exception is not None


def _watch(future: Any, watcher: Callable[[Any], object]) -> bool:
    """Have *watcher* called once *future* is done; ``False`` if it already is.

    A future that is done may call it all the same.
    """
    if type(future) is _future.Future:
        watchers = future._poolcompat_watchers
        if watchers is None:
            watchers = vars(future).setdefault("_poolcompat_watchers", {})
        watchers[watcher] = None
        return future._state not in _stdlib.DONE_STATES
    with _future.lock_of(future):
        if future._state in _stdlib.DONE_STATES:
            return False
        if hasattr(future, "_done_callbacks"):
            future._done_callbacks.insert(0, watcher)
        else:  # what gevent's own executor makes, which is no Future
            future._waiters.append(_Waiter(watcher))
        return True


def _unwatch(future: Any, watcher: Callable[[Any], object]) -> None:
    if type(future) is _future.Future:
        if future._poolcompat_watchers:
            future._poolcompat_watchers.pop(watcher, None)
        return
    with _future.lock_of(future):
        # A new list: somebody may be calling the callbacks of this one right now.
        if hasattr(future, "_done_callbacks"):
            future._done_callbacks = [c for c in future._done_callbacks if c is not watcher]
        else:
            future._waiters = [w for w in future._waiters if w.watcher is not watcher]


class _Waiter:
    """A watcher, as the standard library's functions put it on a future."""

    def __init__(self, watcher: Callable[[Any], object]) -> None:
        self.watcher = self.add_result = self.add_exception = self.add_cancelled = watcher


def as_completed(fs: Iterable[Future[T]], timeout: float | None = None) -> Iterator[Future[T]]:
    """Return an iterator that yields the given futures as they finish or are cancelled.

    Differs from the standard library's: a cancelled future is yielded at once, whoever cancelled it
    and whichever executor it came from (gh-87893, gh-92001); the time runs from this call, as the
    documentation says; ``TimeoutError`` is raised only when a future is unfinished (gh-73919).

    Args:
        fs: Futures, possibly of different executors; duplicates are yielded once.
        timeout: Seconds from this call until the last future must be done; ``None``, the default,
            is for ever, and so is infinity.

    Returns:
        An iterator over the futures.  Left early, it leaves nothing behind on them.

    Raises:
        TimeoutError: From the iterator, when the time is over and a future is unfinished.  It is
            both the built-in exception and that of ``concurrent.futures``.
        TypeError: *fs* is not iterable, or *timeout* is no number.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    return _as_completed(set(fs), deadline)


def _as_completed(unseen: set[Future[T]], deadline: float | None) -> Iterator[Future[T]]:
    total = len(unseen)
    arrivals = _threads.make_arrivals(deadline)
    arrived = arrivals.put  # one bound method, so that it can be told by identity
    watched = set()
    try:
        finished = []
        while unseen:
            future = unseen.pop()
            if _is_done(future):
                finished.append(future)
            else:
                watched.add(future)
                if not _watch(future, arrived):
                    arrived(future)
            del future
        # No name is bound to a future while the consumer has it, so that the consumer can free it.
        while finished:
            yield finished.pop()
        while watched:
            finished = _take_arrivals(watched, arrivals, arrived, deadline)
            if not finished:
                raise _stdlib.TimeoutError(f"{len(watched)} (of {total}) futures unfinished")
            while finished:
                yield finished.pop()
    finally:
        for future in watched:
            _unwatch(future, arrived)


def _take_arrivals(
    watched: set[Future[T]],
    arrivals: Any,
    arrived: Callable[[Future[T]], object],
    deadline: float | None,
) -> list[Future[T]]:
    """Wait for one, then move all that are done from *watched* to a list, the first one last."""
    done: list[Future[T]]
    try:
        done = [_threads.take(arrivals, _stdlib.remaining(deadline))]
    except queue.Empty:
        # Those that are done already while their callbacks are only about to be called
        done = [future for future in watched if _is_done(future)]
    while not arrivals.empty():
        done.append(arrivals.get())
    taken = []
    for future in done:
        if future in watched:  # One that was found done above may arrive as well, now or later.
            watched.discard(future)
            _unwatch(future, arrived)
            taken.append(future)
    taken.reverse()
    return taken


class _Countdown:
    """A watcher that wakes one thread when enough futures are done.

    It counts on ``set.add()`` being atomic, and takes no lock that a signal handler which cancels a
    future could find taken.
    """

    def __init__(self, count: int, return_when: str, timeout: float | None) -> None:
        self._count = count
        self._first_exception = return_when == FIRST_EXCEPTION
        self._done: set[Any] = set()  # because a future may be told of twice
        self._enough = _threads.make_arrivals(timeout)

    def __call__(self, future: Any) -> None:
        self._done.add(future)
        if len(self._done) >= self._count or (self._first_exception and _has_failed(future)):
            self._enough.put(None)

    def wait(self, timeout: float | None) -> None:
        with contextlib.suppress(queue.Empty):
            _threads.take(self._enough, timeout)


def wait(
    fs: Iterable[Future[T]], timeout: float | None = None, return_when: str = ALL_COMPLETED
) -> DoneAndNotDoneFutures[T]:
    """Wait for the given futures to finish or be cancelled.

    Differs from the standard library's: a cancelled future counts as done at once, whoever
    cancelled it and whichever executor it came from, and wakes whoever already waits (gh-92001,
    gh-109934).  Any iterable will do, with duplicates (3.9).

    Args:
        fs: Futures, possibly of different executors.
        timeout: Seconds to wait at most; ``None``, the default, is for ever, and so is infinity.
        return_when: ``FIRST_COMPLETED``, ``FIRST_EXCEPTION`` or ``ALL_COMPLETED``, the default.
            A cancelled future counts as completed, and not as an exception.

    Returns:
        A named tuple of two sets, ``done`` and ``not_done``.  Running out of time is not an error.

    Raises:
        ValueError: *return_when* is none of the three.
        TypeError: *fs* is not iterable, or *timeout* is no number.
    """
    if return_when not in (FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED):
        raise ValueError(f"Invalid return condition: {return_when!r}")
    timeout = _stdlib.wait_time(timeout)
    pending = set(fs)
    done = {future for future in pending if future._state in _stdlib.DONE_STATES}
    pending -= done
    if pending and not _is_enough(done, return_when):
        _wait_for(pending, timeout, return_when)
        finished = [future for future in pending if future._state in _stdlib.DONE_STATES]
        done.update(finished)
        pending.difference_update(finished)
    return _stdlib.DoneAndNotDoneFutures(done, pending)


def _is_enough(done: set[Future[T]], return_when: str) -> bool:
    if return_when == FIRST_COMPLETED:
        return bool(done)
    return return_when == FIRST_EXCEPTION and any(map(_has_failed, done))


def _wait_for(pending: set[Any], timeout: float | None, return_when: str) -> None:
    # The loops are those of _watch() and _unwatch(), without the calls, for futures that have been
    # waited for before: a loop of wait() with FIRST_COMPLETED runs them for the square of the
    # number of futures.
    ours, done_states = _future.Future, _stdlib.DONE_STATES
    count = 1 if return_when == FIRST_COMPLETED else len(pending)
    countdown = _Countdown(count, return_when, timeout)
    try:
        for future in pending:
            watchers = future._poolcompat_watchers if type(future) is ours else None
            if watchers is not None:
                watchers[countdown] = None
                if future._state in done_states:
                    countdown(future)
            elif not _watch(future, countdown):
                countdown(future)
        countdown.wait(None if timeout is None else max(0.0, timeout))
    finally:
        for future in pending:
            watchers = future._poolcompat_watchers if type(future) is ours else None
            if watchers is not None:
                watchers.pop(countdown, None)
            else:
                _unwatch(future, countdown)
