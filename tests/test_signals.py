"""Threads inside system calls, which a signal wakes where the interpreter then raises (3.15)."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from conftest import DEADLOCK_S
from poolcompat import TaskStopped, _stdlib
from poolcompat.futures import ThreadPoolExecutor

pytestmark = [
    pytest.mark.skipif(
        not _stdlib.SIGNALS_RAISE_EXCEPTIONS, reason="needs system calls that signals end (3.15)"
    ),
    pytest.mark.skipif(
        threading.current_thread() is not threading.main_thread(),
        reason="needs the main thread, which alone sets handlers",
    ),
]

FOREVER_S = 10 * DEADLOCK_S


@pytest.fixture
def calls():
    """System calls that do not return by themselves."""
    ours, theirs = socket.socketpair()
    read_end, write_end = os.pipe()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield {
        "sleep": lambda: time.sleep(FOREVER_S),
        "recv": lambda: ours.recv(1),
        "select": lambda: select.select([ours], [], [], FOREVER_S),
        "read": lambda: os.read(read_end, 1),
        "wait": child.wait,
    }
    child.kill()
    child.communicate()
    ours.close()
    theirs.close()
    os.close(read_end)
    os.close(write_end)


def terminated(task, timeout=DEADLOCK_S):
    """Terminate an executor while a task runs, and return the task's future."""
    running = threading.Event()
    executor = ThreadPoolExecutor(1)
    future = executor.submit(lambda: running.set() or task())
    assert running.wait(DEADLOCK_S)
    executor.terminate_workers(grace=0, timeout=timeout)
    return future


@pytest.mark.parametrize("name", ["sleep", "recv", "select", "read", "wait"])
def test_system_calls_are_ended(calls, name):
    """The task is interrupted inside it, and the signal is what it was."""
    error = terminated(calls[name]).exception(0)
    assert isinstance(error, TaskStopped)
    assert error.reason == "interrupted"
    assert signal.getsignal(signal.SIGURG) is signal.SIG_DFL


def test_a_c_function_that_is_itself_the_task():
    """There is no Python code of the task's at all."""
    executor = ThreadPoolExecutor(1)
    future = executor.submit(time.sleep, FOREVER_S)
    while not future.running():
        pass
    executor.terminate_workers(grace=0, timeout=DEADLOCK_S)
    assert future.exception(0).reason == "interrupted"


@pytest.mark.filterwarnings("ignore::poolcompat.TerminateWarning")
def test_a_handler_of_the_programs_is_left_alone():
    """The signal is not used then, and the task is given up."""
    seen = []
    before = signal.signal(signal.SIGURG, lambda *args: seen.append(args))
    read_end, write_end = os.pipe()
    try:
        future = terminated(lambda: os.read(read_end, 1), timeout=0.05)
        assert future.exception(0).reason == "abandoned"
    finally:
        signal.signal(signal.SIGURG, before)
        os.write(write_end, b"x")
    assert seen == []


@pytest.mark.filterwarnings("ignore::poolcompat.TerminateWarning")
def test_another_thread_sets_no_handler():
    """Only the main thread may; the task is given up."""
    read_end, write_end = os.pipe()
    futures = []
    thread = threading.Thread(
        target=lambda: futures.append(terminated(lambda: os.read(read_end, 1), timeout=0.05))
    )
    thread.start()
    thread.join(DEADLOCK_S)
    assert futures[0].exception(0).reason == "abandoned"
    os.write(write_end, b"x")


def test_many_signals_leave_nothing_behind():
    """Neither a deadlock of the handler with what it interrupts, nor a word of the interpreter."""

    def spin():
        while True:
            pass

    for _ in range(50):
        assert terminated(spin).exception(0).reason == "interrupted"
        assert signal.getsignal(signal.SIGURG) is signal.SIG_DFL
