"""``Future``, behind both doors."""

from __future__ import annotations

import abc
import concurrent.futures
import pickle
import threading
import typing

import pytest

import poolcompat.futures
from conftest import DEADLOCK_S
from poolcompat import _stdlib


@pytest.mark.parametrize("ask", ["result", "exception"])
def test_a_timeout_is_both_exceptions(lib, ask):
    """Both the built-in TimeoutError and that of concurrent.futures catch it."""
    with pytest.raises(TimeoutError) as caught:
        getattr(lib.futures.Future(), ask)(timeout=0)
    assert isinstance(caught.value, concurrent.futures.TimeoutError)


def test_the_timeout_exception_can_be_pickled():
    """What a worker process raises reaches its parent, as both exceptions."""
    copy = pickle.loads(pickle.dumps(_stdlib.TimeoutError("late")))

    assert isinstance(copy, TimeoutError)
    assert isinstance(copy, concurrent.futures.TimeoutError)
    assert str(copy) == "late"


@pytest.mark.parametrize("ask", ["result", "exception"])
def test_a_cancelled_future_raises(lib, ask):
    """Neither a result nor an exception can be had of a cancelled future."""
    future = lib.futures.Future()
    future.cancel()

    with pytest.raises(lib.futures.CancelledError):
        getattr(future, ask)()


def test_result_and_exception_of_what_has_finished(lib):
    """A result is returned and an exception raised; exception() returns either way."""
    good, bad = lib.futures.Future(), lib.futures.Future()
    error = KeyError()
    good.set_result(1)
    bad.set_exception(error)

    assert (good.result(), good.exception(), bad.exception()) == (1, None, error)
    with pytest.raises(KeyError) as caught:
        bad.result()
    assert caught.value is error


def test_result_waits(lib):
    """result() waits for what another thread sets."""
    future = lib.futures.Future()
    waiting = threading.Event()
    wait = future._condition.wait
    future._condition.wait = lambda timeout: waiting.set() or wait(timeout)

    def complete():
        waiting.wait(DEADLOCK_S)
        future.set_result(1)

    thread = threading.Thread(target=complete)
    thread.start()

    assert future.result(timeout=DEADLOCK_S) == 1
    thread.join()


def test_instances_of_the_standard_library_pass_for_ours():
    """isinstance() and issubclass() take the standard library's own objects for ours."""
    theirs = concurrent.futures.Future()

    class Own(poolcompat.futures.Future):
        pass

    assert isinstance(theirs, poolcompat.futures.Future)
    assert issubclass(concurrent.futures.Future, poolcompat.futures.Future)
    assert not isinstance(theirs, Own)
    assert not isinstance(3, poolcompat.futures.Future)
    assert isinstance(Own(), poolcompat.futures.Future)
    assert isinstance(Own(), concurrent.futures.Future)


@pytest.mark.parametrize("name", ["Future", "ThreadPoolExecutor"])
def test_our_classes_can_be_mixed_with_abstract_ones(name):
    """A class that also derives from an abstract base class can be made, as before."""

    class Mixed(getattr(poolcompat.futures, name), abc.ABC):
        pass

    assert isinstance(Mixed, type)


@pytest.mark.parametrize("name", ["Future", "ThreadPoolExecutor"])
def test_type_hints_of_our_classes_can_be_read(name):
    """typing.get_type_hints() works on the classes, as it does on the standard library's."""
    assert isinstance(typing.get_type_hints(getattr(poolcompat.futures, name)), dict)
