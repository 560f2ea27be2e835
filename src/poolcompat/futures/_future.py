"""``Future``.

Guarantees:

* A future is completed once; whoever completes it again gets ``InvalidStateError``.
* No lock is held while done-callbacks run, and all of them run, whatever one of them raises.
* A future that is done keeps neither its callbacks nor, if it was cancelled, its call.

Assumptions: the state only changes under the lock of ``_condition``.  That is a
``threading.Condition`` for everyone who asks, but it is made only when somebody does: most futures
are never waited for by ``result()`` while they run.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from .. import _stdlib
from .._calling import call_each
from .._standing_in import StandIn
from ..stopping._task import request_stop_of

T = TypeVar("T")

if TYPE_CHECKING:
    _Base = _stdlib.Future
else:
    # The class itself cannot be subscripted before 3.9.
    _Base = {T: _stdlib.Future}


class _ConditionOnDemand:
    """The attribute ``_condition`` of a future that nobody has waited for."""

    def __get__(self, future: Any, owner: Any = None) -> Any:
        if future is None:
            return self
        condition = threading.Condition(future._poolcompat_lock)
        # From here on the instance's own attribute is found first.
        return vars(future).setdefault("_condition", condition)


def lock_of(future: Any) -> Any:
    """Return the lock of any future's condition, without making a condition that is made lazily."""
    lock = getattr(future, "_poolcompat_lock", None)
    return future._condition if lock is None else lock


