"""What runs in a process of a pool: one thread takes messages, and calls run in it or in others.

Guarantees:

* Whatever a call, its arguments or its result do, the answer is about that call alone.
* The process ends when its parent is gone.

Assumption: the parent sends a call only if there is a place for it, and ``END`` only when all calls
have been answered.
"""

from __future__ import annotations

import functools
import os
import signal
from typing import Any, Callable

from . import _wire
from ._orphans import end_with_parent
from ._performing import failure_of, perform


def settle_in(connection: Any, lifeline: Any, unblock: Any) -> None:
    """Prepare this process, in its main thread.

    Args:
        connection: The pipe to the parent.
        lifeline: A pipe whose other end the parent holds as long as it lives.
        unblock: The signals that were blocked while the process was started.
    """
    end_with_parent(lifeline)
    # Processes that a call forks must not keep the pipe open when this one is gone.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=connection.close)
    if unblock:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, unblock)


def receive(connection: Any) -> list[tuple[str, int, Any]]:
    """Return the next messages, or end the process if nobody sends any more."""
    try:
        return _wire.receive(connection)
    except Exception:  # The parent is gone, or there is no memory.
        os._exit(1)


def send(connection: Any, *messages: tuple[str, int, Any]) -> None:
    """Send messages, or end the process if nobody takes them any more."""
    try:
        _wire.send(connection, messages)
    except OSError:
        os._exit(1)


def tried(initializer: Callable[[], object], send: Callable[[tuple[str, int, Any]], None]) -> bool:
    """Call an initializer, and tell the parent if it fails, and the caller whether it returned."""
    try:
        initializer()
    except BaseException as error:
        import logging

        logger = logging.getLogger("concurrent.futures")
        logger.critical("Exception in initializer:", exc_info=True)
        send((_wire.FAILED, 0, failure_of(error)))
        return False
    return True


class _Interrupts:
    """Ctrl-C, which reaches a call that runs, and otherwise nothing."""

    def __init__(self) -> None:
        self._is_calling = False
        self._handler: Any = signal.getsignal(signal.SIGINT)
        if callable(self._handler):
            signal.signal(signal.SIGINT, self._handle)

    def _handle(self, signum: int, frame: Any) -> None:
        if self._is_calling:
            self._handler(signum, frame)

    def call(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        try:
            self._is_calling = True
            return fn(*args, **kwargs)
        finally:
            self._is_calling = False


def serve_calls(
    connection: Any,
    lifeline: Any,
    unblock: Any,
    initializer: Callable[..., object] | None,
    initargs: Any,
) -> None:
    """Run calls in this thread, for ``ProcessPoolExecutor``."""
    interrupts = _Interrupts()
    settle_in(connection, lifeline, unblock)
    if initializer is not None and not tried(
        functools.partial(interrupts.call, initializer, initargs, {}),
        functools.partial(send, connection),
    ):
        return
    send(connection, (_wire.READY, 0, b""))
    while True:
        for kind, number, body in receive(connection):
            if kind == _wire.END:
                return
            if kind != _wire.CALL:
                continue
            answer = perform(body, interrupts.call)
            del body
            send(connection, (answer[0], number, answer[1]))
            # Nothing of a call is kept while the process waits for the next.
            del answer
