"""How executors of threads end: ``shutdown()``, ``request_stop()``, ``terminate_workers()``.

The executors here are adopted: ours, with the attributes that :mod:`._thread` gives them.
"""

from __future__ import annotations

import contextlib
import threading
from time import monotonic
from typing import Any, Iterable

from .. import _stdlib
from .._calling import call_each
from ..stopping._ladder import climb
from ..stopping._report import TerminateReport, report_of, warn_caller
from ..stopping._task import Running, running_in
from ..stopping._task_stopped import TaskStopped
from ..stopping._where import name_of
from . import _exit
from ._future import cancel_for_good
from ._worker import drain

# Whose frames lie below a task's
_BELOW = frozenset({"threading", "concurrent.futures.thread"})


def shut_down(
    executor: Any, wait: bool, cancel_futures: bool, timeout: float | None = None
) -> None:
    """Do what ``shutdown()`` says."""
    dropped = []
    with executor._shutdown_lock:
        executor._shutdown = True
        if cancel_futures:
            dropped = drain(executor._work_queue, executor._poolcompat_idle)
        # Wakes one worker, which wakes the next.
        executor._work_queue.put(None)
    _cancel(executor, dropped)
    if wait:
        alive = _join(executor._threads, timeout)
        if alive:
            raise _stdlib.TimeoutError(f"still running: {', '.join(map(_describe, alive))}")


def _cancel(executor: Any, dropped: list[Any]) -> None:
    try:
        call_each(cancel_for_good, dropped)
    finally:
        # Until then a forked child finds them there.
        executor._poolcompat_queued.difference_update(dropped)


def request_stop(executor: Any) -> int:
    """Do what ``request_stop()`` says."""
    with executor._shutdown_lock:
        dropped = drain(executor._work_queue, executor._poolcompat_idle)
        if executor._shutdown:
            executor._work_queue.put(None)  # the signal to end, which was taken out as well
    try:
        _cancel(executor, dropped)
    finally:
        count = ask_all(executor)
    return count


def ask_all(executor: Any) -> int:
    """Ask every running task to stop, and return how many there are."""
    return sum(one.task.request_stop() for one in running_in(list(executor._threads)))


def terminate(executor: Any, grace: float, timeout: float | None) -> TerminateReport:
    """Do what ``terminate_workers()`` says."""
    me: Any = threading.current_thread()
    deadline = None if timeout is None else monotonic() + timeout

    def find() -> list[Running]:
        return running_in(thread for thread in list(executor._threads) if thread is not me)

    try:
        shut_down(executor, wait=False, cancel_futures=True)
    finally:
        # Whatever a done-callback has raised
        for one in running_in([me]):
            one.task.request_stop()
        report = climb(find, grace, timeout, _BELOW)
        alive = _join(executor._threads, _stdlib.remaining(deadline))
        busy = [thread for thread in alive if getattr(thread, "_poolcompat_task", None) is not None]
        survivors = report_of((), map(_seen_in, busy), _BELOW).survivors
        report = TerminateReport(report.stopped, report.interrupted, survivors)
        call_each(lambda thread: _abandon(executor, thread), busy)
    if report.survivors:
        warn_caller(report, _BELOW)
    return report


def _seen_in(thread: Any) -> Running:
    for one in running_in([thread]):
        return one
    return Running(thread, thread._poolcompat_task, "a done-callback", None)


def _abandon(executor: Any, thread: Any) -> None:
    """Let nobody wait for *thread* any more."""
    _exit.forget(thread)
    executor._threads.discard(thread)
    task = thread._poolcompat_task
    if task is not None:  # It may have ended just now.
        task.make_control().is_abandoned = True
        with contextlib.suppress(_stdlib.InvalidStateError):
            task.future.set_exception(TaskStopped("abandoned"))


def _join(threads: Iterable[Any], timeout: float | None) -> list[Any]:
    """Wait for workers, and return those that have not ended in time.

    A worker waits neither for itself nor for another that is in here as well.
    """
    deadline = None if timeout is None else monotonic() + timeout
    me: Any = threading.current_thread()
    is_worker = hasattr(me, "_poolcompat_task")
    me._poolcompat_joins = is_worker
    try:
        for thread in list(threads):
            if thread is not me and not (is_worker and getattr(thread, "_poolcompat_joins", False)):
                thread.join(_stdlib.remaining(deadline))
    finally:
        me._poolcompat_joins = False
    if timeout is None:
        return []
    return [thread for thread in threads if thread.is_alive() and thread is not me]


def _describe(thread: Any) -> str:
    fn = getattr(getattr(thread, "_poolcompat_task", None), "fn", None)
    return f"{'a task' if fn is None else name_of(fn)} in thread {thread.name!r}"
