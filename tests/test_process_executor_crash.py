"""Processes of a ``ProcessPoolExecutor`` that end by themselves, in every state."""

from __future__ import annotations

import concurrent.futures.process
import os
import signal
import threading

import pytest

from conftest import DEADLOCK_S
from killable_tasks import (
    HALF_A_MESSAGE,
    NO_MESSAGE,
    close_everything,
    echo,
    fail,
    hold,
    kill_self,
    leave,
    leave_a_child_behind,
    write_to_pipes,
)
from process_tasks import START_METHODS, answer_and_die, hold_then_fail, zeros
from stage import exists, outcome, wait_until

pytest_plugins = ["killable_fixtures", "process_fixtures"]
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

Broken = concurrent.futures.process.BrokenProcessPool
needs_signals = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs POSIX signals")


def assert_broken(executor, futures, told):
    """All futures tell it, each in an exception of its own, and so does submit()."""
    errors = [outcome(future) for future in futures]
    assert [type(error) for error in errors] == [Broken] * len(futures)
    assert len({id(error) for error in errors}) == len(errors)
    for error in errors:
        assert told in str(error)
    assert executor._broken
    with pytest.raises(Broken, match=told):
        executor.submit(int)
    with pytest.raises(Broken, match=told):
        executor.map(int, [1])
    executor.shutdown()


@pytest.mark.parametrize("method", START_METHODS)
def test_a_task_that_exits(make_pool, stage, method):
    """It takes the whole pool along, and every future that is not done."""
    executor = make_pool(2, method)
    done = executor.submit(int)
    assert done.result(DEADLOCK_S) == 0
    futures = [executor.submit(leave, 3, stage.address)]
    leaving = stage.next()
    futures.append(executor.submit(hold, stage.address))
    staying = stage.next()
    futures += [executor.submit(int) for _ in range(3)]
    cancelled = executor.submit(int)
    assert cancelled.cancel()
    leaving.let_go()
    assert_broken(executor, futures, "exit code 3")
    assert cancelled.cancelled()
    assert done.result(0) == 0
    assert not exists(leaving.pid)
    assert not exists(staying.pid)


def test_a_task_that_exits_with_success(make_pool):
    """It has not answered all the same."""
    executor = make_pool()
    assert_broken(executor, [executor.submit(leave, 0)], "exit code 0")


@needs_signals
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGUSR1"])
def test_a_task_that_is_killed(make_pool, name):
    """The signal has a name."""
    executor = make_pool()
    future = executor.submit(kill_self, getattr(signal, name))
    assert_broken(executor, [future], name)


@needs_signals
@pytest.mark.parametrize("method", START_METHODS)
def test_an_idle_process_that_is_killed(make_pool, method):
    """Nobody has to submit for the pool to be known as broken."""
    executor = make_pool(2, method)
    pid = executor.submit(os.getpid).result(DEADLOCK_S)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: executor._broken)
    assert_broken(executor, [], "SIGKILL")


@pytest.mark.parametrize("call", ["terminate", "kill"])
def test_processes_are_killed_that_people_find(make_pool, stage, call):
    """By the attribute that they poke at."""
    executor = make_pool(2)
    futures = [executor.submit(hold, stage.address) for _ in range(3)]
    actors = stage.take(2)
    process = executor._processes[actors[0].pid]
    getattr(process, call)()
    assert_broken(executor, futures, "SIG" if hasattr(signal, "SIGSTOP") else "exit code")
    process.join(DEADLOCK_S)
    assert not process.is_alive()


@needs_signals
def test_right_after_the_first_call(make_pool):
    """The process is being started then."""
    executor = make_pool(1, START_METHODS[-1])
    futures = [executor.submit(int) for _ in range(3)]
    (pid,) = executor._processes
    os.kill(pid, signal.SIGKILL)
    assert_broken(executor, futures, "SIGKILL")


@needs_signals
def test_what_was_answered_before_is_delivered(make_pool, stage):
    """Also if the process is gone when the answer is taken."""
    entered, release = threading.Event(), threading.Event()
    executor = make_pool(2)
    first = executor.submit(hold, stage.address)
    first.add_done_callback(lambda _: (entered.set(), release.wait(DEADLOCK_S)))
    held = stage.next()
    answered = executor.submit(answer_and_die, stage.address)
    dying = stage.next()
    held.let_go()
    assert entered.wait(DEADLOCK_S)
    host = next(it for it in executor._poolcompat_engine.hosts if it.process.pid == dying.pid)
    wait_until(lambda: answered.done() or host.connection.poll())
    dying.let_go()
    dying.wait_until_gone()
    release.set()
    assert outcome(first) is None
    assert answered.result(DEADLOCK_S) == "answered"
    wait_until(lambda: executor._broken)
    assert_broken(executor, [], "SIGKILL")


@needs_signals
def test_while_a_large_argument_is_sent(make_pool):
    """The process is stopped, so that it does not take it."""
    executor = make_pool()
    pid = executor.submit(os.getpid).result(DEADLOCK_S)
    os.kill(pid, signal.SIGSTOP)
    futures = [executor.submit(len, bytes(10_000_000)) for _ in range(3)]
    wait_until(futures[0].running)
    os.kill(pid, signal.SIGKILL)
    assert_broken(executor, futures, "SIGKILL")