class Future(_Base[T], metaclass=StandIn):
    """The standard library's ``Future`` with the newest behaviour on every version.

    Executors make it; it is not meant to be made by others, except for tests.
    ``isinstance(future, Future)`` is true for every ``concurrent.futures.Future``.
    """

    _stands_in_for = _stdlib.Future
    _condition = _ConditionOnDemand()

    # Until they are set
    _result: Any = None
    _exception: Any = None
    #: The waiting functions that are to be told, as the keys of a dictionary; see :mod:`._waiting`
    _poolcompat_watchers: Any = None

    def __init__(self) -> None:
        self._poolcompat_lock = _stdlib.RLock()
        self._state = _stdlib.PENDING
        self._waiters: list[Any] = []
        self._done_callbacks: list[Callable[[Any], object]] = []

    # The methods from here to __repr__() also work on the standard library's class, and on its
    # instances when they have been taken off it meanwhile.

    def cancel(self) -> bool:
        """Cancel the call if it has not started, and ask it to stop if it runs.

        Whoever waits for it is woken.  The arguments of the call are let go.  A call that runs in
        a thread has its stop event set, as :func:`poolcompat.stopping.current_stop_event` has it;
        what becomes of it is its own matter.

        Returns:
            Whether the future is cancelled now, be it by this call or an earlier one.
        """
        with lock_of(self):
            if self._state in _stdlib.CANCELLED_STATES:
                return True
            is_pending = self._state == _stdlib.PENDING
            if is_pending:
                self._state = _stdlib.CANCELLED
                # What submit() was called with, if this is a future of ours
                vars(self).pop("_poolcompat_call", None)
                if "_condition" in self.__dict__:
                    self._condition.notify_all()
        if is_pending:
            self._invoke_callbacks()
        elif self._state == _stdlib.RUNNING:
            request_stop_of(self)
        return is_pending

    def result(self, timeout: float | None = None) -> T:
        """Return what the call returned, or raise what it raised.

        Args:
            timeout: Seconds to wait at most; ``None``, the default, is for ever, and so is
                infinity.

        Raises:
            CancelledError: The future was cancelled.
            TimeoutError: The call has not finished in time.  It is both the built-in exception
                (3.11) and that of ``concurrent.futures``.
        """
        try:
            _wait_until_finished(self, timeout)
            if self._exception is not None:
                self._poolcompat_is_asked = True
                raise self._exception
            result: T = self._result
            return result
        finally:
            # Break a reference cycle with the exception in self._exception
            del self

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return what the call raised, or ``None`` if it returned.

        Args:
            timeout: As for :meth:`result`.

        Raises:
            CancelledError: The future was cancelled.
            TimeoutError: The call has not finished in time, as for :meth:`result`.
        """
        _wait_until_finished(self, timeout)
        self._poolcompat_is_asked = True
        exception: BaseException | None = self._exception
        return exception

    def add_done_callback(self, fn: Callable[[Any], object]) -> None:
        """Have *fn* called with the future when it is done, or now if it is.

        Callbacks are called in the order in which they were added, by whoever completes the
        future.  An exception is logged and ignored.
        """
        with lock_of(self):
            if self._state not in _stdlib.DONE_STATES:
                self._done_callbacks.append(fn)
                return
        self._poolcompat_is_asked = True
        try:
            fn(self)
        except Exception:
            _stdlib.LOGGER.exception("exception calling callback for %r", self)

    def _invoke_callbacks(self) -> None:
        watchers = getattr(self, "_poolcompat_watchers", None)
        if watchers:
            for watcher in list(watchers):
                watcher(self)
        if not self._done_callbacks:
            return
        with lock_of(self):
            callbacks, self._done_callbacks = self._done_callbacks, []
        self._poolcompat_is_asked = True  # because a callback may have looked at it

        def call(callback: Callable[[Any], object]) -> None:
            try:
                callback(self)
            except Exception:
                _stdlib.LOGGER.exception("exception calling callback for %r", self)

        call_each(call, callbacks)

    def set_running_or_notify_cancel(self) -> bool:
        """Mark the call as running; for executors and tests only.

        Returns:
            ``False`` if the future was cancelled; then the call must not run.

        Raises:
            RuntimeError: The call has been started before.
        """
        with getattr(self, "_poolcompat_lock", None) or self._condition:
            if self._state == _stdlib.PENDING:
                self._state = _stdlib.RUNNING
                return True
            if self._state == _stdlib.CANCELLED:
                self._state = _stdlib.CANCELLED_AND_NOTIFIED
                for waiter in self._waiters:
                    waiter.add_cancelled(self)
                return False
            _stdlib.LOGGER.critical("Future %s in unexpected state: %s", id(self), self._state)
            raise RuntimeError("Future in unexpected state")

    def set_result(self, result: T) -> None:
        """Complete the future with a result; for executors and tests only.

        Raises:
            InvalidStateError: The future is done (3.8).
        """
        with getattr(self, "_poolcompat_lock", None) or self._condition:
            if self._state in _stdlib.DONE_STATES:
                raise _stdlib.InvalidStateError(f"{self._state}: {self!r}")
            self._result = result
            self._state = _stdlib.FINISHED
            for waiter in self._waiters:
                waiter.add_result(self)
            if "_condition" in self.__dict__:
                self._condition.notify_all()
        self._invoke_callbacks()

    def set_exception(self, exception: BaseException | None) -> None:
        """Complete the future with an exception; for executors and tests only.

        Raises:
            InvalidStateError: The future is done (3.8).
        """
        with getattr(self, "_poolcompat_lock", None) or self._condition:
            if self._state in _stdlib.DONE_STATES:
                raise _stdlib.InvalidStateError(f"{self._state}: {self!r}")
            self._exception = exception
            self._state = _stdlib.FINISHED
            for waiter in self._waiters:
                waiter.add_exception(self)
            if "_condition" in self.__dict__:
                self._condition.notify_all()
        self._invoke_callbacks()

    def __repr__(self) -> str:
        with lock_of(self):
            what = f"{type(self).__name__} at {id(self):#x} state={_stdlib.describe(self._state)}"
            if self._state == _stdlib.FINISHED:
                if self._exception is not None:
                    what += f" raised {type(self._exception).__name__}"
                else:
                    what += f" returned {type(self._result).__name__}"
            return f"<{what}>"

    if not _stdlib.FUTURE_IS_GENERIC:

        def __class_getitem__(cls, item: Any) -> Any:
            """Return the class: before 3.9 its parameter means nothing at run time."""
            return cls

    # The standard library locks for these; reading an attribute is atomic.

    def cancelled(self) -> bool:
        """Tell whether the future was cancelled."""
        return self._state in _stdlib.CANCELLED_STATES

    def running(self) -> bool:
        """Tell whether the call is running."""
        return bool(self._state == _stdlib.RUNNING)

    def done(self) -> bool:
        """Tell whether the future was cancelled or the call has ended."""
        return self._state in _stdlib.DONE_STATES


def log_lost_exception(self: Any) -> None:
    """Log the exception of a task that nobody has asked for, when its future is freed.

    Whoever called ``result()`` or ``exception()``, or had a done-callback called, has asked;
    ``wait()`` and ``as_completed()`` alone do not ask.
    """
    error = vars(self).get("_exception")
    if error is not None and "_poolcompat_is_asked" not in vars(self) and not sys.is_finalizing():
        _stdlib.LOGGER.error("exception of a task was never retrieved", exc_info=error)


def cancel_for_good(future: Any) -> None:
    """Cancel a future that no worker can reach any more, and tell everybody.

    So the standard library's own ``as_completed()`` and ``wait()`` see it as well, patched or not.
    """
    with lock_of(future):
        is_pending = future._state == _stdlib.PENDING
        if is_pending:
            future._state = _stdlib.CANCELLED
            vars(future).pop("_poolcompat_call", None)
            if "_condition" in future.__dict__:
                future._condition.notify_all()
        if future._state == _stdlib.CANCELLED:
            future._state = _stdlib.CANCELLED_AND_NOTIFIED
            for waiter in future._waiters:
                waiter.add_cancelled(future)
    if is_pending:
        future._invoke_callbacks()


def _wait_until_finished(future: Any, timeout: float | None) -> None:
    if future._state not in _stdlib.DONE_STATES:
        with lock_of(future):
            if future._state not in _stdlib.DONE_STATES:
                future._condition.wait(_stdlib.wait_time(timeout))
    if future._state in _stdlib.CANCELLED_STATES:
        raise _stdlib.CancelledError
    if future._state != _stdlib.FINISHED:
        raise _stdlib.TimeoutError
