"""A program in the place of those that provoke defects; see :mod:`test_verifying`."""

from __future__ import annotations

import os
import sys
import threading

import killable_tasks

# Where those call that hang
ADDRESS = "POOLCOMPAT_TEST_ADDRESS"


def provoke(name, door):
    """Do what the name says, with a name for each door if they are divided by commas."""
    doors = dict(part.split("=") for part in name.split(",")) if "=" in name else {}
    globals()[doors.get(door, "well" if doors else name)]()


def provoked():
    print("provoked", flush=True)


def well():
    provoked()


def well_with_a_word():
    provoked()
    print("first\nlast", file=sys.stderr)


def fail():
    provoked()
    raise KeyError("reason")


def fail_before():
    raise KeyError("too soon")


def leave():
    provoked()
    sys.exit(3)


def look_around():
    provoked()
    assert os.listdir(os.curdir) == []


def lack():
    print("needs wings", flush=True)


def hang():
    provoked()
    hang_before()


def hang_before():
    if ADDRESS in os.environ:
        host, port = os.environ[ADDRESS].split(":")
        line = killable_tasks.call((host, int(port)))
        assert line.fileno() >= 0  # open as long as this process lives
    threading.Event().wait()


def hang_with_child():
    if os.fork() == 0:
        hang_before()
    hang()
