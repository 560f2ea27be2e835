"""What a task itself calls: has it been asked to stop?"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from .. import _stdlib, _threads
from ._policy import check_seconds
from ._task import Control, task_of
from ._task_stopped import TaskStopped, ThreadTerminated

if TYPE_CHECKING:
    from typing_extensions import Literal

    from ._task import Task

# The event of a thread that runs no task
_nobodys = threading.local()


def _current_task() -> Task | None:
    thread = _threads.this_thread()
    return None if thread is None else task_of(thread)


def current_stop_event() -> threading.Event:
    """Return the event that is set when the running task is asked to stop.

    It is the task's own, made when it is first asked for; the next task in the same thread has
    another one.  In a :class:`StoppableThread` it is the thread's.
    Anywhere else, done-callbacks included, it is one that poolcompat never sets.
    """
    task = _current_task()
    if task is not None:
        return task.make_control().event
    event: threading.Event = vars(_nobodys).setdefault("event", threading.Event())
    return event


def stop_requested() -> bool:
    """Tell whether the running task has been asked to stop; ``False`` where no task runs."""
    task = _current_task()
    return task is not None and task.control is not None and task.control.event.is_set()


def checkpoint() -> None:
    """End the running task here if it has been asked to stop.

    Raises:
        TaskStopped: It has been asked; the reason is ``"stopped"``.
    """
    if stop_requested():
        raise TaskStopped("stopped")


def sleep(seconds: float) -> None:
    """Do what ``time.sleep()`` does, but end at once when the running task is asked to stop.

    Args:
        seconds: How long.

    Raises:
        TaskStopped: The task has been asked, now or before; the reason is ``"stopped"``.
        ValueError: *seconds* is negative.
        TypeError: *seconds* is no number.
    """
    check_seconds("seconds", seconds)
    if _current_task() is None:
        time.sleep(seconds)
        return
    current_stop_event().wait(_stdlib.wait_time(seconds))
    checkpoint()


class shield:  # as contextlib spells its own
    """``with shield():`` holds interruption back while a task must not be cut in two.

    What was held back is raised when the outermost block ends.  The stop event is set all the
    same, and ``checkpoint()`` and ``sleep()`` raise as ever.  Where no task runs it does nothing.
    """

    def __init__(self) -> None:
        self._controls: list[Control | None] = []

    def __enter__(self) -> None:
        task = _current_task()
        control = None if task is None else task.make_control()
        self._controls.append(control)
        if control is None:
            return
        with control.lock:
            control.shields += 1
        if control.interrupts and control.held_back is None:
            # One that was sent may not have been raised yet; whether it was cannot be told.
            control.held_back = ThreadTerminated
            _threads.discard_exception()

    def __exit__(self, *exc_info: object) -> Literal[False]:
        control = self._controls.pop()
        if control is None:
            return False
        with control.lock:
            control.shields -= 1
            due = None if control.shields else control.held_back
            if due is not None:
                control.held_back = None
                control.interrupts += 1
        if due is not None:
            raise due
        return False
