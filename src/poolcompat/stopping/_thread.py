"""``StoppableThread`` and ``raise_in_thread()``."""

from __future__ import annotations

import threading
from time import monotonic
from typing import Any, Callable

from .. import _threads
from ._ladder import climb, interrupt
from ._policy import Policy
from ._report import warn_caller
from ._task import Running, Task
from ._task_stopped import TaskStopped

_THREADING = frozenset({"threading"})
# To raise an exception where it does no harm; the last one raises it anywhere
_ATTEMPTS, _PAUSE_S = 100, 0.001


class StoppableThread(threading.Thread):
    """A ``threading.Thread`` that can be asked to stop, and interrupted.

    It takes the arguments of ``threading.Thread``.  Its target, or the ``run()`` of a subclass, is
    a task: ``current_stop_event()``, ``checkpoint()``, ``sleep()`` and ``shield()`` work in it.  If
    it was stopped or interrupted the thread ends without a traceback.

    Guarantees: an interruption reaches ``run()`` or nobody, neither the start nor the end of the
    thread.

    Assumptions: ``run()`` is called by ``start()``.  Called directly it cannot be stopped.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._poolcompat_task = Task()

    def start(self) -> None:
        """Start the thread; see ``threading.Thread.start()``.

        Raises:
            RuntimeError: It has been started before, or no thread can be started.
        """
        overridden = vars(self).copy()
        run = self.run
        # setattr(), because type checkers would take the assignments for an attribute of the class.
        setattr(self, "run", lambda: self._run(run))  # noqa: B010
        try:
            super().start()
        except BaseException:
            del self.run
            if "run" in overridden:
                setattr(self, "run", overridden["run"])  # noqa: B010
            raise

    def _run(self, run: Callable[[], object]) -> None:
        # The reference cycle through the thread ends here.
        del self.run
        succeeded, outcome = self._poolcompat_task.call(run, (), {})
        try:
            if not succeeded and not (isinstance(outcome, TaskStopped) and self.stopped()):
                raise outcome
        finally:
            outcome = None  # the rest of a reference cycle with the exception's traceback

    @property
    def stop_event(self) -> threading.Event:
        """The event that :meth:`stop` sets; what ``current_stop_event()`` returns in the thread."""
        return self._poolcompat_task.make_control().event

    def stop(self) -> None:
        """Ask the thread to stop: set its stop event.  It may be called before ``start()``."""
        self._poolcompat_task.request_stop()

    def stopped(self) -> bool:
        """Tell whether the thread has been asked to stop, not whether it has ended."""
        return self.stop_event.is_set()

    def raise_exc(self, exctype: type[BaseException]) -> None:
        """Have *exctype* raised in the thread, which is woken if it waits in ``threading``.

        A thread inside a C function raises it when that returns.  Unlike that of
        :func:`raise_in_thread` it cannot hit the start or the end of the thread, and ``shield()``
        holds it back.  A thread that takes a lock is given 0.1 seconds to go on first.

        Args:
            exctype: An exception class.

        Raises:
            TypeError: *exctype* is no exception class.
            ValueError: The thread is not running, or ``run()`` has ended.
            NotImplementedError: The interpreter has no asynchronous exceptions (PyPy).
        """
        _check_exctype(exctype)
        task = self._poolcompat_task
        one = Running(self, task, task.fn, task.started)
        for attempt in range(_ATTEMPTS):
            if interrupt(one, exctype, anywhere=attempt == _ATTEMPTS - 1):
                return
            if task.fn is None or not self.is_alive():
                break
            task.make_control().ended.wait(_PAUSE_S)
        raise ValueError(f"{self!r} is not running")

    def terminate(self, *, grace: float = 1.0, timeout: float | None = 5.0) -> bool:
        """Ask the thread to stop, then interrupt it, then give up with a ``TerminateWarning``.

        Called by the thread itself it only sets the stop event.

        Args:
            grace: Seconds that the thread has to stop by itself.
            timeout: Seconds in total; ``None`` is for ever.

        Returns:
            Whether the thread has ended.

        Raises:
            RuntimeError: The thread has not been started.
            ValueError: A time is negative.
            TypeError: A time is no number.
        """
        policy = Policy.checked("escalate", grace, timeout)
        if self.ident is None:
            raise RuntimeError("cannot terminate thread before it is started")
        begun = monotonic()
        self.stop()
        if threading.current_thread() is self:
            return False
        report = climb(self._find, policy.grace, policy.timeout, _THREADING)
        if report.survivors:
            warn_caller(report, _THREADING)
            return False
        self.join(None if timeout is None else max(0.0, timeout - (monotonic() - begun)))
        return not self.is_alive()

    def _find(self) -> list[Running]:
        task = self._poolcompat_task
        if task.make_control().ended.is_set() or not self.is_alive():
            return []
        return [Running(self, task, getattr(self, "_target", None) or self.run, task.started)]


def raise_in_thread(thread_or_ident: threading.Thread | int, exctype: type[BaseException]) -> None:
    """Have *exctype* raised in a thread, wherever it is (``PyThreadState_SetAsyncExc``).

    It is raised between two instructions of the thread's Python code, so that a lock that is being
    taken may stay taken; a thread inside a C function, such as a wait, raises it when that returns.
    An exception that was sent before and has not been raised yet is replaced.  A thread that is
    about to end may be hit after its last line.  :meth:`StoppableThread.raise_exc` and the pools'
    ``terminate`` methods know none of these troubles but that with C functions.

    Args:
        thread_or_ident: A thread, or its ``ident``.
        exctype: An exception class, which is instantiated without arguments.

    Raises:
        TypeError: *exctype* is no exception class (an instance would become a ``SystemError``), or
            *thread_or_ident* is neither thread nor integer.
        ValueError: The thread is not alive.
        NotImplementedError: The interpreter has no asynchronous exceptions (PyPy).
    """
    _check_exctype(exctype)
    ident: Any = thread_or_ident
    if isinstance(thread_or_ident, threading.Thread):
        ident = thread_or_ident.ident if thread_or_ident.is_alive() else None
    elif isinstance(thread_or_ident, bool) or not isinstance(thread_or_ident, int):
        raise TypeError(f"a thread or its ident is required, not {thread_or_ident!r}")
    count = 0 if ident is None or ident <= 0 else _threads.send_exception(ident, exctype)
    if count > 1:
        # The documentation's advice; it cannot happen as long as idents are unique.
        _threads.withdraw_exception(ident)
        raise SystemError(f"{count} threads have the ident {ident}")
    if count == 0:
        raise ValueError(f"{thread_or_ident!r} is not alive")


def _check_exctype(exctype: Any) -> None:
    if not (isinstance(exctype, type) and issubclass(exctype, BaseException)):
        raise TypeError(f"exctype must be an exception class, not {exctype!r}")
    if not _threads.can_interrupt():
        raise NotImplementedError("this interpreter has no asynchronous exceptions")
