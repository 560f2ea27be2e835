"""Rows of the table: ``multiprocessing.pool``, which is imported only when they are asked."""

from __future__ import annotations

from typing import Any, Iterator

from .. import _stdlib
from ._registry import AttributeSlot, Change
from ._repair import Repair, grafts, repair


def _can() -> Any:
    """Return what knows what the interpreter can do."""
    from ..pool import _multiprocessing

    return _multiprocessing


def _thread_pool() -> Iterator[AttributeSlot]:
    from ..pool import _life
    from ..pool import _thread_pool as ours

    theirs = _can().ThreadPool
    yield AttributeSlot(theirs, "__init__", _life.initialize)
    methods = ["apply_async", "_map_async", "imap", "imap_unordered", "terminate"]
    if not _can().IS_COLLECTED:
        methods += ["__del__", "__repr__"]
    yield from grafts(theirs, ours.ThreadPool, *methods)


def _callbacks() -> Iterator[AttributeSlot]:
    from ..pool import _process_pool as ours

    yield AttributeSlot(_can().ApplyResult, "_set", ours.set_result)
    yield AttributeSlot(_can().MapResult, "_set", ours.set_part)


def _timeouts() -> Iterator[AttributeSlot]:
    from ..pool import _process_pool as ours
    from ..pool._results import ApplyResult

    yield from grafts(_can().ApplyResult, ApplyResult, "get", "wait")
    yield AttributeSlot(_can().IMapIterator, "next", ours.next_item)
    yield AttributeSlot(_can().IMapIterator, "__next__", ours.next_item)


def _maxtasksperchild() -> Iterator[AttributeSlot]:
    from ..pool import _process_pool as ours

    yield AttributeSlot(_can().Pool, "__init__", ours.initialize)


def _enter() -> Iterator[AttributeSlot]:
    from ..pool import _process_pool as ours

    yield AttributeSlot(_can().Pool, "__enter__", ours.enter)


THREAD_POOL = Change(_thread_pool)
CALLBACKS = Change(_callbacks)
TIMEOUTS = Change(_timeouts)
MAXTASKSPERCHILD = Change(_maxtasksperchild)
ENTER = Change(_enter)

ROWS: tuple[Repair, ...] = (
    repair(
        "thread-pool-results-after-terminate",
        THREAD_POOL,
        "get() and iteration of a ThreadPool's results hang for ever after terminate()",
        "gh-79659, gh-126743",
    ),
    repair(
        "thread-pool-silent-terminate",
        THREAD_POOL,
        "ThreadPool.terminate() says nothing of the tasks that go on running",
    ),
    repair(
        "thread-pool-terminate-stops-chunk",
        THREAD_POOL,
        "ThreadPool.terminate() lets a thread go on with the rest of its map() chunk",
    ),
    repair(
        "thread-pool-system-exit",
        THREAD_POOL,
        "a task of a ThreadPool that raises SystemExit is lost with its thread, and get() hangs",
        "PR 101081",
    ),
    repair(
        "thread-pool-initializer",
        THREAD_POOL,
        "get() hangs if the initializer of a ThreadPool raises",
        "gh-87472",
    ),
    repair(
        "thread-pool-fork-child",
        THREAD_POOL,
        "a ThreadPool inherited through os.fork() hangs in the child, and so do its results",
        is_needed=lambda: _stdlib.CAN_FORK,
    ),
    repair(
        "thread-pool-needs-semaphores",
        THREAD_POOL,
        "ThreadPool needs semaphores of multiprocessing, which some hosts do not have",
        # 3.7 is right.
        is_needed=lambda: bool(_can().NEEDS_SEMAPHORES),
    ),
    repair(
        "pool-callback-exception",
        CALLBACKS,
        "a callback of a Pool or ThreadPool that raises hangs the pool",
        "gh-83371",
        native_since="3.16",
        is_needed=lambda: bool(_can().CALLBACK_KILLS_HANDLER),
    ),
    repair(
        "pool-terminate-blocking-input",
        THREAD_POOL,
        "ThreadPool.terminate() never returns while the input of imap() blocks",
    ),
    repair(
        "pool-imap-lazy",
        THREAD_POOL,
        "ThreadPool.imap() takes its whole input at once, and has no buffersize=",
        "gh-64192",
        native_since="3.16",
        is_needed=lambda: not _can().IMAP_IS_LAZY,
    ),
    repair(
        "pool-imap-chunked-next",
        THREAD_POOL,
        "ThreadPool.imap(chunksize=2) returns an iterator that has no next(timeout)",
    ),
    repair(
        "pool-map-lying-len",
        THREAD_POOL,
        "ThreadPool.map() hangs if the input has fewer items than its len(), or raises",
    ),
    repair(
        "pool-map-async-empty",
        THREAD_POOL,
        "ThreadPool.map_async([], callback=...) never calls back",
    ),
    repair(
        "pool-maxtasksperchild-zero",
        MAXTASKSPERCHILD,
        "Pool(maxtasksperchild=0) starts processes that fail, for ever",
        "gh-83658",
        native_since="3.10",
        is_needed=lambda: not _can().CHECKS_MAXTASKSPERCHILD,
    ),
    repair(
        "pool-collected",
        THREAD_POOL,
        "a ThreadPool that is dropped is never collected, and nothing warns of it",
        "bpo-34172, bpo-35424",
        native_since="3.8",
        is_needed=lambda: not _can().IS_COLLECTED,
    ),
    repair(
        "pool-join-latency",
        THREAD_POOL,
        "join() and terminate() of an idle ThreadPool take 0.1 s",
        "bpo-35493",
        native_since="3.8",
        is_needed=lambda: bool(_can().POLLS),
    ),
    repair(
        "pool-enter-closed",
        ENTER,
        "'with' takes a Pool or ThreadPool that is closed",
        "bpo-35477",
        native_since="3.8",
        is_needed=lambda: not _can().ENTER_CHECKS,
    ),
    repair(
        "mp-timeouterror",
        TIMEOUTS,
        "'except TimeoutError' does not catch what AsyncResult.get(timeout=) raises",
    ),
)
