"""What type checkers make of the public names of ``poolcompat.futures``: checked, never run."""

from __future__ import annotations

import multiprocessing
import sys
from concurrent import futures as stdlib
from typing import Any, Callable, Iterator

from typing_extensions import assert_type

import poolcompat
from poolcompat import futures
from poolcompat.futures import process, thread


def length(text: str) -> int:
    return len(text)


def anything(*args: object, **kwargs: object) -> None:
    pass


def of_threads(threads: futures.ThreadPoolExecutor) -> None:
    assert_type(threads.submit(length, "a").result(), int)
    assert_type(threads.submit(length, text="a"), "futures.Future[int]")
    assert_type(threads.map(length, ["a"], buffersize=2), Iterator[int])
    assert_type(threads.request_stop(), int)
    assert_type(threads.terminate_workers(), poolcompat.TerminateReport)
    assert_type(threads.terminate_workers(grace=0.5, timeout=None), poolcompat.TerminateReport)
    threads.shutdown(wait=False, cancel_futures=True, timeout=None)
    threads.shutdown(False)
    anything(threads.shutdown(True, timeout=0.5))  # type: ignore[func-returns-value]
    threads.submit(length, 1)  # type: ignore[arg-type]
    threads.map(1, ["a"])  # type: ignore[arg-type]
    threads.terminate_workers(grace="1")  # type: ignore[arg-type]
    threads.shutdown(timeout="1")  # type: ignore[arg-type]


def of_processes(processes: futures.ProcessPoolExecutor) -> None:
    assert_type(processes.submit(length, "a").result(timeout=1), int)
    assert_type(processes.map(length, ["a"], chunksize=2, timeout=0.5), Iterator[int])
    processes.shutdown(cancel_futures=True)
    anything(processes.shutdown())  # type: ignore[func-returns-value]
    anything(processes.terminate_workers())  # type: ignore[func-returns-value]
    anything(processes.kill_workers())  # type: ignore[func-returns-value]
    processes.submit(length, 1)  # type: ignore[arg-type]


def of_killable_threads(killable: futures.KillableThreadPoolExecutor) -> None:
    assert_type(killable.submit(length, "a").exception(), "BaseException | None")
    assert_type(killable.map(length, ["a"]), Iterator[int])
    assert_type(killable.request_stop(), int)
    killable.shutdown(cancel_futures=True)
    anything(killable.shutdown())  # type: ignore[func-returns-value]
    anything(killable.terminate_workers())  # type: ignore[func-returns-value]
    anything(killable.kill_workers())  # type: ignore[func-returns-value]
    killable.submit(length, 1)  # type: ignore[arg-type]


def of_any_executor(executor: futures.Executor) -> None:
    assert_type(executor.submit(length, "a"), "futures.Future[int]")
    assert_type(executor.map(length, ["a"]), Iterator[int])
    executor.shutdown(wait=True, cancel_futures=False)
    theirs: stdlib.Executor = executor
    ours: futures.Executor = futures.ThreadPoolExecutor()
    anything(theirs, ours)


def making(initializer: Callable[[str], None]) -> None:
    context = multiprocessing.get_context("spawn")
    with futures.ThreadPoolExecutor(1, "name", initializer, ("a",), cancel_on_error=True) as one:
        assert_type(one, futures.ThreadPoolExecutor)
    with futures.ProcessPoolExecutor(1, context, max_tasks_per_child=1) as two:
        assert_type(two, futures.ProcessPoolExecutor)
    with futures.KillableThreadPoolExecutor(1, mp_context=context, restart=True) as three:
        assert_type(three, futures.KillableThreadPoolExecutor)
    assert_type(thread.ThreadPoolExecutor(), futures.ThreadPoolExecutor)
    assert_type(process.ProcessPoolExecutor(), futures.ProcessPoolExecutor)
    futures.ThreadPoolExecutor("1")  # type: ignore[arg-type]
    futures.ProcessPoolExecutor(mp_context="spawn")  # type: ignore[arg-type]
    futures.KillableThreadPoolExecutor(restart="1")  # type: ignore[arg-type]


def of_futures(future: futures.Future[int]) -> None:
    assert_type(future.result(), int)
    assert_type(future.result(timeout=0.5), int)
    assert_type(future.exception(0.5), "BaseException | None")
    assert_type(future.cancel(), bool)
    assert_type(future.cancelled(), bool)
    assert_type(future.running(), bool)
    assert_type(future.done(), bool)
    assert_type(future.set_running_or_notify_cancel(), bool)
    future.set_result(1)
    future.set_exception(ValueError())
    future.add_done_callback(lambda done: anything(assert_type(done.result(), int)))
    future.set_result("a")  # type: ignore[arg-type]
    future.set_exception("a")  # type: ignore[arg-type]
    future.add_done_callback(length)  # type: ignore[arg-type]


def waiting(future: futures.Future[int], theirs: stdlib.Future[int]) -> None:
    assert_type(list(futures.as_completed([future], timeout=1)), "list[stdlib.Future[int]]")
    assert_type(list(futures.as_completed({theirs: "a"})), "list[stdlib.Future[int]]")
    done, not_done = futures.wait([theirs], return_when=futures.FIRST_COMPLETED)
    assert_type(done, "set[stdlib.Future[int]]")
    assert_type(not_done, "set[stdlib.Future[int]]")
    assert_type(futures.wait([future], 1, futures.FIRST_EXCEPTION).done, "set[futures.Future[int]]")
    futures.wait([theirs], 1, futures.ALL_COMPLETED)
    futures.wait([1])  # type: ignore[arg-type]
    futures.as_completed([future], timeout="1")  # type: ignore[arg-type]
    numbers: list[int] = [
        futures.ALL_COMPLETED,  # type: ignore[list-item]
        futures.FIRST_COMPLETED,  # type: ignore[list-item]
        futures.FIRST_EXCEPTION,  # type: ignore[list-item]
    ]
    anything(numbers)


def errors() -> None:
    assert_type(futures.BrokenExecutor(), stdlib.BrokenExecutor)
    assert_type(futures.CancelledError(), stdlib.CancelledError)
    assert_type(futures.InvalidStateError(), stdlib.InvalidStateError)
    assert_type(futures.TimeoutError(), stdlib.TimeoutError)
    assert_type(process.BrokenProcessPool(), stdlib.process.BrokenProcessPool)
    assert_type(thread.BrokenThreadPool(), stdlib.thread.BrokenThreadPool)


def only_here_on_new_versions() -> None:
    if sys.version_info >= (3, 14):
        assert_type(futures.InterpreterPoolExecutor(), stdlib.InterpreterPoolExecutor)


def reached_from_the_package(value: Any) -> None:
    assert_type(poolcompat.futures.ThreadPoolExecutor(), futures.ThreadPoolExecutor)
    assert_type(poolcompat.futures.thread.ThreadPoolExecutor(), futures.ThreadPoolExecutor)
    poolcompat.futures.ThreadPoolExecutor(initializer=value, initargs=value)
