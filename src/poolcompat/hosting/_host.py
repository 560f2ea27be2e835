"""A child process, as its parent sees it.

Guarantees:

* The process ends when its parent is gone, see :mod:`._orphans`; so no other process, forked from
  this one at any time, keeps the parent's ends of the pipes open.
* A signal is only sent to a process that is known to be ours and not to have been waited for.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing import process as _process
from multiprocessing.connection import wait
from time import monotonic, sleep
from typing import Any, Callable, Iterator

from . import _wire

# The size in bytes of a call that surely fits into an empty pipe, together with some others
_SMALL = 1 << 10
# The parent's ends of all pipes, and the children's ends of those of the processes that are being
# started, by the thread that does it
_ours: set[Any] = set()
_theirs: dict[int, tuple[Any, ...]] = {}
_processes: set[Any] = set()


def _leave_parent() -> None:
    """Close in a forked child what is not meant for it."""
    mine = _theirs.pop(threading.get_ident(), ())
    others = [connection for ends in _theirs.values() for connection in ends]
    for connection in (*_ours, *others):
        if connection not in mine:
            connection.close()
    # Only their parent can wait for them, and multiprocessing's exit hook would try to.
    getattr(_process, "_children").difference_update(_processes)  # noqa: B009
    for known in (_ours, _theirs, _processes):
        known.clear()
    _leave_helpers()


def _leave_helpers() -> None:
    """Have ``multiprocessing`` start helpers of its own where it would wait for the parent's.

    A thread that does not exist here may have been about to start one.
    """
    forkserver: Any = sys.modules.get("multiprocessing.forkserver")
    if forkserver is not None:
        server = forkserver._forkserver
        server._lock = threading.Lock()
        if server._forkserver_pid is not None:
            os.close(server._forkserver_alive_fd)
            server._forkserver_authkey = server._forkserver_address = None
            server._forkserver_alive_fd = server._forkserver_pid = None
    tracker: Any = sys.modules.get("multiprocessing.resource_tracker")
    if tracker is not None:
        tracker._resource_tracker._lock = threading.RLock()
    # until 3.7
    tracker = sys.modules.get("multiprocessing.semaphore_tracker")
    if tracker is not None:
        tracker._semaphore_tracker.__init__()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_parent)


def import_starters() -> None:
    """Import what ``multiprocessing`` imports when it starts a process.

    In a child that another thread forks during that, it could never be imported.
    """
    for name in ("popen_fork", "popen_spawn_posix", "popen_forkserver"):
        with contextlib.suppress(ImportError):  # Not every system has them.
            importlib.import_module("multiprocessing." + name)


@contextlib.contextmanager
def _held_back(signals: set[Any]) -> Iterator[set[Any]]:
    """Block *signals* in this thread, and so in what it starts; give those that were not."""
    if not hasattr(signal, "pthread_sigmask"):
        yield set()
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield signals - before
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Host:
    """A child process and its pipe.

    Args:
        context: A context of ``multiprocessing``.
        target: What runs in the process, one of ``serve_…``.
        arguments: What it is called with after the pipes.
        places: How many calls it can run at once.
        max_tasks: How many it can run in total; ``None`` is any number.
    """

    def __init__(
        self,
        context: Any,
        target: Callable[..., None],
        arguments: tuple[Any, ...],
        places: int,
        max_tasks: int | None = None,
    ) -> None:
        self.places = places
        self.tasks_left = max_tasks
        #: The calls that have been sent to it and not been answered, by their number
        self.running: dict[int, Any] = {}
        self.is_ready = False
        #: Whether it has answered the last call that it was given
        self.has_answered = False
        # What is too large to wait in the pipe until it is
        self._held: list[tuple[str, int, Any]] = []
        #: What its initializer has raised
        self.failure: BaseException | None = None
        #: Whether it has been told to end
        self.is_ending = False
        #: Whether somebody else than the manager takes care of its calls
        self.is_killed = False
        #: The thread that does, and what it sets when it has
        self.killer: int | None = None
        self.buried = threading.Event()
        # Held while messages are taken from the pipe, or it is closed
        self._reading = threading.RLock()
        self._waiting = threading.RLock()
        me = threading.get_ident()
        self.connection, connection = multiprocessing.Pipe()
        # gevent's sockets, of which it then is made, do not block.
        for end in (self.connection, connection) if os.name == "posix" else ():
            os.set_blocking(end.fileno(), True)
        lifeline, self._lifeline = multiprocessing.Pipe(duplex=False)
        _ours.update((self.connection, self._lifeline))
        _theirs[me] = (connection, lifeline)
        try:
            # A Ctrl-C while it loads its modules would only make it print a traceback.  The fork
            # server would keep this for all that it starts, for others as well.
            method = context.get_start_method(allow_none=False)
            with _held_back(set() if method == "forkserver" else {signal.SIGINT}) as unblock:
                self.process = context.Process(
                    target=target, args=(connection, lifeline, unblock, *arguments)
                )
                self.process.start()
        except BaseException:
            self._close()
            raise
        finally:
            _theirs.pop(me, None)
            connection.close()
            lifeline.close()
        _processes.add(self.process)

    def free(self) -> int:
        """Return how many more calls can be sent to it."""
        if self.is_ending or self.is_killed:
            return 0
        count = self.places - len(self.running)
        return count if self.tasks_left is None else min(count, self.tasks_left)

    def send(self, *messages: tuple[str, int, Any]) -> None:
        """Send messages; if nobody takes them, the pipe's end tells so.

        Until the process is ready, large ones are kept, because nobody takes them yet.
        """
        if not self.is_ready:
            large = [it for it in messages if len(it[2]) > _SMALL]
            messages = tuple(it for it in messages if len(it[2]) <= _SMALL)
            self._held += large
        if messages:
            with contextlib.suppress(OSError):
                _wire.send(self.connection, messages)

    def become_ready(self) -> None:
        """Send what has been kept until the process is ready."""
        self.is_ready = True
        held, self._held = self._held, []
        self.send(*held)

    def receive(self) -> list[tuple[str, int, Any]] | None:
        """Return the messages of the next frame, or ``None`` if there will be none."""
        with self._reading:
            try:
                return None if self.connection.closed else _wire.receive(self.connection)
            except Exception:  # It is gone, or a task has written into the pipe, or no memory.
                return None

    def rest(self) -> list[tuple[str, int, Any]]:
        """Return the messages that a process has left that is gone."""
        messages: list[tuple[str, int, Any]] = []
        received: list[tuple[str, int, Any]] | None = []
        while received is not None:
            messages += received
            received = None
            with self._reading, contextlib.suppress(OSError):
                # What it has forked may still hold its end.
                if not self.connection.closed and self.connection.poll():
                    received = self.receive()
        return messages

    def is_alive(self) -> bool:
        """Tell whether the process lives."""
        with self._waiting:
            return bool(self.process.is_alive()) and not self._is_waited_for()

    def signal(self, kill: bool) -> None:
        """Send SIGKILL if *kill*, otherwise SIGTERM."""
        # Whoever waits for it holds the lock as well, so the id is not somebody else's meanwhile.
        with self._waiting, contextlib.suppress(OSError):
            if self.is_alive():
                (self.process.kill if kill else self.process.terminate)()

    def _is_waited_for(self) -> bool:
        """Tell whether somebody else has waited for the process, so that its id is anybody's."""
        if not hasattr(os, "waitid") or self.process._popen.method == "forkserver":
            return False
        try:
            os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return True
        return False

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the process is gone, at most *timeout* seconds; return whether it is."""
        deadline = None if timeout is None else monotonic() + timeout
        delay = 5e-5
        while self.is_alive():
            left = math.inf if deadline is None else deadline - monotonic()
            if left <= 0:
                return False
            delay = min(2 * delay, left, 0.05)
            # What it has forked may keep the sentinel open, and it may itself have closed it.
            if wait([self.process.sentinel], delay):
                sleep(delay)
        return True

    def end(self, grace: float | None) -> None:
        """Wait until the process is gone, after *grace* seconds kill it, and close the pipes."""
        if not self.join(grace):
            self.signal(kill=True)
            self.join()
        self.close()

    def close(self) -> None:
        """Close the pipes of a process that is gone."""
        _processes.discard(self.process)
        self._close()

    def _close(self) -> None:
        with self._reading:
            for connection in (self.connection, self._lifeline):
                _ours.discard(connection)
                connection.close()

    def fate(self) -> str:
        """Return how the process ended."""
        with self._waiting:
            pid, code = self.process.pid, self.process.exitcode
        if code is None:
            return f"process {pid} is gone, its exit code is unknown"
        if code >= 0:
            return f"process {pid} ended with exit code {code}"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = "unknown"
        return f"process {pid} was ended by signal {-code} ({name})"
