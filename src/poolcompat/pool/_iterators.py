"""The results of ``imap()`` and ``imap_unordered()``."""

from __future__ import annotations

import collections
import contextlib
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

from .. import _forks, _stdlib
from . import _multiprocessing as _mp

if TYPE_CHECKING:
    from ._feeding import Feed
    from ._results import Outcome


class IMapIterator(_mp.IMapIterator):  # type: ignore[misc]
    """What ``imap()`` returns."""

    _callback = _error_callback = None
    _has_begun = _is_cut = False
    _is_direct = True

    def __init__(self, pool: Any, is_chunked: bool = False) -> None:
        self._pool = pool
        self._make_lock()
        # The pool knows it only until the last result is there.
        _forks.survive_forks(self, IMapIterator._make_lock)
        # How many threads wait for a result
        self._waiting = 0
        self._job = _mp.new_job()
        self._cache = pool._cache
        # Outcomes, each of a whole chunk if there are chunks
        self._items: collections.deque[Outcome] = collections.deque()
        self._index = 0
        self._length: int | None = None
        self._unsorted: dict[int, Outcome] = {}
        self._is_chunked = is_chunked
        # What is left of the chunk that is being handed out
        self._rest: collections.deque[Any] = collections.deque()
        # How many outcomes have been handed out
        self._taken = 0
        self._feed: Feed | None = None
        self._cache[self._job] = self

    def _make_lock(self) -> None:
        self._lock = _stdlib.RLock()
        self._cond = threading.Condition(self._lock)

    def next(self, timeout: float | None = None) -> Any:
        """Return the next result when it is there.

        Raises:
            StopIteration: There are no more.
            TimeoutError: It is not there within *timeout* seconds; an instance of the built-in
                class and of ``multiprocessing.TimeoutError``.
            TaskStopped: The pool was terminated, or the task stopped.
            BaseException: Whatever the call has raised; the iteration can go on.
        """
        if self._rest:
            with contextlib.suppress(IndexError):  # Another thread has taken it.
                return self._rest.popleft()
        deadline = None if timeout is None else monotonic() + timeout
        with self._lock:
            taken = self._taken
            success, value = self._next(deadline)
            feed = None if self._taken == taken else self._feed
        if feed is not None:
            feed.resume()
        if success:
            return value
        try:
            raise value
        finally:
            self = value = None  # type: ignore[assignment]  # the rest of a reference cycle

    __next__ = next

    def _next(self, deadline: float | None) -> Outcome:
        while True:
            if self._rest:
                with contextlib.suppress(IndexError):
                    return True, self._rest.popleft()
            elif self._items:
                outcome = self._items.popleft()
                self._taken += 1
                if not (outcome[0] and self._is_chunked):
                    return outcome
                self._rest = collections.deque(outcome[1])
                self._cond.notify(len(self._rest))
            elif self._index == self._length:
                raise StopIteration
            elif deadline is not None and monotonic() >= deadline:
                raise _mp.TimeoutError
            else:
                self._waiting += 1
                try:
                    self._cond.wait(_stdlib.remaining(deadline))
                finally:
                    self._waiting -= 1

    def _set(self, i: int, obj: Outcome) -> None:
        pool = None
        with self._lock:
            if self._job in self._cache:
                self._add(i, obj)
                if self._index == self._length:
                    pool = self._end_iteration()
                elif self._waiting:
                    self._cond.notify(len(self._items))
        del pool  # no sooner, lest it is collected with the lock held

    def _add(self, i: int, obj: Outcome) -> None:
        if i != self._index:
            self._unsorted[i] = obj
            return
        self._items.append(obj)
        self._index += 1
        while self._index in self._unsorted:
            self._items.append(self._unsorted.pop(self._index))
            self._index += 1

    def _set_length(self, length: int) -> None:
        pool = None
        with self._lock:
            if self._job in self._cache:
                self._length = length
                if self._index == length:
                    pool = self._end_iteration()
        del pool

    def _end(self, total: int, items: int | None = None) -> bool:
        self._set_length(total)
        return False

    def _end_iteration(self) -> Any:
        """Expect no more results; return the pool, to be let go of."""
        self._cond.notify_all()
        self._cache.pop(self._job, None)
        pool, self._pool, self._feed = self._pool, None, None
        return pool


class IMapUnorderedIterator(IMapIterator, _mp.IMapUnorderedIterator):  # type: ignore[misc]
    """What ``imap_unordered()`` returns."""

    def _add(self, i: int, obj: Outcome) -> None:
        self._items.append(obj)
        self._index += 1
