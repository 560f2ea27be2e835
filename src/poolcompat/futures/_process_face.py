"""The attributes of a ``ProcessPoolExecutor`` that others use.

The standard library's own methods find them on an executor that was made while they were patched,
once they are not any more; and programs look at them.
"""

from __future__ import annotations

from typing import Any

from . import _process_ending
from ._engine import Call, Engine


class Face:
    """Stands for the queues, the semaphore and the thread that the engine does without.

    Args:
        executor: Gets the attributes.
        engine: Runs its calls.
    """

    def __init__(self, executor: Any, engine: Engine) -> None:
        self._engine = engine
        executor._poolcompat_engine = engine
        executor._shutdown_thread = False
        executor._shutdown_lock = engine.lock
        executor._broken = False
        executor._processes = engine.processes
        executor._pending_work_items = engine.calls
        executor._queue_count = 0
        executor._work_ids = executor._call_queue = executor._result_queue = self
        # until 3.8
        executor._queue_management_thread = executor._queue_management_thread_wakeup = self
        # since 3.9
        executor._executor_manager_thread = executor._executor_manager_thread_wakeup = self
        executor._idle_worker_semaphore = self
        executor._cancel_pending_futures = False
        executor._safe_to_dynamically_spawn_children = True
        # since 3.14
        executor._force_shutting_down = False

    def put(self, number: int) -> None:
        """Take a call from the standard library's ``submit()``, which holds the lock."""
        item = self._engine.calls.pop(number)
        item.future._poolcompat_call = item.fn, item.args, item.kwargs
        self._engine.enqueue(Call(number, item.future, self._engine.executor()))

    def wakeup(self) -> None:
        """Be told by the standard library's ``submit()`` or ``shutdown()``."""
        executor = self._engine.executor()
        if executor is not None and executor._shutdown_thread:
            _process_ending.shut_down(
                self._engine, wait=False, cancel_futures=executor._cancel_pending_futures
            )

    def join(self, timeout: float | None = None) -> None:
        """Wait until all is over."""
        _process_ending.join(self._engine, timeout)

    def is_alive(self) -> bool:
        """Tell whether there is something left to do."""
        manager = self._engine.manager
        return manager is not None and manager.thread.is_alive()

    def acquire(self, blocking: bool = True) -> bool:
        """Have the standard library's ``submit()`` start no process."""
        return True

    def join_thread(self) -> None:
        """Do nothing."""

    close = join_thread
