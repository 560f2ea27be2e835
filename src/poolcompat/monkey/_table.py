"""The one table of repairs: what ``patch_all()`` applies, and what is told of it."""

from __future__ import annotations

from typing import Callable, Iterator, NamedTuple, Optional, Tuple

from .. import _stdlib
from . import _trampolines
from ._registry import AttributeSlot, Change, CodeSlot


class Repair(NamedTuple):
    """A defect of the standard library that poolcompat repairs.

    Defects that one mechanism repairs share their ``change``: they are applied and skipped
    together.
    """

    #: How ``only=``, ``skip=`` and ``POOLCOMPAT_SKIP`` call it.
    name: str
    #: What goes wrong without it.
    wrong: str
    #: Where CPython discusses it; empty if nowhere.
    issue: str
    #: The first version that is right by itself, or ``None``.
    native_since: Optional[str]
    #: What is changed to repair it.
    change: Change
    #: Whether this interpreter has the defect.
    is_needed: Callable[[], bool]

    @property
    def touches(self) -> Tuple[str, ...]:
        """The places in the standard library that are changed, as dotted paths."""
        return tuple(str(slot) for slot in self.change.slots)


def _grafts(theirs: type, ours: type, *names: str) -> Iterator[AttributeSlot]:
    """Yield the slots that put methods of our class on the standard library's."""
    for name in names:
        yield AttributeSlot(theirs, name, vars(ours)[name])


def _waiting() -> Iterator[AttributeSlot | CodeSlot]:
    from concurrent.futures import _base

    from ..futures import Future

    yield CodeSlot(_base.as_completed, _trampolines.as_completed)
    yield CodeSlot(_base.wait, _trampolines.wait)
    yield from _grafts(_stdlib.Future, Future, "result", "exception")


def _map() -> Iterator[AttributeSlot]:
    from ..futures import ThreadPoolExecutor

    return _grafts(_stdlib.Executor, ThreadPoolExecutor, "map")


def _shutdown() -> Iterator[AttributeSlot]:
    from ..futures import ThreadPoolExecutor

    return _grafts(_stdlib.ThreadPoolExecutor, ThreadPoolExecutor, "shutdown")


def _idle_reuse() -> Iterator[AttributeSlot]:
    from ..futures import _idle

    yield AttributeSlot(
        _stdlib.ThreadPoolExecutor, "_adjust_thread_count", _idle.adjust_thread_count
    )


def _thread_pool() -> Iterator[AttributeSlot]:
    from multiprocessing import pool as theirs

    from .. import pool as ours

    return _grafts(
        theirs.ThreadPool,
        ours.ThreadPool,
        "_setup_queues",
        "apply_async",
        "_map_async",
        "imap",
        "imap_unordered",
        "terminate",
    )


WAITING = Change(_waiting)
MAP = Change(_map)
SHUTDOWN = Change(_shutdown)
IDLE_REUSE = Change(_idle_reuse)
THREAD_POOL = Change(_thread_pool)


def _always() -> bool:
    return True


def _repair(
    name: str,
    change: Change,
    wrong: str,
    issue: str = "",
    native_since: str | None = None,
    is_needed: Callable[[], bool] = _always,
) -> Repair:
    return Repair(name, wrong, issue, native_since, change, is_needed)


TABLE: tuple[Repair, ...] = (
    _repair(
        "as-completed-after-cancel-futures",
        WAITING,
        "as_completed() hangs on futures cancelled by shutdown(cancel_futures=True)",
        "gh-87893",
    ),
    _repair(
        "as-completed-cancelled",
        WAITING,
        "as_completed() waits for a worker to find a future that is already cancelled",
        "gh-92001",
    ),
    _repair(
        "wait-cancelled",
        WAITING,
        "wait() blocks on a cancelled future, or says that it is not done",
        "gh-92001, gh-109934",
    ),
    _repair(
        "wait-wakes-on-cancel",
        WAITING,
        "a thread that is already in wait() or as_completed() is not woken by cancel()",
        "gh-92001",
    ),
    _repair(
        "as-completed-slow-consumer",
        WAITING,
        "as_completed(timeout=) raises TimeoutError to a slow consumer though every future is done",
        "gh-73919",
    ),
    _repair(
        "as-completed-clock",
        WAITING,
        "the timeout of as_completed() runs from the first next(), not from the call",
    ),
    _repair(
        "wait-iterables",
        WAITING,
        "wait() takes no generator, and hangs on a duplicated finished future",
        native_since="3.9",
        is_needed=lambda: not _stdlib.WAIT_TAKES_ITERABLES,
    ),
    _repair(
        "timeout-inf",
        WAITING,
        "timeout=float('inf') is an OverflowError in result(), exception(), wait(), as_completed()",
    ),
    _repair(
        "timeouterror-is-builtin",
        WAITING,
        "'except TimeoutError' does not catch what Future.result(timeout=) raises",
        "bpo-42413",
        native_since="3.11",
        is_needed=lambda: not _stdlib.TIMEOUT_ERROR_IS_BUILTIN,
    ),
    _repair(
        "map-buffersize",
        MAP,
        "Executor.map() has no buffersize=; infinite input never returns",
        "gh-74028",
        native_since="3.14",
        is_needed=lambda: not _stdlib.MAP_TAKES_BUFFERSIZE,
    ),
    _repair(
        "map-cancels-waited-future",
        MAP,
        "map(timeout=) leaves the future that it was waiting for uncancelled",
        "gh-95166",
        native_since="3.10",
        is_needed=lambda: not _stdlib.MAP_CANCELS_WAITED_FUTURE,
    ),
    _repair(
        "map-input-error",
        MAP,
        "if the input of Executor.map() raises, the tasks already queued run all the same",
    ),
    _repair(
        "cancel-futures",
        SHUTDOWN,
        "ThreadPoolExecutor.shutdown() has no cancel_futures=",
        "bpo-39349",
        native_since="3.9",
        is_needed=lambda: not _stdlib.SHUTDOWN_CANCELS_FUTURES,
    ),
    _repair(
        "cancel-futures-callback-deadlock",
        SHUTDOWN,
        "shutdown(cancel_futures=True) runs callbacks under its lock: one that submits deadlocks",
    ),
    _repair(
        "idle-reuse",
        IDLE_REUSE,
        "ThreadPoolExecutor starts a new thread although one is idle",
        "bpo-24882",
        native_since="3.8",
        is_needed=lambda: not _stdlib.REUSES_IDLE_THREADS,
    ),
    _repair(
        "thread-pool-results-after-terminate",
        THREAD_POOL,
        "get() and iteration of a ThreadPool's results hang for ever after terminate()",
        "gh-79659, gh-126743",
    ),
    _repair(
        "thread-pool-silent-terminate",
        THREAD_POOL,
        "ThreadPool.terminate() says nothing of the tasks that go on running",
    ),
)
