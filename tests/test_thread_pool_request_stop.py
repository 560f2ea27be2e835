"""``ThreadPool.request_stop()``: what runs is asked, the rest is dropped, the pool stays usable."""

from __future__ import annotations

import gc
import itertools
import multiprocessing.pool
import threading
import weakref

import pytest

import poolcompat
from asked import wait_for
from conftest import DEADLOCK_S
from outcomes import error_of, reason_of
from poolcompat.pool import ThreadPool
from poolcompat.stopping import checkpoint, current_stop_event, stop_requested

# A task that is about to end when the pool does is told of.
pytestmark = pytest.mark.filterwarnings("ignore::poolcompat.TerminateWarning")


@pytest.fixture
def pool():
    with ThreadPool(1) as pool:
        yield pool


def listening(started):
    """Return a task that goes on until it is asked to stop."""

    def task(value=None):
        started.release()
        assert current_stop_event().wait(DEADLOCK_S)
        return value

    return task


def test_running_tasks_are_asked_and_counted(started):
    """What they return is their result."""
    with ThreadPool(3) as pool:
        results = [pool.apply_async(listening(started), (number,)) for number in range(3)]
        wait_for(started, 3)
        assert pool.request_stop() == 3
        assert [result.get(DEADLOCK_S) for result in results] == [0, 1, 2]
        assert pool.request_stop() == 0


def test_the_pool_can_be_used_again(pool, started):
    """A later task is not asked, though its thread has run one that was."""
    first = pool.apply_async(listening(started))
    wait_for(started)
    pool.request_stop()
    first.get(DEADLOCK_S)

    assert pool.apply(stop_requested) is False
    assert pool.map(abs, range(5)) == [0, 1, 2, 3, 4]
    assert list(pool.imap(abs, range(5), buffersize=1)) == [0, 1, 2, 3, 4]


def test_what_has_not_started_is_dropped(pool, started):
    """Nothing of it ever runs, and whoever waits for it is woken."""
    ran = []
    running = pool.apply_async(listening(started))
    wait_for(started)
    waiting = [
        pool.apply_async(ran.append, (0,)).get,
        pool.map_async(ran.append, range(3)).get,
        pool.starmap_async(ran.append, [(0,)] * 3).get,
        pool.imap(ran.append, range(3)).next,
        pool.imap(ran.append, range(3), 2).next,
        pool.imap_unordered(ran.append, range(3)).next,
    ]
    pool.request_stop()

    assert [reason_of(get) for get in waiting] == ["not started"] * 6
    running.get(DEADLOCK_S)
    pool.close()
    pool.join()
    assert ran == []


def test_error_callbacks_are_called(pool, started):
    """In the thread for callbacks, as ever."""
    calls = []
    ended = threading.Barrier(2)

    def callback(error):
        calls.append((error.reason, threading.current_thread()))
        ended.wait(DEADLOCK_S)

    pool.apply(int)
    pool.apply_async(listening(started))
    wait_for(started)
    results = [pool.apply_async(int, error_callback=callback) for _ in range(2)]
    pool.request_stop()
    for _ in results:
        ended.wait(DEADLOCK_S)

    assert {reason for reason, _ in calls} == {"not started"}
    assert len({thread for _, thread in calls} - {*pool._pool, threading.main_thread()}) == 1
    assert [reason_of(lambda r=r: r.get(DEADLOCK_S)) for r in results] == ["not started"] * 2


@pytest.mark.parametrize("chunksize", [1, 4])
def test_the_rest_of_a_map_is_dropped(pool, started, chunksize):
    """The items that follow the one that runs never begin."""
    begun = []

    def task(number):
        begun.append(number)
        listening(started)()

    result = pool.map_async(task, range(8), chunksize)
    wait_for(started)
    assert pool.request_stop() == 1

    assert reason_of(lambda: result.get(DEADLOCK_S)) in ("not started", "stopped")
    pool.apply(int)
    assert begun == [0]


