"""Futures of a ``ProcessPoolExecutor``: callbacks, cancelling, waiting, asyncio."""

from __future__ import annotations

import asyncio
import concurrent.futures
import itertools
import os
import threading

import pytest

from conftest import DEADLOCK_S
from killable_tasks import add, echo, fail, hold, leave, noted
from outcomes import error_of, raising
from stage import outcome

pytest_plugins = ["killable_fixtures", "process_fixtures"]
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@pytest.fixture
def path(tmp_path):
    """Where tasks note that they ran."""
    return tmp_path / "ran"


def words(path):
    return path.read_text().split() if path.exists() else []


@pytest.mark.parametrize("error", [KeyError(), SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
@pytest.mark.parametrize("task", [(int,), (fail, LookupError()), (echo, lambda: 0)])
def test_a_callback_that_raises(make_pool, stage, caplog, task, error):
    """It is logged, the callbacks after it are called, and the pool goes on."""
    executor = make_pool()
    called = threading.Event()
    executor.submit(hold, stage.address)
    actor = stage.next()
    future = executor.submit(*task)
    future.add_done_callback(raising(error))
    future.add_done_callback(lambda _: called.set())
    actor.let_go()
    assert called.wait(DEADLOCK_S)
    assert executor.submit(int).result(DEADLOCK_S) == 0
    assert type(error).__name__ in caplog.text


def test_a_callback_that_raises_when_the_pool_breaks(make_pool, stage, caplog):
    """The other futures end all the same."""
    executor = make_pool()
    futures = [executor.submit(leave, 3, stage.address), *(executor.submit(int) for _ in "abc")]
    actor = stage.next()
    for future in futures:
        future.add_done_callback(raising(SystemExit()))
    actor.let_go()
    assert ["exit code 3" in str(outcome(future)) for future in futures] == [True] * 4
    executor.shutdown()


def test_callbacks_that_submit(make_pool):
    """Each the next call, from the thread that must carry it out."""
    executor = make_pool()
    results, told = [], threading.Event()

    def again(future):
        results.append(future.result())
        if len(results) == 100:
            told.set()
        else:
            executor.submit(add, results[-1], 1).add_done_callback(again)

    executor.submit(int).add_done_callback(again)
    assert told.wait(DEADLOCK_S)
    assert results == list(range(100))


def test_callbacks_are_called_for_every_end(make_pool, stage):
    """A result, an exception, a cancellation; and at once for what is done."""
    executor = make_pool()
    running = executor.submit(hold, stage.address, 1)
    futures = [running, executor.submit(fail, LookupError()), executor.submit(int)]
    actor = stage.next()
    seen, told = [], threading.Semaphore(0)
    for future in futures:
        future.add_done_callback(lambda future: (seen.append(future), told.release()))
    assert futures[2].cancel()
    assert seen == futures[2:]
    actor.let_go()
    for _ in futures:
        assert told.acquire(timeout=DEADLOCK_S)
    assert seen == [futures[2], futures[0], futures[1]]
    running.add_done_callback(seen.append)
    assert seen[3] is running


def test_completing_a_running_future(make_pool, stage, caplog):
    """By the user; what the task then returns is too late, and the pool goes on."""
    executor = make_pool()
    futures = [executor.submit(hold, stage.address, 1) for _ in range(2)]
    for future in futures:
        actor = stage.next()
        future.set_result("own") if future is futures[0] else future.set_exception(KeyError())
        actor.let_go()
    assert executor.submit(int).result(DEADLOCK_S) == 0
    assert futures[0].result(0) == "own"
    assert type(futures[1].exception(0)) is KeyError


def test_completing_a_pending_future(make_pool, stage, path):
    """Then the call never runs."""
    executor = make_pool()
    executor.submit(hold, stage.address)
    actor = stage.next()
    future = executor.submit(noted, path, "a")
    future.set_result("own")
    actor.let_go()
    assert executor.submit(int).result(DEADLOCK_S) == 0
    assert future.result(0) == "own"
    assert words(path) == []


def test_what_is_cancelled_never_runs(make_pool, stage, path):
    """Every other call in the queue."""
    executor = make_pool()
    executor.submit(hold, stage.address)
    actor = stage.next()
    futures = [executor.submit(noted, path, str(number)) for number in range(10)]
    assert [future.cancel() for future in futures[::2]] == [True] * 5
    assert [future.cancel() for future in futures[::2]] == [True] * 5
    actor.let_go()
    executor.shutdown()
    assert words(path) == ["1", "3", "5", "7", "9"]
    assert len(executor._pending_work_items or ()) == 0


def test_what_is_cancelled_at_any_moment(make_pool, path):
    """Cancelled or done, never both."""
    executor = make_pool(2)
    begun, numbers = threading.Event(), itertools.count()
    futures = [executor.submit(noted, path, str(next(numbers))) for _ in range(20)]

    def cancel():
        for future in futures[::-1]:
            future.cancel()
            begun.set()

    for _ in range(5):
        thread = threading.Thread(target=cancel)
        thread.start()
        futures += [executor.submit(noted, path, str(next(numbers))) for _ in range(20)]
        thread.join(DEADLOCK_S)
    executor.shutdown()
    ran = [str(number) for number, future in enumerate(futures) if not future.cancelled()]
    assert sorted(words(path)) == sorted(ran)
    assert [futures[int(word)].result(0) for word in ran] == ran


def test_cancelling_what_runs(make_pool, stage):
    """It cannot be, goes on to its end, and disturbs nobody."""
    executor = make_pool()
    future = executor.submit(hold, stage.address, 1)
    actor = stage.next()
    pending = [executor.submit(echo, number) for number in range(5)]
    for _ in range(3):
        assert future.cancel() is False
    assert future.running()
    actor.let_go()
    assert future.result(DEADLOCK_S) == 1
    assert [one.result(DEADLOCK_S) for one in pending] == [(n,) for n in range(5)]
    assert future.cancel() is False


def test_those_who_wait_are_told_of_a_cancellation(make_pool, stage, lib):
    """At once, though its process is busy."""
    executor = make_pool()
    running = executor.submit(hold, stage.address)
    actor = stage.next()
    pending = executor.submit(int)
    pending.cancel()
    assert lib.futures.wait([pending], 0).done == {pending}
    assert list(lib.futures.as_completed([pending], 0)) == [pending]
    waiting = executor.submit(int)
    results = []
    thread = threading.Thread(
        target=lambda: results.append(
            lib.futures.wait([running, waiting], DEADLOCK_S, lib.futures.FIRST_COMPLETED)
        )
    )
    thread.start()
    waiting.cancel()
    thread.join(DEADLOCK_S)
    assert results[0].done == {waiting}
    actor.let_go()


@pytest.mark.parametrize("name", ["as_completed", "wait"])
def test_waiting(make_pool, lib, name):
    """Our functions, and the standard library's, which behind the import door are as ever."""
    executor = make_pool(2)
    for module in (lib.futures, concurrent.futures):
        futures = [executor.submit(abs, number) for number in range(50)]
        futures += [executor.submit(fail, LookupError())]
        done = getattr(module, name)(futures, timeout=DEADLOCK_S)
        assert set(done if name == "as_completed" else done.done) == set(futures)
    done = lib.futures.wait(
        [executor.submit(fail, KeyError())], DEADLOCK_S, lib.futures.FIRST_EXCEPTION
    ).done
    assert len(done) == 1


def test_timeouts(make_pool, stage):
    """Of result() and exception(), of either class."""
    executor = make_pool()
    future = executor.submit(hold, stage.address)
    actor = stage.next()
    for get in (future.result, future.exception):
        error = error_of(lambda get=get: get(0.001))
        assert isinstance(error, TimeoutError)
        assert isinstance(error, concurrent.futures.TimeoutError)
    actor.let_go()
    assert future.result(float("inf")) is None


def test_asyncio(make_pool, stage):
    """run_in_executor(): results, exceptions, and what is cancelled before it begins."""
    executor = make_pool()

    async def main():
        loop = asyncio.get_running_loop()
        assert await loop.run_in_executor(executor, os.getpid) in executor._processes
        with pytest.raises(LookupError):
            await loop.run_in_executor(executor, fail, LookupError())
        running = loop.run_in_executor(executor, hold, stage.address, 1)
        actor = await loop.run_in_executor(None, stage.next)
        pending = loop.run_in_executor(executor, int)
        pending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pending
        cancelled = loop.run_in_executor(executor, int)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(cancelled, 0.001)
        actor.let_go()
        assert await running == 1
        results = await asyncio.gather(*(loop.run_in_executor(executor, abs, n) for n in range(20)))
        assert results == list(range(20))
        await loop.run_in_executor(None, executor.shutdown)

    asyncio.run(main())


def test_asyncio_and_a_crash(make_pool):
    """The task that awaits it gets the error."""
    executor = make_pool()

    async def main():
        loop = asyncio.get_running_loop()
        with pytest.raises(concurrent.futures.process.BrokenProcessPool, match="exit code 3"):
            await loop.run_in_executor(executor, leave, 3)

    asyncio.run(main())
