"""What ``terminate()`` could not stop."""

from __future__ import annotations

import sys
import time
import warnings
from typing import TYPE_CHECKING, Iterable, NamedTuple, Optional, Tuple

from ._running import name_of

if TYPE_CHECKING:
    from ._running import RunningTask


class TerminateWarning(RuntimeWarning):
    """A pool was terminated while tasks were running, and they go on."""


class Survivor(NamedTuple):
    """A task that still runs after its pool was terminated."""

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
    """What ``terminate()`` left running; ``str()`` of it is meant for a log.

    Attributes:
        survivors: A :class:`Survivor` for each task that still runs.
    """

    def __init__(self, survivors: Iterable[Survivor] = ()) -> None:
        self.survivors = tuple(survivors)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self.survivors)!r})"

    def __str__(self) -> str:
        if not self.survivors:
            return "no task was left running"
        count = len(self.survivors)
        tasks = "1 task goes" if count == 1 else f"{count} tasks go"
        return f"terminate() cannot stop a running thread; {tasks} on:\n" + "".join(
            map(str, self.survivors)
        ).rstrip("\n")


def report_running(tasks: Iterable[RunningTask], pool_modules: frozenset[str]) -> TerminateReport:
    """Return where *tasks* are now; frames of *pool_modules* below a task are not shown."""
    now = time.monotonic()
    return TerminateReport(
        Survivor(
            thread=task.thread.name,
            task=name_of(task.fn),
            seconds=None if task.started is None else now - task.started,
            stack=task.stack(pool_modules),
        )
        for task in tasks
    )


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
