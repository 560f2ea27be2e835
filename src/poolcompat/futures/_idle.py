"""Idle threads of ``ThreadPoolExecutor`` are used before new ones are started, on 3.7.

Backport of 3.8 (bpo-24882).  This file goes when 3.7 goes.
"""

from __future__ import annotations

import queue
import threading
import weakref
from concurrent.futures import thread
from typing import Any


class _IdleCountingQueue:
    """What a worker of 3.7 takes its work from: the executor's queue, which tells of idling."""

    def __init__(self, work_queue: queue.SimpleQueue[Any], idle: threading.Semaphore) -> None:
        self._work_queue = work_queue
        self._idle = idle
        self.put = work_queue.put

    def get(self, block: bool = True) -> Any:
        try:
            return self._work_queue.get_nowait()
        except queue.Empty:
            self._idle.release()
            return self._work_queue.get(block)


def adjust_thread_count(self: Any) -> None:
    """Start a thread for the call that was just queued, if none is idle and there may be one.

    Called by ``submit()`` with the executor's lock held.
    """
    # An executor made before the patch has no semaphore, and its threads do not tell of idling.
    idle = vars(self).setdefault("_idle_semaphore", threading.Semaphore(0))
    if idle.acquire(blocking=False) or len(self._threads) >= self._max_workers:
        return

    # When the executor is collected, this wakes a worker, which wakes the next.
    def wake(_: object, put: Any = self._work_queue.put) -> None:
        put(None)

    worker = threading.Thread(
        name=f"{self._thread_name_prefix or self}_{len(self._threads)}",
        target=thread._worker,
        args=(
            weakref.ref(self, wake),
            _IdleCountingQueue(self._work_queue, idle),
            self._initializer,
            self._initargs,
        ),
        daemon=True,
    )
    worker.start()
    self._threads.add(worker)
    queues: Any = thread._threads_queues
    queues[worker] = self._work_queue
