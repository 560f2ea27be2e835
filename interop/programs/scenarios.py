"""What pools do with us, whoever else has changed them; each scenario ends, or fails.

``lib`` has the pools of one of the two doors.  Every wait has an end: should it come to it, the
scenario fails by what it has not got.
"""

from __future__ import annotations

import os
import threading
import time
import traceback

from poolcompat.futures import KillableThreadPoolExecutor
from poolcompat.stopping import TaskStopped, current_stop_event

ALARM_S = 20  # a wait that takes this long is a deadlock


class Held:
    """A task that stays where it is until it is let go."""

    def __init__(self):
        self.started = threading.Event()
        self.gate = threading.Event()

    def __call__(self, value=None):
        self.started.set()
        assert self.gate.wait(ALARM_S)
        return value


def start(function, *arguments):
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


def results(lib):
    """Calls, their results and exceptions, more of them than threads, from several threads."""
    with lib.futures.ThreadPoolExecutor(3) as executor:
        assert list(executor.map(pow, range(50), [2] * 50)) == [n**2 for n in range(50)]
        failed = executor.submit(int, "x")
        assert isinstance(failed.exception(ALARM_S), ValueError)
        found = []
        threads = [start(lambda: found.extend(executor.map(abs, range(-9, 0)))) for _ in range(4)]
        for thread in threads:
            thread.join(ALARM_S)
        assert sorted(found) == sorted(4 * list(range(1, 10)))
    assert all(not thread.is_alive() for thread in executor._threads)


def cancelled_by_shutdown(lib):
    """as_completed() and wait() in other threads, and a future cancelled by shutdown()."""
    held, found = Held(), []
    executor = lib.futures.ThreadPoolExecutor(1)
    futures = [executor.submit(held, 7), executor.submit(len, "never")]
    assert held.started.wait(ALARM_S)
    waiting = [
        start(lambda: found.extend(lib.futures.as_completed(futures, ALARM_S))),
        start(lambda: found.extend(lib.futures.wait(futures, ALARM_S).done)),
    ]
    executor.shutdown(wait=False, cancel_futures=True)
    assert [*lib.futures.as_completed(futures[1:], ALARM_S)] == futures[1:]
    held.gate.set()
    for thread in waiting:
        thread.join(ALARM_S)
    assert sorted(map(id, found)) == sorted(map(id, futures * 2))
    assert futures[0].result() == 7
    assert futures[1].cancelled()


def cancel_wakes(lib):
    """A thread that already waits is woken by cancel(), while the only worker is busy."""
    held, entered, woken = Held(), threading.Event(), threading.Event()
    with lib.futures.ThreadPoolExecutor(1) as executor:
        executor.submit(held)
        queued = executor.submit(len, "never")
        ready = executor.submit(len, "never")
        ready.cancel()

        def wait():
            arrivals = lib.futures.as_completed([ready, queued], ALARM_S)
            assert next(arrivals) is ready
            entered.set()
            assert next(arrivals) is queued
            woken.set()

        start(wait)
        assert entered.wait(ALARM_S)
        assert queued.cancel()
        assert woken.wait(ALARM_S)
        assert not held.gate.is_set()
        held.gate.set()


def cancel_reaches_the_task(lib):
    """cancel() sets the stop event of a task that runs."""
    started = threading.Event()

    def look():
        started.set()
        return current_stop_event().wait(ALARM_S)

    with lib.futures.ThreadPoolExecutor(1) as executor:
        future = executor.submit(look)
        assert started.wait(ALARM_S)
        assert not future.cancel()
        assert future.result(ALARM_S) is True


def buffered_map(lib):
    """Executor.map() takes no more of an endless input than it was told to."""
    taken = []

    def numbers():
        while True:
            taken.append(len(taken))
            yield taken[-1]

    with lib.futures.ThreadPoolExecutor(2) as executor:
        squares = executor.map(lambda n: n * n, numbers(), buffersize=3)
        assert [next(squares) for _ in range(5)] == [0, 1, 4, 9, 16]
        squares.close()
    assert len(taken) <= 5 + 3


def thread_pool(lib):
    """A ThreadPool maps, and when it is terminated every result becomes ready."""
    held, released = Held(), []
    pool = lib.pool.ThreadPool(2)
    assert pool.map(abs, range(-5, 0)) == [5, 4, 3, 2, 1]
    assert list(pool.imap_unordered(abs, [-1])) == [1]
    running = pool.apply_async(held, (3,), callback=released.append)
    assert held.started.wait(ALARM_S)
    queued = pool.map_async(lambda n: held(), range(9))
    pool.terminate()
    for result in (running, queued):
        try:
            result.get(ALARM_S)
        except TaskStopped:
            continue
        raise AssertionError(f"{result} has a value")
    held.gate.set()
    pool.join()
    assert released == []


def terminated_thread_pool(lib):
    """What waits and does not look is reported by an escalating terminate(), if not interrupted."""
    held = Held()
    pool = lib.pool.ThreadPool(1)
    result = pool.apply_async(held)
    assert held.started.wait(ALARM_S)
    pool.terminate(on_terminate="escalate", grace=0.1, timeout=0.5)
    try:
        result.get(ALARM_S)
    except TaskStopped as stopped:
        print(stopped.reason)
    held.gate.set()
    pool.join()


def process_pool(lib):
    """Processes compute, and are killed."""
    with lib.futures.ProcessPoolExecutor(2) as executor:
        assert list(executor.map(pow, range(9), [2] * 9)) == [n**2 for n in range(9)]
        first = executor.submit(time.sleep, 3600)
        assert not lib.futures.wait([first], 0.2).done
        executor.kill_workers()
        assert isinstance(first.exception(ALARM_S), lib.futures.BrokenExecutor)


def killable(lib):
    """Threads in a process of their own compute, and are killed."""
    with KillableThreadPoolExecutor(2, restart=True) as executor:
        assert list(executor.map(pow, range(9), [2] * 9)) == [n**2 for n in range(9)]
        first = executor.submit(time.sleep, 3600)
        assert not lib.futures.wait([first], 0.2).done
        executor.kill_workers()
        assert first.exception(ALARM_S).reason == "killed"
        assert executor.submit(pow, 2, 5).result(ALARM_S) == 32


def fork(lib):
    """A forked child has the executor empty and usable."""
    executor = lib.futures.ThreadPoolExecutor(1)
    held = Held()
    inherited = executor.submit(held, 1)
    assert held.started.wait(ALARM_S)
    answers, answer = os.pipe()
    if os.fork() == 0:
        try:
            assert isinstance(inherited.exception(ALARM_S), lib.futures.BrokenExecutor)
            assert executor.submit(pow, 2, 5).result(ALARM_S) == 32
            os.write(answer, b"held")
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(answer)
    # Not waitpid(): on 3.15 that of gevent 26.9 misses children now and then, without us as well.
    assert os.read(answers, 100) == b"held"
    held.gate.set()
    assert inherited.result(ALARM_S) == 1
    executor.shutdown()


def exit_runs_the_queue(lib):
    """The interpreter exits when what was submitted has been done, and not before."""
    executor = lib.futures.ThreadPoolExecutor(1)
    for number in range(5):
        executor.submit(print, "exit", number, flush=True)


SCENARIOS = {
    scenario.__name__: scenario
    for scenario in (
        results,
        cancelled_by_shutdown,
        cancel_wakes,
        cancel_reaches_the_task,
        buffered_map,
        thread_pool,
        terminated_thread_pool,
        process_pool,
        killable,
        fork,
        exit_runs_the_queue,
    )
}
