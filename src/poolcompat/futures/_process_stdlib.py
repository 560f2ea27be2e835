"""The standard library's ``ProcessPoolExecutor``: its originals, and what it can do.

It is in a module of its own so that those who use threads do not import ``multiprocessing``.
"""

from __future__ import annotations

import sys
from concurrent.futures import process
from typing import Any

from .. import _stdlib

ProcessPoolExecutor = process.ProcessPoolExecutor
process_chunk: Any = process._process_chunk
RemoteTraceback: Any = process._RemoteTraceback

# What executors use that were made before the patch
submit: Any = ProcessPoolExecutor.submit
_shutdown: Any = ProcessPoolExecutor.shutdown

# 3.9, bpo-39104
_HAS_MANAGER_CLASS = hasattr(process, "_ExecutorManagerThread")
STARTS_ALL_WORKERS = not _HAS_MANAGER_CLASS
LOSES_WORK_AT_SHUTDOWN = not _HAS_MANAGER_CLASS
# 3.11, bpo-44733
TAKES_MAX_TASKS = "max_tasks_per_child" in (ProcessPoolExecutor.__init__.__kwdefaults__ or ())
# gh-115634, and gh-119592 which came later
REPLACES_WORKERS_AFTER_SHUTDOWN = hasattr(process, "_spawn_worker")
REPLACES_WORKERS = REPLACES_WORKERS_AFTER_SHUTDOWN or hasattr(
    ProcessPoolExecutor, "_replace_dead_worker"
)
# 3.14, gh-128041
CAN_TERMINATE = hasattr(ProcessPoolExecutor, "terminate_workers")
# 3.10.11 and 3.11.4, gh-94440
HANGS_ON_CANCELLED = sys.version_info < (3, 10, 11) or (3, 11) <= sys.version_info < (3, 11, 4)
# gh-94777; 3.9 and 3.10 were not repaired
HANGS_ON_LARGE_ARGUMENTS = (3, 9) <= sys.version_info < (3, 11, 5)
# 3.12, gh-107219; since then this is done while the lock is held
_break: Any = getattr(getattr(process, "_ExecutorManagerThread", None), "_terminate_broken", None)
FAILS_CANCELLED = _break is not None
# gh-105829; 3.9 and 3.10 were not repaired
HANGS_ON_MANY_SUBMITS = (3, 9) <= sys.version_info < (3, 11, 6)
# 3.14, gh-101267
SHARES_BROKEN_ERROR = _break is None or "cause_tb" not in _break.__code__.co_varnames
# 3.9.11, bpo-46787; what it does has no effect on PyPy
WORKER_KEEPS_EXCEPTION = sys.version_info < (3, 9, 11) or sys.implementation.name == "pypy"
# 3.8, gh-79896
WORKER_KEEPS_RESULT = sys.version_info < (3, 8)


def shutdown(executor: Any, wait: bool, cancel_futures: bool) -> None:
    """Do what ``shutdown()`` does, with 3.9's *cancel_futures*."""
    if _stdlib.SHUTDOWN_CANCELS_FUTURES:
        _shutdown(executor, wait, cancel_futures=cancel_futures)
        return
    if cancel_futures:
        for item in list(executor._pending_work_items.values()):
            item.future.cancel()
    if wait:
        _shutdown(executor, wait)
        return
    # It would close what its manager still needs.
    with executor._shutdown_lock:
        executor._shutdown_thread = True
    if executor._queue_management_thread:
        executor._queue_management_thread_wakeup.wakeup()
