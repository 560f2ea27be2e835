"""Tasks for the process of a ``KillableThreadPoolExecutor``.

The process imports this module, so it imports nothing slow.  When a task runs, it calls the test at
the address of its :class:`stage.Stage`; the line ends with the task's process, at the latest.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import stat
import struct
import threading
import time

# No process outlives a failed test for longer.
LIFE_S = 60

kept = threading.local()


def call(address, value=None):
    """Tell the test who runs, and return the line."""
    line = socket.create_connection(tuple(address), LIFE_S)
    who = [os.getpid(), threading.current_thread().name, value]
    line.sendall(json.dumps(who).encode() + b"\n")
    return line


def hold(address, value=None):
    """Stay until let go, or until the test is over."""
    with call(address, value) as line:
        line.recv(1)
    return value


def who():
    return os.getpid(), threading.current_thread().name


def echo(*values):
    return values


def add(one, two=0):
    return one + two


def say(word):
    print(word, flush=True)
    return word


def fail(error):
    raise error


def noted(path, word):
    """Write *word* to the end of a file, as one step."""
    with open(path, "a") as file:
        file.write(word + "\n")
    return word


# What initializers do


def keep(*values):
    kept.values = (*values, threading.current_thread().name)


def what_is_kept():
    return kept.values, threading.current_thread().name


# What goes on until its process ends


def spin(address):
    line = call(address)
    until = time.monotonic() + LIFE_S
    while time.monotonic() < until:
        pass
    line.close()


def sleep_in_c(address):
    line = call(address)
    time.sleep(LIFE_S)
    line.close()


def hold_the_gil(address):
    import ctypes

    line = call(address)
    ctypes.PyDLL(None).sleep(LIFE_S)
    line.close()


def wait_for_ever(*_):
    threading.Event().wait(LIFE_S)


# What ends its process


def leave(status, address=None):
    """Exit; given an address, not until let go."""
    if address is not None:
        hold(address)
    os._exit(status)


def kill_self(number=signal.SIGTERM, address=None):
    if address is not None:
        hold(address)
    os.kill(os.getpid(), number)
    wait_for_ever()


def leave_a_child_behind(address):
    """Fork a process that is held, with all that is open here, then exit."""
    if os.fork() == 0:
        try:
            hold(address, "child of the child")
        finally:
            os._exit(0)
    hold(address, "child")
    os._exit(3)


# What tampers with the pipe


def pipes():
    """Return the descriptors of the local sockets of this process, by what they lead to."""
    found = {}
    for descriptor in range(3, 256):
        try:
            status = os.fstat(descriptor)
        except OSError:
            continue
        if stat.S_ISSOCK(status.st_mode):
            with socket.socket(fileno=os.dup(descriptor)) as copy:
                if copy.family == getattr(socket, "AF_UNIX", None):
                    found[status.st_ino] = descriptor
    return found


def close_everything(address, goes_on=True):
    """Be left with no descriptor."""
    hold(address)
    os.closerange(3, 256)
    if goes_on:
        wait_for_ever()


def write_to_pipes(address, data, status=None):
    """Write what is no message; then exit, or go on."""
    hold(address)
    found = pipes()
    for descriptor in found.values():
        os.write(descriptor, data)
    if not found:
        return "no pipe was found"
    if status is not None:
        os._exit(status)
    return wait_for_ever()


HALF_A_MESSAGE = struct.pack("!i", 1000) + b"x" * 10
NO_MESSAGE = struct.pack("!i", 10) + b"x" * 10


# What cannot be pickled, or not be made again of what was pickled

ERRORS = {"exception": LookupError, "exit": SystemExit, "interrupt": KeyboardInterrupt}


def go_wrong(kind):
    if kind == "recursion":
        go_wrong(kind)
    raise ERRORS[kind]("on purpose")


class NotPickled:
    def __init__(self, kind):
        self.kind = kind

    def __reduce__(self):
        return go_wrong(self.kind)


class NotUnpickled:
    def __init__(self, kind):
        self.kind = kind

    def __reduce__(self):
        return go_wrong, (self.kind,)


class NotPickledError(Exception):
    __reduce__ = NotPickled.__reduce__

    def __init__(self, kind):
        super().__init__("raised by the task")
        self.kind = kind


class NotUnpickledError(NotPickledError):
    __reduce__ = NotUnpickled.__reduce__


class TwoArgumentsError(Exception):
    """As many are written: it can be pickled, and not be made again."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


class FailsWithItself:
    """What goes wrong when it is pickled cannot be pickled either."""

    def __reduce__(self):
        raise NotPickledError("exception")


def make(cls, *args):
    return cls(*args)


def fail_with(cls, *args):
    raise cls(*args)


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def error_of_pickling(cls, *args):
    """Return the class of what pickle raises here."""
    try:
        pickle.dumps(cls(*args))
    except BaseException as error:
        return type(error)
    return None
