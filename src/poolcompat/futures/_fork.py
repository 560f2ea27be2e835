"""Executors in a forked child, which has none of the parent's threads.

What cannot be done: a task that forks and returns in the child goes back to the parent's queue
there and waits for ever.  Such a child must end itself, as those of ``multiprocessing`` do.
"""

from __future__ import annotations

import os
import queue
import threading
import weakref
from typing import Any

from .. import _stdlib
from . import _exit
from ._worker import drain

_executors: weakref.WeakSet[Any] = weakref.WeakSet()


def survive_forks(executor: Any) -> None:
    """Have *executor* empty and usable in a forked child.

    Futures that are left over from the parent are done there, with ``BrokenExecutor``.  Their
    done-callbacks are not called: they are the parent's, and may write to what it shares with the
    child.
    """
    _executors.add(executor)


def _after_fork_in_child() -> None:
    _exit.forget_all()
    for executor in list(_executors):
        _begin_anew(executor)


def _begin_anew(executor: Any) -> None:
    me = threading.current_thread()
    items = [getattr(t, "_poolcompat_item", None) for t in executor._threads if t is not me]
    futures = [item.future for item in items if item is not None] + drain(executor._work_queue)
    executor._shutdown_lock = _stdlib.RLock()
    executor._work_queue = queue.SimpleQueue()
    executor._threads = set()
    executor._poolcompat_idle = []
    if hasattr(executor, "_idle_semaphore"):
        executor._idle_semaphore = threading.Semaphore(0)
    for future in futures:
        _give_up(future)


def _give_up(future: Any) -> None:
    # Its lock may be held by a thread that does not exist here.
    if "_poolcompat_lock" in vars(future):
        future._poolcompat_lock = _stdlib.RLock()
        vars(future).pop("_condition", None)
    else:
        future._condition = threading.Condition()
    if future._state not in _stdlib.DONE_STATES:
        future._done_callbacks = []
        future._exception = _stdlib.BrokenExecutor("the process that ran this task was forked")
        future._state = _stdlib.FINISHED


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
