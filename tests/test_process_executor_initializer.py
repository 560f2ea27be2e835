"""Initializers of a ``ProcessPoolExecutor`` that fail, in whatever way."""

from __future__ import annotations

import concurrent.futures.process
import multiprocessing
import os
import pickle
import threading

import pytest

from conftest import DEADLOCK_S
from killable_tasks import (
    NotPickled,
    NotPickledError,
    NotUnpickledError,
    fail,
    fail_with,
    hold,
    kill_self,
    leave,
)
from outcomes import error_of
from process_tasks import START_METHODS, Unloadable, log_to_file, quietly
from stage import exists, outcome, wait_until

pytest_plugins = ["killable_fixtures", "process_fixtures"]
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

Broken = concurrent.futures.process.BrokenProcessPool
NOT_FORK = [method for method in START_METHODS if method != "fork"]


def broken_errors(executor, count=3):
    """Have the initializer called, and return what comes of that."""
    errors = []
    try:
        futures = [executor.submit(int) for _ in range(count)]
    except Broken as error:
        errors.append(error)
    else:
        errors += [outcome(future) for future in futures]
    errors.append(error_of(lambda: executor.submit(int)))
    assert [type(error) for error in errors] == [Broken] * len(errors)
    assert len({id(error) for error in errors}) == len(errors)
    pids = list(executor._processes)
    executor.shutdown()
    assert not any(exists(pid) for pid in pids)
    return errors


@pytest.mark.parametrize("method", START_METHODS)
def test_its_exception_is_the_cause(make_pool, method):
    """In every future and of every refusal, with the traceback in the process."""
    initargs = (fail, LookupError("on purpose", 1))
    for error in broken_errors(make_pool(2, method, initializer=quietly, initargs=initargs)):
        assert type(error.__cause__) is LookupError
        assert error.__cause__.args == ("on purpose", 1)
        trace = error.__cause__.__cause__
        assert type(trace) is concurrent.futures.process._RemoteTraceback
        assert "raise error" in str(trace)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt("x"), GeneratorExit()])
def test_what_ends_programs(make_pool, error):
    """It is an exception as any."""
    executor = make_pool(initializer=quietly, initargs=(fail, error))
    for broken in broken_errors(executor):
        assert type(broken.__cause__) is type(error)


@pytest.mark.parametrize(
    ("failure", "error"),
    [(NotPickledError, pickle.PicklingError), (NotUnpickledError, pickle.UnpicklingError)],
)
def test_an_exception_that_cannot_be_pickled(make_pool, failure, error):
    """What stands for it names it."""
    executor = make_pool(initializer=quietly, initargs=(fail_with, failure, "exception"))
    for broken in broken_errors(executor):
        assert type(broken.__cause__) is error
        assert failure.__name__ in str(broken.__cause__)


def test_it_is_logged_there(make_pool, tmp_path):
    """As ever."""
    path = tmp_path / "log"
    broken_errors(make_pool(initializer=log_to_file, initargs=(path,)))
    log = path.read_text()
    assert log.count("Exception in initializer") == 1
    assert "LookupError: ('on purpose', 1)" in log


@pytest.mark.parametrize("method", START_METHODS)
def test_it_exits(make_pool, method):
    """Then there is no exception, but an exit code."""
    for error in broken_errors(make_pool(2, method, initializer=leave, initargs=(4,))):
        assert "exit code 4" in str(error)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX signals")
def test_it_is_killed(make_pool):
    """The signal is told."""
    for error in broken_errors(make_pool(initializer=kill_self)):
        assert "SIGTERM" in str(error)


@pytest.mark.skipif(not NOT_FORK, reason="needs a start method other than fork")
def test_a_later_process(make_pool, stage):
    """It breaks the pool for the one that works, too."""
    executor = make_pool(2, NOT_FORK[0], initializer=hold, initargs=(stage.address,))
    running = executor.submit(hold, stage.address)
    stage.next().let_go()
    working = stage.next()
    pending = executor.submit(int)
    failing = stage.next()
    executor._processes[failing.pid].kill()
    for future in (running, pending):
        assert isinstance(outcome(future), Broken)
    executor.shutdown()
    assert not exists(working.pid)


def test_what_cannot_be_unpickled_there(make_pool, capfd):
    """The process ends before it can tell more than its exit code."""
    for error in broken_errors(make_pool(1, "spawn", initializer=Unloadable())):
        assert "exit code 1" in str(error)
    assert "ZeroDivisionError" in capfd.readouterr().err


@pytest.mark.parametrize("method", NOT_FORK)
def test_what_cannot_be_pickled_here(make_pool, method):
    """submit() raises what pickle raises, each time, and nothing is left."""
    executor = make_pool(1, method, initializer=fail, initargs=(NotPickled("exception"),))
    for _ in range(3):
        with pytest.raises(LookupError, match="on purpose"):
            executor.submit(int)
    assert not executor._processes
    assert len(executor._pending_work_items) == 0
    executor.shutdown()


def test_no_process_can_be_started(make_pool, monkeypatch):
    """submit() raises what the system says, and works when there are processes again."""
    executor = make_pool()
    with monkeypatch.context() as patch:

        def fail(*_):
            raise OSError("no more processes")

        patch.setattr(executor._mp_context.Process, "start", fail)
        for _ in range(2):
            with pytest.raises(OSError, match="no more processes"):
                executor.submit(int)
    assert len(executor._pending_work_items) == 0
    assert executor.submit(int).result(DEADLOCK_S) == 0


@pytest.mark.skipif(not NOT_FORK, reason="needs a start method other than fork")
def test_no_further_process_can_be_started(make_pool, stage, monkeypatch):
    """Then what there is does the work."""
    executor = make_pool(2, NOT_FORK[0])
    running = executor.submit(hold, stage.address)
    actor = stage.next()
    with monkeypatch.context() as patch:

        def fail(*_):
            raise OSError("no more processes")

        patch.setattr(executor._mp_context.Process, "start", fail)
        pending = executor.submit(os.getpid)
    actor.let_go()
    assert outcome(running) is None
    assert pending.result(DEADLOCK_S) in executor._processes


@pytest.mark.skipif(not NOT_FORK, reason="needs a start method other than fork")
def test_no_new_process_can_be_started_for_one_that_is_used_up(make_pool, stage, monkeypatch):
    """What is left then fails, and does not wait for ever."""
    executor = make_pool(1, NOT_FORK[0], max_tasks_per_child=1)
    running = executor.submit(hold, stage.address, "held")
    actor = stage.next()
    pending = [executor.submit(int) for _ in range(3)]

    def fail(*_):
        raise OSError("no more processes")

    with monkeypatch.context() as patch:
        patch.setattr(executor._mp_context.Process, "start", fail)
        actor.let_go()
        assert running.result(DEADLOCK_S) == "held"
        for future in pending:
            assert isinstance(outcome(future), Broken)
    wait_until(lambda: executor._broken)
    with pytest.raises(Broken):
        executor.submit(int)
    executor.shutdown()
    assert not exists(actor.pid)


def test_no_thread_can_be_started(make_pool, monkeypatch):
    """submit() raises, and works when there are threads again."""
    executor = make_pool()
    with monkeypatch.context() as patch:

        def fail(*_):
            raise RuntimeError("can't start new thread")

        patch.setattr(threading.Thread, "start", fail)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            executor.submit(int)
    assert executor.submit(int).result(DEADLOCK_S) == 0
    executor.shutdown()
    assert multiprocessing.active_children() == []
