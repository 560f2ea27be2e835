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
    #: Whether it is only applied when ``only=`` names it, because programs may rely on what it
    #: changes.
    is_opt_in: bool = False

    @property
    def touches(self) -> Tuple[str, ...]:
        """The places in the standard library that are changed, as dotted paths."""
        return tuple(str(slot) for slot in self.change.slots)


def _grafts(theirs: type, ours: type, *names: str) -> Iterator[AttributeSlot]:
    """Yield the slots that put methods of our class on the standard library's."""
    for name in names:
        yield AttributeSlot(theirs, name, vars(ours)[name])


def _futures() -> Iterator[AttributeSlot | CodeSlot]:
    from concurrent.futures import _base

    from ..futures import Future

    yield CodeSlot(_base.as_completed, _trampolines.as_completed)
    yield CodeSlot(_base.wait, _trampolines.wait)
    yield from _grafts(
        _stdlib.Future,
        Future,
        "__repr__",
        "_invoke_callbacks",
        "add_done_callback",
        "cancel",
        "exception",
        "result",
        "set_exception",
        "set_result",
        "set_running_or_notify_cancel",
    )
    if not _stdlib.FUTURE_IS_GENERIC:
        yield from _grafts(_stdlib.Future, Future, "__class_getitem__")


def _map() -> Iterator[AttributeSlot]:
    from ..futures import ThreadPoolExecutor

    return _grafts(_stdlib.Executor, ThreadPoolExecutor, "map")


def _executor() -> Iterator[AttributeSlot]:
    from ..futures import _thread

    yield from _grafts(
        _stdlib.ThreadPoolExecutor,
        _thread.ThreadPoolExecutor,
        "_adjust_thread_count",
        "_initializer_failed",
        "submit",
    )
    yield AttributeSlot(_stdlib.ThreadPoolExecutor, "__init__", _thread.initialize)
    yield AttributeSlot(_stdlib.ThreadPoolExecutor, "shutdown", _thread.shutdown)


def _lost_exceptions() -> Iterator[AttributeSlot]:
    from ..futures import _future

    yield AttributeSlot(_stdlib.Future, "__del__", _future.log_lost_exception)


def _cancel_on_error() -> Iterator[AttributeSlot]:
    from ..futures import ThreadPoolExecutor

    return _grafts(_stdlib.ThreadPoolExecutor, ThreadPoolExecutor, "__exit__")


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


FUTURES = Change(_futures)
MAP = Change(_map)
EXECUTOR = Change(_executor)
LOST_EXCEPTIONS = Change(_lost_exceptions, requires=(FUTURES, EXECUTOR))
CANCEL_ON_ERROR = Change(_cancel_on_error)
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
    is_opt_in: bool = False,
) -> Repair:
    return Repair(name, wrong, issue, native_since, change, is_needed, is_opt_in)


