"""The ladder: ask, interrupt, report.

What cannot be done: a thread inside a C function, such as ``Lock.acquire()``, is interrupted when
that returns; so is one inside a system call, such as ``time.sleep()``, but for what
:mod:`poolcompat._signals` does on 3.15.  While a task holds the interpreter's lock (GIL) inside a C
function, nothing in the process runs, this included.  PyPy has no asynchronous exceptions; there
the ladder asks and reports.
"""

from __future__ import annotations

import contextlib
import math
import threading
from time import monotonic
from typing import Callable, Iterable

from .. import _signals, _stdlib, _threads
from ._report import TerminateReport, report_of
from ._task import Running, Task
from ._task_stopped import ThreadTerminated

# Between two looks at the tasks, and between two interruptions of one, in seconds: at first, by how
# much more each time, at most
_PAUSE_S, _GROWTH, _LONGEST_PAUSE_S = 0.001, 1.5, 0.1
# For how long a thread has to stay where it is before it must be inside a C function
_STILL_S = 0.1


class _Interrupter:
    """Interrupts tasks at growing intervals; one that cannot be hit just now, as soon as it can."""

    def __init__(self, wake: Callable[[threading.Thread], None]) -> None:
        self._wake = wake
        # When a task that was interrupted is due again, and how long after that
        self._due: dict[Task, tuple[float, float]] = {}
        # Where a task that could not be interrupted was seen, and when for the first time
        self._seen: dict[Task, tuple[object, float]] = {}

    def interrupt(self, running: Iterable[Running]) -> float:
        """Interrupt those that are due, and return how long to wait then, in seconds."""
        waits = []
        for one in running:
            now = monotonic()
            due, interval = self._due.get(one.task, (now, _PAUSE_S))
            if now >= due:
                if not interrupt(one, wake=self._wake, is_still=self._is_still(one, now)):
                    waits.append(_PAUSE_S)
                    continue
                interval = min(interval * _GROWTH, _LONGEST_PAUSE_S)
                due = now + interval
                self._due[one.task] = due, interval
            waits.append(due - now)
        return max(min(waits), _PAUSE_S)

    def _is_still(self, one: Running, now: float) -> bool:
        place = _threads.place_of(one.thread)
        before, since = self._seen.get(one.task, (None, now))
        if place != before:
            since = now
        self._seen[one.task] = place, since
        return now - since >= _STILL_S


def climb(
    find: Callable[[], Iterable[Running]],
    grace: float,
    timeout: float | None,
    below: frozenset[str],
) -> TerminateReport:
    """Ask tasks to stop, then interrupt them, and report what came of it.

    Args:
        find: Returns the tasks that run now, without that of the calling thread.
        grace: Seconds from this call in which they are only asked.
        timeout: Seconds from this call after which the rest is given up; ``None`` is for ever.
        below: Modules whose frames at the bottom of a stack are not those of the task.

    Returns:
        What stopped by itself, what was interrupted, and what goes on.
    """
    begun = monotonic()
    end = math.inf if timeout is None else timeout
    seen: dict[Task, Running] = {}
    pause = _PAUSE_S
    interrupter = None
    with contextlib.ExitStack() as stack:
        while True:
            running = list(find())
            for one in running:
                if one.task not in seen:
                    seen[one.task] = one
                    one.task.request_stop()
            can_interrupt = _threads.can_interrupt()  # loads what it needs, during the grace
            elapsed = monotonic() - begun
            if not running or elapsed >= end:
                break
            if elapsed >= grace and can_interrupt:
                if interrupter is None:
                    interrupter = _Interrupter(stack.enter_context(_signals.waking()))
                pause = interrupter.interrupt(running)
            rest = (end if elapsed >= grace else min(grace, end)) - elapsed
            _wait_for(running, min(pause, rest))
            pause = min(pause * _GROWTH, _LONGEST_PAUSE_S)
    survivors = {one.task for one in running}
    if any(task.make_control().interrupts for task in survivors):
        # They raise it when they return from where they are; nobody has to be slow until then.
        _threads.discard_exception()
    return report_of((one for one in seen.values() if one.task not in survivors), running, below)


def interrupt(
    running: Running,
    exctype: type[BaseException] = ThreadTerminated,
    anywhere: bool = False,
    wake: Callable[[threading.Thread], None] | None = None,
    is_still: bool = False,
) -> bool:
    """Have *exctype* raised in the task if it still runs and can be interrupted just now.

    Args:
        running: The task.
        exctype: An exception class.
        anywhere: Whether to send it also where it may do harm.
        wake: Called with the thread when it was sent.
        is_still: Whether the thread must be inside a C function.

    Returns:
        Whether it was sent, or will be raised when the task leaves its last ``shield()`` block.
    """
    control = running.task.make_control()
    if not control.lock.acquire(False):
        return False
    try:
        if running.task.fn is None:
            return False
        if control.shields:
            control.held_back = exctype
            return True
        has_sent = _threads.interrupt(running.thread, exctype, is_still)
        if anywhere and not has_sent:
            has_sent = _threads.send_exception(running.thread.ident or 0, exctype) == 1
        control.interrupts += has_sent
        if has_sent and wake is not None:
            wake(running.thread)  # It is alive: it cannot end while the lock is taken.
        return has_sent
    finally:
        control.lock.release()


def _wait_for(running: Iterable[Running], seconds: float) -> None:
    """Wait until all these tasks have ended, but not longer."""
    deadline = monotonic() + seconds
    for one in running:
        if not one.task.make_control().ended.wait(_stdlib.remaining(deadline)):
            return
