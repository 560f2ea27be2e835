"""What cannot be pickled fails its own future in a ``KillableThreadPoolExecutor``, and no other."""

from __future__ import annotations

import concurrent.futures
import concurrent.futures.process
import pickle
import sys
import threading
import traceback
import types

import pytest

from conftest import DEADLOCK_S
from killable_tasks import (
    FailsWithItself,
    NotPickled,
    NotPickledError,
    NotUnpickled,
    NotUnpickledError,
    TwoArgumentsError,
    add,
    echo,
    error_of_pickling,
    fail,
    fail_with,
    hold,
    nested,
    who,
)
from killable_tasks import make as make_there
from killable_things import make_a_function
from outcomes import error_of
from poolcompat.futures import KillableThreadPoolExecutor
from stage import nothing_left_behind, outcome

pytest_plugins = "killable_fixtures"

KINDS = {
    "exception": LookupError,
    "exit": SystemExit,
    "interrupt": KeyboardInterrupt,
    "recursion": RecursionError,
}
of_each_kind = pytest.mark.parametrize("kind", list(KINDS))


@pytest.fixture(scope="module")
def executor():
    """An executor that all tests here share; its process runs before the first one."""
    with KillableThreadPoolExecutor(2) as executor:
        executor.submit(int).result(DEADLOCK_S)
        yield executor


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(executor):
    with nothing_left_behind():
        yield


@pytest.fixture(autouse=True)
def _nothing_else_is_harmed(executor, stage):
    """Another task runs meanwhile, others follow, and the process is the same."""
    neighbour = executor.submit(hold, stage.address, "unharmed")
    actor = stage.next()
    yield
    assert executor.submit(add, 1).result(DEADLOCK_S) == 1
    assert not neighbour.done()
    actor.let_go()
    assert neighbour.result(DEADLOCK_S) == "unharmed"
    assert executor.submit(who).result(DEADLOCK_S)[0] == actor.pid


@of_each_kind
def test_a_call_that_cannot_be_pickled(executor, kind):
    """What pickle raises is the exception; submit() itself raises nothing."""
    futures = [
        executor.submit(echo, NotPickled(kind)),
        executor.submit(echo, key=[NotPickled(kind)]),
        executor.submit(NotPickled(kind)),
    ]
    assert [type(outcome(future)) for future in futures[:2]] == [KINDS[kind]] * 2
    assert type(outcome(futures[2])) in (KINDS[kind], TypeError)
    for future in futures:
        assert future.done()
        assert not future.cancelled()


@pytest.mark.parametrize("what", [lambda: None, threading.Lock()], ids=["function", "lock"])
def test_common_things_that_cannot_be_pickled(executor, what):
    """The error is that of pickle, as in ProcessPoolExecutor."""
    expected = error_of(lambda: pickle.dumps(what))
    assert type(outcome(executor.submit(echo, what))) is type(expected) is not type(None)


@of_each_kind
def test_a_call_that_cannot_be_unpickled_there(executor, kind):
    """An UnpicklingError names what went wrong."""
    error = outcome(executor.submit(echo, [NotUnpickled(kind)]))
    assert type(error) is pickle.UnpicklingError
    assert KINDS[kind].__name__ in str(error)
    if kind != "recursion":
        assert "on purpose" in str(error)


def test_a_function_that_is_not_there(executor, monkeypatch):
    """As when it was defined in a session, or in a module that only the parent has."""
    module = types.ModuleType("only_here")
    exec("def task(): pass", vars(module))
    monkeypatch.setitem(sys.modules, "only_here", module)
    error = outcome(executor.submit(module.task))
    assert type(error) is pickle.UnpicklingError
    assert "ModuleNotFoundError" in str(error)
    assert "only_here" in str(error)
    monkeypatch.setattr(threading, "task", module.task, raising=False)
    module.task.__module__ = "threading"
    error = outcome(executor.submit(module.task))
    assert type(error) is pickle.UnpicklingError
    assert "AttributeError" in str(error)


@of_each_kind
def test_a_result_that_cannot_be_pickled(executor, kind):
    """What pickle raises there is the exception."""
    error = outcome(executor.submit(make_there, NotPickled, kind))
    assert type(error) is KINDS[kind]
    assert "on purpose" in str(error) or kind == "recursion"


def test_a_function_as_a_result(executor):
    """The error is that of pickle, as in ProcessPoolExecutor."""
    error = outcome(executor.submit(make_a_function))
    assert type(error) is executor.submit(error_of_pickling, make_a_function).result(DEADLOCK_S)
    assert "lambda" in str(error)