@needs_signals
def test_while_a_large_result_is_sent(make_pool, stage):
    """The manager is held, so that nobody takes it."""
    entered, release = threading.Event(), threading.Event()
    executor = make_pool(2)
    first = executor.submit(hold, stage.address)
    first.add_done_callback(lambda _: (entered.set(), release.wait(DEADLOCK_S)))
    held = stage.next()
    call = executor.submit(echo, stage.address)
    call.result(DEADLOCK_S)
    large = executor.submit(zeros, 10_000_000)
    (pid,) = set(executor._processes) - {held.pid}
    held.let_go()
    assert entered.wait(DEADLOCK_S)
    os.kill(pid, signal.SIGKILL)
    release.set()
    concurrent.futures.wait([large], DEADLOCK_S)
    assert isinstance(large.exception(0), Broken) or len(large.result(0)) == 10_000_000
    wait_until(lambda: executor._broken)
    assert_broken(executor, [], "SIGKILL")


@needs_signals
@pytest.mark.parametrize(
    ("data", "status", "told"),
    [(HALF_A_MESSAGE, 3, "exit code 3"), (NO_MESSAGE, 3, "pool"), (NO_MESSAGE, None, "pool")],
)
def test_half_a_message_and_none(make_pool, stage, data, status, told):
    """Whatever was written by then, the futures end and the process does."""
    executor = make_pool()
    futures = [executor.submit(write_to_pipes, stage.address, data, status)]
    actor = stage.next()
    futures.append(executor.submit(int))
    actor.let_go()
    assert_broken(executor, futures, told)
    assert not exists(actor.pid)


@needs_signals
def test_a_process_that_closes_its_pipes(make_pool, stage):
    """It cannot be talked to any more, so it is ended."""
    executor = make_pool()
    futures = [executor.submit(close_everything, stage.address), executor.submit(int)]
    actor = stage.next()
    actor.let_go()
    assert_broken(executor, futures, f"process {actor.pid}")
    assert not exists(actor.pid)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork()")
def test_a_child_that_a_task_leaves_behind(make_pool, stage):
    """It holds all that was open there, and does not keep the end from being seen."""
    executor = make_pool()
    futures = [executor.submit(leave_a_child_behind, stage.address), executor.submit(int)]
    actors = {actor.value: actor for actor in stage.take(2)}
    actors["child"].let_go()
    assert_broken(executor, futures, "exit code 3")
    actors["child of the child"].let_go()


def test_those_who_wait_are_woken(make_pool, stage, lib):
    """By whatever they wait, and callbacks are called."""
    executor = make_pool()
    futures = [executor.submit(leave, 3, stage.address), *(executor.submit(int) for _ in "abc")]
    actor = stage.next()
    told, seen = threading.Semaphore(0), []
    for future in futures:
        future.add_done_callback(lambda future: (seen.append(future), told.release()))
    results = []
    waits = [
        lambda: len(lib.futures.wait(futures, DEADLOCK_S).done),
        lambda: len(list(lib.futures.as_completed(futures, DEADLOCK_S))),
        lambda: len(concurrent.futures.wait(futures, DEADLOCK_S).done),
        lambda: len(list(concurrent.futures.as_completed(futures, DEADLOCK_S))),
    ]
    threads = [threading.Thread(target=lambda wait=wait: results.append(wait())) for wait in waits]
    for thread in threads:
        thread.start()
    actor.let_go()
    for thread in threads:
        thread.join(DEADLOCK_S)
    assert results == [4] * 4
    for _ in futures:
        assert told.acquire(timeout=DEADLOCK_S)
    assert set(seen) == set(futures)


def test_breaking_while_others_submit(make_pool, stage):
    """Each call is refused, or its future done."""
    for _ in range(5):
        executor = make_pool(2)
        futures, refusals = [], []
        begun = threading.Event()

        def submit(executor=executor, futures=futures, refusals=refusals, begun=begun):
            while not refusals:
                try:
                    futures.append(executor.submit(int))
                except Broken as error:
                    refusals.append(error)
                if len(futures) > 20:
                    begun.set()
                    outcome(futures[-20])

        thread = threading.Thread(target=submit)
        thread.start()
        assert begun.wait(DEADLOCK_S)
        assert isinstance(outcome(executor.submit(leave, 3)), Broken)
        thread.join(DEADLOCK_S)
        assert not thread.is_alive()
        assert len(refusals) == 1
        assert concurrent.futures.wait(futures, DEADLOCK_S).done == set(futures)
        executor.shutdown()


def test_a_new_executor_after_a_broken_one(make_pool):
    """What has broken is that pool alone."""
    broken, other = make_pool(), make_pool()
    other.submit(int)
    assert isinstance(outcome(broken.submit(leave, 3)), Broken)
    assert other.submit(int).result(DEADLOCK_S) == 0
    assert make_pool().submit(int).result(DEADLOCK_S) == 0


def test_failing_is_not_breaking(make_pool, stage):
    """An exception of a task, be it SystemExit, is its own alone."""
    executor = make_pool(2)
    failing = executor.submit(hold_then_fail, stage.address, SystemExit(3))
    actor = stage.next()
    pid = executor.submit(os.getpid).result(DEADLOCK_S)
    actor.let_go()
    assert isinstance(outcome(failing), SystemExit)
    assert isinstance(outcome(executor.submit(fail, MemoryError())), MemoryError)
    assert not executor._broken
    assert {pid, actor.pid} == set(executor._processes)
