"""Asking the tasks of a ``KillableThreadPoolExecutor`` to stop, across the pipe."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading

import pytest

from conftest import DEADLOCK_S
from killable_tasks import add, hold, who
from killable_things import looking_after, sleeping, until_asked, until_checkpoint
from outcomes import error_of
from poolcompat import TaskStopped
from poolcompat.futures import KillableThreadPoolExecutor
from stage import is_cancelled, nothing_left_behind, outcome

pytest_plugins = "killable_fixtures"


@pytest.fixture(scope="module")
def executor():
    """An executor that all tests here share; its process runs before the first one."""
    with KillableThreadPoolExecutor(2) as executor:
        executor.submit(int).result(DEADLOCK_S)
        yield executor


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(executor):
    with nothing_left_behind():
        yield


def test_request_stop_asks_what_runs_and_cancels_the_rest(executor, stage):
    """It tells how many were asked; what they return is their result; the pool stays usable."""
    pid, _ = executor.submit(who).result(DEADLOCK_S)
    running = [executor.submit(until_asked, stage.address, number) for number in range(2)]
    actors = stage.take(2)
    queued = [executor.submit(hold, stage.address) for _ in range(3)]
    assert executor.request_stop() == 2
    assert all(map(is_cancelled, queued))
    assert not concurrent.futures.wait(queued, DEADLOCK_S).not_done
    assert [actor.hear() for actor in actors] == ["asked", "asked"]
    assert [future.result(DEADLOCK_S) for future in running] == [0, 1]
    assert executor.submit(who).result(DEADLOCK_S)[0] == pid


def test_request_stop_where_nothing_runs(executor, make):
    """Nobody is asked, and no process is started for it."""
    assert executor.request_stop() == 0
    new = make(1)
    assert new.request_stop() == 0
    assert not new._processes
    assert new.submit(add, 1).result(DEADLOCK_S) == 1
    new.shutdown()
    assert new.request_stop() == 0
    new.kill_workers()
    assert new.request_stop() == 0


def test_later_tasks_are_not_asked(executor, stage):
    """Though their threads have run some that were."""
    for _ in range(2):
        running = [executor.submit(until_asked, stage.address) for _ in range(2)]
        actors = stage.take(2)
        executor.request_stop()
        assert [actor.hear() for actor in actors] == ["asked", "asked"]
        concurrent.futures.wait(running, DEADLOCK_S)
        later = [executor.submit(looking_after, stage.address) for _ in range(2)]
        for actor in stage.take(2):
            actor.let_go()
        assert [future.result(DEADLOCK_S) for future in later] == [False, False]


@pytest.mark.parametrize("task", [until_checkpoint, sleeping])
@pytest.mark.parametrize("way", ["cancel", "request_stop"])
def test_a_task_that_stops(executor, stage, task, way):
    """checkpoint() and sleep() end it, and the caller sees the reason."""
    future = executor.submit(task, stage.address)
    stage.next()
    if way == "cancel":
        assert future.cancel() is False
    else:
        assert executor.request_stop() == 1
    error = outcome(future)
    assert type(error) is TaskStopped
    assert error.reason == "stopped"
    assert not future.cancelled()


def test_cancel_asks_only_its_own_task(executor, stage):
    """The other one goes on, unasked, and so does the one that follows."""
    mine = executor.submit(until_asked, stage.address, "mine")
    actor = stage.next()
    other = executor.submit(looking_after, stage.address)
    other_actor = stage.next()
    assert mine.cancel() is False
    assert actor.hear() == "asked"
    assert mine.result(DEADLOCK_S) == "mine"
    other_actor.let_go()
    assert other.result(DEADLOCK_S) is False


def test_what_has_not_started_is_cancelled_for_good(executor, stage):
    """It never runs, and cancel() tells so."""
    running = [executor.submit(hold, stage.address, number) for number in range(2)]
    actors = stage.take(2)
    queued = [executor.submit(hold, stage.address, "queued") for _ in range(3)]
    assert [future.cancel() for future in queued] == [True] * 3
    assert [future.cancel() for future in queued] == [True] * 3
    assert set(concurrent.futures.as_completed(queued, DEADLOCK_S)) == set(queued)
    for actor in actors:
        actor.let_go()
    last = executor.submit(hold, stage.address, "last")
    actor = stage.next()
    assert actor.value == "last"
    actor.let_go()
    assert [future.result(DEADLOCK_S) for future in [*running, last]] == [0, 1, "last"]


def test_cancel_when_it_is_done(executor):
    """Changes nothing, and disturbs nobody."""
    future = executor.submit(add, 1)
    assert future.result(DEADLOCK_S) == 1
    assert future.cancel() is False
    assert future.result(0) == 1
    assert executor.submit(add, 2).result(DEADLOCK_S) == 2


def test_asked_many_times(executor, stage):
    """Once is enough, and more do no harm."""
    future = executor.submit(until_asked, stage.address, 1)
    actor = stage.next()
    for _ in range(50):
        assert future.cancel() is False
        executor.request_stop()
    assert actor.hear() == "asked"
    assert future.result(DEADLOCK_S) == 1
    later = executor.submit(looking_after, stage.address)
    stage.next().let_go()
    assert later.result(DEADLOCK_S) is False


def test_requests_that_cross_submissions(executor):
    """Each future is done, one way or the other."""
    futures, is_over = [], threading.Event()

    def submit():
        while not is_over.is_set():
            futures.append(executor.submit(add, 1))
            concurrent.futures.wait(futures[-1:], DEADLOCK_S)

    threads = [threading.Thread(target=submit) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(100):
        executor.request_stop()
        error_of(lambda: executor.submit(add, 1).result(DEADLOCK_S))
    is_over.set()
    for thread in threads:
        thread.join(DEADLOCK_S)
    assert not concurrent.futures.wait(futures, DEADLOCK_S).not_done
    assert all(future.cancelled() or future.result(0) == 1 for future in futures)


def test_from_a_callback(executor, stage):
    """Of a task that was asked, and of one that was cancelled."""
    asked, called = [], threading.Event()
    running = executor.submit(until_asked, stage.address)
    other = executor.submit(until_asked, stage.address)
    actors = stage.take(2)
    queued = executor.submit(add, 1)

    def callback(_):
        asked.append(error_of(executor.request_stop))
        called.set()

    queued.add_done_callback(callback)
    running.add_done_callback(callback)
    assert queued.cancel()
    assert called.wait(DEADLOCK_S)
    assert [actor.hear() for actor in actors] == ["asked", "asked"]
    assert outcome(running) is outcome(other) is None
    assert executor.submit(add, 1).result(DEADLOCK_S) == 1
    assert asked in ([None], [None, None])


def test_when_it_is_shut_down_already(make, stage):
    """What goes on can be asked as long as it goes on."""
    executor = make(1)
    future, queued = executor.submit(until_asked, stage.address, 1), executor.submit(add, 1)
    actor = stage.next()
    executor.shutdown(wait=False)
    assert executor.request_stop() == 1
    assert is_cancelled(queued)
    assert actor.hear() == "asked"
    executor.shutdown()
    assert future.result(0) == 1


def test_while_the_process_is_starting(make):
    """What was submitted is cancelled or asked, and the executor can be used."""
    executor = make(1)
    futures = [executor.submit(add, 1) for _ in range(3)]
    assert executor.request_stop() in (0, 1)
    assert all(map(is_cancelled, futures[1:]))
    assert isinstance(outcome(futures[0]), (type(None), concurrent.futures.CancelledError))
    assert executor.submit(add, 1).result(DEADLOCK_S) == 1


def test_after_a_restart(make, stage):
    """The new process hears it as well."""
    executor = make(1, restart=True)
    executor.submit(hold, stage.address)
    first = stage.next()
    executor.kill_workers()
    for way in ("cancel", "request_stop"):
        future = executor.submit(until_asked, stage.address, 1)
        actor = stage.next()
        assert actor.pid != first.pid
        future.cancel() if way == "cancel" else executor.request_stop()
        assert actor.hear() == "asked"
        assert future.result(DEADLOCK_S) == 1


def test_asyncio_cancels(executor, stage):
    """Cancelling run_in_executor() asks the task in the child."""

    async def main():
        call = asyncio.get_event_loop().run_in_executor(executor, until_asked, stage.address)
        actor = stage.next()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        return actor

    assert asyncio.run(main()).hear() == "asked"


def test_asyncio_times_out(executor, stage):
    """wait_for() does as well."""

    async def main():
        call = asyncio.get_event_loop().run_in_executor(executor, until_asked, stage.address)
        actor = stage.next()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(call, 0.01)
        return actor

    assert asyncio.run(main()).hear() == "asked"


def test_a_map_that_is_closed_asks(executor, stage):
    """What it waits for when its time is over is cancelled, and so asked if it runs."""
    results = executor.map(until_asked, [stage.address] * 2, timeout=0.01)
    actors = stage.take(2)
    with pytest.raises(TimeoutError):
        next(results)
    assert [actor.hear() for actor in actors] == ["asked", "asked"]
