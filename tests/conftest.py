from __future__ import annotations

import sys
import threading

import pytest

from doors import IMPORT, PATCH, opened

# A wait that takes this long is a deadlock.
DEADLOCK_S = 30


class Held:
    """Tasks that stay where they are until they are let go."""

    def __init__(self):
        self.started = threading.Semaphore(0)
        self.event = threading.Event()

    def task(self, value=None):
        self.started.release()
        self.event.wait(DEADLOCK_S)
        return value

    def wait_until_running(self, count=1):
        for _ in range(count):
            assert self.started.acquire(timeout=DEADLOCK_S)

    def let_go(self):
        self.event.set()


@pytest.fixture(params=[IMPORT, PATCH])
def lib(request):
    """The pools behind either door: a test that takes it runs once with each."""
    with opened(request.param) as lib:
        yield lib


@pytest.fixture
def pool(lib):
    """A pool with two threads, which must end by itself."""
    pool = lib.pool.ThreadPool(2)
    yield pool
    pool.close()
    pool.join()


@pytest.fixture
def hold():
    """An event that holds threads, and lets them go when the test ends."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def held():
    """Tasks that are let go when the test ends."""
    held = Held()
    yield held
    held.let_go()


@pytest.fixture
def started():
    """What a task releases when it runs."""
    return threading.Semaphore(0)


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
