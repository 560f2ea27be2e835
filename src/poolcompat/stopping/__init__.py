"""What is seen of tasks that were stopped, and of those that could not be."""

from __future__ import annotations

from ._report import Survivor, TerminateReport, TerminateWarning
from ._task_stopped import TaskStopped

__all__ = ["Survivor", "TaskStopped", "TerminateReport", "TerminateWarning"]
