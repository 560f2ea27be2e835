"""``multiprocessing.pool``, one for one, with a ``ThreadPool`` whose end nobody waits for in vain.

Change ``from multiprocessing.pool import …`` to ``from poolcompat.pool import …``; nothing else has
to change.
"""

from __future__ import annotations

import queue
import sys
import threading
from multiprocessing import pool as _pool
from multiprocessing.pool import Pool
from typing import Any, Callable, Iterable, Mapping

from . import _stdlib
from ._calling import call_each
from ._outcome import is_decided, is_partly_done, stop
from ._standing_in import StandIn
from .stopping._policy import check_policy
from .stopping._report import TerminateReport, report_running, warn_caller
from .stopping._running import Ledger, RunningTask
from .stopping._task_stopped import TaskStopped

__all__ = ["Pool", "ThreadPool"]

_private: Any = _pool
_WORKER_CODE = _private.worker.__code__
# What the standard library submits in place of a function that is mapped
_MAPPERS = (_private.mapstar, _private.starmapstar)

# What the pools do that patch_all() changed
_patched_policy = "warn"

# Whose frames lie between a thread's start and its task, and between a caller and terminate()
_POOL_MODULES = frozenset({"threading", "multiprocessing.pool", "multiprocessing.util"})


def __getattr__(name: str) -> object:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_pool, name)


def set_patched_policy(on_terminate: str) -> None:
    """Choose the policy of the pools that ``patch_all()`` changed."""
    global _patched_policy
    _patched_policy = check_policy(on_terminate)