def test_an_error_of_pickling_that_cannot_be_pickled(executor):
    """Somebody is told all the same."""
    error = outcome(executor.submit(make_there, FailsWithItself))
    assert isinstance(error, pickle.PicklingError)
    assert "NotPickledError" in str(error)


@of_each_kind
def test_a_result_that_cannot_be_unpickled_here(executor, kind):
    """An UnpicklingError has the error as its cause; the manager's thread goes on."""
    error = outcome(executor.submit(make_there, NotUnpickled, kind))
    assert type(error) is pickle.UnpicklingError
    assert type(error.__cause__) is KINDS[kind]


@of_each_kind
def test_an_exception_that_cannot_be_pickled(executor, kind):
    """A PicklingError names the exception that the task has raised."""
    error = outcome(executor.submit(fail_with, NotPickledError, kind))
    assert type(error) is pickle.PicklingError
    assert "NotPickledError" in str(error)
    assert "raised by the task" in str(error)


@of_each_kind
def test_an_exception_that_cannot_be_unpickled_here(executor, kind):
    """An UnpicklingError has the error as its cause."""
    error = outcome(executor.submit(fail_with, NotUnpickledError, kind))
    assert type(error) is pickle.UnpicklingError
    assert type(error.__cause__) is KINDS[kind]


def test_an_exception_that_takes_more_than_it_keeps(executor):
    """The usual case: __init__() with other arguments than ``args``."""
    error = outcome(executor.submit(fail_with, TwoArgumentsError, "one", "two"))
    assert type(error) is pickle.UnpicklingError
    assert type(error.__cause__) is TypeError


@pytest.mark.parametrize("depth", [100, 200_000])
def test_what_is_nested_deeply(executor, depth):
    """In the call and in the result: it goes through or fails, as pickle says."""
    value = nested(depth)
    expected = type(error_of(lambda: pickle.dumps(value)))
    assert type(outcome(executor.submit(echo, value))) is expected
    error = outcome(executor.submit(nested, depth))
    assert type(error) in (expected, type(None), RecursionError)
    while value:  # or its end would be nested as deeply
        (value,) = value


def test_what_a_task_raises_tells_where(executor):
    """Its cause is the traceback of the child, as in ProcessPoolExecutor."""
    error = outcome(executor.submit(fail, KeyError("k")))
    cause = error.__cause__
    assert type(cause) is concurrent.futures.process._RemoteTraceback
    assert "in fail\n" in str(cause)
    assert "killable_tasks.py" in str(cause)
    assert "KeyError: 'k'" in str(cause)
    shown = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    assert "in fail\n" in shown


def test_an_exception_keeps_what_it_has(executor):
    """Its arguments and attributes, and its class if it is the user's own."""
    error = OSError(2, "No such file", "name")
    error.more = [1, 2]
    raised = outcome(executor.submit(fail, error))
    assert (type(raised), raised.args, raised.filename) == (FileNotFoundError, error.args, "name")
    assert raised.more == [1, 2]


def test_a_call_is_pickled_when_it_is_sent(executor, stage):
    """Not before, so a change is seen as long as it waits."""
    held = executor.submit(hold, stage.address)
    actor = stage.next()
    value = []
    future = executor.submit(echo, value)
    value.append(1)
    actor.let_go()
    assert future.result(DEADLOCK_S) == ([1],)
    assert held.result(DEADLOCK_S) is None


def test_200_megabytes(executor):
    """Both ways, and the process goes on."""
    payload = bytearray(200_000_000)
    payload[::1000] = b"x" * len(payload[::1000])
    (echoed,) = executor.submit(echo, payload).result(DEADLOCK_S)
    assert echoed == payload


def test_large_ones_in_both_directions(executor):
    """Neither side waits for the other to read first."""
    payloads = [bytes([number]) * 3_000_000 for number in range(30)]
    futures = [executor.submit(echo, payload) for payload in payloads]
    assert [future.result(DEADLOCK_S) for future in futures] == [(one,) for one in payloads]


def test_many_that_fail(executor):
    """In between, the good ones come through."""
    calls = [
        (echo, 1),
        (echo, NotPickled("exit")),
        (echo, NotUnpickled("exit")),
        (make_there, NotPickled, "interrupt"),
        (make_there, NotUnpickled, "interrupt"),
        (fail_with, NotPickledError, "exception"),
        (fail_with, NotUnpickledError, "exception"),
    ]
    futures = [executor.submit(*call) for _ in range(20) for call in calls]
    failed = [outcome(future) is not None for future in futures]
    assert failed == [False, *[True] * 6] * 20
