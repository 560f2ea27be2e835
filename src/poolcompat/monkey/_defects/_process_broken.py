"""Defects of ``ProcessPoolExecutor`` when a worker ends by itself, or its own thread does."""

from __future__ import annotations

import logging
import os
import signal
import threading
import traceback
from typing import Any

from ._processes import Gate, end_with_parent, manager_held, process_pool
from ._reproducer import FORK, defect, provoked, replace, silence_log

# More than there is place for in a pipe
BIG = bytes(1_000_000)


@defect("process-crash-big-data", FORK)
def _(lib: Any) -> None:
    with Gate() as gate, process_pool(lib) as executor:
        with manager_held(executor, gate):
            # So that there are calls behind the first one when that ends
            futures = [executor.submit(gate.crash, BIG) for _ in range(5)]
            gate.open()
        provoked()
        for future in futures:
            assert isinstance(future.exception(), lib.futures.process.BrokenProcessPool)


@defect("process-crash-callback-submit-deadlock", FORK)
def _(lib: Any) -> None:
    refusals: list[type[Exception]] = []
    told = threading.Event()

    def submit_again(_: Any) -> None:
        try:
            executor.submit(int)
        except lib.futures.process.BrokenProcessPool as error:
            refusals.append(type(error))  # Its traceback would hold the thread.
        told.set()

    with Gate() as gate, process_pool(lib) as executor:
        executor.submit(gate.crash).add_done_callback(submit_again)
        provoked()
        gate.open()
        told.wait()
        assert len(refusals) == 1


@defect("process-crash-with-cancelled-future", FORK)
def _(lib: Any) -> None:
    with Gate() as gate, process_pool(lib) as executor:
        running, *_, cancelled, pending = [executor.submit(gate.crash) for _ in range(5)]
        gate.wait()
        assert cancelled.cancel()
        provoked()
        gate.open()
        for future in (running, pending):
            assert isinstance(future.exception(), lib.futures.process.BrokenProcessPool)
        assert cancelled.cancelled()


def fail_to_start() -> None:
    end_with_parent()
    # That it is logged, is in order.
    logging.disable(logging.CRITICAL)
    raise KeyError("setting")


@defect("process-initializer-cause", FORK)
def _(lib: Any) -> None:
    silence_log()
    with process_pool(lib, initializer=fail_to_start) as executor:
        futures = [executor.submit(int) for _ in range(2)]
        provoked()
        for future in futures:
            error = future.exception()
            assert isinstance(error, lib.futures.process.BrokenProcessPool)
            assert repr(error.__cause__) == repr(KeyError("setting"))


def broken_by(lib: Any, end: tuple[Any, ...]) -> str:
    """Have a worker end by *end*, and return all that the future tells of it."""
    with process_pool(lib) as executor:
        error = executor.submit(*end).exception()
    assert isinstance(error, lib.futures.process.BrokenProcessPool)
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def tell_exit_codes_late() -> None:
    """Have the first question for an exit code come too early, as it does now and then."""
    waitpid = os.waitpid
    asked: set[int] = set()

    def wait(pid: int, options: int) -> tuple[int, int]:
        if options & os.WNOHANG and pid not in asked:
            asked.add(pid)
            return 0, 0
        return waitpid(pid, options)

    replace(os, "waitpid", wait)


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@defect("process-broken-exit-code", FORK)
def _(lib: Any) -> None:
    tell_exit_codes_late()
    provoked()
    assert "exit code 3" in broken_by(lib, (os._exit, 3))
    text = broken_by(lib, (kill_itself,))
    assert "SIGKILL" in text or "exit code -9" in text


@defect("process-shared-broken-exception", FORK)
def _(lib: Any) -> None:
    with Gate() as gate, process_pool(lib) as executor:
        futures = [executor.submit(gate.crash) for _ in range(4)]
        gate.open()
        provoked()
        assert len({id(future.exception()) for future in futures}) == len(futures)


@defect("process-manager-dies-on-callback-baseexception", FORK)
def _(lib: Any) -> None:
    silence_log()
    errors = [SystemExit, KeyboardInterrupt, GeneratorExit]

    def raise_next(_: Any) -> None:
        raise errors.pop()

    with Gate() as gate, process_pool(lib) as executor:
        futures = [executor.submit(gate.hold) for _ in errors]
        for future in futures:
            future.add_done_callback(raise_next)
        provoked()
        gate.open(len(futures))
        assert executor.submit(int).result() == 0
        assert errors == []


@defect("process-manager-dies-on-invalid-state", FORK)
def _(lib: Any) -> None:
    silence_log()
    with Gate() as gate, process_pool(lib) as executor:
        running = executor.submit(gate.hold)
        gate.wait()
        running.set_result("own")
        provoked()
        gate.open()
        assert executor.submit(int).result() == 0
