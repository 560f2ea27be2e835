"""The defect of ``ProcessPoolExecutor`` under Ctrl-C, which is provoked in a session of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from typing import Any, Callable

from ._child import child_command
from ._doors import opened
from ._processes import Gate, end_with_parent, make_executor
from ._reproducer import FORK, defect, provoked, until_exit

NAME = "process-ctrl-c"


def stay(gate: Gate) -> bytes:
    """A task that goes on however it is interrupted, until it is let go."""
    while True:
        try:
            os.write(gate.begin, b".")
            return os.read(gate.left, 1)
        except KeyboardInterrupt:
            pass


def tell_that_it_runs() -> None:
    os.write(1, b"task\n")


def fill(executor: Any) -> None:
    """Have the executor busy with a task that goes on until those behind it are cancelled."""
    gate = Gate()
    executor.submit(stay, gate)
    gate.wait()
    futures = [executor.submit(tell_that_it_runs) for _ in range(5)]
    # More than once: an interrupt may come when that has just been read.
    futures[-1].add_done_callback(lambda _: gate.open(2))


def wait_for_ctrl_c() -> None:
    never = threading.Event()
    print("ready", flush=True)
    while True:
        # Not for ever: a free-threaded interpreter may not be woken by a signal.
        never.wait(0.1)


def interrupted_in_with(lib: Any) -> None:
    with make_executor(lib) as executor:
        fill(executor)
        wait_for_ctrl_c()


def interrupted_outside(lib: Any) -> None:
    executor = make_executor(lib)
    fill(executor)
    wait_for_ctrl_c()


def interrupted_when_idle(lib: Any) -> None:
    with Gate() as gate, make_executor(lib, 2) as executor:
        futures = [executor.submit(gate.hold) for _ in range(2)]
        gate.wait(2)
        gate.open(2)
        assert [future.result() for future in futures] == [None] * 2
        wait_for_ctrl_c()


def main(door: str, name: str) -> None:
    end_with_parent()
    with opened(door, only=[NAME]) as lib:
        until_exit(lib, NAME)
        globals()[name](lib)


def said_after_ctrl_c(door: str, program: Callable[[Any], None]) -> tuple[str, str]:
    """Run one of these programs, press Ctrl-C, and return what all its processes print."""
    command = [*child_command(__name__ + ":main"), door, program.__name__]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        start_new_session=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        os.killpg(child.pid, signal.SIGINT)
        return child.communicate()


@defect(NAME, FORK)
def _(lib: Any) -> None:
    provoked()
    for program in (interrupted_in_with, interrupted_outside, interrupted_when_idle):
        output, errors = said_after_ctrl_c(lib.door, program)
        assert output == ""
        # It is the program's own that is printed, and nobody else's.
        assert errors.splitlines().count("KeyboardInterrupt") == 1
