"""Defects of the worker processes of ``ProcessPoolExecutor``: their number, life and memory."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
import weakref
from typing import Any

from ._forking import check_child, exit_status_of_fork
from ._processes import Gate, join_threads, make_executor, process_pool
from ._reproducer import CTYPES, FORK, defect, provoked

# How long a process may take that cannot be ended from within
C_S = 20


@defect("process-max-tasks-per-child-param")
def _(lib: Any) -> None:
    provoked()
    with process_pool(lib, method="spawn", max_tasks_per_child=1) as executor:
        futures = [executor.submit(os.getpid) for _ in range(2)]
        assert len({future.result() for future in futures}) == 2
    # The fork method cannot start processes later.
    for method, count, kind in (("spawn", 0, ValueError), ("spawn", 1.5, TypeError)):
        try:
            make_executor(lib, method=method, max_tasks_per_child=count)
        except kind:
            continue
        raise AssertionError("no error")


class SentWhenSet:
    """An argument, an integer for the worker, that is not sent before an event is set."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def __reduce__(self) -> Any:
        self.event.wait()
        return int, ()


@defect("process-max-tasks-per-child-hang")
def _(lib: Any) -> None:
    first = SentWhenSet()
    provoked()
    with process_pool(lib, method="spawn", max_tasks_per_child=2) as executor:
        futures = [executor.submit(int, first), *(executor.submit(int) for _ in range(4))]
        first.event.set()
        assert [future.result() for future in futures] == [0] * 5


@defect("process-max-tasks-shutdown-nowait")
def _(lib: Any) -> None:
    first = SentWhenSet()
    provoked()
    with process_pool(lib, method="spawn", max_tasks_per_child=1) as executor:
        futures = [executor.submit(int, first), *(executor.submit(int) for _ in range(4))]
        executor.shutdown(wait=False)
        first.event.set()
        assert [future.result() for future in futures] == [0] * 5
    join_threads()


@defect("process-on-demand-workers")
def _(lib: Any) -> None:
    provoked()
    with process_pool(lib, 3, "spawn") as executor:
        executor.submit(int).result()
        assert len(executor._processes) == 1


class Thing:
    pass


kept: Any = None


def keep(thing: Thing) -> None:
    """Remember something that this worker has, until nobody else does."""
    global kept
    kept = weakref.ref(thing)


def is_alive() -> bool:
    """Whether this worker still has it."""
    gc.collect()
    return kept() is not None


def fail_with_thing() -> None:
    thing = Thing()
    keep(thing)
    raise KeyError("task")


@defect("process-worker-exception-leak", FORK)
def _(lib: Any) -> None:
    with process_pool(lib) as executor:
        assert isinstance(executor.submit(fail_with_thing).exception(), KeyError)
        provoked()
        assert not executor.submit(is_alive).result()


def return_thing() -> Thing:
    thing = Thing()
    keep(thing)
    return thing


@defect("process-worker-keeps-result", FORK)
def _(lib: Any) -> None:
    with process_pool(lib) as executor:
        assert isinstance(executor.submit(return_thing).result(), Thing)
        provoked()
        assert not executor.submit(is_alive).result()


@defect("process-fork-child", FORK)
def _(lib: Any) -> None:
    def in_child() -> None:
        check_child(lib, (running, pending), (busy, idle))

    with Gate() as gate, process_pool(lib) as busy, process_pool(lib) as idle:
        running = busy.submit(gate.hold, 1)
        gate.wait()
        pending = busy.submit(int)
        idle.submit(int).result()
        provoked()
        assert exit_status_of_fork(in_child) == 0
        gate.open()
        assert (running.result(), pending.result()) == (1, 0)
        for executor in (busy, idle):
            assert executor.submit(int).result() == 0


def end_with(life: int) -> None:
    """Have this process end when the other end of the pipe *life* is closed."""
    threading.Thread(target=lambda: (os.read(life, 1), os._exit(1)), daemon=True).start()


def wait_in_python(ready: int) -> None:
    os.write(ready, b".")
    threading.Event().wait()


def wait_in_c(ready: int) -> None:
    """Wait and let no other thread of the process run."""
    import ctypes

    os.write(ready, b".")
    ctypes.PyDLL(None).sleep(C_S)


def keep_workers(lib: Any, ready: int, life: int) -> None:
    """Be the parent of two busy workers and of an idle one, until killed."""
    end_with(life)
    fork = multiprocessing.get_context("fork")
    executor = lib.futures.ProcessPoolExecutor(3, fork, end_with, (life,))
    executor.submit(wait_in_python, ready)
    executor.submit(wait_in_c, ready)
    threading.Event().wait()


@defect("process-orphans", FORK, CTYPES)
def _(lib: Any) -> None:
    ended, ready = os.pipe()
    life, alive = os.pipe()
    parent = os.fork()
    if parent == 0:
        os.close(alive)
        keep_workers(lib, ready, life)
    os.close(ready)
    assert os.read(ended, 1) + os.read(ended, 1) == b".."
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    provoked()
    # Only the workers still have the other end.
    assert os.read(ended, 1) == b""
