"""Threads to raise exceptions in."""

from __future__ import annotations

import threading
import traceback

from conftest import DEADLOCK_S
from poolcompat import _threads
from poolcompat.stopping import StoppableThread, ThreadTerminated


class Hit(Exception):
    """What is raised in the threads here."""


class Target(StoppableThread):
    """A thread that keeps what is raised in it."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.error = None
        self.running = threading.Event()

    def run(self):
        try:
            self.running.set()
            self.function()
        except (Hit, ThreadTerminated) as error:
            self.error = error

    def place(self):
        """Return the innermost function in which it was raised."""
        return traceback.extract_tb(self.error.__traceback__)[-1]


def start(function):
    thread = Target(function)
    thread.start()
    assert thread.running.wait(DEADLOCK_S)
    return thread


def hit(thread, exctype=Hit):
    """Interrupt a thread, as soon as it is where it can be."""
    while thread.is_alive() and not _threads.interrupt(thread, exctype):
        pass
    thread.join(DEADLOCK_S)
    assert not thread.is_alive()