TABLE: tuple[Repair, ...] = (
    _repair(
        "as-completed-after-cancel-futures",
        FUTURES,
        "as_completed() hangs on futures cancelled by shutdown(cancel_futures=True)",
        "gh-87893",
    ),
    _repair(
        "as-completed-cancelled",
        FUTURES,
        "as_completed() waits for a worker to find a future that is already cancelled",
        "gh-92001",
    ),
    _repair(
        "wait-cancelled",
        FUTURES,
        "wait() blocks on a cancelled future, or says that it is not done",
        "gh-92001, gh-109934",
    ),
    _repair(
        "wait-wakes-on-cancel",
        FUTURES,
        "a thread that is already in wait() or as_completed() is not woken by cancel()",
        "gh-92001",
    ),
    _repair(
        "as-completed-slow-consumer",
        FUTURES,
        "as_completed(timeout=) raises TimeoutError to a slow consumer though every future is done",
        "gh-73919",
    ),
    _repair(
        "as-completed-clock",
        FUTURES,
        "the timeout of as_completed() runs from the first next(), not from the call",
    ),
    _repair(
        "wait-iterables",
        FUTURES,
        "wait() takes no generator, and hangs on a duplicated finished future",
        native_since="3.9",
        is_needed=lambda: not _stdlib.WAIT_TAKES_ITERABLES,
    ),
    _repair(
        "timeout-inf",
        FUTURES,
        "timeout=float('inf') is an OverflowError in result(), exception(), wait(), as_completed()",
    ),
    _repair(
        "timeouterror-is-builtin",
        FUTURES,
        "'except TimeoutError' does not catch what Future.result(timeout=) raises",
        "bpo-42413",
        native_since="3.11",
        is_needed=lambda: not _stdlib.TIMEOUT_ERROR_IS_BUILTIN,
    ),
    _repair(
        "falsy-exception",
        FUTURES,
        "Future.result() returns None when the task failed with an exception that is falsy",
        "gh-132063",
        native_since="3.14",
        is_needed=lambda: not _stdlib.FALSY_EXCEPTION_IS_RAISED,
    ),
    _repair(
        "falsy-exception-repr",
        FUTURES,
        "repr() of a future that failed with a falsy exception says 'returned NoneType'",
        "gh-132063",
    ),
    _repair(
        "future-keeps-callbacks",
        FUTURES,
        "a finished future keeps its done-callbacks and all that they close over",
    ),
    _repair(
        "invalid-state-error",
        FUTURES,
        "set_result() and set_exception() overwrite a finished or cancelled future",
        "bpo-33238",
        native_since="3.8",
        is_needed=lambda: not _stdlib.HAS_INVALID_STATE_ERROR,
    ),
    _repair(
        "result-reference-cycle",
        FUTURES,
        "result() that raises makes a reference cycle through its own frame",
        "bpo-35930",
        native_since="3.8",
        is_needed=lambda: not _stdlib.RESULT_BREAKS_CYCLE,
    ),
    _repair(
        "generic-alias",
        FUTURES,
        "Future[int] fails at run time",
        "bpo-39481",
        native_since="3.9",
        is_needed=lambda: not _stdlib.FUTURE_IS_GENERIC,
    ),
    _repair(
        "lost-exception",
        LOST_EXCEPTIONS,
        "a task's exception that nobody ever asks for vanishes silently",
        "gh-85544, gh-120508",
        # PyPy has the defect, but it cannot be repaired there.
        is_needed=lambda: _stdlib.CLASSES_TAKE_DESTRUCTORS,
        is_opt_in=True,
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
        "map-continues",
        MAP,
        "next() after an exception from Executor.map() ends the iteration",
        "gh-108518",
    ),
    _repair(
        "cancel-futures",
        EXECUTOR,
        "ThreadPoolExecutor.shutdown() has no cancel_futures=",
        "bpo-39349",
        native_since="3.9",
        is_needed=lambda: not _stdlib.SHUTDOWN_CANCELS_FUTURES,
    ),
    _repair(
        "cancel-futures-callback-deadlock",
        EXECUTOR,
        "shutdown(cancel_futures=True) runs callbacks under its lock: one that submits deadlocks",
    ),
    _repair(
        "cancelled-task-keeps-args",
        EXECUTOR,
        "a cancelled future in the queue keeps its arguments alive until a worker finds it",
    ),
    _repair(
        "default-workers",
        EXECUTOR,
        "the default number of threads is 5 x CPUs on 3.7, and ignores CPU affinity before 3.13",
        "bpo-35279, gh-109649",
        native_since="3.13",
        is_needed=lambda: not _stdlib.DEFAULT_WORKERS_ARE_NEWEST,
    ),
    _repair(
        "failed-thread-start",
        EXECUTOR,
        "submit() that cannot start a thread raises, but the task runs later all the same",
        "PR 17615",
    ),
    _repair(
        "fork-child",
        EXECUTOR,
        "an executor inherited through os.fork() hangs in the child, and so do its futures",
        is_needed=lambda: _stdlib.CAN_FORK,
    ),
    _repair(
        "initializer-cause",
        EXECUTOR,
        "BrokenThreadPool does not carry the initializer's exception",
    ),
    _repair(
        "initializer-failed",
        EXECUTOR,
        "a failing initializer leaves futures pending, or deadlocks a callback that submits",
    ),
    _repair(
        "shutdown-from-worker",
        EXECUTOR,
        "shutdown(wait=True) from a task or callback raises 'cannot join current thread'",
    ),
    _repair(
        "signal-reentrancy",
        EXECUTOR,
        "submit() or shutdown() in a signal handler deadlocks if it interrupted submit()",
        "gh-121649",
    ),
    _repair(
        "submit-at-exit",
        EXECUTOR,
        "submit() in an exit hook, or from a live thread after the main one has ended, raises",
        "gh-86813, gh-148280",
        # 3.7 and 3.8 are right.
        is_needed=lambda: _stdlib.WORKERS_END_BEFORE_EXIT_HOOKS,
    ),
    _repair(
        "exit-hang-atexit",
        EXECUTOR,
        "a worker that runs until an exit hook stops it hangs the exit",
        "gh-83993",
        # 3.7 and 3.8 are right.
        is_needed=lambda: _stdlib.WORKERS_END_BEFORE_EXIT_HOOKS,
    ),
    _repair(
        "worker-survives-callback",
        EXECUTOR,
        "a done-callback that raises SystemExit kills the worker, and the pool stalls",
    ),
    _repair(
        "worker-survives-invalid-state",
        EXECUTOR,
        "user code that completes a running future kills the worker, and the pool stalls",
        # 3.7 does not raise there, because it has the defect invalid-state-error.
        is_needed=lambda: _stdlib.HAS_INVALID_STATE_ERROR,
    ),
    _repair(
        "ctrl-c-in-with",
        CANCEL_ON_ERROR,
        "Ctrl-C, or an exception, in 'with ThreadPoolExecutor()' runs the whole queue first",
        "gh-130975, gh-80961, gh-86575",
        is_opt_in=True,
    ),
    _repair(
        "idle-reuse",
        EXECUTOR,
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
