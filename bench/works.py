"""What ``child.py`` measures of threads, where the code measured does not know its side."""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys
import threading
import time
from typing import Any, Callable, NamedTuple

try:
    import tracemalloc
except ImportError:  # PyPy
    tracemalloc = None

STANDARD, IMPORT, PATCH = "standard library", "import", "patch"
PEBBLE, LOKY = "pebble", "loky"  # other packages, which are imported by these names
WORKERS = 4

# Where the standard library has what we have in these modules
HOMES = {"futures": "concurrent.futures", "pool": "multiprocessing.pool"}


def module_of(side, name):
    """Return what users of this side import from, with everything in place."""
    if side in (PEBBLE, LOKY):
        return importlib.import_module(side)
    if side == PATCH:
        import poolcompat

        poolcompat.patch_all()
    return importlib.import_module(f"poolcompat.{name}" if side == IMPORT else HOMES[name])


def no_op():
    pass


def seconds(function):
    """Return how long *function* takes, with the garbage of the preparations out of the way.

    The collector stays on, as in real programs: that fewer objects cost fewer collections counts.
    """
    gc.collect()
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


@contextlib.contextmanager
def held_pool(futures):
    """Give a pool, and the event for which all its threads wait before they take work."""
    with futures.ThreadPoolExecutor(WORKERS) as pool:
        started, gate = threading.Barrier(WORKERS + 1), threading.Event()

        def hold():
            started.wait()
            gate.wait()

        for _ in range(WORKERS):
            pool.submit(hold)
        started.wait()
        try:
            yield pool, gate
        finally:
            gate.set()


@contextlib.contextmanager
def idle_pool(futures):
    """Give a pool whose threads have all been started and have nothing to do."""
    with held_pool(futures) as (pool, gate):
        gate.set()
        time.sleep(0.05)  # to get from the gate to the queue
        yield pool


def submit(futures, count):
    submitted = []  # out here, so that the futures are not destroyed in the time measured

    def work():
        submitted.extend(pool.submit(no_op) for _ in range(count))
        for future in submitted:
            future.result()

    with idle_pool(futures) as pool:
        return seconds(work)


def one_at_a_time(futures, count):
    def work():
        for _ in range(count):
            pool.submit(no_op).result()

    with idle_pool(futures) as pool:
        return seconds(work)


def as_completed_finished(futures, count):
    def work():
        for _ in futures.as_completed(finished):
            pass

    with idle_pool(futures) as pool:
        finished = [pool.submit(no_op) for _ in range(count)]
        futures.wait(finished)
        return seconds(work)


def as_completed_running(futures, count):
    def work():
        gate.set()
        for _ in futures.as_completed(submitted):
            pass

    with held_pool(futures) as (pool, gate):
        submitted = [pool.submit(no_op) for _ in range(count)]
        return seconds(work)


def wait_first(futures, count):
    # If the tasks just ran, a slow wait() would find more of them done and be called less often.
    # So each may end only when the one before it has been waited for: there are *count* waits.
    turns = threading.Semaphore(0)

    def work():
        pending = submitted
        while pending:
            turns.release()
            _, pending = futures.wait(pending, return_when=futures.FIRST_COMPLETED)

    with idle_pool(futures) as pool:
        submitted = {pool.submit(turns.acquire) for _ in range(count)}
        return seconds(work)


def cancel_futures(futures, count):
    with held_pool(futures) as (pool, _):
        submitted = [pool.submit(no_op) for _ in range(count)]
        # Not waiting: the threads cannot end before the gate is opened.
        elapsed = seconds(lambda: pool.shutdown(wait=False, cancel_futures=True))
        assert all(future.cancelled() for future in submitted)
        return elapsed


def memory(futures, count):
    with held_pool(futures) as (pool, _):
        gc.collect()
        tracemalloc.start()
        submitted = [pool.submit(no_op) for _ in range(count)]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        for future in submitted:
            future.cancel()
        return peak


