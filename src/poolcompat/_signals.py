"""Waking threads that wait in the operating system, where an exception then reaches them.

Since 3.15 (gh-144748) a system call that a signal has interrupted raises what was sent to the
thread: ``time.sleep()``, ``socket.recv()``, ``select()``, reading a pipe, waiting for a process.
Not so ``Lock.acquire()``, ``Thread.join()`` and ``SimpleQueue.get()``.

The signal is SIGURG, which does nothing by default and which nearly no program uses (Go's runtime
uses it to the same end).  It needs a handler meanwhile, so this is done only from the main thread,
which alone may set one, and only where the signal has its default action.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from typing import Any, Callable, Iterator

from . import _stdlib

_PATIENCE_S = 1.0


@contextlib.contextmanager
def waking() -> Iterator[Callable[[threading.Thread], None]]:
    """Give a function that wakes a thread, which must be alive, from a system call if it can."""
    if not _can_wake():
        yield lambda thread: None
        return
    # No event: the handler may interrupt what takes its lock.
    pending: set[None] = set()

    def handler(*_: Any) -> None:
        pending.clear()

    def wake(thread: threading.Thread) -> None:
        pending.add(None)
        signal.pthread_kill(thread.ident or 0, signal.SIGURG)

    signal.signal(signal.SIGURG, handler)
    try:
        yield wake
    finally:
        # The interpreter complains of a signal whose handler is gone when its turn comes.
        deadline = time.monotonic() + _PATIENCE_S
        while pending and time.monotonic() < deadline:
            time.sleep(0)
        if not pending:
            signal.signal(signal.SIGURG, signal.SIG_DFL)


def _can_wake() -> bool:
    return (
        _stdlib.SIGNALS_RAISE_EXCEPTIONS
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGURG) is signal.SIG_DFL
    )
