"""``KillableThreadPoolExecutor`` is an executor like others: what it does with calls."""

from __future__ import annotations

import concurrent.futures
import itertools
import os
import threading

import pytest

import poolcompat.futures
from conftest import DEADLOCK_S
from killable_tasks import add, echo, fail, fail_with, hold, keep, make, what_is_kept
from killable_things import Thing, ThingError, things_alive
from outcomes import error_of
from poolcompat.futures import KillableThreadPoolExecutor
from stage import exists, nothing_left_behind, outcome, wait_until

pytest_plugins = "killable_fixtures"


@pytest.fixture(scope="module")
def executor():
    """An executor that all tests here share; its process runs before the first one."""
    with KillableThreadPoolExecutor(3, "named", keep, (1, "two")) as executor:
        executor.submit(int).result(DEADLOCK_S)
        yield executor


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(executor):
    with nothing_left_behind():
        yield


def test_it_is_an_executor(executor):
    """By every name that somebody may look at."""
    assert isinstance(executor, concurrent.futures.Executor)
    assert "KillableThreadPoolExecutor" in poolcompat.futures.__all__
    assert executor._max_workers == 3
    future = executor.submit(int)
    assert isinstance(future, poolcompat.futures.Future)
    assert future.result(DEADLOCK_S) == 0


def test_submit_passes_any_argument(executor):
    """Also arguments named like those of submit()."""
    assert executor.submit(add, 1).result(DEADLOCK_S) == 1
    assert executor.submit(add, two=1, one=2).result(DEADLOCK_S) == 3
    named = {"self": 2, "fn": 3, "args": 4, "kwargs": 5}
    assert executor.submit(dict, [("a", 1)], **named).result(DEADLOCK_S) == {"a": 1, **named}


def test_submit_needs_a_callable(executor):
    """Without one it is a TypeError; with something else its future fails."""
    with pytest.raises(TypeError):
        executor.submit()
    assert type(error_of(lambda: executor.submit(5).result(DEADLOCK_S))) is TypeError


def test_all_threads_are_in_one_other_process(executor, stage):
    """As many as were asked for run at once; the next one has to wait, and can be cancelled."""
    futures = [executor.submit(hold, stage.address, number) for number in range(4)]
    actors = stage.take(3)
    assert {actor.pid for actor in actors} == set(executor._processes) != {os.getpid()}
    assert {actor.thread for actor in actors} == {"named_0", "named_1", "named_2"}
    assert [actor.value for actor in sorted(actors, key=lambda one: one.value)] == [0, 1, 2]
    assert [future.running() for future in futures] == [True] * 3 + [False]
    extra = executor.submit(hold, stage.address, 4)
    assert futures[3].cancel()
    actors[0].let_go()
    actors.append(stage.next())
    assert actors[-1].value == 4
    for actor in actors[1:]:
        actor.let_go()
    assert [future.result(DEADLOCK_S) for future in [*futures[:3], extra]] == [0, 1, 2, 4]


def test_the_process_can_be_looked_at(executor):
    """By its number, as in ProcessPoolExecutor."""
    ((pid, process),) = executor._processes.items()
    assert process.pid == pid == executor.submit(os.getpid).result(DEADLOCK_S)
    assert process.is_alive()
    assert exists(pid)


def test_each_thread_is_initialized(executor, stage):
    """With the initargs, before its first task."""
    futures = [executor.submit(hold, stage.address) for _ in range(3)]
    for actor in stage.take(3):
        actor.let_go()
    concurrent.futures.wait(futures)
    for future in [executor.submit(what_is_kept) for _ in range(20)]:
        values, name = future.result(DEADLOCK_S)
        assert values == (1, "two", name)


def test_map(executor):
    """Results come in order, and an exception where its result would be."""
    assert list(executor.map(abs, range(-50, 0))) == list(range(50, 0, -1))
    assert list(executor.map(pow, [2, 3, 4], itertools.count(1))) == [2, 9, 64]
    assert list(executor.map(abs, [])) == []
    assert list(executor.map(abs, range(10), chunksize=3)) == list(range(10))
    assert list(executor.map(abs, range(10), timeout=DEADLOCK_S)) == list(range(10))
    results = executor.map(int, ["1", "x"])
    assert next(results) == 1
    with pytest.raises(ValueError, match="invalid literal"):
        next(results)


def test_map_takes_no_more_input_than_it_may(executor):
    """With a buffersize an endless input is fine."""
    taken = itertools.count()
    results = executor.map(add, taken, chunksize=1, buffersize=2)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    assert next(taken) in (7, 8)
    results.close()
    for bad in (0, -1):
        with pytest.raises(ValueError, match="buffersize must be None or > 0"):
            executor.map(int, [1], buffersize=bad)
    with pytest.raises(TypeError, match="buffersize must be an integer or None"):
        executor.map(int, [1], buffersize="1")


