"""All that poolcompat knows of the private parts of ``multiprocessing.pool``, by version.

Like :mod:`poolcompat._stdlib`, it probes once, before any patch of ours; it stands apart because
``multiprocessing`` is only imported for those who use its pools.
"""

from __future__ import annotations

import builtins
import multiprocessing
import os
import threading
from multiprocessing import pool as _pool
from typing import Any, Callable, Type

#: Its private names are unknown to type checkers.
module: Any = _pool

Pool = _pool.Pool
ThreadPool = _pool.ThreadPool
# For type checkers these have no private attributes.
ApplyResult: Type[Any] = _pool.ApplyResult
MapResult: Type[Any] = _pool.MapResult
IMapIterator: Type[Any] = _pool.IMapIterator
IMapUnorderedIterator: Type[Any] = _pool.IMapUnorderedIterator

RUN = module.RUN
CLOSE = module.CLOSE
TERMINATE = module.TERMINATE
INIT = getattr(module, "INIT", "INIT")  # 3.8

#: What is submitted in place of a function that is mapped, and what it calls in its turn
mapstar = module.mapstar
starmapstar = module.starmapstar
raise_again: Callable[[BaseException], None] = module._helper_reraises_exception
new_job: Callable[[], int] = module.job_counter.__next__
WORKER_CODE = module.worker.__code__

init_pool: Any = Pool.__init__


class TimeoutError(multiprocessing.TimeoutError, builtins.TimeoutError):
    """Raised by ``get()`` and ``next()``; an instance of both classes of that name."""


def _callback_kills_handler() -> bool:
    class Probe(ApplyResult):  # type: ignore[misc]
        def __init__(self) -> None:
            self._event = threading.Event()
            self._job = 0
            self._cache = {0: self}
            self._callback = lambda _: 1 / 0
            self._error_callback = None

    try:
        Probe()._set(0, (True, None))
    except ZeroDivisionError:
        return True
    return False


def _names(function: Any) -> tuple[str, ...]:
    code = function.__code__
    return (*code.co_names, *code.co_varnames)


# 3.16, gh-83371
CALLBACK_KILLS_HANDLER = _callback_kills_handler()
# 3.16, gh-64192
IMAP_IS_LAZY = "buffersize" in _names(Pool.imap)
# 3.8, bpo-35493
POLLS = not hasattr(Pool, "_wait_for_updates")
# 3.8, bpo-34172
IS_COLLECTED = hasattr(Pool, "__del__")
# 3.8
ENTER_CHECKS = "_check_running" in _names(Pool.__enter__)
# 3.8; since then it waits for pipes, even if it has no processes
NEEDS_SEMAPHORES = not POLLS
# 3.10, gh-83658
CHECKS_MAXTASKSPERCHILD = (
    "maxtasksperchild must be a positive int or None" in init_pool.__code__.co_consts
)
# 3.8
_PROCESS_TAKES_CONTEXT = "ctx" in _names(ThreadPool.Process)


def default_processes() -> int:
    """Return how many threads a pool has by default."""
    count: Callable[[], int | None] = getattr(os, "process_cpu_count", os.cpu_count)  # 3.13
    return count() or 1


def new_worker(pool: Any, target: Callable[..., object], args: tuple[Any, ...]) -> Any:
    """Return what runs *target* in a thread of *pool*, as its class makes them."""
    context = (pool._ctx,) if _PROCESS_TAKES_CONTEXT else ()
    worker = pool.Process(*context, target=target, args=args)
    worker.name = worker.name.replace("Process", "PoolWorker")
    worker.daemon = True
    return worker