def test_a_map_whose_last_chunk_runs_is_whole(started):
    """It lacks nothing."""
    with ThreadPool(2) as pool:
        result = pool.map_async(listening(started), range(2), 1)
        wait_for(started, 2)
        assert pool.request_stop() == 2
        assert result.get(DEADLOCK_S) == [0, 1]


@pytest.mark.parametrize("imap", ["imap", "imap_unordered"])
@pytest.mark.parametrize("buffersize", [None, 2])
def test_an_iterator_yields_what_came_then_raises_once(pool, started, imap, buffersize):
    """Infinite input is not taken any more, and let go of."""
    task = listening(started)
    numbers = (number for number in itertools.count())
    reference = weakref.ref(numbers)
    results = getattr(pool, imap)(lambda n: task(n) if n == 1 else n, numbers, 1, buffersize)
    del numbers
    wait_for(started)
    pool.request_stop()

    outcomes = []
    for _ in range(3):
        try:
            outcomes.append(next(results))
        except poolcompat.TaskStopped as error:
            outcomes.append(error.reason)
    assert list(results) == []
    if imap == "imap":
        assert outcomes == [0, 1, "not started"]
    assert set(outcomes) == {0, 1, "not started"}
    assert pool.apply(int) == 0
    while reference() is not None:
        gc.collect()


def test_input_that_blocks_keeps_nobody_waiting(started):
    """Its iterator ends at once, and what it yields later is not taken."""
    blocked, release = threading.Event(), threading.Event()

    def numbers():
        yield 0
        blocked.set()
        release.wait(DEADLOCK_S)
        yield 1

    ran = []
    pool = ThreadPool(1)
    results = pool.imap(ran.append, numbers())
    assert blocked.wait(DEADLOCK_S)
    pool.request_stop()
    first = error_of(results.next)
    later = pool.apply_async(int)
    release.set()

    assert first is None or first.reason == "not started"
    assert later.get(DEADLOCK_S) == 0
    pool.close()
    pool.join()
    assert 1 not in ran


def test_a_task_that_asks_its_own_pool_is_asked(pool):
    """It goes on until it looks."""

    def task():
        count = pool.request_stop()
        assert stop_requested()
        checkpoint()
        return count

    assert reason_of(lambda: pool.apply_async(task).get(DEADLOCK_S)) == "stopped"


def test_a_closed_pool_ends_all_the_same(started):
    """The signal to end is not dropped with what waits behind it."""
    pool = ThreadPool(2)
    running = pool.apply_async(listening(started), (7,))
    wait_for(started)
    pool.map_async(int, range(100), 1)
    pool.close()
    pool.request_stop()
    pool.join()

    assert running.get(0) == 7
    assert pool.request_stop() == 0


def test_many_at_once():
    """Submissions that cross it are done or dropped, and nobody hangs."""
    with ThreadPool(4) as pool:
        is_over = threading.Event()
        outcomes = set()

        def submit():
            while not is_over.is_set():
                for get in (
                    pool.apply_async(int).get,
                    pool.map_async(int, range(10), 2).get,
                    lambda: list(pool.imap(int, range(10))),
                    lambda: list(pool.imap(int, itertools.count(), 2, 3)),
                ):
                    outcomes.add(type(error_of(get)))

        threads = [threading.Thread(target=submit) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(300):
            pool.request_stop()
            pool.apply_async(int).wait(DEADLOCK_S)
        is_over.set()
        for thread in threads:
            while thread.is_alive():
                pool.request_stop()
                thread.join(0.01)

    assert outcomes <= {type(None), poolcompat.TaskStopped}


def test_the_standard_librarys_class_does_not_get_it():
    """patch_all() puts no name of ours there."""
    with poolcompat.patched(), multiprocessing.pool.ThreadPool(1) as pool:
        assert not hasattr(pool, "request_stop")
