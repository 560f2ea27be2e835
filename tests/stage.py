"""Where tasks in other processes call in, and wait to be let go; see :mod:`killable_tasks`."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import socket
import threading
import time

from conftest import DEADLOCK_S
from killable_tasks import add
from outcomes import error_of

START_METHODS = multiprocessing.get_all_start_methods()


class Stage:
    """Takes the calls of tasks."""

    def __init__(self):
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self._listener.settimeout(DEADLOCK_S)
        self.address = self._listener.getsockname()
        self._actors = []

    def next(self):
        """Return the next task that calls."""
        line, _ = self._listener.accept()
        self._actors.append(Actor(line))
        return self._actors[-1]

    def take(self, count):
        return [self.next() for _ in range(count)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Let all of them go."""
        self._listener.close()
        for actor in self._actors:
            actor.close()


class Actor:
    """A task that has called: the process and the thread it runs in, and a value."""

    def __init__(self, line):
        line.settimeout(DEADLOCK_S)
        self._line, self._file = line, line.makefile("r")
        self.pid, self.thread, self.value = json.loads(self._file.readline())

    def let_go(self):
        self._line.sendall(b".")

    def hear(self):
        """Return what it says next; nothing if it has gone."""
        try:
            return self._file.readline().strip()
        except ConnectionError:
            return ""

    def wait_until_gone(self):
        assert self.hear() == ""

    def close(self):
        self._file.close()
        self._line.close()


def exists(pid):
    """Tell whether there is such a process, be it one that nobody has waited for yet."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(condition):
    """For what tells nobody that it has happened."""
    deadline = time.monotonic() + DEADLOCK_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def outcome(future):
    """Return what the future raises, or ``None``; it must be done soon."""
    return error_of(lambda: future.result(DEADLOCK_S))


def is_killed(future):
    """Tell whether it is done now, as that of a running task whose process was killed."""
    assert future.done()
    if future.cancelled():
        return False
    return getattr(future.exception(0), "reason", None) == "killed"


def is_cancelled(future):
    assert future.done()
    return future.cancelled()


def ends(executor, kill):
    """Call it, and see to it that the process is gone when it returns."""
    processes = dict(executor._processes or {})
    assert getattr(executor, kill)() is None
    for pid, process in processes.items():
        assert not process.is_alive()
        if process._start_method != "forkserver":
            assert not exists(pid)
    assert not set(multiprocessing.active_children()) & set(processes.values())


def is_ready_or_over(executor, restart):
    """Tell whether it takes work as it should: only with *restart*."""
    if restart:
        return executor.submit(add, 1).result(DEADLOCK_S) == 1
    error = error_of(lambda: executor.submit(add, 1))
    return type(error) is RuntimeError and "after shutdown" in str(error)


@contextlib.contextmanager
def nothing_left_behind():
    """As the fixture of that name, beside processes that were there before."""
    threads = set(threading.enumerate())
    processes = set(multiprocessing.active_children())
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(DEADLOCK_S)
    assert not set(threading.enumerate()) - threads
    assert not set(multiprocessing.active_children()) - processes
