"""Rows of the table: futures, waiting for them, and ``Executor.map()``."""

from __future__ import annotations

from typing import Iterator

from .. import _stdlib
from . import _trampolines
from ._registry import AttributeSlot, Change, CodeSlot
from ._repair import Repair, code_of, grafts, repair
from ._rows_executor import EXECUTOR


def _futures() -> Iterator[AttributeSlot | CodeSlot]:
    from concurrent.futures import _base

    from ..futures import Future

    yield code_of(_base, "as_completed", _trampolines.as_completed)
    yield code_of(_base, "wait", _trampolines.wait)
    yield from grafts(
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
        yield from grafts(_stdlib.Future, Future, "__class_getitem__")


def _lost_exceptions() -> Iterator[AttributeSlot]:
    from ..futures import _future

    yield AttributeSlot(_stdlib.Future, "__del__", _future.log_lost_exception)


def _map() -> Iterator[AttributeSlot]:
    from ..futures import ThreadPoolExecutor

    return grafts(_stdlib.Executor, ThreadPoolExecutor, "map")


FUTURES = Change(_futures, looks_each_time=True)
LOST_EXCEPTIONS = Change(_lost_exceptions, requires=(FUTURES, EXECUTOR))
MAP = Change(_map)

ROWS: tuple[Repair, ...] = (
    repair(
        "as-completed-after-cancel-futures",
        FUTURES,
        "as_completed() hangs on futures cancelled by shutdown(cancel_futures=True)",
        "gh-87893",
    ),
    repair(
        "as-completed-cancelled",
        FUTURES,
        "as_completed() waits for a worker to find a future that is already cancelled",
        "gh-92001",
    ),
    repair(
        "wait-cancelled",
        FUTURES,
        "wait() blocks on a cancelled future, or says that it is not done",
        "gh-92001, gh-109934",
    ),
    repair(
        "wait-wakes-on-cancel",
        FUTURES,
        "a thread that is already in wait() or as_completed() is not woken by cancel()",
        "gh-92001",
    ),
    repair(
        "as-completed-slow-consumer",
        FUTURES,
        "as_completed(timeout=) raises TimeoutError to a slow consumer though every future is done",
        "gh-73919",
    ),
    repair(
        "as-completed-clock",
        FUTURES,
        "the timeout of as_completed() runs from the first next(), not from the call",
    ),
    repair(
        "wait-iterables",
        FUTURES,
        "wait() takes no generator, and hangs on a duplicated finished future",
        native_since="3.9",
        is_needed=lambda: not _stdlib.WAIT_TAKES_ITERABLES,
    ),
    repair(
        "timeout-inf",
        FUTURES,
        "timeout=float('inf') is an OverflowError in result(), exception(), wait(), as_completed()",
    ),
    repair(
        "timeouterror-is-builtin",
        FUTURES,
        "'except TimeoutError' does not catch what Future.result(timeout=) raises",
        "bpo-42413",
        native_since="3.11",
        is_needed=lambda: not _stdlib.TIMEOUT_ERROR_IS_BUILTIN,
    ),
    repair(
        "falsy-exception",
        FUTURES,
        "Future.result() returns None when the task failed with an exception that is falsy",
        "gh-132063",
        native_since="3.14",
        is_needed=lambda: not _stdlib.FALSY_EXCEPTION_IS_RAISED,
    ),
    repair(
        "falsy-exception-repr",
        FUTURES,
        "repr() of a future that failed with a falsy exception says 'returned NoneType'",
        "gh-132063",
    ),
    repair(
        "future-keeps-callbacks",
        FUTURES,
        "a finished future keeps its done-callbacks and all that they close over",
    ),
    repair(
        "invalid-state-error",
        FUTURES,
        "set_result() and set_exception() overwrite a finished or cancelled future",
        "bpo-33238",
        native_since="3.8",
        is_needed=lambda: not _stdlib.HAS_INVALID_STATE_ERROR,
    ),
    repair(
        "result-reference-cycle",
        FUTURES,
        "result() that raises makes a reference cycle through its own frame",
        "bpo-35930",
        native_since="3.8",
        is_needed=lambda: not _stdlib.RESULT_BREAKS_CYCLE,
    ),
    repair(
        "generic-alias",
        FUTURES,
        "Future[int] fails at run time",
        "bpo-39481",
        native_since="3.9",
        is_needed=lambda: not _stdlib.FUTURE_IS_GENERIC,
    ),
    repair(
        "lost-exception",
        LOST_EXCEPTIONS,
        "a task's exception that nobody ever asks for vanishes silently",
        "gh-85544, gh-120508",
        # PyPy has the defect, but it cannot be repaired there.
        is_needed=lambda: _stdlib.CLASSES_TAKE_DESTRUCTORS,
        is_opt_in=True,
    ),
    repair(
        "map-buffersize",
        MAP,
        "Executor.map() has no buffersize=; infinite input never returns",
        "gh-74028",
        native_since="3.14",
        is_needed=lambda: not _stdlib.MAP_TAKES_BUFFERSIZE,
    ),
    repair(
        "map-cancels-waited-future",
        MAP,
        "map(timeout=) leaves the future that it was waiting for uncancelled",
        "gh-95166",
        native_since="3.10",
        is_needed=lambda: not _stdlib.MAP_CANCELS_WAITED_FUTURE,
    ),
    repair(
        "map-input-error",
        MAP,
        "if the input of Executor.map() raises, the tasks already queued run all the same",
    ),
    repair(
        "map-continues",
        MAP,
        "next() after an exception from Executor.map() ends the iteration",
        "gh-108518",
    ),
)
