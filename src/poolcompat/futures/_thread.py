"""``ThreadPoolExecutor``."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from .. import _stdlib
from .._calling import call_each
from .._standing_in import StandIn
from . import _idle, _map
from ._future import Future

T = TypeVar("T")


class ThreadPoolExecutor(_stdlib.ThreadPoolExecutor, metaclass=StandIn):
    """The standard library's ``ThreadPoolExecutor`` with the newest behaviour on every version.

    ``isinstance(executor, ThreadPoolExecutor)`` is true for the standard library's own as well.

    Guarantees:

    * A future cancelled by ``shutdown(cancel_futures=True)`` is done for whoever waits for it, with
      our functions or with those of the standard library, patched or not.
    * No lock is held while done-callbacks run.
    * No thread is started while one is idle (3.8).

    Assumptions: the attributes used here (``_work_queue``, ``_threads``, ``_shutdown``,
    ``_shutdown_lock``) are those of every version from 3.7, so that the methods also work on an
    executor that the standard library made.
    """

    _stands_in_for = _stdlib.ThreadPoolExecutor

    if TYPE_CHECKING:

        def submit(__self, __fn: Callable[..., T], *args: Any, **kwargs: Any) -> Future[T]: ...

    def submit(*args: Any, **kwargs: Any) -> Future[Any]:  # type: ignore[no-redef]
        """Schedule ``fn(*args, **kwargs)`` and return its :class:`Future`.

        The signature is ``submit(self, fn, /, *args, **kwargs)``, which 3.7 cannot spell: the call
        may have keyword arguments named *self* and, after a positional *fn*, *fn*.

        Raises:
            RuntimeError: The executor or the interpreter is shutting down.
            BrokenThreadPool: A thread's initializer failed.
        """
        if len(args) == 1 and "fn" in kwargs:  # allowed until 3.8, bpo-36492
            args = (*args, kwargs.pop("fn"))
        if len(args) < 2:
            raise TypeError("submit() missing 1 required positional argument: 'fn'")
        self, fn, *rest = args
        with self._shutdown_lock, _stdlib.global_shutdown_lock:
            _stdlib.check_submission(self)
            future: Future[Any] = Future()
            self._work_queue.put(_stdlib.new_work_item(self, future, fn, rest, kwargs))
            self._adjust_thread_count()
            return future

    map = _map.map

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work, and free the threads once what was submitted is done.

        Args:
            wait: Return only when all running calls have finished and the threads have ended;
                otherwise return at once.
            cancel_futures: Cancel every call that has not started (3.9, bpo-39349).  Calls that
                run are not interrupted by this.

        Differs from the standard library's: whoever waits for a future that is cancelled here is
        woken (gh-87893), and done-callbacks run outside the lock, so that they may call
        ``submit()`` or ``shutdown()``.
        """
        dropped = []
        with self._shutdown_lock:
            self._shutdown = True
            if cancel_futures:
                dropped = _drain(self._work_queue)
            # Wakes one worker, which wakes the next.
            self._work_queue.put(None)  # type: ignore[arg-type]
        call_each(_cancel_and_notify, dropped)
        if wait:
            for thread in self._threads:
                thread.join()

    if not _stdlib.REUSES_IDLE_THREADS:
        _adjust_thread_count = _idle.adjust_thread_count


def _drain(work_queue: queue.SimpleQueue[Any]) -> list[Any]:
    """Take all calls that have not started out of the queue and return their futures."""
    futures: list[Any] = []
    while True:
        try:
            work_item = work_queue.get_nowait()
        except queue.Empty:
            return futures
        if work_item is not None:
            futures.append(work_item.future)


def _cancel_and_notify(future: Any) -> None:
    """Cancel a future of ours alone, so that the unpatched waiting functions see it as well.

    No worker can reach it any more: one that did would fail on the state set here.
    """
    try:
        future.cancel()
    finally:
        with future._condition:
            if future._state == _stdlib.CANCELLED:
                future.set_running_or_notify_cancel()
