"""What type checkers make of every public name: checked by ``nox -s types``, never run."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent import futures as stdlib
from typing import Any, Callable, Iterator, Tuple

from typing_extensions import assert_type

import poolcompat
from poolcompat import futures, monkey, pool, stopping
from poolcompat.futures.process import BrokenProcessPool
from poolcompat.futures.thread import BrokenThreadPool


def length(text: str) -> int:
    return len(text)


def each_executor(
    threads: futures.ThreadPoolExecutor,
    processes: futures.ProcessPoolExecutor,
    killable: futures.KillableThreadPoolExecutor,
) -> None:
    assert_type(threads.submit(length, "a").result(), int)
    assert_type(processes.submit(length, "a").result(timeout=1), int)
    assert_type(killable.submit(length, "a").exception(), "BaseException | None")
    assert_type(threads.map(length, ["a"], buffersize=2), Iterator[int])
    assert_type(processes.map(length, ["a"], chunksize=2, timeout=0.5), Iterator[int])
    assert_type(killable.map(length, ["a"]), Iterator[int])
    threads.shutdown(wait=False, cancel_futures=True, timeout=None)
    processes.shutdown(cancel_futures=True)
    killable.shutdown(cancel_futures=True)
    assert_type(threads.request_stop(), int)
    assert_type(killable.request_stop(), int)
    assert_type(threads.terminate_workers(grace=0.5, timeout=None), poolcompat.TerminateReport)
    processes.terminate_workers()
    processes.kill_workers()
    killable.terminate_workers()
    killable.kill_workers()
    threads.submit(length, 1)  # type: ignore[arg-type]


def making(initializer: Callable[[str], None]) -> None:
    context = multiprocessing.get_context("spawn")
    with futures.ThreadPoolExecutor(1, "name", initializer, ("a",), cancel_on_error=True) as one:
        assert_type(one, futures.ThreadPoolExecutor)
    with futures.ProcessPoolExecutor(1, context, max_tasks_per_child=1) as two:
        assert_type(two, futures.ProcessPoolExecutor)
    with futures.KillableThreadPoolExecutor(1, mp_context=context, restart=True) as three:
        assert_type(three, futures.KillableThreadPoolExecutor)
    with pool.ThreadPool(1, initializer, ("a",), on_terminate="escalate", grace=0) as four:
        assert_type(four, pool.ThreadPool)
    with pool.Pool(1, maxtasksperchild=1) as five:
        assert_type(five, pool.Pool)


def waiting(future: futures.Future[int], theirs: stdlib.Future[int]) -> None:
    assert_type(list(futures.as_completed([future], timeout=1)), "list[stdlib.Future[int]]")
    assert_type(list(futures.as_completed({theirs: "a"})), "list[stdlib.Future[int]]")
    done, not_done = futures.wait([theirs], return_when=futures.FIRST_COMPLETED)
    assert_type(done, "set[stdlib.Future[int]]")
    assert_type(not_done, "set[stdlib.Future[int]]")
    futures.wait([theirs], 1, futures.FIRST_EXCEPTION)
    futures.wait([theirs], 1, futures.ALL_COMPLETED)
    executor: futures.Executor = futures.ThreadPoolExecutor()
    executor.shutdown()


def errors() -> None:
    try:
        raise futures.InvalidStateError
    except (
        futures.BrokenExecutor,
        futures.CancelledError,
        futures.TimeoutError,
        BrokenProcessPool,
        BrokenThreadPool,
        poolcompat.TaskStopped,
        stopping.ThreadTerminated,
    ):
        pass
    error: futures.CancelledError = stopping.TaskStopped(reason="stopped")
    assert_type(stopping.TaskStopped(reason="killed").reason, str)
    raise error


def thread_pools(threads: pool.ThreadPool) -> None:
    assert_type(threads.map(length, ["a"]), "list[int]")
    assert_type(threads.apply_async(length, ("a",)).get(), int)
    assert_type(threads.request_stop(), int)
    report = threads.terminate("escalate", grace=0.5, timeout=1)
    assert_type(report, poolcompat.TerminateReport)
    assert_type(report.stopped, Tuple[stopping.EndedTask, ...])
    assert_type(report.interrupted, Tuple[stopping.EndedTask, ...])
    assert_type(report.survivors, Tuple[stopping.Survivor, ...])
    for survivor in report.survivors:
        assert_type(survivor.thread, str)


def from_inside(thread: stopping.StoppableThread) -> None:
    assert_type(stopping.current_stop_event(), threading.Event)
    assert_type(stopping.stop_requested(), bool)
    stopping.checkpoint()
    stopping.sleep(0.5)
    with stopping.shield():
        pass
    thread.stop()
    assert_type(thread.stopped(), bool)
    assert_type(thread.stop_event, threading.Event)
    assert_type(thread.terminate(grace=0, timeout=1), bool)
    thread.raise_exc(KeyboardInterrupt)
    stopping.raise_in_thread(threading.current_thread(), stopping.ThreadTerminated)
    stopping.raise_in_thread(1, TimeoutError)
    stopping.raise_in_thread(1, TimeoutError())  # type: ignore[arg-type]


def patching() -> None:
    rows = poolcompat.patch_all(only=["wait-cancelled"], on_terminate="silent", grace=0, timeout=1)
    assert_type(rows, Tuple[monkey.Repair, ...])
    assert_type(poolcompat.is_patched("wait-cancelled"), bool)
    assert_type(poolcompat.unpatch_all(), Tuple[monkey.Leftover, ...])
    assert_type(poolcompat.repairs()[0].name, str)
    with poolcompat.patched(skip=["map-input-error"]) as applied:
        assert_type(applied, Tuple[monkey.Repair, ...])
    warning: type[Warning] = poolcompat.TerminateWarning
    print(warning)


def anything(value: Any) -> None:
    poolcompat.patch_all(only="wait-cancelled", grace=value)
    poolcompat.patch_all("wait-cancelled")  # type: ignore[call-arg]
