"""Tasks of executors whose ``terminate_workers()`` is called, and what comes of them."""

from __future__ import annotations

import threading

import pytest

from conftest import DEADLOCK_S
from poolcompat import TaskStopped
from poolcompat.stopping import current_stop_event


class Task:
    """A task that says that it runs, and then does something."""

    def __init__(self, function):
        self.running = threading.Event()
        self.function = function

    def __call__(self):
        self.running.set()
        return self.function()


def running(executor, *functions):
    """Have functions run in an executor, and return their futures once they do."""
    tasks = [Task(function) for function in functions]
    futures = [executor.submit(task) for task in tasks]
    for task in tasks:
        assert task.running.wait(DEADLOCK_S)
    return futures


def reason_of(future):
    with pytest.raises(TaskStopped) as caught:
        future.result(DEADLOCK_S)
    return caught.value.reason


def spin():
    while True:
        pass


def until_asked():
    current_stop_event().wait(DEADLOCK_S)
    return "cleaned up"
