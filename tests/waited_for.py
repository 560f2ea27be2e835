"""Futures in every state, and threads that wait for them."""

from __future__ import annotations

import queue
import threading

from conftest import DEADLOCK_S
from poolcompat.monkey._defects._reproducer import tell_of_waiting


def finished(lib, value=None):
    future = lib.futures.Future()
    future.set_result(value)
    return future


def cancelled(lib):
    future = lib.futures.Future()
    future.cancel()
    return future


def watched_future(lib):
    """A future, and an event that is set when somebody begins to wait for it."""
    future, begun = lib.futures.Future(), threading.Event()
    tell_of_waiting(future, begun)
    return future, begun


def in_thread(function):
    """Call *function* in a thread; return what waits for its result."""
    results = queue.Queue()
    threading.Thread(target=lambda: results.put(function())).start()
    return lambda: results.get(timeout=DEADLOCK_S)
