"""``ThreadPoolExecutor``."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, TypeVar

from .. import _stdlib
from .._standing_in import StandIn
from ..stopping._policy import Policy
from . import _ending, _exit, _map
from ._fork import survive_forks
from ._future import Future
from ._worker import WorkItem, break_pool, start_worker

if TYPE_CHECKING:
    from typing_extensions import Literal, ParamSpec

    from ..stopping._report import TerminateReport

    P = ParamSpec("P")

T = TypeVar("T")


class ThreadPoolExecutor(_stdlib.ThreadPoolExecutor, metaclass=StandIn):
    """The standard library's ``ThreadPoolExecutor`` with the newest behaviour on every version.

    ``isinstance(executor, ThreadPoolExecutor)`` is true for the standard library's own as well.

    Args:
        max_workers: The largest number of threads; by default four more than the CPUs that this
            process may use, and at most 32 (3.8, 3.13).
        thread_name_prefix: What the names of the threads begin with.
        initializer: Called as ``initializer(*initargs)`` in each thread when it starts.
        initargs: As above.
        cancel_on_error: Whether leaving a ``with`` block by an exception, Ctrl-C included, cancels
            what has not started and asks the rest to stop; by default the whole queue is run
            first, as in the standard library (gh-130975).

    Raises:
        ValueError: *max_workers* is less than 1.
        TypeError: *initializer* cannot be called.

    Guarantees:

    * A future cancelled by ``shutdown(cancel_futures=True)`` is done for whoever waits for it, with
      our functions or with those of the standard library, patched or not.
    * No lock is held while code of the user's runs: tasks, initializers, done-callbacks.
    * ``submit()`` and ``shutdown()`` may be called from tasks, callbacks, signal handlers and
      destructors, also from those that have interrupted ``submit()``.
    * A forked child has the executor empty and usable.

    Assumptions: the attributes used here (``_work_queue``, ``_threads``, ``_shutdown``,
    ``_shutdown_lock``) are those of every version from 3.7, so that the methods also work on an
    executor that the standard library made.  Its lock is then made reentrant when first used.
    """

    _stands_in_for = _stdlib.ThreadPoolExecutor

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        *,
        cancel_on_error: bool = False,
        **context: Any,
    ) -> None:
        self._cancel_on_error = cancel_on_error
        initialize(self, max_workers, thread_name_prefix, initializer, initargs, **context)

    if TYPE_CHECKING:

        def submit(
            __self, __fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs
        ) -> _stdlib.Future[T]: ...

        def map(
            self,
            fn: Callable[..., T],
            *iterables: Iterable[Any],
            timeout: float | None = None,
            chunksize: int = 1,
            buffersize: int | None = None,
        ) -> Iterator[T]: ...

    else:
        map = _map.map

        def submit(*args: Any, **kwargs: Any) -> Future[Any]:
            """Schedule ``fn(*args, **kwargs)`` and return its :class:`Future`.

            The signature is ``submit(self, fn, /, *args, **kwargs)``, which 3.7 cannot spell: the
            call may have keyword arguments named *self* and, after a positional *fn*, *fn*.  Where
            the standard library takes the function by keyword (3.7; deprecated in 3.8), so does
            this.

            Where no thread can be started, the call waits for one that lives.

            Raises:
                RuntimeError: The executor or the interpreter is shutting down, or the first thread
                    cannot be started; then the call never runs.
                BrokenThreadPool: A thread's initializer failed; its exception is the cause.
            """
            self, fn, *rest = args if len(args) > 1 else _stdlib.with_function(args, kwargs)
            try:
                idle = self._poolcompat_idle
            except AttributeError:
                idle = _adopt(self)
            with self._shutdown_lock:
                if self._broken or self._shutdown or _exit.is_exiting():
                    _refuse(self)
                future: Any = Future()
                future._poolcompat_call = _stdlib.call_of(self, fn, rest, kwargs)
                work_item = WorkItem(future, self._poolcompat_queued)
                may_grow = len(self._threads) < self._max_workers
                if may_grow and idle:
                    # Not "if": a worker may be taking its token back.
                    try:
                        idle.pop()
                        work_item.is_expected = True
                    except IndexError:
                        pass
                self._work_queue.put(work_item)
                if may_grow and not work_item.is_expected:
                    try:
                        self._adjust_thread_count()
                    except Exception:
                        if not self._threads:
                            future.cancel()
                            raise
                if self._shutdown and future.cancel():
                    # A signal handler or a destructor has shut it down since it was checked above.
                    _refuse(self)
            result: Future[Any] = future
            return result

    def shutdown(
        self, wait: bool = True, *, cancel_futures: bool = False, timeout: float | None = None
    ) -> None:
        """Take no more work, and free the threads once what was submitted is done.

        Args:
            wait: Return only when all running calls have finished and the threads have ended;
                otherwise return at once.  The thread that calls this is not waited for.
            cancel_futures: Cancel every call that has not started (3.9, bpo-39349).  Calls that
                run are not interrupted by this.
            timeout: Seconds to wait at most; ``None``, the default, is for ever.  Not in the
                standard library.

        Raises:
            TimeoutError: Not all threads have ended in time; the message names the tasks that
                still run, which go on.
            ValueError: *timeout* is negative; nothing has happened then.

        Differs from the standard library's: whoever waits for a future that is cancelled here is
        woken (gh-87893), and done-callbacks run outside the lock, so that they may call
        ``submit()`` or ``shutdown()``.
        """
        if timeout is not None and not timeout >= 0:
            raise ValueError(f"timeout must be None or at least 0 seconds, not {timeout!r}")
        _adopt(self)
        _ending.shut_down(self, wait, cancel_futures, timeout)

    def request_stop(self) -> int:
        """Ask every running task to stop, and cancel what has not started.

        The executor stays usable.  Not in the standard library.

        Returns:
            How many running tasks were asked.  That from which this is called is one of them.
        """
        return _ending.request_stop(self)

    def terminate_workers(
        self, *, grace: float = 1.0, timeout: float | None = 5.0
    ) -> TerminateReport:
        """Take no more work, cancel what has not started, and stop what runs.

        Each running task is asked to stop, then interrupted, and its future is done with
        :class:`.TaskStopped` if it does.  What still runs after that is abandoned: its future is
        done, a :class:`.TerminateWarning` says where it is stuck, and neither :meth:`shutdown` nor
        the exit of the interpreter waits for its thread.  The name is that of 3.14's process pools.

        A thread inside a C function cannot be interrupted, see :mod:`poolcompat.stopping`.  The
        task or callback from which this is called is asked to stop, no more, and goes on.

        Args:
            grace: Seconds that a task has to stop by itself once it has been asked.
            timeout: Seconds in total before what still runs is abandoned; ``None`` is for ever.

        Returns:
            What stopped by itself, what was interrupted, and what was abandoned where.

        Raises:
            ValueError: *grace* or *timeout* is negative; nothing has happened then.
            TypeError: One of them is no number; nothing has happened then.
        """
        policy = Policy.checked("escalate", grace, timeout)
        return _ending.terminate(self, policy.grace, policy.timeout)

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> Literal[False]:
        # On the standard library's class it stands only where cancelling was asked for.
        if exc_type is not None and getattr(self, "_cancel_on_error", True):
            _adopt(self)
            try:
                _ending.shut_down(self, wait=False, cancel_futures=True)
            finally:
                _ending.ask_all(self)
        self.shutdown(wait=True)
        return False

    def _adjust_thread_count(self) -> None:
        waiting = vars(_starting).get("waiting")
        if waiting is not None:
            # A signal handler or a destructor has interrupted the start of a thread, whose locks
            # cannot be taken again: what was interrupted goes on with this one.
            waiting.append(self)
            return
        _starting.waiting = waiting = []
        try:
            if len(self._threads) < self._max_workers:
                # Without the list, this is the standard library's submit(), which is being
                # replaced meanwhile, and idle workers are not counted.
                start_worker(self, vars(self).get("_poolcompat_idle", []))
        finally:
            del _starting.waiting
            for executor in waiting:
                # What fails here must not fail the call that was interrupted.
                with contextlib.suppress(Exception):
                    executor._adjust_thread_count()

    def _initializer_failed(self) -> None:
        # Called by workers that were started before the patch, while they handle the exception
        cause = sys.exc_info()[1]
        break_pool(self, self._work_queue, cause or RuntimeError("initializer failed"))


#: Its ``waiting`` is what the thread has interrupted itself with while it starts a worker.
_starting = threading.local()


def _adopt(executor: Any) -> list[None]:
    """Make an executor ours, and return the tokens of its idle workers; see :mod:`._worker`."""
    with executor._shutdown_lock:
        if "_poolcompat_idle" not in vars(executor):
            executor._shutdown_lock = _stdlib.RLock()
            executor._poolcompat_queued = set()
            executor._poolcompat_idle = []
            survive_forks(executor)
        idle: list[None] = executor._poolcompat_idle
        return idle


def initialize(
    self: Any,
    max_workers: int | None = None,
    thread_name_prefix: str = "",
    initializer: Callable[..., object] | None = None,
    initargs: Iterable[Any] = (),
    **context: Any,
) -> None:
    """Do what :class:`ThreadPoolExecutor` does, with the standard library's signature."""
    if max_workers is None:
        max_workers = _stdlib.default_workers()
    original: Any = _stdlib.init_executor
    original(self, max_workers, thread_name_prefix, initializer, initargs, **context)
    _adopt(self)


def shutdown(self: Any, wait: bool = True, *, cancel_futures: bool = False) -> None:
    """Do what :meth:`ThreadPoolExecutor.shutdown` does, with the standard library's signature."""
    _adopt(self)
    _ending.shut_down(self, wait, cancel_futures)


def _refuse(executor: Any) -> None:
    if executor._broken:
        error = _stdlib.broken_class(executor)(executor._broken)
        raise error from getattr(executor, "_poolcompat_broken_by", None)
    if executor._shutdown:
        raise RuntimeError("cannot schedule new futures after shutdown")
    raise RuntimeError("cannot schedule new futures after interpreter shutdown")
