"""What goes to the processes of a ``ProcessPoolExecutor`` and back, and what cannot."""

from __future__ import annotations

import concurrent.futures
import os
import pickle

import pytest

from conftest import DEADLOCK_S
from killable_tasks import (
    ERRORS,
    FailsWithItself,
    NotPickled,
    NotPickledError,
    NotUnpickled,
    NotUnpickledError,
    TwoArgumentsError,
    add,
    echo,
    error_of_pickling,
    fail_with,
    hold,
    make,
    nested,
)
from process_tasks import START_METHODS
from stage import outcome

pytest_plugins = ["killable_fixtures", "process_fixtures"]
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

KINDS = [*ERRORS, "recursion"]
NOT_FORK = [method for method in START_METHODS if method != "fork"]


def error_class(kind):
    return ERRORS.get(kind, RecursionError)


@pytest.fixture
def executor(make_pool):
    """One process, which must be the same, and at work, when the test ends."""
    executor = make_pool()
    pid = executor.submit(os.getpid).result(DEADLOCK_S)
    yield executor
    assert executor.submit(os.getpid).result(DEADLOCK_S) == pid
    assert len(executor._pending_work_items) == 0
    assert not executor._broken


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_that_cannot_be_pickled(executor, kind):
    """The future ends with what pickle raises, wherever in the call it is."""
    for future in (
        executor.submit(NotPickled(kind)),
        executor.submit(echo, 1, NotPickled(kind)),
        executor.submit(add, 1, two=NotPickled(kind)),
        executor.submit(echo, [1, {2: NotPickled(kind)}]),
    ):
        assert type(outcome(future)) is error_class(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_that_cannot_be_unpickled_there(executor, kind):
    """UnpicklingError names what went wrong."""
    for future in (
        executor.submit(echo, NotUnpickled(kind)),
        executor.submit(add, 1, two=NotUnpickled(kind)),
    ):
        error = outcome(future)
        assert type(error) is pickle.UnpicklingError
        assert error_class(kind).__name__ in str(error)
        assert type(error.__cause__) is concurrent.futures.process._RemoteTraceback


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_that_cannot_be_pickled(executor, kind):
    """The future ends with what pickle raises there."""
    error = outcome(executor.submit(make, NotPickled, kind))
    assert type(error) is error_class(kind)
    assert type(error.__cause__) is concurrent.futures.process._RemoteTraceback


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_that_cannot_be_unpickled_here(executor, kind):
    """UnpicklingError has the error as its cause."""
    error = outcome(executor.submit(make, NotUnpickled, kind))
    assert type(error) is pickle.UnpicklingError
    assert type(error.__cause__) is error_class(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_an_exception_that_cannot_be_pickled(executor, kind):
    """PicklingError names it."""
    error = outcome(executor.submit(fail_with, NotPickledError, kind))
    assert type(error) is pickle.PicklingError
    assert "raised by the task" in str(error)
    assert "fail_with" in str(error.__cause__)


@pytest.mark.parametrize("kind", KINDS)
def test_an_exception_that_cannot_be_unpickled_here(executor, kind):
    """UnpicklingError names it, and has the error as its cause."""
    error = outcome(executor.submit(fail_with, NotUnpickledError, kind))
    assert type(error) is pickle.UnpicklingError
    assert "raised by the task" in str(error)
    assert type(error.__cause__) is error_class(kind)


def test_an_exception_with_another_signature(executor):
    """The defect that most people meet (gh-80041)."""
    error = outcome(executor.submit(fail_with, TwoArgumentsError, "one", "two"))
    assert type(error) is pickle.UnpicklingError
    assert "TwoArgumentsError" in str(error)
    assert "one and two" in str(error)
    assert type(error.__cause__) is TypeError


def test_an_error_of_pickling_that_cannot_be_pickled(executor):
    """There is always something to tell."""
    assert type(outcome(executor.submit(make, FailsWithItself))) is pickle.PicklingError
    assert type(outcome(executor.submit(FailsWithItself()))) is NotPickledError


@pytest.mark.parametrize("unpicklable", [lambda: 0, nested(100_000), open, type(lambda: 0)])
def test_the_usual_suspects(executor, unpicklable):
    """Among them what pickle itself refuses."""
    try:
        pickle.dumps(unpicklable)
    except Exception as error:
        expected = type(error)
    else:
        expected = None
    error = outcome(executor.submit(echo, unpicklable))
    assert error is None if expected is None else isinstance(error, (expected, RecursionError))


def test_a_result_that_pickle_refuses(executor):
    """Too deep a nesting, for one."""
    expected = executor.submit(error_of_pickling, nested, 100_000).result(DEADLOCK_S)
    error = outcome(executor.submit(nested, 100_000))
    assert error is None if expected is None else type(error) is expected


def test_those_beside_it_are_not_touched(executor):
    """Good and bad calls in turn, all in the queue at once."""
    bad = [
        (echo, NotPickled("exit")),
        (echo, NotUnpickled("exit")),
        (make, NotPickled, "exit"),
        (make, NotUnpickled, "exit"),
        (fail_with, NotPickledError, "exit"),
        (fail_with, NotUnpickledError, "exit"),
    ]
    futures = []
    for call in bad * 5:
        futures += [executor.submit(echo, len(futures)), executor.submit(*call)]
    for number, future in enumerate(futures):
        if number % 2:
            assert outcome(future) is not None
        else:
            assert future.result(DEADLOCK_S) == (number,)


def test_chunks(executor):
    """Of map(): a chunk is a call."""
    results = executor.map(echo, [1, 2, lambda: 0, 3, 4, 5], chunksize=2)
    assert [next(results) for _ in range(2)] == [(1,), (2,)]
    with pytest.raises((pickle.PicklingError, AttributeError)):
        next(results)
    assert list(results) == [(4,), (5,)]


@pytest.mark.skipif(not NOT_FORK, reason="needs a start method other than fork")
def test_calls_that_cannot_be_pickled_do_not_use_up_processes(make_pool):
    """Nor is a process lacking because of them, or left over."""
    executor = make_pool(2, NOT_FORK[0], max_tasks_per_child=2)
    futures = [executor.submit(lambda: 0) for _ in range(10)]
    assert all(outcome(future) is not None for future in futures)
    pids = [executor.submit(os.getpid).result(DEADLOCK_S) for _ in range(2)]
    assert len(executor._processes) <= 2
    assert pids[0] == pids[1] or len({*pids}) == 2
    executor.shutdown()


def test_shutdown_while_it_is_pickled(make_pool, stage, lib):
    """Whatever is wanted: a call that then cannot be pickled keeps nobody."""
    for options in ({}, {"wait": False}, {"cancel_futures": True}):
        executor = make_pool()
        executor.submit(hold, stage.address)
        actor = stage.next()
        futures = [executor.submit(lambda: 0) for _ in range(5)]
        futures[0].add_done_callback(
            lambda _, executor=executor, options=options: executor.shutdown(**options)
        )
        actor.let_go()
        assert lib.futures.wait(futures, DEADLOCK_S).done == set(futures)
        executor.shutdown()


def test_arguments_are_pickled_when_they_are_sent(make_pool, stage):
    """Until then they can be changed, as with the standard library's."""
    executor, values = make_pool(), [1]
    executor.submit(hold, stage.address)
    actor = stage.next()
    future = executor.submit(echo, values)
    values.append(2)
    actor.let_go()
    assert future.result(DEADLOCK_S) == ([1, 2],)


def test_what_is_submitted_is_let_go(executor, lib):
    """Neither the executor nor its thread keeps arguments, results or futures."""
    import gc
    import weakref

    class Local:
        """Cannot be pickled."""

    local, values = Local(), Values([1])
    futures = [executor.submit(echo, local), executor.submit(echo, values)]
    lib.futures.wait(futures, DEADLOCK_S)
    references = [weakref.ref(thing) for thing in (local, values, *futures)]
    references.append(weakref.ref(futures[1].result(0)[0]))
    del local, values, futures
    # What the manager did last, it may still hold.
    executor.submit(int).result(DEADLOCK_S)
    executor.submit(int).result(DEADLOCK_S)
    gc.collect()
    assert [reference() for reference in references] == [None] * 5


class Values(list):
    """A list that can be referred to weakly."""
