"""When the pipe to the process of a ``KillableThreadPoolExecutor`` is cut, or memory is short."""

from __future__ import annotations

import os
import pickle
import socket
import sys

import pytest

from conftest import DEADLOCK_S
from killable_tasks import (
    HALF_A_MESSAGE,
    NO_MESSAGE,
    add,
    close_everything,
    echo,
    hold,
    leave_a_child_behind,
    pipes,
    sleep_in_c,
    write_to_pipes,
)
from killable_things import exhaust, exhaust_memory
from outcomes import error_of
from poolcompat import _stdlib
from poolcompat.futures.process import BrokenProcessPool
from stage import ends, exists, is_killed, is_ready_or_over, outcome, wait_until

pytest_plugins = "killable_fixtures"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX descriptors")
restarting_or_not = pytest.mark.parametrize("restart", [False, True])


def all_is_well(executor, restart, pid, queued):
    """See to it that nobody is left waiting, nor the process."""
    if restart:
        assert queued.result(DEADLOCK_S) == 1
        assert executor.submit(add, 1).result(DEADLOCK_S) == 1
    else:
        assert type(outcome(queued)) is BrokenProcessPool
        assert type(error_of(lambda: executor.submit(add, 1))) is BrokenProcessPool
    executor.shutdown()
    assert not exists(pid)


@restarting_or_not
def test_a_task_closes_it(make, stage, restart):
    """As daemons do with whatever is open: the process can be of no use any more."""
    executor = make(2, restart=restart)
    running = executor.submit(sleep_in_c, stage.address)
    stage.next()
    closing = executor.submit(close_everything, stage.address, False)
    actor = stage.next()
    queued = executor.submit(add, 1)
    actor.let_go()
    assert type(outcome(running)) is type(outcome(closing)) is BrokenProcessPool
    all_is_well(executor, restart, actor.pid, queued)


@restarting_or_not
@pytest.mark.parametrize("kill", ["kill_workers", "terminate_workers"])
def test_a_task_closes_it_and_goes_on(make, stage, restart, kill):
    """It can be killed."""
    executor = make(1, restart=restart)
    future = executor.submit(close_everything, stage.address)
    actor = stage.next()
    actor.let_go()
    actor.wait_until_gone()
    ends(executor, kill)
    assert is_killed(future)
    assert is_ready_or_over(executor, restart)


@restarting_or_not
@pytest.mark.parametrize(
    ("data", "status"),
    [(HALF_A_MESSAGE, 5), (NO_MESSAGE, 5), (NO_MESSAGE, None)],
    ids=["half", "nonsense", "nonsense-and-on"],
)
def test_a_task_writes_into_it(make, stage, restart, data, status):
    """Half a message, whose rest never comes, and one that is none."""
    executor = make(1, restart=restart)
    future = executor.submit(write_to_pipes, stage.address, data, status)
    actor = stage.next()
    queued = executor.submit(add, 1)
    actor.let_go()
    assert type(outcome(future)) is BrokenProcessPool
    all_is_well(executor, restart, actor.pid, queued)


@restarting_or_not
@pytest.mark.parametrize("is_busy", [False, True])
def test_it_is_cut_from_outside(make, stage, restart, is_busy):
    """Whatever has done it: the child ends, and its futures are done."""
    before = pipes()
    executor = make(1, restart=restart)
    pid = executor.submit(os.getpid).result(DEADLOCK_S)
    (process,) = executor._processes.values()
    (pipe,) = [descriptor for inode, descriptor in pipes().items() if inode not in before]
    if is_busy:
        running, queued = executor.submit(hold, stage.address), executor.submit(add, 1)
        actor = stage.next()
    with socket.socket(fileno=os.dup(pipe)) as copy:
        copy.shutdown(socket.SHUT_RDWR)
    if is_busy:
        assert type(outcome(running)) is BrokenProcessPool
        actor.wait_until_gone()
        all_is_well(executor, restart, pid, queued)
        return
    wait_until(lambda: not process.is_alive())
    error = error_of(lambda: executor.submit(add, 1).result(DEADLOCK_S))
    assert type(error) is (type(None) if restart else BrokenProcessPool)
    executor.shutdown()
    assert not exists(pid)


@pytest.mark.skipif(not _stdlib.CAN_FORK, reason="needs os.fork()")
@restarting_or_not
@pytest.mark.parametrize("way", ["exit", "kill_workers", "terminate_workers"])
def test_a_child_of_the_child_has_it_open(make, stage, restart, way):
    """One that was forked in a task, say by a pool there, keeps nobody here waiting."""
    executor = make(1, restart=restart)
    future = executor.submit(leave_a_child_behind, stage.address)
    actors = {actor.value: actor for actor in stage.take(2)}
    queued = executor.submit(add, 1)
    if way == "exit":
        actors["child"].let_go()
        error = outcome(future)
        assert type(error) is BrokenProcessPool
        assert "exit code 3" in str(error)
        assert (type(outcome(queued)) is BrokenProcessPool) is not restart
    else:
        getattr(executor, way)()
        assert is_killed(future)
        assert (outcome(queued) is None) is restart
    executor.shutdown()
    assert not exists(actors["child"].pid)
    actors["child of the child"].let_go()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and RLIMIT_AS")
@pytest.mark.parametrize(
    ("task", "size", "restart"),
    [
        (bytes, 1_000_000_000, False),
        (len, 350_000_000, False),
        (len, 350_000_000, True),
        (echo, 100_000_000, True),
    ],
)
def test_memory_is_exhausted(make, stage, task, size, restart):
    """By a task, its arguments or its result: it fails, and nobody is left waiting."""
    executor = make(2, "", exhaust_memory, (150_000_000,), restart=restart)
    running = executor.submit(hold, stage.address, 1)
    actor = stage.next()
    error = outcome(executor.submit(task, size if task is bytes else bytes(size)))
    # PyPy may give up then, and so may the thread that takes the arguments.
    assert isinstance(error, (MemoryError, BrokenProcessPool, pickle.UnpicklingError, type(None)))
    assert error is not None or task is echo
    actor.let_go()
    # With *restart*, its process may have ended before the call began that is too large.
    lost = outcome(running)
    assert lost is None or type(lost) is BrokenProcessPool
    assert lost is not None or type(error) is not BrokenProcessPool
    later = error_of(lambda: executor.submit(add, 1).result(DEADLOCK_S))
    if restart or not isinstance(error, BrokenProcessPool):
        assert later is None
    else:
        assert type(later) is BrokenProcessPool


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and RLIMIT_AS")
def test_no_memory_is_left(make):
    """Not even for an answer: the future is done all the same, and so are later ones."""
    for _ in range(3):
        executor = make(1, "", exhaust_memory, (100_000_000,), restart=True)
        futures = [executor.submit(exhaust), *(executor.submit(echo, bytes(9000)) for _ in "abc")]
        for future in futures:
            assert isinstance(outcome(future), (MemoryError, BrokenProcessPool, type(None)))
