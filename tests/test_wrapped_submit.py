"""Wrappers that others put on ``ThreadPoolExecutor.submit()``, as OpenTelemetry and Sentry do."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor

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


@pytest.fixture
def wrapper():
    code = ORIGINAL.__code__
    yield Wrapper()
    poolcompat.unpatch_all()
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


def test_a_wrapper_that_was_there_is_called(wrapper):
    """What it wraps is ours while we are there, and nothing is left of us."""
    wrapper.put()
    poolcompat.patch_all()
    assert is_ours()
    assert wrapper.seen == [abs]

    assert poolcompat.unpatch_all() == ()
    assert not is_ours()
    assert wrapper.seen == [abs, abs]


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
