"""Stopping tasks: asking them, interrupting them, and what is seen of it afterwards."""

from __future__ import annotations

from ._inside import checkpoint, current_stop_event, shield, sleep, stop_requested
from ._report import EndedTask, Survivor, TerminateReport, TerminateWarning
from ._task_stopped import TaskStopped, ThreadTerminated
from ._thread import StoppableThread, raise_in_thread

__all__ = [
    "EndedTask",
    "StoppableThread",
    "Survivor",
    "TaskStopped",
    "TerminateReport",
    "TerminateWarning",
    "ThreadTerminated",
    "checkpoint",
    "current_stop_event",
    "raise_in_thread",
    "shield",
    "sleep",
    "stop_requested",
]
