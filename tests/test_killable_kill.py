"""``kill_workers()`` and ``terminate_workers()`` of a ``KillableThreadPoolExecutor``."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import signal
import sys
import threading

import pytest

import poolcompat.futures
from conftest import DEADLOCK_S
from killable_tasks import add, hold, hold_the_gil, leave, sleep_in_c, spin, who
from killable_things import until_asked
from outcomes import error_of
from stage import START_METHODS, ends, is_cancelled, is_killed, is_ready_or_over, wait_until

pytest_plugins = "killable_fixtures"

quiet_forks = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
needs_signals = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
each_way = pytest.mark.parametrize("kill", ["kill_workers", "terminate_workers"])
restarting_or_not = pytest.mark.parametrize("restart", [False, True])


@each_way
@restarting_or_not
def test_running_and_queued(make, stage, kill, restart):
    """What ran is "killed", the rest is cancelled or runs in a new process."""
    executor = make(2, restart=restart)
    running = [executor.submit(hold, stage.address) for _ in range(2)]
    first = stage.take(2)
    queued = [executor.submit(hold, stage.address) for _ in range(3)]
    ends(executor, kill)
    assert [is_killed(future) for future in running] == [True, True]
    with pytest.raises(concurrent.futures.CancelledError):
        running[0].result()
    for actor in first:
        actor.wait_until_gone()
    if restart:
        assert not any(future.done() for future in queued)
        for _ in queued:
            actor = stage.next()
            assert actor.pid != first[0].pid
            actor.let_go()
        assert [future.result(DEADLOCK_S) for future in queued] == [None] * 3
        executor.shutdown()
    else:
        assert [is_cancelled(future) for future in queued] == [True] * 3
        with pytest.raises(concurrent.futures.CancelledError):
            queued[0].result()
    futures = [*running, *queued]
    for library in (concurrent.futures, poolcompat.futures):
        assert set(library.as_completed(futures, DEADLOCK_S)) == set(futures)
        assert library.wait(futures, DEADLOCK_S).done == set(futures)
    if not restart:
        assert is_ready_or_over(executor, restart)


@each_way
@restarting_or_not
@pytest.mark.parametrize("busy", [spin, sleep_in_c, hold_the_gil])
def test_whatever_the_task_does(make, stage, kill, restart, busy):
    """Also inside C, and with the lock of the interpreter, which PyPy's ctypes never holds."""
    if busy is hold_the_gil and hasattr(sys, "pypy_version_info"):
        pytest.skip("needs ctypes.PyDLL")
    executor = make(1, restart=restart)
    future = executor.submit(busy, stage.address)
    actor = stage.next()
    ends(executor, kill)
    assert is_killed(future)
    actor.wait_until_gone()
    assert is_ready_or_over(executor, restart)


@each_way
@restarting_or_not
def test_nothing_runs(make, kill, restart):
    """Before the first call, when idle, and again and again."""
    executor = make(1, restart=restart)
    if restart:
        ends(executor, kill)
        ends(executor, kill)
    done = executor.submit(who)
    done.result(DEADLOCK_S)
    ends(executor, kill)
    ends(executor, kill)
    assert done.result(0)
    assert is_ready_or_over(executor, restart)
    ends(executor, kill)
    executor.shutdown()
    ends(executor, kill)


@each_way
def test_before_the_first_call(make, kill):
    """It is shut down all the same."""
    executor = make(1)
    ends(executor, kill)
    assert is_ready_or_over(executor, restart=False)
    assert not executor._processes


@each_way
@restarting_or_not
def test_while_the_process_is_starting(make, kill, restart):
    """What had been submitted is cancelled, or runs in a new process."""
    for has_process in (False, True):
        executor = make(1, restart=restart)
        futures = [executor.submit(add, number) for number in range(3)]
        wait_until(lambda e=executor, has=has_process: e._processes or not has)
        ends(executor, kill)
        if restart:
            results = [error_of(future.result) for future in futures]
            assert results[1:] == [None, None]
            assert results[0] is None or is_killed(futures[0])
        else:
            assert all(future.done() for future in futures)
            assert is_cancelled(futures[-1])
        assert is_ready_or_over(executor, restart)
        executor.shutdown()


@each_way
@restarting_or_not
def test_while_the_initializer_runs(make, stage, kill, restart):
    """It is no task: what waits for it has not begun."""
    executor = make(1, "", hold, (stage.address,), restart=restart)
    future = executor.submit(add, 1)
    first = stage.next()
    ends(executor, kill)
    first.wait_until_gone()
    if restart:
        stage.next().let_go()
        assert future.result(DEADLOCK_S) == 1
    else:
        assert is_cancelled(future) or is_killed(future)