def pool_life(pool, count):
    def work():
        for _ in range(count):
            threads = pool.ThreadPool(WORKERS)
            threads.map(int, range(WORKERS))
            threads.terminate()
            threads.join()

    return seconds(work)


STOPPED_THREADS = 8


def stopping(futures, task):
    """Return how long it takes until *task*, which runs in all threads, has been stopped there."""
    started = threading.Barrier(STOPPED_THREADS + 1)

    def run():
        started.wait()
        task()

    pool = futures.ThreadPoolExecutor(STOPPED_THREADS)
    for _ in range(STOPPED_THREADS):
        pool.submit(run)
    started.wait()
    time.sleep(0.05)  # to get from the barrier to where the task stays
    reports = []
    # No timeout: without the GIL, the import of ctypes alone can take longer than the default.
    elapsed = seconds(lambda: reports.append(pool.terminate_workers(grace=0, timeout=None)))
    assert len(reports[0].interrupted) == STOPPED_THREADS, reports[0]
    return elapsed


def stop_busy(futures, _):
    def busy():
        while True:
            pass

    return stopping(futures, busy)


def stop_parked(futures, _):
    return stopping(futures, lambda: threading.Event().wait())


class Work(NamedTuple):
    """What is measured, and the ratio that is to be reached."""

    measure: Callable[[Any, int], float]  # of a child: what it imports from, how many tasks
    title: str
    counts: tuple[int, int]  # the second one is for --fast
    goal: float
    repeats: int = 1  # in a child, which gives the median: where threads race, runs differ a lot
    rounds: int = 7  # fewer for what hardly varies
    unit: str = "second"
    module: str = "futures"
    rivals: tuple[str, ...] = (STANDARD,)  # the fastest of them counts

    @property
    def name(self):
        return self.measure.__name__.replace("_", "-")

    @property
    def is_possible(self):
        if self.measure is cancel_futures:
            return sys.version_info >= (3, 9)  # before, there is nothing to compare with
        return self.measure is not memory or tracemalloc is not None


WORKS = [
    Work(submit, "submit {:,} no-ops to 4 workers, then `result()`s", (30_000, 10_000), 0.5, 3),
    Work(one_at_a_time, "`submit(f).result()`, {:,} times, one at a time", (10_000, 4_000), 1.0, 3),
    Work(as_completed_finished, "`as_completed`, {:,} finished futures", (50_000, 20_000), 0.5),
    Work(as_completed_running, "`as_completed`, {:,} running tasks", (20_000, 20_000), 0.7, 3),
    Work(wait_first, "`wait` in a loop with `FIRST_COMPLETED`, {:,} tasks", (2_000, 800), 0.7),
    Work(cancel_futures, "`shutdown(cancel_futures=True)`, {:,} pending", (100_000, 40_000), 1.0),
    Work(memory, "peak memory of {:,} pending tasks", (100_000, 40_000), 1.0, 1, 3, "byte"),
]
# Its standard library waits in a loop with pauses of 0.1 seconds on 3.7.
POOL_GOAL = 1.0 if sys.version_info >= (3, 8) else 0.01
WORKS.append(
    Work(
        pool_life,
        "`ThreadPool`: create, `map`, `terminate`, `join`, {:,} times",
        (20, 10),
        POOL_GOAL,
        module="pool",
    )
)


class Latency(NamedTuple):
    """What is measured of us alone: the standard library cannot do it."""

    measure: Callable[[Any, int], float]
    title: str
    repeats: int = 9  # in a child, after the first one
    rounds: int = 7

    @property
    def name(self):
        return self.measure.__name__.replace("_", "-")


LATENCIES = [
    Latency(stop_busy, "8 threads busy in Python"),
    Latency(stop_parked, "8 threads in `Event.wait()`"),
]
if sys.implementation.name == "pypy":  # It has no asynchronous exceptions.
    LATENCIES.clear()
LATENCY_OF = {latency.name: latency for latency in LATENCIES}
