"""Initializers of a ``KillableThreadPoolExecutor`` that fail, or take their time."""

from __future__ import annotations

import os

import pytest

from conftest import DEADLOCK_S
from killable_tasks import NotPickled, NotPickledError, add, fail, fail_with, hold, keep
from outcomes import error_of
from poolcompat.futures.process import BrokenProcessPool
from stage import outcome

pytest_plugins = "killable_fixtures"

needs_signals = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
# Since 3.12 a fork of a process with threads warns.
quiet_forks = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("error", [KeyError("k"), SystemExit(3), KeyboardInterrupt("i")])
def test_an_initializer_that_fails(make, restart, error):
    """Breaks the executor; its exception is the cause."""
    executor = make(2, "", fail, (error,), restart=restart)
    futures = [executor.submit(int) for _ in range(4)]
    errors = [outcome(future) for future in futures]
    assert {type(one) for one in errors} == {BrokenProcessPool}
    assert len({id(one) for one in errors}) == 4
    cause = errors[0].__cause__
    assert (type(cause), cause.args) == (type(error), error.args)
    with pytest.raises(BrokenProcessPool):
        executor.submit(int)
    executor.shutdown()
    assert not any(process.is_alive() for process in executor._processes.values())


def test_an_initializer_whose_error_cannot_be_pickled(make):
    """Breaks it as well, and the error is told."""
    executor = make(1, "", fail_with, (NotPickledError, "exception"))
    error = outcome(executor.submit(int))
    assert type(error) is BrokenProcessPool
    assert "raised by the task" in f"{error} {error.__cause__}"


@pytest.mark.parametrize("initializer", [lambda: None, NotPickled("exception")], ids=["fn", "arg"])
def test_an_initializer_that_cannot_be_pickled(make, initializer):
    """Nobody waits for ever."""
    args = (keep, (initializer,)) if isinstance(initializer, NotPickled) else (initializer, ())
    executor = make(1, "", *args, restart=True)
    for _ in range(2):
        assert error_of(lambda: executor.submit(int).result(DEADLOCK_S)) is not None
    executor.shutdown()


def test_an_initializer_that_takes_its_time(make, stage):
    """Calls wait until it is done; those that have not begun can still be cancelled."""
    executor = make(1, "", hold, (stage.address,))
    futures = [executor.submit(add, number) for number in range(3)]
    actor = stage.next()
    assert futures[2].cancel()
    assert not futures[0].done()
    actor.let_go()
    assert [future.result(DEADLOCK_S) for future in futures[:2]] == [0, 1]
