"""How a ``KillableThreadPoolExecutor`` is made, begins and ends, when nobody kills it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import gc
import inspect
import multiprocessing
import os
import signal
import threading
import weakref

import pytest

from conftest import DEADLOCK_S
from killable_tasks import add, fail, hold, keep, what_is_kept, who
from outcomes import error_of
from poolcompat.futures import KillableThreadPoolExecutor
from stage import START_METHODS, exists, is_cancelled, wait_until

pytest_plugins = "killable_fixtures"

needs_signals = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
# Since 3.12 a fork of a process with threads warns.
quiet_forks = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def test_the_arguments():
    """Those of ThreadPoolExecutor, and two more by name only."""
    signature = inspect.signature(KillableThreadPoolExecutor)
    first = inspect.signature(concurrent.futures.ThreadPoolExecutor)
    names = list(signature.parameters)
    assert names[:4] == list(first.parameters)[:4]
    assert names[4:] == ["mp_context", "restart"]
    for name in names:
        parameter = signature.parameters[name]
        assert parameter.default == (
            {"thread_name_prefix": "", "initargs": (), "restart": False}.get(name)
        )
        is_keyword_only = parameter.kind is parameter.KEYWORD_ONLY
        assert is_keyword_only == (name in names[4:])


@pytest.mark.parametrize(
    ("arguments", "errors", "said"),
    [
        ({"max_workers": 0}, ValueError, "max_workers must be greater than 0"),
        ({"max_workers": -1}, ValueError, "max_workers must be greater than 0"),
        ({"initializer": 5}, TypeError, "initializer must be a callable"),
        ({"mp_context": object()}, (TypeError, ValueError), "mp_context"),
        ({"mp_context": 5}, (TypeError, ValueError), "mp_context"),
        ({"mp_context": "nonsense"}, (TypeError, ValueError), "mp_context"),
    ],
)
def test_bad_arguments_are_refused(arguments, errors, said):
    """When the executor is made, by a clear error."""
    with pytest.raises(errors, match=said):
        KillableThreadPoolExecutor(**arguments)


def test_the_process_starts_with_the_first_call(make):
    """And no thread either before that; it is spawned unless a context is given."""
    threads = threading.active_count()
    executor = make(1)
    assert not executor._processes
    assert threading.active_count() == threads
    executor.submit(int).result(DEADLOCK_S)
    ((_, process),) = executor._processes.items()
    assert type(process) is multiprocessing.get_context("spawn").Process
    executor.shutdown()
    assert not process.is_alive()
    make(1).shutdown()


@quiet_forks
@pytest.mark.parametrize("method", START_METHODS)
def test_each_start_method(make, stage, method):
    """All of it works with each."""
    context = multiprocessing.get_context(method)
    executor = make(2, "named", keep, (1,), mp_context=context)
    assert list(executor.map(add, range(20))) == list(range(20))
    futures = [executor.submit(hold, stage.address) for _ in range(3)]
    actors = stage.take(2)
    ((pid, process),) = executor._processes.items()
    assert {actor.pid for actor in actors} == {pid}
    assert type(process) is context.Process
    assert futures[2].cancel()
    for actor in actors:
        actor.let_go()
    values, name = executor.submit(what_is_kept).result(DEADLOCK_S)
    assert values == (1, name)
    executor.shutdown()
    assert not process.is_alive()
    assert [future.done() for future in futures] == [True] * 3


def test_the_default_is_more_than_one_thread(make, stage):
    """As many as a ThreadPoolExecutor has."""
    executor = make()
    for _ in range(5):
        executor.submit(hold, stage.address)
    assert len({actor.thread for actor in stage.take(5)}) == 5


@pytest.mark.parametrize("restart", [False, True])
def test_shutdown_waits(make, stage, restart):
    """Until all is done and the process has ended; a second time is fine."""
    executor = make(1, restart=restart)
    futures = [executor.submit(hold, stage.address, 1), *(executor.submit(int) for _ in range(5))]
    actor = stage.next()
    actor.let_go()
    executor.shutdown()
    assert [future.done() for future in futures] == [True] * 6
    assert [future.result(0) for future in futures] == [1, 0, 0, 0, 0, 0]
    assert not exists(actor.pid)
    executor.shutdown(wait=True, cancel_futures=True)
    for call in (lambda: executor.submit(int), lambda: executor.map(int, [1])):
        with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
            call()


def test_shutdown_that_does_not_wait(make, stage):
    """What was submitted runs all the same; shutdown() can be called again to wait."""
    executor = make(1)
    futures = [executor.submit(hold, stage.address, 1), *(executor.submit(int) for _ in range(5))]
    actor = stage.next()
    executor.shutdown(wait=False)
    assert not any(future.done() for future in futures)
    with pytest.raises(RuntimeError):
        executor.submit(int)
    actor.let_go()
    executor.shutdown()
    assert [future.result(0) for future in futures] == [1, 0, 0, 0, 0, 0]
    assert not exists(actor.pid)


@pytest.mark.parametrize("wait", [False, True])
def test_shutdown_that_cancels(make, stage, wait):
    """What has not started is cancelled at once, for those who wait too; what runs goes on."""
    executor = make(1)
    first = executor.submit(hold, stage.address, 1)
    actor = stage.next()
    pending = [executor.submit(int) for _ in range(3)]
    pending[-1].add_done_callback(lambda _: actor.let_go())
    executor.shutdown(wait=wait, cancel_futures=True)
    assert all(map(is_cancelled, pending))
    assert set(concurrent.futures.as_completed(pending, DEADLOCK_S)) == set(pending)
    executor.shutdown()  # does not take it back
    assert all(map(is_cancelled, pending))
    assert first.result(DEADLOCK_S) == 1
    with pytest.raises(TypeError):
        executor.shutdown(True, True)


def test_with(stage):
    """Leaving the block waits, also by an exception."""
    futures = []

    def use():
        with KillableThreadPoolExecutor(1) as executor:
            futures.append(executor.submit(hold, stage.address, 5))
            stage.next().let_go()
            raise KeyError("from the block")

    assert type(error_of(use)) is KeyError
    assert futures[0].result(0) == 5


def test_shutdown_from_a_callback(make, stage):
    """It does not wait for the thread that calls it."""
    executor = make(1)
    errors, called = [], threading.Event()

    def callback(_):
        errors.append(error_of(executor.shutdown))
        called.set()

    future = executor.submit(hold, stage.address)
    actor = stage.next()
    future.add_done_callback(callback)
    later = executor.submit(int)
    actor.let_go()
    assert called.wait(DEADLOCK_S)
    assert errors == [None]
    assert later.result(DEADLOCK_S) == 0
    executor.shutdown()
    assert not exists(actor.pid)


def test_two_threads_shut_it_down(make, stage):
    """Both wait, and both return."""
    executor = make(1)
    future = executor.submit(hold, stage.address)
    actor = stage.next()
    threads = [threading.Thread(target=executor.shutdown) for _ in range(2)]
    for thread in threads:
        thread.start()
    actor.let_go()
    for thread in threads:
        thread.join(DEADLOCK_S)
        assert not thread.is_alive()
    assert future.done()


def test_an_executor_that_nobody_has_any_more(stage):
    """Does what was submitted, then its process ends."""
    executor = KillableThreadPoolExecutor(1)
    futures = [executor.submit(hold, stage.address, 1), executor.submit(add, 2)]
    reference = weakref.ref(executor)
    actor = stage.next()
    ((_, process),) = executor._processes.items()
    del executor
    gc.collect()
    actor.let_go()
    assert [future.result(DEADLOCK_S) for future in futures] == [1, 2]
    wait_until(lambda: (gc.collect() and False) or reference() is None)
    wait_until(lambda: not process.is_alive())


def test_run_in_executor(make, stage):
    """asyncio uses it as any other."""
    executor = make(2)

    async def main():
        loop = asyncio.get_event_loop()
        calls = [loop.run_in_executor(executor, add, number, 1) for number in range(5)]
        held = loop.run_in_executor(executor, hold, stage.address, "held")
        failing = loop.run_in_executor(executor, fail, KeyError("k"))
        stage.next().let_go()
        with pytest.raises(KeyError):
            await failing
        return await asyncio.gather(*calls, held)

    assert asyncio.run(main()) == [1, 2, 3, 4, 5, "held"]


@needs_signals
def test_ctrl_c_does_not_reach_the_child(make, stage, capfd):
    """Neither when it is idle nor in a task."""
    executor = make(1)
    pid, _ = executor.submit(who).result(DEADLOCK_S)
    os.kill(pid, signal.SIGINT)
    future = executor.submit(hold, stage.address, 1)
    actor = stage.next()
    os.kill(pid, signal.SIGINT)
    actor.let_go()
    assert future.result(DEADLOCK_S) == 1
    executor.shutdown()
    assert capfd.readouterr().err == ""


@needs_signals
def test_ctrl_c_while_it_starts(make, capfd):
    """It does not even see the first one."""
    executor = make(1)
    future = executor.submit(add, 1)
    wait_until(lambda: executor._processes)
    (pid,) = executor._processes
    while not future.done():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        concurrent.futures.wait([future], 0.001)
    assert future.result(0) == 1
    executor.shutdown()
    assert capfd.readouterr().err == ""
