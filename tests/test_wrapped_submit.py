"""Wrappers that others put on ``ThreadPoolExecutor.submit()``, as OpenTelemetry and Sentry do.

The last tests are of those on ``as_completed()`` and ``wait()``.
"""

from __future__ import annotations

import functools
import types
from concurrent.futures import Future, ThreadPoolExecutor, _base
from unittest import mock

import pytest

import poolcompat
import poolcompat.futures

ORIGINAL = vars(ThreadPoolExecutor)["submit"]


class Wrapper:
    """What takes note of the functions that are submitted, while it is in place."""

    def __init__(self):
        self.seen = []
        self.wrapped = None

    def put(self):
        self.wrapped = wrapped = ThreadPoolExecutor.submit
        seen = self.seen

        @functools.wraps(wrapped)
        def submit(self, fn, *args, **kwargs):
            seen.append(fn)
            return wrapped(self, fn, *args, **kwargs)

        ThreadPoolExecutor.submit = submit

    def remove(self):
        ThreadPoolExecutor.submit = self.wrapped


class Closure(Wrapper):
    """One that does not say what it wraps."""

    def put(self):
        super().put()
        del ThreadPoolExecutor.submit.__wrapped__


class Within(Wrapper):
    """One that changes the code of the function, as Datadog's do."""

    def put(self):
        self.code = code = ORIGINAL.__code__
        wrapped = types.FunctionType(code, ORIGINAL.__globals__, "wrapped")
        seen = self.seen

        def wrapper(self, fn, *args, **kwargs):
            seen.append(fn)
            return wrapped(self, fn, *args, **kwargs)

        def submit(*args, **kwargs):
            run = "wrapper"
            return run(*args, **kwargs)

        inside = {"wrapper": wrapper}
        consts = (*(inside.get(c, c) for c in submit.__code__.co_consts), wrapped)
        ORIGINAL.__code__ = submit.__code__.replace(co_consts=consts)

    def remove(self):
        ORIGINAL.__code__ = self.code


KINDS = [
    Wrapper,
    Closure,
    pytest.param(
        Within,
        marks=pytest.mark.skipif(
            not hasattr(types.CodeType, "replace"), reason="needs CodeType.replace()"
        ),
    ),
]


@pytest.fixture(params=[Wrapper])
def wrapper(request):
    code = ORIGINAL.__code__
    yield request.param()
    poolcompat.unpatch_all()
    ORIGINAL.__code__ = code
    ThreadPoolExecutor.submit = ORIGINAL
    with poolcompat.patched():
        pass  # It takes what it had to leave for its own again.
    assert vars(ThreadPoolExecutor)["submit"] is ORIGINAL
    assert ORIGINAL.__code__ is code


def is_ours():
    """Tell whether a future is one of ours, which says who has made it."""
    with ThreadPoolExecutor(1) as executor:
        future = executor.submit(abs, -1)
        assert future.result() == 1
    return type(future) is poolcompat.futures.Future


@pytest.mark.parametrize("wrapper", KINDS, indirect=True)
def test_a_wrapper_that_was_there_is_called(wrapper):
    """What it wraps is ours while we are there, and nothing is left of us."""
    wrapper.put()
    poolcompat.patch_all()
    assert is_ours()
    assert wrapper.seen == [abs]

    assert poolcompat.unpatch_all() == ()
    assert not is_ours()
    assert wrapper.seen == [abs, abs]


@pytest.mark.parametrize("wrapper", KINDS[:2], indirect=True)
def test_a_wrapper_that_was_there_is_removed(wrapper):
    """What it had wrapped stays ours."""
    wrapper.put()
    poolcompat.patch_all()
    wrapper.remove()
    assert is_ours()
    assert wrapper.seen == []

    assert poolcompat.unpatch_all() == ()
    assert not is_ours()


def test_a_wrapper_that_came_later_is_left(wrapper):
    """It is reported, and goes on calling ours."""
    poolcompat.patch_all()
    wrapper.put()
    assert is_ours()
    assert wrapper.seen == [abs]

    (left,) = poolcompat.unpatch_all()
    assert left.slot == "concurrent.futures.thread.ThreadPoolExecutor.submit"
    assert is_ours()
    assert wrapper.seen == [abs, abs]


@pytest.mark.parametrize("wrapper", KINDS, indirect=True)
def test_a_wrapper_comes_and_goes_between_two_patches(wrapper):
    """Each time it is looked where to put what is ours."""
    poolcompat.patch_all()
    assert is_ours()
    poolcompat.unpatch_all()
    wrapper.put()
    poolcompat.patch_all()
    assert is_ours()
    assert wrapper.seen == [abs]
    poolcompat.unpatch_all()
    wrapper.remove()
    poolcompat.patch_all()
    assert is_ours()
    assert poolcompat.unpatch_all() == ()
    assert not is_ours()


def test_a_wrapper_around_something_else(wrapper):
    """A function that is not the standard library's is replaced, as everything is."""
    ThreadPoolExecutor.submit = functools.wraps(abs)(lambda self, fn: fn)
    poolcompat.patch_all()
    assert is_ours()


def wrapping(function):
    """Return a wrapper that does not say what it wraps."""
    return lambda *args: function(*args)


@pytest.fixture
def cancelled():
    future = Future()
    future.cancel()
    return future


@pytest.mark.parametrize("name", ["as_completed", "wait"])
def test_a_function_that_was_wrapped(name, cancelled, monkeypatch):
    """What the wrapper calls is repaired."""
    before = vars(_base)[name]
    monkeypatch.setattr(_base, name, wrapping(before))
    with poolcompat.patched():
        assert list(_base.as_completed([cancelled])) == [cancelled]
        assert _base.wait([cancelled], 0).done == {cancelled}


@pytest.mark.parametrize("name", ["as_completed", "wait"])
@pytest.mark.parametrize("other", [mock.MagicMock(), wrapping(abs)])
def test_a_function_that_was_exchanged(name, other, monkeypatch):
    """It is told why it cannot be repaired, and nothing is changed."""
    with monkeypatch.context() as context:
        context.setattr(_base, name, other)
        with pytest.raises(RuntimeError, match=f"concurrent.futures._base.{name} cannot be rep"):
            poolcompat.patch_all()
        assert not poolcompat.is_patched()
    with poolcompat.patched():
        assert poolcompat.is_patched("wait-cancelled")
