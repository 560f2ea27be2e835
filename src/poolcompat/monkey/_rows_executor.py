"""Rows of the table: ``ThreadPoolExecutor``."""

from __future__ import annotations

from typing import Iterator

from .. import _stdlib
from . import _trampolines
from ._registry import AttributeSlot, Change, CodeSlot
from ._repair import Repair, beneath, grafts, repair


def _executor() -> Iterator[AttributeSlot | CodeSlot]:
    from ..futures import _thread

    yield from grafts(
        _stdlib.ThreadPoolExecutor,
        _thread.ThreadPoolExecutor,
        "_adjust_thread_count",
        "_initializer_failed",
    )
    submit = vars(_thread.ThreadPoolExecutor)["submit"]
    yield beneath(_stdlib.ThreadPoolExecutor, "submit", submit, _trampolines.submit)
    yield AttributeSlot(_stdlib.ThreadPoolExecutor, "__init__", _thread.initialize)
    yield AttributeSlot(_stdlib.ThreadPoolExecutor, "shutdown", _thread.shutdown)


def _cancel_on_error() -> Iterator[AttributeSlot]:
    from ..futures import ThreadPoolExecutor

    return grafts(_stdlib.ThreadPoolExecutor, ThreadPoolExecutor, "__exit__")


EXECUTOR = Change(_executor, looks_each_time=True)
CANCEL_ON_ERROR = Change(_cancel_on_error)

ROWS: tuple[Repair, ...] = (
    repair(
        "cancel-futures",
        EXECUTOR,
        "ThreadPoolExecutor.shutdown() has no cancel_futures=",
        "bpo-39349",
        native_since="3.9",
        is_needed=lambda: not _stdlib.SHUTDOWN_CANCELS_FUTURES,
    ),
    repair(
        "cancel-futures-callback-deadlock",
        EXECUTOR,
        "shutdown(cancel_futures=True) runs callbacks under its lock: one that submits deadlocks",
    ),
    repair(
        "cancelled-task-keeps-args",
        EXECUTOR,
        "a cancelled future in the queue keeps its arguments alive until a worker finds it",
    ),
    repair(
        "default-workers",
        EXECUTOR,
        "the default number of threads is 5 x CPUs on 3.7, and ignores CPU affinity before 3.13",
        "bpo-35279, gh-109649",
        native_since="3.13",
        is_needed=lambda: not _stdlib.DEFAULT_WORKERS_ARE_NEWEST,
    ),
    repair(
        "failed-thread-start",
        EXECUTOR,
        "submit() that cannot start a thread raises, but the task runs later all the same",
        "PR 17615",
    ),
    repair(
        "fork-child",
        EXECUTOR,
        "an executor inherited through os.fork() hangs in the child, and so do its futures",
        is_needed=lambda: _stdlib.CAN_FORK,
    ),
    repair(
        "initializer-cause",
        EXECUTOR,
        "BrokenThreadPool does not carry the initializer's exception",
    ),
    repair(
        "initializer-failed",
        EXECUTOR,
        "a failing initializer leaves futures pending, or deadlocks a callback that submits",
    ),
    repair(
        "shutdown-from-worker",
        EXECUTOR,
        "shutdown(wait=True) from a task or callback raises 'cannot join current thread'",
    ),
    repair(
        "signal-reentrancy",
        EXECUTOR,
        "submit() or shutdown() in a signal handler deadlocks if it interrupted submit()",
        "gh-121649",
    ),
    repair(
        "submit-at-exit",
        EXECUTOR,
        "submit() in an exit hook, or from a live thread after the main one has ended, raises",
        "gh-86813, gh-148280",
        # 3.7 and 3.8 are right.
        is_needed=lambda: _stdlib.WORKERS_END_BEFORE_EXIT_HOOKS,
    ),
    repair(
        "exit-hang-atexit",
        EXECUTOR,
        "a worker that runs until an exit hook stops it hangs the exit",
        "gh-83993",
        # 3.7 and 3.8 are right.
        is_needed=lambda: _stdlib.WORKERS_END_BEFORE_EXIT_HOOKS,
    ),
    repair(
        "worker-survives-callback",
        EXECUTOR,
        "a done-callback that raises SystemExit kills the worker, and the pool stalls",
    ),
    repair(
        "worker-survives-invalid-state",
        EXECUTOR,
        "user code that completes a running future kills the worker, and the pool stalls",
        # 3.7 does not raise there, because it has the defect invalid-state-error.
        is_needed=lambda: _stdlib.HAS_INVALID_STATE_ERROR,
    ),
    repair(
        "ctrl-c-in-with",
        CANCEL_ON_ERROR,
        "Ctrl-C, or an exception, in 'with ThreadPoolExecutor()' runs the whole queue first",
        "gh-130975, gh-80961, gh-86575",
        is_opt_in=True,
    ),
    repair(
        "idle-reuse",
        EXECUTOR,
        "ThreadPoolExecutor starts a new thread although one is idle",
        "bpo-24882",
        native_since="3.8",
        is_needed=lambda: not _stdlib.REUSES_IDLE_THREADS,
    ),
)
