"""A call that a thread runs, and the gate through which others reach it.

Guarantees:

* What is sent to a task reaches that task or nobody: neither the code that runs tasks, nor a
  callback, nor the next task, nor another thread that was given the same ident.
* A task that nobody stops and that never looks pays for two stores and two loads.

How: ``fn`` is set while the call runs.  Whoever sends first makes the task's :class:`Control`, then
takes its lock if it is free, then looks at ``fn``.  The thread clears ``fn`` when the call has
ended, then looks for a control, then takes its lock for good and discards what has not been
raised.  So either the sender sees that the call has ended, or the thread sees that somebody may
have sent.  The lock is reentrant, so that the thread can end again what an exception has cut short.

Assumption: loads and stores of attributes are seen by all threads in one order.
"""

from __future__ import annotations

import sys
import threading
from time import monotonic
from typing import Any, Callable, Iterable, NamedTuple

from .. import _places, _stdlib, _threads
from ._task_stopped import TaskStopped, ThreadTerminated


class Control:
    """What somebody else wants of a task; made when somebody first wants something.

    Attributes:
        event: Set when the task is asked to stop.
        asked: When it was first asked, on the monotonic clock, or ``None``.
        ended: Set when nothing can be sent any more.
        lock: Held by whoever sends something to the task, and for ever once that has ended; only
            the task's own thread may wait for it.
        interrupts: How often an exception was sent.
        shields: In how many ``shield()`` blocks the task is.
        held_back: The exception that one of them holds back, or ``None``.
        is_abandoned: Whether somebody else has completed the task's future in its place.
    """

    def __init__(self) -> None:
        self.event = threading.Event()
        self.asked: float | None = None
        self.ended = threading.Event()
        self.lock = _stdlib.RLock()
        self.interrupts = 0
        self.shields = 0
        self.held_back: type[BaseException] | None = None
        self.is_abandoned = False

    def close(self) -> None:
        """Have nothing delivered after this; for the task's own thread."""
        self.lock.acquire()
        if self.interrupts:
            _threads.discard_exception()
        self.ended.set()


class Task:
    """A call that a thread runs."""

    __slots__ = ("__dict__", "fn", "started")

    #: Until somebody wants something of the task
    control: Control | None = None

    def __init__(self) -> None:
        #: What runs, while it does
        self.fn: Any = None
        #: When it began, on the monotonic clock
        self.started: float | None = None

    def call(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> tuple[bool, Any]:
        """Call *fn*, and return whether it returned, and what it returned or raised.

        An interruption is a :class:`TaskStopped` with the reason ``"interrupted"``.
        """
        failure: Any = None
        try:
            try:
                self.started = monotonic()
                self.fn = fn
                value = fn(*args, **kwargs)
                self.fn = None
                if self.control is not None:
                    self.control.close()
                return True, value
            except BaseException as error:
                self.end()
                failure = error
        except ThreadTerminated as error:
            # Sent while the call ran, delivered when it had ended
            self.end()
            failure = error
        if isinstance(failure, ThreadTerminated):
            interrupted = TaskStopped("interrupted")
            interrupted.__cause__ = failure
            failure = interrupted
        try:
            return False, failure
        finally:
            # The exception's traceback refers to this frame.
            fn = args = kwargs = self = failure = None  # type: ignore[assignment]

    def end(self) -> None:
        """Have nothing delivered after this; for the task's own thread."""
        self.fn = None
        if self.control is not None:
            self.control.close()

    def make_control(self) -> Control:
        """Return the task's control, making it if there is none."""
        control: Control = vars(self).setdefault("control", Control())
        return control

    def request_stop(self) -> bool:
        """Set the task's stop event, and return whether it is running."""
        control = self.make_control()
        control.asked = control.asked or monotonic()
        control.event.set()
        return self.fn is not None


_places.spare(Task.call.__code__, Task().call(lambda: sys._getframe(1).f_lineno, (), {})[1])


class Running(NamedTuple):
    """A task that was seen running."""

    #: The thread that runs it.
    thread: threading.Thread
    task: Task
    #: What was submitted, or what to call it.
    fn: Any
    #: When it began, on the monotonic clock, or ``None`` if nobody noted it.
    started: float | None


def task_of(thread: threading.Thread) -> Task | None:
    """Return the task that *thread* runs, or ``None``.  Its callbacks are no part of it."""
    task: Task | None = getattr(thread, "_poolcompat_task", None)
    return None if task is None or task.fn is None else task


def running_in(threads: Iterable[threading.Thread]) -> list[Running]:
    """Return the tasks that *threads* run."""
    found = []
    for thread in threads:
        task = task_of(thread)
        fn = None if task is None else task.fn
        if task is not None and fn is not None and thread.is_alive():
            found.append(Running(thread, task, fn, task.started))
    return found


def request_stop_of(future: Any) -> None:
    """Ask the task of *future* to stop, if a thread runs it, here or in a process of a pool.

    The futures do not know their tasks here, which would cost each of them something.
    """
    ask = vars(future).get("_poolcompat_ask")
    if ask is not None:
        ask()
        return
    for thread in _threads.all_threads():
        task: Any = task_of(thread)
        if task is not None and getattr(task, "future", None) is future:
            task.request_stop()
