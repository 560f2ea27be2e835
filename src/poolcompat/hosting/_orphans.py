"""Ending a process whose parent is gone, whatever it does at that moment.

The parent holds one end of a pipe through which nothing is ever sent.  On Linux the kernel signals
the process when that end is closed, which also ends one that holds the interpreter's lock (GIL)
in C.  Elsewhere a thread waits for it, and needs the GIL.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

# Kept open as long as the process lives
_lifelines: list[Any] = []


def end_with_parent(lifeline: Any) -> None:
    """Have this process end when the other end of *lifeline* is closed; for its main thread."""
    _lifelines.append(lifeline)
    if sys.platform == "linux":
        import fcntl

        # By default SIGIO ends a process.
        signal.signal(signal.SIGIO, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGIO})
        flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | fcntl.FASYNC)
        if lifeline.poll():  # The parent was gone before that.
            os._exit(1)
    else:
        threading.Thread(target=_wait_and_exit, args=(lifeline,), daemon=True).start()


def _wait_and_exit(lifeline: Any) -> None:
    lifeline.poll(None)
    os._exit(1)
