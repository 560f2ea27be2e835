"""The defect of ``ProcessPoolExecutor`` under Ctrl-C, which is provoked in a session of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

from defects_executor import until_exit
from doors import PATCH, opened
from processes import Gate, end_with_parent, make_executor
from reproducer import defect, provoked

NAME = "process-ctrl-c"


def stay(gate):
    """A task that goes on however it is interrupted, until it is let go."""
    while True:
        try:
            os.write(gate.begin, b".")
            return os.read(gate.left, 1)
        except KeyboardInterrupt:
            pass


def tell_that_it_runs():
    os.write(1, b"task\n")


def fill(executor):
    """Have the executor busy with a task that goes on until those behind it are cancelled."""
    gate = Gate()
    executor.submit(stay, gate)
    gate.wait()
    futures = [executor.submit(tell_that_it_runs) for _ in range(5)]
    # More than once: an interrupt may come when that has just been read.
    futures[-1].add_done_callback(lambda _: gate.open(2))


def wait_for_ctrl_c():
    never = threading.Event()
    print("ready", flush=True)
    while True:
        # Not for ever: a free-threaded interpreter may not be woken by a signal.
        never.wait(0.1)


def interrupted_in_with(lib):
    with make_executor(lib) as executor:
        fill(executor)
        wait_for_ctrl_c()


def interrupted_outside(lib):
    executor = make_executor(lib)
    fill(executor)
    wait_for_ctrl_c()


def interrupted_when_idle(lib):
    with Gate() as gate, make_executor(lib, 2) as executor:
        futures = [executor.submit(gate.hold) for _ in range(2)]
        gate.wait(2)
        gate.open(2)
        assert [future.result() for future in futures] == [None] * 2
        wait_for_ctrl_c()


def main(door, name):
    end_with_parent()
    options = {"only": [NAME]} if door == PATCH else {}
    with opened(door, **options) as lib:
        until_exit(lib, NAME)
        globals()[name](lib)


def said_after_ctrl_c(door, program):
    """Run one of these programs, press Ctrl-C, and return what all its processes print."""
    command = [sys.executable, __file__, door, program.__name__]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "universal_newlines": True}
    with subprocess.Popen(command, start_new_session=True, **pipes) as child:
        assert child.stdout.readline() == "ready\n"
        os.killpg(child.pid, signal.SIGINT)
        return child.communicate()


@defect(NAME)
def _(lib):
    provoked()
    for program in (interrupted_in_with, interrupted_outside, interrupted_when_idle):
        output, errors = said_after_ctrl_c(lib.door, program)
        assert output == ""
        # It is the program's own that is printed, and nobody else's.
        assert errors.splitlines().count("KeyboardInterrupt") == 1


if __name__ == "__main__":
    main(*sys.argv[1:])
