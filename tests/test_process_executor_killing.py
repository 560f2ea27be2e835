"""``ProcessPoolExecutor.terminate_workers()`` and ``kill_workers()``, in every state."""

from __future__ import annotations

import concurrent.futures.process
import os
import signal
import sys
import threading

import pytest

from conftest import DEADLOCK_S
from killable_tasks import hold, hold_the_gil, leave, noted, spin
from outcomes import error_of
from process_tasks import START_METHODS, ignore_sigterm, zeros
from stage import exists, outcome, wait_until

pytest_plugins = ["killable_fixtures", "process_fixtures"]
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

Broken = concurrent.futures.process.BrokenProcessPool
NOT_FORK = [method for method in START_METHODS if method != "fork"]


@pytest.fixture(params=["terminate_workers", "kill_workers"])
def end(request):
    """Call either method, which returns nothing, and takes nothing."""

    def end(executor):
        assert getattr(executor, request.param)() is None

    end.name = request.param
    return end


def assert_over(executor, *pids):
    """The executor takes nothing any more, and its processes and its thread end."""
    with pytest.raises(RuntimeError):
        executor.submit(int)
    executor.shutdown()
    assert not any(exists(pid) for pid in pids)


def test_before_the_first_call(make_pool, end):
    """No process is started just to be ended."""
    executor = make_pool()
    end(executor)
    assert not executor._processes
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        executor.submit(int)
    assert_over(executor)


@pytest.mark.parametrize("method", START_METHODS)
def test_when_idle(make_pool, end, method):
    """What was done before stays as it is."""
    executor = make_pool(2, method)
    future = executor.submit(os.getpid)
    pids = {future.result(DEADLOCK_S), *executor._processes}
    end(executor)
    assert_over(executor, *pids)
    assert future.result(0) in pids


@pytest.mark.parametrize("method", START_METHODS)
def test_with_running_and_pending_calls(make_pool, stage, tmp_path, end, method):
    """The former end with an error each, the latter are cancelled and never run."""
    executor, path = make_pool(2, method), tmp_path / "ran"
    running = [executor.submit(hold, stage.address) for _ in range(2)]
    actors = stage.take(2)
    pending = [executor.submit(noted, path, word) for word in "abc"]
    end(executor)
    errors = [outcome(future) for future in running]
    assert [type(error) for error in errors] == [Broken] * 2
    assert errors[0] is not errors[1]
    assert concurrent.futures.wait(pending, DEADLOCK_S).done == set(pending)
    assert [future.cancelled() for future in pending] == [True] * 3
    assert_over(executor, *(actor.pid for actor in actors))
    assert not path.exists()


@pytest.mark.parametrize("method", START_METHODS)
def test_right_after_the_first_call(make_pool, end, method):
    """While the process is being started: the call is cancelled, or broken, or done."""
    executor = make_pool(2, method)
    futures = [executor.submit(int) for _ in range(5)]
    pids = list(executor._processes)
    end(executor)
    for future in futures:
        assert future in concurrent.futures.wait([future], DEADLOCK_S).done
        assert future.cancelled() or future.exception() is None or outcome(future)
    assert_over(executor, *pids)


def test_while_the_initializer_runs(make_pool, stage, end):
    """Nothing has begun then."""
    executor = make_pool(initializer=hold, initargs=(stage.address,))
    futures = [executor.submit(int) for _ in range(3)]
    actor = stage.next()
    end(executor)
    actor.wait_until_gone()
    assert concurrent.futures.wait(futures, DEADLOCK_S).done == set(futures)
    for future in futures:
        assert future.cancelled() or isinstance(future.exception(), Broken)
    assert_over(executor, actor.pid)


def test_twice(make_pool, stage, end):
    """The second call finds nothing to do, and so does the other method."""
    executor = make_pool()
    future = executor.submit(hold, stage.address)
    actor = stage.next()
    end(executor)
    end(executor)
    executor.terminate_workers()
    executor.kill_workers()
    assert isinstance(outcome(future), Broken)
    assert_over(executor, actor.pid)
    end(executor)


