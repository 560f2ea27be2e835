"""What ``child.py`` measures of child processes.

The task is ``int``, which every process has: what is measured is the way there and back, and not
how long it takes to send or to import a function of ours.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import tempfile
import threading
import time

from works import LOKY, PEBBLE, STANDARD, WORKS, Work, seconds

THREADS, PROCESSES = 4, 2  # of a killable pool, and of those which it is compared with
HUNG = 8
WARM_UP = 200  # tasks, after which all processes have been started


@contextlib.contextmanager
def warm(executor):
    """Give an executor whose processes have all been started and have nothing to do."""
    with executor:
        for future in [executor.submit(int) for _ in range(WARM_UP)]:
            future.result()
        time.sleep(0.05)  # to get back to where they wait for work
        yield executor


class Pebble:
    """A ``pebble.ProcessPool`` as an executor; its own submit() wants a timeout."""

    def __init__(self, pool):
        self.pool = pool
        self.submit = pool.schedule

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pool.close()
        self.pool.join()


def killable_or_rival(module, threads, processes):
    """Return our killable pool, or what *module* has instead."""
    if hasattr(module, "KillableThreadPoolExecutor"):
        return module.KillableThreadPoolExecutor(threads)
    if module.__name__ == PEBBLE:
        return Pebble(module.ProcessPool(max_workers=processes))
    if module.__name__ == LOKY:
        return module.get_reusable_executor(max_workers=processes)
    return module.ProcessPoolExecutor(processes)


def submit_to(executor, count):
    submitted = []  # out here, so that the futures are not destroyed in the time measured

    def work():
        submitted.extend(executor.submit(int) for _ in range(count))
        for future in submitted:
            future.result()

    with warm(executor):
        return seconds(work)


def take_turns_with(executor, count):
    def work():
        for _ in range(count):
            executor.submit(int).result()

    with warm(executor):
        return seconds(work)


def killable_submit(module, count):
    return submit_to(killable_or_rival(module, THREADS, PROCESSES), count)


def killable_one_at_a_time(module, count):
    return take_turns_with(killable_or_rival(module, 1, 1), count)


def hang(folder):
    """Say that it has begun, by a file, and stay in C."""
    with open(os.path.join(folder, str(threading.get_ident())), "w"):
        pass
    time.sleep(3600)


def hang_in_threads(folder, count):
    for _ in range(count):
        threading.Thread(target=hang, args=(folder,)).start()


def killable_kill(module, count):
    with tempfile.TemporaryDirectory() as folder:
        if hasattr(module, "KillableThreadPoolExecutor"):
            executor = module.KillableThreadPoolExecutor(count)
            submitted = [executor.submit(hang, folder) for _ in range(count)]

            def work():
                executor.kill_workers()
                module.wait(submitted)

        else:
            context = multiprocessing.get_context("spawn")
            process = context.Process(target=hang_in_threads, args=(folder, count))
            process.start()

            def work():
                process.kill()
                process.join()

        while len(os.listdir(folder)) < count:
            time.sleep(0.01)
        time.sleep(0.05)  # to get from the file to sleep()
        return seconds(work)


def killable_start(module, count):
    executors = []

    def work():
        for _ in range(count):
            if hasattr(module, "KillableThreadPoolExecutor"):
                executor = module.KillableThreadPoolExecutor(1, mp_context=context)
            else:
                executor = module.ProcessPoolExecutor(1, mp_context=context)
            executors.append(executor)
            executor.submit(int).result()

    context = multiprocessing.get_context("spawn")
    try:
        return seconds(work)
    finally:
        for executor in executors:
            executor.shutdown()


def processes_submit(module, count):
    return submit_to(module.ProcessPoolExecutor(PROCESSES), count)


def processes_one_at_a_time(module, count):
    return take_turns_with(module.ProcessPoolExecutor(PROCESSES), count)


RIVALS = (STANDARD, PEBBLE, LOKY)
if sys.implementation.name == "pypy":  # There loky cannot be imported.
    RIVALS = (STANDARD, PEBBLE)

KILLABLE_WORKS = [
    Work(
        killable_submit,
        f"submit {{:,}} no-ops to {THREADS} threads in one process, then `result()`s;"
        f" the others have {PROCESSES} processes",
        (10_000, 5_000),
        0.5,
        rivals=RIVALS,
    ),
    Work(
        killable_one_at_a_time,
        "`submit(f).result()`, {:,} times, one at a time;"
        " the standard library's `ProcessPoolExecutor(1)`",
        (1_000, 500),
        1.0,
        3,
    ),
    Work(
        killable_kill,
        "`kill_workers()` with {:,} tasks that hang in C;"
        " `Process.kill()` and `join()` of a process with as many threads",
        (HUNG, HUNG),
        2.0,
        5,
    ),
    Work(
        killable_start,
        "make an executor with one worker, by spawn, for one result; `ProcessPoolExecutor`",
        (1, 1),
        1.0,
        5,
    ),
]
PROCESS_WORKS = [
    Work(
        processes_submit,
        f"`ProcessPoolExecutor({PROCESSES})`: submit {{:,}} no-ops, then `result()`s",
        (4_000, 2_000),
        1.0,
        3,
    ),
    Work(
        processes_one_at_a_time,
        f"`ProcessPoolExecutor({PROCESSES})`: `submit(f).result()`, {{:,}} times, one at a time",
        (1_000, 500),
        1.0,
        3,
    ),
]
WORK_OF = {work.name: work for work in [*WORKS, *PROCESS_WORKS, *KILLABLE_WORKS]}
