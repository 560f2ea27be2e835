"""The results of a ``ThreadPool``, seen from both sides.

Guarantees:

* Whoever comes first completes a result: a task, or whoever ends the pool.  It stays as it is then.
* A callback that raises, whatever it is, makes its exception the result (3.16, gh-83371).

Assumption: nobody but us removes a result from the pool's cache.  A result is there until it is
ready, so a forked child finds all that are not.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Callable, Tuple

from .. import _stdlib
from . import _multiprocessing as _mp

if TYPE_CHECKING:
    from ._feeding import Feed

#: Whether it succeeded, and the value or the exception
Outcome = Tuple[bool, Any]


class ApplyResult(_mp.ApplyResult):  # type: ignore[misc]
    """What ``apply_async()`` returns.  It keeps its pool alive until it is ready."""

    #: Whether the outcome is known, be it that a callback has not returned yet
    _is_decided = False
    #: Whether some part of it has begun
    _has_begun = False
    #: Whether what has not begun never will
    _is_cut = False
    #: Where the tasks come from
    _feed: Feed | None = None

    def __init__(
        self,
        pool: Any,
        callback: Callable[[Any], object] | None,
        error_callback: Callable[[BaseException], object] | None,
    ) -> None:
        self._pool = pool
        self._lock = pool._poolcompat_engine.lock
        self._event = threading.Event()
        self._job = _mp.new_job()
        self._cache = pool._cache
        self._callback = callback
        self._error_callback = error_callback
        # Whether a worker may complete it
        self._is_direct = not (callback or error_callback)
        self._cache[self._job] = self

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the result is ready, or *timeout* seconds have passed."""
        self._event.wait(_stdlib.wait_time(timeout))

    def get(self, timeout: float | None = None) -> Any:
        """Return the result when it is there.

        Raises:
            TimeoutError: It is not there within *timeout* seconds; an instance of the built-in
                class and of ``multiprocessing.TimeoutError``.
            TaskStopped: The pool was terminated, or the task stopped.
            BaseException: Whatever the call, or a callback, has raised.
        """
        self.wait(timeout)
        if not self.ready():
            raise _mp.TimeoutError
        if self._success:
            return self._value
        try:
            raise self._value
        finally:
            self = None  # type: ignore[assignment]  # the rest of a reference cycle

    def _set(self, i: int, obj: Outcome) -> None:
        pool = None
        with self._lock:
            if self._is_decided or self._job not in self._cache or not self._decide(i, obj):
                return
            self._is_decided = True
            must_call = not self._is_direct
            if not must_call:
                self._event.set()
                del self._cache[self._job]
                pool, self._pool, self._feed = self._pool, None, None
        del pool  # no sooner, lest it is collected with the lock held
        if must_call:
            self._complete()

    def _note(self, i: int, obj: Outcome) -> bool:
        """Take the outcome of one task; tell whether that decides that of the result."""
        with self._lock:
            if self._is_decided or self._job not in self._cache:
                return False
            self._is_decided = self._decide(i, obj)
            return self._is_decided

    def _decide(self, i: int, obj: Outcome) -> bool:
        """Take the outcome of one task; tell whether it was the last.  The lock is held."""
        self._success, self._value = obj
        return True

    def _complete(self) -> None:
        """Call back, and make the result ready, once it is decided."""
        call_back(self)
        self._finish()

    def _finish(self) -> Any:
        """Make the result ready, once it is decided; return the pool, to be let go of."""
        with self._lock:
            self._event.set()
            self._cache.pop(self._job, None)
            pool, self._pool, self._feed = self._pool, None, None
            return pool


class MapResult(ApplyResult, _mp.MapResult):  # type: ignore[misc]
    """What ``map_async()`` and ``starmap_async()`` return."""

    def __init__(
        self,
        pool: Any,
        chunksize: int,
        length: int,
        callback: Callable[[Any], object] | None,
        error_callback: Callable[[BaseException], object] | None,
    ) -> None:
        self._success = True
        #: What len() makes us expect; the feeder tells how much there really is.
        self._expected = length
        self._value: Any = [None] * length
        self._chunksize = chunksize
        self._total = length // chunksize + bool(length % chunksize) if chunksize > 0 else 0
        self._number_left = self._total
        self._is_fed = False
        ApplyResult.__init__(self, pool, callback, error_callback)

    def _decide(self, i: int, obj: Outcome) -> bool:
        self._number_left -= 1
        success, value = obj
        if self._success:  # The first exception is kept.
            if success:
                try:
                    self._value[i * self._chunksize : (i + 1) * self._chunksize] = value
                except Exception as error:  # A mapper of the user's has returned no list.
                    success, value = False, error
            if not success:
                self._success, self._value = False, value
        return self._is_fed and self._number_left == 0

    def _make_room(self, items: int) -> None:
        """Expect as many items at least."""
        with self._lock:
            if self._success:
                self._value.extend([None] * (items - len(self._value)))

    def _end(self, total: int, items: int | None = None) -> bool:
        """Expect *total* tasks, *items* results; return whether that decides the outcome."""
        with self._lock:
            if self._is_decided or self._job not in self._cache:
                return False
            self._number_left += total - self._total
            self._total = total
            self._is_fed = True
            if self._success and items is not None:
                del self._value[items:]
            self._is_decided = self._number_left == 0
            return self._is_decided


def call_back(result: Any) -> BaseException | None:
    """Call the callback that fits; what it raises becomes the result, and is returned."""
    callback = result._callback if result._success else result._error_callback
    if not callback:
        return None
    try:
        callback(result._value)
    except BaseException as error:
        if not result._event.is_set():
            if not result._success:
                _chain(error, result._value)
            result._success, result._value = False, error
        return error
    return None


def _chain(error: BaseException, original: BaseException) -> None:
    """Make *original* the end of the context of *error*, as if it had been handled there."""
    seen = set()
    while error is not original and id(error) not in seen:
        if error.__context__ is None:
            error.__context__ = original
            return
        seen.add(id(error))
        error = error.__context__