def test_by_two_threads_at_once(make_pool, stage, end):
    """Both return."""
    executor = make_pool(2)
    futures = [executor.submit(hold, stage.address) for _ in range(4)]
    actors = stage.take(2)
    both = threading.Barrier(2)
    threads = [
        threading.Thread(target=lambda: (both.wait(DEADLOCK_S), end(executor))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLOCK_S)
    assert_over(executor, *(actor.pid for actor in actors))
    assert [future.cancelled() for future in futures] == [False, False, True, True]


def test_from_a_callback(make_pool, stage, end):
    """Of the same executor: one process is in the middle of another call."""
    executor = make_pool(2)
    outcomes = []
    futures = [executor.submit(hold, stage.address, n) for n in range(3)]
    actors = sorted(stage.take(2), key=lambda actor: actor.value)
    futures[0].add_done_callback(lambda _: outcomes.append(error_of(lambda: end(executor))))
    actors[0].let_go()
    assert isinstance(outcome(futures[1]), Broken)
    assert concurrent.futures.wait(futures[2:], DEADLOCK_S).done
    executor.shutdown()
    assert outcomes == [None]
    assert futures[0].result(0) == 0
    assert futures[2].cancelled()
    assert_over(executor, *(actor.pid for actor in actors))


def test_from_a_callback_of_what_it_ends(make_pool, stage, end):
    """Such callbacks may also submit, in vain, and shut down."""
    executor = make_pool()
    refusals = []
    futures = [executor.submit(hold, stage.address) for _ in range(3)]
    actor = stage.next()
    for future in futures:
        future.add_done_callback(lambda _: end(executor))
        future.add_done_callback(lambda _: refusals.append(error_of(lambda: executor.submit(int))))
        future.add_done_callback(lambda _: executor.shutdown())
    end(executor)
    assert concurrent.futures.wait(futures, DEADLOCK_S).done == set(futures)
    assert_over(executor, actor.pid)
    assert [isinstance(error, RuntimeError) for error in refusals] == [True] * 3


@pytest.mark.parametrize("wait", [True, False])
def test_after_shutdown(make_pool, stage, end, wait):
    """Also while another thread waits in it, which then returns."""
    executor = make_pool()
    running, pending = (executor.submit(hold, stage.address) for _ in range(2))
    actor = stage.next()
    thread = threading.Thread(target=lambda: executor.shutdown(wait=wait))
    thread.start()
    if not wait:
        thread.join(DEADLOCK_S)
    wait_until(lambda: executor._shutdown_thread)
    end(executor)
    thread.join(DEADLOCK_S)
    assert not thread.is_alive()
    assert isinstance(outcome(running), Broken)
    assert pending.cancelled()
    assert_over(executor, actor.pid)


def test_in_its_with_block(make_pool, stage, end):
    """Leaving it waits for what is left."""
    with make_pool(2) as executor:
        futures = [executor.submit(hold, stage.address) for _ in range(4)]
        actors = stage.take(2)
        end(executor)
    assert all(future.done() for future in futures)
    assert_over(executor, *(actor.pid for actor in actors))


def test_a_broken_pool(make_pool, end):
    """It stays one."""
    executor = make_pool()
    assert isinstance(outcome(executor.submit(leave, 3)), Broken)
    end(executor)
    with pytest.raises(Broken, match="exit code 3"):
        executor.submit(int)
    assert_over(executor)


@pytest.mark.parametrize("task", [spin, hold_the_gil])
def test_whatever_the_task_does(make_pool, stage, end, task):
    """SIGTERM ends a process even in C."""
    if task is hold_the_gil and hasattr(sys, "pypy_version_info"):
        pytest.skip("needs ctypes.PyDLL")
    executor = make_pool()
    future = executor.submit(task, stage.address)
    actor = stage.next()
    end(executor)
    assert isinstance(outcome(future), Broken)
    assert_over(executor, actor.pid)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs POSIX signals")
def test_a_process_that_is_stopped(make_pool):
    """It cannot be asked to end; SIGTERM waits for it to go on."""
    executor = make_pool()
    pid = executor.submit(os.getpid).result(DEADLOCK_S)
    os.kill(pid, signal.SIGSTOP)
    future = executor.submit(int)
    executor.kill_workers()
    assert concurrent.futures.wait([future], DEADLOCK_S).done
    assert_over(executor, pid)


def test_a_task_that_does_not_want_to_end(make_pool, stage):
    """One that ignores SIGTERM goes on, as in the standard library."""
    executor = make_pool()
    future = executor.submit(ignore_sigterm, stage.address)
    actor = stage.next()
    executor.terminate_workers()
    assert future.running()
    executor.kill_workers()
    assert isinstance(outcome(future), Broken)
    assert_over(executor, actor.pid)


def test_while_a_large_argument_is_sent(make_pool, end):
    """The process does not take it, and the manager waits for that."""
    executor = make_pool()
    pid = executor.submit(os.getpid).result(DEADLOCK_S)
    if not hasattr(signal, "SIGSTOP"):
        pytest.skip("needs POSIX signals")
    os.kill(pid, signal.SIGSTOP)
    future = executor.submit(len, bytes(10_000_000))
    wait_until(future.running)
    end(executor)
    os.kill(pid, signal.SIGCONT)
    assert isinstance(outcome(future), Broken)
    assert_over(executor, pid)


def test_while_a_large_result_is_received(make_pool, stage, end):
    """Half of it is in the pipe, and nobody takes it."""
    entered, release = threading.Event(), threading.Event()
    executor = make_pool(2)
    executor.submit(hold, stage.address).add_done_callback(
        lambda _: (entered.set(), release.wait(DEADLOCK_S))
    )
    actor = stage.next()
    large = executor.submit(zeros, 10_000_000)
    wait_until(large.running)
    actor.let_go()
    assert entered.wait(DEADLOCK_S)
    pids = list(executor._processes)
    thread = threading.Thread(target=end, args=(executor,))
    thread.start()
    release.set()
    thread.join(DEADLOCK_S)
    assert concurrent.futures.wait([large], DEADLOCK_S).done
    assert large.exception() is None or isinstance(large.exception(), Broken)
    assert_over(executor, *pids)


@pytest.mark.skipif(not NOT_FORK, reason="needs a start method other than fork")
def test_processes_that_are_replaced(make_pool, stage, end):
    """No new one escapes."""
    executor = make_pool(2, NOT_FORK[0], max_tasks_per_child=1)
    futures = [executor.submit(hold, stage.address) for _ in range(8)]
    actors = stage.take(2)
    for actor in actors:
        actor.let_go()
    actors += stage.take(2)
    end(executor)
    assert concurrent.futures.wait(futures, DEADLOCK_S).done == set(futures)
    assert_over(executor, *(actor.pid for actor in actors))
    assert [future.cancelled() for future in futures[4:]] == [True] * 4
