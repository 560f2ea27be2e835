"""When the process of a ``KillableThreadPoolExecutor`` dies by itself."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import signal
import threading

import pytest

from conftest import DEADLOCK_S
from killable_tasks import add, echo, hold, kill_self, leave, noted, who
from killable_things import Announced
from outcomes import error_of
from poolcompat import _stdlib
from poolcompat.futures.process import BrokenProcessPool
from stage import START_METHODS, exists, outcome, wait_until

pytest_plugins = "killable_fixtures"

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]
restarting_or_not = pytest.mark.parametrize("restart", [False, True])


class Told:
    """Tells when it is pickled."""

    def __init__(self):
        self.told = threading.Event()

    def __reduce__(self):
        self.told.set()
        return str, ()


def is_broken(executor, *said):
    """Tell whether it takes no more work, and says so."""
    error = error_of(lambda: executor.submit(add, 1))
    assert type(error) is BrokenProcessPool
    executor.shutdown()
    return all(one in str(error) for one in said)


def stop(pid):
    """Have a process stand still, and wait until it does."""
    os.kill(pid, signal.SIGSTOP)
    _, status = os.waitpid(pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)


@restarting_or_not
@pytest.mark.parametrize(
    ("method", "end", "argument", "said"),
    [
        *((method, leave, 3, "exit code 3") for method in START_METHODS),
        *((method, kill_self, signal.SIGKILL, "SIGKILL") for method in START_METHODS),
        ("spawn", leave, 0, "exit code 0"),
        ("spawn", kill_self, signal.SIGSEGV, "SIGSEGV"),
    ],
)
def test_a_task_ends_the_process(make, stage, restart, method, end, argument, said):
    """What ran fails, and tells how it died; the rest fails too, or runs in a new process."""
    executor = make(2, mp_context=multiprocessing.get_context(method), restart=restart)
    running = executor.submit(hold, stage.address)
    actor = stage.next()
    ending = executor.submit(end, argument, stage.address)
    ender = stage.next()
    queued = [executor.submit(add, number) for number in range(5)]
    ender.let_go()
    broken = [running, ending] if restart else [running, ending, *queued]
    errors = [outcome(future) for future in broken]
    assert {type(error) for error in errors} == {BrokenProcessPool}
    assert all(said in str(error) for error in errors)
    assert len({id(error) for error in errors}) == len(errors)
    actor.wait_until_gone()
    if restart:
        assert [future.result(DEADLOCK_S) for future in queued] == list(range(5))
        assert executor.submit(who).result(DEADLOCK_S)[0] != actor.pid
    else:
        assert is_broken(executor, said)


@restarting_or_not
def test_somebody_kills_it_when_idle(make, restart):
    """Nothing is lost: the next call says so, or runs in a new process."""
    executor = make(1, restart=restart)
    pid, _ = executor.submit(who).result(DEADLOCK_S)
    os.kill(pid, signal.SIGKILL)
    if restart:
        assert executor.submit(who).result(DEADLOCK_S)[0] != pid
        return
    error = error_of(lambda: executor.submit(who).result(DEADLOCK_S))
    assert type(error) is BrokenProcessPool
    assert "SIGKILL" in str(error)
    assert is_broken(executor, "SIGKILL")
    assert not exists(pid)


@restarting_or_not
@pytest.mark.parametrize("size", [0, 20_000_000])
def test_it_dies_before_the_call_arrives(make, restart, size):
    """Which has not begun then; some or all of it is in the pipe."""
    executor = make(2, restart=restart)
    pid, _ = executor.submit(who).result(DEADLOCK_S)
    stop(pid)
    told = Told()
    futures = [executor.submit(echo, told, bytes(size)), *(executor.submit(add, 1) for _ in "abc")]
    assert told.told.wait(DEADLOCK_S)
    wait_until(futures[0].running)
    os.kill(pid, signal.SIGKILL)
    errors = [outcome(future) for future in futures]
    if restart:
        assert errors == [None] * 4
        assert futures[0].result(0) == ("", bytes(size))
    else:
        assert {type(error) for error in errors} == {BrokenProcessPool}
        assert is_broken(executor, "SIGKILL")


@restarting_or_not
def test_it_dies_in_the_middle_of_a_result(make, stage, restart):
    """Half of it is no result."""
    executor = make(2, restart=restart)
    running = executor.submit(hold, stage.address)
    pid = stage.next().pid
    future = executor.submit(Announced, stage.address, 100_000_000)
    assert stage.next().value == "pickled"
    queued = executor.submit(add, 1)
    os.kill(pid, signal.SIGKILL)
    errors = [outcome(one) for one in (running, future)]
    assert type(errors[0]) is BrokenProcessPool
    assert type(errors[1]) in (BrokenProcessPool, type(None))
    assert (outcome(queued) is None) is restart


@restarting_or_not
def test_many_deaths(make, restart):
    """Each task that ends its process fails, and nobody waits for ever."""
    executor = make(2, restart=restart)
    futures = [executor.submit(leave, number) for number in range(1, 6)]
    assert {type(outcome(future)) for future in futures} == {BrokenProcessPool}
    if restart:
        assert executor.submit(add, 1).result(DEADLOCK_S) == 1
    else:
        assert is_broken(executor, "exit code")


def test_nothing_runs_twice(make, tmp_path):
    """Nor is anything lost, except for what had begun."""
    log, count = tmp_path / "log", 0
    executor = make(2, restart=True)
    futures = {}
    for turn in range(5):
        for number in range(20):
            word = f"{turn}.{number}"
            futures[word] = executor.submit(noted, str(log), word)
        ending = executor.submit(leave, 1)
        assert type(outcome(ending)) is BrokenProcessPool
    for word, future in futures.items():
        error = outcome(future)
        count += error is not None
        assert type(error) in (BrokenProcessPool, type(None)), word
    executor.shutdown()
    ran = log.read_text().split()
    assert len(ran) == len(set(ran))
    assert {word for word, future in futures.items() if future.exception(0) is None} <= set(ran)
    assert count <= 5


@restarting_or_not
def test_callbacks_of_what_is_lost_may_submit(make, stage, restart):
    """And may shut it down, kill it, and raise."""
    executor = make(1, restart=restart)
    errors, called = [], threading.Event()

    def callback(_):
        errors.append(error_of(lambda: executor.submit(add, 1)))
        errors.append(error_of(lambda: executor.shutdown(wait=True)))
        errors.append(error_of(executor.kill_workers))
        called.set()
        raise SystemExit("from a callback")

    future = executor.submit(leave, 3, stage.address)
    actor = stage.next()
    future.add_done_callback(callback)
    queued = executor.submit(add, 1)
    actor.let_go()
    assert called.wait(DEADLOCK_S)
    assert type(errors[0]) is (type(None) if restart else BrokenProcessPool)
    assert errors[1:] == [None, None]
    assert not concurrent.futures.wait([future, queued], DEADLOCK_S).not_done
    executor.shutdown()
    assert not exists(actor.pid)


@restarting_or_not
def test_a_cancelled_one_is_among_them(make, stage, restart):
    """It stays cancelled, and keeps none of the others from ending."""
    executor = make(1, restart=restart)
    ending = executor.submit(leave, 3, stage.address)
    actor = stage.next()
    queued = [executor.submit(add, 1) for _ in range(3)]
    assert queued[1].cancel()
    actor.let_go()
    assert type(outcome(ending)) is BrokenProcessPool
    errors = [outcome(future) for future in queued]
    assert isinstance(errors[1], concurrent.futures.CancelledError)
    assert (errors[0] is errors[2] is None) is restart


def test_it_is_shut_down_when_it_dies(make, stage):
    """With *restart*, what was submitted still runs; shutdown() waits for that."""
    executor = make(1, restart=True)
    ending = executor.submit(leave, 3, stage.address)
    actor = stage.next()
    queued = [executor.submit(add, number) for number in range(3)]
    executor.shutdown(wait=False)
    actor.let_go()
    executor.shutdown()
    assert type(ending.exception(0)) is BrokenProcessPool
    assert [future.result(0) for future in queued] == [0, 1, 2]


@restarting_or_not
def test_it_never_comes_to_work(make, restart):
    """Starting it again and again would help nobody: the executor is broken."""
    executor = make(1, "", leave, (7,), restart=restart)
    errors = [outcome(executor.submit(add, 1))]
    errors.append(error_of(lambda: executor.submit(add, 1).result(DEADLOCK_S)))
    assert [type(error) for error in errors] == [BrokenProcessPool] * 2
    assert "exit code 7" in str(errors[0])


@pytest.mark.skipif(not _stdlib.CAN_FORK, reason="needs os.fork()")
def test_asked_by_others_meanwhile(make, stage):
    """What is killed by somebody else, and by kill_workers() at once, ends once."""
    executor = make(1, restart=True)
    for _ in range(5):
        future = executor.submit(hold, stage.address)
        actor = stage.next()
        os.kill(actor.pid, signal.SIGKILL)
        executor.kill_workers()
        error = future.exception(0)
        assert type(error) is BrokenProcessPool or error.reason == "killed"
        assert executor.submit(add, 1).result(DEADLOCK_S) == 1
