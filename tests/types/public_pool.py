"""What type checkers make of the public names of ``poolcompat.pool``: checked, never run."""

from __future__ import annotations

import multiprocessing
from multiprocessing import pool as stdlib
from typing import Callable

from typing_extensions import assert_type

import poolcompat
from poolcompat import pool


def length(text: str) -> int:
    return len(text)


def add(one: int, other: int) -> int:
    return one + other


def anything(*args: object) -> None:
    pass


def of_threads(threads: pool.ThreadPool) -> None:
    assert_type(threads.apply(length, ("a",)), int)
    assert_type(threads.apply_async(length, ("a",), {}, anything, anything).get(), int)
    assert_type(threads.map(length, ["a"]), "list[int]")
    assert_type(threads.map_async(length, ["a"], 2, anything).get(timeout=1), "list[int]")
    assert_type(threads.starmap(add, [(1, 2)]), "list[int]")
    assert_type(threads.starmap_async(add, [(1, 2)]).get(), "list[int]")
    assert_type(threads.imap(length, ["a"], buffersize=2), stdlib.IMapIterator[int])
    assert_type(threads.imap_unordered(length, ["a"], 2, 3).next(timeout=1), int)
    assert_type(threads.request_stop(), int)
    assert_type(threads.terminate(), poolcompat.TerminateReport)
    report = threads.terminate("escalate", grace=0.5, timeout=1)
    assert_type(report, poolcompat.TerminateReport)
    threads.close()
    threads.join()
    anything(threads.close(), threads.join())  # type: ignore[func-returns-value]
    threads.map(length, [1])  # type: ignore[arg-type]
    threads.terminate(1)  # type: ignore[arg-type]
    threads.imap(length, ["a"], buffersize="2")  # type: ignore[arg-type]


def of_processes(processes: pool.Pool) -> None:
    assert_type(processes.apply(length, ("a",)), int)
    assert_type(processes.apply_async(length, ("a",)).get(1), int)
    assert_type(processes.map(length, ["a"]), "list[int]")
    assert_type(processes.map_async(length, ["a"]).get(), "list[int]")
    assert_type(processes.starmap(add, [(1, 2)]), "list[int]")
    assert_type(processes.starmap_async(add, [(1, 2)]).get(), "list[int]")
    assert_type(processes.imap(length, ["a"]), stdlib.IMapIterator[int])
    assert_type(processes.imap_unordered(length, ["a"]).next(), int)
    processes.close()
    processes.terminate()
    processes.join()
    anything(processes.close(), processes.join())  # type: ignore[func-returns-value]
    anything(processes.terminate())  # type: ignore[func-returns-value]


def making(initializer: Callable[[str], None]) -> None:
    with pool.ThreadPool(1, initializer, ("a",), on_terminate="escalate", grace=0) as threads:
        assert_type(threads, pool.ThreadPool)
    with pool.Pool(1, maxtasksperchild=1, context=multiprocessing.get_context()) as processes:
        assert_type(processes, pool.Pool)
    assert_type(poolcompat.pool.ThreadPool(timeout=None), pool.ThreadPool)
    pool.ThreadPool("1")  # type: ignore[arg-type]
    pool.ThreadPool(grace="1")  # type: ignore[arg-type]
    pool.Pool(maxtasksperchild="1")  # type: ignore[arg-type]


def passed_through(result: pool.AsyncResult[int], lists: pool.MapResult[int]) -> None:
    assert_type(result, stdlib.AsyncResult[int])
    same: pool.ApplyResult[int] = result
    assert_type(same.get(), int)
    assert_type(lists.get(), "list[int]")
    items: pool.IMapIterator[int] = pool.ThreadPool().imap(length, ["a"])
    assert_type(next(items), int)
