"""What becomes of workers when the interpreter exits: it waits for them, after all exit hooks.

Until 3.8 the standard library does it that way.  Since 3.9 it ends the workers before exit hooks
run and before other threads have ended, so that these cannot submit any more (gh-86813,
gh-148280), and a worker that an exit hook is to stop hangs the exit (gh-83993).  Where it does,
workers are daemon threads, and an exit hook of our own waits for them, which runs after all hooks
that were registered after this module was imported.

Subinterpreters that allow no daemon threads keep the standard library's ways.
"""

from __future__ import annotations

import atexit
import threading
import weakref
from typing import Any

from .. import _stdlib

_queues: weakref.WeakKeyDictionary[threading.Thread, Any] = weakref.WeakKeyDictionary()
_has_begun = False


def is_exiting() -> bool:
    """Tell whether no more work is taken because the interpreter exits."""
    return _has_begun if _OWN_HOOK else _stdlib.is_exiting()


def ends_workers(work_queue: Any) -> bool:
    """Tell whether the interpreter's exit is why there is a ``None`` in *work_queue*.

    Workers of the standard library, of before the patch or after it, take from the same queue, and
    are waited for earlier; one of ours that took their signal for nothing would hang the exit.
    """
    if is_exiting() or not _stdlib.is_exiting():
        return is_exiting()
    return any(queue is work_queue for queue in list(_stdlib.threads_queues.values()))


def enroll(thread: threading.Thread, work_queue: Any) -> None:
    """Have the interpreter end and wait for *thread*, a worker that ends after a ``None``."""
    (_queues if _OWN_HOOK else _stdlib.threads_queues)[thread] = work_queue
    if is_exiting():
        # The hook may have looked for threads before this one was there.
        work_queue.put(None)


def forget(thread: threading.Thread) -> None:
    """Let the interpreter exit without waiting for *thread*."""
    (_queues if _OWN_HOOK else _stdlib.threads_queues).pop(thread, None)


def forget_all() -> None:
    """Wait for none of the threads known so far, which do not exist in a forked child."""
    _queues.clear()


def _end_workers() -> None:
    global _has_begun
    _has_begun = True
    items = list(_queues.items())
    for _, work_queue in items:
        work_queue.put(None)
    for thread, _ in items:
        thread.join()


_OWN_HOOK = _stdlib.WORKERS_END_BEFORE_EXIT_HOOKS and _stdlib.daemon_threads_allowed()
if _OWN_HOOK:
    atexit.register(_end_workers)
#: What a worker's ``daemon`` is; ``None`` is that of the thread that starts it.
WORKERS_ARE_DAEMONS = True if _OWN_HOOK or not _stdlib.WORKERS_END_BEFORE_EXIT_HOOKS else None
