"""``TaskStopped``."""

from __future__ import annotations

from .._stdlib import CancelledError

_MESSAGES = {
    "not started": "the pool was terminated before this task was started",
    "abandoned": "the pool was terminated after this task had begun; its result is lost",
}


class TaskStopped(CancelledError):
    """A task has no result, because it was stopped or never started.

    It is a ``concurrent.futures.CancelledError``, so one ``except`` clause handles both.

    Attributes:
        reason: ``"not started"``: the task never ran, and never will.  ``"abandoned"``: it had
            begun, and may still be running, but its result is lost.
    """

    def __init__(self, reason: str) -> None:
        if reason not in _MESSAGES:
            raise ValueError(f"reason must be one of {sorted(_MESSAGES)}, not {reason!r}")
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return _MESSAGES[self.reason]
