"""Pools that the standard library's engine runs: those that were made before the patch.

Their results become ready as well when they are terminated under the patch.  Which of their tasks
run is guessed from the frames of their threads.

Assumptions: the three handler threads have ended when the standard library's ``terminate()``
returns, except for the one that it may have been called from.  From then on only we touch
``_cache``, from which whoever removes a result is the one who completes it.
"""

from __future__ import annotations

import threading
from typing import Any

from .. import _places, _stdlib, _threads
from .._calling import call_each
from ..stopping._ladder import climb
from ..stopping._policy import Policy
from ..stopping._report import TerminateReport, report_of
from ..stopping._task import Running, Task
from ..stopping._task_stopped import TaskStopped
from . import _multiprocessing as _mp
from ._completing import decide, finish, is_decided, is_partly_done, stop, tell
from ._results import call_back

# What the standard library submits in place of a function that is mapped
_MAPPERS = (_mp.mapstar, _mp.starmapstar)

for _code in (_mp.WORKER_CODE, *(mapper.__code__ for mapper in _MAPPERS)):
    # An exception there ends the thread, of a pool that is being terminated.
    _places.spare_callees(_code)


def imap(pool: Any, submit: Any, func: Any, iterable: Any, chunksize: Any, buffersize: Any) -> Any:
    """Return what the standard library's ``imap()`` or ``imap_unordered()`` does."""
    options = {} if buffersize is None else {"buffersize": buffersize}
    return settled(pool, submit(func, iterable, chunksize, **options))


def settled(pool: Any, result: Any) -> Any:
    """Return *result*, of a submission that may have crossed the end of the pool.

    It has been put in the cache.  If the pool's end has not looked there yet, it will; if it has,
    the mark that it made before looking is seen here.
    """
    if getattr(pool, "_poolcompat_is_settled", False):
        _settle(pool, _Guesses(pool))
    return result


def terminate(pool: Any, policy: Policy, below: frozenset[str]) -> TerminateReport:
    """Terminate *pool*, and make each outstanding result ready."""
    guesses = _Guesses(pool)
    try:
        _mp.Pool.terminate(pool)
    finally:
        try:
            if policy.on_terminate == "escalate":
                report = climb(guesses.find, policy.grace, policy.timeout, below)
            else:
                report = report_of((), guesses.find(), below)
        finally:
            # Before the results are settled: see settled()
            pool._poolcompat_is_settled = True
            _settle(pool, guesses)
    return report


class _Guesses:
    """The tasks of a pool, as the frames of its threads tell."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        # By thread: the number of a task, and what stands for it
        self._tasks: dict[threading.Thread, tuple[Any, Task]] = {}

    def find(self) -> list[Running]:
        """Return the tasks that run, without that of the calling thread."""
        me = threading.current_thread()
        found = []
        for thread in list(self._pool._pool):
            raw = _raw_task(thread)
            if raw is None:
                self._forget(thread)
                continue
            if thread is me:
                continue
            key, fn = raw[:2], _function_of(raw)
            if self._tasks.get(thread, (None,))[0] != key:
                self._forget(thread)
                task = Task()
                task.fn = fn
                self._tasks[thread] = key, task
            found.append(Running(thread, self._tasks[thread][1], fn, None))
        return found

    def jobs(self) -> set[int]:
        """Return the numbers of the results of which a task runs."""
        raws = map(_raw_task, list(self._pool._pool))
        return {raw[0] for raw in raws if raw is not None}

    def _forget(self, thread: threading.Thread) -> None:
        _, task = self._tasks.pop(thread, (None, None))
        if task is not None:
            task.fn = None
            task.make_control().ended.set()


def _raw_task(worker: threading.Thread) -> Any:
    """Return the task as the standard library's ``worker()`` has it, or ``None``."""
    if not _stdlib.FRAMES_ARE_READABLE or not worker.is_alive():
        return None
    frame = _threads.frame_of(worker)
    while frame is not None and frame.f_code is not _mp.WORKER_CODE:
        frame = frame.f_back
    return None if frame is None else frame.f_locals.get("task")


def _function_of(task: tuple[int, int, Any, Any, Any]) -> Any:
    """Return what the user submitted."""
    _, _, func, args, _ = task
    is_chunk = any(func is mapper for mapper in _MAPPERS)
    return args[0][0] if is_chunk else func


def _settle(pool: Any, guesses: _Guesses) -> None:
    """Make each outstanding result ready."""
    jobs = guesses.jobs()
    in_handler = threading.current_thread() is pool._result_handler

    def settle(item: tuple[int, Any]) -> None:
        job, result = item
        if in_handler and is_decided(result):
            return  # Its own callback has called us; what it returns to makes it ready.
        if pool._cache.pop(job, None) is None:
            return
        is_begun = job in jobs or is_partly_done(result)
        error = TaskStopped("abandoned" if is_begun else "not started")
        if isinstance(result, _mp.IMapIterator):
            stop(result, error)
            return
        was_decided = is_decided(result)
        decide(result, error)
        failure = None if was_decided else call_back(result)
        finish(result)
        tell(failure)

    call_each(settle, pool._cache.copy().items())
