"""Futures of loky and pebble in our ``as_completed()`` and ``wait()``, cancelled ones included."""

from __future__ import annotations

import contextlib
import os
import threading
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, CancelledError

import pytest

from conftest import DEADLOCK_S

loky = pytest.importorskip("loky")
pebble = pytest.importorskip("pebble")

MANY = 20  # more than are sent to the processes ahead of time


class Loky:
    """``get_reusable_executor()``."""

    def __enter__(self):
        self.executor = loky.get_reusable_executor(max_workers=1, timeout=60)
        self.submit = self.executor.submit
        return self

    def __exit__(self, *error):
        self.stop()

    def stop(self):
        self.executor.shutdown(wait=True, kill_workers=True)


class Pebble:
    """``ProcessPool`` and ``ThreadPool``."""

    def __init__(self, kind):
        self.pool = kind(max_workers=1)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()
        self.pool.join()

    def submit(self, function, *args):
        return self.pool.schedule(function, args=args)

    def stop(self):
        self.pool.stop()


ENGINES = {
    "loky": Loky,
    "pebble processes": lambda: Pebble(pebble.ProcessPool),
    "pebble threads": lambda: Pebble(pebble.ThreadPool),
}


@pytest.fixture(params=ENGINES)
def engine(request, held):
    """An executor with one worker, which what is held is let go before it ends."""
    with ENGINES[request.param]() as engine:
        engine.name = request.param
        yield engine
        held.let_go()


def background(function):
    """Call it in a thread, and return the list that its result will be in, and the thread."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    return results, thread


def joined(results, thread):
    thread.join(DEADLOCK_S)
    assert not thread.is_alive(), "still waiting"
    return results[0]


def test_results(lib, engine):
    """All of them arrive, each once, among ours."""
    with lib.futures.ThreadPoolExecutor(1) as executor:
        futures = [engine.submit(abs, -n) for n in range(9)] + [executor.submit(abs, -9)]
        futures.append(engine.submit(int, "x"))
        arrived = list(lib.futures.as_completed(futures, DEADLOCK_S))
        assert sorted(map(id, arrived)) == sorted(map(id, futures))
        assert sorted(f.result() for f in futures[:-1]) == list(range(10))
        assert isinstance(futures[-1].exception(), ValueError)
        assert lib.futures.wait(futures, DEADLOCK_S).done == set(futures)


def test_first_exception(lib, engine, held):
    """wait() returns when one fails, while another runs."""
    failing = engine.submit(int, "x")
    running = engine.submit(held.task)
    waited = lib.futures.wait([running, failing], DEADLOCK_S, FIRST_EXCEPTION)
    assert waited.done == {failing}
    assert waited.not_done == {running}


def test_cancelled_before(lib, engine, held):
    """One that is already cancelled keeps nobody waiting, though the only worker is busy."""
    running = engine.submit(held.task)
    held.wait_until_running()
    queued = [engine.submit(int) for _ in range(MANY)]
    assert queued[-1].cancel()
    assert next(lib.futures.as_completed([running, queued[-1]], DEADLOCK_S)) is queued[-1]
    waited = lib.futures.wait([running, queued[-1]], DEADLOCK_S, FIRST_COMPLETED)
    assert waited.done == {queued[-1]}


def test_cancelled_meanwhile(lib, engine, held):
    """Whoever already waits is woken by cancel(), though the only worker is busy."""
    running = engine.submit(held.task)
    held.wait_until_running()
    queued = [engine.submit(int) for _ in range(MANY)]
    cancelled = queued[0], queued[-1]
    assert cancelled[0].cancel() or engine.name == "loky"  # which sends some ahead
    arrivals = lib.futures.as_completed([cancelled[1], running], DEADLOCK_S)
    iterated = background(lambda: next(arrivals))
    waiting = background(
        lambda: lib.futures.wait([cancelled[1], running], DEADLOCK_S, FIRST_COMPLETED).done
    )
    while not (cancelled[1]._done_callbacks and len(cancelled[1]._done_callbacks) >= 2):
        threading.Event().wait(0.001)  # until both have begun to wait
    assert cancelled[1].cancel()
    assert joined(*iterated) is cancelled[1]
    assert joined(*waiting) == {cancelled[1]}
    arrivals.close()
    assert not running.done() or engine.name == "pebble processes"


@pytest.mark.parametrize("engine", ["loky"], indirect=True)  # pebble leaves its futures pending.
def test_stopped_by_their_own_means(lib, engine, held):
    """Everything ends for whoever waits when the engine is stopped, with what runs in it."""
    running = engine.submit(held.task)
    held.wait_until_running()
    futures = [running, *(engine.submit(int) for _ in range(MANY))]
    arriving = background(lambda: list(lib.futures.as_completed(futures, DEADLOCK_S)))
    waiting = background(lambda: lib.futures.wait(futures, DEADLOCK_S))
    engine.stop()
    arrived = joined(*arriving)
    assert sorted(map(id, arrived)) == sorted(map(id, futures))
    assert joined(*waiting).not_done == set()
    for future in futures[1:]:
        with contextlib.suppress(CancelledError, loky.process_executor.ShutdownExecutorError):
            assert future.result(0) == 0


def test_a_process_of_pebbles_is_killed_by_cancel(lib, held):
    """Its futures end when their process is killed, and not with what it has returned."""
    with pebble.ProcessPool(max_workers=1) as pool:
        running = pool.schedule(held.task)
        held.wait_until_running()
        arriving = background(lambda: list(lib.futures.as_completed([running], DEADLOCK_S)))
        assert running.cancel()
        assert joined(*arriving) == [running]
        assert running.cancelled()
        after = pool.schedule(os.getpid)
        assert lib.futures.wait([after], DEADLOCK_S).done == {after}


def test_nothing_stays_on_them(lib, engine, held):
    """An iterator that is left early and a wait() in vain take their callbacks away."""
    running = engine.submit(held.task)
    held.wait_until_running()
    before = len(running._done_callbacks)
    done = lib.futures.wait([running], 0).done
    with pytest.raises(TimeoutError):
        list(lib.futures.as_completed([running], 0.01))
    assert done == set()
    assert len(running._done_callbacks) == before
