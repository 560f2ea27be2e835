"""Time and memory of poolcompat against the standard library of the same interpreter.

Every value is that of a fresh child process, and the sides take turns: standard library, import,
patch, standard library, import, patch, …  So whatever else the machine does slows them all alike,
and a ratio is taken within a round, between neighbours.

The first half of this file runs in the children, where the code measured does not know its side.
The second half collects and prints; only there is pyperf imported.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import gc
import importlib.util
import os
import platform
import subprocess
import sys
import threading
import time
from typing import Any, Callable, NamedTuple

try:
    import tracemalloc
except ImportError:  # PyPy
    tracemalloc = None

STANDARD, IMPORT, PATCH = "standard library", "import", "patch"
WORKERS = 4
DEADLOCK_S = 180  # a child that takes longer shows its stacks and ends


def pools_of(side):
    """Return what users of this side import from, with everything in place."""
    if side == IMPORT:
        from poolcompat import futures
    else:
        from concurrent import futures
    if side == PATCH:
        import poolcompat

        poolcompat.patch_all()
    return futures


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


def child(side, name, count):
    faulthandler.dump_traceback_later(DEADLOCK_S, exit=True)
    futures, work = pools_of(side), WORK_OF[name]
    work.measure(futures, count // 10)  # warm up
    values = sorted(work.measure(futures, count) for _ in range(work.repeats))
    print(repr(values[len(values) // 2]))


class Work(NamedTuple):
    """What is measured, and the ratio that is to be reached.  This begins the parent's half."""

    measure: Callable[[Any, int], float]  # of a child: what it imports from, how many tasks
    title: str
    counts: tuple[int, int]  # the second one is for --fast
    goal: float
    repeats: int = 1  # in a child, which gives the median: where threads race, runs differ a lot
    rounds: int = 11  # fewer for what hardly varies
    unit: str = "second"

    @property
    def name(self):
        return self.measure.__name__.replace("_", "-")

    @property
    def is_possible(self):
        if self.measure is cancel_futures:
            return sys.version_info >= (3, 9)  # before, there is nothing to compare with
        return self.measure is not memory or tracemalloc is not None


WORKS = [
    Work(submit, "submit {:,} no-ops to 4 workers, then `result()`s", (50_000, 10_000), 0.5, 3),
    Work(one_at_a_time, "`submit(f).result()`, {:,} times, one at a time", (20_000, 4_000), 1.0, 3),
    Work(as_completed_finished, "`as_completed`, {:,} finished futures", (100_000, 20_000), 0.5),
    Work(as_completed_running, "`as_completed`, {:,} running tasks", (20_000, 20_000), 0.7, 5),
    Work(wait_first, "`wait` in a loop with `FIRST_COMPLETED`, {:,} tasks", (3_000, 800), 0.7),
    Work(cancel_futures, "`shutdown(cancel_futures=True)`, {:,} pending", (200_000, 40_000), 1.0),
    Work(memory, "peak memory of {:,} pending tasks", (200_000, 40_000), 1.0, 1, 3, "byte"),
]
WORK_OF = {work.name: work for work in WORKS}


def measured(work, sides, fast):
    """Return the values of each side, one for each round."""
    count = work.counts[fast]
    rounds = min(work.rounds, 7) if fast else work.rounds
    environ = {k: v for k, v in os.environ.items() if k != "POOLCOMPAT_SKIP"}
    values = {side: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            command = [sys.executable, __file__, "--child", side, work.name, str(count)]
            done = subprocess.run(command, stdout=subprocess.PIPE, env=environ)
            if done.returncode:
                sys.exit(f"{work.name}: the child of {side} failed")
            values[side].append(float(done.stdout))
    return values


def benchmark(values, unit):
    import pyperf

    metadata = {"name": "bench", "unit": unit}
    return pyperf.Benchmark([pyperf.Run([value], metadata=metadata) for value in values])


def cells(work, doors, fast):
    """Return a row of the table."""
    row = [work.title.format(work.counts[fast])]
    if work.is_possible:
        values = measured(work, [STANDARD, *doors], fast)
        standard = benchmark(values[STANDARD], work.unit)
        row.append(standard.format_value(standard.median()))
        for door in doors:
            row.append(judged([a / b for a, b in zip(values[door], values[STANDARD])], work.goal))
    else:
        row.extend(["n/a"] * (1 + len(doors)))
    row.append(f"{work.goal} or less")
    return row


def judged(ratios, goal):
    ratio = benchmark(ratios, "integer")  # pyperf has no unit for it
    median = round(ratio.median(), 2)
    quartiles = f"{ratio.percentile(25):.2f} to {ratio.percentile(75):.2f}"
    return f"{median:.2f} ({quartiles}) {'✓' if median <= goal else '✗'}"


def machine():
    about = benchmark([1.0], "second").get_metadata()
    return (
        f"{about.get('cpu_model_name', 'machine')} with {os.cpu_count()} CPUs, {about['platform']}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("work", nargs="?", choices=list(WORK_OF), help="measure only this")
    parser.add_argument("--door", choices=[IMPORT, PATCH], help="measure only this one")
    parser.add_argument("--fast", action="store_true", help="fewer rounds, smaller numbers")
    parser.add_argument("--markdown", action="store_true", help="print a table for the docs")
    options = parser.parse_args()

    doors = [options.door] if options.door else [IMPORT, PATCH]
    head = ["work", STANDARD, *doors, "goal"]
    interpreter = f"{platform.python_implementation()} {platform.python_version()}"
    where = machine()
    if options.markdown:
        print(f"### {interpreter}\n\n{where}\n")
        show(head, True)
        show(["---"] * len(head), True)
    else:
        print(f"{interpreter}, {where}\n{importlib.util.find_spec('poolcompat').origin}")
        show(head, False)
    for work in [WORK_OF[options.work]] if options.work else WORKS:
        row = cells(work, doors, options.fast)
        show(row if options.markdown else [work.name, *row[1:]], options.markdown)


def show(row, markdown):
    if markdown:
        print("| " + " | ".join(row) + " |", flush=True)
    else:
        print(*(f"{cell:22}" for cell in row), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
