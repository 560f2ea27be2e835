"""Rows of the table: ``ProcessPoolExecutor``, which is imported only when they are asked."""

from __future__ import annotations

from typing import Any, Iterator

from .. import _stdlib
from ._registry import AttributeSlot, Change
from ._repair import Repair, grafts, repair


def _can() -> Any:
    """Return what knows what the interpreter can do."""
    from ..futures import _process_stdlib

    return _process_stdlib


def _processes() -> Iterator[AttributeSlot]:
    from ..futures._process import ProcessPoolExecutor

    return grafts(
        _can().ProcessPoolExecutor,
        ProcessPoolExecutor,
        "__exit__",
        "__init__",
        "_force_shutdown",
        "kill_workers",
        "map",
        "shutdown",
        "submit",
        "terminate_workers",
    )


PROCESSES = Change(_processes)

ROWS: tuple[Repair, ...] = (
    repair(
        "process-as-completed-after-shutdown-cancel",
        PROCESSES,
        "as_completed() hangs on futures of processes cancelled by shutdown(cancel_futures=True)",
        "gh-136655",
    ),
    repair(
        "process-max-tasks-per-child-param",
        PROCESSES,
        "ProcessPoolExecutor has no max_tasks_per_child=",
        "bpo-44733",
        native_since="3.11",
        is_needed=lambda: not _can().TAKES_MAX_TASKS,
    ),
    repair(
        "process-max-tasks-per-child-hang",
        PROCESSES,
        "max_tasks_per_child with a backlog deadlocks after the first replacement",
        "gh-115634",
        native_since="3.14",
        is_needed=lambda: not _can().REPLACES_WORKERS,
    ),
    repair(
        "process-max-tasks-shutdown-nowait",
        PROCESSES,
        "shutdown(wait=False) with max_tasks_per_child drops the backlog",
        "gh-119592",
        native_since="3.14",
        is_needed=lambda: not _can().REPLACES_WORKERS_AFTER_SHUTDOWN,
    ),
    repair(
        "process-terminate-workers",
        PROCESSES,
        "ProcessPoolExecutor has no terminate_workers() and kill_workers()",
        "gh-128041",
        native_since="3.14",
        is_needed=lambda: not _can().CAN_TERMINATE,
    ),
    repair(
        "process-cancel-then-shutdown",
        PROCESSES,
        "shutdown() after the only pending future of processes was cancelled hangs",
        "gh-94440",
        native_since="3.10",
        is_needed=lambda: bool(_can().HANGS_ON_CANCELLED),
    ),
    repair(
        "process-crash-big-data",
        PROCESSES,
        "a process that crashes while large arguments are sent hangs the pool",
        "gh-94777",
        native_since="3.11",
        is_needed=lambda: bool(_can().HANGS_ON_LARGE_ARGUMENTS),
    ),
    repair(
        "process-crash-callback-submit-deadlock",
        PROCESSES,
        "when a process crashes, a callback that calls submit() deadlocks",
        is_needed=lambda: bool(_can().FAILS_CANCELLED),
    ),
    repair(
        "process-crash-with-cancelled-future",
        PROCESSES,
        "when a process crashes, one cancelled future keeps the others from being failed",
        "gh-107219",
        native_since="3.12",
        is_needed=lambda: not _can().FAILS_CANCELLED,
    ),
    repair(
        "process-ctrl-c",
        PROCESSES,
        "after Ctrl-C processes go on with the queue, and each that is idle prints a traceback",
        "gh-125886",
    ),
    repair(
        "process-fork-child",
        PROCESSES,
        "a ProcessPoolExecutor inherited through os.fork() hangs in the child",
        is_needed=lambda: _stdlib.CAN_FORK,
    ),
    repair(
        "process-initializer-cause",
        PROCESSES,
        "BrokenProcessPool does not carry the initializer's exception",
    ),
    repair(
        "process-broken-exit-code",
        PROCESSES,
        "BrokenProcessPool does not tell the signal or exit code of the process",
        "gh-139462",
    ),
    repair(
        "process-shared-broken-exception",
        PROCESSES,
        "all futures of a broken pool share one exception",
        "gh-101267",
        native_since="3.14",
        is_needed=lambda: bool(_can().SHARES_BROKEN_ERROR),
    ),
    repair(
        "process-manager-dies-on-callback-baseexception",
        PROCESSES,
        "a callback of a process's future that raises SystemExit hangs the pool",
    ),
    repair(
        "process-manager-dies-on-invalid-state",
        PROCESSES,
        "user code that completes a running future hangs the pool of processes",
        is_needed=lambda: _stdlib.HAS_INVALID_STATE_ERROR,
    ),
    repair(
        "process-many-submits",
        PROCESSES,
        "many submits while the pool is busy deadlock on the pipe that wakes it",
        "gh-105829",
        native_since="3.11",
        is_needed=lambda: bool(_can().HANGS_ON_MANY_SUBMITS),
    ),
    repair(
        "process-on-demand-workers",
        PROCESSES,
        "all processes are started with the first call",
        "bpo-39207",
        native_since="3.9",
        is_needed=lambda: bool(_can().STARTS_ALL_WORKERS),
    ),
    repair(
        "process-orphans",
        PROCESSES,
        "processes outlive a parent that was killed for ever",
        "gh-111873",
    ),
    repair(
        "process-shutdown-cancel-flag-reset",
        PROCESSES,
        "a second shutdown() takes the cancel_futures=True of the first one back",
    ),
    repair(
        "process-shutdown-from-callback",
        PROCESSES,
        "shutdown() from a callback of a process's future raises 'cannot join current thread'",
    ),
    repair(
        "process-shutdown-nowait",
        PROCESSES,
        "shutdown(wait=False) with work in flight loses its results",
        "gh-83285",
        native_since="3.9",
        is_needed=lambda: bool(_can().LOSES_WORK_AT_SHUTDOWN),
    ),
    repair(
        "process-shutdown-twice",
        PROCESSES,
        "shutdown(wait=True) after shutdown(wait=False) does not wait",
    ),
    repair(
        "process-slow-pickle-cancel-futures",
        PROCESSES,
        "shutdown(cancel_futures=True) while something is pickled that cannot be hangs",
    ),
    repair(
        "process-unpicklable-cancel-futures",
        PROCESSES,
        "tasks that cannot be pickled and shutdown(cancel_futures=True) deadlock",
        "gh-116685",
    ),
    repair(
        "process-unpicklable-task-shutdown",
        PROCESSES,
        "shutdown() after a task that could not be pickled hangs",
        "gh-83285",
        native_since="3.9",
        is_needed=lambda: bool(_can().LOSES_WORK_AT_SHUTDOWN),
    ),
    repair(
        "process-unpicklable-argument",
        PROCESSES,
        "a task that cannot be unpickled in its process breaks the whole pool",
        "gh-75880",
    ),
    repair(
        "process-unpicklable-exception",
        PROCESSES,
        "an exception that cannot be unpickled breaks the whole pool",
        "gh-80041",
    ),
    repair(
        "process-worker-exception-leak",
        PROCESSES,
        "a process keeps what a failed task used until the next one comes",
        "bpo-46787",
        native_since="3.9",
        is_needed=lambda: bool(_can().WORKER_KEEPS_EXCEPTION),
    ),
    repair(
        "process-worker-keeps-result",
        PROCESSES,
        "a process keeps the last result until the next one comes",
        "gh-79896",
        native_since="3.8",
        is_needed=lambda: bool(_can().WORKER_KEEPS_RESULT),
    ),
)
