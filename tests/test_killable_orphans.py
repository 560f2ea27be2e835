"""No process is left behind when the parent of one dies, however it dies."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from conftest import DEADLOCK_S
from fresh import TESTS
from poolcompat import _stdlib
from stage import START_METHODS

pytest_plugins = "killable_fixtures"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")

PARENT = """
import multiprocessing, os, sys, threading
import killable_tasks
from poolcompat.futures import KillableThreadPoolExecutor

address, method, task = ("127.0.0.1", int(sys.argv[1])), *sys.argv[2:]
executor = KillableThreadPoolExecutor(2, mp_context=multiprocessing.get_context(method))
executor.submit(getattr(killable_tasks, task), address)
"""
SIBLING = """
while not executor._processes:
    pass
if os.fork() == 0:
    killable_tasks.hold(address, "sibling")
    os._exit(0)
"""
HOLD = """
killable_tasks.hold(address, "parent")
"""
STARTING = """
while not executor._processes:
    pass
print("starting", flush=True)
killable_tasks.wait_for_ever()
"""
LEAVE = """
killable_tasks.hold(address, "parent")
os._exit(0)
"""


@contextlib.contextmanager
def parent(stage, code, task, method="spawn"):
    """Run an executor in a process; whatever has come from it ends when its output does."""
    command = [sys.executable, "-W", "ignore", "-c", PARENT + code]
    process = subprocess.Popen(
        [*command, str(stage.address[1]), method, task], stdout=subprocess.PIPE, cwd=str(TESTS)
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def is_over(process):
    """Wait until nobody holds the output any more: no process is left."""
    process.communicate(timeout=DEADLOCK_S)
    return True


@pytest.mark.parametrize("method", START_METHODS)
@pytest.mark.parametrize("task", ["spin", "sleep_in_c", "hold_the_gil"])
def test_the_parent_is_killed(stage, method, task):
    """Whatever the child does at that moment."""
    if task == "hold_the_gil" and hasattr(sys, "pypy_version_info"):
        pytest.skip("needs ctypes.PyDLL")
    with parent(stage, HOLD, task, method) as process:
        (child,) = [actor for actor in stage.take(2) if actor.value != "parent"]
        assert child.pid != process.pid
        process.kill()
        child.wait_until_gone()
        assert is_over(process)


@pytest.mark.parametrize("task", ["spin", "hold_the_gil"])
@pytest.mark.skipif(not _stdlib.CAN_FORK, reason="needs os.fork()")
def test_a_sibling_lives_on(stage, task):
    """One that was forked from the parent, and has all that was open there."""
    if task == "hold_the_gil" and hasattr(sys, "pypy_version_info"):
        pytest.skip("needs ctypes.PyDLL")
    with parent(stage, SIBLING + HOLD, task) as process:
        actors = {actor.value: actor for actor in stage.take(3)}
        process.kill()
        actors[None].wait_until_gone()
        actors["sibling"].let_go()
        actors["sibling"].wait_until_gone()
        assert is_over(process)


@pytest.mark.parametrize("number", ["SIGTERM", "SIGSEGV", None])
def test_other_ways_to_die(stage, number):
    """By other signals, and by os._exit()."""
    with parent(stage, LEAVE, "sleep_in_c") as process:
        actors = {actor.value: actor for actor in stage.take(2)}
        if number is None:
            actors["parent"].let_go()
        else:
            process.send_signal(getattr(signal, number))
        actors[None].wait_until_gone()
        assert is_over(process)


@pytest.mark.parametrize("method", START_METHODS)
def test_the_parent_is_killed_while_the_child_is_starting(stage, method):
    """It does not come to run the task."""
    with parent(stage, STARTING, "spin", method) as process:
        assert process.stdout.readline() == b"starting\n"
        process.kill()
        assert is_over(process)
