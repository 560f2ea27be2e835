from __future__ import annotations

import sys
import threading

import pytest

from doors import IMPORT, PATCH, opened

# A wait that takes this long is a deadlock.
DEADLOCK_S = 30


@pytest.fixture(params=[IMPORT, PATCH])
def lib(request):
    """The pools behind either door: a test that takes it runs once with each."""
    with opened(request.param) as lib:
        yield lib


@pytest.fixture
def hold():
    """An event that holds threads, and lets them go when the test ends."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(autouse=True)
def _nothing_is_left_behind():
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(DEADLOCK_S)
    left = [thread.name for thread in set(threading.enumerate()) - before]
    assert not left, "threads left behind"
    if "multiprocessing.process" in sys.modules:
        assert not sys.modules["multiprocessing.process"].active_children()
