"""The defect of ``ThreadPoolExecutor`` when a signal handler uses it."""

from __future__ import annotations

import contextlib
import functools
import itertools
import queue
import sys
import threading
from types import FrameType
from typing import Any, Callable

from ._reproducer import defect, provoked

Submit = Callable[[Any], None]

# The interpreter's own, whose locks nobody else can make re-entrant.  CPython's queue has none.
UNINTERRUPTED = [
    getattr(function, "__code__", None)
    for function in (threading.Thread.start, queue.SimpleQueue.put)
]


def is_interruptible(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code in UNINTERRUPTED:
            return False
        frame = frame.f_back
    return True


def interrupted(
    call: Callable[[], None],
    handler: Callable[[], None],
    line: int,
    is_counted: Callable[[FrameType], bool] = is_interruptible,
) -> bool:
    """Do *call*, and *handler* before the given line that it runs, as a signal's handler is.

    It tells whether there was such a line, in those frames that are counted.
    """
    lines = itertools.count(1)
    handled: list[int] = []

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line" and not handled and is_counted(frame) and next(lines) == line:
            handled.append(line)
            handler()
        return trace

    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(None)
    return bool(handled)


def submit_interrupted(
    lib: Any, handler: Callable[[Any, Any, Submit], None], line: int
) -> tuple[bool, list[Any]]:
    """Call ``submit()``, which *handler* interrupts; whether it did, and the futures."""
    futures: list[Any] = []

    def submit(executor: Any) -> None:
        # It may be shut down by now.
        with contextlib.suppress(RuntimeError):
            futures.append(executor.submit(int))

    with lib.futures.ThreadPoolExecutor(1) as executor, lib.futures.ThreadPoolExecutor(1) as other:
        handle = functools.partial(handler, executor, other, submit)
        handled = interrupted(lambda: submit(executor), handle, line)
    assert [future.done() for future in futures] == [True] * len(futures)
    return handled, futures


def submit_to_same(executor: Any, other: Any, submit: Submit) -> None:
    submit(executor)


def submit_to_other(executor: Any, other: Any, submit: Submit) -> None:
    submit(other)


def shut_down_same(executor: Any, other: Any, submit: Submit) -> None:
    executor.shutdown()


def shut_down_other(executor: Any, other: Any, submit: Submit) -> None:
    other.shutdown()


@defect("signal-reentrancy")
def _(lib: Any) -> None:
    provoked()
    for handler, count in [
        (submit_to_same, 2),
        (submit_to_other, 2),
        (shut_down_other, 1),
        (shut_down_same, 0),  # or 1, depending on the line
    ]:
        for line in itertools.count(1):
            handled, futures = submit_interrupted(lib, handler, line)
            if not handled:
                break
            assert len(futures) >= count
        assert line > 1
