"""What a task ends with that was stopped."""

from __future__ import annotations

from .._stdlib import CancelledError

_MESSAGES = {
    "not started": "the task was dropped before it was started",
    "stopped": "the task was asked to stop, and did",
    "interrupted": "the task was interrupted",
    "abandoned": "the pool was terminated after this task had begun; its result is lost",
    "killed": "the process that ran this task was killed",
}


class TaskStopped(CancelledError):
    """A task has no result, because it was stopped or never started.

    It is a ``concurrent.futures.CancelledError``, so one ``except`` clause handles both.

    Attributes:
        reason: ``"not started"``: the task never ran, and never will.  ``"stopped"``: it was asked
            to stop, and did.  ``"interrupted"``: an exception was raised in it.  ``"abandoned"``:
            it had begun, and may still be running, but its result is lost.  ``"killed"``: its
            process is gone.

    Raises:
        ValueError: *reason* is none of these.
    """

    def __init__(self, reason: str) -> None:
        if reason not in _MESSAGES:
            raise ValueError(f"reason must be one of {sorted(_MESSAGES)}, not {reason!r}")
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return _MESSAGES[self.reason]


class ThreadTerminated(SystemExit):
    """Raised in a task that is interrupted.

    As a ``SystemExit`` it is not swallowed by ``except Exception``, and ends a thread silently.
    Whoever waits for the task sees :class:`TaskStopped` instead.
    """
