"""Executors in a forked child; see :mod:`poolcompat._forks` for what cannot be done there."""

from __future__ import annotations

import queue
import threading
from typing import Any

from .. import _forks, _stdlib
from . import _exit
from ._worker import drain

_forks.call_in_child(_exit.forget_all)


def survive_forks(executor: Any) -> None:
    """Have *executor* empty and usable in a forked child.

    Futures that are left over from the parent are done there, with ``BrokenExecutor``.  Their
    done-callbacks are not called: they are the parent's, and may write to what it shares with the
    child.
    """
    _forks.survive_forks(executor, _begin_anew)


def _begin_anew(executor: Any) -> None:
    me = threading.current_thread()
    items = [getattr(t, "_poolcompat_task", None) for t in executor._threads if t is not me]
    futures = [item.future for item in items if item is not None]
    futures += [*executor._poolcompat_queued, *drain(executor._work_queue, [])]
    executor._shutdown_lock = _stdlib.RLock()
    executor._work_queue = queue.SimpleQueue()
    executor._threads = set()
    executor._poolcompat_queued = set()
    executor._poolcompat_idle = []
    if hasattr(executor, "_idle_semaphore"):
        executor._idle_semaphore = threading.Semaphore(0)
    for future in futures:
        give_up(future)


def give_up(future: Any) -> None:
    """Complete a future of the parent's in a forked child, if it is not done."""
    # Its lock may be held by a thread that does not exist here.
    if "_poolcompat_lock" in vars(future):
        future._poolcompat_lock = _stdlib.RLock()
        vars(future).pop("_condition", None)
    else:
        future._condition = threading.Condition()
    if future._state not in _stdlib.DONE_STATES:
        future._done_callbacks = []
        future._exception = _forks.lost_task()
        future._state = _stdlib.FINISHED
