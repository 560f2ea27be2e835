"""Tasks that tell when they run, and go on until they are asked to stop, or for ever."""

from __future__ import annotations

import threading

import pytest

from conftest import DEADLOCK_S
from poolcompat import _threads
from poolcompat.stopping import current_stop_event, stop_requested

needs_interrupts = pytest.mark.skipif(
    not _threads.can_interrupt(), reason="needs asynchronous exceptions"
)


def until_asked(started, value=None):
    started.release()
    current_stop_event().wait(DEADLOCK_S)
    return value, stop_requested()


def spin(started):
    started.release()
    while True:
        pass


def park(started):
    started.release()
    threading.Event().wait()


def wait_for(started, count=1):
    for _ in range(count):
        assert started.acquire(timeout=DEADLOCK_S)
