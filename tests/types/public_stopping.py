"""What type checkers make of the public names of ``poolcompat.stopping``: checked, never run."""

from __future__ import annotations

import threading
from typing import Optional, Tuple

from typing_extensions import assert_type

import poolcompat
from poolcompat import futures, stopping


def anything(*args: object) -> None:
    pass


def in_a_task() -> None:
    assert_type(stopping.current_stop_event(), threading.Event)
    assert_type(stopping.stop_requested(), bool)
    anything(stopping.checkpoint())  # type: ignore[func-returns-value]
    anything(stopping.sleep(0.5))  # type: ignore[func-returns-value]
    with stopping.shield() as nothing:
        assert_type(nothing, None)
    stopping.sleep("1")  # type: ignore[arg-type]
    stopping.checkpoint(1)  # type: ignore[call-arg]


def of_threads(thread: stopping.StoppableThread) -> None:
    assert_type(thread.stopped(), bool)
    assert_type(thread.stop_event, threading.Event)
    assert_type(thread.terminate(), bool)
    assert_type(thread.terminate(grace=0, timeout=None), bool)
    anything(thread.start())  # type: ignore[func-returns-value]
    anything(thread.stop())  # type: ignore[func-returns-value]
    anything(thread.raise_exc(KeyboardInterrupt))  # type: ignore[func-returns-value]
    stopping.raise_in_thread(threading.current_thread(), stopping.ThreadTerminated)
    stopping.raise_in_thread(1, TimeoutError)
    thread.raise_exc(KeyboardInterrupt())  # type: ignore[arg-type]
    stopping.raise_in_thread(1, TimeoutError())  # type: ignore[arg-type]
    thread.terminate(grace="1")  # type: ignore[arg-type]
    parent: threading.Thread = stopping.StoppableThread(target=anything, args=(1,), daemon=True)
    anything(parent)


def of_reports(report: poolcompat.TerminateReport, same: stopping.TerminateReport) -> None:
    assert_type(same, poolcompat.TerminateReport)
    assert_type(report.stopped, Tuple[stopping.EndedTask, ...])
    assert_type(report.interrupted, Tuple[stopping.EndedTask, ...])
    assert_type(report.survivors, Tuple[stopping.Survivor, ...])


def of_ended_tasks(task: stopping.EndedTask) -> None:
    assert_type(task.thread, str)
    assert_type(task.task, str)
    assert_type(task.seconds, Optional[float])


def of_survivors(survivor: stopping.Survivor) -> None:
    assert_type(survivor.thread, str)
    assert_type(survivor.task, str)
    assert_type(survivor.seconds, Optional[float])
    assert_type(survivor.stack, Tuple[str, ...])


def errors(error: stopping.TaskStopped) -> None:
    assert_type(error.reason, str)
    assert_type(poolcompat.TaskStopped("killed"), stopping.TaskStopped)
    cancelled: futures.CancelledError = error
    exit_of_a_thread: SystemExit = stopping.ThreadTerminated()
    warning: RuntimeWarning = poolcompat.TerminateWarning()
    assert_type(stopping.TerminateWarning(), poolcompat.TerminateWarning)
    anything(cancelled, exit_of_a_thread, warning)
    number: int = stopping.ThreadTerminated()  # type: ignore[assignment]
    stopping.TaskStopped(1)  # type: ignore[arg-type]
    anything(number)
