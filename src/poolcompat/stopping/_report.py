"""What ``terminate()`` has stopped, and what it could not stop."""

from __future__ import annotations

import sys
import time
import warnings
from typing import TYPE_CHECKING, Iterable, NamedTuple, Optional, Tuple

from ._where import name_of, stack_of

if TYPE_CHECKING:
    from ._task import Running


class TerminateWarning(RuntimeWarning):
    """A pool or a thread was terminated while tasks were running, and they go on."""


class EndedTask(NamedTuple):
    """A task that has ended since it was asked to stop."""

    #: The name of the thread.
    thread: str
    #: The module and name of what was submitted.
    task: str
    #: For how many seconds it had been running when it was asked, or ``None`` if nobody noted it.
    seconds: Optional[float]

    def __str__(self) -> str:
        since = "" if self.seconds is None else f", after {self.seconds:.1f} s"
        return f"{self.task} in thread {self.thread!r}{since}"


class Survivor(NamedTuple):
    """A task that still runs after its pool or thread was terminated."""

    #: The name of the thread.
    thread: str
    #: The module and name of what was submitted.
    task: str
    #: For how many seconds it has been running, or ``None`` if it began before ``patch_all()``.
    seconds: Optional[float]
    #: The formatted lines of its stack, the innermost call last; empty inside a C function.
    stack: Tuple[str, ...]

    def __str__(self) -> str:
        place = "".join(self.stack) or "  in a C function\n"
        since = "" if self.seconds is None else f", for {self.seconds:.1f} s"
        return f"{self.task} in thread {self.thread!r}{since}:\n{place}"


class TerminateReport:
    """What ``terminate()`` has stopped and left running; ``str()`` of it is meant for a log.

    Attributes:
        stopped: An :class:`EndedTask` for each task that stopped, or ended, when it was asked.
        interrupted: An :class:`EndedTask` for each task in which an exception was raised.
        survivors: A :class:`Survivor` for each task that still runs.
    """

    def __init__(
        self,
        stopped: Iterable[EndedTask] = (),
        interrupted: Iterable[EndedTask] = (),
        survivors: Iterable[Survivor] = (),
    ) -> None:
        self.stopped: tuple[EndedTask, ...] = tuple(stopped)
        self.interrupted: tuple[EndedTask, ...] = tuple(interrupted)
        self.survivors: tuple[Survivor, ...] = tuple(survivors)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({fields})"

    def __str__(self) -> str:
        lines = []
        for verb, tasks in (("stopped", self.stopped), ("interrupted", self.interrupted)):
            if tasks:
                lines.append(f"{_count(tasks)} {verb}: {'; '.join(map(str, tasks))}")
        if self.survivors:
            goes_on = "goes on" if len(self.survivors) == 1 else "go on"
            count = _count(self.survivors)
            lines.append(f"terminate() cannot stop a running thread; {count} {goes_on}:")
            lines.append("".join(map(str, self.survivors)).rstrip("\n"))
        else:
            lines.append("no task was left running")
        return "\n".join(lines)


def _count(tasks: Tuple[object, ...]) -> str:
    return "1 task" if len(tasks) == 1 else f"{len(tasks)} tasks"


def report_of(
    ended: Iterable[Running], running: Iterable[Running], below: frozenset[str]
) -> TerminateReport:
    """Return what came of tasks; frames of the modules *below* a task are not shown."""
    now = time.monotonic()
    stopped: list[EndedTask] = []
    interrupted: list[EndedTask] = []
    for one in ended:
        control = one.task.make_control()
        seconds = None
        if one.started is not None and control.asked is not None:
            seconds = control.asked - one.started
        result = interrupted if control.interrupts else stopped
        result.append(EndedTask(one.thread.name, name_of(one.fn), seconds))
    survivors = [
        Survivor(
            thread=one.thread.name,
            task=name_of(one.fn),
            seconds=None if one.started is None else now - one.started,
            stack=stack_of(one.thread, below),
        )
        for one in running
    ]
    return TerminateReport(stopped, interrupted, survivors)


def warn_caller(report: TerminateReport, pool_modules: frozenset[str]) -> None:
    """Issue a :class:`TerminateWarning` that points at the line that asked for the termination.

    That is the innermost one outside this package and *pool_modules*, so that it is the ``with``
    statement where that ended the pool.
    """
    package = __name__.partition(".")[0]
    level = 1
    frame = sys._getframe(0).f_back
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name not in pool_modules and name.partition(".")[0] != package:
            break
        level += 1
        frame = frame.f_back
    warnings.warn(TerminateWarning(str(report)), stacklevel=level + 1)
