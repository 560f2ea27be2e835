"""Which task a thread is running, and where it is."""

from __future__ import annotations

import functools
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from types import FrameType


class RunningTask:
    """A task that a thread has begun.

    Args:
        fn: What was submitted.
        key: How the pool tells its tasks apart.
        thread: The thread that runs it.
        started: When it began, on the monotonic clock, or ``None`` if nobody noted it.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        key: Any,
        thread: threading.Thread,
        started: float | None,
    ) -> None:
        self.fn = fn
        self.key = key
        self.thread = thread
        self.started = started

    def stack(self, below: frozenset[str]) -> tuple[str, ...]:
        """Return the lines of the task's stack, the innermost call last.

        Args:
            below: Modules whose frames at the bottom of the stack belong to the pool.

        Returns:
            Nothing if the task is a function in C that calls no Python, or if it has just ended.
        """
        frame = sys._current_frames().get(self.thread.ident or 0)
        return tuple(traceback.format_list(_above(frame, below)))


class Ledger:
    """Which tasks of a pool have begun, and which thread runs which.

    Guarantees: once :meth:`close` has returned, no task begins; what it returned is complete.

    A lock is held for a few instructions per task, never while code of the user's runs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_closed = False
        self._undelivered: set[Any] = set()
        self._running: dict[threading.Thread, RunningTask] = {}

    def begin(self, fn: Callable[..., Any], key: Any) -> bool:
        """Note that the calling thread begins a task; it must not if this returns ``False``."""
        thread = threading.current_thread()
        task = RunningTask(fn, key, thread, time.monotonic())
        with self._lock:
            if self._is_closed:
                return False
            self._undelivered.add(key)
            self._running[thread] = task
            return True

    def end(self) -> None:
        """Note that the calling thread's task has returned or raised."""
        self._running.pop(threading.current_thread(), None)

    def delivered(self, key: Any) -> None:
        """Note that whoever waits for the task has got its result."""
        self._undelivered.discard(key)

    def close(self) -> tuple[set[Any], list[RunningTask]]:
        """Let no more task begin; return the keys of those undelivered, and those that run."""
        with self._lock:
            self._is_closed = True
            running = list(self._running.values())
            # A task that raises SystemExit ends its thread without a word.
            return set(self._undelivered), [task for task in running if task.thread.is_alive()]


def _above(frame: FrameType | None, below: frozenset[str]) -> list[traceback.FrameSummary]:
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    while frames and frames[-1].f_globals.get("__name__") in below:
        frames.pop()
    if not frames:
        return []
    return traceback.extract_stack(frames[0], len(frames))


def name_of(fn: Callable[..., Any]) -> str:
    """Return what a person calls *fn*: its module and qualified name, or its ``repr()``."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    module = getattr(fn, "__module__", None)
    name = getattr(fn, "__qualname__", None)
    if name is None:
        return repr(fn)
    return name if module in (None, "builtins") else f"{module}.{name}"