@quiet_forks
@each_way
@pytest.mark.parametrize("method", START_METHODS)
def test_each_start_method(make, stage, kill, method):
    """Gone and back with each."""
    executor = make(1, mp_context=multiprocessing.get_context(method), restart=True)
    for _ in range(3):
        future, queued = (executor.submit(hold, stage.address, 1) for _ in range(2))
        actor = stage.next()
        ends(executor, kill)
        assert is_killed(future)
        actor.wait_until_gone()
        stage.next().let_go()
        assert queued.result(DEADLOCK_S) == 1


def test_what_is_gone_is_not_listed(make):
    """Nor does it keep anything open, however often it is killed."""
    executor = make(1, restart=True)
    for turn in range(20):
        pid, _ = executor.submit(who).result(DEADLOCK_S)
        assert list(executor._processes) == [pid]
        if turn == 1:
            sentinel = executor._processes[pid].sentinel
        executor.kill_workers()
    executor.submit(leave, 3).exception(DEADLOCK_S)
    pid, _ = executor.submit(who).result(DEADLOCK_S)
    assert list(executor._processes) == [pid]
    # The lowest descriptors are taken first, and those of one process may still be open.
    assert executor._processes[pid].sentinel <= sentinel + 12


@each_way
def test_it_takes_no_arguments(make, kill):
    """Neither by position nor by name."""
    executor = make(1)
    with pytest.raises(TypeError):
        getattr(executor, kill)(1)
    with pytest.raises(TypeError):
        getattr(executor, kill)(timeout=1)
    assert executor.submit(add, 1).result(DEADLOCK_S) == 1


@pytest.fixture(params=["ignored", "handled", "blocked"])
def _deaf_to_sigterm(request):
    """What children inherit when they are started."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    handler = signal.getsignal(signal.SIGTERM)
    if request.param == "blocked":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    else:
        handlers = {"ignored": signal.SIG_IGN, "handled": lambda *_: None}
        signal.signal(signal.SIGTERM, handlers[request.param])
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    signal.signal(signal.SIGTERM, handler)


@needs_signals
@quiet_forks
@pytest.mark.usefixtures("_deaf_to_sigterm")
@pytest.mark.parametrize("method", sorted({"spawn", "fork"} & set(START_METHODS)))
def test_a_parent_that_does_not_want_to_be_terminated(make, stage, method):
    """What it has done about SIGTERM does not protect its children."""
    executor = make(mp_context=multiprocessing.get_context(method))
    future = executor.submit(hold, stage.address)
    actor = stage.next()
    ends(executor, "terminate_workers")
    assert is_killed(future)
    actor.wait_until_gone()


@needs_signals
@each_way
def test_a_process_that_is_stopped(make, stage, kill):
    """It does not come to terminating itself, and is gone all the same."""
    executor = make(1, restart=True)
    future = executor.submit(hold, stage.address)
    actor = stage.next()
    os.kill(actor.pid, signal.SIGSTOP)
    os.waitpid(actor.pid, os.WUNTRACED)
    ends(executor, kill)
    assert is_killed(future)
    assert is_ready_or_over(executor, restart=True)


def test_the_reason_can_be_read(make, stage):
    """What is raised says what has happened, and is one's own for each future."""
    executor = make(2)
    futures = [executor.submit(until_asked, stage.address) for _ in range(2)]
    stage.take(2)
    executor.kill_workers()
    errors = [future.exception(0) for future in futures]
    assert {str(error) for error in errors} == {"the process that ran this task was killed"}
    assert errors[0] is not errors[1]


def test_while_another_thread_fails_the_futures(make, stage, monkeypatch):
    """It waits for them, though the process is gone and forgotten."""
    executor = make(1)
    future = executor.submit(hold, stage.address)
    stage.next()
    engine = executor._engine
    (host,) = engine.hosts
    first = threading.Thread(target=executor.kill_workers)
    go, came, is_done = threading.Event(), threading.Semaphore(0), []
    rest, wait = host.rest, host.buried.wait

    def rest_later():
        if threading.current_thread() is first:
            go.wait(DEADLOCK_S)
        return rest()

    def wait_now():
        came.release()
        wait()

    def kill():
        executor.kill_workers()
        is_done.append(future.done())
        came.release()

    monkeypatch.setattr(host, "rest", rest_later)
    monkeypatch.setattr(host.buried, "wait", wait_now)
    first.start()
    wait_until(lambda: not engine.hosts)
    second = threading.Thread(target=kill)
    second.start()
    assert came.acquire(timeout=DEADLOCK_S)
    go.set()
    for thread in (first, second):
        thread.join(DEADLOCK_S)
    assert is_done == [True]
