"""Killing a ``KillableThreadPoolExecutor`` while others use it, or from one of its callbacks."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import signal
import threading

import pytest

from conftest import DEADLOCK_S
from killable_tasks import add, echo, hold, noted, wait_for_ever
from killable_things import Announced, Stopper, announced
from outcomes import error_of
from poolcompat import TaskStopped
from poolcompat.stopping import stop_requested
from stage import ends, exists, is_cancelled, is_killed, is_ready_or_over, outcome, wait_until

pytest_plugins = "killable_fixtures"

quiet_forks = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
needs_signals = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
each_way = pytest.mark.parametrize("kill", ["kill_workers", "terminate_workers"])
restarting_or_not = pytest.mark.parametrize("restart", [False, True])


@restarting_or_not
def test_two_threads_at_once(make, stage, restart):
    """Each returns when the process is gone."""
    executor = make(2, restart=restart)
    futures = [executor.submit(hold, stage.address) for _ in range(2)]
    pid = stage.take(2)[0].pid
    together = threading.Barrier(4)
    gone = []

    def end(kill):
        together.wait(DEADLOCK_S)
        getattr(executor, kill)()
        gone.append((not exists(pid), *map(is_killed, futures)))

    ways = ["kill_workers", "terminate_workers"] * 2
    threads = [threading.Thread(target=end, args=(kill,)) for kill in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLOCK_S)
    assert gone == [(True, True, True)] * 4
    assert is_ready_or_over(executor, restart)


@each_way
@restarting_or_not
def test_from_a_callback(make, stage, kill, restart):
    """Of a task that has ended by itself, while another one runs."""
    executor = make(2, restart=restart)
    ended, other = (executor.submit(hold, stage.address, number) for number in range(2))
    actors = {actor.value: actor for actor in stage.take(2)}
    errors, called = [], threading.Event()

    def callback(_):
        errors.append(error_of(getattr(executor, kill)))
        errors.append(is_killed(other))
        called.set()

    ended.add_done_callback(callback)
    actors[0].let_go()
    assert called.wait(DEADLOCK_S)
    assert errors == [None, True]
    actors[1].wait_until_gone()
    assert ended.result(0) == 0
    assert is_ready_or_over(executor, restart)


@each_way
@restarting_or_not
def test_callbacks_of_what_was_killed(make, stage, kill, restart):
    """They may kill again, submit and shut down, and raise what they like."""
    executor = make(1, restart=restart)
    running = executor.submit(hold, stage.address)
    stage.next()
    queued = executor.submit(add, 1)
    seen = []

    def callback(future):
        seen.append(future)
        getattr(executor, kill)()
        seen.append(error_of(lambda: executor.submit(add, 1)))
        raise SystemExit("from a callback")

    running.add_done_callback(callback)
    queued.add_done_callback(lambda future: error_of(lambda: executor.shutdown(wait=False)))
    error = error_of(lambda: ends(executor, kill))
    assert error is None or isinstance(error, SystemExit)
    assert seen[0] is running
    assert is_killed(running)
    assert (type(seen[1]) is RuntimeError) is not restart
    if restart:
        assert queued.result(DEADLOCK_S) == 1
    else:
        assert is_cancelled(queued)


@each_way
def test_shutdown_that_waits_returns(make, stage, kill):
    """In another thread, and when the block of the executor is left."""
    with make(1) as executor:
        executor.submit(hold, stage.address)
        queued = executor.submit(int)
        stage.next()
        waiting = threading.Thread(target=executor.shutdown)
        waiting.start()
        ends(executor, kill)
        waiting.join(DEADLOCK_S)
        assert not waiting.is_alive()
        assert queued.done()


@each_way
@restarting_or_not
def test_after_shutdown(make, stage, kill, restart):
    """What goes on after shutdown(wait=False) is killed; with *restart* the rest still runs."""
    executor = make(1, restart=restart)
    running, queued = executor.submit(hold, stage.address), executor.submit(add, 1)
    stage.next()
    executor.shutdown(wait=False)
    ends(executor, kill)
    assert is_killed(running)
    if restart:
        assert queued.result(DEADLOCK_S) == 1
    else:
        assert is_cancelled(queued)
    executor.shutdown()


def test_only_what_began_is_lost(make, stage, tmp_path):
    """Over many rounds: what is not "killed" ran once, and nothing ran twice."""
    log = tmp_path / "log"
    executor = make(2, restart=True)
    futures = {}
    for turn in range(6):
        for number in range(30):
            word = f"{turn}.{number}"
            futures[word] = executor.submit(noted, str(log), word)
        futures[f"{turn}.0"].exception(DEADLOCK_S)
        executor.kill_workers()
    errors = {word: outcome(future) for word, future in futures.items()}
    executor.shutdown()
    ran = log.read_text().split()
    assert len(ran) == len(set(ran))
    assert {word for word, error in errors.items() if error is None} <= set(ran)
    assert {type(error) for error in errors.values()} <= {type(None), TaskStopped}
    assert {word for word in futures if word not in ran} <= {w for w in errors if errors[w]}
    assert len([error for error in errors.values() if error is not None]) <= 6 * 2


def test_what_has_begun_does_not_run_again(make, stage):
    """Though the manager has not come to read that it has: it is in a callback."""
    executor = make(4, "", hold, (stage.address, "initializer"), restart=True)
    futures = {}
    for size in (3_000_000, 10):
        futures[size] = executor.submit(announced, stage.address, size)
        stage.next().let_go()
        futures[size].actor = stage.next()
    futures[10].add_done_callback(lambda _: began.wait(DEADLOCK_S) and executor.kill_workers())
    third = executor.submit(hold, stage.address, "task")
    initializer = stage.next()
    begun, go_on, began = threading.Event(), threading.Event(), threading.Event()
    executor.submit(Stopper(begun, go_on))
    assert begun.wait(DEADLOCK_S)
    # Nobody reads now.  What the first returns fills the pipe; the answer of the second, and that
    # its thread has begun with the third, come in one frame after it.
    for future in (futures[3_000_000], futures[10]):
        future.actor.let_go()
        assert stage.next().value == "pickled"
    go_on.set()
    running = stage.next()
    assert running.value == "task"
    began.set()
    running.wait_until_gone()
    initializer.wait_until_gone()
    assert isinstance(outcome(third), TaskStopped)
    assert is_killed(third)


def test_submitting_while_it_is_killed(make):
    """Whatever is submitted meanwhile is done in the end."""
    executor = make(2, restart=True)
    is_over_now, futures = threading.Event(), []

    def submit():
        while not is_over_now.is_set():
            future = executor.submit(add, 1)
            futures.append(future)
            concurrent.futures.wait([future], DEADLOCK_S)

    threads = [threading.Thread(target=submit) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        executor.submit(int).exception(DEADLOCK_S)
        executor.kill_workers()
    is_over_now.set()
    for thread in threads:
        thread.join(DEADLOCK_S)
    assert not concurrent.futures.wait(futures, DEADLOCK_S).not_done
    assert {type(future.exception(0)) for future in futures} <= {type(None), TaskStopped}
    assert is_ready_or_over(executor, restart=True)


@each_way
@restarting_or_not
def test_something_large_is_on_its_way(make, stage, kill, restart):
    """In either direction: nobody waits for the rest of it."""
    executor = make(3, restart=restart)
    executor.submit(wait_for_ever)
    back = executor.submit(Announced, stage.address, 50_000_000)
    assert stage.next().value == "pickled"
    there = executor.submit(echo, bytes(50_000_000))
    ends(executor, kill)
    assert back.done()
    if not restart:
        assert is_cancelled(there) or is_killed(there)
    elif outcome(there) is not None:
        assert is_killed(there)
    assert is_ready_or_over(executor, restart)


@needs_signals
@pytest.mark.parametrize("way", ["shutdown", "request_stop", "cancel"])
def test_what_is_not_wanted_any_more_does_not_run(make, way):
    """Neither here nor there: it was sent, and is given up before it begins."""
    executor = make(1, restart=True)
    pid = executor.submit(os.getpid).result(DEADLOCK_S)
    os.kill(pid, signal.SIGSTOP)
    os.waitpid(pid, os.WUNTRACED)
    future = executor.submit(stop_requested)
    wait_until(future.running)
    if way == "shutdown":
        executor.shutdown(wait=False, cancel_futures=True)
    elif way == "request_stop":
        executor.request_stop()
    else:
        future.cancel()
    executor.kill_workers()
    executor.shutdown()
    assert future.done()
    # It may be given up, or run and see that a stop is requested.
    assert future.cancelled() or is_killed(future) or future.result(0) is True


def test_asyncio_is_told(make, stage):
    """Whoever awaits the call of a killed process goes on."""
    executor = make(1)

    async def main():
        loop = asyncio.get_event_loop()
        running, queued = (loop.run_in_executor(executor, hold, stage.address) for _ in range(2))
        stage.next()
        executor.kill_workers()
        return await asyncio.wait_for(
            asyncio.gather(running, queued, return_exceptions=True), DEADLOCK_S
        )

    running, queued = asyncio.run(main())
    assert running.reason == "killed"
    assert isinstance(queued, asyncio.CancelledError)
