"""What others have put in the places that matter to us, with stand-ins for the others."""

from __future__ import annotations

import functools
import threading
import types
from concurrent.futures import ThreadPoolExecutor, _base, thread
from unittest import mock

import pytest

import poolcompat
from fresh import run
from poolcompat._others import Stranger, changed_by_others

SUBMIT = "concurrent.futures.thread.ThreadPoolExecutor.submit"

WRAPPERS = """
import functools

def wrap(wrapped):
    @functools.wraps(wrapped)
    def wrapper(*args, **kwargs):
        return wrapped(*args, **kwargs)
    return wrapper

def replacement(*args, **kwargs):
    pass

class Thread:
    pass

class Proxy:  # as wrapt's
    def __init__(self, wrapped, wrapper):
        self.__wrapped__ = wrapped
        self._self_wrapper = wrapper
        self.__module__ = wrapped.__module__

    def __call__(self, *args, **kwargs):
        return self._self_wrapper(self.__wrapped__, args, kwargs)
"""


def others(name, filename="others.py"):
    """Return a module of somebody else's."""
    module = types.ModuleType(name)
    exec(compile(WRAPPERS, filename, "exec"), vars(module))
    return module


tracer = others("tracer.threads.wrappers")


def test_nothing_is_found_in_a_clean_process():
    """Neither before nor while the repairs are in place, nor in what they leave."""
    printed = run("""
        import poolcompat
        from poolcompat._others import changed_by_others

        print(changed_by_others())
        with poolcompat.patched():
            print(changed_by_others())
        print(changed_by_others(), poolcompat.is_patched())
    """)
    assert printed == "()\n()\n() False\n"


def test_a_wrapper_that_looks_like_what_it_wraps(monkeypatch):
    """It comes from where its code does, not from where functools.wraps() says."""
    wrapper = tracer.wrap(ThreadPoolExecutor.submit)
    assert wrapper.__module__ == "concurrent.futures.thread"
    monkeypatch.setattr(ThreadPoolExecutor, "submit", wrapper)
    assert changed_by_others() == (Stranger(SUBMIT, "tracer"),)


def test_a_wrapper_beneath_the_patch_and_on_top_of_it(monkeypatch):
    """Ours hides nobody, and is nobody itself."""
    shutdown = "concurrent.futures.thread.ThreadPoolExecutor.shutdown"
    theirs = tracer.wrap(ThreadPoolExecutor.shutdown)
    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", theirs)
    with poolcompat.patched():
        assert ThreadPoolExecutor.shutdown is not theirs
        assert changed_by_others() == (Stranger(shutdown, "tracer"),)
        ours = ThreadPoolExecutor.shutdown
        ThreadPoolExecutor.shutdown = others("shim").wrap(ours)
        assert changed_by_others() == (Stranger(shutdown, "shim"), Stranger(shutdown, "tracer"))
        ThreadPoolExecutor.shutdown = ours
    assert changed_by_others() == (Stranger(shutdown, "tracer"),)


def test_wrappers_around_each_other_are_all_found(monkeypatch):
    """Each of them, once."""
    wrapper = tracer.wrap(others("shim").wrap(tracer.wrap(ThreadPoolExecutor.submit)))
    monkeypatch.setattr(ThreadPoolExecutor, "submit", wrapper)
    assert changed_by_others() == (Stranger(SUBMIT, "shim"), Stranger(SUBMIT, "tracer"))


@pytest.mark.parametrize(
    "wrapper",
    [
        tracer.replacement,
        functools.partial(tracer.replacement, 1),
        staticmethod(tracer.replacement),
        types.MethodType(tracer.replacement, "bound"),
    ],
    ids=["function", "partial", "static", "bound"],
)
def test_what_a_proxy_calls(monkeypatch, wrapper):
    """The library of proxies is not who has put one there."""
    proxies = others("proxies")
    proxy = proxies.Proxy(ThreadPoolExecutor.submit, wrapper)
    monkeypatch.setattr(ThreadPoolExecutor, "submit", proxy)
    assert changed_by_others() == (Stranger(SUBMIT, "tracer"),)


@pytest.mark.skipif(not hasattr(types.CodeType, "replace"), reason="needs CodeType.replace()")
def test_a_wrapper_within_the_code(monkeypatch):
    """The function stays the same, and its new code has the wrapper for a constant."""
    code = _base.as_completed.__code__
    consts = (*code.co_consts, tracer.replacement)
    monkeypatch.setattr(_base.as_completed, "__code__", code.replace(co_consts=consts))
    found = (
        Stranger("concurrent.futures._base.as_completed", "tracer"),
        Stranger("concurrent.futures.as_completed", "tracer"),
    )
    assert changed_by_others() == found
    with poolcompat.patched():
        assert changed_by_others()[:1] == found[:1]


def test_names_that_were_given_to_other_classes(monkeypatch):
    """They are places as well, whether we change what they meant or rest on it."""
    monkeypatch.setattr(threading, "Thread", tracer.Thread)
    monkeypatch.setattr(thread, "ThreadPoolExecutor", tracer.Thread)
    assert changed_by_others() == (
        Stranger("concurrent.futures.thread.ThreadPoolExecutor", "tracer"),
        Stranger("threading.Thread", "tracer"),
    )


def test_what_is_no_function(monkeypatch):
    """A mock is found, although the repairs could not be applied now."""
    monkeypatch.setattr(_base, "wait", mock.MagicMock())
    assert Stranger("concurrent.futures._base.wait", "unittest") in changed_by_others()


def test_a_function_of_no_module(monkeypatch):
    """Its file is told."""
    nameless = others("nameless", filename="/somewhere/shim.py")
    del nameless.__name__
    monkeypatch.setattr(ThreadPoolExecutor, "submit", nameless.replacement)
    assert changed_by_others() == (Stranger(SUBMIT, "/somewhere/shim.py"),)


def test_what_makes_its_attributes_up_ends(monkeypatch):
    """However many things it says that it wraps."""

    class Endless:
        @property
        def __wrapped__(self):
            return Endless()

    monkeypatch.setattr(ThreadPoolExecutor, "submit", Endless())
    assert changed_by_others() == (Stranger(SUBMIT, "test_others"),)
