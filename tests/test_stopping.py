"""What a task can ask and do itself to be stopped."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
import threading
import time

import pytest

import poolcompat.futures
import poolcompat.stopping
from conftest import DEADLOCK_S
from poolcompat.stopping import (
    StoppableThread,
    TaskStopped,
    checkpoint,
    current_stop_event,
    shield,
    sleep,
    stop_requested,
)

#: All ways to have a pool of either kind call ``fn(number)``, one at a time
SUBMISSIONS = {
    "submit": lambda lib, fn: lib.futures.ThreadPoolExecutor(1).submit(fn, 0).result,
    "map of the executor": lambda lib, fn: lib.futures.ThreadPoolExecutor(1).map(fn, [0]).__next__,
    "apply_async": lambda lib, fn: lib.pool.ThreadPool(1).apply_async(fn, (0,)).get,
    "map_async": lambda lib, fn: lib.pool.ThreadPool(1).map_async(fn, [0]).get,
    "starmap_async": lambda lib, fn: lib.pool.ThreadPool(1).starmap_async(fn, [(0,)]).get,
    "imap": lambda lib, fn: lib.pool.ThreadPool(1).imap(fn, [0]).next,
    "imap, chunked": lambda lib, fn: lib.pool.ThreadPool(1).imap(fn, [0, 1], 2).next,
    "imap_unordered": lambda lib, fn: lib.pool.ThreadPool(1).imap_unordered(fn, [0]).next,
}


@pytest.fixture
def run_in(lib):
    """Run a function as a task, submitted in a given way, and return what comes of it."""
    with contextlib.ExitStack() as stack:

        def entered(make):
            return lambda *args: stack.enter_context(make(*args))

        class Pools:
            class futures:
                ThreadPoolExecutor = staticmethod(entered(lib.futures.ThreadPoolExecutor))

            class pool:
                ThreadPool = staticmethod(entered(lib.pool.ThreadPool))

        yield lambda how, fn: SUBMISSIONS[how](Pools, fn)


@pytest.mark.parametrize("how", SUBMISSIONS)
def test_a_task_has_an_event_of_its_own(run_in, how):
    """Without any argument the task finds it, and it is not set."""

    def look(_):
        event = current_stop_event()
        return event, event is current_stop_event(), event.is_set(), stop_requested()

    seen = run_in(how, look)()
    if isinstance(seen, list):  # of all parts of a map
        (seen,) = seen
    event, is_the_same, *is_set = seen

    assert isinstance(event, threading.Event)
    assert is_the_same
    assert is_set == [False, False]


def test_each_task_has_another_event(lib):
    """Tasks that run in the same thread one after the other share nothing."""
    with lib.futures.ThreadPoolExecutor(1) as executor:
        first, second = executor.map(lambda _: current_stop_event(), range(2))
    assert first is not second


def test_outside_a_task_nobody_sets_the_event(lib):
    """In any other thread there is an event that stays as it is, and no request."""
    assert not current_stop_event().is_set()
    assert not stop_requested()
    checkpoint()
    sleep(0)
    with shield():
        pass
    with lib.futures.ThreadPoolExecutor(1) as executor:
        assert executor.submit(current_stop_event).result() is not current_stop_event()


def test_a_callback_is_not_in_the_task(lib, hold):
    """The event that a done-callback sees is not that of the task that is done."""
    seen = []
    with lib.futures.ThreadPoolExecutor(1) as executor:
        future = executor.submit(lambda: hold.wait(DEADLOCK_S) and current_stop_event())
        future.add_done_callback(lambda _: seen.append((current_stop_event(), stop_requested())))
        while not future.running():
            pass
        future.cancel()
        hold.set()
    ((event, requested),) = seen
    assert event is not future.result()
    assert future.result().is_set()
    assert not requested


class Stoppable:
    """A task that says that it runs, and then waits in a given way to be asked to stop."""

    def __init__(self, wait):
        self.running = threading.Event()
        self.wait = wait

    def __call__(self, *args):
        self.running.set()
        return self.wait()


def until_requested():
    while not stop_requested():
        current_stop_event().wait(DEADLOCK_S)
    return "cleaned up"


def until_checkpoint():
    while True:
        checkpoint()


@pytest.mark.parametrize(
    "wait", [functools.partial(sleep, 10 * DEADLOCK_S), until_checkpoint], ids=["sleep", "check"]
)
def test_cancel_on_a_running_task_requests_its_stop(lib, wait):
    """cancel() returns False as ever; sleep() and checkpoint() end the task."""
    task = Stoppable(wait)
    with lib.futures.ThreadPoolExecutor(1) as executor:
        future = executor.submit(task)
        assert task.running.wait(DEADLOCK_S)
        assert future.cancel() is False
        with pytest.raises(TaskStopped) as caught:
            future.result(DEADLOCK_S)
    assert caught.value.reason == "stopped"
    assert not future.cancelled()


def test_a_task_that_was_asked_may_return(lib):
    """What it returns is its result."""
    task = Stoppable(until_requested)
    with lib.futures.ThreadPoolExecutor(1) as executor:
        future = executor.submit(task)
        assert task.running.wait(DEADLOCK_S)
        future.cancel()
        assert future.result(DEADLOCK_S) == "cleaned up"


def test_cancel_reaches_no_other_task(lib, hold):
    """Neither that of another thread nor the next one in the same."""
    task = Stoppable(until_requested)
    other = Stoppable(lambda: hold.wait(DEADLOCK_S) and stop_requested())
    with lib.futures.ThreadPoolExecutor(2) as executor:
        one, two = executor.submit(task), executor.submit(other)
        assert task.running.wait(DEADLOCK_S)
        assert other.running.wait(DEADLOCK_S)
        one.cancel()
        one.result(DEADLOCK_S)
        three = executor.submit(stop_requested)
        hold.set()
        assert two.result(DEADLOCK_S) is False
        assert three.result(DEADLOCK_S) is False
        assert one.cancel() is False


def test_asyncio_time_outs_reach_the_thread(lib):
    """wait_for() around run_in_executor() ends the task, which nobody told of asyncio."""
    task = Stoppable(functools.partial(sleep, 10 * DEADLOCK_S))

    async def main(executor):
        loop = asyncio.get_event_loop()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(loop.run_in_executor(executor, task), 0.01)

    with lib.futures.ThreadPoolExecutor(1) as executor:
        asyncio.run(main(executor))
    assert task.running.is_set()


def test_sleep_raises_at_once_if_it_was_requested_before(lib, hold):
    """The request is not forgotten."""

    def task():
        hold.wait(DEADLOCK_S)
        sleep(10 * DEADLOCK_S)

    with lib.futures.ThreadPoolExecutor(1) as executor:
        future = executor.submit(task)
        while not future.running():
            pass
        future.cancel()
        hold.set()
        with pytest.raises(TaskStopped):
            future.result(DEADLOCK_S)


def test_sleep_sleeps(lib, monkeypatch):
    """Outside a task it is time.sleep(); in a task it waits for as long as was asked."""
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    sleep(1.5)
    assert slept == [1.5]
    waited = []
    with lib.futures.ThreadPoolExecutor(1) as executor:

        def task():
            current_stop_event().wait = waited.append
            sleep(2.5)
            sleep(float("inf"))

        executor.submit(task).result(DEADLOCK_S)
    assert waited == [2.5, threading.TIMEOUT_MAX]


@pytest.mark.parametrize(
    ("seconds", "error"), [(-1, ValueError), (float("nan"), ValueError), ("1", TypeError)]
)
def test_sleep_refuses_what_is_no_length_of_time(seconds, error):
    """As time.sleep() does."""
    with pytest.raises(error, match="seconds must be"):
        sleep(seconds)


@pytest.mark.parametrize("wait", [until_requested, functools.partial(sleep, 10 * DEADLOCK_S)])
def test_request_stop_leaves_the_executor_usable(wait):
    """Running tasks are asked, waiting ones cancelled, and new ones are taken."""
    tasks = [Stoppable(wait) for _ in range(2)]
    with poolcompat.futures.ThreadPoolExecutor(2) as executor:
        running = [executor.submit(task) for task in tasks]
        for task in tasks:
            assert task.running.wait(DEADLOCK_S)
        waiting = [executor.submit(int) for _ in range(10)]
        assert executor.request_stop() == 2
        assert all(future.cancelled() for future in waiting)
        assert not concurrent.futures.wait([*running, *waiting], DEADLOCK_S).not_done
        assert executor.request_stop() == 0
        assert list(executor.map(str, range(3))) == ["0", "1", "2"]
        # Nothing that was idle has been forgotten, and nothing counted twice.
        assert len(executor._poolcompat_idle) <= 2


def test_request_stop_after_shutdown_ends_the_threads():
    """The signal to end is not lost with the tasks that are dropped."""
    task = Stoppable(until_requested)
    executor = poolcompat.futures.ThreadPoolExecutor(2)
    future = executor.submit(task)
    waiting = [executor.submit(until_requested) for _ in range(5)]
    assert task.running.wait(DEADLOCK_S)
    executor.shutdown(wait=False)
    while executor.request_stop():
        pass
    executor.shutdown(timeout=DEADLOCK_S)
    assert future.done()
    assert all(future.done() for future in waiting)


def test_leaving_the_block_by_an_exception_asks_the_rest_to_stop():
    """With cancel_on_error=True."""
    task = Stoppable(functools.partial(sleep, 10 * DEADLOCK_S))
    executor = poolcompat.futures.ThreadPoolExecutor(1, cancel_on_error=True)
    future = executor.submit(task)
    assert task.running.wait(DEADLOCK_S)
    with pytest.raises(KeyError), executor:
        raise KeyError
    with pytest.raises(TaskStopped):
        future.result(0)


def test_a_stoppable_thread_has_its_event():
    """In it, current_stop_event() is its stop_event, and stop() sets it."""
    seen = []
    thread = StoppableThread(target=lambda: seen.append(current_stop_event()) or sleep(DEADLOCK_S))
    assert not thread.stopped()
    thread.start()
    thread.stop()
    thread.join(DEADLOCK_S)
    assert seen == [thread.stop_event]
    assert thread.stopped()
    assert not thread.is_alive()


def test_all_of_it_is_found_in_the_package():
    """The public names of poolcompat.stopping."""
    assert sorted(poolcompat.stopping.__all__) == sorted(set(poolcompat.stopping.__all__))
    for name in poolcompat.stopping.__all__:
        assert getattr(poolcompat.stopping, name).__doc__