def test_a_map_that_takes_too_long(executor, stage):
    """What waits is cancelled, as in other executors."""
    results = executor.map(hold, [stage.address] * 5, timeout=0.01)
    actors = stage.take(3)
    with pytest.raises(TimeoutError):
        next(results)
    for actor in actors:
        actor.let_go()
    assert executor.submit(int).result(DEADLOCK_S) == 0


@pytest.mark.parametrize("library", [concurrent.futures, poolcompat.futures])
def test_waiting_functions(executor, stage, library):
    """The standard library's and ours, with what is cancelled and what fails among it."""
    held = [executor.submit(hold, stage.address) for _ in range(3)]
    actors = stage.take(3)
    pending = [executor.submit(int, "x"), executor.submit(int), executor.submit(int)]
    done = executor.submit(int)
    assert library.wait(held, 0).not_done == set(held)
    pending[1].cancel()
    for actor in actors:
        actor.let_go()
    futures = [*held, *pending, done]
    assert set(library.as_completed(futures, DEADLOCK_S)) == set(futures)
    assert library.wait(futures, DEADLOCK_S).done == set(futures)
    first = library.wait(futures, DEADLOCK_S, library.FIRST_EXCEPTION)
    assert pending[0] in first.done


def test_result_and_exception_time_out(executor, stage):
    """With an error that is both kinds of TimeoutError."""
    future = executor.submit(hold, stage.address)
    actor = stage.next()
    for kind in (TimeoutError, concurrent.futures.TimeoutError):
        for get in (future.result, future.exception):
            with pytest.raises(kind):
                get(0)
    actor.let_go()
    assert future.exception(DEADLOCK_S) is None


def test_what_a_task_raises(executor):
    """Is what result() raises, whatever it is, and the thread goes on."""
    for error in (KeyError("k", 1), SystemExit(3), KeyboardInterrupt(), GeneratorExit("g")):
        future = executor.submit(fail, error)
        raised = outcome(future)
        assert (type(raised), raised.args) == (type(error), error.args)
        assert future.exception(0) is raised
    assert executor.submit(int).result(DEADLOCK_S) == 0


def test_done_callbacks_run_here(executor, stage):
    """Whatever they raise; they may submit; one added late is called at once."""
    calls, all_called = [], threading.Event()

    def callback(future):
        calls.append((future.result(0), os.getpid()))
        if future.result(0) == 1:
            executor.submit(add, 2).add_done_callback(callback)
        if future.result(0) == 2:
            all_called.set()
        raise SystemExit("from a callback")

    future = executor.submit(hold, stage.address, 1)
    actor = stage.next()
    future.add_done_callback(callback)
    actor.let_go()
    assert all_called.wait(DEADLOCK_S)
    assert calls == [(1, os.getpid()), (2, os.getpid())]
    late = executor.submit(int)
    late.result(DEADLOCK_S)
    late.add_done_callback(lambda one: calls.append(one.result(0)))
    wait_until(lambda: calls[-1] == 0)
    assert executor.submit(int).result(DEADLOCK_S) == 0


def test_somebody_else_completes_a_future(executor, stage):
    """What the task returns is dropped then, and nothing else happens."""
    first, second = (executor.submit(hold, stage.address) for _ in range(2))
    actors = stage.take(2)
    first.set_result("mine")
    second.set_exception(KeyError("mine"))
    for actor in actors:
        actor.let_go()
    assert list(executor.map(abs, range(20))) == list(range(20))
    assert first.result(0) == "mine"
    assert type(outcome(second)) is KeyError


def test_many_tasks_from_many_threads(executor):
    """All of them are done, each once."""
    results = []

    def submit(start):
        futures = [executor.submit(add, start, number) for number in range(200)]
        results.extend(future.result(DEADLOCK_S) for future in futures)

    threads = [threading.Thread(target=submit, args=(start,)) for start in (0, 1000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLOCK_S)
    assert sorted(results) == [start + number for start in (0, 1000, 2000) for number in range(200)]


def test_nothing_is_kept_there(executor):
    """The child lets go of arguments, results and exceptions before it tells of them."""
    pid = executor.submit(os.getpid).result(DEADLOCK_S)
    executor.submit(make, Thing).result(DEADLOCK_S)
    executor.submit(echo, Thing()).result(DEADLOCK_S)
    assert type(outcome(executor.submit(fail_with, ThingError))) is ThingError
    wait_until(lambda: executor.submit(things_alive).result(DEADLOCK_S) == 0)
    assert executor.submit(os.getpid).result(DEADLOCK_S) == pid


def test_nothing_is_kept_here(executor, stage):
    """Nor does the parent keep what was done, or cancelled before it began."""
    executor.submit(echo, Thing()).result(DEADLOCK_S)
    held = [executor.submit(hold, stage.address) for _ in range(3)]
    actors = stage.take(3)
    pending = executor.submit(echo, Thing())
    assert pending.cancel()
    wait_until(lambda: things_alive() == 0)
    for actor in actors:
        actor.let_go()
    for future in held:
        future.result(DEADLOCK_S)