class ThreadPool(_pool.ThreadPool, metaclass=StandIn):
    """The standard library's ``ThreadPool``, whose ``terminate()`` leaves nobody waiting.

    ``isinstance(pool, ThreadPool)`` is true for the standard library's own as well.

    Args:
        processes: The number of threads; by default the number of CPUs.
        initializer: Called as ``initializer(*initargs)`` in each thread when it starts.
        initargs: As above.
        on_terminate: What :meth:`terminate` and the end of a ``with`` block do about tasks that
            still run: ``"warn"``, the default, or ``"silent"``.

    Raises:
        ValueError: *processes* is less than 1, or *on_terminate* is no policy.
        TypeError: *initializer* cannot be called.

    Guarantees:

    * Once ``terminate()`` has returned, each result of the pool is ready, and no task begins.  A
      result that was there before stays as it is.
    * A result of a submission that crosses ``terminate()`` in another thread becomes ready as well.
    * ``terminate()`` waits for no task.

    Assumptions: the three handler threads have ended when the standard library's ``terminate()``
    returns, except for the one that it may have been called from.  From then on only we touch
    ``_cache``, from which whoever removes a result is the one who completes it.  Workers take tasks
    with ``_inqueue.get()`` and deliver with ``_outqueue.put()``.
    """

    _stands_in_for = _pool.ThreadPool

    # The standard library's __del__ (3.8) reads it even if __init__ has refused its arguments.
    _state = _pool.TERMINATE
    _on_terminate: str

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        *,
        on_terminate: str = "warn",
    ) -> None:
        self._on_terminate = check_policy(on_terminate)
        super().__init__(processes, initializer, initargs)

    # The methods from here on also work on the standard library's class.  So they say
    # super(_pool.ThreadPool, self): that class inherits all of them but _setup_queues().

    def _setup_queues(self) -> None:
        self._ledger = Ledger()
        self._inqueue = _Inbox(self._ledger)
        self._outqueue = _Outbox(self._ledger)
        self._quick_put = self._inqueue.put
        self._quick_get = self._outqueue.get

    def terminate(  # type: ignore[override]  # nobody uses the None that the parent returns
        self, on_terminate: str | None = None
    ) -> TerminateReport:
        """Drop what has not started, and end the threads as soon as their tasks end.

        A running task cannot be stopped by this.  Differs from the standard library's: each
        outstanding result becomes ready with :class:`TaskStopped`, so ``get()``, ``wait()``,
        iterators and error callbacks return instead of hanging (gh-79659, gh-126743).

        Args:
            on_terminate: ``"warn"``: a :class:`TerminateWarning` names each task that still runs
                and where it is, and points at the caller's line.  ``"silent"``: no warning.
                ``None``, the default, is what the pool was made with.

        Returns:
            The tasks that still run.  The task from which this was called is none of them.

        Raises:
            ValueError: *on_terminate* is no policy; nothing has happened then.
        """
        policy = getattr(self, "_on_terminate", _patched_policy)
        if on_terminate is not None:
            policy = check_policy(on_terminate)
        try:
            super(_pool.ThreadPool, self).terminate()
        finally:
            # Before the results are settled: see _settled()
            self._is_settled = True
            running = _settle(self)
        me = threading.current_thread()
        report = report_running((task for task in running if task.thread is not me), _POOL_MODULES)
        if policy == "warn" and report.survivors:
            warn_caller(report, _POOL_MODULES)
        return report

    def apply_async(
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: Mapping[str, Any] = {},
        callback: Callable[[Any], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
    ) -> Any:
        """Schedule ``func(*args, **kwds)`` and return its result's handle."""
        submit = super(_pool.ThreadPool, self).apply_async
        return _settled(self, submit(func, args, kwds, callback, error_callback))

    def _map_async(self, *args: Any, **kwargs: Any) -> Any:
        parent: Any = super(_pool.ThreadPool, self)
        return _settled(self, parent._map_async(*args, **kwargs))

    def imap(
        self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int | None = 1
    ) -> Any:
        """Return an iterator over the results of ``func(item)``, in the order of the items."""
        return _settled(self, super(_pool.ThreadPool, self).imap(func, iterable, chunksize))

    def imap_unordered(
        self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int | None = 1
    ) -> Any:
        """Return an iterator over the results of ``func(item)``, in the order they come."""
        submit = super(_pool.ThreadPool, self).imap_unordered
        return _settled(self, submit(func, iterable, chunksize))


class _Inbox:
    """The queue that workers take their tasks from."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.put = self._queue.put

    def get(self, block: bool = True) -> Any:
        task = self._queue.get(block)
        # The pool itself does not block: it throws the tasks away.
        if task is None or not block or self._ledger.begin(_function_of(task), task[:2]):
            return task
        return None  # the signal to end


class _Outbox:
    """The queue that workers put their results into, and the result handler takes them from."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._taken: object = None

    def put(self, result: Any) -> None:
        if result is not None:
            self._ledger.end()
        self._queue.put(result)

    def get(self) -> Any:
        # The handler comes back when it has delivered what it took before.
        self._ledger.delivered(self._taken)
        result = self._queue.get()
        self._taken = None if result is None else result[:2]
        return result


def _function_of(task: tuple[int, int, Any, Any, Any]) -> Any:
    """Return what the user submitted."""
    _, _, func, args, _ = task
    is_chunk = any(func is mapper for mapper in _MAPPERS)
    return args[0][0] if is_chunk else func


def _close(pool: Any) -> tuple[set[Any], list[RunningTask]]:
    """Let no more task begin; return the jobs that have begun, and the tasks that run."""
    if hasattr(pool, "_ledger"):
        undelivered, running = pool._ledger.close()
    else:  # The workers of a pool that was made before the patch note nothing.
        guesses = [_task_from_frame(worker) for worker in list(pool._pool) if worker.is_alive()]
        running = [task for task in guesses if task is not None]
        undelivered = {task.key for task in running}
    return {job for job, _ in undelivered}, running


def _task_from_frame(worker: threading.Thread) -> RunningTask | None:
    if not _stdlib.FRAMES_ARE_READABLE:
        return None
    frame = sys._current_frames().get(worker.ident or 0)
    while frame is not None and frame.f_code is not _WORKER_CODE:
        frame = frame.f_back
    task = None if frame is None else frame.f_locals.get("task")
    return None if task is None else RunningTask(_function_of(task), task[:2], worker, None)


def _settled(pool: Any, result: Any) -> Any:
    """Return *result*, of a submission that may have crossed the end of the pool.

    It has been put in the cache.  If the pool's end has not looked there yet, it will; if it has,
    the mark that it made before looking is seen here.
    """
    if getattr(pool, "_is_settled", False):
        _settle(pool)
    return result


def _settle(pool: Any) -> list[RunningTask]:
    """Make each outstanding result ready, and return the tasks that still run."""
    begun, running = _close(pool)
    in_handler = threading.current_thread() is pool._result_handler

    def settle(item: tuple[int, Any]) -> None:
        job, result = item
        if in_handler and is_decided(result):
            return  # Its own callback has called us; what it returns to makes it ready.
        if pool._cache.pop(job, None) is not None:
            has_begun = job in begun or is_partly_done(result)
            stop(result, TaskStopped("abandoned" if has_begun else "not started"))

    call_each(settle, pool._cache.copy().items())
    return running
