"""How executors with processes end: ``shutdown()``, ``kill_workers()``, the interpreter's exit."""

from __future__ import annotations

import sys
import threading
import warnings
from time import monotonic
from typing import TYPE_CHECKING, Iterable

from .. import _stdlib
from .._calling import call_each
from ..stopping._report import TerminateWarning
from ..stopping._task_stopped import TaskStopped
from ._future import cancel_for_good

if TYPE_CHECKING:
    from ..hosting._host import Host
    from ._engine import Engine

# How long a process has to end that is asked to by a signal
_SIGNAL_GRACE = 1.0


def shut_down(engine: Engine, wait: bool, cancel_futures: bool) -> None:
    """Do what ``shutdown()`` says."""
    with engine.lock:
        engine.is_closed = True
        engine.is_cancelling = engine.is_cancelling or cancel_futures
        dropped = engine.drop_waiting() if cancel_futures else []
    engine.ring()
    call_each(cancel_for_good, dropped)
    if wait:
        join(engine)


def join(engine: Engine, timeout: float | None = None) -> None:
    """Wait until an executor that takes no more work has none.

    Neither the manager waits, nor a signal handler that has interrupted what the manager needs.
    """
    thread = engine.manager.thread if engine.manager is not None else None
    is_needed = thread is threading.current_thread() or engine.lock._is_owned()
    if thread is not None and not is_needed:
        thread.join(timeout)


def request_stop(engine: Engine) -> int:
    """Do what ``request_stop()`` says."""
    dropped = engine.drop_waiting()
    calls = [call for host in list(engine.hosts) for call in list(host.running.values())]
    for call in calls:
        if engine.manager is not None:
            engine.manager.ask(call.number)
    call_each(cancel_for_good, dropped)
    return len(calls)


def kill(engine: Engine, by_force: bool, for_good: bool) -> None:
    """End the processes and, unless *for_good* is false, the executor.

    Args:
        engine: Its engine.
        by_force: Whether they cannot refuse.
        for_good: Whether no other process runs what has not begun.
    """
    me = threading.get_ident()
    with engine.lock:
        dropped = []
        if for_good:
            engine.is_closed = True
            dropped = engine.drop_waiting()
        mine = [host for host in engine.hosts if not host.is_killed]
        for host in mine:
            host.is_killed, host.killer = True, me
        engine.dying.update(mine)
        dying = list(engine.dying)
    for host in mine:
        host.signal(kill=by_force)
    try:
        call_each(lambda host: _bury(engine, host, for_good), mine)
    finally:
        engine.ring()
        call_each(cancel_for_good, dropped)
    for host in dying:
        # One that another thread kills, but not if this is called by one of its callbacks
        if host.killer != me:
            host.buried.wait()


def _bury(engine: Engine, host: Host, for_good: bool) -> None:
    try:
        if not host.join(_SIGNAL_GRACE):
            host.signal(kill=True)
            host.join()
        # What it has answered before
        if engine.manager is not None:
            engine.manager.handle(host, host.rest())
        for call in engine.take_running(host, put_back=not for_good):
            if call.future._state == _stdlib.PENDING:
                cancel_for_good(call.future)
            else:
                call.fail(TaskStopped("killed"))
    finally:
        engine.dying.discard(host)
        host.buried.set()


def end_at_exit(engines: Iterable[Engine]) -> None:
    """Wait until the work is done, or as long as it may hold up the exit of the interpreter."""
    engines = list(engines)
    # Set when the program was ended by an exception
    is_interrupted = getattr(sys, "last_type", None) is KeyboardInterrupt
    for engine in engines:
        shut_down(engine, wait=False, cancel_futures=is_interrupted)
    begun = monotonic()
    count = 0
    for engine in engines:
        grace = engine.plan.end_grace
        join(engine, None if grace is None else _stdlib.remaining(begun + grace))
        if engine.manager is not None and engine.manager.thread.is_alive():
            count += sum(len(host.running) for host in list(engine.hosts))
            kill(engine, by_force=True, for_good=True)
            join(engine, _SIGNAL_GRACE)  # A done-callback may hang as well.
    if count:
        warnings.warn(
            TerminateWarning(f"tasks that held up the end of the program were killed: {count}"),
            stacklevel=2,
        )
